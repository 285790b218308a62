/* msgpack, one value at a time.  Writing goes through msgpack-c's packer;
 * reading through a bounded cursor of our own that never allocates and never
 * believes a length beyond what arrived.  Used by msg/codec alone. */
#ifndef MSG_WIRE_H
#define MSG_WIRE_H

#include <endian.h>

#include "msg/base.h"
#include "msg/error.h"
#include "msg/name.h"

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
 *      accepted, so that one value has one form.  Inline: the codec reads
 *      field after field, and the cursor stays in registers. ---- */

/* The big-endian number of width bytes (1, 2, 4, 8) at `at`. */
static inline uint64_t
msg_wire_number_at(const uint8_t *at, size_t width)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (width) {
    case 1:
        return at[0];
    case 2:
        memcpy(&two, at, sizeof two);
        return be16toh(two);
    case 4:
        memcpy(&four, at, sizeof four);
        return be32toh(four);
    default:
        memcpy(&eight, at, sizeof eight);
        return be64toh(eight);
    }
}

/* The smallest value that needs width bytes; below it a shorter form exists. */
static inline uint64_t
msg_wire_least(size_t width)
{
    return width == 1 ? 0 : 1ull << (4 * width);
}

/* Reads the number of width bytes behind the first byte of `in`; `least` is
 * the smallest that may stand there.  in does not move. */
static inline enum conclave_err
msg_wire_read_wide(struct msg_span in, size_t width, uint64_t least, uint64_t *value)
{
    if (in.len - 1 < width)
        return CONCLAVE_ERR_SHORT;
    const uint64_t got = msg_wire_number_at(in.at + 1, width);
    if (got < least)
        return CONCLAVE_ERR_TYPE;
    *value = got;
    return CONCLAVE_OK;
}

static inline void
msg_wire_advance(struct msg_span *in, size_t len)
{
    in->at += len;
    in->len -= len;
}

static inline enum conclave_err
msg_wire_read_array(struct msg_span *in, uint32_t *count)
{
    *count = 0;
    if (in->len == 0)
        return CONCLAVE_ERR_SHORT;
    const uint8_t first = in->at[0];
    uint64_t n;
    size_t head = 1;
    if ((first & 0xf0) == 0x90) {
        n = first & 0x0f;
    } else if (first == 0xdc || first == 0xdd) {
        const size_t width = first == 0xdc ? 2 : 4;
        const enum conclave_err err = msg_wire_read_wide(*in, width, width == 2 ? 16 : 65536, &n);
        if (err != CONCLAVE_OK)
            return err;
        head += width;
    } else {
        return CONCLAVE_ERR_TYPE;
    }
    /* An item is at least one byte long: a claim beyond that is refused here. */
    if (n > in->len - head)
        return CONCLAVE_ERR_SHORT;
    msg_wire_advance(in, head);
    *count = (uint32_t)n;
    return CONCLAVE_OK;
}

static inline enum conclave_err
msg_wire_read_u64(struct msg_span *in, uint64_t *value)
{
    *value = 0;
    if (in->len == 0)
        return CONCLAVE_ERR_SHORT;
    const uint8_t first = in->at[0];
    if (first < 0x80) {
        *value = first;
        msg_wire_advance(in, 1);
        return CONCLAVE_OK;
    }
    if (first >= 0xe0 || (first >= 0xd0 && first <= 0xd3))
        return CONCLAVE_ERR_RANGE; /* the forms for signed numbers */
    if (first < 0xcc || first > 0xcf)
        return CONCLAVE_ERR_TYPE;
    const size_t width = (size_t)1 << (first - 0xcc);
    const enum conclave_err err =
        msg_wire_read_wide(*in, width, width == 1 ? 0x80 : msg_wire_least(width), value);
    if (err == CONCLAVE_OK)
        msg_wire_advance(in, 1 + width);
    return err;
}

static inline enum conclave_err
msg_wire_read_bool(struct msg_span *in, bool *value)
{
    *value = false;
    if (in->len == 0)
        return CONCLAVE_ERR_SHORT;
    if (in->at[0] != 0xc2 && in->at[0] != 0xc3)
        return CONCLAVE_ERR_TYPE;
    *value = in->at[0] == 0xc3;
    msg_wire_advance(in, 1);
    return CONCLAVE_OK;
}

/* The body behind a length of width bytes; a length below `least` has a
 * shorter form. */
static inline enum conclave_err
msg_wire_read_body(struct msg_span *in, size_t width, uint64_t least, struct msg_span *body)
{
    uint64_t len;
    const enum conclave_err err = msg_wire_read_wide(*in, width, least, &len);
    if (err != CONCLAVE_OK)
        return err;
    if (len > in->len - 1 - width)
        return CONCLAVE_ERR_SHORT;
    *body = msg_span(in->at + 1 + width, (size_t)len);
    msg_wire_advance(in, 1 + width + (size_t)len);
    return CONCLAVE_OK;
}

static inline enum conclave_err
msg_wire_read_bin(struct msg_span *in, struct msg_span *bytes)
{
    *bytes = (struct msg_span){0};
    if (in->len == 0)
        return CONCLAVE_ERR_SHORT;
    const uint8_t first = in->at[0];
    if (first < 0xc4 || first > 0xc6)
        return CONCLAVE_ERR_TYPE;
    const size_t width = (size_t)1 << (first - 0xc4);
    return msg_wire_read_body(in, width, msg_wire_least(width), bytes);
}

static inline enum conclave_err
msg_wire_read_text(struct msg_span *in, struct msg_text *text)
{
    *text = (struct msg_text){0};
    if (in->len == 0)
        return CONCLAVE_ERR_SHORT;
    const uint8_t first = in->at[0];
    struct msg_span rest = *in;
    struct msg_span body;
    if ((first & 0xe0) == 0xa0) {
        const size_t len = first & 0x1f;
        if (len > in->len - 1)
            return CONCLAVE_ERR_SHORT;
        body = msg_span(in->at + 1, len);
        msg_wire_advance(&rest, 1 + len);
    } else if (first >= 0xd9 && first <= 0xdb) {
        const size_t width = (size_t)1 << (first - 0xd9);
        const enum conclave_err err =
            msg_wire_read_body(&rest, width, width == 1 ? 32 : msg_wire_least(width), &body);
        if (err != CONCLAVE_OK)
            return err;
    } else {
        return CONCLAVE_ERR_TYPE;
    }
    const struct msg_text got = {(const char *)body.at, body.len};
    if (!msg_text_valid(got))
        return CONCLAVE_ERR_TEXT;
    *text = got;
    *in = rest;
    return CONCLAVE_OK;
}

#endif
