/* A core in its shell: feeds it, performs its effects one by one, ends it
 * between any two of them, and starts it again from what its disk has. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"
#include "tests/told.h"

struct sim_proc *
sim_proc_add(struct sim *sim, enum sim_kind kind)
{
    struct sim_proc *const proc = &sim->procs[sim->proc_count];
    if (sim->proc_count == SIM_PROCS)
        abort();
    memset(proc, 0, sizeof *proc);
    proc->kind = kind;
    proc->index = sim->proc_count++;
    proc->host = kind == SIM_KIND_PEER ? proc->index : 0;
    proc->mono_ms = sim_below(sim, 1000000);
    proc->wake_us = SIM_NEVER;
    return proc;
}

struct msg_time
sim_proc_now(const struct sim *sim, const struct sim_proc *proc)
{
    const uint64_t ms = sim->now_us / SIM_MS;
    return (struct msg_time){proc->mono_ms + ms,
                             (uint64_t)(INT64_C(1750000000000) + proc->wall_ms + (int64_t)ms)};
}

static void
wake(struct sim *sim, struct sim_event *event)
{
    struct sim_proc *const proc = &sim->procs[event->proc];
    const struct msg_event told = {.kind = EVENT_WAKE};
    if (event->a != proc->wake_us)
        return; /* an earlier one took its place */
    proc->wake_us = SIM_NEVER;
    sim_proc_step(sim, proc, &told);
}

/* A busy machine is late now and then. */
static void
plan_wake(struct sim *sim, struct sim_proc *proc, uint64_t ms)
{
    const uint64_t late_us = sim_chance(sim, 100) ? sim_below(sim, 40 * SIM_MS) : 0;
    const uint64_t at_us = (sim->now_us / SIM_MS + ms) * SIM_MS + late_us;
    if (at_us >= proc->wake_us)
        return;
    proc->wake_us = at_us;
    sim_at(sim, at_us, wake, proc)->a = at_us;
}

static void
admit(struct sim_proc *proc, const struct msg_box_pub *key)
{
    for (size_t i = 0; i < proc->admitted_count; i++)
        if (memcmp(&proc->admitted[i], key, sizeof *key) == 0)
            return;
    if (proc->admitted_count == proc->admitted_room) {
        proc->admitted_room = proc->admitted_room == 0 ? 8 : 2 * proc->admitted_room;
        proc->admitted = realloc(proc->admitted, proc->admitted_room * sizeof *proc->admitted);
        if (proc->admitted == NULL)
            abort();
    }
    proc->admitted[proc->admitted_count++] = *key;
}

static void
send(struct sim *sim, struct sim_proc *proc, uint64_t link, struct msg_span bytes)
{
    if (sim->trace) {
        char text[160];
        msg_codec_print(text, sizeof text, bytes);
        sim_trace(sim, proc, "sends on %llx: %s", (unsigned long long)link, text);
    }
    sim_check_sent(sim, proc, bytes);
    if (sim_registry_inner(proc, link))
        sim_registry_send(sim, proc, link, bytes);
    else
        sim_net_send(sim, proc, link, bytes);
}

static void
perform_one(struct sim *sim, struct sim_proc *proc, const struct msg_effects *list,
            const struct msg_effect *effect)
{
    const struct msg_span bytes = msg_effects_bytes(list, effect);
    struct sim_xpub *xpub;
    switch (effect->kind) {
    case EFFECT_PUT:
    case EFFECT_DELETE:
        if (effect->kind == EFFECT_PUT)
            sim_check_put(sim, proc, effect->table, bytes);
        sim_disk_gather(&proc->disk, effect->kind == EFFECT_PUT, effect->table,
                        msg_effects_key(list, effect), bytes);
        break;
    case EFFECT_STORE:
        sim_disk_store(sim, proc, effect->id);
        break;
    case EFFECT_SEND:
        send(sim, proc, effect->id, bytes);
        break;
    case EFFECT_TELL:
        sim_user_told(sim, proc, told_frame(bytes));
        break;
    case EFFECT_WAKE:
        plan_wake(sim, proc, effect->id);
        break;
    case EFFECT_DIAL:
    case EFFECT_SUBSCRIBE:
        sim_net_dial(sim, proc, effect->id, effect->kind == EFFECT_SUBSCRIBE, &effect->key, bytes);
        break;
    case EFFECT_DROP:
        sim_net_drop(sim, proc, effect->id);
        break;
    case EFFECT_ADMIT:
        if (effect->id == 0)
            admit(proc, &effect->key);
        else if ((xpub = sim_xpub_find(proc, effect->id)) != NULL)
            sim_xpub_admit(sim, xpub, &effect->key);
        break;
    case EFFECT_EXPEL:
        if (effect->id == 0)
            sim_net_expel(sim, proc, &effect->key);
        else if ((xpub = sim_xpub_find(proc, effect->id)) != NULL)
            sim_xpub_expel(sim, proc, xpub, &effect->key);
        break;
    case EFFECT_LISTEN:
        sim_xpub_listen(sim, proc, effect->id, effect->port);
        break;
    case EFFECT_CAST:
        for (size_t i = 0; i < msg_effects_cast_count(effect); i++)
            send(sim, proc, msg_effects_cast_link(list, effect, i), bytes);
        break;
    case EFFECT_LOG:
        sim_trace(sim, proc, "%.*s", (int)bytes.len, (const char *)bytes.at);
        break;
    }
}

void
sim_proc_step(struct sim *sim, struct sim_proc *proc, const struct msg_event *event)
{
    const struct msg_time now = sim_proc_now(sim, proc);
    struct msg_effects *const list = &sim->effects;
    if (sim->failed || !proc->up)
        return;
    if (proc->kind == SIM_KIND_FRONT)
        sim_registry_check(sim, proc);
    switch (proc->kind) {
    case SIM_KIND_DOOR:
        broker_door_core_step(proc->door, now, event, list);
        break;
    case SIM_KIND_FRONT:
        broker_front_core_step(proc->front, now, event, list);
        break;
    case SIM_KIND_PEER:
        peer_core_step(proc->peer, now, event, list);
        break;
    }
    sim_check_step(sim, proc);
    for (size_t i = 0; i < list->count && !sim->failed; i++) {
        if (proc->crash_in > 0 && --proc->crash_in == 0) {
            sim_crash(sim, proc->index, sim_between(sim, sim->restart_min_us, sim->restart_max_us));
            break;
        }
        perform_one(sim, proc, list, &list->list[i]);
    }
    msg_effects_clear(list);
}

/* Records as the store gives them, and the messages that were not shown. */
static void
restore(struct sim *sim, struct sim_proc *proc)
{
    const struct sim_disk *const disk = &proc->disk;
    const struct msg_record_key mark = msg_record_key1(disk->shown);
    const uint32_t life = proc->life;
    bool marked = false;
    for (size_t i = 0; i <= disk->count && proc->life == life && proc->up; i++) {
        const struct sim_record *const record = i < disk->count ? &disk->records[i] : NULL;
        if (!marked && (record == NULL || record->table >= PEER_TABLE_INBOX)) {
            const struct msg_event told = {.kind = EVENT_RECORD,
                                           .table = PEER_TABLE_INBOX,
                                           .record_key = msg_record_key_span(&mark)};
            marked = true;
            sim_proc_step(sim, proc, &told);
        }
        if (record == NULL ||
            (record->table == PEER_TABLE_INBOX &&
             msg_record_key_u64(msg_record_key_span(&record->key), 0) <= disk->shown))
            continue;
        const struct msg_event told = {.kind = EVENT_RECORD,
                                       .table = record->table,
                                       .record_key = msg_record_key_span(&record->key),
                                       .bytes = msg_span(record->at, record->len)};
        sim_proc_step(sim, proc, &told);
    }
}

void
sim_proc_start(struct sim *sim, struct sim_proc *proc)
{
    if (proc->up)
        return;
    proc->up = true;
    proc->life++;
    proc->stalled_us = 0;
    proc->wake_us = SIM_NEVER;
    proc->links = 0;
    proc->admitted_count = 0;
    memset(proc->xpubs, 0, sizeof proc->xpubs);
    proc->disk.last_us = proc->user.tell_us = sim->now_us;
    proc->user.command_count = 0; /* what was asked of the life before has no answer */
    if (sim_chance(sim, 300))
        proc->mono_ms = sim_below(sim, 1000000); /* the machine started anew, too */
    proc->crash_in =
        proc->crash_mean == 0 ? 0 : 1 + (uint32_t)sim_below(sim, 2ull * proc->crash_mean);
    sim_trace(sim, proc, "starts");
    if (proc->kind != SIM_KIND_PEER) {
        sim_registry_start(sim, proc);
        return;
    }
    proc->peer = peer_core_new(&proc->settings, &proc->identity);
    if (proc->peer == NULL)
        abort();
    restore(sim, proc);
    const uint32_t life = proc->life;
    const struct msg_event start = {.kind = EVENT_START};
    sim_proc_step(sim, proc, &start);
    if (proc->up && proc->life == life)
        sim_user_start(sim, proc);
}

void
sim_stall(struct sim *sim, uint32_t number, uint64_t us)
{
    sim_trace(sim, &sim->procs[number], "stands still");
    sim->procs[number].stalled_us = sim->now_us + us;
}

static void
come_back(struct sim *sim, struct sim_event *event)
{
    struct sim_proc *const proc = &sim->procs[event->a];
    if (!proc->up && proc->life == event->b)
        sim_proc_start(sim, proc);
}

/* The core's memory goes; so do the effects that were not performed yet. */
static void
end(struct sim *sim, struct sim_proc *proc)
{
    proc->up = false;
    peer_core_destroy(&proc->peer);
    broker_door_core_destroy(&proc->door);
    broker_front_core_destroy(&proc->front);
    sim_net_gone(sim, proc);
    sim_disk_crash(sim, proc);
    proc->user.online_us = 0;
}

void
sim_crash(struct sim *sim, uint32_t number, uint64_t back_after_us)
{
    struct sim_proc *const proc = &sim->procs[number];
    if (!proc->up)
        return;
    sim_trace(sim, proc, "crashes");
    sim->crashes = true;
    end(sim, proc);
    if (back_after_us == SIM_NEVER)
        return;
    struct sim_event *const event = sim_at(sim, sim->now_us + back_after_us, come_back, NULL);
    event->a = number;
    event->b = proc->life;
}

void
sim_restart(struct sim *sim, uint32_t number)
{
    sim_proc_start(sim, &sim->procs[number]);
}

void
sim_stop(struct sim *sim, uint32_t number)
{
    struct sim_proc *const proc = &sim->procs[number];
    const struct msg_event stop = {.kind = EVENT_STOP};
    if (!proc->up)
        return;
    sim_proc_step(sim, proc, &stop);
    sim_run(sim, SIM_SECOND); /* what it stored is committed, what it said leaves */
    sim->crashes = true;      /* tells that wait are lost with it */
    if (proc->up)
        end(sim, proc);
}

void
sim_snapshot(struct sim *sim, uint32_t number)
{
    struct sim_proc *const proc = &sim->procs[number];
    sim_disk_copy(&proc->snapshot, &proc->disk);
    proc->snapshot_us = sim->now_us;
    sim_trace(sim, proc, "its disk is copied");
}

void
sim_restore(struct sim *sim, uint32_t number)
{
    struct sim_proc *const proc = &sim->procs[number];
    if (proc->up)
        sim_crash(sim, number, SIM_NEVER);
    sim_disk_copy(&proc->disk, &proc->snapshot);
    proc->restored = true;
    proc->restored_us = sim->now_us;
    for (size_t i = 0; i < sim->said_count; i++)
        if (sim->said[i].from == number && sim->said[i].at_us >= proc->snapshot_us)
            sim->said[i].lost = true;
    sim_trace(sim, proc, "its disk is put back");
    sim_proc_start(sim, proc);
}

void
sim_crashes(struct sim *sim, uint32_t number, uint32_t mean_effects)
{
    struct sim_proc *const proc = &sim->procs[number];
    proc->crash_mean = mean_effects;
    proc->crash_in = mean_effects == 0 ? 0 : 1 + (uint32_t)sim_below(sim, 2ull * mean_effects);
}
