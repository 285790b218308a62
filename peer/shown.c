/* The mark of what was shown, and the line itself, in one system call: Linux's
 * asynchronous I/O (io_submit) carries both out before it returns, and a kill
 * takes effect when it returns.  With two calls the reader that the line wakes
 * would often run, and kill, between them.
 *
 * Neither of the two may look at a pending kill itself.  Writing to a pipe or a
 * socket that has room does not.  Writing to a file does, and gives up; so the
 * mark is no write: the file's page is mapped, and the kernel reads into it
 * from an eventfd that holds the arrival.  The page is made ready for that just
 * before, by madvise: on a full disk that is an error, not a SIGBUS. */
#include "peer/shown.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the mark stands in the file, in bytes. */
static off_t
place(const struct peer_shown *self)
{
    return (off_t)(self->number * sizeof self->arrival);
}

static void
write_mark(const struct peer_shown *self)
{
    const uint64_t at = htole64(self->arrival);
    /* a mark that cannot be written shows a message twice after a crash */
    if (pwrite(self->fd, &at, sizeof at, place(self)) != (ssize_t)sizeof at)
        return;
}

void
peer_shown_open(struct peer_shown *self, int fd, uint64_t number)
{
    uint64_t at = 0;
    *self = (struct peer_shown){.fd = fd, .number = number, .counter = -1};
    if (fd >= 0 && pread(fd, &at, sizeof at, place(self)) == (ssize_t)sizeof at)
        self->arrival = le64toh(at);
}

void
peer_shown_close(struct peer_shown *self)
{
    if (self->page != NULL)
        (void)munmap(self->page, self->page_len);
    if (self->counter >= 0)
        (void)close(self->counter);
    if (self->context != 0)
        (void)syscall(SYS_io_destroy, self->context);
    *self = (struct peer_shown){.fd = -1, .counter = -1};
}

void
peer_shown_mark(struct peer_shown *self, uint64_t arrival)
{
    if (arrival <= self->arrival)
        return;
    self->arrival = arrival;
    if (self->fd >= 0)
        write_mark(self);
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

/* What one call for both takes, made for the first line; false: not to be had,
 * each mark is a write of its own. */
static bool
get_ready(struct peer_shown *self)
{
    const size_t len = (size_t)sysconf(_SC_PAGESIZE);
    const off_t begin = place(self) / (off_t)len * (off_t)len;
    if (self->tried || self->fd < 0)
        return self->page != NULL;
    self->tried = true;
    self->counter = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->counter < 0 || syscall(SYS_io_setup, 2u, &self->context) != 0)
        return false;
    while (fallocate(self->fd, 0, begin, (off_t)len) != 0)
        if (errno != EINTR)
            return false;
    void *const page = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, begin);
    if (page == MAP_FAILED)
        return false;
    self->page = page;
    self->page_len = len;
    return true;
}

/* The mark for the kernel to read, in the counter, and where to read it to. */
static bool
prepare_mark(const struct peer_shown *self, uint64_t arrival)
{
    const uint64_t at = htole64(arrival);
    return madvise(self->page, self->page_len, MADV_POPULATE_WRITE) == 0 && write(self->counter, &at, sizeof at) == (ssize_t)sizeof at;
}

/* A counter that was not read would add to the next mark. */
static void
empty_counter(const struct peer_shown *self)
{
    uint64_t left;
    if (read(self->counter, &left, sizeof left) < 0)
        return;
}

/* Both in one call.  How many bytes of the line went; *marked: whether the mark
 * was made. */
static size_t
write_both(const struct peer_shown *self, int fd, struct msg_span bytes, uint64_t arrival, bool *marked)
{
    uint64_t *const at = self->page + self->number % (self->page_len / sizeof *at);
    struct iocb mark = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (uint32_t)self->counter, .aio_buf = (uintptr_t)at, .aio_nbytes = sizeof *at};
    struct iocb line = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)fd, .aio_buf = (uintptr_t)bytes.at, .aio_nbytes = bytes.len, .aio_data = 1};
    struct iocb *both[] = {&mark, &line};
    struct io_event events[2];
    size_t written = 0;
    if (!prepare_mark(self, arrival))
        return 0;
    for (long left = syscall(SYS_io_submit, self->context, 2L, both); left > 0;) {
        const long n = syscall(SYS_io_getevents, self->context, left, left, events, NULL);
        for (long i = 0; i < n; i++) {
            if (events[i].data == 0)
                *marked = events[i].res == sizeof *at;
            else if (events[i].res > 0)
                written = (size_t)events[i].res;
        }
        if (n > 0)
            left -= n;
        else if (errno != EINTR)
            break;
    }
    if (!*marked)
        empty_counter(self);
    return written;
}

/* A terminal looks at a pending kill, and in a file the place to write at is
 * the descriptor's, which io_submit does not move. */
static bool
takes_both(int fd, size_t len)
{
    struct stat what;
    return len <= PIPE_BUF && fstat(fd, &what) == 0 && (S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode));
}

ssize_t
peer_shown_write(struct peer_shown *self, int fd, struct msg_span bytes, uint64_t arrival)
{
    size_t written = 0;
    bool marked = false;
    if (arrival > self->arrival && takes_both(fd, bytes.len) && get_ready(self)) {
        if (!has_room(fd))
            return -1;
        written = write_both(self, fd, bytes, arrival, &marked);
    }
    if (!write_all(fd, msg_span(bytes.at + written, bytes.len - written), written > 0)) {
        const int why = errno;
        if (marked)
            write_mark(self); /* as it was */
        errno = why;
        return -1;
    }
    if (marked)
        self->arrival = arrival;
    else
        peer_shown_mark(self, arrival);
    return (ssize_t)bytes.len;
}
