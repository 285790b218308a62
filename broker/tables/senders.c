/* See senders.h. */
#include "broker/tables/senders.h"

#include <stdlib.h>

#include "broker/tables/bucket.h"

bool
broker_senders_init(struct broker_senders *self, uint32_t sets, uint64_t seed)
{
    *self = (struct broker_senders){.sets = sets, .seed = seed};
    self->list = calloc((size_t)sets * BROKER_SENDERS_WAYS, sizeof *self->list);
    return self->list != NULL;
}

void
broker_senders_wipe(struct broker_senders *self)
{
    free(self->list);
    self->list = NULL;
}

static uint64_t
tag_of(const struct broker_senders *self, const struct msg_id *room, uint64_t account, uint64_t device)
{
    uint8_t key[sizeof room->at + 2 * sizeof account];

    memcpy(key, room->at, sizeof room->at);
    memcpy(key + sizeof room->at, &account, sizeof account);
    memcpy(key + sizeof room->at + sizeof account, &device, sizeof device);
    return broker_bucket_tag(self->seed, key, sizeof key);
}

uint32_t
broker_senders_find(const struct broker_senders *self, const struct msg_id *room, uint64_t account, uint64_t device)
{
    const uint64_t tag = tag_of(self, room, account, device);
    const uint32_t set = (uint32_t)(tag % self->sets) * BROKER_SENDERS_WAYS;

    for (uint32_t i = set; i < set + BROKER_SENDERS_WAYS; i++)
        if (self->list[i].tag == tag)
            return i;
    return BROKER_NONE;
}

uint32_t
broker_senders_hold(struct broker_senders *self, const struct msg_id *room, uint64_t account, uint64_t device)
{
    const uint64_t tag = tag_of(self, room, account, device);
    const uint32_t set = (uint32_t)(tag % self->sets) * BROKER_SENDERS_WAYS;
    uint32_t slot = set;

    for (uint32_t i = set; i < set + BROKER_SENDERS_WAYS; i++) {
        if (self->list[i].tag == tag) {
            slot = i;
            break;
        }
        if (self->list[i].used < self->list[slot].used)
            slot = i;
    }
    if (self->list[slot].tag != tag)
        self->list[slot] = (struct broker_sender){.tag = tag};
    self->list[slot].used = ++self->uses;
    return slot;
}

bool
broker_senders_is(const struct broker_senders *self, uint32_t slot, const struct msg_id *room, uint64_t account,
                  uint64_t device)
{
    return self->list[slot].tag == tag_of(self, room, account, device);
}
