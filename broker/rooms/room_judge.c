/* What would be said to an operation on a room, from what the room is and will
 * be when its transaction is on disk.  Changes nothing. */
#include "broker/core/front_state.h"

/* ---- what accounts are to rooms ---- */

bool
broker_roster_part(const struct broker_front_core *self, uint32_t slot, uint64_t account, struct msg_room_part *out)
{
    const struct broker_room *room = &self->rooms.list[slot];
    const uint32_t member = room->flight == 0 ? broker_rooms_member(&self->rooms, slot, account) : BROKER_NONE;
    uint64_t ended;

    if (member == BROKER_NONE)
        return broker_room_records_part(&self->view, &room->rules.id, account, out, &ended);
    *out = self->rooms.members[member].part;
    return true;
}

bool
broker_roster_next_part(const struct broker_front_core *self, uint32_t slot, uint64_t account,
                        struct msg_room_part *out)
{
    const uint32_t member = broker_rooms_member(&self->rooms, slot, account);
    uint64_t ended;

    if (member == BROKER_NONE)
        return broker_room_records_part(&self->view, &self->rooms.list[slot].rules.id, account, out, &ended);
    *out = self->rooms.members[member].part;
    return true;
}

/* ---- what is permitted ---- */

static bool
is_seen(const struct broker_front_core *self, const struct broker_room *room, const struct msg_room_op *op)
{
    struct msg_rec_room_entry entry;

    return op->seen == 0 ? op->act == MSG_ACT_CREATE
                         : broker_room_records_entry(&self->view, &room->rules.id, op->seen, &entry)
                               && memcmp(entry.head.at, op->seen_head.at, sizeof entry.head.at) == 0;
}

/* Whether there is room for what the operation makes of an account. */
static bool
is_room_for(const struct broker_front_core *self, const struct broker_room *room, const struct msg_room_op *op)
{
    const bool invites = op->act == MSG_ACT_INVITE;
    uint32_t invited;

    if (!invites && op->act != MSG_ACT_JOIN && op->act != MSG_ACT_CREATE)
        return true;
    const uint32_t in = broker_rooms_count_of(&self->rooms, invites ? op->subject : op->account, &invited);
    if (invites)
        return room->member_count - room->rules.members < self->settings.room_members
               && invited < self->settings.account_rooms;
    return room->rules.members < self->settings.room_members && in < self->settings.account_rooms;
}

/* An account that is being deleted, or loses a device, is as it was until that
 * is on disk. */
static bool
is_leaving(const struct broker_front_core *self, uint64_t account)
{
    for (uint32_t i = 0; account != 0 && i < self->jobs.high; i++) {
        const struct broker_job *job = &self->jobs.list[i];
        if ((job->kind == BROKER_JOB_REVOKE || job->kind == BROKER_JOB_DELETE) && job->account == account)
            return true;
    }
    return false;
}

static bool
makes_acquaintance(uint64_t act)
{
    return act == MSG_ACT_INVITE || act == MSG_ACT_BAN;
}

/* The rules pass over a subject that an act has no use for; here it would
 * become a record of an account that has nothing to do with the room. */
static bool
has_idle_subject(const struct msg_room_op *op, const struct msg_room_part *subject)
{
    return op->subject != 0
           && (op->act == MSG_ACT_JOIN || op->act == MSG_ACT_TOPIC || op->act == MSG_ACT_DELETE
               || (op->act == MSG_ACT_LEAVE && subject->role == MSG_ROLE_NONE));
}

enum conclave_err
broker_roster_judge(const struct broker_front_core *self, uint32_t slot, const struct msg_room_op *op)
{
    const struct broker_room *room = &self->rooms.list[slot];
    struct msg_room rules = room->rules;
    struct msg_room_part actor, subject;
    struct msg_rec_account account;

    if (is_leaving(self, op->account) || is_leaving(self, op->subject))
        return CONCLAVE_ERR_BUSY;
    (void)broker_roster_next_part(self, slot, op->account, &actor); /* none: zeros */
    (void)broker_roster_next_part(self, slot, op->subject, &subject);
    if (has_idle_subject(op, &subject))
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    const bool self_made = op->subject == op->account;
    const enum conclave_err err =
        msg_room_apply(&rules, op, &actor, op->subject == 0 ? NULL : self_made ? &actor : &subject, false);
    if (err != CONCLAVE_OK)
        return err;
    if (!is_seen(self, room, op))
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (makes_acquaintance(op->act) && !broker_accounts_get(&self->view, op->subject, &account))
        return CONCLAVE_ERR_NO_SUCH_USER;
    return is_room_for(self, room, op) ? CONCLAVE_OK : CONCLAVE_ERR_QUOTA_EXCEEDED;
}
