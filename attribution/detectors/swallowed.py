"""Packets of the service that came into a device at one captured port, and never left it at another one.

Captures are compared by the packets that both show. Of traffic that a device lets through at no time there is none: a
firewall without a session for answers that came to it by another way, say. There the device's own ports tell, if all by
which it may have left were captured all the while, and nothing left there that could be the same in another form.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from attribution.detectors.loss import Surroundings, detect_segment_loss, tap_position
from attribution.model.evidence import Measurement
from attribution.model.incident import Interval
from attribution.model.observation import CaptureCoverage, Observation, PairCount, TapLoad
from attribution.model.ports import find_link
from attribution.model.topology import NodeKind

Point = tuple[str, str | None]
Pair = tuple[str, str]
Place = tuple[str, str]
"""A device, and one of its links."""
# So many packets of a pair have to come before it means something that none leaves.
FEWEST_SWALLOWED = 10
# They may have left in another form, translated, in a tunnel or encrypted, if so many others as this share of them were
# there meanwhile.
IN_ANOTHER_FORM = 0.2


class CapturedPort:
    """What was captured at one port: by pair of addresses, and when it was listened there, with all frames."""

    def __init__(self) -> None:
        self.loads: dict[Pair, list[TapLoad]] = defaultdict(list)
        self.listened: list[Interval] = []
        self.files: set[str] = set()
        self.frames = 0

    def was_heard(self, when: Interval) -> bool:
        return any(time.start_ns <= when.start_ns and when.end_ns <= time.end_ns for time in self.listened)

    def packets(self, pairs: Iterable[Pair], when: Interval) -> int:
        """How many packets of these pairs passed in a time."""
        loads = (load for pair in pairs for load in self.loads[pair])
        return sum(load.packets for load in loads if when.overlaps(_time(load)))

    def without_address(self, when: Interval) -> float:
        """How many frames there were in a time, by their share in all, in which no IP addresses could be read."""
        known = sum(load.packets for loads in self.loads.values() for load in loads)
        listened = sum(time.seconds for time in self.listened)
        share = when.seconds / listened if listened > when.seconds else 1.0
        return max(0, self.frames - known) * share


def detect_swallowed(observations: Iterable[Observation], around: Surroundings) -> Iterator[Measurement]:
    """What went into a device of the service's packets and came out nowhere: the device lost all of it."""
    yield from detect_segment_loss(_find_swallowed(observations, around), around)


def _find_swallowed(observations: Iterable[Observation], around: Surroundings) -> Iterator[PairCount]:
    """The same as counts between two of its ports, in the order of the pairs of addresses."""
    ports = _captured_ports(observations)
    at_link = {place: point for point in ports if (place := _place(point, around)) is not None}
    for point, port in ports.items():
        for pair, loads in sorted(port.loads.items()):
            exits = [at_link.get(place) for place in _exits(point, pair, loads[0].time_ns, around)]
            beyond = [other for other in exits if other is not None]
            if beyond and len(beyond) == len(exits):
                missed = [{load.time_ns for load in _swallowed(pair, port, ports[other])} for other in beyond]
                times, second = set.intersection(*missed), min(beyond, key=str)
                yield from (_count(load, second, min(ports[second].files)) for load in loads if load.time_ns in times)


def _captured_ports(observations: Iterable[Observation]) -> dict[Point, CapturedPort]:
    """The ports at which anything was captured, but for captures that missed packets themselves."""
    ports: dict[Point, CapturedPort] = defaultdict(CapturedPort)
    incomplete: set[Point] = set()
    for seen in observations:
        if isinstance(seen, TapLoad):
            ports[seen.device, seen.interface].loads[seen.source, seen.destination].append(seen)
        elif isinstance(seen, CaptureCoverage):
            port = ports[seen.device, seen.interface]
            port.listened.append(Interval(seen.time_ns, seen.end_ns))
            port.files.add(seen.origin.file)
            port.frames += seen.packets
            if seen.dropped:
                incomplete.add((seen.device, seen.interface))
    return {point: port for point, port in ports.items() if point not in incomplete}


def _place(point: Point, around: Surroundings) -> Place | None:
    """A device and the link at its captured port."""
    device, name = point
    link = find_link(around.topology, device, name) if name is not None else None
    return (device, link.component) if link is not None else None


def _exits(point: Point, pair: Pair, time_ns: int, around: Surroundings) -> Sequence[Place]:
    """Over which links what comes in at a port may leave the device: all from which one gets to its destination.

    Not only those of the drawn way: what has no other is sent where a route is left. None where packets rather go out
    at the port, and for those that are not the service's: what others are denied for good is no interruption.
    """
    device, topology = point[0], around.topology
    source, destination = (around.book.resolve(address) for address in pair)
    entry = _place(point, around)
    if entry is None or source is None or destination is None or not around.is_end_to_end(source, destination):
        return ()
    ways = around.routes.paths(source, destination, time_ns)
    places = {(way, at) for way in ways if (at := tap_position(way, point, topology)) is not None}
    if device == destination or not places or any(at == 0 or way[at] != device for way, at in places):
        return ()

    def leads_there(node: str) -> bool:
        passes = topology.nodes[node].kind is not NodeKind.HOST
        return node == destination or (passes and around.routes.has_way_around(node, destination, device))

    links = (link for link in topology.links_of(device) if link.component != entry[1])
    return [(device, link.component) for link in links if leads_there(link.far_end(device))]


def _swallowed(pair: Pair, port: CapturedPort, other: CapturedPort) -> Sequence[TapLoad]:
    """What came in of a pair at one port and left in no form at another, as far as that was listened to meanwhile."""
    together = bool(port.files & other.files)
    loads = [load for load in port.loads[pair] if together or other.was_heard(_time(load))]
    count = sum(load.packets for load in loads)
    translated = any(pair[0] == source or pair[1] == to for source, to in other.loads)
    # A port that shows nothing whatever may not have been listened to; and two captures that have nothing in common may
    # be of different traffic by the will of who made them.
    comparable = other.frames and (together or port.loads.keys() & other.loads.keys())
    if count < FEWEST_SWALLOWED or translated or not comparable:
        return ()
    when = Interval(min(load.time_ns for load in loads), max(load.end_ns for load in loads))
    answers = (pair[1], pair[0])  # which come in at the other port
    others = sorted(other.loads.keys() - port.loads.keys() - {answers})
    strange = other.packets(others, when) + other.without_address(when)
    return loads if strange <= IN_ANOTHER_FORM * count else ()


def _time(load: TapLoad) -> Interval:
    return Interval(load.time_ns, load.end_ns)


def _count(load: TapLoad, second: Point, file: str) -> PairCount:
    return PairCount(
        time_ns=load.time_ns,
        end_ns=load.end_ns,
        origin=load.origin,
        locator=load.locator,
        first=(load.device, load.interface),
        second=second,
        second_file=file,
        source=load.source,
        destination=load.destination,
        protocol="ip",
        sent=load.packets,
        lost=load.packets,
    )
