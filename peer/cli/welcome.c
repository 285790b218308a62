/* Questions, asked one after the other until they have an answer that works. */
#include "peer/cli/welcome.h"

#include <stdio.h>
#include <string.h>

#include "peer/cli/signals.h"

#define ANSWER_MS 60000

static void
say(struct cli *cli, const char *text)
{
    struct cli_buf line = {0};
    cli_buf_text(&line, text);
    cli_print(cli, &line);
    cli_buf_wipe(&line);
}

/* The link goes with the opening of a home, so the home is opened once more. */
static bool
ask_link(struct cli *cli, int *status)
{
    static char link[512]; /* options borrow it, as they borrow argv */
    struct conclave_state state;
    conclave_get_state(cli->peer, &state);
    if (state.link[0] != '\0')
        return true;
    say(cli, "Conclave needs the invite link of a registry. Whoever runs it has the link: conclaved prints it.\n");
    while (cli_signals_ended() == 0) {
        struct cli_buf line = {0};
        const bool got = cli_password_ask_line(&line, "Invite link: ");
        const bool fits = got && line.len > 0 && line.len < sizeof link;
        if (fits)
            memcpy(link, line.at, line.len + 1);
        cli_buf_wipe(&line);
        if (!got)
            break;
        if (!fits)
            continue;
        if (cli->peer != NULL)
            cli_close(cli);
        cli->options.link = link;
        if (cli_open(cli, false, status)) {
            *status = CLI_EXIT_DONE; /* whatever an earlier link ended with */
            return true;
        } /* else it has said why */
    }
    return false;
}

static bool
wait_for_answer(struct cli *cli)
{
    const uint64_t until = cli_now_ms() + ANSWER_MS;
    while (cli->request != 0 && cli_now_ms() < until && cli_signals_ended() == 0 && !cli->broken)
        (void)cli_turn(cli, until, -1);
    if (cli->request != 0)
        cli_fail(cli, CONCLAVE_ERR_REGISTRY_UNREACHABLE, "");
    return cli->answer_err == CONCLAVE_OK;
}

static bool
ask_account(struct cli *cli)
{
    const char *const given = cli->options.user;
    bool understood = true;
    while (cli_signals_ended() == 0 && !cli->broken) {
        struct cli_buf line = {0}, why = {0};
        if (!cli_password_ask_line(&line, understood ? "Sign up, or log in to an account you have? [S/l] "
                                                     : "Answer s to sign up, or l to log in; ^D leaves. [S/l] ")) {
            cli_buf_wipe(&line);
            return false;
        }
        const char answer = line.at[0];
        const bool login = answer == 'l' || answer == 'L';
        cli_buf_wipe(&line);
        understood = login || answer == 's' || answer == 'S' || answer == '\0';
        if (!understood)
            continue; /* asked again */
        const char *const command = login ? "/login" : "/register";
        const enum conclave_err err = cli_commands_parse_line(&cli->call, command, strlen(command), NULL, &why);
        cli_buf_wipe(&why);
        if (err == CONCLAVE_OK)
            cli_start(cli);
        const bool ok = cli->request != 0 && wait_for_answer(cli);
        cli_commands_wipe(&cli->call);
        if (ok)
            return true;
        cli_password_wipe(&cli->password);
        cli->options.user = given;
    }
    return false;
}

bool
cli_welcome(struct cli *cli, int *status)
{
    struct conclave_state state;
    *status = CLI_EXIT_DONE;
    if (!ask_link(cli, status))
        return false;
    conclave_get_state(cli->peer, &state);
    if (state.enrolled || (cli->options.user != NULL && cli->password.set))
        return true;
    return ask_account(cli);
}
