/* How long one SEARCH takes in the registry's core, sockets aside: 10,000
 * sessions, 20,000 accounts; names online and names offline.  Prints
 * nanoseconds of CPU time per step. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "msg/name.h"
#include "tests/broker/fake_device.h"

#define SESSIONS 10000u
#define ACCOUNTS 20000u
#define STEPS 1000000u
#define FRAMES 1024u

static double
cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Writes accounts straight into the store: signing up is not what is timed. */
static void
fill_store(struct fake_store *store, struct fake_vault *vault, struct fake_device *devices)
{
    struct msg_effects effects;
    uint64_t id;
    char text[32];

    msg_effects_init(&effects);
    for (uint64_t n = 1; n <= ACCOUNTS; n++) {
        struct fake_device *device = &devices[n - 1];
        struct msg_name name;
        uint8_t body_bytes[MSG_CERT_MAX], cert_bytes[MSG_CERT_MAX];
        struct msg_buf body = {body_bytes, 0, sizeof body_bytes}, cert = {cert_bytes, 0, sizeof cert_bytes};
        struct msg_sig sig;

        snprintf(text, sizeof text, "User%llu", (unsigned long long)n);
        if (msg_name_parse(&name, msg_text(text)) != CONCLAVE_OK)
            abort();
        *device = (struct fake_device){.link = 1000 + n, .source = "192.0.2.1", .account = n, .device = 1};
        msg_keys_random(device->transport.at, sizeof device->transport.at);
        const struct msg_cert_body certificate = {
            .account = n, .device = 1, .name = msg_text(text), .transport = device->transport,
            .not_before_ms = FAKE_WALL_MS, .not_after_ms = FAKE_WALL_MS + MSG_CERT_LIFE_MS};
        if (msg_codec_encode(&body, MSG_CERT, &certificate) != CONCLAVE_OK
            || msg_cert_sign(&sig, msg_span_of_buf(&body), &vault->sec) != CONCLAVE_OK
            || msg_cert_wrap(&cert, msg_span_of_buf(&body), &sig) != CONCLAVE_OK)
            abort();
        const struct msg_rec_account account = {n, msg_text(text), msg_text("hash"), 0, 2};
        const struct msg_rec_number number = {n};
        const struct msg_rec_owner owner = {n, 1};
        const struct msg_rec_device record = {.account = n, .device = 1, .transport = device->transport,
                                              .certificate = msg_span_of_buf(&cert)};
        const struct msg_record_key key1 = msg_record_key1(n), key2 = msg_record_key2(n, 1);
        msg_effects_clear(&effects);
        msg_effects_put(&effects, BROKER_TABLE_ACCOUNTS, msg_record_key_span(&key1), MSG_REC_ACCOUNT, &account);
        msg_effects_put(&effects, BROKER_TABLE_NAMES, msg_span(name.folded, name.folded_len), MSG_REC_NAME, &number);
        msg_effects_put(&effects, BROKER_TABLE_OWNERS, msg_span(device->transport.at, 32), MSG_REC_OWNER, &owner);
        msg_effects_put(&effects, BROKER_TABLE_DEVICES, msg_record_key_span(&key2), MSG_REC_DEVICE, &record);
        msg_effects_store(&effects, n);
        for (size_t i = 0; i < effects.count; i++)
            if (!fake_store_take(store, &effects, &effects.list[i]))
                abort();
        (void)fake_store_commit(store, &id);
    }
    msg_effects_wipe(&effects);
}

/* One frame for each of FRAMES names from account `from` on. */
static struct msg_span *
make_frames(unsigned from, const char *prefix)
{
    struct msg_span *frames = calloc(FRAMES, sizeof *frames);

    for (unsigned i = 0; frames != NULL && i < FRAMES; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s%u", prefix, from + i * 7 % SESSIONS);
        const struct msg_search search = {i + 1, msg_text(text)};
        struct msg_buf out = {calloc(1, 64), 0, 64};
        if (out.at == NULL || msg_codec_encode(&out, MSG_SEARCH, &search) != CONCLAVE_OK)
            abort();
        frames[i] = msg_span_of_buf(&out);
    }
    return frames;
}

static void
measure(struct fake_registry *registry, const struct fake_device *devices, const char *what, struct msg_span *frames)
{
    struct msg_event event = {.kind = EVENT_FRAME, .source = msg_text("192.0.2.1")};
    double best = 0;

    for (int round = 0; round < 3; round++) {
        const double start = cpu_ns();
        for (unsigned i = 0; i < STEPS; i++) {
            const struct fake_device *device = &devices[i * 31u % SESSIONS];
            event.link = device->link;
            event.key = device->transport;
            event.bytes = frames[i % FRAMES];
            if (i % 64 == 0)
                registry->now.mono_ms++;
            msg_effects_clear(&registry->effects);
            broker_front_core_step(registry->core, registry->now, &event, &registry->effects);
            if (registry->effects.count == 0 || registry->effects.list[0].kind != EFFECT_SEND)
                abort();
        }
        const double ns = (cpu_ns() - start) / STEPS;
        if (round == 0 || ns < best)
            best = ns;
    }
    printf("search %-8s %7.0f ns a step\n", what, best);
    for (unsigned i = 0; i < FRAMES; i++) {
        void *at;
        memcpy(&at, &frames[i].at, sizeof at);
        free(at);
    }
    free(frames);
}

int
main(void)
{
    static struct fake_device devices[ACCOUNTS];
    static struct fake_registry registry;
    struct broker_front_settings settings;

    fake_settings(&settings);
    settings.accounts = 100000;
    settings.sessions = SESSIONS;
    settings.requests_burst = settings.requests_per_s = 1000000000;
    fake_registry_init(&registry, &settings);
    fake_store_lazy(registry.store, true);
    fill_store(registry.store, &registry.vault, devices);
    const double start = cpu_ns();
    for (unsigned i = 0; i < SESSIONS; i++)
        if (!fake_enter(&registry, &devices[i]))
            abort();
        else
            fake_registry_clear(&registry);
    printf("login           %7.0f ns each\n", (cpu_ns() - start) / SESSIONS);
    measure(&registry, devices, "online", make_frames(1, "user"));
    measure(&registry, devices, "offline", make_frames(SESSIONS + 1, "user"));
    measure(&registry, devices, "nobody", make_frames(1, "nobody"));
    /* A minute in which nobody says anything new but pings. */
    const struct msg_event wake = {.kind = EVENT_WAKE};
    const double idle = cpu_ns();
    uint64_t wakes = 0;
    for (uint64_t until_ms = registry.now.mono_ms + 40000; registry.wake_ms < until_ms; wakes++) {
        registry.now.mono_ms = registry.wake_ms;
        registry.wake_ms = UINT64_MAX;
        msg_effects_clear(&registry.effects);
        fake_registry_step(&registry, &wake);
    }
    printf("idle, 40 s      %7.0f ns in all, %llu wake-ups\n", cpu_ns() - idle, (unsigned long long)wakes);
    fake_registry_wipe(&registry);
    return 0;
}
