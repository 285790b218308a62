/* The committed records on disk, as the registry's core and its ZAP handler
 * read them: never waiting, never writing.  Owned by broker/front. */
#ifndef BROKER_STORE_VIEW_H
#define BROKER_STORE_VIEW_H

#include "broker/tables/view.h"
#include "host/store.h"

struct broker_store_view {
    struct host_store *store;
    uint8_t record[MSG_FRAME_MAX]; /* what was handed out last */
};

/* A view of an open store, which must outlive it, as must self; of one thread.
 * What cannot be read is logged, and looks as if it was not there. */
struct broker_view broker_store_view_init(struct broker_store_view *self, struct host_store *store);

/* Whether this transport key is that of an enrolled device; any thread.  OK,
 * NOT_FOUND (a stranger's, or revoked), or why it cannot be known now, which is
 * logged. */
enum conclave_err CONCLAVE_CHECK broker_store_view_owner(struct host_store *store, const struct msg_box_pub *key);

#endif
