/* The peer's core under any order of events: the input chooses commands of the
 * user, answers of the registry, frames of contacts (sealed anew, so that what
 * is inside reaches the core), ends of links, commits, time and crashes.
 * After every step what was said and told must be true. */
#include <sodium.h>
#include <string.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "msg/envelope.h"
#include "msg/name.h"
#include "peer/core.h"
#include "tests/fuzz/fuzz.h"

#define STEPS_MAX 300u
#define CONTACTS 3u
#define RECORDS_MAX 600u
#define TXS_MAX 300u
#define LINKS_MAX 64u
#define COMMANDS_MAX 400u

static const char *const names[] = {"alice", "bob", "carol", "dave", "-", ""};

struct record { bool used; uint32_t table; struct msg_record_key key; uint8_t *at; size_t len; };
struct op { bool put; uint64_t tx; struct record record; };

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
static size_t op_count, gathered;       /* the first of those without a STORE */
static uint64_t txs[TXS_MAX];
static size_t tx_count, tx_first;
static uint64_t links[LINKS_MAX];       /* dialled or accepted, newest last */
static size_t link_count;
static uint64_t next_cmd, next_accepted, last_req, shown;
static bool answered[COMMANDS_MAX];

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
        .serial = serial, .account = account, .device = 1, .name = msg_text(names[account - 1]), .sign = who->id.sign,
        .transport = who->id.transport, .mail = who->mail, .not_before_ms = 1, .not_after_ms = UINT64_MAX / 2,
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
    static struct randombytes_implementation fixed = {.implementation_name = chance_name, .random = chance_u32, .buf = chance_fill};
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
        if (disk[i].used && disk[i].table == table && msg_span_equal(msg_record_key_span(&disk[i].key), key))
            return &disk[i];
    return NULL;
}

static void
commit(uint64_t tx)
{
    size_t done = 0;
    for (; done < op_count && ops[done].tx != 0 && ops[done].tx <= tx; done++) {
        struct record *to = find(ops[done].record.table, msg_record_key_span(&ops[done].record.key));
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
    if (op_count == sizeof ops / sizeof ops[0])
        return;
    struct op *const op = &ops[op_count++];
    *op = (struct op){.put = put, .record = {true, table, {{0}, key.len}, malloc(bytes.len + 1), bytes.len}};
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

/* What the user is told is true. */
static void
check_tell(struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    FUZZ_CLAIM(msg_codec_decode(bytes, &kind, &any) == CONCLAVE_OK && kind >= MSG_TELL_SESSION);
    if (kind == MSG_TELL_MESSAGE) {
        const struct msg_record_key key = msg_record_key1(any.MSG_ANY_TELL_MESSAGE.arrival);
        FUZZ_CLAIM(any.MSG_ANY_TELL_MESSAGE.arrival > shown && find(PEER_TABLE_INBOX, msg_record_key_span(&key)) != NULL);
        shown = any.MSG_ANY_TELL_MESSAGE.arrival;
    } else if (kind == MSG_TELL_OK || kind == MSG_TELL_FAILED || kind == MSG_TELL_USER || kind == MSG_TELL_DEVICES)
        answer(any.MSG_ANY_TELL_OK.req, true);
    else if (kind == MSG_TELL_USERS)
        answer(any.MSG_ANY_TELL_USERS.req, any.MSG_ANY_TELL_USERS.next.len == 0);
}

static void
check_sent(struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    FUZZ_CLAIM(bytes.len > 0 && bytes.len <= MSG_SOCKET_MAX);
    while (bytes.len > 0) {
        FUZZ_CLAIM(msg_codec_next_frame(&bytes, &kind, &any) == CONCLAVE_OK);
        if (kind < MSG_HELLO)
            last_req = any.MSG_ANY_DONE.req;
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
            keep(effect->kind == EFFECT_PUT, effect->table, msg_effects_key(&effects, effect), bytes);
        else if (effect->kind == EFFECT_TELL)
            check_tell(bytes);
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
    struct peer_settings settings = {.contacts = 8, .outbox_count = 64, .outbox_bytes = 1u << 18, .port = 4000};
    memcpy(settings.link, invite, sizeof settings.link);
    core = peer_core_new(&settings, &people[0].id);
    FUZZ_CLAIM(core != NULL);
    link_count = tx_count = tx_first = gathered = op_count = 0;
    memset(answered, 0, sizeof answered);
    for (uint32_t table = 0; table < PEER_TABLES; table++) {
        const struct msg_record_key mark = msg_record_key1(shown);
        struct msg_event event = {.kind = EVENT_RECORD, .table = table, .record_key = msg_record_key_span(&mark)};
        if (table == PEER_TABLE_INBOX)
            step(&event);
        for (size_t i = 0; i < RECORDS_MAX; i++) {
            event.record_key = msg_record_key_span(&disk[i].key);
            event.bytes = msg_span(disk[i].at, disk[i].len);
            if (disk[i].used && disk[i].table == table && (table != PEER_TABLE_INBOX || msg_record_key_u64(event.record_key, 0) > shown))
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

/* ---- what the input makes happen ---- */

/* Encodes what the input made up, its numbers moved into their ranges. */
static enum conclave_err
encode(struct msg_buf *out, enum msg_kind kind, const void *message)
{
    union msg_any any;
    const struct msg_shape *const shape = msg_catalog_shape(kind);
    memcpy(&any, message, shape->size);
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct msg_field *const field = &shape->fields[i];
        uint64_t number;
        if (field->kind != MSG_FIELD_U64)
            continue;
        memcpy(&number, (uint8_t *)&any + field->offset, sizeof number);
        number = number < field->min ? field->min : number > field->max ? field->max : number;
        memcpy((uint8_t *)&any + field->offset, &number, sizeof number);
    }
    return msg_codec_encode(out, kind, &any);
}

static void
feed(enum msg_event_kind kind, uint64_t link, const struct contact *from, struct msg_span bytes)
{
    struct msg_event event = {.kind = kind, .link = link, .source = msg_text("10.0.0.9"), .bytes = bytes};
    event.key = from != NULL ? from->id.transport : front_key;
    step(&event);
}

static uint64_t
pick_link(void)
{
    return link_count == 0 ? 1 : links[link_count - 1 - take() % link_count];
}

static void
command(void)
{
    static const enum msg_kind kinds[] = {MSG_CMD_REGISTER, MSG_CMD_SAY,  MSG_CMD_SAY,   MSG_CMD_SAY,    MSG_CMD_READ,   MSG_CMD_LOGIN,
                                          MSG_CMD_BLOCK,    MSG_CMD_WHO,  MSG_CMD_TRUST, MSG_CMD_SEARCH, MSG_CMD_LOGOUT, MSG_CMD_DEVICES,
                                          MSG_CMD_REVOKE,   MSG_CMD_PASSWD, MSG_CMD_STATUS, MSG_CMD_DELETE_ACCOUNT};
    static uint8_t room[MSG_SOCKET_MAX];
    static char text[3000];
    struct msg_buf buf = {room, 0, sizeof room};
    const enum msg_kind kind = kinds[take() % (sizeof kinds / sizeof kinds[0])];
    union msg_any any = {0};
    if (next_cmd + 1 >= COMMANDS_MAX)
        return;
    memset(text, 'x', sizeof text);
    any.MSG_ANY_DONE.req = ++next_cmd;
    const struct msg_text name = msg_text(names[take() % 6]);
    if (kind == MSG_CMD_REGISTER || kind == MSG_CMD_LOGIN)
        any.MSG_ANY_CMD_LOGIN = (struct msg_cmd_credentials){next_cmd, name, msg_text("correct horse")};
    else if (kind == MSG_CMD_SAY)
        any.MSG_ANY_CMD_SAY = (struct msg_cmd_say){next_cmd, name, {text, (size_t)take() * 10}};
    else if (kind == MSG_CMD_READ)
        any.MSG_ANY_CMD_READ.arrival = take_number();
    else if (kind == MSG_CMD_BLOCK)
        any.MSG_ANY_CMD_BLOCK = (struct msg_cmd_block){next_cmd, name, (take() & 1) != 0};
    else if (kind == MSG_CMD_SEARCH || kind == MSG_CMD_TRUST)
        any.MSG_ANY_CMD_SEARCH.name = name;
    else if (kind == MSG_CMD_PASSWD)
        any.MSG_ANY_CMD_PASSWD = (struct msg_cmd_passwd){next_cmd, msg_text("correct horse"), msg_text("battery staple")};
    else if (kind == MSG_CMD_STATUS)
        any.MSG_ANY_CMD_STATUS.status = 1 + (take() & 1);
    else if (kind == MSG_CMD_REVOKE)
        any.MSG_ANY_CMD_REVOKE.device = 1 + take() % 3;
    if (encode(&buf, kind, &any) == CONCLAVE_OK)
        step(&(struct msg_event){.kind = EVENT_COMMAND, .bytes = msg_span_of_buf(&buf)});
}

/* Something that the registry says, true or not. */
static void
registry(void)
{
    static const enum msg_kind kinds[] = {MSG_ADMITTED, MSG_WELCOME, MSG_INTRODUCED, MSG_INTRODUCTION, MSG_PRESENCE, MSG_PONG,   MSG_DONE,
                                          MSG_ERROR,    MSG_USERS,   MSG_FOUND,      MSG_DEVICES,      MSG_REVOKED,  MSG_BYE};
    static uint8_t room[MSG_SOCKET_MAX], items[2000], nested[1000], list[1000];
    struct msg_buf buf = {room, 0, sizeof room}, item = {items, 0, sizeof items}, inner = {nested, 0, sizeof nested}, out = {list, 0, sizeof list};
    const enum msg_kind kind = kinds[take() % (sizeof kinds / sizeof kinds[0])];
    const uint64_t req = take() < 230 ? last_req : take();
    const uint64_t account = 1 + take() % (1 + CONTACTS);
    const struct contact *const who = &people[account - 1];
    const struct msg_span cert = msg_span(who->cert, who->cert_len), ours = msg_span(people[0].cert, people[0].cert_len);
    const struct msg_address address = {msg_text("10.0.0.9:4000")};
    const struct msg_user user = {msg_text(names[account - 1]), take() % 3, msg_text("")};
    union msg_any any = {0};
    any.MSG_ANY_DONE.req = req == 0 ? 1 : req;
    enum conclave_err err = CONCLAVE_OK;
    if (kind == MSG_ADMITTED)
        any.MSG_ANY_ADMITTED = (struct msg_admitted){req, 1, 1, msg_text("alice"), signer, msg_text(""), 15601, front_key, ours};
    else if (kind == MSG_WELCOME)
        any.MSG_ANY_WELCOME = (struct msg_welcome){req, 1, 1, msg_text("alice"), 1, 15000, now.wall_ms, msg_text(""), take() % 4, ours};
    else if (kind == MSG_INTRODUCED) {
        err = msg_codec_append(&inner, &(struct msg_list){0}, MSG_ADDRESS, &address);
        const struct msg_device_card card = {cert, (take() & 1) != 0, {nested, inner.len, 1}};
        any.MSG_ANY_INTRODUCED = (struct msg_introduced){req, account, msg_text(names[account - 1]), take() % 3, {0}};
        if (err == CONCLAVE_OK)
            err = msg_codec_append(&item, &any.MSG_ANY_INTRODUCED.devices, MSG_DEVICE_CARD, &card);
    } else if (kind == MSG_INTRODUCTION)
        any.MSG_ANY_INTRODUCTION = (struct msg_introduction){1 + take(), cert};
    else if (kind == MSG_PRESENCE)
        err = msg_codec_append(&item, &any.MSG_ANY_PRESENCE.changes, MSG_USER, &user);
    else if (kind == MSG_USERS) {
        err = msg_codec_append(&item, &any.MSG_ANY_USERS.users, MSG_USER, &user);
        any.MSG_ANY_USERS.next = msg_text((take() & 1) != 0 ? "bob" : "");
    } else if (kind == MSG_FOUND)
        any.MSG_ANY_FOUND = (struct msg_found){req, user.name, user.status, msg_text("")};
    else if (kind == MSG_PONG)
        any.MSG_ANY_PONG = (struct msg_pong){now.wall_ms, take() % 4};
    else if (kind == MSG_ERROR || kind == MSG_BYE) {
        const struct msg_text code = msg_text(msg_error_code((enum conclave_err)(take() % 30)));
        any.MSG_ANY_ERROR = (struct msg_error_frame){(take() & 7) != 0 ? req : 0, code, msg_text("no"), take_number() % 5000};
        if (kind == MSG_BYE)
            any.MSG_ANY_BYE = (struct msg_bye){code, msg_text("end")};
    } else if (kind == MSG_REVOKED) {
        struct msg_revocations revoked = {.version = 1 + take() % 4, .issued_ms = 1};
        const struct msg_revocation entry = {revoked.version, account, 1, 1};
        struct msg_sig sig;
        err = msg_codec_append(&item, &revoked.entries, MSG_REVOCATION, &entry);
        if (err == CONCLAVE_OK)
            err = encode(&inner, MSG_REVOCATIONS, &revoked);
        if (err == CONCLAVE_OK)
            err = msg_cert_sign(&sig, msg_span_of_buf(&inner), &signer_sec);
        if (err == CONCLAVE_OK)
            err = msg_cert_wrap(&out, msg_span_of_buf(&inner), &sig);
        any.MSG_ANY_REVOKED = (struct msg_revoked){req, msg_span_of_buf(&out)};
    }
    if (err == CONCLAVE_OK && encode(&buf, kind, &any) == CONCLAVE_OK)
        feed(EVENT_FRAME, pick_link(), NULL, msg_span_of_buf(&buf));
}

/* A batch of a contact, sealed for us as its device would. */
static void
sealed(uint64_t link, struct contact *who)
{
    static uint8_t room[MSG_SOCKET_MAX], inside[4000];
    struct msg_buf buf = {room, 0, sizeof room}, batch = {inside, 0, sizeof inside};
    struct msg_cert us;
    enum conclave_err err = msg_cert_open(&us, msg_span(people[0].cert, people[0].cert_len), &signer);
    for (uint32_t n = 1 + take() % 6; err == CONCLAVE_OK && n > 0; n--) {
        const uint8_t what = take() % 4;
        const struct msg_chain chain = {take_number(), take() & 1, take_number() & 7, take_number() & 15, take_number() & 15};
        const struct msg_receipt receipt = {take_number() & 7, take() & 1, take_number(), take_number(), (take() & 1) != 0};
        const struct msg_say say = {.number = take_number(), .ts_ms = 1, .text = msg_text("said")};
        if (what == 0)
            err = encode(&batch, MSG_RECEIPT, &receipt);
        else if (what == 1)
            err = encode(&batch, MSG_CHAIN, &chain);
        else
            err = encode(&batch, MSG_SAY, &say);
    }
    if (err == CONCLAVE_OK && (!who->run.open || take() < 30))
        err = msg_run_start(&who->run, &buf, (uint64_t)(who - people) + 1, 1, &who->id.sign_sec, &us, now.mono_ms);
    if (err == CONCLAVE_OK)
        err = msg_envelope_seal(&who->run, &buf, msg_span_of_buf(&batch));
    if (err == CONCLAVE_OK)
        feed(EVENT_FRAME, link, who, msg_span_of_buf(&buf));
}

static void
contact(void)
{
    static uint8_t room[4000];
    struct msg_buf buf = {room, 0, sizeof room};
    struct contact *const who = &people[1 + take() % CONTACTS];
    const uint8_t what = take() % 8;
    if (what == 0) {
        const uint64_t link = PEER_LINK_ACCEPTED | ++next_accepted;
        links[link_count < LINKS_MAX ? link_count++ : take() % LINKS_MAX] = link;
        feed(EVENT_LINK_UP, link, who, msg_span(NULL, 0));
        return;
    }
    const uint64_t link = pick_link();
    const struct msg_hello hello = {msg_span(who->cert, who->cert_len), take() % 3};
    const struct msg_reseal reseal = {{{take()}}, msg_span(who->cert, who->cert_len)};
    if (what > 2)
        sealed(link, who);
    else if (encode(&buf, what == 1 ? MSG_HELLO : MSG_RESEAL, what == 1 ? (const void *)&hello : &reseal) == CONCLAVE_OK)
        feed(EVENT_FRAME, link, who, msg_span_of_buf(&buf));
}

static void
act(void)
{
    switch (take() % 12) {
    case 0:
    case 1:
        command();
        break;
    case 2:
    case 3:
        registry();
        break;
    case 4:
    case 5:
        contact();
        break;
    case 6:
        feed(EVENT_LINK_UP, pick_link(), NULL, msg_span(NULL, 0));
        break;
    case 7: {
        const enum conclave_err why[] = {CONCLAVE_OK, CONCLAVE_ERR_REGISTRY_UNREACHABLE, CONCLAVE_ERR_UNKNOWN_KEY};
        step(&(struct msg_event){.kind = EVENT_LINK_DOWN, .link = pick_link(), .err = why[take() % 3]});
        break;
    }
    case 8:
        if (tx_first < tx_count) {
            commit(txs[tx_first]);
            step(&(struct msg_event){.kind = EVENT_STORED, .id = txs[tx_first++]});
        }
        break;
    case 9: {
        const uint64_t by_ms[] = {1, 10, 500, 2500, 20000, 3600000};
        const uint64_t ms = by_ms[take() % 6];
        now.mono_ms += ms;
        now.wall_ms += ms;
        step(&(struct msg_event){.kind = EVENT_WAKE});
        break;
    }
    case 10: { /* bytes as they come */
        const uint64_t link = pick_link();
        const enum msg_event_kind kind = take() % 4 == 0 ? EVENT_COMMAND : EVENT_FRAME;
        const size_t most = take();
        const size_t len = most < input.len ? most : input.len;
        feed(kind, link, &people[1], msg_span(input.at, len));
        input = msg_span(input.at + len, input.len - len);
        break;
    }
    case 11:
        crash();
        start();
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    if (!ready)
        set_up();
    ready = true;
    chance = 1;
    now = (struct msg_time){1000, 1750000000000};
    next_cmd = next_accepted = shown = last_req = 0;
    input = msg_span(data, size);
    start();
    for (uint32_t i = 0; i < STEPS_MAX && input.len > 0; i++)
        act();
    step(&(struct msg_event){.kind = EVENT_STOP});
    crash();
    for (size_t i = 0; i < RECORDS_MAX; i++) {
        free(disk[i].at);
        disk[i] = (struct record){0};
    }
    for (size_t i = 1; i <= CONTACTS; i++)
        msg_run_wipe(&people[i].run);
    return 0;
}
