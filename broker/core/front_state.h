/* The inside of the registry's mind: its state, shared by the files that
 * answer requests.  Included by them alone.
 *
 * A change that takes several steps is a job (broker/tables/jobs): it holds its
 * account from the moment it reads the records until its transaction is
 * stored, so that what it read is still so when it writes. */
#ifndef BROKER_FRONT_STATE_H
#define BROKER_FRONT_STATE_H

#include "broker/tables/accounts.h"
#include "broker/core/front_core.h"
#include "broker/tables/fanout.h"
#include "broker/tables/introductions.h"
#include "broker/tables/jobs.h"
#include "broker/tables/mailbox.h"
#include "broker/tables/mailwrites.h"
#include "broker/tables/people.h"
#include "broker/tables/posts.h"
#include "broker/tables/proposals.h"
#include "broker/tables/revocations.h"
#include "broker/tables/room_records.h"
#include "broker/tables/room_watch.h"
#include "broker/tables/senders.h"
#include "broker/tables/sessions.h"
#include "broker/tables/throttle.h"

#define BROKER_BOOT_LOCK UINT64_MAX       /* "account" held until the boot is stored */
#define BROKER_GENERATIONS (1ull << 32)   /* of sessions, in one run of the daemon */
#define BROKER_BUSY_MS 1000u              /* try again after this */
#define BROKER_PONG_MS 1500u              /* PONGs are gathered for so long, or a tenth of the lease, */
#define BROKER_PONGS 128u                 /* or until there are so many, or a room is cast to: we are awake then */

/* PINGs that were not answered yet.  Nobody waits for a PONG, and those that go
 * out together cost one wake-up of the thread that sends. */
struct broker_pongs {
    uint64_t due_ms;                /* BROKER_NEVER: none waits */
    uint32_t count;
    uint64_t conns[BROKER_PONGS];
};

enum broker_mail_phase {
    BROKER_MAIL_OFF,        /* before EVENT_START */
    BROKER_MAIL_COUNTING,   /* what is in the store; nothing is taken or pushed */
    BROKER_MAIL_SWEEPING,   /* counted; mailboxes of nobody are looked for */
    BROKER_MAIL_READY
};

struct broker_mail {
    enum broker_mail_phase phase;
    struct msg_record_key counted_to;   /* COUNTING */
    uint32_t sweep_at;                  /* SWEEPING: slot */
    uint64_t next_serial;               /* from the run's block of generations */
    bool numbered;                      /* the block is known to be stored */
    uint64_t closed_id;                 /* of a transaction: earlier ones may be for devices that were revoked since */
    struct broker_mailboxes boxes;
    struct broker_mailwrites writes;
};

/* Rooms with a transaction under way, in the order of these (slot + 1). */
struct broker_flights {
    uint32_t first, last;
    uint32_t boarding;              /* the first whose transaction has no id yet */
};

/* Logs of rooms are looked at one after the other (broker/rooms/log_sweep). */
struct broker_log_sweep {
    uint64_t due_ms;
    struct msg_id room;             /* the last one; zeros: none in this round */
    bool counted;                   /* all were looked at since the start */
};

struct broker_front_core {
    struct broker_front_settings settings;
    struct broker_view view;
    struct msg_time now;            /* of this step */
    struct msg_effects *out;        /* of this step */
    struct msg_rec_counters counters; /* with what is being stored */
    uint64_t generation;            /* the next session's */
    uint64_t revoked_version;       /* as stored */
    bool booted;                    /* the block of generations is stored */
    bool broken;                    /* the counters cannot be read */
    bool stopping;
    uint64_t renewed;               /* account: what is asked now was held for certificates up to this one */
    uint64_t armed_ms;              /* the shell will wake us by then */
    struct broker_pongs pongs;
    struct broker_sessions sessions;
    struct broker_people people;
    struct broker_jobs jobs;
    struct broker_throttle throttle;
    struct broker_strikes strikes;
    struct broker_introductions introductions;
    struct broker_revocations revocations;
    struct broker_mail mail;
    struct broker_rooms rooms;
    struct broker_proposals proposals;
    struct broker_flights flights;  /* transactions of rooms under way */
    struct broker_room_watch room_watch;
    struct broker_posts posts;
    struct broker_senders senders;
    struct broker_fanout fanout;
    struct broker_log_sweep log_sweep;
    uint64_t run_first;             /* offsets of this run are not below it */
    struct msg_mark *marks;         /* of the ROOM_READ that is answered */
    uint64_t sweep_ms;              /* when to look for rooms that are gone */
    struct msg_record_key sweep_at; /* the last one that was looked at */
    uint64_t *links;                /* a CAST's; room for all sessions */
    struct msg_buf items;           /* a list under construction */
    struct msg_buf nested;          /* a list in its items */
    struct msg_buf frame;           /* a frame that goes into another */
    struct broker_front_counts counts;
};

/* A member's request. */
struct broker_ask {
    uint64_t link;
    struct msg_box_pub key;
    struct msg_text source;
    uint64_t req;                   /* 0 where the kind has none */
    uint32_t session;               /* BROKER_NONE before LOGIN */
};

/* ---- front_core: what all use ---- */
void broker_front_core_send(struct broker_front_core *self, uint64_t link, enum msg_kind kind, const void *message);
void broker_front_core_refuse(struct broker_front_core *self, uint64_t link, uint64_t req, enum conclave_err err,
                              const char *text, uint64_t retry_ms);
/* What somebody else than the operator is told of trouble with the store; text
 * stays as it is for other errors. */
void broker_front_core_soften(enum conclave_err *err, const char **text);
/* A frame that should not have come: it is refused, and counts against the connection. */
void broker_front_core_garbage(struct broker_front_core *self, const struct broker_ask *ask, enum conclave_err err);
void broker_front_core_bye(struct broker_front_core *self, uint64_t link, enum conclave_err err, const char *text);

/* ---- counting: what those who watch are told ---- */
void broker_counting_refused(struct broker_front_core *self, enum conclave_err err);

/* Answers a question of the session that was held, out of its rate. */
void broker_front_core_answer(struct broker_front_core *self, uint32_t session, struct msg_span frame);

/* ---- progress: jobs, the vault and the disk ---- */
void broker_progress_put_counters(struct broker_front_core *self);
/* Asks the vault for what the job's stage needs. */
void broker_progress_ask_vault(struct broker_front_core *self, const struct broker_job *job);
/* Enters a stage of the vault and asks. */
void broker_progress_enter_vault(struct broker_front_core *self, struct broker_job *job, enum broker_job_stage stage);
/* Makes what was PUT one transaction that the job waits for. */
void broker_progress_enter_store(struct broker_front_core *self, struct broker_job *job);
/* Holds the account, or waits for it; true: held. */
bool broker_progress_lock(struct broker_front_core *self, struct broker_job *job, uint64_t account);
/* The job's certificate body, from its fields, under a new serial number. */
void broker_progress_make_body(struct broker_front_core *self, struct broker_job *job, struct msg_text shown);
void broker_progress_hear_vault(struct broker_front_core *self, const struct msg_event *event);
void broker_progress_hear_stored(struct broker_front_core *self, const struct msg_event *event);
/* Asks the vault again, or gives up. */
void broker_progress_run_due(struct broker_front_core *self);
/* Whoever waited for an account that is free now goes on. */
void broker_progress_run_unlocked(struct broker_front_core *self);

/* ---- enrolment, admission: SIGNUP, ENROL, PASSWD ---- */
struct broker_throttle_rule broker_admission_rule(const struct broker_front_core *self);
void broker_enrolment_ask(struct broker_front_core *self, const struct msg_door_ask *ask);
void broker_admission_checked(struct broker_front_core *self, struct broker_job *job, bool ok, bool rehash);
void broker_admission_hashed(struct broker_front_core *self, struct broker_job *job);
void broker_admission_locked(struct broker_front_core *self, struct broker_job *job);
void broker_admission_signed(struct broker_front_core *self, struct broker_job *job);
void broker_admission_stored(struct broker_front_core *self, struct broker_job *job);
void broker_admission_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                           uint64_t retry_ms);
void broker_admission_refuse(struct broker_front_core *self, uint64_t ticket, uint64_t req, enum conclave_err err,
                             struct msg_text text, uint64_t retry_ms);

/* ---- login: LOGIN, LOGOUT, the ends of sessions ---- */
void broker_login_ask(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_login_logout(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_login_locked(struct broker_front_core *self, struct broker_job *job);
void broker_login_signed(struct broker_front_core *self, struct broker_job *job);
void broker_login_stored(struct broker_front_core *self, struct broker_job *job);
void broker_login_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                       uint64_t retry_ms);
/* Ends a session; at_once: watchers are told in this step. */
void broker_login_end(struct broker_front_core *self, uint32_t session, bool at_once);
/* The same with a BYE, and the connection is cut. */
void broker_login_cut(struct broker_front_core *self, uint32_t session, enum conclave_err err, const char *text);
/* Whether the certificate in the record says what a new one would say, and is
 * good for that long. */
bool broker_login_certificate_serves(const struct broker_front_core *self, const struct msg_rec_device *device,
                                     const struct msg_box_pub *mail, uint64_t least_ms);
void broker_login_stop(struct broker_front_core *self);

/* ---- leases: PING, and silence ---- */
void broker_leases_ping(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
/* The session is being told the clock and the version of the revocation list. */
void broker_leases_told(struct broker_front_core *self, struct broker_session *session);
/* Answers the PINGs that have waited long enough. */
void broker_leases_pong_due(struct broker_front_core *self);
void broker_leases_pong_along(struct broker_front_core *self);      /* all that wait, with what is going out now */
void broker_leases_forget_pongs(struct broker_front_core *self);
/* Ends the sessions that were silent for too long. */
void broker_leases_expire(struct broker_front_core *self);

/* ---- directory: SEARCH, LIST, WATCH, PRESENCE ---- */
void broker_directory_search(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_directory_list(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_directory_watch(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
/* Tells the session what it has not been told. */
void broker_directory_flush(struct broker_front_core *self, uint32_t session);
void broker_directory_flush_watchers(struct broker_front_core *self, uint32_t person);
void broker_directory_tell_revoked(struct broker_front_core *self, uint64_t account); /* a device of it is, in this moment */
void broker_directory_flush_due(struct broker_front_core *self);

/* ---- introducing: INTRODUCE, CONSENT ---- */
void broker_introducing_ask(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_introducing_consent(struct broker_front_core *self, const struct broker_ask *ask,
                                const union msg_any *any);
/* The session is gone: whoever waits for it has its answer. */
void broker_introducing_forget(struct broker_front_core *self, uint32_t session);
void broker_introducing_due(struct broker_front_core *self);

/* ---- relaying: RELAY ---- */
void broker_relaying_relay(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
/* Takes so many bytes from what the session may send others now; 0, or when it
 * may in ms. */
uint64_t broker_relaying_charge(struct broker_front_core *self, uint32_t session, size_t bytes);

/* ---- renewing: certificates of devices that are away ---- */
/* Whether the question must wait because certificates of the account are due:
 * it is asked again by itself when they were made, or cannot be, and this says
 * no then.  `message` is its struct, at most BROKER_QUESTION_MAX as a frame.
 * Whoever asks for several accounts does so in ascending order, and returns at
 * the first that says yes. */
bool broker_renewing_holds(struct broker_front_core *self, const struct broker_ask *ask, enum msg_kind kind,
                           const void *message, uint64_t account);
void broker_renewing_locked(struct broker_front_core *self, struct broker_job *job); /* also: the next device */
void broker_renewing_signed(struct broker_front_core *self, struct broker_job *job);
void broker_renewing_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                          uint64_t retry_ms);

/* ---- mailing: DEPOSIT, MAIL, RETURNED, COLLECTED ---- */
void broker_mailing_deposit(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_mailing_collected(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
/* A session began: its mailbox is pushed from the beginning. */
void broker_mailing_begin(struct broker_front_core *self, uint32_t session);
/* Pushes as much as the window has room for. */
void broker_mailing_push(struct broker_front_core *self, uint32_t session);
/* A connection took no more; something of what was sent is lost. */
void broker_mailing_full(struct broker_front_core *self, uint64_t link);
void broker_mailing_stored(struct broker_front_core *self, const struct msg_event *event);
/* The number of the next letter; it grows over restarts. */
uint64_t broker_mailing_serial(struct broker_front_core *self);
/* Makes what was PUT one transaction. */
void broker_mailing_store(struct broker_front_core *self, const struct broker_mailwrite *write);
/* Deletes what stands in the mailbox of `write` after `after` up to that
 * serial, `most` letters at most; the bytes that they counted. */
uint64_t broker_mailing_delete(struct broker_front_core *self, struct broker_mailwrite *write, uint64_t last,
                               uint32_t most);
/* Whether these are one RUN and one SEALED of it; the RUN, as it stands there. */
bool broker_mailing_read_run(struct msg_span frames, struct msg_run_frame *run);
/* Whether there is such a device, and it is not revoked. */
bool broker_mailing_alive(const struct broker_front_core *self, uint64_t account, uint64_t device);

/* ---- clearing: mail that nobody collects ---- */
void broker_clearing_start(struct broker_front_core *self);
/* Whether what waits was counted, so that mail may be taken and pushed. */
bool broker_clearing_counted(const struct broker_front_core *self);
void broker_clearing_due(struct broker_front_core *self);
uint64_t broker_clearing_next(const struct broker_front_core *self); /* when it has something to do */
/* Looks at the mailbox when what was posted then may expire. */
void broker_clearing_watch(struct broker_front_core *self, struct broker_mailbox *box, uint64_t posted_ms);
/* Empties the mailbox of a device that is no more. */
void broker_clearing_empty(struct broker_front_core *self, uint64_t account, uint64_t device);
/* The device was revoked, or (0) the account deleted, in this moment. */
void broker_clearing_close(struct broker_front_core *self, uint64_t account, uint64_t device);
void broker_clearing_go_on_after(struct broker_front_core *self, const struct broker_mailwrite *write, bool stored);

/* ---- room_judge: what is permitted ---- */
/* What the account is to the room on disk (false: it never was anything), and
 * what it will be. */
bool broker_roster_part(const struct broker_front_core *self, uint32_t room, uint64_t account,
                        struct msg_room_part *out);
bool broker_roster_next_part(const struct broker_front_core *self, uint32_t room, uint64_t account,
                             struct msg_room_part *out);
/* What would be said to the operation now; changes nothing. */
enum conclave_err CONCLAVE_CHECK broker_roster_judge(const struct broker_front_core *self, uint32_t room,
                                                     const struct msg_room_op *op);

/* ---- room_roster: operations become entries, one transaction at a time in each room ---- */
/* Answers whoever handed it in, if that session is still there: DONE, or ERROR. */
void broker_roster_answer(struct broker_front_core *self, const struct broker_proposal *proposal,
                          enum conclave_err err, const char *text, uint64_t retry_ms);
/* The next transaction of the room, unless one is under way. */
void broker_roster_run(struct broker_front_core *self, uint32_t room);
/* A transaction with that id is on disk, or is not. */
void broker_roster_stored(struct broker_front_core *self, uint64_t id, enum conclave_err err);
/* Puts REVOKED into the rooms of an account (device 0: all of it is gone), as
 * part of the transaction that is being gathered; false: some have one under
 * way, and hold back the next until this was tried again. */
bool broker_roster_revoke(struct broker_front_core *self, uint64_t account, uint64_t device);
/* That transaction has this id. */
void broker_roster_depart(struct broker_front_core *self, uint64_t id);
/* Nobody waits for the rooms of the account any more. */
void broker_roster_release(struct broker_front_core *self, uint64_t account);
/* The account is gone from the disk: so are its invitations. */
void broker_roster_bury(struct broker_front_core *self, uint64_t account);

/* ---- room_landing: what is told when entries are on disk ---- */
/* Entries from `first` on are: seats come and go, and whoever is concerned is told. */
void broker_landing_tell(struct broker_front_core *self, uint32_t room, uint64_t first);
/* Appends an entry to a list in self->items; false: there is none, or no space. */
bool broker_landing_append(struct broker_front_core *self, const struct msg_id *room, uint64_t number,
                           struct msg_list *entries);

/* ---- room_seats: sessions come into their rooms; ROOM_STATE ---- */
void broker_seats_enter(struct broker_front_core *self, uint32_t session);
void broker_seats_of_member(struct broker_front_core *self, uint32_t member);
/* Restores the table; members whose account is gone leave their rooms. */
void broker_seats_start(struct broker_front_core *self);

/* ---- room_presence: ROOM_PRESENCE ---- */
/* The session is told who is there of those it shares small rooms with; it has its seats. */
void broker_presence_begin(struct broker_front_core *self, uint32_t session);
/* Somebody came, went or is away: their rooms are told soon. */
void broker_presence_changed(struct broker_front_core *self, uint64_t account);
/* Entries of the room landed: whoever came in is told who is there, and the others of them. */
void broker_presence_settle(struct broker_front_core *self, uint32_t room);
void broker_presence_due(struct broker_front_core *self);

/* ---- room_ops: ROOM_PROPOSE ---- */
void broker_room_ops_propose(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_room_ops_hashed(struct broker_front_core *self, struct broker_job *job);
void broker_room_ops_checked(struct broker_front_core *self, struct broker_job *job, bool ok);
void broker_room_ops_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                          uint64_t retry_ms);

/* ---- room_lists: ROOM_FIND, ROOM_LIST, ENTRIES_OF, ROOM_WATCH ---- */
void broker_room_lists_find(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_room_lists_list(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_room_lists_entries(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_room_lists_watch(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
/* Something changed that those who watch the list are told. */
void broker_room_lists_changed(struct broker_front_core *self, uint32_t room, enum msg_act act);
void broker_room_lists_due(struct broker_front_core *self);

/* ---- room_sweep: rooms that are gone, in the end from the disk as well ---- */
void broker_room_sweep_due(struct broker_front_core *self);

/* ---- room_cards: MEMBERS_OF, CARDS_OF, CARD_OF ---- */
void broker_room_cards_members(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_room_cards_of_room(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_room_cards_one(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);

/* ---- room_posts: ROOM_POST ---- */
void broker_posts_hear(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
/* The seat of a session in a room; else what it is told. */
enum conclave_err CONCLAVE_CHECK broker_posts_admit(const struct broker_front_core *self, uint32_t session,
                                                    const struct msg_id *id, uint32_t *room, uint32_t *seat);
void broker_posts_stored(struct broker_front_core *self, uint64_t id, enum conclave_err err);

/* ---- room_casts: ROOM_CAST, ROOM_TAKEN, ROOM_STATE ---- */
/* Where the log of the room stands, looked up with its first use. */
struct broker_room_log *broker_casts_log(struct broker_front_core *self, uint32_t room);
/* ROOM_STATE is due for that seat. */
void broker_casts_mark(struct broker_front_core *self, uint32_t seat);
/* ... and is told now. */
void broker_casts_tell(struct broker_front_core *self, uint32_t session);
void broker_casts_due(struct broker_front_core *self);
void broker_casts_lease(struct broker_front_core *self, uint32_t session); /* it was renewed */
void broker_casts_heard(struct broker_front_core *self, uint32_t session); /* by something else than PING: the same, as often as it should be */
void broker_casts_taken(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_casts_full(struct broker_front_core *self, const struct msg_event *event);
/* The turn is over: what came in it is handed to the disk and cast. */
void broker_casts_flush(struct broker_front_core *self);
/* Frames behind that offset which are not on disk, and were cast in a turn
 * before, to a seat that has just become live. */
void broker_casts_pending(struct broker_front_core *self, uint32_t seat, uint64_t after);

/* ---- room_reads: ROOM_READ ---- */
void broker_reads_ask(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);

/* ---- log_sweep ---- */
void broker_log_sweep_start(struct broker_front_core *self);
void broker_log_sweep_due(struct broker_front_core *self);

/* ---- room_mesh: ROOM_MESH, ROOM_ROUTES ---- */
void broker_mesh_hear(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_mesh_routes(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
/* Before they go: the others are told that they publish no more. */
void broker_mesh_end_seat(struct broker_front_core *self, uint32_t seat);
void broker_mesh_end_session(struct broker_front_core *self, uint32_t session);
/* The account is in the room no longer: nor are its sessions. */
void broker_mesh_end_member(struct broker_front_core *self, uint32_t member);
/* The last one of a room, and all of them: nobody is told. */
void broker_mesh_end_room(struct broker_front_core *self, uint32_t room);
/* The room may have become a mesh, or be one no longer. */
void broker_mesh_settle(struct broker_front_core *self, uint32_t room);

/* ---- devices: LIST_DEVICES, REVOKE, LIST_REVOKED, DELETE_ACCOUNT ---- */
void broker_devices_list(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_devices_revoke(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_devices_delete(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
void broker_devices_list_revoked(struct broker_front_core *self, const struct broker_ask *ask,
                                 const union msg_any *any);
void broker_devices_locked(struct broker_front_core *self, struct broker_job *job);
void broker_devices_stored(struct broker_front_core *self, struct broker_job *job);
void broker_devices_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                         uint64_t retry_ms);
void broker_devices_list_signed(struct broker_front_core *self, struct broker_job *job, const struct msg_sig *sig);
void broker_devices_list_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                              uint64_t retry_ms);

#endif
