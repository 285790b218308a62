/* What the sockets of one peer bring: frames, links that come up, links that
 * end.  Feeds the core through peer/node. */
#include "peer/inner.h"

#include <stdatomic.h>
#include <stdio.h>

#define FRAMES_A_TURN 256   /* from one socket */
#define SHORT_BYTES 4096u
#define TURN_BYTES 196608u  /* of long ones: a few full envelopes */
#define SWEEP_MS 3000u      /* accepted links are looked at this often */

/* A short frame is a line that somebody may answer: without a disk, where no
 * transactions are gathered, it is told before the socket is looked at again.
 * Long ones come in bursts, and are read together; but what is told and
 * acknowledged in between lets both ends work at the same time.  read: in this
 * turn, the last frame included. */
static bool
tells_first(const struct peer_node *node, size_t frame_bytes, size_t read)
{
    return node->shelf == NULL && node->storing && (frame_bytes <= SHORT_BYTES || read >= TURN_BYTES);
}

/* The core has no room until the disk has caught up, which is next: what is in
 * the sockets stays there.  While the disk fails, the core hears what there is,
 * and takes what needs no disk. */
static bool
awaits_disk(const struct peer_node *node)
{
    return node->storing && node->loop->now.mono_ms >= node->loop->retry_ms && !peer_core_hears(node->core);
}

/* Frames of accepted links. */
static struct peer_conn *
accepted(struct peer_node *node, const struct host_frame *frame)
{
    const uint64_t id = PEER_LINK_ACCEPTED | frame->conn;
    struct peer_conn *conn = peer_conns_find(&node->conns, id);
    if (conn != NULL && conn->fd == frame->fd && memcmp(&conn->key, &frame->from, sizeof conn->key) == 0)
        return conn;
    if (conn != NULL) { /* it ended, and somebody claimed its routing id */
        peer_node_fall(node, conn, CONCLAVE_OK);
        peer_node_settle(node);
    }
    conn = peer_conns_add(&node->conns, id);
    conn->key = frame->from;
    conn->fd = frame->fd;
    conn->end_len = sizeof conn->end;
    msg_text_copy(conn->source, sizeof conn->source, msg_text(frame->source));
    if (getpeername(conn->fd, (struct sockaddr *)&conn->end, &conn->end_len) != 0 || conn->end_len > sizeof conn->end)
        conn->end_len = 0; /* gone already: the next sweep finds it */
    node->accepted++;
    if (node->sweep_ms == PEER_NEVER_MS) {
        node->sweep_ms = node->loop->now.mono_ms + SWEEP_MS;
        peer_loop_due(node);
    }
    if (!peer_admit_has(node->admit, &conn->key)) {
        peer_node_cut(conn); /* expelled between its handshake and its first frame */
        return conn;
    }
    conn->state = PEER_CONN_UP;
    const struct msg_event up = {.kind = EVENT_LINK_UP, .link = id, .key = conn->key, .source = msg_text(conn->source)};
    peer_node_step(node, &up);
    return conn;
}

/* frames: one, and as many ahead of it. */
static void
feed_frame(struct peer_node *node, struct peer_conn *conn, const struct msg_span *frames, size_t ahead)
{
    const struct msg_event event = {.kind = EVENT_FRAME, .link = conn->id, .key = conn->key, .source = msg_text(conn->source),
                                    .bytes = frames[0], .ahead = frames + 1, .ahead_count = ahead};
    peer_node_step(node, &event);
}

static void
read_router(struct peer_node *node)
{
    struct host_frame *const frame = &node->loop->frame;
    size_t read = 0;
    for (int n = 0; n < FRAMES_A_TURN && !awaits_disk(node); n++) {
        const enum host_read got = host_curve_read_router(node->router, frame);
        if (got == HOST_READ_NOTHING) {
            node->router_ready = node->router_sent = false;
            return;
        }
        const struct msg_span bytes = host_frame_bytes(frame);
        if (node->watchdog != NULL && frame->fd >= 0)
            host_watchdog_delivered(node->watchdog, frame->fd, bytes.len);
        if (got == HOST_READ_GARBAGE) {
            struct peer_conn *const culprit = peer_conns_find(&node->conns, PEER_LINK_ACCEPTED | frame->conn);
            if (culprit != NULL)
                peer_node_end(node, culprit); /* ours never send such a thing */
            continue;
        }
        struct peer_conn *const conn = accepted(node, frame);
        if (conn->state == PEER_CONN_UP && !conn->fallen)
            feed_frame(node, conn, &bytes, 0);
        read += bytes.len;
        if (tells_first(node, bytes.len, read))
            break;
    }
    peer_loop_queue(node); /* there may be more */
}

/* Frames of dialled links. */
static void
come_up(struct peer_node *node, struct peer_conn *conn)
{
    const struct msg_event up = {.kind = EVENT_LINK_UP, .link = conn->id, .key = conn->key, .source = msg_text(conn->source)};
    conn->state = PEER_CONN_UP;
    peer_node_step(node, &up);
}

/* Long frames that are here already, up to a short one or to the end of what
 * there is (*empty): the core hears each of them with those that follow. */
static size_t
read_burst(zsock_t *socket, struct host_frame burst[PEER_BURST], struct msg_span frames[PEER_BURST], bool *empty)
{
    size_t count = 0;
    enum host_read got = HOST_READ_FRAME;
    while (count < PEER_BURST && (got = host_curve_read_dealer(socket, &burst[count])) == HOST_READ_FRAME) {
        frames[count] = host_frame_bytes(&burst[count]);
        if (frames[count++].len <= SHORT_BYTES)
            break;
    }
    *empty = got == HOST_READ_NOTHING;
    return count;
}

static void
feed_burst(struct peer_node *node, struct peer_conn *conn, const struct msg_span *frames, size_t count)
{
    if (count > 0 && conn->state == PEER_CONN_PENDING) /* a frame proves the handshake */
        come_up(node, conn);
    for (size_t i = 0; i < count && conn->state == PEER_CONN_UP && !conn->fallen; i++)
        feed_frame(node, conn, frames + i, count - i - 1);
}

/* false: it was dropped, or there may be more. */
static bool
drain(struct peer_node *node, struct peer_conn *conn)
{
    struct msg_span frames[PEER_BURST];
    size_t count, read = 0;
    for (size_t n = 0; n < FRAMES_A_TURN; n += count > 0 ? count : 1) {
        bool empty;
        count = read_burst(host_dial_socket(conn->dial), node->loop->burst, frames, &empty);
        feed_burst(node, conn, frames, count);
        if (conn->state == PEER_CONN_GONE || conn->fallen)
            return false;
        if (empty && count == 0) {
            conn->sent = false; /* what was sent before this look hides nothing */
            return true;
        }
        for (size_t i = 0; i < count; i++)
            read += frames[i].len;
        if (count > 0 && (tells_first(node, frames[count - 1].len, read) || awaits_disk(node)))
            break;
    }
    peer_node_ready(node, conn);
    return false;
}

static void
read_conn(struct peer_node *node, struct peer_conn *conn)
{
    enum host_dial_state state = HOST_DIAL_UP;
    if (conn->fallen)
        return;
    if (conn->news || conn->state == PEER_CONN_PENDING)
        state = host_dial_state(conn->dial);
    if (state == HOST_DIAL_UP && conn->state == PEER_CONN_PENDING)
        come_up(node, conn);
    if (conn->state == PEER_CONN_GONE || conn->fallen || !drain(node, conn))
        return;
    conn->news = false;
    switch (state) {
    case HOST_DIAL_PENDING:
    case HOST_DIAL_UP:
        break;
    case HOST_DIAL_UNRESOLVED:
        peer_node_fall(node, conn, CONCLAVE_ERR_NOT_FOUND);
        break;
    case HOST_DIAL_REFUSED:
        peer_node_fall(node, conn, CONCLAVE_ERR_REGISTRY_UNREACHABLE);
        break;
    case HOST_DIAL_DENIED:
        peer_node_fall(node, conn, CONCLAVE_ERR_UNKNOWN_KEY);
        break;
    case HOST_DIAL_DOWN:
        peer_node_fall(node, conn, CONCLAVE_OK);
        break;
    }
}

void
peer_intake_noticed(struct peer_watch *watch)
{
    struct peer_node *const node = watch->node;
    switch (watch->kind) {
    case PEER_WATCH_PIPE:
        break; /* the loop's own */
    case PEER_WATCH_ROUTER:
        node->router_ready = true;
        peer_loop_queue(node);
        break;
    case PEER_WATCH_MONITOR:
        watch->conn->news = true;
        peer_node_ready(node, watch->conn);
        break;
    case PEER_WATCH_FRAMES:
        peer_node_ready(node, watch->conn);
        break;
    case PEER_WATCH_MESH:
        peer_mesh_noticed(watch->mesh);
        break;
    }
}

void
peer_intake_read(struct peer_node *node)
{
    size_t count = 0;
    peer_node_settle(node);
    peer_mesh_read(node);
    if (node->router_ready)
        read_router(node);
    for (const struct peer_conn *conn = node->ready; conn != NULL; conn = conn->ready_next)
        count++;
    while (node->ready != NULL && count-- > 0 && !awaits_disk(node)) {
        struct peer_conn *const conn = node->ready;
        peer_node_unready(node, conn);
        read_conn(node, conn);
    }
    peer_node_settle(node);
    if (node->ready != NULL)
        peer_loop_queue(node);
}

void
peer_intake_again(struct peer_node *node)
{
    node->again_ms = PEER_NEVER_MS;
    peer_loop_due(node);
    peer_mesh_again(node);
    if (node->router_sent) {
        node->router_ready = true;
        peer_loop_queue(node);
    }
    for (size_t i = 0; i < node->conns.room; i++) {
        if (node->conns.at[i] != NULL && node->conns.at[i]->sent)
            peer_node_ready(node, node->conns.at[i]);
    }
}

/* libzmq does not say when an accepted connection ends: its descriptor does. */
void
peer_intake_sweep(struct peer_node *node)
{
    for (size_t i = 0; i < node->conns.room; i++) {
        struct peer_conn *const conn = node->conns.at[i];
        if (conn != NULL && !peer_node_dialled(conn) && !peer_node_same_end(conn))
            peer_node_fall(node, conn, CONCLAVE_OK);
    }
    peer_node_settle(node);
    node->sweep_ms = node->accepted > 0 ? node->loop->now.mono_ms + SWEEP_MS : PEER_NEVER_MS;
    peer_loop_due(node);
}

enum conclave_err
peer_intake_bind(struct peer_node *node, const struct peer_node_options *options, char *why, size_t why_cap)
{
    static atomic_uint_fast64_t count;
    char domain[32];
    node->port = options->port;
    msg_text_copy(node->listen_host, sizeof node->listen_host, msg_text(options->listen_host));
    (void)snprintf(domain, sizeof domain, "peer-%llu", (unsigned long long)atomic_fetch_add(&count, 1));
    enum conclave_err err = peer_admit_new(&node->admit, domain);
    if (err != CONCLAVE_OK)
        return err;
    err = host_curve_bind(&node->router, options->listen_host, &node->port, &node->identity.transport_sec, domain, MSG_SOCKET_MAX);
    if (err == CONCLAVE_ERR_IN_USE && !options->port_fixed) {
        node->port = 0; /* somebody has the port of last time: another one, then */
        err = host_curve_bind(&node->router, options->listen_host, &node->port, &node->identity.transport_sec, domain, MSG_SOCKET_MAX);
    }
    if (err != CONCLAVE_OK) {
        (void)snprintf(why, why_cap, err == CONCLAVE_ERR_IN_USE ? "The port %u of %s is in use; choose another with --listen."
                                                                : "The port %u of %s cannot be opened; check the address.",
                       (unsigned)options->port, options->listen_host[0] != '\0' ? options->listen_host : "this machine");
        return err;
    }
    if (options->watchdog) {
        const struct host_watchdog_limits limits = {.connections = 1024, .connections_per_source = 256};
        err = host_watchdog_start(&node->watchdog, node->router, &limits);
        if (err != CONCLAVE_OK)
            return err;
    }
    return peer_loop_watch(node->loop, &node->router_watch, zsock_resolve(node->router));
}
