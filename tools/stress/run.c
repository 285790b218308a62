/* See run.h. */
#include "tools/stress/run.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/stress/clock.h"
#include "tools/stress/proc.h"

#define POINT_NS 250000000ull   /* between two points, until there are too many */
#define SHOW_NS 200000000ull
#define STALL_NS 25000000000ull /* nothing has come for so long: nothing will; peers that lost their registry try at least every 10 s */
#define SETTLED_NS 2000000000ull /* no connection was opened for so long: none is wanted; */
#define SETTLE_NS 120000000000ull /* or it takes too long to wait for */
#define S 1e-9

static volatile sig_atomic_t signal_number;
static uint64_t point_ns = POINT_NS;

static void
on_signal(int number)
{
    signal_number = number;
}

bool
stress_run_stopped(void)
{
    return signal_number != 0;
}

int
stress_run_signal(void)
{
    return signal_number;
}

void
stress_run_go_on(void)
{
    signal_number = 0;
}

static void
catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)sigaction(numbers[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* ---- processes ---- */

static void
find_daemon(const struct stress_run *self, struct stress_proc *proc)
{
    stress_proc_find(proc, self->daemon.pid > 0 ? self->daemon.pid : (pid_t)self->options->pid);
}

static void
find_clients(const struct stress_run *self, struct stress_proc *proc)
{
    *proc = (struct stress_proc){.count = self->world->workers};
    for (uint32_t w = 0; w < self->world->workers; w++)
        proc->pids[w] = self->world->worker[w].pid;
}

static double
daemon_cpu_s(const struct stress_run *self)
{
    struct stress_proc proc;

    find_daemon(self, &proc);
    return self->cpu_gone_s + stress_proc_cpu_s(&proc);
}

static double
clients_cpu_s(const struct stress_run *self)
{
    struct stress_proc proc;

    find_clients(self, &proc);
    return stress_proc_cpu_s(&proc);
}

void
stress_run_keep_cpu(struct stress_run *self)
{
    self->cpu_gone_s = daemon_cpu_s(self);
}

void
stress_run_sessions(struct stress_run *self, bool there)
{
    struct stress_proc proc;

    find_daemon(self, &proc);
    const uint64_t kb = stress_proc_rss_kb(&proc);
    self->result.sees_daemon = proc.count > 0;
    if (!there)
        self->rss_before_kb = kb;
    else
        self->result.rss_per_session_b = kb > self->rss_before_kb ? (double)(kb - self->rss_before_kb) * 1024 / self->world->peers : 0;
}

/* ---- points and progress ---- */

static void
sum_latency(const struct stress_world *world, struct stress_record *all)
{
    *all = (struct stress_record){0};
    for (uint32_t w = 0; w < world->workers; w++)
        stress_record_merge(all, &world->worker[w].latency);
}

static uint64_t
more(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Each two become one, with the worse p99 and max, and those to come are twice
 * as far apart. */
static void
thin(struct stress_result *result)
{
    for (uint32_t i = 0; i < result->points_count / 2; i++) {
        const struct stress_point *first = &result->points[2 * i];
        struct stress_point both = result->points[2 * i + 1];
        both.said_per_s = (both.said_per_s + first->said_per_s) / 2;
        both.got_per_s = (both.got_per_s + first->got_per_s) / 2;
        both.p50_ns = (both.p50_ns + first->p50_ns) / 2;
        both.p99_ns = more(both.p99_ns, first->p99_ns);
        both.max_ns = more(both.max_ns, first->max_ns);
        result->points[i] = both;
    }
    result->points_count /= 2;
    point_ns *= 2;
}

static uint64_t
counted(const struct stress_world *world)
{
    return STRESS_WORLD_SUM(world, got) + (STRESS_WORLD_SUM(world, said) == 0 ? STRESS_WORLD_SUM(world, done) : 0);
}

static void
sample(struct stress_run *self, uint64_t now_ns)
{
    static struct stress_record now, since;
    struct stress_result *result = &self->result;
    struct stress_proc proc;

    if (result->points == NULL || now_ns < self->sampled_ns + point_ns)
        return;
    if (result->points_count == STRESS_POINTS_MAX)
        thin(result);
    const double span_s = (double)(now_ns - self->sampled_ns) * S;
    const uint64_t said = STRESS_WORLD_SUM(self->world, said), got = counted(self->world);
    sum_latency(self->world, &now);
    stress_record_since(&since, &now, &self->sampled);
    struct stress_point *point = &result->points[result->points_count++];
    *point = (struct stress_point){.at_s = (double)(now_ns - self->start_ns) * S,
                                   .said_per_s = (double)(said - self->sampled_said) / span_s,
                                   .got_per_s = (double)(got - self->sampled_got) / span_s,
                                   .p50_ns = stress_record_quantile(&since, 0.5),
                                   .p99_ns = stress_record_quantile(&since, 0.99),
                                   .max_ns = since.max_ns};
    find_daemon(self, &proc);
    point->daemon_own_kb = stress_proc_own_kb(&proc);
    point->daemon_fds = stress_proc_descriptors(&proc);
    find_clients(self, &proc);
    point->client_own_kb = stress_proc_own_kb(&proc);
    point->client_fds = stress_proc_descriptors(&proc);
    self->sampled = now;
    self->sampled_ns = now_ns;
    self->sampled_said = said;
    self->sampled_got = got;
}

static void
show(struct stress_run *self, uint64_t now_ns)
{
    if (isatty(STDERR_FILENO) == 0 || now_ns < self->shown_ns + SHOW_NS)
        return;
    self->shown_ns = now_ns;
    const uint64_t due = STRESS_WORLD_SUM(self->world, due), got = STRESS_WORLD_SUM(self->world, got);
    fprintf(stderr, "\r\033[K%s: %s, %llu of %u online, %llu done, %llu of %llu delivered", stress_options_scenario(self->options->scenario),
            self->phase, (unsigned long long)STRESS_WORLD_SUM(self->world, online), (unsigned)self->world->peers,
            (unsigned long long)STRESS_WORLD_SUM(self->world, done), (unsigned long long)got, (unsigned long long)due);
}

static void
tick(struct stress_run *self)
{
    const uint64_t now_ns = stress_clock_ns();

    if (self->measuring)
        sample(self, now_ns);
    show(self, now_ns);
}

/* ---- orders ---- */

static bool
finish(struct stress_run *self)
{
    for (;;) {
        const enum stress_crew_news news = stress_crew_wait(self->world, 20, self->why, sizeof self->why);
        if (news == STRESS_CREW_DONE)
            return true;
        if (news == STRESS_CREW_DEAD || stress_run_stopped())
            return false;
        tick(self);
    }
}

bool
stress_run_order(struct stress_run *self, const struct stress_order *order)
{
    stress_crew_give(self->world, order);
    return finish(self);
}

bool
stress_run_hold(struct stress_run *self, double seconds)
{
    const uint64_t until_ns = stress_clock_ns() + (uint64_t)(seconds * 1e9);

    for (uint64_t now_ns; (now_ns = stress_clock_ns()) < until_ns;) {
        const uint64_t left_ms = (until_ns - now_ns) / 1000000u + 1;
        if (stress_crew_wait(self->world, left_ms < 20 ? (int)left_ms : 20, self->why, sizeof self->why) == STRESS_CREW_DEAD)
            return false;
        if (stress_run_stopped())
            return false;
        tick(self);
    }
    return true;
}

bool
stress_run_settle(struct stress_run *self)
{
    struct stress_proc proc;
    uint64_t before = 0, since_ns = 0;
    const uint64_t until_ns = stress_clock_ns() + SETTLE_NS;

    find_clients(self, &proc);
    for (uint64_t now_ns; (now_ns = stress_clock_ns()) < until_ns;) {
        const uint64_t count = stress_proc_descriptors(&proc);
        if (count != before)
            since_ns = now_ns;
        before = count;
        if (now_ns > since_ns + SETTLED_NS)
            return true;
        if (!stress_run_hold(self, 0.1))
            return false;
    }
    return true;
}

bool
stress_run_enough(struct stress_run *self)
{
    stress_crew_enough(self->world);
    return finish(self);
}

bool
stress_run_drain(struct stress_run *self)
{
    const struct stress_world *world = self->world;
    uint64_t before = UINT64_MAX, since_ns = stress_clock_ns();

    for (;;) {
        const uint64_t got = STRESS_WORLD_SUM(world, got), holes = STRESS_WORLD_SUM(world, holes);
        if (got >= STRESS_WORLD_SUM(world, due) && holes == 0)
            return true;
        if (got - holes != before)
            since_ns = stress_clock_ns();
        before = got - holes;
        if (stress_clock_ns() > since_ns + STALL_NS)
            return true; /* the checker says what is missing */
        if (!stress_run_hold(self, 0.002))
            return false;
    }
}

/* ---- what is measured ---- */

void
stress_run_measure(struct stress_run *self)
{
    struct stress_result *result = &self->result;

    if (result->points == NULL)
        result->points = calloc(STRESS_POINTS_MAX, sizeof *result->points); /* NULL: no points */
    self->start_ns = self->sampled_ns = stress_clock_ns();
    self->sampled_said = self->said = STRESS_WORLD_SUM(self->world, said);
    self->sampled_got = self->got = counted(self->world);
    self->sampled = (struct stress_record){0};
    self->daemon_cpu_s = daemon_cpu_s(self);
    self->client_cpu_s = clients_cpu_s(self);
    result->points_count = 0;
    self->measuring = true;
}

void
stress_run_measured(struct stress_run *self, double said_s)
{
    struct stress_result *result = &self->result;
    struct stress_proc proc;

    self->measuring = false;
    result->duration_s = (double)(stress_clock_ns() - self->start_ns) * S;
    const double got = (double)(counted(self->world) - self->got);
    const uint64_t said = STRESS_WORLD_SUM(self->world, said);
    result->said_per_s = said_s > 0 ? (double)(said - self->said) / said_s : 0;
    result->got_per_s = result->duration_s > 0 ? got / result->duration_s : 0;
    sum_latency(self->world, &result->latency);
    if (got > 0) {
        result->daemon_cpu_s_per_M = (daemon_cpu_s(self) - self->daemon_cpu_s) / got * 1e6;
        result->client_cpu_s_per_M = (clients_cpu_s(self) - self->client_cpu_s) / got * 1e6;
    }
    find_daemon(self, &proc);
    result->sees_daemon = proc.count > 0;
    result->daemon_rss_kb = stress_proc_rss_kb(&proc);
}

bool
stress_run_check(struct stress_run *self)
{
    struct stress_result *result = &self->result;
    const struct stress_world *world = self->world;

    if (!stress_run_order(self, &(struct stress_order){.what = STRESS_CHECK}))
        return false;
    result->lost = STRESS_WORLD_SUM(world, lost);
    result->doubled = STRESS_WORLD_SUM(world, doubled);
    result->reordered = STRESS_WORLD_SUM(world, reordered);
    result->damaged = STRESS_WORLD_SUM(world, damaged);
    result->notices = STRESS_WORLD_SUM(world, notices);
    for (uint32_t w = 0; w < world->workers && result->notice == NULL; w++)
        if (world->worker[w].notices > 0)
            result->notice = world->worker[w].notice;
    return true;
}

/* ---- begin and end ---- */

static bool
fail(struct stress_run *self, const char *what)
{
    (void)snprintf(self->why, sizeof self->why, "%s: %s.", what, strerror(errno));
    return false;
}

bool
stress_run_start(struct stress_run *self, const struct stress_options *options)
{
    const char *base = getenv("TMPDIR");

    *self = (struct stress_run){.options = options, .phase = "starting"};
    catch_signals();
    if (options->pid > 0 && kill((pid_t)options->pid, 0) != 0 && errno == ESRCH)
        return fail(self, "The process that --pid names is not there");
    self->world = stress_world_new(options);
    if (self->world == NULL)
        return fail(self, "There is not so much memory");
    struct stress_world *world = self->world;
    (void)snprintf(world->tag, sizeof world->tag, "s%08x", (unsigned)(stress_clock_ns() >> 12 ^ (uint64_t)getpid() << 20));
    (void)snprintf(world->dir, sizeof world->dir - 32, "%s/conclave-stress-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    if (mkdtemp(world->dir) == NULL) {
        fail(self, "A temporary directory cannot be made");
        world->dir[0] = '\0';
        return false;
    }
    if (options->link != NULL)
        (void)snprintf(world->link, sizeof world->link, "%s", options->link);
    else if (!stress_daemon_prepare(&self->daemon, options, world->dir, self->why, sizeof self->why)
             || !stress_daemon_start(&self->daemon, stress_run_stopped, self->why, sizeof self->why))
        return false;
    else
        (void)snprintf(world->link, sizeof world->link, "%s", self->daemon.link);
    return stress_crew_start(world, self->why, sizeof self->why);
}

static int
remove_one(const char *path, const struct stat *stat, int flag, struct FTW *walk)
{
    (void)stat;
    (void)flag;
    (void)walk;
    return remove(path);
}

void
stress_run_end(struct stress_run *self, bool in_order)
{
    self->measuring = false;
    if (isatty(STDERR_FILENO) != 0 && self->shown_ns != 0)
        fputs("\r\033[K", stderr);
    if (self->world == NULL)
        return;
    stress_crew_end(self->world, in_order);
    stress_daemon_stop(&self->daemon);
    if (self->world->dir[0] != '\0')
        (void)nftw(self->world->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* what is left is left */
}
