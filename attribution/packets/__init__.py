"""Packet captures: what was seen where, and what that says of the network.

`read_capture` turns a pcap or pcapng file into rows of columns; `observe_capture` tells what one capture point
witnessed, `compare_captures` what was lost between several. All are pure; nothing heavy is imported until used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attribution.packets.capture import Capture, read_capture
    from attribution.packets.comparison import compare_captures
    from attribution.packets.observe import observe_capture

_HOMES = {
    "Capture": "attribution.packets.capture",
    "read_capture": "attribution.packets.capture",
    "observe_capture": "attribution.packets.observe",
    "compare_captures": "attribution.packets.comparison",
}

__all__ = ["Capture", "compare_captures", "observe_capture", "read_capture"]


def __getattr__(name: str) -> Any:
    """Load a public name's module when the name is first used."""
    from importlib import import_module

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
