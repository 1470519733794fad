"""What very many flow records testify, in columns: each is a Measurement that has no object of its own."""

from __future__ import annotations

from dataclasses import dataclass

from attribution.model.flow_table import FlowTable


@dataclass(frozen=True, slots=True, eq=False)
class FlowEvidence:
    """In row i's window, of `sent[i]` packets `lost[i]` did not arrive that took one of its candidate paths.

    The columns are read-only views of integers. `table` is the file's and `rows` the rows that are left of it: those
    that sent something between known nodes over at least one path that is drawn. Row i's candidate paths are those
    from `first_path[i]` to before `first_path[i + 1]`; path j crosses, in the order of travel,
    `crossed[first_crossed[j]:first_crossed[j + 1]]`, numbers of `components`: all nodes, then all links of the
    topology. A path that is not drawn crosses nothing that is known, and leaves open which way the flow went.
    `traffic` are the classes of traffic, `traffic_of[i]` the row's. `sources` and `destinations` are numbers of
    components too. `of_service[i]` is 1 for flows between the service's two ends, else 0.
    """

    table: FlowTable
    components: tuple[str, ...]
    rows: memoryview[int]
    start_ns: memoryview[int]
    end_ns: memoryview[int]
    sent: memoryview[int]
    lost: memoryview[int]
    sources: memoryview[int]
    destinations: memoryview[int]
    first_path: memoryview[int]
    first_crossed: memoryview[int]
    crossed: memoryview[int]
    traffic: tuple[str, ...]
    traffic_of: memoryview[int]
    of_service: memoryview[int]

    def __len__(self) -> int:
        return len(self.rows)

    def locator(self, row: int) -> str:
        """Where the record stands in its file."""
        return self.table.locator(self.rows[row])
