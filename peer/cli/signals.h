/* SIGINT, SIGTERM and SIGHUP as something that poll sees, so that every mode
 * ends in order; SIGWINCH for the prompt. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

void cli_signals_open(void);
int cli_signals_fd(void);    /* readable once one came */
int cli_signals_ended(void); /* the signal that ends the program; 0: none yet */
void cli_signals_forget(int number); /* that one ended something smaller */
bool cli_signals_resized(void); /* since the last call */

#endif
