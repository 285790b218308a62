/* What an error means outside: the exit code of the program, and the code in
 * JSON.  Both are published and fixed. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#include "msg/error.h"

enum cli_exit {
    CLI_EXIT_DONE = 0,          /* send: delivered; to a room: stored */
    CLI_EXIT_FAILED = 1,
    CLI_EXIT_USAGE = 2,
    CLI_EXIT_NOT_ADMITTED = 3,  /* credentials, blocked */
    CLI_EXIT_NO_SUCH = 4,       /* user or room */
    CLI_EXIT_NOT_DELIVERED = 5, /* accepted, not delivered in time */
    CLI_EXIT_UNREACHABLE = 6,   /* the registry */
    CLI_EXIT_KEY_CHANGED = 7,
    CLI_EXIT_REFUSED = 8,       /* by the other side; not for you to do */
    CLI_EXIT_SIGNAL = 128       /* plus the number of the signal */
};

int cli_exit_status(enum conclave_err err);

/* One of the published codes of JSON: an error that is not among them goes by
 * the one that says the same to a script; its sentence says the rest. */
const char *cli_exit_code(enum conclave_err err);

/* For people; never NULL. */
const char *cli_exit_sentence(enum conclave_err err);

#endif
