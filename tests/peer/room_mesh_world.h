/* The quartet's room as a mesh: each binds its XPUB and is subscribed to by all
 * others, as the front tells them.  What is published comes at once, unless
 * the test says that two do not hear each other, or that it is lost. */
#ifndef TESTS_PEER_ROOM_MESH_WORLD_H
#define TESTS_PEER_ROOM_MESH_WORLD_H

#include "tests/peer/room_rogue.h"

#define ROUTES_MAX 256

struct published { enum msg_kind kind; uint64_t from; size_t len; uint8_t at[4096]; };

static struct {
    uint64_t xpub[PEOPLE];      /* link of it; 0: none */
    uint64_t sub[PEOPLE][PEOPLE]; /* [who][of]: link; 0: none */
    bool cut[PEOPLE][PEOPLE];   /* [who][of]: who hears nothing of it, and does not notice */
    bool dead[PEOPLE];          /* nobody reaches its XPUB */
    bool loses_routes;          /* ROOM_ROUTES do not get to the front */
    struct { uint64_t who, version, routes, at_ms; } said[ROUTES_MAX];
    size_t said_count;
    struct published published[FRAMES_MAX];
    size_t published_count;
} mesh;

static inline uint64_t
publisher_of(struct msg_box_pub key)
{
    for (uint64_t who = ADA; who < PEOPLE; who++)
        if (memcmp(&w.side[who].id.transport, &key, sizeof key) == 0)
            return who;
    return 0;
}

/* What somebody publishes, or seems to, comes to one. */
static inline void
deliver(uint64_t to, uint64_t from, struct msg_span bytes)
{
    uint8_t *const copy = malloc(bytes.len);
    memcpy(copy, bytes.at, bytes.len);
    if (w.side[to].core != NULL && mesh.sub[to][from] != 0)
        world_feed(to, &(struct msg_event){.kind = EVENT_FRAME, .link = mesh.sub[to][from], .key = w.side[from].id.transport, .bytes = msg_span(copy, bytes.len)});
    free(copy);
}

static inline void
publish(uint64_t from, struct msg_span bytes)
{
    union msg_any any;
    struct published *const one = &mesh.published[mesh.published_count++];
    assert_true(mesh.published_count < FRAMES_MAX);
    assert_int_equal(msg_codec_decode(bytes, &one->kind, &any), CONCLAVE_OK);
    one->from = from;
    one->len = bytes.len <= sizeof one->at ? bytes.len : 0;
    memcpy(one->at, bytes.at, one->len);
    for (uint64_t to = ADA; to < PEOPLE; to++)
        if (to != from && !mesh.cut[to][from])
            deliver(to, from, bytes);
}

static inline void
mesh_perform(uint64_t who, const struct msg_effect *effect, struct msg_span bytes)
{
    if (effect->kind == EFFECT_LISTEN) {
        mesh.xpub[who] = effect->id;
        world_feed(who, &(struct msg_event){.kind = EVENT_BOUND, .link = effect->id, .id = 9000 + who});
    } else if (effect->kind == EFFECT_SUBSCRIBE) {
        const uint64_t of = publisher_of(effect->key);
        mesh.sub[who][of] = mesh.xpub[of] != 0 && !mesh.dead[of] ? effect->id : 0;
        const struct msg_event up = {.kind = EVENT_LINK_UP, .link = effect->id, .key = effect->key};
        const struct msg_event down = {.kind = EVENT_LINK_DOWN, .link = effect->id, .err = CONCLAVE_ERR_REGISTRY_UNREACHABLE};
        world_feed(who, mesh.sub[who][of] != 0 ? &up : &down);
    } else if (effect->kind == EFFECT_SEND && effect->id == mesh.xpub[who] && effect->id != 0)
        publish(who, bytes);
    else if (effect->kind == EFFECT_DROP && effect->id == mesh.xpub[who])
        mesh.xpub[who] = 0;
    for (uint64_t of = ADA; effect->kind == EFFECT_DROP && of < PEOPLE; of++)
        if (mesh.sub[who][of] == effect->id)
            mesh.sub[who][of] = 0;
}

static inline void
tell_peer(uint64_t to, uint64_t of)
{
    uint8_t at[1024], nested_at[128];
    struct msg_buf list = {at, 0, sizeof at}, nested = {nested_at, 0, sizeof nested_at};
    const struct msg_address address = {msg_text("192.0.2.1:9000")};
    struct msg_room_peers peers = {.room = w.room.id};
    struct msg_device_card card = {.certificate = msg_span(w.side[of].cert, w.side[of].cert_len), .online = true};
    assert_int_equal(msg_codec_append(&nested, &card.endpoints, MSG_ADDRESS, &address), CONCLAVE_OK);
    assert_int_equal(msg_codec_append(&list, &peers.peers, MSG_DEVICE_CARD, &card), CONCLAVE_OK);
    front_say(to, MSG_ROOM_PEERS, &peers);
}

static inline void
take_routes(uint64_t who, const struct msg_room_routes *said)
{
    struct msg_list devices = said->devices;
    struct msg_device_item device;
    uint64_t routes = 0;
    while (msg_codec_next(&devices, MSG_DEVICE, &device))
        routes |= UINT64_C(1) << device.account;
    mesh.said[mesh.said_count].who = who;
    mesh.said[mesh.said_count].version = said->version;
    mesh.said[mesh.said_count].at_ms = w.now.mono_ms;
    mesh.said[mesh.said_count++].routes = routes;
    assert_true(mesh.said_count < ROUTES_MAX);
    if (mesh.loses_routes || said->version < w.side[who].routes_version)
        return;
    w.side[who].routes = routes;
    w.side[who].routes_version = said->version;
}

static inline void
mesh_hear(uint64_t who, enum msg_kind kind, const union msg_any *any)
{
    if (kind == MSG_ROOM_ROUTES)
        take_routes(who, &any->MSG_ANY_ROOM_ROUTES);
    for (uint64_t other = ADA; kind == MSG_ROOM_MESH && other < PEOPLE; other++)
        if (other != who && front_in(other) && w.side[other].up && mesh.xpub[other] != 0) {
            tell_peer(other, who);
            tell_peer(who, other);
        }
}

/* So many of a kind that somebody published. */
static inline size_t
published(uint64_t from, enum msg_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < mesh.published_count; i++)
        n += mesh.published[i].from == from && mesh.published[i].kind == kind;
    return n;
}

/* A room of the first `count` of them, in which all hear each other, and the
 * first `talkers` have said something: so their keys are with the others. */
static inline void
gather_talking(uint64_t count, uint64_t talkers)
{
    create(ADA, 0);
    for (uint64_t who = BOB; who <= count; who++)
        join(who);
    for (uint64_t who = ADA; who <= count; who++)
        front_state(who);
    run(3000);
    for (uint64_t who = ADA; who <= talkers; who++)
        say(who, "hello");
    run(3000);
    for (uint64_t who = ADA; who <= count; who++)
        for (uint64_t of = ADA; of <= count; of++)
            assert_true(who == of || mesh.sub[who][of] != 0);
}

static inline void
gather(uint64_t count)
{
    gather_talking(count, count);
}

/* The connection between who hears and who is heard ends, and cannot be made again for now. */
static inline void
deafen(uint64_t who, uint64_t of)
{
    const uint64_t link = mesh.sub[who][of];
    mesh.sub[who][of] = 0;
    mesh.dead[of] = true;
    world_feed(who, &(struct msg_event){.kind = EVENT_LINK_DOWN, .link = link, .err = CONCLAVE_OK});
}

static inline int
mesh_set_up(void **state)
{
    memset(&mesh, 0, sizeof mesh);
    world_more = mesh_perform;
    front_more = mesh_hear;
    const int err = set_up(state);
    w.mesh = true;
    return err;
}

#define MESH_TEST(name) cmocka_unit_test_setup_teardown(name, mesh_set_up, tear_down)

#endif
