/* What came to the front becomes events for the core.  libzmq tells of a socket
 * once, so each is read until nothing is there; members alone, who could go on
 * for ever, a bounded number at a time. */
#include "broker/front.h"
#include "msg/codec.h"

#define TURN_MAX 300 /* events of members in one turn */

void
broker_front_step(struct broker_front *self, const struct msg_event *event)
{
    broker_front_core_step(self->core, self->now, event, &self->effects);
    broker_front_perform(self);
    while (self->full_count > 0) {
        const struct broker_front_full full = self->full[--self->full_count];
        const struct msg_event refused = {.kind = EVENT_FULL, .link = full.link, .id = full.id};
        broker_front_core_step(self->core, self->now, &refused, &self->effects);
        broker_front_perform(self);
    }
}

/* What passes between door, front and vault may hold a password: it does not
 * stay in memory after its step. */
static void
step_secret(struct broker_front *self, uint64_t link, zmq_msg_t *body)
{
    const struct msg_event event = {.kind = EVENT_FRAME,
                                    .link = link,
                                    .bytes = msg_span(zmq_msg_data(body), zmq_msg_size(body))};

    broker_front_core_step(self->core, self->now, &event, &self->effects);
    const size_t len = self->effects.arena.len;
    broker_front_perform(self);
    msg_keys_wipe(self->effects.arena.at, len);
    msg_keys_wipe(zmq_msg_data(body), zmq_msg_size(body));
}

/* What the door passes on, and how long the loop spends on it. */
static void
step_knock(struct broker_front *self, zmq_msg_t *body)
{
    const uint64_t before_us = broker_front_now_us();
    uint64_t asked = MSG_KIND_NONE, req;
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_decode(msg_span(zmq_msg_data(body), zmq_msg_size(body)), &kind, &any) == CONCLAVE_OK
        && kind == MSG_DOOR_ASK)
        msg_codec_peek(any.MSG_ANY_DOOR_ASK.frame, &asked, &req);
    step_secret(self, BROKER_LINK_DOOR, body);
    if (asked != MSG_KIND_NONE)
        broker_front_monitor_asked(self, asked, broker_front_now_us() - before_us);
}

void
broker_front_hear_door(struct broker_front *self)
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
                broker_front_step(self, &(struct msg_event){.kind = EVENT_LINK_DOWN, .link = BROKER_LINK_DOOR});
            self->door_id = from;
            broker_front_step(self, &(struct msg_event){.kind = EVENT_LINK_UP, .link = BROKER_LINK_DOOR});
        }
        if (!broker_front_monitor_told(self, BROKER_LINK_DOOR, msg_span(zmq_msg_data(&body), zmq_msg_size(&body))))
            step_knock(self, &body);
    }
    zmq_msg_close(&body);
    self->ears.loud &= ~(uint32_t)EAR_DOOR;
}

void
broker_front_hear_vault(struct broker_front *self)
{
    struct broker_local_id from;
    zmq_msg_t body;
    enum conclave_err err;

    if (broker_local_came_up(self->vault_monitor))
        broker_front_step(self, &(struct msg_event){.kind = EVENT_LINK_UP, .link = BROKER_LINK_VAULT});
    zmq_msg_init(&body);
    while ((err = broker_local_receive(self->vault, &from, &body)) != CONCLAVE_ERR_NOT_FOUND)
        if (err == CONCLAVE_OK
            && !broker_front_monitor_told(self, BROKER_LINK_VAULT, msg_span(zmq_msg_data(&body), zmq_msg_size(&body))))
            step_secret(self, BROKER_LINK_VAULT, &body);
    zmq_msg_close(&body);
    self->ears.loud &= ~(uint32_t)EAR_VAULT;
}

void
broker_front_hear_store(struct broker_front *self)
{
    struct msg_event event = {.kind = EVENT_STORED};

    while (broker_store_answer(self->writer, &event.id, &event.err))
        broker_front_step(self, &event);
    self->ears.loud &= ~(uint32_t)EAR_STORE;
}

void
broker_front_hear_members(struct broker_front *self)
{
    struct msg_event event;
    uint64_t kind = 0, req, before_us = broker_front_now_us();

    for (int i = 0; i < TURN_MAX; i++) {
        if (!broker_port_next(self->port, self->now.mono_ms, &event)) {
            self->ears.loud &= ~(uint32_t)EAR_MEMBERS;
            break;
        }
        if (event.kind == EVENT_FRAME)
            msg_codec_peek(event.bytes, &kind, &req);
        broker_front_step(self, &event);
        const uint64_t after_us = broker_front_now_us();
        if (event.kind == EVENT_FRAME)
            broker_front_monitor_asked(self, kind, after_us - before_us);
        before_us = after_us;
    }
}
