"""The laboratory's packet filters, read as the kernel would read them and applied to kinds of packets.

Scenarios write nftables rules; the simulator takes the same text, so that what a scenario does to the real network is
what it does to the calculated one. What is not understood is refused, never ignored.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from tests.lab.errors import UsageError

_TOKEN = re.compile(r"[{};\n]|[^\s{};,]+")


class Packet(NamedTuple):
    """A kind of packet: all that filters and routes may ask of it."""

    protocol: str
    source: int
    destination: int
    length: int
    source_port: int = 0
    destination_port: int = 0
    opening: bool = False
    """Whether it opens a TCP connection: SYN without ACK."""


Shaper = Callable[[Packet], float]
"""The share of a kind of packet that finds no room in a rate."""


@dataclass(slots=True, eq=False)
class Rule:
    """One rule: what it matches, and what becomes of it."""

    matches: tuple[Callable[[Packet], bool], ...]
    share: float
    verdict: str
    octets_per_second: float | None = None
    burst_octets: float = 0.0
    counted: bool = False
    excess: Shaper | None = None
    """Set while the rate is overstepped: the share of packets that is beyond it."""

    def matched(self, packet: Packet) -> float:
        """The share of such packets that the rule applies to."""
        for match in self.matches:
            if not match(packet):
                return 0.0
        if self.octets_per_second is not None:
            return self.share * self.excess(packet) if self.excess is not None else 0.0
        return self.share


@dataclass(slots=True, eq=False)
class Chain:
    """The rules at one place of a packet's way."""

    table: str
    hook: str
    device: str
    drops_by_default: bool = False
    rules: list[Rule] = field(default_factory=list)

    def passed(self, packet: Packet) -> float:
        """The share of such packets that gets through."""
        left, accepted = 1.0, 0.0
        for rule in self.rules:
            share = left * rule.matched(packet)
            if share and rule.verdict:
                left -= share
                accepted += share if rule.verdict == "accept" else 0.0
                if left <= 1e-12:
                    break
        return accepted if self.drops_by_default else accepted + left

    @property
    def counts_drops(self) -> bool:
        """Whether a named counter tells what was dropped here."""
        return any(rule.counted for rule in self.rules)


@dataclass(slots=True)
class RuleSet:
    """All filters of one namespace, by the name of their table."""

    tables: dict[tuple[str, str], dict[str, Chain]] = field(default_factory=dict)

    def load(self, text: str) -> None:
        """Do what a text of rules says: add tables, or delete tables and chains."""
        tokens = _TOKEN.findall(text)
        place = 0
        while place < len(tokens):
            token = tokens[place]
            if token in ("\n", ";"):
                place += 1
            elif token == "delete":
                place = self._delete(tokens, place + 1)
            elif token == "table":
                place = self._table(tokens, place + 1)
            else:
                raise _not_understood(token, "table or delete")

    def chains(self) -> Iterator[Chain]:
        """Every chain there is."""
        for chains in self.tables.values():
            yield from chains.values()

    def _delete(self, tokens: list[str], place: int) -> int:
        what, family, name = tokens[place : place + 3]
        if what == "table":
            self.tables.pop((family, name), None)
            return place + 3
        if what == "chain":
            self.tables.get((family, name), {}).pop(tokens[place + 3], None)
            return place + 4
        raise _not_understood(what, "table or chain after delete")

    def _table(self, tokens: list[str], place: int) -> int:
        family, name = tokens[place], tokens[place + 1]
        table = self.tables.setdefault((family, name), {})
        place += 3  # the brace as well
        while tokens[place] != "}":
            if tokens[place] in ("\n", ";"):
                place += 1
            elif tokens[place] == "counter":
                place = tokens.index("}", place) + 1
            elif tokens[place] == "chain":
                label = tokens[place + 1]
                chain, place = _chain(name, tokens, place + 3)
                table[label] = chain
            else:
                raise _not_understood(tokens[place], "chain or counter in a table")
        return place + 1


def _chain(table: str, tokens: list[str], place: int) -> tuple[Chain, int]:
    """The statements up to the closing brace of a chain."""
    chain = Chain(table, "", "")
    statement: list[str] = []
    depth = 0
    while True:
        token = tokens[place]
        place += 1
        if token == "{":
            depth += 1
            statement.append(token)
        elif token == "}" and depth:
            depth -= 1
            statement.append(token)
        elif token in (";", "\n", "}"):
            if token == "\n" and depth:
                continue
            _take(chain, statement)
            statement = []
            if token == "}":
                return chain, place
        else:
            statement.append(token)


def _take(chain: Chain, words: list[str]) -> None:
    """One statement: the hook of the chain, its policy, or a rule."""
    if not words:
        return
    if words[0] == "type":
        chain.hook = words[words.index("hook") + 1]
        chain.device = words[words.index("device") + 1] if "device" in words else ""
    elif words[0] == "policy":
        chain.drops_by_default = words[1] == "drop"
    else:
        chain.rules.append(_rule(words))


def _rule(words: list[str]) -> Rule:
    """One rule, word by word."""
    matches: list[Callable[[Packet], bool]] = []
    rule = Rule((), 1.0, "")
    place = 0
    while place < len(words):
        head, rest = words[place], words[place + 1 :]
        if head in ("drop", "reject", "accept"):
            rule.verdict = "accept" if head == "accept" else "drop"
            place += 1
        elif head == "counter":
            named = bool(rest) and rest[0] == "name"
            rule.counted = named
            place += 3 if named else 1
        elif head == "numgen" and rest[:2] == ["random", "mod"] and rest[3] == "<":
            rule.share *= int(rest[4]) / int(rest[2])
            place += 6
        elif head == "limit" and rest[:2] == ["rate", "over"]:
            rule.octets_per_second, rule.burst_octets = float(rest[2]), float(rest[5])
            place += 8
        elif head == "meta" and rest[0] == "priority":
            place += 4
        elif head in ("ip", "tcp", "udp", "icmp", "meta"):
            match, taken = _match(head, rest)
            matches.append(match)
            place += 1 + taken
        else:
            raise _not_understood(" ".join(words), "rules that the simulator knows")
    rule.matches = tuple(matches)
    return rule


def _match(head: str, rest: list[str]) -> tuple[Callable[[Packet], bool], int]:
    """One condition, and how many words it took after its head."""
    what = rest[0]
    place, negated, comparison = 1, False, "=="
    if rest[place] in ("<", ">", "<=", ">=", "==", "!="):
        comparison = rest[place]
        negated = comparison == "!="
        place += 1
    if rest[place] == "{":
        end = rest.index("}", place)
        values = tuple(rest[place + 1 : end])
        place = end + 1
    else:
        values = (rest[place],)
        place += 1
        if what == "flags" and rest[place : place + 1] == ["/"]:  # the mask: flags that are looked at
            place += 1
            while rest[place] in ("syn", "ack", "rst", "fin"):
                place += 1
    test = _test(head, what, values, comparison)
    return ((lambda packet: not test(packet)) if negated else test), place


def _test(head: str, what: str, values: tuple[str, ...], comparison: str) -> Callable[[Packet], bool]:
    """A condition on one field of a packet."""
    if (head, what) == ("ip", "protocol"):
        return lambda packet: packet.protocol in values
    if (head, what) in (("meta", "length"), ("ip", "length")):
        bound = int(values[0])
        return {
            ">": lambda packet: packet.length > bound, ">=": lambda packet: packet.length >= bound,
            "<": lambda packet: packet.length < bound, "<=": lambda packet: packet.length <= bound,
        }.get(comparison, lambda packet: packet.length == bound)
    if (head, what) == ("tcp", "flags"):
        return lambda packet: packet.opening and "syn" in values
    if head == "meta" and what == "l4proto":
        return lambda packet: packet.protocol in values
    if head == "ip" and what in ("saddr", "daddr"):
        ranges = tuple(span(value) for value in values)
        if what == "saddr":
            return lambda packet: any(low <= packet.source <= high for low, high in ranges)
        return lambda packet: any(low <= packet.destination <= high for low, high in ranges)
    if head in ("tcp", "udp") and what in ("sport", "dport"):
        ports = tuple(_port_range(value) for value in values)
        if what == "sport":
            return lambda packet: packet.protocol == head and any(
                low <= packet.source_port <= high for low, high in ports)
        return lambda packet: packet.protocol == head and any(
            low <= packet.destination_port <= high for low, high in ports)
    raise _not_understood(f"{head} {what}", "conditions that the simulator knows")


def _port_range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    return int(low), int(high or low)


@lru_cache(maxsize=4096)
def span(prefix: str) -> tuple[int, int]:
    """The first and last address of a prefix, as numbers."""
    network = ipaddress.IPv4Network(prefix, strict=False)
    return int(network.network_address), int(network.broadcast_address)


def _not_understood(found: str, expected: str) -> UsageError:
    return UsageError(f"packet filter: {found!r}; expected {expected}")
