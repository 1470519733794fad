"""Junos daemons write under their own names, with an upper-case tag first (System Log Explorer)."""

from __future__ import annotations

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
    admin = "down(2)" if what.admin and not what.up else "up(1)"
    word, state = ("UP", "up(1)") if what.up else ("DOWN", "down(2)")
    index = 500 + sum(int(digit) for digit in what.port if digit.isdigit())
    return [Line(0.0, 4, "mib2d[2304]", f"SNMP_TRAP_LINK_{word}: ifIndex {index}, ifAdminStatus {admin}, "
                                        f"ifOperStatus {state}, ifName {what.port}")]


_JUNIPER_ENDS = {
    BgpEnd.HOLD_TIMER: "HoldTime", BgpEnd.NOTIFICATION_RECEIVED: "RecvNotify", BgpEnd.PEER_CLOSED: "Closed",
    BgpEnd.INTERFACE_DOWN: "Stop", BgpEnd.BFD_DOWN: "Stop", BgpEnd.ADMIN_SHUTDOWN: "Stop",
    BgpEnd.MAXIMUM_PREFIXES: "Stop", BgpEnd.OTHER: "Closed",
}


@speak.register
def _(what: seen.BgpDown) -> list[Line]:
    lines = []
    kind = "Internal" if what.internal else "External"
    if what.end is BgpEnd.BFD_DOWN:
        lines.append(Line(0.0, 5, "bfdd[1861]", f"BFDD_STATE_UP_TO_DOWN: BFD Session {what.peer} (IFL 333) state Up "
                                                "-> Down LD/RD(16/17) Up time:00:12:44 Local diag: CtlExpire Remote "
                                                "diag: None Reason: Detect Timer Expiry."))
    if what.end is BgpEnd.MAXIMUM_PREFIXES:
        lines.append(Line(0.0, 4, "rpd[1860]", f"BGP_PREFIX_LIMIT_EXCEEDED: {what.peer} ({kind} AS {what.asn}): "
                                               "Configured maximum prefix-limit exceeded for inet-unicast nlri"))
    if what.end is BgpEnd.HOLD_TIMER:
        lines.append(Line(0.0, 4, "rpd[1860]", "bgp_hold_timeout:4765: NOTIFICATION sent to "
                                               f"{what.peer} ({kind} AS {what.asn}): code 4 (Hold Timer Expired "
                                               f"Error), Reason: holdtime expired for {what.peer} ({kind} AS "
                                               f"{what.asn}), socket buffer sndcc: 0 rcvcc: 0 TCP state: 4"))
    if what.end is BgpEnd.NOTIFICATION_RECEIVED and what.code is not None:
        text = NOTICE_TEXTS.get(what.code, "Cease")
        lines.append(Line(0.0, 4, "rpd[1860]", f"bgp_read_v4_message:10656: NOTIFICATION received from {what.peer} "
                                               f"({kind} AS {what.asn}): code {what.code[0]} (Cease) subcode "
                                               f"{what.code[1]} ({text})"))
    return [*lines, Line(0.0, 4, "rpd[1860]", f"RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {what.peer} ({kind} AS "
                                              f"{what.asn}) changed state from Established to Idle (event "
                                              f"{_JUNIPER_ENDS[what.end]}) (instance master)")]


@speak.register
def _(what: seen.BgpUp) -> list[Line]:
    kind = "Internal" if what.internal else "External"
    return [Line(0.0, 4, "rpd[1860]", f"RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {what.peer} ({kind} AS {what.asn}) "
                                      "changed state from OpenConfirm to Established (event RecvKeepAlive) "
                                      "(instance master)")]


@speak.register
def _(what: seen.OspfChange) -> list[Line]:
    if what.up:
        return [Line(0.0, 5, "rpd[1860]", f"RPD_OSPF_NBRUP: OSPF neighbor {what.address} (realm ospf-v2 {what.port}.0 "
                                          "area 0.0.0.0) state changed from Loading to Full due to LoadingDone "
                                          "(event reason: OSPF loading completed)")]
    event, reason = ("InActiveTimer", "neighbor was inactive and declared dead") if (
        what.event == "InactivityTimer") else ("KillNbr", "interface went down")
    return [Line(0.0, 5, "rpd[1860]", f"RPD_OSPF_NBRDOWN: OSPF neighbor {what.address} (realm ospf-v2 {what.port}.0 "
                                      f"area 0.0.0.0) state changed from Full to Down due to {event} (event reason: "
                                      f"{reason})")]


@speak.register
def _(what: seen.Command) -> list[Line]:
    lines = [Line(delay, 6, "mgd[4501]", f"UI_CMDLINE_READ_LINE: User '{what.user}', command '{command} '")
             for delay, command in typed_in_time(Vendor.JUNIPER, what)]
    after = lines[-1].delay_s + 0.2
    if what.deed is seen.Deed.RELOAD:
        return lines
    return [*lines,
            Line(after, 5, "mgd[4501]", f"UI_COMMIT: User '{what.user}' requested 'commit' operation (comment: none)"),
            Line(after + 0.3, 4, "mgd[4501]", "UI_COMMIT_COMPLETED: commit complete")]


@speak.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 5, "eventd[1412]", "SYSTEM_OPERATIONAL: System is operational")]


@speak.register
def _(what: seen.Login) -> list[Line]:
    if what.leaving:
        return [Line(0.0, 6, "mgd[4501]", f"UI_LOGOUT_EVENT: User '{what.user}' logout")]
    return [Line(0.0, 6, "sshd[8112]", f"Accepted publickey for {what.user} from {what.origin} port 40022 ssh2")]


@speak.register
def _(what: seen.Routine) -> list[Line]:
    choices = (("xntpd[1502]", "kernel time sync enabled 2001"),
               ("sshd[8112]", "Accepted publickey for monitor from 10.200.9.20 port 40022 ssh2"),
               ("cscript[5120]", "CSCRIPT_SECURITY_WARNING: unsigned python script 'stats.py' without checksum is "
                                 "executed"))
    return [Line(0.0, 6, *choices[what.choice % len(choices)])]


@speak.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 4, "/kernel", f"KERN_ARP_DUPLICATE_ADDR: duplicate IP address {what.address}! sent from address: "
                                    f"{what.mac}, on interface {what.port}")]


@speak.register
def _(what: seen.WeakLight) -> list[Line]:
    return [Line(0.0, 4, "fpc0", f"SFP: Link 0 Rx power low  alarm set, {what.port} {what.dbm:.2f} dBm")]


@speak.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 3, "init", f"routing (PID {what.process_id}) terminated by signal number 6. Core dumped!")]


@speak.register
def _(what: seen.ProcessStarted) -> list[Line]:
    return [Line(0.0, 5, "init", f"routing (PID {what.process_id}) started")]


@speak.register
def _(what: seen.Attack) -> list[Line]:
    return [Line(0.0, 4, "jddosd[1990]", "DDOS_PROTOCOL_VIOLATION_SET: Warning: Host-bound traffic for protocol/"
                                         f"exception  IPv4-Unclassified:aggregate exceeded its allowed bandwidth at "
                                         f"fpc 0 for 1 times, destination {what.address}")]


@speak.register
def _(what: seen.WrongDigest) -> list[Line]:
    word = "missing" if what.missing else "wrong"
    return [Line(0.0, 4, "/kernel", f"tcp_auth_ok: Packet from {what.peer}:51000 {word} MD5 digest")]


@speak.register
def _(what: seen.HighLoad) -> list[Line]:
    if what.percent < 95:
        return []
    return [Line(0.0, 3, "rpd[1860]", "RPD_SCHED_SLIP: 4 sec scheduler slip, user: 3 sec 845421 usec, system: 0 sec, "
                                      "8713 usec")]
