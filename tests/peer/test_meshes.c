/* Proves peer/tables/meshes: whom a table holds, and that what went leaves nothing. */
#include "peer/tables/meshes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct peer_meshes meshes;

static void
a_room_has_one_mesh_which_is_found_by_room_and_by_link(void **state)
{
    (void)state;
    struct peer_room_mesh *const one = peer_meshes_add(&meshes, 7), *const two = peer_meshes_add(&meshes, 8);
    assert_non_null(one);
    assert_ptr_equal(peer_meshes_add(&meshes, 7), one);
    assert_ptr_equal(peer_meshes_find(&meshes, 7), one);
    assert_ptr_equal(peer_meshes_find(&meshes, 8), two);
    assert_null(peer_meshes_find(&meshes, 9));
    assert_null(peer_meshes_bound(&meshes, 0)); /* none has a link yet */
    two->link = 5;
    assert_ptr_equal(peer_meshes_bound(&meshes, 5), two);
    assert_null(peer_meshes_bound(&meshes, 6));
    peer_meshes_remove(&meshes, two);
    assert_null(peer_meshes_find(&meshes, 8));
    assert_null(peer_meshes_bound(&meshes, 5));
}

static void
a_mesh_that_ended_leaves_nothing_to_the_next(void **state)
{
    (void)state;
    struct peer_room_mesh *const one = peer_meshes_add(&meshes, 7);
    (void)peer_meshes_add(&meshes, 8);
    one->open = one->settled = one->heard = one->said = true;
    one->link = 5;
    one->key_count = 3;
    peer_meshes_remove(&meshes, one);
    assert_null(peer_meshes_find(&meshes, 7));
    assert_null(peer_meshes_bound(&meshes, 5));
    struct peer_room_mesh *const next = peer_meshes_add(&meshes, 9);
    assert_ptr_equal(next, one); /* its slot */
    assert_false(next->open || next->settled || next->heard || next->said);
    assert_int_equal(next->link + next->key_count, 0);
    assert_int_equal(next->room, 9);
}

static void
there_are_so_many_meshes_and_no_more(void **state)
{
    (void)state;
    for (uint32_t room = 0; room < PEER_MESHES_MAX; room++)
        assert_non_null(peer_meshes_add(&meshes, room));
    assert_null(peer_meshes_add(&meshes, PEER_MESHES_MAX));
    assert_non_null(peer_meshes_add(&meshes, 3)); /* it is there */
    peer_meshes_remove(&meshes, peer_meshes_find(&meshes, 3));
    assert_non_null(peer_meshes_add(&meshes, PEER_MESHES_MAX));
    assert_null(peer_meshes_find(&meshes, 3));
    for (uint32_t room = PEER_MESHES_MAX; room > 0; room--)
        if (peer_meshes_find(&meshes, room) != NULL)
            peer_meshes_remove(&meshes, peer_meshes_find(&meshes, room));
    peer_meshes_remove(&meshes, peer_meshes_find(&meshes, 0));
    assert_int_equal(meshes.count, 0); /* what is searched shrinks */
}

static void
a_device_publishes_in_each_room_by_itself(void **state)
{
    (void)state;
    const struct peer_room_mesh *const one = peer_meshes_add(&meshes, 7), *const two = peer_meshes_add(&meshes, 8);
    struct peer_publisher *const here = peer_meshes_add_publisher(&meshes, one, 2, 1);
    assert_non_null(here);
    assert_ptr_equal(peer_meshes_add_publisher(&meshes, one, 2, 1), here);
    assert_null(peer_meshes_publisher(&meshes, two, 2, 1));
    assert_null(peer_meshes_publisher(&meshes, one, 2, 2)); /* another device */
    assert_null(peer_meshes_publisher(&meshes, one, 3, 1));
    struct peer_publisher *const there = peer_meshes_add_publisher(&meshes, two, 2, 1);
    assert_ptr_not_equal(there, here);
    uint32_t at = 0;
    assert_ptr_equal(peer_meshes_each(&meshes, two, &at), there);
    assert_null(peer_meshes_each(&meshes, two, &at));
    at = 0;
    assert_ptr_equal(peer_meshes_each(&meshes, NULL, &at), here);
    assert_ptr_equal(peer_meshes_each(&meshes, NULL, &at), there);
    assert_null(peer_meshes_each(&meshes, NULL, &at));
}

static void
a_publisher_is_found_by_its_link_while_it_has_one(void **state)
{
    (void)state;
    const struct peer_room_mesh *const mesh = peer_meshes_add(&meshes, 7);
    struct peer_publisher *const one = peer_meshes_add_publisher(&meshes, mesh, 2, 1);
    struct peer_publisher *const two = peer_meshes_add_publisher(&meshes, mesh, 3, 1);
    assert_null(peer_meshes_linked(&meshes, 0));
    *peer_meshes_link(&meshes, one) = 11;
    *peer_meshes_link(&meshes, two) = 12;
    assert_ptr_equal(peer_meshes_linked(&meshes, 11), one);
    assert_ptr_equal(peer_meshes_linked(&meshes, 12), two);
    one->up = one->routed = one->listed = true;
    one->endpoint_count = 2;
    peer_meshes_remove_publisher(&meshes, one);
    assert_null(peer_meshes_linked(&meshes, 11));
    assert_null(peer_meshes_publisher(&meshes, mesh, 2, 1));
    struct peer_publisher *const next = peer_meshes_add_publisher(&meshes, mesh, 4, 1);
    assert_ptr_equal(next, one);
    assert_false(next->up || next->routed || next->listed);
    assert_int_equal(next->endpoint_count, 0);
    assert_null(peer_meshes_linked(&meshes, 11));
    peer_meshes_remove_publisher(&meshes, two);
    peer_meshes_remove_publisher(&meshes, next);
    assert_int_equal(meshes.publisher_count, 0);
    assert_null(peer_meshes_linked(&meshes, 12));
}

static void
there_are_so_many_publishers_and_no_more(void **state)
{
    (void)state;
    const struct peer_room_mesh *const mesh = peer_meshes_add(&meshes, 7);
    for (uint64_t device = 1; device <= PEER_PUBLISHERS; device++)
        assert_non_null(peer_meshes_add_publisher(&meshes, mesh, 2, device));
    assert_null(peer_meshes_add_publisher(&meshes, mesh, 3, 1));
    assert_non_null(peer_meshes_add_publisher(&meshes, mesh, 2, 5));
    peer_meshes_remove_publisher(&meshes, peer_meshes_publisher(&meshes, mesh, 2, 5));
    assert_non_null(peer_meshes_add_publisher(&meshes, mesh, 3, 1));
    assert_null(peer_meshes_publisher(&meshes, mesh, 2, 5));
}

static int
set_up(void **state)
{
    (void)state;
    return peer_meshes_init(&meshes) ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    peer_meshes_wipe(&meshes);
    return meshes.list == NULL && meshes.publishers == NULL && meshes.links == NULL ? 0 : -1;
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_room_has_one_mesh_which_is_found_by_room_and_by_link),
        TEST(a_mesh_that_ended_leaves_nothing_to_the_next),
        TEST(there_are_so_many_meshes_and_no_more),
        TEST(a_device_publishes_in_each_room_by_itself),
        TEST(a_publisher_is_found_by_its_link_while_it_has_one),
        TEST(there_are_so_many_publishers_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
