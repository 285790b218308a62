"""The conclave program where people and scripts do what they should not: what
it answers, how it ends, and whom it still trusts."""

import os
import signal
import subprocess

import conclave_e2e
from conclave_e2e import (ANSWERS, CONCLAVE, PASSWORD, PATIENCE, Daemon, Session, Skip, conclave, environment,
                          eventually, expect, fresh, main, objects, path, person, register)

_daemon = Daemon()


def _raw(home, *words, user=None, stdin=b"", shell="", environ=None):
    """Bytes in, bytes out; `shell` is what a shell should do with the descriptors."""
    line = [CONCLAVE, "--home", path(home), "--listen", "127.0.0.1:0", "-r", _daemon.link]
    if user is not None:
        line += ["-u", user]
    line += words
    if shell:
        line = ["sh", "-c", 'exec "$@" ' + shell, "sh"] + line
    env = environment(environ or {"CONCLAVE_PASSWORD": PASSWORD})
    return subprocess.run(line, input=stdin, capture_output=True, timeout=PATIENCE, env=env, start_new_session=True)


def _error(done):
    return [o for o in objects(done.stdout.decode()) if o["type"] == "error"][-1]["code"]


def names_that_are_none_are_bad_names():
    for name in (b"", b" ", b"@", b"x" * 33, b"x" * 100000, b"a\x01b", b"a\nb", b"a\x1b[31m", b"a\xe2\x80\xaeb",
                 b"\xff\xfe", b"\xed\xa0\x80", b"-x", "\u200b".encode(), "\u0430lice".encode()):
        done = _raw(fresh("home"), "--json", "register", user=name)
        assert done.returncode == 1 and _error(done) == "bad-name", (name[:40], done)


def what_looks_like_a_name_that_is_taken_is_taken():
    name = register(_daemon, "lookalice")
    for other in (name.upper(), "\uff4c\uff4fokalice", "lookal\u0131ce", "\U0001d425ookalice"):
        done = _raw(fresh("home"), "--json", "register", user=other)
        assert done.returncode == 1 and _error(done) == "name-taken", (other, done)


def an_option_that_is_wrong_is_told_in_json_too():
    for words in (("--timeout", "never", "--json", "who"), ("--json", "--nonsense"), ("--json", "--password-fd", "x")):
        done = _raw(fresh("home"), *words)
        assert done.returncode == 2 and _error(done) == "bad-arguments" and not done.stderr, done


def the_text_on_stdin_may_be_anything():
    alice, bob = register(_daemon), person(_daemon)
    for text, code in ((b"", 2), (b"\r\n", 2), (b"a\0b", 2), (b"\xff\xfe", 2), (b"x" * 49153, 1), (b"x" * 2000000, 1)):
        done = _raw(alice, "--json", "send", bob.name, "-", stdin=text)
        assert done.returncode == code, (text[:20], done)
        assert _error(done) == ("bad-arguments" if code == 2 else "too-large"), done
    for text, heard in ((b"x" * 49152, "x" * 49152), (b"a\r\nb\r\n", "a\r\nb"), (b"\x1b]0;t\x07", "\x1b]0;t\x07")):
        assert _raw(alice, "--json", "send", bob.name, "-", stdin=text).returncode == 0
        assert bob.wait("message")["text"] == heard
    bob.end()


def lines_of_any_bytes_are_answered_once_and_in_order():
    alice, bob = register(_daemon), person(_daemon)
    to = b"/msg " + bob.name.encode() + b" "
    lines = [(to + b"a\0b", "bad-arguments"), (b"\0", "bad-arguments"), (b"/who\r", "users"),
             (to + b"\xff", "bad-arguments"), (b"/\xff", "unknown-command"), (b"/", "unknown-command"),
             (b"", None), (b" \t", None), (b"//", "bad-arguments"), (b"@", "bad-arguments"),
             (to + b"\x1b[31m\x07\r", "ok"), (b"/" + b"x" * 70000, "unknown-command"), (to + b"y" * 49152, "ok"),
             (to + b"y" * 49153, "too-large"), (to + b"z" * 10000000, "too-large"), (b"/search " + b"n" * 9999, "user"),
             (b"/\x1b[31mred", "unknown-command"), (b"/devices revoke 0", "bad-arguments"), (b"/who", "users")]
    done = _raw(alice, "--json", stdin=b"\n".join(line for line, _ in lines))
    answers = [o.get("code", o["type"]) for o in objects(done.stdout.decode()) if o["type"] in ANSWERS]
    assert answers == [answer for _, answer in lines if answer], answers
    assert done.returncode == 0 and b"\x1b" not in done.stdout, done.returncode
    done = _raw(alice, stdin=b"\n".join(line for line, _ in lines))
    assert done.returncode == 0 and b"\x1b" not in done.stdout + done.stderr
    assert bob.wait("message")["text"] == "\x1b[31m\x07"
    bob.end()


def what_there_is_no_time_for_at_the_end_is_answered_too():
    alice = register(_daemon)
    done = _raw(alice, "--json", stdin=b"/search nobody\n/nonsense\n" * 500)
    answers = [o.get("code", o["type"]) for o in objects(done.stdout.decode()) if o["type"] in ANSWERS]
    assert done.returncode == 0 and len(answers) == 1000, (done.returncode, len(answers))
    assert answers[1::2] == ["unknown-command"] * 500
    asked = answers[0::2]
    assert set(asked) <= {"user", "busy"} and asked == sorted(asked, reverse=True), asked


def a_signal_ends_it_in_order():
    bob, name = person(_daemon), register(_daemon)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        alice = Session(_daemon, name)
        alice.logged_in()
        assert alice.kill(number) == 128 + number
        eventually("offline", lambda: bob.ask("/search " + name)["status"] == "offline", 5)  # long before its lease ends
    bob.end()


def descriptors_that_are_closed_are_not_taken_for_others():
    name = register(_daemon)
    done = _raw(name, "--json", shell="<&-")
    assert done.returncode == 0, done
    done = _raw(name, "--json", "who", shell="<&- 2>&-")
    assert done.returncode == 0 and b'"users"' in done.stdout, done
    for words in (("--json", "who"), ("who",), ("--json",), ("--plain",)):
        done = _raw(name, *words, stdin=b"/who\n", shell=">&-")
        assert done.returncode == 128 + signal.SIGPIPE, done
        done = _raw(name, *words, stdin=b"/who\n", shell=">/dev/full")
        assert done.returncode == 128 + signal.SIGPIPE, done
    expect(conclave(_daemon, name, "who"), 0)  # and nothing was written over


def a_disk_that_is_full_or_read_only_is_told():
    name, mount = register(_daemon), path(fresh("disk"))
    os.mkdir(mount)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], capture_output=True).returncode != 0:
        raise Skip("no right to mount a file system")
    try:
        os.mkdir(os.path.join(mount, "home"))
        home = os.path.join(os.path.basename(mount), "home")
        with open(os.path.join(mount, "filler"), "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        done = conclave(_daemon, home, "register", user=fresh("person"), password=PASSWORD)
        assert done.status == 1 and "full" in done.err, done
        os.remove(os.path.join(mount, "filler"))
        expect(conclave(_daemon, home, "register", user=fresh("person"), password=PASSWORD), 0)
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True, capture_output=True)
        for words in (("who",), ("send", name, "hi")):
            done = conclave(_daemon, home, *words)
            assert done.status == 1 and done.err.startswith("conclave: "), done
    finally:
        subprocess.run(["umount", "-l", mount], capture_output=True)


def another_account_under_a_known_name_gets_nothing_before_it_is_trusted():
    alice, bob, carol = person(_daemon), register(_daemon), register(_daemon)
    alice.ok("/msg %s hi" % bob)
    expect(conclave(_daemon, bob, "--json", "recv", "--count", "1"), 0)
    expect(conclave(_daemon, carol, "--timeout", "0", "send", bob, "hi"), 5)
    expect(conclave(_daemon, bob, "delete-account"), 0)
    expect(conclave(_daemon, carol, "send", bob, "to nobody"), 4)
    expect(conclave(_daemon, fresh("home"), "register", user=bob, password=PASSWORD), 0)
    impostor = Session(_daemon, "home%d" % conclave_e2e._numbers["home"])
    impostor.logged_in()
    done = expect(conclave(_daemon, carol, "--json", "send", bob, "a secret"), 7)
    notice = [o for o in objects(done.out) if o["type"] == "notice"][-1]
    assert notice["code"] == "peer-key-changed" and notice["user"] == bob, notice
    alice.ok("/msg %s a secret" % bob)
    alice.wait("notice", code="peer-key-changed", user=bob)
    impostor.ok("/msg %s I am back" % alice.name)
    impostor.wait("notice", code="forbidden", user=alice.name)
    alice.ok("/trust " + bob)
    alice.ok("/msg %s welcome" % bob)
    assert impostor.wait("message")["text"] == "welcome"
    assert alice.wait("message")["text"] == "I am back"
    expect(conclave(_daemon, carol, "trust", bob), 0)
    expect(conclave(_daemon, carol, "send", bob, "welcome too"), 0)
    assert impostor.wait("message")["text"] == "welcome too"
    assert impostor.end() == 0 and alice.end() == 0


def whoever_is_blocked_is_told_with_8_and_heard_again_later():
    alice, bob = person(_daemon), register(_daemon)
    expect(conclave(_daemon, bob, "send", alice.name, "hi"), 0)
    alice.ok("/block " + bob)
    done = expect(conclave(_daemon, bob, "send", alice.name, "and now"), 8)
    assert "%s: The other side refused." % alice.name in done.err, done
    alice.ok("/unblock " + bob)
    expect(conclave(_daemon, bob, "send", alice.name, "at last"), 0)
    assert [alice.wait("message")["text"] for _ in range(3)] == ["hi", "and now", "at last"]
    alice.end()


def each_device_gets_each_message_and_a_revoked_one_none():
    alice, bob = person(_daemon), person(_daemon)
    second = Session(_daemon, fresh("second"), user=bob.name, password=PASSWORD)
    second.logged_in()
    sent = alice.ok("/msg %s both" % bob.name)
    assert bob.wait("message")["text"] == "both" and second.wait("message")["text"] == "both"
    alice.wait("receipt", id=sent["id"], state="delivered")
    second.ok("/msg %s from the second" % alice.name)
    alice.wait("message")
    assert second.end() == 0
    sent = alice.ok("/msg %s later" % bob.name)
    alice.wait("receipt", id=sent["id"], state="delivered")
    second = Session(_daemon, second.home)
    assert second.wait("message")["text"] == "later"
    (other,) = [d["id"] for d in bob.ask("/devices")["devices"] if not d["current"]]
    alice.put("/msg %s linked" % bob.name)
    assert second.wait("message")["text"] == "linked"
    bob.ok("/devices revoke %d" % other)
    second.wait("notice", code="forbidden")
    # Their link does not go through the registry; its word reaches alice at once.
    eventually("who is shut out", lambda: second.ask("/who").get("code") == "wrong-credentials")
    second.ok("/msg %s from a revoked device" % alice.name)
    alice.ok("/msg %s for the first alone" % bob.name)
    assert [bob.wait("message")["text"] for _ in range(3)][-1] == "for the first alone"
    second.end(), alice.end()
    for inbox in (alice, second):
        assert not [e for e in inbox.events if e["type"] == "message"], inbox.events
    expect(conclave(_daemon, second.home, "who"), 3)
    bob.end()


def a_home_that_forgot_its_account_serves_another():
    alice, first = person(_daemon), register(_daemon)
    expect(conclave(_daemon, first, "send", alice.name, "one"), 0)
    expect(conclave(_daemon, first, "logout", "--forget"), 0)
    other = fresh("person")
    expect(conclave(_daemon, first, "register", user=other, password=PASSWORD), 0)
    expect(conclave(_daemon, first, "send", alice.name, "two"), 0)
    expect(conclave(_daemon, first, "logout", "--forget"), 0)
    expect(conclave(_daemon, first, "login", user=other, password=PASSWORD), 0)
    expect(conclave(_daemon, first, "send", alice.name, "three"), 0)
    heard = [alice.wait("message") for _ in range(3)]
    assert [(m["from"], m["text"]) for m in heard] == [(first, "one"), (other, "two"), (other, "three")], heard
    alice.end()


def without_a_socket_of_its_own_and_over_ipv6():
    alice = person(_daemon)
    for listen in ("none", "[::1]:0"):
        name = fresh("person")
        words = [CONCLAVE, "--home", path(name), "-r", _daemon.link, "--listen", listen, "--json", "-u", name]
        env = environment({"CONCLAVE_PASSWORD": PASSWORD})
        assert subprocess.run(words + ["register"], env=env, capture_output=True, timeout=PATIENCE).returncode == 0
        done = subprocess.run(words + ["send", alice.name, "through", listen], env=env, capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, done
        assert alice.wait("message")["text"] == "through " + listen
    alice.end()


main(globals())
