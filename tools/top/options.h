/* The command line of conclave-top. */
#ifndef TOP_OPTIONS_H
#define TOP_OPTIONS_H

#include "msg/base.h"
#include "msg/error.h"
#include "msg/keys.h"

#define TOP_FAIL_MAX 16u /* conditions */

/* What the program ends with: those of Nagios. */
enum top_exit { TOP_EXIT_OK = 0, TOP_EXIT_WARNING = 1, TOP_EXIT_CRITICAL = 2, TOP_EXIT_UNKNOWN = 3 };

struct top_options {
    const char *data;           /* NULL: the registry of this user */
    const char *connect;        /* tcp://HOST:PORT of a registry elsewhere; NULL: data */
    const char *key;            /* our key file, with connect */
    struct msg_box_pub registry; /* the registry's key, with connect */
    uint64_t interval_ms;
    bool has_registry;
    bool once, json, prometheus, help, version;
    bool tells_key;             /* key is given alone: print the public one, and end */
    bool rates;                 /* a condition needs two samples */
    char host[MSG_HOST_MAX + 1]; /* to serve Prometheus on */
    uint16_t port;
    struct top_fail {
        const char *text;       /* checked */
        enum top_exit status;   /* when it is true */
    } fails[TOP_FAIL_MAX];
    size_t fails_count;
};

#define TOP_WHY_MAX 512u

/* BAD_ARGUMENTS with a sentence in why. */
enum conclave_err CONCLAVE_CHECK
top_options_read(struct top_options *self, int argc, char **argv, char why[TOP_WHY_MAX]);

extern const char top_options_usage[];

#endif
