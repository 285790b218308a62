/* What the core asked for happens here, in its order; nothing of it waits. */
#include "broker/front.h"

#include <stdlib.h>

#include "host/log.h"

static void
send_to(struct broker_front *self, uint64_t link, struct msg_span bytes)
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
note_full(struct broker_front *self, uint64_t link, uint64_t id)
{
    if (self->full_count == self->full_room) {
        self->full_room = self->full_room > 0 ? 2 * self->full_room : 64;
        self->full = realloc(self->full, self->full_room * sizeof *self->full);
        if (self->full == NULL)
            abort(); /* out of memory: there is nothing better to do */
    }
    self->full[self->full_count++] = (struct broker_front_full){link, id};
}

/* Made once; each connection gets a reference to it. */
static void
cast(struct broker_front *self, const struct msg_effect *effect, struct msg_span bytes)
{
    zmq_msg_t body;

    if (zmq_msg_init_size(&body, bytes.len) != 0)
        abort();
    memcpy(zmq_msg_data(&body), bytes.at, bytes.len);
    for (size_t i = 0; i < msg_effects_cast_count(effect); i++) {
        const uint64_t link = msg_effects_cast_link(&self->effects, effect, i);
        if (broker_port_cast(self->port, link, &body) == CONCLAVE_ERR_BUSY)
            note_full(self, link, effect->id);
    }
    zmq_msg_close(&body);
    self->ears.loud |= EAR_MEMBERS;
}

void
broker_front_perform(struct broker_front *self)
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
        case EFFECT_CAST:
            cast(self, effect, bytes);
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
        case EFFECT_EXPEL:
        case EFFECT_LISTEN:
        case EFFECT_SUBSCRIBE:
            break;
        }
    }
    msg_effects_clear(&self->effects);
}
