/* Proves tools/top/model.c. */
#include "tests/top/samples.h"

static void
three_intervals_without_a_sample_are_not_live(void **state)
{
    (void)state;
    assert_false(top_model_is_live(model, 500));
    sample_end(); /* at 1000 ms */
    assert_true(top_model_is_live(model, 1000));
    assert_true(top_model_is_ready(model, 4000));
    assert_false(top_model_is_live(model, 4001));
    assert_false(top_model_is_ready(model, 4001));
    assert_string_equal(top_model_reason(model, 4001), "No sample has come for three intervals.");
}

static void
the_welcome_says_how_long_an_interval_is_before_the_first_sample(void **state)
{
    const struct msg_monitor_welcome welcome = {5000};

    (void)state;
    hear(MSG_MONITOR_WELCOME, &welcome, 10);
    assert_int_equal(model->interval_ms, 5000);
    assert_int_equal(model->samples, 0);
    assert_false(top_model_hears(model, 10)); /* it is no sample */
    sample.interval_ms = 2000;
    sample_end();
    assert_int_equal(model->interval_ms, 2000);
}

static void
it_believes_a_registry_that_says_that_it_is_not_ready(void **state)
{
    (void)state;
    sample.ready = false;
    sample.reason = msg_text("The store cannot be written; see the log.");
    sample_end();
    assert_true(top_model_is_live(model, 1000));
    assert_false(top_model_is_ready(model, 1000));
    assert_string_equal(top_model_reason(model, 1000), "The store cannot be written; see the log.");
    sample_begin(2);
    sample.live = false;
    sample_end();
    assert_false(top_model_is_live(model, 2000));
    assert_false(top_model_is_ready(model, 2000));
}

static void
samples_that_did_not_come_are_counted_and_a_new_start_is_none(void **state)
{
    (void)state;
    sample_end();
    sample_begin(2);
    sample_end();
    assert_int_equal(model->lost, 0);
    sample_begin(6);
    sample_end();
    assert_int_equal(model->lost, 3);
    sample_begin(1); /* it was started again */
    sample_figure("posts", "", 3);
    sample_end();
    assert_int_equal(model->lost, 3);
    assert_false(model->compares);
}

static void
rates_are_between_the_last_two_samples_and_never_less_than_nothing(void **state)
{
    double rate;

    (void)state;
    sample_figure("requests", "PING", 100);
    sample_figure("knocks", "", 50);
    sample_end();
    sample_begin(3);
    sample_figure("requests", "PING", 110);
    sample_figure("requests", "SEARCH", 30); /* the first of its kind */
    sample_figure("knocks", "", 4);          /* the door was started again */
    sample_end();
    assert_true(top_model_rate(model, "requests", NULL, &rate) && rate == 20);
    assert_true(top_model_rate(model, "requests", "SEARCH", &rate) && rate == 15);
    assert_true(top_model_rate(model, "knocks", "", &rate) && rate == 0);
    assert_false(top_model_rate(model, "posts", NULL, &rate));
}

static void
the_history_keeps_the_last_hour(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= TOP_HISTORY + 10; i++) {
        sample_begin(i);
        sample_figure("sessions", "", i);
        sample_end();
    }
    assert_int_equal(model->history_count, TOP_HISTORY);
    assert_true(top_model_point(model, TOP_SESSIONS, 0) == 11);
    assert_true(top_model_point(model, TOP_SESSIONS, TOP_HISTORY - 1) == TOP_HISTORY + 10);
}

static void
rows_are_shown_when_all_their_pages_came(void **state)
{
    static const char *const some[] = {"ada", "bob"}, *const more[] = {"cyd"};

    (void)state;
    session_rows(1, 0, true, some, 2);
    assert_int_equal(model->sessions_count, 0);
    session_rows(1, 1, false, more, 1);
    assert_int_equal(model->sessions_count, 3);
    assert_string_equal(model->sessions[2].name, "cyd");
    session_rows(2, 0, true, some, 2); /* its end was lost */
    session_rows(3, 0, false, more, 1);
    assert_int_equal(model->sessions_count, 1);
}

static void
what_cannot_be_read_changes_nothing(void **state)
{
    struct msg_buf frame = {frame_at, 0, sizeof frame_at};
    const struct msg_done other = {7};

    (void)state;
    sample_figure("sessions", "", 4);
    sample_end();
    assert_int_not_equal(top_model_hear(model, msg_span("\x93junk", 5), 1500), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&frame, MSG_DONE, &other), CONCLAVE_OK);
    assert_int_equal(top_model_hear(model, msg_span_of_buf(&frame), 1500), CONCLAVE_OK);
    assert_int_equal(model->samples, 1);
    assert_int_equal(model->heard_ms, 1000);
    assert_true(top_model_or_0(model, "sessions", NULL) == 4);
}

/* So many of them so long, since the registry's start. */
static void
at_s(uint64_t second, uint64_t fast, uint64_t slow)
{
    struct msg_histogram times = {0};
    uint8_t wire[MSG_HISTOGRAM_BYTES];

    sample_begin(second);
    for (uint64_t i = 0; i < fast + slow; i++)
        msg_histogram_add(&times, i < fast ? 10 : 100000);
    msg_histogram_write(&times, wire);
    const struct msg_histogram_item item = {msg_text("commit_us"), msg_text(""), times.sum_us, msg_span(wire, sizeof wire)};
    assert_int_equal(msg_codec_append(&times_buf, &sample.histograms, MSG_HISTOGRAM, &item), CONCLAVE_OK);
    sample_end();
}

static void
recent_times_are_those_of_the_last_minute(void **state)
{
    struct msg_histogram recent;

    (void)state;
    at_s(1, 100, 50); /* who knows when that was */
    assert_false(top_model_recent(model, "commit_us", NULL, &recent));
    at_s(2, 100, 60);
    assert_true(top_model_recent(model, "commit_us", NULL, &recent));
    assert_int_equal(msg_histogram_count(&recent), 10);
    assert_int_equal(msg_histogram_at(&recent, 500), 100000);
    for (uint64_t second = 3; second <= 61; second++)
        at_s(second, 100 + second, 60);
    assert_true(top_model_recent(model, "commit_us", NULL, &recent));
    assert_int_equal(msg_histogram_at(&recent, 500), 10);
    assert_in_range(msg_histogram_count(&recent), 30, 71);
    for (uint64_t second = 62; second <= 130; second++)
        at_s(second, 161, 60);
    assert_false(top_model_recent(model, "commit_us", NULL, &recent)); /* it rests */
    assert_int_equal(msg_histogram_count(&recent), 0);
    at_s(1, 2, 3); /* it was started again */
    at_s(2, 2, 4);
    assert_true(top_model_recent(model, "commit_us", NULL, &recent));
    assert_int_equal(msg_histogram_count(&recent), 1);
}

static void
a_kind_that_is_new_is_recent_as_a_whole(void **state)
{
    struct msg_histogram recent;

    (void)state;
    sample_end();
    at_s(2, 3, 4);
    assert_true(top_model_recent(model, "commit_us", NULL, &recent));
    assert_int_equal(msg_histogram_count(&recent), 7);
}

static void
rooms_have_rates_between_two_lists(void **state)
{
    const struct msg_room_row first[] = {{msg_text("#a"), 3, 2, false, 10, 1000}, {msg_text("#b"), 3, 2, false, 0, 0}};
    const struct msg_room_row second[] = {{msg_text("#b"), 3, 2, false, 500, 9000}, {msg_text("#a"), 3, 2, false, 16, 1600},
                                          {msg_text("#c"), 1, 1, false, 4, 400}};

    (void)state;
    sample_end();
    room_rows(1, first, 2);
    assert_true(model->rooms[0].frames_per_s == 0);
    sample_begin(4);
    sample_end();
    assert_false(top_model_has_rows(model));
    room_rows(4, second, 3);
    assert_int_equal(model->rooms_count, 3);
    assert_true(model->rooms[0].frames_per_s == 0); /* its log was only looked up now */
    assert_true(model->rooms[1].frames_per_s == 2 && model->rooms[1].bytes_per_s == 200);
    assert_true(model->rooms[2].frames_per_s == 0); /* new */
    assert_false(top_model_has_rows(model)); /* sessions are missing */
    session_rows(4, 0, false, NULL, 0);
    assert_true(top_model_has_rows(model));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(three_intervals_without_a_sample_are_not_live),
        CASE(the_welcome_says_how_long_an_interval_is_before_the_first_sample),
        CASE(it_believes_a_registry_that_says_that_it_is_not_ready),
        CASE(samples_that_did_not_come_are_counted_and_a_new_start_is_none),
        CASE(rates_are_between_the_last_two_samples_and_never_less_than_nothing),
        CASE(the_history_keeps_the_last_hour),
        CASE(rows_are_shown_when_all_their_pages_came),
        CASE(what_cannot_be_read_changes_nothing),
        CASE(recent_times_are_those_of_the_last_minute),
        CASE(a_kind_that_is_new_is_recent_as_a_whole),
        CASE(rooms_have_rates_between_two_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
