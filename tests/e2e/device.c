/* Keys, links and frames for guest and hostile. */
#include "tests/e2e/device.h"

#include <stdio.h>

void
device_make(struct device *self, const struct msg_link *link)
{
    memset(self, 0, sizeof *self);
    msg_keys_new_sign(&self->sign, &self->sign_sec);
    msg_keys_new_box(&self->transport, &self->transport_sec);
    msg_keys_new_box(&self->mail, &self->mail_sec);
    memcpy(self->host, link->host, sizeof self->host);
    self->door_port = link->port;
    self->door = link->door;
}

bool
device_load(struct device *self, const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return false;
    const bool whole = fread(self, sizeof *self, 1, file) == 1;
    fclose(file);
    return whole;
}

bool
device_save(const struct device *self, const char *path)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL)
        return false;
    const bool whole = fwrite(self, sizeof *self, 1, file) == 1;
    return fclose(file) == 0 && whole;
}

struct host_dial *
device_dial(const struct device *self, bool front, int wait_ms)
{
    char endpoint[MSG_ENDPOINT_MAX + 1];
    struct host_dial *link;

    msg_endpoint_print(endpoint, sizeof endpoint, self->host,
                       front ? self->front_port : self->door_port);
    if (host_dial_open(&link, msg_text(endpoint), front ? &self->front : &self->door,
                       &self->transport, &self->transport_sec, MSG_SOCKET_MAX)
        != CONCLAVE_OK)
        return NULL;
    zmq_pollitem_t item = {zsock_resolve(host_dial_monitor(link)), 0, ZMQ_POLLIN, 0};
    while (host_dial_state(link) == HOST_DIAL_PENDING)
        if (zmq_poll(&item, 1, wait_ms) <= 0)
            break;
    if (host_dial_state(link) != HOST_DIAL_UP)
        host_dial_close(&link, 0);
    return link;
}

bool
device_send(struct host_dial *link, enum msg_kind kind, const void *message)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};

    return msg_codec_encode(&out, kind, message) == CONCLAVE_OK
           && host_curve_send_dealer(host_dial_socket(link), msg_span_of_buf(&out)) == CONCLAVE_OK;
}

enum msg_kind
device_hear(struct host_dial *link, union msg_any *any, int wait_ms)
{
    static struct host_frame frame;
    static bool begun;
    enum msg_kind kind;
    zmq_pollitem_t items[] = {{zsock_resolve(host_dial_socket(link)), 0, ZMQ_POLLIN, 0},
                              {zsock_resolve(host_dial_monitor(link)), 0, ZMQ_POLLIN, 0}};

    if (!begun)
        zmq_msg_init(&frame.body);
    begun = true;
    while (host_curve_read_dealer(host_dial_socket(link), &frame) != HOST_READ_FRAME)
        if (host_dial_state(link) != HOST_DIAL_UP || zmq_poll(items, 2, wait_ms) <= 0)
            return MSG_KIND_NONE;
    return msg_codec_decode(host_frame_bytes(&frame), &kind, any) == CONCLAVE_OK ? kind
                                                                                 : MSG_KIND_NONE;
}
