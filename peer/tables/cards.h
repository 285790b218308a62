/* Certificates of the devices of people in rooms, pure: a cache of fixed size
 * in which the one used longest ago makes room, and its records. */
#ifndef PEER_CARDS_H
#define PEER_CARDS_H

#include "msg/cert.h"
#include "msg/step.h"
#include "peer/tables/outbox.h"

#define PEER_CARDS_DEFAULT 4096u

struct peer_card {
    bool used;
    struct msg_cert cert;
    uint8_t certificate[MSG_CERT_MAX];
    size_t certificate_len;
    uint32_t chain;     /* of the same bucket: index + 1; 0: the last */
    uint32_t newer;     /* used after it, and before it: index + 1; 0: none */
    uint32_t older;
};

struct peer_cards {
    struct peer_card *cards;
    uint32_t *buckets;  /* by account: index + 1; 0: empty */
    uint32_t bucket_mask;
    uint32_t room;
    uint32_t count;     /* slots ever used */
    uint32_t free;      /* list of those given back, through `chain` */
    uint32_t newest;
    uint32_t oldest;
};

/* False when there is not enough memory: wipe it then. */
bool CONCLAVE_CHECK peer_cards_init(struct peer_cards *self, uint32_t count);
void peer_cards_wipe(struct peer_cards *self);

/* NULL where it is not known; counts as a use.  Valid until the next take. */
const struct peer_card *peer_cards_find(struct peer_cards *self, uint64_t account, uint64_t device);

/* The devices of an account that are known, one after the other: start with
 * NULL.  No use is counted; nothing may be taken or dropped meanwhile. */
const struct peer_card *peer_cards_next(const struct peer_cards *self, uint64_t account, const struct peer_card *card);

/* Takes a certificate that was opened.  A device keeps its signing and
 * transport keys for life: others are PEER_KEY_CHANGED, and nothing changes.
 * An older one than the known one is OK and says nothing new.  Puts the
 * record, and deletes that of the card that made room; *written says whether
 * there was any. */
enum conclave_err CONCLAVE_CHECK
peer_cards_take(struct peer_cards *self, const struct msg_cert *cert, struct msg_span certificate, struct msg_effects *out, bool *written);

/* The same from a record, as it is restored. */
void peer_cards_restore(struct peer_cards *self, const struct msg_cert *cert, struct msg_span certificate);

/* A revoked device: the card and its record are gone.  False: there was none. */
bool peer_cards_drop(struct peer_cards *self, uint64_t account, uint64_t device, struct msg_effects *out);

/* Deletes all records and all cards. */
void peer_cards_clear(struct peer_cards *self, struct msg_effects *out);

#endif
