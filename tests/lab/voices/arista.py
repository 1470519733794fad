"""Arista EOS agents write %FACILITY-SEVERITY-MNEMONIC lines under their own names (EOS system message list)."""

from __future__ import annotations

import ipaddress
from functools import singledispatch

from tests.lab import happenings as seen
from tests.lab.commands import typed_in_time
from tests.lab.happenings import BgpEnd
from tests.lab.plan import Vendor
from tests.lab.voices.line import NOTICE_TEXTS, Line


@singledispatch
def speak(what: object) -> list[Line]:
    del what
    return []


@speak.register
def _(what: seen.LinkChange) -> list[Line]:
    state = "up" if what.up else "down"
    protocol = f"%LINEPROTO-5-UPDOWN: Line protocol on Interface {what.port}, changed state to {state}"
    if what.admin and not what.up:
        changed = f"%LINK-5-CHANGED: Interface {what.port}, changed state to administratively down"
        return [Line(0.0, 5, "Ebra", changed), Line(0.1, 5, "Ebra", protocol)]
    return [Line(0.0, 5, "Ebra", protocol)]


_ARISTA_ENDS = {
    BgpEnd.HOLD_TIMER: "HoldTime", BgpEnd.NOTIFICATION_RECEIVED: "RecvNotify", BgpEnd.PEER_CLOSED: "Closed",
    BgpEnd.INTERFACE_DOWN: "Stop", BgpEnd.BFD_DOWN: "BfdDown", BgpEnd.ADMIN_SHUTDOWN: "AdminReset",
    BgpEnd.MAXIMUM_PREFIXES: "Stop", BgpEnd.OTHER: "Closed",
}


@speak.register
def _(what: seen.BgpDown) -> list[Line]:
    lines = []
    where = f"peer {what.peer} (VRF default AS {what.asn})"
    if what.end is BgpEnd.BFD_DOWN:
        lines.append(Line(0.0, 5, "Bfd", f"%BFD-5-STATE_CHANGE: peer (vrf:default, ip:{what.peer}, intf:{what.port}, "
                                         "type:normal) changed state from Up to Down diag TimeExpired"))
    if what.code is not None:
        direction = "received from" if what.end is BgpEnd.NOTIFICATION_RECEIVED else "sent to"
        text = NOTICE_TEXTS.get(what.code, "Cease")
        lines.append(Line(0.0, 3, "Bgp", f"%BGP-3-NOTIFICATION: {direction} {where} {what.code[0]}/{what.code[1]} "
                                         f"({text}) 0 bytes"))
    return [*lines, Line(0.0, 5, "Bgp", f"%BGP-5-ADJCHANGE: {where} old state Established event "
                                        f"{_ARISTA_ENDS[what.end]} new state Idle")]


@speak.register
def _(what: seen.BgpUp) -> list[Line]:
    return [Line(0.0, 5, "Bgp", f"%BGP-5-ADJCHANGE: peer {what.peer} (VRF default AS {what.asn}) old state OpenConfirm "
                                "event RecvKeepAlive new state Established")]


@speak.register
def _(what: seen.OspfChange) -> list[Line]:
    own = _own_end(what.address)
    if what.up:
        return [Line(0.0, 4, "Rib", f"%OSPF-4-OSPF_ADJACENCY_ESTABLISHED: NGB {what.address}, interface {own} "
                                    "adjacency established")]
    reason = "inactivity timer expired" if what.event == "InactivityTimer" else "interface went down"
    return [Line(0.0, 4, "Rib", f"%OSPF-4-OSPF_ADJACENCY_TEARDOWN: NGB {what.address}, interface {own} adjacency "
                                f"dropped: {reason}, state was: FULL")]


def _own_end(neighbour: str) -> ipaddress.IPv4Address:
    """The other address of a point-to-point subnet of four."""
    address = int(ipaddress.IPv4Address(neighbour))
    return ipaddress.IPv4Address(address ^ 3)


@speak.register
def _(what: seen.Command) -> list[Line]:
    lines = [
        Line(delay, 6, "Aaa", f"%ACCOUNTING-6-CMD: {what.user} vty3 {what.origin} stop task_id={12 + number} "
                              f"start_time=1795395723.1 timezone=UTC service=shell priv-lvl=15 cmd={command} <cr>")
        for number, (delay, command) in enumerate(typed_in_time(Vendor.ARISTA, what))
    ]
    done = f"%SYS-5-CONFIG_I: Configured from console by {what.user} on vty3 ({what.origin})"
    return [*lines, Line(lines[-1].delay_s + 1.4, 5, "ConfigAgent", done)]


@speak.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 5, "Launcher", "%SYS-5-SYSTEM_RESTARTED: System restarted")]


@speak.register
def _(what: seen.Login) -> list[Line]:
    word, verb = ("LOGOUT", "logged out") if what.leaving else ("LOGIN", "logged in")
    return [Line(0.0, 5, "Aaa", f"%AAA-5-{word}: user {what.user} {verb} [from: {what.origin}] [service: sshd]")]


@speak.register
def _(what: seen.Routine) -> list[Line]:
    choices = (("Aaa", "%AAA-5-LOGIN: user monitor logged in [from: 10.200.9.20] [service: sshd]"),
               ("Aaa", "%AAA-5-LOGOUT: user monitor logged out [from: 10.200.9.20] [service: sshd]"),
               ("ConfigAgent", "%SYS-5-CONFIG_E: Enter configuration mode from console by monitor on vty3 "
                               "(10.200.9.20)"))
    return [Line(0.0, 6, *choices[what.choice % len(choices)])]


@speak.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 6, "ProcMgr-worker", f"%PROCMGR-6-PROCESS_TERMINATED: 'Bgp' (PID={what.process_id}, status=9) "
                                           "has terminated.")]


@speak.register
def _(what: seen.ProcessStarted) -> list[Line]:
    return [Line(0.0, 6, "ProcMgr-worker", f"%PROCMGR-6-PROCESS_STARTED: 'Bgp' starting with PID={what.process_id} "
                                           "(PPID=1801) -- execing '/usr/bin/Bgp'")]
