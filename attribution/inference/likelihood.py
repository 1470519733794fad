"""How probable what was counted is where packets are lost at some rate, and where none should be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import exp, inf, lgamma, log
from typing import NamedTuple

# Loss rates that a fault may cause; the last two count as "everything".
PARTIAL_RATES = (0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8)
FULL_RATES = (0.95, 0.995)
RATES = PARTIAL_RATES + FULL_RATES
# How much single measurements scatter around the common rate: pseudo-counts of a beta distribution. Low, because a
# measurement may straddle an edge, or cross the fault only with a part of its packets; lowest where what fails comes
# and goes, since each measurement then sees times of its own; but not so low that losing nothing at all would be the
# likeliest outcome of a small rate. Of 434 recorded faults the 68 that lose packets at random are 35 nats likelier by
# 7 than by 4, the others 49 nats likelier by 2.
SCATTER, SCATTER_AT_RANDOM = 2.0, 7.0
LEAST_PSEUDO_LOST = 1.0
HEALTHY_RATE = 0.001
# How often what is healthy loses next to nothing, however many packets there are: a hundredth of that, on average, and
# mostly none at all. An estimate: recordings hold too few packets to tell.
FLAWLESS, FLAWLESS_RATE, FLAWLESS_SCATTER = 0.1, 1e-5, 1e4
# Share of measurements that something else than the model spares; with Noise.stray it bounds what one of them can say.
STRAY = 0.03
# What was lost and is back stays back, so that losses come in runs; what gets lost at random is strewn. How often the
# next of several measurements turns out otherwise than the one before it while a fault fades: fitted on 65 series from
# aftermaths of 17 recordings of crashes, hangs and reboots (38 nats likelier than at random, none more than 1 less; 158
# of 11 recordings in which another fault came just after the first are 135 nats less likely, 44 of them by more than 1
# each). How often either kind looks like the other is an estimate.
TURNS, STREWN_IN_AFTERMATH, RUNS_AT_RANDOM = 0.15, 0.03, 0.3


class Noise(NamedTuple):
    """What measurements lose that no fault touches: a share that something `stray` disturbs, in any measure; a share
    that is off by a `slight` one, about SLIGHT_RATE; the others lose about HEALTHY_RATE, with the `scatter` of so many
    pseudo-counts."""

    stray: float
    scatter: float
    slight: float = 0.0


OF_PACKETS = Noise(STRAY, 50.0)
# Probes, flows and packets that two points saw are seldom disturbed: of 6,680 groups of them that a recorded fault left
# alone 16 lost more than a tenth, most of these by another way that the drawing leaves open.
OF_COUNTED = Noise(0.004, 50.0)
# The balances of a device's or a link's counters count everything, and are held against their own usual value. Of 907
# such of devices that a recorded fault left alone 27 were off, by 0.1 to 5 %; of 4,347 of links 5, four of them wholly.
OF_DEVICES = Noise(0.001, 2000.0, 0.03)
OF_LINKS = Noise(0.0015, 2000.0)
# What the service lost is now and then missing by chance in a balance that had no part in it: in 6 of 900.
OF_WANTED = Noise(0.006, 2000.0)
SLIGHT_RATE, SLIGHT_SCATTER = 0.015, 67.0


@cache
def log_beta_binomial(lost: int, sent: int, rate: float, scatter: float) -> float:
    """log P(lost of sent) where the rate itself is drawn from a beta distribution around its mean."""
    a, b = rate * scatter, (1 - rate) * scatter
    ways = _log_ways(sent, lost)
    return (
        ways + lgamma(lost + a) + lgamma(sent - lost + b) - lgamma(sent + a + b) - lgamma(a) - lgamma(b) + lgamma(a + b)
    )


@cache
def log_healthy(lost: int, sent: int, noise: Noise = OF_PACKETS) -> float:
    """log P of a measurement that the fault does not touch; some stray ones lose anything."""
    usual = log(1 - FLAWLESS) + log_beta_binomial(lost, sent, HEALTHY_RATE, noise.scatter)
    calm = add_logs(usual, log(FLAWLESS) + log_beta_binomial(lost, sent, FLAWLESS_RATE, FLAWLESS_SCATTER))
    parts = [log(1 - noise.stray - noise.slight) + calm, log(noise.stray) - log(sent + 1)]
    if noise.slight:
        parts.append(log(noise.slight) + log_beta_binomial(lost, sent, SLIGHT_RATE, SLIGHT_SCATTER))
    return add_logs(*parts)


@cache
def log_faulty(lost: int, sent: int, rate: float, noise: Noise = OF_PACKETS, scatter: float = SCATTER) -> float:
    """log P of a measurement that the fault touches; some stray ones are spared."""
    hit = log(1 - STRAY) + log_beta_binomial(lost, sent, rate, max(scatter, LEAST_PSEUDO_LOST / rate))
    return add_logs(hit, log(STRAY) + log_healthy(lost, sent, noise))


@cache
def log_perhaps(lost: int, sent: int, rate: float, touched: float, noise: Noise = OF_PACKETS) -> float:
    """log P of a measurement that the fault touches with some probability."""
    hit = log(touched) + log_faulty(lost, sent, rate, noise)
    return add_logs(hit, log(1 - touched) + log_healthy(lost, sent, noise))


def log_in_runs(lossy: Sequence[bool]) -> float:
    """How much likelier (nats) it is that measurements lost packets in this order, where so many of them did, if what
    was lost comes back and stays than if packets get lost at random."""
    many, turns = sum(lossy), sum(before != after for before, after in pairwise(lossy))
    if many in (0, len(lossy)):
        return 0.0
    steps, others = len(lossy) - 1, len(lossy) - many
    told = [count * log(TURNS) + (steps - count) * log(1 - TURNS) for count in range(steps + 1)]
    possible = range(1, min(steps, 2 * min(many, others)) + 1)
    all_orders = add_logs(*(_log_orders(many, others, count) + told[count] for count in possible))
    runs = told[turns] - all_orders + _log_ways(len(lossy), many)
    after = add_logs(log(STREWN_IN_AFTERMATH), log(1 - STREWN_IN_AFTERMATH) + runs)
    return after - add_logs(log(1 - RUNS_AT_RANDOM), log(RUNS_AT_RANDOM) + runs)


def _log_orders(some: int, others: int, turns: int) -> float:
    """log of how many orders of two sorts of things have so many places where one sort follows the other (Wald and
    Wolfowitz 1940)."""
    more, less = turns // 2, (turns - 1) // 2
    some_first = _log_ways(some - 1, more) + _log_ways(others - 1, less)
    return add_logs(some_first, _log_ways(some - 1, less) + _log_ways(others - 1, more))


def _log_ways(things: int, taken: int) -> float:
    """log of how many ways there are to take some of several things."""
    if not 0 <= taken <= things:
        return -inf
    return lgamma(things + 1) - lgamma(taken + 1) - lgamma(things - taken + 1)


def either_way(rate: float) -> float:
    """How often a packet or the answer to it gets lost where each does at this rate.

    Where everything is lost, what gets through does so before or after, and then its answer does too.
    """
    return rate if rate in FULL_RATES else 1 - (1 - rate) ** 2


def add_logs(*values: float) -> float:
    top = max(values)
    return top + log(sum(exp(value - top) for value in values))


def rate_weights(full: float) -> list[float]:
    """log P of each loss rate, where a share `full` of faults loses almost everything."""
    partial = [log((1 - full) / len(PARTIAL_RATES))] * len(PARTIAL_RATES)
    return partial + [log(full / len(FULL_RATES))] * len(FULL_RATES)
