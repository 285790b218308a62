/* What the members of a mesh publish, and to whom.  A subscriber gets what is
 * published once its subscription has come, and nothing of it twice; for one
 * who does not keep up frames are dropped without a word. */
#include "tests/sim/sim.h"

#define PORTS 30000u /* those that are free to be had */

struct sim_xpub *
sim_xpub_find(struct sim_proc *proc, uint64_t link)
{
    for (size_t i = 0; i < SIM_XPUBS && link != 0; i++)
        if (proc->xpubs[i].link == link)
            return &proc->xpubs[i];
    return NULL;
}

struct sim_xpub *
sim_xpub_at(struct sim_proc *proc, uint16_t port)
{
    for (size_t i = 0; i < SIM_XPUBS; i++)
        if (proc->xpubs[i].link != 0 && proc->xpubs[i].port == port)
            return &proc->xpubs[i];
    return NULL;
}

static void
bound(struct sim *sim, struct sim_event *event)
{
    const struct msg_event told = {.kind = EVENT_BOUND,
                                   .link = event->a,
                                   .id = event->b,
                                   .err = event->b != 0 ? CONCLAVE_OK : CONCLAVE_ERR_IN_USE};
    struct sim_proc *const proc = &sim->procs[event->proc];
    if (event->b != 0 && sim_xpub_find(proc, event->a) == NULL)
        return; /* it was dropped since */
    sim_proc_step(sim, proc, &told);
}

/* The port of last time may be somebody else's by now. */
static uint16_t
free_port(struct sim *sim, struct sim_proc *proc, uint16_t wished)
{
    uint16_t port = wished;
    while (port == 0 || port == proc->port || sim_xpub_at(proc, port) != NULL ||
           (port == wished && sim_chance(sim, sim->ports_taken)))
        port = (uint16_t)(PORTS + sim_below(sim, 1000));
    return port;
}

void
sim_xpub_listen(struct sim *sim, struct sim_proc *proc, uint64_t link, uint16_t port)
{
    struct sim_xpub *slot = NULL;
    for (size_t i = 0; i < SIM_XPUBS && slot == NULL; i++)
        if (proc->xpubs[i].link == 0)
            slot = &proc->xpubs[i];
    if (sim_xpub_find(proc, link) != NULL || slot == NULL) {
        sim_fail(sim, "process %u binds XPUB %llx, which is one too many", proc->index,
                 (unsigned long long)link);
        return;
    }
    const uint16_t given = proc->port == 0 ? 0 : free_port(sim, proc, port);
    if (given != 0)
        *slot = (struct sim_xpub){.link = link, .port = given};
    sim_trace(sim, proc, "binds XPUB %llx on port %u", (unsigned long long)link, given);
    struct sim_event *const event = sim_at(sim, sim->now_us + 1, bound, proc);
    event->a = link;
    event->b = given;
}

bool
sim_xpub_admits(const struct sim_xpub *xpub, const struct msg_box_pub *key)
{
    for (size_t i = 0; i < xpub->admitted_count; i++)
        if (memcmp(&xpub->admitted[i], key, sizeof *key) == 0)
            return true;
    return false;
}

void
sim_xpub_admit(struct sim *sim, struct sim_xpub *xpub, const struct msg_box_pub *key)
{
    if (sim_xpub_admits(xpub, key))
        return;
    if (xpub->admitted_count == SIM_SUBSCRIBERS)
        sim_fail(sim, "an XPUB admits more than %u", SIM_SUBSCRIBERS);
    else
        xpub->admitted[xpub->admitted_count++] = *key;
}

/* Is that a living connection with this XPUB? */
static bool
is_of(const struct sim *sim, const struct sim_conn *conn, const struct sim_proc *proc,
      const struct sim_xpub *xpub)
{
    return conn->xpub == xpub->link && conn->side[1].proc == proc->index && conn->up &&
           sim_net_alive(sim, &conn->side[1]);
}

void
sim_xpub_expel(struct sim *sim, struct sim_proc *proc, struct sim_xpub *xpub,
               const struct msg_box_pub *key)
{
    for (size_t i = 0; i < xpub->admitted_count; i++)
        if (memcmp(&xpub->admitted[i], key, sizeof *key) == 0)
            xpub->admitted[i--] = xpub->admitted[--xpub->admitted_count];
    for (size_t i = 0; i < sim->conn_count; i++)
        if (is_of(sim, &sim->conns[i], proc, xpub) &&
            memcmp(&sim->procs[sim->conns[i].side[0].proc].key, key, sizeof *key) == 0)
            sim_net_end(sim, i);
}

void
sim_xpub_publish(struct sim *sim, struct sim_proc *proc, const struct sim_xpub *xpub,
                 struct msg_span bytes)
{
    for (size_t i = 0; i < sim->conn_count; i++) {
        const struct sim_conn *const conn = &sim->conns[i];
        if (is_of(sim, conn, proc, xpub) && conn->from_us <= sim->now_us &&
            !sim_chance(sim, sim->net.unpublished))
            sim_net_carry(sim, i, 1, bytes);
    }
}

void
sim_xpub_drop(struct sim *sim, struct sim_proc *proc, struct sim_xpub *xpub)
{
    sim_trace(sim, proc, "drops XPUB %llx", (unsigned long long)xpub->link);
    for (size_t i = 0; i < sim->conn_count; i++)
        if (is_of(sim, &sim->conns[i], proc, xpub))
            sim_net_end(sim, i);
    memset(xpub, 0, sizeof *xpub);
}
