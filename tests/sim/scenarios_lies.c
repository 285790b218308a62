/* Stories of a registry, and of a member, that tell some one thing and others
 * another, or nothing: what seals and signatures allow is found out, and told. */
#include <stdlib.h>

#include "msg/chain.h"
#include "msg/envelope.h"
#include "msg/room.h"
#include "msg/roomkey.h"
#include "tests/sim/sim.h"

#define PEOPLE 4u

static const char *const NAMES[PEOPLE] = {"alice", "bob", "carol", "dave"};
static uint32_t who[PEOPLE]; /* who[1] is lied to */

/* A room of all of them, in which everybody has said something. */
static void
gather(struct sim *sim)
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        who[i] = sim_person(sim, NAMES[i]);
    sim_online(sim);
    sim_room_create(sim, who[0], "#den", 0);
    sim_run(sim, SIM_SECOND);
    for (uint32_t i = 1; i < PEOPLE; i++)
        sim_room_join(sim, who[i], "#den");
    sim_run(sim, 5 * SIM_SECOND);
    for (uint32_t i = 0; i < PEOPLE; i++)
        sim_room_say(sim, who[i], "#den");
    sim_run(sim, 5 * SIM_SECOND);
}

static struct msg_span
encoded(enum msg_kind kind, const void *message)
{
    static uint8_t at[MSG_SOCKET_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    if (msg_codec_encode(&buf, kind, message) != CONCLAVE_OK)
        abort(); /* as long as it was */
    return msg_span_of_buf(&buf);
}

/* ---- a registry that shows two rosters ---- */

#define ENTRY_GONE 5u /* that with which dave leaves: after CREATE and three times JOIN */

/* Bob is shown it as of another time: as good an entry as the other, and another
 * history from there on. */
static struct msg_span
two_rosters(struct sim *sim, const struct sim_proc *from, const struct sim_proc *to, struct msg_span bytes)
{
    static uint8_t at[MSG_SOCKET_MAX];
    struct msg_buf list = {at, 0, sizeof at};
    union msg_any any;
    enum msg_kind kind;
    struct msg_entry entry;
    (void)sim;
    if (from->kind != SIM_KIND_FRONT || to->index != who[1] || msg_codec_decode(bytes, &kind, &any) != CONCLAVE_OK || kind != MSG_ENTRIES)
        return bytes;
    struct msg_entries shown = any.MSG_ANY_ENTRIES;
    shown.entries = (struct msg_list){0};
    while (msg_codec_next(&any.MSG_ANY_ENTRIES.entries, MSG_ENTRY, &entry)) {
        entry.at_ms += entry.number == ENTRY_GONE;
        if (msg_codec_append(&list, &shown.entries, MSG_ENTRY, &entry) != CONCLAVE_OK)
            abort(); /* likewise */
    }
    return encoded(MSG_ENTRIES, &shown);
}

static void
a_registry_that_shows_two_rosters_is_found_out(struct sim *sim)
{
    gather(sim);
    sim->lies = two_rosters;
    sim_room_act(sim, who[3], "#den", MSG_ACT_LEAVE, SIM_NONE);
    sim_run(sim, 3 * SIM_SECOND);
    for (uint32_t i = 0; i < PEOPLE; i++)
        SIM_EXPECT(sim, sim->procs[who[i]].user.split == 0); /* nobody could know */
    sim_room_talk(sim, who[0], "#den", 5, SIM_SECOND);
    sim_run(sim, 3 * SIM_SECOND);
    SIM_EXPECT(sim, sim->procs[who[1]].user.split == 1);
    sim_room_talk(sim, who[1], "#den", 5, SIM_SECOND); /* the registry cannot take it, nor keep it from those who hear him */
    sim_run(sim, 3 * SIM_SECOND);
    SIM_EXPECT(sim, sim->procs[who[0]].user.split == 1);
    SIM_EXPECT(sim, sim->procs[who[1]].user.split == 1);
    SIM_EXPECT(sim, sim->procs[who[2]].user.split == 1);
}

/* ---- a member that tells others different things ---- */

/* Its sender key, as bob was handed it. */
static bool
find_key(const struct sim *sim, const struct msg_room_frame *frame, struct msg_roomkey *key)
{
    const struct sim_disk *const disk = &sim->procs[who[1]].disk;
    for (size_t i = 0; i < disk->count; i++) {
        union msg_any any;
        enum msg_kind kind;
        if (disk->records[i].table != PEER_TABLE_ROOM_KEYS ||
            msg_codec_decode(msg_span(disk->records[i].at, disk->records[i].len), &kind, &any) != CONCLAVE_OK)
            continue;
        const struct msg_rec_room_key *const record = &any.MSG_ANY_REC_ROOM_KEY;
        *key = (struct msg_roomkey){record->key, record->counter, record->chain};
        if (record->account == frame->account && memcmp(&record->key, &frame->key, sizeof frame->key) == 0)
            return true;
    }
    return false;
}

static struct msg_head his_head; /* of alice's chain, as bob is told it */

/* The same frame, sealed and signed as alice would, with a last letter that is another. */
static struct msg_span
other_words(const struct sim *sim, const struct sim_proc *alice, struct msg_room_frame frame, struct msg_span bytes)
{
    static uint8_t inside[MSG_BATCH_MAX], changed[MSG_BATCH_MAX], out_at[MSG_SOCKET_MAX];
    static char text[MSG_TEXT_MAX];
    struct msg_buf batch = {inside, 0, sizeof inside}, more = {changed, 0, sizeof changed}, out = {out_at, 0, sizeof out_at};
    struct msg_roomkey key, again;
    union msg_any any;
    enum msg_kind kind;
    if (!find_key(sim, &frame, &key))
        return bytes;
    again = key;
    if (msg_roomkey_open(&key, &batch, &frame) != CONCLAVE_OK || msg_roomkey_advance(&again, frame.counter) != CONCLAVE_OK)
        return bytes;
    struct msg_span in = msg_span_of_buf(&batch);
    frame.prev = frame.first == 1 ? frame.prev : his_head;
    struct msg_place at = msg_chain_begins_frame(&frame);
    while (in.len > 0 && msg_codec_next_frame(&in, &kind, &any) == CONCLAVE_OK && kind == MSG_SAY) {
        struct msg_say say = any.MSG_ANY_SAY;
        memcpy(text, say.text.at, say.text.len);
        text[say.text.len - 1] = 'y';
        say.text.at = text;
        (void)msg_chain_take(&at, &say);
        if (msg_codec_encode(&more, MSG_SAY, &say) != CONCLAVE_OK)
            abort(); /* as long as it was */
    }
    frame.head = his_head = at.prev;
    if (msg_roomkey_seal(&again, &out, &frame, msg_span_of_buf(&more), &alice->identity.sign_sec) != CONCLAVE_OK)
        abort(); /* likewise */
    return msg_span_of_buf(&out);
}

/* Alice tells bob, directly, what is not what she tells the others: frames and
 * TIPs fit each other. */
static struct msg_span
two_chains(struct sim *sim, const struct sim_proc *from, const struct sim_proc *to, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    if (from->index != who[0] || to->index != who[1] || msg_codec_decode(bytes, &kind, &any) != CONCLAVE_OK)
        return bytes;
    if (kind == MSG_ROOM_FRAME && any.MSG_ANY_ROOM_FRAME.account == sim_room_account(from))
        return other_words(sim, from, any.MSG_ANY_ROOM_FRAME, bytes);
    if (kind != MSG_ROOM_TIP)
        return bytes;
    struct msg_room_tip tip = any.MSG_ANY_ROOM_TIP;
    tip.head = his_head;
    msg_room_sign_tip(&tip, &from->identity.sign_sec);
    return encoded(MSG_ROOM_TIP, &tip);
}

static void
a_member_that_tells_others_different_things_is_found_out(struct sim *sim)
{
    gather(sim);
    const uint64_t before = sim_shown(sim, who[1]), published = sim->procs[who[1]].published;
    sim->lies = two_chains;
    sim_room_say(sim, who[0], "#den");
    sim_run(sim, SIM_SECOND);
    SIM_EXPECT(sim, sim_shown(sim, who[1]) == before + 1); /* whatever it was */
    SIM_EXPECT(sim, sim->procs[who[1]].published > published);
    sim_run(sim, 5 * SIM_SECOND); /* he is told where the log is, and reads it */
    SIM_EXPECT(sim, sim->procs[who[1]].user.broken == 1);
    SIM_EXPECT(sim, sim->procs[who[2]].user.broken == 0);
    SIM_EXPECT(sim, sim->procs[who[3]].user.broken == 0);
    SIM_EXPECT(sim, sim_shown(sim, who[1]) == before + 1);
}

/* ---- a registry whose words do not all arrive ---- */

/* Nothing that bob is shown of a roster comes, unless he asked for it. */
static struct msg_span
no_news(struct sim *sim, const struct sim_proc *from, const struct sim_proc *to, struct msg_span bytes)
{
    static const struct msg_room_presence nothing = {.complete = false};
    union msg_any any;
    enum msg_kind kind;
    (void)sim;
    if (from->kind != SIM_KIND_FRONT || to->index != who[1] || msg_codec_decode(bytes, &kind, &any) != CONCLAVE_OK || kind != MSG_ENTRIES
        || any.MSG_ANY_ENTRIES.req != 0)
        return bytes;
    return encoded(MSG_ROOM_PRESENCE, &nothing);
}

static void
an_entry_that_did_not_come_is_noticed_within_a_lease(struct sim *sim)
{
    const bool busy = sim_chance(sim, 500);
    uint32_t whose;
    gather(sim);
    sim->lies = no_news;
    sim_room_act(sim, who[0], "#den", MSG_ACT_TOPIC, SIM_NONE); /* no epoch begins, and nobody says anything */
    sim_run(sim, 2 * SIM_SECOND);
    SIM_EXPECT(sim, sim_rooms_owed(sim, &whose) != NULL && whose == who[1]);
    for (uint32_t i = 0; i < 9; i++) {
        if (busy)
            sim_search(sim, who[1], NAMES[0]); /* he needs no PING */
        sim_run(sim, 2 * SIM_SECOND);
    }
    SIM_EXPECT(sim, sim_rooms_owed(sim, &whose) == NULL);
}

static const struct sim_scenario SCENARIOS[] = {
    SIM_STORY(a_registry_that_shows_two_rosters_is_found_out, 10),
    SIM_STORY(an_entry_that_did_not_come_is_noticed_within_a_lease, 10),
    SIM_STORY(a_member_that_tells_others_different_things_is_found_out, 10),
};
const struct sim_chapter SIM_LIES = {SCENARIOS, sizeof SCENARIOS / sizeof SCENARIOS[0]};
