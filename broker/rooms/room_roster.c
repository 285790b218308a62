/* The order of things in rooms.  Operations become entries of a roster, in one
 * transaction at a time in each room: what comes while it is under way waits
 * and makes the next one together, so that an entry never stands on one that
 * was not stored.  The rules' state is that after the transaction; if it
 * fails, the room is read again. */
#include "broker/core/front_state.h"

#include <assert.h>

#define ENTRIES_MAX 32u          /* of one room in one transaction */
#define BOARDING UINT64_MAX      /* id of a transaction that has none yet */

/* A transaction of one room that is being put together. */
struct draft {
    uint32_t room;
    uint64_t created_ms;
    char topic[MSG_TOPIC_MAX + 1];
    char hash[MSG_HASH_TEXT_MAX + 1];
};

/* The member in the table, taken into it from the store if need be;
 * BROKER_NONE: full. */
static uint32_t
hold(struct broker_front_core *self, uint32_t room, uint64_t account)
{
    uint32_t slot = broker_rooms_member(&self->rooms, room, account);

    if (slot != BROKER_NONE)
        return slot;
    slot = broker_rooms_add_member(&self->rooms, room, account);
    if (slot == BROKER_NONE)
        return slot;
    struct broker_member *member = &self->rooms.members[slot];
    (void)broker_room_records_part(&self->view, &self->rooms.list[room].rules.id, account, &member->part,
                                   &member->ended); /* none: it never was anything */
    return slot;
}

/* ---- a draft ---- */

static bool
open_draft(struct broker_front_core *self, uint32_t slot, struct draft *draft)
{
    const struct broker_room *room = &self->rooms.list[slot];
    struct msg_rec_room record;

    draft->room = slot;
    draft->created_ms = self->now.wall_ms;
    draft->topic[0] = draft->hash[0] = '\0';
    if (room->stored == 0)
        return true; /* CREATE says what it is */
    if (!broker_room_records_room(&self->view, &room->rules.id, &record))
        return false;
    draft->created_ms = record.created_ms;
    msg_text_copy(draft->topic, sizeof draft->topic, record.topic);
    msg_text_copy(draft->hash, sizeof draft->hash, record.hash);
    return true;
}

static void
put_entry(struct broker_front_core *self, struct broker_room *room, struct msg_span op, struct msg_span certificate,
          bool epoch_grew)
{
    const struct broker_room_log *log = broker_casts_log(self, (uint32_t)(room - self->rooms.list));
    const struct msg_entry entry = {room->rules.number, log->last, self->now.wall_ms, op, certificate};
    const struct msg_record_key key = msg_record_key_room(&room->rules.id, &entry.number, 1);

    msg_room_link(&room->rules, &entry, epoch_grew);
    const struct msg_rec_room_entry record = {entry.offset, entry.at_ms, op, certificate, room->rules.head};
    msg_effects_put(self->out, BROKER_TABLE_ROOM_ENTRIES, msg_record_key_span(&key), MSG_REC_ROOM_ENTRY, &record);
}

static void
put_member(struct broker_front_core *self, const struct broker_room *room, uint32_t slot, bool was_in)
{
    struct broker_member *member = &self->rooms.members[slot];

    if (broker_rooms_is_in(member))
        member->ended = 0;
    else if (was_in)
        member->ended = room->rules.number;
    broker_room_records_put_part(self->out, &room->rules.id, member);
}

/* Makes an operation that is permitted the next entry; QUOTA_EXCEEDED where the
 * table is full.  Neither op nor certificate may point into the view. */
static enum conclave_err
enter(struct broker_front_core *self, struct draft *draft, const struct msg_room_op *op, struct msg_span signed_op,
      struct msg_span certificate)
{
    struct broker_room *room = &self->rooms.list[draft->room];
    const bool registry = op->act == MSG_ACT_REVOKED;
    const uint64_t epoch = room->rules.epoch;
    struct broker_member *members = self->rooms.members;
    uint32_t slots[2] = {BROKER_NONE, BROKER_NONE}; /* actor, subject: of these, one at most is not there yet */
    bool was_in[2];

    if (!registry && (slots[0] = hold(self, draft->room, op->account)) == BROKER_NONE)
        return CONCLAVE_ERR_QUOTA_EXCEEDED;
    if (op->subject != 0 && (slots[1] = hold(self, draft->room, op->subject)) == BROKER_NONE)
        return CONCLAVE_ERR_QUOTA_EXCEEDED;
    for (size_t i = 0; i < 2; i++)
        was_in[i] = slots[i] != BROKER_NONE && broker_rooms_is_in(&members[slots[i]]);
    const enum conclave_err err = msg_room_apply(&room->rules, op, registry ? NULL : &members[slots[0]].part,
                                                 op->subject == 0 ? NULL : &members[slots[1]].part, registry);
    assert(err == CONCLAVE_OK); /* it was judged */
    (void)err;
    put_entry(self, room, signed_op, certificate, room->rules.epoch != epoch);
    for (size_t i = 0; i < 2; i++)
        if (slots[i] != BROKER_NONE)
            put_member(self, room, slots[i], was_in[i]);
    if (op->act == MSG_ACT_CREATE || op->act == MSG_ACT_TOPIC)
        msg_text_copy(draft->topic, sizeof draft->topic, op->text);
    return CONCLAVE_OK;
}

/* Writes down what the room is now, and waits for it to be on disk. */
static void
close_draft(struct broker_front_core *self, const struct draft *draft)
{
    struct broker_room *room = &self->rooms.list[draft->room];
    const struct msg_span key = msg_span(room->rules.id.at, sizeof room->rules.id.at);
    const struct msg_span name = msg_span(room->folded, room->folded_len);
    const uint64_t mesh_most = room->mesh ? self->settings.mesh_stay : self->settings.mesh_join;

    room->mesh = room->rules.members <= mesh_most;
    const struct msg_rec_room record = {
        .room = room->rules.id,
        .name = {room->shown, room->shown_len},
        .topic = msg_text(draft->topic),
        .flags = room->rules.flags,
        .hash = msg_text(draft->hash),
        .number = room->rules.number,
        .head = room->rules.head,
        .epoch = room->rules.epoch,
        .epoch_head = room->rules.epoch_head,
        .created_ms = draft->created_ms,
        .gone_ms = !room->rules.gone ? 0 : self->now.wall_ms > 0 ? self->now.wall_ms : 1,
        .mesh = room->mesh,
    };
    const struct msg_rec_room_name owner = {room->rules.id};
    msg_effects_put(self->out, BROKER_TABLE_ROOMS, key, MSG_REC_ROOM, &record);
    if (room->rules.gone)
        msg_effects_delete(self->out, BROKER_TABLE_ROOM_NAMES, name);
    else if (room->stored == 0)
        msg_effects_put(self->out, BROKER_TABLE_ROOM_NAMES, name, MSG_REC_ROOM_NAME, &owner);
    room->flight = BOARDING;
    room->flight_next = 0;
    if (self->flights.last != 0)
        self->rooms.list[self->flights.last - 1].flight_next = draft->room + 1;
    else
        self->flights.first = draft->room + 1;
    self->flights.last = draft->room + 1;
    if (self->flights.boarding == 0)
        self->flights.boarding = draft->room + 1;
}

void
broker_roster_depart(struct broker_front_core *self, uint64_t id)
{
    for (uint32_t at = self->flights.boarding; at != 0; at = self->rooms.list[at - 1].flight_next)
        self->rooms.list[at - 1].flight = id;
    self->flights.boarding = 0;
}

/* ---- proposals ---- */

void
broker_roster_answer(struct broker_front_core *self, const struct broker_proposal *proposal, enum conclave_err err,
                     const char *text, uint64_t retry_ms)
{
    const uint32_t session = broker_sessions_by_conn(&self->sessions, proposal->conn);
    const struct msg_done done = {proposal->req};

    if (session == BROKER_NONE || self->sessions.list[session].generation != proposal->generation)
        return;
    if (err == CONCLAVE_OK)
        broker_front_core_send(self, proposal->conn, MSG_DONE, &done);
    else
        broker_front_core_refuse(self, proposal->conn, proposal->req, err, text,
                                 err == CONCLAVE_ERR_BUSY && retry_ms == 0 ? BROKER_BUSY_MS : retry_ms);
}

/* Decides about one proposal as the room is now, and enters it. */
static enum conclave_err
consider(struct broker_front_core *self, struct draft *draft, const struct broker_proposal *proposal)
{
    const struct msg_span signed_op = msg_span(proposal->op, proposal->op_len);
    uint8_t certificate[MSG_CERT_MAX]; /* the record goes with the next look into the view */
    struct msg_rec_device device;
    struct msg_room_op op;

    enum conclave_err err = msg_room_open_op(&op, signed_op, NULL); /* its signature was checked as it came */
    if (err == CONCLAVE_OK)
        err = broker_roster_judge(self, draft->room, &op);
    if (err != CONCLAVE_OK)
        return err;
    if (!broker_accounts_device(&self->view, op.account, op.device, &device) || device.revoked_ms != 0
        || device.certificate.len > sizeof certificate)
        return CONCLAVE_ERR_REVOKED;
    const size_t len = device.certificate.len;
    memcpy(certificate, device.certificate.at, len);
    err = enter(self, draft, &op, signed_op, msg_span(certificate, len));
    if (err == CONCLAVE_OK && op.act == MSG_ACT_CREATE)
        memcpy(draft->hash, proposal->hash, sizeof draft->hash);
    return err;
}

static void
end_proposal(struct broker_front_core *self, uint32_t slot, enum conclave_err err)
{
    broker_roster_answer(self, &self->proposals.list[slot], err, NULL, 0);
    broker_proposals_end(&self->proposals, slot);
}

/* True while a revocation waits for the room: then nothing new departs. */
static bool
is_claimed(const struct broker_front_core *self, uint32_t room)
{
    for (uint32_t i = 0; self->jobs.waiting > 0 && i < self->jobs.high; i++) {
        const struct broker_job *job = &self->jobs.list[i];
        if ((job->kind == BROKER_JOB_REVOKE || job->kind == BROKER_JOB_DELETE) && job->stage == BROKER_STAGE_LOCK
            && job->held && broker_rooms_member(&self->rooms, room, job->account) != BROKER_NONE)
            return true;
    }
    return false;
}

/* Enters what waits, up to a measure; how many were. */
static uint32_t
fill(struct broker_front_core *self, struct draft *draft)
{
    struct broker_room *room = &self->rooms.list[draft->room];
    uint32_t before = 0, next, taken = 0;

    for (uint32_t at = room->waiting_first; at != 0 && taken < ENTRIES_MAX; at = next) {
        next = self->proposals.list[at - 1].next;
        const enum conclave_err err = consider(self, draft, &self->proposals.list[at - 1]);
        if (err == CONCLAVE_OK) {
            taken++;
            before = at;
        } else {
            broker_proposals_cut(&self->proposals, room, before);
            end_proposal(self, at - 1, err);
        }
    }
    return taken;
}

/* A room that is not, or is no more. */
static void
remove_room(struct broker_front_core *self, uint32_t slot)
{
    struct broker_room *room = &self->rooms.list[slot];

    while (room->waiting_first != 0)
        end_proposal(self, broker_proposals_unqueue(&self->proposals, room), CONCLAVE_ERR_NO_SUCH_ROOM);
    broker_mesh_end_room(self, slot);
    broker_rooms_remove(&self->rooms, slot);
}

void
broker_roster_run(struct broker_front_core *self, uint32_t slot)
{
    struct broker_room *room = &self->rooms.list[slot];
    struct draft draft;

    if (room->flight != 0 || room->waiting_first == 0 || is_claimed(self, slot))
        return;
    if (!open_draft(self, slot, &draft)) {
        while (room->waiting_first != 0)
            end_proposal(self, broker_proposals_unqueue(&self->proposals, room), CONCLAVE_ERR_INTERNAL);
        return;
    }
    room->flying = fill(self, &draft);
    if (room->flying > 0) {
        const uint64_t id = broker_jobs_store_id(&self->jobs);
        close_draft(self, &draft);
        msg_effects_store(self->out, id);
        broker_roster_depart(self, id);
    } else if (room->stored == 0) {
        remove_room(self, slot);
    }
}

/* ---- on disk, or not ---- */

static void
land(struct broker_front_core *self, uint32_t slot)
{
    struct broker_room *room = &self->rooms.list[slot];
    const uint64_t first = room->stored + 1;

    room->stored = room->rules.number;
    broker_landing_tell(self, slot, first);
    for (; room->flying > 0; room->flying--)
        end_proposal(self, broker_proposals_unqueue(&self->proposals, room), CONCLAVE_OK);
    if (room->rules.gone)
        remove_room(self, slot);
    else
        broker_roster_run(self, slot);
}

static void
crash(struct broker_front_core *self, uint32_t slot, enum conclave_err err)
{
    struct broker_room *room = &self->rooms.list[slot];

    for (; room->flying > 0; room->flying--)
        end_proposal(self, broker_proposals_unqueue(&self->proposals, room), err);
    if (broker_room_records_reload(&self->rooms, &self->view, slot))
        broker_roster_run(self, slot);
    else
        remove_room(self, slot); /* CREATE it was */
}

/* Who waits for rooms to be free may have them now. */
static void
wake_claims(struct broker_front_core *self)
{
    for (uint32_t i = 0; self->jobs.waiting > 0 && i < self->jobs.high; i++) {
        struct broker_job *job = &self->jobs.list[i];
        if ((job->kind == BROKER_JOB_REVOKE || job->kind == BROKER_JOB_DELETE) && job->stage == BROKER_STAGE_LOCK
            && job->held)
            broker_devices_locked(self, job);
    }
}

void
broker_roster_stored(struct broker_front_core *self, uint64_t id, enum conclave_err err)
{
    struct broker_flights *flights = &self->flights;
    bool any = false;

    while (flights->first != 0 && self->rooms.list[flights->first - 1].flight == id) {
        const uint32_t slot = flights->first - 1;
        struct broker_room *room = &self->rooms.list[slot];
        flights->first = room->flight_next;
        if (flights->first == 0)
            flights->last = 0;
        room->flight = 0;
        room->flight_next = 0;
        if (err == CONCLAVE_OK)
            land(self, slot);
        else
            crash(self, slot, err);
        any = true;
    }
    if (any)
        wake_claims(self);
}

/* ---- by the registry ---- */

/* One entry in one room; nothing where the account is not in it. */
static void
revoke_in(struct broker_front_core *self, uint32_t room, uint64_t account, uint64_t device)
{
    const struct msg_room_op op = {.room = self->rooms.list[room].rules.id,
                                   .act = MSG_ACT_REVOKED,
                                   .subject = account,
                                   .subject_device = device,
                                   .ts_ms = self->now.wall_ms};
    uint8_t bytes[MSG_ROOM_OP_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    struct draft draft;

    if (msg_room_sign_op(&out, &op, NULL) == CONCLAVE_OK && open_draft(self, room, &draft)
        && enter(self, &draft, &op, msg_span_of_buf(&out), msg_span(NULL, 0)) == CONCLAVE_OK)
        close_draft(self, &draft);
}

/* An invitation of an account that is gone. */
static void
uninvite(struct broker_front_core *self, const struct broker_member *member)
{
    const struct msg_id *room = &self->rooms.list[member->room].rules.id;
    const struct msg_record_key key = msg_record_key_room(room, &member->part.account, 1);

    msg_effects_delete(self->out, BROKER_TABLE_ROOM_MEMBERS, msg_record_key_span(&key));
}

bool
broker_roster_revoke(struct broker_front_core *self, uint64_t account, uint64_t device)
{
    const uint32_t first = broker_rooms_of_account(&self->rooms, account);

    for (uint32_t at = first; at != 0; at = self->rooms.members[at - 1].account_next)
        if (self->rooms.list[self->rooms.members[at - 1].room].flight != 0)
            return false;
    for (uint32_t at = first; at != 0; at = self->rooms.members[at - 1].account_next) {
        const struct broker_member *member = &self->rooms.members[at - 1];
        if (broker_rooms_is_in(member))
            revoke_in(self, member->room, account, device);
        else if (device == 0)
            uninvite(self, member);
    }
    return true;
}

void
broker_roster_release(struct broker_front_core *self, uint64_t account)
{
    uint32_t next;

    for (uint32_t at = broker_rooms_of_account(&self->rooms, account); at != 0; at = next) {
        next = self->rooms.members[at - 1].account_next;
        broker_roster_run(self, self->rooms.members[at - 1].room);
    }
}

void
broker_roster_bury(struct broker_front_core *self, uint64_t account)
{
    uint32_t at;

    while ((at = broker_rooms_of_account(&self->rooms, account)) != 0)
        broker_rooms_remove_member(&self->rooms, at - 1);
}
