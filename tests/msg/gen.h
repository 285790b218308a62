/* Random messages from the tables of msg/catalog, the same on every run: for
 * the property tests of msg/ and for the seed corpora of the fuzz targets. */
#ifndef TESTS_MSG_GEN_H
#define TESTS_MSG_GEN_H

#include "msg/catalog.h"

/* All randomness, libsodium's too, from a seed.  Call before msg_keys_init. */
void gen_seed(uint64_t seed);
uint64_t gen_u64(void);
uint64_t gen_below(uint64_t limit); /* 0 to limit - 1 */

/* A message of that kind within the ranges of its fields.  What its texts,
 * spans and lists point at lives until the next call of gen_reset.  Values at
 * the edges of ranges and of encodings come often.  Lengths above `longest`
 * bytes are not chosen. */
void gen_message(enum msg_kind kind, union msg_any *any, size_t longest);
void gen_reset(void);

/* UTF-8 without NUL of exactly len bytes. */
struct msg_text gen_text(size_t len);

/* True when both messages of that shape say the same. */
bool gen_equal(const struct msg_shape *shape, const void *a, const void *b);

/* True for kinds that are frames, not items of lists. */
bool gen_is_frame(enum msg_kind kind);

/* Writes a frame field by field without looking at ranges; field number `odd`
 * (or none, -1) is left to fn.  Returns false when out is too small. */
typedef bool gen_odd_fn(struct msg_buf *out, const struct msg_field *field, const void *arg);
bool gen_write(struct msg_buf *out, const struct msg_shape *shape, const void *message, int odd,
               gen_odd_fn *fn, const void *arg);
/* The same for the fields alone, without head. */
bool gen_write_fields(struct msg_buf *out, const struct msg_shape *shape, const void *message,
                      int odd, gen_odd_fn *fn, const void *arg);
bool gen_write_field(struct msg_buf *out, const struct msg_field *field, const void *message);

#endif
