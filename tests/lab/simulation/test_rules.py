"""Packet filters: the simulator understands the laboratory's rules as the kernel does, or says that it does not."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.errors import UsageError
from tests.lab.simulation.rules import Packet, RuleSet

NEAR, FAR = int(ipaddress.IPv4Address("192.168.7.20")), int(ipaddress.IPv4Address("172.16.9.30"))
ECHO = Packet("icmp", NEAR, FAR, 68)
LARGE_ECHO = Packet("icmp", NEAR, FAR, 1428)
SYN = Packet("tcp", NEAR, FAR, 60, 41000, 80)
KEEPALIVE = Packet("tcp", NEAR, FAR, 71, 179, 33000)


def _passed(rules: str, packet: Packet) -> float:
    ruleset = RuleSet()
    ruleset.load(f"table inet filter1 {{ chain forward {{ type filter hook forward priority 0; {rules} }} }}")
    return next(ruleset.chains()).passed(packet)


@pytest.mark.parametrize(("rules", "packet", "share"), [
    ("drop;", ECHO, 0.0),
    ("ip daddr 172.16.9.0/24 drop;", ECHO, 0.0),
    ("ip daddr 172.16.8.0/24 drop;", ECHO, 1.0),
    ("ip saddr 172.16.9.0/24 ip daddr 192.168.7.0/24 drop;", ECHO, 1.0),
    ("ip daddr != 172.16.9.0/24 drop;", ECHO, 1.0),
    ("ip daddr 172.16.9.0/24 ip protocol tcp drop;", ECHO, 1.0),
    ("ip daddr 172.16.9.0/24 ip protocol tcp drop;", SYN, 0.0),
    ("ip protocol { icmp, tcp, udp } drop;", SYN, 0.0),
    ("meta length > 1300 drop;", ECHO, 1.0),
    ("meta length > 1300 drop;", LARGE_ECHO, 0.0),
    ("numgen random mod 1000 < 250 drop;", ECHO, 0.75),
    ("tcp sport 179 accept; drop;", KEEPALIVE, 1.0),
    ("tcp sport 179 accept; drop;", SYN, 0.0),
    ("ip protocol ospf accept; tcp dport 80 numgen random mod 100 < 40 drop;", SYN, 0.6),
])
def test_a_filter_drops_the_share_that_the_kernel_would_drop(rules: str, packet: Packet, share: float) -> None:
    assert _passed(rules, packet) == pytest.approx(share)


@given(first=st.integers(0, 1000), second=st.integers(0, 1000))
def test_two_chances_to_be_lost_multiply(first: int, second: int) -> None:
    rules = f"numgen random mod 1000 < {first} drop; numgen random mod 1000 < {second} drop;"
    assert _passed(rules, ECHO) == pytest.approx((1 - first / 1000) * (1 - second / 1000))


def test_a_policy_of_dropping_spares_nothing() -> None:
    ruleset = RuleSet()
    ruleset.load("table netdev silence {\nchain ingresseth0 { type filter hook ingress device eth0 priority -500; "
                 "policy drop; }\n}\n")
    (chain,) = ruleset.chains()
    assert (chain.hook, chain.device, chain.passed(KEEPALIVE)) == ("ingress", "eth0", 0.0)


def test_a_rate_limit_drops_nothing_until_it_is_overstepped() -> None:
    ruleset = RuleSet()
    ruleset.load("""
        table netdev policeeth0 {
          counter dropped { }
          chain path { type filter hook ingress device eth0 priority 0;
            ip protocol { icmp, tcp } limit rate over 6250 bytes/second burst 6000 bytes counter name dropped drop; }
        }""")
    (chain,) = ruleset.chains()
    assert chain.counts_drops
    assert chain.passed(ECHO) == 1.0
    chain.rules[0].excess = lambda packet: 0.9 if packet.length > 1000 else 0.1
    assert chain.passed(LARGE_ECHO) == pytest.approx(0.1)
    assert chain.passed(ECHO) == pytest.approx(0.9)


def test_tables_and_chains_can_be_deleted() -> None:
    ruleset = RuleSet()
    ruleset.load("table netdev loss1 { chain path { type filter hook egress device eth0 priority 0; drop; } }")
    ruleset.load("table netdev loss2 { chain path { type filter hook egress device eth0 priority 0; drop; } }")
    ruleset.load("delete table netdev loss1\n")
    assert [chain.table for chain in ruleset.chains()] == ["loss2"]
    ruleset.load("delete chain netdev loss2 path\n")
    assert not list(ruleset.chains())


@pytest.mark.parametrize("rules", ["ct state new drop;", "ip ttl 1 drop;", "quota over 25 mbytes drop;"])
def test_a_rule_that_is_not_understood_is_refused(rules: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        _passed(rules, ECHO)
