/* When what is to be said (open loop: whether what was said before has arrived
 * or not), and the harness's own chance, which a seed decides.  Pure. */
#ifndef TOOLS_STRESS_PACE_H
#define TOOLS_STRESS_PACE_H

#include <stdint.h>

struct stress_pace {
    uint64_t start_ns;
    double gap_ns;  /* between two */
    double phase;   /* 0 to 1: of the first gap; processes that share a rate do not speak all at once */
    uint64_t done;
};

void stress_pace_start(struct stress_pace *self, uint64_t now_ns, double per_s, double phase);

/* The moment at which the next one is to be said. */
uint64_t stress_pace_next_ns(const struct stress_pace *self);

/* Numbers that look like chance; *state is the seed. */
uint64_t stress_pace_random(uint64_t *state);

#endif
