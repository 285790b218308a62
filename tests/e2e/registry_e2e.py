"""Shared by the tests of conclaved: the daemon from its outside, and devices that
use it without a conclave (tests/e2e/guest.c)."""

import os
import queue
import signal
import subprocess
import threading

from conclave_e2e import CONCLAVED, PASSWORD, PATIENCE, TOP, Daemon, environment, eventually, fresh, path

GUEST = os.path.join(TOP, "tests", "e2e", "guest")


def run(*words, **more):
    return subprocess.run([CONCLAVED] + list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, env=environment(), **more)


def guest(*words, stdin=None):
    return subprocess.run([GUEST] + list(words), input=stdin, capture_output=True, text=True, timeout=PATIENCE,
                          env=environment())


def sign_up(daemon, name=None):
    """Somebody new; the file of their device."""
    name = name or fresh("guest")
    device = path(name + ".device")
    done = guest("signup", daemon.link, device, name, PASSWORD)
    assert done.returncode == 0 and done.stdout == "admitted %s\n" % name, done.stdout
    return device


def visit(device, *name):
    done = guest("visit", device, *name)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


class Stay:
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


def children(daemon):
    """Process numbers by role."""
    found = {}
    with open("/proc/%d/task/%d/children" % (daemon.process.pid, daemon.process.pid)) as file:
        for pid in file.read().split():
            with open("/proc/%s/comm" % pid) as comm:
                found[comm.read().strip().replace("conclaved-", "")] = int(pid)
    return found


def log(daemon):
    with open(daemon.data + ".log", errors="replace") as file:
        return file.read()


def counts(daemon, role="front"):
    """What a process of it has counted; it says so when it is told to read its configuration again."""
    mark = "%s-COUNTS " % role.upper()
    lines = log(daemon).count(mark)
    daemon.process.send_signal(signal.SIGHUP)
    eventually("it says what it has counted", lambda: log(daemon).count(mark) > lines and log(daemon).endswith("\n"))
    last = [line for line in log(daemon).splitlines() if mark in line][-1]
    return {name: int(number) for name, number in (word.split("=") for word in last.split(mark)[1].split())}


def daemon_on(listen, advertise, data=None):
    daemon = Daemon.__new__(Daemon)
    daemon.data, daemon.arguments, daemon.listen, daemon.process = data or path(fresh("data")), [], listen, None
    daemon.inside, daemon.address, daemon.environ = [], advertise, {}
    daemon.start()
    return daemon
