/* What becomes of messages, for people: the ticks of one message that come
 * together are one line, and messages of a room that fare alike are told
 * together.  Programs get each tick by itself (cli/face_json). */
#ifndef CLI_TICKS_H
#define CLI_TICKS_H

#include "peer/cli/cli.h"

/* A RECEIPT event: it is told by cli_ticks_settle. */
void cli_ticks_take(struct cli *cli, const struct conclave_event *event);

/* Tells what is complete, or has waited for more long enough; all: everything.
 * When to be called again, UINT64_MAX: nothing waits. */
uint64_t cli_ticks_settle(struct cli *cli, bool all);

#endif
