/* What people do when their scenario says so, and how a run comes to rest. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

struct sim_said *
sim_add_said(struct sim *sim, uint32_t from, uint32_t account)
{
    if (sim->said_count == sim->said_room) {
        sim->said_room = sim->said_room == 0 ? 256 : 2 * sim->said_room;
        sim->said = realloc(sim->said, sim->said_room * sizeof *sim->said);
        if (sim->said == NULL)
            abort();
    }
    struct sim_said *const said = &sim->said[sim->said_count++];
    *said = (struct sim_said){.from = from, .to = account, .at_us = sim->now_us};
    for (uint32_t i = SIM_FRONT + 1; i < sim->proc_count; i++) {
        const struct sim_user *const user = &sim->procs[i].user;
        if (user->account == account && user->enrolled && !user->revoked)
            sim_set_add(&said->expected, i);
    }
    return said;
}

/* Mostly short; now and then as long as a message may be. */
size_t
sim_length(struct sim *sim)
{
    if (sim_chance(sim, 10))
        return sim_between(sim, 1000, MSG_TEXT_MAX);
    return sim_between(sim, 32, sim_chance(sim, 100) ? 1000 : 64);
}

void
sim_say(struct sim *sim, uint32_t from, uint32_t to)
{
    static char text[MSG_TEXT_MAX + 1];
    const uint32_t account = sim->procs[to].user.account;
    const size_t number = (size_t)(sim_add_said(sim, from, account) - sim->said);
    const size_t len = sim_length(sim);
    memset(text, 'x', len);
    const int n = snprintf(text, 32, SIM_MARKER "#%zu ", number);
    text[n] = 'x';
    sim_trace(sim, &sim->procs[from], "says #%zu to %s", number, sim->accounts[account].name);
    struct msg_cmd_say cmd = {.name = msg_text(sim->accounts[account].name), .text = {text, len}};
    sim_command(sim, from, MSG_CMD_SAY, &cmd, (uint32_t)number);
}

static void
talk(struct sim *sim, struct sim_event *event)
{
    const struct sim_proc *const from = &sim->procs[event->a];
    const bool never = from->user.gave_up || from->user.revoked;
    if (never || (from->up && from->user.enrolled)) {
        sim->to_be_said--;
        if (!never)
            sim_say(sim, from->index, (uint32_t)event->b);
        return;
    }
    struct sim_event *const again = sim_at(sim, sim->now_us + SIM_SECOND / 5, talk, NULL);
    again->a = event->a;
    again->b = event->b;
}

void
sim_talk(struct sim *sim, uint32_t from, uint32_t to, uint32_t count, uint64_t within_us)
{
    while (count > 0) { /* people often say several things at once */
        const uint64_t at_us = sim->now_us + sim_below(sim, within_us);
        for (uint64_t burst = sim_chance(sim, 200) ? sim_between(sim, 2, 30) : 1;
             burst > 0 && count > 0; burst--, count--) {
            struct sim_event *const event = sim_at(sim, at_us, talk, NULL);
            event->a = from;
            event->b = to;
            sim->to_be_said++;
        }
    }
}

void
sim_search(struct sim *sim, uint32_t proc, const char *name)
{
    struct msg_search cmd = {.name = msg_text(name)};
    sim->procs[proc].user.last_user_status = SIM_NEVER;
    sim_command(sim, proc, MSG_CMD_SEARCH, &cmd, SIM_NONE);
}

void
sim_who(struct sim *sim, uint32_t proc)
{
    struct msg_cmd_who cmd = {.detailed = sim_chance(sim, 500)};
    sim->procs[proc].user.users_listed = 0;
    sim->procs[proc].user.users_done = false;
    sim_command(sim, proc, MSG_CMD_WHO, &cmd, SIM_NONE);
}

void
sim_block(struct sim *sim, uint32_t proc, uint32_t whom, bool on)
{
    struct sim_user *const user = &sim->procs[proc].user;
    const uint32_t account = sim->procs[whom].user.account;
    struct msg_cmd_block cmd = {.name = msg_text(sim->accounts[account].name), .on = on};
    user->blocked[account] = SIM_NEVER; /* perhaps, until it is answered */
    sim_command(sim, proc, MSG_CMD_BLOCK, &cmd, on ? account : account + SIM_ACCOUNTS);
}

static bool
device_number(struct sim *sim, const struct msg_box_pub *key, uint64_t *device)
{
    const struct sim_record *const record = sim_disk_find(
        &sim->procs[SIM_FRONT].disk, BROKER_TABLE_OWNERS, msg_span(key->at, sizeof key->at));
    union msg_any any;
    enum msg_kind kind;
    if (record == NULL ||
        msg_codec_decode(msg_span(record->at, record->len), &kind, &any) != CONCLAVE_OK)
        return false;
    *device = any.MSG_ANY_REC_OWNER.device;
    return true;
}

void
sim_revoke(struct sim *sim, uint32_t proc, uint32_t other)
{
    struct msg_revoke cmd = {0};
    if (!device_number(sim, &sim->procs[other].key, &cmd.device))
        sim_fail(sim, "process %u has no device to revoke", other);
    else
        sim_command(sim, proc, MSG_CMD_REVOKE, &cmd, SIM_NONE);
    sim->procs[other].user.revoked = true;
}

void
sim_simple(struct sim *sim, uint32_t proc, enum msg_kind kind)
{
    union msg_any any = {0};
    sim_command(sim, proc, kind, &any, SIM_NONE);
}

void
sim_wall_jump(struct sim *sim, uint32_t proc, int64_t ms)
{
    sim->procs[proc].wall_ms += ms;
    sim_trace(sim, &sim->procs[proc], "its wall clock jumps by %lld ms", (long long)ms);
}

bool
sim_answered(struct sim *sim)
{
    for (uint32_t i = SIM_FRONT + 1; i < sim->proc_count; i++) {
        const struct sim_proc *const proc = &sim->procs[i];
        for (size_t c = 0; proc->up && c < proc->user.command_count; c++)
            if (!proc->user.commands[c].answered)
                return false;
    }
    return true;
}

uint64_t
sim_shown(const struct sim *sim, uint32_t proc)
{
    uint64_t count = 0;
    for (size_t i = 0; i < sim->said_count; i++)
        count += sim_set_has(&sim->said[i].shown, proc);
    return count;
}

static bool
at_rest(struct sim *sim)
{
    return sim->to_be_said == 0 && sim_answered(sim) && sim_check_rest(sim);
}

void
sim_settle(struct sim *sim)
{
    sim->net = sim->registry_net = sim_net_clean();
    sim->vault_loses = 0;
    memset(sim->parted, 0, sizeof sim->parted);
    for (uint32_t i = 0; i < sim->proc_count; i++)
        sim_crashes(sim, i, 0);
    sim_run(sim, 10 * SIM_SECOND); /* whoever is on their way back comes back */
    for (uint32_t i = 0; i < sim->proc_count; i++)
        sim_restart(sim, i);
    sim_trace(sim, NULL, "everything is healed");
    (void)sim_run_until(sim, at_rest, 240 * SIM_SECOND); /* what is still owed is told below */
    sim_run(sim, 3 * SIM_SECOND);                        /* nothing may come after that */
    sim_check_end(sim);
}
