/* The mark of what was shown, and the line itself, in one system call: Linux's
 * asynchronous I/O (io_submit) carries both out before it returns, and a kill
 * takes effect when it returns.  With two calls the reader that the line wakes
 * would often run, and kill, between them.
 *
 * So neither of the two may wait or look at a pending kill itself:
 * - Writing to a file does, and gives up.  The mark is therefore no write: the
 *   file's page is mapped, and the kernel reads into it from an eventfd that
 *   holds the arrival.  madvise makes the page ready just before; on a full
 *   disk that is an error, not a SIGBUS.  Where it cannot, the mark is a write,
 *   and a kill that is pending as the call begins shows the line twice.
 * - Writing to a pipe or a socket does not while there is room.  Another writer
 *   may have filled it since it was asked: then the line is refused (from
 *   Linux 6.4 on; before, it waits), and the mark taken back.
 * - The line's bytes are where no page has to be read in for them. */
#include "peer/shown.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define TRIES 16 /* at room that another writer takes */

/* One for the process, since ending one takes some 30 ms; whoever has the lock
 * uses it. */
static aio_context_t context; /* 0: the kernel has none for us, or was not asked */
static bool asked;
static pthread_mutex_t context_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t forks_once = PTHREAD_ONCE_INIT;

static void
lock_context(void)
{
    (void)pthread_mutex_lock(&context_lock);
}

static void
unlock_context(void)
{
    (void)pthread_mutex_unlock(&context_lock);
}

/* A child has none of its parent's. */
static void
forget_context(void)
{
    context = 0;
    asked = false;
    unlock_context();
}

static void
watch_forks(void)
{
    (void)pthread_atfork(lock_context, unlock_context, forget_context); /* without it a child uses two calls */
}

static bool
have_context(void)
{
    (void)pthread_once(&forks_once, watch_forks); /* it cannot fail */
    lock_context();
    if (!asked && syscall(SYS_io_setup, 2ul, &context) != 0)
        context = 0; /* not here, or all are in use: two calls, then */
    asked = true;
    const bool have = context != 0;
    unlock_context();
    return have;
}

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

/* Waits until a write of up to PIPE_BUF bytes does not have to wait: POLLOUT,
 * with POLLERR or POLLHUP when nobody reads any more; 0: a signal came first. */
static short
wait_for_room(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (poll(&room, 1, -1) >= 0)
        return room.revents;
    return errno == EINTR ? 0 : POLLOUT;
}

/* A signal ends it only before the first byte. */
static bool
write_all(int fd, struct msg_span bytes, bool begun)
{
    while (bytes.len > 0) {
        const ssize_t n = write(fd, bytes.at, bytes.len);
        if (n < 0 && errno == EAGAIN) {
            if (wait_for_room(fd) == 0 && !begun)
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

/* Without the page a mark is a write. */
static void
map_page(struct peer_shown *self)
{
    const size_t len = (size_t)sysconf(_SC_PAGESIZE);
    const off_t begin = place(self) / (off_t)len * (off_t)len;
    self->counter = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->counter < 0)
        return;
    while (fallocate(self->fd, 0, begin, (off_t)len) != 0)
        if (errno != EINTR)
            return;
    void *const page = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, begin);
    if (page == MAP_FAILED)
        return;
    self->page = page;
    self->page_len = len;
}

/* Whether the kernel refuses to fd what would have to wait: asked with a write
 * of no bytes, which a socket might send. */
static bool
refuses(int fd)
{
    struct iocb nothing = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)fd, .aio_rw_flags = RWF_NOWAIT};
    struct iocb *one[] = {&nothing};
    struct io_event event;
    struct stat what;
    if (fstat(fd, &what) != 0 || !S_ISFIFO(what.st_mode))
        return true;
    lock_context();
    const bool taken = syscall(SYS_io_submit, context, 1L, one) == 1;
    while (taken && syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) < 0 && errno == EINTR)
        ;
    unlock_context();
    return taken;
}

/* A mark that the kernel reads from the counter; false: write it. */
static bool
prepare_mark(const struct peer_shown *self, struct iocb *mark, const uint64_t *at)
{
    if (self->page == NULL || madvise(self->page, self->page_len, MADV_POPULATE_WRITE) != 0 || write(self->counter, at, sizeof *at) != (ssize_t)sizeof *at)
        return false;
    mark->aio_lio_opcode = IOCB_CMD_PREAD;
    mark->aio_fildes = (uint32_t)self->counter;
    mark->aio_buf = (uintptr_t)(self->page + self->number % (self->page_len / sizeof *at));
    mark->aio_offset = 0;
    return true;
}

/* A counter that was not read would add to the next mark. */
static void
empty_counter(const struct peer_shown *self)
{
    uint64_t left;
    if (read(self->counter, &left, sizeof left) < 0)
        return;
}

/* Both in one call.  What came of the line: bytes, or -errno; -ENOSYS: it was
 * not tried.  *marked: the mark was made. */
static long
write_both(const struct peer_shown *self, int fd, struct msg_span bytes, uint64_t arrival, bool *marked)
{
    uint8_t copy[PIPE_BUF];
    const uint64_t at = htole64(arrival);
    struct iocb mark = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)self->fd, .aio_buf = (uintptr_t)&at, .aio_nbytes = sizeof at, .aio_offset = place(self)};
    struct iocb line = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)fd, .aio_buf = (uintptr_t)copy, .aio_nbytes = bytes.len, .aio_rw_flags = self->may_wait ? 0 : RWF_NOWAIT, .aio_data = 1};
    struct iocb *both[] = {&mark, &line};
    struct io_event events[2];
    long result = -ENOSYS;
    *marked = false;
    memcpy(copy, bytes.at, bytes.len);
    const bool counted = prepare_mark(self, &mark, &at);
    lock_context();
    for (long left = syscall(SYS_io_submit, context, 2L, both); left > 0;) {
        const long n = syscall(SYS_io_getevents, context, left, left, events, NULL);
        for (long i = 0; i < n; i++) {
            if (events[i].data == 1)
                result = (long)events[i].res;
            else
                *marked = events[i].res == sizeof at;
        }
        if (n > 0)
            left -= n;
        else if (errno != EINTR)
            break;
    }
    unlock_context();
    if (counted && !*marked)
        empty_counter(self);
    return result;
}

/* A terminal looks at a pending kill, and in a file the place to write at is
 * the descriptor's, which io_submit does not move. */
static bool
takes_both(const struct peer_shown *self, int fd, size_t len)
{
    struct stat what;
    return self->fd >= 0 && len <= PIPE_BUF && fstat(fd, &what) == 0 && (S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode)) && have_context();
}

/* How many bytes of the line went with the mark: all or, to a socket, some; 0:
 * the mark is as it was, and write() says why or does it; -1: a signal came. */
static ssize_t
try_both(struct peer_shown *self, int fd, struct msg_span bytes, uint64_t arrival, bool *marked)
{
    if (!self->tried) {
        map_page(self);
        self->may_wait = !refuses(fd);
        self->tried = true;
    }
    for (int i = 0; i < TRIES; i++) {
        const short room = wait_for_room(fd);
        if (room != POLLOUT)
            return room == 0 ? -1 : 0;
        const long line = write_both(self, fd, bytes, arrival, marked);
        if (line > 0)
            return line;
        if (*marked)
            write_mark(self); /* as it was */
        *marked = false;
        if (line == -EINTR) {
            errno = EINTR;
            return -1;
        }
        if (line != -EAGAIN)
            return 0;
    }
    return 0;
}

ssize_t
peer_shown_write(struct peer_shown *self, int fd, struct msg_span bytes, uint64_t arrival)
{
    ssize_t written = 0;
    bool marked = false;
    if (arrival > self->arrival && takes_both(self, fd, bytes.len))
        written = try_both(self, fd, bytes, arrival, &marked);
    if (written < 0)
        return -1;
    if (!write_all(fd, msg_span(bytes.at + written, bytes.len - (size_t)written), written > 0)) {
        const int why = errno;
        if (marked)
            write_mark(self);
        errno = why;
        return -1;
    }
    if (marked)
        self->arrival = arrival;
    else
        peer_shown_mark(self, arrival);
    return (ssize_t)bytes.len;
}
