/* Proves broker/store.c, over a store in memory and over one that fails when
 * it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/store.h"
#include "broker/tables/view.h"
#include "host/curve.h"
#include "host/log.h"
#include "host/store_backend.h"

enum { WAIT_MS = 20000 };

struct fixture {
    struct host_store *store;
    struct broker_store *writer;
    struct msg_effects effects;
};

/* The store's own commit, and whether ours fails in its place. */
static struct host_store_backend failing;
static enum conclave_err (*real_commit)(struct host_store *self);
static enum conclave_err (*real_put)(struct host_store *self, uint32_t table, struct msg_span key,
                                     struct msg_span value);
static _Atomic int fails;
static _Atomic uint64_t poison; /* what holds this number is never committed; 0: none */

static _Atomic bool hangs; /* a commit does, as long as this stands */

static bool poisoned; /* the open transaction; the actor's */

static enum conclave_err
put_and_look(struct host_store *self, uint32_t table, struct msg_span key, struct msg_span value)
{
    poisoned |= poison != 0 && msg_record_key_u64(key, 0) == poison;
    return real_put(self, table, key, value);
}

static enum conclave_err
commit_or_fail(struct host_store *self)
{
    while (hangs)
        zmq_poll(NULL, 0, 1);
    if (fails > 0 || poisoned) {
        fails -= fails > 0;
        poisoned = false;
        self->backend->rollback(self);
        return CONCLAVE_ERR_STORE_FULL;
    }
    return real_commit(self);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_int_equal(host_store_open_memory(&f->store, BROKER_TABLES), CONCLAVE_OK);
    failing = *f->store->backend;
    real_commit = failing.commit;
    real_put = failing.put;
    failing.commit = commit_or_fail;
    failing.put = put_and_look;
    f->store->backend = &failing;
    fails = 0;
    poison = 0;
    msg_effects_init(&f->effects);
    assert_int_equal(broker_store_start(&f->writer, f->store), CONCLAVE_OK);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    hangs = false; /* a test that failed may leave it so */
    broker_store_stop(&f->writer, WAIT_MS);
    host_store_close(&f->store);
    msg_effects_wipe(&f->effects);
    free(f);
    return 0;
}

/* One transaction of one record: its number under its number. */
static void
put(struct fixture *f, uint64_t number)
{
    const struct msg_record_key key = msg_record_key1(number);
    const struct msg_rec_number record = {number};

    msg_effects_clear(&f->effects);
    msg_effects_put(&f->effects, BROKER_TABLE_NAMES, msg_record_key_span(&key), MSG_REC_NAME, &record);
    broker_store_gather(f->writer, &f->effects, &f->effects.list[0]);
    broker_store_commit(f->writer, number);
}

static bool
is_there(struct fixture *f, uint64_t number)
{
    const struct msg_record_key key = msg_record_key1(number);
    uint8_t bytes[64];
    struct msg_buf out = {bytes, 0, sizeof bytes};

    return host_store_get(f->store, BROKER_TABLE_NAMES, msg_record_key_span(&key), &out)
           == CONCLAVE_OK;
}

static uint64_t
next_answer(struct fixture *f, enum conclave_err *err)
{
    zmq_pollitem_t item = {zsock_resolve(broker_store_socket(f->writer)), 0, ZMQ_POLLIN, 0};
    uint64_t id;

    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    assert_true(broker_store_answer(f->writer, &id, err));
    return id;
}

static uint64_t
next_synced(struct fixture *f)
{
    enum conclave_err err;
    const uint64_t id = next_answer(f, &err);

    assert_int_equal(err, CONCLAVE_OK);
    return id;
}

static void
each_transaction_is_said_to_be_synced_once_in_order_and_is_there(void **state)
{
    struct fixture *f = *state;

    for (uint64_t i = 1; i <= 5000; i++)
        put(f, i);
    for (uint64_t i = 1; i <= 5000; i++) {
        assert_int_equal(next_synced(f), i);
        assert_true(is_there(f, i));
    }
    assert_int_equal(broker_store_waiting(f->writer), 0);
}

static void
what_waits_is_committed_in_groups(void **state)
{
    struct fixture *f = *state;
    struct host_store_stat stat;

    for (uint64_t i = 1; i <= 5000; i++)
        put(f, i);
    while (next_synced(f) != 5000)
        ;
    host_store_stat(f->store, &stat);
    assert_in_range(stat.commits, 5, 4000); /* no more than about 1000 in each */
}

static void
an_empty_transaction_is_synced_too(void **state)
{
    struct fixture *f = *state;

    broker_store_commit(f->writer, 7);
    assert_int_equal(next_synced(f), 7);
}

static void
a_transaction_that_fails_is_said_to_have_failed_and_nothing_of_it_is_there(void **state)
{
    struct fixture *f = *state;
    enum conclave_err err;

    fails = 2; /* should it be tried again */
    put(f, 1);
    assert_int_equal(next_answer(f, &err), 1);
    assert_int_equal(err, CONCLAVE_ERR_STORE_FULL);
    assert_false(is_there(f, 1));
    assert_int_equal(broker_store_waiting(f->writer), 0);
    fails = 0;
    put(f, 2); /* it recovers by itself */
    assert_int_equal(next_synced(f), 2);
    assert_true(is_there(f, 2));
    assert_false(is_there(f, 1));
}

static void
one_that_cannot_be_stored_does_not_take_others_down(void **state)
{
    struct fixture *f = *state;
    enum conclave_err err;

    poison = 300;
    for (uint64_t i = 1; i <= 600; i++)
        put(f, i);
    for (uint64_t i = 1; i <= 600; i++) {
        assert_int_equal(next_answer(f, &err), i); /* in order */
        assert_int_equal(err, i == 300 ? CONCLAVE_ERR_STORE_FULL : CONCLAVE_OK);
        assert_int_equal(is_there(f, i), i != 300);
    }
}

static void
stopping_commits_what_waits(void **state)
{
    struct fixture *f = *state;

    for (uint64_t i = 1; i <= 100; i++)
        put(f, i);
    broker_store_stop(&f->writer, WAIT_MS);
    assert_true(is_there(f, 1));
    assert_true(is_there(f, 100));
}

static int
begin(void **state)
{
    (void)state;
    return host_curve_init(1) == CONCLAVE_OK
                   && host_log_open("test", HOST_LOG_FILE, "/dev/null", MSG_LOG_ERROR)
                          == CONCLAVE_OK
               ? 0
               : -1;
}

/* Nobody has to look meanwhile. */
static void
a_store_that_hangs_is_silent_from_when_it_was_given_something(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(broker_store_silent_ms(f->writer), 0);
    put(f, 1);
    assert_int_equal(next_synced(f), 1);
    assert_int_equal(broker_store_silent_ms(f->writer), 0);
    zmq_poll(NULL, 0, 30); /* that nothing waits is no silence */
    hangs = true;
    const int64_t before_ms = zclock_mono();
    put(f, 2);
    const uint64_t silent_ms = broker_store_silent_ms(f->writer);
    assert_true(silent_ms <= (uint64_t)(zclock_mono() - before_ms) + 1);
    put(f, 3);
    while (broker_store_silent_ms(f->writer) < 50)
        zmq_poll(NULL, 0, 1);
    hangs = false;
    assert_int_equal(next_synced(f), 2);
    assert_int_equal(next_synced(f), 3);
    assert_int_equal(broker_store_silent_ms(f->writer), 0);
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(each_transaction_is_said_to_be_synced_once_in_order_and_is_there),
        CLAIM(what_waits_is_committed_in_groups),
        CLAIM(an_empty_transaction_is_synced_too),
        CLAIM(a_transaction_that_fails_is_said_to_have_failed_and_nothing_of_it_is_there),
        CLAIM(one_that_cannot_be_stored_does_not_take_others_down),
        CLAIM(stopping_commits_what_waits),
        CLAIM(a_store_that_hangs_is_silent_from_when_it_was_given_something),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
