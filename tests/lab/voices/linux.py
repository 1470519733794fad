"""Linux hosts, and the hosts that FRR runs on, log what kernel, systemd, sshd and sudo say."""

from __future__ import annotations

from functools import singledispatch

from tests.lab import happenings as seen
from tests.lab.commands import typed_in_time
from tests.lab.plan import Vendor
from tests.lab.voices.line import Line


@singledispatch
def speak(what: object) -> list[Line]:
    del what
    return []


@speak.register
def _(what: seen.LinkChange) -> list[Line]:
    if what.admin and not what.up:
        return []
    text = "NIC Link is Up 1000 Mbps Full Duplex, Flow Control: RX/TX" if what.up else "NIC Link is Down"
    return [Line(0.0, 6, "kernel", f"igb 0000:02:00.0 {what.port}: igb: {what.port} {text}")]


@speak.register
def _(what: seen.Command) -> list[Line]:
    return [
        Line(delay, 5, "sudo",
             f"  {what.user} : TTY=pts/0 ; PWD=/home/{what.user} ; USER=root ; COMMAND={command}")
        for delay, command in typed_in_time(Vendor.LINUX, what)
    ]


@speak.register
def _(what: seen.Restart) -> list[Line]:
    del what
    return [Line(0.0, 5, "kernel", "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian "
                                   "12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1"),
            Line(0.3, 6, "systemd[1]", "Reached target multi-user.target - Multi-User System.")]


@speak.register
def _(what: seen.Login) -> list[Line]:
    if what.leaving:
        return [Line(0.0, 6, "sshd[911]", f"Disconnected from user {what.user} {what.origin} port 40120")]
    return [Line(0.0, 6, "sshd[911]", f"Accepted publickey for {what.user} from {what.origin} port 40120 ssh2")]


@speak.register
def _(what: seen.Routine) -> list[Line]:
    choices = (("CRON[2210]", "(root) CMD (/usr/local/bin/backup-check)"),
               ("systemd[1]", "Started sysstat-collect.service - system activity accounting tool."),
               ("systemd[1]", "Started session-41.scope - Session 41 of User monitor."),
               ("chronyd[702]", "Selected source 10.200.9.1"))
    return [Line(0.0, 6, *choices[what.choice % len(choices)])]


@speak.register
def _(what: seen.ProcessEnded) -> list[Line]:
    return [Line(0.0, 4, "watchfrr[640]", f"{what.daemon} state -> down : read returned EOF"),
            Line(0.0, 5, "systemd[1]", f"frr.service: Killing process {what.process_id} ({what.daemon}) with signal "
                                       "SIGKILL.")]


@speak.register
def _(what: seen.ProcessStarted) -> list[Line]:
    return [Line(0.0, 5, "watchfrr[640]", f"{what.daemon} state -> up : connect succeeded")]


@speak.register
def _(what: seen.DuplicateAddress) -> list[Line]:
    return [Line(0.0, 4, "arpwatch[733]", f"flip flop {what.address} {what.mac} ({what.known_mac}) {what.port}")]


@speak.register
def _(what: seen.TableFull) -> list[Line]:
    return [Line(0.0, 3, "kernel", f"Out of memory: Killed process 1830 ({what.process}) total-vm:16284920kB, "
                                   "anon-rss:15904132kB, file-rss:0kB, shmem-rss:0kB, UID:33"),
            Line(0.1, 5, "systemd[1]", f"{what.process}.service: Main process exited, code=killed, status=9/KILL")]


@speak.register
def _(what: seen.HighLoad) -> list[Line]:
    if not what.over or what.percent < 95:
        return []
    return [Line(0.0, 4, "kernel", "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [kworker/0:1:1184]")]


@speak.register
def _(what: seen.Attack) -> list[Line]:
    return [Line(0.0, 6, "kernel", "TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.  Check "
                                   f"SNMP counters. ({what.address})")]


@speak.register
def _(what: seen.LowMemory) -> list[Line]:
    if not what.over:
        return []
    return [Line(0.0, 4, "kernel", "bgpd invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, "
                                   "oom_score_adj=0")]
