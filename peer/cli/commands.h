/* Every command there is, in one table: the parser, the help, the manual page
 * and the completion of shells are made from it or tested against it. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg/error.h"
#include "peer/cli/buf.h"

struct cli;
struct cli_call;

/* What has to be there before a command is started. */
enum cli_need {
    CLI_NEEDS_NOTHING,
    CLI_NEEDS_ACCOUNT, /* this device is enrolled */
    CLI_NEEDS_TRY,     /* enrolled, and better logged in, but works without */
    CLI_NEEDS_ONLINE   /* logged in */
};

enum cli_where {
    CLI_AS_COMMAND = 1, /* conclave COMMAND */
    CLI_AS_SLASH = 2,   /* /COMMAND in the prompt and with --json */
    CLI_ANYWHERE = 3
};

struct cli_command {
    const char *name;
    const char *aliases;  /* further names after a slash, between spaces; "" */
    const char *synopsis; /* of its arguments */
    const char *summary;  /* one line */
    const char *help;     /* the sentences of `help COMMAND` */
    const char *example;
    enum cli_where where;
    enum cli_need need;
    bool (*parse)(struct cli_call *call);
    /* Starts it: the number of the request, or 0 when it was answered. */
    uint64_t (*start)(struct cli *cli, struct cli_call *call);
};

#define CLI_WORDS_MAX 6

/* A command that was understood.  Owns its texts. */
struct cli_call {
    const struct cli_command *command;
    struct cli_buf word; /* its name as it was called, in small letters */
    struct cli_buf line; /* what came after it; words are cut out of it */
    const char *words[CLI_WORDS_MAX];
    size_t words_count; /* may be CLI_WORDS_MAX + 1: too many */
    bool as_slash;
    /* what the words mean */
    const char *name;    /* without its @; NULL: none.  send, msg, chat: a #ROOM, too */
    struct cli_buf room; /* with its #, also where it was left out; empty: none */
    struct cli_buf topic; /* of the room that was joined, once an event has told */
    const char *file;    /* --password-file of a room; NULL: none */
    bool history;        /* create --history */
    int watch;           /* rooms --watch: 1; --no-watch: -1 */
    const char *text;
    size_t text_len;
    bool from_stdin; /* the text is to be read from there */
    bool flag;       /* who -d, rooms -d, logout --forget, devices revoke, create --private */
    uint64_t number; /* recv --count, devices revoke */
};

extern const struct cli_command cli_commands[];
extern const size_t cli_commands_count;

/* NULL: none of that name there.  Case does not count. */
const struct cli_command *cli_commands_find(const char *name, size_t len, bool as_slash);

/* The name that is nearest to a mistyped one; NULL when none is near. */
const char *cli_commands_nearest(const char *name, bool as_slash);

/* Of a line such as "/msg bob hi", "@bob hi", or plain text where `focus` (may
 * be NULL) is whom the chat is with.  UNKNOWN_COMMAND, BAD_ARGUMENTS: `why` is
 * a sentence, and call->word the name for the answer. */
enum conclave_err cli_commands_parse_line(struct cli_call *call, const char *line, size_t len, const char *focus,
                                          struct cli_buf *why);

/* Of the words of a command line. */
enum conclave_err cli_commands_parse_words(struct cli_call *call, int count, char **words, struct cli_buf *why);

void cli_commands_usage(struct cli_buf *out, const struct cli_command *command, bool as_slash);
void cli_commands_index(struct cli_buf *out);               /* by topic, with a slash; fits any terminal */
void cli_commands_help(struct cli_buf *out, bool as_slash); /* a line about each */
void cli_commands_help_one(struct cli_buf *out, const struct cli_command *command, bool as_slash);
void cli_commands_wipe(struct cli_call *call);

#endif
