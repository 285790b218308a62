/* See hand.h: what is said, at a rate (open loop), or as fast as it is heard. */
#include <stdlib.h>

#include "tools/stress/clock.h"
#include "tools/stress/hand.h"
#include "tools/stress/pace.h"

#define FRAME 226u          /* messages of 256 bytes that fill a frame */
#define BURST_BYTES (1u << 20) /* and never more than this: an outbox takes some of them */
#define ROOM_AHEAD (8 * FRAME) /* said and not heard by all, on average */
#define ROOMS_AHEAD (4 * ROOM_AHEAD) /* of all rooms together, */
#define PAIR_AHEAD 4096u
#define PAIRS_AHEAD (4 * PAIR_AHEAD)
#define LEAST_AHEAD 64u     /* but of each so many */
#define AT_A_TURN 256u

struct voice {
    struct stress_peer *peer;
    enum stress_channel channel;
};

static size_t
gather_voices(const struct stress_hand *hand, struct voice *voices)
{
    size_t count = 0;

    for (uint32_t i = 0; i < hand->count; i++) {
        if ((hand->peers[i].seat->roles & STRESS_SPEAKS) != 0)
            voices[count++] = (struct voice){&hand->peers[i], STRESS_ROOM};
        if ((hand->peers[i].seat->roles & STRESS_WRITES) != 0)
            voices[count++] = (struct voice){&hand->peers[i], STRESS_PAIR};
    }
    return count;
}

static void
shuffle(struct voice *voices, size_t count, uint64_t *chance)
{
    for (size_t i = count; i > 1; i--) {
        const size_t j = stress_pace_random(chance) % i;
        const struct voice other = voices[j];
        voices[j] = voices[i - 1];
        voices[i - 1] = other;
    }
}

static struct voice *
new_voices(struct stress_hand *hand, size_t *count)
{
    struct voice *voices = calloc(2 * (size_t)hand->count + 1, sizeof *voices);

    if (voices == NULL)
        stress_hand_die(hand, "Memory is short.");
    *count = gather_voices(hand, voices);
    shuffle(voices, *count, &hand->chance);
    return voices;
}

void
stress_talk_greet(struct stress_hand *hand)
{
    size_t count;
    struct voice *voices = new_voices(hand, &count);

    for (size_t i = 0; i < count; i++)
        stress_peer_say(hand, voices[i].peer, voices[i].channel, stress_clock_ns());
    free(voices);
}

static uint32_t
between(uint32_t least, uint32_t value, uint32_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* How many more may be said before what was said is heard. */
static uint32_t
window(const struct stress_hand *hand, const struct voice *voice)
{
    const struct stress_world *world = hand->world;
    const struct stress_seat *seat = voice->peer->seat;
    uint64_t ahead, most;

    if (voice->channel == STRESS_PAIR) {
        ahead = seat->said[STRESS_PAIR] - world->seats[seat->partner].got_pair;
        most = between(LEAST_AHEAD, PAIRS_AHEAD / world->writers, PAIR_AHEAD);
    } else {
        const struct stress_room *room = &world->room[seat->room];
        const uint64_t owed = room->owed, got = room->got;
        ahead = room->timed > 1 && owed > got ? (owed - got) / (room->timed - 1) : 0;
        most = between(LEAST_AHEAD, ROOMS_AHEAD / world->rooms, ROOM_AHEAD);
    }
    return ahead < most ? (uint32_t)(most - ahead) : 0;
}

/* As much as is good for this voice now; whether that was anything. */
static bool
say_some(struct stress_hand *hand, const struct voice *voice)
{
    const uint32_t most = voice->channel == STRESS_PAIR ? PAIR_AHEAD : ROOM_AHEAD, open = window(hand, voice);
    const uint32_t fits = BURST_BYTES / hand->world->options.size;
    const uint32_t burst = between(1, (hand->world->rooms > 4 ? LEAST_AHEAD : most) / 8, fits < FRAME ? fits : FRAME);
    const bool away = hand->world->options.scenario == STRESS_MAIL; /* nobody hears it: the outbox alone bounds it */

    if ((!away && open < burst) || !stress_peer_has_room(hand, voice->peer, burst))
        return false;
    for (uint32_t i = 0; i < burst; i++)
        stress_peer_say(hand, voice->peer, voice->channel, stress_clock_ns());
    return true;
}

static void
saturate(struct stress_hand *hand, const struct voice *voices, size_t count)
{
    bool some = false;

    for (size_t i = 0; i < count; i++)
        some = say_some(hand, &voices[i]) || some;
    stress_hand_turn(hand, some ? 0 : 1);
}

/* What is due by now; a voice whose outbox is full holds up the others, and
 * what waits meanwhile keeps the moment it was meant for. */
static void
keep_pace(struct stress_hand *hand, struct stress_pace *pace, const struct voice *voices, size_t count)
{
    uint64_t now_ns = stress_clock_ns();
    bool full = false;

    for (uint32_t said = 0; said < AT_A_TURN && !full && stress_pace_next_ns(pace) <= now_ns; said++) {
        const struct voice *voice = &voices[pace->done % count];
        full = !stress_peer_has_room(hand, voice->peer, 1);
        if (full)
            break;
        stress_peer_say(hand, voice->peer, voice->channel, stress_pace_next_ns(pace));
        pace->done++;
    }
    now_ns = stress_clock_ns();
    stress_hand_turn_until(hand, now_ns, full ? now_ns + 1000000u : stress_pace_next_ns(pace));
}

void
stress_talk_run(struct stress_hand *hand, const struct stress_order *order)
{
    const struct stress_world *world = hand->world;
    const bool churns = world->options.scenario == STRESS_CHURN || world->options.scenario == STRESS_SOAK;
    struct stress_pace pace;
    size_t count;
    struct voice *voices = new_voices(hand, &count);

    const double share = order->rate * (double)count / (world->speakers + world->writers);
    stress_pace_start(&pace, order->start_ns, share > 0 ? share : 1, (double)hand->number / world->workers);
    while (!stress_hand_asked(hand)) {
        if (churns)
            stress_jobs_churn(hand, stress_clock_ns());
        if (count == 0)
            stress_hand_turn(hand, 2);
        else if (share > 0)
            keep_pace(hand, &pace, voices, count);
        else
            saturate(hand, voices, count);
    }
    stress_hand_end(hand);
    free(voices);
    if (churns)
        stress_jobs_gather(hand);
}

void
stress_talk_trips(struct stress_hand *hand)
{
    for (uint32_t i = 0; i < hand->count; i++)
        if ((hand->peers[i].seat->roles & STRESS_WRITES) != 0)
            stress_peer_say(hand, &hand->peers[i], STRESS_PAIR, stress_clock_ns());
    while (!stress_hand_asked(hand))
        stress_hand_turn(hand, 5);
    hand->tripping = false;
    stress_hand_end(hand);
}
