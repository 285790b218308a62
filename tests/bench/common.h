/* What the benches share: clocks, the CPU and memory of a process, child
 * processes that take orders, medians, and the rows of the table. */
#ifndef TESTS_BENCH_COMMON_H
#define TESTS_BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A bench that cannot do its work ends with a sentence and exit code 1. */
void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define BENCH_NEED(x) \
    do { \
        if (!(x)) \
            bench_die("%s:%d: %s failed", __FILE__, __LINE__, #x); \
    } while (0)

double bench_now_s(void); /* monotonic */
void bench_pause_ms(unsigned ms);

/* Of all living threads of a process; 0 when it is not there. */
double bench_cpu_s(pid_t pid);
double bench_rss_kib(pid_t pid);      /* resident now */
double bench_peak_rss_kib(pid_t pid); /* the most there was */

/* The first child of a process with `word` in its name or command line; 0: none. */
pid_t bench_child_of(pid_t parent, const char *word);

/* Sorts v in place; part: 0 to 1. */
double bench_quantile(double *v, size_t n, double part);
double bench_median(double *v, size_t n);

/* A process of our own, with a socket to it; it ends with its parent. */
struct bench_child {
    pid_t pid;
    int fd;
};
typedef void bench_child_fn(int fd, void *arg);
void bench_start(struct bench_child *self, bench_child_fn *fn, void *arg);
void bench_end(struct bench_child *self);

void bench_put(int fd, const void *at, size_t len);
void bench_get(int fd, void *at, size_t len); /* the other end gone: ends this process too */
bool bench_asked(int fd);                     /* something can be read */

/* Memory that children started later share with us. */
void *bench_share(size_t bytes);

/* A fresh directory, removed with all that is in it when the bench ends. */
void bench_dir(char *path, size_t cap);
void bench_clean(void);

/* ---- the table; for programs each line goes as JSON to the file that the
 *      environment has as BENCH_RESULTS ---- */
enum bench_bound { BENCH_AT_MOST, BENCH_AT_LEAST, BENCH_SHOWN };
void bench_row(const char *what, double ours, double bare, const char *unit, enum bench_bound kind, double bound);
/* Of runs by turns, ours beside the bare one of the same moment: the middle of their ratios. */
#define BENCH_PAIRS 7u /* at most */
void bench_row_of_pairs(const char *what, const double *ours, const double *bare, size_t count, const char *unit, enum bench_bound kind,
                        double bound);
/* A figure that is held against the bound itself; no bare program beside it. */
void bench_figure(const char *what, double ours, const char *unit, enum bench_bound kind, double bound);
void bench_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
