/* What peers say to one another, at its times whether what was before has
 * arrived or not, and the proof that all of it came: each message of each
 * sender once, in order, and as it was said. */
#include <stdlib.h>

#include "msg/codec.h"
#include "tools/simnet/world.h"
#include "tools/stress/text.h"

#define SETTLE_US (3 * SIMNET_SECOND) /* after the last message: what is gathered is told by then */

static bool
is_paired(const struct simnet *self, uint32_t peer)
{
    return (peer ^ 1u) < self->plan.peers;
}

/* ---- who talks ---- */

static uint32_t
talkers_of(const struct simnet *self)
{
    return self->plan.members < SIMNET_TALKERS ? self->plan.members : SIMNET_TALKERS;
}

static bool
talks(const struct simnet *self, uint32_t peer)
{
    if (self->whispering)
        return is_paired(self, peer);
    return simnet_room_of(self, peer) != SIMNET_NO_ROOM && peer % self->plan.members < talkers_of(self);
}

/* In an order by chance, so that those of one room do not talk all at once. */
static void
shuffle(struct simnet *self)
{
    self->talkers = 0;
    for (uint32_t i = 0; i < self->plan.peers; i++)
        if (talks(self, i))
            self->order[self->talkers++] = i;
    for (uint32_t i = self->talkers; i > 1; i--) {
        const uint32_t other = (uint32_t)simnet_chance_below(&self->chance, i), was = self->order[other];
        self->order[other] = self->order[i - 1];
        self->order[i - 1] = was;
    }
}

/* ---- saying ---- */

/* In the open where a real peer has what it sealed, and as long as that. */
static struct msg_span
box_of(const struct simnet *self, uint32_t peer, enum stress_channel channel, uint64_t number)
{
    static uint8_t box[MSG_BATCH_MAX + MSG_SEAL_BYTES];
    const struct stress_text text = {peer, channel, number, self->now_us * 1000};

    stress_text_write((char *)box, self->plan.size, &text);
    return msg_span(box, self->plan.size + MSG_SEAL_BYTES);
}

static void
say(struct simnet *self, uint32_t index)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct simnet_peer *peer = &self->peers[index];
    const struct msg_room *rules = &self->rooms[simnet_room_of(self, index)].rules;
    struct msg_buf out = {bytes, 0, sizeof bytes};
    struct msg_room_frame frame = {.room = rules->id, .epoch = rules->epoch, .epoch_head = rules->epoch_head, .account = peer->account,
                                   .device = peer->device, .incarnation = 1, .salt = 1, .first = ++peer->said, .count = 1,
                                   .counter = peer->said, .box = box_of(self, index, STRESS_ROOM, peer->said)};

    memcpy(frame.head.at, &peer->said, sizeof peer->said);
    if (msg_codec_encode(&out, MSG_ROOM_FRAME, &frame) != CONCLAVE_OK)
        simnet_fail(self, "A frame of a room is too large.");
    const struct msg_room_post post = {rules->id, msg_span_of_buf(&out)};
    simnet_to_registry(self, index, MSG_ROOM_POST, &post);
}

static void
whisper(struct simnet *self, uint32_t index)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct simnet_peer *peer = &self->peers[index];
    const struct simnet_peer *partner = &self->peers[index ^ 1u];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    const struct msg_sealed sealed = {.counter = ++peer->whispered, .box = box_of(self, index, STRESS_PAIR, peer->whispered)};

    if (msg_codec_encode(&out, MSG_SEALED, &sealed) != CONCLAVE_OK)
        simnet_fail(self, "A direct message is too large.");
    const struct msg_relay relay = {partner->account, partner->device, msg_span_of_buf(&out)};
    simnet_to_registry(self, index, MSG_RELAY, &relay);
}

static uint64_t
due_us(const struct simnet *self, uint64_t number)
{
    return self->talk_us + (uint64_t)((double)number * 1e6 / self->plan.rate);
}

void
simnet_talk_say(struct simnet *self)
{
    const uint32_t peer = self->order[self->talk_next++ % self->talkers];

    if (self->whispering)
        whisper(self, peer);
    else
        say(self, peer);
    if (self->talk_next < self->talk_count)
        simnet_plan_at(self, due_us(self, self->talk_next), SIMNET_SAY, 0, NULL);
}

/* ---- hearing ---- */

static void
take(struct simnet *self, uint32_t receiver, uint32_t sender, enum stress_channel channel, struct msg_span box)
{
    struct stress_text text;

    if (box.len != self->plan.size + MSG_SEAL_BYTES || !stress_text_read(&text, (const char *)box.at, self->plan.size, self->plan.size)
        || text.sender != sender || text.channel != channel) {
        self->damaged++;
        return;
    }
    switch (stress_check_take(self->check, (struct stress_stream){receiver, sender, (uint8_t)channel}, text.number)) {
    case STRESS_FINE:
        break;
    case STRESS_DOUBLED:
        self->doubled++;
        return;
    case STRESS_REORDERED:
        self->reordered++;
        break;
    }
    if (channel == STRESS_ROOM)
        self->got++;
    else
        self->whispers_got++;
}

/* Accounts are numbered as they sign up, which is not as peers are. */
static bool
is_peer(const struct simnet *self, uint32_t peer, uint64_t account, uint64_t device)
{
    return peer < self->plan.peers && self->peers[peer].account == account && self->peers[peer].device == device;
}

static void
hear_posts(struct simnet *self, uint32_t receiver, struct msg_list posts)
{
    struct simnet_peer *peer = &self->peers[receiver];
    struct stress_text text;
    struct msg_logged logged;
    union msg_any any;
    enum msg_kind kind;

    while (msg_codec_next(&posts, MSG_LOGGED, &logged)) {
        if (logged.offset <= peer->heard)
            continue; /* it was cast while the log was being read */
        peer->heard = logged.offset;
        const bool read = msg_codec_decode(logged.frame, &kind, &any) == CONCLAVE_OK && kind == MSG_ROOM_FRAME
                          && any.MSG_ANY_ROOM_FRAME.box.len == self->plan.size + MSG_SEAL_BYTES
                          && stress_text_read(&text, (const char *)any.MSG_ANY_ROOM_FRAME.box.at, self->plan.size, self->plan.size);
        if (!read || text.number != any.MSG_ANY_ROOM_FRAME.first || simnet_room_of(self, text.sender) != simnet_room_of(self, receiver)
            || !is_peer(self, text.sender, any.MSG_ANY_ROOM_FRAME.account, any.MSG_ANY_ROOM_FRAME.device))
            self->damaged++;
        else if (text.sender != receiver)
            take(self, receiver, text.sender, STRESS_ROOM, any.MSG_ANY_ROOM_FRAME.box);
    }
}

void
simnet_talk_cast(struct simnet *self, uint32_t peer, struct simnet_body *body)
{
    hear_posts(self, peer, body->any.MSG_ANY_ROOM_CAST.posts);
}

void
simnet_talk_log(struct simnet *self, uint32_t peer, const struct msg_room_log *log)
{
    hear_posts(self, peer, log->frames);
}

static void
hear_relayed(struct simnet *self, uint32_t peer, const struct msg_relay *relayed, bool changed)
{
    union msg_any any;
    enum msg_kind kind;

    if (!is_peer(self, peer ^ 1u, relayed->account, relayed->device)
        || msg_codec_decode(relayed->frames, &kind, &any) != CONCLAVE_OK || kind != MSG_SEALED) {
        self->damaged++;
        return;
    }
    struct msg_span box = any.MSG_ANY_SEALED.box;
    uint8_t *copy = changed ? malloc(box.len) : NULL;
    if (copy != NULL) {
        memcpy(copy, box.at, box.len);
        copy[self->plan.size / 2] ^= 1;
        box.at = copy;
    }
    take(self, peer, peer ^ 1u, STRESS_PAIR, box);
    free(copy);
}

static bool
strikes(struct simnet *self, uint32_t of_1000)
{
    return of_1000 > 0 && simnet_chance_below(&self->chance, 1000) < of_1000;
}

void
simnet_talk_relayed(struct simnet *self, uint32_t peer, struct simnet_body *body)
{
    const struct simnet_faults *faults = &self->plan.faults;

    if (strikes(self, faults->lose))
        return;
    if (strikes(self, faults->delay)) { /* past those that come now */
        body->references++;
        simnet_plan_at(self, self->now_us + SIMNET_SECOND / 2, SIMNET_TO_PEER, peer, body);
        return;
    }
    if (strikes(self, faults->repeat))
        hear_relayed(self, peer, &body->any.MSG_ANY_RELAYED, false);
    hear_relayed(self, peer, &body->any.MSG_ANY_RELAYED, strikes(self, faults->change));
}

/* ---- all of it ---- */

static bool
is_said(struct simnet *self)
{
    return self->talk_next == self->talk_count;
}

bool
simnet_talk(struct simnet *self, bool whispering)
{
    self->whispering = whispering;
    self->talk_us = self->now_us;
    self->talk_next = 0;
    self->talk_count = (uint64_t)(self->plan.rate * self->plan.duration_s);
    shuffle(self);
    if (self->talkers == 0 || self->talk_count == 0)
        return true;
    simnet_plan_at(self, due_us(self, 0), SIMNET_SAY, 0, NULL);
    return simnet_run(self, is_said, 0) && simnet_run(self, NULL, SETTLE_US);
}

void
simnet_talk_check(struct simnet *self)
{
    const uint32_t talkers = talkers_of(self);

    for (uint32_t peer = 0; peer < self->plan.peers; peer++) {
        const uint32_t room = simnet_room_of(self, peer), first = peer - peer % self->plan.members;
        for (uint32_t sender = first; room != SIMNET_NO_ROOM && sender < first + talkers; sender++)
            if (sender != peer)
                self->result->lost += stress_check_lost(self->check, (struct stress_stream){peer, sender, STRESS_ROOM},
                                                        self->peers[sender].said, true);
        if (is_paired(self, peer))
            self->result->lost += stress_check_lost(self->check, (struct stress_stream){peer, peer ^ 1u, STRESS_PAIR},
                                                    self->peers[peer ^ 1u].whispered, true);
        /* its own, which nobody tells it */
        self->result->lost += self->peers[peer].said - self->peers[peer].stored;
    }
}
