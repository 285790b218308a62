/* What /proc tells of a process and of all that it started. */
#ifndef TOOLS_STRESS_PROC_H
#define TOOLS_STRESS_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STRESS_PROC_MAX 300u

struct stress_proc {
    pid_t pids[STRESS_PROC_MAX];
    size_t count;
};

/* A process and its descendants, as they are now; none if it is not there. */
void stress_proc_find(struct stress_proc *self, pid_t root);

double stress_proc_cpu_s(const struct stress_proc *self); /* of their living threads, since they began */
uint64_t stress_proc_rss_kb(const struct stress_proc *self); /* resident, with what is mapped of files */
uint64_t stress_proc_peak_kb(const struct stress_proc *self); /* the most there was, of each */
uint64_t stress_proc_own_kb(const struct stress_proc *self); /* without: what grows when something is forgotten */
uint64_t stress_proc_descriptors(const struct stress_proc *self); /* 0 where others' may not be read */

#endif
