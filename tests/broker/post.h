/* What the tests of mail share: parcels, deposits, and what comes of them. */
#ifndef TESTS_BROKER_POST_H
#define TESTS_BROKER_POST_H

#include "tests/broker/world.h"

#define POST_FRAMES_MAX 66000u

struct post {                   /* a deposit under construction */
    uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf buf;
    struct msg_deposit deposit;
};

/* The frames of a parcel: a RUN and a SEALED whose box has that many bytes. */
static inline struct msg_span
post_frames(const struct fake_device *from, uint64_t account, uint64_t device, uint8_t tag, size_t box)
{
    static uint8_t bytes[POST_FRAMES_MAX];
    static uint8_t filling[POST_FRAMES_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    struct msg_run_frame run = {.from_account = from->account, .from_device = from->device, .to_account = account,
                                .to_device = device, .mail = from->mail, .ephemeral = from->mail};
    struct msg_sealed sealed = {.counter = 0, .box = msg_span(filling, box)};

    memset(run.run.at, tag, sizeof run.run.at);
    sealed.run = run.run;
    assert_int_equal(msg_codec_encode(&out, MSG_RUN, &run), CONCLAVE_OK);
    assert_int_equal(msg_codec_encode(&out, MSG_SEALED, &sealed), CONCLAVE_OK);
    return msg_span_of_buf(&out);
}

static inline void
post_begin(struct post *self, uint64_t req)
{
    self->buf = (struct msg_buf){self->bytes, 0, sizeof self->bytes};
    self->deposit = (struct msg_deposit){.req = req};
}

static inline void
post_add_parcel(struct post *self, const struct msg_parcel *parcel)
{
    assert_int_equal(msg_codec_append(&self->buf, &self->deposit.parcels, MSG_PARCEL, parcel), CONCLAVE_OK);
}

static inline void
post_add_frames(struct post *self, uint64_t account, uint64_t device, struct msg_span frames)
{
    post_add_parcel(self, &(struct msg_parcel){.account = account, .device = device, .frames = frames});
}

/* As a sender key of a room would be. */
static inline void
post_add_key(struct post *self, const struct fake_device *from, const struct fake_device *to, uint8_t tag)
{
    post_add_parcel(self, &(struct msg_parcel){.account = to->account, .device = to->device, .rooms = true,
                                               .frames = post_frames(from, to->account, to->device, tag, 100)});
}

static inline void
post_add(struct post *self, const struct fake_device *from, const struct fake_device *to, uint8_t tag, size_t box)
{
    post_add_frames(self, to->account, to->device, post_frames(from, to->account, to->device, tag, box));
}

/* One parcel in one deposit. */
static inline void
post_one(const struct fake_device *from, const struct fake_device *to, uint64_t req, uint8_t tag, size_t box)
{
    static struct post post;

    post_begin(&post, req);
    post_add(&post, from, to, tag, box);
    fake_say(&reg, from, MSG_DEPOSIT, &post.deposit);
}

/* The same of a key. */
static inline void
post_key(const struct fake_device *from, const struct fake_device *to, uint64_t req, uint8_t tag)
{
    static struct post post;

    post_begin(&post, req);
    post_add_key(&post, from, to, tag);
    fake_say(&reg, from, MSG_DEPOSIT, &post.deposit);
}

/* The first DEPOSITED: which req, and how many devices it refuses. */
static inline void
post_expect(const struct fake_device *from, uint64_t req, size_t refused)
{
    assert_true(fake_registry_sent(&reg, from->link, MSG_DEPOSITED, 0, &any));
    assert_int_equal(any.MSG_ANY_DEPOSITED.req, req);
    assert_int_equal(any.MSG_ANY_DEPOSITED.refused.count, refused);
}

/* The only refusal of the first DEPOSITED. */
static inline void
post_expect_refusal(const struct fake_device *from, uint64_t account, uint64_t device, const char *code)
{
    struct msg_refusal refusal;

    assert_true(fake_registry_sent(&reg, from->link, MSG_DEPOSITED, 0, &any));
    assert_int_equal(any.MSG_ANY_DEPOSITED.refused.count, 1);
    assert_true(msg_codec_next(&any.MSG_ANY_DEPOSITED.refused, MSG_REFUSAL, &refusal));
    assert_int_equal(refusal.account, account);
    assert_int_equal(refusal.device, device);
    expect_text(refusal.code, code);
}

/* The tag of the n-th MAIL that the device got; its serial in *serial. */
static inline uint8_t
post_mail(const struct fake_device *device, size_t n, uint64_t *serial)
{
    union msg_any inner;
    enum msg_kind kind;

    assert_true(fake_registry_sent(&reg, device->link, MSG_MAIL, n, &any));
    struct msg_span frames = any.MSG_ANY_MAIL.frames;
    assert_int_equal(msg_codec_next_frame(&frames, &kind, &inner), CONCLAVE_OK);
    assert_int_equal(kind, MSG_RUN);
    *serial = any.MSG_ANY_MAIL.serial;
    return inner.MSG_ANY_RUN.run.at[0];
}

static inline size_t
post_mails(const struct fake_device *device)
{
    return fake_registry_sent_count(&reg, device->link, MSG_MAIL);
}

static inline void
post_collect(const struct fake_device *device, uint64_t serial)
{
    const struct msg_collected collected = {serial};

    fake_say(&reg, device, MSG_COLLECTED, &collected);
}

static inline size_t
post_stored(void)
{
    return fake_store_count(reg.store, BROKER_TABLE_MAIL);
}

static inline uint64_t
post_waiting(void)
{
    struct broker_front_counts counts;

    broker_front_core_counts(reg.core, &counts);
    return counts.mail_waiting;
}

#endif
