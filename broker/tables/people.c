/* See people.h. */
#include "broker/tables/people.h"

#include <assert.h>
#include <stdlib.h>

bool
broker_people_init(struct broker_people *self, struct broker_sessions *sessions, uint32_t capacity,
                   uint32_t watches, uint64_t gather_ms, uint64_t seed)
{
    *self = (struct broker_people){.sessions = sessions, .capacity = capacity, .watches_capacity = watches};
    self->list = calloc(capacity > 0 ? capacity : 1, sizeof *self->list);
    self->online = calloc(capacity / 64 + 1, sizeof *self->online);
    self->watches = calloc(watches > 0 ? watches : 1, sizeof *self->watches);
    return self->list != NULL && self->online != NULL && self->watches != NULL
           && broker_index_init(&self->by_account, capacity, seed)
           && broker_index_init(&self->by_name, capacity, seed ^ 0x27d4eb2fu)
           && broker_index_init(&self->by_pair, watches, seed ^ 0x165667b1u)
           && broker_wheel_init(&self->gather, sessions->capacity, gather_ms / 16);
}

void
broker_people_wipe(struct broker_people *self)
{
    free(self->list);
    free(self->online);
    free(self->watches);
    self->list = NULL;
    self->online = NULL;
    self->watches = NULL;
    broker_index_wipe(&self->by_account);
    broker_index_wipe(&self->by_name);
    broker_index_wipe(&self->by_pair);
    broker_wheel_wipe(&self->gather);
}

uint32_t
broker_people_by_account(const struct broker_people *self, uint64_t account)
{
    const uint32_t hash = broker_index_hash_u64(&self->by_account, account);
    uint32_t at = hash, slot;

    do
        slot = broker_index_next(&self->by_account, hash, &at);
    while (slot != BROKER_NONE && self->list[slot].account != account);
    return slot;
}

uint32_t
broker_people_by_name(const struct broker_people *self, struct msg_text folded)
{
    const uint32_t hash = broker_index_hash(&self->by_name, folded.at, folded.len);
    uint32_t at = hash, slot;

    for (;;) {
        slot = broker_index_next(&self->by_name, hash, &at);
        if (slot == BROKER_NONE)
            return BROKER_NONE;
        const struct broker_person *person = &self->list[slot];
        if (person->folded_len == folded.len && memcmp(person->folded, folded.at, folded.len) == 0)
            return slot;
    }
}

static uint32_t
name_hash(const struct broker_people *self, const struct broker_person *person)
{
    return broker_index_hash(&self->by_name, person->folded, person->folded_len);
}

uint32_t
broker_people_hold(struct broker_people *self, uint64_t account, const struct msg_name *name)
{
    uint32_t slot = broker_people_by_account(self, account);

    if (slot != BROKER_NONE)
        return slot;
    if (self->free_first != 0) {
        slot = self->free_first - 1;
        self->free_first = self->list[slot].next_free;
    } else if (self->high < self->capacity) {
        slot = self->high++;
    } else {
        return BROKER_NONE;
    }
    struct broker_person *person = &self->list[slot];
    person->used = true;
    person->gone = false;
    person->status = MSG_STATUS_OFFLINE;
    person->version = 0;
    person->session_first = 0;
    person->watch_first = 0;
    person->account = account;
    person->shown_len = (uint8_t)strlen(name->shown);
    person->folded_len = (uint16_t)name->folded_len;
    memcpy(person->shown, name->shown, person->shown_len + 1u);
    memcpy(person->folded, name->folded, person->folded_len);
    broker_index_add(&self->by_account, broker_index_hash_u64(&self->by_account, account), slot);
    broker_index_add(&self->by_name, name_hash(self, person), slot);
    return slot;
}

void
broker_people_bury(struct broker_people *self, uint32_t slot)
{
    struct broker_person *person = &self->list[slot];

    if (person->gone)
        return;
    broker_index_remove(&self->by_name, name_hash(self, person), slot);
    person->gone = true;
}

void
broker_people_settle(struct broker_people *self, uint32_t slot)
{
    struct broker_person *person = &self->list[slot];

    if (person->session_first != 0 || person->watch_first != 0)
        return;
    broker_people_bury(self, slot);
    broker_index_remove(&self->by_account, broker_index_hash_u64(&self->by_account, person->account), slot);
    person->used = false;
    person->next_free = self->free_first;
    self->free_first = slot + 1;
}

void
broker_people_join(struct broker_people *self, uint32_t slot, uint32_t session_slot)
{
    struct broker_session *session = &self->sessions->list[session_slot];
    struct broker_person *person = &self->list[slot];

    session->person = slot;
    session->person_prev = 0;
    session->person_next = person->session_first;
    if (session->person_next != 0)
        self->sessions->list[session->person_next - 1].person_prev = session_slot + 1;
    person->session_first = session_slot + 1;
}

void
broker_people_leave(struct broker_people *self, uint32_t session_slot)
{
    struct broker_session *session = &self->sessions->list[session_slot];

    if (session->person_prev != 0)
        self->sessions->list[session->person_prev - 1].person_next = session->person_next;
    else
        self->list[session->person].session_first = session->person_next;
    if (session->person_next != 0)
        self->sessions->list[session->person_next - 1].person_prev = session->person_prev;
    session->person_next = session->person_prev = 0;
    session->person = BROKER_NONE;
}

/* Online when one of its devices is, else away when one is there at all. */
static uint8_t
status_of(const struct broker_people *self, const struct broker_person *person)
{
    uint8_t status = MSG_STATUS_OFFLINE;

    for (uint32_t at = person->session_first; at != 0; at = self->sessions->list[at - 1].person_next) {
        if (self->sessions->list[at - 1].reach.status == MSG_STATUS_ONLINE)
            return MSG_STATUS_ONLINE;
        status = MSG_STATUS_AWAY;
    }
    return status;
}

void
broker_people_changed(struct broker_people *self, uint32_t slot, bool anew, uint64_t now_ms, uint64_t gather_ms)
{
    struct broker_person *person = &self->list[slot];
    const uint8_t before = person->status;

    person->status = status_of(self, person);
    if (anew)
        person->version++;
    if (!anew && person->status == before)
        return;
    if ((before == MSG_STATUS_OFFLINE) != (person->status == MSG_STATUS_OFFLINE)) {
        self->online[slot / 64] ^= 1ull << (slot % 64);
        if (before == MSG_STATUS_OFFLINE)
            self->online_count++;
        else
            self->online_count--;
    }
    for (uint32_t at = person->watch_first; at != 0; at = self->watches[at - 1].person_next) {
        struct broker_watch *watch = &self->watches[at - 1];
        struct broker_session *watcher = &self->sessions->list[watch->session];
        if (!watch->dirty) {
            watch->dirty = true;
            watch->dirty_next = watcher->watch_dirty;
            watcher->watch_dirty = at;
        }
        if (!broker_wheel_is_set(&self->gather, watch->session))
            broker_wheel_set(&self->gather, watch->session, now_ms + gather_ms);
    }
}

static uint32_t
pair_hash(const struct broker_people *self, uint32_t session, uint32_t person)
{
    return broker_index_hash_u64(&self->by_pair, (uint64_t)session << 32 | person);
}

static uint32_t
find_watch(const struct broker_people *self, uint32_t session, uint32_t person)
{
    const uint32_t hash = pair_hash(self, session, person);
    uint32_t at = hash;

    for (;;) {
        const uint32_t slot = broker_index_next(&self->by_pair, hash, &at);
        if (slot == BROKER_NONE
            || (self->watches[slot].session == session && self->watches[slot].person == person))
            return slot;
    }
}

bool
broker_people_watches(const struct broker_people *self, uint32_t session, uint32_t person)
{
    return find_watch(self, session, person) != BROKER_NONE;
}

uint32_t
broker_people_watch(struct broker_people *self, uint32_t session_slot, uint32_t person_slot, bool *known)
{
    struct broker_session *session = &self->sessions->list[session_slot];
    struct broker_person *person = &self->list[person_slot];
    uint32_t slot = find_watch(self, session_slot, person_slot);

    *known = slot != BROKER_NONE;
    if (*known)
        return slot;
    if (self->watches_free != 0) {
        slot = self->watches_free - 1;
        self->watches_free = self->watches[slot].session_next;
    } else if (self->watches_high < self->watches_capacity) {
        slot = self->watches_high++;
    } else {
        return BROKER_NONE;
    }
    struct broker_watch *watch = &self->watches[slot];
    *watch = (struct broker_watch){.session = session_slot,
                                   .person = person_slot,
                                   .person_next = person->watch_first,
                                   .session_next = session->watch_first,
                                   .told_status = MSG_STATUS_NOT_FOUND};
    if (watch->person_next != 0)
        self->watches[watch->person_next - 1].person_prev = slot + 1;
    person->watch_first = slot + 1;
    session->watch_first = slot + 1;
    session->watch_count++;
    broker_index_add(&self->by_pair, pair_hash(self, session_slot, person_slot), slot);
    return slot;
}

void
broker_people_unwatch_all(struct broker_people *self, uint32_t session_slot)
{
    struct broker_session *session = &self->sessions->list[session_slot];

    while (session->watch_first != 0) {
        const uint32_t slot = session->watch_first - 1;
        struct broker_watch *watch = &self->watches[slot];
        session->watch_first = watch->session_next;
        if (watch->person_prev != 0)
            self->watches[watch->person_prev - 1].person_next = watch->person_next;
        else
            self->list[watch->person].watch_first = watch->person_next;
        if (watch->person_next != 0)
            self->watches[watch->person_next - 1].person_prev = watch->person_prev;
        broker_index_remove(&self->by_pair, pair_hash(self, session_slot, watch->person), slot);
        broker_people_settle(self, watch->person);
        *watch = (struct broker_watch){.session_next = self->watches_free};
        self->watches_free = slot + 1;
    }
    session->watch_count = 0;
    session->watch_dirty = 0;
    broker_wheel_clear(&self->gather, session_slot);
}

bool
broker_people_differs(const struct broker_people *self, const struct broker_watch *watch)
{
    const struct broker_person *person = &self->list[watch->person];

    return watch->told_status != person->status
           || (person->status != MSG_STATUS_OFFLINE && watch->told_version != person->version);
}

uint32_t
broker_people_next_dirty(struct broker_people *self, uint32_t session_slot)
{
    struct broker_session *session = &self->sessions->list[session_slot];

    while (session->watch_dirty != 0) {
        const uint32_t slot = session->watch_dirty - 1;
        struct broker_watch *watch = &self->watches[slot];
        session->watch_dirty = watch->dirty_next;
        watch->dirty = false;
        watch->dirty_next = 0;
        if (broker_people_differs(self, watch)) {
            watch->told_status = self->list[watch->person].status;
            watch->told_version = self->list[watch->person].version;
            return slot;
        }
    }
    return BROKER_NONE;
}

uint32_t
broker_people_next_online(const struct broker_people *self, uint32_t from)
{
    while (from < self->high) {
        const uint64_t bits = self->online[from / 64] >> (from % 64);
        if (bits != 0)
            return from + (uint32_t)__builtin_ctzll(bits);
        from += 64 - from % 64;
    }
    return BROKER_NONE;
}

uint32_t
broker_people_session(const struct broker_people *self, uint64_t account, uint64_t device)
{
    const uint32_t person = broker_people_by_account(self, account);
    uint32_t at = person != BROKER_NONE ? self->list[person].session_first : 0;

    while (at != 0 && self->sessions->list[at - 1].device != device)
        at = self->sessions->list[at - 1].person_next;
    return at != 0 ? at - 1 : BROKER_NONE;
}

bool
broker_people_permits(const struct broker_people *self, uint32_t session_slot, uint64_t by)
{
    const struct broker_session *session = &self->sessions->list[session_slot];

    if (session->account == by)
        return true;
    if (session->reach.direct == MSG_DIRECT_ANYONE)
        return true;
    if (session->reach.direct != MSG_DIRECT_CONTACTS)
        return false;
    /* Contacts: one of the devices of the account watches who asks. */
    const uint32_t asker = broker_people_by_account(self, by);
    if (asker == BROKER_NONE)
        return false;
    uint32_t at = self->list[session->person].session_first;
    for (; at != 0; at = self->sessions->list[at - 1].person_next)
        if (broker_people_watches(self, at - 1, asker))
            return true;
    return false;
}

uint32_t
broker_people_best_session(const struct broker_people *self, uint32_t person, uint64_t by)
{
    uint32_t best = BROKER_NONE;

    for (uint32_t at = self->list[person].session_first; at != 0;
         at = self->sessions->list[at - 1].person_next) {
        const struct broker_session *session = &self->sessions->list[at - 1];
        if (session->reach.count > 0
            && (best == BROKER_NONE || self->sessions->list[best].generation < session->generation)
            && broker_people_permits(self, at - 1, by))
            best = at - 1;
    }
    return best;
}
