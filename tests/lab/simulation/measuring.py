"""Probes, accounts of streams and counter readings, drawn from how the traffic fared."""

from __future__ import annotations

import random
from collections.abc import Iterator, Set
from dataclasses import dataclass

import numpy as np

from tests.lab.observed import Flow, Probe
from tests.lab.orders import Ping, Requests, Stream
from tests.lab.recorders import Sample, draw_usual
from tests.lab.simulation.conversations import Conversation
from tests.lab.simulation.fabric import Element, PortState
from tests.lab.simulation.observation import Stretch
from tests.lab.simulation.plan_index import IndexedPlan
from tests.lab.simulation.rules import Chain

_WINDOW_SECONDS = 2.0
_RETRY_SECONDS = 1.02
"""When a SYN or its answer that got lost is sent again."""

_TRAFFIC_METRICS = ("in_packets", "out_packets", "in_octets", "out_octets")
_ERROR_METRICS = ("in_errors", "out_errors", "in_discards", "out_discards")
_CALLS_PER_SECOND = 0.97
"""How often a node calls (ARP) for a neighbour behind a port without a carrier; each call is discarded."""

_READ_SCATTER = 0.005
"""How far from its time a device is read, in seconds (standard deviation)."""

_HELLO_PACKETS, _HELLO_OCTETS = 3.0, 250.0
"""What routing protocols send over a link between two routers in a second."""


def echoes(found: list[Conversation], start: float, end: float, dice: random.Random) -> Iterator[Probe]:
    """Every second of every pair's echoes."""
    number = 0
    for conversation in found:
        if not isinstance(conversation.order, Ping):
            continue
        order = conversation.order
        begin = start + number * 0.003 + dice.uniform(0.0, 0.002)
        number += 1
        passages, place = conversation.passages, 0
        moment, period = begin, 1.0 / order.per_second
        while moment + 1.0 <= end + 1.0:
            while place + 1 < len(passages) and passages[place + 1].start <= moment:
                place += 1
            last = place
            while last + 1 < len(passages) and passages[last + 1].start < moment + 1.0:
                last += 1
            trips: list[float] = []
            if last == place and passages[place].answered == 1.0:
                trips = [trip for trip in (_trip(passages[place].round_trip_ms, dice)
                                           for _ in range(order.per_second)) if trip < 1000]
            elif last != place or passages[place].answered > 0:
                for echo in range(order.per_second):
                    passage = conversation.at(moment + echo * period)
                    if dice.random() < passage.answered:
                        trips.append(_trip(passage.round_trip_ms, dice))
            yield Probe(moment, order.source, order.destination, "icmp", order.size, order.per_second, tuple(trips))
            moment += 1.0 + dice.uniform(0.0, 0.0004)


def _trip(base_ms: float, dice: random.Random) -> float:
    """A round trip: what the way takes, and what a busy machine adds."""
    chance = dice.random()
    extra = 0.03 + 0.08 * chance * chance
    if chance > 0.97:
        extra += 0.5 * dice.random() / (1.0001 - chance) * 0.05
    return base_ms + extra


def handshakes(found: list[Conversation], start: float, end: float, dice: random.Random) -> Iterator[Probe]:
    """Every connection attempt: a lost SYN, or a lost answer, is sent again after a second."""
    by_order: dict[Requests, list[Conversation]] = {}
    for conversation in found:
        if isinstance(conversation.order, Requests):
            by_order.setdefault(conversation.order, []).append(conversation)
    for number, (order, variants) in enumerate(by_order.items()):
        moment = start + 0.1 * number
        while moment < end:
            conversation = dice.choice(variants)
            took: float | None = None
            for wait in (0.0, _RETRY_SECONDS + dice.uniform(-0.01, 0.01)):
                passage = conversation.at(moment + wait)
                if dice.random() < passage.answered:
                    took = wait * 1000 + 0.15 + 1.5 * _trip(passage.round_trip_ms, dice)
                    break
            yield Probe(moment, order.source, order.destination, "tcp", 0, 1, () if took is None else (took,))
            moment += order.period_s


def accounts(found: list[Conversation], start: float, end: float, dice: random.Random) -> Iterator[Flow]:
    """Every window of every stream that the customer keeps account of."""
    for conversation in found:
        order = conversation.order
        if not isinstance(order, Stream) or not order.counted:
            continue
        count = round(order.per_second * _WINDOW_SECONDS)
        window = 0
        while start + (window + 2) * _WINDOW_SECONDS < end + 1.0:
            begin = start + window * _WINDOW_SECONDS
            lost = 0
            first, last = conversation.at(begin), conversation.at(begin + _WINDOW_SECONDS)
            if first is not last or first.there < 1.0:
                lost = sum(dice.random() >= conversation.at(begin + item / order.per_second).there
                           for item in range(count))
            yield Flow(begin, order.source, order.destination, f"udp-{order.port}", order.size, count, lost)
            window += 1


@dataclass(frozen=True, slots=True)
class Gauged:
    """From a moment on a device's gauge (role, port, metric) showed so much; None: what it usually does."""

    moment: float
    place: tuple[str, str, str]
    value: float | None


@dataclass(frozen=True, slots=True)
class Polling:
    """Who is polled, from when to when, how often."""

    roles: Set[str]
    first: float
    end: float
    period: float


def gauges(plan: IndexedPlan, changes: list[Gauged], polling: Polling, dice: random.Random) -> Iterator[Sample]:
    """How busy each watched device says it is: what it usually shows, or what the scenario makes it show."""
    usual = {place: value for place, value in draw_usual(plan, dice).items() if place[0] in polling.roles}
    moment = polling.first
    while moment < polling.end:
        shown = {place: value + dice.choice((-1, 0, 0, 1)) for place, value in usual.items()}
        for change in changes:
            if change.moment <= moment and change.value is not None:
                shown[change.place] = change.value
            elif change.moment <= moment:
                shown.pop(change.place, None)
                if change.place in usual:
                    shown[change.place] = usual[change.place]
        yield from (Sample(moment, role, port, metric, value) for (role, port, metric), value in shown.items())
        moment += polling.period


def readings(plan: IndexedPlan, stretches: list[Stretch], history: dict[int, list[PortState]],
             meters: list[tuple[Chain, Element]], polling: Polling, dice: random.Random) -> list[Sample]:
    """What a poller reads from every port: counters that never fall, and the port's state."""
    numbers = [number for number, port in enumerate(plan.all_ports) if port.role in polling.roles]
    moments = np.arange(polling.first, polling.end, polling.period)
    overlap = np.array([[max(0.0, min(moment, stretch.end) - stretch.start) for stretch in stretches]
                        for moment in moments])
    chance = np.random.default_rng(dice.getrandbits(63))
    values: dict[str, np.ndarray] = {}
    read = _read_at(plan, numbers, moments, stretches, chance)
    for metric in _TRAFFIC_METRICS:
        rates = np.array([[getattr(stretch, metric)[number] for number in numbers] for stretch in stretches])
        # Traffic that passes is counted where it comes in and where it goes out: only when it is read scatters. What
        # the device says for itself is its own.
        own = _counted(overlap @ np.broadcast_to(_chatter(plan, numbers, metric), rates.shape), chance,
                       120.0 if "octets" in metric else 1.0)
        passing = np.einsum("mns,sn->mn", read, rates)
        values[metric] = np.rint(np.maximum.accumulate(passing, axis=0)).astype(np.int64) + own
    errors = {metric: np.zeros((len(moments), len(numbers)), dtype=np.int64) for metric in _ERROR_METRICS}
    column = {number: place for place, number in enumerate(numbers)}
    for chain, (kind, number) in meters:
        metric, port = ("in_errors", plan.far[number]) if kind == "cable" else \
            ("in_discards" if kind == "in" else "out_discards", number)
        if port in column:
            rates = np.array([[stretch.dropped.get(chain, 0.0)] for stretch in stretches])
            errors[metric][:, column[port]] += _counted(overlap @ rates, chance, 1.0)[:, 0]
    for port in {number for stretch in stretches for number in stretch.unsent}:
        if port in column:
            called = [overlap[:, place] * _CALLS_PER_SECOND + stretch.unsent[port] * (overlap[:, place] > 0)
                      for place, stretch in enumerate(stretches) if port in stretch.unsent]
            errors["out_discards"][:, column[port]] += np.floor(sum(called)).astype(np.int64)
    for port in {number for stretch in stretches for number in stretch.overflowed}:
        if port in column:
            rates = np.array([[stretch.overflowed.get(port, 0.0)] for stretch in stretches])
            errors["out_discards"][:, column[port]] += _counted(overlap @ rates, chance, 1.0)[:, 0]
    values |= errors
    return list(_samples(plan, numbers, moments.tolist(), {name: array.tolist() for name, array in values.items()},
                         history, dice))


def _read_at(plan: IndexedPlan, numbers: list[int], moments: np.ndarray, stretches: list[Stretch],
             chance: np.random.Generator) -> np.ndarray:
    """Seconds of each stretch before each reading of each port: a device is read at once, and never quite on time."""
    roles = sorted({plan.all_ports[number].role for number in numbers})
    late = chance.normal(0.0, _READ_SCATTER, (len(moments), len(roles)))
    column = {role: place for place, role in enumerate(roles)}
    when = moments[:, None] + late[:, [column[plan.all_ports[number].role] for number in numbers]]
    starts, ends = (np.array([getattr(stretch, name) for stretch in stretches]) for name in ("start", "end"))
    seconds: np.ndarray = np.maximum(0.0, np.minimum(when[:, :, None], ends) - starts)
    return seconds


def _chatter(plan: IndexedPlan, numbers: list[int], metric: str) -> np.ndarray:
    """What the routing protocols themselves send on links between routers."""
    share = _HELLO_OCTETS if "octets" in metric else _HELLO_PACKETS
    return np.array([
        share if plan.node(plan.all_ports[number].role).routes
        and plan.node(plan.all_ports[plan.far[number]].role).routes else 0.02 * share
        for number in numbers
    ])


def _counted(expected: np.ndarray, chance: np.random.Generator, grain: float) -> np.ndarray:
    """Counts whose growth scatters about what was expected."""
    steps = np.diff(expected, axis=0, prepend=0.0)
    scattered = steps + chance.normal(0.0, 1.0, steps.shape) * np.sqrt(np.maximum(steps, 0.0) * grain) * 0.5
    return np.cumsum(np.maximum(0, np.rint(scattered)), axis=0).astype(np.int64)


def _samples(plan: IndexedPlan, numbers: list[int], moments: list[float], values: dict[str, list[list[int]]],
             history: dict[int, list[PortState]], dice: random.Random) -> Iterator[Sample]:
    order = (*_TRAFFIC_METRICS, *_ERROR_METRICS)
    places: dict[str, list[tuple[int, int]]] = {}
    for column, number in enumerate(numbers):
        places.setdefault(plan.all_ports[number].role, []).append((column, number))
    for row, nominal in enumerate(moments):
        moment = nominal + dice.uniform(0.0, 0.004)
        for role, columns in places.items():
            moment += 0.0002
            for column, number in columns:
                name = plan.all_ports[number].name
                for metric in order:
                    yield Sample(moment, role, name, metric, values[metric][row][column])
                admin_up, up = True, True
                for state in history.get(number, ()):
                    if state.moment <= moment:
                        admin_up, up = state.admin_up, state.up
                yield Sample(moment, role, name, "admin_status", int(admin_up))
                yield Sample(moment, role, name, "oper_status", int(up))
