/* Certificates and the revocation list: what the registry signs about
 * devices, and how anybody checks it.  Pure. */
#ifndef MSG_CERT_H
#define MSG_CERT_H

#include "msg/catalog.h"
#include "msg/error.h"

#define MSG_CERT_LIFE_MS (48ull * 3600 * 1000)        /* validity */
#define MSG_CERT_RENEW_MS (24ull * 3600 * 1000)       /* renewed when less is left */
#define MSG_CERT_GRACE_MS (7ull * 24 * 3600 * 1000)   /* honoured longer for known ones */
#define MSG_CERT_SKEW_MS (10ull * 60 * 1000)          /* clocks may differ by this */
#define MSG_CERT_DOMAIN "conclave cert 1"
#define MSG_REVOCATIONS_DOMAIN "conclave revocations 1"
#define MSG_MAIL_DOMAIN "conclave mail key 1"
#define MSG_ENROL_DOMAIN "conclave enrol 1"

/* A certificate as kept in memory: the fields and room for their name. */
struct msg_cert {
    uint64_t serial;
    uint64_t account;
    uint64_t device;
    char name[MSG_NAME_MAX + 1];
    struct msg_sign_pub sign;
    struct msg_box_pub transport;
    struct msg_box_pub mail;
    uint64_t not_before_ms;
    uint64_t not_after_ms;
};

/* Wraps a body and its signature as SIGNED. */
enum conclave_err CONCLAVE_CHECK
msg_cert_wrap(struct msg_buf *out, struct msg_span body, const struct msg_sig *sig);

/* Signs a body (a frame of CERT or REVOCATIONS, checked) as the vault does.
 * CONCLAVE_ERR_KIND for a body that is neither. */
enum conclave_err CONCLAVE_CHECK
msg_cert_sign(struct msg_sig *sig, struct msg_span body, const struct msg_sign_sec *signer);

/* Checks shape, the signer's signature and the device's signature over its
 * mail key; not the time.  SIGNATURE, or what decoding says. */
enum conclave_err CONCLAVE_CHECK
msg_cert_open(struct msg_cert *cert, struct msg_span certificate, const struct msg_sign_pub *signer);

/* CONCLAVE_ERR_EXPIRED outside its validity at now_ms, the registry's time as
 * last heard, widened by MSG_CERT_SKEW_MS and by grace_ms after the end. */
enum conclave_err CONCLAVE_CHECK
msg_cert_check_time(const struct msg_cert *cert, uint64_t now_ms, uint64_t grace_ms);

/* Checks a SIGNED(REVOCATIONS) and hands out its fields, which point into
 * `list`. */
enum conclave_err CONCLAVE_CHECK
msg_cert_open_revocations(struct msg_revocations *out, struct msg_span list, const struct msg_sign_pub *signer);

/* Signatures that a device makes and others check. */
void msg_cert_sign_mail(struct msg_sig *sig, const struct msg_box_pub *mail, const struct msg_sign_sec *device);
enum conclave_err CONCLAVE_CHECK
msg_cert_check_mail(const struct msg_sig *sig, const struct msg_box_pub *mail, const struct msg_sign_pub *device);
void msg_cert_prove(struct msg_sig *sig, const struct msg_box_pub *transport, const struct msg_box_pub *door, const struct msg_sign_sec *device);
enum conclave_err CONCLAVE_CHECK
msg_cert_check_proof(const struct msg_sig *sig, const struct msg_box_pub *transport, const struct msg_box_pub *door, const struct msg_sign_pub *device);

#endif
