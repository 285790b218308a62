/* Claims about broker/core/front_core as a whole: who may speak, what surprises
 * cost, starting and stopping. */
#include "tests/broker/world.h"

static void
ask(const struct fake_device *device, const char *name)
{
    const struct msg_search question = {5, msg_text(name)};

    fake_say(&reg, device, MSG_SEARCH, &question);
}

static void
a_request_before_login_is_answered_not_logged_in(void **state)
{
    (void)state;
    ask(&alice, "bob");
    expect_error(alice.link, "not-logged-in");
    assert_int_equal(any.MSG_ANY_ERROR.req, 5);
    assert_false(fake_registry_dropped(&reg, alice.link));
}

static void
requests_before_login_without_end_cut_the_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 63; i++)
        ask(&alice, "bob");
    assert_false(fake_registry_dropped(&reg, alice.link));
    ask(&alice, "bob");
    assert_true(fake_registry_dropped(&reg, alice.link));
}

static void
garbage_gets_one_error_each_and_the_eighth_cuts(void **state)
{
    const uint8_t bad[] = {0xdd, 0x0f, 0x00, 0x00, 0x00};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    for (int i = 0; i < 7; i++)
        fake_registry_hear_bytes(&reg, alice.link, &alice.transport, msg_span(bad, sizeof bad));
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_ERROR), 7);
    assert_false(fake_registry_dropped(&reg, alice.link));
    fake_registry_hear_bytes(&reg, alice.link, &alice.transport, msg_span(bad, sizeof bad));
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_ERROR), 8);
    assert_true(fake_registry_dropped(&reg, alice.link));
}

static void
an_unexpected_kind_is_refused_with_its_req(void **state)
{
    const struct msg_found found = {.req = 77, .name = msg_text("x")};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    fake_say(&reg, &alice, MSG_FOUND, &found);
    expect_error(alice.link, "kind");
    assert_int_equal(any.MSG_ANY_ERROR.req, 77);
}

static void
a_session_under_another_key_is_refused_and_dropped_and_lives_on(void **state)
{
    const struct msg_done leave = {4};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    fake_registry_clear(&reg);
    fake_registry_hear(&reg, alice.link, &bob.transport, "192.0.2.66", MSG_LOGOUT, &leave);
    expect_error(alice.link, "forbidden");
    assert_true(fake_registry_dropped(&reg, alice.link));
    assert_int_equal(sessions_now(), 1);
}

static void
a_login_on_the_connection_of_another_device_is_refused(void **state)
{
    struct fake_device thief = bob;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    thief.link = alice.link;
    assert_false(fake_enter(&reg, &thief));
}

static void
requests_beyond_the_rate_are_busy_and_pings_go_on(void **state)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    fake_registry_pass(&reg, FAKE_TOLD_MS);
    for (uint64_t i = 0; i < reg.settings.requests_burst; i++)
        ask(&alice, "bob");
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_ERROR), 0);
    ask(&alice, "bob");
    expect_error(alice.link, "busy");
    assert_true(any.MSG_ANY_ERROR.retry_ms > 0 && any.MSG_ANY_ERROR.retry_ms <= 11);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_pass(&reg, 11);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_ERROR), 1);
    ask(&alice, "bob");
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_FOUND), reg.settings.requests_burst + 1);
    fake_registry_pass(&reg, FAKE_PONG_MS);
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 1);
}

static void
stopping_says_goodbye_to_all(void **state)
{
    const struct msg_event stop = {.kind = EVENT_STOP};
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    assert_true(fake_enter(&reg, &bob));
    fake_registry_pass(&reg, FAKE_TOLD_MS);
    fake_say(&reg, &alice, MSG_PING, &ping);
    fake_registry_step(&reg, &stop);
    fake_registry_pass(&reg, FAKE_PONG_MS); /* BYE is the last word */
    assert_int_equal(fake_registry_sent_count(&reg, alice.link, MSG_PONG), 0);
    assert_true(fake_registry_sent(&reg, alice.link, MSG_BYE, 0, &any));
    assert_memory_equal(any.MSG_ANY_BYE.text.at, "The registry is stopping.", any.MSG_ANY_BYE.text.len);
    assert_true(fake_registry_sent(&reg, bob.link, MSG_BYE, 0, &any));
}

static void
damaged_counters_answer_internal_and_change_nothing(void **state)
{
    struct msg_effects effects;
    struct msg_done record = {1};
    union msg_any answer;
    enum msg_kind kind;
    uint64_t id;

    (void)state;
    msg_effects_init(&effects);
    msg_effects_put(&effects, BROKER_TABLE_META, msg_span("counters", 8), MSG_DONE, &record);
    msg_effects_store(&effects, 1);
    assert_true(fake_store_take(reg.store, &effects, &effects.list[0]));
    assert_true(fake_store_take(reg.store, &effects, &effects.list[1]));
    assert_true(fake_store_commit(reg.store, &id));
    msg_effects_wipe(&effects);
    fake_registry_crash(&reg);
    assert_non_null(strstr(reg.log, "COUNTERS-DAMAGED"));
    fake_login(&reg, &alice, (struct fake_login){.port = 1});
    expect_error(alice.link, "internal");
    const uint64_t ticket = fake_ask_signup(&reg, &carol, MSG_SIGNUP, "carol", "correct horse");
    assert_true(fake_registry_told(&reg, ticket, &kind, &answer));
    assert_int_equal(kind, MSG_ERROR);
    assert_int_equal(fake_store_count(reg.store, BROKER_TABLE_ACCOUNTS), 2);
}

static void
an_idle_registry_asks_to_be_woken_once_a_lease_and_once_for_each_pong(void **state)
{
    uint64_t wakes = 0, pings = 0;

    (void)state;
    assert_true(fake_enter(&reg, &alice));
    const struct msg_event wake = {.kind = EVENT_WAKE};
    const uint64_t end_ms = reg.now.mono_ms + 45000;
    uint64_t pinged_ms = 0;
    const struct msg_ping ping = {MSG_STATUS_ONLINE};
    while (reg.wake_ms < end_ms) {
        reg.now.mono_ms = reg.wake_ms;
        reg.wake_ms = UINT64_MAX;
        fake_registry_step(&reg, &wake);
        wakes++;
        if (reg.now.mono_ms - pinged_ms < 15000)
            continue;
        pinged_ms = reg.now.mono_ms;
        pings++;
        fake_say(&reg, &alice, MSG_PING, &ping);
    }
    assert_true(pings > 0 && wakes <= 2 + pings);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_request_before_login_is_answered_not_logged_in),
        CASE(requests_before_login_without_end_cut_the_connection),
        CASE(garbage_gets_one_error_each_and_the_eighth_cuts),
        CASE(an_unexpected_kind_is_refused_with_its_req),
        CASE(a_session_under_another_key_is_refused_and_dropped_and_lives_on),
        CASE(a_login_on_the_connection_of_another_device_is_refused),
        CASE(requests_beyond_the_rate_are_busy_and_pings_go_on),
        CASE(stopping_says_goodbye_to_all),
        CASE(damaged_counters_answer_internal_and_change_nothing),
        CASE(an_idle_registry_asks_to_be_woken_once_a_lease_and_once_for_each_pong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
