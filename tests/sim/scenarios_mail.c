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

/* The two take turns, so that neither is ever there when the other one is. */
static void
turn(struct sim *sim, uint32_t comes, uint32_t goes)
{
    sim_stop(sim, goes);
    sim_run(sim, sim_below(sim, 20 * SIM_SECOND));
    sim_restart(sim, comes);
    sim_online(sim);
}

static void
two_who_are_never_there_together_write_to_each_other(struct sim *sim)
{
    const uint32_t alice = sim_person(sim, "alice"), bob = sim_person(sim, "bob");
    sim_online(sim);
    sim_part(sim, alice, bob, true);
    sim->procs[alice].user.reads = sim->procs[bob].user.reads = 1000;
    sim_stop(sim, bob);
    for (int round = 0; round < 3; round++) {
        sim_talk(sim, alice, bob, 10, 10 * SIM_SECOND);
        sim_run(sim, 30 * SIM_SECOND);
        turn(sim, bob, alice);
        sim_talk(sim, bob, alice, 10, 10 * SIM_SECOND);
        sim_run(sim, 30 * SIM_SECOND);
        turn(sim, alice, bob);
    }
    sim_run(sim, 10 * SIM_SECOND);
    for (size_t i = 0; i < sim->said_count; i++) {
        const struct sim_said *const said = &sim->said[i];
        SIM_EXPECT(sim, !sim_set_empty(&said->shown) && said->mailed);
        if (said->from == alice) /* hers were answered before she came back */
            SIM_EXPECT(sim, said->stored && said->delivered && said->read);
    }
    sim_settle(sim);
}

/* What its disk says: every message of its chains was acknowledged. */
static bool
acknowledged(const struct sim_proc *proc)
{
    union msg_any chain, device;
    enum msg_kind kind;
    for (size_t c = 0; c < proc->disk.count; c++) {
        const struct sim_record *const at = &proc->disk.records[c];
        if (at->table != PEER_TABLE_CHAINS_OUT ||
            msg_codec_decode(msg_span(at->at, at->len), &kind, &chain) != CONCLAVE_OK)
            continue;
        for (size_t d = 0; d < proc->disk.count; d++) {
            const struct sim_record *const of = &proc->disk.records[d];
            if (of->table == PEER_TABLE_DEVICES &&
                msg_codec_decode(msg_span(of->at, of->len), &kind, &device) == CONCLAVE_OK &&
                (device.MSG_ANY_REC_CONTACT_DEVICE.incarnation !=
                     chain.MSG_ANY_REC_CHAIN_OUT.incarnation ||
                 device.MSG_ANY_REC_CONTACT_DEVICE.delivered != chain.MSG_ANY_REC_CHAIN_OUT.number))
                return false;
        }
    }
    return true;
}

static void
mail_outlives_every_crash(struct sim *sim)
{
    const uint32_t alice = sim_person(sim, "alice"), bob = sim_person(sim, "bob");
    sim_online(sim);
    sim_part(sim, alice, bob, true);
    if (sim_chance(sim, 300))
        sim->commit_max_us = 100 * SIM_MS;
    sim_crash(sim, bob, SIM_NEVER);
    for (int round = 0; round < 3; round++) {
        const uint32_t here = round % 2 == 0 ? alice : bob, there = round % 2 == 0 ? bob : alice;
        sim_crashes(sim, here, 120);
        sim_crashes(sim, SIM_FRONT, 120);
        sim_talk(sim, here, there, 15, 20 * SIM_SECOND);
        sim_run(sim, 60 * SIM_SECOND);
        sim_crashes(sim, here, 0);
        sim_crashes(sim, SIM_FRONT, 0);
        sim_run(sim, 45 * SIM_SECOND); /* all is back, and deposited */
        sim_crash(sim, here, SIM_NEVER);
        sim_run(sim, 50 * SIM_SECOND);
        sim_restart(sim, there);
        sim_crashes(sim, there, 120);
        sim_run(sim, 40 * SIM_SECOND);
        sim_crashes(sim, there, 0);
        sim_run(sim, 45 * SIM_SECOND);
    }
    SIM_EXPECT(sim, sim_check_rest(sim));
    sim_crash(sim, bob, SIM_NEVER);
    sim_run(sim, 50 * SIM_SECOND);
    sim_restart(sim, alice);
    sim_run(sim, 20 * SIM_SECOND);
    SIM_EXPECT(sim, acknowledged(&sim->procs[alice]) && acknowledged(&sim->procs[bob]));
    sim_settle(sim);
}

static void
what_takes_both_ways_is_shown_once(struct sim *sim)
{
    const uint32_t alice = sim_person(sim, "alice"), bob = sim_person(sim, "bob");
    sim_online(sim);
    both_talk(sim, alice, bob, 40, 2 * MINUTE);
    for (int round = 0; round < 8; round++) { /* for longer and for shorter than mail waits */
        sim_part(sim, alice, bob, sim_chance(sim, 500));
        if (sim_chance(sim, 300))
            sim_cut(sim, alice, SIM_FRONT);
        if (sim_chance(sim, 300))
            sim_part(sim, bob, SIM_FRONT, true);
        sim_run(sim, sim_below(sim, 20 * SIM_SECOND));
        sim_part(sim, bob, SIM_FRONT, false);
    }
    sim_settle(sim);
}

static void
the_mailbox_of_somebody_is_full(struct sim *sim)
{
    sim->mail.device_messages = 3;
    sim_crash(sim, SIM_FRONT, 0);
    sim_run(sim, SIM_SECOND);
    const uint32_t alice = sim_person(sim, "alice"), bob = sim_person(sim, "bob");
    sim_online(sim);
    sim_say(sim, alice, bob);
    sim_run(sim, 5 * SIM_SECOND);
    sim_stop(sim, bob);
    sim_run(sim, 5 * SIM_SECOND);
    for (int i = 0; i < 12; i++) { /* each a parcel of its own */
        sim_say(sim, alice, bob);
        sim_run(sim, 10 * SIM_SECOND);
    }
    SIM_EXPECT(sim, sim->procs[alice].user.mail_full == 1);
    sim_crash(sim, alice, SIM_NEVER);
    sim_restart(sim, bob);
    sim_run(sim, MINUTE);
    SIM_EXPECT(sim, sim_shown(sim, bob) > 3 && sim_shown(sim, bob) < 13);
    sim_crash(sim, bob, SIM_NEVER);
    sim_restart(sim, alice);
    sim_run(sim, MINUTE);
    sim_crash(sim, alice, SIM_NEVER);
    sim_restart(sim, bob);
    sim_run(sim, MINUTE);
    SIM_EXPECT(sim, sim_shown(sim, bob) == 13);
    sim_settle(sim);
}

static void
mail_that_nobody_comes_for_goes_back(struct sim *sim)
{
    sim->mail.expiry_days = 1;
    sim_crash(sim, SIM_FRONT, 0);
    sim_run(sim, SIM_SECOND);
    const uint32_t alice = sim_person(sim, "alice"), bob = sim_person(sim, "bob");
    sim_online(sim);
    sim_stop(sim, bob);
    sim_run(sim, 10 * SIM_SECOND);
    for (int i = 0; i < 5; i++) {
        sim_say(sim, alice, bob);
        sim_run(sim, 20 * SIM_SECOND);
    }
    SIM_EXPECT(sim, sim->said[4].mailed);
    sim_run(sim, 26ull * 3600 * SIM_SECOND);
    SIM_EXPECT(sim, sim->procs[alice].user.mail_returned == 1);
    sim_stop(sim, alice);
    sim_restart(sim, bob);
    sim_run(sim, MINUTE);
    SIM_EXPECT(sim, sim_shown(sim, bob) == 0);
    sim_restart(sim, alice); /* they meet */
    sim_run(sim, MINUTE);
    SIM_EXPECT(sim, sim_shown(sim, bob) == 5);
    sim_settle(sim);
}

static const struct sim_scenario SCENARIOS[] = {
    SIM_STORY(two_who_cannot_reach_each_other_talk_through_the_registry, 20),
    SIM_STORY(all_are_killed_while_they_talk_through_the_registry, 20),
    SIM_STORY(who_never_links_directly_talks_all_the_same, 10),
    SIM_STORY(two_who_are_never_there_together_write_to_each_other, 20),
    SIM_STORY(mail_outlives_every_crash, 40),
    SIM_STORY(what_takes_both_ways_is_shown_once, 20),
    SIM_STORY(the_mailbox_of_somebody_is_full, 5),
    SIM_STORY(mail_that_nobody_comes_for_goes_back, 2),
};
const struct sim_chapter SIM_MAIL = {SCENARIOS, sizeof SCENARIOS / sizeof SCENARIOS[0]};
