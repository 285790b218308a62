"""Peers that mean harm against the real daemon.  After each, somebody new can
sign up and a member is served within a second, nobody was thrown out, and no
process of the daemon has died."""

import os
import resource
import signal
import subprocess
import time

import conclave_e2e
from conclave_e2e import PASSWORD, PATIENCE, TOP, Daemon, environment, fresh, main, path, within

GUEST = os.path.join(TOP, "tests", "e2e", "guest")
HOSTILE = os.path.join(TOP, "tests", "e2e", "hostile")

_config = path("hostile.conf")
with open(_config, "w") as _file:
    _file.write("limits\n    signups = 100000\n    knocks = 100000\n    door_source_connections = 200\n"
                "    source_connections = 200\npassword\n    memory_kib = 1024\n    passes = 1\n")
_daemon = Daemon("--config", _config)


def _sign_up(daemon):
    name = fresh("guest")
    device = path(name + ".device")
    done = subprocess.run([GUEST, "signup", daemon.link, device, name, PASSWORD], capture_output=True, text=True,
                          timeout=PATIENCE, env=environment())
    assert done.returncode == 0, done.stdout
    return device


def _visit(device):
    done = subprocess.run([GUEST, "visit", device], capture_output=True, text=True, timeout=PATIENCE,
                          env=environment())
    assert done.returncode == 0 and "found online" in done.stdout, done.stdout


_member = _sign_up(_daemon)
_other = _sign_up(_daemon)


def _log(daemon):
    with open(daemon.data + ".log", errors="replace") as file:
        return file.read()


def _deaths(daemon):
    return _log(daemon).count("CHILD-DIED")


def _resident(daemon):
    """KiB of the largest process."""
    largest = 0
    with open("/proc/%d/task/%d/children" % (daemon.process.pid, daemon.process.pid)) as file:
        for pid in file.read().split():
            with open("/proc/%s/statm" % pid) as statm:
                largest = max(largest, int(statm.read().split()[1]) * resource.getpagesize() // 1024)
    return largest


class _Attack:
    def __init__(self, case, *words):
        self.process = subprocess.Popen([HOSTILE, case] + [str(word) for word in words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env=environment())

    def held(self):
        """It does its worst now; or it has ended."""
        self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def _serves(daemon, member=_member):
    """A member first, then a newcomer; each within a second."""
    for act in (lambda: _visit(member), lambda: _sign_up(daemon)):
        start = time.monotonic()
        act()
        took = time.monotonic() - start
        assert took < within(1), "took %.2f s" % took


def _survives(case, *where, growth_mib=150):
    """Serves while it goes on and after; in the same processes."""
    before, resident = _deaths(_daemon), _resident(_daemon)
    stay = subprocess.Popen([GUEST, "stay", _other], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            env=environment())
    assert stay.stdout.readline() == "welcome\n"
    attack = _Attack(case, *where)
    attack.held()
    grown = _resident(_daemon) - resident
    _serves(_daemon)
    attack.end()
    _serves(_daemon)
    stay.stdin.close()
    said = stay.stdout.read()
    assert stay.wait(PATIENCE) == 0
    stay.stdout.close()
    assert "down" not in said, "a member was thrown out: " + said
    assert _deaths(_daemon) == before, _log(_daemon)[-2000:]
    assert grown < growth_mib * 1024, "%d KiB more" % grown


def _door():
    return _daemon.listen.rsplit(":", 1)


def _front():
    with open(os.path.join(_daemon.data, "front.port")) as file:
        return "127.0.0.1", file.read().strip()


def bytes_that_are_no_zmtp_at_the_door():
    _survives("garbage", *_door())


def bytes_that_are_no_zmtp_at_the_front():
    _survives("garbage", *_front())


def no_keys_and_pings_and_resets_by_hand_at_the_door():
    _survives("null", *_door())


def no_keys_and_pings_and_resets_by_hand_at_the_front():
    _survives("null", *_front())


def libzmq_without_curve_at_the_door():
    _survives("no-curve", *_door())


def libzmq_without_curve_at_the_front():
    _survives("no-curve", *_front())


def a_wrong_server_key_at_the_door():
    _survives("wrong-key", _member, "door")


def a_wrong_server_key_at_the_front():
    _survives("wrong-key", _member, "front")


def an_unfinished_message_of_many_parts_at_the_door():
    _survives("multipart", _member, "door", growth_mib=100)


def an_unfinished_message_of_many_parts_at_the_front():
    _survives("multipart", _member, "front", growth_mib=100)


def claimed_routing_ids_at_the_door():
    _survives("routing-ids", _member, "door")


def claimed_routing_ids_at_the_front():
    _survives("routing-ids", _member, "front")


def heartbeats_between_messages_and_sudden_ends_at_the_door():
    _survives("heartbeats", _member, "door")


def heartbeats_between_messages_and_sudden_ends_at_the_front():
    _survives("heartbeats", _member, "front")


def frames_that_are_too_large_at_the_door():
    _survives("oversize", _member, "door")


def frames_that_are_too_large_at_the_front():
    _survives("oversize", _member, "front")


def frames_that_are_no_message_at_the_door():
    _survives("bad-frames", _member, "door")


def frames_that_are_no_message_at_the_front():
    _survives("bad-frames", _member, "front")


def a_stranger_s_key_at_the_front_gets_nothing():
    done = subprocess.run([GUEST, "stranger", _member], capture_output=True, text=True, timeout=PATIENCE,
                          env=environment())
    assert done.returncode == 1 and "welcome" not in done.stdout and "found" not in done.stdout, done.stdout
    _serves(_daemon)


def silent_connections_from_one_source_leave_the_front_to_the_others():
    """They fill what one source may have at the door; the front, which has a
    limit of its own, does not notice, and the door is open once they end."""
    deaths = _deaths(_daemon)
    attack = _Attack("silent", *_door())
    attack.held()
    start = time.monotonic()
    _visit(_member)
    assert time.monotonic() - start < within(1)
    attack.end()
    _serves(_daemon)
    assert _deaths(_daemon) == deaths


def a_crowd_of_connections_from_one_source():
    deaths = _deaths(_daemon)
    for where in (_door(), _front()):
        attack = _Attack("crowd", *where)
        attack.held()
        attack.end()
        _serves(_daemon)
    assert _deaths(_daemon) == deaths


def more_connections_than_there_are_descriptors():
    few = path("few-descriptors")
    with open(few, "w") as file:
        file.write('#!/bin/sh\nulimit -n 128\nexec "%s" "$@"\n' % conclave_e2e.CONCLAVED)
    os.chmod(few, 0o700)
    conclaved, conclave_e2e.CONCLAVED = conclave_e2e.CONCLAVED, few
    try:
        daemon = Daemon("--config", _config)
    finally:
        conclave_e2e.CONCLAVED = conclaved
    member = _sign_up(daemon)
    attack = _Attack("silent", *daemon.listen.rsplit(":", 1))
    attack.held()
    _visit(member)
    attack.end()
    _serves(daemon, member)
    assert _deaths(daemon) == 0, _log(daemon)
    assert daemon.stop(signal.SIGTERM) == 0


if __name__ == "__main__":
    main(globals())
