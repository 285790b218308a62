/* Proves tools/top/options.c. */
#include "tests/top/samples.h"
#include "tools/top/options.h"

static struct top_options options;
static char why[TOP_WHY_MAX];

/* The words of a command line, by blanks. */
static enum conclave_err
read_line(const char *line)
{
    static char copy[512];
    char *argv[16] = {(char[]){"conclave-top"}};
    int argc = 1;

    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    return top_options_read(&options, argc, argv, why);
}

static void
each_option_sets_what_it_names(void **state)
{
    (void)state;
    assert_int_equal(read_line(""), CONCLAVE_OK);
    assert_true(options.data == NULL && options.interval_ms == 1000 && !options.once && !options.json);
    assert_int_equal(read_line("--data /srv/x --interval 2.5 --once --json"), CONCLAVE_OK);
    assert_string_equal(options.data, "/srv/x");
    assert_true(options.interval_ms == 2500 && options.once && options.json);
    assert_int_equal(read_line("--fail-if sessions>3 --fail-if warning:rate(posts)>3"), CONCLAVE_OK);
    assert_int_equal(options.fails_count, 2);
    assert_int_equal(options.fails[0].status, TOP_EXIT_CRITICAL);
    assert_int_equal(options.fails[1].status, TOP_EXIT_WARNING);
    assert_string_equal(options.fails[1].text, "rate(posts)>3");
    assert_true(options.rates);
    const char *const words[] = {"conclave-top", "--fail-if", "warning:  not ready", NULL};
    assert_int_equal(top_options_read(&options, 3, (char **)(uintptr_t)words, why), CONCLAVE_OK);
    assert_string_equal(options.fails[0].text, "not ready"); /* as it is told again */
}

static void
the_place_of_the_server_may_be_left_out(void **state)
{
    (void)state;
    assert_int_equal(read_line("--prometheus"), CONCLAVE_OK);
    assert_true(options.prometheus && options.port == 15680);
    assert_string_equal(options.host, "127.0.0.1");
    assert_int_equal(read_line("--prometheus --interval 2"), CONCLAVE_OK);
    assert_true(options.prometheus && options.interval_ms == 2000);
    assert_int_equal(read_line("--prometheus [::1]:7"), CONCLAVE_OK);
    assert_true(options.port == 7);
    assert_string_equal(options.host, "::1");
    assert_int_equal(read_line("--prometheus=127.0.0.2:8"), CONCLAVE_OK);
    assert_string_equal(options.host, "127.0.0.2");
}

static void
a_key_alone_is_to_be_told(void **state)
{
    static const char *const with[] = {"--once", "--json", "--prometheus", "--fail-if sessions>3", "--data /srv/x",
                                       "--connect tcp://a:1"};
    char line[64];

    (void)state;
    assert_int_equal(read_line("--key a.key"), CONCLAVE_OK);
    assert_true(options.tells_key);
    assert_string_equal(options.key, "a.key");
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        snprintf(line, sizeof line, "--key a.key %s", with[i]);
        assert_int_not_equal(read_line(line), CONCLAVE_OK);
        assert_non_null(strstr(why, "--registry-key"));
    }
    assert_int_equal(read_line("--connect tcp://a:1 --key a.key --registry-key "
                               "1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f"),
                     CONCLAVE_OK);
    assert_false(options.tells_key);
}

static void
wrong_usage_has_a_sentence(void **state)
{
    static const char *const bad[] = {"--nonsense", "extra", "--interval 0", "--interval x", "--interval", "--fail-if",
                                      "--fail-if nothing>3", "--prometheus nowhere", "--prometheus --once",
                                      "--prometheus --json", "--interval nan"};
    char many[512] = "";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (read_line(bad[i]) == CONCLAVE_OK)
            fail_msg("%s was taken", bad[i]);
        assert_true(strlen(why) > 10);
    }
    for (unsigned i = 0; i < 7; i++)
        strcat(many, "--fail-if sessions>3 ");
    assert_int_equal(read_line(many), CONCLAVE_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_option_sets_what_it_names),
        CASE(the_place_of_the_server_may_be_left_out),
        CASE(a_key_alone_is_to_be_told),
        CASE(wrong_usage_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
