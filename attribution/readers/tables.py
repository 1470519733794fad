"""Tables of evidence: CSV (plain, gzip, Zstandard) and Parquet, with the line or row of every cell's error.

Columns may stand in any order; a missing one is an error, an extra one is ignored and said so once.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from attribution.errors import EvidenceError
from attribution.model.incident import Origin
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase, in_a_row
from attribution.readers.compression import read_plain
from attribution.readers.times import parse_time
from attribution.readers.values import Choice, decode, describe, nearest, one_of, parse_number

PARQUET = b"PAR1"
MOST_CELLS = 200_000_000

Outcome = TypeVar("Outcome")


class UnusualTableError(Exception):
    """A table has to be read row by row: something in it is not as usual, and perhaps wrong."""


class Row:
    """One row of a table: its cells by column name, each read as what it should be.

    Every method raises EvidenceError with the file, the line and the column. `locator` is `line 7` of a CSV file and
    `row 7`, counted from one, of a Parquet file.
    """

    __slots__ = ("_cells", "_columns", "_origin", "number", "unit")

    def __init__(self, cells: list[str], columns: Mapping[str, int], origin: Origin, number: int, unit: str) -> None:
        self._cells = cells
        self._columns = columns
        self._origin = origin
        self.number = number
        self.unit = unit

    @property
    def locator(self) -> str:
        return f"{self.unit} {self.number}"

    def error(self, column: str, found: str, expected: str) -> EvidenceError:
        return EvidenceError(self._place(column), f"found {found}", f"expected {expected}")

    def cell(self, column: str) -> str:
        """The cell without surrounding blanks; empty also where an optional column is absent."""
        index = self._columns.get(column)
        return "" if index is None else self._cells[index].strip()

    def text(self, column: str) -> str:
        cell = self.cell(column)
        if not cell:
            raise self.error(column, "nothing", "a value")
        return cell

    def time(self, column: str) -> int:
        """Nanoseconds since the Unix epoch, with the source's stated clock offset added."""
        cell = self._cells[self._columns[column]]
        return parse_time(cell, self._place(column)) + (self._origin.clock_offset_ns or 0)

    def optional_time(self, column: str) -> int | None:
        return self.time(column) if self.cell(column) else None

    def number_of(self, column: str) -> float:
        """Any number, not a number (`nan`) and the infinities included."""
        cell = self.text(column)
        try:
            return parse_number(cell)
        except ValueError:
            raise self.error(column, describe(cell), "a number") from None

    def count(self, column: str) -> int:
        """How many: a whole number, 0 or more."""
        number = self.number_of(column)
        count = as_count(number)
        if count is None:
            raise self.error(column, self.cell(column), "a whole number, 0 or more")
        return count

    def optional_duration(self, column: str) -> float | None:
        """A duration of 0 or more in the column's own unit; None where the cell is empty."""
        if not self.cell(column):
            return None
        number = self.number_of(column)
        if not 0 <= number < math.inf:
            raise self.error(column, self.cell(column), "0 or more, or nothing")
        return number

    def choice(self, column: str, kinds: type[Choice]) -> Choice:
        cell = self.cell(column)
        try:
            return kinds(cell)
        except ValueError:
            raise self.error(column, describe(cell), one_of([kind.value for kind in kinds], cell)) from None

    def part(self, column: str, part_column: str) -> tuple[int, int]:
        """A whole and its part, `received` of `sent`: the part is never larger."""
        whole, part = self.count(column), self.count(part_column)
        if part > whole:
            raise self.error(part_column, f"{part_column} {part} of {whole} {column}", f"at most the {column}")
        return whole, part

    def _place(self, column: str) -> str:
        file = self._origin.file
        place = f"{file}:{self.number}" if self.unit == "line" else f"{file}: row {self.number}"
        return f"{place}: {column}"


def as_count(number: float) -> int | None:
    """How many a number says there are; None unless it is whole and 0 or more."""
    return int(number) if 0 <= number < 1e18 and number.is_integer() else None


def read_table(
    content: bytes, origin: Origin, required: Iterable[str], optional: Iterable[str] = ()
) -> Iterator[Row | Caveat]:
    """Yield the rows of a CSV or Parquet file, and caveats for columns nobody reads and for a table without rows.

    Errors: EvidenceError for a missing header or column, a row of another length, broken quoting, a damaged file.
    """
    required = tuple(required)
    content = read_plain(content, origin.file)
    unit, lines = (
        ("row", read_parquet(content, origin.file)) if content.startswith(PARQUET) else ("line", _csv(content, origin))
    )
    first = next(lines, None)
    if first is None:
        raise EvidenceError(origin.file, "found no header", f"expected the columns {','.join(required)}")
    header_line, names = first
    columns = _columns(names, f"{origin.file}:{header_line}" if unit == "line" else origin.file, required)
    yield from ignored_columns(columns, (*required, *optional), origin, header_line)
    number = None
    for number, cells in lines:
        row = Row(cells, columns, origin, number, unit)
        if len(cells) != len(names):
            raise row.error(
                names[0], f"{len(cells)} cells", f"{len(names)}, as in the header (quote cells with commas)"
            )
        yield row
    if number is None:
        yield no_rows(origin, header_line)


def ignored_columns(names: Iterable[str], known: Iterable[str], origin: Origin, header_line: int) -> Iterator[Caveat]:
    """One caveat for all the columns that nobody reads."""
    ignored = [name for name in names if name not in tuple(known)]
    if ignored:
        reason = Phrase("ignored columns: {columns}", columns=in_a_row(ignored))
        yield Caveat(origin.file, f"line {header_line}", reason, len(ignored))


def no_rows(origin: Origin, header_line: int) -> Caveat:
    return Caveat(origin.file, f"line {header_line}", Phrase("a header and no rows: nothing was recorded"))


def _columns(names: list[str], place: str, required: tuple[str, ...]) -> dict[str, int]:
    """Where each column stands. Errors: EvidenceError for a column that is missing or there twice."""
    columns: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in columns:
            raise EvidenceError(place, f"found the column {name!r} twice", "expected it once")
        columns[name] = index
    for name in required:
        if name not in columns:
            near = nearest(name, (other for other in names if other not in required))
            hint = f" (is {near} meant?)" if near else f"; the header is {describe(','.join(names))}"
            raise EvidenceError(place, f"found no column {name!r}{hint}", f"expected the columns {','.join(required)}")
    return columns


def _csv(content: bytes, origin: Origin) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold something, each with its number; a quoted cell may run over several lines."""
    lines = csv.reader(io.StringIO(decode(content, origin.file), newline=""), strict=True)
    header = True
    number = 1
    try:
        for cells in lines:
            if cells and (len(cells) > 1 or cells[0].strip()):
                yield number, [cell.strip() for cell in cells] if header else cells
                header = False
            number = lines.line_num + 1
    except csv.Error as error:
        place = f"{origin.file}:{lines.line_num}"
        raise EvidenceError(place, f"found broken CSV ({error})", "expected cells separated by commas") from None


def read_parquet(content: bytes, file: str) -> Iterator[tuple[int, list[str]]]:
    """The header as row 0, then each row as the text that a CSV file would hold; missing values are empty.

    Errors: EvidenceError for a damaged file, and where the libraries for Parquet are not installed.
    """
    try:
        import pandas
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise EvidenceError(file, f"found Parquet, which needs {error.name}", "expected CSV, or that library") from None
    try:
        described = pyarrow.parquet.read_metadata(io.BytesIO(content))
        if described.num_rows * described.num_columns > MOST_CELLS:
            raise EvidenceError(file, f"found {described.num_rows} rows", "expected fewer")
        frame = pandas.read_parquet(io.BytesIO(content))
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EvidenceError(file, f"found damaged Parquet ({problem})", "expected a complete Parquet file") from None
    yield 0, [str(name).strip() for name in frame.columns]
    columns = [[_cell(value) for value in frame[name].array] for name in frame.columns]
    for number, cells in enumerate(zip(*columns, strict=True), start=1):
        yield number, list(cells)


def _cell(value: object) -> str:
    """A Parquet value as text; a time keeps its nanoseconds and its zone, if it has one."""
    import pandas

    if isinstance(value, pandas.Timestamp):
        return value.isoformat()
    if not pandas.api.types.is_scalar(value):
        return str(value)  # a list or a map, where the table should have one value
    if value is None or value is pandas.NaT or value is pandas.NA or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return str(value)
