/* Rooms with real members, end to end: libconclave at both ends, conclaved with
 * its log and its syncs between them.  Beside them a bare ROUTER with CURVE that
 * sends message by message to as many DEALERs, on the same cores.
 *
 * Arguments: saturated [MEMBERS], disk, sparse, many; none for all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "tests/bench/peers.h"
#include "tests/bench/roommates.h"

#define ROOM 100u
#define DISK_ROOM 20u
#define AHEAD (getenv("AH")?(unsigned)atoi(getenv("AH")):2048u)
#define BURST (getenv("BU")?(unsigned)atoi(getenv("BU")):512u)
#define SPARSE 100u             /* messages, */
#define SPARSE_MS 100u          /* and the time between two */
#define MANY 1000u
#define MANY_EACH 10u
#define MANY_S 20.0
#define STEP_S 5.0
#define WAIT_S 120.0

#define CONFIG \
    "password\n    quality = false\n    memory_kib = 8\n    passes = 1\n" \
    "limits\n    room_members = 4000\n    posts_per_s = 1000000\n    post_mib_per_s = 4096\n"

struct figure {
    double per_s;    /* messages that members got */
    double cpu_us;   /* of the registry, or of the bare program, for each */
    double delay_s;  /* median */
};

struct speaker {
    struct conclave_loop *loop;
    struct conclave *self;
    uint32_t number;
};

static struct bench_daemon daemon_;
static char text[BENCH_PEERS_TEXT];

/* ---- ours ---- */

static void
drain(struct speaker *self)
{
    const struct conclave_event *event;

    while ((event = conclave_next(self->self, 0)) != NULL) {
        if (event->kind == CONCLAVE_EVENT_FAILED || event->kind == CONCLAVE_EVENT_NOTICE)
            bench_die("the sender is told: %s", event->text);
    }
}

static void
turn(struct speaker *self, int timeout_ms)
{
    BENCH_NEED(conclave_loop_turn(self->loop, timeout_ms) == CONCLAVE_OK);
    drain(self);
}

static void
say(struct speaker *self, const char *room)
{
    bench_peers_write(text, BENCH_PEERS_SENDER, ++self->number);
    conclave_send(self->self, room, text, sizeof text);
}

static void
wait_for(struct speaker *self, const struct bench_peers *peers, uint64_t got)
{
    const double until_s = bench_now_s() + WAIT_S;

    while (bench_peers_got(peers) < got) {
        if (self != NULL)
            turn(self, 1);
        else
            bench_pause_ms(1);
        if (bench_now_s() > until_s)
            bench_die("members have got %llu messages of %llu", (unsigned long long)bench_peers_got(peers),
                      (unsigned long long)got);
    }
}

/* The sender and `count` members in one room, who have its key. */
static void
gather(struct speaker *speaker, struct bench_peers *peers, const char *prefix, uint32_t count)
{
    char room[32];

    snprintf(room, sizeof room, "#%s0", prefix);
    bench_peer_await(speaker->loop, speaker->self, conclave_room_create(speaker->self, room, 0, NULL, NULL));
    bench_peers_join(peers, prefix, count, count, false);
    bench_peers_reset(peers);
    speaker->number = 0;
    for (int i = 0; i < 20; i++) {
        say(speaker, room);
        wait_for(speaker, peers, (uint64_t)(i + 1) * count);
    }
}

static void
open_speaker(struct speaker *self, const char *name, bool on_disk)
{
    *self = (struct speaker){0};
    BENCH_NEED(conclave_loop_new(&self->loop) == CONCLAVE_OK);
    self->self = bench_peer_open(self->loop, daemon_.link_text, name, on_disk);
    bench_peer_await(self->loop, self->self, conclave_register(self->self, name, "a bench of wood and iron 7"));
}

static struct figure
saturate(struct speaker *speaker, struct bench_peers *peers, const char *room, uint32_t members, uint32_t messages)
{
    bench_peers_reset(peers);
    speaker->number = 0;
    const double cpu = bench_cpu_s(daemon_.front), cpu_peers = bench_peers_cpu_s(peers), t = bench_now_s();
    const uint64_t all = (uint64_t)messages * members;
    while (bench_peers_got(peers) < all) {
        if (speaker->number + BURST <= bench_peers_got(peers) / members + AHEAD)
            for (uint32_t n = 0; n < BURST && speaker->number < messages; n++)
                say(speaker, room);
        turn(speaker, 1);
        if (bench_now_s() > t + WAIT_S)
            wait_for(speaker, peers, all);
    }
    const double took_s = bench_now_s() - t;
    bench_note("ours: the members' CPU a copy is %.2f us; all of it together took %.2f cores",
               (bench_peers_cpu_s(peers) - cpu_peers) / (double)all * 1e6,
               (bench_cpu_s(daemon_.front) - cpu + bench_peers_cpu_s(peers) - cpu_peers) / took_s);
    return (struct figure){.per_s = (double)all / took_s, .cpu_us = (bench_cpu_s(daemon_.front) - cpu) / (double)all * 1e6};
}

static struct figure
sparse(struct speaker *speaker, struct bench_peers *peers, const char *room, uint32_t members)
{
    bench_peers_reset(peers);
    speaker->number = 0;
    const double cpu = bench_cpu_s(daemon_.front);
    for (uint64_t n = 1; n <= SPARSE; n++) {
        const double next_s = bench_now_s() + SPARSE_MS * 1e-3;
        say(speaker, room);
        wait_for(speaker, peers, n * members);
        while (bench_now_s() < next_s)
            turn(speaker, 5);
    }
    return (struct figure){.cpu_us = (bench_cpu_s(daemon_.front) - cpu) / (double)(SPARSE * members) * 1e6,
                           .delay_s = bench_peers_median_delay_s(peers)};
}

/* ---- bare ---- */

static void
wait_for_bare(const struct bench_mates *mates, uint64_t got)
{
    const double until_s = bench_now_s() + WAIT_S;

    while (bench_mates_got(mates) < got) {
        bench_pause_ms(1);
        if (bench_now_s() > until_s)
            bench_die("the bare receivers have got %llu messages of %llu", (unsigned long long)bench_mates_got(mates),
                      (unsigned long long)got);
    }
}

/* Of those who listen. */
static double
mates_cpu_s(const struct bench_mates *mates)
{
    double cpu = 0;

    for (uint32_t w = 0; w < BENCH_MATES_WORKERS; w++)
        cpu += bench_cpu_s(mates->workers[w].pid);
    return cpu;
}

static struct figure
saturate_bare(struct bench_mates *mates, void *socket, uint32_t members, uint32_t messages)
{
    bench_mates_listen(mates, true, members);
    const double cpu = bench_cpu_s(mates->bare.child.pid), cpu_mates = mates_cpu_s(mates), t = bench_now_s();
    for (uint32_t n = 0; n < messages; n++)
        BENCH_NEED(zmq_send(socket, text, sizeof text, 0) == (int)sizeof text);
    const double all = (double)messages * members;
    wait_for_bare(mates, (uint64_t)messages * members);
    const double took_s = bench_now_s() - t;
    const struct figure figure = {.per_s = all / took_s, .cpu_us = (bench_cpu_s(mates->bare.child.pid) - cpu) / all * 1e6};
    bench_note("bare: the receivers' CPU a copy is %.2f us; all of it together took %.2f cores", (mates_cpu_s(mates) - cpu_mates) / all * 1e6,
               (bench_cpu_s(mates->bare.child.pid) - cpu + mates_cpu_s(mates) - cpu_mates) / took_s);
    bench_mates_listen_end(mates);
    return figure;
}

static struct figure
sparse_bare(struct bench_mates *mates, void *socket, uint32_t members)
{
    bench_mates_listen(mates, true, members);
    const double cpu = bench_cpu_s(mates->bare.child.pid);
    for (uint64_t n = 1; n <= SPARSE; n++) {
        mates->shared->said_s = bench_now_s();
        BENCH_NEED(zmq_send(socket, text, sizeof text, 0) == (int)sizeof text);
        wait_for_bare(mates, n * members);
        bench_pause_ms(SPARSE_MS);
    }
    mates->shared->said_s = 0;
    const struct figure figure = {.cpu_us = (bench_cpu_s(mates->bare.child.pid) - cpu) / (double)(SPARSE * members) * 1e6,
                                  .delay_s = bench_mates_median_delay_s(mates)};
    bench_mates_listen_end(mates);
    return figure;
}

/* ---- what is measured ---- */

static void
one_sender(uint32_t members, bool saturated, bool now_and_then, bool on_disk)
{
    static struct bench_mates mates;
    static struct bench_peers peers;
    struct speaker speaker;
    char prefix[16], what[64];
    const uint32_t messages = members >= 1000 ? 20000 : members >= 100 ? 40000 : 100000;

    peers = (struct bench_peers){.link = daemon_.link_text, .count = members, .on_disk = on_disk};
    snprintf(peers.prefix, sizeof peers.prefix, "%c%u-", on_disk ? 'd' : 'm', (unsigned)members);
    snprintf(prefix, sizeof prefix, "%s%u-", on_disk ? "disk" : "room", (unsigned)members);
    bench_bare_start(&mates.bare, BENCH_BARE_RELAY, true);
    bench_mates_start(&mates);
    bench_peers_start(&peers);
    bench_mates_join_bare(&mates, 0, members);
    void *socket = bench_dial(mates.bare.endpoint, &mates.bare.pub, NULL, NULL);
    snprintf(what, sizeof what, "speaker-%s", prefix);
    what[strlen(what) - 1] = '\0';
    open_speaker(&speaker, what, on_disk);
    gather(&speaker, &peers, prefix, members);
    char room[32];
    snprintf(room, sizeof room, "#%s0", prefix);
    bench_pause_ms(500); /* whoever joined the bare room is in it */
    if (saturated) {
        const struct figure ours = saturate(&speaker, &peers, room, members, messages);
        const struct figure bare = saturate_bare(&mates, socket, members, messages / 3);
        snprintf(what, sizeof what, "room of %u%s: delivered", (unsigned)members, on_disk ? ", on disk" : "");
        bench_row(what, ours.per_s, bare.per_s, "msg/s", on_disk ? BENCH_SHOWN : BENCH_AT_LEAST, 2.0);
        snprintf(what, sizeof what, "room of %u%s: registry CPU a copy", (unsigned)members, on_disk ? ", on disk" : "");
        bench_row(what, ours.cpu_us, bare.cpu_us, "us", BENCH_AT_MOST, 0.35);
    }
    if (now_and_then) {
        const struct figure ours = sparse(&speaker, &peers, room, members);
        const struct figure bare = sparse_bare(&mates, socket, members);
        bench_row("room of 100, now and then: median delay", ours.delay_s * 1e6, bare.delay_s * 1e6, "us", BENCH_AT_MOST, 1.5);
        bench_row("room of 100, now and then: CPU a copy", ours.cpu_us, bare.cpu_us, "us", BENCH_AT_MOST, 1.5);
    }
    conclave_loop_destroy(&speaker.loop);
    zmq_close(socket);
    bench_peers_end(&peers);
    bench_mates_end(&mates);
    bench_bare_end(&mates.bare);
}

/* All talk for a while; what they said comes to all. */
static struct figure
chatter(struct bench_peers *peers, double every_s, double for_s)
{
    bench_peers_reset(peers);
    const double cpu = bench_cpu_s(daemon_.front), t = bench_now_s();
    bench_peers_talk(peers, "many", MANY, MANY_EACH, every_s);
    bench_pause_ms((unsigned)(for_s * 1e3));
    bench_peers_talk_end(peers);
    const uint64_t all = bench_peers_said(peers) * (MANY_EACH - 1);
    wait_for(NULL, peers, all);
    const double took_s = bench_now_s() - t;
    return (struct figure){.per_s = (double)all / took_s, .cpu_us = (bench_cpu_s(daemon_.front) - cpu) / (double)all * 1e6,
                           .delay_s = bench_peers_median_delay_s(peers)};
}

static void
many_rooms(void)
{
    static struct bench_peers peers;
    struct figure best = {0};

    peers = (struct bench_peers){.link = daemon_.link_text, .prefix = "many", .count = MANY};
    bench_peers_start(&peers);
    bench_peers_join(&peers, "many", MANY, MANY_EACH, true);
    (void)chatter(&peers, 1.0, 3.0); /* keys are handed */
    const struct figure calm = chatter(&peers, 1.0, MANY_S);
    bench_figure("1,000 users, 100 rooms: delivered", calm.per_s, "msg/s", BENCH_AT_LEAST, 8500);
    bench_figure("1,000 users, 100 rooms: registry's core", calm.per_s * calm.cpu_us * 1e-4, "%", BENCH_SHOWN, 0);
    bench_figure("1,000 users, 100 rooms: median delay", calm.delay_s * 1e3, "ms", BENCH_SHOWN, 0);
    for (double every_s = 0.5; every_s > 0.005; every_s /= 2) {
        const struct figure now = chatter(&peers, every_s, STEP_S);
        bench_note("every %.3f s: %.0f msg/s of %.0f, CPU %.2f us a copy (%.0f %% of a core), median delay %.1f ms", every_s, now.per_s,
                   MANY * (MANY_EACH - 1) / every_s, now.cpu_us, now.per_s * now.cpu_us * 1e-4, now.delay_s * 1e3);
        if (now.per_s > best.per_s)
            best = now;
        if (now.per_s < 0.8 * MANY * (MANY_EACH - 1) / every_s)
            break;
    }
    bench_figure("1,000 users, 100 rooms: the most delivered", best.per_s, "msg/s", BENCH_SHOWN, 0);
    bench_peers_end(&peers);
}

int
main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "";
    const bool all = *which == '\0';

    BENCH_NEED(msg_keys_init() == CONCLAVE_OK);
    memset(text, 'x', sizeof text);
    bench_daemon_prepare(&daemon_, CONFIG);
    bench_daemon_start(&daemon_);
    if (all || strcmp(which, "saturated") == 0 || strcmp(which, "sparse") == 0)
        one_sender(argc > 2 ? (uint32_t)atoi(argv[2]) : ROOM, strcmp(which, "sparse") != 0, strcmp(which, "saturated") != 0, false);
    if (all || strcmp(which, "disk") == 0)
        one_sender(DISK_ROOM, true, false, true);
    if (all || strcmp(which, "many") == 0)
        many_rooms();
    bench_daemon_stop(&daemon_);
    return 0;
}
