/* Opens and closes a peer: from options to a node in a loop. */
#include "peer/setup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/curve.h"
#include "host/log.h"
#include "host/store.h"
#include "host/zap.h"
#include "msg/name.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0" /* the build gives the real one */
#endif

#define IO_THREADS 1

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum conclave_err process_err;
static atomic_uint forks;
static pthread_mutex_t peers_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned peers;  /* open ones in this process; the last one ends the ZAP thread */

static void
count_fork(void)
{
    atomic_fetch_add(&forks, 1);
}

static void
start_process(void)
{
    process_err = msg_keys_init();
    if (process_err == CONCLAVE_OK)
        process_err = host_curve_init(IO_THREADS);
    if (process_err == CONCLAVE_OK)
        zsys_set_logstream(NULL); /* CZMQ would complain on stderr when a program ends without closing */
    if (process_err == CONCLAVE_OK && pthread_atfork(NULL, NULL, count_fork) != 0)
        process_err = CONCLAVE_ERR_SYSTEM;
}

enum conclave_err
peer_setup_process(void)
{
    (void)pthread_once(&once, start_process); /* cannot fail with this argument */
    return atomic_load(&forks) == 0 ? process_err : CONCLAVE_ERR_SYSTEM;
}

unsigned
peer_setup_forks(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

/* The home of the options: one that this loop has open already, or a new one. */
static enum conclave_err
open_home(struct peer_setup *self, struct peer_home **homes, const char *dir, char *why, size_t why_cap)
{
    struct peer_home *home = calloc(1, sizeof *home);
    if (home == NULL)
        abort();
    enum conclave_err err = peer_home_find(home, dir, why, why_cap);
    for (struct peer_home *other = *homes; err == CONCLAVE_OK && other != NULL; other = other->next) {
        if (strcmp(other->data, home->data) == 0) {
            free(home);
            other->users++;
            self->home = other;
            return CONCLAVE_OK;
        }
    }
    if (err == CONCLAVE_OK)
        err = peer_home_open(home, why, why_cap);
    if (err != CONCLAVE_OK) {
        free(home);
        return err;
    }
    home->users = 1;
    home->next = *homes;
    *homes = home;
    self->home = home;
    return CONCLAVE_OK;
}

static void
close_home(struct peer_setup *self, struct peer_home **homes)
{
    struct peer_home *const home = self->home;
    self->home = NULL;
    if (home == NULL || --home->users > 0)
        return;
    struct peer_home **at = homes;
    while (*at != home)
        at = &(*at)->next;
    *at = home->next;
    peer_home_close(home);
    free(home);
}

static struct msg_text
passphrase_of(const struct conclave_options *options)
{
    const char *const set = options->passphrase != NULL ? options->passphrase : getenv("CONCLAVE_PASSPHRASE");
    return msg_text(set != NULL ? set : "");
}

/* What the store remembers of the registry. */
struct remembered { bool enrolled; char link[MSG_LINK_MAX + 1]; };

static enum conclave_err
remember(struct peer_setup *self, struct remembered *out)
{
    static_assert(PEER_TABLE_SELF == 0, "the record of this device is the first");
    const struct msg_record_key key = msg_record_key1(0);
    uint8_t record[4096];
    struct msg_buf buf = {record, 0, sizeof record};
    enum msg_kind kind;
    union msg_any any;
    *out = (struct remembered){0};
    enum conclave_err err = peer_shelf_get(self->shelf, PEER_TABLE_SELF, msg_record_key_span(&key), &buf);
    if (err == CONCLAVE_ERR_NOT_FOUND)
        return CONCLAVE_OK;
    if (err == CONCLAVE_OK)
        err = msg_codec_decode(msg_span_of_buf(&buf), &kind, &any);
    if (err == CONCLAVE_OK && kind != MSG_REC_SELF)
        err = CONCLAVE_ERR_STORE_DAMAGED;
    if (err != CONCLAVE_OK)
        return err == CONCLAVE_ERR_STORE_IO ? err : CONCLAVE_ERR_STORE_DAMAGED;
    out->enrolled = any.MSG_ANY_REC_SELF.account != 0;
    msg_text_copy(out->link, sizeof out->link, any.MSG_ANY_REC_SELF.link);
    return CONCLAVE_OK;
}

/* Reads the keys, or makes them for a home that has none, and opens what they
 * lock.  New keys are written only where nothing is locked with old ones. */
static enum conclave_err
open_keys(struct peer_setup *self, const struct conclave_options *options, struct remembered *remembered, char *why, size_t why_cap)
{
    char name[80];
    const struct msg_text passphrase = passphrase_of(options);
    peer_home_file(name, sizeof name, "keys", self->instance);
    enum conclave_err err = peer_keyfile_read(&self->keys, self->home->dir_fd, name, passphrase, why, why_cap);
    const bool missing = err == CONCLAVE_ERR_NOT_FOUND;
    if (missing) {
        peer_keys_make(&self->keys);
        err = CONCLAVE_OK;
    }
    if (err == CONCLAVE_OK)
        err = peer_store_number(self->home->store, self->instance, &self->number);
    if (err == CONCLAVE_OK)
        err = peer_shelf_open(&self->shelf, self->home->store, self->number, &self->keys.storage);
    if (err == CONCLAVE_ERR_IN_USE)
        (void)snprintf(why, why_cap, "That instance is open in this process already.");
    if (err != CONCLAVE_OK)
        return err;
    err = remember(self, remembered);
    if (err == CONCLAVE_ERR_STORE_DAMAGED)
        (void)snprintf(why, why_cap, missing ? "The key file %s is gone, and the store in %s does not open without it; restore it "
                                               "from a backup, or move the home aside to start anew as another device."
                                             : "The key file %s does not open the store in %s: one of them is damaged or from "
                                               "another device; restore both from one backup.",
                       name, self->home->data);
    if (err == CONCLAVE_OK && missing)
        err = peer_keyfile_write(&self->keys, self->home->dir_fd, name, passphrase, why, why_cap);
    return err;
}

/* The link to go by; "": the one remembered. */
static enum conclave_err
choose_link(char out[MSG_LINK_MAX + 1], const char *given, const struct remembered *remembered, char *why, size_t why_cap)
{
    struct msg_link link;
    struct msg_link pinned;
    out[0] = '\0';
    if (given == NULL || given[0] == '\0') {
        if (remembered->link[0] == '\0')
            (void)peer_home_local_link(out); /* none is an answer too */
        return CONCLAVE_OK;
    }
    if (msg_link_parse(&link, msg_text(given)) != CONCLAVE_OK) {
        (void)snprintf(why, why_cap, "That is no invite link; one looks like conclave://HOST:PORT/#KEY, and conclaved --print-link shows it.");
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    if (remembered->enrolled && msg_link_parse(&pinned, msg_text(remembered->link)) == CONCLAVE_OK
        && (memcmp(&link.door, &pinned.door, sizeof link.door) != 0 || memcmp(link.signer, pinned.signer, sizeof link.signer) != 0)) {
        (void)snprintf(why, why_cap, "%s", msg_error_sentence(CONCLAVE_ERR_REGISTRY_KEY_CHANGED));
        return CONCLAVE_ERR_REGISTRY_KEY_CHANGED;
    }
    msg_text_copy(out, MSG_LINK_MAX + 1, msg_text(given));
    return CONCLAVE_OK;
}

/* given: HOST:PORT, "none" or "".  Whom nobody may dial has no socket for it. */
static enum conclave_err
choose_listen(const struct peer_setup *self, struct peer_node_options *node, char host[MSG_HOST_MAX + 1], const char *given, char *why, size_t why_cap)
{
    node->listen_host = NULL;
    if (strcmp(given, "none") == 0)
        return CONCLAVE_OK;
    msg_text_copy(host, MSG_HOST_MAX + 1, msg_text("0.0.0.0"));
    if (given[0] != '\0' && msg_endpoint_parse(host, &node->port, msg_text(given)) != CONCLAVE_OK) {
        (void)snprintf(why, why_cap, "\"%.80s\" is no address to listen on; it looks like 0.0.0.0:7000 or [::1]:7000, or is none.", given);
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    if (node->settings.direct == MSG_DIRECT_NEVER)
        return CONCLAVE_OK;
    node->listen_host = host;
    node->port_fixed = node->port != 0;
    if (!node->port_fixed && self->home != NULL)
        node->port = peer_home_port(self->home, self->instance);
    return CONCLAVE_OK;
}

static enum conclave_err
choose_direct(uint64_t *out, const char *given, uint64_t configured, char *why, size_t why_cap)
{
    static const char *const names[] = {[MSG_DIRECT_ANYONE] = "anyone", [MSG_DIRECT_CONTACTS] = "contacts", [MSG_DIRECT_NEVER] = "never"};
    *out = configured;
    if (given == NULL)
        return CONCLAVE_OK;
    for (uint64_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(given, names[i]) == 0) {
            *out = i;
            return CONCLAVE_OK;
        }
    }
    (void)snprintf(why, why_cap, "direct is anyone, contacts or never.");
    return CONCLAVE_ERR_BAD_ARGUMENTS;
}

static enum conclave_err
open_node(struct peer_setup *self, struct peer_loop *loop, const struct conclave_options *options,
          const struct remembered *remembered, bool own_thread, char *why, size_t why_cap)
{
    char host[MSG_HOST_MAX + 1];
    struct peer_home_config config = {.direct = MSG_DIRECT_ANYONE};
    struct peer_node_options node = {.identity = &self->keys.identity, .watchdog = own_thread, .shelf = self->shelf,
                                     .tells = &self->tells, .log = options->log_file != NULL};
    enum conclave_err err = CONCLAVE_OK;
    if (self->home != NULL) {
        err = peer_home_config(self->home, &config, why, why_cap);
        peer_shown_open(&self->shown, self->home->shown_fd, self->number);
        node.shown = self->shown.arrival;
    }
    if (err == CONCLAVE_OK)
        err = choose_link(node.settings.link, options->link != NULL ? options->link : config.link, remembered, why, why_cap);
    if (err == CONCLAVE_OK)
        err = choose_direct(&node.settings.direct, options->direct, config.direct, why, why_cap);
    if (err == CONCLAVE_OK)
        err = choose_listen(self, &node, host, options->listen != NULL ? options->listen : config.listen, why, why_cap);
    if (err == CONCLAVE_OK)
        err = peer_node_open(&self->node, loop, &node, why, why_cap);
    if (err == CONCLAVE_OK && self->home != NULL && peer_node_port(self->node) != 0 && !node.port_fixed)
        peer_home_keep_port(self->home, self->instance, peer_node_port(self->node));
    return err;
}

enum conclave_err
peer_setup_open(struct peer_setup *self, struct peer_loop *loop, struct peer_home **homes,
                const struct conclave_options *options, bool own_thread, char *why, size_t why_cap)
{
    struct remembered remembered = {0};
    const char *const instance = options->instance != NULL ? options->instance : "";
    *self = (struct peer_setup){.hold_messages = options->hold_messages};
    peer_shown_open(&self->shown, -1, 0); /* in memory, until there is a home */
    enum conclave_err err = peer_tells_init(&self->tells, own_thread, own_thread ? NULL : peer_loop_waiting(loop));
    if (err != CONCLAVE_OK)
        return err;
    (void)pthread_mutex_lock(&peers_lock);
    peers++;
    self->open = true;
    (void)pthread_mutex_unlock(&peers_lock);

    if (!peer_home_instance_valid(instance)) {
        (void)snprintf(why, why_cap, "An instance has up to 64 letters, digits, . _ and -.");
        err = CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    msg_text_copy(self->instance, sizeof self->instance, msg_text(instance));
    if (err == CONCLAVE_OK && options->log_file != NULL && host_log_open("conclave", HOST_LOG_FILE, options->log_file, MSG_LOG_DEBUG) != CONCLAVE_OK) {
        (void)snprintf(why, why_cap, "The log file %.200s cannot be written.", options->log_file);
        err = CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    if (err == CONCLAVE_OK && options->in_memory) {
        peer_keys_make(&self->keys);
    } else {
        if (err == CONCLAVE_OK)
            err = open_home(self, homes, options->home, why, why_cap);
        if (err == CONCLAVE_OK)
            err = open_keys(self, options, &remembered, why, why_cap);
    }
    if (err == CONCLAVE_OK)
        err = open_node(self, loop, options, &remembered, own_thread, why, why_cap);
    if (err != CONCLAVE_OK) {
        peer_setup_close(self, homes);
        peer_setup_release(self);
    }
    return err;
}

void
peer_setup_close(struct peer_setup *self, struct peer_home **homes)
{
    peer_node_close(&self->node);
    peer_shelf_close(&self->shelf);
    peer_shown_close(&self->shown);
    close_home(self, homes);
    (void)pthread_mutex_lock(&peers_lock);
    if (self->open && --peers == 0)
        host_zap_stop();
    self->open = false;
    (void)pthread_mutex_unlock(&peers_lock);
}

void
peer_setup_release(struct peer_setup *self)
{
    peer_tells_wipe(&self->tells);
    peer_keys_wipe(&self->keys);
}

enum conclave_err
peer_setup_passphrase(struct peer_setup *self, struct msg_text passphrase, char *why, size_t why_cap)
{
    char name[80];
    if (self->home == NULL) {
        (void)snprintf(why, why_cap, "There is no key file to lock: this peer is in memory.");
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    peer_home_file(name, sizeof name, "keys", self->instance);
    return peer_keyfile_write(&self->keys, self->home->dir_fd, name, passphrase, why, why_cap);
}

const char *
peer_setup_version(void)
{
    static char text[160];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    (void)pthread_mutex_lock(&lock);
    (void)snprintf(text, sizeof text, "%s (libzmq %d.%d.%d, libsodium %s, %s)", PACKAGE_VERSION, major, minor, patch,
                   msg_keys_library(), host_store_library());
    (void)pthread_mutex_unlock(&lock);
    return text;
}
