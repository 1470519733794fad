"""Where nodes stand on a map: the service's way is straight, nothing stands on anything, and it fits a screen."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import pytest

from attribution.model.topology import Link, Node, NodeKind, Side, Topology
from attribution.report.page.network_layout import MOST_NODES, Layout, lay_out


def network(links: Iterable[tuple[str, str]]) -> Topology:
    pairs = list(links)
    nodes = {name: Node(name, Side.PROVIDER, NodeKind.ROUTER) for pair in pairs for name in pair}
    found = [Link(source, target, None, Side.PROVIDER) for source, target in pairs]
    return Topology(nodes, {link.component: link for link in found})


def way_of(length: int) -> list[tuple[str, str]]:
    return [(f"n{step}", f"n{step + 1}") for step in range(length)]


def is_free_of_overlaps(layout: Layout) -> bool:
    return all(
        first[1] != second[1] or abs(first[0] - second[0]) >= 1
        for first, second in combinations(layout.places.values(), 2)
    )


def heights(layout: Layout) -> float:
    rows = [row for _, row in layout.places.values()]
    return max(rows) - min(rows) + 1


def test_the_way_is_a_straight_line_from_the_first_end_to_the_second() -> None:
    layout = lay_out(network(way_of(7)), ("n7", "n0"))

    assert layout.way == tuple(f"n{step}" for step in range(7, -1, -1))
    assert [layout.places[node] for node in layout.way] == [(float(step), 0.0) for step in range(8)]


def test_the_way_is_the_one_that_traffic_took() -> None:
    ring = network([*way_of(4), ("n0", "m1"), ("m1", "n4")])
    travelled = ("n0", "n0--n1", "n1", "n1--n2", "n2", "n2--n3", "n3", "n3--n4", "n4")

    assert lay_out(ring, ("n0", "n4")).way == ("n0", "m1", "n4")
    assert lay_out(ring, ("n0", "n4"), [("n1", "n2"), travelled]).way == ("n0", "n1", "n2", "n3", "n4")


def test_a_branch_hangs_at_the_column_of_what_it_hangs_on() -> None:
    layout = lay_out(network([*way_of(4), ("n2", "leaf")]), ("n0", "n4"))

    assert layout.places["leaf"][0] == layout.places["n2"][0]
    assert layout.places["leaf"][1] != 0


@pytest.mark.parametrize("length", [3, 5, 9, 20])
@pytest.mark.parametrize("leaves", [0, 4, 12, 35])
def test_nothing_stands_on_anything(length: int, leaves: int) -> None:
    branches = [(f"n{place * 7 % length}", f"leaf{place}") for place in range(leaves)]
    twigs = [(f"leaf{place}", f"twig{place}") for place in range(0, leaves, 3)]
    layout = lay_out(network([*way_of(length), *branches, *twigs]), ("n0", f"n{length}"))

    assert is_free_of_overlaps(layout)
    assert layout.left_out == max(0, length + 1 + len(branches) + len(twigs) - len(layout.places))


def test_many_nodes_beside_a_short_way_spread_out_instead_of_piling_up() -> None:
    """A mesh of sixty routers through which the service takes four."""
    mesh = [(f"m{place}", f"m{(place * 11 + 3) % 54}") for place in range(54)] + [
        (f"m{p}", f"m{p + 1}") for p in range(53)
    ]
    layout = lay_out(network([*way_of(4), ("n1", "m0"), ("n2", "m20"), ("n3", "m40"), *mesh]), ("n0", "n4"))

    assert len(layout.places) == 59
    assert is_free_of_overlaps(layout)
    assert heights(layout) <= 12


def test_of_a_large_network_the_neighbourhood_of_the_way_is_shown_and_what_failed_far_off() -> None:
    branches = [(f"n{place % 9}" if place < 9 else f"far{place - 9}", f"far{place}") for place in range(3000)]
    topology = network([*way_of(9), *branches])
    layout = lay_out(topology, ("n0", "n9"), wanted={"far1004"})

    assert len(layout.places) <= MOST_NODES + 120
    assert layout.left_out == len(topology.nodes) - len(layout.places)
    assert {f"far{place}" for place in range(9)} <= set(layout.places)
    assert "far1004" in layout.places
    assert all(any(node in link.ends for link in layout.links) for node in layout.places)
    assert is_free_of_overlaps(layout)


def test_ends_without_a_way_between_them_are_shown_all_the_same() -> None:
    layout = lay_out(network([("a", "b"), ("c", "d")]), ("a", "d"))

    assert set(layout.places) == {"a", "b", "c", "d"}
    assert is_free_of_overlaps(layout)
