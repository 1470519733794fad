"""Work that passes several stages arrives whole and in order, whatever the threads do; an error ends it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from attribution.packets.bulk.line import Line

Piece = list[int]


def source(count: int) -> Callable[[Piece], bool]:
    numbers = iter(range(count))

    def fill(piece: Piece) -> bool:
        number = next(numbers, None)
        if number is None:
            return False
        piece[:] = [number]
        return True

    return fill


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_every_piece_passes_every_stage_in_order(threads: int) -> None:
    chance = random.Random(threads)
    seen: list[list[int]] = [[], [], []]

    def stage(number: int) -> Callable[[Piece], None]:
        def work(piece: Piece) -> None:
            time.sleep(chance.random() / 5000)
            seen[number].append(piece[0])

        return work

    Line([[] for _ in range(5)], source(200), [stage(0), stage(1), stage(2)]).run(threads)

    assert seen == [list(range(200))] * 3


def test_a_stage_that_could_not_finish_gets_its_piece_again_when_the_line_is_empty() -> None:
    first: list[int] = []
    last: list[int] = []
    refused: set[int] = set()

    def choosy(piece: Piece) -> bool:
        if piece[0] % 7 == 3 and piece[0] not in refused:
            refused.add(piece[0])
            return False
        if piece[0] in refused:
            assert last == list(range(piece[0]))
        first.append(piece[0])
        return True

    Line([[] for _ in range(4)], source(60), [choosy, lambda piece: last.append(piece[0])]).run()

    assert first == last == list(range(60))
    assert len(refused) == 9


def test_an_error_in_a_stage_ends_the_work_and_is_raised() -> None:
    done: list[int] = []

    def work(piece: Piece) -> None:
        if piece[0] == 20:
            raise ValueError("twenty")
        done.append(piece[0])

    with pytest.raises(ValueError, match="twenty"):
        Line([[] for _ in range(3)], source(1000), [work]).run()
    assert done == list(range(20))


def test_nothing_to_do_is_done_at_once() -> None:
    Line([[] for _ in range(3)], source(0), [lambda _: pytest.fail("there is no piece")]).run()
