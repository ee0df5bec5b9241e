"""What every scenario is made of: places to be, people who meet there, and streams of messages
that must arrive once and in order."""

import concurrent.futures
import contextlib
import itertools
import os
import time

import checks
import dht_nodes
import nat
from capture import Capture
from checks import Secrets
from daemon import Daemon
from lab import Failed, Lab, TooSlow, thread

# The internet of the lab: one segment, with addresses that every program takes for public ones.
CORE, CORE_TOO = "20.0.0.1", "20.0.0.2"
# Ports that nobody has any business with where the DHT is off: those of the lab's nodes, and the
# customary ones.
DHT_PORTS = range(6881, 6900)
# An address for an invite at which nobody is, for those who are to find each other otherwise.
NOWHERE = "198.51.100.1:9"


class World:
    """One run of one scenario."""

    def __init__(self, program, tag, scratch):
        self.program = program
        self.lab = Lab(tag, os.path.join(scratch, tag))
        self.secrets = Secrets()
        self.daemons, self.private = [], set()
        self.capture = None
        self.began = time.monotonic()
        self.link_s, self.messages, self.path, self.notes = None, 0, "direct", []
        self.dht, self.lan = None, False

    # -- places

    def internet(self):
        """A segment where every address is a public one, and what lies beyond swallows all."""
        segment = self.lab.segment("net", public=True)
        self.core = self.lab.host("core")
        self.core.plug(segment, f"{CORE}/16", f"{CORE_TOO}/16")
        self.net = segment
        return segment

    def public(self, name, number):
        host = self.lab.host(name)
        host.plug(self.net, f"20.0.100.{number}/16", gateway=CORE)
        return host

    def home(self, number, kind):
        """A network behind a router of that kind; what it does is checked by `behind`."""
        lan = self.lab.segment(f"home{number}")
        inside, outside = f"192.168.{number}.1/24", f"20.0.{number}.1/16"
        lan.router = nat.router(self.lab, f"gate{number}", kind, lan, self.net, inside, outside)
        lan.router.ip(f"route add default via {CORE}")
        lan.number = number
        return lan

    def behind(self, lan, name):
        host = self.lab.host(name)
        self.move_in(host, lan)
        nat.check(host, lan.router.kind, self.core, (CORE, CORE_TOO))
        return host

    def beside(self, lan, name, last):
        """Another one on a network that somebody is on already."""
        host = self.lab.host(name)
        self.move_in(host, lan, last)
        return host

    def move_in(self, host, lan, last=23):
        address = f"192.168.{lan.number}.{last}"
        host.plug(lan, f"{address}/24", gateway=f"192.168.{lan.number}.1")
        self.private.add(address)

    def directory(self):
        """A DHT of the lab's own; daemons get it by their settings."""
        host = self.lab.host("dht")
        host.plug(self.net, "20.0.50.250/16", gateway=CORE)
        self.dht = dht_nodes.Network(host, "20.0.50")
        return {"dht": {"mode": "on", "bootstrap": self.dht.bootstrap()}}

    @staticmethod
    def acquaint(one, other, address):
        """Until a packet gets from one to the other: from then on neighbours know each other."""
        with other.udp(address) as hears, one.udp("::" if ":" in address else "0.0.0.0") as calls:
            hears.settimeout(0.2)
            for _ in range(20):
                calls.sendto(b"hello", hears.getsockname()[:2])
                with contextlib.suppress(TimeoutError):
                    hears.recv(16)
                    return
        raise Failed(f"{other.name} cannot be reached")

    # -- people

    def daemon(self, host, settings=None, role="person"):
        # No name is a part of another, or of anything else.
        name = f"Canary{host.name.capitalize()}Quetzal"
        made = Daemon(self.program, host, name, settings, role)
        self.daemons.append(made)
        return made

    def listen(self):
        """Captures from here on; to be called once every segment is there."""
        self.capture = Capture(self.lab)

    def meet(self, inviter, invitee, within, *invite_words):
        """From an invite to contacts with a link between them; when that is."""
        link = inviter.invite(*invite_words)
        self.secrets.link(link)
        asked = time.monotonic()
        invitee.ctl("contact", "add", link)
        end = asked + within + 15
        up = max(inviter.linked(invitee, end, asked), invitee.linked(inviter, end, asked))
        self.link_s = up - asked
        self.within("the link", self.link_s, within)
        return up

    @staticmethod
    def within(what, took, limit):
        if took > limit:
            raise TooSlow(f"{what} took {took:.2f} s, not {limit} s")

    @staticmethod
    def until(what, true, within):
        """For what no event tells: looks until it holds."""
        end = time.monotonic() + within
        while not true():
            if time.monotonic() > end:
                raise Failed(f"not in time: {what}")
            time.sleep(0.1)

    # -- messages

    def stream(self, writer, reader, count, pause=0.0):
        return Stream(self, writer, reader, count, pause)

    def both_ways(self, one, other, count, pause=0.0, during=None, within=20):
        """Numbered messages in both directions at a time; `during` happens in the middle."""
        streams = [self.stream(one, other, count, pause), self.stream(other, one, count, pause)]
        if during:
            during(streams)
        for stream in streams:
            stream.finish(within)

    # -- the end

    def judge(self):
        """Reads the captures, once whatever should happen has happened."""
        ports = set()
        running = [daemon for daemon in self.daemons if daemon.process.poll() is None]
        for daemon in running:
            self.secrets.of(daemon)
            ports.add(daemon.listen_port())
        # They say goodbye to each other: all at a time, or each waits for the next.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(Daemon.stop, running))
        private = list(itertools.product(self.private, ports))
        packets = self.packets()
        faults = checks.check(packets, self.secrets, private)
        if not self.dht and checks.reaches(packets, DHT_PORTS):
            faults.append("packets to a DHT port")
        if self.lan:
            self.notes.append(f"{checks.lan_tokens(packets)} queries")
        elif checks.to_many(packets):
            faults.append("packets to everybody on a network")
        if self.dht:
            faults += checks.directory(self.dht.puts)
        if not any(packets.values()):
            faults.append("the capture is empty")
        if faults:
            raise Failed("; ".join(faults))

    def packets(self):
        return {segment: self.capture.packets(segment) for segment in self.lab.segments()}

    def close(self):
        self.lab.close()


class Stream:
    """Numbered messages from one to another, written by a thread of their own."""

    def __init__(self, world, writer, reader, count, pause):
        self.world, self.writer, self.reader = world, writer, reader
        self.count, self.pause = count, pause
        self.before = len(reader.texts())
        self.mark = f"wombat{len(world.secrets.needles)}of{writer.host.name}"
        world.secrets.text("message text", self.mark)
        self.ids, self.fault = [], None
        self.began = time.monotonic()
        self.thread = thread(self.write)

    def text(self, number):
        return f"{self.mark} {number:04}"

    def write(self):
        try:
            for number in range(self.count):
                self.ids.append(self.writer.send(self.reader, self.text(number)))
                time.sleep(self.pause)
        except Exception as fault:
            self.fault = fault

    def reached(self, number, within):
        """Waits until that many have arrived."""
        last = self.text(number - 1)
        mine = lambda event: event["kind"] == "message_received" and event["text"] == last
        return self.reader.wait_for(f"message {number}", mine, time.monotonic() + within)

    def finish(self, within):
        self.thread.join(within + 60)
        if self.fault or self.thread.is_alive():
            raise Failed(f"writing stopped: {self.fault}")
        end = self.reached(self.count, within)
        wanted = [self.text(number) for number in range(self.count)]
        got = [text for text in self.reader.texts()[self.before :] if text.startswith(self.mark)]
        shown = self.reader.json("read", "-n", "500", self.writer.name)["messages"]
        shown = [m["text"] for m in shown if m["text"].startswith(self.mark)]
        for what, found in (("told", got), ("shown", shown)):
            if found != wanted:
                raise Failed(f"{what} to {self.reader.name}: {difference(wanted, found)}")
        self.world.messages += self.count
        return end


def difference(wanted, found):
    missing = [text for text in wanted if text not in found]
    double = sorted({text for text in found if found.count(text) > 1})
    if missing or double:
        return f"missing {missing[:5]}, double {double[:5]}"
    return "not in the order in which they were written"
