/* See hand.h: one peer, what it says and what it hears. */
#include <stdio.h>
#include <string.h>

#include "tools/stress/clock.h"
#include "tools/stress/hand.h"

#define OUTBOX_MESSAGES 4000u       /* kept below what libconclave takes: 8192, */
#define OUTBOX_BYTES (6u << 20)     /* and 8 MiB */

void
stress_peer_name(const struct stress_world *world, uint32_t index, char name[32])
{
    (void)snprintf(name, 32, "%s-%u", world->tag, (unsigned)index);
}

void
stress_peer_room(const struct stress_world *world, uint32_t room, char name[32])
{
    (void)snprintf(name, 32, "#%s-%u", world->tag, (unsigned)room);
}

void
stress_peer_open(struct stress_hand *hand, struct stress_peer *self)
{
    const struct stress_world *world = hand->world;
    const bool relay = world->options.route == STRESS_RELAY;
    char home[STRESS_PATH_ROOM + 16], instance[16];

    (void)snprintf(home, sizeof home, "%s/w%u", world->dir, (unsigned)hand->number);
    (void)snprintf(instance, sizeof instance, "p%u", (unsigned)self->index);
    const struct conclave_options options = {.home = world->options.in_memory ? "" : home,
                                             .instance = instance,
                                             .in_memory = world->options.in_memory,
                                             .link = world->link,
                                             .listen = relay ? "none" : "127.0.0.1:0",
                                             .direct = relay ? "never" : "anyone"};
    if (conclave_open_in(hand->loop, &self->self, &options) != CONCLAVE_OK)
        stress_hand_die(hand, "A peer cannot be opened: %s", conclave_why());
    self->there = true;
}

void
stress_peer_close(struct stress_hand *hand, struct stress_peer *self)
{
    conclave_close(&self->self);
    if (self->online)
        hand->mine->online += UINT64_MAX;
    self->online = false;
}

bool
stress_peer_has_room(const struct stress_hand *hand, const struct stress_peer *self, uint32_t messages)
{
    struct conclave_state state;

    conclave_get_state(self->self, &state);
    const uint64_t then = state.unacknowledged + messages;
    return then <= OUTBOX_MESSAGES && then * hand->world->options.size <= OUTBOX_BYTES;
}

void
stress_peer_say(struct stress_hand *hand, struct stress_peer *self, enum stress_channel channel, uint64_t intended_ns)
{
    const size_t size = hand->world->options.size;
    struct stress_room *room = &hand->world->room[channel == STRESS_ROOM ? self->seat->room : 0];
    const uint64_t number = self->seat->said[channel] + 1, due = channel == STRESS_ROOM ? room->full - 1 : 1;
    char to[32];

    const struct stress_text what = {self->index, channel, number, intended_ns};
    stress_text_write(hand->text, size, &what);
    if (channel == STRESS_ROOM)
        stress_peer_room(hand->world, self->seat->room, to);
    else
        stress_peer_name(hand->world, self->seat->partner, to);
    if (channel == STRESS_ROOM)
        room->owed += room->timed - 1;
    self->seat->said[channel] = number;
    hand->mine->said++;
    hand->mine->due += due;
    (void)conclave_send(self->self, to, hand->text, size);
}

/* Whether it is what its sender wrote, where it was sent. */
static bool
is_whole(const struct stress_hand *hand, const struct stress_peer *self, const struct conclave_event *event, struct stress_text *text)
{
    char from[32], room[32] = "";

    if (!stress_text_read(text, event->text, event->text_bytes, hand->world->options.size) || text->sender >= hand->world->peers)
        return false;
    stress_peer_name(hand->world, text->sender, from);
    if (text->channel == STRESS_ROOM && self->seat->room != STRESS_NONE)
        stress_peer_room(hand->world, self->seat->room, room);
    else if (text->sender != self->seat->partner)
        return false;
    return strcmp(from, event->from) == 0 && strcmp(room, event->room) == 0;
}

static void
time_arrival(struct stress_hand *hand, const struct stress_peer *self, const struct stress_text *text)
{
    const uint64_t from_ns = text->intended_ns > self->back_ns ? text->intended_ns : self->back_ns;

    if (hand->tripping && (self->seat->roles & STRESS_WRITES) != 0)
        stress_record_arrival(&hand->mine->trips, text->intended_ns, stress_clock_ns());
    else if ((self->seat->roles & STRESS_STOPS) == 0)
        stress_record_arrival(&hand->mine->latency, from_ns, stress_clock_ns());
}

void
stress_peer_hear(struct stress_hand *hand, struct stress_peer *self, const struct conclave_event *event)
{
    struct stress_text text;

    if (!is_whole(hand, self, event, &text)) {
        hand->mine->damaged++;
        return;
    }
    const struct stress_stream stream = {self->index, text.sender, (uint8_t)text.channel};
    const enum stress_verdict verdict = stress_check_take(hand->check, stream, text.number);
    hand->mine->holes = stress_check_holes(hand->check);
    if (verdict == STRESS_DOUBLED) {
        hand->mine->doubled++;
        return;
    }
    hand->mine->reordered += verdict == STRESS_REORDERED;
    time_arrival(hand, self, &text);
    if ((self->seat->roles & STRESS_LEAVES) == 0)
        hand->mine->got++;
    if (text.channel == STRESS_PAIR)
        self->seat->got_pair++;
    else if ((self->seat->roles & (STRESS_STOPS | STRESS_LEAVES | STRESS_GOES)) == 0)
        hand->world->room[self->seat->room].got++;
    if (hand->tripping && text.channel == STRESS_PAIR) /* an answer has the time of what it answers */
        stress_peer_say(hand, self, STRESS_PAIR, (self->seat->roles & STRESS_WRITES) != 0 ? stress_clock_ns() : text.intended_ns);
}

void
stress_peer_pause(struct stress_hand *hand, const struct stress_peer *self)
{
    const struct stress_room *room = &hand->world->room[self->seat->room];

    for (uint32_t i = room->first; i < room->first + room->members; i++)
        stress_check_pause(hand->check, (struct stress_stream){self->index, i, STRESS_ROOM});
}

/* What was said to it and never came, and what it asked and was never told. */
void
stress_peer_check(struct stress_hand *hand, const struct stress_peer *self)
{
    const struct stress_world *world = hand->world;
    const struct stress_seat *seat = self->seat;
    const bool to_the_end = (seat->roles & STRESS_LEAVES) == 0;
    uint64_t lost = 0;

    if (seat->partner != STRESS_NONE)
        lost += stress_check_lost(hand->check, (struct stress_stream){self->index, seat->partner, STRESS_PAIR},
                                  world->seats[seat->partner].said[STRESS_PAIR], true);
    for (uint32_t i = 0; seat->room != STRESS_NONE && i < world->room[seat->room].members; i++) {
        const uint32_t sender = world->room[seat->room].first + i;
        if (sender != self->index)
            lost += stress_check_lost(hand->check, (struct stress_stream){self->index, sender, STRESS_ROOM},
                                      world->seats[sender].said[STRESS_ROOM], to_the_end);
    }
    for (uint32_t i = 0; i < STRESS_ASKS; i++)
        lost += self->asks[i].request != 0;
    hand->mine->lost += lost;
}
