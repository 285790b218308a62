/* Requests that take more than one step: they wait for the vault, for another
 * change of the same account, or for the disk.  A pure table of fixed size;
 * what a job does next stands in broker/core/enrolment, login and devices. */
#ifndef BROKER_JOBS_H
#define BROKER_JOBS_H

#include "broker/tables/sessions.h"
#include "broker/tables/wheel.h"
#include "msg/cert.h"
#include "msg/name.h"

#define BROKER_JOBS 1024u
#define BROKER_JOBS_HASHING 64u   /* as many as the vault lets wait */
#define BROKER_QUESTION_MAX 1024u /* bytes of a frame that waits for certificates */
#define BROKER_JOB_ASK_MS 2000u   /* the vault is asked again after this */
#define BROKER_JOB_GIVE_UP_MS 20000u

enum broker_job_kind {
    BROKER_JOB_NONE,
    BROKER_JOB_SIGNUP,
    BROKER_JOB_ENROL,
    BROKER_JOB_PASSWD,
    BROKER_JOB_LOGIN,
    BROKER_JOB_REVOKE,
    BROKER_JOB_DELETE,
    BROKER_JOB_RENEW,     /* certificates of an account; then a question is answered */
    BROKER_JOB_SIGN_LIST, /* the list of revocations */
    BROKER_JOB_ROOM,      /* the password of a room; the operation stands in broker/tables/proposals */
    BROKER_JOB_BOOT,      /* a new block of generations is being stored */
    BROKER_JOB_KINDS
};

enum broker_job_stage {
    BROKER_STAGE_NEW,
    BROKER_STAGE_CHECK, /* the vault compares a password */
    BROKER_STAGE_HASH,  /* the vault hashes one */
    BROKER_STAGE_LOCK,  /* another job changes the account */
    BROKER_STAGE_SIGN,  /* the vault signs */
    BROKER_STAGE_STORE, /* the disk */
    BROKER_STAGES
};

struct broker_job {
    enum broker_job_kind kind;
    enum broker_job_stage stage;
    uint64_t id;                /* of this stage: an answer to an older one is known by it */
    uint64_t started_ms;
    /* who asked: the door, or a member */
    bool by_door;
    bool orphan;                /* whoever asked is gone */
    uint64_t ticket;
    uint64_t conn;
    uint64_t generation;        /* of the member's session */
    uint64_t req;
    char source[BROKER_SOURCE_MAX + 1];
    /* what it is about */
    struct msg_name name;
    uint64_t account;           /* 0: not known */
    uint64_t device;
    uint64_t lock;              /* account that is held, or waited for; 0: none */
    bool held;
    struct msg_sign_pub sign;
    struct msg_box_pub transport;
    struct msg_box_pub mail;
    struct msg_sig mail_sig;
    struct broker_reach reach;  /* LOGIN */
    /* how far it is */
    uint64_t throttle;          /* tag of the attempt; 0: none is pending */
    uint64_t version;           /* of the revocations, once it is stored */
    uint32_t proposal;          /* ROOM: its slot */
    bool rehash;
    bool made;                  /* SIGNUP: a new account, not a repeated question */
    char password[MSG_PASSWORD_MAX + 1];
    char fresh[MSG_PASSWORD_MAX + 1];    /* PASSWD: the new one */
    char hash[MSG_HASH_TEXT_MAX + 1];    /* that was checked */
    char new_hash[MSG_HASH_TEXT_MAX + 1];
    uint8_t body[MSG_CERT_MAX];          /* to be signed */
    size_t body_len;
    uint8_t certificate[MSG_CERT_MAX];
    size_t certificate_len;
    uint8_t question[BROKER_QUESTION_MAX]; /* RENEW: the frame that waits */
    size_t question_len;
};

struct broker_jobs {
    struct broker_job *list;
    uint32_t high;
    uint32_t count;
    uint32_t waiting;           /* jobs in STAGE_LOCK */
    uint32_t hashing;           /* jobs in STAGE_CHECK and STAGE_HASH */
    bool released;              /* a lock became free since this was cleared */
    uint64_t next_id;
    struct broker_wheel timers;
};

bool CONCLAVE_CHECK broker_jobs_init(struct broker_jobs *self, uint64_t first_id);
void broker_jobs_wipe(struct broker_jobs *self);

/* A new job; NULL: full. */
struct broker_job *broker_jobs_add(struct broker_jobs *self, enum broker_job_kind kind, uint64_t now_ms);

/* Frees the job, its lock and its secrets. */
void broker_jobs_end(struct broker_jobs *self, struct broker_job *job);

/* Moves a job to another stage, under a new id, with its timer. */
void broker_jobs_enter(struct broker_jobs *self, struct broker_job *job, enum broker_job_stage stage,
                       uint64_t now_ms);

/* The id of a transaction that no job waits for. */
uint64_t broker_jobs_store_id(struct broker_jobs *self);

/* The job that an answer with this id belongs to, in this stage; NULL: none
 * any more. */
struct broker_job *broker_jobs_find(struct broker_jobs *self, uint64_t id, enum broker_job_stage stage);

/* Takes the account for this job alone; false: another has it. */
bool broker_jobs_lock(struct broker_jobs *self, struct broker_job *job, uint64_t account);
bool broker_jobs_locked(const struct broker_jobs *self, uint64_t account);

/* The oldest job that waits for an account which is free; NULL. */
struct broker_job *broker_jobs_next_unlocked(struct broker_jobs *self);

/* Jobs under way for that transport key, name (made ones only) or kind; NULL. */
struct broker_job *broker_jobs_by_key(struct broker_jobs *self, enum broker_job_kind kind,
                                      const struct msg_box_pub *key);
struct broker_job *broker_jobs_by_kind(struct broker_jobs *self, enum broker_job_kind kind);
bool broker_jobs_reserves(const struct broker_jobs *self, const struct msg_name *name);
uint32_t broker_jobs_sign_ups(const struct broker_jobs *self);

/* Whoever asked over that connection (or, with 0, at the door) is gone. */
void broker_jobs_orphan(struct broker_jobs *self, uint64_t conn);

/* Takes a job whose timer fired; NULL. */
struct broker_job *broker_jobs_due(struct broker_jobs *self, uint64_t now_ms);

#endif
