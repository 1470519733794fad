"""An evaluation for the terminal: the answer first, the mistakes by name, then groups, baselines and reliability."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attribution.model.evaluation import SURE, AnswerScore, Errors, Evaluation, Proportion, Score, Trial
from attribution.model.verdict import Party
from attribution.report.grid import Column, Line, render_grid
from attribution.report.layout import Page, Style

_MISTAKES_SHOWN = 20
_BROKEN_SHOWN = 10
PARTIES = tuple(Party)
DECIDED = tuple(party for party in Party if party is not Party.UNDETERMINED)


def render_evaluation_table(
    evaluation: Evaluation, by: Sequence[str] = (), width: int = 100, colour: bool = False
) -> str:
    """The whole evaluation as text of at most `width` columns; `by` names the groups to show."""
    page = Page(max(40, width), colour)
    sections = (
        _headline(evaluation, page),
        _overall(evaluation.overall, page),
        _probabilities(evaluation.overall, page),
        _confusion(evaluation, page),
        _methods(evaluation, page),
        *(_groups(evaluation, dimension, page) for dimension in dict.fromkeys(by)),
        _reliability(evaluation, page),
        _mistakes(evaluation, page),
        _misses(evaluation, page),
        _broken(evaluation, page),
    )
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def share(proportion: Proportion) -> str:
    """A share in per cent; all of many is never rounded up to from less, nor down to none."""
    if proportion.share is None:
        return "–"
    rounded = f"{proportion.share * 100:.1f}"
    if rounded == "100.0" and proportion.right < proportion.of:
        rounded = "> 99.9"
    if rounded == "0.0" and proportion.right:
        rounded = "< 0.1"
    return f"{rounded} %"


def range_of(proportion: Proportion) -> str:
    """Wilson's interval in per cent."""
    return f"{proportion.low * 100:.1f}–{proportion.high * 100:.1f}" if proportion.of else "–"


def figure(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _headline(evaluation: Evaluation, page: Page) -> list[str]:
    score, broken = evaluation.overall, len(evaluation.broken)
    wrong = score.answers.wrong_party + score.answers.overclaimed
    text = (
        f"{len(evaluation.trials)} bundles · party right in {share(score.answers.party)} of those decided · "
        f"{wrong} wrong, {score.sure_and_wrong.right} of them at {SURE} or more"
        + (f" · {broken} could not be decided" if broken else "")
    )
    return page.paragraph(text, 0, Style.BOLD)


MEASURES: tuple[tuple[str, Callable[[Score], Proportion]], ...] = (
    ("party right, of all bundles", lambda score: score.answers.agreement),
    ("party right, of decided", lambda score: score.answers.party),
    ("decided, of decidable", lambda score: score.answers.decided),
    ("abstained, of undecidable", lambda score: score.answers.abstained),
    ("clause right, of decided", lambda score: score.clause),
    ("component right, of decided", lambda score: score.component),
    ("kind right, of decided", lambda score: score.kind),
    ("component right, of all with a cause", lambda score: score.located),
    (f"wrong, of verdicts at {SURE} or more", lambda score: score.sure_and_wrong),
)
"""What is asked of the verdicts, in words, and where the score keeps the answer."""


def _overall(score: Score, page: Page) -> list[str]:
    columns = (Column("", right=False), Column("share"), Column("95 %", 1), Column("count"))
    lines = []
    for words, of in MEASURES:
        proportion = of(score)
        lines.append(Line((words, share(proportion), range_of(proportion), f"{proportion.right} of {proportion.of}")))
    return render_grid(page, columns, lines, 0)


def _probabilities(score: Score, page: Page) -> list[str]:
    columns = (
        Column("probabilities", right=False), Column("cases"), Column("Brier"), Column("ECE"),
        Column("ECE equal mass", 1), Column("log loss", 2),
    )  # fmt: skip
    lines = [
        Line(
            (
                words, str(found.count), figure(found.brier), figure(found.ece_width), figure(found.ece_mass),
                figure(found.log_loss),
            )
        )
        for words, found in (("stated, of decided", score.stated), ("most probable party, of all", score.likeliest))
    ]  # fmt: skip
    errors = (Column("seconds off", right=False), Column("cases"), Column("median"), Column("90th"), Column("bias", 1))
    times = [_error_line("onset of the cause", score.onset), _error_line("end of the cause", score.end)]
    return [
        *render_grid(page, columns, lines, 0),
        f"Brier over all parties: {figure(score.brier_parties)}",
        "",
        *render_grid(page, errors, times, 0),
    ]


def _error_line(words: str, errors: Errors) -> Line:
    figures = (errors.median_s, errors.ninetieth_s, errors.bias_s)
    return Line((words, str(errors.count), *(figure(value, 2) for value in figures)))


def _confusion(evaluation: Evaluation, page: Page) -> list[str]:
    columns = (Column("true party ↓ told →", right=False), *(Column(party.value) for party in PARTIES))
    lines = []
    for true in PARTIES:
        counts = [evaluation.confusion.get((true, told), 0) for told in PARTIES]
        if any(counts):
            styles: dict[int, tuple[Style, ...]] = {
                n + 1: (Style.GREEN if told is true else Style.RED,)
                for n, told in enumerate(PARTIES)
                if counts[n] and told in (true, *DECIDED)
            }
            lines.append(Line((true.value, *(str(count) if count else "·" for count in counts)), styles))
    return render_grid(page, columns, lines, 0) if lines else []


def _methods(evaluation: Evaluation, page: Page) -> list[str]:
    if not evaluation.baselines:
        return []
    columns = (
        Column("method", right=False), Column("right of all"), Column("95 %", 4), Column("right of decided"),
        Column("decided", 1), Column("abstained", 3), Column("component", 2), Column("wrong"),
    )  # fmt: skip
    methods = {"attribution": evaluation.overall.answers, **evaluation.baselines}
    return render_grid(page, columns, [_method_line(name, score) for name, score in methods.items()], 0)


def _method_line(name: str, score: AnswerScore) -> Line:
    cells = (
        name, share(score.agreement), range_of(score.agreement), share(score.party), share(score.decided),
        share(score.abstained), share(score.component), str(score.wrong_party + score.overclaimed),
    )  # fmt: skip
    return Line(cells)


def _groups(evaluation: Evaluation, dimension: str, page: Page) -> list[str]:
    columns = (
        Column(dimension, right=False), Column("bundles"), Column("right of all"), Column("95 %", 6),
        Column("of decided", 1), Column("decided", 2), Column("clause", 3), Column("component", 4), Column("kind", 5),
        Column("wrong"), Column("sure", 1),
    )  # fmt: skip
    return render_grid(page, columns, [_group_line(*item) for item in evaluation.groups[dimension].items()], 0)


def _group_line(name: str, score: Score) -> Line:
    answers = score.answers
    wrong = answers.wrong_party + answers.overclaimed
    cells = (
        name, str(answers.bundles), share(answers.agreement), range_of(answers.agreement), share(answers.party),
        share(answers.decided), share(score.clause), share(score.component), share(score.kind), str(wrong),
        str(score.sure_and_wrong.right),
    )  # fmt: skip
    return Line(cells, {9: (Style.RED,), 10: (Style.RED,)} if wrong else {})


def _reliability(evaluation: Evaluation, page: Page) -> list[str]:
    columns = (Column("reliability", right=False), Column("stated"), Column("right"), Column("95 %"), Column("cases"))
    lines = []
    for words, found in (("decided", evaluation.overall.stated), ("all", evaluation.overall.likeliest)):
        for part in found.bins:
            name = f"{words} {part.low:.1f}–{part.high:.1f}"
            stated = f"{part.mean_probability * 100:.1f} %"
            lines.append(Line((name, stated, share(part.right), range_of(part.right), str(part.right.of))))
    return render_grid(page, columns, lines, 0) if lines else []


def mistakes_of(evaluation: Evaluation) -> list[Trial]:
    """The verdicts with a wrong party, the surest first."""
    wrong = [trial for trial in evaluation.trials if trial.marks.wrong]
    return sorted(wrong, key=lambda trial: (-trial.told.probability, trial.case.folder))


def describe_mistake(trial: Trial) -> str:
    """What was told, and what was true."""
    root, first = trial.told.root, trial.truth.causes[0] if trial.truth.causes else None
    told = f"{trial.told.party.value} {trial.told.clause or ''}".rstrip()
    cause = f" ({root.component} {root.kind.value})" if root is not None else ""
    true = f" ({first.component} {first.kind.value})" if first is not None else ""
    return f"told {told} at {trial.told.probability:.3f}{cause}; true {trial.truth.party.value}{true}"


def misses_of(evaluation: Evaluation) -> list[Trial]:
    """The verdicts that blame nobody wrongly and are not all right: abstentions in vain, clause, component, kind."""
    return [trial for trial in evaluation.trials if not trial.marks.wrong and _missed(trial)]


def _missed(trial: Trial) -> list[str]:
    marks = trial.marks
    if not marks.agrees:
        return ["abstained"]
    named = (("clause", marks.clause), ("component", marks.component), ("kind", marks.kind))
    return [name for name, mark in named if mark is False]


def describe_miss(trial: Trial) -> str:
    """What was missed, what was told, and what was true."""
    clauses = f", clause {' or '.join(trial.truth.clauses)}" if "clause" in _missed(trial) else ""
    return f"{', '.join(_missed(trial))}: {describe_mistake(trial)}{clauses}"


def _mistakes(evaluation: Evaluation, page: Page) -> list[str]:
    wrong = mistakes_of(evaluation)
    lines = [f"{trial.case.folder}: {describe_mistake(trial)}" for trial in wrong[:_MISTAKES_SHOWN]]
    if len(wrong) > _MISTAKES_SHOWN:
        lines.append(f"… and {len(wrong) - _MISTAKES_SHOWN} more, all of them in --format json")
    return page.listed("Wrong", lines)


def _misses(evaluation: Evaluation, page: Page) -> list[str]:
    missed = misses_of(evaluation)
    lines = [f"{trial.case.folder}: {describe_miss(trial)}" for trial in missed[:_MISTAKES_SHOWN]]
    if len(missed) > _MISTAKES_SHOWN:
        lines.append(f"… and {len(missed) - _MISTAKES_SHOWN} more, all of them in --format json")
    return page.listed("Missed", lines)


def _broken(evaluation: Evaluation, page: Page) -> list[str]:
    lines = [f"{broken.case.folder}: {broken.reason}" for broken in evaluation.broken[:_BROKEN_SHOWN]]
    if len(evaluation.broken) > _BROKEN_SHOWN:
        lines.append(f"… and {len(evaluation.broken) - _BROKEN_SHOWN} more, all of them in --format json")
    return page.listed("Not decided", lines)
