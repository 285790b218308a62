/* Connections by what libzmq says of their frames: the routing id is the link,
 * the descriptor is what can be cut.  A descriptor that speaks under another
 * routing id belongs to another connection, and the former one is gone. */
#include "broker/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "broker/index.h"
#include "host/curve.h"
#include "host/log.h"

#define DESCRIPTORS_MAX (1u << 20)
#define GARBAGE_LOG_MS 1000u /* at most one line in this time */

struct conn {
    uint64_t link; /* 0: none */
    struct msg_box_pub key;
};

struct broker_port {
    zsock_t *router;
    struct host_watchdog *watchdog;
    uint16_t number;
    struct host_frame frame;
    bool has_frame;             /* frame holds one that was not handed out yet */
    bool is_new;                /* and it is the first of its connection */
    struct conn *conns;         /* by descriptor */
    uint32_t conns_count;
    struct broker_index index;  /* link -> descriptor */
    uint64_t *down;             /* links that are gone and not told yet; a stack */
    size_t down_count, down_room;
    uint64_t garbage;           /* messages */
    uint64_t garbage_logged_ms;
};

static void
tell_down(struct broker_port *self, uint64_t link)
{
    if (self->down_count == self->down_room) {
        self->down_room = self->down_room > 0 ? 2 * self->down_room : 64;
        self->down = realloc(self->down, self->down_room * sizeof *self->down);
        if (self->down == NULL)
            abort(); /* out of memory: there is nothing better to do */
    }
    self->down[self->down_count++] = link;
}

static int
fd_of(const struct broker_port *self, uint64_t link)
{
    const uint32_t hash = broker_index_hash_u64(&self->index, link);
    uint32_t at = hash, fd;

    while ((fd = broker_index_next(&self->index, hash, &at)) != BROKER_NONE)
        if (self->conns[fd].link == link)
            return (int)fd;
    return -1;
}

static void
forget(struct broker_port *self, uint32_t fd)
{
    const uint64_t link = self->conns[fd].link;

    if (link == 0)
        return;
    broker_index_remove(&self->index, broker_index_hash_u64(&self->index, link), fd);
    self->conns[fd].link = 0;
    tell_down(self, link);
}

/* True: this connection speaks for the first time. */
static bool
meet(struct broker_port *self, uint64_t link, const struct host_frame *frame)
{
    const uint32_t fd = (uint32_t)frame->fd;

    if (frame->fd < 0 || fd >= self->conns_count)
        return false;
    struct conn *conn = &self->conns[fd];
    if (conn->link == link && msg_keys_equal(&conn->key, &frame->from, sizeof conn->key))
        return false;
    forget(self, fd);
    const int other = fd_of(self, link); /* a routing id that was used again */
    if (other >= 0)
        forget(self, (uint32_t)other);
    *conn = (struct conn){link, frame->from};
    broker_index_add(&self->index, broker_index_hash_u64(&self->index, link), fd);
    return true;
}

static void
say_garbage(struct broker_port *self, uint64_t now_ms)
{
    self->garbage++;
    if (self->garbage > 1 && now_ms - self->garbage_logged_ms < GARBAGE_LOG_MS)
        return;
    self->garbage_logged_ms = now_ms;
    host_log(MSG_LOG_WARN, "GARBAGE source=%s sent what is not one frame, and was cut off; %llu so far",
             self->frame.source[0] != '\0' ? self->frame.source : "unknown",
             (unsigned long long)self->garbage);
}

static void
fill(struct broker_port *self, enum msg_event_kind kind, struct msg_event *event)
{
    event->kind = kind;
    event->link = self->frame.conn | BROKER_PORT_LINK;
    event->key = self->frame.from;
    event->source = msg_text(self->frame.source);
    if (kind == EVENT_FRAME)
        event->bytes = host_frame_bytes(&self->frame);
}

/* Reads on to the next frame; false: none. */
static bool
read_frame(struct broker_port *self, uint64_t now_ms)
{
    enum host_read read;

    while ((read = host_curve_read_router(self->router, &self->frame)) == HOST_READ_GARBAGE) {
        say_garbage(self, now_ms);
        host_watchdog_cut(self->watchdog, self->frame.fd);
    }
    if (read == HOST_READ_NOTHING)
        return false;
    host_watchdog_delivered(self->watchdog, self->frame.fd, host_frame_bytes(&self->frame).len);
    return true;
}

bool
broker_port_next(struct broker_port *self, uint64_t now_ms, struct msg_event *event)
{
    memset(event, 0, sizeof *event);
    if (!self->has_frame && self->down_count == 0) {
        if (!read_frame(self, now_ms))
            return false;
        self->is_new = meet(self, self->frame.conn | BROKER_PORT_LINK, &self->frame);
        self->has_frame = true;
    }
    if (self->down_count > 0) { /* first, for the frame may be on a link of the same number */
        event->kind = EVENT_LINK_DOWN;
        event->link = self->down[--self->down_count];
    } else if (self->is_new) {
        self->is_new = false;
        fill(self, EVENT_LINK_UP, event);
    } else {
        self->has_frame = false;
        fill(self, EVENT_FRAME, event);
    }
    return true;
}

bool
broker_port_has_news(const struct broker_port *self)
{
    return self->has_frame || self->down_count > 0;
}

void
broker_port_wipe_frame(struct broker_port *self)
{
    const struct msg_span bytes = host_frame_bytes(&self->frame);

    if (!self->has_frame && bytes.len > 0)
        msg_keys_wipe(zmq_msg_data(&self->frame.body), bytes.len);
}

void
broker_port_drop(struct broker_port *self, uint64_t link)
{
    const int fd = fd_of(self, link);

    if (fd < 0)
        return;
    host_watchdog_cut(self->watchdog, fd);
    forget(self, (uint32_t)fd);
}

void
broker_port_send(struct broker_port *self, uint64_t link, struct msg_span bytes)
{
    const enum conclave_err err =
        host_curve_send_router(self->router, link & ~BROKER_PORT_LINK, bytes);

    if (err == CONCLAVE_OK)
        return;
    const int fd = fd_of(self, link);
    if (fd < 0) {
        tell_down(self, link);
        return;
    }
    if (err == CONCLAVE_ERR_BUSY) /* it does not read; it gets all of it anew when it is back */
        host_watchdog_cut(self->watchdog, fd);
    forget(self, (uint32_t)fd);
}

zsock_t *
broker_port_socket(struct broker_port *self)
{
    return self->router;
}

uint16_t
broker_port_number(const struct broker_port *self)
{
    return self->number;
}

static enum conclave_err
bind_one_of(struct broker_port *self, const struct broker_child *child,
            const struct msg_box_sec *sec, const char *zap_domain, int64_t max_bytes)
{
    enum conclave_err err = CONCLAVE_ERR_IN_USE;

    for (size_t i = 0; i < 3 && err == CONCLAVE_ERR_IN_USE; i++) {
        self->number = i < 2 ? child->ports[i] : 0;
        err = host_curve_bind(&self->router, child->host, &self->number, sec, zap_domain, max_bytes);
        if (child->port_is_kept || (i < 2 && child->ports[i] == 0))
            break;
    }
    return err;
}

static void
explain(enum conclave_err err, const struct broker_child *child, char *why, size_t why_cap)
{
    const bool door = child->role == BROKER_ROLE_DOOR;

    if (err == CONCLAVE_ERR_IN_USE)
        snprintf(why, why_cap,
                 "Port %u is in use by another program; stop that one, or choose another port with "
                 "%s.",
                 (unsigned)child->ports[0],
                 door ? "--listen HOST:PORT (0 picks a free one)"
                      : "front/port in the configuration (devices that are enrolled know the old "
                        "one, and must be told the new)");
    else
        snprintf(why, why_cap, "Cannot listen on %s port %u: %s. Choose an address of this machine with "
                 "--listen HOST:PORT.",
                 child->host, (unsigned)child->ports[0], zmq_strerror(errno));
}

enum conclave_err
broker_port_open(struct broker_port **self_p, const struct broker_child *child,
                 const struct msg_box_sec *sec, const char *zap_domain, int64_t max_bytes,
                 const struct host_watchdog_limits *limits, char *why, size_t why_cap)
{
    struct rlimit files = {0};
    enum conclave_err err = CONCLAVE_ERR_SYSTEM;

    *self_p = NULL;
    snprintf(why, why_cap, "There is not enough memory.");
    struct broker_port *self = calloc(1, sizeof *self);
    if (self == NULL)
        return err;
    zmq_msg_init(&self->frame.body);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        goto done;
    self->conns_count =
        files.rlim_cur < DESCRIPTORS_MAX ? (uint32_t)files.rlim_cur : DESCRIPTORS_MAX;
    self->conns = calloc(self->conns_count, sizeof *self->conns);
    if (self->conns == NULL
        || !broker_index_init(&self->index, self->conns_count, msg_keys_random_u64()))
        goto done;
    err = bind_one_of(self, child, sec, zap_domain, max_bytes);
    if (err != CONCLAVE_OK) {
        explain(err, child, why, why_cap);
        goto done;
    }
    err = host_watchdog_start(&self->watchdog, self->router, limits);

done:
    if (err == CONCLAVE_OK)
        *self_p = self;
    else
        broker_port_close(&self, 0);
    return err;
}

void
broker_port_close(struct broker_port **self_p, int linger_ms)
{
    struct broker_port *self = *self_p;

    if (self == NULL)
        return;
    host_watchdog_stop(&self->watchdog);
    if (self->router != NULL)
        zsock_set_linger(self->router, linger_ms);
    zsock_destroy(&self->router);
    zmq_msg_close(&self->frame.body);
    broker_index_wipe(&self->index);
    free(self->conns);
    free(self->down);
    free(self);
    *self_p = NULL;
}
