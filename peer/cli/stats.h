/* What /stats answers: lines for people, the members of an object for programs. */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include "peer/cli/buf.h"
#include "peer/cli/json.h"
#include "peer/conclave.h"

/* name: whose session it is; "": nobody's yet. */
void cli_stats_lines(struct cli_buf *out, const struct conclave_stats *stats, const char *name);
void cli_stats_members(struct cli_json *json, const struct conclave_stats *stats, const char *name);

#endif
