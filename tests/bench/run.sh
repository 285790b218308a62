#!/bin/bash
# Runs the benches, all or those named, and prints one table: ours, the bare
# program of the same run, their ratio, and the bound that it is held to.  A
# missed bound is no failure, since machines are noisy; a bench that cannot do
# its work is.  A bigroom has a thousand members who join one after the other,
# which takes minutes, and is measured when it is named.
#
#     run.sh [rtt | oneway | search | argon2 | return | idle | signups | relay | log | rooms | room | bigroom]...
set -u
here=${BENCH_DIR:-.}
status=0

program() {
    case $1 in
    rtt | oneway) echo "bench_direct $1" ;;
    search | argon2) echo "bench_requests $1" ;;
    return) echo bench_return ;;
    idle) echo bench_idle ;;
    signups) echo bench_signups ;;
    relay) echo bench_relay ;;
    log) echo "bench_relay log" ;;
    room) printf 'bench_room %s\n' 'relay 100' 'disk 20' 'mesh 16' 'mesh 32' sparse many ;;
    bigroom) echo "bench_room relay 1000" ;;
    rooms) echo bench_rooms ;;
    *)
        echo "run.sh: no bench is called $1" >&2
        exit 2
        ;;
    esac
}

if [ $# -eq 0 ]; then
    set -- rtt oneway search argon2 signups return idle relay log rooms room
fi
printf '%-44s %12s %12s %-8s %7s  %-8s\n' bench ours bare unit ratio bound
for name in "$@"; do
    lines=$(program "$name") || exit 2
    while read -r file arguments; do
        # shellcheck disable=SC2086 # none, or words
        "$here/$file" $arguments </dev/null || {
            echo "  # $name could not be measured: $file $arguments" >&2
            status=1
        }
    done <<<"$lines"
done
exit $status
