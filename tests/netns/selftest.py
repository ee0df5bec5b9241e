"""The checks find what is planted: what they never complain about proves nothing."""

import ipaddress
import os
import socket
import struct

import checks
from lab import Failed
from world import DHT_PORTS


class Planted:
    """What a daemon would be made to give away."""

    name = "CanaryPlantedQuetzal"

    @staticmethod
    def secrets():
        return {"ab" * 16 + "cd01ef" * 5 + "02": "fingerprint"}


def everything_is_found(world):
    segment = world.internet()
    host = world.public("a", 1)
    other = world.public("b", 2)
    world.listen()
    world.secrets.of(Planted)
    link = "msgd:i1040cxez3xyhb9z05wpy9m2mpm8qeghw2ms37xm887yr6k2m683k3atczb20bd2ng6qwg8zr0000vd5r"
    world.secrets.link(link)
    fingerprint = next(iter(Planted.secrets()))
    raw = bytes.fromhex(fingerprint)
    private = ("192.168.1.23", 40_001)
    address = ipaddress.ip_address(private[0]).packed
    plants = {
        "display name": Planted.name.encode(),
        "fingerprint": fingerprint.upper().encode(),
        "fingerprint ": raw,
        "invite": link[10:60].encode(),
        "the word": b"hello msgd/0.1",
        "a PeerId": bytes.fromhex("0024080112") + b"\x20" + os.urandom(32),
        "the private address": address + struct.pack("!H", private[1]),
        "the private address ": b"x 192.168.1.23 y",
        "the private address  ": b"\x08\x04" + address,
    }
    with host.udp() as sending, other.udp("20.0.100.2", 4000) as heard:
        for what, plant in plants.items():
            sending.sendto(os.urandom(20) + plant + os.urandom(20), heard.getsockname())
            heard.recv(2000)
            once = {segment: world.capture.since()}
            found = checks.check(once, world.secrets, [private])
            if not any(fault.startswith(what.strip()) for fault in found):
                raise Failed(f"planted and not found: {what.strip()}")
        for port in (53, DHT_PORTS[0]):
            sending.sendto(b"anything", ("20.0.100.2", port))
    split_over_two_packets(world, host, other)
    seen = world.packets()
    if not any(fault.startswith("DNS") for fault in checks.check(seen, world.secrets, [])):
        raise Failed("DNS is not found")
    if not checks.reaches(seen, DHT_PORTS):
        raise Failed("a packet to the DHT is not found")
    for broken in (lambda: checks.silent(seen), lambda: checks.unlinkable(seen[segment], seen[segment])):
        refused(broken)
    token_twice(seen[segment][0])
    world.path = "none"


def refused(broken):
    try:
        broken()
    except Failed:
        return
    raise Failed("a check let through what it must not")


def split_over_two_packets(world, host, other):
    """A name that TCP cuts in two is found all the same."""
    listening = other.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.bind(("20.0.100.2", 4001))
    listening.listen()
    calling = host.socket(socket.AF_INET, socket.SOCK_STREAM)
    calling.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    calling.connect(("20.0.100.2", 4001))
    heard, _ = listening.accept()
    world.capture.since()
    for part in (b"Canary", b"Planted", b"Quetzal"):
        calling.sendall(part)
        heard.recv(100)
    once = {world.net: world.capture.since()}
    if not any("display name" in fault for fault in checks.check(once, world.secrets, [])):
        raise Failed("a name in two packets is not found")
    for one in (listening, calling, heard):
        one.close()


def token_twice(packet):
    token, query = os.urandom(8), os.urandom(16)
    group = packet._replace(destination=ipaddress.ip_address("239.1.1.1"))
    once = [group._replace(data=query + token + os.urandom(8))]
    if checks.lan_tokens({None: once}) != 1:
        raise Failed("a query is not counted")
    again = [*once, group._replace(data=os.urandom(16) + os.urandom(8) + token)]
    refused(lambda: checks.lan_tokens({None: again}))
