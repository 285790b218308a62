/* Claims about broker/tables/mailbox and broker/tables/mailwrites: what is counted in is
 * counted out, and the rings give back what they took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/tables/mailbox.h"
#include "broker/tables/mailwrites.h"

static const struct broker_mail_limits limits = {30, 3, 1, 3, 1, 4, 2};

static void
limits_count_letters_and_bytes_of_both_sides(void **state)
{
    struct broker_mailboxes boxes;
    const uint64_t half = 1u << 19;

    (void)state;
    assert_true(broker_mailboxes_init(&boxes, 10, 10, 1000, 7));
    assert_int_equal(broker_mailboxes_add(&boxes, &limits, 1, 1, 9, false, half), CONCLAVE_OK);
    assert_int_equal(broker_mailboxes_add(&boxes, &limits, 1, 1, 9, false, half + 1), CONCLAVE_ERR_QUOTA_EXCEEDED);
    assert_int_equal(broker_mailboxes_add(&boxes, &limits, 1, 1, 9, false, half), CONCLAVE_OK);
    assert_int_equal(broker_mailboxes_add(&boxes, &limits, 1, 1, 9, false, 1), CONCLAVE_ERR_QUOTA_EXCEEDED);
    /* The sender has half of its own left. */
    assert_int_equal(broker_mailboxes_add(&boxes, &limits, 2, 1, 9, false, 2 * half), CONCLAVE_OK);
    assert_int_equal(broker_mailboxes_add(&boxes, &limits, 3, 1, 9, false, 1), CONCLAVE_ERR_QUOTA_EXCEEDED);
    assert_int_equal(broker_mailboxes_add(&boxes, &limits, 3, 1, 8, false, 1), CONCLAVE_OK);
    broker_mailboxes_take(&boxes, 2, 1, 9, false, 2 * half);
    for (int i = 0; i < 2; i++)
        assert_int_equal(broker_mailboxes_add(&boxes, &limits, 3, 1, 9, false, 1), CONCLAVE_OK);
    assert_int_equal(broker_mailboxes_add(&boxes, &limits, 3, 1, 8, false, 1), CONCLAVE_ERR_QUOTA_EXCEEDED); /* letters */
    assert_int_equal(broker_mailboxes_add(&boxes, &limits, 4, 1, 9, false, 1), CONCLAVE_ERR_QUOTA_EXCEEDED);
    assert_int_equal(boxes.count, 5);
    broker_mailboxes_wipe(&boxes);
}

static void
what_one_account_has_in_a_mailbox_leaves_room_for_others(void **state)
{
    static const struct broker_mail_limits shares = {30, 100, 9, 3, 1, 100, 9};
    struct broker_mailboxes boxes;
    const uint64_t half = 1u << 19;

    (void)state;
    assert_true(broker_mailboxes_init(&boxes, 10, 10, 1000, 7));
    for (int i = 0; i < 3; i++)
        assert_int_equal(broker_mailboxes_add(&boxes, &shares, 1, 1, 9, false, 1), CONCLAVE_OK);
    assert_int_equal(broker_mailboxes_add(&boxes, &shares, 1, 1, 9, false, 1), CONCLAVE_ERR_QUOTA_EXCEEDED);
    assert_int_equal(broker_mailboxes_add(&boxes, &shares, 1, 1, 8, false, 1), CONCLAVE_OK); /* another sender */
    assert_int_equal(broker_mailboxes_add(&boxes, &shares, 1, 2, 9, false, half), CONCLAVE_OK); /* another device */
    assert_int_equal(broker_mailboxes_add(&boxes, &shares, 1, 2, 9, false, half + 1), CONCLAVE_ERR_QUOTA_EXCEEDED);
    assert_int_equal(broker_mailboxes_add(&boxes, &shares, 1, 2, 9, false, half), CONCLAVE_OK);
    for (int i = 0; i < 9; i++) /* nobody's */
        assert_int_equal(broker_mailboxes_add(&boxes, &shares, 1, 1, 0, false, 1), CONCLAVE_OK);
    assert_int_equal(boxes.count, 15);
    /* What is taken out is free again, and nothing stays behind. */
    for (int i = 0; i < 3; i++)
        broker_mailboxes_take(&boxes, 1, 1, 9, false, 1);
    broker_mailboxes_take(&boxes, 1, 1, 8, false, 1);
    broker_mailboxes_take(&boxes, 1, 2, 9, false, half);
    assert_int_equal(broker_mailboxes_add(&boxes, &shares, 1, 1, 9, false, 1), CONCLAVE_OK);
    broker_mailboxes_take(&boxes, 1, 1, 9, false, 1);
    broker_mailboxes_take(&boxes, 1, 2, 9, false, half);
    for (uint32_t i = 0; i < 2 * BROKER_MAIL_SHARES; i++) {
        assert_int_equal(boxes.shares[i].count, 0);
        assert_int_equal(boxes.shares[i].bytes, 0);
    }
    broker_mailboxes_wipe(&boxes);
}

/* Pairs share places by chance: none may be counted for less than it has, and
 * few of very many for more. */
static void
many_pairs_are_told_apart(void **state)
{
    enum { MAILBOXES = 200, SENDERS = 100 };
    static const struct broker_mail_limits shares = {30, 1000000, 1000, 2, 1, 1000000, 1000};
    struct broker_mailboxes boxes;
    uint32_t refused = 0;

    (void)state;
    assert_true(broker_mailboxes_init(&boxes, MAILBOXES, SENDERS, 1000, 7));
    for (int round = 0; round < 2; round++)
        for (uint64_t box = 1; box <= MAILBOXES; box++)
            for (uint64_t sender = 1; sender <= SENDERS; sender++)
                refused += broker_mailboxes_add(&boxes, &shares, box, 1, sender, false, 1) != CONCLAVE_OK;
    assert_true(refused < 2 * MAILBOXES * SENDERS / 50);
    for (uint64_t box = 1; box <= MAILBOXES; box++)
        for (uint64_t sender = 1; sender <= SENDERS; sender++)
            assert_int_equal(broker_mailboxes_add(&boxes, &shares, box, 1, sender, false, 1), CONCLAVE_ERR_QUOTA_EXCEEDED);
    broker_mailboxes_wipe(&boxes);
}

static void
a_full_table_refuses_and_counts_nothing(void **state)
{
    struct broker_mailboxes boxes;

    (void)state;
    assert_true(broker_mailboxes_init(&boxes, 2, 1, 1000, 7));
    assert_int_equal(broker_mailboxes_add(&boxes, NULL, 1, 1, 9, false, 5), CONCLAVE_OK);
    assert_int_equal(broker_mailboxes_add(&boxes, NULL, 2, 1, 8, false, 5), CONCLAVE_ERR_STORE_FULL);
    assert_null(broker_mailboxes_find(&boxes, 2, 1));
    assert_int_equal(broker_mailboxes_add(&boxes, NULL, 2, 1, 9, false, 5), CONCLAVE_OK);
    assert_int_equal(broker_mailboxes_add(&boxes, NULL, 3, 1, 9, false, 5), CONCLAVE_ERR_STORE_FULL);
    assert_int_equal(boxes.count, 2);
    /* What is empty is given to others, once nothing is under way for it. */
    struct broker_mailbox *box = broker_mailboxes_find(&boxes, 1, 1);
    box->writes = 1;
    broker_mailboxes_take(&boxes, 1, 1, 9, false, 5);
    broker_mailboxes_settle(&boxes, box);
    assert_ptr_equal(broker_mailboxes_find(&boxes, 1, 1), box);
    box->writes = 0;
    broker_mailboxes_settle(&boxes, box);
    assert_null(broker_mailboxes_find(&boxes, 1, 1));
    assert_int_equal(broker_mailboxes_add(&boxes, NULL, 3, 1, 9, false, 5), CONCLAVE_OK);
    broker_mailboxes_wipe(&boxes);
}

static void
what_was_never_counted_is_not_taken(void **state)
{
    struct broker_mailboxes boxes;

    (void)state;
    assert_true(broker_mailboxes_init(&boxes, 2, 2, 1000, 7));
    assert_int_equal(broker_mailboxes_add(&boxes, NULL, 1, 1, 9, false, 5), CONCLAVE_OK);
    broker_mailboxes_take(&boxes, 7, 1, 6, false, 5);
    broker_mailboxes_take(&boxes, 1, 1, 9, false, 500);
    broker_mailboxes_take(&boxes, 1, 1, 9, false, 5);
    assert_int_equal(boxes.count, 0);
    assert_int_equal(broker_mailboxes_find(&boxes, 1, 1)->has[BROKER_MAIL_TALK].bytes, 0);
    broker_mailboxes_wipe(&boxes);
}

static void
writes_are_found_by_id_and_their_room_is_given_back(void **state)
{
    struct broker_mailwrites writes;
    uint64_t id = 0;

    (void)state;
    assert_true(broker_mailwrites_init(&writes));
    for (unsigned round = 0; round < 3 * BROKER_MAILWRITE_ITEMS / 100; round++) {
        struct broker_mailwrite *a = broker_mailwrites_add(&writes, BROKER_MAILWRITE_DEPOSIT, id += 3, 60);
        struct broker_mailwrite *b = broker_mailwrites_add(&writes, BROKER_MAILWRITE_COLLECT, id += 3, 40);
        assert_non_null(a);
        assert_non_null(b);
        broker_mailwrites_item(&writes, a, 59)->bytes = 1;
        broker_mailwrites_item(&writes, b, 0)->bytes = 2;
        assert_int_equal(broker_mailwrites_item(&writes, a, 59)->bytes, 1);
        assert_ptr_equal(broker_mailwrites_find(&writes, id), b);
        assert_ptr_equal(broker_mailwrites_find(&writes, id - 3), a);
        assert_null(broker_mailwrites_find(&writes, id - 1));
        const uint64_t mark = broker_mailwrites_mark(&writes, a);
        assert_ptr_equal(broker_mailwrites_marked(&writes, mark), a);
        broker_mailwrites_done(&writes, b); /* out of order */
        assert_null(broker_mailwrites_find(&writes, id));
        broker_mailwrites_done(&writes, a);
        assert_null(broker_mailwrites_marked(&writes, mark));
    }
    assert_int_equal(writes.first, writes.end);
    assert_int_equal(writes.item_first, writes.item_end);
    broker_mailwrites_wipe(&writes);
}

static void
a_full_ring_takes_no_deposit_but_still_others(void **state)
{
    struct broker_mailwrites writes;
    uint64_t id = 0;

    (void)state;
    assert_true(broker_mailwrites_init(&writes));
    while (broker_mailwrites_add(&writes, BROKER_MAILWRITE_DEPOSIT, id + 1, 1) != NULL)
        id++;
    assert_int_equal(id, BROKER_MAILWRITES - BROKER_MAILWRITES_KEPT);
    assert_non_null(broker_mailwrites_add(&writes, BROKER_MAILWRITE_COLLECT, ++id, 0));
    /* Letters may run out first. */
    assert_null(broker_mailwrites_add(&writes, BROKER_MAILWRITE_EXPIRE, id + 1, BROKER_MAILWRITE_ITEMS));
    broker_mailwrites_done(&writes, broker_mailwrites_find(&writes, 1));
    broker_mailwrites_done(&writes, broker_mailwrites_find(&writes, 2));
    assert_non_null(broker_mailwrites_add(&writes, BROKER_MAILWRITE_DEPOSIT, ++id, 1));
    broker_mailwrites_wipe(&writes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_count_letters_and_bytes_of_both_sides),
        cmocka_unit_test(what_one_account_has_in_a_mailbox_leaves_room_for_others),
        cmocka_unit_test(many_pairs_are_told_apart),
        cmocka_unit_test(a_full_table_refuses_and_counts_nothing),
        cmocka_unit_test(what_was_never_counted_is_not_taken),
        cmocka_unit_test(writes_are_found_by_id_and_their_room_is_given_back),
        cmocka_unit_test(a_full_ring_takes_no_deposit_but_still_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
