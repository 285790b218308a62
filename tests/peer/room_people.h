/* The people of room_quartet.h: they come and go, say things, and what they were
 * told is asked for. */
#ifndef TESTS_PEER_ROOM_PEOPLE_H
#define TESTS_PEER_ROOM_PEOPLE_H

#include "tests/peer/room_quartet.h"

/* A tell of the side `arg`. */
static inline void
world_told(void *arg, struct msg_span bytes)
{
    struct side *const side = arg;
    struct told *told = &side->told[side->told_count++];
    assert_true(side->told_count < FRAMES_MAX);
    told->bytes = world_copy(bytes);
    assert_int_equal(msg_codec_decode(msg_span(told->bytes.at, told->bytes.len), &told->kind, &told->any), CONCLAVE_OK);
    if (told->kind == MSG_TELL_MESSAGE)
        side->shown = told->any.MSG_ANY_TELL_MESSAGE.arrival;
}

/* ---- time ---- */

static inline void
world_quiet(void)
{
    do {
        while (w.inbox_done < w.inbox_count) {
            const struct bytes bytes = w.inbox[w.inbox_done].bytes;
            const uint64_t from = w.inbox[w.inbox_done++].from;
            front_hear(from, msg_span(bytes.at, bytes.len));
            free(bytes.at);
        }
        for (uint64_t who = ADA; who < PEOPLE; who++)
            if (w.side[who].core != NULL)
                world_commit(who);
    } while (w.inbox_done < w.inbox_count);
    w.inbox_done = w.inbox_count = 0;
}

/* So long, with all that comes of it. */
static inline void
run(uint64_t ms)
{
    const uint64_t until = w.now.mono_ms + ms;
    world_quiet();
    for (;;) {
        uint64_t next = UINT64_MAX, whose = 0;
        for (uint64_t who = ADA; who < PEOPLE; who++)
            if (w.side[who].core != NULL && w.side[who].wake_ms < next)
                next = w.side[whose = who].wake_ms;
        if (next > until)
            break;
        if (next > w.now.mono_ms) {
            w.now.wall_ms += next - w.now.mono_ms;
            w.now.mono_ms = next;
        }
        w.side[whose].wake_ms = UINT64_MAX;
        world_feed(whose, &(struct msg_event){.kind = EVENT_WAKE});
        world_quiet();
    }
    w.now.wall_ms += until - w.now.mono_ms;
    w.now.mono_ms = until;
}

/* ---- coming and going ---- */

static inline void
disconnect(uint64_t who)
{
    w.side[who].up = w.side[who].live = false;
    world_feed(who, &(struct msg_event){.kind = EVENT_LINK_DOWN, .link = w.side[who].link});
}

static inline void
connect(uint64_t who)
{
    const uint64_t link = w.side[who].link;
    for (int i = 0; i < 60 && w.side[who].link == link && link != 0; i++)
        run(1000);
    w.side[who].up = true;
    world_feed(who, &(struct msg_event){.kind = EVENT_LINK_UP, .link = w.side[who].link});
    run(500);
}

/* The process ends; what was not committed is gone. */
static inline void
kill_core(uint64_t who)
{
    struct side *const side = &w.side[who];
    peer_core_destroy(&side->core);
    for (size_t i = 0; i < side->gathered_count; i++)
        free(side->gathered[i].bytes.at);
    side->gathered_count = side->store_count = 0;
    side->up = side->live = side->lazy = false;
    side->wake_ms = UINT64_MAX;
}

/* With what is on disk, and nobody there yet. */
static inline void
boot(uint64_t who)
{
    struct side *const side = &w.side[who];
    const struct peer_settings settings = {.contacts = 8, .rooms = 4, .room_members = 64, .cards = 16, .room_keys = 64, .port = world_more != NULL ? 7000 : 0};
    const struct msg_record_key mark = msg_record_key1(side->shown);
    side->wake_ms = UINT64_MAX;
    side->core = peer_core_new(&settings, &side->id);
    assert_non_null(side->core);
    for (uint32_t table = 0; table < PEER_TABLES; table++) {
        if (table == PEER_TABLE_INBOX)
            world_feed(who, &(struct msg_event){.kind = EVENT_RECORD, .table = table, .record_key = msg_record_key_span(&mark)});
        for (size_t i = 0; i < side->record_count; i++) {
            const struct change *record = &side->records[i];
            if (record->table == table && (table != PEER_TABLE_INBOX || msg_record_key_u64(msg_record_key_span(&record->key), 0) > side->shown))
                world_feed(who, &(struct msg_event){.kind = EVENT_RECORD, .table = table, .record_key = msg_record_key_span(&record->key),
                                                    .bytes = msg_span(record->bytes.at, record->bytes.len)});
        }
    }
    side->link = 0;
    world_feed(who, &(struct msg_event){.kind = EVENT_START});
    run(1);
}

static inline void
start(uint64_t who)
{
    boot(who);
    w.side[who].up = true;
    world_feed(who, &(struct msg_event){.kind = EVENT_LINK_UP, .link = w.side[who].link});
    run(500);
}

static inline void
restart(uint64_t who)
{
    kill_core(who);
    start(who);
}

/* ---- what they do ---- */

static inline void
create(uint64_t who, uint64_t flags)
{
    const struct msg_cmd_room_create cmd = {++w.req, msg_text("#Den"), flags, msg_text(""), msg_text("lions")};
    world_command(who, MSG_CMD_ROOM_CREATE, &cmd);
    run(500);
}

static inline void
join(uint64_t who)
{
    const struct msg_cmd_room_join cmd = {++w.req, msg_text("#den"), msg_text("")};
    world_command(who, MSG_CMD_ROOM_JOIN, &cmd);
    run(500);
}

static inline void
act(uint64_t who, enum msg_act act, uint64_t whom)
{
    const struct msg_cmd_room_act cmd = {++w.req, msg_text("#den"), act, msg_text(NAMES[whom]), msg_text("")};
    world_command(who, MSG_CMD_ROOM_ACT, &cmd);
    run(500);
}

static inline void
utter(uint64_t who, const char *text)
{
    const struct msg_cmd_say cmd = {++w.req, msg_text("#den"), msg_text(text)};
    world_command(who, MSG_CMD_SAY, &cmd);
}

static inline void
say(uint64_t who, const char *text)
{
    utter(who, text);
    run(300);
}

/* ---- what they were told ---- */

static inline size_t
count(uint64_t who, enum msg_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < w.side[who].told_count; i++)
        n += w.side[who].told[i].kind == kind;
    return n;
}

static inline const union msg_any *
told(uint64_t who, enum msg_kind kind, size_t n)
{
    for (size_t i = 0; i < w.side[who].told_count; i++)
        if (w.side[who].told[i].kind == kind && n-- == 0)
            return &w.side[who].told[i].any;
    fail_msg("there is no such tell");
    return NULL;
}

static inline size_t
ticks(uint64_t who, enum msg_tick tick)
{
    size_t n = 0;
    for (size_t i = 0; i < w.side[who].told_count; i++)
        if (w.side[who].told[i].kind == MSG_TELL_RECEIPT && w.side[who].told[i].any.MSG_ANY_TELL_RECEIPT.tick == tick)
            n += w.side[who].told[i].any.MSG_ANY_TELL_RECEIPT.ids.len / sizeof(struct msg_id);
    return n;
}

/* All that somebody was shown in the room: "bob: hi|ada: hello|". */
static inline void
assert_shown(uint64_t who, const char *all)
{
    static char text[65536];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count(who, MSG_TELL_MESSAGE); i++) {
        const struct msg_tell_message *tell = &told(who, MSG_TELL_MESSAGE, i)->MSG_ANY_TELL_MESSAGE;
        assert_true(msg_text_equal(tell->room, msg_text("#Den")));
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s: %.*s|", (int)tell->from.len, tell->from.at, (int)(tell->text.len < 40 ? tell->text.len : 40), tell->text.at);
    }
    assert_string_equal(text, all);
}

static inline enum conclave_err
failure(uint64_t who)
{
    const struct msg_error_frame *failed = &told(who, MSG_TELL_FAILED, count(who, MSG_TELL_FAILED) - 1)->MSG_ANY_TELL_FAILED;
    return msg_error_from_code(failed->code.at, failed->code.len);
}

/* ---- the world ---- */

static inline void
world_record(uint64_t who, enum peer_table table, enum msg_kind kind, const void *message)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    const struct change change = {.put = true, .table = table, .key = msg_record_key1(0), .bytes = world_copy(msg_span_of_buf(&buf))};
    world_keep(&w.side[who], &change);
}

static inline void
world_certify(uint64_t who)
{
    struct side *const side = &w.side[who];
    uint8_t body[MSG_CERT_MAX];
    struct msg_buf buf = {body, 0, sizeof body}, out = {side->cert, 0, sizeof side->cert};
    struct msg_sig sig;
    struct msg_cert_body cert = {.serial = who, .account = who, .device = 1, .name = msg_text(NAMES[who]), .sign = side->id.sign,
                                 .transport = side->id.transport, .mail = side->mail, .not_before_ms = 1, .not_after_ms = UINT64_MAX / 2};
    msg_cert_sign_mail(&cert.mail_sig, &cert.mail, &side->id.sign_sec);
    assert_int_equal(msg_codec_encode(&buf, MSG_CERT, &cert), CONCLAVE_OK);
    assert_int_equal(msg_cert_sign(&sig, msg_span_of_buf(&buf), &w.signer_sec), CONCLAVE_OK);
    assert_int_equal(msg_cert_wrap(&out, msg_span_of_buf(&buf), &sig), CONCLAVE_OK);
    side->cert_len = out.len;
}

static inline int
set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    w.now = (struct msg_time){1000, 1750000000000};
    w.page = 100;
    if (msg_keys_init() != CONCLAVE_OK)
        return -1;
    msg_keys_new_sign(&w.signer, &w.signer_sec);
    for (uint64_t who = ADA; who < PEOPLE; who++) {
        struct side *const side = &w.side[who];
        msg_keys_new_sign(&side->id.sign, &side->id.sign_sec);
        msg_keys_new_box(&side->id.transport, &side->id.transport_sec);
        msg_keys_new_box(&side->mail, &side->mail_sec);
        world_certify(who);
        const struct msg_rec_self self = {.account = who, .device = 1, .name = msg_text(NAMES[who]), .signer = w.signer, .front_host = msg_text("registry"),
                                          .front_port = 15601, .certificate = msg_span(side->cert, side->cert_len), .now_offset_ms = UINT64_C(1) << 62};
        const struct msg_rec_mail_key mail = {side->mail, side->mail_sec, w.now.wall_ms, 0};
        world_record(who, PEER_TABLE_SELF, MSG_REC_SELF, &self);
        world_record(who, PEER_TABLE_MAIL_KEYS, MSG_REC_MAIL_KEY, &mail);
    }
    for (uint64_t who = ADA; who < PEOPLE; who++)
        start(who);
    return 0;
}

static inline int
tear_down(void **state)
{
    (void)state;
    for (uint64_t who = ADA; who < PEOPLE; who++) {
        struct side *const side = &w.side[who];
        kill_core(who);
        for (size_t i = 0; i < side->record_count; i++)
            free(side->records[i].bytes.at);
        for (size_t i = 0; i < side->told_count; i++)
            free(side->told[i].bytes.at);
        for (size_t i = 0; i < side->box_count; i++)
            free(side->box[i].frames.at);
    }
    for (size_t i = 0; i < w.log_count; i++)
        free(w.log[i].frame.at);
    for (size_t i = 0; i < ENTRIES_MAX; i++)
        free(w.entries[i].op.at);
    while (w.inbox_done < w.inbox_count)
        free(w.inbox[w.inbox_done++].bytes.at);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
