/* Certificates and revocation lists: wrapped, signed and checked.  Pure. */
#include "msg/cert.h"

#include <assert.h>

#include "msg/codec.h"

static const char *
domain_of(enum msg_kind kind)
{
    if (kind == MSG_CERT)
        return MSG_CERT_DOMAIN;
    return kind == MSG_REVOCATIONS ? MSG_REVOCATIONS_DOMAIN : NULL;
}

enum conclave_err
msg_cert_wrap(struct msg_buf *out, struct msg_span body, const struct msg_sig *sig)
{
    const struct msg_signed whole = {body, *sig};
    return msg_codec_encode(out, MSG_SIGNED, &whole);
}

enum conclave_err
msg_cert_sign(struct msg_sig *sig, struct msg_span body, const struct msg_sign_sec *signer)
{
    enum msg_kind kind;
    union msg_any any;
    memset(sig, 0, sizeof *sig);
    const enum conclave_err err = msg_codec_decode(body, &kind, &any);
    if (err != CONCLAVE_OK)
        return err;
    if (domain_of(kind) == NULL)
        return CONCLAVE_ERR_KIND;
    msg_keys_sign(sig, domain_of(kind), body, signer);
    return CONCLAVE_OK;
}

/* Unwraps SIGNED, checks the signature, and only then reads the body, which
 * must be of the kind that the domain stands for. */
static enum conclave_err
open_signed(union msg_any *body, struct msg_span whole, enum msg_kind expected,
            const struct msg_sign_pub *signer)
{
    enum msg_kind kind;
    union msg_any any;
    enum conclave_err err = msg_codec_decode(whole, &kind, &any);
    if (err != CONCLAVE_OK)
        return err;
    if (kind != MSG_SIGNED)
        return CONCLAVE_ERR_KIND;
    const struct msg_signed got = any.MSG_ANY_SIGNED;
    err = msg_keys_verify(&got.sig, domain_of(expected), got.body, signer);
    if (err != CONCLAVE_OK)
        return err;
    err = msg_codec_decode(got.body, &kind, body);
    if (err == CONCLAVE_OK && kind != expected)
        err = CONCLAVE_ERR_KIND;
    return err;
}

enum conclave_err
msg_cert_open(struct msg_cert *cert, struct msg_span certificate, const struct msg_sign_pub *signer)
{
    union msg_any any;
    memset(cert, 0, sizeof *cert);
    if (certificate.len > MSG_CERT_MAX)
        return CONCLAVE_ERR_RANGE;
    enum conclave_err err = open_signed(&any, certificate, MSG_CERT, signer);
    if (err != CONCLAVE_OK)
        return err;
    const struct msg_cert_body *const body = &any.MSG_ANY_CERT;
    err = msg_cert_check_mail(&body->mail_sig, &body->mail, &body->sign);
    if (err != CONCLAVE_OK)
        return err;
    cert->serial = body->serial;
    cert->account = body->account;
    cert->device = body->device;
    msg_text_copy(cert->name, sizeof cert->name, body->name);
    cert->sign = body->sign;
    cert->transport = body->transport;
    cert->mail = body->mail;
    cert->not_before_ms = body->not_before_ms;
    cert->not_after_ms = body->not_after_ms;
    return CONCLAVE_OK;
}

/* Sums that stop at the end instead of starting again from 0. */
static uint64_t
plus(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

enum conclave_err
msg_cert_check_time(const struct msg_cert *cert, uint64_t now_ms, uint64_t grace_ms)
{
    if (plus(now_ms, MSG_CERT_SKEW_MS) < cert->not_before_ms)
        return CONCLAVE_ERR_EXPIRED;
    if (now_ms > plus(plus(cert->not_after_ms, MSG_CERT_SKEW_MS), grace_ms))
        return CONCLAVE_ERR_EXPIRED;
    return CONCLAVE_OK;
}

enum conclave_err
msg_cert_open_revocations(struct msg_revocations *out, struct msg_span list,
                          const struct msg_sign_pub *signer)
{
    union msg_any any;
    memset(out, 0, sizeof *out);
    const enum conclave_err err = open_signed(&any, list, MSG_REVOCATIONS, signer);
    if (err == CONCLAVE_OK)
        *out = any.MSG_ANY_REVOCATIONS;
    return err;
}

void
msg_cert_sign_mail(struct msg_sig *sig, const struct msg_box_pub *mail,
                   const struct msg_sign_sec *device)
{
    msg_keys_sign(sig, MSG_MAIL_DOMAIN, msg_span(mail->at, sizeof mail->at), device);
}

enum conclave_err
msg_cert_check_mail(const struct msg_sig *sig, const struct msg_box_pub *mail,
                    const struct msg_sign_pub *device)
{
    return msg_keys_verify(sig, MSG_MAIL_DOMAIN, msg_span(mail->at, sizeof mail->at), device);
}

/* What a device proves when it enrols: that it holds the signing key, for this
 * connection (its transport key) at this door and no other. */
struct proof_body {
    struct msg_box_pub transport;
    struct msg_box_pub door;
};
static_assert(sizeof(struct proof_body) == 64, "no padding: it is signed as it stands");

void
msg_cert_prove(struct msg_sig *sig, const struct msg_box_pub *transport,
               const struct msg_box_pub *door, const struct msg_sign_sec *device)
{
    const struct proof_body body = {*transport, *door};
    msg_keys_sign(sig, MSG_ENROL_DOMAIN, msg_span(&body, sizeof body), device);
}

enum conclave_err
msg_cert_check_proof(const struct msg_sig *sig, const struct msg_box_pub *transport,
                     const struct msg_box_pub *door, const struct msg_sign_pub *device)
{
    const struct proof_body body = {*transport, *door};
    return msg_keys_verify(sig, MSG_ENROL_DOMAIN, msg_span(&body, sizeof body), device);
}
