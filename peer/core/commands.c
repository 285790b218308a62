/* The commands of the user, each handed to the part that knows it. */
#include "peer/core/parts.h"

static bool
may_ask(struct peer_core *self, uint64_t cmd)
{
    if (self->self.account != 0 && !self->self.logged_out)
        return true;
    peer_step_failed(self, cmd, CONCLAVE_ERR_NOT_LOGGED_IN, msg_text(""), 0);
    return false;
}

static void
ask(struct peer_core *self, enum msg_kind kind, uint64_t cmd, struct msg_text name, uint64_t number,
    bool detailed)
{
    if (!may_ask(self, cmd))
        return;
    struct peer_request *request = peer_requests_add(self, kind, cmd, name);
    if (request == NULL)
        return;
    request->number = number;
    request->detailed = detailed;
    peer_requests_go(self, request);
}

static void
log_in(struct peer_core *self, const struct msg_cmd_credentials *cmd)
{
    struct msg_name name;
    const bool named = cmd->name.len > 0;
    const bool ours =
        self->self.account != 0 && (!named || (msg_name_parse(&name, cmd->name) == CONCLAVE_OK &&
                                               strcmp(name.folded, self->self.name.folded) == 0));
    if (self->self.account == 0 && cmd->password.len == 0)
        peer_step_failed(
            self, cmd->req, CONCLAVE_ERR_NOT_LOGGED_IN,
            msg_text(
                "This device is not enrolled; log in with a name and a password, or register."),
            0);
    else if (self->self.account != 0 && !ours)
        peer_step_failed(self, cmd->req, CONCLAVE_ERR_ALREADY_ONLINE,
                         msg_text("This home belongs to another account; use another --home, or "
                                  "logout --forget first."),
                         0);
    else if (self->self.account == 0)
        peer_door_ask(self, MSG_ENROL, cmd->req, cmd->name, cmd->password, msg_text(""));
    else
        peer_session_want(self, cmd->req);
}

static void
log_out(struct peer_core *self, const struct msg_cmd_logout *cmd)
{
    if (self->self.account == 0 || (self->self.logged_out && !cmd->forget)) {
        peer_step_failed(self, cmd->req, CONCLAVE_ERR_NOT_LOGGED_IN, msg_text(""), 0);
        return;
    }
    const bool online = peer_session_online(self);
    if (cmd->forget && !online) {
        peer_step_failed(self, cmd->req, CONCLAVE_ERR_REGISTRY_UNREACHABLE,
                         msg_text("To forget this device the registry must be told; log in first, "
                                  "or remove the home by hand."),
                         0);
        return;
    }
    if (!online) {
        peer_session_end(self);
        peer_step_ok(self, cmd->req, NULL);
        return;
    }
    struct peer_request *request =
        peer_requests_add(self, cmd->forget ? MSG_REVOKE : MSG_LOGOUT, cmd->req, msg_text(""));
    if (request == NULL)
        return;
    request->number = self->self.device;
    request->forget = cmd->forget;
    peer_requests_go(self, request);
}

static void
set_status(struct peer_core *self, const struct msg_cmd_status *cmd)
{
    self->session.status = cmd->status;
    if (peer_session_online(self)) {
        const struct msg_ping ping = {cmd->status};
        peer_session_send(self, MSG_PING, &ping);
    }
    peer_step_ok(self, cmd->req, NULL);
}

/* False: it is not about rooms. */
static bool
in_rooms(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    const uint64_t req = any->MSG_ANY_CMD_ROOMS.req;
    if (kind < MSG_CMD_ROOM_CREATE || kind > MSG_CMD_ROOM_INFO)
        return false;
    if (!may_ask(self, req))
        return true;
    if (kind == MSG_CMD_ROOM_CREATE)
        peer_room_create(self, &any->MSG_ANY_CMD_ROOM_CREATE);
    else if (kind == MSG_CMD_ROOM_JOIN)
        peer_room_join(self, &any->MSG_ANY_CMD_ROOM_JOIN);
    else if (kind == MSG_CMD_ROOM_ACT)
        peer_room_act(self, &any->MSG_ANY_CMD_ROOM_ACT);
    else if (kind == MSG_CMD_ROOMS)
        peer_room_list(self, req, any->MSG_ANY_CMD_ROOMS.detailed);
    else if (kind == MSG_CMD_MEMBERS)
        peer_room_members(self, req, any->MSG_ANY_CMD_MEMBERS.name);
    else if (kind == MSG_CMD_ROOM_INFO)
        peer_room_describe(self, req, any->MSG_ANY_CMD_ROOM_INFO.name);
    else
        peer_room_watch(self, req, any->MSG_ANY_CMD_ROOM_WATCH.on);
    return true;
}

/* `any` may be the struct of that kind alone. */
static void
take(struct peer_core *self, enum msg_kind kind, const union msg_any *any)
{
    const uint64_t req = any->MSG_ANY_CMD_SEARCH.req; /* first in every command that has one */
    if (kind == MSG_CMD_REGISTER) {
        if (self->self.account != 0)
            peer_step_failed(self, req, CONCLAVE_ERR_ALREADY_ONLINE,
                             msg_text("This home belongs to an account already; use another "
                                      "--home, or logout --forget first."),
                             0);
        else
            peer_door_ask(self, MSG_SIGNUP, req, any->MSG_ANY_CMD_REGISTER.name,
                          any->MSG_ANY_CMD_REGISTER.password, msg_text(""));
    } else if (kind == MSG_CMD_LOGIN)
        log_in(self, &any->MSG_ANY_CMD_LOGIN);
    else if (kind == MSG_CMD_LOGOUT)
        log_out(self, &any->MSG_ANY_CMD_LOGOUT);
    else if (kind == MSG_CMD_PASSWD) {
        if (may_ask(self, req))
            peer_door_ask(self, MSG_PASSWD, req, msg_text(self->self.name.shown),
                          any->MSG_ANY_CMD_PASSWD.old, any->MSG_ANY_CMD_PASSWD.new);
    } else if (kind == MSG_CMD_DEVICES)
        ask(self, MSG_LIST_DEVICES, req, msg_text(""), 0, false);
    else if (kind == MSG_CMD_REVOKE)
        ask(self, MSG_REVOKE, req, msg_text(""), any->MSG_ANY_CMD_REVOKE.device, false);
    else if (kind == MSG_CMD_DELETE_ACCOUNT)
        ask(self, MSG_DELETE_ACCOUNT, req, msg_text(""), 0, false);
    else if (kind == MSG_CMD_WHO)
        ask(self, MSG_LIST, req, msg_text(""), 0, any->MSG_ANY_CMD_WHO.detailed);
    else if (kind == MSG_CMD_SEARCH)
        ask(self, MSG_SEARCH, req, any->MSG_ANY_CMD_SEARCH.name, 0, false);
    else if (kind == MSG_CMD_SAY) {
        if (may_ask(self, req))
            peer_people_say(self, &any->MSG_ANY_CMD_SAY);
    } else if (kind == MSG_CMD_READ)
        peer_hear_read(self, any->MSG_ANY_CMD_READ.arrival);
    else if (kind == MSG_CMD_BLOCK)
        peer_trust_block(self, req, any->MSG_ANY_CMD_BLOCK.name, any->MSG_ANY_CMD_BLOCK.on);
    else if (kind == MSG_CMD_TRUST)
        peer_trust_renew(self, req, any->MSG_ANY_CMD_TRUST.name);
    else if (kind == MSG_CMD_STATUS)
        set_status(self, &any->MSG_ANY_CMD_STATUS);
    else if (kind == MSG_CMD_STATS)
        peer_counts_tell(self, req);
    else if (!in_rooms(self, kind, any))
        peer_step_failed(self, req, CONCLAVE_ERR_UNKNOWN_COMMAND, msg_text(""), 0);
}

void
peer_commands_take(struct peer_core *self, const struct msg_event *event)
{
    union msg_any any;
    enum msg_kind kind;
    if (event->message != NULL) {
        take(self, event->command, event->message);
    } else if (msg_codec_decode(event->bytes, &kind, &any) == CONCLAVE_OK) {
        take(self, kind, &any);
    } else {
        uint64_t number, req;
        msg_codec_peek(event->bytes, &number, &req);
        peer_step_failed(self, req, CONCLAVE_ERR_BAD_ARGUMENTS, msg_text(""), 0);
    }
}
