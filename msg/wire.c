/* msgpack, one value at a time: msgpack-c writes; the cursor that reads stands
 * in the header.  Pure. */
#include "msg/wire.h"

#include <msgpack.h>

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
