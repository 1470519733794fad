"""The calibration is fitted on evaluations of labelled corpora, and judged on kinds and topologies left out.

An evaluation made with `attribution evaluate --uncalibrated` states the posterior itself. How often its favourite was
right, as a function of what it stated, is fitted by pooling adjacent violators; blocks with few incidents are pooled
with their neighbours, so that a step means something. Where no block was right clearly less often than it stated, the
posterior deserves its word, and only the last block is kept: from there on nothing makes one verdict surer than others;
and before it those twentieths in which the posterior was clearly too timid. What a step promises is what so many
incidents can vouch for, not what they showed. Bundles about which experts could
disagree take part in the fit, since users hand in such too; how well it holds is told of them apart.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attribution.evaluation.calibration import (
    bins_of_equal_width,
    brier_score,
    calibration_error,
    fit_isotonic,
    leave_one_group_out,
    wilson_proportion,
)
from attribution.model.verdict import Party
from attribution.responsibility.calibration import Calibration, Counted
from attribution.responsibility.costs import choose_party, load_decision_rule
from tests.lab.errors import UsageError

_LEAST_OF_A_STEP = 200
_TENTHS = (0.0, 0.6, 0.7, 0.8, 0.9)
_TOO_BOLD = 0.05
"""A block that was right so much less often than it stated has to be mended."""

_A_CLAIM = 0.6
"""Below this the posterior claims nothing: of two parties as probable as each other, either may be its favourite."""

_SURE_FROM = 0.9
"""From here on a posterior is near certainty, and may be mended to one number."""

_NOT_SURE = 0.89
"""What was stated with less than near certainty is not made sure, whatever the count."""

_TWENTIETHS = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
"""Where the posterior may have been too timid: from each of these to the next, the highest first."""

_FEWEST_RECORDINGS = 40
"""Fewer cannot vouch for nine in ten even if all were right."""

_SAME = 0.02
"""Steps closer than this are one: what a few hundred incidents cannot tell apart must not make one verdict surer."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the posterior stated of an incident, who was it, and whether that can be told from the evidence.

    `arguable`: experts could disagree on whether it can be told.
    """

    stated: dict[Party, float]
    party: Party
    decidable: bool
    kind: str
    topology: str
    arguable: bool = False
    recording: str = ""
    """Bundles of one recording are no independent cases; each is its own where nothing tells."""

    @property
    def favourite(self) -> Party:
        """The party that the posterior favours."""
        return max(self.stated, key=lambda party: self.stated[party])


def read_cases(files: Sequence[Path], arguable: Sequence[Path] = ()) -> list[Case]:
    """The incidents of evaluations whose true party is known, and those of corpora of arguable bundles."""
    return [*_read(files), *(replace(case, arguable=True) for case in _read(arguable))]


def _read(files: Sequence[Path]) -> list[Case]:
    cases = []
    for file in files:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if document.get("schema") != "attribution/evaluation/1":
            raise UsageError(f"{file}: found no evaluation; expected what attribution evaluate --format json writes")
        for record in document["records"]:
            actual = record["truth"]["actual_party"]
            if actual in ("customer", "provider", "shared", "neither"):
                stated = {Party(name): value for name, value in record["verdict"]["parties"].items()}
                recording = f"{file.stem if '/' not in record['folder'] else ''}{record['folder'].partition('-')[0]}"
                cases.append(Case(stated, Party(actual), record["truth"]["party"] != "undetermined",
                                  record["scenario"], record["topology"], recording=recording))
    return cases


def fit_calibration(cases: Sequence[Case]) -> Calibration:
    """How often the favourite was right, by what was stated for it: steps that never fall."""
    points = sorted((case.stated[case.favourite], case.favourite is case.party) for case in cases)
    curve = fit_isotonic([stated for stated, _ in points], [float(right) for _, right in points])
    blocks: list[tuple[float, int, int]] = []  # from which probability on, how many, how many right
    last: float | None = None
    for stated, right in points:
        value = curve(stated)
        if last is None or (value != last and blocks[-1][1] >= _LEAST_OF_A_STEP):
            blocks.append((stated, 0, 0))
        first, count, good = blocks[-1]
        blocks[-1] = (first, count + 1, good + right)
        last = value
    if len(blocks) > 1 and blocks[-1][1] < _LEAST_OF_A_STEP:
        (_, count, good), (first, more, better) = blocks.pop(), blocks.pop()
        blocks.append((first, count + more, good + better))
    for index in range(len(blocks) - 1, 0, -1):
        (first, count, good), (_, more, better) = blocks[index - 1], blocks[index]
        if better / more - good / count < _SAME:
            blocks[index - 1 : index + 1] = [(first, count + more, good + better)]
    if blocks[-1][0] < _SURE_FROM:  # what was stated with less is not to be made sure by what was stated with more
        sure = [right for stated, right in points if stated >= _SURE_FROM]
        (first, count, good) = blocks.pop()
        blocks += [(first, count - len(sure), good - sum(sure))] if count > len(sure) else []
        blocks += [(_SURE_FROM, len(sure), sum(sure))] if sure else []
    # Half a case on either side keeps a step of few incidents from claiming certainty (Jeffreys' rule).
    values = [(good + 0.5) / (count + 1) for _, count, good in blocks]
    rising = [max(values[: index + 1]) for index in range(len(values))]
    starts, honest = [first for first, _, _ in blocks], True
    for start, end, (_, count, good) in zip(starts, [*starts[1:], 2.0], blocks, strict=True):
        told = [value for value, _ in points if start <= value < end]
        stated = sum(told) / len(told)
        honest = honest and (stated < _A_CLAIM or good / count >= stated - _TOO_BOLD)
    if honest:
        # Near certainty no more is promised than so many incidents can vouch for: the lower end of the interval.
        first, count, good = blocks[-1]
        steps = [(round(first, 4), round(wilson_proportion(good, count).low, 4))]
        for start, vouched in _below(cases, first):
            steps.insert(0, (start, min(vouched, steps[0][1])))
        return Calibration(tuple(start for start, _ in steps), tuple(value for _, value in steps))
    return Calibration(tuple(round(s, 4) for s in starts), tuple(round(v, 4) for v in rising))


def _below(cases: Sequence[Case], plateau: float) -> Iterator[tuple[float, float]]:
    """Stretches below the plateau in which as much was right as was stated there, the highest first, down to the last
    in which clearly more was: the posterior was too timid there.

    From which probability on, and what so many can vouch for, but no less than was stated: one case for each recording,
    wrong if any of its bundles was. A stretch is a twentieth, or several where one has too few recordings.
    """
    end, steps, timid = plateau, [], 0
    for start in _TWENTIETHS:
        members = [case for case in cases if start <= case.stated[case.favourite] < end]
        right: dict[str, bool] = {}
        for number, case in enumerate(members):
            recording = case.recording or str(number)
            right[recording] = right.get(recording, True) and case.favourite is case.party
        if len(right) < _FEWEST_RECORDINGS:
            continue
        stated = sum(case.stated[case.favourite] for case in members) / len(members)
        vouched = wilson_proportion(sum(right.values()), len(right)).low
        if sum(right.values()) < stated * len(right):
            break
        promised = max(vouched, stated)
        steps.append((start, round(promised if start >= _SURE_FROM else min(promised, _NOT_SURE), 4)))
        timid = len(steps) if vouched >= stated + _SAME else timid
        end = start
    yield from steps[:timid]


@dataclass(frozen=True, slots=True)
class Figures:
    """How good probabilities and decisions are on some cases."""

    cases: int
    ece: float
    brier: float
    decided: int
    wrong: int
    wrong_and_sure: int
    decidable: int
    decided_decidable: int

    def __str__(self) -> str:
        return (f"{self.cases} incidents, ECE {self.ece:.4f}, Brier {self.brier:.4f}; of {self.decidable} decidable "
                f"ones {self.decided_decidable} decided; of {self.decided} decided ones {self.wrong} wrong, "
                f"{self.wrong_and_sure} of them at 0.9 or more")


def judge_calibrations(pairs: Sequence[tuple[Case, Calibration]]) -> Figures:
    """The figures of cases, each mended by a calibration (which, held out, never saw its group)."""
    rule = load_decision_rule()
    forecasts, decided, wrong, sure, told = [], 0, 0, 0, 0
    for case, calibration in pairs:
        mended = calibration.mend(case.stated)
        forecasts.append((mended[case.favourite], case.favourite is case.party))
        said = choose_party(mended, rule)
        if said is not Party.UNDETERMINED:
            decided += 1
            told += case.decidable
            wrong += said is not case.party
            sure += said is not case.party and mended[said] >= 0.9
    ece, brier = calibration_error(bins_of_equal_width(forecasts)), brier_score(forecasts)
    return Figures(len(pairs), ece or 0.0, brier or 0.0, decided, wrong, sure,
                   sum(case.decidable for case, _ in pairs), told)


def hold_out(cases: Sequence[Case], groups: Sequence[Hashable]) -> list[tuple[Case, Calibration]]:
    """Each case with a calibration that was fitted on all other groups."""
    pairs: list[tuple[Case, Calibration]] = []
    for split in leave_one_group_out(groups):
        calibration = fit_calibration([cases[index] for index in split.fit])
        pairs += [(cases[index], calibration) for index in split.test]
    return pairs


def describe(cases: Sequence[Case]) -> Iterator[tuple[str, Figures]]:
    """The figures before, after, and for kinds and topologies that the fit had not seen; arguable bundles apart."""
    fitted = fit_calibration(cases)
    ways = {
        "as stated": [(case, Calibration()) for case in cases],
        "fitted on the same": [(case, fitted) for case in cases],
        "kinds left out": hold_out(cases, [case.kind for case in cases]),
        "topologies left out": hold_out(cases, [case.topology for case in cases]),
    }
    for name, pairs in ways.items():
        yield name, judge_calibrations([pair for pair in pairs if not pair[0].arguable])
    arguable = [pair for pair in ways["kinds left out"] if pair[0].arguable]
    if arguable:
        yield "arguable, kinds left out", judge_calibrations(arguable)


def count_right(cases: Sequence[Case], calibration: Calibration) -> Iterator[Counted]:
    """How often the favourite was right, by tenths of what was stated for it; together where one number mends all."""
    plateau = calibration.thresholds[-1]
    starts = [*(start for start in _TENTHS if start < plateau), plateau]
    for start, end in zip(starts, [*starts[1:], 2.0], strict=True):
        right = [case.favourite is case.party for case in cases if start <= case.stated[case.favourite] < end]
        if right:
            yield Counted(start, round(sum(right) / len(right), 4), len(right))


def write_calibration(cases: Sequence[Case], fitted_on: str, output: Path) -> None:
    """The rule file, with what it was fitted on and how well it held."""
    calibration = fit_calibration(cases)
    lines = [
        "# How often the party that the posterior favours was right, by the probability that it stated for it. A",
        "# posterior that states at least `stated` for its favourite is mended to `right`; below the first step it is",
        "# taken at its word. Written by `python -m tests.lab calibrate`; do not edit by hand.",
        "",
        f"source = {json.dumps(fitted_on)}",
        "",
        "[figures]",
        *(f"{json.dumps(name)} = {json.dumps(str(figures))}" for name, figures in describe(cases)),
    ]
    for stated, right in zip(calibration.thresholds, calibration.values, strict=True):
        lines += ["", "[[step]]", f"stated = {stated}", f"right = {right}"]
    lines += ["", "# What was counted, by what was stated: it mends nothing, reports quote it."]
    for entry in count_right(cases, calibration):
        lines += ["", "[[counted]]", f"stated = {entry.stated}", f"right = {entry.right}"]
        lines += [f"incidents = {entry.incidents}"]
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
