"""Small rooms, whose members publish to one another: who does not read, and a
way that is gone without a word, cost nobody else anything and lose nothing."""

import os
import re
import shutil
import signal
import subprocess
import time

from conclave_e2e import PASSWORD, Daemon, Session, Skip, conclave, eventually, expect, fresh, main, person
from net_e2e import REGISTRY, Parted


def _mesh(*people):
    """A room of these, in which each has heard each of the others."""
    room = fresh("#room")
    people[0].ok("/create " + room)
    for i, joiner in enumerate(people[1:], 1):
        joiner.ok("/join " + room)
        for other in people[:i]:
            other.wait("room", room=room, event="joined", user=joiner.name)
    for who in people:
        who.ok("/msg %s hello" % room)
        for other in people:
            if other is not who:
                other.wait("message", text="hello", **{"from": who.name})
    return room


def _connections(session):
    """Of its process, TCP."""
    if shutil.which("ss") is None:
        raise Skip("there is no ss")
    lines = subprocess.run(["ss", "-Htnp", "state", "established"], capture_output=True, text=True).stdout
    return lines.count("pid=%d," % session.process.pid)


def _resident_mib(session):
    with open("/proc/%d/status" % session.process.pid) as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) / 1024


def who_does_not_read_holds_nobody_up_and_reads_the_rest_in_the_log():
    """More is published than the pipe to a subscriber and both kernels hold."""
    daemon = Daemon()
    alice, bob, carol = [person(daemon) for _ in range(3)]
    room = _mesh(alice, bob, carol)
    for who in (alice, bob, carol):  # the registry's, and one each way with each of the others
        eventually("all hear each other directly", lambda: _connections(who) == 5)
    texts = ["%d %s" % (i, "x" * 40000) for i in range(1200)]
    before = _resident_mib(alice)
    carol.process.send_signal(signal.SIGSTOP)
    for i, text in enumerate(texts):
        alice.put("/msg %s %s" % (room, text))
        assert bob.wait("message", room=room)["text"] == text, i
    if not os.environ.get("SANITIZE_FLAGS"):  # they keep what was freed for a while
        assert _resident_mib(alice) - before < 32  # of 48
    carol.process.send_signal(signal.SIGCONT)
    assert [carol.wait("message", room=room)["text"] for _ in texts] == texts
    bob.ok("/msg %s done" % room)
    assert carol.wait("message", room=room)["text"] == "done"
    for who in (alice, bob, carol):
        assert who.end() == 0
    daemon.stop()


def a_way_that_is_gone_without_a_word_is_left_on_both_sides():
    """Routers that drop everything: nobody is told, and within a minute both
    know, and hear each other through the registry at once."""
    net = Parted(2)
    daemon = Daemon(inside=net.registry.inside, address=REGISTRY)
    people = []
    net.join()
    for place in net.peers:
        name = fresh("person")
        expect(conclave(daemon, name, "register", user=name, password=PASSWORD, inside=place.inside), 0)
        session = Session(daemon, name, inside=place.inside, listen=place.address + ":0")
        session.logged_in()
        session.name = name
        people.append(session)
    alice, bob = people
    room = _mesh(alice, bob)

    def ways():
        there = [place.run("ss", "-Htn", "state", "established", "dst", other.address)
                 for place, other in zip(net.peers, reversed(net.peers))]
        return [len(lines.splitlines()) for lines in there]

    eventually("each hears the other directly", lambda: min(ways()) >= 2)
    net.registry.run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
    alice.ok("/msg %s lost" % room)
    bob.wait("message", room=room, text="lost")  # the log has it
    eventually("no way is left", lambda: ways() == [0, 0], patience=100)
    for here, there in ((alice, bob), (bob, alice)):
        before = time.monotonic()
        here.ok("/msg %s again" % room)
        there.wait("message", room=room, text="again")
        assert time.monotonic() - before < 7  # before that, with a lease: every 15 s
    for who in people:
        assert who.end() == 0
    daemon.stop()
    net.end()


main(globals())
