/* Golden frames: each kind filled with plain values by its field table. */
#include <ctype.h>
#include <stdlib.h>

#include "msg/codec.h"
#include "tests/vectors/vectors.h"

static uint8_t arena_at[1u << 16];
static struct msg_buf arena = {arena_at, 0, sizeof arena_at};

static struct msg_text
plain_text(const struct msg_field *field)
{
    static const char more[] = "0123456789012345678901234567890123456789";
    const char *text = field->name;
    if (strcmp(field->name, "name") == 0 || strcmp(field->name, "from") == 0)
        text = "alice";
    else if (strcmp(field->name, "to") == 0)
        text = "bob";
    else if (strcmp(field->name, "text") == 0)
        text = "Grüße, \"bob\"";
    else if (strcmp(field->name, "code") == 0)
        text = "busy";
    else if (strcmp(field->name, "endpoint") == 0)
        text = "[2001:db8::7]:15602";
    else if (strcmp(field->name, "link") == 0)
        text = more; /* a text that needs the longer head */
    return msg_text(text);
}

static void
fill(const struct msg_shape *shape, void *message, unsigned turn)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct msg_field *const field = &shape->fields[i];
        void *const at = (char *)message + field->offset;
        /* Numbers of every width, as far as the field takes them. */
        static const uint64_t widths[] = {7, 200, 40000, 3000000000, 1700000000000};
        uint64_t number = widths[(i + turn) % 5];
        const bool flag = (i + turn) % 2 == 0;
        struct msg_text text = plain_text(field);
        struct msg_span span = {arena.at + arena.len, 40};
        struct msg_list list = {0};
        switch (field->kind) {
        case MSG_FIELD_U64:
            if (number > field->max)
                number = field->max;
            if (number < field->min)
                number = field->min;
            memcpy(at, &number, sizeof number);
            break;
        case MSG_FIELD_BOOL:
            memcpy(at, &flag, sizeof flag);
            break;
        case MSG_FIELD_TEXT:
            if (text.len > field->max)
                text.len = (size_t)field->max;
            memcpy(at, &text, sizeof text);
            break;
        case MSG_FIELD_BIN:
            if (span.len > field->max)
                span.len = (size_t)field->max;
            if (span.len < field->min)
                span.len = (size_t)field->min;
            for (size_t k = 0; k < span.len; k++)
                arena.at[arena.len++] = (uint8_t)(k + i);
            memcpy(at, &span, sizeof span);
            break;
        case MSG_FIELD_FIXED:
            for (size_t k = 0; k < field->size; k++)
                ((uint8_t *)at)[k] = (uint8_t)(16 * (i + turn) + k);
            break;
        case MSG_FIELD_LIST: {
            /* Items may have lists and bytes of their own: these come first. */
            union msg_any items[2];
            memset(items, 0, sizeof items);
            for (unsigned k = 0; k < 2; k++)
                fill(msg_catalog_shape(field->item), &items[k], k);
            for (unsigned k = 0; k < 2; k++) {
                if (msg_codec_append(&arena, &list, field->item, &items[k]) != CONCLAVE_OK)
                    abort();
            }
            memcpy(at, &list, sizeof list);
            break;
        }
        }
    }
}

void
vectors_frame(struct msg_buf *out, enum msg_kind kind)
{
    union msg_any any;
    memset(&any, 0, sizeof any);
    arena.len = 0;
    fill(msg_catalog_shape(kind), &any, 0);
    if (msg_codec_encode(out, kind, &any) != CONCLAVE_OK)
        abort();
}

void
vectors_name(char name[64], const struct msg_shape *shape)
{
    size_t i = 0;
    for (; shape->name[i] != '\0' && i < 63; i++)
        name[i] = shape->name[i] == '_' ? '-' : (char)tolower((unsigned char)shape->name[i]);
    name[i] = '\0';
}
