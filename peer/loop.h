/* The loop that gives peers a world: one epoll set for any number of them in
 * one thread.  A turn reads the clocks once, feeds what came to the cores,
 * performs their effects in order, and commits what all of them stored with
 * one sync.  Sending never waits for that sync; what depends on it does. */
#ifndef PEER_LOOP_H
#define PEER_LOOP_H

#include "msg/base.h"
#include "msg/error.h"

struct peer_loop;

enum conclave_err CONCLAVE_CHECK peer_loop_new(struct peer_loop **self_p);
void peer_loop_destroy(struct peer_loop **self_p); /* its peers must be closed */

/* Waits for something to do, at most timeout_ms (-1: for ever; not at all while
 * tells wait), and does all there is.  SYSTEM. */
enum conclave_err CONCLAVE_CHECK peer_loop_turn(struct peer_loop *self, int timeout_ms);

/* Calls fn in each turn in which the ZeroMQ socket `pipe` may have something;
 * fn reads until there is nothing more. */
typedef void peer_loop_pipe_fn(void *arg);
enum conclave_err CONCLAVE_CHECK peer_loop_pipe(struct peer_loop *self, void *pipe, peer_loop_pipe_fn *fn, void *arg);

/* How many queues of tells are not empty: for peer_tells_init. */
size_t *peer_loop_waiting(struct peer_loop *self);

/* Monotonic; for callers that wait themselves. */
uint64_t peer_loop_now_ms(void);

#endif
