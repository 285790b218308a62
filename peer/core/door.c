/* One request at a time to the door of the registry: sign up, enrol this
 * device, change the password.  A lost answer is asked for again; the door's
 * key is the one that the invite link pins. */
#include "peer/core/parts.h"

#define AGAIN_MS 4000u      /* no answer: ask once more */
#define GIVE_UP_MS 30000u   /* in all, queueing for Argon2id included */
#define REST_MS 400u        /* before a refused connection is tried again */
#define DENIED_MAX 2u       /* handshakes refused before we believe that the key changed */
#define LOOK_UP_MS 1000u    /* before a name that did not resolve is looked up again */
#define UNRESOLVED_MAX 3u   /* look-ups that fail before we believe them */

static void
close_door(struct peer_core *self)
{
    struct peer_door *door = &self->door;
    if (door->state == DOOR_DIALLING || door->state == DOOR_ASKING)
        msg_effects_drop(self->out, door->link);
    msg_keys_wipe(door->password, sizeof door->password);
    msg_keys_wipe(door->renewed, sizeof door->renewed);
    door->state = DOOR_CLOSED;
}

static void
fail(struct peer_core *self, enum conclave_err err, struct msg_text text, uint64_t retry_ms)
{
    const uint64_t cmd = self->door.cmd;
    close_door(self);
    peer_step_failed(self, cmd, err, text, retry_ms);
}

static void
dial(struct peer_core *self)
{
    struct peer_door *door = &self->door;
    char endpoint[MSG_ENDPOINT_MAX + 1];
    msg_endpoint_print(endpoint, sizeof endpoint, self->self.link.host, self->self.link.port);
    door->link = peer_step_link(self);
    door->state = DOOR_DIALLING;
    door->again_ms = self->now.mono_ms + AGAIN_MS;
    msg_effects_dial(self->out, door->link, &self->self.link.door, msg_text(endpoint));
    peer_step_at(self, door->again_ms);
    peer_step_at(self, door->until_ms);
}

static void
ask(struct peer_core *self)
{
    struct peer_door *door = &self->door;
    const struct peer_identity *me = &self->identity;
    struct msg_buf buf = {self->frame, 0, sizeof self->frame};
    enum conclave_err err;
    if (door->kind == MSG_PASSWD) {
        const struct msg_passwd passwd = {door->req, msg_text(door->name), msg_text(door->password), msg_text(door->renewed)};
        err = msg_codec_encode(&buf, MSG_PASSWD, &passwd);
    } else {
        struct msg_signup signup = {.req = door->req, .name = msg_text(door->name), .password = msg_text(door->password), .sign = me->sign, .mail = self->mail[0].pub};
        msg_cert_sign_mail(&signup.mail_sig, &signup.mail, &me->sign_sec);
        msg_cert_prove(&signup.proof, &me->transport, &self->self.link.door, &me->sign_sec);
        err = msg_codec_encode(&buf, door->kind, &signup);
    }
    if (err != CONCLAVE_OK || buf.len > MSG_KNOCK_MAX) {
        fail(self, CONCLAVE_ERR_TOO_LARGE, msg_text("The name or the password is too long."), 0);
        return;
    }
    peer_counts_send_bytes(self, door->link, msg_span_of_buf(&buf));
    msg_keys_wipe(self->frame, buf.len);
    door->state = DOOR_ASKING;
    door->again_ms = self->now.mono_ms + AGAIN_MS;
    peer_step_at(self, door->again_ms);
}

void
peer_door_ask(struct peer_core *self, enum msg_kind kind, uint64_t cmd, struct msg_text name, struct msg_text password, struct msg_text renewed)
{
    struct peer_door *door = &self->door;
    if (self->self.link_text[0] == '\0')
        peer_step_failed(self, cmd, CONCLAVE_ERR_REGISTRY_UNREACHABLE, msg_text("No registry is known; give the invite link that its operator has (conclave -r LINK)."), 0);
    else if (door->state != DOOR_CLOSED)
        peer_step_failed(self, cmd, CONCLAVE_ERR_BUSY, msg_text("Another request to the registry's door is under way; wait for its answer."), 0);
    else if (name.len > PEER_TYPED_MAX || password.len > MSG_PASSWORD_MAX || renewed.len > MSG_PASSWORD_MAX)
        peer_step_failed(self, cmd, CONCLAVE_ERR_TOO_LARGE, msg_text("The name or the password is too long."), 0);
    else {
        door->kind = kind;
        door->cmd = cmd;
        door->req = peer_step_req(self);
        door->denied = door->unresolved = 0;
        door->until_ms = self->now.mono_ms + GIVE_UP_MS;
        msg_text_copy(door->name, sizeof door->name, name);
        msg_text_copy(door->password, sizeof door->password, password);
        msg_text_copy(door->renewed, sizeof door->renewed, renewed);
        dial(self);
    }
}

void
peer_door_up(struct peer_core *self)
{
    self->door.denied = self->door.unresolved = 0;
    ask(self);
}

/* A handshake that fails may be a wrong key or a daemon that just died: only
 * when it fails again is it told as a changed key.  DNS may fail for a moment
 * as well, such as while the network comes up. */
void
peer_door_down(struct peer_core *self, enum conclave_err err)
{
    struct peer_door *door = &self->door;
    const bool asked = door->state == DOOR_ASKING;
    door->state = DOOR_RESTING;
    if (err == CONCLAVE_ERR_NOT_FOUND && ++door->unresolved >= UNRESOLVED_MAX)
        fail(self, CONCLAVE_ERR_REGISTRY_UNREACHABLE, peer_step_unresolved(self, self->self.link.host), 0);
    else if (err == CONCLAVE_ERR_NOT_FOUND) {
        door->again_ms = self->now.mono_ms + LOOK_UP_MS;
        peer_step_at(self, door->again_ms);
    } else if (err == CONCLAVE_ERR_UNKNOWN_KEY && !asked && ++door->denied >= DENIED_MAX)
        fail(self, CONCLAVE_ERR_REGISTRY_KEY_CHANGED, msg_text(""), 0);
    else if (err != CONCLAVE_ERR_UNKNOWN_KEY && !asked)
        fail(self, CONCLAVE_ERR_REGISTRY_UNREACHABLE, msg_text(""), 0);
    else {
        door->again_ms = self->now.mono_ms + REST_MS;
        peer_step_at(self, door->again_ms);
    }
}

/* The registry proves itself: the signer must be the one that the link pins,
 * and the certificate must be for us. */
static enum conclave_err
check_admitted(struct peer_core *self, const struct msg_admitted *answer, struct msg_cert *cert)
{
    uint8_t signer[16];
    msg_link_signer(signer, &answer->signer);
    if (!msg_keys_equal(signer, self->self.link.signer, sizeof signer))
        return CONCLAVE_ERR_REGISTRY_KEY_CHANGED;
    if (answer->certificate.len > MSG_CERT_MAX || msg_cert_open(cert, answer->certificate, &answer->signer) != CONCLAVE_OK)
        return CONCLAVE_ERR_SIGNATURE;
    if (cert->account != answer->account || cert->device != answer->device
        || !msg_keys_equal(&cert->sign, &self->identity.sign, sizeof cert->sign)
        || !msg_keys_equal(&cert->transport, &self->identity.transport, sizeof cert->transport))
        return CONCLAVE_ERR_SIGNATURE;
    return CONCLAVE_OK;
}

static void
admitted(struct peer_core *self, const struct msg_admitted *answer)
{
    struct peer_self *me = &self->self;
    struct msg_cert cert;
    struct msg_name name;
    enum conclave_err err = check_admitted(self, answer, &cert);
    if (err == CONCLAVE_OK)
        err = msg_name_parse(&name, msg_text(cert.name));
    if (err != CONCLAVE_OK) {
        fail(self, err, msg_text(""), 0);
        return;
    }
    me->account = answer->account;
    me->device = answer->device;
    me->name = name;
    me->signer = answer->signer;
    msg_text_copy(me->front_host, sizeof me->front_host, answer->front_host);
    me->front_port = (uint16_t)answer->front_port;
    me->front = answer->front;
    memcpy(me->certificate, answer->certificate.at, answer->certificate.len);
    me->certificate_len = answer->certificate.len;
    me->logged_out = false;
    peer_self_put(self);
    const uint64_t cmd = self->door.cmd;
    const bool fresh = self->door.kind == MSG_SIGNUP;
    close_door(self);
    if (fresh)
        peer_step_session(self, MSG_SESSION_REGISTERED, CONCLAVE_OK, msg_text(""));
    peer_session_want(self, cmd);
}

static void
refused(struct peer_core *self, const struct msg_error_frame *error)
{
    struct peer_door *door = &self->door;
    const enum conclave_err err = msg_error_from_code(error->code.at, error->code.len);
    const uint64_t again_ms = self->now.mono_ms + error->retry_ms;
    if (err == CONCLAVE_ERR_BUSY && error->retry_ms > 0 && again_ms < door->until_ms) {
        door->again_ms = again_ms; /* it stays our turn: ask again on the same link */
        peer_step_at(self, again_ms);
        return;
    }
    fail(self, err, error->text, error->retry_ms);
}

void
peer_door_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    struct peer_door *door = &self->door;
    if (kind == MSG_ERROR && any->MSG_ANY_ERROR.req == 0 && door->state == DOOR_ASKING)
        refused(self, &any->MSG_ANY_ERROR); /* it could not even read our req: another version, perhaps */
    else if (door->state != DOOR_ASKING || any->MSG_ANY_DONE.req != door->req)
        peer_step_log(self, MSG_LOG_DEBUG, "DOOR-LATE", "an answer of the door that is not awaited was passed over");
    else if (kind == MSG_ADMITTED && door->kind != MSG_PASSWD)
        admitted(self, &any->MSG_ANY_ADMITTED);
    else if (kind == MSG_DONE && door->kind == MSG_PASSWD) {
        const uint64_t cmd = door->cmd;
        close_door(self);
        peer_step_ok(self, cmd, NULL);
    } else if (kind == MSG_ERROR)
        refused(self, &any->MSG_ANY_ERROR);
    else
        peer_counts_refused(self, PEER_REFUSED_REGISTRY, "DOOR-KIND", "the door answered with something else; it was passed over");
}

void
peer_door_tick(struct peer_core *self)
{
    struct peer_door *door = &self->door;
    if (door->state == DOOR_CLOSED)
        return;
    if (self->now.mono_ms >= door->until_ms) {
        fail(self, CONCLAVE_ERR_REGISTRY_UNREACHABLE, msg_text("The registry did not answer in time; try again."), 0);
        return;
    }
    if (self->now.mono_ms >= door->again_ms) {
        if (door->state == DOOR_ASKING)
            ask(self);
        else {
            if (door->state == DOOR_DIALLING)
                msg_effects_drop(self->out, door->link);
            dial(self);
        }
    }
    if (door->state != DOOR_CLOSED) {
        peer_step_at(self, door->again_ms);
        peer_step_at(self, door->until_ms);
    }
}
