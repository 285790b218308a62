/* A whole Conclave in one thread: the registry's cores and any number of
 * peers on a seeded clock, network and disk.  The same seed gives the same
 * run, keys included.  What may never happen is checked while it runs
 * (check.c) and once it has come to rest (sim_settle).
 *
 *   random.c     the seed: ours, and libsodium's
 *   signatures.c what was signed, so that it is checked once
 *   schedule.c   simulated time, and what happens when
 *   disk.c       tables and transactions; a crash loses a tail of them
 *   conns.c      which connections there are
 *   net.c        connections: delay, loss, repeats, cuts, partitions
 *   xpub.c       what members of a mesh publish, and to whom
 *   proc.c       a core in its shell: effects, crash, restart
 *   registry.c   door, front and a vault
 *   user.c       people who sign up, talk, read, and what they were told
 *   acts.c       what they do when their scenario says so
 *   rooms.c      what they do in rooms, and what must hold there
 *   room_talk.c  what they say in rooms, and who must be shown it, and who never
 *   room_keys.c  who could read it
 *   check.c      what may never happen
 *   check_mail.c what the registry keeps, as those can read it whom it is for
 *   scenarios*.c stories that read like specifications */
#ifndef SIM_H
#define SIM_H

#include "broker/core/door_core.h"
#include "broker/core/front_core.h"
#include "msg/codec.h"
#include "msg/name.h"
#include "peer/core/core.h"
#include "tests/sim/set.h"
#include "tools/simnet/chance.h"
#include "tools/simnet/queue.h"

#define SIM_ACCOUNTS SIM_PROCS
#define SIM_SECOND   1000000ull /* simulated microseconds */
#define SIM_MS       1000ull
#define SIM_NEVER    UINT64_MAX
#define SIM_MARKER   "~SECRET~" /* in every text that is said */
#define SIM_DOOR     0u         /* number of that process */
#define SIM_FRONT    1u
#define SIM_NONE     UINT32_MAX
#define SIM_XPUBS    8u         /* of one peer */
#define SIM_SUBSCRIBERS 128u    /* of one of them */

struct sim;
struct sim_event;
typedef void sim_event_fn(struct sim *sim, struct sim_event *event);

struct sim_event {
    uint64_t at_us;
    sim_event_fn *run;
    uint32_t proc; /* whose it is; SIM_NONE: nobody's */
    uint32_t life; /* of that process: an event of an earlier one is void */
    uint64_t a, b;
    uint8_t *bytes; /* owned by the event */
    size_t len;
};

/* ---- disk ---- */
struct sim_record {
    uint32_t table;
    struct msg_record_key key;
    uint8_t *at;
    size_t len;
};
struct sim_op {
    bool put;
    struct sim_record record;
};
struct sim_tx {
    uint64_t id;
    struct sim_op *ops;
    size_t count;
};
struct sim_disk {
    struct sim_record *records; /* committed, sorted */
    size_t count, room;
    struct sim_op *gathered; /* since the last STORE */
    size_t gathered_count, gathered_room;
    struct sim_tx *pending; /* stored, not committed yet, oldest first */
    size_t pending_count, pending_room;
    uint64_t last_us; /* when the last of them will be */
    uint64_t shown;   /* a peer's: the mark of its user */
    uint64_t account; /* a peer's, at the registry: by what is committed; 0: none, or logged out */
};

/* ---- network ---- */
struct sim_net {
    uint32_t loss, repeat; /* of 1000 frames */
    bool reorders;         /* delays are independent of each other */
    uint64_t delay_min_us, delay_max_us;
    uint32_t cut;        /* of 1000 frames sent: the connection ends there */
    uint32_t dial_fails; /* of 1000 dials: nothing comes of it, not even an answer */
    uint32_t unpublished; /* of 1000 frames that are published: dropped for one subscriber, who did not keep up */
};
struct sim_side {
    uint32_t proc, life;
    uint64_t link;    /* 0: an accepted one that had no frame yet */
    bool open;        /* its shell knows of it */
    bool doomed;      /* LINK_DOWN is on its way */
    uint64_t last_us; /* the last arrival that is planned */
};
struct sim_conn {
    struct sim_side side[2]; /* who dialled, who accepted */
    char endpoint[MSG_ENDPOINT_MAX + 1];
    struct msg_box_pub key; /* that the dialler expects */
    bool up, dead;          /* dead: nothing passes any more */
    bool subscribes;        /* a SUB dialled */
    uint64_t xpub;          /* it is accepted there; 0: at the inbound socket */
    uint64_t from_us;       /* its subscription is there */
};
/* Where a link stands: of a process in its last life that had such a one. */
struct sim_place {
    uint32_t proc, side;
    uint64_t link; /* 0: free */
    size_t conn;
};
/* An XPUB of a peer. */
struct sim_xpub {
    uint64_t link; /* 0: free */
    uint16_t port;
    struct msg_box_pub admitted[SIM_SUBSCRIBERS];
    size_t admitted_count;
};

/* ---- processes ---- */
enum sim_kind { SIM_KIND_DOOR, SIM_KIND_FRONT, SIM_KIND_PEER };
enum sim_wish { SIM_WISH_NOTHING, SIM_WISH_SIGNUP, SIM_WISH_ENROL };

struct sim_command {
    uint64_t req;
    enum msg_kind kind;
    uint32_t said;
    bool answered;
};

struct sim_user {
    uint32_t account;
    enum sim_wish wish;
    char password[32];
    bool uncertain;  /* a sign-up whose answer was never seen */
    bool enrolled;   /* was told so */
    bool registered; /* was told REGISTERED */
    bool gave_up;
    bool revoked;
    uint64_t online_us; /* was last told LOGGED_IN; 0: not online */
    uint64_t next_req;
    struct sim_command *commands;
    size_t command_count, command_room;
    uint64_t tell_us; /* when the last tell will be consumed */
    uint32_t reads;   /* of 1000 messages that are said to be read */
    uint64_t blocked[SIM_ACCOUNTS]; /* since when the user knows them blocked; 0: not; SIM_NEVER: perhaps */
    uint64_t last_user_status; /* of the last answer to SEARCH */
    uint32_t failures;         /* TELL_FAILED in all */
    uint32_t users_listed;     /* in the last answer to WHO, so far */
    bool users_done;
    enum conclave_err last_err;
    bool key_changed; /* was told so */
    uint32_t mail_full, mail_returned; /* the same, so often */
    uint8_t present[SIM_ACCOUNTS]; /* enum msg_status, as told in this life */
    uint32_t split, broken; /* that others see another roster; that a chain is broken */
};

struct sim_proc {
    enum sim_kind kind;
    uint32_t index;
    uint32_t host; /* who shares a host is never parted */
    bool up;
    uint32_t life;
    uint64_t mono_ms; /* its clock when the run began */
    int64_t wall_ms;  /* how wrong its wall clock is */
    uint64_t wake_us;
    uint64_t stalled_us; /* it is stopped until then, and what comes for it waits */
    uint32_t crash_in;   /* effects; 0: not planned */
    uint32_t crash_mean; /* for the lives to come; 0: never */
    uint64_t links;      /* accepted so far, in this life */
    struct sim_disk disk;
    struct msg_box_pub key; /* transport */
    char address[32];
    uint16_t port;
    struct peer_core *peer;
    struct peer_settings settings;
    struct peer_identity identity;
    struct msg_box_pub *admitted;
    size_t admitted_count, admitted_room;
    struct sim_xpub xpubs[SIM_XPUBS];
    uint64_t published; /* frames that came from XPUBs */
    struct broker_door_core *door;
    struct broker_front_core *front;
    struct sim_user user;
    struct sim_disk snapshot;
    bool restored; /* from an older state of its disk */
    uint64_t snapshot_us, restored_us;
};

/* ---- what was said ---- */
struct sim_said {
    uint32_t from; /* process */
    uint32_t to;   /* account */
    uint64_t at_us;
    bool accepted;                /* TELL_OK was consumed */
    bool failed;                  /* TELL_FAILED was */
    bool queued, stored, delivered, read; /* ticks that were */
    bool mailed;                          /* it is, or was, on the registry's disk */
    bool returned;                        /* told as queued again, when it was no longer */
    bool out_committed;
    bool lost; /* its sender's disk was put back behind it */
    bool has_id;
    struct msg_id id;
    struct sim_set expected;  /* devices of the other side then */
    struct sim_set shown;     /* where the user has seen it */
    uint64_t told_us;   /* when it was first shown */
    struct sim_set committed; /* where it is on disk */
    struct sim_set was_read;  /* where the user said so */
    char room[16];      /* "": a direct one; `to` is nobody then */
    struct sim_set never;     /* who must not be shown it: gone when it was said */
    uint64_t incarnation, salt, number; /* its place in the chain of who said it */
    uint64_t logged_us; /* when the registry had it on disk first; 0: not */
};

struct sim_account {
    char name[33];
    bool deleted;
};

/* Somebody's way through a room, by what the registry has on disk. */
#define SIM_SEATS 1024u
struct sim_seat {
    struct msg_id room;
    uint64_t account; /* at the registry */
    bool in, muted;
    uint64_t came_us, went_us, muted_us; /* last; 0: never */
};

/* A state of a sender key that somebody was given. */
struct sim_key {
    uint32_t proc;
    struct msg_tag key;
    uint64_t counter;
};
/* A message in a frame. */
struct sim_seal {
    size_t said;
    struct msg_tag key;
    uint64_t counter, at_us;
};
/* What comes to `to` in the place of a frame that `from` sends; its memory is
 * the liar's, until the next. */
struct sim;
typedef struct msg_span sim_lies_fn(struct sim *sim, const struct sim_proc *from, const struct sim_proc *to, struct msg_span bytes);

struct sim {
    uint64_t seed;
    const char *scenario;
    bool trace; /* to stderr as it happens */
    bool failed;
    char failure[512];
    struct simnet_chance chance;
    uint64_t now_us;
    uint64_t steps;
    struct simnet_queue queue; /* ties by the seed */
    struct sim_net net;
    struct sim_net registry_net;       /* for connections with the registry */
    bool parted[SIM_PROCS][SIM_PROCS]; /* by host */
    struct sim_conn *conns;
    size_t conn_count, conn_room;
    struct sim_place *places; /* open addressing */
    size_t place_count, place_room;
    struct sim_proc *procs; /* SIM_PROCS of them */
    uint32_t proc_count;
    struct sim_account accounts[SIM_ACCOUNTS];
    uint32_t account_count;
    struct sim_seat seats[SIM_SEATS];
    uint32_t seat_count;
    struct sim_key *keys;
    size_t key_count, key_room;
    struct sim_seal *seals;
    size_t seal_count, seal_room;
    bool room_history; /* #den is a room with history */
    struct sim_said *said;
    size_t said_count, said_room;
    uint64_t (*last_shown)[SIM_PROCS]; /* sender, reader: index of the message + 1 */
    uint64_t *nonces; /* last 8 bytes of each that was used; open addressing */
    size_t nonce_count, nonce_room;
    struct msg_effects effects;
    struct msg_sign_pub signer;
    struct msg_sign_sec signer_sec;
    struct msg_box_pub door_key, front_key;
    char link[MSG_LINK_MAX + 1];
    uint64_t commit_min_us, commit_max_us;
    uint64_t restart_min_us, restart_max_us;
    uint64_t to_be_said;  /* messages that scenarios have planned */
    uint64_t inner_us;    /* the last frame between the registry's processes */
    uint32_t vault_loses; /* of 1000 requests */
    uint32_t ports_taken; /* of 1000 ports that an XPUB had before */
    uint64_t posts_per_s; /* of the front, likewise */
    uint32_t room_members, cards; /* of the peers that will be added: what their cores have room for */
    struct broker_mail_limits mail; /* of the front, from its next start on */
    sim_lies_fn *lies;    /* somebody changes what goes from one to another; NULL: nobody does */
    bool crashes;         /* somebody may crash in this run: ticks may be lost with a process */
    bool names_only_once; /* checked at the end */
};

/* random.c */
void sim_random_seed(struct sim *sim);
uint64_t sim_random(struct sim *sim);
uint64_t sim_below(struct sim *sim, uint64_t n);
uint64_t sim_between(struct sim *sim, uint64_t low, uint64_t high);
bool sim_chance(struct sim *sim, uint32_t of_1000);

/* signatures.c */
void sim_signatures_forget(void);

/* schedule.c */
struct sim_event *sim_at(struct sim *sim, uint64_t at_us, sim_event_fn *run,
                         const struct sim_proc *proc);
void sim_event_take(struct sim_event *event, struct msg_span bytes); /* copies */
bool sim_turn(struct sim *sim);             /* false: nothing is left, or it failed */
void sim_run(struct sim *sim, uint64_t us); /* so long */
bool sim_run_until(struct sim *sim, bool (*done)(struct sim *sim), uint64_t us);
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_trace(struct sim *sim, const struct sim_proc *proc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* disk.c */
void sim_disk_gather(struct sim_disk *disk, bool put, uint32_t table, struct msg_span key,
                     struct msg_span bytes);
void sim_disk_store(struct sim *sim, struct sim_proc *proc, uint64_t id);
void sim_disk_crash(struct sim *sim, struct sim_proc *proc);
const struct sim_record *sim_disk_find(const struct sim_disk *disk, uint32_t table,
                                       struct msg_span key);
const struct sim_record *sim_disk_after(const struct sim_disk *disk, uint32_t table,
                                        struct msg_span key);
void sim_disk_copy(struct sim_disk *to, const struct sim_disk *from); /* what is committed */
void sim_disk_wipe(struct sim_disk *disk);

/* conns.c */
struct sim_conn *sim_conn_add(struct sim *sim);
void sim_conn_note(struct sim *sim, size_t conn, int side); /* its link has a number now */
bool sim_conn_find(const struct sim *sim, const struct sim_proc *proc, uint64_t link, size_t *conn, int *side); /* one that lives */
bool sim_net_alive(const struct sim *sim, const struct sim_side *side);

/* net.c */
void sim_net_dial(struct sim *sim, struct sim_proc *proc, uint64_t link, bool subscribe,
                  const struct msg_box_pub *key, struct msg_span endpoint);
void sim_net_send(struct sim *sim, struct sim_proc *proc, uint64_t link, struct msg_span bytes);
void sim_net_drop(struct sim *sim, struct sim_proc *proc, uint64_t link);
void sim_net_expel(struct sim *sim, struct sim_proc *proc, const struct msg_box_pub *key);
void sim_net_gone(struct sim *sim, struct sim_proc *proc);           /* its process ended */
void sim_net_carry(struct sim *sim, size_t conn, int from, struct msg_span bytes); /* with all that may happen to it */
void sim_net_end(struct sim *sim, size_t conn);  /* cut off by who accepted it */
void sim_part(struct sim *sim, uint32_t a, uint32_t b, bool parted); /* hosts of two processes */
void sim_cut(struct sim *sim, uint32_t a, uint32_t b); /* ends the connections between two */
struct sim_net sim_net_clean(void);
struct sim_net sim_net_tcp(void);     /* ends now and then, and keeps order till then */
struct sim_net sim_net_hostile(void); /* loses, repeats, reorders */

/* xpub.c */
void sim_xpub_listen(struct sim *sim, struct sim_proc *proc, uint64_t link, uint16_t port);
struct sim_xpub *sim_xpub_find(struct sim_proc *proc, uint64_t link); /* NULL: it is none */
struct sim_xpub *sim_xpub_at(struct sim_proc *proc, uint16_t port);
bool sim_xpub_admits(const struct sim_xpub *xpub, const struct msg_box_pub *key);
void sim_xpub_admit(struct sim *sim, struct sim_xpub *xpub, const struct msg_box_pub *key);
void sim_xpub_expel(struct sim *sim, struct sim_proc *proc, struct sim_xpub *xpub, const struct msg_box_pub *key);
void sim_xpub_publish(struct sim *sim, struct sim_proc *proc, const struct sim_xpub *xpub, struct msg_span bytes);
void sim_xpub_drop(struct sim *sim, struct sim_proc *proc, struct sim_xpub *xpub);

/* proc.c */
struct sim_proc *sim_proc_add(struct sim *sim, enum sim_kind kind);
void sim_proc_start(struct sim *sim, struct sim_proc *proc);
void sim_proc_step(struct sim *sim, struct sim_proc *proc, const struct msg_event *event);
struct msg_time sim_proc_now(const struct sim *sim, const struct sim_proc *proc);
void sim_crash(struct sim *sim, uint32_t proc, uint64_t back_after_us); /* SIM_NEVER: stays away */
void sim_restart(struct sim *sim, uint32_t proc);
void sim_stop(struct sim *sim, uint32_t proc); /* in order */
void sim_stall(struct sim *sim, uint32_t proc, uint64_t us); /* it stands still, and nothing of it ends */
void sim_snapshot(struct sim *sim, uint32_t proc);
void sim_restore(struct sim *sim, uint32_t proc); /* the snapshot: crashes and comes back with it */
void sim_crashes(struct sim *sim, uint32_t proc,
                 uint32_t mean_effects); /* again and again; 0: no more */

/* registry.c */
void sim_registry_add(struct sim *sim);
void sim_registry_start(struct sim *sim, struct sim_proc *proc);
void sim_registry_send(struct sim *sim, struct sim_proc *proc, uint64_t link,
                       struct msg_span bytes);
bool sim_registry_inner(const struct sim_proc *proc, uint64_t link);
bool sim_registry_admits(struct sim *sim, const struct msg_box_pub *key);
void sim_registry_crash(struct sim *sim, uint64_t back_after_us);
void sim_registry_restart(struct sim *sim);
/* Whether the mail that the front counts is the mail on its disk. */
void sim_registry_check(struct sim *sim, const struct sim_proc *front);

/* user.c */
uint32_t sim_account(struct sim *sim, const char *name);
uint32_t sim_person(struct sim *sim, const char *name); /* a new account on a new device */
uint32_t sim_hermit(struct sim *sim, const char *name); /* the same, with direct = never */
uint32_t sim_device(struct sim *sim,
                    uint32_t account_of); /* a further device of that one's account */
void sim_online(struct sim *sim);         /* runs until all who want to be are */
void sim_command(struct sim *sim, uint32_t proc, enum msg_kind kind, void *message,
                 uint32_t said); /* fills its req */
void sim_user_start(struct sim *sim, struct sim_proc *proc);
void sim_user_told(struct sim *sim, struct sim_proc *proc, struct msg_span frame);
void sim_user_consume(struct sim *sim, struct sim_proc *proc, enum msg_kind kind,
                      const union msg_any *any);

/* acts.c */
struct sim_said *sim_add_said(struct sim *sim, uint32_t from, uint32_t account);
size_t sim_length(struct sim *sim); /* of a text */
void sim_say(struct sim *sim, uint32_t from, uint32_t to); /* now; to: any device of the account */
void sim_talk(struct sim *sim, uint32_t from, uint32_t to, uint32_t count,
              uint64_t within_us); /* by and by */
void sim_search(struct sim *sim, uint32_t proc, const char *name);
void sim_who(struct sim *sim, uint32_t proc);
void sim_block(struct sim *sim, uint32_t proc, uint32_t whom, bool on);
void sim_revoke(struct sim *sim, uint32_t proc, uint32_t other);
void sim_simple(struct sim *sim, uint32_t proc,
                enum msg_kind kind); /* a command of nothing but its req */
void sim_wall_jump(struct sim *sim, uint32_t proc, int64_t ms);
bool sim_answered(struct sim *sim); /* every command that was given */
void sim_settle(struct sim *sim);   /* heals everything, waits, checks that nothing is owed */
uint64_t sim_shown(const struct sim *sim, uint32_t proc); /* messages in all */

/* check.c */
struct sim_said *sim_check_text(struct sim *sim, struct msg_text text);
struct sim_said *sim_check_id(struct sim *sim, const struct sim_proc *proc,
                              const struct msg_id *id);
void sim_check_sent(struct sim *sim, const struct sim_proc *proc, struct msg_span bytes);
void sim_check_step(struct sim *sim, const struct sim_proc *proc);
void sim_check_put(struct sim *sim, const struct sim_proc *proc, uint32_t table,
                   struct msg_span bytes);
void sim_check_committed(struct sim *sim, const struct sim_proc *proc,
                         const struct sim_record *record);
void sim_check_told(struct sim *sim, const struct sim_proc *proc, enum msg_kind kind,
                    const union msg_any *any);
void sim_check_shown(struct sim *sim, struct sim_proc *proc, const struct msg_tell_message *tell);
void sim_check_ticks(struct sim *sim, struct sim_proc *proc, const struct msg_tell_receipt *tell);
void sim_check_arrival(struct sim *sim, struct sim_proc *proc, uint64_t arrival); /* what is kept until it was shown: each once, and in order */
void sim_check_mail(struct sim *sim, const struct msg_rec_mail *record); /* on the registry's disk */
bool sim_check_rest(struct sim *sim); /* nothing more is owed to anybody */
void sim_check_end(struct sim *sim);
#define SIM_EXPECT(sim, what) ((what) ? (void)0 : sim_fail((sim), "expected: %s", #what))

/* room_talk.c */
void sim_room_say(struct sim *sim, uint32_t from, const char *room); /* now */
void sim_room_talk(struct sim *sim, uint32_t from, const char *room, uint32_t count,
                   uint64_t within_us); /* by and by */
void sim_room_put(struct sim *sim, const struct sim_proc *proc, const struct msg_rec_room_out *record);
void sim_room_committed(struct sim *sim, const union msg_any *any, enum msg_kind kind); /* at the registry */
void sim_room_shown(struct sim *sim, struct sim_proc *proc, struct sim_said *said,
                    const struct msg_tell_message *tell);
const char *sim_room_owed(const struct sim *sim, const struct sim_said *said); /* NULL: nothing */

bool sim_room_entitled(const struct sim *sim, const struct sim_said *said, const struct sim_proc *reader); /* may be shown it */

/* room_keys.c */
void sim_room_handed(struct sim *sim, uint32_t proc, const struct msg_tag *key, uint64_t counter);
void sim_room_sealed(struct sim *sim, const struct sim_proc *proc, const struct msg_room_frame *frame);
void sim_room_keys_check(struct sim *sim); /* at the end */

/* rooms.c */
uint64_t sim_room_account(const struct sim_proc *proc); /* at the registry; 0: none */
void sim_room_create(struct sim *sim, uint32_t proc, const char *name, uint64_t flags);
void sim_room_join(struct sim *sim, uint32_t proc, const char *name);
void sim_room_act(struct sim *sim, uint32_t proc, const char *name, enum msg_act act,
                  uint32_t whom); /* SIM_NONE: nobody */
const char *sim_rooms_owed(const struct sim *sim, uint32_t *who); /* NULL: nothing, to nobody */
uint64_t sim_room_count(const struct sim *sim, const char *shown); /* members; 0: no such room */

/* scenarios*.c */
typedef void sim_scenario_fn(struct sim *sim);
struct sim_scenario {
    const char *name;
    sim_scenario_fn *play;
    uint32_t weight;
}; /* weight: seeds of 10 in make check */
#define SIM_STORY(name, weight) {#name, name, weight}
struct sim_chapter {
    const struct sim_scenario *list;
    size_t count;
};
extern const struct sim_chapter SIM_TALK, SIM_MESH; /* scenarios.c */
extern const struct sim_chapter SIM_MAIL; /* scenarios_mail.c */
extern const struct sim_chapter SIM_LIES; /* scenarios_lies.c */
extern const struct sim_chapter SIM_ROOMS; /* scenarios_rooms.c */
extern const struct sim_chapter SIM_ROOM_TALK; /* scenarios_room_talk.c */
extern const struct sim_chapter SIM_CROWD; /* scenarios_crowd.c */
const struct sim_scenario *sim_scenario_at(size_t index); /* of all chapters; NULL: behind the last */

void sim_new(struct sim *sim, const struct sim_scenario *scenario, uint64_t seed, bool trace);
void sim_wipe(struct sim *sim);

#endif
