/* The field tables of every message: what msg/codec reads and writes by, and
 * what the tests, the printer and the specification are compared with. */
#include "msg/catalog.h"

#include <assert.h>

#include "msg/name.h"

/* Tables and _Generic read best as they are laid out here. */
/* clang-format off */
#define ANY UINT64_MAX
#define TYPED_MAX 512u          /* bytes; a name as it was typed: msg/name judges it */
#define CODE_MAX 64u            /* bytes; a stable error code */
#define SOURCE_MAX 64u          /* bytes; an address without port */
#define SAY_MAX (1u << 20)      /* bytes; a text as it was typed, for an answer of too-large */
#define PORT_MAX 65535u
#define REVOCATION_COUNT 1500u  /* as many as one frame holds */
#define COUNTER_MAX 65535u      /* MSG_RUN_COUNT - 1 */
#define SIGNED_MAX (MSG_FRAME_MAX - 64u) /* bytes; SIGNED, in a frame */
#define BODY_MAX (SIGNED_MAX - 72u)      /* bytes; what is signed, in SIGNED */

#define AT(type, member) (((struct type *)0)->member)

/* The kind of a field is the type of its member: a member of another type does
 * not compile. */
#define FIELD_KIND(type, member) \
    _Generic(AT(type, member), \
        uint64_t: MSG_FIELD_U64, \
        bool: MSG_FIELD_BOOL, \
        struct msg_text: MSG_FIELD_TEXT, \
        struct msg_span: MSG_FIELD_BIN, \
        struct msg_list: MSG_FIELD_LIST, \
        struct msg_sign_pub: MSG_FIELD_FIXED, \
        struct msg_box_pub: MSG_FIELD_FIXED, \
        struct msg_box_sec: MSG_FIELD_FIXED, \
        struct msg_sig: MSG_FIELD_FIXED, \
        struct msg_nonce: MSG_FIELD_FIXED, \
        struct msg_id: MSG_FIELD_FIXED, \
        struct msg_head: MSG_FIELD_FIXED, \
        struct msg_tag: MSG_FIELD_FIXED)

#define FIELD_OF(type, member, item, min, max) \
    {#member, FIELD_KIND(type, member), item, offsetof(struct type, member), \
     sizeof AT(type, member), min, max}
#define FIELD(type, member, min, max) FIELD_OF(type, member, MSG_KIND_NONE, min, max)
#define FIXED(type, member) FIELD(type, member, sizeof AT(type, member), sizeof AT(type, member))
#define FLAG(type, member) FIELD(type, member, 0, 1)
#define LIST(type, member, item, min, max) FIELD_OF(type, member, item, min, max)

#define FIELDS(type) static const struct msg_field type##_fields[] =

/* anywhere */
FIELDS(msg_error_frame) {
    FIELD(msg_error_frame, req, 0, ANY),
    FIELD(msg_error_frame, code, 1, CODE_MAX),
    FIELD(msg_error_frame, text, 0, MSG_REASON_MAX),
    FIELD(msg_error_frame, retry_ms, 0, ANY),
};
FIELDS(msg_done) {FIELD(msg_done, req, 1, ANY)};
FIELDS(msg_tell_notice) {
    FIELD(msg_tell_notice, code, 1, CODE_MAX),
    FIELD(msg_tell_notice, text, 0, MSG_REASON_MAX),
    FIELD(msg_tell_notice, name, 0, MSG_NAME_MAX),
};
FIELDS(msg_bye) {FIELD(msg_bye, code, 1, CODE_MAX), FIELD(msg_bye, text, 0, MSG_REASON_MAX)};

/* door */
FIELDS(msg_signup) {
    FIELD(msg_signup, req, 1, ANY),
    FIELD(msg_signup, name, 0, TYPED_MAX),
    FIELD(msg_signup, password, 0, MSG_PASSWORD_MAX),
    FIXED(msg_signup, sign),
    FIXED(msg_signup, mail),
    FIXED(msg_signup, mail_sig),
    FIXED(msg_signup, proof),
};
FIELDS(msg_passwd) {
    FIELD(msg_passwd, req, 1, ANY),
    FIELD(msg_passwd, name, 0, TYPED_MAX),
    FIELD(msg_passwd, old, 0, MSG_PASSWORD_MAX),
    FIELD(msg_passwd, new, 0, MSG_PASSWORD_MAX),
};
FIELDS(msg_admitted) {
    FIELD(msg_admitted, req, 1, ANY),
    FIELD(msg_admitted, account, 1, ANY),
    FIELD(msg_admitted, device, 1, ANY),
    FIELD(msg_admitted, name, 1, MSG_NAME_MAX),
    FIXED(msg_admitted, signer),
    FIELD(msg_admitted, front_host, 0, MSG_HOST_MAX),
    FIELD(msg_admitted, front_port, 1, PORT_MAX),
    FIXED(msg_admitted, front),
    FIELD(msg_admitted, certificate, 1, MSG_CERT_MAX),
};

/* front */
FIELDS(msg_login) {
    FIELD(msg_login, req, 1, ANY),
    FIELD(msg_login, port, 0, PORT_MAX),
    LIST(msg_login, addresses, MSG_ADDRESS, 0, MSG_ENDPOINT_COUNT),
    FIELD(msg_login, direct, MSG_DIRECT_ANYONE, MSG_DIRECT_NEVER),
    FIELD(msg_login, status, MSG_STATUS_ONLINE, MSG_STATUS_AWAY),
    FIXED(msg_login, mail),
    FIXED(msg_login, mail_sig),
};
FIELDS(msg_welcome) {
    FIELD(msg_welcome, req, 1, ANY),
    FIELD(msg_welcome, account, 1, ANY),
    FIELD(msg_welcome, device, 1, ANY),
    FIELD(msg_welcome, name, 1, MSG_NAME_MAX),
    FIELD(msg_welcome, generation, 0, ANY),
    FIELD(msg_welcome, lease_ms, 1, ANY),
    FIELD(msg_welcome, now_ms, 0, ANY),
    FIELD(msg_welcome, observed, 0, MSG_HOST_MAX),
    FIELD(msg_welcome, revoked_version, 0, ANY),
    FIELD(msg_welcome, certificate, 1, MSG_CERT_MAX),
};
FIELDS(msg_ping) {FIELD(msg_ping, status, MSG_STATUS_ONLINE, MSG_STATUS_AWAY)};
FIELDS(msg_pong) {FIELD(msg_pong, now_ms, 0, ANY), FIELD(msg_pong, revoked_version, 0, ANY)};
FIELDS(msg_search) {FIELD(msg_search, req, 1, ANY), FIELD(msg_search, name, 0, TYPED_MAX)};
FIELDS(msg_found) {
    FIELD(msg_found, req, 1, ANY),
    FIELD(msg_found, name, 0, TYPED_MAX),
    FIELD(msg_found, status, MSG_STATUS_OFFLINE, MSG_STATUS_NOT_FOUND),
    FIELD(msg_found, endpoint, 0, MSG_ENDPOINT_MAX),
};
FIELDS(msg_list_users) {
    FIELD(msg_list_users, req, 1, ANY),
    FLAG(msg_list_users, detailed),
    FIELD(msg_list_users, after, 0, MSG_FOLD_MAX),
};
FIELDS(msg_users) {
    FIELD(msg_users, req, 1, ANY),
    LIST(msg_users, users, MSG_USER, 0, MSG_LIST_PAGE),
    FIELD(msg_users, next, 0, MSG_FOLD_MAX),
};
FIELDS(msg_watch) {
    FIELD(msg_watch, req, 1, ANY),
    LIST(msg_watch, names, MSG_NAME, 0, MSG_WATCH_PAGE),
};
FIELDS(msg_presence) {LIST(msg_presence, changes, MSG_USER, 0, MSG_LIST_PAGE)};
FIELDS(msg_introduction) {
    FIELD(msg_introduction, intro, 1, ANY),
    FIELD(msg_introduction, certificate, 1, MSG_CERT_MAX),
};
FIELDS(msg_consent) {FIELD(msg_consent, intro, 1, ANY), FLAG(msg_consent, yes)};
FIELDS(msg_introduced) {
    FIELD(msg_introduced, req, 1, ANY),
    FIELD(msg_introduced, account, 0, ANY),
    FIELD(msg_introduced, name, 0, TYPED_MAX),
    FIELD(msg_introduced, status, MSG_STATUS_OFFLINE, MSG_STATUS_NOT_FOUND),
    LIST(msg_introduced, devices, MSG_DEVICE_CARD, 0, MSG_DEVICE_COUNT),
};
FIELDS(msg_devices) {
    FIELD(msg_devices, req, 1, ANY),
    LIST(msg_devices, devices, MSG_DEVICE_INFO, 0, MSG_DEVICE_COUNT),
};
FIELDS(msg_revoke) {FIELD(msg_revoke, req, 1, ANY), FIELD(msg_revoke, device, 0, ANY)};
FIELDS(msg_list_revoked) {
    FIELD(msg_list_revoked, req, 1, ANY),
    FIELD(msg_list_revoked, after, 0, ANY),
};
FIELDS(msg_revoked) {FIELD(msg_revoked, req, 0, ANY), FIELD(msg_revoked, list, 1, SIGNED_MAX)};

/* link */
FIELDS(msg_hello) {
    FIELD(msg_hello, certificate, 1, MSG_CERT_MAX),
    FIELD(msg_hello, revoked_version, 0, ANY),
};
FIELDS(msg_run_frame) {
    FIXED(msg_run_frame, run),
    FIELD(msg_run_frame, from_account, 1, ANY),
    FIELD(msg_run_frame, from_device, 1, ANY),
    FIELD(msg_run_frame, to_account, 1, ANY),
    FIELD(msg_run_frame, to_device, 1, ANY),
    FIXED(msg_run_frame, mail),
    FIXED(msg_run_frame, ephemeral),
    FIXED(msg_run_frame, sig),
};
FIELDS(msg_sealed) {
    FIXED(msg_sealed, run),
    FIELD(msg_sealed, counter, 0, COUNTER_MAX),
    FIXED(msg_sealed, nonce),
    FIELD(msg_sealed, box, MSG_SEAL_BYTES + 1, MSG_BATCH_MAX + MSG_SEAL_BYTES),
};
FIELDS(msg_reseal) {FIXED(msg_reseal, run), FIELD(msg_reseal, certificate, 1, MSG_CERT_MAX)};

/* inside a seal */
FIELDS(msg_chain) {
    FIELD(msg_chain, incarnation, 1, ANY),
    FIELD(msg_chain, salt, 0, ANY),
    FIELD(msg_chain, from_incarnation, 0, ANY),
    FIELD(msg_chain, from_number, 0, ANY),
    FIELD(msg_chain, base, 0, ANY),
};
FIELDS(msg_say) {
    FIXED(msg_say, id),
    FIELD(msg_say, number, 1, ANY),
    FIXED(msg_say, prev),
    FIELD(msg_say, ts_ms, 0, ANY),
    FIELD(msg_say, text, 1, MSG_TEXT_MAX),
};
FIELDS(msg_receipt) {
    FIELD(msg_receipt, incarnation, 0, ANY),
    FIELD(msg_receipt, salt, 0, ANY),
    FIELD(msg_receipt, delivered, 0, ANY),
    FIELD(msg_receipt, read, 0, ANY),
    FLAG(msg_receipt, gap),
};

/* signed */
FIELDS(msg_cert_body) {
    FIELD(msg_cert_body, serial, 0, ANY),
    FIELD(msg_cert_body, account, 1, ANY),
    FIELD(msg_cert_body, device, 1, ANY),
    FIELD(msg_cert_body, name, 1, MSG_NAME_MAX),
    FIXED(msg_cert_body, sign),
    FIXED(msg_cert_body, transport),
    FIXED(msg_cert_body, mail),
    FIXED(msg_cert_body, mail_sig),
    FIELD(msg_cert_body, not_before_ms, 0, ANY),
    FIELD(msg_cert_body, not_after_ms, 0, ANY),
};
FIELDS(msg_signed) {FIELD(msg_signed, body, 1, BODY_MAX), FIXED(msg_signed, sig)};
FIELDS(msg_revocations) {
    FIELD(msg_revocations, version, 0, ANY),
    FIELD(msg_revocations, issued_ms, 0, ANY),
    LIST(msg_revocations, entries, MSG_REVOCATION, 0, REVOCATION_COUNT),
};

/* items */
FIELDS(msg_address) {FIELD(msg_address, endpoint, 1, MSG_ENDPOINT_MAX)};
FIELDS(msg_user) {
    FIELD(msg_user, name, 1, MSG_NAME_MAX),
    FIELD(msg_user, status, MSG_STATUS_OFFLINE, MSG_STATUS_NOT_FOUND),
    FIELD(msg_user, endpoint, 0, MSG_ENDPOINT_MAX),
};
FIELDS(msg_name_item) {FIELD(msg_name_item, name, 1, MSG_NAME_MAX)};
FIELDS(msg_device_card) {
    FIELD(msg_device_card, certificate, 1, MSG_CERT_MAX),
    FLAG(msg_device_card, online),
    LIST(msg_device_card, endpoints, MSG_ADDRESS, 0, MSG_ENDPOINT_COUNT),
};
FIELDS(msg_device_info) {
    FIELD(msg_device_info, device, 1, ANY),  FIELD(msg_device_info, created_ms, 0, ANY),
    FIELD(msg_device_info, seen_ms, 0, ANY), FLAG(msg_device_info, online),
    FLAG(msg_device_info, revoked),          FLAG(msg_device_info, current),
};
FIELDS(msg_revocation) {
    FIELD(msg_revocation, version, 0, ANY),
    FIELD(msg_revocation, account, 1, ANY),
    FIELD(msg_revocation, device, 1, ANY),
    FIELD(msg_revocation, revoked_ms, 0, ANY),
};

/* between the registry's processes */
FIELDS(msg_door_ask) {
    FIELD(msg_door_ask, ticket, 0, ANY),
    FIELD(msg_door_ask, source, 0, SOURCE_MAX),
    FIXED(msg_door_ask, key),
    FIELD(msg_door_ask, frame, 1, MSG_KNOCK_MAX),
};
FIELDS(msg_door_tell) {
    FIELD(msg_door_tell, ticket, 0, ANY),
    FIELD(msg_door_tell, frame, 1, MSG_KNOCK_MAX),
};
FIELDS(msg_door_policy) {FIXED(msg_door_policy, door)};
FIELDS(msg_vault_hash) {
    FIELD(msg_vault_hash, job, 0, ANY),
    FIELD(msg_vault_hash, password, 0, MSG_PASSWORD_MAX),
};
FIELDS(msg_vault_hashed) {
    FIELD(msg_vault_hashed, job, 0, ANY),
    FIELD(msg_vault_hashed, hash, 1, MSG_HASH_TEXT_MAX),
};
FIELDS(msg_vault_check) {
    FIELD(msg_vault_check, job, 0, ANY),
    FIELD(msg_vault_check, password, 0, MSG_PASSWORD_MAX),
    FIELD(msg_vault_check, hash, 0, MSG_HASH_TEXT_MAX),
};
FIELDS(msg_vault_checked) {
    FIELD(msg_vault_checked, job, 0, ANY),
    FLAG(msg_vault_checked, ok),
    FLAG(msg_vault_checked, rehash),
};
FIELDS(msg_vault_sign) {
    FIELD(msg_vault_sign, job, 0, ANY),
    FIELD(msg_vault_sign, body, 1, BODY_MAX),
};
FIELDS(msg_vault_signed) {FIELD(msg_vault_signed, job, 0, ANY), FIXED(msg_vault_signed, sig)};
FIELDS(msg_vault_busy) {
    FIELD(msg_vault_busy, job, 0, ANY),
    FIELD(msg_vault_busy, retry_ms, 0, ANY),
};

/* the registry's records */
FIELDS(msg_rec_account) {
    FIELD(msg_rec_account, account, 1, ANY),
    FIELD(msg_rec_account, name, 1, MSG_NAME_MAX),
    FIELD(msg_rec_account, hash, 1, MSG_HASH_TEXT_MAX),
    FIELD(msg_rec_account, created_ms, 0, ANY),
    FIELD(msg_rec_account, next_device, 1, ANY),
};
FIELDS(msg_rec_number) {FIELD(msg_rec_number, account, 1, ANY)};
FIELDS(msg_rec_device) {
    FIELD(msg_rec_device, account, 1, ANY),
    FIELD(msg_rec_device, device, 1, ANY),
    FIXED(msg_rec_device, sign),
    FIXED(msg_rec_device, transport),
    FIXED(msg_rec_device, mail),
    FIXED(msg_rec_device, mail_sig),
    FIELD(msg_rec_device, created_ms, 0, ANY),
    FIELD(msg_rec_device, seen_ms, 0, ANY),
    FIELD(msg_rec_device, revoked_ms, 0, ANY),
    FIELD(msg_rec_device, certificate, 0, MSG_CERT_MAX),
};
FIELDS(msg_rec_owner) {
    FIELD(msg_rec_owner, account, 1, ANY),
    FIELD(msg_rec_owner, device, 1, ANY),
};
FIELDS(msg_rec_revoked) {
    FIELD(msg_rec_revoked, version, 0, ANY),
    FIELD(msg_rec_revoked, account, 1, ANY),
    FIELD(msg_rec_revoked, device, 1, ANY),
    FIELD(msg_rec_revoked, revoked_ms, 0, ANY),
};
FIELDS(msg_rec_counters) {
    FIELD(msg_rec_counters, next_account, 0, ANY),    FIELD(msg_rec_counters, next_serial, 0, ANY),
    FIELD(msg_rec_counters, revoked_version, 0, ANY), FIELD(msg_rec_counters, accounts, 0, ANY),
    FIELD(msg_rec_counters, next_generation, 0, ANY),
};

/* the peer's records */
FIELDS(msg_rec_self) {
    FIELD(msg_rec_self, link, 0, MSG_LINK_MAX),
    FIELD(msg_rec_self, account, 0, ANY),
    FIELD(msg_rec_self, device, 0, ANY),
    FIELD(msg_rec_self, name, 0, MSG_NAME_MAX),
    FIXED(msg_rec_self, signer),
    FIELD(msg_rec_self, front_host, 0, MSG_HOST_MAX),
    FIELD(msg_rec_self, front_port, 0, PORT_MAX),
    FIXED(msg_rec_self, front),
    FIELD(msg_rec_self, certificate, 0, MSG_CERT_MAX),
    FLAG(msg_rec_self, logged_out),
    FIELD(msg_rec_self, incarnation, 0, ANY),
    FIELD(msg_rec_self, salt, 0, ANY),
    FIELD(msg_rec_self, now_offset_ms, 0, ANY),
};
FIELDS(msg_rec_mail_key) {
    FIXED(msg_rec_mail_key, pub),
    FIXED(msg_rec_mail_key, sec),
    FIELD(msg_rec_mail_key, created_ms, 0, ANY),
    FIELD(msg_rec_mail_key, retired_ms, 0, ANY),
};
FIELDS(msg_rec_contact) {
    FIELD(msg_rec_contact, account, 1, ANY),
    FIELD(msg_rec_contact, name, 1, MSG_NAME_MAX),
    FLAG(msg_rec_contact, blocked),
};
FIELDS(msg_rec_contact_device) {
    FIELD(msg_rec_contact_device, account, 1, ANY),
    FIELD(msg_rec_contact_device, device, 1, ANY),
    FIELD(msg_rec_contact_device, certificate, 0, MSG_CERT_MAX),
    LIST(msg_rec_contact_device, endpoints, MSG_ADDRESS, 0, MSG_ENDPOINT_COUNT),
    FIELD(msg_rec_contact_device, incarnation, 0, ANY),
    FIELD(msg_rec_contact_device, delivered, 0, ANY),
    FIELD(msg_rec_contact_device, read, 0, ANY),
};
FIELDS(msg_rec_out) {
    FIELD(msg_rec_out, account, 1, ANY),
    FIELD(msg_rec_out, incarnation, 1, ANY),
    FIELD(msg_rec_out, salt, 0, ANY),
    FIELD(msg_rec_out, from_incarnation, 0, ANY),
    FIELD(msg_rec_out, from_number, 0, ANY),
    FIELD(msg_rec_out, number, 1, ANY),
    FIXED(msg_rec_out, id),
    FIXED(msg_rec_out, prev),
    FIELD(msg_rec_out, ts_ms, 0, ANY),
    FIELD(msg_rec_out, text, 1, MSG_TEXT_MAX),
};
FIELDS(msg_rec_chain_out) {
    FIELD(msg_rec_chain_out, account, 1, ANY),
    FIELD(msg_rec_chain_out, incarnation, 0, ANY),
    FIELD(msg_rec_chain_out, number, 0, ANY),
    FIXED(msg_rec_chain_out, head),
    FIELD(msg_rec_chain_out, from_incarnation, 0, ANY),
    FIELD(msg_rec_chain_out, from_number, 0, ANY),
};
FIELDS(msg_rec_chain_in) {
    FIELD(msg_rec_chain_in, account, 1, ANY),     FIELD(msg_rec_chain_in, device, 1, ANY),
    FIELD(msg_rec_chain_in, incarnation, 0, ANY), FIELD(msg_rec_chain_in, salt, 0, ANY),
    FIELD(msg_rec_chain_in, number, 0, ANY),      FIXED(msg_rec_chain_in, head),
    FIELD(msg_rec_chain_in, read, 0, ANY),        FIELD(msg_rec_chain_in, told, 0, ANY),
};
FIELDS(msg_rec_inbox) {
    FIELD(msg_rec_inbox, arrival, 1, ANY),
    FIELD(msg_rec_inbox, account, 1, ANY),
    FIELD(msg_rec_inbox, device, 1, ANY),
    FIELD(msg_rec_inbox, incarnation, 0, ANY),
    FIELD(msg_rec_inbox, number, 0, ANY),
    FIELD(msg_rec_inbox, name, 1, MSG_NAME_MAX),
    FIXED(msg_rec_inbox, id),
    FIELD(msg_rec_inbox, ts_ms, 0, ANY),
    FIELD(msg_rec_inbox, text, 1, MSG_TEXT_MAX),
};

FIELDS(msg_rec_keys) {
    FLAG(msg_rec_keys, locked),
    FIELD(msg_rec_keys, salt, 16, 16),
    FIELD(msg_rec_keys, sec, 128, 128 + MSG_LOCK_BYTES),
};
FIELDS(msg_rec_instance) {FIELD(msg_rec_instance, number, 1, ANY)};

/* commands */
FIELDS(msg_cmd_credentials) {
    FIELD(msg_cmd_credentials, req, 1, ANY),
    FIELD(msg_cmd_credentials, name, 0, TYPED_MAX),
    FIELD(msg_cmd_credentials, password, 0, MSG_PASSWORD_MAX),
};
FIELDS(msg_cmd_logout) {FIELD(msg_cmd_logout, req, 1, ANY), FLAG(msg_cmd_logout, forget)};
FIELDS(msg_cmd_passwd) {
    FIELD(msg_cmd_passwd, req, 1, ANY),
    FIELD(msg_cmd_passwd, old, 0, MSG_PASSWORD_MAX),
    FIELD(msg_cmd_passwd, new, 0, MSG_PASSWORD_MAX),
};
FIELDS(msg_cmd_who) {FIELD(msg_cmd_who, req, 1, ANY), FLAG(msg_cmd_who, detailed)};
FIELDS(msg_cmd_say) {
    FIELD(msg_cmd_say, req, 1, ANY),
    FIELD(msg_cmd_say, name, 0, TYPED_MAX),
    FIELD(msg_cmd_say, text, 0, SAY_MAX),
};
FIELDS(msg_cmd_read) {FIELD(msg_cmd_read, arrival, 0, ANY)};
FIELDS(msg_cmd_block) {
    FIELD(msg_cmd_block, req, 1, ANY),
    FIELD(msg_cmd_block, name, 0, TYPED_MAX),
    FLAG(msg_cmd_block, on),
};
FIELDS(msg_cmd_status) {
    FIELD(msg_cmd_status, req, 1, ANY),
    FIELD(msg_cmd_status, status, MSG_STATUS_ONLINE, MSG_STATUS_AWAY),
};

/* tells */
FIELDS(msg_tell_session) {
    FIELD(msg_tell_session, state, MSG_SESSION_CONNECTED, MSG_SESSION_LOGGED_OUT),
    FIELD(msg_tell_session, name, 0, MSG_NAME_MAX),
    FIELD(msg_tell_session, code, 0, CODE_MAX),
    FIELD(msg_tell_session, text, 0, MSG_REASON_MAX),
};
FIELDS(msg_tell_message) {
    FIELD(msg_tell_message, arrival, 0, ANY),       FIXED(msg_tell_message, id),
    FIELD(msg_tell_message, from, 1, MSG_NAME_MAX), FIELD(msg_tell_message, to, 0, MSG_NAME_MAX),
    FIELD(msg_tell_message, ts_ms, 0, ANY),         FIELD(msg_tell_message, text, 1, MSG_TEXT_MAX),
};
FIELDS(msg_tell_receipt) {
    FIXED(msg_tell_receipt, id),
    FIELD(msg_tell_receipt, to, 0, TYPED_MAX),
    FIELD(msg_tell_receipt, tick, MSG_TICK_QUEUED, MSG_TICK_READ),
};
FIELDS(msg_tell_ok) {FIELD(msg_tell_ok, req, 1, ANY), FIXED(msg_tell_ok, id)};

#define SHAPE(number, name, type)                                                                  \
    {MSG_##name, #name, sizeof(struct type), type##_fields,                                        \
     sizeof type##_fields / sizeof type##_fields[0]},
static const struct msg_shape shapes[] = {MSG_KINDS(SHAPE)};
#undef SHAPE

/* clang-format on */

#define SHAPES (sizeof shapes / sizeof shapes[0])

/* Where in `shapes` a kind stands, plus 1; 0: nowhere. */
#define KIND_LIMIT 256u
enum shape_index {
#define INDEX(number, name, type) INDEX_##name,
    MSG_KINDS(INDEX)
#undef INDEX
};
static const uint8_t index_of[KIND_LIMIT] = {
#define INDEXED(number, name, type) [number] = INDEX_##name + 1,
    MSG_KINDS(INDEXED)
#undef INDEXED
};
static_assert(SHAPES < UINT8_MAX, "index_of holds the index in a byte");

const struct msg_shape *
msg_catalog_shape(uint64_t kind)
{
    if (kind >= KIND_LIMIT || index_of[kind] == 0)
        return NULL;
    return &shapes[index_of[kind] - 1];
}

const struct msg_shape *
msg_catalog_at(size_t index)
{
    return index < SHAPES ? &shapes[index] : NULL;
}
