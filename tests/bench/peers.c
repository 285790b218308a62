/* See peers.h. */
#include "tests/bench/peers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EACH (BENCH_PEERS / BENCH_PEERS_WORKERS)
#define AT_ONCE 8u          /* requests under way in one worker */
#define TURN_MS 5
#define PASSWORD "a bench of wood and iron 7"
#define REQUEST_S 900.0       /* a thousand who join one room all read who did: a million signatures */
#define DIGITS 8u           /* of a number in a text: hexadecimal */
#define STAMP_DIGITS 16u

enum what { OPEN, MAKE, JOIN, SETTLE, RESET, TALK };
struct order {
    enum what what;
    char prefix[16];        /* of the rooms */
    uint32_t count;         /* of all: worker w plays w, w + WORKERS, ... */
    uint32_t from;          /* JOIN: without those before */
    uint32_t each;
    double every_s;
};

struct peer {
    struct conclave *self;
    uint32_t index;             /* of all */
    uint32_t said;
    uint64_t request;           /* under way; 0: none */
    uint32_t last[BENCH_PEERS + 1]; /* number heard, by sender */
};

struct work {
    const struct bench_peers *world;
    struct bench_peers_worker *shared;
    int fd;
    struct conclave_loop *loop;
    struct peer peers[EACH];
};

/* ---- texts ---- */

static void
write_hex(char *at, uint64_t value, uint32_t digits)
{
    while (digits-- > 0) {
        at[digits] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

static uint64_t
read_hex(const char *at, uint32_t digits)
{
    uint64_t value = 0;

    for (; digits-- > 0; at++)
        value = value << 4 | (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    return value;
}

void
bench_peers_write(char *text, uint32_t sender, uint32_t number, bool timed)
{
    memset(text, 'x', BENCH_PEERS_TEXT);
    write_hex(text, sender, DIGITS);
    write_hex(text + DIGITS, number, DIGITS);
    if (timed)
        write_hex(text + 2 * DIGITS, (uint64_t)(bench_now_s() * 1e9), STAMP_DIGITS);
}

static void
hear(struct work *work, struct peer *peer, const struct conclave_event *event)
{
    struct bench_peers_worker *shared = work->shared;

    BENCH_NEED(event->text_bytes == BENCH_PEERS_TEXT);
    const uint64_t sender = read_hex(event->text, DIGITS), number = read_hex(event->text + DIGITS, DIGITS);
    BENCH_NEED(sender <= BENCH_PEERS);
    if (number != peer->last[sender] + 1)
        bench_die("a message of %s came out of order: %u, and then %u", event->from, peer->last[sender], (unsigned)number);
    peer->last[sender]++;
    shared->got++;
    if (event->text[2 * DIGITS] != 'x' && shared->delays_count < BENCH_PEERS_DELAYS)
        shared->delays_s[shared->delays_count++] = bench_now_s() - (double)read_hex(event->text + 2 * DIGITS, STAMP_DIGITS) * 1e-9;
}

/* ---- one peer ---- */

struct conclave *
bench_peer_open(struct conclave_loop *loop, const char *link, const char *name, bool on_disk, bool direct)
{
    char home[300] = "";
    struct conclave *self;

    if (on_disk)
        bench_dir(home, sizeof home);
    const struct conclave_options options = {
        .link = link, .listen = direct ? "127.0.0.1:0" : "none", .home = home, .in_memory = !on_disk, .direct = direct ? "anyone" : "never"};
    if (conclave_open_in(loop, &self, &options) != CONCLAVE_OK)
        bench_die("%s cannot open: %s", name, conclave_why());
    return self;
}

static void
check(const struct conclave_event *event)
{
    if (event->kind == CONCLAVE_EVENT_FAILED)
        bench_die("a request failed: %s", event->text);
    if (event->kind == CONCLAVE_EVENT_GAP)
        bench_die("messages %llu to %llu of %s are lost", (unsigned long long)event->first, (unsigned long long)event->last, event->from);
    if (event->kind == CONCLAVE_EVENT_NOTICE)
        bench_die("a peer is told: %s", event->text);
}

void
bench_peer_await(struct conclave_loop *loop, struct conclave *self, uint64_t request)
{
    const double until_s = bench_now_s() + REQUEST_S;
    const struct conclave_event *event;

    for (;;) {
        BENCH_NEED(conclave_loop_turn(loop, TURN_MS) == CONCLAVE_OK && bench_now_s() < until_s);
        while ((event = conclave_next(self, 0)) != NULL) {
            check(event);
            if (event->request == request)
                return;
        }
    }
}

/* ---- a worker's peers ---- */

static uint32_t
share_of(const struct work *work, uint32_t count)
{
    return (count + BENCH_PEERS_WORKERS - 1 - work->world->worker) / BENCH_PEERS_WORKERS;
}

/* One turn, and all that was told in it. */
static void
turn(struct work *work, int timeout_ms)
{
    const struct conclave_event *event;

    BENCH_NEED(conclave_loop_turn(work->loop, timeout_ms) == CONCLAVE_OK);
    for (uint32_t i = 0; i < EACH && work->peers[i].self != NULL; i++) {
        struct peer *peer = &work->peers[i];
        while ((event = conclave_next(peer->self, 0)) != NULL) {
            check(event);
            if (event->kind == CONCLAVE_EVENT_MESSAGE)
                hear(work, peer, event);
            else if (event->request != 0 && event->request == peer->request)
                peer->request = 0;
        }
    }
}

static uint64_t
begin(struct work *work, const struct order *order, uint32_t i)
{
    struct peer *peer = &work->peers[i];
    char name[32];

    if (order->what == OPEN) {
        peer->index = i * BENCH_PEERS_WORKERS + work->world->worker;
        snprintf(name, sizeof name, "%s%u", work->world->prefix, (unsigned)peer->index);
        peer->self = bench_peer_open(work->loop, work->world->link, name, work->world->on_disk, work->world->direct);
        return conclave_register(peer->self, name, PASSWORD);
    }
    snprintf(name, sizeof name, "#%s%u", order->prefix, (unsigned)(peer->index / order->each));
    if (order->what == MAKE)
        return peer->index % order->each == 0 ? conclave_room_create(peer->self, name, 0, NULL, NULL) : 0;
    if (order->what == JOIN)
        return conclave_room_join(peer->self, name, NULL);
    return conclave_members(peer->self, name);
}

/* A request of each, a few of them under way at a time. */
static void
all(struct work *work, const struct order *order)
{
    const uint32_t n = share_of(work, order->count);
    const double until_s = bench_now_s() + REQUEST_S;
    uint32_t done = share_of(work, order->from), begun = done;

    while (done < n) {
        for (; begun < n && begun < done + AT_ONCE; begun++)
            work->peers[begun].request = begin(work, order, begun);
        turn(work, TURN_MS);
        while (done < begun && work->peers[done].request == 0)
            done++;
        if (bench_now_s() > until_s)
            bench_die("a peer waits in vain for an answer");
    }
}

/* Until an order comes. */
static void
listen_on(struct work *work)
{
    while (!bench_asked(work->fd))
        turn(work, TURN_MS);
}

static void
reset(struct work *work)
{
    for (uint32_t i = 0; i < EACH; i++) {
        work->peers[i].said = 0;
        memset(work->peers[i].last, 0, sizeof work->peers[i].last);
    }
    work->shared->got = work->shared->said = work->shared->delays_count = 0;
}

static void
talk(struct work *work, const struct order *order)
{
    const uint32_t n = share_of(work, order->count);
    const double from_s = bench_now_s(), gap_s = order->every_s / n;
    char text[BENCH_PEERS_TEXT], room[32], done;

    for (uint64_t k = 0; !bench_asked(work->fd);) {
        for (; bench_now_s() >= from_s + (double)k * gap_s; k++) {
            struct peer *peer = &work->peers[k % n];
            snprintf(room, sizeof room, "#%s%u", order->prefix, (unsigned)(peer->index / order->each));
            bench_peers_write(text, peer->index, ++peer->said, true);
            conclave_send(peer->self, room, text, sizeof text);
            work->shared->said++;
        }
        turn(work, gap_s > 1e-3 ? 1 : 0);
    }
    bench_get(work->fd, &done, 1);
}

static void
play(int fd, void *arg)
{
    static struct work work;
    struct order order;

    work.world = arg;
    work.shared = &work.world->shared->workers[work.world->worker];
    work.fd = fd;
    BENCH_NEED(conclave_loop_new(&work.loop) == CONCLAVE_OK);
    for (;;) {
        listen_on(&work);
        bench_get(fd, &order, sizeof order);
        if (order.what == RESET)
            reset(&work);
        else if (order.what == TALK)
            talk(&work, &order);
        else
            all(&work, &order);
        bench_put(fd, "", 1);
    }
}

/* ---- all workers ---- */

static void
give(struct bench_peers *self, const struct order *order)
{
    for (uint32_t w = 0; w < BENCH_PEERS_WORKERS; w++)
        bench_put(self->workers[w].fd, order, sizeof *order);
}

static void
finish(struct bench_peers *self)
{
    char done;

    for (uint32_t w = 0; w < BENCH_PEERS_WORKERS; w++)
        bench_get(self->workers[w].fd, &done, 1);
}

static void
let(struct bench_peers *self, const struct order *order)
{
    give(self, order);
    finish(self);
}

static struct order
order_of(enum what what, const char *prefix, uint32_t count, uint32_t each)
{
    struct order order = {.what = what, .count = count, .each = each};

    snprintf(order.prefix, sizeof order.prefix, "%s", prefix);
    return order;
}

void
bench_peers_start(struct bench_peers *self)
{
    BENCH_NEED(self->count <= BENCH_PEERS);
    self->shared = bench_share(sizeof *self->shared);
    for (self->worker = 0; self->worker < BENCH_PEERS_WORKERS; self->worker++)
        bench_start(&self->workers[self->worker], play, self);
    const struct order order = order_of(OPEN, "", self->count, 1);
    let(self, &order);
}

void
bench_peers_end(struct bench_peers *self)
{
    for (uint32_t w = 0; w < BENCH_PEERS_WORKERS; w++)
        bench_end(&self->workers[w]);
}

void
bench_peers_join(struct bench_peers *self, const char *prefix, uint32_t from, uint32_t to, uint32_t each, bool make)
{
    struct order order = order_of(MAKE, prefix, to, each);

    order.from = from;
    if (make)
        let(self, &order);
    order.what = JOIN;
    let(self, &order);
    order.what = SETTLE;
    let(self, &order);
}

void
bench_peers_stop(struct bench_peers *self, bool stop)
{
    for (uint32_t w = 0; w < BENCH_PEERS_WORKERS; w++)
        BENCH_NEED(kill(self->workers[w].pid, stop ? SIGSTOP : SIGCONT) == 0);
}

void
bench_peers_reset(struct bench_peers *self)
{
    let(self, &(struct order){.what = RESET});
}

void
bench_peers_talk(struct bench_peers *self, const char *prefix, uint32_t count, uint32_t each, double every_s)
{
    struct order order = order_of(TALK, prefix, count, each);

    order.every_s = every_s;
    give(self, &order);
}

void
bench_peers_talk_end(struct bench_peers *self)
{
    for (uint32_t w = 0; w < BENCH_PEERS_WORKERS; w++)
        bench_put(self->workers[w].fd, "", 1);
    finish(self);
}

uint64_t
bench_peers_got(const struct bench_peers *self)
{
    uint64_t got = 0;

    for (uint32_t w = 0; w < BENCH_PEERS_WORKERS; w++)
        got += self->shared->workers[w].got;
    return got;
}

uint64_t
bench_peers_said(const struct bench_peers *self)
{
    uint64_t said = 0;

    for (uint32_t w = 0; w < BENCH_PEERS_WORKERS; w++)
        said += self->shared->workers[w].said;
    return said;
}

double
bench_peers_median_delay_s(const struct bench_peers *self)
{
    static double v[BENCH_PEERS_WORKERS * BENCH_PEERS_DELAYS];
    size_t count = 0;

    for (uint32_t w = 0; w < BENCH_PEERS_WORKERS; w++)
        for (uint64_t i = 0; i < self->shared->workers[w].delays_count; i++)
            v[count++] = self->shared->workers[w].delays_s[i];
    return bench_median(v, count);
}

double
bench_peers_cpu_s(const struct bench_peers *self)
{
    double cpu = 0;

    for (uint32_t w = 0; w < BENCH_PEERS_WORKERS; w++)
        cpu += bench_cpu_s(self->workers[w].pid);
    return cpu;
}
