/* The registry's records as structs, read through the view.  What comes out
 * points into the view's memory: it is valid until the next call of anything
 * here.  A record that does not decode counts as missing.  Pure. */
#ifndef BROKER_ACCOUNTS_H
#define BROKER_ACCOUNTS_H

#include "broker/tables/view.h"
#include "msg/cert.h"
#include "msg/name.h"

bool broker_accounts_counters(const struct broker_view *view, struct msg_rec_counters *out, bool *damaged);
bool broker_accounts_get(const struct broker_view *view, uint64_t account, struct msg_rec_account *out);
bool broker_accounts_by_name(const struct broker_view *view, const struct msg_name *name, uint64_t *account);
bool broker_accounts_owner(const struct broker_view *view, const struct msg_box_pub *key, struct msg_rec_owner *out);
bool broker_accounts_device(const struct broker_view *view, uint64_t account, uint64_t device,
                            struct msg_rec_device *out);

/* Walks the devices of an account in order: start with *device = 0. */
bool broker_accounts_next_device(const struct broker_view *view, uint64_t account, uint64_t *device,
                                 struct msg_rec_device *out);

/* Walks the revocations in order: start with *version = 0. */
bool broker_accounts_next_revoked(const struct broker_view *view, uint64_t *version, struct msg_rec_revoked *out);

/* The key of the counters' record. */
struct msg_span broker_accounts_counters_key(void);

/* What stands in a certificate that we made ourselves and kept; false when it
 * is none.  The signature is not looked at. */
bool broker_accounts_read_certificate(struct msg_span certificate, struct msg_cert_body *out);

#endif
