/* Claims about broker/tables/index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/tables/index.h"

#define SLOTS 500u

static bool
finds(const struct broker_index *index, uint64_t key, uint32_t slot)
{
    const uint32_t hash = broker_index_hash_u64(index, key);
    uint32_t at = hash, found;

    while ((found = broker_index_next(index, hash, &at)) != BROKER_NONE)
        if (found == slot)
            return true;
    return false;
}

static void
what_was_added_and_not_removed_is_found_whatever_the_order(void **state)
{
    struct broker_index index;
    bool there[SLOTS] = {false};
    uint64_t seed = 88172645463325252ull;

    (void)state;
    assert_true(broker_index_init(&index, SLOTS, 7));
    for (int i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        const uint32_t slot = (uint32_t)(seed % SLOTS);
        const uint32_t hash = broker_index_hash_u64(&index, slot * 977u);
        if (there[slot])
            broker_index_remove(&index, hash, slot);
        else
            broker_index_add(&index, hash, slot);
        there[slot] = !there[slot];
        const uint32_t other = (uint32_t)(seed / SLOTS % SLOTS);
        assert_int_equal(finds(&index, other * 977u, other), there[other]);
    }
    broker_index_wipe(&index);
}

static void
equal_hashes_are_told_apart_by_the_caller(void **state)
{
    struct broker_index index;
    uint32_t at = 42, count = 0;

    (void)state;
    assert_true(broker_index_init(&index, 8, 7));
    for (uint32_t slot = 0; slot < 8; slot++)
        broker_index_add(&index, 42, slot);
    while (broker_index_next(&index, 42, &at) != BROKER_NONE)
        count++;
    assert_int_equal(count, 8);
    for (uint32_t slot = 0; slot < 8; slot++)
        broker_index_remove(&index, 42, slot);
    at = 42;
    assert_int_equal(broker_index_next(&index, 42, &at), BROKER_NONE);
    broker_index_wipe(&index);
}

static void
another_seed_is_another_hash(void **state)
{
    const struct broker_index one = {.seed = 1}, other = {.seed = 3};
    uint32_t same = 0;

    (void)state;
    for (uint64_t key = 0; key < 1000; key++)
        same += broker_index_hash(&one, &key, sizeof key) == broker_index_hash(&other, &key, sizeof key);
    assert_true(same < 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_and_not_removed_is_found_whatever_the_order),
        cmocka_unit_test(equal_hashes_are_told_apart_by_the_caller),
        cmocka_unit_test(another_seed_is_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
