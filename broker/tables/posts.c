/* See posts.h. */
#include "broker/tables/posts.h"

#include <stdlib.h>

bool
broker_posts_init(struct broker_posts *self, uint32_t capacity, size_t bytes)
{
    *self = (struct broker_posts){.capacity = capacity, .bytes_capacity = bytes};
    self->list = calloc(capacity, sizeof *self->list);
    self->bytes = calloc(bytes, 1);
    return self->list != NULL && self->bytes != NULL;
}

void
broker_posts_wipe(struct broker_posts *self)
{
    free(self->list);
    free(self->bytes);
    *self = (struct broker_posts){.list = NULL};
}

struct broker_post *
broker_posts_at(const struct broker_posts *self, uint32_t n)
{
    return &self->list[(self->first + n) % self->capacity];
}

/* Where `len` bytes in a row are free; false: nowhere.
 *
 *     |....oldest---------newest.....|     or     |--newest.....oldest---|
 *
 * The byte before the oldest stays free, so that a full ring is not taken for
 * an empty one. */
static bool
find_space(const struct broker_posts *self, size_t len, size_t *at)
{
    const size_t oldest = self->count > 0 ? broker_posts_at(self, 0)->at : 0;

    *at = self->count > 0 ? self->bytes_at : 0;
    if (self->count > 0 && *at <= oldest)
        return len < oldest - *at;
    if (len <= self->bytes_capacity - *at)
        return true;
    *at = 0;
    return len < oldest;
}

struct broker_post *
broker_posts_add(struct broker_posts *self, struct msg_span bytes)
{
    size_t at;

    if (self->count == self->capacity || !find_space(self, bytes.len, &at))
        return NULL;
    struct broker_post *post = broker_posts_at(self, self->count++);
    *post = (struct broker_post){.at = at, .len = bytes.len};
    if (bytes.len > 0)
        memcpy(self->bytes + at, bytes.at, bytes.len);
    self->bytes_at = at + bytes.len;
    self->fresh++;
    return post;
}

uint32_t
broker_posts_slot(const struct broker_posts *self, const struct broker_post *post)
{
    return (uint32_t)(post - self->list);
}

struct msg_span
broker_posts_bytes(const struct broker_posts *self, const struct broker_post *post)
{
    return msg_span(self->bytes + post->at, post->len);
}

void
broker_posts_settle(struct broker_posts *self)
{
    while (self->count > 0 && self->list[self->first].cast && self->list[self->first].over) {
        self->first = (self->first + 1) % self->capacity;
        self->count--;
    }
}
