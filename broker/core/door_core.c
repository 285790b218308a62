/* The door's step: strangers' frames in, well-formed questions to the front
 * out.  Everything here may be lost at any time; nothing here may decide. */
#include "broker/core/door_core.h"

#include <stdlib.h>

#include "broker/tables/bucket.h"
#include "broker/tables/throttle.h"
#include "broker/tables/wheel.h"
#include "msg/cert.h"
#include "msg/codec.h"
#include "msg/name.h"

#define PENDING_MAX 4096u           /* whatever the settings say */
#define PENDING_PER_LINK 4u
#define PENDING_MS 25000u           /* the front gives up before */
#define PENDING_TICK_MS 250u
#define SOURCE_SETS 2048u           /* of eight sources each */
#define BUSY_MS 1000u

static const uint64_t hour_ms = 3600u * 1000u, minute_ms = 60u * 1000u;

/* A question that the front has not answered yet. */
struct pending {
    uint64_t ticket;                /* 0: free */
    uint64_t link;
    uint64_t req;
    enum broker_knock knock;
    uint64_t asked_ms;
};

struct broker_door_core {
    struct broker_door_settings settings;
    struct msg_time now;            /* of this step */
    struct msg_effects *out;        /* of this step */
    struct pending *pending;
    uint32_t capacity, high, count;
    uint64_t next_ticket;
    uint64_t armed_ms;
    struct broker_wheel timers;
    struct broker_buckets knocks, signups;
    struct broker_strikes strikes;
    struct msg_buf frame;
    struct broker_door_counts counts;
    bool stopping;
};

enum msg_kind
broker_knock_kind(enum broker_knock knock)
{
    static const enum msg_kind kinds[] = {MSG_SIGNUP, MSG_ENROL, MSG_PASSWD};

    return kinds[knock];
}

struct broker_door_core *
broker_door_core_new(const struct broker_door_settings *settings)
{
    struct broker_door_core *self = calloc(1, sizeof *self);
    const uint64_t seed = msg_keys_random_u64();

    if (self == NULL)
        return NULL;
    self->settings = *settings;
    self->capacity = settings->pending < PENDING_MAX ? (uint32_t)settings->pending : PENDING_MAX;
    self->pending = calloc(self->capacity > 0 ? self->capacity : 1, sizeof *self->pending);
    /* A door that was started again must not take answers to its predecessor's
     * questions for answers to its own. */
    self->next_ticket = msg_keys_random_u64() >> 1;
    self->armed_ms = BROKER_NEVER;
    self->frame = (struct msg_buf){.at = malloc(MSG_KNOCK_MAX), .cap = MSG_KNOCK_MAX};
    if (self->pending == NULL || self->frame.at == NULL
        || !broker_wheel_init(&self->timers, self->capacity, PENDING_TICK_MS)
        || !broker_buckets_init(&self->knocks, SOURCE_SETS, seed)
        || !broker_buckets_init(&self->signups, SOURCE_SETS, seed) || !broker_strikes_init(&self->strikes, seed))
        broker_door_core_destroy(&self);
    return self;
}

void
broker_door_core_destroy(struct broker_door_core **self_p)
{
    struct broker_door_core *self = *self_p;

    *self_p = NULL;
    if (self == NULL)
        return;
    free(self->pending);
    free(self->frame.at);
    broker_wheel_wipe(&self->timers);
    broker_buckets_wipe(&self->knocks);
    broker_buckets_wipe(&self->signups);
    broker_strikes_wipe(&self->strikes);
    free(self);
}

void
broker_door_core_set(struct broker_door_core *self, const struct broker_door_settings *settings)
{
    self->settings = *settings;
}

void
broker_door_core_counts(const struct broker_door_core *self, struct broker_door_counts *out)
{
    *out = self->counts;
    out->pending = self->count;
}

static void
refuse(struct broker_door_core *self, uint64_t link, uint64_t req, enum conclave_err err, const char *text,
       uint64_t retry_ms)
{
    self->frame.len = 0;
    self->counts.refused++;
    if (msg_codec_error(&self->frame, req, err, msg_text(text), retry_ms) == CONCLAVE_OK)
        msg_effects_send_bytes(self->out, link, msg_span_of_buf(&self->frame));
}

/* ---- what waits for the front ---- */

static void
forget(struct broker_door_core *self, uint32_t slot)
{
    broker_wheel_clear(&self->timers, slot);
    self->pending[slot].ticket = 0;
    self->count--;
    while (self->high > 0 && self->pending[self->high - 1].ticket == 0)
        self->high--;
}

/* It was answered. */
static void
note_time(struct broker_door_core *self, const struct pending *pending)
{
    msg_histogram_add(&self->counts.took[pending->knock], 1000 * (self->now.mono_ms - pending->asked_ms));
}

/* The front will not answer: the stranger is told to come again. */
static void
give_up(struct broker_door_core *self, uint32_t slot)
{
    refuse(self, self->pending[slot].link, self->pending[slot].req, CONCLAVE_ERR_BUSY, NULL, BUSY_MS);
    note_time(self, &self->pending[slot]);
    forget(self, slot);
}

static uint32_t
count_link(const struct broker_door_core *self, uint64_t link)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < self->high; i++)
        count += self->pending[i].ticket != 0 && self->pending[i].link == link;
    return count;
}

static void
ask_front(struct broker_door_core *self, const struct msg_event *event, enum broker_knock knock, uint64_t req)
{
    char source[BROKER_SOURCE_MAX + 1];
    uint32_t slot = 0;

    if (self->count >= self->capacity || self->count >= self->settings.pending
        || count_link(self, event->link) >= PENDING_PER_LINK) {
        refuse(self, event->link, req, CONCLAVE_ERR_BUSY, NULL, BUSY_MS);
        return;
    }
    while (self->pending[slot].ticket != 0)
        slot++;
    if (slot >= self->high)
        self->high = slot + 1;
    self->pending[slot] = (struct pending){++self->next_ticket, event->link, req, knock, self->now.mono_ms};
    self->count++;
    broker_wheel_set(&self->timers, slot, self->now.mono_ms + PENDING_MS);
    broker_source_print(source, sizeof source, event->source);
    const struct msg_door_ask ask = {self->pending[slot].ticket, msg_text(source), event->key, event->bytes};
    msg_effects_send(self->out, BROKER_LINK_FRONT, MSG_DOOR_ASK, &ask);
}

static void
hear_front(struct broker_door_core *self, const struct msg_event *event)
{
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_decode(event->bytes, &kind, &any) != CONCLAVE_OK || kind != MSG_DOOR_TELL) {
        self->counts.garbage++;
        return;
    }
    const struct msg_door_tell *tell = &any.MSG_ANY_DOOR_TELL;
    for (uint32_t slot = 0; slot < self->high; slot++) {
        if (tell->ticket == 0 || self->pending[slot].ticket != tell->ticket)
            continue;
        msg_effects_send_bytes(self->out, self->pending[slot].link, tell->frame);
        note_time(self, &self->pending[slot]);
        forget(self, slot);
        return;
    }
}

static void
tell_policy(struct broker_door_core *self)
{
    const struct msg_door_policy policy = {self->settings.door};

    msg_effects_send(self->out, BROKER_LINK_FRONT, MSG_DOOR_POLICY, &policy);
}

/* ---- strangers ---- */

/* BROKER_KNOCKS: it is none. */
static enum broker_knock
find_knock(enum msg_kind kind)
{
    enum broker_knock knock = 0;

    while (knock < BROKER_KNOCKS && broker_knock_kind(knock) != kind)
        knock++;
    return knock;
}

/* Name, password and proofs; `why` gets a sentence where there is a better one
 * than the error's own. */
static enum conclave_err
judge(const struct broker_door_core *self, enum msg_kind kind, const union msg_any *any,
      const struct msg_box_pub *key, char why[256])
{
    const bool passwd = kind == MSG_PASSWD;
    const struct msg_signup *signup = &any->MSG_ANY_SIGNUP;
    const struct msg_text fresh = passwd ? any->MSG_ANY_PASSWD.new : signup->password;
    struct msg_name name;

    const enum conclave_err err = msg_name_parse(&name, passwd ? any->MSG_ANY_PASSWD.name : signup->name);
    if (err != CONCLAVE_OK)
        return err;
    if (!passwd
        && (msg_cert_check_proof(&signup->proof, key, &self->settings.door, &signup->sign) != CONCLAVE_OK
            || msg_cert_check_mail(&signup->mail_sig, &signup->mail, &signup->sign) != CONCLAVE_OK))
        return CONCLAVE_ERR_SIGNATURE;
    if (kind == MSG_ENROL)
        return CONCLAVE_OK; /* a password that was set once is right or wrong */
    if (fresh.len < MSG_PASSWORD_MIN)
        return CONCLAVE_ERR_WEAK_PASSWORD;
    if (self->settings.judge == NULL)
        return CONCLAVE_OK;
    return self->settings.judge(self->settings.judge_arg, msg_text(name.shown), fresh, why);
}

/* The time to wait before this source may ask this; 0: now. */
static uint64_t
wait_ms(struct broker_door_core *self, const struct msg_event *event, enum msg_kind kind)
{
    const struct broker_rate knocks = {self->settings.knocks_burst, self->settings.knocks_per_minute, minute_ms};
    const struct broker_rate signups = {self->settings.signups_burst, self->settings.signups_per_hour, hour_ms};

    if (kind == MSG_SIGNUP)
        return broker_buckets_take(&self->signups, &signups, event->source, self->now.mono_ms);
    return broker_buckets_take(&self->knocks, &knocks, event->source, self->now.mono_ms);
}

static void
refuse_garbage(struct broker_door_core *self, const struct msg_event *event, uint64_t req, enum conclave_err err)
{
    self->counts.garbage++;
    refuse(self, event->link, req, err, NULL, 0);
    if (!broker_strikes_add(&self->strikes, event->link, BROKER_STRIKE_BAD))
        return;
    msg_effects_log(self->out, MSG_LOG_WARN, "GARBAGE source=%.*s connection cut after repeated bad frames",
                    (int)event->source.len, event->source.len > 0 ? event->source.at : "");
    msg_effects_drop(self->out, event->link);
}

static void
refuse_often(struct broker_door_core *self, const struct msg_event *event, uint64_t req, uint64_t retry_ms)
{
    self->counts.limited++;
    refuse(self, event->link, req, CONCLAVE_ERR_BUSY,
           "Too many requests come from your address; try again later.", retry_ms);
}

static void
hear_stranger(struct broker_door_core *self, const struct msg_event *event)
{
    char why[256] = "";
    union msg_any any;
    enum msg_kind kind = MSG_KIND_NONE;
    uint64_t number, req, retry_ms;

    self->counts.knocks++;
    msg_codec_peek(event->bytes, &number, &req);
    retry_ms = wait_ms(self, event, MSG_KIND_NONE);
    if (retry_ms > 0) {
        refuse_often(self, event, req, retry_ms);
        return;
    }
    enum conclave_err err = CONCLAVE_ERR_TOO_LARGE;
    if (event->bytes.len <= MSG_KNOCK_MAX)
        err = msg_codec_decode(event->bytes, &kind, &any);
    const enum broker_knock knock = find_knock(kind);
    if (err == CONCLAVE_OK && knock == BROKER_KNOCKS)
        err = CONCLAVE_ERR_KIND;
    if (err != CONCLAVE_OK) {
        refuse_garbage(self, event, req, err);
        return;
    }
    err = judge(self, kind, &any, &event->key, why);
    if (err != CONCLAVE_OK)
        refuse(self, event->link, req, err, why[0] != '\0' ? why : NULL, 0);
    else if (kind == MSG_SIGNUP && (retry_ms = wait_ms(self, event, kind)) > 0)
        refuse_often(self, event, req, retry_ms);
    else
        ask_front(self, event, knock, req);
    msg_keys_wipe(&any, sizeof any);
}

/* ---- the step ---- */

static void
link_down(struct broker_door_core *self, uint64_t link)
{
    for (uint32_t slot = self->high; slot-- > 0;) {
        if (self->pending[slot].ticket == 0)
            continue;
        if (link == BROKER_LINK_FRONT)
            give_up(self, slot);
        else if (self->pending[slot].link == link)
            forget(self, slot);
    }
    broker_strikes_clear(&self->strikes, link);
}

static void
stop(struct broker_door_core *self)
{
    self->stopping = true;
    for (uint32_t slot = self->high; slot-- > 0;)
        if (self->pending[slot].ticket != 0)
            give_up(self, slot);
}

static void
arm(struct broker_door_core *self)
{
    const uint64_t next_ms = broker_wheel_next(&self->timers);

    if (self->armed_ms <= self->now.mono_ms)
        self->armed_ms = BROKER_NEVER;
    if (next_ms >= self->armed_ms)
        return;
    self->armed_ms = next_ms;
    msg_effects_wake(self->out, next_ms > self->now.mono_ms ? next_ms - self->now.mono_ms : 0);
}

void
broker_door_core_step(struct broker_door_core *self, struct msg_time now, const struct msg_event *event,
                      struct msg_effects *out)
{
    uint32_t slot;

    self->now = now;
    self->out = out;
    while ((slot = broker_wheel_pop(&self->timers, now.mono_ms)) != BROKER_NONE)
        give_up(self, slot);
    switch (event->kind) {
    case EVENT_START:
        tell_policy(self);
        break;
    case EVENT_LINK_UP:
        if (event->link == BROKER_LINK_FRONT)
            tell_policy(self);
        break;
    case EVENT_LINK_DOWN:
        link_down(self, event->link);
        break;
    case EVENT_FRAME:
        if (event->link == BROKER_LINK_FRONT)
            hear_front(self, event);
        else if (!self->stopping)
            hear_stranger(self, event);
        break;
    case EVENT_FULL:
    case EVENT_BOUND:
        break;
    case EVENT_STOP:
        stop(self);
        break;
    case EVENT_RECORD:  /* the door has no store */
    case EVENT_STORED:
    case EVENT_COMMAND: /* and nobody commands it */
        break;
    case EVENT_WAKE:
        self->armed_ms = BROKER_NEVER; /* that one is used up, also when it came late */
        break;
    }
    arm(self);
    self->out = NULL;
}
