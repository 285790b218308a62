/* What the kernel knows of a TCP connection; a file of its own because
 * <linux/tcp.h>, which alone has it, and <czmq.h> do not go together. */
#ifndef HOST_TCPINFO_H
#define HOST_TCPINFO_H

#include <stdbool.h>
#include <stdint.h>

/* The other end: its IPv6 address, or its IPv4 address mapped to one. */
struct host_peer {
    uint8_t address[16];
    uint16_t port; /* in network order */
};

/* Bytes that arrived and were acknowledged since it began; false: fd is no
 * TCP connection. */
bool host_tcpinfo_received(int fd, uint64_t *bytes);

/* false, and *peer zero: fd is not connected to anybody. */
bool host_tcpinfo_peer(int fd, struct host_peer *peer);

/* Is fd still a connection to that peer, with neither end closed? */
bool host_tcpinfo_lives(int fd, const struct host_peer *peer);

#endif
