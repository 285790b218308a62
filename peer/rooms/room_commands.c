/* What the user does in rooms: create, join, leave, invite, moderate, list. */
#include "peer/core/parts.h"

#include <stdio.h>

/* A request with its first step; NULL: too many, told. */
static struct peer_request *
order_for(struct peer_core *self, uint64_t cmd, struct msg_text name, uint64_t act)
{
    struct peer_request *request = peer_requests_add(self, MSG_ROOM_FIND, cmd, name);
    if (request == NULL)
        return NULL;
    request->order.step = ROOM_STEP_FIND;
    request->order.act = act;
    request->order.turn = request->req;
    return request;
}

static void
fail(struct peer_core *self, struct peer_request *request, enum conclave_err err, const char *text)
{
    peer_step_failed(self, request->cmd, err, msg_text(text), 0);
    peer_requests_end(self, request);
}

/* False: it is no name of a room; told. */
static bool
parse(struct peer_core *self, uint64_t cmd, struct msg_text typed, struct msg_room_name *name, enum conclave_err err)
{
    if (msg_room_name_parse(name, typed) == CONCLAVE_OK)
        return true;
    peer_step_failed(self, cmd, err, msg_text("A room's name is # and 1 to 64 letters and digits of one script, with . _ - between them."), 0);
    return false;
}

/* ---- whom an operation is about ---- */

/* Whether the registry may know more of that room, and of us in it, than we do:
 * a command that runs alone has heard nothing yet of what others, or other
 * devices of ours, did. */
static bool
may_have_changed(const struct peer_core *self, const struct peer_room *room)
{
    return !self->rooms_stated || (room != NULL && (room->behind || room->reading));
}

static bool
has_subject(uint64_t act)
{
    return act >= MSG_ACT_INVITE && act <= MSG_ACT_DEMOTE;
}

/* Somebody who has a part in the room, by name: who is in it first, for names
 * may be given to others. */
static const struct peer_mate *
mate_named(struct peer_core *self, const struct peer_room *room, const struct msg_name *name, uint64_t standing)
{
    const struct peer_mate *other = NULL;
    struct msg_name theirs;
    for (const struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate)) {
        if (msg_name_parse(&theirs, msg_text(mate->name)) != CONCLAVE_OK || strcmp(theirs.folded, name->folded) != 0)
            continue;
        if (mate->part.role != MSG_ROLE_NONE)
            return mate;
        if ((mate->part.standing & standing) != 0)
            other = mate;
    }
    return other;
}

/* Who owns the room when its owner leaves: the first moderator, else the one
 * who has been in it longest; NULL: nobody else is in it. */
static const struct peer_mate *
successor(struct peer_core *self, const struct peer_room *room)
{
    const struct peer_mate *best = NULL;
    for (const struct peer_mate *mate = peer_rooms_first_mate(&self->rooms, room); mate != NULL; mate = peer_rooms_next_mate(&self->rooms, mate)) {
        const struct msg_room_part *part = &mate->part;
        if (part->account == self->self.account || part->role == MSG_ROLE_NONE)
            continue;
        if (best == NULL || part->role > best->part.role
            || (part->role == best->part.role
                && (part->since < best->part.since || (part->since == best->part.since && part->account < best->part.account))))
            best = mate;
    }
    return best;
}

/* What somebody is already to the room whose name follows; NULL: there is
 * something to do.  Nobody signs that again. */
static const char *
already(const struct peer_room_order *order, const struct peer_mate *mate)
{
    const uint64_t role = mate != NULL ? mate->part.role : MSG_ROLE_NONE;
    if (role == MSG_ROLE_NONE)
        return NULL;
    if (order->act == MSG_ACT_INVITE)
        return "is already in";
    if (order->act == MSG_ACT_UNBAN)
        return "is not banned from";
    if (order->act == MSG_ACT_PROMOTE && role == MSG_ROLE_MODERATOR)
        return "is already a moderator of";
    if (order->act == MSG_ACT_PROMOTE && role == MSG_ROLE_OWNER)
        return "owns";
    if (order->act == MSG_ACT_DEMOTE && role == MSG_ROLE_MEMBER)
        return "is already a plain member of";
    return NULL;
}

enum subject { SUBJECT_KNOWN, SUBJECT_TO_FIND, SUBJECT_NONE };

/* Fills subject and who of an order.  NONE: told that there is nobody, or
 * the roster is looked at first: somebody may have joined while we were away. */
static enum subject
resolve(struct peer_core *self, struct peer_request *request, const struct peer_room *room)
{
    struct peer_room_order *order = &request->order;
    struct msg_name name;
    const struct peer_mate *mate = NULL;
    const bool outsiders = order->act == MSG_ACT_INVITE || order->act == MSG_ACT_BAN;
    if (order->act == MSG_ACT_LEAVE) {
        mate = order->act == MSG_ACT_LEAVE && room->role == MSG_ROLE_OWNER ? successor(self, room) : NULL;
        order->subject = mate != NULL ? mate->part.account : 0;
        msg_text_copy(order->who, sizeof order->who, msg_text(mate != NULL ? mate->name : ""));
        return SUBJECT_KNOWN;
    }
    if (!has_subject(order->act) || order->subject != 0)
        return SUBJECT_KNOWN;
    if (msg_name_parse(&name, msg_text(order->who)) != CONCLAVE_OK) {
        fail(self, request, CONCLAVE_ERR_NO_SUCH_USER, "");
        return SUBJECT_NONE;
    }
    mate = mate_named(self, room, &name, order->act == MSG_ACT_UNBAN ? MSG_STANDING_BANNED : 0);
    const struct peer_contact *contact = outsiders ? peer_roster_named(&self->roster, &name) : NULL;
    if (mate == NULL && contact == NULL && outsiders)
        return SUBJECT_TO_FIND;
    if (mate == NULL && contact == NULL && peer_room_look(self, request))
        return SUBJECT_NONE;
    if (mate == NULL && contact == NULL) {
        fail(self, request, CONCLAVE_ERR_NO_SUCH_USER, order->act == MSG_ACT_UNBAN ? "Nobody of that name is banned there." : "Nobody of that name is in that room.");
        return SUBJECT_NONE;
    }
    if (already(order, mate) != NULL) {
        if (may_have_changed(self, room) && peer_room_look(self, request))
            return SUBJECT_NONE;
        char text[MSG_NAME_MAX + MSG_ROOM_NAME_MAX + 64];
        (void)snprintf(text, sizeof text, "%s %s %s.", mate->name, already(order, mate), room->name);
        peer_step_ok_already(self, request->cmd, msg_text(text));
        peer_requests_end(self, request);
        return SUBJECT_NONE;
    }
    order->subject = mate != NULL ? mate->part.account : contact->account;
    msg_text_copy(order->who, sizeof order->who, msg_text(mate != NULL ? mate->name : contact->name));
    return SUBJECT_KNOWN;
}

/* ---- going on ---- */

/* Signed twice, and still not what the room has a place for. */
static const char *
misfit(uint64_t act)
{
    if (act == MSG_ACT_UNBAN)
        return "Nobody of that name is banned there.";
    if (act == MSG_ACT_DEMOTE)
        return "That one is no moderator of that room, but its owner.";
    return "That does not fit how the room is now; look at its members.";
}

static bool
is_stale(const struct peer_room_order *order, const struct peer_room *room)
{
    return order->signings == 0 || order->seen < room->facts.number;
}

/* What was said before we knew that we are in the room. */
static void
say_it(struct peer_core *self, struct peer_request *request)
{
    struct peer_room *room = peer_rooms_find(&self->rooms, &request->order.room);
    const struct msg_text text = peer_outbox_text(self->outbox, request->said.first, self->text);
    peer_outbox_shift(self->outbox, &request->said);
    peer_room_say(self, room, request->cmd, text); /* it tells what became of it */
    peer_requests_end(self, request);
}

void
peer_room_go_on(struct peer_core *self, struct peer_request *request)
{
    struct peer_room_order *order = &request->order;
    const struct peer_room *room = peer_rooms_find(&self->rooms, &order->room);
    if (room != NULL && room->refused) {
        fail(self, request, CONCLAVE_ERR_SIGNATURE, "The roster of that room, as the registry shows it, does not hold.");
        return;
    }
    if (room == NULL || !peer_rooms_in(room)) {
        fail(self, request, room == NULL ? CONCLAVE_ERR_NO_SUCH_ROOM : CONCLAVE_ERR_NOT_A_MEMBER, "");
        return;
    }
    if (order->act == MSG_ACT_JOIN) { /* we are in it already */
        peer_step_ok(self, request->cmd, NULL);
        peer_requests_end(self, request);
        return;
    }
    if (order->describes) {
        const struct msg_room_info info = {room->facts.id, msg_text(room->name), room->facts.members, msg_text(room->topic), room->facts.flags};
        peer_room_described(self, request, &info);
        return;
    }
    if (order->act == 0 && !order->says) {
        order->step = ROOM_STEP_MEMBERS;
        peer_requests_again(self, request, MSG_MEMBERS_OF);
        return;
    }
    if (!peer_room_has_turn(self, request)) {
        order->step = ROOM_STEP_QUEUED;
        peer_requests_again(self, request, MSG_KIND_NONE);
        return;
    }
    if (order->says) {
        say_it(self, request);
        return;
    }
    if (!is_stale(order, room)) {
        if (peer_room_pause(self, request))
            return;
        fail(self, request, CONCLAVE_ERR_FORBIDDEN, misfit(order->act));
        return;
    }
    switch (resolve(self, request, room)) {
    case SUBJECT_NONE:
        return;
    case SUBJECT_TO_FIND:
        order->step = ROOM_STEP_WHO;
        peer_requests_again(self, request, MSG_SEARCH);
        return;
    case SUBJECT_KNOWN:
        break;
    }
    order->seen = room->facts.number;
    order->seen_head = room->facts.head;
    order->ts_ms = peer_step_registry_ms(self);
    order->signings++;
    order->step = ROOM_STEP_PROPOSE;
    peer_requests_again(self, request, MSG_ROOM_PROPOSE);
}

/* ---- commands ---- */

void
peer_room_create(struct peer_core *self, const struct msg_cmd_room_create *cmd)
{
    struct msg_room_name name;
    if (!parse(self, cmd->req, cmd->name, &name, CONCLAVE_ERR_BAD_NAME))
        return;
    if (cmd->topic.len > MSG_TOPIC_MAX) {
        peer_step_failed(self, cmd->req, CONCLAVE_ERR_TOO_LARGE, msg_text("That topic is too long; shorten it."), 0);
        return;
    }
    if ((cmd->flags & MSG_ROOM_LOCKED) != 0 && cmd->password.len == 0) {
        peer_step_failed(self, cmd->req, CONCLAVE_ERR_BAD_ARGUMENTS, msg_text("A locked room needs a password."), 0);
        return;
    }
    struct peer_request *request = order_for(self, cmd->req, msg_text(name.shown), MSG_ACT_CREATE);
    if (request == NULL)
        return;
    struct peer_room_order *order = &request->order;
    msg_keys_random(&order->room, sizeof order->room);
    order->flags = cmd->flags | (cmd->password.len > 0 ? MSG_ROOM_LOCKED : 0u);
    order->ts_ms = peer_step_registry_ms(self);
    msg_text_copy(order->text, sizeof order->text, cmd->topic);
    msg_text_copy(order->password, sizeof order->password, cmd->password);
    order->step = ROOM_STEP_PROPOSE;
    request->kind = MSG_ROOM_PROPOSE;
    peer_requests_go(self, request);
}

void
peer_room_join(struct peer_core *self, const struct msg_cmd_room_join *cmd)
{
    struct msg_room_name name;
    if (!parse(self, cmd->req, cmd->name, &name, CONCLAVE_ERR_NO_SUCH_ROOM))
        return;
    struct peer_request *request = order_for(self, cmd->req, cmd->name, MSG_ACT_JOIN);
    if (request == NULL)
        return;
    msg_text_copy(request->order.password, sizeof request->order.password, cmd->password);
    peer_requests_go(self, request);
}

void
peer_room_act(struct peer_core *self, const struct msg_cmd_room_act *cmd)
{
    struct msg_room_name name;
    if (cmd->act == MSG_ACT_CREATE || cmd->act == MSG_ACT_JOIN || cmd->act == MSG_ACT_REVOKED) {
        peer_step_failed(self, cmd->req, CONCLAVE_ERR_BAD_ARGUMENTS, msg_text(""), 0);
        return;
    }
    if (!parse(self, cmd->req, cmd->room, &name, CONCLAVE_ERR_NO_SUCH_ROOM))
        return;
    if (cmd->act == MSG_ACT_TOPIC && cmd->text.len > MSG_TOPIC_MAX) {
        peer_step_failed(self, cmd->req, CONCLAVE_ERR_TOO_LARGE, msg_text("That topic is too long; shorten it."), 0);
        return;
    }
    struct peer_request *request = order_for(self, cmd->req, cmd->room, cmd->act);
    if (request == NULL)
        return;
    struct peer_room_order *order = &request->order;
    if (has_subject(cmd->act))
        msg_text_copy(order->who, sizeof order->who, cmd->name);
    if (cmd->act == MSG_ACT_TOPIC)
        msg_text_copy(order->text, sizeof order->text, cmd->text);
    const struct peer_room *room = peer_rooms_named(&self->rooms, &name);
    if (room == NULL || !peer_rooms_in(room)) {
        peer_requests_go(self, request); /* the registry may know more of us */
        return;
    }
    order->room = room->facts.id;
    peer_room_go_on(self, request);
}

void
peer_room_list(struct peer_core *self, uint64_t cmd, bool detailed)
{
    struct peer_request *request = order_for(self, cmd, msg_text(""), 0);
    if (request == NULL)
        return;
    request->order.step = ROOM_STEP_LIST;
    request->kind = MSG_ROOM_LIST;
    request->detailed = detailed;
    peer_requests_go(self, request);
}

void
peer_room_members(struct peer_core *self, uint64_t cmd, struct msg_text typed)
{
    struct msg_room_name name;
    if (!parse(self, cmd, typed, &name, CONCLAVE_ERR_NO_SUCH_ROOM))
        return;
    struct peer_request *request = order_for(self, cmd, msg_text(name.shown), 0);
    if (request == NULL)
        return;
    const struct peer_room *room = peer_rooms_named(&self->rooms, &name);
    if (room != NULL && peer_rooms_in(room)) {
        const bool look = may_have_changed(self, room); /* roles are what our roster says */
        request->order.room = room->facts.id;
        request->order.step = look ? ROOM_STEP_READ : ROOM_STEP_MEMBERS;
        request->kind = look ? MSG_ENTRIES_OF : MSG_MEMBERS_OF;
        msg_text_copy(request->name, sizeof request->name, msg_text(room->name));
    }
    peer_requests_go(self, request);
}

/* Of a room that we are in our roster says how it is, of others the registry. */
void
peer_room_describe(struct peer_core *self, uint64_t cmd, struct msg_text typed)
{
    struct msg_room_name name;
    if (!parse(self, cmd, typed, &name, CONCLAVE_ERR_NO_SUCH_ROOM))
        return;
    struct peer_request *request = order_for(self, cmd, msg_text(name.shown), 0);
    if (request == NULL)
        return;
    const struct peer_room *room = peer_rooms_named(&self->rooms, &name);
    request->order.describes = true;
    if (room == NULL || !peer_rooms_in(room) || may_have_changed(self, room)) {
        peer_requests_go(self, request);
        return;
    }
    request->order.room = room->facts.id;
    peer_room_go_on(self, request);
}

void
peer_room_watch(struct peer_core *self, uint64_t cmd, bool on)
{
    struct peer_request *request = order_for(self, cmd, msg_text(""), 0);
    if (request == NULL)
        return;
    self->room_watch = on;
    request->order.step = ROOM_STEP_WATCH;
    request->kind = MSG_ROOM_WATCH;
    request->detailed = on;
    peer_requests_go(self, request);
}

static bool
may_speak(const struct peer_room *room)
{
    return room != NULL && peer_rooms_in(room) && (room->standing & MSG_STANDING_MUTED) == 0;
}

/* Something else waits to be said there: it goes first. */
static bool
is_saying(const struct peer_core *self, const struct msg_room_name *name)
{
    struct msg_room_name other;
    for (size_t i = 0; i < PEER_REQUESTS && self->requests_count > 0; i++) {
        const struct peer_request *request = &self->requests[i];
        if (request->used && request->order.says && msg_room_name_parse(&other, msg_text(request->name)) == CONCLAVE_OK
            && strcmp(other.folded, name->folded) == 0)
            return true;
    }
    return false;
}

/* Says it once the registry has told that we are in the room. */
static void
say_later(struct peer_core *self, const struct msg_cmd_say *say)
{
    const struct peer_out out = {.ts_ms = self->now.wall_ms};
    if (!peer_outbox_fits(self->outbox, say->text.len)) {
        peer_step_failed(self, say->req, CONCLAVE_ERR_QUOTA_EXCEEDED, msg_text("Too many messages wait to be sent; try again when some were delivered."), 1000);
        return;
    }
    struct peer_request *request = order_for(self, say->req, say->name, 0);
    if (request == NULL)
        return;
    request->order.says = true;
    (void)peer_outbox_add(self->outbox, &request->said, &out, say->text); /* it fits: asked above */
    peer_requests_go(self, request);
}

/* A room that we are not in, and may not even be there: the registry knows. */
static void
said_outside(struct peer_core *self, const struct peer_room *room, uint64_t cmd, struct msg_text name)
{
    if (room != NULL) {
        peer_step_failed(self, cmd, CONCLAVE_ERR_NOT_A_MEMBER, msg_text(""), 0);
        return;
    }
    struct peer_request *request = order_for(self, cmd, name, 0);
    if (request == NULL)
        return;
    request->order.step = ROOM_STEP_EXISTS;
    peer_requests_go(self, request);
}

void
peer_room_said(struct peer_core *self, const struct msg_cmd_say *say)
{
    struct msg_room_name name;
    if (!parse(self, say->req, say->name, &name, CONCLAVE_ERR_NO_SUCH_ROOM))
        return;
    struct peer_room *room = peer_rooms_named(&self->rooms, &name);
    if (say->text.len == 0)
        peer_step_failed(self, say->req, CONCLAVE_ERR_BAD_ARGUMENTS, msg_text("There is nothing to say: the text is empty."), 0);
    else if (say->text.len > MSG_TEXT_MAX)
        peer_step_failed(self, say->req, CONCLAVE_ERR_TOO_LARGE, msg_text(""), 0);
    else if (is_saying(self, &name) || (!may_speak(room) && may_have_changed(self, room)))
        say_later(self, say);
    else if (room == NULL || !peer_rooms_in(room))
        said_outside(self, room, say->req, say->name);
    else
        peer_room_say(self, room, say->req, say->text);
}
