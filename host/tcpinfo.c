/* Reads TCP_INFO and the peer of a descriptor, for host/watchdog and for those
 * whose connections it watches. */
#include "host/tcpinfo.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define STATE_ESTABLISHED 1 /* TCP_ESTABLISHED, which <linux/tcp.h> leaves out */

static bool
read_info(int fd, struct tcp_info *info)
{
    socklen_t len = sizeof *info;

    memset(info, 0, sizeof *info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0;
}

bool
host_tcpinfo_received(int fd, uint64_t *bytes)
{
    struct tcp_info info;

    if (!read_info(fd, &info))
        return false;
    *bytes = info.tcpi_bytes_received;
    return true;
}

bool
host_tcpinfo_peer(int fd, struct host_peer *peer)
{
    struct sockaddr_storage name = {0};
    socklen_t len = sizeof name;

    memset(peer, 0, sizeof *peer);
    if (getpeername(fd, (struct sockaddr *)&name, &len) != 0)
        return false;
    if (name.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &name, sizeof v6);
        memcpy(peer->address, &v6.sin6_addr, sizeof peer->address);
        peer->port = v6.sin6_port;
        return true;
    }
    if (name.ss_family != AF_INET)
        return false;
    struct sockaddr_in v4;
    memcpy(&v4, &name, sizeof v4);
    peer->address[10] = peer->address[11] = 0xff;
    memcpy(peer->address + 12, &v4.sin_addr, 4);
    peer->port = v4.sin_port;
    return true;
}

bool
host_tcpinfo_lives(int fd, const struct host_peer *peer)
{
    struct host_peer now;
    struct tcp_info info;

    return host_tcpinfo_peer(fd, &now) && now.port == peer->port
           && memcmp(now.address, peer->address, sizeof now.address) == 0 && read_info(fd, &info)
           && info.tcpi_state == STATE_ESTABLISHED;
}
