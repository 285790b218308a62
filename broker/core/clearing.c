/* How mail ends when nobody collects it: it expires and its sender is told, or
 * its device is revoked or its account deleted.  Also the count of what waits,
 * made when the registry starts, in pieces, so that nobody waits for it. */
#include "broker/core/front_state.h"

#include "msg/codec.h"

#define DAY_MS 86400000ull
#define RETRY_MS 60000u             /* after the disk did not take it */
#define EXPIRE_COUNT 64u            /* letters in one transaction */
#define EMPTY_COUNT 256u
#define COUNT_COUNT 256u            /* letters in one step */
#define COUNT_BYTES (2u << 20)
#define SWEEP_COUNT 1024u           /* mailboxes in one step */
#define DUE_COUNT 64u               /* the same, of those where letters expire */

bool
broker_clearing_counted(const struct broker_front_core *self)
{
    return self->mail.phase == BROKER_MAIL_SWEEPING || self->mail.phase == BROKER_MAIL_READY;
}

uint64_t
broker_clearing_next(const struct broker_front_core *self)
{
    if (self->mail.phase == BROKER_MAIL_COUNTING || self->mail.phase == BROKER_MAIL_SWEEPING)
        return self->now.mono_ms;
    return broker_wheel_next(&self->mail.boxes.timers);
}

void
broker_clearing_watch(struct broker_front_core *self, struct broker_mailbox *box, uint64_t posted_ms)
{
    const uint32_t slot = broker_mailboxes_slot(&self->mail.boxes, box);
    const uint64_t life_ms = self->settings.mail.expiry_days * DAY_MS;
    const uint64_t age_ms = self->now.wall_ms > posted_ms ? self->now.wall_ms - posted_ms : 0;
    const uint64_t left_ms = life_ms > age_ms ? life_ms - age_ms : 0;

    broker_mailboxes_posted(box, posted_ms);
    /* Looked at once a day, since both the clock and the settings may change. */
    if (!broker_wheel_is_set(&self->mail.boxes.timers, slot))
        broker_wheel_set(&self->mail.boxes.timers, slot, self->now.mono_ms + (left_ms < DAY_MS ? left_ms : DAY_MS));
}

/* ---- expiry ---- */

/* A letter that expired, without what points into the view. */
struct expired {
    uint64_t serial;
    uint64_t sender, sender_device; /* 0: nobody is told */
    uint64_t bytes;
    bool rooms;
    uint64_t posted_ms;
    struct msg_tag run;
};

/* Reads the letters of the mailbox that expired; returns how many. */
static uint32_t
find_expired(struct broker_front_core *self, struct broker_mailbox *box, struct expired *list)
{
    const uint64_t life_ms = self->settings.mail.expiry_days * DAY_MS;
    struct broker_letter letter;
    uint64_t serial = box->gone;
    uint32_t count = 0;

    while (count < EXPIRE_COUNT
           && broker_letter_next(&self->view, box->account, box->device, &serial, &letter)) {
        struct expired *expired = &list[count];
        struct msg_run_frame run;
        *expired = (struct expired){.serial = serial, .sender = letter.sender, .bytes = letter.bytes, .rooms = letter.rooms};
        expired->posted_ms = broker_letter_posted_ms(&letter);
        if (letter.kind == MSG_REC_MAIL) {
            expired->sender_device = letter.rooms ? 0 : letter.mail.device; /* keys are asked for when they are missed */
            if (broker_mailing_read_run(letter.mail.frames, &run))
                expired->run = run.run;
        }
        if (letter.kind != MSG_KIND_NONE
            && (self->now.wall_ms < expired->posted_ms || self->now.wall_ms - expired->posted_ms < life_ms)) {
            box->first_ms = expired->posted_ms; /* those before it go */
            broker_clearing_watch(self, box, expired->posted_ms);
            return count;
        }
        count++;
    }
    box->first_ms = self->now.wall_ms; /* what is left is on its way to the disk, or is looked at next */
    return count;
}

/* The sender's device is told that nobody came for it. */
static void
put_return(struct broker_front_core *self, const struct broker_mailbox *from, const struct expired *expired,
           struct broker_mailwrite_item *item)
{
    *item = (struct broker_mailwrite_item){expired->sender, expired->sender_device, BROKER_LETTER_BYTES, false,
                                           CONCLAVE_ERR_NO_SUCH_USER};
    if (expired->sender_device == 0 || !broker_mailing_alive(self, expired->sender, expired->sender_device))
        return;
    item->err = broker_mailboxes_add(&self->mail.boxes, NULL, item->account, item->device, 0, false, item->bytes);
    if (item->err != CONCLAVE_OK)
        return;
    struct broker_mailbox *box = broker_mailboxes_find(&self->mail.boxes, item->account, item->device);
    const struct msg_record_key key = msg_record_key3(item->account, item->device, broker_mailing_serial(self));
    const struct msg_rec_return record = {from->account, from->device, expired->run, self->now.wall_ms};
    msg_effects_put(self->out, BROKER_TABLE_MAIL, msg_record_key_span(&key), MSG_REC_RETURN, &record);
    box->writes++;
    broker_clearing_watch(self, box, self->now.wall_ms);
}

static void
expire(struct broker_front_core *self, struct broker_mailbox *box)
{
    struct expired list[EXPIRE_COUNT];
    const uint32_t count = find_expired(self, box, list);

    if (count == 0)
        return;
    struct broker_mailwrite *write = broker_mailwrites_add(&self->mail.writes, BROKER_MAILWRITE_EXPIRE,
                                                           broker_jobs_store_id(&self->jobs), count);
    if (write == NULL) {
        broker_wheel_set(&self->mail.boxes.timers, broker_mailboxes_slot(&self->mail.boxes, box),
                         self->now.mono_ms + RETRY_MS);
        return;
    }
    write->account = box->account;
    write->device = box->device;
    write->after = box->gone;
    write->last = box->gone = list[count - 1].serial;
    box->writes++;
    for (uint32_t i = 0; i < count; i++) {
        const struct msg_record_key key = msg_record_key3(box->account, box->device, list[i].serial);
        msg_effects_delete(self->out, BROKER_TABLE_MAIL, msg_record_key_span(&key));
        broker_mailboxes_take(&self->mail.boxes, box->account, box->device, list[i].sender, list[i].rooms,
                              list[i].bytes);
        put_return(self, box, &list[i], broker_mailwrites_item(&self->mail.writes, write, i));
    }
    self->counts.mail_expired += count;
    broker_mailing_store(self, write);
}

/* ---- mailboxes that are nobody's any more ---- */

static uint64_t
gone_of(struct broker_front_core *self, uint64_t account, uint64_t device)
{
    const struct broker_mailbox *box = broker_mailboxes_find(&self->mail.boxes, account, device);

    return box != NULL ? box->gone : 0;
}

/* The account's first device from `device` on whose mailbox is not empty. */
static bool
next_mailbox(struct broker_front_core *self, uint64_t account, uint64_t *device)
{
    uint64_t after = gone_of(self, account, *device);

    for (;;) {
        const struct msg_record_key from = msg_record_key3(account, *device, after);
        struct msg_record_key key;
        struct msg_span value;
        if (!self->view.next(self->view.self, BROKER_TABLE_MAIL, msg_record_key_span(&from), &key, &value)
            || msg_record_key_u64(msg_record_key_span(&key), 0) != account)
            return false;
        *device = msg_record_key_u64(msg_record_key_span(&key), 1);
        after = gone_of(self, account, *device);
        if (msg_record_key_u64(msg_record_key_span(&key), 2) > after)
            return true;
    }
}

static void
empty(struct broker_front_core *self, uint64_t account, uint64_t device, bool whole)
{
    uint64_t found = device;

    if (!next_mailbox(self, account, &found) || (!whole && found != device))
        return;
    struct broker_mailwrite *write = broker_mailwrites_add(&self->mail.writes, BROKER_MAILWRITE_EMPTY,
                                                           broker_jobs_store_id(&self->jobs), 0);
    if (write == NULL)
        return; /* at the next start */
    write->account = account;
    write->device = found;
    write->whole = whole;
    write->after = write->last = gone_of(self, account, found);
    (void)broker_mailing_delete(self, write, UINT64_MAX, EMPTY_COUNT); /* its bytes matter to sessions alone */
    broker_mailing_store(self, write);
}

void
broker_clearing_empty(struct broker_front_core *self, uint64_t account, uint64_t device)
{
    empty(self, account, device, false);
}

void
broker_clearing_close(struct broker_front_core *self, uint64_t account, uint64_t device)
{
    /* What is on its way to it now is looked at when it is there. */
    self->mail.closed_id = broker_jobs_store_id(&self->jobs);
    if (broker_clearing_counted(self)) /* else it is found after the count */
        empty(self, account, device, device == 0);
}

void
broker_clearing_go_on_after(struct broker_front_core *self, const struct broker_mailwrite *write, bool stored)
{
    struct broker_mailbox *box;

    if (write->kind == BROKER_MAILWRITE_EMPTY && stored) {
        empty(self, write->account, write->device, write->whole);
    } else if (write->kind == BROKER_MAILWRITE_EXPIRE
               && (box = broker_mailboxes_find(&self->mail.boxes, write->account, write->device)) != NULL) {
        if (stored)
            expire(self, box);
        else
            broker_wheel_set(&self->mail.boxes.timers, broker_mailboxes_slot(&self->mail.boxes, box),
                             self->now.mono_ms + RETRY_MS);
    }
}

/* ---- the count at the start ---- */

void
broker_clearing_start(struct broker_front_core *self)
{
    self->mail.phase = BROKER_MAIL_COUNTING;
    self->mail.counted_to = msg_record_key3(0, 0, 0);
}

static void
end_count(struct broker_front_core *self)
{
    self->mail.phase = BROKER_MAIL_SWEEPING;
    self->mail.sweep_at = 0;
    if (self->mail.boxes.overflowed)
        msg_effects_log(self->out, MSG_LOG_WARN,
                        "MAIL-UNCOUNTED mail waits for more devices than this registry may have; raise "
                        "limits/accounts.");
    for (uint32_t slot = 0; slot < self->sessions.high; slot++)
        if (self->sessions.list[slot].used)
            broker_mailing_push(self, slot);
}

static void
count(struct broker_front_core *self)
{
    struct msg_record_key *at = &self->mail.counted_to;
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < COUNT_COUNT && bytes < COUNT_BYTES; i++) {
        struct broker_letter letter;
        struct msg_record_key key;
        struct msg_span value;
        if (!self->view.next(self->view.self, BROKER_TABLE_MAIL, msg_record_key_span(at), &key, &value)) {
            end_count(self);
            return;
        }
        *at = key;
        broker_letter_read(&letter, value);
        bytes += value.len;
        const uint64_t account = msg_record_key_u64(msg_record_key_span(&key), 0);
        const uint64_t device = msg_record_key_u64(msg_record_key_span(&key), 1);
        if (broker_mailboxes_add(&self->mail.boxes, NULL, account, device, letter.sender, letter.rooms,
                                 letter.bytes)
            == CONCLAVE_OK)
            broker_clearing_watch(self, broker_mailboxes_find(&self->mail.boxes, account, device),
                                  broker_letter_posted_ms(&letter));
        else
            self->mail.boxes.overflowed = true;
    }
}

/* Mail for devices that were revoked when the registry stopped too early. */
static void
sweep(struct broker_front_core *self)
{
    for (uint32_t i = 0; i < SWEEP_COUNT; i++) {
        if (self->mail.sweep_at >= self->mail.boxes.high) {
            self->mail.phase = BROKER_MAIL_READY;
            return;
        }
        const struct broker_mailbox *box = &self->mail.boxes.list[self->mail.sweep_at++];
        if (box->account != 0 && !broker_mailing_alive(self, box->account, box->device))
            empty(self, box->account, box->device, false);
    }
}

void
broker_clearing_due(struct broker_front_core *self)
{
    uint32_t slot;

    if (self->mail.phase == BROKER_MAIL_COUNTING)
        count(self);
    else if (self->mail.phase == BROKER_MAIL_SWEEPING)
        sweep(self);
    if (!broker_clearing_counted(self))
        return;
    for (uint32_t i = 0; i < DUE_COUNT; i++) {
        slot = broker_wheel_pop(&self->mail.boxes.timers, self->now.mono_ms);
        if (slot == BROKER_NONE)
            return;
        expire(self, &self->mail.boxes.list[slot]);
    }
}
