/* See jobs.h.  An id is a counter and the job's slot, so that answers find
 * their job without a search. */
#include "broker/tables/jobs.h"

#include <assert.h>
#include <stdlib.h>

#define SLOT_BITS 10u
#define TIMER_TICK_MS 50u

static_assert(BROKER_JOBS == 1u << SLOT_BITS, "an id has room for the slot");

bool
broker_jobs_init(struct broker_jobs *self, uint64_t first_id)
{
    *self = (struct broker_jobs){.next_id = first_id >> SLOT_BITS};
    self->list = calloc(BROKER_JOBS, sizeof *self->list);
    return self->list != NULL && broker_wheel_init(&self->timers, BROKER_JOBS, TIMER_TICK_MS);
}

void
broker_jobs_wipe(struct broker_jobs *self)
{
    for (uint32_t i = 0; self->list != NULL && i < self->high; i++)
        msg_keys_wipe(&self->list[i], sizeof self->list[i]);
    free(self->list);
    self->list = NULL;
    broker_wheel_wipe(&self->timers);
}

static uint32_t
slot_of(const struct broker_jobs *self, const struct broker_job *job)
{
    return (uint32_t)(job - self->list);
}

static void
set_id(struct broker_jobs *self, struct broker_job *job)
{
    job->id = ++self->next_id << SLOT_BITS | slot_of(self, job);
}

struct broker_job *
broker_jobs_add(struct broker_jobs *self, enum broker_job_kind kind, uint64_t now_ms)
{
    if (self->count == BROKER_JOBS)
        return NULL;
    for (uint32_t i = 0;; i++) {
        struct broker_job *job = &self->list[i];
        if (job->kind != BROKER_JOB_NONE)
            continue;
        if (i >= self->high)
            self->high = i + 1;
        self->count++;
        job->kind = kind;
        job->started_ms = now_ms;
        set_id(self, job);
        return job;
    }
}

static void
leave_stage(struct broker_jobs *self, struct broker_job *job)
{
    if (job->stage == BROKER_STAGE_LOCK)
        self->waiting--;
    if (job->stage == BROKER_STAGE_CHECK || job->stage == BROKER_STAGE_HASH)
        self->hashing--;
    broker_wheel_clear(&self->timers, slot_of(self, job));
}

void
broker_jobs_end(struct broker_jobs *self, struct broker_job *job)
{
    leave_stage(self, job);
    if (job->held)
        self->released = true;
    msg_keys_wipe(job, sizeof *job);
    self->count--;
    while (self->high > 0 && self->list[self->high - 1].kind == BROKER_JOB_NONE)
        self->high--;
}

void
broker_jobs_enter(struct broker_jobs *self, struct broker_job *job, enum broker_job_stage stage, uint64_t now_ms)
{
    leave_stage(self, job);
    job->stage = stage;
    set_id(self, job);
    if (stage == BROKER_STAGE_LOCK)
        self->waiting++;
    if (stage == BROKER_STAGE_CHECK || stage == BROKER_STAGE_HASH)
        self->hashing++;
    /* The disk answers when it answers: what was handed over may be there. */
    if (stage != BROKER_STAGE_STORE)
        broker_wheel_set(&self->timers, slot_of(self, job), now_ms + BROKER_JOB_ASK_MS);
}

uint64_t
broker_jobs_store_id(struct broker_jobs *self)
{
    return ++self->next_id << SLOT_BITS;
}

struct broker_job *
broker_jobs_find(struct broker_jobs *self, uint64_t id, enum broker_job_stage stage)
{
    struct broker_job *job = &self->list[id % BROKER_JOBS];

    return job->kind != BROKER_JOB_NONE && job->id == id && job->stage == stage ? job : NULL;
}

bool
broker_jobs_locked(const struct broker_jobs *self, uint64_t account)
{
    for (uint32_t i = 0; i < self->high; i++)
        if (self->list[i].held && self->list[i].lock == account)
            return true;
    return false;
}

bool
broker_jobs_lock(struct broker_jobs *self, struct broker_job *job, uint64_t account)
{
    if (job->held && job->lock != account) {
        job->held = false;
        self->released = true;
    }
    job->lock = account;
    if (!job->held)
        job->held = !broker_jobs_locked(self, account);
    return job->held;
}

struct broker_job *
broker_jobs_next_unlocked(struct broker_jobs *self)
{
    struct broker_job *oldest = NULL;

    for (uint32_t i = 0; self->waiting > 0 && i < self->high; i++) {
        struct broker_job *job = &self->list[i];
        if (job->kind != BROKER_JOB_NONE && job->stage == BROKER_STAGE_LOCK
            && (oldest == NULL || job->id < oldest->id) && !broker_jobs_locked(self, job->lock))
            oldest = job;
    }
    return oldest;
}

struct broker_job *
broker_jobs_by_key(struct broker_jobs *self, enum broker_job_kind kind, const struct msg_box_pub *key)
{
    for (uint32_t i = 0; i < self->high; i++)
        if (self->list[i].kind == kind
            && memcmp(self->list[i].transport.at, key->at, sizeof key->at) == 0)
            return &self->list[i];
    return NULL;
}

struct broker_job *
broker_jobs_by_kind(struct broker_jobs *self, enum broker_job_kind kind)
{
    for (uint32_t i = 0; i < self->high; i++)
        if (self->list[i].kind == kind)
            return &self->list[i];
    return NULL;
}

bool
broker_jobs_reserves(const struct broker_jobs *self, const struct msg_name *name)
{
    for (uint32_t i = 0; i < self->high; i++) {
        const struct broker_job *job = &self->list[i];
        if (job->kind == BROKER_JOB_SIGNUP && job->made && job->name.folded_len == name->folded_len
            && memcmp(job->name.folded, name->folded, name->folded_len) == 0)
            return true;
    }
    return false;
}

uint32_t
broker_jobs_sign_ups(const struct broker_jobs *self)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < self->high; i++)
        /* one that is being stored is counted as an account already */
        count += self->list[i].kind == BROKER_JOB_SIGNUP && self->list[i].made
                 && self->list[i].stage != BROKER_STAGE_STORE;
    return count;
}

void
broker_jobs_orphan(struct broker_jobs *self, uint64_t conn)
{
    for (uint32_t i = 0; i < self->high; i++) {
        struct broker_job *job = &self->list[i];
        if (job->kind != BROKER_JOB_NONE && (conn == 0 ? job->by_door : job->conn == conn))
            job->orphan = true;
    }
}

struct broker_job *
broker_jobs_due(struct broker_jobs *self, uint64_t now_ms)
{
    const uint32_t slot = broker_wheel_pop(&self->timers, now_ms);

    return slot != BROKER_NONE ? &self->list[slot] : NULL;
}
