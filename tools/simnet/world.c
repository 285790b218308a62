/* Simulated time and the network: every frame takes a while, and what one sends
 * another arrives in order, as over TCP.  Nothing here waits. */
#include "tools/simnet/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "msg/codec.h"

#define DELAY_MIN_US 50u    /* of a frame, as on a network of one place */
#define DELAY_MAX_US 800u
#define LOOK_US (20 * SIMNET_MS)
#define PATIENCE_US (3600 * SIMNET_SECOND) /* for what must come to an end */
#define WHAT_SHIFT 32u

static void __attribute__((format(printf, 3, 0)))
fail(struct simnet *self, enum conclave_err err, const char *format, va_list args)
{
    if (self->err != CONCLAVE_OK)
        return; /* the first one is told */
    self->err = err;
    (void)vsnprintf(self->why, SIMNET_WHY_MAX, format, args);
}

void
simnet_fail(struct simnet *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(self, CONCLAVE_ERR_INTERNAL, format, args);
    va_end(args);
}

void
simnet_fail_as(struct simnet *self, enum conclave_err err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(self, err, format, args);
    va_end(args);
}

void
simnet_plan_at(struct simnet *self, uint64_t at_us, enum simnet_happening what, uint32_t peer, struct simnet_body *body)
{
    simnet_queue_put(&self->queue, (struct simnet_item){.at_us = at_us > self->now_us ? at_us : self->now_us, .what = body,
                                                        .whose = (uint64_t)what << WHAT_SHIFT | peer});
}

/* ---- frames ---- */

struct simnet_body *
simnet_body_new(struct msg_span bytes)
{
    struct simnet_body *body = malloc(sizeof *body + bytes.len);

    if (body == NULL)
        abort(); /* out of memory: there is nothing better to do */
    body->references = 1;
    body->len = (uint32_t)bytes.len;
    body->decoded = false;
    memcpy(body->bytes, bytes.at, bytes.len);
    return body;
}

void
simnet_body_release(struct simnet_body *body)
{
    if (body != NULL && --body->references == 0)
        free(body);
}

bool
simnet_body_decode(struct simnet_body *body)
{
    if (!body->decoded)
        body->decoded = msg_codec_decode(msg_span(body->bytes, body->len), &body->kind, &body->any) == CONCLAVE_OK;
    return body->decoded;
}

/* When something that leaves now arrives; never before what left earlier. */
static uint64_t
arrival(struct simnet *self, uint64_t *last_us)
{
    const uint64_t at_us = self->now_us + simnet_chance_between(&self->chance, DELAY_MIN_US, DELAY_MAX_US);

    *last_us = at_us > *last_us ? at_us : *last_us;
    return *last_us;
}

void
simnet_to_peer(struct simnet *self, uint32_t peer, struct simnet_body *body)
{
    simnet_plan_at(self, arrival(self, &self->peers[peer].down_us), SIMNET_TO_PEER, peer, body);
}

void
simnet_to_registry(struct simnet *self, uint32_t peer, enum msg_kind kind, const void *message)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf frame = {bytes, 0, sizeof bytes};

    if (msg_codec_encode(&frame, kind, message) != CONCLAVE_OK) {
        simnet_fail(self, "A frame of kind %d is too large.", (int)kind);
        return;
    }
    simnet_plan_at(self, arrival(self, &self->peers[peer].up_us), SIMNET_TO_REGISTRY, peer, simnet_body_new(msg_span_of_buf(&frame)));
}

/* ---- time ---- */

static void
happen(struct simnet *self, const struct simnet_item *item)
{
    const uint32_t peer = (uint32_t)item->whose;

    switch ((enum simnet_happening)(item->whose >> WHAT_SHIFT)) {
    case SIMNET_TO_PEER:
        simnet_peer_hear(self, peer, item->what);
        simnet_body_release(item->what);
        break;
    case SIMNET_TO_REGISTRY:
        simnet_registry_hear(self, self->peers[peer].account == 0 ? BROKER_LINK_DOOR : SIMNET_LINK_FIRST + peer, item->what);
        break;
    case SIMNET_TURN:
        simnet_registry_turn(self);
        break;
    case SIMNET_COMMIT:
        simnet_registry_commit(self);
        break;
    case SIMNET_VAULT:
        simnet_registry_vault(self, item->what);
        simnet_body_release(item->what);
        break;
    case SIMNET_PING:
        simnet_peer_ping(self, peer);
        break;
    case SIMNET_AGAIN:
        simnet_peer_again(self, peer);
        break;
    case SIMNET_SAY:
        simnet_talk_say(self);
        break;
    }
}

bool
simnet_run(struct simnet *self, bool (*done)(struct simnet *self), uint64_t us)
{
    const uint64_t end_us = self->now_us + (done != NULL ? PATIENCE_US : us);
    uint64_t look_us = self->now_us;
    const struct simnet_item *first;

    while (self->err == CONCLAVE_OK && (first = simnet_queue_first(&self->queue)) != NULL && first->at_us <= end_us) {
        if (done != NULL && first->at_us >= look_us) {
            look_us = first->at_us + LOOK_US;
            if (done(self))
                return true;
        }
        const struct simnet_item item = simnet_queue_take(&self->queue);
        self->now_us = item.at_us;
        happen(self, &item);
    }
    if (done != NULL && self->err == CONCLAVE_OK && !done(self))
        simnet_fail(self, "%s", simnet_queue_first(&self->queue) == NULL ? "Not all of it is done, and nothing more happens."
                                                                          : "After an hour of simulated time not all of it is done.");
    if (done == NULL && self->err == CONCLAVE_OK)
        self->now_us = end_us;
    return self->err == CONCLAVE_OK;
}

/* ---- one after the other ---- */

static void
feed(struct simnet *self)
{
    while (self->err == CONCLAVE_OK && self->under_way < self->window && self->next < self->plan.peers)
        self->under_way += self->begin(self, self->next++);
}

void
simnet_done(struct simnet *self, uint32_t peer)
{
    self->peers[peer].doing = SIMNET_NOTHING;
    self->under_way--;
    self->done++;
    feed(self);
}

static bool
all_done(struct simnet *self)
{
    return self->under_way == 0 && self->next == self->plan.peers;
}

bool
simnet_each(struct simnet *self, bool (*begin)(struct simnet *self, uint32_t peer), uint32_t window)
{
    self->begin = begin;
    self->window = window;
    self->next = self->under_way = 0;
    self->done = 0;
    feed(self);
    return simnet_run(self, all_done, 0);
}
