"""Several ports of one device that go down at once: what they have in common failed, and not their cables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from attribution.detectors.loss import Surroundings
from attribution.detectors.records import is_foreign_port
from attribution.model.evidence import Alarm, AlarmKind, Citation
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import DownReason, LogEvent, LogKind, Observation
from attribution.model.phrase import Template, in_a_row
from attribution.model.ports import canonical_port, find_link

AT_ONCE_NS = 2 * NANOSECONDS
# Ports of others beside the service's own: one may be the other port of the same neighbour.
FEWEST_OTHERS = 2
ON_PURPOSE = frozenset({DownReason.ADMIN_LOCAL, DownReason.PROTECTION})
TOGETHER = Template("{device} logged within {seconds:.1f} s that {count} ports went down: {ports}")


def detect_ports_together(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """A port of the service's way that goes down together with ports, of the same type, that serve somebody else.

    A member of a bundle is of another type than the bundle: it is not somebody else's. Nor does a device say so that
    restarts, or whose ports an operator shut.
    """
    downs: dict[str, list[LogEvent]] = defaultdict(list)
    for event in observations:
        if not isinstance(event, LogEvent) or event.device not in around.topology.nodes or not event.interface:
            continue
        if event.kind is LogKind.INTERFACE_DOWN and event.reason not in ON_PURPOSE:
            downs[event.device].append(event)
    for device, events in downs.items():
        events.sort(key=lambda event: event.time_ns)
        until_ns = 0
        for first in events:
            if first.time_ns < until_ns:
                continue
            together = {
                canonical_port(event.interface or ""): event
                for event in reversed(events)
                if first.time_ns <= event.time_ns <= first.time_ns + AT_ONCE_NS
            }
            others = [event for event in together.values() if _serves_others(event, around)]
            if len(others) < FEWEST_OTHERS or len(others) == len(together):
                continue
            last_ns = max(event.time_ns for event in together.values())
            until_ns = first.time_ns + AT_ONCE_NS
            yield Alarm(
                Interval(first.time_ns, last_ns + 1),
                device,
                device,
                AlarmKind.PORTS_DOWN_TOGETHER,
                Citation(first.origin, first.locator),
                TOGETHER.fill(
                    device=device,
                    seconds=(last_ns - first.time_ns) / NANOSECONDS,
                    count=len(together),
                    ports=in_a_row(sorted({event.interface or "" for event in together.values()})),
                ),
                magnitude=float(len(together)),
            )


def _serves_others(event: LogEvent, around: Surroundings) -> bool:
    port = event.interface or ""
    return find_link(around.topology, event.device, port) is None and is_foreign_port(event.device, port, around)
