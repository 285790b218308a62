/* People: they sign up and come online by themselves, say what their scenario
 * tells them to, read some of what they get, and remember what they were told.
 * What a core tells waits a moment until its user takes it; a crash in between
 * loses it.  Taking a message and moving the mark on disk are one act. */
#include <stdio.h>
#include <stdlib.h>

#include "peer/tables/batch.h"
#include "tests/sim/sim.h"

#define LOOK_US (20 * SIM_MS) /* the user takes what was told within */

uint32_t
sim_account(struct sim *sim, const char *name)
{
    struct sim_account *const account = &sim->accounts[sim->account_count];
    if (sim->account_count == SIM_ACCOUNTS)
        abort();
    (void)snprintf(account->name, sizeof account->name, "%s", name);
    return sim->account_count++;
}

static struct sim_proc *
add(struct sim *sim, uint32_t account)
{
    struct sim_proc *const proc = sim_proc_add(sim, SIM_KIND_PEER);
    struct peer_identity *const me = &proc->identity;
    msg_keys_new_sign(&me->sign, &me->sign_sec);
    msg_keys_new_box(&me->transport, &me->transport_sec);
    proc->key = me->transport;
    proc->port = (uint16_t)(20000 + proc->index);
    (void)snprintf(proc->address, sizeof proc->address, "10.0.%u.%u", 1 + proc->index / 250, proc->index % 250);
    proc->settings = (struct peer_settings){
        .contacts = 64, .rooms = 8, .room_members = sim->room_members, .cards = sim->cards, .outbox_count = 2048, .outbox_bytes = 2u << 20, .port = proc->port};
    if (sim_chance(sim, 300)) { /* an address that leads nowhere, as behind a NAT */
        (void)snprintf(proc->settings.addresses[0], sizeof proc->settings.addresses[0],
                       "192.168.0.%u:20000", proc->index);
        proc->settings.addresses_count = 1;
    }
    memcpy(proc->settings.link, sim->link, sizeof proc->settings.link);
    proc->user.account = account;
    proc->user.reads = 300;
    proc->wall_ms = (int64_t)sim_below(sim, 4000) - 2000;
    return proc;
}

static uint32_t
sign_up(struct sim *sim, const char *name, enum msg_direct direct)
{
    struct sim_proc *const proc = add(sim, sim_account(sim, name));
    proc->settings.direct = direct;
    proc->user.wish = SIM_WISH_SIGNUP;
    (void)snprintf(proc->user.password, sizeof proc->user.password, "password of %u", proc->index);
    sim_proc_start(sim, proc);
    return proc->index;
}

uint32_t
sim_person(struct sim *sim, const char *name)
{
    return sign_up(sim, name, MSG_DIRECT_ANYONE);
}

uint32_t
sim_hermit(struct sim *sim, const char *name)
{
    return sign_up(sim, name, MSG_DIRECT_NEVER);
}

uint32_t
sim_device(struct sim *sim, uint32_t account_of)
{
    const struct sim_user *const owner = &sim->procs[account_of].user;
    struct sim_proc *const proc = add(sim, owner->account);
    proc->user.wish = SIM_WISH_ENROL;
    memcpy(proc->user.password, owner->password, sizeof proc->user.password);
    sim_proc_start(sim, proc);
    return proc->index;
}

static bool
all_online(struct sim *sim)
{
    for (uint32_t i = SIM_FRONT + 1; i < sim->proc_count; i++) {
        const struct sim_proc *const proc = &sim->procs[i];
        if (proc->up && proc->user.wish != SIM_WISH_NOTHING && !proc->user.gave_up &&
            !proc->user.revoked && proc->user.online_us == 0)
            return false;
    }
    return true;
}

void
sim_online(struct sim *sim)
{
    if (!sim_run_until(sim, all_online, 120 * SIM_SECOND))
        sim_fail(sim, "not everybody came online within two minutes");
}

void
sim_command(struct sim *sim, uint32_t number, enum msg_kind kind, void *message, uint32_t said)
{
    struct sim_proc *const proc = &sim->procs[number];
    struct sim_user *const user = &proc->user;
    uint8_t *const room = malloc(MSG_FRAME_MAX);
    struct msg_buf buf = {room, 0, MSG_FRAME_MAX};
    if (room == NULL)
        abort();
    if (user->command_count == user->command_room) {
        user->command_room = user->command_room == 0 ? 64 : 2 * user->command_room;
        user->commands = realloc(user->commands, user->command_room * sizeof *user->commands);
        if (user->commands == NULL)
            abort();
    }
    if (kind != MSG_CMD_READ) {
        ((struct msg_done *)message)->req =
            ++user->next_req; /* first in every command that has one */
        user->commands[user->command_count++] =
            (struct sim_command){user->next_req, kind, said, false};
    }
    if (msg_codec_encode(&buf, kind, message) != CONCLAVE_OK)
        sim_fail(sim, "a command does not encode");
    const struct msg_event event = {.kind = EVENT_COMMAND, .bytes = msg_span_of_buf(&buf)};
    sim_proc_step(sim, proc, &event);
    free(room);
}

static void
arrive(struct sim *sim, struct sim_event *event)
{
    struct sim_proc *const proc = &sim->procs[event->proc];
    struct sim_user *const user = &proc->user;
    struct peer_core_state state;
    if (user->wish == SIM_WISH_NOTHING || user->gave_up)
        return;
    peer_core_state(proc->peer, &state);
    if (state.enrolled)
        return; /* it comes online by itself */
    const bool enrol = user->wish == SIM_WISH_ENROL;
    struct msg_cmd_credentials cmd = {.name = msg_text(sim->accounts[user->account].name),
                                      .password = msg_text(user->password)};
    sim_trace(sim, proc, "%s", enrol ? "enrols" : "signs up");
    const bool uncertain = user->uncertain;
    user->uncertain = true; /* until it is answered */
    if (uncertain && !enrol)
        sim_trace(sim, proc, "not for the first time");
    sim_command(sim, proc->index, enrol ? MSG_CMD_LOGIN : MSG_CMD_REGISTER, &cmd, SIM_NONE);
}

static void
arrive_later(struct sim *sim, const struct sim_proc *proc, uint64_t after_us)
{
    (void)sim_at(sim, sim->now_us + after_us, arrive, proc);
}

void
sim_user_start(struct sim *sim, struct sim_proc *proc)
{
    memset(proc->user.present, 0, sizeof proc->user.present);
    arrive_later(sim, proc, sim_below(sim, 100 * SIM_MS));
}

static void
consume(struct sim *sim, struct sim_event *event)
{
    union msg_any any;
    enum msg_kind kind;
    if (msg_codec_decode(msg_span(event->bytes, event->len), &kind, &any) == CONCLAVE_OK)
        sim_user_consume(sim, &sim->procs[event->proc], kind, &any);
}

/* As the public API does: one message after the other. */
static void
told_batch(struct sim *sim, struct sim_proc *proc, struct msg_tell_messages rest)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_tell_message message;
    while (peer_batch_next(&rest, &message)) {
        struct msg_buf frame = {at, 0, sizeof at};
        if (msg_codec_encode(&frame, MSG_TELL_MESSAGE, &message) == CONCLAVE_OK)
            sim_user_told(sim, proc, msg_span_of_buf(&frame));
        else
            sim_fail(sim, "process %u told its user a message that does not encode", proc->index);
    }
}

void
sim_user_told(struct sim *sim, struct sim_proc *proc, struct msg_span frame)
{
    union msg_any any;
    enum msg_kind kind;
    struct sim_user *const user = &proc->user;
    if (msg_codec_decode(frame, &kind, &any) != CONCLAVE_OK || kind < MSG_TELL_SESSION) {
        sim_fail(sim, "process %u told its user what is no tell", proc->index);
        return;
    }
    if (kind == MSG_TELL_MESSAGES) {
        told_batch(sim, proc, any.MSG_ANY_TELL_MESSAGES);
        return;
    }
    sim_check_told(sim, proc, kind, &any);
    const uint64_t at_us = sim->now_us + sim_below(sim, LOOK_US);
    user->tell_us = at_us > user->tell_us ? at_us : user->tell_us + 1;
    sim_event_take(sim_at(sim, user->tell_us, consume, proc), frame);
}

static void
read_it(struct sim *sim, struct sim_event *event)
{
    struct msg_cmd_read cmd = {event->a};
    struct sim_said *const said = &sim->said[event->b];
    sim_set_add(&said->was_read, event->proc);
    sim_trace(sim, &sim->procs[event->proc], "has read #%zu, arrival %llu", (size_t)event->b,
              (unsigned long long)event->a);
    /* reading one is reading all before it from the same sender */
    for (struct sim_said *at = sim->said; at < said; at++)
        if (at->from == said->from && at->to == said->to && sim_set_has(&at->shown, event->proc))
            sim_set_add(&at->was_read, event->proc);
    sim_command(sim, event->proc, MSG_CMD_READ, &cmd, SIM_NONE);
}

static struct sim_command *
answered(struct sim *sim, struct sim_proc *proc, uint64_t req)
{
    for (size_t i = 0; i < proc->user.command_count; i++) {
        struct sim_command *const command = &proc->user.commands[i];
        if (command->req != req)
            continue;
        if (command->answered)
            sim_fail(sim, "process %u: command %llu was answered twice", proc->index,
                     (unsigned long long)req);
        command->answered = true;
        return command;
    }
    sim_fail(sim, "process %u: an answer to a command %llu that was never given", proc->index,
             (unsigned long long)req);
    return NULL;
}

static void
entered(struct sim *sim, struct sim_proc *proc, const struct sim_command *command,
        enum conclave_err err)
{
    struct sim_user *const user = &proc->user;
    struct peer_core_state state;
    peer_core_state(proc->peer, &state);
    if (err == CONCLAVE_OK || state.enrolled) {
        user->enrolled = true;
        user->uncertain = false;
        return;
    }
    if (err == CONCLAVE_ERR_NAME_TAKEN && command->kind == MSG_CMD_REGISTER) {
        user->wish = SIM_WISH_ENROL; /* perhaps it is ours: an answer may have been lost */
        user->gave_up = !user->uncertain;
    } else if (err == CONCLAVE_ERR_WRONG_CREDENTIALS || err == CONCLAVE_ERR_REGISTRY_KEY_CHANGED ||
               err == CONCLAVE_ERR_QUOTA_EXCEEDED)
        user->gave_up = true;
    arrive_later(sim, proc, SIM_SECOND / 2 + sim_below(sim, 2 * SIM_SECOND));
}

static void
answer(struct sim *sim, struct sim_proc *proc, uint64_t req, enum conclave_err err,
       const struct msg_id *id)
{
    const struct sim_command *const command = answered(sim, proc, req);
    if (command == NULL)
        return;
    proc->user.last_err = err;
    proc->user.failures += err != CONCLAVE_OK;
    if (command->kind == MSG_CMD_REGISTER || command->kind == MSG_CMD_LOGIN)
        entered(sim, proc, command, err);
    if (command->kind == MSG_CMD_SAY) {
        struct sim_said *const said = &sim->said[command->said];
        said->accepted = err == CONCLAVE_OK;
        said->failed = err != CONCLAVE_OK;
        if (said->failed && !sim_set_empty(&said->shown))
            sim_fail(sim, "message %u was shown and then told as failed", command->said);
        if (err == CONCLAVE_OK && (!said->has_id || memcmp(&said->id, id, sizeof *id) != 0))
            sim_fail(sim, "message %u was accepted under another id than it has", command->said);
    }
    if (command->kind == MSG_CMD_BLOCK && err == CONCLAVE_OK)
        proc->user.blocked[command->said % SIM_ACCOUNTS] =
            command->said < SIM_ACCOUNTS ? sim->now_us : 0;
}

/* Whether a notice has these words. */
static bool
says(const union msg_any *any, const char *words)
{
    char text[MSG_REASON_MAX + 1];
    msg_text_copy(text, sizeof text, any->MSG_ANY_TELL_NOTICE.text);
    return strstr(text, words) != NULL;
}

static void
present(struct sim *sim, struct sim_user *user, const struct msg_tell_presence *tell)
{
    for (uint32_t i = 0; i < sim->account_count; i++)
        if (msg_text_equal(tell->name, msg_text(sim->accounts[i].name)))
            user->present[i] = (uint8_t)tell->status;
}

void
sim_user_consume(struct sim *sim, struct sim_proc *proc, enum msg_kind kind,
                 const union msg_any *any)
{
    struct sim_user *const user = &proc->user;
    if (sim->trace) {
        uint8_t room[2048];
        char text[200] = "";
        struct msg_buf buf = {room, 0, sizeof room};
        if (msg_codec_encode(&buf, kind, any) == CONCLAVE_OK)
            msg_codec_print(text, sizeof text, msg_span_of_buf(&buf));
        sim_trace(sim, proc, "is told %s", text);
    }
    if (kind == MSG_TELL_MESSAGE || kind == MSG_TELL_ROOM || kind == MSG_TELL_GAP || kind == MSG_TELL_NOTICE)
        sim_check_arrival(sim, proc, any->MSG_ANY_TELL_MESSAGE.arrival);
    if (kind == MSG_TELL_OK)
        answer(sim, proc, any->MSG_ANY_TELL_OK.req, CONCLAVE_OK, &any->MSG_ANY_TELL_OK.id);
    else if (kind == MSG_TELL_FAILED)
        answer(sim, proc, any->MSG_ANY_TELL_FAILED.req,
               msg_error_from_code(any->MSG_ANY_TELL_FAILED.code.at,
                                   any->MSG_ANY_TELL_FAILED.code.len),
               NULL);
    else if (kind == MSG_TELL_MESSAGE) {
        const struct msg_tell_message *const tell = &any->MSG_ANY_TELL_MESSAGE;
        sim_check_shown(sim, proc, tell);
        const struct sim_said *const said = sim_check_text(sim, tell->text);
        if (said != NULL && said->room[0] == '\0' && sim_chance(sim, user->reads)) {
            struct sim_event *const event =
                sim_at(sim, sim->now_us + sim_below(sim, SIM_SECOND), read_it, proc);
            event->a = tell->arrival;
            event->b = (uint64_t)(said - sim->said);
        }
    } else if (kind == MSG_TELL_RECEIPT)
        sim_check_ticks(sim, proc, &any->MSG_ANY_TELL_RECEIPT);
    else if (kind == MSG_TELL_SESSION) {
        const uint64_t state = any->MSG_ANY_TELL_SESSION.state;
        user->registered = user->registered || state == MSG_SESSION_REGISTERED;
        if (state == MSG_SESSION_LOGGED_IN)
            user->online_us = sim->now_us;
        else if (state >= MSG_SESSION_RECONNECTING)
            user->online_us = 0;
    } else if (kind == MSG_TELL_USER) {
        user->last_user_status = any->MSG_ANY_TELL_USER.status;
        (void)answered(sim, proc, any->MSG_ANY_TELL_USER.req); /* it reports by itself */
    } else if (kind == MSG_TELL_USERS) {
        user->users_done = any->MSG_ANY_TELL_USERS.next.len == 0;
        user->users_listed += (uint32_t)any->MSG_ANY_TELL_USERS.users.count;
        if (user->users_done)
            (void)answered(sim, proc, any->MSG_ANY_TELL_USERS.req); /* it reports by itself */
    } else if (kind == MSG_TELL_PRESENCE)
        present(sim, user, &any->MSG_ANY_TELL_PRESENCE);
    else if (kind == MSG_TELL_DEVICES)
        (void)answered(sim, proc, any->MSG_ANY_TELL_DEVICES.req); /* it reports by itself */
    else if (kind == MSG_TELL_NOTICE && says(any, "shows members different rosters") && sim->lies != NULL)
        user->split++;
    else if (kind == MSG_TELL_NOTICE && says(any, "told members different things") && sim->lies != NULL)
        user->broken++;
    else if (kind == MSG_TELL_NOTICE && msg_text_equal(any->MSG_ANY_TELL_NOTICE.code, msg_text("signature")))
        sim_fail(sim, "process %u is told of a forged roster, and there is none", proc->index);
    else if (kind == MSG_TELL_NOTICE &&
             msg_text_equal(any->MSG_ANY_TELL_NOTICE.code, msg_text("peer-key-changed")))
        user->key_changed = true;
    else if (kind == MSG_TELL_NOTICE && msg_text_equal(any->MSG_ANY_TELL_NOTICE.code, msg_text("quota-exceeded")))
        user->mail_full++;
    else if (kind == MSG_TELL_NOTICE && msg_text_equal(any->MSG_ANY_TELL_NOTICE.code, msg_text("expired")))
        user->mail_returned++;
}
