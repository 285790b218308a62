/* Four real cores in a room, and a front that is made up here: it orders
 * operations by msg/room, keeps the log and the mail, and casts. */
#ifndef TESTS_PEER_ROOM_QUARTET_H
#define TESTS_PEER_ROOM_QUARTET_H

#include "tests/peer/room_sides.h"

/* ---- what the front says ---- */

static inline size_t
front_say(uint64_t to, enum msg_kind kind, const void *message)
{
    uint8_t *const at = malloc(MSG_SOCKET_MAX);
    struct msg_buf buf = {at, 0, MSG_SOCKET_MAX};
    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    w.side[to].heard[kind]++;
    if (w.side[to].up)
        world_feed(to, &(struct msg_event){.kind = EVENT_FRAME, .link = w.side[to].link, .bytes = msg_span_of_buf(&buf)});
    free(at);
    return buf.len;
}

static inline void
front_error(uint64_t to, uint64_t req, enum conclave_err err)
{
    const struct msg_error_frame frame = {req, msg_text(msg_error_code(err)), msg_text(msg_error_sentence(err)), 0};
    front_say(to, MSG_ERROR, &frame);
}

static inline bool
front_in(uint64_t who)
{
    return w.room.made && !w.room.gone && w.parts[who].role != MSG_ROLE_NONE;
}

static inline void
front_entries(uint64_t to, uint64_t req, uint64_t after)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_entries frame = {.req = req, .room = w.room.id};
    for (uint64_t n = after + 1; n <= w.room.number; n++)
        assert_int_equal(msg_codec_append(&buf, &frame.entries, MSG_ENTRY, &w.entries[n - 1].entry), CONCLAVE_OK);
    front_say(to, MSG_ENTRIES, &frame);
}

static inline void
front_mail(uint64_t to, size_t n)
{
    const uint64_t from = w.side[to].box[n].from;
    const struct msg_mail mail = {.serial = w.side[to].box[n].serial, .account = from, .device = 1, .certificate = msg_span(w.side[from].cert, w.side[from].cert_len),
                                  .posted_ms = 1, .frames = msg_span(w.side[to].box[n].frames.at, w.side[to].box[n].frames.len)};
    front_say(to, MSG_MAIL, &mail);
}

static inline void
front_state(uint64_t to)
{
    uint8_t at[256];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_room_state state = {.complete = true};
    const struct msg_room_head head = {w.room.id, w.room.number, w.offset, w.parts[to].role, w.parts[to].standing, w.mesh, w.side[to].routes != 0 ? w.side[to].routes_version : 0};
    if (front_in(to))
        assert_int_equal(msg_codec_append(&buf, &state.rooms, MSG_ROOM_HEAD, &head), CONCLAVE_OK);
    front_say(to, MSG_ROOM_STATE, &state);
}

static inline void
front_cast(uint64_t from, uint64_t offset, struct msg_span frame)
{
    for (uint64_t to = ADA; to < PEOPLE; to++) {
        struct side *const side = &w.side[to];
        uint8_t *const at = malloc(MSG_SOCKET_MAX);
        struct msg_buf buf = {at, 0, MSG_SOCKET_MAX};
        struct msg_room_cast cast = {.room = w.room.id, .prev = side->served, .routes = side->routes != 0 ? side->routes_version : 0};
        const struct msg_logged logged = {offset, frame};
        assert_int_equal(msg_codec_append(&buf, &cast.posts, MSG_LOGGED, &logged), CONCLAVE_OK);
        if (to != from && side->live && side->up && front_in(to) && (side->routes >> from & 1) == 0) {
            side->cast_bytes += front_say(to, MSG_ROOM_CAST, &cast);
            side->served = offset > side->served ? offset : side->served;
        }
        free(at);
    }
}

static inline enum conclave_err
front_order(uint64_t who, struct msg_span signed_op)
{
    struct msg_room_op op;
    assert_int_equal(msg_room_open_op(&op, signed_op, NULL), CONCLAVE_OK);
    const uint64_t epoch = w.room.epoch;
    if (op.act == MSG_ACT_CREATE) {
        memset(&w.room, 0, sizeof w.room);
        w.room.id = op.room;
        msg_text_copy(w.name, sizeof w.name, op.name);
    }
    w.parts[who].account = who;
    w.parts[op.subject].account = op.subject;
    if (op.seen <= w.room.number && memcmp(&op.seen_head, &w.heads[op.seen], sizeof op.seen_head) != 0)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    const enum conclave_err err = msg_room_apply(&w.room, &op, &w.parts[who], op.subject != 0 ? &w.parts[op.subject] : NULL, false);
    if (err != CONCLAVE_OK)
        return err;
    const uint64_t n = w.room.number;
    assert_true(n < ENTRIES_MAX);
    w.entries[n - 1].op = world_copy(signed_op);
    memcpy(w.entries[n - 1].certificate, w.side[who].cert, w.side[who].cert_len);
    w.entries[n - 1].entry = (struct msg_entry){n, ++w.offset, n, msg_span(w.entries[n - 1].op.at, signed_op.len), msg_span(w.entries[n - 1].certificate, w.side[who].cert_len)};
    msg_room_link(&w.room, &w.entries[n - 1].entry, w.room.epoch != epoch);
    w.heads[n] = w.room.head;
    for (uint64_t to = ADA; to < PEOPLE; to++) {
        if ((front_in(to) || to == op.subject || to == who) && !w.side[to].deaf)
            front_entries(to, 0, n - 1);
        w.side[to].live = w.side[to].live && front_in(to);
    }
    return CONCLAVE_OK;
}

/* ---- what it is asked ---- */

static inline void
front_refuse(uint64_t who, const struct msg_room_frame *frame, enum conclave_err err, uint64_t first)
{
    const struct msg_room_refused refused = {w.room.id, msg_text(msg_error_code(err)), frame->incarnation, first, w.room.epoch, w.room.number, err == CONCLAVE_ERR_BUSY ? 200 : 0};
    front_say(who, MSG_ROOM_REFUSED, &refused);
}

static inline void
front_post(uint64_t who, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    struct side *const side = &w.side[who];
    assert_int_equal(msg_codec_decode(bytes, &kind, &any), CONCLAVE_OK);
    if (kind != MSG_ROOM_FRAME) {
        side->signals++;
        front_cast(who, 0, bytes);
        return;
    }
    const struct msg_room_frame *frame = &any.MSG_ANY_ROOM_FRAME;
    const bool same = frame->incarnation == side->chain.incarnation && frame->salt == side->chain.salt;
    enum conclave_err err = w.refuses;
    w.refuses = CONCLAVE_OK;
    if (err == CONCLAVE_OK)
        err = !front_in(who) ? CONCLAVE_ERR_NOT_A_MEMBER : (w.parts[who].standing & MSG_STANDING_MUTED) != 0 ? CONCLAVE_ERR_FORBIDDEN
              : frame->epoch != w.room.epoch ? CONCLAVE_ERR_EXPIRED : CONCLAVE_OK;
    if (err == CONCLAVE_OK && same && frame->first != side->chain.number + 1)
        err = CONCLAVE_ERR_RANGE;
    if (err != CONCLAVE_OK) {
        front_refuse(who, frame, err, err == CONCLAVE_ERR_RANGE ? side->chain.number + 1 : frame->first);
        return;
    }
    side->chain.incarnation = frame->incarnation;
    side->chain.salt = frame->salt;
    side->chain.number = frame->first + frame->count - 1;
    w.log[w.log_count].offset = ++w.offset;
    w.log[w.log_count].from = who;
    w.log[w.log_count].frame = world_copy(bytes);
    const struct bytes *kept = &w.log[w.log_count++].frame;
    assert_true(w.log_count < FRAMES_MAX);
    front_cast(who, w.offset, msg_span(kept->at, kept->len));
    const struct msg_room_stored stored = {w.room.id, frame->incarnation, side->chain.number};
    if (!w.silent)
        front_say(who, MSG_ROOM_STORED, &stored);
}

static inline bool
front_covered(const struct msg_room_frame *frame, struct msg_list have)
{
    struct msg_mark mark;
    while (msg_codec_next(&have, MSG_MARK, &mark))
        if (mark.account == frame->account && mark.device == frame->device && mark.incarnation == frame->incarnation && mark.number >= frame->first + frame->count - 1)
            return true;
    return false;
}

static inline void
front_read(uint64_t who, const struct msg_room_read *read)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf buf = {at, 0, sizeof at - 200};
    struct msg_room_log log = {.req = read->req, .room = read->room, .next = read->after, .first = w.log_count > 0 ? w.log[0].offset : 0, .live = true};
    union msg_any any;
    enum msg_kind kind;
    if (!front_in(who)) {
        front_error(who, read->req, CONCLAVE_ERR_NOT_A_MEMBER);
        return;
    }
    for (size_t i = 0; i < w.log_count && log.live; i++) {
        const struct msg_logged logged = {w.log[i].offset, msg_span(w.log[i].frame.at, w.log[i].frame.len)};
        if (logged.offset <= read->after)
            continue;
        assert_int_equal(msg_codec_decode(logged.frame, &kind, &any), CONCLAVE_OK);
        if (!front_covered(&any.MSG_ANY_ROOM_FRAME, read->have) && (log.frames.count == w.page || msg_codec_append(&buf, &log.frames, MSG_LOGGED, &logged) != CONCLAVE_OK))
            log.live = false;
        else
            log.next = logged.offset;
    }
    if (log.live)
        log.next = w.side[who].served = w.offset;
    w.side[who].live = log.live;
    front_say(who, MSG_ROOM_LOG, &log);
}

static inline void
front_cards(uint64_t who, uint64_t req, const struct msg_id *room, uint64_t from, uint64_t upto)
{
    uint8_t at[8192];
    struct msg_buf buf = {at, 0, sizeof at};
    struct msg_cards cards = {.req = req};
    if (room != NULL)
        cards.room = *room;
    for (uint64_t account = from; account <= upto && account < PEOPLE && !cards.more; account++) {
        const struct msg_card card = {msg_span(w.side[account].cert, w.side[account].cert_len)}, more = {msg_span(w.side[account].more, w.side[account].more_len)};
        if (room != NULL && !front_in(account))
            continue;
        cards.more = cards.cards.count == 2; /* pages are small here */
        if (!cards.more)
            assert_int_equal(msg_codec_append(&buf, &cards.cards, MSG_CARD, &card), CONCLAVE_OK);
        if (!cards.more && more.certificate.len > 0)
            assert_int_equal(msg_codec_append(&buf, &cards.cards, MSG_CARD, &more), CONCLAVE_OK);
    }
    front_say(who, MSG_CARDS, &cards);
}

static inline void
front_deposit(uint64_t who, const struct msg_deposit *deposit)
{
    struct msg_list parcels = deposit->parcels;
    struct msg_parcel parcel;
    struct msg_deposited done = {.req = deposit->req};
    uint8_t at[128];
    struct msg_buf buf = {at, 0, sizeof at};
    while (msg_codec_next(&parcels, MSG_PARCEL, &parcel)) {
        const struct msg_refusal refusal = {parcel.account, parcel.device, msg_text("quota-exceeded"), true};
        if (parcel.account == w.full) {
            assert_true(done.refused.count > 0 || msg_codec_append(&buf, &done.refused, MSG_REFUSAL, &refusal) == CONCLAVE_OK);
            continue;
        }
        struct side *const side = &w.side[parcel.account];
        side->box[side->box_count].serial = ++w.serial;
        side->box[side->box_count].from = who;
        side->box[side->box_count++].frames = world_copy(parcel.frames);
        assert_true(side->box_count < FRAMES_MAX);
        if (side->up)
            front_mail(parcel.account, side->box_count - 1);
    }
    front_say(who, MSG_DEPOSITED, &done);
}

static inline void
front_login(uint64_t who, const struct msg_login *login)
{
    const struct msg_welcome welcome = {.req = login->req, .account = who, .device = 1, .name = msg_text(NAMES[who]), .generation = 1, .lease_ms = 3600000,
                                        .now_ms = w.now.wall_ms, .certificate = msg_span(w.side[who].cert, w.side[who].cert_len)};
    w.side[who].live = false;
    w.side[who].served = w.side[who].cast_bytes = w.side[who].routes = w.side[who].routes_version = 0;
    front_say(who, MSG_WELCOME, &welcome);
    for (size_t i = 0; i < w.side[who].box_count; i++)
        front_mail(who, i);
    front_state(who);
}

static inline void
front_hear(uint64_t who, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    assert_int_equal(msg_codec_decode(bytes, &kind, &any), CONCLAVE_OK);
    const uint64_t req = any.MSG_ANY_DONE.req;
    if (kind == MSG_LOGIN)
        front_login(who, &any.MSG_ANY_LOGIN);
    else if (kind == MSG_ROOM_POST)
        front_post(who, any.MSG_ANY_ROOM_POST.frame);
    else if (kind == MSG_ROOM_READ)
        front_read(who, &any.MSG_ANY_ROOM_READ);
    else if (kind == MSG_ROOM_TAKEN)
        w.side[who].taken = any.MSG_ANY_ROOM_TAKEN.bytes;
    else if (kind == MSG_CARDS_OF)
        front_cards(who, req, &any.MSG_ANY_CARDS_OF.room, any.MSG_ANY_CARDS_OF.account + (any.MSG_ANY_CARDS_OF.device > 0), PEOPLE);
    else if (kind == MSG_CARD_OF)
        front_cards(who, req, NULL, any.MSG_ANY_CARD_OF.account, any.MSG_ANY_CARD_OF.account);
    else if (kind == MSG_DEPOSIT)
        front_deposit(who, &any.MSG_ANY_DEPOSIT);
    else if (kind == MSG_COLLECTED) {
        struct side *const side = &w.side[who];
        while (side->box_count > 0 && side->box[0].serial <= any.MSG_ANY_COLLECTED.serial) {
            free(side->box[0].frames.at);
            memmove(side->box, side->box + 1, --side->box_count * sizeof side->box[0]);
        }
    } else if (kind == MSG_ENTRIES_OF) {
        if (w.room.made)
            front_entries(who, req, any.MSG_ANY_ENTRIES_OF.after);
        else
            front_error(who, req, CONCLAVE_ERR_NO_SUCH_ROOM);
    } else if (kind == MSG_ROOM_PROPOSE) {
        const enum conclave_err err = front_order(who, any.MSG_ANY_ROOM_PROPOSE.op);
        if (err == CONCLAVE_OK)
            front_say(who, MSG_DONE, &(struct msg_done){req});
        else
            front_error(who, req, err);
    } else if (kind == MSG_ROOM_FIND) {
        const struct msg_room_found found = {.req = req, .room = w.room.id, .name = msg_text(w.name), .number = w.room.number, .head = w.room.head,
                                             .role = w.parts[who].role, .standing = w.parts[who].standing};
        if (w.room.made)
            front_say(who, MSG_ROOM_FOUND, &found);
        else
            front_error(who, req, CONCLAVE_ERR_NO_SUCH_ROOM);
    } else if (kind == MSG_SEARCH) {
        struct msg_found found = {.req = req, .name = any.MSG_ANY_SEARCH.name, .status = MSG_STATUS_ONLINE};
        for (uint64_t account = ADA; account < PEOPLE; account++)
            if (msg_text_equal(found.name, msg_text(NAMES[account])))
                found.account = account;
        front_say(who, MSG_FOUND, &found);
    } else if (kind == MSG_PING) {
        const struct msg_pong pong = {w.now.wall_ms, 0};
        front_say(who, MSG_PONG, &pong);
    } else if (kind == MSG_WATCH)
        front_say(who, MSG_DONE, &(struct msg_done){req});
    else if (front_more != NULL)
        front_more(who, kind, &any);
}
#endif
