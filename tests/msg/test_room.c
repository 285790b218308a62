/* Proves msg/room.c: who may do what in a room, what it changes, that an
 * operation counts once, and that signatures are whose they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "msg/codec.h"
#include "msg/room.h"

enum { OWNER = 1, MOD = 2, MEMBER = 3, OTHER = 4, STRANGER = 5, PEOPLE = 6 };

struct world {
    struct msg_room room;
    struct msg_room_part parts[PEOPLE];
};

static enum conclave_err
act_seen(struct world *w, enum msg_act act, uint64_t actor, uint64_t subject, uint64_t seen)
{
    const struct msg_room_op op = {.room = w->room.id, .act = act, .account = actor, .device = 1, .subject = subject, .seen = seen};
    const uint64_t epoch = w->room.epoch;
    const enum conclave_err err = msg_room_apply(&w->room, &op, &w->parts[actor], subject != 0 ? &w->parts[subject] : NULL, false);
    if (err != CONCLAVE_OK)
        return err;
    const struct msg_entry entry = {.number = w->room.number, .op = msg_span("op", 2)};
    msg_room_link(&w->room, &entry, w->room.epoch != epoch);
    return err;
}

static enum conclave_err
act(struct world *w, enum msg_act act, uint64_t actor, uint64_t subject)
{
    return act_seen(w, act, actor, subject, act == MSG_ACT_CREATE ? 0 : w->room.number);
}

/* A room with an owner, a moderator and two members. */
static struct world
make(uint64_t flags)
{
    struct world w = {.room = {.flags = 0}};
    for (uint64_t i = 0; i < PEOPLE; i++)
        w.parts[i].account = i;
    const struct msg_room_op create = {.room = w.room.id, .act = MSG_ACT_CREATE, .account = OWNER, .device = 1, .flags = flags};
    assert_int_equal(msg_room_apply(&w.room, &create, &w.parts[OWNER], NULL, false), CONCLAVE_OK);
    const struct msg_entry entry = {.number = 1, .op = msg_span("op", 2)};
    msg_room_link(&w.room, &entry, true);
    for (uint64_t i = MOD; i <= OTHER; i++) {
        assert_int_equal(act(&w, MSG_ACT_INVITE, OWNER, i), CONCLAVE_OK);
        assert_int_equal(act(&w, MSG_ACT_JOIN, i, 0), CONCLAVE_OK);
    }
    assert_int_equal(act(&w, MSG_ACT_PROMOTE, OWNER, MOD), CONCLAVE_OK);
    return w;
}

static void
a_room_is_made_once(void **unused)
{
    (void)unused;
    struct world w = make(0);
    assert_int_equal(w.room.owner, OWNER);
    assert_int_equal(w.room.members, 4);
    assert_int_equal(w.room.epoch, 1);
    assert_int_equal(act(&w, MSG_ACT_CREATE, STRANGER, 0), CONCLAVE_ERR_ROOM_EXISTS);
    struct world none = {.room = {.flags = 0}};
    assert_int_equal(act_seen(&none, MSG_ACT_JOIN, STRANGER, 0, 1), CONCLAVE_ERR_NO_SUCH_ROOM);
}

/* Who may do what to whom: actor and subject by role. */
static void
each_act_is_for_those_that_the_table_names(void **unused)
{
    (void)unused;
    static const struct { enum msg_act act; uint64_t actor, subject; enum conclave_err expected; } cases[] = {
        {MSG_ACT_KICK, OWNER, MOD, CONCLAVE_OK},       {MSG_ACT_KICK, OWNER, MEMBER, CONCLAVE_OK},
        {MSG_ACT_KICK, MOD, MEMBER, CONCLAVE_OK},      {MSG_ACT_KICK, MOD, OWNER, CONCLAVE_ERR_FORBIDDEN},
        {MSG_ACT_KICK, MOD, MOD, CONCLAVE_ERR_FORBIDDEN}, {MSG_ACT_KICK, MEMBER, OTHER, CONCLAVE_ERR_FORBIDDEN},
        {MSG_ACT_KICK, STRANGER, MEMBER, CONCLAVE_ERR_NOT_A_MEMBER}, {MSG_ACT_KICK, OWNER, STRANGER, CONCLAVE_ERR_BAD_ARGUMENTS},
        {MSG_ACT_KICK, OWNER, 0, CONCLAVE_ERR_BAD_ARGUMENTS},
        {MSG_ACT_BAN, MOD, STRANGER, CONCLAVE_OK},     {MSG_ACT_BAN, MEMBER, STRANGER, CONCLAVE_ERR_FORBIDDEN},
        {MSG_ACT_BAN, MOD, OWNER, CONCLAVE_ERR_FORBIDDEN}, {MSG_ACT_BAN, OWNER, MOD, CONCLAVE_OK},
        {MSG_ACT_UNBAN, MOD, MEMBER, CONCLAVE_ERR_BAD_ARGUMENTS}, {MSG_ACT_UNBAN, MEMBER, STRANGER, CONCLAVE_ERR_FORBIDDEN},
        {MSG_ACT_MUTE, MOD, MEMBER, CONCLAVE_OK},      {MSG_ACT_MUTE, MEMBER, OTHER, CONCLAVE_ERR_FORBIDDEN},
        {MSG_ACT_MUTE, MOD, OWNER, CONCLAVE_ERR_FORBIDDEN}, {MSG_ACT_MUTE, MOD, STRANGER, CONCLAVE_ERR_BAD_ARGUMENTS},
        {MSG_ACT_PROMOTE, MOD, MEMBER, CONCLAVE_ERR_FORBIDDEN}, {MSG_ACT_PROMOTE, OWNER, MOD, CONCLAVE_ERR_BAD_ARGUMENTS},
        {MSG_ACT_DEMOTE, OWNER, MOD, CONCLAVE_OK},     {MSG_ACT_DEMOTE, OWNER, MEMBER, CONCLAVE_ERR_BAD_ARGUMENTS},
        {MSG_ACT_TOPIC, MOD, 0, CONCLAVE_OK},          {MSG_ACT_TOPIC, MEMBER, 0, CONCLAVE_ERR_FORBIDDEN},
        {MSG_ACT_TOPIC, STRANGER, 0, CONCLAVE_ERR_NOT_A_MEMBER},
        {MSG_ACT_DELETE, OWNER, 0, CONCLAVE_OK},       {MSG_ACT_DELETE, MOD, 0, CONCLAVE_ERR_FORBIDDEN},
        {MSG_ACT_INVITE, MEMBER, STRANGER, CONCLAVE_OK}, {MSG_ACT_INVITE, MEMBER, OTHER, CONCLAVE_ERR_BAD_ARGUMENTS},
        {MSG_ACT_JOIN, MEMBER, 0, CONCLAVE_ERR_BAD_ARGUMENTS}, {MSG_ACT_JOIN, STRANGER, 0, CONCLAVE_OK},
        {MSG_ACT_LEAVE, STRANGER, 0, CONCLAVE_ERR_NOT_A_MEMBER}, {MSG_ACT_LEAVE, MEMBER, 0, CONCLAVE_OK},
        {MSG_ACT_LEAVE, OWNER, 0, CONCLAVE_ERR_BAD_ARGUMENTS}, {MSG_ACT_LEAVE, OWNER, OWNER, CONCLAVE_ERR_BAD_ARGUMENTS},
        {MSG_ACT_LEAVE, OWNER, STRANGER, CONCLAVE_ERR_BAD_ARGUMENTS}, {MSG_ACT_LEAVE, OWNER, MEMBER, CONCLAVE_OK},
        {MSG_ACT_REVOKED, OWNER, MEMBER, CONCLAVE_ERR_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w = make(0);
        const struct world before = w;
        const enum conclave_err err = act(&w, cases[i].act, cases[i].actor, cases[i].subject);
        if (err != cases[i].expected)
            fail_msg("case %zu: %d, not %d", i, err, cases[i].expected);
        if (err != CONCLAVE_OK)
            assert_memory_equal(&w, &before, sizeof w); /* a refusal changes nothing */
    }
}

static void
whoever_goes_begins_an_epoch(void **unused)
{
    (void)unused;
    static const enum msg_act acts[] = {MSG_ACT_KICK, MSG_ACT_BAN};
    for (size_t i = 0; i < 2; i++) {
        struct world w = make(0);
        assert_int_equal(act(&w, acts[i], OWNER, MEMBER), CONCLAVE_OK);
        assert_int_equal(w.room.epoch, 2);
        assert_memory_equal(&w.room.epoch_head, &w.room.head, sizeof w.room.head);
        assert_int_equal(w.room.members, 3);
        assert_true(msg_room_was_in(&w.parts[MEMBER], 1));
        assert_false(msg_room_was_in(&w.parts[MEMBER], 2));
        assert_false(msg_room_was_in(&w.parts[STRANGER], 1));
    }
    struct world w = make(0);
    const struct msg_head began = w.room.epoch_head;
    assert_int_equal(act(&w, MSG_ACT_MUTE, OWNER, MEMBER), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_JOIN, STRANGER, 0), CONCLAVE_OK);
    assert_int_equal(w.room.epoch, 1);
    assert_memory_equal(&w.room.epoch_head, &began, sizeof began);
    assert_int_equal(act(&w, MSG_ACT_LEAVE, STRANGER, 0), CONCLAVE_OK);
    assert_int_equal(w.room.epoch, 2);
}

static void
an_owner_who_goes_names_the_next_and_the_last_one_ends_the_room(void **unused)
{
    (void)unused;
    struct world w = make(0);
    assert_int_equal(act(&w, MSG_ACT_LEAVE, OWNER, MEMBER), CONCLAVE_OK);
    assert_int_equal(w.room.owner, MEMBER);
    assert_int_equal(w.parts[MEMBER].role, MSG_ROLE_OWNER);
    assert_int_equal(act(&w, MSG_ACT_KICK, MEMBER, MOD), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_KICK, MEMBER, OTHER), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_LEAVE, MEMBER, 0), CONCLAVE_OK);
    assert_true(w.room.gone);
    assert_int_equal(act(&w, MSG_ACT_JOIN, STRANGER, 0), CONCLAVE_ERR_NO_SUCH_ROOM);
}

static void
banned_muted_and_invited_last_as_long_as_they_should(void **unused)
{
    (void)unused;
    struct world w = make(MSG_ROOM_PRIVATE);
    assert_int_equal(act(&w, MSG_ACT_JOIN, STRANGER, 0), CONCLAVE_ERR_FORBIDDEN);
    assert_int_equal(act(&w, MSG_ACT_INVITE, MEMBER, STRANGER), CONCLAVE_ERR_FORBIDDEN); /* private: moderators */
    assert_int_equal(act(&w, MSG_ACT_MUTE, OWNER, MEMBER), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_LEAVE, MEMBER, 0), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_JOIN, MEMBER, 0), CONCLAVE_ERR_FORBIDDEN); /* an invitation is for once */
    assert_int_equal(act(&w, MSG_ACT_INVITE, OWNER, MEMBER), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_JOIN, MEMBER, 0), CONCLAVE_OK);
    assert_int_equal(w.parts[MEMBER].standing, MSG_STANDING_MUTED);
    assert_int_equal(act(&w, MSG_ACT_UNMUTE, OWNER, MEMBER), CONCLAVE_OK);
    assert_int_equal(w.parts[MEMBER].standing, 0);
    assert_int_equal(act(&w, MSG_ACT_BAN, OWNER, MEMBER), CONCLAVE_OK);
    assert_int_equal(w.parts[MEMBER].standing, MSG_STANDING_BANNED);
    assert_int_equal(act(&w, MSG_ACT_JOIN, MEMBER, 0), CONCLAVE_ERR_FORBIDDEN);
    assert_int_equal(act(&w, MSG_ACT_INVITE, OWNER, MEMBER), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_JOIN, MEMBER, 0), CONCLAVE_OK);

    w = make(0); /* public: a ban is stronger than a member's invitation */
    assert_int_equal(act(&w, MSG_ACT_BAN, OWNER, STRANGER), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_INVITE, MEMBER, STRANGER), CONCLAVE_ERR_FORBIDDEN);
    assert_int_equal(act(&w, MSG_ACT_UNBAN, MOD, STRANGER), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_JOIN, STRANGER, 0), CONCLAVE_OK);
}

static void
an_operation_counts_once(void **unused)
{
    (void)unused;
    struct world w = make(0);
    const uint64_t seen = w.room.number;
    assert_int_equal(act_seen(&w, MSG_ACT_KICK, MOD, MEMBER, seen), CONCLAVE_OK);
    assert_int_equal(act(&w, MSG_ACT_JOIN, MEMBER, 0), CONCLAVE_OK);
    assert_int_equal(act_seen(&w, MSG_ACT_KICK, MOD, MEMBER, seen), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_int_equal(act_seen(&w, MSG_ACT_TOPIC, OWNER, 0, w.room.number + 1), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_int_equal(act_seen(&w, MSG_ACT_TOPIC, OWNER, 0, 0), CONCLAVE_ERR_BAD_ARGUMENTS);
}

static void
what_was_seen_long_ago_is_refused_by_its_number(void **unused)
{
    (void)unused;
    struct world w = make(0);
    const uint64_t long_ago = w.room.number;
    while (w.room.number < long_ago + MSG_ROOM_SEEN_MAX - 1)
        assert_int_equal(act(&w, MSG_ACT_TOPIC, OWNER, 0), CONCLAVE_OK);
    const struct world before = w;
    assert_int_equal(act_seen(&w, MSG_ACT_JOIN, STRANGER, 0, long_ago), CONCLAVE_OK);
    w = before;
    assert_int_equal(act(&w, MSG_ACT_TOPIC, OWNER, 0), CONCLAVE_OK);
    assert_int_equal(act_seen(&w, MSG_ACT_JOIN, STRANGER, 0, long_ago), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_int_equal(act_seen(&w, MSG_ACT_JOIN, STRANGER, 0, long_ago + 1), CONCLAVE_OK);
}

static enum conclave_err
revoke(struct world *w, uint64_t subject, uint64_t device, bool by_registry)
{
    const struct msg_room_op op = {.room = w->room.id, .act = MSG_ACT_REVOKED, .subject = subject, .subject_device = device};
    return msg_room_apply(&w->room, &op, &w->parts[0], &w->parts[subject], by_registry);
}

static void
the_registry_may_only_take_away(void **unused)
{
    (void)unused;
    struct world w = make(0);
    assert_int_equal(revoke(&w, MEMBER, 2, false), CONCLAVE_ERR_FORBIDDEN);
    assert_int_equal(revoke(&w, STRANGER, 2, true), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_int_equal(revoke(&w, MEMBER, 2, true), CONCLAVE_OK);
    assert_int_equal(w.room.epoch, 2);
    assert_int_equal(w.parts[MEMBER].role, MSG_ROLE_MEMBER);
    assert_int_equal(revoke(&w, OWNER, 0, true), CONCLAVE_OK);
    assert_int_equal(w.room.owner, 0);
    assert_int_equal(w.parts[OWNER].role, MSG_ROLE_NONE);
    assert_int_equal(act(&w, MSG_ACT_PROMOTE, MOD, MEMBER), CONCLAVE_OK); /* the moderators own it now */
    const struct msg_room_op join = {.room = w.room.id, .act = MSG_ACT_JOIN, .account = STRANGER, .seen = w.room.number};
    assert_int_equal(msg_room_apply(&w.room, &join, &w.parts[STRANGER], NULL, true), CONCLAVE_ERR_FORBIDDEN);
}

static void
the_head_covers_every_field_of_an_entry(void **unused)
{
    (void)unused;
    const struct msg_entry good = {3, 4, 5, msg_span("operation", 9), msg_span("certificate", 11)};
    struct msg_entry bad[5] = {good, good, good, good, good};
    struct msg_room room = {.number = 3}, other;
    const struct msg_room start = room;
    bad[0].number++;
    bad[1].offset++;
    bad[2].at_ms++;
    bad[3].op.len--;
    bad[4].certificate.len--;
    msg_room_link(&room, &good, false);
    assert_memory_equal(&room.epoch_head, &start.epoch_head, sizeof room.epoch_head);
    for (size_t i = 0; i < 5; i++) {
        other = start;
        msg_room_link(&other, &bad[i], true);
        assert_memory_not_equal(&other.head, &room.head, sizeof room.head);
        assert_memory_equal(&other.head, &other.epoch_head, sizeof room.head);
    }
}

static void
signatures_are_whose_they_say(void **unused)
{
    (void)unused;
    struct msg_sign_pub pub, other;
    struct msg_sign_sec sec, other_sec;
    uint8_t at[MSG_ROOM_OP_MAX], items[256];
    struct msg_buf out = {at, 0, sizeof at}, list = {items, 0, sizeof items};
    msg_keys_new_sign(&pub, &sec);
    msg_keys_new_sign(&other, &other_sec);
    const struct msg_room_op op = {.act = MSG_ACT_TOPIC, .account = 7, .device = 1, .text = msg_text("of the day"), .seen = 9};
    struct msg_room_op back;
    assert_int_equal(msg_room_sign_op(&out, &op, &sec), CONCLAVE_OK);
    assert_int_equal(msg_room_open_op(&back, msg_span_of_buf(&out), &pub), CONCLAVE_OK);
    assert_true(msg_text_equal(back.text, op.text));
    assert_int_equal(msg_room_open_op(&back, msg_span_of_buf(&out), &other), CONCLAVE_ERR_SIGNATURE);
    assert_int_equal(msg_room_open_op(&back, msg_span_of_buf(&out), NULL), CONCLAVE_OK);

    struct msg_room_tip tip = {.account = 7, .device = 1, .incarnation = 1, .number = 300};
    msg_room_sign_tip(&tip, &sec);
    assert_int_equal(msg_room_check_tip(&tip, &pub), CONCLAVE_OK);
    assert_int_equal(msg_room_check_tip(&tip, &other), CONCLAVE_ERR_SIGNATURE);
    tip.number++;
    assert_int_equal(msg_room_check_tip(&tip, &pub), CONCLAVE_ERR_SIGNATURE);

    struct msg_room_receipt receipt = {.account = 7, .device = 1};
    const struct msg_mark mark = {.account = 8, .device = 1, .incarnation = 1, .number = 5};
    assert_int_equal(msg_codec_append(&list, &receipt.marks, MSG_MARK, &mark), CONCLAVE_OK);
    msg_room_sign_receipt(&receipt, &sec);
    assert_int_equal(msg_room_check_receipt(&receipt, &pub), CONCLAVE_OK);
    items[list.len - 18]++; /* the number, before the head's 2 + 16 bytes: */
    assert_int_equal(msg_room_check_receipt(&receipt, &pub), CONCLAVE_ERR_SIGNATURE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_is_made_once),
        cmocka_unit_test(each_act_is_for_those_that_the_table_names),
        cmocka_unit_test(whoever_goes_begins_an_epoch),
        cmocka_unit_test(an_owner_who_goes_names_the_next_and_the_last_one_ends_the_room),
        cmocka_unit_test(banned_muted_and_invited_last_as_long_as_they_should),
        cmocka_unit_test(an_operation_counts_once),
        cmocka_unit_test(what_was_seen_long_ago_is_refused_by_its_number),
        cmocka_unit_test(the_registry_may_only_take_away),
        cmocka_unit_test(the_head_covers_every_field_of_an_entry),
        cmocka_unit_test(signatures_are_whose_they_say),
    };
    if (msg_keys_init() != CONCLAVE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
