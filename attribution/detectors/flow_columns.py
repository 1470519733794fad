"""Very many flow records in one currency, column by column: the same that detect_flow_loss says of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from attribution.detectors.loss import UNDRAWN_FLOWS, Surroundings, window_ends
from attribution.detectors.routes import MOST_CANDIDATES
from attribution.model.flow_evidence import FlowEvidence
from attribution.model.flow_table import FlowTable
from attribution.model.observation import Caveat
from attribution.model.topology import Topology

Integers = NDArray[numpy.int64]
Codes = NDArray[numpy.int32]
UNKNOWN = -1
# Nodes of paths worked on at a time; each takes a few dozen octets while it is.
PIECE = 1 << 17


def detect_flows(tables: Sequence[FlowTable], around: Surroundings) -> tuple[FlowEvidence, ...]:
    """Flow records with their candidate paths, one way, from the first node to the last; one evidence for each file."""
    drawing = Drawing(around)
    windows = Windows(tables)
    return tuple(_detect(table, windows, drawing, around) for table in tables)


class Windows:
    """When each record's window ends: records of all files that begin together share one."""

    def __init__(self, tables: Iterable[FlowTable]) -> None:
        begun = [numpy.unique(as_column(table.times_ns)[as_column(table.sent) > 0]) for table in tables]
        self._starts: Integers = numpy.unique(numpy.concatenate(begun))
        self._ends = numpy.array(window_ends(self._starts.tolist()) if len(self._starts) else [], numpy.int64)

    def ends_of(self, starts: Integers) -> Integers:
        ends: Integers = self._ends[numpy.searchsorted(self._starts, starts)]
        return ends


class Drawing:
    """The topology by numbers: its nodes, then its links, and which link joins two nodes."""

    def __init__(self, around: Surroundings) -> None:
        topology: Topology = around.topology
        self.around = around
        self.components = tuple(topology.components())
        self.number = {name: number for number, name in enumerate(self.components)}
        self.nodes = len(topology.nodes)
        ends = [(self.number[link.source], self.number[link.target]) for link in topology.links.values()]
        there = numpy.array(ends, numpy.int64).reshape(-1, 2)
        steps = numpy.concatenate([self.step(there[:, 0], there[:, 1]), self.step(there[:, 1], there[:, 0])])
        links = numpy.tile(numpy.arange(self.nodes, self.nodes + len(there), dtype=numpy.int32), 2)
        # Between nodes with several links a name alone does not tell which one was taken.
        distinct, first, count = numpy.unique(steps, return_index=True, return_counts=True)
        self._links = _Lookup(distinct[count == 1], links[first[count == 1]])

    def step(self, here: NDArray[Any], there: NDArray[Any]) -> Integers:
        """One number for a pair of nodes in the order of travel."""
        steps: Integers = here.astype(numpy.int64) * self.nodes + there
        return steps

    def links_between(self, steps: Integers) -> Codes:
        """The one link that joins each pair of nodes; UNKNOWN where none does, or several."""
        return self._links.of(steps)

    def between(self, step: int) -> list[list[int]]:
        """What may lie between two nodes that no single link joins: one of several links, say, or a left-out bridge."""
        here, there = divmod(step, self.nodes)
        ways = self.around.routes.between(self.components[here], self.components[there])
        return [[self.number[name] for name in way[1:-1]] for way in ways]


class _Lookup:
    """A table from numbers, 0 or more, to numbers, for whole columns at once (hashing with linear probing)."""

    # Knuth, The Art of Computer Programming, volume 3, section 6.4: multiplication by 2**64 / the golden ratio.
    _SPREAD = numpy.uint64(0x9E3779B97F4A7C15)

    def __init__(self, keys: Integers, values: Codes) -> None:
        bits = max(4, (4 * len(keys)).bit_length())
        self._shift, self._last = numpy.uint64(64 - bits), (1 << bits) - 1
        self._keys = numpy.full(1 << bits, UNKNOWN, numpy.int64)
        self._values = numpy.full(1 << bits, UNKNOWN, numpy.int32)
        slots, left = self._slots(keys), numpy.arange(len(keys))
        while len(left):
            asking = left[self._keys[slots[left]] == UNKNOWN]
            self._keys[slots[asking]] = keys[asking]  # of several that ask for a slot one gets it
            left = left[self._keys[slots[left]] != keys[left]]
            slots[left] = (slots[left] + 1) & self._last
        self._values[slots] = values

    def _slots(self, keys: Integers) -> Integers:
        return ((keys.astype(numpy.uint64) * self._SPREAD) >> self._shift).astype(numpy.int64)

    def of(self, keys: Integers) -> Codes:
        """The number that each key stands for; UNKNOWN for keys that the table does not have."""
        slots = self._slots(keys)
        met, found = self._keys[slots], self._values[slots]
        left = numpy.flatnonzero((met != keys) & (met != UNKNOWN))
        while len(left):
            slots[left] = (slots[left] + 1) & self._last
            met[left], found[left] = self._keys[slots[left]], self._values[slots[left]]
            left = left[(met[left] != keys[left]) & (met[left] != UNKNOWN)]
        found[met != keys] = UNKNOWN
        return found


def as_column(view: memoryview[int]) -> NDArray[Any]:
    return numpy.asarray(view)


def as_view(column: NDArray[Any]) -> memoryview[int]:
    column.flags.writeable = False
    return column.data


def _detect(table: FlowTable, windows: Windows, drawing: Drawing, around: Surroundings) -> FlowEvidence:
    known = numpy.array([drawing.number.get(name, UNKNOWN) for name in table.names], numpy.int32)
    known[known >= drawing.nodes] = UNKNOWN  # a link's name is no node's
    crossed, lengths, ways = _expand(table, known, drawing)
    ends = _resolve_ends(table, known, drawing, around)
    sources, destinations = ends[as_column(table.sources)], ends[as_column(table.destinations)]
    first_path = starts_of_runs(ways)[as_column(table.first_path)]
    drawn = numpy.concatenate([[0], numpy.cumsum(lengths > 0)])
    kept = (as_column(table.sent) > 0) & (sources != UNKNOWN) & (destinations != UNKNOWN)
    kept &= drawn[first_path[1:]] > drawn[first_path[:-1]]
    rows = numpy.flatnonzero(kept)
    paths_of_row = numpy.diff(first_path)
    if len(rows) < len(table):
        of_kept = numpy.repeat(kept, paths_of_row)
        crossed = crossed[numpy.repeat(of_kept, lengths)]
        lengths, paths_of_row = lengths[of_kept], paths_of_row[rows]
    starts = as_column(table.times_ns)[rows]
    ours = numpy.array(sorted(drawing.number[end] for end in around.ends))
    low, high = numpy.minimum(sources, destinations)[rows], numpy.maximum(sources, destinations)[rows]
    traffic, traffic_of = _traffic(table)
    return FlowEvidence(
        table=table,
        components=drawing.components,
        rows=as_view(rows),
        start_ns=as_view(starts),
        end_ns=as_view(windows.ends_of(starts)),
        sent=as_view(as_column(table.sent)[rows]),
        lost=as_view(as_column(table.lost)[rows]),
        sources=as_view(sources[rows]),
        destinations=as_view(destinations[rows]),
        first_path=as_view(starts_of_runs(paths_of_row)),
        first_crossed=as_view(starts_of_runs(lengths)),
        crossed=as_view(crossed),
        traffic=traffic,
        traffic_of=as_view(traffic_of[rows]),
        of_service=as_view(((low == ours[0]) & (high == ours[1])).astype(numpy.int8)),
    )


def note_undrawn_rows(evidence: FlowEvidence) -> Iterator[Caveat]:
    """How many records that sent something were left out, and which was the first: what detect_flow_loss leaves out."""
    left_out = as_column(evidence.table.sent) > 0
    left_out[as_column(evidence.rows)] = False
    rows = numpy.flatnonzero(left_out)
    if len(rows):
        yield Caveat(evidence.table.origin.file, evidence.table.locator(int(rows[0])), UNDRAWN_FLOWS, len(rows))


def starts_of_runs(lengths: NDArray[Any]) -> Integers:
    """Where each of several runs of these lengths begins, and where the last one ends."""
    starts = numpy.zeros(len(lengths) + 1, numpy.int64)
    numpy.cumsum(lengths, out=starts[1:])
    return starts


def _resolve_ends(table: FlowTable, known: Codes, drawing: Drawing, around: Surroundings) -> Codes:
    """The node that each of the table's names means as an end, be it a name or an address; the others stay UNKNOWN.

    The names of nodes are `known`.
    """
    ends = known.copy()
    used = numpy.zeros(len(ends), bool)
    used[as_column(table.sources)] = used[as_column(table.destinations)] = True
    for name in numpy.flatnonzero(used & (known == UNKNOWN)).tolist():
        node = around.book.resolve(table.names[name])
        if node is not None:
            ends[name] = drawing.number[node]
    return ends


def _traffic(table: FlowTable) -> tuple[tuple[str, ...], NDArray[Any]]:
    words = tuple(dict.fromkeys(protocol or "flow" for protocol in table.protocols))
    place = numpy.array([words.index(protocol or "flow") for protocol in table.protocols], numpy.int32)
    return words, place[as_column(table.protocols_of)]


def _expand(table: FlowTable, known: Codes, drawing: Drawing) -> tuple[Codes, Integers, Integers]:
    """All ways that paths may mean, with links put in between their nodes, one after the other, the length of each, and
    how many are of each path.

    A path with an unknown node, or with two neighbours between which the drawing shows no way, or which may mean too
    many ways, has one of no length. Done a piece at a time: what is worked on stays within reach of the processor.
    """
    first, nodes = as_column(table.first_node), as_column(table.nodes)
    whole = _Column(numpy.int32, 2 * len(nodes))
    lengths, ways = _Column(numpy.int64, len(first)), _Column(numpy.int64, len(first))
    start = 0
    while start < len(first) - 1:
        end = max(start + 1, int(numpy.searchsorted(first, first[start] + PIECE, side="right")) - 1)
        begin = first[start]
        piece, *its = _expand_piece(known[nodes[begin : first[end]]], first[start : end + 1] - begin, drawing)
        whole.append(piece)
        lengths.append(its[0])
        ways.append(its[1])
        start = end
    return whole.written(), lengths.written(), ways.written()


class _Column:
    """A column that grows by pieces, with room for as many items as are expected."""

    def __init__(self, kind: type[numpy.integer[Any]], room: int) -> None:
        self._items: NDArray[Any] = numpy.empty(room, kind)
        self._length = 0

    def append(self, piece: NDArray[Any]) -> None:
        end = self._length + len(piece)
        if end > len(self._items):
            self._items = numpy.concatenate([self.written(), numpy.empty(end, self._items.dtype)])
        self._items[self._length : end] = piece
        self._length = end

    def written(self) -> NDArray[Any]:
        return self._items[: self._length]


def _expand_piece(nodes: Codes, first: Integers, drawing: Drawing) -> tuple[Codes, Integers, Integers]:
    """Some of the paths: `nodes` are theirs, one after the other, and path j's begin at `first[j]`."""
    nodes, first = _without_repeats(nodes, first)
    steps = drawing.step(nodes[:-1], nodes[1:])
    strangers = bool((nodes == UNKNOWN).any())
    if strangers:
        steps[(nodes[:-1] == UNKNOWN) | (nodes[1:] == UNKNOWN)] = UNKNOWN
    links = numpy.full(len(nodes), UNKNOWN, numpy.int32)
    links[:-1] = drawing.links_between(steps)
    last = first[1:] - 1
    links[last] = UNKNOWN
    if not strangers and numpy.count_nonzero(links == UNKNOWN) == len(last):
        return _interleaved(nodes, links, last), 2 * numpy.diff(first) - 1, numpy.ones(len(last), numpy.int64)
    unlinked = links == UNKNOWN
    unlinked[last] = False
    missing = numpy.flatnonzero(unlinked)
    detours = _Detours(steps[missing], drawing)
    ways = _count_ways(detours.ways, _run_of(missing, first), len(last))
    ways[_run_of(numpy.flatnonzero(nodes == UNKNOWN), first)] = 0
    broken = ways == 0
    ways[broken] = 1
    if (ways > 1).any():
        which = numpy.repeat(numpy.arange(len(ways)), ways)
        place, first = _gather_runs(first, which)
        nodes, links, broken = nodes[place], links[place], broken[which]
        copied = numpy.flatnonzero(unlinked[place])
        detours.choose(numpy.searchsorted(missing, place[copied]), _run_of(copied, first), _offsets(ways))
        missing = copied
    room = numpy.full(len(nodes), 2, numpy.int32)
    room[first[1:] - 1] = 1
    room[missing] = 1 + detours.lengths
    place = starts_of_runs(room)
    whole = numpy.empty(int(place[-1]), numpy.int32)
    whole[place[:-1]] = nodes
    single = links != UNKNOWN
    whole[place[:-1][single] + 1] = links[single]
    detours.put(whole, place[missing] + 1)
    lengths = numpy.diff(place[first])
    if broken.any():
        whole = whole[numpy.repeat(~broken, lengths)]
        lengths[broken] = 0
    return whole, lengths, ways


def _run_of(places: Integers, first: Integers) -> Integers:
    """In which of the runs that begin at `first` each place lies."""
    return numpy.searchsorted(first, places, side="right").astype(numpy.int64) - 1


def _gather_runs(first: Integers, which: Integers) -> tuple[Integers, Integers]:
    """Where the items of some of the runs that begin at `first` stand, run after run, and where each begins then."""
    lengths = numpy.diff(first)[which]
    starts = starts_of_runs(lengths)
    return numpy.arange(starts[-1]) + numpy.repeat(first[which] - starts[:-1], lengths), starts


def _count_ways(choices: Integers, path_of: Integers, paths: int) -> Integers:
    """How many ways each path may mean, by the ways of those of its steps that have none or several; 0 where it has
    none, or too many.
    """
    doublings = numpy.zeros(paths)
    numpy.add.at(doublings, path_of, numpy.log2(numpy.maximum(choices, 1)))
    doublings[path_of[choices == 0]] = numpy.inf
    doublings[doublings >= numpy.log2(MOST_CANDIDATES)] = -numpy.inf
    return numpy.rint(numpy.exp2(doublings)).astype(numpy.int64)


def _interleaved(nodes: Codes, links: Codes, last: Integers) -> Codes:
    """Paths of which every step is one link: each node with the link behind it, but for the last ones."""
    both = numpy.stack([nodes, links], axis=1).ravel()
    within = numpy.ones(len(both), bool)
    within[2 * last + 1] = False
    return both[within]


def _without_repeats(nodes: Codes, first: Integers) -> tuple[Codes, Integers]:
    """The paths with a node that stands twice in a row, as some exporters write it, once."""
    repeated = numpy.zeros(len(nodes), bool)
    numpy.equal(nodes[1:], nodes[:-1], out=repeated[1:])
    repeated[first[:-1]] = False
    if not repeated.any():
        return nodes, first
    repeated &= nodes != UNKNOWN
    return nodes[~repeated], starts_of_runs(~repeated)[first]


class _Detours:
    """What lies between neighbours of a path that no single link joins: each different pair is looked up once.

    `ways` is how many ways the drawing has between each two, `lengths` how many components the first of them has, or
    the chosen one.
    """

    def __init__(self, steps: Integers, drawing: Drawing) -> None:
        distinct, of = numpy.unique(steps, return_inverse=True)
        found = [drawing.between(step) if step != UNKNOWN else [] for step in distinct.tolist()]
        counts = numpy.array([len(ways) for ways in found], numpy.int64)
        every = [[], *(way for ways in found for way in ways)]  # the first one stands for none
        self._lengths = numpy.array([len(way) for way in every], numpy.int64)
        self._starts = starts_of_runs(self._lengths)
        self._flat = numpy.array([number for way in every for number in way], numpy.int32)
        self.ways: Integers = counts[of]
        self._chosen = numpy.where(self.ways > 0, 1 + starts_of_runs(counts)[of], 0)

    @property
    def lengths(self) -> Integers:
        lengths: Integers = self._lengths[self._chosen]
        return lengths

    def choose(self, which: Integers, path_of: Integers, number: Integers) -> None:
        """From now on for the steps `which`, in the order of their paths, of which path j takes the ways of the number
        `number[j]`: the last step's ways change first.
        """
        ways, chosen = self.ways[which], self._chosen[which]
        left, number = numpy.flatnonzero(ways > 1), number.copy()
        while len(left):
            is_last = numpy.append(path_of[left[1:]] != path_of[left[:-1]], True)
            last, left = left[is_last], left[~is_last]
            chosen[last] += number[path_of[last]] % ways[last]
            number[path_of[last]] //= ways[last]
        self.ways, self._chosen = ways, chosen

    def put(self, whole: Codes, places: Integers) -> None:
        """Write each detour into the paths, from its place on."""
        within, _ = _gather_runs(self._starts, self._chosen)
        whole[numpy.repeat(places, self.lengths) + _offsets(self.lengths)] = self._flat[within]


def _offsets(lengths: Integers) -> Integers:
    """The place of each item within its run, for runs of these lengths."""
    starts = starts_of_runs(lengths)
    return numpy.arange(starts[-1]) - numpy.repeat(starts[:-1], lengths)
