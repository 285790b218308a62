/* Proves msg/envelope.c: an envelope opens for its recipient, once, as it was
 * sealed, and not otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include "msg/codec.h"
#include "msg/envelope.h"
#include "tests/msg/gen.h"

/* Two devices, and what each knows of the other. */
static struct msg_sign_sec alice_sec;
static struct msg_cert alice;
static struct msg_cert bob;
static struct msg_box_sec bob_sec;

static uint8_t store[2 * MSG_FRAME_MAX];
static uint8_t opened_at[MSG_BATCH_MAX];
static struct msg_buf opened;

static struct msg_run_frame
start(struct msg_run *run)
{
    struct msg_buf out = {store, 0, sizeof store};
    enum msg_kind kind;
    union msg_any any;
    assert_int_equal(msg_run_start(run, &out, alice.account, alice.device, &alice_sec, &bob, 1000),
                     CONCLAVE_OK);
    assert_int_equal(msg_codec_decode(msg_span_of_buf(&out), &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_RUN);
    return any.MSG_ANY_RUN;
}

static enum conclave_err
accept(struct msg_run *run, const struct msg_run_frame *frame)
{
    return msg_run_accept(run, frame, &alice, bob.account, bob.device, &bob.mail, &bob_sec, 2000);
}

static void
start_both(struct msg_run *sender, struct msg_run *receiver)
{
    const struct msg_run_frame frame = start(sender);
    assert_int_equal(accept(receiver, &frame), CONCLAVE_OK);
}

/* Seals; the frame points into store until the next call. */
static struct msg_sealed
seal(struct msg_run *run, struct msg_span batch)
{
    struct msg_buf out = {store, 0, sizeof store};
    enum msg_kind kind;
    union msg_any any;
    assert_int_equal(msg_envelope_seal(run, &out, batch), CONCLAVE_OK);
    assert_int_equal(msg_codec_decode(msg_span_of_buf(&out), &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_SEALED);
    return any.MSG_ANY_SEALED;
}

static enum conclave_err
open_one(struct msg_run *run, const struct msg_sealed *frame)
{
    opened = (struct msg_buf){opened_at, 0, sizeof opened_at};
    return msg_envelope_open(run, &opened, frame);
}

static void
batches_of_every_size_come_back(void **unused)
{
    (void)unused;
    static uint8_t batch[MSG_BATCH_MAX];
    const size_t sizes[] = {1, 2, 63, 64, 65, 1000, 16384, MSG_BATCH_MAX - 1, MSG_BATCH_MAX};
    struct msg_run sender = {0};
    struct msg_run receiver = {0};
    start_both(&sender, &receiver);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        msg_keys_random(batch, sizes[i]);
        const struct msg_sealed frame = seal(&sender, msg_span(batch, sizes[i]));
        assert_int_equal(frame.counter, i);
        assert_int_equal(open_one(&receiver, &frame), CONCLAVE_OK);
        assert_true(msg_span_equal(msg_span_of_buf(&opened), msg_span(batch, sizes[i])));
    }
}

static void
a_batch_that_is_empty_or_too_large_is_not_sealed(void **unused)
{
    (void)unused;
    static const uint8_t batch[MSG_BATCH_MAX + 1];
    struct msg_run run = {0};
    struct msg_buf out = {store, 0, sizeof store};
    start(&run);
    assert_int_equal(msg_envelope_seal(&run, &out, (struct msg_span){0}), CONCLAVE_ERR_RANGE);
    assert_int_equal(msg_envelope_seal(&run, &out, msg_span(batch, sizeof batch)),
                     CONCLAVE_ERR_RANGE);
    struct msg_buf tight = {store, 0, 60};
    assert_int_equal(msg_envelope_seal(&run, &tight, msg_span(batch, 100)), CONCLAVE_ERR_SPACE);
    assert_int_equal(tight.len, 0);
    assert_int_equal(run.counter, 0); /* and no number was spent on them */
    assert_int_equal(out.len, 0);
}

static void
nothing_of_the_plaintext_shows_in_the_frame(void **unused)
{
    (void)unused;
    static const char text[] = "attack at dawn, attack at dawn, attack at dawn";
    struct msg_run sender = {0};
    start(&sender);
    seal(&sender, msg_span(text, sizeof text));
    for (size_t i = 0; i + 6 < sizeof store; i++)
        assert_memory_not_equal(store + i, "attack", 6);
}

static void
a_run_header_with_any_field_altered_is_refused(void **unused)
{
    (void)unused;
    struct msg_run sender = {0};
    struct msg_run receiver = {0};
    const struct msg_run_frame good = start(&sender);
    const struct msg_shape *const shape = msg_catalog_shape(MSG_RUN);
    for (uint32_t i = 0; i < shape->count; i++) {
        for (size_t k = 0; k < shape->fields[i].size; k++) {
            struct msg_run_frame bad = good;
            ((uint8_t *)&bad)[shape->fields[i].offset + k] ^= 0x20;
            assert_int_equal(accept(&receiver, &bad), CONCLAVE_ERR_SIGNATURE);
            assert_false(receiver.open);
        }
    }
    assert_int_equal(accept(&receiver, &good), CONCLAVE_OK);
}

static void
a_run_for_somebody_else_is_refused(void **unused)
{
    (void)unused;
    struct msg_run sender = {0};
    struct msg_run receiver = {0};
    struct msg_box_pub other;
    struct msg_box_sec other_sec;
    msg_keys_new_box(&other, &other_sec);
    const struct msg_run_frame frame = start(&sender);
    assert_int_equal(msg_run_accept(&receiver, &frame, &alice, bob.account + 1, bob.device,
                                    &bob.mail, &bob_sec, 0),
                     CONCLAVE_ERR_UNKNOWN_KEY);
    assert_int_equal(msg_run_accept(&receiver, &frame, &alice, bob.account, bob.device + 1,
                                    &bob.mail, &bob_sec, 0),
                     CONCLAVE_ERR_UNKNOWN_KEY);
    assert_int_equal(
        msg_run_accept(&receiver, &frame, &alice, bob.account, bob.device, &other, &other_sec, 0),
        CONCLAVE_ERR_UNKNOWN_KEY);
    assert_false(receiver.open);
}

static void
a_run_under_another_senders_certificate_is_refused(void **unused)
{
    (void)unused;
    struct msg_run sender = {0};
    struct msg_run receiver = {0};
    struct msg_sign_sec sec;
    const struct msg_run_frame frame = start(&sender);
    struct msg_cert mallory = alice;
    mallory.account++;
    assert_int_equal(msg_run_accept(&receiver, &frame, &mallory, bob.account, bob.device, &bob.mail,
                                    &bob_sec, 0),
                     CONCLAVE_ERR_SIGNATURE);
    mallory = alice;
    mallory.device++;
    assert_int_equal(msg_run_accept(&receiver, &frame, &mallory, bob.account, bob.device, &bob.mail,
                                    &bob_sec, 0),
                     CONCLAVE_ERR_SIGNATURE);
    mallory = alice;
    msg_keys_new_sign(&mallory.sign, &sec);
    assert_int_equal(msg_run_accept(&receiver, &frame, &mallory, bob.account, bob.device, &bob.mail,
                                    &bob_sec, 0),
                     CONCLAVE_ERR_SIGNATURE);
}

static void
a_wrong_mail_secret_opens_nothing(void **unused)
{
    (void)unused;
    struct msg_run sender = {0};
    struct msg_run receiver = {0};
    struct msg_box_pub pub;
    struct msg_box_sec sec;
    const struct msg_run_frame frame = start(&sender);
    msg_keys_new_box(&pub, &sec);
    assert_int_equal(
        msg_run_accept(&receiver, &frame, &alice, bob.account, bob.device, &bob.mail, &sec, 0),
        CONCLAVE_OK); /* it cannot know yet */
    const struct msg_sealed sealed = seal(&sender, msg_span("hello", 5));
    assert_int_equal(open_one(&receiver, &sealed), CONCLAVE_ERR_SEAL);
    assert_int_equal(opened.len, 0);
}

static void
keys_of_small_order_are_refused(void **unused)
{
    (void)unused;
    struct msg_run run = {0};
    struct msg_buf out = {store, 0, sizeof store};
    struct msg_cert weak = bob;
    memset(&weak.mail, 0, sizeof weak.mail);
    assert_int_equal(msg_run_start(&run, &out, 1, 1, &alice_sec, &weak, 0), CONCLAVE_ERR_SEAL);
    assert_false(run.open);
    assert_int_equal(out.len, 0);
    weak.mail.at[0] = 1;
    assert_int_equal(msg_run_start(&run, &out, 1, 1, &alice_sec, &weak, 0), CONCLAVE_ERR_SEAL);

    /* The same from the other end, under a signature that is right. */
    uint8_t under_at[512];
    struct msg_buf under = {under_at, 0, sizeof under_at};
    struct msg_run_frame frame = start(&run);
    memset(&frame.ephemeral, 0, sizeof frame.ephemeral);
    assert_int_equal(msg_codec_encode(&under, MSG_RUN, &frame), CONCLAVE_OK);
    under_at[0]--;
    msg_keys_sign(&frame.sig, MSG_RUN_DOMAIN, msg_span(under_at, under.len - 66), &alice_sec);
    assert_int_equal(accept(&run, &frame), CONCLAVE_ERR_SEAL);
    assert_false(run.open);
}

static void
an_envelope_with_any_part_altered_does_not_open_and_leaves_no_trace(void **unused)
{
    (void)unused;
    struct msg_run sender = {0};
    struct msg_run receiver = {0};
    start_both(&sender, &receiver);
    const struct msg_sealed good = seal(&sender, msg_span("hello", 5));
    uint8_t box[5 + MSG_SEAL_BYTES];
    const struct msg_run before = receiver;
    for (size_t i = 0; i < sizeof box; i++) {
        memcpy(box, good.box.at, sizeof box);
        box[i] ^= 1;
        struct msg_sealed bad = good;
        bad.box = msg_span(box, sizeof box);
        assert_int_equal(open_one(&receiver, &bad), CONCLAVE_ERR_SEAL);
    }
    for (size_t i = 0; i < sizeof good.nonce.at; i++) {
        struct msg_sealed bad = good;
        bad.nonce.at[i] ^= 1;
        assert_int_equal(open_one(&receiver, &bad), CONCLAVE_ERR_SEAL);
    }
    for (size_t i = 0; i < sizeof good.run.at; i++) {
        struct msg_sealed bad = good;
        bad.run.at[i] ^= 1;
        assert_int_equal(open_one(&receiver, &bad), CONCLAVE_ERR_SEAL);
    }
    for (uint64_t counter = 1; counter < 100; counter++) {
        struct msg_sealed bad = good;
        bad.counter = counter;
        assert_int_equal(open_one(&receiver, &bad), CONCLAVE_ERR_SEAL);
    }
    for (size_t len = 0; len < sizeof box; len++) {
        struct msg_sealed bad = good;
        bad.box.len = len;
        assert_int_equal(open_one(&receiver, &bad), CONCLAVE_ERR_SEAL);
    }
    assert_int_equal(opened.len, 0);
    assert_memory_equal(&receiver, &before, sizeof before);
    assert_int_equal(open_one(&receiver, &good), CONCLAVE_OK);
}

static void
an_envelope_of_another_run_does_not_open(void **unused)
{
    (void)unused;
    struct msg_run one = {0};
    struct msg_run two = {0};
    struct msg_run receiver = {0};
    start(&one);
    start_both(&two, &receiver);
    struct msg_sealed frame = seal(&one, msg_span("hello", 5));
    assert_int_equal(open_one(&receiver, &frame), CONCLAVE_ERR_SEAL);
    frame.run = two.tag; /* moved by somebody on the way */
    assert_int_equal(open_one(&receiver, &frame), CONCLAVE_ERR_SEAL);
}

static void
each_counter_opens_once_in_any_order_within_the_window(void **unused)
{
    (void)unused;
    enum { COUNT = 200 };
    static uint8_t frames[COUNT][256];
    size_t lengths[COUNT];
    struct msg_run sender = {0};
    struct msg_run receiver = {0};
    start_both(&sender, &receiver);
    for (size_t i = 0; i < COUNT; i++) {
        struct msg_buf out = {frames[i], 0, sizeof frames[i]};
        assert_int_equal(msg_envelope_seal(&sender, &out, msg_span(&i, sizeof i)), CONCLAVE_OK);
        lengths[i] = out.len;
    }
    bool seen[COUNT] = {false};
    uint64_t next = 0; /* highest seen + 1 */
    for (unsigned round = 0; round < 5000; round++) {
        /* Near the head most of the time, and now and then anywhere. */
        const uint64_t at = round % 10 == 0 ? gen_below(COUNT) : (next + gen_below(8)) % COUNT;
        if (round % 10 == 0 && at > next + 20)
            continue; /* so that the window moves slowly */
        enum msg_kind kind;
        union msg_any any;
        assert_int_equal(msg_codec_decode(msg_span(frames[at], lengths[at]), &kind, &any),
                         CONCLAVE_OK);
        const enum conclave_err err = open_one(&receiver, &any.MSG_ANY_SEALED);
        const bool fresh = at >= next || (!seen[at] && next - 1 - at < 64);
        assert_int_equal(err, fresh ? CONCLAVE_OK : CONCLAVE_ERR_REPLAY);
        if (fresh)
            seen[at] = true;
        if (at >= next)
            next = at + 1;
    }
}

static void
the_window_ends_where_it_says(void **unused)
{
    (void)unused;
    static uint8_t frames[130][256];
    size_t lengths[130];
    struct msg_run sender = {0};
    struct msg_run receiver = {0};
    enum msg_kind kind;
    union msg_any any;
    start_both(&sender, &receiver);
    for (size_t i = 0; i < 130; i++) {
        struct msg_buf out = {frames[i], 0, sizeof frames[i]};
        assert_int_equal(msg_envelope_seal(&sender, &out, msg_span("x", 1)), CONCLAVE_OK);
        lengths[i] = out.len;
    }
    const struct {
        size_t at;
        enum conclave_err err;
    } steps[] = {
        {64, CONCLAVE_OK},         {1, CONCLAVE_OK},          {0, CONCLAVE_ERR_REPLAY},
        {64, CONCLAVE_ERR_REPLAY}, {1, CONCLAVE_ERR_REPLAY},  {63, CONCLAVE_OK},
        {129, CONCLAVE_OK},        {65, CONCLAVE_ERR_REPLAY}, {66, CONCLAVE_OK},
        {66, CONCLAVE_ERR_REPLAY}, {128, CONCLAVE_OK},        {129, CONCLAVE_ERR_REPLAY},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(
            msg_codec_decode(msg_span(frames[steps[i].at], lengths[steps[i].at]), &kind, &any),
            CONCLAVE_OK);
        assert_int_equal(open_one(&receiver, &any.MSG_ANY_SEALED), steps[i].err);
    }
}

static void
a_run_ends_by_age_and_by_count(void **unused)
{
    (void)unused;
    struct msg_run run = {0};
    struct msg_buf out = {store, 0, sizeof store};
    assert_true(msg_run_spent(&run, 0)); /* never started */
    start(&run);
    assert_false(msg_run_spent(&run, 1000));
    assert_false(msg_run_spent(&run, 1000 + MSG_RUN_MS - 1));
    assert_true(msg_run_spent(&run, 1000 + MSG_RUN_MS));
    run.counter = MSG_RUN_COUNT - 1;
    assert_false(msg_run_spent(&run, 1000));
    assert_int_equal(msg_envelope_seal(&run, &out, msg_span("x", 1)), CONCLAVE_OK);
    assert_true(msg_run_spent(&run, 1000));
    out.len = 0;
    assert_int_equal(msg_envelope_seal(&run, &out, msg_span("x", 1)), CONCLAVE_ERR_RANGE);
    msg_run_wipe(&run);
    const struct msg_run zero = {0};
    assert_memory_equal(&run, &zero, sizeof run);
}

static void
a_header_that_does_not_fit_starts_no_run(void **unused)
{
    (void)unused;
    struct msg_run run = {0};
    const struct msg_run zero = {0};
    struct msg_buf out = {store, 0, 150};
    assert_int_equal(msg_run_start(&run, &out, 1, 1, &alice_sec, &bob, 0), CONCLAVE_ERR_SPACE);
    assert_int_equal(out.len, 0);
    assert_memory_equal(&run, &zero, sizeof run);
}

static void
no_two_runs_share_a_key_and_no_two_envelopes_a_nonce(void **unused)
{
    (void)unused;
    struct msg_run one = {0};
    struct msg_run two = {0};
    start(&one);
    start(&two);
    assert_memory_not_equal(&one.key, &two.key, sizeof one.key);
    assert_memory_not_equal(&one.tag, &two.tag, sizeof one.tag);
    struct msg_nonce nonces[3 * MSG_RUN_NONCES];
    for (size_t i = 0; i < sizeof nonces / sizeof nonces[0]; i++) {
        nonces[i] = seal(&one, msg_span("x", 1)).nonce;
        for (size_t k = 0; k < i; k++) /* in the part that is each one's own */
            assert_memory_not_equal(nonces[i].at + 16, nonces[k].at + 16, 8);
    }
    assert_memory_not_equal(&nonces[0], &nonces[MSG_RUN_NONCES], 16);
}

/* Whatever of the work envelopes share, each is what the cipher's one call makes of it. */
static void
an_envelope_is_xchacha20_poly1305_under_the_runs_key(void **unused)
{
    (void)unused;
    struct msg_run run = {0};
    uint8_t aad[24] = {0}, text[4];
    start(&run);
    memcpy(aad, &run.about, 16);
    for (uint8_t i = 0; i < 2 * MSG_RUN_NONCES + 1; i++) {
        const struct msg_sealed frame = seal(&run, msg_span("text", 4));
        unsigned long long len = 0;
        aad[23] = i;
        assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(text, &len, NULL, frame.box.at, frame.box.len, aad, sizeof aad, frame.nonce.at, run.key.at), 0);
        assert_int_equal(len, 4);
        assert_memory_equal(text, "text", 4);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_every_size_come_back),
        cmocka_unit_test(a_batch_that_is_empty_or_too_large_is_not_sealed),
        cmocka_unit_test(nothing_of_the_plaintext_shows_in_the_frame),
        cmocka_unit_test(a_run_header_with_any_field_altered_is_refused),
        cmocka_unit_test(a_run_for_somebody_else_is_refused),
        cmocka_unit_test(a_run_under_another_senders_certificate_is_refused),
        cmocka_unit_test(a_wrong_mail_secret_opens_nothing),
        cmocka_unit_test(keys_of_small_order_are_refused),
        cmocka_unit_test(an_envelope_with_any_part_altered_does_not_open_and_leaves_no_trace),
        cmocka_unit_test(an_envelope_of_another_run_does_not_open),
        cmocka_unit_test(each_counter_opens_once_in_any_order_within_the_window),
        cmocka_unit_test(the_window_ends_where_it_says),
        cmocka_unit_test(a_run_ends_by_age_and_by_count),
        cmocka_unit_test(a_header_that_does_not_fit_starts_no_run),
        cmocka_unit_test(no_two_runs_share_a_key_and_no_two_envelopes_a_nonce),
        cmocka_unit_test(an_envelope_is_xchacha20_poly1305_under_the_runs_key),
    };
    gen_seed(6);
    if (msg_keys_init() != CONCLAVE_OK)
        return 1;
    alice = (struct msg_cert){.account = 11, .device = 12};
    bob = (struct msg_cert){.account = 21, .device = 22};
    msg_keys_new_sign(&alice.sign, &alice_sec);
    msg_keys_new_box(&bob.mail, &bob_sec);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
