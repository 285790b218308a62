/* One peer in a loop: its core, its links, and what the core asks for. */
#ifndef PEER_NODE_H
#define PEER_NODE_H

#include "peer/core/core.h"
#include "peer/loop.h"
#include "peer/store.h"
#include "peer/tells.h"

struct peer_node;

struct peer_node_options {
    struct peer_settings settings;          /* port and addresses are filled in */
    const struct peer_identity *identity;
    const char *listen_host;                /* NULL: no inbound socket */
    uint16_t port;                          /* 0: any */
    bool port_fixed;                        /* asked for: another one will not do */
    bool watchdog;                          /* a thread that watches the inbound socket */
    bool log;                               /* EFFECT_LOG goes to host/log */
    struct peer_shelf *shelf;               /* borrowed; NULL: nothing is kept */
    uint64_t shown;
    struct peer_tells *tells;               /* borrowed */
};

/* Binds, restores and starts a peer.  IN_USE: the port is taken;
 * STORE_DAMAGED, STORE_IO; SYSTEM. */
enum conclave_err CONCLAVE_CHECK
peer_node_open(struct peer_node **self_p, struct peer_loop *loop, const struct peer_node_options *options, char *why, size_t why_cap);

/* Says goodbye, commits, closes; what was said leaves in the background within
 * a second. */
void peer_node_close(struct peer_node **self_p);

/* A command, as its struct or as a CMD_ frame, at once; what it stores is
 * committed in the next turn. */
void peer_node_command(struct peer_node *self, enum msg_kind kind, const void *message);
void peer_node_command_frame(struct peer_node *self, struct msg_span frame);

uint16_t peer_node_port(const struct peer_node *self); /* 0: no socket */
void peer_node_state(const struct peer_node *self, struct peer_core_state *out);

#endif
