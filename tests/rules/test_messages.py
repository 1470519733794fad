"""Each rule about a vendor's message or command proves itself by its examples, and no two contradict each other."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from attribution.model.observation import CommandEffectKind, DownReason, LogKind
from attribution.readers.commands import CommandRule, classify_command, command_rules
from attribution.readers.log_severity import is_grave, severity_rules, stated_severity
from attribution.readers.message_rules import (
    MessageRule,
    meanings,
    message_rules,
    pattern_of,
    read_rule_file,
    reason_families,
    understand,
    words,
)

RULES = pytest.mark.parametrize("rule", message_rules(), ids=lambda rule: rule.id)
COMMANDS = pytest.mark.parametrize("rule", command_rules(), ids=lambda rule: rule.id)


@RULES
def test_a_rule_understands_its_examples_and_leaves_its_counterexamples(rule: MessageRule) -> None:
    for example in rule.examples:
        meaning = understand(example)
        assert meaning is not None
        assert meaning.rule == rule.id
    for counterexample in rule.counterexamples:
        assert rule.id not in [meaning.rule for meaning in meanings(counterexample)]


@RULES
def test_a_rule_states_its_source_an_example_and_a_counterexample(rule: MessageRule) -> None:
    assert rule.source
    assert rule.examples
    assert rule.counterexamples


@RULES
def test_every_word_of_a_rule_stands_in_one_of_its_examples(rule: MessageRule) -> None:
    standing = set().union(*(words(example) for example in rule.examples))
    assert set(rule.words) <= standing


@RULES
def test_every_named_group_is_filled_by_an_example(rule: MessageRule) -> None:
    pattern = pattern_of(rule)
    filled = {
        name
        for example in rule.examples
        if (match := pattern.search(example)) is not None
        for name, value in match.groupdict().items()
        if value
    }
    assert set(pattern.groupindex) == filled


def test_no_line_of_any_rule_has_two_meanings() -> None:
    lines = [line for rule in message_rules() for line in (*rule.examples, *rule.counterexamples)]
    contradictory = {line for line in lines if len({meaning.kind for meaning in meanings(line)}) > 1}
    assert contradictory == set()


def test_names_are_unique() -> None:
    names = Counter(rule.id for rule in message_rules()) + Counter(rule.id for rule in command_rules())
    assert [name for name, count in names.items() if count > 1] == []


@COMMANDS
def test_a_command_rule_decides_on_its_examples_and_leaves_its_counterexamples(rule: CommandRule) -> None:
    assert rule.source
    for example in rule.examples:
        effect = classify_command(example)
        assert effect is not None
        assert (effect.kind, effect.restores) == (rule.kind, rule.restores)
        assert next(other for other in command_rules() if other.pattern.search(example)) is rule
    for counterexample in rule.counterexamples:
        first = next((other for other in command_rules() if other.pattern.search(counterexample)), None)
        assert first is not rule


@pytest.mark.parametrize("family", read_rule_file("reasons.toml"))
def test_reasons_are_told_by_their_examples(family: str) -> None:
    for entry in read_rule_file("reasons.toml")[family]:
        for example in entry["example"]:
            told = next((reason for reason, pattern in reason_families()[family] if pattern.search(example)), None)
            assert (example, told) == (example, DownReason(entry["reason"]))


@pytest.mark.parametrize("form", read_rule_file("severity.toml")["form"], ids=lambda form: str(form["pattern"])[:30])
def test_severities_are_told_by_their_examples(form: dict[str, Any]) -> None:
    assert form["example"]
    for example, severity in form["example"].items():
        found = next(pattern for pattern in severity_rules().forms if pattern.search(example))
        assert (found.pattern, stated_severity(example)) == (form["pattern"], severity)


def test_words_of_trouble_are_told_by_their_examples() -> None:
    grave = read_rule_file("severity.toml")["grave"]
    assert all(is_grave(example) for example in grave["example"])
    assert not any(is_grave(example) for example in grave["counterexample"])


COLLECTED = tomllib.loads(Path(__file__).with_name("collected_messages.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", COLLECTED["collected"], ids=lambda entry: f"{entry['pattern']}-{entry['line'][:40]}")
def test_the_collected_patterns_are_understood(entry: dict[str, str]) -> None:
    meaning = understand(entry["line"])
    assert meaning is not None
    assert meaning.kind is LogKind(entry["kind"])


def test_none_of_the_collected_patterns_is_missing() -> None:
    assert {entry["pattern"] for entry in COLLECTED["collected"]} == set(range(1, 63))


FRR_REASONS: dict[DownReason | None, tuple[str, ...]] = {
    # peer_down_str of FRRouting's bgpd/bgp_fsm.c, whole.
    DownReason.ADMIN_LOCAL: (
        "Router ID changed", "Remote AS changed", "Local AS change", "Cluster ID changed",
        "Confederation identifier changed", "Confederation peer changed", "RR client config change",
        "RS client config change", "Update source change", "Address family activated", "Admin. shutdown", "User reset",
        "Neighbor deleted", "Peer-group add member", "Peer-group delete member", "Capability changed",
        "Passive config change", "Multihop config change", "Intf peering v6only config change",
        "AS Set config change", "Password config change", "Suppress Fib Turned On or Off",
    ),
    DownReason.NOTIFICATION_RECEIVED: ("BGP Notification received",),
    DownReason.NOTIFICATION_SENT: ("BGP Notification send",),
    DownReason.PEER_CLOSED: ("Peer closed the session", "NSF peer closed the session", "Socket Error"),
    DownReason.DETECTION: ("BFD down received", "BFD down initiated"),
    DownReason.INTERFACE: (
        "Interface down", "Neighbor address lost", "No path to specified Neighbor", "Waiting for NHT",
    ),
    DownReason.PREFIX_LIMIT: ("Reached received prefix count",),
    DownReason.PROTECTION: ("Admin. shutdown (RTT)",),
    DownReason.PARAMETERS: ("No AFI/SAFI activated for peer",),
    None: ("", "Waiting for Peer IPv6 LLA", "Waiting for VRF to be initialized", "Waiting for peer OPEN"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "text"), [(reason, text) for reason, texts in FRR_REASONS.items() for text in texts]
)
def test_frr_says_why_a_session_went_down(reason: DownReason | None, text: str) -> None:
    meaning = understand(f"BGP: [PXVXG-TFNNT] %ADJCHANGE: neighbor 172.24.105.2(ce1) in vrf default Down {text}")
    assert meaning is not None
    assert (meaning.kind, meaning.peer, meaning.reason) == (LogKind.SESSION_DOWN, "172.24.105.2", reason)


@pytest.mark.parametrize("entry", COLLECTED["why"], ids=lambda entry: entry["line"][:60])
def test_why_a_session_went_down(entry: dict[str, str]) -> None:
    meaning = understand(entry["line"])
    assert meaning is not None
    assert (meaning.kind, meaning.reason) == (LogKind.SESSION_DOWN, entry.get("reason"))


@pytest.mark.parametrize("entry", COLLECTED["said"], ids=lambda entry: entry["line"][:60])
def test_what_a_message_says_of_which_port_or_peer(entry: dict[str, str]) -> None:
    meaning = understand(entry["line"])
    assert meaning is not None
    told = {"kind": meaning.kind, "interface": meaning.interface, "peer": meaning.peer, "reason": meaning.reason}
    assert told == {name: entry.get(name) for name in told}


@pytest.mark.parametrize("line", COLLECTED["harmless"]["lines"], ids=lambda line: line[:60])
def test_what_sounds_like_trouble_and_is_none(line: str) -> None:
    assert {meaning.kind for meaning in meanings(line)} <= {LogKind.ROUTINE}


@pytest.mark.parametrize(
    ("line", "user"),
    [
        ("%SYS-5-RELOAD: Reload requested by mhall on vty0 (10.1.0.5). Reload Reason: Reload Command.", "mhall"),
        ("%SYS-5-RELOAD: Reload requested by console. Reload Reason: Reload Command.", "console"),
        ("%SYS-5-RELOAD: Reload requested by Delayed Reload. Reload Reason: Reload Command.", None),
        ("%SYS-5-RELOAD: Reload requested by kernel. Reload Reason: Critical process fault.", None),
        ("mgd[3046]: UI_REBOOT_EVENT: System rebooted by 'mhall'", "mhall"),
        ("%%01CMD/4/REBOOT(l)[32]:The user chose Y when deciding whether to reboot. (Task=VT0, User=mhall)", "mhall"),
        ("%%10DEV/5/SYSTEM_REBOOT: System is rebooting now.", None),
        ("%ASA-5-199006: Orderly reload started at 01:02:03 UTC Mon Nov 23 2026 by mhall. Reload reason: x", "mhall"),
        ("kernel: reboot: Restarting system", None),
    ],
)
def test_who_asked_for_a_restart(line: str, user: str | None) -> None:
    meaning = understand(line)
    assert meaning is not None
    assert (meaning.kind, meaning.user) == (LogKind.RELOAD_REQUESTED, user)


NULL_ROUTE, FILTER = CommandEffectKind.NULL_ROUTE_ADDED, CommandEffectKind.FILTER_ADDED


@pytest.mark.parametrize(
    ("command", "kind", "restores", "prefix"),
    [
        ("ip route 10.1.0.0 255.255.0.0 Null0", NULL_ROUTE, False, "10.1.0.0/16"),
        ("ip route-static 10.1.0.0 16 NULL0", NULL_ROUTE, False, "10.1.0.0/16"),
        ("/usr/sbin/ip route add blackhole 10.1.2.3", NULL_ROUTE, False, "10.1.2.3/32"),
        ("ip -6 route add blackhole 2001:db8::/32", NULL_ROUTE, False, "2001:db8::/32"),
        ("ip route del blackhole 10.1.0.0/16", NULL_ROUTE, True, "10.1.0.0/16"),
        ("vtysh -c 'conf t' -c 'ip route 10.1.0.0/16 Null0'", NULL_ROUTE, False, "10.1.0.0/16"),
        ("/usr/bin/vtysh -c configure terminal -c ip route 10.1.0.0/16 blackhole", NULL_ROUTE, False, "10.1.0.0/16"),
        ("access-list 101 deny ip 10.2.0.0 0.0.255.255 any", FILTER, False, "10.2.0.0/16"),
        ("rule 5 deny ip destination 10.1.2.3 0", FILTER, False, "10.1.2.3/32"),
        ("sh -c 'iptables -A FORWARD -d 10.1.0.0/16 -j DROP'", FILTER, False, "10.1.0.0/16"),
        ("ip netns exec ce1 iptables -D FORWARD -d 10.1.0.0/16 -j DROP", FILTER, True, "10.1.0.0/16"),
        ("no ip route 0.0.0.0 0.0.0.0 192.0.2.1", CommandEffectKind.ROUTE_REMOVED, False, "0.0.0.0/0"),
        ("configure terminal ; interface Ethernet1/1 ; shutdown", CommandEffectKind.INTERFACE_SHUTDOWN, False, None),
        ("systemctl stop frr.service", CommandEffectKind.PROCESS_STOPPED, False, None),
        ("no router bgp 65001", CommandEffectKind.PROCESS_STOPPED, False, None),
        ("router bgp 65001", CommandEffectKind.CONFIGURATION, False, None),
        ("show running-config", CommandEffectKind.HARMLESS, False, None),
    ],
)  # fmt: skip
def test_what_a_command_does_and_to_whom(
    command: str, kind: CommandEffectKind, restores: bool, prefix: str | None
) -> None:
    effect = classify_command(command)
    assert effect is not None
    assert (effect.kind, effect.restores, effect.prefix) == (kind, restores, prefix)


@pytest.mark.parametrize(
    ("command", "prefix", "next_hop"),
    [
        ("/usr/sbin/ip route replace 10.1.0.0/24 via 198.51.100.2", "10.1.0.0/24", "198.51.100.2"),
        ("ip -6 route add 2001:db8::/32 via 2001:db8:1::1 dev eth0", "2001:db8::/32", "2001:db8:1::1"),
        ("ip route 10.1.0.0 255.255.255.0 192.0.2.1", "10.1.0.0/24", "192.0.2.1"),
        ("ip route vrf CUST 10.1.0.0 255.255.255.0 GigabitEthernet0/1 192.0.2.1 20", "10.1.0.0/24", "192.0.2.1"),
        ("ip route 10.1.0.0/24 192.0.2.1", "10.1.0.0/24", "192.0.2.1"),
        ("ip route-static 10.1.0.0 24 192.0.2.1 preference 10", "10.1.0.0/24", "192.0.2.1"),
        ("set routing-options static route 10.1.0.0/24 next-hop 192.0.2.1", "10.1.0.0/24", "192.0.2.1"),
        ("route add -net 10.1.0.0 netmask 255.255.255.0 gw 192.0.2.1", "10.1.0.0/24", "192.0.2.1"),
        ("ip route 10.1.0.0 255.255.255.0 Null0", "10.1.0.0/24", None),
        ("ip route replace 10.1.0.0/24 dev eth1", "10.1.0.0/24", None),
    ],
)
def test_where_a_route_leads(command: str, prefix: str, next_hop: str | None) -> None:
    effect = classify_command(command)
    assert effect is not None
    assert (effect.prefix, effect.next_hop) == (prefix, next_hop)


def test_an_unknown_command_has_no_known_effect() -> None:
    assert classify_command("frobnicate the wombat") is None
    assert classify_command("") is None


@pytest.mark.parametrize(
    ("command", "protocol"),
    [
        ("iptables -I FORWARD -p tcp -d 172.16.56.0/24 -j DROP", "tcp"),
        ("iptables -I FORWARD -d 172.16.56.0/24 -j DROP", None),
        ("iptables -A FORWARD ! -p tcp -d 172.16.56.0/24 -j DROP", None),
        ("nft add rule inet filter forward udp dport 53 drop", "udp"),
        ("nft add rule inet filter forward ip daddr 10.1.0.0/24 drop", None),
        ("access-list 101 deny icmp any 10.1.0.0 0.0.0.255", "icmp"),
        ("access-list 101 deny ip any 10.1.0.0 0.0.0.255", None),
        ("rule 5 deny tcp destination 10.1.0.0/24", "tcp"),
        ("set firewall family inet filter BLOCK term 1 from protocol udp then discard", "udp"),
        ("ip access-group BLOCK in", None),
    ],
)
def test_which_protocol_alone_a_filter_drops(command: str, protocol: str | None) -> None:
    effect = classify_command(command)
    assert effect is not None
    assert (effect.kind, effect.protocol) == (CommandEffectKind.FILTER_ADDED, protocol)
