/* Secrets of a person: where they come from, and that nothing stays behind.
 * Never from an argument, which everybody on the machine could read. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "peer/cli/buf.h"

#define CLI_SECRET_MAX 512 /* bytes; MSG_PASSWORD_MAX */

struct cli_secret {
    bool set; /* an empty one may be, too */
    char text[CLI_SECRET_MAX + 1];
};

/* The first line without its newline; `why` is a sentence where it fails.  A
 * file that others can read earns a warning in `warning`. */
bool cli_password_of_file(struct cli_secret *self, const char *path, struct cli_buf *warning, struct cli_buf *why);
/* Reads no byte beyond the line, so that stdin can be shared with commands. */
bool cli_password_of_fd(struct cli_secret *self, int fd, struct cli_buf *why);
/* Takes it out of the environment.  True also when there is none. */
bool cli_password_of_environment(struct cli_secret *self, const char *name, struct cli_buf *why);

/* Asks on /dev/tty without echo; false when there is none, or on a signal. */
bool cli_password_ask(struct cli_secret *self, const char *question);
/* Asks until both are the same. */
bool cli_password_ask_twice(struct cli_secret *self, const char *question);

/* Asks for one line, with echo, on /dev/tty; without its newline. */
bool cli_password_ask_line(struct cli_buf *line, const char *question);

/* Whether there is somebody to ask: a terminal, and stdin or stderr is one. */
bool cli_password_can_ask(void);

void cli_password_wipe(struct cli_secret *self);

#endif
