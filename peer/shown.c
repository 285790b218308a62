/* The mark of what was shown.  A signal is looked at when a system call
 * returns, so what one call does is hardly torn apart by kill -9: Linux's own
 * asynchronous I/O (io_submit) takes the mark and the line in one call, and
 * carries both out before it returns.  The mark goes first: a write to a file
 * gives up when a kill is pending, a write to a pipe that has room does not;
 * so nothing is left out, and a line can come twice only when a kill from
 * another processor is pending as the call begins: for the fraction of a
 * microsecond until its interrupt comes, some microseconds on virtual machines.
 * With two calls the reader that the line wakes would often run, and kill,
 * before the mark. */
#include "peer/shown.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static aio_context_t context; /* 0: the kernel has none for us */
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

static void
open_context(void)
{
    context = 0;
    if (syscall(SYS_io_setup, 8u, &context) != 0)
        context = 0; /* not here, or all are in use: two calls, then */
}

/* A child has none of its parent's. */
static void
watch_forks(void)
{
    open_context();
    (void)pthread_atfork(NULL, NULL, open_context); /* without it a child uses two calls */
}

uint64_t
peer_shown_read(int mark_fd, uint64_t number)
{
    uint64_t arrival = 0;
    if (pread(mark_fd, &arrival, sizeof arrival, (off_t)(number * sizeof arrival)) != (ssize_t)sizeof arrival)
        return 0;
    return le64toh(arrival);
}

void
peer_shown_mark(int mark_fd, uint64_t number, uint64_t arrival)
{
    const uint64_t at = htole64(arrival);
    /* a mark that cannot be written shows a message twice after a crash */
    if (pwrite(mark_fd, &at, sizeof at, (off_t)(number * sizeof at)) != (ssize_t)sizeof at)
        return;
}

/* Waits until a write of up to PIPE_BUF bytes does not have to wait; false: a
 * signal came first. */
static bool
has_room(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    return poll(&room, 1, -1) >= 0 || errno != EINTR;
}

/* A signal ends it only before the first byte. */
static bool
write_all(int fd, struct msg_span bytes, bool begun)
{
    while (bytes.len > 0) {
        const ssize_t n = write(fd, bytes.at, bytes.len);
        if (n < 0 && errno == EAGAIN) {
            if (!has_room(fd) && !begun)
                return false;
        } else if (n < 0 && (errno != EINTR || !begun))
            return false;
        if (n > 0) {
            begun = true;
            bytes = msg_span(bytes.at + n, bytes.len - (size_t)n);
        }
    }
    return true;
}

/* Both in one call.  What came of the line: bytes or -errno; -ENOSYS: it was
 * not tried. */
static long
write_both(int fd, struct msg_span bytes, int mark_fd, uint64_t number, uint64_t arrival)
{
    const uint64_t at = htole64(arrival);
    struct iocb line = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)fd, .aio_buf = (uintptr_t)bytes.at, .aio_nbytes = bytes.len, .aio_data = 1};
    struct iocb mark = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)mark_fd, .aio_buf = (uintptr_t)&at, .aio_nbytes = sizeof at, .aio_offset = (int64_t)(number * sizeof at)};
    struct iocb *both[] = {&mark, &line};
    struct io_event events[2];
    long result = -ENOSYS;
    const long given = syscall(SYS_io_submit, context, 2L, both);
    for (long left = given; left > 0;) {
        const long n = syscall(SYS_io_getevents, context, left, left, events, NULL);
        for (long i = 0; i < n; i++)
            if (events[i].data == 1)
                result = (long)events[i].res;
        if (n > 0)
            left -= n;
        else if (errno != EINTR)
            break;
    }
    return result;
}

ssize_t
peer_shown_write(int fd, struct msg_span bytes, int mark_fd, uint64_t number, uint64_t before, uint64_t arrival)
{
    struct stat what;
    struct msg_span rest = bytes;
    (void)pthread_once(&context_once, watch_forks); /* it cannot fail */
    /* in a file the place to write at is the descriptor's, which io_submit
     * does not move; and nobody is woken by it, who might kill us */
    if (context != 0 && bytes.len <= PIPE_BUF && fstat(fd, &what) == 0 && !S_ISREG(what.st_mode)) {
        if (!has_room(fd))
            return -1;
        const long n = write_both(fd, bytes, mark_fd, number, arrival);
        if (n == (long)bytes.len)
            return n;
        if (n > 0)
            rest = msg_span(bytes.at + n, bytes.len - (size_t)n);
    }
    if (!write_all(fd, rest, rest.len < bytes.len)) {
        const int why = errno;
        peer_shown_mark(mark_fd, number, before);
        errno = why;
        return -1;
    }
    peer_shown_mark(mark_fd, number, arrival);
    return (ssize_t)bytes.len;
}
