"""The incidents that the laboratory can stage, each with its truth."""

from __future__ import annotations

from tests.lab.scenario import Scenario
from tests.lab.scenarios import (
    backbone,
    business,
    carrier,
    coincidences,
    customer,
    enforcement,
    gateway,
    harmless,
    operations,
    provider,
    sessions,
    sites,
    successive,
)

SCENARIOS: tuple[Scenario, ...] = (
    *customer.SCENARIOS,
    *sites.SCENARIOS,
    *operations.SCENARIOS,
    *sessions.SCENARIOS,
    *carrier.SCENARIOS,
    *provider.SCENARIOS,
    *backbone.SCENARIOS,
    *gateway.SCENARIOS,
    *business.SCENARIOS,
    *enforcement.SCENARIOS,
    *coincidences.SCENARIOS,
    *successive.SCENARIOS,
    *harmless.SCENARIOS,
)


def scenario_named(name: str) -> Scenario | None:
    """The scenario of that name, if there is one."""
    return next((scenario for scenario in SCENARIOS if scenario.name == name), None)
