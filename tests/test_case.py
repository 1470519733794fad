"""A kept case is reproduced wherever the same octets meet the same program, and whatever changed is named."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.case import compare_program
from attribution.case.lines import typed
from attribution.case.program import describe_program
from attribution.cli import run
from attribution.cli.case import EXIT_NOT_REPRODUCED, read_case
from attribution.cli.terminal import EXIT_BAD_INPUT
from attribution.model.flow_table import FlowTable
from attribution.model.incident import EvidenceType, Origin
from attribution.model.kept_case import KeptCase, Part, Verification
from attribution.pipeline import keep_case, verify_case
from attribution.readers import read_flow_table

ROOT = Path(__file__).resolve().parent.parent
INCIDENT = ROOT / "pcaps" / "provider-core-router-crash-self-serving"
PACKAGE = ROOT / "attribution"
FILES = sorted(path.relative_to(INCIDENT).as_posix() for path in INCIDENT.rglob("*") if path.is_file())
INPUTS = [name for name in FILES if name not in ("truth.yaml", "manifest.csv")]


@pytest.fixture(scope="module")
def kept() -> KeptCase:
    return keep_case(INCIDENT)[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A case as the command line writes it."""
    assert run(["decide", str(INCIDENT), "--case", str(tmp_path / "case"), "-o", str(tmp_path / "printed")]) == 0
    return tmp_path / "case"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(INCIDENT, tmp_path / "incident")
    return tmp_path / "incident"


def flipped(path: Path, position: float) -> None:
    """Change one octet of a file."""
    content = bytearray(path.read_bytes())
    content[min(int(position * len(content)), len(content) - 1)] ^= 1
    path.write_bytes(content)


def named(verification: Verification, part: Part) -> set[str]:
    return {difference.place for difference in verification.differences if difference.part is part}


def schema(name: str) -> jsonschema.Draft202012Validator:
    text = (resources.files("attribution") / "rules" / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def test_what_was_kept_is_reproduced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(folder), str(INCIDENT)]) == 0

    printed = capsys.readouterr().out
    assert printed.startswith("reproduced: INC-")
    assert len(printed.splitlines()) == 1


def test_the_folder_holds_what_can_be_read_without_this_program(folder: Path) -> None:
    names = {"case.json", "verdict.json", "dossier.json"}
    lists = {"observations.ndjson.gz", "evidence.ndjson.gz", "hypotheses.ndjson.gz"}
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))

    assert {file.name for file in folder.iterdir()} == names | lists
    schema("case").validate(case)
    schema("verdict").validate(json.loads((folder / "verdict.json").read_text(encoding="utf-8")))
    for name in lists:
        lines = gzip.decompress((folder / name).read_bytes()).splitlines()
        assert lines
        assert all("type" in json.loads(line) for line in lines)
    assert {file["file"] for file in case["inputs"]} == set(INPUTS)


def test_every_rule_and_source_file_is_digested(kept: KeptCase) -> None:
    case = json.loads(kept.contents["case.json"])["program"]
    rules = {path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "rules").rglob("*") if path.is_file()}

    assert set(case["rules"]) == {name for name in rules if not name.endswith(".pyc")}
    assert set(case["sources"]) >= {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}


@settings(max_examples=25)
@given(st.sampled_from(INPUTS), st.floats(0, 1))
def test_one_changed_octet_of_an_input_is_found_and_named(
    kept: KeptCase, tmp_path_factory: pytest.TempPathFactory, name: str, position: float
) -> None:
    copied = tmp_path_factory.mktemp("incident") / "incident"
    shutil.copytree(INCIDENT, copied)
    flipped(copied / name, position)

    assert named(verify_case(kept, copied), Part.INPUT) == {name}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The program's own files, to change them."""
    copy = tmp_path_factory.mktemp("program") / "attribution"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    yield copy


RULES = sorted(path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "rules").rglob("*.toml"))
SOURCES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.stat().st_size)


@settings(max_examples=40)
@given(st.sampled_from(RULES) | st.sampled_from(SOURCES), st.floats(0, 1))
def test_one_changed_octet_of_the_program_is_found_and_named(package: Path, name: str, position: float) -> None:
    before, content = describe_program(package), (package / name).read_bytes()
    flipped(package / name, position)
    found = list(compare_program(before, describe_program(package)))
    (package / name).write_bytes(content)

    part = Part.RULE if name in RULES else Part.PROGRAM
    assert [(difference.part, difference.place) for difference in found] == [(part, name)]


def test_another_rule_is_named_and_so_is_what_it_changed(folder: Path, package: Path) -> None:
    """A whole program with one number changed decides otherwise, and says by which file."""
    rule = package / "rules" / "causes.toml"
    content = rule.read_text(encoding="utf-8")
    rule.write_text(content.replace("\nunknown = 0.01 ", "\nunknown = 0.4 "), encoding="utf-8")
    done = program(["verify", str(folder), str(INCIDENT)], package.parent)
    rule.write_text(content, encoding="utf-8")

    assert (done.returncode, done.stderr) == (EXIT_NOT_REPRODUCED, "")
    assert "rules:\n  rules/causes.toml\n" in done.stdout
    assert "verdict:\n  verdict.probability\n" in done.stdout


CASE_FILES = ["case.json", "verdict.json", "dossier.json", *(f"{n}.ndjson.gz" for n in ("observations", "evidence"))]


@settings(max_examples=40)
@given(st.sampled_from(CASE_FILES), st.floats(0, 1))
def test_a_case_that_was_tampered_with_is_found_out(
    kept: KeptCase, tmp_path_factory: pytest.TempPathFactory, name: str, position: float
) -> None:
    """An octet of what a file holds; where compression hides it, it is no change."""
    folder = tmp_path_factory.mktemp("case")
    for file, content in kept.contents.items():
        packed = file.endswith(".ndjson")
        (folder / f"{file}{'.gz' if packed else ''}").write_bytes(gzip.compress(content) if packed else content)
    flipped(folder / name, position)
    done = captured(["verify", str(folder), str(INCIDENT)])

    if done.status == 0:
        assert dict(read_case(folder).contents) == dict(kept.contents)
    else:
        assert done.status in (EXIT_NOT_REPRODUCED, EXIT_BAD_INPUT)
        assert name.removesuffix(".gz") in done.text or "the case" in done.text


class Done:
    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text


def captured(arguments: list[str]) -> Done:
    """A command's status and all that it printed, within a property where no fixture may be."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        status = run(arguments)
    return Done(status, out.getvalue() + err.getvalue())


def test_a_file_too_many_or_too_few_in_the_case_is_named(folder: Path) -> None:
    (folder / "note.txt").write_text("added", encoding="utf-8")
    (folder / "evidence.ndjson.gz").unlink()
    done = captured(["verify", str(folder), str(INCIDENT)])

    assert done.status == EXIT_NOT_REPRODUCED
    assert "note.txt" in done.text
    assert "evidence.ndjson" in done.text


def test_the_incident_may_have_moved_or_be_an_archive(folder: Path, copied: Path, tmp_path: Path) -> None:
    """Inputs are the same by their names within the incident and their octets; what lies beside them is none."""
    (copied / "truth.yaml").unlink()
    (copied / "covering-letter.txt").write_text("Dear all", encoding="utf-8")
    archive = shutil.make_archive(str(tmp_path / "sent"), "gztar", copied.parent, copied.name)

    assert captured(["verify", str(folder), str(copied)]).text.startswith("reproduced")
    assert captured(["verify", str(folder), archive]).text.startswith("reproduced")


def test_a_missing_input_is_named(folder: Path, copied: Path) -> None:
    name = next(name for name in INPUTS if name.startswith("telemetry/"))
    (copied / name).unlink()
    done = captured(["verify", str(folder), str(copied)])

    assert done.status == EXIT_NOT_REPRODUCED
    assert f"inputs:\n  {name}\n" in done.text
    assert "anew         nothing" in done.text


def test_where_there_is_no_incident_or_no_case_the_input_is_bad(folder: Path, tmp_path: Path) -> None:
    assert captured(["verify", str(folder), str(tmp_path / "nowhere")]).status == EXIT_BAD_INPUT
    assert captured(["verify", str(INCIDENT), str(INCIDENT)]).status == EXIT_BAD_INPUT


@pytest.mark.parametrize(
    "surroundings",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "4242", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "COLUMNS": "60"},
    ],
    ids=["Tokyo", "St John's"],
)
def test_hash_seed_time_zone_and_locale_change_nothing(
    folder: Path, tmp_path: Path, surroundings: dict[str, str]
) -> None:
    verified = program(["verify", str(folder), str(INCIDENT)], ROOT, surroundings)
    decided = program(["decide", str(INCIDENT), "--case", str(tmp_path / "again")], ROOT, surroundings)

    assert (verified.returncode, verified.stderr) == (0, "")
    assert (decided.returncode, decided.stderr) == (0, "")
    assert dict(read_case(tmp_path / "again").contents) == dict(read_case(folder).contents)


def program(
    arguments: list[str], home: Path, surroundings: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The program that lies in a folder, run by itself."""
    environment = {**os.environ, "PYTHONPATH": str(home), **(surroundings or {})}
    line = [sys.executable, "-m", "attribution.cli", *arguments]
    return subprocess.run(line, cwd=home, env=environment, capture_output=True, text=True, check=False)


def test_another_python_or_library_is_remarked_and_no_difference(kept: KeptCase) -> None:
    stated = json.loads(kept.contents["case.json"])
    stated["environment"]["libraries"]["numpy"] = "1.0"
    content = (json.dumps(stated, indent=1) + "\n").encode()
    verification = verify_case(KeptCase({**kept.contents, "case.json": content}), INCIDENT)

    assert verification.reproduced
    assert [remark.split(" decided")[0] for remark in verification.remarks] == ["numpy 1.0"]


def test_without_some_evidence_is_kept_and_decided_anew_without_it() -> None:
    name = next(name for name in INPUTS if name.startswith("telemetry/"))
    verdict, case = keep_case(INCIDENT, [name])

    assert name not in {file.file for file in verdict.inputs}
    assert verify_case(case, INCIDENT).reproduced


def test_a_folder_that_holds_something_else_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("pictures", encoding="utf-8")
    done = captured(["decide", str(INCIDENT), "--case", str(tmp_path)])

    assert done.status == EXIT_BAD_INPUT
    assert "found holiday.txt in it; expected a new or empty folder" in done.text
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.txt"]


def test_another_case_is_never_overwritten_and_the_same_is_left_as_it_is(folder: Path) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}

    assert captured(["decide", str(INCIDENT), "--case", str(folder)]).status == 0
    assert captured(["decide", str(ROOT / "pcaps" / "healthy-hour"), "--case", str(folder)]).status == EXIT_BAD_INPUT
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before


def test_scripts_read_what_differs(folder: Path, copied: Path) -> None:
    name = next(name for name in INPUTS if name.startswith("telemetry/"))
    flipped(copied / name, 0.5)
    document = json.loads(captured(["verify", str(folder), str(copied), "--format", "json"]).text)

    schema("verification").validate(document)
    assert not document["reproduced"]
    assert ("input", name) in {(each["part"], each["place"]) for each in document["differences"]}


def test_a_table_of_flow_records_is_kept_by_the_digests_of_its_columns() -> None:
    content = b"time,source,destination,path,sent,lost\n1,a,b,a>b,10,0\n2,a,b,a>b,10,%d\n"
    tables = [
        table
        for lost in (0, 1)
        for table in read_flow_table(content % lost, Origin("flows.csv", EvidenceType.FLOWS))
        if isinstance(table, FlowTable)
    ]
    first, second = (typed(table)["columns"] for table in tables)

    assert isinstance(first, dict) and isinstance(second, dict)
    assert {column for column in first if first[column] != second[column]} == {"lost"}
