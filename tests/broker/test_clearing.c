/* Claims about broker/core/clearing: mail that nobody collects ends in an orderly
 * way, and what waits is counted anew at each start. */
#include "tests/broker/post.h"

#define DAY_MS 86400000ull

static void
mail_expires_and_its_sender_is_told(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 7, 100);
    fake_registry_pass(&reg, 30 * DAY_MS - 1000);
    assert_int_equal(post_stored(), 1);
    assert_true(fake_enter(&reg, &alice));
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_RETURNED), 0);
    fake_registry_pass(&reg, DAY_MS); /* it is looked at once a day */
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_registry_sent(&reg, alice.link, MSG_RETURNED, 0, &any));
    assert_int_equal(any.MSG_ANY_RETURNED.account, bob.account);
    assert_int_equal(any.MSG_ANY_RETURNED.device, bob.device);
    assert_int_equal(any.MSG_ANY_RETURNED.run.at[0], 7);
    const uint64_t serial = any.MSG_ANY_RETURNED.serial;
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mails(&bob), 0);
    post_collect(&alice, serial);
    assert_int_equal(post_stored(), 0);
    assert_int_equal(post_waiting(), 0);
}

/* Who misses a key asks for it. */
static void
nobody_is_told_of_keys_that_expire(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_key(&alice, &bob, 21, 7);
    assert_int_equal(post_stored(), 1);
    fake_registry_pass(&reg, 31 * DAY_MS);
    assert_int_equal(post_stored(), 0);
    assert_int_equal(post_waiting(), 0);
}

/* The clock of the machine was wrong, and was put right. */
static void
a_clock_that_is_put_back_expires_nothing(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 7, 100);
    reg.now.wall_ms -= 40 * DAY_MS;
    fake_registry_pass(&reg, 30 * DAY_MS - 1000);
    for (int i = 0; i < 5; i++)
        fake_registry_pass(&reg, DAY_MS);
    assert_int_equal(post_stored(), 1);
}

static void
a_sender_who_is_there_is_told_at_once(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 7, 100);
    fake_registry_pass(&reg, 30 * DAY_MS - 60000);
    assert_true(fake_enter(&reg, &alice));
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_RETURNED), 0);
    for (int i = 0; i < 30; i++) { /* a quarter of an hour */
        fake_say(&reg, &alice, MSG_PING, &ping);
        fake_registry_pass(&reg, 30000);
    }
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_RETURNED), 1);
}

static void
nobody_is_told_when_the_sender_is_gone_and_news_of_it_expire_too(void **state)
{
    const struct msg_done ask = {9};

    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &carol));
    post_one(&alice, &bob, 21, 1, 100);
    post_one(&carol, &bob, 21, 2, 100);
    fake_say(&reg, &carol, MSG_DELETE_ACCOUNT, &ask);
    fake_registry_pass(&reg, 31 * DAY_MS);
    assert_int_equal(post_stored(), 1); /* for Alice */
    fake_registry_pass(&reg, 31 * DAY_MS);
    assert_int_equal(post_stored(), 0);
    assert_int_equal(post_waiting(), 0);
}

static void
many_expire_one_transaction_after_the_other(void **state)
{
    static struct post post;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (uint64_t i = 0; i < 3; i++) {
        post_begin(&post, 21 + i);
        for (uint8_t n = 0; n < 100; n++)
            post_add(&post, &alice, &bob, n, 20);
        fake_say(&reg, &alice, MSG_DEPOSIT, &post.deposit);
    }
    assert_int_equal(post_waiting(), 300);
    fake_registry_pass(&reg, 31 * DAY_MS);
    assert_int_equal(post_stored(), 300);
    assert_true(fake_enter(&reg, &alice));
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_RETURNED), 300);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mails(&bob), 0);
}

static void
what_cannot_be_deleted_is_tried_again(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 1, 100);
    fake_registry_pass(&reg, 29 * DAY_MS);
    reg.full = true;
    fake_registry_pass(&reg, 2 * DAY_MS);
    assert_int_equal(post_stored(), 1);
    assert_int_equal(post_waiting(), 1);
    reg.full = false;
    fake_registry_pass(&reg, DAY_MS);
    assert_true(fake_enter(&reg, &alice));
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_RETURNED), 1);
}

/* Carol's device is a second one of Bob's; somebody mails both. */
static void
enrol_and_mail(void)
{
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    post_one(&alice, &carol, 21, 1, 100);
    post_one(&alice, &bob, 22, 2, 100);
    assert_int_equal(post_stored(), 2);
}

static void
revoke(const struct fake_device *by, uint64_t device)
{
    const struct msg_revoke ask = {9, device};

    fake_say(&reg, by, MSG_REVOKE, &ask);
}

static void
the_mailbox_of_a_revoked_device_is_emptied(void **state)
{
    (void)state;
    enrol_and_mail();
    revoke(&bob, carol.device);
    assert_int_equal(post_stored(), 1);
    assert_int_equal(post_waiting(), 1);
    fake_registry_clear(&reg);
    post_one(&alice, &carol, 23, 3, 100);
    post_expect_refusal(&alice, carol.account, carol.device, "no-such-user");
}

static void
all_mailboxes_of_a_deleted_account_are_emptied(void **state)
{
    const struct msg_done ask = {9};

    (void)state;
    reg.settings.requests_burst = 1000;
    broker_front_core_set(reg.core, &reg.settings);
    enrol_and_mail();
    for (uint64_t i = 0; i < 300; i++)
        post_one(&alice, &carol, 100 + i, 1, 20);
    assert_int_equal(post_stored(), 302); /* more than one transaction deletes */
    fake_say(&reg, &bob, MSG_DELETE_ACCOUNT, &ask);
    assert_int_equal(post_stored(), 0);
    assert_int_equal(post_waiting(), 0);
}

static void
a_deposit_on_its_way_when_the_device_is_revoked_does_not_stay(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    reg.hold_store = true;
    revoke(&bob, carol.device);
    post_one(&alice, &carol, 21, 1, 100);
    fake_registry_commit(&reg);
    post_expect(&alice, 21, 0);
    assert_int_equal(post_stored(), 0);
    assert_int_equal(post_waiting(), 0);
}

static void
a_registry_that_stopped_in_between_empties_it_at_its_next_start(void **state)
{
    struct msg_event stored = {.kind = EVENT_STORED};

    (void)state;
    enrol_and_mail();
    reg.hold_store = true;
    revoke(&bob, carol.device);
    assert_true(fake_store_commit(reg.store, &stored.id));
    fake_registry_crash(&reg);
    assert_int_equal(post_stored(), 2);
    fake_registry_pass(&reg, 1);
    fake_registry_commit(&reg);
    assert_int_equal(post_stored(), 1);
    assert_int_equal(post_waiting(), 1);
}

static void
while_it_counts_members_log_in_and_mail_waits(void **state)
{
    static struct post post;
    uint64_t serial;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (uint64_t i = 0; i < 6; i++) {
        post_begin(&post, 21 + i);
        for (uint8_t n = 0; n < 100; n++)
            post_add(&post, &alice, &bob, (uint8_t)(10 * i), 20);
        fake_say(&reg, &alice, MSG_DEPOSIT, &post.deposit);
    }
    broker_front_core_destroy(&reg.core);
    const struct broker_view view = fake_store_view(reg.store);
    const struct msg_event start = {.kind = EVENT_START};
    reg.core = broker_front_core_new(&reg.settings, &view);
    assert_non_null(reg.core);
    fake_registry_clear(&reg);
    reg.hold_store = true; /* each step counts a piece: none but these */
    fake_registry_step(&reg, &start);
    struct msg_event stored = {.kind = EVENT_STORED};
    assert_true(fake_store_commit(reg.store, &stored.id));
    fake_registry_step(&reg, &stored);
    assert_int_equal(post_waiting(), 256);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_waiting(), 512);
    assert_int_equal(post_mails(&bob), 0);
    assert_int_equal(reg.wake_ms, reg.now.mono_ms);
    fake_registry_pass(&reg, 1);
    assert_int_equal(post_waiting(), 600);
    assert_true(post_mails(&bob) > 100);
    assert_int_equal(post_mail(&bob, 0, &serial), 0);
}

static void
what_is_deposited_while_it_counts_is_busy(void **state)
{
    static struct post post;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (uint64_t i = 0; i < 12; i++) {
        post_begin(&post, 21 + i);
        for (uint8_t n = 0; n < 100; n++)
            post_add(&post, &alice, &bob, n, 20);
        fake_say(&reg, &alice, MSG_DEPOSIT, &post.deposit);
    }
    fake_registry_crash(&reg); /* START, and its block is stored */
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 50, 1, 20);
    expect_error(alice.link, "busy");
    assert_true(post_waiting() < 1200);
    fake_registry_pass(&reg, 1);
    assert_int_equal(post_waiting(), 1200);
    fake_registry_clear(&reg);
    post_one(&alice, &bob, 51, 1, 20);
    post_expect(&alice, 51, 0);
}

/* What those who watch are told of the oldest letter. */
static uint64_t
oldest_ms(void)
{
    struct broker_front_gauges gauges;

    broker_front_core_gauges(reg.core, reg.now, &gauges);
    return gauges.mail_oldest_ms;
}

static void
the_age_of_the_oldest_letter_is_known_as_they_come_and_go(void **state)
{
    uint64_t first, second;

    (void)state;
    assert_int_equal(oldest_ms(), 0);
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 1, 100);
    fake_registry_pass(&reg, 5000);
    post_one(&alice, &bob, 22, 2, 100);
    fake_registry_pass(&reg, 1000);
    assert_int_equal(oldest_ms(), 6000);
    fake_registry_crash(&reg);
    fake_registry_pass(&reg, 100);
    assert_int_equal(oldest_ms(), 6100); /* through a restart */
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mail(&bob, 0, &first), 1);
    assert_int_equal(post_mail(&bob, 1, &second), 2);
    post_collect(&bob, first);
    assert_int_equal(oldest_ms(), 1100);
    post_collect(&bob, second);
    assert_int_equal(oldest_ms(), 0);
}

static void
what_could_not_be_deleted_keeps_its_age(void **state)
{
    uint64_t first;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 1, 100);
    fake_registry_pass(&reg, 5000);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mail(&bob, 0, &first), 1);
    reg.full = true;
    post_collect(&bob, first);
    reg.full = false;
    assert_int_equal(oldest_ms(), 5000);
}

static void
after_some_expired_the_oldest_is_the_next(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 1, 100);
    fake_registry_pass(&reg, 2 * DAY_MS);
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 22, 2, 100);
    fake_registry_pass(&reg, 29 * DAY_MS);
    assert_int_equal(oldest_ms(), 29 * DAY_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(mail_expires_and_its_sender_is_told),
        CASE(nobody_is_told_of_keys_that_expire),
        CASE(the_age_of_the_oldest_letter_is_known_as_they_come_and_go),
        CASE(what_could_not_be_deleted_keeps_its_age),
        CASE(after_some_expired_the_oldest_is_the_next),
        CASE(a_clock_that_is_put_back_expires_nothing),
        CASE(a_sender_who_is_there_is_told_at_once),
        CASE(nobody_is_told_when_the_sender_is_gone_and_news_of_it_expire_too),
        CASE(many_expire_one_transaction_after_the_other),
        CASE(what_cannot_be_deleted_is_tried_again),
        CASE(the_mailbox_of_a_revoked_device_is_emptied),
        CASE(all_mailboxes_of_a_deleted_account_are_emptied),
        CASE(a_deposit_on_its_way_when_the_device_is_revoked_does_not_stay),
        CASE(a_registry_that_stopped_in_between_empties_it_at_its_next_start),
        CASE(while_it_counts_members_log_in_and_mail_waits),
        CASE(what_is_deposited_while_it_counts_is_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
