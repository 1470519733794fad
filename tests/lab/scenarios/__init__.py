"""The incidents that the laboratory can stage, each with its truth."""

from __future__ import annotations

from tests.lab.scenario import Scenario
from tests.lab.scenarios import business, carrier, customer, harmless, operations, provider, successive

SCENARIOS: tuple[Scenario, ...] = (
    *customer.SCENARIOS,
    *operations.SCENARIOS,
    *carrier.SCENARIOS,
    *provider.SCENARIOS,
    *business.SCENARIOS,
    *successive.SCENARIOS,
    *harmless.SCENARIOS,
)


def scenario_named(name: str) -> Scenario | None:
    """The scenario of that name, if there is one."""
    return next((scenario for scenario in SCENARIOS if scenario.name == name), None)
