"""What traceroutes and mtr reports count: packets for each hop on the way, and those that it, or the end, answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from math import sqrt

from attribution.detectors.loss import Surroundings
from attribution.model.evidence import Citation, Measurement, Method, Stretch
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import Hop, Observation, PathTrace
from attribution.model.phrase import Template

# A traceroute asks each hop three times at once, mtr as often as it is told to, once a second.
ASKED_AT_ONCE = 3
# Standard errors by which a hop must lose more than a later one before its own answers, not the way, are scarce.
CLEARLY_MORE = 3.0


def detect_reached_hops(observations: Iterable[Observation], around: Surroundings) -> Iterator[Measurement]:
    """A hop that answers a traceroute clears the way to it; one that fell silent, though it answers at other times,
    tells that the way to it, or back, lost the packets. A router that never answers is mute, and proves nothing.
    """
    traces: dict[tuple[str, str], list[PathTrace]] = defaultdict(list)
    for trace in observations:
        if not isinstance(trace, PathTrace):
            continue
        source, destination = around.book.resolve(trace.source), around.book.resolve(trace.destination)
        if source is not None and destination is not None and source != destination:
            traces[(source, destination)].append(trace)
    for (source, destination), members in traces.items():
        answering = {node for trace in members for node, _ in _answers(trace, around)}
        for trace in members:
            yield from _count(trace, source, destination, answering, around)


def _answers(trace: PathTrace, around: Surroundings) -> Iterator[tuple[str, Hop]]:
    """The hops that answered and whose addresses are known, in order of distance."""
    for hop in trace.hops:
        node = around.book.resolve(hop.address)
        if hop.received > 0 and node is not None:
            yield node, hop


def _count(
    trace: PathTrace, source: str, destination: str, answering: Collection[str], around: Surroundings
) -> Iterator[Measurement]:
    """What one traceroute counts: the farthest hop that answered, and the next one that usually does and did not; of a
    report, all hops.

    Routers answer when they have the time to; of what was for the destination itself, all that it left unanswered was
    lost.
    """
    answers = [(node, hop) for node, hop in _answers(trace, around) if node != source]
    reached = answers[-1][0] if answers else source
    path = next((p for p in around.routes.paths(source, destination, trace.time_ns) if reached in p), None)
    if path is None:
        return
    for node, sent, lost in _losses([(node, hop) for node, hop in answers if node in path], destination):
        yield _measurement(trace, path, node, sent, lost, around)
    silent = [node for node in path[path.index(reached) + 1 :] if node in answering]
    farthest = answers[-1][1].number if answers else 0
    asked = [hop.sent for hop in trace.hops if hop.number > farthest and hop.received == 0 and hop.sent > 0]
    if silent and asked:
        # Behind a silent hop a traceroute soon gives up; a report asks on, as often for each hop.
        for node in dict.fromkeys([silent[0], *(silent[-1:] if asked[0] > ASKED_AT_ONCE else ())]):
            yield _measurement(trace, path, node, asked[0], asked[0], around)


def _losses(answers: list[tuple[str, Hop]], destination: str) -> Iterator[tuple[str, int, int]]:
    """How many packets for each hop that tells of it went there, and how many of them were lost on the way or back.

    What is lost on the way to a hop is lost to all that lie behind it: a router that leaves clearly more unanswered
    than one of those, or of whose unanswered packets nothing behind it tells, limits its answers. Of single packets
    only the farthest one's are counted: whether a router had no time for one, no other tells.
    """
    least: Hop | None = None
    for index, (node, hop) in enumerate(reversed(answers)):
        unanswered = hop.sent - hop.received
        if node == destination:
            yield node, hop.sent, unanswered
            least = hop
        elif hop.sent <= ASKED_AT_ONCE:
            if index == 0:
                yield node, hop.received, 0
        elif unanswered == 0:
            yield node, hop.sent, 0
            least = hop
        elif least is None:
            if index == 0:
                yield node, 1, 0
        elif not _is_clearly_more(hop, least):
            yield node, hop.sent, min(unanswered, round(_share(least) * hop.sent))
            least = min(least, hop, key=_share)


def _share(hop: Hop) -> float:
    return 1 - hop.received / hop.sent


def _is_clearly_more(hop: Hop, least: Hop) -> bool:
    """Whether a hop leaves a larger share unanswered than another, by a test of two proportions."""
    together = 1 - (hop.received + least.received) / (hop.sent + least.sent)
    error = sqrt(together * (1 - together) * (1 / hop.sent + 1 / least.sent))
    return _share(hop) - _share(least) > CLEARLY_MORE * error


def _measurement(
    trace: PathTrace, path: tuple[str, ...], node: str, sent: int, lost: int, around: Surroundings
) -> Measurement:
    source, destination = path[0], path[-1]
    at = path.index(node) + 1
    asked = max(hop.sent for hop in trace.hops)
    of_service = around.is_end_to_end(source, destination)
    # A router without a route for the destination drops the packet before it would say that its time is over.
    there = Stretch(path[:at], ends_inside=lost == 0 or node == destination, beyond=path[at:] if lost else ())
    subject = (
        Template("traceroute packets from {source} towards {destination} that {node} answered")
        if lost == 0
        else Template("traceroute packets from {source} towards {destination} that {node} should have answered")
    )
    return Measurement(
        interval=Interval(trace.time_ns, trace.time_ns + (asked if asked > ASKED_AT_ONCE else 1) * NANOSECONDS),
        journeys=tuple(
            (there, Stretch(back)) for back in around.routes.ways_back(node, source, destination, trace.time_ns)
        ),
        sent=sent,
        lost=lost,
        method=Method.TRACE,
        series=f"{trace.origin.file}:{source}>{destination}/trace-to-{node}",
        traffic="trace",
        end_to_end=of_service and node == destination and sent > ASKED_AT_ONCE,
        of_service=of_service,
        citation=Citation(trace.origin, trace.locator),
        subject=subject.fill(source=source, destination=destination, node=node),
    )
