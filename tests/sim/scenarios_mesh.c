/* Stories of small rooms whose members publish to one another: ways that
 * change, a registry that is away, and somebody who is put out. */
#include "tests/sim/sim.h"

#define PEOPLE 4u

static const char *const NAMES[PEOPLE] = {"alice", "bob", "carol", "dave"};

/* A room of all of them, in which everybody has said something: so its keys
 * are with all, and each hears the others directly. */
static void
gather(struct sim *sim, uint32_t who[PEOPLE])
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        who[i] = sim_person(sim, NAMES[i]);
    sim_online(sim);
    sim_room_create(sim, who[0], "#den", 0);
    sim_run(sim, SIM_SECOND);
    for (uint32_t i = 1; i < PEOPLE; i++)
        sim_room_join(sim, who[i], "#den");
    sim_run(sim, 5 * SIM_SECOND);
    for (uint32_t i = 0; i < PEOPLE; i++)
        sim_room_say(sim, who[i], "#den");
    sim_run(sim, 5 * SIM_SECOND);
}

static void
all_talk(struct sim *sim, const uint32_t who[PEOPLE], uint32_t count, uint64_t within_us)
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        sim_room_talk(sim, who[i], "#den", count, within_us);
}

static void
members_hear_each_other_directly(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    for (uint32_t i = 0; i < PEOPLE; i++)
        SIM_EXPECT(sim, sim->procs[who[i]].published >= PEOPLE - 1);
    all_talk(sim, who, 20, 10 * SIM_SECOND);
    sim_run(sim, 15 * SIM_SECOND);
    for (uint32_t i = 0; i < PEOPLE; i++)
        SIM_EXPECT(sim, sim_shown(sim, who[i]) == 21 * (PEOPLE - 1));
    sim_settle(sim);
}

/* From direct to the registry and back, while everybody talks. */
static void
ways_change_while_members_talk(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim->net = sim_net_tcp();
    all_talk(sim, who, 60, 60 * SIM_SECOND);
    for (int round = 0; round < 30; round++) {
        const uint32_t a = who[sim_below(sim, PEOPLE)], b = who[sim_below(sim, PEOPLE)];
        if (sim_chance(sim, 500))
            sim_cut(sim, a, b);
        else
            sim_part(sim, a, b, sim_chance(sim, 500));
        sim_run(sim, sim_below(sim, 4 * SIM_SECOND));
    }
    sim_settle(sim);
}

static void
members_go_on_talking_while_the_registry_is_away(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim_registry_crash(sim, SIM_NEVER);
    sim_run(sim, SIM_SECOND);
    all_talk(sim, who, 10, 10 * SIM_SECOND);
    sim_run(sim, 15 * SIM_SECOND);
    for (uint32_t i = 0; i < PEOPLE; i++)
        SIM_EXPECT(sim, sim_shown(sim, who[i]) == 11 * (PEOPLE - 1));
    sim_registry_restart(sim);
    all_talk(sim, who, 10, 10 * SIM_SECOND);
    sim_run(sim, 20 * SIM_SECOND);
    sim_settle(sim);
}

/* Of what is published a part is lost; and bob hears nothing of alice at all. */
static void
what_was_missed_is_had_from_members_while_the_registry_is_away(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim_registry_crash(sim, SIM_NEVER);
    sim_run(sim, SIM_SECOND);
    sim->ports_taken = 0; /* who has another port is found through the registry alone */
    sim->net.unpublished = 200;
    sim_part(sim, who[0], who[1], true);
    all_talk(sim, who, 10, 10 * SIM_SECOND);
    if (sim_chance(sim, 500))
        sim_crash(sim, who[2], sim_below(sim, 10 * SIM_SECOND)); /* what it has is on its disk */
    sim_run(sim, 300 * SIM_SECOND);
    for (uint32_t i = 0; i < PEOPLE; i++)
        SIM_EXPECT(sim, sim_shown(sim, who[i]) == 11 * (PEOPLE - 1));
    sim_part(sim, who[0], who[1], false);
    sim_registry_restart(sim);
    all_talk(sim, who, 5, 10 * SIM_SECOND);
    sim_run(sim, 20 * SIM_SECOND);
    sim_settle(sim);
    for (uint32_t i = 0; i < PEOPLE; i++) /* nothing twice */
        SIM_EXPECT(sim, sim_shown(sim, who[i]) == 16 * (PEOPLE - 1));
}

/* Ports and endpoints are on disk. */
static void
a_mesh_comes_back_while_the_registry_is_away(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    const uint64_t before = sim_shown(sim, who[1]);
    sim->ports_taken = 0; /* who has another port is found through the registry alone */
    sim_registry_crash(sim, SIM_NEVER);
    for (uint32_t i = 0; i < PEOPLE; i++)
        if (i == 0 || sim_chance(sim, 500))
            sim_crash(sim, who[i], sim_below(sim, 3 * SIM_SECOND));
    sim_run(sim, 240 * SIM_SECOND); /* all have dialled again, those too whose links died unseen */
    sim_room_say(sim, who[0], "#den");
    sim_run(sim, 3 * SIM_SECOND);
    SIM_EXPECT(sim, sim_shown(sim, who[1]) == before + 1);
    sim_registry_restart(sim);
    sim_settle(sim);
}

static void
whoever_is_put_out_gets_nothing_more(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    all_talk(sim, who, 10, 10 * SIM_SECOND);
    sim_run(sim, sim_below(sim, 8 * SIM_SECOND));
    sim_room_act(sim, who[0], "#den", sim_chance(sim, 500) ? MSG_ACT_KICK : MSG_ACT_BAN, who[3]);
    sim_run(sim, 3 * SIM_SECOND); /* by now everybody knows */
    const uint64_t published = sim->procs[who[3]].published;
    for (uint32_t i = 0; i < 3; i++)
        sim_room_talk(sim, who[i], "#den", 10, 10 * SIM_SECOND);
    sim_run(sim, 15 * SIM_SECOND);
    SIM_EXPECT(sim, sim->procs[who[3]].published == published);
    sim_settle(sim);
}

static void
members_of_a_mesh_are_killed_while_everything_fails(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim->net = sim->registry_net = sim_net_tcp();
    for (uint32_t i = 0; i < PEOPLE; i++)
        sim_crashes(sim, who[i], 300);
    if (sim_chance(sim, 500))
        sim_crashes(sim, SIM_FRONT, 300);
    all_talk(sim, who, 20, 60 * SIM_SECOND);
    for (int round = 0; round < 10; round++) {
        sim_part(sim, who[sim_below(sim, PEOPLE)], who[sim_below(sim, PEOPLE)], sim_chance(sim, 500));
        sim_run(sim, sim_below(sim, 12 * SIM_SECOND));
    }
    sim_settle(sim);
}

static const struct sim_scenario SCENARIOS[] = {
    SIM_STORY(members_hear_each_other_directly, 5),
    SIM_STORY(ways_change_while_members_talk, 20),
    SIM_STORY(members_go_on_talking_while_the_registry_is_away, 10),
    SIM_STORY(what_was_missed_is_had_from_members_while_the_registry_is_away, 20),
    SIM_STORY(a_mesh_comes_back_while_the_registry_is_away, 10),
    SIM_STORY(whoever_is_put_out_gets_nothing_more, 10),
    SIM_STORY(members_of_a_mesh_are_killed_while_everything_fails, 20),
};
const struct sim_chapter SIM_MESH = {SCENARIOS, sizeof SCENARIOS / sizeof SCENARIOS[0]};
