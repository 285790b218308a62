"""conclave-top elsewhere than the registry: with keys, over CURVE."""

import json
import os
import re
import signal
import subprocess

from conclave_e2e import CONCLAVED, PATIENCE, Daemon, environment, eventually, fresh, main, path, person
from monitor_e2e import CONCLAVE_TOP, figure, log, monitored, top
from terminal_e2e import Terminal


def _remote(*words):
    """conclave-top elsewhere, and the public key that it said."""
    done = top("--interval", "1", *words)
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
    opened = re.findall(r"MONITOR-OPEN (.*) on 127.0.0.1 port (\d+); the registry's key is ([0-9a-f]{64})", log(daemon))
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
        # Who is refused is not even told that a sample comes each 100 ms.
        assert status == 0 or "within 3.0 s" in done.stderr, done
        found = json.loads(done.stdout) if status == 0 else {}
        assert status != 0 or found["figures"]["sessions"] == 1
        assert [s["name"] for s in found.get("sessions", [])] == (["capybara"] if status == 0 and "names" in what else []), done
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
    begun = figure(daemon, "loop_turns")
    eventually("some samples more", lambda: figure(daemon, "loop_turns") > begun + 30)
    assert "capybara" in views[0].screen() and "capybara" not in views[1].screen()
    for view in views:
        view.type("q", enter=False)
        assert view.end() == 0
    os.chmod(figures, 0o644)
    done = look(figures, "figures", "--once")
    assert done.returncode == 3 and "read by others" in done.stderr and not done.stdout, done
    session.end()
    daemon.stop()


def a_monitor_elsewhere_is_allowed_and_shut_out_again_by_a_reload():
    key, stays = path(fresh("key")), path(fresh("key"))
    done = top("--key", key)
    line = done.stdout
    assert done.returncode == 0 and re.fullmatch("[0-9a-f]{64}\n", line) and "monitor.keys" in done.stderr, done
    assert os.stat(key).st_mode & 0o777 == 0o600 and top("--key", key).stdout == line
    daemon = monitored(100, "tcp_names = 127.0.0.1:0")
    keys = os.path.join(daemon.data, "monitor.keys")
    assert "MONITOR-NO-KEYS" in log(daemon), log(daemon)
    port, registry = re.search(r"MONITOR-OPEN .* port (\d+); the registry's key is ([0-9a-f]{64})", log(daemon)).groups()

    def allow(*lines):
        with open(keys, "w") as file:
            file.write("".join(lines))
        os.chmod(keys, 0o600)
        told = log(daemon).count("MONITOR-KEYS")
        daemon.process.send_signal(signal.SIGHUP)
        eventually("it is read", lambda: log(daemon).count("MONITOR-KEYS") > told)

    def view(of):
        return Terminal(CONCLAVE_TOP, "--connect", "tcp://127.0.0.1:" + port, "--key", of, "--registry-key", registry,
                        "--interval", "0.1", LC_ALL="C.UTF-8")

    def look():
        return top("--connect", "tcp://127.0.0.1:" + port, "--key", key, "--registry-key", registry, "--interval", "0.5",
                    "--once").returncode

    assert look() == 3
    allow(line.strip() + " names\n", top("--key", stays).stdout.strip() + " names\n")
    assert look() == 0
    goes, other = view(key), view(stays)
    goes.see("sessions 0 (most 0)")
    other.see("sessions 0 (most 0)")
    allow("hello\n")  # a mistake changes nothing
    assert "MONITOR-KEYS-FAILED" in log(daemon) and look() == 0
    allow(top("--key", stays).stdout.strip() + " names\n")
    goes.see("NOT LIVE")
    assert look() == 3
    begun = figure(daemon, "loop_turns")
    eventually("some samples more", lambda: figure(daemon, "loop_turns") > begun + 10)
    other.see(" READY ")  # it was cut off as well, and has come back
    assert "NOT LIVE" in goes.screen()
    for terminal in (goes, other):
        terminal.type("q", enter=False)
        assert terminal.end() == 0
    daemon.stop()


def however_short_the_interval_is_there_is_time_to_connect():
    daemon = monitored(5, "tcp = 127.0.0.1:0")
    port, registry = re.search(r"MONITOR-OPEN .* port (\d+); the registry's key is ([0-9a-f]{64})", log(daemon)).groups()
    key = path(fresh("key"))
    with open(os.path.join(daemon.data, "monitor.keys"), "w") as file:
        file.write(top("--key", key).stdout)
    daemon.process.send_signal(signal.SIGHUP)
    eventually("the key is allowed", lambda: "MONITOR-KEYS" in log(daemon))
    for _ in range(5):
        done = top("--connect", "tcp://127.0.0.1:" + port, "--key", key, "--registry-key", registry, "--once", "--interval", "20")
        assert done.returncode == 0, done
    daemon.stop()


def a_list_of_keys_that_cannot_be_read_is_a_mistake():
    config, file = path(fresh("conf")), path(fresh("keys"))
    with open(config, "w") as out:
        out.write("monitor\n    tcp = 127.0.0.1:0\n    keys = %s\n" % file)
    for text, mode, what in (("hello\n", 0o600, "line 1 of the monitor keys"),
                             ("", 0o666, "can be written by others")):
        with open(file, "w") as out:
            out.write(text)
        os.chmod(file, mode)
        done = subprocess.run([CONCLAVED, "--data", path(fresh("data")), "--listen", "127.0.0.1:0", "--config", config],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                              env=environment())
        assert done.returncode == 1 and what in done.stderr, done


main(globals())
