/* How many connections are open from each source: an IPv4 address, or an IPv6
 * network of 64 bits, since whoever has one address of such a network has them
 * all.  For host/watchdog; one thread. */
#ifndef HOST_SOURCES_H
#define HOST_SOURCES_H

#include <stdint.h>

#include "host/tcpinfo.h"

struct host_sources;

struct host_sources *host_sources_new(void); /* NULL: memory is short */
void host_sources_destroy(struct host_sources **self_p);

/* How many there are with it; memory that is short ends the process. */
uint32_t host_sources_add(struct host_sources *self, const struct host_peer *peer);
void host_sources_remove(struct host_sources *self, const struct host_peer *peer);

#endif
