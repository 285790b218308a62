/* The registry: the cores of door and front in shells like any other, and a
 * vault that hashes fast, signs for real, is slow now and then, and may lose
 * what it was asked.  Between them nothing else is lost while both live. */
#include <stdio.h>
#include <stdlib.h>

#include "msg/cert.h"
#include "tests/sim/sim.h"

#define INNER_US   300u
#define LINK_VAULT BROKER_LINK_VAULT

static bool
get(void *self, enum broker_table table, struct msg_span key, struct msg_span *value)
{
    const struct sim_proc *const front = self;
    const struct sim_record *const record = sim_disk_find(&front->disk, table, key);
    if (record == NULL)
        return false;
    *value = msg_span(record->at, record->len);
    return true;
}

static bool
next(void *self, enum broker_table table, struct msg_span after, struct msg_record_key *key,
     struct msg_span *value)
{
    const struct sim_proc *const front = self;
    const struct sim_record *const record = sim_disk_after(&front->disk, table, after);
    if (record == NULL)
        return false;
    *key = record->key;
    *value = msg_span(record->at, record->len);
    return true;
}

bool
sim_registry_admits(struct sim *sim, const struct msg_box_pub *key)
{
    return sim_disk_find(&sim->procs[SIM_FRONT].disk, BROKER_TABLE_OWNERS,
                         msg_span(key->at, sizeof key->at)) != NULL;
}

bool
sim_registry_inner(const struct sim_proc *proc, uint64_t link)
{
    if (proc->kind == SIM_KIND_DOOR)
        return link == BROKER_LINK_FRONT;
    return proc->kind == SIM_KIND_FRONT && (link == BROKER_LINK_DOOR || link == LINK_VAULT);
}

void
sim_registry_add(struct sim *sim)
{
    struct sim_proc *const door = sim_proc_add(sim, SIM_KIND_DOOR);
    struct sim_proc *const front = sim_proc_add(sim, SIM_KIND_FRONT);
    struct msg_box_sec sec;
    msg_keys_new_sign(&sim->signer, &sim->signer_sec);
    msg_keys_new_box(&sim->door_key, &sec);
    msg_keys_new_box(&sim->front_key,
                     &sec); /* the secrets stay with libzmq: nobody needs them here */
    (void)snprintf(door->address, sizeof door->address, "10.0.0.1");
    (void)snprintf(front->address, sizeof front->address, "10.0.0.1");
    door->port = 15600;
    front->port = 15601;
    door->key = sim->door_key;
    front->key = sim->front_key;
    struct msg_link link = {.host = "10.0.0.1", .port = 15600, .door = sim->door_key};
    msg_link_signer(link.signer, &sim->signer);
    msg_link_print(sim->link, sizeof sim->link, &link);
}

static enum conclave_err
judge(void *arg, struct msg_text name, struct msg_text password, char why[256])
{
    (void)arg;
    (void)name;
    why[0] = '\0';
    return password.len >= MSG_PASSWORD_MIN ? CONCLAVE_OK : CONCLAVE_ERR_WEAK_PASSWORD;
}

static void
link_up(struct sim *sim, struct sim_proc *proc, uint64_t link)
{
    const struct msg_event up = {.kind = EVENT_LINK_UP, .link = link};
    if (proc->up)
        sim_proc_step(sim, proc, &up);
}

void
sim_registry_start(struct sim *sim, struct sim_proc *proc)
{
    static const struct broker_door_settings DOOR = {.signups_burst = 1000,
                                                     .signups_per_hour = 100000,
                                                     .knocks_burst = 10000,
                                                     .knocks_per_minute = 100000,
                                                     .pending = 256,
                                                     .judge = judge};
    static const struct broker_front_settings FRONT = {
        .accounts = 1000,
        .devices = 8,
        .sessions = 500,
        .watches = 500,
        .rooms = 100,
        .room_members = SIM_PROCS,
        .memberships = 1000,
        .account_rooms = 50,
        .requests_burst = 500,
        .requests_per_s = 500,
        .relay_burst_bytes = 1u << 20,
        .relay_bytes_per_s = 1u << 20,
        .mesh_join = 16,
        .mesh_stay = 32,
        .post_kib_per_s = 1000000,
        .log_frames = 10000,
        .log_bytes = 64u << 20,
        .log_ms = 30ull * 86400000,
        .lease_ms = 15000,
        .expiry_ms = 45000,
        .gather_ms = 1000,
        .throttle_failures = 3,
        .throttle_first_ms = 10000,
        .throttle_last_ms = 900000,
        .registration = true,
        .front_port = 15601,
    };
    struct broker_door_settings door = DOOR;
    struct broker_front_settings front = FRONT;
    const struct msg_event start = {.kind = EVENT_START};
    front.mail = sim->mail;
    front.posts_per_s = sim->posts_per_s;
    door.door = front.door = sim->door_key;
    front.front = sim->front_key;
    front.signer = sim->signer;
    const struct broker_view view = {proc, get, next};
    if (proc->kind == SIM_KIND_DOOR)
        proc->door = broker_door_core_new(&door);
    else
        proc->front = broker_front_core_new(&front, &view);
    if (proc->door == NULL && proc->front == NULL)
        abort();
    sim_proc_step(sim, proc, &start);
    struct sim_proc *const other = &sim->procs[proc->kind == SIM_KIND_DOOR ? SIM_FRONT : SIM_DOOR];
    if (proc->kind == SIM_KIND_FRONT)
        link_up(sim, proc, LINK_VAULT);
    if (other->up) {
        link_up(sim, proc, BROKER_LINK_FRONT); /* the same number on either side */
        link_up(sim, other, BROKER_LINK_DOOR);
    }
}

static void
deliver(struct sim *sim, struct sim_event *event)
{
    const struct msg_event told = {
        .kind = EVENT_FRAME, .link = event->a, .bytes = msg_span(event->bytes, event->len)};
    sim_proc_step(sim, &sim->procs[event->proc], &told);
}

static void
hand_over(struct sim *sim, uint64_t after_us, struct sim_proc *to, uint64_t link,
          struct msg_span bytes)
{
    if (!to->up)
        return;
    const uint64_t at_us = sim->now_us + after_us;
    sim->inner_us = at_us > sim->inner_us ? at_us : sim->inner_us + 1;
    struct sim_event *const event = sim_at(sim, sim->inner_us, deliver, to);
    event->a = link;
    sim_event_take(event, bytes);
}

static struct msg_text
hash_of(struct msg_text password, char text[64])
{
    uint8_t hash[16];
    msg_keys_hash(hash, sizeof hash, "simulated hash", msg_span_of_text(password));
    memcpy(text, "$sim$", 5);
    msg_keys_to_hex(text + 5, hash, sizeof hash);
    return msg_text(text);
}

static void
vault(struct sim *sim, struct sim_proc *front, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    char text[64];
    uint8_t room[256];
    struct msg_buf out = {room, 0, sizeof room};
    enum conclave_err err = msg_codec_decode(bytes, &kind, &any);
    if (sim_chance(sim, sim->vault_loses))
        return;
    if (err != CONCLAVE_OK || kind < MSG_VAULT_HASH || kind > MSG_VAULT_SIGN) {
        sim_fail(sim, "the vault was asked something that it does not understand");
        return;
    }
    if (kind == MSG_VAULT_HASH) {
        const struct msg_vault_hashed hashed = {any.MSG_ANY_VAULT_HASH.job,
                                                hash_of(any.MSG_ANY_VAULT_HASH.password, text)};
        err = msg_codec_encode(&out, MSG_VAULT_HASHED, &hashed);
    } else if (kind == MSG_VAULT_CHECK) {
        const struct msg_text hash = hash_of(any.MSG_ANY_VAULT_CHECK.password, text);
        const struct msg_vault_checked checked = {
            any.MSG_ANY_VAULT_CHECK.job, msg_text_equal(hash, any.MSG_ANY_VAULT_CHECK.hash), false};
        err = msg_codec_encode(&out, MSG_VAULT_CHECKED, &checked);
    } else {
        struct msg_vault_signed mark = {.job = any.MSG_ANY_VAULT_SIGN.job};
        err = msg_cert_sign(&mark.sig, any.MSG_ANY_VAULT_SIGN.body, &sim->signer_sec);
        if (err == CONCLAVE_OK)
            err = msg_codec_encode(&out, MSG_VAULT_SIGNED, &mark);
    }
    if (err != CONCLAVE_OK)
        sim_fail(sim, "the vault cannot do what it was asked: %s", msg_error_sentence(err));
    const uint64_t slow_us = kind == MSG_VAULT_SIGN ? 2 * SIM_MS : 60 * SIM_MS;
    hand_over(sim, sim_between(sim, slow_us / 2, sim_chance(sim, 20) ? SIM_SECOND : slow_us), front,
              LINK_VAULT, msg_span_of_buf(&out));
}

/* Frames between the registry's own processes, in order. */
void
sim_registry_send(struct sim *sim, struct sim_proc *proc, uint64_t link, struct msg_span bytes)
{
    if (proc->kind == SIM_KIND_FRONT && link == LINK_VAULT)
        vault(sim, proc, bytes);
    else
        hand_over(sim, INNER_US, &sim->procs[proc->kind == SIM_KIND_DOOR ? SIM_FRONT : SIM_DOOR],
                  proc->kind == SIM_KIND_DOOR ? BROKER_LINK_DOOR : BROKER_LINK_FRONT, bytes);
}

static void
tell_other(struct sim *sim, uint32_t other, uint64_t link)
{
    const struct msg_event down = {.kind = EVENT_LINK_DOWN, .link = link};
    if (sim->procs[other].up)
        sim_proc_step(sim, &sim->procs[other], &down);
}

void
sim_registry_crash(struct sim *sim, uint64_t back_after_us)
{
    sim_crash(sim, SIM_FRONT, back_after_us);
    tell_other(sim, SIM_DOOR, BROKER_LINK_FRONT);
    if (sim_chance(sim, 500)) {
        sim_crash(sim, SIM_DOOR, back_after_us);
        tell_other(sim, SIM_FRONT, BROKER_LINK_DOOR);
    }
}

void
sim_registry_restart(struct sim *sim)
{
    sim_proc_start(sim, &sim->procs[SIM_FRONT]);
    sim_proc_start(sim, &sim->procs[SIM_DOOR]);
}

void
sim_registry_check(struct sim *sim, const struct sim_proc *front)
{
    struct broker_front_counts counts;
    uint64_t stored = 0;
    broker_front_core_counts(front->front, &counts);
    if (!counts.mail_counted || front->disk.pending_count > 0)
        return;
    const struct msg_record_key first = msg_record_key3(0, 0, 0);
    const struct sim_record *record =
        sim_disk_after(&front->disk, BROKER_TABLE_MAIL, msg_record_key_span(&first));
    for (; record != NULL; stored++)
        record = sim_disk_after(&front->disk, BROKER_TABLE_MAIL, msg_record_key_span(&record->key));
    if (stored != counts.mail_waiting)
        sim_fail(sim, "the registry counts %llu letters, and has %llu",
                 (unsigned long long)counts.mail_waiting, (unsigned long long)stored);
}
