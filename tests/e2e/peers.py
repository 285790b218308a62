"""People who mean harm against a real peer: strangers, and contacts who were
introduced in order.  After each the peer is the same process, has not grown,
talks with others as before, and also with the contact once it behaves."""

import os
import resource
import subprocess

from conclave_e2e import PASSWORD, PATIENCE, TOP, Daemon, environment, fresh, main, path, person

GUEST = os.path.join(TOP, "tests", "e2e", "guest")
HOSTILE = os.path.join(TOP, "tests", "e2e", "hostile")
ROGUE = os.path.join(TOP, "tests", "e2e", "rogue")
GROWTH_KIB = 100 * 1024

_daemon = Daemon()
_victim, _friend = person(_daemon), person(_daemon)
_pid = _victim.process.pid


def _run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=PATIENCE,
                          env=environment())
    return done.returncode


def _contact():
    """Somebody who was introduced to the victim; the file of its device."""
    name = fresh("rogue")
    assert _run(GUEST, "signup", _daemon.link, path(name + ".0"), name, PASSWORD) == 0
    assert _run(ROGUE, "meet", path(name + ".0"), _victim.name, path(name)) == 0
    return name


def _resident():
    with open("/proc/%d/statm" % _pid) as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() // 1024


def _where():
    (user,) = [u for u in _friend.ask("/who -d")["users"] if u["name"] == _victim.name]
    return user["endpoint"].rsplit(":", 1)


def _friends_talk():
    text = fresh("text")
    sent = _friend.ok("/msg %s %s" % (_victim.name, text))
    assert _victim.wait("message", text=text)["from"] == _friend.name
    _friend.wait("receipt", id=sent["id"], state="delivered")
    text = fresh("text")
    _victim.ok("/msg %s %s" % (_friend.name, text))
    _friend.wait("message", text=text)


_friends_talk()
_rogue = _contact()


def _behaves():
    text = fresh("text")
    assert _run(ROGUE, "talk", path(_rogue), text) == 0
    assert _victim.wait("message", text=text)["from"] == _rogue


_behaves()


def _survives(act):
    before = _resident()
    act()
    _friends_talk()
    _behaves()
    assert _victim.process.poll() is None
    grown = _resident() - before
    assert grown < GROWTH_KIB, "%d KiB more" % grown
    texts = [e["text"] for e in _victim.events if e["type"] == "message"]
    assert not texts, "what should not have been heard: %r" % texts


def _rogue_does(case, heard):
    text = fresh("text")

    def act():
        assert _run(ROGUE, case, path(_rogue), text) == 0
        if heard:
            assert _victim.wait("message", text=text)["from"] == _rogue

    _survives(act)


def _hostile_does(case, *where):
    def act():
        attack = subprocess.Popen([HOSTILE, case] + [str(word) for word in where], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
        attack.stdout.readline()  # it does its worst now; or it has ended
        _friends_talk()
        attack.stdin.close()
        attack.wait(PATIENCE)
        attack.stdout.close()

    _survives(act)


def a_stranger_s_key_is_refused():
    _rogue_does("stranger", False)


def a_certificate_that_is_forged_or_somebody_else_s_is_refused():
    _rogue_does("bad-certificates", False)


def who_talks_without_a_greeting_is_cut_off():
    _rogue_does("no-greeting", False)


def frames_that_are_no_message_end_the_link():
    _rogue_does("garbage", False)


def a_run_that_somebody_else_signed_is_not_opened():
    _rogue_does("forged-run", False)


def envelopes_that_do_not_open_are_passed_over():
    _rogue_does("sealed-garbage", True)


def envelopes_with_garbage_inside_are_passed_over():
    _rogue_does("garbage-inside", True)


def whole_frames_sent_again_are_heard_once():
    _rogue_does("replay", True)


def bytes_that_are_no_zmtp():
    _hostile_does("garbage", *_where())


def no_keys_and_pings_and_resets_by_hand():
    _hostile_does("null", *_where())


def libzmq_without_curve():
    _hostile_does("no-curve", *_where())


def a_wrong_server_key():
    _hostile_does("wrong-key", path(_rogue), "front")


def an_unfinished_message_of_many_parts():
    _hostile_does("multipart", path(_rogue), "front")


def claimed_routing_ids():
    _hostile_does("routing-ids", path(_rogue), "front")


def heartbeats_between_messages_and_sudden_ends():
    _hostile_does("heartbeats", path(_rogue), "front")


def frames_that_are_too_large():
    _hostile_does("oversize", path(_rogue), "front")


def frames_of_other_roles():
    _hostile_does("bad-frames", path(_rogue), "front")


def a_crowd_of_connections():
    _hostile_does("crowd", *_where())


def the_victim_ends_in_order():
    assert _victim.end() == 0 and _friend.end() == 0


main(globals())
