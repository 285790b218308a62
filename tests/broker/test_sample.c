/* Claims about broker/core/sample and what the core tells those who watch
 * (broker/core/counting). */
#include "broker/core/sample.h"
#include "tests/broker/world.h"

static struct broker_sample sample;

/* The value of a figure of the sample; UINT64_MAX: it is not there. */
static uint64_t
value_of(enum msg_figure figure, const char *label)
{
    struct msg_list list = sample.figures;
    struct msg_figure_item item;

    while (msg_codec_next(&list, MSG_FIGURE, &item))
        if (msg_text_equal(item.name, msg_text(msg_figure_info(figure)->name))
            && msg_text_equal(item.label, msg_text(label)))
            return item.value;
    return UINT64_MAX;
}

static void
look(void)
{
    struct broker_front_counts counts;
    struct broker_front_gauges gauges;

    broker_front_core_counts(reg.core, &counts);
    broker_front_core_gauges(reg.core, reg.now, &gauges);
    broker_sample_clear(&sample);
    broker_sample_add_front(&sample, &counts, &gauges);
}

static void
it_counts_who_is_there_what_they_ask_and_what_is_refused(void **state)
{
    (void)state;
    look();
    assert_int_equal(value_of(MSG_FIGURE_SESSIONS, ""), 0);
    assert_int_equal(value_of(MSG_FIGURE_ACCOUNTS, ""), 2);
    assert_int_equal(value_of(MSG_FIGURE_ENROLMENTS, "account"), 2);
    assert_int_equal(value_of(MSG_FIGURE_REQUESTS, "SIGNUP"), 2);
    /* Never asked, never refused: with 0, so that the first one is seen as growth. */
    assert_int_equal(value_of(MSG_FIGURE_REQUESTS, "SEARCH"), 0);
    assert_int_equal(value_of(MSG_FIGURE_REQUESTS, "ENROL"), 0);
    assert_int_equal(value_of(MSG_FIGURE_REQUESTS, "ROOM_POST"), 0);
    assert_int_equal(value_of(MSG_FIGURE_REFUSED, "not-logged-in"), 0);
    assert_int_equal(value_of(MSG_FIGURE_REQUESTS, "WELCOME"), UINT64_MAX); /* nobody asks that of a registry */
    assert_int_equal(value_of(MSG_FIGURE_REFUSED, "locked"), UINT64_MAX); /* nor does it refuse with that */
    fake_login(&reg, &alice, (struct fake_login){0});
    search(&alice, "bob");
    search(&alice, "nobody");
    search(&bob, "alice"); /* before LOGIN */
    look();
    assert_int_equal(value_of(MSG_FIGURE_SESSIONS, ""), 1);
    assert_int_equal(value_of(MSG_FIGURE_SESSIONS_MOST, ""), 1);
    assert_int_equal(value_of(MSG_FIGURE_ONLINE, ""), 1);
    assert_int_equal(value_of(MSG_FIGURE_REQUESTS, "SEARCH"), 3);
    assert_int_equal(value_of(MSG_FIGURE_REFUSED, "not-logged-in"), 1);
    fake_registry_down(&reg, alice.link);
    look();
    assert_int_equal(value_of(MSG_FIGURE_SESSIONS, ""), 0);
    assert_int_equal(value_of(MSG_FIGURE_SESSIONS_MOST, ""), 1);
}

static void
a_reason_that_nobody_expected_is_shown_once_it_comes(void **state)
{
    struct broker_front_counts counts = {.refused_by[CONCLAVE_ERR_LOCKED] = 3};
    const struct broker_front_gauges gauges = {0};

    (void)state;
    broker_sample_clear(&sample);
    broker_sample_add_front(&sample, &counts, &gauges);
    assert_int_equal(value_of(MSG_FIGURE_REFUSED, "locked"), 3);
}

static void
rows_tell_of_each_session_and_pages_go_on_where_the_last_one_ended(void **state)
{
    uint8_t at[64]; /* room for one row */
    struct msg_list rows = {0};
    struct msg_session_row row;
    uint32_t slot = 0;

    (void)state;
    fake_login(&reg, &alice, (struct fake_login){0});
    fake_login(&reg, &bob, (struct fake_login){0});
    fake_registry_pass(&reg, 3);
    struct msg_buf items = {at, 0, 36};
    assert_true(broker_front_core_session_rows(reg.core, reg.now, &slot, &items, &rows));
    assert_int_equal(rows.count, 1);
    assert_true(msg_codec_next(&rows, MSG_SESSION_ROW, &row));
    expect_text(row.name, "alice");
    assert_int_equal(row.device, 1);
    assert_int_equal(row.idle_ms, 3);
    items.len = 0;
    rows = (struct msg_list){0};
    assert_false(broker_front_core_session_rows(reg.core, reg.now, &slot, &items, &rows));
    assert_true(msg_codec_next(&rows, MSG_SESSION_ROW, &row));
    expect_text(row.name, "Bob");
}

/* A COUNTS with one figure. */
static struct msg_counts
one(struct msg_buf *items, const char *name, const char *label, uint64_t value)
{
    const struct msg_figure_item item = {msg_text(name), msg_text(label), value};
    struct msg_counts counts = {.number = 1};

    items->len = 0;
    assert_int_equal(msg_codec_append(items, &counts.figures, MSG_FIGURE, &item), CONCLAVE_OK);
    return counts;
}

static void
a_neighbour_speaks_for_itself_alone(void **state)
{
    static const struct {
        const char *name, *label, *process;
        bool taken;
    } said[] = {
        {"knocks", "", "door", true},          {"knocks", "", "vault", false},   {"hashes", "", "vault", true},
        {"hashes", "", "door", false},         {"cpu_ms", "door", "door", true}, {"cpu_ms", "front", "door", false},
        {"rss_bytes", "vault", "vault", true}, {"sessions", "", "door", false},  {"no_such_figure", "", "door", false},
    };
    uint8_t at[256];
    struct msg_buf items = {at, 0, sizeof at};

    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        const struct msg_counts counts = one(&items, said[i].name, said[i].label, 7);
        broker_sample_clear(&sample);
        broker_sample_merge(&sample, &counts, said[i].process);
        assert_int_equal(sample.figures.count, said[i].taken);
    }
}

static void
a_sample_that_is_full_leaves_out_the_rest(void **state)
{
    struct msg_buf out;
    static uint8_t frame[MSG_FRAME_MAX];
    const struct msg_histogram times = {0};

    (void)state;
    broker_sample_clear(&sample);
    for (unsigned i = 0; i < 5000; i++) {
        broker_sample_add(&sample, MSG_FIGURE_HASH_QUEUE_MOST, "a-label-of-the-greatest-length..", UINT64_MAX);
        broker_sample_add_times(&sample, MSG_FIGURE_REQUEST, "a-label-of-the-greatest-length..", &times);
    }
    assert_int_equal(sample.figures.count, MSG_FIGURES_MAX);
    assert_int_equal(sample.histograms.count, MSG_HISTOGRAMS_MAX);
    const struct msg_counts counts = {1, sample.figures, sample.histograms};
    out = (struct msg_buf){frame, 0, sizeof frame};
    assert_int_equal(msg_codec_encode(&out, MSG_COUNTS, &counts), CONCLAVE_OK);
}

static void
it_is_ready_until_something_says_that_it_is_not(void **state)
{
    static const struct {
        struct broker_health health;
        bool live, ready;
    } cases[] = {
        {{.map_bytes = 1000, .used_bytes = 880}, true, true},
        {{.map_bytes = 1000, .used_bytes = 900}, true, false},
        {{.store_refuses = true}, true, false},
        {{.broken = true}, true, false},
        {{.stopping = true}, true, false},
        {{.silent_ms = BROKER_SAMPLE_SILENT_MS - 1}, true, true},
        {{.silent_ms = BROKER_SAMPLE_SILENT_MS}, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct msg_sample judged = {0};
        broker_sample_judge(&judged, &cases[i].health);
        assert_int_equal(judged.live, cases[i].live);
        assert_int_equal(judged.ready, cases[i].ready);
        assert_int_equal(judged.reason.len > 0, !cases[i].ready);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_counts_who_is_there_what_they_ask_and_what_is_refused),
        CASE(a_reason_that_nobody_expected_is_shown_once_it_comes),
        CASE(rows_tell_of_each_session_and_pages_go_on_where_the_last_one_ended),
        cmocka_unit_test(a_neighbour_speaks_for_itself_alone),
        cmocka_unit_test(a_sample_that_is_full_leaves_out_the_rest),
        cmocka_unit_test(it_is_ready_until_something_says_that_it_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
