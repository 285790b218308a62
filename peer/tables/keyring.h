/* Sender keys of rooms, ours and others': the first state that was given of
 * each, its record, and how far it was moved on.  A pure table of fixed size
 * in which the one used longest ago makes room; an account that has its share
 * of it makes room for itself, so that nobody pushes out the keys of others. */
#ifndef PEER_KEYRING_H
#define PEER_KEYRING_H

#include "msg/roomkey.h"
#include "msg/step.h"

#define PEER_KEYS_DEFAULT 16384u
#define PEER_KEYS_SHARE   8u    /* what one account may have: one in so many */
#define PEER_KEYS_OWNERS  1024u /* lists by account; who meets in one shares a share */

struct peer_key {
    bool used;
    struct msg_id room;
    uint64_t account;           /* whose */
    uint64_t device;
    uint64_t epoch;
    struct msg_roomkey first;   /* as it was given */
    struct msg_roomkey ahead;   /* and as it was moved on; not on disk */
    uint64_t made_ms;           /* wall clock: made, or taken */
    uint64_t number;            /* ours: the last entry of the roster when it was made */
    uint64_t upto;              /* ours: counters below this may have been used; 0: not handed to everybody yet */
    uint32_t chain;             /* of the same bucket: index + 1; 0: the last */
    struct { uint32_t newer, older; } near[2];  /* used after it, and before it, of all and of its owner: index + 1; 0: none */
};

/* Keys in the order of their use. */
struct peer_key_order {
    uint32_t newest;            /* index + 1; 0: none */
    uint32_t oldest;
    uint32_t count;
};

struct peer_keyring {
    struct peer_key *keys;
    uint32_t *buckets;          /* by tag: index + 1; 0: empty */
    uint32_t bucket_mask;
    uint32_t room;
    uint32_t count;             /* slots ever used */
    uint32_t free;              /* list of those given back, through `chain` */
    struct peer_key_order all;
    struct peer_key_order *owners;
    uint64_t seed;
};

/* False when there is not enough memory: wipe it then. */
bool CONCLAVE_CHECK peer_keyring_init(struct peer_keyring *self, uint32_t count);
void peer_keyring_wipe(struct peer_keyring *self);

/* NULL where it is not known; counts as a use.  Valid until the next add. */
struct peer_key *peer_keyring_find(struct peer_keyring *self, const struct msg_id *room, uint64_t account, uint64_t device, const struct msg_tag *tag);

/* The last that a device made for the room; NULL: none. */
struct peer_key *peer_keyring_last(struct peer_keyring *self, const struct msg_id *room, uint64_t account, uint64_t device);

/* Keeps a key in the state that was given, and puts its record.  One that is
 * known stays as it is, unless the new state reaches further back and leads to
 * what is known; where the two are not of one chain, it counts whether the
 * device whose key it is gave the new one (own).  The record of a key that made
 * room is deleted.  True when anything was written. */
bool peer_keyring_add(struct peer_keyring *self, const struct peer_key *key, bool own, struct msg_effects *out);

/* The next key of the room, from index 0 on, of an epoch before that one, whose
 * device has made another for a later epoch since; NULL: no further. */
struct peer_key *peer_keyring_over(struct peer_keyring *self, const struct msg_id *room, uint64_t epoch, uint32_t *index);

/* Forgets a key, with its record. */
void peer_keyring_drop(struct peer_keyring *self, struct peer_key *key, struct msg_effects *out);

/* The record anew, once `upto` was changed. */
void peer_keyring_put(const struct peer_key *key, struct msg_effects *out);

/* From a record. */
void peer_keyring_restore(struct peer_keyring *self, const struct msg_rec_room_key *record);

/* Those of a room (NULL: all) are gone, with their records.  True when there
 * were any. */
bool peer_keyring_drop_room(struct peer_keyring *self, const struct msg_id *room, struct msg_effects *out);
/* Likewise those that were made, or came, before that time: so many at most;
 * how many. */
uint32_t peer_keyring_drop_old(struct peer_keyring *self, uint64_t before_ms, uint32_t most, struct msg_effects *out);

#endif
