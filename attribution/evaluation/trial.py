"""One labelled bundle decided as any other, then held against its label."""

from __future__ import annotations

from attribution.bundle import open_bundle
from attribution.errors import AttributionError
from attribution.evaluation.baselines import Scene, answer_baselines
from attribution.evaluation.corpus import Labelled
from attribution.evaluation.scoring import mark, told_by
from attribution.model.evaluation import BrokenCase, Trial
from attribution.pipeline import Reading, gather, judge


def try_bundle(labelled: Labelled, with_baselines: bool = True, calibrated: bool = True) -> Trial | BrokenCase:
    """Decide a bundle and mark the verdict; the label is read before and used after, never in between.

    A bundle that cannot be decided is counted, not fatal: a defect of the program in one must not cost a run of hours.
    """
    try:
        with open_bundle(labelled.path) as bundle:
            gathered = gather(Reading(bundle))
        verdict = judge(gathered, calibrated).verdict
        told = told_by(verdict)
        scene = Scene(gathered.findings, gathered.topology, verdict.interruption.intervals)
        baselines = answer_baselines(scene) if with_baselines else ()
    except AttributionError as error:
        return BrokenCase(labelled.case, str(error))
    except Exception as error:
        return BrokenCase(labelled.case, f"unexpected {type(error).__name__}: {error}")
    return Trial(labelled.case, labelled.truth, told, mark(told, labelled.truth), baselines)
