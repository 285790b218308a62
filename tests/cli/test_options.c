/* peer/cli/options: the fixed command line, and what is refused of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "peer/cli/options.h"

#define WORDS_MAX 12

static bool
parse(struct cli_options *options, const char *const words[])
{
    static char copies[WORDS_MAX][64]; /* getopt wants to own argv */
    static char *argv[WORDS_MAX + 1];
    int argc = 0;
    struct cli_buf why = {0};
    for (; words[argc] != NULL && argc < WORDS_MAX; argc++) {
        strncpy(copies[argc], words[argc], sizeof copies[argc] - 1);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    const bool ok = cli_options_parse(options, argc, argv, &why);
    assert_true(ok == (why.len == 0));
    cli_buf_wipe(&why);
    return ok;
}

#define PARSE(options, ...) parse(options, (const char *const[]){"conclave", __VA_ARGS__, NULL})

static void
every_option_is_taken(void **state)
{
    struct cli_options o;
    (void)state;
    assert_true(PARSE(&o, "-r", "conclave://h:1/#k", "-u", "@alice", "--password-fd", "3", "--home", "/h", "--json"));
    assert_string_equal(o.link, "conclave://h:1/#k");
    assert_string_equal(o.user, "alice"); /* without its @ */
    assert_int_equal(o.password_fd, 3);
    assert_string_equal(o.home, "/h");
    assert_true(o.json);
    assert_int_equal(o.command_count, 0);
    assert_int_equal(o.timeout_ms, 10000);
    assert_true(PARSE(&o, "--listen", "127.0.0.1:0", "--log-file", "l", "--plain", "--timeout", "0.25",
                      "--password-file=f"));
    assert_string_equal(o.listen, "127.0.0.1:0");
    assert_string_equal(o.log_file, "l");
    assert_true(o.plain);
    assert_true(o.timeout_given);
    assert_int_equal(o.timeout_ms, 250);
    assert_string_equal(o.password_file, "f");
    assert_int_equal(o.password_fd, -1);
    assert_true(PARSE(&o, "-h"));
    assert_true(o.help);
    assert_true(PARSE(&o, "--version"));
    assert_true(o.version);
}

static void
wrong_usage_is_refused_with_a_reason(void **state)
{
    struct cli_options o;
    (void)state;
    assert_false(PARSE(&o, "--nonsense"));
    assert_false(PARSE(&o, "-x"));
    assert_false(PARSE(&o, "-u"));
    assert_false(PARSE(&o, "--timeout", "soon"));
    assert_false(PARSE(&o, "--timeout", "-1"));
    assert_false(PARSE(&o, "--timeout", "inf"));
    assert_false(PARSE(&o, "--timeout", "nan"));
    assert_false(PARSE(&o, "--timeout", "3s"));
    assert_false(PARSE(&o, "--timeout="));
    assert_false(PARSE(&o, "--password-fd", "x"));
    assert_false(PARSE(&o, "--password-fd", "-1"));
    assert_false(PARSE(&o, "--password-fd", "3", "--password-file", "f"));
    assert_false(PARSE(&o, "who", "--timeout"));
}

static void
the_first_word_begins_the_command_and_its_options_stay_its_own(void **state)
{
    struct cli_options o;
    (void)state;
    assert_true(PARSE(&o, "--json", "who", "-d"));
    assert_int_equal(o.command_count, 2);
    assert_string_equal(o.command[1], "-d");
    assert_true(PARSE(&o, "send", "bob", "--json", "-r", "--timeout"));
    assert_false(o.json);
    assert_int_equal(o.command_count, 5);
    assert_true(PARSE(&o, "topic", "#lab", "--json"));
    assert_false(o.json);
    assert_true(PARSE(&o, "create", "#lab", "--password-file", "f", "--json")); /* the room's, not the account's */
    assert_true(o.json && o.password_file == NULL);
    assert_int_equal(o.command_count, 4);
    assert_true(PARSE(&o, "recv", "--count", "2", "--timeout", "5", "--json"));
    assert_true(o.json);
    assert_int_equal(o.timeout_ms, 5000);
    assert_int_equal(o.command_count, 3);
    assert_string_equal(o.command[2], "2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_taken),
        cmocka_unit_test(wrong_usage_is_refused_with_a_reason),
        cmocka_unit_test(the_first_word_begins_the_command_and_its_options_stay_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
