/* libconclave: the peer as a library.  One `struct conclave` is one device of
 * one account.
 *
 * Two ways to run it:
 *  - its own thread: conclave_open; call from any one thread; conclave_next
 *    waits for the next event, or conclave_fd is polled beside other things.
 *  - many in one thread of yours: conclave_loop_new, conclave_open_in for each,
 *    then conclave_loop_turn again and again, and conclave_next (self, 0)
 *    after each turn.  Nothing here starts a thread for them but one ZAP
 *    handler and libzmq's own.
 *
 * A connection takes about four file descriptors, and each other member of a
 * small room is one: raise the soft limit (RLIMIT_NOFILE).  Without descriptors
 * left there are fewer, and what they would carry goes through the registry.
 *
 * Every request returns a number above 0; its answer is the one event that
 * carries that number.  A child process must not use what its parent opened. */
#ifndef CONCLAVE_H
#define CONCLAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg/errors.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONCLAVE_API __attribute__((visibility("default")))

struct conclave;
struct conclave_loop;

/* All may be NULL or 0: then the default in brackets holds. */
struct conclave_options {
    const char *home;       /* one directory for keys, state and config [the XDG directories] */
    const char *link;       /* invite link [the remembered one; else that of a conclaved of this user on this machine] */
    const char *listen;     /* HOST:PORT of the inbound socket [0.0.0.0 and a port that is kept; "none": no socket] */
    const char *passphrase; /* of the key file [CONCLAVE_PASSPHRASE; none] */
    const char *direct;     /* anyone | contacts | never [anyone] */
    bool in_memory;         /* keys and state in memory only, nothing on disk: for measurements */
    const char *instance;   /* many peers in one home, one store: the name of this one [""] */
    const char *log_file;   /* the library's debug log is appended here [no log: nothing is ever written to stdout or stderr] */
    bool hold_messages;     /* no MESSAGE events, nor others that have an arrival: what comes waits in the store, not shown,
                             * for an opening without this (for programs that do one thing and leave, such as `conclave send`).
                             * ROOM events are handed out, and again in that opening */
};

/* What went wrong in conclave_open, for people; valid until the next call in this thread. */
CONCLAVE_API const char *conclave_why(void);

/* Opens a home (makes it the first time) and starts its own thread.  IN_USE,
 * UNSAFE_FILE, LOCKED, STORE_..., REGISTRY_KEY_CHANGED (the link given is not
 * the one pinned), BAD_ARGUMENTS, SYSTEM. */
CONCLAVE_API enum conclave_err conclave_open(struct conclave **self_p, const struct conclave_options *options);

/* Says goodbye (offline for the others at once), syncs, frees.  At most 2 s. */
CONCLAVE_API void conclave_close(struct conclave **self_p);

CONCLAVE_API enum conclave_err conclave_loop_new(struct conclave_loop **self_p);
CONCLAVE_API enum conclave_err conclave_open_in(struct conclave_loop *loop, struct conclave **self_p, const struct conclave_options *options);
/* Waits up to timeout_ms (0: not, -1: for ever) for something to do, and does all
 * there is.  While answers come at once it looks for the next for up to 0.2 ms
 * before it sleeps. */
CONCLAVE_API enum conclave_err conclave_loop_turn(struct conclave_loop *loop, int timeout_ms);
CONCLAVE_API void conclave_loop_destroy(struct conclave_loop **self_p); /* closes its peers */

/* ---- requests ---- */
CONCLAVE_API uint64_t conclave_register(struct conclave *self, const char *name, const char *password);
CONCLAVE_API uint64_t conclave_login(struct conclave *self, const char *name, const char *password); /* both NULL: by the device's key */
CONCLAVE_API uint64_t conclave_logout(struct conclave *self, bool forget);
CONCLAVE_API uint64_t conclave_passwd(struct conclave *self, const char *old_password, const char *new_password);
CONCLAVE_API uint64_t conclave_devices(struct conclave *self);
CONCLAVE_API uint64_t conclave_revoke(struct conclave *self, uint64_t device);
CONCLAVE_API uint64_t conclave_delete_account(struct conclave *self);
CONCLAVE_API uint64_t conclave_list(struct conclave *self, bool detailed);
CONCLAVE_API uint64_t conclave_search(struct conclave *self, const char *name);
CONCLAVE_API uint64_t conclave_send(struct conclave *self, const char *name, const char *text, size_t text_bytes); /* to a user, or to a room: "#lab" */
CONCLAVE_API uint64_t conclave_block(struct conclave *self, const char *name, bool on);
CONCLAVE_API uint64_t conclave_trust(struct conclave *self, const char *name);
CONCLAVE_API uint64_t conclave_set_away(struct conclave *self, bool away);

/* STATS: what this device is doing and has done; at once, nobody is asked. */
CONCLAVE_API uint64_t conclave_stats(struct conclave *self);

/* ---- requests about rooms; a room's name has its # ---- */
enum conclave_room_flag { /* bits */
    CONCLAVE_ROOM_PRIVATE = 1, /* not listed; joined by invitation alone */
    CONCLAVE_ROOM_LOCKED = 2,  /* joined with a password, which the registry checks */
    CONCLAVE_ROOM_HISTORY = 4  /* members hand older keys to whoever joins */
};
enum conclave_act { /* what is done to a room; also the event that its members see of it */
    CONCLAVE_ACT_CREATE = 1,
    CONCLAVE_ACT_JOIN = 2,
    CONCLAVE_ACT_LEAVE = 3,
    CONCLAVE_ACT_INVITE = 4,
    CONCLAVE_ACT_KICK = 5,
    CONCLAVE_ACT_BAN = 6,
    CONCLAVE_ACT_UNBAN = 7,
    CONCLAVE_ACT_MUTE = 8,
    CONCLAVE_ACT_UNMUTE = 9,
    CONCLAVE_ACT_PROMOTE = 10, /* to moderator */
    CONCLAVE_ACT_DEMOTE = 11,
    CONCLAVE_ACT_TOPIC = 12,
    CONCLAVE_ACT_DELETE = 13,
    CONCLAVE_ACT_REVOKED = 14  /* an event alone: the registry shut out the user, or a device of theirs */
};

/* Makes a room that the caller owns.  flags: of enum conclave_room_flag; LOCKED
 * goes by itself with a password.  password: NULL or "" for none.  topic: NULL
 * or at most 1024 bytes.  OK; ROOM_EXISTS, BAD_NAME, BAD_ARGUMENTS,
 * TOO_LARGE, QUOTA_EXCEEDED. */
CONCLAVE_API uint64_t conclave_room_create(struct conclave *self, const char *room, unsigned flags, const char *password, const char *topic);

/* password: NULL or "" where the room has none.  OK; NO_SUCH_ROOM,
 * WRONG_CREDENTIALS (the room's password), BLOCKED, FORBIDDEN (banned, or
 * private and not invited). */
CONCLAVE_API uint64_t conclave_room_join(struct conclave *self, const char *room, const char *password);

/* Every other act.  user: whom it is done to; NULL for LEAVE, TOPIC and DELETE.
 * text: the new topic, NULL for all but TOPIC.  OK; NO_SUCH_ROOM, NO_SUCH_USER,
 * NOT_A_MEMBER, FORBIDDEN, TOO_LARGE, BAD_ARGUMENTS (CREATE, JOIN, REVOKED). */
CONCLAVE_API uint64_t conclave_room_act(struct conclave *self, const char *room, enum conclave_act act, const char *user, const char *text);

/* ROOMS: all that may be seen, by name; topics only if detailed. */
CONCLAVE_API uint64_t conclave_rooms(struct conclave *self, bool detailed);

/* ROOMS: that one, with its topic.  NO_SUCH_ROOM. */
CONCLAVE_API uint64_t conclave_room_info(struct conclave *self, const char *room);

/* MEMBERS: who is in a room, the owner first; behind them, as CONCLAVE_ROLE_NONE,
 * those who are invited to it or banned from it. */
CONCLAVE_API uint64_t conclave_members(struct conclave *self, const char *room);

/* From then on ROOM events tell of every public room that comes, goes or has
 * another topic, not only of those one is in.  Lasts while the peer is open. */
CONCLAVE_API uint64_t conclave_rooms_watch(struct conclave *self, bool on);

/* The user has read this message (and all before it from its sender): the
 * sender is told.  `arrival` is the event's.  Nobody is told about messages in
 * rooms. */
CONCLAVE_API void conclave_read(struct conclave *self, uint64_t arrival);

/* Locks the key file with a passphrase; "" unlocks it.  At once, no event. */
CONCLAVE_API enum conclave_err conclave_set_passphrase(struct conclave *self, const char *passphrase);

/* ---- events ---- */
enum conclave_event_kind {
    CONCLAVE_EVENT_SESSION,  /* state, name, err and text: why */
    CONCLAVE_EVENT_MESSAGE,  /* arrival, id, from, to, room ("": to us alone), ts_ms, text */
    CONCLAVE_EVENT_RECEIPT,  /* id, to, room, tick; QUEUED comes again when the registry gave up what was STORED; in a room
                              * `to` is "" for QUEUED and STORED, and DELIVERED, in rooms of up to 32, is for this message
                              * and all of ours before it, at member `to`, one of `others` */
    CONCLAVE_EVENT_PRESENCE, /* user, fresh; rooms, rooms_count: those of up to 32 members that we share with them (100 at most, no
                              * topics), where the user is no contact; none for a contact */
    CONCLAVE_EVENT_OK,       /* request; id of a message that was sent, else ""; text: a sentence where it was so already, else "" */
    CONCLAVE_EVENT_FAILED,   /* request, err, text, retry_ms */
    CONCLAVE_EVENT_USERS,    /* request, users, users_count */
    CONCLAVE_EVENT_USER,     /* request, user */
    CONCLAVE_EVENT_DEVICES,  /* request, devices, devices_count */
    CONCLAVE_EVENT_NOTICE,   /* arrival (0 for most), err, text: something a person should know; name: about whom, "" if about nobody */
    CONCLAVE_EVENT_ROOMS,    /* request, rooms, rooms_count */
    CONCLAVE_EVENT_MEMBERS,  /* request, room, members, members_count */
    CONCLAVE_EVENT_ROOM,     /* arrival, room, act; by: who did it; user: to whom, "" where to the room; both "" in a room that only
                              * conclave_rooms_watch told of; text: the topic of CREATE, TOPIC and our own JOIN; who owns the room after a
                              * LEAVE, "" if nothing changed; the device of REVOKED, "" if the account is gone */
    CONCLAVE_EVENT_GAP,      /* arrival, room, from, first, last: these messages of that sender are missing and will not come */
    CONCLAVE_EVENT_STATS     /* request, stats */
};
enum conclave_session { CONCLAVE_SESSION_CONNECTED, CONCLAVE_SESSION_REGISTERED, CONCLAVE_SESSION_LOGGED_IN, CONCLAVE_SESSION_RECONNECTING, CONCLAVE_SESSION_LOGGED_OUT };
enum conclave_tick { CONCLAVE_TICK_QUEUED, CONCLAVE_TICK_STORED, CONCLAVE_TICK_DELIVERED, CONCLAVE_TICK_READ };
enum conclave_role { CONCLAVE_ROLE_NONE, CONCLAVE_ROLE_MEMBER, CONCLAVE_ROLE_MODERATOR, CONCLAVE_ROLE_OWNER };
enum conclave_status { CONCLAVE_STATUS_OFFLINE, CONCLAVE_STATUS_ONLINE, CONCLAVE_STATUS_AWAY, CONCLAVE_STATUS_NOT_FOUND };

struct conclave_user { const char *name; enum conclave_status status; const char *endpoint; /* "" where it is not told */ };
struct conclave_device { uint64_t device; uint64_t created_ms; uint64_t seen_ms; bool online; bool revoked; bool current; };
struct conclave_room { const char *name; uint64_t members; const char *topic; unsigned flags; }; /* flags: of enum conclave_room_flag */
struct conclave_member { const char *name; enum conclave_role role; enum conclave_status status; bool muted; bool banned; bool invited; };

/* Times in ms, sizes in bytes, all else a number of things.  How things are
 * now: */
struct conclave_stats {
    uint64_t uptime_ms;         /* since it was opened */
    uint64_t session_ms;        /* since it logged in, at least 1; 0: it is not logged in */
    uint64_t people;            /* contacts that are not blocked.  Each of their devices is one of these: */
    uint64_t direct;            /* linked from machine to machine */
    uint64_t relayed;           /* linked through the registry */
    uint64_t dialling;          /* a link is on its way */
    uint64_t away;              /* not linked, and not online when last heard of: what is said goes by mail */
    uint64_t idle;              /* not linked, and not away: a link is made when something is said */
    uint64_t rooms;             /* that we are in */
    uint64_t mesh_rooms;        /* of them, those whose members send to each other without the registry */
    uint64_t mesh_heard;        /* devices that we hear without it: each once for each of its rooms */
    uint64_t waiting;           /* messages to people that no device of theirs is known to have */
    uint64_t waiting_stored;    /* of them, those that the registry keeps for one */
    uint64_t waiting_rooms;     /* messages in rooms that the registry has not stored yet */
    uint64_t waiting_oldest_ms; /* age of the oldest of both; 0: nothing waits */
    uint64_t memory_bytes;      /* of the whole process; 0: not known */
    /* since it was opened: */
    uint64_t log_ins;           /* all but the first were a return */
    uint64_t sent;              /* messages that were accepted from the user */
    uint64_t received;          /* messages that came for the user */
    uint64_t gaps_repaired;     /* times that messages were missing, were asked for, and came */
    uint64_t gaps_shown;        /* times that the user was told that they will not */
    uint64_t frames_in;         /* on all links, with the registry and with others; */
    uint64_t bytes_in;          /* of them, before CURVE */
    uint64_t frames_out;
    uint64_t bytes_out;
    uint64_t refused_registry;  /* what came and was not what it should be: of the registry, */
    uint64_t refused_links;     /* on links of other devices, */
    uint64_t refused_seals;     /* sealed to this device, or said to be, */
    uint64_t refused_rooms;     /* frames of rooms and keys for them */
};

/* Texts are C strings of UTF-8; text may have newlines, and anything a hostile
 * sender put there: make it harmless before a terminal sees it. */
struct conclave_event {
    enum conclave_event_kind kind;
    uint64_t request;
    enum conclave_err err;
    enum conclave_session state;
    enum conclave_tick tick;
    uint64_t arrival;       /* its place among what is kept until it was shown; 0: this is not */
    uint64_t ts_ms;
    uint64_t retry_ms;
    char id[33];            /* hex */
    const char *name;
    const char *from;
    const char *to;
    const char *text;
    size_t text_bytes;
    struct conclave_user user;
    const struct conclave_user *users;
    size_t users_count;
    const struct conclave_device *devices;
    size_t devices_count;
    const char *room;       /* with its #; "": none */
    const char *by;
    enum conclave_act act;
    uint64_t first;         /* numbers of messages, each sender's own count in a room */
    uint64_t last;
    const struct conclave_room *rooms;
    size_t rooms_count;
    const struct conclave_member *members;
    size_t members_count;
    uint64_t others;        /* members of a room beside ourselves, where one of them has a message */
    bool fresh;             /* nothing was known of them before, such as at the first log-in, or when they joined */
    const struct conclave_stats *stats; /* STATS; else NULL */
};

/* The next event, valid until the next call for this peer; NULL when none came
 * within timeout_ms (0: do not wait; -1: for ever).  Asking for the next one
 * says that the last was dealt with: what has an arrival (messages, what happens
 * in rooms, gaps, some notices) counts as shown from then on, and what was not
 * comes again after a crash. */
CONCLAVE_API const struct conclave_event *conclave_next(struct conclave *self, int timeout_ms);

/* Writes bytes to fd for the event that was given out last, and marks it as
 * shown.  Up to PIPE_BUF bytes to a pipe or a socket that nobody else writes to
 * are one with their mark (Linux 5.14): a kill -9 at whatever moment leaves
 * nothing out, and nothing is written twice.  Elsewhere (a terminal, a file)
 * the mark comes after the bytes, and a kill between them writes them twice.
 * All of it is written, or -1 is returned with errno (EINTR: a signal came
 * before the first byte; call it again, or not). */
CONCLAVE_API long conclave_show(struct conclave *self, int fd, const void *bytes, size_t len);

/* Readable while an event waits; only with a thread of its own. */
CONCLAVE_API int conclave_fd(struct conclave *self);

/* What is known without asking anybody. */
struct conclave_state { bool enrolled; bool online; bool logged_out; uint64_t unacknowledged; char name[129]; char link[401]; uint16_t port; };
CONCLAVE_API void conclave_get_state(struct conclave *self, struct conclave_state *out);

/* An error's stable code, such as "name-taken", and the sentence for people. */
CONCLAVE_API const char *conclave_error_code(enum conclave_err err);
CONCLAVE_API const char *conclave_error_sentence(enum conclave_err err);

/* "0.1.0", and the versions of libzmq, libsodium and LMDB it runs with. */
CONCLAVE_API const char *conclave_version(void);

#ifdef __cplusplus
}
#endif
#endif
