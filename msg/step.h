/* How a core speaks with its shell.  A core is a function:
 *
 *     step(core, now, event) -> effects
 *
 * The shell reads the world, calls the core once for each event, then performs
 * the effects in order.  The core never sees a socket, a clock, a file or a
 * thread, and does not allocate after it was made.
 *
 * PUT and DELETE gather; STORE makes all of them since the last STORE one
 * transaction and gives it an id.  Transactions are committed in order; a
 * crash loses a tail of them, never one in the middle.  Once synced, the event
 * STORED comes back with the id, or with that of a later one: it stands for
 * all before it.  What must not be said before it is on disk
 * is asked for by the step that handles STORED, never beside the STORE. */
#ifndef MSG_STEP_H
#define MSG_STEP_H

#include "msg/base.h"
#include "msg/catalog.h"
#include "msg/keys.h"

enum msg_event_kind {
    EVENT_RECORD,    /* while it is restored: table, key, bytes of one record */
    EVENT_START,     /* restored; the world may be asked for things from now on */
    EVENT_FRAME,     /* bytes came on link; key: whose (proven by CURVE), source: from where */
    EVENT_LINK_UP,   /* a dialled link passed its handshake; or a first frame came on an accepted one */
    EVENT_LINK_DOWN, /* it is gone (err: why); it will not come back by itself */
    EVENT_STORED,    /* transactions up to id are synced (err OK), or nothing of id was written (err: why) */
    EVENT_COMMAND,   /* of the local user: a CMD_ frame in bytes, or command and message */
    EVENT_WAKE,      /* the time asked for by WAKE is there */
    EVENT_STOP,      /* orderly end: say goodbye */
    EVENT_FULL,      /* link takes no more for now: the CAST with that id did not reach it */
    EVENT_BOUND      /* link (of a LISTEN) is bound to port `id` (0: it could not be: err) */
};

struct msg_event {
    enum msg_event_kind kind;
    uint64_t id;                /* STORED, FULL; BOUND: port */
    uint64_t link;              /* FRAME, LINK_UP, LINK_DOWN */
    struct msg_box_pub key;     /* FRAME, LINK_UP: the transport key at the other end */
    struct msg_text source;     /* FRAME, LINK_UP: its address without port; "" unknown */
    uint32_t table;             /* RECORD */
    struct msg_span record_key; /* RECORD */
    struct msg_span bytes;      /* FRAME, COMMAND, RECORD */
    const struct msg_span *ahead; /* FRAME: what came after it on this link and will be fed next, as far as it is here */
    size_t ahead_count;
    enum msg_kind command;      /* COMMAND without bytes: its kind */
    const void *message;        /* and its struct, which a caller in the same thread need not encode */
    enum conclave_err err;      /* LINK_DOWN: REGISTRY_UNREACHABLE (refused, no answer), NOT_FOUND (its host is a name that does not resolve), UNKNOWN_KEY (handshake refused: theirs or ours), OK (orderly) */
};

enum msg_effect_kind {
    EFFECT_PUT,     /* table, key, bytes */
    EFFECT_DELETE,  /* table, key */
    EFFECT_STORE,   /* id: commit what gathered; STORED(id) comes back */
    EFFECT_SEND,    /* link, bytes: may be lost, late or doubled */
    EFFECT_TELL,    /* bytes: a TELL_ for the local user, as msg/flat has it */
    EFFECT_WAKE,    /* ms: call again no later than now + ms; 0: once the other events of this turn were given */
    EFFECT_DIAL,    /* link (chosen by the core), key: theirs, bytes: HOST:PORT */
    EFFECT_DROP,    /* link: close it, or cut an accepted one off */
    EFFECT_ADMIT,   /* key: let it in at the inbound socket (id 0), or at the XPUB of link id */
    EFFECT_EXPEL,   /* key: no longer, and cut it off */
    EFFECT_CAST,    /* bytes to each of the links that stand as u64 in the record key: as SEND, shared and not copied; id: comes back with FULL */
    EFFECT_LISTEN,  /* link (chosen by the core): bind an XPUB; port: this one if it is free, else on any; BOUND comes back.  SEND to it publishes, DROP closes it */
    EFFECT_SUBSCRIBE, /* as DIAL, with a SUB that takes everything: its frames come as FRAME */
    EFFECT_LOG      /* level, bytes: an id and a sentence, no secret, no content */
};

struct msg_effect {
    enum msg_effect_kind kind;
    uint32_t table;
    uint64_t id;            /* STORE, CAST; SEND, DIAL, DROP, LISTEN, SUBSCRIBE, ADMIT, EXPEL: link; WAKE: ms; LOG: level */
    uint16_t port;          /* LISTEN */
    struct msg_box_pub key; /* DIAL, ADMIT, EXPEL */
    size_t key_at;          /* PUT, DELETE: the record key; CAST: the links; in the arena */
    size_t key_len;
    size_t at;              /* bytes, in the arena */
    size_t len;
};

/* The list of effects of one or more steps.  Owned and reused by the shell:
 * its memory grows to the largest step there was and stays (out of memory ends
 * the process: there is nothing better to do). */
struct msg_effects {
    struct msg_effect *list;
    size_t count;
    size_t room;
    struct msg_buf arena;
    bool forget;    /* the shell keeps no records: PUT and DELETE are not even written down */
};

enum msg_log_level { MSG_LOG_ERROR, MSG_LOG_WARN, MSG_LOG_INFO, MSG_LOG_DEBUG };

void msg_effects_init(struct msg_effects *self);
void msg_effects_clear(struct msg_effects *self);   /* keeps the memory */
void msg_effects_wipe(struct msg_effects *self);    /* frees it */

struct msg_span msg_effects_bytes(const struct msg_effects *self, const struct msg_effect *effect);
struct msg_span msg_effects_key(const struct msg_effects *self, const struct msg_effect *effect);

/* What cores call. Structs and bytes are copied at once. */
void msg_effects_put(struct msg_effects *self, uint32_t table, struct msg_span key, enum msg_kind kind, const void *record);
void msg_effects_delete(struct msg_effects *self, uint32_t table, struct msg_span key);
void msg_effects_store(struct msg_effects *self, uint64_t id);
void msg_effects_send(struct msg_effects *self, uint64_t link, enum msg_kind kind, const void *message);
void msg_effects_send_bytes(struct msg_effects *self, uint64_t link, struct msg_span bytes);
void msg_effects_tell(struct msg_effects *self, enum msg_kind kind, const void *message);
void msg_effects_tell_bytes(struct msg_effects *self, struct msg_span bytes); /* what msg_flat_put wrote */
void msg_effects_wake(struct msg_effects *self, uint64_t ms);
void msg_effects_dial(struct msg_effects *self, uint64_t link, const struct msg_box_pub *key, struct msg_text endpoint);
void msg_effects_drop(struct msg_effects *self, uint64_t link);
void msg_effects_admit(struct msg_effects *self, const struct msg_box_pub *key);
void msg_effects_expel(struct msg_effects *self, const struct msg_box_pub *key);
void msg_effects_admit_at(struct msg_effects *self, uint64_t link, const struct msg_box_pub *key);
void msg_effects_expel_at(struct msg_effects *self, uint64_t link, const struct msg_box_pub *key);
void msg_effects_cast(struct msg_effects *self, const uint64_t *links, size_t count, struct msg_span bytes); /* id 0 */
void msg_effects_cast_as(struct msg_effects *self, uint64_t id, const uint64_t *links, size_t count, struct msg_span bytes);
size_t msg_effects_cast_count(const struct msg_effect *effect);
uint64_t msg_effects_cast_link(const struct msg_effects *self, const struct msg_effect *effect, size_t index);
void msg_effects_listen(struct msg_effects *self, uint64_t link, uint16_t port);
void msg_effects_subscribe(struct msg_effects *self, uint64_t link, const struct msg_box_pub *key, struct msg_text endpoint);
void msg_effects_log(struct msg_effects *self, enum msg_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Record keys: numbers as 8 big-endian bytes, so that they sort. */
#define MSG_RECORD_KEY_MAX 256u
struct msg_record_key { uint8_t at[MSG_RECORD_KEY_MAX]; size_t len; };
struct msg_record_key msg_record_key1(uint64_t a);
struct msg_record_key msg_record_key2(uint64_t a, uint64_t b);
struct msg_record_key msg_record_key3(uint64_t a, uint64_t b, uint64_t c);
struct msg_record_key msg_record_key_room(const struct msg_id *room, const uint64_t *numbers, size_t count); /* the room's 16 bytes, then numbers: 4 at most */
struct msg_span msg_record_key_span(const struct msg_record_key *key);
uint64_t msg_record_key_u64(struct msg_span key, size_t index); /* the index-th number; 0 when it is not there */

#endif
