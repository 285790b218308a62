/* See bare.h. */
#include "tests/bench/bare.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <zmq.h>

#define MAX_SOCKETS 16384

void *
bench_context(void)
{
    static void *context;

    if (context == NULL) {
        context = zmq_ctx_new();
        BENCH_NEED(context != NULL && zmq_ctx_set(context, ZMQ_MAX_SOCKETS, MAX_SOCKETS) == 0);
    }
    return context;
}

static void
set_int(void *socket, int option, int value)
{
    BENCH_NEED(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void *
dial(int type, const char *endpoint, const struct msg_box_pub *server, const struct msg_box_pub *pub,
     const struct msg_box_sec *sec)
{
    struct msg_box_pub fresh_pub;
    struct msg_box_sec fresh_sec;
    void *socket = zmq_socket(bench_context(), type);

    BENCH_NEED(socket != NULL);
    if (pub == NULL) {
        msg_keys_new_box(&fresh_pub, &fresh_sec);
        pub = &fresh_pub;
        sec = &fresh_sec;
    }
    BENCH_NEED(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server->at, sizeof server->at) == 0);
    BENCH_NEED(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pub->at, sizeof pub->at) == 0);
    BENCH_NEED(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, sec->at, sizeof sec->at) == 0);
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_RCVTIMEO, BENCH_TIMEOUT_MS);
    if (type == ZMQ_SUB)
        BENCH_NEED(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) == 0);
    BENCH_NEED(zmq_connect(socket, endpoint) == 0);
    return socket;
}

void *
bench_dial(const char *endpoint, const struct msg_box_pub *server, const struct msg_box_pub *pub,
           const struct msg_box_sec *sec)
{
    return dial(ZMQ_DEALER, endpoint, server, pub, sec);
}

void *
bench_dial_publisher(const char *endpoint, const struct msg_box_pub *server)
{
    return dial(ZMQ_SUB, endpoint, server, NULL, NULL);
}

/* RFC 27: version, id, domain, address, routing id, mechanism, key. */
static void *
admit_all(void *socket)
{
    char part[8][256];
    int len[8];

    for (;;) {
        int count = 0, more = 1;
        for (size_t size = sizeof more; more != 0 && count < 8; count++) {
            len[count] = zmq_recv(socket, part[count], sizeof part[count], 0);
            if (len[count] < 0)
                return NULL;
            zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
        }
        zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
        zmq_send(socket, part[1], (size_t)len[1], ZMQ_SNDMORE);
        zmq_send(socket, "200", 3, ZMQ_SNDMORE);
        zmq_send(socket, "OK", 2, ZMQ_SNDMORE);
        zmq_send(socket, "user", 4, ZMQ_SNDMORE);
        zmq_send(socket, "", 0, 0);
    }
}

static void
start_zap(void)
{
    pthread_t thread;
    void *socket = zmq_socket(bench_context(), ZMQ_REP);

    BENCH_NEED(socket != NULL && zmq_bind(socket, "inproc://zeromq.zap.01") == 0);
    BENCH_NEED(pthread_create(&thread, NULL, admit_all, socket) == 0);
}

/* One message, two parts; false: nothing is there. */
static bool
serve_one(const struct bench_bare *self, void *router, int flags)
{
    zmq_msg_t id, body;

    zmq_msg_init(&id);
    zmq_msg_init(&body);
    const bool there = zmq_msg_recv(&id, router, flags) >= 0;
    if (there) {
        BENCH_NEED(zmq_msg_recv(&body, router, 0) >= 0);
        ++*self->count;
    }
    if (there && !*self->counting) {
        BENCH_NEED(zmq_msg_send(&id, router, ZMQ_SNDMORE) >= 0);
        BENCH_NEED(zmq_msg_send(&body, router, 0) >= 0);
    }
    zmq_msg_close(&id);
    zmq_msg_close(&body);
    return there;
}

#define IDS_MAX 2048
#define ID_MAX 16

/* One message, two parts: its sender is one more of the room, or it goes to all of it. */
static void
relay_one(const struct bench_bare *self, void *router)
{
    static struct { uint8_t at[ID_MAX]; size_t len; } ids[IDS_MAX];
    static size_t count;
    zmq_msg_t id, body;

    zmq_msg_init(&id);
    zmq_msg_init(&body);
    BENCH_NEED(zmq_msg_recv(&id, router, 0) >= 0 && zmq_msg_recv(&body, router, 0) >= 0);
    ++*self->count;
    if (zmq_msg_size(&body) == 4 && memcmp(zmq_msg_data(&body), "join", 4) == 0) {
        BENCH_NEED(count < IDS_MAX && zmq_msg_size(&id) <= ID_MAX);
        ids[count].len = zmq_msg_size(&id);
        memcpy(ids[count++].at, zmq_msg_data(&id), zmq_msg_size(&id));
    } else {
        for (size_t i = 0; i < count; i++) {
            BENCH_NEED(zmq_send(router, ids[i].at, ids[i].len, ZMQ_SNDMORE) >= 0);
            BENCH_NEED(zmq_send(router, zmq_msg_data(&body), zmq_msg_size(&body), 0) >= 0);
        }
    }
    zmq_msg_close(&id);
    zmq_msg_close(&body);
}

/* Subscriptions that came, and then what it is asked for. */
static void
publish(const struct bench_bare *self, void *xpub)
{
    static const char message[BENCH_BARE_BYTES];
    zmq_pollitem_t item = {xpub, 0, ZMQ_POLLIN, 0};
    char word[16];
    uint64_t published = 0;

    for (;;) {
        BENCH_NEED(zmq_poll(&item, 1, 1) >= 0 || errno == EINTR);
        while (zmq_recv(xpub, word, sizeof word, ZMQ_DONTWAIT) >= 0)
            ++*self->count;
        for (; published < *self->asked; published++)
            BENCH_NEED(zmq_send(xpub, message, sizeof message, 0) == (int)sizeof message);
    }
}

static void
serve(int fd, void *arg)
{
    struct bench_bare *self = arg;
    size_t size = sizeof self->endpoint;

    if (self->zap)
        start_zap();
    const bool publishes = self->kind == BENCH_BARE_PUBLISH;
    void *router = zmq_socket(bench_context(), publishes ? ZMQ_XPUB : ZMQ_ROUTER);
    BENCH_NEED(router != NULL);
    if (publishes) {
        set_int(router, ZMQ_XPUB_NODROP, 1);
        set_int(router, ZMQ_XPUB_VERBOSE, 1); /* each of the same subscription is counted */
    }
    set_int(router, ZMQ_CURVE_SERVER, 1);
    set_int(router, ZMQ_BACKLOG, 4096);
    set_int(router, ZMQ_HANDSHAKE_IVL, 120000);
    BENCH_NEED(zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, self->sec.at, sizeof self->sec.at) == 0);
    if (self->zap)
        BENCH_NEED(zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, "bare", 4) == 0);
    BENCH_NEED(zmq_bind(router, "tcp://127.0.0.1:*") == 0);
    BENCH_NEED(zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, self->endpoint, &size) == 0);
    bench_put(fd, self->endpoint, sizeof self->endpoint);
    if (publishes)
        publish(self, router);
    set_int(router, ZMQ_ROUTER_MANDATORY, self->kind == BENCH_BARE_RELAY); /* wait, and lose nothing */
    while (self->kind == BENCH_BARE_RELAY)
        relay_one(self, router);
    for (;;) {
        zmq_pollitem_t item = {router, 0, ZMQ_POLLIN, 0};
        if (self->kind == BENCH_BARE_POLLING && zmq_poll(&item, 1, -1) < 0)
            BENCH_NEED(errno == EINTR);
        while (serve_one(self, router, self->kind == BENCH_BARE_POLLING ? ZMQ_DONTWAIT : 0))
            ;
    }
}

void
bench_bare_start(struct bench_bare *self, enum bench_bare_kind kind, bool zap)
{
    *self = (struct bench_bare){.kind = kind, .zap = zap};
    msg_keys_new_box(&self->pub, &self->sec);
    self->count = bench_share(sizeof *self->count);
    self->asked = bench_share(sizeof *self->asked);
    self->counting = bench_share(sizeof *self->counting);
    bench_start(&self->child, serve, self);
    bench_get(self->child.fd, self->endpoint, sizeof self->endpoint);
}

void
bench_bare_end(struct bench_bare *self)
{
    bench_end(&self->child);
}
