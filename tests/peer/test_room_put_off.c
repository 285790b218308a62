/* Proves peer/rooms/room_proof.c where signatures are put off: long frames that
 * come by their sender's own XPUB are shown, and checked soon; who did not sign
 * them is found out, and nobody else is asked to believe them. */
#include "peer/core/parts.h"
#include "tests/peer/room_mesh_world.h"

#define LONG_TEXT 40000u

static uint8_t at[MSG_FRAME_MAX];
static char text[LONG_TEXT];
static struct rogue ada; /* what she says, by hand */

static void
friends(void)
{
    gather(CAT);
    memset(text, 'x', sizeof text);
    ada = rogue(ADA);
    hand(ADA, BOB, ADA, 1, &ada.key);
    mesh.dead[ADA] = true; /* whoever drops her link cannot dial her again for now */
}

/* CAT signs for ada what is forged. */
static struct msg_span
frame(size_t bytes, uint64_t signer)
{
    struct msg_room_frame header = {.epoch = 0};
    return rogue_frame_in(&ada, (struct msg_text){text, bytes}, signer, &header, (struct msg_buf){at, 0, sizeof at});
}

static void
ada_publishes(size_t bytes, uint64_t signer)
{
    deliver(BOB, ADA, frame(bytes, signer));
}

/* Of hers, beside what all said first. */
static size_t
shown(void)
{
    world_quiet();
    return count(BOB, MSG_TELL_MESSAGE) - 2;
}

/* The notice stands behind what it is about. */
static void
assert_found_out(void)
{
    world_quiet();
    assert_int_equal(notices(BOB, "is not signed by their device"), 1);
    assert_int_equal(mesh.sub[BOB][ADA], 0);
    assert_int_equal(w.side[BOB].told[w.side[BOB].told_count - 1].kind, MSG_TELL_NOTICE);
}

static void
bob_is_asked_by(uint64_t who)
{
    uint8_t want_at[512];
    struct msg_buf buf = {want_at, 0, sizeof want_at};
    const struct msg_room_want want = {.room = w.room.id, .account = BOB, .device = 1};
    assert_int_equal(msg_codec_encode(&buf, MSG_ROOM_WANT, &want), CONCLAVE_OK);
    deliver(BOB, who, msg_span_of_buf(&buf));
}

static void
a_long_frame_of_its_own_is_shown_and_the_next_one_proves_it(void **state)
{
    (void)state;
    friends();
    w.side[BOB].lazy = true;
    ada_publishes(LONG_TEXT, CAT); /* whose signature nobody looks at: the last one stands for it */
    ada_publishes(LONG_TEXT, CAT);
    ada_publishes(5, ADA);
    w.side[BOB].lazy = false;
    run(5000);
    assert_int_equal(shown(), 3);
    assert_int_equal(notices(BOB, "is not signed"), 0);
    assert_int_not_equal(mesh.sub[BOB][ADA], 0);
}

static void
a_short_one_is_checked_before_it_is_shown(void **state)
{
    (void)state;
    friends();
    ada_publishes(LONG_TEXT, ADA);
    ada_publishes(5, CAT);
    assert_int_equal(shown(), 1);
    run(5000);
    assert_int_equal(notices(BOB, "is not signed"), 0); /* the first one is */
}

static void
a_wrong_signature_is_found_within_a_second(void **state)
{
    (void)state;
    friends();
    w.side[BOB].lazy = true; /* he acknowledges nothing */
    ada_publishes(LONG_TEXT, CAT);
    run(999);
    assert_int_not_equal(mesh.sub[BOB][ADA], 0);
    run(1);
    w.side[BOB].lazy = false;
    assert_found_out();
    assert_int_equal(shown(), 1);
}

static void
it_is_found_before_a_receipt_says_that_it_is_here(void **state)
{
    (void)state;
    friends();
    run(5000);
    const size_t before = published(BOB, MSG_ROOM_RECEIPT);
    utter(CAT, "hear, hear"); /* for which there is one */
    ada_publishes(LONG_TEXT, CAT);
    for (int i = 0; i < 999 && published(BOB, MSG_ROOM_RECEIPT) == before; i++)
        run(1);
    assert_int_equal(published(BOB, MSG_ROOM_RECEIPT), before + 1);
    assert_found_out();
}

/* As long as names may be, in the longest letters. */
static void
the_notice_has_room_for_any_names(void **state)
{
    (void)state;
    friends();
    struct peer_core *core = w.side[BOB].core;
    struct peer_room *room = peer_rooms_find(&core->rooms, &w.room.id);
    memset(room->name, 'x', MSG_ROOM_NAME_MAX);
    memset(peer_rooms_mate(&core->rooms, room, ADA)->name, 'x', MSG_NAME_MAX);
    ada_publishes(LONG_TEXT, CAT);
    run(1000);
    assert_found_out();
}

static void
not_more_than_fifteen_wait(void **state)
{
    (void)state;
    friends();
    w.side[BOB].lazy = true;
    for (int i = 0; i < 16; i++)
        ada_publishes(LONG_TEXT, CAT);
    run(1000);
    w.side[BOB].lazy = false;
    assert_found_out();
    assert_int_equal(shown(), 15);
}

static void
the_sixteenth_proves_them_all(void **state)
{
    (void)state;
    friends();
    w.side[BOB].lazy = true;
    for (int i = 1; i <= 32; i++)
        ada_publishes(LONG_TEXT, i % 16 == 0 ? ADA : CAT);
    run(2000);
    w.side[BOB].lazy = false;
    assert_int_equal(shown(), 32);
    assert_int_equal(notices(BOB, "is not signed"), 0);
}

/* Under another key of hers: it does not vouch for what goes before. */
static void
what_does_not_go_on_from_it_proves_nothing(void **state)
{
    (void)state;
    struct msg_roomkey other;
    friends();
    msg_roomkey_new(&other);
    hand(ADA, BOB, ADA, 1, &other);
    w.side[BOB].lazy = true;
    ada_publishes(LONG_TEXT, CAT);
    ada.at = other;
    ada_publishes(5, ADA);
    w.side[BOB].lazy = false;
    assert_found_out();
    assert_int_equal(shown(), 1); /* the log has the other one, or what she told others */
}

static void
caught(void)
{
    friends();
    ada_publishes(LONG_TEXT, CAT);
    run(2000);
    assert_found_out();
    mesh.dead[ADA] = false;
}

static void
who_lied_once_is_not_believed_again(void **state)
{
    (void)state;
    caught();
    run(60000);
    assert_int_not_equal(mesh.sub[BOB][ADA], 0);
    ada_publishes(LONG_TEXT, CAT);
    assert_int_equal(shown(), 1);
    assert_int_not_equal(mesh.sub[BOB][ADA], 0); /* a forged frame is passed over, as any other's */
}

/* She says that she publishes no longer, and then that she does. */
static void
nor_after_it_went_and_came(void **state)
{
    (void)state;
    uint8_t list_at[1024];
    struct msg_buf list = {list_at, 0, sizeof list_at};
    struct msg_room_peers peers = {.room = {{0}}};
    caught();
    run(60000);
    const struct msg_device_card card = {.certificate = msg_span(w.side[ADA].cert, w.side[ADA].cert_len), .online = true};
    peers.room = w.room.id;
    assert_int_equal(msg_codec_append(&list, &peers.peers, MSG_DEVICE_CARD, &card), CONCLAVE_OK);
    front_say(BOB, MSG_ROOM_PEERS, &peers);
    assert_int_equal(mesh.sub[BOB][ADA], 0);
    tell_peer(BOB, ADA);
    assert_int_not_equal(mesh.sub[BOB][ADA], 0);
    ada_publishes(LONG_TEXT, CAT);
    assert_int_equal(shown(), 1);
}

static void
nothing_of_it_is_acknowledged_any_more(void **state)
{
    (void)state;
    caught();
    run(60000);
    const size_t before = published(BOB, MSG_ROOM_RECEIPT);
    ada_publishes(5, ADA);
    assert_int_equal(shown(), 2);
    run(5000);
    assert_int_equal(published(BOB, MSG_ROOM_RECEIPT), before);
    say(CAT, "hear, hear");
    run(5000);
    assert_int_equal(published(BOB, MSG_ROOM_RECEIPT), before + 1);
}

static void
it_is_found_when_the_process_ends(void **state)
{
    (void)state;
    friends();
    w.side[BOB].lazy = true;
    ada_publishes(LONG_TEXT, CAT);
    world_feed(BOB, &(struct msg_event){.kind = EVENT_STOP});
    w.side[BOB].lazy = false;
    world_quiet();
    assert_int_equal(shown(), 1);
    assert_int_equal(notices(BOB, "is not signed by their device"), 1);
}

static void
it_is_found_when_the_link_ends(void **state)
{
    (void)state;
    friends();
    w.side[BOB].lazy = true;
    ada_publishes(LONG_TEXT, CAT);
    deafen(BOB, ADA);
    w.side[BOB].lazy = false;
    assert_found_out();
}

/* Cat, whose registry is away, asks for what she lacks. */
static void
it_is_not_handed_on(void **state)
{
    (void)state;
    friends();
    run(5000);
    const size_t before = published(BOB, MSG_ROOM_FRAME);
    ada_publishes(LONG_TEXT, CAT);
    bob_is_asked_by(CAT);
    assert_found_out();
    for (size_t i = 0; i < mesh.published_count; i++)
        assert_true(mesh.published[i].from != BOB || mesh.published[i].kind != MSG_ROOM_FRAME || mesh.published[i].len > 0); /* hers is long */
    assert_true(published(BOB, MSG_ROOM_FRAME) > before); /* what others said is handed on */
}

static void
what_is_signed_is_handed_on(void **state)
{
    (void)state;
    friends();
    run(5000);
    const size_t before = published(BOB, MSG_ROOM_FRAME);
    ada_publishes(LONG_TEXT, ADA);
    bob_is_asked_by(CAT);
    assert_true(published(BOB, MSG_ROOM_FRAME) > before);
    assert_int_equal(notices(BOB, "is not signed"), 0);
}

static void
without_a_registry_nothing_is_put_off(void **state)
{
    (void)state;
    friends();
    disconnect(BOB);
    ada_publishes(LONG_TEXT, CAT);
    assert_int_equal(shown(), 0);
}

static void
what_comes_by_the_registry_is_not_put_off(void **state)
{
    (void)state;
    friends();
    ada_publishes(5, ADA);
    disconnect(BOB);
    log_frame(ADA, frame(LONG_TEXT, ADA));
    log_frame(ADA, frame(LONG_TEXT, CAT));
    connect(BOB);
    assert_int_equal(shown(), 2);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        MESH_TEST(a_long_frame_of_its_own_is_shown_and_the_next_one_proves_it),
        MESH_TEST(a_short_one_is_checked_before_it_is_shown),
        MESH_TEST(a_wrong_signature_is_found_within_a_second),
        MESH_TEST(it_is_found_before_a_receipt_says_that_it_is_here),
        MESH_TEST(the_notice_has_room_for_any_names),
        MESH_TEST(not_more_than_fifteen_wait),
        MESH_TEST(the_sixteenth_proves_them_all),
        MESH_TEST(what_does_not_go_on_from_it_proves_nothing),
        MESH_TEST(who_lied_once_is_not_believed_again),
        MESH_TEST(nor_after_it_went_and_came),
        MESH_TEST(nothing_of_it_is_acknowledged_any_more),
        MESH_TEST(it_is_found_when_the_link_ends),
        MESH_TEST(it_is_found_when_the_process_ends),
        MESH_TEST(it_is_not_handed_on),
        MESH_TEST(what_is_signed_is_handed_on),
        MESH_TEST(without_a_registry_nothing_is_put_off),
        MESH_TEST(what_comes_by_the_registry_is_not_put_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
