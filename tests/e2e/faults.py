"""What must not happen while things break: loss, repeats, disorder, and people
who have to type something afterwards."""

import signal

from conclave_e2e import Daemon, Session, fresh, main, person

_daemon = Daemon()
_COUNT = 1000


class _Inbox:
    """What a person was shown over all the runs of their program."""

    def __init__(self, session):
        self.session = session
        self.texts = []

    def take(self, sender, count):
        while len(self.texts) < count:
            self.texts.append(self.session.wait("message", **{"from": sender})["text"])

    def rest(self, sender):
        """What came before the end, after a kill."""
        for event in self.session.events:
            if event["type"] == "message" and event["from"] == sender:
                self.texts.append(event["text"])


def each_of_1000_messages_arrives_once_in_order_while_the_recipient_is_killed():
    alice, bob = person(_daemon), person(_daemon)
    inbox = _Inbox(bob)
    for i in range(_COUNT):
        alice.put("/msg %s %d" % (bob.name, i))
        if i % 250 == 200:
            inbox.take(alice.name, i - 150)
            inbox.session.kill(signal.SIGKILL)
            inbox.rest(alice.name)
            inbox.session = Session(_daemon, bob.home)
    inbox.take(alice.name, _COUNT)
    assert inbox.texts == [str(i) for i in range(_COUNT)], _difference(inbox.texts)
    alice.end()
    assert inbox.session.end() == 0
    assert not [e for e in inbox.session.events if e["type"] == "message"]


def each_message_shown_as_queued_arrives_once_in_order_while_the_sender_is_killed():
    alice, bob = person(_daemon), person(_daemon)
    queued = []
    for turn in range(4):
        for i in range(_COUNT // 4):
            alice.put("/msg %s %d-%d" % (bob.name, turn, i))
        count = len(queued) + _COUNT // 4 - 50
        while len(queued) < count:
            queued.append(alice.wait("receipt", state="queued")["id"])
        alice.kill(signal.SIGKILL)
        queued += [e["id"] for e in alice.events if e["type"] == "receipt" and e["state"] == "queued"]
        alice = Session(_daemon, alice.home)
    last = alice.ok("/msg %s last" % bob.name)["id"]
    got = []
    while last not in got:
        got.append(bob.wait("message")["id"])
    assert len(set(got)) == len(got), "something came twice"
    lost = [id for id in queued if id not in got]
    assert not lost, "%d of %d queued messages were lost" % (len(lost), len(queued))
    assert [id for id in got if id in set(queued)] == queued, "out of order"
    alice.end(), bob.end()


def contacts_keep_talking_while_the_registry_is_down_and_return_by_themselves():
    daemon = Daemon()
    alice, bob = person(daemon), person(daemon)
    alice.ok("/msg %s before" % bob.name)
    assert bob.wait("message")["text"] == "before"
    bob.ok("/msg %s before" % alice.name)
    alice.wait("message")
    daemon.stop()
    alice.wait("session", state="reconnecting")
    bob.wait("session", state="reconnecting")
    sent = alice.ok("/msg %s meanwhile" % bob.name)
    assert bob.wait("message")["text"] == "meanwhile"
    alice.wait("receipt", id=sent["id"], state="delivered")
    assert alice.ask("/search " + bob.name)["code"] == "registry-unreachable"
    # Also after a restart of one of them: the contact is remembered.
    bob.kill(signal.SIGKILL)
    bob = Session(daemon, bob.home)
    sent = alice.ok("/msg %s again" % bob.home)
    assert bob.wait("message", text="again")
    alice.wait("receipt", id=sent["id"], state="delivered")
    daemon.start()
    alice.logged_in()
    bob.logged_in()
    answer = alice.ask("/search " + bob.home)
    assert answer["status"] == "online", answer
    alice.end(), bob.end()
    daemon.stop()


def both_log_in_again_after_the_registry_was_killed():
    daemon = Daemon()
    alice, bob = person(daemon), person(daemon)
    alice.ok("/msg %s hi" % bob.name)
    bob.wait("message")
    daemon.stop(signal.SIGKILL)
    alice.wait("session", state="reconnecting")
    daemon.start()
    alice.logged_in()
    bob.logged_in()
    assert alice.ask("/search " + bob.name)["status"] == "online"
    assert alice.ask("/search " + fresh("stranger"))["status"] == "not-found"
    alice.end(), bob.end()
    daemon.stop()


def _difference(texts):
    numbers = [int(t) for t in texts]
    twice = sorted({n for n in numbers if numbers.count(n) > 1})
    return "%d came; lost %s; twice %s; in order: %s" % (
        len(numbers), sorted(set(range(_COUNT)) - set(numbers))[:10], twice[:10], numbers == sorted(numbers))


main(globals())
