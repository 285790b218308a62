/* A kill at whatever moment: what was written was marked, and what was marked
 * was written. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>

#include "tests/peer/shown_file.h"

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
    int lines[2];
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof ours, &ours), 0);
    assert_int_equal(pipe(lines), 0);
    assert_int_equal(peer_shown_write(&shown, lines[1], msg_span("1\n", 2), ++last), 2);
    close(lines[0]);
    close(lines[1]);
    if (!can_be_one())
        skip();
    for (unsigned life = 0; life < 300; life++) {
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

/* The next line, from memory that is on the disk when it begins. */
static void
write_from_disk(int fd, int ready, int line_fd)
{
    char *const line = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, line_fd, 0);
    peer_shown_open(&shown, mark_fd, 1);
    const uint64_t at = shown.arrival + 1;
    const int n = line != MAP_FAILED ? snprintf(line, 32, "%llu\n", (unsigned long long)at) : 0;
    if (n == 0 || msync(line, 4096, MS_SYNC) != 0 || madvise(line, 4096, MADV_DONTNEED) != 0 ||
        posix_fadvise(line_fd, 0, 4096, POSIX_FADV_DONTNEED) != 0 || write(ready, "!", 1) != 1)
        _exit(1);
    (void)peer_shown_write(&shown, fd, msg_span(line, (size_t)n), at);
    _exit(0);
}

/* A wait for memory is one that a kill ends: it is over before the mark. */
static void
who_is_killed_while_the_line_is_read_in_has_not_marked_it(void **state)
{
    char path[] = "/tmp/conclave-line-XXXXXX";
    const int line_fd = mkstemp(path);
    unsigned long long last = 0, number;
    cpu_set_t ours;
    (void)state;
    assert_int_equal(ftruncate(line_fd, 4096), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sched_getaffinity(0, sizeof ours, &ours), 0);
    for (unsigned life = 0; life < 100; life++) {
        int lines[2], ready[2];
        char word;
        assert_int_equal(pipe(lines), 0);
        assert_int_equal(pipe(ready), 0);
        const pid_t child = fork();
        run_on(&ours, child == 0);
        if (child == 0)
            write_from_disk(lines[1], ready[1], line_fd);
        assert_int_equal(read(ready[0], &word, 1), 1);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(lines[1]);
        FILE *const in = fdopen(lines[0], "r");
        assert_non_null(in);
        if (fscanf(in, "%llu", &number) == 1)
            last = number;
        fclose(in);
        assert_int_equal(mark_of(1), last);
        close(ready[0]);
        close(ready[1]);
    }
    assert_int_equal(sched_setaffinity(0, sizeof ours, &ours), 0);
    close(line_fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_killed_for_a_line_has_marked_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_is_killed_has_marked_what_it_wrote, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_killed_while_the_line_is_read_in_has_not_marked_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
