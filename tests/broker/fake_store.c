/* See fake_store.h. */
#include "tests/broker/fake_store.h"

#include <stdlib.h>

static void *
grow(void *at, size_t bytes)
{
    void *const grown = realloc(at, bytes > 0 ? bytes : 1);

    if (grown == NULL)
        abort();
    return grown;
}

static uint8_t *
copy_of(struct msg_span bytes)
{
    uint8_t *copy = grow(NULL, bytes.len);

    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    return copy;
}

struct record {
    uint8_t *key, *value;
    size_t key_len, value_len;
    uint32_t table;
    bool deleted;           /* in a transaction */
};

struct transaction {
    uint64_t id;
    size_t count;
    struct record *records;
};

struct fake_store {
    struct { struct record *list; size_t count, room; } tables[BROKER_TABLES];
    struct transaction *queue;
    size_t queued;
    struct transaction open;
    uint8_t *lent;
    bool lazy;
};

static void
record_wipe(struct record *record)
{
    free(record->key);
    free(record->value);
}

static void
transaction_wipe(struct transaction *self)
{
    for (size_t i = 0; i < self->count; i++)
        record_wipe(&self->records[i]);
    free(self->records);
    *self = (struct transaction){0};
}

struct fake_store *
fake_store_new(void)
{
    struct fake_store *self = grow(NULL, sizeof *self);

    memset(self, 0, sizeof *self);
    return self;
}

void
fake_store_destroy(struct fake_store **self_p)
{
    struct fake_store *self = *self_p;

    *self_p = NULL;
    if (self == NULL)
        return;
    fake_store_crash(self);
    for (uint32_t table = 0; table < BROKER_TABLES; table++) {
        for (size_t i = 0; i < self->tables[table].count; i++)
            record_wipe(&self->tables[table].list[i]);
        free(self->tables[table].list);
    }
    free(self->lent);
    free(self);
}

void
fake_store_lazy(struct fake_store *self, bool lazy)
{
    self->lazy = lazy;
}

/* The first record whose key is not less than key. */
static size_t
lower(const struct fake_store *self, uint32_t table, struct msg_span key, bool *equal)
{
    size_t low = 0, high = self->tables[table].count;

    *equal = false;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const struct record *record = &self->tables[table].list[middle];
        const size_t n = record->key_len < key.len ? record->key_len : key.len;
        int order = n > 0 ? memcmp(record->key, key.at, n) : 0;
        if (order == 0)
            order = record->key_len < key.len ? -1 : record->key_len > key.len;
        if (order == 0) {
            *equal = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct msg_span
lend(struct fake_store *self, const struct record *record)
{
    const struct msg_span value = {record->value, record->value_len};

    if (self->lazy)
        return value;
    free(self->lent);
    self->lent = copy_of(value);
    return msg_span(self->lent, value.len);
}

static bool
view_get(void *arg, enum broker_table table, struct msg_span key, struct msg_span *value)
{
    struct fake_store *self = arg;
    bool equal;

    const size_t at = lower(self, table, key, &equal);
    if (equal)
        *value = lend(self, &self->tables[table].list[at]);
    return equal;
}

static bool
view_next(void *arg, enum broker_table table, struct msg_span after, struct msg_record_key *key,
          struct msg_span *value)
{
    struct fake_store *self = arg;
    bool equal;

    const size_t at = lower(self, table, after, &equal) + (equal ? 1 : 0);
    if (at >= self->tables[table].count)
        return false;
    const struct record *record = &self->tables[table].list[at];
    key->len = record->key_len;
    memcpy(key->at, record->key, record->key_len);
    *value = lend(self, record);
    return true;
}

struct broker_view
fake_store_view(struct fake_store *self)
{
    return (struct broker_view){self, view_get, view_next};
}

bool
fake_store_take(struct fake_store *self, const struct msg_effects *effects, const struct msg_effect *effect)
{
    struct transaction *open = &self->open;

    if (effect->kind == EFFECT_PUT || effect->kind == EFFECT_DELETE) {
        const struct msg_span key = msg_effects_key(effects, effect);
        struct record record = {.key = copy_of(key), .key_len = key.len, .table = effect->table,
                                .deleted = effect->kind == EFFECT_DELETE};
        if (effect->table >= BROKER_TABLES || key.len > MSG_RECORD_KEY_MAX)
            abort();
        if (!record.deleted) {
            const struct msg_span value = msg_effects_bytes(effects, effect);
            record.value = copy_of(value);
            record.value_len = value.len;
        }
        open->records = grow(open->records, (open->count + 1) * sizeof *open->records);
        open->records[open->count++] = record;
        return true;
    }
    if (effect->kind != EFFECT_STORE)
        return false;
    open->id = effect->id;
    self->queue = grow(self->queue, (self->queued + 1) * sizeof *self->queue);
    self->queue[self->queued++] = *open;
    *open = (struct transaction){0};
    return true;
}

/* Moves the record into its table. */
static void
apply(struct fake_store *self, struct record *record)
{
    bool equal;
    const size_t at = lower(self, record->table, msg_span(record->key, record->key_len), &equal);
    struct record **list = &self->tables[record->table].list;
    size_t *count = &self->tables[record->table].count, *room = &self->tables[record->table].room;

    if (equal)
        record_wipe(&(*list)[at]);
    if (record->deleted) {
        record_wipe(record);
        if (!equal)
            return;
        memmove(&(*list)[at], &(*list)[at + 1], (*count - at - 1) * sizeof **list);
        --*count;
        return;
    }
    if (!equal) {
        if (*count == *room) {
            *room = *room > 0 ? *room * 2 : 64;
            *list = grow(*list, *room * sizeof **list);
        }
        memmove(&(*list)[at + 1], &(*list)[at], (*count - at) * sizeof **list);
        ++*count;
    }
    (*list)[at] = *record;
}

bool
fake_store_commit(struct fake_store *self, uint64_t *id)
{
    if (self->queued == 0)
        return false;
    struct transaction first = self->queue[0];
    memmove(self->queue, self->queue + 1, --self->queued * sizeof *self->queue);
    for (size_t i = 0; i < first.count; i++)
        apply(self, &first.records[i]);
    free(first.records);
    *id = first.id;
    return true;
}

bool
fake_store_refuse(struct fake_store *self, uint64_t *id)
{
    if (self->queued == 0)
        return false;
    struct transaction first = self->queue[0];
    memmove(self->queue, self->queue + 1, --self->queued * sizeof *self->queue);
    *id = first.id;
    transaction_wipe(&first);
    return true;
}

size_t
fake_store_pending(const struct fake_store *self)
{
    return self->queued;
}

void
fake_store_crash(struct fake_store *self)
{
    for (size_t i = 0; i < self->queued; i++)
        transaction_wipe(&self->queue[i]);
    free(self->queue);
    self->queue = NULL;
    self->queued = 0;
    transaction_wipe(&self->open);
}

size_t
fake_store_count(const struct fake_store *self, uint32_t table)
{
    return self->tables[table].count;
}

bool
fake_store_at(const struct fake_store *self, uint32_t table, size_t index, struct msg_span *key,
              struct msg_span *value)
{
    if (index >= self->tables[table].count)
        return false;
    const struct record *record = &self->tables[table].list[index];
    *key = msg_span(record->key, record->key_len);
    *value = msg_span(record->value, record->value_len);
    return true;
}
