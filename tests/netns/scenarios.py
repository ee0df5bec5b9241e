"""The scenarios. Each makes its own networks, and says how long what may take.

Limits are in seconds. `needs` names features; where the program under test does not have one, the
scenario is told as waiting for it and is not run.
"""

import collections
import contextlib
import itertools
import time

import checks
import nat
import selftest
from daemon import link_pieces
from lab import Failed
from world import CORE, NOWHERE

Scenario = collections.namedtuple("Scenario", "name budget needs run")
ALL = []
COUNT = 20


def scenario(name, budget, *needs):
    def register(function):
        ALL.append(Scenario(name, budget, set(needs), function))
        return function

    return register


def on_one_lan(world, names="ab"):
    """Hosts on a network without a way out."""
    lan = world.lab.segment("lan")
    hosts = []
    for number, name in enumerate(names, 2):
        host = world.lab.host(name)
        host.plug(lan, f"192.168.7.{number}/24")
        hosts.append(host)
    return hosts


scenario("the checks find what is planted", 40)(selftest.everything_is_found)


@scenario("lan, address in the invite", 30)
def lan_with_hints(world):
    a, b = map(world.daemon, on_one_lan(world))
    world.listen()
    world.meet(a, b, 2)
    world.both_ways(a, b, COUNT)
    world.judge()


@scenario("killed and restarted in mid-stream", 60)
def restart(world):
    a, b = map(world.daemon, on_one_lan(world))
    world.listen()
    world.meet(a, b, 2)
    there = world.stream(a, b, 2 * COUNT, 0.02)
    there.reached(COUNT // 2, 10)
    b.kill()
    back = time.monotonic()
    b.start()
    world.notes.append(f"again {b.linked(a, back + 15, back) - back:.1f} s")
    there.finish(15)
    world.stream(b, a, COUNT).finish(10)
    # With both away nobody sends twice what was sent before, and nothing may say who is back.
    for one in (a, b):
        one.stop()
    seam = time.time()
    for one in (a, b):
        one.start()
    world.both_ways(a, b, COUNT)
    world.judge()
    seen = [packet for part in world.packets().values() for packet in part]
    before = [packet for packet in seen if packet.time < seam]
    after = [packet for packet in seen if packet.time > seam]
    checks.unlinkable(before, after)


@scenario("IPv6 only, through a router", 30)
def six(world):
    nets = [world.lab.segment(f"six{n}", public=True) for n in (1, 2)]
    router = world.lab.host("r")
    for n, net in enumerate(nets, 1):
        router.plug(net, f"2a0a:{n}::1/64", port=f"eth{n}")
    router.forwards()
    hosts = []
    for n, (name, net) in enumerate(zip("ab", nets), 1):
        host = world.lab.host(name)
        host.plug(net, f"2a0a:{n}::5/64", gateway=f"2a0a:{n}::1")
        hosts.append(host)
    world.acquaint(*hosts, "2a0a:2::5")
    a, b = map(world.daemon, hosts)
    world.listen()
    world.meet(a, b, 2)
    world.both_ways(a, b, COUNT)
    world.judge()


@scenario("30 % loss in both directions", 60)
def loss(world):
    world.internet()
    hosts = [world.public(name, number) for number, name in enumerate("ab", 1)]
    for host in hosts:
        host.loses(30)
    a, b = map(world.daemon, hosts)
    world.listen()
    world.meet(a, b, 20)
    world.both_ways(a, b, COUNT, within=40)
    world.judge()


for kind in nat.KINDS:

    @scenario(f"who is invited is behind a {kind} NAT", 30)
    def invited_behind(world, kind=kind):
        world.internet()
        home = world.home(1, kind)
        public, inside = world.public("a", 1), world.behind(home, "b")
        a, b = world.daemon(public), world.daemon(inside)
        world.listen()
        world.meet(a, b, 2)
        world.both_ways(a, b, COUNT)
        # The one in public cannot call: it has to be called again.
        cut = time.monotonic()
        a.stop()
        a.start()
        world.notes.append(f"again {a.linked(b, cut + 20, cut) - cut:.1f} s")
        world.both_ways(a, b, COUNT)
        world.judge()


@scenario("moves from one home to another in mid-stream", 40)
def roam_home(world):
    world.internet()
    first, second = world.home(1, "restricted"), world.home(2, "random")
    public, mobile = world.public("a", 1), world.behind(first, "b")
    a, b = world.daemon(public), world.daemon(mobile)
    world.listen()
    world.meet(a, b, 2)

    def move(streams):
        for stream in streams:
            stream.reached(COUNT // 2, 10)
        mobile.unplug()
        moved = time.monotonic()
        world.move_in(mobile, second)
        again = b.linked(a, moved + 30, moved) - moved
        world.notes.append(f"again {again:.1f} s")
        world.within("to be linked again", again, 2)

    world.both_ways(a, b, 2 * COUNT, 0.02, move)
    world.judge()


@scenario("in public, takes another address in mid-stream", 40)
def roam_public(world):
    world.internet()
    a, mobile = world.daemon(world.public("a", 1)), world.public("b", 2)
    b = world.daemon(mobile)
    world.listen()
    world.meet(a, b, 2)

    def move(streams):
        for stream in streams:
            stream.reached(COUNT // 2, 10)
        mobile.unplug()
        moved = time.monotonic()
        mobile.plug(world.net, "20.0.200.9/16", gateway=CORE)
        again = b.linked(a, moved + 30, moved) - moved
        world.notes.append(f"again {again:.1f} s")
        world.within("to be linked again", again, 2)

    world.both_ways(a, b, 2 * COUNT, 0.02, move)
    # The other one was told: it calls at the new address, and cannot be called.
    a.host.refuses_calls()
    a.stop()
    back = time.monotonic()
    a.start()
    a.linked(b, back + 5, back)
    world.both_ways(a, b, COUNT)
    world.judge()


@scenario("everything off, nobody to talk to", 60)
def silence(world):
    world.internet()
    host = world.public("a", 1)
    daemon = world.daemon(host)
    daemon.invite()
    world.listen()
    time.sleep(8)
    daemon.stop()
    daemon.start()
    daemon.stop()
    world.path = "none"
    checks.silent(world.packets())


# -- the local network

LAN = {"lan": {"enabled": True}}


def renumber(host, old, new):
    # Not the other way round: with the first address of a network the others of it go.
    host.ip(f"addr del {old}/24 dev eth0", f"addr add {new}/24 dev eth0")


@scenario("LAN, no address in the invite", 40, "lan")
def lan_invite(world):
    a, b = (world.daemon(host, LAN) for host in on_one_lan(world))
    world.listen()
    world.path, world.lan = "lan", True
    world.meet(a, b, 2, "--address", NOWHERE)
    world.both_ways(a, b, COUNT)
    world.judge()


@scenario("LAN, IPv6 alone, no address in the invite", 40, "lan")
def lan_six(world):
    lan = world.lab.segment("lan")
    hosts = []
    for number, name in enumerate("ab", 2):
        host = world.lab.host(name)
        host.plug(lan, f"fd07::{number}/64")
        hosts.append(host)
    world.acquaint(*hosts, "fd07::3")
    a, b = (world.daemon(host, LAN) for host in hosts)
    world.listen()
    world.path, world.lan = "lan", True
    world.meet(a, b, 2, "--address", NOWHERE)
    world.both_ways(a, b, COUNT)
    world.judge()


@scenario("LAN, both come back at other addresses", 40, "lan")
def lan_cold(world):
    hosts = on_one_lan(world)
    a, b = (world.daemon(host, LAN) for host in hosts)
    world.listen()
    world.path, world.lan = "lan", True
    world.meet(a, b, 2)
    waiting = world.stream(a, b, 5)
    waiting.finish(10)
    for number in (1, 2):
        a.stop()
        b.stop()
        apart = time.monotonic()
        for at, host in enumerate(hosts):
            renumber(host, f"192.168.7.{2 + at + 20 * (number - 1)}", f"192.168.7.{2 + at + 20 * number}")
        a.start()
        stored = world.stream(a, b, 5)
        b.start()
        both_up = time.monotonic()
        found = a.linked(b, both_up + 15, apart), b.linked(a, both_up + 15, apart)
        up = max(found) - both_up
        world.notes.append(f"cold {up:.1f} s")
        world.within("to find each other", up, 1)
        stored.finish(10)
    world.both_ways(a, b, COUNT)
    world.judge()


@scenario("LAN, a stranger repeats what was asked", 60, "lan")
def lan_stranger(world):
    a_host, b_host, c = on_one_lan(world, "abc")
    a, b = (world.daemon(host, LAN) for host in (a_host, b_host))
    world.listen()
    world.path, world.lan = "lan", True
    world.meet(a, b, 2, "--address", NOWHERE)
    # Without a link they ask for each other again. What one asked the other has heard: said once
    # more by somebody else it is nothing. (Who has just started remembers nothing it heard before.)
    b.stop()
    # Elsewhere, both of them: nobody is reached without asking. The other one's own rounds of
    # questions, which the change sets off, must be over.
    renumber(a_host, "192.168.7.2", "192.168.7.22")
    renumber(b_host, "192.168.7.3", "192.168.7.33")
    time.sleep(8)
    back = time.monotonic()
    b.start()
    b.linked(a, back + 10, back)
    new = lambda p: p.destination.is_multicast and str(p.source) == "192.168.7.33"
    asked = [p for p in world.capture.since() if new(p)]
    if not asked:
        raise Failed("nobody asked anything")
    with c.udp("192.168.7.4") as calls:
        for packet in asked:
            for data in (packet.data, bytes(reversed(packet.data)), packet.data[:-8]):
                calls.sendto(data, (str(packet.destination), packet.dport))
        mine = calls.getsockname()
        calls.settimeout(2)
        with contextlib.suppress(TimeoutError):
            raise Failed(f"a stranger was answered: {len(calls.recv(2000))} bytes")
    world.both_ways(a, b, COUNT)
    for daemon in world.daemons:
        world.secrets.of(daemon)
        daemon.stop()
    if any(mine[0] == str(p.destination) for seen in world.packets().values() for p in seen):
        raise Failed("packets to the stranger")


# -- the DHT


@scenario("DHT, both in public", 60, "dht")
def dht_public(world):
    world.internet()
    settings = world.directory()
    a, b = (world.daemon(world.public(name, n), settings) for n, name in enumerate("ab", 1))
    world.listen()
    world.path = "dht"
    world.meet(a, b, 6, "--address", NOWHERE)
    world.both_ways(a, b, COUNT)
    stops_asking(world)
    world.judge()


def stops_asking(world):
    """Once all are linked the DHT is of no more use, and is left alone."""
    # A node of ours may run on for ten seconds.
    time.sleep(12)
    before = world.dht.queries
    time.sleep(4)
    if world.dht.queries != before:
        raise Failed(f"{world.dht.queries - before} queries to the DHT by those who have a link")


for kind in nat.KINDS:

    @scenario(f"DHT, who invites is behind a {kind} NAT", 40, "dht")
    def dht_behind(world, kind=kind):
        world.internet()
        home = world.home(1, kind)
        settings = world.directory()
        inside, public = world.behind(home, "a"), world.public("b", 1)
        a, b = world.daemon(inside, settings), world.daemon(public, settings)
        world.listen()
        world.path = "dht"
        # The one who invites looks from time to time whether somebody is about to use it.
        world.meet(a, b, 25)
        world.both_ways(a, b, COUNT)
        world.judge()


@scenario("DHT, moves in public while the other is behind a NAT", 60, "dht")
def dht_roam(world):
    world.internet()
    home = world.home(1, "restricted")
    settings = world.directory()
    inside, mobile = world.behind(home, "a"), world.public("b", 2)
    a, b = world.daemon(inside, settings), world.daemon(mobile, settings)
    world.listen()
    world.path = "dht"
    world.meet(b, a, 2)

    def move(streams):
        for stream in streams:
            stream.reached(COUNT // 2, 10)
        mobile.unplug()
        moved = time.monotonic()
        mobile.plug(world.net, "20.0.200.9/16", gateway=CORE)
        again = b.linked(a, moved + 40, moved) - moved
        world.notes.append(f"again {again:.1f} s")
        world.within("to be linked again", again, 15)

    world.both_ways(a, b, 2 * COUNT, 0.02, move)
    world.judge()


@scenario("DHT that talks nonsense, then comes to its senses", 120, "dht")
def dht_garbage(world):
    world.internet()
    settings = world.directory()
    a, b = (world.daemon(world.public(name, n), settings) for n, name in enumerate("ab", 1))
    world.listen()
    world.path = "dht"
    world.dht.manner = "garbage"
    link = a.invite("--address", NOWHERE)
    world.secrets.link(link)
    asked = time.monotonic()
    b.ctl("contact", "add", link)
    time.sleep(6)
    if not world.dht.queries:
        raise Failed("nobody asked for nonsense")
    if a.contact(b):
        raise Failed("they met by nonsense")
    world.dht.manner = "honest"
    met = a.linked(b, asked + 90, asked), b.linked(a, asked + 90, asked)
    world.link_s = max(met) - asked
    world.both_ways(a, b, COUNT)
    world.judge()


# -- relays


def through_relays(world, kinds, relays=1):
    """Two who met on one network, now behind a router of their own each, and friends of both who
    relay. Returns the daemons, and a function that sends the two away."""
    world.internet()
    cafe = world.home(3, "restricted")
    homes = [world.home(number, kind) for number, kind in enumerate(kinds, 1)]
    hosts = [world.behind(cafe, "a"), world.beside(cafe, "b", 24)]
    for home in homes:
        world.behind(home, f"probe{home.number}").unplug()
    serves = {"relay": {"serve": True}}
    helpers = [world.daemon(world.public(f"relay{n}", n), serves) for n in range(1, relays + 1)]
    a, b = (world.daemon(host) for host in hosts)
    world.listen()
    for helper in helpers:
        for one in (a, b):
            world.meet(helper, one, 4)
    world.meet(a, b, 4)

    def part():
        parted = time.monotonic()
        for host, home in zip(hosts, homes):
            host.unplug()
            world.move_in(host, home)
        for one, other in ((a, b), (b, a)):
            one.linked(other, parted + 30, parted)
        took = time.monotonic() - parted
        world.notes.append(f"again {took:.1f} s")
        world.within("to be linked again", took, 10)

    return a, b, helpers, part


def bytes_between(world, one, other):
    """What went over the internet between two addresses without a detour."""
    ends = {one, other}
    return sum(len(p.data) for p in world.packets()[world.net] if {str(p.source), str(p.destination)} == ends)


# Where neither port can be foreseen, or one of them at a router that lets in only whom it knows,
# nobody gets through; the relay carries on.
HOPELESS = {("random", "random"), ("random", "restricted"), ("restricted", "random")}

for kinds in itertools.product(nat.KINDS, repeat=2):

    @scenario(f"relay, {kinds[0]} NAT and {kinds[1]} NAT", 60, "relay")
    def relayed(world, kinds=kinds):
        a, b, _, part = through_relays(world, kinds)
        world.both_ways(a, b, 5)
        part()
        world.both_ways(a, b, COUNT)
        # Time enough to find the direct way.
        time.sleep(3)
        world.both_ways(a, b, COUNT)
        world.judge()
        direct = bytes_between(world, "20.0.1.1", "20.0.2.1")
        world.path = "direct" if direct > COUNT * 2 * 4096 else "relay"
        if world.path == "relay" and kinds not in HOPELESS:
            raise Failed("no direct way was found")


@scenario("relay that dies, and another", 90, "relay")
def relay_dies(world):
    a, b, helpers, part = through_relays(world, ("random", "random"), relays=2)
    part()
    there, back = world.stream(a, b, 2 * COUNT, 0.05), world.stream(b, a, 2 * COUNT, 0.05)
    there.reached(COUNT // 2, 10)
    for helper in helpers:
        helper.kill()
        time.sleep(2)
        helper.start()
    there.finish(40)
    back.finish(40)
    world.path = "relay"
    world.judge()


# -- mailboxes


def with_mailboxes(world):
    """Two who met on one network and left it, each with a mailbox at a host that is always there;
    neither is running."""
    world.internet()
    cafe = world.home(3, "restricted")
    homes = [world.home(number, "random") for number in (1, 2)]
    hosts = [world.behind(cafe, "a"), world.beside(cafe, "b", 24)]
    keeper = world.daemon(world.public("m", 1), role="mailbox")
    pace = {"mailbox": {"receipt_seconds": 1, "poll_seconds": 5}}
    a, b = (world.daemon(host, pace) for host in hosts)
    world.listen()
    world.path = "mailbox"
    world.meet(a, b, 4)
    world.both_ways(a, b, 5)
    for one in (a, b):
        code = keeper.ctl("mailbox", "offer", one.host.name, "-q")
        world.secrets.add("mailbox code", *link_pieces(code))
        one.ctl("mailbox", "accept", code)
    boxes = lambda: keeper.json("mailbox", "hosted")["mailboxes"]
    world.until("tags at the mailboxes", lambda: all(box["hashes"] for box in boxes()), 20)
    # What is written now comes after the word of the mailboxes.
    world.both_ways(a, b, 1)
    for one, home in zip((a, b), homes):
        one.stop()
        one.host.unplug()
        world.move_in(one.host, home)
    return a, b, keeper


def leaves(world, writer, reader, count=COUNT):
    """`writer` comes, leaves messages for one who is away, and goes."""
    writer.start()
    stream = world.stream(writer, reader, count)
    stream.thread.join()
    wrote = time.monotonic()
    kept = max(writer.stored(message, wrote + 30) for message in stream.ids)
    world.notes.append(f"kept {kept - wrote:.1f} s")
    writer.stop()
    return stream


def collects(world, reader, stream):
    came = time.monotonic()
    reader.start()
    up = time.monotonic()
    world.notes.append(f"collected {stream.finish(30) - up:.1f} s")
    return came


@scenario("mailbox, the two are never there at a time", 90, "mailbox")
def mailbox_only(world):
    a, b, keeper = with_mailboxes(world)
    first = leaves(world, a, b)
    taken = lambda: keeper.json("mailbox", "stat")["taken"]
    before = taken()
    collects(world, b, first)
    world.until("the receipt at the mailbox", lambda: taken() > before, 15)
    b.stop()
    second = leaves(world, b, a)
    collects(world, a, second)
    told = lambda: a.json("msg", "info", first.ids[-1])["state"] == "delivered"
    world.until("the writer's word that it was read", told, 15)
    world.judge()
    if bytes_between(world, "20.0.1.1", "20.0.2.1"):
        raise Failed("they were there at a time after all")


@scenario("mailbox host killed while parcels come and go", 90, "mailbox")
def mailbox_killed(world):
    a, b, keeper = with_mailboxes(world)
    a.start()
    stream = world.stream(a, b, COUNT, 0.05)
    world.until("half of the writing", lambda: len(stream.ids) >= COUNT // 2, 20)
    keeper.kill()
    time.sleep(1)
    keeper.start()
    stream.thread.join()
    kept = max(a.stored(message, time.monotonic() + 40) for message in stream.ids)
    a.stop()
    b.start()
    stream.reached(1, 20)
    keeper.kill()
    time.sleep(1)
    keeper.start()
    stream.finish(40)
    world.notes.append(f"collected {time.monotonic() - kept:.1f} s after")
    world.judge()
