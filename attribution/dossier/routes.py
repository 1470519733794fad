"""When the way between two ends changed, broke off and was whole again, as traceroutes show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from attribution.dossier.grounds import Grounds
from attribution.dossier.wording import ARRIVES_AGAIN, NO_FARTHER, WAY_CHANGED
from attribution.model.dossier import Entry, EntryKind
from attribution.model.incident import Interval
from attribution.model.observation import PathTrace
from attribution.model.phrase import Phrase

Way = tuple[str, ...]


def tell_routes(grounds: Grounds) -> Iterator[Entry]:
    """An entry wherever a series of traceroutes takes another way, no longer arrives, or arrives again.

    A destination that never answers tells nothing of the kind; a router that stays silent is no change.
    """
    series: dict[tuple[str, str, str], list[PathTrace]] = defaultdict(list)
    for trace in grounds.observations:
        if isinstance(trace, PathTrace):
            source, destination = grounds.node(trace.source), grounds.node(trace.destination)
            if source is not None and destination is not None and source != destination:
                series[(trace.origin.file, source, destination)].append(trace)
    for (_, source, destination), traces in series.items():
        traces.sort(key=lambda trace: (trace.time_ns, trace.locator))
        ways = [_way(trace, grounds) for trace in traces]
        if any(way and way[-1] == destination for way in ways):
            yield from _changes(traces, ways, source, destination, grounds)


def _way(trace: PathTrace, grounds: Grounds) -> Way:
    """The nodes that answered, in order of distance."""
    nodes = (grounds.node(hop.address) for hop in trace.hops if hop.received > 0)
    return tuple(dict.fromkeys(node for node in nodes if node is not None))


def _changes(
    traces: Sequence[PathTrace], ways: Sequence[Way], source: str, destination: str, grounds: Grounds
) -> Iterator[Entry]:
    known: Way = ()
    broken: list[PathTrace] = []
    farthest = source
    ends = {"source": source, "destination": destination}
    for trace, way in zip(traces, ways, strict=True):
        if not way or way[-1] != destination:
            reached = way[-1] if way else source
            if broken and reached != farthest:
                yield _entry(broken, Phrase(NO_FARTHER, node=farthest, **ends), farthest, source, destination, grounds)
                broken = []
            broken.append(trace)
            farthest = reached
            continue
        if broken:
            yield _entry(broken, Phrase(NO_FARTHER, node=farthest, **ends), farthest, source, destination, grounds)
            yield _entry([trace], Phrase(ARRIVES_AGAIN, **ends), None, source, destination, grounds)
            broken = []
        if known and set(known) - set(way) and set(way) - set(known):
            nodes = " – ".join(way)
            yield _entry([trace], Phrase(WAY_CHANGED, nodes=nodes, **ends), None, source, destination, grounds)
        known = way
    if broken:
        yield _entry(broken, Phrase(NO_FARTHER, node=farthest, **ends), farthest, source, destination, grounds)


def _entry(
    traces: Sequence[PathTrace], text: Phrase, component: str | None, source: str, destination: str, grounds: Grounds
) -> Entry:
    first = traces[0]
    return Entry(
        interval=Interval(grounds.aligned(first), grounds.aligned(traces[-1])),
        stated_ns=first.time_ns - (first.origin.clock_offset_ns or 0),
        lane=f"{source} → {destination}",
        kind=EntryKind.ROUTE,
        component=component,
        side=grounds.side_of(component),
        text=text,
        file=first.origin.file,
        locator=first.locator,
        supplied_by=first.origin.supplied_by,
        count=len(traces),
    )
