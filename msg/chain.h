/* Chains of messages (PROTOCOL.md 11): SAYs stand one after the other, and what
 * heads them says once where the first one stands: a CHAIN between two people,
 * from one envelope to the next, the header of its frame in a room.  Each has the
 * number that follows that of the one before, and is linked to it by a hash.  Pure. */
#ifndef MSG_CHAIN_H
#define MSG_CHAIN_H

#include "msg/catalog.h"

#define MSG_ID_RANDOM 10u /* bytes of an identity that nobody can guess; when it was said follows */

/* Where a message stands in the chain of its sender. */
struct msg_place {
    uint64_t number;            /* within its incarnation, from 1 */
    struct msg_head prev;       /* the head of the chain before it; zeros: there is nothing before it */
};

/* A message where it stands.  The text is the caller's, as in the SAY. */
struct msg_said {
    struct msg_place at;
    struct msg_id id;
    uint64_t ts_ms;             /* when it was said, by its sender's wall clock */
    struct msg_text text;
};

/* The identity of a message that is said then: MSG_ID_RANDOM random bytes, and
 * the time in milliseconds in the other six, big-endian. */
struct msg_id msg_chain_id(const uint8_t random[MSG_ID_RANDOM], uint64_t ts_ms);
uint64_t msg_chain_ts_ms(const struct msg_id *id);

/* The next link of a chain: BLAKE2b-128 over the text, with prev as its salt and
 * the identity as its personalisation; who does not know that cannot try texts.
 * Resealing and rebatching never change it.  head may be prev. */
void msg_chain_head(struct msg_head *head, const struct msg_head *prev, const struct msg_id *id, struct msg_text text);

/* The message of the SAY that stands at *at, which goes on to the place after it. */
struct msg_said msg_chain_take(struct msg_place *at, const struct msg_say *say);

/* Where the SAYs under a CHAIN, or in a frame, begin. */
struct msg_place msg_chain_begins(const struct msg_chain *chain);
struct msg_place msg_chain_begins_frame(const struct msg_room_frame *frame);

#endif
