/* The requests of the public API: numbered, checked, and made a CMD_ frame. */
#include "peer/handle.h"

#include <assert.h>
#include <stdlib.h>

#include "msg/codec.h"
#include "msg/flat.h"
#include "msg/name.h"

#define SAY_MAX (1u << 20)      /* bytes; longer texts are refused before they are copied */
#define TYPED_MAX 512u          /* bytes of a name as typed */
#define TOPIC_MAX 1024          /* bytes; MSG_TOPIC_MAX as words have it */
#define KEPT_BYTES 4096u        /* a larger command buffer is given back */

static_assert(TOPIC_MAX == MSG_TOPIC_MAX, "the sentence says what the wire takes");
/* The acts and flags of the API are those of the wire. */
static_assert((int)CONCLAVE_ACT_CREATE == (int)MSG_ACT_CREATE && (int)CONCLAVE_ACT_LEAVE == (int)MSG_ACT_LEAVE &&
              (int)CONCLAVE_ACT_INVITE == (int)MSG_ACT_INVITE && (int)CONCLAVE_ACT_PROMOTE == (int)MSG_ACT_PROMOTE &&
              (int)CONCLAVE_ACT_DELETE == (int)MSG_ACT_DELETE && (int)CONCLAVE_ACT_REVOKED == (int)MSG_ACT_REVOKED, "");
static_assert(((int)CONCLAVE_ROOM_PRIVATE | (int)CONCLAVE_ROOM_LOCKED | (int)CONCLAVE_ROOM_HISTORY) == (int)MSG_ROOM_FLAGS &&
              (int)CONCLAVE_ROOM_LOCKED == (int)MSG_ROOM_LOCKED && (int)CONCLAVE_ROLE_OWNER == (int)MSG_ROLE_OWNER, "");

#define STRING_OF(number) #number
#define IN_WORDS(number) STRING_OF(number)

static uint64_t
fail_saying(struct conclave *self, uint64_t request, enum conclave_err err, const char *sentence)
{
    uint8_t tell[1024];
    struct msg_buf buf = {tell, 0, sizeof tell};
    const struct msg_error_frame failed = {.req = request, .code = msg_text(msg_error_code(err)),
                                           .text = msg_text(sentence)};
    if (msg_flat_put(&buf, MSG_TELL_FAILED, &failed) != CONCLAVE_OK)
        abort(); /* codes and sentences are ours */
    peer_tells_put(&self->peer.tells, msg_span_of_buf(&buf));
    return request;
}

static uint64_t
fail(struct conclave *self, uint64_t request, enum conclave_err err)
{
    return fail_saying(self, request, err, msg_error_sentence(err));
}

static void
deliver(struct conclave *self, enum msg_kind kind, const void *command, size_t about_bytes)
{
    if (self->actor == NULL) {
        peer_node_command(self->peer.node, kind, command);
        return;
    }
    self->command.len = 0;
    peer_tells_reserve(&self->command, about_bytes + 2048);
    if (msg_codec_encode(&self->command, kind, command) != CONCLAVE_OK)
        abort(); /* lengths were checked, the room was made */
    peer_handle_deliver(self, msg_span_of_buf(&self->command));
    msg_keys_wipe(self->command.at, self->command.len); /* there may be a password in it */
    if (self->command.cap > KEPT_BYTES) {
        free(self->command.at);
        self->command = (struct msg_buf){0};
    }
}

static struct msg_text
text_of(const char *z)
{
    return msg_text(z != NULL ? z : "");
}

static bool
good_text(struct msg_text text, size_t max)
{
    return text.len <= max && msg_text_valid(text);
}

/* The number of the next request; 0 in a child process. */
static uint64_t
next_request(struct conclave *self)
{
    return peer_handle_is_ours(self->forks) ? ++self->last_request : 0;
}

static uint64_t
credentials(struct conclave *self, enum msg_kind kind, const char *name, const char *password)
{
    const uint64_t request = next_request(self);
    const struct msg_cmd_credentials command = {.req = request, .name = text_of(name), .password = text_of(password)};
    if (request == 0)
        return 0;
    if (!good_text(command.name, TYPED_MAX))
        return fail(self, request, CONCLAVE_ERR_BAD_NAME);
    if (!good_text(command.password, MSG_PASSWORD_MAX))
        return fail(self, request, CONCLAVE_ERR_BAD_ARGUMENTS);
    deliver(self, kind, &command, 0);
    return request;
}

uint64_t
conclave_register(struct conclave *self, const char *name, const char *password)
{
    return credentials(self, MSG_CMD_REGISTER, name, password);
}

uint64_t
conclave_login(struct conclave *self, const char *name, const char *password)
{
    return credentials(self, MSG_CMD_LOGIN, name, password);
}

/* Commands of a number and little else, which cannot be refused here. */
static uint64_t
simple(struct conclave *self, enum msg_kind kind, uint64_t request, const void *command)
{
    if (request != 0)
        deliver(self, kind, command, 0);
    return request;
}

uint64_t
conclave_logout(struct conclave *self, bool forget)
{
    const struct msg_cmd_logout command = {.req = next_request(self), .forget = forget};
    return simple(self, MSG_CMD_LOGOUT, command.req, &command);
}

uint64_t
conclave_passwd(struct conclave *self, const char *old_password, const char *new_password)
{
    const struct msg_cmd_passwd command = {.req = next_request(self), .old = text_of(old_password), .new = text_of(new_password)};
    if (command.req != 0 && (!good_text(command.old, MSG_PASSWORD_MAX) || !good_text(command.new, MSG_PASSWORD_MAX)))
        return fail(self, command.req, CONCLAVE_ERR_BAD_ARGUMENTS);
    return simple(self, MSG_CMD_PASSWD, command.req, &command);
}

uint64_t
conclave_devices(struct conclave *self)
{
    const struct msg_done command = {.req = next_request(self)};
    return simple(self, MSG_CMD_DEVICES, command.req, &command);
}

uint64_t
conclave_revoke(struct conclave *self, uint64_t device)
{
    const struct msg_revoke command = {.req = next_request(self), .device = device};
    if (command.req != 0 && device == 0)
        return fail(self, command.req, CONCLAVE_ERR_BAD_ARGUMENTS);
    return simple(self, MSG_CMD_REVOKE, command.req, &command);
}

uint64_t
conclave_delete_account(struct conclave *self)
{
    const struct msg_done command = {.req = next_request(self)};
    return simple(self, MSG_CMD_DELETE_ACCOUNT, command.req, &command);
}

uint64_t
conclave_list(struct conclave *self, bool detailed)
{
    const struct msg_cmd_who command = {.req = next_request(self), .detailed = detailed};
    return simple(self, MSG_CMD_WHO, command.req, &command);
}

static uint64_t
named(struct conclave *self, enum msg_kind kind, const char *name)
{
    const struct msg_search command = {.req = next_request(self), .name = text_of(name)};
    if (command.req != 0 && !good_text(command.name, TYPED_MAX))
        return fail(self, command.req, CONCLAVE_ERR_BAD_NAME);
    return simple(self, kind, command.req, &command);
}

uint64_t
conclave_search(struct conclave *self, const char *name)
{
    return named(self, MSG_CMD_SEARCH, name);
}

uint64_t
conclave_trust(struct conclave *self, const char *name)
{
    return named(self, MSG_CMD_TRUST, name);
}

uint64_t
conclave_send(struct conclave *self, const char *name, const char *text, size_t text_bytes)
{
    const struct msg_cmd_say command = {.req = next_request(self), .name = text_of(name), .text = {text, text_bytes}};
    if (command.req == 0)
        return 0;
    if (!good_text(command.name, TYPED_MAX))
        return fail(self, command.req, CONCLAVE_ERR_BAD_NAME);
    if (text_bytes > SAY_MAX)
        return fail(self, command.req, CONCLAVE_ERR_TOO_LARGE);
    if (!msg_text_valid(command.text))
        return fail(self, command.req, CONCLAVE_ERR_BAD_ARGUMENTS);
    deliver(self, MSG_CMD_SAY, &command, text_bytes);
    return command.req;
}

uint64_t
conclave_block(struct conclave *self, const char *name, bool on)
{
    const struct msg_cmd_block command = {.req = next_request(self), .name = text_of(name), .on = on};
    if (command.req != 0 && !good_text(command.name, TYPED_MAX))
        return fail(self, command.req, CONCLAVE_ERR_BAD_NAME);
    return simple(self, MSG_CMD_BLOCK, command.req, &command);
}

uint64_t
conclave_set_away(struct conclave *self, bool away)
{
    const struct msg_cmd_status command = {.req = next_request(self), .status = away ? MSG_STATUS_AWAY : MSG_STATUS_ONLINE};
    return simple(self, MSG_CMD_STATUS, command.req, &command);
}

uint64_t
conclave_stats(struct conclave *self)
{
    const struct msg_done command = {.req = next_request(self)};
    return simple(self, MSG_CMD_STATS, command.req, &command);
}

void
conclave_read(struct conclave *self, uint64_t arrival)
{
    const struct msg_cmd_read command = {.arrival = arrival};
    if (peer_handle_is_ours(self->forks))
        deliver(self, MSG_CMD_READ, &command, 0);
}

/* A topic goes into an operation that is signed, where it has its room alone. */
static uint64_t
fail_topic(struct conclave *self, uint64_t request, struct msg_text topic)
{
    if (topic.len > MSG_TOPIC_MAX)
        return fail_saying(self, request, CONCLAVE_ERR_TOO_LARGE,
                           "A topic has at most " IN_WORDS(TOPIC_MAX) " bytes; shorten it.");
    return fail(self, request, CONCLAVE_ERR_BAD_ARGUMENTS);
}

uint64_t
conclave_room_create(struct conclave *self, const char *room, unsigned flags, const char *password, const char *topic)
{
    struct msg_cmd_room_create command = {.req = next_request(self), .name = text_of(room), .flags = flags,
                                          .password = text_of(password), .topic = text_of(topic)};
    if (command.req == 0)
        return 0;
    if (!good_text(command.name, TYPED_MAX))
        return fail(self, command.req, CONCLAVE_ERR_BAD_NAME);
    if (!good_text(command.topic, MSG_TOPIC_MAX))
        return fail_topic(self, command.req, command.topic);
    if (command.password.len > 0)
        command.flags |= CONCLAVE_ROOM_LOCKED;
    const bool locked = (command.flags & CONCLAVE_ROOM_LOCKED) != 0;
    if (command.flags > MSG_ROOM_FLAGS || locked != (command.password.len > 0) ||
        !good_text(command.password, MSG_PASSWORD_MAX))
        return fail(self, command.req, CONCLAVE_ERR_BAD_ARGUMENTS);
    deliver(self, MSG_CMD_ROOM_CREATE, &command, command.topic.len);
    return command.req;
}

uint64_t
conclave_room_join(struct conclave *self, const char *room, const char *password)
{
    const struct msg_cmd_room_join command = {.req = next_request(self), .name = text_of(room),
                                              .password = text_of(password)};
    if (command.req != 0 && !good_text(command.name, TYPED_MAX))
        return fail(self, command.req, CONCLAVE_ERR_BAD_NAME);
    if (command.req != 0 && !good_text(command.password, MSG_PASSWORD_MAX))
        return fail(self, command.req, CONCLAVE_ERR_BAD_ARGUMENTS);
    return simple(self, MSG_CMD_ROOM_JOIN, command.req, &command);
}

uint64_t
conclave_room_act(struct conclave *self, const char *room, enum conclave_act act, const char *user, const char *text)
{
    const struct msg_cmd_room_act command = {.req = next_request(self), .room = text_of(room), .act = (uint64_t)act,
                                             .name = text_of(user), .text = text_of(text)};
    if (command.req == 0)
        return 0;
    if (command.act < MSG_ACT_LEAVE || command.act > MSG_ACT_DELETE)
        return fail(self, command.req, CONCLAVE_ERR_BAD_ARGUMENTS);
    if (!good_text(command.room, TYPED_MAX) || !good_text(command.name, TYPED_MAX))
        return fail(self, command.req, CONCLAVE_ERR_BAD_NAME);
    if (!good_text(command.text, MSG_TOPIC_MAX))
        return fail_topic(self, command.req, command.text);
    deliver(self, MSG_CMD_ROOM_ACT, &command, command.text.len);
    return command.req;
}

uint64_t
conclave_rooms(struct conclave *self, bool detailed)
{
    const struct msg_cmd_who command = {.req = next_request(self), .detailed = detailed};
    return simple(self, MSG_CMD_ROOMS, command.req, &command);
}

uint64_t
conclave_members(struct conclave *self, const char *room)
{
    return named(self, MSG_CMD_MEMBERS, room);
}

uint64_t
conclave_room_info(struct conclave *self, const char *room)
{
    return named(self, MSG_CMD_ROOM_INFO, room);
}

uint64_t
conclave_rooms_watch(struct conclave *self, bool on)
{
    const struct msg_room_watch command = {.req = next_request(self), .on = on};
    return simple(self, MSG_CMD_ROOM_WATCH, command.req, &command);
}
