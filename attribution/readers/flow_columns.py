"""Flow records in columns: a million rows are taken apart column by column, each different cell once.

Only tables without anything unusual are read this way. For any other, and for one that breaks the contract, the rows
are read one by one as `flows` does it, which knows the place of every error; so both ways say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import filterfalse
from typing import Any

import numpy
import pyarrow
import pyarrow.compute as compute
from numpy.typing import NDArray

from attribution.model.flow_table import FlowTable
from attribution.model.incident import NANOSECONDS, Origin
from attribution.model.observation import Caveat
from attribution.readers.column_files import csv_columns, parquet_columns, plain_memory
from attribution.readers.tables import PARQUET, UnusualTableError, as_count, ignored_columns, no_rows
from attribution.readers.times import LATEST_SECOND, parse_time
from attribution.readers.values import parse_number

Integers = NDArray[numpy.int64]
Codes = NDArray[numpy.int32]
# Rows whose paths are taken apart at a time, and the most octets of text that they may have.
PIECE = 1 << 16
MOST_TEXT = (1 << 31) - 1
# Runs of such pieces that are taken apart side by side; the interpreter is not held meanwhile.
SIDE_BY_SIDE = 2
# What ends with a name, by the mark behind it: nothing, a path, or else a row.
WITHIN, PATH, ROW = 0, 1, 2
ENDINGS = {">": WITHIN, "|": PATH}
# More different times than this are worth taking apart by their look; fewer are read one by one.
MANY = 4096
_SECONDS = r"^[0-9]{1,10}(\.[0-9]{1,9})?$"
_CALENDAR = (
    r"^(19[7-9]\d|20\d\d|21\d\d|22[0-4]\d)-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z$"  # RFC 3339 in UTC
)
# Beyond this not every whole number is a floating-point number, which the rows' cells are read as.
MOST_EXACT = 1 << 53


def read_columns(
    content: bytes, origin: Origin, required: tuple[str, ...], optional: tuple[str, ...]
) -> list[FlowTable | Caveat]:
    """The flow records of a file as one table, and the caveats that its rows would give.

    Raises UnusualTableError where anything has to be looked at more closely.
    """
    parquet = content.startswith(PARQUET)
    names, columns = (parquet_columns if parquet else csv_columns)(content, required, optional)
    header_line = 0 if parquet else 1
    caveats = [*ignored_columns(names, (*required, *optional), origin, header_line)]
    table = _table(columns, origin, parquet)
    if not len(table):
        return [*caveats, table, no_rows(origin, header_line)]
    return [*caveats, table]


def _table(columns: dict[str, pyarrow.ChunkedArray], origin: Origin, parquet: bool) -> FlowTable:
    rows = len(columns["sent"])
    sent, lost = (_counts(columns[name]) for name in ("sent", "lost"))
    if bool((lost > sent).any()):
        raise UnusualTableError
    book = Names()
    first_path, first_node, nodes = _paths(columns["path"], book)
    return FlowTable(
        origin=origin,
        unit="row" if parquet else "line",
        numbers=_view(numpy.arange(rows, dtype=numpy.int64) + (1 if parquet else 2)),
        times_ns=_view(_times(columns["time"]) + (origin.clock_offset_ns or 0)),
        sent=_view(sent),
        lost=_view(lost),
        sources=_view(_ends(columns["source"], book)),
        destinations=_view(_ends(columns["destination"], book)),
        names=tuple(book.codes),
        first_path=_view(first_path),
        first_node=_view(first_node),
        nodes=_view(nodes),
        **_optional(columns, rows),
    )


class Names:
    """Numbers for the different names of a table, in the order in which they are met."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self._of_cell: dict[str, int] = {}

    def number(self, cells: list[str]) -> Codes:
        """The number of each cell's name. Raises UnusualTableError for a cell without one."""
        known = self._of_cell
        for cell in filterfalse(known.__contains__, cells):
            known[cell] = self.codes.setdefault(cell.strip(), len(self.codes))
        if "" in self.codes:
            raise UnusualTableError
        return numpy.fromiter(map(known.__getitem__, cells), numpy.int32, len(cells))


def _view(column: NDArray[Any]) -> memoryview[int]:
    column.flags.writeable = False
    return column.data


def _memory(numbers: pyarrow.Array) -> NDArray[Any]:
    """The integers of an array without empty cells, where they stand: its own way to numpy would load pandas."""
    kind = numpy.dtype(str(numbers.type))
    if not len(numbers):
        return numpy.empty(0, kind)
    return numpy.frombuffer(numbers.buffers()[1], kind)[numbers.offset : numbers.offset + len(numbers)]


def _joined(column: pyarrow.ChunkedArray) -> Integers:
    """All integers of a column; those too large for 64 bits with a sign come out negative."""
    parts = [_memory(chunk).astype(numpy.int64) for chunk in column.chunks]
    return numpy.concatenate([numpy.empty(0, numpy.int64), *parts])


def _distinct(column: pyarrow.ChunkedArray) -> tuple[Codes, pyarrow.Array]:
    """Which of the different values each cell holds, and these values. Raises UnusualTableError for an empty cell."""
    if column.null_count:
        raise UnusualTableError
    encoded = column if pyarrow.types.is_dictionary(column.type) else column.dictionary_encode()
    encoded = encoded.unify_dictionaries()
    if not encoded.num_chunks:
        return numpy.empty(0, numpy.int32), pyarrow.array([], encoded.type.value_type)
    indices = [_memory(chunk.indices) for chunk in encoded.chunks]
    values = encoded.chunk(0).dictionary
    if values.null_count:
        raise UnusualTableError
    return numpy.concatenate(indices).astype(numpy.int32, copy=False), values


def _texts(values: pyarrow.Array) -> list[str]:
    """Values as the cells of a CSV file would hold them. Raises UnusualTableError unless they are text or numbers."""
    kind = values.type
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return list(values.to_pylist())
    if pyarrow.types.is_integer(kind) or pyarrow.types.is_float64(kind):
        return [str(value) for value in values.to_pylist()]
    raise UnusualTableError


def _each(values: pyarrow.Array, read: Callable[[str], int | None]) -> Integers:
    """What each different cell says. Raises UnusualTableError where one says nothing."""
    try:
        numbers = [read(text) for text in _texts(values)]
    except (ValueError, OverflowError):
        raise UnusualTableError from None
    if None in numbers:
        raise UnusualTableError
    return numpy.array(numbers, dtype=numpy.int64)


def _whole_numbers(column: pyarrow.ChunkedArray, most: int) -> Integers | None:
    """A column of integers as it stands; None where it is no such column."""
    if not pyarrow.types.is_integer(column.type):
        return None
    if column.null_count:
        raise UnusualTableError
    numbers = _joined(column)
    if len(numbers) and (int(numbers.min()) < 0 or int(numbers.max()) > most):
        raise UnusualTableError
    return numbers


def _counts(column: pyarrow.ChunkedArray) -> Integers:
    numbers = _whole_numbers(column, MOST_EXACT)
    if numbers is not None:
        return numbers
    codes, values = _distinct(column)
    counts = _each(values, lambda text: as_count(parse_number(text.strip())))
    return counts[codes]


def _times(column: pyarrow.ChunkedArray) -> Integers:
    """Nanoseconds since the Unix epoch."""
    seconds = _whole_numbers(column, LATEST_SECOND)
    if seconds is not None:
        return seconds * NANOSECONDS
    if pyarrow.types.is_timestamp(column.type):
        return _stamped(column)
    codes, values = _distinct(column)
    if len(values) > MANY:
        by_look = _times_by_look(values)
        if by_look is not None:
            return by_look[codes]
    try:
        return _each(values, lambda text: parse_time(text, ""))[codes]
    except Exception as error:
        raise UnusualTableError from error


def _stamped(column: pyarrow.ChunkedArray) -> Integers:
    """Times that the file itself holds as times, with their zone."""
    if column.null_count or column.type.tz not in ("UTC", "+00:00"):
        raise UnusualTableError
    try:
        times = _joined(column.cast(pyarrow.timestamp("ns", column.type.tz)).cast(pyarrow.int64()))
    except pyarrow.ArrowException:
        raise UnusualTableError from None
    if len(times) and (int(times.min()) < 0 or int(times.max()) > LATEST_SECOND * NANOSECONDS):
        raise UnusualTableError
    return times


def _times_by_look(values: pyarrow.Array) -> Integers | None:
    """Many different times of one look, Unix seconds or RFC 3339 in UTC; None where they are neither."""
    if not pyarrow.types.is_string(values.type):
        return None
    try:
        if compute.all(compute.match_substring_regex(values, _SECONDS)).as_py():
            scaled = values.cast(pyarrow.decimal128(20, 9))
            times = numpy.frombuffer(scaled.buffers()[1], numpy.int64)[::2][scaled.offset : scaled.offset + len(values)]
            return times if int(times.max()) < (LATEST_SECOND + 1) * NANOSECONDS else None
        if compute.all(compute.match_substring_regex(values, _CALENDAR)).as_py():
            return _memory(values.cast(pyarrow.timestamp("ns", "UTC")).cast(pyarrow.int64()))
    except pyarrow.ArrowException:
        return None
    return None


def _ends(column: pyarrow.ChunkedArray, book: Names) -> Codes:
    codes, values = _distinct(column)
    return book.number(_texts(values))[codes]


def _optional(columns: dict[str, pyarrow.ChunkedArray], rows: int) -> dict[str, Any]:
    """The columns that may be absent, and their cells that may be empty."""
    found: dict[str, Any] = {}
    for name, values_key, codes_key in (("flow", "labels", "labels_of"), ("protocol", "protocols", "protocols_of")):
        if name in columns:
            codes, values = _distinct(columns[name])
            found[values_key] = tuple(text.strip() or None for text in _texts(values))
        else:
            codes, found[values_key] = numpy.zeros(rows, numpy.int32), (None,)
        found[codes_key] = _view(codes)
    return found


def _paths(column: pyarrow.ChunkedArray, book: Names) -> tuple[Integers, Integers, Codes]:
    """Cells such as `a>x>b|a>y>b` taken apart: rows into paths, paths into nodes.

    Each different name is looked at once for each way in which it ends: within a path, a path, or a row.
    """
    kind = column.type
    if column.null_count or not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)):
        raise UnusualTableError
    pieces = [chunk.slice(start, PIECE) for chunk in column.chunks for start in range(0, len(chunk), PIECE)]
    run = -(-len(pieces) // SIDE_BY_SIDE) or 1
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs = list(pool.map(_encoded_names, (pieces[start : start + run] for start in range(0, len(pieces), run))))
    length = sum(map(len, runs))
    nodes, ends = numpy.empty(length, numpy.int32), numpy.empty(length, numpy.int8)
    place = 0
    for encoded in runs:
        texts = encoded.chunk(0).dictionary.to_pylist()
        numbers = book.number([text.removesuffix(">").removesuffix("|") for text in texts])
        endings = numpy.array([ENDINGS.get(text[-1], ROW) for text in texts], numpy.int8)
        for chunk in encoded.chunks:
            own = slice(place, place := place + len(chunk))
            indices = _memory(chunk.indices)
            nodes[own], ends[own] = numbers[indices], endings[indices]
    path_ends = numpy.flatnonzero(ends != WITHIN)
    row_ends = numpy.flatnonzero(ends[path_ends] == ROW)
    return _starts_after(row_ends), _starts_after(path_ends), nodes


def _encoded_names(pieces: Sequence[pyarrow.Array]) -> pyarrow.ChunkedArray:
    """The names in some pieces of a column, in order, as places in one dictionary of them."""
    names = pyarrow.chunked_array(map(_names_with_ends, pieces), pyarrow.string())
    return compute.dictionary_encode(names, memory_pool=plain_memory())


def _names_with_ends(cells: pyarrow.Array) -> pyarrow.StringArray:
    """All names in some cells, each with the mark behind it, if any: the text stays where it is, and is not copied.

    Raises UnusualTableError where a cell ends without a name.
    """
    wide = pyarrow.types.is_large_string(cells.type)
    _, bounds_buffer, text_buffer = cells.buffers()
    bounds = numpy.frombuffer(bounds_buffer, numpy.int64 if wide else numpy.int32)[cells.offset :][: len(cells) + 1]
    begin, end = int(bounds[0]), int(bounds[-1])
    if end - begin > MOST_TEXT or not bool((numpy.diff(bounds) > 0).all()):
        raise UnusualTableError
    text = numpy.frombuffer(text_buffer, numpy.uint8)[begin:end]
    marked = (text == ord(">")) | (text == ord("|"))
    last = bounds[1:] - (begin + 1)
    if bool(marked[last].any()):
        raise UnusualTableError
    marked[last] = True
    starts = pyarrow.py_buffer(_starts_after(numpy.flatnonzero(marked)).astype(numpy.int32))
    names = int(numpy.count_nonzero(marked))
    return pyarrow.StringArray.from_buffers(names, starts, text_buffer.slice(begin, end - begin))


def _starts_after(ends: Integers) -> Integers:
    """Where each of several runs begins, by where each ends, and where the next one would."""
    starts = numpy.zeros(len(ends) + 1, numpy.int64)
    numpy.add(ends, 1, out=starts[1:])
    return starts
