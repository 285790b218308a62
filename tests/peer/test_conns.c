/* Proves peer/conns against a plain list: what was added is found until it is
 * removed, whatever the order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "peer/conns.h"

#define IDS 200u
#define ROUNDS 50000u

static void
a_table_finds_what_is_in_it_and_nothing_else(void **state)
{
    (void)state;
    struct peer_conns table = {0};
    struct peer_conn *there[IDS] = {0};
    uint32_t seed = 1;
    size_t count = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525u + 1013904223u;
        const uint32_t i = (seed >> 8) % IDS;
        const uint64_t id = i % 2 == 0 ? i : (1ull << 63) + i; /* dialled and accepted */
        assert_ptr_equal(peer_conns_find(&table, id), there[i]);
        if (there[i] == NULL) {
            there[i] = peer_conns_add(&table, id);
            assert_int_equal(there[i]->id, id);
            count++;
        } else {
            peer_conns_remove(&table, there[i]);
            free(there[i]);
            there[i] = NULL;
            count--;
        }
        assert_int_equal(table.count, count);
    }
    for (uint32_t i = 0; i < IDS; i++)
        free(there[i]);
    peer_conns_wipe(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_finds_what_is_in_it_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
