"""Where the packet kernels' machine code is kept between runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

NAME: Final = "kernels-{}.code"


def folders() -> list[Path]:
    """Where machine code is kept: beside the modules as Python keeps its own, else in the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME")
    cache_folder = Path(home) if home else Path("~/.cache").expanduser()
    return [Path(__file__).parent / "__pycache__", cache_folder / "attribution"]


def find_code(name: str) -> bytes | None:
    """The code that is kept under a name."""
    for folder in folders():
        try:
            return (folder / name).read_bytes()
        except OSError:
            continue
    return None


def keep_code(name: str, code: bytes) -> None:
    """Put the code where the next run finds it, whole or not at all; where nothing can be written, it is not kept."""
    for folder in folders():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, written = tempfile.mkstemp(dir=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(code)
            Path(written).replace(folder / name)
        except OSError:
            continue
        return
