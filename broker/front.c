/* The front: enrolled devices talk to it.  A loop around broker/front_core that
 * owns their port, the local sockets to door and vault, and the store.  Each
 * turn reads the clocks once, takes what came, steps the core for each event
 * and performs what it asks for, in order; it never waits for a disk. */
#include <czmq.h>
#include <stdlib.h>
#include <time.h>

#include "broker/channel.h"
#include "broker/ears.h"
#include "broker/front_core.h"
#include "broker/keyring.h"
#include "broker/local.h"
#include "broker/port.h"
#include "broker/sandbox.h"
#include "broker/store.h"
#include "host/curve.h"
#include "host/log.h"
#include "host/store.h"
#include "host/zap.h"

#define DOMAIN "front"
#define STORE_DIR "store"
#define TURN_MAX 300    /* events of members in one turn */
#define LINGER_MS 500   /* for the goodbyes */
#define COMMIT_MS 1500  /* for the last commits */
#define IO_THREADS_MAX 4

enum ear {
    EAR_MEMBERS = 1 << 0, /* frames, and connections that ended */
    EAR_DOOR = 1 << 1,
    EAR_VAULT = 1 << 2,   /* its frames, and that it came up */
    EAR_STORE = 1 << 3,
    EAR_SUPERVISOR = 1 << 4,
};

struct front {
    const struct broker_child *child;
    struct broker_settings settings;
    struct host_store *store;
    struct broker_store *writer;
    struct broker_front_core *core;
    struct broker_view view;
    struct broker_port *port;
    zsock_t *door;
    struct broker_local_id door_id; /* len 0: it has not spoken yet */
    zsock_t *vault;
    zsock_t *vault_monitor;
    struct broker_ears ears;
    struct msg_effects effects;
    struct msg_time now;
    uint64_t wake_ms; /* on the monotonic clock; UINT64_MAX: never */
    uint8_t record[MSG_FRAME_MAX]; /* what the view hands out */
};

static struct msg_time
read_clocks(void)
{
    struct timespec mono, wall;

    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct msg_time){(uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000,
                             (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000};
}

static void
say_unreadable(enum conclave_err err)
{
    if (err != CONCLAVE_ERR_NOT_FOUND)
        host_log(MSG_LOG_ERROR, "STORE-UNREADABLE %s", msg_error_sentence(err));
}

static bool
view_get(void *arg, enum broker_table table, struct msg_span key, struct msg_span *value)
{
    struct front *self = arg;
    struct msg_buf out = {self->record, 0, sizeof self->record};
    const enum conclave_err err = host_store_get(self->store, table, key, &out);

    *value = msg_span_of_buf(&out);
    if (err != CONCLAVE_OK)
        say_unreadable(err);
    return err == CONCLAVE_OK;
}

static bool
view_next(void *arg, enum broker_table table, struct msg_span after, struct msg_record_key *key,
          struct msg_span *value)
{
    struct front *self = arg;
    struct msg_record_key found;
    struct msg_buf out = {self->record, 0, sizeof self->record};
    struct msg_buf key_out = {found.at, 0, sizeof found.at};
    const enum conclave_err err = host_store_next(self->store, table, after, &key_out, &out);

    *value = msg_span_of_buf(&out);
    if (err != CONCLAVE_OK) {
        say_unreadable(err);
        return false;
    }
    found.len = key_out.len;
    *key = found; /* last: `after` may point into it */
    return true;
}

/* On the ZAP thread: a key that owns nothing stays outside. */
static enum host_zap_answer
admit(void *arg, const struct msg_box_pub *key, const char *source)
{
    struct front *self = arg;
    uint8_t record[256];
    struct msg_buf out = {record, 0, sizeof record};
    const enum conclave_err err = host_store_get(self->store, BROKER_TABLE_OWNERS,
                                                 msg_span(key->at, sizeof key->at), &out);

    if (err == CONCLAVE_OK)
        return HOST_ZAP_ADMIT;
    if (err == CONCLAVE_ERR_NOT_FOUND) {
        host_log(MSG_LOG_DEBUG, "KEY-DENIED source=%s has a key that is not enrolled.", source);
        return HOST_ZAP_DENY;
    }
    say_unreadable(err);
    return HOST_ZAP_LATER;
}

static void
send_to(struct front *self, uint64_t link, struct msg_span bytes)
{
    enum conclave_err err = CONCLAVE_OK;

    if (link == BROKER_LINK_VAULT) {
        err = broker_local_send(self->vault, NULL, bytes);
        self->ears.loud |= EAR_VAULT;
    } else if (link != BROKER_LINK_DOOR) {
        broker_port_send(self->port, link, bytes);
        self->ears.loud |= EAR_MEMBERS;
    } else if (self->door_id.len > 0) {
        err = broker_local_send(self->door, &self->door_id, bytes);
        self->ears.loud |= EAR_DOOR;
    }
    if (err != CONCLAVE_OK)
        host_log(MSG_LOG_DEBUG, "FRONT-NEIGHBOUR-AWAY a frame found nobody; it is asked for again.");
}

static void
perform(struct front *self)
{
    for (size_t i = 0; i < self->effects.count; i++) {
        const struct msg_effect *effect = &self->effects.list[i];
        const struct msg_span bytes = msg_effects_bytes(&self->effects, effect);
        switch (effect->kind) {
        case EFFECT_PUT:
        case EFFECT_DELETE:
            broker_store_gather(self->writer, &self->effects, effect);
            break;
        case EFFECT_STORE:
            broker_store_commit(self->writer, effect->id);
            self->ears.loud |= EAR_STORE;
            break;
        case EFFECT_SEND:
            send_to(self, effect->id, bytes);
            break;
        case EFFECT_WAKE:
            if (self->now.mono_ms + effect->id < self->wake_ms)
                self->wake_ms = self->now.mono_ms + effect->id;
            break;
        case EFFECT_DROP:
            broker_port_drop(self->port, effect->id, self->now.mono_ms);
            break;
        case EFFECT_LOG:
            host_log_bytes((enum msg_log_level)effect->id, bytes);
            break;
        case EFFECT_TELL: /* a registry has no user and dials nobody */
        case EFFECT_DIAL:
        case EFFECT_ADMIT:
        case EFFECT_CAST:
        case EFFECT_LISTEN:
        case EFFECT_SUBSCRIBE:
        case EFFECT_EXPEL:
            break;
        }
    }
    msg_effects_clear(&self->effects);
}

static void
step(struct front *self, const struct msg_event *event)
{
    broker_front_core_step(self->core, self->now, event, &self->effects);
    perform(self);
}

/* What passes between door, front and vault may hold a password: it does not
 * stay in memory after its step. */
static void
step_secret(struct front *self, uint64_t link, zmq_msg_t *body)
{
    const struct msg_event event = {.kind = EVENT_FRAME,
                                    .link = link,
                                    .bytes = msg_span(zmq_msg_data(body), zmq_msg_size(body))};

    broker_front_core_step(self->core, self->now, &event, &self->effects);
    const size_t len = self->effects.arena.len;
    perform(self);
    msg_keys_wipe(self->effects.arena.at, len);
    msg_keys_wipe(zmq_msg_data(body), zmq_msg_size(body));
}

static void
hear_door(struct front *self)
{
    struct broker_local_id from;
    zmq_msg_t body;
    enum conclave_err err;

    zmq_msg_init(&body);
    while ((err = broker_local_receive(self->door, &from, &body)) != CONCLAVE_ERR_NOT_FOUND) {
        if (err != CONCLAVE_OK)
            continue;
        if (from.len != self->door_id.len || memcmp(from.at, self->door_id.at, from.len) != 0) {
            if (self->door_id.len > 0) /* it was started again: its tickets are gone */
                step(self, &(struct msg_event){.kind = EVENT_LINK_DOWN, .link = BROKER_LINK_DOOR});
            self->door_id = from;
            step(self, &(struct msg_event){.kind = EVENT_LINK_UP, .link = BROKER_LINK_DOOR});
        }
        step_secret(self, BROKER_LINK_DOOR, &body);
    }
    zmq_msg_close(&body);
    self->ears.loud &= ~(uint32_t)EAR_DOOR;
}

static void
hear_vault(struct front *self)
{
    struct broker_local_id from;
    zmq_msg_t body;
    enum conclave_err err;

    if (broker_local_came_up(self->vault_monitor))
        step(self, &(struct msg_event){.kind = EVENT_LINK_UP, .link = BROKER_LINK_VAULT});
    zmq_msg_init(&body);
    while ((err = broker_local_receive(self->vault, &from, &body)) != CONCLAVE_ERR_NOT_FOUND)
        if (err == CONCLAVE_OK)
            step_secret(self, BROKER_LINK_VAULT, &body);
    zmq_msg_close(&body);
    self->ears.loud &= ~(uint32_t)EAR_VAULT;
}

static void
hear_store(struct front *self)
{
    struct msg_event event = {.kind = EVENT_STORED};

    while (broker_store_answer(self->writer, &event.id, &event.err))
        step(self, &event);
    self->ears.loud &= ~(uint32_t)EAR_STORE;
}

static void
hear_members(struct front *self)
{
    struct msg_event event;

    for (int i = 0; i < TURN_MAX; i++) {
        if (!broker_port_next(self->port, self->now.mono_ms, &event)) {
            self->ears.loud &= ~(uint32_t)EAR_MEMBERS;
            break;
        }
        step(self, &event);
    }
}

static struct broker_front_settings
core_settings(const struct front *self)
{
    const struct broker_settings *from = &self->settings;

    return (struct broker_front_settings){
        .accounts = from->limit_accounts,
        .devices = from->limit_devices,
        .sessions = from->limit_sessions,
        .watches = from->limit_watches,
        .rooms = from->limit_rooms,
        .room_members = from->limit_room_members,
        .memberships = from->limit_memberships,
        .account_rooms = from->limit_account_rooms,
        .mesh_join = from->rooms_mesh_join,
        .mesh_stay = from->rooms_mesh_stay,
        .requests_burst = from->limit_requests,
        .requests_per_s = from->limit_requests_per_s,
        .lease_ms = from->lease_ping_ms,
        .expiry_ms = from->lease_expiry_ms,
        .gather_ms = from->presence_gather_ms,
        .throttle_account = from->throttle_scope == 1,
        .throttle_failures = from->throttle_failures,
        .throttle_first_ms = from->throttle_first_ms,
        .throttle_last_ms = from->throttle_last_ms,
        .registration = from->registration,
        .front_host = "", /* the link's */
        .front_port = broker_port_number(self->port),
        .front = self->child->front,
        .door = self->child->door,
        .signer = self->child->signer,
    };
}

static enum conclave_err
open_log(const struct broker_settings *settings)
{
    return host_log_open("conclaved", (enum host_log_to)settings->log_to, NULL,
                         (enum msg_log_level)settings->log_level);
}

/* False: told to stop, or the supervisor is gone. */
static bool
hear_supervisor(struct front *self)
{
    struct broker_note note;
    enum conclave_err err;

    self->ears.loud &= ~(uint32_t)EAR_SUPERVISOR;
    while ((err = broker_channel_receive(self->child->channel, &note)) == CONCLAVE_OK) {
        if (note.word == BROKER_WORD_STOP)
            return false;
        if (note.word != BROKER_WORD_SETTINGS)
            continue;
        self->settings = note.settings;
        const struct broker_front_settings core = core_settings(self);
        broker_front_core_set(self->core, &core);
        if (open_log(&self->settings) != CONCLAVE_OK)
            return false;
    }
    return err == CONCLAVE_ERR_NOT_FOUND;
}

static int
io_threads(void)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 3 ? 1 : cores - 1 > IO_THREADS_MAX ? IO_THREADS_MAX : (int)cores - 1;
}

static enum conclave_err
open_store(struct front *self, char *why, size_t why_cap)
{
    const struct host_store_options options = {
        .dir = STORE_DIR,
        .map_mib = self->settings.store_map_mib,
        .tables = BROKER_TABLES,
        .sync = self->settings.store_sync,
    };
    enum conclave_err err = host_store_open(&self->store, &options, why, why_cap);

    if (err == CONCLAVE_OK)
        err = broker_store_start(&self->writer, self->store);
    return err;
}

static enum conclave_err
open_sockets(struct front *self, const struct msg_box_sec *sec, char *why, size_t why_cap)
{
    const struct host_watchdog_limits limits = {
        .connections = (uint32_t)self->settings.limit_connections,
        .connections_per_source = (uint32_t)self->settings.limit_source_connections,
    };
    enum conclave_err err = broker_local_bind(&self->door, BROKER_LOCAL_FRONT);

    if (err == CONCLAVE_OK)
        err = broker_local_connect(&self->vault, BROKER_LOCAL_VAULT);
    if (err == CONCLAVE_OK)
        err = broker_local_watch(&self->vault_monitor, self->vault);
    if (err == CONCLAVE_OK)
        err = host_zap_add(DOMAIN, admit, self);
    if (err == CONCLAVE_OK)
        err = broker_port_open(&self->port, self->child, sec, DOMAIN, MSG_SOCKET_MAX, &limits, why,
                               why_cap);
    return err;
}

static enum conclave_err
open_ears(struct front *self)
{
    struct broker_ears *ears = &self->ears;
    enum conclave_err err = broker_ears_open(ears);

    if (err == CONCLAVE_OK)
        err = broker_ears_add(ears, EAR_MEMBERS, broker_port_socket(self->port));
    if (err == CONCLAVE_OK)
        err = broker_ears_add_fd(ears, EAR_MEMBERS, broker_port_wake(self->port));
    if (err == CONCLAVE_OK)
        err = broker_ears_add(ears, EAR_DOOR, self->door);
    if (err == CONCLAVE_OK)
        err = broker_ears_add(ears, EAR_VAULT, self->vault);
    if (err == CONCLAVE_OK)
        err = broker_ears_add(ears, EAR_VAULT, self->vault_monitor);
    if (err == CONCLAVE_OK)
        err = broker_ears_add(ears, EAR_STORE, broker_store_socket(self->writer));
    if (err == CONCLAVE_OK)
        err = broker_ears_add_fd(ears, EAR_SUPERVISOR, self->child->channel);
    return err;
}

static bool
open_all(struct front *self)
{
    const struct broker_sandbox rules = {.memory_bytes = 0}; /* the store's map is address space */
    struct msg_box_sec sec;
    char why[BROKER_WHY_MAX] = "The front cannot be opened.";

    enum conclave_err err = open_log(&self->settings);
    if (err == CONCLAVE_OK)
        err = broker_keyring_front(&sec, why, sizeof why);
    if (err == CONCLAVE_OK)
        err = broker_sandbox_enter(&rules);
    if (err == CONCLAVE_OK)
        err = host_curve_init(io_threads());
    if (err == CONCLAVE_OK)
        err = open_store(self, why, sizeof why);
    if (err == CONCLAVE_OK)
        err = open_sockets(self, &sec, why, sizeof why);
    if (err == CONCLAVE_OK)
        err = open_ears(self);
    msg_keys_wipe(&sec, sizeof sec);
    if (err == CONCLAVE_OK) {
        const struct broker_front_settings core = core_settings(self);
        self->view = (struct broker_view){self, view_get, view_next};
        self->core = broker_front_core_new(&core, &self->view);
        if (self->core != NULL)
            return true;
        snprintf(why, sizeof why, "There is not enough memory for limits/sessions and "
                                  "limits/accounts; lower them.");
    }
    broker_channel_fail(self->child->channel, "%s", why);
    return false;
}

/* The goodbyes go out, and what was handed in is committed; both bounded. */
static void
stop(struct front *self)
{
    step(self, &(struct msg_event){.kind = EVENT_STOP});
    broker_store_stop(&self->writer, COMMIT_MS);
    broker_port_close(&self->port, LINGER_MS);
    zsock_destroy(&self->vault_monitor);
    zsock_destroy(&self->vault);
    zsock_destroy(&self->door);
    host_zap_stop();
    host_store_close(&self->store);
    zsys_shutdown(); /* waits for the linger */
}

static int
serve(struct front *self)
{
    const struct broker_note ready = {.word = BROKER_WORD_READY,
                                      .port = broker_port_number(self->port)};

    self->now = read_clocks();
    step(self, &(struct msg_event){.kind = EVENT_START});
    if (broker_channel_send(self->child->channel, &ready) != CONCLAVE_OK)
        return 1;
    for (;;) {
        const int wait_ms = broker_port_timeout_ms(self->port, self->now.mono_ms, self->wake_ms);
        if (broker_ears_wait(&self->ears, wait_ms) != CONCLAVE_OK)
            return 1;
        self->now = read_clocks();
        if ((self->ears.loud & EAR_SUPERVISOR) != 0 && !hear_supervisor(self))
            break;
        if ((self->ears.loud & EAR_STORE) != 0)
            hear_store(self);
        if ((self->ears.loud & EAR_VAULT) != 0)
            hear_vault(self);
        if ((self->ears.loud & EAR_DOOR) != 0)
            hear_door(self);
        if ((self->ears.loud & EAR_MEMBERS) != 0 || broker_port_has_news(self->port, self->now.mono_ms))
            hear_members(self);
        if (self->wake_ms <= self->now.mono_ms) {
            self->wake_ms = UINT64_MAX;
            step(self, &(struct msg_event){.kind = EVENT_WAKE});
        }
    }
    stop(self);
    return 0;
}

int
broker_front_run(const struct broker_child *child)
{
    struct front *self = calloc(1, sizeof *self);

    if (self == NULL)
        return 1;
    self->child = child;
    self->settings = child->settings;
    self->wake_ms = UINT64_MAX;
    msg_effects_init(&self->effects);
    return open_all(self) ? serve(self) : 1; /* the caller ends the process */
}
