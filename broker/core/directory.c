/* Who is there: SEARCH, LIST, WATCH, and the PRESENCE that follows from it.
 * The search for one name is the hottest path of the registry: it reads the
 * table of people in memory, and the store only for who is not in it. */
#include "broker/core/front_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "msg/codec.h"

#define USER_BYTES_MAX (MSG_NAME_MAX + MSG_ENDPOINT_MAX + 32u) /* one USER on the wire, at most */
#define PAGE_BYTES_MAX (MSG_FRAME_MAX - 1024u)                 /* the list in one frame */

/* Where the person is reached, as far as account `by` may know; "" if not. */
static struct msg_text
endpoint_for(const struct broker_front_core *self, uint32_t person, uint64_t by)
{
    struct msg_text endpoint = {NULL, 0};
    size_t at = 0;
    const uint32_t session = broker_people_best_session(&self->people, person, by);

    if (session != BROKER_NONE)
        (void)broker_reach_next(&self->sessions.list[session].reach, &at, &endpoint); /* none: stays "" */
    return endpoint;
}

/* ---- SEARCH ---- */

/* Somebody who is neither online nor watched: in the store, or nowhere. */
static void
find_in_store(struct broker_front_core *self, const struct msg_name *name, struct msg_found *found)
{
    struct msg_rec_account account;
    uint64_t number;

    if (!broker_accounts_by_name(&self->view, name, &number))
        return;
    found->status = MSG_STATUS_OFFLINE;
    found->account = number;
    if (broker_accounts_get(&self->view, number, &account))
        found->name = account.name;
}

void
broker_directory_search(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_search *search = &any->MSG_ANY_SEARCH;
    struct msg_found found = {.req = search->req, .name = search->name, .status = MSG_STATUS_NOT_FOUND};
    struct msg_name name;

    if (msg_name_parse(&name, search->name) == CONCLAVE_OK) {
        const uint32_t slot = broker_people_by_name(&self->people, (struct msg_text){name.folded, name.folded_len});
        if (slot == BROKER_NONE) {
            find_in_store(self, &name, &found);
        } else {
            const struct broker_person *person = &self->people.list[slot];
            found.name = (struct msg_text){person->shown, person->shown_len};
            found.account = person->account;
            found.status = person->status;
            if (person->status != MSG_STATUS_OFFLINE)
                found.endpoint = endpoint_for(self, slot, self->sessions.list[ask->session].account);
        }
    }
    broker_front_core_send(self, ask->link, MSG_FOUND, &found);
}

/* ---- LIST ---- */

/* The cursor is the slot to go on from: whoever stays online keeps theirs. */
static bool
read_cursor(struct msg_text text, uint32_t *from)
{
    char copy[16], *end;

    *from = 0;
    if (text.len == 0)
        return true;
    if (text.len >= sizeof copy)
        return false;
    msg_text_copy(copy, sizeof copy, text);
    const unsigned long long value = strtoull(copy, &end, 16);
    if (*end != '\0' || copy[0] == '-' || copy[0] == '+' || copy[0] == ' ' || value >= BROKER_NONE)
        return false;
    *from = (uint32_t)value;
    return true;
}

void
broker_directory_list(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_list_users *list = &any->MSG_ANY_LIST;
    const uint64_t by = self->sessions.list[ask->session].account;
    struct msg_users users = {.req = list->req};
    char next[16];
    uint32_t from;

    if (!read_cursor(list->after, &from)) {
        broker_front_core_refuse(self, ask->link, list->req, CONCLAVE_ERR_BAD_ARGUMENTS,
                            "That is not where a page of the list ended.", 0);
        return;
    }
    self->items.len = 0;
    for (;;) {
        const uint32_t slot = broker_people_next_online(&self->people, from);
        if (slot == BROKER_NONE)
            break;
        if (users.users.count == MSG_LIST_PAGE || PAGE_BYTES_MAX - self->items.len < USER_BYTES_MAX) {
            snprintf(next, sizeof next, "%x", slot);
            users.next = msg_text(next);
            break;
        }
        const struct broker_person *person = &self->people.list[slot];
        struct msg_user user = {.name = {person->shown, person->shown_len}, .status = person->status};
        if (list->detailed)
            user.endpoint = endpoint_for(self, slot, by);
        if (msg_codec_append(&self->items, &users.users, MSG_USER, &user) != CONCLAVE_OK)
            break;
        from = slot + 1;
    }
    broker_front_core_send(self, ask->link, MSG_USERS, &users);
}

/* ---- WATCH and PRESENCE ---- */

static void
send_presence(struct broker_front_core *self, uint64_t link, struct msg_presence *presence)
{
    if (presence->changes.count == 0)
        return;
    broker_front_core_send(self, link, MSG_PRESENCE, presence);
    self->counts.presence_sent++;
    self->items.len = 0;
    *presence = (struct msg_presence){0};
}

/* Adds one person to the list, which goes out when it is full. */
static void
add_change(struct broker_front_core *self, uint32_t session, uint32_t slot, struct msg_presence *presence)
{
    const struct broker_person *person = &self->people.list[slot];
    const struct broker_session *watcher = &self->sessions.list[session];
    struct msg_user user = {.name = {person->shown, person->shown_len}, .status = person->status};

    if (person->status != MSG_STATUS_OFFLINE)
        user.endpoint = endpoint_for(self, slot, watcher->account);
    if (presence->changes.count == MSG_LIST_PAGE || PAGE_BYTES_MAX - self->items.len < USER_BYTES_MAX)
        send_presence(self, watcher->conn, presence);
    const enum conclave_err err = msg_codec_append(&self->items, &presence->changes, MSG_USER, &user);
    assert(err == CONCLAVE_OK); /* the line above made room */
    (void)err;
}

/* The person of a name, taken into memory from the store if need be; NONE with
 * NOT_FOUND or QUOTA_EXCEEDED. */
static enum conclave_err
person_of(struct broker_front_core *self, struct msg_text text, uint32_t *slot)
{
    struct msg_rec_account account;
    struct msg_name name;
    uint64_t number;

    *slot = BROKER_NONE;
    if (msg_name_parse(&name, text) != CONCLAVE_OK)
        return CONCLAVE_ERR_NOT_FOUND;
    *slot = broker_people_by_name(&self->people, (struct msg_text){name.folded, name.folded_len});
    if (*slot != BROKER_NONE)
        return CONCLAVE_OK;
    if (!broker_accounts_by_name(&self->view, &name, &number)
        || !broker_accounts_get(&self->view, number, &account))
        return CONCLAVE_ERR_NOT_FOUND;
    msg_text_copy(name.shown, sizeof name.shown, account.name);
    *slot = broker_people_hold(&self->people, number, &name);
    return *slot != BROKER_NONE ? CONCLAVE_OK : CONCLAVE_ERR_QUOTA_EXCEEDED;
}

/* Adds one name to what the session watches and to the list of what is so. */
static enum conclave_err
watch_one(struct broker_front_core *self, uint32_t session_slot, struct msg_text text,
          struct msg_presence *presence)
{
    struct broker_session *session = &self->sessions.list[session_slot];
    uint32_t person;
    bool known;

    const enum conclave_err err = person_of(self, text, &person);
    if (err == CONCLAVE_ERR_NOT_FOUND) {
        const struct msg_user user = {.name = text, .status = MSG_STATUS_NOT_FOUND};
        if (presence->changes.count == MSG_LIST_PAGE || PAGE_BYTES_MAX - self->items.len < USER_BYTES_MAX)
            send_presence(self, session->conn, presence);
        return msg_codec_append(&self->items, &presence->changes, MSG_USER, &user);
    }
    if (err != CONCLAVE_OK)
        return err;
    uint32_t slot = BROKER_NONE;
    if (session->watch_count < self->settings.watches
        || broker_people_watches(&self->people, session_slot, person))
        slot = broker_people_watch(&self->people, session_slot, person, &known);
    if (slot == BROKER_NONE) {
        broker_people_settle(&self->people, person);
        return CONCLAVE_ERR_QUOTA_EXCEEDED;
    }
    self->people.watches[slot].told_status = self->people.list[person].status;
    self->people.watches[slot].told_version = self->people.list[person].version;
    add_change(self, session_slot, person, presence);
    return CONCLAVE_OK;
}

void
broker_directory_watch(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_watch *watch = &any->MSG_ANY_WATCH;
    const struct msg_done done = {watch->req};
    struct msg_presence presence = {0};
    struct msg_list names = watch->names;
    struct msg_name_item item;
    enum conclave_err err = CONCLAVE_OK;

    self->items.len = 0;
    while (err == CONCLAVE_OK && msg_codec_next(&names, MSG_NAME, &item))
        err = watch_one(self, ask->session, item.name, &presence);
    if (err == CONCLAVE_OK)
        broker_front_core_send(self, ask->link, MSG_DONE, &done);
    else
        broker_front_core_refuse(self, ask->link, watch->req, err,
                            "You watch as many people as one may; the rest is not watched.", 0);
    send_presence(self, ask->link, &presence);
}

void
broker_directory_flush(struct broker_front_core *self, uint32_t session)
{
    struct msg_presence presence = {0};
    uint32_t watch;

    broker_wheel_clear(&self->people.gather, session);
    self->items.len = 0;
    while ((watch = broker_people_next_dirty(&self->people, session)) != BROKER_NONE)
        add_change(self, session, self->people.watches[watch].person, &presence);
    send_presence(self, self->sessions.list[session].conn, &presence);
}

void
broker_directory_flush_watchers(struct broker_front_core *self, uint32_t person)
{
    uint32_t at = self->people.list[person].watch_first;

    for (; at != 0; at = self->people.watches[at - 1].person_next)
        if (self->people.watches[at - 1].dirty)
            broker_directory_flush(self, self->people.watches[at - 1].session);
}

/* Contacts have links with a device that the registry cannot end: they ask for
 * the list when its version has grown, and need not wait for their next PING. */
void
broker_directory_tell_revoked(struct broker_front_core *self, uint64_t account)
{
    const struct msg_pong pong = {self->now.wall_ms, self->revoked_version};
    const uint32_t person = broker_people_by_account(&self->people, account);
    uint32_t at = person != BROKER_NONE ? self->people.list[person].watch_first : 0;

    for (; at != 0; at = self->people.watches[at - 1].person_next)
        broker_front_core_send(self, self->sessions.list[self->people.watches[at - 1].session].conn, MSG_PONG, &pong);
}

void
broker_directory_flush_due(struct broker_front_core *self)
{
    uint32_t session;

    while ((session = broker_wheel_pop(&self->people.gather, self->now.mono_ms)) != BROKER_NONE)
        broker_directory_flush(self, session);
}
