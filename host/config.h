/* ZPL configuration (RFC 4) by a table of options: what is not in the table is
 * an error that names the line.  Used by conclaved and by conclave. */
#ifndef HOST_CONFIG_H
#define HOST_CONFIG_H

#include "msg/base.h"
#include "msg/error.h"

enum host_option_kind { HOST_OPTION_TEXT, HOST_OPTION_NUMBER, HOST_OPTION_BOOL, HOST_OPTION_CHOICE };

struct host_option {
    const char *path;           /* "limits/sessions" */
    enum host_option_kind kind;
    size_t offset;              /* into the settings struct: char[cap], uint64_t, bool, uint64_t (index of the choice) */
    uint64_t min, max;          /* NUMBER: value; TEXT: cap is max bytes with NUL */
    const char *choices;        /* CHOICE: "anyone|contacts|never" */
    const char *preset;         /* the default, as it would stand in the file */
    const char *help;           /* one or two sentences */
};

/* Sets every option to its default. */
void host_config_preset(void *settings, const struct host_option *options, size_t count);

/* Reads text (ZPL) over what is set.  On CONCLAVE_ERR_CONFIG `why` says
 * "FILE:LINE: sentence", and settings may be half set: read into a copy. */
enum conclave_err CONCLAVE_CHECK
host_config_read(void *settings, const struct host_option *options, size_t count, struct msg_text text,
                 const char *file, char *why, size_t why_cap);

/* Reads a file; a missing one is CONCLAVE_ERR_NOT_FOUND. */
enum conclave_err CONCLAVE_CHECK
host_config_load(void *settings, const struct host_option *options, size_t count, const char *file, char *why, size_t why_cap);

/* Writes a commented file with every option at its default. */
void host_config_print(const struct host_option *options, size_t count, void (*line)(void *arg, const char *text), void *arg);

#endif
