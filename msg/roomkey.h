/* Sender keys: what a device seals its frames in a room with, once for all
 * members (PROTOCOL.md 13.3, 13.4).  A hash ratchet: from a state one gets on
 * to later ones, never back.  Pure. */
#ifndef MSG_ROOMKEY_H
#define MSG_ROOMKEY_H

#include "msg/catalog.h"
#include "msg/error.h"
#include "msg/keys.h"

#define MSG_ROOMKEY_FRAMES 10000u                 /* frames under one key */
#define MSG_ROOMKEY_MS (24ull * 3600 * 1000)      /* age of one key */

/* A state of a sender key. */
struct msg_roomkey {
    struct msg_tag tag;
    uint64_t counter;
    struct msg_sym_key chain;
};

void msg_roomkey_new(struct msg_roomkey *key);

/* Goes on to a later counter.  RANGE: it is behind, or more than
 * MSG_ROOMKEY_FRAMES ahead; nothing is changed then. */
enum conclave_err CONCLAVE_CHECK msg_roomkey_advance(struct msg_roomkey *key, uint64_t counter);

/* Seals a batch of SAYs and signs: fills key, counter, nonce, box and sig of
 * *frame, whose fields from room to head are the caller's, and appends the
 * frame to out; moves the key one step on.  box points into out. */
enum conclave_err CONCLAVE_CHECK
msg_roomkey_seal(struct msg_roomkey *key, struct msg_buf *out, struct msg_room_frame *frame, struct msg_span batch,
                 const struct msg_sign_sec *device);

/* Checks who sent a frame: its signature over all before it.  SIGNATURE. */
enum conclave_err CONCLAVE_CHECK
msg_roomkey_check(const struct msg_room_frame *frame, const struct msg_sign_pub *device);

/* True when the signature of `next` vouches for what is said in `frame` too:
 * the same device goes on in it, under the same key, in number, counter and
 * chain, and the head of `frame` is under it.  Whoever opens `frame` compares
 * the head with what is in it, as always. */
bool msg_roomkey_vouches(const struct msg_room_frame *next, const struct msg_room_frame *frame);

/* The header of a frame, all that its signature is over, in 32 bytes. */
void msg_roomkey_about(uint8_t about[32], const struct msg_room_frame *frame);

/* Opens a frame whose signature was checked, or one that vouches for it: appends the batch to out.  `key`
 * is moved on to the frame's counter + 1, so that the next one costs one step;
 * RANGE when the frame is behind it (try again from the first state), SEAL
 * when it does not open; both leave key and out as they were. */
enum conclave_err CONCLAVE_CHECK
msg_roomkey_open(struct msg_roomkey *key, struct msg_buf *out, const struct msg_room_frame *frame);

void msg_roomkey_wipe(struct msg_roomkey *key);

#endif
