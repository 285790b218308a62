/* What arrives on a link, at a device whose keys are known: certificates, runs
 * and envelopes.  Nothing forged is accepted, nothing is accepted twice, and
 * what was sealed opens as it was.
 *
 * The first byte chooses: 0: the rest is frames as they come from a link;
 * 1: the rest is pairs (place, mask) that damage a RUN; 2: the same for a
 * SEALED; 3: the same for a certificate; else: the rest is a batch. */
#include <sodium.h>
#include <string.h>

#include "msg/codec.h"
#include "msg/envelope.h"
#include "tests/fuzz/fuzz.h"

static struct msg_sign_pub signer;
static struct msg_sign_sec signer_sec;
static struct msg_sign_sec alice_sec;
static struct msg_cert alice;
static struct msg_box_sec bob_mail;
static struct msg_cert bob;
static uint8_t good_cert_at[1024];
static struct msg_buf good_cert = {good_cert_at, 0, sizeof good_cert_at};

static uint64_t drawn;

static void
draw(void *const at, const size_t len)
{
    for (size_t i = 0; i < len; i++) {
        drawn = drawn * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)at)[i] = (uint8_t)(drawn >> 56);
    }
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
    return "fuzz";
}

static void
make_alice(void)
{
    uint8_t body_at[1024];
    struct msg_buf body = {body_at, 0, sizeof body_at};
    struct msg_cert_body fields = {
        .serial = 1, .account = 1, .device = 1, .name = msg_text("alice"), .not_after_ms = 9};
    struct msg_box_sec sec;
    struct msg_sig sig;
    msg_keys_new_sign(&fields.sign, &alice_sec);
    msg_keys_new_box(&fields.transport, &sec);
    msg_keys_new_box(&fields.mail, &sec);
    msg_cert_sign_mail(&fields.mail_sig, &fields.mail, &alice_sec);
    FUZZ_CLAIM(msg_codec_encode(&body, MSG_CERT, &fields) == CONCLAVE_OK);
    FUZZ_CLAIM(msg_cert_sign(&sig, msg_span_of_buf(&body), &signer_sec) == CONCLAVE_OK);
    FUZZ_CLAIM(msg_cert_wrap(&good_cert, msg_span_of_buf(&body), &sig) == CONCLAVE_OK);
    FUZZ_CLAIM(msg_cert_open(&alice, msg_span_of_buf(&good_cert), &signer) == CONCLAVE_OK);
}

static void
set_up(void)
{
    static struct randombytes_implementation implementation = {
        .implementation_name = draw_name,
        .random = draw_u32,
        .buf = draw,
    };
    static bool done;
    if (!done) {
        randombytes_set_implementation(&implementation);
        FUZZ_CLAIM(msg_keys_init() == CONCLAVE_OK);
        msg_keys_new_sign(&signer, &signer_sec);
        make_alice();
        bob = (struct msg_cert){.account = 2, .device = 1};
        msg_keys_new_box(&bob.mail, &bob_mail);
        done = true;
    }
    drawn = 77; /* each input by itself, whatever came before */
}

static enum conclave_err
accept(struct msg_run *run, const struct msg_run_frame *frame)
{
    return msg_run_accept(run, frame, &alice, bob.account, bob.device, &bob.mail, &bob_mail, 0);
}

static struct msg_run_frame
start(struct msg_run *sender, struct msg_run *receiver)
{
    uint8_t at[512];
    struct msg_buf out = {at, 0, sizeof at};
    enum msg_kind kind;
    union msg_any any;
    FUZZ_CLAIM(msg_run_start(sender, &out, 1, 1, &alice_sec, &bob, 0) == CONCLAVE_OK);
    FUZZ_CLAIM(msg_codec_decode(msg_span_of_buf(&out), &kind, &any) == CONCLAVE_OK);
    FUZZ_CLAIM(accept(receiver, &any.MSG_ANY_RUN) == CONCLAVE_OK);
    return any.MSG_ANY_RUN;
}

/* Damages by pairs; false: nothing changed. */
static bool
damage(uint8_t *at, size_t len, struct msg_span pairs)
{
    uint8_t *const before = malloc(len);
    FUZZ_CLAIM(before != NULL);
    memcpy(before, at, len);
    for (size_t i = 0; i + 1 < pairs.len; i += 2)
        at[pairs.at[i] * len / 256] ^= pairs.at[i + 1];
    const bool changed = memcmp(before, at, len) != 0;
    free(before);
    return changed;
}

static void
as_link(struct msg_span in)
{
    static uint8_t opened_at[MSG_BATCH_MAX];
    struct msg_run sender = {.open = false};
    struct msg_run receiver = {.open = false};
    enum msg_kind kind;
    union msg_any any;
    start(&sender, &receiver);
    while (in.len > 0 && msg_codec_next_frame(&in, &kind, &any) == CONCLAVE_OK) {
        struct msg_buf opened = {opened_at, 0, sizeof opened_at};
        struct msg_run other = {.open = false};
        struct msg_cert cert;
        /* Without the keys nothing can be made that opens. */
        if (kind == MSG_RUN)
            FUZZ_CLAIM(accept(&other, &any.MSG_ANY_RUN) != CONCLAVE_OK && !other.open);
        if (kind == MSG_SEALED) {
            any.MSG_ANY_SEALED.run = receiver.tag;
            FUZZ_CLAIM(msg_envelope_open(&receiver, &opened, &any.MSG_ANY_SEALED) != CONCLAVE_OK &&
                       opened.len == 0);
        }
        if (kind == MSG_HELLO)
            FUZZ_CLAIM(msg_cert_open(&cert, any.MSG_ANY_HELLO.certificate, &signer) !=
                           CONCLAVE_OK ||
                       msg_span_equal(any.MSG_ANY_HELLO.certificate, msg_span_of_buf(&good_cert)));
        if (kind == MSG_REVOKED) {
            struct msg_revocations list;
            FUZZ_CLAIM(msg_cert_open_revocations(&list, any.MSG_ANY_REVOKED.list, &signer) !=
                       CONCLAVE_OK);
        }
    }
}

static void
damaged_run(struct msg_span pairs)
{
    struct msg_run sender = {.open = false};
    struct msg_run receiver = {.open = false};
    struct msg_run_frame frame = start(&sender, &receiver);
    const struct msg_run_frame good = frame;
    (void)damage((uint8_t *)&frame, sizeof frame, pairs);
    /* The wire has no account or device 0. */
    if (frame.from_account == 0 || frame.from_device == 0 || frame.to_account == 0 ||
        frame.to_device == 0)
        return;
    const bool changed = memcmp(&good, &frame, sizeof frame) != 0;
    FUZZ_CLAIM((accept(&receiver, &frame) == CONCLAVE_OK) == !changed);
}

static void
damaged_envelope(struct msg_span pairs)
{
    uint8_t at[512];
    uint8_t opened_at[64];
    struct msg_buf out = {at, 0, sizeof at};
    struct msg_buf opened = {opened_at, 0, sizeof opened_at};
    struct msg_run sender = {.open = false};
    struct msg_run receiver = {.open = false};
    enum msg_kind kind;
    union msg_any any;
    start(&sender, &receiver);
    FUZZ_CLAIM(msg_envelope_seal(&sender, &out, msg_span("a batch", 7)) == CONCLAVE_OK);
    const bool changed = damage(at, out.len, pairs);
    if (msg_codec_decode(msg_span_of_buf(&out), &kind, &any) != CONCLAVE_OK || kind != MSG_SEALED)
        return;
    FUZZ_CLAIM((msg_envelope_open(&receiver, &opened, &any.MSG_ANY_SEALED) == CONCLAVE_OK) ==
               !changed);
    if (!changed)
        FUZZ_CLAIM(msg_envelope_open(&receiver, &opened, &any.MSG_ANY_SEALED) ==
                   CONCLAVE_ERR_REPLAY);
}

static void
damaged_certificate(struct msg_span pairs)
{
    uint8_t at[sizeof good_cert_at];
    struct msg_cert cert;
    memcpy(at, good_cert.at, good_cert.len);
    const bool changed = damage(at, good_cert.len, pairs);
    FUZZ_CLAIM((msg_cert_open(&cert, msg_span(at, good_cert.len), &signer) == CONCLAVE_OK) ==
               !changed);
}

static void
batch(struct msg_span bytes)
{
    static uint8_t at[MSG_FRAME_MAX];
    static uint8_t opened_at[MSG_BATCH_MAX];
    struct msg_buf out = {at, 0, sizeof at};
    struct msg_buf opened = {opened_at, 0, sizeof opened_at};
    struct msg_run sender = {.open = false};
    struct msg_run receiver = {.open = false};
    enum msg_kind kind;
    union msg_any any;
    start(&sender, &receiver);
    const enum conclave_err err = msg_envelope_seal(&sender, &out, bytes);
    if (bytes.len == 0 || bytes.len > MSG_BATCH_MAX) {
        FUZZ_CLAIM(err == CONCLAVE_ERR_RANGE && out.len == 0);
        return;
    }
    FUZZ_CLAIM(err == CONCLAVE_OK);
    FUZZ_CLAIM(msg_codec_decode(msg_span_of_buf(&out), &kind, &any) == CONCLAVE_OK &&
               kind == MSG_SEALED);
    FUZZ_CLAIM(msg_envelope_open(&receiver, &opened, &any.MSG_ANY_SEALED) == CONCLAVE_OK);
    FUZZ_CLAIM(msg_span_equal(msg_span_of_buf(&opened), bytes));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    set_up();
    const struct msg_span rest = {data + 1, size - 1};
    if (data[0] == 0)
        as_link(rest);
    else if (data[0] == 1)
        damaged_run(rest);
    else if (data[0] == 2)
        damaged_envelope(rest);
    else if (data[0] == 3)
        damaged_certificate(rest);
    else
        batch(rest);
    return 0;
}
