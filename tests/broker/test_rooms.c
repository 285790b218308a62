/* Claims about broker/tables/rooms: rooms, members and seats against a plain model,
 * under any order of coming and going. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/tables/rooms.h"

#define ROOMS 6u
#define ACCOUNTS 8u
#define SESSIONS 16u /* two of each account */
#define MEMBERS 22u
#define SEATS 14u

static struct broker_rooms rooms;

/* The model: slots, BROKER_NONE where there is none. */
static uint32_t room_of[ROOMS];
static uint32_t member_of[ROOMS][ACCOUNTS];
static uint32_t seat_of[ROOMS][SESSIONS];
static uint32_t members, seats;

static int
setup(void **state)
{
    const struct broker_rooms_limits limits = {ROOMS, MEMBERS, SEATS, SESSIONS};

    (void)state;
    assert_true(broker_rooms_init(&rooms, &limits, 7));
    memset(room_of, 0xff, sizeof room_of);
    memset(member_of, 0xff, sizeof member_of);
    memset(seat_of, 0xff, sizeof seat_of);
    members = seats = 0;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    broker_rooms_wipe(&rooms);
    return 0;
}

static struct msg_id
id_of(uint32_t room)
{
    struct msg_id id = {{0}};

    id.at[3] = (uint8_t)(room + 1);
    return id;
}

static struct msg_room_name
name_of(uint32_t room)
{
    struct msg_room_name name = {0};

    snprintf(name.shown, sizeof name.shown, "#Room%u", room);
    name.folded_len = (size_t)snprintf(name.folded, sizeof name.folded, "#room%u", room);
    return name;
}

static void
add_room(uint32_t room)
{
    const struct msg_id id = id_of(room);
    const struct msg_room_name name = name_of(room);

    room_of[room] = broker_rooms_add(&rooms, &id, &name);
    assert_int_not_equal(room_of[room], BROKER_NONE);
}

static void
drop_seat(uint32_t room, uint32_t session)
{
    if (seat_of[room][session] == BROKER_NONE)
        return;
    seat_of[room][session] = BROKER_NONE;
    seats--;
}

static void
drop_member(uint32_t room, uint32_t account)
{
    if (member_of[room][account] == BROKER_NONE)
        return;
    for (uint32_t session = account; session < SESSIONS; session += ACCOUNTS)
        drop_seat(room, session);
    member_of[room][account] = BROKER_NONE;
    members--;
}

static void
check_room(uint32_t room)
{
    const struct msg_id id = id_of(room);
    const struct msg_room_name name = name_of(room);
    const struct msg_text folded = {name.folded, name.folded_len};
    uint32_t wanted_members = 0, wanted_seats = 0, found = 0;

    assert_int_equal(broker_rooms_by_id(&rooms, &id), room_of[room]);
    assert_int_equal(broker_rooms_by_name(&rooms, folded), room_of[room]);
    if (room_of[room] == BROKER_NONE)
        return;
    for (uint32_t account = 0; account < ACCOUNTS; account++) {
        assert_int_equal(broker_rooms_member(&rooms, room_of[room], account + 1), member_of[room][account]);
        wanted_members += member_of[room][account] != BROKER_NONE;
    }
    for (uint32_t session = 0; session < SESSIONS; session++) {
        assert_int_equal(broker_rooms_seat(&rooms, room_of[room], session), seat_of[room][session]);
        wanted_seats += seat_of[room][session] != BROKER_NONE;
    }
    const struct broker_room *is = &rooms.list[room_of[room]];
    assert_int_equal(is->member_count, wanted_members);
    assert_int_equal(is->seat_count, wanted_seats);
    for (uint32_t at = is->member_first; at != 0; at = rooms.members[at - 1].room_next, found++)
        assert_int_equal(at - 1, member_of[room][rooms.members[at - 1].part.account - 1]);
    assert_int_equal(found, wanted_members);
    found = 0;
    for (uint32_t at = is->seat_first; at != 0; at = rooms.seats[at - 1].room_next, found++) {
        assert_int_equal(at - 1, seat_of[room][rooms.seats[at - 1].session]);
        assert_int_equal(rooms.seats[at - 1].member, member_of[room][rooms.seats[at - 1].session % ACCOUNTS]);
    }
    assert_int_equal(found, wanted_seats);
}

static void
check(void)
{
    for (uint32_t room = 0; room < ROOMS; room++)
        check_room(room);
    for (uint32_t account = 0; account < ACCOUNTS; account++) {
        uint32_t wanted = 0, found = 0, invited;
        for (uint32_t room = 0; room < ROOMS; room++)
            wanted += member_of[room][account] != BROKER_NONE;
        for (uint32_t at = broker_rooms_of_account(&rooms, account + 1); at != 0;
             at = rooms.members[at - 1].account_next, found++)
            assert_int_equal(rooms.members[at - 1].part.account, account + 1);
        assert_int_equal(found, wanted);
        const uint32_t in = broker_rooms_count_of(&rooms, account + 1, &invited);
        assert_int_equal(in + invited, wanted);
    }
    for (uint32_t session = 0; session < SESSIONS; session++) {
        uint32_t wanted = 0, found = 0;
        for (uint32_t room = 0; room < ROOMS; room++)
            wanted += seat_of[room][session] != BROKER_NONE;
        for (uint32_t at = broker_rooms_seats_of(&rooms, session); at != 0;
             at = rooms.seats[at - 1].session_next, found++)
            assert_int_equal(rooms.seats[at - 1].session, session);
        assert_int_equal(found, wanted);
    }
    assert_int_equal(rooms.members_count, members);
    assert_int_equal(rooms.seats_count, seats);
}

static void
act_on_member(uint32_t room, uint32_t account)
{
    if (member_of[room][account] != BROKER_NONE) {
        broker_rooms_remove_member(&rooms, member_of[room][account]);
        drop_member(room, account);
        return;
    }
    member_of[room][account] = broker_rooms_add_member(&rooms, room_of[room], account + 1);
    assert_int_equal(member_of[room][account] == BROKER_NONE, members == MEMBERS);
    members += member_of[room][account] != BROKER_NONE;
}

static void
act_on_seat(uint32_t room, uint32_t session)
{
    const uint32_t member = member_of[room][session % ACCOUNTS], before = seat_of[room][session];

    if (member == BROKER_NONE)
        return;
    if (before != BROKER_NONE && session % 3 == 0) {
        broker_rooms_stand_up(&rooms, before);
        drop_seat(room, session);
        return;
    }
    seat_of[room][session] = broker_rooms_sit(&rooms, member, session);
    if (before != BROKER_NONE) { /* once only */
        assert_int_equal(seat_of[room][session], before);
        return;
    }
    assert_int_equal(seat_of[room][session] == BROKER_NONE, seats == SEATS);
    if (seat_of[room][session] == BROKER_NONE)
        return;
    assert_false(rooms.seats[seat_of[room][session]].live);
    rooms.seats[seat_of[room][session]].live = true; /* must not be there for the next one */
    seats++;
}

static void
whatever_comes_and_goes_is_found_from_every_side(void **state)
{
    uint64_t dice = 12345;
    bool members_were_full = false, seats_were_full = false;

    (void)state;
    for (uint32_t step = 0; step < 20000; step++) {
        dice = dice * 6364136223846793005ull + 1442695040888963407ull;
        const uint32_t room = (uint32_t)(dice >> 33) % ROOMS, session = (uint32_t)(dice >> 40) % SESSIONS;
        const uint32_t act = (uint32_t)(dice >> 50) % 100;
        if (room_of[room] == BROKER_NONE) {
            add_room(room);
        } else if (act < 1) {
            broker_rooms_remove(&rooms, room_of[room]);
            for (uint32_t account = 0; account < ACCOUNTS; account++)
                drop_member(room, account);
            room_of[room] = BROKER_NONE;
        } else if (act < 3) {
            broker_rooms_stand_up_all(&rooms, session);
            for (uint32_t i = 0; i < ROOMS; i++)
                drop_seat(i, session);
        } else if (act < 30) {
            act_on_member(room, session % ACCOUNTS);
        } else {
            act_on_seat(room, session);
        }
        members_were_full |= members == MEMBERS;
        seats_were_full |= seats == SEATS;
        check();
    }
    assert_true(members_were_full && seats_were_full);
}

static void
a_full_table_takes_no_room_until_one_goes(void **state)
{
    const struct msg_id id = {{0xee}};
    const struct msg_room_name name = {"#late", "#late", 5};

    (void)state;
    for (uint32_t room = 0; room < ROOMS; room++)
        add_room(room);
    assert_int_equal(broker_rooms_add(&rooms, &id, &name), BROKER_NONE);
    broker_rooms_remove(&rooms, room_of[2]);
    assert_int_equal(broker_rooms_add(&rooms, &id, &name), room_of[2]);
    assert_int_equal(rooms.count, ROOMS);
}

static void
who_is_invited_is_counted_apart(void **state)
{
    uint32_t invited;

    (void)state;
    add_room(0);
    add_room(1);
    act_on_member(0, 3);
    act_on_member(1, 3);
    rooms.members[member_of[0][3]].part.role = MSG_ROLE_MEMBER;
    rooms.members[member_of[1][3]].part.standing = MSG_STANDING_INVITED;
    assert_int_equal(broker_rooms_count_of(&rooms, 4, &invited), 1);
    assert_int_equal(invited, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whatever_comes_and_goes_is_found_from_every_side, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_table_takes_no_room_until_one_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_invited_is_counted_apart, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
