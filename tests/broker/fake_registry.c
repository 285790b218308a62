/* See fake_registry.h. */
#include "tests/broker/fake_registry.h"

#include <stdio.h>
#include <stdlib.h>

#include "msg/cert.h"
#include "msg/codec.h"

static void *
grow(void *at, size_t bytes)
{
    void *const grown = realloc(at, bytes > 0 ? bytes : 1);

    if (grown == NULL)
        abort();
    return grown;
}

static uint8_t *
copy_of(struct msg_span bytes)
{
    uint8_t *copy = grow(NULL, bytes.len);

    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    return copy;
}

/* ---- vault ---- */

void
fake_vault_init(struct fake_vault *self)
{
    *self = (struct fake_vault){.params = 1};
    msg_keys_new_sign(&self->pub, &self->sec);
}

static void
hash_of(char out[MSG_HASH_TEXT_MAX + 1], struct msg_text password, unsigned params)
{
    uint8_t hash[16];
    char hex[33];

    msg_keys_hash(hash, sizeof hash, "fake password", msg_span_of_text(password));
    msg_keys_to_hex(hex, hash, sizeof hash);
    snprintf(out, MSG_HASH_TEXT_MAX + 1, "$fake$%u$%s", params, hex);
}

bool
fake_vault_answer(struct fake_vault *self, struct msg_span request, struct msg_buf *answer)
{
    char text[MSG_HASH_TEXT_MAX + 1], old[MSG_HASH_TEXT_MAX + 1];
    union msg_any any;
    enum msg_kind kind;
    unsigned params = 0;

    if (msg_codec_decode(request, &kind, &any) != CONCLAVE_OK)
        return false;
    if (kind == MSG_VAULT_HASH) {
        self->hashes++;
        hash_of(text, any.MSG_ANY_VAULT_HASH.password, self->params);
        const struct msg_vault_hashed hashed = {any.MSG_ANY_VAULT_HASH.job, msg_text(text)};
        return msg_codec_encode(answer, MSG_VAULT_HASHED, &hashed) == CONCLAVE_OK;
    }
    if (kind == MSG_VAULT_CHECK) {
        self->checks++;
        msg_text_copy(old, sizeof old, any.MSG_ANY_VAULT_CHECK.hash);
        const bool shaped = sscanf(old, "$fake$%u$", &params) == 1;
        hash_of(text, any.MSG_ANY_VAULT_CHECK.password, params);
        const struct msg_vault_checked checked = {any.MSG_ANY_VAULT_CHECK.job, shaped && strcmp(text, old) == 0,
                                                  shaped && params < self->params};
        return msg_codec_encode(answer, MSG_VAULT_CHECKED, &checked) == CONCLAVE_OK;
    }
    if (kind == MSG_VAULT_SIGN) {
        struct msg_vault_signed signed_ = {.job = any.MSG_ANY_VAULT_SIGN.job};
        self->signs++;
        return msg_cert_sign(&signed_.sig, any.MSG_ANY_VAULT_SIGN.body, &self->sec) == CONCLAVE_OK
               && msg_codec_encode(answer, MSG_VAULT_SIGNED, &signed_) == CONCLAVE_OK;
    }
    return false;
}

/* ---- one registry ---- */

void
fake_settings(struct broker_front_settings *settings)
{
    *settings = (struct broker_front_settings){
        .accounts = 1000,
        .devices = 8,
        .sessions = 1000,
        .watches = 100,
        .rooms = 20,
        .room_members = 10,
        .memberships = 60,
        .account_rooms = 8,
        .mesh_join = 2,
        .mesh_stay = 3,
        .posts_per_s = 10000,
        .post_kib_per_s = 1000000,
        .log_frames = 10000,
        .log_bytes = 64u << 20,
        .log_ms = 30ull * 86400000,
        .requests_burst = 200,
        .requests_per_s = 100,
        .relay_burst_bytes = 1u << 20,
        .relay_bytes_per_s = 1u << 20,
        .mail = {30, 10000, 64, 10000, 64, 20000, 256},
        .lease_ms = 15000,
        .expiry_ms = 45000,
        .gather_ms = 1000,
        .throttle_failures = 3,
        .throttle_first_ms = 10000,
        .throttle_last_ms = 900000,
        .registration = true,
        .front_port = 15601,
    };
    memset(settings->front.at, 0xf1, sizeof settings->front.at);
    memset(settings->door.at, 0xd0, sizeof settings->door.at);
}

static void
start(struct fake_registry *self)
{
    const struct broker_view view = fake_store_view(self->store);
    const struct msg_event event = {.kind = EVENT_START};

    self->core = broker_front_core_new(&self->settings, &view);
    if (self->core == NULL)
        abort();
    self->wake_ms = UINT64_MAX;
    fake_registry_step(self, &event);
}

void
fake_registry_init(struct fake_registry *self, const struct broker_front_settings *settings)
{
    if (msg_keys_init() != CONCLAVE_OK)
        abort();
    *self = (struct fake_registry){.now = {FAKE_START_MS, FAKE_WALL_MS}};
    if (settings != NULL)
        self->settings = *settings;
    else
        fake_settings(&self->settings);
    self->store = fake_store_new();
    fake_vault_init(&self->vault);
    self->settings.signer = self->vault.pub;
    msg_effects_init(&self->effects);
    start(self);
}

void
fake_registry_clear(struct fake_registry *self)
{
    for (size_t i = 0; i < self->sent_count; i++)
        free(self->sent[i].bytes);
    self->sent_count = 0;
    self->dropped_count = 0;
    self->log[0] = '\0';
}

void
fake_registry_wipe(struct fake_registry *self)
{
    fake_registry_clear(self);
    free(self->sent);
    free(self->dropped);
    broker_front_core_destroy(&self->core);
    fake_store_destroy(&self->store);
    msg_effects_wipe(&self->effects);
}

void
fake_registry_crash(struct fake_registry *self)
{
    broker_front_core_destroy(&self->core);
    fake_store_crash(self->store);
    start(self);
}

static void
keep_sent(struct fake_registry *self, uint64_t link, struct msg_span bytes)
{
    uint64_t kind, req;

    if (self->sent_count == self->sent_room) {
        self->sent_room = self->sent_room > 0 ? self->sent_room * 2 : 64;
        self->sent = grow(self->sent, self->sent_room * sizeof *self->sent);
    }
    msg_codec_peek(bytes, &kind, &req);
    self->sent[self->sent_count++] = (struct fake_sent){link, (enum msg_kind)kind, copy_of(bytes), bytes.len};
}

static void
perform(struct fake_registry *self, const struct msg_effect *effect)
{
    const struct msg_span bytes = msg_effects_bytes(&self->effects, effect);

    if (fake_store_take(self->store, &self->effects, effect))
        return;
    if (effect->kind == EFFECT_SEND) {
        keep_sent(self, effect->id, bytes);
    } else if (effect->kind == EFFECT_CAST) {
        for (size_t i = 0; i < msg_effects_cast_count(effect); i++)
            keep_sent(self, msg_effects_cast_link(&self->effects, effect, i), bytes);
    } else if (effect->kind == EFFECT_DROP) {
        if (self->dropped_count == self->dropped_room) {
            self->dropped_room = self->dropped_room > 0 ? self->dropped_room * 2 : 16;
            self->dropped = grow(self->dropped, self->dropped_room * sizeof *self->dropped);
        }
        self->dropped[self->dropped_count++] = effect->id;
    } else if (effect->kind == EFFECT_WAKE) {
        self->wake_ms = self->now.mono_ms + effect->id;
    } else if (effect->kind == EFFECT_LOG) {
        msg_text_copy(self->log, sizeof self->log, (struct msg_text){(const char *)bytes.at, bytes.len});
    }
}

static void
step_once(struct fake_registry *self, const struct msg_event *event)
{
    msg_effects_clear(&self->effects);
    broker_front_core_step(self->core, self->now, event, &self->effects);
    for (size_t i = 0; i < self->effects.count; i++)
        perform(self, &self->effects.list[i]);
}

/* Takes the first question to the vault off the list. */
static bool
next_question(struct fake_registry *self, struct fake_sent *question)
{
    for (size_t i = 0; i < self->sent_count; i++) {
        if (self->sent[i].link != BROKER_LINK_VAULT)
            continue;
        *question = self->sent[i];
        memmove(&self->sent[i], &self->sent[i + 1], (self->sent_count - i - 1) * sizeof *self->sent);
        self->sent_count--;
        return true;
    }
    return false;
}

static bool
ask_vault(struct fake_registry *self)
{
    uint8_t bytes[1024];
    struct msg_buf answer = {bytes, 0, sizeof bytes};
    struct fake_sent question;

    if (self->hold_vault || !next_question(self, &question))
        return false;
    if (fake_vault_answer(&self->vault, msg_span(question.bytes, question.len), &answer)) {
        const struct msg_event event = {.kind = EVENT_FRAME, .link = BROKER_LINK_VAULT,
                                        .bytes = msg_span_of_buf(&answer)};
        step_once(self, &event);
    }
    free(question.bytes);
    return true;
}

static bool
commit_one(struct fake_registry *self)
{
    struct msg_event event = {.kind = EVENT_STORED};

    if (self->full)
        event.err = CONCLAVE_ERR_STORE_FULL;
    if (!(self->full ? fake_store_refuse : fake_store_commit)(self->store, &event.id))
        return false;
    step_once(self, &event);
    return true;
}

void
fake_registry_step(struct fake_registry *self, const struct msg_event *event)
{
    step_once(self, event);
    while (ask_vault(self) || (!self->hold_store && commit_one(self)))
        self->loops++;
}

void
fake_registry_commit(struct fake_registry *self)
{
    while (commit_one(self) || ask_vault(self))
        self->loops++;
}

void
fake_registry_pass(struct fake_registry *self, uint64_t ms)
{
    const uint64_t until_ms = self->now.mono_ms + ms;
    const struct msg_event event = {.kind = EVENT_WAKE};

    while (self->wake_ms <= until_ms) {
        const uint64_t at_ms = self->wake_ms > self->now.mono_ms ? self->wake_ms : self->now.mono_ms;
        self->now.wall_ms += at_ms - self->now.mono_ms;
        self->now.mono_ms = at_ms;
        self->wake_ms = UINT64_MAX;
        fake_registry_step(self, &event);
    }
    self->now.wall_ms += until_ms - self->now.mono_ms;
    self->now.mono_ms = until_ms;
}

void
fake_registry_hear_bytes(struct fake_registry *self, uint64_t link, const struct msg_box_pub *key,
                         struct msg_span bytes)
{
    struct msg_event event = {.kind = EVENT_FRAME, .link = link, .bytes = bytes, .source = msg_text("192.0.2.1")};

    if (key != NULL)
        event.key = *key;
    fake_registry_step(self, &event);
}

void
fake_registry_hear(struct fake_registry *self, uint64_t link, const struct msg_box_pub *key, const char *source,
                   enum msg_kind kind, const void *message)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf frame = {bytes, 0, sizeof bytes};
    struct msg_event event = {.kind = EVENT_FRAME, .link = link, .source = msg_text(source)};

    if (msg_codec_encode(&frame, kind, message) != CONCLAVE_OK)
        abort();
    if (key != NULL)
        event.key = *key;
    event.bytes = msg_span_of_buf(&frame);
    fake_registry_step(self, &event);
}

void
fake_registry_down(struct fake_registry *self, uint64_t link)
{
    const struct msg_event event = {.kind = EVENT_LINK_DOWN, .link = link};

    fake_registry_step(self, &event);
}

bool
fake_registry_dropped(const struct fake_registry *self, uint64_t link)
{
    for (size_t i = 0; i < self->dropped_count; i++)
        if (self->dropped[i] == link)
            return true;
    return false;
}

bool
fake_registry_sent(const struct fake_registry *self, uint64_t link, enum msg_kind kind, size_t n,
                   union msg_any *any)
{
    for (size_t i = 0; i < self->sent_count; i++) {
        const struct fake_sent *sent = &self->sent[i];
        enum msg_kind found;
        if (sent->link != link || (kind != MSG_KIND_NONE && sent->kind != kind) || n-- > 0)
            continue;
        return msg_codec_decode(msg_span(sent->bytes, sent->len), &found, any) == CONCLAVE_OK;
    }
    return false;
}

size_t
fake_registry_sent_count(const struct fake_registry *self, uint64_t link, enum msg_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < self->sent_count; i++)
        count += self->sent[i].link == link && (kind == MSG_KIND_NONE || self->sent[i].kind == kind);
    return count;
}

bool
fake_registry_told(const struct fake_registry *self, uint64_t ticket, enum msg_kind *kind, union msg_any *any)
{
    union msg_any outer;

    for (size_t n = 0; fake_registry_sent(self, BROKER_LINK_DOOR, MSG_DOOR_TELL, n, &outer); n++)
        if (outer.MSG_ANY_DOOR_TELL.ticket == ticket)
            return msg_codec_decode(outer.MSG_ANY_DOOR_TELL.frame, kind, any) == CONCLAVE_OK;
    return false;
}
