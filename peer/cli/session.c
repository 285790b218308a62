/* A session: commands one after the other, from a pipe or from the prompt, with
 * events between them.  The next command starts when the last was answered, so
 * answers come in the order of the commands. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer/cli/cli.h"
#include "peer/cli/prompt.h"
#include "peer/cli/signals.h"
#include "peer/cli/welcome.h"

#define AHEAD_BYTES 65536u /* what is read before it is its turn */
#define LINE_BYTES 131072u /* no command is longer */
#define END_MS 2500u       /* after the end of stdin, for the answers that are due */
#define LINGER_MS 500u     /* for a message just accepted to reach the other side */
#define RETRY_MS 3000u     /* between attempts to enrol */

struct input {
    struct cli_buf bytes;
    char delimiter; /* after each line: a newline, or a NUL from the prompt */
    bool ended;
    bool skipping;  /* to the end of a line that is too long */
    uint64_t ended_ms;
};

/* Takes the next line; false when there is none yet. */
static bool
take_line(struct input *input, struct cli_buf *line)
{
    const char *const at = input->bytes.at;
    const char *const end = input->bytes.len > 0 ? memchr(at, input->delimiter, input->bytes.len) : NULL;
    if (end == NULL && !(input->ended && input->bytes.len > 0))
        return false;
    const size_t len = end != NULL ? (size_t)(end - at) : input->bytes.len;
    cli_buf_clear(line);
    cli_buf_add(line, at, len);
    cli_buf_drop(&input->bytes, end != NULL ? len + 1 : len);
    return true;
}

static void
read_more(struct cli *cli, struct input *input)
{
    char bytes[16384];
    if (cli->mode == CLI_PROMPT) {
        cli_prompt_read(cli);
        return;
    }
    const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
        input->ended = true;
    if (got <= 0)
        return;
    const char *at = bytes;
    size_t len = (size_t)got;
    if (input->skipping) {
        const char *const end = memchr(at, '\n', len);
        if (end == NULL)
            return;
        len -= (size_t)(end + 1 - at);
        at = end + 1;
        input->skipping = false;
    }
    cli_buf_add(&input->bytes, at, len);
}

static bool
is_blank(const struct cli_buf *line)
{
    return line->len == 0 || line->at[strspn(line->at, " \t\r")] == '\0';
}

/* The registry may be there, and slow on purpose with whoever asks much. */
static enum conclave_err
too_late(const struct cli *cli)
{
    return cli->online ? CONCLAVE_ERR_BUSY : CONCLAVE_ERR_REGISTRY_UNREACHABLE;
}

static void
run_line(struct cli *cli, const struct cli_buf *line, bool refuse)
{
    struct cli_buf why = {0};
    if (is_blank(line) && strlen(line->at) == line->len)
        return;
    cli_commands_wipe(&cli->call);
    const enum conclave_err err = cli_commands_parse_line(&cli->call, line->at, line->len, cli->focus, &why);
    if (err != CONCLAVE_OK)
        cli_fail(cli, err, why.at);
    else if (refuse)
        cli_fail(cli, too_late(cli), "The session ended before this could be done.");
    else
        cli_start(cli);
    cli_buf_wipe(&why);
}

static bool
is_busy(const struct cli *cli)
{
    return cli->request != 0 || (cli->login != 0 && cli->login_first);
}

static void
run_lines(struct cli *cli, struct input *input)
{
    struct cli_buf line = {0};
    while (!cli->over && !is_busy(cli) && take_line(input, &line))
        run_line(cli, &line, false);
    cli_buf_wipe(&line);
    if (input->bytes.len <= LINE_BYTES || memchr(input->bytes.at, input->delimiter, input->bytes.len) != NULL)
        return;
    cli_commands_wipe(&cli->call);
    cli_buf_add(&cli->call.word, "", 0);
    cli_fail(cli, CONCLAVE_ERR_TOO_LARGE, "");
    cli_buf_clear(&input->bytes);
    input->skipping = true;
}

/* Everything that was asked gets its one answer, also when there is no time
 * left to find out a better one. */
static void
give_up(struct cli *cli, struct input *input)
{
    struct cli_buf line = {0};
    if (cli->request != 0)
        cli_fail(cli, too_late(cli), "The session ended before an answer came.");
    while (take_line(input, &line))
        run_line(cli, &line, true);
    cli_buf_wipe(&line);
}

/* The last message may still be on its way to somebody who is there. */
static uint64_t
linger_until(struct cli *cli)
{
    const struct cli_sent *const sent = cli_sent_find(cli, cli->answer_id, false);
    if (sent == NULL || sent->tick >= cli->answer_tick)
        return 0;
    return cli->answered_ms + LINGER_MS;
}

/* With a name and a password the device is enrolled where it is not yet; one
 * that was logged out on purpose logs in again because both were given. */
static void
log_in(struct cli *cli)
{
    struct conclave_state state;
    conclave_get_state(cli->peer, &state);
    const bool given = cli->options.user != NULL && cli->password.set;
    if (cli->was_in || (!given && (!state.enrolled || state.logged_out)))
        return;
    cli->login_first = given && (!state.enrolled || state.logged_out);
    cli->login = conclave_login(cli->peer, cli->options.user, given ? cli->password.text : NULL);
}

static bool
worth_another(enum conclave_err err)
{
    return err == CONCLAVE_ERR_REGISTRY_UNREACHABLE || err == CONCLAVE_ERR_BUSY || err == CONCLAVE_ERR_TIMEOUT;
}

/* When the next attempt to enrol is due: commands need not wait for that one. */
static uint64_t
retry_login(struct cli *cli, uint64_t at_ms)
{
    struct conclave_state state;
    if (cli->login != 0 || cli->was_in || !cli->login_first || !worth_another(cli->login_err))
        return UINT64_MAX;
    const uint64_t now = cli_now_ms();
    if (at_ms == UINT64_MAX)
        return now + (cli->retry_ms > RETRY_MS ? cli->retry_ms : RETRY_MS);
    if (now < at_ms)
        return at_ms;
    conclave_get_state(cli->peer, &state);
    if (!state.enrolled && cli->options.user != NULL && cli->password.set)
        cli->login = conclave_login(cli->peer, cli->options.user, cli->password.text);
    return UINT64_MAX;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ^C takes away what is being typed; where there is nothing it ends. */
static bool
is_ended(const struct cli *cli)
{
    if (cli->mode == CLI_PROMPT && cli_signals_ended() == SIGINT && cli_prompt_clear())
        cli_signals_forget(SIGINT);
    return cli_signals_ended() != 0;
}

static void
loop(struct cli *cli, struct input *input)
{
    uint64_t retry_ms = UINT64_MAX;
    while (!cli->over && !is_ended(cli)) {
        run_lines(cli, input);
        if (cli->over)
            break;
        uint64_t until = retry_ms = retry_login(cli, retry_ms);
        if (input->ended) {
            const uint64_t now = cli_now_ms();
            if (input->ended_ms == 0)
                input->ended_ms = now;
            if (now >= input->ended_ms + END_MS) {
                give_up(cli, input);
                break;
            }
            if (!is_busy(cli)) {
                until = linger_until(cli);
                if (now >= until)
                    break;
            }
            until = sooner(until, input->ended_ms + END_MS);
        }
        const bool wants = !input->ended && input->bytes.len < (is_busy(cli) ? AHEAD_BYTES : LINE_BYTES + 1);
        if (cli_turn(cli, until, wants ? STDIN_FILENO : -1))
            read_more(cli, input);
    }
}

int
cli_session(struct cli *cli)
{
    struct input input = {.delimiter = '\n'};
    int status = CLI_EXIT_DONE;
    const char *const term = getenv("TERM");
    const bool dumb = term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;
    const bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    cli->mode = terminal && !dumb && !cli->options.plain && !cli->options.json ? CLI_PROMPT : CLI_LINES;
    if (!cli_open(cli, false, &status))
        return status;
    const bool welcome = cli->can_ask && isatty(STDIN_FILENO) && !cli->options.json;
    const bool ready = !welcome || cli_welcome(cli, &status);
    if (ready) {
        if (cli->mode == CLI_PROMPT) {
            input.delimiter = '\0';
            cli_prompt_open(cli, &input.bytes, &input.ended);
        }
        log_in(cli);
        loop(cli, &input);
        if (cli->mode == CLI_PROMPT)
            cli_prompt_close(cli);
        if (!cli->was_in && (cli->login_first || cli->login_err != CONCLAVE_ERR_REGISTRY_UNREACHABLE))
            status = cli_exit_status(cli->login_err);
    }
    cli_close(cli);
    cli_commands_wipe(&cli->call);
    cli_buf_wipe(&input.bytes);
    if (cli_signals_ended() != 0)
        status = CLI_EXIT_SIGNAL + cli_signals_ended();
    return status;
}
