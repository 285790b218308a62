/* The options of the command line, and where the command begins. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

#include "peer/cli/buf.h"

#define CLI_TIMEOUT_DEFAULT_MS 10000

/* Texts are borrowed from argv. */
struct cli_options {
    const char *link;
    const char *user; /* without a leading @ */
    const char *password_file;
    int password_fd; /* -1: none */
    const char *home;
    const char *listen;
    const char *log_file;
    bool json;
    bool plain;
    bool timeout_given;
    int timeout_ms;
    bool help;
    bool version;
    int command_count; /* words of the command; 0: none */
    char **command;
};

/* False for wrong usage: `why` is a sentence.  Reorders nothing: the first
 * word that is no option begins the command. */
bool cli_options_parse(struct cli_options *self, int argc, char **argv, struct cli_buf *why);

/* The usage and what each option does, as --help prints it. */
extern const char cli_options_help[];

/* Seconds with a fraction to milliseconds; false when text is not that. */
bool cli_options_seconds(int *ms, const char *text);

#endif
