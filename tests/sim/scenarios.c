/* Stories.  Each begins in an empty world with a registry, and what may never
 * happen is checked all the while; sim_settle heals everything and checks that
 * in the end nobody is owed anything. */
#include "tests/sim/sim.h"

#define MINUTE (60 * SIM_SECOND)

/* Two people who know each other: the first two devices of most stories. */
static void
couple(struct sim *sim, uint32_t *alice, uint32_t *bob)
{
    *alice = sim_person(sim, "alice");
    *bob = sim_person(sim, "bob");
    sim_online(sim);
}

/* Chance is asked in a statement of its own: compilers differ in the order of
 * arguments, and a seed must mean the same everywhere. */
static uint32_t
either(struct sim *sim, uint32_t a, uint32_t b)
{
    return sim_chance(sim, 500) ? a : b;
}

static void
both_talk(struct sim *sim, uint32_t alice, uint32_t bob, uint32_t count, uint64_t within_us)
{
    sim_talk(sim, alice, bob, count, within_us);
    sim_talk(sim, bob, alice, count, within_us);
}

static void
two_people_talk_on_a_clean_network(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    sim_search(sim, alice, "Bob");
    sim_who(sim, bob);
    sim_run(sim, SIM_SECOND);
    SIM_EXPECT(sim, sim->procs[alice].user.last_user_status == MSG_STATUS_ONLINE);
    SIM_EXPECT(sim, sim->procs[bob].user.users_done && sim->procs[bob].user.users_listed == 2);
    both_talk(sim, alice, bob, 50, 10 * SIM_SECOND);
    sim_run(sim, 20 * SIM_SECOND);
    SIM_EXPECT(sim, sim_shown(sim, alice) == 50 && sim_shown(sim, bob) == 50);
    sim_settle(sim);
}

static void
they_talk_over_connections_that_end_now_and_then(struct sim *sim)
{
    uint32_t alice, bob;
    sim->net = sim->registry_net = sim_net_tcp();
    couple(sim, &alice, &bob);
    both_talk(sim, alice, bob, 60, 40 * SIM_SECOND);
    sim_run(sim, 50 * SIM_SECOND);
    sim_settle(sim);
}

static void
they_talk_while_the_network_loses_repeats_and_reorders(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    sim->net = sim_net_hostile();
    if (sim_chance(sim, 500))
        sim->registry_net = sim_net_hostile();
    both_talk(sim, alice, bob, 60, 30 * SIM_SECOND);
    sim_run(sim, 40 * SIM_SECOND);
    sim_settle(sim);
}

static void
both_dial_at_once(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    for (int round = 0; round < 4; round++) {
        sim_say(sim, alice, bob);
        sim_say(sim, bob, alice);
        sim_run(sim, sim_between(sim, 100 * SIM_MS, 3 * SIM_SECOND));
        sim_cut(sim, alice, bob);
    }
    sim_settle(sim);
}

static void
either_side_is_killed_at_any_moment(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    if (sim_chance(sim, 500))
        sim->net = sim_net_tcp();
    sim_crashes(sim, alice, 150);
    sim_crashes(sim, bob, 150);
    both_talk(sim, alice, bob, 60, 30 * SIM_SECOND);
    sim_run(sim, 45 * SIM_SECOND);
    sim_settle(sim);
}

static void
they_are_killed_while_a_burst_is_under_way(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    sim_say(sim, alice, bob);
    sim_run(sim, 2 * SIM_SECOND);
    sim->commit_max_us = 50 * SIM_MS;
    for (int round = 0; round < 6; round++) {
        both_talk(sim, alice, bob, 12, 30 * SIM_MS);
        sim_run(sim, sim_below(sim, 150 * SIM_MS));
        const uint32_t victim = either(sim, alice, bob);
        sim_crash(sim, victim, sim_below(sim, 2 * SIM_SECOND));
        sim_run(sim, sim_below(sim, 4 * SIM_SECOND));
    }
    sim_settle(sim);
}

static void
contacts_go_on_talking_while_the_registry_is_down(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    both_talk(sim, alice, bob, 2, SIM_SECOND);
    sim_run(sim, 10 * SIM_SECOND);
    sim_crash(sim, SIM_FRONT, SIM_NEVER);
    sim_crash(sim, SIM_DOOR, SIM_NEVER);
    both_talk(sim, alice, bob, 20, 10 * SIM_SECOND);
    sim_run(sim, 20 * SIM_SECOND);
    sim_cut(sim, alice, bob);
    if (sim_chance(sim, 500))
        sim_crash(sim, either(sim, alice, bob), SIM_SECOND);
    both_talk(sim, alice, bob, 20, 10 * SIM_SECOND);
    sim_run(sim, 60 * SIM_SECOND);
    SIM_EXPECT(sim, sim_check_rest(sim)); /* all that was queued has arrived */
    sim_registry_restart(sim);
    sim_online(sim);
    sim_search(sim, alice, "bob");
    sim_run(sim, SIM_SECOND);
    SIM_EXPECT(sim, sim->procs[alice].user.last_user_status == MSG_STATUS_ONLINE);
    sim_settle(sim);
}

static void
the_registry_is_killed_again_and_again(struct sim *sim)
{
    const uint32_t alice = sim_person(sim, "alice"), bob = sim_person(sim, "bob"),
                   carol = sim_person(sim, "carol");
    sim->vault_loses = 100;
    sim_crashes(sim, SIM_FRONT, 60);
    sim_crashes(sim, SIM_DOOR, 20);
    both_talk(sim, alice, bob, 10, MINUTE);
    both_talk(sim, carol, bob, 10, MINUTE);
    sim_run(sim, 90 * SIM_SECOND);
    sim_settle(sim);
    sim_online(sim);
}

static void
a_message_waits_for_somebody_who_is_offline(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    if (sim_chance(sim, 500)) { /* they may have talked before, or not */
        sim_say(sim, alice, bob);
        sim_run(sim, 3 * SIM_SECOND);
    }
    sim_stop(sim, bob);
    sim_run(sim, sim_between(sim, 0, 60 * SIM_SECOND));
    sim_say(sim, alice, bob);
    sim_say(sim, alice, bob);
    sim_run(sim, sim_between(sim, SIM_SECOND, 2 * MINUTE));
    if (sim_chance(sim, 300)) {
        sim_crash(sim, alice, SIM_SECOND);
        sim_run(sim, 10 * SIM_SECOND);
    }
    SIM_EXPECT(sim, sim_shown(sim, bob) <= 1);
    sim_restart(sim, bob);
    sim_run(sim, 35 * SIM_SECOND);
    SIM_EXPECT(sim, sim_check_rest(sim)); /* it went out by itself */
    sim_settle(sim);
}

static void
several_devices_of_one_account_get_every_message(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    if (sim_chance(sim, 500)) {
        both_talk(sim, alice, bob, 5, SIM_SECOND);
        sim_run(sim, 5 * SIM_SECOND);
    }
    const uint32_t phone = sim_device(sim, bob),
                   laptop = sim_chance(sim, 500) ? sim_device(sim, alice) : alice;
    sim_online(sim);
    sim_run(sim, 5 * SIM_SECOND); /* presence is gathered for a second */
    sim_talk(sim, alice, bob, 10, 5 * SIM_SECOND);
    sim_talk(sim, phone, alice, 10, 5 * SIM_SECOND);
    sim_talk(sim, laptop, bob, 10, 5 * SIM_SECOND);
    sim_run(sim, sim_below(sim, 10 * SIM_SECOND));
    sim_crash(sim, phone, sim_between(sim, SIM_SECOND, 20 * SIM_SECOND));
    sim_talk(sim, bob, alice, 10, 5 * SIM_SECOND);
    sim_talk(sim, alice, bob, 10, 5 * SIM_SECOND);
    sim_run(sim, 30 * SIM_SECOND);
    sim_settle(sim);
}

static void
one_name_is_given_to_one_person(struct sim *sim)
{
    static const char *const NAMES[] = {"Zoe", "zoe", "ZOE", "zOe"};
    uint32_t racers[4], owners = 0;
    sim->registry_net = sim_chance(sim, 500) ? sim_net_tcp() : sim_net_clean();
    if (sim_chance(sim, 500))
        sim_crashes(sim, SIM_FRONT, 30);
    for (int i = 0; i < 4; i++)
        racers[i] = sim_person(sim, NAMES[i]);
    sim_run(sim, 40 * SIM_SECOND);
    sim_settle(sim);
    sim_run(sim, 40 * SIM_SECOND);
    for (int i = 0; i < 4; i++)
        owners += sim->procs[racers[i]].user.enrolled;
    SIM_EXPECT(sim, owners == 1);
}

static void
answers_are_lost_and_asked_for_again(struct sim *sim)
{
    sim->registry_net = sim_net_hostile();
    sim->registry_net.loss = 250;
    sim->vault_loses = 150;
    const uint32_t alice = sim_person(sim, "alice"), bob = sim_person(sim, "bob");
    both_talk(sim, alice, bob, 10, MINUTE);
    for (int round = 0; round < 5; round++) {
        sim_run(sim, 15 * SIM_SECOND);
        if (sim->procs[alice].user.enrolled) {
            sim_search(sim, alice, "bob");
            sim_search(sim, alice, "nobody");
            sim_who(sim, alice);
            sim_simple(sim, alice, MSG_CMD_DEVICES);
        }
    }
    sim_settle(sim);
    sim_online(sim);
}

static void
the_network_falls_apart_and_comes_together(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    const uint32_t carol = sim_person(sim, "carol");
    sim_online(sim);
    sim->net = sim_chance(sim, 500) ? sim_net_tcp() : sim_net_clean();
    both_talk(sim, alice, bob, 40, MINUTE);
    both_talk(sim, carol, bob, 20, MINUTE);
    const uint32_t sides[] = {SIM_FRONT, alice, bob, carol};
    for (int round = 0; round < 6; round++) {
        const uint32_t a = sides[sim_below(sim, 4)], b = sides[sim_below(sim, 4)];
        sim_part(sim, a, b, true);
        sim_run(sim, sim_below(sim, 20 * SIM_SECOND));
        sim_part(sim, a, b, sim_chance(sim, 200));
    }
    sim_settle(sim);
}

static void
clocks_jump(struct sim *sim)
{
    uint32_t alice, bob;
    const int64_t day = INT64_C(24) * 3600 * 1000;
    couple(sim, &alice, &bob);
    both_talk(sim, alice, bob, 40, MINUTE);
    for (int round = 0; round < 4; round++) {
        sim_run(sim, sim_below(sim, 15 * SIM_SECOND));
        const uint32_t whose = either(sim, alice, bob);
        sim_wall_jump(sim, whose, (int64_t)sim_below(sim, 20) * day - 10 * day);
        if (sim_chance(sim, 500))
            sim_cut(sim, alice, bob);
        if (sim_chance(sim, 300))
            sim_crash(sim, either(sim, alice, bob), SIM_SECOND);
    }
    sim_settle(sim);
}

static void
a_revoked_device_is_heard_no_more(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    const uint32_t lost = sim_device(sim, bob);
    sim_online(sim);
    both_talk(sim, alice, bob, 5, 2 * SIM_SECOND);
    sim_talk(sim, lost, alice, 5, 2 * SIM_SECOND);
    sim_run(sim, 8 * SIM_SECOND);
    sim_revoke(sim, bob, lost);
    sim_run(sim, 40 * SIM_SECOND); /* a lease and what follows it: the list has reached all */
    const uint64_t before = sim_shown(sim, alice);
    for (int i = 0; i < 3; i++)
        sim_say(sim, lost, alice);
    sim_run(sim, 60 * SIM_SECOND);
    SIM_EXPECT(sim, sim_shown(sim, alice) == before);
    both_talk(sim, alice, bob, 5, 2 * SIM_SECOND);
    sim_settle(sim);
}

static void
certificates_are_renewed_while_a_session_lasts(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    both_talk(sim, alice, bob, 3, 5 * SIM_SECOND);
    sim_run(sim, (50 + sim_below(sim, 150)) * 3600 * SIM_SECOND); /* a mail key lives a week */
    sim_cut(sim, alice, bob); /* and they show each other certificates again */
    both_talk(sim, alice, bob, 3, 5 * SIM_SECOND);
    sim_settle(sim);
}

static void
who_is_blocked_is_heard_no_more(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    both_talk(sim, alice, bob, 10, 3 * SIM_SECOND);
    sim_run(sim, 3 * SIM_SECOND);
    sim->commit_max_us = 30 * SIM_MS;
    if (sim_chance(sim, 500))
        sim_crashes(sim, bob, 100);
    for (int i = 0; i < 20; i++)
        sim_say(sim, alice, bob);
    sim_run(sim, sim_below(sim, 100 * SIM_MS));
    if (sim->procs[bob].up)
        sim_block(sim, bob, alice, true);
    sim_talk(sim, alice, bob, 20, 10 * SIM_SECOND);
    sim_run(sim, sim_below(sim, 20 * SIM_SECOND));
    sim_crashes(sim, bob, 0);
    sim_run(sim, 10 * SIM_SECOND);
    if (sim->procs[bob].user.blocked[sim->procs[alice].user.account] != 0 && sim_chance(sim, 500))
        sim_block(sim, bob, alice, false); /* what waited meanwhile comes, once */
    sim_settle(sim);
}

static void
an_older_copy_of_a_disk_is_put_back(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    both_talk(sim, alice, bob, 10, 5 * SIM_SECOND);
    sim_run(sim, sim_below(sim, 8 * SIM_SECOND));
    sim_snapshot(sim, alice);
    for (uint64_t lives = sim_below(sim, 4); lives > 0; lives--) {
        both_talk(sim, alice, bob, 10, 3 * SIM_SECOND);
        sim_run(sim, sim_below(sim, 5 * SIM_SECOND));
        sim_crash(sim, alice, sim_below(sim, SIM_SECOND));
    }
    sim_run(sim, 10 * SIM_SECOND);
    sim_restore(sim, alice);
    sim_run(sim, sim_below(sim, 2 * SIM_SECOND));
    both_talk(sim, alice, bob, 20, 10 * SIM_SECOND);
    sim_run(sim, 15 * SIM_SECOND);
    sim_settle(sim);
}

static void
many_people_chatter(struct sim *sim)
{
    static const char *const NAMES[] = {"ada",  "bea", "cleo", "dan", "eva", "finn", "gus",
                                        "hal",  "ida", "jon",  "kim", "leo", "mia",  "ned",
                                        "olga", "pia", "quin", "rob", "sue", "tom"};
    uint32_t people[20];
    sim->net = sim->registry_net = sim_net_tcp();
    for (int i = 0; i < 20; i++)
        people[i] = sim_person(sim, NAMES[i]);
    sim_online(sim);
    for (int i = 0; i < 60; i++) {
        const uint64_t a = sim_below(sim, 20), b = sim_below(sim, 20);
        if (a != b)
            sim_talk(sim, people[a], people[b], 6, 30 * SIM_SECOND);
    }
    for (int i = 0; i < 5; i++) {
        sim_run(sim, sim_below(sim, 10 * SIM_SECOND));
        const uint32_t victim = people[sim_below(sim, 20)];
        sim_crash(sim, victim, sim_below(sim, 10 * SIM_SECOND));
        if (sim_chance(sim, 200))
            sim_registry_crash(sim, sim_below(sim, 5 * SIM_SECOND));
    }
    sim_settle(sim);
}

static void
people_sign_up_while_everything_fails(struct sim *sim)
{
    uint32_t people[4];
    static const char *const NAMES[] = {"ada", "bea", "cleo", "dan"};
    sim->net = sim_net_hostile();
    sim->registry_net = sim_net_tcp();
    sim->vault_loses = 50;
    for (int i = 0; i < 4; i++) {
        people[i] = sim_person(sim, NAMES[i]);
        sim_crashes(sim, people[i], 60);
    }
    sim_crashes(sim, SIM_FRONT, 100);
    for (int i = 0; i < 4; i++)
        both_talk(sim, people[i], people[(i + 1) % 4], 8, 2 * MINUTE);
    sim_run(sim, 2 * MINUTE);
    sim_settle(sim);
    sim_online(sim);
}

static void
who_logged_out_is_left_alone_until_they_log_in(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    both_talk(sim, alice, bob, 3, SIM_SECOND);
    sim_run(sim, 5 * SIM_SECOND);
    sim_simple(sim, bob, MSG_CMD_LOGOUT);
    sim_run(sim, 3 * SIM_SECOND);
    if (sim_chance(sim, 500))
        sim_crash(sim, bob, SIM_SECOND); /* it stays logged out */
    sim_talk(sim, alice, bob, 5, 3 * SIM_SECOND);
    sim_run(sim, 30 * SIM_SECOND);
    SIM_EXPECT(sim, sim_shown(sim, bob) == 3 && sim->procs[bob].user.online_us == 0);
    struct msg_cmd_credentials by_key = {0};
    sim_command(sim, bob, MSG_CMD_LOGIN, &by_key, SIM_NONE);
    sim_settle(sim);
    SIM_EXPECT(sim, sim_shown(sim, bob) == 8);
}

static void
another_owner_of_a_name_is_not_taken_for_the_first(struct sim *sim)
{
    uint32_t alice, bob;
    couple(sim, &alice, &bob);
    both_talk(sim, alice, bob, 3, SIM_SECOND);
    sim_run(sim, 5 * SIM_SECOND);
    sim_simple(sim, bob, MSG_CMD_DELETE_ACCOUNT);
    sim->procs[bob].user.wish = SIM_WISH_NOTHING;
    sim->accounts[sim->procs[bob].user.account].deleted = true;
    sim_run(sim, 5 * SIM_SECOND);
    const uint32_t other = sim_person(sim, "bob");
    sim_online(sim);
    sim_say(sim, alice, other);
    sim->said[sim->said_count - 1].lost = true; /* it was for the first one */
    sim_run(sim, 40 * SIM_SECOND);
    SIM_EXPECT(sim, sim->procs[alice].user.key_changed && sim_shown(sim, other) == 0);
    struct msg_search trust = {.name = msg_text("bob")};
    sim_command(sim, alice, MSG_CMD_TRUST, &trust, SIM_NONE);
    sim_run(sim, SIM_SECOND);
    both_talk(sim, alice, other, 3, SIM_SECOND);
    sim_settle(sim);
    SIM_EXPECT(sim, sim_shown(sim, other) == 3);
}

static void
a_registry_with_another_key_is_refused(struct sim *sim)
{
    struct sim_proc *const door = &sim->procs[SIM_DOOR];
    const struct msg_box_pub key = door->key;
    msg_keys_random(&door->key, sizeof door->key);
    const uint32_t alice = sim_person(sim, "alice");
    sim_run(sim, 10 * SIM_SECOND);
    SIM_EXPECT(sim, sim->procs[alice].user.gave_up &&
                        sim->procs[alice].user.last_err == CONCLAVE_ERR_REGISTRY_KEY_CHANGED);
    door->key = key;
    const uint32_t bob = sim_person(sim, "bob");
    sim_run(sim, 10 * SIM_SECOND);
    SIM_EXPECT(sim, sim->procs[bob].user.enrolled);
    sim_settle(sim);
}

static const struct sim_scenario SCENARIOS[] = {
    SIM_STORY(two_people_talk_on_a_clean_network, 10),
    SIM_STORY(they_talk_over_connections_that_end_now_and_then, 20),
    SIM_STORY(they_talk_while_the_network_loses_repeats_and_reorders, 20),
    SIM_STORY(both_dial_at_once, 20),
    SIM_STORY(either_side_is_killed_at_any_moment, 40),
    SIM_STORY(they_are_killed_while_a_burst_is_under_way, 40),
    SIM_STORY(contacts_go_on_talking_while_the_registry_is_down, 20),
    SIM_STORY(the_registry_is_killed_again_and_again, 20),
    SIM_STORY(a_message_waits_for_somebody_who_is_offline, 20),
    SIM_STORY(several_devices_of_one_account_get_every_message, 20),
    SIM_STORY(one_name_is_given_to_one_person, 20),
    SIM_STORY(answers_are_lost_and_asked_for_again, 20),
    SIM_STORY(the_network_falls_apart_and_comes_together, 20),
    SIM_STORY(clocks_jump, 20),
    SIM_STORY(a_revoked_device_is_heard_no_more, 10),
    SIM_STORY(certificates_are_renewed_while_a_session_lasts, 2),
    SIM_STORY(who_is_blocked_is_heard_no_more, 20),
    SIM_STORY(an_older_copy_of_a_disk_is_put_back, 40),
    SIM_STORY(who_logged_out_is_left_alone_until_they_log_in, 10),
    SIM_STORY(another_owner_of_a_name_is_not_taken_for_the_first, 10),
    SIM_STORY(a_registry_with_another_key_is_refused, 5),
    SIM_STORY(many_people_chatter, 3),
    SIM_STORY(people_sign_up_while_everything_fails, 20),
};
const struct sim_chapter SIM_TALK = {SCENARIOS, sizeof SCENARIOS / sizeof SCENARIOS[0]};
