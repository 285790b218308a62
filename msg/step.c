/* The list of effects that a core writes and its shell performs, and the keys
 * of records.  Grows to the largest step there was; pure otherwise. */
#include "msg/step.h"

#include <assert.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "msg/codec.h"
#include "msg/flat.h"

#define ARENA_FIRST  4096u /* bytes */
#define LIST_FIRST   32u   /* effects */
#define LOG_LINE_MAX 1024u

/* Out of memory in the middle of a step leaves a core and its shell apart:
 * there is nothing better to do than to end and restart from the store. */
static void *
grow(void *at, size_t bytes)
{
    void *const grown = realloc(at, bytes);
    if (grown == NULL)
        abort();
    return grown;
}

static void
arena_reserve(struct msg_buf *arena, size_t len)
{
    if (len <= arena->cap - arena->len)
        return;
    size_t cap = arena->cap > 0 ? arena->cap : ARENA_FIRST;
    while (len > cap - arena->len)
        cap *= 2;
    arena->at = grow(arena->at, cap);
    arena->cap = cap;
}

static size_t
arena_add(struct msg_buf *arena, struct msg_span bytes)
{
    const size_t at = arena->len;
    arena_reserve(arena, bytes.len);
    if (bytes.len > 0)
        memcpy(arena->at + at, bytes.at, bytes.len);
    arena->len += bytes.len;
    return at;
}

static struct msg_effect *
add(struct msg_effects *self, enum msg_effect_kind kind)
{
    if (self->count == self->room) {
        self->room = self->room > 0 ? 2 * self->room : LIST_FIRST;
        self->list = grow(self->list, self->room * sizeof *self->list);
    }
    struct msg_effect *const effect = &self->list[self->count++];
    *effect = (struct msg_effect){.kind = kind};
    return effect;
}

static void
add_bytes(struct msg_effects *self, struct msg_effect *effect, struct msg_span bytes)
{
    effect->at = arena_add(&self->arena, bytes);
    effect->len = bytes.len;
}

static void
add_key(struct msg_effects *self, struct msg_effect *effect, struct msg_span key)
{
    assert(key.len <= MSG_RECORD_KEY_MAX);
    effect->key_at = arena_add(&self->arena, key);
    effect->key_len = key.len;
}

typedef enum conclave_err write_fn(struct msg_buf *out, enum msg_kind kind, const void *message);

/* Writes straight into the arena.  false: larger than a frame may be. */
static inline bool
add_message(struct msg_effects *self, struct msg_effect *effect, write_fn *write, enum msg_kind kind,
            const void *message)
{
    const size_t at = self->arena.len;
    for (;;) {
        const enum conclave_err err = write(&self->arena, kind, message);
        if (err == CONCLAVE_OK)
            break;
        if (err == CONCLAVE_ERR_TOO_LARGE)
            return false;
        assert(err == CONCLAVE_ERR_SPACE);
        arena_reserve(&self->arena, self->arena.cap - self->arena.len + ARENA_FIRST);
    }
    effect->at = at;
    effect->len = self->arena.len - at;
    return true;
}

static bool
add_frame(struct msg_effects *self, struct msg_effect *effect, enum msg_kind kind,
          const void *message)
{
    return add_message(self, effect, msg_codec_encode, kind, message);
}

void
msg_effects_init(struct msg_effects *self)
{
    *self = (struct msg_effects){0};
}

void
msg_effects_clear(struct msg_effects *self)
{
    self->count = 0;
    self->arena.len = 0;
}

void
msg_effects_wipe(struct msg_effects *self)
{
    if (self->arena.at != NULL) /* plaintext and keys may have stood in it */
        msg_keys_wipe(self->arena.at, self->arena.cap);
    free(self->arena.at);
    free(self->list);
    *self = (struct msg_effects){0};
}

struct msg_span
msg_effects_bytes(const struct msg_effects *self, const struct msg_effect *effect)
{
    return effect->len > 0 ? msg_span(self->arena.at + effect->at, effect->len)
                           : (struct msg_span){0};
}

struct msg_span
msg_effects_key(const struct msg_effects *self, const struct msg_effect *effect)
{
    return effect->key_len > 0 ? msg_span(self->arena.at + effect->key_at, effect->key_len)
                               : (struct msg_span){0};
}

void
msg_effects_put(struct msg_effects *self, uint32_t table, struct msg_span key, enum msg_kind kind,
                const void *record)
{
    if (self->forget)
        return;
    struct msg_effect *const effect = add(self, EFFECT_PUT);
    effect->table = table;
    add_key(self, effect, key);
    const bool fits = add_frame(self, effect, kind, record);
    assert(fits); /* records have no limit but those of their fields */
    (void)fits;
}

void
msg_effects_delete(struct msg_effects *self, uint32_t table, struct msg_span key)
{
    if (self->forget)
        return;
    struct msg_effect *const effect = add(self, EFFECT_DELETE);
    effect->table = table;
    add_key(self, effect, key);
}

void
msg_effects_store(struct msg_effects *self, uint64_t id)
{
    add(self, EFFECT_STORE)->id = id;
}

void
msg_effects_send(struct msg_effects *self, uint64_t link, enum msg_kind kind, const void *message)
{
    struct msg_effect *const effect = add(self, EFFECT_SEND);
    effect->id = link;
    if (add_frame(self, effect, kind, message))
        return;
    /* Fields in range, and yet too much in sum (lists): better a line in the
     * log and an asker who times out than a process that ends. */
    self->count--;
    msg_effects_log(self, MSG_LOG_ERROR,
                    "SEND-TOO-LARGE kind=%u not sent: larger than a frame may be", (unsigned)kind);
}

void
msg_effects_send_bytes(struct msg_effects *self, uint64_t link, struct msg_span bytes)
{
    struct msg_effect *const effect = add(self, EFFECT_SEND);
    effect->id = link;
    add_bytes(self, effect, bytes);
}

void
msg_effects_tell(struct msg_effects *self, enum msg_kind kind, const void *message)
{
    const bool fits = add_message(self, add(self, EFFECT_TELL), msg_flat_put, kind, message);
    assert(fits); /* it has no limit */
    (void)fits;
}

void
msg_effects_tell_bytes(struct msg_effects *self, struct msg_span bytes)
{
    add_bytes(self, add(self, EFFECT_TELL), bytes);
}

void
msg_effects_wake(struct msg_effects *self, uint64_t ms)
{
    add(self, EFFECT_WAKE)->id = ms;
}

void
msg_effects_dial(struct msg_effects *self, uint64_t link, const struct msg_box_pub *key,
                 struct msg_text endpoint)
{
    struct msg_effect *const effect = add(self, EFFECT_DIAL);
    effect->id = link;
    effect->key = *key;
    add_bytes(self, effect, msg_span_of_text(endpoint));
}

void
msg_effects_drop(struct msg_effects *self, uint64_t link)
{
    add(self, EFFECT_DROP)->id = link;
}

void
msg_effects_admit(struct msg_effects *self, const struct msg_box_pub *key)
{
    add(self, EFFECT_ADMIT)->key = *key;
}

void
msg_effects_expel(struct msg_effects *self, const struct msg_box_pub *key)
{
    add(self, EFFECT_EXPEL)->key = *key;
}

void
msg_effects_admit_at(struct msg_effects *self, uint64_t link, const struct msg_box_pub *key)
{
    struct msg_effect *effect = add(self, EFFECT_ADMIT);
    effect->key = *key;
    effect->id = link;
}

void
msg_effects_expel_at(struct msg_effects *self, uint64_t link, const struct msg_box_pub *key)
{
    struct msg_effect *effect = add(self, EFFECT_EXPEL);
    effect->key = *key;
    effect->id = link;
}

void
msg_effects_cast(struct msg_effects *self, const uint64_t *links, size_t count, struct msg_span bytes)
{
    msg_effects_cast_as(self, 0, links, count, bytes);
}

void
msg_effects_cast_as(struct msg_effects *self, uint64_t id, const uint64_t *links, size_t count, struct msg_span bytes)
{
    struct msg_effect *effect = add(self, EFFECT_CAST);
    effect->id = id;
    effect->key_at = arena_add(&self->arena, msg_span(links, count * sizeof *links));
    effect->key_len = count * sizeof *links;
    add_bytes(self, effect, bytes);
}

size_t
msg_effects_cast_count(const struct msg_effect *effect)
{
    return effect->key_len / sizeof(uint64_t);
}

uint64_t
msg_effects_cast_link(const struct msg_effects *self, const struct msg_effect *effect, size_t index)
{
    uint64_t link;
    memcpy(&link, self->arena.at + effect->key_at + index * sizeof link, sizeof link);
    return link;
}

void
msg_effects_listen(struct msg_effects *self, uint64_t link, uint16_t port)
{
    struct msg_effect *effect = add(self, EFFECT_LISTEN);
    effect->id = link;
    effect->port = port;
}

void
msg_effects_subscribe(struct msg_effects *self, uint64_t link, const struct msg_box_pub *key, struct msg_text endpoint)
{
    struct msg_effect *effect = add(self, EFFECT_SUBSCRIBE);
    effect->id = link;
    effect->key = *key;
    add_bytes(self, effect, msg_span_of_text(endpoint));
}

void
msg_effects_log(struct msg_effects *self, enum msg_log_level level, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0)
        return;
    struct msg_effect *const effect = add(self, EFFECT_LOG);
    effect->id = level;
    add_bytes(self, effect, msg_span(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1));
}

/* Fixed places, and no address of the whole: it is then made where the caller
 * wants it, and not copied there. */
static inline struct msg_record_key
key_of(uint64_t a, uint64_t b, uint64_t c, size_t count)
{
    const uint64_t first = htobe64(a), second = htobe64(b), third = htobe64(c);
    struct msg_record_key key;
    memcpy(key.at, &first, sizeof first);
    memcpy(key.at + sizeof first, &second, sizeof second);
    memcpy(key.at + 2 * sizeof first, &third, sizeof third);
    key.len = count * sizeof first;
    return key;
}

struct msg_record_key
msg_record_key1(uint64_t a)
{
    return key_of(a, 0, 0, 1);
}

struct msg_record_key
msg_record_key2(uint64_t a, uint64_t b)
{
    return key_of(a, b, 0, 2);
}

struct msg_record_key
msg_record_key3(uint64_t a, uint64_t b, uint64_t c)
{
    return key_of(a, b, c, 3);
}

struct msg_record_key
msg_record_key_room(const struct msg_id *room, const uint64_t *numbers, size_t count)
{
    struct msg_record_key key;
    assert(count <= 4);
    memcpy(key.at, room->at, sizeof room->at);
    key.len = sizeof room->at;
    /* cppcheck-suppress ctunullpointer ; NULL comes with a count of 0 */
    for (size_t i = 0; i < count; i++, key.len += sizeof numbers[0]) {
        const uint64_t number = htobe64(numbers[i]);
        memcpy(key.at + key.len, &number, sizeof number);
    }
    return key;
}

struct msg_span
msg_record_key_span(const struct msg_record_key *key)
{
    return msg_span(key->at, key->len);
}

uint64_t
msg_record_key_u64(struct msg_span key, size_t index)
{
    if (index >= key.len / 8)
        return 0;
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | key.at[8 * index + i];
    return number;
}
