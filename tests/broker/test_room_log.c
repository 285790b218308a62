/* Claims about broker/tables/room_log and broker/rooms/log_sweep: offsets, what is kept and
 * for how long, and what is found again after a restart. */
#include "tests/broker/posts_world.h"

static struct broker_front_settings settings;

static int
log_setup(void **state)
{
    posts_setup(state);
    settings = reg.settings;
    return 0;
}

#define LOG_CASE(name) cmocka_unit_test_setup_teardown(name, log_setup, world_teardown)

static struct broker_room_log
loaded(void)
{
    const struct broker_view view = fake_store_view(reg.store);
    struct broker_room_log log = {.loaded = false};

    broker_room_log_load(&log, &view, &LOBBY, 0);
    return log;
}

static uint64_t
last_of_log(uint64_t *bytes)
{
    const struct broker_view view = fake_store_view(reg.store);
    struct msg_rec_room_frame record;
    uint64_t offset = 0;

    *bytes = 0;
    while (broker_room_log_next(&view, &LOBBY, offset, &offset, &record))
        *bytes += record.frame.len;
    return offset;
}

static void
the_log_is_found_as_it_was_without_walking_it(void **state)
{
    (void)state;
    uint64_t number = 1, bytes;

    for (unsigned run = 0; run < 3; run++) {
        for (unsigned i = 0; i < 1u << (2 * run); i++)
            post_one(&alice, number++);
        const struct broker_room_log log = loaded();
        assert_int_equal(log.last, last_of_log(&bytes));
        assert_int_equal(log.frames - log.gone_frames, kept());
        assert_int_equal(log.bytes - log.gone_bytes, bytes);
        fake_registry_crash(&reg);
        assert_true(fake_enter(&reg, &alice));
    }
}

static void
an_empty_log_stands_where_the_roster_says(void **state)
{
    (void)state;
    const struct broker_view view = fake_store_view(reg.store);
    struct broker_room_log log = {.loaded = false};

    broker_room_log_load(&log, &view, &LOBBY, 77);
    assert_int_equal(log.last, 77);
    assert_int_equal(log.first, 0);
    assert_int_equal(broker_room_log_give(&log, 5, 0, 10), 78);
    assert_int_equal(broker_room_log_give(&log, 1000, 0, 10), 1000);
    assert_int_equal(log.first, 78);
}

static void
more_frames_than_are_kept_push_out_the_oldest(void **state)
{
    (void)state;
    settings.log_frames = 5;
    broker_front_core_set(reg.core, &settings);
    for (uint64_t n = 1; n <= 20; n++) {
        post_one(&alice, n);
        assert_true(kept() <= 6);
    }
    assert_int_equal(kept(), 5);
    read_from(&bob, 0);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_ROOM_LOG, 0, &any));
    struct msg_list frames = any.MSG_ANY_ROOM_LOG.frames;
    assert_true(msg_codec_next(&frames, MSG_LOGGED, &logged));
    assert_int_equal(opened(logged.frame).first, 16);
    assert_int_equal(logged.offset, any.MSG_ANY_ROOM_LOG.first);
    assert_int_equal(loaded().frames - loaded().gone_frames, 5);
}

/* A restart leaves a hole in the offsets. */
static void
where_many_are_kept_they_go_in_runs_and_the_counts_hold(void **state)
{
    (void)state;
    const uint64_t most = 64 * BROKER_ROOM_LOG_TRIM;
    uint64_t number = 1, bytes;

    settings.log_frames = most;
    broker_front_core_set(reg.core, &settings);
    for (unsigned run = 0; run < 3; run++) {
        for (uint64_t i = 0; i < most - 5; i++) {
            post_one(&alice, number++);
            assert_true(kept() < most + BROKER_ROOM_LOG_TRIM);
        }
        const struct broker_room_log log = loaded();
        assert_in_range(kept(), most - 5, most + BROKER_ROOM_LOG_TRIM - 1);
        assert_int_equal(log.last, last_of_log(&bytes));
        assert_int_equal(log.frames - log.gone_frames, kept());
        assert_int_equal(log.bytes - log.gone_bytes, bytes);
        fake_registry_crash(&reg);
        broker_front_core_set(reg.core, &settings);
        assert_true(fake_enter(&reg, &alice));
    }
}

static void
more_bytes_than_are_kept_push_out_the_oldest(void **state)
{
    (void)state;
    uint64_t bytes;

    settings.log_bytes = 3000;
    broker_front_core_set(reg.core, &settings);
    for (uint64_t n = 1; n <= 50; n++)
        post_one(&alice, n);
    (void)last_of_log(&bytes);
    assert_in_range(bytes, 2000, 3000);
}

static void
a_lowered_limit_takes_effect_a_few_frames_with_each_post(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 50; n++)
        post_one(&alice, n);
    settings.log_frames = 10;
    broker_front_core_set(reg.core, &settings);
    post_one(&alice, 51);
    assert_int_equal(kept(), 51 - BROKER_ROOM_LOG_TRIM);
    for (uint64_t n = 52; n <= 70; n++)
        post_one(&alice, n);
    assert_int_equal(kept(), 10);
}

static void
old_frames_go_also_where_nobody_posts_but_never_the_last_one(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 200; n++)
        post_one(&alice, n);
    const uint64_t last = loaded().last;
    fake_registry_pass(&reg, settings.log_ms - 86400000);
    assert_int_equal(kept(), 200);
    fake_registry_pass(&reg, 2 * 86400000ull);
    assert_int_equal(kept(), 1);
    assert_int_equal(loaded().last, last);
}

static void
the_log_of_a_room_that_is_gone_goes_also_over_crashes(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 200; n++)
        post_one(&alice, n);
    DO(act(&alice, MSG_ACT_DELETE, NULL));
    assert_int_equal(kept(), 200);
    for (unsigned i = 0; i < 10 && kept() > 0; i++) {
        const size_t before = kept();
        fake_registry_crash(&reg);
        fake_registry_pass(&reg, 1000); /* one look */
        assert_in_range(before - kept(), 1, BROKER_ROOM_LOG_SWEEP);
    }
    assert_int_equal(kept(), 0);
}

static void
the_log_of_a_room_that_is_there_is_not_touched(void **state)
{
    (void)state;
    const struct msg_id den = {{'d', 'e', 'n'}};

    DO(create(&alice, &den, "#den", 0, ""));
    for (uint64_t n = 1; n <= 20; n++)
        post_one(&alice, n);
    DO(hand_in(&alice, &(struct msg_room_op){.room = den, .act = MSG_ACT_DELETE, .account = alice.account,
                                             .device = alice.device, .seen = 1,
                                             .seen_head = an_op(&alice, &den, MSG_ACT_DELETE, NULL).seen_head,
                                             .ts_ms = 9},
               ""));
    fake_registry_pass(&reg, 7200000);
    assert_int_equal(kept(), 20);
}

/* What those who watch are told of the logs. */
static struct broker_front_gauges
gauges_of(void)
{
    struct broker_front_gauges gauges;

    broker_front_core_gauges(reg.core, reg.now, &gauges);
    return gauges;
}

static void
all_logs_are_counted_soon_after_a_start_used_or_not(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 20; n++)
        post_one(&alice, n);
    fake_registry_pass(&reg, 5000);
    const struct broker_front_gauges before = gauges_of();
    assert_int_equal(before.log_frames, 20);
    assert_true(before.log_counted);
    assert_true(before.log_bytes >= 20 * 100);
    fake_registry_crash(&reg);
    assert_false(gauges_of().log_counted);
    fake_registry_pass(&reg, 2000);
    const struct broker_front_gauges after = gauges_of();
    assert_true(after.log_counted);
    assert_int_equal(after.log_frames, 20);
    assert_int_equal(after.log_bytes, before.log_bytes);
    assert_int_equal(after.log_oldest_ms, before.log_oldest_ms + 2000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_CASE(the_log_is_found_as_it_was_without_walking_it),
        LOG_CASE(an_empty_log_stands_where_the_roster_says),
        LOG_CASE(more_frames_than_are_kept_push_out_the_oldest),
        LOG_CASE(where_many_are_kept_they_go_in_runs_and_the_counts_hold),
        LOG_CASE(more_bytes_than_are_kept_push_out_the_oldest),
        LOG_CASE(a_lowered_limit_takes_effect_a_few_frames_with_each_post),
        LOG_CASE(old_frames_go_also_where_nobody_posts_but_never_the_last_one),
        LOG_CASE(the_log_of_a_room_that_is_gone_goes_also_over_crashes),
        LOG_CASE(the_log_of_a_room_that_is_there_is_not_touched),
        LOG_CASE(all_logs_are_counted_soon_after_a_start_used_or_not),
    };

    return cmocka_run_group_tests_name("broker/tables/room_log", tests, NULL, NULL);
}
