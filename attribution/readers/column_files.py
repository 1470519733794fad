"""Tables of evidence by columns: CSV without anything unusual, and Parquet, as the columns that Arrow makes of them."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pyarrow
import pyarrow.csv
import pyarrow.parquet

from attribution.readers.tables import MOST_CELLS, UnusualTableError

Columns = dict[str, pyarrow.ChunkedArray]

BOM = b"\xef\xbb\xbf"
# Much larger blocks do not stay within reach of the processor, many small ones have to agree on their values.
BLOCK_OCTETS = 1 << 21
LARGEST_CELL = 131_072  # characters; Python's csv module refuses larger ones
_BLANK_END = re.compile(rb"(?:\r?\n)*\Z")


def csv_columns(content: bytes, required: tuple[str, ...], optional: tuple[str, ...]) -> tuple[list[str], Columns]:
    """The names of all columns of a CSV file in order, and those that are asked for; every cell is text.

    The file's line 1 is its header and every further line a row, so that row i stands in line i + 2. Raises
    UnusualTableError for anything that could be read in two ways: quoted cells, blank lines, rows of another length.
    """
    begin = len(BOM) if content.startswith(BOM) else 0
    end = content.find(b"\n", begin)
    if end < 0:
        raise UnusualTableError
    names = _header(content[begin:end])
    rows = _count_rows(content, end + 1)
    wanted = _wanted(names, required, optional)
    types = {
        name: pyarrow.string() if name == "path" else pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        for name in wanted
    }
    if not rows:
        return names, {name: pyarrow.chunked_array([], kind) for name, kind in types.items()}
    try:
        table = pyarrow.csv.read_csv(
            pyarrow.BufferReader(pyarrow.py_buffer(content).slice(end + 1)),
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=BLOCK_OCTETS),
            parse_options=pyarrow.csv.ParseOptions(quote_char=False, double_quote=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types, include_columns=wanted, strings_can_be_null=False
            ),
            memory_pool=plain_memory(),
        )
    except pyarrow.ArrowException:
        raise UnusualTableError from None
    if table.num_rows != rows:
        raise UnusualTableError
    return names, {name: table[name] for name in wanted}


def plain_memory() -> pyarrow.MemoryPool:
    """The system's allocator: Arrow's own hands memory back and asks for it anew, which takes as long as reading."""
    return pyarrow.system_memory_pool()


def _header(line: bytes) -> list[str]:
    try:
        rows = list(csv.reader([line.decode("utf-8")], strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise UnusualTableError from None
    if len(rows) != 1 or (len(rows[0]) == 1 and not rows[0][0].strip()):
        raise UnusualTableError
    return [cell.strip() for cell in rows[0]]


def _count_rows(content: bytes, start: int) -> int:
    """The lines after the header, those without content at the very end left out."""
    if content.find(b'"', start) >= 0 or content.find(b"\0") >= 0:
        raise UnusualTableError
    if content.find(b"\r", start) >= 0 and content.count(b"\r", start) != content.count(b"\r\n", start):
        raise UnusualTableError
    tail = content[max(start, len(content) - 4096) :]
    blank = _BLANK_END.search(tail)
    end = len(content) - (len(blank.group()) if blank else 0)
    return content.count(b"\n", start, end) + 1 if end > start else 0


def _wanted(names: list[str], required: tuple[str, ...], optional: tuple[str, ...]) -> list[str]:
    if len(set(names)) != len(names) or not set(required) <= set(names):
        raise UnusualTableError
    return [name for name in names if name in (*required, *optional)]


def parquet_columns(content: bytes, required: tuple[str, ...], optional: tuple[str, ...]) -> tuple[list[str], Columns]:
    """The names of all columns of a Parquet file in order, and those that are asked for, as the file types them.

    Raises UnusualTableError for a damaged file, one that is too large, and one whose rows pandas gave an index of its
    own, which is no column.
    """
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(content), pre_buffer=False)
        schema: Any = file.schema_arrow
        names = [str(name).strip() for name in schema.names]
        described = schema.pandas_metadata or {}
        indexed = any(isinstance(column, str) for column in described.get("index_columns", ()))
        too_large = file.metadata.num_rows * file.metadata.num_columns > MOST_CELLS
        wanted = _wanted(names, required, optional)
        if indexed or too_large or names != schema.names:
            raise UnusualTableError
        table = file.read(columns=wanted)
        return names, {name: table[name] for name in wanted}
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError):
        raise UnusualTableError from None
