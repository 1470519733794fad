"""How good verdicts are: a corpus of labelled bundles decided, marked, counted up, and baselines beside them.

Stands above the pipeline, which it runs as anyone would; nothing but the command line imports it.
"""

from attribution.evaluation.scoring import evaluate_trials, mark, score_trials, told_by
from attribution.evaluation.truth import read_truth

__all__ = ["evaluate_trials", "mark", "read_truth", "score_trials", "told_by"]
