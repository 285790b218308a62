/* peer/cli/view: no text from outside commands a terminal, hides in it or
 * poses as a line of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistr.h>

#include "peer/cli/view.h"

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static void
hostile_text_comes_out_harmless(void **state)
{
    static const struct {
        const char *in;
        const char *line; /* on one line */
        const char *text; /* on several, behind "> " */
    } rows[] = {
        {"", "", ""},
        {"hello", "hello", "hello"},
        {"\x1b[31mred\x1b[0m", BAD "[31mred" BAD "[0m", BAD "[31mred" BAD "[0m"},
        {"\x1b]0;title\x07", BAD "]0;title" BAD, BAD "]0;title" BAD},
        {"\xc2\x9b" "2J", BAD "2J", BAD "2J"},
        {"\x9b" "2J", BAD "2J", BAD "2J"},
        {"a\x08\x08" "b\x7f", "a" BAD BAD "b" BAD, "a" BAD BAD "b" BAD},
        {"over\rwritten", "over" BAD "written", "over" BAD "written"},
        {"a\nb", "a b", "a\n> b"},
        {"a\r\nb", "a b", "a\n> b"},
        {"a\x0b" "b\xe2\x80\xa8" "c\xc2\x85" "d", "a b c d", "a\n> b\n> c\n> d"},
        {"a\tb", "a b", "a    b"},
        {"\xe2\x80\xae" "evil\xe2\x80\xac", "evil", "evil"},
        {"\xe2\x81\xa6x\xe2\x81\xa9", "x", "x"},
        {"ad\xe2\x80\x8b" "min\xef\xbb\xbf", "admin", "admin"},
        {"so\xc2\xad" "ft", "soft", "soft"},
        {"\xe3\x85\xa4" "x\xef\xbe\xa0", "x", "x"},
        {"\xf3\xa0\x81\xa8\xf3\xa0\x81\xa9" "tag", "tag", "tag"},
        {"\xff\xfe", BAD BAD, BAD BAD},
        {"\xc0\xaf\xe0\x80\xaf", BAD BAD BAD BAD BAD, BAD BAD BAD BAD BAD},
        {"\xed\xa0\x80", BAD BAD BAD, BAD BAD BAD},
        {"\xef\xbf\xbe", BAD, BAD},
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD, BAD BAD BAD BAD},
        /* honest text stays as it is */
        {"caf\xc3\xa9 \xd1\x80\xd1\x83\xd1\x81 \xe6\xbc\xa2", "caf\xc3\xa9 \xd1\x80\xd1\x83\xd1\x81 \xe6\xbc\xa2",
         "caf\xc3\xa9 \xd1\x80\xd1\x83\xd1\x81 \xe6\xbc\xa2"},
        {"e\xcc\x81", "e\xcc\x81", "e\xcc\x81"},
        /* a family of emoji, joined; and joiners that join nothing */
        {"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9", "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9",
         "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9"},
        {"\xe2\x80\x8d" "a\xe2\x80\x8d\xe2\x80\x8d" "b\xe2\x80\x8d", "a\xe2\x80\x8d" "b", "a\xe2\x80\x8d" "b"},
        {"a \xe2\x80\x8d b", "a  b", "a  b"},
        /* marks on nothing, and a tower of them */
        {"\xcc\x81" "a", "a", "a"},
        {"a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
         "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cli_buf out = {0};
        cli_view_line(&out, rows[i].in);
        assert_string_equal(out.at, rows[i].line);
        cli_buf_clear(&out);
        cli_view_text(&out, rows[i].in, strlen(rows[i].in), "> ");
        assert_string_equal(out.at, rows[i].text);
        cli_buf_wipe(&out);
    }
}

static void
a_nul_in_a_text_neither_ends_nor_passes_it(void **state)
{
    struct cli_buf out = {0};
    (void)state;
    cli_view_text(&out, "a\0b", 3, "");
    assert_string_equal(out.at, "a" BAD "b");
    cli_buf_wipe(&out);
}

/* Any bytes: valid UTF-8 comes out, without a control character but newline. */
static void
random_bytes_never_leave_a_control_character(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        char bytes[40];
        const size_t len = (size_t)rand() % sizeof bytes;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(rand() % 3 == 0 ? rand() % 0x30 : 0x80 + rand() % 0x80);
        struct cli_buf out = {0};
        cli_view_text(&out, bytes, len, "");
        assert_null(u8_check((const uint8_t *)out.at, out.len));
        for (size_t at = 0; at < out.len;) {
            ucs4_t c;
            at += (size_t)u8_mbtouc(&c, (const uint8_t *)out.at + at, out.len - at);
            assert_true(c == '\n' || (c >= 0x20 && c < 0x7f) || c > 0x9f);
            assert_false(c >= 0x202a && c <= 0x202e);
        }
        cli_buf_wipe(&out);
    }
}

static void
columns_count_wide_and_combining_characters(void **state)
{
    struct cli_buf out = {0};
    (void)state;
    assert_int_equal(cli_view_width("abc"), 3);
    assert_int_equal(cli_view_width("\xe6\xbc\xa2\xe5\xad\x97"), 4);
    assert_int_equal(cli_view_width("e\xcc\x81"), 1);
    assert_int_equal(cli_view_width("\x1b[1m"), 4);
    cli_view_column(&out, "\xe6\xbc\xa2", 4);
    assert_string_equal(out.at, "\xe6\xbc\xa2  ");
    cli_buf_wipe(&out);
}

static void
times_of_other_days_have_their_date(void **state)
{
    struct cli_buf out = {0};
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    cli_view_time(&out, 1700000000000, 1700000100000);
    assert_string_equal(out.at, "22:13:20");
    cli_buf_clear(&out);
    cli_view_time(&out, 1700000000000, 1800000000000);
    assert_string_equal(out.at, "2023-11-14 22:13:20");
    cli_buf_clear(&out);
    cli_view_time(&out, UINT64_MAX, 0); /* must not crash */
    assert_string_equal(out.at, "9999-12-31 23:59:59");
    cli_buf_wipe(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text_comes_out_harmless),
        cmocka_unit_test(a_nul_in_a_text_neither_ends_nor_passes_it),
        cmocka_unit_test(random_bytes_never_leave_a_control_character),
        cmocka_unit_test(columns_count_wide_and_combining_characters),
        cmocka_unit_test(times_of_other_days_have_their_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
