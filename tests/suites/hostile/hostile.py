"""Attacks Bob's port from the loopback while Alice writes to him, and judges what it did.

Each attack runs in a process of its own, so that it does not slow down the clock of the
measurement. Held against limits: Bob's memory, the time until Alice's messages are delivered,
that every stranger is shown the door, and that a contact who was away gets in afterwards.
Prints one JSON line. Limits can be changed by HOSTILE_RSS_MIB, HOSTILE_P99_MS, HOSTILE_MAX_MS,
HOSTILE_CONNECTIONS. All random bytes come from a seed that is printed; HOSTILE_SEED repeats it.

Slow messages are held against Bob only if the same machine is quick again as soon as the attack
is over; otherwise it was busy with something else, and that attack is measured once more.
"""

import json
import multiprocessing
import os
import random
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

RSS_MIB = float(os.environ.get("HOSTILE_RSS_MIB", 64))
P99_MS = float(os.environ.get("HOSTILE_P99_MS", 200))
# Not even a single message may take longer: that long a lost link takes.
MAX_MS = float(os.environ.get("HOSTILE_MAX_MS", 5_000))
SEED = int(os.environ.get("HOSTILE_SEED") or random.SystemRandom().getrandbits(32))
CONNECTIONS = int(os.environ.get("HOSTILE_CONNECTIONS", 10_000))
# A connection has 5 s to encrypt and 5 s to prove itself; nobody may stay for longer.
OUT_WITHIN = 12.0
HELLO = b"\x13/multistream/1.0.0\n"
NOISE = b"\x07/noise\n"


class Daemon:
    """One daemon in a scratch profile."""

    def __init__(self, binaries, root, name):
        self.binaries, self.name = binaries, name
        self.home = os.path.join(root, name)
        os.makedirs(os.path.join(self.home, "run"), mode=0o700)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": self.home,
            "XDG_RUNTIME_DIR": os.path.join(self.home, "run"),
            "MSGD_DHT": "off",
        }
        self.process = None

    def start(self):
        log = open(os.path.join(self.home, "log"), "ab")
        command = [os.path.join(self.binaries, "msgd"), "--no-dbus", "--log", "warn", "--listen", "127.0.0.1:0"]
        # What most systems give a program.
        usual = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
        self.process = subprocess.Popen(
            command, env=self.environment, stdout=log, stderr=log, preexec_fn=usual
        )
        deadline = time.monotonic() + 30
        while self.control("status", check=False).returncode != 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"{self.name} does not start")
            time.sleep(0.02)

    def control(self, *arguments, check=True):
        command = [os.path.join(self.binaries, "msgctl"), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name}: msgctl {arguments[0]}: {done.stderr.strip()}")
        return done

    def port(self):
        status = json.loads(self.control("status", "--json").stdout)
        listen = status.get("listen") or status["status"]["listen"]
        return int(listen[0].rsplit(":", 1)[1])

    def memory_kib(self, key):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(key))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def all_out(sockets, within):
    """How many of them the peer closed within that time, and when the last one was."""
    waiting, begun, last = selectors.DefaultSelector(), time.monotonic(), 0.0
    for one in sockets:
        one.setblocking(False)
        waiting.register(one, selectors.EVENT_READ)
    left = len(sockets)
    while left and time.monotonic() < begun + within:
        for key, _ in waiting.select(timeout=0.2):
            try:
                if key.fileobj.recv(4096):
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            waiting.unregister(key.fileobj)
            left, last = left - 1, time.monotonic() - begun
    for one in sockets:
        one.close()
    return len(sockets) - left, last


def knock(port, words=b""):
    stranger = socket.create_connection(("127.0.0.1", port), timeout=10)
    try:
        stranger.sendall(words)
    except OSError:
        pass  # It was shown the door already.
    return stranger


def told(count, sockets):
    out, last = all_out(sockets, OUT_WITHIN)
    return {"strangers": count, "out": out, "last_out_s": round(last, 2)}


def random_bytes(port):
    return told(500, [knock(port, random.randbytes(4096)) for _ in range(500)])


def oversized(port):
    """Lengths that promise more than anyone may send, in each layer a stranger can reach."""
    promises = [
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        HELLO + b"\xff\xff\xff\xff\x0f" + b"/" * 4096,
        HELLO + NOISE + b"\xff\xff" + b"\0" * 65_535,
        HELLO + NOISE + b"\x00\x00" * 2_000,
    ]
    return told(400, [knock(port, promises[n % 4]) for n in range(400)])


def half_open(port):
    """Begin as a friend would, then fall silent or speak a byte at a time."""
    strangers = [knock(port, (HELLO + NOISE + b"\x00\x20")[: 1 + n % 30]) for n in range(400)]
    for _ in range(20):
        time.sleep(0.1)
        for one in strangers:
            try:
                one.send(b"\x13")
            except OSError:
                pass
    return told(400, strangers)


def crowd(port):
    """All at once, and all stay."""
    return told(CONNECTIONS, [knock(port) for _ in range(CONNECTIONS)])


def junk(port):
    """Datagrams of all sizes, and many that look like the first of a QUIC connection."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent = 0
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for _ in range(200):
            first = b"\xc3\x00\x00\x00\x01\x08" + random.randbytes(8) + b"\x08" + random.randbytes(8)
            words = first + b"\x00\x44\x9e" + random.randbytes(1_150)
            if sent % 3 == 0:
                words = random.randbytes(random.randrange(1, 1_400))
            try:
                out.sendto(words, ("127.0.0.1", port))
            except OSError:
                pass
            sent += 1
    return {"datagrams": sent}


ATTACKS = [random_bytes, oversized, half_open, crowd, junk]


def attack(which, port, results):
    # Of its own, so that it says the same whatever came before it.
    random.seed(f"{SEED} {which.__name__}")
    results.put(which(port))


def percentile(values, percent):
    """The least value that is at or above so many percent of them."""
    values = sorted(values)
    return values[-(-len(values) * percent // 100) - 1] if values else None


# Messages that must have gone through during an attack for its figures to mean something: with
# fewer the 99th percentile is the slowest of them.
LEAST_MESSAGES = 100
# What is added up over the rounds of an attack.
COUNTS = ("strangers", "out", "datagrams")
# How often an attack is measured on a machine that is busy with something else.
TRIES = 3


class Writer(threading.Thread):
    """Alice, who writes one message after the other."""

    def __init__(self, alice):
        super().__init__(daemon=True)
        self.alice, self.ended = alice, threading.Event()
        self.times, self.failures = [], []

    def run(self):
        while not self.ended.is_set():
            begun = time.monotonic()
            done = self.alice.control("send", "Bob", "still here", "--wait", "delivered", check=False)
            self.times.append((time.monotonic() - begun) * 1e3)
            if done.returncode != 0:
                self.failures.append(done.stderr.strip())

    def take(self):
        times, self.times = self.times, []
        return times

    def end(self):
        self.ended.set()
        self.join()


class Watch(threading.Thread):
    """Remembers the most that Bob's process took."""

    def __init__(self, bob):
        super().__init__(daemon=True)
        self.bob, self.ended, self.rss, self.descriptors = bob, threading.Event(), 0, 0

    def run(self):
        while not self.ended.wait(0.02):
            try:
                self.rss = max(self.rss, self.bob.memory_kib("VmRSS:"))
                self.descriptors = max(self.descriptors, self.bob.descriptors())
            except (OSError, StopIteration):
                return

    def take(self):
        most = {"rss_mib": round(self.rss / 1024, 1), "descriptors": self.descriptors}
        self.rss = self.descriptors = 0
        return most


def measure(writer, watch, attack_it):
    writer.take()
    watch.take()
    found = attack_it()
    # An attack that is turned away in an instant is made again until it can be judged. No
    # stranger of any round may stay.
    while len(writer.times) < LEAST_MESSAGES:
        again = attack_it()
        sums = {key: found[key] + again[key] for key in COUNTS if key in found}
        found = {**again, **sums}
    times = writer.take()
    figures = {"n": len(times), "p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99)}
    figures["max_ms"] = max(times, default=None)
    return {**found, **{k: v and round(v, 1) for k, v in figures.items()}, **watch.take()}


def pause():
    time.sleep(3)
    return {}


def main():
    binaries = os.path.abspath(sys.argv[1])
    print(f"HOSTILE_SEED={SEED}", file=sys.stderr)
    line, faults = {"binaries": binaries, "seed": SEED}, []
    with tempfile.TemporaryDirectory(prefix="hostile-") as root:
        alice, bob = Daemon(binaries, root, "alice"), Daemon(binaries, root, "bob")
        try:
            for daemon, name in [(alice, "Alice"), (bob, "Bob")]:
                daemon.start()
                daemon.control("vault", "create", "--insecure-store")
                daemon.control("identity", "create", name)
            link = bob.control("invite", "--auto-accept", "--json").stdout
            alice.control("contact", "add", json.loads(link)["link"])
            befriend(alice)
            port = bob.port()
            writer, watch = Writer(alice), Watch(bob)
            writer.start()
            watch.start()
            line["calm"] = measure(writer, watch, pause)
            for which in ATTACKS:
                found, of_attack = judged(which, port, writer, watch)
                line[which.__name__] = found
                faults += of_attack
            writer.end()
            watch.ended.set()
            faults += [f"a message failed: {failure}" for failure in writer.failures]
            line["peak_rss_mib"] = round(bob.memory_kib("VmHWM:") / 1024, 1)
            if line["peak_rss_mib"] > RSS_MIB:
                faults.append(f"Bob took {line['peak_rss_mib']} MiB, more than {RSS_MIB}")
            line["return_s"] = come_back(alice)
            if line["return_s"] > 10:
                faults.append("a contact gets in too late after the attacks")
        finally:
            alice.stop()
            bob.stop()
            if faults:
                with open(os.path.join(bob.home, "log")) as log:
                    print("Bob's last words:\n" + log.read()[-2_000:], file=sys.stderr)
    line["faults"] = faults
    print(json.dumps(line))
    return 1 if faults else 0


def befriend(alice):
    deadline = time.monotonic() + 20
    while alice.control("send", "Bob", "hello", "--wait", "delivered", check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise SystemExit("Alice and Bob do not become contacts")
        time.sleep(0.05)


def apart(which, port):
    results = multiprocessing.Queue()
    process = multiprocessing.Process(target=attack, args=(which, port, results))
    process.start()
    found = results.get(timeout=180)
    process.join()
    return found


def come_back(alice):
    alice.stop()
    begun = time.monotonic()
    alice.start()
    alice.control("send", "Bob", "back again", "--wait", "delivered")
    return round(time.monotonic() - begun, 2)


def judged(which, port, writer, watch):
    """The figures of an attack, and what is wrong with them."""
    name, faults = which.__name__, []
    for _ in range(TRIES):
        found = measure(writer, watch, lambda: apart(which, port))
        print(f"{name}: {found}", file=sys.stderr)
        if found.get("strangers", 0) != found.get("out", 0):
            faults.append(f"{name}: {found['strangers'] - found['out']} strangers were let stay")
        slow = slowness(found)
        if not slow:
            return found, faults
        after = measure(writer, watch, pause)
        if not slowness(after):
            return found, [*faults, f"{name}: {slow}; with nobody there p99 was {after['p99_ms']} ms"]
        print(f"{name}: not judged, slow with nobody there too: {after}", file=sys.stderr)
    return found, [*faults, f"{name}: this machine is too busy to judge"]


def slowness(found):
    if found["p99_ms"] > P99_MS or found["max_ms"] > MAX_MS:
        return f"p99 {found['p99_ms']} ms, at most {found['max_ms']} ms of {found['n']} messages"
    return None


if __name__ == "__main__":
    sys.exit(main())
