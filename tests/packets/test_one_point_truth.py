"""What one point says of the loss on either side of it, beside what the dropping rule counted."""

from __future__ import annotations

import subprocess

import pytest

from tests.packets import network
from tests.packets.dropping import Condition, Figures, Recorded, record, seen_from

BOTH = (("there", "left", "right"), ("back", "right", "left"))
TOLERANCE = 0.02
FEWEST = 3  # packets: where two in a hundred are less than that


@pytest.fixture(scope="module", params=[
    Condition(0.01, "there", "bulk", left_ms=3), Condition(0.05, traffic="bulk", right_ms=3),
    Condition(0.2, traffic="bulk", right_ms=3),
], ids=str)  # fmt: skip
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A few seconds of traffic through a router that counts what it drops."""
    lacking = network.missing()
    if lacking:
        pytest.skip(lacking)
    try:
        return record(tmp_path_factory.mktemp("dropping"), request.param, seconds=5, drops=500)
    except (RuntimeError, subprocess.TimeoutExpired) as problem:
        pytest.skip(f"the network could not be recorded: {problem}")


@pytest.fixture(scope="module")
def seen(recorded: Recorded) -> dict[str, dict[str, Figures]]:
    """What each capture says by itself, by direction."""
    return {"left": seen_from(recorded.left), "right": seen_from(recorded.right)}


def slack(truth: int) -> float:
    return max(FEWEST, TOLERANCE * truth)


def test_the_farther_point_counts_what_never_came(recorded: Recorded, seen: dict[str, dict[str, Figures]]) -> None:
    for way, _, far in BOTH:
        truth = recorded.upstream(way)
        assert abs(seen[far][way].upstream - truth) <= slack(truth)


def test_the_nearer_point_counts_what_did_not_arrive(recorded: Recorded, seen: dict[str, dict[str, Figures]]) -> None:
    for way, near, _ in BOTH:
        truth, figures = recorded.downstream(way), seen[near][way]
        assert figures.downstream <= truth + slack(truth)
        assert figures.downstream + figures.unanswered >= truth - slack(truth)


def test_neither_point_sees_a_loss_on_its_sound_side(recorded: Recorded, seen: dict[str, dict[str, Figures]]) -> None:
    for way, near, far in BOTH:
        few = slack(recorded.downstream(way))
        assert seen[near][way].upstream <= few
        assert seen[far][way].downstream <= few
