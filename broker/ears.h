/* What a loop of the registry listens to while it sleeps: sockets of libzmq and
 * plain descriptors, in one epoll set.  zmq_poll instead looks into every
 * socket, twice, at every wake-up.
 *
 * libzmq tells of a socket once and by a descriptor, and takes it back whenever
 * the socket is read or sent to.  So a socket is read until nothing is there
 * before its bit is cleared, and whoever sends on one sets its bit. */
#ifndef BROKER_EARS_H
#define BROKER_EARS_H

#include <czmq.h>

#include "msg/base.h"
#include "msg/error.h"

struct broker_ears {
    int epoll;
    uint32_t loud; /* bits of those that may have something to say; the loop clears them */
};

enum conclave_err CONCLAVE_CHECK broker_ears_open(struct broker_ears *self);

/* Each has a bit; several may share one.  Sockets are loud at first. */
enum conclave_err CONCLAVE_CHECK broker_ears_add(struct broker_ears *self, uint32_t bit, zsock_t *socket);
enum conclave_err CONCLAVE_CHECK broker_ears_add_fd(struct broker_ears *self, uint32_t bit, int fd);

/* Sleeps until one is loud, at most so long (-1: for ever).  SYSTEM. */
enum conclave_err CONCLAVE_CHECK broker_ears_wait(struct broker_ears *self, int timeout_ms);

#endif
