/* Where samples come from: a SUB on the registry's socket. */
#ifndef TOP_SOURCE_H
#define TOP_SOURCE_H

#include <czmq.h>

#include "msg/base.h"
#include "msg/error.h"
#include "tools/top/options.h"

struct top_source {
    zsock_t *sub;
    zmq_msg_t frame; /* the last one */
};

/* Our public key as the registry's list has it; the file of the secret one is
 * made when it is not there.  What is wrong comes back as a sentence. */
enum conclave_err CONCLAVE_CHECK
top_source_key(const char *file, char hex[MSG_BOX_HEX + 1], char *why, size_t why_cap);

/* On this machine we then are in the registry's data directory.  The sentence
 * about what is wrong comes back in why; nothing is open then. */
enum conclave_err CONCLAVE_CHECK
top_source_open(struct top_source *self, const struct top_options *options, bool rows, char *why, size_t why_cap);
void top_source_close(struct top_source *self);

/* The next frame, the registry's welcome or one under a topic, valid until the next call, without blocking; false: none. */
bool top_source_next(struct top_source *self, struct msg_span *frame);

#endif
