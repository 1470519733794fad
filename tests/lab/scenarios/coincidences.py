"""Faults of one side that look like the other's: tickets, commands and work that happen to coincide with them."""

from __future__ import annotations

from tests.lab.happenings import Deed
from tests.lab.scenario import Core, Effect, Scenario
from tests.lab.scenarios.places import (
    CUSTOMER,
    PROVIDER,
    SINGLE_ACCESS,
    core_role,
    customer_access_port,
    far_access,
    lan_link,
    needed_role,
    roles_of,
)
from tests.lab.stage import Stage


def _core_fails_after_customers_change(stage: Stage) -> None:
    """The customer changes a description on its access port, and seconds later the provider's core loses packets."""
    port = customer_access_port(stage.plan)
    stage.change(CUSTOMER, "ce1", port.name, "description", "labelling of the access port", False,
                 (stage.schedule.fault - 30, stage.schedule.fault + 30))
    stage.visit("ce1")
    stage.operate("ce1", Deed.DESCRIBE_PORT, port.name, "line-1")
    role = core_role(stage)
    with stage.cause(role, "device_degraded", PROVIDER, or_kinds=("misconfiguration", "device_failure")):
        stage.drop_forwarded(role, "numgen random mod 100 < 45", spare_routing=True)
        stage.last()
        stage.lift_filters(role)


def _core_crashes_under_customers_ticket(stage: Stage) -> None:
    """The customer's ticket for its edge covers the time, the work was called off, and the provider's core failed."""
    stage.change(CUSTOMER, "ce1", "", "software upgrade", "postponed on the day", False)
    role = needed_role(stage)
    with stage.cause(role, "device_failure", PROVIDER):
        stage.crash(role)
        stage.last()
        stage.boot(role)


def _edge_crashes_under_providers_ticket(stage: Stage) -> None:
    """The provider's ticket for its edge covers the time, the work was called off, and the customer's edge failed."""
    stage.change(PROVIDER, "pe1", "", "software upgrade", "postponed on the day", stage.dice.random() < 0.5)
    with stage.cause("ce1", "device_failure", CUSTOMER):
        stage.crash("ce1")
        stage.last()
        stage.boot("ce1")


def _lan_cut_during_providers_work(stage: Stage) -> None:
    """The provider really works on a port of another tenant's when the customer's LAN fails."""
    link = lan_link(stage.plan)
    other = stage.plan.port("pe1", "tenant-x")
    stage.change(PROVIDER, "pe1", other.name, "replace transceiver", "port of another tenant", False)
    stage.visit("pe1")
    stage.operate("pe1", Deed.SHUT_PORT, other.name)
    stage.network.shut(other)
    with stage.cause(roles_of(link), "link_failure", CUSTOMER):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)
    stage.operate("pe1", Deed.OPEN_PORT, other.name)
    stage.network.shut(other, up=True)


def _provider_shuts_what_ticket_of_another_names(stage: Stage) -> None:
    """A ticket names another tenant's port, and the operator shuts the customer's instead."""
    wrong, right = far_access(stage), stage.plan.port(stage.shape.far_edge, "tenant-y")
    stage.change(PROVIDER, stage.shape.far_edge, right.name, "shutdown", "port of another tenant is given up", True)
    stage.visit(stage.shape.far_edge)
    stage.operate(stage.shape.far_edge, Deed.SHUT_PORT, wrong.name)
    with stage.cause(stage.shape.far_edge, "unauthorised_operation", PROVIDER,
                     or_kinds=("misconfiguration", "maintenance")):
        stage.network.shut(wrong)
        stage.last()
        stage.operate(stage.shape.far_edge, Deed.OPEN_PORT, wrong.name)
        stage.network.shut(wrong, up=True)


def _customer_overruns_its_window(stage: Stage) -> None:
    """The customer's agreed work was over an hour ago; what it shuts now, nobody agreed to."""
    port = customer_access_port(stage.plan)
    fault = stage.schedule.fault
    stage.change(CUSTOMER, "ce1", port.name, "shutdown", "re-cabling of the access line", True,
                 (fault - 7200, fault - 3600))
    stage.visit("ce1")
    stage.operate("ce1", Deed.SHUT_PORT, port.name)
    with stage.cause("ce1", "unauthorised_operation", CUSTOMER):
        stage.network.shut(port)
        stage.last()
        stage.operate("ce1", Deed.OPEN_PORT, port.name)
        stage.network.shut(port, up=True)


def _customer_reloads_with_consent(stage: Stage) -> None:
    """The customer reloads its edge in the window that the provider agreed to."""
    stage.change(CUSTOMER, "ce1", "", "software upgrade", "edge router upgrade", True)
    stage.visit("ce1")
    stage.operate("ce1", Deed.RELOAD, "")
    with stage.cause("ce1", "consented_operation", CUSTOMER, or_kinds=("maintenance",)):
        stage.crash("ce1")
        stage.last()
        stage.boot("ce1")


def _provider_shuts_port_with_consent(stage: Stage) -> None:
    """The provider shuts the port before the far site in the window that the customer agreed to."""
    port, role = far_access(stage), stage.shape.far_edge
    stage.change(PROVIDER, role, port.name, "replace transceiver", "announced work on the port", True)
    stage.visit(role)
    stage.operate(role, Deed.SHUT_PORT, port.name)
    with stage.cause(role, "consented_operation", PROVIDER, or_kinds=("maintenance",)):
        stage.network.shut(port)
        stage.last()
        stage.operate(role, Deed.OPEN_PORT, port.name)
        stage.network.shut(port, up=True)


def _both_degraded_at_once(stage: Stage) -> None:
    """A bad cable in the customer's LAN and a core router that loses packets, for the same seconds."""
    link, role = lan_link(stage.plan), core_role(stage)
    with (stage.cause(roles_of(link), "link_degraded", CUSTOMER),
          stage.cause(role, "device_degraded", PROVIDER, or_kinds=("misconfiguration", "device_failure"))):
        stage.lose_in_cable(link, stage.dice.uniform(0.2, 0.3), counted=True)
        stage.drop_forwarded(role, f"numgen random mod 1000 < {round(stage.dice.uniform(200, 300))}",
                             spare_routing=True)
        stage.last()
        stage.lift_filters(role)
        stage.heal_cable(link)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("provider-gray-loss-after-customer-change", "The core loses packets just after an innocent change",
             "provider", ("4.2",), Effect.LOSS, _core_fails_after_customers_change, core=Core.PASSED),
    Scenario("provider-core-crash-under-customer-ticket", "The core fails while a customer's ticket covers the time",
             "provider", ("4.2",), Effect.OUTAGE, _core_crashes_under_customers_ticket, core=Core.NEEDED),
    Scenario("customer-edge-crash-under-provider-ticket", "The customer's edge fails during a provider's ticket",
             "customer", ("4.2(2)",), Effect.OUTAGE, _edge_crashes_under_providers_ticket),
    Scenario("customer-lan-cut-during-provider-work", "The customer's LAN fails while the provider works elsewhere",
             "customer", ("4.2(1)",), Effect.OUTAGE, _lan_cut_during_providers_work, overrun_s=2.0),
    Scenario("provider-shuts-port-instead-of-another", "The provider shuts the customer's port instead of the ticket's",
             "provider", ("4.2",), Effect.OUTAGE, _provider_shuts_what_ticket_of_another_names, grace_s=2.5),
    Scenario("customer-shuts-port-after-its-window", "The customer shuts its port after the agreed window",
             "customer", ("4.2(3)",), Effect.OUTAGE, _customer_overruns_its_window, shapes=SINGLE_ACCESS,
             grace_s=2.5),
    Scenario("customer-reloads-edge-with-consent", "The customer reloads its edge as agreed", "customer",
             ("4.2(4)",), Effect.OUTAGE, _customer_reloads_with_consent),
    Scenario("provider-shuts-port-with-consent", "The provider shuts the port before the far site as agreed",
             "provider", ("4.2",), Effect.OUTAGE, _provider_shuts_port_with_consent, grace_s=2.5),
    Scenario("customer-lan-and-provider-core-degraded", "A bad LAN cable and a core router lose packets at once",
             "shared", ("4.2(1)", "4.2"), Effect.LOSS, _both_degraded_at_once, core=Core.PASSED),
)
