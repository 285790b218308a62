/* See growth.h. */
#include "tools/simnet/growth.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- which ---- */

uint32_t
simnet_growth_plan(struct simnet_world worlds[SIMNET_WORLDS_MAX], const struct stress_options *options)
{
    /* sessions in rooms of ten, then rooms of all */
    static const struct { uint32_t peers, members; } sizes[] = {{1000, 10},     {10000, 10},  {100000, 10},   {10, 10},
                                                                {100, 100}, {1000, 1000}, {10000, 10000}};
    const struct simnet_plan plan = {.peers = options->peers, .rooms = options->rooms, .members = options->members,
                                     .size = options->size, .rate = options->rate, .duration_s = options->duration_s,
                                     .seed = options->seed};
    const uint32_t count = options->peers != 0 ? 1 : sizeof sizes / sizeof *sizes;

    for (uint32_t i = 0; i < count; i++) {
        worlds[i] = (struct simnet_world){.plan = plan};
        if (options->peers != 0)
            continue;
        worlds[i].plan.peers = sizes[i].peers;
        worlds[i].plan.members = sizes[i].members;
        worlds[i].plan.rooms = sizes[i].peers / sizes[i].members;
    }
    return count;
}

/* ---- one after the other ---- */

static void
show(void *arg, const struct simnet_plan *plan, const char *doing)
{
    const bool *on = arg;

    if (*on)
        fprintf(stderr, "\r\033[Ksimulated: %u peers, %u room%s of %u: %s", (unsigned)plan->peers, (unsigned)plan->rooms,
                plan->rooms > 1 ? "s" : "", (unsigned)plan->members, doing);
}

/* All or nothing, through a pipe to the parent. */
static bool
transfer(int fd, void *at, size_t len, bool in)
{
    for (uint8_t *next = at; len > 0;) {
        const ssize_t n = in ? read(fd, next, len) : write(fd, next, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        next += n;
        len -= (size_t)n;
    }
    return true;
}

static void
play(struct simnet_world *world, int fd, pid_t parent, bool shown)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the parent may be gone already: */
    if (getppid() != parent)
        _exit(1);
    world->err = simnet_play(&world->result, &world->plan, show, &shown, world->why);
    _exit(transfer(fd, world, sizeof *world, false) ? 0 : 1);
}

static void
give_up(struct simnet_world *world, const char *why)
{
    world->err = CONCLAVE_ERR_SYSTEM;
    (void)snprintf(world->why, sizeof world->why, "%s", why);
}

static void
play_apart(struct simnet_world *world, bool shown)
{
    const pid_t parent = getpid();
    int ends[2];

    if (pipe(ends) != 0) {
        give_up(world, strerror(errno));
        return;
    }
    const pid_t child = fork();
    if (child == 0)
        play(world, ends[1], parent, shown);
    (void)close(ends[1]);
    if (child < 0)
        give_up(world, strerror(errno));
    else if (!transfer(ends[0], world, sizeof *world, true))
        give_up(world, "Its process ended; there may not be enough memory.");
    (void)close(ends[0]);
    if (child > 0)
        (void)waitpid(child, NULL, 0); /* what it said is what counts */
}

int
simnet_growth_run(const struct stress_options *options)
{
    static struct simnet_world worlds[SIMNET_WORLDS_MAX];
    const uint32_t count = simnet_growth_plan(worlds, options);
    const bool shown = isatty(STDERR_FILENO) != 0;
    bool clean = true;

    for (uint32_t i = 0; i < count; i++) {
        play_apart(&worlds[i], shown);
        clean = clean && worlds[i].err == CONCLAVE_OK && simnet_is_clean(&worlds[i].result);
    }
    if (shown)
        fputs("\r\033[K", stderr);
    if (options->json)
        simnet_report_json(stdout, options, worlds, count);
    else
        simnet_report_table(stdout, worlds, count);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "conclave-stress: what was found cannot be written: %s.\n", strerror(errno));
        return 1;
    }
    for (uint32_t i = 0; i < count; i++)
        if (worlds[i].err != CONCLAVE_OK)
            fprintf(stderr, "conclave-stress: %u peers in rooms of %u: %s\n", (unsigned)worlds[i].plan.peers,
                    (unsigned)worlds[i].plan.members, worlds[i].why);
    if (options->plot != NULL && !simnet_report_plot(options->plot, worlds, count)) {
        fprintf(stderr, "conclave-stress: %s cannot be written: %s.\n", options->plot, strerror(errno));
        return 1;
    }
    return clean ? 0 : 1;
}
