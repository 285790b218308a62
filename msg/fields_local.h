/* Field tables of what stays on one machine: frames between the registry's
 * processes, records on disk, commands and tells.  A part of msg/catalog.c. */

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
    FIELD(msg_rec_contact_device, mailed_incarnation, 0, ANY),
    FIELD(msg_rec_contact_device, mailed_number, 0, ANY),
    FIELD(msg_rec_contact_device, returned_incarnation, 0, ANY),
    FIELD(msg_rec_contact_device, returned_number, 0, ANY),
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
    FIELD(msg_rec_chain_out, stored_incarnation, 0, ANY),
    FIELD(msg_rec_chain_out, stored_number, 0, ANY),
};
FIELDS(msg_rec_chain_in) {
    FIELD(msg_rec_chain_in, account, 1, ANY),     FIELD(msg_rec_chain_in, device, 1, ANY),
    FIELD(msg_rec_chain_in, incarnation, 0, ANY), FIELD(msg_rec_chain_in, salt, 0, ANY),
    FIELD(msg_rec_chain_in, number, 0, ANY),      FIXED(msg_rec_chain_in, head),
    FIELD(msg_rec_chain_in, read, 0, ANY),        FIELD(msg_rec_chain_in, told, 0, ANY),
    FIXED(msg_rec_chain_in, start),
};
FIELDS(msg_rec_inbox) {
    FIELD(msg_rec_inbox, arrival, 1, ANY),
    FIELD(msg_rec_inbox, account, 1, ANY),
    FIELD(msg_rec_inbox, device, 1, ANY),
    FIELD(msg_rec_inbox, incarnation, 0, ANY),
    FIELD(msg_rec_inbox, number, 0, ANY),
    FIELD(msg_rec_inbox, name, 1, MSG_NAME_MAX),
    FIELD(msg_rec_inbox, room, 1, MSG_ROOM_NAME_MAX),
    FIXED(msg_rec_inbox, id),
    FIELD(msg_rec_inbox, ts_ms, 0, ANY),
    FIELD(msg_rec_inbox, text, 1, MSG_TEXT_MAX),
};
FIELDS(msg_rec_inbox_batch) {
    FIELD(msg_rec_inbox_batch, arrival, 1, ANY),
    FIELD(msg_rec_inbox_batch, count, 1, MSG_BATCH_COUNT),
    FIELD(msg_rec_inbox_batch, account, 1, ANY),
    FIELD(msg_rec_inbox_batch, device, 1, ANY),
    FIELD(msg_rec_inbox_batch, incarnation, 1, ANY),
    FIELD(msg_rec_inbox_batch, first, 1, ANY),
    FIELD(msg_rec_inbox_batch, name, 1, MSG_NAME_MAX),
    FIELD(msg_rec_inbox_batch, room, 0, MSG_ROOM_NAME_MAX),
    FIELD(msg_rec_inbox_batch, batch, 1, MSG_BATCH_MAX),
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
    FIELD(msg_tell_message, arrival, 0, ANY),
    FIXED(msg_tell_message, id),
    FIELD(msg_tell_message, from, 1, MSG_NAME_MAX),
    FIELD(msg_tell_message, to, 0, MSG_NAME_MAX),
    FIELD(msg_tell_message, room, 0, MSG_ROOM_NAME_MAX),
    FIELD(msg_tell_message, ts_ms, 0, ANY),
    FIELD(msg_tell_message, text, 1, MSG_TEXT_MAX),
};
FIELDS(msg_tell_messages) {
    FIELD(msg_tell_messages, arrival, 1, ANY),
    FIELD(msg_tell_messages, from, 1, MSG_NAME_MAX),
    FIELD(msg_tell_messages, to, 0, MSG_NAME_MAX),
    FIELD(msg_tell_messages, room, 0, MSG_ROOM_NAME_MAX),
    FIELD(msg_tell_messages, batch, 1, MSG_BATCH_MAX),
};
FIELDS(msg_tell_receipt) {
    FIELD(msg_tell_receipt, ids, sizeof(struct msg_id), MSG_TICK_COUNT * sizeof(struct msg_id)),
    FIELD(msg_tell_receipt, to, 0, TYPED_MAX),
    FIELD(msg_tell_receipt, room, 0, MSG_ROOM_NAME_MAX),
    FIELD(msg_tell_receipt, tick, MSG_TICK_QUEUED, MSG_TICK_READ),
    FIELD(msg_tell_receipt, others, 0, ANY),
};
FIELDS(msg_tell_ok) {FIELD(msg_tell_ok, req, 1, ANY), FIXED(msg_tell_ok, id), FIELD(msg_tell_ok, text, 0, MSG_REASON_MAX)};
