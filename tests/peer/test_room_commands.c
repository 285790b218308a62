/* The commands of rooms: each is answered once, and "done" only when our own
 * roster has it. */
#include "tests/peer/room_front.h"

static uint64_t last_req;

static void
create(const char *name)
{
    const struct msg_cmd_room_create cmd = {++last_req, msg_text(name), 0, msg_text(""), msg_text("lions")};
    command(MSG_CMD_ROOM_CREATE, &cmd);
}

static void
join(const char *name)
{
    const struct msg_cmd_room_join cmd = {++last_req, msg_text(name), msg_text("")};
    command(MSG_CMD_ROOM_JOIN, &cmd);
}

static void
perform(enum msg_act act, const char *name, const char *text)
{
    const struct msg_cmd_room_act cmd = {++last_req, msg_text("#den"), act, msg_text(name), msg_text(text)};
    command(MSG_CMD_ROOM_ACT, &cmd);
}

static void
assert_done(void)
{
    settle();
    assert_int_equal(count(MSG_TELL_FAILED), 0);
    assert_int_equal(told(MSG_TELL_OK, count(MSG_TELL_OK) - 1)->MSG_ANY_TELL_OK.req, last_req);
}

static void
assert_failed(enum conclave_err err)
{
    settle();
    assert_int_equal(failure(), err);
    assert_int_equal(told(MSG_TELL_FAILED, count(MSG_TELL_FAILED) - 1)->MSG_ANY_TELL_FAILED.req, last_req);
}

/* Bob's room with Cat; Ada knows nothing of it. */
static void
bobs(void)
{
    w.deaf = true;
    act(BOB, MSG_ACT_CREATE, 0);
    act(CAT, MSG_ACT_JOIN, 0);
    w.deaf = false;
}

static void
adas(void)
{
    create("#Den");
    assert_done();
    act(BOB, MSG_ACT_JOIN, 0);
    act(CAT, MSG_ACT_JOIN, 0);
    settle();
    w.told_count = 0;
}

/* ---- done when our roster has it ---- */

static void
a_room_is_made_once_our_roster_begins(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        w.push_first = order == 0;
        create("#Den");
        while (answer_one())
            ;
        assert_int_equal(count(MSG_TELL_OK), 0); /* not before it is on disk */
        assert_done();
        assert_int_equal(count(MSG_TELL_OK), 1);
        assert_event(0, MSG_ACT_CREATE, "ada", "ada");
        assert_int_equal(w.room.parts[ADA].role, MSG_ROLE_OWNER);
        assert_string_equal(w.room.name, "#Den");
        perform(MSG_ACT_DELETE, "", "");
        assert_done();
        w.told_count = 0;
    }
}

static void
without_a_push_the_roster_is_read_after_the_answer(void **state)
{
    (void)state;
    w.deaf = true;
    create("#Den");
    assert_done();
    assert_event(0, MSG_ACT_CREATE, "ada", "ada");
    bobs(); /* another room, in its place */
    join("#den");
    w.deaf = true;
    assert_done();
    assert_event(1, MSG_ACT_JOIN, "ada", "ada");
    assert_int_equal(count(MSG_TELL_ROOM), 2);
}

static void
a_room_is_joined_and_left(void **state)
{
    (void)state;
    bobs();
    join("#DEN"); /* any spelling */
    assert_done();
    assert_event(0, MSG_ACT_JOIN, "ada", "ada");
    assert_int_equal(count(MSG_TELL_ROOM), 1);
    join("#den");
    assert_done(); /* she is in it: there is nothing to do */
    perform(MSG_ACT_LEAVE, "", "");
    assert_done();
    assert_event(1, MSG_ACT_LEAVE, "ada", "ada");
    assert_int_equal(w.room.parts[ADA].role, MSG_ROLE_NONE);
    perform(MSG_ACT_LEAVE, "", "");
    assert_failed(CONCLAVE_ERR_NOT_A_MEMBER);
    w.told_count = 0;
    join("#den"); /* and again */
    assert_done();
}

static void
an_operation_whose_answer_is_lost_is_proposed_again(void **state)
{
    (void)state;
    adas();
    w.deaf = true;
    perform(MSG_ACT_TOPIC, "", "tigers");
    w.sent_count = w.sent_done = 0; /* lost */
    pass(2500);
    assert_done();
    assert_int_equal(w.asked[MSG_ROOM_PROPOSE], 2); /* CREATE, and the second one of these */
    assert_event(0, MSG_ACT_TOPIC, "", "ada");
}

static void
what_others_changed_meanwhile_is_read_and_the_operation_signed_anew(void **state)
{
    (void)state;
    adas();
    w.deaf = true;
    act(CAT, MSG_ACT_LEAVE, 0); /* she does not hear of it */
    w.refusals = 1;
    perform(MSG_ACT_TOPIC, "", "tigers");
    assert_done();
    assert_event(0, MSG_ACT_LEAVE, "cat", "cat");
    assert_event(1, MSG_ACT_TOPIC, "", "ada");
    assert_int_equal(w.asked[MSG_ROOM_PROPOSE], 3);
}

static void
what_does_not_fit_the_room_is_not_tried_forever(void **state)
{
    (void)state;
    adas();
    w.refusals = 99;
    perform(MSG_ACT_TOPIC, "", "tigers");
    settle();
    pass(1000);
    assert_failed(CONCLAVE_ERR_FORBIDDEN);
    assert_int_equal(w.asked[MSG_ROOM_PROPOSE], 2); /* she knew all there is */
    bobs();
    join("#den");
    for (int i = 0; i < 5; i++) {
        settle();
        pass(1000);
    }
    assert_failed(CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_int_equal(w.asked[MSG_ROOM_PROPOSE], 2 + 5);
}

static void
what_was_asked_first_is_done_first(void **state)
{
    (void)state;
    adas();
    perform(MSG_ACT_PROMOTE, "cat", "");
    perform(MSG_ACT_LEAVE, "", ""); /* to whom the room goes depends on it */
    perform(MSG_ACT_TOPIC, "", "tigers");
    assert_true(answer_one()); /* one is under way, no more */
    assert_false(w.sent_done < w.sent_count - 1);
    settle();
    assert_int_equal(count(MSG_TELL_OK), 2);
    assert_int_equal(failure(), CONCLAVE_ERR_NOT_A_MEMBER); /* after leaving */
    assert_int_equal(w.room.facts.owner, CAT);
}

static void
an_entry_that_is_on_its_way_to_the_disk_is_waited_for(void **state)
{
    (void)state;
    adas();
    w.refusals = 1;
    perform(MSG_ACT_TOPIC, "", "tigers");
    settle(); /* refused, and the roster has nothing new */
    assert_int_equal(count(MSG_TELL_FAILED), 0);
    w.deaf = true;
    act(CAT, MSG_ACT_LEAVE, 0); /* now it has */
    w.deaf = false;
    pass(1000);
    assert_done();
}

/* ---- whom it is about ---- */

static void
somebody_is_found_by_name_in_the_room(void **state)
{
    (void)state;
    adas();
    perform(MSG_ACT_PROMOTE, "BOB", "");
    assert_done();
    assert_int_equal(w.room.parts[BOB].role, MSG_ROLE_MODERATOR);
    perform(MSG_ACT_DEMOTE, "bob", "");
    assert_done();
    perform(MSG_ACT_MUTE, "cat", "");
    assert_done();
    perform(MSG_ACT_UNMUTE, "cat", "");
    assert_done();
    perform(MSG_ACT_KICK, "cat", "");
    assert_done();
    perform(MSG_ACT_BAN, "bob", "");
    assert_done();
    assert_int_equal(w.room.parts[BOB].standing, MSG_STANDING_BANNED);
    perform(MSG_ACT_UNBAN, "bob", "");
    assert_done();
    assert_int_equal(w.room.parts[BOB].standing, 0);
    assert_int_equal(w.asked[MSG_SEARCH], 0);
    perform(MSG_ACT_KICK, "cat", "");
    assert_failed(CONCLAVE_ERR_NO_SUCH_USER); /* not any more */
    perform(MSG_ACT_KICK, "no name", "");
    assert_failed(CONCLAVE_ERR_NO_SUCH_USER);
}

/* A reading of the roster was under way, and what it finds is from before they
 * joined. */
static void
somebody_who_has_just_joined_is_found(void **state)
{
    (void)state;
    enum msg_kind kind;
    union msg_any any;
    adas();
    w.deaf = true;
    act(ADA, MSG_ACT_TOPIC, 0); /* another device of ours */
    const uint64_t then = w.room.facts.number;
    w.sent_count = w.sent_done = 0;
    room_state(false);
    assert_int_equal(w.sent_count, 1);
    assert_int_equal(msg_codec_decode(msg_span(w.sent[0].at, w.sent[0].len), &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_ENTRIES_OF);
    act(DAN, MSG_ACT_JOIN, 0);
    perform(MSG_ACT_MUTE, "dan", "");
    w.sent_done = 1;
    w.room.facts.number = then; /* as the answer was made */
    entries(any.MSG_ANY_ENTRIES_OF.req, then - 1, then);
    w.room.facts.number = then + 1;
    assert_done();
    assert_int_equal(w.room.parts[DAN].standing, MSG_STANDING_MUTED);
}

static void
somebody_outside_is_looked_up(void **state)
{
    (void)state;
    adas();
    perform(MSG_ACT_INVITE, "dan", "");
    assert_done();
    assert_event(0, MSG_ACT_INVITE, "dan", "ada");
    assert_int_equal(w.room.parts[DAN].standing, MSG_STANDING_INVITED);
    perform(MSG_ACT_BAN, "dan", "");
    assert_done();
    assert_int_equal(w.room.parts[DAN].standing, MSG_STANDING_BANNED);
    assert_int_equal(w.asked[MSG_SEARCH], 2);
    perform(MSG_ACT_INVITE, "nobody", "");
    assert_failed(CONCLAVE_ERR_NO_SUCH_USER);
}

static void
an_owner_who_leaves_hands_the_room_on(void **state)
{
    (void)state;
    adas();
    perform(MSG_ACT_LEAVE, "", "");
    assert_done();
    assert_int_equal(w.room.facts.owner, BOB); /* the longest in it */
    assert_event(0, MSG_ACT_LEAVE, "ada", "ada");
    assert_true(reads(told(MSG_TELL_ROOM, 0)->MSG_ANY_TELL_ROOM.text, "bob"));
    w.told_count = 0;
    adas();
    act(DAN, MSG_ACT_JOIN, 0);
    perform(MSG_ACT_PROMOTE, "cat", "");
    perform(MSG_ACT_LEAVE, "", "");
    settle();
    assert_int_equal(w.room.facts.owner, CAT); /* the moderator */
    w.told_count = 0;
    create("#Den");
    assert_done();
    perform(MSG_ACT_LEAVE, "", ""); /* alone: it is gone */
    assert_done();
    assert_true(w.room.facts.gone);
}

/* ---- errors ---- */

static void
what_cannot_be_is_answered_with_its_code(void **state)
{
    (void)state;
    join("#den");
    assert_failed(CONCLAVE_ERR_NO_SUCH_ROOM);
    join("den");
    assert_failed(CONCLAVE_ERR_NO_SUCH_ROOM);
    create("#not a name");
    assert_failed(CONCLAVE_ERR_BAD_NAME);
    perform(MSG_ACT_TOPIC, "", "tigers");
    assert_failed(CONCLAVE_ERR_NO_SUCH_ROOM);
    bobs();
    perform(MSG_ACT_TOPIC, "", "tigers");
    assert_failed(CONCLAVE_ERR_NOT_A_MEMBER);
    join("#den");
    settle();
    perform(MSG_ACT_TOPIC, "", "tigers");
    assert_failed(CONCLAVE_ERR_FORBIDDEN);
    static char long_topic[MSG_TOPIC_MAX + 2];
    memset(long_topic, 'x', sizeof long_topic - 1);
    perform(MSG_ACT_TOPIC, "", long_topic);
    assert_failed(CONCLAVE_ERR_TOO_LARGE);
    perform(MSG_ACT_JOIN, "", "");
    assert_failed(CONCLAVE_ERR_BAD_ARGUMENTS);
    const struct msg_cmd_room_create locked = {++last_req, msg_text("#x"), MSG_ROOM_LOCKED, msg_text(""), msg_text("")};
    command(MSG_CMD_ROOM_CREATE, &locked);
    assert_failed(CONCLAVE_ERR_BAD_ARGUMENTS);
}

static void
without_the_registry_commands_are_answered_after_a_while(void **state)
{
    (void)state;
    adas();
    cut();
    perform(MSG_ACT_TOPIC, "", "tigers");
    create("#Other");
    join("#third");
    assert_int_equal(count(MSG_TELL_FAILED), 0);
    pass(8100);
    assert_int_equal(count(MSG_TELL_FAILED), 3);
    assert_int_equal(failure(), CONCLAVE_ERR_REGISTRY_UNREACHABLE);
}

static void
a_room_of_another_name_is_not_taken_for_the_one_that_was_asked_for(void **state)
{
    (void)state;
    bobs();
    msg_text_copy(w.room.name, sizeof w.room.name, msg_text("#Staff")); /* so the front says */
    join("#staff");
    assert_failed(CONCLAVE_ERR_SIGNATURE);
    assert_int_equal(count(MSG_TELL_OK), 0);
    join("#third");
    union msg_any any;
    enum msg_kind kind;
    const struct bytes *find = &w.sent[w.sent_count - 1];
    assert_int_equal(msg_codec_decode(msg_span(find->at, find->len), &kind, &any), CONCLAVE_OK);
    const struct msg_room_found found = {.req = any.MSG_ANY_ROOM_FIND.req, .room = DEN, .name = msg_text("#other"), .number = 1};
    w.sent_done++;
    say(MSG_ROOM_FOUND, &found); /* not what was asked for */
    settle();
    assert_int_equal(w.asked[MSG_ROOM_PROPOSE], 1); /* the first of these */
    assert_failed(CONCLAVE_ERR_NO_SUCH_ROOM);
}

static void
what_is_said_in_a_room_needs_membership(void **state)
{
    (void)state;
    const struct msg_cmd_say nowhere = {++last_req, msg_text("#den"), msg_text("hello")};
    command(MSG_CMD_SAY, &nowhere);
    assert_failed(CONCLAVE_ERR_NO_SUCH_ROOM);
    bobs();
    const struct msg_cmd_say outside = {++last_req, msg_text("#den"), msg_text("hello")};
    command(MSG_CMD_SAY, &outside);
    assert_failed(CONCLAVE_ERR_NOT_A_MEMBER);
    const struct msg_cmd_say nothing = {++last_req, msg_text("#den"), msg_text("")};
    command(MSG_CMD_SAY, &nothing);
    assert_failed(CONCLAVE_ERR_BAD_ARGUMENTS);
}

/* ---- lists ---- */

static void
rooms_are_listed_page_by_page(void **state)
{
    (void)state;
    const struct msg_cmd_who cmd = {++last_req, false};
    command(MSG_CMD_ROOMS, &cmd);
    settle();
    assert_int_equal(count(MSG_TELL_ROOMS), 2);
    assert_int_equal(told(MSG_TELL_ROOMS, 0)->MSG_ANY_TELL_ROOMS.req, last_req);
    assert_int_equal(told(MSG_TELL_ROOMS, 1)->MSG_ANY_TELL_ROOMS.next.len, 0);
}

static void
members_are_listed_with_the_roles_that_our_roster_says(void **state)
{
    (void)state;
    adas();
    w.page = 2;
    w.room.parts[BOB].role = MSG_ROLE_OWNER; /* the registry's word alone */
    const struct msg_search cmd = {++last_req, msg_text("#den")};
    command(MSG_CMD_MEMBERS, &cmd);
    settle();
    assert_int_equal(count(MSG_TELL_MEMBERS), 2);
    const struct msg_tell_members *page = &told(MSG_TELL_MEMBERS, 0)->MSG_ANY_TELL_MEMBERS;
    struct msg_list list = page->members;
    struct msg_member member;
    assert_true(page->more && reads(page->room, "#Den"));
    assert_true(msg_codec_next(&list, MSG_MEMBER, &member));
    assert_true(reads(member.name, "ada") && member.role == MSG_ROLE_OWNER && member.status == MSG_STATUS_ONLINE);
    assert_true(msg_codec_next(&list, MSG_MEMBER, &member));
    assert_true(reads(member.name, "bob") && member.role == MSG_ROLE_MEMBER);
    page = &told(MSG_TELL_MEMBERS, 1)->MSG_ANY_TELL_MEMBERS;
    assert_int_equal(page->members.count, 1);
    assert_false(page->more);
}

static void
whoever_watches_the_rooms_hears_of_others_only(void **state)
{
    (void)state;
    adas();
    const struct msg_room_watch cmd = {++last_req, true};
    command(MSG_CMD_ROOM_WATCH, &cmd);
    assert_done();
    uint8_t at[512];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_room_changed changed = {.act = MSG_ACT_TOPIC};
    const struct msg_room_info ours = {.room = w.room.facts.id, .name = msg_text("#Den")}, other = {.room = {{9}}, .name = msg_text("#other"), .topic = msg_text("bears")};
    assert_int_equal(msg_codec_append(&buf, &changed.rooms, MSG_ROOM_INFO, &ours), CONCLAVE_OK);
    assert_int_equal(msg_codec_append(&buf, &changed.rooms, MSG_ROOM_INFO, &other), CONCLAVE_OK);
    say(MSG_ROOM_CHANGED, &changed);
    assert_int_equal(count(MSG_TELL_ROOM), 1);
    assert_true(reads(told(MSG_TELL_ROOM, 0)->MSG_ANY_TELL_ROOM.room, "#other"));
    cut();
    come_back(); /* and asks for it again */
    assert_int_equal(w.asked[MSG_ROOM_WATCH], 2);
}

static void
rooms_are_known_after_a_restart(void **state)
{
    (void)state;
    adas();
    perform(MSG_ACT_PROMOTE, "bob", "");
    assert_done();
    restart();
    perform(MSG_ACT_TOPIC, "", "tigers");
    assert_done();
    act(CAT, MSG_ACT_LEAVE, 0);
    perform(MSG_ACT_LEAVE, "", "");
    settle();
    assert_int_equal(w.room.facts.owner, BOB);
    assert_int_equal(w.asked[MSG_ROOM_FIND], 0);
    assert_int_equal(w.asked[MSG_ENTRIES_OF], 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_room_is_made_once_our_roster_begins),
        TEST(without_a_push_the_roster_is_read_after_the_answer),
        TEST(a_room_is_joined_and_left),
        TEST(an_operation_whose_answer_is_lost_is_proposed_again),
        TEST(what_others_changed_meanwhile_is_read_and_the_operation_signed_anew),
        TEST(what_does_not_fit_the_room_is_not_tried_forever),
        TEST(what_was_asked_first_is_done_first),
        TEST(an_entry_that_is_on_its_way_to_the_disk_is_waited_for),
        TEST(somebody_is_found_by_name_in_the_room),
        TEST(somebody_who_has_just_joined_is_found),
        TEST(somebody_outside_is_looked_up),
        TEST(an_owner_who_leaves_hands_the_room_on),
        TEST(what_cannot_be_is_answered_with_its_code),
        TEST(without_the_registry_commands_are_answered_after_a_while),
        TEST(a_room_of_another_name_is_not_taken_for_the_one_that_was_asked_for),
        TEST(what_is_said_in_a_room_needs_membership),
        TEST(rooms_are_listed_page_by_page),
        TEST(members_are_listed_with_the_roles_that_our_roster_says),
        TEST(whoever_watches_the_rooms_hears_of_others_only),
        TEST(rooms_are_known_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
