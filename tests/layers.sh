#!/bin/bash
# Holds the sources to the layers: who may include whom, who may touch the
# world, and how long a file may be.  Without an argument it looks at this
# tree; tests/layers_fires.sh gives it trees with planted violations.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:-$here/..}" || exit 99
# shellcheck source=tests/tap.sh
. "$here/tap.sh"

# What is in which layer.  A file may include files of its own layer and of
# lower ones.  A new file is added here, or the first rule below fails.
layers='
0 msg/base msg/errors msg/error msg/keys msg/name msg/pages msg/endpoint msg/wire msg/catalog_rooms msg/catalog_monitor msg/figures
0 msg/catalog msg/fields_local msg/fields_monitor msg/fields_rooms
1 msg/codec msg/codec_print msg/flat
2 msg/step msg/chain msg/envelope msg/cert msg/room msg/roomkey
3 broker/tables/* peer/tables/*
4 broker/core/* broker/rooms/* peer/core/* peer/rooms/*
5 host/*
6 broker/settings broker/home broker/keyring broker/link broker/channel broker/local broker/port broker/judge broker/store broker/store_view
6 broker/sandbox broker/notify broker/supervisor broker/worker broker/front broker/front_open broker/front_hear
6 broker/front_perform broker/front_monitor broker/monitor broker/self broker/door broker/vault
6 peer/loop peer/spin peer/conns peer/admit peer/tells peer/shown peer/store peer/keyfile peer/home peer/inner peer/node peer/intake peer/mesh
7 peer/conclave peer/event peer/setup peer/handle peer/asking
8 broker/main peer/cli/* tools/*
'

# Folders: each may include only what stands behind it.
folders='
msg msg
host msg host
broker/tables msg broker/tables
broker/core msg broker/tables broker/core broker/rooms
broker/rooms msg broker/tables broker/core broker/rooms
broker msg host broker broker/tables broker/core
peer/tables msg peer/tables
peer/core msg peer/tables peer/core peer/rooms
peer/rooms msg peer/tables peer/core peer/rooms
peer msg host peer peer/tables peer/core
peer/cli msg host peer peer/cli
tools msg host peer tools tools/simnet
tools/simnet msg host broker broker/tables broker/core tools tools/simnet
'

# What touches the world, and the only files that may: a header, or a call.
touched='
#[[:space:]]*include[[:space:]]*<c?zmq\.h> => host/curve.[ch] host/zap.[ch] host/ears.[ch] host/watchdog.[ch] host/rounds.[ch] host/sources.c host/config.c broker/local.[ch] broker/port.[ch] broker/store.[ch] broker/monitor.[ch] broker/front.h broker/door.c broker/vault.c peer/loop.c peer/conclave.c peer/zap.c tools/*
#[[:space:]]*include[[:space:]]*<lmdb\.h> => host/store*.c
#[[:space:]]*include[[:space:]]*<sodium(/.*)?\.h> => msg/keys.c msg/chain.c msg/envelope.c msg/roomkey.c msg/cert.c broker/vault.c tools/simnet/chance.c
#[[:space:]]*include[[:space:]]*<msgpack(/.*)?(\.h|\.hpp)> => msg/wire.c
\<(clock_gettime|gettimeofday|ftime|timespec_get|zclock_[a-z]+|time)[[:space:]]*\( => peer/loop.c broker/front.c broker/front_monitor.c broker/store.c broker/door.c broker/vault.c broker/supervisor.c tools/top/main.c peer/cli/cli.c host/rounds.c host/log.c tools/stress/clock.c
\<(rand|srand|random|drand48|getrandom|getentropy|arc4random)[[:space:]]*\( => nobody
\<srandom[[:space:]]*\( => host/curve.c
'

sources() { find msg host broker peer tools -name '*.[ch]' 2>/dev/null | sort; }

# One rule is one case; what it prints are the violations.
rule() {
    local name=$1 found
    shift
    found=$("$@")
    if [ -z "$found" ]; then pass "$name"; else fail "$name" "$found"; fi
}

# layer_of FILE: its number, or nothing
layer_of() {
    local number names pattern
    while read -r number names; do
        for pattern in $names; do
            # Patterns of the table are meant to match.
            # shellcheck disable=SC2254
            case ${1%.[ch]} in $pattern) echo "$number"; return ;; esac
        done
    done <<<"$layers"
}

set -f
declare -A layer folder_may
while read -r file; do
    layer[$file]=$(layer_of "$file")
done < <(sources)
while read -r folder may; do
    [ -z "$folder" ] || folder_may[$folder]=" $may "
done <<<"$folders"

# Every include of our own files: "FILE:LINE INCLUDED"
includes() {
    sources | xargs grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
        sed -E 's/^([^:]+):([0-9]+):.*"([^"]*)".*/\1:\2 \3/'
}

no_layer() {
    local file
    for file in "${!layer[@]}"; do
        [ -n "${layer[$file]}" ] || echo "$file is in no layer: add it to tests/layers.sh"
    done | sort
}

wrong_path() {
    local at what
    while read -r at what; do
        [ -f "$what" ] || echo "$at includes \"$what\", which is no path from the top"
    done < <(includes)
}

upward() {
    local at what file
    while read -r at what; do
        file=${at%:*}
        [ "${layer[$what]:-0}" -le "${layer[$file]:-99}" ] ||
            echo "$at (layer ${layer[$file]}) includes $what (layer ${layer[$what]})"
    done < <(includes)
}

# folder FILE: the longest folder of the table that it is in
folder() {
    local dir=${1%/*}
    while [ -z "${folder_may[$dir]:-}" ] && [ "$dir" != "${dir%/*}" ]; do dir=${dir%/*}; done
    echo "$dir"
}

across() {
    local at what mine theirs
    while read -r at what; do
        [ -f "$what" ] || continue
        mine=$(folder "${at%:*}")
        theirs=$(folder "$what")
        case ${folder_may[$mine]:-} in
        *" $theirs "*) ;;
        *) echo "$at: $mine may not include $what" ;;
        esac
    done < <(includes)
}

# The same by calls and system headers.  Comments are cut out first.
uncommented() {
    sources | while read -r file; do
        awk -v file="$file" '
            { line = $0; out = ""
              while (line != "") {
                  if (inside) {
                      end = index(line, "*/")
                      if (!end) { line = ""; break }
                      line = substr(line, end + 2); inside = 0
                  } else {
                      start = index(line, "/*")
                      if (!start) { out = out line; line = ""; break }
                      out = out substr(line, 1, start - 1)
                      line = substr(line, start + 2); inside = 1
                  }
              }
              print file ":" FNR ": " out }' "$file"
    done
}

touching() {
    local line what may hit file pattern allowed
    while read -r line; do
        what=${line%% => *}
        may=${line#* =>}
        [ -n "$what" ] || continue
        while read -r hit; do
            file=${hit%%:*}
            allowed=
            for pattern in $may; do
                # shellcheck disable=SC2254
                case $file in $pattern) allowed=yes ;; esac
            done
            [ -n "$allowed" ] || echo "$hit"
        done < <(grep -E "$what" <<<"$plain")
    done <<<"$1"
}

long_files() {
    # shellcheck disable=SC2046
    wc -l $({ sources; find tests -name '*.[ch]' -o -name '*.sh'; } 2>/dev/null) |
        awk '$2 != "total" && $1 > 500 { print $2 " has " $1 " lines; 500 are the most" }'
}

sleeping() {
    { find tests -name '*.[ch]' ! -path 'tests/bench/*' -exec grep -HnE \
          '\<(sleep|usleep|nanosleep|clock_nanosleep|zclock_sleep|sleep_ms)[[:space:]]*\(' {} +
      find tests -name '*.sh' ! -name 'layers*.sh' -exec grep -HnE \
          '^[^#]*(^|[;&|({[:space:]])sleep[[:space:]]+[0-9$]' {} +; } 2>/dev/null
}

unlisted() {
    [ -f Makefile.am ] || return
    { sources; find tests -name '*.[ch]' -o -name '*.sh'; } 2>/dev/null | while read -r file; do
        grep -qF -e "$file" Makefile.am || grep -qE "(^|[[:space:]])${file%.c}([[:space:]]|$)" Makefile.am ||
            echo "$file is not in Makefile.am"
    done
}

unheaded() {
    sources | while read -r file; do
        head -n 1 "$file" | grep -q '^/\*' || echo "$file does not begin with what it is for"
    done
}

# `touched` row by row, so that each is a case of its own.
plain=$(uncommented)
row() { touching "$(sed -n "$(($1 + 1))p" <<<"$touched")"; }

rule "each file is in a layer" no_layer
rule "includes are paths from the top" wrong_path
rule "no file includes a higher layer" upward
rule "no folder includes one that it may not" across
rule "zmq.h and czmq.h are touched only where the table says" row 1
rule "lmdb.h is touched only by the store" row 2
rule "sodium.h is touched only by keys and seals" row 3
rule "msgpack.h is touched only by msg/wire.c" row 4
rule "clocks are read only in the loops" row 5
rule "randomness comes from libsodium alone" row 6
rule "what libzmq draws from is seeded where its sockets are bound" row 7
rule "no file is longer than 500 lines" long_files
rule "no test sleeps" sleeping
rule "each file is in Makefile.am" unlisted
rule "each file begins with a sentence" unheaded
tap_done
