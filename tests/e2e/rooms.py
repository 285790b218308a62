"""Rooms: who may do what and who hears of it, messages to all members once and
in each sender's order, also for those who were away."""

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


def what_a_shell_is_told_of_what_cannot_be_done():
    alice, bob = register(_daemon), register(_daemon)
    room, private, none, key = _room(), _room(), _room(), path(fresh("key"))
    with open(key, "w") as out:
        out.write("open sesame please\n")
    for words, said in ((("create", room), "You made %s." % room), (("create", private, "--private"), "You made %s." % private)):
        assert said in expect(conclave(_daemon, alice, *words), 0).out, words
    no_room, outside = "There is no room of that name.", "You are not a member of that room."
    about = ("invite", "kick", "ban", "unban", "mute", "unmute", "op", "deop")
    cases = [(alice, 1, "There is a room of that name already.", ("create", room)),
             (alice, 4, "There is no user of that name.", ("invite", room, fresh("stranger"))),
             (alice, 2, "conclave kick #ROOM NAME", ("kick", room)), (alice, 2, "--private", ("create", _room(), "--secret")),
             (alice, 1, "A room's name is #", ("create", "#not!a!room"))]
    for who, status, said, target in ((bob, 4, no_room, none), (bob, 4, no_room, private), (bob, 8, outside, room)):
        cases += [(who, status, said, (command, target, alice)) for command in about]
        cases += [(who, status, said, words) for words in (("leave", target), ("members", target), ("topic", target, "x"),
                                                           ("delete", target), ("send", target, "x"))]
    wrong = []
    for who, status, said, words in cases:
        done = conclave(_daemon, who, *words)
        if done.status != status or said not in done.err or done.out:
            wrong.append((words, status, said, done))
    assert not wrong, "\n".join(map(repr, wrong))
    (line,) = [words for words in conclave(_daemon, bob, "rooms").out.splitlines() if words == room]
    assert private not in conclave(_daemon, bob, "rooms", "-d").out
    locked = _room()
    expect(conclave(_daemon, alice, "create", locked, "--password-file", key), 0)
    done = expect(conclave(_daemon, bob, "join", locked), 3)
    assert "give it with --password-file" in done.err, done
    with open(key, "w") as out:
        out.write("something else\n")
    for said in ["That is not the password of the room."] * 3 + ["try again"]:
        done = expect(conclave(_daemon, bob, "join", locked, "--password-file", key), 3)
        assert said in done.err, done
    _daemon_that_is_gone = Daemon()
    carol = register(_daemon_that_is_gone)
    _daemon_that_is_gone.stop()
    expect(conclave(_daemon_that_is_gone, carol, "--timeout", "2", "create", _room()), 6)


def _told(people, room, event, user, by, **more):
    """All see just this line."""
    for session in people:
        line = session.wait("room", room=room, event=event)
        assert line == {"v": 1, "type": "room", "room": room, "event": event, "user": user.name, "by": by.name, **more}, line


def _members_of(session, room):
    answer = session.ask("/members " + room)
    assert answer["type"] == "members" and answer["room"] == room, answer
    return {m.pop("name"): m for m in answer["members"]}


def what_is_done_is_told_to_all_members_and_to_whom_it_is_done():
    alice, bob, carol = people = person(_daemon), person(_daemon), person(_daemon)
    room = _room()
    assert alice.ok("/create %s --topic the first" % room) == {"v": 1, "type": "ok", "command": "create"}
    _told([alice], room, "created", alice, alice, topic="the first")
    bob.ok("/join " + room)
    _told((alice, bob), room, "joined", bob, bob)
    bob.ok("/invite %s %s" % (room, carol.name))
    _told(people, room, "invited", carol, bob)
    carol.ok("/join " + room)
    _told(people, room, "joined", carol, carol)

    def does(command, event, **member):
        assert alice.ok("/%s %s %s" % (command, room, carol.name)) == {"v": 1, "type": "ok", "command": command}
        if event:
            _told(people, room, event, carol, alice)
        for who in (alice, bob):  # whoever asks sees the same
            assert _members_of(who, room).get(carol.name) == (dict({"role": "member", "status": "online"}, **member) if member is not None else None)

    does("op", "op", role="moderator")
    carol.ok("/topic %s hers" % room)
    _told(people, room, "topic", carol, carol, topic="hers")
    does("deop", "deop")
    assert _code(carol.ask("/topic %s mine" % room)) == "forbidden"
    does("mute", "muted", muted=True)
    answer = carol.ask("/msg %s not to be heard" % room)
    assert answer == {"v": 1, "type": "error", "code": "forbidden", "message": "You are muted in that room.", "command": "msg"}, answer
    alice.ok("/msg %s she hears it all the same" % room)
    assert _texts(carol, room, 1) == _texts(bob, room, 1)
    does("unmute", "unmuted")
    carol.ok("/msg %s heard again" % room)
    assert _texts(alice, room, 1) == _texts(bob, room, 1) == ["heard again"]
    alice.ok("/kick %s %s" % (room, carol.name))
    _told(people, room, "kicked", carol, alice)
    for command in ("members %s", "msg %s let me", "topic %s mine", "leave %s"):
        answer = carol.ask("/" + command % room)
        assert answer["type"] == "error" and answer["code"] == "not-a-member", (command, answer)
        assert answer["message"] == "You are not a member of that room. /join enters it." and answer["command"] == command.split()[0], answer
    carol.ok("/join " + room)
    _told(people, room, "joined", carol, carol)
    alice.ok("/ban %s %s" % (room, carol.name))
    _told(people, room, "banned", carol, alice)
    answer = carol.ask("/join " + room)
    assert answer == {"v": 1, "type": "error", "code": "forbidden", "message": answer["message"], "command": "join"}, answer
    assert answer["message"].startswith("You may not do that. You are banned"), answer
    alice.ok("/unban %s %s" % (room, carol.name))
    _told((alice, bob), room, "unbanned", carol, alice)
    carol.ok("/join " + room)
    _told([carol], room, "unbanned", carol, alice)  # she reads what she may know of now
    _told(people, room, "joined", carol, carol)
    assert _members_of(carol, room) == {
        alice.name: {"role": "owner", "status": "online"}, bob.name: {"role": "member", "status": "online"},
        carol.name: {"role": "member", "status": "online"}}
    bob.ok("/leave " + room)
    _told(people, room, "left", bob, bob)
    alice.ok("/delete " + room)
    _told((alice, carol), room, "deleted", alice, alice)
    assert _code(carol.ask("/msg %s hi" % room)) in ("no-such-room", "not-a-member")
    for session in people:
        assert session.end() == 0
        assert not [e for e in session.events if e["type"] == "room"], session.events


def rooms_are_listed_to_those_who_may_see_them():
    alice, bob = person(_daemon), person(_daemon)
    public, private, locked, key = _room(), _room(), _room(), path(fresh("key"))
    with open(key, "w") as out:
        out.write("open sesame please\n")
    alice.ok("/create %s --topic for all" % public)
    alice.ok("/create %s --private --topic for few" % private)
    alice.ok("/create %s --password-file %s" % (locked, key))
    ours = {public, private, locked}

    def listed(session, command):
        answer = session.ask(command)
        assert answer["type"] == "rooms", answer
        return {r["name"]: r for r in answer["rooms"] if r["name"] in ours}

    all_of_it = {public: {"name": public, "members": 1, "topic": "for all", "visibility": "public"},
                 private: {"name": private, "members": 1, "topic": "for few", "visibility": "private"},
                 locked: {"name": locked, "members": 1, "topic": "", "visibility": "password"}}
    assert listed(alice, "/rooms -d") == all_of_it
    assert set(listed(bob, "/rooms")) == {public, locked}
    answer = bob.ask("/join " + locked)
    assert answer["code"] == "wrong-credentials" and "--password-file" in answer["message"], answer
    bob.ok("/join %s --password-file %s" % (locked, key))
    _event((alice, bob), room=locked, event="joined", user=bob.name)
    assert listed(bob, "/rooms -d")[locked]["members"] == 2
    alice.ok("/invite %s %s" % (private, bob.name))
    bob.wait("room", room=private, event="invited", user=bob.name, by=alice.name)
    assert set(listed(bob, "/rooms -d")) == ours
    bob.ok("/join " + private)
    assert listed(bob, "/rooms -d")[private] == dict(all_of_it[private], members=2)
    assert alice.end() == 0 and bob.end() == 0


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
