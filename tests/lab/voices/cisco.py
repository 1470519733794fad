"""Cisco IOS writes %FACILITY-SEVERITY-MNEMONIC lines (Cisco IOS System Message Guide)."""

from __future__ import annotations

from functools import singledispatch

from tests.lab import happenings as seen
from tests.lab.commands import typed_in_time
from tests.lab.happenings import BgpEnd
from tests.lab.plan import Vendor
from tests.lab.voices.line import NOTICE_TEXTS, Line, dotted


@singledispatch
def speak(what: object) -> list[Line]:
    del what
    return []


@speak.register
def _(what: seen.LinkChange) -> list[Line]:
    state = "up" if what.up else "down"
    first = Line(0.0, 3, "", f"%LINK-3-UPDOWN: Interface {what.port}, changed state to {state}")
    if what.admin and not what.up:
        first = Line(0.0, 5, "", f"%LINK-5-CHANGED: Interface {what.port}, changed state to administratively down")
    protocol = f"%LINEPROTO-5-UPDOWN: Line protocol on Interface {what.port}, changed state to {state}"
    return [first, Line(0.6, 5, "", protocol)]


_CISCO_ENDS = {
    BgpEnd.HOLD_TIMER: "BGP Notification sent", BgpEnd.NOTIFICATION_RECEIVED: "BGP Notification received",
    BgpEnd.PEER_CLOSED: "Peer closed the session", BgpEnd.INTERFACE_DOWN: "Interface flap",
    BgpEnd.BFD_DOWN: "BFD adjacency down", BgpEnd.ADMIN_SHUTDOWN: "Admin. shutdown",
    BgpEnd.MAXIMUM_PREFIXES: "Prefix count exceeded", BgpEnd.OTHER: "Peer closed the session",
}


@speak.register
def _(what: seen.BgpDown) -> list[Line]:
    lines = []
    if what.end is BgpEnd.MAXIMUM_PREFIXES:
        lines.append(Line(0.0, 3, "", f"%BGP-3-MAXPFXEXCEED: Number of prefixes received from {what.peer} (afi 0): "
                                      "exceeds limit"))
    if what.end is BgpEnd.BFD_DOWN:
        lines.append(Line(0.0, 6, "", "%BFD-6-BFD_SESS_DESTROYED: BFD-SYSLOG: bfd_session_destroyed,  ld:1 neigh "
                                      f"proc:BGP, idb:{what.port} handle:1 act"))
    if what.code is not None:
        direction = "received from" if what.end is BgpEnd.NOTIFICATION_RECEIVED else "sent to"
        text = NOTICE_TEXTS.get(what.code, "cease")
        lines.append(Line(0.0, 3, "", f"%BGP-3-NOTIFICATION: {direction} neighbor {what.peer} "
                                      f"{what.code[0]}/{what.code[1]} ({text}) 0 bytes"))
    return [*lines, Line(0.0, 5, "", f"%BGP-5-ADJCHANGE: neighbor {what.peer} Down {_CISCO_ENDS[what.end]}")]


@speak.register
def _(what: seen.BgpUp) -> list[Line]:
    return [Line(0.0, 5, "", f"%BGP-5-ADJCHANGE: neighbor {what.peer} Up")]


@speak.register
def _(what: seen.OspfChange) -> list[Line]:
    change = "from LOADING to FULL, Loading Done"
    if not what.up:
        reason = "Dead timer expired" if what.event == "InactivityTimer" else "Interface down or detached"
        change = f"from FULL to DOWN, Neighbor Down: {reason}"
    return [Line(0.0, 5, "", f"%OSPF-5-ADJCHG: Process 1, Nbr {what.router_id} on {what.port} {change}")]


@speak.register
def _(what: seen.Command) -> list[Line]:
    lines = [
        Line(delay, 5, "", f"%PARSER-5-CFGLOG_LOGGEDCMD: User:{what.user}  logged command:{command}")
        for delay, command in typed_in_time(Vendor.CISCO, what)
    ]
    done = f"%SYS-5-CONFIG_I: Configured from console by {what.user} on vty0 ({what.origin})"
    return [*lines, Line(lines[-1].delay_s + 1.4, 5, "", done)]


@speak.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 5, "", "%SYS-5-RESTART: System restarted --")]


@speak.register
def _(what: seen.Login) -> list[Line]:
    if what.leaving:
        return [Line(0.0, 6, "", f"%SYS-6-LOGOUT: User {what.user} has exited tty session 2({what.origin})")]
    return [Line(0.0, 5, "", f"%SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: {what.user}] "
                             f"[Source: {what.origin}] [localport: 22]")]


@speak.register
def _(what: seen.Routine) -> list[Line]:
    choices = ("%SYS-6-CLOCKUPDATE: System clock has been updated", "%NTP-6-PEERREACH: Peer 10.200.9.1 is reachable",
               "%SSH-5-SSH2_SESSION: SSH2 Session request from 10.200.9.20 (tty = 0) using crypto cipher "
               "'aes128-ctr', hmac 'hmac-sha2-256' Succeeded")
    return [Line(0.0, 6, "", choices[what.choice % len(choices)])]


@speak.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 4, "", f"%IP-4-DUPADDR: Duplicate address {what.address} on {what.port}, "
                             f"sourced by {dotted(what.mac, '.')}")]


@speak.register
def _(what: seen.AddressMoved) -> list[Line]:
    return [Line(0.0, 4, "", f"%SW_MATM-4-MACFLAP_NOTIF: Host {dotted(what.mac, '.')} in vlan 1 is flapping between "
                             f"port {what.port} and port {what.other_port}")]


@speak.register
def _(what: seen.HighLoad) -> list[Line]:
    word = "RISING" if what.over else "FALLING"
    return [Line(0.0, 1, "", f"%SYS-1-CPU{word}THRESHOLD: Threshold: Total CPU Utilization(Total/Intr): "
                             f"{what.percent}%/12%, Top 3 processes(Pid/Util):  113/31%, 87/18%, 4/3%")]


@speak.register
def _(what: seen.WeakLight) -> list[Line]:
    return [Line(0.0, 5, "", f"%SFF8472-5-THRESHOLD_VIOLATION: {what.port}: Rx power low alarm; Operating value: "
                             f"{what.dbm:.1f} dBm, Threshold value: -13.9 dBm.")]


@speak.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 3, "", f"%SYSMGR-3-ABNORMTERM: {what.daemon}(1) (jid {what.process_id % 900}) abnormally "
                             "terminated, restart scheduled")]


@speak.register
def _(what: seen.LowMemory) -> list[Line]:
    if not what.over:
        return []
    return [Line(0.0, 2, "", "%SYS-2-MALLOCFAIL: Memory allocation of 65536 bytes failed from 0x60A1B2C4, alignment 0"),
            Line(0.1, 4, "", f"%PLATFORM-4-ELEMENT_WARNING: R0/0: smand: RP/0: Used Memory value {what.percent}% "
                             "exceeds warning level 88%")]


@speak.register
def _(what: seen.DuplexMismatch) -> list[Line]:
    return [Line(0.0, 4, "", f"%CDP-4-DUPLEX_MISMATCH: duplex mismatch discovered on {what.port} (not full duplex), "
                             f"with {what.neighbour} {what.neighbour_port} (full duplex).")]


@speak.register
def _(what: seen.WrongDigest) -> list[Line]:
    word = "No" if what.missing else "Invalid"
    return [Line(0.0, 6, "", f"%TCP-6-BADAUTH: {word} MD5 digest from {what.peer}(179) to {what.own}(11004)")]
