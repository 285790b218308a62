/* Claims about peer/tables/keyring: which state of a key counts, and that nobody
 * pushes out the keys of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "peer/tables/keyring.h"

static struct peer_keyring ring;
static struct msg_effects out;
static const struct msg_id DEN = {{1}};

static int
set_up(void **state)
{
    (void)state;
    msg_effects_init(&out);
    return msg_keys_init() == CONCLAVE_OK && peer_keyring_init(&ring, 64) ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    peer_keyring_wipe(&ring);
    msg_effects_wipe(&out);
    return 0;
}

static struct peer_key
a_key(uint64_t account)
{
    struct peer_key key = {.room = DEN, .account = account, .device = 1, .epoch = 3, .made_ms = 1};
    msg_roomkey_new(&key.first);
    return key;
}

static struct peer_key
moved_on(const struct peer_key *key, uint64_t counter)
{
    struct peer_key later = *key;
    assert_int_equal(msg_roomkey_advance(&later.first, counter), CONCLAVE_OK);
    return later;
}

static const struct peer_key *
kept(const struct peer_key *key)
{
    return peer_keyring_find(&ring, &key->room, key->account, key->device, &key->first.tag);
}

static void
assert_state(const struct peer_key *key)
{
    const struct peer_key *is = kept(key);
    assert_non_null(is);
    assert_int_equal(is->first.counter, key->first.counter);
    assert_memory_equal(&is->first.chain, &key->first.chain, sizeof key->first.chain);
    assert_memory_equal(&is->ahead.chain, &key->first.chain, sizeof key->first.chain);
    assert_int_equal(is->epoch, key->epoch);
}

static void
a_state_that_reaches_further_back_takes_its_place(void **state)
{
    (void)state;
    const struct peer_key first = a_key(7), later = moved_on(&first, 20);
    assert_true(peer_keyring_add(&ring, &later, false, &out));
    assert_true(peer_keyring_add(&ring, &first, false, &out));
    assert_state(&first);
    assert_false(peer_keyring_add(&ring, &later, true, &out));
    assert_state(&first);
}

/* Whoever else hands on something under its name and calls it older. */
static void
what_does_not_lead_to_the_known_state_is_not_taken(void **state)
{
    (void)state;
    const struct peer_key first = a_key(7), later = moved_on(&first, 20);
    struct peer_key other = a_key(7);
    other.first.tag = first.first.tag;
    assert_true(peer_keyring_add(&ring, &later, true, &out));
    assert_false(peer_keyring_add(&ring, &other, false, &out));
    assert_state(&later);
    other = first;
    other.epoch = 2;
    assert_false(peer_keyring_add(&ring, &other, false, &out));
    assert_state(&later);
}

static void
whose_key_it_is_has_the_last_word(void **state)
{
    (void)state;
    const struct peer_key right = a_key(7);
    struct peer_key other = a_key(7);
    other.first.tag = right.first.tag;
    assert_true(peer_keyring_add(&ring, &other, false, &out));
    const struct peer_key later = moved_on(&right, 20);
    assert_true(peer_keyring_add(&ring, &later, true, &out));
    assert_state(&later);
}

static void
who_has_many_keys_pushes_out_its_own(void **state)
{
    (void)state;
    const struct peer_key of_bob = a_key(2);
    struct peer_key first = a_key(7);
    assert_true(peer_keyring_add(&ring, &of_bob, true, &out));
    assert_true(peer_keyring_add(&ring, &first, true, &out));
    for (int i = 0; i < 1000; i++) {
        struct peer_key key = a_key(7);
        key.room.at[0] = (uint8_t)i;
        assert_true(peer_keyring_add(&ring, &key, true, &out));
        assert_non_null(kept(&key));
    }
    assert_null(kept(&first));
    assert_non_null(kept(&of_bob));
    assert_int_equal(ring.all.count, 1 + 64 / PEER_KEYS_SHARE);
}

static void
when_all_is_full_the_one_used_longest_ago_makes_room(void **state)
{
    (void)state;
    struct peer_key keys[65];
    for (uint64_t i = 0; i < 64; i++) {
        keys[i] = a_key(100 + i);
        assert_true(peer_keyring_add(&ring, &keys[i], true, &out));
    }
    assert_non_null(kept(&keys[0]));
    keys[64] = a_key(200);
    assert_true(peer_keyring_add(&ring, &keys[64], true, &out));
    assert_non_null(kept(&keys[0]));
    assert_null(kept(&keys[1]));
    assert_non_null(kept(&keys[64]));
}

static void
what_was_dropped_is_gone_with_its_record(void **state)
{
    (void)state;
    const struct peer_key key = a_key(7);
    assert_true(peer_keyring_add(&ring, &key, true, &out));
    const size_t before = out.count;
    peer_keyring_drop(&ring, peer_keyring_find(&ring, &DEN, 7, 1, &key.first.tag), &out);
    assert_null(kept(&key));
    assert_int_equal(out.count, before + 1);
    assert_int_equal(out.list[before].kind, EFFECT_DELETE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void
a_key_is_found_by_all_that_it_belongs_to(void **state)
{
    (void)state;
    const struct msg_id elsewhere = {{2}};
    const struct peer_key key = a_key(1);
    assert_true(peer_keyring_add(&ring, &key, true, &out));
    assert_non_null(peer_keyring_find(&ring, &DEN, 1, 1, &key.first.tag));
    assert_null(peer_keyring_find(&ring, &elsewhere, 1, 1, &key.first.tag));
    assert_null(peer_keyring_find(&ring, &DEN, 2, 1, &key.first.tag));
    assert_null(peer_keyring_find(&ring, &DEN, 1, 2, &key.first.tag));
}

static size_t
over(const struct msg_id *room, uint64_t epoch)
{
    size_t n = 0;
    uint32_t at = 0;
    while (peer_keyring_over(&ring, room, epoch, &at) != NULL)
        n++;
    return n;
}

static void
what_its_device_has_replaced_since_is_over(void **state)
{
    (void)state;
    const struct msg_id pond = {{2}};
    struct peer_key others[3];
    const struct peer_key old = a_key(7);
    assert_true(peer_keyring_add(&ring, &old, true, &out));
    for (int i = 0; i < 3; i++) {
        others[i] = a_key(7);
        others[i].epoch = 4;
    }
    others[0].device = 2;
    others[1].room = pond;
    others[2].epoch = 3; /* of another day, or after ten thousand frames */
    for (int i = 0; i < 3; i++)
        assert_true(peer_keyring_add(&ring, &others[i], true, &out));
    assert_int_equal(over(&DEN, 5), 0);
    struct peer_key later = a_key(7);
    later.epoch = 4;
    assert_true(peer_keyring_add(&ring, &later, true, &out));
    assert_int_equal(over(&DEN, 5), 2);
    assert_int_equal(over(&DEN, 3), 0); /* the room stands before it */
    assert_int_equal(over(&pond, 5), 0);
}

static void
nobody_replaces_the_keys_of_others(void **state)
{
    (void)state;
    const struct peer_key old = a_key(7);
    struct peer_key other = a_key(7);
    other.epoch = 4;
    assert_true(peer_keyring_add(&ring, &old, true, &out));
    for (other.account = 8; other.account < 8 + 12 * PEER_KEYS_OWNERS; other.account++) { /* some share his list */
        assert_true(peer_keyring_add(&ring, &other, true, &out));
        assert_int_equal(over(&DEN, 5), 0);
        peer_keyring_drop(&ring, peer_keyring_find(&ring, &DEN, other.account, 1, &other.first.tag), &out);
        msg_effects_clear(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_key_is_found_by_all_that_it_belongs_to),
        CASE(a_state_that_reaches_further_back_takes_its_place),
        CASE(what_does_not_lead_to_the_known_state_is_not_taken),
        CASE(whose_key_it_is_has_the_last_word),
        CASE(who_has_many_keys_pushes_out_its_own),
        CASE(when_all_is_full_the_one_used_longest_ago_makes_room),
        CASE(what_was_dropped_is_gone_with_its_record),
        CASE(what_its_device_has_replaced_since_is_over),
        CASE(nobody_replaces_the_keys_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
