/* A small transactional key-value store with a fixed number of tables: one
 * interface, one conformance suite (tests/host/test_store.c), two backends.
 * LMDB is the durable one; memory serves measurements and the simulator.
 *
 * One writer at a time; readers on any thread.  Records come back sorted by
 * key.  Every value on disk carries a checksum: a damaged one is
 * CONCLAVE_ERR_STORE_DAMAGED, never a wrong value. */
#ifndef HOST_STORE_H
#define HOST_STORE_H

#include "msg/base.h"
#include "msg/error.h"

#define HOST_STORE_TABLES 32u
#define HOST_STORE_KEY_MAX 256u

struct host_store;

struct host_store_options {
    const char *dir;     /* exists, 0700, ours; files data.mdb and lock.mdb */
    uint64_t map_mib;    /* the most it may hold; address space, not disk */
    uint32_t tables;     /* 1 to HOST_STORE_TABLES */
    bool sync;           /* false: a crash of the machine may lose the last commits */
};

/* Opens (and makes, the first time) an LMDB store.  Checks stale readers, the
 * format version, and that it can be written.  STORE_DAMAGED, STORE_FULL,
 * STORE_IO.  `why`, of why_cap bytes, gets the particular sentence. */
enum conclave_err CONCLAVE_CHECK
host_store_open(struct host_store **self_p, const struct host_store_options *options, char *why, size_t why_cap);
enum conclave_err CONCLAVE_CHECK host_store_open_memory(struct host_store **self_p, uint32_t tables);
void host_store_close(struct host_store **self_p);

/* Writing: begin, any number of put and delete, then commit (synced when it
 * returns OK) or rollback.  After an error of put, delete or commit the
 * transaction is rolled back and nothing of it is there. */
enum conclave_err CONCLAVE_CHECK host_store_begin(struct host_store *self);
enum conclave_err CONCLAVE_CHECK host_store_put(struct host_store *self, uint32_t table, struct msg_span key, struct msg_span value);
enum conclave_err CONCLAVE_CHECK host_store_delete(struct host_store *self, uint32_t table, struct msg_span key); /* a missing one is OK */
enum conclave_err CONCLAVE_CHECK host_store_commit(struct host_store *self);
void host_store_rollback(struct host_store *self);

/* Reading what is committed.  The value is copied to *out (appended); NOT_FOUND, SPACE. */
enum conclave_err CONCLAVE_CHECK
host_store_get(struct host_store *self, uint32_t table, struct msg_span key, struct msg_buf *out);

/* The first record whose key is greater than `after` (empty: the first of
 * all): its key is appended to *key and its value to *value.  NOT_FOUND at the end. */
enum conclave_err CONCLAVE_CHECK
host_store_next(struct host_store *self, uint32_t table, struct msg_span after, struct msg_buf *key, struct msg_buf *value);

/* Calls fn for each record whose key begins with prefix, in order, in one
 * snapshot; stops when fn returns an error, which is then returned. */
typedef enum conclave_err host_store_each_fn(void *arg, struct msg_span key, struct msg_span value);
enum conclave_err CONCLAVE_CHECK
host_store_each(struct host_store *self, uint32_t table, struct msg_span prefix, host_store_each_fn *fn, void *arg);

/* used_bytes: without pages that are free again; stale: readers that died without
 * a word and were cleared away, in all. */
struct host_store_stat { uint64_t records; uint64_t used_bytes; uint64_t map_bytes; uint64_t commits; uint64_t readers; uint64_t stale; };
void host_store_stat(struct host_store *self, struct host_store_stat *out);

/* The name and version of the library under the durable store, "LMDB 0.9.24". */
const char *host_store_library(void);

#endif
