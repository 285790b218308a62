/* The signed list of revoked devices: made once for each version, kept, and
 * handed to whoever asks.  A pure table; broker/core/devices speaks. */
#ifndef BROKER_REVOCATIONS_H
#define BROKER_REVOCATIONS_H

#include "broker/tables/view.h"
#include "msg/cert.h"

#define BROKER_REVOKED_KEEP_MS (40ull * 24 * 3600 * 1000)
#define BROKER_REVOKED_FRESH_MS (3600ull * 1000) /* signed again when older */
#define BROKER_REVOKED_WAITERS 256u

struct broker_revocations {
    struct msg_buf list;        /* SIGNED(REVOCATIONS); empty: none yet */
    uint64_t version;           /* of list */
    uint64_t issued_ms;
    struct msg_buf body;        /* being signed */
    uint64_t body_version;
    uint64_t body_issued_ms;
    struct msg_buf entries;     /* while the body is made */
    uint32_t waiting;
    struct { uint64_t conn, generation, req; } waiters[BROKER_REVOKED_WAITERS];
};

bool CONCLAVE_CHECK broker_revocations_init(struct broker_revocations *self);
void broker_revocations_wipe(struct broker_revocations *self);

/* True when the list is of that version and new enough. */
bool broker_revocations_fresh(const struct broker_revocations *self, uint64_t version, uint64_t wall_ms);

/* Makes the body to be signed from the records of that version. */
void broker_revocations_make(struct broker_revocations *self, const struct broker_view *view, uint64_t version,
                             uint64_t wall_ms);
/* The body was signed: it becomes the list. */
void broker_revocations_keep(struct broker_revocations *self, const struct msg_sig *sig);

/* false: too many wait. */
bool broker_revocations_wait(struct broker_revocations *self, uint64_t conn, uint64_t generation, uint64_t req);

#endif
