/* Proves msg/cert.c: what is forged, altered, meant for something else or out
 * of date is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "tests/msg/gen.h"

static struct msg_sign_pub signer;
static struct msg_sign_sec signer_sec;
static struct msg_sign_sec device_sec;

static uint8_t whole_at[MSG_FRAME_MAX];
static uint8_t body_at[MSG_FRAME_MAX];

static struct msg_cert_body
good_body(void)
{
    struct msg_cert_body body = {
        .serial = 5,
        .account = 6,
        .device = 7,
        .name = msg_text("alice"),
        .not_before_ms = 1000000000,
        .not_after_ms = 1000000000 + MSG_CERT_LIFE_MS,
    };
    struct msg_box_sec sec;
    msg_keys_new_sign(&body.sign, &device_sec);
    msg_keys_new_box(&body.transport, &sec);
    msg_keys_new_box(&body.mail, &sec);
    msg_cert_sign_mail(&body.mail_sig, &body.mail, &device_sec);
    return body;
}

/* Wrapped as the registry does; no check of the body on the way. */
static struct msg_span
wrap(enum msg_kind kind, const void *message, const char *domain, const struct msg_sign_sec *sec)
{
    struct msg_buf body = {body_at, 0, sizeof body_at};
    struct msg_buf whole = {whole_at, 0, sizeof whole_at};
    struct msg_sig sig;
    assert_int_equal(msg_codec_encode(&body, kind, message), CONCLAVE_OK);
    msg_keys_sign(&sig, domain, msg_span_of_buf(&body), sec);
    assert_int_equal(msg_cert_wrap(&whole, msg_span_of_buf(&body), &sig), CONCLAVE_OK);
    return msg_span_of_buf(&whole);
}

static enum conclave_err
open_cert(struct msg_span certificate)
{
    struct msg_cert cert;
    struct msg_cert zero;
    memset(&zero, 0, sizeof zero);
    const enum conclave_err err = msg_cert_open(&cert, certificate, &signer);
    if (err != CONCLAVE_OK)
        assert_memory_equal(&cert, &zero, sizeof cert);
    return err;
}

static void
a_certificate_tells_what_the_registry_signed(void **unused)
{
    (void)unused;
    const struct msg_cert_body body = good_body();
    struct msg_cert cert;
    struct msg_buf out = {body_at, 0, sizeof body_at};
    struct msg_buf whole = {whole_at, 0, sizeof whole_at};
    struct msg_sig sig;
    assert_int_equal(msg_codec_encode(&out, MSG_CERT, &body), CONCLAVE_OK);
    assert_int_equal(msg_cert_sign(&sig, msg_span_of_buf(&out), &signer_sec), CONCLAVE_OK);
    assert_int_equal(msg_cert_wrap(&whole, msg_span_of_buf(&out), &sig), CONCLAVE_OK);
    assert_true(whole.len <= MSG_CERT_MAX);
    assert_int_equal(msg_cert_open(&cert, msg_span_of_buf(&whole), &signer), CONCLAVE_OK);
    assert_int_equal(cert.serial, 5);
    assert_int_equal(cert.account, 6);
    assert_int_equal(cert.device, 7);
    assert_string_equal(cert.name, "alice");
    assert_memory_equal(&cert.sign, &body.sign, sizeof cert.sign);
    assert_memory_equal(&cert.transport, &body.transport, sizeof cert.transport);
    assert_memory_equal(&cert.mail, &body.mail, sizeof cert.mail);
    assert_int_equal(cert.not_before_ms, body.not_before_ms);
    assert_int_equal(cert.not_after_ms, body.not_after_ms);
}

static void
a_certificate_with_any_bit_altered_is_refused(void **unused)
{
    (void)unused;
    const struct msg_cert_body body = good_body();
    const struct msg_span good = wrap(MSG_CERT, &body, MSG_CERT_DOMAIN, &signer_sec);
    assert_int_equal(open_cert(good), CONCLAVE_OK);
    for (size_t i = 0; i < good.len; i++) {
        whole_at[i] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(open_cert(good), CONCLAVE_OK);
        whole_at[i] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(open_cert(msg_span(whole_at, i)), CONCLAVE_OK);
    }
    assert_int_equal(open_cert(good), CONCLAVE_OK);
}

static void
a_certificate_by_another_signer_is_refused(void **unused)
{
    (void)unused;
    struct msg_sign_pub other;
    struct msg_sign_sec other_sec;
    msg_keys_new_sign(&other, &other_sec);
    const struct msg_cert_body body = good_body();
    assert_int_equal(open_cert(wrap(MSG_CERT, &body, MSG_CERT_DOMAIN, &other_sec)),
                     CONCLAVE_ERR_SIGNATURE);
    assert_int_equal(open_cert(wrap(MSG_CERT, &body, MSG_CERT_DOMAIN, &device_sec)),
                     CONCLAVE_ERR_SIGNATURE);
}

static void
a_signature_of_another_domain_is_refused(void **unused)
{
    (void)unused;
    const struct msg_cert_body body = good_body();
    const char *const domains[] = {MSG_REVOCATIONS_DOMAIN, MSG_MAIL_DOMAIN, MSG_ENROL_DOMAIN, "",
                                   "conclave cert 2"};
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
        assert_int_equal(open_cert(wrap(MSG_CERT, &body, domains[i], &signer_sec)),
                         CONCLAVE_ERR_SIGNATURE);
}

static void
another_kind_under_the_right_domain_is_refused(void **unused)
{
    (void)unused;
    const struct msg_revocations list = {.version = 1};
    const struct msg_cert_body body = good_body();
    struct msg_revocations got;
    assert_int_equal(open_cert(wrap(MSG_REVOCATIONS, &list, MSG_CERT_DOMAIN, &signer_sec)),
                     CONCLAVE_ERR_KIND);
    assert_int_equal(msg_cert_open_revocations(
                         &got, wrap(MSG_CERT, &body, MSG_REVOCATIONS_DOMAIN, &signer_sec), &signer),
                     CONCLAVE_ERR_KIND);
    struct msg_buf out = {whole_at, 0, sizeof whole_at};
    assert_int_equal(msg_codec_encode(&out, MSG_CERT, &body), CONCLAVE_OK);
    assert_int_equal(open_cert(msg_span_of_buf(&out)), CONCLAVE_ERR_KIND); /* not wrapped */
}

static void
a_mail_key_that_the_device_did_not_sign_is_refused(void **unused)
{
    (void)unused;
    struct msg_cert_body body = good_body();
    struct msg_box_sec sec;
    msg_keys_new_box(&body.mail, &sec); /* the registry swaps it, and signs that */
    assert_int_equal(open_cert(wrap(MSG_CERT, &body, MSG_CERT_DOMAIN, &signer_sec)),
                     CONCLAVE_ERR_SIGNATURE);
    body = good_body();
    msg_cert_sign_mail(&body.mail_sig, &body.mail, &signer_sec); /* by somebody else */
    assert_int_equal(open_cert(wrap(MSG_CERT, &body, MSG_CERT_DOMAIN, &signer_sec)),
                     CONCLAVE_ERR_SIGNATURE);
    body = good_body();
    msg_keys_sign(&body.mail_sig, MSG_ENROL_DOMAIN, msg_span(body.mail.at, sizeof body.mail.at),
                  &device_sec);
    assert_int_equal(open_cert(wrap(MSG_CERT, &body, MSG_CERT_DOMAIN, &signer_sec)),
                     CONCLAVE_ERR_SIGNATURE);
}

static void
a_certificate_longer_than_one_is_refused(void **unused)
{
    (void)unused;
    static uint8_t longer[MSG_CERT_MAX + 1];
    assert_int_equal(open_cert(msg_span(longer, sizeof longer)), CONCLAVE_ERR_RANGE);
    assert_int_equal(open_cert((struct msg_span){0}), CONCLAVE_ERR_SHORT);
}

static void
the_vault_signs_certificates_and_revocations_and_nothing_else(void **unused)
{
    (void)unused;
    const struct msg_sig zero = {{0}};
    const struct msg_shape *shape;
    for (size_t i = 0; (shape = msg_catalog_at(i)) != NULL; i++) {
        if (!gen_is_frame(shape->kind))
            continue;
        union msg_any any;
        struct msg_sig sig;
        struct msg_buf out = {body_at, 0, sizeof body_at};
        gen_message(shape->kind, &any, 100);
        assert_int_equal(msg_codec_encode(&out, shape->kind, &any), CONCLAVE_OK);
        const enum conclave_err err = msg_cert_sign(&sig, msg_span_of_buf(&out), &signer_sec);
        if (shape->kind == MSG_CERT || shape->kind == MSG_REVOCATIONS) {
            assert_int_equal(err, CONCLAVE_OK);
        } else {
            assert_int_equal(err, CONCLAVE_ERR_KIND);
            assert_memory_equal(&sig, &zero, sizeof sig);
        }
        assert_int_not_equal(msg_cert_sign(&sig, msg_span(body_at, out.len - 1), &signer_sec),
                             CONCLAVE_OK);
        gen_reset();
    }
}

static void
a_certificate_counts_within_its_time_and_the_skew_of_clocks(void **unused)
{
    (void)unused;
    const struct msg_cert cert = {.not_before_ms = 1000000000, .not_after_ms = 2000000000};
    const uint64_t first = cert.not_before_ms - MSG_CERT_SKEW_MS;
    const uint64_t last = cert.not_after_ms + MSG_CERT_SKEW_MS;
    assert_int_equal(msg_cert_check_time(&cert, first - 1, 0), CONCLAVE_ERR_EXPIRED);
    assert_int_equal(msg_cert_check_time(&cert, first, 0), CONCLAVE_OK);
    assert_int_equal(msg_cert_check_time(&cert, last, 0), CONCLAVE_OK);
    assert_int_equal(msg_cert_check_time(&cert, last + 1, 0), CONCLAVE_ERR_EXPIRED);
    assert_int_equal(msg_cert_check_time(&cert, last + 1, MSG_CERT_GRACE_MS), CONCLAVE_OK);
    assert_int_equal(msg_cert_check_time(&cert, last + MSG_CERT_GRACE_MS + 1, MSG_CERT_GRACE_MS),
                     CONCLAVE_ERR_EXPIRED);
    assert_int_equal(msg_cert_check_time(&cert, first - 1, MSG_CERT_GRACE_MS),
                     CONCLAVE_ERR_EXPIRED);
    /* The ends of time do not start again from 0. */
    const struct msg_cert for_ever = {.not_after_ms = UINT64_MAX};
    assert_int_equal(msg_cert_check_time(&for_ever, UINT64_MAX, UINT64_MAX), CONCLAVE_OK);
    const struct msg_cert never = {.not_before_ms = UINT64_MAX, .not_after_ms = 0};
    assert_int_equal(msg_cert_check_time(&never, 5, 0), CONCLAVE_ERR_EXPIRED);
    assert_int_equal(msg_cert_check_time(&cert, UINT64_MAX, 0), CONCLAVE_ERR_EXPIRED);
}

static void
a_revocation_list_is_read_and_one_that_was_altered_is_not(void **unused)
{
    (void)unused;
    uint8_t items[256];
    struct msg_buf out = {items, 0, sizeof items};
    struct msg_revocations list = {.version = 9, .issued_ms = 10};
    struct msg_revocations got;
    for (uint64_t i = 1; i <= 3; i++) {
        const struct msg_revocation entry = {6 + i, i, 2 * i, 100 * i};
        assert_int_equal(msg_codec_append(&out, &list.entries, MSG_REVOCATION, &entry),
                         CONCLAVE_OK);
    }
    const struct msg_span good = wrap(MSG_REVOCATIONS, &list, MSG_REVOCATIONS_DOMAIN, &signer_sec);
    assert_int_equal(msg_cert_open_revocations(&got, good, &signer), CONCLAVE_OK);
    assert_int_equal(got.version, 9);
    assert_int_equal(got.entries.count, 3);
    struct msg_revocation entry;
    for (uint64_t i = 1; i <= 3; i++) {
        assert_true(msg_codec_next(&got.entries, MSG_REVOCATION, &entry));
        assert_int_equal(entry.account, i);
        assert_int_equal(entry.device, 2 * i);
    }
    for (size_t i = 0; i < good.len; i++) {
        whole_at[i] ^= 1;
        assert_int_not_equal(msg_cert_open_revocations(&got, good, &signer), CONCLAVE_OK);
        assert_int_equal(got.entries.count, 0);
        whole_at[i] ^= 1;
    }
}

static void
a_proof_of_enrolment_is_for_one_connection_at_one_door(void **unused)
{
    (void)unused;
    const struct msg_cert_body body = good_body();
    struct msg_box_pub door;
    struct msg_box_pub other;
    struct msg_box_sec sec;
    struct msg_sig sig;
    msg_keys_new_box(&door, &sec);
    msg_keys_new_box(&other, &sec);
    msg_cert_prove(&sig, &body.transport, &door, &device_sec);
    assert_int_equal(msg_cert_check_proof(&sig, &body.transport, &door, &body.sign), CONCLAVE_OK);
    assert_int_equal(msg_cert_check_proof(&sig, &other, &door, &body.sign), CONCLAVE_ERR_SIGNATURE);
    assert_int_equal(msg_cert_check_proof(&sig, &body.transport, &other, &body.sign),
                     CONCLAVE_ERR_SIGNATURE);
    assert_int_equal(msg_cert_check_proof(&sig, &door, &body.transport, &body.sign),
                     CONCLAVE_ERR_SIGNATURE);
    assert_int_equal(msg_cert_check_proof(&sig, &body.transport, &door, &signer),
                     CONCLAVE_ERR_SIGNATURE);
    assert_int_equal(msg_cert_check_mail(&sig, &body.mail, &body.sign), CONCLAVE_ERR_SIGNATURE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_tells_what_the_registry_signed),
        cmocka_unit_test(a_certificate_with_any_bit_altered_is_refused),
        cmocka_unit_test(a_certificate_by_another_signer_is_refused),
        cmocka_unit_test(a_signature_of_another_domain_is_refused),
        cmocka_unit_test(another_kind_under_the_right_domain_is_refused),
        cmocka_unit_test(a_mail_key_that_the_device_did_not_sign_is_refused),
        cmocka_unit_test(a_certificate_longer_than_one_is_refused),
        cmocka_unit_test(the_vault_signs_certificates_and_revocations_and_nothing_else),
        cmocka_unit_test(a_certificate_counts_within_its_time_and_the_skew_of_clocks),
        cmocka_unit_test(a_revocation_list_is_read_and_one_that_was_altered_is_not),
        cmocka_unit_test(a_proof_of_enrolment_is_for_one_connection_at_one_door),
    };
    gen_seed(5);
    if (msg_keys_init() != CONCLAVE_OK)
        return 1;
    msg_keys_new_sign(&signer, &signer_sec);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
