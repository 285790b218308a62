/* What waits for devices that are away, counted: how much each mailbox has,
 * how much of that is of one account, and how much of all mail each account
 * sent, since all three are limited; what is for rooms (their keys) apart from
 * what people say, so that neither takes the place of the other.  The mail
 * itself is in the store alone.
 * Pure tables of fixed size; memory is touched only for devices and accounts
 * that have something waiting. */
#ifndef BROKER_MAILBOX_H
#define BROKER_MAILBOX_H

#include "broker/tables/view.h"
#include "broker/tables/wheel.h"
#include "msg/error.h"

#define BROKER_LETTER_BYTES 64u /* what a letter counts beside its frames and its certificate */

/* The options mail/..., each for what people say and for what is for rooms. */
struct broker_mail_limits {
    uint64_t expiry_days;
    uint64_t device_messages;   /* what waits for one device ... */
    uint64_t device_mib;
    uint64_t sender_messages;   /* ... of these, what is of one account, so that it leaves room for others ... */
    uint64_t sender_mib;
    uint64_t account_messages;  /* ... and what one account sent of all that waits */
    uint64_t account_mib;
};

/* ---- what stands in the store ---- */

/* One record of BROKER_TABLE_MAIL.  Spans point into the view's memory. */
struct broker_letter {
    enum msg_kind kind;         /* REC_MAIL, REC_RETURN; NONE: it does not decode */
    uint64_t sender;            /* account whose it is; 0: nobody's (REC_RETURN) */
    uint64_t bytes;             /* that it counts; 0: it does not decode */
    bool rooms;                 /* it is for rooms */
    union {
        struct msg_rec_mail mail;
        struct msg_rec_return returned;
    };
};

void broker_letter_read(struct broker_letter *self, struct msg_span value);

/* When it was posted, wall clock; 0: it does not decode. */
uint64_t broker_letter_posted_ms(const struct broker_letter *self);

/* The next letter of a mailbox whose serial is greater than *serial, which
 * becomes its; false: that was all. */
bool broker_letter_next(const struct broker_view *view, uint64_t account, uint64_t device, uint64_t *serial,
                        struct broker_letter *letter);

/* What a letter of that size counts. */
uint64_t broker_letter_bytes(size_t frames, size_t certificate);

/* ---- the table ---- */

struct broker_mail_share {
    uint64_t bytes;
    uint32_t count;
};

/* Indices of shares. */
enum { BROKER_MAIL_TALK, BROKER_MAIL_ROOMS, BROKER_MAIL_KINDS };

struct broker_mailbox {
    uint64_t account;           /* 0: free */
    uint64_t device;
    uint64_t gone;              /* up to this serial all is deleted, or about to be */
    uint64_t first_ms;          /* wall clock: when its oldest letter was posted; 0: not known */
    struct broker_mail_share has[BROKER_MAIL_KINDS];
    uint32_t writes;            /* transactions under way that concern it */
    uint32_t next_free;         /* slot + 1 */
};

struct broker_mail_sender {
    uint64_t account;
    struct broker_mail_share has[BROKER_MAIL_KINDS];
    uint32_t next_free;
};

/* What one account has waiting for one device, of each kind.  There may be more
 * such pairs than can be listed, so they are counted in two rows of cells, in each of
 * which a pair has a place by a hash that nobody outside can foresee: what it counts
 * is the lesser of the two, never less than is there, and more only where both
 * places are shared. */
#define BROKER_MAIL_SHARES (1u << 18) /* cells in a row */

struct broker_mailboxes {
    struct broker_mailbox *list;
    uint32_t capacity, high, free_first;
    struct broker_index by_device;
    struct broker_wheel timers; /* by mailbox: when its first letter may expire */
    struct broker_mail_sender *senders;
    uint32_t senders_capacity, senders_high, senders_free;
    struct broker_index by_sender;
    struct broker_mail_share *shares; /* two rows */
    uint64_t count;             /* letters in all */
    uint64_t bytes;             /* of them */
    bool overflowed;            /* some that are in the store are not counted */
};

bool CONCLAVE_CHECK broker_mailboxes_init(struct broker_mailboxes *self, uint32_t mailboxes, uint32_t senders,
                                          uint64_t tick_ms, uint64_t seed);
void broker_mailboxes_wipe(struct broker_mailboxes *self);

/* NULL: nothing waits for that device. */
struct broker_mailbox *broker_mailboxes_find(struct broker_mailboxes *self, uint64_t account, uint64_t device);

/* Counts a letter in; sender 0: nobody's, counted for the mailbox alone.  rooms: it
 * is for rooms.
 * limits NULL: there are none.  QUOTA_EXCEEDED: of the mailbox, of what the
 * sender may have in it, or of what it may have in all; STORE_FULL when the
 * tables are; nothing is counted then. */
enum conclave_err CONCLAVE_CHECK
broker_mailboxes_add(struct broker_mailboxes *self, const struct broker_mail_limits *limits, uint64_t account,
                     uint64_t device, uint64_t sender, bool rooms, uint64_t bytes);

/* Counts it out again.  The mailbox stays until it is settled. */
void broker_mailboxes_take(struct broker_mailboxes *self, uint64_t account, uint64_t device, uint64_t sender,
                           bool rooms, uint64_t bytes);

bool broker_mailbox_is_empty(const struct broker_mailbox *mailbox);

/* A letter in it was posted then. */
void broker_mailboxes_posted(struct broker_mailbox *mailbox, uint64_t posted_ms);

/* Forgets the mailbox when nothing is in it and nothing under way; NULL is
 * passed over. */
void broker_mailboxes_settle(struct broker_mailboxes *self, struct broker_mailbox *mailbox);

uint32_t broker_mailboxes_slot(const struct broker_mailboxes *self, const struct broker_mailbox *mailbox);

#endif
