"""Nodes and links of a JSON topology that hold nothing unusual, read without noting the place of every value.

A network of a hundred thousand links has a million values. Where an entry is as the incident bundle describes it, its
values are taken as they stand; for any other these functions answer None, and the entry is read value by value, which
gives an error its place. Both ways answer the same for what both accept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from ipaddress import IPv4Network

from attribution.model.topology import IpNetwork, Link, Node, NodeKind, Side, parse_network

SIDES = {side.value: side for side in Side}
KINDS = {kind.value: kind for kind in NodeKind}
_ADDRESS = re.compile(r"(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})", re.ASCII)


class _UnusualError(ValueError):
    """An entry holds something that has to be looked at more closely."""


def plain_node(entry: object) -> Node | None:
    """A node whose values are all of the usual kind, else None."""
    if not isinstance(entry, dict):
        return None
    try:
        return Node(
            id=_name(entry["id"]),
            side=SIDES[entry["side"]],
            kind=KINDS[entry["kind"]],
            operator=_text(entry.get("operator")),
            addresses=_addresses(entry.get("addresses")),
            region=_text(entry.get("region")),
            vendor=_text(entry.get("vendor")),
            model=_text(entry.get("model")),
            resource_ids=_texts(entry.get("resource_ids")),
        )
    except (KeyError, TypeError, ValueError):
        return None


def plain_link(entry: object, nodes: Mapping[str, Node]) -> Link | None:
    """A link between two known nodes whose values are all of the usual kind, else None."""
    if not isinstance(entry, dict):
        return None
    try:
        source, target = _name(entry["source"]), _name(entry["target"])
        sides = nodes[source].side, nodes[target].side
        if source == target:
            return None
        key, side = entry.get("key"), entry.get("side")
        return Link(
            source=source,
            target=target,
            key=_name(key) if key is not None else None,
            side=SIDES[side] if side is not None else sides[0] if sides[0] is sides[1] else None,
            interfaces=_interfaces(entry.get("interfaces"), source, target),
            capacity_bps=_capacity(entry.get("capacity_bps")),
            operator=_text(entry.get("operator")),
            resource_ids=_texts(entry.get("resource_ids")),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _name(data: object) -> str:
    if type(data) is str:
        name = data.strip()
        if name:
            return name
    elif type(data) is int:
        return str(data)
    raise _UnusualError


def _text(data: object) -> str | None:
    """A text that may be left out, or empty."""
    if data is None or data == "":
        return None
    if type(data) is str and not data.isspace():
        return data
    raise _UnusualError


def _texts(data: object) -> tuple[str, ...]:
    if data is None:
        return ()
    if type(data) is list and all(type(item) is str and item.strip() for item in data):
        return tuple(data)
    raise _UnusualError


def _addresses(data: object) -> tuple[IpNetwork, ...]:
    return tuple(_network(text.strip()) for text in _texts(data))


def _network(text: str) -> IpNetwork:
    """An address or prefix; a plain IPv4 address, of which there are most, is put together from its four numbers."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return parse_network(text)
    first, second, third, fourth = map(int, match.groups())
    if max(first, second, third, fourth) > 255:
        raise _UnusualError
    return IPv4Network((first << 24 | second << 16 | third << 8 | fourth, 32))


def _interfaces(data: object, source: str, target: str) -> dict[str, str]:
    if data is None:
        return {}
    if type(data) is not dict:
        raise _UnusualError
    for node, interface in data.items():
        if node not in (source, target) or type(interface) is not str or not interface.strip():
            raise _UnusualError
    return data


def _capacity(data: object) -> float | None:
    if data is None:
        return None
    if type(data) in (int, float) and isinstance(data, int | float) and 0 < data < math.inf:
        return float(data)
    raise _UnusualError
