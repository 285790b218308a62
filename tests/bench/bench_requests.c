/* What the front pays for a request of a member: searches in flight from 64
 * connections, beside a bare ROUTER with CURVE that echoes as many bytes to
 * the same load; and whether password hashing at the door delays members.
 *
 * Argument: search, argon2, or none for both. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

#include "tests/bench/bare.h"
#include "tests/bench/members.h"

#define PEERS 64u
#define WORKERS 2u
#define EACH (PEERS / WORKERS)
#define ROUNDS 7
#define ROUND_MS 700u
#define WARM 50
#define KNOCKERS 96u        /* more than the vault lets wait */
#define AGAIN_MS 250u       /* a knocker that was told to come back does so after this */
#define SAMPLES 200000

struct world {
    struct bench_daemon daemon;
    struct bench_bare bare;
    struct bench_front front;
    const struct bench_member *members;     /* PEERS that search, one more that probes */
    size_t first;                           /* of the worker that is being started */
    volatile bool *knocking;
    volatile uint64_t *refused;             /* wrong passwords that were found to be wrong */
    volatile uint64_t *busy;                /* knocks that were told to come back */
};

/* ---- searches in flight ---- */

static void
ask(void *socket, const struct world *world, size_t i, bool bare)
{
    uint8_t bytes[64];
    struct msg_buf frame = {bytes, 0, sizeof bytes};

    if (!bare) {
        bench_member_search(socket, world->members[(i + 1) % PEERS].name);
        return;
    }
    frame.len = 16; /* as long as a SEARCH */
    memset(bytes, 'x', frame.len);
    BENCH_NEED(zmq_send(socket, bytes, frame.len, 0) == (int)frame.len);
}

static void
await(void *socket, bool bare)
{
    uint8_t bytes[64];

    if (bare)
        BENCH_NEED(zmq_recv(socket, bytes, sizeof bytes, 0) > 0);
    else
        bench_member_await(socket, MSG_FOUND);
}

/* One request in flight on each connection, for a while; how many were
 * answered. */
static uint64_t
load(void **sockets, const struct world *world, bool bare)
{
    const double end_s = bench_now_s() + ROUND_MS * 1e-3;
    uint64_t count = 0;

    for (size_t i = 0; i < EACH; i++)
        ask(sockets[i], world, world->first + i, bare);
    while (bench_now_s() < end_s) {
        for (size_t i = 0; i < EACH; i++) {
            await(sockets[i], bare);
            ask(sockets[i], world, world->first + i, bare);
        }
        count += EACH;
    }
    for (size_t i = 0; i < EACH; i++)
        await(sockets[i], bare);
    return count + EACH;
}

static void
work(int fd, void *arg)
{
    struct world *world = arg;
    void *sockets[2][EACH]; /* to the front, to the bare ROUTER */
    bool bare;

    for (size_t i = 0; i < EACH; i++) {
        const struct bench_member *member = &world->members[world->first + i];
        sockets[0][i] = bench_member_dial(member, &world->front);
        bench_member_login(sockets[0][i], member);
        bench_member_welcome(sockets[0][i], member);
        sockets[1][i] = bench_dial(world->bare.endpoint, &world->bare.pub, NULL, NULL);
        ask(sockets[1][i], world, i, true);
        await(sockets[1][i], true);
    }
    bench_put(fd, "", 1);
    for (;;) {
        bench_get(fd, &bare, sizeof bare);
        const uint64_t count = load(sockets[bare], world, bare);
        bench_put(fd, &count, sizeof count);
    }
}

struct figure {
    double cpu_us; /* of the server, each request */
    double rate;
};

static struct figure
measure(const struct bench_child *workers, pid_t server, bool bare)
{
    const double cpu = bench_cpu_s(server), t = bench_now_s();
    uint64_t all = 0;

    for (size_t w = 0; w < WORKERS; w++)
        bench_put(workers[w].fd, &bare, sizeof bare);
    for (size_t w = 0; w < WORKERS; w++) {
        uint64_t count;
        bench_get(workers[w].fd, &count, sizeof count);
        all += count;
    }
    return (struct figure){(bench_cpu_s(server) - cpu) / (double)all * 1e6, (double)all / (bench_now_s() - t)};
}

static void
searches(struct world *world)
{
    struct bench_child workers[WORKERS];
    double cpu[2][ROUNDS], rate[2][ROUNDS];
    char ready;

    bench_bare_start(&world->bare, BENCH_BARE_ECHO, false);
    for (size_t w = 0; w < WORKERS; w++) {
        world->first = w * EACH;
        bench_start(&workers[w], work, world);
    }
    for (size_t w = 0; w < WORKERS; w++)
        bench_get(workers[w].fd, &ready, 1);
    for (int i = 0; i < ROUNDS; i++) {
        for (int bare = 0; bare < 2; bare++) {
            const struct figure figure = measure(workers, bare ? world->bare.child.pid : world->daemon.front, bare);
            cpu[bare][i] = figure.cpu_us;
            rate[bare][i] = figure.rate;
        }
    }
    bench_row("registry: CPU of a search, 64 peers", bench_median(cpu[0], ROUNDS), bench_median(cpu[1], ROUNDS), "us",
              BENCH_AT_MOST, 1.5);
    bench_row("registry: searches, 64 peers", bench_median(rate[0], ROUNDS), bench_median(rate[1], ROUNDS), "req/s",
              BENCH_AT_LEAST, 0.6);
    for (size_t w = 0; w < WORKERS; w++)
        bench_end(&workers[w]);
    bench_bare_end(&world->bare);
}

/* ---- hashing beside members ---- */

static double samples[SAMPLES];

static void
probe(int fd, void *arg)
{
    struct world *world = arg;
    const struct bench_member *member = &world->members[PEERS];
    void *socket = bench_member_dial(member, &world->front);
    char order;

    bench_member_login(socket, member);
    bench_member_welcome(socket, member);
    for (int i = 0; i < WARM; i++) {
        bench_member_search(socket, member->name);
        bench_member_await(socket, MSG_FOUND);
    }
    bench_put(fd, "", 1);
    for (;;) {
        bench_get(fd, &order, 1);
        const double end_s = bench_now_s() + ROUND_MS * 1e-3;
        size_t n = 0;
        for (double t = bench_now_s(); t < end_s && n < SAMPLES; n++) {
            bench_member_search(socket, member->name);
            bench_member_await(socket, MSG_FOUND);
            const double then = t;
            t = bench_now_s();
            samples[n] = t - then;
        }
        double result[2] = {bench_median(samples, n), bench_quantile(samples, n, 0.99)};
        bench_put(fd, result, sizeof result);
    }
}

struct knocker {
    void *socket;
    struct bench_member member;
    bool waiting;
    double again_s;
};

static void
hear_knocker(struct world *world, struct knocker *knocker)
{
    uint8_t at[4096];
    struct msg_buf room = {at, 0, sizeof at};
    union msg_any any;

    if (bench_member_receive(knocker->socket, ZMQ_DONTWAIT, &any, &room) == MSG_KIND_NONE)
        return;
    knocker->waiting = false;
    knocker->again_s = bench_now_s();
    if (msg_text_equal(any.MSG_ANY_ERROR.code, msg_text("wrong-credentials"))) {
        ++*world->refused;
    } else if (msg_text_equal(any.MSG_ANY_ERROR.code, msg_text("busy"))) {
        ++*world->busy;
        knocker->again_s += AGAIN_MS * 1e-3;
    } else {
        bench_die("a knocker is answered: %.*s", (int)any.MSG_ANY_ERROR.text.len, any.MSG_ANY_ERROR.text.at);
    }
}

/* Strangers who try passwords for names that change, so that nothing but the
 * vault's queue holds them up. */
static void
knock(int fd, void *arg)
{
    struct world *world = arg;
    struct knocker *list = bench_share(KNOCKERS * sizeof *list);
    const struct bench_member *members = bench_members_make(KNOCKERS, "knocker");
    char endpoint[MSG_ENDPOINT_MAX + 16], name[24];
    uint64_t number = 0;

    snprintf(endpoint, sizeof endpoint, "tcp://%s:%u", world->daemon.link.host, (unsigned)world->daemon.link.port);
    setpriority(PRIO_PROCESS, 0, 10); /* on other machines they would not be in our way either */
    for (size_t i = 0; i < KNOCKERS; i++) {
        list[i].member = members[i];
        list[i].socket = bench_dial(endpoint, &world->daemon.link.door, &members[i].key, &members[i].key_sec);
    }
    bench_put(fd, "", 1);
    for (;;) {
        const double now_s = bench_now_s();
        for (size_t i = 0; i < KNOCKERS; i++) {
            struct knocker *knocker = &list[i];
            if (knocker->waiting) {
                hear_knocker(world, knocker);
            } else if (*world->knocking && knocker->again_s <= now_s) {
                snprintf(name, sizeof name, "nobody%llu", (unsigned long long)number++);
                bench_member_knock(knocker->socket, &knocker->member, MSG_ENROL, name, "not the password 8",
                                   &world->daemon.link.door);
                knocker->waiting = true;
            }
        }
        bench_pause_ms(2);
    }
}

static void
set_knocking(struct world *world, bool on)
{
    *world->knocking = on;
    for (uint64_t before = *world->busy; on && *world->busy == before;)
        bench_pause_ms(5); /* somebody is turned away: the queue is full */
    for (uint64_t before = *world->refused + 1; !on && before != *world->refused;) {
        before = *world->refused;
        bench_pause_ms(150); /* nobody is answered any more: it is empty */
    }
}

static void
hashing(struct world *world)
{
    struct bench_child prober, knocker;
    double median[2][ROUNDS], slow[2][ROUNDS];
    char byte = 0;

    bench_start(&prober, probe, world);
    bench_start(&knocker, knock, world);
    bench_get(prober.fd, &byte, 1);
    bench_get(knocker.fd, &byte, 1);
    uint64_t checked = 0;
    double busy_s = 0;
    for (int i = 0; i < ROUNDS; i++) {
        for (int on = 0; on < 2; on++) {
            double result[2];
            set_knocking(world, on != 0);
            const uint64_t before = *world->refused;
            const double t = bench_now_s();
            bench_put(prober.fd, &byte, 1);
            bench_get(prober.fd, result, sizeof result);
            median[on][i] = result[0] * 1e6;
            slow[on][i] = result[1] * 1e6;
            if (on != 0) {
                checked += *world->refused - before;
                busy_s += bench_now_s() - t;
            }
        }
    }
    set_knocking(world, false);
    bench_row("door full: search round trip, median", bench_median(median[1], ROUNDS), bench_median(median[0], ROUNDS),
              "us", BENCH_AT_MOST, 2);
    bench_row("door full: search round trip, p99", bench_median(slow[1], ROUNDS), bench_median(slow[0], ROUNDS), "us",
              BENCH_AT_MOST, 2);
    bench_note("beside it the vault checked %.0f passwords a second", (double)checked / busy_s);
    bench_end(&prober);
    bench_end(&knocker);
}

int
main(int argc, char **argv)
{
    static struct world world;

    BENCH_NEED(msg_keys_init() == CONCLAVE_OK);
    world.knocking = bench_share(sizeof *world.knocking);
    world.refused = bench_share(sizeof *world.refused);
    world.busy = bench_share(sizeof *world.busy);
    world.members = bench_members_make(PEERS + 1, "member");
    bench_daemon_prepare(&world.daemon, "");
    bench_daemon_start(&world.daemon);
    bench_members_enrol(&world.daemon, world.members, PEERS + 1, &world.front);
    if (argc < 2 || strcmp(argv[1], "search") == 0)
        searches(&world);
    if (argc < 2 || strcmp(argv[1], "argon2") == 0)
        hashing(&world);
    bench_daemon_stop(&world.daemon);
    return 0;
}
