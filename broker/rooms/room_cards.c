/* Who is in a room, and the certificates of their devices: for members. */
#include "broker/core/front_state.h"

#include "msg/codec.h"

#define MEMBER_BYTES_MAX (MSG_NAME_MAX + 64u)  /* one MEMBER on the wire, at most */
#define CARD_BYTES_MAX (MSG_CERT_MAX + 16u)    /* one CARD, at most */
#define PAGE_BYTES_MAX (MSG_FRAME_MAX - 1024u) /* the list in one frame */
#define LOOKED_AT_MAX 4096u                    /* parts of a room, for one page */

/* The room's slot, if the session's account is in it; NONE: it was refused. */
static uint32_t
room_of_member(struct broker_front_core *self, const struct broker_ask *ask, uint64_t req, const struct msg_id *id)
{
    const uint32_t slot = broker_rooms_by_id(&self->rooms, id);
    const bool hidden = slot == BROKER_NONE || self->rooms.list[slot].stored == 0
                        || (self->rooms.list[slot].rules.flags & MSG_ROOM_PRIVATE) != 0;
    struct msg_room_part part;

    if (slot != BROKER_NONE && broker_roster_part(self, slot, self->sessions.list[ask->session].account, &part)
        && part.role != MSG_ROLE_NONE)
        return slot;
    broker_front_core_refuse(self, ask->link, req, hidden ? CONCLAVE_ERR_NO_SUCH_ROOM : CONCLAVE_ERR_NOT_A_MEMBER,
                             NULL, 0);
    return BROKER_NONE;
}

/* ---- MEMBERS_OF ---- */

/* Somebody to list: in the room, invited to it or banned from it. */
static bool
is_listed(const struct msg_rec_room_member *part)
{
    return part->role != MSG_ROLE_NONE || (part->standing & (MSG_STANDING_INVITED | MSG_STANDING_BANNED)) != 0;
}

/* Appends a member, with its name from wherever it is known. */
static bool
append_member(struct broker_front_core *self, struct msg_list *list, const struct msg_rec_room_member *part)
{
    const uint32_t slot = broker_people_by_account(&self->people, part->account);
    struct msg_member member = {
        .account = part->account, .role = part->role, .standing = part->standing, .status = MSG_STATUS_OFFLINE};
    struct msg_rec_account account;

    if (slot != BROKER_NONE) {
        const struct broker_person *person = &self->people.list[slot];
        member.name = (struct msg_text){person->shown, person->shown_len};
        member.status = person->status;
    } else if (broker_accounts_get(&self->view, part->account, &account)) {
        member.name = account.name;
    } else {
        return true; /* it is gone in this moment */
    }
    return msg_codec_append(&self->items, list, MSG_MEMBER, &member) == CONCLAVE_OK;
}

void
broker_room_cards_members(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_room_of *of = &any->MSG_ANY_MEMBERS_OF;
    struct msg_members members = {.req = of->req, .room = of->room};
    struct msg_rec_room_member part;
    uint64_t account = of->after, last = account;
    uint32_t looked_at = 0;

    if (room_of_member(self, ask, of->req, &of->room) == BROKER_NONE)
        return;
    self->items.len = 0;
    while (broker_room_records_next_part(&self->view, &of->room, &account, &part)) {
        if (members.members.count == MSG_LIST_PAGE || PAGE_BYTES_MAX - self->items.len < MEMBER_BYTES_MAX
            || looked_at++ == LOOKED_AT_MAX) {
            members.next = last;
            break;
        }
        last = account;
        if (is_listed(&part) && !append_member(self, &members.members, &part))
            break;
    }
    broker_front_core_send(self, ask->link, MSG_MEMBERS, &members);
}

/* ---- CARDS_OF, CARD_OF ---- */

/* Appends the certificate of a device as the store has it. */
static bool
append_card(struct broker_front_core *self, struct msg_list *list, const struct msg_rec_device *device)
{
    const struct msg_card card = {device->certificate};

    if (device->revoked_ms != 0 || device->certificate.len == 0)
        return true;
    return msg_codec_append(&self->items, list, MSG_CARD, &card) == CONCLAVE_OK;
}

/* The devices of one member after `device`; false: the page is full. */
static bool
append_devices(struct broker_front_core *self, struct msg_cards *cards, uint64_t account, uint64_t device)
{
    struct msg_rec_device record;

    while (broker_accounts_next_device(&self->view, account, &device, &record)) {
        if (cards->cards.count == MSG_LIST_PAGE || PAGE_BYTES_MAX - self->items.len < CARD_BYTES_MAX)
            return false;
        if (!append_card(self, &cards->cards, &record))
            return false;
    }
    return true;
}

void
broker_room_cards_of_room(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_cards_of *of = &any->MSG_ANY_CARDS_OF;
    struct msg_cards cards = {.req = of->req, .room = of->room};
    struct msg_rec_room_member part;
    uint64_t account = of->account > 0 ? of->account - 1 : 0; /* the devices of the last one go on */

    if (room_of_member(self, ask, of->req, &of->room) == BROKER_NONE)
        return;
    self->items.len = 0;
    while (!cards.more && broker_room_records_next_part(&self->view, &of->room, &account, &part)) {
        if (part.role == MSG_ROLE_NONE)
            continue;
        if (broker_renewing_holds(self, ask, MSG_CARDS_OF, of, account))
            return; /* asked again from its beginning, with what is new by then */
        cards.more = !append_devices(self, &cards, account, account == of->account ? of->device : 0);
    }
    broker_front_core_send(self, ask->link, MSG_CARDS, &cards);
}

/* True when both are in one room. */
static bool
share_a_room(const struct broker_front_core *self, uint64_t account, uint64_t other)
{
    struct msg_room_part part;

    for (uint32_t at = broker_rooms_of_account(&self->rooms, account); at != 0;
         at = self->rooms.members[at - 1].account_next) {
        const uint32_t room = self->rooms.members[at - 1].room;
        if (broker_rooms_member(&self->rooms, room, other) != BROKER_NONE
            && broker_roster_part(self, room, other, &part) && part.role != MSG_ROLE_NONE
            && broker_roster_part(self, room, account, &part) && part.role != MSG_ROLE_NONE)
            return true;
    }
    return false;
}

void
broker_room_cards_one(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_card_of *of = &any->MSG_ANY_CARD_OF;
    const uint64_t account = self->sessions.list[ask->session].account;
    struct msg_cards cards = {.req = of->req};
    const bool permitted = of->account == account || share_a_room(self, account, of->account);
    struct msg_rec_device device;

    if (permitted && broker_renewing_holds(self, ask, MSG_CARD_OF, of, of->account))
        return;
    self->items.len = 0;
    if (permitted && broker_accounts_device(&self->view, of->account, of->device, &device))
        cards.more = !append_card(self, &cards.cards, &device);
    broker_front_core_send(self, ask->link, MSG_CARDS, &cards);
}
