/* Structs to frames and back, driven by the tables of msg/catalog. Pure. */
#ifndef MSG_CODEC_H
#define MSG_CODEC_H

#include "msg/catalog.h"
#include "msg/error.h"

/* Appends the frame of a message to out.  `message` is the kind's struct; a
 * field outside its range is our own mistake and is asserted.
 * CONCLAVE_ERR_SPACE leaves out as it was. */
enum conclave_err CONCLAVE_CHECK
msg_codec_encode(struct msg_buf *out, enum msg_kind kind, const void *message);

/* Reads exactly one frame; leftover bytes are CONCLAVE_ERR_TRAILING, another
 * version CONCLAVE_ERR_VERSION_MISMATCH, a kind that is none (or is an item of
 * lists) CONCLAVE_ERR_KIND.  Texts, spans and lists in *any point into frame.
 * On an error *kind is MSG_KIND_NONE and *any is zero. */
enum conclave_err CONCLAVE_CHECK
msg_codec_decode(struct msg_span frame, enum msg_kind *kind, union msg_any *any);

/* The same for frames that stand one after the other: moves `in` behind the
 * frame that it read.  Ends when in->len is 0. */
enum conclave_err CONCLAVE_CHECK
msg_codec_next_frame(struct msg_span *in, enum msg_kind *kind, union msg_any *any);

/* Appends one item to a list under construction; `list` describes what stands
 * in `out` from where the list began: start with *list = {0}, and leave out to
 * this list alone until it is encoded.  */
enum conclave_err CONCLAVE_CHECK
msg_codec_append(struct msg_buf *out, struct msg_list *list, enum msg_kind item, const void *message);

/* Takes the next item off a decoded list; false when there is none. */
bool msg_codec_next(struct msg_list *list, enum msg_kind item, void *message);

/* Takes the next of the ids that stand one after the other; false when there is none. */
bool msg_codec_next_id(struct msg_span *ids, struct msg_id *id);

/* The number of the frame's kind and of its `req`, where they can be read, for
 * an honest refusal of a frame that does not decode; 0 where not. */
void msg_codec_peek(struct msg_span frame, uint64_t *kind, uint64_t *req);

/* Prints a frame for people and for the test vectors: `SEARCH {req: 7, name:
 * "bob"}`; binary as hex; passwords and secrets as "…".  Always ends with NUL. */
void msg_codec_print(char *text, size_t cap, struct msg_span frame);

/* Encodes MSG_ERROR with the error's code and sentence; text "" takes the
 * sentence of the table. */
enum conclave_err CONCLAVE_CHECK
msg_codec_error(struct msg_buf *out, uint64_t req, enum conclave_err err, struct msg_text text, uint64_t retry_ms);

#endif
