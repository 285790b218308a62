/* A light peer: the keys of one device, and what it must remember.  It speaks
 * the real catalog through the real codec, and signs what the registry checks;
 * it seals nothing, opens no certificate and keeps no store, since nobody but
 * the registry is measured. */
#include <stdio.h>

#include "msg/codec.h"
#include "tools/simnet/world.h"

#define PASSWORD "a crowd on a simulated wire 7"
#define TAKEN_EVERY 65536u /* bytes of CASTs */
#define REQ 1u

void
simnet_peer_name(char name[32], const char *prefix, uint32_t number)
{
    (void)snprintf(name, 32, "%s%u", prefix, (unsigned)number);
}

void
simnet_peer_init(struct simnet *self, uint32_t index)
{
    struct simnet_peer *peer = &self->peers[index];

    msg_keys_new_sign(&peer->sign, &peer->sign_sec);
    msg_keys_random(peer->transport.at, sizeof peer->transport.at); /* nothing is sealed with it */
    msg_cert_sign_mail(&peer->mail_sig, &self->mail, &peer->sign_sec);
}

/* ---- what it asks ---- */

static void
ask_sign_up(struct simnet *self, uint32_t index)
{
    const struct simnet_peer *peer = &self->peers[index];
    uint8_t bytes[MSG_KNOCK_MAX];
    struct msg_buf frame = {bytes, 0, sizeof bytes};
    char name[32];

    simnet_peer_name(name, "user", index);
    struct msg_signup signup = {.req = REQ, .name = msg_text(name), .password = msg_text(PASSWORD), .sign = peer->sign,
                                .mail = self->mail, .mail_sig = peer->mail_sig};
    msg_cert_prove(&signup.proof, &peer->transport, &self->registry.door, &peer->sign_sec);
    if (msg_codec_encode(&frame, MSG_SIGNUP, &signup) != CONCLAVE_OK)
        simnet_fail(self, "A sign-up does not fit into its frame.");
    const struct msg_door_ask ask = {(uint64_t)index + 1, msg_text("192.0.2.1"), peer->transport, msg_span_of_buf(&frame)};
    simnet_to_registry(self, index, MSG_DOOR_ASK, &ask);
}

static void
ask_log_in(struct simnet *self, uint32_t index)
{
    const struct msg_login login = {.req = REQ, .port = 7000, .direct = MSG_DIRECT_ANYONE, .status = MSG_STATUS_ONLINE,
                                    .mail = self->mail, .mail_sig = self->peers[index].mail_sig};

    simnet_to_registry(self, index, MSG_LOGIN, &login);
}

static void
ask_room(struct simnet *self, uint32_t index, enum msg_act act)
{
    const struct simnet_peer *peer = &self->peers[index];
    const uint32_t number = simnet_room_of(self, index);
    const struct msg_room *rules = &self->rooms[number].rules;
    uint8_t bytes[MSG_ROOM_OP_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    char name[32];

    simnet_peer_name(name, "#room", number);
    const struct msg_room_op op = {.room = rules->id, .act = act, .account = peer->account, .device = peer->device,
                                   .name = msg_text(act == MSG_ACT_CREATE ? name : ""), .seen = rules->number,
                                   .seen_head = rules->head, .ts_ms = 1 + self->now_us / SIMNET_MS};
    if (msg_room_sign_op(&out, &op, &peer->sign_sec) != CONCLAVE_OK)
        simnet_fail(self, "An operation cannot be signed.");
    const struct msg_room_propose propose = {REQ, rules->id, msg_span_of_buf(&out), {NULL, 0}};
    simnet_to_registry(self, index, MSG_ROOM_PROPOSE, &propose);
}

static void
ask_log(struct simnet *self, uint32_t index)
{
    const struct msg_room_read read = {.req = REQ, .room = self->rooms[simnet_room_of(self, index)].rules.id,
                                       .after = self->peers[index].heard};

    simnet_to_registry(self, index, MSG_ROOM_READ, &read);
}

/* Asks, for the first time or again. */
static void
ask(struct simnet *self, uint32_t index)
{
    switch (self->peers[index].doing) {
    case SIMNET_NOTHING:
        break;
    case SIMNET_SIGN_UP:
        ask_sign_up(self, index);
        break;
    case SIMNET_LOG_IN:
        ask_log_in(self, index);
        break;
    case SIMNET_CREATE:
        ask_room(self, index, MSG_ACT_CREATE);
        break;
    case SIMNET_JOIN:
        ask_room(self, index, MSG_ACT_JOIN);
        break;
    case SIMNET_READ:
        ask_log(self, index);
        break;
    }
}

void
simnet_peer_again(struct simnet *self, uint32_t index)
{
    ask(self, index);
}

static bool
begin(struct simnet *self, uint32_t index, enum simnet_doing doing)
{
    self->peers[index].doing = doing;
    ask(self, index);
    return true;
}

bool
simnet_peer_sign_up(struct simnet *self, uint32_t index)
{
    return begin(self, index, SIMNET_SIGN_UP);
}

bool
simnet_peer_log_in(struct simnet *self, uint32_t index)
{
    return begin(self, index, SIMNET_LOG_IN);
}

bool
simnet_peer_create(struct simnet *self, uint32_t index)
{
    const uint32_t room = simnet_room_of(self, index);

    if (room == SIMNET_NO_ROOM || index % self->plan.members != 0)
        return false;
    msg_keys_random(self->rooms[room].rules.id.at, sizeof self->rooms[room].rules.id.at);
    self->rooms[room].owner.account = self->peers[index].account;
    return begin(self, index, SIMNET_CREATE);
}

bool
simnet_peer_join(struct simnet *self, uint32_t index)
{
    if (simnet_room_of(self, index) == SIMNET_NO_ROOM || index % self->plan.members == 0)
        return false;
    return begin(self, index, SIMNET_JOIN);
}

void
simnet_peer_ping(struct simnet *self, uint32_t index)
{
    const struct msg_ping ping = {MSG_STATUS_ONLINE};

    simnet_to_registry(self, index, MSG_PING, &ping);
    simnet_plan_at(self, self->now_us + self->lease_us, SIMNET_PING, index, NULL);
}

/* ---- what it hears ---- */

static void
hear_admitted(struct simnet *self, uint32_t index, const struct msg_admitted *admitted)
{
    self->peers[index].account = admitted->account;
    self->peers[index].device = admitted->device;
    simnet_done(self, index);
}

/* From here on it keeps its lease; not all in the same moment. */
static void
hear_welcome(struct simnet *self, uint32_t index)
{
    self->peers[index].online = true;
    simnet_plan_at(self, self->now_us + simnet_chance_between(&self->chance, 1, self->lease_us), SIMNET_PING, index, NULL);
    simnet_done(self, index);
}

/* The creator follows the roster by its rules; the others only count. */
static bool
apply(struct simnet_room *room, const struct msg_entry *entry)
{
    struct msg_room_part other = {0};
    struct msg_room_op op;
    const uint64_t epoch = room->rules.epoch;

    if (msg_room_open_op(&op, entry->op, NULL) != CONCLAVE_OK)
        return false;
    other.account = op.account;
    struct msg_room_part *actor = op.account == room->owner.account ? &room->owner : &other;
    if (msg_room_apply(&room->rules, &op, actor, NULL, false) != CONCLAVE_OK)
        return false;
    msg_room_link(&room->rules, entry, room->rules.epoch != epoch);
    return true;
}

static void
hear_entries(struct simnet *self, uint32_t index, struct msg_list entries)
{
    struct simnet_peer *peer = &self->peers[index];
    const bool leads = index % self->plan.members == 0;
    struct msg_entry entry;

    while (msg_codec_next(&entries, MSG_ENTRY, &entry)) {
        if (peer->entry != 0 && entry.number != peer->entry + 1)
            simnet_fail(self, "A peer heard entry %llu of its roster after entry %llu.", (unsigned long long)entry.number,
                        (unsigned long long)peer->entry);
        peer->entry = entry.number;
        if (leads && !apply(&self->rooms[simnet_room_of(self, index)], &entry))
            simnet_fail(self, "An entry of a roster breaks the rules.");
    }
}

static void
hear_done(struct simnet *self, uint32_t index)
{
    struct simnet_peer *peer = &self->peers[index];

    if (peer->doing != SIMNET_CREATE && peer->doing != SIMNET_JOIN)
        return;
    peer->doing = SIMNET_READ;
    ask(self, index);
}

static void
hear_log(struct simnet *self, uint32_t index, const struct msg_room_log *log)
{
    struct simnet_peer *peer = &self->peers[index];

    simnet_talk_log(self, index, log);
    peer->heard = log->next > peer->heard ? log->next : peer->heard;
    peer->live = log->live;
    if (!log->live)
        ask_log(self, index);
    else if (peer->doing == SIMNET_READ)
        simnet_done(self, index);
}

static void
hear_cast(struct simnet *self, uint32_t index, struct simnet_body *body)
{
    struct simnet_peer *peer = &self->peers[index];

    if (body->any.MSG_ANY_ROOM_CAST.prev > peer->heard) {
        ask_log(self, index); /* it brings what is in this one, too */
    } else {
        simnet_talk_cast(self, index, body);
    }
    peer->bytes += body->len;
    if (peer->bytes - peer->told < TAKEN_EVERY)
        return;
    const struct msg_room_taken taken = {peer->bytes};
    peer->told = peer->bytes;
    simnet_to_registry(self, index, MSG_ROOM_TAKEN, &taken);
}

/* It has fallen behind, or something was said while it was not live. */
static void
hear_state(struct simnet *self, uint32_t index, struct msg_list rooms)
{
    struct msg_room_head head;

    while (msg_codec_next(&rooms, MSG_ROOM_HEAD, &head))
        if (head.offset > self->peers[index].heard && self->peers[index].doing == SIMNET_NOTHING)
            ask_log(self, index);
}

static void
hear_error(struct simnet *self, uint32_t index, const struct msg_error_frame *error)
{
    if (error->retry_ms > 0)
        simnet_plan_at(self, self->now_us + error->retry_ms * SIMNET_MS, SIMNET_AGAIN, index, NULL);
    else
        simnet_fail(self, "The registry refuses: %.*s", (int)error->text.len, error->text.at);
}

void
simnet_peer_hear(struct simnet *self, uint32_t index, struct simnet_body *body)
{
    struct simnet_peer *peer = &self->peers[index];

    if (!simnet_body_decode(body)) {
        self->damaged++;
        return;
    }
    const union msg_any *any = &body->any;
    switch ((unsigned)body->kind) {
    case MSG_ADMITTED:
        hear_admitted(self, index, &any->MSG_ANY_ADMITTED);
        break;
    case MSG_WELCOME:
        hear_welcome(self, index);
        break;
    case MSG_ENTRIES:
        hear_entries(self, index, any->MSG_ANY_ENTRIES.entries);
        break;
    case MSG_DONE:
        hear_done(self, index);
        break;
    case MSG_ROOM_LOG:
        hear_log(self, index, &any->MSG_ANY_ROOM_LOG);
        break;
    case MSG_ROOM_CAST:
        hear_cast(self, index, body);
        break;
    case MSG_ROOM_STATE:
        hear_state(self, index, any->MSG_ANY_ROOM_STATE.rooms);
        break;
    case MSG_ROOM_STORED:
        peer->stored = any->MSG_ANY_ROOM_STORED.number > peer->stored ? any->MSG_ANY_ROOM_STORED.number : peer->stored;
        break;
    case MSG_RELAYED:
        simnet_talk_relayed(self, index, body);
        break;
    case MSG_ERROR:
        hear_error(self, index, &any->MSG_ANY_ERROR);
        break;
    case MSG_ROOM_REFUSED:
        simnet_fail(self, "The registry refuses a post: %.*s", (int)any->MSG_ANY_ROOM_REFUSED.code.len, any->MSG_ANY_ROOM_REFUSED.code.at);
        break;
    case MSG_UNREACHED:
        simnet_fail(self, "A peer that is online was not reached.");
        break;
    case MSG_BYE:
        simnet_fail(self, "The registry ends a session: %.*s", (int)any->MSG_ANY_BYE.text.len, any->MSG_ANY_BYE.text.at);
        break;
    default: /* PONG, ROOM_PRESENCE, and what else it has no use for */
        break;
    }
}
