/* What the supervisor and its children say to each other, over a pair of
 * sockets that each child is born with.  The end of the channel is the end of
 * the other side. */
#ifndef BROKER_CHANNEL_H
#define BROKER_CHANNEL_H

#include "broker/settings.h"
#include "msg/keys.h"

enum broker_role { BROKER_ROLE_VAULT, BROKER_ROLE_FRONT, BROKER_ROLE_DOOR, BROKER_ROLES };

enum broker_word {
    BROKER_WORD_READY,    /* child: it serves; on `port`, where it has one */
    BROKER_WORD_FAILED,   /* child: it cannot serve, `why` says what to do; it then exits */
    BROKER_WORD_SETTINGS, /* supervisor: these from now on */
    BROKER_WORD_STOP      /* supervisor: end in order */
};

struct broker_note {
    enum broker_word word;
    uint16_t port;
    union {
        char why[BROKER_WHY_MAX];
        struct broker_settings settings;
    };
};

/* Neither blocks.  Receiving: NOT_FOUND when there is nothing, SYSTEM when the
 * other side is gone. */
enum conclave_err CONCLAVE_CHECK broker_channel_send(int fd, const struct broker_note *note);
enum conclave_err CONCLAVE_CHECK broker_channel_receive(int fd, struct broker_note *note);

/* What a child is given; the same after each of its deaths. */
struct broker_child {
    enum broker_role role;
    int channel;
    struct broker_settings settings;
    char host[MSG_HOST_MAX + 1];  /* to bind on, for door and front */
    uint16_t ports[2];            /* to try in this order; 0: any; those after the first 0 are not tried */
    bool port_is_kept;            /* devices know ports[0]: it must be that one */
    struct msg_sign_pub signer;
    struct msg_box_pub door;
    struct msg_box_pub front;
};

/* Says FAILED with a sentence; the child's last word. */
void broker_channel_fail(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The children's main functions, in vault.c, door.c and front.c: they return
 * the exit status, and 0 only when they were told to stop. */
int broker_vault_run(const struct broker_child *child);
int broker_door_run(const struct broker_child *child);
int broker_front_run(const struct broker_child *child);

#endif
