/* The link to the front of the registry: dial, log in by key, keep the lease,
 * and come back by itself with back-off for as long as the user wants to be
 * online.  Every change of state goes through enter(). */
#include "peer/core/parts.h"

#define DIAL_MS 8000u       /* connect and handshake */
#define LOGIN_MS 2500u      /* no WELCOME: ask once more */
#define LOGIN_TRIES_MS 10000u
#define FIRST_MS 500u       /* back-off */
#define LAST_MS 10000u
#define PING_LEASES 2u      /* a PING at least so often, whatever else is sent */
#define SILENCE_LEASES 3u   /* nothing heard for so many leases: the link is dead */
#define LEASE_STEPS 60u     /* in a lease; PINGs go at one of the registry's clock */
#define LEASE_NEARLY 15u    /* of a lease: a PING goes so much earlier when the registry has just said something */
#define RENEW_MS 60000u     /* a certificate is asked for again after */
#define DENIED_MAX 3u       /* handshakes refused before the user is told */

static const char *const STATES[] = {"OFF", "WAITING", "DIALLING", "GREETING", "ONLINE"};

static void
enter(struct peer_core *self, enum peer_session_state state)
{
    msg_effects_log(self->out, MSG_LOG_DEBUG, "SESSION %s -> %s", STATES[self->session.state], STATES[state]);
    self->session.state = state;
}

bool
peer_session_online(const struct peer_core *self)
{
    return self->session.state == SESSION_ONLINE;
}

void
peer_session_send(struct peer_core *self, enum msg_kind kind, const void *message)
{
    self->session.sent_ms = self->now.mono_ms;
    peer_counts_send(self, self->session.link, kind, message);
}

static const char *
front_host(const struct peer_core *self)
{
    return self->self.front_host[0] != '\0' ? self->self.front_host : self->self.link.host;
}

static void
dial(struct peer_core *self)
{
    struct peer_session *session = &self->session;
    char endpoint[MSG_ENDPOINT_MAX + 1];
    msg_endpoint_print(endpoint, sizeof endpoint, front_host(self), self->self.front_port);
    session->link = peer_step_link(self);
    session->until_ms = self->now.mono_ms + DIAL_MS;
    enter(self, SESSION_DIALLING);
    msg_effects_dial(self->out, session->link, &self->self.front, msg_text(endpoint));
    peer_step_at(self, session->until_ms);
}

void
peer_session_want(struct peer_core *self, uint64_t cmd)
{
    struct peer_session *session = &self->session;
    if (self->self.logged_out) {
        self->self.logged_out = false;
        peer_self_put(self);
    }
    if (session->state == SESSION_ONLINE) {
        peer_step_ok(self, cmd, NULL);
        return;
    }
    if (cmd != 0 && session->cmd != 0)
        peer_step_failed(self, session->cmd, CONCLAVE_ERR_BUSY, msg_text("Another log-in took its place."), 0);
    if (cmd != 0)
        session->cmd = cmd;
    if (session->state == SESSION_OFF || session->state == SESSION_WAITING)
        dial(self);
}

static void
retry(struct peer_core *self)
{
    struct peer_session *session = &self->session;
    session->failures++;
    session->at_ms = self->now.mono_ms + peer_step_backoff(FIRST_MS, LAST_MS, session->failures);
    enter(self, SESSION_WAITING);
    peer_step_at(self, session->at_ms);
}

/* Somebody waits for this log-in: they are told now, we try on. */
static void
fail_waiting(struct peer_core *self, enum conclave_err err, struct msg_text text)
{
    const uint64_t cmd = self->session.cmd;
    self->session.cmd = 0;
    peer_step_failed(self, cmd, err, text, 0);
}

/* What goes through the front ends with it. */
static void
away(struct peer_core *self)
{
    peer_people_away(self);
    peer_relay_away(self);
    peer_mail_away(self);
}

static void
lost(struct peer_core *self, enum conclave_err err)
{
    if (self->session.was_online)
        peer_step_session(self, MSG_SESSION_RECONNECTING, err, msg_text(msg_error_sentence(err == CONCLAVE_ERR_REVOKED ? err : CONCLAVE_ERR_REGISTRY_UNREACHABLE)));
    self->session.was_online = false;
    retry(self);
    away(self); /* by now nothing is said to the front any more */
}

void
peer_session_up(struct peer_core *self)
{
    struct peer_session *session = &self->session;
    session->denied = 0;
    session->req = peer_step_req(self);
    session->until_ms = self->now.mono_ms + LOGIN_TRIES_MS;
    session->at_ms = self->now.mono_ms;
    peer_step_session(self, MSG_SESSION_CONNECTED, CONCLAVE_OK, msg_text(""));
    enter(self, SESSION_GREETING);
    peer_session_tick(self);
}

enum conclave_err
peer_session_refusal(const struct peer_core *self)
{
    return self->session.denied >= DENIED_MAX ? CONCLAVE_ERR_WRONG_CREDENTIALS : CONCLAVE_ERR_REGISTRY_UNREACHABLE;
}

static void
denied(struct peer_core *self)
{
    static const char *const WHY = "The registry does not admit this device: it was revoked, its account was deleted, or the registry was set up anew. "
                                   "Ask its operator; logout --forget and enrol again if the device should come back.";
    if (++self->session.denied < DENIED_MAX)
        return;
    fail_waiting(self, CONCLAVE_ERR_WRONG_CREDENTIALS, msg_text(WHY));
    if (self->session.denied == DENIED_MAX)
        peer_step_notice(self, CONCLAVE_ERR_WRONG_CREDENTIALS, msg_text(WHY));
}

void
peer_session_down(struct peer_core *self, enum conclave_err err)
{
    const bool dialling = self->session.state == SESSION_DIALLING;
    if (dialling && err == CONCLAVE_ERR_UNKNOWN_KEY && peer_requests_ending(self)) {
        enter(self, SESSION_WAITING); /* that link is gone */
        peer_requests_ended(self);
        return;
    }
    if (dialling && err == CONCLAVE_ERR_UNKNOWN_KEY) {
        denied(self);
        if (self->session.denied >= DENIED_MAX)
            peer_requests_unreachable(self);
    } else if (dialling) {
        fail_waiting(self, CONCLAVE_ERR_REGISTRY_UNREACHABLE, err == CONCLAVE_ERR_NOT_FOUND ? peer_step_unresolved(self, front_host(self)) : msg_text(""));
        peer_requests_unreachable(self);
    }
    lost(self, CONCLAVE_ERR_REGISTRY_UNREACHABLE);
}

static void
log_in(struct peer_core *self)
{
    uint8_t room[MSG_ENDPOINT_COUNT * (MSG_ENDPOINT_MAX + 8)];
    struct msg_buf buf = {room, 0, sizeof room};
    const bool never = self->settings.direct == MSG_DIRECT_NEVER;
    struct msg_login login = {
        .req = self->session.req,
        .port = never ? 0 : self->settings.port, /* who never links directly tells nobody where */
        .direct = self->settings.direct,
        .status = self->session.status,
        .mail = self->mail[0].pub,
    };
    for (uint32_t i = 0; !never && i < self->settings.addresses_count && i < MSG_ENDPOINT_COUNT; i++) {
        const struct msg_address address = {msg_text(self->settings.addresses[i])};
        if (msg_codec_append(&buf, &login.addresses, MSG_ADDRESS, &address) != CONCLAVE_OK)
            break; /* cannot happen: the room is for the most there can be */
    }
    msg_cert_sign_mail(&login.mail_sig, &login.mail, &self->identity.sign_sec);
    peer_session_send(self, MSG_LOGIN, &login);
}

/* Takes the certificate of a WELCOME; false: it is not ours, and the link is gone. */
static bool
take_certificate(struct peer_core *self, const struct msg_welcome *answer)
{
    struct peer_session *session = &self->session;
    struct peer_self *me = &self->self;
    struct msg_cert cert;
    if (answer->certificate.len > MSG_CERT_MAX || msg_cert_open(&cert, answer->certificate, &me->signer) != CONCLAVE_OK
        || cert.account != me->account || cert.device != me->device) {
        peer_counts_refused(self, PEER_REFUSED_REGISTRY, "WELCOME-FORGED", "the certificate in the registry's welcome is not ours; the link is dropped");
        msg_effects_drop(self->out, session->link);
        lost(self, CONCLAVE_ERR_SIGNATURE);
        return false;
    }
    peer_step_heard_ms(self, answer->now_ms);
    memcpy(me->certificate, answer->certificate.at, answer->certificate.len);
    me->certificate_len = answer->certificate.len;
    peer_self_put(self);
    session->certified = cert.mail;
    session->renew_ms = cert.not_after_ms > MSG_CERT_RENEW_MS ? cert.not_after_ms - MSG_CERT_RENEW_MS : 0;
    return true;
}

static void
welcome(struct peer_core *self, const struct msg_welcome *answer)
{
    struct peer_session *session = &self->session;
    if (!take_certificate(self, answer))
        return;
    session->lease_ms = answer->lease_ms;
    session->heard_ms = session->asked_ms = self->now.mono_ms;
    session->failures = 0;
    session->was_online = true;
    self->counts.log_ins++;
    self->counts.online_ms = self->now.mono_ms;
    enter(self, SESSION_ONLINE);
    peer_step_session(self, MSG_SESSION_LOGGED_IN, CONCLAVE_OK, msg_text(""));
    const uint64_t cmd = session->cmd;
    session->cmd = 0;
    peer_step_ok(self, cmd, NULL);
    peer_trust_revoked_version(self, answer->revoked_version);
    peer_requests_send_all(self);
    peer_people_watch(self);
    if (self->room_watch)
        peer_room_watch(self, 0, true);
    peer_mail_online(self);
    peer_room_online(self);
    uint32_t at = 0;
    for (struct peer_contact *contact; (contact = peer_roster_each(&self->roster, &at)) != NULL;)
        if (peer_talk_waits(self, contact))
            peer_links_want(self, contact);
    peer_step_at(self, self->now.mono_ms + session->lease_ms);
}

/* The registry ends the session: it stops, another connection of this device
 * took over, or the device is no longer welcome. */
static void
bye(struct peer_core *self, const struct msg_bye *bye)
{
    const enum conclave_err err = msg_error_from_code(bye->code.at, bye->code.len);
    msg_effects_drop(self->out, self->session.link);
    if (err == CONCLAVE_ERR_ALREADY_ONLINE) {
        peer_step_notice(self, err, bye->text);
        self->session.failures += 4; /* two of us take turns: come back slowly */
    } else if (err == CONCLAVE_ERR_REVOKED || err == CONCLAVE_ERR_NO_SUCH_USER)
        peer_step_notice(self, CONCLAVE_ERR_FORBIDDEN, bye->text);
    lost(self, err);
}

/* The last step of the registry's clock before that time: PINGs of many members
 * come together, and the registry wakes once for them all. */
static uint64_t
in_step(const struct peer_core *self, uint64_t due_ms)
{
    const uint64_t step_ms = self->session.lease_ms / LEASE_STEPS;
    return step_ms == 0 ? due_ms : due_ms - (peer_step_registry_ms(self) + due_ms - self->now.mono_ms) % step_ms;
}

/* Other requests keep the lease as well, but only the answer to this one tells
 * what was revoked meanwhile. */
static uint64_t
ping_due_ms(const struct peer_core *self)
{
    const struct peer_session *session = &self->session;
    return in_step(self, peer_step_hurry(session->sent_ms + session->lease_ms, session->asked_ms + PING_LEASES * session->lease_ms));
}

static void
ping(struct peer_core *self)
{
    struct peer_session *session = &self->session;
    const struct msg_ping ping = {session->status};
    peer_session_send(self, MSG_PING, &ping);
    session->asked_ms = self->now.mono_ms;
    /* a tenth early at most, so that peers that came together part */
    session->sent_ms -= msg_keys_random_u64() % (session->lease_ms / 10 + 1);
}

static void
keep_lease(struct peer_core *self)
{
    struct peer_session *session = &self->session;
    if (self->now.mono_ms - session->heard_ms >= session->lease_ms * SILENCE_LEASES) {
        msg_effects_drop(self->out, session->link);
        lost(self, CONCLAVE_ERR_TIMEOUT);
        return;
    }
    if (self->now.mono_ms >= ping_due_ms(self))
        ping(self);
    peer_step_at(self, ping_due_ms(self));
}

static void
take_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    struct peer_session *session = &self->session;
    if (kind == MSG_BYE)
        bye(self, &any->MSG_ANY_BYE);
    else if (session->state == SESSION_GREETING && kind == MSG_WELCOME && any->MSG_ANY_WELCOME.req == session->req)
        welcome(self, &any->MSG_ANY_WELCOME);
    else if (session->state == SESSION_GREETING && kind == MSG_ERROR && any->MSG_ANY_ERROR.req == session->req) {
        const enum conclave_err err = msg_error_from_code(any->MSG_ANY_ERROR.code.at, any->MSG_ANY_ERROR.code.len);
        fail_waiting(self, err, any->MSG_ANY_ERROR.text);
        msg_effects_drop(self->out, session->link);
        lost(self, err);
    } else if (session->state == SESSION_ONLINE && kind == MSG_WELCOME && any->MSG_ANY_WELCOME.req == session->req)
        (void)take_certificate(self, &any->MSG_ANY_WELCOME); /* renewed; or the link is gone */
    else if (session->state != SESSION_ONLINE)
        peer_step_log(self, MSG_LOG_DEBUG, "FRONT-EARLY", "a frame that came before the log-in was answered was passed over");
    else if (kind == MSG_PONG) {
        peer_step_heard_ms(self, any->MSG_ANY_PONG.now_ms);
        peer_trust_revoked_version(self, any->MSG_ANY_PONG.revoked_version);
    } else if (kind == MSG_PRESENCE)
        peer_people_presence(self, &any->MSG_ANY_PRESENCE);
    else if (kind == MSG_INTRODUCTION)
        peer_people_introduction(self, &any->MSG_ANY_INTRODUCTION);
    else if (peer_room_frame(self, kind, any))
        return;
    else if (kind == MSG_ERROR && any->MSG_ANY_ERROR.req == 0
             && msg_error_from_code(any->MSG_ANY_ERROR.code.at, any->MSG_ANY_ERROR.code.len) == CONCLAVE_ERR_NOT_LOGGED_IN) {
        msg_effects_drop(self->out, session->link); /* our lease ran out unseen: start over */
        lost(self, CONCLAVE_ERR_NOT_LOGGED_IN);
    } else if (!peer_relay_frame(self, kind, any) && !peer_mail_frame(self, kind, any))
        peer_requests_answer(self, kind, any);
}

/* A PING that is nearly due goes while the registry is awake. */
void
peer_session_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    struct peer_session *session = &self->session;
    session->heard_ms = self->now.mono_ms;
    take_frame(self, kind, any);
    if (session->state == SESSION_ONLINE && self->now.mono_ms + session->lease_ms / LEASE_NEARLY >= ping_due_ms(self))
        ping(self);
}

/* A session that stays open for days asks for a new certificate in time, and
 * whenever the mail key has changed: a LOGIN again, on the same link. */
static void
keep_certificate(struct peer_core *self)
{
    struct peer_session *session = &self->session;
    peer_self_renew_mail(self);
    const bool old = peer_step_registry_ms(self) >= session->renew_ms;
    const bool other = memcmp(&session->certified, &self->mail[0].pub, sizeof session->certified) != 0;
    if ((!old && !other) || self->now.mono_ms < session->at_ms)
        return;
    session->at_ms = self->now.mono_ms + RENEW_MS;
    session->req = peer_step_req(self);
    log_in(self);
}

void
peer_session_tick(struct peer_core *self)
{
    struct peer_session *session = &self->session;
    const uint64_t now = self->now.mono_ms;
    switch (session->state) {
    case SESSION_OFF:
        break;
    case SESSION_WAITING:
        if (now >= session->at_ms)
            dial(self);
        else
            peer_step_at(self, session->at_ms);
        break;
    case SESSION_DIALLING:
        if (now >= session->until_ms) {
            msg_effects_drop(self->out, session->link);
            peer_session_down(self, CONCLAVE_ERR_REGISTRY_UNREACHABLE);
        } else
            peer_step_at(self, session->until_ms);
        break;
    case SESSION_GREETING:
        if (now >= session->until_ms) {
            fail_waiting(self, CONCLAVE_ERR_REGISTRY_UNREACHABLE, msg_text(""));
            msg_effects_drop(self->out, session->link);
            lost(self, CONCLAVE_ERR_TIMEOUT);
        } else if (now >= session->at_ms) {
            log_in(self);
            session->at_ms = now + LOGIN_MS;
            peer_step_at(self, session->at_ms);
        } else
            peer_step_at(self, session->at_ms);
        break;
    case SESSION_ONLINE:
        keep_certificate(self);
        keep_lease(self);
        break;
    }
}

/* Logged out until the user logs in again: links with contacts end too. */
void
peer_session_end(struct peer_core *self)
{
    struct peer_session *session = &self->session;
    if (session->state >= SESSION_DIALLING)
        msg_effects_drop(self->out, session->link);
    enter(self, SESSION_OFF);
    session->was_online = false;
    fail_waiting(self, CONCLAVE_ERR_NOT_LOGGED_IN, msg_text(""));
    away(self);
    uint32_t at = 0;
    for (struct peer_device *device; (device = peer_roster_each_device(&self->roster, &at)) != NULL;)
        peer_links_drop(self, device);
    self->self.logged_out = true;
    peer_self_put(self);
    peer_step_session(self, MSG_SESSION_LOGGED_OUT, CONCLAVE_OK, msg_text(""));
}

/* The process ends: the others should see it at once. */
void
peer_session_stop(struct peer_core *self)
{
    if (self->session.state == SESSION_ONLINE) {
        const struct msg_done logout = {peer_step_req(self)};
        peer_session_send(self, MSG_LOGOUT, &logout);
    }
    if (self->session.state >= SESSION_DIALLING)
        msg_effects_drop(self->out, self->session.link);
    enter(self, SESSION_OFF);
}
