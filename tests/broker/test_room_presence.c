/* Claims about broker/rooms/room_presence: who is told of whom that they are there. */
#include "broker/core/front_state.h"
#include "tests/broker/posts_world.h"

/* What the device was told, in its order, such as "2+ 3- ", with the accounts'
 * numbers; "!" stands behind a complete list. */
static const char *
told(const struct fake_device *device)
{
    static char text[1024];
    static const char signs[] = {'-', '+', '~'};
    struct msg_present one;
    size_t len = 0;

    text[0] = '\0';
    for (size_t n = 0; fake_registry_sent(&reg, device->link, MSG_ROOM_PRESENCE, n, &any); n++) {
        struct msg_list people = any.MSG_ANY_ROOM_PRESENCE.people;
        const bool complete = any.MSG_ANY_ROOM_PRESENCE.complete;
        while (msg_codec_next(&people, MSG_PRESENT, &one))
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%c ",
                                    one.account == alice.account ? "alice"
                                    : one.account == bob.account ? "bob"
                                    : one.account == carol.account ? "carol" : "?",
                                    signs[one.status]);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", complete ? "! " : "");
    }
    return text;
}

/* The number of members, as if so many were in it: accounts that nobody has. */
static void
crowd(uint64_t members)
{
    reg.core->rooms.list[0].rules.members = members;
}

static void
who_comes_and_goes_is_told_to_the_room_soon_and_once(void **state)
{
    (void)state;
    fake_registry_down(&reg, bob.link);
    assert_string_equal(told(&alice), "");
    fake_registry_pass(&reg, 1100);
    assert_string_equal(told(&alice), "bob- ");
    assert_string_equal(told(&carol), "bob- ");
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, 1100);
    assert_string_equal(told(&alice), "bob+ ");
    fake_registry_pass(&reg, 10000);
    assert_string_equal(told(&carol), "bob+ ");
}

static void
somebody_who_is_away_is_told_as_that(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_AWAY};

    (void)state;
    fake_say(&reg, &bob, MSG_PING, &ping);
    fake_registry_pass(&reg, 1100);
    assert_string_equal(told(&alice), "bob~ ");
}

static void
coming_and_going_within_the_gather_time_tells_nothing(void **state)
{
    (void)state;
    fake_registry_down(&reg, bob.link);
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, 2000);
    assert_string_equal(told(&alice), "");
}

static void
what_changes_together_is_one_message(void **state)
{
    (void)state;
    fake_registry_down(&reg, bob.link);
    fake_registry_pass(&reg, 300);
    fake_registry_down(&reg, carol.link);
    fake_registry_pass(&reg, 1100);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_ROOM_PRESENCE), 1);
}

static void
a_session_begins_with_all_who_are_there(void **state)
{
    (void)state;
    fake_registry_down(&reg, alice.link);
    fake_registry_down(&reg, carol.link);
    fake_registry_pass(&reg, 1100);
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &alice));
    assert_string_equal(told(&alice), "bob+ ! ");
}

static void
a_session_without_small_rooms_is_told_of_nobody(void **state)
{
    (void)state;
    DO(act(&alice, MSG_ACT_KICK, &bob));
    fake_registry_pass(&reg, 2000);
    fake_registry_down(&reg, bob.link);
    fake_registry_down(&reg, carol.link);
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, 2000);
    assert_string_equal(told(&bob), "");
    assert_string_equal(told(&alice), "carol- ");
}

static void
who_joins_learns_who_is_there_and_is_told_to_them(void **state)
{
    (void)state;
    DO(act(&carol, MSG_ACT_LEAVE, NULL));
    fake_registry_pass(&reg, 2000);
    DO(act(&carol, MSG_ACT_JOIN, NULL));
    assert_true(strcmp(told(&carol), "bob+ alice+ ") == 0 || strcmp(told(&carol), "alice+ bob+ ") == 0);
    fake_registry_pass(&reg, 1100);
    assert_string_equal(told(&alice), "carol+ ");
}

static void
who_comes_back_learns_who_went_meanwhile(void **state)
{
    (void)state;
    DO(act(&carol, MSG_ACT_LEAVE, NULL));
    fake_registry_down(&reg, bob.link);
    fake_registry_pass(&reg, 2000);
    assert_string_equal(told(&carol), "");
    DO(act(&carol, MSG_ACT_JOIN, NULL));
    assert_non_null(strstr(told(&carol), "bob- "));
    assert_non_null(strstr(told(&carol), "alice+ "));
}

static void
in_a_large_room_nobody_is_told(void **state)
{
    (void)state;
    crowd(MSG_ROOM_SMALL + 1);
    fake_registry_down(&reg, bob.link);
    fake_registry_pass(&reg, 2000);
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, 2000);
    assert_string_equal(told(&alice), "");
    assert_string_equal(told(&bob), "");
    crowd(MSG_ROOM_SMALL);
    fake_registry_down(&reg, bob.link);
    fake_registry_pass(&reg, 2000);
    assert_string_equal(told(&alice), "bob- ");
}

static void
a_room_that_is_small_again_is_told_all_anew(void **state)
{
    (void)state;
    crowd(MSG_ROOM_SMALL + 1);
    DO(act(&alice, MSG_ACT_TOPIC, NULL)); /* an entry, with so many in it */
    fake_registry_down(&reg, bob.link);
    fake_registry_pass(&reg, 2000);
    fake_registry_clear(&reg);
    crowd(MSG_ROOM_SMALL);
    DO(act(&alice, MSG_ACT_TOPIC, NULL));
    fake_registry_pass(&reg, 1100);
    assert_non_null(strstr(told(&alice), "bob- "));
    assert_non_null(strstr(told(&alice), "carol+ "));
}

static void
whose_connection_took_no_more_is_told_of_all_anew(void **state)
{
    const struct msg_event full = {.kind = EVENT_FULL, .link = alice.link, .id = 1};

    (void)state;
    fake_registry_down(&reg, bob.link);
    fake_registry_pass(&reg, 1100);
    fake_registry_clear(&reg);
    fake_registry_step(&reg, &full);
    fake_registry_pass(&reg, 3000);
    assert_string_equal(told(&alice), "carol+ ! "); /* and nobody else */
    fake_registry_pass(&reg, 10000);
    assert_string_equal(told(&alice), "carol+ ! ");
}

static void
who_was_put_out_is_told_no_more(void **state)
{
    (void)state;
    DO(act(&alice, MSG_ACT_KICK, &bob));
    fake_registry_pass(&reg, 2000);
    fake_registry_clear(&reg);
    fake_registry_down(&reg, carol.link);
    fake_registry_pass(&reg, 2000);
    assert_string_equal(told(&bob), "");
    assert_string_equal(told(&alice), "carol- ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        POSTS_CASE(who_comes_and_goes_is_told_to_the_room_soon_and_once),
        POSTS_CASE(somebody_who_is_away_is_told_as_that),
        POSTS_CASE(coming_and_going_within_the_gather_time_tells_nothing),
        POSTS_CASE(what_changes_together_is_one_message),
        POSTS_CASE(a_session_begins_with_all_who_are_there),
        POSTS_CASE(a_session_without_small_rooms_is_told_of_nobody),
        POSTS_CASE(who_joins_learns_who_is_there_and_is_told_to_them),
        POSTS_CASE(who_comes_back_learns_who_went_meanwhile),
        POSTS_CASE(in_a_large_room_nobody_is_told),
        POSTS_CASE(a_room_that_is_small_again_is_told_all_anew),
        POSTS_CASE(whose_connection_took_no_more_is_told_of_all_anew),
        POSTS_CASE(who_was_put_out_is_told_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
