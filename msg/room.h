/* Rooms: operations that members sign, the rules of their rosters, and what a
 * member's device signs for the others (PROTOCOL.md 13).  The registry and
 * every member apply the same rules, entry by entry.  Pure. */
#ifndef MSG_ROOM_H
#define MSG_ROOM_H

#include "msg/catalog.h"
#include "msg/cert.h"
#include "msg/error.h"

#define MSG_ROOM_OP_DOMAIN "conclave room op 1"
#define MSG_ROOM_FRAME_DOMAIN "conclave room frame 1"
#define MSG_ROOM_TIP_DOMAIN "conclave room tip 1"
#define MSG_ROOM_RECEIPT_DOMAIN "conclave room receipt 1"

/* What the rules ask of a room; the owner of the table has names and topics. */
struct msg_room {
    struct msg_id id;
    bool made;                  /* CREATE was applied */
    bool gone;
    uint64_t flags;             /* enum msg_room_flag */
    uint64_t number;            /* of the last entry */
    struct msg_head head;
    uint64_t epoch;
    struct msg_head epoch_head;
    uint64_t members;           /* accounts that are in it */
    uint64_t owner;             /* 0: the account is gone */
};

/* What they ask of an account; all zeros but for the account: never heard of. */
struct msg_room_part {
    uint64_t account;
    uint64_t role;              /* enum msg_role; NONE: not in it */
    uint64_t standing;          /* enum msg_standing */
    uint64_t last;              /* number of its own last entry */
    uint64_t since;             /* the epoch in which it first came in; 0: never */
    uint64_t until;             /* the epoch that began when it went; 0: it is in, or never was */
};

/* Signs an operation: appends SIGNED(ROOM_OP) to out.  device NULL: a signature
 * of zeros, for REVOKED.  TOO_LARGE. */
enum conclave_err CONCLAVE_CHECK
msg_room_sign_op(struct msg_buf *out, const struct msg_room_op *op, const struct msg_sign_sec *device);

/* Decodes and checks a SIGNED(ROOM_OP) by the key of the actor's device; its
 * texts point into `signed_op`.  device NULL: the signature is not looked at
 * (REVOKED, or to learn whose it is).  SIGNATURE, KIND, or what decoding says. */
enum conclave_err CONCLAVE_CHECK
msg_room_open_op(struct msg_room_op *op, struct msg_span signed_op, const struct msg_sign_pub *device);

/* Applies an operation as entry room->number + 1: rules 2 and 3 of PROTOCOL.md
 * 13.2, but for seen_head, which the caller looks up.  On OK room, actor and
 * subject are as after it, but for room->head (msg_room_link does that next),
 * else nothing is changed: FORBIDDEN, NOT_A_MEMBER, BAD_ARGUMENTS (seen, a
 * subject that does not fit), NO_SUCH_ROOM (gone or not made).  actor and subject are the same struct where
 * they are the same account; subject NULL: the operation has none.
 * signed_by_registry: the act must be REVOKED. */
enum conclave_err CONCLAVE_CHECK
msg_room_apply(struct msg_room *room, const struct msg_room_op *op, struct msg_room_part *actor,
               struct msg_room_part *subject, bool signed_by_registry);

/* Whether what an operation says that it has seen is one of the last
 * MSG_ROOM_SEEN_MAX entries: only these are looked up, or proved.  A part of
 * what msg_room_apply checks, for those who look up first. */
bool msg_room_saw_lately(const struct msg_room *room, const struct msg_room_op *op);

/* Moves the head on by an entry; if `epoch` grew in msg_room_apply, epoch_head
 * becomes it, too. */
void msg_room_link(struct msg_room *room, const struct msg_entry *entry, bool epoch_grew);

/* True when a frame of that account in that epoch is a member's. */
bool msg_room_was_in(const struct msg_room_part *part, uint64_t epoch);

/* Signatures over TIP and RECEIPT: fill and check their last field. */
void msg_room_sign_tip(struct msg_room_tip *tip, const struct msg_sign_sec *device);
enum conclave_err CONCLAVE_CHECK msg_room_check_tip(const struct msg_room_tip *tip, const struct msg_sign_pub *device);
void msg_room_sign_receipt(struct msg_room_receipt *receipt, const struct msg_sign_sec *device);
enum conclave_err CONCLAVE_CHECK msg_room_check_receipt(const struct msg_room_receipt *receipt, const struct msg_sign_pub *device);

#endif
