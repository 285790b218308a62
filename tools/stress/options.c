/* See options.h. */
#include "tools/stress/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/stress/text.h"

const char stress_options_help[] =
    "usage: conclave-stress SCENARIO [--peers N] [--rooms M] [--members N] [--size B]\n"
    "                [--rate R] [--duration S] [--route direct|relay|auto]\n"
    "                [--store memory|disk] [--seed N] [--json] [--plot FILE.svg]\n"
    "                [-r LINK] [--daemon PATH] [--daemon-args ARGS] [--pid PID]\n"
    "                [--help] [--version]\n"
    "\n"
    "Loads a registry with real peers, and proves that nothing was lost, doubled,\n"
    "reordered or damaged; ends with 1 if anything was.\n"
    "\n"
    "  login    peers sign up, log in and join a room each\n"
    "  return   the same with devices that are enrolled already\n"
    "  search   directory requests\n"
    "  direct   pairs: there and back, then one way\n"
    "  room     one room: members who listen, and the other peers, who talk\n"
    "  rooms    rooms in which everybody talks\n"
    "  churn    peers come, go, join and leave while others talk\n"
    "  storm    the daemon is killed and restarted while all talk\n"
    "  slow     some members are stopped and continued\n"
    "  mail     half of the peers are away\n"
    "  soak     a mix, with memory and descriptors watched for growth\n"
    "  simnet   the registry's core alone, with light peers on a simulated network,\n"
    "           in sizes beyond one machine; without a size, a table of growing ones\n"
    "\n"
    "      --peers N           peers in all\n"
    "      --rooms M           rooms\n"
    "      --members N         members of each room\n"
    "      --size B            bytes of a message, 64 to 49152 (256)\n"
    "      --rate R            what all together do each second, whether what was\n"
    "                          before is done or not; else as much as goes\n"
    "      --duration S        seconds that are measured (10; soak: 60)\n"
    "      --route R           direct: peers reach each other; relay: through the\n"
    "                          registry alone; auto: as it comes (auto)\n"
    "      --store S           the peers' stores: memory or disk (disk)\n"
    "      --seed N            of all that is chosen by chance (1)\n"
    "      --json              one object on one line\n"
    "      --plot FILE.svg     draws latency and throughput over time\n"
    "  -r, --registry LINK     a registry that runs already; else one is started\n"
    "      --daemon PATH       the conclaved to start\n"
    "      --daemon-args ARGS  further arguments for it, apart by blanks\n"
    "      --pid PID           the process of the registry at LINK, to measure it\n"
    "  -h, --help              this text\n"
    "  -V, --version           versions\n";

static const char *const scenarios[STRESS_SCENARIOS] = {"login", "return", "search", "direct", "room", "rooms",
                                                        "churn", "storm",  "slow",   "mail",   "soak",   "simnet"};
static const char *const routes[] = {"auto", "direct", "relay"};
static const char *const stores[] = {"disk", "memory"};

const char *
stress_options_scenario(enum stress_scenario scenario)
{
    return scenarios[scenario];
}

const char *
stress_options_route(enum stress_route route)
{
    return routes[route];
}

static bool refuse(char *why, size_t why_cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool
refuse(char *why, size_t why_cap, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, why_cap, format, args);
    va_end(args);
    return false;
}

static int
find(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return (int)i;
    return -1;
}

static bool
number(uint64_t *value, const char *text, uint64_t least, uint64_t most)
{
    char *end = NULL;

    errno = 0;
    *value = strtoull(text, &end, 10);
    return isdigit((unsigned char)text[0]) && errno == 0 && *end == '\0' && *value >= least && *value <= most;
}

static bool
decimal(double *value, const char *text)
{
    char *end = NULL;

    errno = 0;
    *value = strtod(text, &end);
    return (isdigit((unsigned char)text[0]) || text[0] == '.') && errno == 0 && *end == '\0' && *value > 0 && *value <= 1e9;
}

enum { PEERS = 256, ROOMS, MEMBERS, SIZE, RATE, DURATION, ROUTE, STORE, SEED, JSON, PLOT, DAEMON, DAEMON_ARGS, PID };

static const struct option longs[] = {
    {"peers", required_argument, NULL, PEERS},
    {"rooms", required_argument, NULL, ROOMS},
    {"members", required_argument, NULL, MEMBERS},
    {"size", required_argument, NULL, SIZE},
    {"rate", required_argument, NULL, RATE},
    {"duration", required_argument, NULL, DURATION},
    {"route", required_argument, NULL, ROUTE},
    {"store", required_argument, NULL, STORE},
    {"seed", required_argument, NULL, SEED},
    {"json", no_argument, NULL, JSON},
    {"plot", required_argument, NULL, PLOT},
    {"registry", required_argument, NULL, 'r'},
    {"daemon", required_argument, NULL, DAEMON},
    {"daemon-args", required_argument, NULL, DAEMON_ARGS},
    {"pid", required_argument, NULL, PID},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static bool
count(uint32_t *value, const char *option, char *why, size_t why_cap)
{
    uint64_t wide;

    if (!number(&wide, optarg, 1, STRESS_PEERS_MAX))
        return refuse(why, why_cap, "%s takes a number from 1 to %u.", option, STRESS_PEERS_MAX);
    *value = (uint32_t)wide;
    return true;
}

static bool
choice(int *value, const char *const *words, size_t words_count, const char *sentence, char *why, size_t why_cap)
{
    *value = find(words, words_count, optarg);
    return *value >= 0 || refuse(why, why_cap, "%s", sentence);
}

static bool
apply(struct stress_options *self, int option, const char *word, char *why, size_t why_cap)
{
    uint64_t wide = 0;
    int chosen = 0;
    bool ok = true;

    switch (option) {
    case PEERS:
        return count(&self->peers, "--peers", why, why_cap);
    case ROOMS:
        return count(&self->rooms, "--rooms", why, why_cap);
    case MEMBERS:
        return count(&self->members, "--members", why, why_cap);
    case SIZE:
        if (!number(&wide, optarg, STRESS_TEXT_MIN, STRESS_TEXT_MAX))
            return refuse(why, why_cap, "--size takes a number of bytes from %u to %u.", STRESS_TEXT_MIN, STRESS_TEXT_MAX);
        self->size = (uint32_t)wide;
        return true;
    case RATE:
        return decimal(&self->rate, optarg) || refuse(why, why_cap, "--rate takes a number above 0, each second.");
    case DURATION:
        return decimal(&self->duration_s, optarg) || refuse(why, why_cap, "--duration takes a number of seconds above 0.");
    case ROUTE:
        ok = choice(&chosen, routes, 3, "--route is direct, relay or auto.", why, why_cap);
        self->route = ok ? (enum stress_route)chosen : STRESS_AUTO;
        return ok;
    case STORE:
        ok = choice(&chosen, stores, 2, "--store is memory or disk.", why, why_cap);
        self->in_memory = chosen == 1;
        return ok;
    case SEED:
        return number(&self->seed, optarg, 0, UINT64_MAX) || refuse(why, why_cap, "--seed takes a whole number.");
    case JSON:
        self->json = true;
        return true;
    case PLOT:
        self->plot = optarg;
        return true;
    case 'r':
        self->link = optarg;
        return true;
    case DAEMON:
        self->daemon = optarg;
        return true;
    case DAEMON_ARGS:
        self->daemon_args = optarg;
        return true;
    case PID:
        ok = number(&wide, optarg, 1, INT32_MAX);
        self->pid = (int)wide;
        return ok || refuse(why, why_cap, "--pid takes the number of a process.");
    case 'h':
        self->help = true;
        return true;
    case 'V':
        self->version = true;
        return true;
    case ':':
        return refuse(why, why_cap, "%s needs an argument.", word);
    default:
        return refuse(why, why_cap, "There is no option %s.", word);
    }
}

/* ---- what was not given ---- */

static bool
fit_pairs(struct stress_options *self, uint32_t peers, char *why, size_t why_cap)
{
    if (self->rooms != 0 || self->members != 0)
        return refuse(why, why_cap, "%s has no rooms: give --peers alone.", scenarios[self->scenario]);
    self->peers = self->peers != 0 ? self->peers : peers;
    return self->peers % 2 == 0 || refuse(why, why_cap, "%s has pairs: --peers takes an even number.", scenarios[self->scenario]);
}

static bool
fit_one_room(struct stress_options *self, char *why, size_t why_cap)
{
    if (self->rooms > 1)
        return refuse(why, why_cap, "room has one room; rooms has more.");
    self->rooms = 1;
    if (self->members == 0)
        self->members = self->peers > 1 ? self->peers - 1 : 100;
    if (self->peers == 0)
        self->peers = self->members + 1;
    return self->peers > self->members
        || refuse(why, why_cap, "Of --peers, --members listen and the others talk: that leaves nobody to talk.");
}

/* Two of peers, rooms and members decide the third. */
static bool
fit_rooms(struct stress_options *self, uint32_t rooms, uint32_t members, char *why, size_t why_cap)
{
    if (self->peers == 0) {
        self->rooms = self->rooms != 0 ? self->rooms : rooms;
        self->members = self->members != 0 ? self->members : members;
        if (self->rooms > STRESS_PEERS_MAX / self->members)
            return refuse(why, why_cap, "That is more than %u peers.", STRESS_PEERS_MAX);
        self->peers = self->rooms * self->members;
    }
    if (self->rooms == 0 && self->members == 0)
        self->members = self->peers < members || self->peers % members != 0 ? self->peers : members;
    if (self->members == 0)
        self->members = self->peers / self->rooms;
    if (self->rooms == 0)
        self->rooms = self->peers / self->members;
    if (self->rooms == 0 || self->members == 0 || (uint64_t)self->rooms * self->members != self->peers)
        return refuse(why, why_cap, "--rooms times --members is to be --peers, of whom each is in one room.");
    return true;
}

/* Without a size they grow. */
static bool
fit_simnet(struct stress_options *self, char *why, size_t why_cap)
{
    if (self->link != NULL || self->daemon != NULL || self->daemon_args != NULL || self->in_memory || self->route != STRESS_AUTO)
        return refuse(why, why_cap, "simnet has no daemon, no stores and no routes: it takes --peers, --rooms, --members, --size, --rate, --duration, --seed, --json and --plot.");
    return (self->peers == 0 && self->rooms == 0 && self->members == 0) || fit_rooms(self, 1, 10, why, why_cap);
}

static bool
fit(struct stress_options *self, char *why, size_t why_cap)
{
    const bool goes = self->scenario >= STRESS_CHURN && self->scenario <= STRESS_SOAK && self->scenario != STRESS_MAIL;

    if (self->duration_s == 0)
        self->duration_s = self->scenario == STRESS_SOAK ? 60 : 10;
    if (self->rate == 0 && goes)
        self->rate = 200;
    if (self->scenario == STRESS_STORM && self->link != NULL)
        return refuse(why, why_cap, "storm kills the daemon: it starts one itself, and takes no -r.");
    if (self->link != NULL && (self->daemon != NULL || self->daemon_args != NULL))
        return refuse(why, why_cap, "With -r no daemon is started: leave --daemon and --daemon-args away.");
    if (self->link == NULL && self->pid != 0)
        return refuse(why, why_cap, "--pid is of the registry that -r names.");
    switch (self->scenario) {
    case STRESS_DIRECT:
        return fit_pairs(self, 2, why, why_cap);
    case STRESS_MAIL:
        return fit_pairs(self, 20, why, why_cap);
    case STRESS_ONE_ROOM:
        return fit_one_room(self, why, why_cap);
    case STRESS_SEARCH:
        self->peers = self->peers != 0 ? self->peers : 100;
        return (self->rooms == 0 && self->members == 0) || refuse(why, why_cap, "search has no rooms: give --peers alone.");
    case STRESS_LOGIN:
    case STRESS_RETURN:
        return fit_rooms(self, 10, 10, why, why_cap);
    case STRESS_ROOMS:
        if (!fit_rooms(self, 10, 10, why, why_cap))
            return false;
        return self->members > 1 || refuse(why, why_cap, "rooms needs rooms of 2 members at least: who would listen?");
    case STRESS_SIMNET:
        return fit_simnet(self, why, why_cap);
    case STRESS_CHURN:
    case STRESS_STORM:
    case STRESS_SLOW:
    case STRESS_SOAK:
        break;
    case STRESS_SCENARIOS:
        return false; /* nothing is called that */
    }
    if (!fit_rooms(self, 4, 10, why, why_cap))
        return false;
    return self->members >= 4 || refuse(why, why_cap, "%s needs rooms of 4 members at least.", scenarios[self->scenario]);
}

bool
stress_options_parse(struct stress_options *self, int argc, char **argv, char *why, size_t why_cap)
{
    int option;

    *self = (struct stress_options){.size = 256, .seed = 1};
    opterr = 0;
    optind = 0; /* from the beginning, for tests that parse again */
    while ((option = getopt_long(argc, argv, ":r:hV", longs, NULL)) != -1)
        if (!apply(self, option, argv[optind - 1], why, why_cap))
            return false;
    if (self->help || self->version)
        return true;
    if (optind >= argc)
        return refuse(why, why_cap, "A scenario is needed, such as room.");
    const int scenario = find(scenarios, STRESS_SCENARIOS, argv[optind]);
    if (scenario < 0)
        return refuse(why, why_cap, "There is no scenario %s.", argv[optind]);
    if (optind + 1 < argc)
        return refuse(why, why_cap, "One scenario at a time: %s is one too many.", argv[optind + 1]);
    self->scenario = (enum stress_scenario)scenario;
    return fit(self, why, why_cap);
}
