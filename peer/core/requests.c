/* What was asked of the front and is not answered yet: each request is sent
 * when we are online, sent again when its answer is late (handlers are
 * idempotent), and answers exactly one command, or none. */
#include "peer/core/parts.h"

#define LATE_MS 2000u       /* no answer: ask once more */
#define TRIES_MAX 4u
#define OFFLINE_MS 8000u    /* wait so long for being online */

struct peer_request *
peer_requests_add(struct peer_core *self, enum msg_kind kind, uint64_t cmd, struct msg_text name)
{
    if (name.len > PEER_TYPED_MAX) {
        peer_step_failed(self, cmd, CONCLAVE_ERR_BAD_ARGUMENTS, msg_text(""), 0);
        return NULL;
    }
    for (size_t i = 0; i < PEER_REQUESTS; i++) {
        struct peer_request *request = &self->requests[i];
        if (request->used)
            continue;
        memset(request, 0, sizeof *request);
        request->used = true;
        self->requests_count++;
        request->kind = kind;
        request->cmd = cmd;
        request->req = peer_step_req(self);
        request->made_ms = self->now.mono_ms;
        msg_text_copy(request->name, sizeof request->name, name);
        peer_outbox_start(&request->said);
        return request;
    }
    peer_step_failed(self, cmd, CONCLAVE_ERR_BUSY, msg_text("Too many requests wait for the registry; wait for some answers."), 1000);
    return NULL;
}

static void
end(struct peer_core *self, struct peer_request *request)
{
    while (request->said.count > 0)
        peer_outbox_shift(self->outbox, &request->said);
    msg_keys_wipe(request->order.password, sizeof request->order.password);
    request->used = false;
    self->requests_count--;
    if (request->order.act != 0 || request->order.says)
        peer_room_ended(self, &request->order.room);
}

static void
send(struct peer_core *self, struct peer_request *request)
{
    const struct msg_text name = msg_text(request->name);
    request->sent_ms = self->now.mono_ms;
    request->tries++;
    peer_step_at(self, request->sent_ms + LATE_MS);
    if (request->order.step != ROOM_STEP_NONE)
        peer_room_ask(self, request);
    else if (request->kind == MSG_LIST) {
        const struct msg_list_users list = {request->req, request->detailed, name};
        peer_session_send(self, MSG_LIST, &list);
    } else if (request->kind == MSG_REVOKE) {
        const struct msg_revoke revoke = {request->req, request->number};
        peer_session_send(self, MSG_REVOKE, &revoke);
    } else if (request->kind == MSG_LIST_REVOKED) {
        const struct msg_list_revoked list = {request->req, request->number};
        peer_session_send(self, MSG_LIST_REVOKED, &list);
    } else if (request->kind == MSG_SEARCH || request->kind == MSG_INTRODUCE) {
        const struct msg_search search = {request->req, name};
        peer_session_send(self, request->kind, &search);
    } else {
        const struct msg_done plain = {request->req};
        peer_session_send(self, request->kind, &plain);
    }
}

void
peer_requests_go(struct peer_core *self, struct peer_request *request)
{
    if (peer_session_online(self))
        send(self, request);
    else
        peer_step_at(self, request->made_ms + OFFLINE_MS);
}

void
peer_requests_again(struct peer_core *self, struct peer_request *request, enum msg_kind kind)
{
    request->kind = kind;
    request->req = peer_step_req(self);
    request->tries = 0;
    peer_requests_go(self, request);
}

void
peer_requests_pause(struct peer_core *self, struct peer_request *request, enum msg_kind kind, uint64_t ms)
{
    request->kind = kind;
    request->req = peer_step_req(self);
    request->tries = 0;
    /* as if it had been sent, and its answer were that late */
    request->sent_ms = self->now.mono_ms + ms > LATE_MS ? self->now.mono_ms + ms - LATE_MS : 1;
    peer_step_at(self, self->now.mono_ms + ms);
}

void
peer_requests_end(struct peer_core *self, struct peer_request *request)
{
    end(self, request);
}

void
peer_requests_send_all(struct peer_core *self)
{
    for (size_t i = 0; i < PEER_REQUESTS; i++)
        if (self->requests[i].used)
            send(self, &self->requests[i]);
}

static void
fail(struct peer_core *self, struct peer_request *request, enum conclave_err err, struct msg_text text, uint64_t retry_ms)
{
    if (request->order.step != ROOM_STEP_NONE) {
        if (!peer_room_refused(self, request, err, text, retry_ms))
            return;
    } else if (request->kind == MSG_INTRODUCE)
        peer_people_not_introduced(self, request, err, text);
    else
        peer_step_failed(self, request->cmd, err, text, retry_ms);
    end(self, request);
}

static void
not_online(struct peer_core *self, struct peer_request *request)
{
    const enum conclave_err err = peer_session_refusal(self);
    fail(self, request, err, msg_text(err == CONCLAVE_ERR_WRONG_CREDENTIALS ? "The registry does not admit this device." : ""), 0);
}

void
peer_requests_unreachable(struct peer_core *self)
{
    for (size_t i = 0; i < PEER_REQUESTS; i++)
        if (self->requests[i].used)
            not_online(self, &self->requests[i]);
}

static void
users(struct peer_core *self, struct peer_request *request, const struct msg_users *answer)
{
    struct msg_users page = *answer;
    page.req = request->cmd;
    msg_effects_tell(self->out, MSG_TELL_USERS, &page);
    if (answer->next.len == 0 || answer->next.len > PEER_TYPED_MAX) {
        end(self, request);
        return;
    }
    msg_text_copy(request->name, sizeof request->name, answer->next);
    request->req = peer_step_req(self);
    request->tries = 0;
    send(self, request);
}

static void
found(struct peer_core *self, struct peer_request *request, const struct msg_found *answer)
{
    struct msg_found tell = *answer;
    tell.req = request->cmd;
    msg_effects_tell(self->out, MSG_TELL_USER, &tell);
    end(self, request);
}

static void
devices(struct peer_core *self, struct peer_request *request, const struct msg_devices *answer)
{
    struct msg_devices tell = *answer;
    tell.req = request->cmd;
    msg_effects_tell(self->out, MSG_TELL_DEVICES, &tell);
    end(self, request);
}

static void
done(struct peer_core *self, struct peer_request *request)
{
    const uint64_t cmd = request->cmd;
    const enum msg_kind kind = request->kind;
    const bool forget = request->forget;
    end(self, request);
    if (kind == MSG_LOGOUT || kind == MSG_DELETE_ACCOUNT || forget)
        peer_session_end(self);
    if (kind == MSG_DELETE_ACCOUNT || forget)
        peer_self_forget(self);
    peer_step_ok(self, cmd, NULL);
}

/* True for what was sent and ends this device at the registry: its answer can
 * be lost with the link, and cannot be asked for again. */
static bool
ends_us(const struct peer_request *request)
{
    return request->used && request->tries > 0 && (request->forget || request->kind == MSG_DELETE_ACCOUNT);
}

bool
peer_requests_ending(const struct peer_core *self)
{
    for (size_t i = 0; i < PEER_REQUESTS; i++)
        if (ends_us(&self->requests[i]))
            return true;
    return false;
}

/* Our key is not known there any more: it was done. */
void
peer_requests_ended(struct peer_core *self)
{
    for (size_t i = 0; i < PEER_REQUESTS; i++)
        if (ends_us(&self->requests[i]))
            done(self, &self->requests[i]);
}

static void
refused(struct peer_core *self, struct peer_request *request, const struct msg_error_frame *error)
{
    const enum conclave_err err = msg_error_from_code(error->code.at, error->code.len);
    if (err == CONCLAVE_ERR_BUSY && error->retry_ms > 0 && request->tries < TRIES_MAX) {
        /* asked again when that time is over: as if the question were that late */
        request->sent_ms = self->now.mono_ms + error->retry_ms > LATE_MS ? self->now.mono_ms + error->retry_ms - LATE_MS : 1;
        peer_step_at(self, self->now.mono_ms + error->retry_ms);
        return;
    }
    fail(self, request, err, error->text, error->retry_ms);
}

/* Which answer fits which question. */
static bool
fits(enum msg_kind asked, enum msg_kind answer)
{
    static const struct { enum msg_kind asked, answer; } PAIRS[] = {
        {MSG_SEARCH, MSG_FOUND},        {MSG_LIST, MSG_USERS},   {MSG_INTRODUCE, MSG_INTRODUCED},
        {MSG_LIST_DEVICES, MSG_DEVICES}, {MSG_REVOKE, MSG_DONE},  {MSG_LOGOUT, MSG_DONE},
        {MSG_DELETE_ACCOUNT, MSG_DONE}, {MSG_LIST_REVOKED, MSG_REVOKED},
    };
    for (size_t i = 0; i < sizeof PAIRS / sizeof PAIRS[0]; i++)
        if (PAIRS[i].asked == asked)
            return PAIRS[i].answer == answer || answer == MSG_ERROR;
    return false;
}

void
peer_requests_answer(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    const uint64_t req = any->MSG_ANY_DONE.req; /* first in every answer */
    if (kind == MSG_DONE && req == self->watch_req && req != 0) {
        peer_people_watched(self);
        return;
    }
    struct peer_request *request = NULL;
    for (size_t i = 0; i < PEER_REQUESTS && request == NULL; i++)
        if (self->requests[i].used && self->requests[i].req == req && req != 0)
            request = &self->requests[i];
    if (request == NULL || !(request->order.step != ROOM_STEP_NONE ? peer_room_fits(request, kind) : fits(request->kind, kind))) {
        peer_step_log(self, MSG_LOG_DEBUG, "FRONT-LATE", "an answer of the registry that is not awaited was passed over");
        return;
    }
    if (kind == MSG_ERROR)
        refused(self, request, &any->MSG_ANY_ERROR);
    else if (request->order.step != ROOM_STEP_NONE)
        peer_room_answer(self, request, kind, any);
    else if (kind == MSG_USERS)
        users(self, request, &any->MSG_ANY_USERS);
    else if (kind == MSG_FOUND)
        found(self, request, &any->MSG_ANY_FOUND);
    else if (kind == MSG_DEVICES)
        devices(self, request, &any->MSG_ANY_DEVICES);
    else if (kind == MSG_INTRODUCED) {
        peer_people_introduced(self, request, &any->MSG_ANY_INTRODUCED);
        end(self, request);
    } else if (kind == MSG_REVOKED) {
        end(self, request);
        peer_trust_revoked(self, any->MSG_ANY_REVOKED.list);
    } else
        done(self, request);
}

static void
tick_one(struct peer_core *self, struct peer_request *request)
{
    const uint64_t now = self->now.mono_ms;
    const bool online = peer_session_online(self);
    if (!online && now >= request->made_ms + OFFLINE_MS)
        not_online(self, request);
    else if (!online)
        peer_step_at(self, request->made_ms + OFFLINE_MS);
    else if (now < request->sent_ms + LATE_MS)
        peer_step_at(self, request->sent_ms + LATE_MS);
    else if (request->tries >= TRIES_MAX && request->kind == MSG_LOGOUT)
        done(self, request); /* the lease will end it */
    else if (request->tries >= TRIES_MAX)
        fail(self, request, CONCLAVE_ERR_REGISTRY_UNREACHABLE, msg_text("The registry does not answer; it may be back soon."), 0);
    else
        send(self, request);
}

void
peer_requests_tick(struct peer_core *self)
{
    for (size_t i = 0; i < PEER_REQUESTS; i++)
        if (self->requests[i].used)
            tick_one(self, &self->requests[i]);
}
