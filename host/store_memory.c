/* The store in memory: for measurements, tests and the simulator.  Nothing of
 * it outlives the process.
 *
 * A table is a sorted list of leaves, each a sorted run of records:
 *
 *     [ leaf | leaf | leaf ]          found by halving on their first keys
 *        |
 *        +-- { head, record } x 64    found by halving; head: 8 bytes of key
 *
 * A key above all others (numbers that grow) goes to the end at once. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "host/store_backend.h"

#define LEAF_MAX 64u

struct record {
    uint32_t key_len;
    uint32_t value_len;
    uint32_t value_cap;
    uint8_t at[]; /* the key, then the value */
};

struct slot {
    uint64_t head; /* the key's first 8 bytes, big-endian, zeros after its end */
    struct record *record;
};

struct leaf {
    uint32_t count;
    struct slot slots[LEAF_MAX];
};

struct table {
    struct leaf **leaves;
    size_t count;
    size_t room;
    uint64_t records;
    uint64_t bytes;
};

/* A write that waits for its commit, in the log; key and value follow it. */
struct pending {
    uint32_t table;
    uint32_t key_len;
    uint32_t value_len;
    uint32_t delete;
};

struct memory {
    struct host_store base;
    pthread_mutex_t lock; /* over the tables; recursive: `each` may read */
    int walking;          /* `each` runs on the thread that holds the lock */
    struct msg_buf log;   /* of the transaction; the writer's */
    struct table tables[HOST_STORE_TABLES];
};

static void *
grown(void *at, size_t size)
{
    void *bigger = realloc(at, size);

    if (bigger == NULL)
        abort(); /* out of memory: there is nothing better to do */
    return bigger;
}

static uint64_t
head_of(struct msg_span key)
{
    uint64_t head = 0;

    if (key.len >= 8) {
        memcpy(&head, key.at, 8);
        return __builtin_bswap64(head);
    }
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (i < key.len ? key.at[i] : 0);
    return head;
}

static struct msg_span
key_of(const struct record *record)
{
    return msg_span(record->at, record->key_len);
}

static struct msg_span
value_of(const struct record *record)
{
    return msg_span(record->at + record->key_len, record->value_len);
}

static int
compare(uint64_t head, struct msg_span key, const struct slot *slot)
{
    if (head != slot->head)
        return head < slot->head ? -1 : 1;
    const struct msg_span other = key_of(slot->record);
    const size_t both = key.len < other.len ? key.len : other.len;
    const int order = both > 0 ? memcmp(key.at, other.at, both) : 0;

    if (order != 0)
        return order;
    return key.len < other.len ? -1 : key.len > other.len;
}

struct place {
    size_t leaf;
    uint32_t slot;
    bool found;
};

/* Where the key stands, or where it would: always in a leaf, when there is
 * one, and perhaps behind its last slot. */
static struct place
find(const struct table *table, struct msg_span key)
{
    const uint64_t head = head_of(key);
    size_t low = 0, high = table->count;

    if (table->count == 0)
        return (struct place){0, 0, false};
    const struct leaf *last = table->leaves[table->count - 1];
    const int order = compare(head, key, &last->slots[last->count - 1]);
    if (order >= 0)
        return (struct place){table->count - 1, order > 0 ? last->count : last->count - 1,
                              order == 0};
    while (high - low > 1) { /* the last leaf whose first key is not above */
        const size_t middle = low + (high - low) / 2;
        if (compare(head, key, &table->leaves[middle]->slots[0]) >= 0)
            low = middle;
        else
            high = middle;
    }
    const struct leaf *leaf = table->leaves[low];
    uint32_t from = 0, to = leaf->count;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        const int at = compare(head, key, &leaf->slots[middle]);
        if (at == 0)
            return (struct place){low, middle, true};
        if (at > 0)
            from = middle + 1;
        else
            to = middle;
    }
    return (struct place){low, from, false};
}

static void
insert_leaf(struct table *table, size_t at, struct leaf *leaf)
{
    if (table->count == table->room) {
        table->room = table->room > 0 ? 2 * table->room : 16;
        table->leaves = grown(table->leaves, table->room * sizeof *table->leaves);
    }
    memmove(table->leaves + at + 1, table->leaves + at,
            (table->count - at) * sizeof *table->leaves);
    table->leaves[at] = leaf;
    table->count++;
}

static struct leaf *
new_leaf(void)
{
    struct leaf *leaf = grown(NULL, sizeof *leaf);

    leaf->count = 0;
    return leaf;
}

/* Makes room in a full leaf; at the end of the table a fresh leaf, so that
 * keys that grow leave full leaves behind. */
static struct place
split(struct table *table, struct place place)
{
    struct leaf *leaf = table->leaves[place.leaf];
    struct leaf *right = new_leaf();
    const uint32_t keep =
        place.leaf + 1 == table->count && place.slot == LEAF_MAX ? LEAF_MAX : LEAF_MAX / 2;

    right->count = LEAF_MAX - keep;
    memcpy(right->slots, leaf->slots + keep, right->count * sizeof *right->slots);
    leaf->count = keep;
    insert_leaf(table, place.leaf + 1, right);
    if (place.slot > keep || (place.slot == keep && keep == LEAF_MAX))
        return (struct place){place.leaf + 1, place.slot - keep, false};
    return place;
}

static struct record *
new_record(struct msg_span key, struct msg_span value)
{
    struct record *record = grown(NULL, sizeof *record + key.len + value.len);

    record->key_len = (uint32_t)key.len;
    record->value_len = record->value_cap = (uint32_t)value.len;
    memcpy(record->at, key.at, key.len);
    if (value.len > 0)
        memcpy(record->at + key.len, value.at, value.len);
    return record;
}

static void
put(struct table *table, struct msg_span key, struct msg_span value)
{
    struct place place = find(table, key);

    if (place.found) {
        struct slot *slot = &table->leaves[place.leaf]->slots[place.slot];
        table->bytes += value.len;
        table->bytes -= slot->record->value_len;
        if (value.len > slot->record->value_cap) {
            free(slot->record);
            slot->record = new_record(key, value);
            return;
        }
        slot->record->value_len = (uint32_t)value.len;
        if (value.len > 0)
            memcpy(slot->record->at + key.len, value.at, value.len);
        return;
    }
    if (table->count == 0)
        insert_leaf(table, 0, new_leaf());
    if (table->leaves[place.leaf]->count == LEAF_MAX)
        place = split(table, place);
    struct leaf *leaf = table->leaves[place.leaf];
    memmove(leaf->slots + place.slot + 1, leaf->slots + place.slot,
            (leaf->count - place.slot) * sizeof *leaf->slots);
    leaf->slots[place.slot] = (struct slot){head_of(key), new_record(key, value)};
    leaf->count++;
    table->records++;
    table->bytes += key.len + value.len;
}

/* Leaves that ran low are joined with the next one, so that deletes at random
 * do not leave a directory of nearly empty leaves. */
static void
tidy(struct table *table, size_t at)
{
    struct leaf *leaf = table->leaves[at];

    if (leaf->count > 0) {
        if (at + 1 >= table->count || leaf->count + table->leaves[at + 1]->count > LEAF_MAX / 2)
            return;
        struct leaf *next = table->leaves[at + 1];
        memcpy(leaf->slots + leaf->count, next->slots, next->count * sizeof *leaf->slots);
        leaf->count += next->count;
        at++;
    }
    free(table->leaves[at]);
    table->count--;
    memmove(table->leaves + at, table->leaves + at + 1,
            (table->count - at) * sizeof *table->leaves);
}

static void
delete(struct table *table, struct msg_span key)
{
    const struct place place = find(table, key);

    if (!place.found)
        return;
    struct leaf *leaf = table->leaves[place.leaf];
    struct record *record = leaf->slots[place.slot].record;
    table->records--;
    table->bytes -= record->key_len + record->value_len;
    free(record);
    leaf->count--;
    memmove(leaf->slots + place.slot, leaf->slots + place.slot + 1,
            (leaf->count - place.slot) * sizeof *leaf->slots);
    tidy(table, place.leaf);
}

static enum conclave_err
memory_begin(struct host_store *base)
{
    ((struct memory *)base)->log.len = 0;
    return CONCLAVE_OK;
}

static enum conclave_err
log_write(struct memory *self, const struct pending *pending, struct msg_span key,
          struct msg_span value)
{
    const size_t need = sizeof *pending + key.len + value.len;

    if (value.len > UINT32_MAX)
        return CONCLAVE_ERR_SPACE;
    if (need > self->log.cap - self->log.len) {
        self->log.cap = 2 * (self->log.cap + need);
        self->log.at = grown(self->log.at, self->log.cap);
    }
    uint8_t *at = self->log.at + self->log.len;
    memcpy(at, pending, sizeof *pending);
    memcpy(at + sizeof *pending, key.at, key.len);
    if (value.len > 0)
        memcpy(at + sizeof *pending + key.len, value.at, value.len);
    self->log.len += need;
    return CONCLAVE_OK;
}

static enum conclave_err
memory_put(struct host_store *base, uint32_t table, struct msg_span key, struct msg_span value)
{
    const struct pending pending = {table, (uint32_t)key.len, (uint32_t)value.len, 0};

    return log_write((struct memory *)base, &pending, key, value);
}

static enum conclave_err
memory_delete(struct host_store *base, uint32_t table, struct msg_span key)
{
    const struct pending pending = {table, (uint32_t)key.len, 0, 1};

    return log_write((struct memory *)base, &pending, key, msg_span(NULL, 0));
}

static enum conclave_err
memory_commit(struct host_store *base)
{
    struct memory *self = (struct memory *)base;
    const uint8_t *at = self->log.at, *end = at + self->log.len;

    pthread_mutex_lock(&self->lock);
    assert(self->walking == 0); /* `each` must not commit */
    while (at != end) {
        struct pending pending;
        memcpy(&pending, at, sizeof pending);
        at += sizeof pending;
        const struct msg_span key = msg_span(at, pending.key_len);
        at += pending.key_len;
        if (pending.delete)
            delete(&self->tables[pending.table], key);
        else
            put(&self->tables[pending.table], key, msg_span(at, pending.value_len));
        at += pending.value_len;
    }
    self->log.len = 0;
    pthread_mutex_unlock(&self->lock);
    return CONCLAVE_OK;
}

static void
memory_rollback(struct host_store *base)
{
    ((struct memory *)base)->log.len = 0;
}

static enum conclave_err
memory_get(struct host_store *base, uint32_t table, struct msg_span key, struct msg_buf *out)
{
    struct memory *self = (struct memory *)base;
    enum conclave_err err = CONCLAVE_ERR_NOT_FOUND;

    pthread_mutex_lock(&self->lock);
    const struct place place = find(&self->tables[table], key);
    if (place.found)
        err = host_store_copy(
            out, value_of(self->tables[table].leaves[place.leaf]->slots[place.slot].record));
    pthread_mutex_unlock(&self->lock);
    return err;
}

/* The record at a place, or the first of the next leaf; NULL at the end. */
static const struct record *
settle(const struct table *table, struct place *place)
{
    if (place->leaf < table->count && place->slot == table->leaves[place->leaf]->count) {
        place->leaf++;
        place->slot = 0;
    }
    if (place->leaf >= table->count)
        return NULL;
    return table->leaves[place->leaf]->slots[place->slot].record;
}

static enum conclave_err
memory_next(struct host_store *base, uint32_t table, struct msg_span after, struct msg_buf *key,
            struct msg_buf *value)
{
    struct memory *self = (struct memory *)base;
    enum conclave_err err = CONCLAVE_ERR_NOT_FOUND;

    pthread_mutex_lock(&self->lock);
    struct place place = find(&self->tables[table], after);
    place.slot += place.found;
    const struct record *record = settle(&self->tables[table], &place);
    if (record != NULL) {
        err = host_store_copy(key, key_of(record));
        if (err == CONCLAVE_OK)
            err = host_store_copy(value, value_of(record));
    }
    pthread_mutex_unlock(&self->lock);
    return err;
}

static enum conclave_err
memory_each(struct host_store *base, uint32_t table, struct msg_span prefix, host_store_each_fn *fn,
            void *arg)
{
    struct memory *self = (struct memory *)base;
    enum conclave_err err = CONCLAVE_OK;
    const struct record *record;

    pthread_mutex_lock(&self->lock);
    self->walking++;
    struct place place = find(&self->tables[table], prefix);
    for (; err == CONCLAVE_OK; place.slot++) {
        record = settle(&self->tables[table], &place);
        if (record == NULL || record->key_len < prefix.len
            || (prefix.len > 0 && memcmp(record->at, prefix.at, prefix.len) != 0))
            break;
        err = fn(arg, key_of(record), value_of(record));
    }
    self->walking--;
    pthread_mutex_unlock(&self->lock);
    return err;
}

static void
memory_stat(struct host_store *base, struct host_store_stat *out)
{
    struct memory *self = (struct memory *)base;

    pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < base->tables; i++) {
        out->records += self->tables[i].records;
        out->used_bytes += self->tables[i].bytes;
    }
    pthread_mutex_unlock(&self->lock);
}

static void
memory_close(struct host_store *base)
{
    struct memory *self = (struct memory *)base;

    for (uint32_t t = 0; t < base->tables; t++) {
        for (size_t l = 0; l < self->tables[t].count; l++) {
            for (uint32_t s = 0; s < self->tables[t].leaves[l]->count; s++)
                free(self->tables[t].leaves[l]->slots[s].record);
            free(self->tables[t].leaves[l]);
        }
        free(self->tables[t].leaves);
    }
    free(self->log.at);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static const struct host_store_backend memory_backend = {
    .close = memory_close,
    .begin = memory_begin,
    .put = memory_put,
    .delete = memory_delete,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .get = memory_get,
    .next = memory_next,
    .each = memory_each,
    .stat = memory_stat,
};

enum conclave_err
host_store_open_memory(struct host_store **self_p, uint32_t tables)
{
    pthread_mutexattr_t attr;

    assert(tables > 0 && tables <= HOST_STORE_TABLES);
    *self_p = NULL;
    struct memory *self = calloc(1, sizeof *self);
    if (self == NULL)
        return CONCLAVE_ERR_SYSTEM;
    self->base.backend = &memory_backend;
    self->base.tables = tables;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&self->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    *self_p = &self->base;
    return CONCLAVE_OK;
}
