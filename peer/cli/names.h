/* The names of people and rooms that were seen lately, for cli/prompt to
 * complete.  One list for the whole process; nothing is asked for. */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <stddef.h>

#include "peer/conclave.h"

#define CLI_NAMES_MAX 256 /* the one that was seen longest ago goes */

/* Remembers whom, and which rooms, an event or an answer names. */
void cli_names_learn(const struct conclave_event *event);

/* The first one from *at on that begins as `prefix` does (case does not count):
 * a room where that begins with a #, else somebody; an @ before it is passed
 * over.  NULL: no more.  Moves *at behind it; valid until the
 * next event is learned. */
const char *cli_names_next(const char *prefix, size_t *at);

#endif
