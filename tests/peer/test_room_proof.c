/* Proves peer/rooms/room_proof.c: of frames that come together and go on from
 * one another the last one's signature stands for all; it stands for nothing
 * else, and what no signature stands for is not shown. */
#include "tests/peer/room_rogue.h"

#define FRAME_BYTES 4096u
#define FRAMES 40u

static uint8_t at[FRAMES][FRAME_BYTES];
static struct msg_span frames[FRAMES];
static size_t count_of;
static struct rogue ada; /* what she says, by hand */

static void
friends(void)
{
    create(ADA, 0);
    join(BOB);
    join(CAT);
    say(ADA, "hello");
    assert_shown(BOB, "ada: hello|");
    ada = rogue(ADA);
    hand(ADA, BOB, ADA, 1, &ada.key);
    count_of = 0;
}

/* CAT signs for ada what is forged. */
static void
ada_says(const char *text, uint64_t signer)
{
    struct msg_room_frame frame = {.epoch = 0};
    frames[count_of] = rogue_frame_as(&ada, text, signer, &frame, at[count_of]);
    count_of++;
}

/* All in one page of the log. */
static void
bob_reads(void)
{
    disconnect(BOB);
    for (size_t i = 0; i < count_of; i++)
        log_frame(ADA, frames[i]);
    connect(BOB);
}

/* Each in a CAST of its own that the next ones have followed already. */
static void
bob_hears(void)
{
    static uint8_t casts_at[FRAMES][FRAME_BYTES + 256];
    struct msg_span casts[FRAMES];
    for (size_t i = 0; i < count_of; i++) {
        struct msg_buf out = {casts_at[i], 0, sizeof casts_at[i]};
        uint8_t posts_at[FRAME_BYTES + 64];
        struct msg_buf posts = {posts_at, 0, sizeof posts_at};
        struct msg_room_cast cast = {.room = w.room.id, .prev = w.side[BOB].served};
        const struct msg_logged logged = {++w.offset, frames[i]};
        assert_int_equal(msg_codec_append(&posts, &cast.posts, MSG_LOGGED, &logged), CONCLAVE_OK);
        assert_int_equal(msg_codec_encode(&out, MSG_ROOM_CAST, &cast), CONCLAVE_OK);
        w.side[BOB].served = w.offset;
        casts[i] = msg_span_of_buf(&out);
    }
    for (size_t i = 0; i < count_of; i++)
        world_feed(BOB, &(struct msg_event){.kind = EVENT_FRAME, .link = w.side[BOB].link, .bytes = casts[i], .ahead = casts + i + 1, .ahead_count = count_of - i - 1});
    run(300);
}

static void
three_of_which_the_last_is_signed(void)
{
    friends();
    ada_says("a", CAT);
    ada_says("b", CAT);
    ada_says("c", ADA);
}

static void
the_last_one_s_signature_stands_for_all_of_a_page(void **state)
{
    (void)state;
    three_of_which_the_last_is_signed();
    bob_reads();
    assert_shown(BOB, "ada: hello|ada: a|ada: b|ada: c|");
}

static void
the_last_one_s_signature_stands_for_all_that_came_on_a_link(void **state)
{
    (void)state;
    three_of_which_the_last_is_signed();
    bob_hears();
    assert_shown(BOB, "ada: hello|ada: a|ada: b|ada: c|");
}

/* As few signatures as will do: one for each 17 frames. */
static void
a_long_page_is_looked_through_in_parts(void **state)
{
    (void)state;
    friends();
    for (unsigned i = 1; i <= FRAMES; i++)
        ada_says("on and on", i % 17 == 0 || i == FRAMES ? ADA : CAT);
    bob_reads();
    assert_int_equal(count(BOB, MSG_TELL_MESSAGE), 1 + FRAMES);
}

static void
what_is_not_signed_and_has_nothing_after_it_is_not_shown(void **state)
{
    (void)state;
    friends();
    ada_says("a", ADA);
    ada_says("b", CAT);
    bob_reads();
    assert_shown(BOB, "ada: hello|ada: a|"); /* which is signed itself */
}

/* The forger has the key, and the frames of which ada signed the later one. */
static void
another_text_before_what_is_signed_is_not_shown(void **state)
{
    (void)state;
    friends();
    const struct rogue before = ada;
    ada_says("I owe you nothing", ADA);
    ada_says("good bye", ADA);
    const struct rogue after = ada;
    ada = before;
    count_of = 0;
    ada_says("I owe you a house", CAT);
    count_of++;
    ada = after;
    bob_reads();
    assert_shown(BOB, "ada: hello|ada: good bye|");
}

/* The header is the one that goes before what is signed; the text is not. */
static void
a_header_with_another_text_in_its_box_is_not_shown(void **state)
{
    (void)state;
    friends();
    ada.reboxed = true;
    ada_says("a", CAT);
    ada.reboxed = false;
    ada_says("b", ADA);
    bob_reads();
    assert_shown(BOB, "ada: hello|ada: b|");
}

/* Each alone, with nothing ahead. */
static void
what_is_proved_once_stands_for_nothing_that_comes_later(void **state)
{
    (void)state;
    friends();
    ada_says("a", ADA);
    bob_reads();
    assert_shown(BOB, "ada: hello|ada: a|");
    count_of = 0;
    ada_says("b", CAT);
    bob_hears();
    assert_shown(BOB, "ada: hello|ada: a|");
}

static void
a_signature_of_another_device_stands_for_nothing(void **state)
{
    (void)state;
    friends();
    struct rogue cat = rogue(CAT);
    hand(CAT, BOB, CAT, 1, &cat.key);
    ada_says("a", CAT);
    struct msg_room_frame frame = {.epoch = 0};
    cat.head = ada.head;
    cat.number = ada.number;
    cat.at = ada.at;
    frames[count_of] = rogue_frame_as(&cat, "b", CAT, &frame, at[count_of]);
    count_of++;
    bob_reads();
    assert_shown(BOB, "ada: hello|");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_one_s_signature_stands_for_all_of_a_page),
        TEST(the_last_one_s_signature_stands_for_all_that_came_on_a_link),
        TEST(a_long_page_is_looked_through_in_parts),
        TEST(what_is_not_signed_and_has_nothing_after_it_is_not_shown),
        TEST(another_text_before_what_is_signed_is_not_shown),
        TEST(a_header_with_another_text_in_its_box_is_not_shown),
        TEST(what_is_proved_once_stands_for_nothing_that_comes_later),
        TEST(a_signature_of_another_device_stands_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
