/* ZeroMQ sockets as this project uses them: the options that are safe on the
 * packaged libzmq, set in one place, and what its monitor says turned into
 * four words.  Shared by broker and peer. */
#ifndef HOST_CURVE_H
#define HOST_CURVE_H

#include <czmq.h>

#include "msg/base.h"
#include "msg/error.h"
#include "msg/keys.h"

/* Prepares CZMQ and libzmq for this process, once: no signal handlers, enough
 * sockets, `io_threads`.  One context per process, kept until exit. */
enum conclave_err CONCLAVE_CHECK host_curve_init(int io_threads);

/* A socket of that type, or NULL (errno EMFILE) where this process has hardly a
 * descriptor left: zsock_new would end the process then. */
zsock_t *host_curve_socket(int type);

/* What every network socket here has in common: for host/curve and host/dial.
 * 0, or what zmq_setsockopt said. */
int host_curve_set_common(void *socket, int64_t max_bytes);

/* A bound ROUTER with CURVE: MANDATORY, RCVHWM 0, SNDHWM 1000, LINGER 0,
 * MAXMSGSIZE max_bytes, BACKLOG, HANDSHAKE_IVL 5 s, TCP keepalive, IPV6, the
 * ZAP domain; never heartbeats, handover, routing ids or drafts.
 * host "" or "0.0.0.0" or "::" is any address; port 0 picks a free one; the
 * port bound comes back in *port.  IN_USE when the port is taken, SYSTEM
 * otherwise. */
enum conclave_err CONCLAVE_CHECK
host_curve_bind(zsock_t **router_p, const char *host, uint16_t *port, const struct msg_box_sec *sec,
                const char *zap_domain, int64_t max_bytes);

/* The same with an XPUB, for those whom ZAP admits: what is published goes to
 * all who subscribed, and is lost for one who has 256 frames waiting (NODROP
 * is off); one who acknowledges nothing for 45 s is cut by TCP (MAXRT); each subscription is told (VERBOSE); no XPUB_MANUAL.  max_bytes is
 * of what subscribers may send: room for a handshake. */
enum conclave_err CONCLAVE_CHECK
host_curve_bind_xpub(zsock_t **xpub_p, const char *host, uint16_t *port,
                     const struct msg_box_sec *sec, const char *zap_domain, int64_t max_bytes);

/* Before a bound socket is destroyed: when it returns the port is free, for
 * whoever wants it next, or half a second is over.  Its watchdog was stopped. */
void host_curve_unbind(zsock_t *socket);

/* A dialled link: a DEALER with CURVE under a pinned server key, that never
 * reconnects by itself, and its monitor.  A link is one connection: it comes
 * up once, goes down once, and is then closed. */
struct host_dial;
enum host_dial_state { HOST_DIAL_PENDING, HOST_DIAL_UP, HOST_DIAL_UNRESOLVED /* its host is a name without an address, as far as DNS says now */, HOST_DIAL_REFUSED /* nobody there */, HOST_DIAL_DENIED /* handshake failed: a wrong key on either side */, HOST_DIAL_DOWN /* was up */ };

enum conclave_err CONCLAVE_CHECK
host_dial_open(struct host_dial **self_p, struct msg_text endpoint, const struct msg_box_pub *server,
               const struct msg_box_pub *pub, const struct msg_box_sec *sec, int64_t max_bytes);
/* The same with a SUB that takes everything; nothing is sent on it. */
enum conclave_err CONCLAVE_CHECK
host_dial_subscribe(struct host_dial **self_p, struct msg_text endpoint,
                    const struct msg_box_pub *server, const struct msg_box_pub *pub,
                    const struct msg_box_sec *sec, int64_t max_bytes);
void host_dial_close(struct host_dial **self_p, int linger_ms);
zsock_t *host_dial_socket(struct host_dial *self);   /* to poll for frames */
zsock_t *host_dial_monitor(struct host_dial *self);  /* to poll for changes of state */
/* Reads the monitor without blocking; the state as it is now. */
enum host_dial_state host_dial_state(struct host_dial *self);

/* One message of one part, without blocking.  On a ROUTER `conn` is the
 * connection (the auto-made routing id as a number), and from/source are what
 * ZAP and TCP say of its last frame; on a DEALER they are left alone.
 * false: nothing there, or (counted in *dropped) something that is not one
 * routing id of libzmq's making and one frame: multipart, a foreign routing
 * id, no User-Id.  The frame begins as zeros with its body initialised, which
 * holds what was read until closed. */
struct host_frame {
    uint64_t conn;
    struct msg_box_pub from;
    char user[2 * sizeof(struct msg_box_pub) + 1]; /* from, in hex: not read again while it stays the same */
    char source[64];
    int fd;
    zmq_msg_t body;
};
enum host_read { HOST_READ_NOTHING, HOST_READ_FRAME, HOST_READ_GARBAGE };
enum host_read host_curve_read_router(zsock_t *router, struct host_frame *frame);
enum host_read host_curve_read_dealer(zsock_t *dealer, struct host_frame *frame); /* or a SUB */
/* What subscribers send: from and fd say who.  GARBAGE is of many parts, or is
 * libzmq's own word that the last subscriber of a topic is gone (fd -1). */
enum host_read host_curve_read_xpub(zsock_t *xpub, struct host_frame *frame);
struct msg_span host_frame_bytes(struct host_frame *frame);

/* Never block. OK, BUSY (its pipe is full), NOT_FOUND (gone). */
enum conclave_err CONCLAVE_CHECK host_curve_send_router(zsock_t *router, uint64_t conn, struct msg_span bytes);
/* The same for one of many who get the same message, which is shared and not
 * copied; body stays the caller's. */
enum conclave_err CONCLAVE_CHECK host_curve_send_shared(zsock_t *router, uint64_t conn, zmq_msg_t *body);
enum conclave_err CONCLAVE_CHECK host_curve_send_dealer(zsock_t *dealer, struct msg_span bytes);
void host_curve_publish(zsock_t *xpub, struct msg_span bytes);

#endif
