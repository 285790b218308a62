/* See members.h. */
#include "tests/bench/members.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "tests/bench/bare.h"

#define KNOCKS_AT_ONCE 48u   /* fewer than the vault lets wait */
#define AGAIN_MS 20u         /* after the answer "busy" */
#define AGAIN_LOGIN_MS 10000 /* after no answer at all */
#define LOGINS 8
#define PASSWORD "a bench of wood and iron 7"

struct bench_member *
bench_members_make(size_t count, const char *prefix)
{
    struct bench_member *list = bench_share(count * sizeof *list);
    struct msg_box_sec mail_sec;

    for (size_t i = 0; i < count; i++) {
        struct bench_member *self = &list[i];
        snprintf(self->name, sizeof self->name, "%s%zu", prefix, i);
        msg_keys_new_sign(&self->sign, &self->sign_sec);
        msg_keys_new_box(&self->key, &self->key_sec);
        msg_keys_new_box(&self->mail, &mail_sec);
        msg_cert_sign_mail(&self->mail_sig, &self->mail, &self->sign_sec);
    }
    return list;
}

void
bench_member_send(void *socket, enum msg_kind kind, const void *message)
{
    uint8_t room[MSG_KNOCK_MAX];
    struct msg_buf frame = {room, 0, sizeof room};

    BENCH_NEED(msg_codec_encode(&frame, kind, message) == CONCLAVE_OK);
    BENCH_NEED(zmq_send(socket, frame.at, frame.len, 0) == (int)frame.len);
}

enum msg_kind
bench_member_receive(void *socket, int flags, union msg_any *any, struct msg_buf *room)
{
    enum msg_kind kind;
    int n;

    do
        n = zmq_recv(socket, room->at, room->cap, flags);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        int timeout_ms;
        size_t size = sizeof timeout_ms;
        zmq_getsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, &size);
        if ((flags & ZMQ_DONTWAIT) != 0 || timeout_ms != BENCH_TIMEOUT_MS)
            return MSG_KIND_NONE;
        bench_die("no answer from the registry within a minute");
    }
    BENCH_NEED((size_t)n <= room->cap);
    BENCH_NEED(msg_codec_decode(msg_span(room->at, (size_t)n), &kind, any) == CONCLAVE_OK);
    return kind;
}

void
bench_member_await(void *socket, enum msg_kind kind)
{
    uint8_t at[4096];
    struct msg_buf room = {at, 0, sizeof at};
    union msg_any any;
    enum msg_kind got;

    while ((got = bench_member_receive(socket, 0, &any, &room)) != kind)
        if (got == MSG_ERROR)
            bench_die("the registry refuses: %.*s", (int)any.MSG_ANY_ERROR.text.len, any.MSG_ANY_ERROR.text.at);
}

void
bench_member_knock(void *socket, const struct bench_member *self, enum msg_kind kind, const char *name,
                   const char *password, const struct msg_box_pub *door)
{
    struct msg_signup knock = {
        .req = 1,
        .name = msg_text(name),
        .password = msg_text(password),
        .sign = self->sign,
        .mail = self->mail,
        .mail_sig = self->mail_sig,
    };

    msg_cert_prove(&knock.proof, &self->key, door, &self->sign_sec);
    bench_member_send(socket, kind, &knock);
}

static void
door_endpoint(const struct bench_daemon *daemon, char *endpoint, size_t cap)
{
    snprintf(endpoint, cap, "tcp://%s:%u", daemon->link.host, (unsigned)daemon->link.port);
}

static void
sign_up(void *socket, const struct bench_member *member, const struct bench_daemon *daemon)
{
    bench_member_knock(socket, member, MSG_SIGNUP, member->name, PASSWORD, &daemon->link.door);
}

static void
await_admitted(void *socket, const struct bench_member *member, const struct bench_daemon *daemon,
               struct bench_front *front)
{
    uint8_t at[4096];
    struct msg_buf room = {at, 0, sizeof at};
    union msg_any any;
    enum msg_kind kind;

    while ((kind = bench_member_receive(socket, 0, &any, &room)) == MSG_ERROR
           && msg_text_equal(any.MSG_ANY_ERROR.code, msg_text("busy"))) {
        bench_pause_ms(AGAIN_MS);
        sign_up(socket, member, daemon);
    }
    if (kind == MSG_ERROR)
        bench_die("the door refuses: %.*s", (int)any.MSG_ANY_ERROR.text.len, any.MSG_ANY_ERROR.text.at);
    BENCH_NEED(kind == MSG_ADMITTED);
    const struct msg_admitted *admitted = &any.MSG_ANY_ADMITTED;
    const struct msg_text host =
        admitted->front_host.len > 0 ? admitted->front_host : msg_text(daemon->link.host);
    snprintf(front->endpoint, sizeof front->endpoint, "tcp://%.*s:%u", (int)host.len, host.at,
             (unsigned)admitted->front_port);
    front->key = admitted->front;
}

struct enrolment {
    const struct bench_daemon *daemon;
    const struct bench_member *list;
    size_t count;
    struct bench_front front;
};

static void
enrol(int fd, void *arg)
{
    struct enrolment *self = arg;
    void *sockets[KNOCKS_AT_ONCE];
    char endpoint[MSG_ENDPOINT_MAX + 16];

    door_endpoint(self->daemon, endpoint, sizeof endpoint);
    for (size_t from = 0; from < self->count; from += KNOCKS_AT_ONCE) {
        const size_t n = self->count - from < KNOCKS_AT_ONCE ? self->count - from : KNOCKS_AT_ONCE;
        for (size_t i = 0; i < n; i++) {
            const struct bench_member *member = &self->list[from + i];
            sockets[i] = bench_dial(endpoint, &self->daemon->link.door, &member->key, &member->key_sec);
            sign_up(sockets[i], member, self->daemon);
        }
        for (size_t i = 0; i < n; i++) {
            await_admitted(sockets[i], &self->list[from + i], self->daemon, &self->front);
            zmq_close(sockets[i]);
        }
    }
    bench_put(fd, &self->front, sizeof self->front);
}

void
bench_members_enrol(const struct bench_daemon *daemon, const struct bench_member *list, size_t count,
                    struct bench_front *front)
{
    struct enrolment enrolment = {.daemon = daemon, .list = list, .count = count};
    struct bench_child child;

    bench_start(&child, enrol, &enrolment);
    bench_get(child.fd, front, sizeof *front);
    bench_end(&child);
}

void *
bench_member_dial(const struct bench_member *self, const struct bench_front *front)
{
    return bench_dial(front->endpoint, &front->key, &self->key, &self->key_sec);
}

void
bench_member_login(void *socket, const struct bench_member *self)
{
    const struct msg_login login = {
        .req = 1,
        .port = 1,
        .direct = MSG_DIRECT_ANYONE,
        .status = MSG_STATUS_ONLINE,
        .mail = self->mail,
        .mail_sig = self->mail_sig,
    };

    bench_member_send(socket, MSG_LOGIN, &login);
}

static void
set_timeout(void *socket, int ms)
{
    BENCH_NEED(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &ms, sizeof ms) == 0);
}

void
bench_member_welcome(void *socket, const struct bench_member *self)
{
    uint8_t at[4096];
    struct msg_buf room = {at, 0, sizeof at};
    union msg_any any;
    enum msg_kind kind = MSG_KIND_NONE;

    set_timeout(socket, AGAIN_LOGIN_MS);
    for (int i = 0; i < LOGINS && kind != MSG_WELCOME; i++) {
        if (i > 0)
            bench_member_login(socket, self);
        while ((kind = bench_member_receive(socket, 0, &any, &room)) != MSG_KIND_NONE && kind != MSG_WELCOME)
            if (kind == MSG_ERROR)
                bench_die("the registry refuses: %.*s", (int)any.MSG_ANY_ERROR.text.len, any.MSG_ANY_ERROR.text.at);
    }
    if (kind != MSG_WELCOME)
        bench_die("a device could not log in");
    set_timeout(socket, BENCH_TIMEOUT_MS);
}

void
bench_member_search(void *socket, const char *name)
{
    const struct msg_search search = {.req = 1, .name = msg_text(name)};

    bench_member_send(socket, MSG_SEARCH, &search);
}

void
bench_member_ping(void *socket)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    bench_member_send(socket, MSG_PING, &ping);
}
