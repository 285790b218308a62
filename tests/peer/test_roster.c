/* People and their devices: found by number, name, key and link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer/tables/roster.h"

static struct peer_roster roster;

static int
set_up(void **state)
{
    (void)state;
    return peer_roster_init(&roster, 4) ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    peer_roster_wipe(&roster);
    return 0;
}

static void
a_contact_is_found_by_number_and_by_any_spelling_of_its_name(void **state)
{
    (void)state;
    struct msg_name name;
    struct peer_contact *const bob = peer_roster_add(&roster, 7, msg_text("Bob"));
    assert_non_null(bob);
    assert_ptr_equal(peer_roster_contact(&roster, 7), bob);
    assert_int_equal(msg_name_parse(&name, msg_text("bOB")), CONCLAVE_OK);
    assert_ptr_equal(peer_roster_named(&roster, &name), bob);
    assert_ptr_equal(peer_roster_add(&roster, 7, msg_text("Bob")), bob);
    assert_null(peer_roster_contact(&roster, 8));
    assert_null(peer_roster_add(&roster, 9, msg_text("not a name")));
}

static void
a_name_that_was_typed_means_the_same_however_often_and_after_others(void **state)
{
    (void)state;
    static const struct { const char *typed, *folded; } names[] = {
        {"Bob", "bob"}, {"Bob", "bob"}, {"Bo", "bo"}, {"Bob", "bob"}, {"..", NULL}, {"..", NULL}, {"", NULL}, {"bob", "bob"}, {"eve", "eve"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct msg_name *const name = peer_roster_typed(&roster, msg_text(names[i].typed));
        assert_int_equal(name != NULL, names[i].folded != NULL);
        if (name != NULL)
            assert_string_equal(name->folded, names[i].folded);
    }
}

static void
a_full_table_takes_no_more_until_somebody_leaves(void **state)
{
    (void)state;
    char name[8];
    for (uint64_t i = 1; i <= 4; i++) {
        (void)snprintf(name, sizeof name, "p%u", (unsigned)i);
        assert_non_null(peer_roster_add(&roster, i, msg_text(name)));
    }
    assert_null(peer_roster_add(&roster, 5, msg_text("p5")));
    peer_roster_remove(&roster, peer_roster_contact(&roster, 2));
    assert_non_null(peer_roster_add(&roster, 5, msg_text("p5")));
    assert_null(peer_roster_contact(&roster, 2));
}

static void
devices_belong_to_their_contact_and_go_alone(void **state)
{
    (void)state;
    struct peer_contact *const bob = peer_roster_add(&roster, 1, msg_text("bob"));
    struct peer_device *const one = peer_roster_add_device(&roster, bob, 1),
                              *const two = peer_roster_add_device(&roster, bob, 2);
    one->cert.transport.at[0] = 1;
    two->cert.transport.at[0] = 2;
    assert_ptr_equal(peer_roster_device(&roster, 1, 2), two);
    assert_ptr_equal(peer_roster_by_key(&roster, &two->cert.transport), two);
    assert_ptr_equal(peer_roster_contact_of(&roster, two), bob);
    peer_roster_remove_device(&roster, one);
    assert_null(peer_roster_device(&roster, 1, 1));
    assert_ptr_equal(peer_roster_first_device(&roster, bob), two);
    assert_null(peer_roster_next_device(&roster, two));
}

static void
a_link_leads_to_its_device_while_it_is_there(void **state)
{
    (void)state;
    struct peer_contact *const bob = peer_roster_add(&roster, 1, msg_text("bob"));
    struct peer_device *const device = peer_roster_add_device(&roster, bob, 1);
    device->dialled = (struct peer_link){5, PEER_LINK_UP};
    device->accepted = (struct peer_link){9, PEER_LINK_GREETING};
    assert_ptr_equal(peer_roster_by_link(&roster, 5), device);
    assert_ptr_equal(peer_roster_by_link(&roster, 9), device);
    device->dialled = (struct peer_link){0, PEER_LINK_NONE};
    assert_null(peer_roster_by_link(&roster, 5));
    assert_null(peer_roster_by_link(&roster, 0));
}

static void
the_preferred_endpoint_comes_first_and_none_stands_twice(void **state)
{
    (void)state;
    struct peer_device device = {0};
    char text[32];
    for (int i = 0; i < 20; i++) {
        (void)snprintf(text, sizeof text, "10.0.0.%d:1", i % 10);
        peer_roster_prefer_endpoint(&device, msg_text(text));
        assert_string_equal(device.endpoints[0], text);
    }
    assert_int_equal(device.endpoint_count, MSG_ENDPOINT_COUNT);
    for (uint32_t a = 0; a < device.endpoint_count; a++)
        for (uint32_t b = 0; b < a; b++)
            assert_string_not_equal(device.endpoints[a], device.endpoints[b]);
}

static void
marked_devices_are_visited_once(void **state)
{
    (void)state;
    struct peer_contact *const bob = peer_roster_add(&roster, 1, msg_text("bob"));
    for (uint64_t i = 1; i <= 5; i++)
        assert_non_null(peer_roster_add_device(&roster, bob, i));
    roster.dirty[1] = roster.dirty[4] = 1;
    uint32_t at = 0;
    assert_int_equal(
        peer_roster_device_index(&roster, peer_roster_each_marked(&roster, roster.dirty, &at)), 1);
    assert_int_equal(
        peer_roster_device_index(&roster, peer_roster_each_marked(&roster, roster.dirty, &at)), 4);
    assert_null(peer_roster_each_marked(&roster, roster.dirty, &at));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_contact_is_found_by_number_and_by_any_spelling_of_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_name_that_was_typed_means_the_same_however_often_and_after_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_table_takes_no_more_until_somebody_leaves, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(devices_belong_to_their_contact_and_go_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_link_leads_to_its_device_while_it_is_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_preferred_endpoint_comes_first_and_none_stands_twice,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(marked_devices_are_visited_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
