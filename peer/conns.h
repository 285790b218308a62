/* The links of one peer by their number: those it dialled and those it
 * accepted.  A table and nothing more; peer/loop gives it life. */
#ifndef PEER_CONNS_H
#define PEER_CONNS_H

#include <sys/socket.h>
#include <netinet/in.h>

#include "msg/error.h"
#include "msg/keys.h"

struct host_dial;
struct peer_node;
struct peer_conn;
struct peer_mesh;

enum peer_watch_kind { PEER_WATCH_PIPE, PEER_WATCH_ROUTER, PEER_WATCH_FRAMES, PEER_WATCH_MONITOR, PEER_WATCH_MESH };

/* What a descriptor in the epoll set stands for. */
struct peer_watch {
    enum peer_watch_kind kind;
    struct peer_node *node;
    struct peer_conn *conn;
    int fd;
    struct peer_mesh *mesh;
};

enum peer_conn_state {
    PEER_CONN_PENDING,  /* dialled, no handshake yet */
    PEER_CONN_UP,
    PEER_CONN_CUT,      /* accepted, and cut off by us: what still comes is ignored */
    PEER_CONN_GONE      /* out of the table; freed at the end of the turn */
};

struct peer_conn {
    uint64_t id;
    enum peer_conn_state state;
    struct msg_box_pub key;     /* whose end the other one is */
    char source[64];            /* its address */
    struct host_dial *dial;     /* NULL: accepted */
    struct peer_watch frames;   /* dialled */
    struct peer_watch monitor;  /* dialled */
    int fd;                     /* accepted: libzmq's, to be shut down, never closed */
    struct sockaddr_in6 end;    /* accepted: who was at the other end of fd */
    socklen_t end_len;
    bool ready;                 /* look at it in this turn */
    bool sent;                  /* and not read since */
    bool news;                  /* the monitor has something to say */
    bool fallen;                /* LINK_DOWN is due */
    enum conclave_err why;      /* it fell */
    struct peer_conn *ready_next;
    struct peer_conn *fallen_next; /* also: next in the grave */
};

struct peer_conns {
    struct peer_conn **at;      /* open addressing; NULL: free */
    size_t count;
    size_t room;                /* power of two */
};

struct peer_conn *peer_conns_find(const struct peer_conns *self, uint64_t id);

/* Makes one, all zero but its id, which must not be there yet. */
struct peer_conn *peer_conns_add(struct peer_conns *self, uint64_t id);

/* Takes it out of the table; the link itself stays the caller's to free. */
void peer_conns_remove(struct peer_conns *self, struct peer_conn *conn);

/* Frees the table, not the links. */
void peer_conns_wipe(struct peer_conns *self);

#endif
