/* What a child of the daemon gives up before it reads a byte of anybody's. */
#ifndef BROKER_SANDBOX_H
#define BROKER_SANDBOX_H

#include "msg/base.h"
#include "msg/error.h"

struct broker_sandbox {
    bool no_network;        /* sockets of this machine alone */
    uint64_t memory_bytes;  /* of address space; 0: no limit */
};

/* Call it before the first thread: what comes after inherits it.  No new
 * privileges, no core dumps, no other program, no look into other processes. */
enum conclave_err CONCLAVE_CHECK broker_sandbox_enter(const struct broker_sandbox *rules);

#endif
