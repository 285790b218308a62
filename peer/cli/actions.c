/* From a call that was understood to a request of the library. */
#include "peer/cli/actions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
cli_actions_ask_secret(struct cli *cli, struct cli_secret *secret, const char *question, bool twice)
{
    if (!cli->can_ask)
        return false;
    if (cli->pause != NULL)
        cli->pause(true);
    const bool ok = twice ? cli_password_ask_twice(secret, question) : cli_password_ask(secret, question);
    if (cli->pause != NULL)
        cli->pause(false);
    return ok;
}

static bool
ask_line(struct cli *cli, struct cli_buf *line, const char *question)
{
    if (!cli->can_ask)
        return false;
    if (cli->pause != NULL)
        cli->pause(true);
    const bool ok = cli_password_ask_line(line, question);
    if (cli->pause != NULL)
        cli->pause(false);
    return ok;
}

bool
cli_actions_credentials(struct cli *cli, bool fresh)
{
    static char asked[129]; /* options borrow it, as they borrow argv */
    if (cli->options.user == NULL) {
        struct cli_buf line = {0};
        const bool ok = ask_line(cli, &line, "Name: ") && line.len > 0 && line.len < sizeof asked;
        if (ok) {
            const char *const name = line.at[0] == '@' ? line.at + 1 : line.at;
            memcpy(asked, name, strlen(name) + 1);
            cli->options.user = asked;
        }
        cli_buf_wipe(&line);
        if (!ok) {
            cli_fail(cli, CONCLAVE_ERR_BAD_ARGUMENTS, "A name is needed: give it with -u NAME.");
            return false;
        }
    }
    if (!cli->password.set && !cli_actions_ask_secret(cli, &cli->password, "Password: ", fresh)) {
        cli_fail(cli, CONCLAVE_ERR_BAD_ARGUMENTS,
                 "A password is needed: give it with --password-file, --password-fd or CONCLAVE_PASSWORD.");
        return false;
    }
    return true;
}

static struct conclave_state
state_of(const struct cli *cli)
{
    struct conclave_state state;
    conclave_get_state(cli->peer, &state);
    return state;
}

uint64_t
cli_action_register(struct cli *cli, struct cli_call *call)
{
    (void)call;
    /* In a session the library says so: it knows what was deleted just now. */
    if (cli->mode == CLI_ONESHOT && state_of(cli).enrolled) {
        cli_fail(cli, CONCLAVE_ERR_ALREADY_ONLINE,
                 "This home has an account already; use another --home, or logout --forget first.");
        return 0;
    }
    if (!cli_actions_credentials(cli, true))
        return 0;
    return conclave_register(cli->peer, cli->options.user, cli->password.text);
}

uint64_t
cli_action_login(struct cli *cli, struct cli_call *call)
{
    (void)call;
    /* `login` of a script succeeds also when the key was faster. */
    if (cli->online && cli->mode != CLI_ONESHOT) {
        cli_fail(cli, CONCLAVE_ERR_ALREADY_ONLINE, "");
        return 0;
    }
    const bool given = cli->options.user != NULL && cli->password.set;
    if (!given && state_of(cli).enrolled)
        return conclave_login(cli->peer, cli->options.user, NULL);
    if (!given && !cli_actions_credentials(cli, false))
        return 0;
    return conclave_login(cli->peer, cli->options.user, cli->password.text);
}

uint64_t
cli_action_logout(struct cli *cli, struct cli_call *call)
{
    return conclave_logout(cli->peer, call->flag);
}

uint64_t
cli_action_passwd(struct cli *cli, struct cli_call *call)
{
    (void)call;
    struct cli_buf why = {0};
    if (!cli->password.set && !cli_actions_ask_secret(cli, &cli->password, "Password: ", false)) {
        cli_fail(cli, CONCLAVE_ERR_BAD_ARGUMENTS,
                 "The old password is needed: give it with --password-file, --password-fd or CONCLAVE_PASSWORD.");
        return 0;
    }
    bool ok = cli_password_of_environment(&cli->new_password, "CONCLAVE_NEW_PASSWORD", &why);
    if (ok && !cli->new_password.set) {
        if (cli->mode == CLI_ONESHOT && !isatty(STDIN_FILENO))
            ok = cli_password_of_fd(&cli->new_password, STDIN_FILENO, &why);
        else
            ok = cli_actions_ask_secret(cli, &cli->new_password, "New password: ", true);
    }
    if (!ok) {
        cli_fail(cli, CONCLAVE_ERR_BAD_ARGUMENTS,
                 why.len > 0 ? why.at : "The new password is needed: give it in CONCLAVE_NEW_PASSWORD.");
        cli_buf_wipe(&why);
        return 0;
    }
    return conclave_passwd(cli->peer, cli->password.text, cli->new_password.text);
}

uint64_t
cli_action_passphrase(struct cli *cli, struct cli_call *call)
{
    (void)call;
    struct cli_buf why = {0};
    struct cli_secret secret = {0};
    bool ok = cli_password_of_environment(&secret, "CONCLAVE_NEW_PASSPHRASE", &why);
    if (ok && !secret.set)
        ok = cli_actions_ask_secret(cli, &secret, "New passphrase (empty: none): ", true);
    if (!ok) {
        cli_fail(cli, CONCLAVE_ERR_BAD_ARGUMENTS,
                 why.len > 0 ? why.at : "The new passphrase is needed: give it in CONCLAVE_NEW_PASSPHRASE.");
    } else {
        const enum conclave_err err = conclave_set_passphrase(cli->peer, secret.text);
        if (err != CONCLAVE_OK)
            cli_fail(cli, err, "");
        else
            cli_done(cli, secret.text[0] != '\0' ? "The key file is locked with the passphrase."
                                                 : "The key file has no passphrase.");
    }
    cli_password_wipe(&secret);
    cli_buf_wipe(&why);
    return 0;
}

uint64_t
cli_action_devices(struct cli *cli, struct cli_call *call)
{
    return call->flag ? conclave_revoke(cli->peer, call->number) : conclave_devices(cli->peer);
}

uint64_t
cli_action_delete_account(struct cli *cli, struct cli_call *call)
{
    (void)call;
    const struct conclave_state state = state_of(cli);
    if (cli->can_ask && state.enrolled && !cli->options.json && isatty(STDIN_FILENO)) {
        struct cli_buf line = {0};
        const bool ok = ask_line(cli, &line, "This deletes your account for good. Type its name to go on: ") &&
                        strcmp(line.at, state.name) == 0;
        cli_buf_wipe(&line);
        if (!ok) {
            cli_fail(cli, CONCLAVE_ERR_BAD_ARGUMENTS, "That is not its name; nothing was deleted.");
            return 0;
        }
    }
    return conclave_delete_account(cli->peer);
}

uint64_t
cli_action_who(struct cli *cli, struct cli_call *call)
{
    return conclave_list(cli->peer, call->flag);
}

uint64_t
cli_action_search(struct cli *cli, struct cli_call *call)
{
    return conclave_search(cli->peer, call->name);
}

uint64_t
cli_action_send(struct cli *cli, struct cli_call *call)
{
    return conclave_send(cli->peer, call->name, call->text, call->text_len);
}

uint64_t
cli_action_chat(struct cli *cli, struct cli_call *call)
{
    const char *const name = call->name != NULL ? call->name : "";
    if (strlen(name) >= sizeof cli->focus) {
        cli_fail(cli, CONCLAVE_ERR_BAD_NAME, "");
        return 0;
    }
    memcpy(cli->focus, name, strlen(name) + 1);
    struct cli_buf text = {0};
    if (name[0] != '\0')
        cli_buf_format(&text, "Plain lines go to %s now; /chat ends that.", name);
    else
        cli_buf_text(&text, "Plain lines go nowhere now.");
    cli_done(cli, text.at);
    cli_buf_wipe(&text);
    return 0;
}

uint64_t
cli_action_recv(struct cli *cli, struct cli_call *call)
{
    (void)call; /* as a command: cli_oneshot waits for them */
    cli_done(cli, "Messages are shown as they come.");
    return 0;
}

uint64_t
cli_action_block(struct cli *cli, struct cli_call *call)
{
    return conclave_block(cli->peer, call->name, true);
}

uint64_t
cli_action_unblock(struct cli *cli, struct cli_call *call)
{
    return conclave_block(cli->peer, call->name, false);
}

uint64_t
cli_action_trust(struct cli *cli, struct cli_call *call)
{
    return conclave_trust(cli->peer, call->name);
}

uint64_t
cli_action_away(struct cli *cli, struct cli_call *call)
{
    (void)call;
    return conclave_set_away(cli->peer, true);
}

uint64_t
cli_action_back(struct cli *cli, struct cli_call *call)
{
    (void)call;
    return conclave_set_away(cli->peer, false);
}

uint64_t
cli_action_stats(struct cli *cli, struct cli_call *call)
{
    (void)call;
    return conclave_stats(cli->peer);
}

uint64_t
cli_action_help(struct cli *cli, struct cli_call *call)
{
    const bool as_slash = cli->mode != CLI_ONESHOT;
    struct cli_buf text = {0};
    if (call->name == NULL && as_slash) {
        cli_commands_index(&text);
    } else if (call->name == NULL || strcmp(call->name, "all") == 0) {
        cli_commands_help(&text, as_slash);
    } else {
        const struct cli_command *command = cli_commands_find(call->name, strlen(call->name), as_slash);
        if (command == NULL)
            command = cli_commands_find(call->name, strlen(call->name), !as_slash);
        if (command == NULL) {
            cli_buf_format(&text, "There is no command %s to explain; %shelp lists them.", call->name, as_slash ? "/" : "");
            cli_fail(cli, CONCLAVE_ERR_UNKNOWN_COMMAND, text.at);
            cli_buf_wipe(&text);
            return 0;
        }
        cli_commands_help_one(&text, command, as_slash);
    }
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.at[--text.len] = '\0';
    cli_done(cli, text.at);
    cli_buf_wipe(&text);
    return 0;
}

uint64_t
cli_action_quit(struct cli *cli, struct cli_call *call)
{
    (void)call;
    cli_done(cli, "");
    cli->over = true;
    return 0;
}
