/* The durable store: an LMDB environment with one named database for each
 * table.  A value on disk is 8 bytes of checksum, then the value.  One process
 * opens a directory, once, and never across a fork. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/store_backend.h"

#define READERS 126u /* LMDB's default */
#define LOCK_BYTES 8192 /* what LMDB makes of them */

struct lmdb {
    struct host_store base;
    MDB_env *env;
    MDB_dbi tables[HOST_STORE_TABLES];
    MDB_txn *writer;            /* NULL: none, or it failed; the writer's */
    uint64_t stale;             /* dead readers that were cleared away; of whoever asks for the stat */
    _Atomic(MDB_txn *) idle;    /* a reset read transaction: renewing one is cheaper than making one */
    MDB_cursor *cursors[HOST_STORE_TABLES]; /* of that transaction, which frees them; NULL: not needed yet */
};

static MDB_val
val_of(struct msg_span span)
{
    static uint8_t none;
    const void *at = span.len > 0 ? span.at : &none;
    MDB_val val = {.mv_size = span.len};

    memcpy(&val.mv_data, &at, sizeof at); /* LMDB reads it only, but has no const */
    return val;
}

static struct msg_span
span_of(const MDB_val *val)
{
    return msg_span(val->mv_data, val->mv_size);
}

/* Takes the checksum off a value and checks it. */
static enum conclave_err
open_value(uint32_t table, struct msg_span key, const MDB_val *stored, struct msg_span *value)
{
    uint64_t sum;

    if (stored->mv_size < HOST_STORE_SUM_BYTES)
        return CONCLAVE_ERR_STORE_DAMAGED;
    memcpy(&sum, stored->mv_data, sizeof sum);
    *value = msg_span((const uint8_t *)stored->mv_data + HOST_STORE_SUM_BYTES,
                      stored->mv_size - HOST_STORE_SUM_BYTES);
    return sum == host_store_sum(table, key, *value) ? CONCLAVE_OK : CONCLAVE_ERR_STORE_DAMAGED;
}

static int
begin_read(struct lmdb *self, MDB_txn **txn_p)
{
    MDB_txn *txn = atomic_exchange(&self->idle, NULL);

    if (txn != NULL) {
        const int rc = mdb_txn_renew(txn);
        if (rc == MDB_SUCCESS) {
            *txn_p = txn;
            return rc;
        }
        mdb_txn_abort(txn);
    }
    return mdb_txn_begin(self->env, NULL, MDB_RDONLY, txn_p);
}

static void
end_read(struct lmdb *self, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    txn = atomic_exchange(&self->idle, txn);
    if (txn != NULL)
        mdb_txn_abort(txn);
}

static enum conclave_err
lmdb_begin(struct host_store *base)
{
    struct lmdb *self = (struct lmdb *)base;

    memset(self->cursors, 0, sizeof self->cursors);
    return host_store_err(mdb_txn_begin(self->env, NULL, 0, &self->writer));
}

/* The writer's cursor in a table.  It stays where it was last, and LMDB looks
 * there first: most records go beside the one before. */
static int
writing(struct lmdb *self, uint32_t table, MDB_cursor **cursor)
{
    int rc = MDB_SUCCESS;

    if (self->cursors[table] == NULL)
        rc = mdb_cursor_open(self->writer, self->tables[table], &self->cursors[table]);
    *cursor = self->cursors[table];
    return rc;
}

static enum conclave_err
lmdb_put(struct host_store *base, uint32_t table, struct msg_span key, struct msg_span value)
{
    struct lmdb *self = (struct lmdb *)base;
    const uint64_t sum = host_store_sum(table, key, value);
    MDB_val k = val_of(key), v = {.mv_size = HOST_STORE_SUM_BYTES + value.len};
    MDB_cursor *cursor;

    if (value.len > UINT32_MAX - HOST_STORE_SUM_BYTES)
        return CONCLAVE_ERR_SPACE;
    int rc = writing(self, table, &cursor);
    if (rc == MDB_SUCCESS)
        rc = mdb_cursor_put(cursor, &k, &v, MDB_RESERVE);
    if (rc != MDB_SUCCESS)
        return host_store_err(rc);
    memcpy(v.mv_data, &sum, sizeof sum); /* in its place in the page */
    if (value.len > 0)
        memcpy((uint8_t *)v.mv_data + sizeof sum, value.at, value.len);
    return CONCLAVE_OK;
}

static enum conclave_err
lmdb_delete(struct host_store *base, uint32_t table, struct msg_span key)
{
    struct lmdb *self = (struct lmdb *)base;
    MDB_val k = val_of(key), v;
    MDB_cursor *cursor;

    int rc = writing(self, table, &cursor);
    if (rc == MDB_SUCCESS)
        rc = mdb_cursor_get(cursor, &k, &v, MDB_SET);
    if (rc == MDB_SUCCESS)
        rc = mdb_cursor_del(cursor, 0);
    return rc == MDB_NOTFOUND ? CONCLAVE_OK : host_store_err(rc);
}

static enum conclave_err
lmdb_commit(struct host_store *base)
{
    struct lmdb *self = (struct lmdb *)base;
    MDB_txn *txn = self->writer;

    self->writer = NULL; /* commit frees it, also when it fails */
    /* A file that was removed takes all there is to write, and keeps nothing. */
    struct stat about;
    int fd;
    if (mdb_env_get_fd(self->env, &fd) != MDB_SUCCESS || fstat(fd, &about) != 0 || about.st_nlink == 0) {
        mdb_txn_abort(txn);
        return CONCLAVE_ERR_STORE_IO;
    }
    return host_store_err_write(self->env, mdb_txn_commit(txn));
}

static void
lmdb_rollback(struct host_store *base)
{
    struct lmdb *self = (struct lmdb *)base;

    mdb_txn_abort(self->writer);
    self->writer = NULL;
}

static enum conclave_err
lmdb_get(struct host_store *base, uint32_t table, struct msg_span key, struct msg_buf *out)
{
    struct lmdb *self = (struct lmdb *)base;
    MDB_txn *txn;
    MDB_val k = val_of(key), v;
    struct msg_span value;

    int rc = begin_read(self, &txn);
    if (rc != MDB_SUCCESS)
        return host_store_err(rc);
    rc = mdb_get(txn, self->tables[table], &k, &v);
    enum conclave_err err = host_store_err(rc);
    if (err == CONCLAVE_OK)
        err = open_value(table, key, &v, &value);
    if (err == CONCLAVE_OK)
        err = host_store_copy(out, value);
    end_read(self, txn);
    return err;
}

/* Moves a cursor to the first record whose key is not below `key`, in a
 * transaction that the caller ends whatever comes back. */
static int
seek(MDB_cursor *cursor, struct msg_span key, MDB_val *k, MDB_val *v)
{
    *k = val_of(key);
    return mdb_cursor_get(cursor, k, v, key.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
}

static enum conclave_err
lmdb_next(struct host_store *base, uint32_t table, struct msg_span after, struct msg_buf *key,
          struct msg_buf *value)
{
    struct lmdb *self = (struct lmdb *)base;
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    MDB_val k = {0}, v = {0};
    struct msg_span plain;

    int rc = begin_read(self, &txn);
    if (rc != MDB_SUCCESS)
        return host_store_err(rc);
    rc = mdb_cursor_open(txn, self->tables[table], &cursor);
    if (rc == MDB_SUCCESS)
        rc = seek(cursor, after, &k, &v);
    if (rc == MDB_SUCCESS && after.len > 0 && msg_span_equal(span_of(&k), after))
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    enum conclave_err err = host_store_err(rc);
    if (err == CONCLAVE_OK)
        err = open_value(table, span_of(&k), &v, &plain);
    if (err == CONCLAVE_OK)
        err = host_store_copy(key, span_of(&k));
    if (err == CONCLAVE_OK)
        err = host_store_copy(value, plain);
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    end_read(self, txn);
    return err;
}

static enum conclave_err
lmdb_each(struct host_store *base, uint32_t table, struct msg_span prefix, host_store_each_fn *fn,
          void *arg)
{
    struct lmdb *self = (struct lmdb *)base;
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    MDB_val k = {0}, v = {0};
    struct msg_span plain;
    enum conclave_err err = CONCLAVE_OK;

    int rc = begin_read(self, &txn);
    if (rc != MDB_SUCCESS)
        return host_store_err(rc);
    rc = mdb_cursor_open(txn, self->tables[table], &cursor);
    if (rc == MDB_SUCCESS)
        rc = seek(cursor, prefix, &k, &v);
    while (rc == MDB_SUCCESS && err == CONCLAVE_OK) {
        if (k.mv_size < prefix.len
            || (prefix.len > 0 && memcmp(k.mv_data, prefix.at, prefix.len) != 0))
            break;
        err = open_value(table, span_of(&k), &v, &plain);
        if (err == CONCLAVE_OK)
            err = fn(arg, span_of(&k), plain);
        if (err == CONCLAVE_OK)
            rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    end_read(self, txn);
    if (err == CONCLAVE_OK && rc != MDB_SUCCESS && rc != MDB_NOTFOUND)
        err = host_store_err(rc);
    return err;
}

/* Pages that were used and are free again: LMDB keeps them in a table of its
 * own, each record a list with its length in front. */
#define FREE_LOOKS 4096u

static uint64_t
free_pages(MDB_txn *txn)
{
    const MDB_dbi free_table = 0;
    MDB_cursor *cursor;
    MDB_val k, v;
    uint64_t pages = 0;
    unsigned looks = 0;

    if (mdb_cursor_open(txn, free_table, &cursor) != MDB_SUCCESS)
        return 0;
    while (looks++ < FREE_LOOKS && mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == MDB_SUCCESS) {
        size_t count = 0;
        if (v.mv_size >= sizeof count)
            memcpy(&count, v.mv_data, sizeof count);
        pages += count;
    }
    mdb_cursor_close(cursor);
    return pages;
}

static void
lmdb_stat(struct host_store *base, struct host_store_stat *out)
{
    struct lmdb *self = (struct lmdb *)base;
    MDB_txn *txn;
    MDB_envinfo info;
    MDB_stat stat;

    if (mdb_env_info(self->env, &info) != MDB_SUCCESS || mdb_env_stat(self->env, &stat) != 0)
        return;
    out->map_bytes = info.me_mapsize;
    const uint64_t page_bytes = stat.ms_psize;
    int dead = 0;
    if (mdb_reader_check(self->env, &dead) == MDB_SUCCESS && dead > 0)
        self->stale += (uint64_t)dead;
    out->readers = info.me_numreaders;
    out->stale = self->stale;
    if (begin_read(self, &txn) != MDB_SUCCESS)
        return;
    const uint64_t pages = (uint64_t)info.me_last_pgno + 1, unused = free_pages(txn);
    out->used_bytes = (pages > unused ? pages - unused : 0) * page_bytes;
    for (uint32_t i = 0; i < base->tables; i++)
        if (mdb_stat(txn, self->tables[i], &stat) == MDB_SUCCESS)
            out->records += stat.ms_entries;
    end_read(self, txn);
}

static void
lmdb_close(struct host_store *base)
{
    struct lmdb *self = (struct lmdb *)base;
    MDB_txn *txn = atomic_exchange(&self->idle, NULL);

    if (txn != NULL)
        mdb_txn_abort(txn);
    if (self->env != NULL)
        mdb_env_close(self->env);
    free(self);
}

static const struct host_store_backend lmdb_backend = {
    .close = lmdb_close,
    .begin = lmdb_begin,
    .put = lmdb_put,
    .delete = lmdb_delete,
    .commit = lmdb_commit,
    .rollback = lmdb_rollback,
    .get = lmdb_get,
    .next = lmdb_next,
    .each = lmdb_each,
    .stat = lmdb_stat,
};

/* LMDB copies the names. */
static int
open_tables(struct lmdb *self, MDB_txn *txn)
{
    int rc = MDB_SUCCESS;

    for (uint32_t i = 0; i < self->base.tables && rc == MDB_SUCCESS; i++) {
        char name[HOST_STORE_NAME];
        host_store_table_name(name, i);
        rc = mdb_dbi_open(txn, name, 0, &self->tables[i]);
    }
    return rc;
}

/* Reads the format, and opens the tables; MDB_NOTFOUND when one is missing. */
static int
open_all(struct lmdb *self, uint32_t *format)
{
    MDB_txn *txn;
    MDB_dbi about;
    MDB_val key = {6, (char[]){"format"}}, value;

    int rc = mdb_txn_begin(self->env, NULL, MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS)
        return rc;
    rc = mdb_dbi_open(txn, "about", 0, &about);
    if (rc == MDB_SUCCESS)
        rc = mdb_get(txn, about, &key, &value);
    if (rc == MDB_SUCCESS && value.mv_size == sizeof *format)
        memcpy(format, value.mv_data, sizeof *format);
    if (rc == MDB_SUCCESS && *format == HOST_STORE_FORMAT)
        rc = open_tables(self, txn);
    if (rc == MDB_SUCCESS)
        return mdb_txn_commit(txn); /* keeps the handles */
    mdb_txn_abort(txn);
    return rc;
}

/* Opens what is there without writing, so that a full store opens too; adds
 * the tables that an earlier version did not have. */
static enum conclave_err
prepare(struct lmdb *self, const char *dir, char *why, size_t why_cap)
{
    uint32_t format = HOST_STORE_FORMAT;

    int rc = open_all(self, &format);
    if (rc == MDB_NOTFOUND) {
        rc = host_store_fill(self->env, self->base.tables);
        if (rc == MDB_SUCCESS)
            rc = open_all(self, &format);
    }
    if (format != HOST_STORE_FORMAT) {
        snprintf(why, why_cap,
                 "%s was written by another version of this program (format %u, and this one knows "
                 "%u); install that version again, nothing was changed.",
                 dir, format, HOST_STORE_FORMAT);
        return CONCLAVE_ERR_STORE_DAMAGED;
    }
    if (rc == MDB_SUCCESS)
        return CONCLAVE_OK;
    const enum conclave_err err = host_store_err_write(self->env, rc);
    snprintf(why, why_cap, "%s: %s (%s)", dir, msg_error_sentence(err), mdb_strerror(rc));
    return err;
}

/* LMDB makes its lock file as a hole and writes to it through memory: where the
 * disk has no room for that, the process would end.  So the room is taken
 * first.  Whatever else is wrong with the file LMDB says itself. */
static enum conclave_err
allocate_lock(const char *dir, char *why, size_t why_cap)
{
    char path[4096];
    const int len = snprintf(path, sizeof path, "%s/lock.mdb", dir);
    const int fd = len > 0 && (size_t)len < sizeof path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    const int rc = fd >= 0 ? posix_fallocate(fd, 0, LOCK_BYTES) : errno;

    if (fd >= 0)
        close(fd);
    if (rc != ENOSPC && rc != EDQUOT)
        return CONCLAVE_OK;
    snprintf(why, why_cap, "%s: %s", dir, msg_error_sentence(CONCLAVE_ERR_STORE_FULL));
    return CONCLAVE_ERR_STORE_FULL;
}

enum conclave_err
host_store_open(struct host_store **self_p, const struct host_store_options *options, char *why,
                size_t why_cap)
{
    int dead = 0;

    assert(options->tables > 0 && options->tables <= HOST_STORE_TABLES);
    *self_p = NULL;
    if (why_cap > 0)
        why[0] = '\0';
    enum conclave_err err = host_store_check(options->dir, why, why_cap);
    if (err == CONCLAVE_OK)
        err = allocate_lock(options->dir, why, why_cap);
    if (err == CONCLAVE_OK)
        err = host_store_make(options, why, why_cap);
    if (err != CONCLAVE_OK)
        return err;
    struct lmdb *self = calloc(1, sizeof *self);
    if (self == NULL)
        return CONCLAVE_ERR_SYSTEM;
    self->base.backend = &lmdb_backend;
    self->base.tables = options->tables;
    int rc = mdb_env_create(&self->env);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_mapsize(self->env, (size_t)(options->map_mib << 20));
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_maxdbs(self->env, HOST_STORE_TABLES + 1);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_maxreaders(self->env, READERS);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_open(self->env, options->dir,
                          MDB_NOTLS | (options->sync ? 0u : MDB_NOMETASYNC), 0600);
    if (rc == MDB_SUCCESS)
        rc = mdb_reader_check(self->env, &dead);
    if (rc == MDB_SUCCESS) {
        err = prepare(self, options->dir, why, why_cap);
    } else {
        err = host_store_err(rc);
        snprintf(why, why_cap, "%s: %s (%s)", options->dir, msg_error_sentence(err),
                 mdb_strerror(rc));
    }
    if (err != CONCLAVE_OK) {
        lmdb_close(&self->base);
        return err;
    }
    *self_p = &self->base;
    return CONCLAVE_OK;
}

const char *
host_store_library(void)
{
    static char text[32]; /* the same bytes whoever writes them */
    int major, minor, patch;

    (void)mdb_version(&major, &minor, &patch);
    snprintf(text, sizeof text, "LMDB %d.%d.%d", major, minor, patch);
    return text;
}
