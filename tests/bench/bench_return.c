/* A thousand devices come back after a restart of the daemon: what its
 * processes pay for their handshakes and log-ins, beside what a bare ROUTER
 * with CURVE and ZAP pays for as many connections and one message each way.
 * No password is hashed on the way. */
#include <stdio.h>
#include <zmq.h>

#include "tests/bench/bare.h"
#include "tests/bench/members.h"

#define PEERS 1000u
#define WORKERS 2u
#define EACH (PEERS / WORKERS)
#define ROUNDS 3
#define SETTLE_MS 1200u     /* work that was put off is counted too */
#define HASH_KIB 19456.0    /* that one hash takes by default */

#define CHEAP "password\n    quality = false\n    memory_kib = 8\n    passes = 1\n"

struct world {
    struct bench_daemon daemon;
    struct bench_bare *bare;    /* shared: each round has its own */
    struct bench_front front;
    const struct bench_member *members;
    size_t first;
};

static void
arrive(const struct world *world, void **sockets, bool bare)
{
    static const char word[200]; /* as long as a LOGIN */
    char back[256];

    for (size_t i = 0; i < EACH; i++) {
        const struct bench_member *member = &world->members[world->first + i];
        sockets[i] = bare ? bench_dial(world->bare->endpoint, &world->bare->pub, &member->key, &member->key_sec)
                          : bench_member_dial(member, &world->front);
        if (bare)
            BENCH_NEED(zmq_send(sockets[i], word, sizeof word, 0) == (int)sizeof word);
        else
            bench_member_login(sockets[i], member);
    }
    for (size_t i = 0; i < EACH; i++) {
        if (bare)
            BENCH_NEED(zmq_recv(sockets[i], back, sizeof back, 0) == (int)sizeof word);
        else
            bench_member_welcome(sockets[i], &world->members[world->first + i]);
    }
}

static void
work(int fd, void *arg)
{
    const struct world *world = arg;
    static void *sockets[EACH];
    bool bare;
    char go;

    for (;;) {
        bench_get(fd, &bare, sizeof bare);
        arrive(world, sockets, bare);
        bench_put(fd, "", 1);
        bench_get(fd, &go, 1);
        for (size_t i = 0; i < EACH; i++)
            zmq_close(sockets[i]);
        bench_put(fd, "", 1);
    }
}

static void
all_do(const struct bench_child *workers, const void *order, size_t len)
{
    char done;

    for (size_t w = 0; w < WORKERS; w++)
        bench_put(workers[w].fd, order, len);
    for (size_t w = 0; w < WORKERS; w++)
        bench_get(workers[w].fd, &done, 1);
}

/* CPU of the server, each device; *wall_s: until the last one was in. */
static double
round_of(struct world *world, const struct bench_child *workers, bool bare, double *wall_s)
{
    if (bare)
        bench_bare_start(world->bare, BENCH_BARE_ECHO, true);
    else
        bench_daemon_start(&world->daemon);
    bench_pause_ms(200);
    const double before = bare ? bench_cpu_s(world->bare->child.pid) : bench_daemon_cpu_s(&world->daemon);
    const double t = bench_now_s();
    all_do(workers, &bare, sizeof bare);
    *wall_s = bench_now_s() - t;
    bench_pause_ms(SETTLE_MS);
    const double after = bare ? bench_cpu_s(world->bare->child.pid) : bench_daemon_cpu_s(&world->daemon);
    if (!bare && bench_peak_rss_kib(world->daemon.vault) >= HASH_KIB)
        bench_die("the vault has hashed something while devices came back");
    all_do(workers, "", 1);
    if (bare)
        bench_bare_end(world->bare);
    else
        bench_daemon_stop(&world->daemon);
    return (after - before) / PEERS * 1e6;
}

int
main(void)
{
    static struct world world;
    struct bench_child workers[WORKERS];
    double cpu[2][ROUNDS], wall[2][ROUNDS];

    BENCH_NEED(msg_keys_init() == CONCLAVE_OK);
    world.bare = bench_share(sizeof *world.bare);
    world.members = bench_members_make(PEERS, "member");
    bench_daemon_prepare(&world.daemon, CHEAP);
    bench_daemon_start(&world.daemon);
    bench_members_enrol(&world.daemon, world.members, PEERS, &world.front);
    bench_daemon_stop(&world.daemon);
    bench_daemon_configure(&world.daemon, "");
    for (size_t w = 0; w < WORKERS; w++) {
        world.first = w * EACH;
        bench_start(&workers[w], work, &world);
    }
    for (int i = 0; i < ROUNDS; i++)
        for (int bare = 0; bare < 2; bare++)
            cpu[bare][i] = round_of(&world, workers, bare, &wall[bare][i]);
    bench_row("return of 1,000 after a restart: CPU of each", bench_median(cpu[0], ROUNDS), bench_median(cpu[1], ROUNDS),
              "us", BENCH_AT_MOST, 1.3);
    bench_row("return of 1,000 after a restart: all are in", bench_median(wall[0], ROUNDS), bench_median(wall[1], ROUNDS),
              "s", BENCH_SHOWN, 0);
    bench_note("no Argon2: the vault never had the memory of one hash");
    for (size_t w = 0; w < WORKERS; w++)
        bench_end(&workers[w]);
    return 0;
}
