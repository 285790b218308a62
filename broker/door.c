/* The door: strangers knock here.  A loop around broker/core/door_core that owns
 * the port of the invite link and a local socket to the front; it has no store
 * and no authority, and whoever crashes it has gained nothing. */
#include <czmq.h>
#include <stdlib.h>
#include <time.h>

#include "broker/channel.h"
#include "broker/core/door_core.h"
#include "broker/judge.h"
#include "broker/keyring.h"
#include "broker/local.h"
#include "broker/port.h"
#include "broker/sandbox.h"
#include "broker/self.h"
#include "host/curve.h"
#include "host/ears.h"
#include "host/log.h"
#include "host/zap.h"

#define DOMAIN "door"
#define MEMORY_BYTES (2048ull << 20) /* of address space; a connection takes some 70 KiB */
#define TURN_MAX 256                 /* events before the effects of time are looked at again */
#define LINGER_MS 200

enum ear {
    EAR_STRANGERS = 1 << 0, /* frames, and connections that ended */
    EAR_FRONT = 1 << 1,     /* its frames, and that it came up */
    EAR_SUPERVISOR = 1 << 2,
};

struct door {
    const struct broker_child *child;
    struct broker_settings settings;
    struct broker_door_core *core;
    struct broker_judge *judge;
    struct broker_port *port;
    zsock_t *front;
    zsock_t *front_monitor;
    struct host_ears ears;
    struct msg_effects effects;
    struct msg_time now;
    uint64_t wake_ms; /* on the monotonic clock; UINT64_MAX: never */
    struct broker_sample sample; /* for the front, when it asks */
    uint8_t out[MSG_FRAME_MAX];
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

/* Any key may knock; who it belongs to is asked in the knock. */
static enum host_zap_answer
admit(void *arg, const struct msg_box_pub *key, const char *source)
{
    (void)arg;
    (void)key;
    (void)source;
    return HOST_ZAP_ADMIT;
}

static void
send_to(struct door *self, uint64_t link, struct msg_span bytes)
{
    self->ears.loud |= link != BROKER_LINK_FRONT ? EAR_STRANGERS : EAR_FRONT;
    if (link != BROKER_LINK_FRONT)
        broker_port_send(self->port, link, bytes);
    else if (broker_local_send(self->front, NULL, bytes) != CONCLAVE_OK)
        host_log(MSG_LOG_DEBUG, "DOOR-FRONT-AWAY a request waits for the front.");
}

static void
perform(struct door *self)
{
    for (size_t i = 0; i < self->effects.count; i++) {
        const struct msg_effect *effect = &self->effects.list[i];
        const struct msg_span bytes = msg_effects_bytes(&self->effects, effect);
        switch (effect->kind) {
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
        case EFFECT_PUT: /* the door has no store, dials nobody and has no user */
        case EFFECT_DELETE:
        case EFFECT_STORE:
        case EFFECT_TELL:
        case EFFECT_DIAL:
        case EFFECT_ADMIT:
        case EFFECT_CAST:
        case EFFECT_LISTEN:
        case EFFECT_SUBSCRIBE:
        case EFFECT_EXPEL:
            break;
        }
    }
    msg_keys_wipe(self->effects.arena.at, self->effects.arena.len); /* passwords pass here */
    msg_effects_clear(&self->effects);
}

static void
step(struct door *self, const struct msg_event *event)
{
    broker_door_core_step(self->core, self->now, event, &self->effects);
    perform(self);
}

/* What we counted. */
static void
tell_front(struct door *self, uint64_t number)
{
    struct msg_buf out = {self->out, 0, sizeof self->out};
    struct broker_door_counts counts;

    broker_door_core_counts(self->core, &counts);
    broker_sample_clear(&self->sample);
    broker_self_add(&self->sample, "door");
    broker_self_add_port(&self->sample, "door", self->port);
    broker_sample_add(&self->sample, MSG_FIGURE_KNOCKS, "", counts.knocks);
    broker_sample_add(&self->sample, MSG_FIGURE_KNOCKS_REFUSED, "", counts.refused);
    broker_sample_add(&self->sample, MSG_FIGURE_KNOCKS_LIMITED, "", counts.limited);
    broker_sample_add(&self->sample, MSG_FIGURE_KNOCKS_GARBAGE, "", counts.garbage);
    broker_sample_add(&self->sample, MSG_FIGURE_KNOCKS_PENDING, "", counts.pending);
    for (enum broker_knock knock = 0; knock < BROKER_KNOCKS; knock++)
        broker_sample_add_times(&self->sample, MSG_FIGURE_KNOCK, msg_catalog_shape(broker_knock_kind(knock))->name,
                                &counts.took[knock]);
    if (broker_self_answer(&out, &self->sample, number) == CONCLAVE_OK)
        send_to(self, BROKER_LINK_FRONT, msg_span_of_buf(&out));
}

static void
hear_front(struct door *self)
{
    struct broker_local_id from;
    zmq_msg_t body;
    enum conclave_err err;
    uint64_t number;

    if (broker_local_came_up(self->front_monitor))
        step(self, &(struct msg_event){.kind = EVENT_LINK_UP, .link = BROKER_LINK_FRONT});
    zmq_msg_init(&body);
    while ((err = broker_local_receive(self->front, &from, &body)) != CONCLAVE_ERR_NOT_FOUND)
        if (err == CONCLAVE_OK && broker_self_is_asked(msg_span(zmq_msg_data(&body), zmq_msg_size(&body)), &number))
            tell_front(self, number);
        else if (err == CONCLAVE_OK)
            step(self, &(struct msg_event){.kind = EVENT_FRAME,
                                           .link = BROKER_LINK_FRONT,
                                           .bytes = msg_span(zmq_msg_data(&body),
                                                             zmq_msg_size(&body))});
    zmq_msg_close(&body);
    self->ears.loud &= ~(uint32_t)EAR_FRONT;
}

static void
hear_strangers(struct door *self)
{
    struct msg_event event;

    for (int i = 0; i < TURN_MAX; i++) {
        if (!broker_port_next(self->port, self->now.mono_ms, &event)) {
            self->ears.loud &= ~(uint32_t)EAR_STRANGERS;
            break;
        }
        step(self, &event);
        broker_port_wipe_frame(self->port);
    }
}

static struct broker_door_settings
core_settings(const struct door *self)
{
    return (struct broker_door_settings){
        .signups_burst = self->settings.limit_signups,
        .signups_per_hour = self->settings.limit_signups_per_hour,
        .knocks_burst = self->settings.limit_knocks,
        .knocks_per_minute = self->settings.limit_knocks_per_minute,
        .pending = self->settings.limit_pending,
        .door = self->child->door,
        .judge = broker_judge_password,
        .judge_arg = self->judge,
    };
}

static bool
set(struct door *self, const struct broker_settings *settings)
{
    struct broker_judge *judge = broker_judge_new(settings->password_min, settings->password_quality);

    if (judge == NULL)
        return false;
    broker_judge_destroy(&self->judge);
    self->judge = judge;
    self->settings = *settings;
    const struct broker_door_settings core = core_settings(self);
    if (self->core != NULL)
        broker_door_core_set(self->core, &core);
    return host_log_open("conclaved", (enum host_log_to)settings->log_to, NULL,
                         (enum msg_log_level)settings->log_level)
           == CONCLAVE_OK;
}

/* For whoever asks what has been refused. */
static void
log_counts(const struct door *self)
{
    struct broker_door_counts counts;

    broker_door_core_counts(self->core, &counts);
    host_log(MSG_LOG_INFO, "DOOR-COUNTS knocks=%llu refused=%llu limited=%llu garbage=%llu pending=%llu",
             (unsigned long long)counts.knocks, (unsigned long long)counts.refused, (unsigned long long)counts.limited,
             (unsigned long long)counts.garbage, (unsigned long long)counts.pending);
}

/* False: told to stop, or the supervisor is gone. */
static bool
hear_supervisor(struct door *self)
{
    struct broker_note note;
    enum conclave_err err;

    self->ears.loud &= ~(uint32_t)EAR_SUPERVISOR;
    while ((err = broker_channel_receive(self->child->channel, &note)) == CONCLAVE_OK) {
        if (note.word == BROKER_WORD_STOP
            || (note.word == BROKER_WORD_SETTINGS && !set(self, &note.settings)))
            return false;
        if (note.word == BROKER_WORD_SETTINGS)
            log_counts(self);
    }
    return err == CONCLAVE_ERR_NOT_FOUND;
}

static enum conclave_err
open_ears(struct door *self)
{
    struct host_ears *ears = &self->ears;
    enum conclave_err err = host_ears_open(ears);

    if (err == CONCLAVE_OK)
        err = host_ears_add(ears, EAR_STRANGERS, broker_port_socket(self->port));
    if (err == CONCLAVE_OK)
        err = host_ears_add_fd(ears, EAR_STRANGERS, broker_port_wake(self->port));
    if (err == CONCLAVE_OK)
        err = host_ears_add(ears, EAR_FRONT, self->front);
    if (err == CONCLAVE_OK)
        err = host_ears_add(ears, EAR_FRONT, self->front_monitor);
    if (err == CONCLAVE_OK)
        err = host_ears_add_fd(ears, EAR_SUPERVISOR, self->child->channel);
    return err;
}

static bool
open_all(struct door *self)
{
    const struct broker_sandbox rules = {.memory_bytes = MEMORY_BYTES};
    const struct host_watchdog_limits limits = {
        .connections = (uint32_t)self->child->settings.limit_door_connections,
        .connections_per_source = (uint32_t)self->child->settings.limit_door_source_connections,
        .undelivered_bytes = 256 << 10,
    };
    struct msg_box_sec sec;
    char why[BROKER_WHY_MAX] = "The door cannot be opened.";

    enum conclave_err err = broker_keyring_door(&sec, why, sizeof why);
    if (err == CONCLAVE_OK)
        err = broker_sandbox_enter(&rules);
    if (err == CONCLAVE_OK)
        err = set(self, &self->child->settings) ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
    if (err == CONCLAVE_OK)
        err = host_curve_init(1);
    if (err == CONCLAVE_OK)
        err = broker_local_connect(&self->front, BROKER_LOCAL_FRONT);
    if (err == CONCLAVE_OK)
        err = broker_local_watch(&self->front_monitor, self->front);
    if (err == CONCLAVE_OK)
        err = host_zap_add(DOMAIN, admit, NULL);
    if (err == CONCLAVE_OK)
        err = broker_port_open(&self->port, self->child, &sec, DOMAIN, MSG_DOOR_SOCKET_MAX, &limits,
                               why, sizeof why);
    if (err == CONCLAVE_OK)
        err = open_ears(self);
    msg_keys_wipe(&sec, sizeof sec);
    if (err == CONCLAVE_OK) {
        const struct broker_door_settings core = core_settings(self);
        self->core = broker_door_core_new(&core);
        if (self->core != NULL)
            return true;
    }
    broker_channel_fail(self->child->channel, "%s", why);
    return false;
}

static int
serve(struct door *self)
{
    const struct broker_note ready = {.word = BROKER_WORD_READY,
                                      .port = broker_port_number(self->port)};

    self->now = read_clocks();
    step(self, &(struct msg_event){.kind = EVENT_START});
    if (broker_channel_send(self->child->channel, &ready) != CONCLAVE_OK)
        return 1;
    for (;;) {
        const int wait_ms = broker_port_timeout_ms(self->port, self->now.mono_ms, self->wake_ms);
        if (host_ears_wait(&self->ears, wait_ms) != CONCLAVE_OK)
            return 1;
        self->now = read_clocks();
        if ((self->ears.loud & EAR_SUPERVISOR) != 0 && !hear_supervisor(self))
            break;
        if ((self->ears.loud & EAR_FRONT) != 0)
            hear_front(self);
        if ((self->ears.loud & EAR_STRANGERS) != 0 || broker_port_has_news(self->port, self->now.mono_ms))
            hear_strangers(self);
        if (self->wake_ms <= self->now.mono_ms) {
            self->wake_ms = UINT64_MAX;
            step(self, &(struct msg_event){.kind = EVENT_WAKE});
        }
    }
    log_counts(self);
    step(self, &(struct msg_event){.kind = EVENT_STOP});
    broker_port_close(&self->port, LINGER_MS);
    zsock_destroy(&self->front_monitor);
    zsock_destroy(&self->front);
    host_zap_stop();
    zsys_shutdown(); /* waits for the linger */
    return 0;
}

int
broker_door_run(const struct broker_child *child)
{
    struct door *self = calloc(1, sizeof *self);

    if (self == NULL)
        return 1;
    self->child = child;
    self->wake_ms = UINT64_MAX;
    msg_effects_init(&self->effects);
    return open_all(self) ? serve(self) : 1; /* the caller ends the process */
}
