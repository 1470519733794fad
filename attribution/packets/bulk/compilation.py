"""The functions that read packets are plain Python; here they are compiled, unchanged, when a capture is large.

Each kernel is given to numba with the names it calls bound to their compiled selves. numba keeps the machine code
beside the modules or in the user's cache, under the function's name; the name is given a digest of all the kernels'
sources, so that only the first use after an installation or a change pays for it (numba itself looks at a function's
own file, not at those of the functions it calls).

No kernel makes an array, so none counts references to one (`_nrt`): counting at each call would cost more than the
calls themselves.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

from attribution.packets import columns, decode, link_layers, tcp_health
from attribution.packets.bulk import flow_table, matcher, records
from attribution.packets.one_point import copies, gaps, nodes, numbers, segments, state, waiting

MODULES: Final[tuple[ModuleType, ...]] = (
    link_layers, decode, tcp_health, nodes, numbers, state, waiting, gaps, copies, segments, flow_table, records,
    matcher,
)  # fmt: skip
"""In this order: a function may call those of its own module, above it, and of the modules before it."""

OPTIONS: Final[dict[str, Any]] = {"nogil": True, "cache": True, "error_model": "numpy", "_nrt": False}


@cache
def compiled_kernels() -> SimpleNamespace:
    """Every kernel by its name, compiled (or loaded) when first called."""
    import numba

    sources = "".join(inspect.getsource(module) for module in (columns, *MODULES))
    digest = hashlib.sha256(sources.encode()).hexdigest()[:12]
    done: dict[str, Callable[..., Any]] = {}
    for module in MODULES:
        names = {**vars(module), **done}
        for name, function in vars(module).items():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                bound = FunctionType(function.__code__, names, name, function.__defaults__)
                bound.__module__ = module.__name__
                bound.__qualname__ = f"{name}_{digest}"
                names[name] = done[name] = numba.njit(**OPTIONS)(bound)
    return SimpleNamespace(**done)
