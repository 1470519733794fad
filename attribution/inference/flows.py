"""What very many flow records say about the service's way: added up by what they crossed of it.

Of a flow that crosses a part of the service's way, only that part matters to the causes on the way. Records that
crossed the same part of it, in the same order and the same window, are one Measurement. Those that also crossed
something else that was losing packets, by what all flows of the network tell together, would accuse the way for what
happened off it: they say nothing about it, and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from attribution.inference.candidates import ServicePaths
from attribution.model.evidence import Citation, Journey, Measurement, Method, Stretch
from attribution.model.flow_evidence import FlowEvidence
from attribution.model.incident import Interval
from attribution.model.phrase import Phrase

Integers = NDArray[numpy.int64]
Mask = NDArray[numpy.bool_]


def as_column(view: memoryview[int]) -> NDArray[Any]:
    return numpy.asarray(view)


class FlowsOnTheWay:
    """The records of one file that crossed the service's way, each with the part of it that it crossed."""

    def __init__(self, evidence: FlowEvidence, paths: ServicePaths) -> None:
        self._evidence = evidence
        on_way = numpy.array([name in paths for name in evidence.components])
        self._parts, part_of_path = _number_parts(evidence, on_way)
        sets, set_of_row = _number_sets(part_of_path, as_column(evidence.first_path))
        self._journeys = [self._journeys_of(parts) for parts in sets]
        touching = numpy.array([any(parts) for parts in sets])
        self._rows = numpy.flatnonzero(touching[set_of_row])
        self._set_of_row = set_of_row[self._rows]
        columns = [as_column(getattr(evidence, name)) for name in ("start_ns", "traffic_of", "of_service")]
        alike = [self._set_of_row, *(column[self._rows] for column in columns)]
        self._group_of, self._first = number_together(alike)

    def _journeys_of(self, parts: Sequence[int]) -> tuple[Journey, ...]:
        """The candidate journeys of records; one that crosses nothing of the way goes elsewhere."""
        return tuple((self._stretch(self._parts[part]),) if part else () for part in parts)

    def _stretch(self, part: tuple[int, ...]) -> Stretch:
        whole, *numbers = part
        names = tuple(self._evidence.components[number] for number in numbers)
        return Stretch(names, starts_inside=bool(whole & STARTS), ends_inside=bool(whole & ENDS))

    def measurements(self, spoiled: Mask | None = None) -> Iterator[Measurement]:
        """One for each part of the way, window and class of traffic, without the records that are spoiled."""
        rows, group_of, groups = self._rows, self._group_of, len(self._first)
        if spoiled is not None and spoiled.any():
            kept = ~spoiled[rows]
            rows, group_of = rows[kept], group_of[kept]
        sent, lost = as_column(self._evidence.sent)[rows], as_column(self._evidence.lost)[rows]
        cited = _first_of_most_lost(group_of, lost, groups)
        sums = [numpy.bincount(group_of, column, groups).astype(numpy.int64).tolist() for column in (sent, lost)]
        for group, (place, all_sent, all_lost) in enumerate(zip(cited.tolist(), *sums, strict=True)):
            if place != NOBODY:
                yield self._measurement(int(self._first[group]), int(rows[place]), all_sent, all_lost)

    def _measurement(self, first: int, cited: int, sent: int, lost: int) -> Measurement:
        """What a group says together: `first` is one of its records on the way, `cited` the row to be shown."""
        evidence = self._evidence
        row, number = int(self._rows[first]), int(self._set_of_row[first])
        journeys = self._journeys[number]
        of_service = bool(evidence.of_service[row])
        traffic = evidence.traffic[evidence.traffic_of[row]]
        origin = evidence.table.origin
        part = _in_words(journeys)
        return Measurement(
            interval=Interval(evidence.start_ns[row], evidence.end_ns[row]),
            journeys=journeys,
            sent=sent,
            lost=lost,
            method=Method.FLOWS,
            series=f"{origin.file}:{number}/{traffic}",
            traffic=traffic,
            end_to_end=of_service,
            of_service=of_service,
            citation=Citation(origin, evidence.locator(cited)),
            subject=(
                Phrase("packets of the service's flows {part}", part=part)
                if of_service
                else Phrase("packets of flows {part}", part=part)
            ),
        )


# Components of paths looked at together: what is worked on stays within reach of the processor.
PIECE = 1 << 20
# Numbers up to this, or not many times as large as there are, are told apart by a table.
ROOM = 1 << 16
STARTS, ENDS = 1, 2
NOBODY = -1


def _number_parts(evidence: FlowEvidence, on_way: Mask) -> tuple[list[tuple[int, ...]], Integers]:
    """The different parts of the way that paths crossed, and which one each path did; part 0 is none of it.

    A part tells in its first number whether the path starts and ends on the way; the others are its components.
    """
    first = as_column(evidence.first_crossed)
    crossed = as_column(evidence.crossed)
    places = find_marked(on_way, crossed)
    lengths = count_within(places, first)
    touching = numpy.flatnonzero(lengths)
    starts = crossed[first[touching]]
    ends = crossed[first[touching + 1] - 1]
    flags = STARTS * on_way[starts] + ENDS * on_way[ends]
    sequences, number = number_sequences(crossed[places], lengths[touching], flags)
    part_of_path = numpy.zeros(len(lengths), numpy.int64)
    part_of_path[touching] = number + 1
    return [(), *sequences], part_of_path


def _number_sets(part_of_path: Integers, first_path: Integers) -> tuple[list[tuple[int, ...]], Integers]:
    """The different sets of parts that records' candidate paths crossed, and which one each record's did."""
    lengths = numpy.diff(first_path)
    several = lengths > 1
    rows = numpy.flatnonzero(several)
    parts = int(part_of_path.max(initial=0)) + 1
    keys = numpy.repeat(rows, lengths[rows]) * parts + part_of_path[numpy.repeat(several, lengths)]
    keys.sort()
    keys = keys[numpy.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
    single = numpy.flatnonzero(~several)
    members = numpy.concatenate([part_of_path[numpy.repeat(~several, lengths)], keys % parts])
    lengths[rows] = numpy.bincount(keys // parts, minlength=len(lengths))[rows]
    order = numpy.concatenate([single, rows])
    sequences, number = number_sequences(members, lengths[order])
    set_of_row = numpy.empty(len(lengths), numpy.int64)
    set_of_row[order] = number
    return sequences, set_of_row


def find_marked(marked: Mask, components: NDArray[Any]) -> Integers:
    """Where in a long column the components stand that are marked; a piece at a time, which needs little memory."""
    found = [numpy.zeros(0, numpy.int64)]
    for start in range(0, len(components), PIECE):
        found.append(numpy.flatnonzero(marked[components[start : start + PIECE]]) + start)
    return numpy.concatenate(found)


def count_within(places: Integers, first: Integers) -> Integers:
    """How many of some places, in ascending order, lie in each run; runs follow each other, and begin at `first`."""
    return numpy.diff(numpy.searchsorted(places, first)).astype(numpy.int64)


def number_distinct(column: NDArray[Any]) -> tuple[NDArray[Any], Integers]:
    """The different numbers of a column in ascending order, and the place among them of each of its cells."""
    least, most = (int(column.min()), int(column.max())) if len(column) else (0, 0)
    room = most - least + 1
    if room > ROOM + 4 * len(column):
        distinct = numpy.unique(column)
        return distinct, numpy.searchsorted(distinct, column).astype(numpy.int64)
    cells = column - least
    met = numpy.zeros(room, bool)
    met[cells] = True
    place = numpy.cumsum(met) - 1
    return numpy.flatnonzero(met) + least, place[cells]


def first_of_each(number: Integers, count: int) -> Integers:
    """The first row of each number; every number from 0 to `count` has one."""
    first = numpy.empty(count, numpy.int64)
    first[number[::-1]] = numpy.arange(len(number) - 1, -1, -1)
    return first


def number_sequences(
    items: NDArray[Any], lengths: NDArray[Any], first: NDArray[Any] | None = None
) -> tuple[list[tuple[int, ...]], Integers]:
    """Number the different ones among many sequences of small numbers, and say which is which.

    `items` holds the sequences one after the other; `first` may give each one more item, to stand before its own.
    Followed item by item: sequences that were alike so far and go on alike stay alike.
    """
    starts = numpy.cumsum(lengths) - lengths
    kinds, kind_of = number_distinct(items)
    breadth = len(kinds) + 1
    state = numpy.zeros(len(lengths), numpy.int64) if first is None else first.astype(numpy.int64)
    told = int(state.max(initial=0)) + 1
    alive = numpy.flatnonzero(lengths > 0)
    place = 0
    while len(alive):
        distinct, number = number_distinct(state[alive] * breadth + kind_of[starts[alive] + place])
        state[alive] = told + number
        told += len(distinct)
        place += 1
        alive = alive[lengths[alive] > place]
    distinct, number = number_distinct(state)
    sequences = []
    for index in first_of_each(number, len(distinct)).tolist():
        own = items[starts[index] : starts[index] + lengths[index]].tolist()
        sequences.append(tuple(own) if first is None else (int(first[index]), *own))
    return sequences, number


def number_together(columns: Sequence[NDArray[Any]]) -> tuple[Integers, Integers]:
    """Number the different combinations of several columns: each row's number, and the first row of each."""
    state, distinct = numpy.zeros(len(columns[0]), numpy.int64), numpy.zeros(0, numpy.int64)
    for column in columns:
        values, own = number_distinct(column)
        distinct, state = number_distinct(state * len(values) + own)
    return state, first_of_each(state, len(distinct))


def _first_of_most_lost(group_of: Integers, lost: NDArray[Any], groups: int) -> Integers:
    """The record to cite of each group: the first of those that lost most; NOBODY where a group has none left."""
    most = numpy.zeros(groups, numpy.int64)
    numpy.maximum.at(most, group_of, lost)
    telling = numpy.flatnonzero(lost == most[group_of])
    members, index = numpy.unique(group_of[telling], return_index=True)
    cited = numpy.full(groups, NOBODY, numpy.int64)
    cited[members] = telling[index]
    return cited


def _in_words(journeys: tuple[Journey, ...]) -> str:
    known = [stretch for journey in journeys for stretch in journey]
    first = known[0].components
    across = Phrase("across {component}", component=first[0])
    part = across if len(first) == 1 else Phrase("from {first} to {last}", first=first[0], last=first[-1])
    return part if len(journeys) == 1 else Phrase("that may have gone {part}", part=part)
