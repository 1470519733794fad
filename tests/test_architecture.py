"""The house keeps its own rules: who imports whom, who opens files, and that no stage asks the clock or chance."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "attribution"
MODULES = sorted(PACKAGE.rglob("*.py"))
# The only modules that touch files, processes or the environment: an incident's files, a user's captures, the terminal.
DOORS = (
    "bundle.py",
    "packets/sources.py",
    "evaluation/corpus.py",
    "cli/__init__.py",
    "cli/__main__.py",
    "cli/capture.py",
    "cli/case.py",
    "cli/completing.py",
    "cli/evaluate.py",
    "cli/observe.py",
    "cli/timeline.py",
    "cli/topology.py",
    "cli/terminal.py",
)
# What two others may do besides: keep the packet kernels' machine code between runs, and use both cores.
ALLOWED = {
    "packets/bulk/compilation.py": {"ctypes"},
    "packets/bulk/kept_code.py": {"os", "pathlib.Path", "tempfile"},
    "packets/bulk/line.py": {"threading"},
}

# The standard library's ways to the outside world, to time and to chance.
FILES = {"fileinput", "glob", "os", "shutil", "sqlite3", "tempfile"}
PROCESSES = {"asyncio", "ctypes", "multiprocessing", "platform", "signal", "subprocess", "threading", "locale"}
NETWORK = {"ftplib", "http", "httplib", "smtplib", "socket", "urllib"}
TIME_AND_CHANCE = {"random", "secrets", "time", "uuid"}
OUTSIDE = FILES | PROCESSES | NETWORK | TIME_AND_CHANCE
PURE_PATHS = frozenset({"PurePath", "PurePosixPath", "PureWindowsPath"})
IMPURE_CALLS = frozenset({"open", "input", "print", "eval", "exec", "compile", "breakpoint", "__import__"})
DISTRIBUTIONS = {"yaml": "PyYAML"}
CLOCK_CALLS = frozenset({"now", "utcnow", "today"})


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def imports_of(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each imported module with the name taken from it, if one is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def test_the_import_contracts_of_setup_cfg_hold() -> None:
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_contracts_name_every_stage() -> None:
    """A new package beside the stages must be put under a contract, not beside them."""
    known = {"model", "rules", "bundle", "readers", "packets", "detectors", "inference", "responsibility", "report"}
    known |= {"__init__", "errors", "pipeline", "cli", "batch", "evaluation", "dossier", "case", "api"}
    modules = {module.stem for module in PACKAGE.glob("*.py")}
    packages = {module.parent.name for module in PACKAGE.glob("*/__init__.py")}

    assert (modules | packages) - known == set()


@pytest.mark.parametrize("module", [m for m in MODULES if name_of(m).startswith(("model/", "errors"))], ids=name_of)
def test_the_vocabulary_imports_the_standard_library_only(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    foreign = {name for name, _ in imports_of(tree) if name.split(".")[0] not in sys.stdlib_module_names}

    assert all(name.startswith(("attribution.model", "attribution.errors")) for name in foreign), foreign


@pytest.mark.parametrize("module", [m for m in MODULES if name_of(m) not in DOORS], ids=name_of)
def test_only_the_doors_reach_outside(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    reached = {name for name, _ in imports_of(tree) if name.split(".")[0] in OUTSIDE}
    reached |= {
        f"pathlib.{name}" for source, name in imports_of(tree) if source == "pathlib" and name not in PURE_PATHS
    }
    if name_of(module) in ("pipeline.py", "api.py"):
        reached -= {"pathlib.Path"}  # they hand the path on to the bundle
    reached -= ALLOWED.get(name_of(module), set())
    reached |= set(impure_calls(tree))

    assert reached == set()


def impure_calls(tree: ast.AST) -> Iterator[str]:
    """Calls of builtins that reach outside, and of the clock; a method of that name on anything counts as the clock."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) if name in IMPURE_CALLS:
                    yield f"{name}() in line {node.lineno}"
                case ast.Attribute(attr=name) if name in CLOCK_CALLS:
                    yield f".{name}() in line {node.lineno}"


def test_the_label_of_an_incident_is_read_for_evaluation_alone() -> None:
    """What decides has no way to the answer: nothing but the evaluation's corpus asks the bundle for it."""
    asking = [name_of(module) for module in MODULES if "read_answer" in module.read_text(encoding="utf-8")]

    assert asking == ["bundle.py", "evaluation/corpus.py"]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_module_says_what_it_is_about(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}

    assert not [name_of(module) for module in MODULES if vague & set(module.with_suffix("").parts)]


def test_every_package_that_is_imported_is_declared() -> None:
    """What the code imports, setup.cfg installs: a clean virtual environment has it all.

    Scapy is loaded by name, in one place, and stays an extra: the program works without it.
    """
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    declared = {re.split(r"[<>=]", line)[0] for line in settings["options"]["install_requires"].split()}
    imported = {
        name.split(".")[0]
        for module in MODULES
        for name, _ in imports_of(ast.parse(module.read_text(encoding="utf-8")))
    }
    third_party = imported - sys.stdlib_module_names - {"attribution", "_typeshed"}  # the type checker's own

    assert {DISTRIBUTIONS.get(name, name) for name in third_party} <= declared


def test_scapy_is_an_extra_that_only_the_dissection_loads() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    loading = [name_of(module) for module in MODULES if '"scapy' in module.read_text(encoding="utf-8")]
    importing = [
        name_of(module)
        for module in MODULES
        for name, _ in imports_of(ast.parse(module.read_text(encoding="utf-8")))
        if name.split(".")[0] == "scapy"
    ]

    assert "scapy" in settings["options.extras_require"]["packets"]
    assert "scapy" not in settings["options"]["install_requires"]
    assert (importing, loading) == ([], ["packets/dissection.py"])


def test_rules_are_packaged() -> None:
    """Every rule file lies where setup.cfg's package_data finds it."""
    strange = [
        file
        for file in (PACKAGE / "rules").rglob("*")
        if file.is_file() and file.suffix not in (".toml", ".json", ".py", ".pyc")
    ]

    assert strange == []
