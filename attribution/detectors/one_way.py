"""Captures that show what went one way only: of a fibre's one strand, by a mirror of one direction, behind a filter.

That no answer ever came by such a point says nothing. It is known by what other evidence says of the answers: senders
go on, as only those do that hear acknowledgements, or the answers came by a further point on the same way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set

from attribution.detectors.loss import Surroundings, tap_position
from attribution.model.incident import Interval
from attribution.model.observation import Caveat, Observation, TapCount, TapLoad
from attribution.model.phrase import Phrase

Direction = tuple[str, str, str]
"""A part of a capture file, and the addresses from which and to which packets go."""
# A sender that hears nothing repeats itself or stops. So many segments, and fewer than half of them in doubt, no sender
# lets go by that hears nothing: ten of them are the most that it sends at first (RFC 6928), of each connection.
FEWEST_SEGMENTS = 40


def find_one_way(observations: Iterable[Observation], around: Surroundings) -> frozenset[Direction]:
    """The directions in which requests passed a capture that cannot show their answers."""
    shown: dict[Direction, list[TapLoad]] = defaultdict(list)
    segments: dict[Direction, list[TapCount]] = defaultdict(list)
    asking: dict[Direction, TapCount] = {}
    for seen in observations:
        if isinstance(seen, TapLoad):
            shown[_direction(seen)].append(seen)
        elif isinstance(seen, TapCount) and seen.protocol == "tcp":
            segments[_direction(seen)].append(seen)
        elif isinstance(seen, TapCount) and _asks_in_vain(seen):
            asking.setdefault(_direction(seen), seen)
    found: set[Direction] = set()
    for (part, source, destination), tap in asking.items():
        if (part, destination, source) in shown:
            continue
        here = shown[part, source, destination]
        answers = [loads for (other, *ends), loads in shown.items() if other != part and ends == [destination, source]]
        if _hears(segments[part, source, destination]) or any(_came_by(tap, here, one, around) for one in answers):
            found.add((part, source, destination))
    return frozenset(found)


def without_one_way(observations: Sequence[Observation], deaf: Set[Direction]) -> Sequence[Observation]:
    """The observations without the requests whose answers a capture cannot show."""
    return [seen for seen in observations if not _is_of(seen, deaf)] if deaf else observations


def note_one_way(observations: Iterable[Observation], deaf: Set[Direction]) -> Iterator[Caveat]:
    """Tell which captures never show the answers that came, and how many requests say nothing for that."""
    counted: dict[str, list[TapCount]] = defaultdict(list)
    for seen in observations:
        if isinstance(seen, TapCount) and _is_of(seen, deaf):
            counted[seen.origin.file].append(seen)
    for file, taps in counted.items():
        reason = Phrase(
            "requests from {source} to {destination}: this capture never shows what goes the other way, though answers "
            "came; that they are not here says nothing",
            source=taps[0].source, destination=taps[0].destination,
        )  # fmt: skip
        yield Caveat(file, taps[0].locator, reason, sum(tap.sent for tap in taps))


def _asks_in_vain(tap: TapCount) -> bool:
    return tap.protocol in ("icmp", "udp") and tap.unanswered > 0


def _is_of(seen: Observation, deaf: Set[Direction]) -> bool:
    return isinstance(seen, TapCount) and _direction(seen) in deaf and _asks_in_vain(seen)


def _direction(seen: TapCount | TapLoad) -> Direction:
    return (seen.origin.part, seen.source, seen.destination)


def _hears(counts: Sequence[TapCount]) -> bool:
    """Whether whoever sent these segments must have heard acknowledgements."""
    sent = sum(count.sent for count in counts)
    doubtful = sum(count.lost_downstream + count.unanswered for count in counts)
    return sent >= FEWEST_SEGMENTS and 2 * doubtful < sent


def _came_by(tap: TapCount, here: Sequence[TapLoad], there: Sequence[TapLoad], around: Surroundings) -> bool:
    """Whether answers passed a further point, to which they come by this one only, while this one recorded."""
    source, destination = around.book.resolve(tap.source), around.book.resolve(tap.destination)
    if source is None or destination is None or not here:
        return False
    recorded = Interval(min(load.time_ns for load in here), max(load.end_ns for load in here))
    if not any(recorded.contains(load.time_ns) for load in there):
        return False
    point, further = (tap.device, tap.interface), (there[0].device, there[0].interface)
    ways = around.routes.all_ways(destination, source, tap.time_ns)
    places = [(tap_position(way, point, around.topology), tap_position(way, further, around.topology)) for way in ways]
    return bool(places) and all(at is not None and then is not None and at < then for at, then in places)
