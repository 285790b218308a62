/* The store actor: LMDB's only writer in the registry, on a thread of its own.
 * It takes whole transactions, commits all that wait as one of LMDB's, and
 * says which are synced.  When that fails each of them is tried once more,
 * alone, so that one does not take the others down; those that fail are said to
 * have failed, and nothing of them is there.  Whether the next ones fare better
 * shows when they come: nothing waits for a disk.  Owned by broker/front. */
#ifndef BROKER_STORE_H
#define BROKER_STORE_H

#include <czmq.h>

#include "host/store.h"
#include "msg/figures.h"
#include "msg/step.h"

struct broker_store;

/* Over an open store, which must outlive it; others may read that meanwhile. */
enum conclave_err CONCLAVE_CHECK broker_store_start(struct broker_store **self_p, struct host_store *store);

/* Waits for what was handed in, `wait_ms` at most. */
void broker_store_stop(struct broker_store **self_p, int wait_ms);

/* Gathers one PUT or DELETE, and hands what gathered in as transaction id. */
void broker_store_gather(struct broker_store *self, const struct msg_effects *effects, const struct msg_effect *effect);
void broker_store_commit(struct broker_store *self, uint64_t id);

/* To poll for answers, and to take them: the id of one transaction, in order,
 * and OK when it is synced, or why nothing of it is; false: none. */
zsock_t *broker_store_socket(struct broker_store *self);
bool broker_store_answer(struct broker_store *self, uint64_t *id, enum conclave_err *err);

/* What it did so far, as the answers that were taken tell. */
struct broker_store_counts {
    uint64_t commits, failed;       /* commits */
    uint64_t transactions, refused; /* transactions */
    uint64_t records;
    bool refuses;                   /* the last one that had records was refused */
    struct msg_histogram commit; /* the time of each, with its sync */
};
void broker_store_counts(const struct broker_store *self, struct broker_store_counts *out);

/* Transactions that were handed in and are not answered yet. */
uint64_t broker_store_waiting(const struct broker_store *self);

/* For so long some wait and nothing was answered; 0: none waits. */
uint64_t broker_store_silent_ms(const struct broker_store *self);

#endif
