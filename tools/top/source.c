/* Subscribes to what the registry publishes. */
#include "tools/top/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/curve.h"
#include "msg/catalog_monitor.h"

#define WAITING_MAX 1000 /* messages, if we are slow */

/* As broker/home finds it. */
static bool
standard_dir(char dir[4096])
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int len = 0;

    if (geteuid() == 0)
        len = snprintf(dir, 4096, "/var/lib/conclaved");
    else if (data != NULL && *data == '/')
        len = snprintf(dir, 4096, "%s/conclave", data);
    else if (home != NULL && *home == '/')
        len = snprintf(dir, 4096, "%s/.local/share/conclave", home);
    return len > 0 && len < 4096;
}

static enum conclave_err
connect_to(struct top_source *self, const char *endpoint, bool rows)
{
    int rc = -1;

    self->sub = zsock_new(ZMQ_SUB);
    if (self->sub == NULL)
        return CONCLAVE_ERR_SYSTEM;
    void *raw = zsock_resolve(self->sub);
    zsock_set_linger(self->sub, 0);
    zsock_set_rcvhwm(self->sub, WAITING_MAX);
    zsock_set_maxmsgsize(self->sub, MSG_FRAME_MAX + 1024);
    rc = zmq_setsockopt(raw, ZMQ_SUBSCRIBE, MSG_TOPIC_SAMPLE, strlen(MSG_TOPIC_SAMPLE));
    if (rows)
        rc |= zmq_setsockopt(raw, ZMQ_SUBSCRIBE, MSG_TOPIC_ROOMS, strlen(MSG_TOPIC_ROOMS))
              | zmq_setsockopt(raw, ZMQ_SUBSCRIBE, MSG_TOPIC_SESSIONS, strlen(MSG_TOPIC_SESSIONS));
    return rc == 0 && zmq_connect(raw, endpoint) == 0 ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

enum conclave_err
top_source_open(struct top_source *self, const char *dir, bool rows, char *why, size_t why_cap)
{
    char standard[4096] = "";

    *self = (struct top_source){0};
    zmq_msg_init(&self->frame);
    if (dir == NULL && !standard_dir(standard)) {
        snprintf(why, why_cap, "There is no home directory; name the registry's data directory with --data DIR.");
        return CONCLAVE_ERR_NOT_FOUND;
    }
    /* A path from here is short enough for a socket, wherever the directory is. */
    if (chdir(dir != NULL ? dir : standard) != 0) {
        snprintf(why, why_cap, "The data directory %s cannot be entered: %s. Name the registry's with --data DIR.",
                 dir != NULL ? dir : standard, strerror(errno));
        return CONCLAVE_ERR_NOT_FOUND;
    }
    if (access(MSG_MONITOR_SOCKET, F_OK) == 0 && access(MSG_MONITOR_SOCKET, W_OK) != 0) {
        snprintf(why, why_cap, "The registry in %s is another user's: %s. Run this as that user.",
                 dir != NULL ? dir : standard, strerror(errno));
        return CONCLAVE_ERR_FORBIDDEN;
    }
    enum conclave_err err = host_curve_init(1);
    if (err == CONCLAVE_OK)
        err = connect_to(self, "ipc://" MSG_MONITOR_SOCKET, rows);
    if (err != CONCLAVE_OK)
        snprintf(why, why_cap, "The socket of the registry cannot be opened: %s.", zmq_strerror(errno));
    return err;
}

void
top_source_close(struct top_source *self)
{
    zmq_msg_close(&self->frame);
    zsock_destroy(&self->sub);
    zsys_shutdown();
}

static bool
receive(void *raw, zmq_msg_t *msg)
{
    int rc;

    do
        rc = zmq_msg_recv(msg, raw, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc >= 0;
}

bool
top_source_next(struct top_source *self, struct msg_span *frame)
{
    void *raw = zsock_resolve(self->sub);

    for (;;) {
        if (!receive(raw, &self->frame)) /* the topic */
            return false;
        const bool two = zmq_msg_more(&self->frame) && receive(raw, &self->frame);
        const bool good = two && !zmq_msg_more(&self->frame);
        while (zmq_msg_more(&self->frame) && receive(raw, &self->frame))
            ;
        if (!good)
            continue;
        *frame = msg_span(zmq_msg_data(&self->frame), zmq_msg_size(&self->frame));
        return true;
    }
}
