/* Rosters as a member follows them: entry by entry, checked, told once they
 * are on disk, and never past one that does not hold. */
#include "tests/peer/room_front.h"

/* Bob's room, with Ada in it. */
static void
den(void)
{
    w.deaf = true; /* Ada has no part in it yet */
    act(BOB, MSG_ACT_CREATE, 0);
    act(CAT, MSG_ACT_JOIN, 0);
    act(BOB, MSG_ACT_INVITE, ADA);
    w.deaf = false;
    act(ADA, MSG_ACT_JOIN, 0);
    settle();
    w.told_count = 0;
}

static struct msg_span
cert_of(uint64_t who)
{
    return msg_span(w.people[who].cert, w.people[who].cert_len);
}

static void
an_invitation_is_told_and_what_was_before_it_is_not(void **state)
{
    (void)state;
    w.deaf = true;
    act(BOB, MSG_ACT_CREATE, 0);
    act(CAT, MSG_ACT_JOIN, 0);
    w.deaf = false;
    act(BOB, MSG_ACT_INVITE, ADA); /* pushed: it is her first of that room */
    settle();
    assert_int_equal(count(MSG_TELL_ROOM), 1);
    assert_event(0, MSG_ACT_INVITE, "ada", "bob");
    w.told_count = 0;
    restart();
    assert_int_equal(count(MSG_TELL_ROOM), 0); /* it was told */
}

static void
what_was_not_shown_before_a_crash_is_told_after_it(void **state)
{
    (void)state;
    den();
    act(DAN, MSG_ACT_JOIN, 0);
    settle();
    const uint64_t shown = w.shown;
    act(BOB, MSG_ACT_KICK, DAN);
    act(DAN, MSG_ACT_JOIN, 0);
    settle();
    w.shown = shown; /* it ends between its disk and its user */
    restart();
    assert_int_equal(count(MSG_TELL_ROOM), 2);
    assert_event(0, MSG_ACT_KICK, "dan", "bob");
    assert_event(1, MSG_ACT_JOIN, "dan", "dan");
    restart();
    assert_int_equal(count(MSG_TELL_ROOM), 0);
}

static void
an_invitation_that_came_while_away_is_told(void **state)
{
    (void)state;
    cut();
    act(BOB, MSG_ACT_CREATE, 0);
    act(BOB, MSG_ACT_INVITE, ADA);
    act(CAT, MSG_ACT_JOIN, 0);
    come_back();
    assert_int_equal(count(MSG_TELL_ROOM), 1);
    assert_event(0, MSG_ACT_INVITE, "ada", "bob");
}

static void
who_joins_is_told_the_topic_and_the_others_are_not_once_more(void **state)
{
    (void)state;
    w.deaf = true;
    act(BOB, MSG_ACT_CREATE, 0);
    act(CAT, MSG_ACT_JOIN, 0);
    w.deaf = false;
    act(ADA, MSG_ACT_JOIN, 0);
    settle();
    act(DAN, MSG_ACT_JOIN, 0);
    settle();
    assert_int_equal(count(MSG_TELL_ROOM), 2);
    assert_event(0, MSG_ACT_JOIN, "ada", "ada");
    assert_true(reads(told(MSG_TELL_ROOM, 0)->MSG_ANY_TELL_ROOM.text, "lions"));
    assert_event(1, MSG_ACT_JOIN, "dan", "dan");
    assert_true(reads(told(MSG_TELL_ROOM, 1)->MSG_ANY_TELL_ROOM.text, ""));
}

static void
what_happens_in_a_room_is_told_once_it_is_on_disk(void **state)
{
    (void)state;
    den();
    act(DAN, MSG_ACT_JOIN, 0);
    assert_int_equal(count(MSG_TELL_ROOM), 0);
    commit();
    assert_event(0, MSG_ACT_JOIN, "dan", "dan");
    act(BOB, MSG_ACT_KICK, DAN);
    act(BOB, MSG_ACT_TOPIC, 0);
    act(BOB, MSG_ACT_PROMOTE, ADA);
    act(BOB, MSG_ACT_LEAVE, CAT); /* who owns it from now on */
    commit();
    assert_event(1, MSG_ACT_KICK, "dan", "bob");
    assert_event(2, MSG_ACT_TOPIC, "", "bob");
    assert_true(reads(told(MSG_TELL_ROOM, 2)->MSG_ANY_TELL_ROOM.text, "lions"));
    assert_event(3, MSG_ACT_PROMOTE, "ada", "bob");
    assert_event(4, MSG_ACT_LEAVE, "bob", "bob");
    assert_true(reads(told(MSG_TELL_ROOM, 4)->MSG_ANY_TELL_ROOM.text, "cat"));
}

static void
what_happened_while_away_is_read_page_by_page_and_told(void **state)
{
    (void)state;
    den();
    restart();
    cut();
    act(DAN, MSG_ACT_JOIN, 0);
    act(BOB, MSG_ACT_MUTE, DAN);
    act(BOB, MSG_ACT_UNMUTE, DAN);
    act(DAN, MSG_ACT_LEAVE, 0);
    act(BOB, MSG_ACT_KICK, ADA);
    act(BOB, MSG_ACT_TOPIC, 0); /* no longer hers to know */
    w.page = 2;
    come_back();
    assert_int_equal(count(MSG_TELL_ROOM), 5);
    assert_event(0, MSG_ACT_JOIN, "dan", "dan");
    assert_event(3, MSG_ACT_LEAVE, "dan", "dan");
    assert_event(4, MSG_ACT_KICK, "ada", "bob");
}

static void
a_lost_push_is_found_by_the_next_one(void **state)
{
    (void)state;
    den();
    w.deaf = true;
    act(DAN, MSG_ACT_JOIN, 0);
    w.deaf = false;
    act(BOB, MSG_ACT_MUTE, DAN);
    settle();
    assert_event(0, MSG_ACT_JOIN, "dan", "dan");
    assert_event(1, MSG_ACT_MUTE, "dan", "bob");
    assert_int_equal(count(MSG_TELL_ROOM), 2);
}

static void
a_repeated_entry_is_told_once(void **state)
{
    (void)state;
    den();
    act(DAN, MSG_ACT_JOIN, 0);
    entries(0, 0, w.room.facts.number);
    settle();
    assert_int_equal(count(MSG_TELL_ROOM), 1);
    assert_int_equal(w.asked[MSG_ENTRIES_OF], 1); /* when she was invited; there is nothing to look for */
}

/* ---- what does not hold ---- */

/* An entry that the front makes up: it is in its order, and in nobody's. */
static void
make_up(struct msg_span op, struct msg_span certificate)
{
    w.room.facts.number++;
    append(op, certificate, false);
    settle();
}

static void
assert_refused(void)
{
    assert_int_equal(count(MSG_TELL_ROOM), 0);
    assert_int_equal(count(MSG_TELL_NOTICE), 1);
    assert_int_equal(noticed(), CONCLAVE_ERR_SIGNATURE);
    w.told_count = 0;
    act(BOB, MSG_ACT_TOPIC, 0); /* after it nothing is believed */
    settle();
    cut();
    come_back(); /* and it is not told again */
    assert_int_equal(count(MSG_TELL_ROOM), 0);
    assert_int_equal(count(MSG_TELL_NOTICE), 0);
}

/* What one says that the other does: signed by `signer`. */
static struct msg_span
sign_as(uint64_t actor, uint64_t signer, uint8_t at[MSG_ROOM_OP_MAX])
{
    struct msg_buf buf = {at, 0, MSG_ROOM_OP_MAX};
    const struct msg_room_op op = {.room = w.room.facts.id, .act = MSG_ACT_KICK, .account = actor, .device = 1, .subject = CAT,
                                   .seen = w.room.facts.number, .seen_head = w.room.facts.head};
    assert_int_equal(msg_room_sign_op(&buf, &op, &w.people[signer].id.sign_sec), CONCLAVE_OK);
    return msg_span_of_buf(&buf);
}

static void
an_operation_that_another_device_signed_is_refused(void **state)
{
    (void)state;
    den();
    uint8_t at[MSG_ROOM_OP_MAX];
    make_up(sign_as(BOB, CAT, at), cert_of(BOB));
    assert_refused();
}

static void
an_operation_in_the_name_of_another_account_is_refused(void **state)
{
    (void)state;
    den();
    uint8_t at[MSG_ROOM_OP_MAX];
    make_up(sign_as(BOB, CAT, at), cert_of(CAT));
    assert_refused();
}

static void
who_owns_a_room_is_known_after_a_restart(void **state)
{
    (void)state;
    den();
    act(BOB, MSG_ACT_PROMOTE, CAT);
    settle();
    restart();
    uint8_t at[MSG_ROOM_OP_MAX];
    make_up(sign(CAT, (struct msg_room_op){.act = MSG_ACT_PROMOTE, .subject = ADA}, at), cert_of(CAT)); /* hers only in a room without owner */
    assert_refused();
}

static void
a_certificate_that_the_registry_did_not_sign_is_refused(void **state)
{
    (void)state;
    den();
    uint8_t at[MSG_ROOM_OP_MAX];
    struct msg_sign_pub other;
    msg_keys_new_sign(&other, &w.signer_sec);
    new_keys(&w.people[DAN]);
    certify(DAN, 1, &w.people[DAN], "dan", 9);
    make_up(sign(DAN, (struct msg_room_op){.act = MSG_ACT_JOIN}, at), cert_of(DAN));
    assert_refused();
}

static void
what_the_actor_may_not_do_is_refused(void **state)
{
    (void)state;
    den();
    uint8_t at[MSG_ROOM_OP_MAX];
    make_up(sign(CAT, (struct msg_room_op){.act = MSG_ACT_KICK, .subject = BOB}, at), cert_of(CAT));
    assert_refused();
}

static void
an_operation_that_counted_already_is_refused(void **state)
{
    (void)state;
    den();
    act(CAT, MSG_ACT_LEAVE, 0);
    settle();
    w.told_count = 0;
    make_up(w.room.entries[1].entry.op, cert_of(CAT)); /* her JOIN, again */
    assert_refused();
}

static void
an_actor_who_saw_another_roster_is_refused(void **state)
{
    (void)state;
    den();
    uint8_t at[MSG_ROOM_OP_MAX];
    w.room.heads[w.room.facts.number].at[0] ^= 1;
    const struct msg_span op = sign(DAN, (struct msg_room_op){.act = MSG_ACT_JOIN}, at);
    make_up(op, cert_of(DAN));
    assert_refused();
}

static void
the_registry_takes_nobody_in_and_out_but_the_revoked(void **state)
{
    (void)state;
    den();
    uint8_t at[MSG_ROOM_OP_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_room_op op = {.room = DEN, .act = MSG_ACT_REVOKED, .subject = CAT, .subject_device = 2};
    assert_int_equal(msg_room_sign_op(&buf, &op, NULL), CONCLAVE_OK);
    assert_int_equal(order(msg_span_of_buf(&buf), msg_span(NULL, 0)), CONCLAVE_OK);
    settle();
    assert_event(0, MSG_ACT_REVOKED, "cat", "");
    assert_true(reads(told(MSG_TELL_ROOM, 0)->MSG_ANY_TELL_ROOM.text, "2"));
    buf.len = 0;
    op.subject_device = 0;
    assert_int_equal(msg_room_sign_op(&buf, &op, NULL), CONCLAVE_OK);
    assert_int_equal(order(msg_span_of_buf(&buf), msg_span(NULL, 0)), CONCLAVE_OK);
    settle();
    assert_event(1, MSG_ACT_REVOKED, "cat", "");
    assert_true(reads(told(MSG_TELL_ROOM, 1)->MSG_ANY_TELL_ROOM.text, ""));
    w.told_count = 0;
    buf.len = 0;
    op = (struct msg_room_op){.room = DEN, .act = MSG_ACT_JOIN, .account = DAN, .device = 1, .seen = w.room.facts.number, .seen_head = w.room.facts.head};
    assert_int_equal(msg_room_sign_op(&buf, &op, NULL), CONCLAVE_OK);
    make_up(msg_span_of_buf(&buf), msg_span(NULL, 0));
    assert_refused();
}

static void
another_key_under_a_known_device_is_told_and_refused(void **state)
{
    (void)state;
    den();
    uint8_t at[MSG_ROOM_OP_MAX];
    new_keys(&w.people[CAT]);
    certify(CAT, 1, &w.people[CAT], "cat", 9);
    make_up(sign(CAT, (struct msg_room_op){.act = MSG_ACT_LEAVE}, at), cert_of(CAT));
    assert_int_equal(count(MSG_TELL_ROOM), 0);
    assert_int_equal(noticed(), CONCLAVE_ERR_PEER_KEY_CHANGED);
    assert_true(reads(told(MSG_TELL_NOTICE, 0)->MSG_ANY_TELL_NOTICE.name, "cat"));
    restart(); /* the pin is on disk */
    assert_int_equal(noticed(), CONCLAVE_ERR_PEER_KEY_CHANGED);
}

/* What somebody saw long ago is not kept over a restart: it is proved by the
 * entries since. */
static void
an_older_head_is_proved_by_the_entries_after_it(void **state)
{
    (void)state;
    uint8_t at[MSG_ROOM_OP_MAX], wrong_at[MSG_ROOM_OP_MAX];
    den();
    const struct msg_span op = sign(DAN, (struct msg_room_op){.act = MSG_ACT_JOIN}, at); /* seen: 4 */
    w.room.heads[4].at[0] ^= 1;
    const struct msg_span wrong = sign(DAN, (struct msg_room_op){.act = MSG_ACT_JOIN}, wrong_at);
    w.room.heads[4].at[0] ^= 1;
    for (int i = 0; i < 3; i++)
        act(BOB, MSG_ACT_TOPIC, 0);
    settle();
    for (int turn = 0; turn < 2; turn++) {
        struct front_room before = w.room;
        restart();
        w.page = 1;
        const struct msg_span saw = turn == 0 ? wrong : op;
        if (turn == 1)
            assert_int_equal(order(saw, cert_of(DAN)), CONCLAVE_OK);
        else
            make_up(saw, cert_of(DAN));
        settle();
        if (turn == 0) {
            assert_int_equal(count(MSG_TELL_ROOM), 0);
            assert_int_equal(noticed(), CONCLAVE_ERR_SIGNATURE);
            w.room = before; /* the entries point into it: the same place */
        } else
            assert_event(0, MSG_ACT_JOIN, "dan", "dan");
    }
}

static void
what_was_seen_long_ago_is_refused_and_not_searched_for(void **state)
{
    (void)state;
    uint8_t at[MSG_ROOM_OP_MAX];
    den();
    const struct msg_span op = sign(DAN, (struct msg_room_op){.act = MSG_ACT_JOIN}, at);
    for (unsigned i = 0; i < MSG_ROOM_SEEN_MAX; i++) {
        act(BOB, MSG_ACT_TOPIC, 0);
        settle();
        w.told_count = 0;
    }
    restart();
    const uint64_t asked = w.asked[MSG_ENTRIES_OF];
    make_up(op, cert_of(DAN)); /* a registry that lets it pass */
    settle();
    assert_int_equal(w.asked[MSG_ENTRIES_OF], asked);
    assert_refused();
}

/* ---- ends ---- */

static size_t
records(enum peer_table table)
{
    size_t n = 0;
    for (size_t i = 0; i < w.record_count; i++)
        n += w.records[i].table == table;
    return n;
}

static void
a_deleted_room_leaves_no_records(void **state)
{
    (void)state;
    den();
    assert_int_equal(records(PEER_TABLE_ROOMS), 1);
    assert_int_equal(records(PEER_TABLE_ROOM_MATES), 3);
    assert_int_equal(records(PEER_TABLE_CARDS), 2); /* Bob and Cat; our own key is no card */
    act(BOB, MSG_ACT_DELETE, 0);
    settle();
    assert_event(0, MSG_ACT_DELETE, "", "bob");
    assert_int_equal(records(PEER_TABLE_ROOMS), 0);
    assert_int_equal(records(PEER_TABLE_ROOM_MATES), 0);
}

static void
deleting_the_account_leaves_no_records_of_rooms(void **state)
{
    (void)state;
    den();
    const struct msg_done delete_account = {1};
    command(MSG_CMD_DELETE_ACCOUNT, &delete_account);
    settle();
    assert_int_equal(count(MSG_TELL_OK), 1);
    for (uint32_t table = PEER_TABLE_ROOMS; table < PEER_TABLES; table++)
        assert_int_equal(records(table), 0);
}

static void
a_revoked_device_is_no_longer_known(void **state)
{
    (void)state;
    den();
    uint8_t body_at[512], list_at[1024], item_at[128];
    struct msg_buf body = {body_at, 0, sizeof body_at}, list = {list_at, 0, sizeof list_at}, items = {item_at, 0, sizeof item_at};
    struct msg_revocations revocations = {.version = 1, .issued_ms = 1};
    const struct msg_revocation cat = {1, CAT, 1, 1};
    struct msg_sig sig;
    assert_int_equal(msg_codec_append(&items, &revocations.entries, MSG_REVOCATION, &cat), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&body, MSG_REVOCATIONS, &revocations), CONCLAVE_OK);
    assert_int_equal(msg_cert_sign(&sig, msg_span_of_buf(&body), &w.signer_sec), CONCLAVE_OK);
    assert_int_equal(msg_cert_wrap(&list, msg_span_of_buf(&body), &sig), CONCLAVE_OK);
    say(MSG_PONG, &(struct msg_pong){w.now.wall_ms, 1});
    union msg_any any;
    enum msg_kind kind;
    assert_int_equal(w.sent_count - w.sent_done, 1);
    assert_int_equal(msg_codec_decode(msg_span(w.sent[w.sent_done].at, w.sent[w.sent_done].len), &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_LIST_REVOKED);
    say(MSG_REVOKED, &(struct msg_revoked){any.MSG_ANY_LIST_REVOKED.req, msg_span_of_buf(&list)});
    settle();
    assert_int_equal(records(PEER_TABLE_CARDS), 1);
    act(CAT, MSG_ACT_LEAVE, 0); /* it stands in the roster; but its card does not come back */
    settle();
    assert_event(0, MSG_ACT_LEAVE, "cat", "cat");
    assert_int_equal(records(PEER_TABLE_CARDS), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_invitation_is_told_and_what_was_before_it_is_not),
        TEST(what_was_not_shown_before_a_crash_is_told_after_it),
        TEST(an_invitation_that_came_while_away_is_told),
        TEST(who_joins_is_told_the_topic_and_the_others_are_not_once_more),
        TEST(what_happens_in_a_room_is_told_once_it_is_on_disk),
        TEST(what_happened_while_away_is_read_page_by_page_and_told),
        TEST(a_lost_push_is_found_by_the_next_one),
        TEST(a_repeated_entry_is_told_once),
        TEST(an_operation_that_another_device_signed_is_refused),
        TEST(an_operation_in_the_name_of_another_account_is_refused),
        TEST(who_owns_a_room_is_known_after_a_restart),
        TEST(a_certificate_that_the_registry_did_not_sign_is_refused),
        TEST(what_the_actor_may_not_do_is_refused),
        TEST(an_operation_that_counted_already_is_refused),
        TEST(an_actor_who_saw_another_roster_is_refused),
        TEST(the_registry_takes_nobody_in_and_out_but_the_revoked),
        TEST(another_key_under_a_known_device_is_told_and_refused),
        TEST(an_older_head_is_proved_by_the_entries_after_it),
        TEST(what_was_seen_long_ago_is_refused_and_not_searched_for),
        TEST(a_deleted_room_leaves_no_records),
        TEST(deleting_the_account_leaves_no_records_of_rooms),
        TEST(a_revoked_device_is_no_longer_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
