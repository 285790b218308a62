/* Records latencies in fixed memory: buckets whose width grows with the value,
 * 64 to each doubling, so that a quantile is off by 1.6 % at most.  Pure; may
 * lie in memory that processes share, one of them writing. */
#ifndef TOOLS_STRESS_RECORD_H
#define TOOLS_STRESS_RECORD_H

#include <stdint.h>

#define STRESS_RECORD_BITS 42u /* values below 2^42 ns, which is 73 minutes; above: counted as that */
#define STRESS_RECORD_BUCKETS (64u * (STRESS_RECORD_BITS - 5u))

struct stress_record { /* all zero: empty */
    uint64_t count;
    uint64_t max_ns;
    uint64_t buckets[STRESS_RECORD_BUCKETS];
};

void stress_record_add(struct stress_record *self, uint64_t ns);

/* What was to be said at intended_ns arrived at now_ns: the time it had to
 * wait until it was said counts too, so a stall is felt by all that it held
 * up, and not by the one message that was under way. */
void stress_record_arrival(struct stress_record *self, uint64_t intended_ns, uint64_t now_ns);

void stress_record_merge(struct stress_record *self, const struct stress_record *more);

/* What was added since: now less before.  Its max_ns is the edge of a bucket. */
void stress_record_since(struct stress_record *self, const struct stress_record *now, const struct stress_record *before);

/* part: 0 to 1; the least value that so much of them do not exceed.  0: empty. */
uint64_t stress_record_quantile(const struct stress_record *self, double part);

#endif
