/* Samples for the tests of conclave-top, as a registry would publish them. */
#ifndef TESTS_TOP_SAMPLES_H
#define TESTS_TOP_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg/codec.h"
#include "tools/top/model.h"
#include "tools/top/text.h"

static struct msg_sample sample;
static struct top_model *model;
static uint8_t figures_at[MSG_FRAME_MAX / 2], times_at[MSG_FRAME_MAX / 2], frame_at[MSG_FRAME_MAX];
static struct msg_buf figures_buf, times_buf;
static struct top_text out;

/* A live and ready registry, whose sample number 1 came at 1000 ms. */
static inline void
sample_begin(uint64_t number)
{
    figures_buf = (struct msg_buf){figures_at, 0, sizeof figures_at};
    times_buf = (struct msg_buf){times_at, 0, sizeof times_at};
    sample = (struct msg_sample){.number = number,
                                 .build = msg_text("1.2.3"),
                                 .at_ms = 1800000000000 + 1000 * number,
                                 .interval_ms = 1000,
                                 .uptime_ms = 1000 * number,
                                 .live = true,
                                 .ready = true};
}

static inline void
sample_figure(const char *name, const char *label, uint64_t value)
{
    const struct msg_figure_item item = {msg_text(name), msg_text(label), value};

    assert_int_equal(msg_codec_append(&figures_buf, &sample.figures, MSG_FIGURE, &item), CONCLAVE_OK);
}

/* So many times of us each. */
static inline void
sample_times(const char *name, const char *label, uint64_t count, uint64_t us)
{
    struct msg_histogram times = {0};
    uint8_t wire[MSG_HISTOGRAM_BYTES];

    for (uint64_t i = 0; i < count; i++)
        msg_histogram_add(&times, us);
    msg_histogram_write(&times, wire);
    const struct msg_histogram_item item = {msg_text(name), msg_text(label), times.sum_us,
                                            msg_span(wire, sizeof wire)};
    assert_int_equal(msg_codec_append(&times_buf, &sample.histograms, MSG_HISTOGRAM, &item), CONCLAVE_OK);
}

static inline void
hear(enum msg_kind kind, const void *message, uint64_t now_ms)
{
    struct msg_buf frame = {frame_at, 0, sizeof frame_at};

    assert_int_equal(msg_codec_encode(&frame, kind, message), CONCLAVE_OK);
    assert_int_equal(top_model_hear(model, msg_span_of_buf(&frame), now_ms), CONCLAVE_OK);
}

static inline void
sample_end(void)
{
    hear(MSG_SAMPLE, &sample, 1000 * sample.number);
}

/* One page of one session of each name. */
static inline void
session_rows(uint64_t number, uint64_t page, bool more, const char *const *names, size_t count)
{
    struct msg_session_rows rows = {number, page, more, {0}};

    figures_buf.len = 0;
    for (size_t i = 0; i < count; i++) {
        const struct msg_session_row row = {msg_text(names[i]), 1 + i, msg_text("192.0.2.1"), 1000 * i, i, 100 * i,
                                            i % 2 == 1};
        assert_int_equal(msg_codec_append(&figures_buf, &rows.rows, MSG_SESSION_ROW, &row), CONCLAVE_OK);
    }
    hear(MSG_SESSION_ROWS, &rows, 1000);
}

/* The one page of rooms. */
static inline void
room_rows(uint64_t number, const struct msg_room_row *list, size_t count)
{
    struct msg_room_rows rows = {.number = number};

    figures_buf.len = 0;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(msg_codec_append(&figures_buf, &rows.rows, MSG_ROOM_ROW, &list[i]), CONCLAVE_OK);
    hear(MSG_ROOM_ROWS, &rows, 1000 * number);
}

static inline int
top_setup(void **state)
{
    (void)state;
    model = top_model_new();
    sample_begin(1);
    return 0;
}

static inline int
top_teardown(void **state)
{
    (void)state;
    top_model_destroy(&model);
    top_text_wipe(&out);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, top_setup, top_teardown)

#endif
