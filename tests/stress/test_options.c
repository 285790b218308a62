/* tools/stress/options: the fixed command line, the plan that follows from it,
 * and what is refused; tools/stress/world: who does what where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/stress/options.h"
#include "tools/stress/world.h"

#define WORDS_MAX 16

static char why[512];

static bool
parse(struct stress_options *options, const char *const words[])
{
    static char copies[WORDS_MAX][64]; /* getopt wants to own argv */
    static char *argv[WORDS_MAX + 1];
    int argc = 0;

    why[0] = '\0';
    for (; words[argc] != NULL && argc < WORDS_MAX; argc++) {
        strncpy(copies[argc], words[argc], sizeof copies[argc] - 1);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    const bool ok = stress_options_parse(options, argc, argv, why, sizeof why);
    assert_true(ok == (why[0] == '\0'));
    return ok;
}

#define PARSE(options, ...) parse(options, (const char *const[]){"conclave-stress", __VA_ARGS__, NULL})

static void
every_option_is_taken(void **state)
{
    struct stress_options o;

    (void)state;
    assert_true(PARSE(&o, "room", "--peers", "12", "--members", "10", "--size", "100", "--rate", "2.5", "--duration", ".5", "--route", "relay"));
    assert_int_equal(o.scenario, STRESS_ONE_ROOM);
    assert_int_equal(o.peers, 12);
    assert_int_equal(o.members, 10);
    assert_int_equal(o.size, 100);
    assert_true(o.rate > 2.4 && o.rate < 2.6);
    assert_true(o.duration_s > 0.4 && o.duration_s < 0.6);
    assert_int_equal(o.route, STRESS_RELAY);
    assert_false(o.in_memory || o.json);
    assert_true(PARSE(&o, "--store", "memory", "--seed", "9", "--json", "--plot=x.svg", "-r", "conclave://h:1/#k", "--pid", "77", "mail"));
    assert_int_equal(o.scenario, STRESS_MAIL);
    assert_true(o.in_memory && o.json);
    assert_int_equal(o.seed, 9);
    assert_string_equal(o.plot, "x.svg");
    assert_string_equal(o.link, "conclave://h:1/#k");
    assert_int_equal(o.pid, 77);
    assert_true(PARSE(&o, "login", "--daemon", "/d", "--daemon-args", "a b", "--route", "direct"));
    assert_string_equal(o.daemon, "/d");
    assert_string_equal(o.daemon_args, "a b");
    assert_int_equal(o.route, STRESS_DIRECTLY);
    assert_true(PARSE(&o, "--help") && o.help);
    assert_true(PARSE(&o, "-V") && o.version);
}

static void
every_scenario_has_a_name_and_a_plan(void **state)
{
    struct stress_options o;

    (void)state;
    for (int i = 0; i < STRESS_SCENARIOS; i++) {
        assert_true(PARSE(&o, stress_options_scenario((enum stress_scenario)i)));
        assert_int_equal(o.scenario, i);
        if (i != STRESS_SIMNET) /* which grows */
            assert_in_range(o.peers, 2, 200);
        assert_true(o.duration_s > 0);
        assert_non_null(strstr(stress_options_help, stress_options_scenario(o.scenario)));
    }
}

static void
the_plan_follows_from_what_is_given(void **state)
{
    struct stress_options o;

    (void)state;
    assert_true(PARSE(&o, "rooms", "--rooms", "7", "--members", "3"));
    assert_int_equal(o.peers, 21);
    assert_true(PARSE(&o, "rooms", "--peers", "21", "--rooms", "7"));
    assert_int_equal(o.members, 3);
    assert_true(PARSE(&o, "rooms", "--peers", "21", "--members", "3"));
    assert_int_equal(o.rooms, 7);
    assert_true(PARSE(&o, "login", "--peers", "7"));
    assert_int_equal(o.rooms, 1);
    assert_int_equal(o.members, 7);
    assert_true(PARSE(&o, "login", "--peers", "1000"));
    assert_int_equal(o.rooms, 100);
    assert_true(PARSE(&o, "room", "--members", "50"));
    assert_int_equal(o.peers, 51);
    assert_true(PARSE(&o, "room", "--peers", "50"));
    assert_int_equal(o.members, 49);
    assert_true(PARSE(&o, "simnet", "--peers", "50"));
    assert_int_equal(o.rooms, 5);
    assert_true(PARSE(&o, "simnet", "--members", "10000"));
    assert_true(o.rooms == 1 && o.peers == 10000);
    assert_true(PARSE(&o, "simnet"));
    assert_true(o.rooms == 0 && o.peers == 0 && o.members == 0); /* they grow */
}

#define REFUSED(part, ...) \
    do { \
        struct stress_options o_; \
        assert_false(PARSE(&o_, __VA_ARGS__)); \
        if (strstr(why, part) == NULL) \
            fail_msg("%s", why); \
    } while (0)

static void
what_makes_no_sense_is_refused_with_a_sentence(void **state)
{
    (void)state;
    REFUSED("simnet has no daemon", "simnet", "-r", "conclave://h:1/#k");
    REFUSED("simnet has no daemon", "simnet", "--route", "relay");
    REFUSED("--pid", "simnet", "--pid", "77");
    REFUSED("A scenario is needed", "--json");
    REFUSED("no scenario dance", "dance");
    REFUSED("one too many", "room", "rooms");
    REFUSED("no option --nope", "room", "--nope");
    REFUSED("no option -x", "-x", "room");
    REFUSED("--size needs an argument", "room", "--size");
    REFUSED("--size takes", "room", "--size", "63");
    REFUSED("--size takes", "room", "--size", "49153");
    REFUSED("--peers takes", "room", "--peers", "0");
    REFUSED("--peers takes", "room", "--peers", "-3");
    REFUSED("--peers takes", "room", "--peers", "100001");
    REFUSED("--rooms takes", "rooms", "--rooms", "x");
    REFUSED("--rate takes", "room", "--rate", "0");
    REFUSED("--rate takes", "room", "--rate", "nan");
    REFUSED("--duration takes", "room", "--duration", "1s");
    REFUSED("--route is", "room", "--route", "pigeon");
    REFUSED("--store is", "room", "--store", "tape");
    REFUSED("--seed takes", "room", "--seed", "1.5");
    REFUSED("--pid takes", "room", "-r", "l", "--pid", "0");
    REFUSED("--pid is of", "room", "--pid", "77");
    REFUSED("leave --daemon", "room", "-r", "l", "--daemon", "d");
    REFUSED("takes no -r", "storm", "-r", "l");
    REFUSED("even number", "direct", "--peers", "3");
    REFUSED("has no rooms", "mail", "--rooms", "3");
    REFUSED("has no rooms", "search", "--members", "3");
    REFUSED("has one room", "room", "--rooms", "2");
    REFUSED("nobody to talk", "room", "--peers", "5", "--members", "5");
    REFUSED("is to be --peers", "rooms", "--peers", "10", "--rooms", "3");
    REFUSED("is to be --peers", "rooms", "--peers", "10", "--rooms", "2", "--members", "4");
    REFUSED("4 members at least", "slow", "--members", "3");
    REFUSED("2 members at least", "rooms", "--members", "1");
    REFUSED("more than", "rooms", "--rooms", "1000", "--members", "1000");
}

static struct stress_world *
world_of(const char *scenario, const char *peers)
{
    struct stress_options o;

    assert_true(PARSE(&o, scenario, "--peers", peers));
    struct stress_world *world = stress_world_new(&o);
    assert_non_null(world);
    return world;
}

static void
everybody_has_a_place_and_the_counts_agree(void **state)
{
    (void)state;
    for (int i = 0; i < STRESS_SCENARIOS; i++) {
        struct stress_world *world = world_of(stress_options_scenario((enum stress_scenario)i), "720");
        uint32_t speakers = 0, writers = 0, members = 0;
        assert_in_range(world->workers, 2, STRESS_WORKERS_MAX);
        for (uint32_t p = 0; p < world->peers; p++) {
            const struct stress_seat *seat = &world->seats[p];
            assert_true(seat->worker < world->workers);
            assert_true(seat->room == STRESS_NONE || (seat->room < world->rooms && p - world->room[seat->room].first < world->room[seat->room].members));
            assert_true(seat->partner == STRESS_NONE || (seat->partner != p && world->seats[seat->partner].partner == p));
            speakers += (seat->roles & STRESS_SPEAKS) != 0;
            writers += (seat->roles & STRESS_WRITES) != 0;
            /* who talks in a room is there all the time */
            if ((seat->roles & STRESS_SPEAKS) != 0)
                assert_int_equal(seat->roles & (STRESS_GOES | STRESS_LEAVES | STRESS_STOPS), 0);
        }
        for (uint32_t r = 0; r < world->rooms; r++) {
            members += world->room[r].members;
            assert_true(world->room[r].timed <= world->room[r].full && world->room[r].full <= world->room[r].members);
        }
        assert_int_equal(speakers, world->speakers);
        assert_int_equal(writers, world->writers);
        assert_int_equal(members, world->rooms > 0 ? world->peers : 0);
        stress_world_destroy(&world);
        assert_null(world);
    }
}

static void
as_many_as_may_be_have_places_too(void **state)
{
    static const char *const listeners[] = {"1", "250", "50000", "99999"};

    (void)state;
    for (size_t i = 0; i < sizeof listeners / sizeof listeners[0]; i++) {
        struct stress_options o;
        assert_true(PARSE(&o, "room", "--peers", "100000", "--members", listeners[i]));
        struct stress_world *world = stress_world_new(&o);
        assert_non_null(world);
        assert_in_range(world->workers, 2, STRESS_WORKERS_MAX);
        for (uint32_t p = 0; p < world->peers; p++)
            assert_true(world->seats[p].worker < world->workers);
        stress_world_destroy(&world);
    }
}

static void
those_who_are_stopped_share_no_process_with_others(void **state)
{
    struct stress_world *world = world_of("slow", "80");
    unsigned kinds[STRESS_WORKERS_MAX] = {0};

    (void)state;
    for (uint32_t p = 0; p < world->peers; p++)
        kinds[world->seats[p].worker] |= (world->seats[p].roles & STRESS_STOPS) != 0 ? 1 : 2;
    for (uint32_t w = 0; w < world->workers; w++)
        assert_true(kinds[w] == 1 || kinds[w] == 2);
    stress_world_destroy(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_taken),
        cmocka_unit_test(every_scenario_has_a_name_and_a_plan),
        cmocka_unit_test(the_plan_follows_from_what_is_given),
        cmocka_unit_test(what_makes_no_sense_is_refused_with_a_sentence),
        cmocka_unit_test(everybody_has_a_place_and_the_counts_agree),
        cmocka_unit_test(as_many_as_may_be_have_places_too),
        cmocka_unit_test(those_who_are_stopped_share_no_process_with_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
