/* What the tests of rooms in the registry share, on top of world.h: carol is
 * enrolled as well, all three are logged in, and short words for what they do. */
#ifndef TESTS_BROKER_ROOMS_WORLD_H
#define TESTS_BROKER_ROOMS_WORLD_H

#include <stdio.h>

#include "broker/tables/accounts.h"
#include "broker/tables/room_records.h"
#include "tests/broker/world.h"

#define ROOMS_CASE(name) cmocka_unit_test_setup_teardown(name, rooms_setup, world_teardown)

static const struct msg_id LOBBY = {{'l', 'o', 'b', 'b', 'y'}};
static char outcome_is[64];

static inline int
rooms_setup(void **state)
{
    world_setup(state);
    assert_true(fake_admit(&reg, &carol, MSG_SIGNUP, "carol", "purple monkey"));
    assert_true(fake_enter(&reg, &alice) && fake_enter(&reg, &bob) && fake_enter(&reg, &carol));
    fake_registry_clear(&reg);
    return 0;
}

/* As it is on disk; false: it is not there, or gone. */
static inline bool
room_record(const struct msg_id *room, struct msg_rec_room *record)
{
    const struct broker_view view = fake_store_view(reg.store);

    return broker_room_records_room(&view, room, record) && record->gone_ms == 0;
}

static inline struct msg_room_part
part_on_disk(const struct msg_id *room, const struct fake_device *device)
{
    const struct broker_view view = fake_store_view(reg.store);
    struct msg_room_part part;
    uint64_t ended;

    (void)broker_room_records_part(&view, room, device->account, &part, &ended); /* none: zeros */
    return part;
}

/* An operation of the device, with the room as it is on disk. */
static inline struct msg_room_op
an_op(const struct fake_device *device, const struct msg_id *room, enum msg_act act, const struct fake_device *subject)
{
    static uint64_t ts_ms;
    struct msg_room_op op = {.room = *room, .act = act, .account = device->account, .device = device->device,
                             .subject = subject != NULL ? subject->account : 0, .ts_ms = ++ts_ms};
    struct msg_rec_room record;

    if (act != MSG_ACT_CREATE && room_record(room, &record)) {
        op.seen = record.number;
        op.seen_head = record.head;
    }
    return op;
}

static inline struct msg_span
signed_op(const struct msg_room_op *op, const struct msg_sign_sec *key)
{
    static uint8_t bytes[MSG_ROOM_OP_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};

    assert_int_equal(msg_room_sign_op(&out, op, key), CONCLAVE_OK);
    return msg_span_of_buf(&out);
}

/* What the device was answered last: "done", the code of an error, or "". */
static inline const char *
outcome(const struct fake_device *device)
{
    outcome_is[0] = '\0';
    for (size_t i = 0; i < reg.sent_count; i++) {
        const struct fake_sent *sent = &reg.sent[i];
        enum msg_kind kind;
        union msg_any said;
        if (sent->link != device->link || (sent->kind != MSG_ERROR && sent->kind != MSG_DONE)
            || msg_codec_decode(msg_span(sent->bytes, sent->len), &kind, &said) != CONCLAVE_OK)
            continue;
        msg_text_copy(outcome_is, sizeof outcome_is,
                      kind == MSG_DONE ? msg_text("done") : said.MSG_ANY_ERROR.code);
    }
    return outcome_is;
}

static inline const char *
hand_in_bytes(const struct fake_device *device, const struct msg_id *room, struct msg_span op, const char *password)
{
    const struct msg_room_propose propose = {20, *room, op, msg_text(password)};

    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_ROOM_PROPOSE, &propose);
    return outcome(device);
}

static inline const char *
hand_in(const struct fake_device *device, const struct msg_room_op *op, const char *password)
{
    return hand_in_bytes(device, &op->room, signed_op(op, &device->sign_sec), password);
}

static inline const char *
act(const struct fake_device *device, enum msg_act what, const struct fake_device *subject)
{
    const struct msg_room_op op = an_op(device, &LOBBY, what, subject);

    return hand_in(device, &op, "");
}

static inline const char *
create(const struct fake_device *device, const struct msg_id *room, const char *name, uint64_t flags,
       const char *password)
{
    struct msg_room_op op = an_op(device, room, MSG_ACT_CREATE, NULL);

    op.name = msg_text(name);
    op.text = msg_text("what it is about");
    op.flags = flags;
    return hand_in(device, &op, password);
}

#define DO(call) assert_string_equal(call, "done")

/* The roster of the lobby from `after` on, as the device is given it. */
static inline const char *
read_entries(const struct fake_device *device, const struct msg_id *room, uint64_t after)
{
    const struct msg_room_of of = {21, *room, after};

    fake_registry_clear(&reg);
    fake_say(&reg, device, MSG_ENTRIES_OF, &of);
    if (fake_registry_sent(&reg, device->link, MSG_ENTRIES, 0, &any))
        return "entries";
    return outcome(device);
}

/* How many entries stand in the n-th ENTRIES that the device was sent. */
static inline uint64_t
entries_told(const struct fake_device *device, size_t n)
{
    return fake_registry_sent(&reg, device->link, MSG_ENTRIES, n, &any) ? any.MSG_ANY_ENTRIES.entries.count : 0;
}

#endif
