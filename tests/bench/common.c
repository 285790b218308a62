/* See common.h. */
#include "tests/bench/common.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/stress/clock.h"
#include "tools/stress/proc.h"

#define DIRS 16
#define PATH_ROOM 256

static bool is_child;
static char dirs[DIRS][PATH_ROOM];
static int dirs_count;
static pid_t dirs_owner;

void
bench_die(const char *format, ...)
{
    va_list args;

    fputs("bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (is_child)
        _exit(1); /* what is to be cleaned up is the parent's, which notices */
    exit(1);
}

double
bench_now_s(void)
{
    return (double)stress_clock_ns() * 1e-9;
}

void
bench_pause_ms(unsigned ms)
{
    struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

double
bench_cpu_s(pid_t pid)
{
    const struct stress_proc proc = {{pid}, 1};

    return stress_proc_cpu_s(&proc);
}

double
bench_rss_kib(pid_t pid)
{
    const struct stress_proc proc = {{pid}, 1};

    return (double)stress_proc_rss_kb(&proc);
}

double
bench_peak_rss_kib(pid_t pid)
{
    const struct stress_proc proc = {{pid}, 1};

    return (double)stress_proc_peak_kb(&proc);
}

/* In what a process calls itself.  Its command line has paths, and a path any
 * word. */
static bool
has_word(pid_t pid, const char *word)
{
    char path[64], name[64] = "";

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    const bool found = fgets(name, sizeof name, file) != NULL && strstr(name, word) != NULL;
    fclose(file);
    return found;
}

pid_t
bench_child_of(pid_t parent, const char *word)
{
    char path[64];
    int pid;
    pid_t found = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    while (found == 0 && fscanf(file, "%d", &pid) == 1)
        if (has_word((pid_t)pid, word))
            found = (pid_t)pid;
    fclose(file);
    return found;
}

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
bench_quantile(double *v, size_t n, double part)
{
    if (n == 0)
        return 0;
    qsort(v, n, sizeof *v, compare);
    return v[(size_t)(part * (double)(n - 1))];
}

double
bench_median(double *v, size_t n)
{
    return bench_quantile(v, n, 0.5);
}

void
bench_start(struct bench_child *self, bench_child_fn *fn, void *arg)
{
    int pair[2];

    BENCH_NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    fflush(stdout);
    const pid_t pid = fork();
    BENCH_NEED(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        is_child = true;
        close(pair[0]);
        fn(pair[1], arg);
        _exit(0);
    }
    close(pair[1]);
    *self = (struct bench_child){pid, pair[0]}; /* here alone: it may be in shared memory */
}

void
bench_end(struct bench_child *self)
{
    if (self->pid <= 0)
        return;
    kill(self->pid, SIGKILL);
    while (waitpid(self->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(self->fd);
    self->pid = 0;
}

void
bench_put(int fd, const void *at, size_t len)
{
    for (const char *next = at; len > 0;) {
        const ssize_t n = send(fd, next, len, MSG_NOSIGNAL);
        if (n <= 0 && errno != EINTR)
            bench_die("a process of the bench is gone");
        next += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

void
bench_get(int fd, void *at, size_t len)
{
    for (char *next = at; len > 0;) {
        const ssize_t n = read(fd, next, len);
        if (n == 0 || (n < 0 && errno != EINTR))
            bench_die("a process of the bench is gone");
        next += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

bool
bench_asked(int fd)
{
    struct pollfd item = {fd, POLLIN, 0};

    return poll(&item, 1, 0) > 0;
}

void *
bench_share(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    BENCH_NEED(at != MAP_FAILED);
    return at;
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
bench_clean(void)
{
    if (getpid() != dirs_owner)
        return;
    while (dirs_count > 0)
        (void)nftw(dirs[--dirs_count], remove_one, 16, FTW_DEPTH | FTW_PHYS); /* what is left is left */
}

void
bench_dir(char *path, size_t cap)
{
    const char *base = getenv("TMPDIR");

    BENCH_NEED(dirs_count < DIRS);
    if (dirs_count == 0 && dirs_owner == 0)
        atexit(bench_clean);
    dirs_owner = getpid();
    snprintf(path, cap, "%s/conclave-bench-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    BENCH_NEED(mkdtemp(path) != NULL && strlen(path) < PATH_ROOM);
    memcpy(dirs[dirs_count++], path, strlen(path) + 1);
}

/* ---- the table, and the same for programs: BENCH_RESULTS names a file to
 *      which each line of it is appended as a JSON object ---- */

static FILE *
results(void)
{
    static FILE *file;
    const char *path = getenv("BENCH_RESULTS");

    if (file == NULL && path != NULL && *path != '\0') {
        file = fopen(path, "a");
        BENCH_NEED(file != NULL && setvbuf(file, NULL, _IOLBF, 0) == 0);
    }
    return file;
}

static void
put_text(FILE *to, const char *text)
{
    putc('"', to);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', to);
        putc((unsigned char)*text < ' ' ? ' ' : *text, to);
    }
    putc('"', to);
}

static void
record_row(const char *what, double ours, double bare, double ratio, enum bench_bound kind, double bound, const char *unit)
{
    static const char *const kinds[] = {[BENCH_AT_MOST] = "most", [BENCH_AT_LEAST] = "least", [BENCH_SHOWN] = "shown"};
    FILE *to = results();

    if (to == NULL)
        return;
    fputs("{\"kind\":\"row\",\"what\":", to);
    put_text(to, what);
    fprintf(to, ",\"ours\":%.9g,\"unit\":", ours);
    put_text(to, unit);
    if (bare > 0)
        fprintf(to, ",\"bare\":%.9g", bare);
    fprintf(to, ",\"ratio\":%.6g,\"at\":\"%s\",\"bound\":%.6g}\n", ratio, kinds[kind], bound);
}

static void
print(const char *what, double ours, const char *bare, const char *ratio_text, double ratio, enum bench_bound kind,
      double bound, const char *unit)
{
    char bound_text[32] = "", *verdict = "";

    if (kind != BENCH_SHOWN) {
        const bool met = kind == BENCH_AT_MOST ? ratio <= bound : ratio >= bound;
        snprintf(bound_text, sizeof bound_text, "%s %.4g", kind == BENCH_AT_MOST ? "<=" : ">=", bound);
        verdict = met ? "met" : "MISSED";
    }
    printf("%-44s %12.5g %12s %-8s %7s  %-8s %s\n", what, ours, bare, unit, ratio_text, bound_text, verdict);
    fflush(stdout);
}

void
bench_row(const char *what, double ours, double bare, const char *unit, enum bench_bound kind, double bound)
{
    char bare_text[32], ratio_text[32];
    const double ratio = bare > 0 ? ours / bare : 0;

    snprintf(bare_text, sizeof bare_text, "%.5g", bare);
    snprintf(ratio_text, sizeof ratio_text, "%.2f", ratio);
    print(what, ours, bare_text, ratio_text, ratio, kind, bound, unit);
    record_row(what, ours, bare, ratio, kind, bound, unit);
}

void
bench_row_of_pairs(const char *what, const double *ours, const double *bare, size_t count, const char *unit, enum bench_bound kind,
                   double bound)
{
    double ratio[BENCH_PAIRS], sorted[BENCH_PAIRS];

    BENCH_NEED(count <= BENCH_PAIRS);
    for (size_t i = 0; i < count; i++) {
        BENCH_NEED(bare[i] > 0);
        ratio[i] = ours[i] / bare[i];
        sorted[i] = bare[i];
    }
    const double middle = bench_median(sorted, count);
    bench_row(what, bench_median(ratio, count) * middle, middle, unit, kind, bound);
}

void
bench_figure(const char *what, double ours, const char *unit, enum bench_bound kind, double bound)
{
    print(what, ours, "-", "", ours, kind, bound, unit);
    record_row(what, ours, 0, ours, kind, bound, unit);
}

void
bench_note(const char *format, ...)
{
    char text[512];
    FILE *to = results();
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("  # %s\n", text);
    fflush(stdout);
    if (to == NULL)
        return;
    fputs("{\"kind\":\"note\",\"text\":", to);
    put_text(to, text);
    fputs("}\n", to);
}
