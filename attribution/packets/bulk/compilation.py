"""The functions that read packets are plain Python; here they are compiled, unchanged, when a capture is large.

Each kernel is given to numba with the names it calls bound to their compiled selves. numba keeps the machine code
beside the modules or in the user's cache, under the function's name; the name is given a digest of all the kernels'
sources, so that only the first use after an installation or a change pays for it (numba itself looks at a function's
own file, not at those of the functions it calls).

The kernels make no arrays, so that none need be counted: without numba's counting of references, which locks memory at
every call, they are three times as fast.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

from attribution.packets import columns, decode, link_layers, tcp_health
from attribution.packets.bulk import (
    flow_table,
    matcher,
    numbering,
    pair_columns,
    pair_flows,
    pair_streams,
    pair_tallies,
    records,
)

MODULES: Final[tuple[ModuleType, ...]] = (
    link_layers, decode, tcp_health, flow_table, records, numbering, pair_flows, pair_streams, pair_tallies, matcher,
)  # fmt: skip
"""In this order: a function may call those of its own module, above it, and of the modules before it."""
OPTIONS: Final[dict[str, Any]] = {"nogil": True, "cache": True, "error_model": "numpy", "_nrt": False}
INLINED: Final = (pair_flows, pair_streams, pair_tallies, matcher)
"""Modules of many small functions with many arguments, which take longer to call than to run."""


@cache
def compiled_kernels() -> SimpleNamespace:
    """Every kernel by its name, compiled (or loaded) when first called."""
    import numba

    sources = "".join(inspect.getsource(module) for module in (columns, pair_columns, *MODULES))
    sources += repr((OPTIONS, [module.__name__ for module in INLINED]))
    state = hashlib.sha256(sources.encode()).hexdigest()[:12]
    done: dict[str, Callable[..., Any]] = {}
    for module in MODULES:
        names = {**vars(module), **done}
        for name, function in vars(module).items():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                bound = FunctionType(function.__code__, names, name, function.__defaults__)
                bound.__module__ = module.__name__
                bound.__qualname__ = f"{name}_{state}"
                names[name] = done[name] = numba.njit(**OPTIONS, forceinline=module in INLINED)(bound)
    return SimpleNamespace(**done)
