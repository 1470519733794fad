"""Many sets looked at at once are told the same as sets that are looked at one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from attribution.inference.localization import Counts, Lists, Localization, Parts, load_assumptions, localize
from attribution.inference.localization.patch import Patch
from attribution.inference.localization.rates import Ladder
from attribution.inference.localization.search import Search
from attribution.inference.localization.state import Evidence, State

HEALTHY = 5e-5
# Nats. Neither way integrates over the rates of more than two or three elements together.
AGREES = 0.15


def probed(seed: int, failing: int) -> tuple[Parts, Counts, np.ndarray]:
    """A device with ports to twelve hosts and four cores, probed from each host over each core; some ports fail."""
    chance = np.random.default_rng(seed)
    rates = chance.uniform(0, 2 * HEALTHY, 16)
    bad = np.sort(chance.choice(16, failing, replace=False))
    rates[bad] = chance.uniform(0.005, 0.03, failing)
    paths = [[host, 12 + core] for host in range(12) for core in range(4)]
    arrives = np.array([np.prod(1 - rates[path]) for path in paths])
    lost = chance.binomial(300, 1 - arrives)
    counts = Counts.of(Lists.of(paths), [300] * len(paths), lost, range(len(paths)))
    return Parts(16, Lists.of([list(range(16))])), counts, bad


@pytest.mark.parametrize("seed", range(12))
def test_what_is_said_of_a_set_does_not_hang_on_how_it_is_looked_at(seed: int) -> None:
    parts, counts, bad = probed(seed, 1 + seed % 5)
    chance = np.random.default_rng(seed)
    assumed = load_assumptions()
    search = Search(State(Evidence(parts, counts), HEALTHY, Ladder.of(assumed)), parts, assumed)
    column = np.arange(16)
    sets = [frozenset(bad.tolist())] + [
        frozenset(bad.tolist()) ^ {int(element)} for element in chance.choice(16, 5, replace=False)
    ]
    fails = np.array([[element in one for element in range(16)] for one in sets])

    evidence, factors = Patch(search.state, column, column).look(fails)

    one_by_one = []
    for one, row in zip(sets, factors, strict=True):
        search.place(column, one, {})
        one_by_one.append(search.log_evidence(column))
        probable, expected = row > 0, search.close_factors(column) > 0
        assert (probable == expected)[np.abs(row) > AGREES].all()
    assert evidence - evidence[0] == pytest.approx(np.array(one_by_one) - one_by_one[0], abs=AGREES)


def solved(seed: int, failing: int) -> tuple[Localization, np.ndarray]:
    parts, counts, bad = probed(seed, failing)
    return localize(parts, counts, None, HEALTHY), bad


@pytest.mark.parametrize("seed", range(8))
def test_a_device_that_fails_on_most_of_its_ports_is_found_with_its_ports(seed: int) -> None:
    """Ports of hosts and of cores share all packets: what loses most is not always what fails."""
    found, bad = solved(seed, 12)

    assert found.device_probability[0] > 0.99
    assert set(np.flatnonzero(found.element_probability > 0.9)) <= set(bad.tolist())
    assert found.element_probability[bad].mean() > 0.8


def test_a_patch_may_be_empty() -> None:
    """A device is in doubt, and none of its elements is."""
    parts, counts, _ = probed(1, 0)
    nothing = np.zeros(0, dtype=np.int64)

    evidence, factors = Patch(
        State(Evidence(parts, counts), HEALTHY, Ladder.of(load_assumptions())), nothing, nothing
    ).look(np.zeros((2, 0), dtype=bool))

    assert evidence.tolist() == [0.0, 0.0]
    assert factors.shape == (2, 0)
