/* See throttle.h. */
#include "broker/tables/throttle.h"

#include <stdlib.h>

#define STRIKES_SETS 512u
#define STRIKES_WAYS 8u
#define PENDING_RETRY_MS 500u

bool
broker_throttle_init(struct broker_throttle *self, uint64_t seed)
{
    self->seed = seed;
    self->cells = calloc((size_t)BROKER_THROTTLE_SETS * BROKER_THROTTLE_WAYS, sizeof *self->cells);
    return self->cells != NULL;
}

void
broker_throttle_wipe(struct broker_throttle *self)
{
    free(self->cells);
    self->cells = NULL;
}

uint64_t
broker_throttle_tag(const struct broker_throttle *self, struct msg_text folded, struct msg_text source)
{
    char both[MSG_NAME_MAX * 2 + 2 + BROKER_SOURCE_MAX + 1] = {0};
    size_t len = folded.len < MSG_NAME_MAX * 2 ? folded.len : MSG_NAME_MAX * 2;

    if (len > 0)
        memcpy(both, folded.at, len);
    len++; /* a NUL between the two: no name has one */
    if (source.len > 0) {
        broker_source_group(both + len, BROKER_SOURCE_MAX + 1, source);
        len += strlen(both + len);
    }
    return broker_bucket_tag(self->seed, both, len);
}

static struct broker_throttle_cell *
set_of(struct broker_throttle *self, uint64_t tag)
{
    return &self->cells[(tag >> 32) % BROKER_THROTTLE_SETS * BROKER_THROTTLE_WAYS];
}

static struct broker_throttle_cell *
find(struct broker_throttle *self, uint64_t tag)
{
    struct broker_throttle_cell *set = set_of(self, tag);

    for (uint32_t way = 0; way < BROKER_THROTTLE_WAYS; way++)
        if (set[way].tag == tag)
            return &set[way];
    return NULL;
}

/* The cell of tag, or another's whose loss weighs least: free, then quiet for
 * longest; one with attempts under way only when all have them. */
static struct broker_throttle_cell *
find_or_take(struct broker_throttle *self, uint64_t tag)
{
    struct broker_throttle_cell *set = set_of(self, tag);
    struct broker_throttle_cell *best = find(self, tag);

    if (best != NULL)
        return best;
    best = set;
    for (uint32_t way = 0; way < BROKER_THROTTLE_WAYS; way++) {
        const struct broker_throttle_cell *cell = &set[way];
        if (cell->tag == 0 || (cell->pending == 0 && cell->failures == 0)) {
            best = &set[way];
            break;
        }
        const bool lighter = (cell->pending > 0) < (best->pending > 0);
        const bool same = (cell->pending > 0) == (best->pending > 0);
        if (lighter || (same && cell->failed_ms < best->failed_ms))
            best = &set[way];
    }
    *best = (struct broker_throttle_cell){.tag = tag};
    return best;
}

enum conclave_err
broker_throttle_begin(struct broker_throttle *self, const struct broker_throttle_rule *rule, uint64_t tag,
                      uint64_t now_ms, uint64_t *retry_ms)
{
    struct broker_throttle_cell *cell = find_or_take(self, tag);
    const uint64_t most = rule->failures > 0 ? rule->failures : 1;

    *retry_ms = 0;
    if (cell->blocked_until_ms > now_ms) {
        *retry_ms = cell->blocked_until_ms - now_ms;
        return CONCLAVE_ERR_BLOCKED;
    }
    /* Failures are forgiven after twice the longest block without a new one. */
    if (cell->failures > 0 && now_ms - cell->failed_ms > 2 * rule->last_ms)
        cell->failures = 0;
    const uint64_t left = cell->failures < most ? most - cell->failures : 1;
    if (cell->pending >= left) {
        *retry_ms = PENDING_RETRY_MS;
        return CONCLAVE_ERR_BUSY;
    }
    cell->pending++;
    return CONCLAVE_OK;
}

void
broker_throttle_failed(struct broker_throttle *self, const struct broker_throttle_rule *rule, uint64_t tag,
                       uint64_t now_ms)
{
    struct broker_throttle_cell *cell = find_or_take(self, tag);
    const uint64_t most = rule->failures > 0 ? rule->failures : 1;

    if (cell->pending > 0)
        cell->pending--;
    if (cell->failures < UINT32_MAX)
        cell->failures++;
    cell->failed_ms = now_ms;
    if (cell->failures < most)
        return;
    const uint64_t doublings = cell->failures - most;
    uint64_t block_ms = rule->first_ms;
    for (uint64_t i = 0; i < doublings && block_ms < rule->last_ms; i++)
        block_ms *= 2;
    cell->blocked_until_ms = now_ms + (block_ms < rule->last_ms ? block_ms : rule->last_ms);
}

void
broker_throttle_passed(struct broker_throttle *self, uint64_t tag)
{
    struct broker_throttle_cell *cell = find(self, tag);

    if (cell == NULL)
        return;
    cell->failures = 0;
    cell->blocked_until_ms = 0;
    if (cell->pending > 0)
        cell->pending--;
}

void
broker_throttle_let_go(struct broker_throttle *self, uint64_t tag)
{
    struct broker_throttle_cell *cell = find(self, tag);

    if (cell != NULL && cell->pending > 0)
        cell->pending--;
}

bool
broker_strikes_init(struct broker_strikes *self, uint64_t seed)
{
    self->seed = seed;
    self->cells = calloc((size_t)STRIKES_SETS * STRIKES_WAYS, sizeof *self->cells);
    return self->cells != NULL;
}

void
broker_strikes_wipe(struct broker_strikes *self)
{
    free(self->cells);
    self->cells = NULL;
}

static struct broker_strikes_cell *
strikes_set(struct broker_strikes *self, uint64_t conn)
{
    const struct broker_index hasher = {.seed = self->seed | 1};

    return &self->cells[broker_index_hash_u64(&hasher, conn) % STRIKES_SETS * STRIKES_WAYS];
}

bool
broker_strikes_add(struct broker_strikes *self, uint64_t conn, uint32_t weight)
{
    struct broker_strikes_cell *set = strikes_set(self, conn);
    struct broker_strikes_cell *cell = NULL, *least = set;

    for (uint32_t way = 0; way < STRIKES_WAYS && cell == NULL; way++) {
        if (set[way].weight > 0 && set[way].conn == conn)
            cell = &set[way];
        else if (set[way].weight < least->weight)
            least = &set[way];
    }
    if (cell == NULL) {
        cell = least;
        *cell = (struct broker_strikes_cell){.conn = conn};
    }
    cell->weight += weight;
    if (cell->weight < BROKER_STRIKE_LIMIT)
        return false;
    cell->weight = 0;
    return true;
}

void
broker_strikes_clear(struct broker_strikes *self, uint64_t conn)
{
    struct broker_strikes_cell *set = strikes_set(self, conn);

    for (uint32_t way = 0; way < STRIKES_WAYS; way++)
        if (set[way].conn == conn)
            set[way].weight = 0;
}
