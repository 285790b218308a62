/* Claims about broker/tables/people: who watches whom, against a plain model, under
 * any order of joining, leaving, watching and forgetting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/tables/people.h"

#define SESSIONS 12u
#define ACCOUNTS 6u
#define WATCHES 40u
#define GATHER_MS 100u

static struct broker_sessions sessions;
static struct broker_people people;
static uint64_t now_ms;

/* The model. */
static uint32_t slot_of[SESSIONS];             /* BROKER_NONE: not there */
static uint8_t status_of[SESSIONS];
static bool watching[SESSIONS][ACCOUNTS];
static uint8_t told[SESSIONS][ACCOUNTS];

static int
setup(void **state)
{
    (void)state;
    assert_true(broker_sessions_init(&sessions, SESSIONS, 45000, 7));
    assert_true(broker_people_init(&people, &sessions, ACCOUNTS, WATCHES, GATHER_MS, 7));
    memset(slot_of, 0xff, sizeof slot_of);
    memset(watching, 0, sizeof watching);
    now_ms = 1000000;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    broker_people_wipe(&people);
    broker_sessions_wipe(&sessions);
    return 0;
}

static uint8_t
wanted_status(uint32_t account)
{
    uint8_t status = MSG_STATUS_OFFLINE;

    for (uint32_t i = account; i < SESSIONS; i += ACCOUNTS)
        if (slot_of[i] != BROKER_NONE && status != MSG_STATUS_ONLINE)
            status = status_of[i];
    return status;
}

static uint32_t
hold(uint32_t account)
{
    struct msg_name name = {{0}, {0}, 0};

    snprintf(name.shown, sizeof name.shown, "User%u", account);
    snprintf(name.folded, sizeof name.folded, "user%u", account);
    name.folded_len = strlen(name.folded);
    return broker_people_hold(&people, 100 + account, &name);
}

static void
come(uint32_t i, uint8_t status)
{
    struct msg_box_pub key = {{(uint8_t)i}};
    const uint32_t person = hold(i % ACCOUNTS);

    slot_of[i] = broker_sessions_add(&sessions, &key, 10 + i);
    assert_int_not_equal(slot_of[i], BROKER_NONE);
    sessions.list[slot_of[i]].account = 100 + i % ACCOUNTS;
    sessions.list[slot_of[i]].reach.status = status_of[i] = status;
    broker_people_join(&people, person, slot_of[i]);
    broker_people_changed(&people, person, true, now_ms, GATHER_MS);
}

static void
go(uint32_t i)
{
    const uint32_t slot = slot_of[i], person = sessions.list[slot].person;

    broker_people_unwatch_all(&people, slot);
    broker_people_leave(&people, slot);
    broker_sessions_remove(&sessions, slot);
    slot_of[i] = BROKER_NONE;
    memset(watching[i], 0, sizeof watching[i]);
    broker_people_changed(&people, person, false, now_ms, GATHER_MS);
    broker_people_settle(&people, person);
}

static void
watch(uint32_t i, uint32_t account)
{
    bool known;
    const uint32_t person = hold(account);
    const uint32_t watched = broker_people_watch(&people, slot_of[i], person, &known);

    assert_int_equal(known, watching[i][account]);
    if (watched == BROKER_NONE) {
        broker_people_settle(&people, person);
        return;
    }
    people.watches[watched].told_status = people.list[person].status;
    people.watches[watched].told_version = people.list[person].version;
    told[i][account] = people.list[person].status;
    watching[i][account] = true;
}

/* What is due is told; afterwards everybody knows what is so. */
static void
tell(void)
{
    uint32_t slot;

    while ((slot = broker_wheel_pop(&people.gather, now_ms)) != BROKER_NONE) {
        uint32_t i = 0, watched;
        while (slot_of[i] != slot)
            i++;
        while ((watched = broker_people_next_dirty(&people, slot)) != BROKER_NONE) {
            const struct broker_person *person = &people.list[people.watches[watched].person];
            const uint32_t account = (uint32_t)person->account - 100;
            assert_true(watching[i][account]);
            told[i][account] = person->status;
        }
    }
}

static void
check(void)
{
    uint32_t online = 0, listed = 0;

    for (uint32_t account = 0; account < ACCOUNTS; account++) {
        char folded[16];
        const uint32_t slot = broker_people_by_account(&people, 100 + account);
        snprintf(folded, sizeof folded, "user%u", account);
        assert_int_equal(slot, broker_people_by_name(&people, msg_text(folded)));
        bool needed = wanted_status(account) != MSG_STATUS_OFFLINE;
        online += needed;
        for (uint32_t i = 0; i < SESSIONS; i++)
            needed |= watching[i][account];
        assert_int_equal(slot != BROKER_NONE, needed);
        if (slot != BROKER_NONE)
            assert_int_equal(people.list[slot].status, wanted_status(account));
        for (uint32_t i = 0; i < SESSIONS; i++)
            if (watching[i][account])
                assert_true(broker_people_watches(&people, slot_of[i], slot));
    }
    assert_int_equal(people.online_count, online);
    for (uint32_t at = 0; (at = broker_people_next_online(&people, at)) != BROKER_NONE; at++)
        listed++;
    assert_int_equal(listed, online);
}

static void
watchers_learn_what_is_so_whatever_happened_before(void **state)
{
    uint64_t seed = 88172645463325252ull;

    (void)state;
    for (int step = 0; step < 30000; step++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        const uint32_t i = (uint32_t)(seed >> 8) % SESSIONS, what = (uint32_t)(seed >> 40) % 10;
        now_ms += seed % 30;
        if (slot_of[i] == BROKER_NONE)
            come(i, (uint8_t)(MSG_STATUS_ONLINE + what % 2));
        else if (what < 3)
            go(i);
        else
            watch(i, (uint32_t)(seed >> 20) % ACCOUNTS);
        tell();
        check();
    }
    now_ms += 2 * GATHER_MS;
    tell();
    for (uint32_t i = 0; i < SESSIONS; i++)
        for (uint32_t account = 0; account < ACCOUNTS; account++)
            if (watching[i][account])
                assert_int_equal(told[i][account], wanted_status(account));
    for (uint32_t i = 0; i < SESSIONS; i++)
        if (slot_of[i] != BROKER_NONE)
            go(i);
    check();
    assert_int_equal(sessions.count, 0);
}

static void
a_full_table_refuses_and_stays_whole(void **state)
{
    (void)state;
    for (uint32_t account = 0; account < ACCOUNTS; account++)
        assert_int_not_equal(hold(account), BROKER_NONE);
    assert_int_equal(hold(ACCOUNTS), BROKER_NONE);
    broker_people_settle(&people, broker_people_by_account(&people, 102));
    assert_int_not_equal(hold(ACCOUNTS), BROKER_NONE);
}

static void
a_buried_person_gives_up_the_name_and_keeps_its_watchers(void **state)
{
    bool known;
    struct msg_name name = {"User1", "user1", 5};

    (void)state;
    come(0, MSG_STATUS_ONLINE);
    const uint32_t old = hold(1);
    const uint32_t watched = broker_people_watch(&people, slot_of[0], old, &known);
    assert_int_not_equal(watched, BROKER_NONE);
    broker_people_bury(&people, old);
    assert_int_equal(broker_people_by_name(&people, msg_text("user1")), BROKER_NONE);
    const uint32_t fresh = broker_people_hold(&people, 777, &name);
    assert_int_not_equal(fresh, old);
    assert_int_equal(broker_people_by_name(&people, msg_text("user1")), fresh);
    broker_people_unwatch_all(&people, slot_of[0]); /* lets go of the old one */
    assert_int_equal(broker_people_by_account(&people, 101), BROKER_NONE);
    assert_int_equal(broker_people_by_name(&people, msg_text("user1")), fresh);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(watchers_learn_what_is_so_whatever_happened_before),
        CASE(a_full_table_refuses_and_stays_whole),
        CASE(a_buried_person_gives_up_the_name_and_keeps_its_watchers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
