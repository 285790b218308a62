/* See world.h. */
#include "tools/stress/world.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PEERS_EACH 250u     /* of one process: each has some ten descriptors */
#define WORKERS_LEAST 2u

static void *
share(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return at != MAP_FAILED ? at : NULL;
}

/* Peer i of its room, or of all. */
static unsigned
roles_of(const struct stress_options *options, uint32_t i, uint32_t in_room)
{
    switch (options->scenario) {
    case STRESS_LOGIN:
    case STRESS_RETURN:
    case STRESS_SEARCH:
    case STRESS_SIMNET: /* has peers of its own */
    case STRESS_SCENARIOS:
        return 0;
    case STRESS_DIRECT:
        return i % 2 == 0 ? STRESS_WRITES : 0;
    case STRESS_MAIL:
        return i % 2 == 0 ? STRESS_WRITES : STRESS_GOES;
    case STRESS_ONE_ROOM:
        return i < options->peers - options->members ? STRESS_SPEAKS : 0;
    case STRESS_ROOMS:
    case STRESS_STORM:
        return STRESS_SPEAKS;
    case STRESS_SLOW: /* the last of every four */
        return in_room % 4 == 3 ? STRESS_STOPS : STRESS_SPEAKS;
    case STRESS_CHURN:
        return in_room % 4 == 2 ? STRESS_GOES : in_room % 4 == 3 ? STRESS_LEAVES : STRESS_SPEAKS;
    case STRESS_SOAK:
        return in_room % 4 == 3 ? (in_room % 8 == 3 ? STRESS_GOES : STRESS_LEAVES) : STRESS_SPEAKS | STRESS_WRITES;
    }
    return 0;
}

static uint32_t
partner_of(const struct stress_world *self, uint32_t i)
{
    const enum stress_scenario scenario = self->options.scenario;

    if (scenario == STRESS_DIRECT || scenario == STRESS_MAIL)
        return i ^ 1u;
    /* In rooms, the second and the third of each four write to each other. */
    if (scenario == STRESS_SOAK && (self->seats[i].roles & STRESS_WRITES) != 0) {
        const uint32_t in_room = i - self->room[self->seats[i].room].first;
        if (in_room % 4 == 1 && in_room + 1 < self->room[self->seats[i].room].members)
            return i + 1;
        if (in_room % 4 == 2)
            return i - 1;
    }
    return STRESS_NONE;
}

/* How many processes so many peers take. */
static uint32_t
processes_for(uint32_t peers, uint32_t each, uint32_t least)
{
    const uint32_t count = (peers + each - 1) / each;

    return count >= least || peers < least ? count : least;
}

/* Who is in which process: those who alone talk, or are stopped, in one of
 * their own. */
static void
seat_all(struct stress_world *self)
{
    const unsigned apart = self->options.scenario == STRESS_ONE_ROOM ? STRESS_SPEAKS : STRESS_STOPS;
    const uint32_t least = self->peers / (STRESS_WORKERS_MAX - 2) + 1, each = least > PEERS_EACH ? least : PEERS_EACH;
    uint32_t some = 0, others = 0;

    for (uint32_t i = 0; i < self->peers; i++)
        *((self->seats[i].roles & apart) != 0 ? &some : &others) += 1;
    const uint32_t first = processes_for(some, each, 1), rest = processes_for(others, each, WORKERS_LEAST);
    self->workers = first + rest;
    for (uint32_t i = 0; i < self->peers; i++) {
        if ((self->seats[i].roles & apart) != 0)
            self->seats[i].worker = --some / each; /* filled one after the other */
        else
            self->seats[i].worker = first + --others % rest;
    }
}

static uint32_t
room_size(const struct stress_options *options)
{
    return options->scenario == STRESS_ONE_ROOM ? options->peers : options->members;
}

struct stress_world *
stress_world_new(const struct stress_options *options)
{
    struct stress_world *self = share(sizeof *self);

    if (self == NULL)
        return NULL;
    self->options = *options;
    self->peers = options->peers;
    self->rooms = options->rooms;
    self->seats = share(self->peers * sizeof *self->seats);
    self->room = share((self->rooms + 1) * sizeof *self->room);
    self->worker = share(STRESS_WORKERS_MAX * sizeof *self->worker);
    if (self->seats == NULL || self->room == NULL || self->worker == NULL)
        return NULL; /* the program ends */
    for (uint32_t i = 0; i < self->peers; i++) {
        struct stress_seat *seat = &self->seats[i];
        const uint32_t size = room_size(options), in_room = self->rooms > 0 ? i % size : 0;
        seat->room = self->rooms > 0 ? i / size : STRESS_NONE;
        seat->roles = roles_of(options, i, in_room);
        self->speakers += (seat->roles & STRESS_SPEAKS) != 0;
        if (self->rooms == 0)
            continue;
        struct stress_room *room = &self->room[seat->room];
        room->first = i - in_room;
        room->members++;
        room->full += (seat->roles & STRESS_LEAVES) == 0;
        room->timed += (seat->roles & (STRESS_STOPS | STRESS_LEAVES | STRESS_GOES)) == 0;
    }
    for (uint32_t i = 0; i < self->peers; i++) {
        self->seats[i].partner = partner_of(self, i);
        if (self->seats[i].partner == STRESS_NONE)
            self->seats[i].roles &= ~(unsigned)STRESS_WRITES;
        self->writers += (self->seats[i].roles & STRESS_WRITES) != 0;
    }
    seat_all(self);
    return self;
}

void
stress_world_destroy(struct stress_world **self_p)
{
    struct stress_world *self = *self_p;

    *self_p = NULL;
    if (self == NULL)
        return;
    (void)munmap(self->worker, STRESS_WORKERS_MAX * sizeof *self->worker);
    (void)munmap(self->room, (self->rooms + 1) * sizeof *self->room);
    (void)munmap(self->seats, self->peers * sizeof *self->seats);
    (void)munmap(self, sizeof *self);
}
