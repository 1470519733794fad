"""What could still be asked for about an incident: only what can exist, and was not handed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, combinations

from attribution.inference.fits import Situation
from attribution.inference.grouping import ONE_POINT_TRUST
from attribution.inference.predictions import Predictor, Sign
from attribution.inference.reports import NEEDS_COUNTERS, NEEDS_LOG, NEEDS_STATUS
from attribution.model.evidence import AlarmKind, Journey, Stretch
from attribution.model.incident import EvidenceType
from attribution.model.topology import Node, NodeKind, Side

LOGGED = (
    NEEDS_LOG
    | NEEDS_STATUS
    | {AlarmKind.RESOURCES_EXHAUSTED, AlarmKind.TABLE_FULL, AlarmKind.RATE_EXCEEDED}
    | {AlarmKind.ATTACK, AlarmKind.INTERFACE_ERRORS}
)
COUNTED = NEEDS_COUNTERS | NEEDS_STATUS | {AlarmKind.DEVICE_UNREACHABLE, AlarmKind.RESOURCES_EXHAUSTED}
# What a device's own packets tell wherever on the way they are captured.
CAPTURED = frozenset(
    {
        AlarmKind.ROUTE_MISSING,
        AlarmKind.FILTERED,
        AlarmKind.PACKET_TOO_BIG,
        AlarmKind.HOST_REFUSES,
        AlarmKind.ATTACK,
    }
)
# Equipment that carries light or circuits has no port that packets could be captured at.
NO_CAPTURES = frozenset({NodeKind.TRANSPORT})


class Means(StrEnum):
    """By what a question would be answered."""

    CAPTURE = "capture"
    CAPTURES = "captures"
    LOG = "log"
    WHOLE_LOG = "whole_log"
    COUNTERS = "counters"
    PROBES = "probes"
    CHANGES = "changes"
    ACCOUNT = "account"
    AUDIT = "audit"
    ENDS = "ends"
    END_CAPTURES = "end_captures"
    OWNER = "owner"


EVIDENCE: dict[Means, frozenset[EvidenceType]] = {
    Means.CAPTURE: frozenset({EvidenceType.CAPTURE}),
    Means.CAPTURES: frozenset({EvidenceType.CAPTURE}),
    Means.LOG: frozenset({EvidenceType.SYSLOG}),
    Means.WHOLE_LOG: frozenset({EvidenceType.SYSLOG}),
    Means.COUNTERS: frozenset({EvidenceType.INTERFACE_COUNTERS, EvidenceType.PROMETHEUS}),
    Means.PROBES: frozenset({EvidenceType.PROBES, EvidenceType.PATHS}),
    Means.CHANGES: frozenset({EvidenceType.CHANGE_RECORDS}),
    Means.ACCOUNT: frozenset({EvidenceType.ACCOUNT_EVENTS}),
    Means.AUDIT: frozenset({EvidenceType.CLOUD_AUDIT}),
    Means.ENDS: frozenset({EvidenceType.PROBES, EvidenceType.CAPTURE}),
    Means.END_CAPTURES: frozenset({EvidenceType.CAPTURE}),
    Means.OWNER: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Point:
    """A port at which packets can be captured: of a node, on a link of the way."""

    node: str
    link: str


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Evidence that could still be had from one side, and the chances of what it may show.

    `places` are the devices asked about, in the order of the way; `points` the ports, for captures. `instead` is what
    would tell nearly the same, where the side does not have this.
    """

    means: Means
    side: Side
    places: tuple[str, ...]
    signs: tuple[Sign, ...]
    points: tuple[Point, ...] = ()
    instead: Inquiry | None = None


def _answers_probes(node: Node) -> bool:
    """Whether a device can send probes, or answer them: a carrier's equipment without an address cannot."""
    return node.kind is not NodeKind.TRANSPORT or bool(node.addresses)


class Inquirer:
    """Lists what could be asked for, along the service's way."""

    def __init__(self, situation: Situation, predictor: Predictor) -> None:
        self._situation = situation
        self._predictor = predictor
        self._way = situation.paths.paths[0] if situation.paths.paths else ()

    def devices(self, side: Side) -> tuple[str, ...]:
        nodes = self._situation.topology.nodes
        return tuple(c for c in self._situation.paths.components if c in nodes and nodes[c].side is side)

    def inquiries(self) -> Iterator[Inquiry]:
        for side in Side:
            yield from self.logs(side)
            yield from self.counters(side)
            yield from self.captures(side)
            yield from self.probes(side)
            yield from self.changes(side)
        yield from self.account()
        yield from self.audit()

    def logs(self, side: Side) -> Iterator[Inquiry]:
        """The log of each device on the way that nobody supplied, or not all of it."""
        parts = {hole.device for hole in self._situation.coverage.holes}
        for device in self.devices(side):
            if device not in self._situation.coverage.logging:
                signs = chain(
                    self._predictor.reports(device, LOGGED),
                    self._predictor.commands(device),
                )
                yield Inquiry(Means.WHOLE_LOG if device in parts else Means.LOG, side, (device,), tuple(signs))

    def counters(self, side: Side) -> Iterator[Inquiry]:
        """The counters and states of each device's ports; of a device at the demarcation also what was offered."""
        coverage = self._situation.coverage
        for device in self.devices(side):
            kinds = COUNTED
            if device in coverage.polled:
                kinds -= NEEDS_STATUS | {AlarmKind.DEVICE_UNREACHABLE}
            if device in coverage.counted:
                kinds -= NEEDS_COUNTERS
            signs = list(self._predictor.reports(device, kinds)) if kinds & COUNTED else []
            if device in coverage.counted and device in coverage.polled:
                continue
            if device not in coverage.counted and self._at_the_demarcation(device):
                signs.append(self._predictor.overuse())
            yield Inquiry(Means.COUNTERS, side, (device,), tuple(signs))

    def _at_the_demarcation(self, device: str) -> bool:
        topology, paths = self._situation.topology, self._situation.paths
        own = topology.nodes[device].side
        return any(
            link.component in paths and topology.nodes[link.far_end(device)].side is not own
            for link in topology.links_of(device)
        )

    # What measures the way

    def captures(self, side: Side) -> Iterator[Inquiry]:
        """A capture at each port of the way where there is none, and at both borders of the side's part of it."""
        points = [point for point in self.points(side) if not self._is_captured(point)]
        told = tuple(self._predictor.seen_by_all(CAPTURED))
        for point in points:
            yield Inquiry(Means.CAPTURE, side, (point.node,), (*self._split_at(point), *told), (point,))
        for first, last in self._borders(side):
            if first in points or last in points:
                part = self._between(first, last)
                signs = (*chain(*(self._predictor.losses(journey, True) for journey in part)), *told)
                asked = tuple(point for point in (first, last) if point in points)
                yield Inquiry(Means.CAPTURES, side, tuple(dict.fromkeys((first.node, last.node))), signs, asked)

    def points(self, side: Side) -> tuple[Point, ...]:
        """The ports of a side's devices on the way, from the first end to the second."""
        nodes = self._situation.topology.nodes
        found = []
        for index, component in enumerate(self._way):
            node = nodes.get(component)
            if node is not None and node.side is side and node.kind not in NO_CAPTURES:
                around = (self._way[index - 1 : index] if index else ()) + self._way[index + 1 : index + 2]
                found += [Point(component, link) for link in around]
        return tuple(found)

    def _is_captured(self, point: Point) -> bool:
        interface = self._situation.topology.links[point.link].interfaces.get(point.node)
        return any(
            m.citation.origin.type is EvidenceType.CAPTURE
            and m.citation.origin.device == point.node
            and m.citation.origin.interface in (None, interface)
            for m in self._situation.measurements
        )

    def _position(self, point: Point) -> int:
        """Where a port listens along the way: k means just before component k."""
        at, link = self._way.index(point.node), self._way.index(point.link)
        return at if link < at else link

    def _split_at(self, point: Point) -> Iterator[Sign]:
        """Whether the service's packets are lost before the point or beyond it, in either direction.

        Beside other captures packets are counted one by one; alone, a capture only tells what had to come twice.
        """
        others = EvidenceType.CAPTURE in self._situation.coverage.types
        trust = 1.0 if others else ONE_POINT_TRUST
        at = self._position(point)
        back = tuple(reversed(self._way))
        for way, cut in ((self._way, at), (back, len(self._way) - at)):
            before = Stretch(way[:cut], True, False, beyond=way[cut:])
            beyond = Stretch(way[cut:], False, True)
            for stretch in (before, beyond):
                if stretch.components:
                    yield from self._predictor.losses(((stretch,),), True, trust)

    def _borders(self, side: Side) -> Iterator[tuple[Point, Point]]:
        """The ports at either end of each run of the way that is the side's own."""
        nodes = self._situation.topology.nodes
        runs: list[list[str]] = []
        for component in (c for c in self._way if c in nodes):
            if runs and nodes[runs[-1][-1]].side is nodes[component].side:
                runs[-1].append(component)
            else:
                runs.append([component])
        for run in runs:
            ports = [point for point in self.points(side) if point.node in run]
            if len(ports) > 1:
                yield ports[0], ports[-1]

    def _between(self, first: Point, last: Point) -> Iterator[tuple[Journey, ...]]:
        """The stretch between two ports, there and back."""
        start, end = self._position(first), self._position(last)
        way, back = self._way, tuple(reversed(self._way))
        for part, beyond in (
            (way[start:end], way[end:]),
            (back[len(way) - end : len(way) - start], back[len(way) - start :]),
        ):
            yield ((Stretch(part, False, False, beyond=beyond),),)

    def probes(self, side: Side) -> Iterator[Inquiry]:
        """Two-way probes between two devices of the side, or to its neighbour across the demarcation."""
        nodes = self._situation.topology.nodes
        stops = [c for c in self._way if c in nodes and _answers_probes(nodes[c])]
        measured = {
            frozenset(c for stretch in journey for c in stretch.components)
            for m in self._situation.measurements
            for journey in m.journeys
        }
        for first, last in combinations(stops, 2):
            sides = [nodes[first].side, nodes[last].side]
            near = stops.index(last) - stops.index(first) == 1
            if side not in sides or not (sides[0] is sides[1] or near):
                continue
            part = self._way[self._way.index(first) : self._way.index(last) + 1]
            if frozenset(part) in measured:
                continue
            there, back = ((Stretch(part),),), ((Stretch(tuple(reversed(part))),),)
            signs = chain(self._predictor.losses(there, False), self._predictor.losses(back, False))
            yield Inquiry(Means.PROBES, side, (first, last), tuple(signs))

    # What people did

    def changes(self, side: Side) -> Iterator[Inquiry]:
        if (EvidenceType.CHANGE_RECORDS, side) not in self._situation.coverage.supplied:
            devices = self.devices(side)
            signs = tuple(self._predictor.tickets(devices))
            yield Inquiry(Means.CHANGES, side, devices, signs)

    def account(self) -> Iterator[Inquiry]:
        if EvidenceType.ACCOUNT_EVENTS not in self._situation.coverage.types:
            signs = tuple(self._predictor.shown_by(EvidenceType.ACCOUNT_EVENTS))
            yield Inquiry(Means.ACCOUNT, Side.PROVIDER, self.devices(Side.PROVIDER), signs)

    def audit(self) -> Iterator[Inquiry]:
        if EvidenceType.CLOUD_AUDIT not in self._situation.coverage.types:
            signs = tuple(self._predictor.cloud_calls())
            yield Inquiry(Means.AUDIT, Side.CUSTOMER, self.devices(Side.CUSTOMER), signs)
