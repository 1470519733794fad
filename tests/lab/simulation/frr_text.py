"""FRR's own words: the lines that its daemons write into their log, as `frrlog` reads them back."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.lab.happenings import BgpDown, BgpEnd, BgpUp, OspfChange

_NOTICES = {(4, 0): "Hold Timer Expired", (6, 1): "Cease/Maximum Number of Prefixes Reached",
            (6, 2): "Cease/Administrative Shutdown", (6, 10): "Cease/BFD Down"}
_REASONS = {
    BgpEnd.HOLD_TIMER: "BGP Notification send", BgpEnd.NOTIFICATION_RECEIVED: "BGP Notification received",
    BgpEnd.PEER_CLOSED: "Peer closed the session", BgpEnd.INTERFACE_DOWN: "Interface down",
    BgpEnd.BFD_DOWN: "BFD down initiated", BgpEnd.ADMIN_SHUTDOWN: "Admin. shutdown",
    BgpEnd.MAXIMUM_PREFIXES: "BGP Notification send", BgpEnd.OTHER: "Other",
}


@dataclass(frozen=True, slots=True)
class FrrLine:
    """One line of a router's log."""

    time: float
    daemon: str
    text: str


def session_lost(moment: float, what: BgpDown, peer_name: str) -> list[FrrLine]:
    """The NOTIFICATION, if one went with it, and the change itself."""
    lines = []
    if what.code is not None:
        direction = "received from" if what.end is BgpEnd.NOTIFICATION_RECEIVED else "sent to"
        code = f"{what.code[0]}/{what.code[1]} ({_NOTICES.get(what.code, 'Cease')})"
        lines.append(FrrLine(moment - 3e-5, "BGP", f"[HZN6M-XRM1G] %NOTIFICATION: {direction} neighbor {what.peer} "
                                                   f"{code} 0 bytes "))
    text = f"[PXVXG-TFNNT] %ADJCHANGE: neighbor {what.peer}({peer_name}) in vrf default Down {_REASONS[what.end]}"
    return [*lines, FrrLine(moment, "BGP", text)]


def session_gained(moment: float, what: BgpUp, peer_name: str) -> FrrLine:
    """A session was established."""
    return FrrLine(moment, "BGP", f"[N9HHH-F8H1M] %ADJCHANGE: neighbor {what.peer}({peer_name}) in vrf default Up")


def routes_exchanged(moment: float, peer: str) -> FrrLine:
    """The peer has told all that it knows."""
    return FrrLine(moment, "BGP", "[M59KS-A3ZXZ] bgp_update_receive: rcvd End-of-RIB for IPv4 Unicast from "
                                  f"{peer} in vrf default")


def adjacency_changed(moment: float, what: OspfChange, device: str, own: str) -> FrrLine:
    """An OSPF neighbour became full or was lost."""
    if what.up:
        states = "Loading -> Full" if what.event == "LoadingDone" else "Exchange -> Full"
    else:
        states = "Full -> Init" if what.event == "1-WayReceived" else "Full -> Deleted"
    return FrrLine(moment, "OSPF", f"[Y05P2-YJVXY] AdjChg: Nbr {what.router_id}, NbrIP {what.address} (default) on "
                                   f"{device}:{own}: {states} ({what.event})")


def daemons_started(moment: float) -> list[FrrLine]:
    """What zebra says when its clients come back."""
    return [
        FrrLine(moment + 0.0005 * number, "ZEBRA", "[V98V0-MTWPF] client "
                f"{client} says hello and bids fair to announce only {name} routes vrf=0")
        for number, (client, name) in enumerate(((24, "bgp"), (28, "vnc")))
    ]


def write_log(path: Path, lines: Iterable[FrrLine]) -> None:
    """A log file as FRR writes it, in the order of time."""
    text = "".join(f"{datetime.fromtimestamp(line.time, UTC):%Y/%m/%d %H:%M:%S.%f} {line.daemon}: {line.text}\n"
                   for line in sorted(lines, key=lambda line: line.time))
    path.write_text(text, encoding="utf-8")


def dotted(address: int) -> str:
    """An address as people write it."""
    return str(ipaddress.IPv4Address(address))
