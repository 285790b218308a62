/* Stories of those who cannot meet: links through the registry, and mail. */
#include "tests/sim/sim.h"

#define MINUTE (60 * SIM_SECOND)

static void
both_talk(struct sim *sim, uint32_t alice, uint32_t bob, uint32_t count, uint64_t within_us)
{
    sim_talk(sim, alice, bob, count, within_us);
    sim_talk(sim, bob, alice, count, within_us);
}

/* Two people whose machines never reach each other. */
static void
strangers(struct sim *sim, uint32_t *alice, uint32_t *bob)
{
    *alice = sim_person(sim, "alice");
    *bob = sim_person(sim, "bob");
    sim_part(sim, *alice, *bob, true);
    sim_online(sim);
}

static void
two_who_cannot_reach_each_other_talk_through_the_registry(struct sim *sim)
{
    uint32_t alice, bob;
    strangers(sim, &alice, &bob);
    if (sim_chance(sim, 300))
        sim->registry_net = sim_net_tcp();
    both_talk(sim, alice, bob, 40, 30 * SIM_SECOND);
    sim_run(sim, 75 * SIM_SECOND);
    SIM_EXPECT(sim, sim_check_rest(sim));
    if (sim_chance(sim, 500)) { /* they come together, and part again */
        sim_part(sim, alice, bob, false);
        both_talk(sim, alice, bob, 20, 2 * MINUTE);
        sim_run(sim, sim_below(sim, 2 * MINUTE));
        sim_part(sim, alice, bob, true);
        sim_run(sim, 3 * MINUTE);
        SIM_EXPECT(sim, sim_check_rest(sim));
    }
    sim_settle(sim);
}

static void
all_are_killed_while_they_talk_through_the_registry(struct sim *sim)
{
    uint32_t alice, bob;
    strangers(sim, &alice, &bob);
    sim_crashes(sim, alice, 200);
    sim_crashes(sim, bob, 200);
    if (sim_chance(sim, 500))
        sim_crashes(sim, SIM_FRONT, 100);
    both_talk(sim, alice, bob, 40, MINUTE);
    sim_run(sim, 90 * SIM_SECOND);
    for (uint32_t i = 0; i < sim->proc_count; i++)
        sim_crashes(sim, i, 0);
    sim_run(sim, 2 * MINUTE);
    SIM_EXPECT(sim, sim_check_rest(sim)); /* although they have never met */
    sim_settle(sim);
}

static void
who_never_links_directly_talks_all_the_same(struct sim *sim)
{
    const uint32_t alice = sim_hermit(sim, "alice"),
                   bob = sim_chance(sim, 500) ? sim_hermit(sim, "bob") : sim_person(sim, "bob");
    sim_online(sim);
    both_talk(sim, alice, bob, 20, 20 * SIM_SECOND);
    sim_run(sim, 40 * SIM_SECOND);
    SIM_EXPECT(sim, sim_check_rest(sim));
    for (size_t i = 0; i < sim->conn_count; i++)
        SIM_EXPECT(sim, !sim->conns[i].up || sim->conns[i].side[1].proc <= SIM_FRONT);
    sim_settle(sim);
}

static const struct sim_scenario SCENARIOS[] = {
    SIM_STORY(two_who_cannot_reach_each_other_talk_through_the_registry, 20),
    SIM_STORY(all_are_killed_while_they_talk_through_the_registry, 20),
    SIM_STORY(who_never_links_directly_talks_all_the_same, 10),
};
const struct sim_chapter SIM_MAIL = {SCENARIOS, sizeof SCENARIOS / sizeof SCENARIOS[0]};
