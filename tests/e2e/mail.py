"""Mail: people who are never there together, and what becomes of their messages
and ticks while the registry and both of them break."""

import os
import signal
import struct

from conclave_e2e import (PASSWORD, TOP, Daemon, Session, Skip, conclave, expect, fresh, main, objects, path, person,
                          register)

_daemon = Daemon()


def _configured(text, environ=None):
    file = path(fresh("config"))
    with open(file, "w") as out:
        out.write(text)
    return Daemon("--config", file, environ=environ)


def _introduced(daemon):
    """Two who know each other; both are away."""
    alice, bob = register(daemon), person(daemon)
    expect(conclave(daemon, alice, "send", bob.name, "first"), 0)
    bob.wait("message", text="first")
    bob.end()
    return alice, bob.name


def _heard(session, sender, count):
    return [session.wait("message", **{"from": sender})["text"] for _ in range(count)]


def _mailed(daemon, home, to, text):
    """Somebody comes, says it, sees that the registry keeps it, and goes; its id."""
    session = Session(daemon, home)
    session.logged_in()
    sent = session.ok("/msg %s %s" % (to, text))["id"]
    for state in ("queued", "stored"):
        session.wait("receipt", id=sent, state=state)
    assert session.end() == 0
    return sent


def _nothing_more(session):
    assert not [e for e in session.events if e["type"] == "message"], session.events


def _on_disk(daemon, text):
    """Whether some file of the registry has these bytes."""
    needle = text.encode()
    for folder, _, files in os.walk(daemon.data):
        for name in [n for n in files if os.path.isfile(os.path.join(folder, n))]:
            with open(os.path.join(folder, name), "rb") as file:
                if needle in file.read():
                    return True
    return False


def two_who_are_never_there_together_talk_with_all_ticks():
    alice, bob = _introduced(_daemon)
    secret = "a secret that only the two of them may read"
    done = expect(conclave(_daemon, alice, "--timeout", "6", "--json", "send", bob, secret), 5)
    lines = objects(done.out)
    (sent,) = [o["id"] for o in lines if o["type"] == "ok"]
    assert [o["state"] for o in lines if o["type"] == "receipt" and o["id"] == sent] == ["queued", "stored"], lines
    sent = _mailed(_daemon, alice, bob, "second")
    assert not _on_disk(_daemon, secret)
    assert _on_disk(_daemon, alice)  # names are no secret, so the search can find something
    session = Session(_daemon, bob)
    assert _heard(session, alice, 2) == [secret, "second"]
    session.ok("/msg %s an answer" % alice)
    session.wait("receipt", to=alice, state="stored")
    assert session.end() == 0
    _nothing_more(session)
    session = Session(_daemon, alice)
    for state in ("delivered", "read"):
        session.wait("receipt", id=sent, to=bob, state=state)
    assert _heard(session, bob, 1) == ["an answer"]
    assert session.end() == 0
    assert not _on_disk(_daemon, secret) and not _on_disk(_daemon, "an answer")


def somebody_who_was_never_met_gets_it_by_mail():
    alice, bob = register(_daemon), register(_daemon)
    done = expect(conclave(_daemon, alice, "--timeout", "6", "send", bob, "out of the blue"), 5)
    assert done.out == "stored\n" and "the registry keeps" in done.err, done
    session = Session(_daemon, bob)
    assert _heard(session, alice, 1) == ["out of the blue"]
    session.end()


def each_device_gets_its_mail_and_one_is_enough_for_a_tick():
    alice, bob = _introduced(_daemon)
    second = fresh("second")
    other = Session(_daemon, second, user=bob, password=PASSWORD)
    other.logged_in()
    other.end()
    sent = _mailed(_daemon, alice, bob, "to both")
    for home in (bob, second):
        session = Session(_daemon, home)
        assert _heard(session, alice, 1) == ["to both"]
        session.end()
        _nothing_more(session)
    session = Session(_daemon, alice)
    session.wait("receipt", id=sent, state="delivered")
    session.end()
    assert len([e for e in session.events if e["type"] == "receipt" and e["state"] == "delivered"]) == 0


def nothing_is_lost_doubled_or_disordered_while_the_registry_is_killed():
    daemon = Daemon()
    alice, bob = _introduced(daemon)
    sender = Session(daemon, alice)
    sender.logged_in()
    for turn in range(5):
        sent = [sender.ok("/msg %s %d" % (bob, turn * 20 + i))["id"] for i in range(20)]
        if turn % 2 == 0:
            sender.wait("receipt", id=sent[-1], state="stored")
        daemon.stop(signal.SIGKILL)
        daemon.start()
    sender.logged_in()
    sender.end()
    reader = Session(daemon, bob)
    reader.logged_in()
    got = _heard(reader, alice, 50)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    got += _heard(reader, alice, 50)
    assert got == [str(i) for i in range(100)], got
    reader.logged_in()
    assert reader.end() == 0
    _nothing_more(reader)
    sender = Session(daemon, alice)
    sender.wait("receipt", id=sent[-1], state="read")
    sender.end()
    daemon.stop()


def nothing_is_lost_doubled_or_disordered_while_both_are_killed():
    alice, bob = _introduced(_daemon)
    queued = []
    for turn in range(4):
        sender = Session(_daemon, alice)
        for i in range(50):
            sender.put("/msg %s %d-%d" % (bob, turn, i))
        for i in range(40):
            queued.append(sender.wait("receipt", state="queued")["id"])
        sender.kill()
        queued += [e["id"] for e in sender.events if e["type"] == "receipt" and e["state"] == "queued"]
    sender = Session(_daemon, alice)
    queued.append(sender.ok("/msg %s last" % bob)["id"])
    sender.wait("receipt", id=queued[-1], state="stored")
    sender.kill()
    got = []
    while queued[-1] not in got:
        reader = Session(_daemon, bob)
        for _ in range(60):
            if queued[-1] not in got:
                got.append(reader.wait("message")["id"])
        reader.kill()
        got += [e["id"] for e in reader.events if e["type"] == "message"]
    assert len(set(got)) == len(got), "something came twice"
    assert [id for id in got if id in set(queued)] == queued, "lost, or out of order"


def a_mailbox_that_is_full_is_told_and_holds_nothing_up():
    daemon = _configured("mail\n    device_messages = 3\n")
    alice, bob = _introduced(daemon)
    sender = Session(daemon, alice)
    sender.logged_in()
    for i in range(3):
        sent = sender.ok("/msg %s %d" % (bob, i))
        sender.wait("receipt", id=sent["id"], state="stored")
    sent = sender.ok("/msg %s 3" % bob)
    notice = sender.wait("notice", code="quota-exceeded")
    assert notice["user"] == bob, notice
    sender.end()
    done = expect(conclave(daemon, alice, "--timeout", "6", "send", bob, "4"), 5)
    assert done.out == "queued\n" and "no more mail" in done.err, done
    sender = Session(daemon, alice)
    sender.logged_in()
    reader = Session(daemon, bob)
    assert _heard(reader, alice, 5) == [str(i) for i in range(5)]
    sender.wait("receipt", id=sent["id"], state="delivered")
    sender.end(), reader.end()
    _nothing_more(reader)
    daemon.stop()


def whose_account_is_gone_is_told_also_of_mail():
    alice, bob = _introduced(_daemon)
    sender = Session(_daemon, alice)
    sender.logged_in()
    sent = sender.ok("/msg %s while there is one" % bob)
    sender.wait("receipt", id=sent["id"], state="stored")
    expect(conclave(_daemon, bob, "delete-account"), 0)
    sender.ok("/msg %s to nobody" % bob)
    sender.wait("notice", code="no-such-user", user=bob)
    sender.end()


def mail_that_nobody_fetched_expires_and_its_sender_is_told():
    library, clock = os.path.join(TOP, ".libs", "liblater.so"), path(fresh("clock"))
    if os.environ.get("SANITIZE_FLAGS") or not os.path.exists(library):
        raise Skip("the registry's clock cannot be put forward here")

    def put_forward(days):
        with open(clock, "wb") as file:
            file.write(struct.pack("=q", days * 86400))

    put_forward(0)
    daemon = _configured("mail\n    expiry_days = 7\n", {"LD_PRELOAD": library, "CONCLAVE_LATER": clock})
    alice, bob = _introduced(daemon)
    sent = _mailed(daemon, alice, bob, "in vain")
    put_forward(6)
    done = expect(conclave(daemon, alice, "--json", "search", bob), 0)
    assert not [o for o in objects(done.out) if o["type"] == "notice"], done
    put_forward(8)
    sender = Session(daemon, alice)
    assert sender.wait("notice", user=bob)["code"] == "expired"
    reader = Session(daemon, bob)  # it is kept at the sender, for when they meet
    assert _heard(reader, alice, 1) == ["in vain"]
    sender.wait("receipt", id=sent, state="delivered")
    reader.end(), sender.end()
    daemon.stop()


main(globals())
