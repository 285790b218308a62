/* A vault for tests of the registry's cores, and a small world in which one
 * front core runs on it and on a fake store.  The vault hashes with BLAKE2b
 * (fast) and signs with real Ed25519. */
#ifndef TESTS_BROKER_FAKE_REGISTRY_H
#define TESTS_BROKER_FAKE_REGISTRY_H

#include "broker/core/front_core.h"
#include "tests/broker/fake_store.h"

/* ---- vault ---- */

struct fake_vault {
    struct msg_sign_pub pub;
    struct msg_sign_sec sec;
    uint32_t params;        /* hashes made with lower ones ask for a rehash */
    uint64_t hashes, checks, signs;
};

void fake_vault_init(struct fake_vault *self);
/* Answers one VAULT_ frame; false for one that is none. */
bool fake_vault_answer(struct fake_vault *self, struct msg_span request, struct msg_buf *answer);

/* ---- one registry ---- */

#define FAKE_START_MS 1000000u
#define FAKE_WALL_MS 1800000000000ull
#define FAKE_PONG_MS 1500u  /* a PING is answered by then, */
#define FAKE_TOLD_MS 18750u /* unless that was told this short a time before */

struct fake_sent {
    uint64_t link;
    enum msg_kind kind;
    uint8_t *bytes;
    size_t len;
};

struct fake_registry {
    struct broker_front_settings settings;
    struct broker_front_core *core;
    struct fake_store *store;
    struct fake_vault vault;
    struct msg_effects effects;
    struct msg_time now;
    bool hold_vault;        /* its questions wait in `sent` */
    bool hold_store;        /* commits wait for fake_registry_commit */
    bool full;              /* the store takes nothing */
    uint64_t wake_ms;       /* when the core wants to be woken */
    struct fake_sent *sent; /* what went to the door and to members, in order */
    size_t sent_count, sent_room;
    uint64_t *dropped;      /* links */
    size_t dropped_count, dropped_room;
    char log[512];          /* the last line */
    uint64_t ticket;        /* of the last question at the door */
    uint64_t loops;         /* steps that vault and store caused */
};

void fake_settings(struct broker_front_settings *settings);
void fake_registry_init(struct fake_registry *self, const struct broker_front_settings *settings);
void fake_registry_wipe(struct fake_registry *self);

/* Ends the core and starts another on the same store; uncommitted is lost. */
void fake_registry_crash(struct fake_registry *self);

void fake_registry_step(struct fake_registry *self, const struct msg_event *event);
/* Time passes, with every wake-up that the core asked for. */
void fake_registry_pass(struct fake_registry *self, uint64_t ms);
void fake_registry_commit(struct fake_registry *self);
void fake_registry_hear(struct fake_registry *self, uint64_t link, const struct msg_box_pub *key, const char *source,
                        enum msg_kind kind, const void *message);
void fake_registry_hear_bytes(struct fake_registry *self, uint64_t link, const struct msg_box_pub *key,
                              struct msg_span bytes);
void fake_registry_down(struct fake_registry *self, uint64_t link);

/* Forgets what was sent and dropped so far. */
void fake_registry_clear(struct fake_registry *self);
bool fake_registry_dropped(const struct fake_registry *self, uint64_t link);
/* The n-th frame to that link (of that kind, unless MSG_KIND_NONE), decoded;
 * false: there is none. */
bool fake_registry_sent(const struct fake_registry *self, uint64_t link, enum msg_kind kind, size_t n,
                        union msg_any *any);
size_t fake_registry_sent_count(const struct fake_registry *self, uint64_t link, enum msg_kind kind);
/* The answer that the door got for a ticket. */
bool fake_registry_told(const struct fake_registry *self, uint64_t ticket, enum msg_kind *kind, union msg_any *any);

#endif
