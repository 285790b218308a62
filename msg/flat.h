/* Messages that do not leave the process: the struct as it is, and behind it
 * what its texts, spans and lists point to.  Nothing is encoded, and nothing is
 * checked: whoever reads one has written it.  Never for what came from a wire or
 * a disk.  Pure. */
#ifndef MSG_FLAT_H
#define MSG_FLAT_H

#include "msg/catalog.h"
#include "msg/error.h"

/* Appends a message to out.  `message` is the kind's struct.
 * CONCLAVE_ERR_SPACE leaves out as it was. */
enum conclave_err CONCLAVE_CHECK
msg_flat_put(struct msg_buf *out, enum msg_kind kind, const void *message);

/* The kind and the struct of what msg_flat_put wrote.  What *any points to stands
 * in bytes. */
enum msg_kind msg_flat_get(struct msg_span bytes, union msg_any *any);

#endif
