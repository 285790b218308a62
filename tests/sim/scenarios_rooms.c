/* Stories of rooms: people make, join and leave them, invite and put out each
 * other, while networks, disks and processes fail. */
#include "tests/sim/sim.h"

#define PEOPLE 5u

static const char *const NAMES[PEOPLE] = {"alice", "bob", "carol", "dave", "eve"};
static const char *const ROOMS[] = {"#den", "#Lab", "#club"};

static void
gather(struct sim *sim, uint32_t who[PEOPLE])
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        who[i] = sim_person(sim, NAMES[i]);
    sim_online(sim);
}

/* Now, whatever its answer; and what follows from it. */
static void
moment(struct sim *sim)
{
    sim_run(sim, SIM_SECOND);
}

static void
a_room_is_made_joined_and_left(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim_room_create(sim, who[0], "#den", 0);
    moment(sim);
    for (uint32_t i = 1; i < PEOPLE; i++)
        sim_room_join(sim, who[i], "#DEN");
    moment(sim);
    SIM_EXPECT(sim, sim_room_count(sim, "#den") == PEOPLE);
    sim_room_act(sim, who[0], "#den", MSG_ACT_PROMOTE, who[2]);
    sim_room_act(sim, who[0], "#den", MSG_ACT_TOPIC, SIM_NONE);
    moment(sim);
    sim_room_act(sim, who[0], "#den", MSG_ACT_LEAVE, SIM_NONE);
    moment(sim);
    sim_room_act(sim, who[2], "#den", MSG_ACT_DEMOTE, who[1]); /* he is none, already */
    sim_room_act(sim, who[2], "#den", MSG_ACT_KICK, who[3]);   /* for it is hers now */
    moment(sim);
    SIM_EXPECT(sim, sim_room_count(sim, "#den") == PEOPLE - 2);
    for (uint32_t i = 0; i < PEOPLE; i++)
        SIM_EXPECT(sim, sim->procs[who[i]].user.failures == 0);
    sim_settle(sim);
}

static void
somebody_is_invited_and_put_out_while_away(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim_room_create(sim, who[0], "#den", MSG_ROOM_PRIVATE);
    moment(sim);
    sim_room_join(sim, who[1], "#den");
    moment(sim);
    SIM_EXPECT(sim, sim->procs[who[1]].user.last_err == CONCLAVE_ERR_NO_SUCH_ROOM);
    sim_crash(sim, who[1], SIM_NEVER);
    sim_room_act(sim, who[0], "#den", MSG_ACT_INVITE, who[1]);
    moment(sim);
    sim_restart(sim, who[1]);
    sim_online(sim);
    sim_room_join(sim, who[1], "#den");
    moment(sim);
    SIM_EXPECT(sim, sim_room_count(sim, "#den") == 2);
    sim_crash(sim, who[1], SIM_NEVER);
    sim_room_act(sim, who[0], "#den",
                 sim_chance(sim, 500) ? MSG_ACT_BAN : MSG_ACT_KICK, who[1]);
    moment(sim);
    if (sim_chance(sim, 300))
        sim_room_act(sim, who[0], "#den", MSG_ACT_DELETE, SIM_NONE);
    sim_restart(sim, who[1]);
    sim_settle(sim);
}

/* Somebody does something somewhere; much of it is refused. */
static void
anything(struct sim *sim, const uint32_t who[PEOPLE])
{
    const uint32_t actor = who[sim_below(sim, PEOPLE)];
    const uint32_t whom = who[sim_below(sim, PEOPLE)];
    const char *const room = ROOMS[sim_below(sim, sizeof ROOMS / sizeof ROOMS[0])];
    const uint64_t what = sim_below(sim, 24);
    if (!sim->procs[actor].up || !sim->procs[actor].user.enrolled)
        return;
    if (what < 4)
        sim_room_create(sim, actor, room, sim_chance(sim, 200) ? MSG_ROOM_PRIVATE : 0);
    else if (what < 12)
        sim_room_join(sim, actor, room);
    else if (what == 12 || what == 13)
        sim_room_act(sim, actor, room, MSG_ACT_LEAVE, SIM_NONE);
    else if (what == 14)
        sim_room_act(sim, actor, room,
                     sim_chance(sim, 300) ? MSG_ACT_DELETE : MSG_ACT_TOPIC, SIM_NONE);
    else
        sim_room_act(sim, actor, room, (enum msg_act)(MSG_ACT_INVITE + what % 8), whom);
}

static void
all_act(struct sim *sim, const uint32_t who[PEOPLE], uint32_t count, uint64_t within_us)
{
    for (uint32_t i = 0; i < count; i++) {
        anything(sim, who);
        sim_run(sim, sim_below(sim, within_us / count * 2));
    }
}

static void
members_act_all_at_once(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    all_act(sim, who, 80, 4 * SIM_SECOND);
    sim_settle(sim);
}

static void
members_act_over_connections_that_end_now_and_then(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim->registry_net = sim_net_tcp();
    all_act(sim, who, 60, 60 * SIM_SECOND);
    sim_settle(sim);
}

static void
members_and_the_registry_are_killed_while_they_act(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    if (sim_chance(sim, 500))
        sim->registry_net = sim_net_tcp();
    for (uint32_t i = 0; i < PEOPLE; i++)
        sim_crashes(sim, who[i], 150);
    sim_crashes(sim, SIM_FRONT, 300);
    all_act(sim, who, 80, 80 * SIM_SECOND);
    sim_settle(sim);
}

static void
an_older_copy_of_a_members_disk_is_put_back(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    all_act(sim, who, 20, 10 * SIM_SECOND);
    sim_run(sim, 3 * SIM_SECOND);
    const uint32_t victim = who[sim_below(sim, PEOPLE)];
    sim_snapshot(sim, victim);
    all_act(sim, who, 30, 15 * SIM_SECOND);
    sim_run(sim, 3 * SIM_SECOND);
    sim_restore(sim, victim);
    all_act(sim, who, 10, 10 * SIM_SECOND);
    sim_settle(sim);
}

static void
another_device_of_a_member_knows_its_rooms(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim_room_create(sim, who[0], "#den", 0);
    moment(sim);
    sim_room_join(sim, who[1], "#den");
    moment(sim);
    const uint32_t phone = sim_device(sim, who[0]);
    sim_online(sim);
    moment(sim);
    sim_room_act(sim, phone, "#den", MSG_ACT_PROMOTE, who[1]);
    sim_room_act(sim, who[1], "#den", MSG_ACT_LEAVE, SIM_NONE);
    moment(sim);
    SIM_EXPECT(sim, sim_room_count(sim, "#den") == 1);
    if (sim_chance(sim, 500))
        sim_revoke(sim, who[0], phone);
    sim_settle(sim);
}

static void
rooms_outlive_the_accounts_of_their_owners(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim_room_create(sim, who[0], "#den", 0);
    moment(sim);
    sim_room_join(sim, who[1], "#den");
    sim_room_join(sim, who[2], "#den");
    moment(sim);
    sim_room_act(sim, who[0], "#den", MSG_ACT_PROMOTE, who[1]);
    moment(sim);
    if (sim_chance(sim, 500))
        sim_crash(sim, who[2], sim_below(sim, 4 * SIM_SECOND));
    sim_simple(sim, who[0], MSG_CMD_DELETE_ACCOUNT);
    sim->procs[who[0]].user.wish = SIM_WISH_NOTHING;
    sim->accounts[sim->procs[who[0]].user.account].deleted = true;
    moment(sim);
    sim_room_act(sim, who[1], "#den", MSG_ACT_KICK, who[2]); /* moderators may what owners may */
    moment(sim);
    SIM_EXPECT(sim, sim_room_count(sim, "#den") == 1);
    sim_settle(sim);
}

/* ---- who is there ---- */

/* Whether both are in some room, by the registry's disk. */
static bool
share_a_room(const struct sim *sim, const struct sim_proc *a, const struct sim_proc *b)
{
    for (uint32_t i = 0; i < sim->seat_count; i++)
        for (uint32_t j = 0; j < sim->seat_count; j++)
            if (sim->seats[i].in && sim->seats[i].account == sim_room_account(a) && sim->seats[j].in
                && sim->seats[j].account == sim_room_account(b)
                && memcmp(&sim->seats[i].room, &sim->seats[j].room, sizeof sim->seats[i].room) == 0)
                return true;
    return false;
}

/* What they were told of those they share a room with is so. */
static void
check_present(struct sim *sim, const uint32_t who[PEOPLE])
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        for (uint32_t j = 0; j < PEOPLE; j++) {
            const struct sim_proc *const a = &sim->procs[who[i]], *const b = &sim->procs[who[j]];
            if (i != j && a->up && share_a_room(sim, a, b) && (a->user.present[b->user.account] == MSG_STATUS_ONLINE) != b->up)
                sim_fail(sim, "%s believes that %s is %s", NAMES[i], NAMES[j], b->up ? "offline" : "there");
        }
}

static void
come_or_go(struct sim *sim, uint32_t one)
{
    static const char *const TWO[] = {"#den", "#Lab"};
    const uint64_t what = sim_below(sim, 8);
    const char *const room = TWO[sim_below(sim, 2)];
    if (!sim->procs[one].up)
        sim_restart(sim, one);
    else if (what < 3)
        sim_room_join(sim, one, room);
    else if (what < 4)
        sim_room_act(sim, one, room, MSG_ACT_LEAVE, SIM_NONE);
    else if (what < 5)
        sim_registry_crash(sim, sim_below(sim, 3 * SIM_SECOND));
    else if (what < 7)
        sim_crash(sim, one, SIM_NEVER); /* its lease runs out, or its connection is seen to end */
    else
        sim_stop(sim, one);
}

static void
members_know_who_of_them_is_there(struct sim *sim)
{
    uint32_t who[PEOPLE];
    gather(sim, who);
    sim->registry_net = sim_net_tcp();
    sim_room_create(sim, who[0], "#den", 0);
    sim_room_create(sim, who[1], "#Lab", 0);
    for (uint32_t i = 0; i < 30; i++) {
        come_or_go(sim, who[sim_below(sim, PEOPLE)]);
        sim_run(sim, sim_below(sim, 20 * SIM_SECOND));
    }
    sim->registry_net = sim_net_clean();
    sim_run(sim, 120 * SIM_SECOND);
    check_present(sim, who);
    sim_settle(sim);
    check_present(sim, who);
}

static const struct sim_scenario SCENARIOS[] = {
    SIM_STORY(a_room_is_made_joined_and_left, 5),
    SIM_STORY(somebody_is_invited_and_put_out_while_away, 20),
    SIM_STORY(members_act_all_at_once, 20),
    SIM_STORY(members_act_over_connections_that_end_now_and_then, 20),
    SIM_STORY(members_and_the_registry_are_killed_while_they_act, 40),
    SIM_STORY(an_older_copy_of_a_members_disk_is_put_back, 20),
    SIM_STORY(another_device_of_a_member_knows_its_rooms, 10),
    SIM_STORY(rooms_outlive_the_accounts_of_their_owners, 10),
    SIM_STORY(members_know_who_of_them_is_there, 10),
};
const struct sim_chapter SIM_ROOMS = {SCENARIOS, sizeof SCENARIOS / sizeof SCENARIOS[0]};
