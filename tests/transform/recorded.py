"""The incidents that this repository has on record."""

from __future__ import annotations

from pathlib import Path

from tests.transform.folder import entries_of, read_incident

RECORDED = tuple(sorted(path.parent for path in (Path(__file__).parents[2] / "pcaps").glob("*/truth.yaml")))


def name_of(bundle: object) -> str | None:
    """The folder's name as a test's id."""
    return bundle.name if isinstance(bundle, Path) else None


def captures_of(folder: Path) -> list[Path]:
    """The capture files of a bundle, in the order of its entries."""
    entries = entries_of(read_incident(folder))
    return [folder / entry["file"] for entry in entries if entry["type"] == "capture"]
