/* The thread of the rounds, asked by others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "host/rounds.h"

/* Counts its rounds, and wants none. */
static uint32_t
count(void *arg, const struct host_round *round)
{
    unsigned *const rounds = arg;
    assert_true(round->now_ms > 0);
    ++*rounds;
    return HOST_ROUNDS_NEWS;
}

static void
whoever_hurries_finds_all_rounds_made(void **state)
{
    zsock_t *const sockets[] = {zsock_new(ZMQ_PAIR), zsock_new(ZMQ_PAIR)};
    unsigned rounds[2] = {0};
    struct host_rounds_one ones[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        ones[i] = (struct host_rounds_one){.socket = sockets[i], .fn = count, .arg = &rounds[i]};
        assert_int_equal(host_rounds_add(&ones[i]), CONCLAVE_OK);
    }
    for (int i = 0; i < 100; i++) {
        const unsigned before[] = {rounds[0], rounds[1]};
        host_rounds_hurry();
        assert_true(rounds[0] > before[0]);
        assert_true(rounds[1] > before[1]);
    }
    for (int i = 0; i < 2; i++)
        host_rounds_remove(&ones[i]);
    const unsigned made = rounds[0];
    host_rounds_hurry(); /* nobody is there: it returns */
    assert_int_equal(rounds[0], made);
    for (int i = 0; i < 2; i++)
        zsock_destroy((zsock_t **)(uintptr_t)&sockets[i]);
}

static void
nothing(int signal)
{
    (void)signal;
}

/* A word may be there when a signal comes, for either side. */
static void
a_signal_is_taken_for_no_word(void **state)
{
    const struct sigaction handler = {.sa_handler = nothing}; /* calls end with EINTR */
    const struct itimerval often = {.it_interval = {0, 500}, .it_value = {0, 500}}, never = {0};
    zsock_t *socket = zsock_new(ZMQ_PAIR);
    unsigned rounds = 0;
    struct host_rounds_one one = {.socket = socket, .fn = count, .arg = &rounds};
    sigset_t alarms;
    (void)state;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    assert_int_equal(sigaction(SIGALRM, &handler, NULL), 0);
    assert_int_equal(host_rounds_add(&one), CONCLAVE_OK); /* its thread takes signals, as this one does */
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pthread_sigmask(side == 0 ? SIG_BLOCK : SIG_UNBLOCK, &alarms, NULL), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
        for (int i = 0; i < 20000; i++)
            host_rounds_hurry();
        assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    }
    assert_true(rounds >= 40000);
    host_rounds_remove(&one);
    zsock_destroy(&socket);
}

int
main(void)
{
    zsys_set_logstream(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_hurries_finds_all_rounds_made),
        cmocka_unit_test(a_signal_is_taken_for_no_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
