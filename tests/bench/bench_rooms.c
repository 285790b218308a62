/* A member that goes, and one that leaves a room, in a registry of 10 rooms and
 * in one of 10,000: the registry's core alone, without sockets and disk. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "broker/tables/room_records.h"
#include "msg/name.h"
#include "tests/bench/common.h"
#include "tests/broker/fake_device.h"

#define FEW 10u
#define MANY 10000u
#define GOES 20000u
#define LEAVES 500u

static const struct msg_id lobby = {{'l', 'o', 'b', 'b', 'y'}};

static double
cpu_us(void)
{
    struct timespec now;

    BENCH_NEED(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Rooms of one owner, written straight into the store. */
static void
fill_store(struct fake_store *store, uint64_t owner, uint32_t rooms)
{
    struct msg_effects effects;
    char text[32];
    uint64_t id;

    msg_effects_init(&effects);
    for (uint32_t n = 1; n <= rooms; n++) {
        struct msg_rec_room room = {.flags = 0, .number = 1, .epoch = 1, .created_ms = 1};
        struct msg_room_name name;
        memcpy(room.room.at, &n, sizeof n);
        snprintf(text, sizeof text, "#room%u", n);
        room.name = msg_text(text);
        BENCH_NEED(msg_room_name_parse(&name, room.name) == CONCLAVE_OK);
        const struct msg_rec_room_name by_name = {room.room};
        const struct msg_rec_room_member member = {room.room, owner, MSG_ROLE_OWNER, 0, 1, 1, 0, 0};
        const struct msg_record_key key = msg_record_key_room(&room.room, &owner, 1);
        msg_effects_clear(&effects);
        msg_effects_put(&effects, BROKER_TABLE_ROOMS, msg_span(room.room.at, sizeof room.room.at), MSG_REC_ROOM, &room);
        msg_effects_put(&effects, BROKER_TABLE_ROOM_NAMES, msg_span(name.folded, name.folded_len), MSG_REC_ROOM_NAME,
                        &by_name);
        msg_effects_put(&effects, BROKER_TABLE_ROOM_MEMBERS, msg_record_key_span(&key), MSG_REC_ROOM_MEMBER, &member);
        msg_effects_store(&effects, n);
        for (size_t i = 0; i < effects.count; i++)
            BENCH_NEED(fake_store_take(store, &effects, &effects.list[i]));
        BENCH_NEED(fake_store_commit(store, &id));
    }
    msg_effects_wipe(&effects);
}

static void
act(struct fake_registry *reg, const struct fake_device *device, enum msg_act what)
{
    const struct broker_view view = fake_store_view(reg->store);
    static uint64_t ts_ms;
    struct msg_room_op op = {.room = lobby, .act = what, .account = device->account, .device = device->device,
                             .ts_ms = ++ts_ms};
    struct msg_rec_room record;
    uint8_t bytes[MSG_ROOM_OP_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    union msg_any any;

    if (what == MSG_ACT_CREATE) {
        op.name = msg_text("#lobby");
    } else {
        BENCH_NEED(broker_room_records_room(&view, &lobby, &record));
        op.seen = record.number;
        op.seen_head = record.head;
    }
    BENCH_NEED(msg_room_sign_op(&out, &op, &device->sign_sec) == CONCLAVE_OK);
    const struct msg_room_propose propose = {7, lobby, msg_span_of_buf(&out), {NULL, 0}};
    fake_registry_clear(reg);
    fake_say(reg, device, MSG_ROOM_PROPOSE, &propose);
    BENCH_NEED(fake_registry_sent(reg, device->link, MSG_DONE, 0, &any));
}

struct figures { double go_us, leave_us; };

static struct figures
measure(uint32_t rooms)
{
    static struct fake_registry reg;
    struct broker_front_settings settings;
    struct fake_device owner, guest, host;
    struct figures figures = {0, 0};

    fake_settings(&settings);
    settings.rooms = settings.memberships = MANY + 100;
    settings.requests_burst = settings.requests_per_s = 1000000000;
    fake_registry_init(&reg, &settings);
    fake_store_lazy(reg.store, true);
    fake_device_init(&owner, 101);
    fake_device_init(&guest, 102);
    fake_device_init(&host, 103);
    BENCH_NEED(fake_admit(&reg, &owner, MSG_SIGNUP, "owner", "correct horse"));
    BENCH_NEED(fake_admit(&reg, &guest, MSG_SIGNUP, "guest", "correct horse"));
    BENCH_NEED(fake_admit(&reg, &host, MSG_SIGNUP, "host", "correct horse"));
    fill_store(reg.store, owner.account, rooms);
    fake_registry_crash(&reg);
    BENCH_NEED(fake_enter(&reg, &guest) && fake_enter(&reg, &host));
    act(&reg, &host, MSG_ACT_CREATE);
    act(&reg, &guest, MSG_ACT_JOIN);
    for (uint32_t i = 0; i < GOES; i++) {
        const double t = cpu_us();
        fake_registry_down(&reg, guest.link);
        figures.go_us += (cpu_us() - t) / GOES;
        BENCH_NEED(fake_enter(&reg, &guest));
        fake_registry_clear(&reg);
    }
    for (uint32_t i = 0; i < LEAVES; i++) {
        const double t = cpu_us();
        act(&reg, &guest, MSG_ACT_LEAVE);
        figures.leave_us += (cpu_us() - t) / LEAVES;
        act(&reg, &guest, MSG_ACT_JOIN);
    }
    fake_registry_wipe(&reg);
    return figures;
}

int
main(void)
{
    BENCH_NEED(msg_keys_init() == CONCLAVE_OK);
    (void)measure(FEW); /* memory is taken */
    const struct figures few = measure(FEW), many = measure(MANY);
    bench_row("a member goes: 10,000 rooms beside 10", many.go_us, few.go_us, "us", BENCH_AT_MOST, 1.2);
    bench_row("a member leaves a room: 10,000 beside 10", many.leave_us, few.leave_us, "us", BENCH_AT_MOST, 1.2);
    return 0;
}
