/* Who could read what is said in rooms, whatever their program shows: every
 * state of a sender key that was sealed to somebody, in mail or on their disk,
 * against every frame that was ever sealed.  Who was out when a message was
 * said has no state that leads to a frame with it, and who came after it was
 * logged neither. */
#include <stdlib.h>

#include "tests/sim/sim.h"

static void *
grow(void *at, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return at;
    *room = *room == 0 ? 64 : 2 * *room;
    at = realloc(at, *room * size);
    if (at == NULL)
        abort();
    return at;
}

/* The first states alone: they lead to the others. */
void
sim_room_handed(struct sim *sim, uint32_t proc, const struct msg_tag *key, uint64_t counter)
{
    struct sim_key *const at = grow(sim->keys, &sim->key_room, sim->key_count, sizeof *at);
    sim->keys = at;
    sim->keys[sim->key_count++] = (struct sim_key){proc, *key, counter};
}

/* A frame leaves who sealed it. */
void
sim_room_sealed(struct sim *sim, const struct sim_proc *proc, const struct msg_room_frame *frame)
{
    if (proc->kind != SIM_KIND_PEER || frame->account != proc->disk.account)
        return; /* handed on */
    for (size_t i = 0; i < sim->seal_count; i++)
        if (sim->seals[i].counter == frame->counter && memcmp(&sim->seals[i].key, &frame->key, sizeof frame->key) == 0)
            return;
    for (size_t i = 0; i < sim->said_count; i++) {
        const struct sim_said *const said = &sim->said[i];
        if (said->from != proc->index || said->incarnation != frame->incarnation || said->salt != frame->salt ||
            said->number < frame->first || said->number >= frame->first + frame->count)
            continue;
        sim->seals = grow(sim->seals, &sim->seal_room, sim->seal_count, sizeof *sim->seals);
        sim->seals[sim->seal_count++] = (struct sim_seal){i, frame->key, frame->counter, sim->now_us};
    }
}

static int
by_key(const void *a, const void *b)
{
    const struct sim_key *const x = a, *const y = b;
    const int order = memcmp(&x->key, &y->key, sizeof x->key);
    return order != 0 ? order : x->proc < y->proc ? -1 : x->proc > y->proc;
}

void
sim_room_keys_check(struct sim *sim)
{
    for (uint32_t i = SIM_FRONT + 1; i < sim->proc_count; i++) {
        const struct sim_disk *const disk = &sim->procs[i].disk;
        const struct sim_record *at = sim_disk_after(disk, PEER_TABLE_ROOM_KEYS, msg_span(NULL, 0));
        for (; at != NULL && at < disk->records + disk->count && at->table == PEER_TABLE_ROOM_KEYS; at++) {
            union msg_any any;
            enum msg_kind kind;
            if (msg_codec_decode(msg_span(at->at, at->len), &kind, &any) == CONCLAVE_OK)
                sim_room_handed(sim, i, &any.MSG_ANY_REC_ROOM_KEY.key, any.MSG_ANY_REC_ROOM_KEY.counter);
        }
    }
    if (sim->key_count > 0)
        qsort(sim->keys, sim->key_count, sizeof *sim->keys, by_key);
    for (size_t s = 0; s < sim->seal_count; s++) {
        const struct sim_seal *const seal = &sim->seals[s];
        size_t low = 0, high = sim->key_count;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (memcmp(&sim->keys[middle].key, &seal->key, sizeof seal->key) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < sim->key_count && memcmp(&sim->keys[low].key, &seal->key, sizeof seal->key) == 0; low++)
            if (sim->keys[low].counter <= seal->counter &&
                !sim_room_entitled(sim, &sim->said[seal->said], &sim->procs[sim->keys[low].proc]))
                sim_fail(sim, "process %u can read message %zu, which is not for it", sim->keys[low].proc, seal->said);
    }
}
