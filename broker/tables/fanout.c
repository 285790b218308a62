/* See fanout.h. */
#include "broker/tables/fanout.h"

#include <stdlib.h>

#define SIGNALS_BURST 256u /* of one session: a burst, */
#define SIGNALS_PER_S 64u  /* and what is given back */

bool
broker_fanout_init(struct broker_fanout *self, uint32_t sessions, uint32_t routes)
{
    *self = (struct broker_fanout){.routes_capacity = routes};
    self->listeners = calloc(sessions > 0 ? sessions : 1, sizeof *self->listeners);
    self->routes = calloc(routes > 0 ? routes : 1, sizeof *self->routes);
    return self->listeners != NULL && self->routes != NULL
           && broker_wheel_init(&self->gather, sessions, BROKER_FANOUT_GATHER_MS / 16);
}

void
broker_fanout_wipe(struct broker_fanout *self)
{
    free(self->listeners);
    free(self->routes);
    self->listeners = NULL;
    self->routes = NULL;
    broker_wheel_wipe(&self->gather);
}

struct broker_listener *
broker_fanout_listener(struct broker_fanout *self, uint32_t session, uint64_t generation)
{
    struct broker_listener *listener = &self->listeners[session];

    if (listener->generation != generation)
        *listener = (struct broker_listener){.generation = generation};
    return listener;
}

bool
broker_fanout_send(struct broker_listener *self, uint64_t bytes)
{
    self->sent += bytes;
    self->behind = self->behind || self->sent - self->taken >= BROKER_FANOUT_BEHIND;
    return self->behind;
}

void
broker_fanout_lose(struct broker_listener *self, uint64_t bytes)
{
    self->sent -= bytes < self->sent - self->taken ? bytes : self->sent - self->taken;
    self->behind = true;
}

bool
broker_fanout_catch_up(struct broker_listener *self)
{
    if (self->behind && self->sent - self->taken <= BROKER_FANOUT_CAUGHT)
        self->behind = false;
    return !self->behind;
}

bool
broker_fanout_take(struct broker_listener *self, uint64_t bytes)
{
    const bool was_behind = self->behind;

    /* Nobody has taken more than was sent, nor takes it back. */
    if (bytes > self->taken)
        self->taken = bytes < self->sent ? bytes : self->sent;
    return broker_fanout_catch_up(self) && was_behind;
}

uint64_t
broker_fanout_signal(struct broker_listener *self, uint64_t now_ms)
{
    const struct broker_rate rate = {SIGNALS_BURST, SIGNALS_PER_S, 1000};

    return broker_bucket_take(&self->signals, &rate, now_ms);
}

void
broker_fanout_gather(struct broker_fanout *self, uint32_t session, uint64_t now_ms)
{
    if (!broker_wheel_is_set(&self->gather, session))
        broker_wheel_set(&self->gather, session, now_ms + BROKER_FANOUT_GATHER_MS * 15 / 16); /* and up to a tick late */
}

/* ---- routes ---- */

/* NULL: there is none; count: of those before it, or of all. */
static const struct broker_route *
find_route(const struct broker_fanout *self, const uint32_t *first, uint64_t account, uint64_t device, uint32_t *count)
{
    for (*count = 0; *first != 0; first = &self->routes[*first - 1].next, ++*count)
        if (self->routes[*first - 1].account == account && self->routes[*first - 1].device == device)
            return &self->routes[*first - 1];
    return NULL;
}

bool
broker_fanout_has_route(const struct broker_fanout *self, uint32_t first, uint64_t account, uint64_t device)
{
    uint32_t count;

    return find_route(self, &first, account, device, &count) != NULL;
}

bool
broker_fanout_add_route(struct broker_fanout *self, uint32_t *first, uint64_t account, uint64_t device)
{
    uint32_t count, slot;

    if (find_route(self, first, account, device, &count) != NULL)
        return true;
    if (count >= MSG_ROUTE_COUNT)
        return false;
    if (self->routes_free != 0) {
        slot = self->routes_free;
        self->routes_free = self->routes[slot - 1].next;
    } else if (self->routes_high < self->routes_capacity) {
        slot = ++self->routes_high;
    } else {
        return false;
    }
    self->routes[slot - 1] = (struct broker_route){account, device, *first};
    *first = slot;
    return true;
}

void
broker_fanout_end_routes(struct broker_fanout *self, uint32_t *first)
{
    while (*first != 0) {
        const uint32_t slot = *first;
        *first = self->routes[slot - 1].next;
        self->routes[slot - 1] = (struct broker_route){.next = self->routes_free};
        self->routes_free = slot;
    }
}
