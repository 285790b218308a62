/* One peer in a loop: feeds its core with what its sockets bring, and performs
 * what the core asks for. */
#include "peer/inner.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/log.h"
#include "msg/codec.h"
#include "msg/name.h"
#include "peer/home.h"

#define LINGER_MS 1000      /* for goodbyes */

/* True while fd is still the connection that this link came on. */
bool
peer_node_same_end(const struct peer_conn *conn)
{
    struct sockaddr_in6 end = {0};
    socklen_t len = sizeof end;
    return conn->fd >= 0 && getpeername(conn->fd, (struct sockaddr *)&end, &len) == 0
           && len == conn->end_len && memcmp(&end, &conn->end, len) == 0;
}

/* Ends an accepted connection: libzmq sees it and closes the descriptor. */
static void
shut(const struct peer_conn *conn)
{
    if (peer_node_same_end(conn))
        (void)shutdown(conn->fd, SHUT_RDWR); /* fails when the other end was faster */
}

/* The same, and what still comes on it is ignored. */
void
peer_node_cut(struct peer_conn *conn)
{
    shut(conn);
    conn->state = PEER_CONN_CUT;
}

void
peer_node_ready(struct peer_node *node, struct peer_conn *conn)
{
    if (!conn->ready) {
        conn->ready = true;
        conn->ready_next = node->ready;
        node->ready = conn;
    }
    peer_loop_queue(node);
}

void
peer_node_unready(struct peer_node *node, struct peer_conn *conn)
{
    if (!conn->ready)
        return;
    struct peer_conn **at = &node->ready;
    while (*at != conn)
        at = &(*at)->ready_next;
    *at = conn->ready_next;
    conn->ready = false;
}

/* Takes a link out of the world; the struct stays until the end of the turn. */
static void
bury(struct peer_node *node, struct peer_conn *conn, int linger_ms)
{
    if (peer_node_dialled(conn)) {
        peer_loop_unwatch(node->loop, &conn->frames);
        peer_loop_unwatch(node->loop, &conn->monitor);
        host_dial_close(&conn->dial, linger_ms);
    } else {
        node->accepted--;
    }
    peer_node_unready(node, conn);
    peer_conns_remove(&node->conns, conn);
    conn->state = PEER_CONN_GONE;
    if (!conn->fallen) { /* else it is in that list, and goes on to the grave from there */
        conn->fallen_next = node->loop->grave;
        node->loop->grave = conn;
    }
}

void
peer_node_fall(struct peer_node *node, struct peer_conn *conn, enum conclave_err why)
{
    if (conn->fallen || conn->state == PEER_CONN_GONE)
        return;
    conn->fallen = true;
    conn->why = why;
    conn->fallen_next = NULL;
    if (node->fallen == NULL)
        node->fallen = conn;
    else
        node->fallen_last->fallen_next = conn;
    node->fallen_last = conn;
    peer_loop_queue(node);
}

void
peer_node_end(struct peer_node *node, struct peer_conn *conn)
{
    shut(conn);
    peer_node_fall(node, conn, CONCLAVE_OK);
}

static void
dial(struct peer_node *node, bool subscribe, uint64_t id, const struct msg_box_pub *key, struct msg_text endpoint)
{
    enum conclave_err (*const open)(struct host_dial **, struct msg_text, const struct msg_box_pub *, const struct msg_box_pub *,
                                    const struct msg_box_sec *, int64_t) = subscribe ? host_dial_subscribe : host_dial_open;
    char host[MSG_HOST_MAX + 1] = "";
    uint16_t port;
    struct peer_conn *old = peer_conns_find(&node->conns, id);
    assert(old == NULL && id < PEER_LINK_ACCEPTED);
    if (old != NULL)
        bury(node, old, 0);
    struct peer_conn *const conn = peer_conns_add(&node->conns, id);
    conn->key = *key;
    conn->frames = (struct peer_watch){.kind = PEER_WATCH_FRAMES, .node = node, .conn = conn, .fd = -1};
    conn->monitor = (struct peer_watch){.kind = PEER_WATCH_MONITOR, .node = node, .conn = conn, .fd = -1};
    enum conclave_err err = msg_endpoint_parse(host, &port, endpoint);
    msg_text_copy(conn->source, sizeof conn->source, msg_text(host));
    if (err == CONCLAVE_OK)
        err = open(&conn->dial, endpoint, key, &node->identity.transport, &node->identity.transport_sec, MSG_SOCKET_MAX);
    if (err == CONCLAVE_OK)
        err = peer_loop_watch(node->loop, &conn->frames, zsock_resolve(host_dial_socket(conn->dial)));
    if (err == CONCLAVE_OK)
        err = peer_loop_watch(node->loop, &conn->monitor, zsock_resolve(host_dial_monitor(conn->dial)));
    if (err != CONCLAVE_OK) {
        peer_node_fall(node, conn, CONCLAVE_ERR_REGISTRY_UNREACHABLE);
        return;
    }
    peer_node_ready(node, conn); /* the monitor may have spoken before it was watched */
}

/* Sending may have eaten the news of a frame (libzmq does so once a millisecond
 * at most): look again soon, unless it is looked at before. */
void
peer_node_again(struct peer_node *node)
{
    if (node->again_ms != PEER_NEVER_MS)
        return;
    node->again_ms = node->loop->now.mono_ms + 1;
    peer_loop_due(node);
}

static void
send_to(struct peer_node *node, uint64_t id, struct msg_span bytes)
{
    struct peer_conn *const conn = peer_conns_find(&node->conns, id);
    enum conclave_err err;
    if (conn == NULL)
        peer_mesh_publish(node, id, bytes);
    if (conn == NULL || conn->fallen || conn->state == PEER_CONN_CUT)
        return; /* LINK_DOWN is on its way, or came */
    if (peer_node_dialled(conn)) {
        err = host_curve_send_dealer(host_dial_socket(conn->dial), bytes);
        conn->sent = true;
    } else {
        err = host_curve_send_router(node->router, id & ~PEER_LINK_ACCEPTED, bytes);
        node->router_sent = true;
    }
    peer_node_again(node);
    if (err == CONCLAVE_ERR_NOT_FOUND)
        peer_node_fall(node, conn, CONCLAVE_OK);
    /* BUSY: lost, as a send may be */
}

static void
expel(struct peer_node *node, const struct msg_box_pub *key)
{
    if (node->admit == NULL)
        return;
    peer_admit_remove(node->admit, key);
    for (size_t i = 0; i < node->conns.room; i++) {
        struct peer_conn *const conn = node->conns.at[i];
        if (conn != NULL && !peer_node_dialled(conn) && memcmp(&conn->key, key, sizeof *key) == 0)
            peer_node_end(node, conn);
    }
}

static void
store(struct peer_node *node, uint64_t id)
{
    if (node->shelf != NULL)
        peer_shelf_store(node->shelf, id);
    else
        node->loose = id;
    peer_loop_storing(node);
}

static void
drop(struct peer_node *node, uint64_t id)
{
    struct peer_conn *const conn = peer_conns_find(&node->conns, id);
    if (conn == NULL)
        peer_mesh_drop(node, id);
    else if (peer_node_dialled(conn) || conn->fallen)
        bury(node, conn, LINGER_MS);
    else
        peer_node_cut(conn); /* stays, so that what still comes is known to be its */
}

static void
wake_within(struct peer_node *node, uint64_t ms)
{
    const uint64_t now_ms = node->loop->now.mono_ms;
    if (node->wake_ms > now_ms && ms < node->wake_ms - now_ms) {
        node->wake_ms = now_ms + ms;
        peer_loop_due(node);
    }
}

static void
perform(struct peer_node *node)
{
    struct msg_effects *const list = &node->loop->effects;
    for (size_t i = 0; i < list->count; i++) {
        const struct msg_effect *const effect = &list->list[i];
        const struct msg_span bytes = msg_effects_bytes(list, effect);
        switch (effect->kind) {
        case EFFECT_PUT:
            if (node->shelf != NULL)
                peer_shelf_put(node->shelf, effect->table, msg_effects_key(list, effect), bytes);
            break;
        case EFFECT_DELETE:
            if (node->shelf != NULL)
                peer_shelf_delete(node->shelf, effect->table, msg_effects_key(list, effect));
            break;
        case EFFECT_STORE:
            store(node, effect->id);
            break;
        case EFFECT_SEND:
            send_to(node, effect->id, bytes);
            break;
        case EFFECT_TELL:
            peer_tells_put(node->tells, bytes);
            break;
        case EFFECT_WAKE:
            wake_within(node, effect->id);
            break;
        case EFFECT_DIAL:
        case EFFECT_SUBSCRIBE:
            dial(node, effect->kind == EFFECT_SUBSCRIBE, effect->id, &effect->key, (struct msg_text){(const char *)bytes.at, bytes.len});
            break;
        case EFFECT_DROP:
            drop(node, effect->id);
            break;
        case EFFECT_ADMIT:
            if (effect->id != 0)
                peer_mesh_admit(node, effect->id, &effect->key);
            else if (node->admit != NULL)
                peer_admit_add(node->admit, &effect->key);
            break;
        case EFFECT_EXPEL:
            if (effect->id != 0)
                peer_mesh_expel(node, effect->id, &effect->key);
            else
                expel(node, &effect->key);
            break;
        case EFFECT_LISTEN:
            peer_mesh_listen(node, effect->id, effect->port);
            break;
        case EFFECT_CAST: /* the registry alone casts */
            break;
        case EFFECT_LOG:
            if (node->log)
                host_log_bytes((enum msg_log_level)effect->id, bytes);
            break;
        }
    }
    msg_effects_clear(list);
}

void
peer_node_step(struct peer_node *node, const struct msg_event *event)
{
    node->loop->effects.forget = node->shelf == NULL;
    peer_core_step(node->core, node->loop->now, event, &node->loop->effects);
    perform(node);
}

/* Feeds the ends of links and what became of XPUBs, and what comes of that. */
void
peer_node_settle(struct peer_node *node)
{
    peer_mesh_settle(node);
    while (node->fallen != NULL) {
        struct peer_conn *const conn = node->fallen;
        node->fallen = conn->fallen_next;
        conn->fallen = false;
        if (conn->state == PEER_CONN_GONE) { /* dropped by the core since */
            conn->fallen_next = node->loop->grave;
            node->loop->grave = conn;
            continue;
        }
        const struct msg_event event = {.kind = EVENT_LINK_DOWN, .link = conn->id, .err = conn->why};
        const bool silent = conn->state == PEER_CONN_CUT;
        bury(node, conn, 0);
        if (!silent)
            peer_node_step(node, &event);
        peer_mesh_settle(node);
    }
}

void
peer_node_wake(struct peer_node *self)
{
    const uint64_t now_ms = self->loop->now.mono_ms;
    if (self->again_ms <= now_ms)
        peer_intake_again(self);
    if (self->sweep_ms <= now_ms)
        peer_intake_sweep(self);
    if (self->wake_ms > now_ms)
        return;
    const struct msg_event event = {.kind = EVENT_WAKE};
    self->wake_ms = PEER_NEVER_MS;
    peer_loop_due(self);
    peer_node_step(self, &event);
    peer_node_settle(self);
}

void
peer_node_stored(struct peer_node *self)
{
    struct msg_event event = {.kind = EVENT_STORED};
    self->notified = false;
    if (self->shelf == NULL) {
        event.id = self->loose;
        self->loose = 0;
    } else if (!peer_shelf_stored(self->shelf, &event.id))
        event.id = 0;
    if (event.id != 0)
        peer_node_step(self, &event);
    peer_node_settle(self);
}

void
peer_node_not_stored(struct peer_node *self, enum conclave_err err)
{
    const struct msg_tell_notice notice = {.code = msg_text(msg_error_code(err)), .text = msg_text(msg_error_sentence(err))};
    if (self->notified)
        return;
    self->notified = true;
    msg_effects_tell(&self->loop->effects, MSG_TELL_NOTICE, &notice);
    perform(self);
}

static void
command(struct peer_node *node, const struct msg_event *event)
{
    peer_loop_glance_at_clocks(node->loop);
    peer_node_step(node, event);
    peer_node_settle(node);
}

void
peer_node_command(struct peer_node *self, enum msg_kind kind, const void *message)
{
    command(self, &(struct msg_event){.kind = EVENT_COMMAND, .command = kind, .message = message});
}

void
peer_node_command_frame(struct peer_node *self, struct msg_span frame)
{
    command(self, &(struct msg_event){.kind = EVENT_COMMAND, .bytes = frame});
}

uint16_t
peer_node_port(const struct peer_node *self)
{
    return self->port;
}

void
peer_node_state(const struct peer_node *self, struct peer_core_state *out)
{
    peer_core_state(self->core, out);
}

static enum conclave_err
restore_record(void *arg, uint32_t table, struct msg_span key, struct msg_span bytes)
{
    const struct msg_event event = {.kind = EVENT_RECORD, .table = table, .record_key = key, .bytes = bytes};
    peer_node_step(arg, &event);
    return CONCLAVE_OK;
}

static enum conclave_err
start(struct peer_node *node, const struct peer_node_options *options, char *why, size_t why_cap)
{
    enum conclave_err err = CONCLAVE_OK;
    if (node->shelf != NULL)
        err = peer_shelf_restore(node->shelf, options->shown, restore_record, node);
    if (err != CONCLAVE_OK) {
        (void)snprintf(why, why_cap, "The store of this home does not open with its key file, or is damaged; restore "
                                     "both from one backup, or move the store aside to start anew. (%s)",
                       msg_error_code(err));
        return err;
    }
    const struct msg_event event = {.kind = EVENT_START};
    peer_node_step(node, &event);
    peer_node_settle(node);
    return CONCLAVE_OK;
}

/* Closes what is open of it; says nothing to anybody. */
static void
release(struct peer_node *node)
{
    while (node->conns.count > 0) {
        size_t i = 0;
        while (node->conns.at[i] == NULL)
            i++;
        bury(node, node->conns.at[i], LINGER_MS);
    }
    peer_node_settle(node); /* the buried among the fallen */
    peer_mesh_close(node);
    if (node->router != NULL) {
        peer_loop_unwatch(node->loop, &node->router_watch);
        host_watchdog_stop(&node->watchdog);
        host_curve_unbind(node->router); /* whoever opens the same peer again at once finds its port */
        zsock_set_linger(node->router, LINGER_MS);
        zsock_destroy(&node->router);
    }
    peer_admit_destroy(&node->admit);
    peer_core_destroy(&node->core);
    peer_loop_leave(node);
    peer_conns_wipe(&node->conns);
    msg_keys_wipe(node, sizeof *node);
    free(node);
}

enum conclave_err
peer_node_open(struct peer_node **self_p, struct peer_loop *loop, const struct peer_node_options *options, char *why, size_t why_cap)
{
    struct peer_settings settings = options->settings;
    struct peer_node *self = calloc(1, sizeof *self);
    enum conclave_err err = CONCLAVE_OK;
    *self_p = NULL;
    if (self == NULL)
        abort();
    self->loop = loop;
    self->identity = *options->identity;
    self->shelf = options->shelf;
    self->tells = options->tells;
    self->log = options->log;
    self->wake_ms = self->sweep_ms = self->again_ms = PEER_NEVER_MS;
    self->router_watch = (struct peer_watch){.kind = PEER_WATCH_ROUTER, .node = self, .fd = -1};
    peer_loop_enter(self);
    peer_loop_read_clocks(loop);
    if (options->listen_host != NULL) {
        err = peer_intake_bind(self, options, why, why_cap);
        settings.port = self->port;
        settings.addresses_count = peer_home_addresses(settings.addresses, options->listen_host, self->port);
    }
    if (err == CONCLAVE_OK) {
        self->core = peer_core_new(&settings, &self->identity);
        err = self->core != NULL ? start(self, options, why, why_cap) : CONCLAVE_ERR_SYSTEM;
    }
    if (err != CONCLAVE_OK)
        release(self);
    else
        *self_p = self;
    return err;
}

void
peer_node_close(struct peer_node **self_p)
{
    struct peer_node *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    const struct msg_event event = {.kind = EVENT_STOP};
    peer_loop_read_clocks(self->loop);
    peer_node_step(self, &event);
    peer_node_settle(self);
    peer_loop_flush(self);
    release(self);
}
