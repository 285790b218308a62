/* Meshes and publishers in arrays: there are few of them. */
#include "peer/tables/meshes.h"

#include "msg/pages.h"

bool
peer_meshes_init(struct peer_meshes *self)
{
    memset(self, 0, sizeof *self);
    self->list = msg_pages_new(PEER_MESHES_MAX, sizeof *self->list);
    self->publishers = msg_pages_new(PEER_PUBLISHERS, sizeof *self->publishers);
    self->links = msg_pages_new(PEER_PUBLISHERS, sizeof *self->links);
    return self->list != NULL && self->publishers != NULL && self->links != NULL;
}

void
peer_meshes_wipe(struct peer_meshes *self)
{
    msg_pages_free(self->list, PEER_MESHES_MAX, sizeof *self->list);
    msg_pages_free(self->publishers, PEER_PUBLISHERS, sizeof *self->publishers);
    msg_pages_free(self->links, PEER_PUBLISHERS, sizeof *self->links);
    memset(self, 0, sizeof *self);
}

struct peer_room_mesh *
peer_meshes_find(struct peer_meshes *self, uint32_t room)
{
    for (uint32_t i = 0; i < self->count; i++)
        if (self->list[i].used && self->list[i].room == room)
            return &self->list[i];
    return NULL;
}

struct peer_room_mesh *
peer_meshes_add(struct peer_meshes *self, uint32_t room)
{
    struct peer_room_mesh *mesh = peer_meshes_find(self, room);
    if (mesh != NULL)
        return mesh;
    uint32_t at = 0;
    while (at < self->count && self->list[at].used)
        at++;
    if (at == PEER_MESHES_MAX)
        return NULL;
    if (at == self->count)
        self->count++;
    mesh = &self->list[at];
    memset(mesh, 0, sizeof *mesh);
    mesh->used = true;
    mesh->room = room;
    return mesh;
}

void
peer_meshes_remove(struct peer_meshes *self, struct peer_room_mesh *mesh)
{
    mesh->used = false;
    while (self->count > 0 && !self->list[self->count - 1].used)
        self->count--;
}

struct peer_room_mesh *
peer_meshes_bound(struct peer_meshes *self, uint64_t link)
{
    for (uint32_t i = 0; i < self->count && link != 0; i++)
        if (self->list[i].used && self->list[i].link == link)
            return &self->list[i];
    return NULL;
}

struct peer_publisher *
peer_meshes_publisher(struct peer_meshes *self, const struct peer_room_mesh *mesh, uint64_t account, uint64_t device)
{
    uint32_t at = 0;
    for (struct peer_publisher *one; (one = peer_meshes_each(self, mesh, &at)) != NULL;)
        if (one->account == account && one->device == device)
            return one;
    return NULL;
}

struct peer_publisher *
peer_meshes_add_publisher(struct peer_meshes *self, const struct peer_room_mesh *mesh, uint64_t account, uint64_t device)
{
    struct peer_publisher *publisher = peer_meshes_publisher(self, mesh, account, device);
    if (publisher != NULL)
        return publisher;
    uint32_t at = 0;
    while (at < self->publisher_count && self->publishers[at].used)
        at++;
    if (at == PEER_PUBLISHERS)
        return NULL;
    if (at == self->publisher_count)
        self->publisher_count++;
    publisher = &self->publishers[at];
    memset(publisher, 0, sizeof *publisher);
    self->links[at] = 0;
    publisher->used = true;
    publisher->mesh = (uint32_t)(mesh - self->list);
    publisher->account = account;
    publisher->device = device;
    return publisher;
}

void
peer_meshes_remove_publisher(struct peer_meshes *self, struct peer_publisher *publisher)
{
    publisher->used = false;
    *peer_meshes_link(self, publisher) = 0;
    while (self->publisher_count > 0 && !self->publishers[self->publisher_count - 1].used)
        self->publisher_count--;
}

struct peer_publisher *
peer_meshes_linked(struct peer_meshes *self, uint64_t link)
{
    for (uint32_t i = 0; i < self->publisher_count && link != 0; i++)
        if (self->links[i] == link)
            return &self->publishers[i];
    return NULL;
}

uint64_t *
peer_meshes_link(const struct peer_meshes *self, const struct peer_publisher *publisher)
{
    return &self->links[publisher - self->publishers];
}

struct peer_publisher *
peer_meshes_each(struct peer_meshes *self, const struct peer_room_mesh *mesh, uint32_t *index)
{
    while (*index < self->publisher_count) {
        struct peer_publisher *const one = &self->publishers[(*index)++];
        if (one->used && (mesh == NULL || one->mesh == (uint32_t)(mesh - self->list)))
            return one;
    }
    return NULL;
}
