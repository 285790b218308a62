/* Claims about broker/core/mailing: what was acknowledged reaches its device, in
 * order and through restarts, until the device has it; limits hold. */
#include "tests/broker/post.h"

static void
mail_for_a_device_that_is_away_is_pushed_when_it_logs_in(void **state)
{
    struct msg_cert cert;
    uint64_t serial, later;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 1, 100);
    post_expect(&alice, 21, 0);
    post_one(&alice, &bob, 22, 2, 100);
    assert_int_equal(post_mails(&bob), 0);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mails(&bob), 2);
    assert_int_equal(post_mail(&bob, 0, &serial), 1);
    assert_int_equal(any.MSG_ANY_MAIL.account, alice.account);
    assert_int_equal(any.MSG_ANY_MAIL.device, alice.device);
    assert_int_equal(any.MSG_ANY_MAIL.posted_ms, reg.now.wall_ms);
    assert_int_equal(msg_cert_open(&cert, any.MSG_ANY_MAIL.certificate, &reg.vault.pub), CONCLAVE_OK);
    assert_memory_equal(cert.transport.at, alice.transport.at, 32);
    assert_int_equal(post_mail(&bob, 1, &later), 2);
    assert_true(later > serial);
    /* WELCOME comes first. */
    assert_true(fake_registry_sent(&reg, bob.link, MSG_KIND_NONE, 0, &any));
    assert_int_equal(any.MSG_ANY_WELCOME.device, bob.device);
}

static void
nothing_is_acknowledged_or_pushed_before_it_is_on_disk(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    reg.hold_store = true;
    post_one(&alice, &bob, 21, 1, 100);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DEPOSITED), 0);
    assert_int_equal(post_mails(&bob), 0);
    fake_registry_commit(&reg);
    post_expect(&alice, 21, 0);
    assert_int_equal(post_mails(&bob), 1);
}

static void
mail_stays_until_it_is_collected_and_through_restarts(void **state)
{
    uint64_t serial, again, third;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 1, 100);
    post_one(&alice, &bob, 22, 2, 100);
    fake_registry_crash(&reg);
    assert_int_equal(post_waiting(), 2);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mail(&bob, 0, &serial), 1);
    post_collect(&bob, serial);
    assert_int_equal(post_stored(), 1);
    fake_registry_crash(&reg);
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 23, 3, 100);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mails(&bob), 2);
    assert_int_equal(post_mail(&bob, 0, &again), 2);
    assert_int_equal(post_mail(&bob, 1, &third), 3);
    assert_true(serial < again && again < third);
    post_collect(&bob, third);
    assert_int_equal(post_stored(), 0);
    assert_int_equal(post_waiting(), 0);
}

static void
a_new_connection_gets_all_that_is_not_collected_again(void **state)
{
    uint64_t serial;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    post_one(&alice, &bob, 21, 1, 100);
    post_one(&alice, &bob, 22, 2, 100);
    (void)post_mail(&bob, 0, &serial);
    post_collect(&bob, serial);
    bob.link = 902; /* dials anew */
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mails(&bob), 1);
    assert_int_equal(post_mail(&bob, 0, &serial), 2);
    /* LOGIN again over the same connection is no new session. */
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mails(&bob), 1);
}

static void
what_was_not_pushed_cannot_be_collected(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    for (uint64_t i = 0; i < 6; i++)
        post_one(&alice, &bob, 21 + i, (uint8_t)i, 60000);
    assert_int_equal(post_mails(&bob), 4); /* the window */
    post_collect(&bob, UINT64_MAX);
    assert_int_equal(post_mails(&bob), 6);
    assert_int_equal(post_stored(), 2);
}

static void
collecting_opens_the_window_and_costs_nothing_twice(void **state)
{
    uint64_t serial, first;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (uint64_t i = 0; i < 6; i++)
        post_one(&alice, &bob, 21 + i, (uint8_t)i, 60000);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mails(&bob), 4);
    (void)post_mail(&bob, 0, &first);
    post_collect(&bob, first);
    assert_int_equal(post_mails(&bob), 5);
    assert_int_equal(post_mail(&bob, 4, &serial), 4);
    reg.hold_store = true;
    post_collect(&bob, first);
    assert_int_equal(fake_store_pending(reg.store), 0);
    post_collect(&bob, serial);
    assert_int_equal(fake_store_pending(reg.store), 1);
    post_collect(&bob, serial);
    assert_int_equal(fake_store_pending(reg.store), 1);
    fake_registry_commit(&reg);
    assert_int_equal(post_stored(), 1);
    assert_int_equal(post_waiting(), 1);
}

static void
several_parcels_are_one_transaction_and_the_refused_stand_apart(void **state)
{
    static struct post post;
    struct fake_device nobody = {.account = 77, .device = 1};

    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &alice));
    reg.hold_store = true;
    post_begin(&post, 21);
    post_add(&post, &alice, &bob, 1, 100);
    post_add(&post, &alice, &nobody, 2, 100);
    post_add(&post, &alice, &carol, 3, 100);
    fake_say(&reg, &alice, MSG_DEPOSIT, &post.deposit);
    assert_int_equal(fake_store_pending(reg.store), 1);
    fake_registry_commit(&reg);
    post_expect(&alice, 21, 1);
    post_expect_refusal(&alice, 77, 1, "no-such-user");
    assert_int_equal(post_stored(), 2);
}

static void
a_parcel_must_be_what_it_says(void **state)
{
    static struct post post;
    static uint8_t copy[POST_FRAMES_MAX];

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    /* from somebody else; to somebody else; cut off; with more behind it */
    struct msg_span frames = post_frames(&bob, bob.account, bob.device, 1, 20);
    for (int i = 0; i < 4; i++) {
        fake_registry_clear(&reg);
        post_begin(&post, 30);
        post_add_frames(&post, bob.account, bob.device, frames);
        fake_say(&reg, &alice, MSG_DEPOSIT, &post.deposit);
        post_expect_refusal(&alice, bob.account, bob.device, "bad-arguments");
        frames = post_frames(&alice, i == 0 ? alice.account : bob.account, bob.device, 1, 20);
        frames.len -= i == 1;
        memcpy(copy, frames.at, frames.len);
        copy[frames.len] = 0;
        if (i == 2)
            frames = msg_span(copy, frames.len + 1);
    }
    assert_int_equal(post_stored(), 0);
}

/* Each number in a RUN is the one that it is here; both frames are of one run. */
static void
a_parcel_names_its_devices_and_one_run(void **state)
{
    static struct post post;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    struct fake_device sender = alice;
    for (int i = 0; i < 5; i++) {
        sender.account = alice.account + (i == 0);
        sender.device = alice.device + (i == 1);
        const struct msg_span frames = post_frames(&sender, bob.account + (i == 2), bob.device + (i == 3), 1, 20);
        union msg_any first;
        enum msg_kind kind;
        struct msg_span rest = frames;
        assert_int_equal(msg_codec_next_frame(&rest, &kind, &first), CONCLAVE_OK);
        if (i == 4) { /* the run that SEALED names; it begins with the tag, 16 times */
            uint8_t *const at = memmem(rest.at, rest.len, "\1\1\1\1\1\1\1\1", 8);
            assert_non_null(at);
            *at = 2;
        }
        fake_registry_clear(&reg);
        post_begin(&post, 30);
        post_add_frames(&post, bob.account, bob.device, frames);
        fake_say(&reg, &alice, MSG_DEPOSIT, &post.deposit);
        post_expect_refusal(&alice, bob.account, bob.device, "bad-arguments");
    }
    assert_int_equal(post_stored(), 0);
}

static void
a_device_gets_its_own_mail_and_not_the_next_one_s(void **state)
{
    struct fake_device phone;

    (void)state;
    fake_device_init(&phone, 104);
    assert_true(fake_admit(&reg, &phone, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &phone, 21, 1, 20);
    post_one(&alice, &bob, 22, 1, 20);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mails(&bob), 1);
    assert_true(fake_enter(&reg, &phone));
    assert_int_equal(post_mails(&phone), 1);
}

static void
the_fullest_batch_fits_into_a_mail(void **state)
{
    uint64_t serial;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 9, MSG_BATCH_MAX + 16);
    post_expect(&alice, 21, 0);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mail(&bob, 0, &serial), 9);
}

static void
the_same_deposit_while_it_waits_is_stored_and_answered_once(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    reg.hold_store = true;
    post_one(&alice, &bob, 21, 1, 100);
    post_one(&alice, &bob, 22, 2, 100);
    post_one(&alice, &bob, 21, 1, 100);
    fake_registry_commit(&reg);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DEPOSITED), 2);
    assert_int_equal(post_stored(), 2);
}

static void
a_full_disk_refuses_and_gives_the_quota_back(void **state)
{
    uint64_t serial;

    (void)state;
    reg.settings.mail.device_messages = 1;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    reg.full = true;
    post_one(&alice, &bob, 21, 1, 100);
    post_expect_refusal(&alice, bob.account, bob.device, "store-full");
    assert_int_equal(post_waiting(), 0);
    reg.full = false;
    fake_registry_clear(&reg);
    post_one(&alice, &bob, 22, 2, 100);
    post_expect(&alice, 22, 0);
    /* What could not be deleted counts on, and comes again. */
    (void)post_mail(&bob, 0, &serial);
    reg.full = true;
    post_collect(&bob, serial);
    reg.full = false;
    assert_int_equal(post_waiting(), 1);
    fake_registry_clear(&reg);
    logout(&bob);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mail(&bob, 0, &serial), 2);
    post_collect(&bob, serial);
    assert_int_equal(post_stored(), 0);
    assert_int_equal(post_waiting(), 0);
}

static void
serials_grow_over_a_restart_whose_block_was_never_stored(void **state)
{
    uint64_t first, second;

    (void)state;
    reg.full = true;
    fake_registry_crash(&reg); /* the block of numbers is refused */
    reg.full = false;
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 21, 1, 100);
    fake_registry_crash(&reg);
    assert_true(fake_enter(&reg, &alice));
    post_one(&alice, &bob, 22, 2, 100);
    assert_int_equal(post_stored(), 2);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(post_mail(&bob, 0, &first), 1);
    assert_int_equal(post_mail(&bob, 1, &second), 2);
    assert_true(first < second);
}

static void
a_connection_that_lost_mail_is_cut(void **state)
{
    const struct msg_event full = {.kind = EVENT_FULL, .link = bob.link};
    const struct msg_event other = {.kind = EVENT_FULL, .link = alice.link};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    post_one(&alice, &bob, 21, 1, 100);
    fake_registry_step(&reg, &other);
    assert_false(fake_registry_dropped(&reg, alice.link)); /* nothing of it is mail */
    fake_registry_step(&reg, &full);
    assert_true(fake_registry_dropped(&reg, bob.link));
    post_collect(&bob, UINT64_MAX);
    assert_int_equal(post_stored(), 1);
}

static void
a_flood_is_refused_and_counted(void **state)
{
    struct broker_front_counts counts;
    uint64_t answered;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (uint64_t i = 0; i < 40; i++)
        post_one(&alice, &bob, 21 + i, 1, 60000);
    answered = fake_registry_sent_count(&reg, alice.link, MSG_DEPOSITED);
    assert_true(answered >= 16 && answered < 20);
    expect_error(alice.link, "busy");
    assert_true(any.MSG_ANY_ERROR.retry_ms > 0);
    broker_front_core_counts(reg.core, &counts);
    assert_int_equal(counts.refused, 40 - answered);
    fake_registry_pass(&reg, 1000);
    fake_registry_clear(&reg);
    post_one(&alice, &bob, 90, 1, 60000);
    post_expect(&alice, 90, 0);
}

static void
as_many_deposits_as_the_disk_takes_together_are_under_way_at_once(void **state)
{
    (void)state;
    reg.settings.requests_burst = 100000;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "correct horse"));
    reg.hold_store = true;
    for (uint64_t i = 0; i < 256; i++)
        post_one(&alice, &bob, 21 + i, 1, 20);
    assert_int_equal(fake_store_pending(reg.store), 256);
    post_one(&alice, &bob, 900, 1, 20); /* one more than a session may have */
    expect_error(alice.link, "busy");
    /* Log-ins go on beside them. */
    fake_registry_commit(&reg);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DEPOSITED), 256);
    fake_registry_clear(&reg);
    post_one(&alice, &bob, 900, 1, 20);
    fake_registry_commit(&reg);
    post_expect(&alice, 900, 0);
}

static void
an_answer_goes_to_the_session_that_asked_and_to_no_later_one(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    reg.hold_store = true;
    post_one(&alice, &bob, 21, 1, 100);
    const uint64_t old = alice.link;
    alice.link = 901;
    fake_login(&reg, &alice, (struct fake_login){.port = 7000});
    post_one(&alice, &bob, 21, 1, 100); /* asked again over the new one */
    fake_registry_commit(&reg);
    assert_int_equal(fake_registry_sent_count(&reg, old, MSG_DEPOSITED), 0);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DEPOSITED), 1);
    assert_int_equal(post_stored(), 2); /* Bob passes the second over */
}

static void
nor_to_one_that_follows_over_the_same_connection(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    reg.hold_store = true;
    post_one(&alice, &bob, 21, 1, 100);
    logout(&alice);
    fake_login(&reg, &alice, (struct fake_login){.port = 7000});
    fake_registry_commit(&reg);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DEPOSITED), 0);
    post_one(&alice, &bob, 22, 2, 100);
    fake_registry_commit(&reg);
    post_expect(&alice, 22, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(mail_for_a_device_that_is_away_is_pushed_when_it_logs_in),
        CASE(nothing_is_acknowledged_or_pushed_before_it_is_on_disk),
        CASE(mail_stays_until_it_is_collected_and_through_restarts),
        CASE(a_new_connection_gets_all_that_is_not_collected_again),
        CASE(what_was_not_pushed_cannot_be_collected),
        CASE(collecting_opens_the_window_and_costs_nothing_twice),
        CASE(several_parcels_are_one_transaction_and_the_refused_stand_apart),
        CASE(a_parcel_must_be_what_it_says),
        CASE(a_parcel_names_its_devices_and_one_run),
        CASE(a_device_gets_its_own_mail_and_not_the_next_one_s),
        CASE(the_fullest_batch_fits_into_a_mail),
        CASE(the_same_deposit_while_it_waits_is_stored_and_answered_once),
        CASE(a_full_disk_refuses_and_gives_the_quota_back),
        CASE(serials_grow_over_a_restart_whose_block_was_never_stored),
        CASE(a_connection_that_lost_mail_is_cut),
        CASE(a_flood_is_refused_and_counted),
        CASE(as_many_deposits_as_the_disk_takes_together_are_under_way_at_once),
        CASE(an_answer_goes_to_the_session_that_asked_and_to_no_later_one),
        CASE(nor_to_one_that_follows_over_the_same_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
