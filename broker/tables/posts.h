/* What members posted into rooms and is still under way: it waits for the end
 * of the turn, in which it is handed to the disk and cast, and then for the
 * disk.  A queue of fixed size with its bytes beside it.  Pure. */
#ifndef BROKER_POSTS_H
#define BROKER_POSTS_H

#include "broker/tables/index.h"
#include "msg/keys.h"

struct broker_post {
    struct msg_id room;
    uint32_t room_slot;         /* in broker/tables/rooms, as it was posted */
    uint32_t sender;            /* slot in broker/tables/senders */
    uint64_t account, device;   /* who posted */
    uint64_t offset;            /* in the room's log; 0: not kept (TIP, RECEIPT) */
    uint64_t log_frames;        /* what the room's log has counted with this one: */
    uint64_t log_bytes;
    uint64_t incarnation, salt; /* of the sender's chain; kept ones alone, as are: */
    uint64_t first, last;       /* numbers of its messages, */
    struct msg_head head;       /* and of the chain after them */
    uint64_t store;             /* id of its transaction; 0: not handed in, or none */
    bool cast;
    bool over;                  /* the disk has answered, or is not asked */
    bool quiet;                 /* a later one of its transaction says STORED for it */
    bool doomed;                /* one before it was lost: it must not stay */
    uint32_t next;              /* slot + 1: the next of its room, while they are cast */
    size_t at, len;             /* its bytes; see broker_posts_bytes */
};

struct broker_posts {
    struct broker_post *list;   /* a ring */
    uint32_t capacity;
    uint32_t first, count;
    uint32_t fresh;             /* so many at the end came in this turn */
    uint8_t *bytes;             /* another one; a post never goes around its end */
    size_t bytes_capacity, bytes_at;
};

bool CONCLAVE_CHECK broker_posts_init(struct broker_posts *self, uint32_t capacity, size_t bytes);
void broker_posts_wipe(struct broker_posts *self);

/* A fresh one at the end, all zeros but for its bytes, which are copied; NULL: full. */
struct broker_post *broker_posts_add(struct broker_posts *self, struct msg_span bytes);

/* The n-th that is under way, from the oldest; n < count. */
struct broker_post *broker_posts_at(const struct broker_posts *self, uint32_t n);
uint32_t broker_posts_slot(const struct broker_posts *self, const struct broker_post *post);
struct msg_span broker_posts_bytes(const struct broker_posts *self, const struct broker_post *post);

/* Lets go of the oldest ones that are cast and over. */
void broker_posts_settle(struct broker_posts *self);

#endif
