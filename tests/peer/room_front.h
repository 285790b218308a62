/* One core of Ada's, a front that is made up here, and people whose devices
 * sign what the test wants.  The test says when the front answers and when the
 * disk commits; a restart goes by what was committed. */
#ifndef TESTS_PEER_ROOM_FRONT_H
#define TESTS_PEER_ROOM_FRONT_H

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
#include "peer/core.h"
#include "peer/rooms.h"

enum { ADA = 1, BOB, CAT, DAN, PEOPLE }; /* accounts; each has device 1 */
#define MAX 512
#define ROOM_MAX 64

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
} w;

static void feed(const struct msg_event *event);

static inline void
certify(uint64_t account, uint64_t device, struct person *who, const char *name, uint64_t serial)
{
    uint8_t body[MSG_CERT_MAX];
    struct msg_buf buf = {body, 0, sizeof body}, out = {who->cert, 0, sizeof who->cert};
    struct msg_sig sig;
    struct msg_cert_body cert = {.serial = serial, .account = account, .device = device, .name = msg_text(name), .sign = who->id.sign,
                                 .transport = who->id.transport, .mail = who->mail, .not_before_ms = 1, .not_after_ms = UINT64_MAX / 2};
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
    memcpy(to->at, bytes.at, bytes.len);
}

static inline void
feed(const struct msg_event *event)
{
    struct msg_effects effects;
    msg_effects_init(&effects);
    peer_core_step(w.core, w.now, event, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct msg_effect *effect = &effects.list[i];
        if (effect->kind == EFFECT_PUT || effect->kind == EFFECT_DELETE)
            gather(&effects, effect);
        else if (effect->kind == EFFECT_STORE) {
            w.stores[w.store_count].id = effect->id;
            w.stores[w.store_count++].upto = w.gathered_count;
            assert_true(w.store_count < MAX);
        } else if (effect->kind == EFFECT_TELL) {
            take_bytes(&w.told[w.told_count].bytes, msg_effects_bytes(&effects, effect));
            const struct bytes *bytes = &w.told[w.told_count].bytes;
            assert_int_equal(msg_codec_decode(msg_span(bytes->at, bytes->len), &w.told[w.told_count].kind, &w.told[w.told_count].any), CONCLAVE_OK);
            assert_true(++w.told_count < MAX);
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

/* ---- the front ---- */

static inline void
error(uint64_t req, enum conclave_err err)
{
    const struct msg_error_frame frame = {req, msg_text(msg_error_code(err)), msg_text(msg_error_sentence(err)), 0};
    say(MSG_ERROR, &frame);
}

static inline void
entries(uint64_t req, uint64_t after, uint64_t upto)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_entries frame = {.req = req, .room = w.room.facts.id, .more = upto < w.room.facts.number && req != 0};
    for (uint64_t n = after + 1; n <= upto; n++)
        assert_int_equal(msg_codec_append(&buf, &frame.entries, MSG_ENTRY, &w.room.entries[n - 1].entry), CONCLAVE_OK);
    say(MSG_ENTRIES, &frame);
}

/* An entry as it stands, whatever it says; pushed if the core is up. */
static inline void
append(struct msg_span op, struct msg_span certificate, bool epoch)
{
    struct entry *entry = &w.room.entries[w.room.facts.number - 1];
    assert_true(w.room.facts.number <= ROOM_MAX);
    memcpy(entry->op, op.at, op.len);
    if (certificate.len > 0)
        memcpy(entry->certificate, certificate.at, certificate.len);
    entry->entry = (struct msg_entry){w.room.facts.number, 0, 1000 + w.room.facts.number, msg_span(entry->op, op.len), msg_span(entry->certificate, certificate.len)};
    msg_room_link(&w.room.facts, &entry->entry, epoch);
    w.room.heads[w.room.facts.number] = w.room.facts.head;
    if (w.up && !w.deaf)
        entries(0, w.room.facts.number - 1, w.room.facts.number);
}

static inline enum conclave_err
order(struct msg_span signed_op, struct msg_span certificate)
{
    struct msg_room_op op;
    assert_int_equal(msg_room_open_op(&op, signed_op, NULL), CONCLAVE_OK);
    const uint64_t epoch = w.room.facts.epoch;
    if (op.act == MSG_ACT_CREATE) {
        memset(&w.room, 0, sizeof w.room);
        w.room.facts.id = op.room;
        msg_text_copy(w.room.name, sizeof w.room.name, op.name);
    }
    w.room.parts[op.account].account = op.account;
    w.room.parts[op.subject].account = op.subject;
    if (op.seen <= w.room.facts.number && memcmp(&op.seen_head, &w.room.heads[op.seen], sizeof op.seen_head) != 0)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    const enum conclave_err err = msg_room_apply(&w.room.facts, &op, &w.room.parts[op.account], op.subject != 0 ? &w.room.parts[op.subject] : NULL, certificate.len == 0);
    if (err == CONCLAVE_OK)
        append(signed_op, certificate, w.room.facts.epoch != epoch);
    return err;
}

/* Signs an operation of somebody's as they would now. */
static inline struct msg_span
sign(uint64_t who, struct msg_room_op op, uint8_t at[MSG_ROOM_OP_MAX])
{
    struct msg_buf buf = {at, 0, MSG_ROOM_OP_MAX};
    op.room = op.act == MSG_ACT_CREATE ? DEN : w.room.facts.id;
    op.account = who;
    op.device = 1;
    op.seen = op.act == MSG_ACT_CREATE ? 0 : w.room.facts.number;
    op.seen_head = w.room.heads[op.seen];
    op.ts_ms = w.now.wall_ms;
    if (op.subject != 0)
        op.name = msg_text(op.subject < PEOPLE ? NAMES[op.subject] : "stranger");
    assert_int_equal(msg_room_sign_op(&buf, &op, &w.people[who].id.sign_sec), CONCLAVE_OK);
    return msg_span_of_buf(&buf);
}

static inline void
act(uint64_t who, enum msg_act act, uint64_t subject)
{
    uint8_t at[MSG_ROOM_OP_MAX];
    const struct msg_room_op op = {.act = act, .subject = subject, .name = msg_text("#Den"), .text = msg_text(act == MSG_ACT_TOPIC || act == MSG_ACT_CREATE ? "lions" : "")};
    assert_int_equal(order(sign(who, op, at), msg_span(w.people[who].cert, w.people[who].cert_len)), CONCLAVE_OK);
}

static inline void
room_state(bool complete)
{
    uint8_t at[256];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_room_state state = {.complete = complete};
    const struct msg_room_part *mine = &w.room.parts[ADA];
    const struct msg_room_head head = {w.room.facts.id, w.room.facts.number, 0, mine->role, mine->standing, false};
    if (w.room.facts.made && !w.room.facts.gone && (mine->role != MSG_ROLE_NONE || (mine->standing & MSG_STANDING_INVITED) != 0))
        assert_int_equal(msg_codec_append(&buf, &state.rooms, MSG_ROOM_HEAD, &head), CONCLAVE_OK);
    say(MSG_ROOM_STATE, &state);
}

static inline void
answer_propose(const struct msg_room_propose *propose)
{
    const uint64_t req = propose->req;
    const bool deaf = w.deaf;
    uint8_t at[MSG_ROOM_OP_MAX];
    if (w.refusals > 0) {
        w.refusals--;
        error(req, CONCLAVE_ERR_BAD_ARGUMENTS);
        return;
    }
    const size_t len = propose->op.len;
    memcpy(at, propose->op.at, len);
    w.deaf = deaf || !w.push_first;
    const enum conclave_err err = order(msg_span(at, len), msg_span(w.people[ADA].cert, w.people[ADA].cert_len));
    const struct msg_done done = {req};
    if (err != CONCLAVE_OK)
        error(req, err);
    else
        say(MSG_DONE, &done);
    w.deaf = deaf;
    if (err == CONCLAVE_OK && !w.push_first && !w.deaf)
        entries(0, w.room.facts.number - 1, w.room.facts.number);
}

static inline void
answer_members(const struct msg_room_of *of)
{
    uint8_t at[4096];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_members frame = {.req = of->req, .room = of->room};
    for (uint64_t account = of->after + 1; account < PEOPLE && frame.next == 0; account++) {
        const struct msg_member member = {account, msg_text(NAMES[account]), w.room.parts[account].role, w.room.parts[account].standing, MSG_STATUS_ONLINE};
        if (member.role == MSG_ROLE_NONE)
            continue;
        assert_int_equal(msg_codec_append(&buf, &frame.members, MSG_MEMBER, &member), CONCLAVE_OK);
        if (frame.members.count == w.page)
            frame.next = account;
    }
    say(MSG_MEMBERS, &frame);
}

static inline void
answer_find(const struct msg_room_find *find)
{
    const struct msg_room_part *mine = &w.room.parts[ADA];
    struct msg_room_name name, asked;
    const struct msg_room_found found = {.req = find->req, .room = w.room.facts.id, .name = msg_text(w.room.name), .flags = w.room.facts.flags,
                                         .members = w.room.facts.members, .number = w.room.facts.number, .head = w.room.facts.head,
                                         .role = mine->role, .standing = mine->standing};
    if (w.invited_only || !w.room.facts.made || w.room.facts.gone || msg_room_name_parse(&name, found.name) != CONCLAVE_OK
        || msg_room_name_parse(&asked, find->name) != CONCLAVE_OK || strcmp(name.folded, asked.folded) != 0)
        error(find->req, CONCLAVE_ERR_NO_SUCH_ROOM);
    else
        say(MSG_ROOM_FOUND, &found);
}

static inline void
answer_search(const struct msg_search *search)
{
    struct msg_found found = {.req = search->req, .name = search->name, .status = MSG_STATUS_NOT_FOUND};
    for (uint64_t account = 1; account < PEOPLE; account++)
        if (msg_text_equal(search->name, msg_text(NAMES[account]))) {
            found.account = account;
            found.status = MSG_STATUS_ONLINE;
        }
    say(MSG_FOUND, &found);
}

static inline void
answer_list(const struct msg_room_list *list)
{
    uint8_t at[512];
    struct msg_buf buf = {at, 0, sizeof at};
    const bool first = list->after.len == 0;
    struct msg_rooms frame = {.req = list->req, .next = msg_text(first ? "#den" : "")};
    const struct msg_room_info info = {.room = {{1}}, .name = msg_text(first ? "#Den" : "#other"), .members = 1};
    assert_int_equal(msg_codec_append(&buf, &frame.rooms, MSG_ROOM_INFO, &info), CONCLAVE_OK);
    say(MSG_ROOMS, &frame);
}

/* Answers one frame; false: none waits. */
static inline bool
answer_one(void)
{
    union msg_any any;
    enum msg_kind kind;
    if (w.sent_done == w.sent_count)
        return false;
    const struct bytes *bytes = &w.sent[w.sent_done++];
    assert_int_equal(msg_codec_decode(msg_span(bytes->at, bytes->len), &kind, &any), CONCLAVE_OK);
    w.asked[kind]++;
    if (kind == MSG_LOGIN) {
        const struct msg_welcome welcome = {.req = any.MSG_ANY_LOGIN.req, .account = ADA, .device = 1, .name = msg_text("ada"), .generation = 1,
                                            .lease_ms = 3600000, .now_ms = w.now.wall_ms, .certificate = msg_span(w.people[ADA].cert, w.people[ADA].cert_len)};
        say(MSG_WELCOME, &welcome);
        room_state(true);
    } else if (kind == MSG_ENTRIES_OF) {
        const struct msg_room_of *of = &any.MSG_ANY_ENTRIES_OF;
        if (memcmp(&of->room, &w.room.facts.id, sizeof of->room) != 0)
            error(of->req, CONCLAVE_ERR_NO_SUCH_ROOM);
        else
            entries(of->req, of->after, of->after + w.page < w.room.facts.number ? of->after + w.page : w.room.facts.number);
    } else if (kind == MSG_ROOM_PROPOSE)
        answer_propose(&any.MSG_ANY_ROOM_PROPOSE);
    else if (kind == MSG_ROOM_FIND)
        answer_find(&any.MSG_ANY_ROOM_FIND);
    else if (kind == MSG_SEARCH)
        answer_search(&any.MSG_ANY_SEARCH);
    else if (kind == MSG_MEMBERS_OF)
        answer_members(&any.MSG_ANY_MEMBERS_OF);
    else if (kind == MSG_ROOM_LIST)
        answer_list(&any.MSG_ANY_ROOM_LIST);
    else if (kind == MSG_ROOM_WATCH || kind == MSG_WATCH || kind == MSG_DELETE_ACCOUNT || kind == MSG_REVOKE || kind == MSG_LOGOUT)
        say(MSG_DONE, &(struct msg_done){any.MSG_ANY_DONE.req});
    return true;
}

/* The front answers and the disk syncs until both are quiet. */
static inline void
settle(void)
{
    do {
        while (answer_one())
            ;
        commit();
    } while (w.sent_done < w.sent_count);
    w.sent_count = w.sent_done = 0;
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

/* ---- coming up ---- */

static inline void
connect_front(void)
{
    w.up = true;
    feed(&(struct msg_event){.kind = EVENT_LINK_UP, .link = w.link});
}

static inline void
cut(void)
{
    w.up = false;
    w.sent_count = w.sent_done = 0;
    feed(&(struct msg_event){.kind = EVENT_LINK_DOWN, .link = w.link});
}

/* Waits for the next dial, which is answered. */
static inline void
come_back(void)
{
    pass(60000);
    connect_front();
    settle();
}

/* The process ends and comes back with what is on disk. */
static inline void
restart(void)
{
    const struct peer_settings settings = {.contacts = 8, .rooms = 4, .room_members = 64, .cards = 16};
    peer_core_destroy(&w.core);
    w.gathered_count = w.store_count = w.told_count = w.sent_count = w.sent_done = 0;
    w.up = false;
    w.core = peer_core_new(&settings, &w.people[ADA].id);
    assert_non_null(w.core);
    for (uint32_t table = 0; table < PEER_TABLES; table++)
        for (size_t i = 0; i < w.record_count; i++)
            if (w.records[i].table == table)
                feed(&(struct msg_event){.kind = EVENT_RECORD, .table = table, .record_key = msg_record_key_span(&w.records[i].key),
                                         .bytes = msg_span(w.records[i].bytes.at, w.records[i].bytes.len)});
    feed(&(struct msg_event){.kind = EVENT_START});
    connect_front();
    settle();
}

static inline void
record(enum peer_table table, enum msg_kind kind, const void *message)
{
    struct change change = {.put = true, .table = table, .key = msg_record_key1(0)};
    struct msg_buf buf = {change.bytes.at, 0, sizeof change.bytes.at};
    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    change.bytes.len = buf.len;
    keep(&change);
}

static inline int
set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    w.now = (struct msg_time){1000, 1750000000000};
    w.page = 100;
    w.push_first = true;
    if (msg_keys_init() != CONCLAVE_OK)
        return -1;
    msg_keys_new_sign(&w.signer, &w.signer_sec);
    for (uint64_t who = ADA; who < PEOPLE; who++) {
        new_keys(&w.people[who]);
        certify(who, 1, &w.people[who], NAMES[who], who);
    }
    const struct msg_rec_self self = {.account = ADA, .device = 1, .name = msg_text("ada"), .signer = w.signer, .front_host = msg_text("registry"),
                                      .front_port = 15601, .certificate = msg_span(w.people[ADA].cert, w.people[ADA].cert_len),
                                      .now_offset_ms = UINT64_C(1) << 62};
    const struct msg_rec_mail_key mail = {w.people[ADA].mail, w.people[ADA].mail_sec, w.now.wall_ms, 0};
    record(PEER_TABLE_SELF, MSG_REC_SELF, &self);
    record(PEER_TABLE_MAIL_KEYS, MSG_REC_MAIL_KEY, &mail);
    restart();
    w.told_count = 0;
    return 0;
}

static inline int
tear_down(void **state)
{
    (void)state;
    peer_core_destroy(&w.core);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
