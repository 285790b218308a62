#!/bin/bash
# Installs everything into a directory of its own, as `make install` does, and
# builds the example bot against what is there with pkg-config; then a person
# talks to the bot through a real registry.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"
: "${top_builddir:?run by make check}" "${MAKE:=make}" "${CC:=cc}"

work=$(mktemp -d "${TMPDIR:-/tmp}/bot.XXXXXX") || exit 99
pids=()
clean_up() {
    local pid
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap clean_up EXIT
root=$work/root

# The jobs of the make around this one are not ours.
unset MAKEFLAGS MAKELEVEL MFLAGS
claim "make install puts it all under DESTDIR" \
    "$MAKE" -s -C "$top_builddir" install DESTDIR="$root"
prefix=$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")
pc=$(find "$root" -name libconclave.pc)
libdir=$(dirname "$(dirname "$pc")")

for file in bin/conclave bin/conclaved include/conclave/conclave.h include/conclave/msg/errors.h \
    share/man/man1/conclave.1 share/man/man8/conclaved.8; do
    claim "installed: $file" test -s "$root$prefix/$file"
done

flags() { PKG_CONFIG_LIBDIR=${pc%/*}:$(pkg-config --variable pc_path pkg-config) \
    PKG_CONFIG_SYSROOT_DIR=$root pkg-config "$@" libconclave; }
# Flags are words.
# shellcheck disable=SC2046,SC2086
build() { $CC ${SANITIZE_FLAGS:-} -std=c11 -Wall -Wextra -Werror -o "$work/bot" "$here/bot.c" $(flags --cflags --libs); }
claim "the bot builds with pkg-config alone" build
claim "the bot has at most 60 lines" test "$(wc -l <"$here/bot.c")" -le 60
only_ours() { ! nm -D --defined-only "$libdir/libconclave.so" | grep -v ' conclave_'; }
claim "libconclave exports conclave_* alone" only_ours

export LD_LIBRARY_PATH=$libdir CONCLAVE_PASSWORD="correct horse battery 42"
mkfifo "$work/ready" "$work/said"
mkdir -m 700 "$work/data"
"$root$prefix/bin/conclaved" --data "$work/data" --listen 127.0.0.1:0 >"$work/ready" 2>"$work/log" &
pids+=($!)
exec {ready}<"$work/ready"
read -r -t 30 -u "$ready" _ link
"$work/bot" "$work/bot.home" "${link:-none}" echo.bot >"$work/said" 2>>"$work/log" &
bot=$!
pids+=("$bot")
exec {said}<"$work/said"
read -r -t 60 -u "$said" line
claim "the bot signs up" test "${line:-}" = "echo.bot is there"

person() { timeout 60 "$root$prefix/bin/conclave" --home "$work/home" -r "$link" --timeout 30 "$@" 2>&1; }
claim "a person signs up" person -u ann register
claim "what the person says is delivered to the bot" person send echo.bot "hello"
heard=$(person recv --count 1)
claim "the bot says it back" grep -q hello <<<"$heard"
claim "the bot is told to go" person send echo.bot "go"
timeout 30 tail --pid="$bot" -f /dev/null
claim "the bot ends in order" wait "$bot"
[ $tap_failed -eq 0 ] || sed 's/^/# /' "$work/log"
tap_done
