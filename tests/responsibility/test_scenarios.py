"""Each story of tests/cases/responsibility comes out with the party, the clause and the seconds that it tells."""

from __future__ import annotations

import pytest

from attribution.responsibility import Calibration, decide_responsibility, load_agreement
from tests.responsibility.scenarios import Scenario, read_network, read_scenarios

AGREEMENT = load_agreement("tencent-cross-region-connection")
NETWORK = read_network()
SCENARIOS = tuple(read_scenarios())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.story)
def test_story_ends_with_the_clause_a_lawyer_expects(scenario: Scenario) -> None:
    found = decide_responsibility(
        scenario.hypotheses, AGREEMENT, scenario.interruption, NETWORK, calibration=Calibration()
    )

    assert (found.party, found.clause) == (scenario.party, scenario.clause)
    if scenario.admissible is not None:
        assert found.admissible == scenario.admissible
    assert found.remedy == scenario.remedy
    assert sum(found.interruption.seconds_by_party.values()) == pytest.approx(scenario.interruption.seconds)
    if scenario.seconds is not None:
        assert dict(found.interruption.seconds_by_party) == scenario.seconds


def test_stories_reach_every_clause_that_decides() -> None:
    deciding = {clause.id for clause in AGREEMENT.clauses.values() if clause.when is not None}

    assert deciding == {scenario.clause for scenario in SCENARIOS} - {None}


def test_components_of_stories_stand_in_the_network() -> None:
    named = {cause.component for scenario in SCENARIOS for cause in scenario.causes}

    assert named <= set(NETWORK.components())
