"""conclave-top on a terminal, and what it shows while a process of the registry
is slow to say what it counted."""

import json
import os
import signal
import subprocess
import sys

from conclave_e2e import PATIENCE, environment, eventually, main, person
from monitor_e2e import CONCLAVE_TOP, monitored, sample, top
from registry_e2e import children
from terminal_e2e import Terminal


def _fits(lines, columns, rows):
    """Drawn for this size: its head at the top, and of the list the columns that there is room for."""
    heads = [line.split() for line in lines if line.startswith("name ")]
    wide = ["name", "device", "idle", "rooms", "pending", "state", "address"]
    narrow = ["name", "idle", "pending"]
    return (len(lines) <= rows and max(map(len, lines)) <= columns and lines[0].startswith("conclaved ")
            and heads == [wide if columns >= 80 else narrow])


def the_live_view_sorts_scrolls_resizes_and_leaves():
    daemon = monitored()
    people = [person(daemon) for _ in range(3)]
    view = Terminal(CONCLAVE_TOP, "--data", daemon.data, "--interval", "0.1", LC_ALL="C.UTF-8")
    view.see("sessions 3 (most 3)")
    for columns, rows in ((80, 24), (200, 60), (40, 10), (80, 24)):
        view.run("resize-window", "-t", view.name, "-x", str(columns), "-y", str(rows))
        eventually("%d columns" % columns, lambda: _fits(view.screen().splitlines(), columns, rows))
    view.type("s", enter=False)
    view.see("by idle")
    view.type("?", enter=False)
    view.see("Any key goes back.")
    view.type("x", enter=False)
    view.see("[sessions]")
    for session in people:
        session.end()
    view.see("sessions 0 (most 3)")
    daemon.stop()
    view.see("NOT LIVE")
    view.see("! No sample has come for three intervals.")
    view.type("q", enter=False)
    assert view.end() == 0


def a_terminal_without_colours_and_unicode_gets_the_same_in_ascii():
    daemon = monitored()
    alice = person(daemon, "zo\u00eb")
    alice.ok("/create #lab")
    view = Terminal("env", "LC_ALL=C", "TERM=vt100", CONCLAVE_TOP, "--data", daemon.data, "--interval", "0.1", LC_ALL="C.UTF-8")
    view.see("sessions 1 (most 1)")
    view.see("zo?")
    assert view.screen().isascii(), view.screen()
    view.key("Tab")
    view.see("posts/s route")
    view.see("#lab")
    view.type("q", enter=False)
    assert view.end() == 0
    alice.end()
    daemon.stop()


def without_a_terminal_the_view_says_what_to_use():
    daemon = monitored()
    done = top("--data", daemon.data)
    assert done.returncode == 3 and "--once" in done.stderr, done
    daemon.stop()


def a_process_that_is_slow_to_say_what_it_counted_vanishes_from_no_sample():
    daemon = monitored()
    person(daemon).end()

    eventually("the door speaks", lambda: sample(daemon)["figures"].get("knocks", 0) >= 1)
    stream = subprocess.Popen([CONCLAVE_TOP, "--data", daemon.data, "--json", "--interval", "0.01"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment())
    json.loads(stream.stdout.readline())
    door = children(daemon)["door"]
    os.kill(door, signal.SIGSTOP)
    seen = []
    while not seen or "knocks" in seen[-1]["figures"]:  # it is believed for a while, and then no more
        seen.append(json.loads(stream.stdout.readline()))
    assert len(seen) > 3, len(seen)
    assert all(s["figures"]["knocks"] == seen[0]["figures"]["knocks"] for s in seen[:-1])
    assert set(seen[-1]["figures"]["rss_bytes"]) == {"front", "vault"}, seen[-1]
    os.kill(door, signal.SIGCONT)
    eventually("it speaks again", lambda: "knocks" in sample(daemon)["figures"])
    stream.terminate()
    stream.wait(PATIENCE)
    stream.stdout.close()
    daemon.stop()


_TEST = """
import sys
sys.path.insert(0, %r)
from conclave_e2e import Daemon, eventually, main, os
from terminal_e2e import Terminal
def waits():
    daemon, view = Daemon(), Terminal("sh", "-c", "echo $$; exec sleep 1000")
    eventually("it runs", lambda: view.screen().strip().isdigit())
    print(daemon.process.pid, view.screen().strip(), flush=True)
    view.see("what it never shows")
main(globals())
"""


def _runs(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def a_test_that_is_interrupted_takes_what_it_started_with_it():
    here = os.path.dirname(os.path.abspath(__file__))
    for number in (signal.SIGTERM, signal.SIGINT):
        test = subprocess.Popen([sys.executable, "-B", "-c", _TEST % here], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True,
                                preexec_fn=lambda of=number: signal.signal(of, signal.SIG_DFL))  # it may be ignored here
        started = [int(word) for word in test.stdout.readline().split()]
        assert len(started) == 2 and all(_runs(pid) for pid in started), started
        test.send_signal(number)
        assert test.wait(PATIENCE) != 0
        test.stdout.close()
        eventually("all of them have ended", lambda: not any(_runs(pid) for pid in started))


main(globals())
