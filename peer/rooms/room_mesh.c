/* Rooms that are a mesh: when one begins and ends, our XPUB and whom it admits,
 * and what the front is told of it. */
#include "peer/core/parts.h"

#define BEAT_MS 15000u      /* something is published at least so often */

static struct peer_room *
room_of(struct peer_core *self, const struct peer_room_mesh *mesh)
{
    return peer_rooms_at(&self->rooms, mesh->room);
}

static struct peer_room_mesh *
mesh_of(struct peer_core *self, const struct peer_room *room)
{
    return peer_meshes_find(&self->meshes, peer_rooms_index(&self->rooms, room));
}

/* ---- what the front is told ---- */

void
peer_room_mesh_say(struct peer_core *self, struct peer_room_mesh *mesh)
{
    struct peer_room *room = room_of(self, mesh);
    uint32_t at = 0;
    if (!mesh->open || !mesh->settled || !mesh->heard || !peer_session_online(self))
        return;
    if (!mesh->said) {
        const struct msg_room_mesh said = {room->facts.id, mesh->link != 0 ? room->port : 0};
        mesh->said = true;
        peer_session_send(self, MSG_ROOM_MESH, &said);
    }
    for (struct peer_publisher *one; (one = peer_meshes_each(&self->meshes, mesh, &at)) != NULL;)
        if (one->up)
            peer_room_route(self, room, one, true);
}

/* ---- whom our XPUB admits ---- */

static bool
is_admitted(const struct peer_room_mesh *mesh, const struct msg_cert *cert)
{
    for (uint32_t i = 0; i < mesh->key_count; i++)
        if (mesh->keys[i].account == cert->account && mesh->keys[i].device == cert->device)
            return true;
    return false;
}

static void
admit(struct peer_core *self, struct peer_room_mesh *mesh)
{
    struct peer_room *room = room_of(self, mesh);
    mesh->admit_due = false;
    if (mesh->link == 0)
        return;
    for (const struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate)) {
        const struct peer_card *card = NULL;
        while (mate->part.role != MSG_ROLE_NONE && (card = peer_cards_next(&self->cards, mate->part.account, card)) != NULL) {
            const bool valid = msg_cert_check_time(&card->cert, peer_step_registry_ms(self), MSG_CERT_GRACE_MS) == CONCLAVE_OK;
            if (!valid || is_admitted(mesh, &card->cert) || mesh->key_count == PEER_MESH_KEYS)
                continue;
            mesh->keys[mesh->key_count++] = (struct peer_mesh_key){card->cert.account, card->cert.device, card->cert.transport};
            msg_effects_admit_at(self->out, mesh->link, &card->cert.transport);
        }
    }
}

/* device 0: all of the account. */
static void
expel(struct peer_core *self, struct peer_room_mesh *mesh, uint64_t account, uint64_t device)
{
    for (uint32_t i = mesh->key_count; i-- > 0;) {
        if (mesh->keys[i].account != account || (device != 0 && mesh->keys[i].device != device))
            continue;
        msg_effects_expel_at(self->out, mesh->link, &mesh->keys[i].key);
        mesh->keys[i] = mesh->keys[--mesh->key_count];
    }
}

/* ---- it begins, and ends ---- */

static void
begin(struct peer_core *self, struct peer_room *room, struct peer_room_mesh *mesh)
{
    uint32_t at = 0;
    mesh->open = mesh->admit_due = true;
    mesh->settled = self->settings.port == 0;
    if (!mesh->settled) {
        mesh->link = peer_step_link(self);
        mesh->published_ms = self->now.mono_ms;
        msg_effects_listen(self->out, mesh->link, room->port);
    }
    for (struct peer_publisher *one; (one = peer_meshes_each(&self->meshes, mesh, &at)) != NULL;)
        peer_room_publisher_dial(self, one);
}

static void
end(struct peer_core *self, struct peer_room *room, struct peer_room_mesh *mesh)
{
    uint32_t at = 0;
    for (struct peer_publisher *one; (one = peer_meshes_each(&self->meshes, mesh, &at)) != NULL;)
        peer_room_publisher_forget(self, room, one);
    if (mesh->link != 0)
        msg_effects_drop(self->out, mesh->link);
    peer_meshes_remove(&self->meshes, mesh);
}

/* Whether it is to be one, by what is known now. */
static void
look(struct peer_core *self, struct peer_room *room)
{
    struct peer_room_mesh *mesh = mesh_of(self, room);
    const bool wanted = room->mesh && peer_rooms_in(room) && self->settings.direct != MSG_DIRECT_NEVER && self->self.account != 0
                        && !self->self.logged_out && self->started && !self->stopped;
    if (!wanted && mesh != NULL && self->started)
        end(self, room, mesh);
    if (!wanted)
        return;
    mesh = peer_meshes_add(&self->meshes, peer_rooms_index(&self->rooms, room));
    if (mesh != NULL && !mesh->open)
        begin(self, room, mesh);
}

void
peer_room_mesh_heard(struct peer_core *self, struct peer_room *room)
{
    look(self, room);
    struct peer_room_mesh *mesh = mesh_of(self, room);
    if (mesh == NULL)
        return;
    mesh->heard = true;
    peer_room_mesh_say(self, mesh);
}

void
peer_room_mesh_bound(struct peer_core *self, uint64_t link, uint16_t port)
{
    struct peer_room_mesh *mesh = peer_meshes_bound(&self->meshes, link);
    if (mesh == NULL)
        return;
    struct peer_room *room = room_of(self, mesh);
    mesh->settled = true;
    if (port == 0) {
        msg_effects_drop(self->out, link);
        mesh->link = 0;
    } else if (port != room->port) {
        room->port = port;
        peer_rooms_put(room, self->out);
        (void)peer_step_store(self); /* only marks that this step writes */
    }
    admit(self, mesh);
    peer_room_mesh_say(self, mesh);
}

void
peer_room_mesh_started(struct peer_core *self, struct peer_room *room)
{
    /* until the front says what it is */
    room->mesh = room->port != 0 || mesh_of(self, room) != NULL;
    look(self, room);
}

void
peer_room_mesh_away(struct peer_core *self)
{
    uint32_t at = 0;
    for (struct peer_publisher *one; (one = peer_meshes_each(&self->meshes, NULL, &at)) != NULL;)
        one->routed = one->listed = false;
    peer_room_routes_away(self);
    for (uint32_t i = 0; i < self->meshes.count; i++)
        self->meshes.list[i].said = self->meshes.list[i].heard = false;
}

void
peer_room_mesh_dropped(struct peer_core *self, struct peer_room *room)
{
    struct peer_room_mesh *mesh = mesh_of(self, room);
    if (mesh != NULL)
        end(self, room, mesh);
}

/* ---- who comes and goes ---- */

void
peer_room_mesh_admit_soon(struct peer_core *self)
{
    for (uint32_t i = 0; i < self->meshes.count; i++)
        self->meshes.list[i].admit_due = true;
    if (self->meshes.count > 0)
        peer_step_at(self, self->now.mono_ms);
}

static void
gone(struct peer_core *self, struct peer_room_mesh *mesh, uint64_t account, uint64_t device)
{
    struct peer_room *room = room_of(self, mesh);
    uint32_t at = 0;
    expel(self, mesh, account, device);
    for (struct peer_publisher *one; (one = peer_meshes_each(&self->meshes, mesh, &at)) != NULL;)
        if (one->account == account && (device == 0 || one->device == device))
            peer_room_publisher_forget(self, room, one);
}

void
peer_room_mesh_left(struct peer_core *self, struct peer_room *room, uint64_t account)
{
    struct peer_room_mesh *mesh = mesh_of(self, room);
    if (mesh != NULL && account == self->self.account)
        end(self, room, mesh);
    else if (mesh != NULL)
        gone(self, mesh, account, 0);
}

void
peer_room_mesh_revoked(struct peer_core *self, uint64_t account, uint64_t device)
{
    for (uint32_t i = 0; i < self->meshes.count; i++)
        if (self->meshes.list[i].used)
            gone(self, &self->meshes.list[i], account, device);
}

bool
peer_room_mesh_talks(struct peer_core *self, const struct peer_room *room)
{
    const struct peer_room_mesh *mesh = mesh_of(self, room);
    return mesh != NULL && mesh->open && mesh->settled && mesh->link != 0;
}

void
peer_room_mesh_publish(struct peer_core *self, struct peer_room *room, struct msg_span frame)
{
    struct peer_room_mesh *mesh = mesh_of(self, room);
    if (mesh == NULL || !mesh->open || !mesh->settled || mesh->link == 0)
        return;
    mesh->published_ms = self->now.mono_ms;
    peer_counts_send_bytes(self, mesh->link, frame);
}

/* ---- in time ---- */

/* A subscriber says nothing, so that TCP would not notice for minutes that its
 * publisher has vanished: something comes from each that is alive. */
static void
beat(struct peer_core *self, const struct peer_room *room, struct peer_room_mesh *mesh)
{
    const struct msg_room_beat said = {room->facts.id};
    if (!mesh->settled || mesh->link == 0)
        return;
    if (self->now.mono_ms >= mesh->published_ms + BEAT_MS) {
        mesh->published_ms = self->now.mono_ms;
        peer_counts_send(self, mesh->link, MSG_ROOM_BEAT, &said);
    }
    peer_step_at(self, mesh->published_ms + BEAT_MS);
}

void
peer_room_mesh_tick(struct peer_core *self, struct peer_room *room)
{
    look(self, room);
    struct peer_room_mesh *mesh = mesh_of(self, room);
    if (mesh == NULL)
        return;
    if (mesh->admit_due && mesh->settled)
        admit(self, mesh);
    beat(self, room, mesh);
    peer_room_publishers_tick(self, room, mesh);
}
