/* The public API: handles, the two ways to run, events.  Requests are in
 * peer/asking, what it takes to open a peer in peer/setup. */
#include "peer/conclave.h"

#include <czmq.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "host/memory.h"
#include "peer/handle.h"

static _Thread_local char why[1024];

const char *
conclave_why(void)
{
    return why;
}

/* Signals are the program's: threads made from here on do not take them. */
static void
mask_signals(sigset_t *before)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, before); /* fails only for misuse */
}

static void
unmask_signals(const sigset_t *before)
{
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

static enum conclave_err
begin(void)
{
    why[0] = '\0';
    const enum conclave_err err = peer_setup_process();
    if (err != CONCLAVE_OK)
        (void)snprintf(why, sizeof why, "%s", msg_error_sentence(err));
    return err;
}

/* Whatever went wrong has a sentence. */
static enum conclave_err
ended(enum conclave_err err)
{
    if (err != CONCLAVE_OK && why[0] == '\0')
        (void)snprintf(why, sizeof why, "%s", msg_error_sentence(err));
    return err;
}

static struct conclave *
new_handle(void)
{
    struct conclave *self = calloc(1, sizeof *self);
    if (self == NULL || pthread_mutex_init(&self->state_lock, NULL) != 0)
        abort();
    self->forks = peer_setup_forks();
    return self;
}

static void
free_handle(struct conclave *self)
{
    peer_event_wipe(&self->event);
    if (self->command.at != NULL)
        msg_keys_wipe(self->command.at, self->command.cap);
    free(self->command.at);
    (void)pthread_mutex_destroy(&self->state_lock); /* nobody holds it */
    free(self);
}

/* In the thread of the loop. */
static void
look(const struct conclave *self, struct conclave_state *out)
{
    struct peer_core_state core;
    peer_node_state(self->peer.node, &core);
    out->enrolled = core.enrolled;
    out->online = core.online;
    out->logged_out = core.logged_out;
    out->unacknowledged = core.unacknowledged;
    static_assert(sizeof out->name == sizeof core.name && sizeof out->link == sizeof core.link, "copied whole");
    memcpy(out->name, core.name, sizeof out->name);
    memcpy(out->link, core.link, sizeof out->link);
    out->port = peer_node_port(self->peer.node);
}

/* Many in one thread. */
enum conclave_err
conclave_loop_new(struct conclave_loop **self_p)
{
    sigset_t before;
    *self_p = NULL;
    enum conclave_err err = begin();
    if (err != CONCLAVE_OK)
        return err;
    struct conclave_loop *self = calloc(1, sizeof *self);
    if (self == NULL)
        abort();
    self->forks = peer_setup_forks();
    mask_signals(&before);
    err = peer_loop_new(&self->loop);
    unmask_signals(&before);
    if (err != CONCLAVE_OK)
        free(self);
    else
        *self_p = self;
    return ended(err);
}

static enum conclave_err
open_member(struct conclave_loop *loop, struct conclave *self, const struct conclave_options *options, bool own_thread)
{
    static const struct conclave_options none;
    const enum conclave_err err = peer_setup_open(&self->peer, loop->loop, &loop->homes, options != NULL ? options : &none,
                                                  own_thread, why, sizeof why);
    if (err != CONCLAVE_OK)
        return ended(err);
    self->loop = loop;
    self->next = loop->peers;
    loop->peers = self;
    return CONCLAVE_OK;
}

static void
close_member(struct conclave *self)
{
    struct conclave **at = &self->loop->peers;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    peer_setup_close(&self->peer, &self->loop->homes);
}

enum conclave_err
conclave_open_in(struct conclave_loop *loop, struct conclave **self_p, const struct conclave_options *options)
{
    sigset_t before;
    *self_p = NULL;
    enum conclave_err err = begin();
    if (err != CONCLAVE_OK)
        return err;
    if (!peer_handle_is_ours(loop->forks))
        return ended(CONCLAVE_ERR_SYSTEM);
    struct conclave *self = new_handle();
    mask_signals(&before);
    err = open_member(loop, self, options, false);
    unmask_signals(&before);
    if (err != CONCLAVE_OK)
        free_handle(self);
    else
        *self_p = self;
    return err;
}

enum conclave_err
conclave_loop_turn(struct conclave_loop *loop, int timeout_ms)
{
    return peer_handle_is_ours(loop->forks) ? peer_loop_turn(loop->loop, timeout_ms) : CONCLAVE_ERR_SYSTEM;
}

void
conclave_loop_destroy(struct conclave_loop **self_p)
{
    struct conclave_loop *self = *self_p;
    sigset_t before;
    *self_p = NULL;
    if (self == NULL || !peer_handle_is_ours(self->forks))
        return;
    while (self->peers != NULL) {
        struct conclave *peer = self->peers;
        conclave_close(&peer);
    }
    mask_signals(&before);
    peer_loop_destroy(&self->loop);
    unmask_signals(&before);
    free(self);
}

/* A thread of its own. */
struct thread {
    struct conclave *self;
    const struct conclave_options *options; /* until it is opened */
    void *pipe;
    enum conclave_err err;
    char why[sizeof why];
    bool end;
};

/* Commands of the API, and the $TERM of zactor_destroy. */
static void
on_pipe(void *arg)
{
    struct thread *const thread = arg;
    zmq_msg_t msg;
    (void)zmq_msg_init(&msg); /* cannot fail, says its manual */
    while (!thread->end) {
        if (zmq_msg_recv(&msg, thread->pipe, ZMQ_DONTWAIT) < 0) {
            if (errno == EINTR)
                continue;
            thread->end = errno != EAGAIN;
            break;
        }
        const struct msg_span frame = msg_span(zmq_msg_data(&msg), zmq_msg_size(&msg));
        if (frame.len == 5 && memcmp(frame.at, "$TERM", 5) == 0)
            thread->end = true;
        else
            peer_node_command_frame(thread->self->peer.node, frame);
    }
    (void)zmq_msg_close(&msg);
}

static void
publish_state(struct conclave *self)
{
    struct conclave_state state;
    look(self, &state);
    (void)pthread_mutex_lock(&self->state_lock);
    self->state = state;
    (void)pthread_mutex_unlock(&self->state_lock);
}

static void
run(zsock_t *pipe, void *arg)
{
    struct thread *const opening = arg; /* its caller waits, and is gone after the signal */
    struct conclave *const self = opening->self;
    struct thread thread = {.self = self, .pipe = zsock_resolve(pipe)};
    struct conclave_loop *loop = NULL;

    enum conclave_err err = conclave_loop_new(&loop);
    if (err == CONCLAVE_OK)
        err = open_member(loop, self, opening->options, true);
    if (err == CONCLAVE_OK) {
        err = peer_loop_pipe(loop->loop, thread.pipe, on_pipe, &thread);
        if (err == CONCLAVE_OK)
            publish_state(self);
        else
            close_member(self);
    }
    opening->err = ended(err);
    memcpy(opening->why, why, sizeof why);
    (void)zsock_signal(pipe, 0); /* fails only for misuse */
    if (err == CONCLAVE_OK) {
        while (!thread.end && peer_loop_turn(loop->loop, -1) == CONCLAVE_OK)
            publish_state(self);
        close_member(self);
    }
    conclave_loop_destroy(&loop);
}

enum conclave_err
conclave_open(struct conclave **self_p, const struct conclave_options *options)
{
    struct thread opening = {.options = options, .err = CONCLAVE_ERR_SYSTEM};
    sigset_t before;
    *self_p = NULL;
    const enum conclave_err err = begin();
    if (err != CONCLAVE_OK)
        return err;
    struct conclave *self = opening.self = new_handle();
    mask_signals(&before);
    self->actor = zactor_new(run, &opening);
    unmask_signals(&before);
    memcpy(why, opening.why, sizeof why);
    if (self->actor == NULL || opening.err != CONCLAVE_OK) {
        zactor_destroy(&self->actor);
        free_handle(self);
        return ended(opening.err);
    }
    *self_p = self;
    return CONCLAVE_OK;
}

void
conclave_close(struct conclave **self_p)
{
    struct conclave *self = *self_p;
    sigset_t before;
    *self_p = NULL;
    /* A loop that ends takes the first of its list each time: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    if (self == NULL || !peer_handle_is_ours(self->forks))
        return; /* in a child nothing of it may be touched */
    mask_signals(&before); /* CZMQ takes a signal for the end of what it waits for */
    if (self->actor != NULL)
        zactor_destroy(&self->actor); /* waits until the thread has closed it */
    else
        close_member(self);
    unmask_signals(&before);
    peer_setup_release(&self->peer);
    free_handle(self);
}

void
peer_handle_deliver(struct conclave *self, struct msg_span frame)
{
    while (zmq_send(zsock_resolve(self->actor), frame.at, frame.len, 0) < 0 && errno == EINTR)
        ;
}

enum conclave_err
conclave_set_passphrase(struct conclave *self, const char *passphrase)
{
    why[0] = '\0';
    if (!peer_handle_is_ours(self->forks))
        return ended(CONCLAVE_ERR_SYSTEM);
    return ended(peer_setup_passphrase(&self->peer, msg_text(passphrase != NULL ? passphrase : ""), why, sizeof why));
}

/* The next event that is to be handed out; false: none waits. */
static bool
take(struct conclave *self)
{
    struct msg_span frame;
    for (;;) {
        bool shown = peer_event_has_more(&self->event);
        if (shown)
            shown = peer_event_next(&self->event);
        else if (peer_tells_take(&self->peer.tells, &frame))
            shown = peer_event_read(&self->event, frame);
        else
            return false;
        const bool held = shown && self->event.event.arrival != 0 && self->peer.hold_messages;
        if (held && self->event.event.kind != CONCLAVE_EVENT_ROOM) {
            peer_event_skip(&self->event);
            shown = false;
        }
        if (!peer_event_has_more(&self->event))
            peer_tells_taken(&self->peer.tells);
        if (!shown)
            continue;
        if (self->event.event.arrival != 0 && !held)
            self->given = self->event.event.arrival; /* kept until it is shown; what is held comes again in the next opening */
        if (self->event.event.kind == CONCLAVE_EVENT_STATS)
            self->event.stats.memory_bytes = host_memory_resident();
        return true;
    }
}

long
conclave_show(struct conclave *self, int fd, const void *bytes, size_t len)
{
    if (!peer_handle_is_ours(self->forks)) {
        errno = ECHILD;
        return -1;
    }
    return (long)peer_shown_write(&self->peer.shown, fd, msg_span(bytes, len), self->given);
}

/* Waits for news; false: it failed, or there is nothing to wait for. */
static bool
wait_for_news(struct conclave *self, int timeout_ms)
{
    if (self->actor == NULL)
        return conclave_loop_turn(self->loop, timeout_ms) == CONCLAVE_OK;
    struct pollfd news = {.fd = self->peer.tells.fd, .events = POLLIN};
    return poll(&news, 1, timeout_ms) >= 0 || errno == EINTR;
}

const struct conclave_event *
conclave_next(struct conclave *self, int timeout_ms)
{
    if (!peer_handle_is_ours(self->forks))
        return NULL;
    if (self->given != 0)
        peer_shown_mark(&self->peer.shown, self->given);
    self->given = 0;
    const uint64_t end_ms = timeout_ms > 0 ? peer_loop_now_ms() + (uint64_t)timeout_ms : 0;
    int left_ms = timeout_ms;
    while (!take(self)) {
        if (left_ms == 0 || !wait_for_news(self, left_ms))
            return NULL;
        if (timeout_ms > 0) {
            const uint64_t now_ms = peer_loop_now_ms();
            left_ms = now_ms < end_ms ? (int)(end_ms - now_ms) : 0;
        }
    }
    return &self->event.event;
}

int
conclave_fd(struct conclave *self)
{
    return self->peer.tells.fd;
}

void
conclave_get_state(struct conclave *self, struct conclave_state *out)
{
    *out = (struct conclave_state){0};
    if (!peer_handle_is_ours(self->forks))
        return;
    if (self->actor == NULL) {
        look(self, out);
        return;
    }
    (void)pthread_mutex_lock(&self->state_lock);
    *out = self->state;
    (void)pthread_mutex_unlock(&self->state_lock);
}

const char *
conclave_error_code(enum conclave_err err)
{
    return msg_error_code(err);
}

const char *
conclave_error_sentence(enum conclave_err err)
{
    return msg_error_sentence(err);
}

const char *
conclave_version(void)
{
    return peer_setup_version();
}
