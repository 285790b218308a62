/* Many enrolled devices played by few processes: msg/ on bare DEALERs, so that
 * what is measured is the registry and not the peers. */
#ifndef TESTS_BENCH_MEMBERS_H
#define TESTS_BENCH_MEMBERS_H

#include "msg/catalog.h"
#include "tests/bench/daemon.h"

struct bench_member {
    char name[24];
    struct msg_sign_pub sign;
    struct msg_sign_sec sign_sec;
    struct msg_box_pub key;
    struct msg_box_sec key_sec;
    struct msg_box_pub mail;
    struct msg_sig mail_sig;
};

/* Where members go; learned when they enrol. */
struct bench_front {
    char endpoint[MSG_ENDPOINT_MAX + 16];
    struct msg_box_pub key;
};

/* In memory that children share. */
struct bench_member *bench_members_make(size_t count, const char *prefix);

/* Signs all of them up at the door, in a process of its own. */
void bench_members_enrol(const struct bench_daemon *daemon, const struct bench_member *list, size_t count,
                         struct bench_front *front);

/* A knock at the door: SIGNUP or ENROL. */
void bench_member_knock(void *socket, const struct bench_member *self, enum msg_kind kind, const char *name,
                        const char *password, const struct msg_box_pub *door);

void *bench_member_dial(const struct bench_member *self, const struct bench_front *front);
void bench_member_login(void *socket, const struct bench_member *self);
/* Waits for WELCOME; asks again when it does not come, as peers do. */
void bench_member_welcome(void *socket, const struct bench_member *self);
void bench_member_search(void *socket, const char *name);
void bench_member_ping(void *socket);

/* Waits for a frame of that kind; an ERROR, or a minute of silence, ends the
 * bench. */
void bench_member_await(void *socket, enum msg_kind kind);

/* Sends a frame of any kind; waits for one of any kind.  With ZMQ_DONTWAIT, and
 * after a time-out of `socket` that is not the usual one, MSG_KIND_NONE. */
void bench_member_send(void *socket, enum msg_kind kind, const void *message);
enum msg_kind bench_member_receive(void *socket, int flags, union msg_any *any, struct msg_buf *room);

#endif
