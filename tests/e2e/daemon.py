"""conclaved as its operator meets it: started, stopped, killed, misconfigured,
out of space, and asked for with what it should refuse."""

import os
import queue
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

from conclave_e2e import CONCLAVED, PASSWORD, PATIENCE, TOP, Daemon, Skip, environment, eventually, fresh, main, path

GUEST = os.path.join(TOP, "tests", "e2e", "guest")
# How long a killed process may be away; sanitizers get more.
SOON = 1.0 if not os.environ.get("SANITIZE_FLAGS") else 10.0


def _run(*words, **more):
    return subprocess.run([CONCLAVED] + list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, env=environment(), **more)


def _guest(*words, stdin=None):
    return subprocess.run([GUEST] + list(words), input=stdin, capture_output=True, text=True, timeout=PATIENCE,
                          env=environment())


def _sign_up(daemon, name=None):
    """Somebody new; the file of their device."""
    name = name or fresh("guest")
    device = path(name + ".device")
    done = _guest("signup", daemon.link, device, name, PASSWORD)
    assert done.returncode == 0 and done.stdout == "admitted %s\n" % name, done.stdout
    return device


def _visit(device, *name):
    done = _guest("visit", device, *name)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


class _Stay:
    """guest stay: a device that is logged in, and comes back by itself."""

    def __init__(self, device):
        self.process = subprocess.Popen([GUEST, "stay", device], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment())
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        self.until("welcome")

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def until(self, line):
        """What was said up to this line, or one that goes on after these words."""
        passed = []
        while not passed or not (passed[-1] + " ").startswith(line + " "):
            try:
                passed.append(self.lines.get(timeout=PATIENCE))
            except queue.Empty:
                raise AssertionError("never said %r, but %r" % (line, passed)) from None
        return passed

    def ask(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()

    def end(self, in_order=True):
        if not in_order:
            self.process.kill()
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0 or not in_order
        self.thread.join(PATIENCE)
        self.process.stdout.close()


def _children(daemon):
    """Process numbers by role."""
    found = {}
    with open("/proc/%d/task/%d/children" % (daemon.process.pid, daemon.process.pid)) as file:
        for pid in file.read().split():
            with open("/proc/%s/comm" % pid) as comm:
                found[comm.read().strip().replace("conclaved-", "")] = int(pid)
    return found


def _alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def _log(daemon):
    with open(daemon.data + ".log", errors="replace") as file:
        return file.read()


def help_and_version_say_what_they_should_and_wrong_usage_is_2():
    done = _run("--help")
    assert done.returncode == 0 and "--listen HOST:PORT" in done.stdout and not done.stderr
    done = _run("--version")
    assert done.returncode == 0 and done.stdout.startswith("conclaved ")
    for words in (["--nonsense"], ["extra"], ["--listen", "nowhere"], ["--listen", "1.2.3.4:70000"]):
        done = _run(*words)
        assert done.returncode == 2 and done.stderr and not done.stdout, (words, done)


def the_printed_configuration_is_good_and_a_mistake_is_named_with_its_line():
    good = path("good.conf")
    with open(good, "w") as file:
        file.write(_run("--print-config").stdout)
    done = _run("--check-config", "--config", good)
    assert done.returncode == 0, done.stderr
    bad = path("bad.conf")
    for text, line, what in (("# fine\nlimits\n    devices = 4\n    devises = 3\n", 4, "limits/devises"),
                             ("listen = nowhere\n", None, "HOST:PORT"),
                             ("\n\nlog\n    level = loud\n", 4, "error|warn|info|debug"),
                             ("limits\n  devices = 4\n", 2, "4 spaces"),
                             ("lease\n    ping_ms = 5000\n    expiry_ms = 6000\n", None, "twice")):
        with open(bad, "w") as file:
            file.write(text)
        done = _run("--check-config", "--config", bad)
        assert done.returncode == 1 and what in done.stderr, done
        assert line is None or "bad.conf:%d:" % line in done.stderr, done.stderr
    assert _run("--check-config", "--config", path("not-there")).returncode == 1


def the_link_is_printed_the_same_and_left_for_the_same_user():
    daemon = Daemon()
    done = _run("--data", daemon.data, "--listen", daemon.listen, "--advertise", "127.0.0.1", "--print-link")
    assert done.stdout == daemon.link + "\n", done
    left = path("conclaved.link")
    assert open(left).read() == daemon.link + "\n"
    assert stat.S_IMODE(os.stat(left).st_mode) == 0o600
    assert daemon.stop() == 0
    assert not os.path.exists(left)


def ports_are_kept_over_a_restart():
    daemon = Daemon()
    device = _sign_up(daemon)
    front = open(os.path.join(daemon.data, "front.port")).read()
    assert daemon.stop() == 0
    daemon.listen = "127.0.0.1:0"
    before = daemon.link
    daemon.start()
    assert daemon.link == before
    assert open(os.path.join(daemon.data, "front.port")).read() == front
    assert _visit(device)[0] == "welcome"
    daemon.stop()


def version_6_of_ip_serves_alone_and_beside_the_other():
    for listen, host in (("[::1]:0", "[::1]"), ("[::]:0", "[::1]"), ("0.0.0.0:0", "[::1]"), ("0.0.0.0:0", "127.0.0.1")):
        data = path(fresh("data"))
        process = subprocess.Popen([CONCLAVED, "--data", data, "--listen", listen, "--advertise", host.strip("[]")],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment())
        link = process.stdout.readline().split()[1]
        assert link.startswith("conclave://%s:" % host), link
        device = path(fresh("device"))
        assert _guest("signup", link, device, "alice", PASSWORD).returncode == 0
        assert _visit(device)[0] == "welcome"
        process.terminate()
        assert process.wait(PATIENCE) == 0
        process.stdout.close()


def a_second_daemon_on_the_same_directory_says_who_has_it():
    daemon = Daemon()
    start = time.monotonic()
    done = _run("--data", daemon.data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "process %d" % daemon.process.pid in done.stderr, done
    assert time.monotonic() - start < 4
    assert _sign_up(daemon)
    daemon.stop()


def a_port_in_use_is_said_with_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        done = _run("--data", path(fresh("data")), "--listen", "127.0.0.1:%d" % number)
    assert done.returncode == 1 and "Port %d is in use" % number in done.stderr and "--listen" in done.stderr, done
    assert not done.stdout


def an_address_of_another_machine_is_refused():
    done = _run("--data", path(fresh("data")), "--listen", "192.0.2.1:0")
    assert done.returncode == 1 and "Cannot listen on 192.0.2.1" in done.stderr, done


def a_child_that_is_killed_is_back_within_a_second_and_members_return():
    daemon = Daemon()
    stay = _Stay(_sign_up(daemon, "stayer"))
    for role in ("vault", "door", "front"):
        before = _children(daemon)
        os.kill(before[role], signal.SIGKILL)
        start = time.monotonic()
        eventually(role + " is back", lambda: role in _children(daemon) and _children(daemon)[role] != before[role])
        _sign_up(daemon)
        took = time.monotonic() - start
        assert took < SOON + 0.5, "%s took %.2f s" % (role, took)
    stay.until("welcome")
    stay.ask("stayer")
    stay.until("found online")
    stay.end()
    assert daemon.process.poll() is None
    assert _log(daemon).count("CHILD-DIED") == 3
    daemon.stop()


def killing_the_supervisor_ends_all_and_a_new_daemon_starts_at_once():
    daemon = Daemon()
    device = _sign_up(daemon)
    children = _children(daemon)
    assert sorted(children) == ["door", "front", "vault"]
    daemon.stop(signal.SIGKILL)
    start = time.monotonic()
    daemon.start()
    assert time.monotonic() - start < 5
    assert not [pid for pid in children.values() if _alive(pid)]
    assert _visit(device)[0] == "welcome"
    daemon.stop()


def the_end_in_order_says_goodbye_and_is_quick():
    daemon = Daemon()
    stays = [_Stay(_sign_up(daemon)) for _ in range(3)]
    start = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - start < 3 * SOON
    for stay in stays:
        said = stay.until("down")
        assert any(line.startswith("bye") for line in said), said
        stay.end(in_order=False)


def a_member_that_dies_without_a_word_is_offline_within_seconds():
    daemon = Daemon()
    watcher, member = _Stay(_sign_up(daemon)), _Stay(_sign_up(daemon, "mortal"))
    watcher.ask("mortal")
    watcher.until("found online")
    start = time.monotonic()
    member.end(in_order=False)

    def is_offline():
        watcher.ask("mortal")
        return watcher.until("found")[-1] == "found offline"

    eventually("it is offline", is_offline)
    assert time.monotonic() - start < 3 * SOON
    watcher.end()
    daemon.stop()


def who_was_admitted_is_there_after_everything_was_killed():
    config = path("fast.conf")
    with open(config, "w") as file:
        file.write("limits\n    signups = 100000\n    knocks = 100000\npassword\n    memory_kib = 8\n    passes = 1\n")
    daemon = Daemon("--config", config)
    admitted = []
    for number in range(3):
        crowd = subprocess.Popen([GUEST, "crowd", daemon.link, path("crowd"), "c%d." % number, PASSWORD],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
        here = []
        for line in crowd.stdout:
            if line.startswith("admitted"):
                here.append(line.split()[1])
            if len(here) == 40:
                break
        if number < 2:
            os.kill(_children(daemon)["front"], signal.SIGKILL)
        else:
            daemon.process.kill()
            daemon.stop(signal.SIGKILL)
            daemon.start()
        crowd.stdin.close()
        here += [line.split()[1] for line in crowd.stdout if line.startswith("admitted")]
        crowd.wait(PATIENCE)
        crowd.stdout.close()
        admitted += here
    device = _sign_up(daemon)
    stay = _Stay(device)
    for name in admitted:
        stay.ask(name)
        stay.until("found offline")
    stay.end()
    daemon.stop()


def a_key_file_that_others_can_read_is_refused_and_so_is_a_damaged_one():
    daemon = Daemon()
    assert daemon.stop() == 0
    for name in ("signer.key", "door.key", "front.key"):
        key = os.path.join(daemon.data, name)
        os.chmod(key, 0o644)
        done = _run("--data", daemon.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1 and "chmod 600 " + name in done.stderr, done
        os.chmod(key, 0o600)
        with open(key, "rb") as file:
            good = file.read()
        with open(key, "wb") as file:
            file.write(good[:40])
        done = _run("--data", daemon.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1 and name + " is damaged" in done.stderr, done
        with open(key, "wb") as file:
            file.write(good)
    os.rename(os.path.join(daemon.data, "signer.key"), path("signer.key"))
    done = _run("--data", daemon.data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "signer.key is missing" in done.stderr, done
    os.rename(path("signer.key"), os.path.join(daemon.data, "signer.key"))
    daemon.start()
    daemon.stop()


def a_damaged_store_is_reported_and_left_as_it_is():
    daemon = Daemon()
    device = _sign_up(daemon)
    assert daemon.stop() == 0
    store = os.path.join(daemon.data, "store", "data.mdb")
    with open(store, "rb") as file:
        good = file.read()
    for bad in (good[:5000], b"x" * len(good), good[:8192] + b"\xff" * (len(good) - 8192), good[:100]):
        with open(store, "wb") as file:
            file.write(bad)
        done = _run("--data", daemon.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1 and "damaged" in done.stderr and "backup" in done.stderr, done
        with open(store, "rb") as file:
            assert file.read() == bad
    with open(store, "wb") as file:
        file.write(good)
    daemon.start()
    assert _visit(device)[0] == "welcome"
    daemon.stop()


def on_a_full_disk_changes_are_refused_and_reading_goes_on():
    data = path(fresh("data"))
    os.mkdir(data, 0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", data], capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skip("no right to mount: " + mounted.stderr.strip())
    try:
        daemon = Daemon.__new__(Daemon)
        daemon.data, daemon.arguments, daemon.listen, daemon.process = data, [], "127.0.0.1:0", None
        daemon.start()
        device = _sign_up(daemon)
        filler = os.path.join(data, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        for _ in range(2):
            refused = _guest("signup", daemon.link, path("late.device"), "late", PASSWORD)
            assert refused.returncode == 1 and "error quota-exceeded\n" in refused.stdout, refused.stdout
            assert "no room to write this down" in refused.stdout, refused.stdout
        assert "STORE-FAILED" in _log(daemon) and "make room" in _log(daemon)
        assert _visit(device)[-1] == "found online"
        os.kill(_children(daemon)["front"], signal.SIGKILL)  # and it may start like this
        eventually("a member is served", lambda: _guest("visit", device).returncode == 0)
        os.unlink(filler)
        _sign_up(daemon, "late")
        assert "STORE-RECOVERED" in _log(daemon)
        assert not [line for line in _log(daemon).splitlines() if "ERROR" in line and "STORE-FAILED" not in line]
        assert daemon.stop() == 0
        daemon.start()
        assert _visit(device, "late")[-1] == "found offline"
        assert daemon.stop() == 0
    finally:
        subprocess.run(["umount", "-l", data], check=False)


def a_reload_takes_what_is_good_and_keeps_what_was_when_it_is_not():
    config = path(fresh("reload"))
    with open(config, "w") as file:
        file.write("registration = true\n")
    daemon = Daemon("--config", config)
    device = _sign_up(daemon)
    stay = _Stay(device)
    with open(config, "w") as file:
        file.write("registration = perhaps\n")
    daemon.process.send_signal(signal.SIGHUP)
    eventually("the mistake is logged", lambda: "RELOAD-FAILED" in _log(daemon))
    assert ":1: registration is true or false" in _log(daemon)
    _sign_up(daemon)
    with open(config, "w") as file:
        file.write("registration = false\nstore\n    map_mib = 64\n")
    daemon.process.send_signal(signal.SIGHUP)
    eventually("it is logged", lambda: "RELOADED" in _log(daemon))
    assert "store/map_mib changes at the next start" in _log(daemon)
    done = _guest("signup", daemon.link, path("x.device"), fresh("guest"), PASSWORD)
    assert done.returncode == 1 and done.stdout.startswith("error "), done.stdout
    stay.ask("nobody")
    assert stay.until("found not-found") == ["found not-found"]  # and was not disturbed
    stay.end()
    daemon.stop()


def a_directory_that_others_can_write_is_refused_and_foreign_files_stay():
    data = path(fresh("data"))
    os.mkdir(data, 0o700)
    with open(os.path.join(data, "letter.txt"), "w") as file:
        file.write("keep me")
    os.chmod(data, 0o777)
    done = _run("--data", data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "written by others" in done.stderr, done
    os.chmod(data, 0o755)
    process = subprocess.Popen([CONCLAVED, "--data", data, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, env=environment())
    assert process.stdout.readline().startswith("ready ")
    for folder, _, files in os.walk(data):
        for name in files:
            mode = stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode)
            assert name == "letter.txt" or mode & 0o077 == 0, (name, oct(mode))
    process.terminate()
    assert process.wait(PATIENCE) == 0
    process.stdout.close()
    assert open(os.path.join(data, "letter.txt")).read() == "keep me"
    shutil.rmtree(data)


def systemd_is_told():
    where = path("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(where)
        listener.settimeout(PATIENCE)
        process = subprocess.Popen([CONCLAVED, "--data", path(fresh("data")), "--listen", "127.0.0.1:0"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=environment({"NOTIFY_SOCKET": where, "WATCHDOG_USEC": "200000"}))

        def until(word):
            while word not in listener.recv(4096).decode().split("\n"):
                pass

        until("READY=1")
        until("WATCHDOG=1")
        process.send_signal(signal.SIGHUP)
        until("RELOADING=1")
        until("READY=1")
        process.terminate()
        until("STOPPING=1")
        assert process.wait(PATIENCE) == 0


def the_children_have_given_up_what_they_do_not_need():
    daemon = Daemon()
    for role, pid in _children(daemon).items():
        with open("/proc/%d/status" % pid) as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", (role, status)
        with open("/proc/%d/limits" % pid) as file:
            limits = file.read()
        assert re.search(r"Max core file size +0 ", limits), limits
        if role == "vault":
            open_files = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
            inodes = {name[8:-1] for name in open_files if name.startswith("socket:[")}
            for table in ("tcp", "tcp6", "udp", "udp6"):
                with open("/proc/net/" + table) as file:
                    assert not inodes & {line.split()[9] for line in file.readlines()[1:]}
    daemon.stop()


def a_failed_log_in_is_one_line_with_its_source_and_no_secret_is_anywhere():
    daemon = Daemon()
    _sign_up(daemon, "victor")
    wrong = "entirely wrong 77 guess"
    done = _guest("enrol", daemon.link, path("y.device"), "victor", wrong)
    assert done.returncode == 1 and "error wrong-credentials" in done.stdout
    lines = [line for line in _log(daemon).splitlines() if "LOGIN-FAILED" in line]
    assert len(lines) == 1 and "127.0.0.1" in lines[0] and "victor" in lines[0], lines
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z conclaved\[\d+\] WARN  LOGIN-FAILED ", lines[0]), lines
    daemon.stop()
    texts = [_log(daemon).encode()]
    for folder, _, files in os.walk(daemon.data):
        for name in files:
            whole = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(whole).st_mode):
                with open(whole, "rb") as file:
                    texts.append(file.read())
    for text in texts:
        assert PASSWORD.encode() not in text and wrong.encode() not in text


if __name__ == "__main__":
    main(globals())
