/* What a peer keeps on disk: the tables of peer/core/core.h in one environment that
 * all peers of the process share, so that one sync serves all of them.  Every
 * value is locked with the storage key of its peer and bound to its place;
 * what was gathered waits in memory until it is committed, so that a full disk
 * loses nothing: the commit is tried again. */
#ifndef PEER_STORE_H
#define PEER_STORE_H

#include "peer/core/core.h"

struct peer_store;  /* the environment */
struct peer_shelf;  /* one peer's part of it */

/* dir: made by the caller, 0700; NULL: in memory.  `why` gets a sentence. */
enum conclave_err CONCLAVE_CHECK
peer_store_open(struct peer_store **self_p, const char *dir, char *why, size_t why_cap);
/* Its shelves must be closed before. */
void peer_store_close(struct peer_store **self_p);

/* The number of a peer by its instance name, given the first time it is asked
 * for and synced; "" is 0. */
enum conclave_err CONCLAVE_CHECK
peer_store_number(struct peer_store *self, const char *instance, uint64_t *number);

enum conclave_err CONCLAVE_CHECK
peer_shelf_open(struct peer_shelf **self_p, struct peer_store *store, uint64_t number, const struct msg_sym_key *key);
void peer_shelf_close(struct peer_shelf **self_p); /* what was not committed is forgotten */

/* One record, appended to *out.  NOT_FOUND; STORE_DAMAGED also when the key is
 * another one. */
enum conclave_err CONCLAVE_CHECK
peer_shelf_get(struct peer_shelf *self, uint32_t table, struct msg_span key, struct msg_buf *out);

/* Every record in the order that peer_core_step wants them; of INBOX those
 * after `shown`, and before them one with shown as its key and no bytes.
 * Stops at the first error, its own (STORE_DAMAGED, STORE_IO) or fn's. */
typedef enum conclave_err peer_shelf_record_fn(void *arg, uint32_t table, struct msg_span key, struct msg_span bytes);
enum conclave_err CONCLAVE_CHECK
peer_shelf_restore(struct peer_shelf *self, uint64_t shown, peer_shelf_record_fn *fn, void *arg);

/* EFFECT_PUT, EFFECT_DELETE and EFFECT_STORE. */
void peer_shelf_put(struct peer_shelf *self, uint32_t table, struct msg_span key, struct msg_span bytes);
void peer_shelf_delete(struct peer_shelf *self, uint32_t table, struct msg_span key);
void peer_shelf_store(struct peer_shelf *self, uint64_t id);

/* Makes everything that was stored on all shelves one transaction and syncs
 * it.  On an error nothing of it is on disk and all of it still waits. */
enum conclave_err CONCLAVE_CHECK peer_store_commit(struct peer_store *self);

/* The last id that is synced, which stands for all before it; false: no later
 * one than the last time. */
bool peer_shelf_stored(struct peer_shelf *self, uint64_t *id);

/* Transactions that were stored and are not synced yet. */
size_t peer_shelf_waiting(const struct peer_shelf *self);
/* Syncs so far. */
uint64_t peer_store_commits(const struct peer_store *self);
struct peer_store *peer_shelf_store_of(const struct peer_shelf *self);

#endif
