/* The table of commands, their help, and the search for a name. */
#include "peer/cli/commands.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "peer/cli/actions.h"
#include "peer/cli/parse.h"

const struct cli_command cli_commands[] = {
    {"register", "", "", "sign up with a name and a password",
     "Makes an account at the registry and enrols this device. The name comes from -u; the password "
     "from --password-file, --password-fd or CONCLAVE_PASSWORD; what is missing is asked for on a terminal.",
     "conclave -u alice register", CLI_ANYWHERE, CLI_NEEDS_NOTHING, cli_parse_nothing, cli_action_register},
    {"login", "", "", "log in: by this device's key, or enrol it",
     "An enrolled device logs in by its key. A new one is enrolled with the name and the password of the account.",
     "conclave -u alice login", CLI_ANYWHERE, CLI_NEEDS_NOTHING, cli_parse_nothing, cli_action_login},
    {"logout", "", "[--forget]", "log out, and stay so until the next login",
     "With --forget the registry also forgets this device: the next login needs name and password again.",
     "conclave logout", CLI_ANYWHERE, CLI_NEEDS_TRY, cli_parse_forget, cli_action_logout},
    {"passwd", "", "", "change the password",
     "The old one comes from where passwords come from; the new one from CONCLAVE_NEW_PASSWORD, or is asked twice on "
     "a terminal, or is the first line of stdin where that is none.",
     "conclave passwd", CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_nothing, cli_action_passwd},
    {"passphrase", "", "", "lock this device's key file with a passphrase",
     "The new passphrase comes from CONCLAVE_NEW_PASSPHRASE, or is asked twice; an empty one unlocks the file. From "
     "then on it is asked for at each start, or comes from CONCLAVE_PASSPHRASE.",
     "conclave passphrase", CLI_ANYWHERE, CLI_NEEDS_NOTHING, cli_parse_nothing, cli_action_passphrase},
    {"devices", "", "[revoke ID]", "list the devices of the account, or revoke one",
     "A device that was revoked is shut out for good. ID is the number in the list.", "conclave devices revoke 2",
     CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_devices, cli_action_devices},
    {"delete-account", "", "", "delete the account and all its devices",
     "On a terminal the name has to be typed once more. There is no way back, and the name becomes free.",
     "conclave delete-account", CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_nothing, cli_action_delete_account},
    {"who", "activeuser", "[-d]", "list who is online",
     "Names; with -d also where they can be reached.", "conclave who -d", CLI_ANYWHERE, CLI_NEEDS_ONLINE,
     cli_parse_detailed, cli_action_who},
    {"search", "", "NAME", "look for one person",
     "Says whether NAME is online and where, offline, or not found.", "conclave search bob", CLI_ANYWHERE,
     CLI_NEEDS_ONLINE, cli_parse_name, cli_action_search},
    {"block", "", "NAME", "refuse to be reached by NAME",
     "Neither introductions nor messages of NAME get through any more.", "conclave block mallory", CLI_ANYWHERE,
     CLI_NEEDS_TRY, cli_parse_name, cli_action_block},
    {"unblock", "", "NAME", "let NAME reach you again", "Undoes block.", "conclave unblock mallory", CLI_ANYWHERE,
     CLI_NEEDS_TRY, cli_parse_name, cli_action_unblock},
    {"trust", "", "NAME", "accept the new keys of NAME",
     "For when somebody's keys have changed and they confirmed it over another channel.", "conclave trust bob",
     CLI_ANYWHERE, CLI_NEEDS_TRY, cli_parse_name, cli_action_trust},
    {"away", "", "", "show yourself as away", "Lasts until back, or until the session ends.", "/away", CLI_AS_SLASH,
     CLI_NEEDS_ONLINE, cli_parse_nothing, cli_action_away},
    {"back", "", "", "show yourself as online again", "Undoes away.", "/back", CLI_AS_SLASH, CLI_NEEDS_ONLINE,
     cli_parse_nothing, cli_action_back},
    {"send", "", "NAME TEXT", "send a message and wait until it is delivered",
     "NAME may be a #ROOM, which a shell wants quoted. Words of TEXT are joined by spaces; as a command, a TEXT of - "
     "is read from stdin. Ends with 0 once the other side, or for a room the registry, has it on disk, and with 5 when "
     "it did not within --timeout: then it waits in the outbox, and goes out when it can.",
     "conclave send bob 'dinner at eight?'", CLI_ANYWHERE, CLI_NEEDS_TRY, cli_parse_say, cli_action_send},
    {"msg", "msgto groupmsg", "NAME TEXT", "send a message",
     "TEXT is the rest of the line, NAME may be a #ROOM. @NAME TEXT is short for it.", "/msg bob dinner at eight?", CLI_AS_SLASH,
     CLI_NEEDS_TRY, cli_parse_say, cli_action_send},
    {"chat", "query", "[NAME | #ROOM]", "talk to NAME or in a room: plain lines go there",
     "Without either plain lines go nowhere again.", "/chat bob", CLI_AS_SLASH, CLI_NEEDS_ACCOUNT, cli_parse_focus,
     cli_action_chat},
    {"recv", "", "[--count N]", "print messages, those that waited first",
     "Ends after N messages or after --timeout, where these are given. What was printed counts as read. In a session "
     "messages come by themselves.",
     "conclave recv --count 1", CLI_ANYWHERE, CLI_NEEDS_ACCOUNT, cli_parse_count, cli_action_recv},
    {"create", "creategroup", "#ROOM [--private | --password-file FILE] [--history] [--topic TEXT]", "make a room, and own it",
     "Anybody may list and join it; with --private only who is invited, with --password-file only who knows its first "
     "line. With --history whoever joins later may read what was said before. In a shell the # has to be quoted, or "
     "left out.",
     "conclave create '#lab' --topic 'what we measure'", CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_create,
     cli_action_create},
    {"join", "joingroup", "#ROOM [--password-file FILE]", "enter a room",
     "The password of a room that has one comes from the file, or is asked for on a terminal.", "conclave join '#lab'",
     CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_join, cli_action_join},
    {"leave", "part", "#ROOM", "leave a room", "What is said there from then on is not for you.", "conclave leave '#lab'",
     CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_room, cli_action_room},
    {"rooms", "list", "[-d] [--watch | --no-watch]", "list the rooms, or follow which there are",
     "Names; with -d also how many are in each, who may join, and the topic. In a session --watch also tells, from then "
     "on and until --no-watch or its end, of each public room that comes, goes or has another topic.",
     "conclave rooms -d", CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_rooms, cli_action_rooms},
    {"members", "names", "#ROOM", "list who is in a room", "Names, roles, and who is online.", "conclave members '#lab'",
     CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_room, cli_action_members},
    {"topic", "", "#ROOM [TEXT]", "show or say what a room is about",
     "Saying it is for its owner and its moderators. A shell takes it away with an empty TEXT: ''.",
     "conclave topic '#lab' 'what we measured'", CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_room_text, cli_action_topic},
    {"invite", "", "#ROOM NAME", "let NAME into a room",
     "Undoes a ban, too. In a private room it takes the owner or a moderator.", "conclave invite '#lab' bob",
     CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_room_name, cli_action_room},
    {"kick", "", "#ROOM NAME", "put NAME out of a room",
     "For the owner and moderators. What is said from then on is sealed with keys that NAME never gets.",
     "conclave kick '#lab' mallory", CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_room_name, cli_action_room},
    {"ban", "", "#ROOM NAME", "put NAME out of a room for good", "As kick, and NAME cannot come back.",
     "conclave ban '#lab' mallory", CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_room_name, cli_action_room},
    {"unban", "", "#ROOM NAME", "let NAME join again", "Undoes ban.", "conclave unban '#lab' mallory", CLI_ANYWHERE,
     CLI_NEEDS_ONLINE, cli_parse_room_name, cli_action_room},
    {"mute", "", "#ROOM NAME", "let NAME read, and not speak", "For the owner and moderators.",
     "conclave mute '#lab' bob", CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_room_name, cli_action_room},
    {"unmute", "", "#ROOM NAME", "let NAME speak again", "Undoes mute.", "conclave unmute '#lab' bob", CLI_ANYWHERE,
     CLI_NEEDS_ONLINE, cli_parse_room_name, cli_action_room},
    {"op", "", "#ROOM NAME", "make NAME a moderator", "For the owner.", "conclave op '#lab' bob", CLI_ANYWHERE,
     CLI_NEEDS_ONLINE, cli_parse_room_name, cli_action_room},
    {"deop", "", "#ROOM NAME", "make NAME a plain member again", "Undoes op.", "conclave deop '#lab' bob",
     CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_room_name, cli_action_room},
    {"delete", "", "#ROOM", "delete a room", "For its owner. Everybody is out, and the name is free again.",
     "conclave delete '#lab'", CLI_ANYWHERE, CLI_NEEDS_ONLINE, cli_parse_room, cli_action_room},
    {"stats", "", "", "show how this device is connected, and what waits",
     "The session; how many devices of people are reached directly, through the registry, or by mail; messages that "
     "wait in the outbox; gaps that were repaired, or shown as missing; traffic, and what was refused. As a command "
     "it logs in first, and has counted since then.",
     "conclave stats", CLI_ANYWHERE, CLI_NEEDS_TRY, cli_parse_nothing, cli_action_stats},
    {"help", "", "[COMMAND | all]", "list the commands, or explain one",
     "In a session without COMMAND their names alone; with all a line about each.", "conclave help send", CLI_ANYWHERE,
     CLI_NEEDS_NOTHING, cli_parse_help, cli_action_help},
    {"quit", "exit", "", "leave", "The others see you offline at once.", "/quit", CLI_ANYWHERE, CLI_NEEDS_NOTHING,
     cli_parse_nothing, cli_action_quit},
};
const size_t cli_commands_count = sizeof cli_commands / sizeof *cli_commands;

static bool
is_word_of(const char *words, const char *name, size_t len)
{
    while (*words != '\0') {
        const size_t n = strcspn(words, " ");
        if (n == len && strncasecmp(words, name, len) == 0)
            return true;
        words += n;
        words += strspn(words, " ");
    }
    return false;
}

static bool
is_there(const struct cli_command *command, bool as_slash)
{
    return (command->where & (as_slash ? CLI_AS_SLASH : CLI_AS_COMMAND)) != 0;
}

const struct cli_command *
cli_commands_find(const char *name, size_t len, bool as_slash)
{
    for (size_t i = 0; len > 0 && i < cli_commands_count; i++) {
        const struct cli_command *const command = &cli_commands[i];
        if (!is_there(command, as_slash))
            continue;
        if (strlen(command->name) == len && strncasecmp(command->name, name, len) == 0)
            return command;
        if (as_slash && is_word_of(command->aliases, name, len))
            return command;
    }
    return NULL;
}

/* How many letters have to be added, taken, changed or swapped with the next
 * one to make a into b. */
static size_t
distance(const char *a, const char *b)
{
    enum { MAX = 24 };
    const size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len >= MAX || b_len >= MAX)
        return MAX;
    size_t d[MAX][MAX];
    for (size_t i = 0; i <= a_len; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= b_len; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = d[i - 1][j - 1] + (strncasecmp(a + i - 1, b + j - 1, 1) != 0);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[a_len][b_len];
}

const char *
cli_commands_nearest(const char *name, bool as_slash)
{
    const char *nearest = NULL;
    const size_t len = strlen(name);
    size_t best = len < 4 ? 2 : len < 7 ? 3 : 4; /* a word must share more than it lacks */
    for (size_t i = 0; len > 0 && i < cli_commands_count; i++) {
        if (!is_there(&cli_commands[i], as_slash))
            continue;
        const char *const candidate = cli_commands[i].name;
        size_t far = distance(name, candidate);
        if (len >= 3 && strncasecmp(name, candidate, len) == 0)
            far = 1; /* the beginning of it */
        if (far < best) {
            best = far;
            nearest = candidate;
        }
    }
    return nearest;
}

void
cli_commands_usage(struct cli_buf *out, const struct cli_command *command, bool as_slash)
{
    cli_buf_format(out, "%s%s%s%s", as_slash ? "/" : "conclave ", command->name, command->synopsis[0] ? " " : "",
                   command->synopsis);
}

#define USAGE_COLUMNS 22
#define INDENT "                         " /* as far as the summaries stand */
#define COLUMNS 78u                         /* of text: some terminals have no more */

/* Adds words up to the end of the line, or on a next one behind `indent`. */
static void
put_words(struct cli_buf *out, size_t *column, const char *indent, const char *text)
{
    while (*text != '\0') {
        const size_t len = strcspn(text, " ");
        const bool first = *column == strlen(indent);
        if (!first && *column + 1 + len > COLUMNS) {
            cli_buf_format(out, "\n%s", indent);
            *column = strlen(indent);
        } else if (!first) {
            cli_buf_char(out, ' ');
            *column += 1;
        }
        cli_buf_add(out, text, len);
        *column += len;
        text += len;
        text += strspn(text, " ");
    }
}

void
cli_commands_index(struct cli_buf *out)
{
    static const struct {
        const char *first; /* the commands from this one on, as the table has them */
        const char *title; /* as wide as the indent */
    } topics[] = {{"register", "Account   "}, {"who", "People    "}, {"send", "Messages  "},
                  {"create", "Rooms     "},   {"stats", "Program   "}};
    static const char indent[] = "          ";
    size_t column = 0;
    for (size_t i = 0; i < cli_commands_count; i++) {
        if (!is_there(&cli_commands[i], true))
            continue;
        for (size_t t = 0; t < sizeof topics / sizeof *topics; t++) {
            if (strcmp(topics[t].first, cli_commands[i].name) != 0)
                continue;
            cli_buf_format(out, "%s%s", i > 0 ? "\n" : "", topics[t].title);
            column = strlen(indent);
        }
        char word[32];
        (void)snprintf(word, sizeof word, "/%s", cli_commands[i].name);
        put_words(out, &column, indent, word);
    }
    cli_buf_text(out, "\n\n/help COMMAND explains one; /help all has a line about each.\n"
                      "@NAME TEXT sends to a person, #ROOM TEXT into a room. After /chat NAME or\n"
                      "/chat #ROOM plain lines go there, and //TEXT is one that begins with a slash.\n");
}

void
cli_commands_help(struct cli_buf *out, bool as_slash)
{
    for (size_t i = 0; i < cli_commands_count; i++) {
        const struct cli_command *const command = &cli_commands[i];
        if (!is_there(command, as_slash))
            continue;
        struct cli_buf usage = {0};
        cli_buf_format(&usage, "%s%s %s", as_slash ? "/" : "", command->name, command->synopsis);
        /* What does not fit into the column has a line of its own. */
        const bool fits = usage.len <= USAGE_COLUMNS;
        cli_buf_format(out, "  %-*s%s%s\n", USAGE_COLUMNS, usage.at, fits ? " " : "\n" INDENT, command->summary);
        cli_buf_wipe(&usage);
    }
    if (as_slash)
        cli_buf_text(out, "  @NAME TEXT             short for /msg NAME TEXT\n"
                          "  #ROOM TEXT             short for /msg #ROOM TEXT\n"
                          "  //TEXT                 in a chat: TEXT with one slash before it\n");
}

/* As it is typed in a shell, or with a slash: from the name of the command on,
 * and without the shell's quotes. */
static void
put_example(struct cli_buf *out, const struct cli_command *command, bool as_slash)
{
    const char *const at = as_slash && command->example[0] != '/' ? strstr(command->example, command->name) : NULL;
    if (at != NULL)
        cli_buf_char(out, '/');
    for (const char *c = at != NULL ? at : command->example; *c != '\0'; c++)
        if (at == NULL || *c != '\'')
            cli_buf_char(out, *c);
}

void
cli_commands_help_one(struct cli_buf *out, const struct cli_command *command, bool as_slash)
{
    const bool slash = as_slash && (command->where & CLI_AS_SLASH);
    size_t column = 0;
    cli_commands_usage(out, command, slash);
    cli_buf_format(out, "\n  %s\n", command->summary);
    if (command->help[0] != '\0') {
        cli_buf_char(out, '\n');
        put_words(out, &column, "", command->help);
        cli_buf_char(out, '\n');
    }
    if (command->aliases[0] != '\0') {
        cli_buf_text(out, "\nAlso: /");
        for (const char *c = command->aliases; *c != '\0'; c++)
            cli_buf_text(out, *c == ' ' ? ", /" : (const char[]){*c, '\0'});
        cli_buf_char(out, '\n');
    }
    cli_buf_text(out, "\nExample: ");
    put_example(out, command, slash);
    cli_buf_char(out, '\n');
}
