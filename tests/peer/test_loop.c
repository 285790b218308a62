/* Proves peer/loop: timers, and one commit for all peers of a turn. */
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "msg/codec.h"
#include "tests/peer/fake_core.h"
#include "tests/told.h"

static void wake(struct msg_effects *out) { msg_effects_wake(out, args.ms); msg_effects_wake(out, 60000); msg_effects_wake(out, UINT64_MAX); }

static void
keep(struct msg_effects *out)
{
    const struct msg_record_key key = msg_record_key1(args.id);
    const struct msg_rec_number record = {.account = args.id};
    msg_effects_put(out, PEER_TABLE_SELF, msg_record_key_span(&key), MSG_REC_NAME, &record);
    msg_effects_store(out, args.id);
}

static void
the_earliest_wake_counts_and_comes_once(void **state)
{
    (void)state;
    const uint64_t start_ms = peer_loop_now_ms();
    args.ms = 400;
    ask(&a, wake);
    args.ms = 20;
    ask(&b, wake);
    UNTIL(b.core->wakes == 1);
    assert_int_equal(a.core->wakes, 0);
    assert_true(peer_loop_now_ms() - start_ms >= 10); /* a wake may come a tick of the clock early */
    UNTIL(a.core->wakes == 1);
    assert_true(peer_loop_now_ms() - start_ms >= 380);
    assert_true(peer_loop_now_ms() - start_ms < 5000);
    assert_int_equal(peer_loop_turn(loop, 30), CONCLAVE_OK);
    assert_int_equal(a.core->wakes, 1);
}

static void
a_peer_without_a_store_hears_stored_in_the_next_turn(void **state)
{
    (void)state;
    args.id = 5;
    ask(&a, keep);
    assert_int_equal(a.core->stored, 0);
    assert_int_equal(peer_loop_turn(loop, 0), CONCLAVE_OK);
    assert_int_equal(a.core->stored, 1);
    assert_int_equal(a.core->stored_ids[0], 5);
}

static void
many_peers_share_one_sync(void **state)
{
    (void)state;
    enum { COUNT = 5 };
    struct peer_store *store;
    struct peer_shelf *shelves[COUNT];
    struct peer peers[COUNT] = {0};
    const struct msg_sym_key key = {{1}};
    char why[512] = "";
    assert_int_equal(peer_store_open(&store, NULL, why, sizeof why), CONCLAVE_OK);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_int_equal(peer_shelf_open(&shelves[i], store, i, &key), CONCLAVE_OK);
        open_peer(&peers[i], shelves[i], false);
    }
    const uint64_t before = peer_store_commits(store);
    for (uint64_t i = 0; i < COUNT; i++) {
        args.id = 10 + i;
        ask(&peers[i], keep);
        args.id = 20 + i;
        ask(&peers[i], keep);
        assert_int_equal(peers[i].core->stored, 0);
    }
    assert_int_equal(peer_loop_turn(loop, 0), CONCLAVE_OK);
    assert_int_equal(peer_store_commits(store), before + 1);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_int_equal(peers[i].core->stored, 1); /* stands for the one before it, too */
        assert_int_equal(peers[i].core->stored_ids[0], 20 + i);
        close_peer(&peers[i]);
        peer_shelf_close(&shelves[i]);
    }
    peer_store_close(&store);
}

static void
a_peer_that_closes_is_told_to_stop_and_its_last_transaction_is_synced(void **state)
{
    (void)state;
    struct peer_store *store;
    struct peer_shelf *shelf;
    struct peer peer = {0};
    const struct msg_sym_key key = {{1}};
    char why[512] = "";
    assert_int_equal(peer_store_open(&store, NULL, why, sizeof why), CONCLAVE_OK);
    assert_int_equal(peer_shelf_open(&shelf, store, 0, &key), CONCLAVE_OK);
    open_peer(&peer, shelf, false);
    args.id = 3;
    ask(&peer, keep);
    close_peer(&peer);
    peer_shelf_close(&shelf);
    assert_int_equal(peer_shelf_open(&shelf, store, 0, &key), CONCLAVE_OK);
    open_peer(&peer, shelf, false);
    assert_int_equal(peer.core->records, 2); /* it, and the mark of the inbox */
    assert_int_equal(peer.core->starts, 1);
    close_peer(&peer);
    peer_shelf_close(&shelf);
    peer_store_close(&store);
}

static size_t
notices(struct peer *peer)
{
    struct msg_span frame;
    enum msg_kind kind;
    union msg_any any;
    size_t count = 0;
    while (peer_tells_take(&peer->tells, &frame)) {
        assert_int_equal(msg_codec_decode(told_frame(frame), &kind, &any), CONCLAVE_OK);
        peer_tells_taken(&peer->tells);
        count += kind == MSG_TELL_NOTICE;
    }
    return count;
}

/* A limit on the size of files stands for a disk that is full. */
static void
let_files_grow(bool may)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = may ? limit.rlim_max : 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
a_full_disk_is_told_once_and_nothing_is_lost(void **state)
{
    (void)state;
    char dir[] = "/tmp/test_loop.XXXXXX";
    char path[64];
    char why[512] = "";
    struct peer_store *store;
    struct peer_shelf *shelf;
    struct peer peer = {0};
    const struct msg_sym_key key = {{1}};
    assert_non_null(mkdtemp(dir));
    assert_int_equal(peer_store_open(&store, dir, why, sizeof why), CONCLAVE_OK);
    assert_int_equal(peer_shelf_open(&shelf, store, 0, &key), CONCLAVE_OK);
    open_peer(&peer, shelf, false);

    signal(SIGXFSZ, SIG_IGN);
    let_files_grow(false);
    args.id = 1;
    ask(&peer, keep);
    const uint64_t retried_ms = peer_loop_now_ms() + 1500; /* it is tried again meanwhile */
    while (peer_loop_now_ms() < retried_ms)
        assert_int_equal(peer_loop_turn(loop, 100), CONCLAVE_OK);
    args.id = 2;
    ask(&peer, keep);
    assert_int_equal(peer_loop_turn(loop, 0), CONCLAVE_OK);
    assert_int_equal(peer.core->stored, 0);
    assert_int_equal(notices(&peer), 1);
    let_files_grow(true);
    UNTIL(peer.core->stored == 1);
    assert_int_equal(peer.core->stored_ids[0], 2);
    close_peer(&peer);
    peer_shelf_close(&shelf);
    peer_store_close(&store);

    assert_int_equal(peer_store_open(&store, dir, why, sizeof why), CONCLAVE_OK);
    assert_int_equal(peer_shelf_open(&shelf, store, 0, &key), CONCLAVE_OK);
    open_peer(&peer, shelf, false);
    assert_int_equal(peer.core->records, 3);
    close_peer(&peer);
    peer_shelf_close(&shelf);
    peer_store_close(&store);
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/lock.mdb", dir);
    unlink(path);
    rmdir(dir);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_earliest_wake_counts_and_comes_once),
        TEST(a_peer_without_a_store_hears_stored_in_the_next_turn),
        TEST(many_peers_share_one_sync),
        TEST(a_peer_that_closes_is_told_to_stop_and_its_last_transaction_is_synced),
        TEST(a_full_disk_is_told_once_and_nothing_is_lost),
    };
    if (msg_keys_init() != CONCLAVE_OK || host_curve_init(1) != CONCLAVE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
