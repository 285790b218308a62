"""Rooms from scripts: every command runs alone, in a home that has heard of
nothing since it ran last, on any device of the account."""

import os

from conclave_e2e import PASSWORD, Daemon, Session, conclave, expect, fresh, main, objects, path, register

_daemon = Daemon()


def _run(home, *words, status=0):
    return expect(conclave(_daemon, home, *words), status)


def _says(home, *words, status, why):
    done = _run(home, *words, status=status)
    assert why in done.err, done
    return done


def _members(home, room):
    return objects(_run(home, "--json", "members", room).out)[-1]


def who_came_since_the_last_run_is_moderated():
    owner, bob, eve = register(_daemon), register(_daemon), register(_daemon)
    room = fresh("#room")
    _run(owner, "create", room, "--topic", "what we measure")
    assert _run(bob, "join", room.upper()).out == "You are in %s.\nTopic: what we measure\n" % room
    _run(eve, "join", room)
    _run(owner, "op", room, bob)
    _says(bob, "kick", room, owner, status=8, why="or a moderator where %s is a plain member" % owner)
    _run(bob, "mute", room, eve)
    _says(eve, "send", room, "hi", status=8, why="muted")
    _run(bob, "unmute", room, eve)
    assert _run(eve, "send", room, "hi").out == "stored\n"
    _says(eve, "topic", room, "mine", status=8, why="only the owner and moderators")
    _run(bob, "ban", room, eve)
    _says(eve, "join", room, status=8, why="You are banned")
    shown = _members(owner, room)
    assert [(m["name"], m["role"]) for m in shown["members"]] == [(owner, "owner"), (bob, "moderator")], shown
    assert shown["banned"] == [eve] and "invited" not in shown, shown
    _run(owner, "invite", room, eve)
    shown = _members(owner, room)
    assert shown["invited"] == [eve] and "banned" not in shown, shown
    _says(bob, "kick", room, "nobody", status=4, why="Nobody of that name")
    _says(owner, "leave", fresh("#nowhere"), status=4, why="There is no room")


def what_a_command_hears_of_a_room_the_next_session_tells_once():
    owner, bob, room = register(_daemon), register(_daemon), fresh("#room")
    _run(owner, "create", room)
    done = objects(_run(bob, "--json", "join", room).out)
    assert done[-1]["type"] == "ok" and "room" not in [line["type"] for line in done], done
    session = Session(_daemon, bob)
    told = session.wait("room", room=room)
    assert (told["event"], told["user"], told["by"]) == ("joined", bob, bob), told
    assert session.end() == 0
    session = Session(_daemon, bob)
    session.logged_in()
    assert session.ask("/members %s" % room)["type"] == "members"
    assert session.end() == 0
    assert "room" not in [event["type"] for event in session.events], session.events


def another_device_of_the_account_speaks_where_the_first_one_joined():
    owner, room, second = register(_daemon), fresh("#room"), fresh("second")
    expect(conclave(_daemon, second, "login", user=owner, password=PASSWORD), 0)
    _run(owner, "create", room)
    assert _run(second, "send", room, "from the other one").out == "stored\n"
    assert _run(owner, "recv", "--count", "1").out.endswith("%s %s: from the other one\n" % (room, owner))
    _says(second, "send", fresh("#nowhere"), "hi", status=4, why="There is no room")


def to_ask_for_the_password_of_a_room_is_no_guess():
    owner, bob, room = register(_daemon), register(_daemon), fresh("#room")
    for name, text in (("right", "open sesame"), ("wrong", "open barley")):
        with open(path(name), "w") as file:
            file.write(text + "\n")
        os.chmod(path(name), 0o600)
    _run(owner, "create", room, "--password-file", path("right"))
    for _ in range(4):
        _says(bob, "join", room, status=3, why="--password-file")
    for _ in range(3):
        _says(bob, "join", room, "--password-file", path("wrong"), status=3, why="That is not the password")
    _says(bob, "join", room, "--password-file", path("right"), status=3, why="try again in ")
    listed = objects(_run(bob, "--json", "rooms").out)[-1]["rooms"]
    assert {"name": room, "members": 1, "topic": "", "visibility": "password"} in listed, listed


main(globals())
