/* Peers that mean harm, for the tests of the registry:
 *
 *   hostile CASE HOST PORT               without any key
 *   hostile CASE FILE door|front         with the keys of the device in FILE
 *
 * Each case does its worst and ends; what the registry made of it is for the
 * tests to see.  Cases that hold on to something say "holding" and end with
 * stdin. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/device.h"

enum { CROWD = 3000, PARTS = 40000 };

static const char *host;
static uint16_t port;

static int
connect_tcp(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

    inet_pton(AF_INET, host, &to.sin_addr);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void
put(int fd, const void *bytes, size_t len)
{
    /* the other side may have had enough */
    if (fd >= 0 && send(fd, bytes, len, MSG_NOSIGNAL) < 0)
        return;
}

static void
reset(int fd)
{
    const struct linger now = {1, 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void
hold(void)
{
    char byte;

    puts("holding");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

static void
garbage(void)
{
    uint8_t bytes[4096];

    for (int i = 0; i < 100; i++) {
        const int fd = connect_tcp();
        msg_keys_random(bytes, sizeof bytes);
        if (i % 4 == 1)
            memcpy(bytes, "\xff\0\0\0\0\0\0\0\1\x7f\3\0CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32);
        if (i % 4 == 2)
            memcpy(bytes, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 28);
        if (i % 4 == 3)
            memcpy(bytes, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\2", 11);
        put(fd, bytes, sizeof bytes);
        reset(fd);
    }
}

/* By hand: the greeting and the READY of a mechanism without keys, then
 * messages, and a PING, and a reset. */
static void
null_mechanism(void)
{
    static const uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0,
                                         'N',  'U', 'L', 'L'};
    static const char ready[] = "\x04\x29\5READY\x0bSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\0";
    static const char ping[] = "\4\7\4PING\0\0";

    for (int i = 0; i < 50; i++) {
        const int fd = connect_tcp();
        put(fd, greeting, sizeof greeting);
        put(fd, ready, sizeof ready - 1);
        for (int m = 0; m < 200; m++)
            put(fd, "\0\1x", 3);
        put(fd, ping, sizeof ping - 1);
        reset(fd);
    }
}

static void
no_curve(void)
{
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "tcp://%s:%u", host, (unsigned)port);
    for (int i = 0; i < 20; i++) {
        zsock_t *socket = zsock_new(ZMQ_DEALER);
        zmq_connect(zsock_resolve(socket), endpoint);
        zmq_send(zsock_resolve(socket), "hello", 5, ZMQ_DONTWAIT);
        zmq_poll(NULL, 0, 5);
        zsock_set_linger(socket, 0);
        zsock_destroy(&socket);
    }
}

static void
silent(void)
{
    for (int i = 0; i < 500; i++)
        if (connect_tcp() < 0)
            break;
    hold();
}

static void
crowd(void)
{
    for (int i = 0; i < CROWD; i++) {
        const int fd = connect_tcp();
        if (i % 3 == 0)
            put(fd, "\xff\0\0\0\0\0\0\0\1\x7f", 10);
        if (i % 2 == 0 && fd >= 0)
            reset(fd);
    }
    hold();
}

/* A socket with the device's keys; `id` is a routing id to claim. */
static zsock_t *
open_socket(const struct device *device, bool front, const void *id, size_t id_len,
            const struct msg_box_pub *server, int heartbeat_ms)
{
    char endpoint[MSG_ENDPOINT_MAX + 8];
    zsock_t *socket = zsock_new(ZMQ_DEALER);
    void *raw = zsock_resolve(socket);

    zsock_set_linger(socket, 0);
    zsock_set_sndhwm(socket, 0);
    if (id_len > 0)
        zmq_setsockopt(raw, ZMQ_ROUTING_ID, id, id_len);
    if (heartbeat_ms > 0)
        zsock_set_heartbeat_ivl(socket, heartbeat_ms);
    zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, server->at, 32);
    zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, device->transport.at, 32);
    zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, device->transport_sec.at, 32);
    snprintf(endpoint, sizeof endpoint, "tcp://%s:%u", device->host,
             (unsigned)(front ? device->front_port : device->door_port));
    zmq_connect(raw, endpoint);
    return socket;
}

static const struct msg_box_pub *
key_of(const struct device *device, bool front)
{
    return front ? &device->front : &device->door;
}

static void
wrong_key(const struct device *device, bool front)
{
    for (int i = 0; i < 50; i++) {
        zsock_t *socket = open_socket(device, front, NULL, 0, &device->transport, 0);
        zmq_send(zsock_resolve(socket), "hello", 5, ZMQ_DONTWAIT);
        zmq_poll(NULL, 0, 5);
        zsock_destroy(&socket);
    }
}

static void
multipart(const struct device *device, bool front)
{
    static const uint8_t part[4000];
    zsock_t *socket = open_socket(device, front, NULL, 0, key_of(device, front), 0);
    void *raw = zsock_resolve(socket);

    for (int i = 0; i < PARTS; i++)
        zmq_send(raw, part, sizeof part, ZMQ_SNDMORE);
    zmq_send(raw, part, 1, 0);
    hold();
    zsock_destroy(&socket);
}

static void
routing_ids(const struct device *device, bool front)
{
    uint8_t id[255];
    zsock_t *sockets[60];

    for (size_t i = 0; i < 60; i++) {
        msg_keys_random(id, sizeof id);
        size_t len = 5;
        id[0] = i % 3 == 0 ? 0 : 'a';
        if (i % 3 == 2)
            len = 1 + i * 4;
        if (i % 10 == 9)
            memcpy(id, "\0\0\0\0\1", 5);
        sockets[i] = open_socket(device, front, id, len, key_of(device, front), 0);
        zmq_send(zsock_resolve(sockets[i]), "\x93\1\x23\0", 4, 0);
    }
    hold();
    for (size_t i = 0; i < 60; i++)
        zsock_destroy(&sockets[i]);
}

/* PINGs of ZMTP between many messages, and then gone without a goodbye. */
static void
heartbeats(const struct device *device, bool front)
{
    for (int i = 0; i < 10; i++) {
        const pid_t child = fork();
        if (child == 0) {
            if (host_curve_init(1) != CONCLAVE_OK)
                _exit(1);
            zsock_t *socket = open_socket(device, front, NULL, 0, key_of(device, front), 2);
            for (int m = 0; m < 2000; m++)
                zmq_send(zsock_resolve(socket), "\x93\1\x23\0", 4, 0);
            zmq_poll(NULL, 0, 100);
            raise(SIGKILL);
        }
        waitpid(child, NULL, 0);
    }
}

static void
oversize(const struct device *device, bool front)
{
    static const uint8_t bytes[1 << 20];

    for (int i = 0; i < 10; i++) {
        zsock_t *socket = open_socket(device, front, NULL, 0, key_of(device, front), 0);
        zmq_send(zsock_resolve(socket), bytes, i % 2 == 0 ? sizeof bytes : front ? 65536 : 4097, 0);
        zmq_poll(NULL, 0, 20);
        zsock_destroy(&socket);
    }
}

/* One frame each, and none of them good. */
static void
bad_frames(const struct device *device, bool front)
{
    static const struct {
        const char *bytes;
        size_t len;
    } frames[] = {
        {"", 0},                                 /* nothing */
        {"\xc1", 1},                             /* what msgpack never uses */
        {"\xdd\x0f\0\0\0", 5},                   /* an array of 250 million */
        {"\x93\1\x10\xc6\x7f\xff\xff\xff", 8},   /* 2 GiB of bytes, it says */
        {"\x93\1\x23", 3},                       /* short */
        {"\x93\1\x23\0\0\0\0", 7},               /* long */
        {"\x93\2\x23\0", 4},                     /* another version */
        {"\x93\1\xcd\xff\xff\0", 6},             /* no kind */
        {"\x93\1\x23\xa1x", 5},                  /* a wrong type */
        {"\x93\1\xcc\x80\0", 5},                 /* the door's own */
        {"\x81\1\x23", 3},                       /* a map */
    };
    uint8_t deep[2000];

    memset(deep, 0x91, sizeof deep);
    for (int i = 0; i < 20; i++) {
        zsock_t *socket = open_socket(device, front, NULL, 0, key_of(device, front), 0);
        void *raw = zsock_resolve(socket);
        for (size_t f = 0; f < sizeof frames / sizeof *frames; f++)
            zmq_send(raw, frames[f].bytes, frames[f].len, 0);
        zmq_send(raw, deep, sizeof deep, 0);
        zmq_poll(NULL, 0, 10);
        zsock_destroy(&socket);
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } strangers[] = {{"garbage", garbage}, {"null", null_mechanism}, {"no-curve", no_curve},
                     {"silent", silent},   {"crowd", crowd}};
    static const struct {
        const char *name;
        void (*run)(const struct device *device, bool front);
    } members[] = {{"wrong-key", wrong_key},     {"multipart", multipart},
                   {"routing-ids", routing_ids}, {"heartbeats", heartbeats},
                   {"oversize", oversize},       {"bad-frames", bad_frames}};
    struct device device;

    if (argc != 4 || msg_keys_init() != CONCLAVE_OK)
        return 2;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (strcmp(argv[1], strangers[i].name) == 0) {
            host = argv[2];
            port = (uint16_t)atoi(argv[3]);
            if (strcmp(argv[1], "no-curve") == 0 && host_curve_init(1) != CONCLAVE_OK)
                return 2;
            strangers[i].run();
            return 0;
        }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(argv[1], members[i].name) == 0) {
            if (!device_load(&device, argv[2]))
                return 2;
            /* heartbeats forks, which must come before libzmq */
            if (strcmp(argv[1], "heartbeats") != 0 && host_curve_init(1) != CONCLAVE_OK)
                return 2;
            members[i].run(&device, strcmp(argv[3], "front") == 0);
            return 0;
        }
    return 2;
}
