# Rows of tests/mutants.sh about rooms, meshes and mail, which reads this file.
# Each names the unit tests of which one must fail.
# shellcheck shell=bash

roster='broker/test_room_ops broker/test_room_roster'
posts='broker/test_room_posts broker/test_room_casts broker/test_room_reads broker/test_senders'
mailing='broker/test_mailing broker/test_mail_quotas broker/test_mailbox broker/test_clearing'
peer_mesh='peer/test_room_mesh peer/test_room_publishers'
peer_rooms='peer/test_room_keys peer/test_room_refused peer/test_room_key_ends peer/test_room_hear peer/test_room_ticks peer/test_room_hostile peer/test_sealed peer/test_room_talk'
peer_mail='peer/test_mail peer/test_mail_again peer/test_mailbox'

# guard NAME FILE SED TESTS
guard() {
    local -a tests
    read -ra tests <<<"$4"
    mutant "$1" "$2" "$3" "${tests[@]}"
}

# ---- the registry: operations on rooms ----
guard room_op_of_another_room broker/rooms/room_ops.c 's/memcmp\(op->room\.at, propose->room\.at, sizeof op->room\.at\) != 0 \|\| op->account/op->account/' "$roster"
guard room_op_of_another_account broker/rooms/room_ops.c 's/ \|\| op->account != asker->account$//' "$roster"
guard room_op_of_another_device broker/rooms/room_ops.c 's/\|\| op->device != asker->device\)/|| false)/' "$roster"
guard room_op_by_anybody_revokes broker/rooms/room_ops.c 's/op->act == MSG_ACT_REVOKED/false/' "$roster"
guard room_op_unsigned broker/rooms/room_ops.c 's/err = msg_room_open_op\(op, propose->op, \&device\.sign\);/err = CONCLAVE_OK;/' "$roster"
guard room_op_is_done_twice broker/rooms/room_ops.c 's/if \(is_done\(self, propose, asker->account\)\) \{/if (false) {/' "$roster"
guard room_op_taken_over broker/rooms/room_ops.c 's/if \(take_over\(self, ask, propose\)\)/if (false)/' "$roster"
guard room_name_taken_twice broker/rooms/room_ops.c 's/if \(is_taken\(self, .*$/if (false)/' "$roster"
guard room_of_a_bad_name broker/rooms/room_ops.c '0,/msg_room_name_parse\(\&name, op->name\) != CONCLAVE_OK/s//msg_room_name_parse(\&name, op->name) == CONCLAVE_ERR_INTERNAL/' "$roster"
guard rooms_without_number broker/rooms/room_ops.c 's/self->rooms\.count >= self->settings\.rooms$/false/' "$roster"
guard rooms_without_number_of_one_account broker/rooms/room_ops.c 's/ \|\| broker_rooms_count_of\(\&self->rooms, op->account, \&invited\) >= self->settings\.account_rooms\)/|| false)/; s/^( +)\|\| broker_rooms_count_of\(.*account_rooms\)/\1|| broker_rooms_count_of(\&self->rooms, op->account, \&invited) > UINT32_MAX - 1)/' "$roster"
guard locked_room_without_password broker/rooms/room_ops.c 's/\(\(op->flags \& MSG_ROOM_LOCKED\) != 0\) != password \|\| /false || /' "$roster"
guard locked_room_entered_without_password broker/rooms/room_ops.c 's/op->act == MSG_ACT_JOIN \&\& room != BROKER_NONE \? self->rooms\.list\[room\]\.rules\.flags : 0/0/' "$roster"
guard locked_room_entered_with_a_wrong_one broker/rooms/room_ops.c '/^broker_room_ops_checked\(/,/^}/s/^    if \(ok\) \{/    if (true) {/' "$roster"
guard room_passwords_guessed_without_end broker/rooms/room_ops.c 's/^        broker_throttle_failed\(.*$/        (void)rule;/' "$roster"
guard room_passwords_many_at_once broker/rooms/room_ops.c 's/ \&\& !has_password_job\(self, proposal->account\)//' "$roster"
guard private_room_known_to_strangers broker/rooms/room_ops.c 's/\(self->rooms\.list\[room\]\.rules\.flags \& MSG_ROOM_PRIVATE\) != 0 \&\& part\.role/false \&\& part.role/' "$roster"
guard room_unstored_is_there broker/rooms/room_ops.c 's/ \|\| self->rooms\.list\[room\]\.stored == 0\)/)/' "$roster"
guard room_op_on_a_roster_not_seen broker/rooms/room_judge.c 's/if \(!is_seen\(self, room, op\)\)/if (false)/' "$roster"
guard room_op_of_another_past broker/rooms/room_judge.c 's/\&\& memcmp\(entry\.head\.at, op->seen_head\.at, sizeof entry\.head\.at\) == 0;/;/' "$roster"
guard room_full broker/rooms/room_judge.c 's/return room->rules\.members < self->settings\.room_members \&\& /return /' "$roster"
guard account_in_many_rooms broker/rooms/room_judge.c 's/ \&\& in < self->settings\.account_rooms;/;/' "$roster"
guard room_with_many_invited broker/rooms/room_judge.c 's/return room->member_count - room->rules\.members < self->settings\.room_members$/return true/' "$roster"
guard account_invited_without_end broker/rooms/room_judge.c 's/\&\& invited < self->settings\.account_rooms;/;/' "$roster"
guard room_op_while_it_is_deleted broker/rooms/room_judge.c 's/if \(is_leaving\(self, op->account\) \|\| is_leaving\(self, op->subject\)\)/if (false)/' "$roster"
guard room_op_with_idle_subject broker/rooms/room_judge.c 's/if \(has_idle_subject\(op, \&subject\)\)/if (false)/' "$roster"
guard nobody_is_invited broker/rooms/room_judge.c 's/if \(makes_acquaintance\(op->act\) \&\& /if (false \&\& /' "$roster"
guard part_before_it_is_stored broker/rooms/room_judge.c 's/room->flight == 0 \? broker_rooms_member\(\&self->rooms, slot, account\) : BROKER_NONE/broker_rooms_member(\&self->rooms, slot, account)/' "$roster broker/test_room_lists $posts"

# ---- the registry: what is posted ----
guard post_as_another_account broker/rooms/room_posts.c 's/return frame->account == posting->session->account \&\& /return /' "$posts"
guard post_as_another_device broker/rooms/room_posts.c 's/ \&\& frame->device == posting->session->device$//' "$posts"
guard post_of_another_room broker/rooms/room_posts.c 's/\&\& memcmp\(frame->room\.at, posting->post->room\.at, sizeof frame->room\.at\) == 0$//' "$posts"
guard post_beyond_all_numbers broker/rooms/room_posts.c 's/\&\& frame->first <= UINT64_MAX - frame->count;/;/' "$posts"
guard post_of_the_muted broker/rooms/room_posts.c 's/\(member->part\.standing \& MSG_STANDING_MUTED\) != 0/false/' "$posts"
guard post_of_another_epoch broker/rooms/room_posts.c 's/frame->epoch != room->rules\.epoch$/false/; s/\|\| memcmp\(frame->epoch_head\.at, room->rules\.epoch_head\.at, sizeof frame->epoch_head\.at\) != 0\)/)/' "$posts"
guard post_of_another_roster broker/rooms/room_posts.c 's/\|\| memcmp\(frame->epoch_head\.at, room->rules\.epoch_head\.at, sizeof frame->epoch_head\.at\) != 0\)/)/' "$posts"
guard post_after_a_hole broker/rooms/room_posts.c 's/if \(last > sender->number\)$/if (false)/; s/return false; \/\* all of it was taken before.*/return last > sender->number;/' "$posts"
guard post_taken_twice broker/rooms/room_posts.c 's/return false; \/\* all of it was taken before.*/return last <= sender->number;/' "$posts"
guard post_stored_is_said_again broker/rooms/room_posts.c 's/if \(frame->first <= sender->number \&\& sender->stored > 0\)/if (false)/' "$posts"
guard posts_without_measure broker/rooms/room_posts.c 's/^    uint64_t retry_ms = broker_bucket_take\(\&listener->posts, \&frames, self->now\.mono_ms\);/    uint64_t retry_ms = 0; (void)frames;/' "$posts"
guard post_bytes_without_measure broker/rooms/room_posts.c 's/retry_ms = broker_bucket_take_many\(.*$/(void)kib, (void)bytes;/' "$posts"
guard signals_without_measure broker/rooms/room_posts.c 's/if \(broker_fanout_signal\(listener, self->now\.mono_ms\) > 0\)/if (false)/' "$posts"
guard signal_as_another broker/rooms/room_posts.c 's/if \(account != posting->session->account \|\| device != posting->session->device$/if (false/' "$posts"
guard signal_as_another_device broker/rooms/room_posts.c 's/ \|\| device != posting->session->device$//' "$posts"
guard signal_of_another_room broker/rooms/room_posts.c 's/\|\| memcmp\(room->at, posting->post->room\.at, sizeof room->at\) != 0\) \{/) {/' "$posts"
guard receipts_in_large_rooms broker/rooms/room_posts.c 's/receipt \&\& self->rooms\.list\[posting->room\]\.rules\.members > MSG_ROOM_SMALL/false/' "$posts"
guard strangers_post broker/rooms/room_posts.c 's/return is_secret\(self, \*room, .*$/return CONCLAVE_OK; (void)is_secret;/; s/^ +: CONCLAVE_ERR_NOT_A_MEMBER;//' "$posts"
guard private_room_tells_who_posts broker/rooms/room_posts.c 's/return is_secret\(self, \*room, .*$/return CONCLAVE_ERR_NOT_A_MEMBER; (void)is_secret;/; s/^ +: CONCLAVE_ERR_NOT_A_MEMBER;//' "$posts"
guard stored_is_said_before_it_is broker/rooms/room_posts.c '/^broker_posts_stored\(/,/^}/s/if \(err != CONCLAVE_OK\) \{/if (false) {/' "$posts"
guard what_follows_a_lost_frame_is_stored broker/rooms/room_posts.c 's/later->doomed = true;/;/' "$posts"
guard doomed_frames_stay broker/rooms/room_posts.c 's/^            broker_room_log_delete\(self->out, .*$/            ;/' "$posts"
guard number_stays_after_a_failure broker/rooms/room_posts.c 's/^        sender->number = post->first - 1;/        ;/' "$posts"
guard senders_of_two_rooms_are_one broker/tables/senders.c 's/memcpy\(key, room->at, sizeof room->at\);/memset(key, 0, sizeof room->at);/' "$posts"
guard senders_of_two_devices_are_one broker/tables/senders.c 's/memcpy\(key \+ sizeof room->at \+ sizeof account, \&device, sizeof device\);/memset(key + sizeof room->at + sizeof account, 0, sizeof device);/' "$posts"
guard sender_keeps_what_another_had broker/tables/senders.c 's/self->list\[slot\] = \(struct broker_sender\)\{\.tag = tag\};/self->list[slot].tag = tag;/' "$posts"
guard sender_thrown_out_in_use broker/tables/senders.c 's/self->list\[slot\]\.used = \+\+self->uses;/;/' "$posts"
guard cast_to_who_said_it broker/rooms/room_casts.c 's/if \(session->account == post->account \&\& session->device == post->device\)/if (false)/' "$posts"
guard cast_to_who_has_it_directly broker/rooms/room_casts.c 's/return seat->routes == 0 \|\| !broker_fanout_has_route.*$/return true;/' "$posts broker/test_room_mesh"
guard cast_to_who_is_behind broker/rooms/room_casts.c 's/if \(!seat->live \|\| seat->apart\)/if (seat->apart)/; s/while \(at != 0 \&\& seat->live \&\& /while (at != 0 \&\& /' "$posts"
guard cast_without_measure broker/tables/fanout.c 's/self->behind = self->behind \|\| self->sent - self->taken >= BROKER_FANOUT_BEHIND;/;/' "$posts"
guard taken_more_than_was_sent broker/tables/fanout.c 's/self->taken = bytes < self->sent \? bytes : self->sent;/self->taken = bytes;/' "$posts broker/test_room_mesh"
guard full_is_passed_over broker/rooms/room_casts.c '/^broker_casts_full\(/,/^}/s/^    fall_behind\(self, session\);/    ;/; /^broker_casts_full\(/,/^}/s/broker_fanout_lose\(.*$/(void)listener_of;/' "$posts"
guard caught_up_and_not_resumed broker/rooms/room_casts.c 's/^    resume\(self, session\);/    (void)resume;/' "$posts"
guard resumed_over_what_it_missed broker/rooms/room_casts.c 's/ \&\& seat->heard == self->rooms\.list\[seat->room\]\.cast//' "$posts"
guard resumed_over_what_was_lost broker/rooms/room_casts.c '/^broker_casts_full\(/,/^}/s/^        self->rooms\.seats\[at - 1\]\.paused = false;//' "$posts"

# ---- the registry: meshes ----
mesh=broker/test_room_mesh
guard mesh_told_to_whom_it_may_not broker/rooms/room_mesh.c 's/return broker_people_permits\(.*$/return true;/' "$mesh"
guard mesh_tells_itself broker/rooms/room_mesh.c 's/if \(seat == to \|\| seat->port == 0/if (seat->port == 0/' "$mesh"
guard mesh_tells_who_does_not_publish broker/rooms/room_mesh.c 's/if \(seat == to \|\| seat->port == 0 \|\| /if (seat == to || /' "$mesh"
guard mesh_says_nothing_where_there_is_none broker/rooms/room_mesh.c 's/if \(!any \|\| peers\.peers\.count > 0\)/if (peers.peers.count > 0)/' "$mesh"
guard mesh_of_strangers broker/rooms/room_mesh.c '/^broker_mesh_hear\(/,/^}/s/if \(err != CONCLAVE_OK\) \{/if (false) {/' "$mesh"
guard route_of_strangers broker/rooms/room_mesh.c '/^broker_mesh_routes\(/,/^}/s/if \(err != CONCLAVE_OK\) \{/if (false) {/' "$mesh"
guard mesh_where_there_is_none broker/rooms/room_mesh.c 's/if \(!self->rooms\.list\[room\]\.mesh\)$/if (false)/' "$mesh"
guard mesh_without_measure broker/rooms/room_mesh.c 's/if \(retry_ms > 0\) \{/if (false) {/' "$mesh"
guard mesh_port_told_again_and_again broker/rooms/room_mesh.c 's/if \(seat->port != mesh->port\) \{/if (true) {/' "$mesh"
guard route_where_there_is_no_mesh broker/rooms/room_mesh.c 's/if \(!self->rooms\.list\[room\]\.mesh \|\| said->version/if (said->version/' "$mesh"
guard route_from_who_is_no_member broker/rooms/room_mesh.c 's/if \(broker_rooms_member\(\&self->rooms, room, device\.account\) != BROKER_NONE\)/if (true)/' "$mesh"
guard routes_that_come_late broker/rooms/room_mesh.c 's/ \|\| said->version < seat->routes_version\)/)/' "$mesh"
guard mesh_session_ends_untold broker/rooms/room_mesh.c '/^broker_mesh_end_seat\(/,/^}/s/^    tell_others\(.*$/    ;/' "$mesh"
guard routes_outlive_the_session broker/rooms/room_mesh.c 's/^    broker_fanout_end_routes\(.*$/    ;/' "$mesh"
guard mesh_outlives_the_room broker/rooms/room_mesh.c 's/^    if \(!room->mesh\)$/    if (false)/' "$mesh"
guard mesh_change_is_not_told broker/rooms/room_mesh.c '/^broker_mesh_settle\(/,/^}/s/broker_casts_mark\(self, at - 1\);/;/' "$mesh"
guard mesh_addresses_twice broker/rooms/room_mesh.c 's/known = strcmp\(hosts\[i\], hosts\[count\]\) == 0;/known = false;/' "$mesh"
guard mesh_addresses_of_its_own broker/rooms/room_mesh.c 's/while \(count <= MSG_ENDPOINT_COUNT \&\& broker_reach_next/while (false \&\& broker_reach_next/' "$mesh"

# ---- the registry: mail ----
guard mail_as_another_account broker/core/mailing.c 's/ \|\| run\.from_account != from->account$//' "$mailing"
guard mail_as_another_device broker/core/mailing.c 's/\|\| run\.from_device != from->device \|\| /|| /' "$mailing"
guard mail_for_another_account broker/core/mailing.c 's/ \|\| run\.to_account != parcel->account//' "$mailing"
guard mail_for_another_device broker/core/mailing.c 's/ \|\| run\.to_device != parcel->device\)/)/' "$mailing"
guard mail_with_more_in_it broker/core/mailing.c 's/ \&\& frames\.len == 0$//' "$mailing"
guard mail_of_two_runs broker/core/mailing.c 's/\&\& memcmp\(any\.MSG_ANY_SEALED\.run\.at, run->run\.at, sizeof run->run\.at\) == 0;/;/' "$mailing"
guard mail_for_the_revoked broker/core/mailing.c 's/ \&\& record\.revoked_ms == 0;/;/' "$mailing"
guard mail_refused_in_part broker/core/mailing.c 's/if \(again \&\& earlier->err != CONCLAVE_OK\)/if (false)/; s/again \&\& item->err != CONCLAVE_OK \&\& before < i/false/' "$mailing"
guard mail_before_the_count broker/core/mailing.c 's/if \(!broker_clearing_counted\(self\) \|\| session->deposits/if (session->deposits/' "$mailing"
guard mail_deposits_without_number broker/core/mailing.c 's/ \|\| session->deposits >= DEPOSITS_PER_SESSION$//' "$mailing"
guard mail_without_measure broker/core/mailing.c 's/retry_ms = broker_relaying_charge\(.*$/retry_ms = 0;/' "$mailing"
guard mail_stored_twice broker/core/mailing.c 's/if \(waits_already\(self, session, deposit->req\) \|\| /if (/' "$mailing"
guard mail_answer_to_another_session broker/core/mailing.c 's/session == NULL \|\| session->generation != write->generation/session == NULL/' "$mailing"
guard mail_pushed_beyond_the_window broker/core/mailing.c 's/if \(session->mail_out > 0 \&\& letter\.bytes > WINDOW_BYTES - session->mail_out\)/if (false)/; s/session->mail_out < WINDOW_BYTES$/true/' "$mailing"
guard mail_collected_unseen broker/core/mailing.c 's/any->MSG_ANY_COLLECTED\.serial < session->mail_sent \? any->MSG_ANY_COLLECTED\.serial$/true ? any->MSG_ANY_COLLECTED.serial/' "$mailing"
guard mail_full_is_passed_over broker/core/mailing.c '/^broker_mailing_full\(/,/^}/s/if \(slot == BROKER_NONE .*$/return;/' "$mailing"
guard mail_lost_is_counted broker/core/mailing.c '/^settle_items\(/,/^}/s/if \(!stored\)$/if (false)/' "$mailing"
guard mail_deleted_and_not_gone broker/core/mailing.c 's/if \(!stored \&\& box->gone > write->after\)/if (false)/' "$mailing"
guard mail_of_this_run_numbered_anew broker/core/mailing.c 's/if \(!self->mail\.numbered\)/if (false)/' "$mailing"
guard mailbox_of_a_device_counts broker/tables/mailbox.c 's/return has->count >= count_max \|\| /return /' "$mailing"
guard mailbox_bytes broker/tables/mailbox.c 's/ \|\| has->bytes > mib_max \* MIB - more;/;/' "$mailing"
guard mailbox_of_a_sender broker/tables/mailbox.c 's/\|\| \(sender_account != 0$/|| (false/' "$mailing"
guard mailbox_counts_down broker/tables/mailbox.c 's/^    less\(\&sender->has\[rooms\], bytes\);/    ;/' "$mailing"
guard mailbox_of_another_device broker/tables/mailbox.c 's/if \(self->list\[slot\]\.account == account \&\& self->list\[slot\]\.device == device\)/if (self->list[slot].account == account)/; s/const uint64_t key\[\] = \{account, device\};/const uint64_t key[] = {account, 0};/' "$mailing"
guard mailbox_read_beyond_its_end broker/tables/mailbox.c 's/\|\| msg_record_key_u64\(msg_record_key_span\(\&key\), 1\) != device\)/)/' "$mailing"
guard mailbox_forgotten_while_written broker/tables/mailbox.c 's/ \|\| mailbox->writes > 0\)/)/' "$mailing"
guard mail_never_expires broker/core/clearing.c 's/self->now\.wall_ms - expired->posted_ms < life_ms/true/' "$mailing"
guard mail_expires_at_once broker/core/clearing.c 's/self->now\.wall_ms - expired->posted_ms < life_ms/false/' "$mailing"
guard mail_expires_by_a_clock_put_back broker/core/clearing.c 's/\(self->now\.wall_ms < expired->posted_ms \|\| /(/' "$mailing"
guard mail_expires_untold broker/core/clearing.c 's/^    msg_effects_put\(self->out, BROKER_TABLE_MAIL, .*MSG_REC_RETURN, \&record\);/    (void)record;/' "$mailing"
guard mail_returned_to_the_revoked broker/core/clearing.c 's/expired->sender_device == 0 \|\| !broker_mailing_alive\(self, expired->sender, expired->sender_device\)/expired->sender_device == 0/' "$mailing"
guard mail_expiry_not_stored broker/core/clearing.c '/^broker_clearing_go_on_after\(/,/^}/s/^        if \(stored\)$/        if (true)/' "$mailing"
guard mail_of_the_deleted_stays broker/core/clearing.c 's/empty\(self, account, device, device == 0\);/;/' "$mailing"
guard mail_of_the_revoked_is_swept broker/core/clearing.c 's/if \(box->account != 0 \&\& !broker_mailing_alive.*$/if (false)/' "$mailing"

# ---- the peer: frames of rooms ----
guard room_frame_unsigned peer/rooms/room_proof.c 's/if \(msg_roomkey_check\(frame, device\) != CONCLAVE_OK\)/if (false)/' "$peer_rooms"
guard room_proof_stands_for_any peer/rooms/room_proof.c 's/if \(memcmp\(\&self->proof, \&proof, sizeof proof\) == 0\)/if (self->proof.header[0] != 0)/' peer/test_room_proof
guard room_proof_of_what_does_not_follow peer/rooms/room_proof.c 's/if \(msg_roomkey_vouches\(\&next, \&last\)\)/if (next.account == last.account)/' peer/test_room_proof
guard room_proof_of_another_chain msg/roomkey.c 's/ \&\& memcmp\(\&frame->head, \&next->prev, sizeof frame->head\) == 0;/;/' 'peer/test_room_proof msg/test_roomkey'
guard room_proof_by_another_device msg/roomkey.c 's/return frame->account == next->account \&\& /return /' 'msg/test_roomkey'
guard room_frame_head peer/rooms/room_hear.c 's/ \&\& memcmp\(\&at\.prev, \&frame->head, sizeof at\.prev\) == 0;/;/' "$peer_rooms"
guard room_frame_begins_anywhere msg/chain.c '/^msg_chain_begins_frame/,/^}/s/frame->prev\}/{{0}}}/' "$peer_rooms"
guard said_in_one_run_over_a_hole peer/tables/outbox.c 's/ \&\& out->mark\.number == last\.number \+ 1;/;/' peer/test_outbox
guard said_in_one_run_over_a_start peer/tables/outbox.c 's/return out->mark\.incarnation == last\.incarnation \&\& /return /' peer/test_outbox
guard room_frame_count peer/rooms/room_hear.c 's/return batch\.len == 0 \&\& /return /' "$peer_rooms"
guard room_frame_of_no_member peer/rooms/room_hear.c 's/if \(mate == NULL \|\| !msg_room_was_in\(\&mate->part, frame->epoch\) \|\| /if (mate == NULL || /; s/mate != NULL \&\& msg_room_was_in\(\&mate->part, frame->epoch\)\)\)/mate != NULL))/' "$peer_rooms"
guard room_frame_seen_is_shown peer/rooms/room_hear.c 's/return last_of\(frame\) <= sender->mark\.number \? SEEN : frame->first/return frame->first/' "$peer_rooms"
guard room_frame_of_an_older_life peer/rooms/room_hear.c 's/^    if \(frame->incarnation < sender->mark\.incarnation\)$/    if (false)/' "$peer_rooms"
guard room_frame_of_another_salt peer/rooms/room_hear.c 's/if \(frame->incarnation == sender->mark\.incarnation \&\& frame->salt != sender->salt\)/if (false)/' "$peer_rooms"
guard room_chain_broken_unseen peer/rooms/room_hear.c 's/if \(joins \&\& memcmp\(\&self->says\[next\]\.at\.prev, .*$/if (false)/' "$peer_rooms"
guard room_chain_forked_unseen peer/rooms/room_hear.c 's/if \(verdict == SEEN \&\& \(!same_end \|\| memcmp\(\&sender->head, \&frame->head, sizeof frame->head\) == 0\)\)/if (verdict == SEEN)/' "$peer_rooms"
guard room_gap_untold peer/rooms/room_hear.c 's/if \(known \&\& verdict == AHEAD\)/if (false)/' "$peer_rooms"
guard room_rosters_split_unseen peer/rooms/room_hear.c 's/if \(room->split \|\| frame->epoch != room->facts\.epoch \|\| /if (true || /' "$peer_rooms"
guard room_key_of_another_epoch peer/rooms/room_hear.c 's/key->epoch == frame->epoch \? msg_roomkey_open/true ? msg_roomkey_open/' "$peer_rooms"
guard room_frame_twice_in_one peer/rooms/room_hear.c 's/while \(next < frame->count \&\& self->says\[next\]\.at\.number <= after\)/while (false)/' "$peer_rooms"
guard room_shown_again_after_a_copy peer/rooms/room_hear.c 's/if \(!anew \|\| !came_already\(self, frame, [^)]*\)\)/if (true)/' "$peer_rooms"
guard room_disk_overrun peer/rooms/room_hear.c 's/if \(!peer_held_fits\(self->held, frame->box\.len \+ frame->count \* 768u \+ GAPS_BYTES\)\)/if (false)/' "$peer_rooms"

# ---- the peer: keys of rooms ----
guard room_key_without_end peer/rooms/room_keys.c 's/ \|\| room->key\.counter >= MSG_ROOMKEY_FRAMES$//' "$peer_rooms"
guard room_key_for_ever peer/rooms/room_keys.c 's/\|\| self->now\.wall_ms >= room->key_made_ms \+ MSG_ROOMKEY_MS \|\| /|| /' "$peer_rooms"
guard room_key_of_the_future peer/rooms/room_keys.c 's/ \|\| self->now\.wall_ms \+ MSG_ROOMKEY_MS < room->key_made_ms;/;/' "$peer_rooms"
guard room_key_before_the_disk peer/rooms/room_keys.c '/^peer_room_key_ready\(/,/^}/s/ \&\& room->key_store <= self->synced_store;/;/' "$peer_rooms"
guard room_key_handed_to_who_went peer/rooms/room_keys.c 's/mate != NULL \&\& mate->part\.role != MSG_ROLE_NONE \&\& !handed\(room, mate\);/mate != NULL \&\& !handed(room, mate);/' "$peer_rooms"
guard room_key_held_up_by_a_full_box peer/rooms/room_keys.c 's/ \|\| err == CONCLAVE_ERR_QUOTA_EXCEEDED \|\| err == CONCLAVE_ERR_STORE_FULL;/;/' "$peer_rooms"
guard room_key_reused_after_a_crash peer/rooms/room_keys.c 's/if \(room->key\.counter >= room->key_upto\)/if (false)/; s/key->upto = room->key_upto = room->key\.counter \+ RESERVE;/key->upto = room->key_upto = room->key.counter + 1;/' "$peer_rooms"
guard room_keys_kept_for_ever peer/rooms/room_keys.c 's/if \(!room->keys_over \|\| /if (true || /' "peer/test_room_key_ends"
guard room_keys_of_history peer/rooms/room_keys.c 's/if \(!room->keys_over \|\| \(room->facts\.flags \& MSG_ROOM_HISTORY\) != 0\)/if (!room->keys_over)/' "peer/test_room_key_ends"
guard room_keys_of_what_waits peer/rooms/room_keys.c 's/ \|\| \(sender != NULL \&\& sender->waits != 0\)\)/)/' "peer/test_room_key_ends"
guard room_keys_of_ours peer/rooms/room_keys.c 's/if \(is_us\(self, key->account, key->device\) \|\| /if (/' "peer/test_room_key_ends"
guard room_keys_of_the_silent peer/tables/keyring.c 's/ \&\& has_later\(self, key\)\)/)/' "peer/test_room_key_ends"
guard room_keys_before_it_is_read peer/rooms/room_log.c 's/if \(room->epoch_read == room->facts\.epoch\)/if (true)/' "peer/test_room_key_ends"
guard room_keys_before_all_is_read peer/rooms/room_log.c 's/if \(kind == MSG_ROOM_FRAME \&\& !room->partial\)/if (kind == MSG_ROOM_FRAME)/' "peer/test_room_routes"
guard keyring_of_another_room peer/tables/keyring.c 's/\&\& memcmp\(\&key->room, room, sizeof \*room\) == 0\)$/)/' "peer/test_keyring $peer_rooms"
guard keyring_of_another_device peer/tables/keyring.c 's/if \(key->account == account \&\& key->device == device \&\& memcmp\(\&key->first\.tag/if (memcmp(\&key->first.tag/' "peer/test_keyring $peer_rooms"
guard keyring_later_state peer/tables/keyring.c 's/if \(same \? key->first\.counter >= known->first\.counter : !own\)/if (!same \&\& !own)/' "peer/test_keyring $peer_rooms"
guard keyring_replaced_by_others peer/tables/keyring.c 's/if \(same \? key->first\.counter >= known->first\.counter : !own\)/if (same \&\& key->first.counter >= known->first.counter)/' "peer/test_keyring $peer_rooms"
guard keyring_filled_by_one peer/tables/keyring.c 's/if \(owner->count > 0 \&\& owner->count >= self->room \/ PEER_KEYS_SHARE\)/if (false)/' "peer/test_keyring $peer_rooms"
guard keyring_in_order_of_use peer/tables/keyring.c 's/if \(key != NULL \&\& key->near\[OF_ALL\]\.newer != 0\) \{/if (false) {/' "peer/test_keyring $peer_rooms"
guard keyring_chains peer/tables/keyring.c 's/known->epoch == key->epoch \&\& is_one_chain\(\&known->first, \&key->first\)/known->epoch == key->epoch/' "peer/test_keyring $peer_rooms"

# ---- the peer: what comes sealed for rooms ----
guard room_key_from_anybody peer/core/sealed.c 's/^    if \(!acceptable\(self, room, from, key\)\) \{/    if (false) {/' "$peer_rooms"
guard room_key_of_our_own peer/core/sealed.c 's/if \(key->account == self->self\.account \&\& key->device == self->self\.device\)/if (false)/' "$peer_rooms"
guard room_key_passed_on_unasked peer/core/sealed.c 's/ \|\| !peer_room_lacks_key\(self, room, key\)\)\)/))/' "$peer_rooms"
guard room_key_passed_on_without_history peer/core/sealed.c 's/if \(!own \&\& \(\(room->facts\.flags \& MSG_ROOM_HISTORY\) == 0 \|\| /if (!own \&\& (/' "$peer_rooms"
guard room_key_of_who_is_out peer/core/sealed.c 's/ \&\& \(key->epoch <= room->facts\.epoch \|\| mate->part\.role != MSG_ROLE_NONE\)\);/);/' "$peer_rooms"
guard room_key_told_to_strangers peer/core/sealed.c 's/ \|\| !is_member\(self, room, from->account\) \|\| !state_for/ || !state_for/' "$peer_rooms"
guard room_key_of_others_told peer/core/sealed.c 's/^    if \(!ours\)$/    if (false)/' "$peer_rooms"
guard room_key_told_without_us peer/core/sealed.c 's/if \(room == NULL \|\| !peer_rooms_in\(room\) \|\| /if (room == NULL || /' "$peer_rooms"

# ---- the peer: what is lacking, and ticks ----
guard room_lack_never_asks peer/rooms/room_lack.c 's/^        ask_device\(self, room, sender, cert\);/        ;/' "$peer_rooms"
guard room_lack_asks_without_end peer/rooms/room_lack.c 's/if \(sender->asks\+\+ == ASKS_MAX\) \{/if (sender->asks++ == UINT32_MAX) {/' "$peer_rooms"
guard room_lack_holds_up_for_ever peer/rooms/room_lack.c 's/^    sender->given_up = true;/    ;/' "$peer_rooms"
guard room_lack_of_another_key peer/rooms/room_lack.c 's/return sender != NULL \&\& memcmp\(\&sender->lacks, \&key->key, sizeof sender->lacks\) == 0;/return sender != NULL;/' "$peer_rooms"
guard room_lack_of_others peer/rooms/room_lack.c 's/sender->asks >= OTHERS_MAX \&\& \+\+sender->others >= OTHERS_MAX/false/' "$peer_rooms"
guard room_receipt_unsigned peer/rooms/room_ticks.c 's/ *\|\| msg_room_check_receipt\(receipt, \&cert->sign\) != CONCLAVE_OK\)/)/' "$peer_rooms"
guard room_receipt_of_strangers peer/rooms/room_ticks.c 's/if \(mate == NULL \|\| mate->part\.role == MSG_ROLE_NONE \|\| receipt->account/if (mate == NULL || receipt->account/' "$peer_rooms"
guard room_receipt_of_what_was_not_said peer/rooms/room_ticks.c 's/^        \|\| peer_mark_before\(room->said, ours\) \|\| /        || /' "$peer_rooms"
guard room_receipt_again peer/rooms/room_ticks.c 's/ \|\| !peer_mark_before\(mate->delivered, ours\)//' "$peer_rooms"
guard room_receipt_before_the_disk peer/rooms/room_ticks.c 's/sender->syncs\[0\]\.store != 0 \&\& sender->syncs\[0\]\.store <= store\)/sender->syncs[0].store != 0)/' "$peer_rooms"
guard room_receipts_without_measure peer/rooms/room_ticks.c 's/room->receipt_ms != 0 \&\& next_ms > soon_ms \? next_ms : soon_ms;/soon_ms;/' "$peer_rooms"
guard room_tip_unsigned peer/rooms/room_ticks.c 's/ \|\| msg_room_check_tip\(tip, \&cert->sign\) != CONCLAVE_OK\)/)/' "$peer_rooms $peer_mesh"
guard room_tip_fork_unseen peer/rooms/room_ticks.c 's/^    if \(forked\) \{/    if (false) {/' "$peer_rooms $peer_mesh"
guard room_tip_passed_over peer/rooms/room_ticks.c '/^peer_room_tip\(/,/^}/s/^    peer_room_log_again\(.*$/    ;/' "$peer_rooms $peer_mesh"

# ---- the peer: meshes ----
guard xpub_without_a_port peer/rooms/room_mesh.c 's/mesh->settled = self->settings\.port == 0;/mesh->settled = false;/' "$peer_mesh"
guard xpub_of_who_never_links_directly peer/rooms/room_mesh.c 's/ \&\& self->settings\.direct != MSG_DIRECT_NEVER//' "$peer_mesh"
guard xpub_of_a_room_we_left peer/rooms/room_mesh.c 's/room->mesh \&\& peer_rooms_in\(room\) \&\& /room->mesh \&\& /; s/mesh != NULL \&\& account == self->self\.account\)/false)/; /^peer_room_mesh_dropped\(/,/^}/s/if \(mesh != NULL\)/if (false)/' "$peer_mesh"
guard xpub_outlives_the_mesh peer/rooms/room_mesh.c 's/if \(!wanted \&\& mesh != NULL \&\& self->started\)/if (false)/' "$peer_mesh"
guard xpub_told_before_it_is_bound peer/rooms/room_mesh.c 's/if \(!mesh->open \|\| !mesh->settled \|\| /if (!mesh->open || /' "$peer_mesh"
guard xpub_told_again_and_again peer/rooms/room_mesh.c 's/^        mesh->said = true;/        ;/' "$peer_mesh"
guard xpub_not_told_anew peer/rooms/room_mesh.c 's/self->meshes\.list\[i\]\.said = self->meshes\.list\[i\]\.heard = false;/self->meshes.list[i].heard = false;/' "$peer_mesh"
guard routes_not_told_anew peer/rooms/room_mesh.c 's/one->routed = one->listed = false;/one->listed = false;/' "$peer_mesh"
guard xpub_admits_who_is_no_member peer/rooms/room_mesh.c 's/while \(mate->part\.role != MSG_ROLE_NONE \&\& \(card/while ((card/' "$peer_mesh"
guard xpub_admits_what_ran_out peer/rooms/room_mesh.c 's/if \(!valid \|\| is_admitted/if (is_admitted/' "$peer_mesh"
guard xpub_admits_again_and_again peer/rooms/room_mesh.c 's/if \(!valid \|\| is_admitted\(mesh, \&card->cert\) \|\| /if (!valid || /' "$peer_mesh"
guard xpub_admits_before_there_is_one peer/rooms/room_mesh.c '/^admit\(/,/^}/s/if \(mesh->link == 0\)/if (false)/' "$peer_mesh"
guard xpub_keeps_who_went peer/rooms/room_mesh.c '/^gone\(/,/^}/s/^    expel\(.*$/    ;/' "$peer_mesh"
guard xpub_expels_all peer/rooms/room_mesh.c 's/if \(mesh->keys\[i\]\.account != account \|\| \(device != 0 \&\& mesh->keys\[i\]\.device != device\)\)/if (false)/' "$peer_mesh"
guard xpub_port_forgotten peer/rooms/room_mesh.c 's/^        room->port = port;/        ;/' "$peer_mesh"
guard xpub_is_silent peer/rooms/room_mesh.c 's/^        peer_counts_send\(self, mesh->link, MSG_ROOM_BEAT, \&said\);/        (void)said;/' "$peer_mesh"
guard hears_who_went peer/rooms/room_mesh.c '/^gone\(/,/^}/s/^            peer_room_publisher_forget\(.*$/            ;/' "$peer_mesh"
guard hears_who_is_no_member peer/rooms/room_publishers.c 's/ \|\| mate->part\.role == MSG_ROLE_NONE\)/)/; s/== NULL \|\| mate->part\.role == MSG_ROLE_NONE\)/== self)/' "$peer_mesh"
guard hears_other_keys peer/rooms/room_publishers.c 's/if \(peer_room_card\(self, \&cert, card->certificate\) != CONCLAVE_OK\)/(void)peer_room_card(self, \&cert, card->certificate); if (false)/' "$peer_mesh"
guard hears_what_ran_out peer/rooms/room_publishers.c 's/publisher->endpoint_count == 0 \|\| msg_cert_check_time.*$/publisher->endpoint_count == 0)/' "$peer_mesh"
guard hears_who_stopped peer/rooms/room_publishers.c 's/^            peer_room_publisher_forget\(self, room, publisher\);/            ;/' "$peer_mesh"
guard dials_twice peer/rooms/room_publishers.c 's/if \(\*peer_meshes_link\(\&self->meshes, publisher\) == 0\)/if (true)/' "$peer_mesh"
guard dials_for_ever peer/rooms/room_publishers.c 's/if \(publisher->failures >= UNLISTED_MAX \&\& /if (false \&\& /' "$peer_mesh"
guard dials_one_endpoint peer/rooms/room_publishers.c 's/if \(\+\+publisher->candidate < publisher->endpoint_count\)/if (false)/' "$peer_mesh"
guard dials_without_a_pause peer/rooms/room_publishers.c 's/publisher->at_ms = self->now\.mono_ms \+ peer_step_backoff.*$/publisher->at_ms = self->now.mono_ms + 1000;/' "$peer_mesh"
guard dials_without_a_limit peer/rooms/room_publishers.c 's/if \(one->until_ms != 0 \&\& self->now\.mono_ms >= one->until_ms\)/if (false)/' "$peer_mesh"
guard silence_unnoticed peer/rooms/room_publishers.c 's/else if \(one->up \&\& self->now\.mono_ms >= one->heard_ms \+ SILENT_MS\)/else if (false)/' "$peer_mesh"
guard direct_garbage peer/rooms/room_publishers.c 's/return memcmp\(id, \&room->facts\.id, sizeof \*id\) == 0 \&\& /return /' "$peer_mesh"
guard direct_as_another peer/rooms/room_publishers.c 's/ \&\& account == publisher->account \&\& device == publisher->device;/;/' "$peer_mesh"
guard direct_as_another_device peer/rooms/room_publishers.c 's/ \&\& device == publisher->device;/;/' "$peer_mesh"
guard route_ends_unread peer/rooms/room_routes.c '/^peer_room_route\(/,/^}/s/^        peer_room_log_again\(.*$/        ;/' "$peer_mesh"
guard routes_told_again_and_again peer/rooms/room_routes.c 's/^    if \(publisher->routed == direct\)$/    if (false)/' "$peer_mesh"
guard routes_lost_unseen peer/rooms/room_routes.c 's/^    if \(routes == \(room->routed > 0 \? room->routes : 0\)\) \{/    if (true) {/' peer/test_room_routes
guard meshes_without_number peer/tables/meshes.c 's/if \(at == PEER_MESHES_MAX\)/if (at == UINT32_MAX)/' peer/test_meshes
guard meshes_leave_links peer/tables/meshes.c 's/^    \*peer_meshes_link\(self, publisher\) = 0;/    ;/' peer/test_meshes
guard meshes_leave_keys peer/tables/meshes.c '/^peer_meshes_add\(/,/^}/s/memset\(mesh, 0, sizeof \*mesh\);/;/' peer/test_meshes
guard publishers_of_all_rooms peer/tables/meshes.c 's/if \(one->used \&\& \(mesh == NULL \|\| one->mesh == \(uint32_t\)\(mesh - self->list\)\)\)/if (one->used)/' peer/test_meshes
guard links_of_nobody peer/tables/meshes.c 's/i < self->publisher_count \&\& link != 0/i < self->publisher_count/; s/i < self->count \&\& link != 0/i < self->count/' peer/test_meshes

# ---- the peer: mail ----
guard mail_of_the_revoked_is_read peer/core/mailbox.c 's/^    if \(peer_trust_is_revoked\(self, cert\.account, cert\.device\)\)/    if (false)/' "$peer_mail"
guard mail_of_the_blocked_is_read peer/core/mailbox.c 's/^    if \(contact != NULL \&\& contact->blocked\)/    if (false)/' "$peer_mail"
guard mail_read_again peer/core/mailbox.c 's/if \(serial <= mailing->serial \|\| mailing->flooded\)/if (mailing->flooded)/' "$peer_mail"
guard mail_after_a_flood peer/core/mailbox.c 's/if \(serial <= mailing->serial \|\| mailing->flooded\)/if (serial <= mailing->serial)/' "$peer_mail"
guard mail_floods peer/core/mailbox.c 's/^        mailing->flooded = true;/        ;/' "$peer_mail"
guard mail_of_rooms_makes_contacts peer/core/mailbox.c 's/if \(err == CONCLAVE_OK \&\& is_talk\(msg_span_of_buf\(\&batch\)\)\) \{/if (err == CONCLAVE_OK) {/' "$peer_mail $peer_rooms"
guard mail_collected_before_the_disk peer/core/mailbox.c 's/mailing->in\[done\]\.store <= self->synced_store \&\& answered/answered/' "$peer_mail"
guard mail_collected_unanswered peer/core/mailbox.c 's/self->synced_store \&\& answered\(self, \&mailing->in\[done\]\)\)/self->synced_store)/' "$peer_mail"
guard mail_returned_of_what_came peer/core/ticks.c 's/out->delivered \|\| !peer_mark_before\(contact->delivered, out->mark\) \|\| (!peer_mark_before\(before)/\1/' "peer/test_ticks $peer_mail"
guard deposit_answered_by_another peer/core/mail.c 's/kind == MSG_DEPOSITED \&\& req != 0 \&\& any->MSG_ANY_DEPOSITED\.req == req/kind == MSG_DEPOSITED \&\& req != 0/' "$peer_mail"
guard deposit_refused_is_stored peer/core/mail.c 's/if \(refusal\.account == parcel->account \&\& refusal\.device == parcel->device \&\& .*$/if (false)/' "$peer_mail"
guard deposit_of_one_refuses_all peer/core/mail.c 's/if \(refusal\.account == parcel->account \&\& refusal\.device == parcel->device \&\& .*$/if (true)/' "$peer_mail"
guard deposit_lost_with_its_session peer/core/mail.c '/^peer_mail_online\(/,/^}/s/^        send_deposit\(self\);/        ;/' "$peer_mail"
guard deposit_asked_once peer/core/mail.c 's/if \(now >= self->mailing\.sent_ms \+ ANSWER_MS\)/if (false)/' "$peer_mail"
guard mail_to_the_blocked peer/core/mail.c 's/if \(!peer_session_online\(self\) \|\| peer_roster_contact_of\(self->roster, device\)->blocked\)|if \(!peer_session_online\(self\) \|\| peer_roster_contact_of\(\&self->roster, device\)->blocked\)/if (!peer_session_online(self))/' "$peer_mail"
guard mail_busy_is_pressed peer/core/mail.c 's/mailing->sent_ms = self->now\.mono_ms \+ wait_ms - ANSWER_MS;/mailing->sent_ms = 0;/' "$peer_mail"

guard mail_put_back_without_its_age broker/core/mailing.c 's/^        broker_mailboxes_posted\(box, broker_letter_posted_ms\(\&letter\)\);$//' broker/test_clearing
guard mail_left_without_its_age broker/core/mailing.c 's/left_ms = broker_letter_posted_ms\(\&letter\);/;/' broker/test_clearing
guard mail_expired_leaves_its_age broker/core/clearing.c 's/^            box->first_ms = expired->posted_ms;.*$//' broker/test_clearing

# ---- what a peer says of itself ----
counts='peer/test_counts peer/test_room_counts'
guard gap_counted_as_repaired_at_once peer/core/hear.c 's/^    if \(device->gap\) \{/    if (false) {/; s/device->gap_due = device->gap = true;/device->gap_due = true; self->counts.gaps_repaired++;/' "$counts"
guard gap_shown_counts_as_repaired peer/rooms/room_hear.c 's/^    room->gap = false;.*$//' "$counts"
guard gap_of_the_registry_uncounted peer/rooms/room_log.c 's/^        peer_counts_gap\(room\);$//' "$counts"
guard gap_of_a_member_uncounted peer/rooms/room_hear.c 's/^            peer_counts_gap\(room\);$/            (void)room;/' "$counts"
guard gap_never_repaired peer/rooms/room_want.c 's/^        peer_counts_gap_closed\(self, room\);$//' "$counts"
guard stored_though_it_came_back peer/core/counts.c 's/peer_ticks_kept\(self, contact, out->mark\)/!peer_mark_before(contact->kept, out->mark)/' "$counts"
guard blocked_are_counted peer/core/counts.c 's/contact->blocked \? NULL : /false ? NULL : /' "$counts"
guard room_gap_of_who_sends_first_untold peer/rooms/room_hear.c 's/^    peer_room_tell_gap\(self, room, frame->account, frame->first > after/    if (peer_rooms_is_chained(sender)) &/' peer/test_room_keys
guard keys_refused_with_what_was_said peer/core/mail.c 's/ \&\& refusal\.rooms == \(parcel->ticket != 0\)\)/)/' peer/test_mail
guard keys_expire_loudly broker/core/clearing.c 's/letter\.rooms \? 0 : letter\.mail\.device/letter.mail.device/' broker/test_clearing
guard keys_refuse_what_was_said broker/core/mailing.c 's/ \&\& a->rooms == b->rooms//' broker/test_mail_quotas
guard keys_take_places_of_mail broker/tables/mailbox.c 's/&mailbox->has\[rooms\] : &none/\&mailbox->has[0] : \&none/; s/more\(&mailbox->has\[rooms\]/more(\&mailbox->has[0]/' broker/test_mail_quotas
guard want_waits_though_more_is_missing peer/rooms/room_want.c 's/\(news \|\| room->want_at_ms == 0\)/room->want_at_ms == 0/' peer/test_room_want
guard want_waits_though_more_are_heard peer/rooms/room_publishers.c 's/^    peer_room_want_came\(.*$//' peer/test_room_want
guard want_asks_without_end peer/rooms/room_want.c 's/\+\+room->wants\)/1)/' peer/test_room_want
guard spoken_forgets_somebody broker/rooms/room_casts.c 's/^        room->voices_since = place->offset;/        ;/' broker/test_room_mesh
guard spoken_is_told_again broker/rooms/room_casts.c 's/^        seat->told_offset = room->cast;/        ;/' broker/test_room_mesh
guard spoken_though_not_all_was_told peer/rooms/room_routes.c 's/ \|\| spoken->since > room->whole/ || false/' peer/test_room_routes
guard spoken_though_it_did_not_come peer/rooms/room_routes.c 's/^        if \(!came\(self, room, \&mark\)\)/        if (false)/' peer/test_room_routes
guard spoken_is_not_heard peer/rooms/room_read.c 's/^    else if \(kind == MSG_ROOM_SPOKEN\)/    else if (kind == MSG_KIND_NONE)/' peer/test_room_routes
