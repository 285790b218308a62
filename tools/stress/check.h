/* Proves that nothing was lost, doubled or reordered: every receiver's numbers
 * of every sender, each once and in order.  Pure but for its own memory. */
#ifndef TOOLS_STRESS_CHECK_H
#define TOOLS_STRESS_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct stress_check;

/* A stream: what one receiver hears of one sender in one channel. */
struct stress_stream {
    uint32_t receiver; /* below 2^24 */
    uint32_t sender;   /* below 2^32 */
    uint8_t channel;
};

enum stress_verdict {
    STRESS_FINE,
    STRESS_DOUBLED,  /* it came before */
    STRESS_REORDERED /* a later one came before it */
};

/* Memory that is short ends the program. */
struct stress_check *stress_check_new(void);
void stress_check_destroy(struct stress_check **self_p);

/* A message came.  Numbers begin at 1. */
enum stress_verdict stress_check_take(struct stress_check *self, struct stress_stream stream, uint64_t number);

/* The receiver was not there for a while, and need not have what was said
 * then: the next number may be any later one. */
void stress_check_pause(struct stress_check *self, struct stress_stream stream);

/* Numbers that were skipped and have not come yet, of all streams. */
uint64_t stress_check_holes(const struct stress_check *self);

/* How many of the numbers 1 to `said` never came.  With `to_the_end` false
 * only those before the last one that came: the receiver need not have been
 * there for the rest, nor for what was before the first. */
uint64_t stress_check_lost(const struct stress_check *self, struct stress_stream stream, uint64_t said, bool to_the_end);

#endif
