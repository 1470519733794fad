"""Flow records by the million, in columns: what a row-by-row observation says, without an object for each row.

Columns are read-only views of integers (64 or 32 bits), so that numeric libraries can take them as they are without
the vocabulary knowing of them. Names stand once, in `names`, and columns refer to them by their place there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from attribution.model.incident import Origin
from attribution.model.observation import FlowRecord


@dataclass(frozen=True, slots=True, eq=False)
class FlowTable:
    """The flow records of one file, row by row in the order of the file.

    `unit` and `numbers` locate a row: `line 7` or `row 7`. `times_ns` have the source's stated clock offset added.
    `names` are the different names of ends and nodes; `sources` and `destinations` refer to them. Row i's candidate
    paths are those from `first_path[i]` to before `first_path[i + 1]`; path j's nodes, in the order of travel, are
    `nodes[first_node[j]:first_node[j + 1]]`. `labels` and `protocols` hold each row's, by `labels_of[i]` and
    `protocols_of[i]`; None where the file says nothing.
    """

    origin: Origin
    unit: str
    numbers: memoryview[int]
    times_ns: memoryview[int]
    sent: memoryview[int]
    lost: memoryview[int]
    names: tuple[str, ...]
    sources: memoryview[int]
    destinations: memoryview[int]
    first_path: memoryview[int]
    first_node: memoryview[int]
    nodes: memoryview[int]
    labels: Sequence[str | None]
    labels_of: memoryview[int]
    protocols: Sequence[str | None]
    protocols_of: memoryview[int]

    def __len__(self) -> int:
        return len(self.times_ns)

    def locator(self, row: int) -> str:
        return f"{self.unit} {self.numbers[row]}"

    def shifted(self, shift_ns: int) -> FlowTable:
        """The same records, dated so much later."""
        if not shift_ns:
            return self
        times_ns = array("q", (time_ns + shift_ns for time_ns in self.times_ns))
        return replace(self, times_ns=memoryview(times_ns).toreadonly())

    def records(self) -> Iterator[FlowRecord]:
        """Each row as an observation of its own."""
        return map(self.record, range(len(self)))

    def record(self, row: int) -> FlowRecord:
        return FlowRecord(
            time_ns=self.times_ns[row],
            origin=self.origin,
            locator=self.locator(row),
            source=self.names[self.sources[row]],
            destination=self.names[self.destinations[row]],
            paths=self.paths(row),
            sent=self.sent[row],
            lost=self.lost[row],
            flow=self.labels[self.labels_of[row]],
            protocol=self.protocols[self.protocols_of[row]],
        )

    def paths(self, row: int) -> tuple[tuple[str, ...], ...]:
        """The candidate paths of a row, as node names."""
        return tuple(
            tuple(self.names[node] for node in self.nodes[self.first_node[path] : self.first_node[path + 1]])
            for path in range(self.first_path[row], self.first_path[row + 1])
        )
