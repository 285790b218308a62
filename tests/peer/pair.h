/* Two cores without a world: what one sends the other gets at once, and the
 * test says when disks commit and when time passes.  Ada dials, Bob accepts. */
#ifndef TESTS_PEER_PAIR_H
#define TESTS_PEER_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "msg/envelope.h"
#include "peer/core/core.h"
#include "tests/peer/each_tell.h"
#include "tests/told.h"

enum { ADA, BOB };
#define PAIR_LINK (PEER_LINK_ACCEPTED | 1) /* Bob's end of it */
#define PAIR_MAX  2048

struct pair_told {
    enum msg_kind kind;
    uint8_t at[1024];
    union msg_any any;
};

struct pair_kept {
    uint8_t at[1024];
    size_t len; /* 0: none yet */
};

struct pair_side {
    struct peer_core *core;
    struct peer_identity id;
    struct msg_box_pub mail;
    struct msg_box_sec mail_sec;
    uint8_t cert[MSG_CERT_MAX];
    size_t cert_len;
    uint64_t link;             /* 0: none */
    uint64_t device;           /* its number, as certified */
    uint64_t dialled;          /* the last link that it dialled to the registry */
    struct pair_told asked;    /* the last frame on that */
    uint64_t stores[PAIR_MAX]; /* asked for, not committed */
    size_t store_count;
    struct pair_told told[PAIR_MAX];
    size_t told_count;
    struct pair_kept kept[PEER_TABLES]; /* the last record that it put there */
    bool deaf; /* what is sent to it is lost */
    struct pair_kept lost; /* the last of that */
    bool hides; /* its dials of the other side come to nothing */
};

struct pair {
    struct pair_side side[2];
    struct msg_time now;
    struct msg_sign_pub signer;
    struct msg_sign_sec signer_sec;
    size_t frames; /* sent between them */
    size_t bytes;  /* of the last one */
    bool bob_dials; /* who knows an endpoint of the other, from its start on */
};

static struct pair pair;
static void (*pair_front)(int from, struct msg_span bytes); /* what is said to the registry */
static uint64_t pair_direct; /* enum msg_direct, of whoever starts */
static const char *const PAIR_NAMES[] = {"ada", "bob"};

static void pair_feed(int who, const struct msg_event *event);

static inline void
pair_decode(struct pair_told *told, struct msg_span bytes)
{
    assert_true(bytes.len <= sizeof told->at);
    memcpy(told->at, bytes.at, bytes.len);
    assert_int_equal(msg_codec_decode(msg_span(told->at, bytes.len), &told->kind, &told->any),
                     CONCLAVE_OK);
}

static inline void
pair_tell(void *arg, struct msg_span frame)
{
    struct pair_side *const side = arg;
    pair_decode(&side->told[side->told_count++], frame);
    assert_true(side->told_count < PAIR_MAX);
}

static inline void
pair_keep(struct pair_kept *kept, struct msg_span bytes)
{
    kept->len = bytes.len <= sizeof kept->at ? bytes.len : 0;
    memcpy(kept->at, bytes.at, kept->len);
}

/* Bytes of the other one come on the link between them. */
static inline void
pair_arrive(int who, struct msg_span bytes)
{
    uint8_t *const copy = malloc(bytes.len);
    memcpy(copy, bytes.at, bytes.len);
    pair_feed(who, &(struct msg_event){.kind = EVENT_FRAME,
                                       .link = pair.side[who].link,
                                       .key = pair.side[1 - who].id.transport,
                                       .bytes = msg_span(copy, bytes.len)});
    free(copy);
}

static inline void
pair_send(int from, uint64_t link, struct msg_span bytes)
{
    struct pair_side *const to = &pair.side[1 - from];
    if (pair_front != NULL && link != 0 && link == pair.side[from].dialled) {
        pair_front(from, bytes);
        return;
    }
    if (link == pair.side[from].dialled)
        pair_decode(&pair.side[from].asked, bytes);
    if (link != pair.side[from].link || to->link == 0)
        return; /* to the registry, which is the test; or lost */
    if (to->deaf) {
        pair_keep(&to->lost, bytes);
        return;
    }
    pair.frames++;
    pair.bytes = bytes.len;
    pair_arrive(1 - from, bytes);
}

static inline void
pair_dial(int from, const struct msg_effect *effect)
{
    if (memcmp(&effect->key, &pair.side[1 - from].id.transport, sizeof effect->key) != 0) {
        pair.side[from].dialled = effect->id; /* the registry, which is the test */
        return;
    }
    if (pair.side[from].hides)
        return;
    pair.side[from].link = effect->id;
    pair.side[1 - from].link = PAIR_LINK;
    pair_feed(1 - from, &(struct msg_event){.kind = EVENT_LINK_UP,
                                            .link = PAIR_LINK,
                                            .key = pair.side[from].id.transport});
    pair_feed(from,
              &(struct msg_event){.kind = EVENT_LINK_UP, .link = effect->id, .key = effect->key});
}

static inline void
pair_feed(int who, const struct msg_event *event)
{
    struct pair_side *const side = &pair.side[who];
    struct msg_effects effects;
    msg_effects_init(&effects);
    peer_core_step(side->core, pair.now, event, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct msg_effect *const effect = &effects.list[i];
        if (effect->kind == EFFECT_STORE)
            side->stores[side->store_count++] = effect->id;
        else if (effect->kind == EFFECT_PUT)
            pair_keep(&side->kept[effect->table], msg_effects_bytes(&effects, effect));
        else if (effect->kind == EFFECT_TELL)
            each_tell(told_frame(msg_effects_bytes(&effects, effect)), pair_tell, side);
        else if (effect->kind == EFFECT_SEND)
            pair_send(who, effect->id, msg_effects_bytes(&effects, effect));
        else if (effect->kind == EFFECT_DIAL)
            pair_dial(who, effect);
        else if (effect->kind == EFFECT_DROP && effect->id == side->dialled)
            side->dialled = 0;
        assert_true(side->store_count < PAIR_MAX);
    }
    msg_effects_wipe(&effects);
}

static inline void
pair_commit(int who)
{
    struct pair_side *const side = &pair.side[who];
    while (side->store_count > 0) {
        const uint64_t id = side->stores[0];
        memmove(side->stores, side->stores + 1, --side->store_count * sizeof side->stores[0]);
        pair_feed(who, &(struct msg_event){.kind = EVENT_STORED, .id = id});
    }
}

static inline void
pair_wake(int who, uint64_t after_ms)
{
    pair.now.mono_ms += after_ms;
    pair.now.wall_ms += after_ms;
    pair_feed(who, &(struct msg_event){.kind = EVENT_WAKE});
}

/* Everything that is due on both sides, until they are quiet. */
static inline void
pair_settle(void)
{
    for (int i = 0; i < 6; i++)
        for (int who = ADA; who <= BOB; who++) {
            pair_commit(who);
            pair_wake(who, 10);
        }
}

static inline void
pair_cut(void)
{
    for (int who = ADA; who <= BOB; who++) {
        const uint64_t link = pair.side[who].link;
        pair.side[who].link = 0;
        if (link != 0)
            pair_feed(who, &(struct msg_event){.kind = EVENT_LINK_DOWN, .link = link});
    }
}

static inline void
pair_command(int who, enum msg_kind kind, const void *command)
{
    uint8_t room[4096];
    struct msg_buf buf = {room, 0, sizeof room};
    assert_int_equal(msg_codec_encode(&buf, kind, command), CONCLAVE_OK);
    pair_feed(who, &(struct msg_event){.kind = EVENT_COMMAND, .bytes = msg_span_of_buf(&buf)});
}

static inline void
pair_say(int who, uint64_t req, const char *text)
{
    const struct msg_cmd_say say = {req, msg_text(PAIR_NAMES[1 - who]), msg_text(text)};
    pair_command(who, MSG_CMD_SAY, &say);
}

static inline size_t
pair_count(int who, enum msg_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < pair.side[who].told_count; i++)
        count += pair.side[who].told[i].kind == kind;
    return count;
}

/* The n-th tell of a kind. */
static inline const union msg_any *
pair_told(int who, enum msg_kind kind, size_t n)
{
    for (size_t i = 0; i < pair.side[who].told_count; i++)
        if (pair.side[who].told[i].kind == kind && n-- == 0)
            return &pair.side[who].told[i].any;
    fail_msg("there is no such tell");
    return NULL;
}

static inline size_t
pair_ticks(int who, enum msg_tick tick)
{
    size_t count = 0;
    for (size_t i = 0; i < pair.side[who].told_count; i++)
        if (pair.side[who].told[i].kind == MSG_TELL_RECEIPT && pair.side[who].told[i].any.MSG_ANY_TELL_RECEIPT.tick == tick)
            count += pair.side[who].told[i].any.MSG_ANY_TELL_RECEIPT.ids.len / sizeof(struct msg_id);
    return count;
}

static inline void
pair_keys(int who)
{
    struct pair_side *const side = &pair.side[who];
    msg_keys_new_sign(&side->id.sign, &side->id.sign_sec);
    msg_keys_new_box(&side->id.transport, &side->id.transport_sec);
    msg_keys_new_box(&side->mail, &side->mail_sec);
}

/* Its keys, as a device of that number. */
static inline void
pair_certify(int who, uint64_t device, uint64_t serial)
{
    struct pair_side *const side = &pair.side[who];
    uint8_t body[MSG_CERT_MAX];
    struct msg_buf buf = {body, 0, sizeof body}, out = {side->cert, 0, sizeof side->cert};
    struct msg_sig sig;
    struct msg_cert_body cert = {.serial = serial,
                                 .account = (uint64_t)who + 1,
                                 .device = device,
                                 .name = msg_text(PAIR_NAMES[who]),
                                 .sign = side->id.sign,
                                 .transport = side->id.transport,
                                 .mail = side->mail,
                                 .not_before_ms = 1,
                                 .not_after_ms = UINT64_MAX / 2};
    msg_cert_sign_mail(&cert.mail_sig, &cert.mail, &side->id.sign_sec);
    assert_int_equal(msg_codec_encode(&buf, MSG_CERT, &cert), CONCLAVE_OK);
    assert_int_equal(msg_cert_sign(&sig, msg_span_of_buf(&buf), &pair.signer_sec), CONCLAVE_OK);
    assert_int_equal(msg_cert_wrap(&out, msg_span_of_buf(&buf), &sig), CONCLAVE_OK);
    side->cert_len = out.len;
    side->device = device;
}

static inline void
pair_restore(int who, enum peer_table table, struct msg_span record)
{
    const struct msg_record_key key = msg_record_key1(0);
    pair_feed(who, &(struct msg_event){.kind = EVENT_RECORD,
                                       .table = table,
                                       .record_key = msg_record_key_span(&key),
                                       .bytes = record});
}

static inline void
pair_record(int who, enum peer_table table, enum msg_kind kind, const void *record)
{
    uint8_t room[4096];
    struct msg_buf buf = {room, 0, sizeof room};
    assert_int_equal(msg_codec_encode(&buf, kind, record), CONCLAVE_OK);
    pair_restore(who, table, msg_span_of_buf(&buf));
}

/* A core that was enrolled and knows the other one, and is not started yet. */
static inline void
pair_begin(int who, uint64_t incarnation)
{
    struct pair_side *const side = &pair.side[who], *const other = &pair.side[1 - who];
    const struct peer_settings settings = {
        .contacts = 8, .outbox_count = 1024, .outbox_bytes = 1u << 20, .port = 4000, .direct = pair_direct};
    const struct msg_rec_self self = {.account = (uint64_t)who + 1,
                                      .device = side->device,
                                      .name = msg_text(PAIR_NAMES[who]),
                                      .signer = pair.signer,
                                      .front_host = msg_text("registry"),
                                      .front_port = 15601,
                                      .certificate = msg_span(side->cert, side->cert_len),
                                      .incarnation = incarnation,
                                      .now_offset_ms = UINT64_C(1) << 62};
    const struct msg_rec_mail_key mail = {side->mail, side->mail_sec, pair.now.wall_ms, 0};
    const struct msg_rec_contact contact = {2 - (uint64_t)who, msg_text(PAIR_NAMES[1 - who]),
                                            false};
    uint8_t room[64];
    struct msg_buf buf = {room, 0, sizeof room};
    const struct msg_address address = {msg_text("10.0.0.2:4000")};
    struct msg_rec_contact_device device = {.account = contact.account,
                                            .device = other->device,
                                            .certificate = msg_span(other->cert, other->cert_len)};
    if (who == (pair.bob_dials ? BOB : ADA))
        assert_int_equal(msg_codec_append(&buf, &device.endpoints, MSG_ADDRESS, &address),
                         CONCLAVE_OK);
    side->core = peer_core_new(&settings, &side->id);
    assert_non_null(side->core);
    side->store_count = side->told_count = 0;
    side->deaf = false;
    pair_record(who, PEER_TABLE_SELF, MSG_REC_SELF, &self);
    pair_record(who, PEER_TABLE_MAIL_KEYS, MSG_REC_MAIL_KEY, &mail);
    pair_record(who, PEER_TABLE_CONTACTS, MSG_REC_CONTACT, &contact);
    pair_record(who, PEER_TABLE_DEVICES, MSG_REC_CONTACT_DEVICE, &device);
}

static inline void
pair_start(int who, uint64_t incarnation)
{
    pair_begin(who, incarnation);
    pair_feed(who, &(struct msg_event){.kind = EVENT_START});
}

static inline void
pair_registry_says(int who, enum msg_kind kind, const void *message)
{
    uint8_t room[4096];
    struct msg_buf buf = {room, 0, sizeof room};
    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    pair_feed(who, &(struct msg_event){.kind = EVENT_FRAME,
                                       .link = pair.side[who].dialled,
                                       .bytes = msg_span_of_buf(&buf)});
}

/* Logs in at the registry. */
static inline void
pair_welcome(int who)
{
    struct pair_side *const side = &pair.side[who];
    pair_feed(who, &(struct msg_event){.kind = EVENT_LINK_UP, .link = side->dialled});
    assert_int_equal(side->asked.kind, MSG_LOGIN);
    const struct msg_welcome welcome = {.req = side->asked.any.MSG_ANY_LOGIN.req,
                                        .account = (uint64_t)who + 1,
                                        .device = side->device,
                                        .name = msg_text(PAIR_NAMES[who]),
                                        .generation = 1,
                                        .lease_ms = 15000,
                                        .now_ms = pair.now.wall_ms,
                                        .certificate = msg_span(side->cert, side->cert_len)};
    pair_registry_says(who, MSG_WELCOME, &welcome);
}

static inline int
pair_set_up(void **state)
{
    (void)state;
    memset(&pair, 0, sizeof pair);
    pair_front = NULL;
    pair_direct = MSG_DIRECT_ANYONE;
    pair.now = (struct msg_time){1000, 1750000000000};
    if (msg_keys_init() != CONCLAVE_OK)
        return -1;
    msg_keys_new_sign(&pair.signer, &pair.signer_sec);
    for (int who = ADA; who <= BOB; who++) {
        pair_keys(who);
        pair_certify(who, 1, 10 + (uint64_t)who);
    }
    pair_start(ADA, 0);
    pair_start(BOB, 0);
    pair_commit(ADA);
    pair_commit(BOB);
    return 0;
}

static inline int
pair_tear_down(void **state)
{
    (void)state;
    peer_core_destroy(&pair.side[ADA].core);
    peer_core_destroy(&pair.side[BOB].core);
    return 0;
}

/* An envelope of ada's device, with what her core would not send. */
static inline void
pair_arrive_sealed(struct msg_run *run, struct msg_span batch)
{
    uint8_t room[MSG_SOCKET_MAX];
    struct msg_buf out = {room, 0, sizeof room};
    struct msg_cert bob;
    assert_int_equal(msg_cert_open(&bob, msg_span(pair.side[BOB].cert, pair.side[BOB].cert_len), &pair.signer), CONCLAVE_OK);
    if (!run->open)
        assert_int_equal(msg_run_start(run, &out, ADA + 1, 1, &pair.side[ADA].id.sign_sec, &bob, pair.now.mono_ms), CONCLAVE_OK);
    assert_int_equal(msg_envelope_seal(run, &out, batch), CONCLAVE_OK);
    pair_arrive(BOB, msg_span_of_buf(&out));
    pair_commit(BOB);
}

#endif
