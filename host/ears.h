/* What a thread listens to while it sleeps: sockets of libzmq and
 * plain descriptors, in one epoll set.  zmq_poll instead looks into every
 * socket, twice, at every wake-up.
 *
 * libzmq tells of a socket once and by a descriptor, and takes it back whenever
 * the socket is read or sent to.  So a socket is read until nothing is there
 * before its bit is cleared, and whoever sends on one sets its bit. */
#ifndef HOST_EARS_H
#define HOST_EARS_H

#include <czmq.h>

#include "msg/base.h"
#include "msg/error.h"

struct host_ears {
    int epoll;
    uint32_t loud; /* bits of those that may have something to say; the loop clears them */
};

enum conclave_err CONCLAVE_CHECK host_ears_open(struct host_ears *self);
void host_ears_close(struct host_ears *self);

/* Each has a bit; several may share one.  Sockets are loud at first. */
enum conclave_err CONCLAVE_CHECK host_ears_add(struct host_ears *self, uint32_t bit, zsock_t *socket);
enum conclave_err CONCLAVE_CHECK host_ears_add_fd(struct host_ears *self, uint32_t bit, int fd);

/* Before the socket is closed; its bit stays as it is. */
void host_ears_remove(struct host_ears *self, zsock_t *socket);

/* Sleeps until one is loud, at most so long (-1: for ever).  SYSTEM. */
enum conclave_err CONCLAVE_CHECK host_ears_wait(struct host_ears *self, int timeout_ms);

#endif
