/* A small hash table of links, linear probing, no tombstones. */
#include "peer/conns.h"

#include <stdlib.h>

static size_t
home_of(const struct peer_conns *self, uint64_t id)
{
    /* numbers are counters; the multiplication spreads them (Fibonacci hashing) */
    return (size_t)((id * 0x9E3779B97F4A7C15ull) >> 32) & (self->room - 1);
}

struct peer_conn *
peer_conns_find(const struct peer_conns *self, uint64_t id)
{
    if (self->count == 0)
        return NULL;
    for (size_t i = home_of(self, id); self->at[i] != NULL; i = (i + 1) & (self->room - 1)) {
        if (self->at[i]->id == id)
            return self->at[i];
    }
    return NULL;
}

static void
insert(struct peer_conns *self, struct peer_conn *conn)
{
    size_t i = home_of(self, conn->id);
    while (self->at[i] != NULL)
        i = (i + 1) & (self->room - 1);
    self->at[i] = conn;
}

static void
grow(struct peer_conns *self)
{
    struct peer_conn **const old = self->at;
    const size_t old_room = self->room;
    self->room = old_room == 0 ? 8 : 2 * old_room;
    self->at = calloc(self->room, sizeof(struct peer_conn *));
    if (self->at == NULL)
        abort();
    for (size_t i = 0; i < old_room; i++) {
        if (old[i] != NULL)
            insert(self, old[i]);
    }
    free(old);
}

struct peer_conn *
peer_conns_add(struct peer_conns *self, uint64_t id)
{
    struct peer_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        abort();
    if (4 * (self->count + 1) > 3 * self->room)
        grow(self);
    conn->id = id;
    conn->fd = -1;
    insert(self, conn);
    self->count++;
    return conn;
}

void
peer_conns_remove(struct peer_conns *self, struct peer_conn *conn)
{
    const size_t mask = self->room - 1;
    size_t hole = home_of(self, conn->id);
    while (self->at[hole] != conn)
        hole = (hole + 1) & mask;
    /* close the gap: whatever probed past the hole moves into it */
    for (size_t i = (hole + 1) & mask; self->at[i] != NULL; i = (i + 1) & mask) {
        const size_t home = home_of(self, self->at[i]->id);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            self->at[hole] = self->at[i];
            hole = i;
        }
    }
    self->at[hole] = NULL;
    self->count--;
}

void
peer_conns_wipe(struct peer_conns *self)
{
    free(self->at);
    *self = (struct peer_conns){0};
}
