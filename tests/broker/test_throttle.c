/* Claims about broker/tables/throttle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/tables/throttle.h"

static const struct broker_throttle_rule rule = {3, 10000, 900000};
static struct broker_throttle throttle;

static int
setup(void **state)
{
    (void)state;
    assert_true(broker_throttle_init(&throttle, 7));
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    broker_throttle_wipe(&throttle);
    return 0;
}

static void
fail_once(uint64_t tag, uint64_t now_ms)
{
    uint64_t retry_ms;

    assert_int_equal(broker_throttle_begin(&throttle, &rule, tag, now_ms, &retry_ms), CONCLAVE_OK);
    broker_throttle_failed(&throttle, &rule, tag, now_ms);
}

static uint64_t
blocked_ms(uint64_t tag, uint64_t now_ms)
{
    uint64_t retry_ms;

    if (broker_throttle_begin(&throttle, &rule, tag, now_ms, &retry_ms) == CONCLAVE_OK)
        broker_throttle_let_go(&throttle, tag);
    return retry_ms;
}

static void
the_block_doubles_up_to_its_longest(void **state)
{
    const uint64_t tag = broker_throttle_tag(&throttle, msg_text("alice"), msg_text("192.0.2.1"));
    uint64_t now_ms = 1000, wanted_ms = 10000;

    (void)state;
    fail_once(tag, now_ms);
    fail_once(tag, now_ms);
    assert_int_equal(blocked_ms(tag, now_ms), 0);
    for (int i = 0; i < 12; i++) {
        fail_once(tag, now_ms);
        assert_int_equal(blocked_ms(tag, now_ms), wanted_ms);
        assert_int_equal(blocked_ms(tag, now_ms + wanted_ms - 1), 1);
        now_ms += wanted_ms;
        wanted_ms = wanted_ms * 2 < 900000 ? wanted_ms * 2 : 900000;
    }
}

static void
success_clears_and_so_does_time(void **state)
{
    const uint64_t tag = broker_throttle_tag(&throttle, msg_text("alice"), msg_text("192.0.2.1"));
    uint64_t retry_ms;

    (void)state;
    fail_once(tag, 1000);
    fail_once(tag, 1000);
    assert_int_equal(broker_throttle_begin(&throttle, &rule, tag, 1000, &retry_ms), CONCLAVE_OK);
    broker_throttle_passed(&throttle, tag);
    fail_once(tag, 1000);
    fail_once(tag, 1000);
    assert_int_equal(blocked_ms(tag, 1000), 0);
    fail_once(tag, 1000);
    assert_int_equal(blocked_ms(tag, 1000), 10000);
    fail_once(tag, 1000 + 10000 + 1900000);
    assert_int_equal(blocked_ms(tag, 1000 + 10000 + 1900000), 0);
}

static void
attempts_under_way_count_as_failures_until_they_end(void **state)
{
    const uint64_t tag = broker_throttle_tag(&throttle, msg_text("alice"), msg_text("192.0.2.1"));
    uint64_t retry_ms;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(broker_throttle_begin(&throttle, &rule, tag, 1000, &retry_ms), CONCLAVE_OK);
    assert_int_equal(broker_throttle_begin(&throttle, &rule, tag, 1000, &retry_ms), CONCLAVE_ERR_BUSY);
    broker_throttle_let_go(&throttle, tag);
    assert_int_equal(broker_throttle_begin(&throttle, &rule, tag, 1000, &retry_ms), CONCLAVE_OK);
}

static void
after_a_block_there_is_one_attempt_at_a_time(void **state)
{
    const uint64_t tag = broker_throttle_tag(&throttle, msg_text("alice"), msg_text("192.0.2.1"));
    uint64_t retry_ms;

    (void)state;
    for (int i = 0; i < 3; i++)
        fail_once(tag, 1000);
    assert_int_equal(broker_throttle_begin(&throttle, &rule, tag, 11000, &retry_ms), CONCLAVE_OK);
    assert_int_equal(broker_throttle_begin(&throttle, &rule, tag, 11000, &retry_ms), CONCLAVE_ERR_BUSY);
}

static void
names_and_sources_do_not_run_into_each_other(void **state)
{
    (void)state;
    assert_true(broker_throttle_tag(&throttle, msg_text("alice1"), msg_text("92.0.2.1"))
                != broker_throttle_tag(&throttle, msg_text("alice"), msg_text("192.0.2.1")));
    assert_true(broker_throttle_tag(&throttle, msg_text("alice"), msg_text(""))
                != broker_throttle_tag(&throttle, msg_text("alice"), msg_text("192.0.2.1")));
    assert_true(broker_throttle_tag(&throttle, msg_text("alice"), msg_text("2001:db8::1"))
                == broker_throttle_tag(&throttle, msg_text("alice"), msg_text("2001:db8::2")));
}

static void
other_failures_without_end_do_not_lift_a_fresh_block(void **state)
{
    const uint64_t tag = broker_throttle_tag(&throttle, msg_text("alice"), msg_text("192.0.2.1"));
    char name[32];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "user%d", i);
        fail_once(broker_throttle_tag(&throttle, msg_text(name), msg_text("192.0.2.1")), 1000);
    }
    for (int i = 0; i < 3; i++)
        fail_once(tag, 2000);
    for (int i = 5000; i < 8000; i++) {
        snprintf(name, sizeof name, "user%d", i);
        fail_once(broker_throttle_tag(&throttle, msg_text(name), msg_text("192.0.2.1")), 2001);
    }
    assert_int_not_equal(blocked_ms(tag, 2002), 0);
}

static void
eight_bad_frames_are_one_too_many_and_connections_are_counted_apart(void **state)
{
    struct broker_strikes strikes;

    (void)state;
    assert_true(broker_strikes_init(&strikes, 7));
    for (uint64_t conn = 1; conn <= 100; conn++)
        for (int i = 0; i < 7; i++)
            assert_false(broker_strikes_add(&strikes, conn, BROKER_STRIKE_BAD));
    assert_true(broker_strikes_add(&strikes, 50, BROKER_STRIKE_BAD));
    assert_false(broker_strikes_add(&strikes, 50, BROKER_STRIKE_BAD));
    broker_strikes_clear(&strikes, 51);
    assert_false(broker_strikes_add(&strikes, 51, BROKER_STRIKE_BAD));
    broker_strikes_wipe(&strikes);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_block_doubles_up_to_its_longest),
        CASE(success_clears_and_so_does_time),
        CASE(attempts_under_way_count_as_failures_until_they_end),
        CASE(after_a_block_there_is_one_attempt_at_a_time),
        CASE(names_and_sources_do_not_run_into_each_other),
        CASE(other_failures_without_end_do_not_lift_a_fresh_block),
        CASE(eight_bad_frames_are_one_too_many_and_connections_are_counted_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
