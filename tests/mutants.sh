#!/bin/bash
# Breaks the cores on purpose, one guard at a time, and asks the simulator for
# a seed that notices, or the unit tests that are named for it.  Takes a while;
# not part of `make check`.
#
#   tests/mutants.sh [NAME]...      all, or those
#   tests/mutants.sh --fit          only whether each still changes its file, at once
#
# SEEDS=60  for each scenario    CC=cc  CFLAGS='-O1'    KEEP=1 leaves the trees
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/.." && pwd)
# shellcheck source=tests/tap.sh
. "$here/tap.sh"
cc=${CC:-cc}
seeds=${SEEDS:-60}
read -ra flags <<<"-std=c11 -D_GNU_SOURCE -w ${CFLAGS:--O1}"
libs=(-lsodium -lmsgpackc -lunistring)

fit=
[ "${1:-}" != --fit ] || { fit=yes && shift; }

work=$(mktemp -d "${TMPDIR:-/tmp}/conclave-mutants.XXXXXX") || exit 99
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT

# The files of the simulated world: all of msg, the cores of both sides.
mkdir "$work/top" && cp -r "$top"/{msg,host,broker,peer,tools,tests} "$work/top" && cd "$work/top" || exit 99
sources=(tests/sim/*.c tools/simnet/{chance,queue}.c msg/*.c)
for file in {peer,broker}/{,tables/,core/,rooms/}*.c; do
    # Shells, which touch the world, are not part of it.
    grep -Eq '^#include ("host/|"peer/(conclave|handle|inner|loop|store|tells|conns|admit|keyfile|home|setup|event|intake)\.h"|"broker/(channel|keyring|local|port|sandbox|settings|store|judge|supervisor|door|front|vault)\.h"|<(pwquality|sys/|unistd|czmq|seccomp))' "$file" || sources+=("$file")
done

compile() { # TREE FILE OBJECT
    (cd "$1" && "$cc" "${flags[@]}" -I. -c -o "$3" "$2")
}

mkdir -p "$work/objects"
for file in "${sources[@]}"; do
    [ -z "$fit" ] || break
    compile . "$file" "$work/objects/${file//\//_}.o" || exit 99
done

play() { # PROGRAM
    CMOCKA_MESSAGE_OUTPUT='' timeout 900 "$1" --seeds 1 "$seeds" --first >"$1.out" 2>&1
}

whole=
# The simulator, with nothing broken, once.
sim_is_sound() {
    [ -z "$whole" ] || return 0
    whole=yes
    "$cc" "${flags[@]}" -o "$work/sim" "$work"/objects/*.o "${libs[@]}" || exit 99
    if play "$work/sim"; then
        pass "nothing is noticed when nothing is broken"
    else
        fail "nothing is noticed when nothing is broken" "$(grep '^# [a-z_]*, seed' "$work/sim.out")"
    fi
}

# unit TEST OBJECTS...: builds tests/TEST.c with these objects, and runs it
unit() {
    local test=$1 program=$work/units/${1//\//_} file
    shift
    mkdir -p "$work/units"
    for file in tests/broker/fake_device.c tests/broker/fake_registry.c tests/broker/fake_store.c "tests/$test.c"; do
        [ -f "$work/units/${file//\//_}.o" ] || compile . "$file" "$work/units/${file//\//_}.o" || exit 99
    done
    "$cc" "${flags[@]}" -o "$program" "$work/units/tests_${test//\//_}.c.o" "$work"/units/tests_broker_fake_*.o "$@" "${libs[@]}" -lcmocka || exit 99
    timeout 60 "$program" >"$program.out" 2>&1
}

declare -A sound
# unit_is_sound TEST: the same, with nothing broken
unit_is_sound() {
    [ -z "${sound[$1]:-}" ] || return 0
    sound[$1]=yes
    if unit "$1" "${cores[@]}"; then
        pass "$1: nothing is noticed when nothing is broken"
    else
        fail "$1: nothing is noticed when nothing is broken" "$(grep -a FAILED "$work/units/${1//\//_}.out")"
    fi
}

cores=()
for file in "${sources[@]}"; do
    [[ $file == tests/* ]] || cores+=("$work/objects/${file//\//_}.o")
done

# fits NAME FILE SED [TEST]...: told only if it does not
fits() {
    local name=$1 file=$2 change=$3 test
    shift 3
    sed -E "$change" "$file" >"$work/changed"
    if cmp -s "$file" "$work/changed"; then
        fail "$name" "its change does not fit $file any more"
        return
    fi
    for test in "$@"; do
        [ -f "tests/$test.c" ] || { fail "$name" "there is no tests/$test.c"; return; }
    done
}

# mutant NAME FILE SED [TEST]...: the change must be noticed by one of these
# unit tests; without any, by the simulator
mutant() {
    local name=$1 file=$2 change=$3 tree=$work/tree test
    [ ${#only[@]} -eq 0 ] || [[ " ${only[*]} " == *" $name "* ]] || return 0
    [ -z "$fit" ] || { fits "$@"; return; }
    shift 3
    rm -rf "$tree" && mkdir -p "$tree" "$work/broken"
    cp -r msg host broker peer tests "$tree"
    sed -i -E "$change" "$tree/$file"
    if cmp -s "$file" "$tree/$file"; then
        fail "$name" "its change does not fit $file any more"
        return
    fi
    rm -f "$work"/broken/*
    cp "$work"/objects/*.o "$work/broken"
    if [ $# -gt 0 ]; then
        if ! compile "$tree" "$file" "$work/broken/${file//\//_}.o"; then
            fail "$name" "what it makes of $file does not compile"
            return
        fi
        for test in "$@"; do
            unit_is_sound "$test"
            if ! unit "$test" "${cores[@]//"$work/objects"/"$work/broken"}"; then
                pass "$name"
                grep -aEh -m1 '^\[  FAILED  \] [a-z]|Assertion' "$work/units/${test//\//_}.out" | sed 's/^/#  /'
                return
            fi
        done
        fail "$name" "not noticed by $*"
        return
    fi
    sim_is_sound
    if ! compile "$tree" "$file" "$work/broken/${file//\//_}.o" \
        || ! "$cc" "${flags[@]}" -o "$work/mutant" "$work"/broken/*.o "${libs[@]}"; then
        fail "$name" "what it makes of $file does not compile"
    elif play "$work/mutant"; then
        fail "$name" "not noticed under $seeds seeds of each scenario"
    else
        pass "$name"
        grep -Eh -m1 '^(# [a-z_]*, seed|Bail out)' "$work/mutant.out" | sed 's/^#*/#  /'
    fi
}
only=("$@")

# What a device acknowledges is on its disk.
mutant acknowledges_before_the_disk peer/core/hear.c 's/\.delivered = in->synced\.number/.delivered = in->mark.number/'
# What is shown is on disk.
mutant shows_before_the_disk peer/core/hear.c 's/peer_held_put\(self->held, peer_step_store\(self\), MSG_TELL_MESSAGES, &tell\)/(void)peer_step_store(self), msg_effects_tell(self->out, MSG_TELL_MESSAGES, \&tell)/'
# What is told as queued is on disk.
mutant tells_ticks_before_the_disk peer/core/talk.c 's/peer_held_tick\(self->held, peer_step_store\(self\), id, (msg_text\(contact->name\), msg_text\(""\)), tick\)/const struct msg_tell_receipt tell = {msg_span(id, sizeof *id), \1, tick}; (void)peer_step_store(self); msg_effects_tell(self->out, MSG_TELL_RECEIPT, \&tell)/'
# What is told as done is on disk.
mutant tells_done_before_the_disk peer/core/step.c 's/id == NULL && self->writes && /false \&\& /'
# A message is accepted once.
mutant accepts_what_it_has_seen peer/core/hear.c 's/^( +)return SEEN;/\1return ACCEPT;/'
# After a gap the sender goes back.
mutant goes_on_after_a_gap peer/core/hear.c 's/return starts \? ACCEPT_AFTER_GAP : MISSING;/return ACCEPT_AFTER_GAP;/'
# Every start is an incarnation of its own.
mutant reuses_numbers_after_a_crash peer/core/talk.c 's/self->self\.incarnation\+\+;/self->self.incarnation = 1;/; s/self->self\.salt = msg_keys_random_u64\(\)/self->self.salt = 1/'
# A receipt counts for the chain that it speaks of.
mutant believes_receipts_of_a_forgotten_life peer/core/talk.c 's/ \|\| receipt->salt != self->self\.salt;/;/; s/return out->salt != receipt->salt;/return false;/'
# A fork of a chain is not taken for the chain.
mutant takes_a_fork_for_the_chain peer/core/hear.c '/if \(chain->incarnation == in->mark\.incarnation\)$/,+1d'
# What is not acknowledged is sent again.
mutant never_sends_again peer/core/talk.c 's/device->resend_at_ms = self->now\.mono_ms \+ device->resend_ms;/device->resend_at_ms = 0;/'
# A message is kept until every device has it.
mutant lets_go_too_early peer/core/talk.c 's/!out->delivered \|\| !had \|\| /!out->delivered || /'
# A device that joins is owed what was said since it was enrolled.
mutant forgets_new_devices peer/core/talk.c 's/if \(!contact->fresh \&\& contact->introduce_at_ms == 0\)/if (false)/'
# A read tick is for what was read.
mutant takes_a_new_chain_for_read peer/core/talk.c 's/read\.number > 0 \&\& peer_mark_before\(device->read, read\)/peer_mark_before(device->read, read)/; s/!out->read \&\& peer_mark_before\(read_before, out->mark\) \&\&/!out->read \&\&/'
# What was said first is sent first, also to somebody who was unknown then.
mutant overtakes_the_first_words peer/core/people.c '/say_all\(self, asking_for\(self, name\), contact, CONCLAVE_OK, msg_text\(""\)\);/d'
# Who is blocked is not let in.
mutant lets_the_blocked_in peer/core/trust.c 's/if \(on\) \{/if (false) {/'
# Who is revoked is dropped.
mutant keeps_the_revoked peer/core/trust.c '/^peer_trust_revoked\(/,/^}/s/if \(device == NULL\)/if (true)/'
# A nonce is used once.
mutant reuses_nonces msg/envelope.c 's/msg_keys_random\(run->tails, sizeof run->tails\);/memset(run->tails, 7, sizeof run->tails);/'
# What is said leaves the process sealed.
mutant sends_in_the_clear msg/envelope.c '/^msg_envelope_seal\(/,/^}/s/^    run->counter\+\+;/    memcpy(out->at + out->len - frame.box.len, batch.at, batch.len);\n&/'
# A request whose answer was lost is asked again.
mutant never_asks_again peer/core/requests.c 's/^    else if \(request->tries >= TRIES_MAX\)/    else if (true)\n        ;\n&/'
# A name has one owner.
mutant gives_a_name_twice broker/tables/jobs.c '/^broker_jobs_reserves\(/,/^}/s/return true;/return false;/'
# Who is out has no key of what is said then.
mutant keeps_the_key_of_an_epoch_that_is_over peer/rooms/room_keys.c 's/^    msg_roomkey_new\(&room->key\);/    if (room->key_made_ms == 0)\n    &/'
# A key that found no room in a mailbox is told later.
mutant forgets_who_was_there peer/core/sealed.c 's/mate->came <= key->number;/false;/'
# What is missing of a roster is read.
mutant leaves_gaps_in_rosters peer/rooms/room_ops.c 's/entry->number != room->facts\.number \+ 1/false/'
mutant never_reads_what_is_behind peer/rooms/room_read.c 's/^    if \(head->number > room->facts\.number/    if (false/'
# Why a room is no longer ours, its roster says.
mutant stays_in_rooms_it_left peer/rooms/room_read.c 's/\(!room->listed \&\& peer_room_concerns_us\(room\)\)/false/'
# What a room is, is on disk with its members.
mutant forgets_what_was_put_in_order peer/rooms/room_read.c 's/^        peer_rooms_put\(room, self->out\);/        ;/'
# What was asked first is done first.
mutant proposes_all_at_once peer/rooms/room_commands.c 's/!peer_room_has_turn\(self, request\)/false/; s/peer_room_pause\(self, request\)/false/'

# A link through the registry that was lost on one side is found again.
mutant passes_over_greetings peer/core/relay.c 's/device->relayed\.state == PEER_LINK_UP \&\& soon/device->relayed.state == PEER_LINK_UP/; s/peer_relay_want\(self, device\);$/(void)0;/'
# What goes on from an envelope goes on from that one.
mutant goes_on_from_any_envelope peer/core/post.c 's/stand->next != frame->counter \|\| //' peer/test_talk
mutant goes_on_from_another_run peer/core/post.c 's/ \|\| memcmp\(&stand->run, &frame->run, sizeof frame->run\) != 0\)/)/' peer/test_talk
mutant goes_on_in_a_new_run peer/core/post.c 's/device->sealed = \(struct peer_mark\)\{0, 0\};/(void)0;/' peer/test_talk
mutant goes_on_from_what_it_passed_over peer/core/hear.c 's/^    if \(!going\)$/    if (false)/' peer/test_talk
mutant leaves_what_had_no_room_to_a_time_out peer/core/hear.c 's/device->refused = self->roster.refused = true;/(void)device;/' peer/test_hear_disk
mutant complains_of_what_follows_what_had_no_room peer/core/hear.c 's/verdict == MISSING \&\& device->refused/false/' peer/test_hear_disk
mutant complains_before_what_it_took_is_on_disk peer/core/hear.c 's/!device->refused \|\| device->sync_count > 0\)/!device->refused)/' peer/test_hear_disk
mutant reads_on_without_room peer/intake.c 's/^    return node->storing \&\& /    return false \&\& /' peer/test_node
mutant spins_after_any_wait peer/spin.c 's/came \&\& waited_ns <= PEER_SPIN_NS/came/' peer/test_spin
mutant spins_when_nothing_came peer/spin.c 's/came \&\& waited_ns/waited_ns/' peer/test_spin
mutant spins_in_vain_again_and_again peer/spin.c 's/self->trust -= self.*/;/' peer/test_spin
mutant spins_no_more_after_one_look_in_vain peer/spin.c 's/self->trust -= self.*/self->trust = 0;/' peer/test_spin
mutant trusts_without_end peer/spin.c 's/self->trust \+= self->trust < PEER_SPIN_MOST;/self->trust++;/' peer/test_spin
# What nobody can read any more is told as a gap.
mutant says_nothing_of_what_went_from_the_log peer/rooms/room_log.c 's/sender->lost = sender->first;/;/' peer/test_room_hear
# What is put off is checked in time, and only what may be is put off.
mutant puts_off_short_frames peer/rooms/room_proof.c 's/frame->box\.len >= LONG_BYTES && //' peer/test_room_put_off
mutant puts_off_without_end peer/rooms/room_proof.c 's/publisher->owes \+ 1 < OWED_MAX && //' peer/test_room_put_off
mutant believes_who_lied peer/rooms/room_proof.c 's/ && !sender->lied//' peer/test_room_put_off
mutant puts_off_what_it_hands_on peer/rooms/room_proof.c 's/ && peer_session_online\(self\)//' peer/test_room_put_off
mutant lets_any_frame_prove_those_before peer/rooms/room_proof.c 's/&& msg_roomkey_vouches\(frame, &publisher->owed\)//' peer/test_room_put_off
mutant forgets_what_was_put_off peer/rooms/room_publishers.c 's/else if \(!prove\(self, room, one\)\)/else if (false)/' peer/test_room_put_off
mutant hangs_up_on_what_was_put_off peer/rooms/room_publishers.c 's/^    if \(!peer_room_proves\(publisher\)\)$/    if (false)/' peer/test_room_put_off
mutant keeps_what_is_forged peer/rooms/room_publishers.c 's/if \(peer_kept_drop_sender\(.*/if (false)/' peer/test_room_put_off
mutant hands_on_nothing_of_others peer/rooms/room_publishers.c 's/peer_kept_drop_sender\(&self->kept, &room->facts\.id, publisher->account, publisher->device, self->out\)/peer_kept_drop_room(\&self->kept, \&room->facts.id, self->out)/' peer/test_room_put_off
mutant ends_without_a_check peer/core/core.c 's/peer_room_publishers_stop\(self\);//' peer/test_room_put_off
mutant acknowledges_who_lied peer/rooms/room_ticks.c 's/return !sender->lied \&\& /return /; s/ \|\| sender->lied//' peer/test_room_put_off
mutant warns_before_what_it_warns_of peer/rooms/room_publishers.c 's/peer_step_notice_kept/peer_step_notice_about/' peer/test_room_put_off
mutant takes_the_log_for_a_publisher peer/rooms/room_publishers.c 's/self->meshes\.speaking = NULL;//' peer/test_room_put_off
mutant acknowledges_what_is_not_proved peer/rooms/room_ticks.c 's/peer_room_publishers_prove\(self, room\);//' peer/test_room_put_off
mutant hands_on_what_is_not_proved peer/rooms/room_want.c 's/peer_room_publishers_prove\(self, room\);//' peer/test_room_put_off
# PINGs of many come together, and those that came together part.
mutant pings_out_of_step peer/core/session.c 's/return step_ms == 0 .*/return due_ms;/' peer/test_session
mutant pings_at_its_own_steps peer/core/session.c 's/peer_step_registry_ms\(self\) \+ due_ms - self->now\.mono_ms\)/due_ms)/' peer/test_session
mutant pings_only_when_due peer/core/session.c 's/self->now\.mono_ms \+ session->lease_ms \/ LEASE_NEARLY >= ping_due_ms/self->now.mono_ms >= ping_due_ms/' peer/test_session
mutant pings_at_every_word peer/core/session.c 's/session->lease_ms \/ LEASE_NEARLY >=/session->lease_ms >=/' peer/test_session
mutant pongs_wait_beside_a_cast broker/rooms/room_casts.c 's/broker_leases_pong_along\(self\);//' broker/test_room_casts
mutant pings_all_at_once peer/core/session.c 's/session->sent_ms -= msg_keys_random.*;/;/' peer/test_session
mutant asks_no_more_while_it_talks peer/core/session.c 's/session->asked_ms \+ PING_LEASES \* session->lease_ms/0/' peer/test_session
mutant gathers_for_ever peer/core/talk.c 's/if \(device->gathers\)/if (false)/' peer/test_talk
mutant gathers_what_is_enough peer/core/talk.c 's/ \&\& said\.number - device->sent\.number < FULL;/;/' peer/test_talk
mutant gathers_at_the_end peer/core/core.c 's/device->batched_ms = 0;/;/' peer/test_talk
mutant keeps_a_run_without_end peer/core/hear.c 's/run->count == MSG_BATCH_COUNT \|\| //' peer/test_hear
mutant keeps_a_run_over_a_hole peer/core/hear.c 's/ \|\| \(run->count > 0 \&\& run->batch\.at \+ run->batch\.len != frame\.at\)//' peer/test_hear
mutant tells_a_gap_before_what_came_before_it peer/core/hear.c 's/^        keep\(self, run\);.*$//' peer/test_hear
mutant reads_by_the_first_number peer/core/restore.c 's/peer_batch_next\(\&rest, \&tell\); number\+\+/peer_batch_next(\&rest, \&tell);/' peer/test_hear
# Who never links directly dials nobody.
mutant dials_all_the_same peer/core/links.c 's/ \|\| self->settings\.direct == MSG_DIRECT_NEVER//'
# What is told as stored is on the registry's disk.
mutant tells_stored_before_the_answer peer/core/mail.c 's/^#define LATE_MS.*/&\nstatic void settle(struct peer_core *self, const struct msg_deposited *answer, enum conclave_err whole);/; /^peer_mail_flush\(/,/^}/s/^    send_deposit\(self\);/&\n    settle(self, NULL, CONCLAVE_OK);/'
# Mail is kept until what it had is on disk, and its receipt is under way.
mutant collects_before_the_disk peer/core/mailbox.c 's/mailing->in\[done\]\.store <= self->synced_store \&\& answered\(self, \&mailing->in\[done\]\)/true/'
mutant collects_before_the_receipt peer/core/mailbox.c 's/ \&\& answered\(self, \&mailing->in\[done\]\)//'
# A receipt beyond what was remembered counts for what was.
mutant passes_over_receipts_of_a_crash peer/core/talk.c 's/if \(receipt->incarnation < self->self\.incarnation \&\& peer_mark_before/if (false \&\& peer_mark_before/'
# Receipts travel by mail where no link takes them.
mutant mails_no_receipts peer/core/mail.c 's/if \(peer_hear_owes\(device\) \&\& peer_links_best/if (false \&\& peer_links_best/'
# One account leaves room in a mailbox for the others.
mutant lets_one_fill_a_mailbox broker/tables/mailbox.c 's/beyond_share\(&share, bytes, limits\)/false/'
# Mail that came back is told by its messages, and by no others.
mutant tells_nothing_of_what_came_back peer/core/ticks.c 's/^    device->returned = upto;//'
mutant tells_too_much_of_what_came_back peer/core/mail.c 's/if \(memcmp\(&tag, run, sizeof tag\) == 0\)/if (at == contact->queue.last)/'
# What happened in a room and was not shown before a crash is told after it.
mutant forgets_what_happened peer/core/restore.c 's/kind == MSG_TELL_ROOM \|\| //'
# Who comes back to a room with history goes on from what it had.
mutant forgets_what_it_only_read peer/rooms/room_read.c 's/return heard \|\| /return /'

# shellcheck source=tests/mutants_rooms.sh
. "$here/mutants_rooms.sh"

[ -z "$fit" ] || [ "$tap_failed" -gt 0 ] || pass "each guard that is broken on purpose is still there to be broken"
tap_done
