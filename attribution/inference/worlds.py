"""The explanations that a question may tell apart, each with its probability and the party that answers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log

from attribution.inference.candidates import Candidate, is_in_the_cloud, with_directions
from attribution.inference.gain import Shares
from attribution.inference.modes import CLOUD_CALLS, Reach
from attribution.inference.posterior import TEMPER, Assignment, Solver
from attribution.model.evidence import AlarmKind
from attribution.model.incident import EvidenceType
from attribution.model.topology import Side, Topology

# The most probable explanations that make up this share have a say in what to ask for, but no more than so many.
MOST_OF_ALL = 0.99
MOST_WORLDS = 150
NOBODY_KNOWS: Shares = {Side.CUSTOMER.value: 0.5, Side.PROVIDER.value: 0.5}
BOTH = "shared"
Choices = tuple[Candidate | None, ...]
AnsweringSide = Callable[[Candidate, bool], str]
"""Which side answers for a candidate ("unknown" where nobody does), if more was known to be offered than was bought,
or no more."""


@dataclass(frozen=True, slots=True)
class World:
    """One way things may have been; `exceeded`: whether more was offered than was bought, if the party hangs on it."""

    choices: Choices
    probability: float
    parties: Shares
    exceeded: bool | None = None


def shares_of(sides: Iterable[str]) -> Shares:
    """The party by the sides of the root causes: what belongs to nobody may be either's."""
    known = {side for side in sides if side in (Side.CUSTOMER.value, Side.PROVIDER.value)}
    if len(known) == 2:
        return {BOTH: 1.0}
    return dict.fromkeys(known, 1.0) if known else NOBODY_KNOWS


def split_by_offer(world: World, answers: AnsweringSide) -> Iterator[World]:
    """Where queues are full the party hangs on what was offered, which counters may still tell: one world for each.

    How probably more was offered than was bought is the mode's own expectation.
    """
    choices = [choice for choice in dict.fromkeys(world.choices) if choice is not None]
    overloads = [choice for choice in choices if _chance_of_overuse(choice) > 0]
    if len(choices) != 1 or not overloads:
        yield world
        return
    (choice,) = overloads
    chance = _chance_of_overuse(choice)
    if_exceeded, if_not = shares_of([answers(choice, True)]), shares_of([answers(choice, False)])
    if if_exceeded == if_not:
        yield world
        return
    yield replace(world, probability=world.probability * chance, parties=if_exceeded, exceeded=True)
    yield replace(world, probability=world.probability * (1 - chance), parties=if_not, exceeded=False)


def _chance_of_overuse(choice: Candidate) -> float:
    return max((e.probability for e in choice.mode.expects if e.alarm is AlarmKind.BANDWIDTH_EXCEEDED), default=0.0)


def doubting_worlds(solver: Solver, supplier: Side, topology: Topology, mass: float) -> Iterator[World]:
    """What may have been if the only side that was asked left out what speaks against it: its own faults, by the
    losses alone, without its word."""
    own = [candidate for candidate in solver.candidates if topology.side_of(candidate.component) is supplier]
    phases = range(len(solver.phases))
    scores = [TEMPER * (sum(solver.fits.losses(p, c).total for p in phases) + solver.log_prior(c)) for c in own]
    best = max(scores, default=0.0)
    whole = sum(exp(score - best) for score in scores)
    for candidate, score in zip(own, scores, strict=True):
        share = mass * exp(score - best) / whole
        yield World((candidate,) * len(solver.phases), share, {supplier.value: 1.0})


def hidden_calls(solver: Solver, reference: Assignment) -> Iterator[Assignment]:
    """Calls of the customer's own cloud account that nobody could see, while its audit was not handed in.

    They are modes of the table that are not considered without a record; here they are, as if there were one, scored
    like every other explanation. `reference` is any of those, with its score and probability; theirs come on top.
    """
    situation = solver.situation
    if EvidenceType.CLOUD_AUDIT in situation.coverage.types or reference.probability <= 0:
        return
    whole = reference.score - log(reference.probability)
    for mode in situation.modes.modes:
        if not (mode.needs_record and mode.record in CLOUD_CALLS) or mode.reach is Reach.EGRESS:
            continue
        for name in situation.paths.components:
            node = situation.topology.nodes.get(name)
            if node is not None and is_in_the_cloud(node) and mode.applies_to(node):
                for candidate in with_directions(mode, name, None):
                    choices = (candidate,) * len(solver.phases)
                    score = TEMPER * solver.score(choices)
                    yield Assignment(choices, score, exp(score - whole))


def worlds_of_calls(hidden: Iterable[Assignment]) -> Iterator[World]:
    """Hidden calls as worlds: whatever one did, the customer's account made it."""
    yield from (World(call.choices, call.probability, {Side.CUSTOMER.value: 1.0}) for call in hidden)


def probable(worlds: Iterable[World]) -> Sequence[World]:
    """Those that matter, their probabilities adding up to one."""
    ranked = sorted(worlds, key=lambda world: -world.probability)
    whole, kept = sum(world.probability for world in ranked), 0.0
    chosen = []
    for world in ranked[:MOST_WORLDS]:
        if kept >= MOST_OF_ALL * whole:
            break
        chosen.append(world)
        kept += world.probability
    return [replace(world, probability=world.probability / kept) for world in chosen]
