/* Test vectors of everything that is signed, hashed and sealed.  Randomness is
 * replaced by a sequence that is written down beside what was made of it, so
 * that another implementation can check itself from these lines alone. */
#include <sodium.h>
#include <stdlib.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "msg/chain.h"
#include "msg/envelope.h"
#include "msg/name.h"
#include "msg/room.h"
#include "msg/roomkey.h"
#include "tests/vectors/vectors.h"

static void
line(FILE *to, const char *name, const void *at, size_t len)
{
    fprintf(to, "%s ", name);
    for (size_t i = 0; i < len; i++)
        fprintf(to, "%02x", ((const uint8_t *)at)[i]);
    fprintf(to, "\n");
}

static void
line_u64(FILE *to, const char *name, uint64_t value)
{
    fprintf(to, "%s %llu\n", name, (unsigned long long)value);
}

#define LINE(to, name, value) line(to, name, (value).at, sizeof(value).at)

/* "Random" bytes: each draw begins with its number and counts up from there;
 * the last one is kept for the line that tells of it. */
static uint8_t drawn[64];
static uint8_t draws;

static void
draw(void *const at, const size_t len)
{
    draws++;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)at)[i] = (uint8_t)(16 * draws + i);
    memcpy(drawn, at, len < sizeof drawn ? len : sizeof drawn);
}

static uint32_t
draw_u32(void)
{
    uint32_t value;
    draw(&value, sizeof value);
    return value;
}

static const char *
draw_name(void)
{
    return "vectors";
}

static void
check(enum conclave_err err)
{
    if (err != CONCLAVE_OK)
        abort();
}

/* One person's keys. */
struct person {
    struct msg_sign_pub sign;
    struct msg_sign_sec sign_sec;
    struct msg_box_pub transport;
    struct msg_box_sec transport_sec;
    struct msg_box_pub mail;
    struct msg_box_sec mail_sec;
    struct msg_sig mail_sig;
    struct msg_cert cert;
};

static void
named(FILE *to, const char *who, const char *what, const void *at, size_t len)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s-%s", who, what);
    line(to, name, at, len);
}

static void
make_person(FILE *to, struct person *person, const char *who, uint64_t account,
            const struct msg_sign_pub *signer, const struct msg_sign_sec *signer_sec)
{
    uint8_t body_at[1024];
    uint8_t whole_at[1024];
    struct msg_buf body = {body_at, 0, sizeof body_at};
    struct msg_buf whole = {whole_at, 0, sizeof whole_at};
    struct msg_sig sig;
    msg_keys_new_sign(&person->sign, &person->sign_sec);
    named(to, who, "sign-seed", drawn, 32);
    named(to, who, "sign-public", person->sign.at, 32);
    msg_keys_new_box(&person->transport, &person->transport_sec);
    named(to, who, "transport-secret", person->transport_sec.at, 32);
    named(to, who, "transport-public", person->transport.at, 32);
    msg_keys_new_box(&person->mail, &person->mail_sec);
    named(to, who, "mail-secret", person->mail_sec.at, 32);
    named(to, who, "mail-public", person->mail.at, 32);
    msg_cert_sign_mail(&person->mail_sig, &person->mail, &person->sign_sec);
    named(to, who, "mail-signature", person->mail_sig.at, 64);
    const struct msg_cert_body cert = {
        .serial = 100 + account,
        .account = account,
        .device = 1,
        .name = msg_text(who),
        .sign = person->sign,
        .transport = person->transport,
        .mail = person->mail,
        .mail_sig = person->mail_sig,
        .not_before_ms = 1700000000000,
        .not_after_ms = 1700000000000 + MSG_CERT_LIFE_MS,
    };
    check(msg_codec_encode(&body, MSG_CERT, &cert));
    named(to, who, "certificate-body", body.at, body.len);
    check(msg_cert_sign(&sig, msg_span_of_buf(&body), signer_sec));
    named(to, who, "certificate-signature", sig.at, 64);
    check(msg_cert_wrap(&whole, msg_span_of_buf(&body), &sig));
    named(to, who, "certificate", whole.at, whole.len);
    check(msg_cert_open(&person->cert, msg_span_of_buf(&whole), signer));
}

static void
revocations(FILE *to, const struct msg_sign_sec *signer_sec)
{
    uint8_t items[256];
    uint8_t body_at[512];
    uint8_t whole_at[512];
    struct msg_buf out = {items, 0, sizeof items};
    struct msg_buf body = {body_at, 0, sizeof body_at};
    struct msg_buf whole = {whole_at, 0, sizeof whole_at};
    struct msg_revocations list = {.version = 2, .issued_ms = 1700000003000};
    const struct msg_revocation one = {1, 7, 1, 1700000001000};
    const struct msg_revocation two = {2, 8, 3, 1700000002000};
    struct msg_sig sig;
    check(msg_codec_append(&out, &list.entries, MSG_REVOCATION, &one));
    check(msg_codec_append(&out, &list.entries, MSG_REVOCATION, &two));
    check(msg_codec_encode(&body, MSG_REVOCATIONS, &list));
    check(msg_cert_sign(&sig, msg_span_of_buf(&body), signer_sec));
    check(msg_cert_wrap(&whole, msg_span_of_buf(&body), &sig));
    line(to, "revocations", whole.at, whole.len);
}

/* A chain of three messages, and the batch that carries them. */
static void
chain(FILE *to, struct msg_buf *batch)
{
    const char *const texts[] = {"one", "zwei", "三"};
    const struct msg_chain head = {.incarnation = 1, .salt = 0x0123456789abcdef, .base = 1, .number = 1};
    struct msg_place at = msg_chain_begins(&head);
    check(msg_codec_encode(batch, MSG_CHAIN, &head));
    for (uint64_t number = 1; number <= 3; number++) {
        uint8_t random[MSG_ID_RANDOM];
        memset(random, (int)number, sizeof random);
        const struct msg_say say = {msg_chain_id(random, 1700000000000 + number), msg_text(texts[number - 1])};
        char name[64];
        check(msg_codec_encode(batch, MSG_SAY, &say));
        const struct msg_said said = msg_chain_take(&at, &say);
        (void)snprintf(name, sizeof name, "chain-%llu-id", (unsigned long long)number);
        LINE(to, name, said.id);
        (void)snprintf(name, sizeof name, "chain-%llu-prev", (unsigned long long)number);
        LINE(to, name, said.at.prev);
        (void)snprintf(name, sizeof name, "chain-%llu-ts-ms", (unsigned long long)number);
        line_u64(to, name, said.ts_ms);
        (void)snprintf(name, sizeof name, "chain-%llu-text", (unsigned long long)number);
        line(to, name, say.text.at, say.text.len);
        (void)snprintf(name, sizeof name, "chain-%llu-head", (unsigned long long)number);
        LINE(to, name, at.prev);
    }
}

static void
envelopes(FILE *to, const struct person *alice, const struct person *bob)
{
    uint8_t frame_at[1024];
    uint8_t batch_at[1024];
    struct msg_buf frame = {frame_at, 0, sizeof frame_at};
    struct msg_buf batch = {batch_at, 0, sizeof batch_at};
    struct msg_run run = {.open = false};
    struct msg_box_sec ephemeral;
    uint8_t dh[32];
    chain(to, &batch);
    check(msg_run_start(&run, &frame, alice->cert.account, alice->cert.device, &alice->sign_sec,
                        &bob->cert, 0));
    memcpy(ephemeral.at, drawn, sizeof ephemeral.at);
    LINE(to, "run-tag", run.tag);
    LINE(to, "run-ephemeral-secret", ephemeral);
    if (crypto_scalarmult(dh, ephemeral.at, bob->mail.at) != 0)
        abort();
    line(to, "run-diffie-hellman", dh, sizeof dh);
    LINE(to, "run-key", run.key);
    line(to, "run-frame", frame.at, frame.len);
    LINE(to, "run-header-hash", run.about);
    line(to, "batch", batch.at, batch.len);
    union msg_any any;
    enum msg_kind kind;
    for (unsigned i = 0; i < 2; i++) {
        frame.len = 0;
        line_u64(to, i == 0 ? "sealed-1-counter" : "sealed-2-counter", run.counter);
        check(msg_envelope_seal(&run, &frame, msg_span_of_buf(&batch)));
        check(msg_codec_decode(msg_span_of_buf(&frame), &kind, &any));
        LINE(to, i == 0 ? "sealed-1-nonce" : "sealed-2-nonce", any.MSG_ANY_SEALED.nonce);
        line(to, i == 0 ? "sealed-1-frame" : "sealed-2-frame", frame.at, frame.len);
    }
}

static void
stored_value(FILE *to)
{
    uint8_t at[128];
    struct msg_buf out = {at, 0, sizeof at};
    struct msg_sym_key key;
    memset(key.at, 0x42, sizeof key.at);
    LINE(to, "lock-key", key);
    line(to, "lock-about", "about", 5);
    line(to, "lock-body", "body", 4);
    check(msg_keys_lock(&out, msg_span("body", 4), msg_span("about", 5), &key));
    line(to, "lock-nonce", drawn, 24);
    line(to, "lock-value", out.at, out.len);
}

/* An entry of a roster, two frames under one sender key, and a tip. */
static void
room(FILE *to, const struct person *alice)
{
    uint8_t op_at[1024];
    uint8_t out_at[1024];
    struct msg_buf op = {op_at, 0, sizeof op_at};
    struct msg_buf out = {out_at, 0, sizeof out_at};
    struct msg_room facts = {.number = 0};
    struct msg_room_part owner = {.account = alice->cert.account};
    struct msg_roomkey key;
    memset(facts.id.at, 0x77, sizeof facts.id.at);
    const struct msg_room_op create = {.room = facts.id, .act = MSG_ACT_CREATE, .account = alice->cert.account, .device = alice->cert.device,
                                       .name = msg_text("#lab"), .text = msg_text("all of it"), .ts_ms = 1700000004000};
    check(msg_room_sign_op(&op, &create, &alice->sign_sec));
    line(to, "room-op", op.at, op.len);
    check(msg_room_apply(&facts, &create, &owner, NULL, false));
    const struct msg_entry entry = {.number = 1, .offset = 3, .at_ms = 1700000004001, .op = msg_span_of_buf(&op),
                                    .certificate = msg_span("certificate", 11)};
    msg_room_link(&facts, &entry, true);
    LINE(to, "room-head", facts.head);
    msg_roomkey_new(&key);
    LINE(to, "room-key-chain", key.chain);
    LINE(to, "room-key-tag", key.tag);
    for (unsigned i = 0; i < 2; i++) {
        struct msg_room_frame frame = {.room = facts.id, .epoch = 1, .epoch_head = facts.epoch_head, .account = alice->cert.account,
                                       .device = alice->cert.device, .incarnation = 1, .salt = 2, .first = 1 + i, .count = 1};
        memset(frame.head.at, 0x33, sizeof frame.head.at);
        out.len = 0;
        check(msg_roomkey_seal(&key, &out, &frame, msg_span("three SAYs stand here", 21), &alice->sign_sec));
        LINE(to, i == 0 ? "room-1-nonce" : "room-2-nonce", frame.nonce);
        line(to, i == 0 ? "room-1-frame" : "room-2-frame", out.at, out.len);
    }
    struct msg_room_tip tip = {.room = facts.id, .account = 1, .device = 1, .incarnation = 1, .salt = 2, .number = 2};
    msg_room_sign_tip(&tip, &alice->sign_sec);
    LINE(to, "room-tip-signature", tip.sig);
}

void
vectors_crypto(FILE *to)
{
    static struct randombytes_implementation implementation = {
        .implementation_name = draw_name,
        .random = draw_u32,
        .buf = draw,
    };
    struct msg_sign_pub signer;
    struct msg_sign_sec signer_sec;
    struct msg_link link = {.host = "chat.example.org", .port = 15600};
    struct msg_box_sec door_sec;
    struct person alice;
    struct person bob;
    struct msg_sig proof;
    char text[MSG_LINK_MAX + 1];
    randombytes_set_implementation(&implementation);
    check(msg_keys_init());
    draws = 0;
    msg_keys_new_sign(&signer, &signer_sec);
    line(to, "signer-seed", drawn, 32);
    LINE(to, "signer-public", signer);
    msg_keys_new_box(&link.door, &door_sec);
    LINE(to, "door-secret", door_sec);
    LINE(to, "door-public", link.door);
    msg_link_signer(link.signer, &signer);
    line(to, "link-signer", link.signer, sizeof link.signer);
    msg_link_print(text, sizeof text, &link);
    fprintf(to, "link %s\n", text);
    make_person(to, &alice, "alice", 1, &signer, &signer_sec);
    make_person(to, &bob, "bob", 2, &signer, &signer_sec);
    msg_cert_prove(&proof, &alice.transport, &link.door, &alice.sign_sec);
    LINE(to, "alice-enrol-proof", proof);
    revocations(to, &signer_sec);
    envelopes(to, &alice, &bob);
    stored_value(to);
    room(to, &alice);
}
