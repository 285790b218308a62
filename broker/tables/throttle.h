/* Who failed to log in too often, and who sends garbage.  Both tables are of
 * fixed size and forget the least important first.  Pure. */
#ifndef BROKER_THROTTLE_H
#define BROKER_THROTTLE_H

#include "broker/tables/bucket.h"
#include "msg/error.h"

#define BROKER_THROTTLE_SETS 2048u
#define BROKER_THROTTLE_WAYS 8u

struct broker_throttle_rule {
    uint64_t failures; /* after this many ... */
    uint64_t first_ms; /* ... blocked this long, doubling with each further one ... */
    uint64_t last_ms;  /* ... up to this */
};

struct broker_throttle {
    struct broker_throttle_cell {
        uint64_t tag;
        uint64_t blocked_until_ms;
        uint64_t failed_ms; /* the last failure */
        uint32_t failures;
        uint32_t pending;   /* attempts that are being checked now */
    } *cells;
    uint64_t seed;
};

bool CONCLAVE_CHECK broker_throttle_init(struct broker_throttle *self, uint64_t seed);
void broker_throttle_wipe(struct broker_throttle *self);

/* Names an attempt: the folded name and the source, or "" for everywhere. */
uint64_t broker_throttle_tag(const struct broker_throttle *self, struct msg_text folded, struct msg_text source);

/* Starts an attempt.  OK: it counts as pending until failed, passed or let
 * go.  BLOCKED or BUSY (as many are being checked as may still fail) with the
 * time to wait. */
enum conclave_err CONCLAVE_CHECK
broker_throttle_begin(struct broker_throttle *self, const struct broker_throttle_rule *rule, uint64_t tag,
                      uint64_t now_ms, uint64_t *retry_ms);
void broker_throttle_failed(struct broker_throttle *self, const struct broker_throttle_rule *rule, uint64_t tag,
                            uint64_t now_ms);
void broker_throttle_passed(struct broker_throttle *self, uint64_t tag);
void broker_throttle_let_go(struct broker_throttle *self, uint64_t tag);

/* ---- garbage, by connection ---- */
#define BROKER_STRIKE_BAD 8u    /* a frame that does not decode, or does not belong */
#define BROKER_STRIKE_EARLY 1u  /* a request before LOGIN */
#define BROKER_STRIKE_LIMIT 64u /* eight bad frames */

struct broker_strikes {
    struct broker_strikes_cell { uint64_t conn; uint32_t weight; } *cells;
    uint64_t seed;
};

bool CONCLAVE_CHECK broker_strikes_init(struct broker_strikes *self, uint64_t seed);
void broker_strikes_wipe(struct broker_strikes *self);

/* true: that was one too many; the count starts anew. */
bool broker_strikes_add(struct broker_strikes *self, uint64_t conn, uint32_t weight);
void broker_strikes_clear(struct broker_strikes *self, uint64_t conn);

#endif
