"""What is lost as much while the service is back: one observation, however many interruptions it lasts through."""

from __future__ import annotations

import pytest

from attribution.inference.fits import Situation
from attribution.inference.interruption import detect_interruption
from attribution.inference.modes import load_modes
from attribution.inference.pauses import find_steady_losses
from attribution.inference.phases import split_phases
from attribution.inference.posterior import Solver
from attribution.model.evidence import Coverage, Measurement
from tests.inference.chain import CHAIN, ENDS, PATHS, probed

OUTAGES = ((100, 130), (200, 230), (300, 330))


def is_out(second: float) -> bool:
    return any(start <= second < end for start, end in OUTAGES)


def service() -> list[Measurement]:
    """Three interruptions, with pauses between them in which all is well."""
    return probed(*ENDS, lambda second: float(is_out(second)), seconds=500)


def pinged(ratio_in: float, ratio_between: float) -> list[Measurement]:
    """A router that is asked by its neighbour: what it loses in the interruptions, and from the first to the last."""

    def lost(second: float) -> float:
        return ratio_in if is_out(second) else ratio_between if 90 <= second < 340 else 0.0

    return probed("customer-edge", "provider-edge", lost, sent=10, seconds=500)


@pytest.mark.parametrize(
    ("inside", "between", "steady"), [(0.4, 0.4, True), (1.0, 0.3, False), (0.4, 0.0, False), (0.0, 0.0, False)]
)
def test_what_a_router_loses_of_what_is_for_itself_all_the_while_is_steady(
    inside: float, between: float, steady: bool
) -> None:
    seen = [*service(), *pinged(inside, between)]
    series = find_steady_losses(seen, detect_interruption(service()))

    assert series == ({pinged(0.4, 0.4)[0].series} if steady else set())


def test_between_interruptions_alone_and_of_the_service_itself_nothing_is_steady() -> None:
    (first, *_) = detect_interruption(service())
    assert find_steady_losses([*service(), *pinged(0.4, 0.4)], [first]) == frozenset()
    assert find_steady_losses(service(), detect_interruption(service())) == frozenset()


def test_a_steady_loss_counts_once_for_all_interruptions() -> None:
    seen = [*service(), *pinged(0.4, 0.4)]
    troubles = detect_interruption(service())
    phases = split_phases(troubles, seen)

    def weights(steady: frozenset[str]) -> list[float]:
        situation = Situation(CHAIN, PATHS, {}, seen, (), (), Coverage(), load_modes(), steady)
        tables = Solver(situation, phases).fits.tables
        return [g.weight for table in tables for kind in table.kinds for g in kind if not g.of_service]

    by_themselves, together = weights(frozenset()), weights(find_steady_losses(seen, troubles))
    assert len(by_themselves) == len(phases) > 1
    assert sum(together) == pytest.approx(sum(by_themselves) / len(phases))
