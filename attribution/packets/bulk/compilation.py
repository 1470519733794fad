"""The functions that read packets are plain Python; here they are compiled, unchanged, when a capture is large.

Each kernel is given to numba with the names it calls bound to their compiled selves. The machine code is kept on
disk under a digest of all the kernels' sources, so that only the first use after an installation or a change pays for
it (numba itself looks at a function's own file only, not at those of the functions it calls).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

from attribution.packets import columns, decode, link_layers, tcp_health
from attribution.packets.bulk import flow_table, matcher, records

MODULES: Final[tuple[ModuleType, ...]] = (link_layers, decode, tcp_health, flow_table, records, matcher)
"""In this order: a function may call those of its own module, above it, and of the modules before it."""


@cache
def compiled_kernels() -> SimpleNamespace:
    """Every kernel by its name, compiled (or loaded) when first called."""
    import numba

    usual = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_cache_folder(numba.__version__))
    try:
        done: dict[str, Callable[..., Any]] = {}
        for module in MODULES:
            names = {**vars(module), **done}
            for name, function in vars(module).items():
                if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                    bound = FunctionType(function.__code__, names, name, function.__defaults__)
                    bound.__module__ = module.__name__
                    bound.__qualname__ = function.__qualname__
                    names[name] = done[name] = numba.njit(nogil=True, cache=True, error_model="numpy")(bound)
        return SimpleNamespace(**done)
    finally:
        numba.config.CACHE_DIR = usual


def are_compiled() -> bool:
    """Whether machine code of these very kernels lies on disk, so that using them costs half a second at most."""
    from importlib.metadata import version

    return any(_cache_folder(version("numba")).rglob("*.nbi"))


def _cache_folder(numba_version: str) -> Path:
    """Beside the modules where they can be written to, else in the user's cache; one folder for each state of them."""
    digest = hashlib.sha256(numba_version.encode())
    for module in (columns, *MODULES):
        digest.update(Path(module.__file__ or "").read_bytes())
    here = Path(__file__).parent
    if "NUMBA_CACHE_DIR" in os.environ:
        home = Path(os.environ["NUMBA_CACHE_DIR"])
    elif os.access(here, os.W_OK):
        home = here / "__pycache__"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "attribution"
    return home / f"kernels-{digest.hexdigest()[:16]}"
