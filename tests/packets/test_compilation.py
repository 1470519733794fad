"""Machine code is made once, kept whole or not at all, and loaded without the compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from attribution.packets.bulk import compilation, kept_code

LOAD = """
import sys
from attribution.packets.bulk.compilation import compiled_kernels
compiled_kernels()
print("numba" in sys.modules)
"""


def test_kept_code_is_loaded_without_the_compiler() -> None:
    compilation.compiled_kernels()
    loaded = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)

    assert loaded.stdout == "False\n"


def test_every_entrance_says_what_its_parameters_are() -> None:
    for entrance in (*compilation.READING.entrances, *compilation.PAIRING.entrances):
        assert set(compilation.parameters_of(entrance)) <= {"int64", "int64*", "uint8*", *compilation.ARRAYS}


def test_code_that_cannot_be_kept_is_used_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = tmp_path / "a file"
    nowhere.write_text("no folder can be made below a file")
    monkeypatch.setattr(kept_code, "folders", lambda: [nowhere / "below"])

    kept_code.keep_code("kernels-0.code", b"{}\n")

    assert kept_code.find_code("kernels-0.code") is None


def test_code_is_kept_in_the_next_folder_where_one_is_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = tmp_path / "a file"
    closed.write_text("")
    monkeypatch.setattr(kept_code, "folders", lambda: [closed / "below", tmp_path / "open"])

    kept_code.keep_code("kernels-0.code", b"{}\ncode")

    assert kept_code.find_code("kernels-0.code") == b"{}\ncode"
    assert [file.name for file in (tmp_path / "open").iterdir()] == ["kernels-0.code"]


def test_damaged_code_is_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kept_code, "folders", lambda: [tmp_path])
    kept_code.keep_code("kernels-0.code", compilation.sealed(b"{}\ncode"))
    kept = tmp_path / "kernels-0.code"

    assert compilation.unsealed(kept.read_bytes()) == b"{}\ncode"
    assert compilation.unsealed(kept.read_bytes()[:-1]) is None
    assert compilation.unsealed(b"") is None
