/* The options of conclaved: one table, from which they are read, checked,
 * documented and tested. */
#include "broker/settings.h"

#include <stdio.h>

#include "msg/name.h"

#define AT(field) offsetof(struct broker_settings, field)
#define TEXT(path, field, preset, help) \
    {path, HOST_OPTION_TEXT, AT(field), 0, sizeof((struct broker_settings *)0)->field, NULL, \
     preset, help}
#define NUMBER(path, field, min, max, preset, help) \
    {path, HOST_OPTION_NUMBER, AT(field), min, max, NULL, preset, help}
#define BOOL(path, field, preset, help) \
    {path, HOST_OPTION_BOOL, AT(field), 0, 0, NULL, preset, help}
#define CHOICE(path, field, choices, preset, help) \
    {path, HOST_OPTION_CHOICE, AT(field), 0, 0, choices, preset, help}

#define DAY_MS 86400000u

static const struct host_option options[] = {
    TEXT("listen", listen, "0.0.0.0:15600",
         "Where newcomers knock, HOST:PORT; 0.0.0.0 is every address of both families, an IPv6 "
         "address stands in brackets, and port 0 picks a free one. Takes effect at the next start."),
    TEXT("advertise", advertise, "",
         "The host that the invite link names; when it is empty, the one of listen, else the first "
         "routable address. Takes effect at the next start."),
    BOOL("registration", registration, "true",
         "Whether anybody may sign up; devices of accounts that exist can always be enrolled."),
    NUMBER("front/port", front_port, 0, 65535, "0",
           "The port for enrolled devices; 0 takes the one after listen's if it is free, else any, "
           "and keeps it, since devices remember it. Takes effect at the next start."),
    NUMBER("limits/accounts", limit_accounts, 1, 100000000, "100000", "Accounts in all."),
    NUMBER("limits/devices", limit_devices, 1, 32, "8", "Devices of one account."),
    NUMBER("limits/sessions", limit_sessions, 1, 1000000, "10000",
           "Devices that are logged in at once. Takes effect at the next start."),
    NUMBER("limits/watches", limit_watches, 1, 100000, "1024",
           "People whose presence one session follows."),
    NUMBER("limits/rooms", limit_rooms, 1, 1000000, "10000",
           "Rooms in all. Takes effect at the next start."),
    NUMBER("limits/room_members", limit_room_members, 1, 100000, "1024",
           "Members of one room; as many again may be invited."),
    NUMBER("limits/memberships", limit_memberships, 1, 10000000, "200000",
           "Members and invitations of all rooms together. Takes effect at the next start."),
    NUMBER("limits/account_rooms", limit_account_rooms, 1, 500, "200",
           "Rooms that one account is in; it may be invited to as many again."),
    NUMBER("limits/posts_per_s", limit_posts_per_s, 1, 1000000, "10000",
           "Frames that one session may post into rooms each second; each has up to 256 messages."),
    NUMBER("limits/post_mib_per_s", limit_post_mib_per_s, 1, 1000000, "1024",
           "MiB of them each second."),
    NUMBER("limits/requests", limit_requests, 1, 1000000, "1000",
           "Requests of one session in a burst."),
    NUMBER("limits/requests_per_s", limit_requests_per_s, 1, 1000000, "500",
           "Requests of one session each second once the burst is spent."),
    NUMBER("limits/relay_burst_bytes", limit_relay_burst_bytes, 65536, 1000000000, "16777216",
           "Bytes that one session sends to others through the registry, by relay and as mail, in a "
           "burst."),
    NUMBER("limits/relay_bytes_per_s", limit_relay_bytes_per_s, 1024, 1000000000, "4194304",
           "Those bytes each second once the burst is spent; what is beyond waits at its sender."),
    NUMBER("limits/signups", limit_signups, 1, 1000000, "50",
           "New accounts from one source address in a burst."),
    NUMBER("limits/signups_per_hour", limit_signups_per_hour, 1, 1000000, "50",
           "New accounts from one source address each hour once the burst is spent."),
    NUMBER("limits/knocks", limit_knocks, 1, 1000000, "100",
           "Requests at the door from one source address in a burst."),
    NUMBER("limits/knocks_per_minute", limit_knocks_per_minute, 1, 1000000, "60",
           "Requests at the door from one source address each minute once the burst is spent."),
    NUMBER("limits/pending", limit_pending, 1, 65536, "256",
           "Requests of the door that wait for an answer; those beyond are told to come back. "
           "Takes effect at the next start."),
    NUMBER("limits/connections", limit_connections, 1, 1000000, "15000",
           "Connections of enrolled devices; never more than 80 % of the descriptors. Takes effect "
           "at the next start."),
    NUMBER("limits/source_connections", limit_source_connections, 1, 1000000, "4096",
           "Those that come from one source address (or one IPv6 network of 64 bits). Takes effect "
           "at the next start."),
    NUMBER("limits/door_connections", limit_door_connections, 1, 1000000, "4096",
           "Connections of newcomers. Takes effect at the next start."),
    NUMBER("limits/door_source_connections", limit_door_source_connections, 1, 1000000, "1024",
           "Those that come from one source address (or one IPv6 network of 64 bits). Takes effect "
           "at the next start."),
    NUMBER("lease/ping_ms", lease_ping_ms, 100, DAY_MS, "15000",
           "A device says something at least this often, in milliseconds."),
    NUMBER("lease/expiry_ms", lease_expiry_ms, 200, DAY_MS, "45000",
           "A device that was silent for this long is offline; at least twice lease/ping_ms."),
    NUMBER("presence/gather_ms", presence_gather_ms, 0, 60000, "1000",
           "Changes of presence are gathered for this long before they are told."),
    NUMBER("mail/expiry_days", mail.expiry_days, 1, 3650, "30",
           "Days that mail waits for a device that is away; then its sender is told."),
    NUMBER("mail/device_messages", mail.device_messages, 1, 10000000, "10000",
           "Messages that wait for one device; a deposit beyond that is refused. This and what follows holds for what people "
           "say and, counted apart, for keys of rooms."),
    NUMBER("mail/device_mib", mail.device_mib, 1, 1048576, "64", "MiB that they take."),
    NUMBER("mail/sender_messages", mail.sender_messages, 1, 10000000, "2500",
           "Of these, messages of one account: beyond that a deposit of that account alone is refused, so that nobody "
           "can fill a mailbox for the others."),
    NUMBER("mail/sender_mib", mail.sender_mib, 1, 1048576, "16", "MiB that they take."),
    NUMBER("mail/account_messages", mail.account_messages, 1, 10000000, "20000",
           "Messages of one account that wait for others, in all mailboxes together."),
    NUMBER("mail/account_mib", mail.account_mib, 1, 1048576, "256", "MiB that they take."),
    NUMBER("rooms/mesh_join", rooms_mesh_join, 0, 1000, "16",
           "A room of up to so many members becomes a mesh, in which they publish to one another; 0: none does."),
    NUMBER("rooms/mesh_stay", rooms_mesh_stay, 0, 1000, "32",
           "A mesh stays one up to so many members; at least rooms/mesh_join."),
    NUMBER("rooms/log_frames", rooms_log_frames, 1, 1000000000, "10000",
           "The log of a room keeps so many frames, for members who were away; each has up to 256 messages."),
    NUMBER("rooms/log_days", rooms_log_days, 1, 30, "30",
           "It keeps them for so many days; members keep the keys no longer."),
    NUMBER("rooms/log_mib", rooms_log_mib, 1, 1000000, "64",
           "It keeps so many MiB of them."),
    CHOICE("throttle/scope", throttle_scope, "source|account", "source",
           "What failed log-ins block: the account for the source address they came from, or the "
           "account from everywhere, which lets anybody lock somebody else out."),
    NUMBER("throttle/failures", throttle_failures, 1, 1000, "3",
           "Failed log-ins before the block."),
    NUMBER("throttle/first_ms", throttle_first_ms, 1, DAY_MS, "10000",
           "How long the first block lasts; each further one twice as long."),
    NUMBER("throttle/last_ms", throttle_last_ms, 1, DAY_MS, "900000",
           "The longest block; at least throttle/first_ms."),
    NUMBER("password/min", password_min, 8, 512, "8", "Characters of a password, at the least."),
    BOOL("password/quality", password_quality, "true",
         "Whether new passwords are judged by libpwquality, with its dictionary."),
    NUMBER("password/memory_kib", password_memory_kib, 8, 4194304, "19456",
           "Memory of one password hash (Argon2id); hashes are renewed at the next use of the "
           "password. More than twice the value at the start takes a restart."),
    NUMBER("password/passes", password_passes, 1, 1000, "2",
           "Passes of one password hash (Argon2id)."),
    NUMBER("monitor/interval_ms", monitor_interval_ms, 0, 3600000, "1000",
           "So often the registry publishes how it is, for conclave-top, in milliseconds; 0: not at all."),
    TEXT("monitor/tcp", monitor_tcp, "",
         "Where monitors on other machines connect, HOST:PORT; they see figures, no names. Empty: nowhere. Takes effect "
         "at the next start."),
    TEXT("monitor/tcp_names", monitor_tcp_names, "",
         "The same for monitors that also see the names of users and rooms. Takes effect at the next start."),
    TEXT("monitor/keys", monitor_keys, "monitor.keys",
         "The file with the keys of these monitors, in the data directory or with its whole path: on each line the "
         "public key that conclave-top --key FILE prints, and the word names if it may see those."),
    NUMBER("store/map_mib", store_map_mib, 8, 16777216, "4096",
           "The most that the store may grow to; address space, not disk. Takes effect at the next "
           "start."),
    BOOL("store/sync", store_sync, "true",
         "false lets a crash of the machine lose the last commits, though never damage the store. "
         "Takes effect at the next start."),
    CHOICE("log/level", log_level, "error|warn|info|debug", "info", "What is logged."),
    CHOICE("log/to", log_to, "stderr|syslog", "stderr", "Where it is logged."),
};

const struct host_option *
broker_settings_options(size_t *count)
{
    *count = sizeof options / sizeof *options;
    return options;
}

enum conclave_err
broker_settings_listen(const struct broker_settings *self, char host[MSG_HOST_MAX + 1],
                       uint16_t *port, char *why, size_t why_cap)
{
    if (msg_endpoint_parse(host, port, msg_text(self->listen)) == CONCLAVE_OK)
        return CONCLAVE_OK;
    snprintf(why, why_cap,
             "listen is HOST:PORT with a port from 0 to 65535, and an IPv6 address in brackets: "
             "0.0.0.0:15600 or [::1]:15600, not \"%s\".",
             self->listen);
    return CONCLAVE_ERR_CONFIG;
}

bool
broker_settings_is_host(const char *text)
{
    char place[MSG_ENDPOINT_MAX + 1], host[MSG_HOST_MAX + 1];
    uint16_t port;

    if (strlen(text) > MSG_HOST_MAX)
        return false;
    msg_endpoint_print(place, sizeof place, text, 1);
    return msg_endpoint_parse(host, &port, msg_text(place)) == CONCLAVE_OK && strcmp(host, text) == 0;
}

static enum conclave_err
check(const struct broker_settings *self, char *why, size_t why_cap)
{
    char host[MSG_HOST_MAX + 1];
    uint16_t port;

    if (broker_settings_listen(self, host, &port, why, why_cap) != CONCLAVE_OK)
        return CONCLAVE_ERR_CONFIG;
    if (self->advertise[0] != '\0' && !broker_settings_is_host(self->advertise)) {
        snprintf(why, why_cap,
                 "advertise is a host name, or an address without brackets and port, not \"%s\".",
                 self->advertise);
        return CONCLAVE_ERR_CONFIG;
    }
    if ((self->monitor_tcp[0] != '\0' && msg_endpoint_parse(host, &port, msg_text(self->monitor_tcp)) != CONCLAVE_OK)
        || (self->monitor_tcp_names[0] != '\0'
            && msg_endpoint_parse(host, &port, msg_text(self->monitor_tcp_names)) != CONCLAVE_OK)) {
        snprintf(why, why_cap, "monitor/tcp and monitor/tcp_names are HOST:PORT, such as 127.0.0.1:15690.");
        return CONCLAVE_ERR_CONFIG;
    }
    if (self->lease_expiry_ms < 2 * self->lease_ping_ms) {
        snprintf(why, why_cap, "lease/expiry_ms must be at least twice lease/ping_ms.");
        return CONCLAVE_ERR_CONFIG;
    }
    if (self->rooms_mesh_stay < self->rooms_mesh_join) {
        snprintf(why, why_cap, "rooms/mesh_stay must be at least rooms/mesh_join.");
        return CONCLAVE_ERR_CONFIG;
    }
    if (self->throttle_last_ms < self->throttle_first_ms) {
        snprintf(why, why_cap, "throttle/last_ms must be at least throttle/first_ms.");
        return CONCLAVE_ERR_CONFIG;
    }
    return CONCLAVE_OK;
}

enum conclave_err
broker_settings_load(struct broker_settings *self, const char *file, char *why, size_t why_cap)
{
    enum conclave_err err = CONCLAVE_OK;
    char sentence[BROKER_WHY_MAX / 2];

    memset(self, 0, sizeof *self);
    host_config_preset(self, options, sizeof options / sizeof *options);
    if (file != NULL && *file != '\0')
        err = host_config_load(self, options, sizeof options / sizeof *options, file, why, why_cap);
    if (err != CONCLAVE_OK)
        return err;
    err = check(self, sentence, sizeof sentence);
    if (err != CONCLAVE_OK)
        snprintf(why, why_cap, "%s: %s", file != NULL ? file : "", sentence);
    return err;
}

/* Bytes of an option's field. */
static size_t
size_of(const struct host_option *option)
{
    switch (option->kind) {
    case HOST_OPTION_TEXT:
        return (size_t)option->max;
    case HOST_OPTION_BOOL:
        return sizeof(bool);
    case HOST_OPTION_NUMBER:
    case HOST_OPTION_CHOICE:
        return sizeof(uint64_t);
    }
    return 0;
}

const char *
broker_settings_keep(struct broker_settings *now, const struct broker_settings *before)
{
    const char *path = NULL;

    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        uint8_t *at = (uint8_t *)now + options[i].offset;
        const uint8_t *was = (const uint8_t *)before + options[i].offset;
        if (strstr(options[i].help, "next start") == NULL
            || memcmp(at, was, size_of(&options[i])) == 0)
            continue;
        memcpy(at, was, size_of(&options[i]));
        if (path == NULL)
            path = options[i].path;
    }
    return path;
}

struct broker_front_settings
broker_settings_core(const struct broker_settings *self)
{
    return (struct broker_front_settings){
        .accounts = self->limit_accounts,
        .devices = self->limit_devices,
        .sessions = self->limit_sessions,
        .watches = self->limit_watches,
        .rooms = self->limit_rooms,
        .room_members = self->limit_room_members,
        .memberships = self->limit_memberships,
        .account_rooms = self->limit_account_rooms,
        .mesh_join = self->rooms_mesh_join,
        .mesh_stay = self->rooms_mesh_stay,
        .posts_per_s = self->limit_posts_per_s,
        .post_kib_per_s = self->limit_post_mib_per_s * 1024,
        .log_frames = self->rooms_log_frames,
        .log_bytes = self->rooms_log_mib << 20,
        .log_ms = self->rooms_log_days * 86400000u,
        .requests_burst = self->limit_requests,
        .requests_per_s = self->limit_requests_per_s,
        .relay_burst_bytes = self->limit_relay_burst_bytes,
        .relay_bytes_per_s = self->limit_relay_bytes_per_s,
        .mail = self->mail,
        .lease_ms = self->lease_ping_ms,
        .expiry_ms = self->lease_expiry_ms,
        .gather_ms = self->presence_gather_ms,
        .throttle_account = self->throttle_scope == 1,
        .throttle_failures = self->throttle_failures,
        .throttle_first_ms = self->throttle_first_ms,
        .throttle_last_ms = self->throttle_last_ms,
        .registration = self->registration,
    };
}
