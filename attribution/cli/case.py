"""Cases on disk: a folder that a decision is kept in, and the command that decides it anew."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attribution.cli.terminal import Progress, write
from attribution.errors import AttributionError

if TYPE_CHECKING:
    from attribution.model.kept_case import KeptCase

EXIT_NOT_REPRODUCED = 4
_PACKED = ".ndjson"
_SUFFIX = ".gz"
_LEVEL = 6


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-f", "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file instead.")
def verify(case: Path, path: Path, form: str, output: Path | None) -> int:
    """Decide the incident at PATH anew, and say whether all that CASE keeps comes out as it was.

    CASE is a folder that `decide --case` wrote. Exit status 4: not reproduced, and what differs is printed.
    """
    from attribution.pipeline import verify_case
    from attribution.report.verification import render_verification, render_verification_json

    with Progress() as progress:
        verification = verify_case(read_case(case), path, progress)
    write([render_verification_json(verification) if form == "json" else render_verification(verification)], output)
    return 0 if verification.reproduced else EXIT_NOT_REPRODUCED


def keep(case: KeptCase, folder: Path) -> None:
    """Write a case into a folder that is new, empty, or holds this very case already.

    Errors: AttributionError where it holds anything else, or cannot be written.
    """
    from attribution.model.kept_case import MANIFEST_FILE

    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
        elif any(folder.iterdir()):
            _check_same(case, folder)
            return
        last = sorted(case.contents, key=lambda name: name == MANIFEST_FILE)  # without it, it is no case yet
        for name in last:
            (folder / _packed_name(name)).write_bytes(_pack(name, case.contents[name]))
    except OSError as error:
        raise AttributionError(str(folder), f"cannot be written: {error.strerror}", "expected a folder") from None


def _check_same(case: KeptCase, folder: Path) -> None:
    wanted = {_packed_name(name) for name in case.contents}
    strange = sorted(entry.name for entry in folder.iterdir() if entry.name not in wanted)
    if strange:
        found = f"found {', '.join(strange[:3])}{' and more' if len(strange) > 3 else ''} in it"
        raise AttributionError(str(folder), found, "expected a new or empty folder for the case")
    if dict(read_case(folder).contents) != dict(case.contents):
        raise AttributionError(str(folder), "found another case in it", "expected a new or empty folder for the case")


def read_case(folder: Path) -> KeptCase:
    """A case as it lies in its folder. Errors: AttributionError for what is no folder, or is damaged."""
    from attribution.model.kept_case import KeptCase

    if not folder.is_dir():
        raise AttributionError(str(folder), "found no folder", "expected a case that `decide --case` wrote")
    contents: dict[str, bytes] = {}
    for entry in sorted(folder.iterdir()):
        try:
            name = entry.name.removesuffix(_SUFFIX)
            packed = entry.name.endswith(_PACKED + _SUFFIX)
            contents[name if packed else entry.name] = (
                gzip.decompress(entry.read_bytes()) if packed else entry.read_bytes()
            )
        except (OSError, EOFError, zlib.error) as error:
            found = f"cannot be read ({error})"
            raise AttributionError(str(entry), found, "expected a file as `decide --case` wrote it") from None
    return KeptCase(contents)


def _packed_name(name: str) -> str:
    return f"{name}{_SUFFIX}" if name.endswith(_PACKED) else name


def _pack(name: str, content: bytes) -> bytes:
    """Lists are compressed, without the time at which that was done."""
    return gzip.compress(content, _LEVEL, mtime=0) if name.endswith(_PACKED) else content
