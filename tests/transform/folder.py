"""An incident's folder as the transformations handle it: files opened by their suffix and written back alike."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
import zstandard

Keys = dict[str, Any]
"""A mapping as YAML or JSON holds it."""

_TABLE_TYPES = {
    "out_octets": "interface-counters",
    "metric": "interface-counters",
    "hop": "paths",
    "path": "flows",
    "performed_by": "change-records",
    "event": "account-events",
    "kind": "probes",
}
_JSON_TYPES = {
    "Events": "cloud-audit",
    "DataPoints": "cloud-monitor",
    "resultType": "prometheus",
    "hubs": "paths",
}


class _Loader(yaml.SafeLoader):
    """YAML whose times stay the text that they are."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(slots=True)
class Table:
    """The rows of a CSV or Parquet file; cells of a CSV file are text."""

    columns: list[str]
    rows: list[Keys]


def copy_folder(bundle: Path, target: Path) -> Path:
    """The bundle once more, as it is."""
    shutil.copytree(bundle, target)
    return target


def load_yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)


def dump_yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)


def read_incident(folder: Path) -> Keys:
    """The keys of incident.yaml."""
    keys: Keys = load_yaml((folder / "incident.yaml").read_text(encoding="utf-8"))
    return keys


def write_incident(folder: Path, incident: Keys) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "incident.yaml").write_text(dump_yaml(incident), encoding="utf-8")


def read_truth(folder: Path) -> Keys:
    """The keys of truth.yaml; none where the bundle is not labelled."""
    path = folder / "truth.yaml"
    return load_yaml(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_truth(folder: Path, truth: Keys) -> None:
    if truth:
        (folder / "truth.yaml").write_text(dump_yaml(truth), encoding="utf-8")


def entries_of(incident: Keys) -> list[Keys]:
    """The evidence entries of incident.yaml."""
    entries: list[Keys] = incident["evidence"]
    return entries


def type_of(path: Path, entry: Keys) -> str:
    """The type that an evidence entry states for its file, or that the file's content tells."""
    if "type" in entry:
        return str(entry["type"])
    if is_capture(path):
        return "capture"
    if is_table(path):
        columns = read_table(path).columns
        return next(kind for column, kind in _TABLE_TYPES.items() if column in columns)
    text = read_text(path)
    if text.lstrip()[:1] in "{[":
        return next((kind for key, kind in _JSON_TYPES.items() if f'"{key}"' in text), "paths")
    return "syslog"


def plain_suffix(path: Path) -> str:
    """The suffix that tells the format, below any compression: `.csv` of `flows.csv.gz`."""
    return path.with_suffix("").suffix if path.suffix in (".gz", ".zst") else path.suffix


def format_suffixes(path: Path) -> str:
    """The suffixes of format and compression: `.csv.gz`."""
    return plain_suffix(path) + (path.suffix if path.suffix in (".gz", ".zst") else "")


def is_capture(path: Path) -> bool:
    return plain_suffix(path) in (".pcap", ".pcapng", ".cap")


def is_table(path: Path) -> bool:
    return plain_suffix(path) in (".csv", ".parquet")


def read_octets(path: Path) -> bytes:
    """The file's content without its compression."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".zst":
        with zstandard.ZstdDecompressor().stream_reader(content) as stream:
            return stream.read()
    return content


def write_octets(path: Path, content: bytes) -> None:
    """Write the content, compressed as the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=1, mtime=0)
    elif path.suffix == ".zst":
        content = zstandard.ZstdCompressor(level=1).compress(content)
    path.write_bytes(content)


def read_text(path: Path) -> str:
    """The text of a file; octets that are no UTF-8 survive a round trip."""
    return read_octets(path).decode("utf-8", "surrogateescape")


def write_text(path: Path, text: str) -> None:
    write_octets(path, text.encode("utf-8", "surrogateescape"))


def read_table(path: Path) -> Table:
    """The rows of a CSV or Parquet file."""
    if plain_suffix(path) == ".parquet":
        frame = pd.read_parquet(path)
        rows = [{str(name): cell for name, cell in row.items()} for row in frame.to_dict("records")]
        return Table(list(frame.columns), rows)
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    return Table(list(reader.fieldnames or ()), list(reader))


def write_table(path: Path, table: Table) -> None:
    """Write the rows in the format that the suffix names."""
    if plain_suffix(path) == ".parquet":
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(table.rows, columns=table.columns).to_parquet(path, index=False)
        return
    sheet = io.StringIO(newline="")
    writer = csv.DictWriter(sheet, table.columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(table.rows)
    write_text(path, sheet.getvalue())


def read_json(path: Path) -> Any:
    return json.loads(read_text(path))


def write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False))
