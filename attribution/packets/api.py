"""Captures for a notebook and for the command line: from a path, octets or a stream to a table or to figures.

`read` gives every packet as a row of a pandas table, `analyse` the figures of one capture, `compare` those of several
laid over each other. `attribution.packets.table` turns figures into pandas tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO

from attribution.model.capture import CaptureSummary, ComparisonSummary
from attribution.model.incident import EvidenceType, Origin
from attribution.packets.sources import Source, open_source, place_of

if TYPE_CHECKING:
    import pandas as pd

    from attribution.packets.sizes import Announce

ALL_FLOWS = 1_000_000_000
NANOSECONDS = 1_000_000_000
SUFFIXES = re.compile(r"(?:\.(?:pcap|pcapng|cap|dmp|trc))?(?:\.(?:gz|zst|zstd))?$", re.IGNORECASE)


def read(source: Source) -> pd.DataFrame:
    """Every packet of a capture as a row of a pandas table; `attribution.packets.table` tells the columns.

    Raises CaptureError where the source is no capture or cannot be read.
    """
    from attribution.packets.table import read_table

    with open_source(source) as stream:
        return read_table(stream, place_of(source))


def analyse(source: Source, place: str | None = None, flows: int = ALL_FLOWS) -> CaptureSummary:
    """The connections of a capture and what became of their packets, with loss, health and witnesses.

    `flows` are those with the most packets that are kept; `place` is what the capture is called. Raises CaptureError
    where the source is no capture or cannot be read.
    """
    with open_source(source, place) as stream:
        return summarise_stream(stream, place_of(source) if place is None else place, flows)


def summarise_stream(stream: BinaryIO, place: str, flows: int, announce: Announce | None = None) -> CaptureSummary:
    """One capture from an open stream, in figures."""
    from attribution.packets.summary import summarise_capture

    return summarise_capture(stream, Origin(place, EvidenceType.CAPTURE), flows, announce)


def compare(*sources: Source, clock_offsets_s: Mapping[str, float] | None = None, **named: Source) -> ComparisonSummary:
    """Captures of several points laid over each other: what was lost between them, and how long it took.

    A capture point given as NAME=SOURCE goes by that name, another by its file's. `clock_offsets_s` says what must be
    added to a point's times to get true ones, where it is known. Raises CaptureError where a source is no capture,
    ValueError where two points go by the same name or an offset is of none of them.
    """
    files = [place_of(source) for source in sources]
    points = [*zip(short_names(files), files, sources, strict=True)]
    points += [(name, name if isinstance(given, bytes) else place_of(given), given) for name, given in named.items()]
    names = [name for name, _, _ in points]
    offsets = dict(clock_offsets_s or {})
    if len(set(names)) != len(names):
        raise ValueError("two captures go by the same name; give them as NAME=SOURCE")
    if strange := sorted(set(offsets) - set(names)):
        raise ValueError(f"a clock offset of {strange[0]!r}, which is none of {', '.join(names)}")
    with ExitStack() as opened:
        streams = [opened.enter_context(open_source(source, file)) for _, file, source in points]
        return compare_streams(streams, [origin_of(file, name, offsets.get(name)) for name, file, _ in points])


def short_names(files: Sequence[str]) -> list[str]:
    """What capture points are called that only have files: the file's own name where no other has it too."""
    short = [SUFFIXES.sub("", PurePath(file).name) or file for file in files]
    return [name if short.count(name) == 1 else file for name, file in zip(short, files, strict=True)]


def origin_of(file: str, point: str, clock_offset_s: float | None) -> Origin:
    """A capture that no incident names: its file, and what its point is called."""
    offset_ns = None if clock_offset_s is None else round(clock_offset_s * NANOSECONDS)
    return Origin(file, EvidenceType.CAPTURE, device=point, clock_offset_ns=offset_ns)


def compare_streams(
    streams: Sequence[BinaryIO], origins: Sequence[Origin], announce: Announce | None = None
) -> ComparisonSummary:
    """Several open captures compared."""
    from attribution.packets.points import summarise_points

    return summarise_points(streams, origins, announce)
