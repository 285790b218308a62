/* One run of the harness: what it has started, and what it has measured. */
#ifndef TOOLS_STRESS_RUN_H
#define TOOLS_STRESS_RUN_H

#include "tools/stress/crew.h"
#include "tools/stress/daemon.h"
#include "tools/stress/world.h"

#define STRESS_POINTS_MAX 400u /* even; as many as a drawing shows */

/* One moment of the measured time. */
struct stress_point {
    double at_s;
    double said_per_s, got_per_s;               /* since the point before */
    uint64_t p50_ns, p99_ns, max_ns;            /* of what came since then */
    uint64_t daemon_own_kb, daemon_fds, client_own_kb, client_fds; /* memory without what is mapped of files */
};

struct stress_result {
    double duration_s;                          /* from the first to the last arrival of what was measured */
    double said_per_s, got_per_s;
    struct stress_record latency, trips;
    uint64_t lost, doubled, reordered, damaged;
    bool sees_daemon;                           /* the next ones are known */
    double daemon_cpu_s_per_M, client_cpu_s_per_M;
    uint64_t daemon_rss_kb;
    double rss_per_session_b;
    double back_s;                              /* until all are back, or have all their mail; 0: not measured */
    uint64_t notices;
    const char *notice;
    struct stress_point *points;
    uint32_t points_count;
};

struct stress_run {
    const struct stress_options *options;
    struct stress_world *world;
    struct stress_daemon daemon;
    struct stress_result result;
    char why[1024];                             /* of its end, when it cannot go on */
    /* of what is measured */
    bool measuring;
    uint64_t start_ns, sampled_ns, shown_ns;
    uint64_t said, got, done, sampled_said, sampled_got; /* at the start; at the last point */
    uint64_t rss_before_kb;
    double daemon_cpu_s, client_cpu_s, cpu_gone_s;
    struct stress_record sampled;
    const char *phase;
};

/* A signal asks for the end. */
bool stress_run_stopped(void);
int stress_run_signal(void);
/* It was taken as the end of a part; the next one ends all. */
void stress_run_go_on(void);

/* All of these: false: it cannot go on, and why says so, or a signal came. */

/* Directory, daemon, processes. */
bool stress_run_start(struct stress_run *self, const struct stress_options *options);
/* An order to its end. */
bool stress_run_order(struct stress_run *self, const struct stress_order *order);
/* Lets an order that lasts go on for so long. */
bool stress_run_hold(struct stress_run *self, double seconds);
/* Waits until the peers open no more connections: all have found each other. */
bool stress_run_settle(struct stress_run *self);
/* Ends an order that lasts. */
bool stress_run_enough(struct stress_run *self);
/* Waits until all that was said has come, or nothing comes any more. */
bool stress_run_drain(struct stress_run *self);

/* What is measured, from here on; and up to here. */
void stress_run_measure(struct stress_run *self);
void stress_run_measured(struct stress_run *self, double said_s);
/* The daemon is about to go: what it used is kept. */
void stress_run_keep_cpu(struct stress_run *self);
/* Memory of the daemon before there are sessions, and with them. */
void stress_run_sessions(struct stress_run *self, bool there);

/* Counts what is lost, and takes the sums. */
bool stress_run_check(struct stress_run *self);
/* Ends all that was started, and removes the directory. */
void stress_run_end(struct stress_run *self, bool in_order);

/* scenarios.c */
bool stress_scenarios_run(struct stress_run *self);

#endif
