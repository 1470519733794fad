"""The incidents that this repository has on record."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.transform.folder import entries_of, read_incident

RECORDED = tuple(sorted(path.parent for path in (Path(__file__).parents[2] / "pcaps").glob("*/truth.yaml")))

EVERYTHING = "ATTRIBUTION_EVERY_INCIDENT" in os.environ
"""Set for the hour in which every property is tried on every incident; else each is tried on a part of them."""


def name_of(bundle: object) -> str | None:
    """The folder's name as a test's id."""
    return bundle.name if isinstance(bundle, Path) else None


def one_in(step: int, first: int) -> pytest.MarkDecorator:
    """Every so many of the recorded incidents, so that different properties are tried on different ones."""
    return pytest.mark.parametrize("bundle", RECORDED if EVERYTHING else RECORDED[first::step], ids=name_of)


def captures_of(folder: Path) -> list[Path]:
    """The capture files of a bundle, in the order of its entries."""
    entries = entries_of(read_incident(folder))
    return [folder / entry["file"] for entry in entries if entry["type"] == "capture"]
