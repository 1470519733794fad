"""Which links of the drawing carried the service before the trouble, by what the counters of their ports usually count.

A drawing has ways that nobody takes: a standby line, a backup tunnel over a mobile network, the longer of two ways over
switches. How many routers lie on a way does not tell whether it is in use; what its ports carry does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from statistics import median

from attribution.detectors.loss import Surroundings
from attribution.detectors.port_counters import Counter, Port, gather_counters
from attribution.detectors.routes import Carrying, Routes, Sender
from attribution.model.observation import Metric, Observation
from attribution.model.topology import Topology

# What is usual takes so many polls to tell.
LEAST_POLLS = 3
# A line that nobody uses still carries keepalives, health checks and hellos (BFD's every 300 ms, RFC 5880): up to so
# many packets a second, and at most this share of what the service's ends send and get over another way.
KEEPALIVES_PER_S = 10.0
UNUSED_SHARE = 0.01
# So many packets a second at least must go the other way; less might itself be keepalives.
LEAST_TRAFFIC_PER_S = 1.0
# A way over other switches is taken, too, if its ports send at least this share of what all ways carry together.
TAKEN_SHARE = 0.1


def find_carrying(observations: Iterable[Observation], around: Surroundings, until_ns: int) -> Carrying:
    """What the counters tell of the ways between the service's ends as they were until a time."""
    counters = gather_counters(observations, around, around.topology.nodes)
    sent = _usual_rates(counters, around.topology, until_ns)
    if not sent:  # searching a large drawing takes its time
        return Carrying()
    rates: dict[str, float] = defaultdict(float)
    for (_, link), rate in sent.items():
        rates[link] = max(rates[link], rate)
    ends, drawn = around.first_and_second, Routes(around.topology, {})
    unused, bypassed = _unused(drawn, ends, rates)
    usual = min(_unavoidable(drawn.avoiding(unused), ends, rates), default=0.0)
    if usual < LEAST_TRAFFIC_PER_S:
        return Carrying()
    busy = frozenset(sender for sender, rate in sent.items() if rate >= TAKEN_SHARE * usual)
    used_from_ns = _taken_into_use(counters, unused, until_ns, UNUSED_SHARE * usual)
    return Carrying(unused, bypassed, used_from_ns, busy)


def _usual_rates(
    counters: Mapping[tuple[Port, Metric], Counter], topology: Topology, until_ns: int
) -> Mapping[Sender, float]:
    """How many packets a second (the median of the polls) each node usually sent over each link, by either end."""
    found: dict[Sender, float] = {}
    for ((node, name), metric), counter in counters.items():
        link = topology.links.get(name)
        rates = [rate for _, end_ns, rate in counter.rates() if end_ns <= until_ns]
        if link is not None and len(rates) >= LEAST_POLLS:
            sender = node if metric is Metric.OUT_PACKETS else link.far_end(node)
            found[sender, name] = max(found.get((sender, name), 0.0), median(rates))
    return found


def _unused(
    drawn: Routes, ends: tuple[str, str], rates: Mapping[str, float]
) -> tuple[frozenset[str], frozenset[str]]:
    """Links of the drawing's shortest ways that carried next to nothing, while much went another way, and the nodes
    that lie on their ways alone.

    Without such links other ways are the shortest: those are looked at in turn.
    """
    unused, passed = frozenset[str](), set[str]()
    while True:
        ways = drawn.avoiding(unused).paths(*ends, 0)
        quiet = {link for way in ways for link in way[1::2] if rates.get(link, KEEPALIVES_PER_S) < KEEPALIVES_PER_S}
        idle = {link for link in quiet if _went_elsewhere(drawn.avoiding(unused | {link}), ends, rates, rates[link])}
        if not idle:
            return unused, frozenset(passed.difference(*ways))
        unused |= idle
        passed.update(node for way in ways for node in way[::2])


def _went_elsewhere(others: Routes, ends: tuple[str, str], rates: Mapping[str, float], rate: float) -> bool:
    """Whether much more went over each counted link that all other ways have in common."""
    least = min(_unavoidable(others, ends, rates), default=0.0)
    return least >= max(LEAST_TRAFFIC_PER_S, rate / UNUSED_SHARE)


def _unavoidable(routes: Routes, ends: tuple[str, str], rates: Mapping[str, float]) -> list[float]:
    """What the links carried, of those that are counted, without which there is no way between the ends."""
    way = next(iter(routes.paths(*ends, 0)), None)
    return [rates[link] for link in routes.unavoidable(way) if link in rates] if way is not None else []


def _taken_into_use(
    counters: Mapping[tuple[Port, Metric], Counter], unused: Collection[str], until_ns: int, least_per_s: float
) -> int | None:
    """When, at the earliest, packets may have gone over links that nobody had used; None if none ever did."""
    least_per_s = max(least_per_s, KEEPALIVES_PER_S)
    starts = [
        start_ns
        for ((_, link), _), counter in counters.items()
        if link in unused
        for start_ns, end_ns, rate in counter.rates()
        if end_ns > until_ns and rate >= least_per_s
    ]
    return min(starts, default=None)
