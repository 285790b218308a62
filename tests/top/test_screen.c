/* Proves tools/top/screen.c: every size of terminal, sorting and keys. */
#include <uniwidth.h>

#include "tests/top/samples.h"
#include "tools/top/screen.h"

static struct top_ui ui;

static void
draw(void)
{
    top_text_clear(&out);
    top_screen_draw(&out, model, &ui, model->samples > 0 ? model->heard_ms : 1000);
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
    sample_end();
    sample_begin(2);
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
    assert_int_equal(check_size(), 14); /* twelve lines of head, two sessions */
    ui.cols = 300;
    draw();
    assert_non_null(strstr(out.at, "  pending state   address "));
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
    ui.rows = 9; /* two rows of three, and no sparklines */
    for (int i = 0; i < 5; i++)
        top_ui_key(&ui, TOP_KEY_DOWN);
    draw();
    assert_int_equal(ui.top, 1);
    assert_null(strstr(out.at, "\ncyd"));
    assert_null(strstr(out.at, "longest turn"));
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
    assert_true(above("\nSEARCH                                  4   2.5ms   2.5ms            4\n",
                      "\nPING                                    0       -       -      1234567\n"));
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
    assert_non_null(strstr(out.at, "\nsessions ")); /* it takes the place of what was since the start */
    assert_null(strstr(out.at, "since start  refused"));
}

/* Each line as it is at 80 columns stands at the beginning of it at 300: nothing is cut within a figure. */
static void
what_finds_no_place_is_left_out_whole(void **state)
{
    struct top_text wide = {0};

    (void)state;
    people();
    ui.cols = 300;
    draw();
    top_text_bytes(&wide, out.at, out.len);
    for (ui.cols = 20; ui.cols < 100; ui.cols++) {
        const char *at, *all = wide.at;
        draw();
        at = out.at;
        for (unsigned i = 0; i < 5; i++) {
            const size_t len = strcspn(at, "\n");
            assert_memory_equal(at, all, len);
            if (strncmp(all + len, "  ", 2) != 0 && all[len] != '\n')
                fail_msg("%u columns cut: %.*s", ui.cols, (int)len, at);
            at += len + 1;
            all = strchr(all, '\n') + 1;
        }
    }
    top_text_wipe(&wide);
}

/* The line of the lists with many rows, sorted the other way round by the longest of names: how one leaves stands on it. */
static void
how_to_leave_and_to_get_help_stand_at_80_columns(void **state)
{
    static const char *names[150];

    (void)state;
    people();
    for (size_t i = 0; i < 150; i++)
        names[i] = "somebody";
    for (unsigned page = 0; page < 70; page++)
        session_rows(2, page, page < 69, names, 150);
    ui.up[TOP_TAB_SESSIONS] = true;
    draw();
    assert_non_null(strstr(out.at, "\n[sessions] rooms  requests   1-12 of 10500  by pending, reversed  q quit  ? help\n"));
    ui.cols = 64;
    draw();
    assert_non_null(strstr(out.at, "  by pending, reversed\n"));
}

static void
help_is_read_whole_in_a_narrow_terminal(void **state)
{
    (void)state;
    people();
    ui = (struct top_ui){.rows = 100, .cols = 80, .help = true};
    draw();
    assert_true(check_size() <= 24);
    ui.cols = 33;
    draw();
    (void)check_size(); /* it is the checks that count */
    assert_non_null(strstr(out.at, "\nlongest turn: of the registry's\nloop, since the sample before.\n"));
    for (ui.cols = 0; ui.cols < 12; ui.cols++) {
        draw();
        (void)check_size();
    }
}

static void
ratios_are_of_the_last_interval(void **state)
{
    (void)state;
    top_ui_init(&ui);
    for (uint64_t number = 1; number <= 2; number++) {
        sample_begin(number);
        sample_figure("copies", "", 100 + 300 * (number - 1));
        sample_figure("casts", "", 100 * number);
        sample_figure("transactions", "", 10 + 25 * (number - 1));
        sample_figure("commits", "", 10 * number);
        sample_end();
    }
    draw();
    assert_non_null(strstr(out.at, "copies/message        3 "));
    assert_non_null(strstr(out.at, "group/commit        2.5 "));
    sample_begin(3); /* nothing more happened */
    sample_figure("copies", "", 400);
    sample_figure("casts", "", 200);
    sample_end();
    draw();
    assert_non_null(strstr(out.at, "copies/message        0 "));
}

static void
rooms_are_sorted_by_what_is_posted_now(void **state)
{
    (void)state;
    people();
    room_rows(2, (const struct msg_room_row[]){{msg_text("#ada"), 9, 5, true, 100, 1000}, {msg_text("#bob"), 3, 2, false, 900, 9000}}, 2);
    sample_begin(4); /* two seconds later */
    sample_end();
    room_rows(4, (const struct msg_room_row[]){{msg_text("#ada"), 9, 5, true, 150, 2024}, {msg_text("#bob"), 3, 2, false, 920, 9000}}, 2);
    top_ui_key(&ui, '\t');
    draw();
    assert_true(above("\n#ada                                5        9      150     2.0K       25 mesh",
                      "\n#bob                                2        3      920     8.8K       10 relay"));
    assert_non_null(strstr(out.at, "1-2 of 2  by posts/s"));
}

static void
who_may_not_see_names_is_told_so(void **state)
{
    (void)state;
    top_ui_init(&ui);
    sample_end();
    sample_begin(2);
    sample_end();
    draw();
    assert_non_null(strstr(out.at, "\nNames are not shown to this monitor"));
    room_rows(2, NULL, 0);
    draw();
    assert_null(strstr(out.at, "Names are not shown"));
}

static void
mail_and_logs_have_their_size_and_age_once_they_are_counted(void **state)
{
    (void)state;
    top_ui_init(&ui);
    sample_figure("mail_waiting", "", 12);
    sample_figure("mail_bytes", "", 3482);
    sample_figure("mail_oldest_ms", "", 3 * 86400000ull + 4 * 3600000);
    sample_figure("log_frames", "", 0);
    sample_figure("counted", "mail", 1);
    sample_figure("counted", "log", 0);
    sample_end();
    draw();
    assert_non_null(strstr(out.at, "\nmail 12, 3.4K, oldest 3d04h  log 0 (counting)\n"));
}

static void
a_terminal_of_ascii_gets_ascii(void **state)
{
    static const char *const names[] = {"zo\xc3\xab", "日本"};

    (void)state;
    people();
    session_rows(2, 0, false, names, 2);
    ui.ascii = true;
    draw();
    for (const char *at = out.at; *at != '\0'; at++)
        assert_true((unsigned char)*at < 0x80);
    assert_non_null(strstr(out.at, "\nzo? "));
    assert_non_null(strstr(out.at, "\n?? "));
}

static void
the_heading_of_the_list_and_what_is_wrong_stand_out(void **state)
{
    unsigned line = 0, headings = 0;

    (void)state;
    people();
    draw();
    for (const char *at = out.at, *end; (end = strchr(at, '\n')) != NULL; at = end + 1, line++) {
        const enum top_weight weight = top_screen_weight(&ui, line, at);
        headings += weight == TOP_HEADING;
        assert_true((weight == TOP_HEADING) == (strncmp(at, "name ", 5) == 0));
        assert_true((weight == TOP_BOLD) == (line == 0));
    }
    assert_int_equal(headings, 1);
    assert_int_equal(top_screen_weight(&ui, 1, "! No sample"), TOP_BOLD);
    ui.help = true;
    assert_int_equal(top_screen_weight(&ui, 0, "conclave-top"), TOP_PLAIN);
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
    assert_string_equal(out.at, "▃█"); /* the highest of the first four, and of the others */
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
        CASE(what_finds_no_place_is_left_out_whole),
        CASE(how_to_leave_and_to_get_help_stand_at_80_columns),
        CASE(help_is_read_whole_in_a_narrow_terminal),
        CASE(ratios_are_of_the_last_interval),
        CASE(rooms_are_sorted_by_what_is_posted_now),
        CASE(who_may_not_see_names_is_told_so),
        CASE(mail_and_logs_have_their_size_and_age_once_they_are_counted),
        CASE(a_terminal_of_ascii_gets_ascii),
        CASE(the_heading_of_the_list_and_what_is_wrong_stand_out),
        CASE(names_cannot_command_the_terminal),
        CASE(sparklines_show_the_last_points_in_blocks_or_in_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
