/* peer/event: TELL_ frames of rooms become events, with all pages of a list in
 * one, and every text is a C string of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "msg/chain.h"
#include "msg/codec.h"
#include "msg/flat.h"
#include "peer/event.h"

static struct peer_event event;

/* Feeds one frame, which is gone before anybody looks at the event; what
 * peer_event_read says of it. */
static bool
feed(enum msg_kind kind, const void *tell)
{
    static uint8_t frame[65536];
    struct msg_buf buf = {frame, 0, sizeof frame};
    assert_int_equal(msg_flat_put(&buf, kind, tell), CONCLAVE_OK);
    const bool shown = peer_event_read(&event, msg_span_of_buf(&buf));
    memset(frame, 'x', sizeof frame);
    return shown;
}

static int
wipe(void **state)
{
    (void)state;
    peer_event_wipe(&event);
    return 0;
}

/* A list of `count` items that `make` fills in. */
static struct msg_list
list_of(struct msg_buf *buf, enum msg_kind kind, size_t count, void (*make)(void *item, size_t at))
{
    union msg_any item;
    struct msg_list list = {0};
    buf->len = 0;
    for (size_t i = 0; i < count; i++) {
        memset(&item, 0, sizeof item);
        make(&item, i);
        assert_int_equal(msg_codec_append(buf, &list, kind, &item), CONCLAVE_OK);
    }
    return list;
}

static char names[100][16];

static void
make_room(void *item, size_t at)
{
    struct msg_room_info *const info = item;
    snprintf(names[at], sizeof names[at], "#room%zu", at);
    *info = (struct msg_room_info){.name = msg_text(names[at]), .members = at, .topic = msg_text(at % 2 == 0 ? "" : "odd"),
                                   .flags = at % 8};
}

static void
make_member(void *item, size_t at)
{
    struct msg_member *const member = item;
    snprintf(names[at], sizeof names[at], "user%zu", at);
    *member = (struct msg_member){.account = at + 1, .name = msg_text(names[at]), .role = at % 4, .standing = at % 8,
                                  .status = at % 3};
}

static uint8_t bytes[65536];

static void
the_pages_of_a_list_of_rooms_are_one_event(void **state)
{
    (void)state;
    struct msg_buf buf = {bytes, 0, sizeof bytes};
    struct msg_rooms page = {.req = 7, .rooms = list_of(&buf, MSG_ROOM_INFO, 100, make_room), .next = msg_text("more")};
    assert_false(feed(MSG_TELL_ROOMS, &page));
    const struct msg_tell_gap gap = {7, msg_text("#lab"), msg_text("bob"), 1, 2};
    assert_true(feed(MSG_TELL_GAP, &gap)); /* comes in between */
    page.req = 8;
    page.next = msg_text("");
    assert_true(feed(MSG_TELL_ROOMS, &page)); /* another list */
    assert_int_equal(event.event.request, 8);
    assert_int_equal(event.event.rooms_count, 100);
    page.req = 7;
    page.rooms = list_of(&buf, MSG_ROOM_INFO, 50, make_room);
    assert_true(feed(MSG_TELL_ROOMS, &page));
    assert_int_equal(event.event.kind, CONCLAVE_EVENT_ROOMS);
    assert_int_equal(event.event.request, 7);
    assert_int_equal(event.event.rooms_count, 150);
    /* By name: 0, 0, 1, 1, 10, 10 and so on, those of the second page twice. */
    assert_string_equal(event.event.rooms[0].name, "#room0");
    assert_string_equal(event.event.rooms[3].name, "#room1");
    assert_string_equal(event.event.rooms[4].name, "#room10");
    assert_string_equal(event.event.rooms[149].name, "#room99");
    assert_string_equal(event.event.rooms[149].topic, "odd");
    assert_int_equal(event.event.rooms[149].members, 99);
    assert_int_equal(event.event.rooms[149].flags, CONCLAVE_ROOM_PRIVATE | CONCLAVE_ROOM_LOCKED);
    page.rooms = (struct msg_list){0};
    assert_true(feed(MSG_TELL_ROOMS, &page));
    assert_int_equal(event.event.rooms_count, 0); /* nothing is left of the first */
}

static void
the_pages_of_a_list_of_members_are_one_event(void **state)
{
    (void)state;
    struct msg_buf buf = {bytes, 0, sizeof bytes};
    char room[MSG_ROOM_NAME_MAX + 1];
    memset(room, 'x', sizeof room);
    room[0] = '#';
    room[MSG_ROOM_NAME_MAX] = '\0';
    struct msg_tell_members page = {.req = 9, .room = msg_text(room), .members = list_of(&buf, MSG_MEMBER, 100, make_member),
                                    .more = true};
    assert_false(feed(MSG_TELL_MEMBERS, &page));
    assert_false(feed(MSG_TELL_MEMBERS, &page));
    page.more = false;
    assert_true(feed(MSG_TELL_MEMBERS, &page));
    assert_int_equal(event.event.kind, CONCLAVE_EVENT_MEMBERS);
    assert_string_equal(event.event.room, room);
    assert_int_equal(event.event.members_count, 300);
    for (size_t i = 0; i < 300; i++) {
        const struct conclave_member *const member = &event.event.members[i];
        const unsigned at = (unsigned)strtoul(member->name + 4, NULL, 10);
        assert_string_equal(member->name, names[at]);
        assert_int_equal(member->role, at % 4);
        assert_int_equal(member->status, at % 3);
        assert_int_equal((member->muted ? 1 : 0) | (member->banned ? 2 : 0) | (member->invited ? 4 : 0), at % 8);
        if (i > 0) { /* the owner first, and by name */
            const struct conclave_member *const before = member - 1;
            assert_true(before->role > member->role || (before->role == member->role && strcmp(before->name, member->name) <= 0));
        }
    }
    /* A list that failed half way leaves nothing for another under its number. */
    page.more = true;
    assert_false(feed(MSG_TELL_MEMBERS, &page));
    const struct msg_error_frame failed = {.req = 9, .code = msg_text("not-a-member")};
    assert_true(feed(MSG_TELL_FAILED, &failed));
    assert_int_equal(event.event.err, CONCLAVE_ERR_NOT_A_MEMBER);
    page.more = false;
    assert_true(feed(MSG_TELL_MEMBERS, &page));
    assert_int_equal(event.event.members_count, 100);
}

static void
what_happens_in_a_room_has_all_its_fields(void **state)
{
    (void)state;
    for (uint64_t act = MSG_ACT_CREATE; act <= MSG_ACT_REVOKED; act++) {
        const struct msg_tell_room tell = {7, msg_text("#lab"), act, msg_text("bob"), msg_text("alice"), msg_text("topic")};
        assert_true(feed(MSG_TELL_ROOM, &tell));
        assert_int_equal(event.event.kind, CONCLAVE_EVENT_ROOM);
        assert_int_equal(event.event.arrival, 7);
        assert_int_equal(event.event.act, act);
        assert_string_equal(event.event.room, "#lab");
        assert_string_equal(event.event.user.name, "bob");
        assert_string_equal(event.event.by, "alice");
        assert_string_equal(event.event.text, "topic");
    }
    const struct msg_tell_gap gap = {7, msg_text("#lab"), msg_text("bob"), 17, 19};
    assert_true(feed(MSG_TELL_GAP, &gap));
    assert_int_equal(event.event.kind, CONCLAVE_EVENT_GAP);
    assert_int_equal(event.event.arrival, 7);
    assert_string_equal(event.event.room, "#lab");
    assert_string_equal(event.event.from, "bob");
    assert_int_equal(event.event.first, 17);
    assert_int_equal(event.event.last, 19);
}

static void
figures_keep_their_places(void **state)
{
    struct msg_tell_stats tell = {.req = 9};
    uint64_t n = 0;
    (void)state;
#define NUMBER(name) tell.name = ++n;
    MSG_STATS(NUMBER)
#undef NUMBER
    assert_true(feed(MSG_TELL_STATS, &tell));
    assert_int_equal(event.event.kind, CONCLAVE_EVENT_STATS);
    assert_int_equal(event.event.request, 9);
    const struct conclave_stats *const stats = event.event.stats;
    n = 0;
#define SAME(name) assert_int_equal(stats->name, ++n);
    MSG_STATS(SAME)
#undef SAME
    assert_int_equal(sizeof *stats, (n + 1) * sizeof(uint64_t)); /* and nothing is left out but memory */
    const struct msg_tell_ok ok = {.req = 10};
    assert_true(feed(MSG_TELL_OK, &ok));
    assert_null(event.event.stats);
}

static void
messages_that_came_as_one_are_shown_one_by_one(void **state)
{
    (void)state;
    static const char *const texts[] = {"one", "a longer second one", "three"};
    uint8_t at[1024], out[1024];
    struct msg_buf batch = {at, 0, sizeof at}, buf = {out, 0, sizeof out};
    for (uint8_t i = 0; i < 3; i++) {
        const struct msg_say say = {msg_chain_id((uint8_t[MSG_ID_RANDOM]){(uint8_t)(i + 1)}, 100 + i), msg_text(texts[i])};
        assert_int_equal(msg_codec_encode(&batch, MSG_SAY, &say), CONCLAVE_OK);
    }
    const struct msg_tell_messages messages = {40, msg_text("bob"), msg_text("ada"), msg_text("#lab"), msg_span_of_buf(&batch)};
    assert_int_equal(msg_flat_put(&buf, MSG_TELL_MESSAGES, &messages), CONCLAVE_OK); /* stands until all is shown */
    assert_true(peer_event_read(&event, msg_span_of_buf(&buf)));
    for (uint8_t i = 0; i < 3; i++) {
        assert_int_equal(event.event.kind, CONCLAVE_EVENT_MESSAGE);
        assert_int_equal(event.event.arrival, 40 + i);
        assert_int_equal(event.event.ts_ms, 100 + i);
        assert_string_equal(event.event.from, "bob");
        assert_string_equal(event.event.to, "ada");
        assert_string_equal(event.event.room, "#lab");
        assert_string_equal(event.event.text, texts[i]);
        assert_int_equal(event.event.text_bytes, strlen(texts[i]));
        assert_int_equal(event.event.id[1], '1' + i);
        assert_int_equal(peer_event_has_more(&event), i < 2);
        if (i < 2)
            assert_true(peer_event_next(&event));
    }
    assert_true(peer_event_read(&event, msg_span_of_buf(&buf)));
    peer_event_skip(&event);
    assert_false(peer_event_has_more(&event));
}

static void
messages_and_ticks_name_their_room(void **state)
{
    (void)state;
    struct msg_tell_message message = {.arrival = 5, .from = msg_text("bob"), .to = msg_text(""), .room = msg_text("#lab"),
                                       .text = msg_text("hi")};
    assert_true(feed(MSG_TELL_MESSAGE, &message));
    assert_string_equal(event.event.room, "#lab");
    assert_string_equal(event.event.text, "hi");
    message.room = msg_text("");
    assert_true(feed(MSG_TELL_MESSAGE, &message));
    assert_string_equal(event.event.room, "");
    const struct msg_tell_receipt receipt = {.ids = msg_span("0123456789abcdef", 16), .to = msg_text("bob"), .room = msg_text("#lab"), .tick = MSG_TICK_DELIVERED, .others = 7};
    assert_true(feed(MSG_TELL_RECEIPT, &receipt));
    assert_string_equal(event.event.room, "#lab");
    assert_string_equal(event.event.to, "bob");
    assert_int_equal(event.event.others, 7);
    const struct msg_tell_ok ok = {.req = 1};
    assert_true(feed(MSG_TELL_OK, &ok));
    assert_string_equal(event.event.room, "");
    assert_string_equal(event.event.by, "");
}

static void
ticks_in_one_frame_are_an_event_each(void **state)
{
    (void)state;
    uint8_t frame[256];
    struct msg_buf buf = {frame, 0, sizeof frame};
    const struct msg_tell_receipt receipt = {.ids = msg_span("0123456789abcdefFEDCBA9876543210", 32), .to = msg_text("bob"),
                                             .room = msg_text(""), .tick = MSG_TICK_READ};
    assert_int_equal(msg_flat_put(&buf, MSG_TELL_RECEIPT, &receipt), CONCLAVE_OK);
    assert_true(peer_event_read(&event, msg_span_of_buf(&buf)));
    assert_string_equal(event.event.id, "30313233343536373839616263646566");
    assert_true(peer_event_has_more(&event));
    peer_event_next(&event);
    assert_int_equal(event.event.kind, CONCLAVE_EVENT_RECEIPT);
    assert_int_equal(event.event.tick, CONCLAVE_TICK_READ);
    assert_string_equal(event.event.to, "bob");
    assert_string_equal(event.event.id, "46454443424139383736353433323130");
    assert_false(peer_event_has_more(&event));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_pages_of_a_list_of_rooms_are_one_event, wipe),
        cmocka_unit_test_teardown(the_pages_of_a_list_of_members_are_one_event, wipe),
        cmocka_unit_test_teardown(what_happens_in_a_room_has_all_its_fields, wipe),
        cmocka_unit_test_teardown(figures_keep_their_places, wipe),
        cmocka_unit_test_teardown(messages_that_came_as_one_are_shown_one_by_one, wipe),
        cmocka_unit_test_teardown(messages_and_ticks_name_their_room, wipe),
        cmocka_unit_test_teardown(ticks_in_one_frame_are_an_event_each, wipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
