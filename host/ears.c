/* One epoll set over the descriptors of libzmq's sockets and others. */
#include "host/ears.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define AT_ONCE 16 /* more than there are */

enum conclave_err
host_ears_open(struct host_ears *self)
{
    *self = (struct host_ears){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    return self->epoll >= 0 ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

void
host_ears_close(struct host_ears *self)
{
    if (self->epoll >= 0)
        close(self->epoll);
    self->epoll = -1;
}

static int
fd_of(zsock_t *socket)
{
    int fd;
    size_t size = sizeof fd;

    return zmq_getsockopt(zsock_resolve(socket), ZMQ_FD, &fd, &size) == 0 ? fd : -1;
}

enum conclave_err
host_ears_add_fd(struct host_ears *self, uint32_t bit, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = bit};

    return epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

enum conclave_err
host_ears_add(struct host_ears *self, uint32_t bit, zsock_t *socket)
{
    self->loud |= bit;
    return host_ears_add_fd(self, bit, fd_of(socket));
}

void
host_ears_remove(struct host_ears *self, zsock_t *socket)
{
    (void)epoll_ctl(self->epoll, EPOLL_CTL_DEL, fd_of(socket), NULL); /* gone is gone */
}

enum conclave_err
host_ears_wait(struct host_ears *self, int timeout_ms)
{
    struct epoll_event events[AT_ONCE];
    const int count = epoll_wait(self->epoll, events, AT_ONCE, self->loud != 0 ? 0 : timeout_ms);

    if (count < 0 && errno != EINTR)
        return CONCLAVE_ERR_SYSTEM;
    for (int i = 0; i < count; i++)
        self->loud |= events[i].data.u32;
    return CONCLAVE_OK;
}
