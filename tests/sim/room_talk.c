/* What people say in rooms, and who must be shown it: once, and in the order in
 * which each said it.  A message is owed to whoever was in the room by the disk
 * of who said it and by the registry's, until the end; and it must never be
 * shown to somebody who was out by that disk, and did not come back. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

/* ---- who is in ---- */

static struct sim_seat *
seat(struct sim *sim, const struct msg_id *room, uint64_t account)
{
    for (uint32_t i = 0; i < sim->seat_count; i++)
        if (sim->seats[i].account == account && memcmp(&sim->seats[i].room, room, sizeof *room) == 0)
            return &sim->seats[i];
    if (sim->seat_count == SIM_SEATS)
        abort();
    struct sim_seat *const fresh = &sim->seats[sim->seat_count++];
    fresh->account = account;
    fresh->room = *room;
    return fresh;
}

/* The name of a room on a disk of the registry (BROKER_TABLE_ROOMS) or of a
 * peer (PEER_TABLE_ROOMS). */
static bool
name_of(const struct sim_disk *disk, uint32_t table, const struct msg_id *id, char name[16])
{
    const struct msg_record_key key = msg_record_key_room(id, NULL, 0);
    const struct sim_record *const record = sim_disk_find(disk, table, msg_record_key_span(&key));
    union msg_any any;
    enum msg_kind kind;
    if (record == NULL || msg_codec_decode(msg_span(record->at, record->len), &kind, &any) != CONCLAVE_OK)
        return false;
    msg_text_copy(name, 16, kind == MSG_REC_ROOM ? any.MSG_ANY_REC_ROOM.name : any.MSG_ANY_REC_MY_ROOM.name);
    return true;
}

/* By the name that the room has at the registry. */
static const struct sim_seat *
find_seat(const struct sim *sim, const char *room, uint64_t account)
{
    char name[16];
    for (uint32_t i = 0; i < sim->seat_count; i++)
        if (sim->seats[i].account == account &&
            name_of(&sim->procs[SIM_FRONT].disk, BROKER_TABLE_ROOMS, &sim->seats[i].room, name) &&
            strcmp(name, room) == 0)
            return &sim->seats[i];
    return NULL;
}

/* The roles of all processes in a room of that name, by the disk of a peer:
 * NONE for those who went, -1 for who was never in it. */
static void
roles(const struct sim *sim, const struct sim_proc *peer, const char *room, int role[SIM_PROCS])
{
    const struct sim_disk *const disk = &peer->disk;
    const struct sim_record *at = sim_disk_after(disk, PEER_TABLE_ROOM_MATES, msg_span(NULL, 0));
    struct msg_id last = {{0}};
    bool of_that_name = false;
    for (uint32_t i = 0; i < sim->proc_count; i++)
        role[i] = -1;
    for (; at != NULL && at < disk->records + disk->count && at->table == PEER_TABLE_ROOM_MATES; at++) {
        union msg_any any;
        enum msg_kind kind;
        char name[16];
        const struct msg_rec_room_mate *const mate = &any.MSG_ANY_REC_ROOM_MATE;
        if (msg_codec_decode(msg_span(at->at, at->len), &kind, &any) != CONCLAVE_OK)
            continue;
        if (memcmp(&mate->room, &last, sizeof last) != 0)
            of_that_name = name_of(disk, PEER_TABLE_ROOMS, &mate->room, name) && strcmp(name, room) == 0;
        last = mate->room;
        for (uint32_t i = SIM_FRONT + 1; of_that_name && i < sim->proc_count; i++)
            if (sim->procs[i].disk.account == mate->account)
                role[i] = (int)mate->role;
    }
}

static void
member_committed(struct sim *sim, const struct msg_rec_room_member *part)
{
    struct sim_seat *const at = seat(sim, &part->room, part->account);
    const bool in = part->role != MSG_ROLE_NONE;
    if (in && !at->in)
        at->came_us = sim->now_us;
    if (!in)
        at->went_us = sim->now_us;
    at->muted = (part->standing & MSG_STANDING_MUTED) != 0;
    if (at->muted)
        at->muted_us = sim->now_us;
    at->in = in;
}

/* A frame in the log: so all that is in it is stored. */
static void
frame_committed(struct sim *sim, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    if (msg_codec_decode(bytes, &kind, &any) != CONCLAVE_OK || kind != MSG_ROOM_FRAME) {
        sim_fail(sim, "the registry keeps what is no frame in the log of a room");
        return;
    }
    const struct msg_room_frame *const frame = &any.MSG_ANY_ROOM_FRAME;
    for (size_t i = 0; i < sim->said_count; i++) {
        struct sim_said *const said = &sim->said[i];
        if (said->room[0] != '\0' && said->incarnation == frame->incarnation && said->salt == frame->salt &&
            said->number >= frame->first && said->number < frame->first + frame->count &&
            sim_room_account(&sim->procs[said->from]) == frame->account) {
            said->logged_us = said->mailed ? said->logged_us : sim->now_us;
            said->mailed = true;
        }
    }
}

void
sim_room_committed(struct sim *sim, const union msg_any *any, enum msg_kind kind)
{
    if (kind == MSG_REC_ROOM_MEMBER)
        member_committed(sim, &any->MSG_ANY_REC_ROOM_MEMBER);
    else if (kind == MSG_REC_ROOM_FRAME)
        frame_committed(sim, any->MSG_ANY_REC_ROOM_FRAME.frame);
}

/* ---- saying ---- */

void
sim_room_put(struct sim *sim, const struct sim_proc *proc, const struct msg_rec_room_out *record)
{
    struct sim_said *const said = sim_check_text(sim, record->text);
    if (said == NULL)
        return;
    if (said->has_id && memcmp(&said->id, &record->id, sizeof said->id) != 0)
        sim_fail(sim, "a message of process %u changes its id", proc->index);
    said->id = record->id;
    said->has_id = true;
    said->incarnation = record->incarnation;
    said->salt = record->salt;
    said->number = record->number;
}

void
sim_room_say(struct sim *sim, uint32_t from, const char *room)
{
    static char text[MSG_TEXT_MAX + 1];
    const struct sim_proc *const speaker = &sim->procs[from];
    struct sim_said *const said = sim_add_said(sim, from, SIM_ACCOUNTS - 1);
    const size_t number = (size_t)(said - sim->said), len = sim_length(sim);
    said->expected = (struct sim_set){{0}};
    (void)snprintf(said->room, sizeof said->room, "%s", room);
    const uint64_t own = sim_room_account(speaker);
    const struct sim_seat *const mine = find_seat(sim, room, own);
    int role[SIM_PROCS];
    roles(sim, speaker, room, role);
    for (uint32_t i = SIM_FRONT + 1; i < sim->proc_count; i++) {
        const struct sim_proc *const reader = &sim->procs[i];
        const uint64_t account = sim_room_account(reader);
        const struct sim_seat *const at = find_seat(sim, room, account);
        if (i == from || account == 0 || !reader->user.enrolled || reader->user.revoked)
            continue;
        if (role[i] > 0 && at != NULL && at->in && mine != NULL && mine->in && !mine->muted)
            sim_set_add(&said->expected, i);
        if (role[i] == 0 && (at == NULL || !at->in))
            sim_set_add(&said->never, i);
    }
    memset(text, 'x', len);
    const int n = snprintf(text, 32, SIM_MARKER "#%zu ", number);
    text[n] = 'x';
    sim_trace(sim, speaker, "says #%zu in %s", number, room);
    struct msg_cmd_say cmd = {.name = msg_text(room), .text = {text, len}};
    sim_command(sim, from, MSG_CMD_SAY, &cmd, (uint32_t)number);
}

struct plan {
    char room[16];
};

static void
talk(struct sim *sim, struct sim_event *event)
{
    const struct sim_proc *const from = &sim->procs[event->a];
    const bool never = from->user.gave_up || from->user.revoked;
    struct plan plan;
    memcpy(&plan, event->bytes, sizeof plan);
    if (never || (from->up && from->user.enrolled)) {
        sim->to_be_said--;
        if (!never)
            sim_room_say(sim, from->index, plan.room);
        return;
    }
    struct sim_event *const again = sim_at(sim, sim->now_us + SIM_SECOND / 5, talk, NULL);
    again->a = event->a;
    sim_event_take(again, msg_span((const uint8_t *)&plan, sizeof plan));
}

void
sim_room_talk(struct sim *sim, uint32_t from, const char *room, uint32_t count, uint64_t within_us)
{
    struct plan plan = {""};
    (void)snprintf(plan.room, sizeof plan.room, "%s", room);
    while (count > 0) { /* people often say several things at once */
        const uint64_t at_us = sim->now_us + sim_below(sim, within_us);
        for (uint64_t burst = sim_chance(sim, 200) ? sim_between(sim, 2, 30) : 1; burst > 0 && count > 0;
             burst--, count--) {
            struct sim_event *const event = sim_at(sim, at_us, talk, NULL);
            event->a = from;
            sim_event_take(event, msg_span((const uint8_t *)&plan, sizeof plan));
            sim->to_be_said++;
        }
    }
}

/* ---- shown ---- */

static bool
forgotten(const struct sim_proc *proc, const struct sim_said *said)
{
    /* shown to others first, perhaps: some time before */
    return proc->restored && said->told_us + 60 * SIM_SECOND >= proc->snapshot_us && said->told_us < proc->restored_us + 60 * SIM_SECOND;
}

/* Nobody is owed what its sender, or they, could not be expected to have. */
static bool
excused(const struct sim *sim, const struct sim_said *said, const struct sim_proc *reader)
{
    const struct sim_proc *const from = &sim->procs[said->from];
    const struct sim_seat *const theirs = find_seat(sim, said->room, sim_room_account(reader));
    const struct sim_seat *const own = find_seat(sim, said->room, sim_room_account(from));
    const bool taken = sim_set_has(&said->committed, reader->index) && reader->restored;
    return said->lost || taken || from->user.revoked || reader->user.revoked || theirs == NULL || !theirs->in ||
           theirs->went_us >= said->at_us || own == NULL || own->went_us >= said->at_us || own->muted_us >= said->at_us ||
           sim->accounts[reader->user.account].deleted || sim->accounts[from->user.account].deleted;
}

static void
check_order(struct sim *sim, const struct sim_proc *proc, const struct sim_said *said)
{
    const size_t number = (size_t)(said - sim->said);
    for (const struct sim_said *at = sim->said; at < sim->said + sim->said_count; at++) {
        if (at->from != said->from || strcmp(at->room, said->room) != 0)
            continue;
        const bool shown = sim_set_has(&at->shown, proc->index);
        if (at > said && shown && !sim->procs[said->from].restored && !sim->room_history)
            sim_fail(sim, "process %u is shown message %zu after %zu of the same sender", proc->index, number,
                     (size_t)(at - sim->said));
        if (at < said && !shown && at->queued && sim_set_has(&at->expected, proc->index) && !excused(sim, at, proc))
            sim_fail(sim, "process %u is shown message %zu, and not %zu before it", proc->index, number,
                     (size_t)(at - sim->said));
    }
}

/* Not who was out by all there was to know when it was said, and did not come
 * back; and not who came for the first time when it was in the log. */
bool
sim_room_entitled(const struct sim *sim, const struct sim_said *said, const struct sim_proc *reader)
{
    const struct sim_seat *const at = find_seat(sim, said->room, sim_room_account(reader));
    if (reader->index == said->from || reader->user.account == sim->procs[said->from].user.account)
        return true;
    if (at == NULL || (sim_set_has(&said->never, reader->index) && at->came_us < said->at_us))
        return false;
    return sim->room_history || at->went_us != 0 || said->logged_us == 0 || said->logged_us >= at->came_us;
}

void
sim_room_shown(struct sim *sim, struct sim_proc *proc, struct sim_said *said, const struct msg_tell_message *tell)
{
    const size_t number = (size_t)(said - sim->said);
    const struct sim_proc *const from = &sim->procs[said->from];
    const struct sim_seat *const at = find_seat(sim, said->room, sim_room_account(proc));
    if (!msg_text_equal(tell->room, msg_text(said->room)) ||
        !msg_text_equal(tell->from, msg_text(sim->accounts[from->user.account].name)))
        sim_fail(sim, "message %zu is shown in another room, or from somebody else", number);
    if (!said->has_id || memcmp(&said->id, &tell->id, sizeof said->id) != 0)
        sim_fail(sim, "message %zu is shown under another id", number);
    if (proc->index == said->from)
        sim_fail(sim, "message %zu is shown to who said it", number);
    if (!sim_room_entitled(sim, said, proc))
        sim_fail(sim, "message %zu is shown to process %u, which was not in %s then", number, proc->index, said->room);
    if (sim_set_has(&said->shown, proc->index)) {
        const bool anew = at != NULL && at->went_us >= said->at_us; /* who comes back to a room with history reads it anew */
        if (!(anew && sim->room_history) && !forgotten(proc, said) && !forgotten(from, said))
            sim_fail(sim, "message %zu is shown to process %u twice", number, proc->index);
        return;
    }
    if (sim_set_empty(&said->shown))
        said->told_us = sim->now_us;
    check_order(sim, proc, said);
    sim_set_add(&said->shown, proc->index);
}

const char *
sim_room_owed(const struct sim *sim, const struct sim_said *said)
{
    if (!said->queued)
        return NULL;
    for (uint32_t i = SIM_FRONT + 1; i < sim->proc_count; i++)
        if (sim_set_has(&said->expected, i) && !sim_set_has(&said->shown, i) && !excused(sim, said, &sim->procs[i]))
            return "is not shown to all who are owed it";
    return NULL;
}
