/* The inside of the registry's mind: its state, shared by the files that
 * answer requests.  Included by them alone.
 *
 * A change that takes several steps is a job (broker/jobs): it holds its
 * account from the moment it reads the records until its transaction is
 * stored, so that what it read is still so when it writes. */
#ifndef BROKER_FRONT_STATE_H
#define BROKER_FRONT_STATE_H

#include "broker/accounts.h"
#include "broker/front_core.h"
#include "broker/introductions.h"
#include "broker/jobs.h"
#include "broker/people.h"
#include "broker/revocations.h"
#include "broker/sessions.h"
#include "broker/throttle.h"

#define BROKER_BOOT_LOCK UINT64_MAX       /* "account" held until the boot is stored */
#define BROKER_GENERATIONS (1ull << 32)   /* of sessions, in one run of the daemon */
#define BROKER_BUSY_MS 1000u              /* try again after this */
#define BROKER_PONG_MS 100u               /* PONGs are gathered for so long, or a tenth of the lease */
#define BROKER_PONGS 128u                 /* then they go out at once */

/* PINGs that were not answered yet.  Nobody waits for a PONG, and those that go
 * out together cost one wake-up of the thread that sends. */
struct broker_pongs {
    uint64_t due_ms;                /* BROKER_NEVER: none waits */
    uint32_t count;
    uint64_t conns[BROKER_PONGS];
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
    uint64_t armed_ms;              /* the shell will wake us by then */
    struct broker_pongs pongs;
    struct broker_sessions sessions;
    struct broker_people people;
    struct broker_jobs jobs;
    struct broker_throttle throttle;
    struct broker_strikes strikes;
    struct broker_introductions introductions;
    struct broker_revocations revocations;
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
void broker_front_core_bye(struct broker_front_core *self, uint64_t link, enum conclave_err err, const char *text);

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
void broker_login_stop(struct broker_front_core *self);

/* ---- leases: PING, and silence ---- */
void broker_leases_ping(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);
/* The session is being told the clock and the version of the revocation list. */
void broker_leases_told(struct broker_front_core *self, struct broker_session *session);
/* Answers the PINGs that have waited long enough. */
void broker_leases_pong_due(struct broker_front_core *self);
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
