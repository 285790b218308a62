/* Field tables of rooms, mail and relay.  A part of msg/catalog.c. */

#define ROOMS_MAX 1000u                  /* rooms of one account */
#define PRESENT_MAX 1000u                /* people in one ROOM_PRESENCE */
#define POST_MAX (MSG_BATCH_MAX + 1024u) /* bytes; RUN and SEALED, or a ROOM_FRAME */
#define RELAY_MAX (MSG_FRAME_MAX - 32u)  /* bytes; frames of a link */

FIELDS(msg_relay) {
    FIELD(msg_relay, account, 1, ANY),
    FIELD(msg_relay, device, 1, ANY),
    FIELD(msg_relay, frames, 1, RELAY_MAX),
};
FIELDS(msg_unreached) {FIELD(msg_unreached, account, 1, ANY), FIELD(msg_unreached, device, 1, ANY)};
FIELDS(msg_deposit) {
    FIELD(msg_deposit, req, 1, ANY),
    LIST(msg_deposit, parcels, MSG_PARCEL, 1, MSG_LIST_PAGE),
};
FIELDS(msg_deposited) {
    FIELD(msg_deposited, req, 1, ANY),
    LIST(msg_deposited, refused, MSG_REFUSAL, 0, MSG_LIST_PAGE),
};
FIELDS(msg_mail) {
    FIELD(msg_mail, serial, 1, ANY),
    FIELD(msg_mail, account, 1, ANY),
    FIELD(msg_mail, device, 1, ANY),
    FIELD(msg_mail, certificate, 1, MSG_CERT_MAX),
    FIELD(msg_mail, posted_ms, 0, ANY),
    FIELD(msg_mail, frames, 1, POST_MAX),
};
FIELDS(msg_collected) {FIELD(msg_collected, serial, 1, ANY)};
FIELDS(msg_returned) {
    FIELD(msg_returned, serial, 1, ANY),
    FIELD(msg_returned, account, 1, ANY),
    FIELD(msg_returned, device, 1, ANY),
    FIXED(msg_returned, run),
    FIELD(msg_returned, posted_ms, 0, ANY),
};
FIELDS(msg_parcel) {
    FIELD(msg_parcel, account, 1, ANY),
    FIELD(msg_parcel, device, 1, ANY),
    FIELD(msg_parcel, frames, 1, POST_MAX),
    FLAG(msg_parcel, rooms),
};
FIELDS(msg_refusal) {
    FIELD(msg_refusal, account, 1, ANY),
    FIELD(msg_refusal, device, 1, ANY),
    FIELD(msg_refusal, code, 1, CODE_MAX),
    FLAG(msg_refusal, rooms),
};
FIELDS(msg_room_propose) {
    FIELD(msg_room_propose, req, 1, ANY),
    FIXED(msg_room_propose, room),
    FIELD(msg_room_propose, op, 1, MSG_ROOM_OP_MAX),
    FIELD(msg_room_propose, password, 0, MSG_PASSWORD_MAX),
};
FIELDS(msg_room_find) {FIELD(msg_room_find, req, 1, ANY), FIELD(msg_room_find, name, 0, TYPED_MAX)};
FIELDS(msg_room_found) {
    FIELD(msg_room_found, req, 1, ANY),
    FIXED(msg_room_found, room),
    FIELD(msg_room_found, name, 1, MSG_ROOM_NAME_MAX),
    FIELD(msg_room_found, topic, 0, MSG_TOPIC_MAX),
    FIELD(msg_room_found, flags, 0, MSG_ROOM_FLAGS),
    FIELD(msg_room_found, members, 0, ANY),
    FIELD(msg_room_found, number, 1, ANY),
    FIXED(msg_room_found, head),
    FIELD(msg_room_found, role, MSG_ROLE_NONE, MSG_ROLE_OWNER),
    FIELD(msg_room_found, standing, 0, MSG_STANDINGS),
};
FIELDS(msg_room_list) {
    FIELD(msg_room_list, req, 1, ANY),
    FLAG(msg_room_list, detailed),
    FIELD(msg_room_list, after, 0, MSG_FOLD_MAX * 2),
};
FIELDS(msg_rooms) {
    FIELD(msg_rooms, req, 1, ANY),
    LIST(msg_rooms, rooms, MSG_ROOM_INFO, 0, MSG_LIST_PAGE),
    FIELD(msg_rooms, next, 0, MSG_FOLD_MAX * 2),
};
FIELDS(msg_room_of) {
    FIELD(msg_room_of, req, 1, ANY),
    FIXED(msg_room_of, room),
    FIELD(msg_room_of, after, 0, ANY),
};
FIELDS(msg_members) {
    FIELD(msg_members, req, 1, ANY),
    FIXED(msg_members, room),
    LIST(msg_members, members, MSG_MEMBER, 0, MSG_LIST_PAGE),
    FIELD(msg_members, next, 0, ANY),
};
FIELDS(msg_entries) {
    FIELD(msg_entries, req, 0, ANY),
    FIXED(msg_entries, room),
    LIST(msg_entries, entries, MSG_ENTRY, 0, MSG_LIST_PAGE),
    FLAG(msg_entries, more),
};
FIELDS(msg_cards_of) {
    FIELD(msg_cards_of, req, 1, ANY),
    FIXED(msg_cards_of, room),
    FIELD(msg_cards_of, account, 0, ANY),
    FIELD(msg_cards_of, device, 0, ANY),
};
FIELDS(msg_cards) {
    FIELD(msg_cards, req, 1, ANY),
    FIXED(msg_cards, room),
    LIST(msg_cards, cards, MSG_CARD, 0, MSG_LIST_PAGE),
    FLAG(msg_cards, more),
};
FIELDS(msg_card_of) {
    FIELD(msg_card_of, req, 1, ANY),
    FIELD(msg_card_of, account, 1, ANY),
    FIELD(msg_card_of, device, 1, ANY),
};
FIELDS(msg_room_state) {
    FLAG(msg_room_state, complete),
    LIST(msg_room_state, rooms, MSG_ROOM_HEAD, 0, ROOMS_MAX),
};
FIELDS(msg_room_read) {
    FIELD(msg_room_read, req, 1, ANY),
    FIXED(msg_room_read, room),
    FIELD(msg_room_read, after, 0, ANY),
    LIST(msg_room_read, have, MSG_MARK, 0, MSG_MARK_COUNT),
};
FIELDS(msg_room_log) {
    FIELD(msg_room_log, req, 1, ANY),
    FIXED(msg_room_log, room),
    LIST(msg_room_log, frames, MSG_LOGGED, 0, MSG_BATCH_COUNT),
    FIELD(msg_room_log, next, 0, ANY),
    FIELD(msg_room_log, first, 0, ANY),
    FLAG(msg_room_log, live),
};
FIELDS(msg_room_post) {FIXED(msg_room_post, room), FIELD(msg_room_post, frame, 1, POST_MAX)};
FIELDS(msg_room_cast) {
    FIXED(msg_room_cast, room),
    FIELD(msg_room_cast, prev, 0, ANY),
    FIELD(msg_room_cast, routes, 0, ANY),
    LIST(msg_room_cast, posts, MSG_LOGGED, 1, MSG_BATCH_COUNT),
};
FIELDS(msg_room_stored) {
    FIXED(msg_room_stored, room),
    FIELD(msg_room_stored, incarnation, 1, ANY),
    FIELD(msg_room_stored, number, 1, ANY),
};
FIELDS(msg_room_refused) {
    FIXED(msg_room_refused, room),
    FIELD(msg_room_refused, code, 1, CODE_MAX),
    FIELD(msg_room_refused, incarnation, 0, ANY),
    FIELD(msg_room_refused, first, 0, ANY),
    FIELD(msg_room_refused, epoch, 0, ANY),
    FIELD(msg_room_refused, number, 0, ANY),
    FIELD(msg_room_refused, retry_ms, 0, ANY),
};
FIELDS(msg_room_taken) {FIELD(msg_room_taken, bytes, 0, ANY)};
FIELDS(msg_room_routes) {
    FIXED(msg_room_routes, room),
    FIELD(msg_room_routes, version, 1, ANY),
    LIST(msg_room_routes, devices, MSG_DEVICE, 0, MSG_ROUTE_COUNT),
};
FIELDS(msg_room_mesh) {FIXED(msg_room_mesh, room), FIELD(msg_room_mesh, port, 0, PORT_MAX)};
FIELDS(msg_room_peers) {
    FIXED(msg_room_peers, room),
    LIST(msg_room_peers, peers, MSG_DEVICE_CARD, 0, MSG_LIST_PAGE),
};
FIELDS(msg_room_watch) {FIELD(msg_room_watch, req, 1, ANY), FLAG(msg_room_watch, on)};
FIELDS(msg_room_changed) {
    FIELD(msg_room_changed, act, MSG_ACT_CREATE, MSG_ACT_REVOKED),
    LIST(msg_room_changed, rooms, MSG_ROOM_INFO, 1, MSG_LIST_PAGE),
};
FIELDS(msg_room_frame) {
    FIXED(msg_room_frame, room),
    FIELD(msg_room_frame, epoch, 1, ANY),
    FIXED(msg_room_frame, epoch_head),
    FIELD(msg_room_frame, account, 1, ANY),
    FIELD(msg_room_frame, device, 1, ANY),
    FIELD(msg_room_frame, incarnation, 1, ANY),
    FIELD(msg_room_frame, salt, 0, ANY),
    FIELD(msg_room_frame, from_incarnation, 0, ANY),
    FIELD(msg_room_frame, from_number, 0, ANY),
    FIELD(msg_room_frame, first, 1, ANY),
    FIELD(msg_room_frame, count, 1, MSG_BATCH_COUNT),
    FIXED(msg_room_frame, prev),
    FIXED(msg_room_frame, head),
    FIXED(msg_room_frame, key),
    FIELD(msg_room_frame, counter, 0, ANY),
    FIXED(msg_room_frame, sig),
    FIXED(msg_room_frame, nonce),
    FIELD(msg_room_frame, box, MSG_SEAL_BYTES + 1, MSG_BATCH_MAX + MSG_SEAL_BYTES),
};
FIELDS(msg_room_tip) {
    FIXED(msg_room_tip, room),
    FIELD(msg_room_tip, account, 1, ANY),
    FIELD(msg_room_tip, device, 1, ANY),
    FIELD(msg_room_tip, incarnation, 1, ANY),
    FIELD(msg_room_tip, salt, 0, ANY),
    FIELD(msg_room_tip, number, 1, ANY),
    FIXED(msg_room_tip, head),
    FIXED(msg_room_tip, sig),
};
FIELDS(msg_room_receipt) {
    FIXED(msg_room_receipt, room),
    FIELD(msg_room_receipt, account, 1, ANY),
    FIELD(msg_room_receipt, device, 1, ANY),
    LIST(msg_room_receipt, marks, MSG_MARK, 1, MSG_MARK_COUNT),
    FIXED(msg_room_receipt, sig),
};
FIELDS(msg_room_want) {
    FIXED(msg_room_want, room),
    FIELD(msg_room_want, account, 1, ANY),
    FIELD(msg_room_want, device, 1, ANY),
    LIST(msg_room_want, have, MSG_MARK, 0, MSG_MARK_COUNT),
};
FIELDS(msg_room_spoken) {
    FIXED(msg_room_spoken, room),
    FIELD(msg_room_spoken, since, 0, ANY),
    FIELD(msg_room_spoken, offset, 1, ANY),
    LIST(msg_room_spoken, marks, MSG_MARK, 1, MSG_MARK_COUNT),
};
FIELDS(msg_room_beat) {FIXED(msg_room_beat, room)};
FIELDS(msg_room_key) {
    FIXED(msg_room_key, room),
    FIELD(msg_room_key, epoch, 1, ANY),
    FIELD(msg_room_key, account, 1, ANY),
    FIELD(msg_room_key, device, 1, ANY),
    FIXED(msg_room_key, key),
    FIELD(msg_room_key, counter, 0, ANY),
    FIXED(msg_room_key, chain),
};
FIELDS(msg_room_ask) {
    FIXED(msg_room_ask, room),
    FIELD(msg_room_ask, epoch, 1, ANY),
    FIELD(msg_room_ask, account, 1, ANY),
    FIELD(msg_room_ask, device, 1, ANY),
    FIXED(msg_room_ask, key),
};
FIELDS(msg_room_op) {
    FIXED(msg_room_op, room),
    FIELD(msg_room_op, act, MSG_ACT_CREATE, MSG_ACT_REVOKED),
    FIELD(msg_room_op, account, 0, ANY),
    FIELD(msg_room_op, device, 0, ANY),
    FIELD(msg_room_op, subject, 0, ANY),
    FIELD(msg_room_op, subject_device, 0, ANY),
    FIELD(msg_room_op, name, 0, MSG_ROOM_NAME_MAX),
    FIELD(msg_room_op, text, 0, MSG_TOPIC_MAX),
    FIELD(msg_room_op, flags, 0, MSG_ROOM_FLAGS),
    FIELD(msg_room_op, seen, 0, ANY),
    FIXED(msg_room_op, seen_head),
    FIELD(msg_room_op, ts_ms, 0, ANY),
};
FIELDS(msg_room_info) {
    FIXED(msg_room_info, room),
    FIELD(msg_room_info, name, 1, MSG_ROOM_NAME_MAX),
    FIELD(msg_room_info, members, 0, ANY),
    FIELD(msg_room_info, topic, 0, MSG_TOPIC_MAX),
    FIELD(msg_room_info, flags, 0, MSG_ROOM_FLAGS),
};
FIELDS(msg_member) {
    FIELD(msg_member, account, 1, ANY),
    FIELD(msg_member, name, 1, MSG_NAME_MAX),
    FIELD(msg_member, role, MSG_ROLE_NONE, MSG_ROLE_OWNER),
    FIELD(msg_member, standing, 0, MSG_STANDINGS),
    FIELD(msg_member, status, MSG_STATUS_OFFLINE, MSG_STATUS_AWAY),
};
FIELDS(msg_entry) {
    FIELD(msg_entry, number, 1, ANY),
    FIELD(msg_entry, offset, 0, ANY),
    FIELD(msg_entry, at_ms, 0, ANY),
    FIELD(msg_entry, op, 1, MSG_ROOM_OP_MAX),
    FIELD(msg_entry, certificate, 0, MSG_CERT_MAX),
};
FIELDS(msg_card) {FIELD(msg_card, certificate, 1, MSG_CERT_MAX)};
FIELDS(msg_room_head) {
    FIXED(msg_room_head, room),
    FIELD(msg_room_head, number, 0, ANY),
    FIELD(msg_room_head, offset, 0, ANY),
    FIELD(msg_room_head, role, MSG_ROLE_NONE, MSG_ROLE_OWNER),
    FIELD(msg_room_head, standing, 0, MSG_STANDINGS),
    FLAG(msg_room_head, mesh),
    FIELD(msg_room_head, routes, 0, ANY),
};
FIELDS(msg_mark) {
    FIELD(msg_mark, account, 1, ANY),
    FIELD(msg_mark, device, 1, ANY),
    FIELD(msg_mark, incarnation, 1, ANY),
    FIELD(msg_mark, number, 1, ANY),
    FIXED(msg_mark, head),
};
FIELDS(msg_logged) {FIELD(msg_logged, offset, 0, ANY), FIELD(msg_logged, frame, 1, POST_MAX)};
FIELDS(msg_present) {
    FIELD(msg_present, account, 1, ANY),
    FIELD(msg_present, status, MSG_STATUS_OFFLINE, MSG_STATUS_AWAY),
};
FIELDS(msg_room_presence) {
    FLAG(msg_room_presence, complete),
    LIST(msg_room_presence, people, MSG_PRESENT, 0, PRESENT_MAX),
};
FIELDS(msg_device_item) {FIELD(msg_device_item, account, 1, ANY), FIELD(msg_device_item, device, 1, ANY)};
FIELDS(msg_rec_mail) {
    FIELD(msg_rec_mail, account, 1, ANY),
    FIELD(msg_rec_mail, device, 1, ANY),
    FIELD(msg_rec_mail, certificate, 1, MSG_CERT_MAX),
    FIELD(msg_rec_mail, posted_ms, 0, ANY),
    FIELD(msg_rec_mail, frames, 1, POST_MAX),
    FLAG(msg_rec_mail, rooms),
};
FIELDS(msg_rec_return) {
    FIELD(msg_rec_return, account, 1, ANY),
    FIELD(msg_rec_return, device, 1, ANY),
    FIXED(msg_rec_return, run),
    FIELD(msg_rec_return, posted_ms, 0, ANY),
};
FIELDS(msg_rec_room) {
    FIXED(msg_rec_room, room),
    FIELD(msg_rec_room, name, 1, MSG_ROOM_NAME_MAX),
    FIELD(msg_rec_room, topic, 0, MSG_TOPIC_MAX),
    FIELD(msg_rec_room, flags, 0, MSG_ROOM_FLAGS),
    FIELD(msg_rec_room, hash, 0, MSG_HASH_TEXT_MAX),
    FIELD(msg_rec_room, number, 1, ANY),
    FIXED(msg_rec_room, head),
    FIELD(msg_rec_room, epoch, 1, ANY),
    FIXED(msg_rec_room, epoch_head),
    FIELD(msg_rec_room, created_ms, 0, ANY),
    FIELD(msg_rec_room, gone_ms, 0, ANY),
    FLAG(msg_rec_room, mesh),
};
FIELDS(msg_rec_room_name) {FIXED(msg_rec_room_name, room)};
FIELDS(msg_rec_room_member) {
    FIXED(msg_rec_room_member, room),
    FIELD(msg_rec_room_member, account, 1, ANY),
    FIELD(msg_rec_room_member, role, MSG_ROLE_NONE, MSG_ROLE_OWNER),
    FIELD(msg_rec_room_member, standing, 0, MSG_STANDINGS),
    FIELD(msg_rec_room_member, last, 0, ANY),
    FIELD(msg_rec_room_member, since, 0, ANY),
    FIELD(msg_rec_room_member, until, 0, ANY),
    FIELD(msg_rec_room_member, ended, 0, ANY),
};
FIELDS(msg_rec_room_entry) {
    FIELD(msg_rec_room_entry, offset, 0, ANY),
    FIELD(msg_rec_room_entry, at_ms, 0, ANY),
    FIELD(msg_rec_room_entry, op, 1, MSG_ROOM_OP_MAX),
    FIELD(msg_rec_room_entry, certificate, 0, MSG_CERT_MAX),
    FIXED(msg_rec_room_entry, head),
};
FIELDS(msg_rec_room_frame) {
    FIELD(msg_rec_room_frame, at_ms, 0, ANY),
    FIELD(msg_rec_room_frame, frames, 1, ANY),
    FIELD(msg_rec_room_frame, bytes, 1, ANY),
    FIELD(msg_rec_room_frame, frame, 1, POST_MAX),
};
FIELDS(msg_rec_my_room) {
    FIXED(msg_rec_my_room, room),
    FIELD(msg_rec_my_room, name, 1, MSG_ROOM_NAME_MAX),
    FIELD(msg_rec_my_room, topic, 0, MSG_TOPIC_MAX),
    FIELD(msg_rec_my_room, flags, 0, MSG_ROOM_FLAGS),
    FIELD(msg_rec_my_room, number, 0, ANY),
    FIXED(msg_rec_my_room, head),
    FIELD(msg_rec_my_room, epoch, 0, ANY),
    FIXED(msg_rec_my_room, epoch_head),
    FIELD(msg_rec_my_room, cursor, 0, ANY),
    FIELD(msg_rec_my_room, port, 0, PORT_MAX),
    FIELD(msg_rec_my_room, said_incarnation, 0, ANY),
    FIELD(msg_rec_my_room, said_number, 0, ANY),
    FIXED(msg_rec_my_room, said_head),
    FIELD(msg_rec_my_room, from_incarnation, 0, ANY),
    FIELD(msg_rec_my_room, from_number, 0, ANY),
};
FIELDS(msg_rec_room_mate) {
    FIXED(msg_rec_room_mate, room),
    FIELD(msg_rec_room_mate, account, 1, ANY),
    FIELD(msg_rec_room_mate, name, 0, MSG_NAME_MAX),
    FIELD(msg_rec_room_mate, role, MSG_ROLE_NONE, MSG_ROLE_OWNER),
    FIELD(msg_rec_room_mate, standing, 0, MSG_STANDINGS),
    FIELD(msg_rec_room_mate, last, 0, ANY),
    FIELD(msg_rec_room_mate, since, 0, ANY),
    FIELD(msg_rec_room_mate, until, 0, ANY),
    FIELD(msg_rec_room_mate, came, 0, ANY),
    FIXED(msg_rec_room_mate, handed),
    FIELD(msg_rec_room_mate, handed_counter, 0, ANY),
    FIELD(msg_rec_room_mate, newest, 0, ANY),
    FIELD(msg_rec_room_mate, devices, 0, ANY),
};
FIELDS(msg_rec_room_out) {
    FIXED(msg_rec_room_out, room),
    FIELD(msg_rec_room_out, incarnation, 1, ANY),
    FIELD(msg_rec_room_out, salt, 0, ANY),
    FIELD(msg_rec_room_out, from_incarnation, 0, ANY),
    FIELD(msg_rec_room_out, from_number, 0, ANY),
    FIELD(msg_rec_room_out, number, 1, ANY),
    FIXED(msg_rec_room_out, id),
    FIXED(msg_rec_room_out, prev),
    FIELD(msg_rec_room_out, ts_ms, 0, ANY),
    FIELD(msg_rec_room_out, text, 1, MSG_TEXT_MAX),
};
FIELDS(msg_rec_room_in) {
    FIXED(msg_rec_room_in, room),
    FIELD(msg_rec_room_in, account, 1, ANY),
    FIELD(msg_rec_room_in, device, 1, ANY),
    FIELD(msg_rec_room_in, incarnation, 0, ANY),
    FIELD(msg_rec_room_in, salt, 0, ANY),
    FIELD(msg_rec_room_in, number, 0, ANY),
    FIXED(msg_rec_room_in, head),
    FIELD(msg_rec_room_in, waits, 0, ANY),
};
FIELDS(msg_rec_room_key) {
    FIXED(msg_rec_room_key, room),
    FIELD(msg_rec_room_key, account, 1, ANY),
    FIELD(msg_rec_room_key, device, 1, ANY),
    FIELD(msg_rec_room_key, epoch, 1, ANY),
    FIXED(msg_rec_room_key, key),
    FIELD(msg_rec_room_key, counter, 0, ANY),
    FIXED(msg_rec_room_key, chain),
    FIELD(msg_rec_room_key, made_ms, 0, ANY),
    FIELD(msg_rec_room_key, used, 0, ANY),
    FIELD(msg_rec_room_key, number, 0, ANY),
};
FIELDS(msg_rec_card) {FIELD(msg_rec_card, certificate, 1, MSG_CERT_MAX)};
FIELDS(msg_cmd_room_create) {
    FIELD(msg_cmd_room_create, req, 1, ANY),
    FIELD(msg_cmd_room_create, name, 0, TYPED_MAX),
    FIELD(msg_cmd_room_create, flags, 0, MSG_ROOM_FLAGS),
    FIELD(msg_cmd_room_create, password, 0, MSG_PASSWORD_MAX),
    FIELD(msg_cmd_room_create, topic, 0, SAY_MAX),
};
FIELDS(msg_cmd_room_join) {
    FIELD(msg_cmd_room_join, req, 1, ANY),
    FIELD(msg_cmd_room_join, name, 0, TYPED_MAX),
    FIELD(msg_cmd_room_join, password, 0, MSG_PASSWORD_MAX),
};
FIELDS(msg_cmd_room_act) {
    FIELD(msg_cmd_room_act, req, 1, ANY),
    FIELD(msg_cmd_room_act, room, 0, TYPED_MAX),
    FIELD(msg_cmd_room_act, act, MSG_ACT_CREATE, MSG_ACT_REVOKED),
    FIELD(msg_cmd_room_act, name, 0, TYPED_MAX),
    FIELD(msg_cmd_room_act, text, 0, SAY_MAX),
};
FIELDS(msg_tell_members) {
    FIELD(msg_tell_members, req, 1, ANY),
    FIELD(msg_tell_members, room, 1, MSG_ROOM_NAME_MAX),
    LIST(msg_tell_members, members, MSG_MEMBER, 0, MSG_LIST_PAGE),
    FLAG(msg_tell_members, more),
};
FIELDS(msg_tell_room) {
    FIELD(msg_tell_room, arrival, 0, ANY),
    FIELD(msg_tell_room, room, 1, MSG_ROOM_NAME_MAX),
    FIELD(msg_tell_room, act, MSG_ACT_CREATE, MSG_ACT_REVOKED),
    FIELD(msg_tell_room, user, 0, MSG_NAME_MAX),
    FIELD(msg_tell_room, by, 0, MSG_NAME_MAX),
    FIELD(msg_tell_room, text, 0, MSG_TOPIC_MAX),
};
FIELDS(msg_tell_presence) {
    FIELD(msg_tell_presence, name, 1, MSG_NAME_MAX),
    FIELD(msg_tell_presence, status, MSG_STATUS_OFFLINE, MSG_STATUS_NOT_FOUND),
    FIELD(msg_tell_presence, endpoint, 0, MSG_ENDPOINT_MAX),
    LIST(msg_tell_presence, rooms, MSG_ROOM_INFO, 0, MSG_LIST_PAGE),
    FLAG(msg_tell_presence, fresh),
};
FIELDS(msg_tell_gap) {
    FIELD(msg_tell_gap, arrival, 0, ANY),
    FIELD(msg_tell_gap, room, 1, MSG_ROOM_NAME_MAX),
    FIELD(msg_tell_gap, from, 1, MSG_NAME_MAX),
    FIELD(msg_tell_gap, first, 1, ANY),
    FIELD(msg_tell_gap, last, 1, ANY),
};
