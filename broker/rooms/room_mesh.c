/* Rooms whose members publish to one another: where the XPUB of each is, for
 * those that may see it, and which devices a member hears without us. */
#include "broker/core/front_state.h"

#include <assert.h>
#include <stdio.h>

#include "msg/codec.h"

#define CARD_BYTES_MAX (MSG_CERT_MAX + BROKER_REACH_BYTES + MSG_ENDPOINT_MAX + 64u)
#define PAGE_BYTES_MAX (MSG_FRAME_MAX - 64u)

/* ---- one card ---- */

/* Where its XPUB is: the addresses that it can be reached at, with that port. */
static void
add_endpoints(struct broker_front_core *self, const struct broker_session *session, uint16_t port,
              struct msg_list *endpoints)
{
    char hosts[MSG_ENDPOINT_COUNT + 1][MSG_HOST_MAX + 1], text[MSG_ENDPOINT_MAX + 1];
    uint32_t count = 0;
    struct msg_text endpoint;
    uint16_t ignored;
    size_t at = 0;

    if (session->reach.observed[0] != '\0')
        snprintf(hosts[count++], sizeof hosts[0], "%s", session->reach.observed);
    while (count <= MSG_ENDPOINT_COUNT && broker_reach_next(&session->reach, &at, &endpoint)) {
        bool known = msg_endpoint_parse(hosts[count], &ignored, endpoint) != CONCLAVE_OK;
        for (uint32_t i = 0; i < count && !known; i++)
            known = strcmp(hosts[i], hosts[count]) == 0;
        count += !known;
    }
    for (uint32_t i = 0; i < count && endpoints->count < MSG_ENDPOINT_COUNT; i++) {
        msg_endpoint_print(text, sizeof text, hosts[i], port);
        const struct msg_address address = {msg_text(text)};
        if (msg_codec_append(&self->nested, endpoints, MSG_ADDRESS, &address) != CONCLAVE_OK)
            assert(false); /* self->nested has room for a frame */
    }
}

/* Appends a device to the list in self->items; port 0: it is gone. */
static void
add_card(struct broker_front_core *self, const struct broker_session *session, uint16_t port, struct msg_list *peers)
{
    struct msg_device_card card = {.online = true};
    struct msg_rec_device device;

    self->nested.len = 0;
    if (port != 0)
        add_endpoints(self, session, port, &card.endpoints);
    if (!broker_accounts_device(&self->view, session->account, session->device, &device))
        return; /* it was deleted in this moment */
    card.certificate = device.certificate;
    if (msg_codec_append(&self->items, peers, MSG_DEVICE_CARD, &card) != CONCLAVE_OK)
        assert(false); /* whoever asks left room for it */
}

static bool
may_see(const struct broker_front_core *self, const struct broker_seat *seat, const struct broker_seat *by)
{
    return broker_people_permits(&self->people, seat->session, self->sessions.list[by->session].account);
}

/* ---- changes ---- */

static void
send_peers(struct broker_front_core *self, const struct broker_seat *to, struct msg_room_peers *peers)
{
    broker_front_core_send(self, self->sessions.list[to->session].conn, MSG_ROOM_PEERS, peers);
    peers->peers = (struct msg_list){0};
    self->items.len = 0;
}

/* All others that publish, in as many messages as it takes; one at least. */
static void
tell_all(struct broker_front_core *self, const struct broker_room *room, const struct broker_seat *to)
{
    struct msg_room_peers peers = {.room = room->rules.id};
    bool any = false;

    self->items.len = 0;
    for (uint32_t at = room->seat_first; at != 0; at = self->rooms.seats[at - 1].room_next) {
        const struct broker_seat *seat = &self->rooms.seats[at - 1];
        if (seat == to || seat->port == 0 || !may_see(self, seat, to))
            continue;
        if (peers.peers.count == MSG_LIST_PAGE || PAGE_BYTES_MAX - self->items.len < CARD_BYTES_MAX)
            send_peers(self, to, &peers);
        add_card(self, &self->sessions.list[seat->session], seat->port, &peers.peers);
        any = true;
    }
    if (!any || peers.peers.count > 0)
        send_peers(self, to, &peers);
}

/* One that changed, or is gone, to all others that may see it. */
static void
tell_others(struct broker_front_core *self, const struct broker_room *room, const struct broker_seat *of)
{
    struct msg_room_peers peers = {.room = room->rules.id};
    uint32_t links = 0;

    for (uint32_t at = room->seat_first; at != 0; at = self->rooms.seats[at - 1].room_next) {
        const struct broker_seat *seat = &self->rooms.seats[at - 1];
        if (seat != of && may_see(self, of, seat))
            self->links[links++] = self->sessions.list[seat->session].conn;
    }
    if (links == 0)
        return;
    self->items.len = 0;
    add_card(self, &self->sessions.list[of->session], of->port, &peers.peers);
    if (peers.peers.count == 0)
        return;
    self->frame.len = 0;
    if (msg_codec_encode(&self->frame, MSG_ROOM_PEERS, &peers) != CONCLAVE_OK)
        assert(false); /* one card fits */
    msg_effects_cast(self->out, self->links, links, msg_span_of_buf(&self->frame));
}

/* ---- ROOM_MESH, ROOM_ROUTES ---- */

void
broker_mesh_hear(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_room_mesh *mesh = &any->MSG_ANY_ROOM_MESH;
    uint32_t room, slot;

    const enum conclave_err err = broker_posts_admit(self, ask->session, &mesh->room, &room, &slot);
    if (err != CONCLAVE_OK) {
        broker_front_core_refuse(self, ask->link, 0, err, NULL, 0);
        return;
    }
    if (!self->rooms.list[room].mesh)
        return; /* no longer: ROOM_STATE says so, or did */
    struct broker_listener *listener =
        broker_fanout_listener(&self->fanout, ask->session, self->sessions.list[ask->session].generation);
    const uint64_t retry_ms = broker_fanout_signal(listener, self->now.mono_ms);
    if (retry_ms > 0) {
        broker_front_core_refuse(self, ask->link, 0, CONCLAVE_ERR_BUSY, NULL, retry_ms);
        return;
    }
    struct broker_seat *seat = &self->rooms.seats[slot];
    if (seat->port != mesh->port) {
        seat->port = (uint16_t)mesh->port;
        tell_others(self, &self->rooms.list[room], seat);
    }
    tell_all(self, &self->rooms.list[room], seat);
}

/* All of them, each time: so whatever was lost or came late before does not
 * matter, and what is cast says by which version it is. */
void
broker_mesh_routes(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_room_routes *said = &any->MSG_ANY_ROOM_ROUTES;
    struct msg_list devices = said->devices;
    struct msg_device_item device;
    uint32_t room, slot;
    bool fits = true;

    const enum conclave_err err = broker_posts_admit(self, ask->session, &said->room, &room, &slot);
    if (err != CONCLAVE_OK) {
        broker_front_core_refuse(self, ask->link, 0, err, NULL, 0);
        return;
    }
    struct broker_seat *seat = &self->rooms.seats[slot];
    if (!self->rooms.list[room].mesh || said->version < seat->routes_version)
        return; /* it goes on as before, and what is cast says so */
    broker_fanout_end_routes(&self->fanout, &seat->routes);
    seat->routes_version = said->version;
    while (msg_codec_next(&devices, MSG_DEVICE, &device))
        if (broker_rooms_member(&self->rooms, room, device.account) != BROKER_NONE)
            fits = broker_fanout_add_route(&self->fanout, &seat->routes, device.account, device.device) && fits;
    if (!fits)
        msg_effects_log(self->out, MSG_LOG_WARN, "ROUTES-FULL a session of account %llu gets frames twice",
                        (unsigned long long)self->sessions.list[ask->session].account);
}

/* ---- ends ---- */

void
broker_mesh_end_seat(struct broker_front_core *self, uint32_t slot)
{
    struct broker_seat *seat = &self->rooms.seats[slot];

    broker_fanout_end_routes(&self->fanout, &seat->routes);
    if (seat->port == 0)
        return;
    seat->port = 0;
    tell_others(self, &self->rooms.list[seat->room], seat);
}

void
broker_mesh_end_session(struct broker_front_core *self, uint32_t session)
{
    for (uint32_t at = broker_rooms_seats_of(&self->rooms, session); at != 0;
         at = self->rooms.seats[at - 1].session_next)
        broker_mesh_end_seat(self, at - 1);
    broker_wheel_clear(&self->fanout.gather, session);
}

void
broker_mesh_end_member(struct broker_front_core *self, uint32_t member)
{
    uint32_t next;

    for (uint32_t at = self->rooms.list[self->rooms.members[member].room].seat_first; at != 0; at = next) {
        next = self->rooms.seats[at - 1].room_next;
        if (self->rooms.seats[at - 1].member != member)
            continue;
        broker_mesh_end_seat(self, at - 1);
        broker_rooms_stand_up(&self->rooms, at - 1);
    }
}

void
broker_mesh_end_room(struct broker_front_core *self, uint32_t slot)
{
    for (uint32_t at = self->rooms.list[slot].seat_first; at != 0; at = self->rooms.seats[at - 1].room_next) {
        self->rooms.seats[at - 1].port = 0; /* all end at once: nobody is told of anybody */
        broker_mesh_end_seat(self, at - 1);
    }
}

void
broker_mesh_settle(struct broker_front_core *self, uint32_t slot)
{
    struct broker_room *room = &self->rooms.list[slot];

    if (room->meshed == room->mesh)
        return;
    room->meshed = room->mesh;
    if (!room->mesh)
        broker_mesh_end_room(self, slot);
    for (uint32_t at = room->seat_first; at != 0; at = self->rooms.seats[at - 1].room_next)
        broker_casts_mark(self, at - 1);
}
