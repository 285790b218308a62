/* Posts into a room under any order of events: the input chooses who posts
 * what, who reads, takes, goes, comes back or takes no more, what the disk does
 * and when the daemon dies.  What a member is sent must leave no hole behind
 * what it has heard; it gets nothing of its own, nothing when it is not in the
 * room; and what is said to be stored is in the log. */
#include <string.h>

#include "broker/core/front_state.h"
#include "msg/codec.h"
#include "tests/broker/fake_device.h"
#include "tests/fuzz/fuzz.h"

#define DEVICES 4u /* the last one is a stranger */
#define STEPS_MAX 600u

static const struct msg_id lobby = {{'l', 'o', 'b', 'b', 'y'}};
static const char *const names[DEVICES] = {"alice", "bob", "carol", "dave"};
static struct fake_device devices[DEVICES];
static struct model {
    uint64_t number;            /* of its chain, posted last */
    uint64_t heard;             /* offset */
    uint64_t taken;
    bool live;
    bool in;
} models[DEVICES];

/* What is left of the input. */
static struct msg_span input;

static uint8_t
take(void)
{
    if (input.len == 0)
        return 0;
    input.len--;
    return *input.at++;
}

/* ---- what must hold ---- */

static void
check_posts(unsigned who, struct msg_list posts, bool cast)
{
    struct model *model = &models[who];
    struct msg_logged logged;
    union msg_any any;
    enum msg_kind kind;
    uint64_t last = 0;

    while (msg_codec_next(&posts, MSG_LOGGED, &logged)) {
        FUZZ_CLAIM(msg_codec_decode(logged.frame, &kind, &any) == CONCLAVE_OK);
        FUZZ_CLAIM((logged.offset != 0) == (kind == MSG_ROOM_FRAME));
        if (logged.offset == 0)
            continue;
        FUZZ_CLAIM(logged.offset > last);
        last = logged.offset;
        FUZZ_CLAIM(!cast || any.MSG_ANY_ROOM_FRAME.account != devices[who].account);
    }
    if (last > model->heard)
        model->heard = last;
}

static bool
is_logged(struct fake_registry *reg, const struct fake_device *device, uint64_t number)
{
    const struct broker_view view = fake_store_view(reg->store);
    struct msg_rec_room_frame record;
    uint64_t offset = 0;
    union msg_any any;
    enum msg_kind kind;

    while (broker_room_log_next(&view, &lobby, offset, &offset, &record)) {
        FUZZ_CLAIM(msg_codec_decode(record.frame, &kind, &any) == CONCLAVE_OK && kind == MSG_ROOM_FRAME);
        const struct msg_room_frame *frame = &any.MSG_ANY_ROOM_FRAME;
        if (frame->account == device->account && number >= frame->first && number < frame->first + frame->count)
            return true;
    }
    return false;
}

static void
check_said(struct fake_registry *reg)
{
    union msg_any any;
    enum msg_kind kind;

    for (size_t i = 0; i < reg->sent_count; i++) {
        const struct fake_sent *sent = &reg->sent[i];
        FUZZ_CLAIM(msg_codec_decode(msg_span(sent->bytes, sent->len), &kind, &any) == CONCLAVE_OK);
        unsigned who = 0;
        while (who < DEVICES && devices[who].link != sent->link)
            who++;
        if (who == DEVICES)
            continue;
        struct model *model = &models[who];
        if (kind == MSG_ROOM_CAST) {
            FUZZ_CLAIM(model->live && model->in);
            FUZZ_CLAIM(any.MSG_ANY_ROOM_CAST.prev <= model->heard);
            model->taken += sent->len;
            check_posts(who, any.MSG_ANY_ROOM_CAST.posts, true);
        } else if (kind == MSG_ROOM_LOG) {
            FUZZ_CLAIM(model->in);
            model->live = any.MSG_ANY_ROOM_LOG.live;
            model->heard = any.MSG_ANY_ROOM_LOG.next;
            check_posts(who, any.MSG_ANY_ROOM_LOG.frames, false);
            FUZZ_CLAIM(model->heard == any.MSG_ANY_ROOM_LOG.next);
        } else if (kind == MSG_ROOM_STORED) {
            FUZZ_CLAIM(is_logged(reg, &devices[who], any.MSG_ANY_ROOM_STORED.number));
        } else if (kind == MSG_ROOM_REFUSED && any.MSG_ANY_ROOM_REFUSED.first > 0) {
            model->number = any.MSG_ANY_ROOM_REFUSED.first - 1;
        }
    }
    fake_registry_clear(reg);
}

/* ---- what may happen ---- */

static void
say_post(struct fake_registry *reg, const struct fake_device *device, enum msg_kind kind, const void *message)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf buf = {bytes, 0, sizeof bytes};

    FUZZ_CLAIM(msg_codec_encode(&buf, kind, message) == CONCLAVE_OK);
    const struct msg_room_post post = {lobby, msg_span_of_buf(&buf)};
    fake_say(reg, device, MSG_ROOM_POST, &post);
}

static void
post(struct fake_registry *reg, unsigned who)
{
    static const uint8_t box[60000];
    const struct broker_view view = fake_store_view(reg->store);
    const struct fake_device *device = &devices[who];
    const uint8_t how = take();
    struct msg_rec_room record;
    struct msg_room_frame frame = {.room = lobby, .account = device->account, .device = device->device,
                                   .incarnation = 1, .first = models[who].number + 1, .count = 1 + how % 3u,
                                   .box = msg_span(box, how % 8 == 0 ? sizeof box : 50)};

    FUZZ_CLAIM(broker_room_records_room(&view, &lobby, &record));
    frame.epoch = record.epoch;
    frame.epoch_head = record.epoch_head;
    if (how >= 250)
        frame.first += 2; /* a hole */
    else if (how >= 244 && frame.first > 1)
        frame.first--;    /* again */
    else if (how >= 240)
        frame.account++;
    else
        models[who].number += frame.count;
    say_post(reg, device, MSG_ROOM_FRAME, &frame);
}

static void
tip(struct fake_registry *reg, unsigned who)
{
    const struct msg_room_tip tip = {.room = lobby, .account = devices[who].account, .device = devices[who].device,
                                     .incarnation = 1, .number = 1};

    say_post(reg, &devices[who], MSG_ROOM_TIP, &tip);
}

static void
act(struct fake_registry *reg, unsigned who, enum msg_act what)
{
    const struct broker_view view = fake_store_view(reg->store);
    static uint64_t ts_ms;
    struct msg_room_op op = {.room = lobby, .act = what, .account = devices[who].account,
                             .device = devices[who].device, .ts_ms = ++ts_ms};
    struct msg_rec_room record;
    uint8_t bytes[MSG_ROOM_OP_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};

    if (what == MSG_ACT_CREATE) {
        op.name = msg_text("#lobby");
    } else if (broker_room_records_room(&view, &lobby, &record)) {
        op.seen = record.number;
        op.seen_head = record.head;
    }
    FUZZ_CLAIM(msg_room_sign_op(&out, &op, &devices[who].sign_sec) == CONCLAVE_OK);
    const struct msg_room_propose propose = {7, lobby, msg_span_of_buf(&out), {NULL, 0}};
    fake_say(reg, &devices[who], MSG_ROOM_PROPOSE, &propose);
}

static void
enter(struct fake_registry *reg, unsigned who)
{
    models[who].live = false;
    models[who].taken = 0;
    (void)fake_enter(reg, &devices[who]); /* its session goes on where it was in already */
}

static void
settle(struct fake_registry *reg)
{
    check_said(reg);
    fake_registry_commit(reg);
    fake_registry_pass(reg, 0);
    fake_registry_commit(reg);
    check_said(reg);
}

static void
happen(struct fake_registry *reg)
{
    const uint8_t what = take();
    const unsigned who = take() % DEVICES;
    const struct msg_room_read read = {3, lobby, what % 2 ? models[who].heard : 0, {0}};
    const struct msg_room_taken taken = {models[who].taken};
    struct msg_event event = {.kind = EVENT_STORED};

    if (what < 90) {
        post(reg, who);
    } else if (what < 100) {
        tip(reg, who);
    } else if (what < 130) {
        fake_say(reg, &devices[who], MSG_ROOM_READ, &read);
    } else if (what < 145) {
        fake_say(reg, &devices[who], MSG_ROOM_TAKEN, &taken);
    } else if (what < 175) {
        fake_registry_pass(reg, 0);
    } else if (what < 180) {
        fake_registry_pass(reg, take() * 20u);
    } else if (what < 215) {
        if (fake_store_commit(reg->store, &event.id))
            fake_registry_step(reg, &event);
    } else if (what < 225) {
        event.err = CONCLAVE_ERR_STORE_FULL;
        if (fake_store_refuse(reg->store, &event.id))
            fake_registry_step(reg, &event);
    } else if (what < 232) {
        fake_registry_down(reg, devices[who].link);
        enter(reg, who);
    } else if (what < 240) {
        /* Whoever is told so has lost what is counted; the model lets it read anew. */
        event = (struct msg_event){.kind = EVENT_FULL, .link = devices[who].link, .id = what};
        models[who].live = false;
        fake_registry_step(reg, &event);
    } else if (what < 246 && who != 0 && who != DEVICES - 1) {
        settle(reg);
        act(reg, who, models[who].in ? MSG_ACT_LEAVE : MSG_ACT_JOIN);
        const bool in = !models[who].in;
        models[who].in |= in; /* it may be sent what it is entitled to until it is out */
        settle(reg);
        const uint32_t room = broker_rooms_by_id(&reg->core->rooms, &lobby);
        const uint32_t member = broker_rooms_member(&reg->core->rooms, room, devices[who].account);
        models[who].in = member != BROKER_NONE && broker_rooms_is_in(&reg->core->rooms.members[member]);
        models[who].live &= models[who].in;
    } else if (what < 250) {
        fake_registry_crash(reg);
        for (unsigned i = 0; i < DEVICES; i++)
            enter(reg, i);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake_registry reg;
    struct broker_front_settings settings;

    FUZZ_CLAIM(msg_keys_init() == CONCLAVE_OK);
    if (devices[0].link == 0)
        for (unsigned i = 0; i < DEVICES; i++)
            fake_device_init(&devices[i], 100 + i);
    fake_settings(&settings);
    settings.requests_burst = 100000;
    fake_registry_init(&reg, &settings);
    memset(models, 0, sizeof models);
    input = msg_span(data, size);
    for (unsigned i = 0; i < DEVICES; i++) {
        FUZZ_CLAIM(fake_admit(&reg, &devices[i], MSG_SIGNUP, names[i], "correct horse"));
        enter(&reg, i);
        models[i].in = i < DEVICES - 1;
        if (models[i].in)
            act(&reg, i, i == 0 ? MSG_ACT_CREATE : MSG_ACT_JOIN);
    }
    fake_registry_clear(&reg);
    reg.hold_store = true;
    for (unsigned steps = 0; input.len > 0 && steps < STEPS_MAX; steps++) {
        happen(&reg);
        check_said(&reg);
    }
    settle(&reg);
    FUZZ_CLAIM(reg.core->posts.count == 0);
    fake_registry_wipe(&reg);
    return 0;
}
