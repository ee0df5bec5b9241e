"""A daemon on a host of the lab, with a home of its own, and the people who use it."""

import base64
import json
import os
import re
import signal
import subprocess
import threading
import time

from lab import Failed, thread

# What a stopped daemon may take.
STOP_WITHIN = 20
LEVEL = os.environ.get("NETNS_LOG", "debug")
# Settings by which a program shows what it can do.
SETTINGS = {"lan": b"lan.enabled", "dht": b"dht.mode", "relay": b"relay.serve"}
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


class Program:
    """The binaries under test, and what they can do."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("msgd", "msgctl"):
            if not os.access(self.path(name), os.X_OK):
                raise SystemExit(f"netns: no program {self.path(name)}")
        with open(self.path("msgd"), "rb") as file:
            program = file.read()
        self.features = {name for name, setting in SETTINGS.items() if setting in program}
        said = subprocess.run([self.path("msgctl"), "--help"], capture_output=True, text=True).stdout
        if "\n  mailbox " in said:
            self.features.add("mailbox")

    def path(self, name):
        return os.path.join(self.folder, name)

    def settings(self, wanted):
        """`wanted` as a configuration file, with everything else off."""
        tables = {"dbus": {"enabled": False}}
        if "lan" in self.features:
            tables["lan"] = {"enabled": False}
        if "dht" in self.features:
            tables["dht"] = {"mode": "off"}
        for table, keys in wanted.items():
            tables.setdefault(table, {}).update(keys)
        lines = []
        for table, keys in tables.items():
            lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        return "\n".join(lines) + "\n"


class Daemon:
    def __init__(self, program, host, name, settings=None, role="person"):
        self.program, self.host, self.name, self.role = program, host, name, role
        self.home = os.path.join(host.lab.scratch, f"home-{host.name}")
        self.runtime = os.path.join(self.home, "run")
        os.makedirs(self.runtime, mode=0o700)
        config = os.path.join(self.home, ".config", "msgd")
        os.makedirs(config)
        with open(os.path.join(config, "config.toml"), "w") as file:
            file.write(program.settings(settings or {}))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": self.home,
            "XDG_RUNTIME_DIR": self.runtime,
        }
        self.log = os.path.join(self.home, "log")
        self.process = None
        self.events = []
        self.heard = threading.Condition()
        self.follower = None
        self.names = {}
        host.lab.at_end(self.kill)
        self.start()
        if role == "person":
            self.ctl("vault", "create", "--insecure-store")
            self.ctl("identity", "create", name)

    # -- the process

    def start(self):
        command = [self.program.path("msgd"), "--log", LEVEL]
        if self.role != "person":
            command += ["--role", self.role]
        with self.host.inside(), open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + 30
        while self.try_ctl("status").returncode:
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(f"{self.name} does not start")
            time.sleep(0.02)
        self.follow()

    def follow(self):
        """Reads events from the first that is not known yet."""
        since = self.events[-1][1]["seq"] if self.events else 0
        command = [self.program.path("msgctl"), "tail", "-f", "--json", "--since", str(since)]
        self.follower = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        thread(self.listen, self.follower)

    def listen(self, follower):
        for line in follower.stdout:
            with open(f"{self.home}/events", "ab") as kept:
                kept.write(line)
            with self.heard:
                self.events.append((time.monotonic(), json.loads(line)))
                self.heard.notify_all()
        follower.wait()

    def stop(self):
        self.process.terminate()
        try:
            if self.process.wait(STOP_WITHIN):
                raise Failed(f"{self.name} ended with {self.process.returncode}")
        except subprocess.TimeoutExpired as late:
            raise Failed(f"{self.name} did not stop within {STOP_WITHIN} s") from late
        self.unfollow()

    def unfollow(self):
        # By itself it would wait for the daemon to come back.
        self.follower.kill()
        self.follower.wait()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.follower:
            self.unfollow()

    # -- what its user does

    def try_ctl(self, *words):
        command = [self.program.path("msgctl"), *words]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60
        )

    def ctl(self, *words):
        done = self.try_ctl(*words)
        if done.returncode:
            raise Failed(f"{self.name}: msgctl {words[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def json(self, *words):
        return json.loads(self.ctl(*words, "--json"))

    def invite(self, *words):
        return self.ctl("invite", "--auto-accept", "-q", *words)

    def listen_port(self):
        return int(self.json("status")["listen"][0].rsplit(":", 1)[1])

    def contact(self, other):
        return next((c for c in self.json("contact", "ls")["contacts"] if c["name"] == other.name), None)

    def send(self, other, text):
        return self.ctl("send", other.name, text, "-q")

    # -- what it tells

    def wait_for(self, what, true, until, since=0.0):
        """When, by the steady clock, the first event came after `since` for which `true` holds."""
        at = 0
        with self.heard:
            while True:
                for moment, event in self.events[at:]:
                    if moment >= since and true(event):
                        return moment
                at = len(self.events)
                left = until - time.monotonic()
                if left <= 0 or not self.heard.wait(left) and time.monotonic() >= until:
                    raise Failed(f"{self.name}: {what} did not happen in time")

    def texts(self):
        """Every text that came in, in order, as the event log tells it."""
        with self.heard:
            events = [event for _, event in self.events]
        numbers = [event["seq"] for event in events]
        if numbers != sorted(set(numbers)):
            raise Failed(f"{self.name}: events came twice or out of order")
        return [event["text"] for event in events if event["kind"] == "message_received"]

    def linked(self, other, until, since=0.0):
        """When a link with that contact came up."""
        up = lambda event: self.tells_of(event, other, True)
        return self.wait_for(f"a link with {other.name}", up, until, since)

    def stored(self, message, until):
        """When somebody who keeps it for its reader had a message."""
        wanted = {"kind": "message_state_changed", "message": message, "state": "stored"}
        kept = lambda event: wanted.items() <= event.items()
        return self.wait_for("custody", kept, until)

    def unlinked(self, other, until, since=0.0):
        down = lambda event: self.tells_of(event, other, False)
        return self.wait_for(f"the end of the link with {other.name}", down, until, since)

    def tells_of(self, event, other, connected):
        if event["kind"] != "presence_changed" or event["connected"] != connected:
            return False
        if event["contact"] not in self.names:
            self.names.update((c["id"], c["name"]) for c in self.json("contact", "ls")["contacts"])
        return self.names.get(event["contact"]) == other.name

    # -- what must not show

    def secrets(self):
        """Every id and fingerprint that its user can see, and what it is."""
        found = {}
        for words in (("identity", "ls"), ("contact", "ls"), ("invite", "ls"), ("ls",)):
            collect(found, self.json(*words))
        for conversation in self.json("ls").get("conversations", []):
            collect(found, self.json("read", "-n", "20", conversation["id"]))
        for identity in self.json("identity", "ls")["identities"]:
            # An identity's own id is a name of a file, drawn at random and told to nobody.
            found.pop(identity["id"], None)
        return found


def collect(found, value):
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, (dict, list)):
            collect(found, inner)
        elif isinstance(inner, str) and re.fullmatch("[0-9a-f]{32}|[0-9a-f]{64}", inner):
            found[inner] = str(key)


def spellings(secret):
    """The ways in which bytes, given in hexadecimal digits, may be written."""
    raw = bytes.fromhex(secret)
    base32 = base64.b32encode(raw).rstrip(b"=")
    crockford = "".join(CROCKFORD[b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".index(digit)] for digit in base32)
    base64s = base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")
    texts = secret.encode(), base32, crockford.encode()
    cut = [text[:16] for text in texts] + [text[:16] for text in base64s]
    return {raw[:12], raw[-12:], *cut, *(text.upper() for text in cut[:3]), *(text.lower() for text in cut[:3])}


def link_pieces(link):
    """Every stretch of an invite that would give a part of it away, as text and as bytes."""
    body = re.split(":[a-z]1", link, maxsplit=1)[1].lower()
    pieces = set()
    for at in range(len(body) - 15):
        pieces |= {body[at : at + 16].encode(), body[at : at + 16].upper().encode()}
    # Its bytes, wherever its version and its flags end.
    for start in range(8):
        bits = "".join(f"{CROCKFORD.index(digit):05b}" for digit in body)[start:]
        raw = int(bits[: len(bits) // 8 * 8], 2).to_bytes(len(bits) // 8, "big")
        pieces |= {raw[at : at + 12] for at in range(len(raw) - 11)}
    # Where the addresses are all zero, or few bytes differ, anything would match.
    return {piece for piece in pieces if len(set(piece)) > 5}
