"""What became of the packets between two capture points, counted by second and by flow.

Both ways of comparing captures end here: in plain Python where few packets are compared, compiled where many are. From
here come the counts that a verdict weighs (`pair_counts`) and the figures for people (`stretches`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from attribution.model.incident import Interval, Origin
from attribution.model.observation import Caveat, PairCount
from attribution.model.phrase import Phrase
from attribution.packets.columns import ICMP, ICMP6, TCP, UDP

BIN_NS: Final = 1_000_000_000
FRAMES_SHOWN: Final = 16
FEWEST_SHARED: Final = 3  # packets that two points must share in one direction before one of them can miss any
# Flows in a row that came to the second point, each of which would have taken another way as often as not.
IN_A_ROW: Final = 12
# Pings that were answered, though nothing came to the second point meanwhile, before all is taken to have gone by it.
FEWEST_ECHOED: Final = 3
NAMES: Final = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp"}


@dataclass(slots=True)
class Tally:
    """Packets that left one point for the next: of a second, of a flow, or of all.

    Of `sent`, `lost` did not come; `strange` of these were of flows of which the second point never showed a packet.
    `delays_ns` are those of the packets that did come, or a sample of them.
    """

    sent: int = 0
    lost: int = 0
    strange: int = 0
    duplicated: int = 0
    reordered: int = 0
    delays_ns: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    first_frame: int | None = None
    smallest_lost: int | None = None
    largest_passed: int | None = None

    def passed(self, frame: int, size: int, delay_ns: int | None = None) -> None:
        self.sent += 1
        self.see(frame)
        self.largest_passed = max(size, self.largest_passed or 0)
        if delay_ns is not None:
            self.delays_ns.append(delay_ns)

    def missed(self, frame: int, size: int) -> None:
        self.sent += 1
        self.lost += 1
        self.see(frame)
        self.smallest_lost = size if self.smallest_lost is None else min(size, self.smallest_lost)
        self.frames.append(frame)

    def see(self, frame: int) -> None:
        self.first_frame = frame if self.first_frame is None else min(frame, self.first_frame)

    @property
    def shown(self) -> tuple[int, ...]:
        return tuple(sorted(self.frames)[:FRAMES_SHOWN])

    @property
    def delay_median_ms(self) -> float | None:
        return median(self.delays_ns) / 1e6 if self.delays_ns else None


Ports = tuple[int | None, int | None]
Ends = tuple[str, str, str, str, int]


@dataclass(slots=True)
class Stretch:
    """One direction of traffic between two capture points.

    `bins` are by second of the common time, `flows` by the ports that the first point shows; `flows_seen` is how many
    there were, of which `flows` may have the largest only. `echoed` are by second the pings that were answered but that
    the second point never showed. `shift_ns` is what was added to the first point's times.
    `delay_least_ns` and `delay_most_ns` are over all packets, where `whole` only holds a sample. `behind` are the
    points further on at which all that is lost here is missing too, where they were looked at, and from when to when
    they listened, in the common time.
    """

    first: tuple[str, str | None]
    second: tuple[str, str | None]
    origin: Origin
    second_file: str
    source: str
    destination: str
    protocol: int
    version: int
    shift_ns: int = 0
    not_compared: int = 0
    whole: Tally = field(default_factory=Tally)
    bins: dict[int, Tally] = field(default_factory=dict)
    flows: dict[Ports, Tally] = field(default_factory=dict)
    flows_seen: int = 0
    echoed: dict[int, int] = field(default_factory=dict)
    delay_least_ns: int | None = None
    delay_most_ns: int | None = None
    behind: tuple[tuple[tuple[str, str | None], Interval], ...] = ()

    @property
    def name(self) -> str:
        return NAMES.get(self.protocol, str(self.protocol))

    @property
    def ends(self) -> Ends:
        """What all protocols between the same addresses, at the same two points, have in common."""
        return (self.origin.file, self.second_file, self.source, self.destination, self.version)


def pair_counts(stretches: Iterable[Stretch]) -> Iterator[PairCount]:
    """Yield what was sent and lost in each second, in the order of time."""
    whole = list(stretches)
    strangers = _strangers(whole)
    found = [(second, number, stretch) for number, stretch in enumerate(whole) for second in stretch.bins]
    for second, number, stretch in sorted(found, key=lambda item: item[:2]):
        tally = stretch.bins[second]
        if not tally.sent:
            continue
        shown = tally.shown
        yield PairCount(
            time_ns=second * BIN_NS,
            end_ns=(second + 1) * BIN_NS,
            origin=stretch.origin,
            locator=f"frame {shown[0] if shown else tally.first_frame}",
            first=stretch.first,
            second=stretch.second,
            second_file=stretch.second_file,
            source=stretch.source,
            destination=stretch.destination,
            protocol=stretch.name,
            sent=tally.sent,
            lost=tally.lost,
            strange=strangers[number].get(second, 0),
            clock_shift_ns=stretch.shift_ns,
            behind=tuple(
                point
                for point, listened in stretch.behind
                if listened.contains(second * BIN_NS) and listened.contains((second + 1) * BIN_NS)
            ),
            smallest_lost=tally.smallest_lost,
            largest_passed=tally.largest_passed,
            frames=shown,
        )


def note_strangers(stretches: Sequence[Stretch]) -> Iterator[Caveat]:
    """Tell what is counted as lost that may have gone by the second point on another way, by file."""
    counted: Counter[tuple[str, str]] = Counter()
    for stretch, seconds in zip(stretches, _strangers(stretches), strict=True):
        counted[stretch.second_file, " ".join(filter(None, stretch.first))] += sum(seconds.values())
    for (file, first), count in counted.items():
        if count:
            reason = Phrase(
                "packets of flows from {first} that this point never shows, while others come: counted as lost, but if "
                "there is another way they may have gone it",
                first=first,
            )
            yield Caveat(file, "frame 1", reason, count)


def _strangers(stretches: Sequence[Stretch]) -> list[dict[int, int]]:
    """By second what each stretch lost of flows that may have gone another way."""
    passing: dict[Ends, set[int]] = defaultdict(set)
    for stretch in stretches:
        passing[stretch.ends].update(second for second, tally in stretch.bins.items() if tally.sent > tally.lost)
    elsewhere = _seconds_elsewhere(stretches, passing)
    found: list[dict[int, int]] = []
    for stretch in stretches:
        beside = () if _had_one_way(stretch) else passing[stretch.ends]
        own = {second: tally.strange for second, tally in stretch.bins.items() if second in beside}
        gone = {second: tally.lost for second, tally in stretch.bins.items() if second in elsewhere[stretch.ends]}
        found.append(own | gone)
    return found


def mark_strangers(stretch: Stretch, lost_in: Mapping[Ports, Mapping[int, int]]) -> None:
    """Note in each second what was lost of flows that never came to the second point.

    `lost_in` has the seconds in which each flow lost packets, and how many; all flows of the stretch are known.
    """
    stretch.flows_seen = len(stretch.flows)
    for ports, tally in stretch.flows.items():
        if tally.lost == tally.sent:
            for second, count in lost_in.get(ports, {}).items():
                stretch.bins[second].strange += count


def _seconds_elsewhere(
    stretches: Iterable[Stretch], passing: Mapping[Ends, Container[int]]
) -> Mapping[Ends, Container[int]]:
    """The seconds in which what was sent went by the second point: pings were answered, and nothing came there."""
    echoed: dict[Ends, Counter[int]] = defaultdict(Counter)
    active: dict[Ends, set[int]] = defaultdict(set)
    for stretch in stretches:
        echoed[stretch.ends].update(stretch.echoed)
        active[stretch.ends].update(stretch.bins, stretch.echoed)
    found: dict[Ends, set[int]] = defaultdict(set)
    for ends, seconds in active.items():
        run: list[int] = []
        for second in [*sorted(seconds), None]:
            if second is not None and second not in passing[ends] and second <= (run[-1] if run else second) + 1:
                run.append(second)
                continue
            if sum(echoed[ends][one] for one in run) >= FEWEST_ECHOED:
                found[ends].update(run)
            run = [second] if second is not None and second not in passing[ends] else []
    return found


def _had_one_way(stretch: Stretch) -> bool:
    """Whether flow after flow came to the second point for some time: there was no other way for them then."""
    return _most_in_a_row(stretch) * stretch.flows_seen >= IN_A_ROW * stretch.whole.sent


def _most_in_a_row(stretch: Stretch) -> int:
    """The most packets of successive seconds that all came to the second point."""
    most = here = 0
    for _, tally in sorted(stretch.bins.items()):
        here = 0 if tally.lost else here + tally.sent
        most = max(most, here)
    return most
