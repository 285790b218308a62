"""Shared by the end-to-end tests: a real daemon on a free port of loopback,
real peers in homes of their own, JSON sessions whose events are waited for,
and TAP.  Nothing here sleeps: whatever is awaited has an event or a deadline.

Each test file defines functions named after what they claim and ends with
main(globals())."""

import atexit
import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TOP = os.environ.get("top_builddir") or os.getcwd()
CONCLAVED = os.environ.get("CONCLAVED", os.path.join(TOP, "conclaved"))
CONCLAVE = os.environ.get("CONCLAVE", os.path.join(TOP, "conclave"))
# Generous: sanitizers and valgrind are slow, and nobody waits this long when all is well.
PATIENCE = float(os.environ.get("CONCLAVE_E2E_PATIENCE", "60"))
PASSWORD = "correct horse battery 42"
ANSWERS = ("ok", "error", "users", "user", "devices", "rooms", "members", "stats")

_scratch = tempfile.mkdtemp(prefix="conclave-e2e.")
_running = []
_numbers = collections.Counter()


@atexit.register
def _clean_up():
    for process in _running:
        if process.poll() is None:
            process.kill()
            process.wait()
    if os.environ.get("CONCLAVE_E2E_KEEP"):
        print("# kept: " + _scratch)
    else:
        shutil.rmtree(_scratch, ignore_errors=True)


def _told_to_end(number, _frame):
    sys.exit(128 + number)  # by way of the above, as after a ^C


for _number in (signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) != signal.SIG_IGN:
        signal.signal(_number, _told_to_end)

for _program in (CONCLAVED, CONCLAVE):
    if not os.access(_program, os.X_OK):
        print("Bail out! %s is not built" % _program)
        sys.exit(99)


class Skip(Exception):
    """This cannot be tested here; says why."""


def fresh(prefix):
    """A name that nobody has had before: for homes and for people."""
    _numbers[prefix] += 1
    return "%s%d" % (prefix, _numbers[prefix])


def path(name):
    return os.path.join(_scratch, name)


def environment(extra=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith("CONCLAVE_")}
    env.update({"HOME": _scratch, "TERM": "dumb", "LC_ALL": "C.UTF-8"})
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        env["XDG_%s_HOME" % name] = path("xdg-" + name.lower())
    env["XDG_RUNTIME_DIR"] = _scratch
    env.update(extra or {})
    return env


def eventually(what, condition, patience=None):
    """For the few things that announce themselves to nobody, such as a port."""
    end = time.monotonic() + (patience or PATIENCE)
    nap = threading.Event()
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("never happened: " + what)
        nap.wait(0.02)


def within(seconds):
    """The limit for what is promised within so many seconds.  Where others keep
    the processors busy, or each step is checked, time says nothing."""
    busy = os.environ.get("SANITIZE_FLAGS") or os.getloadavg()[0] > 1.5 * os.cpu_count()
    return PATIENCE if busy else seconds


class Daemon:
    """conclaved; `link` is what it printed.  `inside` goes before the command."""

    def __init__(self, *arguments, inside=(), address="127.0.0.1", environ=None):
        self.data = path(fresh("data"))
        self.arguments = list(arguments)
        self.inside, self.address = list(inside), address
        self.listen = address + ":0"
        self.environ = environ or {}
        self.process = None
        self.start()

    def start(self):
        self.log = open(self.data + ".log", "ab")
        self.process = subprocess.Popen(
            self.inside + [CONCLAVED, "--data", self.data, "--listen", self.listen, "--advertise", self.address]
            + self.arguments,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, env=environment(self.environ))
        _running.append(self.process)
        line = self.process.stdout.readline().decode().strip()
        if not line.startswith("ready conclave://"):
            raise AssertionError("the daemon said %r; its log:\n%s" % (line, self.said()))
        self.link = line.split(" ", 1)[1]
        self.listen = self.link.split("//")[1].split("/")[0]  # the same port after a restart

    def said(self):
        with open(self.data + ".log", errors="replace") as log:
            return log.read()[-4000:]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.log.close()
        return status


class Session:
    """conclave --json: a thread collects its lines; wait() takes the next one
    that fits, and passes over others, which later waits still find."""

    def __init__(self, daemon, home, *arguments, user=None, password=None, environ=None, inside=(),
                 listen="127.0.0.1:0"):
        self.home = home
        env = environment(environ)
        if password is not None:
            env["CONCLAVE_PASSWORD"] = password
        words = list(inside) + [CONCLAVE, "--home", path(home), "--listen", listen, "--json"]
        if daemon is not None:
            words += ["-r", daemon.link]
        if user is not None:
            words += ["-u", user]
        self.begin(words + list(arguments), env)

    def begin(self, words, env):
        self.events = []
        self.lock = threading.Condition()
        self.ended = False
        self.errors = open(path(self.home) + ".err", "ab")
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=env)
        _running.append(self.process)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break  # killed in the middle of a line
            event = json.loads(line.decode())
            assert list(event)[:2] == ["v", "type"] and event["v"] == 1, line
            with self.lock:
                if self.took(event):
                    self.events.append(event)
                self.lock.notify_all()
        with self.lock:
            self.ended = True
            self.lock.notify_all()

    def took(self, _event):
        """Whether it is kept for those who wait."""
        return True

    def wait(self, kind=None, patience=None, test=None, **members):
        """The first line not taken yet that fits, waiting for it; takes it."""
        end = time.monotonic() + (patience or PATIENCE)
        seen = 0

        def fits(event):
            return ((kind is None or event["type"] == kind)
                    and all(event.get(k) == v for k, v in members.items())
                    and (test is None or test(event)))

        with self.lock:
            while True:
                for i in range(seen, len(self.events)):
                    if fits(self.events[i]):
                        return self.events.pop(i)
                seen = len(self.events)
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    raise AssertionError("%s: no %s %s came%s; there was:\n%s" % (
                        self.home, kind, members or "", " before the end" if self.ended else "",
                        "\n".join(json.dumps(e) for e in self.events[-20:])))
                self.lock.wait(left)

    def until(self, what, condition, patience=None):
        """Waits for what took() makes of the lines."""
        with self.lock:
            met = self.lock.wait_for(lambda: condition() or self.ended, patience or PATIENCE)
            assert met and condition(), "%s: never happened: %s" % (self.home, what)

    def put(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()

    def ask(self, line):
        """A command and its one answer."""
        self.put(line)
        return self.wait(test=lambda e: e["type"] in ANSWERS)

    def ok(self, line):
        answer = self.ask(line)
        assert answer["type"] == "ok", answer
        return answer

    def logged_in(self):
        return self.wait("session", state="logged-in")

    def end(self):
        """The end of stdin; the exit code."""
        self.process.stdin.close()
        return self.left()

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.left()

    def left(self):
        status = self.process.wait(PATIENCE)
        self.thread.join(PATIENCE)
        self.process.stdout.close()
        if not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass  # something was still buffered for somebody who is gone
        self.errors.close()
        return status


Done = collections.namedtuple("Done", "status out err")


def conclave(daemon, home, *arguments, user=None, password=None, stdin="", environ=None, fds=(), inside=()):
    """One command to its end."""
    words = list(inside) + [CONCLAVE, "--home", path(home), "--listen", "none" if inside else "127.0.0.1:0"]
    if daemon is not None:
        words += ["-r", daemon.link]
    if user is not None:
        words += ["-u", user]
    env = environment(environ)
    if password is not None:
        env["CONCLAVE_PASSWORD"] = password
    done = subprocess.run(words + list(arguments), input=stdin.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=env, timeout=PATIENCE, pass_fds=fds, start_new_session=True)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def expect(done, status):
    assert done.status == status, "exit code %d, not %d\nstdout: %s\nstderr: %s" % (
        done.status, status, done.out, done.err)
    return done


def register(daemon, name=None):
    """Somebody new, with a home of the same name."""
    name = name or fresh("person")
    expect(conclave(daemon, name, "register", user=name, password=PASSWORD), 0)
    return name


def person(daemon, name=None):
    """Somebody new who is online."""
    name = register(daemon, name)
    session = Session(daemon, name)
    session.logged_in()
    session.name = name
    return session


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def main(names):
    """Runs what the file defines, in its order, as TAP."""
    tests = [(n, f) for n, f in names.items()
             if callable(f) and getattr(f, "__module__", "") == "__main__" and not n.startswith("_")]
    only = sys.argv[1:]
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        if only and name not in only:
            continue
        start = time.monotonic()
        try:
            test()
            print("ok %d - %s" % (number, name))
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (number, name, why))
        except Exception:
            failed += 1
            print("not ok %d - %s" % (number, name))
            for line in traceback.format_exc().splitlines():
                print("# " + line)
        if os.environ.get("CONCLAVE_E2E_TIMES"):
            print("# %.2f s" % (time.monotonic() - start))
        sys.stdout.flush()
    if not only:
        print("1..%d" % len(tests))
    sys.exit(1 if failed else 0)
