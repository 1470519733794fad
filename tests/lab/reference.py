"""The laboratory's shapes as topology files to look at: complete, with generic names, each in one of the formats."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tests.lab.naming import draw_plan
from tests.lab.shapes import SHAPES
from tests.lab.topologies import TopologyStyle, topology_as_mapping, write_topology

_FORMATS = ("yaml", "json", "graphml")


def write_references(folder: Path) -> Iterator[Path]:
    """Write one file per shape and tell its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, shape in enumerate(SHAPES):
        style = TopologyStyle(_FORMATS[number % len(_FORMATS)], multigraph=False, forgets=0.0, names_link_sides=True)
        mapping = topology_as_mapping(draw_plan(shape, 0, "generic"), style, random.Random(shape.name))
        written = folder / write_topology(mapping, style, folder)
        yield written.rename(folder / f"{shape.name}{written.suffix}")
