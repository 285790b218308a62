/* What commands about rooms ask of the front, one step after the other: which
 * room a name means, whose account a name is, an operation to be put in order,
 * and our own roster to have it.  peer/core/requests sends, repeats and gives up. */
#include "peer/core/parts.h"

#include <stdio.h>

#define SIGNINGS_MAX 5u     /* others are quicker: an operation is signed anew */
#define PAUSE_MS 300u       /* what is in order, and on no disk yet, will be */

/* ---- turns ---- */

bool
peer_room_has_turn(const struct peer_core *self, const struct peer_request *request)
{
    for (size_t i = 0; i < PEER_REQUESTS; i++) {
        const struct peer_request *other = &self->requests[i];
        if (other->used && (other->order.act != 0 || other->order.says) && other->order.turn < request->order.turn
            && memcmp(&other->order.room, &request->order.room, sizeof other->order.room) == 0)
            return false;
    }
    return true;
}

void
peer_room_ended(struct peer_core *self, const struct msg_id *room)
{
    for (size_t i = 0; i < PEER_REQUESTS && self->requests_count > 0; i++) {
        struct peer_request *request = &self->requests[i];
        if (request->used && request->order.step == ROOM_STEP_QUEUED && memcmp(&request->order.room, room, sizeof *room) == 0
            && peer_room_has_turn(self, request)) {
            peer_room_go_on(self, request);
            return;
        }
    }
}

/* ---- asking ---- */

static void
propose(struct peer_core *self, struct peer_request *request)
{
    struct peer_room_order *order = &request->order;
    uint8_t at[MSG_ROOM_OP_MAX];
    struct msg_buf signed_op = {at, 0, sizeof at};
    const struct msg_room_op op = {
        .room = order->room,
        .act = order->act,
        .account = self->self.account,
        .device = self->self.device,
        .subject = order->subject,
        .name = msg_text(order->act == MSG_ACT_CREATE ? request->name : order->who),
        .text = msg_text(order->text),
        .flags = order->flags,
        .seen = order->seen,
        .seen_head = order->seen_head,
        .ts_ms = order->ts_ms,
    };
    if (msg_room_sign_op(&signed_op, &op, &self->identity.sign_sec) != CONCLAVE_OK)
        return; /* cannot happen: its texts are bounded */
    msg_keys_hash(order->mark.at, sizeof order->mark.at, "conclave own op 1", msg_span_of_buf(&signed_op));
    const struct msg_room_propose propose = {request->req, order->room, msg_span_of_buf(&signed_op), msg_text(order->password)};
    peer_session_send(self, MSG_ROOM_PROPOSE, &propose);
}

void
peer_room_ask(struct peer_core *self, struct peer_request *request)
{
    const struct peer_room_order *order = &request->order;
    const struct msg_text name = msg_text(request->name);
    const struct msg_room_of of = {request->req, order->room, request->number};
    struct peer_room *room;
    switch (order->step) {
    case ROOM_STEP_NONE:
        break;
    case ROOM_STEP_FIND:
    case ROOM_STEP_EXISTS: {
        const struct msg_room_find find = {request->req, name};
        peer_session_send(self, MSG_ROOM_FIND, &find);
        break;
    }
    case ROOM_STEP_WHO: {
        const struct msg_search search = {request->req, msg_text(order->who)};
        peer_session_send(self, MSG_SEARCH, &search);
        break;
    }
    case ROOM_STEP_QUEUED:
        request->tries = 0; /* the one before it is given up in its time */
        break;
    case ROOM_STEP_READ:
    case ROOM_STEP_ORDERED:
        if ((room = peer_rooms_find(&self->rooms, &order->room)) != NULL || (room = peer_room_make(self, &order->room)) != NULL)
            peer_room_read(self, room);
        break;
    case ROOM_STEP_PROPOSE:
        propose(self, request);
        break;
    case ROOM_STEP_ROSTER:
        peer_session_send(self, MSG_ENTRIES_OF, &of);
        break;
    case ROOM_STEP_LIST: {
        const struct msg_room_list list = {request->req, request->detailed, name};
        peer_session_send(self, MSG_ROOM_LIST, &list);
        break;
    }
    case ROOM_STEP_MEMBERS:
        peer_session_send(self, MSG_MEMBERS_OF, &of);
        break;
    case ROOM_STEP_LOG:
        peer_room_read_log(self, request);
        break;
    case ROOM_STEP_CARDS: {
        const struct msg_cards_of cards = {request->req, order->room, request->number, order->subject};
        peer_session_send(self, MSG_CARDS_OF, &cards);
        break;
    }
    case ROOM_STEP_CARD: {
        const struct msg_card_of card = {request->req, order->subject, order->subject_device};
        peer_session_send(self, MSG_CARD_OF, &card);
        break;
    }
    case ROOM_STEP_WATCH: {
        const struct msg_room_watch watch = {request->req, request->detailed};
        peer_session_send(self, MSG_ROOM_WATCH, &watch);
        break;
    }
    }
}

/* ---- answers ---- */

static void
fail(struct peer_core *self, struct peer_request *request, enum conclave_err err, struct msg_text text)
{
    peer_step_failed(self, request->cmd, err, text, 0);
    peer_requests_end(self, request);
}

bool
peer_room_fits(const struct peer_request *request, enum msg_kind answer)
{
    static const enum msg_kind ANSWERS[] = {
        [ROOM_STEP_FIND] = MSG_ROOM_FOUND, [ROOM_STEP_EXISTS] = MSG_ROOM_FOUND, [ROOM_STEP_WHO] = MSG_FOUND, [ROOM_STEP_PROPOSE] = MSG_DONE, [ROOM_STEP_ROSTER] = MSG_ENTRIES,
        [ROOM_STEP_LIST] = MSG_ROOMS, [ROOM_STEP_MEMBERS] = MSG_MEMBERS, [ROOM_STEP_WATCH] = MSG_DONE,
        [ROOM_STEP_LOG] = MSG_ROOM_LOG, [ROOM_STEP_CARDS] = MSG_CARDS, [ROOM_STEP_CARD] = MSG_CARDS,
    };
    const enum peer_room_step step = request->order.step;
    return step != ROOM_STEP_QUEUED && step != ROOM_STEP_READ && step != ROOM_STEP_ORDERED && (answer == ANSWERS[step] || answer == MSG_ERROR);
}

/* Our roster is read, from where it stands, before the request goes on. */
static void
wait_for_roster(struct peer_core *self, struct peer_request *request, enum peer_room_step step)
{
    request->order.step = step;
    peer_requests_again(self, request, MSG_ENTRIES_OF);
}

/* The front's answer about a name that we do not know as a room of ours. */
static void
found(struct peer_core *self, struct peer_request *request, const struct msg_room_found *answer)
{
    struct peer_room_order *order = &request->order;
    struct msg_room_name asked, name;
    struct peer_room *room;
    if (msg_room_name_parse(&asked, msg_text(request->name)) != CONCLAVE_OK || msg_room_name_parse(&name, answer->name) != CONCLAVE_OK
        || strcmp(asked.folded, name.folded) != 0) {
        fail(self, request, CONCLAVE_ERR_NO_SUCH_ROOM, msg_text(""));
        return;
    }
    if (order->step == ROOM_STEP_EXISTS) {
        fail(self, request, CONCLAVE_ERR_NOT_A_MEMBER, msg_text(""));
        return;
    }
    msg_text_copy(request->name, sizeof request->name, answer->name);
    order->room = answer->room;
    if (order->describes && answer->role == MSG_ROLE_NONE) {
        const struct msg_room_info info = {answer->room, answer->name, answer->members, answer->topic, answer->flags};
        peer_room_described(self, request, &info);
    } else if (order->act == 0 && !order->says && !order->describes) {
        order->step = ROOM_STEP_MEMBERS;
        request->number = 0;
        peer_requests_again(self, request, MSG_MEMBERS_OF);
    } else if (answer->role != MSG_ROLE_NONE) {
        room = peer_rooms_find(&self->rooms, &answer->room);
        if (room == NULL && (room = peer_room_make(self, &answer->room)) != NULL)
            room->history = answer->number;
        if (room == NULL)
            fail(self, request, CONCLAVE_ERR_QUOTA_EXCEEDED, msg_text("This device is in as many rooms as it can follow; leave some."));
        else
            wait_for_roster(self, request, ROOM_STEP_READ);
    } else if (order->act == MSG_ACT_JOIN) {
        order->seen = answer->number;
        order->seen_head = answer->head;
        order->ts_ms = peer_step_registry_ms(self);
        order->step = ROOM_STEP_PROPOSE;
        order->signings++;
        peer_requests_again(self, request, MSG_ROOM_PROPOSE);
    } else
        fail(self, request, CONCLAVE_ERR_NOT_A_MEMBER, msg_text(""));
}

void
peer_room_described(struct peer_core *self, struct peer_request *request, const struct msg_room_info *info)
{
    struct msg_buf buf = {self->frame, 0, sizeof self->frame};
    struct msg_rooms page = {.req = request->cmd};
    if (msg_codec_append(&buf, &page.rooms, MSG_ROOM_INFO, info) == CONCLAVE_OK) /* it fits */
        msg_effects_tell(self->out, MSG_TELL_ROOMS, &page);
    peer_requests_end(self, request);
}

static void
who(struct peer_core *self, struct peer_request *request, const struct msg_found *answer)
{
    if (answer->account == 0 || answer->status == MSG_STATUS_NOT_FOUND) {
        fail(self, request, CONCLAVE_ERR_NO_SUCH_USER, msg_text(""));
        return;
    }
    request->order.subject = answer->account;
    msg_text_copy(request->order.who, sizeof request->order.who, answer->name);
    peer_room_go_on(self, request);
}

static void
listed(struct peer_core *self, struct peer_request *request, const struct msg_rooms *answer)
{
    struct msg_rooms page = *answer;
    page.req = request->cmd;
    msg_effects_tell(self->out, MSG_TELL_ROOMS, &page);
    if (answer->next.len == 0 || answer->next.len > PEER_TYPED_MAX) {
        peer_requests_end(self, request);
        return;
    }
    msg_text_copy(request->name, sizeof request->name, answer->next);
    peer_requests_again(self, request, MSG_ROOM_LIST);
}

/* Of a room that we are in, our own roster says who has which role: the
 * registry adds who is there. */
static void
members(struct peer_core *self, struct peer_request *request, const struct msg_members *answer)
{
    const struct peer_room *room = peer_rooms_find(&self->rooms, &request->order.room);
    struct msg_buf buf = {self->frame, 0, sizeof self->frame};
    struct msg_list told = {0}, list = answer->members;
    struct msg_member member;
    while (msg_codec_next(&list, MSG_MEMBER, &member)) {
        const struct peer_mate *mate = room != NULL ? peer_rooms_mate(&self->rooms, room, member.account) : NULL;
        if (mate != NULL && peer_rooms_in(room)) {
            member.role = mate->part.role;
            member.standing = mate->part.standing;
            if (mate->name[0] != '\0')
                member.name = msg_text(mate->name);
        }
        if (msg_codec_append(&buf, &told, MSG_MEMBER, &member) != CONCLAVE_OK)
            break; /* cannot happen: the room is that of a frame */
    }
    const struct msg_tell_members page = {
        .req = request->cmd,
        .room = msg_text(request->name),
        .members = told,
        .more = answer->next > request->number,
    };
    msg_effects_tell(self->out, MSG_TELL_MEMBERS, &page);
    if (!page.more) {
        peer_requests_end(self, request);
        return;
    }
    request->number = answer->next;
    peer_requests_again(self, request, MSG_MEMBERS_OF);
}

void
peer_room_answer(struct peer_core *self, struct peer_request *request, enum msg_kind kind, const union msg_any *any)
{
    if (kind == MSG_ROOM_FOUND)
        found(self, request, &any->MSG_ANY_ROOM_FOUND);
    else if (kind == MSG_FOUND)
        who(self, request, &any->MSG_ANY_FOUND);
    else if (kind == MSG_ENTRIES)
        peer_room_entries(self, request, &any->MSG_ANY_ENTRIES);
    else if (kind == MSG_ROOM_LOG)
        peer_room_log_page(self, request, &any->MSG_ANY_ROOM_LOG);
    else if (kind == MSG_CARDS && request->order.step == ROOM_STEP_CARD)
        peer_room_card_of(self, request, &any->MSG_ANY_CARDS);
    else if (kind == MSG_CARDS)
        peer_room_cards(self, request, &any->MSG_ANY_CARDS);
    else if (kind == MSG_ROOMS)
        listed(self, request, &any->MSG_ANY_ROOMS);
    else if (kind == MSG_MEMBERS)
        members(self, request, &any->MSG_ANY_MEMBERS);
    else if (request->order.step == ROOM_STEP_PROPOSE)
        wait_for_roster(self, request, ROOM_STEP_ORDERED);
    else { /* WATCH */
        peer_step_ok(self, request->cmd, NULL);
        peer_requests_end(self, request);
    }
}

/* Others were quicker, or the room is not as we thought: look again, once for
 * each signing. */
static bool
sign_anew(struct peer_core *self, struct peer_request *request)
{
    struct peer_room_order *order = &request->order;
    if (order->step != ROOM_STEP_PROPOSE || order->act == MSG_ACT_CREATE || order->signings >= SIGNINGS_MAX)
        return false;
    if (order->act != MSG_ACT_JOIN)
        wait_for_roster(self, request, ROOM_STEP_READ);
    else {
        order->step = ROOM_STEP_FIND;
        if (order->signings == 1)
            peer_requests_again(self, request, MSG_ROOM_FIND);
        else
            peer_requests_pause(self, request, MSG_ROOM_FIND, PAUSE_MS);
    }
    return true;
}

/* When we had seen all that the roster shows, either an entry is on its way to
 * the registry's disk, or the operation does not fit the room.  False: it has
 * waited for that. */
bool
peer_room_pause(struct peer_core *self, struct peer_request *request)
{
    if (request->order.paused)
        return false;
    request->order.paused = true;
    request->order.step = ROOM_STEP_READ;
    peer_requests_pause(self, request, MSG_ENTRIES_OF, PAUSE_MS);
    return true;
}

bool
peer_room_look(struct peer_core *self, struct peer_request *request)
{
    if (request->order.looked)
        return false;
    request->order.looked = true;
    wait_for_roster(self, request, ROOM_STEP_READ);
    return true;
}

bool
peer_room_refused(struct peer_core *self, struct peer_request *request, enum conclave_err err, struct msg_text text, uint64_t retry_ms)
{
    if (request->order.step == ROOM_STEP_ROSTER)
        peer_room_unread(self, request, err);
    else if (request->order.step == ROOM_STEP_LOG)
        peer_room_no_log(self, request, err);
    else if (request->order.step == ROOM_STEP_CARDS)
        peer_room_no_cards(self, request);
    else if (err == CONCLAVE_ERR_BAD_ARGUMENTS && sign_anew(self, request))
        return false;
    else
        peer_step_failed(self, request->cmd, err, text, retry_ms);
    return true;
}

/* ---- our own roster ---- */

void
peer_room_ordered(struct peer_core *self, const struct peer_room *room, struct msg_span op)
{
    struct msg_head mark = {{0}};
    struct msg_room_name asked;
    for (size_t i = 0; i < PEER_REQUESTS && self->requests_count > 0; i++) {
        struct peer_request *request = &self->requests[i];
        if (!request->used || (request->order.step != ROOM_STEP_PROPOSE && request->order.step != ROOM_STEP_ORDERED)
            || memcmp(&request->order.room, &room->facts.id, sizeof room->facts.id) != 0)
            continue;
        msg_keys_hash(mark.at, sizeof mark.at, "conclave own op 1", op);
        if (memcmp(&mark, &request->order.mark, sizeof mark) != 0)
            continue;
        const bool right = request->order.act != MSG_ACT_JOIN
                           || (msg_room_name_parse(&asked, msg_text(request->name)) == CONCLAVE_OK && strcmp(asked.folded, room->folded) == 0);
        if (right)
            peer_step_ok(self, request->cmd, NULL);
        else
            peer_step_failed(self, request->cmd, CONCLAVE_ERR_SIGNATURE, msg_text("The registry led to a room of another name; leave it, and ask its operator."), 0);
        peer_requests_end(self, request);
    }
}

/* Commands that wait for a roster: it moves, or it is as far as it goes. */
void
peer_room_was_read(struct peer_core *self, const struct msg_id *id, bool over)
{
    for (size_t i = 0; i < PEER_REQUESTS && self->requests_count > 0; i++) {
        struct peer_request *request = &self->requests[i];
        if (!request->used || (request->order.step != ROOM_STEP_READ && request->order.step != ROOM_STEP_ORDERED)
            || memcmp(&request->order.room, id, sizeof *id) != 0)
            continue;
        const struct peer_room *room = peer_rooms_find(&self->rooms, id);
        if (room != NULL && room->refused)
            fail(self, request, CONCLAVE_ERR_SIGNATURE, msg_text("The roster of that room, as the registry shows it, does not hold."));
        else if (over && request->order.step == ROOM_STEP_READ && request->tries > 0) /* it asked; else it pauses */
            peer_room_go_on(self, request);
        else { /* the registry does answer */
            request->sent_ms = request->tries > 0 ? self->now.mono_ms : request->sent_ms;
            request->tries = request->tries > 0 ? 1 : 0;
        }
    }
}
