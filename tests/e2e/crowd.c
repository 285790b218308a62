/* Many peers in one process, as libconclave runs them in one thread, for the
 * tests of large rooms:
 *
 *   crowd LINK PREFIX COUNT         in memory: PREFIX0, PREFIX1, ...
 *   crowd LINK PREFIX COUNT HOME    in a home, an instance for each; it may be
 *                                   killed, and goes on where it was
 *
 * Its lines are JSON; "up" comes once all are signed up and logged in.  Orders
 * come from stdin, a line each, one at a time, and are answered when done:
 *
 *   join #ROOM                 all join: "joined"
 *   await NAME LAST ...        each has heard that number of each NAME: "heard"
 *   report                     a line for each member and sender, "reported"
 *
 * Whatever somebody says in the room must begin with a number, from 1 on.  In a
 * home each message is a line of its own, written as conclave_show does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "peer/conclave.h"

#define AT_ONCE 24u     /* requests that wait for answers */
#define AGAIN_MS 300u   /* after an answer that asks for patience without saying how much */
#define TURN_MS 50      /* orders come by no descriptor that the loop knows */
#define SENDERS 16u
#define PASSWORD "correct horse battery 42"

struct sender {
    char name[33];
    uint64_t count, last, doubles, missing;
};

struct member {
    struct conclave *self;
    char name[33];
    bool up;
    bool done;              /* with what all are to do */
    uint64_t request;       /* 0: none waits for an answer */
    uint64_t not_before_ms;
    uint64_t gaps;
    struct sender senders[SENDERS];
    size_t senders_count;
};

static struct member *members;
static size_t count, pending;
static bool shows;
static char room[130];
static char order[4096];    /* that is being carried out; "": none */

static void
die(const char *what, const char *why)
{
    fprintf(stderr, "crowd: %s: %s\n", what, why);
    exit(1);
}

static uint64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
answer(const char *type)
{
    printf("{\"v\":1,\"type\":\"%s\"}\n", type);
    fflush(stdout);
    order[0] = '\0';
}

/* ---- signatures ---- */

/* A thousand members each check what a thousand signed.  People have a machine
 * each for that; here, who was believed once in this process is believed again.
 * The linker puts this in the place of libsodium's (--wrap). */
#define BELIEVED 65536u
int __real_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *bytes, unsigned long long len, const unsigned char *key);
int __wrap_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *bytes, unsigned long long len, const unsigned char *key);

int
__wrap_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *bytes, unsigned long long len, const unsigned char *key)
{
    static unsigned char believed[BELIEVED][32];
    unsigned char hash[32];
    crypto_generichash_state state;
    size_t at;

    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, sig, 64);
    crypto_generichash_update(&state, key, 32);
    crypto_generichash_update(&state, bytes, len);
    crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(&at, hash, sizeof at);
    unsigned char *slot = believed[at % BELIEVED];
    if (memcmp(slot, hash, sizeof hash) == 0)
        return 0;
    const int refused = __real_crypto_sign_verify_detached(sig, bytes, len, key);
    if (refused == 0)
        memcpy(slot, hash, sizeof hash);
    return refused;
}

/* ---- what all do: sign up, then join ---- */

static void
everybody_again(void)
{
    for (size_t i = 0; i < count; i++)
        members[i].done = false;
}

static bool
all_done(void)
{
    for (size_t i = 0; i < count; i++)
        if (!members[i].done)
            return false;
    return true;
}

static void
ask(struct member *member)
{
    struct conclave_state state;

    if (order[0] != '\0') {
        member->request = conclave_room_join(member->self, room, NULL);
    } else {
        conclave_get_state(member->self, &state);
        if (state.enrolled) /* it logs in by itself */
            return;
        member->request = conclave_register(member->self, member->name, PASSWORD);
    }
    if (member->request == 0)
        die(member->name, "a request was not taken");
    pending++;
}

static void
keep_asking(void)
{
    const uint64_t now = now_ms();

    for (size_t i = 0; i < count && pending < AT_ONCE; i++)
        if (!members[i].done && members[i].request == 0 && members[i].not_before_ms <= now)
            ask(&members[i]);
}

static void
answered(struct member *member, const struct conclave_event *event)
{
    member->request = 0;
    pending--;
    if (event->kind != CONCLAVE_EVENT_FAILED) {
        member->done = order[0] != '\0' || member->up;
        return;
    }
    if (event->err != CONCLAVE_ERR_BUSY && event->err != CONCLAVE_ERR_REGISTRY_UNREACHABLE)
        die(member->name, event->text);
    member->not_before_ms = now_ms() + (event->retry_ms > 0 ? event->retry_ms : AGAIN_MS);
}

/* ---- what each hears ---- */

static struct sender *
sender_of(struct member *member, const char *name)
{
    for (size_t i = 0; i < member->senders_count; i++)
        if (strcmp(member->senders[i].name, name) == 0)
            return &member->senders[i];
    if (member->senders_count == SENDERS)
        die(name, "too many senders");
    struct sender *sender = &member->senders[member->senders_count++];
    snprintf(sender->name, sizeof sender->name, "%s", name);
    return sender;
}

static void
show(struct member *member, const char *from, uint64_t number)
{
    char line[256];
    const int len = snprintf(line, sizeof line, "{\"v\":1,\"type\":\"shown\",\"member\":\"%s\",\"from\":\"%s\",\"number\":%llu}\n",
                             member->name, from, (unsigned long long)number);

    if (conclave_show(member->self, STDOUT_FILENO, line, (size_t)len) < 0)
        die("stdout", strerror(errno));
}

static void
hear(struct member *member, const struct conclave_event *event)
{
    const uint64_t number = strtoull(event->text, NULL, 10);
    struct sender *sender = sender_of(member, event->from);

    if (shows)
        show(member, event->from, number);
    if (number <= sender->last) {
        sender->doubles++;
        return;
    }
    sender->missing += number - sender->last - 1;
    sender->last = number;
    sender->count++;
}

static void
take(struct member *member, const struct conclave_event *event)
{
    if (event->request != 0 && event->request == member->request) {
        answered(member, event);
        return;
    }
    switch (event->kind) {
    case CONCLAVE_EVENT_SESSION:
        member->up = event->state == CONCLAVE_SESSION_LOGGED_IN;
        if (order[0] == '\0' && member->up && member->request == 0)
            member->done = true;
        break;
    case CONCLAVE_EVENT_MESSAGE:
        hear(member, event);
        break;
    case CONCLAVE_EVENT_GAP:
        member->gaps++;
        break;
    case CONCLAVE_EVENT_FAILED:
        die(member->name, event->text);
        break;
    case CONCLAVE_EVENT_NOTICE:
        fprintf(stderr, "crowd: %s: %s\n", member->name, event->text);
        break;
    case CONCLAVE_EVENT_STATS:
    case CONCLAVE_EVENT_OK:
    case CONCLAVE_EVENT_ROOM:
    case CONCLAVE_EVENT_RECEIPT:
    case CONCLAVE_EVENT_PRESENCE:
    case CONCLAVE_EVENT_USERS:
    case CONCLAVE_EVENT_USER:
    case CONCLAVE_EVENT_DEVICES:
    case CONCLAVE_EVENT_ROOMS:
    case CONCLAVE_EVENT_MEMBERS:
        break;
    }
}

/* ---- orders ---- */

/* The words of the order, from `at` on; NULL: no more. */
static const char *
word(char *copy, size_t cap, size_t at)
{
    char *rest = NULL;

    snprintf(copy, cap, "%s", order);
    char *found = strtok_r(copy, " \n", &rest);
    while (found != NULL && at-- > 0)
        found = strtok_r(NULL, " \n", &rest);
    return found;
}

static bool
all_heard(void)
{
    char at[sizeof order], last[sizeof order];
    const char *name, *number;

    for (size_t w = 1; (name = word(at, sizeof at, w)) != NULL && (number = word(last, sizeof last, w + 1)) != NULL; w += 2)
        for (size_t i = 0; i < count; i++)
            if (strcmp(members[i].name, name) != 0
                && sender_of(&members[i], name)->last < strtoull(number, NULL, 10))
                return false;
    return true;
}

static void
report(void)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < members[i].senders_count; k++) {
            const struct sender *sender = &members[i].senders[k];
            if (strcmp(sender->name, members[i].name) != 0)
                printf("{\"v\":1,\"type\":\"seen\",\"member\":\"%s\",\"from\":\"%s\",\"count\":%llu,\"last\":%llu,"
                       "\"doubles\":%llu,\"missing\":%llu,\"gaps\":%llu}\n",
                       members[i].name, sender->name, (unsigned long long)sender->count, (unsigned long long)sender->last,
                       (unsigned long long)sender->doubles, (unsigned long long)sender->missing, (unsigned long long)members[i].gaps);
        }
    answer("reported");
}

static void
begin_order(void)
{
    char at[sizeof order];
    const char *what = word(at, sizeof at, 0);

    if (what == NULL)
        return;
    if (strcmp(what, "report") == 0)
        report();
    else if (strcmp(what, "join") == 0) {
        const char *name = word(at, sizeof at, 1);
        snprintf(room, sizeof room, "%s", name != NULL ? name : "");
        everybody_again();
    }
}

static void
go_on(void)
{
    char at[sizeof order];
    const char *what = word(at, sizeof at, 0);

    if (what == NULL)
        return;
    if (strcmp(what, "join") == 0) {
        keep_asking();
        if (all_done())
            answer("joined");
    } else if (strcmp(what, "await") == 0) {
        if (all_heard())
            answer("heard");
    } else
        die("unknown order", order);
}

/* False: there will be no more. */
static bool
read_order(void)
{
    struct pollfd item = {STDIN_FILENO, POLLIN, 0};

    if (order[0] != '\0' || poll(&item, 1, 0) <= 0)
        return true;
    size_t len = 0;
    ssize_t n;
    while (len + 1 < sizeof order && (n = read(STDIN_FILENO, order + len, 1)) == 1)
        if (order[len++] == '\n')
            break;
    order[len] = '\0';
    if (len > 0)
        begin_order();
    return len > 0;
}

static void
turn(struct conclave_loop *loop, int timeout_ms)
{
    const struct conclave_event *event;

    if (conclave_loop_turn(loop, timeout_ms) != CONCLAVE_OK)
        die("loop", conclave_why());
    for (size_t i = 0; i < count; i++)
        while ((event = conclave_next(members[i].self, 0)) != NULL)
            take(&members[i], event);
}

int
main(int argc, char **argv)
{
    struct conclave_loop *loop;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: crowd LINK PREFIX COUNT [HOME]\n");
        return 2;
    }
    count = strtoul(argv[3], NULL, 10);
    shows = argc == 5;
    members = calloc(count, sizeof *members);
    if (members == NULL || conclave_loop_new(&loop) != CONCLAVE_OK)
        die("start", conclave_why());
    for (size_t i = 0; i < count; i++) {
        struct member *member = &members[i];
        snprintf(member->name, sizeof member->name, "%s%zu", argv[2], i);
        const struct conclave_options options = {.link = argv[1], .listen = "none", .in_memory = !shows,
                                                 .home = shows ? argv[4] : NULL, .instance = shows ? member->name : NULL};
        if (conclave_open_in(loop, &member->self, &options) != CONCLAVE_OK)
            die(member->name, conclave_why());
    }
    while (!all_done()) {
        keep_asking();
        turn(loop, TURN_MS);
    }
    answer("up");
    while (read_order()) {
        go_on();
        turn(loop, TURN_MS);
    }
    conclave_loop_destroy(&loop);
    free(members);
    return 0;
}
