/* Claims about broker/worker: when a child that died is started again, and who
 * is told.  That it is forked as it should be is shown by tests/e2e/daemon.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/worker.h"

enum { KILLED = 9 /* as waitpid() gives it */, NOW_MS = 50000 };

/* As if it had been forked at that time. */
static void
run(struct broker_worker *worker, uint64_t now_ms)
{
    worker->pid = 1;
    worker->channel = eventfd(0, EFD_CLOEXEC);
    worker->started_ms = now_ms;
    worker->start_at_ms = BROKER_WORKER_NEVER;
}

/* How long it rests after a life of so many ms. */
static uint64_t
rest_after(struct broker_worker *worker, uint64_t life_ms)
{
    run(worker, NOW_MS);
    broker_worker_died(worker, NOW_MS + life_ms, KILLED);
    assert_int_equal(worker->pid, 0);
    assert_int_equal(worker->channel, -1);
    return worker->start_at_ms - (NOW_MS + life_ms);
}

static void
whoever_dies_is_started_again_at_once(void **state)
{
    struct broker_worker worker;

    (void)state;
    broker_worker_init(&worker, BROKER_ROLE_VAULT, 0);
    assert_int_equal(rest_after(&worker, 10), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(rest_after(&worker, 1000), 0); /* as often as it likes, if it lives a second */
}

static void
quick_deaths_in_a_row_rest_longer_and_longer_up_to_a_bound(void **state)
{
    static const uint64_t rests[] = {0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000};
    struct broker_worker worker;

    (void)state;
    broker_worker_init(&worker, BROKER_ROLE_DOOR, 0);
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++)
        assert_int_equal(rest_after(&worker, 999), rests[i]);
    assert_int_equal(rest_after(&worker, 1000), 0); /* a life, and it is forgotten */
    assert_int_equal(rest_after(&worker, 999), 0);
    assert_int_equal(rest_after(&worker, 999), 100);
}

static void
a_word_reaches_who_runs_and_nobody_else(void **state)
{
    const struct broker_note stop = {.word = BROKER_WORD_STOP};
    struct broker_worker worker;
    struct broker_note heard;
    int ends[2];

    (void)state;
    broker_worker_init(&worker, BROKER_ROLE_FRONT, BROKER_WORKER_NEVER);
    broker_worker_tell(&worker, &stop); /* there is none: nothing happens */
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    worker.channel = ends[0];
    broker_worker_tell(&worker, &stop);
    assert_int_equal(broker_channel_receive(ends[1], &heard), CONCLAVE_OK);
    assert_int_equal(heard.word, BROKER_WORD_STOP);
    close(ends[0]);
    close(ends[1]);
}

static void
each_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(broker_worker_name(BROKER_ROLE_VAULT), "vault");
    assert_string_equal(broker_worker_name(BROKER_ROLE_FRONT), "front");
    assert_string_equal(broker_worker_name(BROKER_ROLE_DOOR), "door");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_dies_is_started_again_at_once),
        cmocka_unit_test(quick_deaths_in_a_row_rest_longer_and_longer_up_to_a_bound),
        cmocka_unit_test(a_word_reaches_who_runs_and_nobody_else),
        cmocka_unit_test(each_has_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
