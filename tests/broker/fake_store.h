/* A store for tests: tables in memory behind the view of the registry's cores.
 * It keeps what was not committed apart, so that a crash can lose a tail. */
#ifndef TESTS_BROKER_FAKE_STORE_H
#define TESTS_BROKER_FAKE_STORE_H

#include "broker/tables/view.h"
#include "msg/step.h"

struct fake_store;
struct fake_store *fake_store_new(void);
void fake_store_destroy(struct fake_store **self_p);

/* Values it hands out are gone (freed) with the next call, unless lazy. */
struct broker_view fake_store_view(struct fake_store *self);
void fake_store_lazy(struct fake_store *self, bool lazy);

/* Takes PUT, DELETE and STORE; false for other effects. */
bool fake_store_take(struct fake_store *self, const struct msg_effects *effects, const struct msg_effect *effect);

/* Commits the oldest transaction; false when there is none.  STORED(*id) is
 * for the caller to deliver. */
bool fake_store_commit(struct fake_store *self, uint64_t *id);
/* Takes the oldest away instead, as a full disk does. */
bool fake_store_refuse(struct fake_store *self, uint64_t *id);
size_t fake_store_pending(const struct fake_store *self);

/* Loses everything that is not committed. */
void fake_store_crash(struct fake_store *self);

size_t fake_store_count(const struct fake_store *self, uint32_t table);
bool fake_store_at(const struct fake_store *self, uint32_t table, size_t index, struct msg_span *key,
                   struct msg_span *value);

#endif
