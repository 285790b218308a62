/* msgpack, one value at a time.  Writing goes through msgpack-c's packer;
 * reading through a bounded cursor of our own that never allocates and never
 * believes a length beyond what arrived.  Used by msg/codec alone. */
#ifndef MSG_WIRE_H
#define MSG_WIRE_H

#include "msg/base.h"
#include "msg/error.h"

/* ---- writing: CONCLAVE_ERR_SPACE when the buffer is full; it then holds
 *      what it held before the call ---- */
enum conclave_err CONCLAVE_CHECK msg_wire_write_array(struct msg_buf *out, uint32_t count);
enum conclave_err CONCLAVE_CHECK msg_wire_write_u64(struct msg_buf *out, uint64_t value);
enum conclave_err CONCLAVE_CHECK msg_wire_write_bool(struct msg_buf *out, bool value);
enum conclave_err CONCLAVE_CHECK msg_wire_write_bin(struct msg_buf *out, struct msg_span bytes);
enum conclave_err CONCLAVE_CHECK msg_wire_write_text(struct msg_buf *out, struct msg_text text);

/* ---- reading: `in` moves past what was read; on an error it stands where it
 *      stood.  SHORT, TYPE, RANGE (a number that needs more than 64 bits or is
 *      negative), TEXT.  Only the shortest encoding of a number or a length is
 *      accepted, so that one value has one form. ---- */
enum conclave_err CONCLAVE_CHECK msg_wire_read_array(struct msg_span *in, uint32_t *count);
enum conclave_err CONCLAVE_CHECK msg_wire_read_u64(struct msg_span *in, uint64_t *value);
enum conclave_err CONCLAVE_CHECK msg_wire_read_bool(struct msg_span *in, bool *value);
enum conclave_err CONCLAVE_CHECK msg_wire_read_bin(struct msg_span *in, struct msg_span *bytes);
enum conclave_err CONCLAVE_CHECK msg_wire_read_text(struct msg_span *in, struct msg_text *text);

#endif
