#!/usr/bin/env bash
# Two meet through a DHT of fifty nodes in a network namespace without a way out, and every packet
# to and from the DHT is looked at. Needs root; without, only the stories run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cargo test --test it --no-run --quiet
tests=$(cargo test --test it --no-run --message-format=json 2>/dev/null |
    grep -o '"executable":"[^"]*/it-[^"]*"' | tail -n 1 | cut -d'"' -f4)
[[ -x $tests ]] || { echo "FAILED: no tests were built" >&2; exit 1; }
scratch=$(mktemp -d /tmp/msgd-suite-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
# passes COUNT NAME: so many stories with that name pass, no fewer.
passes() {
    "$tests" "$2" --nocapture >"$scratch/rest" 2>&1 || { cat "$scratch/rest" >&2; exit 1; }
    grep -q "^test result: ok. $1 passed" "$scratch/rest" ||
        { echo "FAILED: not $1 tests are called $2" >&2; exit 1; }
}
if [[ $(id -u) -ne 0 ]]; then
    echo "--- SKIPPED: not root; no packet is looked at"
    passes 3 wide_area::
    exit 0
fi

unshare --net --pid --fork --kill-child --mount-proc python3 - "$tests" "$scratch/said" <<'PY'
import re, socket, struct, subprocess, sys, threading

tests, said = sys.argv[1:]
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.bind(("lo", 0))
tap.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
tap.settimeout(0.2)
packets, over = [], threading.Event()

def listen():
    while True:
        try:
            frame, about = tap.recvfrom(65535)
        except TimeoutError:
            if over.is_set():
                return
            continue
        ip = frame[14:]
        if about[2] == socket.PACKET_OUTGOING or ip[0] >> 4 != 4 or ip[9] != 17:
            continue
        udp = ip[(ip[0] & 15) * 4:]
        if udp[8:9] == b"d" and udp[-1:] == b"e":
            packets.append(udp[8:])

listener = threading.Thread(target=listen, daemon=True)
listener.start()
try:
    with open(said, "wb") as log:
        line = [tests, "wide_area::two_who", "--nocapture"]
        code = subprocess.run(line, stdout=log, stderr=subprocess.STDOUT).returncode
finally:
    over.set()
listener.join()
text = open(said, errors="replace").read()
if code or "test result: ok. 1 passed" not in text:
    sys.exit(text + "\nFAILED: the two did not meet")
for line in text.splitlines():
    if "after" in line:
        print(line)

def fail(why):
    sys.exit(f"FAILED: {why}")

puts = [p for p in packets if b"1:q3:put" in p]
stored = {}
for put in puts:
    value = re.search(rb"1:v(\d+):", put)
    key = re.search(rb"1:k32:(.{32})", put, re.S)
    if not value or not key or int(value[1]) != 960:
        fail("an item of another form or size was published")
    body = put[value.end():value.end() + 960]
    stored.setdefault(key[1], set()).add(body)
if len(stored) < 2:
    fail(f"{len(stored)} keys were published under; each side has its own")
bodies = [body for values in stored.values() for body in values]
nonces = [body[1:25] for body in bodies]
if len(set(nonces)) != len(nonces):
    fail("a nonce was used twice")
# Long enough that sealed bytes are never these by chance.
canaries = (b"where are you now?", b"Alice here", b"Bob here", b"msgd/link/1", b"BEGIN PGP")
for packet in packets:
    for canary in canaries:
        if canary in packet:
            fail(f"{canary!r} was sent to the DHT")
# The addresses that were published are in no item as they are.
for body in bodies:
    if socket.inet_aton("127.0.0.1") in body:
        fail("an address was published in the clear")
print(f"dht: {len(packets)} packets, {len(puts)} publications of {len(bodies)} items under {len(stored)} keys")
PY
passes 2 wide_area::a_directory
echo "dht: off, liars and silence: all is well"
