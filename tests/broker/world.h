/* What the tests of the registry's core share: a fresh registry with two
 * accounts, and short words for what they ask and expect. */
#ifndef TESTS_BROKER_WORLD_H
#define TESTS_BROKER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "tests/broker/fake_device.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

static struct fake_registry reg;
static struct fake_device alice, bob, carol;
static union msg_any any;

static inline int
world_setup(void **state)
{
    (void)state;
    fake_registry_init(&reg, NULL);
    fake_device_init(&alice, 101);
    fake_device_init(&bob, 102);
    fake_device_init(&carol, 103); /* a stranger at first */
    assert_true(fake_admit(&reg, &alice, MSG_SIGNUP, "alice", "correct horse"));
    assert_true(fake_admit(&reg, &bob, MSG_SIGNUP, "Bob", "battery staple"));
    fake_registry_clear(&reg);
    return 0;
}

static inline int
world_teardown(void **state)
{
    (void)state;
    fake_registry_wipe(&reg);
    return 0;
}

static inline void
expect_text(struct msg_text text, const char *wanted)
{
    assert_int_equal(text.len, strlen(wanted));
    if (text.len > 0)
        assert_memory_equal(text.at, wanted, text.len);
}

/* The first ERROR to that link, with that code. */
static inline void
expect_error(uint64_t link, const char *code)
{
    assert_true(fake_registry_sent(&reg, link, MSG_ERROR, 0, &any));
    expect_text(any.MSG_ANY_ERROR.code, code);
}

static inline void
expect_told(uint64_t ticket, enum msg_kind wanted)
{
    enum msg_kind kind;

    assert_true(fake_registry_told(&reg, ticket, &kind, &any));
    assert_int_equal(kind, wanted);
}

static inline void
expect_told_error(uint64_t ticket, const char *code)
{
    expect_told(ticket, MSG_ERROR);
    expect_text(any.MSG_ANY_ERROR.code, code);
}

static inline void
search(const struct fake_device *device, const char *name)
{
    const struct msg_search ask = {5, msg_text(name)};

    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_SEARCH, &ask);
}

static inline void
expect_found(const struct fake_device *device, const char *name, enum msg_status status)
{
    search(device, name);
    assert_true(fake_registry_sent(&reg, device->link, MSG_FOUND, 0, &any));
    assert_int_equal(any.MSG_ANY_FOUND.status, status);
}

static inline void
watch(const struct fake_device *device, const char *name)
{
    uint8_t bytes[256];
    struct msg_buf buf = {bytes, 0, sizeof bytes};
    struct msg_watch ask = {6, {0}};
    const struct msg_name_item item = {msg_text(name)};

    assert_int_equal(msg_codec_append(&buf, &ask.names, MSG_NAME, &item), CONCLAVE_OK);
    fake_say(&reg, device, MSG_WATCH, &ask);
}

/* The n-th PRESENCE says exactly this about one person. */
static inline void
expect_presence(const struct fake_device *device, size_t n, const char *name, enum msg_status status,
                const char *endpoint)
{
    struct msg_user user;

    assert_true(fake_registry_sent(&reg, device->link, MSG_PRESENCE, n, &any));
    assert_int_equal(any.MSG_ANY_PRESENCE.changes.count, 1);
    assert_true(msg_codec_next(&any.MSG_ANY_PRESENCE.changes, MSG_USER, &user));
    expect_text(user.name, name);
    assert_int_equal(user.status, status);
    if (endpoint != NULL)
        expect_text(user.endpoint, endpoint);
}

static inline void
logout(const struct fake_device *device)
{
    const struct msg_done ask = {8};

    fake_say(&reg, device, MSG_LOGOUT, &ask);
}

static inline uint64_t
sessions_now(void)
{
    struct broker_front_counts counts;

    broker_front_core_counts(reg.core, &counts);
    return counts.sessions;
}

#endif
