/* The key file of a device: who it is, and the key of its store.  0600, plain
 * or locked with a passphrase, replaced as a whole or not at all. */
#ifndef PEER_KEYFILE_H
#define PEER_KEYFILE_H

#include "msg/keys.h"
#include "peer/core/core.h"

struct peer_keys {
    struct peer_identity identity;
    struct msg_sym_key storage;     /* of the records on disk */
};

/* New ones, in memory. */
void peer_keys_make(struct peer_keys *self);
void peer_keys_wipe(struct peer_keys *self);

/* Reads `name` in the directory dir_fd.  NOT_FOUND; UNSAFE_FILE when others
 * could read or change it; LOCKED without a passphrase, or with the wrong one;
 * STORE_DAMAGED; STORE_IO.  `why` gets the particular sentence. */
enum conclave_err CONCLAVE_CHECK
peer_keyfile_read(struct peer_keys *keys, int dir_fd, const char *name, struct msg_text passphrase, char *why, size_t why_cap);

/* Writes it: beside, synced, then in place of the old one.  An empty
 * passphrase leaves it plain.  STORE_IO, STORE_FULL; SYSTEM: no memory for the
 * passphrase. */
enum conclave_err CONCLAVE_CHECK
peer_keyfile_write(const struct peer_keys *keys, int dir_fd, const char *name, struct msg_text passphrase, char *why, size_t why_cap);

/* The same care for any small file: written whole or not at all, 0600. */
enum conclave_err CONCLAVE_CHECK peer_keyfile_replace(int dir_fd, const char *name, struct msg_span bytes);

#endif
