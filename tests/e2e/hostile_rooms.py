"""People who mean harm to rooms and mailboxes, against a real daemon and real
peers: strangers, members, and who was put out.  After each the daemon and the
peers are the same processes, have not grown, and the others talk as before."""

import os
import resource
import subprocess

from conclave_e2e import PASSWORD, PATIENCE, TOP, Daemon, Session, environment, fresh, main, path, person, register
from registry_e2e import children, counts

GUEST = os.path.join(TOP, "tests", "e2e", "guest")
INTRUDER = os.path.join(TOP, "tests", "e2e", "intruder")
GROWTH_KIB = 120 * 1024
ROOM = "#den"

_config = path("rooms.conf")
with open(_config, "w") as _file:
    _file.write("limits\n    signups = 1000\n    knocks = 1000\n    requests = 100000\n    requests_per_s = 100000\nmail\n    device_messages = 1000\n"
                "password\n    memory_kib = 1024\n    passes = 1\n")
_daemon = Daemon("--config", _config)
_children = children(_daemon)
_ada, _bob = person(_daemon), person(_daemon)
_ada.ok("/create " + ROOM)
_bob.ok("/join " + ROOM)


def _intrude(case, device, *names):
    done = subprocess.run([INTRUDER, case, device, ROOM, *names], capture_output=True, text=True, timeout=PATIENCE * 2,
                          env=environment())
    assert done.returncode == 0, (case, done)
    return [line.split(" ") for line in done.stdout.splitlines()]


def _somebody(joins=True):
    """A device with an account of its own; the file of it, and the name."""
    name = fresh("mallory")
    device = path(name + ".device")
    done = subprocess.run([GUEST, "signup", _daemon.link, device, name, PASSWORD], capture_output=True, text=True,
                          timeout=PATIENCE, env=environment())
    assert done.returncode == 0, done.stdout
    if joins:
        assert _intrude("join", device) == [["join", "ok"]]
    return device, name


def _talk():
    """Each hears the other in the room, and between the two."""
    for here, there in ((_ada, _bob), (_bob, _ada)):
        text = fresh("text")
        here.ok("/msg %s %s" % (ROOM, text))
        assert there.wait("message", text=text, room=ROOM)["from"] == here.name
        text = fresh("text")
        sent = here.ok("/msg %s %s" % (there.name, text))
        assert there.wait("message", text=text)["from"] == here.name
        here.wait("receipt", id=sent["id"], state="delivered")


def _resident():
    pids = list(_children.values()) + [_ada.process.pid, _bob.process.pid]
    sizes = []
    for pid in pids:
        with open("/proc/%d/statm" % pid) as statm:
            sizes.append(int(statm.read().split()[1]) * resource.getpagesize() // 1024)
    return sizes


_talk()


def _survives(case, *words, **counted):
    """What it was answered; nobody else noticed, and the registry has counted
    (counted: which number grew by how much at the least)."""
    before, numbers = _resident(), counts(_daemon)
    said = _intrude(case, *words)
    numbers = {name: number - numbers[name] for name, number in counts(_daemon).items()}
    for name, least in counted.items():
        assert numbers[name.replace("_", "-")] >= least, (case, name, least, numbers)
    _talk()
    assert children(_daemon) == _children, _daemon.said()
    assert _ada.process.poll() is None and _bob.process.poll() is None
    grown = [now - then for now, then in zip(_resident(), before)]
    assert max(grown) < GROWTH_KIB, "%r KiB more" % grown
    for session in (_ada, _bob):
        heard = [e for e in session.events if e["type"] == "message" and "mallory" in e["from"]]
        assert not heard, heard
    return said


def a_stranger_is_told_nothing_of_a_room():
    device, _ = _somebody(joins=False)
    for what, code in _survives("questions", device, refused=5):
        assert code == "not-a-member", (what, code)


def who_was_put_out_is_told_no_more_than_how_that_came():
    device, name = _somebody()
    said = dict(_survives("questions", device))
    assert said == {"members": "ok", "read": "ok", "cards": "ok", "entries": "ok", "post": "ok"}, said
    _ada.ok("/kick %s %s" % (ROOM, name))
    said = dict(_survives("questions", device, refused=4))
    assert said.pop("entries") == "ok"
    assert set(said.values()) == {"not-a-member"}, said


def who_was_put_out_hears_nothing_from_the_members_themselves():
    device, name = _somebody()
    process = subprocess.Popen([INTRUDER, "eavesdrop", device, ROOM], stdout=subprocess.PIPE, text=True,
                               env=environment())
    said = [process.stdout.readline().split() for _ in range(3)]
    assert said == [["nobody", "denied"], ["member", "up"], ["holding"]], said
    _ada.ok("/kick %s %s" % (ROOM, name))
    said = [line.split() for line in process.stdout]
    assert process.wait(PATIENCE) == 0
    process.stdout.close()
    assert said == [["then", "cut"], ["again", "denied"]], said
    _talk()


def a_muted_member_reads_and_is_not_heard():
    device, name = _somebody()
    _ada.ok("/mute %s %s" % (ROOM, name))
    said = dict(_survives("questions", device, refused=1))
    assert said.pop("post") == "forbidden" and set(said.values()) == {"ok"}, said
    assert dict(_survives("names", device, _ada.name, refused=7))["tip"] == "forbidden"


def a_member_does_nothing_that_it_may_not():
    device, _ = _somebody()
    said = _survives("operations", device, _ada.name, refused=15)
    wrong = {"topic": "forbidden", "as-another": "bad-arguments", "forged": "bad-arguments",
             "another-roster": "bad-arguments", "from-the-future": "bad-arguments", "revoked": "forbidden",
             "unsigned": "forbidden", "delete": "forbidden"}
    for what, code in said:
        assert code == wrong.get(what, code) and code in ("forbidden", "bad-arguments"), (what, code)
    assert len(said) == len(wrong) + 7, said
    _bob.put("/rooms -d")
    (room,) = [r for r in _bob.wait("rooms")["rooms"] if r["name"] == ROOM]
    assert room["topic"] == "", room


def a_member_says_nothing_as_somebody_else_and_in_no_other_time_and_place():
    device, _ = _somebody()
    said = dict(_survives("names", device, _ada.name, refused=7))
    assert said == {"frame": "forbidden", "tip": "forbidden", "receipt": "forbidden", "epoch": "expired",
                    "roster": "expired", "room": "forbidden", "end": "forbidden"}, said


def frames_that_nobody_can_believe_are_shown_to_nobody():
    device, _ = _somebody()
    assert _survives("forged", device) == [["forged", "ok"]]


def letters_fill_a_mailbox_and_no_more():
    name = register(_daemon)
    device, _ = _somebody()
    other = Session(_daemon, name)
    other.logged_in()
    other.ok("/join " + ROOM)
    assert other.end() == 0
    said = _survives("letters", device, name, mail_refused=503)
    assert said[:3] == [["nobody", "no-such-user"], ["as-another", "bad-arguments"], ["garbage", "bad-arguments"]], said[:3]
    taken = sum(code == "ok" for _, code in said[3:])
    refused = sum(code == "quota-exceeded" for _, code in said[3:])
    assert taken <= 1000 and taken + refused == len(said) - 3 and refused >= 500, (taken, refused)
    other = Session(_daemon, name)  # takes all that in, and goes on
    other.logged_in()
    for here in (_ada, _bob):
        text = fresh("text")
        here.ok("/msg %s %s" % (name, text))
        assert other.wait("message", text=text)["from"] == here.name
    other.ok("/msg %s done" % ROOM)
    assert _ada.wait("message", text="done")["from"] == name
    _bob.wait("message", text="done")
    other.ok("/leave " + ROOM)
    assert other.end() == 0


def letters_for_somebody_who_is_there_are_read_and_forgotten():
    device, _ = _somebody()
    said = _survives("letters", device, _ada.name)
    assert {code for what, code in said if what == "letter"} <= {"ok", "quota-exceeded"}, said[-5:]


def a_flood_of_relayed_frames_is_cut_down():
    device, _ = _somebody()
    assert _survives("relays", device, _ada.name, unreached=1) == [["relay", "too-fast"]]


def noise_of_every_kind():
    device, _ = _somebody()
    assert _survives("garbage", device, garbage=100) == [["garbage", "ok"]]


if __name__ == "__main__":
    main(globals())
