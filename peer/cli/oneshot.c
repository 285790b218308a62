/* conclave COMMAND: open, do one thing, wait for what it promises, leave. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include "peer/cli/actions.h"
#include "peer/cli/signals.h"

#define ANSWER_MS 30000 /* the library answers by itself long before */
#define QUEUED_MS 10000 /* the disk takes milliseconds */
#define STDIN_MAX (1u << 20)

static uint64_t
after(const struct cli *cli, uint64_t least_ms)
{
    const uint64_t ms = (uint64_t)cli->options.timeout_ms;
    return cli_now_ms() + (ms > least_ms ? ms : least_ms);
}

static bool
interrupted(const struct cli *cli)
{
    return cli->broken || cli_signals_ended() != 0;
}

/* The text of `send NAME -`.  Before the home is opened: whoever types it may
 * take their time, and others may want the home. */
static bool
read_text(struct cli *cli, struct cli_buf *text, int *status)
{
    char bytes[16384];
    ssize_t got;
    while ((got = read(STDIN_FILENO, bytes, sizeof bytes)) > 0 && text->len <= STDIN_MAX)
        cli_buf_add(text, bytes, (size_t)got);
    if (text->len > 0 && text->at[text->len - 1] == '\n')
        text->at[--text->len] = '\0';
    if (text->len > 0 && text->at[text->len - 1] == '\r')
        text->at[--text->len] = '\0';
    enum conclave_err err = CONCLAVE_OK;
    if (got < 0)
        err = CONCLAVE_ERR_SYSTEM;
    else if (text->len > STDIN_MAX)
        err = CONCLAVE_ERR_TOO_LARGE;
    else if (text->len == 0 || strlen(text->at) != text->len || u8_check((const uint8_t *)text->at, text->len) != NULL)
        err = CONCLAVE_ERR_BAD_ARGUMENTS;
    if (err != CONCLAVE_OK)
        cli->face->failed(cli, cli->call.word.at, err,
                          err == CONCLAVE_ERR_BAD_ARGUMENTS ? "The text on stdin is empty, has NUL bytes or is not UTF-8." : "");
    cli->call.text = text->at;
    cli->call.text_len = text->len;
    *status = cli_exit_status(err);
    return err == CONCLAVE_OK;
}

/* A new device is enrolled first, when it was said as whom. */
static enum conclave_err
enrol(struct cli *cli)
{
    struct conclave_state state;
    conclave_get_state(cli->peer, &state);
    if (cli->call.command->need == CLI_NEEDS_NOTHING || state.enrolled || cli->options.user == NULL ||
        !cli->password.set)
        return CONCLAVE_OK;
    cli->login_first = true;
    cli->login = conclave_login(cli->peer, cli->options.user, cli->password.text);
    const uint64_t until = after(cli, ANSWER_MS);
    while (cli->login != 0 && cli_now_ms() < until && !interrupted(cli))
        (void)cli_turn(cli, until, -1);
    if (cli->login != 0 && !interrupted(cli)) {
        cli->login_err = CONCLAVE_ERR_REGISTRY_UNREACHABLE;
        cli->face->failed(cli, "login", cli->login_err, "");
    }
    return cli->login_err;
}

/* To forget a device the registry has to be told, so it is waited for; and it
 * is better told about a log-out.  Figures say more with a session. */
static void
log_in_first(struct cli *cli)
{
    struct conclave_state state;
    conclave_get_state(cli->peer, &state);
    const bool waits = cli->call.command->start == cli_action_logout || cli->call.command->start == cli_action_stats;
    if (!waits || !state.enrolled || state.logged_out)
        return;
    const uint64_t until = after(cli, 0);
    cli->login = conclave_login(cli->peer, NULL, NULL);
    while (cli->login != 0 && cli_now_ms() < until && !interrupted(cli))
        (void)cli_turn(cli, until, -1);
    cli->login = 0;
}

/* Whether the message has this tick or a later one. */
static bool
has_tick(struct cli *cli, enum conclave_tick tick)
{
    const struct cli_sent *const sent = cli_sent_find(cli, cli->answer_id, false);
    return sent != NULL && sent->queued && sent->tick >= tick;
}

static void
wait_for_tick(struct cli *cli, enum conclave_tick tick, uint64_t until_ms)
{
    const bool any = tick == CONCLAVE_TICK_QUEUED; /* that one comes from our own disk */
    while (!has_tick(cli, tick) && (any || cli->refusal == CONCLAVE_OK) && cli_now_ms() < until_ms && !interrupted(cli))
        (void)cli_turn(cli, until_ms, -1);
}

/* Why it is not there, and what happens next. */
static void
explain(struct cli *cli, struct cli_buf *text, bool room, bool kept)
{
    const double timeout_s = cli->options.timeout_ms / 1000.0;
    if (cli->refusal != CONCLAVE_OK)
        cli_buf_text(text, "conclave: not delivered; the message waits.\n");
    else if (room)
        cli_buf_format(text,
                       "conclave: not stored at the registry within %g s; the message waits, and goes out once "
                       "conclave runs here and reaches it.\n",
                       timeout_s);
    else if (kept)
        cli_buf_format(text,
                       "conclave: not delivered within %g s; the registry keeps the sealed message, and hands it "
                       "over once %s is online.\n",
                       timeout_s, cli->call.name);
    else
        cli_buf_format(text,
                       "conclave: not delivered within %g s; the message waits, and goes out once conclave runs "
                       "here and reaches the registry or %s.\n",
                       timeout_s, cli->call.name);
}

static void
report(struct cli *cli, bool there)
{
    const bool room = cli->answer_tick == CONCLAVE_TICK_STORED;
    const bool kept = has_tick(cli, CONCLAVE_TICK_STORED);
    struct cli_buf text = {0};
    if (room && cli->refusal != CONCLAVE_OK)
        return; /* it waits no more, and was said to */
    cli_buf_text(&text, there && !room ? "delivered\n" : kept ? "stored\n" : "queued\n");
    cli_print(cli, &text);
    cli_buf_clear(&text);
    if (!there) {
        explain(cli, &text, room, kept);
        cli_say(cli, &text);
    }
    cli_buf_wipe(&text);
}

static int
wait_for_delivery(struct cli *cli)
{
    wait_for_tick(cli, cli->answer_tick, after(cli, 0));
    const bool there = has_tick(cli, cli->answer_tick);
    if (!there) {
        /* Also without any time to wait: accepted means that it is on disk. */
        wait_for_tick(cli, CONCLAVE_TICK_QUEUED, cli_now_ms() + QUEUED_MS);
        if (!has_tick(cli, CONCLAVE_TICK_QUEUED)) {
            if (!interrupted(cli))
                cli_fail(cli, CONCLAVE_ERR_STORE_IO, "");
            return CLI_EXIT_FAILED;
        }
    }
    if (!cli->options.json)
        report(cli, there);
    if (!there && cli->refusal != CONCLAVE_OK)
        return cli_exit_status(cli->refusal);
    return there ? CLI_EXIT_DONE : CLI_EXIT_NOT_DELIVERED;
}

static int
receive(struct cli *cli)
{
    const uint64_t until = cli->options.timeout_given ? after(cli, 0) : UINT64_MAX;
    struct conclave_state state;
    conclave_get_state(cli->peer, &state);
    if (!state.enrolled) {
        cli_fail(cli, CONCLAVE_ERR_NOT_LOGGED_IN, "");
        return CLI_EXIT_NOT_ADMITTED;
    }
    cli->received_max = cli->call.number;
    cli_drain(cli);
    while (!cli->over && cli_now_ms() < until && !interrupted(cli))
        (void)cli_turn(cli, until, -1);
    const bool short_of = cli->received < cli->received_max;
    return short_of ? CLI_EXIT_NOT_DELIVERED : CLI_EXIT_DONE;
}

static int
run(struct cli *cli)
{
    const enum conclave_err err = enrol(cli);
    if (err != CONCLAVE_OK)
        return cli_exit_status(err);
    log_in_first(cli);
    if (interrupted(cli))
        return CLI_EXIT_FAILED;
    if (cli->call.command->start == cli_action_recv)
        return receive(cli);
    const uint64_t wait_ms = after(cli, ANSWER_MS) - cli_now_ms();
    cli_start(cli);
    /* asked_ms may grow: somebody took their time to type a room's password */
    while (cli->request != 0 && cli_now_ms() < cli->asked_ms + wait_ms && !interrupted(cli))
        (void)cli_turn(cli, cli->asked_ms + wait_ms, -1);
    if (cli->request != 0 && !interrupted(cli))
        cli_fail(cli, CONCLAVE_ERR_REGISTRY_UNREACHABLE, "");
    if (cli->answer_err == CONCLAVE_OK && cli->answer_id[0] != '\0')
        return wait_for_delivery(cli);
    return cli_exit_status(cli->answer_err);
}

/* The home may belong to somebody else than -u says. */
static bool
is_other_home(struct cli *cli, int *status)
{
    struct conclave_state state;
    conclave_get_state(cli->peer, &state);
    const struct cli_command *const command = cli->call.command;
    if (!state.enrolled || cli->options.user == NULL || command->start == cli_action_register ||
        command->start == cli_action_login || cli_same_name(state.name, cli->options.user))
        return false;
    cli_fail(cli, CONCLAVE_ERR_BAD_ARGUMENTS, "This home belongs to another account; give another --home.");
    *status = CLI_EXIT_USAGE;
    return true;
}

int
cli_oneshot(struct cli *cli)
{
    struct cli_buf why = {0}, text = {0};
    int status = CLI_EXIT_FAILED;
    cli->mode = CLI_ONESHOT;
    const enum conclave_err err =
        cli_commands_parse_words(&cli->call, cli->options.command_count, cli->options.command, &why);
    if (err != CONCLAVE_OK) {
        cli->face->failed(cli, cli->call.word.at, err, why.at);
        cli_buf_wipe(&why);
        return CLI_EXIT_USAGE;
    }
    const bool local = cli->call.command->start == cli_action_help || cli->call.command->start == cli_action_quit;
    if (local) {
        cli_start(cli);
        return cli_exit_status(cli->answer_err);
    }
    if (cli->call.from_stdin && !read_text(cli, &text, &status)) {
        cli_buf_wipe(&text);
        return cli_signals_ended() != 0 ? CLI_EXIT_SIGNAL + cli_signals_ended() : status;
    }
    if (cli_open(cli, cli->call.command->start != cli_action_recv, &status)) {
        if (!is_other_home(cli, &status))
            status = run(cli);
        cli_close(cli);
        if (cli_signals_ended() != 0)
            status = CLI_EXIT_SIGNAL + cli_signals_ended();
    }
    cli_buf_wipe(&text);
    return status;
}
