/* See clock.h. */
#include "tools/stress/clock.h"

#include <stdlib.h>
#include <time.h>

static uint64_t
read_ns(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0)
        abort(); /* there is one on every Linux */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
stress_clock_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t
stress_clock_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

void
stress_clock_wait_ns(uint64_t ns)
{
    const struct timespec span = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    (void)nanosleep(&span, NULL);
}
