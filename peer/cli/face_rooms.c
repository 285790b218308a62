/* Rooms in words: who came and went, lists, and what a command did. */
#include "peer/cli/face_rooms.h"

#include <string.h>

#include "peer/cli/actions.h"
#include "peer/cli/view.h"

static bool
given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static const char *
who_did(const struct conclave_event *event)
{
    return given(event->by) ? event->by : event->user.name;
}

/* A room that one is not in: nobody says who did it. */
static void
seen_from_outside(struct cli_buf *out, const struct conclave_event *event)
{
    if (event->act == CONCLAVE_ACT_DELETE)
        cli_buf_text(out, "the room is gone.");
    else if (event->act == CONCLAVE_ACT_TOPIC)
        cli_buf_text(out, "the topic is now: ");
    else
        cli_buf_text(out, given(event->text) ? "there is a room of that name now: " : "there is a room of that name now.");
    cli_view_line(out, event->text);
}

void
cli_face_rooms_event(struct cli_buf *out, const struct cli *cli, const struct conclave_event *event)
{
    static const struct {
        const char *they;
        const char *you;
        bool by; /* somebody else did it */
    } words[] = {
        [CONCLAVE_ACT_CREATE] = {" made the room", " made the room", false},
        [CONCLAVE_ACT_JOIN] = {" joined", " joined", false},
        [CONCLAVE_ACT_LEAVE] = {" left", " left", false},
        [CONCLAVE_ACT_INVITE] = {" was invited", " were invited", true},
        [CONCLAVE_ACT_KICK] = {" was kicked", " were kicked", true},
        [CONCLAVE_ACT_BAN] = {" was banned", " were banned", true},
        [CONCLAVE_ACT_UNBAN] = {" was unbanned", " were unbanned", true},
        [CONCLAVE_ACT_MUTE] = {" was muted", " were muted", true},
        [CONCLAVE_ACT_UNMUTE] = {" was unmuted", " were unmuted", true},
        [CONCLAVE_ACT_PROMOTE] = {" was made a moderator", " were made a moderator", true},
        [CONCLAVE_ACT_DEMOTE] = {" was made a plain member", " were made a plain member", true},
        [CONCLAVE_ACT_TOPIC] = {" set the topic: ", " set the topic: ", false},
        [CONCLAVE_ACT_DELETE] = {" deleted the room", " deleted the room", false},
        [CONCLAVE_ACT_REVOKED] = {" deleted the account", " deleted the account", false},
    };
    const size_t act = (size_t)event->act;
    const char *const user = given(event->user.name) ? event->user.name : event->by;
    if (act >= sizeof words / sizeof *words || words[act].they == NULL)
        return;
    const bool you = cli_same_name(user, cli->name);
    if (cli->call.room.len > 0 && cli_rooms_act(&cli->call) == event->act && cli_same_name(who_did(event), cli->name) &&
        cli_same_name(event->room, cli->call.room.at))
        return;
    cli_buf_text(out, "* ");
    cli_view_line(out, event->room);
    cli_buf_text(out, ": ");
    if (!given(user)) {
        seen_from_outside(out, event);
        return;
    }
    cli_view_line(out, you ? "you" : user);
    if (event->act == CONCLAVE_ACT_REVOKED && given(event->text))
        cli_buf_text(out, " revoked a device");
    else if (event->act == CONCLAVE_ACT_TOPIC && !given(event->text))
        cli_buf_text(out, " took the topic away.");
    else
        cli_buf_text(out, you ? words[act].you : words[act].they);
    if (words[act].by && given(event->by)) {
        cli_buf_text(out, " by ");
        cli_view_line(out, cli_same_name(event->by, cli->name) ? "you" : event->by);
    }
    if (event->act == CONCLAVE_ACT_TOPIC) {
        cli_view_line(out, event->text);
        return;
    }
    if (event->act == CONCLAVE_ACT_LEAVE && given(event->text)) {
        cli_buf_text(out, "; the room is now owned by ");
        cli_view_line(out, cli_same_name(event->text, cli->name) ? "you" : event->text);
    }
    if (event->act == CONCLAVE_ACT_INVITE && you) {
        cli_buf_text(out, "; /join ");
        cli_view_line(out, event->room);
        cli_buf_text(out, " enters it");
    }
    cli_buf_char(out, '.');
}

void
cli_face_rooms_gap(struct cli_buf *out, const struct conclave_event *event)
{
    const uint64_t count = event->last >= event->first ? event->last - event->first + 1 : 1;
    cli_view_line(out, event->room);
    if (count == 1)
        cli_buf_format(out, ": a message of ");
    else
        cli_buf_format(out, ": %llu messages of ", (unsigned long long)count);
    cli_view_line(out, event->from);
    if (count == 1)
        cli_buf_format(out, " is missing (number %llu).", (unsigned long long)event->first);
    else
        cli_buf_format(out, " are missing (numbers %llu to %llu).", (unsigned long long)event->first,
                       (unsigned long long)event->last);
}

static void
put_right(struct cli_buf *out, const char *text)
{
    if (!given(text))
        return;
    cli_buf_text(out, "  ");
    cli_view_line(out, text);
}

void
cli_face_rooms_list(struct cli_buf *out, const struct cli *cli, const struct conclave_event *event)
{
    int columns = 0;
    for (size_t i = 0; i < event->rooms_count && cli->call.flag; i++) {
        const int width = cli_view_width(event->rooms[i].name);
        columns = width > columns ? width : columns;
    }
    for (size_t i = 0; i < event->rooms_count; i++) {
        const struct conclave_room *const room = &event->rooms[i];
        cli_view_column(out, room->name, columns);
        if (cli->call.flag) {
            const bool closed = (room->flags & (unsigned)CONCLAVE_ROOM_PRIVATE) != 0;
            const bool locked = (room->flags & (unsigned)CONCLAVE_ROOM_LOCKED) != 0;
            const bool more = given(room->topic); /* no blanks where nothing follows */
            cli_buf_format(out, more ? "  %4llu  %-8s" : "  %4llu  %s", (unsigned long long)room->members,
                           closed ? "private" : locked ? "password" : "public");
            put_right(out, room->topic);
        }
        cli_buf_char(out, '\n');
    }
    if (event->rooms_count == 0 && cli->mode == CLI_PROMPT)
        cli_buf_text(out, "There are no rooms; /create #ROOM makes one.\n");
}

/* A script gets the topic alone. */
void
cli_face_rooms_topic(struct cli_buf *out, const struct cli *cli, const struct conclave_event *event)
{
    const char *const topic = event->rooms_count > 0 ? event->rooms[0].topic : "";
    if (event->rooms_count > 0 && cli->mode != CLI_ONESHOT) {
        cli_buf_text(out, given(topic) ? "The topic of " : "");
        cli_view_line(out, event->rooms[0].name);
        cli_buf_text(out, given(topic) ? ": " : " has no topic.\n");
    }
    if (!given(topic))
        return;
    cli_view_line(out, topic);
    cli_buf_char(out, '\n');
}

void
cli_face_rooms_members(struct cli_buf *out, const struct conclave_event *event)
{
    static const char *const roles[] = {"-", "member", "moderator", "owner"};
    int columns = 0;
    for (size_t i = 0; i < event->members_count; i++) {
        const int width = cli_view_width(event->members[i].name);
        columns = width > columns ? width : columns;
    }
    for (size_t i = 0; i < event->members_count; i++) {
        const struct conclave_member *const member = &event->members[i];
        const size_t role = (size_t)member->role;
        cli_view_column(out, member->name, columns);
        cli_buf_format(out, "  %-9s  %s", role < sizeof roles / sizeof *roles ? roles[role] : "-",
                       member->status == CONCLAVE_STATUS_ONLINE ? "online"
                       : member->status == CONCLAVE_STATUS_AWAY ? "away"
                                                                : "offline");
        put_right(out, member->muted ? "muted" : "");
        put_right(out, member->banned ? "banned" : "");
        put_right(out, member->invited ? "invited" : "");
        cli_buf_char(out, '\n');
    }
}

void
cli_face_rooms_ok(struct cli_buf *out, const struct cli *cli)
{
    const struct cli_call *const call = &cli->call;
    /* NAME stands between the first two, #ROOM between the last two. */
    static const char *const words[][3] = {
        [CONCLAVE_ACT_CREATE] = {"You made ", "", "."},
        [CONCLAVE_ACT_JOIN] = {"You are in ", "", "."},
        [CONCLAVE_ACT_LEAVE] = {"You left ", "", "."},
        [CONCLAVE_ACT_INVITE] = {"", " is invited to ", "."},
        [CONCLAVE_ACT_KICK] = {"", " is out of ", "."},
        [CONCLAVE_ACT_BAN] = {"", " is banned from ", "."},
        [CONCLAVE_ACT_UNBAN] = {"", " is no longer banned from ", "."},
        [CONCLAVE_ACT_MUTE] = {"", " is muted in ", "."},
        [CONCLAVE_ACT_UNMUTE] = {"", " is no longer muted in ", "."},
        [CONCLAVE_ACT_PROMOTE] = {"", " is a moderator of ", "."},
        [CONCLAVE_ACT_DEMOTE] = {"", " is a plain member of ", "."},
        [CONCLAVE_ACT_TOPIC] = {"The topic of ", "", " is set."},
        [CONCLAVE_ACT_DELETE] = {"", "", " is deleted."},
    };
    const size_t act = (size_t)cli_rooms_act(call);
    if (act >= sizeof words / sizeof *words || words[act][0] == NULL)
        return;
    if (act == CONCLAVE_ACT_TOPIC && call->text_len == 0) {
        cli_view_line(out, call->room.at);
        cli_buf_text(out, " has no topic now.");
        return;
    }
    cli_buf_text(out, words[act][0]);
    if (call->name != NULL)
        cli_view_line(out, call->name);
    cli_buf_text(out, words[act][1]);
    cli_view_line(out, call->room.at);
    cli_buf_text(out, words[act][2]);
    if (cli->mode == CLI_PROMPT && (act == CONCLAVE_ACT_CREATE || act == CONCLAVE_ACT_JOIN) && !cli_same_name(cli->focus, call->room.at)) {
        cli_buf_text(out, " /chat ");
        cli_view_line(out, call->room.at);
        cli_buf_text(out, " talks there.");
    }
    if (act == CONCLAVE_ACT_JOIN && call->topic.len > 0) {
        cli_buf_text(out, "\nTopic: ");
        cli_view_line(out, call->topic.at);
    }
}
