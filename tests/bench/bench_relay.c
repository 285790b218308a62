/* What the registry pays to pass on what is said in rooms, held against a bare
 * ROUTER with CURVE that sends message by message: one sender that says as
 * much as it can, in rooms of 10, 100 and 1,000 members; one that says
 * something now and then; and how many frames the log takes, held against LMDB
 * itself. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "msg/codec.h"
#include "msg/step.h"
#include "tests/bench/roommates.h"

#define SIZES 3u
#define BATCH 200u            /* messages in a frame, */
#define EACH_BYTES 256u       /* of so many bytes */
#define BOX_BYTES (BATCH * (EACH_BYTES + 40u))
#define AHEAD 2u              /* frames that the slowest member may be behind */
#define SPARSE_ROOM 100u
#define CALM_MS 16000u        /* until nobody has come for a while */
#define SPARSE_PAIRS 5u
#define SPARSE 10u            /* messages in each turn, */
#define SPARSE_MS 1000u       /* and the time between two */
#define LOG_FRAMES 60000u
#define LOG_BYTES 300u
#define LOG_MORE 300u           /* around them, at most */
#define LOG_AHEAD 8000u
#define LOG_RUNS 5u
#define A_COMMIT 100u
#define MAP_BYTES ((size_t)1 << 30)

#define CONFIG \
    "password\n    quality = false\n    memory_kib = 8\n    passes = 1\n" \
    "lease\n    ping_ms = 3600000\n    expiry_ms = 7200000\n" \
    "limits\n    room_members = 2000\n    posts_per_s = 1000000\n"

static const uint32_t sizes[SIZES] = {10, 100, 1000};

struct sender {
    const struct bench_member *member;
    void *socket;
    uint64_t account, device;
    struct msg_head head;       /* of the first entry of the room */
    uint64_t number;            /* of the last message */
    uint64_t stored;
};

/* ---- the sender ---- */

static enum msg_kind
receive(struct sender *self, int flags, union msg_any *any)
{
    static uint8_t bytes[MSG_FRAME_MAX + 1000];
    struct msg_buf room = {bytes, 0, sizeof bytes};
    const enum msg_kind kind = bench_member_receive(self->socket, flags, any, &room);

    if (kind == MSG_ERROR)
        bench_die("the registry refuses: %.*s", (int)any->MSG_ANY_ERROR.text.len, any->MSG_ANY_ERROR.text.at);
    if (kind == MSG_ROOM_REFUSED)
        bench_die("the registry refuses a frame: %.*s", (int)any->MSG_ANY_ROOM_REFUSED.code.len,
                  any->MSG_ANY_ROOM_REFUSED.code.at);
    if (kind == MSG_ROOM_STORED)
        self->stored = any->MSG_ANY_ROOM_STORED.number;
    return kind;
}

static void
drain(struct sender *self)
{
    union msg_any any;

    while (receive(self, ZMQ_DONTWAIT, &any) != MSG_KIND_NONE)
        ;
}

static void
make_room(struct sender *self, const struct msg_id *room, const char *name)
{
    const struct msg_room_op op = {.room = *room, .act = MSG_ACT_CREATE, .account = self->account,
                                   .device = self->device, .name = msg_text(name), .ts_ms = 1};
    const struct msg_room_find find = {3, msg_text(name)};
    union msg_any any;

    bench_mate_propose(self->socket, self->member, (struct msg_room_op[]){op});
    bench_member_send(self->socket, MSG_ROOM_FIND, &find);
    while (receive(self, 0, &any) != MSG_ROOM_FOUND)
        ;
    self->head = any.MSG_ANY_ROOM_FOUND.head;
    self->number = self->stored = 0;
}

/* Appends the ROOM_POST of the next frame. */
static void
make_post(struct sender *self, const struct msg_id *room, uint32_t count, uint32_t box_bytes, struct msg_buf *outer)
{
    static uint8_t box[MSG_BATCH_MAX], inner_bytes[MSG_FRAME_MAX];
    struct msg_buf inner = {inner_bytes, 0, sizeof inner_bytes};
    const struct msg_room_frame frame = {.room = *room, .epoch = 1, .epoch_head = self->head,
                                         .account = self->account, .device = self->device, .incarnation = 1,
                                         .first = self->number + 1, .count = count, .box = msg_span(box, box_bytes)};

    BENCH_NEED(msg_codec_encode(&inner, MSG_ROOM_FRAME, &frame) == CONCLAVE_OK);
    const struct msg_room_post post = {*room, msg_span_of_buf(&inner)};
    BENCH_NEED(msg_codec_encode(outer, MSG_ROOM_POST, &post) == CONCLAVE_OK);
    self->number += count;
}

static void
post(struct sender *self, const struct msg_id *room, uint32_t count, uint32_t box_bytes)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf outer = {bytes, 0, sizeof bytes};

    make_post(self, room, count, box_bytes, &outer);
    BENCH_NEED(zmq_send(self->socket, outer.at, outer.len, 0) == (int)outer.len);
}

static void
wait_for(const struct bench_mates *mates, uint64_t got)
{
    const double until_s = bench_now_s() + 120;

    while (bench_mates_got(mates) < got) {
        bench_pause_ms(1);
        if (bench_now_s() > until_s)
            bench_die("members have got %llu messages of %llu", (unsigned long long)bench_mates_got(mates),
                      (unsigned long long)got);
    }
}

/* ---- as much as it can ---- */

struct figure {
    double cpu_us;   /* of the registry, for each message that a member got */
    double per_s;    /* such messages */
};

static struct figure
saturate(struct bench_mates *mates, struct sender *sender, const struct msg_id *room, pid_t front, uint32_t members)
{
    const uint64_t frames = members >= 1000 ? 20 : members >= 100 ? 150 : 1000;

    bench_mates_listen(mates, false, members);
    const double cpu = bench_cpu_s(front), t = bench_now_s();
    for (uint64_t n = 1; n <= frames; n++) {
        if (n > AHEAD)
            wait_for(mates, (n - AHEAD) * BATCH * members);
        post(sender, room, BATCH, BOX_BYTES);
        drain(sender);
    }
    const uint64_t all = frames * BATCH * members;
    wait_for(mates, all);
    const struct figure figure = {(bench_cpu_s(front) - cpu) / (double)all * 1e6, (double)all / (bench_now_s() - t)};
    if (bench_mates_reads(mates) > 0)
        bench_note("%llu pages were read from the log", (unsigned long long)bench_mates_reads(mates));
    bench_mates_listen_end(mates);
    return figure;
}

static struct figure
saturate_bare(struct bench_mates *mates, void *socket, uint32_t members)
{
    static const char message[EACH_BYTES];
    const uint64_t messages = members >= 1000 ? 1000 : members >= 100 ? 10000 : 100000;

    bench_mates_listen(mates, true, members);
    const double cpu = bench_cpu_s(mates->bare.child.pid), t = bench_now_s();
    for (uint64_t n = 0; n < messages; n++)
        BENCH_NEED(zmq_send(socket, message, sizeof message, 0) == (int)sizeof message);
    wait_for(mates, messages * members);
    const double all = (double)(messages * members);
    const struct figure figure = {(bench_cpu_s(mates->bare.child.pid) - cpu) / all * 1e6, all / (bench_now_s() - t)};
    bench_mates_listen_end(mates);
    return figure;
}

/* ---- now and then ---- */

static struct figure
sparse(struct bench_mates *mates, struct sender *sender, const struct msg_id *room, void *bare, pid_t pid)
{
    static const char message[EACH_BYTES];

    bench_mates_listen(mates, bare != NULL, SPARSE_ROOM);
    const double cpu = bench_cpu_s(pid);
    for (uint64_t n = 1; n <= SPARSE; n++) {
        mates->shared->said_s = bench_now_s();
        if (bare != NULL)
            BENCH_NEED(zmq_send(bare, message, sizeof message, 0) == (int)sizeof message);
        else
            post(sender, room, 1, EACH_BYTES + 40);
        wait_for(mates, n * SPARSE_ROOM);
        if (bare == NULL)
            drain(sender);
        bench_pause_ms(SPARSE_MS);
    }
    mates->shared->said_s = 0;
    const struct figure figure = {(bench_cpu_s(pid) - cpu) / (SPARSE * SPARSE_ROOM) * 1e6,
                                  bench_mates_median_delay_s(mates)};
    bench_mates_listen_end(mates);
    return figure;
}

static void
now_and_then(struct bench_mates *mates, struct sender *sender, const struct msg_id *room, void *bare_sender, pid_t front)
{
    double cpu[2][SPARSE_PAIRS], delay[2][SPARSE_PAIRS];

    for (uint32_t i = 0; i < SPARSE_PAIRS; i++) {
        const struct figure ours = sparse(mates, sender, room, NULL, front);
        const struct figure bare = sparse(mates, sender, room, bare_sender, mates->bare.child.pid);
        bench_note("one a second, light members: %.1f us a copy beside %.1f", ours.cpu_us, bare.cpu_us);
        cpu[0][i] = ours.cpu_us, cpu[1][i] = bare.cpu_us;
        delay[0][i] = ours.per_s * 1e6, delay[1][i] = bare.per_s * 1e6;
    }
    bench_row_of_pairs("light room of 100, one a second: CPU a copy", cpu[0], cpu[1], SPARSE_PAIRS, "us", BENCH_AT_MOST, 1.5);
    bench_row_of_pairs("light room of 100, one a second: median delay", delay[0], delay[1], SPARSE_PAIRS, "us", BENCH_AT_MOST, 1.5);
}

/* ---- the log ---- */

/* The posts are made before, as the records of the bare program are. */
static double
log_rate(struct sender *sender, const struct msg_id *room)
{
    static uint8_t bytes[LOG_FRAMES * (LOG_BYTES + LOG_MORE)];
    static size_t begins[LOG_FRAMES + 1];
    struct msg_buf posts = {bytes, 0, sizeof bytes};
    uint64_t sent = 0;
    union msg_any any;

    for (uint64_t n = 0; n < LOG_FRAMES; n++) {
        make_post(sender, room, 1, LOG_BYTES, &posts);
        begins[n + 1] = posts.len;
    }
    const double t = bench_now_s();
    while (sender->stored < LOG_FRAMES) {
        for (; sent < LOG_FRAMES && sent - sender->stored < LOG_AHEAD; sent++)
            BENCH_NEED(zmq_send(sender->socket, bytes + begins[sent], begins[sent + 1] - begins[sent], 0) >= 0);
        (void)receive(sender, 0, &any);
        drain(sender);
    }
    return LOG_FRAMES / (bench_now_s() - t);
}

static double
log_rate_bare(void)
{
    static uint8_t bytes[LOG_BYTES + 250];
    char dir[200];
    MDB_env *env;
    MDB_dbi table;
    MDB_txn *txn;

    bench_dir(dir, sizeof dir);
    BENCH_NEED(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, MAP_BYTES) == 0
               && mdb_env_open(env, dir, 0, 0600) == 0);
    BENCH_NEED(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, NULL, 0, &table) == 0
               && mdb_txn_commit(txn) == 0);
    const double t = bench_now_s();
    for (uint64_t from = 0; from < LOG_FRAMES; from += A_COMMIT) {
        BENCH_NEED(mdb_txn_begin(env, NULL, 0, &txn) == 0);
        for (uint64_t n = from; n < from + A_COMMIT; n++) {
            struct msg_record_key at = msg_record_key3(7, 8, n);
            MDB_val key = {at.len, at.at}, value = {sizeof bytes, bytes};
            BENCH_NEED(mdb_put(txn, table, &key, &value, 0) == 0);
        }
        BENCH_NEED(mdb_txn_commit(txn) == 0);
    }
    const double rate = LOG_FRAMES / (bench_now_s() - t);
    mdb_env_close(env);
    return rate;
}

/* Rooms of each size, one after the other; their members stay. */
static void
relay(struct bench_mates *mates, struct sender *sender, pid_t front)
{
    static struct msg_id rooms[SIZES];
    struct figure ours[SIZES], bare[SIZES];
    char what[64], name[16];

    void *bare_sender = bench_dial(mates->bare.endpoint, &mates->bare.pub, NULL, NULL);
    bench_mates_login(mates, BENCH_MATES);
    for (uint32_t i = 0; i < SIZES; i++) {
        msg_keys_random(rooms[i].at, sizeof rooms[i].at);
        snprintf(name, sizeof name, "#room%u", sizes[i]);
        make_room(sender, &rooms[i], name);
        bench_mates_join(mates, &rooms[i], &sender->head, sizes[i]);
        bench_mates_join_bare(mates, i == 0 ? 0 : sizes[i - 1], sizes[i]);
        bench_pause_ms(2500); /* rosters and states are told */
        if (sizes[i] == SPARSE_ROOM) {
            bench_pause_ms(CALM_MS);
            now_and_then(mates, sender, &rooms[i], bare_sender, front);
        }
        ours[i] = saturate(mates, sender, &rooms[i], front, sizes[i]);
        bare[i] = saturate_bare(mates, bare_sender, sizes[i]);
        snprintf(what, sizeof what, "room of %u, %u at once: CPU a message", sizes[i], BATCH);
        bench_row(what, ours[i].cpu_us, bare[i].cpu_us, "us", sizes[i] < 100 ? BENCH_SHOWN : BENCH_AT_MOST, 0.35);
        snprintf(what, sizeof what, "room of %u: delivered", sizes[i]);
        bench_row(what, ours[i].per_s, bare[i].per_s, "msg/s", BENCH_SHOWN, 0);
    }
    bench_row("a message: 1,000 members beside 10", ours[2].cpu_us, ours[0].cpu_us, "us", BENCH_AT_MOST, 1.3);
}

/* Pairs of runs, since a disk is not the same from one second to the next. */
static void
log_frames(struct sender *sender)
{
    double rate[LOG_RUNS], bare[LOG_RUNS];
    struct msg_id room;
    char name[16];

    for (uint32_t i = 0; i < LOG_RUNS; i++) {
        msg_keys_random(room.at, sizeof room.at);
        snprintf(name, sizeof name, "#log%u", i);
        make_room(sender, &room, name);
        rate[i] = log_rate(sender, &room);
        bare[i] = log_rate_bare();
        bench_note("log: %.0f frames/s beside %.0f records/s: %.2f", rate[i], bare[i], rate[i] / bare[i]);
    }
    bench_row_of_pairs("log: frames stored", rate, bare, LOG_RUNS, "rec/s", BENCH_AT_LEAST, 0.6);
}

int
main(int argc, char **argv)
{
    static struct bench_daemon daemon;
    static struct bench_mates mates;
    const bool only_log = argc > 1 && strcmp(argv[1], "log") == 0;
    const uint32_t count = only_log ? 0 : BENCH_MATES;

    BENCH_NEED(msg_keys_init() == CONCLAVE_OK);
    const struct bench_member *members = bench_members_make(count + 1, "mate");
    mates.members = members;
    bench_daemon_prepare(&daemon, CONFIG);
    bench_daemon_start(&daemon);
    bench_members_enrol(&daemon, members, count + 1, &mates.front);
    if (!only_log) {
        bench_bare_start(&mates.bare, BENCH_BARE_RELAY, true);
        bench_mates_start(&mates);
    }
    struct sender sender = {.member = &members[count]};
    sender.socket = bench_member_dial(sender.member, &mates.front);
    bench_member_login(sender.socket, sender.member);
    bench_mate_welcome(sender.socket, &sender.account, &sender.device);
    if (only_log) {
        log_frames(&sender);
    } else {
        relay(&mates, &sender, daemon.front);
        bench_mates_end(&mates);
        bench_bare_end(&mates.bare);
    }
    bench_daemon_stop(&daemon);
    return 0;
}
