/* Watches the descriptors of one bound socket: libzmq bounds neither the parts
 * of an unfinished message nor the number of connections.  One thread for all
 * of a process (host/rounds) follows the socket's monitor, caps connections
 * for each source and in all, and, while memory grows, looks at TCP_INFO: a
 * connection that sent more than `undelivered_bytes` without the reader seeing
 * complete messages is shut down (never closed: the descriptor is libzmq's). */
#ifndef HOST_WATCHDOG_H
#define HOST_WATCHDOG_H

#include <czmq.h>

#include "msg/base.h"
#include "msg/error.h"

struct host_watchdog;

struct host_watchdog_limits {
    uint32_t connections;             /* in all; also never above 80 % of the descriptors */
    uint32_t connections_per_source;
    uint64_t undelivered_bytes;       /* of one unfinished message, 1 MiB if 0; complete ones that wait: 16 times that */
    uint64_t first_ms;                /* a connection says something within this; 15 s if 0 */
};

/* Before the socket is used by its own thread. */
enum conclave_err CONCLAVE_CHECK
host_watchdog_start(struct host_watchdog **self_p, zsock_t *socket, const struct host_watchdog_limits *limits);
void host_watchdog_stop(struct host_watchdog **self_p);

/* The reader says that a complete message of len bytes came from fd; any thread, lock-free. */
void host_watchdog_delivered(struct host_watchdog *self, int fd, size_t len);

/* Cuts the connection off that fd is, if it is still the one of `source`. */
void host_watchdog_cut(struct host_watchdog *self, int fd);

/* Cuts off all who are connected; for a reader who has other rules from here on. */
void host_watchdog_cut_all(struct host_watchdog *self);

/* Takes one descriptor whose connection ended some 100 ms ago; false: none.
 * The number may belong to a newer connection by now: whoever kept the former
 * one's peer asks host_tcpinfo_lives.  Any thread; lock-free while there is
 * none.  The other gives a descriptor that is readable while there are any. */
bool host_watchdog_ended(struct host_watchdog *self, int *fd);
int host_watchdog_wake(const struct host_watchdog *self);

/* What a round ends with, and how long the pause may be after it: short while
 * there are ends to be told, memory grows or somebody has just come, since to
 * wake for nothing costs more than the look; HOST_ROUNDS_NEWS when nobody is
 * connected.  Pure. */
struct host_watchdog_sight {
    bool ends;                  /* some are not ready to be told yet */
    uint64_t open;              /* connections */
    uint64_t grown_bytes;       /* resident memory, since the round before */
    uint64_t accepted_ms;       /* since the last connection came */
};
uint32_t host_watchdog_pause_ms(const struct host_watchdog_sight *sight);

struct host_watchdog_counts { uint64_t open; uint64_t accepted; uint64_t cut_source; uint64_t cut_total; uint64_t cut_flood; uint64_t handshake_failed; };
void host_watchdog_counts(struct host_watchdog *self, struct host_watchdog_counts *out);

#endif
