"""Rooms: who may do what and who hears of it, messages to all members once and
in each sender's order, also for those who were away, slow or killed."""

import signal

from conclave_e2e import (PASSWORD, Daemon, Session, conclave, expect, fresh, main, objects, path, person, register)
from net_e2e import REGISTRY, Parted

_daemon = Daemon()


def _room():
    return fresh("#room")


def _members(room, *people):
    """The first makes it, the others join; all have heard so."""
    people[0].ok("/create " + room)
    for i, joiner in enumerate(people[1:], 2):
        joiner.ok("/join " + room)
        for other in people[:i]:
            other.wait("room", room=room, event="joined", user=joiner.name)


def _event(sessions, **members):
    for session in sessions:
        session.wait("room", **members)


def _texts(session, room, count, **more):
    return [session.wait("message", room=room, **more)["text"] for _ in range(count)]


def _no_message(*sessions):
    for session in sessions:
        assert not [e for e in session.events if e["type"] == "message"], session.events


def _code(answer):
    assert answer["type"] == "error", answer
    return answer["code"]


def commands_of_a_shell():
    alice, bob = register(_daemon), register(_daemon)
    room, key, wrong = _room(), path(fresh("key")), path(fresh("key"))
    for file, text in ((key, "open sesame please\n"), (wrong, "close sesame please\n")):
        with open(file, "w") as out:
            out.write(text)

    def runs(who, status, *words):
        return expect(conclave(_daemon, who, *words), status)

    runs(alice, 0, "create", room, "--topic", "what we measure")
    runs(bob, 1, "create", room.upper())
    runs(bob, 4, "join", _room())
    runs(bob, 8, "send", room, "not in it")
    runs(bob, 0, "join", room[1:])
    (line,) = [words for words in runs(bob, 0, "rooms", "-d").out.splitlines() if words.split()[0] == room]
    assert line.split(None, 3)[1:] == ["2", "public", "what we measure"], line
    lines = runs(bob, 0, "members", room).out.splitlines()
    assert sorted(words.split()[:2] for words in lines) == sorted([[alice, "owner"], [bob, "member"]]), lines
    done = runs(bob, 0, "send", room, "hello", "all")
    assert done.out == "stored\n", done
    done = runs(alice, 0, "--timeout", "50", "recv", "--count", "1")
    assert "%s %s: hello all" % (room, bob) in done.out, done
    runs(bob, 8, "topic", room, "mine")
    runs(bob, 8, "kick", room, alice)
    runs(alice, 0, "op", room, bob)
    runs(bob, 0, "topic", room, "ours")
    runs(alice, 0, "deop", room, bob)
    runs(alice, 0, "mute", room, bob)
    runs(bob, 8, "send", room, "muted")
    runs(alice, 0, "unmute", room, bob)
    runs(alice, 0, "kick", room, bob)
    runs(bob, 8, "send", room, "kicked")
    runs(bob, 0, "join", room)
    runs(alice, 0, "ban", room, bob)
    runs(bob, 8, "join", room)
    runs(alice, 0, "unban", room, bob)
    runs(bob, 0, "join", room)
    runs(bob, 0, "leave", room)
    runs(bob, 8, "delete", room)
    runs(alice, 0, "delete", room)
    runs(alice, 4, "members", room)
    locked, private = _room(), _room()
    runs(alice, 0, "create", locked, "--password-file", key)
    runs(bob, 3, "join", locked, "--password-file", wrong)
    runs(bob, 0, "join", locked, "--password-file", key)
    runs(alice, 0, "create", private, "--private")
    runs(bob, 4, "join", private)  # it is not even there for those who were not invited
    runs(alice, 0, "invite", private, bob)
    runs(bob, 0, "join", private)
    seen = objects(runs(bob, 0, "--json", "rooms", "-d").out)[-1]["rooms"]
    assert {(r["name"], r["visibility"]) for r in seen} >= {(locked, "password"), (private, "private")}, seen


def what_is_done_is_told_to_all_members_and_to_whom_it_is_done():
    alice, bob, carol = people = person(_daemon), person(_daemon), person(_daemon)
    room = _room()
    alice.ok("/create %s --topic the first" % room)
    alice.wait("room", room=room, event="created", by=alice.name)
    bob.ok("/join " + room)
    _event((alice, bob), room=room, event="joined", user=bob.name)
    bob.ok("/invite %s %s" % (room, carol.name))
    _event(people, room=room, event="invited", user=carol.name, by=bob.name)
    carol.ok("/join " + room)
    _event(people, room=room, event="joined", user=carol.name)
    for line, event, user in (("topic %s news" % room, "topic", None), ("op %s {}" % room, "op", carol),
                              ("deop %s {}" % room, "deop", carol), ("mute %s {}" % room, "muted", carol),
                              ("unmute %s {}" % room, "unmuted", carol), ("kick %s {}" % room, "kicked", carol)):
        alice.ok("/" + line.format(carol.name))
        more = {"user": user.name} if user else {"topic": "news"}
        _event(people, room=room, event=event, by=alice.name, **more)
    carol.ok("/join " + room)
    alice.ok("/ban %s %s" % (room, carol.name))
    _event(people, room=room, event="banned", user=carol.name, by=alice.name)
    assert _code(carol.ask("/join " + room)) == "forbidden"
    alice.ok("/unban %s %s" % (room, carol.name))
    carol.ok("/join " + room)
    answer = carol.ask("/members " + room)
    assert {(m["name"], m["role"], m["status"]) for m in answer["members"]} == {
        (alice.name, "owner", "online"), (bob.name, "member", "online"), (carol.name, "member", "online")}, answer
    bob.ok("/leave " + room)
    _event(people, room=room, event="left", user=bob.name)
    alice.ok("/delete " + room)
    _event((alice, carol), room=room, event="deleted", by=alice.name)
    assert _code(carol.ask("/msg %s hi" % room)) in ("no-such-room", "not-a-member")
    for session in people:
        assert session.end() == 0


def each_message_comes_to_each_member_once_and_in_order_with_all_ticks():
    people = [person(_daemon) for _ in range(3)]
    room = _room()
    _members(room, *people)
    for i in range(50):
        for who in people:
            who.put("/msg %s %d" % (room, i))
    for who in people:
        ids = [who.wait("ok", command="msg")["id"] for _ in range(50)]
        for state in ("queued", "stored"):
            for message in ids:
                who.wait("receipt", id=message, room=room, state=state)
        for other in people:
            if other is not who:
                heard = [other.wait("message", room=room, **{"from": who.name})["id"] for _ in range(50)]
                assert heard == ids
                who.wait("receipt", id=ids[-1], room=room, to=other.name, state="delivered")
    for who in people:
        assert who.end() == 0
    _no_message(*people)


def the_list_of_rooms_is_followed_by_who_asks_for_it():
    owner, one, other = person(_daemon), person(_daemon), person(_daemon)
    room = _room()
    for watcher in (one, other):
        assert watcher.ask("/rooms --watch")["type"] == "rooms"
    owner.ok("/create %s --topic news" % room)
    _event((one, other), room=room, event="created", user="", by="", topic="news")
    owner.ok("/topic %s more of it" % room)
    _event((one, other), room=room, event="topic", topic="more of it")
    one.ok("/rooms --no-watch")
    owner.ok("/delete " + room)
    _event((other,), room=room, event="deleted")
    one.ok("/create " + _room())  # what it was told before is here by now
    assert not [e for e in one.events if e["type"] == "room" and e["room"] == room], one.events
    for session in (owner, one, other):
        assert session.end() == 0


def what_happens_is_told_once_and_in_order_though_the_listener_is_killed():
    owner, listener = person(_daemon), person(_daemon)
    room, home = _room(), listener.name
    _members(room, owner, listener)
    assert listener.end() == 0
    said, told = [], []
    for _ in range(8):
        listener = Session(_daemon, home)
        for _ in range(10):
            said.append(str(len(said)))
            owner.ok("/topic %s %s" % (room, said[-1]))
        told += [listener.wait("room", room=room, event="topic")["topic"] for _ in range(4)]
        listener.kill()
        told += [e["topic"] for e in listener.events if e["type"] == "room" and e["event"] == "topic"]
    listener = Session(_daemon, home)
    while told[-1] != said[-1]:
        told.append(listener.wait("room", room=room, event="topic")["topic"])
    assert told == said, (told, said)
    assert listener.end() == 0 and owner.end() == 0
    assert not [e for e in listener.events if e["type"] == "room"], listener.events


def who_was_away_catches_up_and_a_newcomer_hears_what_comes_after():
    alice, bob, carol = person(_daemon), person(_daemon), person(_daemon)
    room = _room()
    _members(room, alice, bob)
    bob.end()
    sent = [alice.ok("/msg %s %d" % (room, i))["id"] for i in range(30)]
    alice.wait("receipt", id=sent[-1], room=room, state="stored")
    carol.ok("/join " + room)
    last = alice.ok("/msg %s last" % room)["id"]
    assert carol.wait("message")["id"] == last
    alice.end()
    bob = Session(_daemon, bob.home)
    assert [bob.wait("message")["id"] for _ in sent] == sent
    assert bob.wait("message")["id"] == last
    bob.end(), carol.end()
    _no_message(bob, carol)


def who_was_kicked_reads_nothing_more():
    alice, bob, carol = person(_daemon), person(_daemon), person(_daemon)
    room = _room()
    _members(room, alice, bob, carol)
    alice.ok("/msg %s for three" % room)
    assert _texts(bob, room, 1) == _texts(carol, room, 1) == ["for three"]
    alice.ok("/kick %s %s" % (room, carol.name))
    sent = alice.ok("/msg %s for two" % room)
    assert _texts(bob, room, 1) == ["for two"]
    alice.wait("receipt", id=sent["id"], to=bob.name, state="delivered")
    carol.wait("room", event="kicked", user=carol.name)
    assert _code(carol.ask("/msg %s let me" % room)) == "not-a-member"
    carol.ok("/join " + room)
    alice.wait("room", event="joined", user=carol.name)
    alice.ok("/msg %s again" % room)
    assert _texts(carol, room, 1) == ["again"]  # and not what was said in between
    for who in (alice, bob, carol):
        who.end()
    _no_message(carol)


class _Member:
    """Somebody in a room over all the runs of their program, and what they were shown."""

    def __init__(self, daemon, session):
        self.daemon, self.session, self.name = daemon, session, session.name
        self.got, self.said = {}, []

    def take(self, patience=None):
        event = self.session.wait("message", patience=patience)
        self.got.setdefault(event["from"], []).append(event["text"])

    def up_to(self, sender, text):
        while text not in self.got.get(sender.name, []):
            self.take()

    def say(self, room, text):
        self.session.put("/msg %s %s" % (room, text))

    def queued(self, text):
        self.said.append(text)

    def kill(self):
        self.session.kill()
        for event in self.session.events:
            if event["type"] == "message":
                self.got.setdefault(event["from"], []).append(event["text"])
        self.session = Session(self.daemon, self.name)

    def holds(self, senders):
        for sender in senders:
            if sender is not self:
                got = self.got[sender.name]
                assert len(got) == len(set(got)), "%s: something of %s came twice" % (self.name, sender.name)
                assert got == sender.said, "%s of %s: %r, not %r" % (self.name, sender.name, got[:5], sender.said[:5])


def nothing_is_lost_doubled_or_disordered_while_everything_is_killed():
    daemon, room = Daemon(), _room()
    people = [_Member(daemon, person(daemon)) for _ in range(3)]
    _members(room, *[p.session for p in people])
    alice, bob, carol = people
    for turn in range(6):
        for i in range(60):
            for who in (alice, bob):
                who.say(room, "%d-%d" % (turn, i))
                who.queued("%d-%d" % (turn, i))
        if turn % 2 == 0:
            carol.up_to(alice, "%d-20" % turn)
            daemon.stop(signal.SIGKILL)
            carol.kill()
            daemon.start()
        elif turn == 1:
            for _ in bob.said:  # only what has this tick is on disk
                bob.session.wait("receipt", state="queued", room=room)
            bob.kill()
    for who in people:
        who.say(room, "last")
        who.queued("last")
    for who in people:
        for other in people:
            if other is not who:
                who.up_to(other, "last")
    for who in people:
        who.holds(people)
        assert who.session.end() == 0
        _no_message(who.session)
    daemon.stop()


def who_stands_still_loses_nothing_and_holds_nobody_up():
    people = [_Member(_daemon, person(_daemon)) for _ in range(3)]
    room, text = _room(), "x" * 4000
    _members(room, *[p.session for p in people])
    alice, bob, carol = people
    alice.say(room, "first")
    alice.queued("first")
    for who in (bob, carol):
        who.up_to(alice, "first")
    carol.session.process.send_signal(signal.SIGSTOP)
    for i in range(200):  # more than the registry keeps for one who takes nothing
        alice.say(room, "%d %s" % (i, text))
        alice.queued("%d %s" % (i, text))
    bob.up_to(alice, alice.said[-1])
    bob.holds([alice])
    assert len(carol.session.events) < 200
    carol.session.process.send_signal(signal.SIGCONT)
    carol.up_to(alice, alice.said[-1])
    carol.holds([alice])
    for who in people:
        assert who.session.end() == 0


def members_in_networks_of_their_own():
    net, room = Parted(3), _room()
    daemon = Daemon(inside=net.registry.inside, address=REGISTRY)
    people = []
    for i, place in enumerate(net.peers):
        name = fresh("person")
        expect(conclave(daemon, name, "register", user=name, password=PASSWORD, inside=place.inside), 0)
        session = Session(daemon, name, inside=place.inside, listen=place.address + ":0")
        session.logged_in()
        session.name = name
        people.append(session)
    _members(room, *people)
    for who in people:
        sent = [who.ok("/msg %s %d" % (room, i))["id"] for i in range(20)]
        for other in people:
            if other is not who:
                assert [other.wait("message", **{"from": who.name})["id"] for _ in sent] == sent
                who.wait("receipt", id=sent[-1], to=other.name, state="delivered")
    for who in people:
        assert who.end() == 0
    daemon.stop()
    net.end()


main(globals())
