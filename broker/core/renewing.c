/* Certificates of devices that are away: when somebody asks for them and less
 * than a day is left, new ones are made first, device by device, and the
 * question is answered then.  Whoever asks for an account that several people
 * ask for waits for the same certificates. */
#include <assert.h>

#include "broker/core/front_state.h"
#include "msg/codec.h"

#define RENEWALS_MAX 256u   /* jobs; the others are for log-ins and the like */

/* The first device of the account after *at whose certificate is due. */
static bool
next_stale(struct broker_front_core *self, uint64_t account, uint64_t *at, struct msg_rec_device *device)
{
    while (broker_accounts_next_device(&self->view, account, at, device))
        if (device->revoked_ms == 0
            && !broker_login_certificate_serves(self, device, &device->mail, MSG_CERT_RENEW_MS))
            return true;
    return false;
}

/* Whether the same question waits already, and how many wait in all. */
static bool
waits_already(const struct broker_front_core *self, const struct broker_ask *ask, uint32_t *renewals)
{
    bool waits = false;

    *renewals = 0;
    for (uint32_t i = 0; i < self->jobs.high; i++) {
        const struct broker_job *job = &self->jobs.list[i];
        if (job->kind != BROKER_JOB_RENEW)
            continue;
        ++*renewals;
        waits |= job->conn == ask->link && job->req == ask->req;
    }
    return waits;
}

bool
broker_renewing_holds(struct broker_front_core *self, const struct broker_ask *ask, enum msg_kind kind,
                      const void *message, uint64_t account)
{
    struct msg_rec_device device;
    struct broker_job *job = NULL;
    uint64_t at = 0;
    uint32_t renewals;

    if (account <= self->renewed || !next_stale(self, account, &at, &device))
        return false;
    if (waits_already(self, ask, &renewals))
        return true;
    if (renewals < RENEWALS_MAX)
        job = broker_jobs_add(&self->jobs, BROKER_JOB_RENEW, self->now.mono_ms);
    if (job == NULL) {
        broker_front_core_refuse(self, ask->link, ask->req, CONCLAVE_ERR_BUSY, NULL, BROKER_BUSY_MS);
        return true;
    }
    struct msg_buf out = {job->question, 0, sizeof job->question};
    const enum conclave_err err = msg_codec_encode(&out, kind, message);
    assert(err == CONCLAVE_OK); /* questions are short */
    (void)err;
    job->question_len = out.len;
    job->conn = ask->link;
    job->generation = self->sessions.list[ask->session].generation;
    job->req = ask->req;
    job->account = account;
    if (broker_progress_lock(self, job, account))
        broker_renewing_locked(self, job);
    return true;
}

/* The question is answered with what there is now. */
static void
answer(struct broker_front_core *self, struct broker_job *job)
{
    uint8_t question[sizeof job->question];
    const size_t len = job->question_len;
    const uint32_t session = job->orphan ? BROKER_NONE : broker_sessions_by_conn(&self->sessions, job->conn);
    const uint64_t generation = job->generation, account = job->account;

    memcpy(question, job->question, len);
    broker_jobs_end(&self->jobs, job);
    if (session == BROKER_NONE || self->sessions.list[session].generation != generation)
        return;
    self->renewed = account;
    broker_front_core_answer(self, session, msg_span(question, len));
    self->renewed = 0;
}

void
broker_renewing_locked(struct broker_front_core *self, struct broker_job *job)
{
    struct msg_rec_account account;
    struct msg_rec_device device;

    /* Others may have waited for the account, and made new ones. */
    if (!next_stale(self, job->account, &job->device, &device)
        || !broker_accounts_get(&self->view, job->account, &account)) {
        answer(self, job);
        return;
    }
    job->sign = device.sign;
    job->transport = device.transport;
    job->mail = device.mail;
    job->mail_sig = device.mail_sig;
    broker_progress_make_body(self, job, account.name);
    broker_progress_enter_vault(self, job, BROKER_STAGE_SIGN);
}

void
broker_renewing_signed(struct broker_front_core *self, struct broker_job *job)
{
    const struct msg_record_key key = msg_record_key2(job->account, job->device);
    struct msg_rec_device device;

    if (!broker_accounts_device(&self->view, job->account, job->device, &device)) {
        answer(self, job);
        return;
    }
    device.certificate = msg_span(job->certificate, job->certificate_len);
    msg_effects_put(self->out, BROKER_TABLE_DEVICES, msg_record_key_span(&key), MSG_REC_DEVICE, &device);
    broker_progress_put_counters(self);
    broker_progress_enter_store(self, job);
}

void
broker_renewing_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err, uint64_t retry_ms)
{
    (void)err; /* the old ones may still serve: whoever gets them sees their time */
    (void)retry_ms;
    answer(self, job);
}
