/* What is written and what counts as shown stay one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer/shown.h"

static int mark_fd;
static char mark_path[] = "/tmp/conclave-shown-XXXXXX";

static int
set_up(void **state)
{
    (void)state;
    memcpy(mark_path + sizeof mark_path - 7, "XXXXXX", 6);
    mark_fd = mkstemp(mark_path);
    return mark_fd >= 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    close(mark_fd);
    return unlink(mark_path);
}

static void
a_mark_that_was_never_made_is_none(void **state)
{
    (void)state;
    assert_int_equal(peer_shown_read(mark_fd, 0), 0);
    peer_shown_mark(mark_fd, 3, 17);
    assert_int_equal(peer_shown_read(mark_fd, 3), 17);
    assert_int_equal(peer_shown_read(mark_fd, 2), 0);
}

static void
expect_read(int fd, const char *text)
{
    char got[64] = "";
    assert_int_equal(read(fd, got, sizeof got - 1), strlen(text));
    assert_string_equal(got, text);
}

static void
a_line_and_its_mark_are_both_there(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(peer_shown_write(ends[1], msg_span("one\n", 4), mark_fd, 1, 0, 5), 4);
    expect_read(ends[0], "one\n");
    assert_int_equal(peer_shown_read(mark_fd, 1), 5);
    close(ends[0]);
    close(ends[1]);
}

static void
in_a_file_lines_follow_each_other(void **state)
{
    char path[] = "/tmp/conclave-lines-XXXXXX";
    const int fd = mkstemp(path);
    (void)state;
    assert_int_equal(peer_shown_write(fd, msg_span("one\n", 4), mark_fd, 0, 0, 1), 4);
    assert_int_equal(peer_shown_write(fd, msg_span("two\n", 4), mark_fd, 0, 1, 2), 4);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    expect_read(fd, "one\ntwo\n");
    assert_int_equal(peer_shown_read(mark_fd, 0), 2);
    close(fd);
    unlink(path);
}

static void
a_line_that_nobody_reads_is_not_marked(void **state)
{
    int ends[2];
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    peer_shown_mark(mark_fd, 0, 4);
    assert_int_equal(peer_shown_write(ends[1], msg_span("one\n", 4), mark_fd, 0, 4, 5), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(peer_shown_read(mark_fd, 0), 4);
    close(ends[1]);
}

static void
a_long_line_arrives_whole(void **state)
{
    static uint8_t line[300000];
    int ends[2];
    (void)state;
    memset(line, 'x', sizeof line);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0)
        _exit(peer_shown_write(ends[1], msg_span(line, sizeof line), mark_fd, 0, 0, 9) == sizeof line ? 0 : 1);
    close(ends[1]);
    size_t all = 0;
    for (ssize_t n; (n = read(ends[0], line, sizeof line)) > 0;)
        all += (size_t)n;
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(all, sizeof line);
    assert_int_equal(peer_shown_read(mark_fd, 0), 9);
    close(ends[0]);
}

/* Lines with their number, each when the reader asks for it. */
static void
write_when_asked(int fd, int asked)
{
    char word;
    for (uint64_t at = peer_shown_read(mark_fd, 0) + 1; read(asked, &word, 1) == 1; at++) {
        char line[32];
        const int n = snprintf(line, sizeof line, "%llu\n", (unsigned long long)at);
        if (peer_shown_write(fd, msg_span(line, (size_t)n), mark_fd, 0, at - 1, at) < 0)
            _exit(1);
    }
    _exit(0);
}

/* The line wakes the reader, who kills at once: with a write and a mark in two
 * calls the writer is often still between them. */
static void
who_is_killed_for_a_line_has_marked_it(void **state)
{
    unsigned long long expected = 1, number;
    (void)state;
    for (int life = 0; life < 300; life++) {
        int lines[2], asked[2];
        assert_int_equal(pipe(lines), 0);
        assert_int_equal(pipe(asked), 0);
        const pid_t child = fork();
        if (child == 0)
            write_when_asked(lines[1], asked[0]);
        char line[32] = "";
        for (int i = 0; i < 1 + life % 3; i++, expected++) {
            assert_int_equal(write(asked[1], "?", 1), 1);
            assert_true(read(lines[0], line, sizeof line - 1) > 0);
            assert_int_equal(sscanf(line, "%llu", &number), 1);
            assert_int_equal(number, expected);
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(peer_shown_read(mark_fd, 0), expected - 1);
        for (int i = 0; i < 2; i++) {
            close(lines[i]);
            close(asked[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mark_that_was_never_made_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_and_its_mark_are_both_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_a_file_lines_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_nobody_reads_is_not_marked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_line_arrives_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_killed_for_a_line_has_marked_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
