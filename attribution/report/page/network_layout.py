"""Where the nodes of a network stand on its map: in columns along the service's way, its branches in rows beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from attribution.model.topology import Link, Topology

MOST_NODES = 60
_SHOWN_OF_A_LARGE_NETWORK = 40
_COMFORTABLE_ROWS = 6
_COMFORTABLE_COLUMNS = 11
_ROOM = 0.99  # two nodes of one row are at least a column apart


@dataclass(frozen=True, slots=True)
class Layout:
    """`places` are (column, row) of each node shown; row 0 is the service's way, `way`. `left_out` nodes are not."""

    places: Mapping[str, tuple[float, float]]
    way: tuple[str, ...]
    links: tuple[Link, ...]
    left_out: int


def lay_out(
    topology: Topology,
    ends: tuple[str, str],
    travelled: Iterable[Sequence[str]] = (),
    wanted: Collection[str] = (),
    most: int = MOST_NODES,
) -> Layout:
    """Places for the nodes next to the service's way, at most `most` of them, and for the `wanted` ones.

    `travelled` are ways that traffic is known to have taken, nodes and links in order; the first one between the two
    ends is the service's, and without any it is a shortest one.
    """
    from_first, from_second = _hops(topology, ends[0]), _hops(topology, ends[1])
    way = _service_way(topology, ends, travelled, from_second)
    far = len(topology.nodes)
    length = from_first.get(ends[1], far)

    def detour(node: str) -> int:
        return from_first.get(node, far) + from_second.get(node, far) - length

    nearest = _hops(topology, *way)
    order = sorted(topology.nodes, key=lambda node: (node not in way, nearest.get(node, far), detour(node), node))
    if len(order) > most:  # of a large network only what is next to the way, or little more
        most = min(most, max(len(way) + sum(hops == 1 for hops in nearest.values()), _SHOWN_OF_A_LARGE_NETWORK))
    shown = _connected(topology, order[:most], way, [node for node in order[most:] if node in wanted], nearest)
    stretch = _stretch(len(shown), len(way))
    along = _columns(shown, way, from_first, from_second, length)
    columns = {node: round(column * stretch * 2) / 2 for node, column in along.items()}
    places = _rows(topology, [node for node in order if node in shown], way, columns, stretch)
    links = tuple(link for link in topology.links.values() if link.source in places and link.target in places)
    return Layout(places, way, links, len(topology.nodes) - len(places))


def _stretch(nodes: int, way: int) -> float:
    """How many columns one step of the way takes: many nodes beside a short way spread out instead of piling up."""
    steps = max(1, way - 1)
    needed = nodes / (_COMFORTABLE_ROWS * (steps + 1))
    return max(1.0, min(needed, (_COMFORTABLE_COLUMNS - 1) / steps))


def _hops(topology: Topology, *starts: str) -> dict[str, int]:
    """How many links each node is away from the nearest start."""
    hops = {start: 0 for start in starts if start in topology.nodes}
    waiting = deque(hops)
    while waiting:
        node = waiting.popleft()
        for link in topology.links_of(node):
            other = link.far_end(node)
            if other not in hops:
                hops[other] = hops[node] + 1
                waiting.append(other)
    return hops


def _service_way(
    topology: Topology, ends: tuple[str, str], travelled: Iterable[Sequence[str]], to_second: Mapping[str, int]
) -> tuple[str, ...]:
    for components in travelled:
        nodes = tuple(component for component in components if component in topology.nodes)
        if nodes and (nodes[0], nodes[-1]) in (ends, ends[::-1]) and len(nodes) > 1:
            return nodes if nodes[0] == ends[0] else nodes[::-1]
    way = [ends[0]]
    while way[-1] in to_second and to_second[way[-1]] > 0:
        neighbours = (link.far_end(way[-1]) for link in topology.links_of(way[-1]))
        way.append(min(n for n in neighbours if to_second[n] == to_second[way[-1]] - 1))
    return tuple(way) if way[-1] == ends[1] else ends


def _connected(
    topology: Topology, shown: Iterable[str], way: Sequence[str], wanted: Iterable[str], nearest: Mapping[str, int]
) -> set[str]:
    """The nodes shown, with a way to each wanted one that lies farther off."""
    found = set(shown) | set(way)
    for node in wanted:
        step: str | None = node
        while step is not None and step not in found:
            found.add(step)
            neighbours = sorted(link.far_end(step) for link in topology.links_of(step))
            here = nearest.get(step)
            step = next((n for n in neighbours if here is not None and nearest.get(n) == here - 1), None)
    return found


def _columns(
    shown: Collection[str],
    way: Sequence[str],
    from_first: Mapping[str, int],
    from_second: Mapping[str, int],
    length: int,
) -> dict[str, float]:
    """How far along each node stands: what hangs on a node of the way has that node's own column."""
    stretch = (len(way) - 1) / max(1, length)
    columns = {node: float(column) for column, node in enumerate(way)}
    for node in shown:
        if node in columns:
            continue
        first, second = from_first.get(node), from_second.get(node)
        if first is None or second is None:
            columns[node] = float(len(way) if first is None and second is None else first or second or 0)
            continue
        along = (first - second + length) / 2 * stretch
        columns[node] = round(along * 2) / 2
    return columns


def _rows(
    topology: Topology, order: Sequence[str], way: Sequence[str], columns: Mapping[str, float], stretch: float
) -> dict[str, tuple[float, float]]:
    """The way in row 0; the others one after the other, nearest first, where there is room and the way to it short."""
    places = {node: (columns[node], 0.0) for node in way}
    waiting = [node for node in order if node not in places]
    while waiting:
        node = min(waiting, key=lambda name: (-_anchored(topology, name, places), waiting.index(name)))
        waiting.remove(node)
        neighbours = [places[other] for other in _neighbours(topology, node) if other in places]
        reach = max(1.0 if len(topology.links_of(node)) == 1 else 0.5, stretch if stretch > 1 else 0.0)
        places[node] = _best(columns[node], reach, neighbours, tuple(places.values()))
    return places


def _best(
    column: float, reach: float, neighbours: Sequence[tuple[float, float]], taken: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """The cheapest place: rows are tried from the middle outwards, until a row alone costs more than the best place."""
    best, lowest = (column, 0.0), float("inf")
    for place in _candidates(column, reach):
        if abs(place[1]) > lowest:
            break
        cost = _cost(place, column, neighbours, taken)
        if cost < lowest:
            best, lowest = place, cost
    return best


def _anchored(topology: Topology, node: str, places: Mapping[str, tuple[float, float]]) -> bool:
    return any(other in places for other in _neighbours(topology, node))


def _neighbours(topology: Topology, node: str) -> Iterator[str]:
    return (link.far_end(node) for link in topology.links_of(node))


def _candidates(column: float, reach: float) -> Iterator[tuple[float, float]]:
    """Places within `reach` columns, row by row: those of a leaf a whole column aside, others in halves."""
    step = 1.0 if reach == 1.0 else 0.5
    shifts = [shift * step for shift in range(-int(reach / step), int(reach / step) + 1)]
    for row in range(1, MOST_NODES):
        for shift in sorted(shifts, key=lambda shift: (abs(shift), -shift)):
            yield column + shift, float(row)
            yield column + shift, float(-row)


def _cost(
    place: tuple[float, float],
    column: float,
    neighbours: Sequence[tuple[float, float]],
    taken: Sequence[tuple[float, float]],
) -> float:
    """Far rows and long links are dear, what is taken dearest; of two equal places the one below is chosen."""
    x, y = place
    cost = abs(y) + 0.7 * abs(x - column) + 0.02 * (y < 0)
    for other_x, other_y in taken:
        if other_y == y and abs(other_x - x) < _ROOM:
            return 1000.0 + abs(y)
    for other_x, other_y in neighbours:
        beside = other_y != 0
        cost += (1.6 if beside else 0.3) * abs(other_y - y) + 0.3 * abs(other_x - x)
        cost += sum(_between(place, (other_x, other_y), third) for third in taken)
    return cost


def _between(first: tuple[float, float], last: tuple[float, float], third: tuple[float, float]) -> float:
    """A price for a link that would run through a third node."""
    if third in (first, last):
        return 0.0
    across_x, across_y = last[0] - first[0], last[1] - first[1]
    square = across_x * across_x + across_y * across_y
    if square == 0:
        return 0.0
    along = ((third[0] - first[0]) * across_x + (third[1] - first[1]) * across_y) / square
    if not 0.05 < along < 0.95:
        return 0.0
    off_x, off_y = first[0] + along * across_x - third[0], first[1] + along * across_y - third[1]
    return 1.2 if off_x * off_x + off_y * off_y < 0.1 else 0.0
