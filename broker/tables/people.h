/* Accounts that somebody is logged in to or looks after, and who watches
 * whom.  Says what is to be told to whom, and when.  A pure table of fixed
 * size: fresh memory is taken only for people who are there. */
#ifndef BROKER_PEOPLE_H
#define BROKER_PEOPLE_H

#include "broker/tables/sessions.h"
#include "msg/name.h"

struct broker_person {
    bool used;
    bool gone;                  /* the account was deleted; watchers may remain */
    uint8_t status;             /* enum msg_status of its sessions together */
    uint8_t shown_len;
    uint16_t folded_len;
    uint32_t version;           /* grows with each new session or endpoint */
    uint32_t next_free;         /* slot + 1 */
    uint32_t session_first;     /* slot + 1 in broker/tables/sessions */
    uint32_t watch_first;       /* slot + 1: who watches */
    uint64_t account;
    char shown[MSG_NAME_MAX + 1];
    char folded[MSG_FOLD_MAX + 1];
};

/* One session watches one person. */
struct broker_watch {
    uint32_t session, person;
    uint32_t person_next, person_prev; /* slot + 1: of the same person */
    uint32_t session_next;      /* slot + 1: of the same session, or free */
    uint32_t dirty_next;        /* slot + 1 */
    uint32_t told_version;      /* what the session was told last */
    uint8_t told_status;
    bool dirty;
};

struct broker_people {
    struct broker_sessions *sessions;
    struct broker_person *list;
    uint32_t capacity, high, free_first;
    uint32_t online_count;
    uint64_t *online;           /* one bit for each slot */
    struct broker_index by_account;
    struct broker_index by_name;
    struct broker_watch *watches;
    uint32_t watches_capacity, watches_high, watches_free;
    struct broker_index by_pair;
    struct broker_wheel gather; /* by session: when to tell what is dirty */
};

bool CONCLAVE_CHECK
broker_people_init(struct broker_people *self, struct broker_sessions *sessions, uint32_t capacity,
                   uint32_t watches, uint64_t gather_ms, uint64_t seed);
void broker_people_wipe(struct broker_people *self);

/* BROKER_NONE when nobody is there for it. */
uint32_t broker_people_by_account(const struct broker_people *self, uint64_t account);
uint32_t broker_people_by_name(const struct broker_people *self, struct msg_text folded);

/* The person of an account, made if it is not there; BROKER_NONE: full. */
uint32_t broker_people_hold(struct broker_people *self, uint64_t account, const struct msg_name *name);

/* Forgets a person that nobody is logged in as and nobody watches. */
void broker_people_settle(struct broker_people *self, uint32_t person);

/* The account is deleted: its name is free. */
void broker_people_bury(struct broker_people *self, uint32_t person);

void broker_people_join(struct broker_people *self, uint32_t person, uint32_t session);
void broker_people_leave(struct broker_people *self, uint32_t session);

/* Something about the person may have changed (anew: certainly, such as an
 * endpoint): whoever watches is told within gather_ms. */
void broker_people_changed(struct broker_people *self, uint32_t person, bool anew, uint64_t now_ms,
                           uint64_t gather_ms);

/* The session watches the person from now on; the watch, *known when it did
 * already; BROKER_NONE: full. */
uint32_t broker_people_watch(struct broker_people *self, uint32_t session, uint32_t person, bool *known);
bool broker_people_watches(const struct broker_people *self, uint32_t session, uint32_t person);
void broker_people_unwatch_all(struct broker_people *self, uint32_t session);

/* True when what the session was told of the watch is no longer so. */
bool broker_people_differs(const struct broker_people *self, const struct broker_watch *watch);

/* Takes the next dirty watch of the session that differs from what was told,
 * and takes it as told; BROKER_NONE. */
uint32_t broker_people_next_dirty(struct broker_people *self, uint32_t session);

/* The session of that device; BROKER_NONE: it is not logged in. */
uint32_t broker_people_session(const struct broker_people *self, uint64_t account, uint64_t device);

/* The first person online whose slot is at least `from`; BROKER_NONE. */
uint32_t broker_people_next_online(const struct broker_people *self, uint32_t from);

/* The session of the person that came last and may be seen by account `by`
 * (who watches whom decides for "contacts"); BROKER_NONE. */
bool broker_people_permits(const struct broker_people *self, uint32_t session, uint64_t by);
uint32_t broker_people_best_session(const struct broker_people *self, uint32_t person, uint64_t by);

#endif
