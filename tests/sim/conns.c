/* Which connections there are, and which of them a link of a process is. */
#include <stdlib.h>

#include "tests/sim/sim.h"

bool
sim_net_alive(const struct sim *sim, const struct sim_side *side)
{
    const struct sim_proc *const proc = &sim->procs[side->proc];
    return side->open && proc->up && proc->life == side->life;
}

struct sim_conn *
sim_conn_add(struct sim *sim)
{
    if (sim->conn_count == sim->conn_room) {
        sim->conn_room = sim->conn_room == 0 ? 64 : 2 * sim->conn_room;
        sim->conns = realloc(sim->conns, sim->conn_room * sizeof *sim->conns);
        if (sim->conns == NULL)
            abort();
    }
    struct sim_conn *const conn = &sim->conns[sim->conn_count++];
    memset(conn, 0, sizeof *conn);
    return conn;
}

/* Its place, or a free one. */
static struct sim_place *
look(const struct sim *sim, uint32_t proc, uint64_t link)
{
    size_t at = (link * UINT64_C(0x9e3779b97f4a7c15) + proc * UINT64_C(0xbf58476d1ce4e5b9)) >> 32;
    for (at %= sim->place_room; sim->places[at].link != 0; at = (at + 1) % sim->place_room)
        if (sim->places[at].link == link && sim->places[at].proc == proc)
            break;
    return &sim->places[at];
}

static void
grow(struct sim *sim)
{
    struct sim_place *const old = sim->places;
    const size_t count = sim->place_room;
    sim->place_room = count == 0 ? 256 : 2 * count;
    sim->places = calloc(sim->place_room, sizeof *sim->places);
    if (sim->places == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        if (old[i].link != 0)
            *look(sim, old[i].proc, old[i].link) = old[i];
    free(old);
}

void
sim_conn_note(struct sim *sim, size_t conn, int side)
{
    const struct sim_side *const at = &sim->conns[conn].side[side];
    if (2 * sim->place_count >= sim->place_room)
        grow(sim);
    struct sim_place *const place = look(sim, at->proc, at->link);
    sim->place_count += place->link == 0;
    *place = (struct sim_place){at->proc, (uint32_t)side, at->link, conn};
}

bool
sim_conn_find(const struct sim *sim, const struct sim_proc *proc, uint64_t link, size_t *conn, int *side)
{
    if (sim->place_count == 0)
        return false;
    const struct sim_place *const place = look(sim, proc->index, link);
    if (place->link == 0 || !sim_net_alive(sim, &sim->conns[place->conn].side[place->side]))
        return false;
    *conn = place->conn;
    *side = (int)place->side;
    return true;
}
