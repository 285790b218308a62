/* The front: enrolled devices talk to it.  A loop around broker/core/front_core that
 * owns their port, the local sockets to door and vault, and the store.  Each
 * turn reads the clocks once, takes what came, steps the core for each event
 * and performs what it asks for, in order; it never waits for a disk. */
#include "broker/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "host/log.h"

static struct msg_time
read_clocks(void)
{
    struct timespec mono, wall;

    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct msg_time){(uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000,
                             (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000};
}

struct broker_front_settings
broker_front_settings(const struct broker_front *self)
{
    struct broker_front_settings settings = broker_settings_core(&self->settings);

    settings.front_port = broker_port_number(self->port);
    settings.front = self->child->front;
    settings.door = self->child->door;
    settings.signer = self->child->signer;
    return settings;
}

enum conclave_err
broker_front_log(const struct broker_settings *settings)
{
    return host_log_open("conclaved", (enum host_log_to)settings->log_to, NULL,
                         (enum msg_log_level)settings->log_level);
}

/* For whoever asks what has been refused, and how much is going on. */
static void
log_counts(const struct broker_front *self)
{
    struct broker_front_counts counts;

    broker_front_core_counts(self->core, &counts);
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {{"sessions", counts.sessions}, {"online", counts.accounts_online}, {"requests", counts.requests},
               {"refused", counts.refused}, {"garbage", counts.garbage}, {"log-ins", counts.log_ins},
               {"log-ins-failed", counts.log_ins_failed}, {"sign-ups", counts.sign_ups},
               {"introductions", counts.introductions}, {"presence", counts.presence_sent},
               {"stale-ops", counts.stale_ops}, {"posts", counts.posts},
               {"copies", counts.copies}, {"behind", counts.behind}, {"relayed", counts.relayed},
               {"unreached", counts.unreached}, {"mail-stored", counts.mail_stored},
               {"mail-refused", counts.mail_refused}, {"mail-pushed", counts.mail_pushed},
               {"mail-expired", counts.mail_expired}, {"mail-waiting", counts.mail_waiting}};
    char line[1024] = "";
    size_t len = 0;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, " %s=%llu", all[i].name, (unsigned long long)all[i].value);
    host_log(MSG_LOG_INFO, "FRONT-COUNTS%s", line);
}

/* False: told to stop, or the supervisor is gone. */
static bool
hear_supervisor(struct broker_front *self)
{
    struct broker_note note;
    enum conclave_err err;

    self->ears.loud &= ~(uint32_t)EAR_SUPERVISOR;
    while ((err = broker_channel_receive(self->child->channel, &note)) == CONCLAVE_OK) {
        if (note.word == BROKER_WORD_STOP)
            return false;
        if (note.word != BROKER_WORD_SETTINGS)
            continue;
        self->settings = note.settings;
        const struct broker_front_settings core = broker_front_settings(self);
        broker_front_core_set(self->core, &core);
        broker_front_monitor_set(self);
        (void)broker_monitor_reload(&self->monitor, &self->settings); /* the log says why not */
        if (broker_front_log(&self->settings) != CONCLAVE_OK)
            return false;
        log_counts(self);
    }
    return err == CONCLAVE_ERR_NOT_FOUND;
}

static int
serve(struct broker_front *self)
{
    const struct broker_note ready = {.word = BROKER_WORD_READY,
                                      .port = broker_port_number(self->port)};

    self->now = read_clocks();
    broker_front_step(self, &(struct msg_event){.kind = EVENT_START});
    broker_front_monitor_set(self);
    if (broker_channel_send(self->child->channel, &ready) != CONCLAVE_OK)
        return 1;
    for (;;) {
        const uint64_t watch_ms = broker_front_monitor_next(self);
        const int wait_ms = broker_port_timeout_ms(self->port, self->now.mono_ms,
                                                   watch_ms < self->wake_ms ? watch_ms : self->wake_ms);
        if (host_ears_wait(&self->ears, wait_ms) != CONCLAVE_OK)
            return 1;
        const uint64_t began_us = broker_front_now_us();
        self->now = read_clocks();
        if ((self->ears.loud & EAR_SUPERVISOR) != 0 && !hear_supervisor(self))
            break;
        if ((self->ears.loud & EAR_STORE) != 0)
            broker_front_hear_store(self);
        if ((self->ears.loud & EAR_VAULT) != 0)
            broker_front_hear_vault(self);
        if ((self->ears.loud & EAR_DOOR) != 0)
            broker_front_hear_door(self);
        if ((self->ears.loud & EAR_MEMBERS) != 0 || broker_port_has_news(self->port, self->now.mono_ms))
            broker_front_hear_members(self);
        if (self->wake_ms <= self->now.mono_ms) {
            self->wake_ms = UINT64_MAX;
            broker_front_step(self, &(struct msg_event){.kind = EVENT_WAKE});
        }
        if ((self->ears.loud & EAR_MONITOR) != 0)
            broker_front_monitor_hear(self);
        broker_front_monitor_due(self);
        broker_front_monitor_turn(self, broker_front_now_us() - began_us);
    }
    log_counts(self);
    broker_front_close(self);
    return 0;
}

int
broker_front_run(const struct broker_child *child)
{
    struct broker_front *self = calloc(1, sizeof *self);

    if (self == NULL)
        return 1;
    self->child = child;
    self->settings = child->settings;
    self->wake_ms = UINT64_MAX;
    msg_effects_init(&self->effects);
    return broker_front_open(self) ? serve(self) : 1; /* the caller ends the process */
}
