/* Every message there is, defined once: a struct here and a field table in
 * catalog.c drive encode, decode, validation, the frame printer, the random
 * generator of the property tests, the fuzz dictionary and the comparison
 * with protocol.cddl.  Frames between programs, records on disk and the
 * commands and tells of the library's own pipe all stand here.
 * A frame is the msgpack array [MSG_VERSION, kind, field, ...].
 * In every request `req` is chosen by the asker, is not 0, and comes back in the
 * answer; a request may be repeated under the same `req` or a new one: handlers are idempotent. */
#ifndef MSG_CATALOG_H
#define MSG_CATALOG_H

#include "msg/base.h"
#include "msg/catalog_monitor.h"
#include "msg/catalog_rooms.h"
#include "msg/keys.h"

/* X(number, NAME, struct)   number: on the wire, never reused */
#define MSG_KINDS(X) \
    /* anywhere */ \
    X(1, ERROR, msg_error_frame) \
    X(2, DONE, msg_done) \
    X(3, BYE, msg_bye) \
    /* to the door, and its answer */ \
    X(16, SIGNUP, msg_signup) \
    X(17, ENROL, msg_signup) \
    X(18, PASSWD, msg_passwd) \
    X(19, ADMITTED, msg_admitted) \
    /* to the front, and its answers */ \
    X(32, LOGIN, msg_login) \
    X(33, WELCOME, msg_welcome) \
    X(34, LOGOUT, msg_done) \
    X(35, PING, msg_ping) \
    X(36, PONG, msg_pong) \
    X(37, SEARCH, msg_search) \
    X(38, FOUND, msg_found) \
    X(39, LIST, msg_list_users) \
    X(40, USERS, msg_users) \
    X(41, WATCH, msg_watch) \
    X(42, PRESENCE, msg_presence) \
    X(43, INTRODUCE, msg_search) \
    X(44, INTRODUCTION, msg_introduction) \
    X(45, CONSENT, msg_consent) \
    X(46, INTRODUCED, msg_introduced) \
    X(47, LIST_DEVICES, msg_done) \
    X(48, DEVICES, msg_devices) \
    X(49, REVOKE, msg_revoke) \
    X(50, LIST_REVOKED, msg_list_revoked) \
    X(51, REVOKED, msg_revoked) \
    X(52, DELETE_ACCOUNT, msg_done) \
    X(53, RELAY, msg_relay) \
    X(54, RELAYED, msg_relay) \
    X(55, UNREACHED, msg_unreached) \
    X(56, DEPOSIT, msg_deposit) \
    X(57, DEPOSITED, msg_deposited) \
    X(58, MAIL, msg_mail) \
    X(59, COLLECTED, msg_collected) \
    X(60, RETURNED, msg_returned) \
    /* between peers, on a link */ \
    X(64, HELLO, msg_hello) \
    X(65, RUN, msg_run_frame) \
    X(66, SEALED, msg_sealed) \
    X(67, RESEAL, msg_reseal) \
    /* inside a seal */ \
    X(80, CHAIN, msg_chain) \
    X(81, SAY, msg_say) \
    X(82, RECEIPT, msg_receipt) \
    X(83, ROOM_KEY, msg_room_key) \
    X(84, ROOM_ASK, msg_room_ask) \
    /* what is signed */ \
    X(96, CERT, msg_cert_body) \
    X(97, SIGNED, msg_signed) \
    X(98, REVOCATIONS, msg_revocations) \
    X(99, ROOM_OP, msg_room_op) \
    /* items of lists: never a frame of their own */ \
    X(112, ADDRESS, msg_address) \
    X(113, USER, msg_user) \
    X(114, NAME, msg_name_item) \
    X(115, DEVICE_CARD, msg_device_card) \
    X(116, DEVICE_INFO, msg_device_info) \
    X(117, REVOCATION, msg_revocation) \
    X(118, PARCEL, msg_parcel) \
    X(119, REFUSAL, msg_refusal) \
    X(120, ROOM_INFO, msg_room_info) \
    X(121, MEMBER, msg_member) \
    X(122, ENTRY, msg_entry) \
    X(123, CARD, msg_card) \
    X(124, ROOM_HEAD, msg_room_head) \
    X(125, MARK, msg_mark) \
    X(126, LOGGED, msg_logged) \
    X(127, DEVICE, msg_device_item) \
    /* between the processes of the registry */ \
    X(128, DOOR_ASK, msg_door_ask) \
    X(129, DOOR_TELL, msg_door_tell) \
    X(130, VAULT_HASH, msg_vault_hash) \
    X(131, VAULT_HASHED, msg_vault_hashed) \
    X(132, VAULT_CHECK, msg_vault_check) \
    X(133, VAULT_CHECKED, msg_vault_checked) \
    X(134, VAULT_SIGN, msg_vault_sign) \
    X(135, VAULT_SIGNED, msg_vault_signed) \
    X(136, VAULT_BUSY, msg_vault_busy) \
    X(137, DOOR_POLICY, msg_door_policy) \
    X(138, COUNTS_OF, msg_counts_of) \
    X(139, COUNTS, msg_counts) \
    /* the registry's records on disk */ \
    X(160, REC_ACCOUNT, msg_rec_account) \
    X(161, REC_NAME, msg_rec_number) \
    X(162, REC_DEVICE, msg_rec_device) \
    X(163, REC_OWNER, msg_rec_owner) \
    X(164, REC_REVOKED, msg_rec_revoked) \
    X(165, REC_COUNTERS, msg_rec_counters) \
    X(166, REC_MAIL, msg_rec_mail) \
    X(167, REC_RETURN, msg_rec_return) \
    X(168, REC_ROOM, msg_rec_room) \
    X(169, REC_ROOM_NAME, msg_rec_room_name) \
    X(170, REC_ROOM_MEMBER, msg_rec_room_member) \
    X(171, REC_ROOM_ENTRY, msg_rec_room_entry) \
    X(172, REC_ROOM_FRAME, msg_rec_room_frame) \
    /* the peer's records on disk */ \
    X(175, REC_INBOX_BATCH, msg_rec_inbox_batch) \
    X(176, REC_SELF, msg_rec_self) \
    X(177, REC_MAIL_KEY, msg_rec_mail_key) \
    X(178, REC_CONTACT, msg_rec_contact) \
    X(179, REC_CONTACT_DEVICE, msg_rec_contact_device) \
    X(180, REC_OUT, msg_rec_out) \
    X(181, REC_CHAIN_OUT, msg_rec_chain_out) \
    X(182, REC_CHAIN_IN, msg_rec_chain_in) \
    X(183, REC_INBOX, msg_rec_inbox) \
    X(184, REC_KEYS, msg_rec_keys) \
    X(185, REC_INSTANCE, msg_rec_instance) \
    X(186, REC_MY_ROOM, msg_rec_my_room) \
    X(187, REC_ROOM_MATE, msg_rec_room_mate) \
    X(188, REC_ROOM_OUT, msg_rec_room_out) \
    X(189, REC_ROOM_IN, msg_rec_room_in) \
    X(190, REC_ROOM_KEY, msg_rec_room_key) \
    X(191, REC_CARD, msg_rec_card) \
    /* commands of the user to the peer's core */ \
    X(192, CMD_REGISTER, msg_cmd_credentials) \
    X(193, CMD_LOGIN, msg_cmd_credentials) \
    X(194, CMD_LOGOUT, msg_cmd_logout) \
    X(195, CMD_PASSWD, msg_cmd_passwd) \
    X(196, CMD_DEVICES, msg_done) \
    X(197, CMD_REVOKE, msg_revoke) \
    X(198, CMD_DELETE_ACCOUNT, msg_done) \
    X(199, CMD_WHO, msg_cmd_who) \
    X(200, CMD_SEARCH, msg_search) \
    X(201, CMD_SAY, msg_cmd_say) \
    X(202, CMD_READ, msg_cmd_read) \
    X(203, CMD_BLOCK, msg_cmd_block) \
    X(204, CMD_TRUST, msg_search) \
    X(205, CMD_STATUS, msg_cmd_status) \
    X(206, CMD_ROOM_CREATE, msg_cmd_room_create) \
    X(207, CMD_ROOM_JOIN, msg_cmd_room_join) \
    X(208, CMD_ROOM_ACT, msg_cmd_room_act) \
    X(209, CMD_ROOMS, msg_cmd_who) \
    X(210, CMD_MEMBERS, msg_search) \
    X(211, CMD_ROOM_WATCH, msg_room_watch) \
    X(212, CMD_ROOM_INFO, msg_search) \
    X(213, CMD_STATS, msg_done) \
    /* what the peer's core tells the user */ \
    X(224, TELL_SESSION, msg_tell_session) \
    X(225, TELL_MESSAGE, msg_tell_message) \
    X(226, TELL_RECEIPT, msg_tell_receipt) \
    X(227, TELL_PRESENCE, msg_tell_presence) \
    X(228, TELL_OK, msg_tell_ok) \
    X(229, TELL_FAILED, msg_error_frame) \
    X(230, TELL_USERS, msg_users) \
    X(231, TELL_USER, msg_found) \
    X(232, TELL_DEVICES, msg_devices) \
    X(233, TELL_NOTICE, msg_tell_notice) \
    X(234, TELL_ROOMS, msg_rooms) \
    X(235, TELL_MEMBERS, msg_tell_members) \
    X(236, TELL_ROOM, msg_tell_room) \
    X(237, TELL_GAP, msg_tell_gap) \
    X(238, TELL_MESSAGES, msg_tell_messages) \
    X(239, TELL_STATS, msg_tell_stats) \
    /* rooms: with the front */ \
    X(256, ROOM_PROPOSE, msg_room_propose) \
    X(257, ROOM_FIND, msg_room_find) \
    X(258, ROOM_FOUND, msg_room_found) \
    X(259, ROOM_LIST, msg_room_list) \
    X(260, ROOMS, msg_rooms) \
    X(261, MEMBERS_OF, msg_room_of) \
    X(262, MEMBERS, msg_members) \
    X(263, ENTRIES_OF, msg_room_of) \
    X(264, ENTRIES, msg_entries) \
    X(265, CARDS_OF, msg_cards_of) \
    X(266, CARD_OF, msg_card_of) \
    X(267, CARDS, msg_cards) \
    X(268, ROOM_STATE, msg_room_state) \
    X(269, ROOM_READ, msg_room_read) \
    X(270, ROOM_LOG, msg_room_log) \
    X(271, ROOM_POST, msg_room_post) \
    X(272, ROOM_CAST, msg_room_cast) \
    X(273, ROOM_STORED, msg_room_stored) \
    X(274, ROOM_REFUSED, msg_room_refused) \
    X(275, ROOM_TAKEN, msg_room_taken) \
    X(276, ROOM_ROUTES, msg_room_routes) \
    X(277, ROOM_MESH, msg_room_mesh) \
    X(278, ROOM_PEERS, msg_room_peers) \
    X(279, ROOM_WATCH, msg_room_watch) \
    X(280, ROOM_CHANGED, msg_room_changed) \
    X(281, ROOM_PRESENCE, msg_room_presence) \
    X(282, ROOM_SPOKEN, msg_room_spoken) \
    /* rooms: between members, on any route */ \
    X(300, ROOM_FRAME, msg_room_frame) \
    X(301, ROOM_TIP, msg_room_tip) \
    X(302, ROOM_RECEIPT, msg_room_receipt) \
    X(303, ROOM_WANT, msg_room_want) \
    X(304, ROOM_BEAT, msg_room_beat) \
    /* items of lists, further ones */ \
    X(320, PRESENT, msg_present) \
    X(321, FIGURE, msg_figure_item) \
    X(322, HISTOGRAM, msg_histogram_item) \
    X(323, ROOM_ROW, msg_room_row) \
    X(324, SESSION_ROW, msg_session_row) \
    /* to monitors */ \
    X(336, SAMPLE, msg_sample) \
    X(337, ROOM_ROWS, msg_room_rows) \
    X(338, SESSION_ROWS, msg_session_rows) \
    X(339, MONITOR_WELCOME, msg_monitor_welcome)

enum msg_kind {
#define MSG_KIND_ENUM(number, name, type) MSG_##name = number,
    MSG_KINDS(MSG_KIND_ENUM)
#undef MSG_KIND_ENUM
    MSG_KIND_NONE = 0
};

enum msg_status {
    MSG_STATUS_OFFLINE = 0,
    MSG_STATUS_ONLINE = 1,
    MSG_STATUS_AWAY = 2,
    MSG_STATUS_NOT_FOUND = 3
};

enum msg_direct { /* who is introduced, and sees the endpoint */
    MSG_DIRECT_ANYONE = 0,
    MSG_DIRECT_CONTACTS = 1,
    MSG_DIRECT_NEVER = 2
};

/* ---- anywhere ---- */
struct msg_error_frame { uint64_t req; struct msg_text code; struct msg_text text; uint64_t retry_ms; };
struct msg_done { uint64_t req; };
struct msg_bye { struct msg_text code; struct msg_text text; };

/* ---- door ---- */
struct msg_signup {             /* SIGNUP and ENROL */
    uint64_t req;
    struct msg_text name;
    struct msg_text password;
    struct msg_sign_pub sign;   /* the device's; its transport key is the CURVE key of the connection */
    struct msg_box_pub mail;
    struct msg_sig mail_sig;    /* by sign, domain "conclave mail key 1", over mail */
    struct msg_sig proof;       /* by sign, domain "conclave enrol 1", over transport key + door key (64 bytes) */
};
struct msg_passwd { uint64_t req; struct msg_text name; struct msg_text old; struct msg_text new; };
struct msg_admitted {
    uint64_t req;
    uint64_t account;
    uint64_t device;            /* 1.. within the account */
    struct msg_text name;       /* as it is shown */
    struct msg_sign_pub signer; /* the registry's; must match the invite link */
    struct msg_text front_host; /* "": the host that the link names */
    uint64_t front_port;
    struct msg_box_pub front;   /* its CURVE key */
    struct msg_span certificate; /* SIGNED(CERT) */
};

/* ---- front ---- */
struct msg_login {
    uint64_t req;
    uint64_t port;              /* of the inbound socket; 0: none */
    struct msg_list addresses;  /* of ADDRESS: further endpoints, HOST:PORT */
    uint64_t direct;            /* enum msg_direct */
    uint64_t status;            /* online or away */
    struct msg_box_pub mail;    /* the current mail key */
    struct msg_sig mail_sig;
};
struct msg_welcome {
    uint64_t req;
    uint64_t account;
    uint64_t device;
    struct msg_text name;
    uint64_t generation;        /* of this session; grows */
    uint64_t lease_ms;          /* say something at least this often */
    uint64_t now_ms;            /* the registry's wall clock */
    struct msg_text observed;   /* the address this connection comes from */
    uint64_t revoked_version;
    struct msg_span certificate;
};
struct msg_ping { uint64_t status; };
struct msg_pong { uint64_t now_ms; uint64_t revoked_version; };
struct msg_search { uint64_t req; struct msg_text name; };
struct msg_found { uint64_t req; struct msg_text name; uint64_t account; uint64_t status; struct msg_text endpoint; }; /* account: 0 where there is none */
struct msg_list_users { uint64_t req; bool detailed; struct msg_text after; }; /* after: cursor; "" first */
struct msg_users { uint64_t req; struct msg_list users; struct msg_text next; }; /* next: cursor; "" last page */
struct msg_watch { uint64_t req; struct msg_list names; };      /* adds; of NAME */
struct msg_presence { struct msg_list changes; };               /* of USER */
struct msg_introduction { uint64_t intro; struct msg_span certificate; };
struct msg_consent { uint64_t intro; bool yes; };
struct msg_introduced { uint64_t req; uint64_t account; struct msg_text name; uint64_t status; struct msg_list devices; }; /* of DEVICE_CARD */
struct msg_devices { uint64_t req; struct msg_list devices; };  /* of DEVICE_INFO */
struct msg_revoke { uint64_t req; uint64_t device; };
struct msg_list_revoked { uint64_t req; uint64_t after; };      /* versions above this one */
struct msg_revoked { uint64_t req; struct msg_span list; };     /* SIGNED(REVOCATIONS) */

/* ---- link ---- */
struct msg_hello { struct msg_span certificate; uint64_t revoked_version; };
struct msg_run_frame {          /* opens a run of envelopes, msg/envelope.h */
    struct msg_tag run;
    uint64_t from_account;
    uint64_t from_device;
    uint64_t to_account;
    uint64_t to_device;
    struct msg_box_pub mail;    /* the recipient's mail key that it is sealed to */
    struct msg_box_pub ephemeral;
    struct msg_sig sig;         /* by the sender's device, domain "conclave run 1", over the fields above as a frame without sig */
};
struct msg_sealed { struct msg_tag run; uint64_t counter; struct msg_nonce nonce; struct msg_span box; };
struct msg_reseal { struct msg_tag run; struct msg_span certificate; };

/* ---- inside ---- */
struct msg_chain {              /* heads SAYs that do not follow the last one of the envelope before: which chain they continue, and where */
    uint64_t incarnation;
    uint64_t salt;
    uint64_t from_incarnation;  /* the incarnation before, in this chain; 0: none */
    uint64_t from_number;       /* its last number; 0: none */
    uint64_t base;              /* the first number of this incarnation that the device has not acknowledged; it may start there; 0: not here */
    uint64_t number;            /* of the first SAY after this; the next one has the next, and so on */
    struct msg_head prev;       /* of the chain before it */
};
struct msg_say { struct msg_id id; struct msg_text text; }; /* id: msg/chain.h; it has when this was said */
struct msg_receipt {            /* cumulative, for the chain of the device it is sent to */
    uint64_t incarnation;
    uint64_t salt;
    uint64_t delivered;
    uint64_t read;
    bool gap;                   /* something after `delivered` is missing: send again from there */
};

/* ---- signed ---- */
struct msg_cert_body {
    uint64_t serial;
    uint64_t account;
    uint64_t device;
    struct msg_text name;
    struct msg_sign_pub sign;
    struct msg_box_pub transport;
    struct msg_box_pub mail;
    struct msg_sig mail_sig;
    uint64_t not_before_ms;
    uint64_t not_after_ms;
};
struct msg_signed { struct msg_span body; struct msg_sig sig; };
struct msg_revocations { uint64_t version; uint64_t issued_ms; struct msg_list entries; }; /* of REVOCATION */

/* ---- items ---- */
struct msg_address { struct msg_text endpoint; };
struct msg_user { struct msg_text name; uint64_t status; struct msg_text endpoint; };
struct msg_name_item { struct msg_text name; };
struct msg_device_card { struct msg_span certificate; bool online; struct msg_list endpoints; }; /* of ADDRESS */
struct msg_device_info { uint64_t device; uint64_t created_ms; uint64_t seen_ms; bool online; bool revoked; bool current; };
struct msg_revocation { uint64_t version; uint64_t account; uint64_t device; uint64_t revoked_ms; };

/* ---- between the registry's processes ---- */
struct msg_door_ask { uint64_t ticket; struct msg_text source; struct msg_box_pub key; struct msg_span frame; };
struct msg_door_tell { uint64_t ticket; struct msg_span frame; };
struct msg_door_policy { struct msg_box_pub door; };                    /* the door's key, said by the door as it comes up */
struct msg_vault_hash { uint64_t job; struct msg_text password; };
struct msg_vault_hashed { uint64_t job; struct msg_text hash; };
struct msg_vault_check { uint64_t job; struct msg_text password; struct msg_text hash; }; /* hash "": a dummy of the same cost */
struct msg_vault_checked { uint64_t job; bool ok; bool rehash; };       /* rehash: the parameters rose */
struct msg_vault_sign { uint64_t job; struct msg_span body; };          /* a frame of kind CERT or REVOCATIONS, nothing else is signed */
struct msg_vault_signed { uint64_t job; struct msg_sig sig; };
struct msg_vault_busy { uint64_t job; uint64_t retry_ms; };

/* ---- the registry's records ---- */
struct msg_rec_account { uint64_t account; struct msg_text name; struct msg_text hash; uint64_t created_ms; uint64_t next_device; };
struct msg_rec_number { uint64_t account; };
struct msg_rec_device {
    uint64_t account;
    uint64_t device;
    struct msg_sign_pub sign;
    struct msg_box_pub transport;
    struct msg_box_pub mail;
    struct msg_sig mail_sig;
    uint64_t created_ms;
    uint64_t seen_ms;
    uint64_t revoked_ms;        /* 0: not */
    struct msg_span certificate;
};
struct msg_rec_owner { uint64_t account; uint64_t device; };
struct msg_rec_revoked { uint64_t version; uint64_t account; uint64_t device; uint64_t revoked_ms; };
struct msg_rec_counters { uint64_t next_account; uint64_t next_serial; uint64_t revoked_version; uint64_t accounts; uint64_t next_generation; };

/* ---- the peer's records ---- */
struct msg_rec_self {
    struct msg_text link;       /* the invite link; "": none yet */
    uint64_t account;           /* 0: not enrolled */
    uint64_t device;
    struct msg_text name;
    struct msg_sign_pub signer;
    struct msg_text front_host;
    uint64_t front_port;
    struct msg_box_pub front;
    struct msg_span certificate; /* empty: none */
    bool logged_out;            /* by the user; stays so until login */
    uint64_t incarnation;
    uint64_t salt;
    uint64_t now_offset_ms;     /* registry's clock minus ours, plus 2^62 */
};
struct msg_rec_mail_key { struct msg_box_pub pub; struct msg_box_sec sec; uint64_t created_ms; uint64_t retired_ms; };
struct msg_rec_contact { uint64_t account; struct msg_text name; bool blocked; };
struct msg_rec_contact_device {
    uint64_t account;
    uint64_t device;
    struct msg_span certificate;
    struct msg_list endpoints;  /* of ADDRESS */
    uint64_t incarnation;       /* what the device has said it has: delivered */
    uint64_t delivered;
    uint64_t read;
    uint64_t mailed_incarnation; /* what the registry keeps for it: up to here */
    uint64_t mailed_number;
    uint64_t returned_incarnation; /* but for what came back: up to here */
    uint64_t returned_number;
};
struct msg_rec_out { uint64_t account; uint64_t incarnation; uint64_t salt; uint64_t from_incarnation; uint64_t from_number; uint64_t number; struct msg_id id; struct msg_head prev; uint64_t ts_ms; struct msg_text text; };
struct msg_rec_chain_out { uint64_t account; uint64_t incarnation; uint64_t number; struct msg_head head; uint64_t from_incarnation; uint64_t from_number; uint64_t stored_incarnation; uint64_t stored_number; }; /* stored: the tick was told up to here */
struct msg_rec_chain_in { uint64_t account; uint64_t device; uint64_t incarnation; uint64_t salt; uint64_t number; struct msg_head head; uint64_t read; uint64_t told; struct msg_head start; }; /* told: what they know that was read; start: the head before number 1 of the incarnation, zeros if unknown */
struct msg_rec_inbox { uint64_t arrival; uint64_t account; uint64_t device; uint64_t incarnation; uint64_t number; struct msg_text name; struct msg_text room; struct msg_id id; uint64_t ts_ms; struct msg_text text; }; /* of a room */
struct msg_rec_inbox_batch { uint64_t arrival; uint64_t count; uint64_t account; uint64_t device; uint64_t incarnation; uint64_t first; struct msg_text name; struct msg_text room; struct msg_span batch; }; /* arrival: of the last of them; first: of the first; room: "" for direct ones */
struct msg_rec_keys {           /* the key file */
    bool locked;                /* with a key from a passphrase and salt */
    struct msg_span salt;
    struct msg_span sec;        /* signing secret 64, transport secret 32, storage key 32; locked or plain */
};
struct msg_rec_instance { uint64_t number; }; /* of one of several peers in one store */

/* ---- commands ---- */
struct msg_cmd_credentials { uint64_t req; struct msg_text name; struct msg_text password; }; /* LOGIN: both "" to log in by key */
struct msg_cmd_logout { uint64_t req; bool forget; };
struct msg_cmd_passwd { uint64_t req; struct msg_text old; struct msg_text new; };
struct msg_cmd_who { uint64_t req; bool detailed; };
struct msg_cmd_say { uint64_t req; struct msg_text name; struct msg_text text; };
struct msg_cmd_read { uint64_t arrival; };                      /* all up to this arrival from its sender */
struct msg_cmd_block { uint64_t req; struct msg_text name; bool on; };
struct msg_cmd_status { uint64_t req; uint64_t status; };

/* ---- tells ---- */
enum msg_session_state { MSG_SESSION_CONNECTED = 0, MSG_SESSION_REGISTERED = 1, MSG_SESSION_LOGGED_IN = 2, MSG_SESSION_RECONNECTING = 3, MSG_SESSION_LOGGED_OUT = 4 };
enum msg_tick { MSG_TICK_QUEUED = 0, MSG_TICK_STORED = 1, MSG_TICK_DELIVERED = 2, MSG_TICK_READ = 3 };
struct msg_tell_session { uint64_t state; struct msg_text name; struct msg_text code; struct msg_text text; }; /* code: why, "" or an error's */
struct msg_tell_message { uint64_t arrival; struct msg_id id; struct msg_text from; struct msg_text to; struct msg_text room; uint64_t ts_ms; struct msg_text text; };
struct msg_tell_messages { uint64_t arrival; struct msg_text from; struct msg_text to; struct msg_text room; struct msg_span batch; }; /* SAYs; arrival: of the first, and each has one more; to: us, or room: the other is "" */
struct msg_tell_receipt { struct msg_span ids; struct msg_text to; struct msg_text room; uint64_t tick; uint64_t others; }; /* ids: of 16 bytes each, one after the other; in rooms, to: the member, "" for queued and stored; others: with a member, how many there are beside ourselves, else 0 */
struct msg_tell_notice { uint64_t arrival; struct msg_text code; struct msg_text text; struct msg_text name; }; /* name: of the user or #room that it is about; "": neither.  arrival: as of a message; 0: it is not kept */
struct msg_tell_presence { struct msg_text name; uint64_t status; struct msg_text endpoint; struct msg_list rooms; bool fresh; }; /* rooms: small ones that we share, of ROOM_INFO, without topics; none: a contact; fresh: nothing was known of them before */
struct msg_tell_ok { uint64_t req; struct msg_id id; struct msg_text text; }; /* id: of the message that was said, else zero; text: what is worth knowing of it, "" mostly */

/* A decoded message of any kind: as large as the largest. */
union msg_any {
#define MSG_ANY_MEMBER(number, name, type) struct type MSG_ANY_##name;
    MSG_KINDS(MSG_ANY_MEMBER)
#undef MSG_ANY_MEMBER
};

#define MSG_KIND_LIMIT 352u /* above every kind */

/* ---- the tables ---- */
enum msg_field_kind { MSG_FIELD_U64, MSG_FIELD_BOOL, MSG_FIELD_TEXT, MSG_FIELD_BIN, MSG_FIELD_FIXED, MSG_FIELD_LIST };

struct msg_field {
    const char *name;
    enum msg_field_kind kind;
    enum msg_kind item;     /* LIST: the kind of its items, else MSG_KIND_NONE */
    size_t offset;          /* into the struct */
    size_t size;            /* FIXED: bytes */
    uint64_t min;           /* U64: value; TEXT, BIN: bytes; LIST: items */
    uint64_t max;
};

struct msg_shape {
    enum msg_kind kind;
    const char *name;       /* "SIGNUP" */
    size_t size;            /* of the struct */
    const struct msg_field *fields;
    uint32_t count;
};

/* The shape of a kind; NULL for a number that is none. */
const struct msg_shape *msg_catalog_shape(uint64_t kind);

/* Items stand in lists and nowhere else: a frame is never of such a kind. */
bool msg_catalog_is_item(enum msg_kind kind);

/* The shapes one after the other: index 0.. until NULL. */
const struct msg_shape *msg_catalog_at(size_t index);

#endif
