/* Transactions of mail that are on their way to the disk: who waits for them,
 * and what is to be undone when they fail.  As many may be under way as the
 * disk commits together, so they are no jobs (broker/tables/jobs) but two rings of
 * fixed size.  Pure. */
#ifndef BROKER_MAILWRITES_H
#define BROKER_MAILWRITES_H

#include "broker/tables/index.h"
#include "msg/error.h"

#define BROKER_MAILWRITES 16384u       /* transactions under way */
#define BROKER_MAILWRITE_ITEMS 65536u  /* letters in them */
#define BROKER_MAILWRITES_KEPT 1024u   /* transactions that deposits leave to others */

enum broker_mailwrite_kind {
    BROKER_MAILWRITE_DONE,
    BROKER_MAILWRITE_DEPOSIT,
    BROKER_MAILWRITE_COLLECT,
    BROKER_MAILWRITE_EXPIRE,
    BROKER_MAILWRITE_EMPTY
};

/* A letter that is put into a mailbox, or refused. */
struct broker_mailwrite_item {
    uint64_t account;
    uint64_t device;
    uint64_t bytes;
    bool rooms;                 /* it is for rooms */
    enum conclave_err err;      /* OK: it is put */
};

struct broker_mailwrite {
    enum broker_mailwrite_kind kind;
    uint64_t id;                /* of the transaction */
    /* DEPOSIT: who waits */
    uint64_t conn;
    uint64_t generation;
    uint64_t req;
    uint64_t sender;            /* account */
    uint64_t session_before;    /* number + 1 of the one that the same session asked for before */
    /* the others: what is deleted, from the mailbox of a device */
    uint64_t account;
    uint64_t device;
    uint64_t after;             /* serials, greater than this one ... */
    uint64_t last;              /* ... up to this one */
    bool whole;                 /* EMPTY: all mailboxes of the account */
    /* what is put */
    uint64_t item_first;
    uint32_t item_count;
    uint64_t bytes;
};

struct broker_mailwrites {
    struct broker_mailwrite *list;
    uint64_t first, end;        /* numbers; a number's place is its rest */
    struct broker_mailwrite_item *items;
    uint64_t item_first, item_end;
    uint64_t bytes;             /* of all that are under way */
};

bool CONCLAVE_CHECK broker_mailwrites_init(struct broker_mailwrites *self);
void broker_mailwrites_wipe(struct broker_mailwrites *self);

/* A new transaction, which puts or refuses `items` letters; NULL: full. */
struct broker_mailwrite *broker_mailwrites_add(struct broker_mailwrites *self, enum broker_mailwrite_kind kind,
                                               uint64_t id, uint32_t items);
struct broker_mailwrite_item *broker_mailwrites_item(const struct broker_mailwrites *self,
                                                     const struct broker_mailwrite *write, uint32_t index);

/* The number + 1 of a transaction, and back; NULL when it is done, or for 0. */
uint64_t broker_mailwrites_mark(const struct broker_mailwrites *self, const struct broker_mailwrite *write);
struct broker_mailwrite *broker_mailwrites_marked(const struct broker_mailwrites *self, uint64_t mark);

/* The transaction of that id; NULL: none of these. */
struct broker_mailwrite *broker_mailwrites_find(const struct broker_mailwrites *self, uint64_t id);
void broker_mailwrites_done(struct broker_mailwrites *self, struct broker_mailwrite *write);

#endif
