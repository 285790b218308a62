/* tools/stress/record and pace: latencies in little memory, and what a stall
 * does to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/stress/pace.h"
#include "tools/stress/record.h"

#define MS 1000000u

static struct stress_record record;

static int
reset(void **state)
{
    (void)state;
    record = (struct stress_record){0};
    return 0;
}

static void
near(uint64_t got, uint64_t wanted)
{
    assert_true(got >= wanted);
    assert_true(got <= wanted + wanted / 64);
}

static void
nothing_recorded_is_nought(void **state)
{
    (void)state;
    assert_int_equal(stress_record_quantile(&record, 0.5), 0);
    assert_int_equal(record.max_ns, 0);
}

static void
quantiles_are_right_within_a_sixty_fourth(void **state)
{
    (void)state;
    for (uint64_t us = 1; us <= 10000; us++)
        stress_record_add(&record, us * 1000);
    near(stress_record_quantile(&record, 0.5), 5000000);
    near(stress_record_quantile(&record, 0.99), 9900000);
    near(stress_record_quantile(&record, 0.999), 9990000);
    assert_int_equal(stress_record_quantile(&record, 1), 10000000);
    assert_int_equal(record.max_ns, 10000000);
    assert_int_equal(record.count, 10000);
}

static void
every_value_has_a_bucket_and_small_ones_are_exact(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (int less = 0; less < 2; less++) {
            const uint64_t value = ((uint64_t)1 << bit) - (uint64_t)less;
            record = (struct stress_record){0};
            stress_record_add(&record, value);
            assert_int_equal(record.max_ns, value);
            if (value >> STRESS_RECORD_BITS == 0)
                assert_int_equal(stress_record_quantile(&record, 0.5), value); /* no more than the greatest */
            stress_record_add(&record, UINT64_MAX);
            if (value < 128)
                assert_int_equal(stress_record_quantile(&record, 0.5), value);
            else if (value >> STRESS_RECORD_BITS == 0)
                near(stress_record_quantile(&record, 0.5), value);
        }
}

static void
merged_and_subtracted_records_are_what_they_would_have_been(void **state)
{
    static struct stress_record before, more, since;

    (void)state;
    stress_record_add(&record, 100 * MS);
    before = record;
    stress_record_add(&more, 3 * MS);
    stress_record_add(&more, 5 * MS);
    stress_record_merge(&record, &more);
    assert_int_equal(record.count, 3);
    assert_int_equal(record.max_ns, 100 * MS);
    stress_record_since(&since, &record, &before);
    assert_int_equal(since.count, 2);
    near(since.max_ns, 5 * MS);
    near(stress_record_quantile(&since, 0.5), 3 * MS);
}

/* One each millisecond for a second; each is heard at once, but from 400 to
 * 500 ms nothing moves at all. */
static void
a_stall_is_felt_by_all_that_it_holds_up(void **state)
{
    struct stress_pace pace;

    (void)state;
    stress_pace_start(&pace, 0, 1000, 0);
    for (uint64_t now = 0; now <= 1000 * MS; now += now == 400 * MS ? 100 * MS : MS / 10)
        for (; stress_pace_next_ns(&pace) <= now; pace.done++)
            stress_record_arrival(&record, stress_pace_next_ns(&pace), now);
    assert_int_equal(record.count, 1001);
    near(record.max_ns, 99 * MS);
    assert_true(stress_record_quantile(&record, 0.5) < MS);
    assert_in_range(stress_record_quantile(&record, 0.95), 48 * MS, 52 * MS); /* not one in a thousand, but one in ten */
    assert_in_range(stress_record_quantile(&record, 0.99), 88 * MS, 92 * MS);
}

static void
what_arrives_before_its_time_took_none(void **state)
{
    (void)state;
    stress_record_arrival(&record, 5, 3);
    assert_int_equal(record.max_ns, 0);
    assert_int_equal(record.count, 1);
}

static void
a_pace_keeps_its_rate_and_phase_over_a_long_time(void **state)
{
    struct stress_pace pace;

    (void)state;
    stress_pace_start(&pace, 7, 3, 0.5);
    assert_int_equal(stress_pace_next_ns(&pace), 7 + 166666666);
    pace.done = 3ull * 86400;
    assert_int_equal(stress_pace_next_ns(&pace), 7 + 86400ull * 1000 * MS + 166666666);
}

static void
the_same_seed_chooses_the_same(void **state)
{
    uint64_t one = 5, same = 5, other = 6, differ = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        const uint64_t x = stress_pace_random(&one);
        assert_true(x == stress_pace_random(&same));
        differ += x != stress_pace_random(&other);
    }
    assert_int_equal(differ, 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_recorded_is_nought, reset),
        cmocka_unit_test_setup(quantiles_are_right_within_a_sixty_fourth, reset),
        cmocka_unit_test_setup(every_value_has_a_bucket_and_small_ones_are_exact, reset),
        cmocka_unit_test_setup(merged_and_subtracted_records_are_what_they_would_have_been, reset),
        cmocka_unit_test_setup(a_stall_is_felt_by_all_that_it_holds_up, reset),
        cmocka_unit_test_setup(what_arrives_before_its_time_took_none, reset),
        cmocka_unit_test_setup(a_pace_keeps_its_rate_and_phase_over_a_long_time, reset),
        cmocka_unit_test_setup(the_same_seed_chooses_the_same, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
