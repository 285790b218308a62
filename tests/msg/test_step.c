/* Proves msg/step.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "msg/codec.h"
#include "msg/flat.h"
#include "msg/step.h"
#include "tests/msg/gen.h"

static void
effects_come_back_in_order_with_what_they_carry(void **unused)
{
    (void)unused;
    struct msg_effects effects;
    const struct msg_record_key key = msg_record_key2(1, 2);
    const struct msg_box_pub pub = {{7}};
    const struct msg_done done = {9};
    enum msg_kind kind;
    union msg_any any;
    msg_effects_init(&effects);
    msg_effects_put(&effects, 3, msg_record_key_span(&key), MSG_LOGOUT, &done);
    msg_effects_delete(&effects, 4, msg_record_key_span(&key));
    msg_effects_store(&effects, 5);
    msg_effects_send(&effects, 6, MSG_DONE, &done);
    msg_effects_send_bytes(&effects, 6, msg_span("raw", 3));
    msg_effects_tell(&effects, MSG_CMD_DEVICES, &done);
    msg_effects_wake(&effects, 100);
    msg_effects_dial(&effects, 8, &pub, msg_text("host:1"));
    msg_effects_drop(&effects, 8);
    msg_effects_admit(&effects, &pub);
    msg_effects_expel(&effects, &pub);
    msg_effects_log(&effects, MSG_LOG_WARN, "ID number=%d", 5);
    const enum msg_effect_kind kinds[] = {EFFECT_PUT,  EFFECT_DELETE, EFFECT_STORE, EFFECT_SEND,
                                          EFFECT_SEND, EFFECT_TELL,   EFFECT_WAKE,  EFFECT_DIAL,
                                          EFFECT_DROP, EFFECT_ADMIT,  EFFECT_EXPEL, EFFECT_LOG};
    assert_int_equal(effects.count, sizeof kinds / sizeof kinds[0]);
    for (size_t i = 0; i < effects.count; i++)
        assert_int_equal(effects.list[i].kind, kinds[i]);
    const struct msg_effect *const list = effects.list;
    assert_int_equal(list[0].table, 3);
    assert_true(msg_span_equal(msg_effects_key(&effects, &list[0]), msg_record_key_span(&key)));
    assert_int_equal(msg_codec_decode(msg_effects_bytes(&effects, &list[0]), &kind, &any),
                     CONCLAVE_OK);
    assert_int_equal(kind, MSG_LOGOUT);
    assert_int_equal(any.MSG_ANY_LOGOUT.req, 9);
    assert_int_equal(list[1].table, 4);
    assert_true(msg_span_equal(msg_effects_key(&effects, &list[1]), msg_record_key_span(&key)));
    assert_int_equal(list[2].id, 5);
    assert_int_equal(list[3].id, 6);
    assert_int_equal(msg_codec_decode(msg_effects_bytes(&effects, &list[3]), &kind, &any),
                     CONCLAVE_OK);
    assert_int_equal(kind, MSG_DONE);
    assert_true(msg_span_equal(msg_effects_bytes(&effects, &list[4]), msg_span("raw", 3)));
    assert_int_equal(msg_flat_get(msg_effects_bytes(&effects, &list[5]), &any), MSG_CMD_DEVICES);
    assert_int_equal(any.MSG_ANY_CMD_DEVICES.req, 9);
    assert_int_equal(list[6].id, 100);
    assert_int_equal(list[7].id, 8);
    assert_memory_equal(&list[7].key, &pub, sizeof pub);
    assert_true(msg_span_equal(msg_effects_bytes(&effects, &list[7]), msg_span("host:1", 6)));
    assert_int_equal(list[8].id, 8);
    assert_memory_equal(&list[9].key, &pub, sizeof pub);
    assert_memory_equal(&list[10].key, &pub, sizeof pub);
    assert_int_equal(list[11].id, MSG_LOG_WARN);
    assert_true(
        msg_span_equal(msg_effects_bytes(&effects, &list[11]), msg_span("ID number=5", 11)));
    msg_effects_clear(&effects);
    assert_int_equal(effects.count, 0);
    assert_int_equal(effects.arena.len, 0);
    assert_true(effects.arena.cap > 0); /* the memory stays */
    msg_effects_wipe(&effects);
    assert_null(effects.list);
    assert_null(effects.arena.at);
}

static void
many_and_large_effects_keep_their_bytes_while_the_arena_grows(void **unused)
{
    (void)unused;
    static char text[MSG_TEXT_MAX];
    struct msg_effects effects;
    memset(text, 't', sizeof text);
    msg_effects_init(&effects);
    for (unsigned turn = 0; turn < 2; turn++) {
        for (uint64_t i = 1; i <= 500; i++) {
            const struct msg_say say = {.id = {{(uint8_t)i}}, .text = {text, i * 97 % sizeof text + 1}};
            msg_effects_send(&effects, i, MSG_SAY, &say);
        }
        assert_int_equal(effects.count, 500);
        for (uint64_t i = 1; i <= 500; i++) {
            enum msg_kind kind;
            union msg_any any;
            const struct msg_effect *const effect = &effects.list[i - 1];
            assert_int_equal(effect->id, i);
            assert_int_equal(msg_codec_decode(msg_effects_bytes(&effects, effect), &kind, &any),
                             CONCLAVE_OK);
            assert_int_equal(any.MSG_ANY_SAY.id.at[0], (uint8_t)i);
            assert_int_equal(any.MSG_ANY_SAY.text.len, i * 97 % sizeof text + 1);
        }
        msg_effects_clear(&effects);
    }
    msg_effects_wipe(&effects);
}

static void
a_message_that_no_socket_takes_is_logged_instead_of_sent(void **unused)
{
    (void)unused;
    static uint8_t items[1u << 18];
    static char endpoint[MSG_ENDPOINT_MAX];
    memset(endpoint, 'e', sizeof endpoint);
    struct msg_effects effects;
    struct msg_buf inner = {items, 0, 1u << 16};
    struct msg_buf outer = {items + (1u << 16), 0, sizeof items - (1u << 16)};
    struct msg_list endpoints = {0};
    struct msg_introduced introduced = {.req = 1};
    const struct msg_address address = {{endpoint, sizeof endpoint}};
    for (unsigned i = 0; i < MSG_ENDPOINT_COUNT; i++)
        assert_int_equal(msg_codec_append(&inner, &endpoints, MSG_ADDRESS, &address), CONCLAVE_OK);
    const struct msg_device_card card = {msg_span(endpoint, 200), true, endpoints};
    for (unsigned i = 0; i < MSG_DEVICE_COUNT; i++)
        assert_int_equal(msg_codec_append(&outer, &introduced.devices, MSG_DEVICE_CARD, &card),
                         CONCLAVE_OK);
    msg_effects_init(&effects);
    msg_effects_send(&effects, 1, MSG_INTRODUCED, &introduced);
    assert_int_equal(effects.count, 1);
    assert_int_equal(effects.list[0].kind, EFFECT_LOG);
    assert_int_equal(effects.list[0].id, MSG_LOG_ERROR);
    msg_effects_wipe(&effects);
}

static void
a_log_line_too_long_is_cut(void **unused)
{
    (void)unused;
    struct msg_effects effects;
    msg_effects_init(&effects);
    msg_effects_log(&effects, MSG_LOG_INFO, "%5000d", 1);
    assert_int_equal(effects.list[0].len, 1023);
    msg_effects_wipe(&effects);
}

static void
record_keys_sort_as_their_numbers_and_read_back(void **unused)
{
    (void)unused;
    const uint64_t numbers[] = {0,     1,          255,        256,       65535,
                                65536, UINT32_MAX, 1ull << 32, INT64_MAX, UINT64_MAX};
    const size_t count = sizeof numbers / sizeof numbers[0];
    for (size_t i = 0; i < count; i++) {
        const struct msg_record_key key = msg_record_key3(numbers[i], numbers[count - 1 - i], 7);
        assert_int_equal(key.len, 24);
        assert_true(msg_record_key_u64(msg_record_key_span(&key), 0) == numbers[i]);
        assert_true(msg_record_key_u64(msg_record_key_span(&key), 1) == numbers[count - 1 - i]);
        assert_int_equal(msg_record_key_u64(msg_record_key_span(&key), 2), 7);
        assert_int_equal(msg_record_key_u64(msg_record_key_span(&key), 3), 0);
        assert_int_equal(msg_record_key_u64(msg_record_key_span(&key), SIZE_MAX), 0);
        assert_int_equal(msg_record_key_u64(msg_span(key.at, 15), 1), 0);
        if (i > 0) {
            const struct msg_record_key before = msg_record_key1(numbers[i - 1]);
            assert_true(memcmp(before.at, key.at, 8) < 0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects_come_back_in_order_with_what_they_carry),
        cmocka_unit_test(many_and_large_effects_keep_their_bytes_while_the_arena_grows),
        cmocka_unit_test(a_message_that_no_socket_takes_is_logged_instead_of_sent),
        cmocka_unit_test(a_log_line_too_long_is_cut),
        cmocka_unit_test(record_keys_sort_as_their_numbers_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
