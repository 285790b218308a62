/* One epoll set over the descriptors of libzmq's sockets and others.  Lives as
 * long as its process, and is never closed. */
#include "broker/ears.h"

#include <errno.h>
#include <sys/epoll.h>

#define AT_ONCE 16 /* more than there are */

enum conclave_err
broker_ears_open(struct broker_ears *self)
{
    *self = (struct broker_ears){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    return self->epoll >= 0 ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

enum conclave_err
broker_ears_add_fd(struct broker_ears *self, uint32_t bit, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = bit};

    return epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

enum conclave_err
broker_ears_add(struct broker_ears *self, uint32_t bit, zsock_t *socket)
{
    int fd;
    size_t size = sizeof fd;

    if (zmq_getsockopt(zsock_resolve(socket), ZMQ_FD, &fd, &size) != 0)
        return CONCLAVE_ERR_SYSTEM;
    self->loud |= bit;
    return broker_ears_add_fd(self, bit, fd);
}

enum conclave_err
broker_ears_wait(struct broker_ears *self, int timeout_ms)
{
    struct epoll_event events[AT_ONCE];
    const int count = epoll_wait(self->epoll, events, AT_ONCE, self->loud != 0 ? 0 : timeout_ms);

    if (count < 0 && errno != EINTR)
        return CONCLAVE_ERR_SYSTEM;
    for (int i = 0; i < count; i++)
        self->loud |= events[i].data.u32;
    return CONCLAVE_OK;
}
