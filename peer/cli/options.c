/* getopt_long over the fixed set of options. */
#include "peer/cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char cli_options_help[] =
    "usage: conclave [-r LINK] [-u NAME] [--password-file FILE | --password-fd N]\n"
    "                [--home DIR] [--listen HOST:PORT] [--log-file FILE] [--json]\n"
    "                [--plain] [--timeout S] [--help] [--version] [COMMAND [ARG]...]\n"
    "\n"
    "Talk to people, encrypted end to end.  Without COMMAND: a prompt, or with\n"
    "--json a session that reads commands from stdin, one a line.\n"
    "\n"
    "  -r, --registry LINK    invite link of the registry, conclave://HOST:PORT/#KEY;\n"
    "                         remembered, and found by itself for a conclaved that\n"
    "                         runs here under the same user\n"
    "  -u, --user NAME        the name to sign up or to enrol this device with\n"
    "      --password-file F  the password is the first line of this file\n"
    "      --password-fd N    the same, of this file descriptor\n"
    "                         (else CONCLAVE_PASSWORD, else the terminal is asked)\n"
    "      --home DIR         one directory for keys, state and config\n"
    "      --listen HOST:PORT where contacts reach this device; none: nowhere\n"
    "      --log-file FILE    append a log for debugging\n"
    "      --json             JSON lines on stdout\n"
    "      --plain            line by line, no escape sequences\n"
    "      --timeout S        seconds to wait for delivery or an answer (10)\n"
    "  -h, --help             this text\n"
    "  -V, --version          versions\n";

bool
cli_options_seconds(int *ms, const char *text)
{
    if (!isdigit((unsigned char)text[0]) && text[0] != '.')
        return false;
    char *end = NULL;
    errno = 0;
    const double seconds = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(seconds >= 0 && seconds <= 1000000))
        return false;
    *ms = (int)(seconds * 1000);
    return true;
}

static bool
read_descriptor(int *fd, const char *text)
{
    char *end = NULL;
    errno = 0;
    const long number = strtol(text, &end, 10);
    if (errno != 0 || !isdigit((unsigned char)text[0]) || *end != '\0' || number > 1 << 20)
        return false;
    *fd = (int)number;
    return true;
}

enum { PASSWORD_FILE = 256, PASSWORD_FD, HOME, LISTEN, LOG_FILE, JSON, PLAIN, TIMEOUT };

static const struct option longs[] = {
    {"registry", required_argument, NULL, 'r'},
    {"user", required_argument, NULL, 'u'},
    {"password-file", required_argument, NULL, PASSWORD_FILE},
    {"password-fd", required_argument, NULL, PASSWORD_FD},
    {"home", required_argument, NULL, HOME},
    {"listen", required_argument, NULL, LISTEN},
    {"log-file", required_argument, NULL, LOG_FILE},
    {"json", no_argument, NULL, JSON},
    {"plain", no_argument, NULL, PLAIN},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static bool
apply(struct cli_options *self, int option, const char *word, struct cli_buf *why)
{
    switch (option) {
    case 'r':
        self->link = optarg;
        return true;
    case 'u':
        self->user = optarg[0] == '@' ? optarg + 1 : optarg;
        return true; /* whether it is a name is for others to say */
    case PASSWORD_FILE:
        self->password_file = optarg;
        return true;
    case PASSWORD_FD:
        if (read_descriptor(&self->password_fd, optarg))
            return true;
        cli_buf_text(why, "--password-fd takes the number of an open file descriptor.");
        return false;
    case HOME:
        self->home = optarg;
        return true;
    case LISTEN:
        self->listen = optarg;
        return true;
    case LOG_FILE:
        self->log_file = optarg;
        return true;
    case JSON:
        self->json = true;
        return true;
    case PLAIN:
        self->plain = true;
        return true;
    case TIMEOUT:
        self->timeout_given = true;
        if (cli_options_seconds(&self->timeout_ms, optarg))
            return true;
        cli_buf_text(why, "--timeout takes a number of seconds, such as 10 or 0.5.");
        return false;
    case 'h':
        self->help = true;
        return true;
    case 'V':
        self->version = true;
        return true;
    case ':':
        cli_buf_format(why, "%s needs an argument.", word);
        return false;
    default:
        cli_buf_format(why, "There is no option %s.", word);
        return false;
    }
}

/* -d of who and the like belong to the command; these are ours wherever they
 * stand, save in the words of a message or a topic. */
static bool
take_late_options(struct cli_options *self, struct cli_buf *why)
{
    if (self->command_count > 0 && (strcmp(self->command[0], "send") == 0 || strcmp(self->command[0], "topic") == 0))
        return true;
    int kept = 0;
    for (int i = 0; i < self->command_count; i++) {
        char *word = self->command[i];
        if (strcmp(word, "--json") == 0) {
            self->json = true;
        } else if (strcmp(word, "--plain") == 0) {
            self->plain = true;
        } else if (strcmp(word, "--help") == 0) {
            self->help = true;
        } else if (strcmp(word, "--timeout") == 0 || strncmp(word, "--timeout=", 10) == 0) {
            optarg = word[9] == '=' ? word + 10 : i + 1 < self->command_count ? self->command[++i] : NULL;
            if (!apply(self, optarg != NULL ? TIMEOUT : ':', word, why))
                return false;
        } else {
            self->command[kept++] = word;
        }
    }
    self->command_count = kept;
    return true;
}

bool
cli_options_parse(struct cli_options *self, int argc, char **argv, struct cli_buf *why)
{
    *self = (struct cli_options){.password_fd = -1, .timeout_ms = CLI_TIMEOUT_DEFAULT_MS};
    optind = 0; /* glibc: start anew */
    opterr = 0;
    for (;;) {
        const int before = optind > 0 ? optind : 1;
        const int option = getopt_long(argc, argv, "+:r:u:hV", longs, NULL);
        if (option == -1)
            break;
        if (!apply(self, option, before < argc ? argv[before] : "", why))
            return false;
    }
    self->command_count = argc - optind;
    self->command = argv + optind;
    if (!take_late_options(self, why))
        return false;
    if (self->password_file != NULL && self->password_fd >= 0) {
        cli_buf_text(why, "Give --password-file or --password-fd, not both.");
        return false;
    }
    return true;
}
