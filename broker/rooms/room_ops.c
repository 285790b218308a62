/* ROOM_PROPOSE: whose operation it is, whether it was handed in before, the
 * password of a locked room; then it waits for its turn (broker/rooms/room_roster). */
#include "broker/core/front_state.h"

#include <stdio.h>

static const char BAD_OP[] = "That operation is not signed by this device, or not about that room.";
static const char OLD_OP[] = "The room has changed, or what is to be done does not fit it; look at it and try again.";

/* ---- rule 1 ---- */

static enum conclave_err
open_op(const struct broker_front_core *self, const struct broker_session *asker, const struct msg_room_propose *propose,
        struct msg_room_op *op)
{
    struct msg_rec_device device;

    enum conclave_err err = msg_room_open_op(op, propose->op, NULL);
    if (err != CONCLAVE_OK)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (op->act == MSG_ACT_REVOKED)
        return CONCLAVE_ERR_FORBIDDEN; /* the registry's alone */
    if (memcmp(op->room.at, propose->room.at, sizeof op->room.at) != 0 || op->account != asker->account
        || op->device != asker->device)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (!broker_accounts_device(&self->view, op->account, op->device, &device))
        return CONCLAVE_ERR_UNKNOWN_KEY;
    err = msg_room_open_op(op, propose->op, &device.sign);
    return err == CONCLAVE_ERR_SIGNATURE ? CONCLAVE_ERR_BAD_ARGUMENTS : err;
}

/* True when the actor's last entry is this very operation. */
static bool
is_done(const struct broker_front_core *self, const struct msg_room_propose *propose, uint64_t account)
{
    struct msg_rec_room_entry entry;
    struct msg_room_part part;
    uint64_t ended;

    return broker_room_records_part(&self->view, &propose->room, account, &part, &ended)
           && broker_room_records_entry(&self->view, &propose->room, part.last, &entry)
           && msg_span_equal(entry.op, propose->op);
}

/* ---- what is permitted before it costs anything ---- */

static bool
is_taken(const struct broker_front_core *self, const struct msg_id *room, struct msg_text folded)
{
    struct msg_rec_room_entry entry;

    return broker_rooms_by_id(&self->rooms, room) != BROKER_NONE
           || broker_rooms_by_name(&self->rooms, folded) != BROKER_NONE
           || broker_room_records_entry(&self->view, room, 1, &entry); /* it was there once */
}

static enum conclave_err
judge_create(const struct broker_front_core *self, const struct msg_room_op *op, bool password)
{
    struct msg_room_name name;
    uint32_t invited;

    if (((op->flags & MSG_ROOM_LOCKED) != 0) != password || op->seen != 0 || op->subject != 0)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (msg_room_name_parse(&name, op->name) != CONCLAVE_OK)
        return CONCLAVE_ERR_BAD_NAME;
    if (is_taken(self, &op->room, (struct msg_text){name.folded, name.folded_len}))
        return CONCLAVE_ERR_ROOM_EXISTS;
    if (self->rooms.count >= self->settings.rooms
        || broker_rooms_count_of(&self->rooms, op->account, &invited) >= self->settings.account_rooms)
        return CONCLAVE_ERR_QUOTA_EXCEEDED;
    return CONCLAVE_OK;
}

static enum conclave_err
judge_other(struct broker_front_core *self, const struct msg_room_op *op)
{
    const uint32_t room = broker_rooms_by_id(&self->rooms, &op->room);
    struct msg_room_part part;

    if (room == BROKER_NONE || self->rooms.list[room].stored == 0)
        return CONCLAVE_ERR_NO_SUCH_ROOM;
    (void)broker_roster_next_part(self, room, op->account, &part); /* none: zeros */
    if ((self->rooms.list[room].rules.flags & MSG_ROOM_PRIVATE) != 0 && part.role == MSG_ROLE_NONE
        && part.since == 0 && (part.standing & MSG_STANDING_INVITED) == 0)
        return CONCLAVE_ERR_NO_SUCH_ROOM; /* not for strangers to know */
    self->counts.stale_ops += op->seen > 0 && op->seen <= self->rooms.list[room].stored
                              && !msg_room_saw_lately(&self->rooms.list[room].rules, op);
    return broker_roster_judge(self, room, op);
}

/* ---- the queue ---- */

static void
refuse(struct broker_front_core *self, uint32_t slot, enum conclave_err err, const char *text, uint64_t retry_ms)
{
    broker_roster_answer(self, &self->proposals.list[slot], err, text, retry_ms);
    broker_proposals_end(&self->proposals, slot);
}

/* The operation takes its place in its room, which CREATE makes for it. */
static void
admit(struct broker_front_core *self, uint32_t slot)
{
    struct broker_proposal *proposal = &self->proposals.list[slot];
    uint32_t room = broker_rooms_by_id(&self->rooms, &proposal->room);
    struct msg_room_name name;
    struct msg_room_op op;

    enum conclave_err err = msg_room_open_op(&op, msg_span(proposal->op, proposal->op_len), NULL);
    if (err == CONCLAVE_OK && op.act == MSG_ACT_CREATE) {
        /* Again: others were asked in while its password was hashed. */
        err = judge_create(self, &op, proposal->hash[0] != '\0');
        if (err == CONCLAVE_OK)
            err = msg_room_name_parse(&name, op.name);
        if (err == CONCLAVE_OK && (room = broker_rooms_add(&self->rooms, &op.room, &name)) == BROKER_NONE)
            err = CONCLAVE_ERR_QUOTA_EXCEEDED;
    } else if (room == BROKER_NONE) {
        err = CONCLAVE_ERR_NO_SUCH_ROOM;
    }
    if (err != CONCLAVE_OK) {
        refuse(self, slot, err, NULL, 0);
        return;
    }
    broker_proposals_queue(&self->proposals, &self->rooms.list[room], slot);
    broker_roster_run(self, room);
}

/* ---- passwords ---- */

/* The attempts of one account at one room. */
static uint64_t
tag_of(const struct broker_front_core *self, const struct broker_proposal *proposal)
{
    char id[2 * sizeof proposal->room.at + 1], account[32];

    msg_keys_to_hex(id, proposal->room.at, sizeof proposal->room.at);
    snprintf(account, sizeof account, "#%llu", (unsigned long long)proposal->account);
    return broker_throttle_tag(&self->throttle, msg_text(id), msg_text(account));
}

static bool
has_password_job(const struct broker_front_core *self, uint64_t account)
{
    for (uint32_t i = 0; i < self->jobs.high; i++)
        if (self->jobs.list[i].kind == BROKER_JOB_ROOM && self->jobs.list[i].account == account)
            return true;
    return false;
}

static void
ask_vault(struct broker_front_core *self, uint32_t slot, struct msg_text password, bool create)
{
    const struct broker_throttle_rule rule = broker_admission_rule(self);
    const struct broker_proposal *proposal = &self->proposals.list[slot];
    struct msg_rec_room record;
    uint64_t retry_ms = 0;
    struct broker_job *job = NULL;

    if (!create && password.len == 0) { /* no guess: whoever does not know that there is one asks so */
        refuse(self, slot, CONCLAVE_ERR_WRONG_CREDENTIALS, "The room has a password.", 0);
        return;
    }
    if (!self->stopping && self->jobs.hashing < BROKER_JOBS_HASHING && !has_password_job(self, proposal->account))
        job = broker_jobs_add(&self->jobs, BROKER_JOB_ROOM, self->now.mono_ms);
    if (job == NULL) {
        refuse(self, slot, CONCLAVE_ERR_BUSY, NULL, BROKER_BUSY_MS);
        return;
    }
    job->account = proposal->account;
    job->proposal = slot;
    msg_text_copy(job->password, sizeof job->password, password);
    if (create) {
        broker_progress_enter_vault(self, job, BROKER_STAGE_HASH);
        return;
    }
    const uint64_t tag = tag_of(self, proposal);
    enum conclave_err err = broker_throttle_begin(&self->throttle, &rule, tag, self->now.mono_ms, &retry_ms);
    if (err == CONCLAVE_OK) {
        job->throttle = tag;
        if (!broker_room_records_room(&self->view, &proposal->room, &record))
            err = CONCLAVE_ERR_NO_SUCH_ROOM;
    }
    if (err != CONCLAVE_OK) {
        broker_room_ops_fail(self, job, err, retry_ms);
        return;
    }
    msg_text_copy(job->hash, sizeof job->hash, record.hash);
    broker_progress_enter_vault(self, job, BROKER_STAGE_CHECK);
}

void
broker_room_ops_hashed(struct broker_front_core *self, struct broker_job *job)
{
    const uint32_t slot = job->proposal;

    memcpy(self->proposals.list[slot].hash, job->new_hash, sizeof job->new_hash);
    broker_jobs_end(&self->jobs, job);
    admit(self, slot);
}

void
broker_room_ops_checked(struct broker_front_core *self, struct broker_job *job, bool ok)
{
    const struct broker_throttle_rule rule = broker_admission_rule(self);
    const uint32_t slot = job->proposal;

    if (ok)
        broker_throttle_passed(&self->throttle, job->throttle);
    else
        broker_throttle_failed(&self->throttle, &rule, job->throttle, self->now.mono_ms);
    broker_jobs_end(&self->jobs, job);
    if (ok) {
        admit(self, slot);
        return;
    }
    msg_effects_log(self->out, MSG_LOG_WARN, "ROOM-PASSWORD account=%llu wrong password of a room",
                    (unsigned long long)self->proposals.list[slot].account);
    refuse(self, slot, CONCLAVE_ERR_WRONG_CREDENTIALS, "The password of the room is wrong.", 0);
}

void
broker_room_ops_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err, uint64_t retry_ms)
{
    const uint32_t slot = job->proposal;
    char blocked[96];

    (void)snprintf(blocked, sizeof blocked, "You gave too many wrong passwords for that room; try again in %llu s.",
                   (unsigned long long)retry_ms / 1000 + 1);
    if (job->throttle != 0)
        broker_throttle_let_go(&self->throttle, job->throttle);
    broker_jobs_end(&self->jobs, job);
    refuse(self, slot, err, err == CONCLAVE_ERR_BLOCKED ? blocked : NULL, retry_ms);
}

/* ---- ROOM_PROPOSE ---- */

/* It asks again while we are at it: the answer goes to where it is now. */
static bool
take_over(struct broker_front_core *self, const struct broker_ask *ask, const struct msg_room_propose *propose)
{
    const struct broker_session *asker = &self->sessions.list[ask->session];
    const uint32_t slot = broker_proposals_same(&self->proposals, asker->account, propose->op);

    if (slot == BROKER_NONE)
        return false;
    struct broker_proposal *proposal = &self->proposals.list[slot];
    proposal->conn = ask->link;
    proposal->generation = asker->generation;
    proposal->req = propose->req;
    return true;
}

static void
hand_in(struct broker_front_core *self, const struct broker_ask *ask, const struct msg_room_propose *propose,
        const struct msg_room_op *op)
{
    const struct broker_session *asker = &self->sessions.list[ask->session];
    const uint32_t slot = broker_proposals_add(&self->proposals, propose->op);
    const uint32_t room = broker_rooms_by_id(&self->rooms, &propose->room);

    if (slot == BROKER_NONE) {
        broker_front_core_refuse(self, ask->link, propose->req, CONCLAVE_ERR_BUSY, NULL, BROKER_BUSY_MS);
        return;
    }
    struct broker_proposal *proposal = &self->proposals.list[slot];
    proposal->room = propose->room;
    proposal->conn = ask->link;
    proposal->generation = asker->generation;
    proposal->req = propose->req;
    proposal->account = asker->account;
    proposal->device = asker->device;
    const uint64_t flags = op->act == MSG_ACT_CREATE ? op->flags
                           : op->act == MSG_ACT_JOIN && room != BROKER_NONE ? self->rooms.list[room].rules.flags : 0;
    if ((flags & MSG_ROOM_LOCKED) != 0)
        ask_vault(self, slot, propose->password, op->act == MSG_ACT_CREATE);
    else
        admit(self, slot);
}

void
broker_room_ops_propose(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_room_propose *propose = &any->MSG_ANY_ROOM_PROPOSE;
    const struct broker_session *asker = &self->sessions.list[ask->session];
    const struct msg_done done = {propose->req};
    const char *text = BAD_OP;
    struct msg_room_op op;

    enum conclave_err err = open_op(self, asker, propose, &op);
    if (err == CONCLAVE_OK) {
        if (take_over(self, ask, propose))
            return;
        if (is_done(self, propose, asker->account)) {
            broker_front_core_send(self, ask->link, MSG_DONE, &done);
            return;
        }
        text = OLD_OP;
        err = op.act == MSG_ACT_CREATE ? judge_create(self, &op, propose->password.len > 0) : judge_other(self, &op);
    }
    if (err == CONCLAVE_OK)
        hand_in(self, ask, propose, &op);
    else
        broker_front_core_refuse(self, ask->link, propose->req, err, err == CONCLAVE_ERR_BAD_ARGUMENTS ? text : NULL,
                                 err == CONCLAVE_ERR_BUSY ? BROKER_BUSY_MS : 0);
}
