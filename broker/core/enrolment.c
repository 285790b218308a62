/* What strangers ask for through the door: an account (SIGNUP), another device
 * of theirs (ENROL), another password (PASSWD).  The door is not believed:
 * everything is parsed and checked again.  What happens after the question
 * stands in broker/core/admission. */
#include <stdio.h>

#include "broker/core/front_state.h"

#include "msg/codec.h"

/* The block, as the wording that people know from elsewhere. */
static void
refuse_blocked(struct broker_front_core *self, const struct msg_door_ask *ask, uint64_t req, enum conclave_err err,
               uint64_t retry_ms)
{
    char text[128] = "";

    if (err == CONCLAVE_ERR_BLOCKED)
        snprintf(text, sizeof text,
                 "You are blocked due to multiple failed login attempts. Try again %llu seconds later.",
                 (unsigned long long)((retry_ms + 999) / 1000));
    broker_admission_refuse(self, ask->ticket, req, err, msg_text(text), retry_ms);
}

static bool
password_fits(struct msg_text password)
{
    return password.len >= MSG_PASSWORD_MIN && password.len <= MSG_PASSWORD_MAX;
}

/* What SIGNUP and ENROL have in common: is the asker who it says. */
static enum conclave_err
check_device(const struct broker_front_core *self, const struct msg_signup *signup, const struct msg_box_pub *key)
{
    if (msg_cert_check_proof(&signup->proof, key, &self->settings.door, &signup->sign) != CONCLAVE_OK
        || msg_cert_check_mail(&signup->mail_sig, &signup->mail, &signup->sign) != CONCLAVE_OK)
        return CONCLAVE_ERR_SIGNATURE;
    return CONCLAVE_OK;
}

static bool
key_is_busy(struct broker_front_core *self, const struct msg_box_pub *key)
{
    return broker_jobs_by_key(&self->jobs, BROKER_JOB_SIGNUP, key) != NULL
           || broker_jobs_by_key(&self->jobs, BROKER_JOB_ENROL, key) != NULL;
}

static struct broker_job *
begin(struct broker_front_core *self, const struct msg_door_ask *ask, enum broker_job_kind kind, uint64_t req,
      const struct msg_name *name, struct msg_text password)
{
    struct broker_job *job = broker_jobs_add(&self->jobs, kind, self->now.mono_ms);

    if (job == NULL) {
        broker_admission_refuse(self, ask->ticket, req, CONCLAVE_ERR_BUSY, msg_text(NULL), BROKER_BUSY_MS);
        return NULL;
    }
    job->by_door = true;
    job->ticket = ask->ticket;
    job->req = req;
    job->name = *name;
    job->transport = ask->key;
    msg_text_copy(job->source, sizeof job->source, ask->source);
    msg_text_copy(job->password, sizeof job->password, password);
    return job;
}

/* Counts the attempt, then lets the vault compare: a name that is not there
 * costs what one that is there costs. */
static void
check_password(struct broker_front_core *self, const struct msg_door_ask *ask, struct broker_job *job)
{
    const struct broker_throttle_rule rule = broker_admission_rule(self);
    const struct msg_text source = self->settings.throttle_account ? msg_text(NULL) : ask->source;
    const struct msg_text folded = {job->name.folded, job->name.folded_len};
    const uint64_t tag = broker_throttle_tag(&self->throttle, folded, source);
    struct msg_rec_account account;
    uint64_t number, retry_ms;

    const enum conclave_err err =
        broker_throttle_begin(&self->throttle, &rule, tag, self->now.mono_ms, &retry_ms);
    if (err != CONCLAVE_OK) {
        refuse_blocked(self, ask, job->req, err, retry_ms);
        broker_jobs_end(&self->jobs, job);
        return;
    }
    job->throttle = tag;
    if (broker_accounts_by_name(&self->view, &job->name, &number)
        && broker_accounts_get(&self->view, number, &account)) {
        job->account = number;
        msg_text_copy(job->hash, sizeof job->hash, account.hash);
    }
    broker_progress_enter_vault(self, job, BROKER_STAGE_CHECK);
}

static bool
owns(struct broker_front_core *self, const struct msg_rec_owner *owner, const struct msg_name *name)
{
    uint64_t account;

    return broker_accounts_by_name(&self->view, name, &account) && account == owner->account;
}

static void
sign_up(struct broker_front_core *self, const struct msg_door_ask *ask, const struct msg_signup *signup,
        const struct msg_name *name)
{
    struct msg_rec_owner owner;
    uint64_t account;
    enum conclave_err err = check_device(self, signup, &ask->key);
    const char *text = NULL;
    const bool known = broker_accounts_owner(&self->view, &ask->key, &owner);
    const bool again = known && owns(self, &owner, name);

    if (err == CONCLAVE_OK && !password_fits(signup->password))
        err = CONCLAVE_ERR_WEAK_PASSWORD;
    if (err == CONCLAVE_OK && key_is_busy(self, &ask->key))
        err = CONCLAVE_ERR_BUSY;
    if (err == CONCLAVE_OK && known && !again) {
        err = CONCLAVE_ERR_FORBIDDEN;
        text = "This device belongs to another account; use a fresh home for another one.";
    }
    if (err == CONCLAVE_OK && !again) {
        if (!self->settings.registration) {
            err = CONCLAVE_ERR_FORBIDDEN;
            text = "This registry takes no new accounts; ask its operator.";
        } else if (broker_accounts_by_name(&self->view, name, &account)
                   || broker_jobs_reserves(&self->jobs, name)) {
            err = CONCLAVE_ERR_NAME_TAKEN;
        } else if (self->counters.accounts + broker_jobs_sign_ups(&self->jobs) >= self->settings.accounts) {
            err = CONCLAVE_ERR_QUOTA_EXCEEDED;
            text = "This registry has as many accounts as it may have; ask its operator.";
        }
    }
    if (err != CONCLAVE_OK) {
        broker_admission_refuse(self, ask->ticket, signup->req, err, msg_text(text), err == CONCLAVE_ERR_BUSY ? BROKER_BUSY_MS : 0);
        return;
    }
    struct broker_job *job = begin(self, ask, BROKER_JOB_SIGNUP, signup->req, name, signup->password);
    if (job == NULL)
        return;
    job->sign = signup->sign;
    job->mail = signup->mail;
    job->mail_sig = signup->mail_sig;
    job->made = !again;
    job->device = again ? owner.device : 1;
    if (again)
        check_password(self, ask, job);
    else
        broker_progress_enter_vault(self, job, BROKER_STAGE_HASH);
}

static void
enrol(struct broker_front_core *self, const struct msg_door_ask *ask, const struct msg_signup *signup,
      const struct msg_name *name)
{
    enum conclave_err err = check_device(self, signup, &ask->key);

    if (err == CONCLAVE_OK && key_is_busy(self, &ask->key))
        err = CONCLAVE_ERR_BUSY;
    if (err != CONCLAVE_OK) {
        broker_admission_refuse(self, ask->ticket, signup->req, err, msg_text(NULL), err == CONCLAVE_ERR_BUSY ? BROKER_BUSY_MS : 0);
        return;
    }
    struct broker_job *job = begin(self, ask, BROKER_JOB_ENROL, signup->req, name, signup->password);
    if (job == NULL)
        return;
    job->sign = signup->sign;
    job->mail = signup->mail;
    job->mail_sig = signup->mail_sig;
    check_password(self, ask, job);
}

static void
change_password(struct broker_front_core *self, const struct msg_door_ask *ask, const struct msg_passwd *passwd,
                const struct msg_name *name)
{
    if (!password_fits(passwd->new)) {
        broker_admission_refuse(self, ask->ticket, passwd->req, CONCLAVE_ERR_WEAK_PASSWORD, msg_text(NULL), 0);
        return;
    }
    struct broker_job *job = begin(self, ask, BROKER_JOB_PASSWD, passwd->req, name, passwd->old);
    if (job == NULL)
        return;
    msg_text_copy(job->fresh, sizeof job->fresh, passwd->new);
    check_password(self, ask, job);
}

void
broker_enrolment_ask(struct broker_front_core *self, const struct msg_door_ask *ask)
{
    struct msg_name name;
    union msg_any any;
    enum msg_kind kind;
    uint64_t number, req;

    self->counts.requests++;
    msg_codec_peek(ask->frame, &number, &req);
    enum conclave_err err = msg_codec_decode(ask->frame, &kind, &any);
    if (err == CONCLAVE_OK && kind != MSG_SIGNUP && kind != MSG_ENROL && kind != MSG_PASSWD)
        err = CONCLAVE_ERR_KIND;
    if (err != CONCLAVE_OK) {
        self->counts.garbage++;
    } else if (self->counts.asked[kind]++, self->broken) {
        err = CONCLAVE_ERR_INTERNAL;
    } else if (self->stopping || self->jobs.hashing >= BROKER_JOBS_HASHING) {
        err = CONCLAVE_ERR_BUSY; /* before it costs us signatures: members wait behind this */
    } else {
        err = msg_name_parse(&name, kind == MSG_PASSWD ? any.MSG_ANY_PASSWD.name : any.MSG_ANY_SIGNUP.name);
    }
    if (err != CONCLAVE_OK)
        broker_admission_refuse(self, ask->ticket, req, err, msg_text(NULL), err == CONCLAVE_ERR_BUSY ? BROKER_BUSY_MS : 0);
    else if (kind == MSG_SIGNUP)
        sign_up(self, ask, &any.MSG_ANY_SIGNUP, &name);
    else if (kind == MSG_ENROL)
        enrol(self, ask, &any.MSG_ANY_ENROL, &name);
    else
        change_password(self, ask, &any.MSG_ANY_PASSWD, &name);
    msg_keys_wipe(&any, sizeof any);
}
