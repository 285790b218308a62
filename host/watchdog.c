/* Watches the connections of one bound socket.  It knows them by descriptor
 * from the socket's monitor, and ends one only with shutdown(): the descriptor
 * is libzmq's, which then closes it. */
#include "host/watchdog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "host/curve.h"
#include "host/rounds.h"
#include "host/sources.h"
#include "host/tcpinfo.h"
#include "msg/pages.h"

#define GROWTH_BYTES (4u << 20)      /* of resident memory, before a look at all connections */
#define UNDELIVERED_BYTES (1u << 20)
#define BACKLOG_FACTOR 16u           /* complete messages may wait longer than an unfinished one */
#define FIRST_MS 15000u
#define DESCRIPTORS_MAX (1u << 20)
#define END_TOLD_MS 100u             /* by then libzmq has closed the descriptor, and handed over what came */
#define SHED_AGE_MS 1000u            /* at the limit, a silent connection older than this makes room */
#define SOON_MS 100u                 /* between two rounds while something is under way, */
#define CALM_MS 1000u                /* and while nothing is: what comes in that time at most is what a flood may take */
#define CALM_BYTES (256u << 10)      /* of growth between two rounds, at most, */
#define CALM_AFTER_MS 15000u         /* and so long after somebody came */

/* What a reader said of a descriptor; any thread adds. */
struct heard {
    _Atomic uint64_t messages;
    _Atomic uint64_t bytes; /* as they were on the wire */
    _Atomic uint64_t look;  /* how many looks at the monitor had begun when the last one came */
};

struct conn {
    bool open;
    bool young;             /* in the list of those from whom nothing complete came yet, */
    int older, newer;       /* whose neighbours there; -1: it is at the end */
    struct host_peer peer;
    uint64_t since_ms;
    uint64_t since_look;    /* what came since is its own */
    uint64_t messages;      /* when floods were last looked for */
    uint64_t received;      /* TCP's count when a message was last seen to come */
    uint64_t heard_bytes;   /* what stood there for the descriptor's last owner */
};

/* Connections that ended, in the order of their ends. */
struct end {
    int fd;
    uint64_t at_ms;
};

struct host_watchdog {
    struct host_watchdog_limits limits;
    struct host_rounds_one rounds;
    bool watching;          /* it makes them */
    zsock_t *socket;        /* whose monitor this is; the starter's */
    zsock_t *monitor;
    struct heard *heard;    /* by descriptor */
    size_t descriptors;
    pthread_mutex_t lock;   /* over conns, open and counts */
    struct conn *conns;     /* by descriptor */
    struct host_watchdog_counts counts;
    _Atomic uint64_t looks; /* at the monitor, that have begun */
    struct host_sources *sources; /* the thread's, as is all below */
    int oldest, newest;     /* of the young, in the order of their coming; -1: none */
    uint64_t accepted_ms;   /* the last one */
    uint64_t resident;      /* bytes, when last looked at all */
    uint64_t round_resident; /* in the last round */
    size_t top;             /* one more than the highest descriptor that was seen */
    struct end *ends;       /* a ring of as many as there are descriptors; under the lock */
    bool *ending;           /* by descriptor: it stands in ends */
    size_t ends_first, ends_count;
    _Atomic size_t ends_ready; /* of them, how many may be told */
    int wake;               /* readable while there are such */
    bool cutting;           /* all, in the next round; under the lock */
};

/* With the lock held.  Only while the descriptor still is the connection that
 * we saw come: libzmq may have closed it, and something else have its number. */
static bool
cut(struct host_watchdog *self, int fd)
{
    struct host_peer now;
    const struct conn *conn = &self->conns[fd];

    return conn->open && host_tcpinfo_peer(fd, &now) && now.port == conn->peer.port
           && memcmp(now.address, conn->peer.address, sizeof now.address) == 0
           && shutdown(fd, SHUT_RDWR) == 0;
}

static void
append_young(struct host_watchdog *self, int fd)
{
    struct conn *conn = &self->conns[fd];

    conn->young = true;
    conn->older = self->newest;
    conn->newer = -1;
    *(conn->older >= 0 ? &self->conns[conn->older].newer : &self->oldest) = fd;
    self->newest = fd;
}

static void
remove_young(struct host_watchdog *self, int fd)
{
    struct conn *conn = &self->conns[fd];

    if (!conn->young)
        return;
    conn->young = false;
    *(conn->older >= 0 ? &self->conns[conn->older].newer : &self->oldest) = conn->newer;
    *(conn->newer >= 0 ? &self->conns[conn->newer].older : &self->newest) = conn->older;
}

static void
closed(struct host_watchdog *self, int fd)
{
    struct conn *conn = &self->conns[fd];

    if (!conn->open)
        return;
    remove_young(self, fd);
    conn->open = false;
    self->counts.open--;
    host_sources_remove(self->sources, &conn->peer);
}

/* A descriptor stands there once, however often it ended since: the ring is
 * large enough though nobody takes. */
static void
push_end(struct host_watchdog *self, int fd, uint64_t now)
{
    if (self->ending[fd])
        return;
    self->ending[fd] = true;
    self->ends[(self->ends_first + self->ends_count++) % self->descriptors] = (struct end){fd, now};
}

static void
ready_ends(struct host_watchdog *self, uint64_t now)
{
    const size_t before = atomic_load(&self->ends_ready);
    const uint64_t one = 1;
    size_t ready = before;

    while (ready < self->ends_count
           && now - self->ends[(self->ends_first + ready) % self->descriptors].at_ms >= END_TOLD_MS)
        ready++;
    if (ready == before)
        return;
    atomic_store(&self->ends_ready, ready);
    if (before == 0 && write(self->wake, &one, sizeof one) != (ssize_t)sizeof one)
        abort(); /* the counter of an eventfd that was read to 0 */
}

/* Ends the silent connections that came before a time; with the lock held. */
static void
shed(struct host_watchdog *self, uint64_t before_ms, size_t most, uint64_t *count)
{
    while (self->oldest >= 0 && most > 0) {
        const int fd = self->oldest;
        if (self->conns[fd].since_ms >= before_ms)
            return;
        remove_young(self, fd);
        if (atomic_load(&self->heard[fd].look) >= self->conns[fd].since_look)
            continue; /* it spoke */
        if (cut(self, fd)) {
            ++*count;
            most--;
        }
    }
}

/* It came after the look before this one had begun, and may have spoken since:
 * the thread may be late. */
static void
accepted(struct host_watchdog *self, int fd, uint64_t now)
{
    struct conn *conn = &self->conns[fd];

    if ((size_t)fd >= self->top)
        self->top = (size_t)fd + 1;
    closed(self, fd); /* should its end have gone unseen */
    *conn = (struct conn){.open = true,
                          .since_ms = now,
                          .since_look = atomic_load(&self->looks) - 1,
                          .messages = atomic_load(&self->heard[fd].messages),
                          .heard_bytes = atomic_load(&self->heard[fd].bytes)};
    (void)host_tcpinfo_peer(fd, &conn->peer); /* it may be gone already */
    self->accepted_ms = now;
    self->counts.accepted++;
    self->counts.open++;
    if (host_sources_add(self->sources, &conn->peer) > self->limits.connections_per_source) {
        self->counts.cut_source += cut(self, fd);
        return;
    }
    if (self->counts.open > self->limits.connections) {
        const uint64_t before = self->counts.cut_total;
        shed(self, now > SHED_AGE_MS ? now - SHED_AGE_MS : 0, 1, &self->counts.cut_total);
        if (self->counts.cut_total == before) {
            self->counts.cut_total += cut(self, fd);
            return;
        }
    }
    append_young(self, fd);
}

static void
read_monitor(struct host_watchdog *self, uint64_t now)
{
    void *raw = zsock_resolve(self->monitor);
    uint8_t head[6];
    uint16_t event;
    int32_t value;

    atomic_fetch_add(&self->looks, 1);
    for (;;) {
        const int len = zmq_recv(raw, head, sizeof head, ZMQ_DONTWAIT);
        if (len < 0 && errno == EINTR)
            continue;
        if (len != sizeof head)
            return;
        (void)zmq_recv(raw, NULL, 0, ZMQ_DONTWAIT); /* our own endpoint */
        memcpy(&event, head, sizeof event);
        memcpy(&value, head + 2, sizeof value);
        if ((event & (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                      | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL))
            != 0)
            self->counts.handshake_failed++;
        if (value < 0 || (size_t)value >= self->descriptors)
            continue;
        if (event == ZMQ_EVENT_ACCEPTED) {
            accepted(self, value, now);
        } else if (event == ZMQ_EVENT_DISCONNECTED) {
            closed(self, value);
            push_end(self, value, now);
        }
    }
}

/* A connection from which much came and nothing complete, or more complete
 * messages than the reader keeps up with. */
static bool
is_flood(struct host_watchdog *self, int fd)
{
    struct conn *conn = &self->conns[fd];
    uint64_t received;

    if (!host_tcpinfo_received(fd, &received))
        return false;
    const uint64_t messages = atomic_load(&self->heard[fd].messages);
    const uint64_t heard = atomic_load(&self->heard[fd].bytes) - conn->heard_bytes;
    if (messages != conn->messages) {
        conn->messages = messages;
        conn->received = received;
        remove_young(self, fd);
    }
    return received - conn->received > self->limits.undelivered_bytes
           || (received > heard
               && received - heard > BACKLOG_FACTOR * self->limits.undelivered_bytes);
}

/* A look costs some microseconds for each connection, so it waits until memory
 * has grown. */
static void
look_for_floods(struct host_watchdog *self, uint64_t resident)
{
    if (resident < self->resident)
        self->resident = resident;
    if (resident - self->resident < GROWTH_BYTES)
        return;
    self->resident = resident;
    for (size_t fd = 0; fd < self->top; fd++)
        if (self->conns[fd].open && is_flood(self, (int)fd) && cut(self, (int)fd))
            self->counts.cut_flood++;
}

static void
cut_open(struct host_watchdog *self)
{
    for (size_t fd = 0; fd < self->top; fd++)
        (void)cut(self, (int)fd); /* it may be gone already */
    self->cutting = false;
}

uint32_t
host_watchdog_pause_ms(const struct host_watchdog_sight *sight)
{
    if (sight->ends)
        return SOON_MS;
    if (sight->open == 0)
        return HOST_ROUNDS_NEWS;
    return sight->grown_bytes > CALM_BYTES || sight->accepted_ms < CALM_AFTER_MS ? SOON_MS : CALM_MS;
}

/* On the thread of the rounds. */
static uint32_t
make_round(void *arg, const struct host_round *round)
{
    struct host_watchdog *const self = arg;
    const uint64_t now = round->now_ms;

    pthread_mutex_lock(&self->lock);
    if (round->news || self->cutting)
        read_monitor(self, now);
    if (self->cutting) /* those who came before are known now */
        cut_open(self);
    if (now > self->limits.first_ms)
        shed(self, now - self->limits.first_ms, SIZE_MAX, &self->counts.cut_total);
    if (round->resident_bytes > 0)
        look_for_floods(self, round->resident_bytes);
    ready_ends(self, now);
    const struct host_watchdog_sight sight = {
        .ends = self->ends_count > atomic_load(&self->ends_ready),
        .open = self->counts.open,
        .grown_bytes = round->resident_bytes > self->round_resident ? round->resident_bytes - self->round_resident : 0,
        .accepted_ms = now - self->accepted_ms,
    };
    self->round_resident = round->resident_bytes;
    pthread_mutex_unlock(&self->lock);
    return host_watchdog_pause_ms(&sight);
}

static enum conclave_err
watch(struct host_watchdog *self)
{
    static atomic_uint_fast64_t count;
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "inproc://host-watchdog-%llu",
             (unsigned long long)atomic_fetch_add(&count, 1));
    if (zmq_socket_monitor(zsock_resolve(self->socket), endpoint,
                           ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED
                               | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
                               | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                               | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        != 0)
        return CONCLAVE_ERR_SYSTEM;
    self->monitor = host_curve_socket(ZMQ_PAIR);
    if (self->monitor == NULL)
        return CONCLAVE_ERR_SYSTEM;
    zsock_set_linger(self->monitor, 0);
    zsock_set_rcvhwm(self->monitor, 0);
    return zmq_connect(zsock_resolve(self->monitor), endpoint) == 0 ? CONCLAVE_OK
                                                                   : CONCLAVE_ERR_SYSTEM;
}

enum conclave_err
host_watchdog_start(struct host_watchdog **self_p, zsock_t *socket,
                    const struct host_watchdog_limits *limits)
{
    struct rlimit files = {0};
    enum conclave_err err = CONCLAVE_ERR_SYSTEM;

    *self_p = NULL;
    struct host_watchdog *self = calloc(1, sizeof *self);
    if (self == NULL)
        return CONCLAVE_ERR_SYSTEM;
    self->wake = self->oldest = self->newest = -1;
    atomic_init(&self->looks, 1); /* a descriptor of which nothing was heard stands at 0 */
    self->socket = socket;
    self->limits = *limits;
    pthread_mutex_init(&self->lock, NULL);
    if (self->limits.undelivered_bytes == 0)
        self->limits.undelivered_bytes = UNDELIVERED_BYTES;
    if (self->limits.first_ms == 0)
        self->limits.first_ms = FIRST_MS;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        goto done;
    self->descriptors = files.rlim_cur < DESCRIPTORS_MAX ? (size_t)files.rlim_cur : DESCRIPTORS_MAX;
    if (self->limits.connections > self->descriptors / 5 * 4)
        self->limits.connections = (uint32_t)(self->descriptors / 5 * 4);
    self->heard = msg_pages_new(self->descriptors, sizeof *self->heard);
    self->conns = msg_pages_new(self->descriptors, sizeof *self->conns);
    self->ends = msg_pages_new(self->descriptors, sizeof *self->ends);
    self->ending = msg_pages_new(self->descriptors, sizeof *self->ending);
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->sources = host_sources_new();
    if (self->heard == NULL || self->conns == NULL || self->ends == NULL || self->ending == NULL
        || self->sources == NULL || self->wake < 0)
        goto done;
    err = watch(self);
    if (err != CONCLAVE_OK)
        goto done;
    self->rounds = (struct host_rounds_one){.socket = self->monitor, .fn = make_round, .arg = self};
    err = host_rounds_add(&self->rounds);
    self->watching = err == CONCLAVE_OK;

done:
    if (err == CONCLAVE_OK)
        *self_p = self;
    else
        host_watchdog_stop(&self);
    return err;
}

void
host_watchdog_stop(struct host_watchdog **self_p)
{
    struct host_watchdog *self = *self_p;

    if (self == NULL)
        return;
    if (self->watching)
        host_rounds_remove(&self->rounds);
    if (self->monitor != NULL)
        (void)zmq_socket_monitor(zsock_resolve(self->socket), NULL, 0);
    zsock_destroy(&self->monitor);
    host_sources_destroy(&self->sources);
    if (self->wake >= 0)
        close(self->wake);
    pthread_mutex_destroy(&self->lock);
    msg_pages_free(self->ending, self->descriptors, sizeof *self->ending);
    msg_pages_free(self->ends, self->descriptors, sizeof *self->ends);
    msg_pages_free(self->conns, self->descriptors, sizeof *self->conns);
    msg_pages_free(self->heard, self->descriptors, sizeof *self->heard);
    free(self);
    *self_p = NULL;
}

void
host_watchdog_delivered(struct host_watchdog *self, int fd, size_t len)
{
    /* what CURVE adds, and ZMTP's short or long head of a frame */
    const size_t frame = len + 33;

    if (fd < 0 || (size_t)fd >= self->descriptors)
        return;
    atomic_store(&self->heard[fd].look, atomic_load(&self->looks));
    atomic_fetch_add_explicit(&self->heard[fd].messages, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&self->heard[fd].bytes, frame + (frame > 255 ? 9 : 2),
                              memory_order_relaxed);
}

void
host_watchdog_cut(struct host_watchdog *self, int fd)
{
    if (fd < 0 || (size_t)fd >= self->descriptors)
        return;
    pthread_mutex_lock(&self->lock);
    (void)cut(self, fd); /* it may be gone already */
    pthread_mutex_unlock(&self->lock);
}

void
host_watchdog_cut_all(struct host_watchdog *self)
{
    pthread_mutex_lock(&self->lock);
    self->cutting = true;
    pthread_mutex_unlock(&self->lock);
    host_rounds_hurry(); /* some may have come, and are not known yet */
}

int
host_watchdog_wake(const struct host_watchdog *self)
{
    return self->wake;
}

bool
host_watchdog_ended(struct host_watchdog *self, int *fd)
{
    uint64_t count;

    if (atomic_load(&self->ends_ready) == 0)
        return false;
    pthread_mutex_lock(&self->lock);
    const struct end end = self->ends[self->ends_first];
    self->ends_first = (self->ends_first + 1) % self->descriptors;
    self->ends_count--;
    self->ending[end.fd] = false;
    if (atomic_fetch_sub(&self->ends_ready, 1) == 1
        && read(self->wake, &count, sizeof count) != (ssize_t)sizeof count)
        abort(); /* it was written to when the first became ready */
    pthread_mutex_unlock(&self->lock);
    *fd = end.fd;
    return true;
}

void
host_watchdog_counts(struct host_watchdog *self, struct host_watchdog_counts *out)
{
    pthread_mutex_lock(&self->lock);
    *out = self->counts;
    pthread_mutex_unlock(&self->lock);
}
