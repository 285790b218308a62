/* The peer's core under any order of events: the input chooses commands of the
 * user, answers of the registry, frames of contacts (sealed anew, so that what
 * is inside reaches the core), ends of links, commits, time and crashes.
 * After every step what was said and told must be true. */
#include "tests/fuzz/peer_rooms.h"

#define STEPS_MAX 300u

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
    struct msg_event event = {
        .kind = kind, .link = link, .source = msg_text("10.0.0.9"), .bytes = bytes};
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
    static const enum msg_kind kinds[] = {
        MSG_CMD_REGISTER, MSG_CMD_SAY,    MSG_CMD_SAY,    MSG_CMD_SAY,
        MSG_CMD_READ,     MSG_CMD_LOGIN,  MSG_CMD_BLOCK,  MSG_CMD_WHO,
        MSG_CMD_TRUST,    MSG_CMD_SEARCH, MSG_CMD_LOGOUT, MSG_CMD_DEVICES,
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
        any.MSG_ANY_CMD_LOGIN =
            (struct msg_cmd_credentials){next_cmd, name, msg_text("correct horse")};
    else if (kind == MSG_CMD_SAY)
        any.MSG_ANY_CMD_SAY = (struct msg_cmd_say){next_cmd, name, {text, (size_t)take() * 10}};
    else if (kind == MSG_CMD_READ)
        any.MSG_ANY_CMD_READ.arrival = take_number();
    else if (kind == MSG_CMD_BLOCK)
        any.MSG_ANY_CMD_BLOCK = (struct msg_cmd_block){next_cmd, name, (take() & 1) != 0};
    else if (kind == MSG_CMD_SEARCH || kind == MSG_CMD_TRUST)
        any.MSG_ANY_CMD_SEARCH.name = name;
    else if (kind == MSG_CMD_PASSWD)
        any.MSG_ANY_CMD_PASSWD = (struct msg_cmd_passwd){next_cmd, msg_text("correct horse"),
                                                         msg_text("battery staple")};
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
    static const enum msg_kind kinds[] = {
        MSG_ADMITTED, MSG_WELCOME, MSG_INTRODUCED, MSG_INTRODUCTION, MSG_PRESENCE,
        MSG_PONG,     MSG_DONE,    MSG_ERROR,      MSG_USERS,        MSG_FOUND,
        MSG_DEVICES,  MSG_REVOKED, MSG_BYE};
    static uint8_t room[MSG_SOCKET_MAX], items[2000], nested[1000], list[1000];
    struct msg_buf buf = {room, 0, sizeof room}, item = {items, 0, sizeof items},
                   inner = {nested, 0, sizeof nested}, out = {list, 0, sizeof list};
    const enum msg_kind kind = kinds[take() % (sizeof kinds / sizeof kinds[0])];
    const uint64_t req = take() < 230 ? last_req : take();
    const uint64_t account = 1 + take() % (1 + CONTACTS);
    const struct contact *const who = &people[account - 1];
    const struct msg_span cert = msg_span(who->cert, who->cert_len),
                          ours = msg_span(people[0].cert, people[0].cert_len);
    const struct msg_address address = {msg_text("10.0.0.9:4000")};
    const struct msg_user user = {msg_text(names[account - 1]), take() % 3, msg_text("")};
    union msg_any any = {0};
    any.MSG_ANY_DONE.req = req == 0 ? 1 : req;
    enum conclave_err err = CONCLAVE_OK;
    if (kind == MSG_ADMITTED)
        any.MSG_ANY_ADMITTED = (struct msg_admitted){
            req, 1, 1, msg_text("alice"), signer, msg_text(""), 15601, front_key, ours};
    else if (kind == MSG_WELCOME)
        any.MSG_ANY_WELCOME = (struct msg_welcome){
            req, 1, 1, msg_text("alice"), 1, 15000, now.wall_ms, msg_text(""), take() % 4, ours};
    else if (kind == MSG_INTRODUCED) {
        err = msg_codec_append(&inner, &(struct msg_list){0}, MSG_ADDRESS, &address);
        const struct msg_device_card card = {cert, (take() & 1) != 0, {nested, inner.len, 1}};
        any.MSG_ANY_INTRODUCED =
            (struct msg_introduced){req, account, msg_text(names[account - 1]), take() % 3, {0}};
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
        any.MSG_ANY_FOUND = (struct msg_found){req, user.name, take(), user.status, msg_text("")};
    else if (kind == MSG_PONG)
        any.MSG_ANY_PONG = (struct msg_pong){now.wall_ms, take() % 4};
    else if (kind == MSG_ERROR || kind == MSG_BYE) {
        const struct msg_text code = msg_text(msg_error_code((enum conclave_err)(take() % 30)));
        any.MSG_ANY_ERROR = (struct msg_error_frame){(take() & 7) != 0 ? req : 0, code,
                                                     msg_text("no"), take_number() % 5000};
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

/* A batch of a contact, sealed for us as its device would: RUN, where one is due
 * or asked for, and SEALED.  Empty when it cannot be. */
static struct msg_span
seal(struct contact *who, bool anew)
{
    static uint8_t room[MSG_FRAME_MAX / 2], inside[4000];
    struct msg_buf buf = {room, 0, sizeof room}, batch = {inside, 0, sizeof inside};
    struct msg_cert us;
    enum conclave_err err =
        msg_cert_open(&us, msg_span(people[0].cert, people[0].cert_len), &signer);
    for (uint32_t n = 1 + take() % 6; err == CONCLAVE_OK && n > 0; n--) {
        const uint8_t what = take() % 4;
        const struct msg_chain chain = {take_number(), take() & 1, take_number() & 7,
                                        take_number() & 15, take_number() & 15, 1 + take_number(), {{0}}};
        const struct msg_receipt receipt = {take_number() & 7, take() & 1, take_number(),
                                            take_number(), (take() & 1) != 0};
        const struct msg_say say = {.id = {{take()}}, .text = msg_text("said")};
        if (what == 0)
            err = encode(&batch, MSG_RECEIPT, &receipt);
        else if (what == 1)
            err = encode(&batch, MSG_CHAIN, &chain);
        else
            err = encode(&batch, MSG_SAY, &say);
    }
    if (err == CONCLAVE_OK && (anew || !who->run.open || take() < 30))
        err = msg_run_start(&who->run, &buf, (uint64_t)(who - people) + 1, 1, &who->id.sign_sec,
                            &us, now.mono_ms);
    if (err == CONCLAVE_OK)
        err = msg_envelope_seal(&who->run, &buf, msg_span_of_buf(&batch));
    return err == CONCLAVE_OK ? msg_span_of_buf(&buf) : msg_span(NULL, 0);
}

static void
sealed(uint64_t link, struct contact *who)
{
    const struct msg_span frames = seal(who, false);
    if (frames.len > 0)
        feed(EVENT_FRAME, link, who, frames);
}

/* What goes through the front: links, mail, and what becomes of ours. */
static void
passed_on(uint8_t what)
{
    static uint8_t room[MSG_SOCKET_MAX], inside[1000], items[200];
    static uint64_t serial;
    struct msg_buf buf = {room, 0, sizeof room}, inner = {inside, 0, sizeof inside}, item = {items, 0, sizeof items};
    struct contact *const who = &people[1 + take() % CONTACTS];
    const uint64_t account = (uint64_t)(who - people) + 1;
    const struct msg_span cert = msg_span(who->cert, who->cert_len);
    const struct msg_hello hello = {cert, take() % 3};
    const struct msg_refusal refusal = {account, 1, msg_text(msg_error_code((enum conclave_err)(take() % 30))), take() % 2 != 0};
    enum msg_kind kind = MSG_RELAYED;
    union msg_any any = {0};
    enum conclave_err err = CONCLAVE_OK;
    serial = (take() & 7) != 0 ? serial + 1 : take();
    if (what == 0 && (take() & 1) != 0) {
        err = encode(&inner, MSG_HELLO, &hello);
        any.MSG_ANY_RELAYED = (struct msg_relay){account, 1, msg_span_of_buf(&inner)};
    } else if (what == 0)
        any.MSG_ANY_RELAYED = (struct msg_relay){account, 1, seal(who, false)};
    else if (what == 1) {
        kind = MSG_MAIL;
        any.MSG_ANY_MAIL = (struct msg_mail){serial, account, 1, cert, 1, seal(who, (take() & 7) != 0)};
    } else if (what == 2) {
        kind = MSG_DEPOSITED;
        any.MSG_ANY_DEPOSITED.req = last_req == 0 ? 1 : last_req;
        if ((take() & 1) != 0)
            err = msg_codec_append(&item, &any.MSG_ANY_DEPOSITED.refused, MSG_REFUSAL, &refusal);
    } else if ((take() & 1) != 0) {
        kind = MSG_UNREACHED;
        any.MSG_ANY_UNREACHED = (struct msg_unreached){account, 1};
    } else {
        kind = MSG_RETURNED;
        any.MSG_ANY_RETURNED = (struct msg_returned){serial, account, 1, {{0}}, 1};
    }
    const bool empty = (kind == MSG_RELAYED && any.MSG_ANY_RELAYED.frames.len == 0) || (kind == MSG_MAIL && any.MSG_ANY_MAIL.frames.len == 0);
    if (err == CONCLAVE_OK && !empty && encode(&buf, kind, &any) == CONCLAVE_OK)
        feed(EVENT_FRAME, pick_link(), NULL, msg_span_of_buf(&buf));
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
    else if (encode(&buf, what == 1 ? MSG_HELLO : MSG_RESEAL,
                    what == 1 ? (const void *)&hello : &reseal) == CONCLAVE_OK)
        feed(EVENT_FRAME, link, who, msg_span_of_buf(&buf));
}

static void
act(void)
{
    const uint8_t what = take();
    if (what >= 252) { /* a few values, so that what the corpus says means the same */
        passed_on(what - 252);
        return;
    }
    if (what >= 240) {
        rooms();
        return;
    }
    switch (what % 12) {
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
        const enum conclave_err why[] = {CONCLAVE_OK, CONCLAVE_ERR_REGISTRY_UNREACHABLE,
                                         CONCLAVE_ERR_UNKNOWN_KEY, CONCLAVE_ERR_NOT_FOUND};
        step(&(struct msg_event){
            .kind = EVENT_LINK_DOWN, .link = pick_link(), .err = why[take() % 4]});
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
    next_cmd = next_accepted = shown = last_req = proposed_req = proposed_len = 0;
    rooms_begin();
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
