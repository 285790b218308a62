/* Proves peer/core/people.c: whom an introduction makes known, and as what. */
#include "tests/peer/pair.h"

/* Somebody wants to dial Ada, says the registry; does she consent? */
static bool
is_admitted(uint64_t intro)
{
    const struct pair_side *const bob = &pair.side[BOB];
    const struct msg_introduction introduction = {intro, msg_span(bob->cert, bob->cert_len)};
    pair_registry_says(ADA, MSG_INTRODUCTION, &introduction);
    assert_int_equal(pair.side[ADA].asked.kind, MSG_CONSENT);
    assert_int_equal(pair.side[ADA].asked.any.MSG_ANY_CONSENT.intro, intro);
    return pair.side[ADA].asked.any.MSG_ANY_CONSENT.yes;
}

/* Logged out and forgotten, and enrolled again by the same home: another
 * number with the same keys.  Were both of them there, a link of that key would
 * be taken for the first, and its greeting refused. */
static void
who_enrolled_again_under_another_number_is_heard_and_the_old_device_is_gone(void **state)
{
    (void)state;
    pair_say(ADA, 1, "to the old one");
    pair_settle();
    pair_cut();
    pair_say(ADA, 2, "to whom it may concern");
    pair_commit(ADA);
    pair_welcome(ADA);
    peer_core_destroy(&pair.side[BOB].core);
    pair_certify(BOB, 2, 20);
    pair.bob_dials = true;
    pair_start(BOB, 0);
    assert_true(is_admitted(1));
    pair_say(BOB, 1, "it is me");
    pair_settle();
    assert_int_equal(pair_count(ADA, MSG_TELL_MESSAGE), 1);
    assert_int_equal(pair_count(BOB, MSG_TELL_MESSAGE), 1);
    assert_true(msg_text_equal(pair_told(BOB, MSG_TELL_MESSAGE, 0)->MSG_ANY_TELL_MESSAGE.text,
                               msg_text("to whom it may concern")));
    assert_int_equal(pair_ticks(ADA, MSG_TICK_DELIVERED), 2);
}

static void
an_older_certificate_of_a_key_that_is_known_is_refused(void **state)
{
    (void)state;
    pair_welcome(ADA);
    pair_certify(BOB, 3, 5); /* the number that it had before, and a registry that is late */
    assert_false(is_admitted(1));
    pair_certify(BOB, 1, 12);
    assert_true(is_admitted(2));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            who_enrolled_again_under_another_number_is_heard_and_the_old_device_is_gone,
            pair_set_up, pair_tear_down),
        cmocka_unit_test_setup_teardown(an_older_certificate_of_a_key_that_is_known_is_refused,
                                        pair_set_up, pair_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
