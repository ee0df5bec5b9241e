"""Home routers: what they do to addresses, and proof that they do it.

`cone`        one outside port for an inside socket, open to everybody (full cone)
`restricted`  one outside port, open only to those who were written to (port-restricted cone)
`random`      another outside port, drawn at random, for each who is written to (symmetric)
"""

import contextlib
import socket

from lab import Failed

KINDS = ("cone", "restricted", "random")

GUARD = """
table ip guard {
    chain forward {
        type filter hook forward priority 0; policy drop;
        iifname "lan0" accept
        ct state established,related accept
        ct status dnat accept
    }
    # A packet nobody waits for is dropped before it takes the place of a later mapping.
    chain input {
        type filter hook input priority 0; policy drop;
        iifname != "wan0" accept
        ct state established,related accept
    }
}
"""

MASQUERADE = """
table ip nat {
    chain post {
        type nat hook postrouting priority 100;
        oifname "wan0" masquerade %s
    }
}
"""

# Linux has no full cone of its own: this one notes who uses which port and lets everybody in there.
CONE = """
table ip cone {
    map udp_ports { type inet_service : ipv4_addr; flags dynamic,timeout; size 4096; timeout 2m; }
    map tcp_ports { type inet_service : ipv4_addr; flags dynamic,timeout; size 4096; timeout 2m; }
    chain note {
        type filter hook forward priority -1;
        iifname "lan0" meta l4proto udp update @udp_ports { udp sport : ip saddr }
        iifname "lan0" meta l4proto tcp update @tcp_ports { tcp sport : ip saddr }
    }
    chain pre {
        type nat hook prerouting priority -100;
        iifname "wan0" dnat to udp dport map @udp_ports
        iifname "wan0" dnat to tcp dport map @tcp_ports
    }
}
"""

RULES = {
    "cone": GUARD + CONE + MASQUERADE % "",
    "restricted": GUARD + MASQUERADE % "",
    "random": GUARD + MASQUERADE % "fully-random",
}


def router(lab, name, kind, lan, wan, inside, outside):
    """A router between `lan` (address `inside`) and `wan` (address `outside`)."""
    made = lab.host(name)
    made.plug(lan, inside, port="lan0")
    made.plug(wan, outside, port="wan0")
    made.forwards()
    made.nft(RULES[kind])
    made.kind = kind
    return made


def behaviour(client, server, addresses):
    """What the router before `client` does, as the two `addresses` of `server` see it."""
    one, two = addresses
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(client.udp())
        near, other_port, other_host = (
            stack.enter_context(server.udp(*at)) for at in ((one, 3478), (one, 3479), (two, 3478))
        )
        seen = []
        for probe in (near, other_port, other_host):
            ours.sendto(b"who am I", probe.getsockname())
            seen.append(probe.recvfrom(64)[1])
        # From where it was never written to.
        unknown = stack.enter_context(server.udp(two, 3480))
        unknown.sendto(b"open?", seen[0])
        ours.settimeout(0.2)
        try:
            is_open = ours.recvfrom(64)[0] == b"open?"
        except socket.timeout:
            is_open = False
        # From where it was: a router that lets nobody in at all would pass for a restricted one.
        near.sendto(b"answer", seen[0])
        ours.settimeout(2)
        if ours.recvfrom(64)[0] != b"answer":
            raise Failed("an answer did not come through the router")
        one_port = len(set(seen)) == 1
        kept = seen[0][1] == ours.getsockname()[1]
    if one_port and kept:
        return "cone" if is_open else "restricted"
    return "random" if len(set(seen)) == 3 and not kept and not is_open else f"odd ({seen})"


def check(client, kind, server, addresses):
    """Nothing is worth saying about a router that is not what its name says."""
    found = behaviour(client, server, addresses)
    if found != kind:
        raise Failed(f"the router of {client.name} should be {kind} and is {found}")
