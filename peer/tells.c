/* The queue of tells between the loop and conclave_next. */
#include "peer/tells.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "msg/keys.h"

#define KEPT_BYTES 131072u /* what a full frame of a room fills; a larger buffer is given back */
#define KEPT_PART 8u       /* when not so large a part of it was filled: in a long burst it would be cleared and had anew each time */

void
peer_tells_reserve(struct msg_buf *buf, size_t more)
{
    if (more <= buf->cap - buf->len)
        return;
    size_t cap = buf->cap < 512 ? 512 : buf->cap;
    while (cap - buf->len < more)
        cap *= 2;
    buf->at = realloc(buf->at, cap);
    if (buf->at == NULL)
        abort();
    buf->cap = cap;
}

enum conclave_err
peer_tells_init(struct peer_tells *self, bool pollable, size_t *waiting)
{
    *self = (struct peer_tells){.fd = -1, .waiting = waiting};
    if (pollable) {
        self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (self->fd < 0)
            return CONCLAVE_ERR_SYSTEM;
    }
    if (pthread_mutex_init(&self->lock, NULL) != 0)
        abort();
    return CONCLAVE_OK;
}

static void
wipe(struct msg_buf *buf)
{
    if (buf->at != NULL)
        msg_keys_wipe(buf->at, buf->cap);
    free(buf->at);
    *buf = (struct msg_buf){0};
}

void
peer_tells_wipe(struct peer_tells *self)
{
    if (self->waiting != NULL && self->waits)
        --*self->waiting;
    wipe(&self->coming);
    wipe(&self->going);
    if (self->fd >= 0)
        (void)close(self->fd); /* nothing is buffered in an eventfd */
    (void)pthread_mutex_destroy(&self->lock); /* nobody holds it any more */
    *self = (struct peer_tells){.fd = -1};
}

static void
signal_full(struct peer_tells *self)
{
    self->waits = true;
    if (self->waiting != NULL)
        ++*self->waiting;
    if (self->fd >= 0) {
        const uint64_t one = 1;
        /* cannot fail: the counter is 0 or 1 */
        if (write(self->fd, &one, sizeof one) != (ssize_t)sizeof one)
            abort();
    }
}

static void
signal_empty(struct peer_tells *self)
{
    self->waits = false;
    if (self->waiting != NULL)
        --*self->waiting;
    if (self->fd >= 0) {
        uint64_t count;
        if (read(self->fd, &count, sizeof count) != (ssize_t)sizeof count)
            abort();
    }
}

/* A queue that is counted has one thread at both ends. */
static void
lock(struct peer_tells *self)
{
    if (self->waiting == NULL)
        (void)pthread_mutex_lock(&self->lock); /* fails only for misuse */
}

static void
unlock(struct peer_tells *self)
{
    if (self->waiting == NULL)
        (void)pthread_mutex_unlock(&self->lock);
}

void
peer_tells_put(struct peer_tells *self, struct msg_span frame)
{
    const uint32_t n = (uint32_t)frame.len;
    lock(self);
    struct msg_buf *const buf = &self->coming;
    peer_tells_reserve(buf, sizeof n + frame.len);
    memcpy(buf->at + buf->len, &n, sizeof n);
    if (frame.len > 0)
        memcpy(buf->at + buf->len + sizeof n, frame.at, frame.len);
    buf->len += sizeof n + frame.len;
    if (!self->waits)
        signal_full(self);
    unlock(self);
}

/* What was taken last is not needed any more: its buffer is the next to be
 * filled. */
static void
turn_over(struct peer_tells *self)
{
    struct msg_buf empty = self->going;
    if (empty.cap > KEPT_BYTES && empty.len > 0 && empty.len < empty.cap / KEPT_PART)
        wipe(&empty);
    empty.len = 0;
    lock(self);
    self->going = self->coming;
    self->coming = empty;
    unlock(self);
    self->head = 0;
}

bool
peer_tells_take(struct peer_tells *self, struct msg_span *frame)
{
    uint32_t n;
    if (self->head == self->going.len)
        turn_over(self);
    if (self->going.len == 0)
        return false;
    memcpy(&n, self->going.at + self->head, sizeof n);
    *frame = msg_span(self->going.at + self->head + sizeof n, n);
    self->head += sizeof n + n;
    return true;
}

void
peer_tells_taken(struct peer_tells *self)
{
    if (self->head < self->going.len)
        return;
    lock(self);
    if (self->coming.len == 0)
        signal_empty(self);
    unlock(self);
}
