/* Somebody in the quartet who means harm, with keys of its own and whatever the
 * front lets through: frames, keys and questions made by hand. */
#ifndef TESTS_PEER_ROOM_ROGUE_H
#define TESTS_PEER_ROOM_ROGUE_H

#include "msg/chain.h"
#include "msg/envelope.h"
#include "msg/roomkey.h"
#include "tests/peer/room_people.h"

/* A chain that somebody makes up, beside its core's. */
struct rogue {
    uint64_t who;
    struct msg_roomkey key;     /* as it is handed */
    struct msg_roomkey at;      /* and as it was moved on */
    uint64_t number;
    struct msg_head head;
    bool reboxed;               /* what it said stands in the box with another id */
};

static inline struct rogue
rogue(uint64_t who)
{
    struct rogue self = {.who = who};
    msg_roomkey_new(&self.key);
    self.at = self.key;
    return self;
}

/* The next frame of it, signed by `signer`, into out; `frame` for the header. */
static inline struct msg_span
rogue_frame_in(struct rogue *self, struct msg_text text, uint64_t signer, struct msg_room_frame *frame, struct msg_buf out)
{
    static uint8_t inside[MSG_BATCH_MAX];
    struct msg_buf batch = {inside, 0, sizeof inside};
    struct msg_say say = {.text = text};
    msg_keys_random(&say.id, sizeof say.id);
    assert_int_equal(msg_codec_encode(&batch, MSG_SAY, &say), CONCLAVE_OK);
    say.id.at[0] ^= self->reboxed;
    if (frame->room.at[0] == 0)
        frame->room = w.room.id;
    if (frame->epoch == 0)
        frame->epoch = w.room.epoch;
    if (frame->epoch_head.at[0] == 0)
        frame->epoch_head = w.room.epoch_head;
    frame->account = self->who;
    frame->device = 1;
    frame->incarnation = UINT64_C(1) << 50; /* later than all that its core made */
    frame->salt = 7;
    frame->first = ++self->number;
    frame->count = 1;
    frame->prev = self->head;
    msg_chain_head(&self->head, &frame->prev, &say.id, say.text);
    frame->head = self->head;
    assert_int_equal(msg_roomkey_seal(&self->at, &out, frame, msg_span_of_buf(&batch), &w.side[signer].id.sign_sec), CONCLAVE_OK);
    return msg_span_of_buf(&out);
}

static inline struct msg_span
rogue_frame_as(struct rogue *self, const char *text, uint64_t signer, struct msg_room_frame *frame, uint8_t *at)
{
    return rogue_frame_in(self, msg_text(text), signer, frame, (struct msg_buf){at, 0, 4096});
}

static inline struct msg_span
rogue_frame(struct rogue *self, const char *text, uint8_t *at)
{
    struct msg_room_frame frame = {.epoch = 0};
    return rogue_frame_as(self, text, self->who, &frame, at);
}

/* As an entry of the log, to all but who made it. */
static inline void
log_frame(uint64_t from, struct msg_span frame)
{
    w.log[w.log_count].offset = ++w.offset;
    w.log[w.log_count].from = from;
    w.log[w.log_count].frame = world_copy(frame);
    const struct bytes *kept = &w.log[w.log_count++].frame;
    front_cast(from, w.offset, msg_span(kept->at, kept->len));
    run(300);
}

/* Sealed, by mail, as anybody can; the time stands still. */
static inline void
letter(uint64_t from, uint64_t to, enum msg_kind kind, const void *message)
{
    static uint8_t at[4096];
    uint8_t inside[512];
    struct msg_buf batch = {inside, 0, sizeof inside}, out = {at, 0, sizeof at};
    struct msg_cert cert;
    struct msg_run run_out = {0};
    assert_int_equal(msg_codec_encode(&batch, kind, message), CONCLAVE_OK);
    assert_int_equal(msg_cert_open(&cert, msg_span(w.side[to].cert, w.side[to].cert_len), &w.signer), CONCLAVE_OK);
    assert_int_equal(msg_run_start(&run_out, &out, from, 1, &w.side[from].id.sign_sec, &cert, w.now.mono_ms), CONCLAVE_OK);
    assert_int_equal(msg_envelope_seal(&run_out, &out, msg_span_of_buf(&batch)), CONCLAVE_OK);
    const struct msg_mail mail = {.serial = ++w.serial, .account = from, .device = 1, .certificate = msg_span(w.side[from].cert, w.side[from].cert_len),
                                    .posted_ms = 1, .frames = msg_span_of_buf(&out)};
    front_say(to, MSG_MAIL, &mail);
}

static inline void
mail(uint64_t from, uint64_t to, enum msg_kind kind, const void *message)
{
    letter(from, to, kind, message);
    run(100);
}

/* A key as `account`'s, in some epoch. */
static inline void
hand(uint64_t from, uint64_t to, uint64_t account, uint64_t epoch, const struct msg_roomkey *key)
{
    const struct msg_room_key frame = {w.room.id, epoch, account, 1, key->tag, key->counter, key->chain};
    mail(from, to, MSG_ROOM_KEY, &frame);
}

static inline void
ask(uint64_t from, uint64_t to, uint64_t account, uint64_t epoch, const struct msg_tag *key)
{
    const struct msg_room_ask frame = {w.room.id, epoch, account, 1, *key};
    mail(from, to, MSG_ROOM_ASK, &frame);
}

static inline struct msg_room_frame
logged_frame(size_t n)
{
    union msg_any any;
    enum msg_kind kind;
    assert_true(n < w.log_count);
    assert_int_equal(msg_codec_decode(msg_span(w.log[n].frame.at, w.log[n].frame.len), &kind, &any), CONCLAVE_OK);
    return any.MSG_ANY_ROOM_FRAME;
}

static inline size_t
records(uint64_t who, enum peer_table table)
{
    size_t n = 0;
    for (size_t i = 0; i < w.side[who].record_count; i++)
        n += w.side[who].records[i].table == table;
    return n;
}

static inline size_t
notices(uint64_t who, const char *what)
{
    size_t n = 0;
    for (size_t i = 0; i < w.side[who].told_count; i++) {
        const struct told *told = &w.side[who].told[i];
        char text[MSG_REASON_MAX + 1];
        if (told->kind != MSG_TELL_NOTICE)
            continue;
        msg_text_copy(text, sizeof text, told->any.MSG_ANY_TELL_NOTICE.text);
        n += strstr(text, what) != NULL;
    }
    return n;
}

#endif
