#!/bin/bash
# Breaks the cores on purpose, one guard at a time, and asks the simulator for
# a seed that notices.  Takes some minutes; not part of `make check`.
#
#   tests/mutants.sh [NAME]...      all, or those
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

work=$(mktemp -d "${TMPDIR:-/tmp}/conclave-mutants.XXXXXX") || exit 99
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT

# The files of the simulated world: all of msg, the cores of both sides.
mkdir "$work/top" && cp -r "$top"/{msg,host,broker,peer,tests} "$work/top" && cd "$work/top" || exit 99
sources=(tests/sim/*.c msg/*.c)
for file in peer/*.c broker/*.c; do
    # Shells, which touch the world, are not part of it.
    grep -Eq '^#include ("host/|"peer/(conclave|handle|inner|loop|store|tells|conns|admit|keyfile|home|setup|event|intake)\.h"|"broker/(channel|keyring|local|port|sandbox|settings|store|judge|supervisor|door|front|vault)\.h"|<(pwquality|sys/|unistd|czmq|seccomp))' "$file" || sources+=("$file")
done

compile() { # TREE FILE OBJECT
    (cd "$1" && "$cc" "${flags[@]}" -I. -c -o "$3" "$2")
}

mkdir -p "$work/objects"
for file in "${sources[@]}"; do
    compile . "$file" "$work/objects/${file//\//_}.o" || exit 99
done

play() { # PROGRAM
    CMOCKA_MESSAGE_OUTPUT='' timeout 900 "$1" --first --seeds 1 "$seeds" >"$1.out" 2>&1
}

"$cc" "${flags[@]}" -o "$work/sim" "$work"/objects/*.o "${libs[@]}" || exit 99
if play "$work/sim"; then
    pass "nothing is noticed when nothing is broken"
else
    fail "nothing is noticed when nothing is broken" "$(grep '^# [a-z_]*, seed' "$work/sim.out")"
fi

# mutant NAME FILE SED: the change must be noticed
mutant() {
    local name=$1 file=$2 change=$3 tree=$work/tree
    [ ${#only[@]} -eq 0 ] || [[ " ${only[*]} " == *" $name "* ]] || return 0
    rm -rf "$tree" && mkdir -p "$tree" "$work/broken"
    cp -r msg host broker peer tests "$tree"
    sed -i -E "$change" "$tree/$file"
    if cmp -s "$file" "$tree/$file"; then
        fail "$name" "its change does not fit $file any more"
        return
    fi
    rm -f "$work"/broken/*
    cp "$work"/objects/*.o "$work/broken"
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
mutant acknowledges_before_the_disk peer/hear.c 's/\.delivered = in->synced\.number/.delivered = in->mark.number/'
# What is shown is on disk.
mutant shows_before_the_disk peer/hear.c 's/peer_held_put\(self->held, peer_step_store\(self\), MSG_TELL_MESSAGE, &tell\)/(void)peer_step_store(self), msg_effects_tell(self->out, MSG_TELL_MESSAGE, \&tell)/'
# What is told as queued is on disk.
mutant tells_ticks_before_the_disk peer/talk.c 's/peer_held_tick\(self->held, peer_step_store\(self\), id, (msg_text\(contact->name\), msg_text\(""\)), tick\)/const struct msg_tell_receipt tell = {msg_span(id, sizeof *id), \1, tick}; (void)peer_step_store(self); msg_effects_tell(self->out, MSG_TELL_RECEIPT, \&tell)/'
# What is told as done is on disk.
mutant tells_done_before_the_disk peer/step.c 's/id == NULL && self->writes && /false \&\& /'
# A message is accepted once.
mutant accepts_what_it_has_seen peer/hear.c 's/^( +)return SEEN;/\1return ACCEPT;/'
# After a gap the sender goes back.
mutant goes_on_after_a_gap peer/hear.c 's/return starts \? ACCEPT_AFTER_GAP : MISSING;/return ACCEPT_AFTER_GAP;/'
# Every start is an incarnation of its own.
mutant reuses_numbers_after_a_crash peer/talk.c 's/self->self\.incarnation\+\+;/self->self.incarnation = 1;/; s/self->self\.salt = msg_keys_random_u64\(\)/self->self.salt = 1/'
# A receipt counts for the chain that it speaks of.
mutant believes_receipts_of_a_forgotten_life peer/talk.c 's/ \|\| receipt->salt != self->self\.salt;/;/; s/return out->salt != receipt->salt;/return false;/'
# A fork of a chain is not taken for the chain.
mutant takes_a_fork_for_the_chain peer/hear.c '/if \(chain->incarnation == in->mark\.incarnation\)$/,+1d'
# What is not acknowledged is sent again.
mutant never_sends_again peer/talk.c 's/device->resend_at_ms = self->now\.mono_ms \+ device->resend_ms;/device->resend_at_ms = 0;/'
# A message is kept until every device has it.
mutant lets_go_too_early peer/talk.c 's/!out->delivered \|\| !had \|\| /!out->delivered || /'
# A device that joins is owed what was said since it was enrolled.
mutant forgets_new_devices peer/talk.c 's/if \(!contact->fresh \&\& contact->introduce_at_ms == 0\)/if (false)/'
# A read tick is for what was read.
mutant takes_a_new_chain_for_read peer/talk.c 's/read\.number > 0 \&\& peer_mark_before\(device->read, read\)/peer_mark_before(device->read, read)/; s/!out->read \&\& peer_mark_before\(read_before, out->mark\) \&\&/!out->read \&\&/'
# What was said first is sent first, also to somebody who was unknown then.
mutant overtakes_the_first_words peer/people.c '/say_all\(self, asking_for\(self, &name\), contact, CONCLAVE_OK, msg_text\(""\)\);/d'
# Who is blocked is not let in.
mutant lets_the_blocked_in peer/trust.c 's/if \(on\) \{/if (false) {/'
# Who is revoked is dropped.
mutant keeps_the_revoked peer/trust.c '/^peer_trust_revoked\(/,/^}/s/if \(device == NULL\)/if (true)/'
# A nonce is used once.
mutant reuses_nonces msg/envelope.c 's/msg_keys_random\(frame\.nonce\.at, sizeof frame\.nonce\.at\);/memset(frame.nonce.at, 7, sizeof frame.nonce.at);/'
# What is said leaves the process sealed.
mutant sends_in_the_clear msg/envelope.c '/^msg_envelope_seal\(/,/^}/s/^    run->counter\+\+;/    memcpy(out->at + out->len - frame.box.len, batch.at, batch.len);\n&/'
# A request whose answer was lost is asked again.
mutant never_asks_again peer/requests.c 's/^    else if \(request->tries >= TRIES_MAX\)/    else if (true)\n        ;\n&/'
# A name has one owner.
mutant gives_a_name_twice broker/jobs.c '/^broker_jobs_reserves\(/,/^}/s/return true;/return false;/'
# Who is out has no key of what is said then.
mutant keeps_the_key_of_an_epoch_that_is_over peer/room_keys.c 's/^    msg_roomkey_new\(&room->key\);/    if (room->key_made_ms == 0)\n    &/'
# A key that found no room in a mailbox is told later.
mutant forgets_who_was_there peer/sealed.c 's/mate->came <= key->number;/false;/'
# What is missing of a roster is read.
mutant leaves_gaps_in_rosters peer/room_ops.c 's/entry->number != room->facts\.number \+ 1/false/'
mutant never_reads_what_is_behind peer/room_read.c 's/^    if \(head->number > room->facts\.number/    if (false/'
# Why a room is no longer ours, its roster says.
mutant stays_in_rooms_it_left peer/room_read.c 's/\(!room->listed \&\& peer_room_concerns_us\(room\)\)/false/'
# What a room is, is on disk with its members.
mutant forgets_what_was_put_in_order peer/room_read.c 's/^        peer_rooms_put\(room, self->out\);/        ;/'
# What was asked first is done first.
mutant proposes_all_at_once peer/room_commands.c 's/!peer_room_has_turn\(self, request\)/false/; s/peer_room_pause\(self, request\)/false/'

# A link through the registry that was lost on one side is found again.
mutant passes_over_greetings peer/relay.c 's/device->relayed\.state == PEER_LINK_UP \&\& soon/device->relayed.state == PEER_LINK_UP/; s/peer_relay_want\(self, device\);$/(void)0;/'
# Who never links directly dials nobody.
mutant dials_all_the_same peer/links.c 's/ \|\| self->settings\.direct == MSG_DIRECT_NEVER//'
# What is told as stored is on the registry's disk.
mutant tells_stored_before_the_answer peer/mail.c 's/^#define LATE_MS.*/&\nstatic void settle(struct peer_core *self, const struct msg_deposited *answer, enum conclave_err whole);/; /^peer_mail_flush\(/,/^}/s/^    send_deposit\(self\);/&\n    settle(self, NULL, CONCLAVE_OK);/'
# Mail is kept until what it had is on disk, and its receipt is under way.
mutant collects_before_the_disk peer/mailbox.c 's/mailing->in\[done\]\.store <= self->synced_store \&\& answered\(self, \&mailing->in\[done\]\)/true/'
mutant collects_before_the_receipt peer/mailbox.c 's/ \&\& answered\(self, \&mailing->in\[done\]\)//'
# A receipt beyond what was remembered counts for what was.
mutant passes_over_receipts_of_a_crash peer/talk.c 's/if \(receipt->incarnation < self->self\.incarnation \&\& peer_mark_before/if (false \&\& peer_mark_before/'
# Receipts travel by mail where no link takes them.
mutant mails_no_receipts peer/mail.c 's/if \(peer_hear_owes\(device\) \&\& peer_links_best/if (false \&\& peer_links_best/'

tap_done
