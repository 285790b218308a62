/* Stories of people who talk in rooms while they come and go, and networks,
 * disks and processes fail. */
#include "tests/sim/sim.h"

#define MINUTE (60 * SIM_SECOND)
#define PEOPLE_MAX 6u

static const char *const NAMES[PEOPLE_MAX] = {"alice", "bob", "carol", "dave", "eve", "frank"};

struct crowd {
    uint32_t who[PEOPLE_MAX];
    uint32_t count;
};

/* A room with all of them. */
static struct crowd
gather(struct sim *sim, uint32_t count, uint64_t flags)
{
    struct crowd crowd = {.count = count};
    for (uint32_t i = 0; i < count; i++)
        crowd.who[i] = sim_person(sim, NAMES[i]);
    sim_online(sim);
    sim->room_history = (flags & MSG_ROOM_HISTORY) != 0;
    sim_room_create(sim, crowd.who[0], "#den", flags);
    sim_run(sim, SIM_SECOND);
    for (uint32_t i = 1; i < count; i++)
        sim_room_join(sim, crowd.who[i], "#den");
    sim_run(sim, SIM_SECOND);
    SIM_EXPECT(sim, sim_room_count(sim, "#den") == count);
    return crowd;
}

static void
all_talk(struct sim *sim, const struct crowd *crowd, uint32_t count, uint64_t within_us)
{
    for (uint32_t i = 0; i < crowd->count; i++)
        sim_room_talk(sim, crowd->who[i], "#den", count, within_us);
}

/* What was lost last of all is noticed with what is said after it. */
static void
last_words(struct sim *sim, const struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->count; i++)
        sim_crashes(sim, crowd->who[i], 0);
    sim_crashes(sim, SIM_FRONT, 0);
    sim_run(sim, 10 * SIM_SECOND);
    sim->registry_net = sim_net_clean();
    sim_online(sim);
    sim_run(sim, SIM_SECOND);
    all_talk(sim, crowd, 1, SIM_SECOND);
}

static uint32_t
size(struct sim *sim)
{
    return 2 + (uint32_t)sim_below(sim, PEOPLE_MAX - 1);
}

static uint32_t
any_of(struct sim *sim, const struct crowd *crowd)
{
    return crowd->who[sim_below(sim, crowd->count)];
}

static void
a_room_talks_on_a_clean_network(struct sim *sim)
{
    const struct crowd crowd = gather(sim, 4, 0);
    all_talk(sim, &crowd, 30, 20 * SIM_SECOND);
    sim_run(sim, 30 * SIM_SECOND);
    for (uint32_t i = 0; i < crowd.count; i++)
        SIM_EXPECT(sim, sim_shown(sim, crowd.who[i]) == 90);
    for (size_t i = 0; i < sim->said_count; i++)
        SIM_EXPECT(sim, sim->said[i].stored && sim->said[i].mailed);
    SIM_EXPECT(sim, sim->said[sim->said_count - 1].delivered);
    sim_settle(sim);
}

static void
a_room_talks_over_connections_that_end_now_and_then(struct sim *sim)
{
    const struct crowd crowd = gather(sim, size(sim), 0);
    sim->registry_net = sim_net_tcp();
    all_talk(sim, &crowd, 30, MINUTE);
    sim_run(sim, 70 * SIM_SECOND);
    sim_settle(sim);
}

static void
a_room_talks_while_the_network_loses_repeats_and_reorders(struct sim *sim)
{
    const struct crowd crowd = gather(sim, size(sim), 0);
    sim->registry_net = sim_net_hostile();
    all_talk(sim, &crowd, 20, 40 * SIM_SECOND);
    sim_run(sim, MINUTE);
    last_words(sim, &crowd);
    sim_settle(sim);
}

static void
members_are_killed_while_they_talk(struct sim *sim)
{
    const struct crowd crowd = gather(sim, size(sim), 0);
    if (sim_chance(sim, 500))
        sim->registry_net = sim_net_tcp();
    for (uint32_t i = 0; i < crowd.count; i++)
        sim_crashes(sim, crowd.who[i], 150);
    all_talk(sim, &crowd, 30, MINUTE);
    sim_run(sim, 80 * SIM_SECOND);
    sim_settle(sim);
}

static void
the_registry_is_killed_while_they_talk(struct sim *sim)
{
    const struct crowd crowd = gather(sim, size(sim), 0);
    if (sim_chance(sim, 300))
        sim->commit_max_us = 100 * SIM_MS;
    sim_crashes(sim, SIM_FRONT, 150);
    if (sim_chance(sim, 500))
        for (uint32_t i = 0; i < crowd.count; i++)
            sim_crashes(sim, crowd.who[i], 200);
    all_talk(sim, &crowd, 30, MINUTE);
    sim_run(sim, 90 * SIM_SECOND);
    sim_settle(sim);
}

/* Somebody comes, goes, is put out or comes back. */
static void
churn(struct sim *sim, const struct crowd *crowd)
{
    const uint32_t actor = any_of(sim, crowd), whom = any_of(sim, crowd);
    const uint64_t what = sim_below(sim, 10);
    if (!sim->procs[actor].up || !sim->procs[actor].user.enrolled)
        return;
    if (what < 5)
        sim_room_join(sim, actor, "#den");
    else if (what < 6 && actor != crowd->who[0])
        sim_room_act(sim, actor, "#den", MSG_ACT_LEAVE, SIM_NONE);
    else if (sim->procs[crowd->who[0]].up)
        sim_room_act(sim, crowd->who[0], "#den", MSG_ACT_KICK, whom);
}

static void
talk_and_churn(struct sim *sim, const struct crowd *crowd, uint32_t rounds, uint64_t within_us)
{
    all_talk(sim, crowd, 30, within_us);
    for (uint32_t i = 0; i < rounds; i++) {
        sim_run(sim, sim_below(sim, within_us / rounds * 2));
        churn(sim, crowd);
    }
    sim_run(sim, 5 * SIM_SECOND);
}

static void
members_come_and_go_and_are_put_out_while_all_talk(struct sim *sim)
{
    const struct crowd crowd = gather(sim, 3 + (uint32_t)sim_below(sim, 4), 0);
    talk_and_churn(sim, &crowd, 20, 40 * SIM_SECOND);
    sim_settle(sim);
}

static void
members_come_and_go_while_everything_fails(struct sim *sim)
{
    const struct crowd crowd = gather(sim, 3 + (uint32_t)sim_below(sim, 4), sim_chance(sim, 300) ? MSG_ROOM_HISTORY : 0);
    sim->registry_net = sim_net_tcp();
    for (uint32_t i = 0; i < crowd.count; i++)
        sim_crashes(sim, crowd.who[i], 250);
    if (sim_chance(sim, 500))
        sim_crashes(sim, SIM_FRONT, 300);
    talk_and_churn(sim, &crowd, 20, 80 * SIM_SECOND);
    last_words(sim, &crowd);
    sim_settle(sim);
}

static void
who_was_away_catches_up(struct sim *sim)
{
    const struct crowd crowd = gather(sim, 4, 0);
    for (int round = 0; round < 5; round++) {
        const uint32_t one = any_of(sim, &crowd), other = any_of(sim, &crowd);
        sim_crash(sim, one, SIM_NEVER);
        if (sim_chance(sim, 500))
            sim_stop(sim, other);
        all_talk(sim, &crowd, 10, 10 * SIM_SECOND);
        sim_run(sim, sim_below(sim, 30 * SIM_SECOND));
        sim_restart(sim, one);
        sim_run(sim, sim_below(sim, 10 * SIM_SECOND));
        sim_restart(sim, other);
    }
    sim_settle(sim);
}

static void
parts_of_a_room_do_not_reach_the_registry(struct sim *sim)
{
    const struct crowd crowd = gather(sim, size(sim), 0);
    all_talk(sim, &crowd, 30, 2 * MINUTE);
    for (int round = 0; round < 8; round++) {
        const uint32_t one = any_of(sim, &crowd);
        sim_part(sim, one, SIM_FRONT, true);
        sim_run(sim, sim_below(sim, 30 * SIM_SECOND));
        if (sim_chance(sim, 500))
            sim_part(sim, one, SIM_FRONT, false);
        if (sim_chance(sim, 300))
            churn(sim, &crowd);
    }
    sim_settle(sim);
}

static void
an_older_copy_of_a_talkers_disk_is_put_back(struct sim *sim)
{
    const struct crowd crowd = gather(sim, size(sim), 0);
    const uint32_t victim = any_of(sim, &crowd);
    all_talk(sim, &crowd, 10, 10 * SIM_SECOND);
    sim_run(sim, sim_below(sim, 15 * SIM_SECOND));
    sim_snapshot(sim, victim);
    all_talk(sim, &crowd, 10, 10 * SIM_SECOND);
    if (sim_chance(sim, 500))
        sim_crash(sim, victim, 0);
    sim_run(sim, 20 * SIM_SECOND);
    sim_restore(sim, victim);
    sim_run(sim, sim_below(sim, 5 * SIM_SECOND));
    all_talk(sim, &crowd, 10, 10 * SIM_SECOND);
    sim_run(sim, 20 * SIM_SECOND);
    sim_settle(sim);
}

static void
all_devices_of_a_member_are_shown_what_is_said(struct sim *sim)
{
    const struct crowd crowd = gather(sim, 3, 0);
    const uint32_t phone = sim_device(sim, crowd.who[1]);
    sim_online(sim);
    sim_run(sim, 2 * SIM_SECOND);
    all_talk(sim, &crowd, 10, 10 * SIM_SECOND);
    sim_room_talk(sim, phone, "#den", 10, 10 * SIM_SECOND);
    sim_run(sim, 20 * SIM_SECOND);
    if (sim_chance(sim, 500))
        sim_revoke(sim, crowd.who[1], phone);
    all_talk(sim, &crowd, 5, 10 * SIM_SECOND);
    sim_run(sim, 15 * SIM_SECOND);
    sim_settle(sim);
}

static const struct sim_scenario SCENARIOS[] = {
    SIM_STORY(a_room_talks_on_a_clean_network, 5),
    SIM_STORY(a_room_talks_over_connections_that_end_now_and_then, 20),
    SIM_STORY(a_room_talks_while_the_network_loses_repeats_and_reorders, 20),
    SIM_STORY(members_are_killed_while_they_talk, 40),
    SIM_STORY(the_registry_is_killed_while_they_talk, 40),
    SIM_STORY(members_come_and_go_and_are_put_out_while_all_talk, 30),
    SIM_STORY(members_come_and_go_while_everything_fails, 60),
    SIM_STORY(who_was_away_catches_up, 20),
    SIM_STORY(parts_of_a_room_do_not_reach_the_registry, 20),
    SIM_STORY(an_older_copy_of_a_talkers_disk_is_put_back, 20),
    SIM_STORY(all_devices_of_a_member_are_shown_what_is_said, 10),
};
const struct sim_chapter SIM_ROOM_TALK = {SCENARIOS, sizeof SCENARIOS / sizeof SCENARIOS[0]};
