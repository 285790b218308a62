/* See mailwrites.h.  Transactions are answered in the order in which they were
 * asked for, so the first of the ring is nearly always the one. */
#include "broker/tables/mailwrites.h"

#include <assert.h>
#include <stdlib.h>

static_assert((BROKER_MAILWRITES & (BROKER_MAILWRITES - 1)) == 0, "places are counted modulo a power of two");

bool
broker_mailwrites_init(struct broker_mailwrites *self)
{
    *self = (struct broker_mailwrites){0};
    self->list = calloc(BROKER_MAILWRITES, sizeof *self->list);
    self->items = calloc(BROKER_MAILWRITE_ITEMS, sizeof *self->items);
    return self->list != NULL && self->items != NULL;
}

void
broker_mailwrites_wipe(struct broker_mailwrites *self)
{
    free(self->list);
    free(self->items);
    self->list = NULL;
    self->items = NULL;
}

static struct broker_mailwrite *
at(const struct broker_mailwrites *self, uint64_t number)
{
    return &self->list[number % BROKER_MAILWRITES];
}

struct broker_mailwrite *
broker_mailwrites_add(struct broker_mailwrites *self, enum broker_mailwrite_kind kind, uint64_t id, uint32_t items)
{
    const uint64_t kept = kind == BROKER_MAILWRITE_DEPOSIT ? BROKER_MAILWRITES_KEPT : 0;

    if (self->end - self->first >= BROKER_MAILWRITES - kept
        || items > BROKER_MAILWRITE_ITEMS - (self->item_end - self->item_first))
        return NULL;
    struct broker_mailwrite *write = at(self, self->end++);
    *write = (struct broker_mailwrite){.kind = kind, .id = id, .item_first = self->item_end, .item_count = items};
    self->item_end += items;
    return write;
}

struct broker_mailwrite_item *
broker_mailwrites_item(const struct broker_mailwrites *self, const struct broker_mailwrite *write, uint32_t index)
{
    assert(index < write->item_count);
    return &self->items[(write->item_first + index) % BROKER_MAILWRITE_ITEMS];
}

uint64_t
broker_mailwrites_mark(const struct broker_mailwrites *self, const struct broker_mailwrite *write)
{
    const uint64_t place = (uint64_t)(write - self->list);

    return self->first + (place - self->first) % BROKER_MAILWRITES + 1;
}

struct broker_mailwrite *
broker_mailwrites_marked(const struct broker_mailwrites *self, uint64_t mark)
{
    if (mark == 0 || mark - 1 < self->first || mark - 1 >= self->end)
        return NULL;
    struct broker_mailwrite *write = at(self, mark - 1);
    return write->kind != BROKER_MAILWRITE_DONE ? write : NULL;
}

struct broker_mailwrite *
broker_mailwrites_find(const struct broker_mailwrites *self, uint64_t id)
{
    /* Ids grow, so the search ends at the first that is greater. */
    for (uint64_t number = self->first; number < self->end && at(self, number)->id <= id; number++)
        if (at(self, number)->id == id && at(self, number)->kind != BROKER_MAILWRITE_DONE)
            return at(self, number);
    return NULL;
}

void
broker_mailwrites_done(struct broker_mailwrites *self, struct broker_mailwrite *write)
{
    self->bytes -= write->bytes;
    write->kind = BROKER_MAILWRITE_DONE;
    while (self->first < self->end && at(self, self->first)->kind == BROKER_MAILWRITE_DONE) {
        self->item_first += at(self, self->first)->item_count;
        self->first++;
    }
}
