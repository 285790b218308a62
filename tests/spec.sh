#!/bin/bash
# Holds the specification to the catalog: the rules of msg/protocol.cddl, and
# the tables of kinds, error codes, figures and limits in msg/PROTOCOL.md.  Each
# comparison is then shown to fire on a planted difference.
# shellcheck disable=SC2016 # dollars and backquotes are for sed
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/tap.sh"
top=$here/..
print=${SPEC_PRINT:-${top_builddir:-.}/tests/spec_print}
work=$(mktemp -d "${TMPDIR:-/tmp}/spec.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT

# One rule a line, without comments and spaces.
rules() {
    sed 's/;.*//' "$1" | tr -d ' \t' | tr '\n' ' ' |
        sed 's/ \([a-z-]*=\)/\n\1/g' | tr -d ' ' | grep '=' | grep -v '^\(frame\|link-message\|batch\)=' | sort
}

# Number, name and fields of each row of a table of kinds.
kinds() { sed -n 's/^\(| [0-9]* | [A-Z_]* | [a-z_, ]* |\).*/\1/p' "$1" | sort -n -t '|' -k 2; }

# The codes of the table of errors.
codes() { sed -n '/^## .*Error codes/,/^## /s/^| `\([a-z-]*\)` |.*/\1/p' "$1" | sort; }

# The rows of the table of figures.
figures() { sed -n 's/^\(| `[a-z_]*` | \(counter\|gauge\|histogram\) | [a-z]* | .* |\)$/\1/p' "$1" | sort; }

# Name and value of each limit; numbers only.
limits() { sed -n 's/^| \(MSG_[A-Z_]*\) | \([0-9]*\) |.*/\1 \2/p' "$1" | sort; }
defines() { sed -n 's/^#define \(MSG_[A-Z_]*\) \([0-9]*\)u\{0,1\}[ \t].*/\1 \2/p' "$1" | sort; }

same_rules() { diff <(rules "$1") <("$print" cddl | tr -d ' ' | sort); }
same_kinds() { diff <(kinds "$1") <("$print" kinds | sort -n -t '|' -k 2); }
same_codes() { diff <(codes "$1") <("$print" errors | sort); }
same_figures() { diff <(figures "$1") <("$print" figures | sort); }
same_limits() { diff <(limits "$1") <(defines "$top/msg/base.h"); }

# Every kind stands in the one choice that CDDL validates a frame by.
in_frame() {
    local choice
    choice=$(awk '/^frame =/ { on = 1; next } /^$/ { on = 0 } on' "$1" | tr -d ' \n' | tr '/' '\n' | sort)
    diff <(echo "$choice") <("$print" cddl | grep '= \[version,' | sed 's/ =.*//' | sort)
}

[ -x "$print" ] || { echo "Bail out! $print is not there: make check builds it"; exit 99; }

claim "protocol.cddl says what the catalog says" same_rules "$top/msg/protocol.cddl"
claim "protocol.cddl lists each kind as a frame" in_frame "$top/msg/protocol.cddl"
claim "the table of kinds in PROTOCOL.md is the catalog's" same_kinds "$top/msg/PROTOCOL.md"
claim "the error codes in PROTOCOL.md are those of msg/error.h" same_codes "$top/msg/PROTOCOL.md"
claim "the table of figures in PROTOCOL.md is that of msg/figures.h" same_figures "$top/msg/PROTOCOL.md"
claim "the limits in PROTOCOL.md are those of msg/base.h" same_limits "$top/msg/PROTOCOL.md"

# plant NAME CHECK FILE SED: the check must fail on the file as sed changed it.
plant() {
    sed "$4" "$3" >"$work/planted"
    if cmp -s "$3" "$work/planted"; then
        fail "planted: $1" "the planted difference changed nothing"
    elif "$2" "$work/planted" >/dev/null; then
        fail "planted: $1" "it was not noticed"
    else
        pass "planted: $1"
    fi
}

cddl=$top/msg/protocol.cddl
text=$top/msg/PROTOCOL.md
plant "a limit in a rule" same_rules "$cddl" 's/(1\.\.49152)/(1..49153)/'
plant "a number of a kind" same_rules "$cddl" 's/version, 81,/version, 83,/'
plant "a field left out" same_rules "$cddl" 's/gap: bool//'
plant "fields in another order" same_rules "$cddl" 's/account: positive, device: positive/device: positive, account: positive/'
plant "a rule that no kind has" same_rules "$cddl" '$a extra = [version, 250, req: uint]'
plant "a frame left out of the choice" in_frame "$cddl" 's| / search | |'
plant "a row with another number" same_kinds "$text" 's/^| 81 | SAY/| 83 | SAY/'
plant "a row with a field less" same_kinds "$text" 's/^\(| 82 | RECEIPT .*\), gap |/\1 |/'
plant "a row left out" same_kinds "$text" '/^| 67 | RESEAL/d'
plant "an error code left out" same_codes "$text" '/^| `replay`/d'
plant "an error code that is none" same_codes "$text" 's/^| `replay` /| `reply` /'
plant "a figure left out" same_figures "$text" '/^| `knocks` |/d'
plant "a figure of another type" same_figures "$text" 's/^| `sessions` | gauge |/| `sessions` | counter |/'
plant "another limit" same_limits "$text" 's/^| MSG_FRAME_MAX | 65000/| MSG_FRAME_MAX | 65001/'
tap_done
