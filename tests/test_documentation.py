"""What the documentation shows is true: its commands exist, its examples validate, its tables are complete."""

from __future__ import annotations

import ast
import csv
import json
import re
import shlex
import shutil
import tomllib
from importlib import resources
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

import attribution
from attribution.cli import EXIT_BY_PARTY, cli
from attribution.cli.capture import capture
from attribution.cli.evaluate import evaluate
from attribution.evaluation.baselines import BASELINES, MAJORITY_PARTY
from attribution.model.incident import EvidenceType
from attribution.model.verdict import Party
from attribution.pipeline import decide
from attribution.readers.incident import EVIDENCE_KEYS, INCIDENT_KEYS, SERVICE_KEYS, WINDOW_KEYS
from attribution.readers.message_rules import meanings
from attribution.report import render_table
from attribution.responsibility.facts import FACTS
from tests.documented import PAGES, ROOT, missing_from, ran, steps_of
from tests.reference_pages import GENERATED, REFERENCE, commands
from tests.report.rendered_markdown import rendered
from tests.responsibility.scenarios import read_scenarios


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def test_readme_sets_up_in_its_first_two_command_lines() -> None:
    """.ci/run takes them from here; the first decides an incident of this repository, the second tests."""
    lines = re.findall(r"^    (\S.*)$", read("README.md"), re.M)[:2]
    decided = shlex.split(lines[0])[-1]

    assert lines[0].startswith("python3 -m venv .venv && ")
    assert (ROOT / decided / "incident.yaml").is_file()
    assert "'.[test]'" in lines[1]
    assert "pytest" in lines[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    """`attribution NAME …` in running text names a command of the program."""
    named = set(re.findall(r"`attribution ([a-z]+)\b", page.read_text(encoding="utf-8")))

    assert named <= set(cli.commands)


def test_the_json_example_validates() -> None:
    schema = resources.files("attribution") / "rules" / "schemas" / "verdict.json"
    example = re.search(r"```json\n(.*?)```", read("docs/verdict.md"), re.S)

    assert example is not None
    Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(json.loads(example[1]))


def test_the_clauses_page_names_every_fact() -> None:
    table = read("docs/clauses.md").split("| fact | values |")[1]

    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.M)) == {*FACTS, "clause"}


def test_the_story_of_the_clauses_page_is_told_in_the_cases() -> None:
    examples = re.findall(r"```toml\n(\[\[scenario.*?)```", read("docs/clauses.md"), re.S)
    stories = {scenario.story for scenario in read_scenarios()}

    assert {entry["story"] for text in examples for entry in tomllib.loads(text)["scenario"]} <= stories
    assert examples


def test_readme_shows_what_its_first_line_prints() -> None:
    """The answer in the picture is the answer of today; its numbers may differ by a little."""
    shown = re.search(r"```text\n(.*?)```", read("README.md"), re.S)
    verdict = decide(ROOT / "pcaps" / "customer-edge-crash")

    assert shown is not None
    headline, clause = render_table(verdict).splitlines()[0], f"clause {verdict.clause}"
    assert shown[1].splitlines()[0].split(" · ")[0] == headline.split(" · ")[0]
    assert (verdict.party, verdict.clause) == (Party.CUSTOMER, "4.2(2)")
    assert f"{verdict.incident}:" in shown[1]
    assert clause in shown[1]


def test_readmes_python_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    snippet = re.search(r"```python\n(.*?)```", read("README.md"), re.S)
    monkeypatch.chdir(ROOT)

    assert snippet is not None
    exec(compile(snippet[1], "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("customer 4.2(2)")


NOT_RUN = ("python3 -m venv", ".venv/bin/", "pip install", "git ", ".ci/run")
"""What sets the program up, and .ci/run runs by itself."""
PAGES_WITH_COMMANDS = [page for page in PAGES if steps_of(page)]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_line_runs_and_prints_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """As they stand, one after the other, in a folder beside the recorded incidents."""
    for name in ("pcaps", "topologies", "docs", "attribution", "tests", "benchmarks"):
        (tmp_path / name).symlink_to(ROOT / name)
    for step in steps_of(page):
        if step.line.startswith(NOT_RUN):
            continue
        if (tool := step.line.split()[0]) in ("zstd", "jq", "tshark") and shutil.which(tool) is None:
            continue
        done = ran(step.line, tmp_path)
        where = f"{step.page}, line {step.number}: {step.line}"
        assert done.status == step.status, f"{where}\n{done.complained}"
        complaints = [line for line in done.complained.splitlines() if not line.endswith("shows them")]
        assert step.status or not complaints, f"{where}\n{done.complained}"
        assert missing_from(step.shown, done.printed) == [], where


CAPTURE_COMMANDS = [step.line for step in steps_of(ROOT / "docs" / "captures.md")]


def test_the_captures_page_shows_every_command_and_format() -> None:
    text = "\n".join(CAPTURE_COMMANDS)

    assert {f"capture {name}" in text for name in capture.commands} == {True}
    assert {f"--format {name}" in text for name in ("json", "ndjson", "csv")} == {True}


def keys_of(schema: object) -> set[str]:
    """The names of all properties that a JSON Schema knows."""
    if isinstance(schema, list):
        return {key for part in schema for key in keys_of(part)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties")
    own = set(properties) if isinstance(properties, dict) else set()
    return own | {key for part in schema.values() for key in keys_of(part)}


@pytest.mark.parametrize("name", ["capture-summary", "capture-comparison"])
def test_the_captures_page_explains_every_field(name: str) -> None:
    schema = (resources.files("attribution") / "rules" / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    keys = keys_of(json.loads(schema))

    assert len(keys) > 20
    assert {key for key in keys if not re.search(rf"\b{key}\b", read("docs/captures.md"))} == set()


def test_the_capture_pages_python_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    snippet = re.search(r"```python\n(.*?)```", read("docs/captures.md"), re.S)
    monkeypatch.chdir(ROOT)

    assert snippet is not None
    exec(compile(snippet[1], "captures.md", "exec"), {})
    assert "lost_downstream" in capsys.readouterr().out


def test_the_evaluation_page_explains_every_option_and_field() -> None:
    page = read("docs/evaluate.md")
    schema = (resources.files("attribution") / "rules" / "schemas" / "evaluation.json").read_text(encoding="utf-8")
    options = {name for option in evaluate.params for name in (*option.opts, *option.secondary_opts) if "--" in name}

    assert {key for key in keys_of(json.loads(schema)) if not re.search(rf"\b{key}\b", page)} == set()
    assert {name for name in options if name not in page} == {"--no-color"}
    assert {method for method in (*BASELINES, MAJORITY_PARTY) if f"| {method} |" not in page} == set()


def test_the_evaluation_pages_python_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    snippet = re.search(r"```python\n(.*?)```", read("docs/evaluate.md"), re.S)
    monkeypatch.chdir(ROOT)

    assert snippet is not None
    exec(compile(snippet[1], "evaluate.md", "exec"), {})
    assert capsys.readouterr().out.startswith("Proportion(right=2, of=2")


def test_exit_statuses_of_the_pages_are_the_programs() -> None:
    said = "10 for customer, 11 provider, 12 shared,\n13 neither, 14 undetermined"

    assert said in read("docs/verdict.md")
    assert list(EXIT_BY_PARTY.items()) == [
        ("customer", 10),
        ("provider", 11),
        ("shared", 12),
        ("neither", 13),
        ("undetermined", 14),
    ]


@pytest.mark.parametrize(
    "path", re.findall(r"`((?:attribution|tests)/[\w/.\-]+\.\w+)`", read("docs/architecture.md")), ids=str
)
def test_files_that_the_architecture_names_exist(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_what_follows_from_the_program_was_written_by_it(name: str) -> None:
    """`python -m tests.reference_pages` writes these pages."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == GENERATED[name]()


def test_every_command_and_option_stands_in_the_reference() -> None:
    page = read("docs/reference/command-line.md")
    sections = dict(re.findall(r"^## `([^`]+)`\n(.*?)(?=^## |\Z)", page, re.M | re.S))

    assert set(sections) == {name for name, _ in commands()}
    for name, command in commands():
        options = {opt for param in command.params for opt in param.opts if opt.startswith("-")}
        assert {opt for opt in options if f"`{opt}`" not in sections[name]} == set()


def test_every_rule_file_stands_in_the_reference() -> None:
    rules = ROOT / "attribution" / "rules"
    files = {path.relative_to(rules).as_posix() for path in rules.rglob("*.toml")}

    assert set(re.findall(r"^\| `([\w/.-]+\.toml)` \|", read("docs/reference/rules.md"), re.M)) == files


def test_every_schema_stands_in_the_reference() -> None:
    schemas = {path.stem for path in (ROOT / "attribution" / "rules" / "schemas").glob("*.json")}

    assert set(re.findall(r"^\| `([a-z-]+)` \|", read("docs/reference/formats.md"), re.M)) == schemas


def test_every_key_and_type_of_an_incident_stands_in_the_reference() -> None:
    page = read("docs/reference/incident.md")
    example = re.search(r"```yaml\n(.*?)```", page, re.S)
    keys = {*INCIDENT_KEYS, *SERVICE_KEYS, *WINDOW_KEYS, *EVIDENCE_KEYS}
    types = set(re.findall(r"^\| `([a-z-]+)` \|", page.split("\n## Evidence\n")[1].split("\n## ")[0], re.M))

    assert {key for key in keys if not re.search(rf"\b{key}\b", page)} == set()
    assert types == {kind.value for kind in EvidenceType}
    assert example is not None
    assert set(yaml.safe_load(example[1])) <= set(INCIDENT_KEYS)


def test_the_rule_of_the_vendors_page_is_one_that_works() -> None:
    example = re.search(r"```toml\n(\[\[message.*?)```", read("docs/how-to/add-a-vendors-message.md"), re.S)

    assert example is not None
    rule = tomllib.loads(example[1])["message"][0]
    assert [meaning.rule for line in rule["example"] for meaning in meanings(line)] == [rule["id"]]
    assert rule["id"] not in {meaning.rule for line in rule["counterexample"] for meaning in meanings(line)}


EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples_use_the_public_interface_alone(example: Path) -> None:
    tree = ast.parse(example.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "attribution"
    }

    assert {name for name in imported if name.startswith("attribution")} == {"attribution"}
    assert used <= set(attribution.__all__)
    assert f"]({example.relative_to(ROOT / 'docs').as_posix()})" in read("docs/README.md")


def month(tmp_path: Path, *folders: str) -> tuple[str, list[dict[str, str]]]:
    """What the month's summary writes about some folders."""
    line = f"python {ROOT / 'docs' / 'examples' / 'month_summary.py'} {' '.join(folders)} -o month"
    done = ran(line, tmp_path)
    assert (done.status, done.complained) == (0, "")
    with (tmp_path / "month.csv").open(newline="", encoding="utf-8") as file:
        return (tmp_path / "month.md").read_text(encoding="utf-8"), list(csv.DictReader(file))


def test_a_months_summary_counts_parties_clauses_and_what_is_open(tmp_path: Path) -> None:
    names = ("healthy-hour", "provider-null-route", "customer-edge-crash-end-to-end-only")
    for name in names:
        (tmp_path / "all").mkdir(exist_ok=True)
        (tmp_path / "all" / name).symlink_to(ROOT / "pcaps" / name)
    (tmp_path / "all" / "broken").mkdir()
    (tmp_path / "all" / "broken" / "incident.yaml").write_text("schema: 7\n", encoding="utf-8")
    page, rows = month(tmp_path, "all")
    verdicts = {name: decide(ROOT / "pcaps" / name) for name in names}

    assert {row["folder"]: (row["party"], row["clause"]) for row in rows} == {
        name: (verdict.party.value, verdict.clause or "") for name, verdict in verdicts.items()
    }
    assert "3 incidents decided, 1 that cannot be used." in page
    assert f"| 4.2 | 1 | {verdicts['provider-null-route'].interruption.seconds:.1f} |" in page
    assert f"- **{verdicts['customer-edge-crash-end-to-end-only'].incident}**" in page
    assert {"ask the customer for", "ask the provider for"} <= set(re.findall("ask the \\w+ for", page))
    assert "`broken`: incident.yaml" in page


def test_a_months_summary_obeys_nothing_that_an_incident_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pcaps" / "customer-edge-crash-end-to-end-only", tmp_path / "incident")
    statement = tmp_path / "incident" / "incident.yaml"
    lines = statement.read_text(encoding="utf-8").splitlines()
    hostile = [line if not line.startswith("id:") else "id: '=cmd|<script>[x](https://x)|@all'" for line in lines]
    statement.write_text("\n".join(hostile) + "\n", encoding="utf-8")
    page, rows = month(tmp_path, "incident")

    assert rows[0]["incident"].startswith("'=cmd")
    assert not {"a", "script"} & set(rendered(page).tags)
