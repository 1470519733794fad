"""What goes on in any network beside the trouble: logins, routine lines, maintenance elsewhere, a neighbour's port."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

from tests.lab.happenings import Deed, Happening, Login, Routine
from tests.lab.paperwork import DAY, ApiCall
from tests.lab.plan import Kind, Plan, Side
from tests.lab.scenario import Scenario
from tests.lab.shapes import UNLISTED
from tests.lab.stage import Schedule, Stage

MONITOR = ("monitor", "10.200.9.20")


def routine_lines(plan: Plan, schedule: Schedule, dice: random.Random) -> Iterator[Happening]:
    """Lines that mean nothing: monitoring logs in, cron runs, clocks are set."""
    for node in plan.nodes:
        if not node.listed:
            continue
        for _ in range(dice.choice((0, 1, 1, 2, 3) if node.kind is not Kind.HOST else (1, 2, 2, 3))):
            moment = dice.uniform(schedule.start - 5, schedule.end)
            if node.kind is Kind.HOST or dice.random() < 0.5:
                yield Happening(moment, node.role, Routine(dice.randrange(12)))
            else:
                yield Happening(moment, node.role, Login(*MONITOR))
                if dice.random() < 0.5:
                    yield Happening(moment + dice.uniform(1, 4), node.role, Login(*MONITOR, leaving=True))


class Decoys:
    """Trouble that has nothing to do with the service, played while a recording runs."""

    def __init__(self, stage: Stage, dice: random.Random, scenario: Scenario) -> None:
        self._stage, self._dice = stage, dice
        self._touches_account = scenario.touches_account
        self._innocent = Side(scenario.party).other if scenario.party in tuple(Side) else None
        self._timers: list[threading.Timer] = []

    def plan(self) -> None:
        """Decide by seed which decoys there are; physical ones happen in the network itself."""
        self._old_maintenance()
        if self._dice.random() < 0.6:
            self._unrelated_port()
        if self._dice.random() < 0.4:
            self._unrelated_change()
        if self._innocent is not None and self._dice.random() < 0.2:
            self._harmless_command(self._innocent)
        if self._stage.plan.has("vgw") and self._dice.random() < 0.6:
            self._idle_calls()
        if not self._touches_account and self._dice.random() < 0.5:
            self._orderly_account()

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

    def _far_role(self) -> str:
        return "vgw" if self._stage.plan.has("vgw") else "ce2"

    def _idle_calls(self) -> None:
        """Calls of the customer's account that change nothing: they read, they were refused, or they rename."""
        resources, schedule = self._stage.paperwork.resources, self._stage.schedule
        ccn: dict[str, object] = {"CcnId": resources.ccn}
        calls = [("DescribeCcnAttachedInstances", ccn, False, 0), ("DescribeCcnRoutes", ccn, False, 0),
                 ("ModifyCcnAttribute", ccn | {"CcnName": "prod"}, True, 0),
                 ("DetachCcnInstances", resources.attachment(), True, 4)]
        for name, parameters, write, error in self._dice.sample(calls, self._dice.choice((1, 2, 3))):
            moment = self._dice.uniform(schedule.start - 400, schedule.end)
            self._stage.paperwork.calls.append(ApiCall(moment, name, parameters, write, error))

    def _orderly_account(self) -> None:
        """Bills that were paid when they fell due."""
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
