/* The line at the bottom, with Readline: what is typed goes into a queue of
 * lines, and what is printed goes above it. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "peer/cli/cli.h"

/* Lines typed are added to `lines`, a NUL after each; *ended is set by ^D.
 * Both have to live until close. */
void cli_prompt_open(struct cli *cli, struct cli_buf *lines, bool *ended);
void cli_prompt_read(struct cli *cli); /* stdin is readable */
/* Takes away what is being typed; false: there was nothing. */
bool cli_prompt_clear(void);
void cli_prompt_close(struct cli *cli);

#endif
