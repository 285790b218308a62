"""Rooms of a thousand members who are real sessions: each is shown each message
once and in each sender's order, while some of them and the registry are killed.

CONCLAVE_E2E_CROWD is the number of members; where the memory for a thousand is
missing, or with sanitizers, the room is smaller."""

import os
import signal

from conclave_e2e import Session, fresh, main, person
from crowd_e2e import Crowd, roomy_daemon

ROOM = "#agora"
SENDERS = 3
KEEPERS = 40        # of them have a disk, and are killed
PROCESSES = 3       # for the others
TURN = 100          # messages of each sender between one blow and the next
A_MEMBER_KIB = 4 * 1024  # that such a room takes
PATIENCE = 250


def _members():
    if "CONCLAVE_E2E_CROWD" in os.environ:
        return int(os.environ["CONCLAVE_E2E_CROWD"])
    if os.environ.get("SANITIZE_FLAGS"):
        return 100
    with open("/proc/meminfo") as file:
        free = [int(line.split()[1]) for line in file if line.startswith("MemAvailable:")][0]
    return 1000 if free > 1000 * A_MEMBER_KIB else 300


class _Sender:
    """A program of its own, with a disk."""

    def __init__(self, daemon):
        self.session = person(daemon)
        self.name = self.session.name
        self.said = 0

    def say(self, count):
        for _ in range(count):
            self.said += 1
            self.session.put("/msg %s %d" % (ROOM, self.said))

    def stored(self):
        with self.session.lock:
            return sum(e["type"] == "receipt" and e["state"] == "stored" for e in self.session.events)

    def heard(self, other):
        texts = [self.session.wait("message", patience=PATIENCE, **{"from": other.name})["text"] for _ in range(other.said)]
        assert texts == [str(i + 1) for i in range(other.said)], (self.name, other.name, texts)


def _all_join(senders, crowds):
    senders[0].session.ok("/create " + ROOM)
    for sender in senders[1:]:
        sender.session.ok("/join " + ROOM)
    for crowd in crowds:
        crowd.put("join " + ROOM)
    for crowd in crowds:
        crowd.wait("joined", patience=PATIENCE)
    everybody = {sender.name for sender in senders}.union(*[crowd.people() for crowd in crowds])
    for sender in senders:  # who is known to have joined is entitled to all that is said from now on
        missing = everybody - {sender.name}
        if sender is not senders[0]:
            missing -= {other.name for other in senders}
        while missing:
            missing.discard(sender.session.wait("room", patience=PATIENCE, event="joined")["user"])


def _all_hear(senders, crowds):
    for crowd in crowds:
        crowd.put("await " + " ".join("%s %d" % (sender.name, sender.said) for sender in senders))
    for crowd in crowds:
        crowd.wait("heard", patience=PATIENCE)
    wrong = [line for crowd in crowds for line in crowd.wrong({sender.name: sender.said for sender in senders})]
    assert not wrong, "%d members, such as %s" % (len(wrong), wrong[:5])
    for sender in senders:
        for other in senders:
            if other is not sender:
                sender.heard(other)


def a_thousand_members_lose_nothing_while_some_of_them_and_the_registry_are_killed():
    daemon, members = roomy_daemon(), _members()
    print("# a room of %d" % members)
    each = (members - SENDERS - KEEPERS) // PROCESSES
    counts = [each] * (PROCESSES - 1) + [members - SENDERS - KEEPERS - each * (PROCESSES - 1)]
    crowds = [Crowd(daemon, fresh("crowd") + "x", count) for count in counts]
    keepers = Crowd(daemon, fresh("keeper") + "x", KEEPERS, keeps=True)
    senders = [_Sender(daemon) for _ in range(SENDERS)]
    for crowd in crowds + [keepers]:
        crowd.wait("up", patience=PATIENCE)
    _all_join(senders, crowds + [keepers])

    def all_say(count):
        for i in range(count):
            senders[i % SENDERS].say(SENDERS)

    all_say(TURN)
    keepers.does("await %s 10" % senders[0].name, "heard")
    all_say(TURN)  # what was said last is on its way
    keepers.kill()
    assert sum(map(len, keepers.shown.values())) < KEEPERS * sum(s.said for s in senders), "they had heard it all"
    all_say(TURN)  # and nobody waits for them
    crowds[0].does("await %s %d" % (senders[0].name, senders[0].said), "heard")
    keepers = keepers.again()
    all_say(TURN)
    daemon.stop(signal.SIGKILL)
    assert sum(s.stored() for s in senders) < sum(s.said for s in senders), "there was nothing left to lose"
    all_say(TURN)
    daemon.start()
    all_say(TURN)
    _all_hear(senders, crowds + [keepers])
    for sender in senders:
        assert sender.session.end() == 0
    for crowd in crowds + [keepers]:
        assert crowd.end() == 0
    assert daemon.stop() == 0


if __name__ == "__main__":
    main(globals())
