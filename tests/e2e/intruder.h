/* A device in a room, or in front of it, for intruder.c: one connection to the
 * front, the room and somebody in it, and what is said of answers. */
#ifndef TESTS_E2E_INTRUDER_H
#define TESTS_E2E_INTRUDER_H

#include <stdio.h>
#include <stdlib.h>

#include "msg/cert.h"
#include "msg/room.h"
#include "tests/e2e/device.h"

static struct device device;
static struct host_dial *front;
static struct msg_room_found room;      /* its spans do not last */
static struct msg_id id;
static struct msg_cert_body victim;     /* likewise */
static uint64_t req = 100, epoch = 1;
static struct msg_head epoch_head;

static inline void
say(const char *what, struct msg_text code)
{
    printf("%s %.*s\n", what, (int)code.len, code.at);
    fflush(stdout);
}

static inline bool
log_in(void)
{
    struct msg_login login = {.req = 1, .status = MSG_STATUS_ONLINE, .mail = device.mail};
    union msg_any any;
    enum msg_kind kind = MSG_KIND_NONE;

    host_dial_close(&front, 100);
    front = device_dial(&device, true, DEVICE_WAIT_MS);
    msg_cert_sign_mail(&login.mail_sig, &device.mail, &device.sign_sec);
    if (front == NULL || !device_send(front, MSG_LOGIN, &login))
        return false;
    while ((kind = device_hear(front, &any, DEVICE_WAIT_MS)) != MSG_WELCOME)
        if (kind == MSG_KIND_NONE || kind == MSG_ERROR)
            return false;
    return true;
}

/* Waits while the connection takes no more, and hears what comes meanwhile. */
static inline bool
send_all(enum msg_kind kind, const void *message)
{
    zmq_pollitem_t item = {zsock_resolve(host_dial_socket(front)), 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    union msg_any any;

    while (!device_send(front, kind, message)) {
        while (device_hear(front, &any, 0) != MSG_KIND_NONE)
            ;
        if (host_dial_state(front) != HOST_DIAL_UP || zmq_poll(&item, 1, DEVICE_WAIT_MS) <= 0)
            return false;
    }
    return true;
}

/* The next frame of either kind, or an ERROR with that req; NONE: there is none. */
static inline enum msg_kind
answer(union msg_any *any, enum msg_kind kind, enum msg_kind other)
{
    enum msg_kind heard;

    while ((heard = device_hear(front, any, DEVICE_WAIT_MS)) != MSG_KIND_NONE)
        if (heard == kind || heard == other || (heard == MSG_ERROR && any->MSG_ANY_ERROR.req == req))
            return heard;
    return MSG_KIND_NONE;
}

/* Says how a request went. */
static inline void
went(const char *what, enum msg_kind kind, enum msg_kind refused)
{
    union msg_any any;
    const enum msg_kind heard = answer(&any, kind, refused);

    if (heard == MSG_ERROR)
        say(what, any.MSG_ANY_ERROR.code);
    else if (heard == MSG_ROOM_REFUSED && refused == MSG_ROOM_REFUSED)
        say(what, any.MSG_ANY_ROOM_REFUSED.code);
    else
        say(what, msg_text(heard == MSG_KIND_NONE ? "silence" : "ok"));
}

/* All that was said before is dealt with; false: we were thrown out. */
static inline bool
fence(void)
{
    const struct msg_search search = {++req, msg_text(device.name)};
    union msg_any any;

    return device_send(front, MSG_SEARCH, &search) && answer(&any, MSG_FOUND, MSG_FOUND) != MSG_KIND_NONE;
}

static inline bool
find(const char *name)
{
    const struct msg_room_find ask = {++req, msg_text(name)};
    union msg_any any;

    if (!device_send(front, MSG_ROOM_FIND, &ask) || answer(&any, MSG_ROOM_FOUND, MSG_ROOM_FOUND) != MSG_ROOM_FOUND)
        return false;
    room = any.MSG_ANY_ROOM_FOUND;
    id = room.room;
    return true;
}

/* The epoch, for those who may read the roster: heads are linked, entry by entry. */
static inline void
read_epoch(void)
{
    const struct msg_room_of of = {++req, id, 0};
    struct msg_room facts = {.id = id};
    struct msg_entry entry;
    struct msg_room_op op;
    union msg_any any;

    if (!device_send(front, MSG_ENTRIES_OF, &of) || answer(&any, MSG_ENTRIES, MSG_ENTRIES) != MSG_ENTRIES)
        return;
    while (msg_codec_next(&any.MSG_ANY_ENTRIES.entries, MSG_ENTRY, &entry)) {
        if (msg_room_open_op(&op, entry.op, NULL) != CONCLAVE_OK)
            return;
        const bool out = op.act == MSG_ACT_LEAVE || op.act == MSG_ACT_KICK || op.act == MSG_ACT_REVOKED;
        facts.epoch += op.act == MSG_ACT_CREATE || out;
        msg_room_link(&facts, &entry, op.act == MSG_ACT_CREATE || out);
    }
    epoch = facts.epoch;
    epoch_head = facts.epoch_head;
}

static inline bool
meet(const char *name)
{
    const struct msg_search ask = {++req, msg_text(name)};
    union msg_any any, body;
    struct msg_device_card card;
    enum msg_kind kind;

    if (!device_send(front, MSG_INTRODUCE, &ask) || answer(&any, MSG_INTRODUCED, MSG_INTRODUCED) != MSG_INTRODUCED
        || !msg_codec_next(&any.MSG_ANY_INTRODUCED.devices, MSG_DEVICE_CARD, &card)
        || msg_codec_decode(card.certificate, &kind, &body) != CONCLAVE_OK || kind != MSG_SIGNED
        || msg_codec_decode(body.MSG_ANY_SIGNED.body, &kind, &body) != CONCLAVE_OK || kind != MSG_CERT)
        return false;
    victim = body.MSG_ANY_CERT;
    return true;
}

#endif
