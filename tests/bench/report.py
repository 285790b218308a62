"""What tests/bench/run.sh needs Python for, and the page of it all.

    report.py machine                   the machine and its libraries, as JSON
    report.py begin TOP NAME TIMES      the first line of a file of results; TIMES is what the shell's `times` wrote
    report.py end FILE TIMES            its last line
    report.py line                      a line of results, for people
    report.py bounds RESULTS NAME...    which bounds are met and which are missed
    report.py write RESULTS TOP         TOP/BENCH.md and TOP/doc/bench/*.svg

Nothing in it names the machine or a place on it."""

import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from xml.sax.saxutils import escape

LIBRARIES = ("libzmq", "libczmq", "libsodium", "lmdb", "msgpack-c", "msgpack")
MANY = 100      # peers: from there on the memory of one session shows
LONG_S = 600    # and so does growth from there on
OTHERS = 0.1    # of the processors: what others have of the machine without a word
FAULTS = ("lost", "doubled", "reordered", "damaged")
ORDER = ("rtt", "oneway", "search", "argon2", "signups", "return", "idle", "relay", "log", "rooms", "room", "room100", "bigroom", "load", "simnet")
TITLES = {
    "rtt": "A message between two peers, there and back",
    "oneway": "Messages between two peers, one way, as many as go",
    "search": "Requests to the registry",
    "argon2": "Requests while the door is flooded with passwords",
    "signups": "Sign-ups, on disk",
    "return": "Everybody comes back at once",
    "idle": "10,000 sessions that say nothing",
    "relay": "Rooms at the registry, with members who only count",
    "log": "The log of a room, against LMDB itself",
    "rooms": "Many rooms beside few, in the registry's core",
    "room": "Rooms of real peers",
    "room100": "A room of a hundred real peers",
    "bigroom": "A room of a thousand real peers",
}
NOTES = {
    "rtt": "Ours look for an answer for up to 0.2 ms before they sleep while answers come at once, the bare ones sleep; after a rest all of them sleep.",
    "room": "At full speed the sender waits for members, so that nobody is behind, as the bare ROUTER does; where all are behind it is far ahead of them, and they read the log. "
    "Runs are by turns with the bare program's; the ratio is the middle of theirs, and `ours` that of the bare program's middle. One a second: turns of a lease.",
}


def _output(*words):
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


# ---- what is noted as it runs ----

def _cpu():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith(("model name", "Model")):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def _memory_gib():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
    except (OSError, ValueError):
        return 0


def _system():
    try:
        with open("/etc/os-release") as file:
            fields = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
        return fields.get("PRETTY_NAME", "").strip('"')
    except OSError:
        return ""


def machine():
    """Of this machine, as far as it matters; not its name."""
    found = {library: _output("pkg-config", "--modversion", library) for library in LIBRARIES}
    return {"cpu": _cpu(), "cores": len(os.sched_getaffinity(0)), "memory_gib": round(_memory_gib(), 1), "system": _system(),
            "kernel": "%s %s" % (platform.system(), platform.release().split("-")[0]),
            "libraries": {name: version for name, version in found.items() if version}}


def busy(stat="/proc/stat"):
    """CPU seconds that this machine's processors have worked since its start, or that their host took away; None: it does not say."""
    try:
        with open(stat) as file:
            ticks = [int(word) for word in file.readline().split()[1:]]
    except (OSError, ValueError):
        return None
    if len(ticks) < 8 or sum(ticks) == 0:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = ticks[:8]
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own(times):
    """CPU seconds of a shell and of all whom it has waited for, from what its `times` wrote."""
    with open(times) as file:
        return sum(60 * int(minutes) + float(seconds) for minutes, seconds in re.findall(r"(\d+)m([\d.]+)s", file.read()))


def end(begun, at_s, busy_s, own_s):
    """The last line of a file of results: how much of its processors the machine spent meanwhile on what is not ours, from 0 to 1."""
    others = None
    if busy_s is not None and begun["busy_s"] is not None and at_s > begun["at_s"]:
        others = (busy_s - begun["busy_s"] - (own_s - begun["own_s"])) / (at_s - begun["at_s"]) / os.cpu_count()
        others = round(min(max(others, 0), 1), 3)
    return {"kind": "end", "others": others}


def _commit(top):
    """The commit, and whether sources differ from it; what is generated here does not count."""
    commit = _output("git", "-C", top, "rev-parse", "--short=10", "HEAD")
    changed = _output("git", "-C", top, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!BENCH.md", ":!doc/bench")
    return commit or "a release", bool(commit and changed)


def begin(top, name, own_s):
    """Where and when a bench begins; own_s: CPU seconds that those who run it, and what they started, had so far."""
    commit, changed = _commit(top)
    return {"kind": "begin", "bench": name, "commit": commit, "changed": changed, "at_s": time.monotonic(), "busy_s": busy(),
            "own_s": own_s, "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime())}


def _read(results, name):
    lines = []
    try:
        with open(os.path.join(results, name + ".jsonl")) as file:
            for line in file:
                lines.append(json.loads(line))
    except OSError:
        pass
    return lines


def _met(row):
    """None: there is no bound."""
    if row["at"] == "shown":
        return None
    return row["ratio"] <= row["bound"] if row["at"] == "most" else row["ratio"] >= row["bound"]


def _figure(value, digits=3):
    """Three digits that count, and no more noughts than it takes."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return "{:,.0f}".format(round(value, digits - 1 - int(math.floor(math.log10(abs(value))))))
    return "%.*g" % (digits, value)


def _clean(result):
    return result is not None and all(result[name] == 0 for name in FAULTS)


def _faults(result):
    if result is None:
        return "**not done**"
    found = ["%s %s" % (_figure(result[name]), name) for name in FAULTS if result[name] > 0]
    return "**%s**" % ", ".join(found) if found else "all is well"


def line(entry):
    """One run of conclave-stress, as a line of the table; whether it can be used."""
    result = entry["result"]
    words = entry["command"].replace("conclave-stress ", "")
    if result is None:
        return "%s: no result" % words, False
    if "worlds" in result:
        text = "%s: %d worlds" % (words, len(result["worlds"]))
    else:
        text = "%s: %s/s delivered, p50 %s us, p99 %s us" % (words, _figure(result["delivered_per_s"]), _figure(result["p50_us"]), _figure(result["p99_us"]))
    return "%s; %s" % (text, _faults(result).replace("*", "")), True


def bounds(results, names):
    """The sentence at the end of a run."""
    rows = [row for name in names for row in _read(results, name) if row["kind"] == "row" and _met(row) is not None]
    missed = [row for row in rows if not _met(row)]
    if not rows:
        return "bounds: these have none"
    text = "bounds: %d of %d are met" % (len(rows) - len(missed), len(rows))
    return "\n".join([text] + ["  MISSED: %s: %.3g, to be %s %.3g" % (row["what"], row["ratio"], "<=" if row["at"] == "most" else ">=", row["bound"]) for row in missed])


# ---- the drawing of the ratios ----

WIDTH, LEFT, RIGHT, ROW, TOP = 960, 330, 120, 22, 70
COLOURS = {True: "#2a7f3f", False: "#b3261e", None: "#9a9a9a"}


def _bars(benches):
    """Bars from 1, what the bare program does, on a logarithmic scale; a mark where the bound is.  benches: names and their rows."""
    rows = [row for _, of in benches for row in of]
    ratios = [value for row in rows for value in (row["ratio"], row["bound"] if row["at"] != "shown" else row["ratio"]) if value > 0]
    low = 10 ** math.floor(math.log10(min(ratios + [0.5])))
    high = 10 ** math.ceil(math.log10(max(ratios + [2])))
    height = TOP + ROW * (len(rows) + len(benches)) + 40

    def x(value):
        value = min(max(value, low), high)
        return LEFT + math.log(value / low) / math.log(high / low) * (WIDTH - LEFT - RIGHT)

    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">' % (WIDTH, height),
           '<rect width="%d" height="%d" fill="#fff"/>' % (WIDTH, height),
           '<text x="20" y="26" font-size="16">Ratios to the bare program of the same run (1); the mark is the bound</text>',
           '<text x="20" y="46" fill="%s">bound met</text><text x="110" y="46" fill="%s">bound missed</text><text x="220" y="46" fill="%s">no bound</text>'
           % (COLOURS[True], COLOURS[False], COLOURS[None])]
    step = low
    while step <= high * 1.001:
        out.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/>' % (x(step), TOP - 8, x(step), height - 30))
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%g</text>' % (x(step), height - 12, step))
        step *= 10
    lines = [line for name, of in benches for line in [name] + of]
    for index, row in enumerate(lines):
        y = TOP + ROW * index
        if isinstance(row, str):
            out.append('<text x="20" y="%d" font-weight="bold">%s</text>' % (y + 14, escape(TITLES[row])))
            continue
        from_x, to_x = sorted((x(1), x(row["ratio"])))
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 10, y + 12, escape(row["what"])))
        out.append('<rect x="%.1f" y="%d" width="%.1f" height="14" fill="%s"/>' % (from_x, y, max(to_x - from_x, 1.5), COLOURS[_met(row)]))
        label = "%.2f" % row["ratio"]
        if row["at"] != "shown":
            sign = "≤" if row["at"] == "most" else "≥"
            out.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#000" stroke-width="2"/>' % (x(row["bound"]), y - 3, x(row["bound"]), y + 17))
            label += " (%s %g)" % (sign, row["bound"])
        out.append('<text x="%.1f" y="%d">%s</text>' % (WIDTH - RIGHT + 8, y + 12, label))
    out.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#000"/>' % (x(1), TOP - 8, x(1), height - 30))
    return "\n".join(out + ["</svg>", ""])


# ---- the page ----

def _table(header, rows, numbers):
    """Markdown; `numbers` are the columns that stand to the right."""
    rule = ["---:" if index in numbers else "---" for index in range(len(header))]
    return ["| %s |" % " | ".join(str(cell) for cell in cells) for cells in [header, rule] + rows] + [""]


def _failed(results, names):
    """What is not as it must be, but for bounds."""
    out = []
    for entry in (entry for name in names for entry in _read(results, name)):
        if entry["kind"] == "failed":
            out.append("- **could not be measured: `%s`**" % re.sub("^stress ", "conclave-stress ", entry["command"]))
        elif entry["kind"] == "stress" and entry["result"] is not None and not _clean(entry["result"]):
            out.append("- `%s`: %s" % (entry["command"], _faults(entry["result"])))
    return out


def _head(given, begun, ended, rows, failed):
    libraries = ", ".join("%s %s" % pair for pair in given["libraries"].items())
    busiest = sorted(((name, entry["others"]) for name, entry in ended if entry["others"] is not None), key=lambda pair: -pair[1])
    others = [part for _, part in busiest]
    commits = {}
    for entry in begun:
        commits.setdefault("%s%s" % (entry["commit"], " with changes" if entry["changed"] else ""), []).append(entry["bench"])
    missed = [row for row in rows if _met(row) is False]
    bound = [row for row in rows if _met(row) is not None]
    out = ["# Benchmarks", "",
           "Generated by `make bench-report`; what is written here by hand is lost. A ratio is to a bare",
           "program on libzmq, LMDB or the like that does the same without Conclave, in the same run on the same",
           "machine; figures without a ratio say as much about the machine as about Conclave.", ""]
    out += _table(["", ""], [["processor", "%s, %d cores" % (given["cpu"], given["cores"])], ["memory", "%s GiB" % _figure(given["memory_gib"])],
                            ["system", "%s, %s" % (given["system"], given["kernel"])], ["libraries", libraries],
                            ["commit", ", ".join(commits)], ["measured", "%s to %s UTC" % (min(entry["date"] for entry in begun), max(entry["date"] for entry in begun))],
                            ["had by others meanwhile", "%.0f to %.0f %% of the processors" % (100 * min(others), 100 * max(others)) if others else "not known"]], ())
    if len(commits) > 1:
        out += ["**Not all of it was measured of one commit**: %s." % "; ".join("%s: %s" % (commit, ", ".join(of)) for commit, of in commits.items()), ""]
    if others and max(others) > OTHERS:
        out += ["**The machine had other work while some of this was measured**: %s." % ", ".join(
            "%.0f %% of the processors in `%s`" % (100 * part, name) for name, part in busiest if part > OTHERS), ""]
    out.append("**%d of %d bounds are met%s**" % (len(bound) - len(missed), len(bound), "; missed:" if missed else "."))
    out += [""] + ["- %s: %.2f, to be %s %g" % (row["what"], row["ratio"], "at most" if row["at"] == "most" else "at least", row["bound"]) for row in missed]
    return out + ([""] if missed else []) + failed + [""]


def _ratios(results, names):
    out = ["## Beside bare programs", ""]
    if any(row["kind"] == "row" for name in names for row in _read(results, name)):
        out += ["![ratios and their bounds](doc/bench/ratios.svg)", ""]
    for name in names:
        lines = _read(results, name)
        rows = [row for row in lines if row["kind"] == "row"]
        out += ["### %s" % TITLES[name], "", "`make bench BENCH=%s`" % name, ""]
        out += [NOTES[name], ""] if name in NOTES else []
        cells = []
        for row in rows:
            bound = "" if row["at"] == "shown" else "%s %g" % ("≤" if row["at"] == "most" else "≥", row["bound"])
            verdict = {True: "met", False: "**missed**", None: ""}[_met(row)]
            cells.append([row["what"], _figure(row["ours"], 4), _figure(row.get("bare"), 4), row["unit"], "%.2f" % row["ratio"], bound, verdict])
        if cells:
            out += _table(["", "ours", "bare", "unit", "ratio", "bound", ""], cells, (1, 2, 4))
        out += ["- %s" % entry["text"] for entry in lines if entry["kind"] == "note"]
        out += _failed(results, [name])
        out += [""] if out[-1] else []
    return out


def _load(results):
    """Each run of conclave-stress with the figures of its last line."""
    entries = [entry for entry in _read(results, "load") if entry["kind"] == "stress"]
    out = ["## Under load", "",
           "`make bench BENCH=load`: real peers against a real registry, all on this machine, peers' stores on",
           "disk, 256 bytes a message; each message checked at each receiver. Without `--rate` as much as goes,",
           "and then latencies are those of a queue that is always full. Latencies in ms, from the moment at",
           "which something was to be said; CPU in seconds for a million deliveries; memory of the registry for",
           "a session where there are many.", ""]
    cells = []
    for entry in entries:
        result = entry["result"]
        command = "`%s`" % entry["command"].replace("conclave-stress ", "")
        if result is None:
            cells.append([command] + ["–"] * 9 + ["**not done**"])
            continue
        session_b = result["rss_per_session_b"] if result["peers"] >= MANY else None
        cells.append([command] + [_figure(result[name]) for name in ("sent_per_s", "delivered_per_s")]
                     + [_figure(result[name] / 1000) for name in ("p50_us", "p99_us", "p999_us", "max_us")]
                     + [_figure(result[name]) for name in ("daemon_cpu_s_per_M", "client_cpu_s_per_M")]
                     + [_figure(None if session_b is None else session_b / 1024), _faults(result)])
    out += _table(["conclave-stress", "sent/s", "delivered/s", "p50", "p99", "p99.9", "max", "CPU registry", "CPU peers", "KiB a session", "checked"], cells, range(1, 10))
    for entry in entries:
        result = entry["result"] or {}
        if "rtt_p50_us" in result:
            out.append("- `%s`: there and back p50 %s ms, p99 %s ms" % (entry["command"], _figure(result["rtt_p50_us"] / 1000), _figure(result["rtt_p99_us"] / 1000)))
        if "back_s" in result:
            out.append("- `%s`: %s after %s s" % (entry["command"], "all mail was read" if result["scenario"] == "mail" else "all were back", _figure(result["back_s"])))
        if result.get("scenario") == "soak" and result["duration_s"] < LONG_S:
            out.append("- `%s`: too short to show whether memory grows; `conclave-stress soak --duration 1200` does" % entry["command"])
        elif result.get("scenario") == "soak":
            out.append("- `%s`: growth in a minute %s KiB and %s descriptors at the registry, %s KiB and %s descriptors at the peers"
                       % ((entry["command"],) + tuple(_figure(result[name]) for name in ("daemon_growth_kb_per_min", "daemon_fds_growth_per_min",
                                                                                         "client_growth_kb_per_min", "client_fds_growth_per_min"))))
    out.append("")
    for entry in entries:
        if entry["plot"]:
            out += ["`%s`:" % entry["command"], "", "![%s](doc/bench/%s)" % (entry["command"], entry["plot"]), ""]
    return out


def _simulated(results):
    out = ["## Simulated: sizes beyond one machine", "",
           "`make bench BENCH=simnet`: **simulated**. The registry's core alone, on a simulated network and with a",
           "store in memory, driven by light peers who sign up, log in, keep leases, join rooms and talk; each",
           "message checked at each receiver. What a real registry spends besides on sockets, CurveZMQ and the",
           "disk is not in it, nor is what libzmq takes for each connection. CPU is of the core's steps on this",
           "machine; memory is that of the core's tables: *reserved* is taken at the start by the configured",
           "limits (some 60 MiB of it whatever the size), *resident* what a session adds as it logs in.", ""]
    for entry in _read(results, "simnet"):
        if entry["kind"] != "stress" or entry["result"] is None:
            continue
        cells = []
        for path, limit in entry["result"]["limits"].items():
            out.append("- `%s` is %s unless `conclaved.conf` says otherwise, and at most %s; set by configuration, as an operator would"
                       % (path, _figure(limit["preset"], 9), _figure(limit["most"], 9)))
        out.append("")
        for world in entry["result"]["worlds"]:
            size = [_figure(world[name], 9) for name in ("peers", "rooms", "members")]
            if "error" in world:
                cells.append(size + ["–"] * 9 + ["**%s**" % world["error"]])
                continue
            cells.append(size + [_figure(world[name]) for name in ("tables_per_session_b", "rss_per_session_b", "sign_up_cpu_us", "log_in_cpu_us", "ping_cpu_us",
                                                                   "join_cpu_us", "post_cpu_us", "copy_cpu_ns", "direct_cpu_us")] + [_faults(world)])
        out += _table(["sessions", "rooms", "members", "reserved, B a session", "resident, B a session", "sign-up, µs", "log-in, µs", "ping, µs", "join, µs",
                       "post, µs", "copy of a post, ns", "direct, µs", "checked"], cells, range(12))
        if entry["plot"]:
            out += ["![growth, simulated](doc/bench/%s)" % entry["plot"], ""]
    return out


def page(results):
    """BENCH.md, and which drawings it shows: name to its SVG, or None for one that lies beside the results."""
    names = [name for name in ORDER if _read(results, name)]
    begun = [entry for name in names for entry in _read(results, name) if entry["kind"] == "begin"]
    if not begun:
        raise SystemExit("report.py: there are no results yet; make bench makes them.")
    with open(os.path.join(results, "machine.json")) as file:
        given = json.load(file)
    beside = [name for name in names if name in TITLES]
    if "room" in beside and "room100" in beside:
        beside.remove("room100")  # a part of it
    benches = [(name, [row for row in _read(results, name) if row["kind"] == "row"]) for name in beside]
    rows = [row for _, of in benches for row in of]
    drawings = {}
    ended = [(name, entry) for name in names for entry in _read(results, name) if entry["kind"] == "end"]
    out = _head(given, begun, ended, rows, _failed(results, names))
    if rows:
        drawings["ratios.svg"] = _bars([(name, of) for name, of in benches if of])
    if beside:
        out += _ratios(results, beside)
    for name, part in (("load", _load), ("simnet", _simulated)):
        if name in names:
            out += part(results)
            drawings.update({entry["plot"]: None for entry in _read(results, name) if entry["kind"] == "stress" and entry["plot"] and entry["result"] is not None})
    out += ["", "## To repeat it", "", "    make bench                 # a short set of these, of some minutes", "    make bench BENCH=all       # all of them",
            '    make bench BENCH="rtt load" # some', "    make bench-report          # the short set, or BENCH=..., and then this page"]
    text = "\n".join(out) + "\n"
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text, drawings


def write(results, top):
    """The page and its drawings into the sources."""
    text, drawings = page(results)
    folder = os.path.join(top, "doc", "bench")
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith(".svg") and name not in drawings:
            os.remove(os.path.join(folder, name))
    for name, drawing in drawings.items():
        if drawing is None:
            shutil.copyfile(os.path.join(results, name), os.path.join(folder, name))
        else:
            with open(os.path.join(folder, name), "w") as file:
                file.write(drawing)
    with open(os.path.join(top, "BENCH.md"), "w") as file:
        file.write(text)


def _main(words):
    if words == ["machine"]:
        print(json.dumps(machine()))
    elif words[:1] == ["begin"] and len(words) == 4:
        print(json.dumps(begin(words[1], words[2], own(words[3]))))
    elif words[:1] == ["end"] and len(words) == 3:
        with open(words[1]) as file:
            print(json.dumps(end(json.loads(file.readline()), time.monotonic(), busy(), own(words[2]))))
    elif words == ["line"]:
        text, usable = line(json.loads(sys.stdin.read()))
        print(text)
        return 0 if usable else 1
    elif words[:1] == ["bounds"] and len(words) >= 2:
        print(bounds(words[1], words[2:]))
    elif words[:1] == ["write"] and len(words) == 3:
        write(words[1], words[2])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
