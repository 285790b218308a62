/* The first start with a person at the terminal: which registry, and as whom. */
#ifndef CLI_WELCOME_H
#define CLI_WELCOME_H

#include "peer/cli/cli.h"

/* Asks for what is missing.  False when the person left, or the home can not
 * be opened: then *status is the exit code. */
bool cli_welcome(struct cli *cli, int *status);

#endif
