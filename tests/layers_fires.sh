#!/bin/bash
# Proves that tests/layers.sh fires: plants one violation of each rule in a
# copy of the sources and expects exactly that rule to fail, naming the file.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/tap.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/layers.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
failing() { bash "$here/layers.sh" "$1" | grep -A 1 '^not ok' | grep -v '^--'; }

# plant RULE FILE COMMAND: runs the command in a small lawful tree, which it
# makes unlawful; the rule's name and the file must be what layers.sh says.
plant() {
    local rule=$1 file=$2 tree=$work/tree said
    rm -rf "$tree"
    mkdir -p "$tree"/{msg,host,broker/{tables,core},peer/{cli,core},tools,tests}
    (
        cd "$tree" || exit
        printf '/* Below all. */\n' >msg/base.h
        printf '/* Says how. */\n#include "msg/base.h"\n' >msg/step.h
        printf '/* A table. */\n#include "msg/step.h"\n' >broker/tables/sessions.c
        printf '/* A core. */\n#include "msg/step.h"\n' >peer/core/core.h
        printf '/* A shell. */\n#include <czmq.h>\n#include "peer/core/core.h"\n' >peer/loop.c
        printf '/* A user. */\n#include "msg/step.h"\n' >peer/cli/main.c
        printf '/* Proof. */\n' >tests/test_core.c
        find . -name '*.[ch]' -printf '%P ' >Makefile.am
        bash -c "$3"
    )
    said=$(failing "$tree")
    if [ "$(grep -c '^not ok' <<<"$said")" = 1 ] && grep -q "^not ok [0-9]* - $rule" <<<"$said" &&
        grep -q "^# .*$file" <<<"$said"; then
        pass "planted: $rule"
    else
        fail "planted: $rule" "${said:-nothing fired}"
    fi
}

plant "each file is in a layer" broker/attic.c \
    'printf "/* New. */\n" >broker/attic.c; printf " broker/attic.c" >>Makefile.am'
plant "includes are paths from the top" broker/tables/sessions.c \
    'printf "#include \"sessions.h\"\n" >>broker/tables/sessions.c'
plant "no file includes a higher layer" msg/base.h \
    'printf "#include \"msg/step.h\"\n" >>msg/base.h'
plant "no folder includes one that it may not" peer/loop.c \
    'printf "#include \"broker/tables/sessions.c\"\n" >>peer/loop.c'
plant "no folder includes one that it may not" peer/cli/main.c \
    'printf "#include \"peer/core/core.h\"\n" >>peer/cli/main.c'
plant "no folder includes one that it may not" host/log.c \
    'printf "/* Log. */\n#include \"peer/core/core.h\"\n" >host/log.c; printf " host/log.c" >>Makefile.am'
plant "zmq.h and czmq.h" peer/core/core.h 'printf "#include <zmq.h>\n" >>peer/core/core.h'
plant "lmdb.h is touched" peer/loop.c 'printf "#  include <lmdb.h>\n" >>peer/loop.c'
plant "sodium.h is touched" peer/cli/main.c 'printf "#include <sodium/utils.h>\n" >>peer/cli/main.c'
plant "msgpack.h is touched" msg/step.h 'printf "#include <msgpack.h>\n" >>msg/step.h'
plant "clocks are read" peer/core/core.h \
    'printf "/* no */ static long t(void) { return time(0); }\n" >>peer/core/core.h'
plant "clocks are read" peer/cli/main.c 'printf "clock_gettime (CLOCK_REALTIME, &t);\n" >>peer/cli/main.c'
plant "randomness comes" broker/tables/sessions.c 'printf "int r = rand();\n" >>broker/tables/sessions.c'
plant "what libzmq draws" peer/loop.c 'printf "static void s(void) { srandom(1); }\n" >>peer/loop.c'
plant "no file is longer" msg/step.h 'yes "" | head -n 500 >>msg/step.h'
plant "no test sleeps" tests/test_core.c 'printf "usleep(1000);\n" >>tests/test_core.c'
plant "no test sleeps" tests/slow.sh \
    'printf "#!/bin/sh\nsleep 1\n" >tests/slow.sh; printf " tests/slow.sh" >>Makefile.am'
plant "each file is in Makefile.am" msg/keys.c 'printf "/* Keys. */\n" >msg/keys.c'
plant "each file begins" host/log.c 'printf "int x;\n" >host/log.c; printf " host/log.c" >>Makefile.am'

# And what only looks like one passes.
plant "no test sleeps" tests/test_core.c \
    'printf "/* time(0) rand() <zmq.h> */\n" >>peer/core/core.h; printf "x_time(1);\n" >>peer/core/core.h
     printf "sleep(1);\n" >>tests/test_core.c'
tap_done
