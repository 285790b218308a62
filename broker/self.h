/* What a process of the registry takes of its machine, and its answer when the
 * front asks what it counted. */
#ifndef BROKER_SELF_H
#define BROKER_SELF_H

#include "broker/core/sample.h"
#include "broker/port.h"

/* Processor, memory and descriptors; process: "front", "door" or "vault". */
void broker_self_add(struct broker_sample *sample, const char *process);

/* The same of its port: connections, handshakes and what was cut off. */
void broker_self_add_port(struct broker_sample *sample, const char *process, const struct broker_port *port);

/* Whether the frame is a COUNTS_OF, and its number. */
bool broker_self_is_asked(struct msg_span frame, uint64_t *number);

/* The COUNTS of a sample as a frame, in out. */
enum conclave_err CONCLAVE_CHECK
broker_self_answer(struct msg_buf *out, const struct broker_sample *sample, uint64_t number);

#endif
