/* Writes one JSON object on one line, `v` and `type` first.  What is not UTF-8
 * becomes U+FFFD, so a line is always valid; what a terminal would obey or
 * hide is escaped, so it is harmless there too. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "peer/cli/buf.h"

#define CLI_JSON_VERSION 1

struct cli_json {
    struct cli_buf line;
    bool more; /* a comma is due before the next member */
};

/* Starts anew: {"v":1,"type":"..." */
void cli_json_open(struct cli_json *self, const char *type);
void cli_json_text(struct cli_json *self, const char *key, const char *text); /* key: NULL in an array */
void cli_json_bytes(struct cli_json *self, const char *key, const char *text, size_t len);
void cli_json_number(struct cli_json *self, const char *key, uint64_t number);
void cli_json_bool(struct cli_json *self, const char *key, bool value);
void cli_json_time(struct cli_json *self, const char *key, uint64_t ms); /* since 1970: RFC 3339, UTC, with ms */
void cli_json_array(struct cli_json *self, const char *key);
void cli_json_array_end(struct cli_json *self);
void cli_json_object(struct cli_json *self, const char *key); /* key: NULL in an array */
void cli_json_object_end(struct cli_json *self);
/* Ends it with a newline: self->line is what is to be written. */
void cli_json_close(struct cli_json *self);
void cli_json_wipe(struct cli_json *self);

#endif
