/* Proves host/log.c: the form of a line, levels, and that nothing from outside
 * can forge or hide one. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/log.h"

static char path[64];

/* The file's text since it was opened. */
static const char *
logged(void)
{
    static char text[8192];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static int
set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/conclave-test-log-XXXXXX");
    close(mkstemp(path));
    return host_log_open("conclaved", HOST_LOG_FILE, path, MSG_LOG_INFO) == CONCLAVE_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void
a_line_has_time_program_level_and_sentence(void **state)
{
    char pid[32];
    int at = 0;

    (void)state;
    host_log(MSG_LOG_WARN, "LOGIN-FAILED source=%s", "127.0.0.1");
    const char *line = logged();
    assert_int_equal(sscanf(line, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ%n", &at), 0);
    assert_int_equal(at, 24);
    snprintf(pid, sizeof pid, " conclaved[%ld] ", (long)getpid());
    assert_memory_equal(line + 24, pid, strlen(pid));
    assert_string_equal(line + 24 + strlen(pid), "WARN  LOGIN-FAILED source=127.0.0.1\n");
}

static void
what_is_below_the_level_is_not_said(void **state)
{
    (void)state;
    host_log(MSG_LOG_DEBUG, "QUIET");
    assert_string_equal(logged(), "");
    assert_int_equal(host_log_open("conclaved", HOST_LOG_FILE, path, MSG_LOG_DEBUG), CONCLAVE_OK);
    host_log(MSG_LOG_DEBUG, "LOUD");
    assert_non_null(strstr(logged(), "LOUD\n"));
}

static void
controls_and_broken_text_are_made_visible(void **state)
{
    (void)state;
    host_log(MSG_LOG_INFO, "name=%s", "a\nFORGED\x1b[2J\x7f");
    assert_non_null(strstr(logged(), "name=a\\x0aFORGED\\x1b[2J\\x7f\n"));
    host_log(MSG_LOG_INFO, "name=%s", "\xc2\x9b" "31m \xc3\xa9");
    assert_non_null(strstr(logged(), "name=\\xc2\\x9b31m \xc3\xa9\n"));
    host_log(MSG_LOG_INFO, "name=%s", "\xff\xfe");
    assert_non_null(strstr(logged(), "name=\\xff\\xfe\n"));
}

static void
a_very_long_line_is_cut_and_stays_one_line(void **state)
{
    static char text[5000];

    (void)state;
    memset(text, '\n', sizeof text);
    host_log_bytes(MSG_LOG_INFO, msg_span(text, sizeof text));
    const char *line = logged();
    assert_true(strlen(line) < 2100);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void
a_reader_that_is_stuck_does_not_stop_the_writer(void **state)
{
    int ends[2];
    const int saved = dup(STDERR_FILENO);

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(host_log_open("conclaved", HOST_LOG_STDERR, NULL, MSG_LOG_INFO), CONCLAVE_OK);
    for (int i = 0; i < 3000; i++) /* far more than a pipe holds */
        host_log(MSG_LOG_INFO, "MANY lines that nobody reads, so that the pipe fills up: %d", i);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[0]);
    close(ends[1]);
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(a_line_has_time_program_level_and_sentence),
        CLAIM(what_is_below_the_level_is_not_said),
        CLAIM(controls_and_broken_text_are_made_visible),
        CLAIM(a_very_long_line_is_cut_and_stays_one_line),
        CLAIM(a_reader_that_is_stuck_does_not_stop_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
