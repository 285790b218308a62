/* Sign-ups, enrolments and changes of password on their way: checked, hashed,
 * signed, stored, and only then answered. */
#include "broker/core/front_state.h"

#include "msg/codec.h"

#define CHANGED_MS 100u /* the account changed under us: ask again after this */

struct broker_throttle_rule
broker_admission_rule(const struct broker_front_core *self)
{
    return (struct broker_throttle_rule){self->settings.throttle_failures, self->settings.throttle_first_ms,
                                         self->settings.throttle_last_ms};
}

static void
tell_door(struct broker_front_core *self, uint64_t ticket)
{
    const struct msg_door_tell tell = {ticket, msg_span_of_buf(&self->frame)};

    broker_front_core_send(self, BROKER_LINK_DOOR, MSG_DOOR_TELL, &tell);
}

void
broker_admission_refuse(struct broker_front_core *self, uint64_t ticket, uint64_t req, enum conclave_err err,
                        struct msg_text text, uint64_t retry_ms)
{
    broker_counting_refused(self, err);
    self->frame.len = 0;
    if (msg_codec_error(&self->frame, req, err, text, retry_ms) == CONCLAVE_OK)
        tell_door(self, ticket);
}

static void
end_refused(struct broker_front_core *self, struct broker_job *job, enum conclave_err err, const char *text,
            uint64_t retry_ms)
{
    if (job->throttle != 0)
        broker_throttle_let_go(&self->throttle, job->throttle);
    if (!job->orphan)
        broker_admission_refuse(self, job->ticket, job->req, err, msg_text(text), retry_ms);
    broker_jobs_end(&self->jobs, job);
}

void
broker_admission_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                      uint64_t retry_ms)
{
    const char *text = NULL;

    broker_front_core_soften(&err, &text);
    end_refused(self, job, err, text, retry_ms);
}

static void
end_admitted(struct broker_front_core *self, struct broker_job *job, struct msg_text shown)
{
    const struct msg_admitted admitted = {
        .req = job->req,
        .account = job->account,
        .device = job->device,
        .name = shown,
        .signer = self->settings.signer,
        .front_host = msg_text(self->settings.front_host),
        .front_port = self->settings.front_port,
        .front = self->settings.front,
        .certificate = msg_span(job->certificate, job->certificate_len),
    };

    self->frame.len = 0;
    if (!job->orphan && msg_codec_encode(&self->frame, MSG_ADMITTED, &admitted) == CONCLAVE_OK)
        tell_door(self, job->ticket);
    broker_jobs_end(&self->jobs, job);
}

/* Copies what the job keeps of the certificate in a record. */
static void
take_certificate(struct broker_job *job, struct msg_span certificate)
{
    job->certificate_len = certificate.len <= sizeof job->certificate ? certificate.len : 0;
    if (job->certificate_len > 0)
        memcpy(job->certificate, certificate.at, job->certificate_len);
}

/* ADMITTED with what the store has of the device. */
static void
end_admitted_again(struct broker_front_core *self, struct broker_job *job)
{
    struct msg_rec_device device;

    if (!broker_accounts_device(&self->view, job->account, job->device, &device)) {
        end_refused(self, job, CONCLAVE_ERR_INTERNAL, NULL, 0);
        return;
    }
    take_certificate(job, device.certificate);
    end_admitted(self, job, msg_text(job->name.shown));
}

/* ---- after the password ---- */

static void
refuse_credentials(struct broker_front_core *self, struct broker_job *job)
{
    const struct broker_throttle_rule rule = broker_admission_rule(self);

    broker_throttle_failed(&self->throttle, &rule, job->throttle, self->now.mono_ms);
    job->throttle = 0;
    self->counts.log_ins_failed++;
    msg_effects_log(self->out, MSG_LOG_WARN, "LOGIN-FAILED name=%s source=%s wrong name or password",
                    job->name.shown, job->source);
    end_refused(self, job, CONCLAVE_ERR_WRONG_CREDENTIALS, NULL, 0);
}

static void
take_account(struct broker_front_core *self, struct broker_job *job)
{
    if (broker_progress_lock(self, job, job->account))
        broker_admission_locked(self, job);
}

void
broker_admission_checked(struct broker_front_core *self, struct broker_job *job, bool ok, bool rehash)
{
    if (!ok || job->account == 0) {
        refuse_credentials(self, job);
        return;
    }
    broker_throttle_passed(&self->throttle, job->throttle);
    job->throttle = 0;
    job->rehash = rehash;
    if (job->kind == BROKER_JOB_PASSWD || (job->kind == BROKER_JOB_ENROL && rehash))
        broker_progress_enter_vault(self, job, BROKER_STAGE_HASH);
    else
        take_account(self, job);
}

void
broker_admission_hashed(struct broker_front_core *self, struct broker_job *job)
{
    if (job->kind != BROKER_JOB_SIGNUP) {
        take_account(self, job);
        return;
    }
    job->account = self->counters.next_account++;
    broker_progress_make_body(self, job, msg_text(job->name.shown));
    broker_progress_enter_vault(self, job, BROKER_STAGE_SIGN);
}

/* ---- with the account held ---- */

static void
put_account(struct broker_front_core *self, const struct broker_job *job, const struct msg_rec_account *account)
{
    const struct msg_record_key key = msg_record_key1(job->account);

    msg_effects_put(self->out, BROKER_TABLE_ACCOUNTS, msg_record_key_span(&key), MSG_REC_ACCOUNT, account);
}

/* The account as it will be, if it is as it was when the password was checked.
 * Its texts stand in the job: they outlive the view's memory. */
static bool
read_account(struct broker_front_core *self, struct broker_job *job, struct msg_rec_account *account)
{
    if (!broker_accounts_get(&self->view, job->account, account)
        || !msg_text_equal(account->hash, msg_text(job->hash)))
        return false;
    msg_text_copy(job->name.shown, sizeof job->name.shown, account->name);
    account->name = msg_text(job->name.shown);
    account->hash = msg_text(job->rehash || job->kind == BROKER_JOB_PASSWD ? job->new_hash : job->hash);
    return true;
}

/* Counts the devices, and finds the oldest revoked one: its record makes room
 * when there are as many as one answer may list. */
static void
count_devices(struct broker_front_core *self, const struct broker_job *job, uint32_t *active, uint32_t *all,
              uint64_t *oldest)
{
    struct msg_rec_device device;
    uint64_t at = 0;

    *active = *all = 0;
    *oldest = 0;
    while (broker_accounts_next_device(&self->view, job->account, &at, &device)) {
        ++*all;
        if (device.revoked_ms == 0)
            ++*active;
        else if (*oldest == 0)
            *oldest = at;
    }
}

static uint64_t
device_limit(const struct broker_front_core *self)
{
    return self->settings.devices < MSG_DEVICE_COUNT ? self->settings.devices : MSG_DEVICE_COUNT;
}

static void
enrol_locked(struct broker_front_core *self, struct broker_job *job, const struct msg_rec_account *account)
{
    struct msg_rec_owner owner;
    uint32_t active, all;
    uint64_t oldest;

    if (broker_accounts_owner(&self->view, &job->transport, &owner)) {
        if (owner.account != job->account) {
            end_refused(self, job, CONCLAVE_ERR_FORBIDDEN,
                        "This device belongs to another account; use a fresh home for another one.", 0);
            return;
        }
        job->device = owner.device;
        job->made = false;
        if (job->rehash) {
            put_account(self, job, account);
            broker_progress_enter_store(self, job);
        } else {
            end_admitted_again(self, job);
        }
        return;
    }
    /* Keys that were revoked may come back as another device: whoever has the
     * password could make new ones as well. */
    count_devices(self, job, &active, &all, &oldest);
    if (active >= device_limit(self)) {
        end_refused(self, job, CONCLAVE_ERR_QUOTA_EXCEEDED,
                    "This account has as many devices as it may have; revoke one of them first.", 0);
        return;
    }
    job->made = true;
    job->device = account->next_device;
    broker_progress_make_body(self, job, msg_text(job->name.shown));
    broker_progress_enter_vault(self, job, BROKER_STAGE_SIGN);
}

void
broker_admission_locked(struct broker_front_core *self, struct broker_job *job)
{
    struct msg_rec_account account;

    if (!read_account(self, job, &account)) {
        end_refused(self, job, CONCLAVE_ERR_BUSY, NULL, CHANGED_MS);
        return;
    }
    if (job->kind == BROKER_JOB_PASSWD) {
        put_account(self, job, &account);
        broker_progress_enter_store(self, job);
    } else if (job->kind == BROKER_JOB_ENROL) {
        enrol_locked(self, job, &account);
    } else {
        end_admitted_again(self, job);
    }
}

static void
put_device(struct broker_front_core *self, const struct broker_job *job)
{
    const struct msg_rec_device device = {
        .account = job->account,
        .device = job->device,
        .sign = job->sign,
        .transport = job->transport,
        .mail = job->mail,
        .mail_sig = job->mail_sig,
        .created_ms = self->now.wall_ms,
        .seen_ms = self->now.wall_ms,
        .certificate = msg_span(job->certificate, job->certificate_len),
    };
    const struct msg_rec_owner owner = {job->account, job->device};
    const struct msg_record_key key = msg_record_key2(job->account, job->device);

    msg_effects_put(self->out, BROKER_TABLE_DEVICES, msg_record_key_span(&key), MSG_REC_DEVICE, &device);
    msg_effects_put(self->out, BROKER_TABLE_OWNERS, msg_span(job->transport.at, sizeof job->transport.at),
                    MSG_REC_OWNER, &owner);
}

static void
put_new_account(struct broker_front_core *self, const struct broker_job *job)
{
    const struct msg_rec_account account = {
        .account = job->account,
        .name = msg_text(job->name.shown),
        .hash = msg_text(job->new_hash),
        .created_ms = self->now.wall_ms,
        .next_device = 2,
    };
    const struct msg_rec_number number = {job->account};

    put_account(self, job, &account);
    msg_effects_put(self->out, BROKER_TABLE_NAMES, msg_span(job->name.folded, job->name.folded_len), MSG_REC_NAME,
                    &number);
    self->counters.accounts++;
}

void
broker_admission_signed(struct broker_front_core *self, struct broker_job *job)
{
    struct msg_rec_account account;
    uint32_t active, all;
    uint64_t oldest;

    if (job->kind == BROKER_JOB_SIGNUP) {
        put_new_account(self, job);
    } else {
        count_devices(self, job, &active, &all, &oldest);
        if (!read_account(self, job, &account)) {
            end_refused(self, job, CONCLAVE_ERR_INTERNAL, NULL, 0);
            return;
        }
        account.next_device = job->device + 1;
        put_account(self, job, &account);
        if (all >= MSG_DEVICE_COUNT && oldest != 0) {
            const struct msg_record_key key = msg_record_key2(job->account, oldest);
            msg_effects_delete(self->out, BROKER_TABLE_DEVICES, msg_record_key_span(&key));
        }
    }
    put_device(self, job);
    broker_progress_put_counters(self);
    broker_progress_enter_store(self, job);
}

void
broker_admission_stored(struct broker_front_core *self, struct broker_job *job)
{
    if (job->kind == BROKER_JOB_PASSWD) {
        const struct msg_done done = {job->req};
        self->frame.len = 0;
        if (!job->orphan && msg_codec_encode(&self->frame, MSG_DONE, &done) == CONCLAVE_OK)
            tell_door(self, job->ticket);
        broker_jobs_end(&self->jobs, job);
    } else if (job->made) {
        self->counts.sign_ups += job->kind == BROKER_JOB_SIGNUP;
        self->counts.enrolments += job->kind != BROKER_JOB_SIGNUP;
        end_admitted(self, job, msg_text(job->name.shown));
    } else {
        end_admitted_again(self, job);
    }
}
