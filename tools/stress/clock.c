/* See clock.h. */
#include "tools/stress/clock.h"

#include <stdlib.h>
#include <time.h>

uint64_t
stress_clock_ns(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        abort(); /* there is one on every Linux */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void
stress_clock_wait_ns(uint64_t ns)
{
    const struct timespec span = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    (void)nanosleep(&span, NULL);
}
