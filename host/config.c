/* Reads the ZeroMQ Property Language (RFC 4) against a table of options.
 * CZMQ's zconfig reads it too, but knows no line numbers and prints its own
 * errors; this reader says FILE:LINE and a sentence, and takes any bytes. */
#include "host/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDENT 4u /* spaces a level, says RFC 4 */
#define PATH_MAX_BYTES 128u
#define VALUE_MAX_BYTES 1024u
#define FILE_MAX_BYTES (256u << 10)
#define OPTIONS_MAX 128u

struct reader {
    void *settings;
    const struct host_option *options;
    size_t count;
    const char *file;
    unsigned line;
    char *why;
    size_t why_cap;
    char section[PATH_MAX_BYTES]; /* "limits", or "" at the top */
    bool given[OPTIONS_MAX];
};

static enum conclave_err __attribute__((format(printf, 2, 3)))
refuse(struct reader *self, const char *format, ...)
{
    va_list args;
    char sentence[512];

    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    snprintf(self->why, self->why_cap, "%s:%u: %s", self->file, self->line, sentence);
    return CONCLAVE_ERR_CONFIG;
}

static void *
place(void *settings, const struct host_option *option)
{
    return (uint8_t *)settings + option->offset;
}

/* The index of a word in "anyone|contacts|never"; false: it is none of them. */
static bool
find_choice(const char *choices, const char *word, uint64_t *index)
{
    const size_t len = strlen(word);

    *index = 0;
    for (const char *at = choices; *at != '\0'; ++*index) {
        const size_t n = strcspn(at, "|");
        if (n == len && memcmp(at, word, n) == 0)
            return true;
        at += n;
        at += *at == '|';
    }
    return false;
}

static bool
parse_number(const char *text, uint64_t *number)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false; /* strtoull would take a sign, and blanks */
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool
parse_bool(const char *text, bool *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return true;
        }
    return false;
}

static enum conclave_err
set(struct reader *self, const struct host_option *option, const char *value)
{
    uint64_t number;
    bool flag;

    switch (option->kind) {
    case HOST_OPTION_TEXT:
        if (strlen(value) >= option->max)
            return refuse(self, "%s is longer than %llu bytes.", option->path,
                          (unsigned long long)option->max - 1);
        memset(place(self->settings, option), 0, option->max);
        memcpy(place(self->settings, option), value, strlen(value));
        return CONCLAVE_OK;
    case HOST_OPTION_NUMBER:
        if (!parse_number(value, &number) || number < option->min || number > option->max)
            return refuse(self, "%s is a number from %llu to %llu, not \"%s\".", option->path,
                          (unsigned long long)option->min, (unsigned long long)option->max, value);
        memcpy(place(self->settings, option), &number, sizeof number);
        return CONCLAVE_OK;
    case HOST_OPTION_BOOL:
        if (!parse_bool(value, &flag))
            return refuse(self, "%s is true or false, not \"%s\".", option->path, value);
        memcpy(place(self->settings, option), &flag, sizeof flag);
        return CONCLAVE_OK;
    case HOST_OPTION_CHOICE:
        if (!find_choice(option->choices, value, &number))
            return refuse(self, "%s is one of %s, not \"%s\".", option->path, option->choices,
                          value);
        memcpy(place(self->settings, option), &number, sizeof number);
        return CONCLAVE_OK;
    }
    return CONCLAVE_ERR_INTERNAL;
}

void
host_config_preset(void *settings, const struct host_option *options, size_t count)
{
    char why[512] = "";
    struct reader self = {.settings = settings, .file = "preset", .why = why, .why_cap = sizeof why};

    assert(count <= OPTIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        const enum conclave_err err = set(&self, &options[i], options[i].preset);
        assert(err == CONCLAVE_OK);
        (void)err; /* without asserts */
    }
}

static bool
is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-' || c == '.';
}

/* A line without its end, its indent and its comment, in parts. */
struct line {
    unsigned level;
    char name[PATH_MAX_BYTES];
    bool has_value;
    char value[VALUE_MAX_BYTES];
};

static size_t
skip_blanks(struct msg_text text, size_t at)
{
    while (at < text.len && (text.at[at] == ' ' || text.at[at] == '\t'))
        at++;
    return at;
}

/* The value behind "=": quoted, or up to a comment or the end. */
static enum conclave_err
read_value(struct reader *self, struct msg_text text, size_t at, struct line *line)
{
    const char quote = at < text.len ? text.at[at] : '\0';
    size_t end;

    if (quote == '"' || quote == '\'') {
        at++;
        for (end = at; end < text.len && text.at[end] != quote; end++)
            ;
        if (end == text.len)
            return refuse(self, "The quote is not closed.");
        const size_t rest = skip_blanks(text, end + 1);
        if (rest < text.len && text.at[rest] != '#')
            return refuse(self, "There is text behind the closing quote.");
    } else {
        for (end = at; end < text.len && text.at[end] != '#'; end++)
            ;
        while (end > at && (text.at[end - 1] == ' ' || text.at[end - 1] == '\t'))
            end--;
    }
    if (end - at >= sizeof line->value)
        return refuse(self, "The value is longer than %zu bytes.", sizeof line->value - 1);
    if (memchr(text.at + at, '\0', end - at) != NULL)
        return refuse(self, "There is a NUL byte in the value.");
    msg_text_copy(line->value, sizeof line->value, (struct msg_text){text.at + at, end - at});
    line->has_value = true;
    return CONCLAVE_OK;
}

/* CONCLAVE_ERR_NOT_FOUND: nothing but blanks or a comment. */
static enum conclave_err
read_line(struct reader *self, struct msg_text text, struct line *line)
{
    size_t at = 0;

    memset(line, 0, sizeof *line);
    if (text.len > 0 && text.at[text.len - 1] == '\r')
        text.len--;
    const size_t first = skip_blanks(text, 0);
    if (first == text.len || text.at[first] == '#')
        return CONCLAVE_ERR_NOT_FOUND;
    while (at < text.len && text.at[at] == ' ')
        at++;
    if (at != first)
        return refuse(self, "Indent with spaces, not with tabs.");
    if (at % INDENT != 0)
        return refuse(self, "Indent by %u spaces for each level, not by %zu.", INDENT, at);
    line->level = (unsigned)(at / INDENT);
    size_t end = at;
    while (end < text.len && is_name(text.at[end]))
        end++;
    if (end == at || end - at >= sizeof line->name)
        return refuse(self, "A line is \"name = value\" or the name of a section.");
    msg_text_copy(line->name, sizeof line->name, (struct msg_text){text.at + at, end - at});
    at = skip_blanks(text, end);
    if (at == text.len || text.at[at] == '#')
        return CONCLAVE_OK;
    if (text.at[at] != '=')
        return refuse(self, "A line is \"name = value\" or the name of a section.");
    return read_value(self, text, skip_blanks(text, at + 1), line);
}

static bool
is_section(const struct reader *self, const char *name)
{
    const size_t len = strlen(name);

    for (size_t i = 0; i < self->count; i++)
        if (strncmp(self->options[i].path, name, len) == 0 && self->options[i].path[len] == '/')
            return true;
    return false;
}

static enum conclave_err
take(struct reader *self, const struct line *line)
{
    char path[2 * PATH_MAX_BYTES];

    if (line->level > 1 || (line->level == 1 && self->section[0] == '\0'))
        return refuse(self, "\"%s\" is indented below no section.", line->name);
    if (line->level == 0)
        self->section[0] = '\0';
    if (line->level == 0 && !line->has_value && is_section(self, line->name)) {
        memcpy(self->section, line->name, sizeof self->section);
        return CONCLAVE_OK;
    }
    snprintf(path, sizeof path, "%s%s%s", self->section, line->level == 1 ? "/" : "", line->name);
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->options[i].path, path) != 0)
            continue;
        if (!line->has_value)
            return refuse(self, "%s has no value.", path);
        if (self->given[i])
            return refuse(self, "%s is given twice.", path);
        self->given[i] = true;
        return set(self, &self->options[i], line->value);
    }
    if (line->level == 0 && line->has_value && is_section(self, line->name))
        return refuse(self, "%s is a section; its options stand below it, indented.", path);
    return refuse(self, "There is no option %s.", path);
}

enum conclave_err
host_config_read(void *settings, const struct host_option *options, size_t count,
                 struct msg_text text, const char *file, char *why, size_t why_cap)
{
    struct reader self = {.settings = settings,
                          .options = options,
                          .count = count,
                          .file = file,
                          .why = why,
                          .why_cap = why_cap};
    struct line line;

    assert(count <= OPTIONS_MAX);
    while (text.len > 0) {
        const char *end = memchr(text.at, '\n', text.len);
        const size_t len = end != NULL ? (size_t)(end - text.at) : text.len;
        self.line++;
        enum conclave_err err = read_line(&self, (struct msg_text){text.at, len}, &line);
        if (err == CONCLAVE_OK)
            err = take(&self, &line);
        if (err != CONCLAVE_OK && err != CONCLAVE_ERR_NOT_FOUND)
            return err;
        const size_t used = end != NULL ? len + 1 : len;
        text.at += used;
        text.len -= used;
    }
    return CONCLAVE_OK;
}

enum conclave_err
host_config_load(void *settings, const struct host_option *options, size_t count, const char *file,
                 char *why, size_t why_cap)
{
    enum conclave_err err = CONCLAVE_ERR_CONFIG;
    char *text = NULL;
    struct stat about;
    /* Not blocking: opening a pipe that nobody writes to would wait for ever. */
    const int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    FILE *from = fd >= 0 ? fdopen(fd, "r") : NULL;

    if (from == NULL) {
        const int reason = errno;
        if (fd >= 0)
            close(fd);
        snprintf(why, why_cap, "%s cannot be read: %s.", file, strerror(reason));
        return reason == ENOENT ? CONCLAVE_ERR_NOT_FOUND : CONCLAVE_ERR_CONFIG;
    }
    if (fstat(fd, &about) != 0 || S_ISFIFO(about.st_mode)) {
        snprintf(why, why_cap, "%s is a pipe; write the configuration to a file.", file);
        goto done;
    }
    text = malloc(FILE_MAX_BYTES + 1);
    if (text == NULL)
        goto done;
    const size_t len = fread(text, 1, FILE_MAX_BYTES + 1, from);
    if (ferror(from))
        snprintf(why, why_cap, "%s cannot be read: %s.", file, strerror(errno));
    else if (len > FILE_MAX_BYTES)
        snprintf(why, why_cap, "%s is larger than %u bytes.", file, FILE_MAX_BYTES);
    else
        err = host_config_read(settings, options, count, (struct msg_text){text, len}, file, why,
                               why_cap);

done:
    free(text);
    fclose(from);
    return err;
}

/* Sentences of help, broken into comment lines of at most 76 columns. */
static void
print_help(const struct host_option *option, const char *indent,
           void (*line)(void *arg, const char *text), void *arg)
{
    char text[128];
    const char *at = option->help;

    while (*at != '\0') {
        const size_t room = 74 - strlen(indent);
        size_t len = strlen(at);
        if (len > room) {
            len = room;
            while (len > 0 && at[len] != ' ')
                len--;
            if (len == 0)
                len = room; /* a very long word */
        }
        snprintf(text, sizeof text, "%s# %.*s", indent, (int)len, at);
        line(arg, text);
        at += len;
        at += *at == ' ';
    }
}

static void
print_range(const struct host_option *option, const char *indent,
            void (*line)(void *arg, const char *text), void *arg)
{
    char text[256];

    if (option->kind == HOST_OPTION_NUMBER)
        snprintf(text, sizeof text, "%s# From %llu to %llu.", indent,
                 (unsigned long long)option->min, (unsigned long long)option->max);
    else if (option->kind == HOST_OPTION_CHOICE)
        snprintf(text, sizeof text, "%s# One of %s.", indent, option->choices);
    else
        return;
    line(arg, text);
}

void
host_config_print(const struct host_option *options, size_t count,
                  void (*line)(void *arg, const char *text), void *arg)
{
    char text[VALUE_MAX_BYTES];
    size_t section_len = 0; /* of the option before: options of a section stand together */

    for (size_t i = 0; i < count; i++) {
        const char *slash = strchr(options[i].path, '/');
        const size_t len = slash != NULL ? (size_t)(slash - options[i].path) : 0;
        const char *indent = slash != NULL ? "    " : "";
        if (i > 0)
            line(arg, "");
        if (len > 0
            && (i == 0 || len != section_len
                || memcmp(options[i].path, options[i - 1].path, len) != 0)) {
            snprintf(text, sizeof text, "%.*s", (int)len, options[i].path);
            line(arg, text);
        }
        section_len = len;
        print_help(&options[i], indent, line, arg);
        print_range(&options[i], indent, line, arg);
        const bool quoted = options[i].kind == HOST_OPTION_TEXT;
        snprintf(text, sizeof text, "%s# %s = %s%s%s", indent,
                 slash != NULL ? slash + 1 : options[i].path, quoted ? "\"" : "",
                 options[i].preset, quoted ? "\"" : "");
        line(arg, text);
    }
}
