/* Relayed links: what one device says to another goes through here when they
 * cannot dial each other.  Nothing of it is read, and nothing kept. */
#include "broker/core/front_state.h"

#define RELAY_BYTES 64u /* what a frame counts beside its content */

uint64_t
broker_relaying_charge(struct broker_front_core *self, uint32_t session, size_t bytes)
{
    const struct broker_rate rate = {self->settings.relay_burst_bytes, self->settings.relay_bytes_per_s, 1000};

    return broker_bucket_take_many(&self->sessions.list[session].bytes, &rate, bytes, self->now.mono_ms);
}

void
broker_relaying_relay(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_relay *relay = &any->MSG_ANY_RELAY;
    const struct broker_session *from = &self->sessions.list[ask->session];
    const uint32_t to = broker_people_session(&self->people, relay->account, relay->device);

    /* Too fast is told as not reached, too: the link ends at once, and what
     * was on it is still in the outbox of whoever said it. */
    const bool late = broker_relaying_charge(self, ask->session, relay->frames.len + RELAY_BYTES) > 0;
    if (late || to == BROKER_NONE || to == ask->session) {
        const struct msg_unreached unreached = {relay->account, relay->device};
        self->counts.unreached++;
        broker_front_core_send(self, ask->link, MSG_UNREACHED, &unreached);
        return;
    }
    const struct msg_relay relayed = {from->account, from->device, relay->frames};
    self->counts.relayed++;
    broker_front_core_send(self, self->sessions.list[to].conn, MSG_RELAYED, &relayed);
}
