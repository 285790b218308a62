/* Connections by what libzmq says of their frames: the routing id is where to
 * send, the descriptor what can be cut; both are in the link, so that who has it
 * finds the connection at once.  A descriptor that speaks under another
 * routing id belongs to another connection, and the former one is gone; so is
 * one whose end the watchdog saw, unless the descriptor has a living owner.
 * A connection that is over for us is not heard again. */
#include "broker/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "broker/tables/index.h"
#include "host/curve.h"
#include "host/log.h"
#include "host/tcpinfo.h"

#define DESCRIPTORS_MAX (1u << 20)
#define GARBAGE_LOG_MS 1000u /* at most one line in this time */
#define GRACE_MS 200u        /* for what was sent before a drop */
#define GRACES 256u          /* connections that have it at a time */
#define IGNORED_MAX 16u      /* frames in that time, then it is cut at once */
#define SKIP_MAX 256         /* messages that are not handed out, in one call */
#define POLL_MAX_MS 60000u
#define LINK_FD_SHIFT 32     /* in a link: the descriptor and 1; below it the routing id */

struct conn {
    uint64_t link; /* 0: none */
    struct msg_box_pub key;
    struct host_peer peer;
    bool over;     /* told to be down; not to be heard any more */
    uint8_t ignored;
};

/* A dropped connection, to be cut. */
struct grace {
    uint32_t fd;
    uint64_t link;
    uint64_t cut_ms;
};

struct broker_port {
    zsock_t *router;
    struct host_watchdog *watchdog;
    uint16_t number;
    struct host_frame frame;
    bool more;                  /* may be there to be read, beyond SKIP_MAX */
    bool has_frame;             /* frame holds one that was not handed out yet */
    bool is_new;                /* and it is the first of its connection */
    struct conn *conns;         /* by descriptor */
    uint32_t conns_count;
    struct broker_index index;  /* routing id -> descriptor, for one that is used again */
    uint64_t *down;             /* links that are gone and not told yet; a stack */
    size_t down_count, down_room;
    struct grace graces[GRACES]; /* a ring, in the order of their times */
    uint32_t graces_first, graces_count;
    struct broker_port_counts counts;
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

/* A descriptor below 0 was not to be had: nobody has that link. */
static uint64_t
link_of(const struct host_frame *frame)
{
    return BROKER_PORT_LINK | (uint64_t)(frame->fd + 1) << LINK_FD_SHIFT | (uint32_t)frame->conn;
}

static uint32_t
routing_id_of(uint64_t link)
{
    return (uint32_t)link;
}

/* -1: it is over. */
static int
fd_of(const struct broker_port *self, uint64_t link)
{
    const int fd = (int)((link & ~BROKER_PORT_LINK) >> LINK_FD_SHIFT) - 1;

    return fd >= 0 && (uint32_t)fd < self->conns_count && self->conns[fd].link == link && !self->conns[fd].over ? fd : -1;
}

/* The living one that had this routing id last; -1: none. */
static int
fd_of_routing_id(const struct broker_port *self, uint32_t id)
{
    const uint32_t hash = broker_index_hash_u64(&self->index, id);
    uint32_t at = hash, fd;

    while ((fd = broker_index_next(&self->index, hash, &at)) != BROKER_NONE)
        if (routing_id_of(self->conns[fd].link) == id && !self->conns[fd].over)
            return (int)fd;
    return -1;
}

/* It is down for the core; what it may still say is not heard. */
static void
end(struct broker_port *self, uint32_t fd)
{
    struct conn *conn = &self->conns[fd];

    if (conn->link == 0 || conn->over)
        return;
    conn->over = true;
    tell_down(self, conn->link);
}

/* The descriptor has another owner. */
static void
forget(struct broker_port *self, uint32_t fd)
{
    const uint64_t link = self->conns[fd].link;

    if (link == 0)
        return;
    end(self, fd);
    broker_index_remove(&self->index, broker_index_hash_u64(&self->index, routing_id_of(link)), fd);
    self->conns[fd].link = 0;
}

/* Cuts the connection off if the descriptor still is its own. */
static void
cut(struct broker_port *self, uint32_t fd, uint64_t link)
{
    const struct conn *conn = &self->conns[fd];

    if (conn->link == link && host_tcpinfo_lives((int)fd, &conn->peer))
        host_watchdog_cut(self->watchdog, (int)fd);
}

static void
cut_due(struct broker_port *self, uint64_t now_ms)
{
    while (self->graces_count > 0) {
        const struct grace *grace = &self->graces[self->graces_first];
        if (grace->cut_ms > now_ms)
            return;
        cut(self, grace->fd, grace->link);
        self->graces_first = (self->graces_first + 1) % GRACES;
        self->graces_count--;
    }
}

/* The watchdog saw them end.  A descriptor that is in use again belongs to a
 * newer connection, which speaks for itself. */
static void
hear_ends(struct broker_port *self)
{
    int fd;

    while (host_watchdog_ended(self->watchdog, &fd))
        if ((uint32_t)fd < self->conns_count && !host_tcpinfo_lives(fd, &self->conns[fd].peer))
            end(self, (uint32_t)fd);
}

enum meeting { MEET_KNOWN, MEET_NEW, MEET_OVER };

static enum meeting
meet(struct broker_port *self, const struct host_frame *frame)
{
    const uint64_t link = link_of(frame);
    const uint32_t fd = (uint32_t)frame->fd;

    if (frame->fd < 0 || fd >= self->conns_count)
        return MEET_KNOWN;
    struct conn *conn = &self->conns[fd];
    if (conn->link == link && memcmp(&conn->key, &frame->from, sizeof conn->key) == 0) {
        if (conn->over && ++conn->ignored == IGNORED_MAX)
            cut(self, fd, link);
        return conn->over ? MEET_OVER : MEET_KNOWN;
    }
    forget(self, fd);
    const int other = fd_of_routing_id(self, routing_id_of(link));
    if (other >= 0)
        forget(self, (uint32_t)other);
    *conn = (struct conn){.link = link, .key = frame->from};
    (void)host_tcpinfo_peer(frame->fd, &conn->peer); /* it may be gone already: nobody lives there */
    broker_index_add(&self->index, broker_index_hash_u64(&self->index, routing_id_of(link)), fd);
    return MEET_NEW;
}

static void
say_garbage(struct broker_port *self, uint64_t now_ms)
{
    self->counts.garbage++;
    if (self->counts.garbage > 1 && now_ms - self->garbage_logged_ms < GARBAGE_LOG_MS)
        return;
    self->garbage_logged_ms = now_ms;
    host_log(MSG_LOG_WARN, "GARBAGE source=%s sent what is not one frame, and was cut off; %llu so far",
             self->frame.source[0] != '\0' ? self->frame.source : "unknown",
             (unsigned long long)self->counts.garbage);
}

static void
fill(struct broker_port *self, enum msg_event_kind kind, struct msg_event *event)
{
    event->kind = kind;
    event->link = link_of(&self->frame);
    event->key = self->frame.from;
    event->source = msg_text(self->frame.source);
    if (kind == EVENT_FRAME)
        event->bytes = host_frame_bytes(&self->frame);
}

/* Reads on to the next frame that is to be heard; false: none now. */
static bool
read_frame(struct broker_port *self, uint64_t now_ms)
{
    self->more = false;
    for (int i = 0; i < SKIP_MAX; i++) {
        const enum host_read read = host_curve_read_router(self->router, &self->frame);
        if (read == HOST_READ_NOTHING)
            return false;
        if (read == HOST_READ_GARBAGE) {
            say_garbage(self, now_ms);
            host_watchdog_cut(self->watchdog, self->frame.fd);
            continue;
        }
        host_watchdog_delivered(self->watchdog, self->frame.fd, host_frame_bytes(&self->frame).len);
        const enum meeting met = meet(self, &self->frame);
        self->is_new = met == MEET_NEW;
        if (met != MEET_OVER)
            return true;
    }
    self->more = true;
    return false;
}

bool
broker_port_next(struct broker_port *self, uint64_t now_ms, struct msg_event *event)
{
    memset(event, 0, sizeof *event);
    cut_due(self, now_ms);
    if (!self->has_frame && self->down_count == 0)
        hear_ends(self);
    if (!self->has_frame && self->down_count == 0)
        self->has_frame = read_frame(self, now_ms);
    if (self->down_count > 0) { /* first, for the frame may be on a link of the same number */
        event->kind = EVENT_LINK_DOWN;
        event->link = self->down[--self->down_count];
    } else if (!self->has_frame) {
        return false;
    } else if (self->is_new) {
        self->is_new = false;
        fill(self, EVENT_LINK_UP, event);
    } else {
        self->has_frame = false;
        fill(self, EVENT_FRAME, event);
        self->counts.frames_in++;
        self->counts.bytes_in += event->bytes.len;
    }
    return true;
}

int
broker_port_wake(const struct broker_port *self)
{
    return host_watchdog_wake(self->watchdog);
}

bool
broker_port_has_news(const struct broker_port *self, uint64_t now_ms)
{
    return self->has_frame || self->more || self->down_count > 0
           || (self->graces_count > 0 && self->graces[self->graces_first].cut_ms <= now_ms);
}

int
broker_port_timeout_ms(const struct broker_port *self, uint64_t now_ms, uint64_t wake_ms)
{
    if (broker_port_has_news(self, now_ms) || wake_ms <= now_ms)
        return 0;
    if (self->graces_count > 0 && self->graces[self->graces_first].cut_ms < wake_ms)
        wake_ms = self->graces[self->graces_first].cut_ms;
    if (wake_ms == UINT64_MAX)
        return -1;
    return wake_ms - now_ms < POLL_MAX_MS ? (int)(wake_ms - now_ms) : (int)POLL_MAX_MS;
}

void
broker_port_wipe_frame(struct broker_port *self)
{
    const struct msg_span bytes = host_frame_bytes(&self->frame);

    if (!self->has_frame && bytes.len > 0)
        msg_keys_wipe(zmq_msg_data(&self->frame.body), bytes.len);
}

void
broker_port_drop(struct broker_port *self, uint64_t link, uint64_t now_ms)
{
    const int fd = fd_of(self, link);

    if (fd < 0)
        return;
    end(self, (uint32_t)fd);
    if (self->graces_count == GRACES) /* the oldest had most of its time */
        self->graces[self->graces_first].cut_ms = now_ms;
    cut_due(self, now_ms);
    self->graces[(self->graces_first + self->graces_count++) % GRACES] =
        (struct grace){(uint32_t)fd, link, now_ms + GRACE_MS};
}

static void
note_sent(struct broker_port *self, enum conclave_err err, size_t len)
{
    self->counts.full += err == CONCLAVE_ERR_BUSY;
    self->counts.frames_out += err == CONCLAVE_OK;
    self->counts.bytes_out += err == CONCLAVE_OK ? len : 0;
}

void
broker_port_counts(const struct broker_port *self, struct broker_port_counts *out)
{
    *out = self->counts;
    host_watchdog_counts(self->watchdog, &out->watchdog);
}

void
broker_port_send(struct broker_port *self, uint64_t link, struct msg_span bytes)
{
    const int fd = fd_of(self, link);

    if (fd < 0)
        return; /* it is over, and LINK_DOWN was told or is on its way */
    const enum conclave_err err =
        host_curve_send_router(self->router, routing_id_of(link), bytes);
    note_sent(self, err, bytes.len);
    if (err == CONCLAVE_OK)
        return;
    if (err == CONCLAVE_ERR_BUSY) /* it does not read; it gets all of it anew when it is back */
        cut(self, (uint32_t)fd, link);
    end(self, (uint32_t)fd);
}

enum conclave_err
broker_port_cast(struct broker_port *self, uint64_t link, zmq_msg_t *body)
{
    const int fd = fd_of(self, link);

    if (fd < 0)
        return CONCLAVE_OK; /* as above */
    const enum conclave_err err = host_curve_send_shared(self->router, routing_id_of(link), body);
    note_sent(self, err, zmq_msg_size(body));
    if (err == CONCLAVE_OK || err == CONCLAVE_ERR_BUSY)
        return err;
    end(self, (uint32_t)fd);
    return CONCLAVE_OK;
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
