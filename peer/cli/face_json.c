/* JSON lines: one object for every answer and every event, each in one write. */
#include <string.h>

#include "peer/cli/cli.h"
#include "peer/cli/json.h"
#include "peer/cli/stats.h"

static struct cli_json json; /* one line at a time; its memory is kept */

static void
emit(struct cli *cli)
{
    cli_json_close(&json);
    cli_print(cli, &json.line);
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
        return "not-found";
    }
    return "offline";
}

static const char *
state_name(enum conclave_session state)
{
    switch (state) {
    case CONCLAVE_SESSION_CONNECTED:
        return "connected";
    case CONCLAVE_SESSION_REGISTERED:
        return "registered";
    case CONCLAVE_SESSION_LOGGED_IN:
        return "logged-in";
    case CONCLAVE_SESSION_RECONNECTING:
        return "reconnecting";
    case CONCLAVE_SESSION_LOGGED_OUT:
        return "logged-out";
    }
    return "logged-out";
}

static const char *
tick_name(enum conclave_tick tick)
{
    switch (tick) {
    case CONCLAVE_TICK_QUEUED:
        return "queued";
    case CONCLAVE_TICK_STORED:
        return "stored";
    case CONCLAVE_TICK_DELIVERED:
        return "delivered";
    case CONCLAVE_TICK_READ:
        return "read";
    }
    return "queued";
}

static const char *
visibility_name(unsigned flags)
{
    if ((flags & (unsigned)CONCLAVE_ROOM_PRIVATE) != 0)
        return "private";
    return (flags & (unsigned)CONCLAVE_ROOM_LOCKED) != 0 ? "password" : "public";
}

static const char *
role_name(enum conclave_role role)
{
    switch (role) {
    case CONCLAVE_ROLE_NONE:
        return "none";
    case CONCLAVE_ROLE_MEMBER:
        return "member";
    case CONCLAVE_ROLE_MODERATOR:
        return "moderator";
    case CONCLAVE_ROLE_OWNER:
        return "owner";
    }
    return "none";
}

static const char *
act_name(enum conclave_act act)
{
    switch (act) {
    case CONCLAVE_ACT_CREATE:
        return "created";
    case CONCLAVE_ACT_JOIN:
        return "joined";
    case CONCLAVE_ACT_LEAVE:
        return "left";
    case CONCLAVE_ACT_INVITE:
        return "invited";
    case CONCLAVE_ACT_KICK:
        return "kicked";
    case CONCLAVE_ACT_BAN:
        return "banned";
    case CONCLAVE_ACT_UNBAN:
        return "unbanned";
    case CONCLAVE_ACT_MUTE:
        return "muted";
    case CONCLAVE_ACT_UNMUTE:
        return "unmuted";
    case CONCLAVE_ACT_PROMOTE:
        return "op";
    case CONCLAVE_ACT_DEMOTE:
        return "deop";
    case CONCLAVE_ACT_TOPIC:
        return "topic";
    case CONCLAVE_ACT_DELETE:
        return "deleted";
    case CONCLAVE_ACT_REVOKED:
        return "revoked";
    }
    return "topic";
}

static bool
given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static const char *
sentence_of(enum conclave_err err, const char *text)
{
    return given(text) ? text : cli_exit_sentence(err);
}

static void
event(struct cli *cli, const struct conclave_event *event)
{
    switch (event->kind) {
    case CONCLAVE_EVENT_SESSION:
        cli_json_open(&json, "session");
        cli_json_text(&json, "state", state_name(event->state));
        cli_json_text(&json, "user", event->name);
        if (event->err != CONCLAVE_OK) {
            cli_json_text(&json, "code", cli_exit_code(event->err));
            cli_json_text(&json, "message", sentence_of(event->err, event->text));
        }
        break;
    case CONCLAVE_EVENT_MESSAGE:
        cli_json_open(&json, "message");
        cli_json_text(&json, "id", event->id);
        cli_json_text(&json, "from", event->from);
        if (given(event->room))
            cli_json_text(&json, "room", event->room);
        else
            cli_json_text(&json, "to", event->to);
        cli_json_time(&json, "ts", event->ts_ms);
        cli_json_bytes(&json, "text", event->text, event->text_bytes);
        break;
    case CONCLAVE_EVENT_RECEIPT:
        cli_json_open(&json, "receipt");
        cli_json_text(&json, "id", event->id);
        if (given(event->room))
            cli_json_text(&json, "room", event->room);
        if (given(event->to) || !given(event->room))
            cli_json_text(&json, "to", event->to);
        cli_json_text(&json, "state", tick_name(event->tick));
        break;
    case CONCLAVE_EVENT_PRESENCE:
        cli_json_open(&json, "presence");
        cli_json_text(&json, "user", event->user.name);
        cli_json_text(&json, "status", status_name(event->user.status));
        break;
    case CONCLAVE_EVENT_NOTICE:
        /* Not "error": that would look like the answer to a command. */
        cli_json_open(&json, "notice");
        if (event->err != CONCLAVE_OK)
            cli_json_text(&json, "code", cli_exit_code(event->err));
        cli_json_text(&json, "message", sentence_of(event->err, event->text));
        if (given(event->name))
            cli_json_text(&json, event->name[0] == '#' ? "room" : "user", event->name);
        break;
    case CONCLAVE_EVENT_ROOM:
        cli_json_open(&json, "room");
        cli_json_text(&json, "room", event->room);
        cli_json_text(&json, "event", act_name(event->act));
        /* Who did it to themselves, or to the room, stands in both. */
        cli_json_text(&json, "user", given(event->user.name) ? event->user.name : event->by);
        cli_json_text(&json, "by", given(event->by) ? event->by : event->user.name);
        if (event->act == CONCLAVE_ACT_TOPIC || event->act == CONCLAVE_ACT_CREATE)
            cli_json_text(&json, "topic", event->text);
        if (event->act == CONCLAVE_ACT_LEAVE && given(event->text))
            cli_json_text(&json, "owner", event->text);
        break;
    case CONCLAVE_EVENT_GAP:
        cli_json_open(&json, "gap");
        cli_json_text(&json, "room", event->room);
        cli_json_text(&json, "from", event->from);
        cli_json_number(&json, "first", event->first);
        cli_json_number(&json, "last", event->last);
        break;
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
    if (event->arrival == 0) {
        emit(cli);
        return;
    }
    cli_json_close(&json); /* kept until it was shown */
    cli_show(cli, &json.line);
}

static void
put_user(const struct conclave_user *user, bool endpoint)
{
    cli_json_text(&json, "name", user->name);
    cli_json_text(&json, "status", status_name(user->status));
    if (endpoint && given(user->endpoint))
        cli_json_text(&json, "endpoint", user->endpoint);
}

static void
put_rooms(const struct conclave_event *event)
{
    cli_json_open(&json, "rooms");
    cli_json_array(&json, "rooms");
    for (size_t i = 0; i < event->rooms_count; i++) {
        const struct conclave_room *const room = &event->rooms[i];
        cli_json_object(&json, NULL);
        cli_json_text(&json, "name", room->name);
        cli_json_number(&json, "members", room->members);
        cli_json_text(&json, "topic", room->topic);
        cli_json_text(&json, "visibility", visibility_name(room->flags));
        cli_json_object_end(&json);
    }
    cli_json_array_end(&json);
}

/* The names of those who are not in it, and why; nothing where there are none. */
static void
put_outsiders(const struct conclave_event *event, const char *key, bool banned)
{
    bool any = false;
    for (size_t i = 0; i < event->members_count; i++) {
        const struct conclave_member *const member = &event->members[i];
        if (member->role != CONCLAVE_ROLE_NONE || !(banned ? member->banned : member->invited))
            continue;
        if (!any)
            cli_json_array(&json, key);
        any = true;
        cli_json_text(&json, NULL, member->name);
    }
    if (any)
        cli_json_array_end(&json);
}

static void
put_members(const struct conclave_event *event)
{
    cli_json_open(&json, "members");
    cli_json_text(&json, "room", event->room);
    cli_json_array(&json, "members");
    for (size_t i = 0; i < event->members_count; i++) {
        const struct conclave_member *const member = &event->members[i];
        if (member->role == CONCLAVE_ROLE_NONE)
            continue;
        cli_json_object(&json, NULL);
        cli_json_text(&json, "name", member->name);
        cli_json_text(&json, "role", role_name(member->role));
        cli_json_text(&json, "status", status_name(member->status));
        if (member->muted)
            cli_json_bool(&json, "muted", true);
        cli_json_object_end(&json);
    }
    cli_json_array_end(&json);
    put_outsiders(event, "invited", false);
    put_outsiders(event, "banned", true);
}

static void
answer(struct cli *cli, const struct conclave_event *event)
{
    if (event->kind == CONCLAVE_EVENT_USERS) {
        cli_json_open(&json, "users");
        cli_json_array(&json, "users");
        for (size_t i = 0; i < event->users_count; i++) {
            cli_json_object(&json, NULL);
            put_user(&event->users[i], cli->call.flag);
            cli_json_object_end(&json);
        }
        cli_json_array_end(&json);
    } else if (event->kind == CONCLAVE_EVENT_USER) {
        cli_json_open(&json, "user");
        put_user(&event->user, true);
    } else if (event->kind == CONCLAVE_EVENT_DEVICES) {
        cli_json_open(&json, "devices");
        cli_json_array(&json, "devices");
        for (size_t i = 0; i < event->devices_count; i++) {
            const struct conclave_device *const device = &event->devices[i];
            cli_json_object(&json, NULL);
            cli_json_number(&json, "id", device->device);
            cli_json_time(&json, "created", device->created_ms);
            if (device->seen_ms != 0)
                cli_json_time(&json, "seen", device->seen_ms);
            cli_json_bool(&json, "online", device->online);
            cli_json_bool(&json, "revoked", device->revoked);
            cli_json_bool(&json, "current", device->current);
            cli_json_object_end(&json);
        }
        cli_json_array_end(&json);
    } else if (event->kind == CONCLAVE_EVENT_ROOMS) {
        put_rooms(event);
    } else if (event->kind == CONCLAVE_EVENT_MEMBERS) {
        put_members(event);
    } else if (event->kind == CONCLAVE_EVENT_STATS) {
        cli_json_open(&json, "stats");
        cli_stats_members(&json, event->stats, cli->name);
    } else {
        cli_json_open(&json, "ok");
        cli_json_text(&json, "command", cli->call.word.at);
        if (event->id[0] != '\0')
            cli_json_text(&json, "id", event->id);
        if (event->text != NULL && event->text[0] != '\0')
            cli_json_text(&json, "text", event->text);
    }
    emit(cli);
}

static void
done(struct cli *cli, const char *text)
{
    cli_json_open(&json, "ok");
    cli_json_text(&json, "command", cli->call.word.at);
    if (text[0] != '\0')
        cli_json_text(&json, "text", text);
    emit(cli);
}

static void
failed(struct cli *cli, const char *word, enum conclave_err err, const char *text)
{
    cli_json_open(&json, "error");
    cli_json_text(&json, "code", cli_exit_code(err));
    cli_json_text(&json, "message", sentence_of(err, text));
    cli_json_text(&json, "command", word);
    emit(cli);
}

static uint64_t
settle(struct cli *cli, bool all)
{
    (void)cli;
    (void)all;
    return UINT64_MAX; /* every event had its line at once */
}

const struct cli_face cli_face_json = {event, answer, done, failed, settle};
