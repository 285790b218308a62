"""What conclaved keeps: keys, accounts and logs, on disks that are full, damaged,
missing, or used by another."""

import os
import re
import shutil
import signal
import stat
import subprocess
import time

from conclave_e2e import CONCLAVED, PASSWORD, PATIENCE, Daemon, Skip, environment, eventually, fresh, main, path, within
from registry_e2e import GUEST, Stay, children, daemon_on, guest, log, run, sign_up, visit


def a_second_daemon_on_the_same_directory_says_who_has_it():
    daemon = Daemon()
    start = time.monotonic()
    done = run("--data", daemon.data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "process %d" % daemon.process.pid in done.stderr, done
    assert time.monotonic() - start < within(4)
    assert sign_up(daemon)
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
            os.kill(children(daemon)["front"], signal.SIGKILL)
        else:
            daemon.process.kill()
            daemon.stop(signal.SIGKILL)
            daemon.start()
        crowd.stdin.close()
        here += [line.split()[1] for line in crowd.stdout if line.startswith("admitted")]
        crowd.wait(PATIENCE)
        crowd.stdout.close()
        admitted += here
    device = sign_up(daemon)
    stay = Stay(device)
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
        done = run("--data", daemon.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1 and "chmod 600 " + name in done.stderr, done
        os.chmod(key, 0o600)
        with open(key, "rb") as file:
            good = file.read()
        with open(key, "wb") as file:
            file.write(good[:40])
        done = run("--data", daemon.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1 and name + " is damaged" in done.stderr, done
        with open(key, "wb") as file:
            file.write(good)
    os.rename(os.path.join(daemon.data, "signer.key"), path("signer.key"))
    done = run("--data", daemon.data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "signer.key is missing" in done.stderr, done
    os.rename(path("signer.key"), os.path.join(daemon.data, "signer.key"))
    daemon.start()
    daemon.stop()


def a_damaged_store_is_reported_and_left_as_it_is():
    daemon = Daemon()
    device = sign_up(daemon)
    assert daemon.stop() == 0
    store = os.path.join(daemon.data, "store", "data.mdb")
    with open(store, "rb") as file:
        good = file.read()
    for bad in (b"", good[:5000], b"x" * len(good), good[:8192] + b"\xff" * (len(good) - 8192), good[:100]):
        with open(store, "wb") as file:
            file.write(bad)
        done = run("--data", daemon.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1 and "damaged" in done.stderr and "backup" in done.stderr, done
        with open(store, "rb") as file:
            assert file.read() == bad
    with open(store, "wb") as file:
        file.write(good)
    daemon.start()
    assert visit(device)[0] == "welcome"
    daemon.stop()


def a_store_that_is_missing_is_not_begun_anew():
    daemon = Daemon()
    device = sign_up(daemon)
    store, away = os.path.join(daemon.data, "store"), path(fresh("away"))
    shutil.copytree(store, away)
    shutil.rmtree(store)  # under its feet: what is asked now would be lost
    done = guest("signup", daemon.link, path("lost.device"), "lost", PASSWORD)
    assert done.returncode == 1 and "could not write this down" in done.stdout, done.stdout
    assert visit(device)[-1] == "found online"
    assert daemon.stop() == 0
    done = run("--data", daemon.data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "mount or restore it" in done.stderr, done
    shutil.rmtree(store)
    shutil.move(away, store)
    daemon.start()
    assert visit(device, "lost")[-1] == "found not-found"
    for name in ("signer", "door", "front"):  # nor are keys that people know
        key = os.path.join(daemon.data, name + ".key")
        assert daemon.stop() == 0
        os.rename(key, path("key"))
        done = run("--data", daemon.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1 and name + ".key is missing" in done.stderr, done
        os.rename(path("key"), key)
        daemon.start()
    assert visit(device)[-1] == "found online"
    daemon.stop()


def a_first_start_on_a_full_disk_says_so_and_the_next_one_serves():
    data = path(fresh("data"))
    os.mkdir(data, 0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", data], capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skip("no right to mount: " + mounted.stderr.strip())
    try:
        for free in (0, 8192, 16384, 24576, 32768, 40960):
            with open(os.path.join(data, "filler"), "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 4096)
                except OSError:
                    file.truncate(file.tell() - free)
            done = run("--data", data, "--listen", "127.0.0.1:0")
            assert done.returncode == 1 and "room" in done.stderr, (free, done)
            assert not done.stdout
            os.unlink(os.path.join(data, "filler"))
            daemon = daemon_on("127.0.0.1:0", "127.0.0.1", data)
            assert daemon.stop() == 0
            for name in os.listdir(data):
                whole = os.path.join(data, name)
                shutil.rmtree(whole) if os.path.isdir(whole) else os.unlink(whole)
    finally:
        subprocess.run(["umount", "-l", data], check=False)


def closed_streams_do_not_let_the_log_into_files():
    for closed in ((2,), (1,), (0, 1, 2)):
        data = path(fresh("data"))
        process = subprocess.Popen([CONCLAVED, "--data", data, "--listen", "127.0.0.1:0"], env=environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=lambda: [os.close(fd) for fd in closed])
        eventually("it serves", lambda: os.path.exists(os.path.join(data, "front.port")))
        with open(os.path.join(data, "lock")) as file:
            assert file.read() == "%d\n" % process.pid
        process.terminate()
        assert process.wait(PATIENCE) == 0
        with open(os.path.join(data, "lock")) as file:
            assert file.read() == "%d\n" % process.pid


def whoever_makes_the_keys_at_the_same_time_makes_the_same():
    for _ in range(5):
        data = path(fresh("data"))
        words = [CONCLAVED, "--data", data, "--listen", "127.0.0.1:0"]
        daemons = [subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    text=True, env=environment()) for _ in range(2)]
        link = run("--data", data, "--listen", "127.0.0.1:7", "--print-link").stdout
        first = [daemon.stdout.readline() for daemon in daemons]
        assert sorted(line[:6] for line in first) == ["", "ready "], first
        for daemon, line in zip(daemons, first):
            if line:
                assert line.split("#")[1] == link.split("#")[1], (line, link)
                daemon.terminate()
            _, said = daemon.communicate(timeout=PATIENCE)
            assert daemon.returncode == (0 if line else 1), said
            assert line or "Another conclaved (process " in said, said


def on_a_full_disk_changes_are_refused_and_reading_goes_on():
    data = path(fresh("data"))
    os.mkdir(data, 0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", data], capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skip("no right to mount: " + mounted.stderr.strip())
    try:
        daemon = daemon_on("127.0.0.1:0", "127.0.0.1", data)
        device = sign_up(daemon)
        filler = os.path.join(data, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        for _ in range(2):
            refused = guest("signup", daemon.link, path("late.device"), "late", PASSWORD)
            assert refused.returncode == 1 and "error quota-exceeded\n" in refused.stdout, refused.stdout
            assert "no room to write this down" in refused.stdout, refused.stdout
        assert "STORE-FAILED" in log(daemon) and "make room" in log(daemon)
        assert visit(device)[-1] == "found online"
        os.kill(children(daemon)["front"], signal.SIGKILL)  # and it may start like this
        eventually("a member is served", lambda: guest("visit", device).returncode == 0)
        os.unlink(filler)
        sign_up(daemon, "late")
        assert "STORE-RECOVERED" in log(daemon)
        assert not [line for line in log(daemon).splitlines() if "ERROR" in line and "STORE-FAILED" not in line]
        assert daemon.stop() == 0
        daemon.start()
        assert visit(device, "late")[-1] == "found offline"
        assert daemon.stop() == 0
    finally:
        subprocess.run(["umount", "-l", data], check=False)


def a_directory_that_others_can_write_is_refused_and_foreign_files_stay():
    data = path(fresh("data"))
    os.mkdir(data, 0o700)
    with open(os.path.join(data, "letter.txt"), "w") as file:
        file.write("keep me")
    os.chmod(data, 0o777)
    done = run("--data", data, "--listen", "127.0.0.1:0")
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


def a_failed_log_in_is_one_line_with_its_source_and_no_secret_is_anywhere():
    daemon = Daemon()
    sign_up(daemon, "victor")
    wrong = "entirely wrong 77 guess"
    done = guest("enrol", daemon.link, path("y.device"), "victor", wrong)
    assert done.returncode == 1 and "error wrong-credentials" in done.stdout
    lines = [line for line in log(daemon).splitlines() if "LOGIN-FAILED" in line]
    assert len(lines) == 1 and "127.0.0.1" in lines[0] and "victor" in lines[0], lines
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z conclaved\[\d+\] WARN  LOGIN-FAILED ", lines[0]), lines
    daemon.stop()
    texts = [log(daemon).encode()]
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
