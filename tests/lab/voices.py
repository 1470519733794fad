"""Each vendor's words for what happens on a device.

Message forms follow the vendors' message references (Cisco IOS system messages, Huawei VRP and H3C Comware log
references, the Junos System Log Explorer) and, for Linux, the lines that kernel, systemd and sudo write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

from tests.lab import happenings as seen
from tests.lab.commands import typed
from tests.lab.happenings import BgpEnd
from tests.lab.plan import Vendor


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log: how long after the event, how severe (RFC 5424), from which program, what."""

    delay_s: float
    severity: int
    program: str
    text: str


Voice = Callable[[object], list[Line]]


def speak(vendor: Vendor, what: seen.What) -> list[Line]:
    """The lines that a device of that vendor writes about what happened; none where it keeps silent."""
    return _VOICES[vendor](what)


# ---------------------------------------------------------------- Cisco IOS


@singledispatch
def _cisco(what: object) -> list[Line]:
    del what
    return []


@_cisco.register
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
_NOTICE_TEXTS = {(4, 0): "hold time expired", (6, 1): "Maximum Number of Prefixes Reached",
                 (6, 2): "Administrative Shutdown", (6, 3): "peer de-configured", (6, 10): "BFD down"}


@_cisco.register
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
        text = _NOTICE_TEXTS.get(what.code, "cease")
        lines.append(Line(0.0, 3, "", f"%BGP-3-NOTIFICATION: {direction} neighbor {what.peer} "
                                      f"{what.code[0]}/{what.code[1]} ({text}) 0 bytes"))
    return [*lines, Line(0.0, 5, "", f"%BGP-5-ADJCHANGE: neighbor {what.peer} Down {_CISCO_ENDS[what.end]}")]


@_cisco.register
def _(what: seen.BgpUp) -> list[Line]:
    return [Line(0.0, 5, "", f"%BGP-5-ADJCHANGE: neighbor {what.peer} Up")]


@_cisco.register
def _(what: seen.OspfChange) -> list[Line]:
    change = "from LOADING to FULL, Loading Done"
    if not what.up:
        reason = "Dead timer expired" if what.event == "InactivityTimer" else "Interface down or detached"
        change = f"from FULL to DOWN, Neighbor Down: {reason}"
    return [Line(0.0, 5, "", f"%OSPF-5-ADJCHG: Process 1, Nbr {what.router_id} on {what.port} {change}")]


@_cisco.register
def _(what: seen.Command) -> list[Line]:
    lines = [
        Line(0.4 * number, 5, "", f"%PARSER-5-CFGLOG_LOGGEDCMD: User:{what.user}  logged command:{command}")
        for number, command in enumerate(typed(Vendor.CISCO, what))
    ]
    done = f"%SYS-5-CONFIG_I: Configured from console by {what.user} on vty0 ({what.origin})"
    return [*lines, Line(0.4 * len(lines) + 1.0, 5, "", done)]


@_cisco.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 5, "", "%SYS-5-RESTART: System restarted --")]


@_cisco.register
def _(what: seen.Login) -> list[Line]:
    if what.leaving:
        return [Line(0.0, 6, "", f"%SYS-6-LOGOUT: User {what.user} has exited tty session 2({what.origin})")]
    return [Line(0.0, 5, "", f"%SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: {what.user}] "
                             f"[Source: {what.origin}] [localport: 22]")]


@_cisco.register
def _(what: seen.Routine) -> list[Line]:
    choices = ("%SYS-6-CLOCKUPDATE: System clock has been updated", "%NTP-6-PEERREACH: Peer 10.200.9.1 is reachable",
               "%SSH-5-SSH2_SESSION: SSH2 Session request from 10.200.9.20 (tty = 0) using crypto cipher "
               "'aes128-ctr', hmac 'hmac-sha2-256' Succeeded")
    return [Line(0.0, 6, "", choices[what.choice % len(choices)])]


@_cisco.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 4, "", f"%IP-4-DUPADDR: Duplicate address {what.address} on {what.port}, "
                             f"sourced by {_dotted(what.mac, '.')}")]


@_cisco.register
def _(what: seen.AddressMoved) -> list[Line]:
    return [Line(0.0, 4, "", f"%SW_MATM-4-MACFLAP_NOTIF: Host {_dotted(what.mac, '.')} in vlan 1 is flapping between "
                             f"port {what.port} and port {what.other_port}")]


@_cisco.register
def _(what: seen.HighLoad) -> list[Line]:
    word = "RISING" if what.over else "FALLING"
    return [Line(0.0, 1, "", f"%SYS-1-CPU{word}THRESHOLD: Threshold: Total CPU Utilization(Total/Intr): "
                             f"{what.percent}%/12%, Top 3 processes(Pid/Util):  113/31%, 87/18%, 4/3%")]


@_cisco.register
def _(what: seen.WeakLight) -> list[Line]:
    return [Line(0.0, 5, "", f"%SFF8472-5-THRESHOLD_VIOLATION: {what.port}: Rx power low alarm; Operating value: "
                             f"{what.dbm:.1f} dBm, Threshold value: -13.9 dBm.")]


@_cisco.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 3, "", f"%SYSMGR-3-ABNORMTERM: {what.daemon}(1) (jid {what.process_id % 900}) abnormally "
                             "terminated, restart scheduled")]


# ---------------------------------------------------------------- Huawei VRP


@singledispatch
def _huawei(what: object) -> list[Line]:
    del what
    return []


@_huawei.register
def _(what: seen.LinkChange) -> list[Line]:
    admin = "DOWN" if what.admin and not what.up else "UP"
    reason = "Interface physical link is up" if what.up else (
        "The interface is shut down" if what.admin else "Interface physical link is down")
    word, state = ("clear", "UP") if what.up else ("active", "DOWN")
    return [
        Line(0.0, 2, "", f"%%01IFNET/2/linkDown_{word}(l):CID=0x807a0404-alarmID=0x08520003;The interface status "
                         f"changes. (ifName={what.port}, AdminStatus={admin}, OperStatus={state}, Reason={reason}, "
                         f"mainIfname={what.port})"),
        Line(0.1, 4, "", f"%%01IFNET/4/LINK_STATE(l)[20]:The line protocol IP on the interface {what.port} has "
                         f"entered the {state} state."),
    ]


_HUAWEI_ENDS = {
    BgpEnd.HOLD_TIMER: "Hold Timer Expired", BgpEnd.NOTIFICATION_RECEIVED: "Receive Notification",
    BgpEnd.PEER_CLOSED: "TCP connection closed by peer", BgpEnd.INTERFACE_DOWN: "Interface down",
    BgpEnd.BFD_DOWN: "BFD session down", BgpEnd.ADMIN_SHUTDOWN: "Administratively shut down",
    BgpEnd.MAXIMUM_PREFIXES: "Prefix limit exceeded", BgpEnd.OTHER: "TCP connection closed by peer",
}


@_huawei.register
def _(what: seen.BgpDown) -> list[Line]:
    lines = []
    if what.end is BgpEnd.BFD_DOWN:
        lines.append(Line(0.0, 4, "", "%%01BFD/4/STACHG_TODWN(l):CID=0x80840a2c;BFD session changed to Down. "
                                      "(SlotNumber=0, Discriminator=16385, Diagnostic=DetectDown, Applications=BGP, "
                                      f"ProcessPST=False, BindInterfaceName={what.port}, InterfacePhysicalState=Up, "
                                      "InterfaceProtocolState=Up)"))
    return [*lines, Line(0.0, 3, "", "%%01BGP/3/STATE_CHG_UPDOWN(l):CID=0x80412715;The status of the peer "
                                     f"{what.peer} changed from ESTABLISHED to IDLE. (InstanceName=Public, "
                                     f"StateChangeReason={_HUAWEI_ENDS[what.end]})")]


@_huawei.register
def _(what: seen.BgpUp) -> list[Line]:
    return [Line(0.0, 3, "", "%%01BGP/3/STATE_CHG_UPDOWN(l):CID=0x80412715;The status of the peer "
                             f"{what.peer} changed from OPENCONFIRM to ESTABLISHED. (InstanceName=Public, "
                             "StateChangeReason=Up)")]


@_huawei.register
def _(what: seen.OspfChange) -> list[Line]:
    if what.up:
        return [Line(0.0, 4, "", "%%01OSPF/4/NBR_CHANGE_E(l)[25]:Neighbor changes event: neighbor status changed. "
                                 f"(ProcessId=1, NeighborAddress={what.address}, NeighborEvent=LoadingDone, "
                                 "NeighborPreviousState=Loading, NeighborCurrentState=Full)")]
    event = "InactivityTimer" if what.event == "InactivityTimer" else "KillNbr"
    return [Line(0.0, 3, "", "%%01OSPF/3/NBR_CHG_DOWN(l)[26]:Neighbor event:neighbor state changed to Down. "
                             f"(ProcessId=1, NeighborAddress={what.address}, NeighborEvent={event}, "
                             "NeighborPreviousState=Full, NeighborCurrentState=Down)")]


@_huawei.register
def _(what: seen.Command) -> list[Line]:
    return [
        Line(0.4 * number, 5, "", "%%01SHELL/5/CMDRECORD(s)[27]:Recorded command information. (Task=VT0, "
                                  f"Ip={what.origin}, VpnName=, User={what.user}, "
                                  f'AuthenticationMethod="Local-user", Command="{command}")')
        for number, command in enumerate(typed(Vendor.HUAWEI, what))
    ]


@_huawei.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 4, "", "%%01SNMP/4/COLDSTART(l)[0]:The SNMP agent cold started.")]


@_huawei.register
def _(what: seen.Login) -> list[Line]:
    word = "SSH_USER_LOGOUT(s)[32]:The SSH user logged out" if what.leaving else (
        "SSH_USER_LOGIN(s)[31]:The SSH user succeeded in logging in")
    return [Line(0.0, 5, "", f"%%01SSH/5/{word}. (ServiceType=stelnet, SessionId=1, UserName={what.user}, "
                             f"UserAddress={what.origin}, VpnInstanceName=-)")]


@_huawei.register
def _(what: seen.Routine) -> list[Line]:
    choices = ("%%01NTP/5/NTP_SYNC(l)[32]:NTP clock is synchronized. (ClockSource=10.200.9.1)",
               "%%01INFO/6/LOGFILE_DELETED(l)[33]:The log file was deleted. (FileName=log_slot_0_1.log.zip)",
               "%%01SNMP/6/CNFM_VERSION_DISABLE(l)[34]:The device does not support SNMPv1 and SNMPv2c.")
    return [Line(0.0, 5, "", choices[what.choice % len(choices)])]


@_huawei.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 4, "", "%%01ARP/4/ARP_DUPLICATE_IPADDR(l)[35]:Received an ARP packet with a duplicate IP "
                             f"address from the interface. (IpAddress={what.address}, InterfaceName={what.port}, "
                             f"MacAddress={_dotted(what.mac, '-')})")]


@_huawei.register
def _(what: seen.AddressMoved) -> list[Line]:
    return [Line(0.0, 4, "", "%%01L2IFPPI/4/MFLPVLANALARM(l)[36]:MAC move detected, VlanId = 1, MacAddress = "
                             f"{_dotted(what.mac, '-')}, Original-Port = {what.port}, Flapping port = "
                             f"{what.other_port}. Please check the network accessed to flapping port.")]


@_huawei.register
def _(what: seen.HighLoad) -> list[Line]:
    word = "CPU_USAGE_HIGH(l)[37]:The CPU is overloaded" if what.over else (
        "CPU_USAGE_RESUME(l)[38]:CPU utilization recovered to the normal range")
    return [Line(0.0, 4, "", f"%%01VOSCPU/4/{word}. (CpuUsage={what.percent}%, Threshold=80%)")]


@_huawei.register
def _(what: seen.WeakLight) -> list[Line]:
    return [Line(0.0, 3, "", "%%01DEVM/3/hwOpticalPowerAbnormal_active(l):CID=0x80fa03f0-alarmID=0x08131f4b;The "
                             f"optical power of the optical module is abnormal. (EntPhysicalName={what.port}, "
                             f"ReasonDescription=Rx power is too low, value {what.dbm:.1f} dBm)")]


@_huawei.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 3, "", f"%%01SYSMGT/3/PROCESSABNORMAL(l)[39]:The process is abnormal. (ProcessName={what.daemon})")]


@_huawei.register
def _(what: seen.Attack) -> list[Line]:
    return [Line(0.0, 4, "", "%%01SECE/4/PORT_ATTACK_OCCUR(l)[40]:Auto port-defend started. "
                             f"(SourceAttackInterface={what.port}, AttackProtocol=UDP, DestinationIp={what.address})")]


# ---------------------------------------------------------------- H3C Comware


@singledispatch
def _h3c(what: object) -> list[Line]:
    del what
    return []


@_h3c.register
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


@_h3c.register
def _(what: seen.BgpDown) -> list[Line]:
    lines = []
    if what.end is BgpEnd.BFD_DOWN:
        lines.append(Line(0.0, 5, "", f"%%10BFD/5/BFD_CHANGE_FSM: Sess[{what.peer}, LD/RD:513/514, Interface:"
                                      f"{what.port}, SessType:Ctrl, LinkType:INET], Ver:1, Sta: UP->DOWN, Diag: 1 "
                                      "(Control Detection Time Expired)"))
    return [*lines, Line(0.0, 5, "", f"%%10BGP/5/BGP_STATE_CHANGED: BGP default.: {what.peer} state has changed "
                                     f"from ESTABLISHED to IDLE for {_H3C_ENDS[what.end]}.")]


@_h3c.register
def _(what: seen.BgpUp) -> list[Line]:
    return [Line(0.0, 5, "", f"%%10BGP/5/BGP_STATE_CHANGED: BGP default.: {what.peer} state has changed from "
                             "OPENCONFIRM to ESTABLISHED.")]


@_h3c.register
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


@_h3c.register
def _(what: seen.Command) -> list[Line]:
    return [
        Line(0.4 * number, 6, "", f"%%10SHELL/6/SHELL_CMD: -Line=vty0-IPAddr={what.origin}-User={what.user}; "
                                  f"Command is {command}")
        for number, command in enumerate(typed(Vendor.H3C, what))
    ]


@_h3c.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 6, "", "%%10SYSLOG/6/SYSLOG_RESTART: System restarted --")]


@_h3c.register
def _(what: seen.Login) -> list[Line]:
    word = "SHELL_LOGOUT" if what.leaving else "SHELL_LOGIN"
    verb = "logged out" if what.leaving else "logged in"
    return [Line(0.0, 5, "", f"%%10SHELL/5/{word}: {what.user} {verb} from {what.origin}.")]


@_h3c.register
def _(what: seen.Routine) -> list[Line]:
    choices = ("%%10SSHS/6/SSHS_LOG: Accepted password for monitor from 10.200.9.20 port 51844 ssh2.",
               "%%10NTP/5/NTP_CLOCK_CHANGE: System clock changed from 12:00:00.101 to 12:00:00.103, the NTP server's "
               "IP address is 10.200.9.1.",
               "%%10CFGMAN/5/CFGMAN_CFGCHANGED: -EventIndex=7-CommandSource=1-ConfigSource=2-ConfigDestination=4; "
               "Configuration changed.")
    return [Line(0.0, 6, "", choices[what.choice % 2])]


@_h3c.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 6, "", f"%%10ARP/6/DUPIFIP: Duplicate address {what.address} on interface {what.port}, sourced "
                             f"from {_dotted(what.mac, '-')}.")]


@_h3c.register
def _(what: seen.AddressMoved) -> list[Line]:
    return [Line(0.0, 4, "", f"%%10MAC/4/MAC_FLAPPING: MAC address {_dotted(what.mac, '-')} in VLAN 1 has moved from "
                             f"port {what.port} to port {what.other_port} for 9 times.")]


@_h3c.register
def _(what: seen.HighLoad) -> list[Line]:
    word = "CPU_STATE_NORMAL: CPU usage recovered to normal state" if not what.over else (
        f"CPU_MINOR_RISING_NOTIFICATION: CPU usage exceeded the minor alarm threshold ({what.percent}%)")
    return [Line(0.0, 4, "", f"%%10DIAG/4/{word}.")]


@_h3c.register
def _(what: seen.WeakLight) -> list[Line]:
    return [Line(0.0, 5, "", f"%%10OPTMOD/5/RX_POW_LOW: {what.port}: RX power is low! Current power is "
                             f"{what.dbm:.2f}dBm.")]


@_h3c.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 2, "", f"%%10SCM/2/SCM_ABNORMAL_REBOOT: Process {what.daemon} abnormally exited and will be "
                             "restarted.")]


@_h3c.register
def _(what: seen.Attack) -> list[Line]:
    return [Line(0.0, 3, "", f"%%10ATK/3/ATK_IP4_UDP_FLOOD: SrcZoneName(1025)=Untrust; DstIPAddr(1007)="
                             f"{what.address}; RcvIfName(1023)={what.port}; Action(1053)=logging.")]


# ---------------------------------------------------------------- Juniper Junos


@singledispatch
def _juniper(what: object) -> list[Line]:
    del what
    return []


@_juniper.register
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


@_juniper.register
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
        text = _NOTICE_TEXTS.get(what.code, "Cease")
        lines.append(Line(0.0, 4, "rpd[1860]", f"bgp_read_v4_message:10656: NOTIFICATION received from {what.peer} "
                                               f"({kind} AS {what.asn}): code {what.code[0]} (Cease) subcode "
                                               f"{what.code[1]} ({text})"))
    return [*lines, Line(0.0, 4, "rpd[1860]", f"RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {what.peer} ({kind} AS "
                                              f"{what.asn}) changed state from Established to Idle (event "
                                              f"{_JUNIPER_ENDS[what.end]}) (instance master)")]


@_juniper.register
def _(what: seen.BgpUp) -> list[Line]:
    kind = "Internal" if what.internal else "External"
    return [Line(0.0, 4, "rpd[1860]", f"RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {what.peer} ({kind} AS {what.asn}) "
                                      "changed state from OpenConfirm to Established (event RecvKeepAlive) "
                                      "(instance master)")]


@_juniper.register
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


@_juniper.register
def _(what: seen.Command) -> list[Line]:
    commands = typed(Vendor.JUNIPER, what)
    lines = [Line(0.2 * number, 6, "mgd[4501]", f"UI_CMDLINE_READ_LINE: User '{what.user}', command '{command} '")
             for number, command in enumerate(commands)]
    after = 0.2 * len(lines)
    if what.deed is seen.Deed.RELOAD:
        return lines
    return [*lines,
            Line(after, 5, "mgd[4501]", f"UI_COMMIT: User '{what.user}' requested 'commit' operation (comment: none)"),
            Line(after + 0.3, 4, "mgd[4501]", "UI_COMMIT_COMPLETED: commit complete")]


@_juniper.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 5, "eventd[1412]", "SYSTEM_OPERATIONAL: System is operational")]


@_juniper.register
def _(what: seen.Login) -> list[Line]:
    if what.leaving:
        return [Line(0.0, 6, "mgd[4501]", f"UI_LOGOUT_EVENT: User '{what.user}' logout")]
    return [Line(0.0, 6, "sshd[8112]", f"Accepted publickey for {what.user} from {what.origin} port 40022 ssh2")]


@_juniper.register
def _(what: seen.Routine) -> list[Line]:
    choices = (("xntpd[1502]", "kernel time sync enabled 2001"),
               ("sshd[8112]", "Accepted publickey for monitor from 10.200.9.20 port 40022 ssh2"),
               ("cscript[5120]", "CSCRIPT_SECURITY_WARNING: unsigned python script 'stats.py' without checksum is "
                                 "executed"))
    return [Line(0.0, 6, *choices[what.choice % len(choices)])]


@_juniper.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 4, "/kernel", f"KERN_ARP_DUPLICATE_ADDR: duplicate IP address {what.address}! sent from address: "
                                    f"{what.mac}, on interface {what.port}")]


@_juniper.register
def _(what: seen.WeakLight) -> list[Line]:
    return [Line(0.0, 4, "fpc0", f"SFP: Link 0 Rx power low  alarm set, {what.port} {what.dbm:.2f} dBm")]


@_juniper.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 3, "init", f"routing (PID {what.process_id}) terminated by signal number 6. Core dumped!")]


@_juniper.register
def _(what: seen.ProcessStarted) -> list[Line]:
    return [Line(0.0, 5, "init", f"routing (PID {what.process_id}) started")]


@_juniper.register
def _(what: seen.Attack) -> list[Line]:
    return [Line(0.0, 4, "jddosd[1990]", "DDOS_PROTOCOL_VIOLATION_SET: Warning: Host-bound traffic for protocol/"
                                         f"exception  IPv4-Unclassified:aggregate exceeded its allowed bandwidth at "
                                         f"fpc 0 for 1 times, destination {what.address}")]


# ---------------------------------------------------------------- Linux, and FRR's host


@singledispatch
def _linux(what: object) -> list[Line]:
    del what
    return []


@_linux.register
def _(what: seen.LinkChange) -> list[Line]:
    if what.admin and not what.up:
        return []
    text = "NIC Link is Up 1000 Mbps Full Duplex, Flow Control: RX/TX" if what.up else "NIC Link is Down"
    return [Line(0.0, 6, "kernel", f"igb 0000:02:00.0 {what.port}: igb: {what.port} {text}")]


@_linux.register
def _(what: seen.Command) -> list[Line]:
    return [
        Line(0.4 * number, 5, "sudo", f"  {what.user} : TTY=pts/0 ; PWD=/home/{what.user} ; USER=root ; "
                                      f"COMMAND={command}")
        for number, command in enumerate(typed(Vendor.LINUX, what))
    ]


@_linux.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 5, "kernel", "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian "
                                   "12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1"),
            Line(0.3, 6, "systemd[1]", "Reached target multi-user.target - Multi-User System.")]


@_linux.register
def _(what: seen.Login) -> list[Line]:
    if what.leaving:
        return [Line(0.0, 6, "sshd[911]", f"Disconnected from user {what.user} {what.origin} port 40120")]
    return [Line(0.0, 6, "sshd[911]", f"Accepted publickey for {what.user} from {what.origin} port 40120 ssh2")]


@_linux.register
def _(what: seen.Routine) -> list[Line]:
    choices = (("CRON[2210]", "(root) CMD (/usr/local/bin/backup-check)"),
               ("systemd[1]", "Started sysstat-collect.service - system activity accounting tool."),
               ("systemd[1]", "Started session-41.scope - Session 41 of User monitor."),
               ("chronyd[702]", "Selected source 10.200.9.1"))
    return [Line(0.0, 6, *choices[what.choice % len(choices)])]


@_linux.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 4, "watchfrr[640]", f"{what.daemon} state -> down : read returned EOF"),
            Line(0.0, 5, "systemd[1]", f"frr.service: Killing process {what.process_id} ({what.daemon}) with signal "
                                       "SIGKILL.")]


@_linux.register
def _(what: seen.ProcessStarted) -> list[Line]:
    return [Line(0.0, 5, "watchfrr[640]", f"{what.daemon} state -> up : connect succeeded")]


@_linux.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 4, "arpwatch[733]", f"ethernet mismatch {what.address} {what.mac} ({what.port})")]


@_linux.register
def _(what: seen.TableFull) -> list[Line]:
    return [Line(0.0, 3, "kernel", f"Out of memory: Killed process 1830 ({what.process}) total-vm:16284920kB, "
                                   "anon-rss:15904132kB, file-rss:0kB, shmem-rss:0kB, UID:33"),
            Line(0.1, 5, "systemd[1]", f"{what.process}.service: Main process exited, code=killed, status=9/KILL")]


@_linux.register
def _(what: seen.HighLoad) -> list[Line]:
    if not what.over:
        return []
    return [Line(0.0, 4, "kernel", "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [kworker/0:1:1184]")]


@_linux.register
def _(what: seen.Attack) -> list[Line]:
    return [Line(0.0, 6, "kernel", "TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.  Check "
                                   f"SNMP counters. ({what.address})")]


def _dotted(mac: str, separator: str) -> str:
    """A hardware address in groups of four digits, as the router vendors write it."""
    digits = mac.replace(":", "")
    return separator.join((digits[:4], digits[4:8], digits[8:]))


_VOICES: dict[Vendor, Voice] = {
    Vendor.CISCO: _cisco,
    Vendor.HUAWEI: _huawei,
    Vendor.H3C: _h3c,
    Vendor.JUNIPER: _juniper,
    Vendor.LINUX: _linux,
    Vendor.FRR: _linux,
}
