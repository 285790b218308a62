/* Proves msg/figures.c, and that each figure can travel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <string.h>

#include "msg/catalog.h"
#include "msg/codec.h"

static bool
ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text), more = strlen(end);

    return len >= more && strcmp(text + len - more, end) == 0;
}

static void
each_name_leads_back_to_its_figure_and_no_other_does(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < MSG_FIGURE_COUNT_OF; i++)
        assert_int_equal(msg_figure_by_name(msg_text(msg_figure_info((enum msg_figure)i)->name)), i);
    assert_int_equal(msg_figure_by_name(msg_text("no_such_figure")), MSG_FIGURE_COUNT_OF);
    assert_int_equal(msg_figure_by_name(msg_text("")), MSG_FIGURE_COUNT_OF);
}

static void
names_and_labels_are_plain_and_short_and_times_are_in_us(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < MSG_FIGURE_COUNT_OF; i++) {
        const struct msg_figure_info *info = msg_figure_info((enum msg_figure)i);
        assert_in_range(strlen(info->name), 1, MSG_FIGURE_NAME_MAX);
        assert_in_range(strlen(info->label), 0, MSG_FIGURE_LABEL_MAX);
        assert_true(strlen(info->help) > 5 && !ends_with(info->help, "."));
        for (const char *at = info->name; *at != '\0'; at++)
            assert_true(islower((unsigned char)*at) || *at == '_');
        assert_int_equal(info->type == MSG_FIGURE_HISTOGRAM, ends_with(info->name, "_us") && info->type != MSG_FIGURE_GAUGE);
    }
}

/* Kinds and codes of errors are values of labels. */
static void
each_kind_and_each_code_of_an_error_is_short_enough_for_a_label(void **unused)
{
    const struct msg_shape *shape;

    (void)unused;
    for (size_t i = 0; (shape = msg_catalog_at(i)) != NULL; i++)
        assert_true(strlen(shape->name) <= MSG_FIGURE_LABEL_MAX);
#define SHORT(name, code, sentence) assert_true(strlen(code) <= MSG_FIGURE_LABEL_MAX);
    CONCLAVE_ERRORS(SHORT)
#undef SHORT
}

static void
bounds_grow_and_a_time_counts_in_the_first_bucket_that_has_room(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < MSG_HISTOGRAM_BUCKETS; i++) {
        struct msg_histogram at = {0}, above = {0};
        if (i > 0)
            assert_true(msg_histogram_bound(i) > msg_histogram_bound(i - 1));
        msg_histogram_add(&at, msg_histogram_bound(i));
        assert_int_equal(at.buckets[i], 1);
        assert_int_equal(at.sum_us, msg_histogram_bound(i));
        if (i + 1 == MSG_HISTOGRAM_BUCKETS)
            break;
        msg_histogram_add(&above, msg_histogram_bound(i) + 1);
        assert_int_equal(above.buckets[i + 1], 1);
    }
    assert_true(msg_histogram_bound(MSG_HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

static void
so_many_of_a_thousand_do_not_exceed_what_it_says(void **unused)
{
    struct msg_histogram times = {0};

    (void)unused;
    assert_int_equal(msg_histogram_at(&times, 500), 0);
    for (int i = 0; i < 990; i++)
        msg_histogram_add(&times, 40);
    for (int i = 0; i < 10; i++)
        msg_histogram_add(&times, 900);
    assert_int_equal(msg_histogram_count(&times), 1000);
    assert_int_equal(msg_histogram_at(&times, 500), 50);
    assert_int_equal(msg_histogram_at(&times, 990), 50);
    assert_int_equal(msg_histogram_at(&times, 991), 1000);
    msg_histogram_add(&times, UINT64_MAX / 2); /* beyond all bounds: the greatest there is */
    assert_int_equal(msg_histogram_at(&times, 1000), 1000000);
}

static void
a_histogram_travels_as_it_is(void **unused)
{
    struct msg_histogram here = {0}, there;
    uint8_t wire[MSG_HISTOGRAM_BYTES];

    (void)unused;
    for (uint64_t us = 1; us < 4000000; us *= 3)
        msg_histogram_add(&here, us);
    here.buckets[3] = UINT64_MAX - 7;
    msg_histogram_write(&here, wire);
    msg_histogram_read(&there, here.sum_us, msg_span(wire, sizeof wire));
    assert_memory_equal(&here, &there, sizeof here);
}

/* The limits of the catalog leave room for the largest frames. */
static void
the_largest_sample_and_pages_fit_into_a_frame(void **unused)
{
    static uint8_t frame_at[MSG_FRAME_MAX], items_at[MSG_FRAME_MAX], more_at[MSG_FRAME_MAX];
    static char text[MSG_REASON_MAX + 1];
    const uint8_t wire[MSG_HISTOGRAM_BYTES] = {0};
    struct msg_buf frame = {frame_at, 0, sizeof frame_at}, items = {items_at, 0, sizeof items_at};
    struct msg_buf more = {more_at, 0, sizeof more_at};

    (void)unused;
    memset(text, 'x', MSG_REASON_MAX);
    struct msg_sample sample = {UINT64_MAX, {text, MSG_BUILD_MAX}, UINT64_MAX, UINT64_MAX, UINT64_MAX, true, true,
                                {text, MSG_REASON_MAX}, {0}, {0}};
    const struct msg_figure_item figure = {{text, MSG_FIGURE_NAME_MAX}, {text, MSG_FIGURE_LABEL_MAX}, UINT64_MAX};
    const struct msg_histogram_item histogram = {figure.name, figure.label, UINT64_MAX, msg_span(wire, sizeof wire)};
    for (unsigned i = 0; i < MSG_FIGURES_MAX; i++)
        assert_int_equal(msg_codec_append(&items, &sample.figures, MSG_FIGURE, &figure), CONCLAVE_OK);
    for (unsigned i = 0; i < MSG_HISTOGRAMS_MAX; i++)
        assert_int_equal(msg_codec_append(&more, &sample.histograms, MSG_HISTOGRAM, &histogram), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&frame, MSG_SAMPLE, &sample), CONCLAVE_OK);

    struct msg_room_rows rooms = {UINT64_MAX, UINT64_MAX, true, {0}};
    const struct msg_room_row room = {{text, MSG_ROOM_NAME_MAX}, UINT64_MAX, UINT64_MAX, true, UINT64_MAX, UINT64_MAX};
    items.len = frame.len = 0;
    for (unsigned i = 0; i < MSG_ROWS_MAX; i++)
        assert_int_equal(msg_codec_append(&items, &rooms.rows, MSG_ROOM_ROW, &room), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&frame, MSG_ROOM_ROWS, &rooms), CONCLAVE_OK);

    struct msg_session_rows sessions = {UINT64_MAX, UINT64_MAX, true, {0}};
    const struct msg_session_row session = {{text, MSG_NAME_MAX}, UINT64_MAX, {text, 64}, UINT64_MAX, UINT64_MAX,
                                            UINT64_MAX, true};
    items.len = frame.len = 0;
    for (unsigned i = 0; i < MSG_ROWS_MAX; i++)
        assert_int_equal(msg_codec_append(&items, &sessions.rows, MSG_SESSION_ROW, &session), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&frame, MSG_SESSION_ROWS, &sessions), CONCLAVE_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_leads_back_to_its_figure_and_no_other_does),
        cmocka_unit_test(names_and_labels_are_plain_and_short_and_times_are_in_us),
        cmocka_unit_test(each_kind_and_each_code_of_an_error_is_short_enough_for_a_label),
        cmocka_unit_test(bounds_grow_and_a_time_counts_in_the_first_bucket_that_has_room),
        cmocka_unit_test(so_many_of_a_thousand_do_not_exceed_what_it_says),
        cmocka_unit_test(a_histogram_travels_as_it_is),
        cmocka_unit_test(the_largest_sample_and_pages_fit_into_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
