"""Huawei VRP writes %%01MODULE/SEVERITY/BRIEF(type) lines (Huawei log reference)."""

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


@speak.register
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


@speak.register
def _(what: seen.BgpUp) -> list[Line]:
    return [Line(0.0, 3, "", "%%01BGP/3/STATE_CHG_UPDOWN(l):CID=0x80412715;The status of the peer "
                             f"{what.peer} changed from OPENCONFIRM to ESTABLISHED. (InstanceName=Public, "
                             "StateChangeReason=Up)")]


@speak.register
def _(what: seen.OspfChange) -> list[Line]:
    if what.up:
        return [Line(0.0, 4, "", "%%01OSPF/4/NBR_CHANGE_E(l)[25]:Neighbor changes event: neighbor status changed. "
                                 f"(ProcessId=1, NeighborAddress={what.address}, NeighborEvent=LoadingDone, "
                                 "NeighborPreviousState=Loading, NeighborCurrentState=Full)")]
    event = "InactivityTimer" if what.event == "InactivityTimer" else "KillNbr"
    return [Line(0.0, 3, "", "%%01OSPF/3/NBR_CHG_DOWN(l)[26]:Neighbor event:neighbor state changed to Down. "
                             f"(ProcessId=1, NeighborAddress={what.address}, NeighborEvent={event}, "
                             "NeighborPreviousState=Full, NeighborCurrentState=Down)")]


@speak.register
def _(what: seen.Command) -> list[Line]:
    return [
        Line(delay, 5, "", "%%01SHELL/5/CMDRECORD(s)[27]:Recorded command information. (Task=VT0, "
                                  f"Ip={what.origin}, VpnName=, User={what.user}, "
                                  f'AuthenticationMethod="Local-user", Command="{command}")')
        for delay, command in typed_in_time(Vendor.HUAWEI, what)
    ]


@speak.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 4, "", "%%01SNMP/4/COLDSTART(l)[0]:The SNMP agent cold started.")]


@speak.register
def _(what: seen.Login) -> list[Line]:
    word = "SSH_USER_LOGOUT(s)[32]:The SSH user logged out" if what.leaving else (
        "SSH_USER_LOGIN(s)[31]:The SSH user succeeded in logging in")
    return [Line(0.0, 5, "", f"%%01SSH/5/{word}. (ServiceType=stelnet, SessionId=1, UserName={what.user}, "
                             f"UserAddress={what.origin}, VpnInstanceName=-)")]


@speak.register
def _(what: seen.Routine) -> list[Line]:
    choices = ("%%01NTP/5/NTP_SYNC(l)[32]:NTP clock is synchronized. (ClockSource=10.200.9.1)",
               "%%01INFO/6/LOGFILE_DELETED(l)[33]:The log file was deleted. (FileName=log_slot_0_1.log.zip)",
               "%%01SNMP/6/CNFM_VERSION_DISABLE(l)[34]:The device does not support SNMPv1 and SNMPv2c.")
    return [Line(0.0, 5, "", choices[what.choice % len(choices)])]


@speak.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 4, "", "%%01ARP/4/ARP_DUPLICATE_IPADDR(l)[35]:Received an ARP packet with a duplicate IP "
                             f"address from the interface. (IpAddress={what.address}, InterfaceName={what.port}, "
                             f"MacAddress={dotted(what.mac, '-')})")]


@speak.register
def _(what: seen.AddressMoved) -> list[Line]:
    return [Line(0.0, 4, "", "%%01L2IFPPI/4/MFLPVLANALARM(l)[36]:MAC move detected, VlanId = 1, MacAddress = "
                             f"{dotted(what.mac, '-')}, Original-Port = {what.port}, Flapping port = "
                             f"{what.other_port}. Please check the network accessed to flapping port.")]


@speak.register
def _(what: seen.HighLoad) -> list[Line]:
    word = "CPU_USAGE_HIGH(l)[37]:The CPU is overloaded" if what.over else (
        "CPU_USAGE_RESUME(l)[38]:CPU utilization recovered to the normal range")
    return [Line(0.0, 4, "", f"%%01VOSCPU/4/{word}. (CpuUsage={what.percent}%, Threshold=80%)")]


@speak.register
def _(what: seen.WeakLight) -> list[Line]:
    return [Line(0.0, 3, "", "%%01DEVM/3/hwOpticalPowerAbnormal_active(l):CID=0x80fa03f0-alarmID=0x08131f4b;The "
                             f"optical power of the optical module is abnormal. (EntPhysicalName={what.port}, "
                             f"ReasonDescription=Rx power is too low, value {what.dbm:.1f} dBm)")]


@speak.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 3, "", "%%01SYSMGT/3/PROCESSABNORMAL(l)[39]:The process is abnormal. "
                             f"(ProcessName={what.daemon})")]


@speak.register
def _(what: seen.Attack) -> list[Line]:
    return [Line(0.0, 4, "", "%%01SECE/4/PORT_ATTACK_OCCUR(l)[40]:Auto port-defend started. "
                             f"(SourceAttackInterface={what.port}, AttackProtocol=UDP, DestinationIp={what.address})")]


@speak.register
def _(what: seen.LowMemory) -> list[Line]:
    word = "MEM_USAGE_HIGH(l)[41]:The memory usage exceeded the threshold" if what.over else (
        "MEM_USAGE_RESUME(l)[42]:The memory usage recovered to the normal range")
    return [Line(0.0, 4, "", f"%%01VOSMEM/4/{word}. (MemoryUsage={what.percent}%)")]


@speak.register
def _(what: seen.WrongDigest) -> list[Line]:
    cause = "The segment carried no MD5 digest" if what.missing else "The MD5 digest was wrong"
    return [Line(0.0, 4, "", "%%01SOCKET/4/TCP_MD5_AUTHEN_FAILED(l)[43]:TCP MD5 authentication failed. "
                             f"(Cause={cause}, SourceAddress={what.own}, SourcePort=179, ForeignAddress={what.peer}, "
                             "ForeignPort=51000)")]
