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
import urllib.error
import urllib.request

from conclave_e2e import (CONCLAVED, PASSWORD, PATIENCE, TOP, Daemon, Skip, conclave, environment, eventually,
                          expect, fresh, main, path, person, register, within, _running)
from terminal_e2e import Terminal

CONCLAVE_TOP = os.environ.get("CONCLAVE_TOP", os.path.join(TOP, "conclave-top"))


def _daemon(interval_ms=100):
    config = path(fresh("conf"))
    with open(config, "w") as file:
        file.write("monitor\n    interval_ms = %d\n" % interval_ms)
    return Daemon("--config", config)


def _log(daemon):
    with open(daemon.data + ".log", errors="replace") as file:
        return file.read()


def _top(*words):
    return subprocess.run([CONCLAVE_TOP] + list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, env=environment())


def _sample(daemon):
    done = _top("--data", daemon.data, "--interval", "5", "--once", "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def _figure(daemon, name, label=None):
    value = _sample(daemon)["figures"].get(name, {} if label else 0)
    return value.get(label, 0) if label else value


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
    done = _top("--help")
    assert done.returncode == 0 and "--fail-if EXPR" in done.stdout and not done.stderr
    done = _top("--version")
    assert done.returncode == 0 and done.stdout.startswith("conclave-top ")
    for words in (["--nonsense"], ["extra"], ["--interval", "x"], ["--fail-if", "nothing > 3"]):
        done = _top(*words)
        assert done.returncode == 3 and done.stderr and not done.stdout, (words, done)


def samples_tell_what_happens_in_all_three_processes():
    daemon = _daemon()
    eventually("all three speak", lambda: len(_sample(daemon)["figures"]["cpu_ms"]) == 3)
    before = _sample(daemon)
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
    after = _sample(daemon)
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
    assert times["hash_us", ""]["count"] == figures["hashes"] and times["hash_us", ""]["p50_us"] >= 1000, times
    alice.end()
    bob.end()
    eventually("both are gone", lambda: _figure(daemon, "sessions") == 0)
    assert _figure(daemon, "sessions_most") == 2
    assert "sessions 0\n" in _top("--data", daemon.data, "--once").stdout
    daemon.stop()


def conditions_end_as_nagios_wants():
    daemon = _daemon()
    for words, status in ((["sessions > 3"], 0), (["sessions < 3"], 2), (["warning: sessions < 3"], 1),
                          (["warning: sessions < 3", "accounts == 0"], 2), (["rate(commits) > 1G"], 0),
                          (["not ready"], 0), (["p99(commit_us) > 0"], 2)):
        done = _top("--data", daemon.data, "--interval", "5", *[w for text in words for w in ("--fail-if", text)])
        word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[status]
        assert done.returncode == status and done.stdout.startswith(word), (words, done)
        assert len(done.stdout.splitlines()) == 1, done
    daemon.stop()
    done = _top("--data", daemon.data, "--interval", "0.1", "--fail-if", "sessions > 3")
    assert done.returncode == 3 and done.stdout.startswith("UNKNOWN"), done


def once_waits_for_three_intervals_and_says_what_to_do():
    empty = path(fresh("empty"))
    os.mkdir(empty)
    done = _top("--data", empty, "--interval", "0.1", "--once")
    assert done.returncode == 3 and "is conclaved running" in done.stderr and not done.stdout, done
    done = _top("--data", path("not-there"), "--once")
    assert done.returncode == 3 and "--data DIR" in done.stderr and not done.stdout, done


def an_interval_of_0_publishes_nothing_and_a_reload_changes_it():
    daemon = _daemon(0)
    assert not os.path.exists(os.path.join(daemon.data, "monitor.ipc"))
    assert _top("--data", daemon.data, "--interval", "0.1", "--once").returncode == 3
    config = daemon.arguments[1]
    with open(config, "w") as file:
        file.write("monitor\n    interval_ms = 50\n")
    daemon.process.send_signal(signal.SIGHUP)
    assert _sample(daemon)["interval_ms"] == 50
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
    daemon = _daemon()
    mode = os.stat(os.path.join(daemon.data, "monitor.ipc")).st_mode
    assert stat.S_ISSOCK(mode) and mode & 0o077 == 0, oct(mode)
    daemon.stop()


def names_are_in_the_rows_alone_and_words_nowhere():
    daemon = _daemon()
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
    for sample in stream.samples:
        sample.pop("rooms", None), sample.pop("sessions", None)
    text = _top("--data", daemon.data, "--interval", "5", "--once").stdout
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
    for (sample, labels), value in values.items():
        if sample == name + "_bucket":
            rest, bound = re.match(r'^(.*?),?le="([^"]+)"$', labels).groups()
            series.setdefault(rest, []).append((float(bound.replace("+Inf", "inf")), value))
    for rest, buckets in series.items():
        assert buckets == sorted(buckets) and [v for _, v in buckets] == sorted(v for _, v in buckets), buckets
        assert buckets[-1][0] == float("inf") and buckets[-1][1] == values[name + "_count", rest], buckets
        assert (name + "_sum", rest) in values


def prometheus_reads_what_is_served():
    daemon = _daemon()
    session = person(daemon)
    server = _Server(daemon)
    eventually("the first sample", lambda: server.get("healthz")[0] == 200)
    eventually("door and vault have told what they count",
               lambda: {"conclave_knocks_total", "conclave_hashes_total"} <= set(_parse(server.get("metrics")[2])[0]))
    status, kind, text = server.get("metrics")
    assert status == 200 and kind.startswith("text/plain; version=0.0.4"), kind
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


def a_browser_draws_the_page_and_finds_nothing_missing():
    browser = shutil.which("chromium")
    if browser is None:
        raise Skip("chromium is not installed")
    daemon = _daemon()
    server = _Server(daemon)
    session = person(daemon)
    eventually("it has drawn some points", lambda: server.get("")[2].count(",") > 100)
    done = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                           "--user-data-dir=" + path(fresh("browser")), "--dump-dom", server.url],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, env=environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("<polyline points=") == 8 and "live and ready" in done.stdout, done.stdout
    # What the page may not load, or the policy forbids, the browser says on its console.
    assert "CONSOLE" not in done.stderr, done.stderr
    session.end()
    server.end()
    daemon.stop()


def healthz_tells_when_samples_stop_and_when_they_come_back():
    daemon = _daemon()
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


def _remote(*words):
    """conclave-top elsewhere, and the public key that it said."""
    done = _top("--interval", "1", *words)
    said = re.search(r"our key, for the registry's monitor/keys: ([0-9a-f]{64})\n", done.stderr)
    return done, said and said.group(1)


def elsewhere_only_keys_that_are_allowed_see_figures_and_only_marked_ones_names():
    config = path(fresh("conf"))
    figures, names, stranger = path("figures.key"), path("names.key"), path("stranger.key")
    nowhere = ["--connect", "tcp://127.0.0.1:1", "--registry-key", "1f" * 32, "--interval", "0.01", "--once", "--key"]
    keys = {file: _remote(*nowhere, file)[1] for file in (figures, names, stranger)}
    assert len(set(keys.values())) == 3 and os.stat(figures).st_mode & 0o777 == 0o600
    assert _remote(*nowhere, figures)[1] == keys[figures]
    with open(config, "w") as file:
        file.write("monitor\n    interval_ms = 100\n    tcp = 127.0.0.1:0\n    tcp_names = 127.0.0.1:0\n    keys = %s\n"
                   % path("monitor.keys"))
    with open(path("monitor.keys"), "w") as file:
        file.write("# monitors\n%s\n%s names\n" % (keys[figures], keys[names]))
    daemon = Daemon("--config", config)
    session = person(daemon, "capybara")
    opened = re.findall(r"MONITOR-OPEN (.*) on 127.0.0.1 port (\d+); the registry's key is ([0-9a-f]{64})", _log(daemon))
    ports = {what: port for what, port, _ in opened}
    key = opened[0][2]
    assert set(ports) == {"figures", "figures and names"}, opened

    def look(file, what, *words, registry=key):
        return _remote("--connect", "tcp://127.0.0.1:" + ports[what], "--key", file, "--registry-key", registry, *words)[0]

    for file, what, status in ((figures, "figures", 0), (names, "figures", 0), (names, "figures and names", 0),
                               (figures, "figures and names", 3), (stranger, "figures", 3),
                               (stranger, "figures and names", 3)):
        done = look(file, what, "--once", "--json")
        assert done.returncode == status, (file, what, done)
        sample = json.loads(done.stdout) if status == 0 else {}
        assert status != 0 or sample["figures"]["sessions"] == 1
        assert [s["name"] for s in sample.get("sessions", [])] == (["capybara"] if status == 0 and "names" in what else []), done
        assert "capybara" not in done.stdout or "names" in what
    done = look(figures, "figures", "--once", registry="1f" * 32)
    assert done.returncode == 3, done
    # Rows are published while somebody may see them: whoever asks at the port of figures gets none of them.
    views = []
    for what in ("figures and names", "figures"):
        views.append(Terminal(CONCLAVE_TOP, "--connect", "tcp://127.0.0.1:" + ports[what], "--key", names,
                              "--registry-key", key, "--interval", "0.1", LC_ALL="C.UTF-8"))
        views[-1].see("sessions 1 (most 1)")
    views[0].see("capybara")
    begun = _figure(daemon, "loop_turns")
    eventually("some samples more", lambda: _figure(daemon, "loop_turns") > begun + 30)
    assert "capybara" in views[0].screen() and "capybara" not in views[1].screen()
    for view in views:
        view.type("q", enter=False)
        assert view.end() == 0
    os.chmod(figures, 0o644)
    done = look(figures, "figures", "--once")
    assert done.returncode == 3 and "read by others" in done.stderr and not done.stdout, done
    session.end()
    daemon.stop()


def ports_for_monitors_without_keys_are_a_mistake():
    config, file = path(fresh("conf")), path(fresh("keys"))
    with open(config, "w") as out:
        out.write("monitor\n    tcp = 127.0.0.1:0\n    keys = %s\n" % file)
    for text, mode, what in ((None, 0, "cannot be read"), ("hello\n", 0o600, "line 1 of the monitor keys"),
                             ("", 0o666, "can be written by others")):
        if text is not None:
            with open(file, "w") as out:
                out.write(text)
            os.chmod(file, mode)
        done = subprocess.run([CONCLAVED, "--data", path(fresh("data")), "--listen", "127.0.0.1:0", "--config", config],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                              env=environment())
        assert done.returncode == 1 and what in done.stderr, done


def a_monitor_that_does_not_read_costs_nobody_else_anything():
    daemon = _daemon(10)
    slow, quick = _Stream(daemon), _Stream(daemon)
    slow.more(2)
    slow.process.send_signal(signal.SIGSTOP)
    register(daemon)
    # More than its queues hold at both ends.
    quick.more(300)
    numbers = [sample["number"] for sample in quick.samples]
    assert quick.samples[-1]["live"] and numbers == sorted(numbers)
    slow.process.send_signal(signal.SIGCONT)
    slow.more(2)
    slow.end()
    quick.end()
    daemon.stop()


def the_last_sample_of_a_registry_says_that_it_ends():
    daemon = _daemon()
    stream = _Stream(daemon)
    stream.more(2)
    assert stream.samples[-1]["ready"]
    daemon.stop()
    eventually("it says so", lambda: not stream.samples[-1]["ready"])
    assert stream.samples[-1]["live"] and "about to end" in stream.samples[-1]["reason"], stream.samples[-1]
    stream.end()


def a_registry_that_was_killed_is_followed_when_it_is_back():
    daemon = _daemon()
    stream = _Stream(daemon)
    stream.more(3)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    began = stream.samples[0]["at_ms"] - stream.samples[0]["uptime_ms"]
    eventually("a sample of the new one", lambda: stream.samples[-1]["at_ms"] - stream.samples[-1]["uptime_ms"]
               > began + 200)  # it was there for three samples
    assert all(sample["lost"] == 0 for sample in stream.samples)
    stream.end()
    daemon.stop()


if __name__ == "__main__":
    main(globals())
