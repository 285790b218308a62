"""A real terminal for the end-to-end tests, which tmux plays."""

import os
import shlex
import shutil
import subprocess

from conclave_e2e import CONCLAVE, PATIENCE, Skip, environment, eventually, fresh, path, _running


class Terminal:
    """A program in a window of a tmux of its own; the exit code goes to a file.
    This tmux is no daemon: it ends with the test, however that ends, and takes the
    program with it."""

    def __init__(self, *words, **env):
        if shutil.which("tmux") is None:
            raise Skip("tmux is not installed")
        self.name = fresh("terminal")
        self.status = path(self.name + ".status")
        self.env = environment(dict({"TERM": "xterm"}, **env))
        self.env["TMUX_TMPDIR"] = path("")
        command = " ".join(shlex.quote(w) for w in words)
        command += "; echo $? >%s" % shlex.quote(self.status)
        self.server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "tmux", "-L", self.name, "-f", "/dev/null", "-D"],
                                       env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        _running.append(self.server)
        eventually("a tmux", lambda: self.run("-N", "list-sessions", status=True) == 0)
        self.run("-N", "new-session", "-d", "-s", self.name, "-x", "100", "-y", "40", command)

    def run(self, *words, status=False):
        done = subprocess.run(("tmux", "-L", self.name) + words, env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        return done.returncode if status else done.stdout.decode()

    def screen(self):
        return self.run("capture-pane", "-p", "-J")

    def history(self):
        """All lines that were ever shown."""
        return self.run("capture-pane", "-p", "-J", "-S", "-").splitlines()

    def see(self, text):
        text = text.rstrip()  # as tmux shows it
        try:
            eventually("%r on the screen" % text, lambda: text in self.screen() or self._gone(text))
        except AssertionError as why:
            raise AssertionError("%s, but:\n%s" % (why, self.screen().rstrip())) from None

    def _gone(self, text):
        if os.path.exists(self.status):
            with open(self.status) as file:
                raise AssertionError("it ended with %s before %r" % (file.read().strip(), text))
        return False

    def type(self, text, enter=True):
        self.run("send-keys", "-l", text)
        if enter:
            self.run("send-keys", "Enter")

    def key(self, name):
        self.run("send-keys", name)

    def end(self):
        eventually("the end", lambda: os.path.exists(self.status) and os.path.getsize(self.status) > 0)
        self.server.terminate()
        self.server.wait(PATIENCE)
        with open(self.status) as file:
            return int(file.read())


def start(home, *words, **env):
    return Terminal(CONCLAVE, "--home", path(home), "--listen", "127.0.0.1:0", *words, **env)
