/* The tables of rooms: found by id and name, their members and chains by
 * account, in pools that all rooms share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer/tables/rooms.h"

#define ROOMS 4u
#define MEMBERS 16u

static struct peer_rooms rooms;

static int
set_up(void **state)
{
    (void)state;
    return peer_rooms_init(&rooms, ROOMS, MEMBERS) ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    peer_rooms_wipe(&rooms);
    return 0;
}

static struct peer_room *
add(uint8_t id)
{
    return peer_rooms_add(&rooms, &(struct msg_id){{id}});
}

static void
a_room_is_found_by_its_id(void **state)
{
    (void)state;
    struct peer_room *const one = add(1), *const two = add(2);
    assert_non_null(one);
    assert_ptr_equal(peer_rooms_find(&rooms, &(struct msg_id){{1}}), one);
    assert_ptr_equal(peer_rooms_find(&rooms, &(struct msg_id){{2}}), two);
    assert_ptr_equal(add(2), two);
    assert_null(peer_rooms_find(&rooms, &(struct msg_id){{3}}));
}

static void
a_full_table_takes_no_more_until_a_room_is_given_up(void **state)
{
    (void)state;
    for (uint8_t id = 1; id <= ROOMS; id++)
        assert_non_null(add(id));
    assert_null(add(9));
    peer_rooms_remove(&rooms, peer_rooms_find(&rooms, &(struct msg_id){{2}}));
    assert_null(peer_rooms_find(&rooms, &(struct msg_id){{2}}));
    assert_non_null(add(9));
}

static void
of_two_rooms_of_a_name_the_one_we_are_in_is_meant(void **state)
{
    (void)state;
    const struct msg_room_name name = {"#Den", "#den", 4};
    for (uint8_t id = 1; id <= 3; id++) {
        peer_rooms_call(add(id), &name);
        add(id)->facts.made = true;
    }
    add(2)->role = MSG_ROLE_MEMBER;
    assert_ptr_equal(peer_rooms_named(&rooms, &name), add(2));
    add(2)->role = MSG_ROLE_NONE;
    add(3)->standing = MSG_STANDING_INVITED;
    assert_ptr_equal(peer_rooms_named(&rooms, &name), add(3));
}

static void
a_member_is_found_in_its_room_alone(void **state)
{
    (void)state;
    struct peer_room *const one = add(1), *const two = add(2);
    struct peer_mate *const ada = peer_rooms_add_mate(&rooms, one, 7);
    assert_non_null(ada);
    assert_int_equal(ada->part.account, 7);
    assert_ptr_equal(peer_rooms_mate(&rooms, one, 7), ada);
    assert_ptr_equal(peer_rooms_add_mate(&rooms, one, 7), ada);
    assert_null(peer_rooms_mate(&rooms, two, 7));
    struct peer_sender *const phone = peer_rooms_add_sender(&rooms, one, 7, 2);
    assert_ptr_equal(peer_rooms_sender(&rooms, one, 7, 2), phone);
    assert_null(peer_rooms_sender(&rooms, one, 7, 1));
    assert_null(peer_rooms_sender(&rooms, two, 7, 2));
}

/* The pools are used up, given back room by room, and used up again. */
static void
what_a_room_had_is_free_again_when_it_is_given_up(void **state)
{
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        struct peer_room *const one = add(1), *const two = add(2);
        const uint64_t half = ROOMS * MEMBERS / 2;
        for (uint64_t account = 1; account <= half; account++) {
            assert_non_null(peer_rooms_add_mate(&rooms, one, account));
            assert_non_null(peer_rooms_add_mate(&rooms, two, account));
            assert_non_null(peer_rooms_add_sender(&rooms, one, account, 1));
            assert_non_null(peer_rooms_add_sender(&rooms, two, account, 1));
        }
        assert_null(peer_rooms_add_mate(&rooms, one, half + 1));
        assert_null(peer_rooms_add_sender(&rooms, one, half + 1, 1));
        peer_rooms_remove(&rooms, one);
        size_t mates = 0, senders = 0;
        for (struct peer_mate *mate = peer_rooms_first_mate(&rooms, two); mate != NULL; mate = peer_rooms_next_mate(&rooms, mate)) {
            assert_ptr_equal(peer_rooms_mate(&rooms, two, mate->part.account), mate);
            mates++;
        }
        for (struct peer_sender *sender = peer_rooms_first_sender(&rooms, two); sender != NULL; sender = peer_rooms_next_sender(&rooms, sender)) {
            assert_ptr_equal(peer_rooms_sender(&rooms, two, sender->account, 1), sender);
            senders++;
        }
        assert_int_equal(mates, half);
        assert_int_equal(senders, half);
        peer_rooms_remove(&rooms, two);
    }
}

static void
the_last_heads_are_kept(void **state)
{
    (void)state;
    struct peer_room *const room = add(1);
    static const struct msg_head none;
    for (uint64_t number = 1; number <= PEER_ROOM_HEADS + 2; number++) {
        room->facts.number = number;
        memcpy(room->facts.head.at, &number, sizeof number);
        peer_rooms_keep_head(&rooms, room);
    }
    assert_memory_equal(peer_rooms_head(&rooms, room, 0), &none, sizeof none);
    for (uint64_t number = 3; number <= PEER_ROOM_HEADS + 2; number++)
        assert_memory_equal(peer_rooms_head(&rooms, room, number), &number, sizeof number);
    assert_null(peer_rooms_head(&rooms, room, 2));
    assert_null(peer_rooms_head(&rooms, room, PEER_ROOM_HEADS + 3));
    room->proved.number = 2;
    assert_non_null(peer_rooms_head(&rooms, room, 2));
    peer_rooms_remove(&rooms, room);
    assert_null(peer_rooms_head(&rooms, add(2), 3)); /* the slot is another room's */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_room_is_found_by_its_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_table_takes_no_more_until_a_room_is_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_two_rooms_of_a_name_the_one_we_are_in_is_meant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_member_is_found_in_its_room_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_room_had_is_free_again_when_it_is_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_heads_are_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
