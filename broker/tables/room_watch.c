/* See room_watch.h. */
#include "broker/tables/room_watch.h"

#include <stdlib.h>

bool
broker_room_watch_init(struct broker_room_watch *self, uint32_t sessions)
{
    const size_t count = sessions > 0 ? sessions : 1;

    *self = (struct broker_room_watch){.due_ms = BROKER_NEVER};
    self->next = calloc(count, sizeof *self->next);
    self->prev = calloc(count, sizeof *self->prev);
    self->on = calloc(count, sizeof *self->on);
    return self->next != NULL && self->prev != NULL && self->on != NULL;
}

void
broker_room_watch_wipe(struct broker_room_watch *self)
{
    free(self->next);
    free(self->prev);
    free(self->on);
    self->next = self->prev = NULL;
    self->on = NULL;
}

void
broker_room_watch_set(struct broker_room_watch *self, uint32_t session, bool on)
{
    if (self->on[session] == on)
        return;
    self->on[session] = on;
    if (on) {
        self->prev[session] = 0;
        self->next[session] = self->first;
        if (self->first != 0)
            self->prev[self->first - 1] = session + 1;
        self->first = session + 1;
        self->count++;
        return;
    }
    if (self->prev[session] != 0)
        self->next[self->prev[session] - 1] = self->next[session];
    else
        self->first = self->next[session];
    if (self->next[session] != 0)
        self->prev[self->next[session] - 1] = self->prev[session];
    self->count--;
}

static void
forget(struct broker_room_watch *self, uint32_t at)
{
    self->changes--;
    memmove(&self->list[at], &self->list[at + 1], (self->changes - at) * sizeof *self->list);
}

bool
broker_room_watch_note(struct broker_room_watch *self, const struct broker_room_change *change)
{
    bool born = false;

    for (uint32_t i = self->changes; i-- > 0;) {
        if (memcmp(self->list[i].room.at, change->room.at, sizeof change->room.at) != 0)
            continue;
        if (change->act == MSG_ACT_TOPIC)
            return true; /* the topic is read when it is told */
        born |= self->list[i].act == MSG_ACT_CREATE;
        forget(self, i);
    }
    if (born)
        return true;
    if (self->changes == BROKER_ROOM_CHANGES)
        return false;
    self->list[self->changes++] = *change;
    return true;
}
