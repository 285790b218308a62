/* Keys in a table, found through buckets by tag and kept in the order of their
 * use. */
#include "peer/tables/keyring.h"

#include "msg/pages.h"
#include "peer/tables/tables.h"

bool
peer_keyring_init(struct peer_keyring *self, uint32_t count)
{
    memset(self, 0, sizeof *self);
    uint32_t buckets = 1;
    while (buckets < count)
        buckets *= 2;
    self->room = count;
    self->bucket_mask = buckets - 1;
    self->keys = msg_pages_new(count, sizeof *self->keys);
    self->buckets = msg_pages_new(buckets, sizeof *self->buckets);
    self->owners = msg_pages_new(PEER_KEYS_OWNERS, sizeof *self->owners);
    self->seed = msg_keys_random_u64();
    return self->keys != NULL && self->buckets != NULL && self->owners != NULL;
}

void
peer_keyring_wipe(struct peer_keyring *self)
{
    if (self->keys != NULL)
        msg_keys_wipe(self->keys, self->count * sizeof *self->keys);
    msg_pages_free(self->keys, self->room, sizeof *self->keys);
    msg_pages_free(self->buckets, self->bucket_mask + 1, sizeof *self->buckets);
    msg_pages_free(self->owners, PEER_KEYS_OWNERS, sizeof *self->owners);
    memset(self, 0, sizeof *self);
}

static uint32_t *
bucket_of(const struct peer_keyring *self, const struct msg_tag *tag)
{
    uint64_t x;
    memcpy(&x, tag->at, sizeof x); /* random already */
    return &self->buckets[(uint32_t)(x * UINT64_C(0x9e3779b97f4a7c15) >> 32) & self->bucket_mask];
}

/* ---- the order of use ---- */

enum { OF_ALL, OF_OWNER };

/* Nobody can choose an account that meets another's. */
static struct peer_key_order *
owner_of(const struct peer_keyring *self, const struct peer_key *key)
{
    return &self->owners[(key->account ^ self->seed) * UINT64_C(0x9e3779b97f4a7c15) >> 54];
}

static void
take_from(struct peer_keyring *self, struct peer_key_order *order, int which, const struct peer_key *key)
{
    const uint32_t newer = key->near[which].newer, older = key->near[which].older;
    if (newer != 0)
        self->keys[newer - 1].near[which].older = older;
    else
        order->newest = older;
    if (older != 0)
        self->keys[older - 1].near[which].newer = newer;
    else
        order->oldest = newer;
    order->count--;
}

static void
put_into(struct peer_keyring *self, struct peer_key_order *order, int which, struct peer_key *key)
{
    const uint32_t at = (uint32_t)(key - self->keys) + 1;
    key->near[which].newer = 0;
    key->near[which].older = order->newest;
    if (order->newest != 0)
        self->keys[order->newest - 1].near[which].newer = at;
    else
        order->oldest = at;
    order->newest = at;
    order->count++;
}

static void
take_out(struct peer_keyring *self, const struct peer_key *key)
{
    take_from(self, &self->all, OF_ALL, key);
    take_from(self, owner_of(self, key), OF_OWNER, key);
}

static void
put_first(struct peer_keyring *self, struct peer_key *key)
{
    put_into(self, &self->all, OF_ALL, key);
    put_into(self, owner_of(self, key), OF_OWNER, key);
}

/* ---- finding ---- */

static struct peer_key *
look(const struct peer_keyring *self, const struct msg_id *room, uint64_t account, uint64_t device, const struct msg_tag *tag)
{
    for (uint32_t at = *bucket_of(self, tag); at != 0; at = self->keys[at - 1].chain) {
        struct peer_key *key = &self->keys[at - 1];
        if (key->account == account && key->device == device && memcmp(&key->first.tag, tag, sizeof *tag) == 0
            && memcmp(&key->room, room, sizeof *room) == 0)
            return key;
    }
    return NULL;
}

struct peer_key *
peer_keyring_find(struct peer_keyring *self, const struct msg_id *room, uint64_t account, uint64_t device, const struct msg_tag *tag)
{
    struct peer_key *key = look(self, room, account, device, tag);
    if (key != NULL && key->near[OF_ALL].newer != 0) {
        take_out(self, key);
        put_first(self, key);
    }
    return key;
}

struct peer_key *
peer_keyring_last(struct peer_keyring *self, const struct msg_id *room, uint64_t account, uint64_t device)
{
    struct peer_key *last = NULL;
    for (uint32_t i = 0; i < self->count; i++) {
        struct peer_key *key = &self->keys[i];
        if (key->used && key->account == account && key->device == device && memcmp(&key->room, room, sizeof *room) == 0
            && (last == NULL || key->epoch > last->epoch || (key->epoch == last->epoch && key->made_ms > last->made_ms)))
            last = key;
    }
    return last;
}

static bool
has_later(const struct peer_keyring *self, const struct peer_key *than)
{
    const struct peer_key *key = NULL;
    for (uint32_t at = owner_of(self, than)->newest; at != 0; at = key->near[OF_OWNER].older) {
        key = &self->keys[at - 1];
        if (key->epoch > than->epoch && key->account == than->account && key->device == than->device
            && memcmp(&key->room, &than->room, sizeof than->room) == 0)
            return true;
    }
    return false;
}

struct peer_key *
peer_keyring_over(struct peer_keyring *self, const struct msg_id *room, uint64_t epoch, uint32_t *index)
{
    while (*index < self->count) {
        struct peer_key *const key = &self->keys[(*index)++];
        if (key->used && key->epoch < epoch && memcmp(&key->room, room, sizeof *room) == 0 && has_later(self, key))
            return key;
    }
    return NULL;
}

/* ---- changing ---- */

static struct msg_record_key
key_of(const struct peer_key *key)
{
    uint64_t tag = 0;
    for (size_t i = 0; i < sizeof key->first.tag; i++)
        tag = tag << 8 | key->first.tag.at[i];
    const uint64_t numbers[] = {key->account, key->device, tag};
    return msg_record_key_room(&key->room, numbers, 3);
}

void
peer_keyring_put(const struct peer_key *key, struct msg_effects *out)
{
    const struct msg_rec_room_key record = {
        .room = key->room,
        .account = key->account,
        .device = key->device,
        .epoch = key->epoch,
        .key = key->first.tag,
        .counter = key->first.counter,
        .chain = key->first.chain,
        .made_ms = key->made_ms,
        .used = key->upto,
        .number = key->number,
    };
    const struct msg_record_key at = key_of(key);
    msg_effects_put(out, PEER_TABLE_ROOM_KEYS, msg_record_key_span(&at), MSG_REC_ROOM_KEY, &record);
}

static void
give_back(struct peer_keyring *self, struct peer_key *key, struct msg_effects *out)
{
    const uint32_t at = (uint32_t)(key - self->keys) + 1;
    uint32_t *link = bucket_of(self, &key->first.tag);
    if (out != NULL) {
        const struct msg_record_key record = key_of(key);
        msg_effects_delete(out, PEER_TABLE_ROOM_KEYS, msg_record_key_span(&record));
    }
    while (*link != at)
        link = &self->keys[*link - 1].chain;
    *link = key->chain;
    take_out(self, key);
    msg_keys_wipe(key, sizeof *key);
    key->chain = self->free;
    self->free = at;
}

/* out NULL: no record of whom it replaces is deleted. */
static struct peer_key *
make(struct peer_keyring *self, const struct peer_key *what, struct msg_effects *out)
{
    const struct peer_key_order *owner = owner_of(self, what);
    if (owner->count > 0 && owner->count >= self->room / PEER_KEYS_SHARE)
        give_back(self, &self->keys[owner->oldest - 1], out);
    else if (self->free == 0 && self->count == self->room)
        give_back(self, &self->keys[self->all.oldest - 1], out);
    const uint32_t at = self->free != 0 ? self->free - 1 : self->count++;
    struct peer_key *key = &self->keys[at];
    if (self->free != 0)
        self->free = key->chain;
    *key = *what;
    key->used = true;
    key->ahead = key->first;
    uint32_t *const bucket = bucket_of(self, &key->first.tag);
    key->chain = *bucket;
    *bucket = at + 1;
    put_first(self, key);
    return key;
}

/* Whether the earlier of two states of a key leads to the later one. */
static bool
is_one_chain(const struct msg_roomkey *a, const struct msg_roomkey *b)
{
    const bool order = a->counter <= b->counter;
    const struct msg_roomkey *later = order ? b : a;
    struct msg_roomkey state = order ? *a : *b;
    const bool leads = msg_roomkey_advance(&state, later->counter) == CONCLAVE_OK && msg_keys_equal(&state.chain, &later->chain, sizeof state.chain);
    msg_roomkey_wipe(&state);
    return leads;
}

bool
peer_keyring_add(struct peer_keyring *self, const struct peer_key *key, bool own, struct msg_effects *out)
{
    struct peer_key *known = look(self, &key->room, key->account, key->device, &key->first.tag);
    if (known != NULL) {
        const bool same = known->epoch == key->epoch && is_one_chain(&known->first, &key->first);
        if (same ? key->first.counter >= known->first.counter : !own)
            return false;
        known->first = known->ahead = key->first;
        known->epoch = key->epoch;
    } else
        known = make(self, key, out);
    peer_keyring_put(known, out);
    return true;
}

void
peer_keyring_drop(struct peer_keyring *self, struct peer_key *key, struct msg_effects *out)
{
    give_back(self, key, out);
}

void
peer_keyring_restore(struct peer_keyring *self, const struct msg_rec_room_key *record)
{
    const struct peer_key key = {
        .room = record->room,
        .account = record->account,
        .device = record->device,
        .epoch = record->epoch,
        .first = {record->key, record->counter, record->chain},
        .made_ms = record->made_ms,
        .upto = record->used,
        .number = record->number,
    };
    if (look(self, &key.room, key.account, key.device, &key.first.tag) == NULL)
        (void)make(self, &key, NULL);
}

static uint32_t
drop_before(struct peer_keyring *self, const struct msg_id *room, uint64_t before_ms, uint32_t most, struct msg_effects *out)
{
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < self->count && dropped < most; i++) {
        struct peer_key *key = &self->keys[i];
        if (!key->used || key->made_ms >= before_ms || (room != NULL && memcmp(&key->room, room, sizeof *room) != 0))
            continue;
        give_back(self, key, out);
        dropped++;
    }
    return dropped;
}

bool
peer_keyring_drop_room(struct peer_keyring *self, const struct msg_id *room, struct msg_effects *out)
{
    return drop_before(self, room, UINT64_MAX, UINT32_MAX, out) > 0;
}

uint32_t
peer_keyring_drop_old(struct peer_keyring *self, uint64_t before_ms, uint32_t most, struct msg_effects *out)
{
    return drop_before(self, NULL, before_ms, most, out);
}
