/* Four real cores in a room, their disks and what they told: the world of
 * room_quartet.h, which adds the front.  Time is the test's; what cores send
 * waits until the test lets the world go on; each disk commits at once, or when
 * the test says so. */
#ifndef TESTS_PEER_ROOM_SIDES_H
#define TESTS_PEER_ROOM_SIDES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "msg/room.h"
#include "peer/core/core.h"
#include "tests/peer/each_tell.h"

enum { ADA = 1, BOB, CAT, DAN, PEOPLE }; /* accounts; each has device 1 */
#define FRAMES_MAX 4096
#define ENTRIES_MAX 128

static const char *const NAMES[] = {"", "ada", "bob", "cat", "dan"};

struct bytes { size_t len; uint8_t *at; };
struct change { bool put; uint32_t table; struct msg_record_key key; struct bytes bytes; };
struct told { enum msg_kind kind; struct bytes bytes; union msg_any any; };

struct side {
    struct peer_core *core;
    struct peer_identity id;
    struct msg_box_pub mail;
    struct msg_box_sec mail_sec;
    uint8_t cert[MSG_CERT_MAX];
    size_t cert_len;
    uint8_t more[MSG_CERT_MAX]; /* of another device of the account, that nobody runs */
    size_t more_len;            /* 0: there is none */
    uint64_t link, wake_ms;
    bool up;                    /* the front reaches it */
    bool lazy;                  /* its disk commits nothing */
    bool deaf;                  /* ENTRIES are not pushed to it */
    struct change gathered[FRAMES_MAX], records[FRAMES_MAX];
    size_t gathered_count, record_count;
    struct { uint64_t id; size_t upto; } stores[FRAMES_MAX];
    size_t store_count;
    struct told told[FRAMES_MAX];
    size_t told_count;
    uint64_t shown;             /* arrival */
    size_t heard[MSG_KIND_LIMIT]; /* of the front */
    /* at the front */
    bool live;
    uint64_t served;            /* what it was told of the log */
    uint64_t cast_bytes, taken;
    size_t signals;             /* TIPs and RECEIPTs that it posted */
    struct { uint64_t serial; uint64_t from; struct bytes frames; } box[FRAMES_MAX];
    size_t box_count;
    struct { uint64_t incarnation, salt, number; } chain;
    uint64_t routes, routes_version; /* a bit for each account; see room_mesh_world.h */
};

static struct {
    struct msg_time now;
    struct msg_sign_pub signer;
    struct msg_sign_sec signer_sec;
    struct side side[PEOPLE];
    struct { uint64_t from; struct bytes bytes; } inbox[FRAMES_MAX];
    size_t inbox_count, inbox_done;
    struct msg_room room;
    struct msg_room_part parts[PEOPLE];
    char name[64];
    struct { struct msg_entry entry; struct bytes op; uint8_t certificate[MSG_CERT_MAX]; bool epoch; } entries[ENTRIES_MAX];
    struct msg_head heads[ENTRIES_MAX + 1];
    uint64_t offset;
    struct { uint64_t offset; struct bytes frame; uint64_t from; } log[FRAMES_MAX];
    size_t log_count;
    uint64_t serial, req;
    enum conclave_err refuses;  /* the next post is, with this */
    bool silent;                /* posts are taken, and nothing is said of it */
    size_t page;                /* frames in one ROOM_LOG */
    uint64_t full;              /* the account whose mailbox takes no more; 0: none */
    bool mesh;                  /* the room is one */
} w;

/* What is left to room_mesh_world.h; NULL: it is not there. */
static void (*world_more)(uint64_t who, const struct msg_effect *effect, struct msg_span bytes);
static void (*front_more)(uint64_t who, enum msg_kind kind, const union msg_any *any);

static void world_feed(uint64_t who, const struct msg_event *event);

static inline struct bytes
world_copy(struct msg_span span)
{
    struct bytes bytes = {span.len, malloc(span.len + 1)};
    if (span.len > 0)
        memcpy(bytes.at, span.at, span.len);
    return bytes;
}

/* ---- a core's shell ---- */

static inline void
world_keep(struct side *side, const struct change *change)
{
    size_t at = 0;
    while (at < side->record_count && !(side->records[at].table == change->table && msg_span_equal(msg_record_key_span(&side->records[at].key), msg_record_key_span(&change->key))))
        at++;
    if (at < side->record_count)
        free(side->records[at].bytes.at);
    if (change->put) {
        side->records[at] = *change;
        side->record_count += at == side->record_count;
        assert_true(side->record_count < FRAMES_MAX);
        return;
    }
    free(change->bytes.at);
    if (at < side->record_count)
        side->records[at] = side->records[--side->record_count];
}

static inline void world_told(void *arg, struct msg_span frame); /* room_people.h */

static inline void
world_perform(uint64_t who, const struct msg_effects *effects, const struct msg_effect *effect)
{
    struct side *const side = &w.side[who];
    const struct msg_span bytes = msg_effects_bytes(effects, effect), key = msg_effects_key(effects, effect);
    if (effect->kind == EFFECT_PUT || effect->kind == EFFECT_DELETE) {
        struct change *change = &side->gathered[side->gathered_count++];
        assert_true(side->gathered_count < FRAMES_MAX);
        *change = (struct change){.put = effect->kind == EFFECT_PUT, .table = effect->table, .key.len = key.len, .bytes = world_copy(bytes)};
        memcpy(change->key.at, key.at, key.len);
    } else if (effect->kind == EFFECT_STORE) {
        side->stores[side->store_count].id = effect->id;
        side->stores[side->store_count++].upto = side->gathered_count;
        assert_true(side->store_count < FRAMES_MAX);
    } else if (effect->kind == EFFECT_TELL) {
        each_tell(told_frame(bytes), world_told, side);
    } else if (effect->kind == EFFECT_DIAL)
        side->link = effect->id;
    else if (effect->kind == EFFECT_WAKE && w.now.mono_ms + effect->id < side->wake_ms)
        side->wake_ms = w.now.mono_ms + effect->id;
    else if (effect->kind == EFFECT_SEND && effect->id == side->link && side->up) {
        w.inbox[w.inbox_count].from = who;
        w.inbox[w.inbox_count++].bytes = world_copy(bytes);
        assert_true(w.inbox_count < FRAMES_MAX);
    } else if (effect->kind == EFFECT_LOG && getenv("WORLD_LOG") != NULL)
        printf("%s: %.*s\n", NAMES[who], (int)bytes.len, (const char *)bytes.at);
    else if (world_more != NULL)
        world_more(who, effect, bytes);
}

static inline void
world_feed(uint64_t who, const struct msg_event *event)
{
    struct msg_effects effects;
    msg_effects_init(&effects);
    peer_core_step(w.side[who].core, w.now, event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        world_perform(who, &effects, &effects.list[i]);
    msg_effects_wipe(&effects);
}

/* The first of the transactions that wait. */
static inline void
world_commit_one(uint64_t who)
{
    struct side *const side = &w.side[who];
    const uint64_t id = side->stores[0].id;
    const size_t upto = side->stores[0].upto;
    for (size_t i = 0; i < upto; i++)
        world_keep(side, &side->gathered[i]);
    memmove(side->gathered, side->gathered + upto, (side->gathered_count - upto) * sizeof side->gathered[0]);
    side->gathered_count -= upto;
    side->store_count--;
    memmove(side->stores, side->stores + 1, side->store_count * sizeof side->stores[0]);
    for (size_t i = 0; i < side->store_count; i++)
        side->stores[i].upto -= upto;
    world_feed(who, &(struct msg_event){.kind = EVENT_STORED, .id = id});
}

static inline void
world_commit(uint64_t who)
{
    while (w.side[who].store_count > 0 && !w.side[who].lazy)
        world_commit_one(who);
}

#endif
