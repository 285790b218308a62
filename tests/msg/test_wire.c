/* Proves msg/wire.c, with msgpack-c's unpacker as the independent oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <msgpack.h>
#include <stdlib.h>

#include "msg/wire.h"
#include "tests/msg/gen.h"

static uint8_t store[1u << 18];

static struct msg_buf
fresh(void)
{
    return (struct msg_buf){store, 0, sizeof store};
}

static const uint64_t numbers[] = {
    0,     1,          127,        128,       255,        256,        65535,
    65536, UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX,
};
static const size_t lengths[] = {0, 1, 31, 32, 255, 256, 65535, 65536, 100000};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static msgpack_object
oracle(msgpack_unpacked *unpacked, struct msg_span in)
{
    size_t at = 0;
    assert_int_equal(msgpack_unpack_next(unpacked, (const char *)in.at, in.len, &at),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(at, in.len);
    return unpacked->data;
}

static void
numbers_come_back_and_msgpack_c_reads_them_too(void **unused)
{
    (void)unused;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    for (size_t i = 0; i < 10000; i++) {
        const uint64_t value = i < COUNT(numbers) ? numbers[i] : gen_u64() >> gen_below(64);
        struct msg_buf out = fresh();
        assert_int_equal(msg_wire_write_u64(&out, value), CONCLAVE_OK);
        struct msg_span in = msg_span_of_buf(&out);
        const msgpack_object object = oracle(&unpacked, in);
        assert_int_equal(object.type, MSGPACK_OBJECT_POSITIVE_INTEGER);
        assert_true(object.via.u64 == value);
        uint64_t got;
        assert_int_equal(msg_wire_read_u64(&in, &got), CONCLAVE_OK);
        assert_true(got == value && in.len == 0);
    }
    msgpack_unpacked_destroy(&unpacked);
}

static void
bytes_and_texts_come_back_and_msgpack_c_reads_them_too(void **unused)
{
    (void)unused;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    for (size_t i = 0; i < 300; i++) {
        const struct msg_text text = gen_text(i < COUNT(lengths) ? lengths[i] : gen_below(400));
        struct msg_text got_text;
        struct msg_span got;
        struct msg_buf out = fresh();
        assert_int_equal(msg_wire_write_text(&out, text), CONCLAVE_OK);
        struct msg_span in = msg_span_of_buf(&out);
        msgpack_object object = oracle(&unpacked, in);
        assert_int_equal(object.type, MSGPACK_OBJECT_STR);
        assert_true(
            msg_text_equal(text, (struct msg_text){object.via.str.ptr, object.via.str.size}));
        assert_int_equal(msg_wire_read_text(&in, &got_text), CONCLAVE_OK);
        assert_true(msg_text_equal(text, got_text) && in.len == 0);

        out = fresh();
        assert_int_equal(msg_wire_write_bin(&out, msg_span_of_text(text)), CONCLAVE_OK);
        in = msg_span_of_buf(&out);
        object = oracle(&unpacked, in);
        assert_int_equal(object.type, MSGPACK_OBJECT_BIN);
        assert_true(msg_span_equal(msg_span_of_text(text),
                                   msg_span(object.via.bin.ptr, object.via.bin.size)));
        assert_int_equal(msg_wire_read_bin(&in, &got), CONCLAVE_OK);
        assert_true(msg_span_equal(got, msg_span_of_text(text)) && in.len == 0);
        gen_reset();
    }
    msgpack_unpacked_destroy(&unpacked);
}

static void
arrays_and_flags_come_back(void **unused)
{
    (void)unused;
    const uint32_t counts[] = {0, 1, 15, 16, 65535, 65536, 70000};
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct msg_buf out = fresh();
        uint32_t got;
        assert_int_equal(msg_wire_write_array(&out, counts[i]), CONCLAVE_OK);
        struct msg_span in = msg_span(store, out.len + counts[i]); /* as many bytes as items */
        assert_int_equal(msg_wire_read_array(&in, &got), CONCLAVE_OK);
        assert_int_equal(got, counts[i]);
    }
    for (int flag = 0; flag < 2; flag++) {
        struct msg_buf out = fresh();
        bool got;
        assert_int_equal(msg_wire_write_bool(&out, flag != 0), CONCLAVE_OK);
        struct msg_span in = msg_span_of_buf(&out);
        assert_int_equal(msg_wire_read_bool(&in, &got), CONCLAVE_OK);
        assert_int_equal(got, flag);
    }
}

/* Reads with every reader; the number of those that took it. */
static int
readers_that_take(struct msg_span in)
{
    struct msg_span rest;
    uint32_t count;
    uint64_t number;
    bool flag;
    struct msg_span bytes;
    struct msg_text text;
    int taken = 0;
    rest = in;
    taken += msg_wire_read_array(&rest, &count) == CONCLAVE_OK;
    rest = in;
    taken += msg_wire_read_u64(&rest, &number) == CONCLAVE_OK;
    rest = in;
    taken += msg_wire_read_bool(&rest, &flag) == CONCLAVE_OK;
    rest = in;
    taken += msg_wire_read_bin(&rest, &bytes) == CONCLAVE_OK;
    rest = in;
    taken += msg_wire_read_text(&rest, &text) == CONCLAVE_OK;
    return taken;
}

static void
each_value_has_one_form(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes;
        size_t len;
    } longer[] = {
        {"\xcc\x00", 2},
        {"\xcc\x7f", 2},
        {"\xcd\x00\xff", 3},
        {"\xce\x00\x00\xff\xff", 5},
        {"\xcf\x00\x00\x00\x00\xff\xff\xff\xff", 9},
        {"\xd0\x05", 2},
        {"\xd1\x00\x05", 3},
        {"\xd2\x00\x00\x00\x05", 5},
        {"\xd3\x00\x00\x00\x00\x00\x00\x00\x05", 9},
        {"\xd9\x01"
         "a",
         3},
        {"\xda\x00\x01"
         "a",
         4},
        {"\xdb\x00\x00\x00\x01"
         "a",
         6},
        {"\xc5\x00\x01"
         "a",
         4},
        {"\xc6\x00\x00\x00\x01"
         "a",
         6},
        {"\xdc\x00\x01\x00", 4},
        {"\xdd\x00\x00\x00\x01\x00", 6},
    };
    for (size_t i = 0; i < COUNT(longer); i++)
        assert_int_equal(readers_that_take(msg_span(longer[i].bytes, longer[i].len)), 0);
    /* The edges, in the form that is theirs. */
    assert_int_equal(readers_that_take(msg_span("\xcc\x80", 2)), 1);
    assert_int_equal(readers_that_take(msg_span("\xcd\x01\x00", 3)), 1);
    assert_int_equal(readers_that_take(msg_span("\xce\x00\x01\x00\x00", 5)), 1);
    assert_int_equal(readers_that_take(msg_span("\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9)), 1);
    assert_int_equal(readers_that_take(msg_span("\xdc\x00\x10"
                                                "0123456789abcdef",
                                                19)),
                     1);
}

static void
lengths_beyond_what_arrived_are_short(void **unused)
{
    (void)unused;
    const char *const claims[] = {
        "\xdd\x0f\x00\x00\x00",
        "\xdd\x7f\xff\xff\xff",
        "\xdd\xff\xff\xff\xff",
        "\xdc\xff\xff",
        "\x9f",
        "\xc6\x7f\xff\xff\xff",
        "\xc6\xff\xff\xff\xff",
        "\xdb\x80\x00\x00\x00",
        "\xdb\xff\xff\xff\xff",
        "\xc4\xff",
        "\xc5\xff\xff",
        "\xd9\xff",
        "\xda\xff\xff",
        "\xbf",
        "\xcc",
        "\xcd\x01",
        "\xce\x01",
        "\xcf\x01",
        "\xc4",
        "\xc5\x01",
        "\xc6\x01",
        "\xd9",
        "\xda\x01",
        "\xdb\x01",
        "\xdc\x01",
        "\xdd\x01",
    };
    for (size_t i = 0; i < COUNT(claims); i++) {
        const struct msg_span in = msg_span(claims[i], strlen(claims[i]));
        assert_int_equal(readers_that_take(in), 0);
        struct msg_span rest = in;
        uint32_t count;
        uint64_t number;
        struct msg_span bytes;
        struct msg_text text;
        const bool is_short = msg_wire_read_array(&rest, &count) == CONCLAVE_ERR_SHORT ||
                              msg_wire_read_u64(&rest, &number) == CONCLAVE_ERR_SHORT ||
                              msg_wire_read_bin(&rest, &bytes) == CONCLAVE_ERR_SHORT ||
                              msg_wire_read_text(&rest, &text) == CONCLAVE_ERR_SHORT;
        assert_true(is_short);
        assert_true(rest.at == in.at && rest.len == in.len);
    }
    assert_int_equal(readers_that_take((struct msg_span){0}), 0);
}

static void
each_first_byte_is_taken_by_one_reader_at_most(void **unused)
{
    (void)unused;
    for (unsigned first = 0; first < 256; first++) {
        uint8_t at[64];
        memset(at, 'a', sizeof at);
        at[0] = (uint8_t)first;
        assert_true(readers_that_take(msg_span(at, sizeof at)) <= 1);
        /* nil, maps, floats, extensions, the byte that is never used */
        if ((first & 0xf0) == 0x80 || first == 0xc0 || first == 0xc1 ||
            (first >= 0xc7 && first <= 0xcb) || (first >= 0xd4 && first <= 0xd8) || first >= 0xde)
            assert_int_equal(readers_that_take(msg_span(at, sizeof at)), 0);
    }
}

static void
negative_numbers_are_out_of_range_and_others_of_a_wrong_type(void **unused)
{
    (void)unused;
    uint64_t number;
    struct msg_span in = msg_span("\xff", 1);
    assert_int_equal(msg_wire_read_u64(&in, &number), CONCLAVE_ERR_RANGE);
    in = msg_span("\xd3\xff\xff\xff\xff\xff\xff\xff\xff", 9);
    assert_int_equal(msg_wire_read_u64(&in, &number), CONCLAVE_ERR_RANGE);
    in = msg_span("\xca\x00\x00\x00\x00", 5);
    assert_int_equal(msg_wire_read_u64(&in, &number), CONCLAVE_ERR_TYPE);
    in = msg_span("\xc0", 1);
    assert_int_equal(msg_wire_read_u64(&in, &number), CONCLAVE_ERR_TYPE);
}

static void
texts_that_are_not_clean_utf_8_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\0", 1},
        {"abc\0", 4},
        {"abcdefgh\0ijklmnop", 17},
        {"\x80", 1},
        {"\xc0\x80", 2},
        {"\xc1\xbf", 2},
        {"\xe0\x80\x80", 3},
        {"\xed\xa0\x80", 3},
        {"\xf4\x90\x80\x80", 4},
        {"\xf8\x88\x80\x80\x80", 5},
        {"\xc3", 1},
        {"\xe4\x80", 2},
        {"\xf0\x9f\x98", 3},
        {"abcdefg\xc3", 8},
        {"\xc3\xa9\0", 3},
        {"\xff", 1},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct msg_buf out = fresh();
        struct msg_text got;
        assert_int_equal(msg_wire_write_text(&out, (struct msg_text){bad[i].bytes, bad[i].len}),
                         CONCLAVE_OK);
        struct msg_span in = msg_span_of_buf(&out);
        assert_int_equal(msg_wire_read_text(&in, &got), CONCLAVE_ERR_TEXT);
        assert_int_equal(in.len, out.len);
        assert_int_equal(got.len, 0);
    }
}

/* The same at every place in an eight-byte step, since eight are looked at at once. */
static void
one_bad_byte_anywhere_in_a_text_is_found(void **unused)
{
    (void)unused;
    uint8_t bad[] = {0x00, 0x80, 0xff};
    for (size_t len = 1; len <= 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t k = 0; k < COUNT(bad); k++) {
                char text[40];
                memset(text, 'x', sizeof text);
                text[at] = (char)bad[k];
                struct msg_buf out = fresh();
                struct msg_text got;
                assert_int_equal(msg_wire_write_text(&out, (struct msg_text){text, len}),
                                 CONCLAVE_OK);
                struct msg_span in = msg_span_of_buf(&out);
                assert_int_equal(msg_wire_read_text(&in, &got), CONCLAVE_ERR_TEXT);
            }
        }
    }
}

static void
a_value_that_does_not_fit_is_not_begun(void **unused)
{
    (void)unused;
    static const char text[300];
    for (size_t cap = 0; cap < 303; cap++) {
        uint8_t *const at =
            malloc(cap > 0 ? cap : 1); /* so that a sanitizer sees one byte too many */
        struct msg_buf out = {at, 0, cap};
        assert_int_equal(msg_wire_write_bin(&out, msg_span(text, 300)), CONCLAVE_ERR_SPACE);
        assert_int_equal(out.len, 0);
        assert_int_equal(msg_wire_write_text(&out, (struct msg_text){text, 300}),
                         CONCLAVE_ERR_SPACE);
        assert_int_equal(out.len, 0);
        if (cap < 9)
            assert_int_equal(msg_wire_write_u64(&out, UINT64_MAX), CONCLAVE_ERR_SPACE);
        if (cap < 5)
            assert_int_equal(msg_wire_write_array(&out, 1u << 20), CONCLAVE_ERR_SPACE);
        if (cap < 1)
            assert_int_equal(msg_wire_write_bool(&out, true), CONCLAVE_ERR_SPACE);
        assert_int_equal(out.len, 0);
        free(at);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back_and_msgpack_c_reads_them_too),
        cmocka_unit_test(bytes_and_texts_come_back_and_msgpack_c_reads_them_too),
        cmocka_unit_test(arrays_and_flags_come_back),
        cmocka_unit_test(each_value_has_one_form),
        cmocka_unit_test(lengths_beyond_what_arrived_are_short),
        cmocka_unit_test(each_first_byte_is_taken_by_one_reader_at_most),
        cmocka_unit_test(negative_numbers_are_out_of_range_and_others_of_a_wrong_type),
        cmocka_unit_test(texts_that_are_not_clean_utf_8_are_refused),
        cmocka_unit_test(one_bad_byte_anywhere_in_a_text_is_found),
        cmocka_unit_test(a_value_that_does_not_fit_is_not_begun),
    };
    gen_seed(2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
