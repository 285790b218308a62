#!/bin/bash
# Fails the n-th allocation of each program for every n, and expects an orderly
# end each time: no crash by a bad address, no hang.  Ending by abort is fine:
# there is nothing better to do without memory.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"
: "${top_builddir:?run by make check-oom}" "${CONCLAVE:?}" "${CONCLAVED:?}"
preload=$top_builddir/.libs/libfailnth.so
[ -z "${SANITIZE_FLAGS:-}" ] || { echo "sanitizers have an allocator of their own"; exit 77; }
ulimit -c 0

work=$(mktemp -d "${TMPDIR:-/tmp}/oom.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT

# every NAME COMMAND...: until a run in which nothing was left to fail
every() {
    local name=$1 n=0 status bad=
    shift
    while n=$((n + 1)) && [ $n -le 5000 ]; do
        rm -rf "${work:?}"/{mark,home,data}
        LD_PRELOAD=$preload CONCLAVE_OOM_AT=$n CONCLAVE_OOM_MARK=$work/mark \
            timeout -k 2 20 "$@" >"$work/out" 2>&1 </dev/null
        status=$?
        case $status in
        139 | 135 | 132 | 124 | 137) bad+="allocation $n: exit status $status"$'\n' ;;
        esac
        [ -e "$work/mark" ] || break
    done
    if [ -z "$bad" ]; then pass "$name ($((n - 1)) allocations)"; else fail "$name" "$bad"; fi
}

echo "password for nobody" >"$work/password"
key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
every "conclaved --check-config" "$CONCLAVED" --data "$work/data" --check-config
every "conclaved --print-link" "$CONCLAVED" --data "$work/data" --print-link
every "conclave help" "$CONCLAVE" --home "$work/home" help
every "conclave register, without a registry" "$CONCLAVE" --home "$work/home" --listen 127.0.0.1:0 \
    -r "conclave://127.0.0.1:9/#$key" -u nobody --password-file "$work/password" --timeout 1 register
every "conclave --json" "$CONCLAVE" --home "$work/home" --listen 127.0.0.1:0 \
    -r "conclave://127.0.0.1:9/#$key" --json --timeout 1
tap_done
