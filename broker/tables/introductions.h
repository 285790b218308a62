/* Introductions under way: who asked for whom, which devices were asked and
 * what they said.  A pure table of fixed size; broker/core/introducing speaks. */
#ifndef BROKER_INTRODUCTIONS_H
#define BROKER_INTRODUCTIONS_H

#include "broker/tables/wheel.h"

#define BROKER_INTRODUCTIONS 4096u
#define BROKER_INTRODUCTION_MS 5000u       /* the time to consent */
#define BROKER_INTRODUCTIONS_PER_SESSION 64u
#define BROKER_INTRODUCTION_DEVICES MSG_DEVICE_COUNT

enum broker_consent { BROKER_CONSENT_PENDING, BROKER_CONSENT_YES, BROKER_CONSENT_NO };

struct broker_introduction {
    uint64_t id;                /* 0: free */
    uint64_t req;
    uint64_t account;           /* who is asked for */
    uint32_t session;           /* who asks */
    uint32_t count;
    uint32_t pending;
    struct {
        uint64_t device;
        uint32_t session;
        enum broker_consent consent;
    } asked[BROKER_INTRODUCTION_DEVICES];
};

struct broker_introductions {
    struct broker_introduction *list;
    uint32_t high;
    uint32_t count;
    uint64_t next_id;
    struct broker_wheel timers;
};

bool CONCLAVE_CHECK broker_introductions_init(struct broker_introductions *self, uint64_t first_id);
void broker_introductions_wipe(struct broker_introductions *self);

/* NULL: full. */
struct broker_introduction *broker_introductions_add(struct broker_introductions *self, uint64_t now_ms);
void broker_introductions_end(struct broker_introductions *self, struct broker_introduction *introduction);
struct broker_introduction *broker_introductions_find(struct broker_introductions *self, uint64_t id);

/* Takes one whose time is over; NULL. */
struct broker_introduction *broker_introductions_due(struct broker_introductions *self, uint64_t now_ms);

#endif
