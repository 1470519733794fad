"""Right or wrong: one verdict against its truth, and many of them counted up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from attribution.evaluation.calibration import (
    Forecast,
    brier_score_of_parties,
    judge_reliability,
    wilson_proportion,
)
from attribution.model.evaluation import (
    SURE,
    AnswerScore,
    BaselineAnswer,
    BrokenCase,
    Errors,
    Evaluation,
    Marks,
    Proportion,
    Score,
    Told,
    Trial,
    Truth,
)
from attribution.model.incident import NANOSECONDS
from attribution.model.verdict import Party, Verdict

NO_CAUSE = "none"
DIMENSIONS: Mapping[str, Callable[[Trial], str]] = {
    "scenario": lambda trial: trial.case.scenario,
    "profile": lambda trial: trial.case.profile,
    "topology": lambda trial: trial.case.topology,
    "kind": lambda trial: trial.truth.causes[0].kind.value if trial.truth.causes else NO_CAUSE,
    "clock": lambda trial: trial.case.clock,
}
"""What bundles are grouped by; the kind is that of the earliest true cause."""


def told_by(verdict: Verdict) -> Told:
    """What a verdict answered, without its evidence and its words."""
    return Told(
        incident=verdict.incident,
        party=verdict.party,
        clause=verdict.clause,
        probability=verdict.probability,
        parties=dict(verdict.parties),
        causes=verdict.causes,
        interruption=verdict.interruption,
    )


def mark(told: Told, truth: Truth) -> Marks:
    """One verdict against its truth.

    To decide a case that its evidence does not carry is wrong, whatever party is named: nobody could know.
    """
    wrong = told.decided and told.party is not truth.party
    root = told.root
    first = truth.causes[0] if truth.causes else None
    asked = first is not None and truth.blamed
    onset = end = None
    if root is not None and first is not None:
        onset = (root.interval.start_ns - first.interval.start_ns) / NANOSECONDS
        end = (root.interval.end_ns - first.interval.end_ns) / NANOSECONDS
    return Marks(
        agrees=told.party is truth.party,
        wrong=wrong,
        wrong_and_sure=wrong and told.probability >= SURE,
        party=told.party is truth.party if told.decided else None,
        clause=told.clause in truth.clauses if told.decided and truth.blamed else None,
        component=_is(root is not None and first is not None and root.component in first.components, asked),
        kind=_is(root is not None and first is not None and root.kind in first.kinds, asked),
        onset_error_s=onset,
        end_error_s=end,
    )


def _is(right: bool, asked: bool) -> bool | None:
    return right if asked else None


def evaluate_trials(
    trials: Sequence[Trial],
    broken: Sequence[BrokenCase] = (),
    corpora: Sequence[str] = (),
    unlabelled: int = 0,
) -> Evaluation:
    """All figures on a corpus, in the order of its bundles; groups by name."""
    return Evaluation(
        corpora=tuple(corpora),
        overall=score_trials(trials),
        groups={name: _grouped(trials, of) for name, of in DIMENSIONS.items()},
        baselines=_baseline_scores(trials),
        confusion=Counter((trial.truth.party, trial.told.party) for trial in trials),
        trials=tuple(trials),
        broken=tuple(broken),
        unlabelled=unlabelled,
    )


def _grouped(trials: Sequence[Trial], group_of: Callable[[Trial], str]) -> dict[str, Score]:
    members: dict[str, list[Trial]] = {}
    for trial in trials:
        members.setdefault(group_of(trial), []).append(trial)
    return {name: score_trials(members[name]) for name in sorted(members)}


def score_trials(trials: Sequence[Trial]) -> Score:
    """How good the verdicts on some bundles were."""
    decided = [trial for trial in trials if trial.told.decided]
    sure = [trial for trial in decided if trial.told.probability >= SURE]
    return Score(
        answers=_score_answers([(trial.told.party, trial.marks.component, trial.truth) for trial in trials]),
        clause=_proportion(trial.marks.clause for trial in decided),
        component=_proportion(trial.marks.component for trial in decided),
        kind=_proportion(trial.marks.kind for trial in decided),
        located=_proportion(trial.marks.component for trial in trials),
        sure_and_wrong=wilson_proportion(sum(trial.marks.wrong for trial in sure), len(sure)),
        stated=judge_reliability([(trial.told.probability, trial.marks.agrees) for trial in decided]),
        likeliest=judge_reliability([forecast for trial in trials for forecast in _likeliest(trial)]),
        brier_parties=brier_score_of_parties(
            [
                (trial.told.parties, trial.truth.actual_party.value)
                for trial in trials
                if trial.truth.actual_party is not None and trial.told.parties
            ]
        ),
        onset=_errors(trial.marks.onset_error_s for trial in trials),
        end=_errors(trial.marks.end_error_s for trial in trials),
    )


def _likeliest(trial: Trial) -> Iterable[Forecast]:
    """The most probable party's probability, also of an abstention, and whether that party really answers."""
    actual = trial.truth.actual_party
    if actual is not None and trial.told.parties:
        party = max(trial.told.parties, key=lambda name: trial.told.parties[name])
        yield trial.told.parties[party], party == actual.value


def _baseline_scores(trials: Sequence[Trial]) -> dict[str, AnswerScore]:
    """The same count for every baseline, in the order in which the trials list them."""
    answers: dict[str, list[tuple[Party, bool | None, Truth]]] = {}
    for trial in trials:
        for answer in trial.baselines:
            marked = (answer.party, names_the_cause(answer, trial.truth), trial.truth)
            answers.setdefault(answer.method, []).append(marked)
    return {method: _score_answers(given) for method, given in answers.items()}


def names_the_cause(answer: BaselineAnswer, truth: Truth) -> bool | None:
    """Whether a baseline points at the true component; None where it points at none by its nature, or is not asked."""
    if not truth.blamed or answer.components is None:
        return None
    return not truth.causes[0].components.isdisjoint(answer.components)


def _score_answers(answers: Sequence[tuple[Party, bool | None, Truth]]) -> AnswerScore:
    """Parties told, whether the component was right, and the truths."""
    decided = [answer for answer in answers if answer[0] is not Party.UNDETERMINED]
    right = [answer for answer in decided if answer[0] is answer[2].party]
    undecidable = [told for told, _, truth in answers if not truth.decidable]
    abstained = sum(told is Party.UNDETERMINED for told in undecidable)
    wrong_party = sum(told is not truth.party for told, _, truth in decided if truth.decidable)
    decidable = len(answers) - len(undecidable)
    return AnswerScore(
        bundles=len(answers),
        agreement=wilson_proportion(len(right) + abstained, len(answers)),
        party=wilson_proportion(len(right), len(decided)),
        decided=wilson_proportion(len(right) + wrong_party, decidable),
        abstained=wilson_proportion(abstained, len(undecidable)),
        component=_proportion(component for _, component, _ in right),
        wrong_party=wrong_party,
        overclaimed=len(undecidable) - abstained,
    )


def _proportion(marks: Iterable[bool | None]) -> Proportion:
    """How many are right, of those that were asked."""
    asked = [right for right in marks if right is not None]
    return wilson_proportion(sum(asked), len(asked))


def _errors(differences: Iterable[float | None]) -> Errors:
    """How far off, of what has a time on both sides."""
    found = sorted(difference for difference in differences if difference is not None)
    if not found:
        return Errors(0)
    sizes = sorted(map(abs, found))
    return Errors(len(found), quantile(sizes, 0.5), quantile(sizes, 0.9), quantile(found, 0.5))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of the ordered values lies, with straight lines between neighbours."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
