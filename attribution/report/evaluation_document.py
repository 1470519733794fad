"""An evaluation as the one JSON object that scripts read; rules/schemas/evaluation.json describes it."""

from __future__ import annotations

import json

from attribution.model.evaluation import (
    SURE,
    AnswerScore,
    Case,
    Errors,
    Evaluation,
    Proportion,
    Reliability,
    Score,
    Told,
    Trial,
    TrueCause,
    Truth,
)
from attribution.model.verdict import Cause
from attribution.report.moment import render_time

SCHEMA = "attribution/evaluation/1"
_DIGITS = 6


def render_evaluation_json(evaluation: Evaluation) -> str:
    """One object, ASCII only, the same for the same corpus and program: no times of this run are in it."""
    return json.dumps(evaluation_document(evaluation), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def evaluation_document(evaluation: Evaluation) -> dict[str, object]:
    """The evaluation as plain dictionaries, lists, numbers and text."""
    return {
        "schema": SCHEMA,
        "corpora": list(evaluation.corpora),
        "sure_from": SURE,
        "bundles": len(evaluation.trials),
        "unlabelled": evaluation.unlabelled,
        "overall": _score(evaluation.overall, bins=True),
        "baselines": {method: _answers(score) for method, score in evaluation.baselines.items()},
        "confusion": [
            {"true": true.value, "told": told.value, "count": count}
            for (true, told), count in sorted(evaluation.confusion.items())
        ],
        "groups": {
            dimension: {name: _score(score, bins=False) for name, score in groups.items()}
            for dimension, groups in evaluation.groups.items()
        },
        "records": [_record(trial) for trial in evaluation.trials],
        "broken": [{**_case(broken.case), "reason": broken.reason} for broken in evaluation.broken],
    }


def _score(score: Score, bins: bool) -> dict[str, object]:
    answers = _answers(score.answers)
    del answers["component"]  # the verdict's own counts every case it decided, not those alone that it decided rightly
    return {
        **answers,
        "clause": _proportion(score.clause),
        "component": _proportion(score.component),
        "kind": _proportion(score.kind),
        "located": _proportion(score.located),
        "sure_and_wrong": _proportion(score.sure_and_wrong),
        "stated": _reliability(score.stated, bins),
        "likeliest": _reliability(score.likeliest, bins),
        "brier_parties": _number(score.brier_parties),
        "onset": _errors(score.onset),
        "end": _errors(score.end),
    }


def _answers(score: AnswerScore) -> dict[str, object]:
    return {
        "bundles": score.bundles,
        "agreement": _proportion(score.agreement),
        "party": _proportion(score.party),
        "decided": _proportion(score.decided),
        "abstained": _proportion(score.abstained),
        "component": _proportion(score.component),
        "wrong_party": score.wrong_party,
        "overclaimed": score.overclaimed,
    }


def _proportion(proportion: Proportion) -> dict[str, object]:
    return {
        "right": proportion.right,
        "of": proportion.of,
        "share": _number(proportion.share),
        "low": _number(proportion.low),
        "high": _number(proportion.high),
    }


def _reliability(reliability: Reliability, bins: bool) -> dict[str, object]:
    figures: dict[str, object] = {
        "count": reliability.count,
        "brier": _number(reliability.brier),
        "log_loss": _number(reliability.log_loss),
        "ece_width": _number(reliability.ece_width),
        "ece_mass": _number(reliability.ece_mass),
    }
    if bins:
        figures["bins"] = [
            {
                "low": _number(part.low),
                "high": _number(part.high),
                "mean_probability": _number(part.mean_probability),
                "right": _proportion(part.right),
            }
            for part in reliability.bins
        ]
    return figures


def _errors(errors: Errors) -> dict[str, object]:
    return {
        "count": errors.count,
        "median_s": _number(errors.median_s),
        "ninetieth_s": _number(errors.ninetieth_s),
        "bias_s": _number(errors.bias_s),
    }


def _record(trial: Trial) -> dict[str, object]:
    marks = trial.marks
    return {
        **_case(trial.case),
        "truth": _truth(trial.truth),
        "verdict": _told(trial.told),
        "marks": {
            "agrees": marks.agrees,
            "wrong": marks.wrong,
            "wrong_and_sure": marks.wrong_and_sure,
            "party": marks.party,
            "clause": marks.clause,
            "component": marks.component,
            "kind": marks.kind,
            "onset_error_s": _number(marks.onset_error_s),
            "end_error_s": _number(marks.end_error_s),
        },
        "baselines": {
            answer.method: {
                "party": answer.party.value,
                "components": None if answer.components is None else list(answer.components),
            }
            for answer in trial.baselines
        },
    }


def _case(case: Case) -> dict[str, object]:
    return {
        "folder": case.folder,
        "scenario": case.scenario,
        "topology": case.topology,
        "profile": case.profile,
        "clock": case.clock,
        "seed": case.seed,
    }


def _truth(truth: Truth) -> dict[str, object]:
    actual = truth.actual_party
    return {
        "party": truth.party.value,
        "actual_party": None if actual is None else actual.value,
        "clauses": list(truth.clauses),
        "causes": [_true_cause(cause) for cause in truth.causes],
    }


def _true_cause(cause: TrueCause) -> dict[str, object]:
    return {
        "component": cause.component,
        "kind": cause.kind.value,
        "side": None if cause.side is None else cause.side.value,
        "start": render_time(cause.interval.start_ns),
        "end": render_time(cause.interval.end_ns),
        "admissible_components": list(cause.admissible_components),
        "admissible_kinds": [kind.value for kind in cause.admissible_kinds],
    }


def _told(told: Told) -> dict[str, object]:
    intervals = told.interruption.intervals
    return {
        "incident": told.incident,
        "party": told.party.value,
        "clause": told.clause,
        "probability": _number(told.probability),
        "parties": {party: _number(mass) for party, mass in told.parties.items()},
        "causes": [_cause(cause) for cause in told.causes],
        "interruption": {
            "detected": told.interruption.detected,
            "start": render_time(min(part.start_ns for part in intervals)) if intervals else None,
            "end": render_time(max(part.end_ns for part in intervals)) if intervals else None,
            "seconds": _number(told.interruption.seconds),
            "seconds_by_party": {name: _number(spent) for name, spent in told.interruption.seconds_by_party.items()},
        },
    }


def _cause(cause: Cause) -> dict[str, object]:
    return {
        "component": cause.component,
        "kind": cause.kind.value,
        "side": None if cause.side is None else cause.side.value,
        "clause": cause.clause,
        "probability": _number(cause.probability),
        "start": render_time(cause.interval.start_ns),
        "end": render_time(cause.interval.end_ns),
        "caused_by": cause.caused_by,
    }


def _number(value: float | None) -> float | None:
    """Rounded, so that the last bits of a sum do not depend on the machine; never minus nought."""
    return None if value is None else round(value, _DIGITS) + 0.0
