/* Frames of others in rooms: judged by the roster and by the chain of who sent
 * them, opened, and kept; each message once, and each sender's in order. */
#include "peer/core/parts.h"

#include <stdio.h>

#define GAPS_BYTES 2048u    /* three gaps at most are told before what is in a frame */

/* Where a frame stands against what came before it of the same device. */
enum verdict { NEXT, SEEN, AHEAD, FORKED };

static uint64_t
last_of(const struct msg_room_frame *frame)
{
    return frame->first + frame->count - 1;
}

/* Of the same incarnation, and not of an older copy of its disk. */
static bool
is_same(const struct peer_sender *sender, const struct msg_room_frame *frame)
{
    return sender->mark.incarnation == frame->incarnation && sender->salt == frame->salt;
}

/* Pure.  Frames say which incarnation theirs follows, and up to which number;
 * beyond that is what the sender said and forgot in a crash. */
static enum verdict
judge(const struct peer_sender *sender, const struct msg_room_frame *frame)
{
    if (sender == NULL || sender->mark.incarnation == 0)
        return NEXT; /* the first that we can open starts its chain */
    if (frame->incarnation < sender->mark.incarnation)
        return SEEN;
    if (!peer_rooms_is_chained(sender)) /* what came directly before we went may be logged after we came back */
        return is_same(sender, frame) && last_of(frame) <= sender->mark.number ? SEEN : NEXT;
    if (frame->incarnation == sender->mark.incarnation && frame->salt != sender->salt)
        return FORKED; /* its disk was put back, and it does not know yet */
    if (frame->incarnation == sender->mark.incarnation)
        return last_of(frame) <= sender->mark.number ? SEEN : frame->first <= sender->mark.number + 1 ? NEXT : AHEAD;
    const bool follows = frame->from_incarnation == 0 || (frame->from_incarnation == sender->mark.incarnation && frame->from_number <= sender->mark.number);
    return follows && frame->first == 1 ? NEXT : AHEAD;
}

/* Of somebody of whom nothing came yet: what the log has of it comes first. */
static bool
may_follow(const struct peer_sender *sender, const struct msg_room_frame *frame)
{
    return !peer_rooms_is_chained(sender) && (frame->first > 1 || frame->from_incarnation != 0);
}

const struct msg_cert *
peer_room_cert(struct peer_core *self, uint64_t account, uint64_t device)
{
    const struct peer_card *card = peer_cards_find(&self->cards, account, device);
    const struct peer_device *known = card == NULL ? peer_roster_device(&self->roster, account, device) : NULL;
    return card != NULL ? &card->cert : known != NULL && known->certificate_len > 0 ? &known->cert : NULL;
}

/* ---- what the user is told ---- */

static const char *
name_of(struct peer_core *self, const struct peer_room *room, uint64_t account)
{
    const struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, account);
    return mate != NULL && mate->name[0] != '\0' ? mate->name : "somebody";
}

void
peer_room_broken(struct peer_core *self, const struct peer_room *room, struct peer_sender *sender)
{
    char text[MSG_NOTICE_MAX + 1];
    const char *name = name_of(self, room, sender->account);
    if (sender->warned)
        return;
    sender->warned = true;
    (void)snprintf(text, sizeof text, "The chain of what %s says in %s is broken: that device has told members different things, or lost part of its state. Ask them over another channel.",
                   name, room->name);
    peer_step_notice_about(self, msg_text(name), CONCLAVE_ERR_SIGNATURE, msg_text(text));
}

static void
check_epoch_head(struct peer_core *self, struct peer_room *room, const struct msg_room_frame *frame)
{
    char text[MSG_NOTICE_MAX + 1];
    if (room->split || frame->epoch != room->facts.epoch || memcmp(&frame->epoch_head, &room->facts.epoch_head, sizeof frame->epoch_head) == 0)
        return;
    room->split = true;
    (void)snprintf(text, sizeof text, "%s sees other members in %s than you do: the registry shows members different rosters. Others may read what is said there; ask its operator.",
                   name_of(self, room, frame->account), room->name);
    peer_step_notice_about(self, msg_text(name_of(self, room, frame->account)), CONCLAVE_ERR_SIGNATURE, msg_text(text));
}

void
peer_room_tell_gap(struct peer_core *self, struct peer_room *room, uint64_t account, uint64_t first, uint64_t last)
{
    struct msg_tell_gap gap = {0, msg_text(room->name), msg_text(name_of(self, room, account)), first, last};
    if (first == 0 || first > last)
        return;
    self->counts.gaps_shown++;
    room->gap = false; /* not to be had, as it turned out */
    gap.arrival = self->next_arrival++;
    peer_step_keep(self, gap.arrival, MSG_TELL_GAP, &gap);
}

/* What is missing before a frame after that mark, and cannot be had. */
static void
tell_missing(struct peer_core *self, struct peer_room *room, struct peer_mark mark, const struct msg_room_frame *frame)
{
    if (frame->incarnation == mark.incarnation) {
        peer_room_tell_gap(self, room, frame->account, mark.number + 1, frame->first - 1);
        return;
    }
    if (frame->from_incarnation == mark.incarnation)
        peer_room_tell_gap(self, room, frame->account, mark.number + 1, frame->from_number);
    else if (frame->from_incarnation > mark.incarnation)
        peer_room_tell_gap(self, room, frame->account, 1, frame->from_number);
    peer_room_tell_gap(self, room, frame->account, 1, frame->first - 1);
}

/* The same of a device of which nothing came yet, and whose first frames went
 * from the log before they could be opened. */
static void
tell_lost(struct peer_core *self, struct peer_room *room, struct peer_sender *sender, const struct msg_room_frame *frame)
{
    if (sender->lost.number != 0)
        tell_missing(self, room, (struct peer_mark){sender->lost.incarnation, sender->lost.number - 1}, frame);
    sender->lost = (struct peer_mark){0, 0};
}

/* ---- what is in it ---- */

/* Reads the SAYs into self->says.  False: they are not what the header says,
 * `count` of them, with the head after the last. */
static bool
read_whole(struct peer_core *self, const struct msg_room_frame *frame, struct msg_span batch)
{
    struct msg_place at = msg_chain_begins_frame(frame);
    union msg_any any;
    enum msg_kind kind;
    for (uint64_t i = 0; i < frame->count; i++) {
        if (batch.len == 0 || msg_codec_next_frame(&batch, &kind, &any) != CONCLAVE_OK || kind != MSG_SAY)
            return false;
        self->says[i] = msg_chain_take(&at, &any.MSG_ANY_SAY);
    }
    return batch.len == 0 && memcmp(&at.prev, &frame->head, sizeof at.prev) == 0;
}

static bool
came_already(const struct peer_core *self, const struct msg_room_frame *frame, const struct msg_id *id)
{
    for (size_t i = 0; i < PEER_ARRIVALS; i++) {
        const struct peer_arrival *was = &self->arrivals[i];
        if (was->arrival != 0 && was->account == frame->account && was->device == frame->device && memcmp(&was->id, id, sizeof *id) == 0)
            return true;
    }
    return false;
}

static void
arrived(struct peer_core *self, const struct msg_room_frame *frame, uint64_t arrival, const struct msg_id *id)
{
    peer_hear_arrived(self, &(struct peer_arrival){.arrival = arrival, .account = frame->account, .device = frame->device, .id = *id});
}

/* All of self->says: one record, and told as one. */
static void
keep_batch(struct peer_core *self, const struct peer_room *room, const struct msg_room_frame *frame, struct msg_text name, struct msg_span batch)
{
    const uint64_t first = self->next_arrival;
    self->next_arrival += frame->count;
    const struct msg_rec_inbox_batch record = {
        .arrival = self->next_arrival - 1,
        .count = frame->count,
        .account = frame->account,
        .device = frame->device,
        .incarnation = frame->incarnation,
        .first = frame->first,
        .name = name,
        .room = msg_text(room->name),
        .batch = batch,
    };
    const struct msg_record_key key = msg_record_key1(record.arrival);
    msg_effects_put(self->out, PEER_TABLE_INBOX, msg_record_key_span(&key), MSG_REC_INBOX_BATCH, &record);
    for (uint64_t i = 0; i < frame->count; i++)
        arrived(self, frame, first + i, &self->says[i].id);
    const struct msg_tell_messages tell = {first, name, msg_text(""), record.room, batch};
    peer_held_put(self->held, peer_step_store(self), MSG_TELL_MESSAGES, &tell);
}

static void
keep(struct peer_core *self, const struct peer_room *room, const struct msg_room_frame *frame, struct msg_text name, const struct msg_said *said)
{
    const struct msg_rec_inbox record = {
        .arrival = self->next_arrival++,
        .account = frame->account,
        .device = frame->device,
        .incarnation = frame->incarnation,
        .number = said->at.number,
        .name = name,
        .room = msg_text(room->name),
        .id = said->id,
        .ts_ms = said->ts_ms,
        .text = said->text,
    };
    const struct msg_record_key key = msg_record_key1(record.arrival);
    msg_effects_put(self->out, PEER_TABLE_INBOX, msg_record_key_span(&key), MSG_REC_INBOX, &record);
    arrived(self, frame, record.arrival, &record.id);
    const struct msg_tell_message tell = {record.arrival, record.id, record.name, msg_text(""), record.room, record.ts_ms, record.text};
    peer_held_put(self->held, peer_step_store(self), MSG_TELL_MESSAGE, &tell);
}

/* What is in self->says, and `batch` before it was read. */
static void
take(struct peer_core *self, struct peer_room *room, struct peer_sender *sender, enum verdict verdict, const struct msg_room_frame *frame, struct msg_span batch)
{
    const bool known = peer_rooms_is_chained(sender), same = is_same(sender, frame);
    const bool anew = known && !same && frame->from_incarnation == 0; /* an older copy of its disk: what it had forgotten comes again */
    const uint64_t after = same ? sender->mark.number : 0;
    const struct msg_text name = msg_text(name_of(self, room, frame->account));
    uint64_t next = 0; /* the first of them that is new */
    if (known && verdict == AHEAD)
        tell_missing(self, room, sender->mark, frame);
    tell_lost(self, room, sender, frame);
    while (next < frame->count && self->says[next].at.number <= after)
        next++;
    const bool joins = known && verdict == NEXT && !anew && next < frame->count && self->says[next].at.number == (same ? after + 1 : 1)
                       && (same || frame->from_number == sender->mark.number);
    if (joins && memcmp(&self->says[next].at.prev, &sender->head, sizeof sender->head) != 0)
        peer_room_broken(self, room, sender);
    if (next == 0 && frame->count > 1 && !anew)
        keep_batch(self, room, frame, name, batch);
    else
        for (uint64_t i = next; i < frame->count; i++)
            if (!anew || !came_already(self, frame, &self->says[i].id))
                keep(self, room, frame, name, &self->says[i]);
    sender->mark = (struct peer_mark){frame->incarnation, last_of(frame)};
    sender->salt = frame->salt;
    sender->head = frame->head;
    sender->waits = 0;
    sender->given_up = false;
    peer_room_took(self, room, sender);
    peer_room_keep(self, room, frame, false);
    peer_room_want_came(self, room);
}

/* Its key cannot be had: told as a gap, and passed over.  It is in the log after
 * we came in, so that this is said of who sends for the first time as well. */
static void
pass_over(struct peer_core *self, struct peer_room *room, struct peer_sender *sender, const struct msg_room_frame *frame)
{
    const uint64_t after = is_same(sender, frame) ? sender->mark.number : 0;
    sender->waits = 0;
    if (peer_rooms_is_chained(sender) && judge(sender, frame) == AHEAD)
        tell_missing(self, room, sender->mark, frame);
    tell_lost(self, room, sender, frame);
    peer_room_tell_gap(self, room, frame->account, frame->first > after ? frame->first : after + 1, last_of(frame));
    sender->mark = (struct peer_mark){frame->incarnation, last_of(frame)};
    sender->salt = frame->salt;
    sender->head = frame->head;
    peer_room_took(self, room, sender);
}

/* RANGE: from before the state that we were given.  NOT_FOUND: no key, or one
 * that somebody else handed on and that is none. */
static enum conclave_err
open_frame(struct peer_core *self, const struct peer_room *room, const struct msg_room_frame *frame, struct msg_buf *batch)
{
    struct peer_key *key = peer_keyring_find(&self->keyring, &room->facts.id, frame->account, frame->device, &frame->key);
    if (key == NULL)
        return CONCLAVE_ERR_NOT_FOUND;
    enum conclave_err err = key->epoch == frame->epoch ? msg_roomkey_open(&key->ahead, batch, frame) : CONCLAVE_ERR_SEAL;
    if (err == CONCLAVE_ERR_RANGE) { /* a pass over what was read before */
        struct msg_roomkey again = key->first;
        err = msg_roomkey_open(&again, batch, frame);
        if (err == CONCLAVE_OK && again.counter > key->ahead.counter)
            key->ahead = again;
        msg_roomkey_wipe(&again);
    }
    if (err == CONCLAVE_ERR_SEAL && (room->facts.flags & MSG_ROOM_HISTORY) != 0) {
        peer_keyring_drop(&self->keyring, key, self->out); /* another member may know better, or its owner */
        (void)peer_step_store(self); /* only marks that this step writes */
        err = CONCLAVE_ERR_NOT_FOUND;
    }
    return err;
}

static bool
is_right(struct peer_core *self, const struct msg_room_frame *frame, const struct msg_cert *cert)
{
    if (peer_room_is_signed(self, frame, &cert->sign))
        return true;
    peer_counts_refused(self, PEER_REFUSED_ROOMS, "ROOM-FRAME-FORGED", "a frame of a room is not signed by the device that it names");
    return false;
}

static enum peer_heard
hear(struct peer_core *self, struct peer_room *room, uint64_t offset, const struct msg_room_frame *frame, struct peer_sender *sender, enum verdict verdict)
{
    struct msg_buf batch = {self->batch, 0, sizeof self->batch};
    if (!peer_held_fits(self->held, frame->box.len + frame->count * 768u + GAPS_BYTES))
        return HEARD_WAIT_DISK;
    const enum conclave_err err = open_frame(self, room, frame, &batch);
    if (err == CONCLAVE_ERR_NOT_FOUND && sender != NULL && sender->given_up && memcmp(&sender->lacks, &frame->key, sizeof frame->key) == 0) {
        pass_over(self, room, sender, frame);
        return HEARD;
    }
    if (err == CONCLAVE_ERR_NOT_FOUND && offset == 0)
        return HEARD_AHEAD;
    if (err == CONCLAVE_ERR_NOT_FOUND) {
        peer_room_lacks(self, room, offset, frame, false);
        return HEARD;
    }
    if (err == CONCLAVE_OK && read_whole(self, frame, msg_span_of_buf(&batch))) {
        sender = peer_room_sender(self, room, frame->account, frame->device);
        if (sender != NULL)
            take(self, room, sender, verdict, frame, msg_span_of_buf(&batch));
    } else {
        if (err != CONCLAVE_ERR_RANGE) /* that was said before it was for us */
            peer_counts_refused(self, PEER_REFUSED_ROOMS, "ROOM-FRAME-REFUSED", err != CONCLAVE_OK ? msg_error_sentence(err) : "what is in it is not what its sender signed");
        if (sender != NULL && sender->waits == offset)
            sender->waits = 0;
    }
    msg_keys_wipe(self->batch, batch.len);
    return HEARD;
}

/* True when the roster that it was said under, or its sender, is not read yet. */
static bool
is_early(struct peer_core *self, struct peer_room *room, uint64_t offset, const struct msg_room_frame *frame)
{
    const struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, frame->account);
    if (room->refused || (frame->epoch <= room->facts.epoch && mate != NULL && msg_room_was_in(&mate->part, frame->epoch)))
        return false;
    if (offset == 0 || room->behind || room->reading || room->stuck.offset != offset || room->stuck.number != room->facts.number) {
        room->stuck.offset = offset;
        room->stuck.number = room->facts.number;
        return true;
    }
    return false; /* it was read since, and knows no more */
}

enum peer_heard
peer_room_hear(struct peer_core *self, struct peer_room *room, uint64_t offset, const struct msg_room_frame *frame)
{
    if (frame->account == self->self.account && frame->device == self->self.device) {
        if (offset != 0)
            peer_room_own_logged(self, room, frame);
        return HEARD;
    }
    if (is_early(self, room, offset, frame))
        return HEARD_WAIT_ROSTER;
    struct peer_sender *sender = peer_rooms_sender(&self->rooms, room, frame->account, frame->device);
    const enum verdict verdict = judge(sender, frame);
    const bool same_end = peer_rooms_is_chained(sender) && sender->mark.incarnation == frame->incarnation && sender->mark.number == last_of(frame);
    const struct msg_cert *cert = peer_room_cert(self, frame->account, frame->device);
    if (sender != NULL && sender->waits != 0 && offset > sender->waits)
        return HEARD; /* after what waits */
    if (verdict == SEEN && (!same_end || memcmp(&sender->head, &frame->head, sizeof frame->head) == 0))
        return HEARD;
    if (offset == 0 && (verdict == AHEAD || cert == NULL || (sender != NULL && sender->waits != 0) || may_follow(sender, frame))) {
        if (verdict == AHEAD && peer_rooms_is_chained(sender))
            peer_counts_gap(room);
        return HEARD_AHEAD; /* what is missing before it is in the log */
    }
    const struct peer_mate *mate = peer_rooms_mate(&self->rooms, room, frame->account);
    if (mate == NULL || !msg_room_was_in(&mate->part, frame->epoch)) {
        peer_counts_refused(self, PEER_REFUSED_ROOMS, "ROOM-FRAME-REFUSED", "it is of somebody who was not a member then");
        if (sender != NULL && sender->waits == offset)
            sender->waits = 0;
        return HEARD;
    }
    if (cert == NULL && (sender == NULL || !sender->given_up)) {
        peer_room_lacks(self, room, offset, frame, true);
        return HEARD;
    }
    if (cert == NULL || !is_right(self, frame, cert)) {
        if (sender != NULL && sender->waits == offset)
            sender->waits = 0;
        return HEARD;
    }
    if (verdict == SEEN || verdict == FORKED) {
        if (verdict == SEEN)
            peer_room_broken(self, room, sender);
        return HEARD;
    }
    if (offset == 0 && (mate->part.standing & MSG_STANDING_MUTED) != 0) {
        peer_counts_refused(self, PEER_REFUSED_ROOMS, "ROOM-FRAME-REFUSED", "it came directly, of somebody who is muted");
        return HEARD;
    }
    check_epoch_head(self, room, frame);
    return hear(self, room, offset, frame, sender, verdict);
}
