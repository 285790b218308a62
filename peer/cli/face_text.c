/* The same for people.  What came from outside passes through cli/view here,
 * and nowhere else reaches a terminal. */
#include <string.h>

#include "peer/cli/actions.h"
#include "peer/cli/face_rooms.h"
#include "peer/cli/stats.h"
#include "peer/cli/ticks.h"
#include "peer/cli/view.h"

#define INDENT "    " /* before further lines of a message: nothing of ours begins so */

static void
put(struct cli *cli, struct cli_buf *line, bool data)
{
    cli_buf_char(line, '\n');
    if (data)
        cli_print(cli, line);
    else
        cli_say(cli, line);
    cli_buf_wipe(line);
}

/* The same for an event that is kept until it was shown. */
static void
show(struct cli *cli, struct cli_buf *line)
{
    cli_buf_char(line, '\n');
    cli_show(cli, line);
    cli_buf_wipe(line);
}

static const char *
status_name(enum conclave_status status)
{
    switch (status) {
    case CONCLAVE_STATUS_OFFLINE:
        return "offline";
    case CONCLAVE_STATUS_ONLINE:
        return "online";
    case CONCLAVE_STATUS_AWAY:
        return "away";
    case CONCLAVE_STATUS_NOT_FOUND:
        return "not found";
    }
    return "offline";
}

static void
show_session(struct cli *cli, const struct conclave_event *event)
{
    struct cli_buf line = {0};
    switch (event->state) {
    case CONCLAVE_SESSION_CONNECTED:
        return; /* the log-in follows at once */
    case CONCLAVE_SESSION_REGISTERED:
        cli_buf_text(&line, "* You are registered as ");
        break;
    case CONCLAVE_SESSION_LOGGED_IN:
        cli_buf_text(&line, "* You are logged in as ");
        break;
    case CONCLAVE_SESSION_RECONNECTING:
        cli_buf_text(&line, "* The registry cannot be reached; trying again. Contacts can still be talked to.");
        put(cli, &line, false);
        return;
    case CONCLAVE_SESSION_LOGGED_OUT:
        cli_buf_text(&line, "* You are logged out.");
        if (event->text != NULL && event->text[0] != '\0') {
            cli_buf_char(&line, ' ');
            cli_view_line(&line, event->text);
        }
        put(cli, &line, false);
        return;
    }
    cli_view_line(&line, event->name);
    cli_buf_char(&line, '.');
    put(cli, &line, false);
}

static bool
in_room(const struct conclave_event *event)
{
    return event->room != NULL && event->room[0] != '\0';
}

static void
show_message(struct cli *cli, const struct conclave_event *event)
{
    struct cli_buf line = {0};
    cli_view_time(&line, event->ts_ms, cli_wall_ms());
    cli_buf_char(&line, ' ');
    if (in_room(event)) {
        cli_view_line(&line, event->room);
        cli_buf_char(&line, ' ');
    }
    cli_view_line(&line, event->from);
    cli_buf_text(&line, ": ");
    cli_view_text(&line, event->text, event->text_bytes, INDENT);
    cli_buf_char(&line, '\n');
    cli_show(cli, &line);
    cli_buf_wipe(&line);
}

/* Contacts, and those in the room that is in focus; others come and go unseen. */
static void
show_presence(struct cli *cli, const struct conclave_event *event)
{
    struct cli_buf line = {0};
    size_t at = 0;
    while (at < event->rooms_count && !cli_same_name(event->rooms[at].name, cli->focus))
        at++;
    if (event->rooms_count > 0 && (at == event->rooms_count || event->fresh))
        return;
    cli_buf_text(&line, "* ");
    if (event->rooms_count > 0) {
        cli_view_line(&line, event->rooms[at].name);
        cli_buf_text(&line, ": ");
    }
    cli_view_line(&line, event->user.name);
    cli_buf_format(&line, " is %s.", status_name(event->user.status));
    put(cli, &line, true);
}

/* It prints what comes, and counts it as printed. */
static bool
reads(const struct cli *cli)
{
    return cli->mode != CLI_ONESHOT || cli->call.command->start == cli_action_recv;
}

static void
show_gap(struct cli *cli, const struct conclave_event *event)
{
    struct cli_buf line = {0};
    cli_buf_text(&line, reads(cli) ? "! " : "conclave: ");
    cli_face_rooms_gap(&line, event);
    if (reads(cli)) /* where the messages are, so is what is missing of them */
        show(cli, &line);
    else
        put(cli, &line, false);
}

static void
event(struct cli *cli, const struct conclave_event *event)
{
    const bool session = cli->mode != CLI_ONESHOT;
    struct cli_buf line = {0};
    switch (event->kind) {
    case CONCLAVE_EVENT_SESSION:
        if (session)
            show_session(cli, event);
        return;
    case CONCLAVE_EVENT_MESSAGE:
        show_message(cli, event);
        return;
    case CONCLAVE_EVENT_RECEIPT:
        if (session)
            cli_ticks_take(cli, event);
        return;
    case CONCLAVE_EVENT_PRESENCE:
        if (session)
            show_presence(cli, event);
        return;
    case CONCLAVE_EVENT_NOTICE:
        cli_buf_text(&line, session ? "! " : "conclave: ");
        if (event->name != NULL && event->name[0] != '\0') {
            cli_view_line(&line, event->name);
            cli_buf_text(&line, ": ");
        }
        cli_view_line(&line, event->text != NULL && event->text[0] != '\0' ? event->text
                                                                            : cli_exit_sentence(event->err));
        put(cli, &line, false);
        return;
    case CONCLAVE_EVENT_ROOM:
        if (reads(cli))
            cli_face_rooms_event(&line, cli, event);
        if (line.len > 0)
            show(cli, &line);
        return;
    case CONCLAVE_EVENT_GAP:
        show_gap(cli, event);
        return;
    case CONCLAVE_EVENT_OK:
    case CONCLAVE_EVENT_FAILED:
    case CONCLAVE_EVENT_USERS:
    case CONCLAVE_EVENT_USER:
    case CONCLAVE_EVENT_DEVICES:
    case CONCLAVE_EVENT_ROOMS:
    case CONCLAVE_EVENT_MEMBERS:
    case CONCLAVE_EVENT_STATS:
        return; /* answers */
    }
}

static int
widest(const struct conclave_event *event)
{
    int most = 0;
    for (size_t i = 0; i < event->users_count; i++) {
        const int width = cli_view_width(event->users[i].name);
        if (width > most)
            most = width;
    }
    return most;
}

static void
show_users(struct cli *cli, const struct conclave_event *event)
{
    const int columns = widest(event);
    struct cli_buf text = {0};
    for (size_t i = 0; i < event->users_count; i++) {
        const struct conclave_user *const user = &event->users[i];
        const bool more = cli->call.flag && user->endpoint != NULL && user->endpoint[0] != '\0';
        cli_view_column(&text, user->name, columns);
        cli_buf_format(&text, "  %s", status_name(user->status));
        if (more) {
            cli_buf_text(&text, "  ");
            cli_view_line(&text, user->endpoint);
        }
        cli_buf_char(&text, '\n');
    }
    if (event->users_count == 0 && cli->mode == CLI_PROMPT)
        cli_buf_text(&text, "Nobody is online.\n");
    cli_print(cli, &text);
    cli_buf_wipe(&text);
}

static void
show_user(struct cli *cli, const struct conclave_user *user)
{
    struct cli_buf line = {0};
    cli_view_line(&line, user->name);
    if (user->status == CONCLAVE_STATUS_NOT_FOUND) {
        cli_buf_text(&line, " was not found.");
    } else {
        cli_buf_format(&line, " is %s", status_name(user->status));
        if (user->endpoint != NULL && user->endpoint[0] != '\0') {
            cli_buf_text(&line, " at ");
            cli_view_line(&line, user->endpoint);
        }
        cli_buf_char(&line, '.');
    }
    put(cli, &line, true);
}

static void
show_devices(struct cli *cli, const struct conclave_event *event)
{
    const uint64_t now_ms = cli_wall_ms();
    struct cli_buf text = {0};
    for (size_t i = 0; i < event->devices_count; i++) {
        const struct conclave_device *const device = &event->devices[i];
        cli_buf_format(&text, "%llu  %s  since ", (unsigned long long)device->device,
                       device->revoked ? "revoked" : device->online ? "online" : "offline");
        cli_view_time(&text, device->created_ms, now_ms);
        if (device->seen_ms != 0) {
            cli_buf_text(&text, "  seen ");
            cli_view_time(&text, device->seen_ms, now_ms);
        }
        if (device->current)
            cli_buf_text(&text, "  this device");
        cli_buf_char(&text, '\n');
    }
    cli_print(cli, &text);
    cli_buf_wipe(&text);
}

static void
done(struct cli *cli, const char *text)
{
    struct cli_buf line = {0};
    if (text[0] == '\0')
        return;
    cli_view_text(&line, text, strlen(text), "");
    put(cli, &line, true);
}

/* What is worth saying about a command that went well, beyond its events. */
static void
show_ok(struct cli *cli, const struct conclave_event *event)
{
    static const struct {
        const char *command;
        const char *text;
    } words[] = {
        {"register", "You are registered as "}, {"login", "You are logged in as "},
        {"logout", "You are logged out."},      {"passwd", "The password is changed."},
        {"devices", "The device is revoked."},  {"delete-account", "The account is deleted."},
        {"block", "Blocked: "},                 {"unblock", "No longer blocked: "},
        {"trust", "Their keys are accepted: "}, {"away", "You are shown as away."},
        {"back", "You are shown as online."},
    };
    const char *const name = cli->call.command->name;
    const bool with_state = strcmp(name, "register") == 0 || strcmp(name, "login") == 0;
    struct cli_buf line = {0};
    if (event->id[0] != '\0') {
        static unsigned numbers;
        struct cli_sent *const sent = cli_sent_find(cli, event->id, true);
        sent->number = ++numbers;
        return; /* its ticks say how it fares, each once it is true */
    }
    if (event->text != NULL && event->text[0] != '\0') { /* it was so already */
        done(cli, event->text);
        return;
    }
    if (with_state && cli->mode != CLI_ONESHOT)
        return; /* the session says so */
    if (strcmp(name, "logout") == 0 && cli->mode != CLI_ONESHOT)
        return;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].command, name) == 0)
            cli_buf_text(&line, words[i].text);
    cli_face_rooms_ok(&line, cli);
    if (with_state) {
        /* The session event that names us may yet be on its way. */
        cli_view_line(&line, cli->name[0] != '\0' ? cli->name : cli->options.user);
        cli_buf_char(&line, '.');
    } else if (cli->call.name != NULL && cli->call.room.len == 0) {
        cli_view_line(&line, cli->call.name);
    }
    put(cli, &line, true);
}

static void
show_rooms(struct cli *cli, const struct conclave_event *event)
{
    struct cli_buf text = {0};
    if (event->kind == CONCLAVE_EVENT_ROOMS && cli->call.command->start == cli_action_topic)
        cli_face_rooms_topic(&text, cli, event);
    else if (event->kind == CONCLAVE_EVENT_ROOMS)
        cli_face_rooms_list(&text, cli, event);
    else
        cli_face_rooms_members(&text, event);
    cli_print(cli, &text);
    cli_buf_wipe(&text);
}

static void
show_stats(struct cli *cli, const struct conclave_event *event)
{
    struct cli_buf text = {0};
    cli_stats_lines(&text, event->stats, cli->name);
    cli_print(cli, &text);
    cli_buf_wipe(&text);
}

static void
answer(struct cli *cli, const struct conclave_event *event)
{
    if (event->kind == CONCLAVE_EVENT_USERS)
        show_users(cli, event);
    else if (event->kind == CONCLAVE_EVENT_USER)
        show_user(cli, &event->user);
    else if (event->kind == CONCLAVE_EVENT_DEVICES)
        show_devices(cli, event);
    else if (event->kind == CONCLAVE_EVENT_ROOMS || event->kind == CONCLAVE_EVENT_MEMBERS)
        show_rooms(cli, event);
    else if (event->kind == CONCLAVE_EVENT_STATS)
        show_stats(cli, event);
    else
        show_ok(cli, event);
}

static void
failed(struct cli *cli, const char *word, enum conclave_err err, const char *text)
{
    struct cli_buf line = {0};
    cli_buf_text(&line, cli->mode == CLI_PROMPT ? "! " : "conclave: ");
    if (cli->mode != CLI_PROMPT && word[0] != '\0') {
        cli_view_line(&line, word);
        cli_buf_text(&line, ": ");
    }
    cli_view_line(&line, text != NULL && text[0] != '\0' ? text : cli_exit_sentence(err));
    put(cli, &line, false);
}

const struct cli_face cli_face_text = {event, answer, done, failed, cli_ticks_settle};
