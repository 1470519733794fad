"""What a device logged becomes events in one vocabulary; what cannot be used is counted, never dropped in silence."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import EvidenceError
from attribution.model.incident import EvidenceType
from attribution.model.observation import (
    Caveat,
    CommandEffect,
    CommandEffectKind,
    DownReason,
    LogEvent,
    LogKind,
    Observation,
)
from attribution.readers.syslog import read_syslog
from tests.readers.material import origin

NOON = 1_795_435_200 * 10**9  # 2026-11-23T12:00:00Z
SECOND = 10**9


def read(log: str | bytes, **changed: object) -> tuple[list[LogEvent], list[Caveat]]:
    """Events and caveats of a log whose incident is of 2026; further keys as on the evidence entry."""
    content = log.encode() if isinstance(log, str) else log
    stated: dict[str, object] = {"window_year": 2026, **changed}
    found = list(read_syslog(content, origin(EvidenceType.SYSLOG, "telemetry/syslog.log", **stated)))
    events = [item for item in found if isinstance(item, LogEvent)]
    caveats = [item for item in found if isinstance(item, Caveat)]
    assert len(events) + len(caveats) == len(found)
    return events, caveats


def grave(*lines: str) -> list[bool]:
    """Which of some lines that no rule understands are told of as trouble all the same; each is counted as left out."""
    events, caveats = read("\n".join(lines), device="ce1")
    assert all(event.kind is LogKind.GRAVE for event in events)
    assert sum(caveat.count for caveat in caveats if "not understood" in caveat.reason) == len(lines)
    return [f"line {number}" in {event.locator for event in events} for number in range(1, len(lines) + 1)]


def one(log: str, **changed: object) -> LogEvent:
    events, _ = read(log, **changed)
    assert len(events) == 1
    return events[0]


def test_a_router_says_that_its_neighbour_fell_silent() -> None:
    event = one(
        "<187>1 2026-11-23T12:00:00.352Z pe1 - - - - "
        "%BGP-3-NOTIFICATION: sent to neighbor 10.0.0.2 4/0 (hold time expired) 0 bytes"
    )
    assert (event.device, event.kind, event.peer, event.protocol) == ("pe1", LogKind.SESSION_DOWN, "10.0.0.2", "bgp")
    assert event.reason is DownReason.HOLD_TIMER
    assert event.time_ns == NOON + 352 * 10**6
    assert event.locator == "line 1"
    assert event.clock_trusted


def test_the_device_is_the_host_in_the_line_else_that_of_the_evidence_entry() -> None:
    assert one("Nov 23 12:00:00 ce1 kernel: eth0: Link is Down", device="other").device == "ce1"
    assert one("2026/11/23 12:00:00 BGP: bgpd 8.4.4 starting: vty@2605", device="ce1").device == "ce1"


def test_a_log_of_which_nobody_says_the_device_is_an_error() -> None:
    with pytest.raises(EvidenceError, match=r"telemetry/syslog\.log: found no line that names its device.*`device:`"):
        read("2026/11/23 12:00:00 BGP: bgpd 8.4.4 starting: vty@2605")


def test_a_line_without_device_among_others_is_counted() -> None:
    events, caveats = read("Nov 23 12:00:00 ce1 kernel: eth0: Link is Down\n2026/11/23 12:00:00 BGP: hello\n")
    assert [event.device for event in events] == ["ce1"]
    assert any("names no device" in caveat.reason and caveat.locator == "line 2" for caveat in caveats)


@pytest.mark.parametrize("content", [b"", b"\n", b"  \r\n\t\n"])
def test_an_empty_file_is_an_error(content: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"telemetry/syslog\.log: found an empty file"):
        read(content)


def test_a_file_without_any_dated_line_is_no_log() -> None:
    with pytest.raises(EvidenceError, match=r"syslog\.log line 1: found no line that has a time"):
        read("time,device\n1,2\n")


def test_a_compressed_log_is_read_like_a_plain_one() -> None:
    events, _ = read(gzip.compress(b"Nov 23 12:00:00 ce1 kernel: eth0: Link is Down\n"))
    assert events[0].kind is LogKind.INTERFACE_DOWN


def test_lines_without_a_time_are_counted_with_the_first_one_and_examples() -> None:
    log = "Nov 23 12:00:00 ce1 kernel: eth0: Link is Down\nno time here\nnor here\n"
    _, caveats = read(log, timezone_name="UTC")
    caveat = next(caveat for caveat in caveats if "no time in the line" in caveat.reason)
    assert (caveat.locator, caveat.count) == ("line 2", 2)
    assert "«no time here»" in caveat.reason


def test_a_time_that_no_calendar_knows_is_counted() -> None:
    _, caveats = read("Nov 23 12:00:00 ce1 kernel: eth0: Link is Down\nFeb 30 12:00:00 ce1 kernel: eth0: Link is Up\n")
    assert any("does not exist" in caveat.reason and caveat.locator == "line 2" for caveat in caveats)


def test_a_message_that_no_rule_knows_is_no_event_but_a_caveat_with_examples() -> None:
    log = "".join(f"<14>1 2026-11-23T12:00:0{n}Z ce1 - - - - the wombat is number {n}\n" for n in range(5))
    events, caveats = read(log)
    assert events == []
    assert [(caveat.locator, caveat.count) for caveat in caveats] == [("line 1", 5)]
    assert "message not understood" in caveats[0].reason
    assert "«the wombat is number 0»" in caveats[0].reason


def test_bytes_that_are_not_utf8_are_replaced_and_counted() -> None:
    events, caveats = read(b"<30>1 2026-11-23T12:00:00Z ce1 - - - - kernel: eth0: Link is Down\n\xff\xfe\n")
    assert len(events) == 1
    assert any("UTF-8" in caveat.reason and caveat.locator == "line 2" for caveat in caveats)


def test_line_numbers_are_those_of_an_editor() -> None:
    events, _ = read(
        "\r\n\nNov 23 12:00:00 ce1 kernel: eth0: Link is Down\r\n\x0b\nNov 23 12:00:01 ce1 kernel: eth0: Link is Up"
    )
    assert [event.locator for event in events] == ["line 3", "line 5"]


class TestRepeatedLines:
    """`last message repeated` stands for the line before it of the same device."""

    def test_the_event_happened_again_at_the_later_time(self) -> None:
        events, caveats = read(
            "Nov 23 12:00:00 pe1 kernel: nf_conntrack: table full, dropping packet\n"
            "Nov 23 12:00:01 pe2 kernel: eth0: Link is Down\n"
            "Nov 23 12:00:30 pe1 last message repeated 12 times\n",
            timezone_name="UTC",
        )
        assert [event.kind for event in events] == [
            LogKind.CONNTRACK_FULL,
            LogKind.INTERFACE_DOWN,
            LogKind.CONNTRACK_FULL,
        ]
        assert (events[2].time_ns, events[2].locator) == (NOON + 30 * SECOND, "line 3")
        assert all("not understood" not in caveat.reason for caveat in caveats)

    def test_rsyslog_repeats_the_message_itself(self) -> None:
        event = one("Nov 23 12:00:30 pe1 message repeated 3 times: [ kernel: eth0: Link is Down]")
        assert (event.kind, event.interface) == (LogKind.INTERFACE_DOWN, "eth0")

    def test_a_repeated_line_that_was_not_understood_is_not_understood_again(self) -> None:
        _, caveats = read("Nov 23 12:00:00 pe1 wombat\nNov 23 12:00:30 pe1 last message repeated 2 times\n")
        assert next(caveat.count for caveat in caveats if "not understood" in caveat.reason) == 2


class TestNaiveTimes:
    """A time without year or zone takes them from the evidence entry and the window, and says so."""

    def test_utc_and_the_year_of_the_window_are_assumed_with_caveats(self) -> None:
        events, caveats = read("Nov 23 12:00:00 ce1 kernel: eth0: Link is Down\n" * 3)
        assert {event.time_ns for event in events} == {NOON}
        assert not any(event.clock_trusted for event in events)
        assert sorted((caveat.count, caveat.locator) for caveat in caveats) == [(3, "line 1"), (3, "line 1")]
        assert any("time zone" in caveat.reason and "UTC" in caveat.reason for caveat in caveats)
        assert any("year" in caveat.reason for caveat in caveats)

    @pytest.mark.parametrize("zone", ["Asia/Shanghai", "+08:00", "UTC+8"])
    def test_the_stated_zone_is_taken_and_trusted(self, zone: str) -> None:
        events, caveats = read("Nov 23 20:00:00 ce1 kernel: eth0: Link is Down", timezone_name=zone)
        assert events[0].time_ns == NOON
        assert events[0].clock_trusted
        assert not any("time zone" in caveat.reason for caveat in caveats)

    def test_summer_time_is_that_of_the_day(self) -> None:
        summer = one("Jul  1 14:00:00 ce1 kernel: eth0: Link is Down", timezone_name="Europe/Berlin")
        winter = one("Nov 23 13:00:00 ce1 kernel: eth0: Link is Down", timezone_name="Europe/Berlin")
        assert winter.time_ns == NOON
        assert (summer.time_ns - 12 * 3600 * SECOND) % (24 * 3600 * SECOND) == 0

    def test_an_unknown_zone_is_an_error(self) -> None:
        with pytest.raises(EvidenceError, match=r"unknown timezone 'Mars/Olympus'.*Asia/Shanghai"):
            read("Nov 23 12:00:00 ce1 kernel: eth0: Link is Down", timezone_name="Mars/Olympus")

    def test_a_december_line_in_a_january_window_belongs_to_the_year_before(self) -> None:
        events, _ = read(
            "Dec 31 23:59:59 ce1 kernel: eth0: Link is Down\nJan  1 00:00:01 ce1 kernel: eth0: Link is Up\n",
            timezone_name="UTC",
            window_year=2027,
        )
        assert events[1].time_ns - events[0].time_ns == 2 * SECOND
        assert events[1].time_ns == 1_798_761_601 * SECOND  # 2027-01-01T00:00:01Z

    def test_a_whole_year_of_january_alone_stays_in_its_year(self) -> None:
        event = one("Jan  1 00:00:01 ce1 kernel: eth0: Link is Up", timezone_name="UTC", window_year=2027)
        assert event.time_ns == 1_798_761_601 * SECOND

    def test_the_sources_clock_offset_is_added(self) -> None:
        event = one("<30>1 2026-11-23T12:00:00Z ce1 - - - - kernel: eth0: Link is Down", clock_offset_ns=-1_500_000_000)
        assert event.time_ns == NOON - 1_500_000_000

    @pytest.mark.parametrize("mark", ["*", "."])
    def test_cisco_marks_a_clock_that_is_not_synchronised(self, mark: str) -> None:
        log = f"<189>521: ce1: {mark}Nov 23 12:00:00.699 UTC: %SYS-5-RESTART: System restarted --"
        events, caveats = read(log)
        assert (events[0].device, events[0].time_ns) == ("ce1", NOON + 699 * 10**6)
        assert not events[0].clock_trusted
        assert any("not synchronised" in caveat.reason for caveat in caveats)

    def test_an_abbreviated_zone_is_read_as_china_writes_it_and_said(self) -> None:
        events, caveats = read("<189>521: ce1: Nov 23 20:00:00.699 CST: %SYS-5-RESTART: System restarted --")
        assert events[0].time_ns == NOON + 699 * 10**6
        assert any("CST was read as UTC+8" in caveat.reason for caveat in caveats)

    def test_an_unknown_abbreviation_is_said_to_be_so(self) -> None:
        _, caveats = read("<189>521: ce1: Nov 23 12:00:00.000 XYZ: %SYS-5-RESTART: System restarted --")
        assert any("XYZ is not known: UTC was taken" in caveat.reason for caveat in caveats)

    def test_the_stated_zone_says_what_an_abbreviation_means(self) -> None:
        log = "<189>521: ce1: Nov 23 06:00:00.000 CST: %SYS-5-RESTART: System restarted --"
        assert one(log, timezone_name="America/Chicago").time_ns == NOON


def typed(*commands: str, user: str = "netadm", device: str = "ce1") -> str:
    """What Cisco IOS logs of the commands, a second apart."""
    return "".join(
        f"Nov 23 12:00:{second:02d} {device} %PARSER-5-CFGLOG_LOGGEDCMD: User:{user}  logged command:{command}\n"
        for second, command in enumerate(commands)
    )


class TestCommands:
    """Who typed what, where it was typed, and what it does."""

    def test_shutdown_lies_at_the_interface_entered_before(self) -> None:
        shut = read(typed("interface GigabitEthernet0/1", "shutdown"))[0][1]
        assert (shut.kind, shut.user, shut.command) == (LogKind.COMMAND, "netadm", "shutdown")
        assert shut.interface == "GigabitEthernet0/1"
        assert shut.effect == CommandEffect(CommandEffectKind.INTERFACE_SHUTDOWN, interface="GigabitEthernet0/1")

    def test_another_users_or_devices_interface_is_not_taken(self) -> None:
        log = typed("interface GigabitEthernet0/1") + typed("shutdown", user="other") + typed("shutdown", device="ce2")
        assert [event.interface for event in read(log)[0]] == ["GigabitEthernet0/1", None, None]

    def test_leaving_the_interface_ends_its_mode(self) -> None:
        commands = ("interface Ten-GigabitEthernet1/0/3", "qos car inbound any cir 50000", "quit", "shutdown")
        events, _ = read(
            "".join(
                f"Nov 23 12:00:0{second} ce1 %%10SHELL/6/SHELL_CMD: -Line=vty0-IPAddr=10.1.0.5-User=admin; "
                f"Command is {command}\n"
                for second, command in enumerate(commands)
            )
        )
        port = "Ten-GigabitEthernet1/0/3"
        assert [event.interface for event in events] == [port, port, None, None]

    @pytest.mark.parametrize(
        "command",
        ["traffic-filter inbound acl 3000", "traffic-policy LIMIT outbound", "line-rate outbound 1000", "mtu 900"],
    )
    def test_what_is_typed_at_an_interface_lies_there(self, command: str) -> None:
        event = read(typed("interface GigabitEthernet0/0/1", "ospf cost 10", command))[0][2]
        assert event.effect is not None
        assert event.interface == event.effect.interface == "GigabitEthernet0/0/1"

    def test_a_route_typed_at_an_interface_does_not_lie_there(self) -> None:
        route = read(typed("interface GigabitEthernet0/1", "ip route 10.1.0.0 255.255.255.0 Null0"))[0][1]
        assert route.interface is None
        assert route.effect == CommandEffect(CommandEffectKind.NULL_ROUTE_ADDED, prefix="10.1.0.0/24")

    def test_junos_and_huawei_say_it_in_one_line(self) -> None:
        junos = one(
            "Nov 23 12:00:00 pe1 mgd[3046]: UI_CMDLINE_READ_LINE: "
            "User 'luke', command 'set interfaces ge-0/0/0 disable '"
        )
        assert (junos.user, junos.command, junos.interface) == ("luke", "set interfaces ge-0/0/0 disable", "ge-0/0/0")
        huawei = one(
            "Nov 23 2026 12:00:00 pe1 %%01SHELL/5/CMDRECORD(s)[2]:Recorded command information. (Task=VT0, "
            'Ip=10.1.0.5, VpnName=, User=admin, Command="ip route-static 10.9.0.0/16 NULL0")'
        )
        assert huawei.user == "admin"
        assert huawei.effect == CommandEffect(CommandEffectKind.NULL_ROUTE_ADDED, prefix="10.9.0.0/16")

    def test_huawei_names_a_port_by_its_speed(self) -> None:
        changed = read(typed("interface 10GE1/0/24", "mtu 9000"))[0][1]
        assert (changed.interface, changed.effect) == (
            "10GE1/0/24",
            CommandEffect(CommandEffectKind.MTU_CHANGED, interface="10GE1/0/24"),
        )

    def test_sudo_names_the_user_and_the_prefix_that_a_filter_hits(self) -> None:
        event = one(
            "<29>Nov 23 12:00:00 vgw sudo:   netadm : TTY=pts/0 ; PWD=/home/netadm ; USER=root ; "
            "COMMAND=/usr/sbin/iptables -I FORWARD -d 172.23.142.0/24 -j DROP"
        )
        assert event.user == "netadm"
        assert event.effect == CommandEffect(CommandEffectKind.FILTER_ADDED, prefix="172.23.142.0/24")

    def test_a_neighbour_is_shut_in_its_own_mode(self) -> None:
        shut = read(typed("router bgp 65001", "neighbor 10.0.0.2", "shutdown"))[0][2]
        assert shut.effect == CommandEffect(CommandEffectKind.NEIGHBOUR_SHUTDOWN, peer="10.0.0.2")


def test_a_restart_for_which_a_user_is_named_is_a_command_and_any_other_is_none() -> None:
    cisco, junos, crash = read(
        "Nov 23 12:00:00 ce1 %SYS-5-RELOAD: Reload requested by mhall on vty0 (10.1.0.5). Reload Reason: Reload.\n"
        "Nov 23 12:00:00 ce2 mgd[3046]: UI_REBOOT_EVENT: System rebooted by 'luke'\n"
        "Nov 23 12:00:00 ce3 %SYS-5-RELOAD: Reload requested by kernel. Reload Reason: Critical process fault.\n"
    )[0]
    assert (cisco.user, junos.user, crash.user) == ("mhall", "luke", None)
    assert cisco.effect == junos.effect == CommandEffect(CommandEffectKind.RELOAD)
    assert crash.effect is None


def test_trouble_that_no_rule_understands_is_told_of_by_the_device_s_own_severity() -> None:
    assert grave(
        "Nov 23 12:00:00 ce1 %ZORK-2-QUUX: module 3: spare part 7",
        "Nov 23 12:00:00 ce1 %ZORK-6-QUUX: module 3: spare part 7",
        "Nov 23 12:00:00 2026 ce1 %%10ZORK/1/QUUX: module 3",
        "Nov 23 12:00:00 2026 ce1 %%10ZORK/6/QUUX: module 3 failed",
    ) == [True, False, True, False]


def test_a_relay_s_priority_counts_where_the_device_states_no_severity_of_its_own() -> None:
    assert grave(
        "<187>Nov 23 12:00:00 ce1 zorkd: module 3: spare part 7",
        "<190>Nov 23 12:00:00 ce1 zorkd: module 3: failed",
        "<187>Nov 23 12:00:00 ce1 %ZORK-6-QUUX: module 3: spare part 7",
        '{"__REALTIME_TIMESTAMP":"1795435200000000","_HOSTNAME":"ce1","PRIORITY":"2","MESSAGE":"module 3"}',
        '{"__REALTIME_TIMESTAMP":"1795435200000000","_HOSTNAME":"ce1","PRIORITY":"6","MESSAGE":"module 3"}',
    ) == [True, False, False, True, False]


def test_without_any_severity_the_words_of_a_message_tell_of_trouble() -> None:
    assert grave(
        "Nov 23 12:00:00 ce1 zorkd[812]: module 3 failed, no answer",
        "Nov 23 12:00:00 ce1 zorkd[812]: module 3 polled, nothing new",
        "<189>Nov 23 12:00:00 ce1 zorkd[812]: module 3 lost its mate",
    ) == [True, False, True]


HEADS = (
    "<189>Nov 23 12:00:00 ce1 ", "<30>1 2026-11-23T12:00:00Z ce1 sshd 1 - - ", "*Nov 23 12:00:00.1: ", '{"MESSAGE":',
    "<189>date=2026-11-23 ", "2026/11/23 12:00:00 BGP: ", "Nov 23 12:00:00 2026 ce1 %%10",
    "Nov 23 2026 12:00:00 ce1 %%01",
)  # fmt: skip
WORDS = (
    "%LINK-3-UPDOWN:", "Interface", "changed state to", "down", "neighbor", "10.0.0.2", "6/2", "IFNET/3/PHY_UPDOWN:",
    "last message repeated 9 times", "COMMAND=", "ip route 1.2.3.4 0.0.0.0 Null0", "state-change: [", "]", "->",
    "kernel:",
    "User:x  logged command:", "%PARSER-5-CFGLOG_LOGGEDCMD:", "vtysh -c", "sudo:   a :", "systemd[1]:", "time=12:00:00",
)  # fmt: skip


@given(content=st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(content: bytes) -> None:
    read_anything(content)


@given(head=st.sampled_from(HEADS), words=st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=10))
def test_any_words_behind_a_known_head(head: str, words: list[str]) -> None:
    read_anything((head + " ".join(words)).encode("utf-8", "surrogatepass"))


def read_anything(content: bytes) -> None:
    """Observations, caveats or the documented error: nothing else, and no line of the file unaccounted for."""
    try:
        found = list(read_syslog(content, origin(EvidenceType.SYSLOG, "file", device="ce1", window_year=2026)))
    except EvidenceError as error:
        assert error.place.startswith("file")
        return
    assert all(isinstance(item, Observation | Caveat) for item in found)
    lines = sum(1 for line in content.decode("utf-8", "replace").split("\n") if line and not line.isspace())
    events = sum(isinstance(item, LogEvent) and item.kind is not LogKind.GRAVE for item in found)
    left_out = sum(
        item.count
        for item in found
        if isinstance(item, Caveat) and ("left out" in item.reason or "not understood" in item.reason)
    )
    assert events + left_out == lines
