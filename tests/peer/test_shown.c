/* What is written and what counts as shown stay one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer/shown.h"

static int mark_fd;
static char mark_path[] = "/tmp/conclave-shown-XXXXXX";
static struct peer_shown shown;

/* What a process that begins now finds. */
static uint64_t
mark_of(uint64_t number)
{
    struct peer_shown other;
    peer_shown_open(&other, mark_fd, number);
    const uint64_t arrival = other.arrival;
    peer_shown_close(&other);
    return arrival;
}

static int
set_up(void **state)
{
    (void)state;
    memcpy(mark_path + sizeof mark_path - 7, "XXXXXX", 6);
    mark_fd = mkstemp(mark_path);
    peer_shown_open(&shown, mark_fd, 1);
    return mark_fd >= 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    peer_shown_close(&shown);
    close(mark_fd);
    return unlink(mark_path);
}

static void
a_mark_that_was_never_made_is_none(void **state)
{
    (void)state;
    assert_int_equal(shown.arrival, 0);
    peer_shown_mark(&shown, 17);
    assert_int_equal(mark_of(1), 17);
    assert_int_equal(mark_of(0), 0);
    assert_int_equal(mark_of(2), 0);
}

static void
a_mark_goes_forward_only(void **state)
{
    (void)state;
    peer_shown_mark(&shown, 17);
    peer_shown_mark(&shown, 16);
    assert_int_equal(mark_of(1), 17);
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
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 5), 4);
    expect_read(ends[0], "one\n");
    assert_int_equal(mark_of(1), 5);
    close(ends[0]);
    close(ends[1]);
}

/* Each has its own mark, wherever in the file it is. */
static void
peers_of_a_home_have_marks_of_their_own(void **state)
{
    static const uint64_t numbers[] = {0, 1, 511, 512, 100000};
    struct peer_shown peers[5];
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (size_t i = 0; i < 5; i++)
        peer_shown_open(&peers[i], mark_fd, numbers[i]);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(peer_shown_write(&peers[i % 5], ends[1], msg_span("x", 1), 10 + i), 1);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(mark_of(numbers[i]), 15 + i);
        peer_shown_close(&peers[i]);
    }
    expect_read(ends[0], "xxxxxxxxxx");
    close(ends[0]);
    close(ends[1]);
}

/* A line that is no news (arrival 0), or another one of what was marked. */
static void
a_line_without_a_mark_is_written(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    peer_shown_mark(&shown, 4);
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 0), 4);
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("two\n", 4), 3), 4);
    expect_read(ends[0], "one\ntwo\n");
    assert_int_equal(mark_of(1), 4);
    assert_int_equal(shown.arrival, 4);
    close(ends[0]);
    close(ends[1]);
}

static void
who_keeps_nothing_writes_all_the_same(void **state)
{
    struct peer_shown none;
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    peer_shown_open(&none, -1, 0);
    assert_int_equal(peer_shown_write(&none, ends[1], msg_span("one\n", 4), 5), 4);
    expect_read(ends[0], "one\n");
    assert_int_equal(none.arrival, 5);
    peer_shown_close(&none);
    close(ends[0]);
    close(ends[1]);
}

static void
in_a_file_lines_follow_each_other(void **state)
{
    char path[] = "/tmp/conclave-lines-XXXXXX";
    const int fd = mkstemp(path);
    (void)state;
    assert_int_equal(peer_shown_write(&shown, fd, msg_span("one\n", 4), 1), 4);
    assert_int_equal(peer_shown_write(&shown, fd, msg_span("two\n", 4), 2), 4);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    expect_read(fd, "one\ntwo\n");
    assert_int_equal(mark_of(1), 2);
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
    peer_shown_mark(&shown, 4);
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 5), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(mark_of(1), 4);
    assert_int_equal(shown.arrival, 4);
    close(ends[1]);
}

/* A container may forbid io_submit, and a kernel may have none. */
static bool
forbid_io_submit(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_submit, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* And what was prepared for it is not added to the next mark. */
static void
without_io_submit_the_mark_comes_after_the_line(void **state)
{
    int ends[2], status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        uint64_t left;
        _exit(forbid_io_submit() && peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 5) == 4 &&
                      read(shown.counter, &left, sizeof left) < 0 && errno == EAGAIN
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_read(ends[0], "one\n");
    assert_int_equal(mark_of(1), 5);
    close(ends[0]);
    close(ends[1]);
}

/* The kernel did not read the mark, but wrote the line. */
static void
a_mark_that_failed_alone_is_made_after_it(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 4), 4);
    const int null = open("/dev/null", O_RDWR); /* takes the mark, and gives nothing back */
    assert_int_equal(dup2(null, shown.counter), shown.counter);
    close(null);
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("two\n", 4), 5), 4);
    assert_int_equal(mark_of(1), 5);
    expect_read(ends[0], "one\ntwo\n");
    close(ends[0]);
    close(ends[1]);
}

/* On a full disk (here: a file that may not grow) the line comes all the same. */
static void
where_no_mark_can_be_kept_the_line_is_written(void **state)
{
    const struct rlimit none = {0, 0};
    int ends[2], status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct peer_shown other;
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &none) != 0)
            _exit(2);
        peer_shown_open(&other, mark_fd, 100000);
        _exit(peer_shown_write(&other, ends[1], msg_span("one\n", 4), 5) == 4 && other.page == NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_read(ends[0], "one\n");
    assert_int_equal(mark_of(100000), 0);
    close(ends[0]);
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
        _exit(peer_shown_write(&shown, ends[1], msg_span(line, sizeof line), 9) == sizeof line ? 0 : 1);
    close(ends[1]);
    size_t all = 0;
    for (ssize_t n; (n = read(ends[0], line, sizeof line)) > 0;)
        all += (size_t)n;
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(all, sizeof line);
    assert_int_equal(mark_of(1), 9);
    close(ends[0]);
}

/* Lines with their number, each when the reader asks for it; asked -1: as fast
 * as they go. */
static void
write_lines(int fd, int asked)
{
    char word;
    peer_shown_open(&shown, mark_fd, 1); /* as a process that begins */
    while (asked < 0 || read(asked, &word, 1) == 1) {
        char line[32];
        const uint64_t at = shown.arrival + 1;
        const int n = snprintf(line, sizeof line, "%llu\n", (unsigned long long)at);
        if (peer_shown_write(&shown, fd, msg_span(line, (size_t)n), at) < 0)
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
    for (int life = 0; life < 100; life++) {
        int lines[2], asked[2];
        assert_int_equal(pipe(lines), 0);
        assert_int_equal(pipe(asked), 0);
        const pid_t child = fork();
        if (child == 0)
            write_lines(lines[1], asked[0]);
        char line[32] = "";
        for (int i = 0; i < 1 + life % 3; i++, expected++) {
            assert_int_equal(write(asked[1], "?", 1), 1);
            assert_true(read(lines[0], line, sizeof line - 1) > 0);
            assert_int_equal(sscanf(line, "%llu", &number), 1);
            assert_int_equal(number, expected);
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(mark_of(1), expected - 1);
        for (int i = 0; i < 2; i++) {
            close(lines[i]);
            close(asked[i]);
        }
    }
}

/* To the first or the last of the processors that there are for us. */
static void
run_on(const cpu_set_t *ours, bool last)
{
    cpu_set_t one;
    int chosen = -1;
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, ours) && (last || chosen < 0))
            chosen = i;
    CPU_ZERO(&one);
    CPU_SET(chosen, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
}

/* The kill comes from another processor and at any moment, so also while the
 * system call is between its begin and the mark, or between mark and line. */
static void
whoever_is_killed_has_marked_what_it_wrote(void **state)
{
    unsigned long long last = 0;
    cpu_set_t ours;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof ours, &ours), 0);
    for (unsigned life = 0; life < 300; life++) {
        int lines[2];
        assert_int_equal(pipe(lines), 0);
        const pid_t child = fork();
        run_on(&ours, child == 0);
        if (child == 0)
            write_lines(lines[1], -1);
        close(lines[1]);
        FILE *const in = fdopen(lines[0], "r");
        unsigned long long number;
        assert_non_null(in);
        for (bool first = true; fscanf(in, "%llu", &number) == 1; first = false) {
            assert_int_equal(number, last + 1);
            last = number;
            for (volatile unsigned turn = first ? life * 997 % 8192 : 0; turn > 0; turn--)
                ; /* some microseconds, each time others */
            if (first)
                kill(child, SIGKILL);
        }
        fclose(in);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(mark_of(1), last);
    }
    assert_int_equal(sched_setaffinity(0, sizeof ours, &ours), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mark_that_was_never_made_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mark_goes_forward_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_and_its_mark_are_both_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(peers_of_a_home_have_marks_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_without_a_mark_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_keeps_nothing_writes_all_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_a_file_lines_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_nobody_reads_is_not_marked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_io_submit_the_mark_comes_after_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mark_that_failed_alone_is_made_after_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_no_mark_can_be_kept_the_line_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_line_arrives_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_killed_for_a_line_has_marked_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_is_killed_has_marked_what_it_wrote, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
