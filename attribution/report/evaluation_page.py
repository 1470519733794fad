"""An evaluation as one page for a browser: everything in one file, without scripts, for light and dark screens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attribution.model.evaluation import SURE, AnswerScore, Evaluation, Proportion, Reliability, Score, Trial
from attribution.model.verdict import Party
from attribution.report.drawings import (
    Calibrated,
    Estimate,
    Stack,
    draw_distributions,
    draw_estimates,
    draw_reliability,
    draw_stacks,
    markup,
)
from attribution.report.evaluation_table import (
    MEASURES,
    describe_miss,
    describe_mistake,
    figure,
    misses_of,
    mistakes_of,
    range_of,
    share,
)

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --card: #f6f7f9; --text: #1b2330; --faint: #5d6878; --line: #d9dee6;
  --ink-0: #1f5fbf; --ink-1: #c2410c; --ink-2: #8a94a3; --good: #16713d; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161c; --card: #1b212a; --text: #e4e8ee; --faint: #9aa6b5;
  --line: #323b48; --ink-0: #79b0ff; --ink-1: #ffa16b; --ink-2: #7f8a99; --good: #6fd394; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 74rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .4rem; }
p { margin: .3rem 0 .8rem; max-width: 48rem; } .faint, caption, th { color: var(--faint); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem; margin: 1rem 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; line-height: 1.3; }
.tile span { color: var(--faint); font-size: .87rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
.wide { overflow-x: auto; } .wide svg { min-width: 38rem; } .side { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
.side figure { flex: 0 1 372px; min-width: 0; } figure { margin: 0; }
figcaption { color: var(--faint); font-size: .87rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .87rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child, .words { text-align: left; }
td.words { white-space: normal; }
summary { cursor: pointer; color: var(--faint); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg .figure { font-variant-numeric: tabular-nums; fill: var(--faint); }
svg .axis, svg .whisker { stroke: var(--faint); stroke-width: 1.5; } svg .grid { stroke: var(--line); }
svg .diagonal { stroke: var(--faint); stroke-dasharray: 4 4; } svg .steps { fill: none; stroke-width: 2; }
svg .dot, svg .bar { stroke: none; } svg .dot.ink-0, svg .bar.ink-0 { fill: var(--ink-0); }
svg .dot.ink-1, svg .bar.ink-1 { fill: var(--ink-1); } svg .dot.ink-2, svg .bar.ink-2 { fill: var(--ink-2); }
svg .steps.ink-0 { stroke: var(--ink-0); } svg .steps.ink-1 { stroke: var(--ink-1); }
"""
_HISTOGRAM_BINS = 20
_MISTAKES_SHOWN = 200
_BUNDLES_SHOWN = 2000
_ESTIMATES_SHOWN = 80
_ROWS_OPEN = 40
_GROUP_TITLES = {
    "scenario": "By scenario", "profile": "By what evidence was left", "topology": "By topology",
    "kind": "By kind of the first cause", "clock": "By the sources' clocks",
}  # fmt: skip


def render_evaluation_page(evaluation: Evaluation) -> str:
    """The page as text; everything that comes from a corpus is escaped."""
    sections = (
        _header(evaluation),
        _tiles(evaluation),
        _measures(evaluation.overall),
        _methods(evaluation),
        _reliability(evaluation.overall),
        _sureness(evaluation),
        _times(evaluation),
        _confusion(evaluation),
        *(_groups(evaluation, dimension) for dimension in evaluation.groups),
        _mistakes(evaluation),
        _misses(evaluation),
        _broken(evaluation),
        _bundles(evaluation),
    )
    head = (
        '<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>Evaluation: {markup(', '.join(evaluation.corpora))}</title><style>{_STYLE}</style>"
    )
    body = "\n".join(section for section in sections if section)
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _header(evaluation: Evaluation) -> str:
    counts = f"{len(evaluation.trials)} labelled bundles"
    if evaluation.broken:
        counts += f", {len(evaluation.broken)} more could not be decided"
    if evaluation.unlabelled:
        counts += f", {evaluation.unlabelled} without a label were left out"
    corpora = ", ".join(evaluation.corpora)
    return f"<h1>How good the verdicts are</h1>{_note(f'{corpora}: {counts}.')}"


def _tiles(evaluation: Evaluation) -> str:
    score = evaluation.overall
    answers, sure = score.answers, score.sure_and_wrong
    tiles = (
        (share(answers.party), f"party right, of {answers.party.of} decided", ""),
        (share(answers.decided), f"decided, of {answers.decided.of} decidable", ""),
        (str(sure.right), f"wrong at {SURE} or more, of {sure.of}", "bad" if sure.right else "good"),
        (share(score.clause), f"clause right, of {score.clause.of}", ""),
        (share(score.component), f"component right, of {score.component.of}", ""),
        (figure(score.stated.ece_width), "calibration error of decided verdicts", ""),
    )
    shown = (
        f'<div class="tile"><b class="{style}">{value}</b><span>{words}</span></div>' for value, words, style in tiles
    )
    return f'<div class="tiles">{"".join(shown)}</div>'


def _estimate(name: str, proportion: Proportion, style: str = "ink-0") -> Estimate:
    text = f"{share(proportion)}  ({range_of(proportion)})  {proportion.right} of {proportion.of}"
    if not proportion.of:
        text = "nothing to count"
    return Estimate(name, proportion.share, proportion.low, proportion.high, text, style)


def _measures(score: Score) -> str:
    estimates = [_estimate(words, of(score), "ink-1" if "wrong" in words else "ink-0") for words, of in MEASURES]
    note = (
        "The line is Wilson's 95 % interval: where the true share may lie, having seen so few. "
        "Deciding what the evidence does not carry counts as wrong."
    )
    drawn = draw_estimates("Shares of right answers with their intervals", estimates)
    return _section("Right and wrong", _note(note), _wide(drawn))


def _methods(evaluation: Evaluation) -> str:
    if not evaluation.baselines:
        return ""
    methods = {"attribution": evaluation.overall.answers, **evaluation.baselines}
    estimates = [
        _estimate(name, score.agreement, "ink-2" if name in evaluation.baselines else "ink-0")
        for name, score in methods.items()
    ]
    columns = (
        "method", "right of all", "right of decided", "decided of decidable", "abstained of undecidable", "component",
        "wrong party", "overclaimed",
    )  # fmt: skip
    rows = [_method_row(name, score) for name, score in methods.items()]
    note = (
        "On the same evidence; the plot counts the right answers of all bundles, due abstentions included. "
        "Component: of the cases with the right party."
    )
    drawn = draw_estimates("Right answers of all bundles, by method", estimates)
    return _section("Beside simple methods", _note(note), _wide(drawn), _table(columns, rows))


def _method_row(name: str, score: AnswerScore) -> tuple[str, ...]:
    parts = (score.agreement, score.party, score.decided, score.abstained, score.component)
    return (name, *map(share, parts), str(score.wrong_party), str(score.overclaimed))


def _reliability(score: Score) -> str:
    figures = (
        ("Verdicts that were decided: the probability they state", score.stated),
        ("All: the most probable party's, against who really answers", score.likeliest),
    )
    drawn = "".join(
        f"<figure>{draw_reliability(words, _calibrated(found))}<figcaption>{markup(words)}. {_in_figures(found)}"
        "</figcaption></figure>"
        for words, found in figures
    )
    note = (
        "On the dashed line what was stated came true as often as stated; above it the verdicts were too modest, below "
        "it too sure."
    )
    brier = f"Brier score over all parties (0 to 2): {figure(score.brier_parties)}."
    title = "Whether stated probabilities can be believed"
    return _section(title, _note(note), f'<div class="side">{drawn}</div>', _note(brier))


def _calibrated(found: Reliability) -> list[Calibrated]:
    return [
        Calibrated(part.mean_probability, part.right.share or 0.0, part.right.low, part.right.high, part.right.of)
        for part in found.bins
    ]


def _in_figures(found: Reliability) -> str:
    return (
        f"{found.count} cases; Brier {figure(found.brier)}, calibration error {figure(found.ece_width)} (equal width), "
        f"{figure(found.ece_mass)} (equal mass), log loss {figure(found.log_loss)}"
    )


def _sureness(evaluation: Evaluation) -> str:
    """How sure it was where an answer could be had, and where none could."""
    counts = [[0, 0, 0] for _ in range(_HISTOGRAM_BINS)]
    for trial in evaluation.trials:
        if trial.told.parties:
            place = min(_HISTOGRAM_BINS - 1, int(max(trial.told.parties.values()) * _HISTOGRAM_BINS))
            counts[place][_series_of(trial)] += 1
    stacks = [Stack(n / _HISTOGRAM_BINS, (n + 1) / _HISTOGRAM_BINS, tuple(found)) for n, found in enumerate(counts)]
    names = ("decidable, likeliest party right", "decidable, likeliest party wrong", "undecidable")
    words = "How sure, where the evidence carries an answer and where it does not"
    return _section(words, _wide(draw_stacks(words, names, stacks, "probability of the most probable party")))


def _series_of(trial: Trial) -> int:
    if not trial.truth.decidable:
        return 2
    parties = trial.told.parties
    return 0 if max(parties, key=lambda name: parties[name]) == trial.truth.party.value else 1


def _times(evaluation: Evaluation) -> str:
    onset = [abs(t.marks.onset_error_s) for t in evaluation.trials if t.marks.onset_error_s is not None]
    end = [abs(t.marks.end_error_s) for t in evaluation.trials if t.marks.end_error_s is not None]
    if not onset and not end:
        return ""
    rows = [
        (words, str(found.count), figure(found.median_s, 2), figure(found.ninetieth_s, 2), figure(found.bias_s, 2))
        for words, found in (("onset", evaluation.overall.onset), ("end", evaluation.overall.end))
    ]
    words = "How far the cause's onset and end are off"
    drawn = draw_distributions(words, (("onset", onset), ("end", end)), "seconds off, either way")
    columns = ("seconds off", "cases", "median", "90th percentile", "bias (late positive)")
    return _section(words, _wide(drawn), _table(columns, rows))


def _confusion(evaluation: Evaluation) -> str:
    parties = tuple(Party)
    rows = []
    for true in parties:
        counts = [evaluation.confusion.get((true, told), 0) for told in parties]
        if any(counts):
            rows.append((true.value, *(str(count) if count else "·" for count in counts)))
    columns = ("true ↓ told →", *(party.value for party in parties))
    return _section("True and told party", _table(columns, rows)) if rows else ""


def _groups(evaluation: Evaluation, dimension: str) -> str:
    groups = evaluation.groups[dimension]
    if len(groups) < 2:
        return ""
    title = _GROUP_TITLES.get(dimension, f"By {dimension}")
    drawn = ""
    if len(groups) <= _ESTIMATES_SHOWN:
        estimates = [_estimate(name, score.answers.agreement) for name, score in groups.items()]
        drawn = _wide(draw_estimates(f"{title}: right of all bundles", estimates))
    columns = (
        dimension, "bundles", "right of all", "of decided", "decided", "clause", "component", "kind", "wrong",
        "wrong and sure", "onset off", "ECE",
    )  # fmt: skip
    rows = [_group_row(name, score) for name, score in groups.items()]
    table = _table(columns, rows)
    return _section(title, drawn, table if len(rows) <= _ROWS_OPEN else _folded(f"{len(rows)} groups", table))


def _group_row(name: str, score: Score) -> tuple[str, ...]:
    answers = score.answers
    shares = (answers.agreement, answers.party, answers.decided, score.clause, score.component, score.kind)
    wrong = str(answers.wrong_party + answers.overclaimed)
    onset = figure(score.onset.median_s, 2) + (" s" if score.onset.count else "")
    ece = figure(score.likeliest.ece_width)
    return (name, str(answers.bundles), *map(share, shares), wrong, str(score.sure_and_wrong.right), onset, ece)


def _mistakes(evaluation: Evaluation) -> str:
    wrong = mistakes_of(evaluation)
    if not wrong:
        return _section("Wrong verdicts", _note("None.")) if evaluation.trials else ""
    rows = [(trial.case.folder, describe_mistake(trial)) for trial in wrong[:_MISTAKES_SHOWN]]
    return _section("Wrong verdicts, the surest first", _table(("bundle", "what was told"), rows, words=True))


def _misses(evaluation: Evaluation) -> str:
    rows = [(trial.case.folder, describe_miss(trial)) for trial in misses_of(evaluation)[:_MISTAKES_SHOWN]]
    columns = ("bundle", "what was missed")
    return _section("Abstained in vain, or wrong in a detail", _table(columns, rows, words=True)) if rows else ""


def _broken(evaluation: Evaluation) -> str:
    rows = [(broken.case.folder, broken.reason) for broken in evaluation.broken[:_MISTAKES_SHOWN]]
    return _section("Could not be decided", _table(("bundle", "why"), rows, words=True)) if rows else ""


def _bundles(evaluation: Evaluation) -> str:
    """Every bundle by itself, behind a heading that opens."""
    columns = (
        "bundle", "true", "told", "probability", "clause", "root told", "kind told", "party right", "clause right",
        "component right", "kind right", "onset off",
    )  # fmt: skip
    rows = [_bundle_row(trial) for trial in evaluation.trials[:_BUNDLES_SHOWN]]
    if not rows:
        return ""
    left_out = len(evaluation.trials) - len(rows)
    note = _note(f"{left_out} more are in the JSON.") if left_out else ""
    return _section("Every bundle", _folded(f"{len(evaluation.trials)} bundles", _table(columns, rows) + note))


def _bundle_row(trial: Trial) -> tuple[str, ...]:
    told, marks = trial.told, trial.marks
    root = told.root
    return (
        trial.case.folder, trial.truth.party.value, told.party.value, figure(told.probability), told.clause or "–",
        root.component if root is not None else "–", root.kind.value if root is not None else "–",
        _yes(marks.agrees), _yes(marks.clause), _yes(marks.component), _yes(marks.kind),
        figure(marks.onset_error_s, 2),
    )  # fmt: skip


def _yes(mark: bool | None) -> str:
    return "–" if mark is None else "yes" if mark else "no"


def _section(title: str, *content: str) -> str:
    return f"<section><h2>{markup(title)}</h2>{''.join(content)}</section>"


def _folded(words: str, content: str) -> str:
    return f"<details><summary>{markup(words)}</summary>{content}</details>"


def _note(text: str) -> str:
    return f'<p class="faint">{markup(text)}</p>'


def _wide(content: str) -> str:
    return f'<div class="wide">{content}</div>'


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], words: bool = False) -> str:
    """Cells of text, escaped; `words`: prose after the first column, set to the left."""
    style = ' class="words"' if words else ""
    head = "".join(f'<th scope="col"{style}>{markup(column)}</th>' for column in columns)
    body = "".join(
        f"<tr><td>{markup(row[0])}</td>{''.join(f'<td{style}>{markup(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return _wide(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
