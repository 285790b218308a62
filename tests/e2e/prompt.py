"""The prompt in a real terminal, which tmux plays: sign up, talk, leave."""

import os
import shlex
import shutil
import subprocess

from conclave_e2e import (CONCLAVE, PASSWORD, Daemon, Skip, environment, eventually, fresh, main, path, person)

_daemon = Daemon()


class _Terminal:
    """A program in a window of a tmux of its own; the exit code goes to a file."""

    def __init__(self, *words, **env):
        if shutil.which("tmux") is None:
            raise Skip("tmux is not installed")
        self.name = fresh("terminal")
        self.status = path(self.name + ".status")
        self.env = environment(dict({"TERM": "xterm"}, **env))
        self.env["TMUX_TMPDIR"] = path("")
        command = " ".join(shlex.quote(w) for w in words)
        command += "; echo $? >%s" % shlex.quote(self.status)
        self.run("-f", "/dev/null", "new-session", "-d", "-s", self.name, "-x", "100", "-y", "40", command)

    def run(self, *words):
        done = subprocess.run(("tmux", "-L", self.name) + words, env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        return done.stdout.decode()

    def screen(self):
        return self.run("capture-pane", "-p", "-J")

    def see(self, text):
        text = text.rstrip()  # as tmux shows it
        eventually("%r on the screen" % text, lambda: text in self.screen() or self._gone(text))

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
        with open(self.status) as file:
            return int(file.read())


def _start(home, *words, **env):
    return _Terminal(CONCLAVE, "--home", path(home), "--listen", "127.0.0.1:0", *words, **env)


def a_new_user_signs_up_talks_and_leaves():
    bob, name = person(_daemon), fresh("person")
    nowhere = {"XDG_RUNTIME_DIR": path("nowhere"), "XDG_STATE_HOME": path("nowhere")}
    terminal = _start(name, **nowhere)
    terminal.see("Invite link: ")
    terminal.type("conclave://nonsense")
    terminal.see("Invite link: ")
    terminal.type(_daemon.link)
    terminal.see("Sign up, or log in")
    terminal.type("")
    terminal.see("Name: ")
    terminal.type(name)
    terminal.see("Password: ")
    terminal.type("short")
    terminal.see("Once more: ")
    terminal.type("short")
    terminal.see("! ")
    for question, answer in (("Sign up", "s"), ("Name:", name), ("Password:", PASSWORD), ("Once more:", PASSWORD)):
        eventually(question + " again", lambda: terminal.screen().count(question) == 2)
        terminal.type(answer)
    terminal.see("You are logged in as %s." % name)
    assert PASSWORD not in terminal.screen()
    terminal.see(name + "> ")
    terminal.type("@%s hello from a terminal" % bob.name)
    assert bob.wait("message")["text"] == "hello from a terminal"
    terminal.see("#1 %s: delivered" % bob.name)
    terminal.type("half a li", enter=False)
    terminal.see("half a li")
    bob.ok("/msg %s evil \x1b]0;title\x07 text" % name)
    terminal.see("%s: evil" % bob.name)
    eventually("the line is whole again", lambda: terminal.screen().rstrip().endswith(name + "> half a li"))
    terminal.key("C-u")
    terminal.type("/serach x")
    terminal.see("did you mean /search?")
    terminal.type("/chat " + bob.name)
    terminal.see("%s @%s> " % (name, bob.name))
    terminal.type("plain text")
    assert bob.wait("message")["text"] == "plain text"
    terminal.type(" /who")
    terminal.see("Nothing was sent")
    terminal.type("/search " + bob.name)
    terminal.see("%s is online" % bob.name)
    bob.wait("presence", user=name, status="online")
    terminal.key("C-d")
    assert terminal.end() == 0
    bob.wait("presence", user=name, status="offline")
    again = _start(name)
    again.see("You are logged in as %s." % name)
    again.type("/quit")
    assert again.end() == 0
    bob.end()


def a_daemon_of_the_same_user_is_found_without_a_link():
    terminal = _start(fresh("person"))
    terminal.see("Sign up, or log in")
    terminal.key("C-d")
    assert terminal.end() == 0


def control_c_ends_in_order():
    alice = person(_daemon)
    alice.end()
    terminal = _start(alice.name)
    terminal.see("You are logged in")
    terminal.key("C-c")
    assert terminal.end() == 130


def a_dumb_terminal_gets_plain_lines():
    alice = person(_daemon)
    alice.end()
    terminal = _start(alice.name, "--plain")
    terminal.see("You are logged in")
    terminal.type("/search nobody-at-all")
    terminal.see("was not found")
    terminal.type("/quit")
    assert terminal.end() == 0


main(globals())
