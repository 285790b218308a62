#!/bin/bash
# Runs benches and prints one table: ours, the bare program of the same run,
# their ratio, and the bound that it is held to; then what conclave-stress finds
# in each of its scenarios.  A missed bound is no failure, since machines are
# noisy, but it is told again at the end; a bench that cannot do its work is.
#
#     run.sh [all | NAME...]
#
# Without a name a short set, of some minutes; all: everything but bigroom,
# whose thousand members join one after the other, which takes minutes more.
# What each has found stays as lines of JSON in the directory BENCH_KEEP, a file
# for each name, for tests/bench/report.py, which makes BENCH.md of it.
set -u
here=${BENCH_DIR:-.}
top=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
keep=${BENCH_KEEP:-$here/results}
stress=${top_builddir:-$here/../..}/conclave-stress
report=$top/tests/bench/report.py
status=0

short='rtt oneway search signups return relay log rooms room100 load simnet'
all='rtt oneway search argon2 signups return idle relay log rooms room load simnet'

# What a name stands for: one program a line.
program() {
    case $1 in
    rtt | oneway) echo "bench_direct $1" ;;
    search | argon2) echo "bench_requests $1" ;;
    return) echo bench_return ;;
    idle) echo bench_idle ;;
    signups) echo bench_signups ;;
    relay) echo bench_relay ;;
    log) echo "bench_relay log" ;;
    room) printf 'bench_room %s\n' 'relay 100' 'behind 100' 'disk 20' 'mesh 16' 'mesh 32' 'mesh 100' sparse many ;;
    room100) echo "bench_room relay 100" ;;
    bigroom) echo "bench_room relay 1000" ;;
    rooms) echo bench_rooms ;;
    # sizes that two cores hold; those with a `plot` are drawn
    load)
        cat <<'END'
stress login --peers 200
stress return --peers 200
stress search --peers 50 --duration 3
stress direct --duration 4
stress direct --rate 500 --duration 6 --plot direct
stress room --members 100 --duration 4 --route relay
stress room --members 100 --rate 100 --duration 6 --route relay --plot room
stress rooms --rooms 10 --members 10 --duration 4
stress churn --rooms 4 --members 10 --duration 6
stress storm --rooms 4 --members 10 --duration 6 --plot storm
stress slow --rooms 4 --members 10 --duration 6
stress mail --peers 20 --duration 4
stress soak --rooms 4 --members 10 --duration 15 --plot soak
END
        ;;
    simnet) echo "stress simnet --plot simnet" ;;
    *) return 1 ;;
    esac
}

# One run of conclave-stress; its plot is kept beside the results.  What the
# checker found is a result as well, though not a good one.
load() {
    local words=$* result plot='' name=''
    if [[ $words == *' --plot '* ]]; then
        name=${words##* --plot }.svg
        plot="--plot $keep/$name"
        words=${words%% --plot *}
    fi
    # shellcheck disable=SC2086 # words, and none or two
    result=$("$stress" $words --json $plot </dev/null)
    local ended=$?
    printf '{"kind":"stress","command":"conclave-stress %s","plot":"%s","status":%d,"result":%s}\n' \
        "$words" "$name" "$ended" "${result:-null}" >>"$file"
    [ "$ended" -eq 0 ] || status=1
    tail -n 1 "$file" | python3 -B "$report" line
}

bench() {
    local words=$*
    if [ "${words%% *}" = stress ]; then
        # shellcheck disable=SC2086
        load ${words#* }
    else
        # shellcheck disable=SC2086
        BENCH_RESULTS=$file "$here"/$words </dev/null
    fi
}

[ $# -gt 0 ] || eval "set -- $short"
[ "$*" != all ] || eval "set -- $all"
for name in "$@"; do
    program "$name" >/dev/null || {
        echo "run.sh: no bench is called $name" >&2
        exit 2
    }
done
mkdir -p "$keep" || exit 1
python3 -B "$report" machine >"$keep/machine.json" || exit 1
printf '%-44s %12s %12s %-8s %7s  %-8s\n' bench ours bare unit ratio bound
for name in "$@"; do
    file=$keep/$name.jsonl
    times >"$keep/times"
    python3 -B "$report" begin "$top" "$name" "$keep/times" >"$file" || exit 1
    while read -r line; do
        bench "$line" || {
            echo "  # $name could not be measured: $line" >&2
            printf '{"kind":"failed","command":"%s"}\n' "$line" >>"$file"
            status=1
        }
    done < <(program "$name")
    times >"$keep/times"
    ended=$(python3 -B "$report" end "$file" "$keep/times") || exit 1
    printf '%s\n' "$ended" >>"$file"
done
rm -f "$keep/times"
python3 -B "$report" bounds "$keep" "$@"
exit $status
