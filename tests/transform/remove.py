"""Evidence taken away: a party's, a kind's, or single files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from tests.transform.folder import Keys, copy_folder, entries_of, read_incident, type_of, write_incident


def without(
    bundle: Path,
    target: Path,
    types: Collection[str] = (),
    suppliers: Collection[str] = (),
    files: Collection[str] = (),
) -> Path:
    """Leave out evidence of these types, of these suppliers and these files. The truth stays what happened."""
    return only(
        bundle,
        target,
        lambda entry: type_of(bundle / entry["file"], entry) not in types
        and entry.get("supplied_by") not in suppliers
        and entry["file"] not in files,
    )


def only(bundle: Path, target: Path, keep: Callable[[Keys], bool]) -> Path:
    """Leave the evidence alone whose entries are to be kept."""
    copy_folder(bundle, target)
    incident = read_incident(target)
    kept = [entry for entry in entries_of(incident) if keep(entry)]
    kept_files = {entry["file"] for entry in kept}
    for file in {entry["file"] for entry in entries_of(incident)} - kept_files:
        (target / file).unlink()
    incident["evidence"] = kept
    write_incident(target, incident)
    return target


def only_end_to_end(bundle: Path, target: Path) -> Path:
    """Nothing but the probes between the service's ends, which cannot tell where on the way packets are lost."""
    return only(bundle, target, lambda entry: "end-to-end" in entry["file"])


def count_entries(folder: Path) -> int:
    """How many pieces of evidence a bundle has."""
    return len(entries_of(read_incident(folder)))
