/* From errors to exit codes and to the codes of JSON: two tables. */
#include "peer/cli/exit.h"

struct meaning {
    enum conclave_err shown; /* its code is the one JSON has */
    enum cli_exit status;
};

/* A switch without default, so that a new error has to be given a meaning. */
static struct meaning
meaning(enum conclave_err err)
{
    switch (err) {
    case CONCLAVE_ERR_OK:
        return (struct meaning){err, CLI_EXIT_DONE};
    case CONCLAVE_ERR_BAD_ARGUMENTS:
    case CONCLAVE_ERR_UNKNOWN_COMMAND:
        return (struct meaning){err, CLI_EXIT_USAGE};
    case CONCLAVE_ERR_NOT_LOGGED_IN:
    case CONCLAVE_ERR_WRONG_CREDENTIALS:
    case CONCLAVE_ERR_BLOCKED:
        return (struct meaning){err, CLI_EXIT_NOT_ADMITTED};
    case CONCLAVE_ERR_REVOKED:
    case CONCLAVE_ERR_LOCKED:
    case CONCLAVE_ERR_UNKNOWN_KEY:
        return (struct meaning){CONCLAVE_ERR_WRONG_CREDENTIALS, CLI_EXIT_NOT_ADMITTED};
    case CONCLAVE_ERR_NO_SUCH_USER:
    case CONCLAVE_ERR_NO_SUCH_ROOM:
        return (struct meaning){err, CLI_EXIT_NO_SUCH};
    case CONCLAVE_ERR_USER_OFFLINE:
        return (struct meaning){err, CLI_EXIT_NOT_DELIVERED};
    case CONCLAVE_ERR_REGISTRY_UNREACHABLE:
        return (struct meaning){err, CLI_EXIT_UNREACHABLE};
    case CONCLAVE_ERR_TIMEOUT:
        return (struct meaning){CONCLAVE_ERR_REGISTRY_UNREACHABLE, CLI_EXIT_UNREACHABLE};
    case CONCLAVE_ERR_REGISTRY_KEY_CHANGED:
    case CONCLAVE_ERR_PEER_KEY_CHANGED:
        return (struct meaning){err, CLI_EXIT_KEY_CHANGED};
    case CONCLAVE_ERR_FORBIDDEN:
    case CONCLAVE_ERR_NOT_A_MEMBER:
        return (struct meaning){err, CLI_EXIT_REFUSED};
    case CONCLAVE_ERR_REFUSED:
        return (struct meaning){CONCLAVE_ERR_FORBIDDEN, CLI_EXIT_REFUSED};
    case CONCLAVE_ERR_ALREADY_ONLINE:
    case CONCLAVE_ERR_NAME_TAKEN:
    case CONCLAVE_ERR_BAD_NAME:
    case CONCLAVE_ERR_WEAK_PASSWORD:
    case CONCLAVE_ERR_BUSY:
    case CONCLAVE_ERR_ROOM_EXISTS:
    case CONCLAVE_ERR_TOO_LARGE:
    case CONCLAVE_ERR_QUOTA_EXCEEDED:
    case CONCLAVE_ERR_VERSION_MISMATCH:
    case CONCLAVE_ERR_INTERNAL:
        return (struct meaning){err, CLI_EXIT_FAILED};
    case CONCLAVE_ERR_STORE_FULL:
        return (struct meaning){CONCLAVE_ERR_QUOTA_EXCEEDED, CLI_EXIT_FAILED};
    case CONCLAVE_ERR_SHORT:
    case CONCLAVE_ERR_TYPE:
    case CONCLAVE_ERR_RANGE:
    case CONCLAVE_ERR_TRAILING:
    case CONCLAVE_ERR_TEXT:
    case CONCLAVE_ERR_KIND:
    case CONCLAVE_ERR_SPACE:
    case CONCLAVE_ERR_SEAL:
    case CONCLAVE_ERR_SIGNATURE:
    case CONCLAVE_ERR_EXPIRED:
    case CONCLAVE_ERR_REPLAY:
    case CONCLAVE_ERR_NOT_FOUND:
    case CONCLAVE_ERR_STORE_DAMAGED:
    case CONCLAVE_ERR_STORE_IO:
    case CONCLAVE_ERR_IN_USE:
    case CONCLAVE_ERR_UNSAFE_FILE:
    case CONCLAVE_ERR_CONFIG:
    case CONCLAVE_ERR_SYSTEM:
        break;
    }
    return (struct meaning){CONCLAVE_ERR_INTERNAL, CLI_EXIT_FAILED};
}

static const struct {
    const char *code;
    const char *sentence;
} errors[] = {
#define ROW(name, code, sentence) [CONCLAVE_ERR_##name] = {code, sentence},
    CONCLAVE_ERRORS(ROW)
#undef ROW
};

int
cli_exit_status(enum conclave_err err)
{
    return (int)meaning(err).status;
}

const char *
cli_exit_code(enum conclave_err err)
{
    return errors[meaning(err).shown].code;
}

const char *
cli_exit_sentence(enum conclave_err err)
{
    const unsigned index = (unsigned)err;
    return errors[index < sizeof errors / sizeof *errors ? index : CONCLAVE_ERR_INTERNAL].sentence;
}
