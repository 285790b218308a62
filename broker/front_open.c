/* The front comes up in an order that gives each part what it needs, and goes
 * down in the reverse one.  The key is in memory no longer than it takes. */
#include <stdio.h>
#include <unistd.h>

#include "broker/front.h"
#include "broker/keyring.h"
#include "broker/sandbox.h"
#include "host/curve.h"
#include "host/log.h"
#include "host/zap.h"

#define DOMAIN "front"
#define STORE_DIR "store"
#define LINGER_MS 500   /* for the goodbyes */
#define COMMIT_MS 1500  /* for the last commits */
#define IO_THREADS_MAX 4

static int
io_threads(void)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 3 ? 1 : cores - 1 > IO_THREADS_MAX ? IO_THREADS_MAX : (int)cores - 1;
}

/* On the ZAP thread: a key that owns nothing stays outside. */
static enum host_zap_answer
admit(void *arg, const struct msg_box_pub *key, const char *source)
{
    const struct broker_front *self = arg;
    const enum conclave_err err = broker_store_view_owner(self->store, key);

    if (err == CONCLAVE_OK)
        return HOST_ZAP_ADMIT;
    if (err != CONCLAVE_ERR_NOT_FOUND)
        return HOST_ZAP_LATER;
    host_log(MSG_LOG_DEBUG, "KEY-DENIED source=%s has a key that is not enrolled.", source);
    return HOST_ZAP_DENY;
}

static enum conclave_err
open_store(struct broker_front *self, char *why, size_t why_cap)
{
    const struct host_store_options options = {
        .dir = STORE_DIR,
        .map_mib = self->settings.store_map_mib,
        .tables = BROKER_TABLES,
        .sync = self->settings.store_sync,
    };
    enum conclave_err err = host_store_open(&self->store, &options, why, why_cap);

    if (err == CONCLAVE_OK)
        err = broker_store_start(&self->writer, self->store);
    return err;
}

static enum conclave_err
open_sockets(struct broker_front *self, const struct msg_box_sec *sec, char *why, size_t why_cap)
{
    const struct host_watchdog_limits limits = {
        .connections = (uint32_t)self->settings.limit_connections,
        .connections_per_source = (uint32_t)self->settings.limit_source_connections,
    };
    enum conclave_err err = broker_local_bind(&self->door, BROKER_LOCAL_FRONT);

    if (err == CONCLAVE_OK)
        err = broker_local_connect(&self->vault, BROKER_LOCAL_VAULT);
    if (err == CONCLAVE_OK)
        err = broker_local_watch(&self->vault_monitor, self->vault);
    if (err == CONCLAVE_OK)
        err = host_zap_add(DOMAIN, admit, self);
    if (err == CONCLAVE_OK)
        err = broker_port_open(&self->port, self->child, sec, DOMAIN, MSG_SOCKET_MAX, &limits, why,
                               why_cap);
    if (err == CONCLAVE_OK)
        err = broker_monitor_open(&self->monitor, &self->settings, &self->child->front, sec, why, why_cap);
    return err;
}

static enum conclave_err
open_ears(struct broker_front *self)
{
    struct host_ears *ears = &self->ears;
    enum conclave_err err = host_ears_open(ears);

    if (err == CONCLAVE_OK)
        err = host_ears_add(ears, EAR_MEMBERS, broker_port_socket(self->port));
    if (err == CONCLAVE_OK)
        err = host_ears_add_fd(ears, EAR_MEMBERS, broker_port_wake(self->port));
    if (err == CONCLAVE_OK)
        err = host_ears_add(ears, EAR_DOOR, self->door);
    if (err == CONCLAVE_OK)
        err = host_ears_add(ears, EAR_VAULT, self->vault);
    if (err == CONCLAVE_OK)
        err = host_ears_add(ears, EAR_VAULT, self->vault_monitor);
    if (err == CONCLAVE_OK)
        err = host_ears_add(ears, EAR_STORE, broker_store_socket(self->writer));
    for (unsigned i = BROKER_MONITOR_FIGURES; i < BROKER_MONITOR_PLACES && err == CONCLAVE_OK; i++)
        if (self->monitor.sockets[i].xpub != NULL)
            err = host_ears_add(ears, EAR_MONITOR, self->monitor.sockets[i].xpub);
    if (err == CONCLAVE_OK)
        err = host_ears_add_fd(ears, EAR_SUPERVISOR, self->child->channel);
    return err;
}

bool
broker_front_open(struct broker_front *self)
{
    const struct broker_sandbox rules = {.memory_bytes = 0}; /* the store's map is address space */
    struct msg_box_sec sec;
    char why[BROKER_WHY_MAX] = "The front cannot be opened.";

    enum conclave_err err = broker_front_log(&self->settings);
    if (err == CONCLAVE_OK)
        err = broker_keyring_front(&sec, why, sizeof why);
    if (err == CONCLAVE_OK)
        err = broker_sandbox_enter(&rules);
    if (err == CONCLAVE_OK)
        err = host_curve_init(io_threads());
    if (err == CONCLAVE_OK)
        err = open_store(self, why, sizeof why);
    if (err == CONCLAVE_OK)
        err = open_sockets(self, &sec, why, sizeof why);
    if (err == CONCLAVE_OK)
        err = open_ears(self);
    msg_keys_wipe(&sec, sizeof sec);
    if (err == CONCLAVE_OK) {
        const struct broker_front_settings core = broker_front_settings(self);
        self->view = broker_store_view_init(&self->reading, self->store);
        self->core = broker_front_core_new(&core, &self->view);
        if (self->core != NULL)
            return true;
        snprintf(why, sizeof why, "There is not enough memory for limits/sessions and "
                                  "limits/accounts; lower them.");
    }
    broker_channel_fail(self->child->channel, "%s", why);
    return false;
}

void
broker_front_close(struct broker_front *self)
{
    broker_front_step(self, &(struct msg_event){.kind = EVENT_STOP});
    broker_front_monitor_last(self);
    broker_front_monitor_close(self);
    broker_monitor_close(&self->monitor);
    broker_store_stop(&self->writer, COMMIT_MS);
    broker_port_close(&self->port, LINGER_MS);
    zsock_destroy(&self->vault_monitor);
    zsock_destroy(&self->vault);
    zsock_destroy(&self->door);
    host_zap_stop();
    host_store_close(&self->store);
    zsys_shutdown(); /* waits for the linger */
}
