/* The peer's records: gathered in memory, locked, committed for all peers of
 * the process at once. */
#include "peer/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/store.h"
#include "msg/codec.h"

#define INSTANCES PEER_TABLES           /* our own table: "/" + name -> REC_INSTANCE */
#define MAP_MIB 4096u                   /* address space, not disk */
#define VALUE_MAX (MSG_FRAME_MAX + MSG_LOCK_BYTES)
#define NUMBER_BYTES 8u                 /* of the instance, before each record key */
#define KEPT_BYTES 65536u               /* a larger log gives its memory back when empty */

struct peer_store {
    struct host_store *host;
    struct peer_shelf *shelves;
    uint8_t plain[VALUE_MAX];
    uint8_t locked[VALUE_MAX];
};

/* In the log: this, then the key with its instance, then the locked value. */
struct op {
    uint32_t table;
    uint32_t key_len;
    uint32_t value_len;
    uint32_t put;               /* 0: a deletion */
};

struct peer_shelf {
    struct peer_store *store;
    struct peer_shelf *next;
    uint64_t number;
    struct msg_sym_key key;
    uint8_t *log;
    size_t log_len;
    size_t log_cap;
    size_t ended;               /* bytes of the log that belong to stored transactions */
    uint64_t *ids;              /* of transactions: first those that are synced */
    size_t ids_count;
    size_t ids_room;
    size_t synced;
};

/* The record key as it stands on disk, and what a value is bound to. */
struct place { uint8_t table; uint8_t at[NUMBER_BYTES + HOST_STORE_KEY_MAX]; size_t len; };

static struct place
place_of(const struct peer_shelf *self, uint32_t table, struct msg_span key)
{
    struct place place = {.table = (uint8_t)table};
    assert(key.len <= HOST_STORE_KEY_MAX - NUMBER_BYTES);
    for (size_t i = 0; i < NUMBER_BYTES; i++)
        place.at[i] = (uint8_t)(self->number >> (56 - 8 * i));
    if (key.len > 0)
        memcpy(place.at + NUMBER_BYTES, key.at, key.len);
    place.len = NUMBER_BYTES + key.len;
    return place;
}

static struct msg_span
place_key(const struct place *place)
{
    return msg_span(place->at, place->len);
}

static struct msg_span
place_about(const struct place *place)
{
    static_assert(offsetof(struct place, at) == 1, "table and key are one run of bytes");
    return msg_span(&place->table, 1 + place->len);
}

enum conclave_err
peer_store_open(struct peer_store **self_p, const char *dir, char *why, size_t why_cap)
{
    struct peer_store *self = calloc(1, sizeof *self);
    *self_p = NULL;
    if (self == NULL)
        abort();
    if (why_cap > 0)
        why[0] = '\0';
    enum conclave_err err;
    if (dir == NULL) {
        err = host_store_open_memory(&self->host, PEER_TABLES + 1);
    } else {
        const struct host_store_options options = {.dir = dir, .map_mib = MAP_MIB, .tables = PEER_TABLES + 1, .sync = true};
        err = host_store_open(&self->host, &options, why, why_cap);
    }
    if (err != CONCLAVE_OK) {
        free(self);
        return err;
    }
    *self_p = self;
    return CONCLAVE_OK;
}

void
peer_store_close(struct peer_store **self_p)
{
    struct peer_store *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    assert(self->shelves == NULL);
    host_store_close(&self->host);
    msg_keys_wipe(self, sizeof *self);
    free(self);
}

static enum conclave_err
count_instance(void *arg, struct msg_span key, struct msg_span value)
{
    (void)key;
    (void)value;
    ++*(uint64_t *)arg;
    return CONCLAVE_OK;
}

enum conclave_err
peer_store_number(struct peer_store *self, const char *instance, uint64_t *number)
{
    char key[HOST_STORE_KEY_MAX];
    *number = 0;
    if (instance[0] == '\0')
        return CONCLAVE_OK;
    const int len = snprintf(key, sizeof key, "/%s", instance);
    if (len < 0 || (size_t)len >= sizeof key)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    const struct msg_span at = msg_span(key, (size_t)len);

    struct msg_buf buf = {self->plain, 0, sizeof self->plain};
    enum conclave_err err = host_store_get(self->host, INSTANCES, at, &buf);
    if (err == CONCLAVE_OK) {
        enum msg_kind kind;
        union msg_any any;
        if (msg_codec_decode(msg_span_of_buf(&buf), &kind, &any) != CONCLAVE_OK || kind != MSG_REC_INSTANCE)
            return CONCLAVE_ERR_STORE_DAMAGED;
        *number = any.MSG_ANY_REC_INSTANCE.number;
        return CONCLAVE_OK;
    }
    if (err != CONCLAVE_ERR_NOT_FOUND)
        return err;

    struct msg_rec_instance record = {.number = 1}; /* none is ever removed, so the count is free */
    err = host_store_each(self->host, INSTANCES, msg_span("/", 1), count_instance, &record.number);
    if (err != CONCLAVE_OK)
        return err;
    buf.len = 0;
    err = msg_codec_encode(&buf, MSG_REC_INSTANCE, &record);
    if (err == CONCLAVE_OK)
        err = host_store_begin(self->host);
    if (err == CONCLAVE_OK)
        err = host_store_put(self->host, INSTANCES, at, msg_span_of_buf(&buf));
    if (err == CONCLAVE_OK)
        err = host_store_commit(self->host);
    if (err == CONCLAVE_OK)
        *number = record.number;
    return err;
}

enum conclave_err
peer_shelf_open(struct peer_shelf **self_p, struct peer_store *store, uint64_t number, const struct msg_sym_key *key)
{
    *self_p = NULL;
    for (const struct peer_shelf *shelf = store->shelves; shelf != NULL; shelf = shelf->next) {
        if (shelf->number == number)
            return CONCLAVE_ERR_IN_USE;
    }
    struct peer_shelf *self = calloc(1, sizeof *self);
    if (self == NULL)
        abort();
    self->store = store;
    self->number = number;
    self->key = *key;
    self->next = store->shelves;
    store->shelves = self;
    *self_p = self;
    return CONCLAVE_OK;
}

void
peer_shelf_close(struct peer_shelf **self_p)
{
    struct peer_shelf *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    struct peer_shelf **at = &self->store->shelves;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    free(self->log); /* locked: no secret */
    free(self->ids);
    msg_keys_wipe(self, sizeof *self);
    free(self);
}

/* Unlocks a value into the store's plain buffer. */
static enum conclave_err
open_value(struct peer_shelf *self, uint32_t table, struct msg_span key, struct msg_span value, struct msg_buf *out)
{
    const struct place place = {.table = (uint8_t)table};
    struct place bound = place;
    if (key.len > sizeof bound.at)
        return CONCLAVE_ERR_STORE_DAMAGED;
    memcpy(bound.at, key.at, key.len);
    bound.len = key.len;
    const enum conclave_err err = msg_keys_unlock(out, value, place_about(&bound), &self->key);
    return err == CONCLAVE_OK ? CONCLAVE_OK : CONCLAVE_ERR_STORE_DAMAGED;
}

enum conclave_err
peer_shelf_get(struct peer_shelf *self, uint32_t table, struct msg_span key, struct msg_buf *out)
{
    const struct place place = place_of(self, table, key);
    struct msg_buf locked = {self->store->locked, 0, sizeof self->store->locked};
    const enum conclave_err err = host_store_get(self->store->host, table, place_key(&place), &locked);
    if (err != CONCLAVE_OK)
        return err == CONCLAVE_ERR_SPACE ? CONCLAVE_ERR_STORE_DAMAGED : err;
    return open_value(self, table, place_key(&place), msg_span_of_buf(&locked), out);
}

struct restore { struct peer_shelf *shelf; uint32_t table; peer_shelf_record_fn *fn; void *arg; };

static enum conclave_err
restore_one(void *arg, struct msg_span key, struct msg_span value)
{
    const struct restore *const restore = arg;
    struct peer_store *const store = restore->shelf->store;
    struct msg_buf plain = {store->plain, 0, sizeof store->plain};
    const enum conclave_err err = open_value(restore->shelf, restore->table, key, value, &plain);
    if (err != CONCLAVE_OK)
        return err;
    return restore->fn(restore->arg, restore->table, msg_span(key.at + NUMBER_BYTES, key.len - NUMBER_BYTES),
                       msg_span_of_buf(&plain));
}

/* What was shown stays as history and is not read again: the search begins
 * behind the mark. */
static enum conclave_err
restore_inbox(const struct restore *restore, uint64_t shown)
{
    struct peer_store *const store = restore->shelf->store;
    const struct msg_record_key mark = msg_record_key1(shown);
    enum conclave_err err = restore->fn(restore->arg, PEER_TABLE_INBOX, msg_record_key_span(&mark), msg_span(NULL, 0));
    struct place after = place_of(restore->shelf, PEER_TABLE_INBOX, msg_record_key_span(&mark));

    while (err == CONCLAVE_OK) {
        struct place next = {.table = PEER_TABLE_INBOX};
        struct msg_buf key = {next.at, 0, sizeof next.at};
        struct msg_buf value = {store->locked, 0, sizeof store->locked};
        err = host_store_next(store->host, PEER_TABLE_INBOX, place_key(&after), &key, &value);
        if (err == CONCLAVE_ERR_NOT_FOUND)
            return CONCLAVE_OK;
        if (err != CONCLAVE_OK)
            break;
        next.len = key.len;
        if (key.len < NUMBER_BYTES || memcmp(next.at, after.at, NUMBER_BYTES) != 0)
            return CONCLAVE_OK; /* another peer's begin */
        struct restore copy = *restore;
        err = restore_one(&copy, place_key(&next), msg_span_of_buf(&value));
        after = next;
    }
    return err == CONCLAVE_ERR_SPACE ? CONCLAVE_ERR_STORE_DAMAGED : err;
}

enum conclave_err
peer_shelf_restore(struct peer_shelf *self, uint64_t shown, peer_shelf_record_fn *fn, void *arg)
{
    struct restore restore = {.shelf = self, .fn = fn, .arg = arg};
    const struct place prefix = place_of(self, 0, msg_span(NULL, 0));
    enum conclave_err err = CONCLAVE_OK;
    for (uint32_t table = 0; table < PEER_TABLES && err == CONCLAVE_OK; table++) {
        restore.table = table;
        if (table == PEER_TABLE_INBOX)
            err = restore_inbox(&restore, shown);
        else
            err = host_store_each(self->store->host, table, place_key(&prefix), restore_one, &restore);
    }
    msg_keys_wipe(self->store->plain, sizeof self->store->plain);
    return err;
}

static uint8_t *
reserve(struct peer_shelf *self, size_t more)
{
    if (more > self->log_cap - self->log_len) {
        size_t cap = self->log_cap < 1024 ? 1024 : self->log_cap;
        while (cap - self->log_len < more)
            cap *= 2;
        self->log = realloc(self->log, cap);
        if (self->log == NULL)
            abort();
        self->log_cap = cap;
    }
    return self->log + self->log_len;
}

void
peer_shelf_put(struct peer_shelf *self, uint32_t table, struct msg_span key, struct msg_span bytes)
{
    const struct place place = place_of(self, table, key);
    const struct op op = {table, (uint32_t)place.len, (uint32_t)(bytes.len + MSG_LOCK_BYTES), 1};
    const size_t size = sizeof op + op.key_len + op.value_len;
    uint8_t *const at = reserve(self, size);
    memcpy(at, &op, sizeof op);
    memcpy(at + sizeof op, place.at, place.len);
    struct msg_buf out = {at + sizeof op + place.len, 0, op.value_len};
    /* the room was counted, nothing else can fail */
    if (msg_keys_lock(&out, bytes, place_about(&place), &self->key) != CONCLAVE_OK)
        abort();
    self->log_len += size;
}

void
peer_shelf_delete(struct peer_shelf *self, uint32_t table, struct msg_span key)
{
    const struct place place = place_of(self, table, key);
    const struct op op = {table, (uint32_t)place.len, 0, 0};
    uint8_t *const at = reserve(self, sizeof op + op.key_len);
    memcpy(at, &op, sizeof op);
    memcpy(at + sizeof op, place.at, place.len);
    self->log_len += sizeof op + op.key_len;
}

void
peer_shelf_store(struct peer_shelf *self, uint64_t id)
{
    if (self->ids_count == self->ids_room) {
        self->ids_room = self->ids_room == 0 ? 8 : 2 * self->ids_room;
        self->ids = realloc(self->ids, self->ids_room * sizeof *self->ids);
        if (self->ids == NULL)
            abort();
    }
    self->ids[self->ids_count++] = id;
    self->ended = self->log_len;
}

static enum conclave_err
apply(struct host_store *host, const struct peer_shelf *shelf)
{
    enum conclave_err err = CONCLAVE_OK;
    for (size_t at = 0; at < shelf->ended && err == CONCLAVE_OK;) {
        struct op op;
        memcpy(&op, shelf->log + at, sizeof op);
        const struct msg_span key = msg_span(shelf->log + at + sizeof op, op.key_len);
        if (op.put)
            err = host_store_put(host, op.table, key, msg_span(key.at + key.len, op.value_len));
        else
            err = host_store_delete(host, op.table, key);
        at += sizeof op + op.key_len + op.value_len;
    }
    return err;
}

static void
forget_ended(struct peer_shelf *shelf)
{
    shelf->log_len -= shelf->ended;
    memmove(shelf->log, shelf->log + shelf->ended, shelf->log_len);
    shelf->ended = 0;
    if (shelf->log_len == 0 && shelf->log_cap > KEPT_BYTES) {
        free(shelf->log);
        shelf->log = NULL;
        shelf->log_cap = 0;
    }
}

enum conclave_err
peer_store_commit(struct peer_store *self)
{
    bool any = false;
    for (const struct peer_shelf *shelf = self->shelves; shelf != NULL && !any; shelf = shelf->next)
        any = shelf->ended > 0;
    if (any) {
        enum conclave_err err = host_store_begin(self->host);
        for (const struct peer_shelf *shelf = self->shelves; shelf != NULL && err == CONCLAVE_OK; shelf = shelf->next)
            err = apply(self->host, shelf);
        if (err == CONCLAVE_OK)
            err = host_store_commit(self->host);
        if (err != CONCLAVE_OK)
            return err;
    }
    for (struct peer_shelf *shelf = self->shelves; shelf != NULL; shelf = shelf->next) {
        if (shelf->ended > 0)
            forget_ended(shelf);
        shelf->synced = shelf->ids_count;
    }
    return CONCLAVE_OK;
}

bool
peer_shelf_stored(struct peer_shelf *self, uint64_t *id)
{
    if (self->synced == 0)
        return false;
    *id = self->ids[self->synced - 1];
    self->ids_count -= self->synced;
    memmove(self->ids, self->ids + self->synced, self->ids_count * sizeof *self->ids);
    self->synced = 0;
    return true;
}

size_t
peer_shelf_waiting(const struct peer_shelf *self)
{
    return self->ids_count - self->synced;
}

struct peer_store *
peer_shelf_store_of(const struct peer_shelf *self)
{
    return self->store;
}

uint64_t
peer_store_commits(const struct peer_store *self)
{
    struct host_store_stat stat;
    host_store_stat(self->host, &stat);
    return stat.commits;
}
