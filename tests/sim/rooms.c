/* Rooms: what people do in them, and what must hold in the end: every member
 * has on disk the roster that the registry has, and nobody else thinks to be
 * in it. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

void
sim_room_create(struct sim *sim, uint32_t proc, const char *name, uint64_t flags)
{
    struct msg_cmd_room_create cmd = {.name = msg_text(name), .flags = flags};
    sim_trace(sim, &sim->procs[proc], "makes %s", name);
    sim_command(sim, proc, MSG_CMD_ROOM_CREATE, &cmd, SIM_NONE);
}

void
sim_room_join(struct sim *sim, uint32_t proc, const char *name)
{
    struct msg_cmd_room_join cmd = {.name = msg_text(name)};
    sim_trace(sim, &sim->procs[proc], "joins %s", name);
    sim_command(sim, proc, MSG_CMD_ROOM_JOIN, &cmd, SIM_NONE);
}

void
sim_room_act(struct sim *sim, uint32_t proc, const char *name, enum msg_act act, uint32_t whom)
{
    char topic[32] = "";
    if (act == MSG_ACT_TOPIC)
        (void)snprintf(topic, sizeof topic, "topic of %u", (unsigned)sim_below(sim, 1000000));
    struct msg_cmd_room_act cmd = {
        .room = msg_text(name),
        .act = act,
        .name = msg_text(whom == SIM_NONE ? "" : sim->accounts[sim->procs[whom].user.account].name),
        .text = msg_text(topic)};
    sim_trace(sim, &sim->procs[proc], "in %s: act %d, %s", name, (int)act, cmd.name.at);
    sim_command(sim, proc, MSG_CMD_ROOM_ACT, &cmd, SIM_NONE);
}

/* ---- what must hold ---- */

static bool
read_record(const struct sim_proc *proc, uint32_t table, struct msg_record_key key,
            enum msg_kind kind, union msg_any *any)
{
    enum msg_kind is;
    const struct sim_record *const record =
        sim_disk_find(&proc->disk, table, msg_record_key_span(&key));
    return record != NULL &&
           msg_codec_decode(msg_span(record->at, record->len), &is, any) == CONCLAVE_OK &&
           is == kind;
}

uint64_t
sim_room_account(const struct sim_proc *proc)
{
    return proc->disk.account;
}

/* The registry's word on one part, against the peer's. */
static const char *
compare_part(const struct sim_proc *peer, const struct msg_rec_room_member *part)
{
    union msg_any any;
    const struct msg_rec_room_mate *const mate = &any.MSG_ANY_REC_ROOM_MATE;
    if (!read_record(peer, PEER_TABLE_ROOM_MATES,
                     msg_record_key_room(&part->room, &part->account, 1), MSG_REC_ROOM_MATE, &any))
        return "lacks somebody";
    if (mate->role != part->role || mate->standing != part->standing || mate->last != part->last ||
        mate->since != part->since || mate->until != part->until)
        return "has somebody in another part";
    return NULL;
}

static const char *
compare_room(const struct sim_proc *front, const struct sim_proc *peer,
             const struct msg_rec_room *room)
{
    union msg_any any;
    enum msg_kind kind;
    const char *what = NULL;
    const struct msg_rec_my_room *const mine = &any.MSG_ANY_REC_MY_ROOM;
    const struct msg_record_key key = msg_record_key_room(&room->room, NULL, 0);
    if (!read_record(peer, PEER_TABLE_ROOMS, key, MSG_REC_MY_ROOM, &any))
        return "does not have the room";
    if (mine->number != room->number || memcmp(&mine->head, &room->head, sizeof mine->head) != 0)
        return "has not all of its roster";
    if (mine->epoch != room->epoch ||
        memcmp(&mine->epoch_head, &room->epoch_head, sizeof mine->epoch_head) != 0 ||
        mine->flags != room->flags || !msg_text_equal(mine->topic, room->topic) ||
        !msg_text_equal(mine->name, room->name))
        return "has it otherwise";
    for (size_t i = 0; what == NULL && i < front->disk.count; i++) {
        const struct sim_record *const record = &front->disk.records[i];
        if (record->table == BROKER_TABLE_ROOM_MEMBERS &&
            msg_codec_decode(msg_span(record->at, record->len), &kind, &any) == CONCLAVE_OK &&
            memcmp(&any.MSG_ANY_REC_ROOM_MEMBER.room, &room->room, sizeof room->room) == 0)
            what = compare_part(peer, &any.MSG_ANY_REC_ROOM_MEMBER);
    }
    return what;
}

/* A room that the peer thinks to be in. */
static const char *
compare_mate(const struct sim_proc *front, const struct msg_rec_room_mate *mine)
{
    union msg_any any;
    if (mine->role == MSG_ROLE_NONE)
        return NULL;
    if (!read_record(front, BROKER_TABLE_ROOM_MEMBERS,
                     msg_record_key_room(&mine->room, &mine->account, 1), MSG_REC_ROOM_MEMBER,
                     &any) ||
        any.MSG_ANY_REC_ROOM_MEMBER.role != mine->role)
        return "thinks to be in a room that it is not in";
    return NULL;
}

static const char *
owed_to(const struct sim_proc *front, const struct sim_proc *peer, uint64_t account)
{
    union msg_any any, part;
    enum msg_kind kind;
    const char *what = NULL;
    for (size_t i = 0; what == NULL && i < front->disk.count; i++) {
        const struct sim_record *const record = &front->disk.records[i];
        if (record->table == BROKER_TABLE_ROOMS &&
            msg_codec_decode(msg_span(record->at, record->len), &kind, &any) == CONCLAVE_OK &&
            any.MSG_ANY_REC_ROOM.gone_ms == 0 && /* kept for a while, and nobody's any more */
            read_record(front, BROKER_TABLE_ROOM_MEMBERS,
                        msg_record_key_room(&any.MSG_ANY_REC_ROOM.room, &account, 1),
                        MSG_REC_ROOM_MEMBER, &part) &&
            part.MSG_ANY_REC_ROOM_MEMBER.role != MSG_ROLE_NONE)
            what = compare_room(front, peer, &any.MSG_ANY_REC_ROOM);
    }
    for (size_t i = 0; what == NULL && i < peer->disk.count; i++) {
        const struct sim_record *const record = &peer->disk.records[i];
        if (record->table == PEER_TABLE_ROOM_MATES &&
            msg_codec_decode(msg_span(record->at, record->len), &kind, &any) == CONCLAVE_OK &&
            any.MSG_ANY_REC_ROOM_MATE.account == account)
            what = compare_mate(front, &any.MSG_ANY_REC_ROOM_MATE);
    }
    return what;
}

const char *
sim_rooms_owed(const struct sim *sim, uint32_t *who)
{
    for (*who = SIM_FRONT + 1; *who < sim->proc_count; (*who)++) {
        const struct sim_proc *const peer = &sim->procs[*who];
        const uint64_t account = sim_room_account(peer);
        const char *const what = account != 0 && peer->up && !peer->user.revoked
                                     ? owed_to(&sim->procs[SIM_FRONT], peer, account)
                                     : NULL;
        if (what != NULL)
            return what;
    }
    return NULL;
}

/* Members of a room at the registry; 0: there is none of that name. */
uint64_t
sim_room_count(const struct sim *sim, const char *shown)
{
    union msg_any any, part;
    enum msg_kind kind;
    uint64_t count = 0;
    const struct sim_disk *const disk = &sim->procs[SIM_FRONT].disk;
    for (size_t i = 0; i < disk->count; i++) {
        const struct sim_record *const record = &disk->records[i];
        if (record->table != BROKER_TABLE_ROOMS ||
            msg_codec_decode(msg_span(record->at, record->len), &kind, &any) != CONCLAVE_OK ||
            any.MSG_ANY_REC_ROOM.gone_ms != 0 || !msg_text_equal(any.MSG_ANY_REC_ROOM.name, msg_text(shown)))
            continue;
        for (size_t m = 0; m < disk->count; m++)
            count += disk->records[m].table == BROKER_TABLE_ROOM_MEMBERS &&
                     msg_codec_decode(msg_span(disk->records[m].at, disk->records[m].len), &kind,
                                      &part) == CONCLAVE_OK &&
                     memcmp(&part.MSG_ANY_REC_ROOM_MEMBER.room, &any.MSG_ANY_REC_ROOM.room,
                            sizeof any.MSG_ANY_REC_ROOM.room) == 0 &&
                     part.MSG_ANY_REC_ROOM_MEMBER.role != MSG_ROLE_NONE;
    }
    return count;
}
