/* Proves broker/store_view.c over a store in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/store_view.h"
#include "host/log.h"
#include "host/store_backend.h"

struct fixture {
    struct host_store *store;
    struct broker_store_view reading;
    struct broker_view view;
};

/* What a damaged disk does. */
static enum conclave_err
get_nothing(struct host_store *self, uint32_t table, struct msg_span key, struct msg_buf *out)
{
    (void)self;
    (void)table;
    (void)key;
    (void)out;
    return CONCLAVE_ERR_STORE_DAMAGED;
}

static void
put(struct fixture *f, uint32_t table, struct msg_span key, const char *value)
{
    assert_int_equal(host_store_begin(f->store), CONCLAVE_OK);
    assert_int_equal(host_store_put(f->store, table, key, msg_span(value, strlen(value))), CONCLAVE_OK);
    assert_int_equal(host_store_commit(f->store), CONCLAVE_OK);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_int_equal(host_store_open_memory(&f->store, BROKER_TABLES), CONCLAVE_OK);
    f->view = broker_store_view_init(&f->reading, f->store);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    host_store_close(&f->store);
    free(f);
    return 0;
}

static void
expect(struct msg_span value, const char *text)
{
    assert_int_equal(value.len, strlen(text));
    assert_memory_equal(value.at, text, value.len);
}

static void
a_record_is_read_and_a_missing_one_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct msg_span value;

    put(f, BROKER_TABLE_NAMES, msg_span("ada", 3), "one");
    assert_true(f->view.get(f->view.self, BROKER_TABLE_NAMES, msg_span("ada", 3), &value));
    expect(value, "one");
    assert_false(f->view.get(f->view.self, BROKER_TABLE_NAMES, msg_span("bob", 3), &value));
    assert_int_equal(value.len, 0);
    assert_false(f->view.get(f->view.self, BROKER_TABLE_META, msg_span("ada", 3), &value));
}

/* The way that a core walks: the key that was found is where it looks next. */
static void
a_walk_finds_each_record_once_and_in_order(void **state)
{
    static const char *const values[] = {"first", "second", "third"};
    struct fixture *f = *state;
    struct msg_record_key key = {.len = 0};
    struct msg_span value;

    for (uint64_t i = 3; i > 0; i--) {
        const struct msg_record_key at = msg_record_key1(i);
        put(f, BROKER_TABLE_ACCOUNTS, msg_record_key_span(&at), values[i - 1]);
    }
    for (uint64_t i = 1; i <= 3; i++) {
        assert_true(f->view.next(f->view.self, BROKER_TABLE_ACCOUNTS, msg_record_key_span(&key), &key, &value));
        assert_int_equal(msg_record_key_u64(msg_record_key_span(&key), 0), i);
        expect(value, values[i - 1]);
    }
    assert_false(f->view.next(f->view.self, BROKER_TABLE_ACCOUNTS, msg_record_key_span(&key), &key, &value));
    assert_int_equal(msg_record_key_u64(msg_record_key_span(&key), 0), 3); /* as it was */
}

static void
a_key_owns_a_device_a_stranger_does_not_and_a_damaged_disk_is_neither(void **state)
{
    struct fixture *f = *state;
    const struct msg_box_pub key = {{1, 2, 3}}, stranger = {{4}};
    struct host_store_backend damaged = *f->store->backend;
    const struct host_store_backend *sound = f->store->backend;
    struct msg_span value;

    put(f, BROKER_TABLE_OWNERS, msg_span(key.at, sizeof key.at), "whose");
    assert_int_equal(broker_store_view_owner(f->store, &key), CONCLAVE_OK);
    assert_int_equal(broker_store_view_owner(f->store, &stranger), CONCLAVE_ERR_NOT_FOUND);
    damaged.get = get_nothing;
    f->store->backend = &damaged;
    assert_int_equal(broker_store_view_owner(f->store, &key), CONCLAVE_ERR_STORE_DAMAGED);
    assert_false(f->view.get(f->view.self, BROKER_TABLE_OWNERS, msg_span(key.at, sizeof key.at), &value));
    f->store->backend = sound;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_record_is_read_and_a_missing_one_is_not_there),
        CASE(a_walk_finds_each_record_once_and_in_order),
        CASE(a_key_owns_a_device_a_stranger_does_not_and_a_damaged_disk_is_neither),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
