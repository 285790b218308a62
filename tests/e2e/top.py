"""conclave-top as an operator meets it: against a registry that does something,
that ends, and that is not there."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import threading
import time
import urllib.error
import urllib.request

from conclave_e2e import (PASSWORD, PATIENCE, Skip, conclave, environment, eventually, expect, fresh, main, path, person,
                          register, within, _running)
from monitor_e2e import CONCLAVE_TOP, figure, log, monitored, sample, top
from terminal_e2e import Terminal

class _Stream:
    """conclave-top --json: its objects, as they come."""

    def __init__(self, daemon, *words):
        self.process = subprocess.Popen([CONCLAVE_TOP, "--data", daemon.data, "--json", "--interval", "0.01"] + list(words),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment())
        _running.append(self.process)
        self.samples = []
        self.raw = b""
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.raw += line
            self.samples.append(json.loads(line))

    def more(self, count):
        wanted = len(self.samples) + count
        eventually("%d more samples" % count, lambda: len(self.samples) >= wanted)

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.thread.join(PATIENCE)
        self.process.stdout.close()


class _Server:
    """conclave-top --prometheus on a free port."""

    def __init__(self, daemon, *words):
        self.process = subprocess.Popen([CONCLAVE_TOP, "--data", daemon.data, "--prometheus", "127.0.0.1:0"] + list(words),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment())
        _running.append(self.process)
        line = self.process.stdout.readline()
        assert line.startswith("serving http://127.0.0.1:"), line
        self.url = line.split()[1]

    def get(self, what, method="GET", data=None):
        """Status, type and text."""
        request = urllib.request.Request(self.url + what, method=method, data=data)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers["Content-Type"], answer.read().decode()

    def end(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0
        self.process.stdout.close()


def usage_help_and_version():
    done = top("--help")
    assert done.returncode == 0 and "--fail-if EXPR" in done.stdout and not done.stderr
    done = top("--version")
    assert done.returncode == 0 and done.stdout.startswith("conclave-top ")
    for words in (["--nonsense"], ["extra"], ["--interval", "x"], ["--fail-if", "nothing > 3"]):
        done = top(*words)
        assert done.returncode == 3 and done.stderr and not done.stdout, (words, done)


def samples_tell_what_happens_in_all_three_processes():
    daemon = monitored()
    eventually("all three speak", lambda: len(sample(daemon)["figures"]["cpu_ms"]) == 3)
    before = sample(daemon)
    assert before["live"] and before["ready"] and before["interval_ms"] == 100
    assert before["figures"]["sessions"] == 0 and before["figures"]["accounts"] == 0
    assert set(before["figures"]["cpu_ms"]) == {"front", "door", "vault"}
    assert all(before["figures"]["rss_bytes"][process] > 1 << 20 for process in ("front", "door", "vault"))
    alice, bob = person(daemon), person(daemon)
    alice.ok("/create #lab")
    bob.ok("/join #lab")
    alice.ok("/msg #lab hello")
    assert bob.wait("message")["text"] == "hello"
    expect(conclave(daemon, fresh("home"), "login", user=bob.name, password="wrong " + PASSWORD), 3)
    after = sample(daemon)
    figures = after["figures"]
    assert figures["sessions"] == 2 and figures["accounts"] == 2 and figures["accounts_online"] == 2, figures
    assert figures["rooms"] == 1 and figures["members"] == 2 and figures["seats"] == 2, figures
    assert figures["enrolments"]["account"] == 2 and figures["log_ins"]["failed"] == 1, figures
    assert figures["knocks"] >= 3 and figures["hashes"] >= 3 and figures["signatures"] >= 2, figures
    assert figures["requests"]["LOGIN"] >= 2 and figures["requests"]["ROOM_PROPOSE"] >= 2, figures
    assert figures["refused"]["wrong-credentials"] == 1, figures
    assert figures["handshakes"]["admitted"] >= 2 and figures["door_handshakes"]["admitted"] >= 3, figures
    assert figures["commits"] > before["figures"]["commits"] and figures["records_written"] > 5, figures
    assert 0 < figures["store_used_bytes"] < figures["store_map_bytes"], figures
    assert figures["frames_in"] > 4 and figures["bytes_out"] > 100, figures
    times = {(t["name"], t["label"]): t for t in after["times"]}
    assert times["request_us", "LOGIN"]["count"] == figures["requests"]["LOGIN"], times
    assert times["commit_us", ""]["count"] == figures["commits"], times
    # Of strangers too: what the front's loop spent on each, and what each waited for.
    for kind in ("SIGNUP", "ENROL"):
        asked = figures["requests"][kind]
        assert asked >= 1 and times["request_us", kind]["count"] == asked, times
        assert times["knock_us", kind]["count"] == asked and times["knock_us", kind]["p50_us"] >= 1000, times
    assert times["request_us", "SIGNUP"]["p50_us"] < times["knock_us", "SIGNUP"]["p50_us"], times
    assert figures["requests"]["PASSWD"] == 0 and figures["refused"]["busy"] == 0, figures
    assert times["hash_us", ""]["count"] == figures["hashes"] and times["hash_us", ""]["p50_us"] >= 1000, times
    alice.end()
    bob.end()
    eventually("both are gone", lambda: figure(daemon, "sessions") == 0)
    assert figure(daemon, "sessions_most") == 2
    assert "sessions 0\n" in top("--data", daemon.data, "--once").stdout
    daemon.stop()


def conditions_end_as_nagios_wants():
    daemon = monitored()
    for words, status in ((["sessions > 3"], 0), (["sessions < 3"], 2), (["warning: sessions < 3"], 1),
                          (["warning: sessions < 3", "accounts == 0"], 2), (["rate(commits) > 1G"], 0),
                          (["not ready"], 0), (["p99(commit_us) > 0"], 2)):
        done = top("--data", daemon.data, *[w for text in words for w in ("--fail-if", text)])
        word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[status]
        assert done.returncode == status and done.stdout.startswith(word), (words, done)
        assert len(done.stdout.splitlines()) == 1, done
    daemon.stop()
    # Nobody is there any more: that is critical to whoever asks it, and nothing is well.
    for words, status in ((["sessions > 3"], 3), (["not live"], 2), (["warning: not live"], 1), (["not ready"], 2),
                          (["sessions > 3", "not live"], 2), (["rate(commits) > 3 or not live"], 2), (["live and sessions > 3"], 3)):
        done = top("--data", daemon.data, "--interval", "0.1", *[w for text in words for w in ("--fail-if", text)])
        word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[status]
        assert done.returncode == status and done.stdout.startswith(word + ": ") and not done.stderr, (words, done)
        assert "No sample has come yet." in done.stdout and len(done.stdout.splitlines()) == 1, done
    done = top("--data", daemon.data, "--interval", "0.1", "--json", "--fail-if", "not live")
    assert done.returncode == 2 and not done.stdout and "is conclaved running" in done.stderr, done


def once_waits_for_three_intervals_and_says_what_to_do():
    empty = path(fresh("empty"))
    os.mkdir(empty)
    done = top("--data", empty, "--interval", "0.1", "--once")
    assert done.returncode == 3 and "is conclaved running" in done.stderr and not done.stdout, done
    done = top("--data", path("not-there"), "--once")
    assert done.returncode == 3 and "--data DIR" in done.stderr and not done.stdout, done


def the_registry_says_itself_how_long_an_interval_is():
    daemon = monitored(2000)
    # Told to expect a sample each 10 ms, it would give up before there can be one.
    done = top("--data", daemon.data, "--interval", "0.01", "--once", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["interval_ms"] == 2000, done
    done = top("--data", daemon.data, "--interval", "0.01", "--fail-if", "rate(commits) > 1G")
    assert done.returncode == 0 and done.stdout.startswith("OK"), done
    config = daemon.arguments[1]
    with open(config, "w") as file:
        file.write("monitor\n    interval_ms = 1500\n")
    daemon.process.send_signal(signal.SIGHUP)
    eventually("it is read again", lambda: "RELOADED" in log(daemon))
    assert sample(daemon)["interval_ms"] == 1500
    done = top("--data", daemon.data, "--interval", "0.01", "--once", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["interval_ms"] == 1500, done
    # Without a registry it is --interval that counts.
    os.kill(daemon.process.pid, signal.SIGTERM)
    daemon.process.wait(PATIENCE)
    done = top("--data", daemon.data, "--interval", "0.1", "--once")
    assert done.returncode == 3 and "within 0.3 s" in done.stderr, done


def an_interval_of_0_publishes_nothing_and_a_reload_changes_it():
    daemon = monitored(0)
    assert not os.path.exists(os.path.join(daemon.data, "monitor.ipc"))
    assert top("--data", daemon.data, "--interval", "0.1", "--once").returncode == 3
    config = daemon.arguments[1]
    with open(config, "w") as file:
        file.write("monitor\n    interval_ms = 50\n")
    daemon.process.send_signal(signal.SIGHUP)
    assert sample(daemon)["interval_ms"] == 50
    # The next sample after a long interval was made short does not wait for the long one.
    stream = _Stream(daemon)
    stream.more(1)
    for interval_ms in (3600000, 60):
        with open(config, "w") as file:
            file.write("monitor\n    interval_ms = %d\n" % interval_ms)
        daemon.process.send_signal(signal.SIGHUP)
        eventually("a sample says so", lambda: stream.samples[-1]["interval_ms"] == interval_ms)
    stream.end()
    daemon.stop()


def nobody_else_on_the_machine_can_reach_the_socket():
    daemon = monitored()
    mode = os.stat(os.path.join(daemon.data, "monitor.ipc")).st_mode
    assert stat.S_ISSOCK(mode) and mode & 0o077 == 0, oct(mode)
    daemon.stop()


def names_are_in_the_rows_alone_and_words_nowhere():
    daemon = monitored()
    alice, bob = person(daemon, "zebrafinch"), person(daemon, "quokka")
    alice.ok("/create #axolotl")
    bob.ok("/join #axolotl")
    stream, server = _Stream(daemon), _Server(daemon)
    alice.ok("/msg #axolotl narwhal")
    alice.ok("/msg quokka pangolin")
    assert {bob.wait("message")["text"] for _ in range(2)} == {"narwhal", "pangolin"}
    stream.more(3)
    stream.end()
    last = stream.samples[-1]
    assert [(r["name"], r["members"], r["frames"]) for r in last["rooms"]] == [("#axolotl", 2, 1)], last["rooms"]
    assert sorted(s["name"] for s in last["sessions"]) == ["quokka", "zebrafinch"], last["sessions"]
    assert all(s["source"] == "127.0.0.1" and s["rooms"] == 1 for s in last["sessions"]), last["sessions"]
    assert not any(word in stream.raw.decode() for word in ("narwhal", "pangolin"))
    for one in stream.samples:
        one.pop("rooms", None), one.pop("sessions", None)
    text = top("--data", daemon.data, "--once").stdout
    said = json.dumps(stream.samples) + text + server.get("metrics")[2] + server.get("")[2] + server.get("healthz")[2]
    assert "ROOM_PROPOSE" in said and "conclave_sessions 2" in said
    for secret in ("zebrafinch", "quokka", "axolotl", "narwhal", "pangolin", "127.0.0.1"):
        assert secret not in said, secret
    server.end()
    # The live view has names, for whoever may read the data directory; never what they say.
    view = Terminal(CONCLAVE_TOP, "--data", daemon.data, "--interval", "0.1", LC_ALL="C.UTF-8")
    view.see("zebrafinch")
    shown = view.screen()
    view.key("Tab")
    view.see("#axolotl")
    shown += view.screen()
    assert "quokka" in shown and "narwhal" not in shown and "pangolin" not in shown, shown
    view.type("q", enter=False)
    assert view.end() == 0
    alice.end()
    bob.end()
    daemon.stop()


_SAMPLE = re.compile(r'^([a-z_]+)(\{([a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*)\})? ([0-9.e+-]+)$')


def _parse(text):
    """The exposition format as Prometheus reads it: what would be refused is refused here."""
    families, current, values = {}, None, {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current = line.split()[2]
            assert current not in families, "%s is not in one piece" % current
            families[current] = None
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name == current and families[name] is None and kind in ("counter", "gauge", "histogram"), line
            families[name] = kind
        else:
            found = _SAMPLE.match(line)
            assert found, line
            name, labels, value = found.group(1), found.group(3) or "", float(found.group(4))
            kind = families[current]
            ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert name in [current + end for end in ends], line
            assert kind != "counter" or name.endswith("_total"), line
            assert (name, labels) not in values, line
            values[name, labels] = value
    for name, kind in families.items():
        if kind == "histogram":
            _check_histogram(name, values)
    return families, values


def _check_histogram(name, values):
    series = {}
    for (line, labels), value in values.items():
        if line == name + "_bucket":
            rest, bound = re.match(r'^(.*?),?le="([^"]+)"$', labels).groups()
            series.setdefault(rest, []).append((float(bound.replace("+Inf", "inf")), value))
    for rest, buckets in series.items():
        assert buckets == sorted(buckets) and [v for _, v in buckets] == sorted(v for _, v in buckets), buckets
        assert buckets[-1][0] == float("inf") and buckets[-1][1] == values[name + "_count", rest], buckets
        assert (name + "_sum", rest) in values


def prometheus_reads_what_is_served():
    daemon = monitored()
    session = person(daemon)
    server = _Server(daemon)
    eventually("the first sample", lambda: server.get("healthz")[0] == 200)
    eventually("door and vault have told what they count",
               lambda: {"conclave_knocks_total", "conclave_hashes_total"} <= set(_parse(server.get("metrics")[2])[0]))
    status, kind, text = server.get("metrics")
    assert status == 200 and kind.startswith("text/plain; version=0.0.4"), kind
    # rate() misses what was there when a series began: each begins with 0.
    for name in ('conclave_refused_total{reason="wrong-credentials"}', 'conclave_requests_total{kind="ROOM_POST"}',
                 'conclave_requests_total{kind="PASSWD"}', 'conclave_handshakes_total{outcome="denied"}'):
        assert "\n%s 0\n" % name in text, name
    families, values = _parse(text)
    assert families["conclave_sessions"] == "gauge" and values["conclave_sessions", ""] == 1
    assert families["conclave_knocks_total"] == "counter" and families["conclave_commit_seconds"] == "histogram"
    assert values["conclave_live", ""] == 1 and values["conclave_cpu_seconds_total", 'process="front"'] > 0
    assert values["conclave_requests_total", 'kind="LOGIN"'] >= 1
    assert server.get("nothing")[0] == 404
    assert server.get("", "POST", b"x" * 100000)[0] == 405
    assert server.get("metrics", "DELETE")[0] == 405
    status, kind, text = server.get("")
    assert status == 200 and kind.startswith("text/html") and "live and ready" in text
    session.end()
    server.end()
    daemon.stop()


def promtool_finds_nothing_to_complain_of():
    promtool = shutil.which("promtool")
    if promtool is None:
        raise Skip("promtool, of Debian's package prometheus, is not installed")
    daemon = monitored()
    session = person(daemon)
    server = _Server(daemon)
    for what in ("conclave_knock_seconds_bucket", "conclave_hashes_total"):
        eventually(what, lambda: what in server.get("metrics")[2])
    done = subprocess.run([promtool, "check", "metrics"], input=server.get("metrics")[2], capture_output=True, text=True,
                          timeout=PATIENCE, env=environment())
    assert done.returncode == 0 and not done.stdout and not done.stderr, done
    daemon.stop(signal.SIGKILL)
    eventually("nobody is there", lambda: server.get("healthz")[0] == 503)
    done = subprocess.run([promtool, "check", "metrics"], input=server.get("metrics")[2], capture_output=True, text=True,
                          timeout=PATIENCE, env=environment())
    assert done.returncode == 0 and not done.stdout and not done.stderr, done
    session.kill()
    server.end()


def a_browser_draws_the_page_and_finds_nothing_missing():
    browser = shutil.which("chromium")
    if browser is None:
        raise Skip("chromium is not installed")
    daemon = monitored()
    server = _Server(daemon)
    session = person(daemon)
    eventually("it has drawn some points", lambda: server.get("")[2].count(",") > 100)
    done = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                           "--user-data-dir=" + path(fresh("browser")), "--dump-dom", server.url],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, env=environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("<polyline points=") == 10 and "live and ready" in done.stdout, done.stdout
    # What the page may not load, or the policy forbids, the browser says on its console.
    assert "CONSOLE" not in done.stderr, done.stderr
    session.end()
    server.end()
    daemon.stop()


def healthz_tells_when_samples_stop_and_when_they_come_back():
    daemon = monitored()
    server = _Server(daemon)
    eventually("it is ready", lambda: server.get("healthz")[0] == 200)
    daemon.stop(signal.SIGKILL)
    eventually("it is not", lambda: not json.loads(server.get("healthz")[2])["live"])
    status, kind, text = server.get("healthz")
    assert status == 503 and kind == "application/json" and json.loads(text) == {
        "live": False, "ready": False, "reason": "No sample has come for three intervals."}, text
    _, values = _parse(server.get("metrics")[2])
    assert values["conclave_live", ""] == 0 and ("conclave_sessions", "") not in values
    daemon.start()
    eventually("it is again", lambda: server.get("healthz")[0] == 200, within(10))
    server.end()
    daemon.stop()


def a_monitor_that_does_not_read_costs_nobody_else_anything():
    daemon = monitored(10)
    slow, quick = _Stream(daemon), _Stream(daemon)
    slow.more(2)
    slow.process.send_signal(signal.SIGSTOP)
    register(daemon)
    # More than its queues hold at both ends.
    quick.more(300)
    numbers = [one["number"] for one in quick.samples]
    assert quick.samples[-1]["live"] and numbers == sorted(numbers)
    slow.process.send_signal(signal.SIGCONT)
    slow.more(2)
    slow.end()
    quick.end()
    daemon.stop()


def the_last_sample_of_a_registry_says_that_it_ends():
    daemon = monitored()
    stream = _Stream(daemon)
    stream.more(2)
    assert stream.samples[-1]["ready"]
    daemon.stop()
    eventually("it says so", lambda: not stream.samples[-1]["ready"])
    assert stream.samples[-1]["live"] and "about to end" in stream.samples[-1]["reason"], stream.samples[-1]
    stream.end()


def nothing_is_sampled_while_nobody_looks():
    daemon = monitored(20)
    before, start = sample(daemon), time.monotonic()
    while time.monotonic() < start + 2:
        top("--version")
    after = sample(daemon)
    assert after["uptime_ms"] - before["uptime_ms"] >= 2000, (before, after)
    assert after["number"] - before["number"] <= 10, (before, after)  # of a hundred intervals
    daemon.stop()


def a_registry_that_was_killed_is_followed_when_it_is_back():
    daemon = monitored()
    stream = _Stream(daemon)
    stream.more(3)
    daemon.stop(signal.SIGKILL)
    eventually("it says that nobody is there", lambda: not stream.samples[-1]["live"])
    told = len(stream.samples)
    assert stream.samples[-2]["live"] and "three intervals" in stream.samples[-1]["reason"], stream.samples[-2:]
    assert stream.samples[-1]["number"] == stream.samples[-2]["number"], stream.samples[-2:]
    daemon.start()
    eventually("it is there again", lambda: stream.samples[-1]["live"])
    assert all(one["live"] for one in stream.samples[told:])  # it was told once
    began = stream.samples[0]["at_ms"] - stream.samples[0]["uptime_ms"]
    eventually("a sample of the new one", lambda: stream.samples[-1]["at_ms"] - stream.samples[-1]["uptime_ms"]
               > began + 200)  # it was there for three samples
    assert all(one["lost"] == 0 for one in stream.samples)
    stream.end()
    daemon.stop()


if __name__ == "__main__":
    main(globals())
