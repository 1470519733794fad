"""Packet captures: what was seen where, and what that says of the network.

For incidents: `observe_point` tells what one capture point witnessed, `compare_captures` and (of any size)
`compare_points` what was lost between several; `read_capture` turns a pcap or pcapng file into rows of columns. For
the command line: `summarise_capture` and `summarise_points` (any size). All are pure functions of streams or octets.

For a notebook: `read` gives a pandas table of packets, `analyse` the figures of a capture, `compare` those of several;
they take a path, octets or a stream. Nothing heavy is imported until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attribution.packets.api import analyse, compare, read
    from attribution.packets.capture import Capture, read_capture
    from attribution.packets.comparison import compare_captures, summarise_comparison
    from attribution.packets.interfaces import interface_names
    from attribution.packets.observe import observe_capture, observe_point
    from attribution.packets.points import compare_points, summarise_points
    from attribution.packets.quoting import quote_frames
    from attribution.packets.summary import summarise_capture

_HOMES = {
    "Capture": "attribution.packets.capture",
    "read_capture": "attribution.packets.capture",
    "interface_names": "attribution.packets.interfaces",
    "observe_capture": "attribution.packets.observe",
    "observe_point": "attribution.packets.observe",
    "compare_points": "attribution.packets.points",
    "quote_frames": "attribution.packets.quoting",
    "compare_captures": "attribution.packets.comparison",
    "summarise_capture": "attribution.packets.summary",
    "summarise_comparison": "attribution.packets.comparison",
    "summarise_points": "attribution.packets.points",
    "analyse": "attribution.packets.api",
    "compare": "attribution.packets.api",
    "read": "attribution.packets.api",
}

__all__ = [
    "Capture",
    "analyse",
    "compare",
    "compare_captures",
    "compare_points",
    "interface_names",
    "observe_capture",
    "observe_point",
    "quote_frames",
    "read",
    "read_capture",
    "summarise_capture",
    "summarise_comparison",
    "summarise_points",
]


def __getattr__(name: str) -> Any:
    """Load a public name's module when the name is first used."""
    from importlib import import_module

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
