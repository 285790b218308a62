"""Rooms in the prompt, in real terminals: every command with a slash, and what
those who act, those it is done to and the others see of it."""

from conclave_e2e import Daemon, eventually, fresh, main, path, person, register
from terminal_e2e import start

_daemon = Daemon()


def _logged_in():
    name = register(_daemon)
    terminal = start(name, "-r", _daemon.link)
    terminal.see("You are logged in as %s." % name)
    terminal.user = name
    return terminal


def _room():
    return fresh("#room")


def _in_order(terminal, *texts):
    """Lines of all that was ever on the screen: these stand there, in this order."""
    lines = terminal.history()
    for text in texts:
        found = [i for i, line in enumerate(lines) if text in line]
        assert found, "%r is not, or not after what came before it, in:\n%s" % (text, "\n".join(terminal.history()))
        lines = lines[found[0] + 1:]


def everything_that_is_done_to_a_member_is_shown_to_all():
    alice, bob, carol = _logged_in(), _logged_in(), person(_daemon)
    room = _room()
    alice.type("/create %s --topic what we measure" % room)
    alice.see("You made %s." % room)
    bob.type("/join " + room)
    bob.see("You are in %s." % room)
    alice.see("* %s: %s joined." % (room, bob.user))
    carol.ok("/join " + room)
    for terminal in (alice, bob):
        terminal.see("* %s: %s joined." % (room, carol.name))
    seen = []
    for command, answer, done, event in (
            ("op", "%s is a moderator of %s.", "were made a moderator", "op"),
            ("deop", "%s is a plain member of %s.", "were made a plain member", "deop"),
            ("mute", "%s is muted in %s.", "were muted", "muted"),
            ("unmute", "%s is no longer muted in %s.", "were unmuted", "unmuted"),
            ("kick", "%s is out of %s.", "were kicked", "kicked")):
        alice.type("/%s %s %s" % (command, room, bob.user))
        alice.see(answer % (bob.user, room))
        bob.see("* %s: you %s by %s." % (room, done, alice.user))
        carol.wait("room", room=room, event=event, user=bob.user, by=alice.user)
        if command == "mute":
            bob.type("/msg %s not to be heard" % room)
            bob.see("You are muted in that room.")
        seen.append(("* %s: you %s by %s." % (room, done, alice.user), answer % (bob.user, room)))
    bob.type("/join " + room)
    eventually("he is in again", lambda: alice.screen().count("* %s: %s joined." % (room, bob.user)) == 2)
    alice.type("/ban %s %s" % (room, bob.user))
    alice.see("%s is banned from %s." % (bob.user, room))
    bob.see("* %s: you were banned by %s." % (room, alice.user))
    carol.wait("room", room=room, event="banned", user=bob.user, by=alice.user)
    bob.type("/join " + room)
    eventually("the ban is said", lambda: "You may not do that." in bob.screen())
    alice.type("/unban %s %s" % (room, bob.user))
    alice.see("%s is no longer banned from %s." % (bob.user, room))
    alice.type("/invite %s %s" % (room, bob.user))
    alice.see("%s is invited to %s." % (bob.user, room))
    bob.see("* %s: you were invited by %s; /join %s enters it." % (room, alice.user, room))
    bob.type("/join " + room)
    carol.wait("room", room=room, event="invited", user=bob.user, by=alice.user)
    eventually("he is in again", lambda: bob.screen().count("You are in %s." % room) == 3)
    alice.type("/topic %s what we measured" % room)
    alice.see("The topic of %s is set." % room)
    bob.see("* %s: %s set the topic: what we measured" % (room, alice.user))
    bob.type("/leave " + room)
    bob.see("You left %s." % room)
    alice.see("* %s: %s left." % (room, bob.user))
    alice.type("/delete " + room)
    alice.see("%s is deleted." % room)
    carol.wait("room", room=room, event="deleted", by=alice.user)
    _in_order(bob, *[line for line, _ in seen], "you were banned", "you were invited", "set the topic", "You left")
    _in_order(alice, *[line for _, line in seen], "is banned", "is no longer banned", "is invited", "is set", "left", "is deleted")
    for terminal in (alice, bob):
        terminal.type("/quit")
        assert terminal.end() == 0
    assert carol.end() == 0


def a_room_in_focus_takes_plain_lines_and_shows_what_the_others_say():
    alice, bob = _logged_in(), person(_daemon)
    room = _room()
    alice.type("/create " + room)
    alice.see("You made %s." % room)
    bob.ok("/join " + room)
    alice.see("* %s: %s joined." % (room, bob.name))
    alice.type("/msg %s one" % room)
    bob.wait("message", room=room, text="one")
    alice.see("#1 %s: delivered to %s" % (room, bob.name))
    alice.type("/chat " + room)
    alice.see("%s %s> " % (alice.user, room))
    alice.type("two, a plain line")
    bob.wait("message", room=room, text="two, a plain line")
    alice.type("half a li", enter=False)
    alice.see("half a li")
    bob.ok("/msg %s evil \x1b]0;title\x07 text" % room)
    alice.see("%s %s: evil" % (room, bob.name))
    eventually("the line is whole again", lambda: alice.screen().rstrip().endswith(room + "> half a li"))
    alice.type("ne")
    bob.wait("message", room=room, text="half a line")
    alice.type("/chat " + bob.name)
    alice.see("%s @%s> " % (alice.user, bob.name))
    alice.type("to you alone")
    bob.wait("message", to=bob.name, text="to you alone")
    alice.type("/chat")
    alice.type("to nobody")
    alice.see("A command begins with a slash")
    alice.type("/members " + room)
    eventually("the members", lambda: {tuple(line.split()) for line in alice.screen().splitlines()} >= {
        (alice.user, "owner", "online"), (bob.name, "member", "online")})
    other = _room()
    bob.ok("/create %s --topic something else" % other)
    alice.type("/rooms -d")
    eventually("the rooms", lambda: {tuple(line.split(None, 3)) for line in alice.screen().splitlines()} >= {
        (room, "2", "public"), (other, "1", "public", "something else")})
    alice.type("/quit")
    assert alice.end() == 0
    bob.end()


def the_password_of_a_room_is_asked_for_and_not_shown():
    alice, bob = _logged_in(), person(_daemon)
    room, file = _room(), path(fresh("key"))
    with open(file, "w") as out:
        out.write("open sesame please\n")
    bob.ok("/create %s --password-file %s" % (room, file))
    alice.type("/join " + room)
    alice.see("Password of the room: ")
    alice.type("close sesame please")
    alice.see("That is not the password of the room.")
    alice.type("/join " + room)
    eventually("it is asked for again", lambda: alice.screen().count("Password of the room:") == 2)
    alice.type("open sesame please")
    alice.see("You are in %s." % room)
    bob.wait("room", room=room, event="joined", user=alice.user)
    assert "sesame" not in "".join(alice.history())
    alice.type("/quit")
    assert alice.end() == 0
    bob.end()


def what_cannot_be_done_is_said_and_the_prompt_goes_on():
    alice, bob = _logged_in(), person(_daemon)
    room, private = _room(), _room()
    bob.ok("/create " + room)
    bob.ok("/create %s --private" % private)
    for line, said in (("/join " + _room(), "There is no room of that name."), ("/join " + private, "There is no room of that name."),
                       ("/create " + room, "There is a room of that name already."),
                       ("/msg %s hi" % room, "You are not a member of that room."),
                       ("/kick %s %s" % (room, bob.name), "You are not a member of that room."), ("/kick " + room, "/kick #ROOM NAME"), ("/join not!a!room", "! ")):
        alice.type(line)
        eventually("%r for %s" % (said, line), lambda: said in alice.screen().split(line)[-1])
    alice.type("/join " + room)
    alice.see("You are in %s." % room)
    for line in ("/topic %s mine" % room, "/delete " + room, "/mute %s %s" % (room, bob.name)):
        alice.type(line)
        eventually("%s is refused" % line, lambda: "You may not do that." in alice.screen().split(line)[-1])
    alice.type("/quit")
    assert alice.end() == 0
    bob.end()


if __name__ == "__main__":
    main(globals())
