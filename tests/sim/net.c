/* The network: who dials, who admits whom, and what becomes of frames.  A
 * connection of TCP keeps order and loses nothing until it ends, at both ends,
 * at one, or unseen; the hostile kind loses, repeats and reorders besides. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

#define SLOW_US (15 * SIM_SECOND) /* until TCP believes that the other end is gone */
#define KEEPALIVE_US (60 * SIM_SECOND) /* the same where nothing is sent; and as long again */

struct sim_net
sim_net_clean(void)
{
    return (struct sim_net){.delay_min_us = 50, .delay_max_us = 800};
}

struct sim_net
sim_net_tcp(void)
{
    return (struct sim_net){.delay_min_us = 100, .delay_max_us = 60000, .cut = 4, .dial_fails = 60,
                            .unpublished = 10};
}

struct sim_net
sim_net_hostile(void)
{
    return (struct sim_net){.loss = 120,
                            .repeat = 120,
                            .reorders = true,
                            .delay_min_us = 500,
                            .delay_max_us = 500000,
                            .cut = 2,
                            .dial_fails = 60,
                            .unpublished = 50};
}

static const struct sim_net *
net_of(const struct sim *sim, const struct sim_conn *conn)
{
    return conn->side[1].proc <= SIM_FRONT ? &sim->registry_net : &sim->net;
}

static bool
parted(const struct sim *sim, uint32_t a, uint32_t b)
{
    return sim->parted[sim->procs[a].host][sim->procs[b].host];
}

static uint64_t
delay(struct sim *sim, const struct sim_conn *conn)
{
    const struct sim_net *const net = net_of(sim, conn);
    return sim_between(sim, net->delay_min_us, net->delay_max_us);
}

static void
down(struct sim *sim, struct sim_event *event)
{
    struct sim_side *const side = &sim->conns[event->a].side[event->b & 1];
    if (!side->open)
        return;
    side->open = false;
    const struct msg_event told = {
        .kind = EVENT_LINK_DOWN, .link = side->link, .err = (enum conclave_err)(event->b >> 1)};
    if (side->link == 0)
        return; /* accepted, and its shell never heard of it */
    sim_trace(sim, &sim->procs[side->proc], "link %llx is down: %s", (unsigned long long)side->link,
              msg_error_code(told.err));
    sim_proc_step(sim, &sim->procs[side->proc], &told);
}

static void
tell_down(struct sim *sim, size_t index, int s, uint64_t after_us, enum conclave_err err)
{
    struct sim_side *const side = &sim->conns[index].side[s];
    const uint64_t at_us = sim->now_us + after_us;
    if (!sim_net_alive(sim, side) || side->doomed)
        return;
    side->doomed = true;
    struct sim_event *const event = sim_at(sim, at_us > side->last_us ? at_us : side->last_us + 1,
                                           down, &sim->procs[side->proc]);
    event->a = index;
    event->b = (uint64_t)err << 1 | (uint64_t)s;
}

static void
up(struct sim *sim, struct sim_event *event)
{
    const struct sim_conn *const conn = &sim->conns[event->a];
    if (!conn->side[0].open)
        return;
    const struct msg_event told = {.kind = EVENT_LINK_UP,
                                   .link = conn->side[0].link,
                                   .key = conn->key,
                                   .source = msg_text(sim->procs[conn->side[1].proc].address)};
    sim_trace(sim, &sim->procs[conn->side[0].proc], "link %llx is up",
              (unsigned long long)conn->side[0].link);
    sim_proc_step(sim, &sim->procs[conn->side[0].proc], &told);
}

static bool
admits(struct sim *sim, const struct sim_proc *proc, const struct msg_box_pub *key)
{
    if (proc->kind == SIM_KIND_DOOR)
        return true;
    if (proc->kind == SIM_KIND_FRONT)
        return sim_registry_admits(sim, key);
    for (size_t i = 0; i < proc->admitted_count; i++)
        if (memcmp(&proc->admitted[i], key, sizeof *key) == 0)
            return true;
    return false;
}

/* Whose address that is, and the port; NULL: nobody's. */
static struct sim_proc *
whose(struct sim *sim, const char *endpoint, uint16_t *port)
{
    char host[MSG_HOST_MAX + 1];
    if (msg_endpoint_parse(host, port, msg_text(endpoint)) != CONCLAVE_OK)
        return NULL;
    for (uint32_t i = 0; i < sim->proc_count; i++) /* the door and the front share one */
        if (strcmp(sim->procs[i].address, host) == 0 &&
            (sim->procs[i].port == *port || sim->procs[i].kind == SIM_KIND_PEER))
            return &sim->procs[i];
    return NULL;
}

/* Who listens there. */
static struct sim_proc *
listener(struct sim *sim, const char *endpoint, struct sim_xpub **xpub)
{
    uint16_t port;
    struct sim_proc *const proc = whose(sim, endpoint, &port);
    *xpub = NULL;
    if (proc == NULL || !proc->up)
        return NULL;
    if (port == proc->port)
        return proc;
    *xpub = sim_xpub_at(proc, port);
    return *xpub != NULL ? proc : NULL;
}

/* An address that leads nowhere does not even refuse. */
static bool
parted_from(struct sim *sim, uint32_t proc, const char *endpoint)
{
    uint16_t port;
    const struct sim_proc *const there = whose(sim, endpoint, &port);
    return there == NULL || parted(sim, proc, there->index);
}

/* The dial arrives. */
static void
connect(struct sim *sim, struct sim_event *event)
{
    const size_t index = event->a;
    struct sim_conn *const conn = &sim->conns[index];
    struct sim_side *const other = &conn->side[1];
    if (!conn->side[0].open || parted_from(sim, conn->side[0].proc, conn->endpoint))
        return;
    struct sim_xpub *xpub;
    struct sim_proc *const there = listener(sim, conn->endpoint, &xpub);
    const struct sim_proc *const here = &sim->procs[conn->side[0].proc];
    if (there == NULL)
        tell_down(sim, index, 0, 1000, CONCLAVE_ERR_REGISTRY_UNREACHABLE);
    else if (memcmp(&there->key, &conn->key, sizeof conn->key) != 0 ||
             conn->subscribes != (xpub != NULL) ||
             !(xpub != NULL ? sim_xpub_admits(xpub, &here->key) : admits(sim, there, &here->key)))
        tell_down(sim, index, 0, 1000, CONCLAVE_ERR_UNKNOWN_KEY);
    else {
        *other = (struct sim_side){.proc = there->index, .life = there->life, .open = true};
        conn->up = true;
        const uint64_t up_us = sim->now_us + delay(sim, conn);
        sim_at(sim, up_us, up, here)->a = index;
        conn->side[0].last_us = up_us; /* no frame comes before it */
        conn->xpub = xpub != NULL ? xpub->link : 0;
        conn->from_us = up_us + delay(sim, conn);
    }
}

void
sim_net_dial(struct sim *sim, struct sim_proc *proc, uint64_t link, bool subscribe,
             const struct msg_box_pub *key, struct msg_span endpoint)
{
    size_t index;
    int side;
    if (sim_conn_find(sim, proc, link, &index, &side) || link >= PEER_LINK_ACCEPTED) {
        sim_fail(sim, "process %u dials under the id %llx of a link that there is", proc->index,
                 (unsigned long long)link);
        return;
    }
    struct sim_conn *const conn = sim_conn_add(sim);
    conn->side[0] =
        (struct sim_side){.proc = proc->index, .life = proc->life, .link = link, .open = true};
    conn->side[1].proc = SIM_NONE;
    sim_conn_note(sim, sim->conn_count - 1, 0);
    conn->key = *key;
    conn->subscribes = subscribe;
    msg_text_copy(conn->endpoint, sizeof conn->endpoint,
                  (struct msg_text){(const char *)endpoint.at, endpoint.len});
    struct sim_xpub *xpub;
    const struct sim_proc *const there = listener(sim, conn->endpoint, &xpub);
    const struct sim_net *const net =
        there != NULL && there->kind != SIM_KIND_PEER ? &sim->registry_net : &sim->net;
    if (proc->settings.direct == MSG_DIRECT_NEVER && proc->kind == SIM_KIND_PEER &&
        (there == NULL || there->kind == SIM_KIND_PEER) && strncmp(conn->endpoint, "10.0.0.1:", 9) != 0)
        sim_fail(sim, "process %u dials %s and should never link directly", proc->index, conn->endpoint);
    sim_trace(sim, proc, "dials %s as link %llx", conn->endpoint, (unsigned long long)link);
    if (!sim_chance(sim, net->dial_fails))
        sim_at(sim, sim->now_us + 2 * sim_between(sim, net->delay_min_us, net->delay_max_us),
               connect, proc)
            ->a = sim->conn_count - 1;
}

/* The first frame of an accepted connection makes a link of it. */
static bool
accept_link(struct sim *sim, size_t index)
{
    const struct sim_conn *const conn = &sim->conns[index];
    struct sim_side *const side = &sim->conns[index].side[1];
    struct sim_proc *const proc = &sim->procs[side->proc];
    const struct sim_proc *const from = &sim->procs[conn->side[0].proc];
    if (!admits(sim, proc, &from->key)) {
        side->open = false; /* expelled since its handshake */
        return false;
    }
    side->link =
        proc->kind == SIM_KIND_PEER ? PEER_LINK_ACCEPTED | ++proc->links : 16 + ++proc->links;
    sim_conn_note(sim, index, 1);
    const struct msg_event told = {.kind = EVENT_LINK_UP,
                                   .link = side->link,
                                   .key = from->key,
                                   .source = msg_text(from->address)};
    sim_trace(sim, proc, "accepts link %llx of process %u", (unsigned long long)side->link,
              from->index);
    sim_proc_step(sim, proc, &told);
    return true;
}

static void
arrive(struct sim *sim, struct sim_event *event)
{
    const size_t index = event->a;
    const int s = (int)event->b;
    struct sim_conn *conn = &sim->conns[index];
    const struct sim_side *const side = &conn->side[s];
    if (conn->dead || !sim_net_alive(sim, side) || parted(sim, conn->side[0].proc, conn->side[1].proc))
        return;
    if (s == 1 && side->link == 0 && !accept_link(sim, index))
        return;
    conn = &sim->conns[index]; /* the step may have dialled */
    if (!sim_net_alive(sim, &conn->side[s]))
        return;
    const struct msg_event told = {
        .kind = EVENT_FRAME,
        .link = conn->side[s].link,
        .key = s == 1 ? sim->procs[conn->side[0].proc].key : conn->key,
        .source = msg_text(sim->procs[conn->side[1 - s].proc].address),
        .bytes = msg_span(event->bytes, event->len),
    };
    sim->procs[conn->side[s].proc].published += conn->subscribes;
    sim_proc_step(sim, &sim->procs[conn->side[s].proc], &told);
}

/* It ends here: at both ends, at one, or nobody is told. */
static void
cut(struct sim *sim, size_t index)
{
    struct sim_conn *const conn = &sim->conns[index];
    const uint64_t how = sim_below(sim, 4);
    conn->dead = true;
    sim_trace(sim, NULL, "connection of %u with %u is cut (%llu)", conn->side[0].proc,
              conn->side[1].proc, (unsigned long long)how);
    if (how == 0 || how == 1)
        tell_down(sim, index, 0, sim_below(sim, SIM_SECOND), CONCLAVE_OK);
    if (how == 0 || how == 2)
        tell_down(sim, index, 1, sim_below(sim, SIM_SECOND), CONCLAVE_OK);
}

static void
carry(struct sim *sim, size_t index, int to, struct msg_span bytes)
{
    struct sim_conn *const conn = &sim->conns[index];
    const struct sim_net *const net = net_of(sim, conn);
    struct sim_side *const side = &conn->side[to];
    uint64_t at_us = sim->now_us + delay(sim, conn);
    if (side->proc == SIM_NONE || !sim_net_alive(sim, side) || sim_chance(sim, net->loss))
        return;
    if (sim->lies != NULL)
        bytes = sim->lies(sim, &sim->procs[conn->side[1 - to].proc], &sim->procs[side->proc], bytes);
    if (!net->reorders && at_us <= side->last_us)
        at_us = side->last_us + 1;
    if (at_us > side->last_us)
        side->last_us = at_us;
    struct sim_event *const event = sim_at(sim, at_us, arrive, &sim->procs[side->proc]);
    event->a = index;
    event->b = (uint64_t)to;
    sim_event_take(event, bytes);
}

void
sim_net_carry(struct sim *sim, size_t index, int s, struct msg_span bytes)
{
    struct sim_conn *const conn = &sim->conns[index];
    if (!conn->up)
        return;
    const struct sim_net *const net = net_of(sim, conn);
    if (parted(sim, conn->side[0].proc, conn->side[1].proc) && !net->reorders)
        conn->dead = true; /* a stream has no holes: after this one nothing comes */
    if (conn->dead || !sim_net_alive(sim, &conn->side[1 - s])) {
        if (conn->subscribes) /* says nothing itself: TCP's keepalive finds out */
            tell_down(sim, index, 0, KEEPALIVE_US + sim_below(sim, KEEPALIVE_US), CONCLAVE_OK);
        if (sim_chance(sim, 500)) /* who sends finds out, in the end */
            tell_down(sim, index, s, SIM_SECOND / 5 + sim_below(sim, SLOW_US), CONCLAVE_OK);
        return;
    }
    if (sim_chance(sim, net->cut)) {
        cut(sim, index);
        return;
    }
    carry(sim, index, 1 - s, bytes);
    if (sim_chance(sim, net->repeat))
        carry(sim, index, 1 - s, bytes);
}

void
sim_net_send(struct sim *sim, struct sim_proc *proc, uint64_t link, struct msg_span bytes)
{
    const struct sim_xpub *const xpub = sim_xpub_find(proc, link);
    size_t index;
    int s;
    if (xpub != NULL)
        sim_xpub_publish(sim, proc, xpub, bytes);
    else if (sim_conn_find(sim, proc, link, &index, &s)) /* else its end was not told yet, or the core is late */
        sim_net_carry(sim, index, s, bytes);
}

void
sim_net_drop(struct sim *sim, struct sim_proc *proc, uint64_t link)
{
    struct sim_xpub *const xpub = sim_xpub_find(proc, link);
    size_t index;
    int s;
    if (xpub != NULL)
        sim_xpub_drop(sim, proc, xpub);
    if (!sim_conn_find(sim, proc, link, &index, &s))
        return;
    sim_trace(sim, proc, "drops link %llx", (unsigned long long)link);
    sim->conns[index].side[s].open = false;
    if (sim->conns[index].up && !sim->conns[index].dead)
        tell_down(sim, index, 1 - s, delay(sim, &sim->conns[index]), CONCLAVE_OK);
}

void
sim_net_expel(struct sim *sim, struct sim_proc *proc, const struct msg_box_pub *key)
{
    for (size_t i = 0; i < proc->admitted_count; i++)
        if (memcmp(&proc->admitted[i], key, sizeof *key) == 0)
            proc->admitted[i--] = proc->admitted[--proc->admitted_count];
    for (size_t i = 0; i < sim->conn_count; i++) {
        struct sim_conn *const conn = &sim->conns[i];
        if (conn->side[1].proc != proc->index || !sim_net_alive(sim, &conn->side[1]) || conn->xpub != 0 ||
            memcmp(&sim->procs[conn->side[0].proc].key, key, sizeof *key) != 0)
            continue;
        sim_net_end(sim, i);
    }
}

void
sim_net_end(struct sim *sim, size_t index)
{
    sim->conns[index].dead = true;
    tell_down(sim, index, 0, delay(sim, &sim->conns[index]), CONCLAVE_OK);
    tell_down(sim, index, 1, 0, CONCLAVE_OK);
}

/* The system closes what a killed process had; a machine that lost its power
 * says nothing. */
void
sim_net_gone(struct sim *sim, struct sim_proc *proc)
{
    const bool says = !sim_chance(sim, 300);
    for (size_t i = 0; i < sim->conn_count; i++)
        for (int s = 0; s < 2; s++) {
            struct sim_conn *const conn = &sim->conns[i];
            if (conn->side[s].proc != proc->index || !conn->side[s].open)
                continue;
            conn->side[s].open = false;
            if (conn->up && !conn->dead && says)
                tell_down(sim, i, 1 - s, delay(sim, conn), CONCLAVE_OK);
            if (!says)
                conn->dead = true;
            if (!says && s == 1 && conn->subscribes)
                tell_down(sim, i, 0, KEEPALIVE_US + sim_below(sim, KEEPALIVE_US), CONCLAVE_OK);
        }
}

void
sim_part(struct sim *sim, uint32_t a, uint32_t b, bool on)
{
    const uint32_t x = sim->procs[a].host, y = sim->procs[b].host;
    sim_trace(sim, NULL, "hosts %u and %u are %s", x, y, on ? "parted" : "joined");
    sim->parted[x][y] = sim->parted[y][x] = on && x != y;
}

void
sim_cut(struct sim *sim, uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < sim->conn_count; i++) {
        const struct sim_conn *const conn = &sim->conns[i];
        if (conn->up && !conn->dead &&
            ((conn->side[0].proc == a && conn->side[1].proc == b) ||
             (conn->side[0].proc == b && conn->side[1].proc == a)))
            cut(sim, i);
    }
}
