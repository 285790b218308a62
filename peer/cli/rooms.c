/* The commands about rooms: from a call that was understood to a request. */
#include <string.h>

#include "peer/cli/actions.h"

/* Names of commands, as the table of commands has them. */
static const struct {
    const char *name;
    enum conclave_act act;
} acts[] = {
    {"create", CONCLAVE_ACT_CREATE}, {"join", CONCLAVE_ACT_JOIN},     {"leave", CONCLAVE_ACT_LEAVE},
    {"topic", CONCLAVE_ACT_TOPIC},   {"invite", CONCLAVE_ACT_INVITE}, {"kick", CONCLAVE_ACT_KICK},
    {"ban", CONCLAVE_ACT_BAN},       {"unban", CONCLAVE_ACT_UNBAN},   {"mute", CONCLAVE_ACT_MUTE},
    {"unmute", CONCLAVE_ACT_UNMUTE}, {"op", CONCLAVE_ACT_PROMOTE},    {"deop", CONCLAVE_ACT_DEMOTE},
    {"delete", CONCLAVE_ACT_DELETE},
};

enum conclave_act
cli_rooms_act(const struct cli_call *call)
{
    for (size_t i = 0; call->command != NULL && i < sizeof acts / sizeof *acts; i++)
        if (strcmp(acts[i].name, call->command->name) == 0)
            return acts[i].act;
    return (enum conclave_act)0;
}

/* The password of a room out of call->file, where one is named.  False after it
 * has answered. */
static bool
read_password(struct cli *cli, const struct cli_call *call, struct cli_secret *password)
{
    struct cli_buf warning = {0}, why = {0};
    if (call->file == NULL)
        return true;
    const bool ok = cli_password_of_file(password, call->file, &warning, &why);
    if (warning.len > 0) {
        struct cli_buf line = {0};
        cli_buf_format(&line, "%s%s\n", cli->mode == CLI_PROMPT ? "! " : "conclave: ", warning.at);
        cli_say(cli, &line);
        cli_buf_wipe(&line);
    }
    if (!ok)
        cli_fail(cli, CONCLAVE_ERR_BAD_ARGUMENTS, why.at);
    cli_buf_wipe(&warning);
    cli_buf_wipe(&why);
    return ok;
}

uint64_t
cli_action_create(struct cli *cli, struct cli_call *call)
{
    struct cli_secret password = {0};
    uint64_t request = 0;
    const unsigned flags =
        (call->flag ? (unsigned)CONCLAVE_ROOM_PRIVATE : 0) | (call->history ? (unsigned)CONCLAVE_ROOM_HISTORY : 0);
    if (read_password(cli, call, &password))
        request = conclave_room_create(cli->peer, call->room.at, flags, password.text, call->text);
    cli_password_wipe(&password);
    return request;
}

uint64_t
cli_action_join(struct cli *cli, struct cli_call *call)
{
    struct cli_secret password = {0};
    uint64_t request = 0;
    if (read_password(cli, call, &password))
        request = conclave_room_join(cli->peer, call->room.at, password.text);
    cli_password_wipe(&password);
    return request;
}

static bool
wants_password(const struct cli_call *call, enum conclave_err err)
{
    return call->command != NULL && call->command->start == cli_action_join &&
           (err == CONCLAVE_ERR_WRONG_CREDENTIALS || err == CONCLAVE_ERR_LOCKED);
}

bool
cli_rooms_join_again(struct cli *cli, enum conclave_err err)
{
    struct cli_call *const call = &cli->call;
    struct cli_secret password = {0};
    if (!wants_password(call, err) || call->file != NULL || call->flag || cli->options.json)
        return false;
    call->flag = cli_actions_ask_secret(cli, &password, "Password of the room: ", false); /* once */
    if (call->flag)
        cli->request = conclave_room_join(cli->peer, call->room.at, password.text);
    cli_password_wipe(&password);
    return call->flag;
}

/* Who may do what was refused. */
static void
put_who_may(struct cli_buf *out, const struct cli *cli)
{
    const struct cli_call *const call = &cli->call;
    const enum conclave_act act = cli_rooms_act(call);
    const char *const room = call->room.at;
    const bool rank = act == CONCLAVE_ACT_KICK || act == CONCLAVE_ACT_BAN || act == CONCLAVE_ACT_MUTE || act == CONCLAVE_ACT_UNMUTE;
    cli_buf_text(out, cli_exit_sentence(CONCLAVE_ERR_FORBIDDEN));
    if (act == CONCLAVE_ACT_JOIN)
        cli_buf_format(out, " You are banned from %s, or not invited; its owner or a moderator can invite you.", room);
    else if (rank && call->name != NULL && cli_same_name(call->name, cli->name))
        cli_buf_text(out, " Nobody may to themselves.");
    else if (rank)
        cli_buf_format(out, " It takes the owner of %s, or a moderator where %s is a plain member.", room, call->name);
    else if (act == CONCLAVE_ACT_PROMOTE || act == CONCLAVE_ACT_DEMOTE || act == CONCLAVE_ACT_DELETE)
        cli_buf_format(out, " Only the owner of %s may.", room);
    else
        cli_buf_format(out, " In %s only the owner and moderators may.", room);
}

void
cli_rooms_reason(struct cli_buf *out, const struct cli *cli, enum conclave_err err, const char *text)
{
    const struct cli_call *const call = &cli->call;
    const bool told = text != NULL && text[0] != '\0' && strcmp(text, cli_exit_sentence(err)) != 0;
    const char *const room = call->room.len > 0 ? call->room.at : call->name != NULL && call->name[0] == '#' ? call->name : NULL;
    const char *const slash = call->as_slash ? "/" : "conclave ";
    if (wants_password(call, err))
        cli_buf_text(out, call->file != NULL || call->flag ? "That is not the password of the room."
                                                           : "The room has a password: give it with --password-file.");
    else if (told || room == NULL)
        cli_buf_text(out, text != NULL ? text : "");
    else if (err == CONCLAVE_ERR_NO_SUCH_ROOM)
        cli_buf_format(out, "%s %srooms lists those there are.", cli_exit_sentence(err), slash);
    else if (err == CONCLAVE_ERR_NOT_A_MEMBER)
        cli_buf_format(out, "%s %sjoin enters it.", cli_exit_sentence(err), slash);
    else if (err == CONCLAVE_ERR_FORBIDDEN && call->room.len > 0)
        put_who_may(out, cli);
    else
        cli_buf_text(out, text != NULL ? text : "");
}

void
cli_rooms_leave_focus(struct cli *cli)
{
    const enum conclave_act act = cli_rooms_act(&cli->call);
    if ((act == CONCLAVE_ACT_LEAVE || act == CONCLAVE_ACT_DELETE) && cli_same_name(cli->focus, cli->call.room.at))
        cli->focus[0] = '\0';
}

void
cli_rooms_name(struct cli *cli, const struct conclave_event *event)
{
    struct cli_buf *const room = &cli->call.room;
    if (cli->request == 0 || room->len == 0 || !cli_same_name(room->at, event->room))
        return;
    cli_buf_clear(room);
    cli_buf_text(room, event->room);
    if (event->act != CONCLAVE_ACT_JOIN || !cli_same_name(event->user.name, cli->name))
        return;
    cli_buf_clear(&cli->call.topic);
    cli_buf_text(&cli->call.topic, event->text);
}

uint64_t
cli_action_room(struct cli *cli, struct cli_call *call)
{
    return conclave_room_act(cli->peer, call->room.at, cli_rooms_act(call), call->name, call->text);
}

uint64_t
cli_action_topic(struct cli *cli, struct cli_call *call)
{
    return call->text != NULL ? cli_action_room(cli, call) : conclave_room_info(cli->peer, call->room.at);
}

uint64_t
cli_action_rooms(struct cli *cli, struct cli_call *call)
{
    if (call->watch != 0 && !call->as_slash) {
        cli_fail(cli, CONCLAVE_ERR_BAD_ARGUMENTS, "--watch is for a session: run conclave, or conclave --json, and say /rooms --watch there.");
        return 0;
    }
    if (call->watch < 0)
        return conclave_rooms_watch(cli->peer, false);
    if (call->watch > 0)
        (void)conclave_rooms_watch(cli->peer, true); /* what goes wrong with it goes wrong with the list, too */
    /* Objects have their topic always: one that is left out would look empty. */
    return conclave_rooms(cli->peer, call->flag || cli->options.json);
}

uint64_t
cli_action_members(struct cli *cli, struct cli_call *call)
{
    return conclave_members(cli->peer, call->room.at);
}
