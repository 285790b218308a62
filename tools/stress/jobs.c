/* See hand.h: what takes several requests, a few peers at a time or at a rate. */
#include <string.h>

#include "tools/stress/clock.h"
#include "tools/stress/hand.h"
#include "tools/stress/pace.h"

#define PASSWORD "a load of wood and iron 7"
#define AT_ONCE 8u          /* jobs under way in one process, */
#define MEASURED_AT_ONCE 32u /* and where they are measured */
#define AGAIN_NS 20000000u  /* what cannot be yet is asked again after so long */
#define WAIT_NS 300000000000u /* so long without any answer, and all ends */
#define STAY_MS 1500u       /* those who come and go stay and are away for half to one and a half of that */
#define GATHER_NS 60000000000u /* who is not back by then has lost what it lacks */
#define MS 1000000u

static const enum stress_step enter[] = {STRESS_OPEN, STRESS_REGISTER, STRESS_ONLINE, STRESS_END};
static const enum stress_step make_or_join[] = {STRESS_ENTER_ROOM, STRESS_END};
static const enum stress_step settle[] = {STRESS_MEMBERS, STRESS_END};
static const enum stress_step arrive[] = {STRESS_OPEN, STRESS_REGISTER, STRESS_ONLINE, STRESS_ENTER_ROOM, STRESS_END};
static const enum stress_step go[] = {STRESS_GO, STRESS_END};
static const enum stress_step back[] = {STRESS_RETURN_AGAIN, STRESS_ONLINE, STRESS_END};
static const enum stress_step back_in_room[] = {STRESS_RETURN_AGAIN, STRESS_ONLINE, STRESS_MEMBERS, STRESS_END};
static const enum stress_step leave[] = {STRESS_LEAVE_ROOM, STRESS_END};
static const enum stress_step join_again[] = {STRESS_ENTER_ROOM, STRESS_MEMBERS, STRESS_END};

static bool
is_first(const struct stress_hand *hand, const struct stress_peer *peer)
{
    return hand->world->room[peer->seat->room].first == peer->index;
}

/* Begins the step: a request, or 0 where there is nothing to be answered. */
static uint64_t
begin(struct stress_hand *hand, struct stress_peer *peer)
{
    const bool in_memory = hand->world->options.in_memory;
    char name[32];

    switch (*peer->step) {
    case STRESS_OPEN:
        stress_peer_open(hand, peer);
        return 0;
    case STRESS_REGISTER:
        stress_peer_name(hand->world, peer->index, name);
        return conclave_register(peer->self, name, PASSWORD);
    case STRESS_ENTER_ROOM:
        stress_peer_room(hand->world, peer->seat->room, name);
        if ((peer->seat->roles & STRESS_LEAVES) != 0)
            stress_peer_pause(hand, peer);
        return is_first(hand, peer) ? conclave_room_create(peer->self, name, 0, NULL, NULL) : conclave_room_join(peer->self, name, NULL);
    case STRESS_MEMBERS:
        stress_peer_room(hand->world, peer->seat->room, name);
        return conclave_members(peer->self, name);
    case STRESS_LEAVE_ROOM:
        stress_peer_room(hand->world, peer->seat->room, name);
        stress_peer_pause(hand, peer);
        return conclave_room_act(peer->self, name, CONCLAVE_ACT_LEAVE, NULL, NULL);
    case STRESS_GO: /* in memory a peer that is closed would be forgotten */
        if (in_memory)
            return conclave_logout(peer->self, false);
        stress_peer_close(hand, peer);
        return 0;
    case STRESS_RETURN_AGAIN:
        peer->back_ns = stress_clock_ns();
        if (in_memory)
            return conclave_login(peer->self, NULL, NULL);
        stress_peer_open(hand, peer);
        return 0;
    case STRESS_ONLINE:
    case STRESS_END:
        break;
    }
    return 0;
}

static void
finish(struct stress_hand *hand, struct stress_peer *peer)
{
    peer->step = NULL;
    hand->jobs--;
    hand->mine->done += peer->timed;
    if (peer->timed)
        stress_record_arrival(&hand->mine->latency, peer->begun_ns, stress_clock_ns());
}

/* Does all steps that need no waiting. */
static void
go_on(struct stress_hand *hand, struct stress_peer *peer)
{
    for (;; peer->step++) {
        if (*peer->step == STRESS_END) {
            finish(hand, peer);
            return;
        }
        if (*peer->step == STRESS_ONLINE) {
            if (!peer->online)
                return;
            continue;
        }
        peer->request = begin(hand, peer);
        if (peer->request != 0)
            return;
    }
}

void
stress_jobs_start(struct stress_hand *hand, struct stress_peer *peer, const enum stress_step *steps, bool timed, uint64_t begun_ns)
{
    peer->step = steps;
    peer->timed = timed;
    peer->begun_ns = begun_ns;
    hand->jobs++;
    hand->mine->asked += timed;
    go_on(hand, peer);
}

void
stress_jobs_answer(struct stress_hand *hand, struct stress_peer *peer, const struct conclave_event *event)
{
    peer->request = 0;
    if (event->kind != CONCLAVE_EVENT_FAILED) {
        peer->step++;
        go_on(hand, peer);
        return;
    }
    const bool not_yet = *peer->step == STRESS_ENTER_ROOM && event->err == CONCLAVE_ERR_NO_SUCH_ROOM;
    if (!not_yet && event->err != CONCLAVE_ERR_BUSY && event->err != CONCLAVE_ERR_TIMEOUT)
        stress_hand_die(hand, "A request of a peer fails: %s", event->text);
    peer->again_ns = stress_clock_ns() + (event->retry_ms > 0 ? event->retry_ms * (uint64_t)MS : AGAIN_NS);
}

void
stress_jobs_turn(struct stress_hand *hand)
{
    const uint64_t now_ns = stress_clock_ns();

    for (uint32_t i = 0; i < hand->count; i++) {
        struct stress_peer *peer = &hand->peers[i];
        if (peer->step == NULL || peer->request != 0)
            continue;
        if (peer->again_ns != 0 && now_ns < peer->again_ns)
            continue;
        peer->again_ns = 0;
        go_on(hand, peer);
    }
}

/* The job that an order is for this peer; NULL: none. */
static const enum stress_step *
job_of(const struct stress_hand *hand, const struct stress_peer *peer, const struct stress_order *order)
{
    const bool in_room = peer->seat->room != STRESS_NONE, chosen = order->all || (peer->seat->roles & STRESS_GOES) != 0;

    switch (order->what) {
    case STRESS_ENTER:
        return enter;
    case STRESS_MAKE:
        return in_room && is_first(hand, peer) ? make_or_join : NULL;
    case STRESS_JOIN:
        return in_room && !is_first(hand, peer) ? make_or_join : NULL;
    case STRESS_SETTLE:
        return in_room ? settle : NULL;
    case STRESS_ARRIVE:
        return arrive;
    case STRESS_AWAY:
        return chosen ? go : NULL;
    case STRESS_BACK:
        return !chosen ? NULL : in_room ? back_in_room : back;
    case STRESS_RESET:
    case STRESS_GREET:
    case STRESS_TALK:
    case STRESS_ANSWER:
    case STRESS_TRIPS:
    case STRESS_SEARCHES:
    case STRESS_CHECK:
    case STRESS_QUIT:
        break;
    }
    return NULL;
}

void
stress_jobs_run(struct stress_hand *hand, const struct stress_order *order)
{
    const bool timed = order->what == STRESS_ARRIVE || (order->what == STRESS_BACK && order->all);
    const uint32_t at_once = timed ? MEASURED_AT_ONCE : AT_ONCE;
    const double share = order->rate * hand->count / hand->world->peers;
    struct stress_pace pace;
    uint32_t next = 0, before = 0;
    uint64_t heard_ns = stress_clock_ns();

    stress_pace_start(&pace, order->start_ns, share > 0 ? share : 1, (double)hand->number / hand->world->workers);
    while (next < hand->count || hand->jobs > 0) {
        uint64_t now_ns = stress_clock_ns();
        while (next < hand->count && (share > 0 ? stress_pace_next_ns(&pace) <= now_ns : hand->jobs < at_once)) {
            struct stress_peer *peer = &hand->peers[next++];
            const enum stress_step *job = job_of(hand, peer, order);
            const uint64_t begun_ns = share > 0 ? stress_pace_next_ns(&pace) : now_ns;
            pace.done++;
            if (job != NULL)
                stress_jobs_start(hand, peer, job, timed, begun_ns);
            now_ns = stress_clock_ns();
        }
        stress_hand_turn(hand, 1);
        if (hand->jobs + hand->count - next != before)
            heard_ns = now_ns;
        before = hand->jobs + hand->count - next;
        if (now_ns > heard_ns + WAIT_NS)
            stress_hand_die(hand, "%u peers wait in vain for an answer of the registry.", (unsigned)hand->jobs);
    }
}

/* ---- coming and going ---- */

static void
turn_around(struct stress_hand *hand, struct stress_peer *peer, uint64_t now_ns)
{
    const bool goes = (peer->seat->roles & STRESS_GOES) != 0;
    const enum stress_step *job = peer->there ? (goes ? go : leave) : (goes ? back : join_again);

    peer->there = !peer->there;
    peer->turn_ns = now_ns + (STAY_MS / 2 + stress_pace_random(&hand->chance) % STAY_MS) * MS;
    stress_jobs_start(hand, peer, job, false, now_ns);
}

void
stress_jobs_churn(struct stress_hand *hand, uint64_t now_ns)
{
    for (uint32_t i = 0; i < hand->count; i++) {
        struct stress_peer *peer = &hand->peers[i];
        if ((peer->seat->roles & (STRESS_GOES | STRESS_LEAVES)) == 0 || peer->step != NULL)
            continue;
        if (peer->turn_ns == 0)
            peer->turn_ns = now_ns + stress_pace_random(&hand->chance) % STAY_MS * MS;
        else if (now_ns >= peer->turn_ns)
            turn_around(hand, peer, now_ns);
    }
}

void
stress_jobs_gather(struct stress_hand *hand)
{
    const uint64_t until_ns = stress_clock_ns() + GATHER_NS;

    for (uint32_t left = 1; left > 0 && stress_clock_ns() < until_ns;) {
        left = hand->jobs;
        for (uint32_t i = 0; i < hand->count; i++) {
            struct stress_peer *peer = &hand->peers[i];
            if (peer->there || peer->step != NULL)
                continue;
            turn_around(hand, peer, stress_clock_ns());
            left++;
        }
        stress_hand_turn(hand, 1);
    }
}
