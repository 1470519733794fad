"""What two large captures say of the way between them, gathered while they stream by.

`Outcome` gathers seconds that are over, and puts them together with what was lost (`leavings`) at the end, when it is
known which way the traffic went and how the clocks stood to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from attribution.model.capture import ComparisonSummary
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.packets.arrivals import FEWEST_WITNESSES, SILENCE_NS, SILENCE_TIMES, Silence
from attribution.packets.bulk import pair_columns as pc
from attribution.packets.bulk.engine import Integers
from attribution.packets.bulk.leavings import COPY, COPY_UNHEARD, NOT_COMPARED, PASSED, SILENT
from attribution.packets.capture import caveats_of_file
from attribution.packets.clocks import ClockRelation, Passage, relate_clocks
from attribution.packets.columns import SCTP, TCP, UDP
from attribution.packets.figures import address_text
from attribution.packets.remarks import Oddities, clock_caveats, remarks
from attribution.packets.stretches import FLOWS_SHOWN, clock_figures, stretch_figures
from attribution.packets.tallies import BIN_NS, FEWEST_SHARED, FRAMES_SHOWN, Ports, Stretch, Tally, note_strangers
from attribution.packets.ways import find_directions

if TYPE_CHECKING:
    from attribution.packets.bulk.comparison import Feed, Pairing

LONGEST_MARGIN_NS: Final = 1_000_000_000
CELLS: Final = 480  # of time, from each of which the tightest packets are taken to relate the clocks
PORTED: Final = frozenset({TCP, UDP, SCTP})

Flags = NDArray[np.bool_]


# A second that is over, as it is kept
KEPT_GROUP, KEPT_SECOND, KEPT_MATCHED, KEPT_REORDERED = 0, 1, 2, 3
KEPT_LEAST, KEPT_LEAST_TIME, KEPT_MOST, KEPT_MOST_TIME, KEPT_LARGEST = 4, 5, 6, 7, 8
KEPT_FRAMES, KEPT_TIME, KEPT_MEDIAN, KEPT_WIDTH = 9, 11, 12, 13


class Outcome:
    """Everything that two captures said together."""

    def __init__(self, feeds: Sequence[Feed], pairing: Pairing) -> None:
        self.feeds = feeds
        self.pairing = pairing
        self.kept: list[Integers] = []
        self.kept_count = 0
        self.followed = 0
        self.relation = pairing.start.relation
        self.finished = False

    # While the captures stream by

    def take_bins(self, closed: Integers) -> None:
        """Keep of each second that is over its counts and its median; follow the clocks now and then."""
        if not len(closed):
            return
        rows: Integers = np.empty((len(closed), KEPT_WIDTH), np.int64)
        rows[:, :KEPT_MEDIAN] = closed[:, : pc.BIN_TAKEN]
        taken = closed[:, pc.BIN_TAKEN]
        samples = np.where(np.arange(pc.BIN_KEPT) < taken[:, None], closed[:, pc.BIN_SAMPLES :], np.iinfo(np.int64).max)
        samples.sort(axis=1)
        row = np.arange(len(closed))
        low, high = samples[row, (taken - 1) // 2], samples[row, taken // 2]
        rows[:, KEPT_MEDIAN] = low + (high - low) // 2
        self.kept.append(rows)
        self.kept_count += len(rows)
        if self.kept_count > self.followed + 8 + self.followed // 8:
            self.followed = self.kept_count
            self._follow_clocks()

    def _all_kept(self) -> Integers:
        if len(self.kept) != 1:
            self.kept = [np.concatenate(self.kept) if self.kept else np.zeros((0, KEPT_WIDTH), np.int64)]
        return self.kept[0]

    def _follow_clocks(self) -> None:
        """Set the common time by what the captures have told so far."""
        groups = self.pairing.groups
        forward = np.zeros(2 * len(groups), np.bool_)
        for way in range(2):
            fall = groups[:, pc.GROUP_FALL + way * pc.GROUP_WAY]
            first = groups[:, pc.GROUP_FIRST + way * pc.GROUP_WAY]
            forward[way::2] = (fall > 0) | ((fall == 0) & (first > 0))
        relation = self._relate(forward)
        if relation is None or relation.uncertainty_ns is None:
            return
        state = self.pairing.state
        latest = int(self._all_kept()[:, KEPT_MOST_TIME].max())
        state[pc.SET_REFERENCE] = latest
        state[pc.SET_OFFSET] = relation.at(latest)
        state[pc.SET_DRIFT] = int(relation.drift * (1 << 40))

    def _relate(self, forward: Flags) -> ClockRelation | None:
        """The clocks' relation from the tightest packets of each way, by slice of the beginning, then by second."""
        kept, state = self._all_kept(), self.pairing.state
        fine = self.pairing.fine[: 2 * int(state[pc.GROUPS])]
        later = int(state[pc.BEGINNING]) + pc.FINE_NS * pc.FINE_SLICES
        coarse = (kept[:, KEPT_GROUP] >= pc.FINE_GROUPS) | (kept[:, KEPT_SECOND] * BIN_NS >= later)
        kept = kept[coarse]
        ways = forward[kept[:, KEPT_GROUP]]
        fine_ways = forward[: len(fine)]
        there = [fine[fine_ways][:, :, :2].reshape(-1, 2), kept[ways][:, [KEPT_LEAST_TIME, KEPT_LEAST]]]
        back = [fine[~fine_ways][:, :, 2:].reshape(-1, 2), kept[~ways][:, [KEPT_MOST_TIME, KEPT_MOST]]]
        return relate_clocks(_tightest(np.concatenate(there), 1), _tightest(np.concatenate(back), -1))

    def listening(self, side: int) -> tuple[int, int]:
        """Between which common times a packet that the other capture shows must be in this one."""
        feed, relation = self.feeds[side], self.relation
        if feed.first_ns is None or feed.last_ns is None:
            return 1 << 62, -(1 << 62)
        doubt = relation.uncertainty_ns or 0
        opens = self.pairing.common(side, feed.first_ns) + doubt
        if not self.pairing.state[pc.ENDED + side]:
            return opens, 1 << 62
        return opens, self.pairing.common(side, feed.last_ns) - doubt - self._margin()

    def _margin(self) -> int:
        """The worst delay seen."""
        kept = self._all_kept()
        if not len(kept):
            return 0
        worst = 0
        for times, ahead in ((KEPT_LEAST_TIME, KEPT_LEAST), (KEPT_MOST_TIME, KEPT_MOST)):
            away = np.abs(kept[:, ahead] - _at(self.relation, kept[:, times]))
            worst = max(worst, int(away.max()))
        return min(worst, LONGEST_MARGIN_NS)

    def silences(self, side: int) -> list[Silence]:
        """When a capture showed nothing at all, in common time; a pause that is short by its own measure takes none."""
        feed = self.feeds[side]
        if not feed.pauses or feed.first_ns is None or feed.last_ns is None:
            return []
        usual = (feed.last_ns - feed.first_ns) // max(feed.packets, 1)
        long = max(SILENCE_NS, SILENCE_TIMES * usual)
        ends = ((start, end if end - start > long else start) for start, end in feed.pauses)
        return [Silence(side, *(self.pairing.common(side, moment) for moment in moments)) for moments in ends]

    # At the end

    @property
    def packets(self) -> tuple[int, int]:
        return self.feeds[0].packets, self.feeds[1].packets

    @property
    def pairs(self) -> int:
        return int(self.pairing.state[pc.PAIRS])

    @property
    def starts(self) -> tuple[int, int]:
        return self.feeds[0].first_ns or 0, self.feeds[1].first_ns or 0

    @property
    def shifts(self) -> tuple[ClockRelation, ClockRelation]:
        """What turns each capture's times into the common time."""
        if not self.pairs:
            return ClockRelation(0, 0), ClockRelation(0, 0)
        own = ClockRelation(0, 0, uncertainty_ns=0)
        return (own, self.relation.reversed) if self.pairing.start.clock == 0 else (self.relation, own)

    def settle(self) -> None:
        """Both captures are over: which way the traffic went, and how the clocks stood."""
        self.forward = self._directions()
        relation = self._relate(self.forward)
        if relation is not None:
            self.relation = relation

    def _directions(self) -> Flags:
        """Whether each group × 2 + direction passes the first capture first."""
        groups, samples = self.pairing.groups, self.pairing.group_samples
        forward = np.zeros(2 * len(groups), np.bool_)
        self.known = np.zeros(2 * len(groups), np.bool_)
        told: dict[tuple[int, ...], dict[tuple[int, int], tuple[float, float]]] = {}
        names: dict[int, tuple[int, ...]] = {}
        counts: dict[tuple[int, ...], int] = {}
        for group in range(1, int(self.pairing.state[pc.GROUPS])):
            for way in range(2):
                row = groups[group]
                count = int(row[pc.GROUP_COUNT + way * pc.GROUP_WAY])
                number = 2 * group + way
                words = names[number] = _words(row[:4].tolist(), way)
                if count:
                    taken = int(samples[number, pc.SAMPLE_TAKEN])
                    ahead = samples[number, pc.SAMPLE_PAIRS + 1 : pc.SAMPLE_PAIRS + 2 * taken : 2]
                    fall = round(int(row[pc.GROUP_FALL + way * pc.GROUP_WAY]) / count)
                    if count > counts.get(words, 0):  # another protocol between the same addresses goes the same way
                        counts[words] = count
                        told[words] = {(0, 1): (fall, float(np.median(ahead)))}
        decided = find_directions(told)
        for number, words in names.items():
            forward[number] = decided.get((words, 0, 1), False)
            self.known[number] = words in told
        return forward

    def stretches(self) -> list[Stretch]:
        """Both directions between all pairs of addresses that share enough traffic."""
        groups, state = self.pairing.groups, self.pairing.state
        shared: dict[tuple[int, ...], int] = {}
        for number in range(2, 2 * int(state[pc.GROUPS])):
            row = groups[number >> 1]
            words = _words(row[:4].tolist(), number & 1)
            count = int(row[pc.GROUP_COUNT + (number & 1) * pc.GROUP_WAY])
            shared[words] = shared.get(words, 0) + count
        found: dict[int, Stretch] = {}
        for number in range(2, 2 * int(state[pc.GROUPS])):
            words = _words(groups[number >> 1, :4].tolist(), number & 1)
            if shared[words] >= FEWEST_SHARED:
                found[number] = self._stretch(number)
        self._fill_bins(found)
        self._fill_lost(found)
        self._fill_echoed(found)
        self._fill_flows(found)
        for number, stretch in found.items():
            self._sum_up(number, stretch)
        return [stretch for stretch in found.values() if stretch.whole.sent or stretch.not_compared]

    def _stretch(self, number: int) -> Stretch:
        first = 0 if self.forward[number] else 1
        shown = number
        outside = int(self.pairing.groups[number >> 1, pc.GROUP_OUTSIDE])
        if first == 1 and outside:
            shown = outside - 1 ^ number & 1
        row = self.pairing.groups[shown >> 1].tolist()
        ends = (row[:2], row[2:4]) if not shown & 1 else (row[2:4], row[:2])
        version, protocol = row[4] >> 8, row[4] & 0xFF
        here, there = self.feeds[first].origin, self.feeds[1 - first].origin
        return Stretch(
            first=(here.device or here.file, here.interface),
            second=(there.device or there.file, there.interface),
            origin=here,
            second_file=there.file,
            source=address_text(ends[0][0], ends[0][1], version),
            destination=address_text(ends[1][0], ends[1][1], version),
            protocol=protocol,
            version=version,
            shift_ns=self.shifts[first].at(self.starts[first]),
        )

    def _fill_bins(self, found: dict[int, Stretch]) -> None:
        kept = self._all_kept()
        right = _at(self.relation, kept[:, KEPT_TIME])
        delays = np.where(self.forward[kept[:, KEPT_GROUP]], 1, -1) * (kept[:, KEPT_MEDIAN] - right)
        weights: dict[tuple[int, int], int] = {}
        for row, delay in zip(kept.tolist(), delays.tolist(), strict=True):
            stretch = found.get(row[KEPT_GROUP])
            if stretch is None:
                continue
            tally = stretch.bins.setdefault(row[KEPT_SECOND], Tally())
            tally.sent += row[KEPT_MATCHED]
            tally.reordered += row[KEPT_REORDERED]
            tally.largest_passed = max(row[KEPT_LARGEST], tally.largest_passed or 0)
            tally.see(row[KEPT_FRAMES + (0 if self.forward[row[KEPT_GROUP]] else 1)])
            place = (row[KEPT_GROUP], row[KEPT_SECOND])
            if row[KEPT_MATCHED] > weights.get(
                place, 0
            ):  # a second may be over twice: the larger part tells its median
                weights[place] = row[KEPT_MATCHED]
                tally.delays_ns = [delay]

    def _fill_lost(self, found: dict[int, Stretch]) -> None:
        silences = [self.silences(0), self.silences(1)]
        self._weigh_silences(silences)
        unrecorded = [[one for one in each if one.from_beyond >= FEWEST_WITNESSES] for each in silences]
        for (side, number, second, fate), gone in self.pairing.leavings.gone.items():
            stretch = found.get(number)
            if stretch is None:
                continue
            first = 0 if self.forward[number] else 1
            if side != first:
                if fate in (COPY, COPY_UNHEARD):
                    stretch.bins.setdefault(second, Tally()).duplicated += gone.count
                continue
            tally = stretch.bins.setdefault(second, Tally())
            if fate == PASSED:
                tally.sent += gone.count
                tally.see(gone.first_frame)
            elif fate in (NOT_COMPARED, COPY_UNHEARD) or (
                fate == SILENT and self._touch_second(unrecorded[1 - side], second)
            ):
                stretch.not_compared += gone.count
            else:
                tally.sent += gone.count
                tally.lost += gone.count
                tally.strange += sum(many for flow, many in gone.flows.items() if self._is_strange(flow, number, first))
                tally.see(gone.first_frame)
                tally.frames += gone.frames
                tally.smallest_lost = min(gone.smallest, tally.smallest_lost or gone.smallest)

    def _fill_echoed(self, found: dict[int, Stretch]) -> None:
        for (side, number), seconds in self.pairing.leavings.echoed.items():
            if number in found and side == (0 if self.forward[number] else 1):
                found[number].echoed = seconds

    def _is_strange(self, flow: int, number: int, first: int) -> bool:
        """Whether the second point never showed a packet of a flow in a direction."""
        way = self.pairing.flows[flow, pc.FLOW_WAYS + (number & 1) * pc.WAY_WIDTH :]
        return not way[pc.WAY_MATCHED] and not way[pc.WAY_PIECES + first]

    def _weigh_silences(self, silences: Sequence[Sequence[Silence]]) -> None:
        """Count for each silence what went towards the silent point and what came from beyond it."""
        for (side, number), seen in self.pairing.leavings.beyond.items():
            if number >= len(silences[side]):
                continue
            silence = silences[side][number]
            silence.towards = silence.from_beyond = 0
            for group, count in seen.items():
                if not self.known[group]:
                    continue
                if self.forward[group] == (side == 0):
                    silence.from_beyond += count
                else:
                    silence.towards += count
        self.all_silences = [silence for each in silences for silence in each]

    @staticmethod
    def _touch_second(silences: Sequence[Silence], second: int) -> bool:
        start_ns = second * BIN_NS
        return any(silence.start_ns < start_ns + BIN_NS and silence.end_ns > start_ns for silence in silences)

    def _fill_flows(self, found: dict[int, Stretch]) -> None:
        count = int(self.pairing.state[pc.FLOWS])
        flows = self.pairing.flows[:count]
        order = np.argsort(flows[:, pc.FLOW_GROUP], kind="stable")
        borders = np.searchsorted(flows[order, pc.FLOW_GROUP], np.arange(int(self.pairing.state[pc.GROUPS]) + 1))
        for number, stretch in found.items():
            rows = order[borders[number >> 1] : borders[(number >> 1) + 1]]
            flip = number & 1
            first = 0 if self.forward[number] else 1
            base = pc.FLOW_WAYS + flip * pc.WAY_WIDTH
            way = flows[:, base : base + pc.WAY_WIDTH]
            lost = way[rows, pc.WAY_LOST + first] + way[rows, pc.WAY_COPIES + first]
            sent = way[rows, pc.WAY_MATCHED] + way[rows, pc.WAY_PIECES + first] + lost
            stretch.flows_seen = int((sent > 0).sum())
            largest = np.argsort(-sent, kind="stable")[:FLOWS_SHOWN]
            for place in largest[sent[largest] > 0].tolist():
                row = int(rows[place])
                tally = Tally(
                    sent=int(sent[place]),
                    lost=int(lost[place]),
                    duplicated=int(way[row, pc.WAY_COPIES + 1 - first]),
                    reordered=int(way[row, pc.WAY_REORDERED]),
                    frames=list(self.pairing.leavings.flow_frames.get((row << 1 | flip, first), ())),
                )
                kept = int(way[row, pc.WAY_SAMPLES])
                if kept >= 0:
                    tally.delays_ns = self._delays(self.pairing.flow_samples[kept], bool(self.forward[number]))
                stretch.flows[self._ports(row, flip, first, stretch.protocol)] = tally

    def _ports(self, flow: int, flip: int, first: int, protocol: int) -> Ports:
        """Source and destination port as the first point shows them."""
        if protocol not in PORTED:
            return (None, None)
        outside = int(self.pairing.flows[flow, pc.FLOW_OUTSIDE])
        if first == 1 and outside >= 0:
            flow, flip = outside >> 1, (outside & 1) ^ flip
        ports = int(self.pairing.flows[flow, pc.FLOW_KEY + 4]) >> 16
        low, high = ports >> 16 & 0xFFFF, ports & 0xFFFF
        return (low, high) if not flip else (high, low)

    def _delays(self, samples: Integers, forward: bool) -> list[int]:
        taken = int(samples[pc.SAMPLE_TAKEN])
        pairs = samples[pc.SAMPLE_PAIRS : pc.SAMPLE_PAIRS + 2 * taken].reshape(taken, 2)
        delays = pairs[:, 1] - _at(self.relation, pairs[:, 0])
        return [int(delay) for delay in (delays if forward else -delays).tolist()]

    def _sum_up(self, number: int, stretch: Stretch) -> None:
        whole, forward = stretch.whole, bool(self.forward[number])
        for second, tally in sorted(stretch.bins.items()):
            whole.sent += tally.sent
            whole.lost += tally.lost
            whole.duplicated += tally.duplicated
            whole.reordered += tally.reordered
            if len(whole.frames) < FRAMES_SHOWN:
                whole.frames += tally.frames
            if not (tally.sent or tally.duplicated or tally.reordered):
                del stretch.bins[second]
        whole.delays_ns = self._delays(self.pairing.group_samples[number], forward)
        kept = self._all_kept()
        mine = kept[kept[:, KEPT_GROUP] == number]
        if len(mine):
            low = mine[:, KEPT_LEAST] - _at(self.relation, mine[:, KEPT_LEAST_TIME])
            high = mine[:, KEPT_MOST] - _at(self.relation, mine[:, KEPT_MOST_TIME])
            stretch.delay_least_ns = int(low.min()) if forward else -int(high.max())
            stretch.delay_most_ns = int(high.max()) if forward else -int(low.min())
        if self.feeds[1 if forward else 0].dropped:
            stretch.not_compared += whole.sent
            self.pairing.leavings.missed[0 if forward else 1].dropped += whole.lost
            stretch.whole = Tally(delays_ns=whole.delays_ns)
            stretch.bins = {}
            stretch.flows = {}

    def summary(self) -> ComparisonSummary:
        """Everything in figures."""
        stretches = self.stretches()
        return ComparisonSummary(
            packets=sum(self.packets),
            matched=2 * self.pairs,
            stretches=tuple(stretch_figures(stretch) for stretch in stretches),
            clocks=clock_figures([feed.origin.file for feed in self.feeds], self.starts, self.shifts),
            caveats=(*self.remarks(), *note_strangers(stretches)),
        )

    def caveats(self) -> Iterator[Caveat]:
        """What a verdict must know."""
        if not self.pairs:
            one, other = self.feeds
            yield nothing_shared(one.origin.file, other.origin.file)
        yield from clock_caveats([feed.origin.file for feed in self.feeds], self.starts, self.shifts)
        yield from self.caveats_of_files()

    def caveats_of_files(self) -> Iterator[Caveat]:
        """What a verdict must know of each capture by itself."""
        for feed in self.feeds:
            yield from caveats_of_file(feed.origin, feed.bulk.reader, {}, True)
        for feed in self.feeds:
            if feed.dropped:
                reason = Phrase("packets missing here may be the capture's own loss; not compared")
                yield Caveat(feed.origin.file, "frame 1", reason)
        strays = int(self.pairing.state[pc.STRAYS])
        if strays:
            reason = Phrase(
                "packets of further addresses or connections are not compared: "
                "room is for {pairs} pairs of addresses and {connections} connections",
                pairs=pc.MOST_GROUPS, connections=pc.MOST_FLOWS,
            )  # fmt: skip
            yield Caveat(self.feeds[0].origin.file, "frame 1", reason, strays)

    def remarks(self) -> Iterator[Caveat]:
        """All that a reader of the figures must know besides them; after `stretches`."""
        yield from self.caveats()
        missed = {(side, 1 - side): found for side, found in enumerate(self.pairing.leavings.missed)}
        flows = self.pairing.flows[: int(self.pairing.state[pc.FLOWS])]
        copies = self.pairing.state[pc.COPIES : pc.COPIES + 2] * np.array(self.pairing.start.mirrored)
        oddities = Oddities(translated=int((flows[:, pc.FLOW_ALIAS] >= 0).sum()), copies=tuple(copies.tolist()))
        files = [feed.origin.file for feed in self.feeds]
        dropped = [feed.dropped for feed in self.feeds]
        yield from remarks(files, dropped, self.shifts, missed, self.all_silences, oddities)


def nothing_shared(file: str, other: str) -> Caveat:
    """That two captures cannot be compared."""
    return Caveat(file, "frame 1", Phrase("shares no packets with {file}; not compared", file=other))


def _words(key: Sequence[int], way: int) -> tuple[int, ...]:
    """The eight words of a direction between two addresses."""
    words = tuple(word for half in key for word in (half >> 32 & 0xFFFFFFFF, half & 0xFFFFFFFF))
    return words if not way else (*words[4:], *words[:4])


def _at(relation: ClockRelation, times: Integers) -> Integers:
    """The offset at many times of the first clock."""
    offsets: Integers = relation.offset_ns + (relation.drift * (times - relation.reference_ns)).astype(np.int64)
    for moment, jump in relation.steps:
        offsets += np.where(times >= moment, jump, 0)
    return offsets


def _tightest(rows: Integers, sign: int) -> list[Passage]:
    """In each cell of time the packet that took least: of the least difference, or of the greatest (`sign` -1)."""
    rows = rows[rows[:, 0] != 0]
    if not len(rows):
        return []
    start = int(rows[:, 0].min())
    width = (int(rows[:, 0].max()) - start) // CELLS + 1
    cell = (rows[:, 0] - start) // width
    order = np.lexsort((sign * rows[:, 1], cell))
    _, first = np.unique(cell[order], return_index=True)
    return [(time, time + ahead) for time, ahead in rows[order[first]].tolist()]
