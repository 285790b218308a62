/* The supervisor's loop: signals come by signalfd, the children's words by
 * their channels; nothing else is waited for. */
#include "broker/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker/channel.h"
#include "broker/home.h"
#include "broker/link.h"
#include "broker/notify.h"
#include "broker/worker.h"
#include "host/descriptors.h"
#include "host/log.h"

#define STOP_MS 3000u     /* then they are killed */

struct supervisor {
    struct broker_run run;
    char host[MSG_HOST_MAX + 1]; /* to listen on */
    uint16_t listen_port;
    int signals;
    struct broker_worker workers[BROKER_ROLES];
    bool serving;           /* the ready line is out */
    char link[MSG_LINK_MAX + 1];
    uint64_t watchdog_ms;   /* systemd's; 0: none */
    uint64_t watchdog_at_ms;
};

static uint64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
broker_run_override(const struct broker_run *run, struct broker_settings *settings)
{
    if (run->listen[0] != '\0')
        memcpy(settings->listen, run->listen, sizeof settings->listen);
    if (run->advertise[0] != '\0')
        memcpy(settings->advertise, run->advertise, sizeof settings->advertise);
}

/* Which ports a child tries: the one it had; else the one that was asked for;
 * else the one it had in another life; else a convenient one. */
static void
choose_ports(const struct supervisor *self, enum broker_role role, struct broker_child *child)
{
    const bool door = role == BROKER_ROLE_DOOR;
    const uint16_t asked =
        door ? self->listen_port : (uint16_t)self->run.settings.front_port;
    const uint16_t saved = broker_home_port(door ? BROKER_DOOR_PORT : BROKER_FRONT_PORT);
    const uint16_t beside = self->workers[BROKER_ROLE_DOOR].port;

    child->port_is_kept = true;
    if (self->workers[role].port != 0)
        child->ports[0] = self->workers[role].port;
    else if (asked != 0)
        child->ports[0] = asked;
    else if (saved != 0 && !door)
        child->ports[0] = saved; /* devices know it */
    else
        child->port_is_kept = false;
    if (!child->port_is_kept)
        child->ports[0] = door ? saved : beside < UINT16_MAX ? (uint16_t)(beside + 1) : 0;
}

static void
start(struct supervisor *self, enum broker_role role)
{
    struct broker_child child = {
        .settings = self->run.settings,
        .signer = self->run.keys.signer,
        .door = self->run.keys.door,
        .front = self->run.keys.front,
    };
    int ours[1 + BROKER_ROLES] = {self->signals};

    memcpy(child.host, self->host, sizeof child.host);
    choose_ports(self, role, &child);
    for (size_t i = 0; i < BROKER_ROLES; i++)
        ours[1 + i] = self->workers[i].channel;
    broker_worker_start(&self->workers[role], now_ms(), &child, ours, sizeof ours / sizeof *ours);
}

static void
begin_serving(struct supervisor *self)
{
    for (size_t i = 0; i < BROKER_ROLES; i++)
        if (!self->workers[i].was_ready)
            return;
    self->serving = true;
    broker_link_print(self->link, &self->run.settings, self->host,
                      self->workers[BROKER_ROLE_DOOR].port, &self->run.keys);
    if (broker_link_save(self->link) != CONCLAVE_OK)
        host_log(MSG_LOG_WARN, "LINK-NOT-SAVED: conclave needs -r LINK to find this registry.");
    host_log(MSG_LOG_INFO, "READY door on port %u, front on port %u.",
             (unsigned)self->workers[BROKER_ROLE_DOOR].port,
             (unsigned)self->workers[BROKER_ROLE_FRONT].port);
    printf("ready %s\n", self->link);
    fflush(stdout);
    broker_notify("READY=1");
}

/* False: it must not serve. */
static bool
became_ready(struct supervisor *self, enum broker_role role, uint16_t port)
{
    struct broker_worker *worker = &self->workers[role];
    const bool again = worker->was_ready;

    worker->ready = worker->was_ready = true;
    worker->port = port;
    if (role != BROKER_ROLE_VAULT && !again) {
        const char *file = role == BROKER_ROLE_DOOR ? BROKER_DOOR_PORT : BROKER_FRONT_PORT;
        if (broker_home_port(file) != port && broker_home_save_port(file, port) != CONCLAVE_OK) {
            const int error = errno;
            host_log(MSG_LOG_ERROR, "CANNOT-SERVE %s cannot be written: %s.%s", file,
                     strerror(error), broker_home_advice(error));
            return false; /* whoever learns the port now would not find us again */
        }
    }
    if (role == BROKER_ROLE_DOOR && !again)
        start(self, BROKER_ROLE_FRONT); /* its port may be the one after the door's */
    if (again)
        host_log(MSG_LOG_INFO, "CHILD-BACK %s serves again.", broker_worker_name(role));
    if (!self->serving)
        begin_serving(self);
    return true;
}

/* What a child has said so far; false: it cannot serve and never could. */
static bool
hear(struct supervisor *self, enum broker_role role)
{
    struct broker_worker *worker = &self->workers[role];
    struct broker_note note;

    while (worker->channel >= 0
           && broker_channel_receive(worker->channel, &note) == CONCLAVE_OK) {
        if (note.word == BROKER_WORD_READY && !became_ready(self, role, note.port))
            return false;
        if (note.word == BROKER_WORD_FAILED) {
            host_log(MSG_LOG_ERROR, "CANNOT-SERVE %s: %s", broker_worker_name(role), note.why);
            if (!self->serving)
                return false;
        }
    }
    return true;
}

/* False: a child said that it can never serve. */
static bool
reap(struct supervisor *self)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (enum broker_role role = 0; role < BROKER_ROLES; role++) {
            if (self->workers[role].pid != pid)
                continue;
            if (!hear(self, role)) /* its last words */
                return false;
            broker_worker_died(&self->workers[role], now_ms(), status);
        }
    return true;
}

static enum conclave_err
open_log(const struct broker_settings *settings)
{
    return host_log_open("conclaved", (enum host_log_to)settings->log_to, NULL,
                         (enum msg_log_level)settings->log_level);
}

static void
reload(struct supervisor *self)
{
    struct broker_note note = {.word = BROKER_WORD_SETTINGS};
    char why[BROKER_WHY_MAX], lines[96];

    snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)now_ms() * 1000);
    broker_notify(lines);
    const enum conclave_err err =
        broker_settings_load(&note.settings, self->run.config, why, sizeof why);
    if (err != CONCLAVE_OK) {
        host_log(MSG_LOG_ERROR, "RELOAD-FAILED %s The old configuration stays.", why);
    } else {
        broker_run_override(&self->run, &note.settings);
        const char *kept = broker_settings_keep(&note.settings, &self->run.settings);
        self->run.settings = note.settings;
        if (open_log(&self->run.settings) != CONCLAVE_OK)
            host_log(MSG_LOG_WARN, "LOG-NOT-OPENED the old log stays.");
        for (enum broker_role role = 0; role < BROKER_ROLES; role++)
            broker_worker_tell(&self->workers[role], &note);
        host_log(MSG_LOG_INFO, "RELOADED the configuration%s%s%s.", kept != NULL ? "; " : "",
                 kept != NULL ? kept : "", kept != NULL ? " changes at the next start" : "");
    }
    broker_notify("READY=1");
}

/* Waits for children to end, at most until `until_ms`. */
static bool
ended(struct supervisor *self, enum broker_role role, uint64_t until_ms)
{
    struct broker_worker *worker = &self->workers[role];
    struct pollfd item = {worker->channel, POLLIN, 0}; /* its end closes with it */
    struct broker_note note;

    if (worker->pid == 0)
        return true;
    for (uint64_t now = now_ms(); now < until_ms; now = now_ms()) {
        if (poll(&item, 1, (int)(until_ms - now)) <= 0)
            continue;
        if (broker_channel_receive(worker->channel, &note) == CONCLAVE_ERR_SYSTEM)
            break;
    }
    if (waitpid(worker->pid, NULL, now_ms() < until_ms ? 0 : WNOHANG) != worker->pid)
        return false;
    worker->pid = 0;
    return true;
}

/* The door first: nothing new comes.  Then the front, which says goodbye. */
static void
stop(struct supervisor *self)
{
    static const enum broker_role order[] = {BROKER_ROLE_DOOR, BROKER_ROLE_FRONT,
                                             BROKER_ROLE_VAULT};
    const struct broker_note note = {.word = BROKER_WORD_STOP};
    const uint64_t until_ms = now_ms() + STOP_MS;

    broker_notify("STOPPING=1");
    if (self->serving)
        broker_link_remove(self->link);
    for (size_t i = 0; i < BROKER_ROLES; i++) {
        const struct broker_worker *worker = &self->workers[order[i]];
        if (worker->channel >= 0 && broker_channel_send(worker->channel, &note) != CONCLAVE_OK)
            host_log(MSG_LOG_DEBUG, "CHILD-GONE %s has ended by itself.", broker_worker_name(order[i]));
        if (ended(self, order[i], until_ms))
            continue;
        host_log(MSG_LOG_WARN, "CHILD-SLOW %s did not end in time and is killed.", broker_worker_name(order[i]));
        kill(worker->pid, SIGKILL);
        waitpid(worker->pid, NULL, 0);
    }
    host_log(MSG_LOG_INFO, "STOPPED.");
}

/* What signals ask for; false: it is over. */
static bool
obey(struct supervisor *self, int *status)
{
    struct signalfd_siginfo info;

    while (read(self->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            if (!reap(self)) {
                *status = 1;
                return false;
            }
            break;
        case SIGHUP:
            reload(self);
            break;
        default:
            *status = 0;
            return false;
        }
    }
    return true;
}

static int
timeout_ms(const struct supervisor *self)
{
    uint64_t at = self->watchdog_ms > 0 ? self->watchdog_at_ms : UINT64_MAX;
    const uint64_t now = now_ms();

    for (size_t i = 0; i < BROKER_ROLES; i++)
        if (self->workers[i].start_at_ms < at)
            at = self->workers[i].start_at_ms;
    if (at == UINT64_MAX)
        return -1;
    return at <= now ? 0 : at - now < 60000 ? (int)(at - now) : 60000;
}

static void
do_what_is_due(struct supervisor *self)
{
    const uint64_t now = now_ms();

    for (enum broker_role role = 0; role < BROKER_ROLES; role++)
        if (self->workers[role].start_at_ms <= now)
            start(self, role);
    if (self->watchdog_ms > 0 && self->watchdog_at_ms <= now) {
        broker_notify("WATCHDOG=1");
        self->watchdog_at_ms = now + self->watchdog_ms / 2;
    }
}

static int
serve(struct supervisor *self)
{
    struct pollfd items[1 + BROKER_ROLES];
    int status = 1;

    for (;;) {
        do_what_is_due(self);
        items[0] = (struct pollfd){self->signals, POLLIN, 0};
        for (size_t i = 0; i < BROKER_ROLES; i++)
            items[1 + i] = (struct pollfd){self->workers[i].channel, POLLIN, 0};
        if (poll(items, 1 + BROKER_ROLES, timeout_ms(self)) < 0 && errno != EINTR)
            break;
        bool fine = true;
        for (enum broker_role role = 0; role < BROKER_ROLES && fine; role++)
            if ((items[1 + role].revents & POLLIN) != 0)
                fine = hear(self, role);
        if (!fine || !obey(self, &status))
            break;
    }
    stop(self);
    return status;
}

int
broker_supervisor_run(const struct broker_run *run)
{
    struct supervisor *self = calloc(1, sizeof *self);
    char why[BROKER_WHY_MAX] = "The system gives no descriptor for signals.";
    sigset_t ours;

    if (self == NULL)
        return 1;
    self->run = *run;
    if (!host_descriptors_raise())
        host_log(MSG_LOG_WARN, "LIMIT-NOT-RAISED connections are limited to what there is.");
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    sigaddset(&ours, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    self->signals = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
    if (self->signals < 0
        || broker_settings_listen(&self->run.settings, self->host, &self->listen_port, why,
                                  sizeof why)
               != CONCLAVE_OK
        || broker_link_resolve(self->host, why, sizeof why) != CONCLAVE_OK) {
        host_log(MSG_LOG_ERROR, "CANNOT-SERVE %s", why);
        free(self);
        return 1;
    }
    self->watchdog_ms = broker_notify_watchdog_ms();
    for (enum broker_role role = 0; role < BROKER_ROLES; role++) /* the front once the door has its port */
        broker_worker_init(&self->workers[role], role, role == BROKER_ROLE_FRONT ? BROKER_WORKER_NEVER : 0);
    const int status = serve(self);
    close(self->signals);
    free(self);
    return status;
}
