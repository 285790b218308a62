/* The registry's core in its shell: a store in memory that commits what has
 * gathered together, a stand-in for the vault, turns in which it hears what has
 * come, and a meter on its steps.  The door is left out: it counts sources, and
 * here all come from one. */
#include <stdio.h>
#include <stdlib.h>

#include "broker/settings.h"
#include "msg/cert.h"
#include "msg/codec.h"
#include "tools/simnet/memory.h"
#include "tools/simnet/world.h"
#include "tools/stress/clock.h"

#define TURN_US 1000u           /* what comes within this time is one turn, */
#define TURN_MAX 256u           /* unless it is more than this */
#define COMMIT_MIN_US 1000u     /* until the disk has what it was given */
#define COMMIT_MAX_US 2000u
#define VAULT_US 2000u
#define MONO_MS 1000000u        /* its clocks when it starts */
#define WALL_MS 1800000000000ull

/* ---- its configuration ---- */

/* As an operator would write it, for so many: nothing else is other than its default. */
static bool
configure(struct simnet *self, struct broker_settings *settings)
{
    const struct simnet_plan *plan = &self->plan;
    char text[1024], why[BROKER_WHY_MAX];
    size_t count;
    const struct host_option *options = broker_settings_options(&count);

    if (broker_settings_load(settings, NULL, why, sizeof why) != CONCLAVE_OK)
        return false;
    const uint64_t members = plan->members > settings->limit_room_members ? plan->members : settings->limit_room_members;
    (void)snprintf(text, sizeof text,
                   "limits\n    accounts = %u\n    sessions = %u\n    rooms = %u\n    room_members = %llu\n    memberships = %u\n"
                   "rooms\n    mesh_join = 0\n    mesh_stay = 0\n",
                   (unsigned)plan->peers, (unsigned)plan->peers, (unsigned)plan->rooms, (unsigned long long)members, (unsigned)plan->peers);
    if (host_config_read(settings, options, count, msg_text(text), "conclaved.conf", why, sizeof why) == CONCLAVE_OK)
        return true;
    simnet_fail_as(self, CONCLAVE_ERR_CONFIG, "conclaved cannot be configured for so many: %s", why);
    return false;
}

/* ---- the meter ---- */

static void
calibrate(struct simnet_registry *registry)
{
    const int times = 1000;
    const double begin = (double)stress_clock_cpu_ns();

    for (int i = 1; i < times; i++)
        (void)stress_clock_cpu_ns();
    registry->clock_ns = ((double)stress_clock_cpu_ns() - begin) / times;
}

static void
spend(struct simnet_registry *registry, struct simnet_meter *meter, double since_ns, uint64_t steps)
{
    const double now_ns = (double)stress_clock_cpu_ns(), spent_ns = now_ns - since_ns - registry->clock_ns;

    meter->cpu_ns += spent_ns > 0 ? spent_ns : 0;
    meter->steps += steps;
}

struct simnet_meter
simnet_registry_used(struct simnet *self, struct simnet_meter *pings)
{
    const struct simnet_meter used = self->registry.meter;

    *pings = self->registry.pings;
    self->registry.meter = self->registry.pings = (struct simnet_meter){0};
    return used;
}

/* ---- what it asks for ---- */

static void
gather(struct simnet *self, const struct msg_effect *effect)
{
    struct simnet_registry *registry = &self->registry;
    const struct msg_span key = msg_effects_key(&registry->effects, effect);
    enum conclave_err err = registry->gathered ? CONCLAVE_OK : host_store_begin(registry->store);

    registry->gathered = true;
    if (err == CONCLAVE_OK)
        err = effect->kind == EFFECT_PUT
                  ? host_store_put(registry->store, effect->table, key, msg_effects_bytes(&registry->effects, effect))
                  : host_store_delete(registry->store, effect->table, key);
    if (err != CONCLAVE_OK)
        simnet_fail(self, "The store: %s", msg_error_sentence(err));
}

static void
store(struct simnet *self, uint64_t id)
{
    struct simnet_registry *registry = &self->registry;

    if (registry->store_count == registry->store_room) {
        registry->store_room = registry->store_room == 0 ? 256 : 2 * registry->store_room;
        registry->store_ids = realloc(registry->store_ids, registry->store_room * sizeof *registry->store_ids);
        if (registry->store_ids == NULL)
            abort(); /* out of memory: there is nothing better to do */
    }
    registry->store_ids[registry->store_count++] = id;
    if (registry->commit_is_due)
        return;
    registry->commit_is_due = true;
    simnet_plan_at(self, self->now_us + simnet_chance_between(&self->chance, COMMIT_MIN_US, COMMIT_MAX_US), SIMNET_COMMIT, 0, NULL);
}

/* The door knows by the ticket whom it told. */
static void
tell_door(struct simnet *self, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_decode(bytes, &kind, &any) != CONCLAVE_OK || kind != MSG_DOOR_TELL || any.MSG_ANY_DOOR_TELL.ticket == 0
        || any.MSG_ANY_DOOR_TELL.ticket > self->plan.peers) {
        simnet_fail(self, "The registry tells its door what it cannot understand.");
        return;
    }
    simnet_to_peer(self, (uint32_t)any.MSG_ANY_DOOR_TELL.ticket - 1, simnet_body_new(any.MSG_ANY_DOOR_TELL.frame));
}

static void
send(struct simnet *self, uint64_t link, struct simnet_body *body)
{
    if (link >= SIMNET_LINK_FIRST && link - SIMNET_LINK_FIRST < self->plan.peers) {
        body->references++;
        simnet_to_peer(self, (uint32_t)(link - SIMNET_LINK_FIRST), body);
    } else if (link == BROKER_LINK_VAULT) {
        body->references++;
        simnet_plan_at(self, self->now_us + VAULT_US, SIMNET_VAULT, 0, body);
    } else if (link == BROKER_LINK_DOOR) {
        tell_door(self, msg_span(body->bytes, body->len));
    } else {
        simnet_fail(self, "The registry sends to a link that there is not.");
    }
}

static void
send_to_all(struct simnet *self, const struct msg_effect *effect)
{
    const struct msg_effects *effects = &self->registry.effects;
    struct simnet_body *body = simnet_body_new(msg_effects_bytes(effects, effect));
    const size_t count = effect->kind == EFFECT_CAST ? msg_effects_cast_count(effect) : 1;

    for (size_t i = 0; i < count; i++)
        send(self, effect->kind == EFFECT_CAST ? msg_effects_cast_link(effects, effect, i) : effect->id, body);
    simnet_body_release(body);
}

static void
wake(struct simnet *self, uint64_t ms)
{
    struct simnet_registry *registry = &self->registry;
    const uint64_t at_us = (self->now_us / SIMNET_MS + ms) * SIMNET_MS;

    registry->wake_us = at_us < registry->wake_us ? at_us : registry->wake_us;
}

static void
perform(struct simnet *self)
{
    struct msg_effects *effects = &self->registry.effects;

    for (size_t i = 0; i < effects->count && self->err == CONCLAVE_OK; i++) {
        const struct msg_effect *effect = &effects->list[i];
        const struct msg_span bytes = msg_effects_bytes(effects, effect);
        if (effect->kind == EFFECT_PUT || effect->kind == EFFECT_DELETE)
            gather(self, effect);
        else if (effect->kind == EFFECT_STORE)
            store(self, effect->id);
        else if (effect->kind == EFFECT_SEND || effect->kind == EFFECT_CAST)
            send_to_all(self, effect);
        else if (effect->kind == EFFECT_WAKE)
            wake(self, effect->id);
        else if (effect->kind == EFFECT_DROP)
            simnet_fail(self, "The registry cut off a peer that did nothing wrong.");
        else if (effect->kind == EFFECT_LOG && effect->id <= MSG_LOG_WARN)
            simnet_fail(self, "The registry says: %.*s", (int)bytes.len, (const char *)bytes.at);
    }
    msg_effects_clear(effects);
}

/* ---- steps ---- */

static struct msg_time
clocks(const struct simnet *self)
{
    return (struct msg_time){MONO_MS + self->now_us / SIMNET_MS, WALL_MS + self->now_us / SIMNET_MS};
}

static void
step(struct simnet *self, const struct msg_event *event)
{
    broker_front_core_step(self->registry.core, clocks(self), event, &self->registry.effects);
}

/* When it is to be woken, if nothing earlier is planned. */
static void
arm(struct simnet *self)
{
    struct simnet_registry *registry = &self->registry;

    if (registry->wake_us >= registry->armed_us)
        return;
    registry->armed_us = registry->wake_us;
    simnet_plan_at(self, registry->wake_us, SIMNET_TURN, 0, NULL);
}

/* One event by itself; and whatever was due. */
static void
step_metered(struct simnet *self, const struct msg_event *event)
{
    const double begin_ns = (double)stress_clock_cpu_ns();

    step(self, event);
    spend(&self->registry, &self->registry.meter, begin_ns, 1);
    perform(self);
}

static void
wake_if_due(struct simnet *self)
{
    struct simnet_registry *registry = &self->registry;

    while (self->err == CONCLAVE_OK && registry->wake_us <= self->now_us) {
        registry->wake_us = UINT64_MAX;
        step_metered(self, &(struct msg_event){.kind = EVENT_WAKE});
    }
    if (registry->armed_us <= self->now_us)
        registry->armed_us = UINT64_MAX;
    arm(self);
}

static struct msg_event
event_of(const struct simnet *self, const struct simnet_arrival *arrival)
{
    struct msg_event event = {.kind = EVENT_FRAME, .link = arrival->link, .source = msg_text("192.0.2.1"),
                              .bytes = msg_span(arrival->body->bytes, arrival->body->len)};

    if (arrival->link >= SIMNET_LINK_FIRST)
        event.key = self->peers[arrival->link - SIMNET_LINK_FIRST].transport;
    return event;
}

static bool
is_ping(const struct simnet_arrival *arrival)
{
    uint64_t kind, req;

    msg_codec_peek(msg_span(arrival->body->bytes, arrival->body->len), &kind, &req);
    return kind == MSG_PING;
}

/* The clock is read where PINGs begin or end: they are counted apart. */
static void
hear_all(struct simnet *self)
{
    struct simnet_registry *registry = &self->registry;

    for (uint32_t from = 0, to; from < registry->inbox_count; from = to) {
        const bool pings = is_ping(&registry->inbox[from]);
        for (to = from + 1; to < registry->inbox_count && is_ping(&registry->inbox[to]) == pings;)
            to++;
        const double begin_ns = (double)stress_clock_cpu_ns();
        for (uint32_t i = from; i < to; i++) {
            const struct msg_event event = event_of(self, &registry->inbox[i]);
            step(self, &event);
        }
        spend(registry, pings ? &registry->pings : &registry->meter, begin_ns, to - from);
    }
    for (uint32_t i = 0; i < registry->inbox_count; i++)
        simnet_body_release(registry->inbox[i].body);
    registry->inbox_count = 0;
    perform(self);
}

void
simnet_registry_turn(struct simnet *self)
{
    self->registry.turn_is_due = false;
    hear_all(self);
    wake_if_due(self);
}

void
simnet_registry_hear(struct simnet *self, uint64_t link, struct simnet_body *body)
{
    struct simnet_registry *registry = &self->registry;

    registry->inbox[registry->inbox_count++] = (struct simnet_arrival){body, link};
    if (registry->inbox_count == TURN_MAX) {
        hear_all(self);
        wake_if_due(self);
    } else if (!registry->turn_is_due) {
        registry->turn_is_due = true;
        simnet_plan_at(self, (self->now_us / TURN_US + 1) * TURN_US, SIMNET_TURN, 0, NULL);
    }
}

void
simnet_registry_commit(struct simnet *self)
{
    struct simnet_registry *registry = &self->registry;
    const enum conclave_err err = registry->gathered ? host_store_commit(registry->store) : CONCLAVE_OK;
    const uint64_t count = registry->store_count;
    const double begin_ns = (double)stress_clock_cpu_ns();

    for (size_t i = 0; i < count; i++)
        step(self, &(struct msg_event){.kind = EVENT_STORED, .id = registry->store_ids[i], .err = err});
    spend(registry, &registry->meter, begin_ns, count);
    registry->gathered = registry->commit_is_due = false;
    registry->store_count = 0;
    perform(self);
    wake_if_due(self);
}

/* Real signatures; hashes that cost nothing, for they are the vault's. */
void
simnet_registry_vault(struct simnet *self, struct simnet_body *question)
{
    uint8_t bytes[256];
    struct msg_buf answer = {bytes, 0, sizeof bytes};
    enum conclave_err err = CONCLAVE_ERR_KIND;

    if (simnet_body_decode(question) && question->kind == MSG_VAULT_HASH) {
        const struct msg_vault_hashed hashed = {question->any.MSG_ANY_VAULT_HASH.job, msg_text("$simulated$")};
        err = msg_codec_encode(&answer, MSG_VAULT_HASHED, &hashed);
    } else if (question->decoded && question->kind == MSG_VAULT_SIGN) {
        struct msg_vault_signed mark = {.job = question->any.MSG_ANY_VAULT_SIGN.job};
        err = msg_cert_sign(&mark.sig, question->any.MSG_ANY_VAULT_SIGN.body, &self->registry.signer_sec);
        if (err == CONCLAVE_OK)
            err = msg_codec_encode(&answer, MSG_VAULT_SIGNED, &mark);
    }
    if (err != CONCLAVE_OK) {
        simnet_fail(self, "The vault cannot do what it is asked: %s", msg_error_sentence(err));
        return;
    }
    step_metered(self, &(struct msg_event){.kind = EVENT_FRAME, .link = BROKER_LINK_VAULT, .bytes = msg_span_of_buf(&answer)});
    wake_if_due(self);
}

/* ---- birth and death ---- */

bool
simnet_registry_start(struct simnet *self)
{
    struct simnet_registry *registry = &self->registry;
    struct broker_settings configured;

    registry->wake_us = registry->armed_us = UINT64_MAX;
    msg_effects_init(&registry->effects);
    registry->inbox = calloc(TURN_MAX, sizeof *registry->inbox);
    if (!configure(self, &configured))
        return false;
    msg_keys_new_sign(&registry->signer, &registry->signer_sec);
    msg_keys_random(registry->door.at, sizeof registry->door.at);
    if (registry->inbox == NULL || host_store_open_memory(&registry->store, BROKER_TABLES) != CONCLAVE_OK) {
        simnet_fail_as(self, CONCLAVE_ERR_SYSTEM, "There is not enough memory.");
        return false;
    }
    struct broker_front_settings settings = broker_settings_core(&configured);
    settings.signer = registry->signer;
    settings.door = registry->door;
    settings.front = registry->door; /* nobody dials */
    settings.front_port = 15601;
    const struct broker_view view = broker_store_view_init(&registry->view, registry->store);
    const uint64_t before = simnet_memory_taken_b();
    registry->core = broker_front_core_new(&settings, &view);
    registry->tables_b = simnet_memory_taken_b() - before;
    if (registry->core == NULL) {
        simnet_fail_as(self, CONCLAVE_ERR_SYSTEM, "There is not enough memory for a registry of so many sessions.");
        return false;
    }
    self->lease_us = settings.lease_ms * SIMNET_MS;
    calibrate(registry);
    step_metered(self, &(struct msg_event){.kind = EVENT_START});
    wake_if_due(self);
    return self->err == CONCLAVE_OK;
}

void
simnet_registry_wipe(struct simnet_registry *registry)
{
    for (uint32_t i = 0; i < registry->inbox_count; i++)
        simnet_body_release(registry->inbox[i].body);
    free(registry->inbox);
    free(registry->store_ids);
    broker_front_core_destroy(&registry->core);
    host_store_close(&registry->store);
    msg_effects_wipe(&registry->effects);
}
