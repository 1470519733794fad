"""What evidence that nobody handed in yet would show under an explanation, by the tables that judge what was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, exp, inf, log

from attribution.inference.candidates import Candidate
from attribution.inference.kinds import CHANCES
from attribution.inference.likelihood import (
    FULL_RATES,
    PARTIAL_RATES,
    RATES,
    SCATTER,
    SCATTER_AT_RANDOM,
    add_logs,
    either_way,
    log_faulty,
    log_healthy,
)
from attribution.inference.modes import CLOUD_CALLS, Expectation, Where
from attribution.inference.posterior import Solver
from attribution.inference.relation import Touch, sort_of_touch, touch_of
from attribution.inference.reports import ECHO
from attribution.inference.testimony import RECORDED_CHANGE, RECORDED_COMMAND
from attribution.inference.trouble import LEAST_LOSS_RATIO
from attribution.inference.worlds import World
from attribution.model.evidence import AlarmKind, Journey
from attribution.model.incident import EvidenceType

# Beyond so many packets a measurement tells no more about where they were lost: it is the fault that scatters.
MOST_PACKETS = 300
FEWEST_PACKETS = 10
# Under a cause that nobody can name, any stretch may or may not be the one.
EVEN = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Sign:
    """One thing that evidence may show or not: how probably under an explanation, and how much that may tell.

    `weight` ranks signs by the probability of the causes that they are signs of; losses go before reports.
    """

    chance: Callable[[World], float]
    weight: float


class Predictor:
    """Chances of reports, records and losses under each explanation of one incident."""

    def __init__(self, solver: Solver, worlds: Sequence[World]) -> None:
        self._solver = solver
        self._masses: dict[Candidate, float] = defaultdict(float)
        for world in worlds:
            for choice in dict.fromkeys(world.choices):
                if choice is not None:
                    self._masses[choice] += world.probability
        self._situation = solver.situation
        self._background = solver.situation.modes.background
        self._shown: dict[tuple[int, Candidate], float] = {}
        self._touches: dict[tuple[object, ...], tuple[Touch, tuple[Journey, ...]]] = {}
        self._packets = tuple(self._passing(phase) for phase in range(len(solver.phases)))

    @property
    def phases(self) -> range:
        return range(len(self._solver.phases))

    @property
    def choices(self) -> tuple[Candidate, ...]:
        """The causes of all explanations."""
        return tuple(self._masses)

    # What devices report

    def reports(self, device: str, kinds: frozenset[AlarmKind]) -> Iterator[Sign]:
        """One sign for each kind of alarm, and what it is about, that a device should report under any cause."""
        expected: dict[tuple[AlarmKind, str], dict[Candidate, float]] = {}
        for choice in self._masses:
            for expectation in choice.mode.expects:
                subject = self._subject(device, choice, expectation) if expectation.alarm in kinds else None
                if subject is not None:
                    chances = expected.setdefault((expectation.alarm, subject), {})
                    chances[choice] = max(chances.get(choice, 0.0), self._told(choice, expectation))
        for chances in expected.values():
            yield self._any_of(chances, self._background["alarm"])

    def _subject(self, device: str, choice: Candidate, expectation: Expectation) -> str | None:
        """What a device would name in the report that is expected; None where it is not the one to make it."""
        topology, paths = self._situation.topology, self._situation.paths
        where, component = expectation.where, choice.component
        if where in (Where.SELF, Where.OWN_PORTS):
            return component if device == component else None
        if where is Where.OWN_PORT:
            return choice.link if device == component else None
        link = topology.links.get(choice.link or component)
        if where is Where.END:
            return link.component if link is not None and device in link.ends else None
        if where is Where.ACROSS:
            # Of the sessions that cross the component only those over a port of the device's own are known to be there.
            return link.far_end(device) if link is not None and device in link.ends else None
        if where in (Where.NEIGHBOUR, Where.PEER) and device in paths and component in topology.nodes:
            between = topology.links_between(device, component)
            if between:
                return between[0].component if where is Where.NEIGHBOUR else component
        return None

    def _told(self, choice: Candidate, expectation: Expectation) -> float:
        """The chance of a report, less telling by as much as others of its kind were explained by the same cause."""
        span = self._solver.span_of(list(self.phases))
        known = self._solver.testimony(span, choice).alarms
        echoes = sum(alarm.kind is expectation.alarm for alarm in known)
        share = ECHO**echoes
        return float(expectation.probability**share * self._background["alarm"] ** (1 - share))

    def seen_by_all(self, kinds: frozenset[AlarmKind]) -> Iterator[Sign]:
        """One sign for each kind of alarm that the packets of a component tell wherever they are captured."""
        expected: dict[tuple[AlarmKind, str], dict[Candidate, float]] = {}
        for choice in self._masses:
            for expectation in choice.mode.expects:
                if expectation.alarm in kinds and expectation.where is Where.SELF:
                    chances = expected.setdefault((expectation.alarm, choice.component), {})
                    chances[choice] = self._told(choice, expectation)
        for chances in expected.values():
            yield self._any_of(chances, self._background["alarm"])

    def overuse(self) -> Sign:
        """That more was offered than was bought: where the party hangs on it, and else by chance."""

        def chance(world: World) -> float:
            if world.exceeded is None:
                return self._background["alarm"]
            return 1 - self._background["alarm"] if world.exceeded else self._background["alarm"]

        return Sign(chance, 1.0)

    # What people did

    def commands(self, device: str) -> Iterator[Sign]:
        """That a log holds the command which put the device out of service."""
        chances = {
            choice: RECORDED_COMMAND
            for choice in self._masses
            if choice.component == device and choice.mode.record is not None and choice.record is None
        }
        if chances:
            yield self._any_of(chances, self._background["command"])

    def tickets(self, devices: Sequence[str]) -> Iterator[Sign]:
        """That there is a ticket for one of the devices which covers the onset."""
        for device in devices:
            chances = {c: RECORDED_CHANGE for c in self._masses if c.component == device and c.mode.record is not None}
            if chances:
                yield self._any_of(chances, self._background["change"])

    def cloud_calls(self) -> Iterator[Sign]:
        """That the account's audit lists the call that took the service away."""
        chances = {c: RECORDED_COMMAND for c in self._masses if c.mode.record in CLOUD_CALLS}
        if chances:
            yield self._any_of(chances, self._background["cloud_call"])

    def shown_by(self, evidence: EvidenceType) -> Iterator[Sign]:
        """That a kind of evidence shows what would have been considered only as long as it is missing."""
        chances = {c: 1 - self._background["enforcement"] for c in self._masses if c.mode.unless is evidence}
        if chances:
            yield self._any_of(chances, self._background["enforcement"])

    def _any_of(self, chances: dict[Candidate, float], background: float) -> Sign:
        """A sign that each of several causes may give, and that is seldom seen without any."""

        def chance(world: World) -> float:
            silent = 1 - background
            for choice in frozenset(world.choices):
                if choice in chances:
                    silent *= 1 - chances[choice]
            return 1 - silent

        return Sign(chance, sum(self._masses[choice] * own for choice, own in chances.items()))

    # What is lost on the way

    def losses(self, journeys: tuple[Journey, ...], of_service: bool, trust: float = 1.0) -> Iterator[Sign]:
        """One sign for each phase: that a measurement of these journeys shows loss in it."""
        for phase in self.phases:
            known: dict[Candidate | None, float] = {}

            def chance(world: World, phase: int = phase, known: dict[Candidate | None, float] = known) -> float:
                choice = world.choices[phase]
                if choice not in known:
                    lost = self._loss_shows(phase, choice, journeys, of_service)
                    known[choice] = lost**trust / (lost**trust + (1 - lost) ** trust)
                return known[choice]

            yield Sign(chance, 1.0 + self._share_of_time(phase))

    def _share_of_time(self, phase: int) -> float:
        lasting = [sum(interval.seconds for interval in own.intervals) for own in self._solver.phases]
        return lasting[phase] / sum(lasting)

    def _loss_shows(
        self, phase: int, choice: Candidate | None, journeys: tuple[Journey, ...], of_service: bool
    ) -> float:
        packets = self._packets[phase]
        spared = chance_of_loss(packets, None)
        if choice is None:
            shown = sum(chance_of_loss(packets, rate) for rate in RATES) / len(RATES)
            return EVEN * shown + (1 - EVEN) * spared
        touch = self._touch(choice, journeys, of_service)
        touched = 1.0 if touch >= Touch.YES else CHANCES.get(touch, 0.0)
        return touched * self._shown_if_touched(phase, choice) + (1 - touched) * spared if touched else spared

    def _touch(self, choice: Candidate, journeys: tuple[Journey, ...], of_service: bool) -> Touch:
        """Modes that lose the same packets at the same place are asked once."""
        key = (id(journeys), of_service, *sort_of_touch(choice))
        if key not in self._touches:
            # The journeys stay beside it, so that no others are ever known by the same id.
            self._touches[key] = touch_of(choice, journeys, of_service, self._situation.paths), journeys
        return self._touches[key][0]

    def _shown_if_touched(self, phase: int, choice: Candidate) -> float:
        key = (phase, choice)
        if key not in self._shown:
            weights = zip(RATES, self.rates(phase, choice), strict=True)
            self._shown[key] = sum(weight * chance_of_loss(self._packets[phase], rate) for rate, weight in weights)
        return self._shown[key]

    def rates(self, phase: int, choice: Candidate) -> tuple[float, ...]:
        """How probable each loss rate is under a cause, by what was lost end to end, all of which met it."""
        full = choice.mode.full
        logs = [log((1 - full) / len(PARTIAL_RATES))] * len(PARTIAL_RATES)
        logs += [log(full / len(FULL_RATES))] * len(FULL_RATES)
        for kind in self._solver.fits.tables[phase].kinds:
            first = kind[0]
            if not first.end_to_end:
                continue
            touch = self._touch(choice, first.journeys, first.of_service)
            if touch >= Touch.YES:
                crossed = [either_way(rate) for rate in RATES] if touch is Touch.TWICE else RATES
                scatter = SCATTER if touch is Touch.YES else SCATTER_AT_RANDOM
                for group in kind:
                    parts = (log_faulty(group.lost, group.sent, rate, scatter=scatter) for rate in crossed)
                    logs = [own + group.weight * part for own, part in zip(logs, parts, strict=True)]
        whole = add_logs(*logs)
        return tuple(exp(value - whole) for value in logs)

    def _passing(self, phase: int) -> int:
        """How many packets of the service a measurement of one phase may count."""
        whole = [group.sent for kind in self._solver.fits.tables[phase].kinds for group in kind if group.end_to_end]
        return min(MOST_PACKETS, max(FEWEST_PACKETS, *whole, 0))


@cache
def chance_of_loss(packets: int, rate: float | None) -> float:
    """The chance that as much is lost of so many packets as counts for trouble, at a loss rate, or without a fault."""
    least = max(1, ceil(LEAST_LOSS_RATIO * packets))
    logs = [log_healthy(k, packets) if rate is None else log_faulty(k, packets, rate) for k in range(least)]
    return min(1.0 - 1e-6, max(1e-6, 1.0 - exp(add_logs(*logs, -inf) if logs else -inf)))
