"""Networks to order: hosts, segments that they are plugged into, routers; all of it in network
namespaces that go when the process that made them goes (see tests/suites/netns.sh).

A segment is a bridge in a namespace of its own, so that whoever listens there sees every packet
that one host sends to another, and sees it once.
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x4000_0000
libc = ctypes.CDLL(None, use_errno=True)
# The namespace of whoever started us, to return to.
HOME = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Failed(Exception):
    """A scenario did not show what it should."""


class TooSlow(Failed):
    """It came about, but late: perhaps the machine was busy with something else."""


def run(*command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip()} {stdin or ''}")
    return done.stdout


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Host:
    """A namespace: a machine with its own interfaces and routes."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.namespace = f"{lab.tag}-{name}"
        run("ip", "netns", "add", self.namespace)
        self.descriptor = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY | os.O_CLOEXEC)
        # Addresses are used at once, and no router is asked for any.
        for key in ("all", "default"):
            self.sysctl(f"ipv6/conf/{key}/accept_dad", 0)
            self.sysctl(f"ipv6/conf/{key}/accept_ra", 0)
            self.sysctl(f"ipv6/conf/{key}/router_solicitations", 0)
        self.ip("link set lo up")

    @contextlib.contextmanager
    def inside(self):
        """What the calling thread starts or opens meanwhile belongs to this host."""
        enter(self.descriptor)
        try:
            yield
        finally:
            enter(HOME)

    def ip(self, *lines):
        run("ip", "-n", self.namespace, "-batch", "-", stdin="\n".join(lines) + "\n")

    def nft(self, rules):
        with self.inside():
            run("nft", "-f", "-", stdin=rules)

    def sysctl(self, key, value):
        with self.inside(), open(f"/proc/sys/net/{key}", "w") as file:
            file.write(str(value))

    def socket(self, *kind):
        with self.inside():
            return socket.socket(*kind)

    def udp(self, address="0.0.0.0", port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = self.socket(family, socket.SOCK_DGRAM)
        made.bind((address, port))
        made.settimeout(2)
        return made

    def plug(self, segment, *addresses, gateway=None, port="eth0"):
        """Connects `port` to `segment`, and routes everything by way of `gateway` if there is one."""
        other = segment.new_port()
        # No big frames that are cut up late: loss and capture are to see packets.
        self.ip(f"link add {port} type veth peer name {other} netns {segment.namespace}")
        self.ip(f"link set {port} gso_max_segs 1 mtu 1500")
        segment.ip(f"link set {other} master bridge gso_max_segs 1 mtu 1500 up")
        for address in addresses:
            extra = " nodad" if ":" in address else ""
            self.ip(f"addr add {address} dev {port}{extra}")
        self.ip(f"link set {port} up")
        for way in [gateway] if isinstance(gateway, str) else gateway or []:
            family = "-6" if ":" in way else "-4"
            run("ip", "-n", self.namespace, family, "route", "add", "default", "via", way)

    def unplug(self, port="eth0"):
        self.ip(f"link del {port}")

    def loses(self, percent):
        """Drops so many of the packets that come in."""
        self.nft(
            f"""table inet loss {{
                chain pre {{
                    type filter hook prerouting priority -300;
                    iifname != "lo" numgen random mod 100 < {percent} drop
                }}
            }}"""
        )

    def refuses_calls(self):
        """Lets in answers only, as the firewall of many a computer does."""
        self.nft(
            """table inet closed {
                chain input {
                    type filter hook input priority 0;
                    iifname != "lo" ct state new meta l4proto { tcp, udp } drop
                }
            }"""
        )

    def forwards(self):
        self.sysctl("ipv4/ip_forward", 1)
        self.sysctl("ipv6/conf/all/forwarding", 1)


class Segment(Host):
    """What cables meet in. `public` says whether strangers listen there."""

    def __init__(self, lab, name, public):
        super().__init__(lab, name)
        self.public = public
        self.ports = 0
        self.ip(
            # Everybody hears what is sent to many, whether they asked for it or not.
            "link add bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            "link set bridge addrgenmode none",
            "link set bridge up",
        )

    def new_port(self):
        self.ports += 1
        return f"port{self.ports}"


class Lab:
    """One scenario's networks and everything that runs in them."""

    def __init__(self, tag, scratch):
        self.tag, self.scratch = tag, scratch
        os.makedirs(scratch)
        self.hosts = []
        self.ends = []

    def host(self, name):
        self.hosts.append(Host(self, name))
        return self.hosts[-1]

    def segment(self, name, public=False):
        self.hosts.append(Segment(self, name, public))
        return self.hosts[-1]

    def segments(self):
        return [host for host in self.hosts if isinstance(host, Segment)]

    def at_end(self, action):
        self.ends.append(action)

    def close(self):
        for action in reversed(self.ends):
            with contextlib.suppress(Exception):
                action()
        for host in self.hosts:
            os.close(host.descriptor)
            subprocess.run(["ip", "netns", "del", host.namespace], capture_output=True)


def thread(target, *arguments):
    started = threading.Thread(target=target, args=arguments, daemon=True)
    started.start()
    return started
