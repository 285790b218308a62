/* A session lasts as long as its device is heard from: PING and PONG, and the
 * end of those that fell silent. */
#include "broker/core/front_state.h"

void
broker_leases_told(struct broker_front_core *self, struct broker_session *session)
{
    session->told_ms = self->now.mono_ms;
    session->told_version = self->revoked_version;
}

/* Whether a PONG would say what the session knows: of a member that says
 * nothing else, every second PING is answered. */
static bool
is_told(const struct broker_front_core *self, const struct broker_session *session)
{
    return session->told_version == self->revoked_version
           && self->now.mono_ms - session->told_ms < session->lease_ms + session->lease_ms / 4;
}

void
broker_leases_forget_pongs(struct broker_front_core *self)
{
    self->pongs.count = 0;
    self->pongs.due_ms = BROKER_NEVER;
}

static void
pong(struct broker_front_core *self)
{
    const struct msg_pong pong = {self->now.wall_ms, self->revoked_version};

    for (uint32_t i = 0; i < self->pongs.count; i++)
        if (broker_sessions_by_conn(&self->sessions, self->pongs.conns[i]) != BROKER_NONE)
            broker_front_core_send(self, self->pongs.conns[i], MSG_PONG, &pong);
    broker_leases_forget_pongs(self);
}

void
broker_leases_pong_due(struct broker_front_core *self)
{
    if (self->pongs.due_ms <= self->now.mono_ms)
        pong(self);
}

void
broker_leases_pong_along(struct broker_front_core *self)
{
    if (self->pongs.count > 0)
        pong(self);
}

void
broker_leases_ping(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    struct broker_session *session = &self->sessions.list[ask->session];
    const uint64_t tenth_ms = self->settings.lease_ms / 10;

    if (session->reach.status != any->MSG_ANY_PING.status) {
        session->reach.status = (uint8_t)any->MSG_ANY_PING.status;
        broker_people_changed(&self->people, session->person, false, self->now.mono_ms, self->settings.gather_ms);
        broker_presence_changed(self, session->account);
    }
    broker_casts_lease(self, ask->session);
    if (is_told(self, session))
        return;
    broker_leases_told(self, session);
    if (self->pongs.count == 0)
        self->pongs.due_ms = self->now.mono_ms + (tenth_ms < BROKER_PONG_MS ? tenth_ms : BROKER_PONG_MS);
    self->pongs.conns[self->pongs.count++] = ask->link;
    if (self->pongs.count == BROKER_PONGS)
        pong(self);
}

void
broker_leases_expire(struct broker_front_core *self)
{
    uint32_t slot;

    while ((slot = broker_sessions_expired(&self->sessions, self->now.mono_ms, self->settings.expiry_ms))
           != BROKER_NONE) {
        /* Cut, so that a device that only slept notices and comes back. */
        msg_effects_drop(self->out, self->sessions.list[slot].conn);
        broker_login_end(self, slot, false);
    }
}
