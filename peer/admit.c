/* The set of admitted transport keys, sorted, under one mutex. */
#include "peer/admit.h"

#include <pthread.h>
#include <stdlib.h>

struct peer_admit {
    pthread_mutex_t lock;
    struct msg_box_pub *keys;   /* sorted; public, so memcmp may tell the time */
    size_t count;
    size_t room;
    char domain[64];
};

/* Where the key is, or where it belongs. */
static size_t
place(const struct peer_admit *self, const struct msg_box_pub *key, bool *there)
{
    size_t low = 0;
    size_t high = self->count;
    *there = false;
    while (low < high && !*there) {
        const size_t mid = low + (high - low) / 2;
        const int order = memcmp(&self->keys[mid], key, sizeof *key);
        *there = order == 0;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
        if (*there)
            low = mid;
    }
    return low;
}

/* On the ZAP thread. */
static enum host_zap_answer
ask(void *arg, const struct msg_box_pub *key, const char *source)
{
    (void)source; /* a known key may come from anywhere */
    return peer_admit_has(arg, key) ? HOST_ZAP_ADMIT : HOST_ZAP_DENY;
}

enum conclave_err
peer_admit_new(struct peer_admit **self_p, const char *domain)
{
    struct peer_admit *self = calloc(1, sizeof *self);
    *self_p = NULL;
    if (self == NULL)
        abort();
    if (pthread_mutex_init(&self->lock, NULL) != 0)
        abort();
    msg_text_copy(self->domain, sizeof self->domain, msg_text(domain));
    const enum conclave_err err = host_zap_add(self->domain, ask, self);
    if (err != CONCLAVE_OK) {
        (void)pthread_mutex_destroy(&self->lock);
        free(self);
        return err;
    }
    *self_p = self;
    return CONCLAVE_OK;
}

void
peer_admit_destroy(struct peer_admit **self_p)
{
    struct peer_admit *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    host_zap_remove(self->domain); /* the ZAP thread asks no more from here on */
    (void)pthread_mutex_destroy(&self->lock);
    free(self->keys);
    free(self);
}

void
peer_admit_add(struct peer_admit *self, const struct msg_box_pub *key)
{
    bool there;
    (void)pthread_mutex_lock(&self->lock); /* fails only for misuse */
    const size_t at = place(self, key, &there);
    if (!there) {
        if (self->count == self->room) {
            self->room = self->room == 0 ? 8 : 2 * self->room;
            self->keys = realloc(self->keys, self->room * sizeof *self->keys);
            if (self->keys == NULL)
                abort();
        }
        memmove(self->keys + at + 1, self->keys + at, (self->count - at) * sizeof *self->keys);
        self->keys[at] = *key;
        self->count++;
    }
    (void)pthread_mutex_unlock(&self->lock);
}

void
peer_admit_remove(struct peer_admit *self, const struct msg_box_pub *key)
{
    bool there;
    (void)pthread_mutex_lock(&self->lock);
    const size_t at = place(self, key, &there);
    if (there) {
        self->count--;
        memmove(self->keys + at, self->keys + at + 1, (self->count - at) * sizeof *self->keys);
    }
    (void)pthread_mutex_unlock(&self->lock);
}

bool
peer_admit_has(struct peer_admit *self, const struct msg_box_pub *key)
{
    bool there;
    (void)pthread_mutex_lock(&self->lock);
    (void)place(self, key, &there);
    (void)pthread_mutex_unlock(&self->lock);
    return there;
}
