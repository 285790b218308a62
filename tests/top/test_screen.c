/* Proves tools/top/screen.c: every size of terminal, sorting and keys. */
#include <uniwidth.h>

#include "tests/top/samples.h"
#include "tools/top/screen.h"

static struct top_ui ui;

static void
draw(void)
{
    top_text_clear(&out);
    top_screen_draw(&out, model, &ui, 1000);
}

/* Each line within the width, no more lines than there are; how many. */
static unsigned
check_size(void)
{
    unsigned lines = 0;

    for (const char *at = out.at, *end; (end = strchr(at, '\n')) != NULL; at = end + 1, lines++) {
        const int width = u8_width((const uint8_t *)at, (size_t)(end - at), "UTF-8");
        if (width > (int)ui.cols)
            fail_msg("%u columns, not %d: %.*s", ui.cols, width, (int)(end - at), at);
    }
    assert_true(lines <= ui.rows);
    return lines;
}

/* Both are there, the first one above. */
static bool
above(const char *first, const char *second)
{
    const char *a = strstr(out.at, first), *b = strstr(out.at, second);

    return a != NULL && b != NULL && a < b;
}

static void
people(void)
{
    static const char *const names[] = {"ada", "bob", "cyd"};

    top_ui_init(&ui);
    sample_figure("sessions", "", 3);
    sample_figure("requests", "PING", 1234567);
    sample_figure("requests", "SEARCH", 4);
    sample_times("request_us", "SEARCH", 4, 2000);
    sample_end();
    session_rows(1, 0, false, names, 3);
}

static void
it_fits_into_every_terminal(void **state)
{
    static const char *const wide[] = {"日本語日本語日本語日本語日本語", "ada"};

    (void)state;
    people();
    session_rows(1, 0, false, wide, 2);
    for (unsigned tab = 0; tab < TOP_TABS; tab++)
        for (ui.rows = 1; ui.rows < 60; ui.rows += 7)
            for (ui.cols = 1; ui.cols <= 220; ui.cols += 9) {
                ui.tab = (enum top_tab)tab;
                ui.help = (ui.cols + ui.rows) % 5 == 0;
                draw();
                (void)check_size(); /* it is the checks that count */
            }
    ui = (struct top_ui){.rows = 24, .cols = 80};
    draw();
    assert_int_equal(check_size(), 12); /* ten lines of head, two sessions */
    ui.cols = 300;
    draw();
    assert_non_null(strstr(out.at, "  pending  source\n"));
}

static void
rows_are_sorted_by_each_column_and_either_way(void **state)
{
    (void)state;
    people();
    draw();
    assert_true(above("\ncyd", "\nbob")); /* by what is pending, most first */
    assert_true(top_ui_key(&ui, 'r'));
    draw();
    assert_true(above("\nada", "\nbob"));
    top_ui_key(&ui, 'r');
    for (int i = 0; i < 3; i++)
        top_ui_key(&ui, 's'); /* idle, rooms, name */
    draw();
    assert_non_null(strstr(out.at, "by name"));
    assert_true(above("\nada", "\nbob"));
    top_ui_key(&ui, 's');
    top_ui_key(&ui, 's');
    draw();
    assert_non_null(strstr(out.at, "by pending"));
}

static void
the_list_moves_and_stays_within(void **state)
{
    (void)state;
    people();
    ui.rows = 12; /* two rows of three */
    for (int i = 0; i < 5; i++)
        top_ui_key(&ui, TOP_KEY_DOWN);
    draw();
    assert_int_equal(ui.top, 1);
    assert_null(strstr(out.at, "\ncyd"));
    assert_non_null(strstr(out.at, "\nada"));
    top_ui_key(&ui, TOP_KEY_END);
    draw();
    assert_int_equal(ui.top, 1);
    top_ui_key(&ui, TOP_KEY_UP);
    top_ui_key(&ui, TOP_KEY_UP);
    draw();
    assert_non_null(strstr(out.at, "\ncyd"));
    ui.rows = 24;
    top_ui_key(&ui, TOP_KEY_PAGE_DOWN);
    draw();
    assert_int_equal(ui.top, 0);
}

static void
keys_change_lists_show_help_and_leave(void **state)
{
    (void)state;
    people();
    top_ui_key(&ui, TOP_KEY_LEFT);
    draw();
    assert_non_null(strstr(out.at, "[requests]"));
    assert_non_null(strstr(out.at, "\nPING                          1234567          0\n"));
    assert_non_null(strstr(out.at, "\nSEARCH                              4       2500\n"));
    top_ui_key(&ui, '\t');
    draw();
    assert_non_null(strstr(out.at, "[sessions]"));
    top_ui_key(&ui, '?');
    draw();
    assert_non_null(strstr(out.at, "Any key goes back."));
    assert_true(top_ui_key(&ui, 'x'));
    draw();
    assert_null(strstr(out.at, "Any key goes back."));
    assert_false(top_ui_key(&ui, 'q'));
}

static void
what_is_wrong_stands_at_the_top(void **state)
{
    (void)state;
    top_ui_init(&ui);
    draw();
    assert_non_null(strstr(out.at, "NOT LIVE"));
    assert_non_null(strstr(out.at, "\n! No sample has come yet."));
    sample.ready = false;
    sample.reason = msg_text("The store is nearly full.");
    sample_end();
    draw();
    assert_non_null(strstr(out.at, "NOT READY"));
    assert_non_null(strstr(out.at, "\n! The store is nearly full."));
}

static void
names_cannot_command_the_terminal(void **state)
{
    static const char *const hostile[] = {"a\033[2Jb", "c\xc2\x9b" "31md"};

    (void)state;
    people();
    session_rows(1, 0, false, hostile, 2);
    draw();
    assert_null(strchr(out.at, '\033'));
    assert_null(strstr(out.at, "\xc2\x9b"));
    assert_non_null(strstr(out.at, "a?[2Jb"));
}

static void
sparklines_show_the_last_points_in_blocks_or_in_ascii(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 9; i++) {
        sample_begin(i);
        sample_figure("sessions", "", i - 1);
        sample_end();
    }
    top_text_clear(&out);
    top_screen_spark(&out, model, TOP_SESSIONS, 9, true);
    assert_string_equal(out.at, " .:-=+*#@");
    top_text_clear(&out);
    top_screen_spark(&out, model, TOP_SESSIONS, 2, false);
    assert_string_equal(out.at, "▇█");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_fits_into_every_terminal),
        CASE(rows_are_sorted_by_each_column_and_either_way),
        CASE(the_list_moves_and_stays_within),
        CASE(keys_change_lists_show_help_and_leave),
        CASE(what_is_wrong_stands_at_the_top),
        CASE(names_cannot_command_the_terminal),
        CASE(sparklines_show_the_last_points_in_blocks_or_in_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
