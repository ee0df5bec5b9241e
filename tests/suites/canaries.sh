#!/usr/bin/env bash
# Two daemons meet and write to each other, twice, logging everything, with the loopback captured
# (as root). Then nothing that means anything to anybody may be found in their data folders, in
# their logs or on the wire, and no bytes on the wire may occur in both captures.
# MSGD_BIN_DIR (default target/debug) holds the two binaries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=$(realpath "${MSGD_BIN_DIR:-${CARGO_TARGET_DIR:-target}/debug}")
exec python3 - "$bin" <<'PYTHON'
import json, os, pathlib, re, socket, struct, subprocess, sys, tempfile, threading, time

BIN = sys.argv[1]
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
CANARIES = {
    "inviter's name": "Quetzalinviter", "invitee's name": "Okapiinvitee",
    "note": "noteforthewombat", "greeting": "greetingsfromthenarwhal",
    "text": "themeetingisattheaardvark", "answer": "theanswerispangolin",
    "alias": "aliasofthecapybara",
}
faults = []


class Capture(threading.Thread):
    """What TCP and UDP carry over the loopback to or from the daemons' ports."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("lo", 0))
        self.packets = []
        self.start()

    def run(self):
        while True:
            try:
                frame, address = self.socket.recvfrom(1 << 17)
            except OSError:
                return
            ip = frame[14:]
            if address[2] == socket.PACKET_OUTGOING or len(ip) < 40 or ip[0] >> 4 != 4:
                continue
            layer = ip[(ip[0] & 15) * 4:struct.unpack("!H", ip[2:4])[0]]
            header = {17: 8, 6: (layer[12] >> 4) * 4}.get(ip[9])
            if header is not None:
                self.packets.append((struct.unpack("!HH", layer[:4]), layer[header:]))

    def payloads(self, ports):
        self.socket.close()
        return [data for ends, data in self.packets if ports & set(ends) and data]


class Daemon:
    def __init__(self, home):
        self.home = home
        runtime = home / "run"
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "MSGD_DHT": "off"}
        self.log = home / "log"
        command = [f"{BIN}/msgd", "--listen", "127.0.0.1:0", "--no-dbus", "--log", "trace"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log)
        until(lambda: self.try_ctl("status").returncode == 0)

    def try_ctl(self, *words):
        command = [f"{BIN}/msgctl", *words]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60)

    def ctl(self, *words):
        done = self.try_ctl(*words)
        if done.returncode:
            sys.exit(f"msgctl {words[0]}: {done.stderr}")
        return done.stdout.strip()

    def json(self, *words):
        return json.loads(self.ctl(*words, "--json"))

    def port(self):
        return int(self.json("status")["listen"][0].rsplit(":", 1)[1])

    def stop(self):
        self.process.terminate()
        if self.process.wait(30):
            faults.append("a daemon did not stop cleanly")


def until(true):
    end = time.monotonic() + 30
    while not true():
        if time.monotonic() > end:
            sys.exit("what should happen did not within 30 seconds")
        time.sleep(0.02)


def secrets_of(found, value):
    """Every id and fingerprint below `value`, which is JSON."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, (dict, list)):
            secrets_of(found, inner)
        elif isinstance(inner, str) and re.fullmatch("[0-9a-f]{32}|[0-9a-f]{64}", inner):
            found[inner] = f"{key} {inner}"


def needles(link, values):
    """What must not be found, in each of its spellings."""
    wanted = {text.encode(): what for what, text in CANARIES.items()}
    for text, what in values.items():
        for spelling in (text, text.upper(), text[:12]):
            wanted[spelling.encode()] = what
        wanted[bytes.fromhex(text)] = what + " (binary)"
    body = link.split(":i1", 1)[1].lower()
    for at in range(0, len(body) - 15):
        wanted[body[at:at + 16].encode()] = wanted[body[at:at + 16].upper().encode()] = "invite link"
    # Its bytes, wherever its version and its flags end.
    for start in range(8):
        bits = "".join(f"{CROCKFORD.index(digit):05b}" for digit in body)[start:]
        raw = int(bits[:len(bits) // 8 * 8], 2).to_bytes(len(bits) // 8, "big")
        for at in range(len(raw) - 11):
            wanted[raw[at:at + 12]] = "invite link (binary)"
    return wanted


def search(where, haystack, wanted):
    """One pass for each length of needle: a capture has many bytes, and a link many pieces."""
    lowered = haystack.lower()
    hits = set()
    for length in {len(needle) for needle in wanted}:
        of_length = {needle: what for needle, what in wanted.items() if len(needle) == length}
        if len(of_length) < 16:
            hits |= {what for needle, what in of_length.items()
                     if needle in haystack or needle.lower() in lowered and needle.isalnum()}
        else:
            windows = {haystack[at:at + length] for at in range(len(haystack) - length + 1)}
            hits |= {of_length[needle] for needle in windows & of_length.keys()}
    if where:
        faults.extend(f"{where}: {what}" for what in sorted(hits))
    return hits


def meet(scratch, capture):
    a, b = Daemon(scratch / "a"), Daemon(scratch / "b")
    found = {}
    for daemon, name in ((a, "inviter's name"), (b, "invitee's name")):
        daemon.ctl("vault", "create", "--insecure-store")
        identity = daemon.json("identity", "create", CANARIES[name])
        # An identity's own id is a name of a file, drawn at random and told to nobody.
        identity.pop("id")
        secrets_of(found, identity)
    link = a.ctl("invite", "--auto-accept", "--note", CANARIES["note"], "-q")
    b.ctl("contact", "add", link, "--greeting", CANARIES["greeting"])
    until(lambda: a.json("contact", "ls")["contacts"] and b.json("contact", "ls")["contacts"])
    b.ctl("contact", "rename", CANARIES["inviter's name"], CANARIES["alias"])
    said = b.json("send", CANARIES["alias"], CANARIES["text"], "--wait", "delivered")
    heard = a.json("send", CANARIES["invitee's name"], CANARIES["answer"], "--wait", "delivered")
    for value in (said, heard, a.json("contact", "ls"), b.json("contact", "ls"),
                  a.json("ls"), b.json("ls")):
        secrets_of(found, value)
    for own in (a, b):
        for identity in own.json("identity", "ls")["identities"]:
            found.pop(identity["id"], None)
    if len(found) < 8:
        sys.exit(f"only {len(found)} ids and fingerprints to look for")
    wanted = needles(link, found)
    shown = (a.ctl("read", CANARIES["invitee's name"]) + link).encode()
    if not {"text", "answer", "invite link"} <= search(None, shown, wanted):
        sys.exit("the search does not find what is there")
    ports = {a.port(), b.port()}
    marker = os.urandom(32)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(marker, ("127.0.0.1", a.port()))
    a.stop()
    b.stop()
    for daemon in (a, b):
        for path in sorted(daemon.home.rglob("*")):
            name = str(path.relative_to(scratch))
            search(name + " (its name)", name.encode(), wanted)
            if path.is_file():
                search(name, path.read_bytes(), wanted)
    wire = capture.payloads(ports) if capture else []
    if capture and sum(map(len, wire)) < 10_000:
        sys.exit("the capture is all but empty")
    if capture and marker not in wire:
        sys.exit("the capture misses packets")
    search("the wire", b"\n".join(wire), wanted)
    return wire


def windows(wire):
    """Every 16 bytes on the wire that are neither plain protocol names nor filling."""
    found = set()
    for data in wire:
        for at in range(len(data) - 15):
            part = data[at:at + 16]
            if len(set(part)) >= 10 and sum(32 <= byte < 127 for byte in part) < 10:
                found.add(part)
    return found


can_capture = os.geteuid() == 0
if not can_capture:
    print("--- SKIPPED: the capture, which only root can take")
wires = []
for run in ("first", "second"):
    with tempfile.TemporaryDirectory() as scratch:
        wires.append(meet(pathlib.Path(scratch), Capture() if can_capture else None))
        print(f"--- {run} run: {len(wires[-1])} packets, {sum(map(len, wires[-1]))} bytes captured")
for part in sorted(windows(wires[0]) & windows(wires[1]))[:20]:
    faults.append(f"in both captures: {part.hex()}")
if faults:
    sys.exit("\n".join(faults))
print("--- nothing found")
PYTHON
