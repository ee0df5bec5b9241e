#!/usr/bin/env bash
# What days do to real daemons: device keys rotate and an invite ends, by clocks that run ahead.
# MSGD_BIN_DIR (default target/debug) holds the two binaries. Needs faketime.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=$(realpath "${MSGD_BIN_DIR:-${CARGO_TARGET_DIR:-target}/debug}")
if ! command -v faketime >/dev/null; then
    echo "--- SKIPPED: no faketime; nothing was checked"
    exit 0
fi
scratch=$(mktemp -d)
declare -A running daemons
ending() {
    local code=$? name
    if [[ $code -ne 0 ]]; then tail -n 20 "$scratch"/*.log >&2 || true; fi
    for name in "${!running[@]}"; do kill "${daemons[$name]:-${running[$name]}}" 2>/dev/null || true; done
    wait
    rm -rf "$scratch"
    exit "$code"
}
trap ending EXIT

fail() { echo "clock: $*" >&2; exit 1; }
as() { # NAME COMMAND...
    env -i PATH="$PATH" MSGD_DHT=off HOME="$scratch/$1" XDG_RUNTIME_DIR="$scratch/$1/run" "${@:2}"
}
ctl() { as "$1" "$bin/msgctl" "${@:2}"; }
start() { # NAME DAYS: with a clock that is so many days ahead
    as "$1" env DONT_FAKE_MONOTONIC=1 faketime -f "+$2d" "$bin/msgd" --listen 127.0.0.1:0 \
        --no-dbus >>"$scratch/$1.log" 2>&1 &
    running[$1]=$!
    eventually ctl "$1" status
    daemons[$1]=$(ctl "$1" status --json | grep -o '"pid":[0-9]*' | cut -d: -f2)
}
stop() { # NAME
    kill "${daemons[$1]}"
    wait "${running[$1]}" || fail "$1 did not stop cleanly"
    unset "running[$1]" "daemons[$1]"
}
eventually() { # COMMAND...: until it holds, for at most 30 s
    local end=$((SECONDS + 30))
    until "$@" >/dev/null 2>&1; do
        [[ $SECONDS -lt $end ]] || fail "never held: $*"
        sleep 0.05
    done
}
# The device's key file is written anew when its keys rotate, and only then.
keys() { sha256sum "$scratch/$1"/.local/share/msgd/default/identities/*.key | cut -d' ' -f1; }

mkdir -p "$scratch"/{a,b,c}/run
chmod 700 "$scratch"/{a,b,c}/run
for name in a b; do
    start "$name" 0
    ctl "$name" vault create --insecure-store >/dev/null 2>&1
    ctl "$name" identity create "Owner-$name" >/dev/null
done
link=$(ctl a invite --auto-accept --quiet)
ctl b contact add "$link" >/dev/null 2>&1
eventually ctl a contact show Owner-b
eventually ctl b contact show Owner-a
late=$(ctl a invite --ttl 1d --quiet)

echo "--- the same day: the keys stay"
fresh=$(keys a)
ctl b send Owner-a "on the first day" --wait delivered --quiet >/dev/null
stop a
start a 0
[[ $(keys a) == "$fresh" ]] || fail "the keys changed within the day"

echo "--- two days later: new keys, and what was sealed to the old ones opens"
stop a
ctl b send Owner-a "sealed on the first day" --quiet >/dev/null
stop b
start b 2
start a 2
eventually sh -c '"$1" --socket "$2" read Owner-b | grep -q "sealed on the first day"' - \
    "$bin/msgctl" "$scratch/a/run/msgd/default/msgd.sock"
[[ $(keys a) != "$fresh" ]] || fail "the keys did not rotate"
ctl a send Owner-b "my keys are new" --wait delivered --quiet >/dev/null
ctl b send Owner-a "to the new keys" --wait delivered --quiet >/dev/null

echo "--- the invite of a day has ended by itself, and lets nobody in"
states() { ctl a invite ls --json | grep -o '"state":"[a-z]*"' | cut -d'"' -f4 | sort | tr '\n' ' '; }
[[ $(states) == "expired used " ]] || fail "the invites are: $(states)"
start c 2
ctl c vault create --insecure-store >/dev/null 2>&1
ctl c identity create Owner-c >/dev/null
code=0
ctl c contact add "$late" >/dev/null 2>"$scratch/late" || code=$?
[[ $code -eq 10 ]] || fail "contact add with an invite that has ended exits with $code, not 10"
grep -qi expired "$scratch/late" || fail "contact add does not say that the invite expired: $(cat "$scratch/late")"
# Once a good one has been answered, the late one would have been.
good=$(ctl a invite --auto-accept --quiet)
ctl c contact add "$good" >/dev/null 2>&1
eventually ctl a contact show Owner-c
[[ $(states) == "expired used used " ]] || fail "the invites are: $(states)"
for name in a b c; do stop "$name"; done
echo "--- all held"
