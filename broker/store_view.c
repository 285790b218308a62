/* Reads of the store: one record each, copied out, so that no transaction of
 * LMDB stays open. */
#include "broker/store_view.h"

#include "host/log.h"

#define OWNER_MAX 256u /* bytes; a REC_OWNER is two numbers */

static void
say_unreadable(enum conclave_err err)
{
    if (err != CONCLAVE_ERR_NOT_FOUND)
        host_log(MSG_LOG_ERROR, "STORE-UNREADABLE %s", msg_error_sentence(err));
}

static bool
get(void *arg, enum broker_table table, struct msg_span key, struct msg_span *value)
{
    struct broker_store_view *self = arg;
    struct msg_buf out = {self->record, 0, sizeof self->record};
    const enum conclave_err err = host_store_get(self->store, table, key, &out);

    *value = msg_span_of_buf(&out);
    if (err != CONCLAVE_OK)
        say_unreadable(err);
    return err == CONCLAVE_OK;
}

static bool
next(void *arg, enum broker_table table, struct msg_span after, struct msg_record_key *key,
          struct msg_span *value)
{
    struct broker_store_view *self = arg;
    struct msg_record_key found;
    struct msg_buf out = {self->record, 0, sizeof self->record};
    struct msg_buf key_out = {found.at, 0, sizeof found.at};
    const enum conclave_err err = host_store_next(self->store, table, after, &key_out, &out);

    *value = msg_span_of_buf(&out);
    if (err != CONCLAVE_OK) {
        say_unreadable(err);
        return false;
    }
    found.len = key_out.len;
    *key = found; /* last: `after` may point into it */
    return true;
}

struct broker_view
broker_store_view_init(struct broker_store_view *self, struct host_store *store)
{
    self->store = store;
    return (struct broker_view){self, get, next};
}

enum conclave_err
broker_store_view_owner(struct host_store *store, const struct msg_box_pub *key)
{
    uint8_t record[OWNER_MAX];
    struct msg_buf out = {record, 0, sizeof record};
    const enum conclave_err err = host_store_get(store, BROKER_TABLE_OWNERS, msg_span(key->at, sizeof key->at), &out);

    if (err != CONCLAVE_OK)
        say_unreadable(err);
    return err;
}
