/* See fake_device.h. */
#include "tests/broker/fake_device.h"

#include <stdlib.h>

#include "msg/cert.h"
#include "msg/codec.h"

void
fake_device_new_mail(struct fake_device *self)
{
    struct msg_box_sec sec;

    msg_keys_new_box(&self->mail, &sec);
    msg_cert_sign_mail(&self->mail_sig, &self->mail, &self->sign_sec);
}

void
fake_device_init(struct fake_device *self, uint64_t link)
{
    struct msg_box_sec sec;

    *self = (struct fake_device){.link = link, .source = "192.0.2.1"};
    msg_keys_new_sign(&self->sign, &self->sign_sec);
    msg_keys_new_box(&self->transport, &sec);
    fake_device_new_mail(self);
}

void
fake_device_signup(const struct fake_device *self, const struct fake_registry *registry, struct msg_signup *out,
                   const char *name, const char *password)
{
    *out = (struct msg_signup){.req = 7,
                               .name = msg_text(name),
                               .password = msg_text(password),
                               .sign = self->sign,
                               .mail = self->mail,
                               .mail_sig = self->mail_sig};
    msg_cert_prove(&out->proof, &self->transport, &registry->settings.door, &self->sign_sec);
}

static uint64_t
ask_door(struct fake_registry *self, const struct fake_device *device, enum msg_kind kind, const void *message)
{
    uint8_t bytes[MSG_KNOCK_MAX];
    struct msg_buf frame = {bytes, 0, sizeof bytes};
    if (msg_codec_encode(&frame, kind, message) != CONCLAVE_OK)
        abort();
    const struct msg_door_ask ask = {++self->ticket, msg_text(device->source), device->transport,
                                     msg_span_of_buf(&frame)};
    fake_registry_hear(self, BROKER_LINK_DOOR, NULL, "", MSG_DOOR_ASK, &ask);
    return ask.ticket;
}

uint64_t
fake_ask_signup(struct fake_registry *self, struct fake_device *device, enum msg_kind kind, const char *name,
                const char *password)
{
    struct msg_signup signup;

    fake_device_signup(device, self, &signup, name, password);
    return ask_door(self, device, kind, &signup);
}

uint64_t
fake_ask_passwd(struct fake_registry *self, const struct fake_device *device, const char *name, const char *old,
                const char *fresh)
{
    const struct msg_passwd passwd = {7, msg_text(name), msg_text(old), msg_text(fresh)};

    return ask_door(self, device, MSG_PASSWD, &passwd);
}

bool
fake_admit(struct fake_registry *self, struct fake_device *device, enum msg_kind kind, const char *name,
           const char *password)
{
    const uint64_t ticket = fake_ask_signup(self, device, kind, name, password);
    union msg_any any;
    enum msg_kind answer;

    if (!fake_registry_told(self, ticket, &answer, &any) || answer != MSG_ADMITTED)
        return false;
    device->account = any.MSG_ANY_ADMITTED.account;
    device->device = any.MSG_ANY_ADMITTED.device;
    return true;
}

void
fake_say(struct fake_registry *self, const struct fake_device *device, enum msg_kind kind, const void *message)
{
    fake_registry_hear(self, device->link, &device->transport, device->source, kind, message);
}

void
fake_login(struct fake_registry *self, const struct fake_device *device, struct fake_login how)
{
    uint8_t bytes[512];
    struct msg_buf buf = {bytes, 0, sizeof bytes};
    struct msg_login login = {.req = 9,
                              .port = how.port,
                              .direct = how.direct,
                              .status = MSG_STATUS_ONLINE,
                              .mail = device->mail,
                              .mail_sig = device->mail_sig};

    if (how.address != NULL) {
        const struct msg_address address = {msg_text(how.address)};
        if (msg_codec_append(&buf, &login.addresses, MSG_ADDRESS, &address) != CONCLAVE_OK)
            abort();
    }
    fake_say(self, device, MSG_LOGIN, &login);
}

bool
fake_enter(struct fake_registry *self, const struct fake_device *device)
{
    const size_t before = fake_registry_sent_count(self, device->link, MSG_WELCOME);

    fake_login(self, device, (struct fake_login){.port = 7000});
    return fake_registry_sent_count(self, device->link, MSG_WELCOME) > before;
}
