"""Wireshark display filters that open what a capture testifies: the packets of a count, a witness or a flow.

Sources: wireshark-filter(4) for the syntax, Wireshark's display filter reference for the names of the fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attribution.model.observation import CONNECTIONS, CUT, TOO_BIG, PacketWitness, TapCount, WitnessKind

NANOSECONDS = 1_000_000_000

# What all packets of a kind of witness have in common, in IPv4 and in IPv6.
_SIGNS: Mapping[WitnessKind, tuple[str, str]] = {
    WitnessKind.ICMP_UNREACHABLE: ("ip.src=={sender} && icmp.type==3", "ipv6.src=={sender} && icmpv6.type==1"),
    WitnessKind.ICMP_PROHIBITED: ("ip.src=={sender} && icmp.type==3", "ipv6.src=={sender} && icmpv6.type==1"),
    WitnessKind.ICMP_TTL_EXCEEDED: ("ip.src=={sender} && icmp.type==11", "ipv6.src=={sender} && icmpv6.type==3"),
    WitnessKind.ICMP_TOO_BIG: ("ip.src=={sender} && icmp.type==3", "ipv6.src=={sender} && icmpv6.type==2"),
    WitnessKind.TCP_RESET: ("ip.src=={sender} && tcp.flags.reset==1", "ipv6.src=={sender} && tcp.flags.reset==1"),
    WitnessKind.HANDSHAKE_FAILED: (
        "ip.addr=={sender} && ip.addr=={about} && tcp.flags.syn==1 && tcp.flags.ack==0",
        "ipv6.addr=={sender} && ipv6.addr=={about} && tcp.flags.syn==1 && tcp.flags.ack==0",
    ),
    WitnessKind.ARP_UNANSWERED: ("arp.opcode==1", "icmpv6.type==135"),
}
# Protocols of counts that Wireshark calls otherwise.
_SHOWN: Mapping[str, str] = {
    CONNECTIONS: "tcp.flags.syn==1 && tcp.flags.ack==0",
    CUT: "tcp",
    TOO_BIG: "((icmp.type==3 && icmp.code==4) || icmpv6.type==2)",
}


def frames_filter(frames: Sequence[int]) -> str:
    """Shows exactly these frames; empty for none."""
    return f"frame.number in {{{','.join(map(str, frames))}}}" if frames else ""


def direction_filter(source: str, destination: str, protocol: str) -> str:
    """Shows what one address sends to another, over one protocol."""
    ip = _version(source)
    shown = "icmpv6" if ip == "ipv6" and protocol == "icmp" else _SHOWN.get(protocol, protocol)
    return f"{ip}.src=={source} && {ip}.dst=={destination} && {shown}"


def loss_filter(count: TapCount) -> str:
    """Shows the packets of a direction and time from which its losses follow: sent again, late, after a gap."""
    return f"{direction_loss_filter(count.source, count.destination, count.protocol)} && {_time(count)}"


def direction_loss_filter(source: str, destination: str, protocol: str) -> str:
    """Shows what tells of loss in one direction, whenever it was."""
    direction = direction_filter(source, destination, protocol)
    if protocol == "tcp":
        signs = "tcp.analysis.retransmission || tcp.analysis.out_of_order || tcp.analysis.lost_segment"
        return f"{direction} && ({signs})"
    if protocol == "icmp":
        return f"{direction} && {_version(source).replace('ip', 'icmp')}.resp_not_found"
    return direction


def witness_filter(witness: PacketWitness) -> str:
    """Shows the packets that a witness rests on: by number where all are known, else by what they are and when."""
    signs = _SIGNS.get(witness.kind)
    if signs is None or witness.count <= len(witness.frames) or witness.sender is None or witness.about is None:
        return frames_filter(witness.frames)
    sign = signs[_version(witness.sender) == "ipv6"]
    return f"{sign.format(sender=witness.sender, about=witness.about)} && {_time(witness)}"


def _version(address: str) -> str:
    return "ipv6" if ":" in address else "ip"


def _time(seen: TapCount | PacketWitness) -> str:
    """From the first to the last nanosecond; both included."""
    first, last = (f"{ns // NANOSECONDS}.{ns % NANOSECONDS:09d}" for ns in (seen.time_ns, seen.end_ns))
    return f"frame.time_epoch>={first} && frame.time_epoch<={last}"
