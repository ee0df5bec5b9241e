#!/usr/bin/env bash
# What systemd relies on: the units are sound, a client starts the daemon through the socket, and
# the daemon says READY=1 and STOPPING=1. MSGD and MSGCTL name the binaries (default: debug).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

built=${CARGO_TARGET_DIR:-$PWD/target}/debug
msgd=${MSGD:-$built/msgd}
msgctl=${MSGCTL:-$built/msgctl}
for tool in systemd-analyze systemd-socket-activate python3; do
    command -v $tool >/dev/null && continue
    if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
        apt-get install -qqy systemd python3 >/dev/null || true
    fi
    command -v $tool >/dev/null || { echo "--- SKIPPED: no $tool; nothing was checked"; exit 0; }
done
x=$(mktemp -d /tmp/msgd-suite-XXXXXX)
pid=
trap '[[ -z $pid ]] || kill "$pid" 2>/dev/null || true; rm -rf "$x"' EXIT
run=("$msgd" run --data-dir "$x/d" --runtime-dir "$x/r" --listen 127.0.0.1:0 --no-dbus)

echo "--- units"
mkdir "$x/units"
for unit in msgd.service msgd.socket; do
    sed "s|/usr/bin/msgd|$msgd|" "systemd/$unit" >"$x/units/$unit"
done
XDG_RUNTIME_DIR=$x systemd-analyze verify --user --man=no "$x"/units/msgd.{service,socket}

echo "--- socket activation"
env -i PATH="$PATH" MSGD_DHT=off HOME="$x" systemd-socket-activate -l "$x/s.sock" --fdname=msgd.sock \
    "${run[@]}" 2>"$x/log" &
pid=$!
for _ in {1..100}; do [[ -S $x/s.sock ]] && break; sleep 0.05; done
[[ ! -e $x/d ]] || { echo "FAILED: started before a client came" >&2; exit 1; }
timeout 20 "$msgctl" --socket "$x/s.sock" status || { cat "$x/log" >&2; exit 1; }
kill "$pid" && wait "$pid"
pid=

echo "--- readiness"
python3 - "$x" "${run[@]}" <<'PY'
import socket, subprocess, sys
x, *line = sys.argv[1:]
door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
door.bind(x + "/n")
door.settimeout(20)
daemon = subprocess.Popen(line, env={"HOME": x, "MSGD_DHT": "off", "NOTIFY_SOCKET": x + "/n"}, stderr=subprocess.DEVNULL)
try:
    for word in (b"READY=1", b"STOPPING=1"):
        while word not in door.recv(4096).split(b"\n"):
            pass
        print(word.decode())
        if word == b"READY=1":
            daemon.terminate()
    assert daemon.wait(20) == 0
finally:
    if daemon.poll() is None:
        daemon.kill()
PY
echo "systemd: all is well"
