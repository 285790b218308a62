/* The world around the core that tests/fuzz/fuzz_peer.c plays with: who there
 * is, a disk, and what must be true after every step.  For that file alone. */
#ifndef TESTS_FUZZ_PEER_SHELL_H
#define TESTS_FUZZ_PEER_SHELL_H

#include <sodium.h>
#include <string.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "msg/envelope.h"
#include "msg/name.h"
#include "peer/core/core.h"
#include "peer/tables/batch.h"
#include "tests/fuzz/fuzz.h"
#include "tests/told.h"

#define CONTACTS     3u
#define RECORDS_MAX  600u
#define TXS_MAX      300u
#define LINKS_MAX    64u
#define COMMANDS_MAX 400u

static const char *const names[] = {"alice", "bob", "carol", "dave", "-", ""};

struct record {
    bool used;
    uint32_t table;
    struct msg_record_key key;
    uint8_t *at;
    size_t len;
};
struct op {
    bool put;
    uint64_t tx;
    struct record record;
};

/* One of those that the core under test talks with; 0 is itself. */
static struct contact {
    struct peer_identity id;
    struct msg_box_pub mail;
    struct msg_box_sec mail_sec;
    uint8_t cert[MSG_CERT_MAX];
    size_t cert_len;
    struct msg_run run;
} people[1 + CONTACTS];

static struct msg_sign_pub signer;
static struct msg_sign_sec signer_sec;
static struct msg_box_pub door_key, front_key;
static char invite[MSG_LINK_MAX + 1];

static struct peer_core *core;
static struct msg_effects effects;
static struct msg_time now;
static struct record disk[RECORDS_MAX];
static struct op ops[4 * RECORDS_MAX];
static size_t op_count, gathered; /* the first of those without a STORE */
static uint64_t txs[TXS_MAX];
static size_t tx_count, tx_first;
static uint64_t links[LINKS_MAX]; /* dialled or accepted, newest last */
static size_t link_count;
static uint64_t next_cmd, next_accepted, last_req, shown;
static bool answered[COMMANDS_MAX];
static uint8_t proposed[MSG_ROOM_OP_MAX]; /* the last operation on a room */
static size_t proposed_len;
static uint64_t proposed_req;

static void rooms_check(const union msg_any *record); /* peer_rooms.h */

/* What is left of the input. */
static struct msg_span input;

static uint8_t
take(void)
{
    if (input.len == 0)
        return 0;
    input.len--;
    return *input.at++;
}

static uint64_t
take_number(void)
{
    const uint8_t how = take();
    if (how < 200)
        return how & 15;
    return how < 240 ? UINT64_MAX - (how & 7) : (uint64_t)take() << 32 | take();
}

/* ---- chance that is none ---- */

static uint64_t chance;

static uint32_t
chance_u32(void)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(chance >> 33);
}

static void
chance_fill(void *const out, const size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)(chance_u32() >> 8);
}

static const char *
chance_name(void)
{
    return "fixed";
}

static void
certify(struct contact *who, uint64_t account, uint64_t serial)
{
    uint8_t body[MSG_CERT_MAX];
    struct msg_buf buf = {body, 0, sizeof body}, out = {who->cert, 0, sizeof who->cert};
    struct msg_cert_body cert = {
        .serial = serial,
        .account = account,
        .device = 1,
        .name = msg_text(names[account - 1]),
        .sign = who->id.sign,
        .transport = who->id.transport,
        .mail = who->mail,
        .not_before_ms = 1,
        .not_after_ms = UINT64_MAX / 2,
    };
    struct msg_sig sig;
    msg_cert_sign_mail(&cert.mail_sig, &cert.mail, &who->id.sign_sec);
    FUZZ_CLAIM(msg_codec_encode(&buf, MSG_CERT, &cert) == CONCLAVE_OK);
    FUZZ_CLAIM(msg_cert_sign(&sig, msg_span_of_buf(&buf), &signer_sec) == CONCLAVE_OK);
    FUZZ_CLAIM(msg_cert_wrap(&out, msg_span_of_buf(&buf), &sig) == CONCLAVE_OK);
    who->cert_len = out.len;
}

static void
set_up(void)
{
    static struct randombytes_implementation fixed = {
        .implementation_name = chance_name, .random = chance_u32, .buf = chance_fill};
    FUZZ_CLAIM(randombytes_set_implementation(&fixed) == 0 && msg_keys_init() == CONCLAVE_OK);
    struct msg_box_sec sec;
    msg_keys_new_sign(&signer, &signer_sec);
    msg_keys_new_box(&door_key, &sec);
    msg_keys_new_box(&front_key, &sec);
    for (uint64_t i = 0; i <= CONTACTS; i++) {
        struct contact *const who = &people[i];
        msg_keys_new_sign(&who->id.sign, &who->id.sign_sec);
        msg_keys_new_box(&who->id.transport, &who->id.transport_sec);
        msg_keys_new_box(&who->mail, &who->mail_sec);
        certify(who, i + 1, i + 1);
    }
    struct msg_link link = {.host = "registry", .port = 15600, .door = door_key};
    msg_link_signer(link.signer, &signer);
    msg_link_print(invite, sizeof invite, &link);
}

/* ---- the shell ---- */

static struct record *
find(uint32_t table, struct msg_span key)
{
    for (size_t i = 0; i < RECORDS_MAX; i++)
        if (disk[i].used && disk[i].table == table &&
            msg_span_equal(msg_record_key_span(&disk[i].key), key))
            return &disk[i];
    return NULL;
}

static void
commit(uint64_t tx)
{
    size_t done = 0;
    for (; done < op_count && ops[done].tx != 0 && ops[done].tx <= tx; done++) {
        struct record *to =
            find(ops[done].record.table, msg_record_key_span(&ops[done].record.key));
        for (size_t i = 0; to == NULL && ops[done].put && i < RECORDS_MAX; i++)
            if (!disk[i].used)
                to = &disk[i];
        if (to != NULL) {
            free(to->at);
            *to = (struct record){0};
        }
        if (to != NULL && ops[done].put)
            *to = ops[done].record;
        else
            free(ops[done].record.at);
    }
    memmove(ops, ops + done, (op_count - done) * sizeof ops[0]);
    op_count -= done;
    gathered -= done < gathered ? done : gathered;
}

static void
keep(bool put, uint32_t table, struct msg_span key, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    FUZZ_CLAIM(!put || msg_codec_decode(bytes, &kind, &any) == CONCLAVE_OK);
    if (put && kind == MSG_REC_MY_ROOM)
        rooms_check(&any);
    if (op_count == sizeof ops / sizeof ops[0])
        return;
    struct op *const op = &ops[op_count++];
    *op = (struct op){.put = put,
                      .record = {true, table, {{0}, key.len}, malloc(bytes.len + 1), bytes.len}};
    FUZZ_CLAIM(op->record.at != NULL);
    memcpy(op->record.key.at, key.at, key.len);
    if (bytes.len > 0)
        memcpy(op->record.at, bytes.at, bytes.len);
}

static void
answer(uint64_t req, bool whole)
{
    FUZZ_CLAIM(req != 0 && req <= next_cmd && !answered[req % COMMANDS_MAX]);
    answered[req % COMMANDS_MAX] = whole;
}

/* A message is on disk, alone or in the record of a batch. */
static bool
is_kept(uint64_t arrival)
{
    struct msg_record_key key = msg_record_key1(arrival);
    for (uint64_t i = 0; i < MSG_BATCH_COUNT && find(PEER_TABLE_INBOX, msg_record_key_span(&key)) == NULL; i++)
        key = msg_record_key1(arrival + i + 1);
    return find(PEER_TABLE_INBOX, msg_record_key_span(&key)) != NULL;
}

/* What the user is told is true. */
static void
check_tell(struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    FUZZ_CLAIM(msg_codec_decode(bytes, &kind, &any) == CONCLAVE_OK && kind >= MSG_TELL_SESSION);
    const bool kept = kind == MSG_TELL_MESSAGE || kind == MSG_TELL_ROOM || kind == MSG_TELL_GAP || kind == MSG_TELL_NOTICE;
    if (kept && (kind == MSG_TELL_MESSAGE || any.MSG_ANY_TELL_MESSAGE.arrival != 0)) {
        FUZZ_CLAIM(any.MSG_ANY_TELL_MESSAGE.arrival > shown && is_kept(any.MSG_ANY_TELL_MESSAGE.arrival));
        shown = any.MSG_ANY_TELL_MESSAGE.arrival;
    } else if (kind == MSG_TELL_MESSAGES) {
        struct msg_tell_messages rest = any.MSG_ANY_TELL_MESSAGES;
        struct msg_tell_message message;
        while (peer_batch_next(&rest, &message)) {
            FUZZ_CLAIM(message.arrival > shown && is_kept(message.arrival));
            shown = message.arrival;
        }
        FUZZ_CLAIM(rest.batch.len == 0);
    } else if (kind == MSG_TELL_OK || kind == MSG_TELL_FAILED || kind == MSG_TELL_USER ||
               kind == MSG_TELL_DEVICES)
        answer(any.MSG_ANY_TELL_OK.req, true);
    else if (kind == MSG_TELL_USERS)
        answer(any.MSG_ANY_TELL_USERS.req, any.MSG_ANY_TELL_USERS.next.len == 0);
    else if (kind == MSG_TELL_ROOMS)
        answer(any.MSG_ANY_TELL_ROOMS.req, any.MSG_ANY_TELL_ROOMS.next.len == 0);
    else if (kind == MSG_TELL_MEMBERS)
        answer(any.MSG_ANY_TELL_MEMBERS.req, !any.MSG_ANY_TELL_MEMBERS.more);
}

static void
check_sent(struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    FUZZ_CLAIM(bytes.len > 0 && bytes.len <= MSG_SOCKET_MAX);
    while (bytes.len > 0) {
        FUZZ_CLAIM(msg_codec_next_frame(&bytes, &kind, &any) == CONCLAVE_OK);
        const bool has_req = (kind < MSG_HELLO || kind >= MSG_ROOM_PROPOSE) && kind != MSG_RELAY && kind != MSG_COLLECTED;
        if (has_req)
            last_req = any.MSG_ANY_DONE.req;
        if (kind == MSG_ROOM_PROPOSE) {
            proposed_req = last_req;
            proposed_len = any.MSG_ANY_ROOM_PROPOSE.op.len;
            memcpy(proposed, any.MSG_ANY_ROOM_PROPOSE.op.at, proposed_len);
        }
    }
}

static void
step(const struct msg_event *event)
{
    peer_core_step(core, now, event, &effects);
    FUZZ_CLAIM(effects.arena.len < 8u << 20);
    for (size_t i = 0; i < effects.count; i++) {
        const struct msg_effect *const effect = &effects.list[i];
        const struct msg_span bytes = msg_effects_bytes(&effects, effect);
        if (effect->kind == EFFECT_PUT || effect->kind == EFFECT_DELETE)
            keep(effect->kind == EFFECT_PUT, effect->table, msg_effects_key(&effects, effect),
                 bytes);
        else if (effect->kind == EFFECT_TELL)
            check_tell(told_frame(bytes));
        else if (effect->kind == EFFECT_SEND)
            check_sent(bytes);
        else if (effect->kind == EFFECT_DIAL) {
            FUZZ_CLAIM(effect->id < PEER_LINK_ACCEPTED);
            if (link_count < LINKS_MAX)
                links[link_count++] = effect->id;
            else
                links[effect->id % LINKS_MAX] = effect->id;
        } else if (effect->kind == EFFECT_STORE) {
            for (; gathered < op_count; gathered++)
                ops[gathered].tx = effect->id;
            if (tx_count < TXS_MAX)
                txs[tx_count++] = effect->id;
        }
    }
    msg_effects_clear(&effects);
}

static void
start(void)
{
    struct peer_settings settings = {
        .contacts = 8, .outbox_count = 64, .outbox_bytes = 1u << 18, .rooms = 2, .room_members = 8, .cards = 2, .port = 4000};
    memcpy(settings.link, invite, sizeof settings.link);
    core = peer_core_new(&settings, &people[0].id);
    FUZZ_CLAIM(core != NULL);
    link_count = tx_count = tx_first = gathered = op_count = 0;
    memset(answered, 0, sizeof answered);
    for (uint32_t table = 0; table < PEER_TABLES; table++) {
        const struct msg_record_key mark = msg_record_key1(shown);
        struct msg_event event = {
            .kind = EVENT_RECORD, .table = table, .record_key = msg_record_key_span(&mark)};
        if (table == PEER_TABLE_INBOX)
            step(&event);
        for (size_t i = 0; i < RECORDS_MAX; i++) {
            event.record_key = msg_record_key_span(&disk[i].key);
            event.bytes = msg_span(disk[i].at, disk[i].len);
            if (disk[i].used && disk[i].table == table &&
                (table != PEER_TABLE_INBOX || msg_record_key_u64(event.record_key, 0) > shown))
                step(&event);
        }
    }
    step(&(struct msg_event){.kind = EVENT_START});
}

/* The process ends: what is not on disk is gone. */
static void
crash(void)
{
    peer_core_destroy(&core);
    for (size_t i = 0; i < op_count; i++)
        free(ops[i].record.at);
    op_count = 0;
}

#endif
