/* The publishing socket.  An XPUB tells which topics somebody wants, so that
 * rows are made for nobody else. */
#include "broker/monitor.h"

#define WAITING_MAX 256 /* messages for one monitor: a page of rows is one */
#define TOPIC_MAX 64    /* bytes of a subscription that is looked at */

static int
set_int(void *raw, int option, int value)
{
    return zmq_setsockopt(raw, option, &value, sizeof value);
}

enum conclave_err
broker_monitor_open(struct broker_monitor *self)
{
    *self = (struct broker_monitor){.local = zsock_new(ZMQ_XPUB)};
    if (self->local == NULL)
        return CONCLAVE_ERR_SYSTEM;
    void *raw = zsock_resolve(self->local);
    if ((set_int(raw, ZMQ_LINGER, 0) | set_int(raw, ZMQ_SNDHWM, WAITING_MAX)
         | zmq_bind(raw, "ipc://" MSG_MONITOR_SOCKET))
        == 0)
        return CONCLAVE_OK;
    broker_monitor_close(self);
    return CONCLAVE_ERR_SYSTEM;
}

void
broker_monitor_close(struct broker_monitor *self)
{
    zsock_destroy(&self->local);
}

/* What begins with `topic` is wanted by a subscription to it or to all. */
static bool
covers(const char *wanted, size_t len, const char *topic)
{
    return len <= strlen(topic) && memcmp(wanted, topic, len) == 0;
}

void
broker_monitor_hear(struct broker_monitor *self)
{
    void *raw = zsock_resolve(self->local);
    char word[TOPIC_MAX];
    int len;

    /* 1 or 0, and the topic: the first who wants one, or the last who did. */
    while ((len = zmq_recv(raw, word, sizeof word, ZMQ_DONTWAIT)) >= 0 || errno == EINTR) {
        if (len < 1 || len > TOPIC_MAX)
            continue;
        if (covers(word + 1, (size_t)len - 1, MSG_TOPIC_ROOMS))
            self->wants_rooms = word[0] == 1;
        if (covers(word + 1, (size_t)len - 1, MSG_TOPIC_SESSIONS))
            self->wants_sessions = word[0] == 1;
    }
}

void
broker_monitor_publish(struct broker_monitor *self, const char *topic, struct msg_span frame)
{
    void *raw = zsock_resolve(self->local);

    /* An XPUB drops for whoever is full, and says nothing. */
    if (zmq_send(raw, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        (void)zmq_send(raw, frame.at, frame.len, ZMQ_DONTWAIT);
}
