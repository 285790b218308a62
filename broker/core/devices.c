/* The devices of one's own account: listing and revoking them, the signed list
 * of what was revoked, and the end of an account. */
#include "broker/core/front_state.h"

#include "msg/codec.h"

#define PRUNE_COUNT 16u /* outdated revocations that one transaction takes along */

/* ---- LIST_DEVICES ---- */

void
broker_devices_list(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct broker_session *asker = &self->sessions.list[ask->session];
    struct msg_devices devices = {.req = any->MSG_ANY_LIST_DEVICES.req};
    struct msg_rec_device device;
    uint64_t at = 0;

    self->items.len = 0;
    while (devices.devices.count < MSG_DEVICE_COUNT
           && broker_accounts_next_device(&self->view, asker->account, &at, &device)) {
        const uint32_t session = broker_sessions_by_key(&self->sessions, &device.transport);
        const struct msg_device_info info = {
            .device = device.device,
            .created_ms = device.created_ms,
            .seen_ms = session != BROKER_NONE ? self->now.wall_ms : device.seen_ms,
            .online = session != BROKER_NONE,
            .revoked = device.revoked_ms != 0,
            .current = device.device == asker->device,
        };
        if (msg_codec_append(&self->items, &devices.devices, MSG_DEVICE_INFO, &info) != CONCLAVE_OK)
            break;
    }
    broker_front_core_send(self, ask->link, MSG_DEVICES, &devices);
}

/* ---- REVOKE and DELETE_ACCOUNT ---- */

static void
begin(struct broker_front_core *self, const struct broker_ask *ask, enum broker_job_kind kind, uint64_t req,
      uint64_t device)
{
    const struct broker_session *asker = &self->sessions.list[ask->session];
    struct broker_job *job = broker_jobs_add(&self->jobs, kind, self->now.mono_ms);

    if (job == NULL) {
        broker_front_core_refuse(self, ask->link, req, CONCLAVE_ERR_BUSY, NULL, BROKER_BUSY_MS);
        return;
    }
    job->conn = ask->link;
    job->generation = asker->generation;
    job->req = req;
    job->account = asker->account;
    job->device = device;
    if (broker_progress_lock(self, job, job->account))
        broker_devices_locked(self, job);
}

void
broker_devices_revoke(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    begin(self, ask, BROKER_JOB_REVOKE, any->MSG_ANY_REVOKE.req, any->MSG_ANY_REVOKE.device);
}

void
broker_devices_delete(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    begin(self, ask, BROKER_JOB_DELETE, any->MSG_ANY_DELETE_ACCOUNT.req, 0);
}

static void
finish(struct broker_front_core *self, struct broker_job *job)
{
    const struct msg_done done = {job->req};

    if (!job->orphan)
        broker_front_core_send(self, job->conn, MSG_DONE, &done);
    broker_jobs_end(&self->jobs, job);
}

void
broker_devices_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                    uint64_t retry_ms)
{
    if (!job->orphan)
        broker_front_core_refuse(self, job->conn, job->req, err, NULL, retry_ms);
    const uint64_t account = job->account;
    broker_jobs_end(&self->jobs, job);
    broker_roster_release(self, account);
}

/* The entries in its rooms, before anything else is written; false: it waits
 * until no transaction of these is under way. */
static bool
leave_rooms(struct broker_front_core *self, struct broker_job *job)
{
    if (broker_roster_revoke(self, job->account, job->device))
        return true;
    if (job->stage != BROKER_STAGE_LOCK)
        broker_jobs_enter(&self->jobs, job, BROKER_STAGE_LOCK, self->now.mono_ms);
    return false;
}

/* What keeps the device out from now on: no owner, and an entry on the list. */
static void
put_revocation(struct broker_front_core *self, const struct msg_rec_device *device)
{
    const struct msg_rec_revoked record = {++self->counters.revoked_version, device->account, device->device,
                                           self->now.wall_ms};
    const struct msg_record_key key = msg_record_key1(record.version);

    msg_effects_put(self->out, BROKER_TABLE_REVOKED, msg_record_key_span(&key), MSG_REC_REVOKED, &record);
    msg_effects_delete(self->out, BROKER_TABLE_OWNERS, msg_span(device->transport.at, sizeof device->transport.at));
}

/* Takes along entries that nobody needs any more. */
static void
prune(struct broker_front_core *self)
{
    struct msg_rec_revoked record;
    uint64_t version = 0;

    for (uint32_t i = 0; i < PRUNE_COUNT && broker_accounts_next_revoked(&self->view, &version, &record); i++) {
        if (self->now.wall_ms < record.revoked_ms || self->now.wall_ms - record.revoked_ms <= BROKER_REVOKED_KEEP_MS)
            return;
        const struct msg_record_key key = msg_record_key1(version);
        msg_effects_delete(self->out, BROKER_TABLE_REVOKED, msg_record_key_span(&key));
    }
}

static void
revoke_locked(struct broker_front_core *self, struct broker_job *job)
{
    struct msg_rec_device device;

    if (!broker_accounts_device(&self->view, job->account, job->device, &device)) {
        if (!job->orphan)
            broker_front_core_refuse(self, job->conn, job->req, CONCLAVE_ERR_BAD_ARGUMENTS,
                                "Your account has no device of that number; devices lists them.", 0);
        broker_jobs_end(&self->jobs, job);
        return;
    }
    if (device.revoked_ms != 0) {
        finish(self, job); /* asked again */
        return;
    }
    const struct msg_record_key key = msg_record_key2(job->account, job->device);
    if (!leave_rooms(self, job)
        || !broker_accounts_device(&self->view, job->account, job->device, &device)) /* its texts went meanwhile */
        return;
    device.revoked_ms = self->now.wall_ms > 0 ? self->now.wall_ms : 1;
    msg_effects_put(self->out, BROKER_TABLE_DEVICES, msg_record_key_span(&key), MSG_REC_DEVICE, &device);
    job->transport = device.transport;
    put_revocation(self, &device);
    prune(self);
    broker_progress_put_counters(self);
    broker_progress_enter_store(self, job);
    broker_roster_depart(self, job->id);
    broker_roster_release(self, job->account);
}

static void
delete_locked(struct broker_front_core *self, struct broker_job *job)
{
    struct msg_rec_account account;
    struct msg_rec_device device;
    uint64_t at = 0;

    if (!broker_accounts_get(&self->view, job->account, &account)
        || msg_name_parse(&job->name, account.name) != CONCLAVE_OK) {
        broker_devices_fail(self, job, CONCLAVE_ERR_INTERNAL, 0);
        return;
    }
    if (!leave_rooms(self, job))
        return;
    while (broker_accounts_next_device(&self->view, job->account, &at, &device)) {
        const struct msg_record_key key = msg_record_key2(job->account, at);
        msg_effects_delete(self->out, BROKER_TABLE_DEVICES, msg_record_key_span(&key));
        if (device.revoked_ms == 0)
            put_revocation(self, &device);
    }
    const struct msg_record_key key = msg_record_key1(job->account);
    msg_effects_delete(self->out, BROKER_TABLE_ACCOUNTS, msg_record_key_span(&key));
    msg_effects_delete(self->out, BROKER_TABLE_NAMES, msg_span(job->name.folded, job->name.folded_len));
    if (self->counters.accounts > 0)
        self->counters.accounts--;
    broker_progress_put_counters(self);
    broker_progress_enter_store(self, job);
    broker_roster_depart(self, job->id);
    broker_roster_release(self, job->account);
}

void
broker_devices_locked(struct broker_front_core *self, struct broker_job *job)
{
    if (job->kind == BROKER_JOB_REVOKE)
        revoke_locked(self, job);
    else
        delete_locked(self, job);
}

/* The list of the version that is stored now, made before anybody asks. */
static void
sign_list(struct broker_front_core *self)
{
    if (broker_jobs_by_kind(&self->jobs, BROKER_JOB_SIGN_LIST) != NULL)
        return; /* it looks at the version when it ends */
    struct broker_job *job = broker_jobs_add(&self->jobs, BROKER_JOB_SIGN_LIST, self->now.mono_ms);
    if (job == NULL)
        return; /* made when it is asked for */
    broker_revocations_make(&self->revocations, &self->view, self->revoked_version, self->now.wall_ms);
    broker_progress_enter_vault(self, job, BROKER_STAGE_SIGN);
}

static void
end_account(struct broker_front_core *self, uint64_t account)
{
    const uint32_t person = broker_people_by_account(&self->people, account);

    if (person == BROKER_NONE)
        return;
    /* The last one out lets go of the person, unless somebody watches. */
    while (self->people.list[person].used && self->people.list[person].account == account
           && self->people.list[person].session_first != 0)
        broker_login_cut(self, self->people.list[person].session_first - 1, CONCLAVE_ERR_REVOKED,
                         "The account of this device was deleted.");
    if (self->people.list[person].used && self->people.list[person].account == account)
        broker_people_bury(&self->people, person);
}

void
broker_devices_stored(struct broker_front_core *self, struct broker_job *job)
{
    const enum broker_job_kind kind = job->kind;
    const uint64_t account = job->account, device = job->device;
    const struct msg_box_pub transport = job->transport;

    finish(self, job);
    if (kind == BROKER_JOB_DELETE) {
        broker_roster_bury(self, account);
        end_account(self, account);
    } else {
        const uint32_t session = broker_sessions_by_key(&self->sessions, &transport);
        if (session != BROKER_NONE)
            broker_login_cut(self, session, CONCLAVE_ERR_REVOKED,
                             "This device was revoked; enrol it again with name and password in a fresh home.");
    }
    broker_clearing_close(self, account, device);
    sign_list(self);
}

/* ---- LIST_REVOKED ---- */

void
broker_devices_list_revoked(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const uint64_t req = any->MSG_ANY_LIST_REVOKED.req;

    if (broker_revocations_fresh(&self->revocations, self->revoked_version, self->now.wall_ms)) {
        const struct msg_revoked revoked = {req, msg_span_of_buf(&self->revocations.list)};
        broker_front_core_send(self, ask->link, MSG_REVOKED, &revoked);
        return;
    }
    sign_list(self);
    if (broker_jobs_by_kind(&self->jobs, BROKER_JOB_SIGN_LIST) == NULL
        || !broker_revocations_wait(&self->revocations, ask->link,
                                    self->sessions.list[ask->session].generation, req))
        broker_front_core_refuse(self, ask->link, req, CONCLAVE_ERR_BUSY, NULL, BROKER_BUSY_MS);
}

/* Calls back those who wait and are still the session that asked. */
static void
answer_waiters(struct broker_front_core *self, enum conclave_err err, uint64_t retry_ms)
{
    struct broker_revocations *all = &self->revocations;

    for (uint32_t i = 0; i < all->waiting; i++) {
        const uint64_t conn = all->waiters[i].conn;
        const uint32_t session = broker_sessions_by_conn(&self->sessions, conn);
        if (session == BROKER_NONE || self->sessions.list[session].generation != all->waiters[i].generation)
            continue;
        const struct msg_revoked revoked = {all->waiters[i].req, msg_span_of_buf(&all->list)};
        if (err == CONCLAVE_OK)
            broker_front_core_send(self, conn, MSG_REVOKED, &revoked);
        else
            broker_front_core_refuse(self, conn, all->waiters[i].req, err, NULL, retry_ms);
    }
    all->waiting = 0;
}

void
broker_devices_list_signed(struct broker_front_core *self, struct broker_job *job, const struct msg_sig *sig)
{
    broker_revocations_keep(&self->revocations, sig);
    broker_jobs_end(&self->jobs, job);
    if (self->revocations.version != self->revoked_version)
        sign_list(self); /* another was revoked meanwhile; those who wait get that one */
    else
        answer_waiters(self, self->revocations.list.len > 0 ? CONCLAVE_OK : CONCLAVE_ERR_INTERNAL, 0);
}

void
broker_devices_list_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err,
                         uint64_t retry_ms)
{
    broker_jobs_end(&self->jobs, job);
    answer_waiters(self, err, retry_ms);
}
