/* Claims about broker/core/door_core: what strangers can make it do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/core/door_core.h"
#include "msg/cert.h"
#include "msg/codec.h"
#include "tests/broker/fake_device.h"

static struct broker_door_core *door;
static struct broker_door_settings settings;
static struct msg_effects effects;
static struct msg_time now;
static struct fake_device carol;
static struct fake_registry registry; /* for its door key alone */
static enum msg_kind kind;
static union msg_any any;
static uint8_t frame_bytes[MSG_FRAME_MAX];

static enum conclave_err
judge(void *arg, struct msg_text name, struct msg_text password, char why[256])
{
    (void)arg;
    (void)name;
    if (!msg_text_equal(password, msg_text("password123")))
        return CONCLAVE_OK;
    snprintf(why, 256, "The password is in every list.");
    return CONCLAVE_ERR_WEAK_PASSWORD;
}

static int
setup(void **state)
{
    (void)state;
    assert_int_equal(msg_keys_init(), CONCLAVE_OK);
    settings = (struct broker_door_settings){.signups_burst = 5, .signups_per_hour = 60, .knocks_burst = 20,
                                             .knocks_per_minute = 60, .pending = 8, .judge = judge};
    memset(settings.door.at, 0xd0, sizeof settings.door.at);
    registry.settings.door = settings.door;
    door = broker_door_core_new(&settings);
    assert_non_null(door);
    msg_effects_init(&effects);
    now = (struct msg_time){500000, FAKE_WALL_MS};
    fake_device_init(&carol, 50);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    broker_door_core_destroy(&door);
    msg_effects_wipe(&effects);
    return 0;
}

static void
step(const struct msg_event *event)
{
    msg_effects_clear(&effects);
    broker_door_core_step(door, now, event, &effects);
}

static void
knock_bytes(uint64_t link, const char *source, struct msg_span bytes)
{
    const struct msg_event event = {.kind = EVENT_FRAME, .link = link, .key = carol.transport,
                                    .source = msg_text(source), .bytes = bytes};

    step(&event);
}

static void
knock(uint64_t link, const char *source, enum msg_kind what, const void *message)
{
    struct msg_buf frame = {frame_bytes, 0, sizeof frame_bytes};

    assert_int_equal(msg_codec_encode(&frame, what, message), CONCLAVE_OK);
    knock_bytes(link, source, msg_span_of_buf(&frame));
}

static void
knock_signup(uint64_t link, const char *source, const char *name, const char *password)
{
    struct msg_signup signup;

    fake_device_signup(&carol, &registry, &signup, name, password);
    knock(link, source, MSG_SIGNUP, &signup);
}

/* The n-th frame that the last step sent to that link. */
static bool
sent(uint64_t link, size_t n)
{
    for (size_t i = 0; i < effects.count; i++)
        if (effects.list[i].kind == EFFECT_SEND && effects.list[i].id == link && n-- == 0)
            return msg_codec_decode(msg_effects_bytes(&effects, &effects.list[i]), &kind, &any) == CONCLAVE_OK;
    return false;
}

static bool
dropped(uint64_t link)
{
    for (size_t i = 0; i < effects.count; i++)
        if (effects.list[i].kind == EFFECT_DROP && effects.list[i].id == link)
            return true;
    return false;
}

static void
expect_error(uint64_t link, const char *code)
{
    assert_true(sent(link, 0));
    assert_int_equal(kind, MSG_ERROR);
    assert_int_equal(any.MSG_ANY_ERROR.code.len, strlen(code));
    assert_memory_equal(any.MSG_ANY_ERROR.code.at, code, strlen(code));
}

static uint64_t
expect_asked(void)
{
    assert_true(sent(BROKER_LINK_FRONT, 0));
    assert_int_equal(kind, MSG_DOOR_ASK);
    return any.MSG_ANY_DOOR_ASK.ticket;
}

static void
answer(uint64_t ticket)
{
    uint8_t inner_bytes[64], outer_bytes[128];
    struct msg_buf inner = {inner_bytes, 0, sizeof inner_bytes}, outer = {outer_bytes, 0, sizeof outer_bytes};
    const struct msg_done done = {7};
    struct msg_event event = {.kind = EVENT_FRAME, .link = BROKER_LINK_FRONT};

    assert_int_equal(msg_codec_encode(&inner, MSG_DONE, &done), CONCLAVE_OK);
    const struct msg_door_tell tell = {ticket, msg_span_of_buf(&inner)};
    assert_int_equal(msg_codec_encode(&outer, MSG_DOOR_TELL, &tell), CONCLAVE_OK);
    event.bytes = msg_span_of_buf(&outer);
    step(&event);
}

static void
it_says_its_key_to_the_front(void **state)
{
    const struct msg_event up = {.kind = EVENT_LINK_UP, .link = BROKER_LINK_FRONT};

    (void)state;
    step(&up);
    assert_true(sent(BROKER_LINK_FRONT, 0));
    assert_int_equal(kind, MSG_DOOR_POLICY);
    assert_memory_equal(any.MSG_ANY_DOOR_POLICY.door.at, settings.door.at, 32);
}

static void
a_good_question_goes_to_the_front_and_its_answer_to_the_stranger(void **state)
{
    (void)state;
    knock_signup(50, "::ffff:192.0.2.1", "carol", "correct horse");
    const uint64_t ticket = expect_asked();
    assert_memory_equal(any.MSG_ANY_DOOR_ASK.key.at, carol.transport.at, 32);
    assert_memory_equal(any.MSG_ANY_DOOR_ASK.source.at, "192.0.2.1", any.MSG_ANY_DOOR_ASK.source.len);
    answer(ticket);
    assert_true(sent(50, 0));
    assert_int_equal(kind, MSG_DONE);
    answer(ticket); /* doubled on its way: said once */
    assert_false(sent(50, 0));
}

static uint64_t
took(enum broker_knock which, struct msg_histogram *times)
{
    struct broker_door_counts counts;

    broker_door_core_counts(door, &counts);
    *times = counts.took[which];
    return msg_histogram_count(times);
}

static void
it_counts_how_long_those_took_that_were_let_in_by_kind(void **state)
{
    struct msg_histogram times;
    struct msg_signup enrol;

    (void)state;
    knock_signup(7, "192.0.2.1", "carol", "password123"); /* refused by the door itself */
    knock_signup(7, "192.0.2.1", "carol", "correct horse");
    const uint64_t ticket = expect_asked();
    now.mono_ms += 40;
    assert_int_equal(took(BROKER_KNOCK_SIGNUP, &times), 0);
    answer(ticket);
    assert_int_equal(took(BROKER_KNOCK_SIGNUP, &times), 1);
    assert_int_equal(times.sum_us, 40000);
    fake_device_signup(&carol, &registry, &enrol, "carol", "correct horse");
    knock(8, "192.0.2.1", MSG_ENROL, &enrol);
    now.mono_ms += 30000; /* the front is silent, and the door answers */
    step(&(struct msg_event){.kind = EVENT_WAKE});
    expect_error(8, "busy");
    assert_int_equal(took(BROKER_KNOCK_ENROL, &times), 1);
    assert_int_equal(times.sum_us, 30000000);
    assert_int_equal(took(BROKER_KNOCK_SIGNUP, &times), 1);
    assert_int_equal(took(BROKER_KNOCK_PASSWD, &times), 0);
}

static void
bad_names_passwords_and_proofs_do_not_reach_the_front(void **state)
{
    struct msg_signup signup;

    (void)state;
    knock_signup(50, "192.0.2.1", "-", "correct horse");
    expect_error(50, "bad-name");
    knock_signup(50, "192.0.2.1", "carol", "short");
    expect_error(50, "weak-password");
    knock_signup(50, "192.0.2.1", "carol", "password123");
    expect_error(50, "weak-password");
    assert_memory_equal(any.MSG_ANY_ERROR.text.at, "The password is in every list.", any.MSG_ANY_ERROR.text.len);
    fake_device_signup(&carol, &registry, &signup, "carol", "correct horse");
    signup.proof.at[0] ^= 1;
    knock(50, "192.0.2.1", MSG_SIGNUP, &signup);
    expect_error(50, "signature");
    assert_false(sent(BROKER_LINK_FRONT, 0));
}

static void
a_password_that_was_set_once_is_not_judged_when_enrolling(void **state)
{
    struct msg_signup signup;

    (void)state;
    fake_device_signup(&carol, &registry, &signup, "carol", "password123");
    knock(50, "192.0.2.1", MSG_ENROL, &signup);
    (void)expect_asked();
}

static void
garbage_is_refused_and_the_eighth_cuts(void **state)
{
    const uint8_t bad[] = {0xdd, 0x0f, 0x00, 0x00, 0x00};

    (void)state;
    for (int i = 0; i < 7; i++) {
        knock_bytes(50, "192.0.2.1", msg_span(bad, sizeof bad));
        expect_error(50, "short");
        assert_false(dropped(50));
    }
    knock_bytes(50, "192.0.2.1", msg_span(bad, sizeof bad));
    assert_true(dropped(50));
}

static void
a_frame_larger_than_a_knock_and_a_kind_for_members_are_refused(void **state)
{
    const struct msg_search search = {3, msg_text("bob")};

    (void)state;
    memset(frame_bytes, 0, sizeof frame_bytes);
    knock_bytes(50, "192.0.2.1", msg_span(frame_bytes, MSG_KNOCK_MAX + 1));
    expect_error(50, "too-large");
    knock(50, "192.0.2.1", MSG_SEARCH, &search);
    expect_error(50, "kind");
    assert_int_equal(any.MSG_ANY_ERROR.req, 3);
}

static void
one_source_is_limited_and_another_is_not(void **state)
{
    const uint8_t bad[] = {0x90};

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        knock_bytes(100 + i, "192.0.2.1", msg_span(bad, sizeof bad));
    knock_bytes(130, "192.0.2.1", msg_span(bad, sizeof bad));
    expect_error(130, "busy");
    assert_true(any.MSG_ANY_ERROR.retry_ms > 0 && any.MSG_ANY_ERROR.retry_ms <= 1001);
    knock_bytes(131, "192.0.2.2", msg_span(bad, sizeof bad));
    expect_error(131, "short");
    now.mono_ms += 1001;
    knock_bytes(132, "192.0.2.1", msg_span(bad, sizeof bad));
    expect_error(132, "short");
}

static void
sign_ups_of_one_source_are_limited_by_themselves(void **state)
{
    struct msg_signup signup;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        knock_signup(100 + i, "2001:db8::1", "carol", "correct horse");
        answer(expect_asked());
    }
    knock_signup(110, "2001:db8::2", "carol", "correct horse"); /* the same /64 */
    expect_error(110, "busy");
    fake_device_signup(&carol, &registry, &signup, "carol", "correct horse");
    knock(111, "2001:db8::2", MSG_ENROL, &signup);
    (void)expect_asked();
}

static void
what_waits_for_the_front_is_bounded(void **state)
{
    struct msg_signup signup;

    (void)state;
    fake_device_signup(&carol, &registry, &signup, "carol", "correct horse");
    for (unsigned i = 0; i < 4; i++) {
        knock(50, "192.0.2.1", MSG_ENROL, &signup);
        (void)expect_asked();
    }
    knock(50, "192.0.2.1", MSG_ENROL, &signup); /* a fifth of one connection */
    expect_error(50, "busy");
    for (unsigned i = 0; i < 4; i++) {
        knock(60 + i, "192.0.2.1", MSG_ENROL, &signup);
        (void)expect_asked();
    }
    knock(70, "192.0.2.1", MSG_ENROL, &signup); /* a ninth of all */
    expect_error(70, "busy");
}

static void
a_front_that_goes_away_or_is_silent_is_busy(void **state)
{
    const struct msg_event down = {.kind = EVENT_LINK_DOWN, .link = BROKER_LINK_FRONT};
    const struct msg_event wake = {.kind = EVENT_WAKE};

    (void)state;
    knock_signup(50, "192.0.2.1", "carol", "correct horse");
    step(&down);
    expect_error(50, "busy");
    knock_signup(51, "192.0.2.1", "carol", "correct horse");
    const uint64_t ticket = expect_asked();
    now.mono_ms += 25300;
    step(&wake);
    expect_error(51, "busy");
    answer(ticket);
    assert_false(sent(51, 0));
}

static void
a_stranger_who_left_is_forgotten(void **state)
{
    const struct msg_event down = {.kind = EVENT_LINK_DOWN, .link = 50};

    (void)state;
    knock_signup(50, "192.0.2.1", "carol", "correct horse");
    const uint64_t ticket = expect_asked();
    step(&down);
    answer(ticket);
    assert_false(sent(50, 0));
}

static void
a_door_started_again_does_not_take_old_answers_for_its_own(void **state)
{
    (void)state;
    knock_signup(50, "192.0.2.1", "carol", "correct horse");
    const uint64_t ticket = expect_asked();
    broker_door_core_destroy(&door);
    door = broker_door_core_new(&settings);
    assert_non_null(door);
    knock_signup(51, "192.0.2.1", "mallory", "correct horse");
    assert_int_not_equal(expect_asked(), ticket);
    answer(ticket);
    assert_false(sent(51, 0));
}

static void
a_door_that_stops_sends_those_who_wait_away(void **state)
{
    const struct msg_event stop = {.kind = EVENT_STOP};
    struct broker_door_counts counts;

    (void)state;
    knock_signup(50, "192.0.2.1", "carol", "correct horse");
    broker_door_core_counts(door, &counts);
    assert_int_equal(counts.pending, 1);
    step(&stop);
    expect_error(50, "busy");
    broker_door_core_counts(door, &counts);
    assert_int_equal(counts.pending, 0);
    knock_signup(50, "192.0.2.1", "carol", "correct horse");
    assert_int_equal(effects.count, 0);
}

static void
a_lower_limit_holds_from_its_reload_on(void **state)
{
    struct msg_signup signup;

    (void)state;
    settings.pending = 1;
    broker_door_core_set(door, &settings);
    fake_device_signup(&carol, &registry, &signup, "carol", "correct horse");
    knock(50, "192.0.2.1", MSG_ENROL, &signup);
    (void)expect_asked();
    knock(51, "192.0.2.1", MSG_ENROL, &signup);
    expect_error(51, "busy");
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(it_says_its_key_to_the_front),
        CASE(a_good_question_goes_to_the_front_and_its_answer_to_the_stranger),
        CASE(it_counts_how_long_those_took_that_were_let_in_by_kind),
        CASE(bad_names_passwords_and_proofs_do_not_reach_the_front),
        CASE(a_password_that_was_set_once_is_not_judged_when_enrolling),
        CASE(garbage_is_refused_and_the_eighth_cuts),
        CASE(a_frame_larger_than_a_knock_and_a_kind_for_members_are_refused),
        CASE(one_source_is_limited_and_another_is_not),
        CASE(sign_ups_of_one_source_are_limited_by_themselves),
        CASE(what_waits_for_the_front_is_bounded),
        CASE(a_front_that_goes_away_or_is_silent_is_busy),
        CASE(a_stranger_who_left_is_forgotten),
        CASE(a_door_started_again_does_not_take_old_answers_for_its_own),
        CASE(a_door_that_stops_sends_those_who_wait_away),
        CASE(a_lower_limit_holds_from_its_reload_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
