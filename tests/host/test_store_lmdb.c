/* What only a durable store can promise: after a kill, on a damaged file, and
 * when it is full. */
#include "tests/host/stores.h"

#include <signal.h>
#include <sys/wait.h>

#include "host/store_backend.h"

static void
what_was_committed_is_there_after_the_process_was_killed(void **state)
{
    struct fixture *f = *state;
    int done[2], status;
    char byte;

    host_store_close(&f->store);
    assert_int_equal(pipe(done), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct host_store *store = open_dir(f->dir, 16);
        put_one(store, 0, "kept", "yes");
        if (host_store_begin(store) != CONCLAVE_OK
            || host_store_put(store, 0, text("torn"), text("no")) != CONCLAVE_OK
            || write(done[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(done[0], &byte, 1), 1);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(done[0]);
    close(done[1]);
    f->store = open_dir(f->dir, 16);
    expect(f->store, 0, "kept", "yes");
    expect(f->store, 0, "torn", NULL);
    put_one(f->store, 0, "after", "1");
}

static void
fill(struct fixture *f)
{
    char key[32], value[200];

    memset(value, 'v', sizeof value);
    assert_int_equal(host_store_begin(f->store), CONCLAVE_OK);
    for (unsigned i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "key-%05u", i);
        assert_int_equal(host_store_put(f->store, i % 3, text(key), msg_span(value, sizeof value)),
                         CONCLAVE_OK);
    }
    static uint8_t large[9000];
    assert_int_equal(host_store_put(f->store, 0, text("large"), msg_span(large, sizeof large)),
                     CONCLAVE_OK);
    assert_int_equal(host_store_commit(f->store), CONCLAVE_OK);
    host_store_close(&f->store);
}

/* Reads the file, or writes it. */
static size_t
file_bytes(const struct fixture *f, uint8_t *bytes, size_t len, bool write_it)
{
    char path[128];

    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    FILE *file = fopen(path, write_it ? "wb" : "rb");
    assert_non_null(file);
    const size_t n = write_it ? fwrite(bytes, 1, len, file) : fread(bytes, 1, len, file);
    assert_int_equal(fclose(file), 0);
    return n;
}

/* Each record as it was, or an error: never another value, never a crash. */
static bool
open_and_read_all(const struct fixture *f, char *why, size_t why_cap)
{
    struct host_store *store;
    uint8_t bytes[9100];
    char key[32];
    const struct host_store_options options = {
        .dir = f->dir, .map_mib = 16, .tables = 3, .sync = true};
    const enum conclave_err opened = host_store_open(&store, &options, why, why_cap);

    if (opened != CONCLAVE_OK) {
        assert_int_equal(opened, CONCLAVE_ERR_STORE_DAMAGED);
        assert_non_null(strstr(why, "anged")); /* nothing was changed */
        return false;
    }
    for (unsigned i = 0; i < 500; i++) {
        struct msg_buf out = {bytes, 0, sizeof bytes};
        snprintf(key, sizeof key, "key-%05u", i);
        assert_int_equal(host_store_get(store, i % 3, text(key), &out), CONCLAVE_OK);
        assert_int_equal(out.len, 200);
        for (size_t b = 0; b < out.len; b++)
            assert_int_equal(out.at[b], 'v');
    }
    host_store_close(&store);
    return true;
}

static void
a_damaged_file_is_found_at_the_start_and_left_as_it_is(void **state)
{
    struct fixture *f = *state;
    static uint8_t good[1 << 20], bad[1 << 20], now[1 << 20];
    char why[512];
    unsigned found = 0;
    uint64_t seed = 1;

    fill(f);
    const size_t len = file_bytes(f, good, sizeof good, false);
    for (unsigned i = 0; i < 300; i++) {
        memcpy(bad, good, len);
        const size_t at = random_u32(&seed) % len;
        const size_t span = i % 3 == 0 ? 4096 : i % 3 == 1 ? 1 : 16;
        for (size_t b = at; b < len && b < at + span; b++)
            bad[b] ^= (uint8_t)(1 + random_u32(&seed) % 255);
        file_bytes(f, bad, len, true);
        if (open_and_read_all(f, why, sizeof why))
            continue; /* the change was where nothing stands */
        found++;
        assert_int_equal(file_bytes(f, now, sizeof now, false), len);
        assert_memory_equal(now, bad, len);
    }
    assert_true(found > 100);
    file_bytes(f, good, len, true);
    assert_true(open_and_read_all(f, why, sizeof why));
}

static void
damage_under_a_running_store_is_an_error_and_never_another_value(void **state)
{
    struct fixture *f = *state;
    static uint8_t file[1 << 20];
    uint8_t bytes[256];
    char path[128];

    fill(f);
    const size_t len = file_bytes(f, file, sizeof file, false);
    f->store = open_dir(f->dir, 16);
    const uint8_t *at = memmem(file, len, "vvvvvvvv", 8);
    assert_non_null(at);
    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    FILE *to = fopen(path, "r+b");
    assert_non_null(to);
    /* one byte of each value */
    for (const uint8_t *v = at; v != NULL;
         v = memmem(v + 200, len - (size_t)(v + 200 - file), "vvvvvvvv", 8)) {
        assert_int_equal(fseek(to, v - file + 3, SEEK_SET), 0);
        assert_int_equal(fputc('w', to), 'w');
    }
    assert_int_equal(fclose(to), 0);
    struct msg_buf out = {bytes, 0, sizeof bytes};
    assert_int_equal(host_store_get(f->store, 1, text("key-00007"), &out),
                     CONCLAVE_ERR_STORE_DAMAGED);
    assert_int_equal(out.len, 0);
}

static void
a_file_that_was_cut_short_is_found(void **state)
{
    struct fixture *f = *state;
    static uint8_t good[1 << 20], now[1 << 20];
    char why[512];

    fill(f);
    const size_t len = file_bytes(f, good, sizeof good, false);
    for (size_t keep = 0; keep < len - 4096; keep += len / 23) {
        file_bytes(f, good, keep, true);
        assert_false(open_and_read_all(f, why, sizeof why));
        assert_int_equal(file_bytes(f, now, sizeof now, false), keep);
    }
    memset(good, 'x', sizeof good);
    file_bytes(f, good, 10, true);
    assert_false(open_and_read_all(f, why, sizeof why));
}

static void
a_first_start_that_was_interrupted_is_begun_again(void **state)
{
    struct fixture *f = *state;
    char path[128];

    host_store_close(&f->store);
    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/data.mdb.new", f->dir); /* as far as it came */
    FILE *half = fopen(path, "wb");
    assert_non_null(half);
    assert_true(fputs("half", half) >= 0);
    assert_int_equal(fclose(half), 0);
    f->store = open_dir(f->dir, 16);
    put_one(f->store, 0, "k", "v");
    assert_int_equal(access(path, F_OK), -1);
}

static void
a_large_file_is_looked_at_too(void **state)
{
    struct fixture *f = *state;
    static uint8_t good[1 << 20], bad[1 << 20];
    char path[128], why[512];

    fill(f);
    const size_t len = file_bytes(f, good, sizeof good, false);
    memcpy(bad, good, len);
    memset(bad + 2 * 4096, 0xff, len - 2 * 4096); /* all but the metas */
    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    file_bytes(f, bad, len, true);
    assert_int_equal(truncate(path, 1ll << 30), 0); /* a hole */
    assert_int_equal(host_store_check(f->dir, why, sizeof why), CONCLAVE_ERR_STORE_DAMAGED);
    file_bytes(f, good, len, true);
    assert_int_equal(truncate(path, 1ll << 30), 0);
    assert_int_equal(host_store_check(f->dir, why, sizeof why), CONCLAVE_OK);
}

static void
a_commit_to_a_file_that_was_removed_is_none(void **state)
{
    struct fixture *f = *state;
    char path[128];

    put_one(f->store, 0, "before", "1");
    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(host_store_begin(f->store), CONCLAVE_OK);
    assert_int_equal(host_store_put(f->store, 0, text("after"), text("2")), CONCLAVE_OK);
    assert_int_equal(host_store_commit(f->store), CONCLAVE_ERR_STORE_IO);
    expect(f->store, 0, "before", "1");
    assert_int_equal(host_store_begin(f->store), CONCLAVE_OK); /* and it can still say so */
    assert_int_equal(host_store_commit(f->store), CONCLAVE_ERR_STORE_IO);
}

static void
a_full_store_says_so_keeps_what_it_has_and_opens_again(void **state)
{
    struct fixture *f = *state;
    static uint8_t value[60000];
    enum conclave_err err = CONCLAVE_OK;
    unsigned stored = 0;

    host_store_close(&f->store);
    f->store = open_dir(f->dir, 1);
    put_one(f->store, 0, "first", "1");
    while (err == CONCLAVE_OK) {
        const struct msg_record_key key = msg_record_key1(stored);
        assert_int_equal(host_store_begin(f->store), CONCLAVE_OK);
        err = host_store_put(f->store, 1, msg_record_key_span(&key),
                             msg_span(value, sizeof value));
        if (err == CONCLAVE_OK)
            err = host_store_commit(f->store);
        stored += err == CONCLAVE_OK;
    }
    assert_int_equal(err, CONCLAVE_ERR_STORE_FULL);
    assert_in_range(stored, 5, 17);
    expect(f->store, 0, "first", "1");
    host_store_close(&f->store);
    f->store = open_dir(f->dir, 1);
    expect(f->store, 0, "first", "1");
    host_store_close(&f->store);
    f->store = open_dir(f->dir, 4); /* raised, as the sentence says */
    put_one(f->store, 0, "second", "2");
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up_lmdb, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(what_was_committed_is_there_after_the_process_was_killed),
        CLAIM(a_damaged_file_is_found_at_the_start_and_left_as_it_is),
        CLAIM(damage_under_a_running_store_is_an_error_and_never_another_value),
        CLAIM(a_file_that_was_cut_short_is_found),
        CLAIM(a_first_start_that_was_interrupted_is_begun_again),
        CLAIM(a_large_file_is_looked_at_too),
        CLAIM(a_commit_to_a_file_that_was_removed_is_none),
        CLAIM(a_full_store_says_so_keeps_what_it_has_and_opens_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
