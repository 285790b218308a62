/* A JSON writer for flat objects and arrays of flat objects. */
#include "peer/cli/json.h"

#include <time.h>
#include <unistr.h>

/* Controls of both sets, and what changes the direction or the look of a line
 * without being seen: valid in JSON as it stands, escaped all the same. */
static bool
is_escaped(ucs4_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

static void
add_character(struct cli_buf *line, ucs4_t c, const char *bytes, size_t len)
{
    switch (c) {
    case '"':
        cli_buf_text(line, "\\\"");
        return;
    case '\\':
        cli_buf_text(line, "\\\\");
        return;
    case '\n':
        cli_buf_text(line, "\\n");
        return;
    case '\r':
        cli_buf_text(line, "\\r");
        return;
    case '\t':
        cli_buf_text(line, "\\t");
        return;
    default:
        break;
    }
    if (!is_escaped(c)) {
        cli_buf_add(line, bytes, len);
    } else if (c < 0x10000) {
        cli_buf_format(line, "\\u%04x", (unsigned)c);
    } else {
        const unsigned rest = (unsigned)c - 0x10000;
        cli_buf_format(line, "\\u%04x\\u%04x", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
    }
}

static void
add_string(struct cli_buf *line, const char *text, size_t len)
{
    cli_buf_char(line, '"');
    for (size_t at = 0; at < len;) {
        ucs4_t c;
        const int used = u8_mbtoucr(&c, (const uint8_t *)text + at, len - at);
        if (used > 0) {
            add_character(line, c, text + at, (size_t)used);
            at += (size_t)used;
        } else {
            cli_buf_text(line, "\xef\xbf\xbd"); /* U+FFFD */
            at += 1;
        }
    }
    cli_buf_char(line, '"');
}

static void
add_key(struct cli_json *self, const char *key)
{
    if (self->more)
        cli_buf_char(&self->line, ',');
    self->more = true;
    if (key == NULL)
        return;
    cli_buf_char(&self->line, '"');
    cli_buf_text(&self->line, key);
    cli_buf_text(&self->line, "\":");
}

void
cli_json_open(struct cli_json *self, const char *type)
{
    cli_buf_clear(&self->line);
    cli_buf_char(&self->line, '{');
    self->more = false;
    cli_json_number(self, "v", CLI_JSON_VERSION);
    cli_json_text(self, "type", type);
}

void
cli_json_bytes(struct cli_json *self, const char *key, const char *text, size_t len)
{
    add_key(self, key);
    add_string(&self->line, text, len);
}

void
cli_json_text(struct cli_json *self, const char *key, const char *text)
{
    size_t len = 0;
    while (text != NULL && text[len] != '\0')
        len++;
    cli_json_bytes(self, key, text, len);
}

void
cli_json_number(struct cli_json *self, const char *key, uint64_t number)
{
    add_key(self, key);
    cli_buf_format(&self->line, "%llu", (unsigned long long)number);
}

void
cli_json_bool(struct cli_json *self, const char *key, bool value)
{
    add_key(self, key);
    cli_buf_text(&self->line, value ? "true" : "false");
}

void
cli_json_time(struct cli_json *self, const char *key, uint64_t ms)
{
    /* A hostile clock may say anything; the year stays one of four digits. */
    const uint64_t last_ms = 253402300799999u; /* 9999-12-31T23:59:59.999Z */
    if (ms > last_ms)
        ms = last_ms;
    const time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[40] = "1970-01-01T00:00:00";
    if (gmtime_r(&seconds, &tm) != NULL)
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm); /* fits: the year has four digits */
    add_key(self, key);
    cli_buf_format(&self->line, "\"%s.%03uZ\"", text, (unsigned)(ms % 1000));
}

void
cli_json_array(struct cli_json *self, const char *key)
{
    add_key(self, key);
    cli_buf_char(&self->line, '[');
    self->more = false;
}

void
cli_json_array_end(struct cli_json *self)
{
    cli_buf_char(&self->line, ']');
    self->more = true;
}

void
cli_json_object(struct cli_json *self, const char *key)
{
    add_key(self, key);
    cli_buf_char(&self->line, '{');
    self->more = false;
}

void
cli_json_object_end(struct cli_json *self)
{
    cli_buf_char(&self->line, '}');
    self->more = true;
}

void
cli_json_close(struct cli_json *self)
{
    cli_buf_text(&self->line, "}\n");
}

void
cli_json_wipe(struct cli_json *self)
{
    cli_buf_wipe(&self->line);
}
