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

/* Two of each: as many as there may be. */
static void
fill(void)
{
    for (uint8_t i = 0; i < 2; i++) {
        post_key(&alice, &bob, 21 + i, i);
        fake_registry_clear(&reg);
        post_one(&alice, &bob, 23 + i, i, 20);
        post_expect(&alice, 23 + i, 0);
    }
}

static void
expect_full(uint64_t req)
{
    struct msg_refusal refusal;

    for (int rooms = 0; rooms < 2; rooms++) {
        fake_registry_clear(&reg);
        if (rooms)
            post_key(&alice, &bob, req, 5);
        else
            post_one(&alice, &bob, req, 5, 20);
        post_expect_refusal(&alice, bob.account, bob.device, "quota-exceeded");
        assert_true(fake_registry_sent(&reg, alice.link, MSG_DEPOSITED, 0, &any));
        assert_true(msg_codec_next(&any.MSG_ANY_DEPOSITED.refused, MSG_REFUSAL, &refusal));
        assert_int_equal(refusal.rooms, rooms);
    }
}

/* Somebody who is away from busy rooms has many keys waiting. */
static void
what_is_for_rooms_takes_no_place_of_what_people_say(void **state)
{
    uint64_t *const limits[] = {&reg.settings.mail.device_messages, &reg.settings.mail.sender_messages,
                                &reg.settings.mail.account_messages};
    uint64_t serial;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const uint64_t was = *limits[i];
        *limits[i] = 2;
        broker_front_core_set(reg.core, &reg.settings);
        assert_true(fake_enter(&reg, &alice));
        fill();
        expect_full(30);
        fake_registry_crash(&reg); /* the counts survive it */
        assert_true(fake_enter(&reg, &alice));
        expect_full(31);
        assert_true(fake_enter(&reg, &bob));
        assert_int_equal(post_mails(&bob), 4);
        (void)post_mail(&bob, 3, &serial);
        post_collect(&bob, serial); /* and all of it is free again */
        fake_registry_crash(&reg); /* he is away again */
        assert_int_equal(post_waiting(), 0);
        *limits[i] = was;
    }
}

static void
a_refusal_of_what_is_for_rooms_is_for_that_alone(void **state)
{
    static struct post post;

    (void)state;
    reg.settings.mail.device_messages = 2;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_enter(&reg, &alice));
    post_begin(&post, 21);
    for (uint8_t i = 0; i < 3; i++)
        post_add_key(&post, &alice, &bob, i);
    post_add(&post, &alice, &bob, 7, 20);
    fake_say(&reg, &alice, MSG_DEPOSIT, &post.deposit);
    post_expect_refusal(&alice, bob.account, bob.device, "quota-exceeded");
    assert_int_equal(post_stored(), 1);
    assert_int_equal(post_waiting(), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(quotas_hold_for_the_mailbox_and_for_the_sender_and_are_given_back),
        CASE(one_sender_cannot_fill_a_mailbox_for_the_others),
        CASE(a_refusal_names_a_device_and_is_for_all_its_parcels),
        CASE(what_is_for_rooms_takes_no_place_of_what_people_say),
        CASE(a_refusal_of_what_is_for_rooms_is_for_that_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
