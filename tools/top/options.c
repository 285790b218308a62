/* Reads the command line. */
#include "tools/top/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "msg/name.h"
#include "tools/top/expr.h"

#define INTERVAL_MAX_S 86400
#define WARNING "warning:"

enum { OPT_CONNECT = 256, OPT_KEY, OPT_REGISTRY_KEY, OPT_ONCE, OPT_JSON, OPT_FAIL, OPT_PROMETHEUS };

const char top_options_usage[] =
    "usage: conclave-top [--data DIR | --connect ENDPOINT --key FILE --registry-key KEY]\n"
    "                    [--interval S] [--once] [--json] [--fail-if EXPR]\n"
    "                    [--prometheus [HOST:PORT]]\n"
    "       conclave-top --key FILE\n"
    "\n"
    "Shows how a registry is: live in the terminal, or as text, JSON or for Prometheus.\n"
    "\n"
    "  --data DIR      the registry's data directory on this machine\n"
    "  --connect ENDPOINT --key FILE --registry-key KEY\n"
    "                  a registry elsewhere: its monitor/tcp as tcp://HOST:PORT, our key file,\n"
    "                  which is made when it is not there, and the key that its log says\n"
    "  --key FILE      alone: print the public key that the registry has to allow, and how\n"
    "  --interval S    show a sample in so many seconds (1)\n"
    "  --once          print one sample and end\n"
    "  --json          print samples as JSON, one object a line\n"
    "  --fail-if EXPR  look once; end with 2 if EXPR is true, with 1 if it begins with\n"
    "                  \"warning:\", with 3 if no sample comes or a figure is missing; may be\n"
    "                  given several times; as in 'rate(refused) > 100 or not ready'\n"
    "  --prometheus [HOST:PORT]\n"
    "                  serve /metrics, /healthz and a page at / (127.0.0.1:15680)\n"
    "  --help, --version\n"
    "\n"
    "See conclave-top(1).\n";

static enum conclave_err
add_fail(struct top_options *self, const char *text, char why[TOP_WHY_MAX])
{
    char what[TOP_EXPR_WHY_MAX];
    const bool warning = strncmp(text, WARNING, strlen(WARNING)) == 0;
    bool rates = false;

    if (self->fails_count == TOP_FAIL_MAX) {
        snprintf(why, TOP_WHY_MAX, "--fail-if: %u conditions are the most; join some with or.", TOP_FAIL_MAX);
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    if (warning)
        text += strlen(WARNING) + strspn(text + strlen(WARNING), " ");
    if (top_expr_check(text, &rates, what) != CONCLAVE_OK) {
        snprintf(why, TOP_WHY_MAX, "--fail-if: %s.", what);
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    self->rates = self->rates || rates;
    self->fails[self->fails_count++] =
        (struct top_fail){text, warning ? TOP_EXIT_WARNING : TOP_EXIT_CRITICAL};
    return CONCLAVE_OK;
}

static enum conclave_err
set_interval(struct top_options *self, const char *text, char why[TOP_WHY_MAX])
{
    char *end;
    const double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds >= 0.01 && seconds <= INTERVAL_MAX_S)) {
        snprintf(why, TOP_WHY_MAX, "--interval is seconds, from 0.01 to %d.", INTERVAL_MAX_S);
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    self->interval_ms = (uint64_t)(seconds * 1000 + 0.5);
    return CONCLAVE_OK;
}

static enum conclave_err
set_place(struct top_options *self, const char *text, char why[TOP_WHY_MAX])
{
    self->prometheus = true;
    if (text == NULL || msg_endpoint_parse(self->host, &self->port, msg_text(text)) == CONCLAVE_OK)
        return CONCLAVE_OK;
    snprintf(why, TOP_WHY_MAX, "--prometheus is HOST:PORT, such as 127.0.0.1:15680 or [::1]:15680.");
    return CONCLAVE_ERR_BAD_ARGUMENTS;
}

static enum conclave_err
read_one(struct top_options *self, int option, int argc, char **argv, char why[TOP_WHY_MAX])
{
    switch (option) {
    case 'd':
        self->data = optarg;
        return CONCLAVE_OK;
    case 'i':
        return set_interval(self, optarg, why);
    case OPT_CONNECT:
        self->connect = optarg;
        if (strncmp(optarg, "tcp://", 6) == 0)
            return CONCLAVE_OK;
        snprintf(why, TOP_WHY_MAX, "--connect is tcp://HOST:PORT; for a registry on this machine there is --data DIR.");
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    case OPT_KEY:
        self->key = optarg;
        return CONCLAVE_OK;
    case OPT_REGISTRY_KEY:
        self->has_registry = true;
        if (msg_keys_from_hex(self->registry.at, sizeof self->registry.at, msg_text(optarg)) == CONCLAVE_OK)
            return CONCLAVE_OK;
        snprintf(why, TOP_WHY_MAX, "--registry-key is the key that the registry's log says, 64 hex digits.");
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    case OPT_ONCE:
        self->once = true;
        return CONCLAVE_OK;
    case OPT_JSON:
        self->json = true;
        return CONCLAVE_OK;
    case OPT_FAIL:
        return add_fail(self, optarg, why);
    case OPT_PROMETHEUS:
        if (optarg == NULL && optind < argc && argv[optind][0] != '-')
            optarg = argv[optind++];
        return set_place(self, optarg, why);
    case 'h':
        self->help = true;
        return CONCLAVE_OK;
    case 'V':
        self->version = true;
        return CONCLAVE_OK;
    default:
        snprintf(why, TOP_WHY_MAX, "%s is no option, or lacks its value.", argv[optind - 1]);
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
}

enum conclave_err
top_options_read(struct top_options *self, int argc, char **argv, char why[TOP_WHY_MAX])
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},      {"interval", required_argument, NULL, 'i'},
        {"connect", required_argument, NULL, OPT_CONNECT}, {"key", required_argument, NULL, OPT_KEY},
        {"registry-key", required_argument, NULL, OPT_REGISTRY_KEY},
        {"once", no_argument, NULL, OPT_ONCE},       {"json", no_argument, NULL, OPT_JSON},
        {"fail-if", required_argument, NULL, OPT_FAIL}, {"prometheus", optional_argument, NULL, OPT_PROMETHEUS},
        {"help", no_argument, NULL, 'h'},            {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    enum conclave_err err = CONCLAVE_OK;
    int option;

    *self = (struct top_options){.interval_ms = 1000, .host = "127.0.0.1", .port = 15680};
    why[0] = '\0';
    optind = 0; /* tests read several command lines */
    opterr = 0;
    while (err == CONCLAVE_OK && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
        err = read_one(self, option, argc, argv, why);
    if (err == CONCLAVE_OK && optind < argc) {
        snprintf(why, TOP_WHY_MAX, "%s: there are options only.", argv[optind]);
        err = CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    self->tells_key = self->key != NULL && self->connect == NULL && !self->has_registry && self->data == NULL
                      && !self->once && !self->json && !self->prometheus && self->fails_count == 0;
    if (err == CONCLAVE_OK && !self->help && !self->version && !self->tells_key
        && ((self->connect != NULL) != (self->key != NULL) || (self->connect != NULL) != self->has_registry
            || (self->connect != NULL && self->data != NULL))) {
        snprintf(why, TOP_WHY_MAX, "--connect, --key and --registry-key go together, and not with --data; --key alone prints our public key.");
        err = CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    if (err == CONCLAVE_OK && self->prometheus && (self->once || self->json || self->fails_count > 0)) {
        snprintf(why, TOP_WHY_MAX, "--prometheus serves until it is ended; leave out --once, --json and --fail-if.");
        err = CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    return err;
}
