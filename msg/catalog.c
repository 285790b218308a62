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
        struct msg_sym_key: MSG_FIELD_FIXED, \
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
    FIELD(msg_tell_notice, arrival, 0, ANY),
    FIELD(msg_tell_notice, code, 1, CODE_MAX),
    FIELD(msg_tell_notice, text, 0, MSG_NOTICE_MAX),
    FIELD(msg_tell_notice, name, 0, MSG_ROOM_NAME_MAX),
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
    FIELD(msg_found, account, 0, ANY),
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
    FIELD(msg_chain, number, 1, ANY),
    FIXED(msg_chain, prev),
};
FIELDS(msg_say) {
    FIXED(msg_say, id),
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

/* clang-format on */
#include "msg/fields_local.h"
#include "msg/fields_monitor.h"
#include "msg/fields_rooms.h"
/* clang-format off */

#define SHAPE(number, name, type)                                                                  \
    {MSG_##name, #name, sizeof(struct type), type##_fields,                                        \
     sizeof type##_fields / sizeof type##_fields[0]},
static const struct msg_shape shapes[] = {MSG_KINDS(SHAPE)};
#undef SHAPE

/* clang-format on */

#define SHAPES (sizeof shapes / sizeof shapes[0])

/* Where in `shapes` a kind stands, plus 1; 0: nowhere. */
enum shape_index {
#define INDEX(number, name, type) INDEX_##name,
    MSG_KINDS(INDEX)
#undef INDEX
};
static const uint8_t index_of[MSG_KIND_LIMIT] = {
#define INDEXED(number, name, type) [number] = INDEX_##name + 1,
    MSG_KINDS(INDEXED)
#undef INDEXED
};
static_assert(SHAPES < UINT8_MAX, "index_of holds the index in a byte");

const struct msg_shape *
msg_catalog_shape(uint64_t kind)
{
    if (kind >= MSG_KIND_LIMIT || index_of[kind] == 0)
        return NULL;
    return &shapes[index_of[kind] - 1];
}

const struct msg_shape *
msg_catalog_at(size_t index)
{
    return index < SHAPES ? &shapes[index] : NULL;
}

bool
msg_catalog_is_item(enum msg_kind kind)
{
    return (kind >= MSG_ADDRESS && kind <= MSG_DEVICE) || (kind >= MSG_PRESENT && kind <= MSG_SESSION_ROW);
}
