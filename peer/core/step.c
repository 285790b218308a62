/* What every part of the core adds to the step under way: numbers that were
 * not given before, times to be woken at, answers to the user, lines of the
 * log.  Knows no part. */
#include "peer/core/parts.h"

#include <stdio.h>

uint64_t
peer_step_req(struct peer_core *self)
{
    return ++self->next_req;
}

uint64_t
peer_step_link(struct peer_core *self)
{
    return ++self->next_link;
}

void
peer_step_at(struct peer_core *self, uint64_t at_ms)
{
    if (at_ms < self->due_ms)
        self->due_ms = at_ms;
}

uint64_t
peer_step_hurry(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

uint64_t
peer_step_store(struct peer_core *self)
{
    self->writes = true;
    return self->next_store + 1;
}

uint64_t
peer_step_registry_ms(const struct peer_core *self)
{
    if (self->self.steady_ms != 0)
        return (uint64_t)((int64_t)self->now.mono_ms + self->self.steady_ms);
    return (uint64_t)((int64_t)self->now.wall_ms + self->self.clock_ms);
}

void
peer_step_heard_ms(struct peer_core *self, uint64_t registry_ms)
{
    self->self.steady_ms = (int64_t)registry_ms - (int64_t)self->now.mono_ms;
}

uint64_t
peer_step_backoff(uint64_t first_ms, uint64_t last_ms, uint32_t failures)
{
    uint64_t ms = first_ms;
    for (uint32_t i = 1; i < failures && ms < last_ms; i++)
        ms *= 2;
    if (ms > last_ms)
        ms = last_ms;
    return ms / 2 + msg_keys_random_u64() % (ms / 2 + 1);
}

void
peer_step_ok_already(struct peer_core *self, uint64_t cmd, struct msg_text text)
{
    const struct msg_tell_ok ok = {.req = cmd, .text = text};
    msg_effects_tell(self->out, MSG_TELL_OK, &ok);
}

void
peer_step_ok(struct peer_core *self, uint64_t cmd, const struct msg_id *id)
{
    if (cmd == 0)
        return;
    struct msg_tell_ok ok = {.req = cmd};
    if (id != NULL)
        ok.id = *id;
    /* What this step changes is done when it is on disk; what is said has its
     * own tick for that. */
    if (id == NULL && self->writes && peer_held_fits(self->held, 0))
        peer_held_put(self->held, peer_step_store(self), MSG_TELL_OK, &ok);
    else
        msg_effects_tell(self->out, MSG_TELL_OK, &ok);
}

void
peer_step_failed(struct peer_core *self, uint64_t cmd, enum conclave_err err, struct msg_text text, uint64_t retry_ms)
{
    if (cmd == 0)
        return;
    const struct msg_error_frame failed = {
        .req = cmd,
        .code = msg_text(msg_error_code(err)),
        .text = text.len > 0 ? text : msg_text(msg_error_sentence(err)),
        .retry_ms = retry_ms,
    };
    msg_effects_tell(self->out, MSG_TELL_FAILED, &failed);
}

void
peer_step_notice(struct peer_core *self, enum conclave_err err, struct msg_text text)
{
    peer_step_notice_about(self, msg_text(""), err, text);
}

void
peer_step_notice_about(struct peer_core *self, struct msg_text name, enum conclave_err err, struct msg_text text)
{
    const struct msg_tell_notice notice = {
        .name = name,
        .code = msg_text(msg_error_code(err)),
        .text = text.len > 0 ? text : msg_text(msg_error_sentence(err)),
    };
    msg_effects_tell(self->out, MSG_TELL_NOTICE, &notice);
}

void
peer_step_keep(struct peer_core *self, uint64_t arrival, enum msg_kind kind, const void *tell)
{
    const struct msg_record_key key = msg_record_key1(arrival);
    msg_effects_put(self->out, PEER_TABLE_INBOX, msg_record_key_span(&key), kind, tell);
    peer_held_put(self->held, peer_step_store(self), kind, tell);
}

void
peer_step_notice_kept(struct peer_core *self, struct msg_text name, enum conclave_err err, struct msg_text text)
{
    if (!peer_held_fits(self->held, name.len + text.len)) {
        peer_step_notice_about(self, name, err, text);
        return;
    }
    const struct msg_tell_notice notice = {.arrival = self->next_arrival++, .code = msg_text(msg_error_code(err)), .text = text, .name = name};
    peer_step_keep(self, notice.arrival, MSG_TELL_NOTICE, &notice);
}

void
peer_step_session(struct peer_core *self, enum msg_session_state state, enum conclave_err err, struct msg_text text)
{
    const struct msg_tell_session tell = {
        .state = state,
        .name = msg_text(self->self.name.shown),
        .code = msg_text(err == CONCLAVE_OK ? "" : msg_error_code(err)),
        .text = text,
    };
    msg_effects_tell(self->out, MSG_TELL_SESSION, &tell);
}

struct msg_text
peer_step_unresolved(struct peer_core *self, const char *host)
{
    (void)snprintf(self->text, sizeof self->text, "No address was found for the name %s; check it in the invite link, and the network and DNS of this machine.", host);
    return msg_text(self->text);
}

void
peer_step_log(struct peer_core *self, enum msg_log_level level, const char *what, const char *detail)
{
    msg_effects_log(self->out, level, "%s %s", what, detail);
}
