"""Values of the vocabulary as JSON, a line each with the name of its type: the same bytes for the same value.

Numbers with a fraction are kept to nine significant digits, which is far beyond what any of them means and short of
where two processors may disagree. Sets are sorted. Tables of flow records, which repeat a file row by row, are kept as
the digest of their columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from math import isfinite
from typing import SupportsIndex

from attribution.model.flow_evidence import FlowEvidence
from attribution.model.flow_table import FlowTable
from attribution.model.incident import Origin

_TYPE = "type"


def write_lines(values: Iterable[object]) -> bytes:
    """Each value on a line of its own."""
    return "".join(f"{json.dumps(typed(value), ensure_ascii=True)}\n" for value in values).encode("ascii")


def write_document(document: object) -> bytes:
    """One JSON document, indented for reading."""
    return f"{json.dumps(plain(document), indent=1, ensure_ascii=True)}\n".encode("ascii")


def typed(value: object) -> dict[str, object]:
    """A value of the vocabulary as an object that names its type first."""
    kept = plain(value)
    return {_TYPE: type(value).__name__, **(kept if isinstance(kept, dict) else {"value": kept})}


def plain(value: object) -> object:
    """Dictionaries, lists, numbers and text alone."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case SupportsIndex():
            return int(value)
        case float():
            return float(f"{value:.9g}") + 0.0 if isfinite(value) else str(value)
        case FlowTable() | FlowEvidence():
            return _columns(value)
        case Origin():
            return value.file
        case memoryview() | bytes():
            return _digest(value)
        case Mapping():
            return {key: plain(item) for key, item in sorted((_key(key), item) for key, item in value.items())}
        case Set():
            return sorted(map(plain, value), key=repr)
        case tuple() | list():
            return [plain(item) for item in value]
    if is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in (f.name for f in fields(value)) if name[0] != "_"}
    return str(value)


def _key(key: object) -> str:
    return " > ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _columns(table: FlowTable | FlowEvidence) -> dict[str, object]:
    """A table by its file, its length and the digest of each column."""
    columns = {field.name: plain(getattr(table, field.name)) for field in fields(table) if field.name != "table"}
    origin = table.origin if isinstance(table, FlowTable) else table.table.origin
    digests = {name: _digest(json.dumps(column).encode("ascii")) for name, column in columns.items()}
    return {"origin": origin.file, "rows": len(table), "columns": digests}


def _digest(content: memoryview | bytes) -> str:
    return hashlib.sha256(content).hexdigest()
