"""Each second belongs to the root cause that had begun first among those still lasting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.model.verdict import Cause, CauseKind
from attribution.responsibility.phases import attribute_seconds
from tests.responsibility.scenarios import seconds


def lasting(start: float, end: float, caused_by: str | None = None) -> Cause:
    return Cause(f"from-{start}", CauseKind.DEVICE_FAILURE, seconds(start, end), caused_by=caused_by)


def returning(*spells: tuple[float, float]) -> Cause:
    held = tuple(seconds(start, end) for start, end in spells)
    return Cause("returns", CauseKind.LINK_FAILURE, seconds(spells[0][0], spells[-1][1]), spells=held)


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        ([lasting(0, 60)], [60]),
        ([lasting(0, 20), lasting(20, 60)], [20, 40]),
        ([lasting(0, 40), lasting(20, 60)], [40, 20]),
        ([lasting(0, 60), lasting(20, 40)], [60, 0]),
        ([lasting(0, 20), lasting(40, 60)], [40, 20]),
        ([lasting(0, 60), lasting(0, 60)], [30, 30]),
        ([lasting(5, 50)], [60]),
        ([lasting(0, 60), lasting(1, 60, caused_by="from-0")], [60, 0]),
        ([returning((0, 20), (40, 60)), lasting(20, 40)], [40, 20]),
        ([returning((0, 20), (40, 60)), lasting(25, 30)], [45, 15]),
    ],
    ids=[
        "one cause takes all",
        "one after the other",
        "overlapping: the first until it is repaired",
        "nested: the first takes all",
        "a gap is the aftermath of the first",
        "two at once share",
        "before onset and after repair too",
        "a consequence takes nothing",
        "what comes back leaves another its turn in between",
        "and has the aftermath of its own and of the other",
    ],
)
def test_seconds_of_a_minute(causes: list[Cause], expected: list[float]) -> None:
    assert list(attribute_seconds(causes, (seconds(0, 60),))) == expected


@given(
    st.lists(st.tuples(st.integers(-10, 70), st.integers(1, 40)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10)), min_size=1, max_size=4),
)
def test_seconds_add_up_to_the_interruption(held: list[tuple[int, int]], lost: list[tuple[int, int]]) -> None:
    causes = [lasting(start, start + length) for start, length in held]
    intervals = [seconds(20 * place + start, 20 * place + start + length) for place, (start, length) in enumerate(lost)]

    assert sum(attribute_seconds(causes, intervals)) == pytest.approx(sum(interval.seconds for interval in intervals))
