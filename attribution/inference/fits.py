"""How each candidate explains what was measured in each phase of an interruption; every number is worked out once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from attribution.inference.candidates import Candidate, ServicePaths
from attribution.inference.grouping import Group, group_measurements, ways_arrived, ways_captured
from attribution.inference.loss import FADING, OUTLASTED, RETURNING, STILL_GONE, UNSTEADY, LossFit, PhaseLosses
from attribution.inference.modes import Modes
from attribution.inference.phases import Phase
from attribution.inference.relation import Touch, sort_of_touch, touch_of
from attribution.inference.reports import PORT_DOWN
from attribution.inference.timeliness import surely_at_work
from attribution.model.evidence import Alarm, AlarmKind, Coverage, Journey, Measurement, Record, Stretch
from attribution.model.incident import Interval
from attribution.model.topology import ROUTING, Topology


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the evidence of one incident offers to the inference; `steady` are the series of measurements that lose
    as much while the service is back."""

    topology: Topology
    paths: ServicePaths
    session_paths: Mapping[tuple[str, str], frozenset[str]]
    measurements: Sequence[Measurement]
    alarms: Sequence[Alarm]
    records: Sequence[Record]
    coverage: Coverage
    modes: Modes
    steady: frozenset[str] = frozenset()


class KnownTouches:
    """How faults touch journeys of packets, told once for all phases: `of_sort` by the fault's sort and the journeys'
    number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[tuple[Journey, ...], bool], int] = {}
        self.of_sort: dict[tuple[object, ...], dict[int, int]] = defaultdict(dict)

    def number(self, table: PhaseLosses) -> tuple[int, ...]:
        """The number of each kind of a phase's measurements: the same where journeys are the same."""
        alike = ((kind[0].journeys, kind[0].of_service) for kind in table.kinds)
        return tuple(self._numbers.setdefault(key, len(self._numbers)) for key in alike)


class Fits:
    """How well the losses of each phase are explained by each candidate, alone and with a second one."""

    def __init__(self, situation: Situation, phases: Sequence[Phase], touches: KnownTouches) -> None:
        self._situation = situation
        self._phases = tuple(phases)
        self._losses: dict[tuple[int, Hashable, bool], LossFit] = {}
        self._losses_of: dict[tuple[int, Candidate, bool], LossFit] = {}
        self._at_most: dict[tuple[int, str, str | None], float] = {}
        self._left: dict[Hashable, float] = {}
        self._turmoil: dict[Hashable, bytes] = {}
        self._pairs: dict[Hashable, float] = {}
        self._reached: dict[int, tuple[tuple[int, int], ...]] = {}
        self._down: dict[int, frozenset[str]] = {}
        self._missing: dict[int, frozenset[tuple[str, str | None]]] = {}
        self._touches: dict[tuple[int, tuple[object, ...]], bytes] = {}
        self._passed: dict[tuple[int, tuple[object, ...]], bool] = {}
        self._known_touches = touches
        topology = situation.topology
        plain = topology.links.keys() | {name for name, node in topology.nodes.items() if node.kind not in ROUTING}
        first = situation.paths.first_routers(topology)
        others = [[*phases[:index], *phases[index + 1 :]] for index in range(len(phases))]
        groups = [
            group_measurements(situation.measurements, phase, own, situation.steady)
            for phase, own in zip(phases, others, strict=True)
        ]
        at_work = [surely_at_work(phase.span) for phase in phases]
        captured = [ways_captured(own, when) for own, when in zip(groups, at_work, strict=True)]
        arrived = [ways_arrived(own, when) for own, when in zip(groups, at_work, strict=True)]
        passed = [
            {(node, end) for way, end in one | other for node in way}
            for one, other in zip(captured, arrived, strict=True)
        ]
        self._ways_captured = tuple(sorted({way for way, _ in ways}) for ways in captured)
        self.tables = tuple(
            PhaseLosses(own, plain, first, self._refusing(phase.span), through)
            for own, phase, through in zip(groups, phases, passed, strict=True)
        )
        self._journeys = tuple(touches.number(table) for table in self.tables)

    def losses(self, phase: int, candidate: Candidate, later: bool = False) -> LossFit:
        """How a candidate explains a phase; `later`: it already caused an earlier one, and may fade in this one.

        Where routes are withdrawn, they come back one after the other, and may do so within the phase.
        """
        own = (phase, candidate, later)
        if own not in self._losses_of:
            self._losses_of[own] = self._losses_of_sort(phase, candidate, later)
        return self._losses_of[own]

    def at_most(self, phase: int, candidate: Candidate) -> float:
        """What the log likelihood of a phase under a candidate does not exceed, unless routes that it took away come
        back in it: told without asking what the candidate touches."""
        where = (phase, candidate.diverted or candidate.component, candidate.link)
        if where not in self._at_most:
            self._at_most[where] = self.tables[phase].at_most(*where[1:])
        return self._at_most[where]

    def _losses_of_sort(self, phase: int, candidate: Candidate, later: bool) -> LossFit:
        """Candidates of one sort explain a phase alike."""
        key = (phase, (sort_of_touch(candidate), candidate.mode.full), later)
        if key not in self._losses:
            table, full = self.tables[phase], candidate.mode.full
            touches = self.touches_of(phase, candidate)
            fits = [self.losses(phase, candidate) if later else self.lasting(phase, candidate)]
            if later or candidate.mode.withdraws:
                fits.append(table.fit_fading(touches, FADING if later else UNSTEADY, full=full))
            if candidate.mode.withdraws:
                routeless = table.through(touches, self._own(candidate), is_back=later)
                fits.append(table.fit_fading(touches, OUTLASTED, routeless, full))
            if later and candidate.mode.withdraws:
                turmoil = self.in_turmoil(phase, candidate)
                fits.append(table.fit_fading(turmoil, RETURNING, full=full))
                if whole := table.balances_of(candidate.component):
                    fits.append(table.fit_fading(turmoil, RETURNING, whole, full))
            if later and candidate.mode.withdraws and (refused := table.refused(touches, self._missing_routes(phase))):
                fits.append(table.fit_fading(touches, STILL_GONE, refused, full))
            self._losses[key] = max(fits, key=lambda one: one.total)
        return self._losses[key]

    def lasting(self, phase: int, candidate: Candidate) -> LossFit:
        """How a candidate explains a phase in which it lasts, and loses one share of all that it touches."""
        return self.tables[phase].fit(
            candidate, self.touches_of(phase, candidate), self._came_through(phase, candidate)
        )

    def two(self, phase: int, first: Candidate, second: Candidate) -> float:
        """How well two causes at once explain a phase, in nats."""
        key = (phase, sort_of_touch(first), first.mode.full, sort_of_touch(second), second.mode.full)
        if key not in self._pairs:
            touches = (self.touches_of(phase, first), self.touches_of(phase, second))
            self._pairs[key] = self.tables[phase].fit_two((first.mode.full, second.mode.full), touches)
        return self._pairs[key]

    def touches_of(self, phase: int, candidate: Candidate) -> bytes:
        """How a candidate touches each kind of measurement of a phase; candidates of one sort touch them alike."""
        key = (phase, sort_of_touch(candidate))
        if key not in self._touches:
            table, numbers = self.tables[phase], self._journeys[phase]
            touches = bytearray(len(table.kinds))
            known = self._known_touches.of_sort[key[1]]
            for index in table.kinds_near(candidate.diverted or candidate.component, candidate.link):
                number = numbers[index]
                if number not in known:
                    group = table.kinds[index][0]
                    known[number] = touch_of(candidate, group.journeys, group.of_service, self._situation.paths)
                touches[index] = known[number]
                if touches[index] == Touch.MAYBE and self._still_sends(phase, candidate, table.kinds[index]):
                    touches[index] = Touch.YES
            self._touches[key] = bytes(touches)
        return self._touches[key]

    def in_turmoil(self, phase: int, candidate: Candidate) -> bytes:
        """How a fault that took routes away touches each kind of a phase once what had failed is back."""
        key = (phase, sort_of_touch(candidate))
        if key not in self._turmoil:
            across = self._kinds_across(phase, candidate.link or candidate.component)
            touches = self.touches_of(phase, candidate)
            self._turmoil[key] = self.tables[phase].in_turmoil(touches, self._own(candidate), across)
        return self._turmoil[key]

    def left_to(self, phase: int, touches: bytes, other: Candidate) -> float:
        """How much better (nats) it is for what a fault leaves alone in a phase, by its `touches`, if another fault
        touches it."""
        key = (phase, touches, sort_of_touch(other), other.mode.full)
        if key not in self._left:
            table, its_own = self.tables[phase], self.touches_of(phase, other)
            self._left[key] = table.unexplained_by(touches, its_own, other.mode.full)
        return self._left[key]

    def _came_through(self, phase: int, candidate: Candidate) -> bool:
        """Whether the service's packets were seen in a phase behind what the fault befell, if it hit them all."""
        key = (phase, sort_of_touch(candidate))
        if key not in self._passed:
            self._passed[key] = any(
                touch_of(candidate, ((Stretch(way, ends_inside=False),),), True, self._situation.paths) is Touch.YES
                for way in self._ways_captured[phase]
            )
        return self._passed[key]

    def _still_sends(self, phase: int, candidate: Candidate, kind: Sequence[Group]) -> bool:
        """Whether a kind is the balance of a candidate's own link, whose sender would have told of a port that is down.

        Behind a port that is down nothing can get lost; behind one that is up all is that the link should carry.
        """
        stretch = kind[0].journeys[0][0] if kind[0].journeys and kind[0].journeys[0] else None
        if stretch is None or not stretch.balance or candidate.link is None or candidate.link not in stretch.components:
            return False
        sender, coverage = stretch.components[0], self._situation.coverage
        would_tell = sender in coverage.polled or sender in coverage.logging
        return would_tell and candidate.link not in self._links_down(phase)

    def _links_down(self, phase: int) -> frozenset[str]:
        """The links of which a port was reported down at any time of a phase."""
        if phase not in self._down:
            span = self._phases[phase].span
            self._down[phase] = frozenset(
                alarm.component
                for alarm in self._situation.alarms
                if alarm.kind in PORT_DOWN and alarm.interval.overlaps(span)
            )
        return self._down[phase]

    def _kinds_across(self, phase: int, component: str) -> frozenset[int]:
        """The kinds of measurements that would cross a component if they took the way on which it lies."""
        paths = self._situation.paths
        return frozenset(
            index for index, reach in enumerate(self._reaches(phase)) if paths.lies_across(component, reach)
        )

    def _reaches(self, phase: int) -> tuple[tuple[int, int], ...]:
        """From where to where on the service's way each kind of measurements leads, or would have led."""
        if phase not in self._reached:
            self._reached[phase] = tuple(
                self._situation.paths.reach_of(
                    c for journey in kind[0].journeys for s in journey for c in (*s.components, *s.beyond)
                )
                for kind in self.tables[phase].kinds
            )
        return self._reached[phase]

    def _refusing(self, span: Interval) -> frozenset[str]:
        """Which routers said in a time that they have no route for what they should pass on."""
        alarms = (alarm for alarm in self._situation.alarms if alarm.kind is AlarmKind.ROUTE_MISSING)
        return frozenset(alarm.reporter for alarm in alarms if alarm.interval.overlaps(span))

    def _missing_routes(self, phase: int) -> frozenset[tuple[str, str | None]]:
        """The routers that have been missing a route since before a phase, for most of it, and for which end."""
        if phase not in self._missing:
            span = self._phases[phase].span
            middle = (span.start_ns + span.end_ns) // 2
            self._missing[phase] = frozenset(
                (alarm.reporter, alarm.about_peer)
                for alarm in self._situation.alarms
                if alarm.kind is AlarmKind.ROUTE_MISSING
                and alarm.interval.start_ns < span.start_ns
                and alarm.interval.end_ns >= middle
            )
        return self._missing[phase]

    def _own(self, candidate: Candidate) -> frozenset[str]:
        """The node of a candidate, or both ends of its link."""
        link = self._situation.topology.links.get(candidate.link or candidate.component)
        return frozenset((candidate.component, *(link.ends if link is not None else ())))
