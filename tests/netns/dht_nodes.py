"""A small network of the BitTorrent DHT (BEP 5, BEP 44) for the lab: a few nodes that know each
other, keep mutable items, and may be told to misbehave.

They check nothing, least of all signatures: whoever asks must do so.
"""

import hashlib
import os
import selectors
import struct

from lab import thread

PORT = 6881
NEAREST = 8


def encode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"


def decode(data, at=0):
    """The value at `at`, and where it ends."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        items, at = [], at + 1
        while data[at : at + 1] != b"e":
            item, at = decode(data, at)
            items.append(item)
        found = items if kind == b"l" else dict(zip(items[::2], items[1::2]))
        return found, at + 1
    colon = data.index(b":", at)
    size = int(data[at:colon])
    return data[colon + 1 : colon + 1 + size], colon + 1 + size


class Node:
    def __init__(self, host, address):
        self.address = address
        self.id = hashlib.sha1(address.encode()).digest()
        self.socket = host.udp(address, PORT)
        packed = bytes(int(part) for part in address.split("."))
        self.contact = self.id + packed + struct.pack("!H", PORT)
        self.items = {}


class Network:
    """Nodes on `host`, which gets an address for each of them."""

    def __init__(self, host, prefix, count=12):
        host.ip(*(f"addr add {prefix}.{n}/16 dev eth0" for n in range(1, count + 1)))
        self.nodes = [Node(host, f"{prefix}.{n}") for n in range(1, count + 1)]
        # `honest` or `garbage`.
        self.manner = "honest"
        # Every item that came: who sent it, its target, its value and its number.
        self.puts, self.queries, self.versions = [], 0, set()
        host.lab.at_end(self.close)
        self.open = True
        thread(self.run)

    def bootstrap(self):
        return [f"{node.address}:{PORT}" for node in self.nodes[:3]]

    def close(self):
        self.open = False

    def run(self):
        ready = selectors.DefaultSelector()
        for node in self.nodes:
            ready.register(node.socket, selectors.EVENT_READ, node)
        while self.open:
            for key, _ in ready.select(timeout=0.2):
                try:
                    data, sender = key.data.socket.recvfrom(4096)
                    answer = self.answer(key.data, decode(data)[0], sender)
                    if answer:
                        key.data.socket.sendto(answer, sender)
                except (ValueError, KeyError, IndexError, OSError):
                    # Not a query, or nobody there any more.
                    pass
        for node in self.nodes:
            node.socket.close()

    def answer(self, node, query, sender):
        if query[b"y"] != b"q":
            return None
        self.queries += 1
        self.versions.add(query.get(b"v"))
        if self.manner == "garbage":
            return os.urandom(200)
        asked, said = query[b"a"], {b"id": node.id}
        kind = query[b"q"]
        if kind == b"put":
            self.put(node, asked, sender)
        elif kind != b"ping":
            target = asked.get(b"target") or asked[b"info_hash"]
            said[b"nodes"] = self.nearest(target)
            if kind != b"find_node":
                said[b"token"] = b"open"
            said.update(node.items.get(target, {}) if kind == b"get" else {})
        return encode({b"t": query[b"t"], b"y": b"r", b"r": said})

    def put(self, node, asked, sender):
        if b"k" not in asked:
            return
        target = hashlib.sha1(asked[b"k"] + asked.get(b"salt", b"")).digest()
        self.puts.append((sender[0], target, asked[b"v"], asked[b"seq"]))
        if node.items.get(target, {}).get(b"seq", -1) <= asked[b"seq"]:
            node.items[target] = {key: asked[key] for key in (b"k", b"seq", b"sig", b"v")}

    def nearest(self, target):
        distance = lambda node: bytes(one ^ two for one, two in zip(node.id, target))
        return b"".join(node.contact for node in sorted(self.nodes, key=distance)[:NEAREST])
