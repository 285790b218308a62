/* What peer/loop and peer/node share; nobody else includes this. */
#ifndef PEER_INNER_H
#define PEER_INNER_H

#include "host/curve.h"
#include "host/watchdog.h"
#include "peer/admit.h"
#include "peer/conns.h"
#include "peer/mesh.h"
#include "peer/node.h"
#include "peer/spin.h"

#define PEER_NEVER_MS UINT64_MAX
#define PEER_BURST 8u /* long frames of one link that are read together */

struct peer_node {
    struct peer_loop *loop;
    struct peer_core *core;
    struct peer_shelf *shelf;
    struct peer_tells *tells;
    struct peer_admit *admit;
    zsock_t *router;
    struct host_watchdog *watchdog;
    struct peer_watch router_watch;
    struct peer_identity identity;      /* for dialling */
    struct peer_conns conns;
    struct peer_mesh *meshes;           /* its XPUBs */
    char listen_host[MSG_HOST_MAX + 1]; /* of the inbound socket */
    struct peer_conn *ready;            /* dialled ones to look at */
    struct peer_conn *fallen;           /* LINK_DOWN is due */
    struct peer_conn *fallen_last;
    uint64_t loose;                     /* last transaction of a peer without a shelf; 0: none waits */
    uint64_t wake_ms;                   /* asked for by the core */
    uint64_t sweep_ms;                  /* accepted links are looked at */
    uint64_t again_ms;                  /* sockets that were sent to are looked at */
    size_t heap_at;                     /* place in loop->heap */
    size_t accepted;
    uint16_t port;
    bool log;
    bool router_ready;
    bool router_sent;                   /* and not read since */
    bool queued;                        /* in loop->queue */
    bool storing;                       /* in loop->storing */
    bool notified;                      /* of a store that cannot be written */
    struct peer_node *queue_next;
    struct peer_node *storing_next;
};

struct peer_loop {
    int epoll;
    struct msg_time now;
    struct msg_effects effects;
    struct host_frame frame;            /* of the ROUTER */
    struct host_frame burst[PEER_BURST]; /* of one dialled link */
    struct host_frame heard;            /* on an XPUB, perhaps while frame is being fed */
    struct peer_node **heap;            /* by the time when something is due */
    size_t heap_count;
    size_t heap_room;
    struct peer_node *queue;            /* with something to read */
    struct peer_node *queue_last;
    struct peer_node *storing;          /* with transactions to commit */
    struct peer_conn *grave;            /* freed when nothing points there any more */
    uint64_t retry_ms;                  /* no commit before this */
    uint64_t looked_ms;                 /* when the sockets were looked at last */
    struct peer_spin spin;
    size_t waiting;
    peer_loop_pipe_fn *pipe_fn;
    void *pipe_arg;
    struct peer_watch pipe_watch;
    bool pipe_ready;
};

/* peer/loop.c */
void peer_loop_read_clocks(struct peer_loop *self);
void peer_loop_glance_at_clocks(struct peer_loop *self);
enum conclave_err CONCLAVE_CHECK peer_loop_watch(struct peer_loop *self, struct peer_watch *watch, void *socket);
void peer_loop_unwatch(struct peer_loop *self, struct peer_watch *watch);
void peer_loop_enter(struct peer_node *node);       /* from here on its times count */
void peer_loop_leave(struct peer_node *node);
void peer_loop_due(struct peer_node *node);         /* one of its times changed */
void peer_loop_queue(struct peer_node *node);       /* look at it in this turn, or at once in the next */
void peer_loop_storing(struct peer_node *node);     /* a transaction waits for its commit */
void peer_loop_flush(struct peer_node *node);       /* before it is closed */

/* peer/node.c */
void peer_node_step(struct peer_node *self, const struct msg_event *event); /* and performs what it asks for */
void peer_node_settle(struct peer_node *self);      /* feeds the ends of links; after each step or a few */
void peer_node_wake(struct peer_node *self);        /* its time has come */
void peer_node_stored(struct peer_node *self);      /* feeds what is synced */
void peer_node_not_stored(struct peer_node *self, enum conclave_err err);
void peer_node_fall(struct peer_node *self, struct peer_conn *conn, enum conclave_err why); /* LINK_DOWN is due */
void peer_node_cut(struct peer_conn *conn);         /* accepted: ends it, and ignores what still comes */
void peer_node_end(struct peer_node *self, struct peer_conn *conn); /* accepted: ends it, LINK_DOWN is due */
bool peer_node_same_end(const struct peer_conn *conn); /* accepted: its descriptor is still this connection */
void peer_node_ready(struct peer_node *self, struct peer_conn *conn); /* dialled: look at it */
void peer_node_again(struct peer_node *self);       /* a socket was sent to: look at it soon, should nothing else make us */
void peer_node_unready(struct peer_node *self, struct peer_conn *conn);

static inline bool
peer_node_dialled(const struct peer_conn *conn)
{
    return conn->id < PEER_LINK_ACCEPTED;
}

/* peer/intake.c */
void peer_intake_noticed(struct peer_watch *watch); /* its descriptor is readable */
void peer_intake_read(struct peer_node *node);      /* reads what is ready, feeds it */
void peer_intake_again(struct peer_node *node);     /* looks at what was sent to and not read since */
enum conclave_err CONCLAVE_CHECK
peer_intake_bind(struct peer_node *node, const struct peer_node_options *options, char *why, size_t why_cap); /* as peer_node_open */
void peer_intake_sweep(struct peer_node *node);     /* finds accepted links that ended */

#endif
