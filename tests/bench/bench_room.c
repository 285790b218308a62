/* Rooms with real members, end to end: libconclave at both ends, conclaved with
 * its log and its syncs between them.  Beside them a bare program with CURVE that
 * sends message by message to as many receivers, on the same cores: a ROUTER,
 * and for rooms that are a mesh an XPUB.
 *
 * Arguments: relay, behind, disk or mesh, and how many members; sparse; many.
 * One a process, since who has sockets does not fork. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/bench/peers.h"
#include "tests/bench/roommates.h"

#define ROOM 100u
#define MESH_S 3.0              /* until all are connected to all: a few, */
#define MESH_SQUARE 1024u       /* and as long again for so many connections */
#define BURST 219u              /* messages that fill a frame, of 280 bytes each: so many are said when there is room for them, */
#define AHEAD (3 * BURST)       /* with no more before them that members have not got, on average (nobody is behind then: the bare ROUTER waits too), */
#define FAR_AHEAD (16 * BURST)  /* or with many: who is behind reads the log, */
#define KEPT (32 * BURST)       /* and no more that the registry has not stored */
#define ROUNDS 5u
#define FEW 4u
#define PAUSE_MS 500u           /* whoever joined the bare room is in it */
#define CALM_MS 20000u          /* after all have come */
#define SPARSE 15u              /* messages in a turn, which lasts as long as a lease, */
#define SPARSE_S 1.0            /* and the time between two */
#define MANY 1000u
#define MANY_EACH 10u
#define MANY_S 20.0
#define STEP_S 5.0
#define WAIT_S 120.0

#define CONFIG \
    "password\n    quality = false\n    memory_kib = 8\n    passes = 1\n" \
    "rooms\n    mesh_join = 128\n    mesh_stay = 128\n" \
    "limits\n    room_members = 4000\n    posts_per_s = 1000000\n    post_mib_per_s = 4096\n"

struct figure {
    double per_s;    /* messages that members got */
    double cpu_us;   /* of the registry, or of the bare program, for each */
    double all_us;   /* of all processes, for each */
    double delay_s;  /* median */
};

struct speaker {
    struct conclave_loop *loop;
    struct conclave *self;
    uint32_t number;
    uint32_t stored;            /* of these, as the registry says */
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
        self->stored += event->kind == CONCLAVE_EVENT_RECEIPT && event->tick == CONCLAVE_TICK_STORED;
    }
}

static void
turn(struct speaker *self, int timeout_ms)
{
    BENCH_NEED(conclave_loop_turn(self->loop, timeout_ms) == CONCLAVE_OK);
    drain(self);
}

static void
say(struct speaker *self, const char *room, bool timed)
{
    bench_peers_write(text, BENCH_PEERS_SENDER, ++self->number, timed);
    conclave_send(self->self, room, text, sizeof text);
}

/* Members of one room, of which some may be stopped: they are sent to, and cost
 * nothing here, as if they had machines of their own. */
struct crowd {
    struct bench_peers peers, few;
    bool stopped;               /* peers are */
};

static uint32_t
listening(const struct crowd *crowd)
{
    return (crowd->stopped ? 0 : crowd->peers.count) + crowd->few.count;
}

static uint64_t
got(const struct crowd *crowd)
{
    return (crowd->stopped ? 0 : bench_peers_got(&crowd->peers)) + (crowd->few.count > 0 ? bench_peers_got(&crowd->few) : 0);
}

static void
reset(struct crowd *crowd)
{
    if (!crowd->stopped)
        bench_peers_reset(&crowd->peers);
    if (crowd->few.count > 0)
        bench_peers_reset(&crowd->few);
}

static void
wait_for(struct speaker *self, const struct crowd *crowd, uint64_t all)
{
    const double until_s = bench_now_s() + WAIT_S;

    while (got(crowd) < all) {
        if (self != NULL)
            turn(self, 1);
        else
            bench_pause_ms(1);
        if (bench_now_s() > until_s)
            bench_die("members have got %llu messages of %llu", (unsigned long long)got(crowd), (unsigned long long)all);
    }
}

/* The sender and all of them in one room, who have its key.  The few come when
 * half of them are there: what is sent in the order of their coming, or against
 * it, is as late for them as for all at the median. */
static void
gather(struct speaker *speaker, struct crowd *crowd, const char *prefix)
{
    char room[32];

    snprintf(room, sizeof room, "#%s0", prefix);
    bench_peer_await(speaker->loop, speaker->self, conclave_room_create(speaker->self, room, 0, NULL, NULL));
    bench_peers_join(&crowd->peers, prefix, 0, crowd->peers.count / 2, crowd->peers.count, false);
    if (crowd->few.count > 0)
        bench_peers_join(&crowd->few, prefix, 0, crowd->few.count, crowd->few.count, false);
    bench_peers_join(&crowd->peers, prefix, crowd->peers.count / 2, crowd->peers.count, crowd->peers.count, false);
    reset(crowd);
    speaker->number = speaker->stored = 0;
    for (uint64_t n = 1; n <= 20; n++) {
        say(speaker, room, false);
        wait_for(speaker, crowd, n * listening(crowd));
    }
}

static void
open_speaker(struct speaker *self, const char *name, bool on_disk, bool direct)
{
    *self = (struct speaker){0};
    BENCH_NEED(conclave_loop_new(&self->loop) == CONCLAVE_OK);
    self->self = bench_peer_open(self->loop, daemon_.link_text, name, on_disk, direct);
    bench_peer_await(self->loop, self->self, conclave_register(self->self, name, "a bench of wood and iron 7"));
}

/* What a run of one sender needs. */
struct run {
    struct speaker speaker;
    struct crowd crowd;
    char room[32];
    uint32_t messages;
    uint32_t ahead;             /* of the members */
    pid_t pid;                  /* whose CPU counts */
};

static struct figure
saturate(struct run *run)
{
    struct speaker *speaker = &run->speaker;
    const uint32_t members = listening(&run->crowd);

    reset(&run->crowd);
    speaker->number = speaker->stored = 0;
    const double cpu = bench_cpu_s(run->pid), cpu_all = bench_cpu_s(daemon_.front) + bench_cpu_s(getpid()) + bench_peers_cpu_s(&run->crowd.peers),
                 t = bench_now_s();
    const uint64_t all = (uint64_t)run->messages * members;
    while (got(&run->crowd) < all) {
        const bool room = speaker->number + BURST <= got(&run->crowd) / members + run->ahead && speaker->number + BURST <= speaker->stored + KEPT;
        if (room || speaker->number + BURST > run->messages)
            for (uint32_t n = 0; n < BURST && speaker->number < run->messages; n++)
                say(speaker, run->room, false);
        turn(speaker, 1);
        if (bench_now_s() > t + WAIT_S)
            wait_for(speaker, &run->crowd, all);
    }
    const double copies = (double)all;
    return (struct figure){
        .per_s = copies / (bench_now_s() - t),
        .cpu_us = (bench_cpu_s(run->pid) - cpu) / copies * 1e6,
        .all_us = (bench_cpu_s(daemon_.front) + bench_cpu_s(getpid()) + bench_peers_cpu_s(&run->crowd.peers) - cpu_all) / copies * 1e6,
    };
}

/* At its times, whether the ones before have arrived or not. */
static struct figure
sparse(struct run *run)
{
    struct speaker *speaker = &run->speaker;
    const uint32_t members = run->crowd.peers.count + run->crowd.few.count;

    reset(&run->crowd);
    speaker->number = speaker->stored = 0;
    const double cpu = bench_cpu_s(daemon_.front), t = bench_now_s();
    for (uint32_t n = 1; n <= SPARSE; n++) {
        say(speaker, run->room, true);
        turn(speaker, 0);
        for (double left_s; (left_s = t + n * SPARSE_S - bench_now_s()) > 0;)
            turn(speaker, (int)(left_s * 1e3));
    }
    wait_for(speaker, &run->crowd, (uint64_t)SPARSE * listening(&run->crowd));
    return (struct figure){.cpu_us = (bench_cpu_s(daemon_.front) - cpu) / (double)(SPARSE * members) * 1e6,
                           .delay_s = bench_peers_median_delay_s(run->crowd.few.count > 0 ? &run->crowd.few : &run->crowd.peers)};
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
    if (socket == NULL)
        *mates->bare.asked += messages;
    for (uint32_t n = 0; n < messages && socket != NULL; n++)
        BENCH_NEED(zmq_send(socket, text, sizeof text, 0) == (int)sizeof text);
    const double copies = (double)messages * members;
    wait_for_bare(mates, (uint64_t)messages * members);
    const double took_s = bench_now_s() - t, cpu_us = (bench_cpu_s(mates->bare.child.pid) - cpu) / copies * 1e6;
    const struct figure figure = {.per_s = copies / took_s, .cpu_us = cpu_us, .all_us = cpu_us + (mates_cpu_s(mates) - cpu_mates) / copies * 1e6};
    bench_mates_listen_end(mates);
    return figure;
}

/* To `members`, of whom so many listen here. */
static struct figure
sparse_bare(struct bench_mates *mates, uint32_t listening_count, void *socket, uint32_t members)
{
    bench_mates_listen(mates, true, listening_count);
    const double cpu = bench_cpu_s(mates->bare.child.pid), t = bench_now_s();
    for (uint64_t n = 1; n <= SPARSE; n++) {
        mates->shared->said_s = bench_now_s();
        BENCH_NEED(zmq_send(socket, text, sizeof text, 0) == (int)sizeof text);
        wait_for_bare(mates, n * listening_count);
        for (double left_s; (left_s = t + (double)n * SPARSE_S - bench_now_s()) > 1e-3;)
            bench_pause_ms((unsigned)(left_s * 1e3));
    }
    mates->shared->said_s = 0;
    const struct figure figure = {.cpu_us = (bench_cpu_s(mates->bare.child.pid) - cpu) / (double)(SPARSE * members) * 1e6,
                                  .delay_s = bench_mates_median_delay_s(mates)};
    bench_mates_listen_end(mates);
    return figure;
}

/* ---- what is measured ---- */

enum { ON_DISK = 1, MESH = 2, FAR = 4 };

/* The sender and `count` members in a room of their own. */
static void
open_run(struct run *run, const char *name, uint32_t count, uint32_t few, unsigned how)
{
    char who[24];

    *run = (struct run){.messages = count >= 1000 ? 4000 : count >= 100 ? 12000 : 40000, .ahead = (how & FAR) != 0 ? FAR_AHEAD : AHEAD};
    run->crowd.peers = (struct bench_peers){.link = daemon_.link_text, .count = count - few, .on_disk = (how & ON_DISK) != 0, .direct = (how & MESH) != 0};
    run->crowd.few = (struct bench_peers){.link = daemon_.link_text, .count = few};
    snprintf(run->crowd.peers.prefix, sizeof run->crowd.peers.prefix, "%s-", name);
    snprintf(run->crowd.few.prefix, sizeof run->crowd.few.prefix, "%s-f", name);
    snprintf(run->room, sizeof run->room, "#%s-0", name);
    snprintf(who, sizeof who, "%s-speaker", name);
    bench_peers_start(&run->crowd.peers);
    if (few > 0)
        bench_peers_start(&run->crowd.few);
    open_speaker(&run->speaker, who, (how & ON_DISK) != 0, (how & MESH) != 0);
    run->pid = (how & MESH) != 0 ? getpid() : daemon_.front;
    snprintf(who, sizeof who, "%s-", name);
    gather(&run->speaker, &run->crowd, who);
}

static void
close_run(struct run *run)
{
    conclave_loop_destroy(&run->speaker.loop);
    bench_peers_end(&run->crowd.peers);
    if (run->crowd.few.count > 0)
        bench_peers_end(&run->crowd.few);
}

static void
row(const char *room, const char *what, const double *ours, const double *bare, const char *unit, enum bench_bound kind, double bound)
{
    char title[96];

    snprintf(title, sizeof title, "%s: %s", room, what);
    bench_row_of_pairs(title, ours, bare, ROUNDS, unit, kind, bound);
}

static void
saturated(const char *name, uint32_t members, unsigned how)
{
    static struct bench_mates mates;
    static struct run run;
    double ours[3][ROUNDS], bare[3][ROUNDS];
    const bool mesh = (how & MESH) != 0, shown = (how & ON_DISK) != 0 || how == FAR;
    const char *const beside = (how & ON_DISK) != 0 ? ", on disk" : how == FAR ? ", all behind" : "";
    char title[48];

    bench_bare_start(&mates.bare, mesh ? BENCH_BARE_PUBLISH : BENCH_BARE_RELAY, true);
    bench_mates_start(&mates);
    bench_mates_join_bare(&mates, 0, members);
    void *socket = mesh ? NULL : bench_dial(mates.bare.endpoint, &mates.bare.pub, NULL, NULL);
    open_run(&run, name, members, 0, how);
    for (double until_s = bench_now_s() + (mesh ? MESH_S * (1 + members * members / MESH_SQUARE) : 0.5); bench_now_s() < until_s;)
        turn(&run.speaker, 50); /* all have found each other */
    while (mesh && *mates.bare.count < members)
        bench_pause_ms(10);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        const double front = bench_cpu_s(daemon_.front);
        const struct figure us = saturate(&run);
        if (mesh)
            bench_note("the registry's CPU a copy is %.3f us", (bench_cpu_s(daemon_.front) - front) / ((double)run.messages * members) * 1e6);
        const struct figure them = saturate_bare(&mates, socket, members, run.messages / 3);
        bench_note("ours: CPU of all a copy %.2f us, %.2f cores; bare: %.2f us, %.2f cores", us.all_us, us.all_us * us.per_s * 1e-6, them.all_us,
                   them.all_us * them.per_s * 1e-6);
        ours[0][i] = us.cpu_us, bare[0][i] = them.cpu_us;
        ours[1][i] = us.per_s, bare[1][i] = them.per_s;
        ours[2][i] = us.all_us, bare[2][i] = them.all_us;
    }
    snprintf(title, sizeof title, "%s of %u%s", mesh ? "mesh" : "room", (unsigned)(members + mesh), beside);
    row(title, mesh ? "sender CPU a copy" : "registry CPU a copy", ours[0], bare[0], "us", shown ? BENCH_SHOWN : BENCH_AT_MOST, 0.35);
    row(title, "delivered", ours[1], bare[1], "msg/s", shown ? BENCH_SHOWN : BENCH_AT_LEAST, 2.0);
    row(title, "CPU of all a copy", ours[2], bare[2], "us", BENCH_SHOWN, 0);
    if (socket != NULL)
        zmq_close(socket);
    close_run(&run);
    bench_mates_end(&mates);
    bench_bare_end(&mates.bare);
}

/* Delays: of FEW, while the others do not run; then of all, who share these cores. */
static void
now_and_then(void)
{
    enum { OURS, BARE, BOTH };
    static struct bench_mates mates, few;
    static struct run run;
    double delay[BOTH][BENCH_PAIRS], delay_all[BOTH][BENCH_PAIRS];
    double cpu[BOTH][BENCH_PAIRS]; /* all that these seconds cost, whatever it is for */

    bench_bare_start(&mates.bare, BENCH_BARE_RELAY, true);
    few.bare = mates.bare;
    bench_mates_start(&mates);
    bench_mates_start(&few);
    bench_mates_join_bare(&mates, 0, (ROOM - FEW) / 2);
    bench_pause_ms(PAUSE_MS); /* as below */
    bench_mates_join_bare(&few, 0, FEW);
    bench_pause_ms(PAUSE_MS);
    bench_mates_join_bare(&mates, (ROOM - FEW) / 2, ROOM - FEW);
    void *socket = bench_dial(mates.bare.endpoint, &mates.bare.pub, NULL, NULL);
    open_run(&run, "calm", ROOM, FEW, 0);
    bench_pause_ms(CALM_MS); /* whoever joined the bare room is in it, and nothing is new any more */
    for (uint32_t i = 0; i < BENCH_PAIRS; i++) {
        reset(&run.crowd);
        bench_peers_stop(&run.crowd.peers, true);
        run.crowd.stopped = true;
        delay[OURS][i] = sparse(&run).delay_s * 1e6;
        bench_peers_stop(&run.crowd.peers, false);
        run.crowd.stopped = false;
        wait_for(&run.speaker, &run.crowd, (uint64_t)SPARSE * ROOM);
        const struct figure all = sparse(&run);
        bench_mates_listen(&few, true, FEW);
        const struct figure all_bare = sparse_bare(&mates, ROOM - FEW, socket, ROOM);
        bench_mates_listen_end(&few);
        delay[BARE][i] = sparse_bare(&few, FEW, socket, ROOM).delay_s * 1e6;
        bench_mates_listen(&mates, true, ROOM - FEW); /* to what they have not read */
        wait_for_bare(&mates, (uint64_t)SPARSE * (ROOM - FEW));
        bench_mates_listen_end(&mates);
        bench_note("one a second: %.1f us a copy beside %.1f", all.cpu_us, all_bare.cpu_us);
        cpu[OURS][i] = all.cpu_us;
        cpu[BARE][i] = all_bare.cpu_us;
        delay_all[OURS][i] = bench_peers_median_delay_s(&run.crowd.peers) * 1e6;
        delay_all[BARE][i] = all_bare.delay_s * 1e6;
    }
    bench_row_of_pairs("room of 100, one a second: median delay", delay[OURS], delay[BARE], BENCH_PAIRS, "us", BENCH_AT_MOST, 1.5);
    bench_row_of_pairs("room of 100, one a second: CPU a copy", cpu[OURS], cpu[BARE], BENCH_PAIRS, "us", BENCH_AT_MOST, 1.5);
    bench_row_of_pairs("the same, all on these cores: median delay", delay_all[OURS], delay_all[BARE], BENCH_PAIRS, "us", BENCH_SHOWN, 0);
    zmq_close(socket);
    close_run(&run);
    bench_mates_end(&few);
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
    for (const double until_s = bench_now_s() + WAIT_S; bench_peers_got(peers) < all && bench_now_s() < until_s;)
        bench_pause_ms(1);
    if (bench_peers_got(peers) != all)
        bench_die("members have got %llu messages of %llu", (unsigned long long)bench_peers_got(peers), (unsigned long long)all);
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
    bench_peers_join(&peers, "many", 0, MANY, MANY_EACH, true);
    (void)chatter(&peers, 1.0, 3.0); /* keys are handed */
    const struct figure calm = chatter(&peers, 1.0, MANY_S);
    bench_figure("1,000 users, 100 rooms: delivered, none lost", calm.per_s, "msg/s", BENCH_SHOWN, 0);
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
    bench_figure("1,000 users, 100 rooms: a core of registry's", 1e6 / best.cpu_us, "msg/s", BENCH_SHOWN, 0);
    bench_peers_end(&peers);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const uint32_t members = argc > 2 ? (uint32_t)atoi(argv[2]) : ROOM;

    BENCH_NEED(msg_keys_init() == CONCLAVE_OK);
    memset(text, 'x', sizeof text);
    bench_daemon_prepare(&daemon_, CONFIG);
    bench_daemon_start(&daemon_);
    if (strcmp(what, "relay") == 0)
        saturated("relay", members, 0);
    else if (strcmp(what, "behind") == 0)
        saturated("behind", members, FAR);
    else if (strcmp(what, "disk") == 0)
        saturated("disk", members, ON_DISK | FAR);
    else if (strcmp(what, "mesh") == 0)
        saturated("mesh", members - 1, MESH | FAR);
    else if (strcmp(what, "sparse") == 0)
        now_and_then();
    else if (strcmp(what, "many") == 0)
        many_rooms();
    else
        bench_die("what is to be measured: relay, behind, disk or mesh and how many are in the room; sparse; or many");
    bench_daemon_stop(&daemon_);
    return 0;
}
