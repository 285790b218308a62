/* Two peers in one loop with a core of the test's own, which writes down what
 * it is fed and asks for what the test wants.  For the tests of peer/loop and
 * peer/node alone: it takes the place of peer/core/core. */
#ifndef TESTS_PEER_FAKE_CORE_H
#define TESTS_PEER_FAKE_CORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/curve.h"
#include "host/zap.h"
#include "peer/node.h"

#define DEADLINE_MS 10000u
#define FRAMES_MAX 4096u

struct peer_core {
    struct peer_identity identity;
    uint64_t link;              /* that came up last */
    uint64_t ups, downs, frames, stored, wakes, stops, starts, records;
    enum conclave_err why;      /* of the last LINK_DOWN */
    struct msg_box_pub key;     /* of the last LINK_UP */
    char source[64];
    uint32_t got[FRAMES_MAX];   /* the number in each frame */
    uint64_t stored_ids[64];
    uint64_t bounds;            /* BOUND events, and the last one's */
    uint64_t bound_link;
    uint64_t port;
    enum conclave_err bound_err;
    bool echo;
    uint64_t room;              /* frames that it takes before they are synced; 0: endless */
    uint64_t unsynced, unsynced_most;
    bool stored_before_frame;
    void (*want)(struct msg_effects *out); /* done by the next COMMAND */
};

static struct peer_core *born; /* the last one */

struct peer_core *
peer_core_new(const struct peer_settings *settings, const struct peer_identity *identity)
{
    (void)settings;
    born = calloc(1, sizeof *born);
    born->identity = *identity;
    return born;
}

void
peer_core_destroy(struct peer_core **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void
peer_core_step(struct peer_core *self, struct msg_time now, const struct msg_event *event, struct msg_effects *out)
{
    (void)now;
    switch (event->kind) {
    case EVENT_RECORD: self->records++; break;
    case EVENT_START: self->starts++; break;
    case EVENT_LINK_UP:
        self->ups++;
        self->link = event->link;
        self->key = event->key;
        msg_text_copy(self->source, sizeof self->source, event->source);
        break;
    case EVENT_LINK_DOWN: self->downs++; self->why = event->err; break;
    case EVENT_FRAME:
        assert_true(event->bytes.len >= 4);
        memcpy(&self->got[self->frames++ % FRAMES_MAX], event->bytes.at, 4);
        if (self->echo)
            msg_effects_send_bytes(out, event->link, event->bytes);
        if (self->room > 0)
            msg_effects_store(out, self->frames);
        if (++self->unsynced > self->unsynced_most)
            self->unsynced_most = self->unsynced;
        break;
    case EVENT_STORED:
        self->unsynced = 0;
        if (self->stored < 64)
            self->stored_ids[self->stored] = event->id;
        self->stored++;
        break;
    case EVENT_COMMAND: self->want(out); break;
    case EVENT_WAKE: self->wakes++; break;
    case EVENT_FULL: break;
    case EVENT_BOUND:
        self->bounds++;
        self->bound_link = event->link;
        self->port = event->id;
        self->bound_err = event->err;
        break;
    case EVENT_STOP: self->stops++; break;
    }
}

bool
peer_core_hears(const struct peer_core *self)
{
    return self->room == 0 || self->unsynced < self->room;
}

void
peer_core_state(const struct peer_core *self, struct peer_core_state *out)
{
    (void)self;
    *out = (struct peer_core_state){0};
}

struct peer { struct peer_node *node; struct peer_core *core; struct peer_tells tells; struct peer_identity identity; char endpoint[64]; };

static struct peer_loop *loop;
static struct peer a, b;
static bool watched; /* peers that are opened have a watchdog */
static struct { struct msg_box_pub key; const char *endpoint; uint64_t link; uint32_t number; uint32_t count; uint32_t pad; uint64_t id; uint64_t ms; } args;

static void
open_peer(struct peer *peer, struct peer_shelf *shelf, bool inbound)
{
    char why[512] = "";
    msg_keys_new_sign(&peer->identity.sign, &peer->identity.sign_sec);
    msg_keys_new_box(&peer->identity.transport, &peer->identity.transport_sec);
    assert_int_equal(peer_tells_init(&peer->tells, false, peer_loop_waiting(loop)), CONCLAVE_OK);
    const struct peer_node_options options = {.identity = &peer->identity, .listen_host = inbound ? "127.0.0.1" : NULL,
                                              .watchdog = watched, .shelf = shelf, .tells = &peer->tells};
    assert_int_equal(peer_node_open(&peer->node, loop, &options, why, sizeof why), CONCLAVE_OK);
    peer->core = born;
    snprintf(peer->endpoint, sizeof peer->endpoint, "127.0.0.1:%u", peer_node_port(peer->node));
}

static void
close_peer(struct peer *peer)
{
    peer_node_close(&peer->node);
    peer_tells_wipe(&peer->tells);
}

static int
set_up(void **state)
{
    (void)state;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    assert_int_equal(peer_loop_new(&loop), CONCLAVE_OK);
    open_peer(&a, NULL, true);
    open_peer(&b, NULL, true);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    if (a.node != NULL)
        close_peer(&a);
    if (b.node != NULL)
        close_peer(&b);
    peer_loop_destroy(&loop);
    host_zap_stop();
    return 0;
}

#define UNTIL(condition) \
    do { \
        const uint64_t end_ms = peer_loop_now_ms() + DEADLINE_MS; \
        while (!(condition) && peer_loop_now_ms() < end_ms) \
            assert_int_equal(peer_loop_turn(loop, 100), CONCLAVE_OK); \
        assert_true(condition); \
    } while (0)

static void
ask(struct peer *peer, void (*want)(struct msg_effects *out))
{
    peer->core->want = want;
    peer_node_command_frame(peer->node, msg_span("x", 1));
}

#endif
