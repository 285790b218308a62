"""Shared by the tests of conclave-top: registries that publish often, and what is
asked of one."""

import json
import os
import subprocess

from conclave_e2e import PATIENCE, TOP, Daemon, environment, fresh, path

CONCLAVE_TOP = os.environ.get("CONCLAVE_TOP", os.path.join(TOP, "conclave-top"))


def monitored(interval_ms=100, *lines):
    """A daemon with these lines in the section monitor of its configuration."""
    config = path(fresh("conf"))
    with open(config, "w") as file:
        file.write("".join(["monitor\n"] + ["    %s\n" % line for line in ("interval_ms = %d" % interval_ms,) + lines]))
    return Daemon("--config", config)


def log(daemon):
    with open(daemon.data + ".log", errors="replace") as file:
        return file.read()


def top(*words):
    return subprocess.run([CONCLAVE_TOP] + list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, env=environment())


def sample(daemon):
    done = top("--data", daemon.data, "--once", "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def figure(daemon, name, label=None):
    value = sample(daemon)["figures"].get(name, {} if label else 0)
    return value.get(label, 0) if label else value
