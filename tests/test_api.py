"""The public interface: verdicts are values with documents and tables, and a case is read once and asked often."""

from __future__ import annotations

import inspect
import json
import pickle
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pandas
import pytest
from jsonschema import Draft202012Validator

import attribution
from attribution.api import Source, _public
from attribution.model import verdict as model
from attribution.report import render_json
from attribution.report.wording import LANGUAGES
from tests.report.verdicts import HOSTILE_VERDICT, UNDETERMINED

PCAPS = Path(__file__).parent.parent / "pcaps"
SMALL = PCAPS / "provider-gateway-line-cut-logs-only"
TIMES = "datetime64[ns, UTC]"


@pytest.fixture(scope="module")
def verdict() -> attribution.Verdict:
    return attribution.decide(SMALL)


@pytest.fixture(scope="module")
def case() -> attribution.Case:
    return attribution.load(SMALL)


def published(verdict: model.Verdict) -> attribution.Verdict:
    return _public(verdict, Source(Path("nowhere")))


def test_a_verdict_has_everything_that_the_program_knows_of_it(verdict: attribution.Verdict) -> None:
    assert verdict.party is attribution.Party.PROVIDER
    assert verdict.clause == "4.2"
    assert 0.5 < verdict.probability <= 1.0
    assert sum(verdict.parties.values()) == pytest.approx(1.0)
    assert verdict.interruption.seconds > 0
    assert [cause.kind for cause in verdict.causes] == [attribution.CauseKind.LINK_FAILURE]
    assert all(isinstance(piece, attribution.WeighedEvidence) for piece in verdict.evidence)
    assert {file.file for file in verdict.inputs} > {"incident.yaml"}


def test_its_document_is_what_the_command_prints_and_the_schema_describes(
    verdict: attribution.Verdict, capsys: pytest.CaptureFixture[str]
) -> None:
    from attribution.cli import run

    schema = json.loads((resources.files("attribution") / "rules/schemas/verdict.json").read_text(encoding="utf-8"))
    assert run(["decide", str(SMALL), "--format", "json"]) == 0

    assert verdict.to_json() == capsys.readouterr().out
    assert verdict.to_dict() == json.loads(verdict.to_json())
    Draft202012Validator(schema).validate(verdict.to_dict())


def test_verdicts_compare_by_what_they_say_and_pickle(verdict: attribution.Verdict) -> None:
    again = pickle.loads(pickle.dumps(verdict))

    assert again == verdict == attribution.decide(str(SMALL))
    assert again != replace(verdict, probability=0.5)
    assert again.to_json() == verdict.to_json()
    assert again.timeline_frame().equals(verdict.timeline_frame())


def test_a_pickled_verdict_does_not_carry_what_was_read_for_its_reports(verdict: attribution.Verdict) -> None:
    before = len(pickle.dumps(attribution.decide(SMALL)))
    verdict.dossier()

    assert len(pickle.dumps(verdict)) == before


@pytest.mark.parametrize("lang", LANGUAGES)
def test_papers_come_in_both_languages(verdict: attribution.Verdict, lang: str) -> None:
    assert verdict.incident in verdict.to_markdown(lang)
    assert verdict.incident in verdict.to_letter(lang)


def test_a_language_that_nobody_wrote_is_refused(verdict: attribution.Verdict) -> None:
    with pytest.raises(attribution.AttributionError, match="expected en"):
        verdict.to_markdown("tlh")


def test_evidence_is_a_table(verdict: attribution.Verdict) -> None:
    frame = verdict.evidence_frame()

    assert list(frame.index) == [piece.id for piece in verdict.evidence]
    assert frame["weight"].tolist() == [piece.weight for piece in verdict.evidence]
    assert frame["time"].dtype == TIMES
    assert frame.loc["e1", "statement"] == verdict.evidence[0].statement


def test_the_timeline_is_a_table(verdict: attribution.Verdict, case: attribution.Case) -> None:
    frame = verdict.timeline_frame()

    assert frame["time"].is_monotonic_increasing
    assert set(frame["evidence"].dropna()) == {piece.id for piece in verdict.evidence}
    assert frame.equals(case.timeline())


def test_empty_tables_have_the_same_columns_and_types(verdict: attribution.Verdict) -> None:
    empty = published(replace(UNDETERMINED, evidence=())).evidence_frame()

    assert len(empty) == 0
    assert (empty.dtypes == verdict.evidence_frame().dtypes).all()
    assert empty.index.name == "id"


def test_tables_are_described_as_they_are(case: attribution.Case, verdict: attribution.Verdict) -> None:
    """Every column stands in the documentation of what gives the table."""
    for frame, documented in (
        (case.observations(), attribution.Case.observations),
        (case.timeline(), attribution.Case.timeline),
        (verdict.evidence_frame(), attribution.Verdict.evidence_frame),
    ):
        described = inspect.getdoc(documented) or ""
        assert [column for column in frame.columns if f"`{column}`" not in described] == []


def test_a_changed_file_is_named_when_a_report_needs_it(tmp_path: Path) -> None:
    folder = tmp_path / "incident"
    shutil.copytree(SMALL, folder)
    given = attribution.decide(folder)
    log = folder / "telemetry" / "syslog-provider.log"
    log.write_bytes(log.read_bytes() + b"<189>Nov 24 18:30:00 vg41 one more line\n")

    with pytest.raises(attribution.AttributionError, match=r"telemetry/syslog-provider\.log: has changed"):
        given.timeline_frame()
    assert given.to_json() == attribution.decide(SMALL).to_json()


def test_a_verdict_whose_files_are_gone_still_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "incident"
    shutil.copytree(SMALL, folder)
    given = attribution.decide(folder)
    shutil.rmtree(folder)

    assert given.summary
    with pytest.raises(attribution.AttributionError, match="found nothing there"):
        given.dossier()


def test_reports_are_of_the_evidence_that_the_verdict_was_given_on() -> None:
    left = "telemetry/syslog-provider.log"
    without = attribution.decide(SMALL, without=[left])

    assert left not in {file.file for file in without.inputs}
    assert left not in set(without.timeline_frame()["file"])


def test_a_case_decides_again_and_again(case: attribution.Case, verdict: attribution.Verdict) -> None:
    left = ["telemetry/syslog-provider.log"]

    assert case.decide() == verdict
    assert case.decide(left) == attribution.decide(SMALL, left) != verdict
    assert case.decide() == verdict
    assert case.explain(["e1"]) == attribution.explain(SMALL, ["e1"])


def test_a_case_knows_what_it_is_about(case: attribution.Case, verdict: attribution.Verdict) -> None:
    assert case.incident.id == verdict.incident
    assert set(case.incident.service.ends) <= set(case.topology.nodes)
    assert verdict.incident in repr(case)


def test_observations_are_what_the_files_state(case: attribution.Case) -> None:
    frame = case.observations()

    assert frame["time"].dtype == TIMES
    assert {"log", "probe", "caveat"} <= set(frame["observation"])
    logged = frame[frame["observation"] == "log"]
    assert logged["text"].notna().all() and logged["device"].notna().all()
    probes = frame[frame["observation"] == "probe"]
    assert (probes["lost"] <= probes["sent"]).all()
    assert frame.loc[frame["observation"] == "caveat", "time"].isna().all()


def test_an_archive_stays_readable_until_the_case_is_closed(tmp_path: Path, verdict: attribution.Verdict) -> None:
    packed = tmp_path / "incident.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(SMALL, "incident")

    with attribution.load(packed) as case:
        assert case.decide() == verdict
        assert len(case.timeline()) > 0
    assert isinstance(case.observations(), pandas.DataFrame)


def test_a_case_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(attribution.AttributionError, match="found nothing there"):
        attribution.load(tmp_path / "nowhere")


class _Markup(HTMLParser):
    """Collects the elements and the text of a card."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.elements.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_notebook_shows_the_answer(verdict: attribution.Verdict) -> None:
    card = _Markup(verdict._repr_html_())

    assert card.elements <= {"div", "p", "strong", "table", "tr", "th", "td", "small"}
    assert "The provider is responsible, clause 4.2" in card.text
    assert "e1" in card.text


def test_a_notebook_never_runs_what_evidence_holds() -> None:
    hostile = published(HOSTILE_VERDICT)
    card = _Markup(hostile._repr_html_())

    assert card.elements <= {"div", "p", "strong", "table", "tr", "th", "td", "small"}
    assert "\x1b" not in hostile._repr_html_()
    assert all(character.isprintable() for character in hostile._repr_html_())


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    for name in attribution.__all__:
        assert inspect.getdoc(getattr(attribution, name)), name
    assert set(attribution.__all__) <= set(dir(attribution))


def test_every_public_method_is_documented() -> None:
    for home in (attribution.Case, attribution.Verdict):
        for name, member in vars(home).items():
            if not name.startswith("_") and (callable(member) or isinstance(member, property)):
                assert inspect.getdoc(member), f"{home.__name__}.{name}"


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, attribution; print(sorted(m for m in sys.modules if m.split('.')[0] == 'attribution'))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == "['attribution']"


def test_deciding_loads_no_pandas_until_a_table_is_asked_for() -> None:
    code = (
        "import sys, attribution\n"
        f"verdict = attribution.decide({str(SMALL)!r})\n"
        "verdict.to_json(), verdict.to_markdown(), verdict._repr_html_()\n"
        "print('pandas' in sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "False"


def test_the_plain_model_and_the_public_verdict_print_the_same(verdict: attribution.Verdict) -> None:
    assert render_json(verdict) == verdict.to_json()
    assert isinstance(verdict, model.Verdict)
