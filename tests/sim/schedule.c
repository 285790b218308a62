/* Simulated time: what will happen, in order of time, then of the seed.
 * Nothing here waits. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

static void
put(struct sim *sim, struct sim_event *event, uint64_t tie)
{
    simnet_queue_put(&sim->queue, (struct simnet_item){.at_us = event->at_us, .tie = tie, .what = event});
}

struct sim_event *
sim_at(struct sim *sim, uint64_t at_us, sim_event_fn *run, const struct sim_proc *proc)
{
    struct sim_event *const event = calloc(1, sizeof *event);
    if (event == NULL)
        abort();
    event->at_us = at_us < sim->now_us ? sim->now_us : at_us;
    event->run = run;
    event->proc = proc != NULL ? proc->index : SIM_NONE;
    event->life = proc != NULL ? proc->life : 0;
    put(sim, event, sim_random(sim));
    return event;
}

void
sim_event_take(struct sim_event *event, struct msg_span bytes)
{
    event->bytes = malloc(bytes.len > 0 ? bytes.len : 1);
    if (event->bytes == NULL)
        abort();
    if (bytes.len > 0)
        memcpy(event->bytes, bytes.at, bytes.len);
    event->len = bytes.len;
}

/* What comes for somebody who stands still waits, in the order in which it came. */
static bool
waits(struct sim *sim, struct sim_event *event, const struct sim_proc *proc)
{
    if (proc == NULL || !proc->up || proc->life != event->life || proc->stalled_us <= sim->now_us)
        return false;
    event->at_us = proc->stalled_us;
    put(sim, event, 0);
    return true;
}

bool
sim_turn(struct sim *sim)
{
    if (sim->failed || sim->queue.count == 0)
        return false;
    struct sim_event *const event = simnet_queue_take(&sim->queue).what;
    const struct sim_proc *proc = event->proc != SIM_NONE ? &sim->procs[event->proc] : NULL;
    sim->now_us = event->at_us;
    if (waits(sim, event, proc))
        return true;
    if (proc == NULL || (proc->up && proc->life == event->life))
        event->run(sim, event);
    free(event->bytes);
    free(event);
    if (++sim->steps > 4000000)
        sim_fail(sim, "more than 4000000 events: somebody talks without end");
    return !sim->failed;
}

void
sim_run(struct sim *sim, uint64_t us)
{
    const uint64_t end_us = sim->now_us + us;
    const struct simnet_item *first;
    while (!sim->failed && (first = simnet_queue_first(&sim->queue)) != NULL && first->at_us <= end_us)
        (void)sim_turn(sim); /* the condition above sees a failure */
    if (!sim->failed)
        sim->now_us = end_us;
}

bool
sim_run_until(struct sim *sim, bool (*done)(struct sim *sim), uint64_t us)
{
    const uint64_t end_us = sim->now_us + us;
    uint64_t look_us = sim->now_us;
    while (!sim->failed && sim->now_us < end_us) {
        if (sim->now_us >= look_us) {
            if (done(sim))
                return true;
            look_us = sim->now_us + 20 * SIM_MS;
        }
        sim_run(sim, 20 * SIM_MS);
    }
    return !sim->failed && done(sim);
}

void
sim_fail(struct sim *sim, const char *format, ...)
{
    va_list args;
    if (sim->failed)
        return;
    sim->failed = true;
    va_start(args, format);
    (void)vsnprintf(sim->failure, sizeof sim->failure, format, args);
    va_end(args);
    sim_trace(sim, NULL, "FAILED: %s", sim->failure);
}

void
sim_trace(struct sim *sim, const struct sim_proc *proc, const char *format, ...)
{
    va_list args;
    char who[48];
    if (!sim->trace)
        return;
    if (proc == NULL)
        (void)snprintf(who, sizeof who, "-");
    else if (proc->kind == SIM_KIND_PEER)
        (void)snprintf(who, sizeof who, "%s/%u.%u", sim->accounts[proc->user.account].name,
                       proc->index, proc->life);
    else
        (void)snprintf(who, sizeof who, "%s.%u", proc->kind == SIM_KIND_DOOR ? "door" : "front",
                       proc->life);
    fprintf(stderr, "%5llu.%06llu %-12s ", (unsigned long long)(sim->now_us / SIM_SECOND),
            (unsigned long long)(sim->now_us % SIM_SECOND), who);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}
