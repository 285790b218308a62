/* Claims about peer/rooms/room_want: what is missed in a mesh while the registry is
 * away comes from who said it, or from others; and who is answered what. */
#include "peer/tables/kept.h"
#include "tests/peer/room_mesh_world.h"

/* The registry goes, and comes back. */
static void
alone(uint64_t count)
{
    for (uint64_t who = ADA; who <= count; who++)
        disconnect(who);
    run(100);
}

static void
back(uint64_t count)
{
    for (uint64_t who = ADA; who <= count; who++)
        connect(who);
    run(3000);
}

static struct msg_room_want
a_want(uint64_t of)
{
    return (struct msg_room_want){.room = w.room.id, .account = of, .device = 1};
}

/* As if `from` had published it, to one of them. */
static void
want(uint64_t from, uint64_t to, const struct msg_room_want *want)
{
    uint8_t at[512];
    struct msg_buf buf = {at, 0, sizeof at};
    assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_WANT, want), CONCLAVE_OK);
    deliver(to, from, msg_span_of_buf(&buf));
}

/* The n-th frame that somebody published. */
static struct msg_span
frame_of(uint64_t from, size_t n)
{
    for (size_t i = 0; i < mesh.published_count; i++)
        if (mesh.published[i].from == from && mesh.published[i].kind == MSG_ROOM_FRAME && n-- == 0)
            return msg_span(mesh.published[i].at, mesh.published[i].len);
    fail_msg("there is no such frame");
    return msg_span(NULL, 0);
}

static void
what_was_missed_comes_from_who_said_it(void **state)
{
    (void)state;
    gather(CAT);
    alone(CAT);
    mesh.cut[BOB][ADA] = mesh.cut[BOB][CAT] = true;
    say(ADA, "one");
    say(ADA, "two");
    mesh.cut[BOB][ADA] = false; /* nobody else can help, nor has said by now what he lacks */
    utter(ADA, "three");
    run(200);
    assert_shown(BOB, "ada: hello|cat: hello|"); /* what is before it may just be late */
    run(2000);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|ada: two|ada: three|");
    assert_shown(CAT, "ada: hello|bob: hello|ada: one|ada: two|ada: three|"); /* to her it came twice */
    mesh.cut[BOB][CAT] = false;
    back(CAT);
    say(ADA, "four");
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|ada: two|ada: three|ada: four|");
    assert_shown(CAT, "ada: hello|bob: hello|ada: one|ada: two|ada: three|ada: four|");
    assert_int_equal(count(BOB, MSG_TELL_GAP), 0);
}

/* Ada is heard, and hears nobody: what Bob and Cat lack they ask for in vain. */
static void
ask_in_vain(void)
{
    gather(CAT);
    alone(CAT);
    mesh.cut[BOB][ADA] = mesh.cut[CAT][ADA] = true;
    say(ADA, "one");
    mesh.cut[BOB][ADA] = mesh.cut[CAT][ADA] = false;
    mesh.cut[ADA][BOB] = mesh.cut[ADA][CAT] = true;
    utter(ADA, "two");
    run(100000);
    assert_shown(BOB, "ada: hello|cat: hello|");
}

/* And he has just done so: by himself he asks no more for some seconds. */
static void
just_ask_in_vain(void)
{
    ask_in_vain();
    for (size_t asked = published(BOB, MSG_ROOM_WANT); asked == published(BOB, MSG_ROOM_WANT);)
        run(50);
    run(500);
    mesh.cut[ADA][BOB] = mesh.cut[ADA][CAT] = false;
}

static void
who_asks_in_vain_asks_ever_more_rarely(void **state)
{
    (void)state;
    ask_in_vain();
    assert_in_range(published(BOB, MSG_ROOM_WANT), 8, 25); /* in 100 s: 0.3 s, 1 s, ... 15 s apart */
}

static void
who_asked_in_vain_asks_again_soon_when_more_is_missing(void **state)
{
    (void)state;
    just_ask_in_vain();
    utter(ADA, "three");
    run(1500);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|ada: two|ada: three|");
}

static void
who_asked_in_vain_asks_again_soon_when_somebody_is_heard_again(void **state)
{
    (void)state;
    just_ask_in_vain();
    deafen(BOB, ADA);
    mesh.dead[ADA] = false;
    while (mesh.sub[BOB][ADA] == 0)
        run(20);
    run(1500);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|ada: two|");
}

/* Bob does not hear ada: what he missed he knows by what cat says of it. */
static void
it_comes_from_another_where_who_said_it_is_not_heard(void **state)
{
    (void)state;
    gather(CAT);
    alone(CAT);
    mesh.cut[BOB][ADA] = true;
    say(ADA, "one");
    say(ADA, "two");
    run(20000);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|ada: two|");
    assert_true(published(CAT, MSG_ROOM_FRAME) > 1);
    back(CAT);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|ada: two|");
}

static void
what_came_is_kept_over_a_restart_until_there_is_a_log_again(void **state)
{
    (void)state;
    gather(CAT);
    alone(CAT);
    mesh.cut[BOB][ADA] = true;
    deafen(BOB, CAT);
    say(ADA, "one");
    run(100);
    assert_int_equal(records(CAT, PEER_TABLE_ROOM_FRAMES), 1);
    kill_core(ADA); /* for good */
    kill_core(CAT);
    mesh.xpub[CAT] = 0;
    mesh.dead[CAT] = false;
    boot(CAT);
    run(60000);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|");
    w.side[CAT].up = true;
    connect(CAT);
    run(3000);
    assert_int_equal(records(CAT, PEER_TABLE_ROOM_FRAMES), 0);
}

static void
what_is_not_kept_any_more_comes_from_the_outbox(void **state)
{
    (void)state;
    gather(BOB);
    alone(BOB);
    mesh.cut[BOB][ADA] = true;
    for (int i = 0; i < (int)PEER_KEPT_COUNT + 100; i++) {
        utter(ADA, "again");
        run(1);
    }
    mesh.cut[BOB][ADA] = false;
    run(60000);
    assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 1 + PEER_KEPT_COUNT + 100);
    back(BOB);
    assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 1 + PEER_KEPT_COUNT + 100);
    assert_int_equal(count(BOB, MSG_TELL_GAP), 0);
}

static void
who_is_asked_answers_and_nobody_else(void **state)
{
    (void)state;
    gather(CAT);
    alone(CAT);
    run(2000);
    const size_t cats = published(CAT, MSG_ROOM_FRAME);
    size_t adas = published(ADA, MSG_ROOM_FRAME);
    const struct msg_room_want asked = a_want(ADA);
    struct msg_room_want other = asked;
    other.room.at[0] ^= 1;
    want(BOB, CAT, &asked);
    assert_int_equal(published(CAT, MSG_ROOM_FRAME), cats);
    assert_int_equal(published(ADA, MSG_ROOM_FRAME), adas);
    want(BOB, ADA, &asked);
    assert_true(published(ADA, MSG_ROOM_FRAME) >= adas + 2); /* her own, and cat's */
    for (size_t n = adas; n < published(ADA, MSG_ROOM_FRAME); n++) {
        union msg_any any;
        enum msg_kind kind;
        assert_int_equal(msg_codec_decode(frame_of(ADA, n), &kind, &any), CONCLAVE_OK);
        assert_int_not_equal(any.MSG_ANY_ROOM_FRAME.account, BOB); /* he has his own */
    }
    assert_shown(CAT, "ada: hello|bob: hello|");
    run(2000);
    adas = published(ADA, MSG_ROOM_FRAME);
    want(BOB, ADA, &other); /* nothing that he may say there */
    assert_int_equal(published(ADA, MSG_ROOM_FRAME), adas);
    assert_int_equal(mesh.sub[ADA][BOB], 0);
}

static void
what_the_asker_has_is_not_sent(void **state)
{
    (void)state;
    uint8_t at[128];
    struct msg_buf list = {at, 0, sizeof at};
    gather(BOB);
    say(ADA, "two");
    alone(BOB);
    run(2000);
    union msg_any any;
    enum msg_kind kind;
    assert_int_equal(msg_codec_decode(frame_of(ADA, 0), &kind, &any), CONCLAVE_OK);
    const struct msg_mark mark = {ADA, 1, any.MSG_ANY_ROOM_FRAME.incarnation, 1, {{0}}};
    struct msg_room_want asked = a_want(ADA);
    assert_int_equal(msg_codec_append(&list, &asked.have, MSG_MARK, &mark), CONCLAVE_OK);
    const size_t before = published(ADA, MSG_ROOM_FRAME);
    want(BOB, ADA, &asked);
    assert_int_equal(published(ADA, MSG_ROOM_FRAME), before + 1);
    assert_int_equal(msg_codec_decode(frame_of(ADA, before), &kind, &any), CONCLAVE_OK);
    assert_int_equal(any.MSG_ANY_ROOM_FRAME.first, 2);
}

static void
one_who_asks_on_and_on_is_answered_twice_a_second_and_all_so_much(void **state)
{
    (void)state;
    static char text[40001];
    gather(CAT);
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 8; i++)
        say(ADA, text);
    alone(CAT);
    run(2000);
    const struct msg_room_want asked = a_want(ADA);
    size_t before = published(ADA, MSG_ROOM_FRAME);
    for (int i = 0; i < 10; i++)
        want(BOB, ADA, &asked);
    const size_t once = published(ADA, MSG_ROOM_FRAME) - before;
    assert_in_range(once, 3, 7); /* 128 KiB, of 320; and some short ones */
    for (int i = 0; i < 10; i++)
        want(CAT, ADA, &asked);
    run(600);
    want(BOB, ADA, &asked); /* within the second: no more of it is left */
    assert_true(published(ADA, MSG_ROOM_FRAME) - before <= 2 * once);
    run(2000);
    before = published(ADA, MSG_ROOM_FRAME);
    want(BOB, ADA, &asked);
    assert_true(published(ADA, MSG_ROOM_FRAME) > before);
}

/* It would come to dan, too. */
static void
what_was_said_before_somebody_came_is_not_sent_but_what_all_were_there_for(void **state)
{
    (void)state;
    gather(CAT);
    act(ADA, MSG_ACT_KICK, CAT); /* the second epoch */
    join(DAN);
    front_state(DAN);
    run(3000);
    say(ADA, "new here");
    alone(DAN);
    run(2000);
    const struct msg_room_want asked = a_want(ADA);
    const size_t before = published(ADA, MSG_ROOM_FRAME);
    want(BOB, ADA, &asked);
    assert_true(published(ADA, MSG_ROOM_FRAME) > before);
    for (size_t n = before; n < published(ADA, MSG_ROOM_FRAME); n++) {
        union msg_any any;
        enum msg_kind kind;
        assert_int_equal(msg_codec_decode(frame_of(ADA, n), &kind, &any), CONCLAVE_OK);
        assert_int_equal(any.MSG_ANY_ROOM_FRAME.epoch, w.room.epoch);
    }
}

static void
what_is_passed_on_is_checked_as_any_frame(void **state)
{
    (void)state;
    uint8_t changed[4096];
    gather(CAT);
    alone(CAT);
    for (uint64_t to = BOB; to <= CAT; to++)
        for (uint64_t from = ADA; from <= CAT; from++)
            mesh.cut[to][from] = true;
    say(ADA, "one");
    const struct msg_span frame = frame_of(ADA, published(ADA, MSG_ROOM_FRAME) - 1);
    run(5000);
    deliver(BOB, CAT, frame); /* he misses nothing that he knows of */
    run(100);
    assert_shown(BOB, "ada: hello|cat: hello|");
    mesh.cut[BOB][ADA] = false;
    run(16000); /* ada says where she stands */
    memcpy(changed, frame.at, frame.len);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|");
    assert_int_not_equal(mesh.sub[BOB][CAT], 0);
    mesh.cut[BOB][ADA] = true;
    say(ADA, "two");
    const struct msg_span next = frame_of(ADA, published(ADA, MSG_ROOM_FRAME) - 1);
    memcpy(changed, next.at, next.len);
    changed[next.len - 1] ^= 1;
    struct msg_room_receipt heads = {.room = w.room.id, .account = CAT, .device = 1};
    union msg_any any;
    enum msg_kind kind;
    uint8_t list_at[128], heads_at[512];
    struct msg_buf list = {list_at, 0, sizeof list_at}, buf = {heads_at, 0, sizeof heads_at};
    assert_int_equal(msg_codec_decode(next, &kind, &any), CONCLAVE_OK);
    const struct msg_mark mark = {ADA, 1, any.MSG_ANY_ROOM_FRAME.incarnation, any.MSG_ANY_ROOM_FRAME.first, {{0}}};
    assert_int_equal(msg_codec_append(&list, &heads.marks, MSG_MARK, &mark), CONCLAVE_OK);
    msg_room_sign_receipt(&heads, &w.side[DAN].id.sign_sec); /* in cat's name */
    assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_RECEIPT, &heads), CONCLAVE_OK);
    deliver(BOB, CAT, msg_span_of_buf(&buf));
    run(100);
    deliver(BOB, CAT, next);
    run(100);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|"); /* nothing is known to be missing, still */
    buf.len = 0;
    msg_room_sign_receipt(&heads, &w.side[CAT].id.sign_sec);
    assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_RECEIPT, &heads), CONCLAVE_OK);
    deliver(BOB, CAT, msg_span_of_buf(&buf));
    run(100);
    deliver(BOB, CAT, msg_span(changed, next.len));
    run(100);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|");
    deliver(BOB, CAT, next);
    run(100);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|ada: two|");
}

static void
nothing_is_asked_of_members_while_the_registry_is_there(void **state)
{
    (void)state;
    gather(CAT);
    mesh.cut[BOB][ADA] = true;
    say(ADA, "one");
    say(ADA, "two");
    run(20000);
    front_state(BOB);
    run(2000);
    for (uint64_t who = ADA; who <= CAT; who++)
        assert_int_equal(published(who, MSG_ROOM_WANT), 0);
    assert_shown(BOB, "ada: hello|cat: hello|ada: one|ada: two|");
}

/* Somebody says that there is ever more: asked for ever more rarely. */
static void
what_nobody_has_is_asked_for_ever_more_rarely(void **state)
{
    (void)state;
    uint8_t at[256];
    struct msg_buf buf = {at, 0, sizeof at};
    gather(CAT);
    alone(CAT);
    struct msg_room_tip tip = {.room = w.room.id, .account = CAT, .device = 1, .incarnation = UINT64_C(1) << 50, .salt = 7, .number = 9};
    msg_room_sign_tip(&tip, &w.side[CAT].id.sign_sec);
    assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_TIP, &tip), CONCLAVE_OK);
    deliver(BOB, CAT, msg_span_of_buf(&buf));
    run(10 * 60000);
    assert_in_range(published(BOB, MSG_ROOM_WANT), 20, 90);
    assert_int_equal(published(ADA, MSG_ROOM_WANT), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MESH_TEST(what_was_missed_comes_from_who_said_it),
        MESH_TEST(who_asks_in_vain_asks_ever_more_rarely),
        MESH_TEST(who_asked_in_vain_asks_again_soon_when_more_is_missing),
        MESH_TEST(who_asked_in_vain_asks_again_soon_when_somebody_is_heard_again),
        MESH_TEST(it_comes_from_another_where_who_said_it_is_not_heard),
        MESH_TEST(what_came_is_kept_over_a_restart_until_there_is_a_log_again),
        MESH_TEST(what_is_not_kept_any_more_comes_from_the_outbox),
        MESH_TEST(who_is_asked_answers_and_nobody_else),
        MESH_TEST(what_the_asker_has_is_not_sent),
        MESH_TEST(one_who_asks_on_and_on_is_answered_twice_a_second_and_all_so_much),
        MESH_TEST(what_was_said_before_somebody_came_is_not_sent_but_what_all_were_there_for),
        MESH_TEST(what_is_passed_on_is_checked_as_any_frame),
        MESH_TEST(nothing_is_asked_of_members_while_the_registry_is_there),
        MESH_TEST(what_nobody_has_is_asked_for_ever_more_rarely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
