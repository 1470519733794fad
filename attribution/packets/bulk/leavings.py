"""Packets that left a ring unmatched: lost, or arrived in another form, or not to be judged by the other capture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from attribution.packets.bulk import pair_columns as pc
from attribution.packets.bulk.engine import Integers
from attribution.packets.columns import ICMP, ICMP6
from attribution.packets.remarks import Missed
from attribution.packets.tallies import BIN_NS, FRAMES_SHOWN

if TYPE_CHECKING:
    from attribution.packets.bulk.comparison import Pairing

HOLD_NS: Final = 7_000_000_000  # what leaves a ring waits so long for what may explain it
MOST_HELD: Final = 1 << 18
MOST_PARTS: Final = 1 << 16
MOST_FLOWS_SHOWN: Final = 1 << 16
MOST_NOTED: Final = 1 << 18  # flows of which it is noted in which second they lost packets, each second of them

# What became of a packet that was never matched
LOST: Final = 0
PASSED: Final = 1
NOT_COMPARED: Final = 2
COPY: Final = 3
SILENT: Final = 4  # lost, or the other capture did not record: it shows nothing at all
COPY_UNHEARD: Final = 5  # where the other capture was not listening


@dataclass(slots=True)
class Gone:
    """Packets of one second of a group that one capture shows and the other does not, and became the same.

    `flows` counts those that were lost by flow, as far as there is room.
    """

    count: int = 0
    flows: dict[int, int] = field(default_factory=dict)
    frames: list[int] = field(default_factory=list)
    first_frame: int = 0
    smallest: int = 0


@dataclass(slots=True)
class Part:
    """The fragments of one datagram, or a packet whose headers are cut, that only one capture shows."""

    octets: int = 0
    end: int = -1
    begun: bool = False
    cut: bool = False

    @property
    def whole(self) -> bool:
        return self.begun and self.octets == self.end


class Leavings:
    """Judges what left the rings unmatched, a little later: what explains it may leave after it."""

    def __init__(self, pairing: Pairing) -> None:
        self.pairing = pairing
        self.held: list[Integers] = []
        self.count = 0
        self.parts: tuple[dict[int, Part], dict[int, Part]] = ({}, {})
        self.gone: dict[tuple[int, int, int, int], Gone] = {}
        self.flow_frames: dict[tuple[int, int], list[int]] = {}
        self.noted = 0
        self.echoed: dict[tuple[int, int], dict[int, int]] = {}
        self.missed = [Missed(), Missed()]
        self.beyond: dict[tuple[int, int], dict[int, int]] = {}

    def take(self, rows: Integers) -> None:
        if not len(rows):
            return
        self.held.append(rows.copy())
        self.count += len(rows)
        for row in rows[rows[:, pc.LEFT_WHY] == pc.PARTIAL].tolist():
            self._note_part(row)
        if self.count > MOST_HELD // 4:
            self._judge_until(int(self.pairing.state[pc.NOW]) - HOLD_NS)

    def finish(self) -> None:
        self._judge_until(None)

    def _note_part(self, row: list[int]) -> None:
        parts = self.parts[row[pc.LEFT_SIDE]]
        key = row[pc.LEFT_GROUP] << 32 | row[pc.LEFT_MARK]
        part = parts.setdefault(key, Part())
        if row[pc.LEFT_PART] == pc.CUT:
            part.cut = True
        else:
            offset = row[pc.LEFT_PART] & ~7
            part.octets += row[pc.LEFT_OCTETS]
            part.begun = part.begun or offset == 0
            if not row[pc.LEFT_PART] & 1:
                part.end = offset + row[pc.LEFT_OCTETS]
        if len(parts) > MOST_PARTS:
            parts.pop(next(iter(parts)))

    def _judge_until(self, time_ns: int | None) -> None:
        """Judge what is held and not younger than `time_ns` (all of it without); more than there is room for, too."""
        rows = np.concatenate(self.held) if self.held else np.zeros((0, pc.LEFT_WIDTH), np.int64)
        now = np.ones(len(rows), np.bool_) if time_ns is None else rows[:, pc.LEFT_COMMON] <= time_ns
        if time_ns is not None and len(rows) - int(now.sum()) > MOST_HELD // 2:
            now[: len(rows) - MOST_HELD // 4] = True
        self.held = [rows[~now]]
        self.count = len(self.held[0])
        if now.any():
            self._judge(rows[now], rows)

    def _judge(self, rows: Integers, all_rows: Integers) -> None:
        side, group, why = rows[:, pc.LEFT_SIDE], rows[:, pc.LEFT_GROUP], rows[:, pc.LEFT_WHY]
        common = rows[:, pc.LEFT_COMMON]
        fate = np.full(len(rows), LOST, np.int64)
        silences = np.full(len(rows), -1, np.int64)
        reaches = (rows[:, pc.LEFT_SIZE] & 0xFF) > self._falls()[group]
        for one in range(2):
            mine = side == one
            opens, closes = self.pairing.outcome.listening(1 - one)
            fate[mine & ~((common >= opens) & (common <= closes) & reaches)] = NOT_COMPARED
            found = self.pairing.outcome.silences(1 - one)
            number = np.searchsorted(np.array([silence.start_ns for silence in found], np.int64), common) - 1
            ends = np.array([*(silence.end_ns for silence in found), 0], np.int64)  # 0 for what is before all of them
            inside = mine & (fate == LOST) & (common < ends[number])
            silences[inside] = number[inside]
            fate[inside] = SILENT
        fate[why == pc.IN_PIECES] = PASSED
        fate[(why == pc.ANSWERED) | (why == pc.UNLIKE)] = NOT_COMPARED
        copied = why == pc.COPIED
        fate[copied] = np.where(fate[copied] == NOT_COMPARED, COPY_UNHEARD, COPY)
        self._explain_by_parts(rows, all_rows, fate)
        for one in range(2):
            mine = side == one
            self.missed[one].in_pieces += int((mine & (why == pc.IN_PIECES)).sum())
            self.missed[one].unlike += int((mine & (why == pc.UNLIKE)).sum())
            self.missed[one].answered += int((mine & (why == pc.ANSWERED)).sum())
        self._sum_up(rows, fate)
        self._sum_up_flows(rows, fate)
        protocol = self.pairing.groups[group >> 1, 4] & 0xFF
        for row in rows[(why == pc.ANSWERED) & np.isin(protocol, (ICMP, ICMP6))].tolist():
            seconds = self.echoed.setdefault((row[pc.LEFT_SIDE], row[pc.LEFT_GROUP]), {})
            second = row[pc.LEFT_COMMON] // BIN_NS
            seconds[second] = seconds.get(second, 0) + 1
        for row in np.flatnonzero(silences >= 0).tolist():
            seen = self.beyond.setdefault((1 - int(side[row]), int(silences[row])), {})
            seen[int(group[row])] = seen.get(int(group[row]), 0) + 1

    def _falls(self) -> Integers:
        """How many routers lie between the points, for each group × 2 + direction."""
        groups = self.pairing.groups
        falls: Integers = np.zeros(2 * len(groups), np.int64)
        for way in range(2):
            column = way * pc.GROUP_WAY
            count = np.maximum(groups[:, pc.GROUP_COUNT + column], 1)
            falls[way::2] = np.abs(groups[:, pc.GROUP_FALL + column]) // count
        return falls

    def _explain_by_parts(self, rows: Integers, all_rows: Integers, fate: Integers) -> None:
        """A datagram came in fragments or was put together again; or the other capture cut its headers."""
        if not self.parts[0] and not self.parts[1]:
            return
        keys = rows[:, pc.LEFT_GROUP] << 32 | rows[:, pc.LEFT_MARK]
        all_keys = all_rows[:, pc.LEFT_GROUP] << 32 | all_rows[:, pc.LEFT_MARK]
        for one in range(2):
            theirs = self.parts[1 - one]
            mine = (rows[:, pc.LEFT_SIDE] == one) & ((fate == LOST) | (fate == NOT_COMPARED) | (fate == SILENT))
            known = np.array(list(theirs), np.int64)
            for row in np.flatnonzero(mine & (rows[:, pc.LEFT_PART] == 0) & np.isin(keys, known)).tolist():
                part = theirs[int(keys[row])]
                if part.whole:
                    fate[row] = PASSED
                    self.missed[one].in_fragments += 1
                elif part.cut:
                    fate[row] = NOT_COMPARED
                    self.missed[one].cut += 1
            partly = mine & (rows[:, pc.LEFT_PART] != 0)
            if partly.any():
                whole = (all_rows[:, pc.LEFT_SIDE] == 1 - one) & (all_rows[:, pc.LEFT_PART] == 0)
                again = partly & np.isin(keys, all_keys[whole & (all_rows[:, pc.LEFT_MARK] > 0)])
                cut = again & (rows[:, pc.LEFT_PART] == pc.CUT)
                fate[again] = PASSED
                fate[cut] = NOT_COMPARED
                self.missed[one].cut += int(cut.sum())
                self.missed[one].in_fragments += int((again & ~cut).sum())

    def _sum_up(self, rows: Integers, fate: Integers) -> None:
        second = rows[:, pc.LEFT_COMMON] // BIN_NS
        base = int(second.min())
        key = ((second - base) << 20 | rows[:, pc.LEFT_GROUP] << 4 | rows[:, pc.LEFT_SIDE] << 3 | fate).astype(np.int64)
        order = np.lexsort((rows[:, pc.LEFT_INDEX], key))
        found, start, count = np.unique(key[order], return_index=True, return_counts=True)
        sizes = np.minimum.reduceat(rows[order, pc.LEFT_SIZE] >> 8, start)
        frames = rows[order, pc.LEFT_INDEX] + 1
        for one, at, many, size in zip(found.tolist(), start.tolist(), count.tolist(), sizes.tolist(), strict=True):
            place = (one >> 3 & 1, one >> 4 & 0xFFFF, base + (one >> 20), one & 7)
            gone = self.gone.get(place)
            if gone is None:
                gone = self.gone[place] = Gone(smallest=size, first_frame=int(frames[at]))
            gone.count += many
            gone.smallest = min(gone.smallest, size)
            wanted = min(many, FRAMES_SHOWN - len(gone.frames))
            gone.frames += frames[at : at + wanted].tolist()
        self._sum_up_lost(key, rows[:, pc.LEFT_FLOW] >> 1, base, fate)

    def _sum_up_lost(self, key: Integers, flow: Integers, base: int, fate: Integers) -> None:
        """Count what was lost in each second by flow: some flows may never have come to the other point."""
        chosen = np.flatnonzero((fate == LOST) | (fate == SILENT))
        pairs, counts = np.unique(np.stack((key[chosen], flow[chosen])), axis=1, return_counts=True)
        for one, number, many in zip(*pairs.tolist(), counts.tolist(), strict=True):
            flows = self.gone[one >> 3 & 1, one >> 4 & 0xFFFF, base + (one >> 20), one & 7].flows
            if number in flows or self.noted < MOST_NOTED:
                self.noted += number not in flows
                flows[number] = flows.get(number, 0) + many

    def _sum_up_flows(self, rows: Integers, fate: Integers) -> None:
        flows = self.pairing.flows
        way, side = rows[:, pc.LEFT_FLOW], rows[:, pc.LEFT_SIDE]
        base = pc.FLOW_WAYS + (way & 1) * pc.WAY_WIDTH + side
        columns = (
            (LOST, pc.WAY_LOST), (SILENT, pc.WAY_LOST), (PASSED, pc.WAY_PIECES), (COPY, pc.WAY_COPIES),
            (COPY_UNHEARD, pc.WAY_COPIES),
        )  # fmt: skip
        for kind, column in columns:
            chosen = fate == kind
            np.add.at(flows, (way[chosen] >> 1, base[chosen] + column), 1)
        lost = np.flatnonzero((fate == LOST) | (fate == SILENT))
        triples = zip(way[lost].tolist(), side[lost].tolist(), (rows[lost, pc.LEFT_INDEX] + 1).tolist(), strict=True)
        for one, which, frame in triples:
            shown = self.flow_frames.get((one, which))
            if shown is None:
                if len(self.flow_frames) >= MOST_FLOWS_SHOWN:
                    continue
                shown = self.flow_frames[one, which] = []
            if len(shown) < FRAMES_SHOWN:
                shown.append(frame)
