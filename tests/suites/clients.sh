#!/usr/bin/env bash
# Other people's clients against two real daemons: what README.md tells to copy and paste, gRPC
# and D-Bus from Python, gdbus and busctl. Needs python3 with venv, PyPI, dbus-daemon, gdbus and
# busctl. BIN is the folder of msgd and msgctl; by default they are built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
clients=$root/tests/suites/clients

if [[ -z ${BIN:-} ]]; then
    # With what `cargo test` has built already: `cargo build` wants other features of some crates.
    cargo test --locked --test it --no-run --quiet
    BIN=${CARGO_TARGET_DIR:-$root/target}/debug
fi
export PATH=$BIN:$PATH
scratch=$(mktemp -d)
pids=()
ending() {
    local code=$? pid
    if [[ $code -ne 0 ]]; then tail -n 20 "$scratch"/*.log >&2 || true; fi
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$scratch"
    exit "$code"
}
trap ending EXIT

step() { printf -- '--- %s\n' "$*"; }
fail() { printf 'clients: %s\n' "$*" >&2; exit 1; }
block() { python3 "$clients/block.py" "$root/README.md" "$1"; }
eventually() { # COMMAND...: until it holds, for at most 20 s
    local end=$((SECONDS + 20))
    until "$@" >/dev/null 2>&1; do
        [[ $SECONDS -lt $end ]] || fail "never held: $*"
        sleep 0.05
    done
}
as() { # alice|bob COMMAND...
    local who=$1
    shift
    env -u MSGD_SOCKET MSGD_DHT=off HOME="$scratch/$who" XDG_RUNTIME_DIR="$scratch/$who/run" "$@"
}

spawn() { # alice|bob LOG COMMAND...: in the background, until the end
    local who=$1 log=$2
    shift 2
    # No function in between: what is killed at the end must be the program itself.
    env -u MSGD_SOCKET MSGD_DHT=off HOME="$scratch/$who" XDG_RUNTIME_DIR="$scratch/$who/run" "$@" >"$log" 2>&1 &
    pids+=($!)
}

step "README.md shows the programs that run here"
diff <(block grpc_echo.py) "$clients/grpc_echo.py"
diff <(block dbus_echo.py) "$clients/dbus_echo.py"

step "the tour of README.md"
mkdir -p "$scratch/tour/run"
chmod 700 "$scratch/tour/run"
block tour >"$scratch/tour.sh"
env -i PATH="$PATH" MSGD_DHT=off HOME="$scratch/tour" XDG_RUNTIME_DIR="$scratch/tour/run" \
    timeout 120 bash -e "$scratch/tour.sh" >"$scratch/tour.log" 2>&1
grep -q 'hello from Bob' "$scratch/tour.log" || fail "the tour did not show the message"
grep -q 'and back' "$scratch/tour.log" || fail "the tour did not show the answer"

step "Python's packages"
python3 -m venv "$scratch/venv"
python=$scratch/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check grpcio grpcio-tools jeepney
mkdir "$scratch/stubs"
"$python" -m grpc_tools.protoc -I proto --python_out="$scratch/stubs" \
    --grpc_python_out="$scratch/stubs" proto/msgd/v1/*.proto

step "two daemons, one of them on a session bus of its own"
export DBUS_SESSION_BUS_ADDRESS=unix:path=$scratch/bus
mkdir -p "$scratch"/{alice,bob}/run
chmod 700 "$scratch"/{alice,bob}/run
dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS" >"$scratch/bus.log" 2>&1 &
pids+=($!)
eventually test -S "$scratch/bus"
spawn alice "$scratch/alice.log" msgd --listen 127.0.0.1:0
spawn bob "$scratch/bob.log" msgd --listen 127.0.0.1:0 --no-dbus
for who in alice bob; do
    eventually as "$who" msgctl status
    as "$who" msgctl -q vault create --insecure-store
    as "$who" msgctl -q identity create "${who^}"
done
link=$(as alice msgctl -q invite --auto-accept)
as bob msgctl -q contact add "$link"
eventually as bob msgctl contact show Alice
eventually as alice msgctl contact show Bob

# Bob answers the first message that came in, once.
answer() { # FILE QUESTION ANSWER
    eventually grep -q '^sent ' "$1"
    eventually sh -c 'msgctl --socket "$1" read Alice | grep -qF "$2"' - \
        "$scratch/bob/run/msgd/default/msgd.sock" "$2"
    as bob msgctl -q send Alice "$3" --wait delivered
}

step "gRPC from Python"
as alice env PYTHONPATH="$scratch/stubs" timeout 60 "$python" "$clients/grpc_echo.py" Bob "by grpc" >"$scratch/grpc.log" 2>&1 &
client=$!
answer "$scratch/grpc.log" "by grpc" "answer to grpc"
wait "$client"
grep -qx 'received answer to grpc' "$scratch/grpc.log"

step "D-Bus from Python"
name=org.msgd.Msgd1
object=/org/msgd/Msgd1
eventually gdbus introspect --session --dest "$name" --object-path "$object"
as alice timeout 60 "$python" "$clients/dbus_echo.py" Bob "by the bus" >"$scratch/dbus.log" 2>&1 &
client=$!
answer "$scratch/dbus.log" "by the bus" "answer to the bus"
wait "$client"
grep -qx 'received answer to the bus' "$scratch/dbus.log"

step "the shell examples of README.md"
block dbus-shell >"$scratch/shell.sh"
as alice timeout 60 bash -e "$scratch/shell.sh" >"$scratch/shell.log" 2>&1
eventually sh -c 'msgctl --socket "$1" read Alice | grep -qF "from gdbus"' - \
    "$scratch/bob/run/msgd/default/msgd.sock"
grep -q MessageReceived "$scratch/shell.log" || fail "GetEvents told nothing"

step "introspection is typed and documented"
contact=$(busctl --user --json=short call $name $object $name.Contacts GetContact 'sa{sv}' Bob 0 |
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["data"][0])')
for path in "$object" "$contact"; do
    gdbus introspect --session --dest "$name" --object-path "$path" --xml >"$scratch/introspection.xml"
    "$python" - "$scratch/introspection.xml" <<'PY'
import sys
import xml.etree.ElementTree as tree

count = 0
for interface in tree.parse(sys.argv[1]).getroot().iter("interface"):
    if not interface.get("name").startswith("org.msgd."):
        continue
    for member in [interface, *interface]:
        if member.tag == "annotation":
            continue
        notes = {note.get("name") for note in member.findall("annotation")}
        assert "org.gtk.GDBus.DocString" in notes, (interface.get("name"), member.attrib)
        for argument in member.findall("arg"):
            assert argument.get("type") and argument.get("name"), member.attrib
        count += 1
assert count > 10, count
PY
done

step "an alias set by busctl is announced without the name"
busctl --user monitor --json=short --match "type='signal',sender='$name'" >"$scratch/signals.log" 2>&1 &
monitor=$!
pids+=("$monitor")
# The monitor is in place once it shows a signal; any call that makes one will do.
eventually sh -c 'busctl --user call "$1" "$2" "$1.Messages" SendMessage "ssa{sv}" Bob probe 0 &&
    grep -q MessageQueued "$3"' - "$name" "$object" "$scratch/signals.log"
busctl --user set-property "$name" "$contact" "$name.Contact" Alias s Robert
eventually sh -c 'grep PropertiesChanged "$1" | grep -q Alias' - "$scratch/signals.log"
[[ $(busctl --user get-property "$name" "$contact" "$name.Contact" Alias) == 's "Robert"' ]]
as alice msgctl contact show Robert >/dev/null
# Once the counters of a later message are told, everything about the alias has been.
busctl --user call "$name" "$object" "$name.Messages" SendMessage "ssa{sv}" Robert farewell 0 >/dev/null
eventually sh -c 'sed "1,/Alias/d" "$1" | sed "1,/MessageQueued/d" | grep -q EventsPending' - \
    "$scratch/signals.log"
told=$(grep PropertiesChanged "$scratch/signals.log" | grep -c Alias)
[[ $told -eq 1 ]] || fail "the new alias was announced $told times"
kill "$monitor"
wait "$monitor" 2>/dev/null || true
if grep -q -e Robert -e probe -e farewell "$scratch/signals.log"; then
    fail "a signal told a name or a text"
fi
step "done"
