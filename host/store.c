/* The store's front: checks that its callers keep the contract, and hands on
 * to the backend that was opened.  Used by broker and peer. */
#include "host/store.h"

#include <assert.h>
#include <xxhash.h>

#include "host/store_backend.h"

void
host_store_close(struct host_store **self_p)
{
    struct host_store *self = *self_p;

    if (self == NULL)
        return;
    host_store_rollback(self);
    self->backend->close(self);
    *self_p = NULL;
}

static bool
is_key(const struct host_store *self, uint32_t table, struct msg_span key)
{
    return table < self->tables && key.len > 0 && key.len <= HOST_STORE_KEY_MAX;
}

/* After a failure nothing of the transaction is left, as the header says. */
static enum conclave_err
ended(struct host_store *self, enum conclave_err err)
{
    if (err != CONCLAVE_OK)
        host_store_rollback(self);
    return err;
}

enum conclave_err
host_store_begin(struct host_store *self)
{
    assert(!self->writing);
    const enum conclave_err err = self->backend->begin(self);

    self->writing = err == CONCLAVE_OK;
    return err;
}

enum conclave_err
host_store_put(struct host_store *self, uint32_t table, struct msg_span key, struct msg_span value)
{
    assert(self->writing);
    assert(is_key(self, table, key));
    return ended(self, self->backend->put(self, table, key, value));
}

enum conclave_err
host_store_delete(struct host_store *self, uint32_t table, struct msg_span key)
{
    assert(self->writing);
    assert(is_key(self, table, key));
    return ended(self, self->backend->delete(self, table, key));
}

enum conclave_err
host_store_commit(struct host_store *self)
{
    assert(self->writing);
    const enum conclave_err err = self->backend->commit(self);

    self->writing = false;
    if (err == CONCLAVE_OK)
        self->commits++;
    return err;
}

void
host_store_rollback(struct host_store *self)
{
    if (!self->writing)
        return;
    self->backend->rollback(self);
    self->writing = false;
}

enum conclave_err
host_store_get(struct host_store *self, uint32_t table, struct msg_span key, struct msg_buf *out)
{
    assert(is_key(self, table, key));
    return self->backend->get(self, table, key, out);
}

enum conclave_err
host_store_next(struct host_store *self, uint32_t table, struct msg_span after, struct msg_buf *key,
                struct msg_buf *value)
{
    assert(table < self->tables && after.len <= HOST_STORE_KEY_MAX);
    const size_t key_len = key->len;
    const enum conclave_err err = self->backend->next(self, table, after, key, value);

    if (err != CONCLAVE_OK)
        key->len = key_len;
    return err;
}

enum conclave_err
host_store_each(struct host_store *self, uint32_t table, struct msg_span prefix,
                host_store_each_fn *fn, void *arg)
{
    assert(table < self->tables && prefix.len <= HOST_STORE_KEY_MAX);
    return self->backend->each(self, table, prefix, fn, arg);
}

void
host_store_stat(struct host_store *self, struct host_store_stat *out)
{
    *out = (struct host_store_stat){.commits = self->commits};
    self->backend->stat(self, out);
}

enum conclave_err
host_store_copy(struct msg_buf *out, struct msg_span bytes)
{
    if (bytes.len > out->cap - out->len)
        return CONCLAVE_ERR_SPACE;
    if (bytes.len > 0)
        memcpy(out->at + out->len, bytes.at, bytes.len);
    out->len += bytes.len;
    return CONCLAVE_OK;
}

uint64_t
host_store_sum(uint32_t table, struct msg_span key, struct msg_span value)
{
    const XXH64_hash_t of_key = XXH3_64bits_withSeed(key.at, key.len, table);
    return XXH3_64bits_withSeed(value.at, value.len, of_key);
}
