/* Members that say nothing: the memory of an idle session of the front, beside
 * a connection of a bare ROUTER with CURVE and ZAP, and what 10,000 leases
 * cost, beside that ROUTER echoing as many words at the same pace. */
#include <stdio.h>
#include <zmq.h>

#include "tests/bench/bare.h"
#include "tests/bench/members.h"

#define MANY 10000u
#define STEP 400u           /* that dial at once */
#define WORKERS 4u
#define EACH (MANY / WORKERS)
#define LEASE_S 15.0
#define STEP_S (LEASE_S / 60)   /* members PING at such steps of the registry's clock (PROTOCOL 8.2) */
#define WATCH_S 20.0

#define CHEAP "password\n    quality = false\n    memory_kib = 8\n    passes = 1\n"

struct world {
    struct bench_daemon daemon;
    struct bench_bare bare;
    struct bench_front front;
    const struct bench_member *members;
    size_t first;
};

enum what { DIAL_BARE, PING_BARE, DIAL, PING };
struct order {
    enum what what;
    size_t from, to; /* of this worker's */
};

static void
dial_bare(const struct world *world, const struct order *order, void **sockets)
{
    static const char word[200]; /* as long as a LOGIN */
    char back[256];

    for (size_t i = order->from; i < order->to; i++) {
        sockets[i] = bench_dial(world->bare.endpoint, &world->bare.pub, NULL, NULL);
        BENCH_NEED(zmq_send(sockets[i], word, sizeof word, 0) == (int)sizeof word);
    }
    for (size_t i = order->from; i < order->to; i++)
        BENCH_NEED(zmq_recv(sockets[i], back, sizeof back, 0) == (int)sizeof word);
}

static void drain(void *socket);

/* Those that dialled before say that they are still there. */
static void
dial(const struct world *world, const struct order *order, void **sockets)
{
    for (size_t i = order->from; i < order->to; i++) {
        sockets[i] = bench_member_dial(&world->members[world->first + i], &world->front);
        bench_member_login(sockets[i], &world->members[world->first + i]);
    }
    for (size_t i = order->from; i < order->to; i++)
        bench_member_welcome(sockets[i], &world->members[world->first + i]);
    for (size_t i = 0; i < order->from; i++) {
        drain(sockets[i]);
        bench_member_ping(sockets[i]);
    }
}

static void
drain(void *socket)
{
    uint8_t at[4096];
    struct msg_buf room = {at, 0, sizeof at};
    union msg_any any;
    enum msg_kind kind;

    while ((kind = bench_member_receive(socket, ZMQ_DONTWAIT, &any, &room)) != MSG_KIND_NONE)
        if (kind == MSG_ERROR || kind == MSG_BYE)
            bench_die("an idle session was ended");
}

static void
ping_bare(void *socket)
{
    char back[256];

    while (zmq_recv(socket, back, sizeof back, ZMQ_DONTWAIT) >= 0)
        ;
    BENCH_NEED(zmq_send(socket, "ping", 4, 0) == 4); /* as long as a PING */
}

/* Each once in LEASE_S, as many in each step, until the parent has a word. */
static void
ping(int fd, const struct order *order, void **sockets)
{
    const double start_s = bench_now_s();
    uint64_t sent = 0;
    const size_t n = order->to - order->from;
    char word;

    while (!bench_asked(fd)) {
        const double now_s = bench_now_s(), next_s = (double)((uint64_t)(now_s / STEP_S) + 1) * STEP_S;
        while ((double)sent * LEASE_S / (double)n < now_s - start_s) {
            void *socket = sockets[order->from + sent++ % n];
            if (order->what == PING_BARE) {
                ping_bare(socket);
            } else {
                drain(socket);
                bench_member_ping(socket);
            }
        }
        bench_pause_ms((unsigned)((next_s - now_s) * 1e3) + 1);
    }
    bench_get(fd, &word, 1);
}

static void
work(int fd, void *arg)
{
    const struct world *world = arg;
    static void *sockets[EACH], *bare[EACH]; /* they stay until this process ends */

    for (;;) {
        struct order order;
        bench_get(fd, &order, sizeof order);
        switch (order.what) {
        case DIAL_BARE:
            dial_bare(world, &order, bare);
            break;
        case PING_BARE:
            ping(fd, &order, bare);
            break;
        case DIAL:
            dial(world, &order, sockets);
            break;
        case PING:
            ping(fd, &order, sockets);
            break;
        }
        bench_put(fd, "", 1);
    }
}

static void
all_begin(const struct bench_child *workers, enum what what, size_t from, size_t to)
{
    const struct order order = {what, from / WORKERS, to / WORKERS};

    for (size_t w = 0; w < WORKERS; w++)
        bench_put(workers[w].fd, &order, sizeof order);
}

static void
all_end(const struct bench_child *workers)
{
    char done;

    for (size_t w = 0; w < WORKERS; w++)
        bench_get(workers[w].fd, &done, 1);
}

static void
all_dial(const struct bench_child *workers, enum what what)
{
    for (size_t from = 0; from < MANY; from += STEP) {
        all_begin(workers, what, from, from + STEP);
        all_end(workers);
    }
}

/* Memory of one connection more, once nothing changes any more. */
static double
grown_kib(pid_t pid, double before_kib, double count)
{
    bench_pause_ms(1500);
    return (bench_rss_kib(pid) - before_kib) / count;
}

static double
cpu_of_bare(const struct world *world)
{
    return bench_cpu_s(world->bare.child.pid);
}

static double
cpu_of_daemon(const struct world *world)
{
    return bench_daemon_cpu_s(&world->daemon);
}

/* Percent of a core that `cpu` takes while all of them ping. */
static double
share(const struct world *world, const struct bench_child *workers, enum what what, double (*cpu)(const struct world *))
{
    all_begin(workers, what, 0, MANY);
    bench_pause_ms(2000);
    const double before = cpu(world), t = bench_now_s();
    bench_pause_ms((unsigned)(WATCH_S * 1e3));
    const double percent = (cpu(world) - before) / (bench_now_s() - t) * 100;
    for (size_t w = 0; w < WORKERS; w++)
        bench_put(workers[w].fd, "", 1);
    all_end(workers); /* none of them was cut off */
    return percent;
}

int
main(void)
{
    static struct world world;
    struct bench_child workers[WORKERS];

    BENCH_NEED(msg_keys_init() == CONCLAVE_OK);
    world.members = bench_members_make(MANY, "member");
    bench_daemon_prepare(&world.daemon, CHEAP);
    bench_daemon_start(&world.daemon);
    bench_members_enrol(&world.daemon, world.members, MANY, &world.front);
    bench_daemon_stop(&world.daemon); /* a front that has done nothing yet */
    bench_daemon_start(&world.daemon);
    bench_bare_start(&world.bare, BENCH_BARE_ECHO, true);
    for (size_t w = 0; w < WORKERS; w++) {
        world.first = w * EACH;
        bench_start(&workers[w], work, &world);
    }
    bench_pause_ms(300);
    const double bare_kib = bench_rss_kib(world.bare.child.pid), front_kib = bench_rss_kib(world.daemon.front);
    all_dial(workers, DIAL_BARE);
    const double bare_each = grown_kib(world.bare.child.pid, bare_kib, MANY);
    const double bare_share = share(&world, workers, PING_BARE, cpu_of_bare);
    bench_bare_end(&world.bare);
    all_dial(workers, DIAL);
    bench_row("idle session, of 10,000: resident memory", grown_kib(world.daemon.front, front_kib, MANY), bare_each,
              "KiB", BENCH_AT_MOST, 1.15);

    const double ours_share = share(&world, workers, PING, cpu_of_daemon);
    bench_row("10,000 idle sessions with leases: CPU", ours_share, bare_share, "% core", BENCH_SHOWN, 0);
    bench_figure("10,000 idle sessions with leases: CPU", ours_share, "% core", BENCH_AT_MOST, 3);
    for (size_t w = 0; w < WORKERS; w++)
        bench_end(&workers[w]);
    bench_daemon_stop(&world.daemon);
    return 0;
}
