/* Operations on rooms that were handed in and are not on disk yet: they wait
 * for the vault, for the transaction of their room that is under way, or are
 * in it.  A pure table of fixed size. */
#ifndef BROKER_PROPOSALS_H
#define BROKER_PROPOSALS_H

#include "broker/tables/rooms.h"

#define BROKER_PROPOSALS 1024u

struct broker_proposal {
    bool used;
    uint32_t next;              /* slot + 1: the next one of its room, or free */
    struct msg_id room;
    /* who asked */
    uint64_t conn;
    uint64_t generation;        /* of the session */
    uint64_t req;
    uint64_t account;
    uint64_t device;
    char hash[MSG_HASH_TEXT_MAX + 1]; /* CREATE: of the room's password */
    size_t op_len;
    uint8_t op[MSG_ROOM_OP_MAX];
};

struct broker_proposals {
    struct broker_proposal *list;
    uint32_t high, free_first, count;
};

bool CONCLAVE_CHECK broker_proposals_init(struct broker_proposals *self);
void broker_proposals_wipe(struct broker_proposals *self);

/* BROKER_NONE: full. */
uint32_t broker_proposals_add(struct broker_proposals *self, struct msg_span op);
void broker_proposals_end(struct broker_proposals *self, uint32_t slot);

/* The queue of a room. */
void broker_proposals_queue(struct broker_proposals *self, struct broker_room *room, uint32_t slot);
/* Takes the first one out; the room has one. */
uint32_t broker_proposals_unqueue(struct broker_proposals *self, struct broker_room *room);
/* Takes out the one behind `before` (slot + 1; 0: the first). */
void broker_proposals_cut(struct broker_proposals *self, struct broker_room *room, uint32_t before);

/* The same operation, handed in before and not yet answered; BROKER_NONE. */
uint32_t broker_proposals_same(const struct broker_proposals *self, uint64_t account, struct msg_span op);

#endif
