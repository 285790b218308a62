/* How far the chain of each device in each room was taken, as long as it is
 * remembered: enough to know a hole or a repetition in a burst.  Whoever is
 * forgotten may start anywhere.  A pure table of fixed size. */
#ifndef BROKER_SENDERS_H
#define BROKER_SENDERS_H

#include "broker/tables/index.h"
#include "msg/keys.h"

struct broker_sender {
    uint64_t tag;               /* of room and device; 0: free */
    uint64_t incarnation, salt; /* 0: nothing was taken */
    uint64_t number;            /* its last that was taken */
    uint64_t stored;            /* its last that is on disk */
    uint64_t used;              /* when, counted in uses */
    uint32_t post;              /* slot + 1 in broker/tables/posts: its latest */
};

/* Sets of eight: a new one takes the place of the one that was used longest ago. */
#define BROKER_SENDERS_WAYS 8u
struct broker_senders {
    struct broker_sender *list;
    uint32_t sets;
    uint64_t seed;
    uint64_t uses;
};

bool CONCLAVE_CHECK broker_senders_init(struct broker_senders *self, uint32_t sets, uint64_t seed);
void broker_senders_wipe(struct broker_senders *self);

/* The slot of a device in a room; BROKER_NONE: it is not remembered.  Counts as no use. */
uint32_t broker_senders_find(const struct broker_senders *self, const struct msg_id *room, uint64_t account,
                             uint64_t device);

/* The same; a new one, all zeros but for its tag, takes the place of another. */
uint32_t broker_senders_hold(struct broker_senders *self, const struct msg_id *room, uint64_t account, uint64_t device);
/* True as long as the slot is still that device's. */
bool broker_senders_is(const struct broker_senders *self, uint32_t slot, const struct msg_id *room, uint64_t account,
                       uint64_t device);

#endif
