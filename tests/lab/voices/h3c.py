"""H3C Comware writes %%10MODULE/SEVERITY/MNEMONIC lines (H3C system log messages reference)."""

from __future__ import annotations

from functools import singledispatch

from tests.lab import happenings as seen
from tests.lab.commands import typed_in_time
from tests.lab.happenings import BgpEnd
from tests.lab.plan import Vendor
from tests.lab.voices.line import Line, dotted


@singledispatch
def speak(what: object) -> list[Line]:
    del what
    return []


@speak.register
def _(what: seen.LinkChange) -> list[Line]:
    state = "up" if what.up else "down"
    return [
        Line(0.0, 3, "", f"%%10IFNET/3/PHY_UPDOWN: Physical state on the interface {what.port} changed to {state}."),
        Line(0.0, 5, "", f"%%10IFNET/5/LINK_UPDOWN: Line protocol state on the interface {what.port} changed to "
                         f"{state}."),
    ]


_H3C_ENDS = {
    BgpEnd.HOLD_TIMER: "hold timer expiration caused by peer device",
    BgpEnd.NOTIFICATION_RECEIVED: "notification message received from peer device",
    BgpEnd.PEER_CLOSED: "TCP connection closed by peer device", BgpEnd.INTERFACE_DOWN: "interface down",
    BgpEnd.BFD_DOWN: "session down event received from BFD",
    BgpEnd.ADMIN_SHUTDOWN: "configuration of the peer ignore command on the local device",
    BgpEnd.MAXIMUM_PREFIXES: "number of routes received exceeding the limit",
    BgpEnd.OTHER: "TCP connection closed by peer device",
}


@speak.register
def _(what: seen.BgpDown) -> list[Line]:
    lines = []
    if what.end is BgpEnd.BFD_DOWN:
        lines.append(Line(0.0, 5, "", f"%%10BFD/5/BFD_CHANGE_FSM: Sess[{what.own}/{what.peer}, LD/RD:513/514, "
                                      f"Interface:{what.port}, SessType:Ctrl, LinkType:INET], Ver:1, Sta: UP->DOWN, "
                                      "Diag: 1 (Control Detection Time Expired)"))
    return [*lines, Line(0.0, 5, "", f"%%10BGP/5/BGP_STATE_CHANGED: BGP default.: {what.peer} state has changed "
                                     f"from ESTABLISHED to IDLE for {_H3C_ENDS[what.end]}.")]


@speak.register
def _(what: seen.BgpUp) -> list[Line]:
    return [Line(0.0, 5, "", f"%%10BGP/5/BGP_STATE_CHANGED: BGP default.: {what.peer} state has changed from "
                             "OPENCONFIRM to ESTABLISHED.")]


@speak.register
def _(what: seen.OspfChange) -> list[Line]:
    if what.up:
        return [Line(0.0, 5, "", f"%%10OSPF/5/OSPF_NBR_CHG: OSPF 1 Neighbor {what.address}({what.port}) changed from "
                                 "LOADING to FULL.")]
    reason = "the dead timer expired" if what.event == "InactivityTimer" else (
        "the interface went down or MTU changed")
    return [Line(0.0, 5, "", "%%10OSPF/5/OSPF_NBR_CHG_REASON: OSPF 1 Area 0.0.0.0 Router "
                             f"{what.router_id}({what.port}) CPU usage:4%, VPN name: -, IfMTU:1500, Neighbor "
                             f"address:{what.address}, NbrID [{what.router_id}] changed from Full to DOWN because "
                             f"{reason}.")]


@speak.register
def _(what: seen.Command) -> list[Line]:
    return [
        Line(delay, 6, "", f"%%10SHELL/6/SHELL_CMD: -Line=vty0-IPAddr={what.origin}-User={what.user}; "
                                  f"Command is {command}")
        for delay, command in typed_in_time(Vendor.H3C, what)
    ]


@speak.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 6, "", "%%10SYSLOG/6/SYSLOG_RESTART: System restarted --")]


@speak.register
def _(what: seen.Login) -> list[Line]:
    word = "SHELL_LOGOUT" if what.leaving else "SHELL_LOGIN"
    verb = "logged out" if what.leaving else "logged in"
    return [Line(0.0, 5, "", f"%%10SHELL/5/{word}: {what.user} {verb} from {what.origin}.")]


@speak.register
def _(what: seen.Routine) -> list[Line]:
    choices = ("%%10SSHS/6/SSHS_LOG: Accepted password for monitor from 10.200.9.20 port 51844 ssh2.",
               "%%10NTP/5/NTP_CLOCK_CHANGE: System clock changed from 12:00:00.101 to 12:00:00.103, the NTP server's "
               "IP address is 10.200.9.1.",
               "%%10CFGMAN/5/CFGMAN_CFGCHANGED: -EventIndex=7-CommandSource=1-ConfigSource=2-ConfigDestination=4; "
               "Configuration changed.")
    return [Line(0.0, 6, "", choices[what.choice % 2])]


@speak.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 6, "", f"%%10ARP/6/DUPIFIP: Duplicate address {what.address} on interface {what.port}, sourced "
                             f"from {dotted(what.mac, '-')}.")]


@speak.register
def _(what: seen.AddressMoved) -> list[Line]:
    return [Line(0.0, 4, "", f"%%10MAC/4/MAC_FLAPPING: MAC address {dotted(what.mac, '-')} in VLAN 1 has moved from "
                             f"port {what.port} to port {what.other_port} for 9 times.")]


@speak.register
def _(what: seen.HighLoad) -> list[Line]:
    word = "CPU_STATE_NORMAL: CPU usage recovered to normal state" if not what.over else (
        f"CPU_MINOR_RISING_NOTIFICATION: CPU usage exceeded the minor alarm threshold ({what.percent}%)")
    return [Line(0.0, 4, "", f"%%10DIAG/4/{word}.")]


@speak.register
def _(what: seen.WeakLight) -> list[Line]:
    return [Line(0.0, 5, "", f"%%10OPTMOD/5/RX_POW_LOW: {what.port}: RX power is low! Current power is "
                             f"{what.dbm:.2f}dBm.")]


@speak.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 2, "", f"%%10SCM/2/SCM_ABNORMAL_REBOOT: Process {what.daemon} abnormally exited and will be "
                             "restarted.")]


@speak.register
def _(what: seen.Attack) -> list[Line]:
    return [Line(0.0, 3, "", f"%%10ATK/3/ATK_IP4_UDP_FLOOD: SrcZoneName(1025)=Untrust; DstIPAddr(1007)="
                             f"{what.address}; RcvIfName(1023)={what.port}; Action(1053)=logging.")]


@speak.register
def _(what: seen.LowMemory) -> list[Line]:
    if not what.over:
        return []
    return [Line(0.0, 4, "", "%%10DIAG/4/MEM_ALERT: system memory info: total used free shared buffers cached")]
