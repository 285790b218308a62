/* The registry's key files, in the data directory (the working directory): one
 * key each, 0600, made at the first start. */
#ifndef BROKER_KEYRING_H
#define BROKER_KEYRING_H

#include "msg/error.h"
#include "msg/keys.h"

/* What may be known outside the process that uses the key. */
struct broker_public {
    struct msg_sign_pub signer;
    struct msg_box_pub door;
    struct msg_box_pub front;
};

/* Makes what is missing and reads all of them, in a process of its own that
 * then ends, so that the supervisor never has a secret.  UNSAFE_FILE when
 * others can read one; the sentence comes back in `why`. */
enum conclave_err CONCLAVE_CHECK
broker_keyring_open(struct broker_public *out, char *why, size_t why_cap);

/* For the process that uses it. */
enum conclave_err CONCLAVE_CHECK
broker_keyring_signer(struct msg_sign_sec *out, char *why, size_t why_cap);
enum conclave_err CONCLAVE_CHECK
broker_keyring_door(struct msg_box_sec *out, char *why, size_t why_cap);
enum conclave_err CONCLAVE_CHECK
broker_keyring_front(struct msg_box_sec *out, char *why, size_t why_cap);

#endif
