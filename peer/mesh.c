/* XPUBs of mesh rooms.  libzmq tells of a subscriber by its subscriptions
 * alone: each comes with its key and its descriptor, which is how somebody who
 * is expelled is found. */
#include "peer/mesh.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/tcpinfo.h"
#include "peer/inner.h"

#define SUBSCRIPTIONS_MAX 8u    /* of one connection, and what it takes back counts too */
#define TOPIC_MAX 8u            /* bytes; ours have none */
#define HEARD_A_TURN 256        /* from one XPUB */
#define SOCKET_MAX 1024         /* bytes that a subscriber may send at once: a handshake is about 400 */
#define LINGER_MS 1000          /* for what was published last */

/* Who subscribed; one connection for each key. */
struct subscriber {
    struct msg_box_pub key;
    int fd;                     /* libzmq's, to be shut down, never closed */
    struct host_peer end;       /* who was at the other end of fd */
    uint32_t heard;             /* subscriptions, and their ends */
};

struct peer_mesh {
    uint64_t id;
    struct peer_node *node;
    zsock_t *xpub;              /* NULL: it could not be bound */
    struct peer_admit *admit;
    struct host_watchdog *watchdog;
    struct peer_watch watch;
    struct subscriber *subscribers; /* not more than are admitted */
    size_t count;
    size_t room;
    uint16_t port;
    enum conclave_err err;
    bool told;                  /* BOUND was */
    bool ready;                 /* there may be something to read */
    bool sent;                  /* and not read since */
    struct peer_mesh *next;
};

static struct peer_mesh *
find(const struct peer_node *node, uint64_t id)
{
    struct peer_mesh *self = node->meshes;
    while (self != NULL && self->id != id)
        self = self->next;
    return self;
}

static struct subscriber *
find_subscriber(const struct peer_mesh *self, const struct msg_box_pub *key)
{
    for (size_t i = 0; i < self->count; i++) {
        if (memcmp(&self->subscribers[i].key, key, sizeof *key) == 0)
            return &self->subscribers[i];
    }
    return NULL;
}

/* Ends a connection, if the descriptor is still its own. */
static void
shut(int fd, const struct host_peer *end)
{
    if (host_tcpinfo_lives(fd, end))
        (void)shutdown(fd, SHUT_RDWR); /* fails when the other end was faster */
}

static struct subscriber *
add_subscriber(struct peer_mesh *self, const struct msg_box_pub *key)
{
    if (self->count == self->room) {
        self->room = self->room == 0 ? 8 : 2 * self->room;
        self->subscribers = realloc(self->subscribers, self->room * sizeof *self->subscribers);
        if (self->subscribers == NULL)
            abort();
    }
    struct subscriber *const added = &self->subscribers[self->count++];
    *added = (struct subscriber){.key = *key, .fd = -1};
    return added;
}

/* The subscriber that a connection is.  Another connection of the same key
 * takes its place, and the former is cut off: one does not count twice. */
static struct subscriber *
meet(struct peer_mesh *self, const struct msg_box_pub *key, int fd, const struct host_peer *end)
{
    struct subscriber *subscriber = find_subscriber(self, key);
    if (subscriber == NULL)
        subscriber = add_subscriber(self, key);
    else if (subscriber->fd == fd && memcmp(&subscriber->end, end, sizeof *end) == 0)
        return subscriber;
    else
        shut(subscriber->fd, &subscriber->end);
    subscriber->fd = fd;
    subscriber->end = *end;
    subscriber->heard = 0;
    return subscriber;
}

static bool
is_subscription(struct msg_span bytes)
{
    return bytes.len > 0 && bytes.len <= 1 + TOPIC_MAX && bytes.at[0] <= 1;
}

static void
hear(struct peer_mesh *self, struct host_frame *frame)
{
    struct host_peer end;
    const struct msg_span bytes = host_frame_bytes(frame);
    if (frame->fd < 0 || !host_tcpinfo_peer(frame->fd, &end))
        return; /* libzmq's own word, or it is gone already */
    if (self->watchdog != NULL)
        host_watchdog_delivered(self->watchdog, frame->fd, bytes.len);
    if (!peer_admit_has(self->admit, &frame->from)) {
        shut(frame->fd, &end); /* expelled between its handshake and its first word */
        return;
    }
    struct subscriber *const subscriber = meet(self, &frame->from, frame->fd, &end);
    if (!is_subscription(bytes) || ++subscriber->heard > SUBSCRIPTIONS_MAX)
        shut(subscriber->fd, &subscriber->end);
}

static void
drain(struct peer_mesh *self)
{
    struct host_frame *const frame = &self->node->loop->heard;
    for (int n = 0; n < HEARD_A_TURN; n++) {
        if (host_curve_read_xpub(self->xpub, frame) == HOST_READ_NOTHING) {
            self->ready = self->sent = false;
            return;
        }
        hear(self, frame); /* of many parts: then the first one is no subscription */
    }
    self->ready = true; /* there may be more */
    peer_loop_queue(self->node);
}

static enum conclave_err
bind_xpub(struct peer_mesh *self, uint16_t port)
{
    static atomic_uint_fast64_t count;
    const struct host_watchdog_limits limits = {.connections = 1024, .connections_per_source = 256};
    struct peer_node *const node = self->node;
    char domain[32];
    (void)snprintf(domain, sizeof domain, "mesh-%llu", (unsigned long long)atomic_fetch_add(&count, 1));
    if (node->router == NULL)
        return CONCLAVE_ERR_NOT_FOUND; /* a peer that nobody can dial */
    enum conclave_err err = peer_admit_new(&self->admit, domain);
    if (err != CONCLAVE_OK)
        return err;
    self->port = port;
    err = host_curve_bind_xpub(&self->xpub, node->listen_host, &self->port, &node->identity.transport_sec, domain, SOCKET_MAX);
    if (err != CONCLAVE_OK && port != 0) {
        self->port = 0; /* somebody has the port of last time: another one, then */
        err = host_curve_bind_xpub(&self->xpub, node->listen_host, &self->port, &node->identity.transport_sec, domain, SOCKET_MAX);
    }
    if (err == CONCLAVE_OK && node->watchdog != NULL)
        err = host_watchdog_start(&self->watchdog, self->xpub, &limits);
    if (err == CONCLAVE_OK)
        err = peer_loop_watch(node->loop, &self->watch, zsock_resolve(self->xpub));
    return err;
}

static void
release(struct peer_mesh *self)
{
    if (self->xpub != NULL) {
        peer_loop_unwatch(self->node->loop, &self->watch);
        host_watchdog_stop(&self->watchdog);
        host_curve_unbind(self->xpub);
        zsock_set_linger(self->xpub, LINGER_MS);
        zsock_destroy(&self->xpub);
    }
    peer_admit_destroy(&self->admit);
    free(self->subscribers);
    self->subscribers = NULL;
    self->count = self->room = 0;
}

void
peer_mesh_listen(struct peer_node *node, uint64_t id, uint16_t port)
{
    assert(find(node, id) == NULL && peer_conns_find(&node->conns, id) == NULL);
    struct peer_mesh *const self = calloc(1, sizeof *self);
    if (self == NULL)
        abort();
    self->id = id;
    self->node = node;
    self->watch = (struct peer_watch){.kind = PEER_WATCH_MESH, .node = node, .mesh = self, .fd = -1};
    self->next = node->meshes;
    node->meshes = self;
    self->err = bind_xpub(self, port);
    if (self->err != CONCLAVE_OK)
        release(self);
    peer_loop_queue(node);
}

void
peer_mesh_drop(struct peer_node *node, uint64_t id)
{
    struct peer_mesh **at = &node->meshes;
    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    struct peer_mesh *const self = *at;
    if (self == NULL)
        return;
    *at = self->next;
    release(self);
    free(self);
}

void
peer_mesh_close(struct peer_node *node)
{
    while (node->meshes != NULL)
        peer_mesh_drop(node, node->meshes->id);
}

/* What came is read first: a subscription that nobody looked at would count. */
void
peer_mesh_publish(struct peer_node *node, uint64_t id, struct msg_span bytes)
{
    struct peer_mesh *const self = find(node, id);
    if (self == NULL || self->xpub == NULL)
        return;
    drain(self);
    host_curve_publish(self->xpub, bytes); /* lost for whoever does not keep up, as a send may be */
    self->sent = true;
    peer_node_again(node);
}

void
peer_mesh_admit(struct peer_node *node, uint64_t id, const struct msg_box_pub *key)
{
    struct peer_mesh *const self = find(node, id);
    if (self != NULL && self->admit != NULL)
        peer_admit_add(self->admit, key);
}

void
peer_mesh_expel(struct peer_node *node, uint64_t id, const struct msg_box_pub *key)
{
    struct peer_mesh *const self = find(node, id);
    if (self == NULL || self->xpub == NULL)
        return;
    drain(self);
    peer_admit_remove(self->admit, key);
    struct subscriber *const subscriber = find_subscriber(self, key);
    if (subscriber == NULL)
        return; /* should it be on its way, its first word ends it */
    shut(subscriber->fd, &subscriber->end);
    *subscriber = self->subscribers[--self->count];
}

void
peer_mesh_noticed(struct peer_mesh *self)
{
    self->ready = true;
    peer_loop_queue(self->node);
}

void
peer_mesh_read(struct peer_node *node)
{
    for (struct peer_mesh *self = node->meshes; self != NULL; self = self->next) {
        if (self->ready)
            drain(self);
    }
}

void
peer_mesh_again(struct peer_node *node)
{
    for (struct peer_mesh *self = node->meshes; self != NULL; self = self->next) {
        if (self->sent)
            peer_mesh_noticed(self);
    }
}

static struct peer_mesh *
first_untold(const struct peer_node *node)
{
    struct peer_mesh *self = node->meshes;
    while (self != NULL && self->told)
        self = self->next;
    return self;
}

void
peer_mesh_settle(struct peer_node *node)
{
    struct peer_mesh *self;
    while ((self = first_untold(node)) != NULL) {
        const struct msg_event event = {.kind = EVENT_BOUND, .link = self->id, .id = self->err == CONCLAVE_OK ? self->port : 0, .err = self->err};
        self->told = true;
        peer_node_step(node, &event); /* it may be dropped in there */
    }
}
