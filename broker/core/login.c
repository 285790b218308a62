/* Members come and go: LOGIN by device key alone, PING, LOGOUT, leases that
 * run out, connections that end.  A log-in with a good certificate hashes
 * nothing, signs nothing and writes nothing. */
#include "broker/core/front_state.h"

#include "msg/codec.h"

/* One LOGIN, from its frame or from the job that kept it. */
struct request {
    uint64_t link;
    uint64_t req;
    struct msg_box_pub key;
    struct msg_box_pub mail;
    struct msg_sig mail_sig;
    struct broker_reach reach;
};

static void
send_welcome(struct broker_front_core *self, struct broker_session *session, struct msg_span certificate)
{
    const struct broker_person *person = &self->people.list[session->person];
    const struct msg_welcome welcome = {
        .req = session->login_req,
        .account = session->account,
        .device = session->device,
        .name = {person->shown, person->shown_len},
        .generation = session->generation,
        .lease_ms = self->settings.lease_ms,
        .now_ms = self->now.wall_ms,
        .observed = msg_text(session->reach.observed),
        .revoked_version = self->revoked_version,
        .certificate = certificate,
    };

    self->counts.log_ins++;
    if (self->sessions.count > self->counts.sessions_most)
        self->counts.sessions_most = self->sessions.count;
    session->lease_ms = self->settings.lease_ms;
    broker_leases_told(self, session);
    broker_front_core_send(self, session->conn, MSG_WELCOME, &welcome);
}

/* The device dialled again: its old connection ends, and with it what was
 * asked over it. */
static void
replace(struct broker_front_core *self, uint32_t slot, uint64_t link)
{
    struct broker_session *session = &self->sessions.list[slot];

    broker_front_core_bye(self, session->conn, CONCLAVE_ERR_ALREADY_ONLINE,
                     "This device logged in on another connection.");
    msg_effects_drop(self->out, session->conn);
    broker_introducing_forget(self, slot);
    broker_mesh_end_session(self, slot);
    broker_people_unwatch_all(&self->people, slot);
    broker_rooms_stand_up_all(&self->rooms, slot);
    broker_room_watch_set(&self->room_watch, slot, false);
    broker_sessions_move(&self->sessions, slot, link);
    session->generation = self->generation++;
}

/* A session for a device that has none.  BROKER_NONE: refused. */
static uint32_t
add_session(struct broker_front_core *self, const struct request *request, uint64_t account, uint64_t device)
{
    struct msg_rec_account record;
    struct msg_name name;
    uint32_t slot = BROKER_NONE, person;
    enum conclave_err err = CONCLAVE_OK;

    if (!broker_accounts_get(&self->view, account, &record) || msg_name_parse(&name, record.name) != CONCLAVE_OK)
        err = CONCLAVE_ERR_INTERNAL;
    else if (self->sessions.count >= self->settings.sessions)
        err = CONCLAVE_ERR_QUOTA_EXCEEDED;
    else if ((person = broker_people_hold(&self->people, account, &name)) == BROKER_NONE)
        err = CONCLAVE_ERR_QUOTA_EXCEEDED;
    else if ((slot = broker_sessions_add(&self->sessions, &request->key, request->link)) == BROKER_NONE) {
        broker_people_settle(&self->people, person);
        err = CONCLAVE_ERR_QUOTA_EXCEEDED;
    } else {
        self->sessions.list[slot].account = account;
        self->sessions.list[slot].device = device;
        self->sessions.list[slot].generation = self->generation++;
        broker_people_join(&self->people, person, slot);
    }
    if (err == CONCLAVE_ERR_QUOTA_EXCEEDED)
        broker_front_core_refuse(self, request->link, request->req, err,
                            "This registry has as many sessions as it may have; try again later.", BROKER_BUSY_MS);
    else if (err != CONCLAVE_OK)
        broker_front_core_refuse(self, request->link, request->req, err, NULL, 0);
    return slot;
}

static void
open_session(struct broker_front_core *self, const struct request *request, uint64_t account, uint64_t device,
             struct msg_span certificate)
{
    uint32_t slot = broker_sessions_by_key(&self->sessions, &request->key);
    const uint32_t other = broker_sessions_by_conn(&self->sessions, request->link);
    bool anew = true, begins = true;

    if (other != BROKER_NONE && other != slot) {
        broker_front_core_refuse(self, request->link, request->req, CONCLAVE_ERR_FORBIDDEN, NULL, 0);
        return;
    }
    if (slot == BROKER_NONE) {
        slot = add_session(self, request, account, device);
        if (slot == BROKER_NONE)
            return;
    } else if (self->sessions.list[slot].conn != request->link) {
        replace(self, slot, request->link);
    } else {
        /* Asked again because the answer was lost: the session goes on. */
        const struct broker_reach *reach = &self->sessions.list[slot].reach;
        begins = false;
        anew = reach->len != request->reach.len || reach->direct != request->reach.direct
               || memcmp(reach->endpoints, request->reach.endpoints, reach->len) != 0;
    }
    struct broker_session *session = &self->sessions.list[slot];
    session->reach = request->reach;
    session->login_req = request->req;
    broker_sessions_heard(&self->sessions, slot, self->now.mono_ms, self->settings.expiry_ms);
    broker_strikes_clear(&self->strikes, request->link);
    broker_people_changed(&self->people, session->person, anew, self->now.mono_ms, self->settings.gather_ms);
    send_welcome(self, session, certificate);
    if (begins)
        broker_mailing_begin(self, slot);
    broker_seats_enter(self, slot);
    broker_presence_begin(self, slot);
    broker_presence_changed(self, account);
}

bool
broker_login_certificate_serves(const struct broker_front_core *self, const struct msg_rec_device *device,
                                const struct msg_box_pub *mail, uint64_t least_ms)
{
    struct msg_cert_body body;
    const uint64_t now_ms = self->now.wall_ms;

    return broker_accounts_read_certificate(device->certificate, &body)
           && body.account == device->account && body.device == device->device
           && memcmp(body.sign.at, device->sign.at, sizeof body.sign.at) == 0
           && memcmp(body.transport.at, device->transport.at, sizeof body.transport.at) == 0
           && memcmp(body.mail.at, mail->at, sizeof body.mail.at) == 0
           && body.not_before_ms <= now_ms + MSG_CERT_SKEW_MS && body.not_after_ms > now_ms
           && body.not_after_ms - now_ms >= least_ms;
}

/* ---- LOGIN ---- */

static struct broker_job *
keep(struct broker_front_core *self, const struct request *request)
{
    struct broker_job *job = broker_jobs_add(&self->jobs, BROKER_JOB_LOGIN, self->now.mono_ms);

    if (job == NULL) {
        broker_front_core_refuse(self, request->link, request->req, CONCLAVE_ERR_BUSY, NULL, BROKER_BUSY_MS);
        return NULL;
    }
    job->conn = request->link;
    job->req = request->req;
    job->transport = request->key;
    job->mail = request->mail;
    job->mail_sig = request->mail_sig;
    job->reach = request->reach;
    return job;
}

static void
request_of_job(struct request *request, const struct broker_job *job)
{
    *request = (struct request){.link = job->conn,
                                .req = job->req,
                                .key = job->transport,
                                .mail = job->mail,
                                .mail_sig = job->mail_sig,
                                .reach = job->reach};
}

static void
refuse_login(struct broker_front_core *self, const struct request *request, struct broker_job *job,
             enum conclave_err err)
{
    if (job == NULL || !job->orphan)
        broker_front_core_refuse(self, request->link, request->req, err, NULL, 0);
    if (job != NULL)
        broker_jobs_end(&self->jobs, job);
}

/* Asks for a new certificate; the account is held. */
static void
reissue(struct broker_front_core *self, struct broker_job *job, const struct msg_rec_device *device)
{
    struct msg_rec_account account;

    job->account = device->account;
    job->device = device->device;
    job->sign = device->sign;
    if (!broker_accounts_get(&self->view, job->account, &account)) {
        struct request request;
        request_of_job(&request, job);
        refuse_login(self, &request, job, CONCLAVE_ERR_INTERNAL);
        return;
    }
    broker_progress_make_body(self, job, account.name);
    broker_progress_enter_vault(self, job, BROKER_STAGE_SIGN);
}

/* Decides about one LOGIN from the records as they are now; job: the one that
 * keeps it already, or NULL. */
static void
consider(struct broker_front_core *self, const struct request *request, struct broker_job *job)
{
    struct msg_rec_owner owner;
    struct msg_rec_device device;

    if (!self->booted) {
        if (job == NULL && (job = keep(self, request)) == NULL)
            return;
        if (!broker_progress_lock(self, job, BROKER_BOOT_LOCK))
            return;
    }
    if (!broker_accounts_owner(&self->view, &request->key, &owner)
        || !broker_accounts_device(&self->view, owner.account, owner.device, &device) || device.revoked_ms != 0) {
        refuse_login(self, request, job, CONCLAVE_ERR_UNKNOWN_KEY);
        msg_effects_drop(self->out, request->link);
        return;
    }
    if (memcmp(device.mail.at, request->mail.at, sizeof device.mail.at) != 0
        && msg_cert_check_mail(&request->mail_sig, &request->mail, &device.sign) != CONCLAVE_OK) {
        refuse_login(self, request, job, CONCLAVE_ERR_SIGNATURE);
        return;
    }
    if (broker_login_certificate_serves(self, &device, &request->mail, MSG_CERT_RENEW_MS)) {
        uint8_t certificate[MSG_CERT_MAX]; /* the record goes with the next look into the view */
        const size_t len = device.certificate.len < sizeof certificate ? device.certificate.len : sizeof certificate;
        memcpy(certificate, device.certificate.at, len);
        if (job == NULL || !job->orphan)
            open_session(self, request, owner.account, owner.device, msg_span(certificate, len));
        if (job != NULL)
            broker_jobs_end(&self->jobs, job);
        return;
    }
    if (job == NULL && (job = keep(self, request)) == NULL)
        return;
    if (broker_progress_lock(self, job, owner.account))
        reissue(self, job, &device);
}

void
broker_login_ask(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_login *login = &any->MSG_ANY_LOGIN;
    struct request request = {.link = ask->link, .req = login->req, .key = ask->key, .mail = login->mail,
                              .mail_sig = login->mail_sig};
    struct broker_job *job = broker_jobs_by_key(&self->jobs, BROKER_JOB_LOGIN, &ask->key);

    const enum conclave_err err = broker_reach_set(&request.reach, login, ask->source);
    if (err != CONCLAVE_OK) {
        broker_front_core_refuse(self, ask->link, login->req, err,
                            "An address in the log-in is not HOST:PORT or [ADDRESS]:PORT.", 0);
        return;
    }
    if (job == NULL) {
        consider(self, &request, NULL);
        return;
    }
    /* It asks again while we are at it: the answer goes to where it is now. */
    if (memcmp(job->mail.at, login->mail.at, sizeof job->mail.at) != 0) {
        broker_front_core_refuse(self, ask->link, login->req, CONCLAVE_ERR_BUSY, NULL, BROKER_BUSY_MS);
        return;
    }
    job->conn = request.link;
    job->req = request.req;
    job->reach = request.reach;
    job->orphan = false;
}

void
broker_login_locked(struct broker_front_core *self, struct broker_job *job)
{
    struct request request;

    request_of_job(&request, job);
    consider(self, &request, job);
}

void
broker_login_signed(struct broker_front_core *self, struct broker_job *job)
{
    const struct msg_record_key key = msg_record_key2(job->account, job->device);
    struct msg_rec_device device;

    if (!broker_accounts_device(&self->view, job->account, job->device, &device)) {
        broker_login_fail(self, job, CONCLAVE_ERR_UNKNOWN_KEY, 0);
        return;
    }
    device.mail = job->mail;
    device.mail_sig = job->mail_sig;
    device.seen_ms = self->now.wall_ms;
    device.certificate = msg_span(job->certificate, job->certificate_len);
    msg_effects_put(self->out, BROKER_TABLE_DEVICES, msg_record_key_span(&key), MSG_REC_DEVICE, &device);
    broker_progress_put_counters(self);
    broker_progress_enter_store(self, job);
}

void
broker_login_stored(struct broker_front_core *self, struct broker_job *job)
{
    struct request request;

    request_of_job(&request, job);
    if (!job->orphan)
        open_session(self, &request, job->account, job->device,
                     msg_span(job->certificate, job->certificate_len));
    broker_jobs_end(&self->jobs, job);
}

/* There is no new certificate now, for want of the disk or of the vault: the
 * old one serves while it is valid.  false: refused. */
static bool
enter_as_before(struct broker_front_core *self, const struct broker_job *job)
{
    struct msg_rec_device device;
    struct request request;

    request_of_job(&request, job);
    if (!self->booted || job->orphan || job->account == 0
        || !broker_accounts_device(&self->view, job->account, job->device, &device) || device.revoked_ms != 0
        || !broker_login_certificate_serves(self, &device, &request.mail, 1))
        return false;
    uint8_t certificate[MSG_CERT_MAX];
    const size_t len = device.certificate.len < sizeof certificate ? device.certificate.len : sizeof certificate;
    memcpy(certificate, device.certificate.at, len);
    open_session(self, &request, job->account, job->device, msg_span(certificate, len));
    return true;
}

void
broker_login_fail(struct broker_front_core *self, struct broker_job *job, enum conclave_err err, uint64_t retry_ms)
{
    if (!enter_as_before(self, job) && !job->orphan)
        broker_front_core_refuse(self, job->conn, job->req, err, NULL, retry_ms);
    broker_jobs_end(&self->jobs, job);
}

/* ---- staying and leaving ---- */

/* Writes down when the device was here last.  Not while a job holds the
 * account: what we read might be older than what it writes. */
static bool
put_seen(struct broker_front_core *self, const struct broker_session *session)
{
    const struct msg_record_key key = msg_record_key2(session->account, session->device);
    struct msg_rec_device device;

    if (broker_jobs_locked(&self->jobs, session->account)
        || !broker_accounts_device(&self->view, session->account, session->device, &device)
        || device.revoked_ms != 0)
        return false;
    device.seen_ms = self->now.wall_ms;
    msg_effects_put(self->out, BROKER_TABLE_DEVICES, msg_record_key_span(&key), MSG_REC_DEVICE, &device);
    return true;
}

void
broker_login_end(struct broker_front_core *self, uint32_t slot, bool at_once)
{
    struct broker_session *session = &self->sessions.list[slot];
    const uint32_t person = session->person;
    const uint64_t account = session->account;

    if (put_seen(self, session))
        msg_effects_store(self->out, broker_jobs_store_id(&self->jobs));
    broker_introducing_forget(self, slot);
    broker_mesh_end_session(self, slot);
    broker_people_unwatch_all(&self->people, slot);
    broker_people_leave(&self->people, slot);
    broker_rooms_stand_up_all(&self->rooms, slot);
    broker_room_watch_set(&self->room_watch, slot, false);
    broker_sessions_remove(&self->sessions, slot);
    broker_people_changed(&self->people, person, false, self->now.mono_ms, self->settings.gather_ms);
    broker_presence_changed(self, account);
    if (at_once)
        broker_directory_flush_watchers(self, person);
    broker_people_settle(&self->people, person);
}

void
broker_login_cut(struct broker_front_core *self, uint32_t slot, enum conclave_err err, const char *text)
{
    const uint64_t conn = self->sessions.list[slot].conn;

    broker_front_core_bye(self, conn, err, text);
    msg_effects_drop(self->out, conn);
    broker_login_end(self, slot, true);
}

void
broker_login_logout(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any)
{
    const struct msg_done done = {any->MSG_ANY_LOGOUT.req};
    struct broker_job *job = broker_jobs_by_key(&self->jobs, BROKER_JOB_LOGIN, &ask->key);

    if (job != NULL)
        job->orphan = true; /* it changed its mind before it was let in */
    if (ask->session != BROKER_NONE)
        broker_login_end(self, ask->session, true);
    broker_front_core_send(self, ask->link, MSG_DONE, &done);
}

void
broker_login_stop(struct broker_front_core *self)
{
    bool any = false;

    self->stopping = true;
    broker_leases_forget_pongs(self); /* BYE is the last word */
    for (uint32_t slot = 0; slot < self->sessions.high; slot++) {
        const struct broker_session *session = &self->sessions.list[slot];
        if (!session->used)
            continue;
        broker_front_core_bye(self, session->conn, CONCLAVE_ERR_REGISTRY_UNREACHABLE, "The registry is stopping.");
        any |= put_seen(self, session);
    }
    if (any)
        msg_effects_store(self->out, broker_jobs_store_id(&self->jobs));
}
