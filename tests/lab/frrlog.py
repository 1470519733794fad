"""FRR's own log file, read back: sessions and adjacencies that came and went, with the time to the microsecond."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.lab.happenings import BgpDown, BgpEnd, BgpUp, Happening, OspfChange
from tests.lab.plan import Plan

_LINE = re.compile(r"^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}) (\w+): (.*)$")
_UP = re.compile(r"%ADJCHANGE: neighbor ([\d.]+)\S* in vrf default Up")
_DOWN = re.compile(r"%ADJCHANGE: neighbor ([\d.]+)\S* in vrf default Down (.*)")
_NOTICE = re.compile(r"%NOTIFICATION\S*(?: Reset\))?: (sent to|received from) neighbor ([\d.]+) (\d+)/(\d+)")
_ADJACENCY = re.compile(r"AdjChg: Nbr ([\d.]+), NbrIP ([\d.]+) \(default\) on (eth\d+):\S+: (\w+) -> (\w+) \((\w+)\)")

_ENDS = {
    "BGP Notification received": BgpEnd.NOTIFICATION_RECEIVED,
    "Peer closed the session": BgpEnd.PEER_CLOSED,
    "Interface down": BgpEnd.INTERFACE_DOWN,
    "BFD down initiated": BgpEnd.BFD_DOWN,
    "Admin. shutdown": BgpEnd.ADMIN_SHUTDOWN,
    "Reached received prefix count": BgpEnd.MAXIMUM_PREFIXES,
}
_ENDS_BY_CODE = {(4, 0): BgpEnd.HOLD_TIMER, (6, 10): BgpEnd.BFD_DOWN, (6, 1): BgpEnd.MAXIMUM_PREFIXES}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of FRR's log: when, which daemon, what."""

    time: float
    daemon: str
    text: str


def read_lines(path: Path) -> Iterator[LogLine]:
    """The lines of a log file that carry a time."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if (match := _LINE.match(line)) is not None:
            moment = datetime.strptime(match[1], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC)
            yield LogLine(moment.timestamp(), match[2], match[3])


def read_happenings(plan: Plan, role: str, path: Path) -> Iterator[Happening]:
    """What FRR's log says about its neighbours, in no vendor's words."""
    names = {port.device: port.name for port in plan.ports(role)}
    notices: dict[str, tuple[float, str, tuple[int, int]]] = {}
    for line in read_lines(path):
        if (match := _NOTICE.search(line.text)) is not None:
            notices[match[2]] = (line.time, match[1], (int(match[3]), int(match[4])))
        elif (match := _DOWN.search(line.text)) is not None:
            notice = notices.get(match[1])
            fresh = notice if notice is not None and line.time - notice[0] < 0.2 else None
            yield Happening(line.time, role, _down(plan, role, match[1], match[2].strip(), fresh))
        elif (match := _UP.search(line.text)) is not None:
            asn, internal, _, _ = _peer(plan, role, match[1])
            yield Happening(line.time, role, BgpUp(match[1], asn, internal))
        elif (match := _ADJACENCY.search(line.text)) is not None:
            gained, lost = match[5] == "Full", match[4] == "Full" and match[5] in ("Down", "Deleted", "Init")
            if gained or lost:
                change = OspfChange(match[1], match[2], names.get(match[3], match[3]), gained, match[6])
                yield Happening(line.time, role, change)


def _down(plan: Plan, role: str, peer: str, reason: str, notice: tuple[float, str, tuple[int, int]] | None) -> BgpDown:
    """A lost session; a NOTIFICATION sent in the same breath says more than the reason does."""
    asn, internal, port, own = _peer(plan, role, peer)
    end = _ENDS.get(reason, BgpEnd.OTHER)
    if notice is not None and notice[1] == "sent to":
        end = _ENDS_BY_CODE.get(notice[2], end)
    return BgpDown(peer, asn, internal, end, notice[2] if notice is not None else None, port, own)


def _peer(plan: Plan, role: str, address: str) -> tuple[int, bool, str, str]:
    """AS number of the peer of that address, whether it is our own, and our port and address towards it."""
    own = plan.node(role).asn
    for node in plan.nodes:
        held = {port.address.ip for port in plan.ports(node.role) if port.address is not None}
        if node.loopback is not None:
            held.add(node.loopback.ip)
        if address in {str(item) for item in held} and node.asn is not None:
            ports = [(port.name, str(port.address.ip)) for port in plan.ports(role)
                     if port.address is not None and address in {str(other.address.ip) for other in plan.segment(port)
                                                                 if other.address is not None}]
            return node.asn, node.asn == own, *(ports[0] if ports else ("", ""))
    return 0, False, "", ""
