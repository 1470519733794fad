"""The few packets that a claim rests on, taken apart by scapy: every layer and every field.

Scapy is an extra of its own (`pip install 'attribution[packets]'`), loaded only here and only when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final

from attribution.errors import AttributionError
from attribution.packets.frames import Frame

EXTRA: Final = "pip install 'attribution[packets]'"
# Scapy knows these once they are loaded; loading binds them to the ports and types that they belong to.
_ROUTING_PROTOCOLS: Final = ("bgp", "ospf", "bfd", "lacp", "lldp", "isis", "mpls", "geneve", "gtp", "erspan")
_OCTETS_A_LINE: Final = 16


def load_dissector() -> Callable[[Frame], list[str]]:
    """The function that takes a frame apart, in lines of text.

    Raises AttributionError where scapy is not installed.
    """
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)  # what it lacks on this machine is of no concern here
    try:
        scapy = import_module("scapy.all")
    except ImportError:
        raise AttributionError(
            "capture show", "scapy, which takes packets apart, is not installed",
            f"expected it from: {EXTRA} (--hex shows the octets without it)",
        ) from None  # fmt: skip
    for name in _ROUTING_PROTOCOLS:
        import_module(f"scapy.contrib.{name}")

    def dissect(frame: Frame) -> list[str]:
        return _dissect(scapy, frame)

    return dissect


def _dissect(scapy: Any, frame: Frame) -> list[str]:
    """Scapy's account of a frame; what it does not know or cannot read is left in octets."""
    known = scapy.conf.l2types
    try:
        layer = known.num2layer[frame.link_type]
    except KeyError:
        return [f"link type {frame.link_type} is not known to scapy"]
    try:
        text: str = layer(frame.octets).show(dump=True)
    except Exception as error:  # scapy trusts lengths and types of a packet that may be cut or damaged
        return [f"scapy cannot take this packet apart ({type(error).__name__}: {error})"]
    return [line for line in text.splitlines() if line.strip()]


def hex_lines(octets: bytes) -> Iterator[str]:
    """Offset, octets and the text among them, sixteen octets a line."""
    for start in range(0, len(octets), _OCTETS_A_LINE):
        part = octets[start : start + _OCTETS_A_LINE]
        pairs = f"{part[:8].hex(' ')}  {part[8:].hex(' ')}"
        text = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in part)
        yield f"{start:04x}  {pairs:<48}  {text}"
