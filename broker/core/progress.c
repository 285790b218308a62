/* Jobs on their way (broker/tables/jobs): what they ask of the vault and of the disk,
 * and how each kind goes on when the answer is there. */
#include <assert.h>

#include "broker/core/front_state.h"
#include "msg/codec.h"

void
broker_progress_put_counters(struct broker_front_core *self)
{
    msg_effects_put(self->out, BROKER_TABLE_META, broker_accounts_counters_key(), MSG_REC_COUNTERS, &self->counters);
}

void
broker_progress_ask_vault(struct broker_front_core *self, const struct broker_job *job)
{
    const bool list = job->kind == BROKER_JOB_SIGN_LIST;

    if (job->stage == BROKER_STAGE_CHECK) {
        const struct msg_vault_check check = {job->id, msg_text(job->password), msg_text(job->hash)};
        broker_front_core_send(self, BROKER_LINK_VAULT, MSG_VAULT_CHECK, &check);
    } else if (job->stage == BROKER_STAGE_HASH) {
        const char *password = job->kind == BROKER_JOB_PASSWD ? job->fresh : job->password;
        const struct msg_vault_hash hash = {job->id, msg_text(password)};
        broker_front_core_send(self, BROKER_LINK_VAULT, MSG_VAULT_HASH, &hash);
    } else if (job->stage == BROKER_STAGE_SIGN) {
        const struct msg_vault_sign sign = {
            job->id, list ? msg_span_of_buf(&self->revocations.body) : msg_span(job->body, job->body_len)};
        broker_front_core_send(self, BROKER_LINK_VAULT, MSG_VAULT_SIGN, &sign);
    }
}

void
broker_progress_enter_vault(struct broker_front_core *self, struct broker_job *job, enum broker_job_stage stage)
{
    broker_jobs_enter(&self->jobs, job, stage, self->now.mono_ms);
    broker_progress_ask_vault(self, job);
}

void
broker_progress_enter_store(struct broker_front_core *self, struct broker_job *job)
{
    broker_jobs_enter(&self->jobs, job, BROKER_STAGE_STORE, self->now.mono_ms);
    /* Its own revocations alone: those of others may fail to be stored. */
    job->version = job->kind == BROKER_JOB_REVOKE || job->kind == BROKER_JOB_DELETE
                       ? self->counters.revoked_version : 0;
    msg_effects_store(self->out, job->id);
}

bool
broker_progress_lock(struct broker_front_core *self, struct broker_job *job, uint64_t account)
{
    if (broker_jobs_lock(&self->jobs, job, account))
        return true;
    broker_jobs_enter(&self->jobs, job, BROKER_STAGE_LOCK, self->now.mono_ms);
    return false;
}

void
broker_progress_make_body(struct broker_front_core *self, struct broker_job *job, struct msg_text shown)
{
    const uint64_t now_ms = self->now.wall_ms;
    const struct msg_cert_body body = {
        .serial = self->counters.next_serial++,
        .account = job->account,
        .device = job->device,
        .name = shown,
        .sign = job->sign,
        .transport = job->transport,
        .mail = job->mail,
        .mail_sig = job->mail_sig,
        .not_before_ms = now_ms,
        .not_after_ms = now_ms + MSG_CERT_LIFE_MS,
    };
    struct msg_buf out = {job->body, 0, sizeof job->body};

    const enum conclave_err err = msg_codec_encode(&out, MSG_CERT, &body);
    assert(err == CONCLAVE_OK); /* MSG_CERT_MAX has room for the longest name */
    (void)err;
    job->body_len = out.len;
}

/* Keeps the signature of the body as the job's certificate. */
static void
keep_certificate(struct broker_job *job, const struct msg_sig *sig)
{
    struct msg_buf out = {job->certificate, 0, sizeof job->certificate};

    const enum conclave_err err = msg_cert_wrap(&out, msg_span(job->body, job->body_len), sig);
    assert(err == CONCLAVE_OK);
    (void)err;
    job->certificate_len = out.len;
}

/* ---- what was waited for ---- */

typedef void go_on_fn(struct broker_front_core *self, struct broker_job *job);
typedef void fail_fn(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                     uint64_t retry_ms);

static void
boot_stored(struct broker_front_core *self, struct broker_job *job)
{
    self->booted = self->mail.numbered = true;
    broker_jobs_end(&self->jobs, job);
}

static void
boot_failed(struct broker_front_core *self, struct broker_job *job, enum conclave_err err, uint64_t retry_ms)
{
    /* Members may come in: the block is written down with the next counters
     * that are, and until then a run that follows may use the same numbers,
     * which no device keeps over a restart.  Mail takes the counters along. */
    (void)err;
    (void)retry_ms;
    self->booted = true;
    broker_jobs_end(&self->jobs, job);
}

/* How each kind of job goes on when what it waited for is there. */
static const struct job_row {
    go_on_fn *hashed, *locked, *signed_, *stored;
    fail_fn *failed;
    bool patient; /* a busy vault is asked again instead of giving up */
} job_rows[BROKER_JOB_KINDS] = {
    [BROKER_JOB_SIGNUP] = {broker_admission_hashed, broker_admission_locked, broker_admission_signed,
                           broker_admission_stored, broker_admission_fail, false},
    [BROKER_JOB_ENROL] = {broker_admission_hashed, broker_admission_locked, broker_admission_signed,
                          broker_admission_stored, broker_admission_fail, false},
    [BROKER_JOB_PASSWD] = {broker_admission_hashed, broker_admission_locked, NULL, broker_admission_stored,
                           broker_admission_fail, false},
    [BROKER_JOB_LOGIN] = {NULL, broker_login_locked, broker_login_signed, broker_login_stored, broker_login_fail,
                          true},
    [BROKER_JOB_REVOKE] = {NULL, broker_devices_locked, NULL, broker_devices_stored, broker_devices_fail, false},
    [BROKER_JOB_DELETE] = {NULL, broker_devices_locked, NULL, broker_devices_stored, broker_devices_fail, false},
    [BROKER_JOB_RENEW] = {NULL, broker_renewing_locked, broker_renewing_signed, broker_renewing_locked,
                          broker_renewing_fail, true},
    [BROKER_JOB_SIGN_LIST] = {NULL, NULL, NULL, NULL, broker_devices_list_fail, true},
    [BROKER_JOB_ROOM] = {broker_room_ops_hashed, NULL, NULL, NULL, broker_room_ops_fail, false},
    [BROKER_JOB_BOOT] = {NULL, NULL, NULL, boot_stored, boot_failed, false},
};

void
broker_progress_hear_vault(struct broker_front_core *self, const struct msg_event *event)
{
    struct broker_job *job;
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_decode(event->bytes, &kind, &any) != CONCLAVE_OK) {
        self->counts.garbage++;
        return;
    }
    /* An answer that nobody waits for any more was asked for twice. */
    if (kind == MSG_VAULT_HASHED) {
        job = broker_jobs_find(&self->jobs, any.MSG_ANY_VAULT_HASHED.job, BROKER_STAGE_HASH);
        if (job != NULL) {
            msg_text_copy(job->new_hash, sizeof job->new_hash, any.MSG_ANY_VAULT_HASHED.hash);
            job_rows[job->kind].hashed(self, job);
        }
    } else if (kind == MSG_VAULT_CHECKED) {
        job = broker_jobs_find(&self->jobs, any.MSG_ANY_VAULT_CHECKED.job, BROKER_STAGE_CHECK);
        if (job != NULL && job->kind == BROKER_JOB_ROOM)
            broker_room_ops_checked(self, job, any.MSG_ANY_VAULT_CHECKED.ok);
        else if (job != NULL)
            broker_admission_checked(self, job, any.MSG_ANY_VAULT_CHECKED.ok, any.MSG_ANY_VAULT_CHECKED.rehash);
    } else if (kind == MSG_VAULT_SIGNED) {
        job = broker_jobs_find(&self->jobs, any.MSG_ANY_VAULT_SIGNED.job, BROKER_STAGE_SIGN);
        if (job != NULL && job->kind == BROKER_JOB_SIGN_LIST) {
            broker_devices_list_signed(self, job, &any.MSG_ANY_VAULT_SIGNED.sig);
        } else if (job != NULL) {
            keep_certificate(job, &any.MSG_ANY_VAULT_SIGNED.sig);
            job_rows[job->kind].signed_(self, job);
        }
    } else if (kind == MSG_VAULT_BUSY) {
        const struct msg_vault_busy *busy = &any.MSG_ANY_VAULT_BUSY;
        for (enum broker_job_stage stage = BROKER_STAGE_CHECK; stage <= BROKER_STAGE_SIGN; stage++) {
            job = broker_jobs_find(&self->jobs, busy->job, stage);
            if (job == NULL || stage == BROKER_STAGE_LOCK)
                continue;
            if (job_rows[job->kind].patient)
                broker_wheel_set(&self->jobs.timers, (uint32_t)(job - self->jobs.list),
                                 self->now.mono_ms + busy->retry_ms % BROKER_JOB_GIVE_UP_MS);
            else
                job_rows[job->kind].failed(self, job, CONCLAVE_ERR_BUSY, busy->retry_ms);
            return;
        }
    } else {
        self->counts.garbage++;
    }
}

/* The account is not made, or not gone.  Transactions that were handed in
 * since took the number along, so it is written once more. */
static void
uncount(struct broker_front_core *self, const struct broker_job *job)
{
    if (job->kind == BROKER_JOB_SIGNUP && job->made && self->counters.accounts > 0)
        self->counters.accounts--;
    else if (job->kind == BROKER_JOB_DELETE)
        self->counters.accounts++;
    else
        return;
    broker_progress_put_counters(self);
    msg_effects_store(self->out, broker_jobs_store_id(&self->jobs));
}

void
broker_progress_hear_stored(struct broker_front_core *self, const struct msg_event *event)
{
    broker_posts_stored(self, event->id, event->err);
    broker_roster_stored(self, event->id, event->err);
    struct broker_job *job = broker_jobs_find(&self->jobs, event->id, BROKER_STAGE_STORE);
    if (job == NULL) {
        broker_mailing_stored(self, event);
        return;
    }
    if (event->err != CONCLAVE_OK) {
        uncount(self, job);
        job_rows[job->kind].failed(self, job, event->err, 0);
        return;
    }
    if (self->revoked_version < job->version) {
        self->revoked_version = job->version;
        broker_directory_tell_revoked(self, job->account);
    }
    job_rows[job->kind].stored(self, job);
}

void
broker_progress_run_due(struct broker_front_core *self)
{
    struct broker_job *job;

    while ((job = broker_jobs_due(&self->jobs, self->now.mono_ms)) != NULL) {
        const bool late = self->now.mono_ms - job->started_ms >= BROKER_JOB_GIVE_UP_MS;
        if (late) {
            job_rows[job->kind].failed(self, job, CONCLAVE_ERR_BUSY, BROKER_BUSY_MS);
        } else {
            broker_wheel_set(&self->jobs.timers, (uint32_t)(job - self->jobs.list),
                             self->now.mono_ms + BROKER_JOB_ASK_MS);
            broker_progress_ask_vault(self, job);
        }
    }
}

void
broker_progress_run_unlocked(struct broker_front_core *self)
{
    while (self->jobs.released) {
        self->jobs.released = false;
        struct broker_job *job = broker_jobs_next_unlocked(&self->jobs);
        if (job == NULL)
            return;
        self->jobs.released = true; /* there may be another */
        if (job->lock != BROKER_BOOT_LOCK)
            (void)broker_jobs_lock(&self->jobs, job, job->lock); /* it is free */
        job_rows[job->kind].locked(self, job);
    }
}
