/* One core of Ada's with its disk, people with their keys, and what it told.
 * tests/peer/room_front.h adds the front.  The test says when the disk commits;
 * a restart goes by what was committed. */
#ifndef TESTS_PEER_ROOM_WORLD_H
#define TESTS_PEER_ROOM_WORLD_H

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
#include "peer/tables/rooms.h"
#include "tests/peer/each_tell.h"

enum { ADA = 1, BOB, CAT, DAN, PEOPLE }; /* accounts; each has device 1 */
#define MAX 2048
#define ROOM_MAX (MSG_ROOM_SEEN_MAX + 64)

static const char *const NAMES[] = {"", "ada", "bob", "cat", "dan"};
static const struct msg_id DEN = {{0xde, 0x0e}};

struct person {
    struct peer_identity id;
    struct msg_box_pub mail;
    struct msg_box_sec mail_sec;
    uint8_t cert[MSG_CERT_MAX];
    size_t cert_len;
};

struct bytes { size_t len; uint8_t at[4096]; };
struct change { bool put; uint32_t table; struct msg_record_key key; struct bytes bytes; };
struct entry { struct msg_entry entry; uint8_t op[MSG_ROOM_OP_MAX]; uint8_t certificate[MSG_CERT_MAX]; };

/* A room as the front has it. */
struct front_room {
    struct msg_room facts;
    struct msg_room_part parts[PEOPLE + 8];
    char name[64];
    struct entry entries[ROOM_MAX];
    struct msg_head heads[ROOM_MAX + 1];
};

static struct {
    struct peer_core *core;
    struct msg_time now;
    struct msg_sign_pub signer;
    struct msg_sign_sec signer_sec;
    struct person people[PEOPLE];
    uint64_t link;
    bool up;
    struct bytes sent[MAX];         /* to the front, not answered yet */
    size_t sent_count, sent_done;
    struct { enum msg_kind kind; struct bytes bytes; union msg_any any; } told[MAX];
    size_t told_count;
    uint64_t shown;                 /* arrival */
    struct change gathered[MAX], records[MAX];
    size_t gathered_count, record_count;
    struct { uint64_t id; size_t upto; } stores[MAX];
    size_t store_count;
    struct front_room room;         /* the one there is */
    uint64_t page;                  /* entries in one */
    bool push_first;                /* ENTRIES before DONE */
    bool deaf;                      /* it does not push */
    uint32_t refusals;              /* so many operations are answered bad-arguments first */
    bool invited_only;              /* ROOM_FIND finds nothing */
    uint64_t asked[MSG_KIND_LIMIT]; /* how often */
    uint64_t until_ms;              /* of certificates made from now on; 0: for ever */
    bool mesh;                      /* what it says of the room */
    uint64_t offset;                /* likewise */
    uint16_t port;                  /* Ada's inbound one; 0: none */
    enum msg_direct direct;
    struct done { enum msg_effect_kind kind; uint64_t link; uint16_t port; struct msg_box_pub key; struct bytes bytes; } done[MAX];
    size_t done_count;              /* all of LISTEN, SUBSCRIBE, DROP, ADMIT, EXPEL, and SEND to anybody but the front */
} w;

static void feed(const struct msg_event *event);

static inline void
certify(uint64_t account, uint64_t device, struct person *who, const char *name, uint64_t serial)
{
    uint8_t body[MSG_CERT_MAX];
    struct msg_buf buf = {body, 0, sizeof body}, out = {who->cert, 0, sizeof who->cert};
    struct msg_sig sig;
    struct msg_cert_body cert = {.serial = serial, .account = account, .device = device, .name = msg_text(name), .sign = who->id.sign,
                                 .transport = who->id.transport, .mail = who->mail, .not_before_ms = 1, .not_after_ms = w.until_ms != 0 ? w.until_ms : UINT64_MAX / 2};
    msg_cert_sign_mail(&cert.mail_sig, &cert.mail, &who->id.sign_sec);
    assert_int_equal(msg_codec_encode(&buf, MSG_CERT, &cert), CONCLAVE_OK);
    assert_int_equal(msg_cert_sign(&sig, msg_span_of_buf(&buf), &w.signer_sec), CONCLAVE_OK);
    assert_int_equal(msg_cert_wrap(&out, msg_span_of_buf(&buf), &sig), CONCLAVE_OK);
    who->cert_len = out.len;
}

static inline void
new_keys(struct person *who)
{
    msg_keys_new_sign(&who->id.sign, &who->id.sign_sec);
    msg_keys_new_box(&who->id.transport, &who->id.transport_sec);
    msg_keys_new_box(&who->mail, &who->mail_sec);
}

/* ---- the core's shell ---- */

static inline void
keep(const struct change *change)
{
    size_t at = 0;
    while (at < w.record_count && !(w.records[at].table == change->table && msg_span_equal(msg_record_key_span(&w.records[at].key), msg_record_key_span(&change->key))))
        at++;
    if (change->put) {
        w.records[at] = *change;
        if (at == w.record_count)
            assert_true(++w.record_count < MAX);
    } else if (at < w.record_count)
        w.records[at] = w.records[--w.record_count];
}

static inline void
gather(const struct msg_effects *effects, const struct msg_effect *effect)
{
    struct change *change = &w.gathered[w.gathered_count++];
    const struct msg_span key = msg_effects_key(effects, effect), bytes = msg_effects_bytes(effects, effect);
    assert_true(w.gathered_count < MAX && bytes.len <= sizeof change->bytes.at);
    change->put = effect->kind == EFFECT_PUT;
    change->table = effect->table;
    change->key.len = key.len;
    memcpy(change->key.at, key.at, key.len);
    change->bytes.len = bytes.len;
    if (bytes.len > 0)
        memcpy(change->bytes.at, bytes.at, bytes.len);
}

static inline void
take_bytes(struct bytes *to, struct msg_span bytes)
{
    assert_true(bytes.len <= sizeof to->at);
    to->len = bytes.len;
    if (bytes.len > 0)
        memcpy(to->at, bytes.at, bytes.len);
}

/* What is asked of XPUBs and SUBs. */
static inline void
note(const struct msg_effects *effects, const struct msg_effect *effect)
{
    const bool always = effect->kind == EFFECT_LISTEN || effect->kind == EFFECT_SUBSCRIBE || effect->kind == EFFECT_DROP || effect->kind == EFFECT_ADMIT
                        || effect->kind == EFFECT_EXPEL;
    if (!always && (effect->kind != EFFECT_SEND || effect->id == w.link))
        return;
    assert_true(w.done_count < MAX);
    struct done *const done = &w.done[w.done_count++];
    *done = (struct done){.kind = effect->kind, .link = effect->id, .port = effect->port, .key = effect->key};
    take_bytes(&done->bytes, msg_effects_bytes(effects, effect));
}

static inline void
world_told(void *arg, struct msg_span frame)
{
    struct bytes *const bytes = &w.told[w.told_count].bytes;
    (void)arg; /* there is one world */
    take_bytes(bytes, frame);
    assert_int_equal(msg_codec_decode(msg_span(bytes->at, bytes->len), &w.told[w.told_count].kind, &w.told[w.told_count].any), CONCLAVE_OK);
    const enum msg_kind kind = w.told[w.told_count].kind;
    if ((kind == MSG_TELL_ROOM || kind == MSG_TELL_NOTICE) && w.told[w.told_count].any.MSG_ANY_TELL_ROOM.arrival != 0)
        w.shown = w.told[w.told_count].any.MSG_ANY_TELL_ROOM.arrival;
    assert_true(++w.told_count < MAX);
}

static inline void
feed(const struct msg_event *event)
{
    struct msg_effects effects;
    msg_effects_init(&effects);
    peer_core_step(w.core, w.now, event, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct msg_effect *effect = &effects.list[i];
        note(&effects, effect);
        if (effect->kind == EFFECT_PUT || effect->kind == EFFECT_DELETE)
            gather(&effects, effect);
        else if (effect->kind == EFFECT_STORE) {
            w.stores[w.store_count].id = effect->id;
            w.stores[w.store_count++].upto = w.gathered_count;
            assert_true(w.store_count < MAX);
        } else if (effect->kind == EFFECT_TELL) {
            each_tell(told_frame(msg_effects_bytes(&effects, effect)), world_told, NULL);
        } else if (effect->kind == EFFECT_DIAL)
            w.link = effect->id;
        else if (effect->kind == EFFECT_SEND && effect->id == w.link && w.up) {
            take_bytes(&w.sent[w.sent_count++], msg_effects_bytes(&effects, effect));
            assert_true(w.sent_count < MAX);
        }
    }
    msg_effects_wipe(&effects);
}

/* The disk syncs what it was given. */
static inline void
commit(void)
{
    while (w.store_count > 0) {
        const uint64_t id = w.stores[0].id;
        const size_t upto = w.stores[0].upto;
        for (size_t i = 0; i < upto; i++)
            keep(&w.gathered[i]);
        memmove(w.gathered, w.gathered + upto, (w.gathered_count - upto) * sizeof w.gathered[0]);
        w.gathered_count -= upto;
        w.store_count--;
        memmove(w.stores, w.stores + 1, w.store_count * sizeof w.stores[0]);
        for (size_t i = 0; i < w.store_count; i++)
            w.stores[i].upto -= upto;
        feed(&(struct msg_event){.kind = EVENT_STORED, .id = id});
    }
}

static inline void
pass(uint64_t ms)
{
    w.now.mono_ms += ms;
    w.now.wall_ms += ms;
    feed(&(struct msg_event){.kind = EVENT_WAKE});
}

static inline void
say(enum msg_kind kind, const void *message)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    feed(&(struct msg_event){.kind = EVENT_FRAME, .link = w.link, .bytes = msg_span_of_buf(&buf)});
}

static inline void
command(enum msg_kind kind, const void *message)
{
    uint8_t at[8192];
    struct msg_buf buf = {at, 0, sizeof at};
    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    feed(&(struct msg_event){.kind = EVENT_COMMAND, .bytes = msg_span_of_buf(&buf)});
}

/* ---- what was told ---- */

static inline size_t
count(enum msg_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < w.told_count; i++)
        n += w.told[i].kind == kind;
    return n;
}

static inline const union msg_any *
told(enum msg_kind kind, size_t n)
{
    for (size_t i = 0; i < w.told_count; i++)
        if (w.told[i].kind == kind && n-- == 0)
            return &w.told[i].any;
    fail_msg("there is no such tell");
    return NULL;
}

static inline bool
reads(struct msg_text text, const char *z)
{
    return msg_text_equal(text, msg_text(z));
}

/* The n-th event of a room. */
static inline void
assert_event(size_t n, enum msg_act act, const char *user, const char *by)
{
    const struct msg_tell_room *tell = &told(MSG_TELL_ROOM, n)->MSG_ANY_TELL_ROOM;
    assert_true(reads(tell->room, "#Den"));
    assert_int_equal(tell->act, act);
    assert_true(reads(tell->user, user));
    assert_true(reads(tell->by, by));
}

static inline enum conclave_err
failure(void)
{
    const struct msg_error_frame *failed = &told(MSG_TELL_FAILED, count(MSG_TELL_FAILED) - 1)->MSG_ANY_TELL_FAILED;
    return msg_error_from_code(failed->code.at, failed->code.len);
}

static inline enum conclave_err
noticed(void)
{
    const struct msg_tell_notice *notice = &told(MSG_TELL_NOTICE, count(MSG_TELL_NOTICE) - 1)->MSG_ANY_TELL_NOTICE;
    return msg_error_from_code(notice->code.at, notice->code.len);
}

#endif
