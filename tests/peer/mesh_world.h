/* A room of Bob's with Ada and Cat in it, which the front of room_front.h says
 * is a mesh, and what Ada's core asks of its XPUB and its SUBs. */
#ifndef TESTS_PEER_MESH_WORLD_H
#define TESTS_PEER_MESH_WORLD_H

#include "tests/peer/room_front.h"

#define XPUB_PORT 9001u

static inline void
come_into_the_den(void)
{
    w.deaf = true; /* Ada has no part in it yet */
    act(BOB, MSG_ACT_CREATE, 0);
    act(CAT, MSG_ACT_JOIN, 0);
    act(BOB, MSG_ACT_INVITE, ADA);
    w.deaf = false;
    act(ADA, MSG_ACT_JOIN, 0);
    settle();
    w.told_count = w.done_count = 0;
}

/* How often that was asked for, of that link; 0: of any. */
static inline size_t
did(enum msg_effect_kind kind, uint64_t link)
{
    size_t n = 0;
    for (size_t i = 0; i < w.done_count; i++)
        n += w.done[i].kind == kind && (link == 0 || w.done[i].link == link);
    return n;
}

/* The last of these. */
static inline const struct done *
last(enum msg_effect_kind kind)
{
    for (size_t i = w.done_count; i-- > 0;)
        if (w.done[i].kind == kind)
            return &w.done[i];
    fail_msg("that was never asked for");
    return NULL;
}

static inline size_t
did_with(enum msg_effect_kind kind, uint64_t whose)
{
    size_t n = 0;
    for (size_t i = 0; i < w.done_count; i++)
        n += w.done[i].kind == kind && memcmp(&w.done[i].key, &w.people[whose].id.transport, sizeof w.done[i].key) == 0;
    return n;
}

/* The frames for the front that were not answered yet; the last is left in *any. */
static inline size_t
said(enum msg_kind kind, union msg_any *any)
{
    size_t n = 0;
    if (any != NULL)
        memset(any, 0, sizeof *any);
    for (size_t i = 0; i < w.sent_count; i++) {
        union msg_any one;
        enum msg_kind its;
        assert_int_equal(msg_codec_decode(msg_span(w.sent[i].at, w.sent[i].len), &its, &one), CONCLAVE_OK);
        if (its == kind && any != NULL)
            *any = one;
        n += its == kind;
    }
    return n;
}

static inline void
front_says_mesh(bool mesh)
{
    w.mesh = mesh;
    room_state(false);
}

static inline void
link_event(enum msg_event_kind kind, uint64_t link)
{
    feed(&(struct msg_event){.kind = kind, .link = link});
}

static inline uint64_t
bound(uint16_t port)
{
    const uint64_t link = last(EFFECT_LISTEN)->link;
    feed(&(struct msg_event){.kind = EVENT_BOUND, .link = link, .id = port, .err = port != 0 ? CONCLAVE_OK : CONCLAVE_ERR_IN_USE});
    return link;
}

/* In the den, which is a mesh; her XPUB is bound. */
static inline uint64_t
in_a_mesh(void)
{
    come_into_the_den();
    front_says_mesh(true);
    return bound(XPUB_PORT);
}

/* Where somebody publishes; endpoints NULL at the end, none: no longer. */
static inline void
front_says_peer(const struct msg_id *room, struct msg_span certificate, const char *const *endpoints)
{
    uint8_t nested[1024], items[2048];
    struct msg_buf inner = {nested, 0, sizeof nested}, outer = {items, 0, sizeof items};
    struct msg_device_card card = {.certificate = certificate, .online = true};
    struct msg_room_peers peers = {.room = *room};
    for (; *endpoints != NULL; endpoints++) {
        const struct msg_address address = {msg_text(*endpoints)};
        assert_int_equal(msg_codec_append(&inner, &card.endpoints, MSG_ADDRESS, &address), CONCLAVE_OK);
    }
    assert_int_equal(msg_codec_append(&outer, &peers.peers, MSG_DEVICE_CARD, &card), CONCLAVE_OK);
    say(MSG_ROOM_PEERS, &peers);
}

#define AT(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GONE ((const char *const[]){NULL})

static inline void
publishes(uint64_t who, const char *const *endpoints)
{
    front_says_peer(&w.room.facts.id, msg_span(w.people[who].cert, w.people[who].cert_len), endpoints);
}

/* A frame on a link. */
static inline void
comes(uint64_t link, enum msg_kind kind, const void *message)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    feed(&(struct msg_event){.kind = EVENT_FRAME, .link = link, .bytes = msg_span_of_buf(&buf)});
}

static inline int
set_up_port(void **state)
{
    if (set_up(state) != 0)
        return -1;
    w.port = 7000;
    restart();
    w.told_count = w.done_count = 0;
    return 0;
}

#define MESH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_port, tear_down)

#endif
