/* Claims about broker/core/directory: searching, listing, watching. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/broker/world.h"

static void
a_search_finds_online_offline_and_nobody(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    expect_found(&alice, "BOB", MSG_STATUS_OFFLINE);
    expect_text(any.MSG_ANY_FOUND.name, "Bob");
    expect_text(any.MSG_ANY_FOUND.endpoint, "");
    assert_true(fake_enter(&reg, &bob));
    expect_found(&alice, "bob", MSG_STATUS_ONLINE);
    expect_text(any.MSG_ANY_FOUND.name, "Bob");
    expect_text(any.MSG_ANY_FOUND.endpoint, "192.0.2.1:7000");
    expect_found(&alice, "nobody", MSG_STATUS_NOT_FOUND);
    expect_text(any.MSG_ANY_FOUND.name, "nobody");
    expect_found(&alice, "--not a name--", MSG_STATUS_NOT_FOUND);
    expect_found(&alice, "", MSG_STATUS_NOT_FOUND);
}

static void
away_is_said_and_unsaid_by_ping(void **state)
{
    const struct msg_ping away = {MSG_STATUS_AWAY}, online = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    fake_say(&reg, &bob, MSG_PING, &away);
    expect_found(&alice, "bob", MSG_STATUS_AWAY);
    fake_say(&reg, &bob, MSG_PING, &online);
    expect_found(&alice, "bob", MSG_STATUS_ONLINE);
}

static void
the_endpoint_is_shown_to_whom_direct_permits(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    fake_login(&reg, &bob, (struct fake_login){.port = 7000, .direct = MSG_DIRECT_NEVER});
    expect_found(&alice, "bob", MSG_STATUS_ONLINE);
    expect_text(any.MSG_ANY_FOUND.endpoint, "");
    fake_login(&reg, &bob, (struct fake_login){.port = 7000, .direct = MSG_DIRECT_CONTACTS});
    expect_found(&alice, "bob", MSG_STATUS_ONLINE);
    expect_text(any.MSG_ANY_FOUND.endpoint, "");
    watch(&bob, "alice");
    expect_found(&alice, "bob", MSG_STATUS_ONLINE);
    expect_text(any.MSG_ANY_FOUND.endpoint, "192.0.2.1:7000");
}

/* ---- LIST ---- */

struct listed { char names[300][40]; size_t count; };

static void
list_page(const struct fake_device *device, bool detailed, char cursor[64], struct listed *all)
{
    const struct msg_list_users ask = {11, detailed, msg_text(cursor)};
    struct msg_user user;

    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_LIST, &ask);
    assert_true(fake_registry_sent(&reg, device->link, MSG_USERS, 0, &any));
    assert_true(any.MSG_ANY_USERS.users.count <= MSG_LIST_PAGE);
    while (msg_codec_next(&any.MSG_ANY_USERS.users, MSG_USER, &user)) {
        assert_true(detailed == (user.endpoint.len > 0));
        msg_text_copy(all->names[all->count++], sizeof all->names[0], user.name);
    }
    msg_text_copy(cursor, 64, any.MSG_ANY_USERS.next);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
a_list_pages_through_everybody_once_while_others_come_and_go(void **state)
{
    static struct fake_device people[250];
    static struct listed all;
    char name[16], cursor[64] = "";

    (void)state;
    all.count = 0;
    for (unsigned i = 0; i < 250; i++) {
        fake_device_init(&people[i], 1000 + i);
        snprintf(name, sizeof name, "u%03u", i);
        assert_true(fake_admit(&reg, &people[i], MSG_SIGNUP, name, "correct horse"));
        assert_true(fake_enter(&reg, &people[i]));
    }
    fake_device_init(&carol, 103);
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "u000", "correct horse"));
    assert_true(fake_enter(&reg, &carol)); /* a second device is no second person */
    list_page(&people[0], true, cursor, &all);
    assert_int_equal(all.count, 100);
    for (unsigned i = 50; i < 100; i++) {
        logout(&people[i]); /* listed already */
        logout(&people[i + 100]); /* not yet */
    }
    list_page(&people[0], true, cursor, &all);
    assert_true(fake_enter(&reg, &people[60]));
    while (cursor[0] != '\0')
        list_page(&people[0], true, cursor, &all);
    qsort(all.names, all.count, sizeof all.names[0], by_name);
    for (size_t i = 1; i < all.count; i++)
        assert_string_not_equal(all.names[i - 1], all.names[i]);
    for (unsigned i = 0; i < 250; i++) {
        snprintf(name, sizeof name, "u%03u", i);
        const bool stayed = i < 50 || (i >= 100 && i < 150) || i >= 200;
        if (stayed)
            assert_non_null(bsearch(name, all.names, all.count, sizeof all.names[0], by_name));
    }
    cursor[0] = '\0';
    all.count = 0;
    list_page(&people[0], false, cursor, &all);
}

static void
a_cursor_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {"zz", "-1", " 1", "ffffffff", "123456789abcdef0123", "1 "};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct msg_list_users ask = {11, false, msg_text(bad[i])};
        fake_registry_clear(&reg);
        fake_say(&reg, &alice, MSG_LIST, &ask);
        expect_error(alice.link, "bad-arguments");
    }
}

/* ---- WATCH ---- */

static void
watching_is_done_and_followed_by_what_is_so(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 1);
    expect_presence(&alice, 0, "Bob", MSG_STATUS_OFFLINE, "");
    assert_true(fake_enter(&reg, &bob));
    watch(&alice, "bob");
    expect_presence(&alice, 1, "Bob", MSG_STATUS_ONLINE, "192.0.2.1:7000");
    watch(&alice, "nobody");
    expect_presence(&alice, 2, "nobody", MSG_STATUS_NOT_FOUND, "");
}

static void
a_login_is_told_within_the_gather_time(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &bob));
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PRESENCE), 0);
    fake_registry_pass(&reg, 1100);
    expect_presence(&alice, 0, "Bob", MSG_STATUS_ONLINE, "192.0.2.1:7000");
    fake_registry_pass(&reg, 10000);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PRESENCE), 1);
}

static void
a_logout_is_told_at_once(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    fake_registry_clear(&reg);
    logout(&bob);
    expect_presence(&alice, 0, "Bob", MSG_STATUS_OFFLINE, "");
}

static void
coming_and_going_within_the_gather_time_tells_nothing(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &bob));
    fake_registry_down(&reg, bob.link);
    fake_registry_pass(&reg, 2000);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PRESENCE), 0);
}

static void
a_reconnection_within_the_gather_time_tells_online_again(void **state)
{
    struct fake_device again;

    (void)state;
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    fake_registry_clear(&reg);
    again = bob;
    again.link = 202;
    fake_registry_down(&reg, bob.link);
    assert_true(fake_enter(&reg, &again));
    fake_registry_pass(&reg, 2000);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PRESENCE), 1);
    expect_presence(&alice, 0, "Bob", MSG_STATUS_ONLINE, "192.0.2.1:7000");
}

static void
a_repeated_login_tells_nothing_but_a_changed_endpoint_does(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, 2000);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PRESENCE), 0);
    fake_login(&reg, &bob, (struct fake_login){.port = 7001});
    fake_registry_pass(&reg, 2000);
    expect_presence(&alice, 0, "Bob", MSG_STATUS_ONLINE, "192.0.2.1:7001");
}

static void
an_expired_session_is_told_as_offline(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    fake_registry_clear(&reg);
    fake_registry_pass(&reg, 30000);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, 18000);
    expect_presence(&alice, 0, "Bob", MSG_STATUS_OFFLINE, "");
}

static void
the_other_device_keeps_a_person_online(void **state)
{
    (void)state;
    assert_true(fake_admit(&reg, &carol, MSG_ENROL, "bob", "battery staple"));
    assert_true(fake_enter(&reg, &bob));
    assert_true(fake_enter(&reg, &carol));
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    fake_registry_clear(&reg);
    logout(&bob);
    fake_registry_pass(&reg, 2000);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PRESENCE), 0);
    logout(&carol);
    expect_presence(&alice, 0, "Bob", MSG_STATUS_OFFLINE, "");
}

static void
watches_beyond_the_limit_are_refused_and_those_before_stand(void **state)
{
    (void)state;
    reg.settings.watches = 1;
    broker_front_core_set(reg.core, &reg.settings);
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    watch(&alice, "bob"); /* the same one is no second one */
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_DONE), 2);
    watch(&alice, "alice");
    expect_error(alice.link, "quota-exceeded");
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, 2000);
    expect_presence(&alice, 0, "Bob", MSG_STATUS_ONLINE, NULL);
}

static void
a_watcher_who_left_is_told_nothing(void **state)
{
    (void)state;
    assert_true(fake_enter(&reg, &alice));
    watch(&alice, "bob");
    logout(&alice);
    fake_registry_clear(&reg);
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, 2000);
    logout(&bob);
    for (size_t i = 0; i < reg.sent_count; i++)
        assert_int_equal(reg.sent[i].link, bob.link);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_search_finds_online_offline_and_nobody),
        CASE(away_is_said_and_unsaid_by_ping),
        CASE(the_endpoint_is_shown_to_whom_direct_permits),
        CASE(a_list_pages_through_everybody_once_while_others_come_and_go),
        CASE(a_cursor_that_is_none_is_refused),
        CASE(watching_is_done_and_followed_by_what_is_so),
        CASE(a_login_is_told_within_the_gather_time),
        CASE(a_logout_is_told_at_once),
        CASE(coming_and_going_within_the_gather_time_tells_nothing),
        CASE(a_reconnection_within_the_gather_time_tells_online_again),
        CASE(a_repeated_login_tells_nothing_but_a_changed_endpoint_does),
        CASE(an_expired_session_is_told_as_offline),
        CASE(the_other_device_keeps_a_person_online),
        CASE(watches_beyond_the_limit_are_refused_and_those_before_stand),
        CASE(a_watcher_who_left_is_told_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
