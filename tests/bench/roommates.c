/* See roommates.h. */
#include "tests/bench/roommates.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "msg/codec.h"

#define EACH (BENCH_MATES / BENCH_MATES_WORKERS)
#define AT_ONCE 50u
#define TAKEN_EVERY 65536u
#define HEAD_BYTES 30u /* of a CAST before its posts, and a little less than that */

enum what { LOGIN, JOIN, JOIN_BARE, LISTEN, LISTEN_BARE };
struct order {
    enum what what;
    uint32_t from, to;          /* of all: worker w plays w, w + WORKERS, ... */
    struct msg_id room;
    struct msg_head head;
};

struct mate {
    void *socket, *bare;
    uint64_t account, device;
    uint64_t bytes, told;       /* of CASTs */
    uint64_t heard;             /* offset */
    struct msg_id room;
};

/* ---- one member ---- */

static uint8_t in_bytes[MSG_FRAME_MAX + 1000];

static enum msg_kind
receive(void *socket, int flags, union msg_any *any)
{
    struct msg_buf room = {in_bytes, 0, sizeof in_bytes};
    const enum msg_kind kind = bench_member_receive(socket, flags, any, &room);

    if (kind == MSG_ERROR && !msg_text_equal(any->MSG_ANY_ERROR.code, msg_text("busy")))
        bench_die("the registry refuses: %.*s", (int)any->MSG_ANY_ERROR.text.len, any->MSG_ANY_ERROR.text.at);
    return kind;
}

void
bench_mate_welcome(void *socket, uint64_t *account, uint64_t *device)
{
    union msg_any any;

    while (receive(socket, 0, &any) != MSG_WELCOME)
        ;
    *account = any.MSG_ANY_WELCOME.account;
    *device = any.MSG_ANY_WELCOME.device;
}

static void
propose(void *socket, const struct bench_member *member, const struct msg_room_op *op)
{
    uint8_t bytes[MSG_ROOM_OP_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};

    BENCH_NEED(msg_room_sign_op(&out, op, &member->sign_sec) == CONCLAVE_OK);
    const struct msg_room_propose propose = {1, op->room, msg_span_of_buf(&out), {NULL, 0}};
    bench_member_send(socket, MSG_ROOM_PROPOSE, &propose);
}

static void
await_done(void *socket)
{
    union msg_any any;

    while (receive(socket, 0, &any) != MSG_DONE)
        ;
}

void
bench_mate_propose(void *socket, const struct bench_member *member, struct msg_room_op *op)
{
    propose(socket, member, op);
    await_done(socket);
}

static void
read_log(struct mate *self)
{
    const struct msg_room_read read = {2, self->room, self->heard, {0}};

    bench_member_send(self->socket, MSG_ROOM_READ, &read);
}

/* ---- a worker's members ---- */

static const struct bench_member *
member_of(const struct bench_mates *world, uint32_t i)
{
    return &world->members[i * BENCH_MATES_WORKERS + world->worker];
}

static void
login_all(const struct bench_mates *world, struct mate *mates, uint32_t n)
{
    for (uint32_t from = 0; from < n; from += AT_ONCE) {
        const uint32_t to = from + AT_ONCE < n ? from + AT_ONCE : n;
        for (uint32_t i = from; i < to; i++) {
            mates[i].socket = bench_member_dial(member_of(world, i), &world->front);
            bench_member_login(mates[i].socket, member_of(world, i));
        }
        for (uint32_t i = from; i < to; i++)
            bench_mate_welcome(mates[i].socket, &mates[i].account, &mates[i].device);
    }
}

static void
join_all(const struct bench_mates *world, const struct order *order, struct mate *mates, uint32_t n)
{
    union msg_any any;

    for (uint32_t from = 0; from < n; from += AT_ONCE) {
        const uint32_t to = from + AT_ONCE < n ? from + AT_ONCE : n;
        for (uint32_t i = from; i < to; i++) {
            const struct msg_room_op op = {.room = order->room, .act = MSG_ACT_JOIN, .account = mates[i].account,
                                           .device = mates[i].device, .seen = 1, .seen_head = order->head, .ts_ms = 1};
            propose(mates[i].socket, member_of(world, i), &op);
        }
        for (uint32_t i = from; i < to; i++)
            await_done(mates[i].socket);
    }
    for (uint32_t i = 0; i < n; i++) {
        mates[i].room = order->room;
        mates[i].heard = 0;
        read_log(&mates[i]);
        while (receive(mates[i].socket, 0, &any) != MSG_ROOM_LOG)
            ;
        BENCH_NEED(any.MSG_ANY_ROOM_LOG.live);
        mates[i].heard = any.MSG_ANY_ROOM_LOG.next;
    }
}

static void
note_delay(const struct bench_mates *world)
{
    struct bench_mates_shared *shared = world->shared;
    const uint64_t count = shared->delays_count[world->worker];

    if (shared->said_s == 0 || count == BENCH_MATES_DELAYS)
        return;
    shared->delays_s[world->worker][count] = bench_now_s() - shared->said_s;
    shared->delays_count[world->worker] = count + 1;
}

static void
count_posts(const struct bench_mates *world, struct mate *self, struct msg_list posts)
{
    struct msg_logged logged;
    union msg_any any;
    enum msg_kind kind;

    while (msg_codec_next(&posts, MSG_LOGGED, &logged)) {
        BENCH_NEED(msg_codec_decode(logged.frame, &kind, &any) == CONCLAVE_OK && kind == MSG_ROOM_FRAME);
        if (logged.offset <= self->heard)
            continue; /* it was cast while the log was being read */
        self->heard = logged.offset;
        world->shared->got[world->worker] += any.MSG_ANY_ROOM_FRAME.count;
        note_delay(world);
    }
}

static void
hear(const struct bench_mates *world, struct mate *self)
{
    union msg_any any;
    enum msg_kind kind;

    while ((kind = receive(self->socket, ZMQ_DONTWAIT, &any)) != MSG_KIND_NONE) {
        if (kind == MSG_ROOM_CAST) {
            BENCH_NEED(any.MSG_ANY_ROOM_CAST.prev <= self->heard);
            count_posts(world, self, any.MSG_ANY_ROOM_CAST.posts);
            self->bytes += any.MSG_ANY_ROOM_CAST.posts.len + HEAD_BYTES;
            if (self->bytes - self->told >= TAKEN_EVERY) {
                const struct msg_room_taken taken = {self->bytes};
                bench_member_send(self->socket, MSG_ROOM_TAKEN, &taken);
                self->told = self->bytes;
            }
        } else if (kind == MSG_ROOM_LOG) {
            count_posts(world, self, any.MSG_ANY_ROOM_LOG.frames);
            if (!any.MSG_ANY_ROOM_LOG.live)
                read_log(self);
        } else if (kind == MSG_ROOM_STATE || kind == MSG_ERROR) {
            world->shared->reads[world->worker]++;
            read_log(self);
        }
    }
}

static void
hear_bare(const struct bench_mates *world, struct mate *self)
{
    while (zmq_recv(self->bare, in_bytes, sizeof in_bytes, ZMQ_DONTWAIT) >= 0) {
        world->shared->got[world->worker]++;
        note_delay(world);
    }
}

static void
listen_all(const struct bench_mates *world, int fd, const struct order *order, struct mate *mates, uint32_t n)
{
    static zmq_pollitem_t items[EACH + 1];
    const bool bare = order->what == LISTEN_BARE;
    char word;

    for (uint32_t i = 0; i < n; i++)
        items[i] = (zmq_pollitem_t){bare ? mates[i].bare : mates[i].socket, 0, ZMQ_POLLIN, 0};
    items[n] = (zmq_pollitem_t){NULL, fd, ZMQ_POLLIN, 0};
    for (;;) {
        BENCH_NEED(zmq_poll(items, (int)n + 1, -1) >= 0);
        for (uint32_t i = 0; i < n; i++) {
            if ((items[i].revents & ZMQ_POLLIN) == 0)
                continue;
            if (bare)
                hear_bare(world, &mates[i]);
            else
                hear(world, &mates[i]);
        }
        if ((items[n].revents & ZMQ_POLLIN) != 0)
            break;
    }
    bench_get(fd, &word, 1);
}

static void
work(int fd, void *arg)
{
    static struct mate mates[EACH];
    const struct bench_mates *world = arg;
    const uint32_t w = world->worker;

    for (;;) {
        struct order order;
        bench_get(fd, &order, sizeof order);
        const uint32_t n = (order.to + BENCH_MATES_WORKERS - 1 - w) / BENCH_MATES_WORKERS;
        const uint32_t from = (order.from + BENCH_MATES_WORKERS - 1 - w) / BENCH_MATES_WORKERS;
        switch (order.what) {
        case LOGIN:
            login_all(world, mates, n);
            break;
        case JOIN:
            join_all(world, &order, mates, n);
            break;
        case JOIN_BARE:
            for (uint32_t i = from; i < n; i++) {
                if (world->bare.kind == BENCH_BARE_PUBLISH) {
                    mates[i].bare = bench_dial_publisher(world->bare.endpoint, &world->bare.pub);
                    continue;
                }
                mates[i].bare = bench_dial(world->bare.endpoint, &world->bare.pub, NULL, NULL);
                BENCH_NEED(zmq_send(mates[i].bare, "join", 4, 0) == 4);
            }
            break;
        case LISTEN:
        case LISTEN_BARE:
            listen_all(world, fd, &order, mates, n);
            break;
        }
        bench_put(fd, "", 1);
    }
}

/* ---- all workers ---- */

void
bench_mates_start(struct bench_mates *self)
{
    self->shared = bench_share(sizeof *self->shared);
    for (self->worker = 0; self->worker < BENCH_MATES_WORKERS; self->worker++)
        bench_start(&self->workers[self->worker], work, self);
}

void
bench_mates_end(struct bench_mates *self)
{
    for (uint32_t w = 0; w < BENCH_MATES_WORKERS; w++)
        bench_end(&self->workers[w]);
}

static void
begin(struct bench_mates *self, const struct order *order)
{
    for (uint32_t w = 0; w < BENCH_MATES_WORKERS; w++)
        bench_put(self->workers[w].fd, order, sizeof *order);
}

static void
end(struct bench_mates *self)
{
    char done;

    for (uint32_t w = 0; w < BENCH_MATES_WORKERS; w++)
        bench_get(self->workers[w].fd, &done, 1);
}

void
bench_mates_login(struct bench_mates *self, uint32_t count)
{
    begin(self, &(struct order){.what = LOGIN, .to = count});
    end(self);
}

void
bench_mates_join(struct bench_mates *self, const struct msg_id *room, const struct msg_head *head, uint32_t count)
{
    begin(self, &(struct order){.what = JOIN, .to = count, .room = *room, .head = *head});
    end(self);
}

void
bench_mates_join_bare(struct bench_mates *self, uint32_t from, uint32_t to)
{
    begin(self, &(struct order){.what = JOIN_BARE, .from = from, .to = to});
    end(self);
}

void
bench_mates_listen(struct bench_mates *self, bool bare, uint32_t count)
{
    for (uint32_t w = 0; w < BENCH_MATES_WORKERS; w++) {
        self->shared->got[w] = self->shared->reads[w] = 0;
        self->shared->delays_count[w] = 0;
    }
    begin(self, &(struct order){.what = bare ? LISTEN_BARE : LISTEN, .to = count});
}

void
bench_mates_listen_end(struct bench_mates *self)
{
    for (uint32_t w = 0; w < BENCH_MATES_WORKERS; w++)
        bench_put(self->workers[w].fd, "", 1);
    end(self);
}

uint64_t
bench_mates_got(const struct bench_mates *self)
{
    uint64_t got = 0;

    for (uint32_t w = 0; w < BENCH_MATES_WORKERS; w++)
        got += self->shared->got[w];
    return got;
}

uint64_t
bench_mates_reads(const struct bench_mates *self)
{
    uint64_t reads = 0;

    for (uint32_t w = 0; w < BENCH_MATES_WORKERS; w++)
        reads += self->shared->reads[w];
    return reads;
}

double
bench_mates_median_delay_s(const struct bench_mates *self)
{
    static double all[BENCH_MATES_WORKERS * BENCH_MATES_DELAYS];
    size_t count = 0;

    for (uint32_t w = 0; w < BENCH_MATES_WORKERS; w++)
        for (uint64_t i = 0; i < self->shared->delays_count[w]; i++)
            all[count++] = self->shared->delays_s[w][i];
    return bench_median(all, count);
}
