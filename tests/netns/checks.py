"""What may not be seen by whoever listens on a segment."""

import ipaddress
import struct

from capture import UDP, streams
from daemon import link_pieces, spellings
from lab import Failed

# Whose payload nobody should ever see, in any scenario: names are asked for nowhere, and
# services are not announced.
NEVER = {53: "DNS", 5353: "mDNS", 1900: "SSDP", 5355: "LLMNR"}
# In clear on TCP before Noise takes over; the same for every libp2p program.
KNOWN_WORDS = (b"\x13/multistream/1.0.0\n", b"\x07/noise\n")
AGENTS = (b"msgd/", b"/msgd", b"msgd:", b"msgd ", b"libp2p", b"rust-", b"mainline", b"agent")
# Base 58 of any Ed25519 PeerId begins like this, and its bytes like that.
PEER_IDS = (b"12D3Koo", bytes.fromhex("002408011220"))


class Secrets:
    """What to look for, found out from the daemons before they go."""

    def __init__(self):
        self.needles = {}
        self.seen = set()

    def add(self, what, *needles):
        self.needles.update((needle, what) for needle in needles)

    def text(self, what, text):
        self.add(what, text.encode(), text.upper().encode(), text.lower().encode())

    def link(self, link):
        self.add("invite", *link_pieces(link))

    def of(self, daemon):
        self.text("display name", daemon.name)
        for secret, what in daemon.secrets().items():
            if secret not in self.seen:
                self.seen.add(secret)
                self.add(what, *spellings(secret))

    def search(self, haystacks):
        """One pass for each length of needle: a capture has many bytes, and a link many pieces."""
        by_length, hits = {}, set()
        for needle in self.needles:
            by_length.setdefault(len(needle), set()).add(needle)
        for haystack in haystacks:
            for length, needles in by_length.items():
                if len(needles) < 8:
                    found = {needle for needle in needles if needle in haystack}
                else:
                    found = needles.intersection(
                        haystack[at : at + length] for at in range(len(haystack) - length + 1)
                    )
                hits |= {self.needles[needle] for needle in found}
        return hits


def private_addresses(address):
    """How an address in a message would look: text, and the forms of several protocols."""
    ip = ipaddress.ip_address(address)
    yield str(ip).encode()
    if ip.version == 4:
        # As in a multiaddress, and as in protocol buffers (bytes of length four).
        yield b"\x04" + ip.packed
    else:
        yield ip.packed


def check(packets, secrets, private):
    """Everything that holds in every scenario, segment by segment. `private` are (address, port)
    of hosts in home networks."""
    faults = set()
    for segment, seen in packets.items():
        bodies = streams(seen)
        faults |= {f"{what} on {segment.name}" for what in secrets.search(bodies)}
        faults |= words(segment, bodies)
        for packet in seen:
            for port in {packet.sport, packet.dport} & NEVER.keys():
                faults.add(f"{NEVER[port]} on {segment.name}")
        if segment.public:
            faults |= addresses(segment, bodies, private)
    return sorted(faults)


def words(segment, bodies):
    faults = set()
    for body in bodies:
        for known in KNOWN_WORDS:
            body = body.replace(known, b"")
        for word in AGENTS:
            if word in body:
                faults.add(f"the word {word.decode()!r} on {segment.name}")
        if any(mark in body for mark in PEER_IDS):
            faults.add(f"a PeerId in clear on {segment.name}")
    return faults


def addresses(segment, bodies, private):
    faults = set()
    for address, port in private:
        forms = set(private_addresses(address))
        if ipaddress.ip_address(address).version == 4:
            forms.add(ipaddress.ip_address(address).packed + struct.pack("!H", port))
        if any(form in body for form in forms for body in bodies):
            faults.add(f"the private address {address} on {segment.name}")
    return faults


def windows(packets):
    """Every 16 bytes that were sent."""
    return {body[at : at + 16] for body in streams(packets) for at in range(len(body) - 15)}


def is_random(part):
    """Neither a plain protocol name nor filling."""
    return len(set(part)) >= 10 and sum(32 <= byte < 127 for byte in part) < 10


def unlinkable(before, after):
    """Nothing that stays the same may tie what was sent before to what is sent after."""
    common = {part for part in windows(before) & windows(after) if is_random(part)}
    if common:
        raise Failed(f"{len(common)} stretches are the same before and after: {min(common).hex()}")


def silent(packets):
    """Not a packet."""
    for segment, seen in packets.items():
        if seen:
            one = seen[0]
            raise Failed(f"{len(seen)} packets on {segment.name}, such as {one.source} to {one.destination}:{one.dport}")


def directory(puts):
    """What all nodes of the DHT see: items of one size under keys that say nothing."""
    faults = set()
    writers = {}
    for sender, target, value, _ in puts:
        if len(value) not in (960, 964):
            faults.add(f"an item of {len(value)} bytes in the DHT")
        if writers.setdefault(target, sender) != sender:
            faults.add("two who share a key in the DHT")
        if len(set(value)) < 200:
            faults.add("an item in the DHT that does not look random")
    return sorted(faults)


def reaches(packets, ports):
    """The packets with one of these UDP or TCP ports."""
    return [p for seen in packets.values() for p in seen if {p.sport, p.dport} & set(ports)]


def to_many(packets):
    """The packets that are for more than one."""
    everybody = ipaddress.ip_address("255.255.255.255")
    return [p for seen in packets.values() for p in seen if p.destination.is_multicast or p.destination == everybody]


def lan_tokens(packets):
    """Entries of queries to everybody on a network: none may come twice, nor a nonce."""
    nonces, entries = set(), set()
    for seen in packets.values():
        for packet in seen:
            if packet.protocol != UDP or not packet.destination.is_multicast:
                continue
            nonce, rest = packet.data[:16], packet.data[16:]
            tokens = [rest[at : at + 8] for at in range(0, len(rest), 8)]
            if nonce in nonces or entries.intersection(tokens) or len(set(tokens)) != len(tokens):
                raise Failed("a token of a query on the local network came twice")
            nonces.add(nonce)
            entries.update(tokens)
    return len(nonces)
