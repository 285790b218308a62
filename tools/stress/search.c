/* See hand.h: requests to the directory, many under way at a time.  Whom one
 * asks for is there: an answer that says otherwise is a damaged one. */
#include <string.h>

#include "tools/stress/clock.h"
#include "tools/stress/hand.h"
#include "tools/stress/pace.h"

#define AT_A_TURN 256u

static struct stress_ask *
slot_of(struct stress_peer *peer, uint64_t request)
{
    for (uint32_t i = 0; i < STRESS_ASKS; i++)
        if (peer->asks[i].request == request)
            return &peer->asks[i];
    return NULL;
}

static bool
ask(struct stress_hand *hand, struct stress_peer *peer, uint64_t intended_ns)
{
    struct stress_ask *slot = slot_of(peer, 0);
    char name[32];

    if (slot == NULL)
        return false;
    slot->target = (uint32_t)(stress_pace_random(&hand->chance) % hand->world->peers);
    slot->intended_ns = intended_ns;
    stress_peer_name(hand->world, slot->target, name);
    slot->request = conclave_search(peer->self, name);
    hand->mine->asked++;
    hand->mine->said++;
    hand->mine->due++;
    return true;
}

bool
stress_search_answer(struct stress_hand *hand, struct stress_peer *peer, const struct conclave_event *event)
{
    struct stress_ask *slot = slot_of(peer, event->request);
    char name[32];

    if (slot == NULL)
        return false;
    slot->request = 0;
    hand->mine->done++;
    if (event->kind == CONCLAVE_EVENT_FAILED) {
        hand->mine->lost++;
        return true;
    }
    stress_peer_name(hand->world, slot->target, name);
    if (event->kind != CONCLAVE_EVENT_USER || strcmp(event->user.name, name) != 0 || event->user.status != CONCLAVE_STATUS_ONLINE)
        hand->mine->damaged++;
    hand->mine->got++;
    stress_record_arrival(&hand->mine->latency, slot->intended_ns, stress_clock_ns());
    return true;
}

/* The next peers that have a free slot, while something is due. */
static uint64_t
ask_what_is_due(struct stress_hand *hand, struct stress_pace *pace, uint32_t *turn)
{
    for (uint32_t asked = 0; asked < AT_A_TURN && stress_pace_next_ns(pace) <= stress_clock_ns(); asked++) {
        uint32_t tried = 0;
        while (tried < hand->count && !ask(hand, &hand->peers[(*turn)++ % hand->count], stress_pace_next_ns(pace)))
            tried++;
        if (tried == hand->count)
            return stress_clock_ns() + 1000000u;
        pace->done++;
    }
    return stress_pace_next_ns(pace);
}

void
stress_search_run(struct stress_hand *hand, const struct stress_order *order)
{
    const double share = order->rate * hand->count / hand->world->peers;
    struct stress_pace pace;
    uint32_t turn = 0;

    stress_pace_start(&pace, order->start_ns, share > 0 ? share : 1, (double)hand->number / hand->world->workers);
    while (!stress_hand_asked(hand)) {
        if (share > 0) {
            const uint64_t until_ns = ask_what_is_due(hand, &pace, &turn);
            stress_hand_turn_until(hand, stress_clock_ns(), until_ns);
            continue;
        }
        for (uint32_t i = 0; i < hand->count; i++)
            while (ask(hand, &hand->peers[i], stress_clock_ns()))
                ;
        stress_hand_turn(hand, 1);
    }
    stress_hand_end(hand);
}
