/* Rooms in the registry under any order of events: the input chooses who hands
 * in which operation, what the disk does, who comes, goes, is revoked or
 * deletes an account, and when the daemon dies.  After every step each roster
 * on disk is replayed by the rules, and must come out as the records beside it
 * say; nothing may have been told that is not on disk; and in the end the
 * table in memory must be what the records are. */
#include <string.h>

#include "broker/core/front_state.h"
#include "msg/codec.h"
#include "tests/broker/fake_device.h"
#include "tests/fuzz/fuzz.h"

#define ACCOUNTS 4u
#define DEVICES 5u /* the last one is the first account's second */
#define ROOMS 3u
#define STEPS_MAX 600u
#define KEPT 8u

static struct fake_device devices[DEVICES];
static const char *const names[ACCOUNTS] = {"alice", "bob", "carol", "dave"};
static const char *const room_names[] = {"#one", "#two", "#ONE", "none"};
static struct { uint8_t op[MSG_ROOM_OP_MAX]; size_t len; struct msg_id room; } kept[KEPT]; /* to be said again */
static unsigned kept_count;

/* What is left of the input. */
static struct msg_span input;

static uint8_t
take(void)
{
    if (input.len == 0)
        return 0;
    input.len--;
    return *input.at++;
}

#define PICK(list) ((list)[take() % (sizeof(list) / sizeof(list)[0])])

static struct msg_id
room_id(unsigned number)
{
    return (struct msg_id){{(uint8_t)(number % ROOMS + 1), 'r'}};
}

/* ---- what must hold ---- */

struct replay {
    struct msg_room room;
    struct msg_room_part parts[ACCOUNTS + 1]; /* by account, from 1 */
};

static void
replay(const struct broker_view *view, const struct msg_id *id, struct replay *at)
{
    struct msg_rec_room_entry record;
    struct msg_room_op op;

    *at = (struct replay){.room = {.id = *id}};
    for (uint64_t i = 0; i <= ACCOUNTS; i++)
        at->parts[i].account = i;
    for (uint64_t number = 1; broker_room_records_entry(view, id, number, &record); number++) {
        const uint64_t epoch = at->room.epoch;
        FUZZ_CLAIM(msg_room_open_op(&op, record.op, NULL) == CONCLAVE_OK);
        FUZZ_CLAIM(op.account <= ACCOUNTS && op.subject <= ACCOUNTS);
        const bool registry = op.act == MSG_ACT_REVOKED;
        FUZZ_CLAIM(registry == (record.certificate.len == 0) && registry == (op.account == 0));
        FUZZ_CLAIM(msg_room_apply(&at->room, &op, registry ? NULL : &at->parts[op.account],
                                  op.subject != 0 ? &at->parts[op.subject] : NULL, registry) == CONCLAVE_OK);
        const struct msg_entry entry = {number, record.offset, record.at_ms, record.op, record.certificate};
        msg_room_link(&at->room, &entry, at->room.epoch != epoch);
        FUZZ_CLAIM(memcmp(at->room.head.at, record.head.at, sizeof record.head.at) == 0);
        FUZZ_CLAIM(at->room.number == number);
    }
}

static bool
same_part(const struct msg_room_part *a, const struct msg_room_part *b)
{
    return a->account == b->account && a->role == b->role && a->standing == b->standing && a->last == b->last
           && a->since == b->since && a->until == b->until;
}

static void
check_store(struct fake_registry *reg)
{
    const struct broker_view view = fake_store_view(reg->store);
    struct msg_rec_account account;
    struct msg_room_part part;
    size_t there = 0;

    for (unsigned i = 0; i < ROOMS; i++) {
        const struct msg_id id = room_id(i);
        struct msg_rec_room record;
        struct replay at;
        uint64_t ended;
        replay(&view, &id, &at);
        const bool has = broker_room_records_room(&view, &id, &record) && record.gone_ms == 0;
        FUZZ_CLAIM(has == (at.room.made && !at.room.gone));
        there += has;
        if (has) {
            FUZZ_CLAIM(record.number == at.room.number && record.epoch == at.room.epoch);
            FUZZ_CLAIM(memcmp(record.head.at, at.room.head.at, sizeof record.head.at) == 0);
            FUZZ_CLAIM(memcmp(record.epoch_head.at, at.room.epoch_head.at, sizeof record.epoch_head.at) == 0);
            FUZZ_CLAIM((record.flags & MSG_ROOM_LOCKED) == 0 || record.hash.len > 0);
        }
        for (uint64_t who = 1; who <= ACCOUNTS; who++) {
            const bool known = broker_room_records_part(&view, &id, who, &part, &ended);
            if (!broker_accounts_get(&view, who, &account)) {
                FUZZ_CLAIM(!has || part.role == MSG_ROLE_NONE); /* it left with its account */
                continue;
            }
            FUZZ_CLAIM(same_part(&part, &at.parts[who]));
            FUZZ_CLAIM(known || part.since == 0);
            FUZZ_CLAIM((ended != 0) == (part.until != 0));
        }
    }
    FUZZ_CLAIM(fake_store_count(reg->store, BROKER_TABLE_ROOM_NAMES) == there);
}

/* Each entry that somebody was told is on disk, as it was told. */
static void
check_said(struct fake_registry *reg)
{
    const struct broker_view view = fake_store_view(reg->store);
    struct msg_rec_room_entry record;
    struct msg_entry entry;
    union msg_any any;
    enum msg_kind kind;

    for (size_t i = 0; i < reg->sent_count; i++) {
        const struct fake_sent *sent = &reg->sent[i];
        FUZZ_CLAIM(msg_codec_decode(msg_span(sent->bytes, sent->len), &kind, &any) == CONCLAVE_OK);
        if (kind != MSG_ENTRIES)
            continue;
        while (msg_codec_next(&any.MSG_ANY_ENTRIES.entries, MSG_ENTRY, &entry))
            FUZZ_CLAIM(broker_room_records_entry(&view, &any.MSG_ANY_ENTRIES.room, entry.number, &record)
                       && msg_span_equal(record.op, entry.op) && msg_span_equal(record.certificate, entry.certificate)
                       && record.offset == entry.offset && record.at_ms == entry.at_ms);
    }
}

/* Nothing is under way: the table is what the store says. */
static void
check_table(struct fake_registry *reg)
{
    const struct broker_view view = fake_store_view(reg->store);
    const struct broker_rooms *rooms = &reg->core->rooms;
    uint32_t members = 0, seats = 0;

    FUZZ_CLAIM(reg->core->flights.first == 0 && reg->core->proposals.count == 0);
    FUZZ_CLAIM(rooms->count == fake_store_count(reg->store, BROKER_TABLE_ROOM_NAMES));
    for (unsigned i = 0; i < ROOMS; i++) {
        const struct msg_id id = room_id(i);
        const uint32_t slot = broker_rooms_by_id(rooms, &id);
        struct replay at;
        replay(&view, &id, &at);
        FUZZ_CLAIM((slot != BROKER_NONE) == (at.room.made && !at.room.gone));
        if (slot == BROKER_NONE)
            continue;
        const struct msg_room *rules = &rooms->list[slot].rules;
        FUZZ_CLAIM(rules->number == at.room.number && rules->epoch == at.room.epoch
                   && rules->members == at.room.members && rules->owner == at.room.owner
                   && rooms->list[slot].stored == at.room.number && rooms->list[slot].flight == 0);
        for (uint64_t who = 1; who <= ACCOUNTS; who++) {
            const uint32_t member = broker_rooms_member(rooms, slot, who);
            const bool in = at.parts[who].role != MSG_ROLE_NONE;
            if (member == BROKER_NONE) {
                FUZZ_CLAIM(!in);
                continue;
            }
            members++;
            FUZZ_CLAIM(in || (at.parts[who].standing & MSG_STANDING_INVITED) != 0);
            FUZZ_CLAIM(same_part(&rooms->members[member].part, &at.parts[who]));
            for (uint32_t session = 0; session < reg->core->sessions.high; session++) {
                const struct broker_session *there = &reg->core->sessions.list[session];
                const bool sits = broker_rooms_seat(rooms, slot, session) != BROKER_NONE;
                if (there->used && there->account == who)
                    FUZZ_CLAIM(sits == in);
                seats += there->used && there->account == who && in;
            }
        }
    }
    FUZZ_CLAIM(rooms->members_count == members && rooms->seats_count == seats);
}

/* ---- what may happen ---- */

static void
enter_all(struct fake_registry *reg)
{
    for (unsigned i = 0; i < DEVICES; i++)
        (void)fake_enter(reg, &devices[i]); /* whoever was revoked stays outside */
}

static void
propose_bytes(struct fake_registry *reg, const struct fake_device *device, const struct msg_id *room,
              struct msg_span op, const char *password)
{
    const struct msg_room_propose propose = {1 + take() % 4u, *room, op, msg_text(password)};

    fake_say(reg, device, MSG_ROOM_PROPOSE, &propose);
}

static void
propose(struct fake_registry *reg)
{
    const struct broker_view view = fake_store_view(reg->store);
    const struct fake_device *device = &PICK(devices);
    const uint8_t which = take(), what = take(), how = take();
    struct msg_room_op op = {.room = room_id(which), .account = device->account, .device = device->device};
    struct msg_rec_room record;
    struct msg_rec_room_entry entry;
    uint8_t bytes[MSG_ROOM_OP_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};

    op.act = MSG_ACT_CREATE + what % MSG_ACT_REVOKED;
    op.subject = how % 8u < 5 ? how % 8u : 0;
    op.ts_ms = input.len; /* differs from step to step */
    if (op.act == MSG_ACT_CREATE) {
        op.name = msg_text(PICK(room_names));
        op.flags = how / 8u % 8u;
        op.subject = 0;
    } else if (broker_room_records_room(&view, &op.room, &record)) {
        op.seen = record.number - (how >= 240 && record.number > 2 ? how % 3u : 0);
        if (broker_room_records_entry(&view, &op.room, op.seen, &entry))
            op.seen_head = entry.head;
        if (how == 239)
            op.seen_head.at[5] ^= 1;
    }
    FUZZ_CLAIM(msg_room_sign_op(&out, &op, how == 238 ? &devices[0].sign_sec : &device->sign_sec) == CONCLAVE_OK);
    memcpy(kept[kept_count % KEPT].op, bytes, out.len);
    kept[kept_count % KEPT].len = out.len;
    kept[kept_count++ % KEPT].room = op.room;
    const bool locked = op.act == MSG_ACT_CREATE ? (op.flags & MSG_ROOM_LOCKED) != 0 : what % 3 != 0;
    propose_bytes(reg, device, &op.room, msg_span_of_buf(&out), locked ? "sesame" : "");
}

static void
propose_again(struct fake_registry *reg)
{
    const unsigned which = take() % KEPT;
    const struct fake_device *device = &PICK(devices);

    if (kept[which].len > 0)
        propose_bytes(reg, device, &kept[which].room, msg_span(kept[which].op, kept[which].len), "sesame");
}

static void
ask(struct fake_registry *reg)
{
    const struct fake_device *device = &PICK(devices);
    const uint8_t which = take();
    const struct msg_id room = room_id(which);
    const struct msg_room_of of = {7, room, which / 8u % 4u};
    const struct msg_cards_of cards = {7, room, which / 8u % 4u, which / 32u % 4u};
    const struct msg_card_of card = {7, 1 + which % 4u, 1};
    const struct msg_room_find find = {7, msg_text(room_names[which % 4u])};
    const struct msg_room_list list = {7, true, msg_text(which % 2u ? "" : "1")};
    const struct msg_room_watch watch = {7, which % 4u != 0};

    switch (take() % 7) {
    case 0: fake_say(reg, device, MSG_ENTRIES_OF, &of); break;
    case 1: fake_say(reg, device, MSG_MEMBERS_OF, &of); break;
    case 2: fake_say(reg, device, MSG_CARDS_OF, &cards); break;
    case 3: fake_say(reg, device, MSG_CARD_OF, &card); break;
    case 4: fake_say(reg, device, MSG_ROOM_FIND, &find); break;
    case 5: fake_say(reg, device, MSG_ROOM_LIST, &list); break;
    default: fake_say(reg, device, MSG_ROOM_WATCH, &watch); break;
    }
}

static void
disk(struct fake_registry *reg, bool fails)
{
    struct msg_event event = {.kind = EVENT_STORED, .err = fails ? CONCLAVE_ERR_STORE_FULL : CONCLAVE_OK};

    if ((fails ? fake_store_refuse : fake_store_commit)(reg->store, &event.id))
        fake_registry_step(reg, &event);
}

static void
happen(struct fake_registry *reg)
{
    const uint8_t what = take();
    const struct msg_revoke revoke = {8, 1 + what % 2u};
    const struct msg_done done = {9};

    if (what < 100) {
        propose(reg);
    } else if (what < 115) {
        propose_again(reg);
    } else if (what < 145) {
        ask(reg);
    } else if (what < 215) {
        disk(reg, false);
    } else if (what < 225) {
        disk(reg, true);
    } else if (what < 235) {
        (void)fake_enter(reg, &PICK(devices)); /* it may be in already, or revoked */
    } else if (what < 240) {
        fake_registry_down(reg, devices[take() % DEVICES].link);
    } else if (what < 245) {
        fake_registry_pass(reg, 100u + take() * 20u);
    } else if (what < 250) {
        fake_registry_crash(reg);
        enter_all(reg);
    } else if (what < 253) {
        (void)fake_enter(reg, &PICK(devices));
    } else if (what < 255 && take() < 64) {
        fake_say(reg, &PICK(devices), MSG_REVOKE, &revoke);
    } else if (take() < 32) { /* seldom: who is gone does nothing more */
        fake_say(reg, &PICK(devices), MSG_DELETE_ACCOUNT, &done);
    }
}

static void
set_up(struct fake_registry *reg)
{
    struct broker_front_settings settings;

    fake_settings(&settings);
    settings.rooms = 2;
    settings.room_members = 3;
    settings.memberships = 7;
    settings.account_rooms = 2;
    settings.requests_burst = 10000;
    fake_registry_init(reg, &settings);
    for (unsigned i = 0; i < DEVICES; i++)
        FUZZ_CLAIM(fake_admit(reg, &devices[i], i < ACCOUNTS ? MSG_SIGNUP : MSG_ENROL, names[i % ACCOUNTS],
                              "correct horse"));
    enter_all(reg);
    fake_registry_clear(reg);
    reg->hold_store = true;
    memset(kept, 0, sizeof kept);
    kept_count = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake_registry reg;

    FUZZ_CLAIM(msg_keys_init() == CONCLAVE_OK);
    if (devices[0].link == 0)
        for (unsigned i = 0; i < DEVICES; i++)
            fake_device_init(&devices[i], 100 + i);
    set_up(&reg);
    input = msg_span(data, size);
    for (unsigned steps = 0; input.len > 0 && steps < STEPS_MAX; steps++) {
        happen(&reg);
        check_store(&reg);
        check_said(&reg);
        fake_registry_clear(&reg);
    }
    fake_registry_commit(&reg);
    check_store(&reg);
    check_said(&reg);
    check_table(&reg);
    fake_registry_wipe(&reg);
    return 0;
}
