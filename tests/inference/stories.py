"""Small stories with their evidence, all told of the customer's half; the mirror tells them of the provider's."""

from __future__ import annotations

from collections.abc import Callable

from attribution.model.evidence import AlarmKind, Condition, Coverage, Findings
from attribution.model.observation import CommandEffectKind
from tests.inference.chain import DEMARCATION, ENDS, alarm, during, findings, link_name, probed, record

OUTAGE = during(20, 60)
UPLINK = link_name("customer-core", "customer-edge")
EVERY_LOG = Coverage(logging=frozenset({"customer-core", "customer-edge", "provider-edge", "provider-core"}))


def crash_of_the_customer_s_edge() -> Findings:
    """Its neighbours lose their ports, nothing passes it, and it logs a restart afterwards."""
    return findings(
        [
            *probed(*ENDS, OUTAGE),
            *probed("customer-host", "customer-core"),
            *probed("customer-host", "customer-edge", OUTAGE),
            *probed("provider-host", "provider-edge"),
        ],
        [
            alarm(20.5, "customer-core", UPLINK, AlarmKind.INTERFACE_DOWN),
            alarm(20.6, "provider-edge", DEMARCATION, AlarmKind.INTERFACE_DOWN),
            alarm(65, "customer-edge", "customer-edge", AlarmKind.DEVICE_RESTARTED),
        ],
        coverage=EVERY_LOG,
    )


def cut_of_the_customer_s_uplink() -> Findings:
    return findings(
        [
            *probed(*ENDS, OUTAGE),
            *probed("customer-host", "customer-core"),
            *probed("customer-edge", "provider-host"),
        ],
        [
            alarm(20.3, "customer-core", UPLINK, AlarmKind.INTERFACE_DOWN),
            alarm(20.3, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN),
        ],
        coverage=EVERY_LOG,
    )


def gray_loss_behind_the_customer_s_edge() -> Findings:
    slight = during(20, 100, 0.1)
    return findings(
        [
            *probed(*ENDS, slight, sent=50),
            *probed("customer-edge", "provider-host", sent=50),
            *probed("customer-host", "customer-core", sent=50),
            *probed("customer-host", "customer-edge", slight, sent=50),
        ]
    )


def nothing_but_an_outage() -> Findings:
    return findings(probed(*ENDS, OUTAGE))


def shutdown_of_the_customer_s_uplink() -> Findings:
    return findings(
        [*probed(*ENDS, OUTAGE), *probed("customer-host", "customer-core"), *probed("provider-host", "customer-edge")],
        [alarm(20.1, "customer-edge", UPLINK, AlarmKind.INTERFACE_ADMIN_DOWN)],
        [
            record(
                19.9,
                "customer-edge",
                link=UPLINK,
                effect=CommandEffectKind.INTERFACE_SHUTDOWN,
                end=60,
                consent=Condition.NOT_MET,
            )
        ],
        coverage=EVERY_LOG,
    )


STORIES: dict[str, Callable[[], Findings]] = {
    "a crash": crash_of_the_customer_s_edge,
    "a cut": cut_of_the_customer_s_uplink,
    "gray loss": gray_loss_behind_the_customer_s_edge,
    "a shutdown": shutdown_of_the_customer_s_uplink,
    "no more than an outage": nothing_but_an_outage,
}
