/* Stories of rooms of 2 to 200 members: most are small, and some are not. */
#include <stdio.h>

#include "tests/sim/sim.h"

#define MINUTE      (60 * SIM_SECOND)
#define CROWD_MAX   200u
#define TALKERS_MAX 6u

struct crowd {
    uint32_t who[CROWD_MAX];
    uint32_t count;   /* the first of them owns the room */
    uint32_t talkers; /* the first so many */
};

/* Small ones find most, and cost little. */
static uint32_t
size(struct sim *sim)
{
    const uint64_t kind = sim_below(sim, 100);
    if (kind < 50)
        return (uint32_t)sim_between(sim, 2, 10);
    if (kind < 75)
        return (uint32_t)sim_between(sim, 11, 20);
    if (kind < 93)
        return (uint32_t)sim_between(sim, 21, 45);
    return kind < 99 ? (uint32_t)sim_between(sim, 46, 120) : CROWD_MAX;
}

/* People, and a room with the first so many of them. */
static void
gather(struct sim *sim, struct crowd *crowd, uint32_t count, uint32_t in, uint64_t flags)
{
    *crowd = (struct crowd){.count = count, .talkers = count < TALKERS_MAX ? count : TALKERS_MAX};
    sim->room_members = sim->cards = CROWD_MAX + 56;
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "member%u", i);
        crowd->who[i] = sim_person(sim, name);
        if (i % 20 == 19) /* the vault takes one after the other */
            sim_online(sim);
    }
    sim_online(sim);
    sim->room_history = (flags & MSG_ROOM_HISTORY) != 0;
    sim_room_create(sim, crowd->who[0], "#den", flags);
    sim_run(sim, SIM_SECOND);
    for (uint32_t i = 1; i < in; i++) {
        if ((flags & MSG_ROOM_PRIVATE) != 0) {
            sim_room_act(sim, crowd->who[0], "#den", MSG_ACT_INVITE, crowd->who[i]);
            sim_run(sim, SIM_SECOND / 5);
        }
        sim_room_join(sim, crowd->who[i], "#den");
        if (i % 10 == 9)
            sim_run(sim, SIM_SECOND);
    }
    sim_run(sim, 5 * SIM_SECOND);
    SIM_EXPECT(sim, sim_room_count(sim, "#den") == in);
}

static void
talk(struct sim *sim, const struct crowd *crowd, uint32_t count, uint64_t within_us)
{
    for (uint32_t i = 0; i < crowd->talkers; i++)
        sim_room_talk(sim, crowd->who[i], "#den", count, within_us);
}

static uint32_t
any_of(struct sim *sim, const struct crowd *crowd)
{
    return crowd->who[sim_below(sim, crowd->count)];
}

/* Somebody other than who owns the room. */
static uint32_t
other(struct sim *sim, const struct crowd *crowd)
{
    return crowd->who[sim_between(sim, 1, crowd->count - 1)];
}

static bool
acts(const struct sim *sim, uint32_t who)
{
    return sim->procs[who].up && sim->procs[who].user.enrolled;
}

/* Somebody comes, goes, is put out or let in. */
static void
churn(struct sim *sim, const struct crowd *crowd)
{
    const uint32_t owner = crowd->who[0], one = other(sim, crowd), whom = other(sim, crowd);
    const uint64_t what = sim_below(sim, 12);
    static const enum msg_act BY_OWNER[] = {MSG_ACT_KICK, MSG_ACT_KICK,   MSG_ACT_BAN,  MSG_ACT_UNBAN,
                                            MSG_ACT_INVITE, MSG_ACT_INVITE, MSG_ACT_MUTE, MSG_ACT_UNMUTE};
    if (what < 3 && acts(sim, one))
        sim_room_join(sim, one, "#den");
    else if (what < 4 && acts(sim, one))
        sim_room_act(sim, one, "#den", MSG_ACT_LEAVE, SIM_NONE);
    else if (what >= 4 && acts(sim, owner))
        sim_room_act(sim, owner, "#den", BY_OWNER[what - 4], whom);
}

/* What was lost last of all is noticed with what is said after it. */
static void
last_words(struct sim *sim, const struct crowd *crowd)
{
    for (uint32_t i = 0; i < sim->proc_count; i++)
        sim_crashes(sim, i, 0);
    sim_run(sim, 10 * SIM_SECOND);
    sim->net = sim->registry_net = sim_net_clean();
    memset(sim->parted, 0, sizeof sim->parted);
    for (uint32_t i = 0; i < crowd->count; i++)
        sim_restart(sim, crowd->who[i]);
    sim_online(sim);
    sim_run(sim, SIM_SECOND);
    talk(sim, crowd, 1, SIM_SECOND);
}

static void
members_of_a_crowd_come_and_go_while_it_talks(struct sim *sim)
{
    struct crowd crowd;
    const uint32_t count = size(sim);
    const uint64_t flags = sim_chance(sim, 250) ? MSG_ROOM_PRIVATE : sim_chance(sim, 200) ? MSG_ROOM_HISTORY : 0;
    const uint32_t in = 1 + (uint32_t)sim_below(sim, count);
    gather(sim, &crowd, count, in, flags);
    if (sim_chance(sim, 500))
        sim->net = sim->registry_net = sim_net_tcp();
    talk(sim, &crowd, 15, 40 * SIM_SECOND);
    for (uint32_t i = 0; i < 16; i++) {
        sim_run(sim, sim_below(sim, 5 * SIM_SECOND));
        churn(sim, &crowd);
    }
    sim_run(sim, 5 * SIM_SECOND);
    sim_settle(sim);
}

/* One thing after the other goes wrong. */
static void
mishap(struct sim *sim, const struct crowd *crowd)
{
    const uint32_t one = any_of(sim, crowd), two = any_of(sim, crowd);
    switch (sim_below(sim, 8)) {
    case 0:
        sim_crash(sim, one, sim_below(sim, 20 * SIM_SECOND));
        break;
    case 1:
        sim_registry_crash(sim, sim_below(sim, 10 * SIM_SECOND));
        break;
    case 2:
        sim_part(sim, one, SIM_FRONT, true);
        break;
    case 3:
        sim_part(sim, one, SIM_FRONT, false);
        break;
    case 4:
        sim_part(sim, one, two, sim_chance(sim, 500));
        break;
    case 5:
        sim_cut(sim, one, SIM_FRONT);
        break;
    case 6:
        sim_stall(sim, one, sim_below(sim, 20 * SIM_SECOND));
        break;
    default:
        sim_restart(sim, one);
    }
}

static void
suffer(struct sim *sim, struct sim_net net, uint32_t churns)
{
    struct crowd crowd;
    const uint32_t count = size(sim);
    gather(sim, &crowd, count, count, 0);
    sim->net = sim->registry_net = net;
    for (uint32_t i = 0; i < crowd.talkers; i++)
        if (sim_chance(sim, 300))
            sim_crashes(sim, crowd.who[i], 400);
    if (sim_chance(sim, 300))
        sim_crashes(sim, SIM_FRONT, 100 * crowd.count);
    talk(sim, &crowd, 15, MINUTE);
    for (uint32_t i = 0; i < 20; i++) {
        sim_run(sim, sim_below(sim, 6 * SIM_SECOND));
        mishap(sim, &crowd);
        if (sim_chance(sim, churns))
            churn(sim, &crowd);
    }
    last_words(sim, &crowd);
    sim_settle(sim);
}

static void
a_crowd_talks_while_everything_fails(struct sim *sim)
{
    suffer(sim, sim_net_tcp(), 400);
}

/* No connection that lives loses anything; what a roster is, rests on that.
 * What is said does not. */
static void
a_crowd_talks_while_everything_fails_and_frames_are_lost(struct sim *sim)
{
    suffer(sim, sim_net_hostile(), 0);
}

/* Frames that came straight from who sealed them. */
static uint64_t
published(const struct sim *sim, const struct crowd *crowd)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < crowd->count; i++)
        count += sim->procs[crowd->who[i]].published;
    return count;
}

/* Up to 16 members publish to one another, and so they do up to 32. */
static void
a_room_outgrows_its_mesh_and_shrinks_back(struct sim *sim)
{
    struct crowd crowd;
    const uint32_t low = (uint32_t)sim_between(sim, 10, 15), high = (uint32_t)sim_between(sim, 33, 36);
    gather(sim, &crowd, high, low, 0);
    if (sim_chance(sim, 500))
        sim->net = sim_net_tcp();
    talk(sim, &crowd, 1, 5 * SIM_SECOND);
    talk(sim, &crowd, 30, 90 * SIM_SECOND);
    sim_run(sim, 10 * SIM_SECOND);
    SIM_EXPECT(sim, published(sim, &crowd) > 0);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = low; i < high; i++) {
            sim_room_join(sim, crowd.who[i], "#den");
            sim_run(sim, sim_below(sim, SIM_SECOND));
        }
        sim_run(sim, sim_between(sim, 3 * SIM_SECOND, 12 * SIM_SECOND));
        SIM_EXPECT(sim, sim_room_count(sim, "#den") == high);
        const uint64_t before = published(sim, &crowd);
        sim_run(sim, 3 * SIM_SECOND);
        SIM_EXPECT(sim, published(sim, &crowd) == before);
        for (uint32_t i = low; i < high; i++) {
            if (sim_chance(sim, 500))
                sim_room_act(sim, crowd.who[0], "#den", MSG_ACT_KICK, crowd.who[i]);
            else
                sim_room_act(sim, crowd.who[i], "#den", MSG_ACT_LEAVE, SIM_NONE);
            sim_run(sim, sim_below(sim, SIM_SECOND));
        }
        sim_run(sim, sim_between(sim, 3 * SIM_SECOND, 12 * SIM_SECOND));
        SIM_EXPECT(sim, sim_room_count(sim, "#den") == low);
    }
    const uint64_t before = published(sim, &crowd);
    talk(sim, &crowd, 3, 30 * SIM_SECOND);
    sim_run(sim, 30 * SIM_SECOND);
    SIM_EXPECT(sim, published(sim, &crowd) > before);
    sim_settle(sim);
}

/* Keys of new epochs wait for them as mail; those that find no room there are
 * asked for. */
static void
members_of_a_crowd_are_away_while_others_are_put_out(struct sim *sim)
{
    struct crowd crowd;
    const uint32_t count = 3 + size(sim) * 2 / 3;
    if (sim_chance(sim, 500)) {
        sim->mail.device_messages = 3;
        sim_crash(sim, SIM_FRONT, 0);
        sim_run(sim, SIM_SECOND);
    }
    gather(sim, &crowd, count, count, 0);
    talk(sim, &crowd, 3, 5 * SIM_SECOND);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 1; i < count; i++)
            if (sim_chance(sim, 300))
                sim_crash(sim, crowd.who[i], SIM_NEVER);
        sim_run(sim, sim_below(sim, 5 * SIM_SECOND));
        sim_room_act(sim, crowd.who[0], "#den", sim_chance(sim, 500) ? MSG_ACT_KICK : MSG_ACT_BAN, other(sim, &crowd));
        if (sim_chance(sim, 500))
            sim_room_act(sim, crowd.who[0], "#den", MSG_ACT_INVITE, other(sim, &crowd));
        talk(sim, &crowd, 5, 10 * SIM_SECOND);
        sim_run(sim, sim_below(sim, 40 * SIM_SECOND));
        for (uint32_t i = 1; i < count; i++)
            if (sim_chance(sim, 600))
                sim_restart(sim, crowd.who[i]);
        sim_run(sim, sim_below(sim, 5 * SIM_SECOND));
    }
    sim_settle(sim);
}

static void
a_slow_member_holds_up_nobody(struct sim *sim)
{
    struct crowd crowd;
    const uint32_t count = 3 + size(sim) / 2;
    gather(sim, &crowd, count, count, 0);
    talk(sim, &crowd, 3, 5 * SIM_SECOND);
    sim_run(sim, 10 * SIM_SECOND);
    const uint32_t slow = crowd.who[count - 1];
    crowd.talkers = crowd.talkers < count ? crowd.talkers : count - 1;
    sim_stall(sim, slow, 30 * SIM_SECOND);
    const uint64_t before = sim_shown(sim, slow), first = sim->said_count;
    for (int i = 0; i < 10; i++)
        talk(sim, &crowd, 4, SIM_SECOND);
    sim_run(sim, 6 * SIM_SECOND);
    SIM_EXPECT(sim, sim_shown(sim, slow) == before);
    for (size_t i = first; i < sim->said_count; i++)
        for (uint32_t m = 0; m < count - 1; m++)
            SIM_EXPECT(sim, sim->said[i].from == crowd.who[m] || sim_set_has(&sim->said[i].shown, crowd.who[m]));
    sim_settle(sim);
}

static void
two_hundred_talk_and_some_are_put_out(struct sim *sim)
{
    struct crowd crowd;
    gather(sim, &crowd, CROWD_MAX, CROWD_MAX - 10, 0);
    crowd.talkers = 3;
    sim->registry_net = sim_net_tcp();
    talk(sim, &crowd, 10, 30 * SIM_SECOND);
    for (int i = 0; i < 5; i++) {
        sim_run(sim, sim_below(sim, 5 * SIM_SECOND));
        sim_crash(sim, other(sim, &crowd), sim_below(sim, 20 * SIM_SECOND));
        churn(sim, &crowd);
    }
    sim_registry_crash(sim, sim_below(sim, 5 * SIM_SECOND));
    sim_run(sim, 20 * SIM_SECOND);
    sim_settle(sim);
}

static const struct sim_scenario SCENARIOS[] = {
    SIM_STORY(members_of_a_crowd_come_and_go_while_it_talks, 10),
    SIM_STORY(a_crowd_talks_while_everything_fails, 10),
    SIM_STORY(a_crowd_talks_while_everything_fails_and_frames_are_lost, 5),
    SIM_STORY(a_room_outgrows_its_mesh_and_shrinks_back, 2),
    SIM_STORY(members_of_a_crowd_are_away_while_others_are_put_out, 5),
    SIM_STORY(a_slow_member_holds_up_nobody, 5),
    SIM_STORY(two_hundred_talk_and_some_are_put_out, 1),
};
const struct sim_chapter SIM_CROWD = {SCENARIOS, sizeof SCENARIOS / sizeof SCENARIOS[0]};
