/* See hand.h: the loop of one process, and its orders. */
#include "tools/stress/hand.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/stress/clock.h"

#define IDLE_MS 5
#define SLICE_NS 100000u    /* a moment that is closer than 1 ms is waited for in such steps */

void
stress_hand_die(struct stress_hand *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(self->mine->why, sizeof self->mine->why, format, args);
    va_end(args);
    _exit(1);
}

bool
stress_hand_asked(const struct stress_hand *self)
{
    struct pollfd item = {self->fd, POLLIN, 0};

    return poll(&item, 1, 0) > 0;
}

static void
get(struct stress_hand *self, void *at, size_t len)
{
    for (char *next = at; len > 0;) {
        const ssize_t n = read(self->fd, next, len);
        if (n == 0 || (n < 0 && errno != EINTR))
            _exit(0); /* the parent is gone */
        next += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

void
stress_hand_end(struct stress_hand *self)
{
    char word;

    get(self, &word, 1);
}

static void
note(struct stress_hand *self, const char *text)
{
    if (self->mine->notices++ == 0)
        (void)snprintf(self->mine->notice, sizeof self->mine->notice, "%s", text);
}

static void
take(struct stress_hand *self, struct stress_peer *peer, const struct conclave_event *event)
{
    char text[STRESS_WHY_ROOM / 2];

    if (event->kind == CONCLAVE_EVENT_MESSAGE) {
        stress_peer_hear(self, peer, event);
        return;
    }
    if (event->kind == CONCLAVE_EVENT_SESSION) {
        const bool online = event->state == CONCLAVE_SESSION_LOGGED_IN;
        if (online != peer->online)
            self->mine->online += online ? 1u : UINT64_MAX;
        peer->online = online;
        self->mine->logins += online;
        return;
    }
    if (event->kind == CONCLAVE_EVENT_RECEIPT) {
        self->mine->stored += event->tick == CONCLAVE_TICK_STORED;
        return;
    }
    if (event->kind == CONCLAVE_EVENT_GAP) {
        (void)snprintf(text, sizeof text, "Messages %llu to %llu of %s are missing, a peer says.", (unsigned long long)event->first,
                       (unsigned long long)event->last, event->from);
        note(self, text);
        return;
    }
    if (event->kind == CONCLAVE_EVENT_NOTICE) {
        note(self, event->text);
        return;
    }
    if (event->request == 0)
        return;
    if (event->request == peer->request)
        stress_jobs_answer(self, peer, event);
    else if (!stress_search_answer(self, peer, event) && event->kind == CONCLAVE_EVENT_FAILED)
        stress_hand_die(self, "A peer refuses a message: %s", event->text);
}

void
stress_hand_turn(struct stress_hand *self, int timeout_ms)
{
    const struct conclave_event *event;

    if (conclave_loop_turn(self->loop, timeout_ms) != CONCLAVE_OK)
        stress_hand_die(self, "A loop of peers ended; memory or descriptors are short.");
    for (uint32_t i = 0; i < self->count; i++)
        while (self->peers[i].self != NULL && (event = conclave_next(self->peers[i].self, 0)) != NULL)
            take(self, &self->peers[i], event);
    if (self->jobs > 0)
        stress_jobs_turn(self);
}

void
stress_hand_turn_until(struct stress_hand *self, uint64_t now_ns, uint64_t until_ns)
{
    const uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;

    if (left_ns < 1000000u && left_ns > SLICE_NS / 2)
        stress_clock_wait_ns(left_ns < SLICE_NS ? left_ns : SLICE_NS);
    stress_hand_turn(self, left_ns >= IDLE_MS * 1000000ull ? IDLE_MS : (int)(left_ns / 1000000u));
}

static void
obey(struct stress_hand *self, const struct stress_order *order)
{
    switch (order->what) {
    case STRESS_ENTER:
    case STRESS_MAKE:
    case STRESS_JOIN:
    case STRESS_SETTLE:
    case STRESS_ARRIVE:
    case STRESS_AWAY:
    case STRESS_BACK:
        stress_jobs_run(self, order);
        return;
    case STRESS_RESET:
        self->mine->latency = self->mine->trips = (struct stress_record){0};
        return;
    case STRESS_GREET:
        stress_talk_greet(self);
        return;
    case STRESS_TALK:
        stress_talk_run(self, order);
        return;
    case STRESS_ANSWER:
        self->tripping = true;
        return;
    case STRESS_TRIPS:
        stress_talk_trips(self);
        return;
    case STRESS_SEARCHES:
        stress_search_run(self, order);
        return;
    case STRESS_CHECK:
        for (uint32_t i = 0; i < self->count; i++)
            stress_peer_check(self, &self->peers[i]);
        return;
    case STRESS_QUIT:
        conclave_loop_destroy(&self->loop);
        _exit(0);
    }
}

static void
take_seats(struct stress_hand *self)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < self->world->peers; i++)
        self->count += self->world->seats[i].worker == self->number;
    self->peers = calloc(self->count + 1, sizeof *self->peers);
    self->text = malloc(self->world->options.size);
    if (self->peers == NULL || self->text == NULL)
        stress_hand_die(self, "Memory is short.");
    for (uint32_t i = 0; i < self->world->peers; i++)
        if (self->world->seats[i].worker == self->number)
            self->peers[count++] = (struct stress_peer){.seat = &self->world->seats[i], .index = i};
}

void
stress_hand_run(struct stress_world *world, uint32_t number, int fd)
{
    static struct stress_hand self;
    struct stress_order order;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_IGN); /* the parent decides */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    self.world = world;
    self.mine = &world->worker[number];
    self.number = number;
    self.fd = fd;
    self.chance = world->options.seed * 1000003u + number;
    self.check = stress_check_new();
    take_seats(&self);
    if (conclave_loop_new(&self.loop) != CONCLAVE_OK)
        stress_hand_die(&self, "%s", conclave_why());
    for (;;) {
        while (!stress_hand_asked(&self))
            stress_hand_turn(&self, IDLE_MS);
        get(&self, &order, sizeof order);
        obey(&self, &order);
        if (send(self.fd, "", 1, MSG_NOSIGNAL) != 1)
            _exit(0);
    }
}
