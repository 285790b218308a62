/* The XPUBs of one peer, one for each room that is a mesh: bound for the core,
 * published on, and read, for a subscriber can say something too.  A
 * subscriber's key has one connection, and says what it wants once; whoever
 * says more than that is cut off. */
#ifndef PEER_MESH_H
#define PEER_MESH_H

#include "msg/base.h"
#include "msg/keys.h"

struct peer_mesh;
struct peer_node;

/* Binds an XPUB under the number `id` where the peer's inbound socket listens,
 * on `port` if it is free, else on any; admits nobody.  peer_mesh_settle says
 * what came of it. */
void peer_mesh_listen(struct peer_node *node, uint64_t id, uint16_t port);

/* Each of the following does nothing for an `id` that is no XPUB. */
void peer_mesh_drop(struct peer_node *node, uint64_t id);    /* when it returns the port is free */
void peer_mesh_publish(struct peer_node *node, uint64_t id, struct msg_span bytes); /* to all who subscribed; never waits */
void peer_mesh_admit(struct peer_node *node, uint64_t id, const struct msg_box_pub *key);
void peer_mesh_expel(struct peer_node *node, uint64_t id, const struct msg_box_pub *key); /* and cuts it off: it gets nothing more */

void peer_mesh_noticed(struct peer_mesh *self);              /* its descriptor is readable */
void peer_mesh_read(struct peer_node *node);                 /* what subscribers said, where there may be something */
void peer_mesh_again(struct peer_node *node);                /* those that were published on: look again */
void peer_mesh_settle(struct peer_node *node);               /* feeds BOUND */
void peer_mesh_close(struct peer_node *node);                /* all of them */

#endif
