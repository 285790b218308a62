/* See mailbox.h. */
#include "broker/tables/mailbox.h"

#include <assert.h>
#include <stdlib.h>

#include "broker/tables/bucket.h"
#include "msg/codec.h"

#define MIB (1u << 20)

/* ---- what stands in the store ---- */

uint64_t
broker_letter_bytes(size_t frames, size_t certificate)
{
    return (uint64_t)frames + certificate + BROKER_LETTER_BYTES;
}

void
broker_letter_read(struct broker_letter *self, struct msg_span value)
{
    union msg_any any;

    *self = (struct broker_letter){.kind = MSG_KIND_NONE};
    if (msg_codec_decode(value, &self->kind, &any) != CONCLAVE_OK) {
        self->kind = MSG_KIND_NONE;
    } else if (self->kind == MSG_REC_MAIL) {
        self->mail = any.MSG_ANY_REC_MAIL;
        self->sender = self->mail.account;
        self->rooms = self->mail.rooms;
        self->bytes = broker_letter_bytes(self->mail.frames.len, self->mail.certificate.len);
    } else if (self->kind == MSG_REC_RETURN) {
        self->returned = any.MSG_ANY_REC_RETURN;
        self->bytes = BROKER_LETTER_BYTES;
    } else {
        self->kind = MSG_KIND_NONE;
    }
}

uint64_t
broker_letter_posted_ms(const struct broker_letter *self)
{
    if (self->kind == MSG_REC_MAIL)
        return self->mail.posted_ms;
    return self->kind == MSG_REC_RETURN ? self->returned.posted_ms : 0;
}

bool
broker_letter_next(const struct broker_view *view, uint64_t account, uint64_t device, uint64_t *serial,
                   struct broker_letter *letter)
{
    const struct msg_record_key after = msg_record_key3(account, device, *serial);
    struct msg_record_key key;
    struct msg_span value;

    if (!view->next(view->self, BROKER_TABLE_MAIL, msg_record_key_span(&after), &key, &value)
        || msg_record_key_u64(msg_record_key_span(&key), 0) != account
        || msg_record_key_u64(msg_record_key_span(&key), 1) != device)
        return false;
    *serial = msg_record_key_u64(msg_record_key_span(&key), 2);
    broker_letter_read(letter, value);
    return true;
}

/* ---- the table ---- */

bool
broker_mailboxes_init(struct broker_mailboxes *self, uint32_t mailboxes, uint32_t senders, uint64_t tick_ms,
                      uint64_t seed)
{
    *self = (struct broker_mailboxes){.capacity = mailboxes, .senders_capacity = senders};
    self->list = calloc(mailboxes > 0 ? mailboxes : 1, sizeof *self->list);
    self->senders = calloc(senders > 0 ? senders : 1, sizeof *self->senders);
    self->shares = calloc(2u * BROKER_MAIL_SHARES, sizeof *self->shares);
    return self->list != NULL && self->senders != NULL && self->shares != NULL && broker_index_init(&self->by_device, mailboxes, seed)
           && broker_index_init(&self->by_sender, senders, seed ^ 0x9e3779b9u)
           && broker_wheel_init(&self->timers, mailboxes, tick_ms);
}

void
broker_mailboxes_wipe(struct broker_mailboxes *self)
{
    free(self->list);
    free(self->senders);
    free(self->shares);
    self->list = NULL;
    self->senders = NULL;
    self->shares = NULL;
    broker_index_wipe(&self->by_device);
    broker_index_wipe(&self->by_sender);
    broker_wheel_wipe(&self->timers);
}

uint32_t
broker_mailboxes_slot(const struct broker_mailboxes *self, const struct broker_mailbox *mailbox)
{
    return (uint32_t)(mailbox - self->list);
}

static uint32_t
hash_of(const struct broker_mailboxes *self, uint64_t account, uint64_t device)
{
    const uint64_t key[] = {account, device};

    return broker_index_hash(&self->by_device, key, sizeof key);
}

struct broker_mailbox *
broker_mailboxes_find(struct broker_mailboxes *self, uint64_t account, uint64_t device)
{
    const uint32_t hash = hash_of(self, account, device);
    uint32_t at = hash, slot;

    while ((slot = broker_index_next(&self->by_device, hash, &at)) != BROKER_NONE)
        if (self->list[slot].account == account && self->list[slot].device == device)
            return &self->list[slot];
    return NULL;
}

static struct broker_mail_sender *
find_sender(struct broker_mailboxes *self, uint64_t account)
{
    const uint32_t hash = broker_index_hash_u64(&self->by_sender, account);
    uint32_t at = hash, slot;

    while ((slot = broker_index_next(&self->by_sender, hash, &at)) != BROKER_NONE)
        if (self->senders[slot].account == account)
            return &self->senders[slot];
    return NULL;
}

/* A slot that nobody has; BROKER_NONE: full. */
static uint32_t
free_mailbox(const struct broker_mailboxes *self)
{
    if (self->free_first != 0)
        return self->free_first - 1;
    return self->high < self->capacity ? self->high : BROKER_NONE;
}

static uint32_t
free_sender(const struct broker_mailboxes *self)
{
    if (self->senders_free != 0)
        return self->senders_free - 1;
    return self->senders_high < self->senders_capacity ? self->senders_high : BROKER_NONE;
}

static struct broker_mailbox *
make_mailbox(struct broker_mailboxes *self, uint64_t account, uint64_t device)
{
    const uint32_t slot = free_mailbox(self);

    if (self->free_first != 0)
        self->free_first = self->list[slot].next_free;
    else
        self->high++;
    self->list[slot] = (struct broker_mailbox){.account = account, .device = device};
    broker_index_add(&self->by_device, hash_of(self, account, device), slot);
    return &self->list[slot];
}

static struct broker_mail_sender *
make_sender(struct broker_mailboxes *self, uint64_t account)
{
    const uint32_t slot = free_sender(self);

    if (self->senders_free != 0)
        self->senders_free = self->senders[slot].next_free;
    else
        self->senders_high++;
    self->senders[slot] = (struct broker_mail_sender){.account = account};
    broker_index_add(&self->by_sender, broker_index_hash_u64(&self->by_sender, account), slot);
    return &self->senders[slot];
}

/* The two places of a pair, one in each row. */
struct places { struct broker_mail_share *a, *b; };

static struct places
places_of(const struct broker_mailboxes *self, uint64_t account, uint64_t device, uint64_t sender, bool rooms)
{
    const uint64_t key[] = {account, device, sender, rooms};
    const uint64_t tag = broker_bucket_tag(self->by_device.seed, key, sizeof key);

    static_assert((BROKER_MAIL_SHARES & (BROKER_MAIL_SHARES - 1u)) == 0, "a rest is a mask");
    return (struct places){&self->shares[tag & (BROKER_MAIL_SHARES - 1u)],
                           &self->shares[BROKER_MAIL_SHARES + ((tag >> 32) & (BROKER_MAIL_SHARES - 1u))]};
}

/* Whether one more of that size goes beyond what may be there. */
static bool
beyond(const struct broker_mail_share *has, uint64_t more, uint64_t count_max, uint64_t mib_max)
{
    return has->count >= count_max || more > mib_max * MIB || has->bytes > mib_max * MIB - more;
}

/* The same for what the pair has: of its places the one with less counts. */
static bool
beyond_share(const struct places *at, uint64_t more, const struct broker_mail_limits *limits)
{
    return beyond(at->a, more, limits->sender_messages, limits->sender_mib)
           && beyond(at->b, more, limits->sender_messages, limits->sender_mib);
}

static void
more(struct broker_mail_share *has, uint64_t bytes)
{
    has->count++;
    has->bytes += bytes;
}

/* One less; what was never counted (see overflowed) is not taken either. */
static void
less(struct broker_mail_share *has, uint64_t by)
{
    has->count -= has->count > 0;
    has->bytes = has->count > 0 && has->bytes > by ? has->bytes - by : 0;
}

static bool
is_empty(const struct broker_mail_share has[BROKER_MAIL_KINDS])
{
    return has[BROKER_MAIL_TALK].count == 0 && has[BROKER_MAIL_ROOMS].count == 0;
}

enum conclave_err
broker_mailboxes_add(struct broker_mailboxes *self, const struct broker_mail_limits *limits, uint64_t account,
                     uint64_t device, uint64_t sender_account, bool rooms, uint64_t bytes)
{
    static const struct broker_mail_share none;
    const struct places share = places_of(self, account, device, sender_account, rooms);
    struct broker_mailbox *mailbox = broker_mailboxes_find(self, account, device);
    struct broker_mail_sender *sender = sender_account != 0 ? find_sender(self, sender_account) : NULL;

    if (limits != NULL
        && (beyond(mailbox != NULL ? &mailbox->has[rooms] : &none, bytes, limits->device_messages, limits->device_mib)
            || (sender_account != 0 && beyond_share(&share, bytes, limits))
            || (sender_account != 0
                && beyond(sender != NULL ? &sender->has[rooms] : &none, bytes, limits->account_messages,
                          limits->account_mib))))
        return CONCLAVE_ERR_QUOTA_EXCEEDED;
    if ((mailbox == NULL && free_mailbox(self) == BROKER_NONE)
        || (sender_account != 0 && sender == NULL && free_sender(self) == BROKER_NONE))
        return CONCLAVE_ERR_STORE_FULL;
    if (mailbox == NULL)
        mailbox = make_mailbox(self, account, device);
    if (sender == NULL && sender_account != 0)
        sender = make_sender(self, sender_account);
    more(&mailbox->has[rooms], bytes);
    self->count++;
    self->bytes += bytes;
    if (sender != NULL) {
        more(&sender->has[rooms], bytes);
        more(share.a, bytes);
        more(share.b, bytes);
    }
    return CONCLAVE_OK;
}

void
broker_mailboxes_take(struct broker_mailboxes *self, uint64_t account, uint64_t device, uint64_t sender_account,
                      bool rooms, uint64_t bytes)
{
    struct broker_mailbox *mailbox = broker_mailboxes_find(self, account, device);
    struct broker_mail_sender *sender = sender_account != 0 ? find_sender(self, sender_account) : NULL;

    if (mailbox != NULL && mailbox->has[rooms].count > 0 && sender_account != 0) {
        const struct places share = places_of(self, account, device, sender_account, rooms);
        less(share.a, bytes);
        less(share.b, bytes);
    }
    if (mailbox != NULL) {
        struct broker_mail_share *has = &mailbox->has[rooms];
        const uint64_t before = has->bytes;
        self->count -= has->count > 0;
        less(has, bytes);
        self->bytes -= before - has->bytes;
    }
    if (sender == NULL)
        return;
    less(&sender->has[rooms], bytes);
    if (!is_empty(sender->has))
        return;
    const uint32_t slot = (uint32_t)(sender - self->senders);
    broker_index_remove(&self->by_sender, broker_index_hash_u64(&self->by_sender, sender->account), slot);
    *sender = (struct broker_mail_sender){.next_free = self->senders_free};
    self->senders_free = slot + 1;
}

bool
broker_mailbox_is_empty(const struct broker_mailbox *mailbox)
{
    return is_empty(mailbox->has);
}

void
broker_mailboxes_posted(struct broker_mailbox *mailbox, uint64_t posted_ms)
{
    if (posted_ms != 0 && (mailbox->first_ms == 0 || posted_ms < mailbox->first_ms))
        mailbox->first_ms = posted_ms;
}

void
broker_mailboxes_settle(struct broker_mailboxes *self, struct broker_mailbox *mailbox)
{
    if (mailbox == NULL || !broker_mailbox_is_empty(mailbox) || mailbox->writes > 0)
        return;
    const uint32_t slot = broker_mailboxes_slot(self, mailbox);
    broker_wheel_clear(&self->timers, slot);
    broker_index_remove(&self->by_device, hash_of(self, mailbox->account, mailbox->device), slot);
    *mailbox = (struct broker_mailbox){.next_free = self->free_first};
    self->free_first = slot + 1;
}
