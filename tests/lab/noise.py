"""What goes on in any network beside the trouble: logins, routine lines, maintenance elsewhere, a neighbour's port."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

from tests.lab.happenings import BgpDown, BgpEnd, BgpUp, Deed, Happening, HighLoad, Login, Routine
from tests.lab.paperwork import DAY, ApiCall
from tests.lab.plan import Kind, Plan, Side
from tests.lab.scenario import Scenario
from tests.lab.shapes import UNLISTED
from tests.lab.stage import Schedule, Stage

MONITOR = ("monitor", "10.200.9.20")
_OVERLAPPING_WORK = (
    ("cabling audit", "visit without changes"), ("configuration backup", "nightly job, started late"),
    ("software upgrade", "postponed"), ("power supply test", "redundant supply"), ("capacity planning", "read only"),
)


def routine_lines(plan: Plan, schedule: Schedule, dice: random.Random) -> Iterator[Happening]:
    """Lines that mean nothing: monitoring logs in, cron runs, clocks are set."""
    for node in plan.nodes:
        if not node.listed:
            continue
        for _ in range(dice.choice((0, 1, 1, 2, 3, 7) if node.kind is not Kind.HOST else (1, 2, 2, 3))):
            moment = dice.uniform(schedule.start - 5, schedule.end)
            if node.kind is Kind.HOST or dice.random() < 0.5:
                yield Happening(moment, node.role, Routine(dice.randrange(12)))
            else:
                yield Happening(moment, node.role, Login(*MONITOR))
                if dice.random() < 0.5:
                    yield Happening(moment + dice.uniform(1, 4), node.role, Login(*MONITOR, leaving=True))


class Decoys:
    """Trouble that has nothing to do with the service, played while a recording runs.

    What is drawn does not depend on what the scenario is about or whose fault it is, so that nothing follows from a
    ticket, a login, an alarm or a call merely being there. Only what would make the scenario's truth another one is
    left out: a ticket that covers the very work that is the fault, an account history where the account is the story.
    """

    def __init__(self, stage: Stage, dice: random.Random, scenario: Scenario) -> None:
        self._stage, self._dice = stage, dice
        self._touches_account = scenario.touches_account
        self._timers: list[threading.Timer] = []

    def plan(self) -> None:
        """Decide by seed which decoys there are; physical ones happen in the network itself."""
        self._old_maintenance()
        if self._dice.random() < 0.6:
            self._unrelated_port()
        if self._dice.random() < 0.4:
            self._unrelated_change()
        for side in Side:
            if self._dice.random() < 0.2:
                self._harmless_command(side)
        if self._dice.random() < 0.3:
            self._other_sessions()
        if self._dice.random() < 0.25:
            self._passing_warning()
        if self._stage.plan.has("vgw"):
            self._idle_calls()
        if not self._touches_account:
            self._orderly_account()

    def papers(self) -> None:
        """Tickets that cover the time of the fault and have nothing to do with it, drawn when the fault is over.

        They name devices that took no part in it: what was planned there was called off, or was done and did no harm.
        """
        schedule, taking_part = self._stage.schedule, self._roles_taking_part()
        for side in Side:
            others = [node for node in self._stage.plan.nodes if node.side is side and node.listed
                      and node.role not in taking_part and node.kind is not Kind.HOST]
            if self._dice.random() >= 0.3 or not others:
                continue
            node = self._dice.choice(others)
            start = schedule.fault - self._dice.uniform(30, 1800)
            action, text = self._dice.choice(_OVERLAPPING_WORK)
            self._stage.change(side, node.role, "", action, text, self._dice.random() < 0.5,
                               (start, schedule.repair + self._dice.uniform(60, 3600)))

    def _roles_taking_part(self) -> set[str]:
        """The nodes that the true causes name, and those at the ends of the links that they name."""
        roles: set[str] = set()
        for cause in self._stage.causes:
            for component in (cause.component, *cause.admissible_components):
                roles.update(component)
        return roles

    def stop(self) -> None:
        """Call off what has not happened yet and wait for what is happening."""
        for timer in self._timers:
            timer.cancel()
        for timer in self._timers:
            if timer.ident is not None:
                timer.join(5)

    def _old_maintenance(self) -> None:
        """Changes of other days, past or to come, with and without consent."""
        for side, role in ((Side.CUSTOMER, "ce1"), (Side.PROVIDER, "pe1")):
            if self._dice.random() < 0.8:
                days = self._dice.choice((-self._dice.uniform(2, 20), self._dice.uniform(1, 4)))
                start = self._stage.schedule.fault + days * DAY
                self._stage.change(side, role, "", "firmware patch", "routine", self._dice.random() < 0.5,
                                   (start, start + 1800))

    def _unrelated_port(self) -> None:
        """Another tenant's or department's cable fails and comes back: real alarms at a port that carries nothing."""
        links = [link for link in self._stage.plan.links if not link.listed]
        link = self._dice.choice(links)
        schedule = self._stage.schedule
        begin = self._dice.uniform(schedule.start + 3, schedule.repair)
        self._at(begin, lambda: self._stage.network.cut(link))
        self._at(begin + self._dice.uniform(2, 5), lambda: self._stage.network.splice(link))
        port = next(end for end in link.ends if end.role not in UNLISTED)
        side = self._stage.plan.node(port.role).side
        if self._dice.random() < 0.7:
            text = "port of another tenant" if side is Side.PROVIDER else "port of another department"
            self._stage.change(side, port.role, port.name, self._dice.choice(("replace transceiver", "re-patching")),
                               text, False, (begin - 15, begin + 40))

    def _unrelated_change(self) -> None:
        """Somebody configures a port that carries nothing of the service."""
        role = self._dice.choice(("sw1", self._stage.shape.far_edge))
        link = next(link for link in self._stage.plan.links_of(role) if not link.listed)
        port = link.port(role)
        schedule = self._stage.schedule
        begin = self._dice.uniform(schedule.start + 2, schedule.repair)
        detail = str(self._dice.choice((20, 50, 100)) * 1000)
        self._at(begin, lambda: self._stage.operate(role, Deed.LIMIT_PORT, port.name, detail, user="ops-duty",
                                                    origin="10.200.9.33"))
        self._stage.change(self._stage.plan.node(role).side, role, port.name, "rate limit",
                           "order of another tenant" if role != "sw1" else "order of another department", False,
                           (begin - 60, begin + 600))

    def _harmless_command(self, side: Side) -> None:
        """Somebody of the other side touches a port of the service at that time, and does it no harm."""
        role, towards = ("ce1", "sw1") if side is Side.CUSTOMER else (self._stage.shape.far_edge, self._far_role())
        if side is Side.CUSTOMER and self._stage.plan.inner_gateway == "fw1":
            towards = "fw1"
        port = self._stage.plan.port(role, towards)
        schedule = self._stage.schedule
        begin = self._dice.uniform(schedule.fault - 6, schedule.repair)
        self._at(begin, lambda: self._stage.operate(role, Deed.DESCRIBE_PORT, port.name, "circuit-4471",
                                                    user="ops-duty", origin="10.200.9.33"))

    def _other_sessions(self) -> None:
        """Other customers' sessions at the provider's edges come and go, as they do all day."""
        role = self._dice.choice(("pe1", self._stage.shape.far_edge))
        peer, asn = f"203.0.113.{self._dice.randrange(130, 250)}", self._dice.randrange(65000, 65500)
        begin = self._dice.uniform(self._stage.schedule.start + 1, self._stage.schedule.repair)
        end = self._dice.choice((BgpEnd.HOLD_TIMER, BgpEnd.PEER_CLOSED, BgpEnd.NOTIFICATION_RECEIVED))
        down = BgpDown(peer, asn, False, end, (6, 4) if end is BgpEnd.NOTIFICATION_RECEIVED else None, "")
        self._stage.happenings += [
            Happening(begin, role, down),
            Happening(begin + self._dice.uniform(3, 20), role, BgpUp(peer, asn, False)),
        ]

    def _passing_warning(self) -> None:
        """A threshold is crossed for a moment somewhere, and nothing comes of it."""
        node = self._dice.choice([node for node in self._stage.plan.nodes if node.listed and node.kind is Kind.ROUTER])
        begin = self._dice.uniform(self._stage.schedule.start + 1, self._stage.schedule.repair)
        percent = self._dice.randrange(81, 88)
        self._stage.happenings += [
            Happening(begin, node.role, HighLoad(percent, over=True)),
            Happening(begin + self._dice.uniform(2, 8), node.role, HighLoad(percent - 40, over=False)),
        ]

    def _far_role(self) -> str:
        return "vgw" if self._stage.plan.has("vgw") else "ce2"

    def _idle_calls(self) -> None:
        """Calls of the customer's account that change nothing: they read, they were refused, or they rename.

        CloudAudit always keeps them; and without it nobody could tell a gateway's fault from a call that did as much.
        """
        resources, schedule = self._stage.paperwork.resources, self._stage.schedule
        ccn: dict[str, object] = {"CcnId": resources.ccn}
        calls: list[tuple[str, dict[str, object], bool, int]] = [
            ("DescribeCcnAttachedInstances", ccn, False, 0), ("DescribeCcnRoutes", ccn, False, 0),
            ("ModifyCcnAttribute", ccn | {"CcnName": "prod"}, True, 0),
            ("SetCcnRegionBandwidthLimits", resources.bandwidth_limits(100), True, 0),
            ("DeleteRoutes", {"RouteTableId": "rtb-0f3a91c2", "Routes": [
                {"DestinationCidrBlock": "10.250.0.0/24", "GatewayType": "CCN"}]}, True, 0),
            ("DetachCcnInstances", resources.attachment(), True, 4),
        ]
        for name, parameters, write, error in self._dice.sample(calls, self._dice.choice((1, 2, 3, 4))):
            moment = self._dice.uniform(schedule.start - 400, schedule.end)
            self._stage.paperwork.calls.append(ApiCall(moment, name, parameters, write, error))

    def _orderly_account(self) -> None:
        """Bills that were paid when they fell due.

        The provider always has them; and without them nobody could tell its mistakes from a suspension.
        """
        number = f"invoice INV-{self._dice.randrange(6000, 9999)}"
        due = self._stage.schedule.fault - self._dice.uniform(15, 28) * DAY
        self._stage.account(due - self._dice.uniform(0.2, 3) * DAY, "payment_received", number)
        self._stage.account(due, "payment_due", number)

    def _at(self, moment: float, deed: object) -> None:
        assert callable(deed)
        timer = threading.Timer(max(0.0, moment - time.time()), deed)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)
