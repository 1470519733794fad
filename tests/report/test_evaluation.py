"""An evaluation as table, JSON and page: what it says, and that nothing in a corpus can get out of its cell."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import resources
from xml.etree import ElementTree

import jsonschema
import pytest

from attribution.evaluation.baselines import with_majority_party
from attribution.evaluation.calibration import wilson_proportion
from attribution.evaluation.scoring import evaluate_trials
from attribution.model.evaluation import BaselineAnswer, BrokenCase, Case, Evaluation
from attribution.model.verdict import Party
from attribution.report.drawings import Calibrated, Estimate, draw_distributions, draw_estimates, draw_reliability
from attribution.report.evaluation_document import render_evaluation_json
from attribution.report.evaluation_page import render_evaluation_page
from attribution.report.evaluation_table import render_evaluation_table, share
from attribution.report.layout import width_of
from tests.evaluation.material import ABSTENTION, CUSTOMERS, HIDDEN, NOBODYS, cause, told, trial
from tests.report.verdicts import HOSTILE

CASES = (
    Case("00-crash", "edge-crash", "ring", "all", "right", "1"),
    Case("01-cut", "core-cut", "ring", "no-logs", "off, told", "2"),
    Case("02-clause", "edge-crash", "chain", "all", "off, untold", "3"),
    Case("03-hidden", "edge-crash", "chain", "end-to-end-only", "right", "4"),
    Case("04-vain", "edge-hang", "chain", "all", "right", "5"),
    Case("05-quiet", "healthy", "ring", "all", "right", "6"),
)
ANSWERS = (
    (told(), CUSTOMERS),
    (told(Party.PROVIDER, 0.97, "4.2", [cause("p1")]), CUSTOMERS),
    (told(clause="4.2(4)", causes=[cause(start=2, end=50)]), CUSTOMERS),
    (ABSTENTION, HIDDEN),
    (ABSTENTION, CUSTOMERS),
    (told(Party.NEITHER, 0.98, None, ()), NOBODYS),
)
GUESS = (BaselineAnswer("007 vote", Party.CUSTOMER, ("ce1",)), BaselineAnswer("path elimination", Party.PROVIDER))
TRIALS = tuple(trial(answer, truth, GUESS, case) for case, (answer, truth) in zip(CASES, ANSWERS, strict=True))
BROKEN = (BrokenCase(Case("06-broken", "edge-crash"), "incident.yaml:3: found nothing; expected a window"),)
EVALUATION = evaluate_trials(with_majority_party(TRIALS), BROKEN, ["corpus"], unlabelled=2)
EMPTY = evaluate_trials([], BROKEN, ["corpus"])
BARE = evaluate_trials(TRIALS[:1], (), ["corpus"])
HOSTILE_EVALUATION = evaluate_trials(
    [
        trial(
            told(Party.PROVIDER, causes=[cause(HOSTILE)], clause=HOSTILE),
            CUSTOMERS,
            [BaselineAnswer(HOSTILE, Party.CUSTOMER, (HOSTILE,))],
            Case(*[f"{HOSTILE}{n}\"'&<b>" for n in range(6)]),
        ),
        trial(told(), CUSTOMERS, case=Case("plain")),
    ],
    [BrokenCase(Case(HOSTILE), HOSTILE)],
    [HOSTILE],
)
EVERY = {"full": EVALUATION, "empty": EMPTY, "bare": BARE, "hostile": HOSTILE_EVALUATION}
every_evaluation = pytest.mark.parametrize("evaluation", EVERY.values(), ids=EVERY)
BY = ("scenario", "profile", "topology", "kind", "clock")


def one_line(text: str) -> str:
    """Without the line breaks and the columns."""
    return re.sub(r"\s+", " ", text)


def test_the_table_says_all_that_matters() -> None:
    printed = one_line(render_evaluation_table(EVALUATION, ["profile"], width=240))

    for part in (
        "6 bundles · party right in 75.0 % of those decided · 1 wrong, 1 of them at 0.9 or more · 1 could not be",
        "party right, of all bundles 66.7 % 30.0–90.3 4 of 6",
        "decided, of decidable 80.0 % 37.6–96.4 4 of 5",
        "abstained, of undecidable 100.0 %",
        "clause right, of decided 33.3 % 6.1–79.2 1 of 3",
        "wrong, of verdicts at 0.9 or more 25.0 %",
        "onset of the cause 5 0.00 1.20 0.00",
        "customer 2 1 · · 1",
        "attribution 66.7 % 30.0–90.3 75.0 %",
        "007 vote",
        "path elimination",
        "majority party",
        "no-logs 1 0.0 %",
        "Wrong 01-cut: told provider 4.2 at 0.970 (p1 device_failure); true customer (ce1 device_failure)",
        "Missed 02-clause: clause: told customer 4.2(4)",
        "04-vain: abstained: told undetermined at 0.700",
        "Not decided 06-broken: incident.yaml:3",
    ):
        assert part in printed


@pytest.mark.parametrize("width", [40, 72, 100, 200])
@every_evaluation
def test_no_line_of_the_table_is_wider_than_the_page(evaluation: Evaluation, width: int) -> None:
    printed = render_evaluation_table(evaluation, BY, width=width)

    assert max(width_of(line) for line in printed.splitlines()) <= width


@every_evaluation
def test_the_table_holds_nothing_that_a_terminal_obeys(evaluation: Evaluation) -> None:
    printed = render_evaluation_table(evaluation, BY, width=120)

    assert all(character.isprintable() or character == "\n" for character in printed)


def test_colour_is_asked_for() -> None:
    assert "\x1b[31m" in render_evaluation_table(EVALUATION, BY, colour=True)
    assert "\x1b" not in render_evaluation_table(EVALUATION, BY)


@pytest.mark.parametrize(
    ("right", "of", "shown"),
    [(0, 0, "–"), (5, 5, "100.0 %"), (9999, 10_000, "> 99.9 %"), (1, 10_000, "< 0.1 %"), (2, 3, "66.7 %")],
)
def test_all_is_never_rounded_up_to_nor_none_down_to(right: int, of: int, shown: str) -> None:
    assert share(wilson_proportion(right, of)) == shown


@every_evaluation
def test_the_json_follows_its_schema(evaluation: Evaluation) -> None:
    schema = json.loads((resources.files("attribution") / "rules" / "schemas" / "evaluation.json").read_text("utf-8"))

    jsonschema.Draft202012Validator(schema).validate(with_known_clock(json.loads(render_evaluation_json(evaluation))))


def with_known_clock(document: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    """The made-up hostile clock is no value that the reader of manifests gives."""
    for record in document["records"]:
        record["clock"] = "right"
    return document


def test_a_record_keeps_what_a_calibration_is_fitted_from() -> None:
    record = json.loads(render_evaluation_json(EVALUATION))["records"][3]

    assert (record["scenario"], record["topology"], record["profile"]) == ("edge-crash", "chain", "end-to-end-only")
    assert (record["truth"]["party"], record["truth"]["actual_party"]) == ("undetermined", "customer")
    assert record["verdict"]["parties"] == {"customer": 0.7, "provider": 0.3}
    assert record["truth"]["causes"][0]["kind"] == "device_failure"
    assert record["marks"]["agrees"] is True
    assert record["baselines"]["007 vote"] == {"party": "customer", "components": ["ce1"]}
    assert record["baselines"]["path elimination"]["components"] is None


@every_evaluation
def test_the_page_is_one_well_formed_document_by_itself(evaluation: Evaluation) -> None:
    """Every element closed, no script, nothing loaded from anywhere."""
    page = render_evaluation_page(evaluation)
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    attributes = {name for element in root.iter() for name in element.attrib}

    assert not names & {"script", "link", "img", "iframe", "object", "embed", "b1", "form"}
    assert not {name for name in attributes if name.startswith("on")} | (attributes & {"href", "src"})
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page)
    assert len(render_evaluation_page(evaluation)) < 200_000


@every_evaluation
def test_the_page_shows_marks_of_direction_and_control_and_does_not_obey_them(evaluation: Evaluation) -> None:
    page = render_evaluation_page(evaluation)

    assert all(character.isprintable() or character == "\n" for character in page)
    assert "<script" not in page
    assert "<b>0" not in page


def test_the_page_has_every_plot_and_every_group() -> None:
    page = render_evaluation_page(EVALUATION)
    titles = re.findall(r"<h2>(.*?)</h2>", page)

    assert titles == [
        "Right and wrong",
        "Beside simple methods",
        "Whether stated probabilities can be believed",
        "How sure, where the evidence carries an answer and where it does not",
        "How far the cause&#x27;s onset and end are off",
        "True and told party",
        "By scenario",
        "By what evidence was left",
        "By topology",
        "By kind of the first cause",
        "By the sources&#x27; clocks",
        "Wrong verdicts, the surest first",
        "Abstained in vain, or wrong in a detail",
        "Could not be decided",
        "Every bundle",
    ]
    assert page.count("<svg") == 11
    assert page.count('role="img"') == page.count("<svg")


def test_the_page_is_for_light_and_dark_screens_and_colours_by_class_alone() -> None:
    page = render_evaluation_page(EVALUATION)
    style, _, body = page.partition("</style>")

    assert "prefers-color-scheme: dark" in style
    assert not re.search(r'(?:fill|stroke|color)="', body)


def test_a_dot_lies_where_its_share_is_and_its_whisker_within_the_plot() -> None:
    drawn = ElementTree.fromstring(draw_estimates("title", [Estimate("half", 0.5, 0.25, 1.0, "50 %")]))
    lines = [element.attrib for element in drawn.iter() if element.tag.endswith("line")]
    grid = sorted(float(line["x1"]) for line in lines if line["class"] == "grid")
    whisker = next(line for line in lines if line["class"] == "whisker")
    dot = next(element.attrib for element in drawn.iter() if element.tag.endswith("circle"))

    assert float(dot["cx"]) == pytest.approx((grid[0] + grid[-1]) / 2)
    assert (float(whisker["x1"]), float(whisker["x2"])) == pytest.approx((grid[1], grid[-1]))


def test_the_diagonal_of_a_reliability_diagram_is_where_stated_and_true_agree() -> None:
    drawn = ElementTree.fromstring(draw_reliability("title", [Calibrated(0.7, 0.7, 0.5, 0.8, 10)]))
    diagonal = next(element.attrib for element in drawn.iter() if element.get("class") == "diagonal")
    dot = next(element.attrib for element in drawn.iter() if element.tag.endswith("circle"))
    x1, y1, x2, y2 = (float(diagonal[name]) for name in ("x1", "y1", "x2", "y2"))

    assert (float(dot["cx"]) - x1) / (x2 - x1) == pytest.approx(0.7)
    assert (float(dot["cy"]) - y1) / (y2 - y1) == pytest.approx(0.7)


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0, 5.0], [1e-7, 1e7]])
def test_a_distribution_of_anything_can_be_drawn(values: list[float]) -> None:
    ElementTree.fromstring(draw_distributions("title", [("series", values)], "seconds"))


def test_a_long_name_is_cut_and_a_large_corpus_folded() -> None:
    many = [replace(TRIALS[0], case=Case(f"b{n:04d}", f"scenario-{'x' * 80}-{n}")) for n in range(100)]
    page = render_evaluation_page(evaluate_trials(many, (), ["corpus"]))

    assert "<summary>100 groups</summary>" in page
    assert "<summary>100 bundles</summary>" in page
