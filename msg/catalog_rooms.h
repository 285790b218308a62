/* The messages of rooms, mail and relay; a part of msg/catalog.h, which alone
 * includes it.  A room is known by 16 random bytes that its creator chose. */
#ifndef MSG_CATALOG_ROOMS_H
#define MSG_CATALOG_ROOMS_H

#include "msg/base.h"
#include "msg/keys.h"

enum msg_room_flag { /* how a room is; bits */
    MSG_ROOM_PRIVATE = 1,   /* not listed; joined by invitation alone */
    MSG_ROOM_LOCKED = 2,    /* joined with a password, which the registry checks */
    MSG_ROOM_HISTORY = 4,   /* members hand older keys to whoever joins */
    MSG_ROOM_FLAGS = 7
};

enum msg_role { MSG_ROLE_NONE = 0, MSG_ROLE_MEMBER = 1, MSG_ROLE_MODERATOR = 2, MSG_ROLE_OWNER = 3 };

enum msg_standing { /* how an account stands with a room; bits */
    MSG_STANDING_MUTED = 1,
    MSG_STANDING_BANNED = 2,
    MSG_STANDING_INVITED = 4,
    MSG_STANDINGS = 7
};

enum msg_act { /* an operation on a room; also the event that people see of it */
    MSG_ACT_CREATE = 1,
    MSG_ACT_JOIN = 2,
    MSG_ACT_LEAVE = 3,      /* subject: who owns it from then on; 0 where nobody is left, or the actor did not own it */
    MSG_ACT_INVITE = 4,
    MSG_ACT_KICK = 5,
    MSG_ACT_BAN = 6,
    MSG_ACT_UNBAN = 7,
    MSG_ACT_MUTE = 8,
    MSG_ACT_UNMUTE = 9,
    MSG_ACT_PROMOTE = 10,   /* to moderator */
    MSG_ACT_DEMOTE = 11,
    MSG_ACT_TOPIC = 12,
    MSG_ACT_DELETE = 13,
    MSG_ACT_REVOKED = 14    /* by the registry, unsigned: a device of the subject (0: the whole account) is gone */
};

/* ---- relay: links between peers that go through the front ---- */
struct msg_relay { uint64_t account; uint64_t device; struct msg_span frames; }; /* RELAY: to; RELAYED: from; frames of a link (HELLO, RUN, SEALED, ...) */
struct msg_unreached { uint64_t account; uint64_t device; };

/* ---- mail ---- */
struct msg_deposit { uint64_t req; struct msg_list parcels; };  /* of PARCEL */
struct msg_deposited { uint64_t req; struct msg_list refused; }; /* of REFUSAL: what is for these devices is not stored, all else is, synced */
struct msg_mail {
    uint64_t serial;            /* grows within the mailbox of the device */
    uint64_t account;           /* from */
    uint64_t device;
    struct msg_span certificate; /* the sender's, when it was deposited */
    uint64_t posted_ms;
    struct msg_span frames;     /* RUN and SEALED */
};
struct msg_collected { uint64_t serial; };                      /* this one and all before it are on the device's disk */
struct msg_returned { uint64_t serial; uint64_t account; uint64_t device; struct msg_tag run; uint64_t posted_ms; }; /* nobody came for it; account, device: who did not; serial: in the mailbox of the sender; posted_ms: when it was given up */
struct msg_parcel { uint64_t account; uint64_t device; struct msg_span frames; bool rooms; }; /* rooms: what is in it is for rooms */
struct msg_refusal { uint64_t account; uint64_t device; struct msg_text code; bool rooms; };

/* ---- rooms: with the front ---- */
struct msg_room_propose {       /* an operation to be put in order; DONE once it is on disk */
    uint64_t req;
    struct msg_id room;
    struct msg_span op;         /* SIGNED(ROOM_OP) */
    struct msg_text password;   /* CREATE: the room's from now on; JOIN: as the user gave it; "" none */
};
struct msg_room_find { uint64_t req; struct msg_text name; };
struct msg_room_found {
    uint64_t req;
    struct msg_id room;
    struct msg_text name;       /* as it is shown, with # */
    struct msg_text topic;
    uint64_t flags;             /* enum msg_room_flag */
    uint64_t members;
    uint64_t number;            /* of the last entry of its roster */
    struct msg_head head;
    uint64_t role;              /* the asker's, enum msg_role */
    uint64_t standing;          /* the asker's, enum msg_standing */
};
struct msg_room_list { uint64_t req; bool detailed; struct msg_text after; };
struct msg_rooms { uint64_t req; struct msg_list rooms; struct msg_text next; };            /* of ROOM_INFO */
struct msg_room_of { uint64_t req; struct msg_id room; uint64_t after; };                   /* MEMBERS_OF: after this account; ENTRIES_OF: after this number */
struct msg_members { uint64_t req; struct msg_id room; struct msg_list members; uint64_t next; }; /* of MEMBER; next 0: the last page */
struct msg_entries { uint64_t req; struct msg_id room; struct msg_list entries; bool more; }; /* of ENTRY; req 0: pushed */
struct msg_cards_of { uint64_t req; struct msg_id room; uint64_t account; uint64_t device; }; /* after this device in the order of (account, device) */
struct msg_cards { uint64_t req; struct msg_id room; struct msg_list cards; bool more; };   /* of CARD */
struct msg_card_of { uint64_t req; uint64_t account; uint64_t device; };                    /* one device's certificate; CARDS with one or none */
struct msg_room_spoken { struct msg_id room; uint64_t since; uint64_t offset; struct msg_list marks; };                   /* of MARK: all that the log has after `since` and up to `offset` is of these, and before them */
struct msg_room_state { bool complete; struct msg_list rooms; };                            /* of ROOM_HEAD; complete: all rooms of the account */
struct msg_room_read { uint64_t req; struct msg_id room; uint64_t after; struct msg_list have; }; /* of MARK: what need not be sent */
struct msg_room_log {
    uint64_t req;
    struct msg_id room;
    struct msg_list frames;     /* of LOGGED */
    uint64_t next;              /* the reader has been served up to this offset */
    uint64_t first;             /* the oldest that is kept; 0: none is */
    bool live;                  /* that is all: from here on it comes by CAST */
};
struct msg_room_post { struct msg_id room; struct msg_span frame; };                        /* ROOM_FRAME, ROOM_TIP or ROOM_RECEIPT */
struct msg_room_cast { struct msg_id room; uint64_t prev; uint64_t routes; struct msg_list posts; }; /* of LOGGED; prev: the offset before the first one; routes: the version by which frames are left out; 0: none are */
struct msg_room_stored { struct msg_id room; uint64_t incarnation; uint64_t number; };      /* what you said up to here is synced */
struct msg_room_refused { struct msg_id room; struct msg_text code; uint64_t incarnation; uint64_t first; uint64_t epoch; uint64_t number; uint64_t retry_ms; }; /* a post was; epoch and roster are at these */
struct msg_room_taken { uint64_t bytes; };                                                  /* of CASTs since LOGIN, in all */
struct msg_room_routes { struct msg_id room; uint64_t version; struct msg_list devices; };  /* of DEVICE: whose frames I have from themselves; all of them */
struct msg_room_mesh { struct msg_id room; uint64_t port; };                                /* of our XPUB for it; 0: none */
struct msg_room_peers { struct msg_id room; struct msg_list peers; };                       /* of DEVICE_CARD: XPUBs of members */
struct msg_room_watch { uint64_t req; bool on; };
struct msg_room_presence { bool complete; struct msg_list people; };    /* of PRESENT; complete: whoever shares a small room and was not said since WELCOME is offline */
struct msg_room_changed { uint64_t act; struct msg_list rooms; };      /* of ROOM_INFO; CREATE, DELETE, TOPIC */

/* ---- rooms: between members ---- */
struct msg_room_frame {
    struct msg_id room;
    uint64_t epoch;
    struct msg_head epoch_head; /* of the roster's entry that began the epoch */
    uint64_t account;           /* the sender */
    uint64_t device;
    uint64_t incarnation;
    uint64_t salt;
    uint64_t from_incarnation;  /* the sender's incarnation before, in this room; 0: none */
    uint64_t from_number;       /* its last number */
    uint64_t first;             /* number of the first message in the box */
    uint64_t count;
    struct msg_head prev;       /* of the chain before the first one, */
    struct msg_head head;       /* and after the last one */
    struct msg_tag key;         /* names the sender key */
    uint64_t counter;           /* steps of its ratchet */
    struct msg_sig sig;         /* by the sender's device over the fields above as a frame of these alone */
    struct msg_nonce nonce;
    struct msg_span box;        /* SAYs, sealed */
};
struct msg_room_tip { struct msg_id room; uint64_t account; uint64_t device; uint64_t incarnation; uint64_t salt; uint64_t number; struct msg_head head; struct msg_sig sig; };
struct msg_room_receipt { struct msg_id room; uint64_t account; uint64_t device; struct msg_list marks; struct msg_sig sig; }; /* of MARK: synced here */
struct msg_room_want { struct msg_id room; uint64_t account; uint64_t device; struct msg_list have; }; /* to that device; of MARK: publish what you have beyond these */
struct msg_room_beat { struct msg_id room; };                       /* published where nothing else is: the XPUB is alive */

/* ---- inside a seal ---- */
struct msg_room_key { struct msg_id room; uint64_t epoch; uint64_t account; uint64_t device; struct msg_tag key; uint64_t counter; struct msg_sym_key chain; };
struct msg_room_ask { struct msg_id room; uint64_t epoch; uint64_t account; uint64_t device; struct msg_tag key; };

/* ---- signed ---- */
struct msg_room_op {
    struct msg_id room;
    uint64_t act;               /* enum msg_act */
    uint64_t account;           /* who acts */
    uint64_t device;
    uint64_t subject;           /* account; 0: none */
    uint64_t subject_device;    /* REVOKED alone */
    struct msg_text name;       /* CREATE: the room's; else the subject's, for people */
    struct msg_text text;       /* CREATE, TOPIC: the topic */
    uint64_t flags;             /* CREATE */
    uint64_t seen;              /* the last entry that the actor knew */
    struct msg_head seen_head;
    uint64_t ts_ms;
};

/* ---- items ---- */
struct msg_room_info { struct msg_id room; struct msg_text name; uint64_t members; struct msg_text topic; uint64_t flags; };
struct msg_member { uint64_t account; struct msg_text name; uint64_t role; uint64_t standing; uint64_t status; };
struct msg_entry {              /* of a roster */
    uint64_t number;            /* from 1, without holes */
    uint64_t offset;            /* where the room's log stood */
    uint64_t at_ms;
    struct msg_span op;         /* SIGNED(ROOM_OP) */
    struct msg_span certificate; /* of the actor's device; empty: REVOKED */
};
struct msg_card { struct msg_span certificate; };
struct msg_room_head { struct msg_id room; uint64_t number; uint64_t offset; uint64_t role; uint64_t standing; bool mesh; uint64_t routes; }; /* routes: as in CAST */
struct msg_mark { uint64_t account; uint64_t device; uint64_t incarnation; uint64_t number; struct msg_head head; };
struct msg_logged { uint64_t offset; struct msg_span frame; };  /* offset 0: not in the log */
struct msg_device_item { uint64_t account; uint64_t device; };
struct msg_present { uint64_t account; uint64_t status; };      /* online, away or offline */

/* ---- the registry's records ---- */
struct msg_rec_mail { uint64_t account; uint64_t device; struct msg_span certificate; uint64_t posted_ms; struct msg_span frames; bool rooms; };
struct msg_rec_return { uint64_t account; uint64_t device; struct msg_tag run; uint64_t posted_ms; };
struct msg_rec_room {
    struct msg_id room;
    struct msg_text name;
    struct msg_text topic;
    uint64_t flags;
    struct msg_text hash;       /* of the password; "": none */
    uint64_t number;
    struct msg_head head;
    uint64_t epoch;
    struct msg_head epoch_head;
    uint64_t created_ms;
    uint64_t gone_ms;           /* 0: it is there; else its roster is kept for a while */
    bool mesh;
};
struct msg_rec_room_name { struct msg_id room; };
struct msg_rec_room_member { struct msg_id room; uint64_t account; uint64_t role; uint64_t standing; uint64_t last; uint64_t since; uint64_t until; uint64_t ended; }; /* see msg/room.h; ended: number of the entry that ended its membership; 0: it is in, or never was */
struct msg_rec_room_entry { uint64_t offset; uint64_t at_ms; struct msg_span op; struct msg_span certificate; struct msg_head head; }; /* head: of the roster there */
struct msg_rec_room_frame { uint64_t at_ms; uint64_t frames; uint64_t bytes; struct msg_span frame; }; /* frames, bytes: of this log up to here, with those that are no longer kept */

/* ---- the peer's records ---- */
struct msg_rec_my_room {
    struct msg_id room;
    struct msg_text name;
    struct msg_text topic;
    uint64_t flags;
    uint64_t number;
    struct msg_head head;
    uint64_t epoch;
    struct msg_head epoch_head;
    uint64_t cursor;            /* the log was read up to here */
    uint64_t port;              /* of our XPUB; 0: none yet */
    uint64_t said_incarnation;  /* our chain */
    uint64_t said_number;
    struct msg_head said_head;
    uint64_t from_incarnation;
    uint64_t from_number;
};
struct msg_rec_room_mate { struct msg_id room; uint64_t account; struct msg_text name; uint64_t role; uint64_t standing; uint64_t last; uint64_t since; uint64_t until; uint64_t came; struct msg_tag handed; uint64_t handed_counter; uint64_t newest; uint64_t devices; }; /* came: the entry with which it last came in; newest: the highest number of its devices that were handed a key, bit i of devices: newest - i was */
struct msg_rec_room_out { struct msg_id room; uint64_t incarnation; uint64_t salt; uint64_t from_incarnation; uint64_t from_number; uint64_t number; struct msg_id id; struct msg_head prev; uint64_t ts_ms; struct msg_text text; };
struct msg_rec_room_in { struct msg_id room; uint64_t account; uint64_t device; uint64_t incarnation; uint64_t salt; uint64_t number; struct msg_head head; uint64_t waits; }; /* waits: offset from which its frames wait for a key; 0: none do */
struct msg_rec_room_key { struct msg_id room; uint64_t account; uint64_t device; uint64_t epoch; struct msg_tag key; uint64_t counter; struct msg_sym_key chain; uint64_t made_ms; uint64_t used; uint64_t number; }; /* number: ours, the last entry of the roster when it was made */
struct msg_rec_card { struct msg_span certificate; };

/* ---- commands and tells ---- */
struct msg_cmd_room_create { uint64_t req; struct msg_text name; uint64_t flags; struct msg_text password; struct msg_text topic; };
struct msg_cmd_room_join { uint64_t req; struct msg_text name; struct msg_text password; };
struct msg_cmd_room_act { uint64_t req; struct msg_text room; uint64_t act; struct msg_text name; struct msg_text text; }; /* LEAVE, DELETE: no name; TOPIC: text */
struct msg_tell_members { uint64_t req; struct msg_text room; struct msg_list members; bool more; };
struct msg_tell_room {          /* what happened in a room; in rooms that we are not in (ROOM_WATCH) user and by are "" */
    uint64_t arrival;           /* as of a message; 0: of a room that we are not in */
    struct msg_text room;
    uint64_t act;
    struct msg_text user;       /* to whom: who came, went, was invited, muted, ...; "" in TOPIC and DELETE */
    struct msg_text by;         /* who did it; "": the registry (REVOKED) */
    struct msg_text text;       /* CREATE, TOPIC: the topic; LEAVE: who owns the room from now on, if that changes; REVOKED: the number of the device, "" for the account */
};
struct msg_tell_gap { uint64_t arrival; struct msg_text room; struct msg_text from; uint64_t first; uint64_t last; };

#endif
