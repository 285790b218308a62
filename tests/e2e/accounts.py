"""Accounts as a user of the conclave program meets them: sign up, log in, find
people, change the password, devices, deletion, and being blocked."""

import os
import time

from conclave_e2e import (PASSWORD, Daemon, Session, conclave, expect, fresh, main, objects, path, person, register,
                          within)

_daemon = Daemon()


def two_people_sign_up_and_find_each_other():
    alice, bob = person(_daemon), person(_daemon)
    answer = alice.ask("/search " + bob.name)
    assert answer["type"] == "user" and answer["name"] == bob.name and answer["status"] == "online", answer
    assert ":" in answer["endpoint"], answer
    answer = alice.ask("/search @" + bob.name.upper())
    assert answer["status"] == "online", answer
    answer = bob.ask("/search " + fresh("stranger"))
    assert answer["status"] == "not-found" and "endpoint" not in answer, answer
    assert alice.end() == 0
    answer = bob.ask("/search " + alice.name)
    assert answer["status"] == "offline", answer
    assert bob.end() == 0


def who_is_simple_or_detailed():
    alice, bob = person(_daemon), person(_daemon)
    users = {u["name"]: u for u in alice.ask("/who")["users"]}
    assert users[bob.name]["status"] == "online" and "endpoint" not in users[bob.name], users
    users = {u["name"]: u for u in alice.ask("/who -d")["users"]}
    assert ":" in users[bob.name]["endpoint"], users
    alice.end()
    done = expect(conclave(_daemon, alice.name, "who"), 0)
    assert bob.name in done.out, done
    done = expect(conclave(_daemon, alice.name, "--json", "who", "-d"), 0)
    (users,) = [o for o in objects(done.out) if o["type"] == "users"]
    assert any(u["name"] == bob.name and ":" in u["endpoint"] for u in users["users"]), users
    expect(conclave(_daemon, alice.name, "search", bob.name), 0)
    expect(conclave(_daemon, alice.name, "search", fresh("stranger")), 4)
    bob.end()


def a_name_is_taken_once_also_in_other_letters():
    name = register(_daemon)
    done = expect(conclave(_daemon, fresh("home"), "--json", "register", user=name.upper(), password=PASSWORD), 1)
    assert objects(done.out)[-1]["code"] == "name-taken", done


def bad_names_and_weak_passwords_are_refused():
    for name in ("", " ", "a b", "-x", "x" * 33, "a\u202eb", "\u0430lice"):
        if name == "":
            continue
        done = conclave(_daemon, fresh("home"), "--json", "register", user=name, password=PASSWORD)
        assert done.status == 1 and objects(done.out)[-1]["code"] == "bad-name", (name, done)
    for password in ("short", "password", "aaaaaaaaaaaa"):
        done = conclave(_daemon, fresh("home"), "--json", "register", user=fresh("person"), password=password)
        assert done.status == 1 and objects(done.out)[-1]["code"] == "weak-password", (password, done)


def a_session_enrols_with_a_name_and_a_password():
    name = register(_daemon)
    session = Session(_daemon, fresh("second"), user=name, password=PASSWORD)
    session.logged_in()
    assert len(session.ask("/devices")["devices"]) == 2
    assert session.end() == 0


def a_session_with_a_wrong_password_ends_with_3():
    name = register(_daemon)
    session = Session(_daemon, fresh("wrong"), user=name, password="not the password")
    session.wait("error", code="wrong-credentials")
    assert session.ask("/who")["code"] == "not-logged-in"
    assert session.end() == 3


def a_wrong_password_and_a_wrong_name_look_the_same():
    name = register(_daemon)
    a = expect(conclave(_daemon, fresh("wrong"), "login", user=name, password="not the password"), 3)
    b = expect(conclave(_daemon, fresh("wrong"), "login", user=fresh("stranger"), password="not the password"), 3)
    assert a.err == b.err and "conclave -u NAME register" in a.err, (a.err, b.err)


def three_wrong_passwords_block_with_the_exact_sentence():
    name = register(_daemon)
    for _ in range(3):
        expect(conclave(_daemon, fresh("wrong"), "login", user=name, password="not the password"), 3)
    done = expect(conclave(_daemon, fresh("wrong"), "--json", "login", user=name, password=PASSWORD), 3)
    error = objects(done.out)[-1]
    assert error["code"] == "blocked", error
    words = error["message"].split(" ")
    seconds = words[-3]
    assert error["message"] == ("You are blocked due to multiple failed login attempts. "
                                "Try again %s seconds later." % seconds), error
    assert 1 <= int(seconds) <= 10, error
    # A device that is enrolled already is not held up by somebody else's failures.
    expect(conclave(_daemon, name, "who"), 0)


def the_password_comes_from_a_file_or_a_descriptor():
    name = fresh("person")
    with open(path("password"), "w") as file:
        file.write(PASSWORD + "\nsecond line\n")
    os.chmod(path("password"), 0o644)
    done = expect(conclave(_daemon, name, "--password-file", path("password"), "register", user=name), 0)
    assert "can be read by others" in done.err, done
    os.chmod(path("password"), 0o600)
    done = expect(conclave(_daemon, fresh("home"), "--password-file", path("password"), "login", user=name), 0)
    assert done.err == "", done
    fd = os.open(path("password"), os.O_RDONLY)
    expect(conclave(_daemon, fresh("home"), "--password-fd", str(fd), "who", user=name, fds=(fd,)), 0)
    os.close(fd)
    expect(conclave(_daemon, fresh("home"), "--password-file", path("no such file"), "who", user=name), 2)


def the_password_changes():
    name = register(_daemon)
    expect(conclave(_daemon, name, "passwd", password="not the password", stdin="a brand new 77 horse\n"), 3)
    expect(conclave(_daemon, name, "passwd", password=PASSWORD, stdin="short\n"), 1)
    expect(conclave(_daemon, name, "passwd", password=PASSWORD, stdin="a brand new 77 horse\nrest"), 0)
    expect(conclave(_daemon, fresh("home"), "login", user=name, password=PASSWORD), 3)
    expect(conclave(_daemon, fresh("home"), "login", user=name, password="a brand new 77 horse"), 0)
    expect(conclave(_daemon, name, "passwd", password="a brand new 77 horse",
                    environ={"CONCLAVE_NEW_PASSWORD": PASSWORD}), 0)


def a_revoked_device_is_shut_out():
    name = register(_daemon)
    second = Session(_daemon, fresh("second"), user=name, password=PASSWORD)
    second.logged_in()
    done = expect(conclave(_daemon, name, "--json", "devices"), 0)
    (devices,) = [o["devices"] for o in objects(done.out) if o["type"] == "devices"]
    assert len(devices) == 2 and sum(d["current"] for d in devices) == 1, devices
    (other,) = [d["id"] for d in devices if not d["current"]]
    expect(conclave(_daemon, name, "devices", "revoke", str(other)), 0)
    second.wait(test=lambda e: e["type"] in ("notice", "session", "error") and e.get("code") is not None)
    second.end()
    done = conclave(_daemon, second.home, "who")
    assert done.status in (3, 6, 8), done
    expect(conclave(_daemon, name, "who"), 0)


def a_logout_lasts_until_a_login():
    alice = person(_daemon)
    alice.ok("/logout")
    alice.wait("session", state="logged-out")
    assert alice.ask("/who")["code"] == "not-logged-in"
    assert alice.end() == 0
    expect(conclave(_daemon, alice.name, "who"), 3)
    session = Session(_daemon, alice.name)
    assert session.ask("/who")["code"] == "not-logged-in"
    session.ok("/login")
    session.logged_in()
    assert session.ask("/who")["type"] == "users"
    session.end()
    expect(conclave(_daemon, alice.name, "who"), 0)


def commands_given_at_once_see_what_those_before_them_did():
    name = register(_daemon)
    lines = "/logout\n/who\n/login\n/who\n/logout\n/login\n/login\n/register\n/quit\n"
    done = expect(conclave(_daemon, name, "--json", user=name, password=PASSWORD, stdin=lines), 0)
    answers = [o.get("code", o["type"]) for o in objects(done.out) if o["type"] in ("ok", "error", "users")]
    assert answers == ["ok", "not-logged-in", "ok", "users", "ok", "ok", "already-online", "already-online", "ok"], answers


def a_forgotten_device_needs_the_password_again():
    name = register(_daemon)
    expect(conclave(_daemon, name, "logout", "--forget"), 0)
    expect(conclave(_daemon, name, "who"), 3)
    expect(conclave(_daemon, name, "who", user=name, password=PASSWORD), 0)


def a_deleted_account_is_gone():
    name = register(_daemon)
    asker = person(_daemon)
    expect(conclave(_daemon, name, "delete-account"), 0)
    assert asker.ask("/search " + name)["status"] == "not-found"
    expect(conclave(_daemon, fresh("home"), "login", user=name, password=PASSWORD), 3)
    asker.end()


def a_home_is_used_by_one_process():
    alice = person(_daemon)
    done = expect(conclave(_daemon, alice.name, "who"), 1)
    assert done.err, done
    done = expect(conclave(_daemon, alice.name, "--json", "who"), 1)
    assert objects(done.out)[-1]["type"] == "error", done
    assert alice.ask("/who")["type"] == "users"
    alice.end()
    expect(conclave(_daemon, alice.name, "who"), 0)


def another_registry_under_the_same_address_is_refused():
    other = Daemon()
    name = register(other)
    link = other.link
    other.stop()
    done = conclave(_daemon, name, "who")  # another link in the place of the pinned one
    assert done.status == 7, done
    del link


def an_unreachable_registry_is_6():
    other = Daemon()
    name = register(other)
    other.stop()
    done = expect(conclave(other, name, "--timeout", "5", "--json", "who"), 6)
    assert objects(done.out)[-1]["code"] == "registry-unreachable", done
    expect(conclave(other, fresh("home"), "register", user=fresh("person"), password=PASSWORD), 6)


def a_registry_whose_name_does_not_resolve_is_6_soon_and_named():
    link = _daemon.link.replace("127.0.0.1", "no-such-host.invalid")
    for words in (("register",), ("who",)):
        start = time.monotonic()
        done = expect(conclave(None, fresh("home"), "-r", link, *words, user=fresh("person"), password=PASSWORD), 6)
        assert "no-such-host.invalid" in done.err, done
        assert time.monotonic() - start < within(15), "as long as for an answer that does not come"


def a_passphrase_locks_the_home():
    name = register(_daemon)
    expect(conclave(_daemon, name, "passphrase", environ={"CONCLAVE_NEW_PASSPHRASE": "open sesame"}), 0)
    done = conclave(_daemon, name, "who")
    assert done.status == 3 and "passphrase" in done.err, done
    expect(conclave(_daemon, name, "who", environ={"CONCLAVE_PASSPHRASE": "open sesame"}), 0)
    expect(conclave(_daemon, name, "passphrase",
                    environ={"CONCLAVE_PASSPHRASE": "open sesame", "CONCLAVE_NEW_PASSPHRASE": ""}), 0)
    expect(conclave(_daemon, name, "who"), 0)


def a_session_ends_within_5_seconds_of_the_end_of_stdin():
    alice = person(_daemon)
    start = time.monotonic()
    assert alice.end() == 0
    assert time.monotonic() - start < within(5)


main(globals())
