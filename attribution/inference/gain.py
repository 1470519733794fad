"""How much an answer would tell about the party: mutual information, in bits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log2

Shares = Mapping[str, float]
"""How probable each party is: one alone for most explanations, both by halves where nobody knows whose it is."""


def expected_gain(worlds: Sequence[tuple[float, Shares]], chances: Sequence[Sequence[float]]) -> float:
    """What the answer to a question should tell about the party, in bits.

    `worlds` are the explanations with their probability and party. `chances` tells for each of them how probably each
    sign is seen; given the explanation, signs are seen or not independently of each other. Never below zero, nor above
    what is not known of the party. The cost doubles with each sign.
    """
    alike: dict[tuple[float, ...], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for (probability, shares), seen in zip(worlds, chances, strict=True):
        masses = alike[tuple(seen)]
        for party, share in shares.items():
            masses[party] += probability * share
    return max(0.0, _information(alike))


def entropy(masses: Iterable[float]) -> float:
    """What is not known, in bits; the masses need not add up to one."""
    known = [mass for mass in masses if mass > 0]
    whole = sum(known)
    return max(0.0, -sum(mass / whole * log2(mass / whole) for mass in known)) if whole > 0 else 0.0


def party_shares(worlds: Iterable[tuple[float, Shares]]) -> dict[str, float]:
    """The probability of each party over all explanations."""
    total: dict[str, float] = defaultdict(float)
    for probability, shares in worlds:
        for party, share in shares.items():
            total[party] += probability * share
    return dict(total)


def _information(alike: Mapping[tuple[float, ...], Mapping[str, float]]) -> float:
    """H(party) + H(answer) - H(party, answer), over explanations put together that predict the same."""
    joint: dict[str, list[float]] = {}
    for chances, masses in alike.items():
        answers = [1.0]
        for chance in chances:
            answers = [p * chance for p in answers] + [p * (1 - chance) for p in answers]
        for party, mass in masses.items():
            sums = joint.setdefault(party, [0.0] * len(answers))
            for number, p in enumerate(answers):
                sums[number] += mass * p
    if not joint:
        return 0.0
    return (
        entropy(sum(sums) for sums in joint.values())
        + entropy(sum(column) for column in zip(*joint.values(), strict=True))
        - entropy(mass for sums in joint.values() for mass in sums)
    )
