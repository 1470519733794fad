"""What devices say of themselves and their neighbours: about which component, by whom, and until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from attribution.detectors import without_absentees, without_echoes
from attribution.detectors.alarms import detect_log_alarms, session_peer
from attribution.detectors.packet_alarms import (
    detect_packet_alarms,
    detect_size_limits,
    find_absences,
)
from attribution.model.evidence import Alarm, AlarmKind
from attribution.model.incident import FOREVER_NS, Interval
from attribution.model.observation import (
    REFUSED_BY_ITSELF,
    TCP_ALONE,
    DownReason,
    LogEvent,
    LogKind,
    PacketWitness,
    PairCount,
    WitnessKind,
)
from attribution.model.topology import NodeKind, Side
from tests.detectors.chain import CAPTURE, CHAIN, LINKS, NODES, at, join, log, network, node, surroundings

AROUND = surroundings()


def alarms(*events: LogEvent) -> list[Alarm]:
    return list(detect_log_alarms(events, AROUND))


def witness(
    kind: WitnessKind, sender: str | None, about: str | None, code: str | None = None, device: str = "cloud-edge"
) -> PacketWitness:
    return PacketWitness(
        time_ns=at(5),
        end_ns=at(9),
        origin=CAPTURE,
        locator="frame 7",
        device=device,
        interface="GE0/0/1",
        kind=kind,
        sender=sender,
        about=about,
        code=code,
    )


def packet_alarms(*witnesses: PacketWitness) -> list[Alarm]:
    return list(detect_packet_alarms(witnesses, AROUND))


@pytest.mark.parametrize(
    ("prefixes", "down"),
    [
        (("10.9.1.0/30",), ["cloud-core--cloud-edge"]),
        (("10.9.0.0/16",), []),
        (("10.1.0.0/24",), []),
        (("192.0.2.0/30", "10.9.1.0/30"), ["cloud-edge--office-edge", "cloud-core--cloud-edge"]),
        (("10.9.2.0/30", "203.0.113.0/24", "2001:db8::/64"), []),
        (("MAC and IP advertisement of 00:00:5e:00:53:01",), []),
    ],
    ids=["its own cable's", "one that holds more", "another's", "those of two cables", "others'", "no prefix"],
)
def test_a_router_that_takes_back_the_subnet_of_its_own_cable_has_lost_the_port(
    prefixes: tuple[str, ...], down: list[str]
) -> None:
    told = replace(witness(WitnessKind.BGP_WITHDRAWAL, "192.0.2.2", "10.9.2.2", str(len(prefixes))), prefixes=prefixes)
    ports = [alarm for alarm in packet_alarms(told) if alarm.kind is not AlarmKind.ROUTES_WITHDRAWN]

    assert [(port.component, port.reporter, port.kind) for port in ports] == [
        (link, "cloud-edge", AlarmKind.INTERFACE_DOWN) for link in down
    ]


def test_who_takes_back_but_the_subnets_of_its_own_cables_tells_of_nothing_that_lies_behind_them() -> None:
    def withdrawn(*prefixes: str) -> list[Alarm]:
        count = str(len(prefixes))
        told = replace(witness(WitnessKind.BGP_WITHDRAWAL, "192.0.2.2", "10.9.2.2", count), prefixes=prefixes)
        return [alarm for alarm in packet_alarms(told) if alarm.kind is AlarmKind.ROUTES_WITHDRAWN]

    assert withdrawn("10.9.1.0/30", "192.0.2.0/30") == []
    (alarm,) = withdrawn("10.9.1.0/30", "10.1.0.0/24")
    assert (alarm.reporter, alarm.about_peer) == ("cloud-edge", "cloud-gateway")
    (other,) = withdrawn("10.1.0.0/24")
    assert alarm.gone == other.gone == ()
    (edge,) = withdrawn("10.1.0.0/24", "10.1.0.1/32", "10.1.0.2/32", "no prefix")
    assert edge.gone == ("office-edge",), "the router has lost its own, not only what lies behind it; hosts have none"


def test_an_address_that_two_have_is_rather_the_service_s_end_s_where_nobody_is_known_to_own_it() -> None:
    """The edge saw it twice in its LAN, where the drawing names no host's address, or only the end's."""

    def owner(interface: str, *addresses: str) -> str:
        drawn = network(
            [
                node("office-host", NodeKind.HOST, *addresses),
                node("office-printer", NodeKind.HOST),
                node("office-switch", NodeKind.SWITCH),
                *(other for other in CHAIN.nodes.values() if other.id != "office-host"),
            ],
            [
                join("office-host eth0", "office-switch 1"),
                join("office-printer eth0", "office-switch 2"),
                join("office-switch 3", "office-edge Gi0/0"),
                *(link for link in CHAIN.links.values() if "office-host" not in link.ends),
            ],
        )
        twice = log(0, "office-edge", LogKind.DUPLICATE_ADDRESS, peer="10.1.0.77", interface=interface)
        (alarm,) = detect_log_alarms([twice], surroundings(drawn))
        return alarm.component

    assert owner("Gi0/0") == "office-host"
    assert owner("Gi0/1") == "office-edge"
    assert owner("Gi0/0", "10.1.0.2") != "office-host"


PRINTER = network(
    [node("office-printer", NodeKind.HOST, "10.1.0.9", side=Side.CUSTOMER), *NODES],
    [*LINKS, join("office-printer eth0", "office-edge Gi0/7", side=Side.CUSTOMER)],
)


def test_the_host_behind_the_port_at_which_an_address_came_again_is_the_intruder() -> None:
    """A host that says that it took another's address for its own is no less so; a router may stand in for another."""
    duplicate, own = LogKind.DUPLICATE_ADDRESS, LogKind.ADDRESS_ASSIGNED
    told = [
        log(0, "office-edge", duplicate, peer="10.1.0.2", interface="Gi0/7"),
        log(1, "office-edge", duplicate, peer="10.1.0.2", interface="Gi0/0"),
        log(2, "office-edge", duplicate, peer="10.1.0.2"),
        log(3, "office-printer", own, peer="10.1.0.2"),
        log(4, "office-printer", own, peer="10.1.0.9"),
        log(5, "office-printer", own, peer="10.1.0.1"),
        log(6, "office-printer", own, peer="10.1.0.77"),
    ]
    found = list(detect_log_alarms(told, surroundings(PRINTER)))

    assert {alarm.component for alarm in found} == {"office-host"}
    assert [alarm.about_peer for alarm in found] == ["office-printer", None, None, "office-printer"]


SHARED = network(
    [
        node("shop-till", NodeKind.HOST, "10.7.0.51", side=Side.CUSTOMER),
        node("shop-camera", NodeKind.HOST, side=Side.CUSTOMER),
        node("shop-phone", NodeKind.HOST, side=Side.CUSTOMER),
        node("shop-switch", NodeKind.SWITCH, side=Side.CUSTOMER),
        node("shop-edge", NodeKind.ROUTER, "10.7.0.1", side=Side.CUSTOMER),
    ],
    [
        join("shop-till eth0", "shop-switch Gi0/2", side=Side.CUSTOMER),
        join("shop-camera eth0", "shop-switch Gi0/6", side=Side.CUSTOMER),
        join("shop-phone eth0", "shop-switch Gi0/7", side=Side.CUSTOMER),
        join("shop-switch Gi0/1", "shop-edge Gi0/0", side=Side.CUSTOMER),
    ],
)


def test_who_came_just_before_a_gateway_s_address_was_twice_there_and_ended_it_by_going_is_the_intruder() -> None:
    def intruder(*events: LogEvent) -> str | None:
        twice = [log(t, "shop-edge", LogKind.DUPLICATE_ADDRESS, peer="10.7.0.1") for t in (100, 130, 160)]
        told = list(detect_log_alarms([*twice, *events], surroundings(SHARED)))
        (found,) = {
            (alarm.component, alarm.about_peer) for alarm in told if alarm.kind is AlarmKind.DUPLICATE_ADDRESS
        }
        assert found[0] == "shop-edge"
        return found[1]

    def port(time: float, name: str, kind: LogKind) -> LogEvent:
        return log(time, "shop-switch", kind, interface=name)

    up, shut = LogKind.INTERFACE_UP, LogKind.INTERFACE_ADMIN_DOWN
    assert intruder() is None
    assert intruder(port(93, "Gi0/6", up)) == "shop-camera"
    assert intruder(port(166, "Gi0/6", shut)) == "shop-camera"
    assert intruder(port(93, "Gi0/6", up), port(95, "Gi0/7", up), port(166, "Gi0/6", shut)) == "shop-camera"
    assert intruder(port(93, "Gi0/6", up), port(95, "Gi0/7", up)) is None, "either may be"
    assert intruder(port(13, "Gi0/6", up)) is None, "long before"
    assert intruder(port(93, "Gi0/1", up)) is None, "the gateway itself"


def test_a_new_route_to_an_end_of_the_service_alone_is_told_of_and_one_to_any_other_host_is_not() -> None:
    def announced(*hosts: str) -> list[Alarm]:
        told = witness(WitnessKind.BGP_HOST_ROUTE, "192.0.2.2", "10.9.2.2", "1")
        return packet_alarms(replace(told, prefixes=tuple(f"{host}/32" for host in hosts)))

    (alarm,) = announced("203.0.113.9", "10.2.0.2")
    assert (alarm.kind, alarm.component, alarm.reporter) == (
        AlarmKind.HOST_ROUTE_ANNOUNCED, "cloud-edge", "cloud-edge",
    )  # fmt: skip
    assert announced("203.0.113.9") == []


def test_what_hosts_have_may_be_taken_back_by_policy_with_every_port_up() -> None:
    told = replace(witness(WitnessKind.BGP_WITHDRAWAL, "10.1.0.1", "192.0.2.2", "1"), prefixes=("10.1.0.0/24",))
    assert [alarm.kind for alarm in packet_alarms(told)] == [AlarmKind.ROUTES_WITHDRAWN]


def test_a_port_is_down_until_its_device_says_that_it_is_up() -> None:
    (alarm,) = alarms(
        log(0, "cloud-edge", LogKind.INTERFACE_DOWN, interface="GE0/0/2"),
        log(4, "cloud-core", LogKind.INTERFACE_UP, interface="GE0/0/1"),
        log(5, "cloud-edge", LogKind.INTERFACE_UP, interface="GE0/0/1"),
        log(9, "cloud-edge", LogKind.INTERFACE_UP, interface="GE0/0/2"),
        log(20, "cloud-edge", LogKind.INTERFACE_UP, interface="GE0/0/2"),
    )

    assert (alarm.reporter, alarm.component, alarm.kind) == (
        "cloud-edge",
        "cloud-core--cloud-edge",
        AlarmKind.INTERFACE_DOWN,
    )
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(0), at(9))


def test_trouble_that_no_rule_understands_is_an_alarm_when_it_is_new() -> None:
    """Numbers in it, such as times, processes and addresses, make it no news."""
    found = alarms(
        replace(log(9, "cloud-core", LogKind.GRAVE), text="09:00:09 zorkd[812]: module 0x3f failed"),
        replace(log(3, "cloud-core", LogKind.GRAVE), text="09:00:03 zorkd[790]: module 0x11 failed"),
        replace(log(5, "cloud-core", LogKind.GRAVE), text="09:00:05 zorkd[790]: the spare module is lost"),
        replace(log(7, "cloud-edge", LogKind.GRAVE), text="09:00:07 zorkd[790]: module 0x11 failed"),
    )
    assert {alarm.kind for alarm in found} == {AlarmKind.NOT_UNDERSTOOD}
    assert [(alarm.reporter, alarm.component, alarm.interval.start_ns) for alarm in found] == [
        ("cloud-core", "cloud-core", at(3)),
        ("cloud-core", "cloud-core", at(5)),
        ("cloud-edge", "cloud-edge", at(7)),
    ]
    assert found[0].statement == (
        "cloud-core logged trouble that is not understood: 09:00:03 zorkd[790]: module 0x11 failed"
    )


def test_a_line_of_any_length_is_looked_at_once() -> None:
    endless = replace(log(3, "cloud-core", LogKind.GRAVE), text="failed " + "a" * 1_000_000)
    assert len(alarms(endless)) == 1


def test_the_order_of_lines_does_not_matter() -> None:
    lines = [
        log(0, "cloud-edge", LogKind.INTERFACE_DOWN, interface="GE0/0/2"),
        log(9, "cloud-edge", LogKind.INTERFACE_UP, interface="GE0/0/2"),
        log(12, "cloud-edge", LogKind.INTERFACE_DOWN, interface="GE0/0/2"),
    ]
    assert alarms(*lines) == alarms(*reversed(lines))


def test_what_nobody_takes_back_lasts() -> None:
    (alarm,) = alarms(log(0, "cloud-edge", LogKind.INTERFACE_DOWN, interface="GE0/0/2"))
    assert alarm.interval.end_ns == FOREVER_NS


def test_an_up_before_the_down_takes_nothing_back() -> None:
    (alarm,) = alarms(
        log(0, "cloud-edge", LogKind.INTERFACE_UP, interface="GE0/0/2"),
        log(1, "cloud-edge", LogKind.INTERFACE_DOWN, interface="GE0/0/2"),
    )
    assert alarm.interval.end_ns == FOREVER_NS


def test_a_port_that_somebody_shut_is_not_a_port_that_failed() -> None:
    (alarm,) = alarms(log(0, "cloud-edge", LogKind.INTERFACE_DOWN, interface="GE0/0/2", reason=DownReason.ADMIN_LOCAL))
    assert alarm.kind is AlarmKind.INTERFACE_ADMIN_DOWN


def test_ports_and_devices_that_are_not_drawn_are_evidence_of_nothing() -> None:
    assert (
        alarms(
            log(0, "cloud-edge", LogKind.INTERFACE_DOWN, interface="GE0/0/40"),
            log(0, "cloud-edge", LogKind.INTERFACE_DOWN),
            log(0, "somebody-else", LogKind.DEVICE_RESTARTED),
            log(0, "cloud-edge", LogKind.ROUTINE),
        )
        == []
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (LogKind.LOCAL_FAULT, AlarmKind.INTERFACE_DOWN),
        (LogKind.REMOTE_FAULT, AlarmKind.INTERFACE_DOWN),
        (LogKind.OPTICS_LOW_RX, AlarmKind.OPTICS_FAULT),
        (LogKind.INTERFACE_ERRORS, AlarmKind.INTERFACE_ERRORS),
        (LogKind.TRANSCEIVER_REMOVED, AlarmKind.TRANSCEIVER_REMOVED),
    ],
)
def test_what_ails_a_port_is_said_of_its_cable(kind: LogKind, expected: AlarmKind) -> None:
    (alarm,) = alarms(log(0, "cloud-core", kind, interface="GE0/0/2"))
    assert (alarm.component, alarm.kind) == ("cloud-core--cloud-gateway", expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (LogKind.POWER_FAULT, AlarmKind.POWER_FAULT),
        (LogKind.CPU_HIGH, AlarmKind.RESOURCES_EXHAUSTED),
        (LogKind.CONTROL_PLANE_DROPS, AlarmKind.RESOURCES_EXHAUSTED),
        (LogKind.CONNTRACK_FULL, AlarmKind.TABLE_FULL),
        (LogKind.PROCESS_DOWN, AlarmKind.PROCESS_DOWN),
        (LogKind.LOOP_DETECTED, AlarmKind.BRIDGING_LOOP),
        (LogKind.DUPLICATE_ADDRESS, AlarmKind.DUPLICATE_ADDRESS),
        (LogKind.ATTACK_DETECTED, AlarmKind.ATTACK),
    ],
)
def test_what_ails_a_device_is_said_of_the_device(kind: LogKind, expected: AlarmKind) -> None:
    (alarm,) = alarms(log(0, "cloud-core", kind))
    assert (alarm.reporter, alarm.component, alarm.kind) == ("cloud-core", "cloud-core", expected)


@pytest.mark.parametrize("kind", [LogKind.AUTHENTICATION_MISMATCH, LogKind.PREFIX_LIMIT])
def test_what_breaks_a_session_is_said_of_the_device_and_of_whom_it_speaks_with(kind: LogKind) -> None:
    (alarm,) = alarms(log(0, "cloud-core", kind, interface="GE0/0/2"))
    assert (alarm.component, alarm.about_peer) == ("cloud-core", "cloud-gateway")


def test_light_that_is_not_sent_is_the_device_s_own_fault() -> None:
    (alarm,) = alarms(log(0, "cloud-core", LogKind.OPTICS_LOW_TX, interface="GE0/0/2"))
    assert (alarm.reporter, alarm.component) == ("cloud-core", "cloud-core--cloud-gateway")
    assert alarm.kind is AlarmKind.TRANSMITTER_WEAK
    assert alarms(log(0, "cloud-core", LogKind.OPTICS_LOW_TX, interface="GE0/0/40")) == []


def test_a_last_gasp_is_the_neighbour_s_own_word_that_it_goes_down_until_the_port_is_up_again() -> None:
    gasp, other = alarms(
        log(0, "cloud-core", LogKind.NEIGHBOUR_DYING, interface="GE0/0/2"),
        log(1, "cloud-core", LogKind.NEIGHBOUR_DYING, interface="GE0/0/1"),
        log(2, "cloud-core", LogKind.NEIGHBOUR_DYING, interface="GE0/0/40"),
        log(9, "cloud-core", LogKind.INTERFACE_UP, interface="GE0/0/2"),
    )
    assert (gasp.reporter, gasp.component, gasp.kind) == ("cloud-core", "cloud-gateway", AlarmKind.DEVICE_UNREACHABLE)
    assert (other.component, gasp.interval.end_ns, other.interval.end_ns) == ("cloud-edge", at(9), FOREVER_NS)


def test_a_port_that_is_up_has_its_transceiver_again() -> None:
    (alarm,) = alarms(
        log(0, "cloud-core", LogKind.TRANSCEIVER_REMOVED, interface="GE0/0/2"),
        log(9, "cloud-core", LogKind.INTERFACE_UP, interface="GE0/0/2"),
    )
    assert alarm.interval.end_ns == at(9)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(log(1, "cloud-core", LogKind.TRANSCEIVER_REMOVED, interface="GE0/0/40"), id="others at once"),
        pytest.param(log(-9, "cloud-core", LogKind.HARDWARE_FAULT), id="its card failed"),
        pytest.param(log(25, "cloud-core", LogKind.DEVICE_RESTARTED), id="the device started anew"),
    ],
)
def test_a_transceiver_that_went_with_its_card_was_pulled_by_nobody(other: LogEvent) -> None:
    pulled = log(0, "cloud-core", LogKind.TRANSCEIVER_REMOVED, interface="GE0/0/2")
    elsewhere = replace(other, device="cloud-edge")

    assert [alarm.kind for alarm in alarms(pulled, other) if alarm.component != "cloud-core"] == []
    assert [alarm.kind for alarm in alarms(pulled, elsewhere)][:1] != []


def test_who_takes_transceivers_out_one_after_the_other_or_the_same_twice_pulls_each() -> None:
    removed = LogKind.TRANSCEIVER_REMOVED
    pulled = alarms(
        log(0, "cloud-core", removed, interface="GE0/0/2"),
        log(1, "cloud-core", removed, interface="GigabitEthernet0/0/2"),
        log(9, "cloud-core", removed, interface="GE0/0/1"),
    )
    assert [alarm.component for alarm in pulled] == ["cloud-core--cloud-gateway"] * 2 + ["cloud-core--cloud-edge"]


def test_who_refuses_its_peer_by_a_clock_that_is_far_off_is_told_of_until_they_are_together_again() -> None:
    def tunnel(
        second: float,
        kind: LogKind = LogKind.SESSION_DOWN,
        ahead_s: int = 0,
        reason: DownReason | None = None,
        peer: str | None = None,
    ) -> LogEvent:
        event = log(second, "cloud-edge", kind, peer=peer, reason=reason)
        return replace(event, protocol="ipsec", clock_ahead_ns=ahead_s * 10**9)

    refused = DownReason.AUTHENTICATION
    routine = tunnel(-5, LogKind.ROUTINE, peer="192.0.2.1")
    up = tunnel(30, LogKind.SESSION_UP, peer="192.0.2.1")
    found = alarms(routine, tunnel(0, ahead_s=86_400, reason=refused), tunnel(1, ahead_s=86_400, reason=refused), up)
    wrong = [alarm for alarm in found if alarm.kind is AlarmKind.CLOCK_WRONG]

    assert [(alarm.component, alarm.about_peer) for alarm in wrong] == [("cloud-edge", "office-edge")]
    assert wrong[0].interval.end_ns == at(30)
    assert "86400 s" in wrong[0].statement
    for told in (tunnel(0, ahead_s=60, reason=refused), tunnel(0, ahead_s=86_400, reason=DownReason.HOLD_TIMER)):
        assert AlarmKind.CLOCK_WRONG not in {alarm.kind for alarm in alarms(routine, told, up)}


def test_a_line_about_a_tunnel_without_its_peer_is_about_the_only_one_that_the_device_knows() -> None:
    def lost(*peers: str) -> str | None:
        lines = [log(-5, "cloud-edge", LogKind.ROUTINE, peer=peer) for peer in peers]
        lines.append(log(0, "cloud-edge", LogKind.SESSION_DOWN))
        (alarm,) = alarms(*(replace(line, protocol="ipsec") for line in lines))
        return alarm.about_peer

    assert lost("192.0.2.1", "192.0.2.1") == "office-edge"
    assert lost("192.0.2.1", "203.0.113.9") is None
    assert lost() is None


def test_a_process_is_down_until_it_is_up_and_a_fan_until_it_is_well() -> None:
    process, fan = alarms(
        log(0, "cloud-core", LogKind.PROCESS_DOWN),
        log(1, "cloud-core", LogKind.HARDWARE_FAULT),
        log(6, "cloud-core", LogKind.PROCESS_UP),
        log(8, "cloud-core", LogKind.HARDWARE_CLEARED),
    )
    assert (process.interval.end_ns, fan.interval.end_ns) == (at(6), at(8))


def test_a_restart_is_a_moment_not_a_state() -> None:
    (alarm,) = alarms(log(0, "cloud-core", LogKind.DEVICE_RESTARTED))
    assert 0 < alarm.interval.seconds < 60


def test_the_peer_of_a_session_is_found_by_address_else_behind_the_port() -> None:
    by_address = log(0, "cloud-edge", LogKind.SESSION_DOWN, peer="192.0.2.1")
    by_port = log(0, "cloud-edge", LogKind.SESSION_DOWN, interface="GE0/0/2")
    nobody = log(0, "cloud-edge", LogKind.SESSION_DOWN)

    assert session_peer(by_address, AROUND) == "office-edge"
    assert session_peer(by_port, AROUND) == "cloud-core"
    assert session_peer(nobody, AROUND) is None


def test_behind_a_switch_the_peer_of_a_routed_session_is_who_answers_there_and_of_a_bundle_the_switch() -> None:
    topology = network(
        [node("office-edge"), node("cable-switch", NodeKind.SWITCH), node("cloud-edge")],
        [join("office-edge GE0/0/1", "cable-switch 1"), join("cable-switch 2", "cloud-edge a")],
    )
    lost = log(0, "office-edge", LogKind.SESSION_DOWN, interface="GE0/0/1")

    assert session_peer(replace(lost, protocol="bfd"), surroundings(topology)) == "cloud-edge"
    assert session_peer(replace(lost, protocol="lacp"), surroundings(topology)) == "cable-switch"
    assert session_peer(replace(lost, protocol="oam"), surroundings(topology)) == "cable-switch"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, AlarmKind.SESSION_DOWN),
        (DownReason.HOLD_TIMER, AlarmKind.SESSION_DOWN),
        (DownReason.INTERFACE, AlarmKind.SESSION_DOWN),
        (DownReason.NOTIFICATION_RECEIVED, AlarmKind.SESSION_CLOSED_BY_PEER),
        (DownReason.PEER_CLOSED, AlarmKind.SESSION_CLOSED_BY_PEER),
        (DownReason.ADMIN_REMOTE, AlarmKind.SESSION_CLOSED_BY_PEER),
        (DownReason.ADMIN_LOCAL, AlarmKind.SESSION_ADMIN_DOWN),
        (DownReason.PREFIX_LIMIT, AlarmKind.PREFIX_LIMIT),
        (DownReason.AUTHENTICATION, AlarmKind.AUTHENTICATION_MISMATCH),
    ],
)
def test_why_a_session_went_down_tells_who_closed_it(reason: DownReason | None, expected: AlarmKind) -> None:
    (alarm,) = alarms(log(0, "cloud-edge", LogKind.SESSION_DOWN, peer="192.0.2.1", reason=reason))
    assert (alarm.kind, alarm.component, alarm.about_peer) == (expected, "cloud-edge", "office-edge")


def test_too_many_prefixes_are_told_of_the_end_whose_limit_they_passed_by_whichever_end_says_so() -> None:
    closed = log(1, "office-edge", LogKind.SESSION_DOWN, peer="192.0.2.2", reason=DownReason.PREFIX_LIMIT)
    received = replace(closed, text="NOTIFICATION received from 192.0.2.2: code 6 (Cease) subcode 1")
    passed = log(0, "cloud-edge", LogKind.PREFIX_LIMIT, peer="192.0.2.1")
    back = log(9, "office-edge", LogKind.SESSION_UP, peer="192.0.2.2")

    def told(*seen: LogEvent) -> list[tuple[str, str | None, int]]:
        found = [alarm for alarm in alarms(*seen) if alarm.reporter == "office-edge"]
        return [(alarm.component, alarm.about_peer, alarm.interval.end_ns) for alarm in found]

    assert told(received, back) == [("cloud-edge", "office-edge", at(9))]
    assert told(passed, closed, back) == [("cloud-edge", "office-edge", at(9))]
    assert told(closed, back) == [("office-edge", "cloud-edge", at(9))], "its own limit, for all that is known"
    own = log(0, "office-edge", LogKind.PREFIX_LIMIT, peer="192.0.2.2")
    assert told(own, closed)[-1][:2] == ("office-edge", "cloud-edge")


def test_a_session_comes_back_with_its_own_peer() -> None:
    (alarm,) = alarms(
        log(0, "cloud-edge", LogKind.SESSION_DOWN, peer="192.0.2.1", reason=DownReason.NOTIFICATION_RECEIVED),
        log(3, "cloud-edge", LogKind.SESSION_UP, peer="10.9.1.2"),
        log(7, "cloud-edge", LogKind.SESSION_UP, peer="192.0.2.1"),
    )
    assert alarm.interval.end_ns == at(7)


def test_an_icmp_error_is_the_word_of_the_router_that_sent_it() -> None:
    (alarm,) = packet_alarms(witness(WitnessKind.ICMP_UNREACHABLE, "10.9.1.2", "10.2.0.2"))

    assert (alarm.reporter, alarm.component, alarm.kind) == ("cloud-core", "cloud-core", AlarmKind.ROUTE_MISSING)
    assert alarm.interval.start_ns == at(5)
    assert "10.9.1.2" in alarm.statement


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (WitnessKind.ICMP_PROHIBITED, AlarmKind.FILTERED),
        (WitnessKind.ICMP_TOO_BIG, AlarmKind.PACKET_TOO_BIG),
    ],
)
def test_each_icmp_error_has_its_meaning(kind: WitnessKind, expected: AlarmKind) -> None:
    (alarm,) = packet_alarms(witness(kind, "10.9.1.2", "10.2.0.2"))
    assert (alarm.component, alarm.kind) == ("cloud-core", expected)


def test_a_time_exceeded_alone_is_no_alarm() -> None:
    """Every traceroute draws them."""
    assert packet_alarms(witness(WitnessKind.ICMP_TTL_EXCEEDED, "10.9.1.2", "10.2.0.2")) == []


def test_a_loop_is_of_the_routers_at_the_link_s_ends_and_of_those_at_which_packets_end() -> None:
    """Not of the router behind it, which the packets never reach."""
    going_round = replace(witness(WitnessKind.ROUTING_LOOP, None, "10.2.0.2"), device="cloud-edge", interface="GE0/0/2")
    found = packet_alarms(going_round, witness(WitnessKind.ICMP_TTL_EXCEEDED, "10.9.1.2", "10.2.0.2", "11/0"))
    assert {alarm.kind for alarm in found} == {AlarmKind.LOOP}
    assert [alarm.component for alarm in found] == ["cloud-edge", "cloud-core", "cloud-core"]

    in_vain = witness(WitnessKind.ICMP_TTL_EXCEEDED, "10.9.1.2", "10.2.0.2", "11/1")
    elsewhere = witness(WitnessKind.ICMP_TTL_EXCEEDED, "10.9.1.2", "10.1.0.2", "11/0")
    assert len(packet_alarms(going_round, in_vain, elsewhere)) == 2


def test_a_notification_that_the_hold_timer_ran_out_complains_of_its_receiver() -> None:
    (alarm,) = packet_alarms(witness(WitnessKind.BGP_NOTIFICATION, "192.0.2.2", "192.0.2.1", "4/0"))

    assert (alarm.reporter, alarm.kind, alarm.about_peer) == ("cloud-edge", AlarmKind.SESSION_DOWN, "office-edge")


def test_a_cease_is_the_sender_s_own_doing() -> None:
    (alarm,) = packet_alarms(witness(WitnessKind.BGP_NOTIFICATION, "192.0.2.2", "192.0.2.1", "6/8"))

    assert (alarm.kind, alarm.about_peer) == (AlarmKind.SESSION_CLOSED_BY_PEER, "cloud-edge")
    assert alarm.reporter == "office-edge"


@pytest.mark.parametrize("code", ["6/2", "6/3", "6/4", "6/6"])
def test_who_shuts_a_session_down_administratively_says_so_itself(code: str) -> None:
    closed, own = packet_alarms(witness(WitnessKind.BGP_NOTIFICATION, "192.0.2.2", "192.0.2.1", code))

    assert (closed.kind, closed.reporter) == (AlarmKind.SESSION_CLOSED_BY_PEER, "office-edge")
    assert (own.kind, own.reporter, own.component) == (AlarmKind.SESSION_ADMIN_DOWN, "cloud-edge", "cloud-edge")
    assert own.about_peer == "office-edge"


def denied(words: str) -> list[Alarm]:
    return alarms(replace(log(0, "cloud-edge", LogKind.TRAFFIC_DENIED), text=words))


def test_a_filter_that_drops_what_one_end_sends_the_other_is_told() -> None:
    (alarm,) = denied("Deny tcp src outside:10.1.0.2/40000 dst inside:10.2.0.2/443 by access-group")
    assert (alarm.component, alarm.kind) == ("cloud-edge", AlarmKind.FILTERED)


def test_what_a_filter_always_denies_is_told_once() -> None:
    """Some host asks the other for a port that was never open, all day long: that is no news when trouble begins."""
    words = "Deny udp src outside:10.1.0.2/137 dst inside:10.2.0.2/{port} by access-group"
    said = [log(second, "cloud-edge", LogKind.TRAFFIC_DENIED) for second in (0, 60, 90)]
    (alarm,) = alarms(*(replace(event, text=words.format(port=900 + place)) for place, event in enumerate(said)))
    assert alarm.interval.start_ns == at(0)


def test_a_filter_that_drops_what_strangers_send_does_its_work() -> None:
    assert denied("Deny tcp src outside:203.0.113.9/40000 dst inside:10.2.0.2/443 by access-group") == []
    assert denied("Deny icmp from 10.1.0.2") == []


def test_who_fell_silent_is_complained_of_by_who_waited() -> None:
    (alarm,) = packet_alarms(witness(WitnessKind.BGP_SILENT, "192.0.2.1", "192.0.2.2"))
    assert alarm.spoke_on
    assert (alarm.reporter, alarm.kind, alarm.about_peer) == ("cloud-edge", AlarmKind.SESSION_DOWN, "office-edge")


def test_whose_tcp_alone_answers_has_a_process_that_is_down_when_the_peer_gives_up() -> None:
    waited, still = packet_alarms(witness(WitnessKind.BGP_SILENT, "192.0.2.1", "192.0.2.2", TCP_ALONE))
    assert (waited.reporter, waited.kind, waited.about_peer) == ("cloud-edge", AlarmKind.SESSION_DOWN, "office-edge")
    assert (still.component, still.kind, still.interval.start_ns) == ("office-edge", AlarmKind.PROCESS_DOWN, at(9))


def test_who_gave_up_after_a_silence_that_was_seen_had_spoken_on() -> None:
    silent = witness(WitnessKind.BGP_SILENT, "192.0.2.1", "192.0.2.2")
    closed = replace(witness(WitnessKind.BGP_NOTIFICATION, "192.0.2.2", "192.0.2.1", "4/0"), time_ns=silent.end_ns)
    assert [alarm.spoke_on for alarm in packet_alarms(silent, closed)] == [True, True]
    assert [alarm.spoke_on for alarm in packet_alarms(closed)] == [False]


def test_who_sends_bfd_down_complains_of_the_other() -> None:
    (alarm,) = packet_alarms(witness(WitnessKind.BFD_DOWN, "192.0.2.2", "192.0.2.1"))
    assert (alarm.reporter, alarm.about_peer) == ("cloud-edge", "office-edge")


def test_a_session_between_strangers_is_left_out() -> None:
    assert packet_alarms(witness(WitnessKind.BGP_NOTIFICATION, "198.51.100.1", "192.0.2.1", "4/0")) == []


def test_a_host_that_answers_no_arp_is_silent_and_one_without_window_refuses() -> None:
    (silent,) = packet_alarms(witness(WitnessKind.ARP_UNANSWERED, "10.9.2.2", "10.2.0.2", device="cloud-gateway"))
    (refuses,) = packet_alarms(witness(WitnessKind.ZERO_WINDOW, "10.2.0.2", "10.1.0.2"))
    (flooded,) = packet_alarms(witness(WitnessKind.FLOOD, None, "10.2.0.2"))

    assert (silent.component, silent.kind) == ("cloud-host", AlarmKind.HOST_SILENT)
    assert (refuses.component, refuses.kind) == ("cloud-host", AlarmKind.HOST_REFUSES)
    assert (flooded.component, flooded.kind) == ("cloud-host", AlarmKind.ATTACK)


def test_strangers_that_fall_silent_are_nobody_s_fault() -> None:
    assert packet_alarms(witness(WitnessKind.ARP_UNANSWERED, "10.9.2.2", "198.51.100.1")) == []
    assert packet_alarms(witness(WitnessKind.FLOOD, "10.1.0.2", "198.51.100.1")) == []


def test_a_connection_collision_closes_no_session() -> None:
    """RFC 4271 §6.8: two connections were opened at once, and one of them is closed again."""
    assert packet_alarms(witness(WitnessKind.BGP_NOTIFICATION, "192.0.2.2", "192.0.2.1", "6/7")) == []


def told_of_the_end(*, closed: str = "6/8", second: float = 5.0) -> list[tuple[str, AlarmKind]]:
    """Who says what of a session that the office's edge closed, as a capture shows, though its log says the other did.
    """
    logged = alarms(
        log(second, "office-edge", LogKind.SESSION_DOWN, peer="192.0.2.2", reason=DownReason.PEER_CLOSED),
        log(second, "cloud-edge", LogKind.SESSION_DOWN, peer="192.0.2.1", reason=DownReason.NOTIFICATION_RECEIVED),
    )
    shown = packet_alarms(witness(WitnessKind.BGP_NOTIFICATION, "192.0.2.1", "192.0.2.2", closed))
    return [(alarm.reporter, alarm.kind) for alarm in without_echoes([*logged, *shown])]


def test_who_hung_up_is_who_packets_show_to_have_done_so_whatever_its_log_says() -> None:
    """Logs often name only how the connection ended, and of two closing at once each sees the other's end."""
    closed = AlarmKind.SESSION_CLOSED_BY_PEER
    assert told_of_the_end() == [("cloud-edge", closed), ("cloud-edge", closed)]
    earlier = told_of_the_end(second=1.0)
    assert ("office-edge", closed) in earlier


def test_who_hung_up_on_a_silent_peer_is_no_culprit() -> None:
    """The hold timer of the office's edge ran out, so that it closed the session, which the cloud's edge then logs."""
    kinds = {kind for reporter, kind in told_of_the_end(closed="4/0") if reporter == "cloud-edge"}
    assert kinds == set()


@pytest.mark.parametrize("kind", [WitnessKind.BFD_SILENT, WitnessKind.HELLO_LOST])
def test_whoever_waits_for_a_silent_neighbour_complains_of_it(kind: WitnessKind) -> None:
    (alarm,) = packet_alarms(witness(kind, "192.0.2.1", "192.0.2.2"))

    assert (alarm.reporter, alarm.kind, alarm.about_peer) == ("cloud-edge", AlarmKind.SESSION_DOWN, "office-edge")
    assert packet_alarms(witness(kind, "192.0.2.1", None)) == []


def test_a_device_that_stands_still_at_its_own_port_while_its_peer_speaks_on_is_out_of_reach() -> None:
    silent = witness(WitnessKind.BFD_SILENT, "192.0.2.2", "192.0.2.1")
    waiting, still = packet_alarms(silent)

    assert (waiting.reporter, waiting.kind, waiting.about_peer) == (
        "office-edge", AlarmKind.SESSION_DOWN, "cloud-edge",
    )  # fmt: skip
    assert (still.component, still.kind, still.about_peer) == ("cloud-edge", AlarmKind.DEVICE_UNREACHABLE, None)
    assert find_absences([silent], AROUND) == {("cloud-edge", "office-edge"): [Interval(at(5), at(9))]}
    elsewhere = replace(silent, device="office-edge")
    assert len(packet_alarms(elsewhere)) == 1
    assert find_absences([elsewhere], AROUND) == {}
    behind_a_cut_cable = replace(silent, kind=WitnessKind.HELLO_LOST)
    assert find_absences([behind_a_cut_cable], AROUND) == {}


def test_what_a_device_says_of_its_peer_after_it_stood_still_counts_for_nothing() -> None:
    absences = {("cloud-edge", "office-edge"): [Interval(at(5), at(9))]}

    def lost(second: float, device: str, peer: str) -> Alarm:
        (told,) = alarms(log(second, device, LogKind.SESSION_DOWN, peer=peer))
        return told

    back, later = (lost(second, "cloud-edge", "office-edge") for second in (9.5, 20))
    other = lost(9.5, "office-edge", "cloud-edge")
    assert without_absentees([back, later, other], absences) == [later, other]


def test_a_router_that_no_longer_names_its_neighbour_complains_of_it() -> None:
    (alarm,) = packet_alarms(witness(WitnessKind.NEIGHBOUR_LOST, "192.0.2.2", "192.0.2.1", "ospf"))

    assert (alarm.reporter, alarm.kind, alarm.about_peer) == ("cloud-edge", AlarmKind.SESSION_DOWN, "office-edge")


@pytest.mark.parametrize("code", ["expired", "defaulted", "silent"])
def test_a_lost_link_aggregation_partner_is_a_word_on_the_cable_of_the_capture(code: str) -> None:
    lost = replace(witness(WitnessKind.LACP_PARTNER_LOST, "02:00:00:00:00:0b", None, code), interface="GE0/0/2")
    (alarm,) = packet_alarms(lost)

    assert (alarm.reporter, alarm.component, alarm.kind) == (
        "cloud-edge",
        "cloud-core--cloud-edge",
        AlarmKind.INTERFACE_DOWN,
    )


def test_a_member_out_of_service_or_at_an_unknown_port_says_nothing_of_a_cable() -> None:
    lost = replace(witness(WitnessKind.LACP_PARTNER_LOST, None, None, "out_of_service"), interface="GE0/0/2")
    unknown = replace(witness(WitnessKind.LACP_PARTNER_LOST, None, None, "expired"), interface="GE9/9/9")

    assert packet_alarms(lost, unknown) == []


def test_a_server_that_refuses_connections_where_it_served_speaks_of_itself() -> None:
    refusing = replace(witness(WitnessKind.HANDSHAKE_FAILED, "10.2.0.2", "10.1.0.2", REFUSED_BY_ITSELF), count=3)
    (alarm,) = packet_alarms(refusing)
    assert (alarm.component, alarm.kind) == ("cloud-host", AlarmKind.HOST_REFUSES)

    assert packet_alarms(replace(refusing, count=2), replace(refusing, code="refused")) == []


@pytest.mark.parametrize("code", ["servfail", "refused"])
def test_a_name_server_that_cannot_resolve_speaks_of_itself(code: str) -> None:
    failing = replace(witness(WitnessKind.DNS_FAILED, "10.2.0.2", "10.1.0.2", code), count=3)
    (alarm,) = packet_alarms(failing)
    assert (alarm.component, alarm.kind) == ("cloud-host", AlarmKind.HOST_REFUSES)

    single = replace(failing, count=2)  # that name's trouble, perhaps
    stranger = replace(failing, sender="198.51.100.53")
    assert packet_alarms(single, stranger) == []


@pytest.mark.parametrize("code", ["unanswered", "nxdomain", "truncated"])
def test_a_question_without_answer_and_an_unknown_name_accuse_no_server(code: str) -> None:
    """What was lost on the way is counted as loss; that a name does not exist is the name's trouble."""
    assert packet_alarms(replace(witness(WitnessKind.DNS_FAILED, "10.2.0.2", "10.2.0.2", code), count=50)) == []


def test_only_an_internal_error_is_an_end_s_word_about_itself() -> None:
    (alarm,) = packet_alarms(witness(WitnessKind.TLS_ALERT, "10.2.0.2", "10.1.0.2", "2/80"))
    assert (alarm.component, alarm.kind) == ("cloud-host", AlarmKind.HOST_REFUSES)

    assert packet_alarms(witness(WitnessKind.TLS_ALERT, "10.2.0.2", "10.1.0.2", "2/40")) == []


def test_a_hello_without_answer_is_the_server_s_doing_only_at_the_server_itself() -> None:
    silent = witness(WitnessKind.TLS_UNANSWERED, "10.2.0.2", "10.1.0.2", "silent", device="cloud-host")
    (alarm,) = packet_alarms(silent)
    assert (alarm.component, alarm.kind) == ("cloud-host", AlarmKind.HOST_REFUSES)

    elsewhere = replace(silent, device="office-edge")
    assert packet_alarms(elsewhere, replace(silent, code="lost_beyond")) == []


@pytest.mark.parametrize(
    "kind",
    [
        WitnessKind.DHCP_FAILED,
        WitnessKind.QUIC_HANDSHAKE,
        WitnessKind.SPANNING_TREE_CHANGED,
        WitnessKind.REDUNDANCY_CHANGED,
        WitnessKind.LINK_STATE_PURGED,
    ],
)
def test_what_fits_no_alarm_is_shown_and_weighs_nothing(kind: WitnessKind) -> None:
    assert packet_alarms(witness(kind, "192.0.2.2", "192.0.2.1", "role")) == []


def between_points(passes: Callable[[int, int], bool]) -> list[Alarm]:
    """Packets of 200 and of 1500 octets every second, and whether each of those passed in that second."""
    counts = []
    for second in range(60):
        sizes = [size for size in (200, 1500) for _ in range(3)]
        lost = [size for size in sizes if not passes(second, size)]
        passed = [size for size in sizes if passes(second, size)]
        counts.append(
            PairCount(
                time_ns=at(second), end_ns=at(second + 1), origin=CAPTURE, locator=f"frame {second}",
                first=("cloud-edge", "GE0/0/1"), second=("cloud-core", "GE0/0/1"), second_file="captures/two.pcap",
                source="10.1.0.2", destination="10.2.0.2", protocol="tcp", sent=len(sizes), lost=len(lost),
                smallest_lost=min(lost, default=None), largest_passed=max(passed, default=None),
            )
        )  # fmt: skip
    return list(detect_size_limits(counts, AROUND))


def test_large_packets_that_all_vanish_between_two_captures_while_small_ones_pass_met_a_limit_of_size() -> None:
    (alarm,) = between_points(lambda second, size: size < 1000 or not 20 <= second < 40)
    assert (alarm.kind, alarm.component, alarm.about_peer) == (AlarmKind.PACKET_TOO_BIG, "cloud-edge", "cloud-host")
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(20), at(40))
    assert "of 1500 octets or more were lost, and none of 200 or less" in alarm.statement


@pytest.mark.parametrize(
    "passes",
    [
        pytest.param(lambda second, _size: not 20 <= second < 40, id="all are lost"),
        pytest.param(lambda second, size: size < 1000 or not 20 <= second < 40 or second % 5 == 0, id="some pass"),
        pytest.param(lambda _second, size: size < 1000, id="none ever passed"),
        pytest.param(lambda second, size: size < 1000 or not 20 <= second < 23, id="too few"),
    ],
)
def test_what_size_alone_does_not_tell_apart_is_no_limit_of_size(passes: Callable[[int, int], bool]) -> None:
    assert between_points(passes) == []
