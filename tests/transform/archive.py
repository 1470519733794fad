"""The folder as an archive that an exporter would send."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import zstandard

SUFFIXES = (".tar.gz", ".tgz", ".tar.zst", ".zip")


def as_archive(bundle: Path, target: Path, suffix: str) -> Path:
    """Write the folder, as one folder, into the archive `target` plus the suffix."""
    target.parent.mkdir(parents=True, exist_ok=True)
    archive = target.with_name(target.name + suffix)
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            for path in sorted(bundle.rglob("*")):
                zipped.write(path, Path(bundle.name) / path.relative_to(bundle))
        return archive
    if suffix == ".tar.zst":
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w") as tar:
            tar.add(bundle, bundle.name)
        archive.write_bytes(zstandard.ZstdCompressor(level=1).compress(plain.getvalue()))
        return archive
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(bundle, bundle.name)
    return archive
