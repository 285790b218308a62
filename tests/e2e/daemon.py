"""conclaved as its operator meets it: started, stopped, killed, misconfigured,
and asked for with what it should refuse."""

import os
import re
import signal
import socket
import stat
import subprocess
import time

from conclave_e2e import (CONCLAVED, PASSWORD, PATIENCE, TOP, Daemon, Session, environment, eventually, fresh, main,
                          path, register, within)
from registry_e2e import Stay, children, daemon_on, guest, log, run, sign_up, visit


def _alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def help_and_version_say_what_they_should_and_wrong_usage_is_2():
    done = run("--help")
    assert done.returncode == 0 and "--listen HOST:PORT" in done.stdout and not done.stderr
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith("conclaved ")
    for words in (["--nonsense"], ["extra"], ["--listen", "nowhere"], ["--listen", "1.2.3.4:70000"], ["--listen", ""],
                  ["--listen", "::1:5"], ["--listen", "[::1]:x"], ["--advertise", "a b"], ["--advertise", "[::1]"],
                  ["--advertise", "host:1"]):
        done = run(*words)
        assert done.returncode == 2 and done.stderr and not done.stdout, (words, done)


def the_printed_configuration_is_good_and_a_mistake_is_named_with_its_line():
    good = path("good.conf")
    with open(good, "w") as file:
        file.write(run("--print-config").stdout)
    done = run("--check-config", "--config", good)
    assert done.returncode == 0, done.stderr
    bad = path("bad.conf")
    for text, line, what in (("# fine\nlimits\n    devices = 4\n    devises = 3\n", 4, "limits/devises"),
                             ("listen = nowhere\n", None, "HOST:PORT"),
                             ("\n\nlog\n    level = loud\n", 4, "error|warn|info|debug"),
                             ("limits\n  devices = 4\n", 2, "4 spaces"),
                             ("lease\n    ping_ms = 5000\n    expiry_ms = 6000\n", None, "twice")):
        with open(bad, "w") as file:
            file.write(text)
        done = run("--check-config", "--config", bad)
        assert done.returncode == 1 and what in done.stderr, done
        assert line is None or "bad.conf:%d:" % line in done.stderr, done.stderr
    os.mkfifo(path("pipe"))
    with open(bad, "wb") as file:
        file.write(b"\0\xff" * 3000)
    with open(path("long.conf"), "w") as file:
        file.write("listen = " + "x" * (1 << 20))
    for file, what in ((path("not-there"), "No such file"), (path("pipe"), "is a pipe"), ("/dev/zero", "larger"),
                       (bad, "bad.conf:1:"), (path("long.conf"), "larger"), (TOP, "Is a directory")):
        done = run("--check-config", "--config", file)
        assert done.returncode == 1 and what in done.stderr, done


def the_link_is_printed_the_same_and_left_for_the_same_user():
    daemon = Daemon()
    done = run("--data", daemon.data, "--listen", daemon.listen, "--advertise", "127.0.0.1", "--print-link")
    assert done.stdout == daemon.link + "\n", done
    left = path("conclaved.link")
    assert open(left).read() == daemon.link + "\n"
    assert stat.S_IMODE(os.stat(left).st_mode) == 0o600
    assert daemon.stop() == 0
    assert not os.path.exists(left)


def ports_are_kept_over_a_restart():
    daemon = Daemon()
    device = sign_up(daemon)
    front = open(os.path.join(daemon.data, "front.port")).read()
    assert daemon.stop() == 0
    daemon.listen = "127.0.0.1:0"
    before = daemon.link
    daemon.start()
    assert daemon.link == before
    assert open(os.path.join(daemon.data, "front.port")).read() == front
    assert visit(device)[0] == "welcome"
    daemon.stop()


def version_6_of_ip_serves_alone_and_beside_the_other():
    for listen, host in (("[::1]:0", "[::1]"), ("[::]:0", "[::1]"), ("0.0.0.0:0", "[::1]"), ("0.0.0.0:0", "127.0.0.1")):
        data = path(fresh("data"))
        process = subprocess.Popen([CONCLAVED, "--data", data, "--listen", listen, "--advertise", host.strip("[]")],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment())
        link = process.stdout.readline().split()[1]
        assert link.startswith("conclave://%s:" % host), link
        device = path(fresh("device"))
        assert guest("signup", link, device, "alice", PASSWORD).returncode == 0
        assert visit(device)[0] == "welcome"
        process.terminate()
        assert process.wait(PATIENCE) == 0
        process.stdout.close()


def people_talk_over_version_6_alone_and_across_both():
    for listen, advertise, ours, theirs in (("[::1]:0", "::1", "[::1]:0", "[::1]:0"),
                                            ("[::]:0", "::1", "[::1]:0", "127.0.0.1:0"),
                                            ("0.0.0.0:0", "127.0.0.1", "127.0.0.1:0", "[::1]:0")):
        daemon = daemon_on(listen, advertise)
        sessions = []
        for where in (ours, theirs):
            name = register(daemon, fresh("six"))
            session = Session(daemon, name, "--listen", where)
            session.name = name
            session.logged_in()
            sessions.append(session)
        one, two = sessions
        for here, there, text in ((one, two, "over six"), (two, one, "and back")):
            here.ok("/msg %s %s" % (there.name, text))
            there.wait("message", text=text)
            here.wait("receipt", state="delivered")
        shown = {user["name"]: user["endpoint"] for user in one.ask("/who -d")["users"]}
        shown["found"] = one.ask("/search " + two.name)["endpoint"]
        for endpoint in shown.values():  # as the registry sees them
            assert re.fullmatch(r"\[::1\]:\d+" if ":" in advertise else r"127\.0\.0\.1:\d+", endpoint), shown
        for session in sessions:
            assert session.end() == 0
        daemon.stop()


def a_port_in_use_is_said_with_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        done = run("--data", path(fresh("data")), "--listen", "127.0.0.1:%d" % number)
    assert done.returncode == 1 and "Port %d is in use" % number in done.stderr and "--listen" in done.stderr, done
    assert not done.stdout


def an_address_of_another_machine_is_refused():
    done = run("--data", path(fresh("data")), "--listen", "192.0.2.1:0")
    assert done.returncode == 1 and "Cannot listen on 192.0.2.1" in done.stderr, done


def a_child_that_is_killed_is_back_within_a_second_and_members_return():
    daemon = Daemon()
    stay = Stay(sign_up(daemon, "stayer"))
    for role in ("vault", "door", "front"):
        before = children(daemon)
        os.kill(before[role], signal.SIGKILL)
        start = time.monotonic()
        eventually(role + " serves again", lambda: "CHILD-BACK %s " % role in log(daemon))
        assert children(daemon)[role] != before[role]
        sign_up(daemon)
        took = time.monotonic() - start
        assert took < within(1.5), "%s took %.2f s" % (role, took)
    stay.until("welcome")
    stay.ask("stayer")
    stay.until("found online")
    stay.end()
    assert daemon.process.poll() is None
    assert log(daemon).count("CHILD-DIED") == 3
    daemon.stop()


def killing_the_supervisor_ends_all_and_a_new_daemon_starts_at_once():
    daemon = Daemon()
    device = sign_up(daemon)
    before = children(daemon)
    assert sorted(before) == ["door", "front", "vault"]
    daemon.stop(signal.SIGKILL)
    start = time.monotonic()
    daemon.start()
    assert time.monotonic() - start < within(5)
    assert not [pid for pid in before.values() if _alive(pid)]
    assert visit(device)[0] == "welcome"
    daemon.stop()


def the_end_in_order_says_goodbye_and_is_quick():
    daemon = Daemon()
    stays = [Stay(sign_up(daemon)) for _ in range(3)]
    start = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - start < within(3)
    for stay in stays:
        said = stay.until("down")
        assert any(line.startswith("bye") for line in said), said
        stay.end(in_order=False)


def a_member_that_dies_without_a_word_is_offline_within_seconds():
    daemon = Daemon()
    watcher, member = Stay(sign_up(daemon)), Stay(sign_up(daemon, "mortal"))
    watcher.ask("mortal")
    watcher.until("found online")
    start = time.monotonic()
    member.end(in_order=False)

    def is_offline():
        watcher.ask("mortal")
        return watcher.until("found")[-1] == "found offline"

    eventually("it is offline", is_offline)
    assert time.monotonic() - start < within(3)
    watcher.end()
    daemon.stop()


def a_name_and_an_interface_can_be_listened_on():
    for listen, host in (("localhost:0", "127.0.0.1"), ("lo:0", "127.0.0.1")):
        data = path(fresh("data"))
        process = subprocess.Popen([CONCLAVED, "--data", data, "--listen", listen], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, env=environment())
        link = process.stdout.readline().split()[1]
        assert link.startswith("conclave://%s:" % host), link
        assert guest("signup", link, path(fresh("device")), fresh("guest"), PASSWORD).returncode == 0
        process.terminate()
        assert process.wait(PATIENCE) == 0
        process.stdout.close()
    done = run("--data", path(fresh("data")), "--listen", "nowhere.invalid:0")
    assert done.returncode == 1 and "Cannot listen on nowhere.invalid" in done.stderr, done


def a_reload_takes_what_is_good_and_keeps_what_was_when_it_is_not():
    config = path(fresh("reload"))
    with open(config, "w") as file:
        file.write("registration = true\n")
    daemon = Daemon("--config", config)
    device = sign_up(daemon)
    stay = Stay(device)
    with open(config, "w") as file:
        file.write("registration = perhaps\n")
    daemon.process.send_signal(signal.SIGHUP)
    eventually("the mistake is logged", lambda: "RELOAD-FAILED" in log(daemon))
    assert ":1: registration is true or false" in log(daemon)
    sign_up(daemon)
    with open(config, "w") as file:
        file.write("registration = false\nstore\n    map_mib = 64\n")
    daemon.process.send_signal(signal.SIGHUP)
    eventually("it is logged", lambda: "RELOADED" in log(daemon))
    assert "store/map_mib changes at the next start" in log(daemon)
    done = guest("signup", daemon.link, path("x.device"), fresh("guest"), PASSWORD)
    assert done.returncode == 1 and done.stdout.startswith("error "), done.stdout
    stay.ask("nobody")
    assert stay.until("found not-found") == ["found not-found"]  # and was not disturbed
    stay.end()
    daemon.stop()


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
    for role, pid in children(daemon).items():
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


if __name__ == "__main__":
    main(globals())
