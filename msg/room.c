/* The rules of rosters, and what devices sign in rooms.  The registry and
 * every member run this same code over the same entries.  Pure. */
#include "msg/room.h"

#include <assert.h>

#include "msg/codec.h"

#define ROSTER_DOMAIN "conclave roster 1"
#define SIG_FIELD 66u /* bytes of a signature as the last field: head and 64 */

/* ---- what devices sign ---- */

enum conclave_err
msg_room_sign_op(struct msg_buf *out, const struct msg_room_op *op, const struct msg_sign_sec *device)
{
    uint8_t body_at[MSG_ROOM_OP_MAX];
    struct msg_buf body = {body_at, 0, sizeof body_at};
    struct msg_sig sig = {{0}};
    const enum conclave_err err = msg_codec_encode(&body, MSG_ROOM_OP, op);
    if (err != CONCLAVE_OK)
        return err == CONCLAVE_ERR_SPACE ? CONCLAVE_ERR_TOO_LARGE : err;
    if (device != NULL)
        msg_keys_sign(&sig, MSG_ROOM_OP_DOMAIN, msg_span_of_buf(&body), device);
    return msg_cert_wrap(out, msg_span_of_buf(&body), &sig);
}

enum conclave_err
msg_room_open_op(struct msg_room_op *op, struct msg_span signed_op, const struct msg_sign_pub *device)
{
    enum msg_kind kind;
    union msg_any any;
    enum conclave_err err = msg_codec_decode(signed_op, &kind, &any);
    if (err != CONCLAVE_OK)
        return err;
    if (kind != MSG_SIGNED)
        return CONCLAVE_ERR_KIND;
    const struct msg_signed whole = any.MSG_ANY_SIGNED;
    if (device != NULL && (err = msg_keys_verify(&whole.sig, MSG_ROOM_OP_DOMAIN, whole.body, device)) != CONCLAVE_OK)
        return err;
    err = msg_codec_decode(whole.body, &kind, &any);
    if (err == CONCLAVE_OK && kind != MSG_ROOM_OP)
        err = CONCLAVE_ERR_KIND;
    if (err == CONCLAVE_OK)
        *op = any.MSG_ANY_ROOM_OP;
    return err;
}

/* A frame of up to 15 elements without its last field, the signature: what that
 * one is over. */
static struct msg_span
without_sig(struct msg_buf *frame)
{
    assert((frame->at[0] & 0xf0) == 0x90 && frame->len > SIG_FIELD);
    frame->at[0]--;
    return msg_span(frame->at, frame->len - SIG_FIELD);
}

static struct msg_span
tip_body(struct msg_buf *out, const struct msg_room_tip *tip)
{
    const enum conclave_err err = msg_codec_encode(out, MSG_ROOM_TIP, tip);
    assert(err == CONCLAVE_OK);
    (void)err;
    return without_sig(out);
}

void
msg_room_sign_tip(struct msg_room_tip *tip, const struct msg_sign_sec *device)
{
    uint8_t at[256];
    struct msg_buf out = {at, 0, sizeof at};
    msg_keys_sign(&tip->sig, MSG_ROOM_TIP_DOMAIN, tip_body(&out, tip), device);
}

enum conclave_err
msg_room_check_tip(const struct msg_room_tip *tip, const struct msg_sign_pub *device)
{
    uint8_t at[256];
    struct msg_buf out = {at, 0, sizeof at};
    return msg_keys_verify(&tip->sig, MSG_ROOM_TIP_DOMAIN, tip_body(&out, tip), device);
}

#define RECEIPT_BYTES (MSG_MARK_COUNT * 64u + 256u)

static struct msg_span
receipt_body(struct msg_buf *out, const struct msg_room_receipt *receipt)
{
    const enum conclave_err err = msg_codec_encode(out, MSG_ROOM_RECEIPT, receipt);
    assert(err == CONCLAVE_OK);
    (void)err;
    return without_sig(out);
}

void
msg_room_sign_receipt(struct msg_room_receipt *receipt, const struct msg_sign_sec *device)
{
    uint8_t at[RECEIPT_BYTES];
    struct msg_buf out = {at, 0, sizeof at};
    msg_keys_sign(&receipt->sig, MSG_ROOM_RECEIPT_DOMAIN, receipt_body(&out, receipt), device);
}

enum conclave_err
msg_room_check_receipt(const struct msg_room_receipt *receipt, const struct msg_sign_pub *device)
{
    uint8_t at[RECEIPT_BYTES];
    struct msg_buf out = {at, 0, sizeof at};
    return msg_keys_verify(&receipt->sig, MSG_ROOM_RECEIPT_DOMAIN, receipt_body(&out, receipt), device);
}

/* ---- the rules ---- */

/* What an operation works on, before it is known to be permitted. */
struct rules {
    struct msg_room *room;
    const struct msg_room_op *op;
    struct msg_room_part *actor;
    struct msg_room_part *subject;
};

/* A room whose owner's account is gone belongs to its moderators. */
static uint64_t
rank_of(const struct rules *at, const struct msg_room_part *part)
{
    return at->room->owner == 0 && part->role == MSG_ROLE_MODERATOR ? MSG_ROLE_OWNER : part->role;
}

static bool
moderates(const struct rules *at)
{
    return at->actor->role >= MSG_ROLE_MODERATOR;
}

/* May the actor do something to the subject against its will? */
static bool
is_above(const struct rules *at)
{
    return moderates(at) && rank_of(at, at->actor) > at->subject->role;
}

static void
begin_epoch(struct msg_room *room)
{
    room->epoch++;
}

static void
come_in(struct msg_room *room, struct msg_room_part *part, enum msg_role role)
{
    part->role = role;
    part->standing &= ~(uint64_t)MSG_STANDING_INVITED;
    part->until = 0;
    if (part->since == 0)
        part->since = room->epoch;
    room->members++;
}

/* Muted stays muted: leaving and coming back is no way around it. */
static void
go_out(struct msg_room *room, struct msg_room_part *part)
{
    begin_epoch(room);
    if (room->owner == part->account)
        room->owner = 0;
    part->role = MSG_ROLE_NONE;
    part->standing &= ~(uint64_t)MSG_STANDING_INVITED;
    part->until = room->epoch;
    if (--room->members == 0)
        room->gone = true;
}

typedef enum conclave_err rule_fn(const struct rules *at);

static enum conclave_err
create(const struct rules *at)
{
    struct msg_room *room = at->room;
    if (room->made || at->op->seen != 0)
        return CONCLAVE_ERR_ROOM_EXISTS;
    room->made = true;
    room->flags = at->op->flags;
    room->epoch = 1;
    room->owner = at->actor->account;
    come_in(room, at->actor, MSG_ROLE_OWNER);
    return CONCLAVE_OK;
}

static enum conclave_err
join(const struct rules *at)
{
    struct msg_room_part *actor = at->actor;
    if (actor->role != MSG_ROLE_NONE)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if ((actor->standing & MSG_STANDING_BANNED) != 0)
        return CONCLAVE_ERR_FORBIDDEN;
    if ((at->room->flags & MSG_ROOM_PRIVATE) != 0 && (actor->standing & MSG_STANDING_INVITED) == 0)
        return CONCLAVE_ERR_FORBIDDEN;
    come_in(at->room, actor, MSG_ROLE_MEMBER);
    return CONCLAVE_OK;
}

static enum conclave_err
leave(const struct rules *at)
{
    const bool hands_over = at->actor->role == MSG_ROLE_OWNER && at->room->members > 1;
    if (hands_over && (at->subject == NULL || at->subject == at->actor || at->subject->role == MSG_ROLE_NONE))
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    go_out(at->room, at->actor);
    if (hands_over) {
        at->subject->role = MSG_ROLE_OWNER;
        at->room->owner = at->subject->account;
    }
    return CONCLAVE_OK;
}

static enum conclave_err
invite(const struct rules *at)
{
    struct msg_room_part *subject = at->subject;
    if (subject->role != MSG_ROLE_NONE)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (!moderates(at) && ((at->room->flags & MSG_ROOM_PRIVATE) != 0 || (subject->standing & MSG_STANDING_BANNED) != 0))
        return CONCLAVE_ERR_FORBIDDEN;
    subject->standing &= ~(uint64_t)MSG_STANDING_BANNED;
    subject->standing |= MSG_STANDING_INVITED;
    return CONCLAVE_OK;
}

static enum conclave_err
kick(const struct rules *at)
{
    if (at->subject->role == MSG_ROLE_NONE)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (!is_above(at))
        return CONCLAVE_ERR_FORBIDDEN;
    go_out(at->room, at->subject);
    return CONCLAVE_OK;
}

static enum conclave_err
ban(const struct rules *at)
{
    if (!is_above(at))
        return CONCLAVE_ERR_FORBIDDEN;
    if (at->subject->role != MSG_ROLE_NONE)
        go_out(at->room, at->subject);
    at->subject->standing &= ~(uint64_t)MSG_STANDING_INVITED;
    at->subject->standing |= MSG_STANDING_BANNED;
    return CONCLAVE_OK;
}

static enum conclave_err
unban(const struct rules *at)
{
    if (!moderates(at))
        return CONCLAVE_ERR_FORBIDDEN;
    if ((at->subject->standing & MSG_STANDING_BANNED) == 0)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    at->subject->standing &= ~(uint64_t)MSG_STANDING_BANNED;
    return CONCLAVE_OK;
}

static enum conclave_err
mute(const struct rules *at)
{
    if (at->subject->role == MSG_ROLE_NONE)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (!is_above(at))
        return CONCLAVE_ERR_FORBIDDEN;
    if (at->op->act == MSG_ACT_MUTE)
        at->subject->standing |= MSG_STANDING_MUTED;
    else
        at->subject->standing &= ~(uint64_t)MSG_STANDING_MUTED;
    return CONCLAVE_OK;
}

static enum conclave_err
change_role(const struct rules *at)
{
    const bool up = at->op->act == MSG_ACT_PROMOTE;
    if (rank_of(at, at->actor) != MSG_ROLE_OWNER)
        return CONCLAVE_ERR_FORBIDDEN;
    if (at->subject->role != (up ? MSG_ROLE_MEMBER : MSG_ROLE_MODERATOR))
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    at->subject->role = up ? MSG_ROLE_MODERATOR : MSG_ROLE_MEMBER;
    return CONCLAVE_OK;
}

static enum conclave_err
topic(const struct rules *at)
{
    return moderates(at) ? CONCLAVE_OK : CONCLAVE_ERR_FORBIDDEN;
}

static enum conclave_err
delete_room(const struct rules *at)
{
    if (rank_of(at, at->actor) != MSG_ROLE_OWNER)
        return CONCLAVE_ERR_FORBIDDEN;
    begin_epoch(at->room);
    at->room->gone = true;
    return CONCLAVE_OK;
}

static enum conclave_err
revoked(const struct rules *at)
{
    if (at->subject->role == MSG_ROLE_NONE)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (at->op->subject_device != 0)
        begin_epoch(at->room);
    else
        go_out(at->room, at->subject);
    return CONCLAVE_OK;
}

/* Each act: who may, what then; and whether somebody is acted upon, and
 * whether only members may. */
static const struct {
    rule_fn *rule;
    bool subject;
    bool members;
} acts[MSG_ACT_REVOKED + 1] = {
    [MSG_ACT_CREATE] = {create, false, false},
    [MSG_ACT_JOIN] = {join, false, false},
    [MSG_ACT_LEAVE] = {leave, false, true},
    [MSG_ACT_INVITE] = {invite, true, true},
    [MSG_ACT_KICK] = {kick, true, true},
    [MSG_ACT_BAN] = {ban, true, true},
    [MSG_ACT_UNBAN] = {unban, true, true},
    [MSG_ACT_MUTE] = {mute, true, true},
    [MSG_ACT_UNMUTE] = {mute, true, true},
    [MSG_ACT_PROMOTE] = {change_role, true, true},
    [MSG_ACT_DEMOTE] = {change_role, true, true},
    [MSG_ACT_TOPIC] = {topic, false, true},
    [MSG_ACT_DELETE] = {delete_room, false, true},
    [MSG_ACT_REVOKED] = {revoked, true, false},
};

bool
msg_room_saw_lately(const struct msg_room *room, const struct msg_room_op *op)
{
    return op->seen > 0 && op->seen <= room->number && room->number - op->seen < MSG_ROOM_SEEN_MAX;
}

/* What holds for every act, before its own rule. */
static enum conclave_err
may_be_judged(const struct rules *at, bool signed_by_registry)
{
    const struct msg_room *room = at->room;
    const struct msg_room_op *op = at->op;
    if (op->act < MSG_ACT_CREATE || op->act > MSG_ACT_REVOKED || memcmp(&op->room, &room->id, sizeof room->id) != 0)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (signed_by_registry != (op->act == MSG_ACT_REVOKED))
        return CONCLAVE_ERR_FORBIDDEN;
    if (room->gone || room->made == (op->act == MSG_ACT_CREATE))
        return room->gone || !room->made ? CONCLAVE_ERR_NO_SUCH_ROOM : CONCLAVE_ERR_ROOM_EXISTS;
    if (acts[op->act].subject && (at->subject == NULL || op->subject == 0))
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (op->act == MSG_ACT_CREATE || signed_by_registry)
        return CONCLAVE_OK;
    if (!msg_room_saw_lately(room, op) || op->seen < at->actor->last)
        return CONCLAVE_ERR_BAD_ARGUMENTS; /* an operation counts once */
    return acts[op->act].members && at->actor->role == MSG_ROLE_NONE ? CONCLAVE_ERR_NOT_A_MEMBER : CONCLAVE_OK;
}

enum conclave_err
msg_room_apply(struct msg_room *room, const struct msg_room_op *op, struct msg_room_part *actor,
               struct msg_room_part *subject, bool signed_by_registry)
{
    const struct rules at = {room, op, actor, subject};
    enum conclave_err err = may_be_judged(&at, signed_by_registry);
    if (err == CONCLAVE_OK)
        err = acts[op->act].rule(&at);
    if (err != CONCLAVE_OK)
        return err;
    room->number++;
    if (!signed_by_registry)
        actor->last = room->number;
    return CONCLAVE_OK;
}

static void
put_u64(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (56 - 8 * i));
}

void
msg_room_link(struct msg_room *room, const struct msg_entry *entry, bool epoch_grew)
{
    uint8_t input[sizeof room->head + 3 * 8 + MSG_ROOM_OP_MAX + MSG_CERT_MAX];
    uint8_t *at = input;
    assert(entry->op.len <= MSG_ROOM_OP_MAX && entry->certificate.len <= MSG_CERT_MAX);
    memcpy(at, room->head.at, sizeof room->head);
    at += sizeof room->head;
    put_u64(at, entry->number);
    put_u64(at + 8, entry->offset);
    put_u64(at + 16, entry->at_ms);
    at += 24;
    memcpy(at, entry->op.at, entry->op.len);
    at += entry->op.len;
    if (entry->certificate.len > 0)
        memcpy(at, entry->certificate.at, entry->certificate.len);
    at += entry->certificate.len;
    msg_keys_hash(room->head.at, sizeof room->head.at, ROSTER_DOMAIN, msg_span(input, (size_t)(at - input)));
    if (epoch_grew)
        room->epoch_head = room->head;
}

bool
msg_room_was_in(const struct msg_room_part *part, uint64_t epoch)
{
    return part->since != 0 && part->since <= epoch && (part->until == 0 || epoch < part->until);
}
