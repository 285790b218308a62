/* Claims about host/sources: what one source is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "host/sources.h"

static struct host_peer
at(const char *address, uint16_t port)
{
    struct host_peer peer = {.port = port};

    assert_int_equal(inet_pton(AF_INET6, address, peer.address), 1);
    return peer;
}

static void
an_address_of_ipv4_and_a_network_of_ipv6_are_a_source(void **state)
{
    const struct host_peer four = at("::ffff:192.0.2.1", 1), other = at("::ffff:192.0.2.2", 1);
    const struct host_peer six = at("2001:db8:1:2::1", 1), near = at("2001:db8:1:2:3:4:5:6", 2), far = at("2001:db8:1:3::1", 1);
    struct host_sources *sources = host_sources_new();

    (void)state;
    assert_non_null(sources);
    assert_int_equal(host_sources_add(sources, &four), 1);
    assert_int_equal(host_sources_add(sources, &(struct host_peer){.port = 9}), 1);
    assert_int_equal(host_sources_add(sources, &other), 1);
    assert_int_equal(host_sources_add(sources, &four), 2);
    assert_int_equal(host_sources_add(sources, &six), 1);
    assert_int_equal(host_sources_add(sources, &near), 2);
    assert_int_equal(host_sources_add(sources, &far), 1);
    host_sources_remove(sources, &six);
    assert_int_equal(host_sources_add(sources, &near), 2);
    host_sources_destroy(&sources);
    assert_null(sources);
}

static void
a_source_that_is_gone_begins_anew(void **state)
{
    const struct host_peer four = at("::ffff:192.0.2.1", 1), other = at("::ffff:192.0.2.2", 1);
    struct host_sources *sources = host_sources_new();

    (void)state;
    assert_non_null(sources);
    host_sources_remove(sources, &four); /* one that never came */
    assert_int_equal(host_sources_add(sources, &four), 1);
    assert_int_equal(host_sources_add(sources, &other), 1);
    host_sources_remove(sources, &four);
    host_sources_remove(sources, &four);
    assert_int_equal(host_sources_add(sources, &four), 1);
    assert_int_equal(host_sources_add(sources, &other), 2);
    host_sources_destroy(&sources);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_of_ipv4_and_a_network_of_ipv6_are_a_source),
        cmocka_unit_test(a_source_that_is_gone_begins_anew),
    };

    return cmocka_run_group_tests_name("host/sources", tests, NULL, NULL);
}
