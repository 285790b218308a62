/* The text of a message of the harness: who says it, in which count, the
 * moment it was to be said, and a sum over all of it.  Pure. */
#ifndef TOOLS_STRESS_TEXT_H
#define TOOLS_STRESS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRESS_TEXT_MIN 64u    /* bytes; the least that holds it */
#define STRESS_TEXT_MAX 49152u /* the most that a message may have */

/* Each sender counts for itself in each channel: from 1, without holes. */
enum stress_channel { STRESS_ROOM, STRESS_PAIR, STRESS_CHANNELS };

struct stress_text {
    uint32_t sender;
    enum stress_channel channel;
    uint64_t number;
    uint64_t intended_ns; /* monotonic clock of this machine */
};

/* Writes `size` bytes (STRESS_TEXT_MIN and up), no NUL. */
void stress_text_write(char *at, size_t size, const struct stress_text *what);

/* False: these are not `size` bytes as they were written. */
bool stress_text_read(struct stress_text *what, const char *at, size_t len, size_t size);

#endif
