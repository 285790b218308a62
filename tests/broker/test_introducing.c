/* Claims about broker/core/introducing: nobody is told where somebody is before
 * they consent. */
#include "tests/broker/world.h"

static void
introduce(const struct fake_device *device, uint64_t req, const char *name)
{
    const struct msg_search ask = {req, msg_text(name)};

    fake_say(&reg, device, MSG_INTRODUCE, &ask);
}

/* The n-th INTRODUCTION that the device got. */
static uint64_t
introduction_of(const struct fake_device *device, size_t n)
{
    assert_true(fake_registry_sent(&reg, device->link, MSG_INTRODUCTION, n, &any));
    return any.MSG_ANY_INTRODUCTION.intro;
}

static void
consent(const struct fake_device *device, uint64_t intro, bool yes)
{
    const struct msg_consent say = {intro, yes};

    fake_say(&reg, device, MSG_CONSENT, &say);
}

static struct msg_introduced
expect_introduced(const struct fake_device *device, enum msg_status status, size_t devices)
{
    assert_true(fake_registry_sent(&reg, device->link, MSG_INTRODUCED, 0, &any));
    assert_int_equal(any.MSG_ANY_INTRODUCED.status, status);
    assert_int_equal(any.MSG_ANY_INTRODUCED.devices.count, devices);
    return any.MSG_ANY_INTRODUCED;
}

static void
who_consents_is_introduced_with_certificate_and_endpoint(void **state)
{
    struct msg_device_card card;
    struct msg_address address;
    struct msg_cert cert;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    introduce(&alice, 21, "bob");
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    const uint64_t intro = introduction_of(&bob, 0);
    assert_int_equal(msg_cert_open(&cert, any.MSG_ANY_INTRODUCTION.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_int_equal(cert.account, alice.account);
    consent(&bob, intro, true);
    struct msg_introduced introduced = expect_introduced(&alice, MSG_STATUS_ONLINE, 1);
    assert_int_equal(introduced.req, 21);
    assert_int_equal(introduced.account, bob.account);
    expect_text(introduced.name, "Bob");
    assert_true(msg_codec_next(&introduced.devices, MSG_DEVICE_CARD, &card));
    assert_true(card.online);
    assert_int_equal(msg_cert_open(&cert, card.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_memory_equal(cert.transport.at, bob.transport.at, 32);
    assert_true(msg_codec_next(&card.endpoints, MSG_ADDRESS, &address));
    expect_text(address.endpoint, "192.0.2.1:7000");
}

static void
who_refuses_is_not_introduced(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    introduce(&alice, 21, "bob");
    consent(&bob, introduction_of(&bob, 0), false);
    expect_error(alice.link, "refused");
    assert_int_equal(any.MSG_ANY_ERROR.req, 21);
}

static void
somebody_offline_is_introduced_without_endpoints(void **state)
{
    struct msg_device_card card;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    introduce(&alice, 21, "bob");
    struct msg_introduced introduced = expect_introduced(&alice, MSG_STATUS_OFFLINE, 1);
    assert_true(msg_codec_next(&introduced.devices, MSG_DEVICE_CARD, &card));
    assert_false(card.online);
    assert_int_equal(card.endpoints.count, 0);
    assert_true(card.certificate.len > 0);
}

static void
nobody_is_no_such_user(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    introduce(&alice, 21, "nobody");
    expect_error(alice.link, "no-such-user");
}

static void
silence_is_over_after_five_seconds(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    introduce(&alice, 21, "bob");
    const uint64_t intro = introduction_of(&bob, 0);
    fake_registry_pass(&reg, 4900);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    fake_registry_pass(&reg, 200);
    expect_introduced(&alice, MSG_STATUS_OFFLINE, 1);
    consent(&bob, intro, true); /* too late: nothing comes of it */
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 1);
}

static void
of_two_devices_the_one_that_consents_is_told(void **state)
{
    struct msg_device_card card;
    unsigned online = 0;

    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &carol));
    introduce(&alice, 21, "bob");
    consent(&bob, introduction_of(&bob, 0), false);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    consent(&carol, introduction_of(&carol, 0), true);
    struct msg_introduced introduced = expect_introduced(&alice, MSG_STATUS_ONLINE, 2);
    while (msg_codec_next(&introduced.devices, MSG_DEVICE_CARD, &card)) {
        online += card.online;
        assert_int_equal(card.endpoints.count, card.online);
    }
    assert_int_equal(online, 1);
}

static void
a_consent_counts_only_from_the_session_that_was_asked(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &carol));
    introduce(&alice, 21, "bob");
    const uint64_t intro = introduction_of(&bob, 0);
    consent(&carol, intro, true);
    consent(&alice, intro, true);
    consent(&bob, intro + 1, true);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    consent(&bob, intro, true);
    expect_introduced(&alice, MSG_STATUS_ONLINE, 1);
}

/* Bob logs in with that, consents to Alice, and she is told so many endpoints. */
static void
expect_endpoints(uint64_t direct, size_t count)
{
    struct msg_device_card card;

    fake_login(&reg, &bob, (struct fake_login){.port = 7000, .direct = direct});
    fake_registry_clear(&reg);
    introduce(&alice, 21, "bob");
    consent(&bob, introduction_of(&bob, 0), true);
    struct msg_introduced introduced = expect_introduced(&alice, MSG_STATUS_ONLINE, 1);
    assert_true(msg_codec_next(&introduced.devices, MSG_DEVICE_CARD, &card));
    assert_true(card.online);
    assert_int_equal(card.endpoints.count, count);
}

static void
direct_decides_who_is_told_the_endpoints_and_not_who_may_talk(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    expect_endpoints(MSG_DIRECT_NEVER, 0);
    expect_endpoints(MSG_DIRECT_CONTACTS, 0);
    watch(&bob, "alice");
    expect_endpoints(MSG_DIRECT_CONTACTS, 1);
    expect_endpoints(MSG_DIRECT_NEVER, 0);
    expect_endpoints(MSG_DIRECT_ANYONE, 1);
}

static void
one_is_introduced_to_ones_own_other_devices(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    introduce(&alice, 20, "alice");
    expect_introduced(&alice, MSG_STATUS_OFFLINE, 1);
    fake_registry_clear(&reg);
    fake_login(&reg, &carol, (struct fake_login){.port = 7000, .direct = MSG_DIRECT_NEVER});
    introduce(&alice, 21, "alice");
    consent(&carol, introduction_of(&carol, 0), true);
    expect_introduced(&alice, MSG_STATUS_ONLINE, 1);
}

static void
a_device_that_leaves_need_not_be_waited_for(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    introduce(&alice, 21, "bob");
    logout(&bob);
    expect_introduced(&alice, MSG_STATUS_OFFLINE, 1);
}

static void
a_device_that_consented_and_left_is_not_told(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &carol));
    introduce(&alice, 21, "bob");
    consent(&bob, introduction_of(&bob, 0), true);
    logout(&bob);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    consent(&carol, introduction_of(&carol, 0), true);
    struct msg_introduced introduced = expect_introduced(&alice, MSG_STATUS_ONLINE, 2);
    struct msg_device_card card;
    unsigned online = 0;
    while (msg_codec_next(&introduced.devices, MSG_DEVICE_CARD, &card))
        online += card.online;
    assert_int_equal(online, 1);
}

static void
an_asker_who_leaves_takes_the_question_along(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    introduce(&alice, 21, "bob");
    const uint64_t intro = introduction_of(&bob, 0);
    logout(&alice);
    fake_registry_clear(&reg);
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    assert_true(fake_enter(&reg, &carol)); /* takes the slot of alice's session */
    consent(&bob, intro, true);
    fake_registry_pass(&reg, 6000);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    assert_int_equal(fake_registry_sent_count(&reg, carol.link, MSG_INTRODUCED), 0);
}

static void
the_same_question_while_it_waits_is_answered_once(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    introduce(&alice, 21, "bob");
    introduce(&alice, 21, "bob");
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_INTRODUCTION), 1);
}

static void
one_session_waits_for_64_introductions_at_most(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    for (uint64_t i = 1; i <= 64; i++)
        introduce(&alice, i, "bob");
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_ERROR), 0);
    introduce(&alice, 65, "bob");
    expect_error(alice.link, "busy");
    fake_registry_pass(&reg, 6000);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 64);
    introduce(&alice, 66, "bob");
    assert_int_equal(fake_registry_sent_count(&reg, bob.link, MSG_INTRODUCTION), 65);
}

static void
a_consent_said_twice_counts_once(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &carol));
    introduce(&alice, 21, "bob");
    const uint64_t intro = introduction_of(&bob, 0);
    consent(&bob, intro, true);
    consent(&bob, intro, true);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    consent(&carol, intro, false);
    expect_introduced(&alice, MSG_STATUS_ONLINE, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_consents_is_introduced_with_certificate_and_endpoint),
        CASE(who_refuses_is_not_introduced),
        CASE(somebody_offline_is_introduced_without_endpoints),
        CASE(nobody_is_no_such_user),
        CASE(silence_is_over_after_five_seconds),
        CASE(of_two_devices_the_one_that_consents_is_told),
        CASE(a_consent_counts_only_from_the_session_that_was_asked),
        CASE(direct_decides_who_is_told_the_endpoints_and_not_who_may_talk),
        CASE(one_is_introduced_to_ones_own_other_devices),
        CASE(a_device_that_leaves_need_not_be_waited_for),
        CASE(a_device_that_consented_and_left_is_not_told),
        CASE(an_asker_who_leaves_takes_the_question_along),
        CASE(the_same_question_while_it_waits_is_answered_once),
        CASE(one_session_waits_for_64_introductions_at_most),
        CASE(a_consent_said_twice_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
