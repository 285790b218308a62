/* One world from its beginning to its end, and what each part of it has cost
 * the registry's core. */
#include <stdlib.h>

#include "tools/simnet/memory.h"
#include "tools/simnet/world.h"
#include "tools/stress/clock.h"

#define SIGN_UPS 48u        /* at once: fewer than the vault lets wait */
#define LOG_INS 256u
#define OPERATIONS 256u
#define SETTLE_US (3 * SIMNET_SECOND)
#define COPIES 1000000.0    /* by default the talk has about so many, */
#define RATE_MAX 10000.0    /* and no more messages each second than this */

static void
charge(struct simnet *self, struct simnet_cost *cost, uint64_t count)
{
    struct simnet_meter pings;

    cost->cpu_s = simnet_registry_used(self, &pings).cpu_ns * 1e-9;
    cost->count = count;
    self->result->ping.cpu_s += pings.cpu_ns * 1e-9;
    self->result->ping.count += pings.steps;
}

/* What is told within some seconds belongs to it. */
static bool
phase(struct simnet *self, bool (*begin)(struct simnet *self, uint32_t peer), uint32_t window, struct simnet_cost *cost)
{
    if (!simnet_each(self, begin, window) || !simnet_run(self, NULL, SETTLE_US))
        return false;
    charge(self, cost, self->done);
    return true;
}

struct show { simnet_show_fn *fn; void *arg; };

static void
show(const struct simnet *self, const struct show *to, const char *doing)
{
    if (to->fn != NULL)
        to->fn(to->arg, &self->plan, doing);
}

static bool
gather(struct simnet *self, const struct show *to)
{
    struct simnet_result *result = self->result;

    show(self, to, "signing up");
    if (!phase(self, simnet_peer_sign_up, SIGN_UPS, &result->sign_up))
        return false;
    show(self, to, "logging in");
    const uint64_t before_b = simnet_memory_resident_b();
    if (!phase(self, simnet_peer_log_in, LOG_INS, &result->log_in))
        return false;
    const uint64_t after_b = simnet_memory_resident_b();
    result->session_b = after_b > before_b ? (double)(after_b - before_b) / self->plan.peers : 0;
    show(self, to, "idle");
    if (!simnet_run(self, NULL, self->lease_us))
        return false;
    show(self, to, "joining rooms");
    return phase(self, simnet_peer_create, OPERATIONS, &result->create) && phase(self, simnet_peer_join, OPERATIONS, &result->join);
}

static bool
talk(struct simnet *self, const struct show *to)
{
    struct simnet_result *result = self->result;
    struct broker_front_counts counts;

    show(self, to, "talking in rooms");
    if (!simnet_talk(self, false))
        return false;
    charge(self, &result->post, self->talkers > 0 ? self->talk_count : 0);
    result->expected = result->post.count * (self->plan.members - 1);
    broker_front_core_counts(self->registry.core, &counts);
    result->copies = counts.copies;
    show(self, to, "talking directly");
    if (!simnet_talk(self, true))
        return false;
    charge(self, &result->relay, self->talkers > 0 ? self->talk_count : 0);
    return true;
}

static void
wipe(struct simnet *self)
{
    while (self->queue.count > 0)
        simnet_body_release(simnet_queue_take(&self->queue).what);
    simnet_queue_wipe(&self->queue);
    simnet_registry_wipe(&self->registry);
    stress_check_destroy(&self->check);
    free(self->peers);
    free(self->rooms);
    free(self->order);
}

static bool
make(struct simnet *self)
{
    self->peers = calloc(self->plan.peers, sizeof *self->peers);
    self->rooms = calloc(self->plan.rooms, sizeof *self->rooms);
    self->order = calloc(self->plan.peers, sizeof *self->order);
    self->check = stress_check_new();
    if (self->peers == NULL || self->rooms == NULL || self->order == NULL) {
        simnet_fail_as(self, CONCLAVE_ERR_SYSTEM, "There is not enough memory for so many peers.");
        return false;
    }
    simnet_queue_reserve(&self->queue, 2 * (size_t)self->plan.peers); /* or log-ins would seem to cost its memory */
    msg_keys_random(self->mail.at, sizeof self->mail.at);
    for (uint32_t i = 0; i < self->plan.peers; i++)
        simnet_peer_init(self, i);
    return true;
}

static double
rate_of(const struct simnet_plan *plan)
{
    const double others = plan->members > 1 ? plan->members - 1 : 1;
    const double rate = COPIES / others / plan->duration_s;

    return plan->rate > 0 ? plan->rate : rate < RATE_MAX ? rate : RATE_MAX;
}

enum conclave_err
simnet_play(struct simnet_result *result, const struct simnet_plan *plan, simnet_show_fn *fn, void *arg, char why[SIMNET_WHY_MAX])
{
    struct simnet self = {.plan = *plan, .result = result, .why = why};
    const struct show to = {fn, arg};
    const uint64_t begin_ns = stress_clock_ns();
    struct host_store_stat stat = {0};

    *result = (struct simnet_result){0};
    why[0] = '\0';
    self.plan.rate = rate_of(plan);
    simnet_chance_seed(&self.chance, plan->seed);
    if (msg_keys_init() != CONCLAVE_OK || !simnet_chance_keys(~plan->seed))
        simnet_fail(&self, "libsodium cannot be used.");
    else if (simnet_registry_start(&self) && make(&self) && gather(&self, &to) && talk(&self, &to))
        simnet_talk_check(&self);
    if (self.registry.store != NULL)
        host_store_stat(self.registry.store, &stat);
    result->plan = self.plan;
    result->direct_got = self.whispers_got;
    result->doubled = self.doubled;
    result->reordered = self.reordered;
    result->damaged = self.damaged;
    result->tables_b = self.registry.tables_b;
    result->store_records = stat.records;
    result->store_b = stat.used_bytes;
    result->simulated_s = (double)self.now_us / 1e6;
    result->wall_s = (double)(stress_clock_ns() - begin_ns) * 1e-9;
    wipe(&self);
    return self.err;
}
