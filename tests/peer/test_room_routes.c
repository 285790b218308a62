/* Claims about peer/rooms/room_routes: what the front is told of the devices that are
 * heard from themselves, and that nothing is missed where it goes by what it
 * was told before. */
#include "tests/peer/room_mesh_world.h"

/* What somebody said of its routes last; version 0: nothing. */
static uint64_t
last_said(uint64_t who, uint64_t *routes)
{
    uint64_t version = 0;
    for (size_t i = 0; i < mesh.said_count; i++)
        if (mesh.said[i].who == who) {
            version = mesh.said[i].version;
            *routes = mesh.said[i].routes;
        }
    return version;
}

static size_t
times_said(uint64_t who)
{
    size_t n = 0;
    for (size_t i = 0; i < mesh.said_count; i++)
        n += mesh.said[i].who == who;
    return n;
}

static void
all_that_are_heard_are_told_each_time_under_a_version_that_grows(void **state)
{
    (void)state;
    uint64_t routes = 0, before = 0;
    gather(DAN);
    const uint64_t version = last_said(BOB, &routes);
    assert_int_equal(routes, 1u << ADA | 1u << CAT | 1u << DAN);
    deafen(BOB, CAT);
    run(200);
    assert_true(last_said(BOB, &routes) > version);
    assert_int_equal(routes, 1u << ADA | 1u << DAN);
    for (size_t i = 0; i < mesh.said_count; i++) {
        assert_true(mesh.said[i].who != BOB || mesh.said[i].version > before);
        before = mesh.said[i].who == BOB ? mesh.said[i].version : before;
    }
}

static void
nothing_is_said_again_while_the_front_goes_by_it(void **state)
{
    (void)state;
    gather(CAT);
    deafen(BOB, CAT);
    run(200);
    const size_t times = times_said(BOB);
    w.side[BOB].routes_version--;
    front_state(BOB); /* was under way when he said them */
    w.side[BOB].routes_version++;
    for (int i = 0; i < 20; i++) {
        say(ADA, "on and on");
        run(1000);
        front_state(BOB);
    }
    assert_int_equal(times_said(BOB), times);
}

/* Bob does not hear ada any more, and the front does not hear of it. */
static void
what_the_front_leaves_out_by_routes_of_before_is_read_in_the_log(void **state)
{
    (void)state;
    gather(CAT);
    mesh.loses_routes = true;
    deafen(BOB, ADA);
    deafen(BOB, CAT);
    run(1000);
    say(ADA, "lost?");
    say(CAT, "lost, too?");
    assert_int_not_equal(w.side[BOB].routes, 0);
    w.side[BOB].routes = 1u << ADA; /* it goes by another one that comes late */
    say(CAT, "this is cast");
    run(500);
    assert_shown(BOB, "ada: hello|cat: hello|ada: lost?|cat: lost, too?|cat: this is cast|");
    assert_int_equal(count(BOB, MSG_TELL_GAP), 0);
    say(ADA, "and this is not");
    say(CAT, "but this");
    run(500);
    assert_shown(BOB, "ada: hello|cat: hello|ada: lost?|cat: lost, too?|cat: this is cast|ada: and this is not|cat: but this|");
    restart(BOB);
    assert_shown(BOB, "ada: hello|cat: hello|ada: lost?|cat: lost, too?|cat: this is cast|ada: and this is not|cat: but this|");
}

static void
they_are_said_again_every_two_seconds_until_the_front_goes_by_them(void **state)
{
    (void)state;
    uint64_t routes;
    gather(CAT);
    mesh.loses_routes = true;
    deafen(BOB, ADA);
    run(200);
    const size_t times = times_said(BOB);
    const uint64_t from_ms = w.now.mono_ms;
    for (int i = 0; i < 100; i++) {
        front_state(BOB); /* nothing else might come */
        run(100);
    }
    const size_t again = times_said(BOB) - times;
    assert_in_range(again, 4, 5);
    for (size_t i = 1, last = 0; i < mesh.said_count; i++)
        if (mesh.said[i].who == BOB && mesh.said[i].at_ms > from_ms) {
            assert_true(last == 0 || mesh.said[i].at_ms - mesh.said[last].at_ms >= 2000);
            last = i;
        }
    mesh.loses_routes = false;
    run(2000);
    front_state(BOB);
    run(3000);
    const uint64_t version = last_said(BOB, &routes);
    assert_int_equal(w.side[BOB].routes, routes);
    assert_int_equal(w.side[BOB].routes_version, version);
    const size_t settled = times_said(BOB);
    front_state(BOB);
    say(CAT, "all is well");
    run(5000);
    assert_int_equal(times_said(BOB), settled);
}

static void
routes_that_were_lost_when_they_began_are_told_again(void **state)
{
    (void)state;
    create(ADA, 0);
    join(BOB);
    mesh.loses_routes = true;
    front_state(ADA);
    front_state(BOB);
    run(1000);
    mesh.loses_routes = false;
    assert_int_equal(w.side[BOB].routes, 0);
    say(ADA, "comes on both ways");
    assert_shown(BOB, "ada: comes on both ways|");
    run(3000);
    assert_int_equal(w.side[BOB].routes, 1u << ADA);
}

static void
a_new_session_has_none_until_they_are_told(void **state)
{
    (void)state;
    gather(CAT);
    disconnect(BOB);
    w.side[BOB].routes = 0;
    say(ADA, "while you were away");
    connect(BOB);
    run(3000);
    assert_int_equal(w.side[BOB].routes, 1u << ADA | 1u << CAT);
    say(ADA, "welcome");
    assert_shown(BOB, "ada: hello|cat: hello|ada: while you were away|ada: welcome|");
}

/* The sender posts it when it reaches the front again: sealed anew, for those
 * who are there then. */
static void
what_came_directly_before_who_only_listened_went_is_not_shown_again(void **state)
{
    (void)state;
    gather_talking(CAT, BOB);
    disconnect(ADA);
    say(ADA, "once");
    assert_shown(CAT, "ada: hello|bob: hello|ada: once|");
    act(CAT, MSG_ACT_LEAVE, 0);
    join(CAT);
    connect(ADA);
    run(5000);
    say(ADA, "after");
    assert_shown(BOB, "ada: hello|ada: once|ada: after|");
    assert_shown(CAT, "ada: hello|bob: hello|ada: once|ada: after|");
}

static void
what_others_cast_in_a_new_epoch_leaves_the_keys_of_what_did_not_come_directly(void **state)
{
    (void)state;
    gather(4);
    deafen(CAT, BOB); /* what he says is cast to her, */
    deafen(CAT, DAN); /* and when he goes no route ends */
    run(5000);
    mesh.cut[CAT][ADA] = true;
    w.side[CAT].live = false; /* her tips come late, too */
    utter(ADA, "one");
    utter(ADA, "two");
    run(10);
    act(DAN, MSG_ACT_LEAVE, DAN);
    utter(ADA, "three");
    run(10);
    w.side[CAT].live = true;
    utter(BOB, "b");
    run(10);
    assert_shown(CAT, "ada: hello|bob: hello|dan: hello|bob: b|");
    kill_core(ADA); /* nobody can be asked for hers */
    front_state(CAT);
    run(5000);
    assert_shown(CAT, "ada: hello|bob: hello|dan: hello|bob: b|ada: one|ada: two|ada: three|");
}

/* Who said what the log has after that offset: the last frame of Ada's. */
static void
front_spoken(uint64_t to, uint64_t since)
{
    uint8_t at[128];
    struct msg_buf buf = {at, 0, sizeof at};
    union msg_any any;
    enum msg_kind kind;
    struct msg_room_spoken spoken = {.room = w.room.id, .since = since, .offset = w.offset};
    assert_int_equal(msg_codec_decode(msg_span(w.log[w.log_count - 1].frame.at, w.log[w.log_count - 1].frame.len), &kind, &any), CONCLAVE_OK);
    const struct msg_room_frame *frame = &any.MSG_ANY_ROOM_FRAME;
    assert_int_equal(frame->account, ADA);
    const struct msg_mark mark = {ADA, 1, frame->incarnation, frame->first + frame->count - 1, frame->head};
    assert_int_equal(msg_codec_append(&buf, &spoken.marks, MSG_MARK, &mark), CONCLAVE_OK);
    front_say(to, MSG_ROOM_SPOKEN, &spoken);
}

/* ada has said something more than they know all of: told so since then, bob
 * reads so many pages. */
static size_t
pages_read(uint64_t since)
{
    const size_t before = w.side[BOB].heard[MSG_ROOM_LOG];
    front_spoken(BOB, since);
    front_state(BOB);
    run(1000);
    return w.side[BOB].heard[MSG_ROOM_LOG] - before;
}

static void
what_came_by_itself_is_not_read_again(void **state)
{
    (void)state;
    gather(CAT);
    front_state(BOB);
    run(1000);
    for (int i = 0; i < 3; i++) {
        const uint64_t before = w.offset;
        say(ADA, "on and on");
        run(100);
        assert_int_equal(pages_read(before), 0);
        front_state(BOB); /* nor does the word of it alone make him */
        run(1000);
        assert_int_equal(pages_read(before), 0);
    }
    restart(BOB);
    assert_shown(BOB, "ada: hello|cat: hello|ada: on and on|ada: on and on|ada: on and on|");
}

static void
what_did_not_come_by_itself_is_read(void **state)
{
    (void)state;
    gather(CAT);
    front_state(BOB);
    run(1000);
    const uint64_t before = w.offset;
    mesh.cut[BOB][ADA] = true;
    say(ADA, "lost");
    assert_int_equal(pages_read(before), 1);
    assert_shown(BOB, "ada: hello|cat: hello|ada: lost|");
}

/* What was told of it before did not arrive: it may have been of somebody else. */
static void
what_nothing_was_told_of_is_read(void **state)
{
    (void)state;
    gather(CAT);
    front_state(BOB);
    run(1000);
    mesh.cut[BOB][CAT] = true;
    say(CAT, "lost");
    const uint64_t before = w.offset;
    say(ADA, "not lost");
    assert_int_equal(pages_read(before), 1);
    assert_shown(BOB, "ada: hello|cat: hello|ada: not lost|cat: lost|");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MESH_TEST(all_that_are_heard_are_told_each_time_under_a_version_that_grows),
        MESH_TEST(nothing_is_said_again_while_the_front_goes_by_it),
        MESH_TEST(what_the_front_leaves_out_by_routes_of_before_is_read_in_the_log),
        MESH_TEST(they_are_said_again_every_two_seconds_until_the_front_goes_by_them),
        MESH_TEST(routes_that_were_lost_when_they_began_are_told_again),
        MESH_TEST(a_new_session_has_none_until_they_are_told),
        MESH_TEST(what_came_directly_before_who_only_listened_went_is_not_shown_again),
        MESH_TEST(what_came_by_itself_is_not_read_again),
        MESH_TEST(what_did_not_come_by_itself_is_read),
        MESH_TEST(what_nothing_was_told_of_is_read),
        MESH_TEST(what_others_cast_in_a_new_epoch_leaves_the_keys_of_what_did_not_come_directly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
