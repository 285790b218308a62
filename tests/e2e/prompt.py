"""The prompt in a real terminal, which tmux plays: sign up, talk, leave."""

from conclave_e2e import PASSWORD, Daemon, eventually, fresh, main, path, person
from terminal_e2e import start

_daemon = Daemon()


def a_new_user_signs_up_talks_and_leaves():
    bob, name = person(_daemon), fresh("person")
    nowhere = {"XDG_RUNTIME_DIR": path("nowhere"), "XDG_STATE_HOME": path("nowhere")}
    terminal = start(name, **nowhere)
    terminal.see("Invite link: ")
    terminal.type("conclave://nonsense")
    terminal.see("Invite link: ")
    terminal.type(_daemon.link)
    terminal.see("Sign up, or log in")
    terminal.type("/help")
    terminal.see("Answer s to sign up, or l to log in; ^D leaves.")
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
    # who reads at once says both in one receipt, which is one line
    eventually("the tick", lambda: any("#1 %s: %s" % (bob.name, tick) in terminal.screen() for tick in ("delivered", "read")))
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
    again = start(name)
    again.see("You are logged in as %s." % name)
    again.type("/quit")
    assert again.end() == 0
    bob.end()


def a_daemon_of_the_same_user_is_found_without_a_link():
    terminal = start(fresh("person"))
    terminal.see("Sign up, or log in")
    terminal.key("C-d")
    assert terminal.end() == 0


def control_c_ends_in_order():
    alice = person(_daemon)
    alice.end()
    terminal = start(alice.name)
    terminal.see("You are logged in")
    terminal.key("C-c")
    assert terminal.end() == 130


def a_dumb_terminal_gets_plain_lines():
    alice = person(_daemon)
    alice.end()
    terminal = start(alice.name, "--plain")
    terminal.see("You are logged in")
    terminal.type("/search nobody-at-all")
    terminal.see("was not found")
    terminal.type("/quit")
    assert terminal.end() == 0


main(globals())
