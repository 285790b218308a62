/* What the tests of posts and casts share, on top of rooms_world.h: a lobby
 * with alice, bob and carol in it, and short words for frames. */
#ifndef TESTS_BROKER_POSTS_WORLD_H
#define TESTS_BROKER_POSTS_WORLD_H

#include "tests/broker/rooms_world.h"

#define POSTS_CASE(name) cmocka_unit_test_setup_teardown(name, posts_setup, world_teardown)

static uint8_t frame_bytes[MSG_FRAME_MAX];
static struct msg_logged logged;
static uint8_t big_box[60000];

static inline int
posts_setup(void **state)
{
    rooms_setup(state);
    DO(create(&alice, &LOBBY, "#lobby", 0, ""));
    DO(act(&bob, MSG_ACT_JOIN, NULL));
    DO(act(&carol, MSG_ACT_JOIN, NULL));
    fake_registry_pass(&reg, 10000);
    fake_registry_clear(&reg);
    return 0;
}

/* Frame `first` of the device's chain, of one message, as the room is now. */
static inline struct msg_room_frame
a_frame(const struct fake_device *device, uint64_t first)
{
    static const uint8_t box[100];
    struct msg_room_frame frame = {.room = LOBBY, .account = device->account, .device = device->device,
                                   .incarnation = 1, .salt = 7, .first = first, .count = 1,
                                   .box = msg_span(box, sizeof box)};
    struct msg_rec_room record;

    assert_true(room_record(&LOBBY, &record));
    frame.epoch = record.epoch;
    frame.epoch_head = record.epoch_head;
    frame.head.at[0] = (uint8_t)first;
    return frame;
}

static inline void
post_bytes(const struct fake_device *device, const struct msg_id *room, struct msg_span bytes)
{
    const struct msg_room_post post = {*room, bytes};

    fake_say(&reg, device, MSG_ROOM_POST, &post);
}

static inline void
post_kind(const struct fake_device *device, enum msg_kind kind, const void *message)
{
    struct msg_buf buf = {frame_bytes, 0, sizeof frame_bytes};

    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    post_bytes(device, &LOBBY, msg_span_of_buf(&buf));
}

static inline void
post(const struct fake_device *device, const struct msg_room_frame *frame)
{
    post_kind(device, MSG_ROOM_FRAME, frame);
}

/* The same, and the turn ends. */
static inline void
post_one(const struct fake_device *device, uint64_t first)
{
    const struct msg_room_frame frame = a_frame(device, first);

    post(device, &frame);
    fake_registry_pass(&reg, 0);
}

static inline void
read_from(const struct fake_device *device, uint64_t after)
{
    const struct msg_room_read ask = {31, LOBBY, after, {0}};

    fake_say(&reg, device, MSG_ROOM_READ, &ask);
}

/* Reads the log to its end; true: the session is live. */
static inline bool
go_live(const struct fake_device *device)
{
    fake_registry_clear(&reg);
    read_from(device, 0);
    while (fake_registry_sent(&reg, device->link, MSG_ROOM_LOG, 0, &any) && !any.MSG_ANY_ROOM_LOG.live) {
        const uint64_t next = any.MSG_ANY_ROOM_LOG.next;
        fake_registry_clear(&reg);
        read_from(device, next);
    }
    const bool live = fake_registry_sent(&reg, device->link, MSG_ROOM_LOG, 0, &any) && any.MSG_ANY_ROOM_LOG.live;
    fake_registry_clear(&reg);
    return live;
}

/* The n-th ROOM_REFUSED to the device has this code. */
static inline void
expect_refused(const struct fake_device *device, size_t n, const char *code)
{
    assert_true(fake_registry_sent(&reg, device->link, MSG_ROOM_REFUSED, n, &any));
    expect_text(any.MSG_ANY_ROOM_REFUSED.code, code);
}

static inline size_t
sent(const struct fake_device *device, enum msg_kind kind)
{
    return fake_registry_sent_count(&reg, device->link, kind);
}

/* The frame in an item of a CAST or a page. */
static inline struct msg_room_frame
opened(struct msg_span bytes)
{
    union msg_any inner;
    enum msg_kind kind;

    assert_int_equal(msg_codec_decode(bytes, &kind, &inner), CONCLAVE_OK);
    assert_int_equal(kind, MSG_ROOM_FRAME);
    return inner.MSG_ANY_ROOM_FRAME;
}

static inline size_t
kept(void)
{
    return fake_store_count(reg.store, BROKER_TABLE_ROOM_LOG);
}

/* ---- what was cast ---- */

/* The items of the n-th CAST to the device; prev comes back. */
static inline struct msg_list
cast_posts(const struct fake_device *device, size_t n, uint64_t *prev)
{
    assert_true(fake_registry_sent(&reg, device->link, MSG_ROOM_CAST, n, &any));
    *prev = any.MSG_ANY_ROOM_CAST.prev;
    return any.MSG_ANY_ROOM_CAST.posts;
}

/* The device's n-th CAST is this one message of that sender, and goes on from
 * where the device was; where it is now comes back. */
static inline uint64_t
expect_one_cast(const struct fake_device *device, size_t n, const struct fake_device *from, uint64_t number, uint64_t heard)
{
    uint64_t prev;
    struct msg_list posts = cast_posts(device, n, &prev);

    assert_int_equal(posts.count, 1);
    assert_true(prev <= heard);
    assert_true(msg_codec_next(&posts, MSG_LOGGED, &logged));
    const struct msg_room_frame frame = opened(logged.frame);
    assert_int_equal(frame.account, from->account);
    assert_int_equal(frame.first, number);
    return logged.offset;
}

/* A frame as large as they are. */
static inline void
post_big(const struct fake_device *device, uint64_t first)
{
    struct msg_room_frame frame = a_frame(device, first);

    frame.box = msg_span(big_box, sizeof big_box);
    post(device, &frame);
    fake_registry_pass(&reg, 0);
}

/* In all, so far. */
static inline uint64_t
bytes_cast(const struct fake_device *device)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < reg.sent_count; i++)
        if (reg.sent[i].link == device->link && reg.sent[i].kind == MSG_ROOM_CAST)
            bytes += reg.sent[i].len;
    return bytes;
}

/* The device says that it has taken so many of them. */
static inline void
take(const struct fake_device *device, uint64_t bytes)
{
    const struct msg_room_taken taken = {bytes};

    fake_say(&reg, device, MSG_ROOM_TAKEN, &taken);
}

#endif
