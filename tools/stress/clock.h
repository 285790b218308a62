/* The one place where conclave-stress reads a clock, and waits. */
#ifndef TOOLS_STRESS_CLOCK_H
#define TOOLS_STRESS_CLOCK_H

#include <stdint.h>

/* Monotonic; the same for all processes of this machine. */
uint64_t stress_clock_ns(void);

/* CPU time of the calling thread. */
uint64_t stress_clock_cpu_ns(void);

/* Waits; a signal ends it early. */
void stress_clock_wait_ns(uint64_t ns);

#endif
