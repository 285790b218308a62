/* What may be told once it is on disk: tells that wait for their
 * transaction, in order.  A ring of bytes taken at `new`; when it is full,
 * nothing more is accepted from outside until the disk has caught up.  Ticks
 * that follow one another are told in one frame. */
#ifndef PEER_HELD_H
#define PEER_HELD_H

#include "msg/step.h"

struct peer_held;
struct peer_held *peer_held_new(size_t bytes);
void peer_held_destroy(struct peer_held **self_p);

/* True when a tell whose texts have len bytes fits. */
bool peer_held_fits(const struct peer_held *self, size_t len);

/* True when at least half of it is free, in one piece. */
bool peer_held_half_free(const struct peer_held *self);

/* Holds a frame until transaction `store` is synced.  It must fit. */
void peer_held_put(struct peer_held *self, uint64_t store, enum msg_kind kind, const void *message);

/* The same for a tick of one message: it joins the ticks before it where they
 * are of the same kind and for the same name and room, and then waits for the
 * latest of their transactions.  An empty tell must fit. */
void peer_held_tick(struct peer_held *self, uint64_t store, const struct msg_id *id, struct msg_text to, struct msg_text room, enum msg_tick tick);

/* The tick of one of so many other members of a room. */
void peer_held_tick_of(struct peer_held *self, uint64_t store, const struct msg_id *id, struct msg_text to, struct msg_text room, enum msg_tick tick, uint64_t others);

/* Tells everything that waited for transactions up to `store`. */
void peer_held_release(struct peer_held *self, uint64_t store, struct msg_effects *out);

#endif
