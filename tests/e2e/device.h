/* A device as the end-to-end tests of the registry need one: its keys in a
 * file, one link, one question at a time.  Shared by guest and hostile. */
#ifndef TESTS_E2E_DEVICE_H
#define TESTS_E2E_DEVICE_H

#include "host/curve.h"
#include "msg/codec.h"
#include "msg/name.h"

#define DEVICE_WAIT_MS 45000 /* for what has an event; the tests themselves wait longer */

/* Written to its file as it is. */
struct device {
    uint64_t account;
    uint64_t number;
    char name[MSG_NAME_MAX + 1];
    struct msg_sign_pub sign;
    struct msg_sign_sec sign_sec;
    struct msg_box_pub transport;
    struct msg_box_sec transport_sec;
    struct msg_box_pub mail;
    struct msg_box_sec mail_sec;
    char host[MSG_HOST_MAX + 1];
    uint16_t door_port;
    uint16_t front_port;
    struct msg_box_pub door;
    struct msg_box_pub front;
};

void device_make(struct device *self, const struct msg_link *link);
bool device_load(struct device *self, const char *path);
bool device_save(const struct device *self, const char *path);

/* Dials the door or the front; NULL when it does not come up in wait_ms. */
struct host_dial *device_dial(const struct device *self, bool front, int wait_ms);

/* Sends a message; false: it could not be. */
bool device_send(struct host_dial *link, enum msg_kind kind, const void *message);

/* Waits for the next frame, decodes it into *any, whose spans stay valid until
 * the next call; MSG_KIND_NONE when none comes. */
enum msg_kind device_hear(struct host_dial *link, union msg_any *any, int wait_ms);

#endif
