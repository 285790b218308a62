/* A disk: sorted records, and transactions that are committed in order some
 * time after they were asked for.  A crash keeps any number of the first of
 * those that wait, and loses the rest. */
#include <stdlib.h>

#include "tests/sim/sim.h"

static void *
grow(void *at, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return at;
    *room = *room == 0 ? 16 : 2 * *room;
    at = realloc(at, *room * size);
    if (at == NULL)
        abort();
    return at;
}

static uint8_t *
copy(struct msg_span bytes)
{
    uint8_t *const at = malloc(bytes.len > 0 ? bytes.len : 1);
    if (at == NULL)
        abort();
    if (bytes.len > 0)
        memcpy(at, bytes.at, bytes.len);
    return at;
}

static int
compare(const struct sim_record *record, uint32_t table, struct msg_span key)
{
    if (record->table != table)
        return record->table < table ? -1 : 1;
    const size_t n = record->key.len < key.len ? record->key.len : key.len;
    const int order = n > 0 ? memcmp(record->key.at, key.at, n) : 0;
    if (order != 0)
        return order;
    return record->key.len == key.len ? 0 : record->key.len < key.len ? -1 : 1;
}

/* The first record that does not stand before that key. */
static size_t
place(const struct sim_disk *disk, uint32_t table, struct msg_span key)
{
    size_t low = 0, high = disk->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare(&disk->records[middle], table, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct sim_record *
sim_disk_find(const struct sim_disk *disk, uint32_t table, struct msg_span key)
{
    const size_t at = place(disk, table, key);
    return at < disk->count && compare(&disk->records[at], table, key) == 0 ? &disk->records[at]
                                                                            : NULL;
}

const struct sim_record *
sim_disk_after(const struct sim_disk *disk, uint32_t table, struct msg_span key)
{
    size_t at = place(disk, table, key);
    if (at < disk->count && compare(&disk->records[at], table, key) == 0)
        at++;
    return at < disk->count && disk->records[at].table == table ? &disk->records[at] : NULL;
}

void
sim_disk_gather(struct sim_disk *disk, bool put, uint32_t table, struct msg_span key,
                struct msg_span bytes)
{
    disk->gathered =
        grow(disk->gathered, &disk->gathered_room, disk->gathered_count, sizeof *disk->gathered);
    struct sim_op *const op = &disk->gathered[disk->gathered_count++];
    *op = (struct sim_op){.put = put,
                          .record = {.table = table, .at = copy(bytes), .len = bytes.len}};
    op->record.key.len = key.len;
    memcpy(op->record.key.at, key.at, key.len);
}

/* Whose disk it is, by the record of a peer's own. */
static uint64_t
account_of(const struct sim_record *record)
{
    union msg_any any;
    enum msg_kind kind;
    if (msg_codec_decode(msg_span(record->at, record->len), &kind, &any) != CONCLAVE_OK || kind != MSG_REC_SELF)
        return 0;
    return any.MSG_ANY_REC_SELF.logged_out ? 0 : any.MSG_ANY_REC_SELF.account;
}

/* Takes over the bytes of the operation. */
static void
apply(struct sim_disk *disk, struct sim_op *op)
{
    const struct msg_span key = msg_span(op->record.key.at, op->record.key.len);
    const size_t at = place(disk, op->record.table, key);
    const bool there = at < disk->count && compare(&disk->records[at], op->record.table, key) == 0;
    if (there)
        free(disk->records[at].at);
    if (op->record.table == PEER_TABLE_SELF && key.len == 8 && msg_record_key_u64(key, 0) == 0) /* others are revocations */
        disk->account = op->put ? account_of(&op->record) : 0;
    if (op->put && !there) {
        disk->records = grow(disk->records, &disk->room, disk->count, sizeof *disk->records);
        memmove(&disk->records[at + 1], &disk->records[at],
                (disk->count - at) * sizeof *disk->records);
        disk->count++;
    }
    if (op->put)
        disk->records[at] = op->record;
    else {
        free(op->record.at);
        if (there) {
            disk->count--;
            memmove(&disk->records[at], &disk->records[at + 1],
                    (disk->count - at) * sizeof *disk->records);
        }
    }
}

/* Commits the oldest transaction that waits. */
static void
commit(struct sim *sim, struct sim_proc *proc)
{
    struct sim_disk *const disk = &proc->disk;
    struct sim_tx tx = disk->pending[0];
    memmove(disk->pending, disk->pending + 1, --disk->pending_count * sizeof *disk->pending);
    for (size_t i = 0; i < tx.count; i++) {
        if (tx.ops[i].put)
            sim_check_committed(sim, proc, &tx.ops[i].record);
        apply(disk, &tx.ops[i]);
    }
    free(tx.ops);
}

static void
stored(struct sim *sim, struct sim_event *event)
{
    const struct msg_event told = {.kind = EVENT_STORED, .id = event->a};
    sim_proc_step(sim, &sim->procs[event->proc], &told);
}

static void
due(struct sim *sim, struct sim_event *event)
{
    struct sim_proc *const proc = &sim->procs[event->proc];
    const uint64_t id = proc->disk.pending[0].id;
    commit(sim, proc);
    sim_at(sim, event->b, stored, proc)->a = id;
}

void
sim_disk_store(struct sim *sim, struct sim_proc *proc, uint64_t id)
{
    struct sim_disk *const disk = &proc->disk;
    disk->pending =
        grow(disk->pending, &disk->pending_room, disk->pending_count, sizeof *disk->pending);
    disk->pending[disk->pending_count++] =
        (struct sim_tx){id, disk->gathered, disk->gathered_count};
    disk->gathered = NULL;
    disk->gathered_count = disk->gathered_room = 0;
    const uint64_t at_us = sim->now_us + sim_between(sim, sim->commit_min_us, sim->commit_max_us);
    const uint64_t commit_us = at_us > disk->last_us ? at_us : disk->last_us + 1;
    disk->last_us = commit_us + 1 + sim_below(sim, 300);
    sim_at(sim, commit_us, due, proc)->b = disk->last_us;
}

static void
free_ops(struct sim_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(ops[i].record.at);
    free(ops);
}

void
sim_disk_crash(struct sim *sim, struct sim_proc *proc)
{
    struct sim_disk *const disk = &proc->disk;
    for (uint64_t survive = sim_below(sim, disk->pending_count + 1); survive > 0; survive--)
        commit(sim, proc);
    for (size_t i = 0; i < disk->pending_count; i++)
        free_ops(disk->pending[i].ops, disk->pending[i].count);
    free_ops(disk->gathered, disk->gathered_count);
    disk->pending_count = 0;
    disk->gathered = NULL;
    disk->gathered_count = disk->gathered_room = 0;
    disk->last_us = sim->now_us;
}

void
sim_disk_copy(struct sim_disk *to, const struct sim_disk *from)
{
    sim_disk_wipe(to);
    to->records = calloc(from->count + 1, sizeof *to->records);
    if (to->records == NULL)
        abort();
    to->count = from->count;
    to->room = from->count + 1;
    to->shown = from->shown;
    to->account = from->account;
    for (size_t i = 0; i < from->count; i++) {
        to->records[i] = from->records[i];
        to->records[i].at = copy(msg_span(from->records[i].at, from->records[i].len));
    }
}

void
sim_disk_wipe(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        free(disk->records[i].at);
    for (size_t i = 0; i < disk->pending_count; i++)
        free_ops(disk->pending[i].ops, disk->pending[i].count);
    free_ops(disk->gathered, disk->gathered_count);
    free(disk->pending);
    free(disk->records);
    memset(disk, 0, sizeof *disk);
}
