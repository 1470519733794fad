"""What a typed command does to traffic, read from its own words by the rules in `rules/messages/commands.toml`.

The commands are those of IOS, NX-OS, IOS XR, EOS, VRP, Comware, Junos, SR OS, FRR and Linux; the rules say which
words mean what, this module unwraps shells, writes masks as prefix lengths and remembers the mode a command stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from attribution.errors import RuleError
from attribution.model.observation import CommandEffect, CommandEffectKind
from attribution.readers.message_rules import fields, rule_entries

_ON_INTERFACE = frozenset(
    {
        CommandEffectKind.INTERFACE_SHUTDOWN,
        CommandEffectKind.FILTER_ADDED,
        CommandEffectKind.RATE_LIMIT_SET,
        CommandEffectKind.ADDRESS_CHANGED,
        CommandEffectKind.VLAN_CHANGED,
        CommandEffectKind.MTU_CHANGED,
    }
)
EVERYWHERE = "0.0.0.0/0"
_UNTELLING = {CommandEffectKind.CONFIGURATION: 1, CommandEffectKind.HARMLESS: 2}
"""Kinds that give way to any other that stands in the same line."""
_WRAPPING = re.compile(
    r"^(?:!?exec:\s*|(?:do|sudo|nohup|time|env|nice)\s+|sudo\s+-\S+\s+|(?:/usr)?(?:/local)?/s?bin/(?=\w)"
    r"|ip\s+netns\s+exec\s+\S+\s+|nsenter\s+(?:-\S+\s+)*(?:--\s+)?|(?:ba|da)?sh\s+-l?c\s+|timeout\s+\S+\s+)"
)
_JOINED = re.compile(r"\s*(?:;|&&|\|\|)\s*")
_VTYSH = re.compile(r"^(?:/usr/bin/)?vtysh\b")
_VTYSH_COMMAND = re.compile(r"""\s-c\s+(?:"([^"]*)"|'([^']*)'|((?:(?!\s-c\s).)+))""")
"""The arguments of `vtysh -c … -c …`; sudo's log has taken their quotes away."""
_INTERFACE = re.compile(
    r"^(?:int\w*|edit interfaces)\s+(?:range\s+)?((?:\d+GE(?=\s*\d)|[A-Za-z][\w./:-]*)(?:\s*\d[\d./:]*)?)",
    re.IGNORECASE,
)
"""Huawei names ports by their speed: `interface 10GE1/0/24`."""
_PEER = re.compile(r"^neighbor\s+([0-9A-Fa-f.:]{3,})$")
_MODE = re.compile(
    r"^(?:(?:no|undo)\s+)?(?:(?:router|vlan|acl|(?:ip |ipv6 )?access-list|policy-map|class-map|class|route-map"
    r"|route-policy|line|vrf|qos policy|traffic (?:classifier|behavior|policy)|aaa|user-interface)\s.*"
    r"|(?:bgp|ospf|isis)(?:\s+\d+)?|system-view|return|exit|quit|end|abort|commit.*|configure.*|edit.*|top|up)$"
)
"""Commands that enter another mode or leave one: `ospf 1` opens a process, `ospf cost 10` is an interface's own."""

_PROTOCOL = re.compile(
    r"(?<!!)\s(?:-p|--protocol|protocol|l4proto|proto|deny|drop|reject)[\s=]+(tcp|udp|icmp(?:v6|6)?|igmp|gre|esp|ah|ospf|sctp)\b"
    r"|\s(tcp|udp)\s+[ds]port\b",
    re.IGNORECASE,
)
"""How a filter names the only protocol it drops: `-p tcp`, `deny udp any …`, `from protocol tcp`, `udp dport 53`."""


_NEXT_HOP = re.compile(
    r"(?:\b(?:via|next-hop|qualified-next-hop|gw) (?:inet6? )?"
    r"|^(?:ip|ipv6) route(?:-static)?(?: vrf \S+| vpn-instance \S+)?"
    r" [0-9A-Fa-f.:]+(?:/\d+| \d{1,3}(?:\.\d+\.\d+\.\d+)?) (?:[A-Za-z]\S* )?)"
    r"(?P<address>[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*)(?: |$)",
    re.IGNORECASE,
)
"""Where a route leads: `via 192.0.2.1`, `next-hop 192.0.2.1`, `ip route 10.1.0.0 255.255.255.0 192.0.2.1`."""
_ROUTES = frozenset({CommandEffectKind.ROUTE_CHANGED, CommandEffectKind.ROUTE_REMOVED})


@dataclass(frozen=True, slots=True)
class CommandRule:
    """One class of commands: its words, its effect, and whether it takes the effect back."""

    id: str
    kind: CommandEffectKind
    restores: bool
    pattern: re.Pattern[str]
    examples: tuple[str, ...]
    counterexamples: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class CommandMode:
    """Where in the configuration someone stands: at which interface, or at which neighbour of a routing process."""

    interface: str | None = None
    peer: str | None = None


NO_MODE = CommandMode()


def mode_after(command: str, mode: CommandMode) -> CommandMode:
    """An `interface` or `neighbor` command opens a mode that holds until another mode is entered or left."""
    interface = _INTERFACE.match(command)
    if interface is not None:
        return CommandMode(interface=re.sub(r"\s+", "", interface[1]))
    peer = _PEER.match(command)
    if peer is not None:
        return CommandMode(peer=peer[1])
    return NO_MODE if _MODE.match(command) else mode


def is_located(effect: CommandEffect | None) -> bool:
    """Whether the effect lies at the interface whose mode the command was typed in; a route's or process's does not."""
    return effect is None or effect.kind in _ON_INTERFACE or effect.kind is CommandEffectKind.CONFIGURATION


def effect_in_mode(effect: CommandEffect | None, mode: CommandMode) -> CommandEffect | None:
    """The effect with what the mode adds: `shutdown` at an interface shuts that, at a neighbour the session."""
    if effect is None or effect.kind not in _ON_INTERFACE:
        return effect
    if effect.kind is CommandEffectKind.INTERFACE_SHUTDOWN and effect.interface is None and mode.peer is not None:
        return replace(effect, kind=CommandEffectKind.NEIGHBOUR_SHUTDOWN, peer=mode.peer)
    if effect.interface is None and mode.interface is not None and effect.prefix is None:
        return replace(effect, interface=mode.interface)
    return effect


@lru_cache(maxsize=1024)
def classify_command(text: str) -> CommandEffect | None:
    """What the command does; None where no rule knows it. Of several in one line, the first that touches traffic."""
    effects = []
    mode = NO_MODE
    for command in _single_commands(text):
        mode = mode_after(command, mode)
        effect = effect_in_mode(_classify_one(command), mode)
        if effect is not None:
            effects.append(effect)
    return min(effects, key=lambda effect: _UNTELLING.get(effect.kind, 0), default=None)


def _single_commands(text: str) -> Iterator[str]:
    """`vtysh -c … -c …` and `sh -c 'a; b && c'` hold several commands; shells, sudo and namespaces only wrap one."""
    command = _unwrapped(text)
    if _VTYSH.match(command):
        inner = [next(filter(None, groups), "") for groups in _VTYSH_COMMAND.findall(command)]
        yield from inner or [command]
        return
    parts = _JOINED.split(command)
    if len(parts) > 1:
        for part in parts:
            yield from _single_commands(part)
    elif command:
        yield re.sub(r"\s+", " ", command)


def _unwrapped(text: str) -> str:
    """The command without what merely runs it, layer by layer: `sudo`, a shell, a path, quotes."""
    wrapped, command = "", text
    while wrapped != command:
        wrapped = command
        command = _WRAPPING.sub("", command.strip())
        if len(command) > 1 and command[0] in "\"'" and command[0] == command[-1]:
            command = command[1:-1]
    return command


def _classify_one(command: str) -> CommandEffect | None:
    for rule in command_rules():
        match = rule.pattern.search(command)
        if match is not None:
            effect = _effect(rule, fields(match))
            named = _PROTOCOL.search(f" {command}") if rule.kind is CommandEffectKind.FILTER_ADDED else None
            if named is not None:
                return replace(effect, protocol=(named[1] or named[2]).lower())
            hop = _NEXT_HOP.search(command) if rule.kind in _ROUTES else None
            return replace(effect, next_hop=hop["address"]) if hop is not None else effect
    return None


def _effect(rule: CommandRule, found: dict[str, str]) -> CommandEffect:
    interface = found.get("interface")
    return CommandEffect(
        kind=rule.kind,
        restores=rule.restores,
        interface=re.sub(r"\s+", "", interface) if interface else None,
        prefix=_narrower(
            _prefix(found.get("prefix"), found.get("mask")), _prefix(found.get("source"), found.get("sourcemask"))
        ),
        peer=found.get("peer"),
        process=found.get("process"),
    )


def _narrower(destination: str | None, source: str | None) -> str | None:
    """A filter that names only where packets come from hits the answers to them: then the source tells whom it hits."""
    return source if source is not None and destination in (None, EVERYWHERE) else destination


def _prefix(address: str | None, mask: str | None) -> str | None:
    """Address and mask, wildcard or length as CIDR: `10.1.0.0`, `0.0.255.255` is 10.1.0.0/16; None where it is none."""
    if address is None:
        return None
    if address in ("default", "any", "all"):
        return EVERYWHERE
    text = address if "/" in address or not mask else f"{address}/{_length(address, mask)}"
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        return None


def _length(address: str, mask: str) -> str:
    """A wildcard is a mask turned over; `0` alone is Huawei's short form of the wildcard 0.0.0.0, one host."""
    if mask in ("0", "0.0.0.0") and address != "0.0.0.0":
        return "32"
    if mask.isdigit():
        return mask
    try:
        first = int(ip_address(mask)) >> 24
    except ValueError:
        return mask
    if first in (0, 255) or first & 1 == 0:
        return mask
    return str(32 - int(ip_address(mask)).bit_length())


@cache
def command_rules() -> tuple[CommandRule, ...]:
    """All classes of command, in the order in which they are tried."""
    return tuple(_read_rule(entry) for entry in rule_entries("commands.toml", "command"))


def _read_rule(entry: dict[str, Any]) -> CommandRule:
    try:
        return CommandRule(
            id=entry["id"],
            kind=CommandEffectKind(entry["kind"]),
            restores=bool(entry.get("restores", False)),
            pattern=re.compile(entry["pattern"], re.IGNORECASE),
            examples=tuple(entry["example"]),
            counterexamples=tuple(entry.get("counterexample", ())),
            source=entry["source"],
        )
    except (KeyError, ValueError, re.error) as error:
        place = f"rules/messages/commands.toml [{entry.get('id', '?')}]"
        raise RuleError(place, f"found {error!r}", "expected id, kind, pattern, source and example") from error
