"""A corpus is a folder of labelled bundles, at any depth, and its manifest.csv says how each was made."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from attribution.bundle import INCIDENT_FILE, TRUTH_FILE, read_answer
from attribution.errors import AttributionError, BundleError
from attribution.evaluation.truth import read_truth
from attribution.model.evaluation import UNKNOWN, BrokenCase, Case, Truth

MANIFEST_FILE = "manifest.csv"
ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar.zst", ".tar", ".zip")
CLOCK_RIGHT, CLOCK_TOLD, CLOCK_UNTOLD = "right", "off, told", "off, untold"
_YES = frozenset({"true", "1", "yes"})
_MOST_LEVELS = 32


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled bundle that waits to be decided."""

    path: Path
    case: Case
    truth: Truth


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was found: bundles to decide, those whose label cannot be read, and how many have no label.

    `missing` are the folders that a manifest names and that are not there.
    """

    labelled: tuple[Labelled, ...]
    broken: tuple[BrokenCase, ...]
    unlabelled: int
    missing: tuple[str, ...]


def read_corpora(roots: tuple[Path, ...]) -> Corpus:
    """All labelled bundles below the roots, in the order of the roots and of the names below them.

    Without a manifest a bundle's scenario is its folder's name. With several roots the folder's name begins with the
    root's. Errors: BundleError for a root that is not there, a manifest that breaks its form, and no bundle at all.
    """
    labelled: list[Labelled] = []
    broken: list[BrokenCase] = []
    missing: list[str] = []
    unlabelled = 0
    for root, prefix in zip(roots, _prefixes(roots), strict=True):
        cases, absent = _read_manifests(root)
        missing += absent
        for path in find_bundles(root):
            name = path.relative_to(root).as_posix() if path != root else path.resolve().name
            case = replace(cases.get(path, Case("", scenario=_bare(path.resolve().name))), folder=prefix + name)
            try:
                content = read_answer(path)
                if content is None:
                    unlabelled += 1
                    continue
                labelled.append(Labelled(path, case, read_truth(content, TRUTH_FILE)))
            except AttributionError as error:
                broken.append(BrokenCase(case, str(error)))
    if not labelled and not broken:
        places = ", ".join(map(str, roots))
        found = f"found {unlabelled} bundles, none of them with {TRUTH_FILE}" if unlabelled else "found no bundle"
        raise BundleError(places, found, f"expected folders or archives with {INCIDENT_FILE} and {TRUTH_FILE}")
    return Corpus(tuple(labelled), tuple(broken), unlabelled, tuple(missing))


def find_bundles(root: Path) -> Iterator[Path]:
    """Folders with an incident or its label, and archives, by name; nothing is looked for inside a bundle."""
    if root.is_file():
        yield root
        return
    if not root.is_dir():
        raise BundleError(str(root), "found nothing there", "expected a folder of bundles, or one bundle")
    yield from _walk(root, frozenset(), 0)


def _walk(folder: Path, above: frozenset[Path], depth: int) -> Iterator[Path]:
    """The bundles at and below a folder; a link that leads back up is not followed again."""
    real = folder.resolve()
    if real in above or depth > _MOST_LEVELS:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise BundleError(str(folder), f"found {error.strerror}", "expected a readable folder") from None
    if any(entry.name in (INCIDENT_FILE, TRUTH_FILE) for entry in entries):
        yield folder
        return
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry, above | {real}, depth + 1)
        elif entry.name.endswith(ARCHIVE_SUFFIXES) and entry.is_file():
            yield entry


def _read_manifests(root: Path) -> tuple[Mapping[Path, Case], list[str]]:
    """What the corpus' manifests say of each bundle: of that at the root, and of those in folders of corpora."""
    if not root.is_dir():
        return {}, []
    cases: dict[Path, Case] = {}
    missing: list[str] = []
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        manifest = folder / MANIFEST_FILE
        if not manifest.is_file():
            continue
        for name, case in read_manifest(_read(manifest), str(manifest)):
            if (folder / name).exists():
                cases[folder / name] = case
            else:
                missing.append(str(folder / name))
    return cases, missing


def read_manifest(text: str, place: str) -> Iterator[tuple[str, Case]]:
    """Each line's folder and how its bundle was made; columns that are absent are not known, others are ignored.

    Errors: BundleError for a header without `folder`, a line of another length, and a folder named twice.
    """
    lines = csv.reader(text.splitlines())
    header = [name.strip() for name in next(lines, [])]
    if "folder" not in header:
        raise BundleError(f"{place}:1", "found no column 'folder'", "expected folder,scenario,topology,seed,profile,…")
    seen: set[str] = set()
    for cells in lines:
        if not cells:
            continue
        if len(cells) != len(header):
            found = f"found {len(cells)} cells"
            raise BundleError(f"{place}:{lines.line_num}", found, f"expected {len(header)}, as in the header")
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        folder = row["folder"].rstrip("/")
        if folder in seen:
            raise BundleError(f"{place}:{lines.line_num}", f"found {folder!r} twice", "expected each bundle once")
        seen.add(folder)
        yield (
            folder,
            Case(
                folder=folder,
                scenario=row.get("scenario") or _bare(folder),
                topology=row.get("topology") or UNKNOWN,
                profile=row.get("profile") or UNKNOWN,
                clock=_clock(row),
                seed=row.get("seed") or UNKNOWN,
            ),
        )


def _clock(row: Mapping[str, str]) -> str:
    """Whether some source's clock was off, and whether the bundle says by how much."""
    if "clock_error" not in row:
        return UNKNOWN
    if not row["clock_error"]:
        return CLOCK_RIGHT
    return CLOCK_TOLD if row.get("clock_told", "").lower() in _YES else CLOCK_UNTOLD


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(str(file), f"found what cannot be read ({error})", "expected CSV in UTF-8") from None


def _bare(name: str) -> str:
    """A bundle's name without an archive's suffix."""
    return next((name[: -len(suffix)] for suffix in ARCHIVE_SUFFIXES if name.endswith(suffix)), name)


def _prefixes(roots: tuple[Path, ...]) -> list[str]:
    """What tells the bundles of several corpora apart: the roots' names, or all of their paths where names repeat."""
    if len(roots) == 1:
        return [""]
    names = [root.resolve().name for root in roots]
    return [f"{root if names.count(name) > 1 else name}/" for root, name in zip(roots, names, strict=True)]
