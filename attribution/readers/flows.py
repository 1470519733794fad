"""Flow records: packets that a flow sent and lost in a window, with the node path or the paths it may have taken."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from attribution.model.flow_table import FlowTable
from attribution.model.incident import Origin
from attribution.model.observation import Caveat, FlowRecord
from attribution.readers.compression import read_plain
from attribution.readers.tables import PARQUET, Row, UnusualTableError, read_table

COLUMNS = ("time", "source", "destination", "path", "sent", "lost")
OPTIONAL = ("flow", "protocol")
# Below this a file is read row by row before the libraries for columns are even loaded (octets).
FEW_OCTETS = 1 << 18


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


def read_flow_table(content: bytes, origin: Origin) -> Iterator[FlowTable | Caveat]:
    """The flow records of a file as one table, with the caveats that its rows give.

    Errors: EvidenceError at the first cell that breaks the contract, the same that read_flows raises.
    """
    content = read_plain(content, origin.file)
    if content.startswith(PARQUET) or len(content) > FEW_OCTETS:
        from attribution.readers.flow_columns import read_columns

        try:
            read = read_columns(content, origin, COLUMNS, OPTIONAL)
        except UnusualTableError:
            pass
        else:
            yield from read
            return
    yield from _read_rows(content, origin)


def _read_rows(content: bytes, origin: Origin) -> Iterator[FlowTable | Caveat]:
    """The rows read one by one and put into columns; the caveats as they are met."""
    records: list[FlowRecord] = []
    for item in read_flows(content, origin):
        if isinstance(item, Caveat):
            yield item
        else:
            records.append(item)
    yield pack_flows(records, origin)


def pack_flows(records: Iterable[FlowRecord], origin: Origin) -> FlowTable:
    """Flow records of one file as a table, in their order."""
    names: dict[str, int] = {}
    labels: dict[str | None, int] = {}
    protocols: dict[str | None, int] = {}
    columns = _Packed()
    columns.first_path.append(0)
    columns.first_node.append(0)
    unit = "line"
    for record in records:
        unit, _, number = record.locator.partition(" ")
        columns.numbers.append(int(number))
        columns.times_ns.append(record.time_ns)
        columns.sent.append(record.sent)
        columns.lost.append(record.lost)
        columns.sources.append(names.setdefault(record.source, len(names)))
        columns.destinations.append(names.setdefault(record.destination, len(names)))
        for path in record.paths:
            columns.nodes.extend(names.setdefault(node, len(names)) for node in path)
            columns.first_node.append(len(columns.nodes))
        columns.first_path.append(len(columns.first_node) - 1)
        columns.labels_of.append(labels.setdefault(record.flow, len(labels)))
        columns.protocols_of.append(protocols.setdefault(record.protocol, len(protocols)))
    views = {name: memoryview(getattr(columns, name)).toreadonly() for name in _Packed.__slots__}
    return FlowTable(
        origin=origin, unit=unit, names=tuple(names), labels=tuple(labels), protocols=tuple(protocols), **views
    )


def _empty() -> array[int]:
    return array("q")


@dataclass(slots=True)
class _Packed:
    """Columns that grow row by row."""

    numbers: array[int] = field(default_factory=_empty)
    times_ns: array[int] = field(default_factory=_empty)
    sent: array[int] = field(default_factory=_empty)
    lost: array[int] = field(default_factory=_empty)
    sources: array[int] = field(default_factory=_empty)
    destinations: array[int] = field(default_factory=_empty)
    first_path: array[int] = field(default_factory=_empty)
    first_node: array[int] = field(default_factory=_empty)
    nodes: array[int] = field(default_factory=_empty)
    labels_of: array[int] = field(default_factory=_empty)
    protocols_of: array[int] = field(default_factory=_empty)
