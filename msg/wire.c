/* msgpack, one value at a time: msgpack-c writes, our own cursor reads.  Pure. */
#include "msg/wire.h"

#include <endian.h>
#include <msgpack.h>

#include "msg/name.h"

static int
append(void *data, const char *bytes, size_t len)
{
    struct msg_buf *const out = data;
    if (len > out->cap - out->len)
        return -1;
    memcpy(out->at + out->len, bytes, len);
    out->len += len;
    return 0;
}

static msgpack_packer
packer(struct msg_buf *out)
{
    return (msgpack_packer){.data = out, .callback = append};
}

/* A value is written whole or not at all. */
static enum conclave_err
settle(struct msg_buf *out, size_t before, int failed)
{
    if (failed == 0)
        return CONCLAVE_OK;
    out->len = before;
    return CONCLAVE_ERR_SPACE;
}

enum conclave_err
msg_wire_write_array(struct msg_buf *out, uint32_t count)
{
    msgpack_packer pk = packer(out);
    return settle(out, out->len, msgpack_pack_array(&pk, count));
}

enum conclave_err
msg_wire_write_u64(struct msg_buf *out, uint64_t value)
{
    msgpack_packer pk = packer(out);
    return settle(out, out->len, msgpack_pack_uint64(&pk, value));
}

enum conclave_err
msg_wire_write_bool(struct msg_buf *out, bool value)
{
    msgpack_packer pk = packer(out);
    return settle(out, out->len, value ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk));
}

enum conclave_err
msg_wire_write_bin(struct msg_buf *out, struct msg_span bytes)
{
    msgpack_packer pk = packer(out);
    const size_t before = out->len;
    int failed = msgpack_pack_bin(&pk, bytes.len);
    if (failed == 0 && bytes.len > 0)
        failed = msgpack_pack_bin_body(&pk, bytes.at, bytes.len);
    return settle(out, before, failed);
}

enum conclave_err
msg_wire_write_text(struct msg_buf *out, struct msg_text text)
{
    msgpack_packer pk = packer(out);
    const size_t before = out->len;
    int failed = msgpack_pack_str(&pk, text.len);
    if (failed == 0 && text.len > 0)
        failed = msgpack_pack_str_body(&pk, text.at, text.len);
    return settle(out, before, failed);
}

/* The big-endian number of width bytes (1, 2, 4, 8) at `at`. */
static uint64_t
number_at(const uint8_t *at, size_t width)
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
static uint64_t
least_of_width(size_t width)
{
    return width == 1 ? 0 : 1ull << (4 * width);
}

/* Reads the number of width bytes behind the first byte of `in`; `least` is
 * the smallest that may stand there.  in does not move. */
static enum conclave_err
read_wide(struct msg_span in, size_t width, uint64_t least, uint64_t *value)
{
    if (in.len - 1 < width)
        return CONCLAVE_ERR_SHORT;
    const uint64_t got = number_at(in.at + 1, width);
    if (got < least)
        return CONCLAVE_ERR_TYPE;
    *value = got;
    return CONCLAVE_OK;
}

static void
advance(struct msg_span *in, size_t len)
{
    in->at += len;
    in->len -= len;
}

enum conclave_err
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
        const enum conclave_err err = read_wide(*in, width, width == 2 ? 16 : 65536, &n);
        if (err != CONCLAVE_OK)
            return err;
        head += width;
    } else {
        return CONCLAVE_ERR_TYPE;
    }
    /* An item is at least one byte long: a claim beyond that is refused here. */
    if (n > in->len - head)
        return CONCLAVE_ERR_SHORT;
    advance(in, head);
    *count = (uint32_t)n;
    return CONCLAVE_OK;
}

enum conclave_err
msg_wire_read_u64(struct msg_span *in, uint64_t *value)
{
    *value = 0;
    if (in->len == 0)
        return CONCLAVE_ERR_SHORT;
    const uint8_t first = in->at[0];
    if (first < 0x80) {
        *value = first;
        advance(in, 1);
        return CONCLAVE_OK;
    }
    if (first >= 0xe0 || (first >= 0xd0 && first <= 0xd3))
        return CONCLAVE_ERR_RANGE; /* the forms for signed numbers */
    if (first < 0xcc || first > 0xcf)
        return CONCLAVE_ERR_TYPE;
    const size_t width = (size_t)1 << (first - 0xcc);
    const enum conclave_err err =
        read_wide(*in, width, width == 1 ? 0x80 : least_of_width(width), value);
    if (err == CONCLAVE_OK)
        advance(in, 1 + width);
    return err;
}

enum conclave_err
msg_wire_read_bool(struct msg_span *in, bool *value)
{
    *value = false;
    if (in->len == 0)
        return CONCLAVE_ERR_SHORT;
    if (in->at[0] != 0xc2 && in->at[0] != 0xc3)
        return CONCLAVE_ERR_TYPE;
    *value = in->at[0] == 0xc3;
    advance(in, 1);
    return CONCLAVE_OK;
}

/* The body behind a length of width bytes; a length below `least` has a
 * shorter form. */
static enum conclave_err
read_body(struct msg_span *in, size_t width, uint64_t least, struct msg_span *body)
{
    uint64_t len;
    const enum conclave_err err = read_wide(*in, width, least, &len);
    if (err != CONCLAVE_OK)
        return err;
    if (len > in->len - 1 - width)
        return CONCLAVE_ERR_SHORT;
    *body = msg_span(in->at + 1 + width, (size_t)len);
    advance(in, 1 + width + (size_t)len);
    return CONCLAVE_OK;
}

enum conclave_err
msg_wire_read_bin(struct msg_span *in, struct msg_span *bytes)
{
    *bytes = (struct msg_span){0};
    if (in->len == 0)
        return CONCLAVE_ERR_SHORT;
    const uint8_t first = in->at[0];
    if (first < 0xc4 || first > 0xc6)
        return CONCLAVE_ERR_TYPE;
    const size_t width = (size_t)1 << (first - 0xc4);
    return read_body(in, width, least_of_width(width), bytes);
}

enum conclave_err
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
        advance(&rest, 1 + len);
    } else if (first >= 0xd9 && first <= 0xdb) {
        const size_t width = (size_t)1 << (first - 0xd9);
        const enum conclave_err err =
            read_body(&rest, width, width == 1 ? 32 : least_of_width(width), &body);
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
