/* What the parts of the peer's core share: its whole state, and what each part
 * does for the others.  Only peer/core/core.c and its parts include this.
 *
 *   core.c      events in, commands of the user, the order of a step
 *   step.c      what each part adds to a step: numbers, timers, answers, log
 *   counts.c    what is counted, and told to the user who asks
 *   self.c      what this device keeps of itself: its record, its mail keys
 *   commands.c  what the user asks for
 *   restore.c   the core as it was, from records
 *   door.c      sign up, enrol, change a password: one request to the door
 *   session.c   the link to the front: dial, log in, keep the lease, come back
 *   requests.c  what was asked of the front and is not answered yet
 *   people.c    introductions, certificates, presence
 *   trust.c     blocked people, revoked devices, renewed trust
 *   links.c     links with devices: dial, greet, choose, drop
 *   relay.c     links that go through the front, where there is no other way
 *   talk.c      chains going out: say, send, send again, let go
 *   ticks.c     what became of what was said, told to the user
 *   hear.c      chains coming in: accept, sync, show, acknowledge
 *   post.c      batches sealed and opened: runs, envelopes, reseal
 *   room_ops.c  rosters of rooms: entries checked, applied, told
 *   room_read.c which rooms there are, and reading their rosters
 *   room_commands.c  what the user asks for in rooms
 *   room_asks.c the requests that take: find, propose, list
 *   room_hooks.c where keys and frames of rooms come in
 *   mail.c      what waits at the registry for a device of somebody: deposited
 *   mailbox.c   what waited there for this one: opened, and collected
 *   sealed.c    what came sealed and is no talk: keys of rooms, and questions for them
 *   room_post.c what is said in rooms: sealed, posted, and posted again
 *   room_keys.c our sender keys: made, and handed to everybody
 *   room_devices.c  of which devices of members the user is told
 *   room_log.c  the log of rooms: read, and as it comes
 *   room_hear.c frames of others: judged, opened, kept
 *   room_proof.c whose they are: signatures, as few as will do
 *   room_lack.c keys and certificates that frames wait for
 *   room_ticks.c what has come in small rooms, said and heard
 *   room_present.c  who is there of those in small rooms
 *   room_mesh.c rooms that are a mesh: our XPUB, and whom it admits
 *   room_publishers.c  the XPUBs of the others
 *   room_routes.c  which of them we hear, and what the front leaves out for that
 *   room_want.c what was missed while the registry is away: asked of members, and answered
 *   roster, rooms, meshes, cards, keyring, kept, outbox, held, present   pure tables */
#ifndef PEER_PARTS_H
#define PEER_PARTS_H

#include "msg/cert.h"
#include "msg/chain.h"
#include "msg/codec.h"
#include "msg/envelope.h"
#include "msg/name.h"
#include "msg/room.h"
#include "peer/tables/cards.h"
#include "peer/core/core.h"
#include "peer/core/counts.h"
#include "peer/tables/held.h"
#include "peer/tables/meshes.h"
#include "peer/tables/keyring.h"
#include "peer/tables/outbox.h"
#include "peer/tables/present.h"
#include "peer/tables/kept.h"
#include "peer/tables/rooms.h"
#include "peer/tables/roster.h"

#define PEER_NEVER UINT64_MAX
#define PEER_REQUESTS 64u
#define PEER_TYPED_MAX 512u         /* bytes of a name as it was typed */
#define PEER_MAIL_KEYS 8u           /* the current one and those retired within 40 days */
#define PEER_IDS 32u
#define PEER_ARRIVALS 1024u         /* messages told last, which may be said to be read */
#define PEER_MAILS 1024u            /* that came and are not collected yet: 256 KiB at most are under way */
#define PEER_PARCELS 256u           /* of rooms, that wait for the next DEPOSIT */
#define PEER_PARCELS_BYTES (256u << 10)
#define PEER_LINK_BYTES (MSG_FRAME_MAX - 64u) /* one message on a link: so that it fits into a RELAY as well */
#define PEER_STORED 1024u           /* messages in rooms, stored last: somebody may say that they have come */
#define PEER_TICKETS 512u           /* parcels with keys of rooms that are not deposited yet */
#define PEER_REVOCATIONS_MAX 60000u /* bytes of the signed list that is passed on */

struct peer_self {
    struct msg_link link;
    char link_text[MSG_LINK_MAX + 1];   /* "": none known */
    uint64_t account;                   /* 0: not enrolled */
    uint64_t device;
    struct msg_name name;
    struct msg_sign_pub signer;
    char front_host[MSG_HOST_MAX + 1];
    uint16_t front_port;
    struct msg_box_pub front;
    uint8_t certificate[MSG_CERT_MAX];
    size_t certificate_len;
    bool logged_out;
    uint64_t incarnation;
    uint64_t salt;
    uint64_t incarnation_store;         /* nothing is said before this transaction is synced */
    bool incarnation_synced;
    int64_t clock_ms;                   /* registry's wall clock minus ours */
    int64_t steady_ms;                  /* the same minus our monotonic one, which does not jump; 0: not heard in this life */
};

struct peer_mail_key { struct msg_box_pub pub; struct msg_box_sec sec; uint64_t created_ms; uint64_t retired_ms; };

enum peer_door_state { DOOR_CLOSED, DOOR_DIALLING, DOOR_ASKING, DOOR_RESTING };
struct peer_door {
    enum peer_door_state state;
    uint64_t link;
    enum msg_kind kind;                 /* SIGNUP, ENROL, PASSWD */
    uint64_t cmd;                       /* the command that this answers */
    uint64_t req;
    char name[PEER_TYPED_MAX + 1];
    char password[MSG_PASSWORD_MAX + 1];
    char renewed[MSG_PASSWORD_MAX + 1]; /* PASSWD: the new one */
    uint64_t again_ms;
    uint64_t until_ms;
    uint32_t denied;                    /* handshakes refused, in a row */
    uint32_t unresolved;                /* look-ups of its host that failed, in a row */
};

enum peer_session_state { SESSION_OFF, SESSION_WAITING, SESSION_DIALLING, SESSION_GREETING, SESSION_ONLINE };
struct peer_session {
    enum peer_session_state state;
    uint64_t link;
    uint64_t req;                       /* of the LOGIN */
    uint64_t cmd;                       /* the command that waits for being online; 0: none */
    uint64_t at_ms;                     /* next thing to do in this state */
    uint64_t until_ms;                  /* give this attempt up */
    uint64_t sent_ms;                   /* last frame to the front */
    uint64_t asked_ms;                  /* last PING, or LOGIN: answered with its time and what was revoked */
    uint64_t heard_ms;
    uint64_t lease_ms;
    uint64_t status;                    /* online or away, as the user set it */
    uint64_t renew_ms;                  /* the registry's time when the certificate is to be renewed */
    struct msg_box_pub certified;       /* the mail key in it */
    uint32_t failures;
    uint32_t denied;
    bool was_online;                    /* so that losing it is told once */
};

/* What a request that is about a room waits for. */
enum peer_room_step {
    ROOM_STEP_NONE,     /* it is about none */
    ROOM_STEP_FIND,     /* ROOM_FOUND: which room the name means */
    ROOM_STEP_EXISTS,   /* ROOM_FOUND: there is one, and we are not in it */
    ROOM_STEP_WHO,      /* FOUND: the account of a user */
    ROOM_STEP_QUEUED,   /* what was asked before it in that room */
    ROOM_STEP_READ,     /* our own roster: it is being read */
    ROOM_STEP_PROPOSE,  /* DONE: the operation is in order */
    ROOM_STEP_ORDERED,  /* our own roster: has its entry */
    ROOM_STEP_ROSTER,   /* ENTRIES: the reading of a roster itself, for nobody's command */
    ROOM_STEP_LIST,     /* ROOMS */
    ROOM_STEP_MEMBERS,  /* MEMBERS */
    ROOM_STEP_WATCH,    /* DONE */
    ROOM_STEP_LOG,      /* ROOM_LOG: a page of the log, for nobody's command; so are */
    ROOM_STEP_CARDS,    /* CARDS: of the members, to hand them our key */
    ROOM_STEP_CARD      /* CARDS: of somebody whose frame we have */
};

struct peer_room_order {
    enum peer_room_step step;
    struct msg_id room;
    uint64_t act;                       /* enum msg_act; 0: MEMBERS, or what is to be said */
    bool says;                          /* a message, in `said` of the request */
    bool describes;                     /* how the room is */
    uint64_t subject;                   /* account; 0: none, or not known yet */
    uint64_t flags;
    uint64_t seen;
    struct msg_head seen_head;
    uint64_t ts_ms;
    struct msg_head mark;               /* hash of the signed operation: by it we know our entry */
    uint32_t signings;
    uint64_t turn;                      /* what was asked first is done first, in each room */
    bool paused;                        /* it was given time to fit */
    bool looked;                        /* the roster was read to find whom it is about */
    bool proof;                         /* ROSTER: of a head (struct peer_room.proof) */
    struct msg_tag key;                 /* CARDS: whom it is for */
    uint64_t subject_device;            /* CARD */
    char who[PEER_TYPED_MAX + 1];       /* as typed, then as shown */
    char text[MSG_TOPIC_MAX + 1];
    char password[MSG_PASSWORD_MAX + 1];
};

struct peer_request {
    bool used;
    enum msg_kind kind;                 /* of the frame to the front */
    uint64_t cmd;                       /* the command it serves; 0: our own doing */
    uint64_t req;
    uint64_t made_ms;
    uint64_t sent_ms;                   /* 0: not yet */
    uint32_t tries;
    char name[PEER_TYPED_MAX + 1];      /* SEARCH, INTRODUCE; LIST: cursor */
    bool detailed;                      /* LIST */
    uint64_t number;                    /* REVOKE: device; LIST_REVOKED: after; INTRODUCE: contact index + 1 */
    struct peer_queue said;             /* what was said to somebody, or into a room, not known yet */
    bool forget;                        /* LOGOUT, REVOKE: of this device, to forget the account */
    struct peer_room_order order;       /* of those about rooms */
};

/* A parcel with a key; ticket 0: none. */
struct peer_ticket { uint64_t ticket; struct msg_id room; uint64_t account; struct msg_tag key; };

struct peer_arrival { uint64_t arrival; uint64_t account; uint64_t device; struct peer_mark mark; struct msg_id id; }; /* mark: zeros in a room: nobody is told that it was read */

/* A parcel of a DEPOSIT under way, or one that waits for the next. */
struct peer_parcel {
    uint64_t account;
    uint64_t device;
    uint64_t ticket;            /* of peer_mail_parcel; 0: our own talk with a contact */
    size_t len;                 /* while it waits: bytes of its frames */
    struct peer_mark upto;      /* what was said up to here is in it; zeros: nothing is */
    bool receipt;               /* so is this one */
    struct msg_receipt told;
    uint64_t serial;            /* which answers mail up to here */
};

/* Mail that came and is not collected yet. */
struct peer_mail_in {
    uint64_t serial;
    uint64_t account;
    uint64_t device;
    uint64_t store;             /* to be synced first */
    struct peer_mark mark;      /* what a receipt must cover first, if it asks for one */
    bool asks;
    size_t len;
};

struct peer_mailing {
    uint64_t req;               /* of the DEPOSIT under way; 0: none is */
    uint64_t sent_ms;
    uint64_t again_ms;          /* nothing is deposited before */
    uint64_t online_ms;         /* since when there is a session */
    bool due;                   /* for some device */
    uint32_t turn;              /* the device to begin with */
    struct peer_parcel parcels[MSG_LIST_PAGE]; /* of it */
    size_t parcel_count;
    uint8_t at[MSG_FRAME_MAX];  /* their bytes, as PARCELs */
    struct msg_list list;
    struct peer_parcel waiting[PEER_PARCELS];
    size_t waiting_count;
    uint8_t waiting_at[PEER_PARCELS_BYTES];
    size_t waiting_len;
    uint64_t next_ticket;
    struct peer_mail_in in[PEER_MAILS]; /* oldest first */
    size_t in_count;
    size_t in_bytes;
    uint64_t serial;            /* the last that came in this session */
    bool flooded;               /* more came than can be remembered: not before the next session */
};

struct peer_core {
    struct peer_settings settings;
    struct peer_identity identity;
    struct msg_time now;
    struct msg_effects *out;            /* of the step under way */
    struct peer_counts counts;
    struct peer_self self;
    struct peer_mail_key mail[PEER_MAIL_KEYS];  /* [0] is the current one */
    uint32_t mail_count;
    struct peer_mailing mailing;
    struct peer_door door;
    struct peer_session session;
    struct peer_request requests[PEER_REQUESTS];
    uint32_t requests_count;            /* of them, used */
    struct peer_roster roster;
    struct peer_rooms rooms;
    struct peer_meshes meshes;
    struct peer_cards cards;
    struct peer_keyring keyring;
    uint64_t keys_swept_ms;             /* when keys of rooms that are too old are looked for next */
    struct peer_kept kept;
    struct peer_present present;
    uint32_t room_reads;                /* rosters being read */
    uint32_t room_passes;               /* logs being read */
    bool rooms_syncing;                 /* chains in some room wait for the disk */
    bool room_posts_due;                /* some room has something to post */
    uint64_t room_routes;               /* version of the last ROOM_ROUTES, of any room */
    struct peer_stored room_stored[PEER_STORED];
    uint32_t room_stored_turn;
    struct peer_ticket room_tickets[PEER_TICKETS];
    size_t heard_len;                   /* bytes of the frame of the front that is being heard */
    struct peer_ahead ahead;            /* what follows the frame of a room that is being heard */
    struct peer_proof proof;
    uint64_t cast_bytes;                /* of ROOM_CASTs in this session */
    uint64_t cast_told;                 /* of these, ROOM_TAKEN */
    bool rooms_full;                    /* told in this session */
    bool rooms_stated;                  /* the registry has said in this session where all our rooms stand */
    bool room_watch;                    /* the user wants to hear of all rooms */
    struct peer_outbox *outbox;
    struct peer_held *held;
    bool dirty;                         /* some device has something to send */
    bool ticks_due;                     /* some ticks could not be told yet */
    uint64_t next_req;
    uint64_t next_link;
    uint64_t next_store;                /* the last one given out */
    uint64_t synced_store;
    uint64_t next_arrival;
    uint8_t ids[PEER_IDS][MSG_ID_RANDOM]; /* random, for messages to come */
    uint32_t ids_left;
    struct peer_arrival arrivals[PEER_ARRIVALS]; /* by arrival modulo their number */
    uint64_t due_ms;                    /* earliest timer */
    uint64_t asked_ms;                  /* earliest WAKE that is on its way */
    bool flush_asked;
    bool flush_now;                     /* in this step, not when woken for it */
    bool writes;                        /* this step has PUTs without their STORE yet */
    bool started;
    bool stopped;
    uint64_t watch_req;
    uint64_t watch_at_ms;
    uint64_t revoked_version;
    uint8_t revocations[PEER_REVOCATIONS_MAX];
    size_t revocations_len;
    char text[MSG_TEXT_MAX];            /* scratch */
    uint8_t batch[MSG_BATCH_MAX];       /* scratch: a batch being sealed or opened */
    struct msg_said says[MSG_BATCH_COUNT]; /* scratch: what is in a batch of a room; the texts are in `batch` */
    uint8_t frame[MSG_SOCKET_MAX];      /* scratch: a frame being made */
};

/* ---- step.c: for all parts ---- */
uint64_t peer_step_req(struct peer_core *self);
uint64_t peer_step_link(struct peer_core *self);
void peer_step_at(struct peer_core *self, uint64_t at_ms);         /* be woken by then */
uint64_t peer_step_store(struct peer_core *self);                  /* id of the transaction this step's PUTs will be in */
uint64_t peer_step_registry_ms(const struct peer_core *self);      /* its wall clock, as last heard */
void peer_step_heard_ms(struct peer_core *self, uint64_t registry_ms);
uint64_t peer_step_backoff(uint64_t first_ms, uint64_t last_ms, uint32_t failures); /* with jitter */
void peer_step_ok(struct peer_core *self, uint64_t cmd, const struct msg_id *id);
void peer_step_ok_already(struct peer_core *self, uint64_t cmd, struct msg_text text); /* nothing is to be done for it */
void peer_step_failed(struct peer_core *self, uint64_t cmd, enum conclave_err err, struct msg_text text, uint64_t retry_ms);
void peer_step_notice(struct peer_core *self, enum conclave_err err, struct msg_text text);
void peer_step_notice_about(struct peer_core *self, struct msg_text name, enum conclave_err err, struct msg_text text);
void peer_step_keep(struct peer_core *self, uint64_t arrival, enum msg_kind kind, const void *tell); /* a tell with an arrival of its own: its record, and told once that is synced; it must fit */
void peer_step_notice_kept(struct peer_core *self, struct msg_text name, enum conclave_err err, struct msg_text text); /* one that a crash must not lose */
void peer_step_session(struct peer_core *self, enum msg_session_state state, enum conclave_err err, struct msg_text text);
struct msg_text peer_step_unresolved(struct peer_core *self, const char *host); /* a sentence, in self->text */
void peer_step_log(struct peer_core *self, enum msg_log_level level, const char *what, const char *detail);
uint64_t peer_step_hurry(uint64_t a, uint64_t b);                  /* the earlier of two times, 0 being none */

/* ---- self.c ---- */
void peer_self_put(struct peer_core *self);
void peer_self_renew_mail(struct peer_core *self);                 /* when its week is over */
void peer_self_forget(struct peer_core *self);                     /* this account: as a fresh home, but for its keys */

/* ---- commands.c, restore.c ---- */
void peer_commands_take(struct peer_core *self, const struct msg_event *event);
void peer_restore_record(struct peer_core *self, const struct msg_event *event);

/* ---- door.c ---- */
void peer_door_ask(struct peer_core *self, enum msg_kind kind, uint64_t cmd, struct msg_text name, struct msg_text password, struct msg_text renewed);
void peer_door_up(struct peer_core *self);
void peer_door_down(struct peer_core *self, enum conclave_err err);
void peer_door_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any);
void peer_door_tick(struct peer_core *self);

/* ---- session.c ---- */
void peer_session_want(struct peer_core *self, uint64_t cmd);      /* be online */
void peer_session_end(struct peer_core *self);                     /* by the user */
void peer_session_up(struct peer_core *self);
void peer_session_down(struct peer_core *self, enum conclave_err err);
void peer_session_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any);
void peer_session_tick(struct peer_core *self);
void peer_session_send(struct peer_core *self, enum msg_kind kind, const void *message);
void peer_session_stop(struct peer_core *self);
bool peer_session_online(const struct peer_core *self);

/* ---- requests.c ---- */
struct peer_request *peer_requests_add(struct peer_core *self, enum msg_kind kind, uint64_t cmd, struct msg_text name); /* NULL: too many; told */
void peer_requests_send_all(struct peer_core *self);               /* online now */
void peer_requests_go(struct peer_core *self, struct peer_request *request); /* send, or wait for being online */
bool peer_requests_ending(const struct peer_core *self);
void peer_requests_ended(struct peer_core *self);
void peer_requests_unreachable(struct peer_core *self);            /* a dial failed */
enum conclave_err peer_session_refusal(const struct peer_core *self); /* why we are not online: refused, or not reached */
void peer_requests_answer(struct peer_core *self, enum msg_kind kind, const union msg_any *any);
void peer_requests_tick(struct peer_core *self);
void peer_requests_again(struct peer_core *self, struct peer_request *request, enum msg_kind kind); /* its next step, or page */
void peer_requests_pause(struct peer_core *self, struct peer_request *request, enum msg_kind kind, uint64_t ms); /* the same, after a while */
void peer_requests_end(struct peer_core *self, struct peer_request *request);

/* ---- people.c ---- */
void peer_people_say(struct peer_core *self, const struct msg_cmd_say *say);
void peer_people_introduce(struct peer_core *self, struct peer_contact *contact);
void peer_people_introduce_later(struct peer_core *self, struct peer_contact *contact);
void peer_people_introduced(struct peer_core *self, struct peer_request *request, const struct msg_introduced *answer);
void peer_people_not_introduced(struct peer_core *self, struct peer_request *request, enum conclave_err err, struct msg_text text);
void peer_people_introduction(struct peer_core *self, const struct msg_introduction *introduction);
void peer_people_presence(struct peer_core *self, const struct msg_presence *presence);
void peer_people_watch(struct peer_core *self);
void peer_people_watched(struct peer_core *self);
void peer_people_away(struct peer_core *self);                     /* the front link is gone */
enum conclave_err CONCLAVE_CHECK peer_people_take_cert(struct peer_core *self, struct peer_device *device, struct msg_span certificate, const struct msg_cert *cert);
void peer_people_keep_only(struct peer_core *self, struct peer_contact *contact, const uint64_t *listed, size_t count); /* drops the other devices */
void peer_people_tick(struct peer_core *self);
enum conclave_err CONCLAVE_CHECK peer_people_meet(struct peer_core *self, struct msg_span certificate, struct peer_device **device_p); /* a certificate that the registry handed out: pins its device */
void peer_people_warn(struct peer_core *self, struct peer_contact *contact, enum conclave_err err, struct msg_text text); /* once */

/* ---- trust.c ---- */
void peer_trust_drop(struct peer_core *self, struct peer_device *device);
void peer_trust_block(struct peer_core *self, uint64_t cmd, struct msg_text name, bool on);
void peer_trust_renew(struct peer_core *self, uint64_t cmd, struct msg_text name);
void peer_trust_revoked_version(struct peer_core *self, uint64_t version);
void peer_trust_revoked(struct peer_core *self, struct msg_span list);
bool peer_trust_is_revoked(const struct peer_core *self, uint64_t account, uint64_t device);

/* ---- links.c ---- */
void peer_links_want(struct peer_core *self, struct peer_contact *contact); /* something is to be sent */
void peer_links_dial(struct peer_core *self, struct peer_device *device);
void peer_links_up(struct peer_core *self, uint64_t link, const struct msg_box_pub *key);
void peer_links_down(struct peer_core *self, uint64_t link, enum conclave_err err);
void peer_links_frames(struct peer_core *self, const struct msg_event *event);
void peer_links_drop(struct peer_core *self, struct peer_device *device);
void peer_links_tick(struct peer_core *self);
struct peer_link *peer_links_best(const struct peer_core *self, struct peer_device *device); /* the one to send on; NULL: none is up */
struct peer_link *peer_links_direct(const struct peer_core *self, struct peer_device *device); /* the same, through the front aside */
bool peer_links_reaching(const struct peer_device *device);        /* a link is up, or on its way */
void peer_links_start_over(struct peer_core *self, struct peer_device *device);
void peer_links_send(struct peer_core *self, const struct peer_device *device, uint64_t link, enum msg_kind kind, const void *message);
void peer_links_send_bytes(struct peer_core *self, const struct peer_device *device, uint64_t link, struct msg_span frames); /* PEER_LINK_BYTES at most */
void peer_links_greet(struct peer_core *self, const struct peer_device *device, const struct peer_link *link);
bool CONCLAVE_CHECK peer_links_hello(struct peer_core *self, struct peer_device *device, struct peer_link *link, const struct msg_hello *frame, bool answer); /* false: it will not do */
bool CONCLAVE_CHECK peer_links_take(struct peer_core *self, struct peer_device *device, struct peer_link *link, enum msg_kind kind, const union msg_any *any);

/* ---- relay.c ---- */
void peer_relay_want(struct peer_core *self, struct peer_device *device); /* there is no other way, or none was found */
bool peer_relay_may_dial(struct peer_core *self, struct peer_device *device); /* the direct way again; counts as an attempt */
void peer_relay_send(struct peer_core *self, const struct peer_device *device, struct msg_span frames);
bool peer_relay_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any); /* false: none of its business */
void peer_relay_presence(struct peer_core *self, struct peer_contact *contact);
void peer_relay_away(struct peer_core *self);                      /* the session is over */
void peer_relay_tick(struct peer_core *self);

/* ---- talk.c ---- */
bool peer_talk_say(struct peer_core *self, struct peer_contact *contact, uint64_t cmd, struct msg_text text);
bool peer_talk_waits(const struct peer_core *self, const struct peer_contact *contact); /* something undelivered, or a receipt due */
bool peer_talk_device_waits(const struct peer_core *self, const struct peer_device *device);
void peer_talk_dirty(struct peer_core *self, struct peer_device *device);
void peer_talk_rewind(struct peer_core *self, struct peer_device *device);
void peer_talk_joined(struct peer_core *self, struct peer_device *device); /* new in the roster: where its chain starts */
void peer_hear_take(struct peer_core *self, struct peer_device *device, struct msg_span batch, struct peer_stand *stand); /* chain, at: where SAYs stand that come before any CHAIN, and then where it ended */
void peer_hear_arrived(struct peer_core *self, const struct peer_arrival *arrival); /* so that it can be said to be read */
void peer_talk_reincarnate(struct peer_core *self);
void peer_talk_acked(struct peer_core *self, struct peer_device *device, const struct msg_receipt *receipt);
void peer_hear_synced(struct peer_core *self, uint64_t store);
void peer_hear_go_on(struct peer_core *self);                      /* the disk has caught up */
void peer_hear_read(struct peer_core *self, uint64_t arrival);
void peer_talk_settle(struct peer_core *self, struct peer_contact *contact); /* lets go of what every device has */
void peer_talk_batch(struct peer_core *self, struct peer_device *device, struct msg_buf *batch); /* appends what is to be sent next */
void peer_hear_keep_read(struct peer_core *self, const struct peer_device *device);
void peer_hear_receipt(struct peer_core *self, struct peer_device *device, struct msg_buf *batch);
void peer_talk_tick(struct peer_core *self);
struct msg_id peer_talk_new_id(struct peer_core *self); /* for what is said now */
void peer_talk_renumber(struct peer_core *self, uint64_t incarnation); /* our disk is an older copy: what waits is numbered anew, after that one */
bool peer_talk_put(struct peer_core *self, const struct peer_device *device, uint32_t at, struct peer_mark *last, struct msg_buf *batch); /* one message of the outbox, under a CHAIN where it does not follow *last; false: no room */
void peer_talk_tell(struct peer_core *self, const struct peer_contact *contact, const struct msg_id *id, enum msg_tick tick);
bool peer_hear_owes(const struct peer_device *device);             /* a receipt */
struct msg_receipt peer_hear_receipt_now(const struct peer_device *device);
void peer_hear_told(struct peer_core *self, struct peer_device *device, const struct msg_receipt *receipt);

/* ---- ticks.c: told as far as there is room, the rest later ---- */
void peer_ticks_had(struct peer_core *self, struct peer_contact *contact, struct peer_device *device); /* it has more, or more was read there */
void peer_ticks_stored(struct peer_core *self, struct peer_contact *contact, struct peer_mark upto); /* the registry keeps it for one of their devices */
bool peer_ticks_returned(struct peer_core *self, struct peer_contact *contact, struct peer_device *device, struct peer_mark upto); /* it does no longer, for that device; false: that is no news of any message */
bool peer_ticks_kept(struct peer_core *self, const struct peer_contact *contact, struct peer_mark mark); /* the registry keeps it for one of their devices, now */
void peer_ticks_go_on(struct peer_core *self);                     /* the disk has caught up */

/* ---- post.c ---- */
void peer_post_flush(struct peer_core *self);                      /* all that are dirty */
void peer_post_run(struct peer_core *self, struct peer_device *device, uint64_t link, const struct msg_run_frame *frame);
void peer_post_sealed(struct peer_core *self, struct peer_device *device, uint64_t link, const struct msg_sealed *frame);
void peer_post_reseal(struct peer_core *self, struct peer_device *device, const struct msg_reseal *frame);

#include "peer/core/parts_rooms.h"
/* ---- mail.c ---- */
void peer_mail_online(struct peer_core *self);                     /* a session has begun */
void peer_mail_away(struct peer_core *self);                       /* it is over */
void peer_mail_forget(struct peer_core *self);                     /* so is the account */
void peer_mail_said(struct peer_core *self, struct peer_device *device); /* something is owed to it */
void peer_mail_look(struct peer_core *self, struct peer_device *device); /* something changed: what is to be mailed, and when */
void peer_mail_unlinked(struct peer_core *self, struct peer_device *device); /* no link takes what is due to it */
void peer_mail_gap(struct peer_core *self, struct peer_device *device, struct peer_mark delivered); /* it says that something after that is missing */
bool peer_mail_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any); /* false: none of its business */
void peer_mail_tick(struct peer_core *self);
void peer_mail_flush(struct peer_core *self);                      /* deposits what is due */
void peer_mail_stop(struct peer_core *self);                       /* the process ends */
struct peer_mark peer_mail_of_run(struct peer_core *self, const struct peer_device *device, const struct msg_tag *run); /* the last message of that parcel; 0: it is not waited for any more */

/* Seals a batch for a device and deposits it as soon as there is a session; what
 * becomes of it comes back once, with the ticket: peer_rooms_mailed.  It does
 * not outlive the process.  BUSY: too much waits; again after a ticket came
 * back.  TOO_LARGE: more than MSG_BATCH_MAX.  SEAL: a mail key that is none. */
enum conclave_err CONCLAVE_CHECK peer_mail_parcel(struct peer_core *self, const struct msg_cert *to, struct msg_span batch, uint64_t *ticket);

/* ---- mailbox.c ---- */
void peer_mailbox_take(struct peer_core *self, const struct msg_mail *mail);
void peer_mailbox_returned(struct peer_core *self, const struct msg_returned *returned);
void peer_mailbox_collect(struct peer_core *self);                 /* what is done with */
bool peer_mailbox_presses(const struct peer_core *self);           /* so much is not collected that receipts should not wait */
void peer_mailbox_answered(struct peer_core *self, const struct peer_device *device, const struct msg_receipt *receipt, uint64_t serial); /* mail up to it, by that receipt */

/* ---- sealed.c ---- */
void peer_rooms_sealed(struct peer_core *self, const struct msg_cert *from, enum msg_kind kind, const union msg_any *any);
void peer_rooms_mailed(struct peer_core *self, uint64_t ticket, enum conclave_err err); /* OK: on the registry's disk */

#endif
