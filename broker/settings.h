/* What an operator may set: the options of conclaved.conf and of the command
 * line, their defaults and what they are for. */
#ifndef BROKER_SETTINGS_H
#define BROKER_SETTINGS_H

#include "broker/core/front_core.h"
#include "host/config.h"
#include "msg/base.h"
#include "msg/error.h"

#define BROKER_WHY_MAX 1024u /* bytes of a sentence about what is wrong */
#define BROKER_PATH_MAX 4096u

/* Plain values without pointers: it goes to the other processes as it is. */
struct broker_settings {
    char listen[MSG_ENDPOINT_MAX + 1];
    char advertise[MSG_HOST_MAX + 1];
    bool registration;
    uint64_t front_port;
    uint64_t limit_accounts;
    uint64_t limit_devices;
    uint64_t limit_sessions;
    uint64_t limit_watches;
    uint64_t limit_rooms;
    uint64_t limit_room_members;
    uint64_t limit_memberships;
    uint64_t limit_account_rooms;
    uint64_t limit_posts_per_s;
    uint64_t limit_post_mib_per_s;
    uint64_t limit_requests;
    uint64_t limit_requests_per_s;
    uint64_t limit_relay_burst_bytes;
    uint64_t limit_relay_bytes_per_s;
    struct broker_mail_limits mail;
    uint64_t limit_signups;
    uint64_t limit_signups_per_hour;
    uint64_t limit_knocks;
    uint64_t limit_knocks_per_minute;
    uint64_t limit_pending;
    uint64_t limit_connections;
    uint64_t limit_source_connections;
    uint64_t limit_door_connections;
    uint64_t limit_door_source_connections;
    uint64_t lease_ping_ms;
    uint64_t lease_expiry_ms;
    uint64_t presence_gather_ms;
    uint64_t rooms_mesh_join;
    uint64_t rooms_mesh_stay;
    uint64_t rooms_log_frames;
    uint64_t rooms_log_days;
    uint64_t rooms_log_mib;
    uint64_t throttle_scope; /* 0: source, 1: account */
    uint64_t throttle_failures;
    uint64_t throttle_first_ms;
    uint64_t throttle_last_ms;
    uint64_t password_min;
    bool password_quality;
    uint64_t password_memory_kib;
    uint64_t password_passes;
    uint64_t monitor_interval_ms; /* 0: nothing is published */
    char monitor_tcp[MSG_ENDPOINT_MAX + 1]; /* "": none */
    char monitor_tcp_names[MSG_ENDPOINT_MAX + 1];
    char monitor_keys[256];
    uint64_t store_map_mib;
    bool store_sync;
    uint64_t log_level; /* enum msg_log_level */
    uint64_t log_to;    /* enum host_log_to */
};

/* The table of options; how many there are comes back in *count. */
const struct host_option *broker_settings_options(size_t *count);

/* Defaults, then the file (NULL or "": none), then what must fit together.
 * CONFIG with the sentence in `why`; NOT_FOUND when the file is not there. */
enum conclave_err CONCLAVE_CHECK
broker_settings_load(struct broker_settings *self, const char *file, char *why, size_t why_cap);

/* HOST and PORT of `listen`. */
enum conclave_err CONCLAVE_CHECK
broker_settings_listen(const struct broker_settings *self, char host[MSG_HOST_MAX + 1],
                       uint16_t *port, char *why, size_t why_cap);

/* A host that an invite link can name: no brackets, no port. */
bool broker_settings_is_host(const char *text);

/* What of it the front's core goes by.  The rest is the shell's to fill in: the
 * front's port (and host, if it is not the link's), and the keys. */
struct broker_front_settings broker_settings_core(const struct broker_settings *self);

/* The path of the first option that differs and that a reload cannot change;
 * NULL: none.  The fields of such options are then set back in `now`. */
const char *broker_settings_keep(struct broker_settings *now, const struct broker_settings *before);

#endif
