"""Loss on either side of one capture point, segment by segment: not fooled, the same compiled and plain, bounded."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from attribution.packets import read_capture
from attribution.packets.bulk.compilation import Kit, compiled_kernels
from attribution.packets.columns import (
    ACK,
    ACKNOWLEDGEMENT,
    FIN,
    FLAGS,
    IP_ID,
    LENGTH,
    OPTIONS,
    RST,
    SACK,
    SACK_COUNT,
    SEQUENCE,
    SYN,
    TCP,
    TIME,
    TIMESTAMP,
    TIMESTAMP_ECHO,
    WINDOW,
    WIRE,
)
from attribution.packets.flows import tcp_conversations
from attribution.packets.one_point import copies, gaps, limits, nodes, numbers, segments, state, waiting
from tests.packets.making import origin

MS = 1_000_000
PLAIN = SimpleNamespace(**{**vars(nodes), **vars(state), **vars(segments)})
ALONE = Kit(
    (nodes, numbers, state, waiting, gaps, copies, limits, segments),
    (
        nodes.open_nodes, state.clear_losses, segments.follow_blocks, segments.follow_segment, segments.settle_losses,
    ),
)  # fmt: skip
"""The kernels by themselves, as no program uses them."""
ROOM = 64


@dataclass(frozen=True)
class Segment:
    """What the kernels are told of one segment; times in milliseconds."""

    ms: float
    forward: bool = True
    sequence: int = 0
    length: int = 0
    acknowledgement: int = 0
    flags: int = ACK
    number: int = 0
    window: int = 1000
    timestamp: int = -1
    echo: int = -1
    blocks: tuple[int, ...] = ()
    sack_permitted: int = 0


class Point:
    """A capture point that follows one connection by kernels of either kind, and says what they tell."""

    def __init__(self, kernels: Any = PLAIN, compiled: bool = False, most_nodes: int | None = None) -> None:
        self.kernels, self.compiled, self.most = kernels, compiled, most_nodes
        self.state = self._row(state.LOSS_STATE_WIDTH)
        self.pool = self._row(64 * nodes.NODE_WIDTH)
        self.out = self._row(state.FIRST_EVENT + ROOM * state.EVENT_WIDTH)
        kernels.clear_losses(self.state, 0)
        kernels.open_nodes(self.pool, 64)
        self.events: list[tuple[int, ...]] = []
        self.answers: list[int] = []

    def _row(self, size: int) -> Any:
        return np.zeros(size, np.int64) if self.compiled else [0] * size

    @property
    def capacity(self) -> int:
        return len(self.pool) // nodes.NODE_WIDTH

    def follow(self, one: Segment, frame: int = 0) -> None:
        if self.pool[nodes.ROOM] < state.NODES_NEEDED:
            assert self.most is None or self.capacity < self.most
            more = self._row(len(self.pool))
            self.pool[nodes.ROOM] += self.capacity
            self.pool = np.concatenate([self.pool, more]) if self.compiled else self.pool + more
        if self.out[state.EVENTS] > ROOM - state.EVENTS_NEEDED:
            self._take()
        direction, time_ns = 0 if one.forward else 1, int(one.ms * MS)
        if one.blocks:
            edges = [edge % 2**32 for edge in one.blocks] + [0] * (8 - len(one.blocks))
            self.kernels.follow_blocks(
                self.state, 0, self.pool, direction, time_ns, one.acknowledgement % 2**32, len(one.blocks) // 2, *edges
            )
        self.answers.append(
            self.kernels.follow_segment(
                self.state, 0, self.pool, self.out, 7, frame, direction, time_ns, 66 + one.length,
                one.sequence % 2**32, one.acknowledgement % 2**32, one.length, one.flags, one.window, one.number,
                one.timestamp, one.echo, one.sack_permitted,
            )
        )  # fmt: skip
        assert self.pool[nodes.ROOM] >= 0

    def settle(self, end_ms: float) -> None:
        while not self.kernels.settle_losses(self.state, 0, self.pool, self.out, ROOM, 7, int(end_ms * MS)):
            self._take()
        self._take()

    def _take(self) -> None:
        count, width = int(self.out[state.EVENTS]), state.EVENT_WIDTH
        for number in range(count):
            at = state.FIRST_EVENT + number * width
            self.events.append(tuple(int(word) for word in self.out[at : at + width]))
        self.out[state.EVENTS] = 0

    def losses(self, direction: int = 0) -> Counter[str]:
        names = {
            state.UPSTREAM: "upstream", state.DOWNSTREAM: "downstream", state.UNANSWERED: "unanswered",
            state.UPSTREAM_BARE: "bare",
        }  # fmt: skip
        found: Counter[str] = Counter()
        for event in self.events:
            if event[state.EVENT_DIRECTION] == direction:
                found[names[event[state.EVENT_KIND]]] += event[state.EVENT_COUNT]
        return found


def told(story: Iterable[Segment], direction: int = 0) -> Counter[str]:
    """What one point tells of a connection's first direction, ten seconds after its last segment."""
    point = Point()
    end = 0.0
    for frame, one in enumerate(story):
        point.follow(one, frame)
        end = one.ms
    point.settle(end + 10_000)
    assert point.pool[nodes.ROOM] == point.capacity - 1, "nodes were not given back"
    return point.losses(direction)


def data(ms: float, sequence: int, number: int = 0, length: int = 100, **how: Any) -> Segment:
    return Segment(ms, True, sequence, length, 1, number=number, **how)


def answer(ms: float, acknowledgement: int, *blocks: int, number: int = 0, **how: Any) -> Segment:
    return Segment(ms, False, 1, 0, acknowledgement, number=number, blocks=blocks, **how)


def steady(count: int = 40, step: int = 1, start: int = 1000, rtt_ms: float = 1.0) -> Iterator[Segment]:
    """A sender whose segments of 100 octets come every 10 ms, all acknowledged; `step` between its numbers."""
    for place in range(count):
        yield data(10 * place, 100 * place, start + step * place)
        yield answer(10 * place + rtt_ms, 100 * place + 100)


def test_a_stream_without_loss_is_told_nothing_of() -> None:
    assert told(steady()) == Counter()


def test_octets_that_wrap_around_are_still_in_order() -> None:
    story = [replace(one, sequence=one.sequence - 2000, acknowledgement=one.acknowledgement - 2000) for one in steady()]
    again = replace(story[20], ms=story[20].ms + 0.5, number=1500)

    assert told(story) == Counter()
    assert told([*story[:21], again, *story[21:]]) == Counter(downstream=1)


def test_each_copy_that_is_lost_counts() -> None:
    story = [data(0, 0, 1), data(1, 100, 2), data(2, 200, 3), answer(3, 100, 200, 300)]
    story += [data(ms, 100, number) for ms, number in ((5, 4), (210, 5), (630, 6))] + [answer(631, 300)]

    assert told(story) == Counter(downstream=3)


def test_a_copy_whose_octets_were_acknowledged_too_soon_was_not_the_one_that_arrived() -> None:
    story = [*steady(20, rtt_ms=8), data(300, 2000, 1020), data(320, 2000, 1021), answer(321, 2100)]
    story += [answer(329, 2100, 2000, 2100)]

    assert told(story) == Counter()


def test_an_echoed_timestamp_tells_which_copy_arrived() -> None:
    story = [data(0, 0, 1, timestamp=500), data(250, 0, 2, timestamp=750)]

    assert told([*story, answer(251, 100, echo=750)]) == Counter(downstream=1)
    assert told([*story, answer(251, 100, echo=500), answer(253, 100, 0, 100)]) == Counter()


def test_a_duplicate_sack_takes_back_one_loss_of_each_segment() -> None:
    story = [data(ms, 100 * ms, ms + 1) for ms in range(4)] + [answer(4, 0)]
    story += [data(250 + ms, 100 * ms, ms + 5) for ms in range(4)] + [answer(254, 400)]

    assert told(story) == Counter(downstream=4)
    assert told([*story, answer(255, 400, 100, 400)]) == Counter(downstream=1)


def test_a_number_that_comes_late_was_overtaken() -> None:
    story = [*steady(), data(500, 4100, 1041), data(501, 4000, 1040), answer(502, 4200)]
    even_its_acknowledgement = [*steady(), data(500, 4100, 1041), answer(501, 4200), data(502, 4000, 1040)]

    assert told(story) == Counter()
    assert told(even_its_acknowledgement) == Counter()


def test_a_late_acknowledgement_takes_its_loss_back() -> None:
    story = [data(0, 0, 1)]
    for turn in range(1, 8):
        story.append(Segment(2 * turn, False, 100 * turn - 99, 100, 100))
        story.append(Segment(2 * turn + 1, True, 100, 0, 100 * turn + 1, number=turn + 1))
    story += [Segment(16, False, 701, 100, 100), Segment(17, True, 100, 0, 801, number=10)]

    assert told(story) == Counter(bare=1)
    assert told([*story, Segment(18, True, 100, 0, 801, number=9)]) == Counter()


def test_a_burst_of_a_few_in_a_short_connection_does_not_prove_that_numbers_are_its_own() -> None:
    """The sender counts its datagrams too: thirteen of them went out between two segments."""
    story = [data(0, 0, 1), data(1, 100, 2), data(2, 200, 3), answer(3, 300), Segment(4, False, 1, 100, 300)]
    story += [Segment(400, True, 300, 0, 101, number=17), data(401, 300, 18), answer(402, 400)]

    assert told(story) == Counter()


@pytest.mark.parametrize("step", [2, 3, 5])
def test_a_counter_that_is_shared_with_other_connections_tells_nothing(step: int) -> None:
    assert told(steady(200, step)) == Counter()


def test_a_counter_that_is_mostly_alone_but_shared_is_found_out() -> None:
    drawn = random.Random(1)
    number, story = 0, []
    for one in steady(2000):
        if one.forward:
            number += drawn.choice((1, 1, 1, 2, 4))
            one = replace(one, number=number % 65536)
        story.append(one)

    assert told(story)["upstream"] == 0


def test_what_a_sender_sends_elsewhere_after_its_pauses_is_not_missing_here() -> None:
    """It asks once a second, and counts what it says to others meanwhile, which does not come by."""
    drawn = random.Random(3)
    number, story = 0, []
    for turn in range(60):
        number += drawn.choice((1, 2, 3, 4))
        for part in range(2):
            story.append(data(1000 * turn + part, 200 * turn + 100 * part, number := number + 1))
        story.append(answer(1000 * turn + 20, 200 * turn + 200, number=7000 + turn))

    assert told(story)["upstream"] <= 2


@pytest.mark.parametrize("habit", ["random", "zero", "the same", "other order"])
def test_numbers_of_other_systems_tell_of_no_loss_where_there_is_none(habit: str) -> None:
    drawn = random.Random(2)

    def number_of(number: int) -> int:
        if habit == "other order":
            return (number & 0xFF) << 8 | number >> 8
        return drawn.randrange(65536) if habit == "random" else 0 if habit == "zero" else 777

    story = [replace(one, number=number_of(one.number)) for one in steady(400, start=200)]

    assert told(story) == Counter()


def test_numbers_in_the_other_order_of_octets_count_all_the_same() -> None:
    def swapped(number: int) -> int:
        return (number & 0xFF) << 8 | number >> 8

    story = [replace(one, number=swapped(one.number)) for one in steady(40, start=240)]
    last = story[-1].ms
    story += [data(last + 1500, 4000, swapped(240 + 44)), answer(last + 1501, 4100)]

    assert told(story) == Counter(upstream=4)


def test_segments_put_together_by_a_network_card_skip_numbers_without_loss() -> None:
    story, sequence, number = [], 0, 100
    for place in range(60):
        packets = (1, 10, 3, 44)[place % 4]
        story.append(data(place, sequence, number, length=1448 * packets))
        sequence, number = sequence + 1448 * packets, number + packets
        story.append(answer(place + 0.5, sequence))

    assert told(story) == Counter()


def test_a_packet_that_is_seen_twice_was_not_sent_twice() -> None:
    story = [copy for one in steady() for copy in ((one, replace(one, ms=one.ms + 0.01)) if one.forward else (one,))]

    assert told(story) == Counter()


def test_octets_that_the_capture_missed_are_no_loss() -> None:
    story = [one for place, one in enumerate(steady(60)) if not (one.forward and place % 14 == 0 and place)]

    assert told(story) == Counter()


def test_keep_alives_and_probes_of_a_closed_window_are_no_loss() -> None:
    story = list(steady(10))
    story += [replace(answer(100 + ms, 1000), window=0) for ms in (0, 1)]
    story += [data(ms, 1000, 1010 + n, length=1) for n, ms in enumerate((300, 700, 1500))]
    story += [data(ms, 999, 1013 + n, length=0) for n, ms in enumerate((3000, 5000))]
    story += [answer(5001, 1000), data(5002, 1000, 1015), answer(5003, 1100)]

    assert told(story) == Counter()


def test_octets_that_came_with_a_syn_and_were_not_taken_are_no_loss() -> None:
    story = [
        Segment(0, True, 99, 100, 0, SYN, 1), Segment(1, False, 499, 0, 100, SYN | ACK),
        Segment(2, True, 100, 100, 500, ACK, 2), Segment(3, False, 500, 0, 200, ACK, 1),
    ]  # fmt: skip

    assert told(story) == Counter()


def test_what_a_reset_refuses_is_no_loss() -> None:
    story = [*steady(5), data(100, 500, 1005), Segment(101, False, 1, 0, 500, RST | ACK), data(102, 600, 1006)]
    story += [data(400, 500, 1007)]

    assert told(story) == Counter()


def test_a_syn_that_brings_no_answer_is_unanswered() -> None:
    story = [Segment(1000 * (2**n - 1), True, 99, 0, 0, SYN, 1 + n) for n in range(4)]

    assert told(story) == Counter(unanswered=4)


def test_an_answer_to_a_syn_was_lost_before_if_it_returns_the_first_ones_time() -> None:
    story = [
        Segment(0, True, 99, 0, 0, SYN, 1, timestamp=50), Segment(1000, True, 99, 0, 0, SYN, 2, timestamp=1050),
        Segment(1010, False, 499, 0, 100, SYN | ACK, 0, timestamp=9000, echo=50),
        Segment(1011, True, 100, 0, 500, ACK, 3, timestamp=1051, echo=9000),
        Segment(1012, False, 499, 0, 100, SYN | ACK, 0, timestamp=9001, echo=50),
        Segment(1013, True, 100, 0, 500, ACK, 4, timestamp=1052, echo=9001),
    ]  # fmt: skip

    assert told(story) == Counter()
    assert told(story, 1) == Counter(upstream=1)


def test_the_last_fin_that_is_answered_out_of_nowhere_had_arrived() -> None:
    story = [Segment(0, True, 0, 100, 1, ACK, 1), Segment(1, False, 1, 100, 100, ACK, 1)]
    story += [Segment(2, True, 100, 100, 101, ACK, 2), Segment(3, False, 101, 0, 200, ACK, 2)]
    story += [Segment(10, True, 200, 0, 101, ACK | FIN, 3), Segment(11, False, 101, 0, 201, ACK | FIN, 3)]
    story += [Segment(220, False, 101, 0, 201, ACK | FIN, 4), Segment(221, True, 201, 0, 102, ACK, 0)]

    assert told(story, 1) == Counter()


def test_a_one_sided_capture_leaves_nothing_unanswered() -> None:
    assert told(one for one in steady(3000) if one.forward) == Counter()


def test_time_that_goes_backwards_is_followed_all_the_same() -> None:
    story = list(steady())
    story[11], story[12] = story[12], story[11]

    assert told(story) == Counter()


def random_story(seed: int, count: int) -> list[Segment]:
    """Segments of two ends without much sense: every field takes likely and unlikely values."""
    drawn = random.Random(seed)
    ms, story = 0.0, []
    ends = [drawn.randrange(2**32), drawn.randrange(2**32)]
    heard = list(ends)
    numbers = [drawn.randrange(65536), drawn.randrange(65536)]
    for _ in range(count):
        side = drawn.random() < 0.4
        ms += drawn.choice((0.01, 0.1, 1, 1, 30, 250, -0.5, 2500))
        length = drawn.choice((0, 0, 1, 100, 100, 1448, 1448, 14480))
        back = drawn.choice((0, 0, 0, 0, 1, 100, 1448, 3000, 40000, -1448, -5000, -(10**6)))
        flags = drawn.choice((ACK,) * 30 + (SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, 0))
        numbers[side] = (numbers[side] + drawn.choice((1,) * (12, 60)[seed % 2] + (0, 2, 3, -1, -2, 256, 9000))) % 65536
        sequence = ends[side] - back
        ends[side] = max(ends[side], sequence + length)
        if drawn.random() < 0.6:
            heard[side] = ends[not side] - drawn.choice((0, 0, 0, 1448, 100, -3000))
        edges = [heard[side] + drawn.randrange(-3000, 9000) for _ in range(2 * drawn.choice((0, 0, 0, 1, 2, 3, 4)))]
        blocks = tuple(edge for pair in zip(edges[::2], edges[1::2], strict=True) for edge in sorted(pair))
        story.append(
            Segment(
                ms, not side, sequence, length, heard[side], flags, drawn.choice((numbers[side],) * 9 + (0, -1)),
                drawn.choice((0, 1000, 1000, 1000)), drawn.choice((-1, int(ms) % 2**32)),
                drawn.choice((-1, max(0, int(ms) - drawn.choice((0, 1, 300))))), blocks, drawn.randrange(2),
            )
        )  # fmt: skip
    return story


def test_compiled_code_tells_the_same_of_random_connections() -> None:
    kernels = compiled_kernels(ALONE)
    kinds: Counter[int] = Counter()
    for seed in range(40):
        story = random_story(seed, 400)
        plain, fast = Point(), Point(kernels, compiled=True)
        for frame, one in enumerate(story):
            plain.follow(one, frame)
            fast.follow(one, frame)
        for point in (plain, fast):
            point.settle(story[-1].ms + 5000)
        assert plain.events == fast.events
        assert plain.answers == fast.answers
        assert plain.pool[nodes.ROOM] == plain.capacity - 1
        kinds.update(event[state.EVENT_KIND] for event in plain.events)
    assert set(kinds) == {state.UPSTREAM, state.DOWNSTREAM, state.UNANSWERED, state.UPSTREAM_BARE}


def test_compiled_code_tells_the_same_of_recorded_incidents() -> None:
    kernels = compiled_kernels(ALONE)
    losses = 0
    for file in sorted((Path(__file__).parents[2] / "pcaps").glob("*/captures/*"))[::4]:
        capture = read_capture(file.read_bytes(), origin(file.name, file.name))
        indices = [index for index in capture.in_time() if capture.packets[index][20] == TCP]
        for conversation in tcp_conversations(capture, indices):
            plain, fast = Point(), Point(kernels, compiled=True)
            for index, forward in zip(conversation.packets, conversation.forward, strict=True):
                row = capture.packets[index]
                one = Segment(
                    row[TIME] / MS, forward, row[SEQUENCE], row[LENGTH], row[ACKNOWLEDGEMENT], row[FLAGS], row[IP_ID],
                    row[WINDOW], row[TIMESTAMP], row[TIMESTAMP_ECHO], row[SACK : SACK + 2 * row[SACK_COUNT]],
                    row[OPTIONS] & 1,
                )  # fmt: skip
                assert row[WIRE] > 0
                plain.follow(one, index)
                fast.follow(one, index)
            for point in (plain, fast):
                point.settle(capture.end_ns / MS)
            assert plain.events == fast.events
            losses += len(plain.events)
    assert losses > 100


def one_way(count: int) -> Iterator[Segment]:
    for place in range(count):
        yield data(place / 100, 1448 * place, place % 65536, length=1448)


def endless_gaps(count: int) -> Iterator[Segment]:
    yield answer(0, 0)
    for place in range(count):
        yield data(place / 100, 3000 * place, 2 * place % 65536, length=1448)


def flood_of_blocks(count: int) -> Iterator[Segment]:
    for place in range(count):
        yield data(place / 100, 1448 * place, place % 65536, length=1448)
        left = 1448 * (place // 2)
        yield answer(place / 100, 0, left + 1448, left + 2896, left + 4344, left + 5792, 1, 2, left, left + 99)


def the_same_again(count: int) -> Iterator[Segment]:
    for place in range(count):
        yield data(place / 100, 1448 * (place % 3), place % 65536, length=1448)


def crossing_copies(count: int) -> Iterator[Segment]:
    drawn = random.Random(3)
    for place in range(count):
        yield data(place / 100, drawn.randrange(500_000), place % 65536, length=drawn.randrange(9000))
        if place % 7 == 0:
            yield answer(place / 100, drawn.randrange(1000), drawn.randrange(1000), drawn.randrange(500_000))


@pytest.mark.parametrize("attack", [one_way, endless_gaps, flood_of_blocks, the_same_again, crossing_copies])
def test_memory_is_bounded_whatever_comes(attack: Any) -> None:
    most = 2 * (2 * state.MOST_COPIES + 2 * state.MOST_GAPS)
    point = Point(compiled_kernels(ALONE), compiled=True, most_nodes=most)
    count = 1_000_000 if attack is one_way else 120_000
    for frame, one in enumerate(attack(count)):
        point.follow(one, frame)
    point.settle(1e9)

    assert point.capacity <= most
    assert point.pool[nodes.ROOM] == point.capacity - 1
    assert attack is the_same_again or attack is crossing_copies or int(point.pool[nodes.FORGOTTEN]) > 0
