/* The loop: clocks, descriptors, and one commit for all peers.  What happens
 * to one peer is in peer/node.  Everything runs in one thread. */
#include "peer/inner.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_A_TURN 4     /* of work that work makes */
#define EVENTS_A_TURN 256
#define RETRY_MS 1000u      /* until a commit that failed is tried again */

void
peer_loop_read_clocks(struct peer_loop *self)
{
    struct timespec mono;
    struct timespec wall;
    /* both clocks are there on every Linux; the one for people need not be exact */
    if (clock_gettime(CLOCK_MONOTONIC, &mono) != 0 || clock_gettime(CLOCK_REALTIME_COARSE, &wall) != 0)
        abort();
    self->now.mono_ms = (uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000;
    self->now.wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000;
}

/* A command between two turns: what the kernel wrote down at its last tick
 * will do, and costs a tenth; never before what the turn read. */
void
peer_loop_glance_at_clocks(struct peer_loop *self)
{
    struct timespec mono;
    struct timespec wall;
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &mono) != 0)
        abort();
    const uint64_t mono_ms = (uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000;
    if (mono_ms <= self->now.mono_ms)
        return;
    if (clock_gettime(CLOCK_REALTIME_COARSE, &wall) != 0)
        abort();
    self->now.mono_ms = mono_ms;
    self->now.wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000;
}

static uint64_t
now_ns(void)
{
    struct timespec mono;
    if (clock_gettime(CLOCK_MONOTONIC, &mono) != 0)
        abort();
    return (uint64_t)mono.tv_sec * 1000000000 + (uint64_t)mono.tv_nsec;
}

uint64_t
peer_loop_now_ms(void)
{
    return now_ns() / 1000000;
}

static uint64_t
due_ms(const struct peer_node *node)
{
    const uint64_t own_ms = node->sweep_ms < node->again_ms ? node->sweep_ms : node->again_ms;
    return node->wake_ms < own_ms ? node->wake_ms : own_ms;
}

static void
heap_set(struct peer_loop *self, size_t at, struct peer_node *node)
{
    self->heap[at] = node;
    node->heap_at = at;
}

/* Moves a node to where its time belongs. */
static void
heap_settle(struct peer_loop *self, struct peer_node *node)
{
    size_t at = node->heap_at;
    while (at > 0 && due_ms(self->heap[(at - 1) / 2]) > due_ms(node)) {
        heap_set(self, at, self->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < self->heap_count && due_ms(self->heap[child + 1]) < due_ms(self->heap[child]))
            child++;
        if (child >= self->heap_count || due_ms(self->heap[child]) >= due_ms(node))
            break;
        heap_set(self, at, self->heap[child]);
        at = child;
    }
    heap_set(self, at, node);
}

static void
heap_add(struct peer_loop *self, struct peer_node *node)
{
    if (self->heap_count == self->heap_room) {
        self->heap_room = self->heap_room == 0 ? 8 : 2 * self->heap_room;
        self->heap = realloc(self->heap, self->heap_room * sizeof(struct peer_node *));
        if (self->heap == NULL)
            abort();
    }
    heap_set(self, self->heap_count++, node);
    heap_settle(self, node);
}

static void
heap_remove(struct peer_loop *self, struct peer_node *node)
{
    struct peer_node *const last = self->heap[--self->heap_count];
    if (last != node) {
        heap_set(self, node->heap_at, last);
        heap_settle(self, last);
    }
}

void
peer_loop_queue(struct peer_node *node)
{
    struct peer_loop *const loop = node->loop;
    if (node->queued)
        return;
    node->queued = true;
    node->queue_next = NULL;
    if (loop->queue == NULL)
        loop->queue = node;
    else
        loop->queue_last->queue_next = node;
    loop->queue_last = node;
}

enum conclave_err
peer_loop_watch(struct peer_loop *self, struct peer_watch *watch, void *socket)
{
    size_t size = sizeof watch->fd;
    if (zmq_getsockopt(socket, ZMQ_FD, &watch->fd, &size) != 0)
        return CONCLAVE_ERR_SYSTEM;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    return epoll_ctl(self->epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0 ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

void
peer_loop_unwatch(struct peer_loop *self, struct peer_watch *watch)
{
    if (watch->fd >= 0)
        (void)epoll_ctl(self->epoll, EPOLL_CTL_DEL, watch->fd, NULL); /* gone is gone */
    watch->fd = -1;
}

void
peer_loop_enter(struct peer_node *node)
{
    heap_add(node->loop, node);
}

/* Takes a node out of a list that is linked by `next`. */
#define UNLINK(head, node, next) \
    do { \
        struct peer_node **at = &(head); \
        while (*at != NULL && *at != (node)) \
            at = &(*at)->next; \
        if (*at != NULL) \
            *at = (node)->next; \
    } while (0)

void
peer_loop_leave(struct peer_node *node)
{
    struct peer_loop *const self = node->loop;
    heap_remove(self, node);
    UNLINK(self->storing, node, storing_next);
    UNLINK(self->queue, node, queue_next);
    self->queue_last = self->queue;
    while (self->queue_last != NULL && self->queue_last->queue_next != NULL)
        self->queue_last = self->queue_last->queue_next;
}

void
peer_loop_due(struct peer_node *node)
{
    heap_settle(node->loop, node);
}

void
peer_loop_storing(struct peer_node *node)
{
    if (node->storing)
        return;
    node->storing = true;
    node->storing_next = node->loop->storing;
    node->loop->storing = node;
}

/* One sync for every environment that has something to commit; what a full
 * disk refuses waits and is tried again. */
static void
commit(struct peer_loop *self)
{
    struct peer_node *node = self->storing;
    self->storing = NULL;
    while (node != NULL) {
        struct peer_node *const next = node->storing_next;
        enum conclave_err err = CONCLAVE_OK;
        node->storing = false;
        if (node->shelf != NULL && peer_shelf_waiting(node->shelf) > 0)
            err = peer_store_commit(peer_shelf_store_of(node->shelf));
        if (err != CONCLAVE_OK) {
            self->retry_ms = self->now.mono_ms + RETRY_MS;
            peer_loop_storing(node);
            peer_node_not_stored(node, err);
        } else {
            peer_node_stored(node);
        }
        node = next;
    }
}

void
peer_loop_flush(struct peer_node *node)
{
    for (int round = 0; round < ROUNDS_A_TURN && node->storing; round++)
        commit(node->loop);
}

static bool
may_commit(const struct peer_loop *self)
{
    return self->storing != NULL && self->now.mono_ms >= self->retry_ms;
}

static void
read_queue(struct peer_loop *self)
{
    struct peer_node *node = self->queue;
    self->queue = self->queue_last = NULL;
    while (node != NULL) {
        struct peer_node *const next = node->queue_next;
        node->queued = false;
        peer_intake_read(node);
        node = next;
    }
}

/* Each node at most once, for it may ask for a time that is there already. */
static void
wake_due(struct peer_loop *self)
{
    for (size_t left = self->heap_count; left > 0 && due_ms(self->heap[0]) <= self->now.mono_ms; left--)
        peer_node_wake(self->heap[0]);
}

static bool
is_due(const struct peer_loop *self)
{
    return self->heap_count > 0 && due_ms(self->heap[0]) <= self->now.mono_ms;
}

/* All that can be done without waiting, within reason.  What is to be sent
 * leaves before more is read, and what is to be told is told before that. */
static void
work(struct peer_loop *self)
{
    for (int round = 0; round < ROUNDS_A_TURN; round++) {
        if (self->pipe_ready) {
            self->pipe_ready = false;
            self->pipe_fn(self->pipe_arg);
        }
        wake_due(self);
        read_queue(self);
        if (may_commit(self))
            commit(self);
        if (self->waiting > 0 || (self->queue == NULL && !may_commit(self) && !is_due(self)))
            break;
    }
}

static void
free_grave(struct peer_loop *self)
{
    while (self->grave != NULL) {
        struct peer_conn *const conn = self->grave;
        self->grave = conn->fallen_next;
        free(conn);
    }
}

static uint64_t
until(const struct peer_loop *self, uint64_t then_ms)
{
    return then_ms > self->now.mono_ms ? then_ms - self->now.mono_ms : 0;
}

static int
wait_ms(const struct peer_loop *self, int timeout_ms)
{
    uint64_t wait = timeout_ms < 0 ? INT32_MAX : (uint64_t)timeout_ms;
    if (self->queue != NULL || self->waiting > 0 || may_commit(self))
        return 0;
    if (self->heap_count > 0 && due_ms(self->heap[0]) != PEER_NEVER_MS && until(self, due_ms(self->heap[0])) < wait)
        wait = until(self, due_ms(self->heap[0]));
    if (self->storing != NULL && until(self, self->retry_ms) < wait)
        wait = until(self, self->retry_ms);
    return wait == INT32_MAX && timeout_ms < 0 ? -1 : (int)wait;
}

/* Whoever else wants this processor has it between two looks: the answer may
 * be with a thread of libzmq's. */
static int
look(const struct peer_loop *self, struct epoll_event *events, uint64_t end_ns)
{
    int n;
    while ((n = epoll_wait(self->epoll, events, EVENTS_A_TURN, 0)) == 0 && now_ns() < end_ns)
        (void)sched_yield(); /* cannot fail */
    return n;
}

/* As epoll_wait. */
static int
await(struct peer_loop *self, struct epoll_event *events, int wait)
{
    const uint64_t start_ns = wait != 0 ? now_ns() : 0;
    int n = 0;
    if (wait != 0 && peer_spin_worth(&self->spin))
        n = look(self, events, start_ns + PEER_SPIN_NS);
    if (n == 0)
        n = epoll_wait(self->epoll, events, EVENTS_A_TURN, wait);
    if (wait != 0)
        peer_spin_waited(&self->spin, now_ns() - start_ns, n > 0);
    return n;
}

enum conclave_err
peer_loop_turn(struct peer_loop *self, int timeout_ms)
{
    struct epoll_event events[EVENTS_A_TURN];

    peer_loop_read_clocks(self);
    const bool told = self->pipe_ready; /* what it says may be to end the loop */
    work(self);
    const int wait = told ? 0 : wait_ms(self, timeout_ms);
    if (!told && self->waiting > 0 && self->looked_ms == self->now.mono_ms) {
        free_grave(self); /* the sockets were looked at in this millisecond: tells first */
        return CONCLAVE_OK;
    }
    const int n = await(self, events, wait);
    if (n < 0 && errno != EINTR)
        return CONCLAVE_ERR_SYSTEM;
    if (wait != 0)
        peer_loop_read_clocks(self);
    self->looked_ms = self->now.mono_ms;
    for (int i = 0; i < n; i++) {
        struct peer_watch *const watch = events[i].data.ptr;
        if (watch->kind == PEER_WATCH_PIPE)
            self->pipe_ready = true;
        else
            peer_intake_noticed(watch);
    }
    work(self);
    free_grave(self);
    return CONCLAVE_OK;
}

enum conclave_err
peer_loop_pipe(struct peer_loop *self, void *pipe, peer_loop_pipe_fn *fn, void *arg)
{
    self->pipe_fn = fn;
    self->pipe_arg = arg;
    self->pipe_watch = (struct peer_watch){.kind = PEER_WATCH_PIPE, .fd = -1};
    self->pipe_ready = true; /* a new pipe gives no sign before it was looked into */
    return peer_loop_watch(self, &self->pipe_watch, pipe);
}

size_t *
peer_loop_waiting(struct peer_loop *self)
{
    return &self->waiting;
}

enum conclave_err
peer_loop_new(struct peer_loop **self_p)
{
    struct peer_loop *self = calloc(1, sizeof *self);
    *self_p = NULL;
    if (self == NULL)
        abort();
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll < 0) {
        free(self);
        return CONCLAVE_ERR_SYSTEM;
    }
    (void)zmq_msg_init(&self->frame.body); /* cannot fail, says its manual */
    (void)zmq_msg_init(&self->heard.body);
    for (size_t i = 0; i < PEER_BURST; i++)
        (void)zmq_msg_init(&self->burst[i].body);
    msg_effects_init(&self->effects);
    peer_loop_read_clocks(self);
    *self_p = self;
    return CONCLAVE_OK;
}

void
peer_loop_destroy(struct peer_loop **self_p)
{
    struct peer_loop *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    free_grave(self);
    (void)zmq_msg_close(&self->frame.body); /* it was initialised */
    (void)zmq_msg_close(&self->heard.body);
    for (size_t i = 0; i < PEER_BURST; i++)
        (void)zmq_msg_close(&self->burst[i].body);
    msg_effects_wipe(&self->effects);
    (void)close(self->epoll); /* nothing is buffered in it */
    free(self->heap);
    free(self);
}
