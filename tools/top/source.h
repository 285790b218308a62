/* Where samples come from: a SUB on the registry's socket. */
#ifndef TOP_SOURCE_H
#define TOP_SOURCE_H

#include <czmq.h>

#include "msg/base.h"
#include "msg/error.h"

struct top_source {
    zsock_t *sub;
    zmq_msg_t frame; /* the last one */
};

/* dir: the registry's data directory, which we then are in (NULL: the one of
 * this user's registry).  The sentence about what is wrong comes back in why. */
enum conclave_err CONCLAVE_CHECK
top_source_open(struct top_source *self, const char *dir, bool rows, char *why, size_t why_cap);
void top_source_close(struct top_source *self);

/* The next frame, valid until the next call, without blocking; false: none. */
bool top_source_next(struct top_source *self, struct msg_span *frame);

#endif
