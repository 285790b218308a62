#!/bin/bash
# Builds this tree once more, in variants/NAME beside the build, configured
# with ARGUMENTs, and runs `make GOAL` there.  Used by make check-asan, fuzz,
# cover and the like.
#   tests/variant.sh NAME GOAL [ARGUMENT...]
set -eu
name=$1
goal=$2
shift 2
: "${top_builddir:?}" "${top_srcdir:?}" "${MAKE:=make}"

source=$top_srcdir
if [ -f "$top_srcdir/config.status" ]; then
    # Configured in place: its objects would be found from there, so the
    # variant is built from a copy.  Times are kept, so it builds what changed.
    source=$top_builddir/variants/source
    mkdir -p "$top_builddir/variants"
    "$MAKE" -s -C "$top_builddir" distdir distdir=variants/source >/dev/null
fi
mkdir -p "$top_builddir/variants/$name"
cd "$top_builddir/variants/$name"
printf '%s\n' "$@" >wanted
if ! [ -f Makefile ] || ! cmp -s wanted configured; then
    "$source/configure" --quiet "$@"
    mv wanted configured
fi
# shellcheck disable=SC2086
exec "$MAKE" -j"$(nproc)" $goal
