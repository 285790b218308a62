/* Claims about peer/tables/kept: which frames are there for members who missed them,
 * in memory and on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "msg/codec.h"
#include "peer/tables/kept.h"
#include "peer/tables/tables.h"

static const struct msg_id DEN = {{1}}, POND = {{2}};
static struct peer_kept kept;
static struct msg_effects out;
static uint8_t box[60000];

static int
set_up(void **state)
{
    (void)state;
    msg_effects_init(&out);
    return peer_kept_init(&kept) ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    peer_kept_wipe(&kept);
    msg_effects_wipe(&out);
    return 0;
}

static struct msg_room_frame
a_frame(uint64_t account, uint64_t first, uint64_t count, size_t len)
{
    box[0] = (uint8_t)first;
    return (struct msg_room_frame){.room = DEN, .epoch = 1, .account = account, .device = 1, .incarnation = 1, .salt = 9, .first = first, .count = count,
                                   .box = msg_span(box, len)};
}

static bool
add(uint64_t account, uint64_t first, size_t len, bool store)
{
    const struct msg_room_frame frame = a_frame(account, first, 1, len);
    return peer_kept_add(&kept, &frame, store, &out);
}

static size_t
effects(enum msg_effect_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < out.count; i++)
        n += out.list[i].kind == kind && out.list[i].table == PEER_TABLE_ROOM_FRAMES;
    return n;
}

static size_t
count(void)
{
    size_t n = 0;
    for (uint32_t at = 0; peer_kept_each(&kept, &at) != NULL;)
        n++;
    return n;
}

/* All that are there decode to what was added, the oldest first. */
static void
assert_kept(uint64_t first, uint64_t last)
{
    uint32_t at = 0;
    for (uint64_t number = first; number <= last; number++) {
        const struct peer_kept_frame *const one = peer_kept_each(&kept, &at);
        union msg_any any;
        enum msg_kind kind;
        assert_non_null(one);
        assert_int_equal(one->first, number);
        assert_int_equal(msg_codec_decode(peer_kept_bytes(&kept, one), &kind, &any), CONCLAVE_OK);
        assert_int_equal(kind, MSG_ROOM_FRAME);
        assert_int_equal(any.MSG_ANY_ROOM_FRAME.first, number);
        assert_int_equal(any.MSG_ANY_ROOM_FRAME.box.at[0], (uint8_t)number);
    }
    assert_null(peer_kept_each(&kept, &at));
}

static void
what_was_added_is_there_as_it_came(void **state)
{
    (void)state;
    assert_false(add(7, 1, 100, false));
    assert_true(add(7, 2, 200, true));
    assert_kept(1, 2);
    assert_int_equal(effects(EFFECT_PUT), 1);
}

static void
the_same_frame_is_kept_once_and_a_longer_one_in_its_place(void **state)
{
    (void)state;
    struct msg_room_frame longer = a_frame(7, 1, 5, 300);
    add(7, 1, 100, true);
    assert_false(add(7, 1, 100, true));
    assert_int_equal(count(), 1);
    assert_true(peer_kept_add(&kept, &longer, false, &out));
    assert_int_equal(count(), 1);
    assert_int_equal(effects(EFFECT_DELETE), 1);
    longer.epoch = 2; /* sealed anew */
    (void)peer_kept_add(&kept, &longer, false, &out);
    uint32_t at = 0;
    assert_int_equal(peer_kept_each(&kept, &at)->epoch, 2);
    longer.account = 8;
    (void)peer_kept_add(&kept, &longer, false, &out);
    assert_int_equal(count(), 2);
}

static void
the_oldest_make_room_by_number(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= PEER_KEPT_COUNT + 10; n++)
        add(7, n, 20, n == 3);
    assert_int_equal(count(), PEER_KEPT_COUNT);
    assert_kept(11, PEER_KEPT_COUNT + 10);
    assert_int_equal(effects(EFFECT_DELETE), 1);
}

static void
the_oldest_make_room_by_size_wherever_the_ring_ends(void **state)
{
    (void)state;
    size_t bytes = 0;
    for (uint64_t n = 1; n <= 3000; n++) {
        const size_t len = 20 + (n * 7919) % (sizeof box - 20);
        add(7, n, len, false);
        const size_t now = count();
        assert_true(now > 0);
        assert_kept(n + 1 - now, n);
        bytes = 0;
        uint32_t at = 0;
        for (const struct peer_kept_frame *one; (one = peer_kept_each(&kept, &at)) != NULL;)
            bytes += one->len;
        assert_true(bytes <= PEER_KEPT_BYTES);
    }
    assert_true(bytes > PEER_KEPT_BYTES / 2);
}

static void
a_room_with_a_log_again_needs_no_records(void **state)
{
    (void)state;
    struct msg_room_frame other = a_frame(7, 1, 1, 100);
    other.room = POND;
    add(7, 1, 100, true);
    add(7, 2, 100, false);
    (void)peer_kept_add(&kept, &other, true, &out);
    assert_true(peer_kept_settle(&kept, &DEN, &out));
    assert_int_equal(effects(EFFECT_DELETE), 1);
    assert_int_equal(count(), 3);
    assert_false(peer_kept_settle(&kept, &DEN, &out));
    assert_true(peer_kept_drop_room(&kept, &POND, &out));
    assert_int_equal(count(), 2);
    assert_int_equal(effects(EFFECT_DELETE), 2);
    assert_false(peer_kept_drop_room(&kept, &DEN, &out));
    assert_int_equal(count(), 0);
}

/* What is on disk, by its keys and sizes, comes back as it was. */
static void
all_that_is_on_disk_fits_in_after_a_restart(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 100; n++)
        add(7, n, 10000 + n, true);
    assert_true(kept.stored <= PEER_KEPT_STORED);
    const size_t on_disk = effects(EFFECT_PUT) - effects(EFFECT_DELETE);
    assert_true(on_disk > 20);
    peer_kept_wipe(&kept);
    assert_true(peer_kept_init(&kept));
    for (uint64_t n = 101 - on_disk; n <= 100; n++) {
        const struct msg_room_frame frame = a_frame(7, n, 1, 10000 + n);
        peer_kept_restore(&kept, &frame);
    }
    assert_int_equal(count(), on_disk);
    const size_t stored = kept.stored;
    for (uint64_t n = 1; n <= 100; n++) { /* more than was ever put there */
        const struct msg_room_frame frame = a_frame(8, n, 1, 10000);
        peer_kept_restore(&kept, &frame);
    }
    assert_true(kept.stored >= stored && kept.stored <= PEER_KEPT_STORED);
    assert_true(peer_kept_settle(&kept, &DEN, &out));
    assert_int_equal(kept.stored, 0);
}

/* Its key would be the same: only a hand on the disk puts both there. */
static void
of_two_records_with_one_beginning_the_first_counts(void **state)
{
    (void)state;
    const struct msg_room_frame frame = a_frame(7, 1, 1, 100), longer = a_frame(7, 1, 5, 100);
    peer_kept_restore(&kept, &frame);
    const size_t stored = kept.stored;
    peer_kept_restore(&kept, &longer);
    assert_kept(1, 1);
    assert_int_equal(kept.stored, stored);
    assert_true(peer_kept_settle(&kept, &DEN, &out));
    assert_int_equal(kept.stored, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_added_is_there_as_it_came),
        TEST(the_same_frame_is_kept_once_and_a_longer_one_in_its_place),
        TEST(the_oldest_make_room_by_number),
        TEST(the_oldest_make_room_by_size_wherever_the_ring_ends),
        TEST(a_room_with_a_log_again_needs_no_records),
        TEST(all_that_is_on_disk_fits_in_after_a_restart),
        TEST(of_two_records_with_one_beginning_the_first_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
