"""Peers that cannot, or do not want to, reach each other talk through the
registry: in networks of their own, with what the system says of connections."""

import os
import signal
import subprocess

from conclave_e2e import (PASSWORD, PATIENCE, TOP, Daemon, Session, conclave, environment, eventually, expect, fresh, main,
                          path)
from net_e2e import REGISTRY, Parted

GUEST = os.path.join(TOP, "tests", "e2e", "guest")
ROGUE = os.path.join(TOP, "tests", "e2e", "rogue")
PORT = 15700


class _World:
    """A registry, and people who each have a network."""

    def __init__(self, count=2):
        self.net = Parted(count)
        self.daemon = Daemon(inside=self.net.registry.inside, address=REGISTRY)
        self.people = []

    def enter(self, i, config="", home=None):
        net = self.net.peers[i]
        if home is None:
            home = fresh("person")
            expect(conclave(self.daemon, home, "register", user=home, password=PASSWORD, inside=net.inside), 0)
        with open(path(home) + "/conclave.conf", "w") as out:
            out.write(config)
        session = Session(self.daemon, home, inside=net.inside, listen="%s:%d" % (net.address, PORT))
        session.logged_in()
        session.name = home
        self.people.append(session)
        return session

    def introduced_to(self, session):
        """Where a stranger is told that they are."""
        name, inside = fresh("stranger"), self.net.registry.inside
        words = ["signup", self.daemon.link, path(name), name, PASSWORD]
        assert subprocess.run(inside + [GUEST] + words, stdout=subprocess.DEVNULL, env=environment()).returncode == 0
        done = subprocess.run(inside + [ROGUE, "meet", path(name), session.name, path(name)], capture_output=True,
                              text=True, timeout=PATIENCE, env=environment())
        return done.stdout.split()

    def end(self):
        for session in self.people:
            if session.process.poll() is None:
                assert session.end() == 0
        self.daemon.stop()
        self.net.end()


def _both_ways(one, other, count=20):
    sent = []
    for i in range(count):
        sent.append((one, other, one.ok("/msg %s %d" % (other.name, i))["id"]))
        sent.append((other, one, other.ok("/msg %s %d" % (one.name, i))["id"]))
    for here, there in ((one, other), (other, one)):
        assert [there.wait("message")["id"] for _ in range(count)] == [i for h, _, i in sent if h is here]
    for here, _, message in sent:
        here.wait("receipt", id=message, state="delivered")
        here.wait("receipt", id=message, state="read")


def who_cannot_reach_each_other_talk_through_the_registry():
    world = _World()
    alice, bob = world.enter(0), world.enter(1)
    _both_ways(alice, bob)
    for net in world.net.peers:
        assert not net.connections(PORT), net.connections(PORT)
    # The registry dies and comes back: so do they, and nothing is lost.
    sent = [alice.ok("/msg %s before %d" % (bob.name, i))["id"] for i in range(20)]
    world.daemon.stop(signal.SIGKILL)
    sent += [alice.ok("/msg %s meanwhile %d" % (bob.name, i))["id"] for i in range(20)]
    world.daemon.start()
    assert [bob.wait("message")["id"] for _ in sent] == sent
    alice.wait("receipt", id=sent[-1], state="read")
    _both_ways(alice, bob)
    world.end()


def who_is_blocked_stays_blocked_on_the_way_through_the_registry():
    world = _World()
    alice, bob = world.enter(0), world.enter(1)
    _both_ways(alice, bob, 1)
    bob.ok("/block " + alice.name)
    alice.ok("/msg %s not to be heard" % bob.name)
    alice.wait("notice", user=bob.name)
    assert not [e for e in bob.events if e["type"] == "message"], bob.events
    bob.ok("/unblock " + alice.name)
    alice.ok("/msg %s heard again" % bob.name)
    assert [bob.wait("message")["text"] for _ in range(2)] == ["not to be heard", "heard again"]
    world.end()


def who_says_never_is_neither_dialled_nor_dials():
    for configs in (("direct = never\n", ""), ("", "direct = never\n")):
        world = _World()
        world.net.join()
        people = [world.enter(i, config) for i, config in enumerate(configs)]
        (hidden,) = [i for i, config in enumerate(configs) if config]
        shown, room = people[1 - hidden], fresh("#room")
        shown.ok("/create " + room)
        people[hidden].ok("/join " + room)
        shown.wait("room", event="joined", user=people[hidden].name)
        eventually("a socket for the mesh", lambda: len(world.net.peers[1 - hidden].listening()) == 2)
        _both_ways(*people)
        for here, there in (people, people[::-1]):
            here.ok("/msg %s all" % room)
            there.wait("message", room=room)
        _both_ways(*people)
        for net in world.net.peers:  # whoever dials is let in by the system, whatever comes of it
            assert net.accepted() == 0, net.run("ss", "-tan")
        assert world.net.peers[hidden].listening() == []
        (user,) = [u for u in shown.ask("/who -d")["users"] if u["name"] == people[hidden].name]
        assert user["status"] == "online" and "endpoint" not in user, user
        answer = shown.ask("/search " + people[hidden].name)
        assert answer["status"] == "online" and "endpoint" not in answer, answer
        assert world.introduced_to(people[hidden]) == []
        assert world.introduced_to(shown) == ["%s:%d" % (world.net.peers[1 - hidden].address, PORT)]
        world.end()


def they_move_to_the_direct_way_when_there_is_one():
    world = _World()
    alice, bob = world.enter(0), world.enter(1)
    _both_ways(alice, bob, 2)
    assert not world.net.peers[0].connections(PORT)
    world.net.join()
    bob.end()
    bob = world.enter(1, home=bob.name)
    _both_ways(alice, bob, 2)
    eventually("a connection of their own", lambda: any(
        "ESTAB" in line for net in world.net.peers for line in net.connections(PORT)))
    assert sum(net.accepted() for net in world.net.peers) > 0
    world.daemon.stop(signal.SIGKILL)
    alice.wait("session", state="reconnecting")
    _both_ways(alice, bob, 2)  # without any registry
    world.daemon.start()
    world.end()


main(globals())
