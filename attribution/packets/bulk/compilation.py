"""The functions that read packets are plain Python; here they are compiled, unchanged, when a capture is large.

A kernel is a function of whole numbers and of rows of them: on bytes and lists it runs as it stands, compiled on the
memory of arrays. The machine code of all kernels is kept between runs in one file, under a digest of their sources, of
the compiler and of the processor: so only the first large capture after an installation pays for compiling (some ten
seconds), and every other run loads the code in a few milliseconds, without the compiler.

Where the code is kept is `kept_code`'s to know.
"""

from __future__ import annotations

import ctypes
import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from attribution.packets import (
    columns,
    decode,
    digest,
    failures,
    flow_table,
    following,
    fragments,
    lean,
    link_layers,
    pair_bins,
    sums,
    taken_numbers,
    tcp_health,
    tcp_pace,
    telling,
)
from attribution.packets.bulk import (
    matcher,
    numbering,
    pair_columns,
    pair_flows,
    pair_streams,
    pair_tallies,
    records,
)
from attribution.packets.bulk.kept_code import NAME, find_code, keep_code
from attribution.packets.one_point import copies, gaps, limits, nodes, numbers, segments, state, waiting

Function = Callable[..., Any]


@dataclass(frozen=True)
class Kit:
    """Kernels that are compiled and kept together, so that nobody pays for those that he does not use.

    A function may call those of its own module, above it, and of the modules before it. `entrances` are called from
    outside; their annotations say what each parameter is. Modules in `inlined` have many small functions with many
    arguments, which take longer to call than to run.
    """

    modules: tuple[ModuleType, ...]
    entrances: tuple[Function, ...]
    inlined: tuple[ModuleType, ...] = ()


READING: Final = Kit(
    (
        link_layers, decode, fragments, telling, tcp_health, lean, sums, digest, flow_table, failures, tcp_pace,
        pair_bins, taken_numbers, nodes, numbers, state, waiting, gaps, copies, limits, segments, following, records,
    ),
    (
        records.walk_pcap, records.walk_pcapng, records.digest_all, records.check_all, flow_table.judge_batch,
        flow_table.rehash, flow_table.leave_rows, flow_table.free_rows, failures.gather_failures,
        following.follow_batch, following.settle_flows, pair_bins.refile_bins, pair_bins.refile_pairs,
    ),
)  # fmt: skip
PAIRING: Final = Kit(
    (lean, numbering, pair_flows, pair_streams, pair_tallies, matcher),
    (
        numbering.number_packets, numbering.least_payload, numbering.number_flows, matcher.common_time,
        matcher.advance, matcher.let_go, pair_tallies.close_all, pair_flows.rehash_flows,
    ),
    (pair_flows, pair_streams, pair_tallies, matcher),
)  # fmt: skip

NUMBER: Final = "int64"
WORDS: Final = "int64*"
OCTETS: Final = "uint8*"
ARRAYS: Final = {"Vector": ("int64", 1), "Rows": ("int64", 2), "Cube": ("int64", 3), "Slots": ("int32", 1)}
MEANING: Final = {
    "Octets": OCTETS, "Row": WORDS, "Words": WORDS, "Heads": OCTETS, "int": NUMBER, **{name: name for name in ARRAYS},
}  # fmt: skip
"""What a parameter's annotation is in memory: a number, a pointer, or an array with its shape."""


class Kernel:
    """A compiled function: whole numbers and arrays in, one whole number out; the interpreter runs on beside it."""

    def __init__(self, address: int, parameters: Sequence[str]) -> None:
        kinds: list[type[Any]] = []
        for parameter in parameters:
            if parameter in ARRAYS:
                kinds += [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
                kinds += [ctypes.c_int64] * (2 * ARRAYS[parameter][1])
            else:
                kinds.append(ctypes.c_int64 if parameter == NUMBER else ctypes.c_void_p)
        self._call = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *kinds)(address)
        self._arrays = [parameter in ARRAYS for parameter in parameters]

    def __call__(self, *arguments: Any) -> int:
        answer, trouble = ctypes.c_int64(), ctypes.c_void_p()
        given: list[Any] = []
        for argument, described in zip(arguments, self._arrays, strict=True):
            if described:  # an array of numba's: nobody's memory, how many, how wide, where, shape and strides
                given += (None, None, argument.size, argument.itemsize, argument.ctypes.data)
                given += (*argument.shape, *argument.strides)
            else:
                given.append(argument.ctypes.data if isinstance(argument, np.ndarray) else argument)
        if self._call(ctypes.addressof(answer), ctypes.addressof(trouble), *given):
            raise RuntimeError("a compiled kernel failed")
        return answer.value


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """What a kernel's parameters are in memory."""
    return [MEANING[str(parameter.annotation)] for parameter in inspect.signature(function).parameters.values()]


@cache
def compiled_kernels(kit: Kit = READING) -> SimpleNamespace:
    """Every entrance of a kit by its name, from the code that was kept or else compiled now."""
    name = _name_of_code(kit)
    kept = find_code(name)
    code = unsealed(kept) if kept is not None else None
    if code is None:
        code = _compile(kit)
        keep_code(name, sealed(code))
    return _load(kit, code)


def code_at_hand(kit: Kit = READING) -> bool:
    """Whether the kernels need not be compiled first."""
    return find_code(_name_of_code(kit)) is not None


def sealed(code: bytes) -> bytes:
    """Code behind its own digest: half a file or a damaged one is never run."""
    return hashlib.sha256(code).digest() + code


def unsealed(kept: bytes) -> bytes | None:
    """The code, if it is whole."""
    return kept[32:] if hashlib.sha256(kept[32:]).digest() == kept[:32] else None


@cache
def _name_of_code(kit: Kit) -> str:
    modules = (columns, pair_columns, *kit.modules, inspect.getmodule(Kernel))
    sources = "".join(inspect.getsource(module) for module in modules if module is not None)
    machine = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    digest = hashlib.sha256(f"{sources}\0{llvmlite.__version__}\0{machine}".encode()).hexdigest()
    return NAME.format(digest[:24])


def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, reloc="pic", jit=True
    )


def _compile(kit: Kit) -> bytes:
    """One object file of all entrances, behind a line that tells their names in it."""
    import numba
    from numba.core import types

    pointer: Any = types.CPointer
    kinds: dict[str, Any] = {NUMBER: types.int64, WORDS: pointer(types.int64), OCTETS: pointer(types.uint8)}
    kinds |= {name: types.Array(getattr(types, kind), axes, "C") for name, (kind, axes) in ARRAYS.items()}
    options: Any = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    options["_nrt"] = False  # no kernel makes an array, so none need be counted: that would lock memory at every call
    compiled: dict[Any, Any] = {}
    for module in kit.modules:
        names = {
            name: compiled.get(value, value) if isinstance(value, FunctionType) else value
            for name, value in vars(module).items()
        }
        for name, function in vars(module).items():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                bound = FunctionType(function.__code__, names, name, function.__defaults__)
                names[name] = compiled[function] = numba.njit(**options, forceinline=module in kit.inlined)(bound)
    whole = llvm.parse_assembly("")
    symbols: dict[str, str] = {}
    for entrance in kit.entrances:
        kernel = compiled[entrance]
        asked = tuple(kinds[parameter] for parameter in parameters_of(entrance))
        kernel.compile(asked)
        found = kernel.overloads[asked]
        symbols[entrance.__name__] = found.fndesc.llvm_func_name
        whole.link_in(llvm.parse_assembly(str(found.library._final_module)))
    whole.verify()
    return json.dumps(symbols).encode() + b"\n" + bytes(_machine().emit_object(whole))


def _load(kit: Kit, code: bytes) -> SimpleNamespace:
    head, _, octets = code.partition(b"\n")
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(octets))
    engine.finalize_object()
    symbols = json.loads(head)
    kernels = {
        entrance.__name__: Kernel(engine.get_function_address(symbols[entrance.__name__]), parameters_of(entrance))
        for entrance in kit.entrances
    }
    return SimpleNamespace(**kernels, engine=engine)  # the code lives as long as its engine
