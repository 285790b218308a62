/* Who is there of those one shares small rooms with, as the user is told. */
#include "tests/peer/room_front.h"

/* What is said of up to two people; account 0: of nobody. */
static void
presence(bool complete, uint64_t a, uint64_t a_status, uint64_t b, uint64_t b_status)
{
    static uint8_t at[64];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_room_presence said = {.complete = complete};
    const struct msg_present people[] = {{a, a_status}, {b, b_status}};
    for (size_t i = 0; i < 2; i++)
        if (people[i].account != 0)
            assert_int_equal(msg_codec_append(&buf, &said.people, MSG_PRESENT, &people[i]), CONCLAVE_OK);
    say(MSG_ROOM_PRESENCE, &said);
}

static void
present(uint64_t account, uint64_t status)
{
    presence(false, account, status, 0, 0);
}

/* Since the last time: "bob+ cat- "; names in capitals where nothing was known
 * of them. */
static const char *
news(void)
{
    static char text[256];
    static const char signs[] = {'-', '+', '~'};
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < w.told_count; i++) {
        const struct msg_tell_presence *tell = &w.told[i].any.MSG_ANY_TELL_PRESENCE;
        if (w.told[i].kind != MSG_TELL_PRESENCE)
            continue;
        const size_t from = len;
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s%c ", (int)tell->name.len, tell->name.at, signs[tell->status]);
        if (tell->fresh)
            text[from] = (char)(text[from] - 32);
    }
    w.told_count = 0;
    return text;
}

/* A room of Ada's, Bob's and Cat's. */
static void
den(void)
{
    const struct msg_cmd_room_create cmd = {1, msg_text("#Den"), 0, msg_text(""), msg_text("lions")};
    command(MSG_CMD_ROOM_CREATE, &cmd);
    settle();
    act(BOB, MSG_ACT_JOIN, 0);
    act(CAT, MSG_ACT_JOIN, 0);
    settle();
    w.told_count = 0;
}

static void
each_change_is_told_once(void **state)
{
    (void)state;
    den();
    present(BOB, MSG_STATUS_ONLINE);
    assert_string_equal(news(), "Bob+ ");
    present(BOB, MSG_STATUS_ONLINE); /* another room says it, too */
    assert_string_equal(news(), "");
    present(BOB, MSG_STATUS_AWAY);
    present(BOB, MSG_STATUS_OFFLINE);
    present(BOB, MSG_STATUS_ONLINE);
    assert_string_equal(news(), "bob~ bob- bob+ ");
}

static void
it_is_told_which_rooms_are_shared(void **state)
{
    (void)state;
    struct msg_room_info info;
    den();
    present(CAT, MSG_STATUS_ONLINE);
    struct msg_list rooms = told(MSG_TELL_PRESENCE, 0)->MSG_ANY_TELL_PRESENCE.rooms;
    assert_int_equal(rooms.count, 1);
    assert_true(msg_codec_next(&rooms, MSG_ROOM_INFO, &info));
    assert_true(reads(info.name, "#Den"));
    assert_int_equal(info.members, 3);
    assert_int_equal(told(MSG_TELL_PRESENCE, 0)->MSG_ANY_TELL_PRESENCE.endpoint.len, 0);
}

static void
who_is_not_in_a_complete_list_is_offline(void **state)
{
    (void)state;
    den();
    presence(true, BOB, MSG_STATUS_ONLINE, CAT, MSG_STATUS_ONLINE);
    assert_string_equal(news(), "Bob+ Cat+ ");
    cut();
    come_back();
    w.told_count = 0;
    presence(false, BOB, MSG_STATUS_ONLINE, 0, 0);
    assert_string_equal(news(), "");
    presence(true, 0, 0, 0, 0);
    assert_string_equal(news(), "cat- ");
    present(CAT, MSG_STATUS_ONLINE); /* it was known that they are not there */
    assert_string_equal(news(), "cat+ ");
}

static void
who_is_known_to_be_offline_from_the_beginning_comes(void **state)
{
    (void)state;
    den();
    presence(true, BOB, MSG_STATUS_ONLINE, 0, 0);
    assert_string_equal(news(), "Bob+ "); /* that somebody new is not there is no news */
    present(CAT, MSG_STATUS_ONLINE);
    assert_string_equal(news(), "cat+ ");
}

static void
who_joins_later_is_told_once_the_roster_has_them(void **state)
{
    (void)state;
    den();
    present(DAN, MSG_STATUS_ONLINE);
    assert_string_equal(news(), "");
    act(DAN, MSG_ACT_JOIN, 0);
    settle();
    assert_string_equal(news(), "Dan+ ");
}

static void
who_joins_is_told_of_those_who_are_there(void **state)
{
    (void)state;
    const struct msg_cmd_room_join cmd = {1, msg_text("#den"), msg_text("")};
    w.deaf = true;
    act(BOB, MSG_ACT_CREATE, 0);
    act(CAT, MSG_ACT_JOIN, 0);
    presence(false, BOB, MSG_STATUS_ONLINE, CAT, MSG_STATUS_AWAY); /* before our roster has us */
    command(MSG_CMD_ROOM_JOIN, &cmd);
    settle();
    const char *said = news();
    assert_true(strcmp(said, "Bob+ Cat~ ") == 0 || strcmp(said, "Cat~ Bob+ ") == 0);
}

static void
what_was_told_of_somebody_is_taken_back_when_we_meet_again(void **state)
{
    (void)state;
    den();
    present(BOB, MSG_STATUS_ONLINE);
    assert_string_equal(news(), "Bob+ ");
    act(ADA, MSG_ACT_KICK, BOB);
    settle();
    cut();
    come_back();
    presence(true, 0, 0, 0, 0);
    act(BOB, MSG_ACT_JOIN, 0);
    settle();
    assert_string_equal(news(), "");
    present(BOB, MSG_STATUS_OFFLINE);
    assert_string_equal(news(), "bob- ");
}

static void
a_contact_is_told_apart(void **state)
{
    (void)state;
    const struct msg_introduction bob = {1, msg_span(w.people[BOB].cert, w.people[BOB].cert_len)};
    den();
    say(MSG_INTRODUCTION, &bob);
    present(BOB, MSG_STATUS_ONLINE);
    assert_string_equal(news(), "");
}

static void
nothing_is_told_of_those_who_are_in_no_room_with_us_any_more(void **state)
{
    (void)state;
    den();
    present(BOB, MSG_STATUS_ONLINE);
    act(ADA, MSG_ACT_KICK, BOB);
    settle();
    w.told_count = 0;
    present(BOB, MSG_STATUS_OFFLINE);
    present(ADA, MSG_STATUS_ONLINE); /* nor of ourselves */
    presence(true, 0, 0, 0, 0);
    assert_string_equal(news(), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_change_is_told_once),
        TEST(it_is_told_which_rooms_are_shared),
        TEST(who_is_not_in_a_complete_list_is_offline),
        TEST(who_is_known_to_be_offline_from_the_beginning_comes),
        TEST(who_joins_later_is_told_once_the_roster_has_them),
        TEST(who_joins_is_told_of_those_who_are_there),
        TEST(what_was_told_of_somebody_is_taken_back_when_we_meet_again),
        TEST(a_contact_is_told_apart),
        TEST(nothing_is_told_of_those_who_are_in_no_room_with_us_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
