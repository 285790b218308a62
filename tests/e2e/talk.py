"""Direct chat: messages both ways, ticks, one-shot commands, and people who
are away."""

from conclave_e2e import (Daemon, Session, conclave, expect, fresh, main, objects, path, person, register, within)

_daemon = Daemon()


def _texts(session, sender, count):
    return [session.wait("message", **{"from": sender})["text"] for _ in range(count)]


def messages_go_both_ways_with_ticks():
    alice, bob = person(_daemon), person(_daemon)
    sent = alice.ok("/msg %s hello \u00fc \U0001f600" % bob.name)
    message = bob.wait("message")
    assert message["id"] == sent["id"] and message["text"] == "hello \u00fc \U0001f600", message
    assert message["from"] == alice.name and message["to"] == bob.name and message["ts"].endswith("Z"), message
    alice.wait("receipt", id=sent["id"], to=bob.name, state="delivered")
    alice.wait("receipt", id=sent["id"], to=bob.name, state="read")
    sent = bob.ok("@%s and back" % alice.name)
    assert alice.wait("message")["text"] == "and back"
    bob.wait("receipt", id=sent["id"], state="delivered")
    assert alice.end() == 0 and bob.end() == 0


def a_chat_takes_plain_lines():
    alice, bob = person(_daemon), person(_daemon)
    assert alice.ask("plain")["code"] == "bad-arguments"
    alice.ok("/chat " + bob.name)
    alice.ok("plain")
    alice.ok("//slash")
    assert alice.ask("/nonsense")["code"] == "unknown-command"
    assert alice.ask(" /who")["code"] == "bad-arguments"
    alice.ok("last")
    assert _texts(bob, alice.name, 3) == ["plain", "/slash", "last"]
    alice.end(), bob.end()


def who_cannot_be_sent_to_is_said_at_once():
    alice = person(_daemon)
    assert alice.ask("/msg %s hi" % fresh("stranger"))["code"] == "no-such-user"
    assert alice.ask("/msg no!such!name hi")["code"] == "no-such-user"
    assert alice.ask("/msg %s" % alice.name)["code"] == "bad-arguments"
    assert alice.ask("/msg bob " + "x" * 60000)["code"] == "too-large"
    alice.end()
    expect(conclave(_daemon, alice.name, "send", fresh("stranger"), "hi"), 4)


def a_hundred_messages_arrive_once_and_in_order():
    alice, bob = person(_daemon), person(_daemon)
    for i in range(100):
        alice.put("/msg %s a%d" % (bob.name, i))
        bob.put("/msg %s b%d" % (alice.name, i))
    assert _texts(bob, alice.name, 100) == ["a%d" % i for i in range(100)]
    assert _texts(alice, bob.name, 100) == ["b%d" % i for i in range(100)]
    answers = [alice.wait("ok") for _ in range(100)]
    assert len({a["id"] for a in answers}) == 100
    alice.end(), bob.end()


def send_waits_until_it_is_delivered():
    alice, bob = register(_daemon), person(_daemon)
    done = expect(conclave(_daemon, alice, "send", bob.name, "two", "words"), 0)
    assert done.out == "delivered\n", done
    assert bob.wait("message")["text"] == "two words"
    done = expect(conclave(_daemon, alice, "--json", "send", bob.name, "-", stdin="a\nb\n"), 0)
    lines = objects(done.out)
    (answer,) = [o for o in lines if o["type"] == "ok"]
    assert any(o["type"] == "receipt" and o["id"] == answer["id"] and o["state"] == "delivered" for o in lines), lines
    assert bob.wait("message")["text"] == "a\nb"
    bob.end()


def figures_say_how_people_are_reached_and_what_waits():
    alice, bob, away = person(_daemon), person(_daemon), person(_daemon)
    sent = alice.ok("/msg %s hello" % bob.name)
    alice.wait("receipt", id=sent["id"], to=bob.name, state="read")
    stats = alice.ask("/stats")
    assert stats["type"] == "stats" and stats["user"] == alice.name and stats["online"], stats
    assert stats["people"] == 1 and stats["routes"]["direct"] == 1 and sum(stats["routes"].values()) == 1, stats
    assert stats["outbox"] == {"waiting": 0, "people": 0, "stored": 0, "rooms": 0, "oldest_ms": 0}, stats
    assert stats["messages"] == {"sent": 1, "received": 0} and stats["log_ins"] == 1, stats
    assert stats["traffic"]["frames_in"] > 1 and stats["traffic"]["bytes_out"] > 100, stats
    assert stats["gaps"] == {"repaired": 0, "shown": 0} and sum(stats["refused"].values()) == 0, stats
    assert 1 << 20 < stats["memory_bytes"] < 1 << 30 and stats["session_ms"] <= stats["uptime_ms"], stats
    assert bob.ask("/stats")["messages"] == {"sent": 0, "received": 1}
    away.end()
    sent = alice.ok("/msg %s later" % away.name)
    alice.wait("receipt", id=sent["id"], to=away.name, state="stored")
    stats = alice.ask("/stats")
    assert stats["outbox"]["waiting"] == stats["outbox"]["stored"] == 1 and stats["routes"]["away"] == 1, stats
    alice.end()
    done = expect(conclave(_daemon, alice.home, "stats"), 0)  # what waits outlives the session
    assert "Session   %s, logged in for" % alice.name in done.out, done
    assert "1 to people (1 stored at the registry)" in done.out and "Messages  0 sent" in done.out, done
    bob.end()


def somebody_offline_gets_it_when_both_are_there():
    alice, bob = register(_daemon), person(_daemon)
    bob.end()
    done = expect(conclave(_daemon, alice, "--timeout", "0", "send", bob.name, "later"), 5)
    assert done.out == "queued\n", done  # no time even for the registry
    bob = Session(_daemon, bob.home)
    bob.logged_in()
    session = Session(_daemon, alice)
    assert bob.wait("message", **{"from": alice})["text"] == "later"
    session.wait("receipt", to=bob.home, state="delivered")
    session.end(), bob.end()


def somebody_offline_gets_it_without_the_sender():
    alice, bob = person(_daemon), person(_daemon)
    bob.end()
    sent = [alice.ok("/msg %s %d" % (bob.name, i))["id"] for i in range(20)]
    for message in sent:
        alice.wait("receipt", id=message, to=bob.name, state="stored")
    alice.end()
    bob = Session(_daemon, bob.home)
    assert [bob.wait("message")["id"] for _ in sent] == sent
    bob.end()


def who_never_links_directly_talks_through_the_registry():
    alice, bob = register(_daemon), person(_daemon)
    with open(path(alice) + "/conclave.conf", "w", encoding="utf-8") as config:
        config.write("direct = never\n")
    alice = Session(_daemon, alice)
    alice.logged_in()
    bob.ok("/msg %s there" % alice.home)
    assert alice.wait("message")["text"] == "there"
    sent = alice.ok("/msg %s and back" % bob.name)
    assert bob.wait("message")["id"] == sent["id"]
    alice.wait("receipt", id=sent["id"], state="delivered")
    alice.end(), bob.end()


def somebody_offline_appears_while_the_sender_waits():
    alice, bob = person(_daemon), person(_daemon)
    bob.end()
    sent = alice.ok("/msg %s later" % bob.name)
    bob = Session(_daemon, bob.home)
    assert bob.wait("message")["id"] == sent["id"]
    alice.wait("receipt", id=sent["id"], state="delivered")
    alice.end(), bob.end()


def recv_prints_what_waited_first_and_others_leave_it():
    alice, bob = person(_daemon), register(_daemon)
    first = alice.ok("/msg %s first" % bob)
    second = alice.ok("/msg %s second" % bob)
    # bob's home is online for a moment now and then, and takes the messages in.
    expect(conclave(_daemon, bob, "send", alice.name, "hi"), 0)
    done = expect(conclave(_daemon, bob, "--json", "--timeout", "50", "recv", "--count", "1"), 0)
    assert [o["id"] for o in objects(done.out) if o["type"] == "message"] == [first["id"]], done
    done = expect(conclave(_daemon, bob, "--timeout", "50", "recv", "--count", "1"), 0)
    assert done.out.endswith(" %s: second\n" % alice.name), done
    expect(conclave(_daemon, bob, "--timeout", "0.2", "recv", "--count", "1"), 5)
    expect(conclave(_daemon, bob, "--timeout", "0.2", "recv"), 0)
    alice.wait("receipt", id=second["id"], state="delivered")
    alice.end()


def the_end_of_stdin_is_seen_as_offline_at_once():
    alice, bob = person(_daemon), person(_daemon)
    alice.ok("/msg %s hi" % bob.name)
    bob.wait("message")
    bob.ok("/msg %s hi" % alice.name)
    alice.wait("message")
    bob.end()
    alice.wait("presence", user=bob.name, status="offline", patience=within(10))
    bob = Session(_daemon, bob.home)
    alice.wait("presence", user=bob.home, status="online")
    bob.end(), alice.end()


def somebody_blocked_is_refused():
    alice, bob = person(_daemon), person(_daemon)
    alice.ok("/msg %s hi" % bob.name)
    bob.wait("message")
    bob.ok("/block " + alice.name)
    alice.put("/msg %s hi again" % bob.name)
    bob.ok("/unblock " + alice.name)
    sent = alice.ok("/msg %s welcome" % bob.name)
    alice.wait("receipt", id=sent["id"], state="delivered")
    alice.end(), bob.end()


main(globals())
