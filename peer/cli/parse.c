/* From a line, or from the words of a command line, to a call. */
#include "peer/cli/parse.h"

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

/* The one command whose words are not cut: on a line, its text is the rest of
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
cli_parse_topic(struct cli_call *call)
{
    if (call->words_count == 0)
        return true;
    call->name = call->words[0][0] == '/' ? call->words[0] + 1 : call->words[0];
    return call->words_count == 1;
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
    if (fits && call->as_slash && call->command->parse != cli_parse_say) {
        char *at = call->line.at;
        for (char *word; call->words_count <= CLI_WORDS_MAX && (word = cut(&at)) != NULL; call->words_count++)
            if (call->words_count < CLI_WORDS_MAX)
                call->words[call->words_count] = word;
    }
    fits = fits && (call->words_count <= CLI_WORDS_MAX || call->command->parse == cli_parse_say);
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
    if (len > 0 && line[0] == '@') {
        cli_buf_add(&call->line, line, len);
        return say(call, why);
    }
    if (literal || blank == len || line[blank] != '/') {
        if (focus == NULL || focus[0] == '\0') {
            cli_buf_text(why, "A command begins with a slash: /msg NAME TEXT, or /help.");
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
    cli_buf_add(&call->line, line + end, len - end);
    call->command = cli_commands_find(line + 1, end - 1, true);
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
    if (call->command->parse == cli_parse_say)
        for (int i = first + 1; i < count; i++)
            cli_buf_format(&call->line, "%s%s", i > first + 1 ? " " : "", words[i]);
    return understand(call, why);
}

void
cli_commands_wipe(struct cli_call *call)
{
    cli_buf_wipe(&call->word);
    cli_buf_wipe(&call->line);
    *call = (struct cli_call){0};
}
