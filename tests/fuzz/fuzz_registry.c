/* The registry's core under any order of events: the input chooses who says
 * what over which connection, what the vault and the disk do, when time passes
 * and when the daemon dies.  After every step the store must be whole, and
 * nothing may have been said that is not in it. */
#include <string.h>

#include "broker/tables/accounts.h"
#include "msg/cert.h"
#include "msg/codec.h"
#include "tests/broker/fake_device.h"
#include "tests/fuzz/fuzz.h"

#define DEVICES 6u
#define LINKS 8u
#define STEPS_MAX 400u

static struct fake_device devices[DEVICES];
static const char *const names[] = {"alice", "Bob", "BOB", "carol", "-", ""};
static const char *const passwords[] = {"correct horse", "battery staple", "short", "wrong password"};

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

#define PICK(list) ((list)[take() % (sizeof(list) / sizeof(list)[0])])

static uint64_t
pick_link(void)
{
    return 100 + take() % LINKS;
}

/* ---- what must hold ---- */

static bool
read_record(struct msg_span value, enum msg_kind wanted, union msg_any *any)
{
    enum msg_kind kind;

    return msg_codec_decode(value, &kind, any) == CONCLAVE_OK && kind == wanted;
}

static void
check_store(struct fake_registry *reg)
{
    const struct broker_view view = fake_store_view(reg->store);
    struct msg_rec_counters counters = {.revoked_version = 0};
    struct msg_span key, value;
    struct msg_rec_device device;
    struct msg_rec_account account;
    struct msg_rec_owner owner;
    union msg_any any;
    bool damaged;

    (void)broker_accounts_counters(&view, &counters, &damaged);
    FUZZ_CLAIM(!damaged);
    const size_t accounts = fake_store_count(reg->store, BROKER_TABLE_ACCOUNTS);
    FUZZ_CLAIM(fake_store_count(reg->store, BROKER_TABLE_NAMES) == accounts);
    FUZZ_CLAIM(counters.accounts == accounts);
    for (size_t i = 0; fake_store_at(reg->store, BROKER_TABLE_NAMES, i, &key, &value); i++) {
        FUZZ_CLAIM(read_record(value, MSG_REC_NAME, &any));
        const uint64_t number = any.MSG_ANY_REC_NAME.account;
        FUZZ_CLAIM(number < counters.next_account && broker_accounts_get(&view, number, &account));
    }
    size_t owned = 0;
    for (size_t i = 0; fake_store_at(reg->store, BROKER_TABLE_DEVICES, i, &key, &value); i++) {
        FUZZ_CLAIM(read_record(value, MSG_REC_DEVICE, &any));
        device = any.MSG_ANY_REC_DEVICE;
        struct msg_cert_body body;
        FUZZ_CLAIM(broker_accounts_read_certificate(device.certificate, &body));
        FUZZ_CLAIM(body.account == device.account && body.device == device.device);
        FUZZ_CLAIM(memcmp(body.mail.at, device.mail.at, sizeof body.mail.at) == 0);
        FUZZ_CLAIM(body.serial < counters.next_serial);
        FUZZ_CLAIM(broker_accounts_get(&view, device.account, &account));
        FUZZ_CLAIM(device.device < account.next_device);
        if (device.revoked_ms != 0)
            continue;
        owned++;
        FUZZ_CLAIM(broker_accounts_owner(&view, &device.transport, &owner));
        FUZZ_CLAIM(owner.account == device.account && owner.device == device.device);
    }
    FUZZ_CLAIM(fake_store_count(reg->store, BROKER_TABLE_OWNERS) == owned);
    for (size_t i = 0; fake_store_at(reg->store, BROKER_TABLE_REVOKED, i, &key, &value); i++)
        FUZZ_CLAIM(msg_record_key_u64(key, 0) <= counters.revoked_version);
}

/* Whoever is welcome or admitted stands in the store as such. */
static void
check_said(struct fake_registry *reg)
{
    const struct broker_view view = fake_store_view(reg->store);
    struct msg_rec_device device;
    union msg_any any, inner;
    enum msg_kind kind;

    for (size_t i = 0; i < reg->sent_count; i++) {
        const struct fake_sent *sent = &reg->sent[i];
        if (sent->link == BROKER_LINK_VAULT)
            continue;
        FUZZ_CLAIM(msg_codec_decode(msg_span(sent->bytes, sent->len), &kind, &any) == CONCLAVE_OK);
        FUZZ_CLAIM((sent->link == BROKER_LINK_DOOR) == (kind == MSG_DOOR_TELL));
        if (kind == MSG_DOOR_TELL) {
            FUZZ_CLAIM(msg_codec_decode(any.MSG_ANY_DOOR_TELL.frame, &kind, &inner) == CONCLAVE_OK);
            if (kind == MSG_ADMITTED)
                FUZZ_CLAIM(broker_accounts_device(&view, inner.MSG_ANY_ADMITTED.account,
                                                  inner.MSG_ANY_ADMITTED.device, &device)
                           && msg_span_equal(device.certificate, inner.MSG_ANY_ADMITTED.certificate));
        } else if (kind == MSG_WELCOME) {
            FUZZ_CLAIM(broker_accounts_device(&view, any.MSG_ANY_WELCOME.account, any.MSG_ANY_WELCOME.device,
                                              &device)
                       && device.revoked_ms == 0
                       && msg_span_equal(device.certificate, any.MSG_ANY_WELCOME.certificate));
        }
    }
}

/* What is in the mailboxes is what is counted, once nothing is under way. */
static void
check_mail(struct fake_registry *reg)
{
    struct broker_front_counts counts;
    struct msg_span key, value;
    union msg_any any;

    const size_t count = fake_store_count(reg->store, BROKER_TABLE_MAIL);
    for (size_t i = 0; fake_store_at(reg->store, BROKER_TABLE_MAIL, i, &key, &value); i++)
        FUZZ_CLAIM(read_record(value, MSG_REC_MAIL, &any) || read_record(value, MSG_REC_RETURN, &any));
    broker_front_core_counts(reg->core, &counts);
    if (fake_store_pending(reg->store) == 0 && counts.mail_counted)
        FUZZ_CLAIM(counts.mail_waiting == count);
}

/* Forgets what was sent, but for the questions that the vault still has. */
static void
clear_sent(struct fake_registry *reg)
{
    size_t kept = 0;

    for (size_t i = 0; i < reg->sent_count; i++) {
        if (reg->sent[i].link == BROKER_LINK_VAULT)
            reg->sent[kept++] = reg->sent[i];
        else
            free(reg->sent[i].bytes);
    }
    reg->sent_count = kept;
    reg->dropped_count = 0;
}

/* ---- what may happen ---- */

static void
bend_byte(struct msg_buf *frame)
{
    const size_t at = take() % frame->len;

    frame->at[at] = take();
}

static void
say(struct fake_registry *reg, enum msg_kind kind, const void *message)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf frame = {bytes, 0, sizeof bytes};
    const struct fake_device *device = &PICK(devices);
    const uint64_t link = pick_link();
    const uint8_t bend = take();

    FUZZ_CLAIM(msg_codec_encode(&frame, kind, message) == CONCLAVE_OK);
    if (bend >= 240) /* a byte of it is something else */
        bend_byte(&frame);
    fake_registry_hear_bytes(reg, link, &device->transport, msg_span_of_buf(&frame));
}

static void
say_login(struct fake_registry *reg)
{
    uint8_t bytes[128];
    struct msg_buf buf = {bytes, 0, sizeof bytes};
    struct fake_device *device = &PICK(devices);
    const uint64_t link = pick_link();
    static const char *const addresses[] = {"10.0.0.1:9", "[::1]:80", "host", "x:0"};
    const struct msg_address address = {msg_text(PICK(addresses))};
    const uint8_t how = take();
    struct msg_login login = {.req = 1 + how % 3, .port = how % 2 * 7000u, .direct = how / 4 % 3,
                              .status = MSG_STATUS_ONLINE + how / 16 % 2};

    if (how >= 224)
        fake_device_new_mail(device);
    login.mail = device->mail;
    login.mail_sig = device->mail_sig;
    if (how % 8 == 7 && msg_codec_append(&buf, &login.addresses, MSG_ADDRESS, &address) != CONCLAVE_OK)
        abort();
    fake_registry_hear(reg, link, &device->transport, how % 5 == 0 ? "::ffff:10.0.0.1" : "2001:db8::1", MSG_LOGIN,
                       &login);
}

static void
say_watch(struct fake_registry *reg)
{
    uint8_t bytes[256];
    struct msg_buf buf = {bytes, 0, sizeof bytes};
    struct msg_watch watch = {.req = 2};

    for (unsigned n = take() % 4; n > 0; n--) {
        const struct msg_name_item item = {msg_text(names[take() % 5])};
        if (msg_codec_append(&buf, &watch.names, MSG_NAME, &item) != CONCLAVE_OK)
            abort();
    }
    say(reg, MSG_WATCH, &watch);
}

/* ---- relay and mail ---- */

static void
say_relay(struct fake_registry *reg)
{
    static const uint8_t bytes[] = "frames of a link";
    const uint8_t how = take();
    const struct msg_relay relay = {1 + how % 4u, 1 + how / 4 % 3u, msg_span(bytes, 1 + how % 16u)};

    say(reg, MSG_RELAY, &relay);
}

/* Parcels from any device to any other, most of them as they should be. */
static void
say_deposit(struct fake_registry *reg)
{
    static uint8_t list[16384], frames[4096];
    static const uint8_t box[2048];
    struct msg_buf buf = {list, 0, sizeof list};
    const uint8_t how = take();
    struct msg_deposit deposit = {.req = 1 + how % 4u};

    for (unsigned n = 1 + how / 4 % 4; n > 0; n--) {
        struct msg_buf out = {frames, 0, sizeof frames};
        const uint8_t from = take(), to = take();
        struct msg_run_frame run = {.from_account = 1 + from % 3u, .from_device = 1 + from / 4 % 3u,
                                    .to_account = 1 + to % 4u, .to_device = 1 + to / 4 % 3u};
        struct msg_sealed sealed = {.box = msg_span(box, 20 + from * 4u)};
        run.run.at[0] = sealed.run.at[0] = to;
        FUZZ_CLAIM(msg_codec_encode(&out, MSG_RUN, &run) == CONCLAVE_OK);
        if (how < 250)
            FUZZ_CLAIM(msg_codec_encode(&out, MSG_SEALED, &sealed) == CONCLAVE_OK);
        const struct msg_parcel parcel = {run.to_account, run.to_device, msg_span_of_buf(&out), run.to_device % 2 == 0};
        FUZZ_CLAIM(msg_codec_append(&buf, &deposit.parcels, MSG_PARCEL, &parcel) == CONCLAVE_OK);
    }
    say(reg, MSG_DEPOSIT, &deposit);
}

/* Collects what came last, or something that never did. */
static void
say_collected(struct fake_registry *reg, uint64_t last_serial)
{
    const uint8_t how = take();
    const uint64_t back = how % 4u;
    const struct msg_collected collected = {how < 200 && last_serial > back ? last_serial - back : 1u + how};

    say(reg, MSG_COLLECTED, &collected);
}

static void
post(struct fake_registry *reg, uint64_t last_serial)
{
    const uint8_t which = take();

    if (which < 40)
        say_relay(reg);
    else if (which < 180)
        say_deposit(reg);
    else
        say_collected(reg, last_serial);
}

/* Consents to one of the last introductions, or to one that never was. */
static void
say_consent(struct fake_registry *reg, uint64_t last)
{
    const uint8_t how = take();
    const struct msg_consent consent = {last != 0 ? last : 1 + how / 2u, how % 2};

    say(reg, MSG_CONSENT, &consent);
}

static void
knock(struct fake_registry *reg)
{
    struct fake_device *device = &PICK(devices);
    const char *name = PICK(names), *password = PICK(passwords);

    switch (take() % 4) {
    case 0:
        (void)fake_ask_passwd(reg, device, name, password, passwords[take() % 4]);
        break;
    case 1:
        (void)fake_ask_signup(reg, device, MSG_ENROL, name, password);
        break;
    default:
        (void)fake_ask_signup(reg, device, MSG_SIGNUP, name, password);
        break;
    }
}

/* The vault answers the question that the input picks: once, twice, busy, or
 * never. */
static void
vault(struct fake_registry *reg)
{
    uint8_t bytes[1024];
    struct msg_buf answer = {bytes, 0, sizeof bytes};
    size_t questions = 0, chosen = take();
    const uint8_t how = take();

    for (size_t i = 0; i < reg->sent_count; i++)
        questions += reg->sent[i].link == BROKER_LINK_VAULT;
    if (questions == 0)
        return;
    chosen %= questions;
    size_t at = 0;
    while (reg->sent[at].link != BROKER_LINK_VAULT || chosen-- > 0)
        at++;
    const struct fake_sent question = reg->sent[at];
    memmove(&reg->sent[at], &reg->sent[at + 1], (--reg->sent_count - at) * sizeof *reg->sent);
    union msg_any any;
    enum msg_kind kind;
    FUZZ_CLAIM(msg_codec_decode(msg_span(question.bytes, question.len), &kind, &any) == CONCLAVE_OK);
    if (how == 255) {
        const struct msg_vault_busy busy = {any.MSG_ANY_VAULT_HASH.job, take() * 10u};
        FUZZ_CLAIM(msg_codec_encode(&answer, MSG_VAULT_BUSY, &busy) == CONCLAVE_OK);
    } else if (how < 240) {
        FUZZ_CLAIM(fake_vault_answer(&reg->vault, msg_span(question.bytes, question.len), &answer));
    }
    for (unsigned times = how % 16 == 15 ? 2 : 1; answer.len > 0 && times > 0; times--)
        fake_registry_hear_bytes(reg, BROKER_LINK_VAULT, NULL, msg_span_of_buf(&answer));
    free(question.bytes);
}

static void
commit_one(struct fake_registry *reg)
{
    struct msg_event event = {.kind = EVENT_STORED};

    if (fake_store_commit(reg->store, &event.id))
        fake_registry_step(reg, &event);
}

static void
raw(struct fake_registry *reg)
{
    const struct fake_device *device = &PICK(devices);
    const uint64_t link = take() % 16 == 0 ? BROKER_LINK_DOOR + take() % 2 : pick_link();
    size_t len = take() % 64;

    len = len < input.len ? len : input.len;
    const struct msg_span bytes = {input.at, len};
    input.at += len;
    input.len -= len;
    fake_registry_hear_bytes(reg, link, &device->transport, bytes);
}

static void
member(struct fake_registry *reg, uint64_t last_introduction)
{
    const struct msg_done done = {3};
    const uint8_t which = take(); /* one by one: the order within an initialiser is the compiler's */
    const char *name = PICK(names);
    const struct msg_ping ping = {MSG_STATUS_ONLINE + which % 2u};
    const struct msg_search search = {1 + which % 4u, msg_text(name)};
    const struct msg_revoke revoke = {4, which % 4u};
    const struct msg_list_revoked list_revoked = {5, 0};
    const struct msg_list_users list = {6, true, msg_text(which % 2 ? "" : "2")};

    switch (take() % 12) {
    case 0: say_login(reg); break;
    case 1: say(reg, MSG_LOGOUT, &done); break;
    case 2: say(reg, MSG_PING, &ping); break;
    case 3: say(reg, MSG_SEARCH, &search); break;
    case 4: say(reg, MSG_LIST, &list); break;
    case 5: say_watch(reg); break;
    case 6: say(reg, MSG_INTRODUCE, &search); break;
    case 7: say_consent(reg, last_introduction); break;
    case 8: say(reg, MSG_LIST_DEVICES, &done); break;
    case 9: say(reg, MSG_REVOKE, &revoke); break;
    case 10: say(reg, MSG_LIST_REVOKED, &list_revoked); break;
    default: say(reg, MSG_DELETE_ACCOUNT, &done); break;
    }
}

static void
happen(struct fake_registry *reg, uint64_t last_introduction, uint64_t last_serial)
{
    static const uint64_t whiles_ms[] = {1, 500, 1100, 5100, 21000, 46000, MSG_CERT_RENEW_MS + 1, 41ull * 86400000};
    const uint8_t what = take();

    if (what < 80) {
        member(reg, last_introduction);
    } else if (what < 110) {
        post(reg, last_serial);
    } else if (what < 130) {
        say_login(reg);
    } else if (what < 160) {
        knock(reg);
    } else if (what < 195) {
        vault(reg);
    } else if (what < 225) {
        commit_one(reg);
    } else if (what < 235) {
        fake_registry_pass(reg, whiles_ms[take() % 8]);
    } else if (what < 240) {
        fake_registry_down(reg, take() % 8 == 0 ? BROKER_LINK_DOOR + take() % 2 : pick_link());
    } else if (what < 245) {
        raw(reg);
    } else if (what < 250) {
        fake_registry_crash(reg);
    } else if (what < 253) {
        const struct msg_event up = {.kind = EVENT_LINK_UP, .link = 1 + take() % 3u};
        fake_registry_step(reg, &up);
    } else {
        reg->vault.params++;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake_registry reg;
    struct broker_front_settings settings;
    struct broker_front_counts counts;
    uint64_t last_introduction = 0, last_serial = 0;
    union msg_any any;

    FUZZ_CLAIM(msg_keys_init() == CONCLAVE_OK);
    if (devices[0].link == 0)
        for (unsigned i = 0; i < DEVICES; i++)
            fake_device_init(&devices[i], 100 + i);
    input = msg_span(data, size);
    fake_settings(&settings);
    settings.devices = 3;
    settings.sessions = 4;
    settings.accounts = 3;
    settings.watches = 2;
    settings.requests_burst = 50;
    settings.mail = (struct broker_mail_limits){30, 6, 1, 4, 1, 10, 1};
    fake_registry_init(&reg, &settings);
    reg.hold_vault = reg.hold_store = true;
    for (unsigned steps = 0; input.len > 0 && steps < STEPS_MAX; steps++) {
        happen(&reg, last_introduction, last_serial);
        check_store(&reg);
        check_said(&reg);
        broker_front_core_counts(reg.core, &counts);
        FUZZ_CLAIM(counts.sessions <= settings.sessions && counts.accounts_online <= counts.sessions);
        check_mail(&reg);
        for (uint64_t link = 100; link < 100 + LINKS; link++) {
            if (fake_registry_sent(&reg, link, MSG_INTRODUCTION, 0, &any))
                last_introduction = any.MSG_ANY_INTRODUCTION.intro;
            if (fake_registry_sent(&reg, link, MSG_MAIL, 0, &any))
                last_serial = any.MSG_ANY_MAIL.serial;
        }
        clear_sent(&reg);
    }
    fake_registry_wipe(&reg);
    return 0;
}
