/* Chains of messages (PROTOCOL.md 11): SAYs stand one after the other, and what
 * heads them says once where the first one stands: a CHAIN between two people,
 * from one envelope to the next, the header of its frame in a room.  Each has the number and the identity that
 * follow those of the one before, and is linked to it by a hash.  Pure. */
#ifndef MSG_CHAIN_H
#define MSG_CHAIN_H

#include "msg/catalog.h"

/* Where a message stands in the chain of its sender. */
struct msg_place {
    struct msg_id id;
    uint64_t number;            /* within its incarnation, from 1 */
    struct msg_head prev;       /* the head of the chain before it; zeros: there is nothing before it */
};

/* A message where it stands.  The text is the caller's, as in the SAY. */
struct msg_said {
    struct msg_place at;
    uint64_t ts_ms;
    struct msg_text text;
};

/* The identity that follows: 128 bits, big-endian, and round again. */
void msg_chain_next_id(struct msg_id *id);

/* The next link of a chain: BLAKE2b-128 over the text, with prev as its salt,
 * number and time as its personalisation.  Resealing and rebatching never change
 * it.  head may be prev. */
void msg_chain_head(struct msg_head *head, const struct msg_head *prev, uint64_t number, uint64_t ts_ms, struct msg_text text);

/* The message of the SAY that stands at *at, which goes on to the place after it. */
struct msg_said msg_chain_take(struct msg_place *at, const struct msg_say *say);

/* Where the SAYs under a CHAIN, or in a frame, begin. */
struct msg_place msg_chain_begins(const struct msg_chain *chain);
struct msg_place msg_chain_begins_frame(const struct msg_room_frame *frame);

#endif
