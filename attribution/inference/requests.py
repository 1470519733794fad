"""What to ask for next: the evidence that should tell most about the responsible party, by the same posterior.

Each question is answered in thought under every explanation, as the model's own tables have it: which alarms a mode
should cause and where, how probably acts leave records, and how much is lost on a stretch. The mutual information
between the answer and the party is what the question is worth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from attribution.inference.asking import put_in_words
from attribution.inference.gain import Shares, entropy, expected_gain, party_shares
from attribution.inference.inquiries import EVIDENCE, Inquirer, Inquiry, Means
from attribution.inference.likelihood import RATES
from attribution.inference.posterior import Solver
from attribution.inference.predictions import MOST_PACKETS, Predictor, Sign, chance_of_loss
from attribution.inference.worlds import NOBODY_KNOWS, World, probable
from attribution.model.evidence import Coverage
from attribution.model.incident import EvidenceType, Interval
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Party, Request

MOST_REQUESTS: Final = 3
# What cannot bring a twentieth of a bit is not worth a letter.
LEAST_GAIN_BITS: Final = 0.05
# Several devices of one side are asked about together, as few as bring this share of what all of them would.
ENOUGH: Final = 0.9
# Signs that are worked out jointly, of one question and of each of several: the cost doubles with each.
MOST_SIGNS: Final = 7
JOINT_SIGNS: Final = 3
MEASURING: Final = (Means.CAPTURE, Means.CAPTURES, Means.PROBES)
TOGETHER: Final = (Means.LOG, Means.WHOLE_LOG, Means.COUNTERS)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question with what its answer is worth, in bits."""

    inquiry: Inquiry
    gain_bits: float


def propose_requests(worlds: Iterable[World], solver: Solver, span: Interval) -> tuple[Request, ...]:
    """The best few questions; none where the party is as good as certain, or nothing is left to ask for."""
    considered = probable(worlds)
    if entropy(party_shares([(w.probability, w.parties) for w in considered]).values()) < LEAST_GAIN_BITS:
        return ()
    inquirer = Inquirer(solver.situation, Predictor(solver, considered))
    weighed = weigh_inquiries(inquirer.inquiries(), considered)
    weighed += ask_whose_it_is(considered, solver.situation.topology)
    return tuple(_request(one, span, solver.situation.topology) for one in choose_best(weighed, considered))


def weigh_inquiries(inquiries: Iterable[Inquiry], worlds: Sequence[World]) -> list[Weighed]:
    """What each question is worth."""
    return [Weighed(inquiry, gain_of(inquiry, worlds)) for inquiry in inquiries if inquiry.signs]


def ask_whose_it_is(worlds: Sequence[World], topology: Topology) -> list[Weighed]:
    """What it is worth to know who answers for a link that the drawing gives to neither side; the customer is asked,
    to whom a letter of authorisation is made out."""
    found: list[Weighed] = []
    roots = {choice.component for world in worlds for choice in world.choices if choice is not None}
    for name in sorted(roots & topology.links.keys()):
        if topology.side_of(name) is not None:
            continue
        told: list[tuple[float, Shares]] = []
        chances: list[tuple[float]] = []
        for world in worlds:
            if {choice.component for choice in world.choices if choice is not None} == {name}:
                told += [(world.probability / len(Side), {side.value: 1.0}) for side in Side]
                chances += [(float(side is Side.CUSTOMER),) for side in Side]
            else:
                told.append((world.probability, world.parties))
                chances.append((1 / len(Side),))
        found.append(Weighed(Inquiry(Means.OWNER, Side.CUSTOMER, (name,), ()), expected_gain(told, chances)))
    return found


def gain_of(inquiry: Inquiry, worlds: Sequence[World]) -> float:
    """Of all that a file may show, what tells most is worked out jointly; what is left out could only add to it."""
    return gain_of_signs(strongest_signs(inquiry, MOST_SIGNS), worlds)


def strongest_signs(inquiry: Inquiry, most: int) -> list[Sign]:
    return sorted(inquiry.signs, key=lambda sign: -sign.weight)[:most]


def gain_of_signs(signs: Sequence[Sign], worlds: Sequence[World]) -> float:
    chances = [tuple([sign.chance(world) for sign in signs]) for world in worlds]
    return expected_gain([(world.probability, world.parties) for world in worlds], chances)


def choose_best(weighed: Iterable[Weighed], worlds: Sequence[World]) -> list[Weighed]:
    """The best of each kind from each side, and of these the few that tell most together."""
    by_kind: dict[tuple[Side, Means], list[Weighed]] = defaultdict(list)
    for one in weighed:
        by_kind[(one.inquiry.side, one.inquiry.means)].append(one)
    best = []
    for (_, means), alike in by_kind.items():
        ranked = sorted(alike, key=_rank)
        best.append(_taken_together(alike, ranked, worlds) if means in TOGETHER else ranked[0])
    for side in Side:
        measuring = [one for one in best if one.inquiry.side is side and one.inquiry.means in MEASURING]
        best = [one for one in best if one not in measuring] + _with_alternative(sorted(measuring, key=_rank))
    worthy = sorted((one for one in best if one.gain_bits >= LEAST_GAIN_BITS), key=_rank)
    return sorted(_complementing(worthy, worlds), key=_rank)


def _with_alternative(ranked: Sequence[Weighed]) -> list[Weighed]:
    """Captures and probes of one side measure the same way: one request, for the better of them or else the other."""
    if not ranked:
        return []
    first = ranked[0]
    probing = first.inquiry.means is Means.PROBES
    others = (one for one in ranked[1:] if (one.inquiry.means is Means.PROBES) != probing)
    other = next((one for one in others if one.gain_bits >= LEAST_GAIN_BITS), None)
    return [Weighed(replace(first.inquiry, instead=other.inquiry), first.gain_bits)] if other is not None else [first]


def _complementing(worthy: Sequence[Weighed], worlds: Sequence[World]) -> list[Weighed]:
    """The best question, and then always the one that adds most to those before: not the same in other words."""
    chosen, left = list(worthy[:1]), list(worthy[1:])
    while left and len(chosen) < MOST_REQUESTS:
        signs = [sign for one in chosen for sign in strongest_signs(one.inquiry, JOINT_SIGNS)]
        together = [(*signs, *strongest_signs(one.inquiry, JOINT_SIGNS)) for one in left]
        gains = [gain_of_signs(joint, worlds) for joint in together]
        chosen.append(left.pop(max(range(len(left)), key=lambda at: (round(gains[at], 9), -at))))
    return chosen


def _rank(one: Weighed) -> tuple[bool, float, str, str, tuple[str, ...], tuple[str, ...]]:
    """By what it is worth; but the rest of a log comes first, which surely exists."""
    inquiry = one.inquiry
    links = tuple(point.link for point in inquiry.points)
    missing = inquiry.means is Means.WHOLE_LOG
    named = (inquiry.means.value, inquiry.side.value, inquiry.places, links)
    return (not missing, -round(one.gain_bits, 9), *named)


def _taken_together(in_order: Sequence[Weighed], ranked: Sequence[Weighed], worlds: Sequence[World]) -> Weighed:
    """As few devices as tell nearly what all of them would, those that tell most by themselves first."""
    telling = [one for one in ranked if one.gain_bits > 0] or list(ranked[:1])
    whole = gain_of(_joined(telling), worlds)
    for count in range(1, len(telling) + 1):
        joined = _joined([one for one in in_order if one in telling[:count]])
        gain = gain_of(joined, worlds)
        if gain >= ENOUGH * whole:
            break
    return Weighed(joined, gain)


def _joined(together: Sequence[Weighed]) -> Inquiry:
    return replace(
        together[0].inquiry,
        places=tuple(place for one in together for place in one.inquiry.places),
        signs=tuple(sign for one in together for sign in one.inquiry.signs),
    )


def _request(one: Weighed, span: Interval, topology: Topology) -> Request:
    inquiry = one.inquiry
    what, why = put_in_words(inquiry, span, topology)
    asked = [inquiry] if inquiry.instead is None else [inquiry, inquiry.instead]
    return Request(
        what,
        inquiry.side,
        inquiry.places[0] if inquiry.places else None,
        why,
        round(one.gain_bits, 3),
        frozenset(kind for each in asked for kind in EVIDENCE[each.means]),
        tuple(dict.fromkeys(place for each in asked for place in each.places)),
    )


def ask_whether_it_happened(
    ends: tuple[str, str], topology: Topology, coverage: Coverage, window: Interval, probability: float, covered: float
) -> tuple[Request, ...]:
    """Where no interruption was found: what would show one in the reported time, from the side of each end.

    `probability` is how sure it is that nothing happened, `covered` the share of the window in which that was measured;
    whether something happened in the rest is as open as can be.
    """
    nothing = probability + (1 - covered) / 2
    worlds = [(nothing, {Party.NEITHER.value: 1.0}), (1 - nothing, NOBODY_KNOWS)]
    lost = sum(chance_of_loss(MOST_PACKETS, rate) for rate in RATES) / len(RATES)
    gain = expected_gain(worlds, [(chance_of_loss(MOST_PACKETS, None),), (lost,)])
    if gain < LEAST_GAIN_BITS:
        return ()
    sides = dict.fromkeys(topology.nodes[end].side for end in ends)
    asked = [(side, _missing_of(side, coverage, covered)) for side in sides]
    weighed = [Weighed(Inquiry(means, side, ends, ()), gain) for side, means in asked if means is not None]
    return tuple(_request(one, window, topology) for one in weighed)


def _missing_of(side: Side, coverage: Coverage, covered: float) -> Means | None:
    """By what a side could still show an interruption: not by what it handed in, if that covers the whole window."""
    known = {kind for kind in EVIDENCE[Means.ENDS] if (kind, side) in coverage.supplied}
    if covered < 1 or not known:
        return Means.ENDS
    if EvidenceType.CAPTURE in known:
        return Means.ENDS if EvidenceType.PROBES not in known else None
    return Means.END_CAPTURES
