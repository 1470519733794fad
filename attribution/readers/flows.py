"""Flow records: packets that a flow sent and lost in a window, with the node path or the paths it may have taken."""

from __future__ import annotations

from collections.abc import Iterator

from attribution.model.incident import Origin
from attribution.model.observation import Caveat, FlowRecord
from attribution.readers.tables import Row, read_table

COLUMNS = ("time", "source", "destination", "path", "sent", "lost")
OPTIONAL = ("flow", "protocol")


def read_flows(content: bytes, origin: Origin) -> Iterator[FlowRecord | Caveat]:
    """A flow lost some of what it sent somewhere on its path; where the path is not known, all candidates stand there.

    Errors: EvidenceError at the first cell that breaks the contract, more lost than sent included.
    """
    for row in read_table(content, origin, COLUMNS, OPTIONAL):
        if isinstance(row, Caveat):
            yield row
            continue
        sent, lost = row.part("sent", "lost")
        yield FlowRecord(
            time_ns=row.time("time"),
            origin=origin,
            locator=row.locator,
            source=row.text("source"),
            destination=row.text("destination"),
            paths=_paths(row),
            sent=sent,
            lost=lost,
            flow=row.cell("flow") or None,
            protocol=row.cell("protocol") or None,
        )


def _paths(row: Row) -> tuple[tuple[str, ...], ...]:
    """Node names joined by `>`; candidate paths joined by `|`."""
    paths = tuple(tuple(node.strip() for node in path.split(">")) for path in row.text("path").split("|"))
    if not all(node for path in paths for node in path):
        raise row.error("path", repr(row.cell("path")), "node names joined by '>', candidate paths by '|'")
    return paths
