/* From a line, or from the words of a command line, to a call. */
#include "peer/cli/parse.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Cuts the next word out of *at; NULL when there is none. */
static char *
cut(char **at)
{
    char *word = *at;
    while (is_blank(*word))
        word++;
    if (*word == '\0')
        return NULL;
    char *end = word;
    while (*end != '\0' && !is_blank(*end))
        end++;
    if (*end != '\0')
        *end++ = '\0';
    *at = end;
    return word;
}

static const char *
without_at(const char *name)
{
    return name[0] == '@' ? name + 1 : name;
}

bool
cli_parse_nothing(struct cli_call *call)
{
    return call->words_count == 0;
}

bool
cli_parse_name(struct cli_call *call)
{
    if (call->words_count != 1)
        return false;
    call->name = without_at(call->words[0]);
    return call->name[0] != '\0';
}

bool
cli_parse_focus(struct cli_call *call)
{
    return call->words_count == 0 || cli_parse_name(call);
}

/* Blanks alone are no text. */
static bool
set_text(struct cli_call *call, const char *text, size_t len)
{
    call->text = text;
    call->text_len = len;
    return call->name[0] != '\0' && text[strspn(text, " \t")] != '\0';
}

/* The words of a message are not cut: on a line, its text is the rest of
 * it as it stands.  Words of a command line were put together by then. */
bool
cli_parse_say(struct cli_call *call)
{
    if (!call->as_slash) {
        if (call->words_count < 2)
            return false;
        call->name = without_at(call->words[0]);
        call->from_stdin = strcmp(call->line.at, "-") == 0;
        return set_text(call, call->line.at, call->line.len);
    }
    char *at = call->line.at;
    const char *const name = cut(&at);
    if (name == NULL)
        return false;
    call->name = without_at(name);
    return set_text(call, at, call->line.len - (size_t)(at - call->line.at));
}

bool
cli_parse_forget(struct cli_call *call)
{
    call->flag = call->words_count == 1 && strcmp(call->words[0], "--forget") == 0;
    return call->words_count == 0 || call->flag;
}

bool
cli_parse_detailed(struct cli_call *call)
{
    call->flag = call->words_count == 1 &&
                 (strcmp(call->words[0], "-d") == 0 || strcmp(call->words[0], "--detailed") == 0);
    return call->words_count == 0 || call->flag;
}

bool
cli_parse_rooms(struct cli_call *call)
{
    for (size_t i = 0; i < call->words_count && i < CLI_WORDS_MAX; i++) {
        const char *const word = call->words[i];
        if (strcmp(word, "-d") == 0 || strcmp(word, "--detailed") == 0)
            call->flag = true;
        else if (call->watch == 0 && strcmp(word, "--watch") == 0)
            call->watch = 1;
        else if (call->watch == 0 && strcmp(word, "--no-watch") == 0)
            call->watch = -1;
        else
            return false;
    }
    return call->words_count <= 2;
}

/* A decimal number above 0. */
static bool
read_number(uint64_t *number, const char *text)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || !isdigit((unsigned char)text[0]) || *end != '\0' || value == 0)
        return false;
    *number = value;
    return true;
}

bool
cli_parse_devices(struct cli_call *call)
{
    if (call->words_count == 0)
        return true;
    call->flag = true;
    return call->words_count == 2 && strcmp(call->words[0], "revoke") == 0 &&
           read_number(&call->number, call->words[1]);
}

bool
cli_parse_count(struct cli_call *call)
{
    if (call->words_count == 0)
        return true;
    if (call->words_count == 1 && strncmp(call->words[0], "--count=", 8) == 0)
        return read_number(&call->number, call->words[0] + 8);
    return call->words_count == 2 && (strcmp(call->words[0], "--count") == 0 || strcmp(call->words[0], "-n") == 0) &&
           read_number(&call->number, call->words[1]);
}

bool
cli_parse_help(struct cli_call *call)
{
    if (call->words_count == 0)
        return true;
    call->name = call->words[0][0] == '/' ? call->words[0] + 1 : call->words[0];
    return call->words_count == 1;
}

/* Where only a room can stand its # may be left out: shells take it for the
 * beginning of a comment. */
static bool
set_room(struct cli_call *call, const char *word)
{
    if (word[0] != '#')
        cli_buf_char(&call->room, '#');
    cli_buf_text(&call->room, word);
    return call->room.len > 1;
}

/* The value of `--option VALUE` or `--option=VALUE` at words[*at]; NULL: it is
 * another word, or has none. */
static const char *
value_of(const struct cli_call *call, size_t *at, const char *option)
{
    const char *const word = call->words[*at];
    const size_t len = strlen(option);
    assert(word != NULL);
    if (strncmp(word, option, len) != 0)
        return NULL;
    if (word[len] == '=')
        return word + len + 1;
    return word[len] == '\0' && *at + 1 < call->words_count ? call->words[++*at] : NULL;
}

bool
cli_parse_join(struct cli_call *call)
{
    bool ok = true;
    for (size_t i = 0; ok && i < call->words_count; i++) {
        const char *const word = call->words[i];
        const char *const file = value_of(call, &i, "--password-file");
        if (file != NULL)
            call->file = file;
        else
            ok = call->room.len == 0 && word[0] != '-' && set_room(call, word);
    }
    return ok && call->room.len > 0;
}

bool
cli_parse_create(struct cli_call *call)
{
    bool ok = true;
    call->text = "";
    for (size_t i = 0; ok && i < call->words_count; i++) {
        const char *const word = call->words[i];
        const char *const file = value_of(call, &i, "--password-file");
        const char *const topic = file == NULL ? value_of(call, &i, "--topic") : NULL;
        if (file != NULL)
            call->file = file;
        else if (topic != NULL)
            call->text = topic;
        else if (strcmp(word, "--private") == 0)
            call->flag = true;
        else if (strcmp(word, "--history") == 0)
            call->history = true;
        else
            ok = call->room.len == 0 && word[0] != '-' && set_room(call, word);
    }
    call->text_len = strlen(call->text);
    return ok && call->room.len > 0 && !(call->flag && call->file != NULL);
}

bool
cli_parse_room(struct cli_call *call)
{
    return call->words_count == 1 && set_room(call, call->words[0]);
}

bool
cli_parse_room_name(struct cli_call *call)
{
    if (call->words_count != 2)
        return false;
    call->name = without_at(call->words[1]);
    return call->name[0] != '\0' && set_room(call, call->words[0]);
}

/* No text: what it is now is asked.  An empty one can be given as a word of its
 * own only. */
bool
cli_parse_room_text(struct cli_call *call)
{
    char *at = call->line.at;
    const char *const room = call->as_slash ? cut(&at) : call->words_count > 0 ? call->words[0] : NULL;
    if (room == NULL)
        return false;
    at += strspn(at, " \t");
    call->text_len = strlen(at);
    call->text = call->text_len > 0 || call->words_count > 1 ? at : NULL;
    return set_room(call, room);
}

/* Commands that take the rest of a line as it stands. */
static bool
takes_line(const struct cli_command *command)
{
    return command->parse == cli_parse_say || command->parse == cli_parse_room_text;
}

/* Who has typed it in a shell before puts quotes around it here, too. */
static char *
unquoted(char *text, size_t len)
{
    if (len < 3 || (*text != '\'' && *text != '"') || text[len - 1] != *text)
        return text;
    text[len - 1] = '\0';
    return text + 1;
}

/* A topic on a line: several words, up to the next option. */
static char *
cut_topic(char **at)
{
    static const char *const options[] = {"--private", "--history", "--password-file"};
    char *const topic = *at + strspn(*at, " \t");
    char *end = topic, *next = topic;
    bool option = false;
    while (*next != '\0' && !option) {
        const size_t len = strcspn(next, " \t");
        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
            const size_t n = strlen(options[i]);
            option = option || (strncmp(next, options[i], n) == 0 && (len == n || next[n] == '='));
        }
        if (!option) {
            end = next + len;
            next = end + strspn(end, " \t");
        }
    }
    *at = next;
    if (end == topic)
        return NULL;
    *end = '\0';
    return unquoted(topic, (size_t)(end - topic));
}

static void
cut_words(struct cli_call *call)
{
    char *at = call->line.at;
    bool topic = false;
    for (char *word; call->words_count <= CLI_WORDS_MAX; call->words_count++) {
        word = topic ? cut_topic(&at) : cut(&at);
        if (word == NULL)
            break;
        topic = call->command->parse == cli_parse_create && strcmp(word, "--topic") == 0;
        if (call->words_count < CLI_WORDS_MAX)
            call->words[call->words_count] = word;
    }
}

/* Cuts the words, unless the command takes the rest of the line. */
static enum conclave_err
understand(struct cli_call *call, struct cli_buf *why)
{
    bool fits = strlen(call->line.at) == call->line.len; /* no NUL */
    bool clean = u8_check((const uint8_t *)call->line.at, call->line.len) == NULL;
    for (size_t i = 0; i < call->words_count && i < CLI_WORDS_MAX; i++)
        clean = clean && u8_check((const uint8_t *)call->words[i], strlen(call->words[i])) == NULL;
    if (fits && !clean) {
        cli_buf_text(why, "That is not UTF-8.");
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    if (fits && call->as_slash && !takes_line(call->command))
        cut_words(call);
    fits = fits && (call->words_count <= CLI_WORDS_MAX || takes_line(call->command));
    if (fits && call->command->parse(call))
        return CONCLAVE_OK;
    cli_buf_text(why, "Usage: ");
    cli_commands_usage(why, call->command, call->as_slash);
    return CONCLAVE_ERR_BAD_ARGUMENTS;
}

static enum conclave_err
unknown(const struct cli_call *call, struct cli_buf *why)
{
    const char *const slash = call->as_slash ? "/" : "";
    const char *const nearest = cli_commands_nearest(call->word.at, call->as_slash);
    cli_buf_format(why, "There is no command %s%s", slash, call->word.at);
    if (nearest != NULL)
        cli_buf_format(why, "; did you mean %s%s?", slash, nearest);
    else
        cli_buf_format(why, "; %shelp lists them.", slash);
    return CONCLAVE_ERR_UNKNOWN_COMMAND;
}

static void
set_word(struct cli_call *call, const char *word, size_t len)
{
    cli_buf_clear(&call->word);
    cli_buf_add(&call->word, "", 0);
    for (size_t i = 0; i < len; i++)
        cli_buf_char(&call->word, word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] - 'A' + 'a') : word[i]);
}

/* `NAME TEXT` is to be said. */
static enum conclave_err
say(struct cli_call *call, struct cli_buf *why)
{
    call->command = cli_commands_find("msg", 3, true);
    set_word(call, "msg", 3);
    return understand(call, why);
}

/* Words in a text. */
static size_t
count_words(const char *text, size_t len)
{
    size_t words = 0;
    for (size_t i = 0; i < len; i++)
        words += !is_blank(text[i]) && (i == 0 || is_blank(text[i - 1]));
    return words;
}

/* True when the room that plain lines go to is meant: the command wants one
 * and its other words are all there.  Not for what cannot be undone. */
static bool
means_focus(const struct cli_call *call, const char *focus, const char *rest, size_t len)
{
    if (focus == NULL || focus[0] != '#' || call->command == NULL || strcmp(call->command->name, "delete") == 0)
        return false;
    const size_t words = count_words(rest, len);
    if (call->command->parse == cli_parse_room_text) { /* a topic may speak of rooms, behind its first word */
        while (len > 0 && is_blank(*rest))
            rest++, len--;
        return len == 0 || *rest != '#';
    }
    if (memchr(rest, '#', len) != NULL)
        return false;
    return ((call->command->parse == cli_parse_room || call->command->parse == cli_parse_join) && words == 0)
           || (call->command->parse == cli_parse_room_name && words == 1);
}

enum conclave_err
cli_commands_parse_line(struct cli_call *call, const char *line, size_t len, const char *focus, struct cli_buf *why)
{
    *call = (struct cli_call){.as_slash = true};
    set_word(call, "", 0);
    cli_buf_add(&call->line, "", 0);
    if (len > 0 && line[len - 1] == '\r')
        len--;
    size_t blank = 0;
    while (blank < len && is_blank(line[blank]))
        blank++;
    const bool literal = len > 1 && line[0] == '/' && line[1] == '/';
    /* "# heading" is a text, "#lab hi" goes to a room; a space before it makes
     * a text of anything. */
    if (len > 0 && (line[0] == '@' || (line[0] == '#' && len > 1 && !is_blank(line[1])))) {
        cli_buf_add(&call->line, line, len);
        return say(call, why);
    }
    if (literal || blank == len || line[blank] != '/') {
        if (focus == NULL || focus[0] == '\0') {
            cli_buf_text(why, "A command begins with a slash; /chat NAME or /chat #ROOM says where plain lines go.");
            return CONCLAVE_ERR_BAD_ARGUMENTS;
        }
        cli_buf_format(&call->line, "%s ", focus);
        cli_buf_add(&call->line, line + literal, len - literal);
        return say(call, why);
    }
    if (blank > 0) {
        cli_buf_text(why, "Nothing was sent: that looks like a command behind a space. Take the space away, "
                          "or begin with // to send a slash.");
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    size_t end = 1;
    while (end < len && !is_blank(line[end]))
        end++;
    set_word(call, line + 1, end - 1);
    call->command = cli_commands_find(line + 1, end - 1, true);
    if (means_focus(call, focus, line + end, len - end))
        cli_buf_format(&call->line, " %s", focus);
    cli_buf_add(&call->line, line + end, len - end);
    return call->command != NULL ? understand(call, why) : unknown(call, why);
}

enum conclave_err
cli_commands_parse_words(struct cli_call *call, int count, char **words, struct cli_buf *why)
{
    *call = (struct cli_call){0};
    set_word(call, words[0], strlen(words[0]));
    call->command = cli_commands_find(words[0], strlen(words[0]), false);
    if (call->command == NULL)
        return unknown(call, why);
    int first = 1;
    if (count > 1 && strcmp(words[1], "--") == 0)
        first = 2;
    /* They may hold spaces, so they are not cut again. */
    call->words_count = count - first > CLI_WORDS_MAX ? CLI_WORDS_MAX + 1 : (size_t)(count - first);
    for (int i = first; i < count && i - first < CLI_WORDS_MAX; i++)
        call->words[i - first] = words[i];
    cli_buf_add(&call->line, "", 0);
    if (takes_line(call->command))
        for (int i = first + 1; i < count; i++)
            cli_buf_format(&call->line, "%s%s", i > first + 1 ? " " : "", words[i]);
    return understand(call, why);
}

void
cli_commands_wipe(struct cli_call *call)
{
    cli_buf_wipe(&call->word);
    cli_buf_wipe(&call->line);
    cli_buf_wipe(&call->room);
    cli_buf_wipe(&call->topic);
    *call = (struct cli_call){0};
}
