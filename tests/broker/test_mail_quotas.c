/* Claims about the limits of mail: what a mailbox, a sender and an account may
 * have in it, and what is said of the rest. */
#include "tests/broker/post.h"

static void
quotas_hold_for_the_mailbox_and_for_the_sender_and_are_given_back(void **state)
{
    uint64_t serial;

    (void)state;
    reg.settings.mail.device_messages = 3;
    reg.settings.mail.account_messages = 4;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    for (uint64_t i = 0; i < 3; i++)
        post_one(&alice, &bob, 21 + i, 1, 20);
    fake_registry_clear(&reg);
    post_one(&alice, &bob, 30, 1, 20);
    post_expect_refusal(&alice, bob.account, bob.device, "quota-exceeded");
    fake_registry_clear(&reg);
    post_one(&alice, &carol, 31, 1, 20);
    post_expect(&alice, 31, 0);
    fake_registry_clear(&reg);
    post_one(&alice, &carol, 32, 1, 20);
    post_expect_refusal(&alice, carol.account, carol.device, "quota-exceeded");
    /* The count survives a restart, and what is collected is free again. */
    fake_registry_crash(&reg);
    assert_true(fake_enter(&reg, &alice));
    fake_registry_clear(&reg);
    post_one(&alice, &carol, 33, 1, 20);
    post_expect_refusal(&alice, carol.account, carol.device, "quota-exceeded");
    assert_true(fake_enter(&reg, &bob));
    (void)post_mail(&bob, 0, &serial);
    post_collect(&bob, serial);
    fake_registry_clear(&reg);
    post_one(&alice, &carol, 34, 1, 20);
    post_expect(&alice, 34, 0);
}

static void
one_sender_cannot_fill_a_mailbox_for_the_others(void **state)
{
    uint64_t serial;

    (void)state;
    reg.settings.mail.sender_messages = 2;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &carol));
    for (uint64_t i = 0; i < 2; i++)
        post_one(&alice, &bob, 21 + i, 1, 20);
    for (int i = 0; i < 2; i++) { /* the count survives a restart */
        fake_registry_clear(&reg);
        post_one(&alice, &bob, 30, 1, 20);
        post_expect_refusal(&alice, bob.account, bob.device, "quota-exceeded");
        fake_registry_crash(&reg);
        assert_true(fake_enter(&reg, &alice));
        assert_true(fake_enter(&reg, &carol));
    }
    fake_registry_clear(&reg);
    post_one(&carol, &bob, 31, 2, 20);
    post_expect(&carol, 31, 0);
    post_one(&alice, &carol, 32, 3, 20); /* for others she has room */
    post_expect(&alice, 32, 0);
    /* What Bob collects is free again. */
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mails(&bob), 3);
    (void)post_mail(&bob, 0, &serial);
    post_collect(&bob, serial);
    fake_registry_clear(&reg);
    post_one(&alice, &bob, 33, 1, 20);
    post_expect(&alice, 33, 0);
    fake_registry_clear(&reg);
    post_one(&alice, &bob, 34, 1, 20);
    post_expect_refusal(&alice, bob.account, bob.device, "quota-exceeded");
}

static void
a_refusal_names_a_device_and_is_for_all_its_parcels(void **state)
{
    static struct post post;

    (void)state;
    reg.settings.mail.device_messages = 2;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_enter(&reg, &alice));
    post_begin(&post, 21);
    for (uint8_t i = 0; i < 3; i++)
        post_add(&post, &alice, &bob, i, 20);
    fake_say(&reg, &alice, MSG_DEPOSIT, &post.deposit);
    post_expect_refusal(&alice, bob.account, bob.device, "quota-exceeded");
    assert_int_equal(post_stored(), 0);
    assert_int_equal(post_waiting(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(quotas_hold_for_the_mailbox_and_for_the_sender_and_are_given_back),
        CASE(one_sender_cannot_fill_a_mailbox_for_the_others),
        CASE(a_refusal_names_a_device_and_is_for_all_its_parcels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
