/* tools/simnet/play: small worlds from beginning to end, what they show, that
 * the checker sees what a network might do, and how far conclaved's
 * configuration goes; tools/simnet/growth: which worlds there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/simnet/growth.h"

static struct simnet_result result;
static char why[SIMNET_WHY_MAX];

static const struct simnet_plan SMALL = {.peers = 30, .rooms = 3, .members = 10, .size = 100, .rate = 50, .duration_s = 4, .seed = 1};

static void
play(const struct simnet_plan *plan)
{
    const enum conclave_err err = simnet_play(&result, plan, NULL, NULL, why);

    assert_string_equal(why, "");
    assert_int_equal(err, CONCLAVE_OK);
}

static void
all_sign_up_log_in_join_and_hear_everything(void **state)
{
    (void)state;
    play(&SMALL);
    assert_true(simnet_is_clean(&result));
    assert_int_equal(result.sign_up.count, 30);
    assert_int_equal(result.log_in.count, 30);
    assert_int_equal(result.create.count, 3);
    assert_int_equal(result.join.count, 27);
    assert_int_equal(result.post.count, 200);
    assert_int_equal(result.expected, 200 * 9);
    assert_int_equal(result.copies, 200 * 9);
    assert_int_equal(result.relay.count, 200);
    assert_int_equal(result.direct_got, 200);
    assert_true(result.ping.count >= 30);
    const struct simnet_cost *costs[] = {&result.sign_up, &result.log_in, &result.ping, &result.create, &result.join, &result.post, &result.relay};
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++)
        assert_true(costs[i]->cpu_s > 0);
    assert_true(result.tables_b > 10u << 20 && result.store_records > 200 && result.simulated_s > 8);
}

static void
a_seed_repeats_a_world(void **state)
{
    struct simnet_plan plan = SMALL;

    (void)state;
    play(&plan);
    const struct simnet_result before = result;
    play(&plan);
    assert_true(result.simulated_s == before.simulated_s);
    assert_true(result.store_b == before.store_b && result.ping.count == before.ping.count);
    plan.seed = 2;
    play(&plan);
    assert_true(result.simulated_s != before.simulated_s);
}

static void
rooms_may_be_fewer_than_peers_and_large(void **state)
{
    const struct simnet_plan plan = {.peers = 301, .rooms = 2, .members = 150, .size = 64, .rate = 20, .duration_s = 2, .seed = 5};

    (void)state;
    play(&plan);
    assert_true(simnet_is_clean(&result));
    assert_int_equal(result.join.count, 298);
    assert_true(result.session_b > 300 && result.session_b < 20000);
    assert_int_equal(result.copies, 40 * 149);
    assert_int_equal(result.direct_got, 40); /* the last one has no partner */
}

static void
what_one_sends_another_arrives_in_order_however_fast_it_comes(void **state)
{
    struct simnet_plan plan = {.peers = 4, .rooms = 2, .members = 2, .size = 64, .rate = 20000, .duration_s = 0.5};

    (void)state;
    for (plan.seed = 5; plan.seed <= 8; plan.seed++) {
        play(&plan);
        assert_true(simnet_is_clean(&result));
        assert_int_equal(result.copies, 10000);
        assert_int_equal(result.direct_got, 10000);
    }
}

static void
the_checker_sees_each_fault_and_no_other(void **state)
{
    const struct { struct simnet_faults faults; bool lost, doubled, reordered, damaged; } cases[] = {
        {{.lose = 100}, .lost = true},
        {{.repeat = 100}, .doubled = true},
        {{.delay = 100}, .reordered = true},
        {{.change = 100}, .damaged = true, .lost = true}, /* what came damaged did not come */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct simnet_plan plan = SMALL;
        plan.rate = 400;
        plan.faults = cases[i].faults;
        play(&plan);
        assert_false(simnet_is_clean(&result));
        assert_int_equal(result.lost > 0, cases[i].lost);
        assert_int_equal(result.doubled > 0, cases[i].doubled);
        assert_int_equal(result.reordered > 0, cases[i].reordered);
        assert_int_equal(result.damaged > 0, cases[i].damaged);
        assert_int_equal(result.copies, plan.rate * plan.duration_s * 9); /* rooms are as they were */
    }
}

static void
what_the_configuration_does_not_permit_is_told(void **state)
{
    const struct simnet_plan sessions = {.peers = 1000001, .rooms = 1, .members = 1, .size = 64, .duration_s = 1};
    const struct simnet_plan members = {.peers = 100001, .rooms = 1, .members = 100001, .size = 64, .duration_s = 1};

    (void)state;
    assert_int_equal(simnet_play(&result, &sessions, NULL, NULL, why), CONCLAVE_ERR_CONFIG);
    assert_non_null(strstr(why, "sessions"));
    assert_int_equal(simnet_play(&result, &members, NULL, NULL, why), CONCLAVE_ERR_CONFIG);
    assert_non_null(strstr(why, "room_members"));
}

static void
without_a_size_worlds_grow(void **state)
{
    struct simnet_world worlds[SIMNET_WORLDS_MAX];
    struct stress_options options = {.scenario = STRESS_SIMNET, .size = 256, .duration_s = 10, .seed = 9};
    uint32_t sessions = 0, members = 0;

    (void)state;
    const uint32_t count = simnet_growth_plan(worlds, &options);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(worlds[i].plan.rooms * worlds[i].plan.members, worlds[i].plan.peers);
        assert_int_equal(worlds[i].plan.seed, 9);
        sessions = worlds[i].plan.peers > sessions ? worlds[i].plan.peers : sessions;
        members = worlds[i].plan.members > members ? worlds[i].plan.members : members;
    }
    assert_int_equal(sessions, 100000);
    assert_int_equal(members, 10000);
    options.peers = options.members = 50;
    options.rooms = 1;
    assert_int_equal(simnet_growth_plan(worlds, &options), 1);
    assert_int_equal(worlds[0].plan.members, 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sign_up_log_in_join_and_hear_everything),
        cmocka_unit_test(a_seed_repeats_a_world),
        cmocka_unit_test(rooms_may_be_fewer_than_peers_and_large),
        cmocka_unit_test(what_one_sends_another_arrives_in_order_however_fast_it_comes),
        cmocka_unit_test(the_checker_sees_each_fault_and_no_other),
        cmocka_unit_test(what_the_configuration_does_not_permit_is_told),
        cmocka_unit_test(without_a_size_worlds_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
