/* See accounts.h. */
#include "broker/tables/accounts.h"

#include "msg/codec.h"

/* The record of that kind in value, as its struct of `size` bytes. */
static bool
read_record(struct msg_span value, enum msg_kind wanted, void *out, size_t size)
{
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_decode(value, &kind, &any) != CONCLAVE_OK || kind != wanted)
        return false;
    memcpy(out, &any, size);
    return true;
}

static bool
get(const struct broker_view *view, enum broker_table table, struct msg_span key, enum msg_kind kind, void *out,
    size_t size)
{
    struct msg_span value;

    return view->get(view->self, table, key, &value) && read_record(value, kind, out, size);
}

struct msg_span
broker_accounts_counters_key(void)
{
    return msg_span_of_text(msg_text("counters"));
}

bool
broker_accounts_counters(const struct broker_view *view, struct msg_rec_counters *out, bool *damaged)
{
    struct msg_span value;

    *damaged = false;
    if (!view->get(view->self, BROKER_TABLE_META, broker_accounts_counters_key(), &value))
        return false;
    *damaged = !read_record(value, MSG_REC_COUNTERS, out, sizeof *out);
    return !*damaged;
}

bool
broker_accounts_get(const struct broker_view *view, uint64_t account, struct msg_rec_account *out)
{
    const struct msg_record_key key = msg_record_key1(account);

    return get(view, BROKER_TABLE_ACCOUNTS, msg_record_key_span(&key), MSG_REC_ACCOUNT, out, sizeof *out);
}

bool
broker_accounts_by_name(const struct broker_view *view, const struct msg_name *name, uint64_t *account)
{
    struct msg_rec_number number;

    if (!get(view, BROKER_TABLE_NAMES, msg_span(name->folded, name->folded_len), MSG_REC_NAME, &number,
             sizeof number))
        return false;
    *account = number.account;
    return true;
}

bool
broker_accounts_owner(const struct broker_view *view, const struct msg_box_pub *key, struct msg_rec_owner *out)
{
    return get(view, BROKER_TABLE_OWNERS, msg_span(key->at, sizeof key->at), MSG_REC_OWNER, out, sizeof *out);
}

bool
broker_accounts_device(const struct broker_view *view, uint64_t account, uint64_t device, struct msg_rec_device *out)
{
    const struct msg_record_key key = msg_record_key2(account, device);

    return get(view, BROKER_TABLE_DEVICES, msg_record_key_span(&key), MSG_REC_DEVICE, out, sizeof *out);
}

bool
broker_accounts_next_device(const struct broker_view *view, uint64_t account, uint64_t *device,
                            struct msg_rec_device *out)
{
    for (;;) {
        const struct msg_record_key after = msg_record_key2(account, *device);
        struct msg_record_key key;
        struct msg_span value;
        if (!view->next(view->self, BROKER_TABLE_DEVICES, msg_record_key_span(&after), &key, &value)
            || msg_record_key_u64(msg_record_key_span(&key), 0) != account)
            return false;
        *device = msg_record_key_u64(msg_record_key_span(&key), 1);
        if (read_record(value, MSG_REC_DEVICE, out, sizeof *out))
            return true;
    }
}

bool
broker_accounts_next_revoked(const struct broker_view *view, uint64_t *version, struct msg_rec_revoked *out)
{
    for (;;) {
        const struct msg_record_key after = msg_record_key1(*version);
        struct msg_record_key key;
        struct msg_span value;
        if (!view->next(view->self, BROKER_TABLE_REVOKED, msg_record_key_span(&after), &key, &value))
            return false;
        *version = msg_record_key_u64(msg_record_key_span(&key), 0);
        if (read_record(value, MSG_REC_REVOKED, out, sizeof *out))
            return true;
    }
}

bool
broker_accounts_read_certificate(struct msg_span certificate, struct msg_cert_body *out)
{
    struct msg_signed wrapped;

    return read_record(certificate, MSG_SIGNED, &wrapped, sizeof wrapped)
           && read_record(wrapped.body, MSG_CERT, out, sizeof *out);
}
