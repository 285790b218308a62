/* Claims about broker/core/renewing: whoever asks for devices that are away gets
 * certificates that are good for a day, and nobody waits for more. */
#include "tests/broker/world.h"

#define HOUR_MS 3600000ull

static void
introduce(const struct fake_device *device, uint64_t req)
{
    const struct msg_search ask = {req, msg_text("bob")};

    fake_say(&reg, device, MSG_INTRODUCE, &ask);
}

/* The certificate of the n-th card in the first INTRODUCED. */
static struct msg_cert
introduced(const struct fake_device *device, uint64_t req, size_t n)
{
    struct msg_device_card card = {0};
    struct msg_cert cert;

    assert_true(fake_registry_sent(&reg, device->link, MSG_INTRODUCED, 0, &any));
    assert_int_equal(any.MSG_ANY_INTRODUCED.req, req);
    for (size_t i = 0; i <= n; i++)
        assert_true(msg_codec_next(&any.MSG_ANY_INTRODUCED.devices, MSG_DEVICE_CARD, &card));
    assert_int_equal(msg_cert_open(&cert, card.certificate, &reg.vault.pub), CONCLAVE_OK);
    return cert;
}

/* Hours after Bob enrolled, Alice is there, and nothing was signed yet. */
static void
hours_later(uint64_t hours)
{
    fake_registry_pass(&reg, hours * HOUR_MS);
    assert_true(fake_enter(&reg, &alice));
    fake_registry_clear(&reg);
    reg.vault.signs = 0;
}

static void
a_certificate_with_less_than_a_day_is_made_anew_when_somebody_asks(void **state)
{
    (void)state;
    hours_later(60); /* it is not valid any more */
    introduce(&alice, 21);
    struct msg_cert cert = introduced(&alice, 21, 0);
    assert_int_equal(cert.not_after_ms, reg.now.wall_ms + MSG_CERT_LIFE_MS);
    assert_memory_equal(cert.transport.at, bob.transport.at, 32);
    assert_memory_equal(cert.mail.at, bob.mail.at, 32);
    assert_int_equal(reg.vault.signs, 1);
    /* It is on disk, and serves the next one and the device itself. */
    fake_registry_crash(&reg);
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &alice));
    introduce(&alice, 22);
    assert_int_equal(introduced(&alice, 22, 0).serial, cert.serial);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(reg.vault.signs, 1);
}

static void
a_certificate_that_is_good_for_a_day_stays(void **state)
{
    (void)state;
    hours_later(23);
    introduce(&alice, 21);
    (void)introduced(&alice, 21, 0);
    assert_int_equal(reg.vault.signs, 0);
}

static void
all_devices_of_the_account_are_renewed_but_for_revoked_ones(void **state)
{
    struct fake_device third;
    const struct msg_revoke revoke = {9, 0};
    struct msg_revoke ask = revoke;

    (void)state;
    fake_device_init(&third, 104);
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_admit(&reg, &third, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &bob));
    ask.device = carol.device;
    fake_say(&reg, &bob, MSG_REVOKE, &ask);
    hours_later(30);
    introduce(&alice, 21);
    assert_int_equal(introduced(&alice, 21, 0).device, bob.device);
    assert_int_equal(introduced(&alice, 21, 1).device, third.device);
    assert_int_equal(any.MSG_ANY_INTRODUCED.devices.count, 0); /* that was all */
    assert_int_equal(reg.vault.signs, 2);
}

static void
one_certificate_that_is_asked_for_is_made_anew_too(void **state)
{
    struct msg_card card;
    struct msg_cert cert;

    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "alice", "correct horse"));
    hours_later(30);
    const struct msg_card_of ask = {21, alice.account, carol.device};
    fake_say(&reg, &alice, MSG_CARD_OF, &ask);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_CARDS, 0, &any));
    assert_int_equal(any.MSG_ANY_CARDS.req, 21);
    assert_true(msg_codec_next(&any.MSG_ANY_CARDS.cards, MSG_CARD, &card));
    assert_int_equal(msg_cert_open(&cert, card.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_int_equal(cert.device, carol.device);
    assert_int_equal(cert.not_after_ms, reg.now.wall_ms + MSG_CERT_LIFE_MS);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_CARDS), 1);
}

static void
several_who_ask_wait_for_the_same_certificates(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    hours_later(30);
    assert_true(fake_enter(&reg, &carol));
    reg.vault.signs = 0;
    reg.hold_store = true;
    introduce(&alice, 21);
    introduce(&alice, 21); /* asked again */
    introduce(&carol, 22);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    fake_registry_commit(&reg);
    assert_int_equal(introduced(&alice, 21, 0).serial, introduced(&carol, 22, 0).serial);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 1);
    assert_int_equal(reg.vault.signs, 1);
}

static void
without_vault_or_disk_the_old_ones_are_told(void **state)
{
    (void)state;
    hours_later(30);
    reg.full = true;
    introduce(&alice, 21);
    assert_true(introduced(&alice, 21, 0).not_after_ms < reg.now.wall_ms + MSG_CERT_RENEW_MS);
    reg.full = false;
    reg.hold_vault = true;
    fake_registry_clear(&reg);
    introduce(&alice, 22);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    fake_registry_pass(&reg, 25000);
    (void)introduced(&alice, 22, 0);
}

static void
an_asker_who_left_is_not_answered(void **state)
{
    (void)state;
    hours_later(30);
    reg.hold_store = true;
    introduce(&alice, 21);
    logout(&alice);
    fake_login(&reg, &alice, (struct fake_login){.port = 7000});
    fake_registry_commit(&reg);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_INTRODUCED), 0);
    introduce(&alice, 22);
    (void)introduced(&alice, 22, 0); /* the certificate was made all the same */
    assert_int_equal(reg.vault.signs, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_certificate_with_less_than_a_day_is_made_anew_when_somebody_asks),
        CASE(a_certificate_that_is_good_for_a_day_stays),
        CASE(all_devices_of_the_account_are_renewed_but_for_revoked_ones),
        CASE(one_certificate_that_is_asked_for_is_made_anew_too),
        CASE(several_who_ask_wait_for_the_same_certificates),
        CASE(without_vault_or_disk_the_old_ones_are_told),
        CASE(an_asker_who_left_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
