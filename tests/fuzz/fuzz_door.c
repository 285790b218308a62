/* The door's core under any order of events: whatever strangers and the front
 * say, it answers each stranger with whole frames, holds no more questions
 * than it may, and passes on only what it has checked. */
#include <string.h>

#include "broker/core/door_core.h"
#include "msg/cert.h"
#include "msg/codec.h"
#include "msg/name.h"
#include "tests/broker/fake_device.h"
#include "tests/fuzz/fuzz.h"

#define PENDING 6u

static struct fake_device devices[3];
static struct fake_registry registry; /* for its door key alone */
static struct msg_span input;
static uint64_t tickets[PENDING * 4];
static unsigned ticket_count;

static uint8_t
take(void)
{
    if (input.len == 0)
        return 0;
    input.len--;
    return *input.at++;
}

/* What was said to whom. */
static void
check(const struct msg_effects *effects)
{
    union msg_any any, inner;
    enum msg_kind kind;

    for (size_t i = 0; i < effects->count; i++) {
        const struct msg_effect *effect = &effects->list[i];
        FUZZ_CLAIM(effect->kind != EFFECT_PUT && effect->kind != EFFECT_DELETE && effect->kind != EFFECT_STORE);
        if (effect->kind != EFFECT_SEND)
            continue;
        const struct msg_span bytes = msg_effects_bytes(effects, effect);
        if (effect->id != BROKER_LINK_FRONT)
            continue; /* what the front says is passed on as it is */
        FUZZ_CLAIM(msg_codec_decode(bytes, &kind, &any) == CONCLAVE_OK);
        FUZZ_CLAIM(kind == MSG_DOOR_ASK || kind == MSG_DOOR_POLICY);
        if (kind != MSG_DOOR_ASK)
            continue;
        FUZZ_CLAIM(msg_codec_decode(any.MSG_ANY_DOOR_ASK.frame, &kind, &inner) == CONCLAVE_OK);
        FUZZ_CLAIM(kind == MSG_SIGNUP || kind == MSG_ENROL || kind == MSG_PASSWD);
        struct msg_name name;
        if (kind != MSG_PASSWD) {
            const struct msg_signup *signup = &inner.MSG_ANY_SIGNUP;
            FUZZ_CLAIM(msg_name_parse(&name, signup->name) == CONCLAVE_OK);
            FUZZ_CLAIM(msg_cert_check_proof(&signup->proof, &any.MSG_ANY_DOOR_ASK.key, &registry.settings.door,
                                            &signup->sign)
                       == CONCLAVE_OK);
        }
        tickets[ticket_count++ % (PENDING * 4)] = any.MSG_ANY_DOOR_ASK.ticket;
    }
}

static void
bend_byte(struct msg_buf *frame)
{
    const size_t at = take() % frame->len;

    frame->at[at] = take();
}

static void
knock(struct msg_event *event, struct msg_buf *frame)
{
    static const char *const names[] = {"alice", "bob", "-", ""};
    static const char *const passwords[] = {"correct horse", "short"};
    const struct fake_device *device = &devices[take() % 3];
    const char *name = names[take() % 4];
    const char *password = passwords[take() % 2];
    const uint8_t how = take();
    struct msg_signup signup;

    event->key = devices[how % 16 == 15 ? 0 : device - devices].transport;
    if (how % 3 == 0) {
        const struct msg_passwd passwd = {5, msg_text(name), msg_text("old"), msg_text(password)};
        FUZZ_CLAIM(msg_codec_encode(frame, MSG_PASSWD, &passwd) == CONCLAVE_OK);
    } else {
        fake_device_signup(device, &registry, &signup, name, password);
        FUZZ_CLAIM(msg_codec_encode(frame, how % 3 == 1 ? MSG_SIGNUP : MSG_ENROL, &signup) == CONCLAVE_OK);
    }
    if (how >= 200)
        bend_byte(frame);
}

static void
happen(struct msg_event *event, struct msg_buf *frame, struct msg_time *now)
{
    static const char *const sources[] = {"192.0.2.1", "2001:db8::1", "2001:db8::2", ""};
    const uint8_t what = take();

    event->kind = EVENT_FRAME;
    event->link = 10 + take() % 6u;
    event->source = msg_text(sources[take() % 4]);
    if (what < 100) {
        knock(event, frame);
        event->bytes = msg_span_of_buf(frame);
    } else if (what < 130) {
        size_t len = take() * 20u;
        len = len < input.len ? len : input.len;
        event->bytes = msg_span(input.at, len);
        input.at += len;
        input.len -= len;
        event->link = what % 4 == 0 ? BROKER_LINK_FRONT : event->link;
    } else if (what < 190) {
        const struct msg_door_tell tell = {tickets[take() % (PENDING * 4)], msg_span("\x93\x01\x02\x05", 4)};
        FUZZ_CLAIM(msg_codec_encode(frame, MSG_DOOR_TELL, &tell) == CONCLAVE_OK);
        event->link = BROKER_LINK_FRONT;
        event->bytes = msg_span_of_buf(frame);
    } else if (what < 215) {
        event->kind = EVENT_LINK_DOWN;
        event->link = what % 5 == 0 ? BROKER_LINK_FRONT : event->link;
    } else if (what < 225) {
        event->kind = EVENT_LINK_UP;
        event->link = what % 2 == 0 ? BROKER_LINK_FRONT : event->link;
    } else if (what < 253) {
        event->kind = EVENT_WAKE;
        now->mono_ms += take() * 200u;
    } else {
        event->kind = EVENT_STOP;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct broker_door_settings settings = {.signups_burst = 3, .signups_per_hour = 3600, .knocks_burst = 10,
                                            .knocks_per_minute = 600, .pending = PENDING};
    struct msg_time now = {FAKE_START_MS, FAKE_WALL_MS};
    struct msg_effects effects;
    struct broker_door_counts counts;

    FUZZ_CLAIM(msg_keys_init() == CONCLAVE_OK);
    memset(settings.door.at, 0xd0, sizeof settings.door.at);
    registry.settings.door = settings.door;
    if (devices[0].link == 0)
        for (unsigned i = 0; i < 3; i++)
            fake_device_init(&devices[i], 10 + i);
    memset(tickets, 0, sizeof tickets);
    ticket_count = 0;
    input = msg_span(data, size);
    struct broker_door_core *door = broker_door_core_new(&settings);
    FUZZ_CLAIM(door != NULL);
    msg_effects_init(&effects);
    while (input.len > 0) {
        struct msg_event event = {0};
        struct msg_buf frame = {bytes, 0, sizeof bytes};
        happen(&event, &frame, &now);
        msg_effects_clear(&effects);
        broker_door_core_step(door, now, &event, &effects);
        check(&effects);
        broker_door_core_counts(door, &counts);
        FUZZ_CLAIM(counts.pending <= PENDING);
    }
    msg_effects_wipe(&effects);
    broker_door_core_destroy(&door);
    return 0;
}
