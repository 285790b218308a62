/* Two peers that talk directly: round trips, and one way under backlog, each
 * peer a libconclave in caller's-thread mode in a process of its own; beside
 * them a bare DEALER and ROUTER with CURVE that move as many bytes.  All four
 * wait in epoll or poll; ours look for an answer a while before they sleep when
 * answers come at once (peer/spin.h), and after a rest all of them sleep.
 *
 * Argument: rtt, oneway, or none for both. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "peer/conclave.h"
#include "tests/bench/bare.h"
#include "tests/bench/daemon.h"

#define TEXT_BYTES 256
#define ROUNDS 7
#define ROUND_MS 700u
#define WARM_TRIPS 200
#define REST_MS 3
#define IN_FLIGHT 4096u     /* messages that the sender has under way */
#define SETUP_S 30.0
#define SAMPLES 200000

enum order { ORDER_TRIPS, ORDER_APART, ORDER_FLOOD };

/* What both processes of a pair and the parent see. */
struct pair {
    volatile bool counting;         /* the far end counts instead of answering */
    volatile uint64_t count;        /* messages that came to the far end */
    volatile bool ready;            /* the far end is signed up */
    volatile bool stop;             /* ends a flood */
    char far_name[16], near_name[16];
    char link[MSG_LINK_MAX + 1];
    char home[2][300];              /* "": in memory */
    struct bench_child near, far;
};

static char text[TEXT_BYTES];

/* ---- ours ---- */

struct peer {
    struct conclave_loop *loop;
    struct conclave *self;
};

static const struct conclave_event *
next_within(struct peer *peer, double end_s)
{
    for (;;) {
        const struct conclave_event *event = conclave_next(peer->self, 0);
        if (event != NULL)
            return event;
        if (bench_now_s() > end_s)
            return NULL;
        BENCH_NEED(conclave_loop_turn(peer->loop, 50) == CONCLAVE_OK);
    }
}

static void
join(struct peer *peer, const struct pair *pair, const char *name, const char *home)
{
    const struct conclave_options options = {
        .link = pair->link, .listen = "127.0.0.1:0", .home = home, .in_memory = *home == '\0'};
    const double end_s = bench_now_s() + SETUP_S;
    const struct conclave_event *event;

    BENCH_NEED(conclave_loop_new(&peer->loop) == CONCLAVE_OK);
    if (conclave_open_in(peer->loop, &peer->self, &options) != CONCLAVE_OK)
        bench_die("a peer cannot open: %s", conclave_why());
    const uint64_t request = conclave_register(peer->self, name, "a bench of wood and iron 7");
    while ((event = next_within(peer, end_s)) != NULL && event->request != request)
        ;
    if (event == NULL || event->kind == CONCLAVE_EVENT_FAILED)
        bench_die("%s cannot sign up: %s", name, event != NULL ? event->text : "no answer");
}

static void
be_far(int fd, void *arg)
{
    struct pair *pair = arg;
    struct peer peer;
    const struct conclave_event *event;

    (void)fd;
    join(&peer, pair, pair->far_name, pair->home[1]);
    pair->ready = true;
    for (;;) {
        BENCH_NEED(conclave_loop_turn(peer.loop, -1) == CONCLAVE_OK);
        while ((event = conclave_next(peer.self, 0)) != NULL) {
            if (event->kind != CONCLAVE_EVENT_MESSAGE)
                continue;
            pair->count++;
            if (!pair->counting)
                conclave_send(peer.self, pair->near_name, event->text, event->text_bytes);
        }
    }
}

/* One text there and back. */
static void
trip(struct peer *peer, const struct pair *pair)
{
    const double end_s = bench_now_s() + SETUP_S;
    const struct conclave_event *event;

    conclave_send(peer->self, pair->far_name, text, sizeof text);
    while ((event = next_within(peer, end_s)) != NULL && event->kind != CONCLAVE_EVENT_MESSAGE)
        if (event->kind == CONCLAVE_EVENT_FAILED)
            bench_die("a text is refused: %s", event->text);
    if (event == NULL || event->text_bytes != sizeof text || memcmp(event->text, text, sizeof text) != 0)
        bench_die("a text did not come back as it went");
}

/* Sends as fast as it is taken; every text is delivered before it returns. */
static void
flood(struct peer *peer, struct pair *pair)
{
    const struct conclave_event *event;
    uint64_t under_way = 0;

    while (!pair->stop || under_way > 0) {
        while (!pair->stop && under_way < IN_FLIGHT) {
            conclave_send(peer->self, pair->far_name, text, sizeof text);
            under_way++;
            if (under_way % 64 == 0)
                break;
        }
        BENCH_NEED(conclave_loop_turn(peer->loop, under_way < IN_FLIGHT && !pair->stop ? 0 : 100) == CONCLAVE_OK);
        while ((event = conclave_next(peer->self, 0)) != NULL) {
            if (event->kind == CONCLAVE_EVENT_FAILED)
                bench_die("a text is refused: %s", event->text);
            if (event->kind == CONCLAVE_EVENT_RECEIPT && event->tick == CONCLAVE_TICK_DELIVERED)
                under_way--;
        }
    }
}

/* Trips that are apart begin with a rest: all threads of both ends sleep. */
static void
rest(const struct peer *peer)
{
    const double end_s = bench_now_s() + REST_MS * 1e-3;
    while (bench_now_s() < end_s) {
        BENCH_NEED(conclave_loop_turn(peer->loop, REST_MS) == CONCLAVE_OK);
        while (conclave_next(peer->self, 0) != NULL)
            ;
    }
}

static void
send_trips(int fd, double *v, size_t n)
{
    const double result[2] = {bench_median(v, n), (double)n};

    bench_put(fd, result, sizeof result);
}

static double samples[SAMPLES];

static void
be_near(int fd, void *arg)
{
    struct pair *pair = arg;
    struct peer peer;
    char order;

    join(&peer, pair, pair->near_name, pair->home[0]);
    while (!pair->ready)
        BENCH_NEED(conclave_loop_turn(peer.loop, 20) == CONCLAVE_OK);
    for (int i = 0; i < WARM_TRIPS; i++)
        trip(&peer, pair);
    bench_put(fd, "", 1);
    for (;;) {
        while (!bench_asked(fd)) {
            BENCH_NEED(conclave_loop_turn(peer.loop, 5) == CONCLAVE_OK);
            while (conclave_next(peer.self, 0) != NULL)
                ;
        }
        bench_get(fd, &order, 1);
        const double end_s = bench_now_s() + ROUND_MS * 1e-3;
        if (order == ORDER_FLOOD) {
            flood(&peer, pair);
            bench_put(fd, "", 1);
            continue;
        }
        size_t n = 0;
        for (double t = bench_now_s(); t < end_s && n < SAMPLES; n++) {
            if (order == ORDER_APART) {
                rest(&peer);
                t = bench_now_s();
            }
            trip(&peer, pair);
            const double then = t;
            t = bench_now_s();
            samples[n] = t - then;
        }
        send_trips(fd, samples, n);
    }
}

/* ---- bare ---- */

struct bare_pair {
    struct bench_bare far;
    struct bench_child near;
    volatile bool *stop;
};

static void
bare_trip(void *socket)
{
    char back[TEXT_BYTES];
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};

    BENCH_NEED(zmq_send(socket, text, sizeof text, 0) == (int)sizeof text);
    while (zmq_poll(&item, 1, -1) < 0)
        BENCH_NEED(errno == EINTR);
    BENCH_NEED(zmq_recv(socket, back, sizeof back, 0) == (int)sizeof back);
}

static void
be_bare_near(int fd, void *arg)
{
    struct bare_pair *pair = arg;
    void *socket = bench_dial(pair->far.endpoint, &pair->far.pub, NULL, NULL);
    char order;

    for (int i = 0; i < WARM_TRIPS; i++)
        bare_trip(socket);
    bench_put(fd, "", 1);
    for (;;) {
        bench_get(fd, &order, 1);
        const double end_s = bench_now_s() + ROUND_MS * 1e-3;
        if (order == ORDER_FLOOD) {
            while (!*pair->stop)
                for (int i = 0; i < 64; i++)
                    BENCH_NEED(zmq_send(socket, text, sizeof text, 0) == (int)sizeof text);
            bench_put(fd, "", 1);
            continue;
        }
        size_t n = 0;
        for (double t = bench_now_s(); t < end_s && n < SAMPLES; n++) {
            if (order == ORDER_APART) {
                bench_pause_ms(REST_MS);
                t = bench_now_s();
            }
            bare_trip(socket);
            const double then = t;
            t = bench_now_s();
            samples[n] = t - then;
        }
        send_trips(fd, samples, n);
    }
}

/* ---- rounds ---- */

struct trips {
    double median_us;
    double cpu_us; /* of both ends, each trip */
};

static struct trips
one_trips(const struct bench_child *near, const struct bench_child *far, char order)
{
    double result[2];
    const double cpu = bench_cpu_s(near->pid) + bench_cpu_s(far->pid);

    bench_put(near->fd, &order, 1);
    bench_get(near->fd, result, sizeof result);
    const double spent = bench_cpu_s(near->pid) + bench_cpu_s(far->pid) - cpu;
    return (struct trips){result[0] * 1e6, spent / result[1] * 1e6};
}

/* Messages that came to the far end, each second. */
static double
one_flood(const struct bench_child *near, volatile bool *counting, const volatile uint64_t *count, volatile bool *stop)
{
    const char order = ORDER_FLOOD;
    char done;

    *counting = true;
    *stop = false;
    bench_put(near->fd, &order, 1);
    bench_pause_ms(200); /* the backlog builds up */
    const double t = bench_now_s();
    const uint64_t before = *count;
    bench_pause_ms(ROUND_MS);
    const double rate = (double)(*count - before) / (bench_now_s() - t);
    *stop = true;
    bench_get(near->fd, &done, 1);
    for (uint64_t seen = *count + 1; seen != *count; bench_pause_ms(20)) /* what is under way arrives */
        seen = *count;
    *counting = false;
    return rate;
}

static struct pair *
start_pair(const struct bench_daemon *daemon, const char *name, bool durable)
{
    struct pair *pair = bench_share(sizeof *pair);
    char ready;

    snprintf(pair->near_name, sizeof pair->near_name, "%s-near", name);
    snprintf(pair->far_name, sizeof pair->far_name, "%s-far", name);
    memcpy(pair->link, daemon->link_text, sizeof pair->link);
    for (int i = 0; durable && i < 2; i++)
        bench_dir(pair->home[i], sizeof pair->home[i]);
    bench_start(&pair->far, be_far, pair);
    bench_start(&pair->near, be_near, pair);
    bench_get(pair->near.fd, &ready, 1);
    return pair;
}

static void
end_pair(struct pair *pair)
{
    bench_end(&pair->near);
    bench_end(&pair->far);
}

int
main(int argc, char **argv)
{
    const bool trips = argc < 2 || strcmp(argv[1], "rtt") == 0;
    const bool floods = argc < 2 || strcmp(argv[1], "oneway") == 0;
    struct bench_daemon daemon;
    struct bare_pair bare = {0};
    double v[3][ROUNDS], cpu[3][ROUNDS], apart[2][ROUNDS];
    char ready;

    BENCH_NEED(msg_keys_init() == CONCLAVE_OK);
    memset(text, 'x', sizeof text);
    bare.stop = bench_share(sizeof *bare.stop);
    bench_daemon_prepare(&daemon, "");
    bench_daemon_start(&daemon);
    bench_bare_start(&bare.far, BENCH_BARE_POLLING, false);
    bench_start(&bare.near, be_bare_near, &bare);
    bench_get(bare.near.fd, &ready, 1);
    struct pair *memory = start_pair(&daemon, "memory", false);
    struct pair *disk = start_pair(&daemon, "disk", true);
    struct pair *pairs[2] = {memory, disk};

    if (trips) {
        for (int i = 0; i < ROUNDS; i++) {
            const struct bench_child *const ends[3][2] = {{&bare.near, &bare.far.child}, {&memory->near, &memory->far}, {&disk->near, &disk->far}};
            for (int k = 0; k < 3; k++) {
                const struct trips got = one_trips(ends[k][0], ends[k][1], ORDER_TRIPS);
                v[k][i] = got.median_us;
                cpu[k][i] = got.cpu_us;
            }
            apart[0][i] = one_trips(ends[0][0], ends[0][1], ORDER_APART).median_us;
            apart[1][i] = one_trips(ends[1][0], ends[1][1], ORDER_APART).median_us;
        }
        const double base = bench_median(v[0], ROUNDS);
        bench_row("direct: round trip, in memory, 256 B", bench_median(v[1], ROUNDS), base, "us", BENCH_AT_MOST, 1.25);
        bench_row("direct: round trip, CPU of both ends", bench_median(cpu[1], ROUNDS), bench_median(cpu[0], ROUNDS), "us", BENCH_SHOWN, 0);
        bench_row("direct: round trip after a rest, in memory", bench_median(apart[1], ROUNDS), bench_median(apart[0], ROUNDS), "us", BENCH_SHOWN, 0);
        bench_row("direct: round trip, on disk, 256 B", bench_median(v[2], ROUNDS), base, "us", BENCH_SHOWN, 0);
    }
    if (floods) {
        for (int i = 0; i < ROUNDS; i++) {
            double c = bench_cpu_s(bare.near.pid) + bench_cpu_s(bare.far.child.pid);
            uint64_t n = *bare.far.count;
            v[0][i] = one_flood(&bare.near, bare.far.counting, bare.far.count, bare.stop);
            cpu[0][i] = (bench_cpu_s(bare.near.pid) + bench_cpu_s(bare.far.child.pid) - c) / (double)(*bare.far.count - n);
            for (int p = 0; p < 2; p++) {
                c = bench_cpu_s(pairs[p]->near.pid) + bench_cpu_s(pairs[p]->far.pid);
                n = pairs[p]->count;
                v[p + 1][i] = one_flood(&pairs[p]->near, &pairs[p]->counting, &pairs[p]->count, &pairs[p]->stop);
                cpu[p + 1][i] = (bench_cpu_s(pairs[p]->near.pid) + bench_cpu_s(pairs[p]->far.pid) - c) / (double)(pairs[p]->count - n);
            }
        }
        const double base = bench_median(v[0], ROUNDS);
        bench_row("direct: one way under backlog, in memory", bench_median(v[1], ROUNDS), base, "msg/s", BENCH_AT_LEAST, 1.0);
        bench_row("direct: one way under backlog, on disk", bench_median(v[2], ROUNDS), base, "msg/s", BENCH_SHOWN, 0);
        bench_row("direct: one way, CPU of both ends", bench_median(cpu[1], ROUNDS) * 1e6, bench_median(cpu[0], ROUNDS) * 1e6, "us/msg", BENCH_SHOWN, 0);
    }
    end_pair(memory);
    end_pair(disk);
    bench_end(&bare.near);
    bench_bare_end(&bare.far);
    bench_daemon_stop(&daemon);
    return 0;
}
