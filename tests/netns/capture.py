"""Listens on every segment, writes pcap files, and reads them again."""

import collections
import ipaddress
import os
import select
import socket
import struct
import threading
import time

from lab import Failed

ETH_ALL = 3
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)

Packet = collections.namedtuple("Packet", "time protocol source sport destination dport data sequence")
# Where each transport's payload begins, and what it is called here.
UDP, TCP = 17, 6


class Capture:
    """Everything that goes over the segments of a lab until it is stopped."""

    def __init__(self, lab):
        self.files = {}
        self.sockets = {}
        self.lost = 0
        self.awaited, self.seen = b"", threading.Event()
        for segment in lab.segments():
            listening = segment.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
            listening.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            path = os.path.join(lab.scratch, f"{segment.name}.pcap")
            file = open(path, "wb")
            file.write(PCAP_HEADER)
            self.sockets[listening] = file
            self.files[segment] = path
        self.stop_end, self.stop_here = os.pipe()
        self.read_to = {}
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        lab.at_end(self.stop)
        self.proof = {segment: self.prove(lab, segment) for segment in lab.segments()}

    def run(self):
        waiting = [*self.sockets, self.stop_end]
        while True:
            ready = select.select(waiting, [], [])[0]
            for one in ready:
                if one is self.stop_end:
                    return
                self.take(one)

    def take(self, listening):
        file = self.sockets[listening]
        for _ in range(64):
            try:
                frame, (interface, _, kind, *_) = listening.recvfrom(1 << 18, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            # Once, as it comes in from a host; what the bridge itself says is none of theirs.
            if kind == socket.PACKET_OUTGOING or not interface.startswith("port"):
                continue
            now = time.time()
            seconds = int(now)
            head = struct.pack("<IIII", seconds, int((now - seconds) * 1e6), len(frame), len(frame))
            file.write(head + frame)
            if self.awaited and frame.endswith(self.awaited):
                self.seen.set()

    def prove(self, lab, segment):
        """Sends something over `segment`, and waits until the capture has it."""
        self.awaited = os.urandom(48)
        self.seen.clear()
        stranger = lab.host(f"s{len(lab.hosts)}")
        stranger.plug(segment, "192.0.2.250/24")
        with stranger.udp() as sending:
            sending.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sending.sendto(self.awaited, ("192.0.2.255", 9))
            if not self.seen.wait(5):
                raise Failed(f"the capture on {segment.name} sees nothing")
        stranger.unplug()
        return self.awaited

    def stop(self):
        if not self.thread.is_alive():
            return
        os.write(self.stop_here, b".")
        self.thread.join()
        for listening, file in self.sockets.items():
            self.take(listening)
            file.close()
            lost = listening.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
            self.lost += struct.unpack("II", lost)[1]
            listening.close()

    def since(self):
        """What went over the only segment since the last call, when it has all come in."""
        (segment, path), *_ = self.files.items()
        before = self.read_to.get(segment, 0)
        end, found = time.monotonic() + 2, []
        while not found and time.monotonic() < end:
            time.sleep(0.05)
            for file in self.sockets.values():
                file.flush()
            with open(path, "rb") as file:
                found = list(parse(file.read()))[before:]
        self.read_to[segment] = before + len(found)
        return found

    def packets(self, segment):
        """What TCP and UDP carried over `segment`; ends a capture that is under way."""
        self.stop()
        if self.lost:
            raise Failed(f"the capture missed {self.lost} packets")
        with open(self.files[segment], "rb") as file:
            found = list(parse(file.read()))
        proof = self.proof[segment]
        if not any(packet.data == proof for packet in found):
            raise Failed(f"the capture on {segment.name} misses what was sent there")
        return [packet for packet in found if packet.data != proof]


def parse(pcap):
    """The TCP and UDP packets of a pcap file of Ethernet frames, IPv4 and IPv6."""
    magic, *_, link = struct.unpack_from("<IHHiIII", pcap)
    if magic != 0xA1B2C3D4 or link != 1:
        raise Failed("not a pcap file of Ethernet frames")
    at = 24
    while at < len(pcap):
        seconds, micros, size, _ = struct.unpack_from("<IIII", pcap, at)
        frame = pcap[at + 16 : at + 16 + size]
        at += 16 + size
        packet = dissect(seconds + micros / 1e6, frame)
        if packet:
            yield packet


def dissect(when, frame):
    kind, ip = frame[12:14], frame[14:]
    if kind == b"\x08\x00":
        protocol, start = ip[9], (ip[0] & 15) * 4
        ip = ip[: struct.unpack("!H", ip[2:4])[0]]
        source, destination = ip[12:16], ip[16:20]
        fragmented = struct.unpack("!H", ip[6:8])[0] & 0x3FFF
    elif kind == b"\x86\xdd":
        protocol, start = ip[6], 40
        ip = ip[: 40 + struct.unpack("!H", ip[4:6])[0]]
        source, destination = ip[8:24], ip[24:40]
        fragmented = protocol == 44
    else:
        return None
    if fragmented:
        raise Failed("a fragment; the checks cannot look into it")
    layer = ip[start:]
    if protocol == UDP:
        data, sequence = layer[8:], 0
    elif protocol == TCP:
        data, sequence = layer[(layer[12] >> 4) * 4 :], struct.unpack("!I", layer[4:8])[0]
    else:
        return None
    sport, dport = struct.unpack("!HH", layer[:4])
    ends = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    return Packet(when, protocol, ends[0], sport, ends[1], dport, data, sequence)


def streams(packets):
    """The bytes of each TCP direction put together, and each UDP payload by itself."""
    found, flows = [], collections.defaultdict(dict)
    for packet in packets:
        if not packet.data:
            continue
        if packet.protocol == UDP:
            found.append(packet.data)
        else:
            flow = packet.source, packet.sport, packet.destination, packet.dport
            flows[flow].setdefault(packet.sequence, packet.data)
    for parts in flows.values():
        whole, expected = bytearray(), None
        for sequence in sorted(parts):
            data = parts[sequence]
            if expected is not None and sequence < expected:
                data = data[expected - sequence :]
            whole += data
            expected = max(expected or 0, sequence + len(parts[sequence]))
        found.append(bytes(whole))
    return found
