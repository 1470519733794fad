"""The folder of a bundle that is being written, and the list of the evidence that is in it so far."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.lab.captures import compress
from tests.lab.plan import Side
from tests.lab.styles import Style

_UNTIMED = frozenset({"change-records", "account-events", "cloud-audit"})
"""Evidence whose times people or the cloud wrote, not the supplier's devices."""


class BundleFolder:
    """Writes files and remembers, for each piece of evidence, what incident.yaml must say of it."""

    def __init__(self, path: Path, style: Style) -> None:
        self.path = path
        self.evidence: list[dict[str, object]] = []
        self._style = style
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)

    def write(self, file: str, text: str) -> None:
        """Write a text file."""
        target = self.path / file
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def write_csv(self, file: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]],
                  compressed: bool = False) -> str:
        """Write a table, and tell the name that the file has in the end."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        self.write(file, buffer.getvalue())
        return str(compress(self.path / file, "gz").relative_to(self.path)) if compressed else file

    def add(self, file: str, kind: str, side: Side, **extra: object) -> None:
        """Name a file as a piece of evidence, with its supplier and the error of the supplier's clock if it is told."""
        entry: dict[str, object] = {"file": file, "type": kind, "supplied_by": str(side), **extra}
        error = self._style.clock(side).error_s
        if error and kind not in _UNTIMED and self._style.clock_errors_told:
            entry["clock_offset_s"] = round(-error, 3)
        self.evidence.append(entry)
