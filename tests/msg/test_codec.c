/* Proves msg/codec.c on random messages of every kind, with msgpack-c's
 * unpacker as the independent oracle; hostile frames are in
 * test_codec_hostile.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

#include "msg/codec.h"
#include "tests/msg/gen.h"

#define ROUNDS 60u

static uint8_t store[2u << 20];

static struct msg_buf
fresh(void)
{
    return (struct msg_buf){store, 0, sizeof store};
}

/* A random message that fits a frame. */
static struct msg_span
random_frame(enum msg_kind kind, union msg_any *any)
{
    size_t longest = (size_t)1 << (3 + gen_below(14));
    for (;;) {
        struct msg_buf out = fresh();
        gen_message(kind, any, longest);
        const enum conclave_err err = msg_codec_encode(&out, kind, any);
        if (err == CONCLAVE_OK)
            return msg_span_of_buf(&out);
        assert_int_equal(err, CONCLAVE_ERR_TOO_LARGE);
        longest /= 2;
    }
}

static void
each_kind(void (*check)(const struct msg_shape *shape, const union msg_any *any,
                        struct msg_span frame))
{
    const struct msg_shape *shape;
    for (size_t i = 0; (shape = msg_catalog_at(i)) != NULL; i++) {
        for (unsigned round = 0; round < ROUNDS && gen_is_frame(shape->kind); round++) {
            union msg_any any;
            const struct msg_span frame = random_frame(shape->kind, &any);
            check(shape, &any, frame);
            gen_reset();
        }
    }
}

static void
comes_back(const struct msg_shape *shape, const union msg_any *any, struct msg_span frame)
{
    enum msg_kind kind;
    union msg_any got;
    assert_int_equal(msg_codec_decode(frame, &kind, &got), CONCLAVE_OK);
    assert_int_equal(kind, shape->kind);
    assert_true(gen_equal(shape, any, &got));

    static uint8_t again[2u << 20];
    struct msg_buf out = {again, 0, sizeof again};
    assert_int_equal(msg_codec_encode(&out, kind, &got), CONCLAVE_OK);
    assert_true(msg_span_equal(msg_span_of_buf(&out), frame));
}

static void
each_message_comes_back_as_it_was_written(void **unused)
{
    (void)unused;
    each_kind(comes_back);
}

static void same_fields(const msgpack_object *objects, const struct msg_shape *shape,
                        const void *message);

static void
same_list(const msgpack_object *object, const struct msg_field *field, struct msg_list list)
{
    assert_int_equal(object->type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(object->via.array.size, list.count);
    const struct msg_shape *const shape = msg_catalog_shape(field->item);
    union msg_any item;
    for (uint32_t i = 0; msg_codec_next(&list, field->item, &item); i++) {
        const msgpack_object *const at = &object->via.array.ptr[i];
        assert_int_equal(at->type, MSGPACK_OBJECT_ARRAY);
        assert_int_equal(at->via.array.size, shape->count);
        same_fields(at->via.array.ptr, shape, &item);
    }
}

static void
same_fields(const msgpack_object *objects, const struct msg_shape *shape, const void *message)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct msg_field *const field = &shape->fields[i];
        const char *const at = (const char *)message + field->offset;
        const msgpack_object *const object = &objects[i];
        uint64_t number;
        bool flag;
        struct msg_text text;
        struct msg_span span = msg_span(at, field->size);
        struct msg_list list;
        switch (field->kind) {
        case MSG_FIELD_U64:
            memcpy(&number, at, sizeof number);
            assert_int_equal(object->type, MSGPACK_OBJECT_POSITIVE_INTEGER);
            assert_true(object->via.u64 == number);
            break;
        case MSG_FIELD_BOOL:
            memcpy(&flag, at, sizeof flag);
            assert_int_equal(object->type, MSGPACK_OBJECT_BOOLEAN);
            assert_int_equal(object->via.boolean, flag);
            break;
        case MSG_FIELD_TEXT:
            memcpy(&text, at, sizeof text);
            assert_int_equal(object->type, MSGPACK_OBJECT_STR);
            assert_true(
                msg_text_equal(text, (struct msg_text){object->via.str.ptr, object->via.str.size}));
            break;
        case MSG_FIELD_BIN:
            memcpy(&span, at, sizeof span); /* fall through */
        case MSG_FIELD_FIXED:
            assert_int_equal(object->type, MSGPACK_OBJECT_BIN);
            assert_true(msg_span_equal(span, msg_span(object->via.bin.ptr, object->via.bin.size)));
            break;
        case MSG_FIELD_LIST:
            memcpy(&list, at, sizeof list);
            same_list(object, field, list);
            break;
        }
    }
}

static void
oracle_agrees(const struct msg_shape *shape, const union msg_any *any, struct msg_span frame)
{
    (void)any;
    /* Through our decoder, so that both are compared: what it accepts
     * msgpack-c accepts too, and reads as the same. */
    enum msg_kind kind;
    union msg_any got;
    assert_int_equal(msg_codec_decode(frame, &kind, &got), CONCLAVE_OK);
    msgpack_unpacked unpacked;
    size_t at = 0;
    msgpack_unpacked_init(&unpacked);
    assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)frame.at, frame.len, &at),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(at, frame.len);
    assert_int_equal(unpacked.data.type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(unpacked.data.via.array.size, shape->count + 2);
    assert_int_equal(unpacked.data.via.array.ptr[0].via.u64, MSG_VERSION);
    assert_int_equal(unpacked.data.via.array.ptr[1].via.u64, shape->kind);
    same_fields(unpacked.data.via.array.ptr + 2, shape, &got);
    msgpack_unpacked_destroy(&unpacked);
}

static void
msgpack_c_reads_the_same_as_we(void **unused)
{
    (void)unused;
    each_kind(oracle_agrees);
}

static void
does_not_fit(const struct msg_shape *shape, const union msg_any *any, struct msg_span frame)
{
    const size_t step = frame.len > 500 ? frame.len / 97 : 1;
    for (size_t cap = 0; cap < frame.len; cap += step) {
        uint8_t *const at = malloc(cap + 3); /* exact, so that a sanitizer sees one byte too many */
        assert_non_null(at);
        memset(at, 0x5a, 3);
        struct msg_buf out = {at, 3, cap + 3};
        assert_int_equal(msg_codec_encode(&out, shape->kind, any), CONCLAVE_ERR_SPACE);
        assert_int_equal(out.len, 3);
        assert_memory_equal(at, "\x5a\x5a\x5a", 3);
        free(at);
    }
}

static void
a_frame_that_does_not_fit_leaves_the_buffer_as_it_was(void **unused)
{
    (void)unused;
    each_kind(does_not_fit);
}

static void
frames_one_after_the_other_are_read_one_by_one(void **unused)
{
    (void)unused;
    static uint8_t together[1u << 18];
    for (unsigned round = 0; round < 200; round++) {
        enum msg_kind kinds[8];
        struct msg_buf out = {together, 0, sizeof together};
        const size_t count = 1 + gen_below(8);
        for (size_t i = 0; i < count; i++) {
            const struct msg_shape *shape;
            do
                shape = msg_catalog_shape(gen_below(MSG_KIND_LIMIT));
            while (shape == NULL || !gen_is_frame(shape->kind));
            union msg_any any;
            gen_message(shape->kind, &any, 200);
            kinds[i] = shape->kind;
            assert_int_equal(msg_codec_encode(&out, shape->kind, &any), CONCLAVE_OK);
        }
        gen_reset();
        struct msg_span in = msg_span_of_buf(&out);
        enum msg_kind kind;
        union msg_any got;
        if (count > 1)
            assert_int_equal(msg_codec_decode(in, &kind, &got), CONCLAVE_ERR_TRAILING);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(msg_codec_next_frame(&in, &kind, &got), CONCLAVE_OK);
            assert_int_equal(kind, kinds[i]);
        }
        assert_int_equal(in.len, 0);
        assert_int_equal(msg_codec_next_frame(&in, &kind, &got), CONCLAVE_ERR_SHORT);
    }
}

static void
a_list_gives_its_items_in_order_and_ends(void **unused)
{
    (void)unused;
    uint8_t items[1024];
    struct msg_buf out = {items, 0, sizeof items};
    struct msg_list list = {0};
    char name[8];
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        const struct msg_user user = {msg_text(name), i % 4, msg_text("")};
        assert_int_equal(msg_codec_append(&out, &list, MSG_USER, &user), CONCLAVE_OK);
    }
    struct msg_buf frame = fresh();
    const struct msg_users users = {7, list, msg_text("next")};
    assert_int_equal(msg_codec_encode(&frame, MSG_USERS, &users), CONCLAVE_OK);
    enum msg_kind kind;
    union msg_any any;
    assert_int_equal(msg_codec_decode(msg_span_of_buf(&frame), &kind, &any), CONCLAVE_OK);
    struct msg_list got = any.MSG_ANY_USERS.users;
    struct msg_user user;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(got.count, 20 - i);
        assert_true(msg_codec_next(&got, MSG_USER, &user));
        (void)snprintf(name, sizeof name, "n%u", i);
        assert_true(msg_text_equal(user.name, msg_text(name)));
        assert_int_equal(user.status, i % 4);
    }
    assert_false(msg_codec_next(&got, MSG_USER, &user));
    assert_int_equal(got.len, 0);
}

static void
an_item_that_does_not_fit_leaves_the_list_as_it_was(void **unused)
{
    (void)unused;
    uint8_t items[32];
    struct msg_buf out = {items, 0, sizeof items};
    struct msg_list list = {0};
    const struct msg_user user = {msg_text("somebody"), 1, msg_text("")};
    assert_int_equal(msg_codec_append(&out, &list, MSG_USER, &user), CONCLAVE_OK);
    assert_int_equal(msg_codec_append(&out, &list, MSG_USER, &user), CONCLAVE_OK);
    const struct msg_list before = list;
    assert_int_equal(msg_codec_append(&out, &list, MSG_USER, &user), CONCLAVE_ERR_SPACE);
    assert_memory_equal(&list, &before, sizeof list);
    assert_int_equal(out.len, list.len);
    assert_true(list.at == items);
}

static void
peeking_finds_the_kind_and_the_request_of_a_bad_frame(void **unused)
{
    (void)unused;
    uint64_t kind;
    uint64_t req;
    const struct {
        const char *bytes;
        size_t len;
        uint64_t kind;
        uint64_t req;
    } cases[] = {
        {"\x94\x01\x25\x07\xc0", 5, MSG_SEARCH, 7},       /* SEARCH, req 7, nil for a name */
        {"\x93\x01\x25\xcd\x01\x00", 6, MSG_SEARCH, 256}, /* too few fields */
        {"\x94\x01\x25\xc0\xc0", 5, MSG_SEARCH, 0},       /* no number there */
        {"\x92\x01\x25", 3, MSG_SEARCH, 0},               /* no fields at all */
        {"\x93\x01\x23\x01", 4, MSG_PING, 0},             /* its first field is no req */
        {"\x93\x01\xcc\xff\x07", 5, 255, 0},              /* a kind that is none */
        {"\x94\x02\x25\x07\xa0", 5, 0, 0},                /* another version */
        {"\x91\x01", 2, 0, 0},
        {"\xdd\x0f\x00\x00\x00", 5, 0, 0},
        {"", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        msg_codec_peek(msg_span(cases[i].bytes, cases[i].len), &kind, &req);
        assert_int_equal(kind, cases[i].kind);
        assert_int_equal(req, cases[i].req);
    }
}

static void
print_ends_in_time(const struct msg_shape *shape, const union msg_any *any, struct msg_span frame)
{
    (void)shape;
    (void)any;
    const size_t caps[] = {1, 2, 7, 40, 200};
    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        char *const text = malloc(caps[i]);
        assert_non_null(text);
        memset(text, 'x', caps[i]);
        msg_codec_print(text, caps[i], frame);
        assert_non_null(memchr(text, '\0', caps[i]));
        free(text);
    }
    msg_codec_print(NULL, 0, frame);
}

static void
a_print_ends_within_its_buffer(void **unused)
{
    (void)unused;
    each_kind(print_ends_in_time);
}

static void
a_print_shows_fields_and_hides_secrets(void **unused)
{
    (void)unused;
    char text[2048];
    struct msg_buf out = fresh();
    const struct msg_search search = {7, msg_text("b\"o\\b\n\x7f\xc3\xa9")};
    assert_int_equal(msg_codec_encode(&out, MSG_SEARCH, &search), CONCLAVE_OK);
    msg_codec_print(text, sizeof text, msg_span_of_buf(&out));
    assert_string_equal(text, "SEARCH {req: 7, name: \"b\\\"o\\\\b\\x0a\\x7f\xc3\xa9\"}");

    const enum msg_kind secret[] = {MSG_SIGNUP,      MSG_PASSWD,     MSG_CMD_LOGIN,
                                    MSG_CMD_PASSWD,  MSG_VAULT_HASH, MSG_VAULT_HASHED,
                                    MSG_VAULT_CHECK, MSG_REC_ACCOUNT};
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++) {
        union msg_any any;
        const struct msg_shape *const shape = msg_catalog_shape(secret[i]);
        memset(&any, 0, sizeof any);
        for (uint32_t k = 0; k < shape->count; k++) {
            char *const at = (char *)&any + shape->fields[k].offset;
            const uint64_t one = 1;
            const struct msg_text hidden =
                msg_text(strcmp(shape->fields[k].name, "name") == 0 ? "n" : "hunter2");
            if (shape->fields[k].kind == MSG_FIELD_TEXT)
                memcpy(at, &hidden, sizeof hidden);
            if (shape->fields[k].kind == MSG_FIELD_U64)
                memcpy(at, &one, sizeof one);
        }
        out = fresh();
        assert_int_equal(msg_codec_encode(&out, secret[i], &any), CONCLAVE_OK);
        msg_codec_print(text, sizeof text, msg_span_of_buf(&out));
        assert_null(strstr(text, "hunter2"));
        assert_non_null(strstr(text, "…"));
    }

    struct msg_rec_mail_key key = {.created_ms = 1};
    memset(key.sec.at, 0xee, sizeof key.sec.at);
    out = fresh();
    assert_int_equal(msg_codec_encode(&out, MSG_REC_MAIL_KEY, &key), CONCLAVE_OK);
    msg_codec_print(text, sizeof text, msg_span_of_buf(&out));
    assert_null(strstr(text, "eeee"));
}

static void
a_print_of_what_is_no_frame_says_why(void **unused)
{
    (void)unused;
    char text[64];
    msg_codec_print(text, sizeof text, msg_span("\xdd\x0f\x00\x00\x00", 5));
    assert_string_equal(text, "not a frame (short): dd0f000000");
    msg_codec_print(text, sizeof text, (struct msg_span){0});
    assert_string_equal(text, "not a frame (short): ");
}

static void
an_error_frame_has_code_and_sentence_and_is_cut_at_a_character(void **unused)
{
    (void)unused;
    struct msg_buf out = fresh();
    enum msg_kind kind;
    union msg_any any;
    assert_int_equal(msg_codec_error(&out, 9, CONCLAVE_ERR_BUSY, msg_text(""), 1500), CONCLAVE_OK);
    assert_int_equal(msg_codec_decode(msg_span_of_buf(&out), &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_ERROR);
    assert_int_equal(any.MSG_ANY_ERROR.req, 9);
    assert_int_equal(any.MSG_ANY_ERROR.retry_ms, 1500);
    assert_true(msg_text_equal(any.MSG_ANY_ERROR.code, msg_text("busy")));
    assert_true(
        msg_text_equal(any.MSG_ANY_ERROR.text, msg_text(msg_error_sentence(CONCLAVE_ERR_BUSY))));

    char longer[MSG_REASON_MAX + 8];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(longer, 'a', shift);
        for (size_t i = shift; i + 4 <= sizeof longer; i += 4)
            memcpy(longer + i, "\xf0\x9f\x98\x80", 4);
        out = fresh();
        assert_int_equal(msg_codec_error(&out, 0, CONCLAVE_ERR_BLOCKED,
                                         (struct msg_text){longer, MSG_REASON_MAX + 4}, 0),
                         CONCLAVE_OK);
        assert_int_equal(msg_codec_decode(msg_span_of_buf(&out), &kind, &any), CONCLAVE_OK);
        assert_int_equal(any.MSG_ANY_ERROR.text.len,
                         shift == 0 ? MSG_REASON_MAX : MSG_REASON_MAX - 4 + shift);
    }
}

static void
a_frame_of_the_wire_is_never_larger_than_a_socket_takes(void **unused)
{
    (void)unused;
    static uint8_t items[1u << 18];
    static char long_endpoint[MSG_ENDPOINT_MAX];
    memset(long_endpoint, 'e', sizeof long_endpoint);
    struct msg_buf inner = {items, 0, 1u << 16};
    struct msg_list endpoints = {0};
    const struct msg_address address = {{long_endpoint, sizeof long_endpoint}};
    for (unsigned i = 0; i < MSG_ENDPOINT_COUNT; i++)
        assert_int_equal(msg_codec_append(&inner, &endpoints, MSG_ADDRESS, &address), CONCLAVE_OK);
    struct msg_buf outer = {items + (1u << 16), 0, sizeof items - (1u << 16)};
    struct msg_list devices = {0};
    const struct msg_device_card card = {msg_span(long_endpoint, 200), true, endpoints};
    struct msg_introduced introduced = {.req = 1, .account = 1, .name = msg_text("bob")};
    unsigned fits = 0;
    for (unsigned i = 0; i < MSG_DEVICE_COUNT; i++) {
        assert_int_equal(msg_codec_append(&outer, &devices, MSG_DEVICE_CARD, &card), CONCLAVE_OK);
        introduced.devices = devices;
        struct msg_buf out = fresh();
        const enum conclave_err err = msg_codec_encode(&out, MSG_INTRODUCED, &introduced);
        assert_true(err == CONCLAVE_OK ? out.len <= MSG_FRAME_MAX
                                       : err == CONCLAVE_ERR_TOO_LARGE && out.len == 0);
        fits += err == CONCLAVE_OK;
    }
    assert_true(fits > 20 && fits < MSG_DEVICE_COUNT);
    /* And one that somebody else's encoder wrote is refused. */
    struct msg_buf out = fresh();
    enum msg_kind kind;
    union msg_any any;
    assert_true(gen_write(&out, msg_catalog_shape(MSG_INTRODUCED), &introduced, -1, NULL, NULL));
    assert_true(out.len > MSG_FRAME_MAX);
    assert_int_equal(msg_codec_decode(msg_span_of_buf(&out), &kind, &any), CONCLAVE_ERR_TOO_LARGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_comes_back_as_it_was_written),
        cmocka_unit_test(msgpack_c_reads_the_same_as_we),
        cmocka_unit_test(a_frame_that_does_not_fit_leaves_the_buffer_as_it_was),
        cmocka_unit_test(frames_one_after_the_other_are_read_one_by_one),
        cmocka_unit_test(a_list_gives_its_items_in_order_and_ends),
        cmocka_unit_test(an_item_that_does_not_fit_leaves_the_list_as_it_was),
        cmocka_unit_test(peeking_finds_the_kind_and_the_request_of_a_bad_frame),
        cmocka_unit_test(a_print_ends_within_its_buffer),
        cmocka_unit_test(a_print_shows_fields_and_hides_secrets),
        cmocka_unit_test(a_print_of_what_is_no_frame_says_why),
        cmocka_unit_test(an_error_frame_has_code_and_sentence_and_is_cut_at_a_character),
        cmocka_unit_test(a_frame_of_the_wire_is_never_larger_than_a_socket_takes),
    };
    gen_seed(3);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
