/* peer/cli/json: every line is one valid object, whatever was put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "peer/cli/json.h"

static void
expect(const char *bytes, size_t len, const char *written)
{
    struct cli_json json = {0};
    struct cli_buf line = {0};
    cli_json_open(&json, "t");
    cli_json_bytes(&json, "k", bytes, len);
    cli_json_close(&json);
    cli_buf_format(&line, "{\"v\":1,\"type\":\"t\",\"k\":\"%s\"}\n", written);
    assert_string_equal(json.line.at, line.at);
    cli_buf_wipe(&line);
    cli_json_wipe(&json);
}

static void
strings_are_escaped_so_that_a_line_stays_a_line(void **state)
{
    static const struct {
        const char *bytes;
        const char *written;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"\"\\", "\\\"\\\\"},
        {"a\nb\r\tc", "a\\nb\\r\\tc"},
        {"\x01\x1b[2J\x7f", "\\u0001\\u001b[2J\\u007f"},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\xc3\xa9\xf0\x9f\x98\x80"},
        {"\xc2\x9b", "\\u009b"},                 /* CSI */
        {"\xe2\x80\xae", "\\u202e"},             /* right-to-left override */
        {"\xe2\x80\xa8", "\\u2028"},             /* a line end for some parsers */
        {"\xef\xbb\xbf", "\\ufeff"},
        {"\xf3\xa0\x81\x81", "\\udb40\\udc41"},  /* a tag */
        {"a\xff""b", "a\xef\xbf\xbd""b"},
        {"\xc3", "\xef\xbf\xbd"},                /* cut short */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong NUL */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].bytes, strlen(rows[i].bytes), rows[i].written);
    expect("a\0b", 3, "a\\u0000b");
}

static void
times_are_rfc_3339_in_utc_with_milliseconds(void **state)
{
    static const struct {
        uint64_t ms;
        const char *written;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {1700000000123, "2023-11-14T22:13:20.123Z"},
        {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cli_json json = {0};
        struct cli_buf line = {0};
        cli_json_open(&json, "t");
        cli_json_time(&json, "ts", rows[i].ms);
        cli_json_close(&json);
        cli_buf_format(&line, "{\"v\":1,\"type\":\"t\",\"ts\":\"%s\"}\n", rows[i].written);
        assert_string_equal(json.line.at, line.at);
        cli_buf_wipe(&line);
        cli_json_wipe(&json);
    }
}

static void
arrays_of_objects_have_their_commas_right(void **state)
{
    struct cli_json json = {0};
    (void)state;
    cli_json_open(&json, "users");
    cli_json_array(&json, "users");
    for (unsigned i = 0; i < 2; i++) {
        cli_json_object(&json, NULL);
        cli_json_number(&json, "n", i);
        cli_json_bool(&json, "b", i == 1);
        cli_json_object_end(&json);
    }
    cli_json_array_end(&json);
    cli_json_array(&json, "none");
    cli_json_array_end(&json);
    cli_json_text(&json, "z", NULL);
    cli_json_close(&json);
    assert_string_equal(json.line.at, "{\"v\":1,\"type\":\"users\",\"users\":[{\"n\":0,\"b\":false},{\"n\":1,\"b\":true}],"
                                      "\"none\":[],\"z\":\"\"}\n");
    cli_json_wipe(&json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped_so_that_a_line_stays_a_line),
        cmocka_unit_test(times_are_rfc_3339_in_utc_with_milliseconds),
        cmocka_unit_test(arrays_of_objects_have_their_commas_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
