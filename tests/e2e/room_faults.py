"""Rooms while things break: members and the registry killed with hundreds of
messages on their way, members that stand still; in rooms whose members publish
to one another, and in rooms that go through the registry.

CONCLAVE_E2E_STOPPED_S is how long somebody stands still at the least; without
it, until the registry leaves them to the log, however soon that is."""

import collections
import os
import signal
import threading
import time

from conclave_e2e import PATIENCE, Session, fresh, main, register
from crowd_e2e import roomy_daemon
from registry_e2e import counts

LONG = "rooms\n    log_frames = 10000000\n    log_mib = 10000\n"  # the log keeps all that is said, however long that goes on
RELAY = LONG + "    mesh_join = 0\n    mesh_stay = 0\n"
BURST = 500
STOPPED_S = float(os.environ.get("CONCLAVE_E2E_STOPPED_S", "0"))


class _Talker(Session):
    """One run of somebody's program, which keeps apart what is said in rooms."""

    def __init__(self, member):
        self.member, self.ids, self.receipts = member, [], collections.defaultdict(set)
        super().__init__(member.daemon, member.name)

    def took(self, event):
        if event["type"] == "message" and "room" in event:
            self.member.hear(event)
        elif event["type"] == "receipt" and "room" in event:
            self.receipts[event["state"], event.get("to")].add(event["id"])
        elif event["type"] == "ok" and event["command"] == "msg":
            self.ids.append(event["id"])
        else:
            return True
        return False


class _Member:
    """Somebody in a room over all the runs of their program: what they said, and were shown."""

    def __init__(self, daemon, room):
        self.daemon, self.room, self.name = daemon, room, register(daemon)
        self.got, self.said, self.now = collections.defaultdict(list), [], []
        self.talking, self.blow = threading.Thread(), None  # blow: a text, and what is done once it is shown
        self.sure = set()  # must come: it was shown as queued
        self.again()
        self.session.logged_in()

    def again(self):
        self.session, self.now = _Talker(self), []

    def hear(self, event):
        self.got[event["from"]].append(event["text"])
        if self.blow is not None and event["text"] == self.blow[0]:
            self.blow[1]()
            self.blow = None

    def up_to(self, sender, text):
        self.session.until("%s hears %.20s" % (self.name, text), lambda: text in self.got[sender.name][-100:])

    def say(self, text, session=None):
        self.said.append(text)
        self.now.append(text)
        (session or self.session).put("/msg %s %s" % (self.room, text))

    def talk(self, turn):
        """Says BURST things on and on, until it is killed."""
        def run(session):
            try:
                for i in range(BURST):
                    self.say("%d-%d" % (turn, i), session)
            except (BrokenPipeError, ValueError):
                pass

        self.talking = threading.Thread(target=run, args=[self.session], daemon=True)
        self.talking.start()

    def kill(self):
        self.session.kill()
        if self.talking.ident:
            self.talking.join()
        queued = self.session.receipts["queued", None]
        self.sure.update(text for text, id in zip(self.now, self.session.ids) if id in queued)

    def end(self):
        assert self.session.end() == 0
        assert not [e for e in self.session.events if e["type"] == "gap"], self.session.events
        self.sure.update(self.now)

    def holds(self, sender):
        got = self.got[sender.name]
        order = {text: i for i, text in enumerate(sender.said)}
        places = [order[text] for text in got]
        assert places == sorted(set(places)), "%s of %s: twice or out of order" % (self.name, sender.name)
        lost = sorted(sender.sure.difference(got), key=order.get)
        assert not lost, "%s of %s: %d were lost, such as %.20s" % (self.name, sender.name, len(lost), lost[0])


def _room(daemon, count=3):
    room = fresh("#room")
    people = [_Member(daemon, room) for _ in range(count)]
    people[0].session.ok("/create " + room)
    for i, joiner in enumerate(people[1:], 1):
        joiner.session.ok("/join " + room)
        for other in people[:i]:
            other.session.wait("room", room=room, event="joined", user=joiner.name)
    return people


def _all_hear_the_last(people):
    for who in people:
        who.say("last")
    for who in people:
        for other in people:
            if other is not who:
                who.up_to(other, "last")
    for who in people:
        who.end()
    for who in people:
        for other in people:
            if other is not who:
                who.holds(other)


def _everything_is_killed(more):
    daemon, on_the_way = roomy_daemon(more), 0
    alice, bob, carol = people = _room(daemon)
    for turn, (registry, killed) in enumerate([(True, [carol]), (False, [bob]), (True, []), (False, [alice, carol]),
                                               (True, people)]):
        victims = [who.session.process for who in killed] + [daemon.process] * registry
        carol.blow = "%d-5" % turn, lambda: [process.send_signal(signal.SIGKILL) for process in victims]
        for who in (alice, bob):
            who.talk(turn)
        carol.session.until("the blow", lambda: carol.blow is None)
        if registry:
            daemon.stop(signal.SIGKILL)
        stored = sum(len(who.session.receipts["stored", None]) for who in (alice, bob))
        for who in killed:
            who.kill()
        here, shown = [sum(text.startswith("%d-" % turn) for text in texts) for texts in
                       (alice.said + bob.said, [text for texts in carol.got.values() for text in texts])]
        on_the_way += here - shown if carol in killed else here - stored
        for who in killed:
            who.again()
        if registry:
            daemon.start()
        for who in (alice, bob):
            who.talking.join()
    _all_hear_the_last(people)
    print("# %d on the way when something was killed" % on_the_way)
    assert on_the_way > BURST and len(alice.sure) > BURST and len(bob.sure) > BURST
    assert daemon.stop() == 0


def nothing_is_lost_doubled_or_disordered_in_a_mesh_while_everything_is_killed():
    _everything_is_killed(LONG)


def nothing_is_lost_doubled_or_disordered_through_the_registry_while_everything_is_killed():
    _everything_is_killed(RELAY)


def _stop(who):
    """It has been shown all there is, and takes nothing from now on; how much it was."""
    who.session.process.send_signal(signal.SIGSTOP)
    return sum(map(len, who.got.values()))


def _talk(here, there, count, *sizes):
    """Each hears the other."""
    for _ in range(count):
        for who, size in zip((here, there), sizes):
            who.say("%d %s" % (len(who.said), "x" * size))
    for who, other in ((here, there), (there, here)):
        who.up_to(other, other.said[-1])


def _delivered(here, there):
    for who, other in ((here, there), (there, here)):
        talker = who.session
        talker.until("it is delivered", lambda: len(talker.ids) == len(who.now)
                     and talker.ids[-1] in talker.receipts["delivered", other.name])


def who_stands_still_is_left_to_the_log_and_loses_nothing_and_holds_nobody_up():
    daemon = roomy_daemon(RELAY)
    alice, bob, carol = people = _room(daemon)
    _talk(alice, bob, 1, 10, 10)
    carol.up_to(alice, alice.said[-1])
    carol.up_to(bob, bob.said[-1])
    before, shown, end = counts(daemon)["behind"], _stop(carol), time.monotonic() + STOPPED_S
    while counts(daemon)["behind"] == before or time.monotonic() < end:
        assert time.monotonic() < end + PATIENCE, "the registry keeps it all for somebody who takes nothing"
        _talk(alice, bob, 50, 1000, 1000)
    _delivered(alice, bob)
    alice.holds(bob), bob.holds(alice)  # all of it, while carol stands still
    assert sum(map(len, carol.got.values())) == shown
    carol.session.process.send_signal(signal.SIGCONT)
    _all_hear_the_last(people)
    daemon.stop()


def who_stands_still_in_a_mesh_loses_nothing_and_holds_nobody_up():
    daemon = roomy_daemon(LONG)
    alice, bob, carol = people = _room(daemon)
    _talk(alice, bob, 1, 10, 10)
    carol.up_to(alice, alice.said[-1])
    carol.up_to(bob, bob.said[-1])
    shown, end = _stop(carol), time.monotonic() + STOPPED_S
    said = 0
    while said < 16 << 20 or time.monotonic() < end:  # more than the system keeps for a connection
        _talk(alice, bob, 20, 40000, 10)
        said += 20 * 40000
    _delivered(alice, bob)
    alice.holds(bob), bob.holds(alice)
    assert sum(map(len, carol.got.values())) == shown
    carol.session.process.send_signal(signal.SIGCONT)
    _all_hear_the_last(people)
    daemon.stop()


def who_stood_still_until_it_was_taken_for_gone_comes_back_by_itself():
    daemon = roomy_daemon("lease\n    ping_ms = 500\n    expiry_ms = 2000\n")
    alice, bob, carol = people = _room(daemon)
    _talk(alice, bob, 1, 10, 10)
    carol.up_to(bob, bob.said[-1])
    carol.session.put("/msg %s as contacts are told" % alice.name)
    alice.session.wait("message", to=alice.name)
    _stop(carol)
    alice.session.wait("presence", user=carol.name, status="offline")
    _talk(alice, bob, 100, 100, 100)
    carol.session.process.send_signal(signal.SIGCONT)
    _all_hear_the_last(people)
    daemon.stop()


if __name__ == "__main__":
    main(globals())
