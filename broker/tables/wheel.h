/* Timers for a table of fixed size: setting, clearing and asking what is due
 * cost the same whatever the number of timers, and a timer that is not due
 * costs nothing.  Pure: time is an argument. */
#ifndef BROKER_WHEEL_H
#define BROKER_WHEEL_H

#include "broker/tables/index.h"

#define BROKER_WHEEL_SPOKES 256u
#define BROKER_NEVER UINT64_MAX

struct broker_wheel_node {
    uint64_t due_ms;
    uint32_t next, prev; /* in its spoke: slot + 1; 0: none */
    uint32_t spoke;      /* its number + 1; 0: not set */
};

struct broker_wheel {
    struct broker_wheel_node *nodes;
    uint32_t capacity;
    uint64_t tick_ms;                   /* a timer fires up to this much late */
    uint64_t tick;                      /* the next tick to look at */
    uint32_t heads[BROKER_WHEEL_SPOKES];
    uint64_t busy[BROKER_WHEEL_SPOKES / 64]; /* spokes that are not empty */
};

bool CONCLAVE_CHECK broker_wheel_init(struct broker_wheel *self, uint32_t capacity, uint64_t tick_ms);
void broker_wheel_wipe(struct broker_wheel *self);

/* Sets or moves the timer of a slot. */
void broker_wheel_set(struct broker_wheel *self, uint32_t slot, uint64_t due_ms);
void broker_wheel_clear(struct broker_wheel *self, uint32_t slot);
bool broker_wheel_is_set(const struct broker_wheel *self, uint32_t slot);

/* Takes one timer that is due; BROKER_NONE when there is none. */
uint32_t broker_wheel_pop(struct broker_wheel *self, uint64_t now_ms);

/* When to look again; BROKER_NEVER when no timer is set. */
uint64_t broker_wheel_next(const struct broker_wheel *self);

#endif
