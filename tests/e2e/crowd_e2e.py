"""Crowds for the end-to-end tests: many peers of libconclave in a process
(tests/e2e/crowd.c), and a registry with room for them."""

import collections
import os
import subprocess

from conclave_e2e import TOP, Daemon, Session, environment, fresh, path

CROWD = os.path.join(TOP, "tests", "e2e", "crowd")

# One machine plays all; what is hashed is as good as a real one, only cheaper.
_ROOMY = """
limits
    sessions = 20000
    requests = 1000000
    requests_per_s = 1000000
    signups = 1000000
    knocks = 1000000
    connections = 15000
    source_connections = 15000
    door_connections = 4000
    door_source_connections = 4000
    room_members = 4000
password
    memory_kib = 64
    passes = 1
"""


def roomy_daemon(more=""):
    file = path(fresh("roomy") + ".conf")
    with open(file, "w") as out:
        out.write(_ROOMY + more)
    return Daemon("--config", file)


class Crowd(Session):
    """A process of `count` peers.  With `keeps` they have a home on disk, and
    what they are shown is counted here, over all the runs of the process."""

    def __init__(self, daemon, name, count, keeps=False, before=None):
        self.daemon, self.name, self.count, self.keeps = daemon, name, count, keeps
        self.shown = before.shown if before else collections.defaultdict(list)
        self.home = name
        words = [CROWD, daemon.link, name, str(count)] + ([path(name)] if keeps else [])
        self.begin(words, environment())

    def took(self, event):
        if event["type"] == "shown":
            self.shown[event["member"], event["from"]].append(event["number"])
        return event["type"] != "shown"

    def again(self):
        """The same people, after a kill."""
        return Crowd(self.daemon, self.name, self.count, self.keeps, before=self)

    def does(self, order, answer):
        self.put(order)
        return self.wait(answer)

    def people(self):
        return {"%s%d" % (self.name, i) for i in range(self.count)}

    def wrong(self, said):
        """Members that were not shown each of the messages that each sender said, once and in order."""
        if self.keeps:
            return ["%s of %s: %r" % (who, sender, self.shown[who, sender]) for who in self.people()
                    for sender, last in said.items() if self.shown[who, sender] != list(range(1, last + 1))]
        self.put("report")
        seen = {}
        while True:
            event = self.wait(test=lambda e: e["type"] in ("seen", "reported"))
            if event["type"] == "reported":
                break
            seen[event["member"], event["from"]] = event
        good = {"doubles": 0, "missing": 0, "gaps": 0}
        return ["%s of %s: %r" % (who, sender, seen.get((who, sender))) for who in self.people()
                for sender, last in said.items()
                if not seen.get((who, sender), {}).items() >= dict(good, count=last, last=last).items()]
