/* What this device does not know yet when a command is given: it ran last
 * before others came, or before another device of its account joined; and what
 * it knows, so that nobody is asked. */
#include "tests/peer/room_front.h"

static uint64_t last_req;

static void
perform(enum msg_act act, const char *name, const char *text)
{
    const struct msg_cmd_room_act cmd = {++last_req, msg_text("#den"), act, msg_text(name), msg_text(text)};
    command(MSG_CMD_ROOM_ACT, &cmd);
}

/* The next dial is answered before a command has waited for too long. */
static void
soon_back(void)
{
    pass(2000);
    connect_front();
    settle();
}

/* A command that does its one thing has not heard yet who came meanwhile. */
static void
who_joined_while_we_were_away_is_found_too(void **state)
{
    (void)state;
    const struct msg_cmd_room_create cmd = {++last_req, msg_text("#Den"), 0, msg_text(""), msg_text("lions")};
    command(MSG_CMD_ROOM_CREATE, &cmd);
    settle();
    cut();
    act(DAN, MSG_ACT_JOIN, 0);
    perform(MSG_ACT_MUTE, "dan", "");
    soon_back();
    assert_int_equal(count(MSG_TELL_FAILED), 0);
    assert_int_equal(told(MSG_TELL_OK, count(MSG_TELL_OK) - 1)->MSG_ANY_TELL_OK.req, last_req);
    assert_int_equal(w.room.parts[DAN].standing, MSG_STANDING_MUTED);
    const uint64_t asked = w.asked[MSG_ENTRIES_OF];
    perform(MSG_ACT_KICK, "stranger", "");
    settle();
    assert_int_equal(failure(), CONCLAVE_ERR_NO_SUCH_USER);
    assert_int_equal(w.asked[MSG_ENTRIES_OF], asked + 1); /* it looks once */
}

/* Another device of ours joined, and this one runs for the first time since. */
static void
what_is_said_before_we_know_that_we_are_in_the_room_waits_for_that(void **state)
{
    const struct msg_text texts[] = {msg_text("one"), msg_text("two"), msg_text("three")};
    (void)state;
    cut();
    act(BOB, MSG_ACT_CREATE, 0);
    act(ADA, MSG_ACT_JOIN, 0);
    for (size_t i = 0; i < 3; i++) {
        const struct msg_cmd_say say = {++last_req, msg_text("#den"), texts[i]};
        command(MSG_CMD_SAY, &say);
    }
    const struct msg_cmd_say lost = {++last_req, msg_text("#other"), msg_text("who knows")};
    command(MSG_CMD_SAY, &lost);
    assert_int_equal(count(MSG_TELL_OK) + count(MSG_TELL_FAILED), 0);
    soon_back();
    assert_int_equal(count(MSG_TELL_FAILED), 1);
    assert_int_equal(failure(), CONCLAVE_ERR_NO_SUCH_ROOM);
    assert_int_equal(count(MSG_TELL_OK), 3); /* in their order */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(told(MSG_TELL_OK, i)->MSG_ANY_TELL_OK.req, last_req - 3 + i);
    const uint64_t asked = w.asked[MSG_ROOM_FIND];
    const struct msg_cmd_say more = {++last_req, msg_text("#den"), msg_text("four")};
    command(MSG_CMD_SAY, &more);
    assert_int_equal(told(MSG_TELL_OK, 3)->MSG_ANY_TELL_OK.req, last_req);
    assert_int_equal(w.asked[MSG_ROOM_FIND], asked); /* it is known now */
}

static void
who_was_unmuted_meanwhile_may_speak(void **state)
{
    (void)state;
    act(BOB, MSG_ACT_CREATE, 0);
    act(ADA, MSG_ACT_JOIN, 0);
    act(BOB, MSG_ACT_MUTE, ADA);
    settle();
    const struct msg_cmd_say muted = {++last_req, msg_text("#den"), msg_text("one")};
    command(MSG_CMD_SAY, &muted);
    assert_int_equal(failure(), CONCLAVE_ERR_FORBIDDEN); /* at once: nothing else can be known */
    cut();
    act(BOB, MSG_ACT_UNMUTE, ADA);
    w.told_count = 0;
    const struct msg_cmd_say say = {++last_req, msg_text("#den"), msg_text("two")};
    command(MSG_CMD_SAY, &say);
    soon_back();
    assert_int_equal(count(MSG_TELL_FAILED), 0);
    assert_int_equal(told(MSG_TELL_OK, 0)->MSG_ANY_TELL_OK.req, last_req);
}

static void
roles_that_changed_meanwhile_are_listed_as_they_are(void **state)
{
    (void)state;
    const struct msg_cmd_room_create cmd = {++last_req, msg_text("#Den"), 0, msg_text(""), msg_text("lions")};
    command(MSG_CMD_ROOM_CREATE, &cmd);
    settle();
    act(BOB, MSG_ACT_JOIN, 0);
    settle();
    cut();
    act(ADA, MSG_ACT_PROMOTE, BOB); /* on another device of hers */
    const struct msg_search list = {++last_req, msg_text("#den")};
    command(MSG_CMD_MEMBERS, &list);
    soon_back();
    struct msg_list members = told(MSG_TELL_MEMBERS, 0)->MSG_ANY_TELL_MEMBERS.members;
    struct msg_member member;
    assert_int_equal(members.count, 2);
    while (msg_codec_next(&members, MSG_MEMBER, &member))
        assert_int_equal(member.role, member.account == ADA ? MSG_ROLE_OWNER : MSG_ROLE_MODERATOR);
}

/* ---- how a room is ---- */

static void
assert_described(const char *topic, uint64_t members)
{
    struct msg_room_info info;
    const struct msg_rooms *page = &told(MSG_TELL_ROOMS, count(MSG_TELL_ROOMS) - 1)->MSG_ANY_TELL_ROOMS;
    struct msg_list rooms = page->rooms;
    assert_int_equal(page->req, last_req);
    assert_int_equal(rooms.count, 1);
    assert_int_equal(page->next.len, 0);
    assert_true(msg_codec_next(&rooms, MSG_ROOM_INFO, &info));
    assert_true(reads(info.name, "#Den"));
    assert_true(reads(info.topic, topic));
    assert_int_equal(info.members, members);
}

static void
describe(const char *name)
{
    const struct msg_search cmd = {++last_req, msg_text(name)};
    command(MSG_CMD_ROOM_INFO, &cmd);
}

static void
our_roster_says_what_a_room_of_ours_is_about(void **state)
{
    (void)state;
    const struct msg_cmd_room_create cmd = {++last_req, msg_text("#Den"), 0, msg_text(""), msg_text("cats")};
    command(MSG_CMD_ROOM_CREATE, &cmd);
    settle();
    describe("#den");
    assert_described("cats", 1); /* without asking anybody */
    cut();
    act(ADA, MSG_ACT_TOPIC, 0); /* on another device */
    describe("#den");
    soon_back();
    assert_described("lions", 1);
}

static void
of_other_rooms_the_registry_says_it(void **state)
{
    (void)state;
    w.deaf = true;
    act(BOB, MSG_ACT_CREATE, 0);
    act(CAT, MSG_ACT_JOIN, 0);
    describe("#DEN");
    settle();
    assert_described("", 2);
    describe("#nowhere");
    settle();
    assert_int_equal(failure(), CONCLAVE_ERR_NO_SUCH_ROOM);
    assert_int_equal(w.asked[MSG_ENTRIES_OF], 0);
}

/* ---- what is so already ---- */

static void
assert_already(const char *text)
{
    const struct msg_tell_ok *ok = &told(MSG_TELL_OK, count(MSG_TELL_OK) - 1)->MSG_ANY_TELL_OK;
    assert_int_equal(ok->req, last_req);
    assert_true(reads(ok->text, text));
}

static void
what_is_so_already_is_done_and_nothing_is_signed_for_it(void **state)
{
    (void)state;
    const struct msg_cmd_room_create cmd = {++last_req, msg_text("#Den"), 0, msg_text(""), msg_text("cats")};
    command(MSG_CMD_ROOM_CREATE, &cmd);
    settle();
    act(BOB, MSG_ACT_JOIN, 0);
    settle();
    const uint64_t proposed = w.asked[MSG_ROOM_PROPOSE];
    perform(MSG_ACT_INVITE, "BOB", "");
    assert_already("bob is already in #Den.");
    perform(MSG_ACT_DEMOTE, "bob", "");
    assert_already("bob is already a plain member of #Den.");
    perform(MSG_ACT_UNBAN, "bob", "");
    assert_already("bob is not banned from #Den.");
    perform(MSG_ACT_PROMOTE, "ada", "");
    assert_already("ada owns #Den.");
    assert_int_equal(w.asked[MSG_ROOM_PROPOSE], proposed);
    perform(MSG_ACT_PROMOTE, "bob", "");
    settle();
    assert_already(""); /* that was something to do */
    perform(MSG_ACT_PROMOTE, "bob", "");
    assert_already("bob is already a moderator of #Den.");
}

static void
whether_it_is_so_already_is_looked_up_by_who_was_away(void **state)
{
    (void)state;
    const struct msg_cmd_room_create cmd = {++last_req, msg_text("#Den"), 0, msg_text(""), msg_text("cats")};
    command(MSG_CMD_ROOM_CREATE, &cmd);
    settle();
    act(BOB, MSG_ACT_JOIN, 0);
    settle();
    cut();
    act(BOB, MSG_ACT_LEAVE, 0);
    perform(MSG_ACT_INVITE, "bob", "");
    soon_back();
    assert_already("");
    assert_true((w.room.parts[BOB].standing & MSG_STANDING_INVITED) != 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_joined_while_we_were_away_is_found_too),
        TEST(what_is_said_before_we_know_that_we_are_in_the_room_waits_for_that),
        TEST(who_was_unmuted_meanwhile_may_speak),
        TEST(what_is_so_already_is_done_and_nothing_is_signed_for_it),
        TEST(whether_it_is_so_already_is_looked_up_by_who_was_away),
        TEST(our_roster_says_what_a_room_of_ours_is_about),
        TEST(of_other_rooms_the_registry_says_it),
        TEST(roles_that_changed_meanwhile_are_listed_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
