/* Claims about broker/tables/sessions: finding them, their leases, their endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/tables/sessions.h"
#include "msg/codec.h"

static struct msg_box_pub
key_of(uint32_t n)
{
    struct msg_box_pub key = {{0}};

    memcpy(key.at, &n, sizeof n);
    return key;
}

static void
ten_thousand_are_found_by_key_and_connection(void **state)
{
    struct broker_sessions sessions;

    (void)state;
    assert_true(broker_sessions_init(&sessions, 10000, 45000, 7));
    for (uint32_t i = 0; i < 10000; i++) {
        const struct msg_box_pub key = key_of(i);
        assert_int_equal(broker_sessions_add(&sessions, &key, 5 + i), i);
    }
    const struct msg_box_pub none = key_of(10000);
    assert_int_equal(broker_sessions_add(&sessions, &none, 1), BROKER_NONE);
    for (uint32_t i = 0; i < 10000; i++) {
        const struct msg_box_pub key = key_of(i);
        assert_int_equal(broker_sessions_by_key(&sessions, &key), i);
        assert_int_equal(broker_sessions_by_conn(&sessions, 5 + i), i);
    }
    assert_int_equal(broker_sessions_by_key(&sessions, &none), BROKER_NONE);
    broker_sessions_move(&sessions, 3, 77777);
    assert_int_equal(broker_sessions_by_conn(&sessions, 77777), 3);
    assert_int_equal(broker_sessions_by_conn(&sessions, 8), BROKER_NONE);
    broker_sessions_remove(&sessions, 3);
    assert_int_equal(broker_sessions_by_conn(&sessions, 77777), BROKER_NONE);
    assert_int_equal(broker_sessions_add(&sessions, &none, 1), 3);
    broker_sessions_wipe(&sessions);
}

static void
leases_end_with_silence_alone(void **state)
{
    struct broker_sessions sessions;
    const struct msg_box_pub one = key_of(1), two = key_of(2);
    uint64_t now_ms = 1000000;

    (void)state;
    assert_true(broker_sessions_init(&sessions, 4, 45000, 7));
    assert_int_equal(broker_sessions_expired(&sessions, now_ms, 45000), BROKER_NONE);
    const uint32_t loud = broker_sessions_add(&sessions, &one, 11);
    const uint32_t quiet = broker_sessions_add(&sessions, &two, 12);
    broker_sessions_heard(&sessions, loud, now_ms, 45000);
    broker_sessions_heard(&sessions, quiet, now_ms, 45000);
    for (int i = 0; i < 44; i++) {
        now_ms += 1000;
        broker_sessions_heard(&sessions, loud, now_ms, 45000);
        assert_int_equal(broker_sessions_expired(&sessions, now_ms, 45000), BROKER_NONE);
    }
    now_ms += 1400;
    assert_int_equal(broker_sessions_expired(&sessions, now_ms, 45000), quiet);
    broker_sessions_remove(&sessions, quiet);
    assert_int_equal(broker_sessions_expired(&sessions, now_ms, 45000), BROKER_NONE);
    assert_int_equal(broker_sessions_expired(&sessions, now_ms + 46000, 45000), loud);
    broker_sessions_wipe(&sessions);
}

static struct msg_list
addresses_of(struct msg_buf *buf, const char *const *texts, size_t count)
{
    struct msg_list list = {0};

    for (size_t i = 0; i < count; i++) {
        const struct msg_address address = {msg_text(texts[i])};
        assert_int_equal(msg_codec_append(buf, &list, MSG_ADDRESS, &address), CONCLAVE_OK);
    }
    return list;
}

static void
the_observed_endpoint_comes_first_and_none_comes_twice(void **state)
{
    static const char *const texts[] = {"10.0.0.1:5", "192.0.2.1:7000", "[2001:db8::1]:6", "10.0.0.1:5"};
    static const char *const wanted[] = {"192.0.2.1:7000", "10.0.0.1:5", "[2001:db8::1]:6"};
    uint8_t bytes[512];
    struct msg_buf buf = {bytes, 0, sizeof bytes};
    struct msg_login login = {.req = 1, .port = 7000, .status = MSG_STATUS_ONLINE};
    struct broker_reach reach;
    struct msg_text endpoint;
    size_t at = 0, count = 0;

    (void)state;
    login.addresses = addresses_of(&buf, texts, 4);
    assert_int_equal(broker_reach_set(&reach, &login, msg_text("::ffff:192.0.2.1")), CONCLAVE_OK);
    assert_string_equal(reach.observed, "192.0.2.1");
    while (broker_reach_next(&reach, &at, &endpoint)) {
        assert_int_equal(endpoint.len, strlen(wanted[count]));
        assert_memory_equal(endpoint.at, wanted[count], endpoint.len);
        count++;
    }
    assert_int_equal(count, 3);
    assert_int_equal(reach.count, 3);
}

static void
endpoints_that_do_not_fit_are_left_out(void **state)
{
    char names[8][MSG_HOST_MAX + 8];
    const char *texts[8];
    uint8_t bytes[4096];
    struct msg_buf buf = {bytes, 0, sizeof bytes};
    struct msg_login login = {.req = 1, .port = 7000, .status = MSG_STATUS_ONLINE};
    struct broker_reach reach;
    struct msg_text endpoint;
    size_t at = 0, count = 0;

    (void)state;
    for (int i = 0; i < 8; i++) {
        memset(names[i], 'a', 60);
        snprintf(names[i] + 60, sizeof names[i] - 60, ".b%d.example:5", i);
        texts[i] = names[i];
    }
    login.addresses = addresses_of(&buf, texts, 8);
    assert_int_equal(broker_reach_set(&reach, &login, msg_text("192.0.2.1")), CONCLAVE_OK);
    while (broker_reach_next(&reach, &at, &endpoint))
        count++;
    assert_int_equal(count, reach.count);
    assert_true(count >= 5 && count < 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_are_found_by_key_and_connection),
        cmocka_unit_test(leases_end_with_silence_alone),
        cmocka_unit_test(the_observed_endpoint_comes_first_and_none_comes_twice),
        cmocka_unit_test(endpoints_that_do_not_fit_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
