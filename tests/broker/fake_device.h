/* Devices that use a fake registry: their keys, and what they ask. */
#ifndef TESTS_BROKER_FAKE_DEVICE_H
#define TESTS_BROKER_FAKE_DEVICE_H

#include "tests/broker/fake_registry.h"

struct fake_device {
    struct msg_sign_pub sign;
    struct msg_sign_sec sign_sec;
    struct msg_box_pub transport;
    struct msg_box_pub mail;
    struct msg_sig mail_sig;
    uint64_t link;
    uint64_t account, device;
    char source[64];
};

void fake_device_init(struct fake_device *self, uint64_t link);
void fake_device_new_mail(struct fake_device *self);
void fake_device_signup(const struct fake_device *self, const struct fake_registry *registry, struct msg_signup *out,
                        const char *name, const char *password);

/* Ask at the door; the answer is found by the ticket that comes back. */
uint64_t fake_ask_signup(struct fake_registry *self, struct fake_device *device, enum msg_kind kind, const char *name,
                         const char *password);
uint64_t fake_ask_passwd(struct fake_registry *self, const struct fake_device *device, const char *name,
                         const char *old, const char *fresh);
/* Signs up or enrols and takes the numbers; false when it was not admitted. */
bool fake_admit(struct fake_registry *self, struct fake_device *device, enum msg_kind kind, const char *name,
                const char *password);

struct fake_login { uint16_t port; uint64_t direct; const char *address; };
void fake_login(struct fake_registry *self, const struct fake_device *device, struct fake_login how);
/* Logs in on port 7000, direct anyone; false when there was no WELCOME. */
bool fake_enter(struct fake_registry *self, const struct fake_device *device);
void fake_say(struct fake_registry *self, const struct fake_device *device, enum msg_kind kind, const void *message);

#endif
