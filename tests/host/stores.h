/* A store of one test's own, in memory or in a directory, for the tests of
 * host/store. */
#ifndef TESTS_HOST_STORES_H
#define TESTS_HOST_STORES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/store.h"
#include "msg/step.h"

struct fixture {
    struct host_store *store;
    char dir[64]; /* "": in memory */
    bool durable;
};

static inline struct host_store *
open_dir(const char *dir, uint64_t map_mib)
{
    struct host_store *store;
    char why[512];
    const struct host_store_options options = {
        .dir = dir, .map_mib = map_mib, .tables = 3, .sync = true};

    if (host_store_open(&store, &options, why, sizeof why) != CONCLAVE_OK)
        fail_msg("%s", why);
    return store;
}

static inline int
set_up(void **state, bool durable)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->durable = durable;
    if (durable) {
        snprintf(f->dir, sizeof f->dir, "/tmp/conclave-test-store-XXXXXX");
        if (mkdtemp(f->dir) == NULL)
            return -1;
        f->store = open_dir(f->dir, 16);
    } else if (host_store_open_memory(&f->store, 3) != CONCLAVE_OK) {
        return -1;
    }
    *state = f;
    return 0;
}

static inline int
set_up_memory(void **state)
{
    return set_up(state, false);
}

static inline int
set_up_lmdb(void **state)
{
    return set_up(state, true);
}

static inline int
tear_down(void **state)
{
    struct fixture *f = *state;
    char path[128];

    host_store_close(&f->store);
    assert_null(f->store);
    if (f->durable) {
        snprintf(path, sizeof path, "%s/data.mdb", f->dir);
        unlink(path);
        snprintf(path, sizeof path, "%s/lock.mdb", f->dir);
        unlink(path);
        rmdir(f->dir);
    }
    free(f);
    return 0;
}

static inline struct msg_span
text(const char *z)
{
    return msg_span(z, strlen(z));
}

static inline void
put_one(struct host_store *store, uint32_t table, const char *key, const char *value)
{
    assert_int_equal(host_store_begin(store), CONCLAVE_OK);
    assert_int_equal(host_store_put(store, table, text(key), text(value)), CONCLAVE_OK);
    assert_int_equal(host_store_commit(store), CONCLAVE_OK);
}

static inline void
expect(struct host_store *store, uint32_t table, const char *key, const char *value)
{
    uint8_t bytes[256];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    const enum conclave_err err = host_store_get(store, table, text(key), &out);

    if (value == NULL) {
        assert_int_equal(err, CONCLAVE_ERR_NOT_FOUND);
        assert_int_equal(out.len, 0);
        return;
    }
    assert_int_equal(err, CONCLAVE_OK);
    assert_int_equal(out.len, strlen(value));
    assert_memory_equal(out.at, value, out.len);
}

static inline uint32_t
random_u32(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*seed >> 33);
}

#endif
