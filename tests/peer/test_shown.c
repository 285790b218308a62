/* What is written and what counts as shown stay one. */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/peer/shown_file.h"

/* What happens while the library waits for room; NULL: nothing.  False: the
 * wait fails with errno. */
static bool (*while_it_waits)(int fd, bool before);

int __real_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int
__wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    if (while_it_waits != NULL && !while_it_waits(fds->fd, true))
        return -1;
    const int ready = __real_poll(fds, n, timeout_ms);
    if (while_it_waits != NULL)
        (void)while_it_waits(fds->fd, false);
    return ready;
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

/* Where they are one, a write of its own for the mark is not needed: with it
 * forbidden (the file may not be written at all) the mark is there. */
static void
no_mark_is_written_alone(void **state)
{
    const struct rlimit none = {0, 0};
    int ends[2], status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 5), 4);
    if (!can_be_one())
        skip();
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &none) != 0)
            _exit(2);
        _exit(peer_shown_write(&shown, ends[1], msg_span("two\n", 4), 6) == 4 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(mark_of(1), 6);
    expect_read(ends[0], "one\ntwo\n");
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

/* Many lines of a length of its own, each read back before the next. */
static void *
show_many(void *arg)
{
    struct peer_shown *const self = arg;
    const ssize_t len = 2 + (ssize_t)self->number;
    int ends[2];
    char line[16] = "";
    if (pipe(ends) != 0)
        return NULL;
    for (uint64_t i = 1; i <= 5000; i++)
        if (peer_shown_write(self, ends[1], msg_span(line, (size_t)len), i) != len || read(ends[0], line, sizeof line) != len)
            return NULL;
    close(ends[0]);
    close(ends[1]);
    return self;
}

static void
peers_show_in_threads_of_their_own(void **state)
{
    struct peer_shown peers[3];
    pthread_t threads[3];
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        peer_shown_open(&peers[i], mark_fd, i);
        assert_int_equal(pthread_create(&threads[i], NULL, show_many, &peers[i]), 0);
    }
    for (uint64_t i = 0; i < 3; i++) {
        void *done = NULL;
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_ptr_equal(done, &peers[i]);
        peer_shown_close(&peers[i]);
        assert_int_equal(mark_of(i), 5000);
    }
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

/* The default SIGPIPE ends a program, and it is not marked then either. */
static void
a_line_that_ends_the_program_is_not_marked(void **state)
{
    int ends[2], status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        _exit(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 5) == -1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    assert_int_equal(mark_of(1), 0);
    close(ends[1]);
}

static bool
a_signal_comes(int fd, bool before)
{
    (void)fd;
    errno = EINTR;
    return !before;
}

static void
a_signal_ends_the_wait_for_room(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    while_it_waits = a_signal_comes;
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 5), -1);
    assert_int_equal(errno, EINTR);
    while_it_waits = NULL;
    assert_int_equal(mark_of(1), 0);
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 5), 4);
    expect_read(ends[0], "one\n");
    close(ends[0]);
    close(ends[1]);
}

/* Pipes before Linux 6.4 take no write that may be refused. */
static bool pipes_are_old;
static unsigned taken_as_one;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long
__wrap_syscall(long number, ...)
{
    long of[5] = {0};
    va_list args;
    va_start(args, number);
    for (int i = 0; i < (number == SYS_io_getevents ? 5 : number == SYS_io_submit ? 3 : 2); i++)
        of[i] = va_arg(args, long);
    va_end(args);
    struct iocb **const asked = number == SYS_io_submit ? (struct iocb **)(uintptr_t)of[2] : NULL;
    for (long i = 0; pipes_are_old && asked != NULL && i < of[1]; i++)
        if (asked[i]->aio_rw_flags != 0) {
            errno = EOPNOTSUPP;
            assert_int_equal(i, 0); /* or the mark would be made without its line */
            return -1;
        }
    taken_as_one += asked != NULL && of[1] == 2;
    return __real_syscall(number, of[0], of[1], of[2], of[3], of[4]);
}

static void
with_pipes_that_are_old_both_are_one_too(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pipes_are_old = true;
    taken_as_one = 0;
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 5), 4);
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("two\n", 4), 6), 4);
    pipes_are_old = false;
    expect_read(ends[0], "one\ntwo\n");
    assert_int_equal(mark_of(1), 6);
    assert_int_equal(taken_as_one, 2);
    close(ends[0]);
    close(ends[1]);
}

static int read_end;
static unsigned waits;

static ssize_t
refused_if_full(int fd, const void *bytes, size_t len)
{
    const struct iovec part = {(void *)(uintptr_t)bytes, len};
    return pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
}

/* Another writer fills the pipe when the library has just heard of room, and
 * it is read when the library asks again: not marked in the meantime. */
static bool
another_fills_it(int fd, bool before)
{
    static char page[4096];
    if (!before && waits++ == 0)
        while (refused_if_full(fd, page, sizeof page) > 0)
            ;
    if (before && waits == 1) {
        assert_int_equal(mark_of(1), 0);
        assert_int_equal(read(read_end, page, sizeof page), sizeof page);
    }
    return true;
}

static void
a_line_that_waits_for_room_again_is_not_marked(void **state)
{
    static char bytes[1 << 20];
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    if (refused_if_full(ends[1], "", 1) < 0)
        skip(); /* before Linux 6.4 */
    read_end = ends[0];
    waits = 0;
    while_it_waits = another_fills_it;
    assert_int_equal(peer_shown_write(&shown, ends[1], msg_span("one\n", 4), 5), 4);
    while_it_waits = NULL;
    assert_int_equal(waits, 2);
    assert_int_equal(mark_of(1), 5);
    const ssize_t n = read(ends[0], bytes, sizeof bytes);
    assert_true(n > 4);
    assert_memory_equal(bytes + n - 4, "one\n", 4);
    close(ends[0]);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mark_that_was_never_made_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mark_goes_forward_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_and_its_mark_are_both_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_mark_is_written_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(peers_of_a_home_have_marks_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(peers_show_in_threads_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_without_a_mark_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_keeps_nothing_writes_all_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_a_file_lines_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_nobody_reads_is_not_marked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_ends_the_program_is_not_marked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_ends_the_wait_for_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(with_pipes_that_are_old_both_are_one_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_waits_for_room_again_is_not_marked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_io_submit_the_mark_comes_after_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mark_that_failed_alone_is_made_after_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_no_mark_can_be_kept_the_line_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_line_arrives_whole, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
