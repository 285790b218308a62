/* One run of the program: reads the command line and the secrets, and hands
 * over to a mode. */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host/descriptors.h"
#include "peer/cli/cli.h"
#include "peer/cli/signals.h"

static void
complain(const char *text)
{
    (void)fprintf(stderr, "conclave: %s\n", text); /* nobody is left to tell */
}

/* Without them the next files that are opened would have their numbers, and be
 * read as commands, or written over with messages. */
static bool
has_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        /* stdin: at its end; stdout: a write fails, as it would have; the
         * lowest number that is free is the one that is missing */
        if (open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    }
    return true;
}

/* Readline counts columns by the locale; without one, text is UTF-8 anyway. */
static void
use_utf8(void)
{
    (void)setlocale(LC_ALL, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)setlocale(LC_NUMERIC, "C");
}

static void
not_understood(struct cli *cli, int argc, char **argv, const char *why)
{
    for (int i = 1; i < argc && !cli->options.json; i++)
        cli->options.json = strcmp(argv[i], "--json") == 0; /* it may stand behind what is wrong */
    if (cli->options.json) {
        cli_face_json.failed(cli, "", CONCLAVE_ERR_BAD_ARGUMENTS, why);
        return;
    }
    complain(why);
    (void)fputs("Try: conclave --help\n", stderr); /* nobody is left to tell */
}

static int
show_help(const struct cli_options *options)
{
    struct cli_buf text = {0};
    const struct cli_command *command = NULL;
    if (options->command_count > 0)
        command = cli_commands_find(options->command[0], strlen(options->command[0]), false);
    if (command != NULL) {
        cli_commands_help_one(&text, command, false);
    } else {
        cli_buf_text(&text, cli_options_help);
        cli_buf_text(&text, "\nCommands:\n");
        cli_commands_help(&text, false);
        cli_buf_text(&text, "\nExit codes: 0 done (send: delivered; to a room: stored), 1 failed, 2 usage, 3 not\n"
                            "admitted, 4 no such user or room, 5 accepted but not delivered in time, 6 registry\n"
                            "unreachable, 7 a key changed, 8 refused by the other side. See conclave(1).\n");
    }
    const bool ok = fputs(text.at, stdout) >= 0 && fflush(stdout) == 0;
    cli_buf_wipe(&text);
    return ok ? CLI_EXIT_DONE : CLI_EXIT_FAILED;
}

static int
show_version(void)
{
    const bool ok = printf("conclave %s\n", conclave_version()) > 0 && fflush(stdout) == 0;
    return ok ? CLI_EXIT_DONE : CLI_EXIT_FAILED;
}

static bool
read_password(struct cli *cli, struct cli_buf *why)
{
    struct cli_buf warning = {0};
    bool ok;
    if (cli->options.password_fd >= 0)
        ok = cli_password_of_fd(&cli->password, cli->options.password_fd, why);
    else if (cli->options.password_file != NULL)
        ok = cli_password_of_file(&cli->password, cli->options.password_file, &warning, why);
    else
        ok = cli_password_of_environment(&cli->password, "CONCLAVE_PASSWORD", why);
    if (cli->password.text[0] == '\0')
        cli->password.set = false; /* an empty variable is none */
    if (warning.len > 0)
        complain(warning.at);
    cli_buf_wipe(&warning);
    return ok;
}

static int
run(struct cli *cli)
{
    struct cli_buf why = {0};
    int status = CLI_EXIT_USAGE;
    cli_signals_open();
    cli->face = cli->options.json ? &cli_face_json : &cli_face_text;
    cli->can_ask = cli_password_can_ask();
    if (!read_password(cli, &why))
        cli->face->failed(cli, "", CONCLAVE_ERR_BAD_ARGUMENTS, why.at);
    else if (cli->options.command_count > 0)
        status = cli_oneshot(cli);
    else
        status = cli_session(cli);
    cli_password_wipe(&cli->password);
    cli_password_wipe(&cli->new_password);
    cli_commands_wipe(&cli->call);
    cli_buf_wipe(&why);
    if (cli->broken && status == CLI_EXIT_DONE)
        status = CLI_EXIT_SIGNAL + SIGPIPE; /* as if it had ended us */
    return status;
}

int
cli_run(int argc, char **argv)
{
    struct cli cli = {.settle_ms = UINT64_MAX};
    struct cli_buf why = {0};
    const struct rlimit none = {0, 0};
    if (!has_standard_descriptors())
        return CLI_EXIT_FAILED;
    use_utf8();
    (void)host_descriptors_raise(); /* each member of a mesh is a connection; without it, there are fewer */
    (void)setrlimit(RLIMIT_CORE, &none); /* secrets do not go into core dumps; without it, they might */
    const bool understood = cli_options_parse(&cli.options, argc, argv, &why);
    if (!understood)
        not_understood(&cli, argc, argv, why.at);
    cli_buf_wipe(&why);
    if (!understood)
        return CLI_EXIT_USAGE;
    if (cli.options.help)
        return show_help(&cli.options);
    if (cli.options.version)
        return show_version();
    return run(&cli);
}
