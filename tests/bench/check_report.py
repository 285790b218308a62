"""tests/bench/report.py: the page tells what is met, what is missed and what was
not done, and names no machine; and the page in the sources has all it shows."""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import traceback
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import report  # noqa: E402 (it stands beside this file)

BEGIN = {"kind": "begin", "bench": "x", "commit": "0123456789", "changed": False, "at_s": 100.0, "busy_s": 50.0, "own_s": 1.0, "date": "2026-01-02 03:04"}
RESULT = {"scenario": "mail", "peers": 20, "sent_per_s": 12345.6, "delivered_per_s": 1, "p50_us": 1, "p99_us": 2, "p999_us": 3, "max_us": 4, "daemon_cpu_s_per_M": 5,
          "client_cpu_s_per_M": 6, "rss_per_session_b": None, "back_s": 1.5, "lost": 0, "doubled": 0, "reordered": 0, "damaged": 0}
WORLD = dict({name: 1 for name in ("peers", "rooms", "members", "tables_per_session_b", "rss_per_session_b", "sign_up_cpu_us", "log_in_cpu_us", "ping_cpu_us",
                                   "join_cpu_us", "post_cpu_us", "copy_cpu_ns", "direct_cpu_us")}, lost=0, doubled=0, reordered=0, damaged=0)

LIMITS = {"limits/sessions": {"preset": 10000, "most": 1000000}}


def _row(what, ratio, at, bound):
    return {"kind": "row", "what": what, "ours": 2 * ratio, "bare": 2, "unit": "us", "ratio": ratio, "at": at, "bound": bound}


def _stress(result, plot="", command="conclave-stress mail"):
    return {"kind": "stress", "command": command, "plot": plot, "status": 0, "result": result}


def _page(**files):
    """The page of such results, and its drawings."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "machine.json"), "w") as file:
            json.dump(report.machine(), file)
        for name, lines in files.items():
            with open(os.path.join(folder, name + ".jsonl"), "w") as file:
                for entry in [dict(BEGIN, bench=name)] + lines:
                    file.write(json.dumps(entry) + "\n")
        return report.page(folder)


def a_bound_is_met_or_missed_and_said_so():
    text, drawings = _page(rtt=[_row("fast", 0.9, "most", 1.0), _row("slow", 1.25, "most", 1.2), _row("few", 0.5, "least", 1), _row("shown", 7, "shown", 0)])
    assert "**1 of 3 bounds are met; missed:**" in text, text
    assert "- slow: 1.25, to be at most 1.2\n- few: 0.50, to be at least 1\n" in text, text
    assert re.search(r"\| slow \|.*\| \*\*missed\*\* \|", text) and re.search(r"\| fast \|.*\| met \|", text), text
    assert report.TITLES["rtt"] in drawings["ratios.svg"]
    bars = xml.etree.ElementTree.fromstring(drawings["ratios.svg"]).findall("{http://www.w3.org/2000/svg}rect")
    colours = [bar.get("fill") for bar in bars[1:]]
    assert colours == [report.COLOURS[True], report.COLOURS[False], report.COLOURS[False], report.COLOURS[None]], colours


def what_could_not_be_done_is_said():
    text, _ = _page(rtt=[{"kind": "failed", "command": "bench_direct rtt"}], load=[_stress(None), {"kind": "failed", "command": "stress mail"}])
    assert "could not be measured: `bench_direct rtt`" in text and "**not done**" in text and "`conclave-stress mail`" in text, text
    text, _ = _page(simnet=[_stress({"limits": {}, "lost": 0, "doubled": 0, "reordered": 0, "damaged": 0, "worlds": [{"peers": 10, "rooms": 1, "members": 10, "error": "no memory"}]})])
    assert "**no memory**" in text and "simulated" in text, text


def what_the_checker_found_is_said():
    text, _ = _page(load=[_stress(RESULT), _stress(dict(RESULT, lost=3, damaged=1))])
    assert "- `conclave-stress mail`: **3 lost, 1 damaged**" in text.split("## ")[0], text
    assert "| all is well |" in text and "| **3 lost, 1 damaged** |" in text, text
    assert "12,300" in text and "all mail was read after 1.5 s" in text, text
    text, drawings = _page(simnet=[_stress({"limits": LIMITS, "lost": 0, "doubled": 1, "reordered": 0, "damaged": 0, "worlds": [WORLD, dict(WORLD, doubled=1)]}, plot="simnet.svg")])
    assert "`limits/sessions` is 10,000 unless" in text and "at most 1,000,000;" in text, text
    assert "**1 doubled**" in text and drawings == {"simnet.svg": None}, text


def several_commits_and_a_busy_machine_are_said():
    text, _ = _page(rtt=[{"kind": "end", "others": 0.02}], oneway=[{"kind": "end", "others": 0.0}])
    assert "of one commit" not in text and "other work" not in text and "| 0 to 2 % of the processors |" in text, text
    text, _ = _page(rtt=[{"kind": "end", "others": 0.02}], oneway=[dict(BEGIN, commit="fedcba9876", changed=True), {"kind": "end", "others": 0.31}])
    assert "Not all of it was measured of one commit" in text and "fedcba9876 with changes" in text, text
    assert "had other work while some of this was measured**: 31 % of the processors in `oneway`." in text, text
    text, _ = _page(rtt=[{"kind": "end", "others": None}])
    assert "other work" not in text and "| not known |" in text, text


def what_others_had_of_the_machine_is_what_was_not_ours():
    cores = os.cpu_count()
    for busy, own_s, others in ((50 + 10 * cores, 1, 1), (50 + 10 * cores, 1 + 10 * cores, 0), (50 + 5 * cores, 1 + 3 * cores, 0.2),
                                (50, 3, 0), (None, 3, None)):
        assert report.end(BEGIN, 110.0, busy, own_s)["others"] == others, (busy, own_s)
    assert report.end(dict(BEGIN, busy_s=None), 110.0, 90, 1)["others"] is None
    with tempfile.TemporaryDirectory() as folder:
        stat, times = os.path.join(folder, "stat"), os.path.join(folder, "times")
        for line, ticks in (("cpu  100 20 3 99999 99999 4 5 6 7 8", 138), ("cpu  0 0 0 0 0 0 0 0 0 0", None), ("cpu 1 2", None), ("x", None)):
            with open(stat, "w") as file:
                file.write(line + "\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
            found = report.busy(stat)
            assert found == (ticks and ticks / os.sysconf("SC_CLK_TCK")), (line, found)
        assert report.busy(os.path.join(folder, "nothing")) is None
        # What the shell writes: itself, and whom it has waited for.
        subprocess.run(["bash", "-c", 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; times >"$0"', times], check=True)
        assert 0 < report.own(times) < 60
        with open(times, "w") as file:
            file.write("0m1.250s 1m0.500s\n2m0.000s 0m3.250s\n")
        assert report.own(times) == 185


def a_run_ends_with_its_bounds_and_lines_are_for_people():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "rtt.jsonl"), "w") as file:
            file.write(json.dumps(_row("slow", 2, "most", 1)) + "\n" + json.dumps(_row("fast", 1, "most", 1)) + "\n")
        assert report.bounds(folder, ["rtt", "log"]) == "bounds: 1 of 2 are met\n  MISSED: slow: 2, to be <= 1"
    assert report.line(_stress(RESULT)) == ("mail: 1/s delivered, p50 1 us, p99 2 us; all is well", True)
    assert report.line(_stress(None)) == ("mail: no result", False)


def no_name_of_this_machine_and_no_place_on_it_is_told():
    told = json.dumps(report.machine()) + json.dumps(report.begin(TOP, "rtt", 0))
    for word in (platform.node(), TOP, os.path.expanduser("~")):
        assert len(word) < 2 or word not in told, (word, told)


def the_page_in_the_sources_has_all_that_it_shows():
    with open(os.path.join(TOP, "BENCH.md")) as file:
        text = file.read()
    shown = re.findall(r"\]\((doc/bench/[^)]*)\)", text)
    assert "doc/bench/ratios.svg" in shown, shown
    for name in shown:
        xml.etree.ElementTree.parse(os.path.join(TOP, name))
    for word in ("/home/", "/tmp/", "/root/"):
        assert word not in text, word


def _run():
    cases = [case for name, case in globals().items() if callable(case) and getattr(case, "__module__", "") == "__main__" and not name.startswith("_")]
    failed = 0
    for number, case in enumerate(cases, 1):
        try:
            case()
            print("ok %d - %s" % (number, case.__name__))
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("not ok %d - %s" % (number, case.__name__))
            print("".join("# %s\n" % line for line in traceback.format_exc().splitlines()), end="")
    print("1..%d" % len(cases))
    sys.exit(failed > 0)


_run()
