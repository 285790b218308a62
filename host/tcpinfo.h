/* What the kernel counted of a TCP connection; a file of its own because
 * <linux/tcp.h>, which alone has it, and <czmq.h> do not go together. */
#ifndef HOST_TCPINFO_H
#define HOST_TCPINFO_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes that arrived and were acknowledged since it began; false: fd is no
 * TCP connection. */
bool host_tcpinfo_received(int fd, uint64_t *bytes);

#endif
