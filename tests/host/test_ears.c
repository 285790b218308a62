/* Proves host/ears.c with sockets of libzmq and with plain descriptors. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/curve.h"
#include "host/ears.h"

enum { BIT_SOCKET = 1 << 0, BIT_OTHER = 1 << 1, BIT_FD = 1 << 2, MANY = 20 };

struct fixture {
    struct host_ears ears;
    zsock_t *socket, *other;   /* heard */
    zsock_t *speaker, *second; /* their other ends */
    int fd;
};

/* libzmq forgets a name a moment after its socket was closed: each has its own. */
static void
make_pair(zsock_t **heard, zsock_t **speaker)
{
    static int count;
    char bind[32], connect[32];

    snprintf(bind, sizeof bind, "@inproc://ears-%d", ++count);
    snprintf(connect, sizeof connect, ">inproc://ears-%d", count);
    *heard = zsock_new_pair(bind);
    *speaker = zsock_new_pair(connect);
    assert_true(*heard != NULL && *speaker != NULL);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_int_equal(host_curve_init(1), CONCLAVE_OK);
    assert_int_equal(host_ears_open(&f->ears), CONCLAVE_OK);
    make_pair(&f->socket, &f->speaker);
    make_pair(&f->other, &f->second);
    f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(f->fd >= 0);
    assert_int_equal(host_ears_add(&f->ears, BIT_SOCKET, f->socket), CONCLAVE_OK);
    assert_int_equal(host_ears_add(&f->ears, BIT_OTHER, f->other), CONCLAVE_OK);
    assert_int_equal(host_ears_add_fd(&f->ears, BIT_FD, f->fd), CONCLAVE_OK);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    zsock_destroy(&f->second);
    zsock_destroy(&f->speaker);
    zsock_destroy(&f->other);
    zsock_destroy(&f->socket);
    close(f->fd);
    host_ears_close(&f->ears);
    free(f);
    return 0;
}

/* Reads a socket to its end, as a loop must; how many words there were. */
static unsigned
drain(zsock_t *socket)
{
    char word[8];
    unsigned count = 0;

    while (zmq_recv(zsock_resolve(socket), word, sizeof word, ZMQ_DONTWAIT) >= 0)
        count++;
    return count;
}

static void
say(zsock_t *socket)
{
    assert_int_equal(zmq_send(zsock_resolve(socket), "word", 4, 0), 4);
}

static void
make_loud(int fd)
{
    const uint64_t one = 1;

    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
}

/* All is read, and nobody has said anything. */
static void
make_quiet(struct fixture *f)
{
    drain(f->socket);
    drain(f->other);
    f->ears.loud = 0;
}

static void
sockets_are_loud_at_first_and_descriptors_are_not(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(f->ears.loud, BIT_SOCKET | BIT_OTHER);
    assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK); /* comes back at once */
    assert_int_equal(f->ears.loud, BIT_SOCKET | BIT_OTHER);
}

static void
a_word_that_came_before_the_socket_was_added_is_not_missed(void **state)
{
    struct fixture *f = *state;
    struct host_ears late;

    say(f->speaker);
    assert_int_equal(host_ears_open(&late), CONCLAVE_OK);
    assert_int_equal(host_ears_add(&late, BIT_SOCKET, f->socket), CONCLAVE_OK);
    assert_int_equal(host_ears_wait(&late, -1), CONCLAVE_OK);
    assert_int_equal(late.loud, BIT_SOCKET);
    assert_int_equal(drain(f->socket), 1);
    host_ears_close(&late);
}

static void
who_hears_wakes_the_sleeper_and_nobody_else_is_loud(void **state)
{
    struct fixture *f = *state;

    make_quiet(f);
    say(f->second);
    assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK);
    assert_int_equal(f->ears.loud, BIT_OTHER);
    assert_int_equal(drain(f->other), 1);
}

static void
many_rounds_lose_no_word(void **state)
{
    struct fixture *f = *state;

    make_quiet(f);
    for (int i = 0; i < 1000; i++) {
        say(f->speaker);
        say(f->speaker);
        assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK);
        assert_true((f->ears.loud & BIT_SOCKET) != 0);
        assert_int_equal(drain(f->socket), 2);
        f->ears.loud = 0;
    }
}

static void
a_descriptor_stays_loud_until_it_is_read(void **state)
{
    struct fixture *f = *state;
    uint64_t count;

    make_quiet(f);
    make_loud(f->fd);
    for (int i = 0; i < 3; i++) {
        f->ears.loud = 0;
        assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK);
        assert_int_equal(f->ears.loud, BIT_FD);
    }
    assert_int_equal(read(f->fd, &count, sizeof count), sizeof count);
    f->ears.loud = 0;
    assert_int_equal(host_ears_wait(&f->ears, 0), CONCLAVE_OK);
    assert_int_equal(f->ears.loud, 0);
}

static void
two_may_share_a_bit(void **state)
{
    struct fixture *f = *state;
    const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    assert_int_equal(host_ears_add_fd(&f->ears, BIT_SOCKET, fd), CONCLAVE_OK);
    make_quiet(f);
    make_loud(fd);
    assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK);
    assert_int_equal(f->ears.loud, BIT_SOCKET);
    close(fd);
}

static void
with_work_left_it_does_not_sleep_but_hears_who_came_since(void **state)
{
    struct fixture *f = *state;

    make_quiet(f);
    f->ears.loud = BIT_SOCKET;
    assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK); /* else it is here for ever */
    assert_int_equal(f->ears.loud, BIT_SOCKET);
    make_loud(f->fd);
    assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK);
    assert_int_equal(f->ears.loud, BIT_SOCKET | BIT_FD);
}

static void
silence_lasts_as_long_as_was_said(void **state)
{
    struct fixture *f = *state;
    const int64_t begin_ms = zclock_mono();

    make_quiet(f);
    assert_int_equal(host_ears_wait(&f->ears, 30), CONCLAVE_OK);
    assert_int_equal(f->ears.loud, 0);
    assert_true(zclock_mono() - begin_ms >= 29); /* clocks are cut to whole ms */
}

/* More are loud than are told at once. */
static void
none_of_many_is_passed_over(void **state)
{
    struct fixture *f = *state;
    uint32_t all = 0, heard = 0;
    int fds[MANY];

    make_quiet(f);
    for (int i = 0; i < MANY; i++) {
        fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        assert_int_equal(host_ears_add_fd(&f->ears, 1u << (8 + i), fds[i]), CONCLAVE_OK);
        make_loud(fds[i]);
        all |= 1u << (8 + i);
    }
    for (int i = 0; i < MANY; i++) {
        f->ears.loud = 0;
        assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK);
        heard |= f->ears.loud;
    }
    assert_int_equal(heard, all);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
}

/* And may be closed. */
static void
who_was_removed_is_not_heard(void **state)
{
    struct fixture *f = *state;

    make_quiet(f);
    host_ears_remove(&f->ears, f->socket);
    say(f->speaker);
    assert_int_equal(host_ears_wait(&f->ears, 0), CONCLAVE_OK);
    assert_int_equal(f->ears.loud, 0);
    zsock_destroy(&f->socket);
    say(f->second);
    assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK);
    assert_int_equal(f->ears.loud, BIT_OTHER);
}

static void
ring(int number)
{
    (void)number;
}

static void
a_signal_is_no_error_and_no_news(void **state)
{
    struct fixture *f = *state;
    const struct sigaction action = {.sa_handler = ring};
    const struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    struct sigaction before;

    make_quiet(f);
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    assert_int_equal(host_ears_wait(&f->ears, -1), CONCLAVE_OK);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_int_equal(f->ears.loud, 0);
}

static void
what_the_system_refuses_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct host_ears none = {.epoll = -1};

    assert_int_equal(host_ears_add_fd(&f->ears, BIT_FD, -1), CONCLAVE_ERR_SYSTEM);
    assert_int_equal(host_ears_add_fd(&f->ears, BIT_FD, f->fd), CONCLAVE_ERR_SYSTEM); /* it is there already */
    assert_int_equal(host_ears_wait(&none, 0), CONCLAVE_ERR_SYSTEM);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sockets_are_loud_at_first_and_descriptors_are_not),
        CASE(a_word_that_came_before_the_socket_was_added_is_not_missed),
        CASE(who_hears_wakes_the_sleeper_and_nobody_else_is_loud),
        CASE(many_rounds_lose_no_word),
        CASE(a_descriptor_stays_loud_until_it_is_read),
        CASE(two_may_share_a_bit),
        CASE(with_work_left_it_does_not_sleep_but_hears_who_came_since),
        CASE(silence_lasts_as_long_as_was_said),
        CASE(none_of_many_is_passed_over),
        CASE(who_was_removed_is_not_heard),
        CASE(a_signal_is_no_error_and_no_news),
        CASE(what_the_system_refuses_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
