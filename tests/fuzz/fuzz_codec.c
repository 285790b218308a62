/* Any bytes are refused or are frames of which each has one form; peeking and
 * printing end within their bounds. */
#include <string.h>

#include "msg/codec.h"
#include "tests/fuzz/fuzz.h"

static uint8_t again_at[4u << 20];

/* What was accepted encodes to the same bytes, and its lists are whole. */
static void
check_frame(enum msg_kind kind, const union msg_any *any, struct msg_span frame)
{
    struct msg_buf again = {again_at, 0, sizeof again_at};
    FUZZ_CLAIM(kind != MSG_KIND_NONE);
    FUZZ_CLAIM(msg_codec_encode(&again, kind, any) == CONCLAVE_OK);
    FUZZ_CLAIM(msg_span_equal(msg_span_of_buf(&again), frame));
    const struct msg_shape *const shape = msg_catalog_shape(kind);
    for (uint32_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].kind != MSG_FIELD_LIST)
            continue;
        struct msg_list list;
        union msg_any item;
        memcpy(&list, (const char *)any + shape->fields[i].offset, sizeof list);
        const uint64_t count = list.count;
        uint64_t taken = 0;
        while (msg_codec_next(&list, shape->fields[i].item, &item))
            taken++;
        FUZZ_CLAIM(taken == count && list.len == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[1u << 16];
    struct msg_span in = {data, size};
    enum msg_kind kind;
    union msg_any any;
    uint64_t number;
    uint64_t req;
    while (in.len > 0) {
        const struct msg_span before = in;
        if (msg_codec_next_frame(&in, &kind, &any) != CONCLAVE_OK) {
            FUZZ_CLAIM(in.at == before.at && in.len == before.len && kind == MSG_KIND_NONE);
            break;
        }
        FUZZ_CLAIM(in.len < before.len);
        check_frame(kind, &any, msg_span(before.at, before.len - in.len));
    }
    if (msg_codec_decode(msg_span(data, size), &kind, &any) == CONCLAVE_OK) {
        check_frame(kind, &any, msg_span(data, size));
        msg_codec_peek(msg_span(data, size), &number, &req);
        FUZZ_CLAIM(number == (uint64_t)kind);
    }
    msg_codec_peek(msg_span(data, size), &number, &req);
    const size_t caps[] = {1, size % 64 + 1, sizeof text};
    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        char *const tight = malloc(caps[i]);
        FUZZ_CLAIM(tight != NULL);
        memset(tight, 'x', caps[i]);
        msg_codec_print(tight, caps[i], msg_span(data, size));
        FUZZ_CLAIM(memchr(tight, '\0', caps[i]) != NULL);
        free(tight);
    }
    return 0;
}
