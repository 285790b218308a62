"""conclave-stress as people use it: every scenario at a small size, what it
prints, and how it ends when it is interrupted or something is lost."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import xml.etree.ElementTree

from conclave_e2e import CONCLAVED, PATIENCE, TOP, Daemon, environment, eventually, fresh, main, path

STRESS = os.path.join(TOP, "conclave-stress")
FIELDS = ("scenario", "peers", "members", "size", "sent_per_s", "delivered_per_s", "p50_us", "p99_us", "p999_us", "max_us",
          "lost", "doubled", "reordered", "damaged", "daemon_cpu_s_per_M", "client_cpu_s_per_M", "daemon_rss_kb",
          "rss_per_session_b", "duration_s", "seed")
FAULTS = ("lost", "doubled", "reordered", "damaged")


class _Stress:
    """A run in a session and a temporary directory of its own; what it shows on
    its terminal, when it has one, is in `shown`."""

    def __init__(self, *arguments, terminal=False):
        self.scratch = path(fresh("stress"))
        os.mkdir(self.scratch)
        ours, theirs = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen([STRESS] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=theirs, env=environment({"TMPDIR": self.scratch}), start_new_session=True)
        os.close(theirs)
        self.fd = ours
        self.shown = ""

    def until(self, words):
        """Reads on until the terminal has shown it."""
        end = time.monotonic() + PATIENCE
        while words not in self.shown:
            assert select.select([self.fd], [], [], max(0, end - time.monotonic()))[0], self.shown[-2000:]
            self.shown += os.read(self.fd, 65536).decode()

    def rest(self):
        try:
            for part in iter(lambda: os.read(self.fd, 65536), b""):
                self.shown += part.decode()
        except OSError:
            pass  # a terminal that nobody holds open any more
        os.close(self.fd)

    def end(self, expected):
        out = self.process.stdout.read().decode()
        status = self.process.wait(4 * PATIENCE)
        self.process.stdout.close()
        self.rest()
        assert status == expected, (status, out, self.shown[-2000:])
        return out

    def processes(self):
        """Those of its session that are still there."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            if int(fields[3]) == self.process.pid and fields[0] not in "ZX":
                found.append(pid)
        return found


def _run(*arguments, status=0):
    """One run with --json: the object."""
    run = _Stress(*arguments, "--json")
    out = run.end(status)
    assert out.count("\n") == 1 and out.endswith("\n"), out
    assert run.shown == "", run.shown
    assert os.listdir(run.scratch) == [], os.listdir(run.scratch)
    assert run.processes() == []
    found = json.loads(out)
    assert not [name for name in FIELDS if name not in found], out
    return found


def _good(scenario, *arguments):
    """All is delivered, and the figures fit together."""
    found = _run(scenario, *arguments)
    assert found["scenario"] == scenario
    assert [found[name] for name in FAULTS] == [0, 0, 0, 0], found
    assert found["delivered_per_s"] > 0 and found["duration_s"] > 0, found
    assert 0 < found["p50_us"] <= found["p99_us"] <= found["p999_us"] <= found["max_us"], found
    assert found["daemon_rss_kb"] > 0 and found["client_cpu_s_per_M"] > 0, found
    return found


def peers_sign_up_and_devices_return():
    found = _good("login", "--peers", "6", "--seed", "7")
    assert found["seed"] == 7 and found["peers"] == 6
    _good("login", "--peers", "4", "--rate", "20", "--store", "memory")
    _good("return", "--peers", "6")
    _good("return", "--peers", "4", "--store", "memory", "--rate", "50")


def directory_requests_are_answered():
    _good("search", "--peers", "4", "--duration", "0.5")
    found = _good("search", "--peers", "4", "--duration", "1", "--rate", "100")
    assert 50 < found["sent_per_s"] < 150, found


def pairs_talk_there_and_back_and_one_way():
    found = _good("direct", "--duration", "1")
    assert 0 < found["rtt_p50_us"] <= found["rtt_p99_us"] and found["trips"] > 0, found
    _good("direct", "--duration", "1", "--route", "relay", "--peers", "4", "--store", "memory")
    _good("direct", "--duration", "1", "--route", "direct", "--rate", "50")


def rooms_hear_all():
    assert _good("room", "--peers", "6", "--members", "4", "--duration", "0.5")["members"] == 4
    _good("room", "--members", "5", "--duration", "1", "--rate", "50", "--route", "relay", "--size", "1000")
    _good("rooms", "--rooms", "2", "--members", "4", "--duration", "0.5")


def those_who_come_and_go_are_slow_or_away_hear_all():
    _good("churn", "--rooms", "1", "--members", "8", "--duration", "3", "--rate", "40")
    _good("slow", "--rooms", "1", "--members", "4", "--duration", "2", "--rate", "40", "--route", "relay")
    found = _good("mail", "--peers", "4", "--duration", "1", "--rate", "100")
    assert found["back_s"] > 0, found


def a_daemon_that_is_killed_and_comes_back_costs_nothing():
    found = _good("storm", "--rooms", "1", "--members", "4", "--duration", "3", "--rate", "40")
    assert found["back_s"] > 0, found


def a_soak_watches_memory_and_descriptors_and_is_drawn():
    drawing = path("soak.svg")
    found = _good("soak", "--rooms", "1", "--members", "8", "--duration", "3", "--rate", "40", "--plot", drawing)
    for name in ("daemon_growth_kb_per_min", "daemon_fds_growth_per_min", "client_growth_kb_per_min", "client_fds_growth_per_min"):
        assert isinstance(found[name], (int, float)), found
    assert found["grows"] is None, found # in so short a time nobody can tell
    lines = xml.etree.ElementTree.parse(drawing).getroot().findall("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.get("points").split()) > 4 for line in lines] == [True] * 5


def _simulated(*arguments, status=0):
    run = _Stress("simnet", *arguments, "--json")
    out = run.end(status)
    assert out.count("\n") == 1 and run.processes() == [] and os.listdir(run.scratch) == [], out
    return json.loads(out)


def simulated_worlds_show_memory_and_cpu_and_hear_all():
    drawing = path("simnet.svg")
    found = _simulated("--peers", "200", "--members", "20", "--duration", "2", "--rate", "100", "--seed", "3", "--plot", drawing)
    assert found["scenario"] == "simnet" and found["simulated"] is True and found["seed"] == 3, found
    assert [found[name] for name in FAULTS] == [0, 0, 0, 0], found
    # Whoever reads the last line of any scenario finds the same members, of the largest world.
    assert (found["peers"], found["rooms"], found["members"], found["sent_per_s"], found["delivered_per_s"]) == (200, 10, 20, 100, 1900), found
    assert found["daemon_cpu_s_per_M"] > 0 and found["rss_per_session_b"] > 0 and found["size"] == 256 and found["duration_s"] == 2, found
    assert all(name in found for name in FIELDS), found
    for name in ("p50_us", "p99_us", "p999_us", "max_us", "client_cpu_s_per_M", "daemon_rss_kb"):
        assert found[name] is None, (name, found)
    (world,) = found["worlds"]
    assert (world["peers"], world["rooms"], world["members"]) == (200, 10, 20), world
    assert world["post_count"] == 200 and world["copies"] == 200 * 19 and world["direct_count"] == 200, world
    for name in ("rss_per_session_b", "tables_per_session_b", "sign_up_cpu_us", "log_in_cpu_us", "ping_cpu_us", "join_cpu_us",
                 "post_cpu_us", "copy_cpu_ns", "direct_cpu_us"):
        assert world[name] > 0, (name, world)
    again = _simulated("--peers", "200", "--members", "20", "--duration", "2", "--rate", "100", "--seed", "3")["worlds"][0]
    assert all(again[name] == world[name] for name in ("simulated_s", "ping_count", "store_records", "store_kb")), (again, world)
    assert xml.etree.ElementTree.parse(drawing).getroot().findall("{http://www.w3.org/2000/svg}polyline")
    run = _Stress("simnet", "--members", "30", "--duration", "1", terminal=True)
    out = run.end(0)
    assert "SIMULATED" in out and "all is well" in out and "30 peers, 1 room of 30: talking in rooms" in run.shown, (out, run.shown)


def a_registry_that_others_started_is_used_and_only_measured_if_its_process_is_told():
    daemon = Daemon()
    found = _run("room", "--members", "3", "--duration", "0.5", "--route", "relay", "-r", daemon.link)
    assert [found[name] for name in ("daemon_cpu_s_per_M", "daemon_rss_kb", "rss_per_session_b")] == [None] * 3, found
    found = _run("room", "--members", "3", "--duration", "0.5", "--route", "relay", "-r", daemon.link, "--pid", str(daemon.process.pid))
    assert found["daemon_rss_kb"] > 0, found
    assert daemon.stop() == 0


def what_never_arrives_is_counted_and_ends_with_1():
    daemon = Daemon()
    run = _Stress("room", "--members", "3", "--duration", "3", "--rate", "50", "--route", "relay", "--json", "-r", daemon.link, terminal=True)
    run.until("talking")
    daemon.stop(signal.SIGKILL)
    found = json.loads(run.end(1))
    assert found["lost"] > 0 and found["doubled"] == found["reordered"] == found["damaged"] == 0, found
    assert os.listdir(run.scratch) == []
    assert run.processes() == []


def a_table_is_for_people_and_progress_for_their_terminal():
    run = _Stress("room", "--members", "3", "--duration", "0.5", "--route", "relay", terminal=True)
    out = run.end(0)
    assert "0 lost, 0 doubled, 0 reordered, 0 damaged: all is well\n" in out, out
    assert "signing up" in run.shown and "talking" in run.shown, run.shown


def signals_end_it_and_leave_nothing_behind():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        run = _Stress("slow", "--rooms", "1", "--members", "4", "--duration", "100", "--route", "relay", terminal=True)
        run.until("talking")
        run.process.send_signal(number)
        assert run.end(128 + number) == ""
        assert os.listdir(run.scratch) == [], os.listdir(run.scratch)
        assert run.processes() == []


def when_it_is_killed_all_that_it_started_ends():
    run = _Stress("rooms", "--rooms", "1", "--members", "4", "--duration", "100", "--rate", "10", "--route", "relay", terminal=True)
    run.until("talking")
    run.process.kill()
    run.end(-signal.SIGKILL)
    eventually("its processes end", lambda: run.processes() == [])
    run = _Stress("simnet", terminal=True)
    run.until("signing up")
    run.process.kill()
    run.end(-signal.SIGKILL)
    eventually("its world ends", lambda: run.processes() == [])


def an_interrupt_ends_a_soak_with_its_figures():
    run = _Stress("soak", "--rooms", "1", "--members", "8", "--duration", "100", "--rate", "40", "--route", "relay", "--json", terminal=True)
    run.until("talking")
    run.process.send_signal(signal.SIGINT)
    found = json.loads(run.end(0))
    assert found["duration_s"] < 90 and found["lost"] == 0, found


def the_manual_knows_every_option_scenario_and_figure():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/stress/conclave-stress.1")) as file:
        manual = file.read()
    usage = _Stress("--help").end(0)
    for option in set(re.findall("--([a-z-]+)", usage)):
        assert re.search("[, l] -%s\\b" % option, manual), option
    for scenario in re.findall("^  ([a-z]+)  ", usage, re.MULTILINE):
        assert ".It Cm %s\n" % scenario in manual, scenario
    figures = " ".join(line for line in manual.splitlines() if line.startswith(".It Li "))
    for run in (["direct", "--duration", "0.5"], ["churn", "--duration", "1"], ["mail", "--duration", "0.5", "--peers", "2"]):
        for figure in _run(*run, "--route", "relay"):
            assert figure in figures.replace(",", " ").split(), figure
    simulated = _simulated("--peers", "20", "--duration", "1")
    for figure in list(simulated) + list(simulated["worlds"][0]):
        assert figure in figures.replace(",", " ").split(), figure


def wrong_usage_is_a_sentence_and_2():
    for words in (["dance"], [], ["room", "--nope"], ["room", "--size", "1"], ["storm", "-r", "conclave://h:1/#k"], ["room", "rooms"]):
        run = _Stress(*words)
        assert run.end(2) == ""
        assert run.shown.startswith("conclave-stress: ") and "Try: conclave-stress --help" in run.shown, run.shown
    run = _Stress("--help")
    assert run.end(0).startswith("usage: conclave-stress SCENARIO")
    run = _Stress("--version")
    assert run.end(0).startswith("conclave-stress ")


def what_cannot_be_done_is_told():
    run = _Stress("room", "--plot", "/nowhere/x.svg")
    assert run.end(1) == "" and "/nowhere/x.svg cannot be written" in run.shown, run.shown
    run = _Stress("room", "-r", "nonsense")
    assert run.end(1) == "" and run.shown.startswith("conclave-stress: A peer cannot be opened: "), run.shown
    run = _Stress("room", "--daemon", path("nothing"))
    assert run.end(1) == "" and "no program that can be started" in run.shown, run.shown
    run = _Stress("room", "--daemon", CONCLAVED, "--daemon-args", "--what is this")
    assert run.end(1) == "" and "The daemon did not start" in run.shown and "--what" in run.shown, run.shown
    assert os.listdir(run.scratch) == []
    assert run.processes() == []


main(globals())
