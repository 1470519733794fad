"""Every witness of loss in one currency: n sent, k lost, on this journey, in this interval."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from attribution.detectors.addresses import AddressBook
from attribution.detectors.routes import MOST_CANDIDATES, Routes
from attribution.model.evidence import Citation, Journey, Measurement, Method, Stretch
from attribution.model.incident import NANOSECONDS, Interval, Service
from attribution.model.observation import (
    CONNECTIONS,
    CUT,
    TOO_BIG,
    Caveat,
    FlowRecord,
    Observation,
    PacketWitness,
    PairCount,
    ProbeResult,
    TapCount,
    WitnessKind,
)
from attribution.model.phrase import Phrase, Template
from attribution.model.ports import find_link
from attribution.model.topology import Topology

LONGEST_WINDOW_S = 600.0
UNDRAWN_FLOWS = Phrase(
    "records of flows were left out: an end of theirs is not in the topology, or none of their paths, or too many are"
)


class Surroundings:
    """What is needed to turn an observation's names into journeys."""

    def __init__(self, topology: Topology, service: Service, book: AddressBook, routes: Routes) -> None:
        self.topology = topology
        self.first_and_second = service.ends
        self.ends = frozenset(service.ends)
        self.book = book
        self.routes = routes

    def is_end_to_end(self, source: str, destination: str) -> bool:
        return {source, destination} == self.ends


def detect_probe_loss(observations: Iterable[Observation], around: Surroundings) -> Iterator[Measurement]:
    """Probes without an answer: lost on the way there or on the way back."""
    sent = (result for result in observations if isinstance(result, ProbeResult) and result.sent > 0)
    for (file, source_name, destination_name, protocol, number), results in series_of(sent).items():
        source, destination = around.book.resolve(source_name), around.book.resolve(destination_name)
        if source is None or destination is None or source == destination:
            continue
        for result, end_ns in zip(results, window_ends([result.time_ns for result in results]), strict=True):
            yield Measurement(
                interval=Interval(result.time_ns, end_ns),
                journeys=around.routes.journeys_there_and_back(source, destination, result.time_ns),
                sent=result.sent,
                lost=result.sent - result.received,
                method=Method.PROBES,
                series=f"{file}:{source}>{destination}/{protocol}{f'#{number}' if number else ''}",
                traffic=protocol,
                end_to_end=around.is_end_to_end(source, destination),
                of_service=around.is_end_to_end(source, destination),
                citation=Citation(result.origin, result.locator),
                subject=Phrase(
                    "{protocol} probes from {source} to {destination}",
                    protocol=protocol,
                    source=source,
                    destination=destination,
                ),
            )


def series_of(results: Iterable[ProbeResult]) -> dict[tuple[str, str, str, str, int], list[ProbeResult]]:
    """Probes by file, source, destination and protocol, and by the number of the series.

    Who probes each of several ways between two ends reports one count for each of them at a time. Which is of which way
    no row says, and the order of rows must not matter: those that lost least at each time belong together, and so do
    those that lost most, as the one way that is dead does all the while. Each series is in order of time.
    """
    found: dict[tuple[str, str, str, str, int], list[ProbeResult]] = defaultdict(list)
    known: Counter[tuple[str, str, str, str, int]] = Counter()
    for result in sorted(results, key=lambda r: (r.time_ns, 1 - r.received / r.sent, r.sent)):
        key = (result.origin.file, result.source, result.destination, result.protocol)
        number = known[(*key, result.time_ns)]
        known[(*key, result.time_ns)] += 1
        found[(*key, number)].append(result)
    return found


def window_ends(starts: list[int]) -> list[int]:
    """Where each probe window ends: at the next one's start, at most twice the usual spacing later.

    A series of single probes (one connection attempt each) has short windows; the last window has the usual length.
    """
    gaps = [later - earlier for earlier, later in pairwise(starts) if later > earlier]
    usual = int(median(gaps)) if gaps else NANOSECONDS
    usual = min(usual, int(LONGEST_WINDOW_S * NANOSECONDS))
    ends = [min(later, earlier + 2 * usual) for earlier, later in pairwise(starts)]
    return [max(end, start + 1) for end, start in zip([*ends, starts[-1] + usual], starts, strict=True)]


def detect_flow_loss(observations: Iterable[Observation], around: Surroundings) -> Iterator[Measurement]:
    """Flow records with their candidate paths: one way, from the first node to the last."""
    records = list(_sent_flows(observations))
    starts = sorted({record.time_ns for record in records})
    ends = dict(zip(starts, window_ends(starts), strict=True)) if starts else {}
    for record in records:
        source, destination = around.book.resolve(record.source), around.book.resolve(record.destination)
        journeys = _flow_journeys(record, around)
        if source is None or destination is None or not journeys:
            continue
        yield Measurement(
            interval=Interval(record.time_ns, ends[record.time_ns]),
            journeys=journeys,
            sent=record.sent,
            lost=record.lost,
            method=Method.FLOWS,
            series=f"{record.origin.file}:{source}>{destination}/{record.flow or record.protocol or 'flow'}",
            traffic=record.protocol or "flow",
            end_to_end=around.is_end_to_end(source, destination),
            of_service=around.is_end_to_end(source, destination),
            citation=Citation(record.origin, record.locator),
            subject=Phrase("packets of flows from {source} to {destination}", source=source, destination=destination),
        )


def _sent_flows(observations: Iterable[Observation]) -> Iterator[FlowRecord]:
    return (record for record in observations if isinstance(record, FlowRecord) and record.sent > 0)


def _flow_journeys(record: FlowRecord, around: Surroundings) -> tuple[Journey, ...]:
    """The ways that a flow may have gone; none where none of them is drawn.

    A candidate way that is not drawn crosses nothing that is known: it leaves the flow's way open.
    """
    expanded = [around.routes.expansions(path) for path in record.paths]
    if not any(expanded):
        return ()
    return tuple((Stretch(way),) if way else () for ways in expanded for way in ways or ((),))


def note_undrawn_flows(observations: Iterable[Observation], around: Surroundings) -> Iterator[Caveat]:
    """Which files have records of flows of which the drawing shows too little: where the first is, and how many."""
    left_out: dict[str, list[FlowRecord]] = defaultdict(list)
    for record in _sent_flows(observations):
        ends = (around.book.resolve(record.source), around.book.resolve(record.destination))
        if None in ends or not _flow_journeys(record, around):
            left_out[record.origin.file].append(record)
    for file, records in left_out.items():
        yield Caveat(file, records[0].locator, UNDRAWN_FLOWS, len(records))


def detect_segment_loss(observations: Iterable[Observation], around: Surroundings) -> Iterator[Measurement]:
    """Packets vanish between two capture points: the stretch between them lost them."""
    for pair in observations:
        if not isinstance(pair, PairCount) or pair.sent <= 0:
            continue
        source, destination = around.book.resolve(pair.source), around.book.resolve(pair.destination)
        if source is None or destination is None:
            continue
        found: list[Journey] = []
        behind: list[tuple[str, ...]] = []
        paths = around.routes.paths(source, destination, pair.time_ns)
        points = (pair.second, *pair.behind)
        for path in paths:
            stretch = stretch_between(path, pair.first, pair.second, around.topology)
            if stretch is not None:
                found.append((stretch,))
                behind.append(path[: len(path) - len(stretch.components) - len(stretch.beyond)])
        elsewhere = gone_elsewhere(pair, around)
        if not found or pair.sent <= elsewhere:
            continue
        whole = pair.first[0] == source and pair.second[0] == destination
        first, second = (f"{device} {port or ''}".strip() for device, port in (pair.first, pair.second))
        yield Measurement(
            interval=Interval(pair.time_ns, pair.end_ns),
            journeys=tuple(found),
            sent=pair.sent - elsewhere,
            lost=pair.lost - elsewhere,
            method=Method.TWO_POINTS,
            series=f"{pair.origin.part}|{pair.second_file}:{source}>{destination}/{pair.protocol}",
            traffic=pair.protocol,
            end_to_end=whole and around.is_end_to_end(source, destination),
            of_service=around.is_end_to_end(source, destination),
            citation=Citation(pair.origin, pair.locator),
            subject=Phrase(
                "{protocol} packets from {source} to {destination} between {first} and {second}",
                protocol=pair.protocol,
                source=source,
                destination=destination,
                first=first,
                second=second,
            ),
            for_good=all(any(tap_position(path, at, around.topology) is not None for at in points) for path in paths),
            came_through=_surely_crossed(behind, around),
        )


def gone_elsewhere(pair: PairCount, around: Surroundings) -> int:
    """How many of the lost may have gone a way that leads by none of the further capture points."""
    source, destination = around.book.resolve(pair.source), around.book.resolve(pair.destination)
    if not pair.strange or source is None or destination is None:
        return 0
    points = (pair.second, *pair.behind)
    paths = around.routes.paths(source, destination, pair.time_ns)
    stretches = (stretch_between(path, pair.first, pair.second, around.topology) for path in paths)
    ways = ((*stretch.components, *stretch.beyond) for stretch in stretches if stretch is not None)
    return 0 if all(_must_pass(way, points, around) for way in ways) else pair.strange


def note_strangers(observations: Iterable[Observation], around: Surroundings) -> Iterator[Caveat]:
    """What was not compared between two captures, as another way may have led it by the second one."""
    for pair in observations:
        if isinstance(pair, PairCount) and (count := gone_elsewhere(pair, around)):
            point = " ".join(filter(None, pair.second))
            reason = Phrase("packets of flows that {point} never showed may have gone another way", point=point)
            yield Caveat(pair.origin.file, pair.locator, reason, count)


def _must_pass(way: tuple[str, ...], points: Sequence[tuple[str, str | None]], around: Surroundings) -> bool:
    """Whether what passes a first capture point, on its way from there, gets by none of the further ones unseen."""
    onward = way if way[0] in around.topology.nodes else way[1:]
    links = (find_link(around.topology, node, port) for node, port in points if node in onward and port is not None)
    surely = around.routes.unavoidable(onward)
    return any(link is not None and link.component in surely for link in links)


def stretch_between(
    path: tuple[str, ...],
    first: tuple[str, str | None],
    second: tuple[str, str | None],
    topology: Topology,
) -> Stretch | None:
    """The part of a path between two capture points: from the side of the port where the first one listens."""
    start, end = tap_position(path, first, topology), tap_position(path, second, topology)
    if start is None or end is None or start > end:
        return None
    # Positions lie between components: tap k stands before path[k].
    components = path[start:end]
    if not components:
        return None
    # Within one device, what its ports are set to decides what gets from one to the other.
    within = len(components) == 1 and components[0] in topology.nodes and start > 0 and end < len(path)
    ports = (path[start - 1], path[end]) if within else ()
    return Stretch(
        components, starts_inside=False, ends_inside=False, beyond=path[end:], recorder=second[0], beside=ports
    )


def tap_position(path: tuple[str, ...], point: tuple[str, str | None], topology: Topology) -> int | None:
    """Where a capture point stands on a path: k means just before component k.

    A port's capture sees packets that come in after their link and before the node, and packets that go out after
    the node and before the link.
    """
    node, port = point
    if node not in path:
        return None
    at = path.index(node)
    link = find_link(topology, node, port) if port is not None else None
    if link is None:
        return None
    if at > 0 and path[at - 1] == link.component:
        return at
    if at + 1 < len(path) and path[at + 1] == link.component:
        return at + 1
    return None


def detect_tap_loss(observations: Iterable[Observation], around: Surroundings) -> Iterator[Measurement]:
    """What one capture point tells by itself: segments that never came past it, those that had to come twice, and
    too-big messages that their receiver never heeded."""
    taps = [tap for tap in observations if isinstance(tap, TapCount) and tap.sent > 0]
    heard = {_direction(tap) for tap in taps if tap.protocol == "tcp" and tap.sent > tap.lost_upstream}
    for tap in taps:
        source, destination = around.book.resolve(tap.source), around.book.resolve(tap.destination)
        if source is None or destination is None or source == destination:
            continue
        for upstream in (True, False):
            measurement = _tap_side(tap, source, destination, upstream, _brought_nothing(tap, heard), around)
            if measurement is not None:
                yield measurement


def _direction(tap: TapCount) -> tuple[str, int, str, str]:
    return (tap.origin.part, tap.time_ns, tap.source, tap.destination)


def _brought_nothing(tap: TapCount, heard: Container[tuple[str, int, str, str]]) -> bool:
    """Whether all segments were sent again, and nothing whatever came back by here meanwhile: their acknowledgements
    may have been lost, and not they."""
    all_again = tap.protocol == "tcp" and tap.lost_downstream == tap.sent - tap.lost_upstream - tap.unanswered > 0
    return all_again and (tap.origin.part, tap.time_ns, tap.destination, tap.source) not in heard


def detect_silent_requests(observations: Iterable[Observation], around: Surroundings) -> Iterator[Measurement]:
    """Pings that were sent all the while and never came by a capture point that is on every way: lost before it."""
    for witness in observations:
        if not isinstance(witness, PacketWitness) or witness.kind is not WitnessKind.SILENCE or witness.code is None:
            continue
        source, destination = around.book.resolve(witness.sender), around.book.resolve(witness.about)
        link = find_link(around.topology, witness.device, witness.interface or "")
        if source is None or destination is None or link is None or source == destination:
            continue
        ways = around.routes.paths(source, destination, witness.time_ns)
        places = [tap_position(way, (witness.device, witness.interface), around.topology) for way in ways]
        journeys = tuple(
            (Stretch(way[:at], True, False, way[at:]),)
            for way, at in zip(ways, places, strict=True)
            if at is not None and link.component in around.routes.unavoidable(way)
        )
        if not journeys or len(journeys) < len(ways):
            continue
        sent, named = int(witness.code), f"{witness.device} {witness.interface or ''}".rstrip()
        yield Measurement(
            interval=Interval(witness.time_ns, witness.end_ns),
            journeys=journeys,
            sent=sent,
            lost=sent,
            method=Method.ONE_POINT,
            series=f"{witness.origin.file}:{source}>{destination}/icmp/silent",
            traffic="icmp/before",
            end_to_end=around.is_end_to_end(source, destination) and witness.device == destination,
            of_service=around.is_end_to_end(source, destination),
            citation=Citation(witness.origin, witness.locator),
            subject=_subject_of("icmp", True).fill(
                protocol="icmp", source=source, destination=destination, point=named
            ),
        )


def _subject_of(protocol: str, upstream: bool) -> Template:
    if protocol == CONNECTIONS:
        return Template("TCP connection requests from {source} to {destination} beyond {point}")
    if protocol == CUT:
        return Template("TCP connections from {source} to {destination} at {point}")
    if protocol == TOO_BIG:
        return Template("ICMP too-big messages from {source} to {destination} beyond {point}")
    if upstream:
        return Template("{protocol} packets from {source} to {destination} before {point}")
    return Template("{protocol} packets from {source} to {destination} beyond {point}")


def _tap_side(
    tap: TapCount, source: str, destination: str, upstream: bool, in_vain: bool, around: Surroundings
) -> Measurement | None:
    # Requests: whether they arrived, their answers tell; and of segments nothing else where none of them seems to have.
    asked = tap.protocol not in ("tcp", TOO_BIG) or (in_vain and not upstream)
    if upstream and tap.protocol != "tcp":
        return None
    point = (tap.device, tap.interface)
    comes_back_here = asked and all(
        tap_position(path, point, around.topology) is not None
        for path in around.routes.all_ways(destination, source, tap.time_ns)
    )
    # Of a question each has a port of its own, and routers may send each one's answer another way.
    if tap.protocol == "udp" and not comes_back_here:
        return None
    journeys: list[Journey] = []
    behind: list[tuple[str, ...]] = []
    for path in around.routes.paths(source, destination, tap.time_ns):
        at = tap_position(path, point, around.topology)
        if at is None:
            continue
        part = path[:at] if upstream else path[at:]
        if not part or (len(part) == 1 and part[0] in around.topology.nodes):
            continue
        behind.append(path[:at])
        stretch = Stretch(part, upstream, not upstream, path[at:] if upstream else ())
        if not asked:
            journeys.append((stretch,))
            continue
        answers = _ways_to(point, destination, source, tap.time_ns, around)
        answers = answers or [Stretch(tuple(reversed(part)), True, False)]
        journeys += [(stretch, answer) for answer in answers]
        if tap.protocol in (CONNECTIONS, "tcp"):  # whom an answer reaches another way goes on, and that comes by
            elsewhere = _ways_beside(point, destination, source, tap.time_ns, around)
            journeys += [(stretch, Stretch(way)) for way in elsewhere]
    if not journeys:
        return None
    lost = tap.lost_upstream if upstream else tap.lost_downstream
    unknown = tap.unanswered
    if comes_back_here:
        lost, unknown = lost + unknown, 0
    # Of what never came past nothing is known beyond; of what nobody ever answered for, not even that.
    sent = tap.sent if upstream else tap.sent - tap.lost_upstream - unknown
    if sent <= 0:
        return None
    side = "before" if upstream else "beyond"
    named = f"{tap.device} {tap.interface or ''}".rstrip()
    return Measurement(
        interval=Interval(tap.time_ns, tap.end_ns),
        journeys=tuple(journeys[:MOST_CANDIDATES]),
        sent=max(sent, lost),
        lost=lost,
        method=Method.ONE_POINT,
        series=f"{tap.origin.part}:{source}>{destination}/{tap.protocol}/{side}",
        traffic=f"{tap.protocol}/{side}",
        end_to_end=around.is_end_to_end(source, destination) and tap.device == (destination if upstream else source),
        of_service=around.is_end_to_end(source, destination),
        citation=Citation(tap.origin, tap.locator),
        subject=_subject_of(tap.protocol, upstream).fill(
            protocol=tap.protocol, source=source, destination=destination, point=named
        ),
        came_through=() if upstream else _surely_crossed(behind, around),
    )


def _surely_crossed(ways: Sequence[tuple[str, ...]], around: Surroundings) -> tuple[str, ...]:
    """What packets have crossed, whichever of the ways to a capture point they took, and whether drawn ones or not."""
    crossed = [around.routes.unavoidable(way) for way in ways if way]
    return tuple(one for one in crossed[0] if all(one in other for other in crossed)) if crossed else ()


def _ways_beside(
    point: tuple[str, str | None], source: str, destination: str, time_ns: int, around: Surroundings
) -> list[tuple[str, ...]]:
    """The ways from source to destination that do not come by a capture point."""
    ways = around.routes.all_ways(source, destination, time_ns)
    return [way for way in ways if tap_position(way, point, around.topology) is None]


def _ways_to(
    point: tuple[str, str | None], source: str, destination: str, time_ns: int, around: Surroundings
) -> list[Stretch]:
    """The ways from source to destination that come by a capture point, as far as that."""
    ways = around.routes.paths(source, destination, time_ns)
    places = [tap_position(way, point, around.topology) for way in ways]
    found = [Stretch(way[:at], True, False, way[at:]) for way, at in zip(ways, places, strict=True) if at is not None]
    return list(dict.fromkeys(found))
