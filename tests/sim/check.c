/* What may never happen, whatever the network, the disks and the crashes do. */
#include <stdio.h>
#include <stdlib.h>

#include "peer/tables/batch.h"
#include "tests/sim/sim.h"

#define STEP_BYTES_MAX (16u << 20) /* effects of one step */
#define STEP_COUNT_MAX 100000u

static bool
has_marker(struct msg_span bytes)
{
    return bytes.len > 0 && memmem(bytes.at, bytes.len, SIM_MARKER, strlen(SIM_MARKER)) != NULL;
}

struct sim_said *
sim_check_text(struct sim *sim, struct msg_text text)
{
    const size_t skip = strlen(SIM_MARKER) + 1;
    if (text.len <= skip || memcmp(text.at, SIM_MARKER "#", skip) != 0) {
        sim_fail(sim, "a text that nobody said");
        return NULL;
    }
    size_t number = 0;
    for (size_t i = skip; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++)
        number = number * 10 + (size_t)(text.at[i] - '0');
    if (number < sim->said_count)
        return &sim->said[number];
    sim_fail(sim, "a text that nobody said");
    return NULL;
}

struct sim_said *
sim_check_id(struct sim *sim, const struct sim_proc *proc, const struct msg_id *id)
{
    for (size_t i = sim->said_count; i-- > 0;)
        if (sim->said[i].from == proc->index && sim->said[i].has_id &&
            memcmp(&sim->said[i].id, id, sizeof *id) == 0)
            return &sim->said[i];
    return NULL;
}

/* ---- what leaves a process ---- */

static void
check_nonce(struct sim *sim, const struct msg_nonce *nonce)
{
    uint64_t word;
    memcpy(&word, nonce->at + sizeof *nonce - sizeof word, sizeof word); /* a run's may begin alike */
    if (2 * sim->nonce_count >= sim->nonce_room) {
        const size_t room = sim->nonce_room == 0 ? 1024 : 2 * sim->nonce_room;
        uint64_t *const old = sim->nonces;
        sim->nonces = calloc(room, sizeof *sim->nonces);
        if (sim->nonces == NULL)
            abort();
        for (size_t i = 0; i < sim->nonce_room; i++) {
            size_t at = old[i] % room;
            while (old[i] != 0 && sim->nonces[at] != 0)
                at = (at + 1) % room;
            if (old[i] != 0)
                sim->nonces[at] = old[i];
        }
        free(old);
        sim->nonce_room = room;
    }
    size_t at = word % sim->nonce_room;
    while (sim->nonces[at] != 0 && sim->nonces[at] != word)
        at = (at + 1) % sim->nonce_room;
    if (sim->nonces[at] == word)
        sim_fail(sim, "a nonce was used twice");
    sim->nonces[at] = word;
    sim->nonce_count++;
}

void
sim_check_sent(struct sim *sim, const struct sim_proc *proc, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    struct msg_span in = bytes;
    if (has_marker(bytes))
        sim_fail(sim, "process %u sends what was said in the clear", proc->index);
    if (bytes.len > MSG_SOCKET_MAX)
        sim_fail(sim, "process %u sends %zu bytes at once", proc->index, bytes.len);
    while (in.len > 0) {
        if (msg_codec_next_frame(&in, &kind, &any) != CONCLAVE_OK) {
            sim_fail(sim, "process %u sends what is no frame", proc->index);
            return;
        }
        if (kind == MSG_SEALED)
            check_nonce(sim, &any.MSG_ANY_SEALED.nonce);
        if (kind == MSG_ROOM_FRAME)
            sim_room_sealed(sim, proc, &any.MSG_ANY_ROOM_FRAME);
        if (kind == MSG_RELAY) /* frames of a link, too */
            sim_check_sent(sim, proc, any.MSG_ANY_RELAY.frames);
    }
}

void
sim_check_step(struct sim *sim, const struct sim_proc *proc)
{
    if (proc->kind != SIM_KIND_PEER && has_marker(msg_span_of_buf(&sim->effects.arena)))
        sim_fail(sim, "the registry has what was said in its memory");
    if (sim->effects.arena.len > STEP_BYTES_MAX || sim->effects.count > STEP_COUNT_MAX)
        sim_fail(sim, "one step of process %u asks for %zu effects of %zu bytes", proc->index,
                 sim->effects.count, sim->effects.arena.len);
}

void
sim_check_put(struct sim *sim, const struct sim_proc *proc, uint32_t table, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    if (msg_codec_decode(bytes, &kind, &any) != CONCLAVE_OK)
        sim_fail(sim, "process %u stores what does not decode", proc->index);
    else if (proc->kind != SIM_KIND_PEER && has_marker(bytes))
        sim_fail(sim, "the registry stores what was said");
    else if (proc->kind == SIM_KIND_PEER && table == PEER_TABLE_ROOM_OUT)
        sim_room_put(sim, proc, &any.MSG_ANY_REC_ROOM_OUT);
    else if (proc->kind == SIM_KIND_PEER && table == PEER_TABLE_OUT) {
        struct sim_said *const said = sim_check_text(sim, any.MSG_ANY_REC_OUT.text);
        if (said == NULL)
            return;
        if (said->has_id && memcmp(&said->id, &any.MSG_ANY_REC_OUT.id, sizeof said->id) != 0)
            sim_fail(sim, "a message of process %u changes its id", proc->index);
        said->id = any.MSG_ANY_REC_OUT.id;
        said->has_id = true;
    }
}

static void
batch_committed(struct sim *sim, const struct sim_proc *proc, const struct msg_rec_inbox_batch *record)
{
    struct msg_tell_messages rest = {record->arrival - record->count + 1, record->name, msg_text(""), record->room, record->batch};
    struct msg_tell_message message;
    while (peer_batch_next(&rest, &message)) {
        struct sim_said *const said = sim_check_text(sim, message.text);
        if (said != NULL)
            sim_set_add(&said->committed, proc->index);
    }
    if (rest.arrival != record->arrival + 1 || rest.batch.len != 0)
        sim_fail(sim, "process %u keeps a batch that is not what it says", proc->index);
}

void
sim_check_committed(struct sim *sim, const struct sim_proc *proc, const struct sim_record *record)
{
    union msg_any any;
    enum msg_kind kind;
    struct sim_said *said = NULL;
    if (proc->kind == SIM_KIND_DOOR ||
        msg_codec_decode(msg_span(record->at, record->len), &kind, &any) != CONCLAVE_OK)
        return;
    if (proc->kind == SIM_KIND_FRONT)
        sim_room_committed(sim, &any, kind);
    if (kind == MSG_REC_ROOM_OUT && (said = sim_check_text(sim, any.MSG_ANY_REC_ROOM_OUT.text)) != NULL)
        said->out_committed = true;
    if (kind == MSG_REC_MAIL)
        sim_check_mail(sim, &any.MSG_ANY_REC_MAIL);
    if (kind == MSG_REC_OUT && (said = sim_check_text(sim, any.MSG_ANY_REC_OUT.text)) != NULL)
        said->out_committed = true;
    if (kind == MSG_REC_INBOX_BATCH)
        batch_committed(sim, proc, &any.MSG_ANY_REC_INBOX_BATCH);
    if (kind == MSG_REC_INBOX && (said = sim_check_text(sim, any.MSG_ANY_REC_INBOX.text)) != NULL)
        sim_set_add(&said->committed, proc->index);
}

/* ---- what is told ---- */

static void
check_receipt(struct sim *sim, const struct sim_proc *proc, const struct msg_tell_receipt *tell, const struct msg_id *id)
{
    const struct sim_said *const said = sim_check_id(sim, proc, id);
    if (said == NULL)
        sim_fail(sim, "process %u is told a tick of a message it never said", proc->index);
    else if (tell->tick == MSG_TICK_QUEUED && !said->out_committed)
        sim_fail(sim, "message %zu is told as queued and is not on disk",
                 (size_t)(said - sim->said));
    else if (tell->tick == MSG_TICK_STORED && !said->mailed)
        sim_fail(sim, "message %zu is told as stored and the registry does not have it",
                 (size_t)(said - sim->said));
    else if (tell->tick == MSG_TICK_DELIVERED && sim_set_empty(&said->committed))
        sim_fail(sim, "message %zu is told as delivered and is on no disk there",
                 (size_t)(said - sim->said));
    else if (tell->tick == MSG_TICK_READ && sim_set_empty(&said->was_read))
        sim_fail(sim, "message %zu is told as read and nobody read it", (size_t)(said - sim->said));
}

/* In a record of its own, or in that of a batch, which has the arrival of its last message. */
static bool
is_on_disk(const struct sim_proc *proc, uint64_t arrival)
{
    for (uint64_t i = 0; i < MSG_BATCH_COUNT; i++) {
        const struct msg_record_key key = msg_record_key1(arrival + i);
        const struct sim_record *const record = sim_disk_find(&proc->disk, PEER_TABLE_INBOX, msg_record_key_span(&key));
        union msg_any any;
        enum msg_kind kind;
        if (record == NULL || msg_codec_decode(msg_span(record->at, record->len), &kind, &any) != CONCLAVE_OK)
            continue;
        return kind == MSG_REC_INBOX ? i == 0 : any.MSG_ANY_REC_INBOX_BATCH.count > i;
    }
    return false;
}

/* The first arrival in a record that is after what was shown; 0: none is. */
static uint64_t
first_unshown(const struct sim_record *record, uint64_t shown)
{
    union msg_any any;
    enum msg_kind kind;
    if (record == NULL || record->table != PEER_TABLE_INBOX || msg_codec_decode(msg_span(record->at, record->len), &kind, &any) != CONCLAVE_OK)
        return 0;
    const uint64_t last = msg_record_key_u64(msg_record_key_span(&record->key), 0);
    const uint64_t first = kind == MSG_REC_INBOX_BATCH ? last + 1 - any.MSG_ANY_REC_INBOX_BATCH.count : last;
    return first > shown ? first : shown + 1;
}

void
sim_check_arrival(struct sim *sim, struct sim_proc *proc, uint64_t arrival)
{
    const struct msg_record_key shown = msg_record_key1(proc->disk.shown);
    if (arrival == 0)
        return;
    if (first_unshown(sim_disk_after(&proc->disk, PEER_TABLE_INBOX, msg_record_key_span(&shown)), proc->disk.shown) != arrival)
        sim_fail(sim, "process %u is shown what arrived as %llu after %llu: left out, or once more", proc->index,
                 (unsigned long long)arrival, (unsigned long long)proc->disk.shown);
    proc->disk.shown = arrival;
}

void
sim_check_told(struct sim *sim, const struct sim_proc *proc, enum msg_kind kind,
               const union msg_any *any)
{
    if (kind == MSG_TELL_MESSAGE) {
        if (!is_on_disk(proc, any->MSG_ANY_TELL_MESSAGE.arrival))
            sim_fail(sim, "process %u tells a message that is not on its disk", proc->index);
    } else if (kind == MSG_TELL_RECEIPT) {
        struct msg_span ids = any->MSG_ANY_TELL_RECEIPT.ids;
        for (struct msg_id id; msg_codec_next_id(&ids, &id);)
            check_receipt(sim, proc, &any->MSG_ANY_TELL_RECEIPT, &id);
    }
}

/* What a disk that was put back may have forgotten, on either side. */
static bool
forgotten(const struct sim_proc *proc, const struct sim_said *said)
{
    return proc->restored && said->told_us >= proc->snapshot_us &&
           said->told_us < proc->restored_us + 60 * SIM_SECOND;
}

static bool
excused(const struct sim *sim, const struct sim_said *said, const struct sim_proc *reader)
{
    const bool taken = sim_set_has(&said->committed, reader->index) && reader->restored;
    return said->lost || sim->accounts[said->to].deleted ||
           reader->user.blocked[sim->procs[said->from].user.account] != 0 ||
           sim->procs[said->from].user.blocked[said->to] != 0 || reader->user.revoked ||
           sim->procs[said->from].user.revoked || taken;
}

static void
check_order(struct sim *sim, const struct sim_proc *proc, const struct sim_said *said)
{
    const uint64_t number = (uint64_t)(said - sim->said);
    uint64_t *const last = &sim->last_shown[said->from][proc->index];
    if (*last > number + 1)
        sim_fail(sim, "process %u is shown message %llu after %llu of the same sender", proc->index,
                 (unsigned long long)number, (unsigned long long)(*last - 1));
    for (const struct sim_said *at = sim->said + *last; at < said; at++)
        if (at->from == said->from && at->to == said->to && at->queued &&
            sim_set_has(&at->expected, proc->index) && !sim_set_has(&at->shown, proc->index) &&
            !excused(sim, at, proc))
            sim_fail(sim, "process %u is shown message %llu, and not %zu before it", proc->index,
                     (unsigned long long)number, (size_t)(at - sim->said));
    *last = number + 1;
}

void
sim_check_shown(struct sim *sim, struct sim_proc *proc, const struct msg_tell_message *tell)
{
    struct sim_said *const said = sim_check_text(sim, tell->text);
    if (said == NULL)
        return;
    if (said->room[0] != '\0') {
        sim_room_shown(sim, proc, said, tell);
        return;
    }
    const size_t number = (size_t)(said - sim->said);
    const struct sim_proc *const from = &sim->procs[said->from];
    const uint64_t blocked_us = proc->user.blocked[from->user.account];
    if (proc->user.account != said->to ||
        !msg_text_equal(tell->from, msg_text(sim->accounts[from->user.account].name)))
        sim_fail(sim, "message %zu is shown to or from somebody else", number);
    if (!said->has_id || memcmp(&said->id, &tell->id, sizeof said->id) != 0)
        sim_fail(sim, "message %zu is shown under another id", number);
    if (said->failed)
        sim_fail(sim, "message %zu was told as failed and is shown", number);
    if (blocked_us != 0 && blocked_us != SIM_NEVER)
        sim_fail(sim, "message %zu is shown although its sender was blocked", number);
    if (sim_set_has(&said->shown, proc->index)) {
        if (!forgotten(proc, said) && !forgotten(from, said))
            sim_fail(sim, "message %zu is shown to process %u twice", number, proc->index);
        return;
    }
    if (sim_set_empty(&said->shown))
        said->told_us = sim->now_us;
    check_order(sim, proc, said);
    sim_set_add(&said->shown, proc->index);
}

static void
check_tick(struct sim *sim, struct sim_proc *proc, const struct msg_tell_receipt *tell, const struct msg_id *id)
{
    struct sim_said *const said = sim_check_id(sim, proc, id);
    if (said == NULL)
        return;
    bool *const tick = tell->tick == MSG_TICK_QUEUED      ? &said->queued
                       : tell->tick == MSG_TICK_STORED    ? &said->stored
                       : tell->tick == MSG_TICK_DELIVERED ? &said->delivered
                                                          : &said->read;
    const bool of_many = said->room[0] != '\0' && tell->tick == MSG_TICK_DELIVERED; /* each member says so */
    if (said->stored && !said->returned && tell->tick == MSG_TICK_QUEUED) {
        /* the registry gave it up */
        if (said->delivered || said->room[0] != '\0' || sim->now_us - said->at_us < sim->mail.expiry_days * 24ull * 3600 * SIM_SECOND)
            sim_fail(sim, "message %zu came back before its time", (size_t)(said - sim->said));
        said->returned = true;
        return;
    }
    if (*tick && !proc->restored && !of_many)
        sim_fail(sim, "message %zu is told as %llu twice", (size_t)(said - sim->said),
                 (unsigned long long)tell->tick);
    if ((said->stored && tell->tick == MSG_TICK_QUEUED) ||
        (said->delivered && tell->tick <= MSG_TICK_STORED && said->room[0] == '\0'))
        sim_fail(sim, "the ticks of message %zu are told out of order", (size_t)(said - sim->said));
    *tick = true;
}

void
sim_check_ticks(struct sim *sim, struct sim_proc *proc, const struct msg_tell_receipt *tell)
{
    struct msg_span ids = tell->ids;
    for (struct msg_id id; msg_codec_next_id(&ids, &id);)
        check_tick(sim, proc, tell, &id);
}

/* ---- at rest ---- */

static const char *
owed(const struct sim *sim, const struct sim_said *said)
{
    struct sim_set seen_by_all = said->shown;
    bool blocked = false; /* then they do not even say what they have */
    if (said->room[0] != '\0')
        return sim_room_owed(sim, said);
    if (!said->queued || said->lost || sim->accounts[said->to].deleted ||
        sim->procs[said->from].user.revoked)
        return NULL;
    for (uint32_t i = SIM_FRONT + 1; i < sim->proc_count; i++)
        if (sim->procs[i].user.account == said->to && excused(sim, said, &sim->procs[i])) {
            sim_set_add(&seen_by_all, i);
            blocked = true;
        }
    if (sim_set_empty(&seen_by_all))
        return "was told as queued and is shown nowhere";
    if (!sim_set_within(&said->expected, &seen_by_all))
        return "is not shown on every device there was";
    if (!sim->crashes && !blocked && !said->delivered && !sim_set_empty(&said->shown))
        return "was shown, and its sender is not told so";
    return NULL;
}

bool
sim_check_rest(struct sim *sim)
{
    for (size_t i = 0; i < sim->said_count; i++)
        if (owed(sim, &sim->said[i]) != NULL)
            return false;
    uint32_t who;
    return sim_rooms_owed(sim, &who) == NULL;
}

void
sim_check_end(struct sim *sim)
{
    sim_room_keys_check(sim);
    for (size_t i = 0; i < sim->said_count; i++) {
        const char *const what = owed(sim, &sim->said[i]);
        if (what != NULL)
            sim_fail(sim, "message %zu, from process %u to %s, %s", i, sim->said[i].from,
                     sim->said[i].room[0] != '\0' ? sim->said[i].room : sim->accounts[sim->said[i].to].name, what);
    }
    uint32_t who;
    const char *const room = sim_rooms_owed(sim, &who);
    if (room != NULL)
        sim_fail(sim, "process %u %s", who, room);
    for (uint32_t i = SIM_FRONT + 1; i < sim->proc_count; i++)
        for (size_t c = 0; sim->procs[i].up && c < sim->procs[i].user.command_count; c++)
            if (!sim->procs[i].user.commands[c].answered)
                sim_fail(sim, "process %u: command %llu was never answered", i,
                         (unsigned long long)sim->procs[i].user.commands[c].req);
}
