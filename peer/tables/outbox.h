/* The outbox, pure: messages of the user that some device of their recipient
 * has not acknowledged yet (or that nobody has read yet), in the order in
 * which they were said, for each contact.  All memory is taken at `new`; the
 * texts live in a pool of small blocks. */
#ifndef PEER_OUTBOX_H
#define PEER_OUTBOX_H

#include "msg/catalog.h"
#include "msg/error.h"

#define PEER_NONE UINT32_MAX

/* A place in a chain: incarnations grow, numbers grow within one. */
struct peer_mark {
    uint64_t incarnation;
    uint64_t number;
};

static inline bool
peer_mark_before(struct peer_mark a, struct peer_mark b)
{
    return a.incarnation != b.incarnation ? a.incarnation < b.incarnation : a.number < b.number;
}

struct peer_out {
    uint32_t next;              /* towards newer ones of the same contact; PEER_NONE: the last */
    uint32_t block;             /* first block of the text; PEER_NONE: let go of */
    uint32_t block_last;
    uint32_t text_len;
    bool queued;                /* synced, and told so */
    bool delivered;             /* some device of theirs has it, and told so */
    bool read;                  /* and was read there, and told so */
    bool returned;              /* it came back from the registry: to be told as queued again */
    uint64_t cmd;               /* the command that said it, until it is known to whom */
    struct peer_mark mark;
    uint64_t salt;
    struct peer_mark from;      /* where the incarnation before ended in this chain */
    struct msg_id id;
    struct msg_head prev;
    uint64_t ts_ms;
    uint64_t said_ms;           /* monotonic, in this life: when it began to wait */
};

/* Whether the message stands directly after that place in the chain, and needs
 * no word on where it stands; incarnation 0: none does. */
bool peer_outbox_follows(const struct peer_out *out, struct peer_mark last);

/* The messages to one contact, oldest first. */
struct peer_queue {
    uint32_t first;
    uint32_t last;
    uint32_t count;
    uint32_t delivered;         /* of these: kept only for their read tick */
    uint32_t fresh;             /* the first that is not delivered; those before it are */
    uint32_t held;              /* the first whose text was not let go of; those before it are bare */
};

struct peer_outbox;

/* NULL when there is not enough memory. */
struct peer_outbox *peer_outbox_new(uint32_t count, uint64_t bytes);
void peer_outbox_destroy(struct peer_outbox **self_p);

void peer_outbox_start(struct peer_queue *queue);

/* True when a text of len bytes still fits. */
bool peer_outbox_fits(const struct peer_outbox *self, size_t len);

/* Appends a message; the text is copied.  Its index, or PEER_NONE when it does not fit. */
uint32_t peer_outbox_add(struct peer_outbox *self, struct peer_queue *queue, const struct peer_out *out, struct msg_text text);

/* Borrowed until the next add or remove. */
struct peer_out *peer_outbox_at(struct peer_outbox *self, uint32_t index);

/* Copies the text to out (which has room for MSG_TEXT_MAX). */
struct msg_text peer_outbox_text(const struct peer_outbox *self, uint32_t index, char out[MSG_TEXT_MAX]);

/* Marks the first message that is not delivered. */
void peer_outbox_deliver(struct peer_outbox *self, struct peer_queue *queue);

/* Lets go of the first text that is held: its message is kept for its read
 * tick alone. */
void peer_outbox_let_go(struct peer_outbox *self, struct peer_queue *queue);

/* Removes the first message of a queue. */
void peer_outbox_shift(struct peer_outbox *self, struct peer_queue *queue);

/* Messages of all queues that are not delivered. */
uint32_t peer_outbox_waiting(const struct peer_outbox *self);

#endif
