/* Opening and closing the peer, starting commands, and routing every event to
 * the command it answers or to the face that shows it. */
#include "peer/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistd.h>

#include "peer/cli/actions.h"
#include "peer/cli/names.h"
#include "peer/cli/signals.h"

static uint64_t
clock_ms(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now); /* both clocks exist everywhere */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
cli_now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

uint64_t
cli_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

/* All of it, in as few writes as can be; a signal that ends the program also
 * ends the wait for a reader who does not read. */
static bool
write_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        const ssize_t done = write(fd, at, len);
        if (done >= 0) {
            at += done;
            len -= (size_t)done;
        } else if (errno == EAGAIN) {
            struct pollfd out[2] = {{fd, POLLOUT, 0}, {cli_signals_fd(), POLLIN, 0}};
            (void)poll(out, 2, -1); /* whatever it says, write says it again */
            if (cli_signals_ended() != 0)
                return false;
        } else if (errno != EINTR || cli_signals_ended() != 0) {
            return false;
        }
    }
    return true;
}

void
cli_print(struct cli *cli, const struct cli_buf *text)
{
    if (cli->broken || text->len == 0)
        return;
    if (cli->hide != NULL)
        cli->hide();
    if (!write_all(STDOUT_FILENO, text->at, text->len)) {
        cli->broken = true;
        cli->over = true;
    }
}

void
cli_show(struct cli *cli, const struct cli_buf *text)
{
    long done = -1;
    if (cli->broken)
        return;
    if (cli->hide != NULL)
        cli->hide();
    do
        done = conclave_show(cli->peer, STDOUT_FILENO, text->at, text->len);
    while (done < 0 && errno == EINTR && cli_signals_ended() == 0);
    if (done < 0)
        cli->broken = cli->over = true;
}

void
cli_say(struct cli *cli, const struct cli_buf *text)
{
    if (cli->mode == CLI_PROMPT) {
        cli_print(cli, text);
        return;
    }
    if (!write_all(STDERR_FILENO, text->at, text->len))
        cli_log(cli, "STDERR-GONE a message could not be written");
}

void
cli_log(const struct cli *cli, const char *format, ...)
{
    if (cli->options.log_file == NULL)
        return;
    const int fd = open(cli->options.log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return; /* cli_open has said so */
    char line[512], stamp[40] = "";
    const time_t now = (time_t)(cli_wall_ms() / 1000);
    struct tm tm;
    if (gmtime_r(&now, &tm) != NULL)
        (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm); /* fits */
    int len = snprintf(line, sizeof line, "%s conclave[%ld] debug ", stamp, (long)getpid());
    va_list args;
    va_start(args, format);
    if (len > 0 && (size_t)len < sizeof line)
        len += vsnprintf(line + len, sizeof line - (size_t)len, format, args);
    va_end(args);
    if (len > 0) {
        const size_t end = (size_t)len < sizeof line - 1 ? (size_t)len : sizeof line - 2;
        line[end] = '\n';
        if (!write_all(fd, line, end + 1))
            errno = 0; /* a log that cannot be written is no reason to stop */
    }
    (void)close(fd);
}

bool
cli_same_name(const char *a, const char *b)
{
    int order = 1;
    if (u8_casecmp((const uint8_t *)a, strlen(a), (const uint8_t *)b, strlen(b), NULL, UNINORM_NFKC, &order) != 0)
        return false;
    return order == 0;
}

struct cli_sent *
cli_sent_find(struct cli *cli, const char *id, bool add)
{
    for (size_t i = 0; i < CLI_SENT_MAX; i++)
        if (id[0] != '\0' && strcmp(cli->sent[i].id, id) == 0)
            return &cli->sent[i];
    if (!add)
        return NULL;
    /* The oldest goes. */
    memmove(cli->sent + 1, cli->sent, sizeof cli->sent - sizeof *cli->sent);
    cli->sent[0] = (struct cli_sent){0};
    memcpy(cli->sent[0].id, id, sizeof cli->sent[0].id);
    return &cli->sent[0];
}

static bool
log_file_works(struct cli *cli)
{
    if (cli->options.log_file == NULL)
        return true;
    const int fd = open(cli->options.log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd >= 0) {
        (void)close(fd);
        return true;
    }
    struct cli_buf text = {0};
    cli_buf_format(&text, "The log file %s cannot be opened: %s.", cli->options.log_file, strerror(errno));
    cli->face->failed(cli, cli->call.word.at != NULL ? cli->call.word.at : "", CONCLAVE_ERR_BAD_ARGUMENTS, text.at);
    cli_buf_wipe(&text);
    return false;
}

bool
cli_open(struct cli *cli, bool hold, int *status)
{
    const char *const word = cli->call.word.at != NULL ? cli->call.word.at : "";
    struct cli_secret passphrase = {0};
    struct conclave_options options = {
        .home = cli->options.home,
        .link = cli->options.link,
        .listen = cli->options.listen,
        .log_file = cli->options.log_file,
        .hold_messages = hold,
    };
    if (!log_file_works(cli)) {
        *status = CLI_EXIT_FAILED;
        return false;
    }
    cli->holds = hold;
    enum conclave_err err = conclave_open(&cli->peer, &options);
    while (err == CONCLAVE_ERR_LOCKED && cli->can_ask &&
           cli_password_ask(&passphrase, "Passphrase of the key file: ")) {
        options.passphrase = passphrase.text;
        err = conclave_open(&cli->peer, &options);
    }
    cli_password_wipe(&passphrase);
    if (err == CONCLAVE_OK) {
        struct conclave_state state;
        conclave_get_state(cli->peer, &state);
        memcpy(cli->name, state.name, sizeof cli->name);
        return true;
    }
    cli_log(cli, "OPEN-FAILED %s", cli_exit_code(err));
    cli->face->failed(cli, word, err, conclave_why());
    *status = cli_signals_ended() != 0 ? CLI_EXIT_SIGNAL + cli_signals_ended() : cli_exit_status(err);
    return false;
}

static void
tell_read(struct cli *cli)
{
    if (cli->unread_arrival != 0)
        conclave_read(cli->peer, cli->unread_arrival);
    cli->unread_arrival = 0;
}

void
cli_close(struct cli *cli)
{
    if (cli->peer == NULL)
        return;
    if (!cli->broken) {
        (void)cli->face->settle(cli, true);
        tell_read(cli);
    }
    /* Asking for the next event says that the last one was dealt with. */
    if (!cli->broken)
        (void)conclave_next(cli->peer, 0);
    conclave_close(&cli->peer);
}

void
cli_done(struct cli *cli, const char *text)
{
    cli->answer_err = CONCLAVE_OK;
    cli->face->done(cli, text);
}

void
cli_fail(struct cli *cli, enum conclave_err err, const char *text)
{
    cli->request = 0;
    cli->answer_err = err;
    cli_log(cli, "COMMAND-FAILED %s: %s", cli->call.word.at, cli_exit_code(err));
    cli->face->failed(cli, cli->call.word.at, err, text);
}

void
cli_start(struct cli *cli)
{
    cli->answer_id[0] = '\0';
    cli->answer_err = CONCLAVE_OK;
    cli_log(cli, "COMMAND %s", cli->call.word.at);
    cli->asked_ms = cli_now_ms();
    cli->request = cli->call.command->start(cli, &cli->call);
}

static const char *
called(const struct cli_call *call)
{
    return call->command != NULL ? call->command->name : "";
}

/* A name that nobody can have is a name that nobody has. */
static bool
is_nobody(const struct cli *cli, const struct conclave_event *event)
{
    return (event->err == CONCLAVE_ERR_NO_SUCH_USER || event->err == CONCLAVE_ERR_BAD_NAME) &&
           strcmp(called(&cli->call), "search") == 0;
}

/* A name that nobody and nothing can have: there is no such user, or room.  What
 * cannot be the name of a new room stays a bad name. */
static enum conclave_err
as_absent(const struct cli_call *call, enum conclave_err err)
{
    if (err != CONCLAVE_ERR_BAD_NAME)
        return err;
    if (call->name != NULL)
        return call->name[0] == '#' ? CONCLAVE_ERR_NO_SUCH_ROOM : CONCLAVE_ERR_NO_SUCH_USER;
    return call->room.len > 0 && cli_rooms_act(call) != CONCLAVE_ACT_CREATE ? CONCLAVE_ERR_NO_SUCH_ROOM : err;
}

#define WRONG_LOGIN "The name or the password is wrong; who has no account yet signs up with "

/* Whoever has no account yet gets the same answer as who has mistyped theirs:
 * which of the two it is nobody says, but what a newcomer does. */
static const char *
login_reason(const struct cli *cli, const struct conclave_event *event)
{
    const char *const text = event->text != NULL ? event->text : "";
    if (event->err != CONCLAVE_ERR_WRONG_CREDENTIALS || (text[0] != '\0' && strcmp(text, cli_exit_sentence(event->err)) != 0))
        return text;
    return cli->mode == CLI_ONESHOT ? WRONG_LOGIN "conclave -u NAME register." : WRONG_LOGIN "/register.";
}

static void
answer(struct cli *cli, const struct conclave_event *event)
{
    cli->request = 0;
    const char *const name = called(&cli->call);
    struct conclave_event nobody = *event;
    if (event->kind == CONCLAVE_EVENT_FAILED && is_nobody(cli, event)) {
        nobody.kind = CONCLAVE_EVENT_USER;
        nobody.user = (struct conclave_user){cli->call.name, CONCLAVE_STATUS_NOT_FOUND, ""};
        event = &nobody;
    }
    if (event->kind == CONCLAVE_EVENT_FAILED) {
        cli_password_wipe(&cli->new_password);
        if (cli_rooms_join_again(cli, event->err)) {
            cli->asked_ms = cli_now_ms();
            return;
        }
        struct cli_buf why = {0};
        const enum conclave_err err = as_absent(&cli->call, event->err);
        if (strcmp(name, "login") == 0)
            cli_buf_text(&why, login_reason(cli, event));
        else
            cli_rooms_reason(&why, cli, err, event->text);
        cli_fail(cli, err, why.len > 0 ? why.at : "");
        cli_buf_wipe(&why);
        return;
    }
    cli->answer_err = CONCLAVE_OK;
    if (event->kind == CONCLAVE_EVENT_USER && event->user.status == CONCLAVE_STATUS_NOT_FOUND)
        cli->answer_err = CONCLAVE_ERR_NO_SUCH_USER;
    if (strcmp(name, "register") == 0 || strcmp(name, "login") == 0)
        cli->was_in = true;
    if (cli->new_password.set) {
        cli->password = cli->new_password;
        cli_password_wipe(&cli->new_password);
    }
    memcpy(cli->answer_id, event->id, sizeof cli->answer_id);
    cli->answer_tick = cli->call.name != NULL && cli->call.name[0] == '#' ? CONCLAVE_TICK_STORED : CONCLAVE_TICK_DELIVERED;
    cli->answered_ms = cli_now_ms();
    cli_rooms_leave_focus(cli);
    if (cli->answer_id[0] != '\0')
        (void)cli_sent_find(cli, cli->answer_id, true); /* its receipts are looked for */
    cli->face->answer(cli, event);
}

static void
login_answer(struct cli *cli, const struct conclave_event *event)
{
    cli->login = 0;
    cli->login_err = event->kind == CONCLAVE_EVENT_FAILED ? event->err : CONCLAVE_OK;
    cli->retry_ms = event->retry_ms;
    cli_log(cli, "LOGIN %s", cli_exit_code(cli->login_err));
    if (cli->login_err == CONCLAVE_OK) {
        cli->was_in = true;
    } else if (!cli->login_first && cli->login_err == CONCLAVE_ERR_REGISTRY_UNREACHABLE) {
        /* An enrolled device goes on trying by itself, and can chat meanwhile. */
        const struct conclave_event session = {
            .kind = CONCLAVE_EVENT_SESSION,
            .state = CONCLAVE_SESSION_RECONNECTING,
            .err = CONCLAVE_ERR_REGISTRY_UNREACHABLE,
            .name = cli->name,
            .text = cli_exit_sentence(CONCLAVE_ERR_REGISTRY_UNREACHABLE),
        };
        cli->face->event(cli, &session);
    } else if (cli->login_first ||
               (cli->login_err != CONCLAVE_ERR_NOT_LOGGED_IN && cli->login_err != CONCLAVE_ERR_BUSY)) {
        /* else /logout or /login came in between: that command has the answer */
        cli->face->failed(cli, "login", cli->login_err, login_reason(cli, event));
    }
}

static void
show_message(struct cli *cli, const struct conclave_event *event)
{
    cli->face->event(cli, event);
    if (cli->broken)
        return;
    cli->received++;
    if (cli->received_max != 0 && cli->received == cli->received_max)
        cli->over = true;
    if (event->room != NULL && event->room[0] != '\0')
        return; /* nobody is told who has read what in a room */
    /* One word to each sender is enough for all that came from them in a row.
     * The event ends with the next call, so what is needed of it is copied. */
    const uint64_t arrival = event->arrival;
    char from[sizeof cli->unread_from];
    (void)snprintf(from, sizeof from, "%s", event->from); /* names fit */
    if (strcmp(cli->unread_from, from) != 0)
        tell_read(cli);
    memcpy(cli->unread_from, from, sizeof from);
    cli->unread_arrival = arrival;
}

/* Whoever waits for a delivery need not wait longer. */
static bool
is_about_recipient(const struct cli *cli, const struct conclave_event *event)
{
    return (event->err == CONCLAVE_ERR_PEER_KEY_CHANGED || event->err == CONCLAVE_ERR_NO_SUCH_USER
            || event->err == CONCLAVE_ERR_FORBIDDEN || event->err == CONCLAVE_ERR_REFUSED
            || event->err == CONCLAVE_ERR_NOT_A_MEMBER || event->err == CONCLAVE_ERR_NO_SUCH_ROOM)
           && event->name != NULL && cli->call.name != NULL && cli_same_name(event->name, cli->call.name);
}

static void
handle(struct cli *cli, const struct conclave_event *event)
{
    switch (event->kind) {
    case CONCLAVE_EVENT_MESSAGE:
        show_message(cli, event);
        break;
    case CONCLAVE_EVENT_RECEIPT: {
        struct cli_sent *const sent = cli_sent_find(cli, event->id, true);
        sent->queued = true;
        if (event->tick > sent->tick)
            sent->tick = event->tick;
        cli->face->event(cli, event);
        break;
    }
    case CONCLAVE_EVENT_SESSION:
        cli_log(cli, "SESSION state %d: %s", (int)event->state, cli_exit_code(event->err));
        /* The library's own state may be of a moment later or earlier than
         * the answers that were read so far. */
        if (event->state != CONCLAVE_SESSION_CONNECTED && event->state != CONCLAVE_SESSION_REGISTERED)
            cli->online = event->state == CONCLAVE_SESSION_LOGGED_IN;
        cli->was_in = cli->was_in || cli->online;
        (void)snprintf(cli->name, sizeof cli->name, "%s", event->name); /* names fit */
        cli->face->event(cli, event);
        break;
    case CONCLAVE_EVENT_NOTICE:
        if (cli->mode == CLI_ONESHOT && is_about_recipient(cli, event))
            cli->refusal = event->err;
        cli->face->event(cli, event);
        break;
    case CONCLAVE_EVENT_ROOM:
        cli_rooms_name(cli, event);
        if (!cli->holds || event->arrival == 0) /* else the next session is told */
            cli->face->event(cli, event);
        break;
    case CONCLAVE_EVENT_PRESENCE:
        cli->face->event(cli, event);
        break;
    case CONCLAVE_EVENT_GAP:
        cli_log(cli, "GAP %llu to %llu", (unsigned long long)event->first, (unsigned long long)event->last);
        cli->face->event(cli, event);
        break;
    case CONCLAVE_EVENT_OK:
    case CONCLAVE_EVENT_FAILED:
    case CONCLAVE_EVENT_USERS:
    case CONCLAVE_EVENT_USER:
    case CONCLAVE_EVENT_DEVICES:
    case CONCLAVE_EVENT_ROOMS:
    case CONCLAVE_EVENT_MEMBERS:
    case CONCLAVE_EVENT_STATS:
        if (event->request != 0 && event->request == cli->request)
            answer(cli, event);
        else if (event->request != 0 && event->request == cli->login)
            login_answer(cli, event);
        break;
    }
}

void
cli_drain(struct cli *cli)
{
    while (!cli->over) {
        const struct conclave_event *const event = conclave_next(cli->peer, 0);
        if (event == NULL)
            break;
        if (cli->mode == CLI_PROMPT)
            cli_names_learn(event); /* the prompt completes them */
        handle(cli, event);
        if (cli_signals_ended() != 0)
            break;
    }
    if (!cli->broken)
        cli->settle_ms = cli->face->settle(cli, false);
    if (!cli->broken)
        tell_read(cli);
}

bool
cli_turn(struct cli *cli, uint64_t until_ms, int fd)
{
    struct pollfd items[3] = {
        {conclave_fd(cli->peer), POLLIN, 0}, {cli_signals_fd(), POLLIN, 0}, {fd, POLLIN, 0}};
    if (cli->show != NULL)
        cli->show(cli);
    const uint64_t now = cli_now_ms();
    if (cli->settle_ms < until_ms)
        until_ms = cli->settle_ms;
    uint64_t wait = until_ms == UINT64_MAX ? UINT64_MAX : until_ms > now ? until_ms - now : 0;
    if (wait > 3600000)
        wait = 3600000; /* callers come again */
    if (poll(items, 3, until_ms == UINT64_MAX ? -1 : (int)wait) < 0)
        items[2].revents = 0;
    cli_drain(cli);
    return (items[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}
