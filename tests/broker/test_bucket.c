/* Claims about broker/tables/bucket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/tables/bucket.h"

static void
a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    const struct broker_rate rate = {10, 4, 1000};
    struct broker_bucket bucket = {0};

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(broker_bucket_take(&bucket, &rate, 5000), 0);
    const uint64_t wait_ms = broker_bucket_take(&bucket, &rate, 5000);
    assert_true(wait_ms >= 250 && wait_ms <= 251);
    assert_int_not_equal(broker_bucket_take(&bucket, &rate, 5100), 0);
    assert_int_equal(broker_bucket_take(&bucket, &rate, 5000 + wait_ms), 0);
    assert_int_not_equal(broker_bucket_take(&bucket, &rate, 5000 + wait_ms), 0);
}

static void
time_in_small_pieces_counts_as_much_as_in_one(void **state)
{
    const struct broker_rate rate = {1, 1, 3600000};
    struct broker_bucket bucket = {0};
    uint64_t now_ms = 1000;

    (void)state;
    assert_int_equal(broker_bucket_take(&bucket, &rate, now_ms), 0);
    for (int i = 0; i < 3600; i++)
        assert_int_not_equal(broker_bucket_take(&bucket, &rate, now_ms += 999), 0);
    assert_int_equal(broker_bucket_take(&bucket, &rate, now_ms + 3605000 - 3600u * 999u), 0);
}

static void
a_full_bucket_holds_no_more_than_its_burst(void **state)
{
    const struct broker_rate rate = {3, 1000000, 1};
    struct broker_bucket bucket = {0};
    int taken = 0;

    (void)state;
    assert_int_equal(broker_bucket_take(&bucket, &rate, 1), 0);
    while (taken < 10 && broker_bucket_take(&bucket, &rate, UINT64_MAX) == 0)
        taken++;
    assert_int_equal(taken, 3);
}

static void
many_tokens_are_taken_together_or_not_at_all(void **state)
{
    const struct broker_rate rate = {100, 10, 1000};
    struct broker_bucket bucket = {0};

    (void)state;
    assert_int_equal(broker_bucket_take_many(&bucket, &rate, 60, 5000), 0);
    const uint64_t wait_ms = broker_bucket_take_many(&bucket, &rate, 60, 5000);
    assert_true(wait_ms >= 2000 && wait_ms <= 2001);
    assert_int_equal(broker_bucket_take_many(&bucket, &rate, 40, 5000), 0);
    /* More than there ever are go when all are there. */
    assert_int_not_equal(broker_bucket_take_many(&bucket, &rate, 101, 14000), 0);
    assert_int_equal(broker_bucket_take_many(&bucket, &rate, 101, 15001), 0);
    assert_int_not_equal(broker_bucket_take(&bucket, &rate, 15001), 0);
}

static void
expect_group(const char *source, const char *wanted)
{
    char group[BROKER_SOURCE_MAX + 1];

    broker_source_group(group, sizeof group, msg_text(source));
    assert_string_equal(group, wanted);
}

static void
one_source_is_an_ipv4_address_or_a_slash_64(void **state)
{
    (void)state;
    expect_group("192.0.2.1", "192.0.2.1");
    expect_group("::ffff:192.0.2.1", "192.0.2.1");
    expect_group("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
    expect_group("2001:db8:1:2::9", "2001:db8:1:2::");
    expect_group("fe80::1%eth0", "fe80::");
    expect_group("", "");
    expect_group("not: an address", "not: an address");
}

static void
whoever_spent_least_makes_room_for_a_new_source(void **state)
{
    const struct broker_rate rate = {2, 1, 3600000};
    struct broker_buckets buckets;
    char source[32];

    (void)state;
    assert_true(broker_buckets_init(&buckets, 1, 7));
    /* One that is over its limit, and more light ones than there is room for. */
    assert_int_equal(broker_buckets_take(&buckets, &rate, msg_text("heavy"), 1000), 0);
    assert_int_equal(broker_buckets_take(&buckets, &rate, msg_text("heavy"), 1000), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(source, sizeof source, "10.0.0.%d", i);
        assert_int_equal(broker_buckets_take(&buckets, &rate, msg_text(source), 1000), 0);
    }
    assert_int_not_equal(broker_buckets_take(&buckets, &rate, msg_text("heavy"), 1000), 0);
    broker_buckets_wipe(&buckets);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(time_in_small_pieces_counts_as_much_as_in_one),
        cmocka_unit_test(a_full_bucket_holds_no_more_than_its_burst),
        cmocka_unit_test(many_tokens_are_taken_together_or_not_at_all),
        cmocka_unit_test(one_source_is_an_ipv4_address_or_a_slash_64),
        cmocka_unit_test(whoever_spent_least_makes_room_for_a_new_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
