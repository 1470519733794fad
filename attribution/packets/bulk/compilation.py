"""The functions that read packets are plain Python; here they are compiled, unchanged, when a capture is large.

Each kernel is given to numba with the names it calls bound to their compiled selves. The result is kept on disk by
numba (next to the module, or in NUMBA_CACHE_DIR), so that only the first use after an installation pays for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

from attribution.packets import decode, link_layers, tcp_health
from attribution.packets.bulk import flow_table, matcher, records

MODULES: Final[tuple[ModuleType, ...]] = (link_layers, decode, tcp_health, flow_table, records, matcher)
"""In this order: a function may call those of its own module and of the modules before it."""


@cache
def compiled_kernels() -> SimpleNamespace:
    """Every kernel by its name, compiled when first called with arguments of some types."""
    import numba

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
