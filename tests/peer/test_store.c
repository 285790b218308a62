/* Proves peer/store over both backends: what was committed comes back in the
 * order the core wants, locked to its key and place, also after a kill. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/store.h"
#include "peer/store.h"

static char dir[64];
static const char *where;       /* dir, or NULL: in memory */
static struct peer_store *store;
static const struct msg_sym_key key_a = {{1}};
static const struct msg_sym_key key_b = {{2}};

static void
open_store(void)
{
    char why[512] = "";
    assert_int_equal(peer_store_open(&store, where, why, sizeof why), CONCLAVE_OK);
}

static int
set_up_disk(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_store.XXXXXX");
    assert_non_null(mkdtemp(dir));
    where = dir;
    open_store();
    return 0;
}

static int
set_up_memory(void **state)
{
    (void)state;
    where = NULL;
    open_store();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    char path[128];
    peer_store_close(&store);
    if (where == NULL)
        return 0;
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/lock.mdb", dir);
    unlink(path);
    return rmdir(dir);
}

static struct peer_shelf *
open_shelf(uint64_t number, const struct msg_sym_key *key)
{
    struct peer_shelf *shelf;
    assert_int_equal(peer_shelf_open(&shelf, store, number, key), CONCLAVE_OK);
    return shelf;
}

static void
put(struct peer_shelf *shelf, uint32_t table, uint64_t number, const char *text)
{
    const struct msg_record_key key = msg_record_key1(number);
    peer_shelf_put(shelf, table, msg_record_key_span(&key), msg_span(text, strlen(text)));
}

static void
commit(struct peer_shelf *shelf, uint64_t id)
{
    uint64_t stored;
    peer_shelf_store(shelf, id);
    assert_int_equal(peer_store_commit(store), CONCLAVE_OK);
    assert_true(peer_shelf_stored(shelf, &stored));
    assert_int_equal(stored, id);
    assert_false(peer_shelf_stored(shelf, &stored));
}

/* Writes "TABLE/NUMBER=TEXT " for each record. */
static enum conclave_err
print(void *arg, uint32_t table, struct msg_span key, struct msg_span bytes)
{
    char *const out = arg;
    const size_t len = strlen(out);
    snprintf(out + len, 1024 - len, "%u/%u=%.*s ", (unsigned)table, (unsigned)msg_record_key_u64(key, 0), (int)bytes.len,
             bytes.len > 0 ? (const char *)bytes.at : "");
    return CONCLAVE_OK;
}

static void
assert_restored(struct peer_shelf *shelf, uint64_t shown, const char *expected)
{
    char out[1024] = "";
    assert_int_equal(peer_shelf_restore(shelf, shown, print, out), CONCLAVE_OK);
    assert_string_equal(out, expected);
}

static void
records_come_back_table_by_table_in_the_order_of_their_keys(void **state)
{
    (void)state;
    struct peer_shelf *shelf = open_shelf(0, &key_a);
    put(shelf, PEER_TABLE_OUT, 300, "late");
    put(shelf, PEER_TABLE_OUT, 2, "early");
    put(shelf, PEER_TABLE_SELF, 0, "me");
    put(shelf, PEER_TABLE_CONTACTS, 9, "bob");
    put(shelf, PEER_TABLE_CONTACTS, 9, "bob again");
    put(shelf, PEER_TABLE_DEVICES, 9, "gone");
    const struct msg_record_key nine = msg_record_key1(9);
    peer_shelf_delete(shelf, PEER_TABLE_DEVICES, msg_record_key_span(&nine));
    commit(shelf, 1);
    assert_restored(shelf, 0, "0/0=me 2/9=bob again 4/2=early 4/300=late 7/0= ");
    peer_shelf_close(&shelf);
}

static void
of_the_inbox_come_the_mark_and_what_is_after_it(void **state)
{
    (void)state;
    struct peer_shelf *shelf = open_shelf(1, &key_a);
    struct peer_shelf *other = open_shelf(2, &key_b);
    for (uint64_t i = 1; i <= 4; i++)
        put(shelf, PEER_TABLE_INBOX, i, "hi");
    put(other, PEER_TABLE_INBOX, 1, "not yours");
    peer_shelf_store(other, 1);
    commit(shelf, 1);
    assert_restored(shelf, 0, "7/0= 7/1=hi 7/2=hi 7/3=hi 7/4=hi ");
    assert_restored(shelf, 2, "7/2= 7/3=hi 7/4=hi ");
    assert_restored(shelf, 4, "7/4= ");
    assert_restored(shelf, 9, "7/9= ");
    assert_restored(other, 0, "7/0= 7/1=not yours ");
    peer_shelf_close(&shelf);
    peer_shelf_close(&other);
}

static void
what_was_put_after_the_last_store_is_not_committed(void **state)
{
    (void)state;
    struct peer_shelf *shelf = open_shelf(0, &key_a);
    put(shelf, PEER_TABLE_SELF, 0, "one");
    peer_shelf_store(shelf, 1);
    put(shelf, PEER_TABLE_SELF, 0, "two");
    assert_int_equal(peer_store_commit(store), CONCLAVE_OK);
    assert_restored(shelf, 0, "0/0=one 7/0= ");
    peer_shelf_store(shelf, 2);
    assert_int_equal(peer_store_commit(store), CONCLAVE_OK);
    assert_restored(shelf, 0, "0/0=two 7/0= ");
    peer_shelf_close(&shelf);
}

static void
ids_come_back_in_order_and_only_when_synced(void **state)
{
    (void)state;
    uint64_t id;
    struct peer_shelf *shelf = open_shelf(0, &key_a);
    for (uint64_t i = 1; i <= 20; i++)
        peer_shelf_store(shelf, i);
    assert_int_equal(peer_shelf_waiting(shelf), 20);
    assert_false(peer_shelf_stored(shelf, &id));
    assert_int_equal(peer_store_commit(store), CONCLAVE_OK);
    peer_shelf_store(shelf, 21);
    assert_int_equal(peer_shelf_waiting(shelf), 1);
    assert_true(peer_shelf_stored(shelf, &id));
    assert_int_equal(id, 20);
    assert_false(peer_shelf_stored(shelf, &id));
    peer_shelf_close(&shelf);
}

static void
another_key_opens_nothing(void **state)
{
    (void)state;
    char out[1024] = "";
    struct peer_shelf *shelf = open_shelf(0, &key_a);
    put(shelf, PEER_TABLE_SELF, 0, "me");
    commit(shelf, 1);
    peer_shelf_close(&shelf);
    shelf = open_shelf(0, &key_b);
    assert_int_equal(peer_shelf_restore(shelf, 0, print, out), CONCLAVE_ERR_STORE_DAMAGED);
    assert_string_equal(out, "");
    peer_shelf_close(&shelf);
}

static void
one_shelf_is_open_once(void **state)
{
    (void)state;
    struct peer_shelf *twice;
    struct peer_shelf *shelf = open_shelf(0, &key_a);
    assert_int_equal(peer_shelf_open(&twice, store, 0, &key_a), CONCLAVE_ERR_IN_USE);
    peer_shelf_close(&shelf);
}

static void
instances_keep_their_numbers(void **state)
{
    (void)state;
    uint64_t number;
    assert_int_equal(peer_store_number(store, "", &number), CONCLAVE_OK);
    assert_int_equal(number, 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(peer_store_number(store, "one", &number), CONCLAVE_OK);
        assert_int_equal(number, 1);
        assert_int_equal(peer_store_number(store, "two", &number), CONCLAVE_OK);
        assert_int_equal(number, 2);
    }
}

/* On disk alone. */

static enum conclave_err
steal(void *arg, struct msg_span key, struct msg_span value)
{
    struct msg_buf *const bufs = arg;
    memcpy(bufs[0].at, key.at, bufs[0].len = key.len);
    memcpy(bufs[1].at, value.at, bufs[1].len = value.len);
    return CONCLAVE_OK;
}

static void
nothing_readable_stands_on_disk_and_a_value_is_bound_to_its_place(void **state)
{
    (void)state;
    struct host_store *host;
    char why[512];
    char out[1024] = "";
    uint8_t key_at[256];
    uint8_t value_at[1024];
    struct msg_buf bufs[2] = {{key_at, 0, sizeof key_at}, {value_at, 0, sizeof value_at}};
    struct peer_shelf *shelf = open_shelf(0, &key_a);
    put(shelf, PEER_TABLE_SELF, 0, "a very secret text");
    commit(shelf, 1);
    peer_shelf_close(&shelf);
    peer_store_close(&store);

    const struct host_store_options options = {.dir = dir, .map_mib = 64, .tables = PEER_TABLES + 1, .sync = true};
    assert_int_equal(host_store_open(&host, &options, why, sizeof why), CONCLAVE_OK);
    assert_int_equal(host_store_each(host, PEER_TABLE_SELF, msg_span(NULL, 0), steal, bufs), CONCLAVE_OK);
    assert_null(memmem(value_at, bufs[1].len, "secret", 6));
    key_at[bufs[0].len - 1] ^= 1; /* the same value under another key */
    assert_int_equal(host_store_begin(host), CONCLAVE_OK);
    assert_int_equal(host_store_put(host, PEER_TABLE_SELF, msg_span_of_buf(&bufs[0]), msg_span_of_buf(&bufs[1])), CONCLAVE_OK);
    assert_int_equal(host_store_commit(host), CONCLAVE_OK);
    host_store_close(&host);

    open_store();
    shelf = open_shelf(0, &key_a);
    assert_int_equal(peer_shelf_restore(shelf, 0, print, out), CONCLAVE_ERR_STORE_DAMAGED);
    assert_string_equal(out, "0/0=a very secret text ");
    peer_shelf_close(&shelf);
}

static void
a_killed_process_loses_only_what_was_not_committed(void **state)
{
    (void)state;
    int status;
    peer_store_close(&store);
    const pid_t child = fork();
    if (child == 0) {
        char why[512];
        struct peer_shelf *shelf;
        if (peer_store_open(&store, where, why, sizeof why) != CONCLAVE_OK
            || peer_shelf_open(&shelf, store, 0, &key_a) != CONCLAVE_OK)
            _exit(1);
        put(shelf, PEER_TABLE_OUT, 1, "synced");
        peer_shelf_store(shelf, 1);
        if (peer_store_commit(store) != CONCLAVE_OK)
            _exit(2);
        put(shelf, PEER_TABLE_OUT, 2, "waiting");
        peer_shelf_store(shelf, 2);
        kill(getpid(), SIGKILL);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    open_store();
    struct peer_shelf *shelf = open_shelf(0, &key_a);
    assert_restored(shelf, 0, "4/1=synced 7/0= ");
    peer_shelf_close(&shelf);
}

#define ON_BOTH(test) \
    cmocka_unit_test_setup_teardown(test, set_up_memory, tear_down), cmocka_unit_test_setup_teardown(test, set_up_disk, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(records_come_back_table_by_table_in_the_order_of_their_keys),
        ON_BOTH(of_the_inbox_come_the_mark_and_what_is_after_it),
        ON_BOTH(what_was_put_after_the_last_store_is_not_committed),
        ON_BOTH(ids_come_back_in_order_and_only_when_synced),
        ON_BOTH(another_key_opens_nothing),
        ON_BOTH(one_shelf_is_open_once),
        ON_BOTH(instances_keep_their_numbers),
        cmocka_unit_test_setup_teardown(nothing_readable_stands_on_disk_and_a_value_is_bound_to_its_place, set_up_disk, tear_down),
        cmocka_unit_test_setup_teardown(a_killed_process_loses_only_what_was_not_committed, set_up_disk, tear_down),
    };
    if (msg_keys_init() != CONCLAVE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
