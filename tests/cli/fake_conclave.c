/* peer/conclave.h, played by rules. */
#include "tests/cli/fake_inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct fake fake;
const char *fake_trace;

#define EVENTS_MAX 4096

struct conclave {
    int fd;
    uint64_t requests;
    struct conclave_event queue[EVENTS_MAX];
    size_t first, count;
    uint64_t handed; /* arrival of the message last handed out; 0: it was none */
    bool online;
    bool hold;
    char link[401];
};

void
fake_trace_line(const char *format, ...)
{
    FILE *const file = fake_trace != NULL ? fopen(fake_trace, "a") : NULL;
    if (file == NULL)
        return;
    va_list args;
    va_start(args, format);
    (void)vfprintf(file, format, args);
    va_end(args);
    (void)fclose(file);
}

void
fake_add(struct conclave *self, const struct conclave_event *event)
{
    if (self->count == EVENTS_MAX)
        abort();
    self->queue[(self->first + self->count++) % EVENTS_MAX] = *event;
    const uint64_t one = 1;
    if (write(self->fd, &one, sizeof one) != sizeof one)
        abort();
}

uint64_t
fake_answer(struct conclave *self, struct conclave_event event)
{
    event.request = ++self->requests;
    fake_add(self, &event);
    return event.request;
}

uint64_t
fake_fail(struct conclave *self, enum conclave_err err, const char *text)
{
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_FAILED, .err = err, .text = text});
}

static void
enter(struct conclave *self, enum conclave_session state)
{
    self->online = state == CONCLAVE_SESSION_LOGGED_IN;
    fake_add(self, &(struct conclave_event){.kind = CONCLAVE_EVENT_SESSION, .state = state, .name = "alice", .text = ""});
}

/* What every request meets first; 0: go on. */
uint64_t
fake_refuse(struct conclave *self)
{
    if (!fake.enrolled || fake.logged_out)
        return fake_fail(self, CONCLAVE_ERR_NOT_LOGGED_IN, "");
    if (fake.unreachable)
        return fake_fail(self, CONCLAVE_ERR_REGISTRY_UNREACHABLE, "");
    return 0;
}

const char *
conclave_why(void)
{
    return fake.open_err == CONCLAVE_ERR_IN_USE ? "Another conclave is using this home." : "";
}

enum conclave_err
conclave_open(struct conclave **self_p, const struct conclave_options *options)
{
    *self_p = NULL;
    fake_trace_line("open\n");
    if (fake.open_err != CONCLAVE_OK)
        return fake.open_err;
    struct conclave *const self = calloc(1, sizeof *self);
    self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->hold = options->hold_messages;
    if (options->link != NULL)
        (void)snprintf(self->link, sizeof self->link, "%s", options->link);
    if (self->hold)
        fake_trace_line("hold\n");
    for (unsigned i = 1; i <= fake.waiting && !self->hold; i++) {
        struct conclave_event event = {.kind = CONCLAVE_EVENT_MESSAGE, .arrival = i, .from = "bob", .to = "alice"};
        event.text = "hello\x1b[2J";
        event.text_bytes = strlen(event.text);
        (void)snprintf(event.id, sizeof event.id, "%032x", i);
        event.room = fake.in_room ? "#lab" : "";
        fake_add(self, &event);
    }
    if (fake.in_room)
        fake_happen(self);
    if (fake.enrolled && !fake.logged_out && !fake.unreachable)
        enter(self, CONCLAVE_SESSION_LOGGED_IN);
    *self_p = self;
    return CONCLAVE_OK;
}

void
conclave_close(struct conclave **self_p)
{
    fake_trace_line("close\n");
    (void)close((*self_p)->fd);
    free(*self_p);
    *self_p = NULL;
}

const struct conclave_event *
conclave_next(struct conclave *self, int timeout_ms)
{
    static struct conclave_event event;
    (void)timeout_ms;
    if (self->handed != 0)
        fake_trace_line("shown %llu\n", (unsigned long long)self->handed);
    self->handed = 0;
    uint64_t number;
    if (self->count <= 1 && read(self->fd, &number, sizeof number) < 0)
        number = 0;
    if (self->count == 0)
        return NULL;
    event = self->queue[self->first];
    self->first = (self->first + 1) % EVENTS_MAX;
    self->count--;
    self->handed = event.kind == CONCLAVE_EVENT_MESSAGE ? event.arrival : 0;
    return &event;
}

int
conclave_fd(struct conclave *self)
{
    return self->fd;
}

void
conclave_get_state(struct conclave *self, struct conclave_state *out)
{
    *out = (struct conclave_state){.enrolled = fake.enrolled, .online = self->online, .logged_out = fake.logged_out};
    (void)snprintf(out->name, sizeof out->name, "%s", fake.enrolled ? "alice" : "");
    (void)snprintf(out->link, sizeof out->link, "%s", self->link);
}

long
conclave_show(struct conclave *self, int fd, const void *bytes, size_t len)
{
    (void)self;
    return write(fd, bytes, len);
}

const char *
conclave_version(void)
{
    return "0.0.0 of the tests";
}

static uint64_t
admit(struct conclave *self, enum conclave_session state)
{
    fake.enrolled = true;
    fake.logged_out = false;
    const uint64_t request = fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
    if (state == CONCLAVE_SESSION_REGISTERED)
        enter(self, state);
    enter(self, CONCLAVE_SESSION_LOGGED_IN);
    return request;
}

uint64_t
conclave_register(struct conclave *self, const char *name, const char *password)
{
    if (strcmp(name, "taken") == 0)
        return fake_fail(self, CONCLAVE_ERR_NAME_TAKEN, "");
    if (strlen(password) < 8)
        return fake_fail(self, CONCLAVE_ERR_WEAK_PASSWORD, "");
    return admit(self, CONCLAVE_SESSION_REGISTERED);
}

uint64_t
conclave_login(struct conclave *self, const char *name, const char *password)
{
    if (fake.unreachable)
        return fake_fail(self, CONCLAVE_ERR_REGISTRY_UNREACHABLE, "");
    if (fake.enrolled) {
        fake.logged_out = false;
        return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
    }
    if (name == NULL || password == NULL || strcmp(password, "correct horse") != 0)
        return fake_fail(self, CONCLAVE_ERR_WRONG_CREDENTIALS, "");
    return admit(self, CONCLAVE_SESSION_LOGGED_IN);
}

uint64_t
conclave_logout(struct conclave *self, bool forget)
{
    (void)forget;
    const uint64_t refused = fake_refuse(self);
    if (refused != 0)
        return refused;
    fake.logged_out = true;
    const uint64_t request = fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
    enter(self, CONCLAVE_SESSION_LOGGED_OUT);
    return request;
}

uint64_t
conclave_passwd(struct conclave *self, const char *old_password, const char *new_password)
{
    if (strcmp(old_password, "correct horse") != 0)
        return fake_fail(self, CONCLAVE_ERR_WRONG_CREDENTIALS, "");
    fake_trace_line("passwd %s\n", new_password);
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
}

uint64_t
conclave_devices(struct conclave *self)
{
    static const struct conclave_device devices[] = {{1, 1000, 2000, true, false, true}, {2, 3000, 0, false, true, false}};
    const uint64_t refused = fake_refuse(self);
    return refused != 0 ? refused
                        : fake_answer(self, (struct conclave_event){
                                           .kind = CONCLAVE_EVENT_DEVICES, .devices = devices, .devices_count = 2});
}

uint64_t
conclave_revoke(struct conclave *self, uint64_t device)
{
    fake_trace_line("revoke %llu\n", (unsigned long long)device);
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
}

uint64_t
conclave_delete_account(struct conclave *self)
{
    const uint64_t refused = fake_refuse(self);
    return refused != 0 ? refused : fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
}

uint64_t
conclave_list(struct conclave *self, bool detailed)
{
    static const struct conclave_user users[] = {{"alice", CONCLAVE_STATUS_ONLINE, "127.0.0.1:1"},
                                                 {"bob", CONCLAVE_STATUS_AWAY, "127.0.0.1:2"}};
    const uint64_t refused = fake_refuse(self);
    (void)detailed;
    return refused != 0 ? refused
                        : fake_answer(self, (struct conclave_event){
                                           .kind = CONCLAVE_EVENT_USERS, .users = users, .users_count = 2});
}

uint64_t
conclave_search(struct conclave *self, const char *name)
{
    const uint64_t refused = fake_refuse(self);
    if (refused != 0)
        return refused;
    if (strcmp(name, "slow") == 0)
        return ++self->requests;
    if (strcmp(name, "bad!") == 0)
        return fake_fail(self, CONCLAVE_ERR_BAD_NAME, "");
    static const char *const known[] = {"bob", "carol"};
    struct conclave_user user = {"nobody", CONCLAVE_STATUS_NOT_FOUND, ""};
    for (size_t i = 0; i < 2; i++)
        if (strcmp(name, known[i]) == 0)
            user = (struct conclave_user){known[i], i == 0 ? CONCLAVE_STATUS_ONLINE : CONCLAVE_STATUS_OFFLINE,
                                          i == 0 ? "127.0.0.1:2" : ""};
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_USER, .user = user});
}

uint64_t
conclave_send(struct conclave *self, const char *name, const char *text, size_t text_bytes)
{
    if (!fake.enrolled || fake.logged_out)
        return fake_fail(self, CONCLAVE_ERR_NOT_LOGGED_IN, "");
    if (name[0] == '#')
        return fake_send_to_room(self, name, text, text_bytes);
    if (strcmp(name, "mallory") == 0)
        return fake_fail(self, CONCLAVE_ERR_REFUSED, "");
    static const char *const known[] = {"bob", "carol", "dave", "erin"};
    size_t who = 0;
    while (who < 4 && strcmp(name, known[who]) != 0)
        who++;
    if (who == 4)
        return fake_fail(self, CONCLAVE_ERR_NO_SUCH_USER, "");
    fake_trace_line("send %s %.*s\n", name, (int)text_bytes, text);
    struct conclave_event event = {.kind = CONCLAVE_EVENT_OK};
    (void)snprintf(event.id, sizeof event.id, "%032llx", (unsigned long long)self->requests + 0xabc);
    const uint64_t request = fake_answer(self, event);
    event.kind = CONCLAVE_EVENT_RECEIPT;
    event.request = 0;
    event.to = known[who];
    event.tick = CONCLAVE_TICK_QUEUED;
    fake_add(self, &event);
    event.tick = who == 0 ? CONCLAVE_TICK_DELIVERED : CONCLAVE_TICK_STORED;
    if (who == 0 || who == 2)
        fake_add(self, &event);
    const struct conclave_event full = {.kind = CONCLAVE_EVENT_NOTICE, .name = "erin", .err = CONCLAVE_ERR_QUOTA_EXCEEDED,
                                        .text = "Their mailbox is full."};
    if (who == 3)
        fake_add(self, &full);
    return request;
}

uint64_t
conclave_block(struct conclave *self, const char *name, bool on)
{
    fake_trace_line("%s %s\n", on ? "block" : "unblock", name);
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
}

uint64_t
conclave_trust(struct conclave *self, const char *name)
{
    fake_trace_line("trust %s\n", name);
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
}

uint64_t
conclave_set_away(struct conclave *self, bool away)
{
    fake_trace_line("away %d\n", away);
    if (fake.mates)
        fake_mates(self);
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_OK});
}

uint64_t
conclave_stats(struct conclave *self)
{
    static const struct conclave_stats stats = {
        .uptime_ms = 18600000, .session_ms = 7380000, .people = 3, .direct = 2, .relayed = 1, .away = 1, .rooms = 3, .mesh_rooms = 2,
        .mesh_heard = 4, .waiting = 5, .waiting_stored = 2, .waiting_rooms = 1, .waiting_oldest_ms = 754000,
        .memory_bytes = 12 << 20, .log_ins = 3, .sent = 120, .received = 340, .gaps_repaired = 2, .gaps_shown = 1, .frames_in = 2310,
        .bytes_in = 1258291, .frames_out = 1200, .bytes_out = 1023, .refused_links = 2, .refused_rooms = 7};
    static const struct conclave_stats none = {.uptime_ms = 1200};
    const bool in = fake.enrolled && !fake.logged_out && !fake.unreachable;
    return fake_answer(self, (struct conclave_event){.kind = CONCLAVE_EVENT_STATS, .stats = in ? &stats : &none});
}

void
conclave_read(struct conclave *self, uint64_t arrival)
{
    (void)self;
    fake_trace_line("read %llu\n", (unsigned long long)arrival);
}

enum conclave_err
conclave_set_passphrase(struct conclave *self, const char *passphrase)
{
    (void)self;
    fake_trace_line("passphrase %s\n", passphrase);
    return CONCLAVE_OK;
}
