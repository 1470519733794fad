"""How probable each set of causes is, over all phases of an interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, inf, log

from attribution.inference.candidates import Candidate, enumerate_candidates, rank_records
from attribution.inference.fits import Fits, KnownTouches, Situation
from attribution.inference.grouping import Group, senders_captured, ways_unheeded
from attribution.inference.likelihood import RATES, add_logs
from attribution.inference.phases import Phase, follows, join_phases
from attribution.inference.relation import Touch
from attribution.inference.reports import Testimony, joint_testimony, state_of
from attribution.inference.testimony import Witnesses
from attribution.inference.timeliness import ALARM_BEFORE_S, TAKING_OVER_S, in_time, surely_at_work
from attribution.inference.upstream import Missing, gain_of_same_place
from attribution.model.evidence import Alarm, AlarmKind, RecordKind
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.verdict import CauseKind

# Candidates this far (nats) behind the best of a phase cannot matter to it.
FAR_BEHIND = 14.0
# Sums of the same numbers in another order differ by less.
ROUNDING = 1e-6
BEAM = 30
# Of several phases, each contributes this many candidates to those that are tried together.
MOST_OF_A_PHASE = 36
# What the model leaves out (links between witnesses, rounding of times, engineers' guesses) makes its odds too bold:
# all log likelihood ratios are scaled by this before they become a posterior.
TEMPER = 0.8
# What a device says of itself and its ports; sessions and routes tell of consequences as often as of causes.
FIRST_HAND = frozenset(
    {
        AlarmKind.INTERFACE_DOWN,
        AlarmKind.INTERFACE_ADMIN_DOWN,
        AlarmKind.INTERFACE_ERRORS,
        AlarmKind.INTERFACE_DISCARDS,
        AlarmKind.OPTICS_FAULT,
        AlarmKind.TRANSMITTER_WEAK,
        AlarmKind.TRANSCEIVER_REMOVED,
        AlarmKind.PROCESS_DOWN,
        AlarmKind.DEVICE_RESTARTED,
        AlarmKind.DEVICE_UNREACHABLE,
        AlarmKind.POWER_FAULT,
        AlarmKind.HARDWARE_FAULT,
        AlarmKind.CLOCK_WRONG,
        AlarmKind.ATTACK,
    }
)
# How probable it must be that two phases have one cause before they are taken as one.
SURELY_THE_SAME = 0.7
# Phases of one cause are no different if their rates lie no further apart than this on the ladder of rates.
STEPS_APART = 5
# How much an explanation must leave unexplained (nats) before a second fault at the same time is thought of, and how
# much of it that has to explain: less is often a port's discards while its neighbour is away. There are many pairs, so
# that each counts unless it is this far (nats) behind the one fault.
WORTH_A_SECOND, LEFT_TO_A_SECOND = 5.0, 5.0
FAR_BEHIND_ONE = 4.0
# A second cause is at work in the phases that it explains better by this.
FELT = 1.0
# What it costs, in nats, that a cause goes, another takes its place, and the first returns; that another takes over
# at once, without a recovery in between, and no device says so; and each cause beyond the second.
RETURNS = 4.0
TAKES_OVER = 2.0
ONE_MORE = 3.0
# Of more causes nobody has recorded that they were at work at the same time.
MOST_AT_ONCE = 2
# How often a provider takes a host off the network while it is flooded: then that is no coincidence of two causes.
TAKES_OFF = 0.3
# Within this time (seconds) after a fault has ended routes change on its account: a router that is back draws traffic
# before it knows where to send it (RFC 3277, RFC 6987).
RECOVERS_WITHIN_S = 60.0
# What is lost meanwhile tells less of where: no drawing shows the ways that routers choose for a moment. How much less,
# and what another cause has to cost with it, was chosen by the recoveries of four recorded corpora.
RECOVERY_TRUST = 0.7
# How surely what told of a fault, and that it was over, tells of it when the same fault comes again.
TOLD_AGAIN = 0.95
# What no failure of another brings about, though it may be the occasion: a device's own process that ends, its power,
# its hardware.
OF_ITSELF = frozenset({AlarmKind.PROCESS_DOWN, AlarmKind.POWER_FAULT, AlarmKind.HARDWARE_FAULT})
# What loses some of what comes to it, for a reason that nobody knows.
LOSES_SOME = frozenset({CauseKind.DEVICE_DEGRADED, CauseKind.LINK_DEGRADED})
# How much a later cause needs of its own to be more than a consequence, in nats.
OWN_WORD = 3.0
OWN_LOSSES = 8.0


@dataclass(frozen=True, slots=True)
class Assignment:
    """One explanation: for each phase a candidate, or None for something that has no name here."""

    choices: tuple[Candidate | None, ...]
    score: float
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Companion:
    """A further cause at work beside chosen ones, over which time, with the score of all.

    `beside` are the chosen causes, with None for the phases that it explains alone: there they were over, or to come.
    """

    candidate: Candidate
    span: Interval
    beside: tuple[Candidate | None, ...]
    score: float


class Solver:
    """Scores candidates phase by phase and joins them; every number it used can be asked for again."""

    def __init__(self, situation: Situation, phases: Sequence[Phase], touches: KnownTouches | None = None) -> None:
        self.situation = situation
        self.phases = tuple(phases)
        self.fits = Fits(situation, phases, touches or KnownTouches())
        self._witnesses: dict[Interval, Witnesses] = {}
        self._testimonies: dict[tuple[Interval, Candidate], Testimony] = {}
        self._same_place: dict[tuple[Missing, ...], float] = {}
        self._spans: dict[tuple[int, int], Interval] = {}
        recovers = [[self._recovers(one, other) for other in range(len(phases))] for one in range(len(phases))]
        self._recovering = tuple(map(tuple, recovers))
        self._unheard: dict[tuple[Interval, int, Candidate], float] = {}
        self._endings: tuple[tuple[Candidate, ...], ...] = ()
        of_service = (m.interval.start_ns for m in situation.measurements if m.of_service)
        self._measured_until_ns = max(of_service, default=0)
        topology = situation.topology
        spans = [*(phase.span for phase in phases), self.span_of(range(len(phases)))]
        in_time = dict.fromkeys(r for span in spans for r in self.witnesses(span).records)
        records = rank_records(in_time, [phase.span.start_ns for phase in phases])
        self.candidates = tuple(
            enumerate_candidates(topology, situation.paths, situation.modes, records, situation.coverage)
        )
        self._total_prior = sum(candidate.prior for candidate in self.candidates)

    def witnesses(self, span: Interval) -> Witnesses:
        if span not in self._witnesses:
            s = self.situation
            alarms = self._new_alarms(span)
            is_over = span.end_ns == self.phases[-1].span.end_ns and span.end_ns < self._measured_until_ns
            ends = [p.span.end_ns for p in self.phases if span.start_ns < p.span.end_ns <= span.end_ns]
            seen = senders_captured(s.measurements, surely_at_work(span))
            unheeded = ways_unheeded(s.measurements, span)
            self._witnesses[span] = Witnesses(
                alarms, s.records, s.coverage, s.topology, s.paths, s.session_paths, s.modes, span, is_over, ends, seen,
                unheeded,
            )  # fmt: skip
        return self._witnesses[span]

    def _new_alarms(self, span: Interval) -> Sequence[Alarm]:
        """What may speak of a cause that is at work in a span; where it takes over, nothing that was told before it.

        Nor does it speak for another cause that what was told before is told again.
        """
        first = at = next((i for i, phase in enumerate(self.phases) if phase.span.start_ns == span.start_ns), 0)
        while follows(self.phases, first):
            first -= 1
        if first == at:
            return self.situation.alarms
        since_ns = self.phases[first].span.start_ns - int(ALARM_BEFORE_S * NANOSECONDS)
        until_ns = span.start_ns - int(TAKING_OVER_S * NANOSECONDS)
        told = {state_of(a) for a in self.situation.alarms if since_ns <= a.interval.start_ns < until_ns}
        return [a for a in self.situation.alarms if state_of(a) not in told]

    def joined_phases(self, assignments: Sequence[Assignment]) -> tuple[Phase, ...]:
        """The phases with neighbours joined that most probably have one cause: they were no different."""
        same = [False]
        for index in range(1, len(self.phases)):
            alike = sum(
                a.probability
                for a in assignments
                if (choice := a.choices[index]) is not None
                and choice is a.choices[index - 1]
                and not (self._fades(index, choice) or self._fades(index - 1, choice))
                and self._is_as_severe(index, choice)
                and self._has_company(index, choice) == self._has_company(index - 1, choice)
            )
            same.append(alike >= SURELY_THE_SAME)
        return join_phases(self.phases, same)

    def _is_as_severe(self, phase: int, candidate: Candidate) -> bool:
        """Whether a lasting fault lost about as much in a phase as in the one before it."""
        here, before = (RATES.index(self.fits.lasting(index, candidate).rate) for index in (phase, phase - 1))
        return abs(here - before) <= STEPS_APART

    def _has_company(self, index: int, candidate: Candidate) -> bool:
        """Whether so much was lost in a phase that its cause does not touch at all that another may have been at work
        beside it: then the phase tells when."""
        table, touches = self.fits.tables[index], self.fits.touches_of(index, candidate)
        return table.unexplained_by(touches, bytes([Touch.YES] * len(touches)), candidate.mode.full) >= WORTH_A_SECOND

    def companions(self, chosen: Assignment) -> Iterator[Companion]:
        """Further causes that may have been at work beside the chosen one, with the score of both.

        Asked only where the chosen explanation leaves losses unexplained; not beside two: what looks like three faults
        at once is one that comes and goes, or routes that do.
        """
        choices = [choice for choice in chosen.choices if choice is not None]
        if len(choices) < len(chosen.choices) or len(set(choices)) >= MOST_AT_ONCE:
            return
        fits = [self.fits.losses(i, c, self._continues(choices, i)) for i, c in enumerate(choices)]
        left = sum(table.unexplained(fit) for table, fit in zip(self.fits.tables, fits, strict=True))
        if left < WORTH_A_SECOND:
            return
        base = self.score(choices) - sum(fit.total for fit in fits)
        whole = self.span_of(range(len(self.phases)))
        known = self.testimony(whole, choices[0])
        explained = joint_testimony([known])
        price = log(self.situation.modes.background["second_cause"])
        for other in self.candidates:
            if any(other is c or other.component == c.component for c in choices):
                continue
            if sum(self._left_to(i, choices, other) for i in range(len(choices))) < LEFT_TO_A_SECOND:
                continue
            both = [self.fits.two(i, choice, other) for i, choice in enumerate(choices)]
            if sum(both) - sum(fit.total for fit in fits) < -price - FAR_BEHIND_ONE:
                continue
            felt = [i for i, fit in enumerate(fits) if both[i] > fit.total + FELT]
            span = self.span_of(felt) if felt else whole
            told = joint_testimony([known, self.testimony(span, other)]) - explained
            over = [i for i in felt if both[i] <= self.fits.losses(i, other).total + FELT]
            beside = tuple(None if index in over else choice for index, choice in enumerate(choices))
            yield Companion(other, span, beside, base + sum(both) + told + price + self.log_prior(other))

    def _left_to(self, phase: int, choices: Sequence[Candidate], other: Candidate) -> float:
        """How much better (nats) another cause explains what that of a phase does not touch at all, nor the aftermath
        of it where routes come back."""
        first = choices[phase]
        touches = self.fits.touches_of(phase, first)
        if first.mode.withdraws and self._continues(choices, phase):
            touches = bytes(map(max, touches, self.fits.in_turmoil(phase, first)))
        return self.fits.left_to(phase, touches, other)

    def _continues(self, choices: Sequence[Candidate | None], index: int) -> bool:
        """Whether a phase has the cause of an earlier one that ended not long ago: it may be its aftermath."""
        return any(choices[index] is choices[at] and self._recovering[at][index] for at in range(index))

    def _recovers(self, earlier: int, later: int) -> bool:
        """Whether the network may still be recovering from one phase in another."""
        gap_ns = self.phases[later].span.start_ns - self.phases[earlier].span.end_ns
        return gap_ns <= RECOVERS_WITHIN_S * NANOSECONDS

    def _fades(self, phase: int, candidate: Candidate) -> bool:
        """Whether a phase is rather the aftermath of a fault, or its beginning, than one in which it just lasts."""
        fit = self.fits.losses(phase, candidate, later=follows(self.phases, phase))
        return fit is not self.fits.lasting(phase, candidate)

    def testimony(self, span: Interval, candidate: Candidate) -> Testimony:
        key = (span, candidate)
        if key not in self._testimonies:
            self._testimonies[key] = self.witnesses(span).testify(candidate)
        return self._testimonies[key]

    def log_prior(self, candidate: Candidate) -> float:
        return log(candidate.prior / self._total_prior)

    def solve(self) -> tuple[Assignment, ...]:
        """The most probable explanations with their probabilities, best first."""
        shortlist: list[Candidate | None] = [None, *self._shortlist()]
        beam: list[tuple[Candidate | None, ...]] = [()]
        for remaining in range(len(self.phases) - 1, -1, -1):
            longer = sorted(((self._promise(c), c) for c in self._extended(beam, shortlist)), key=lambda e: -e[0])
            near = [choices for score, choices in longer if score >= longer[0][0] - FAR_BEHIND]
            beam = near[:BEAM] if remaining else near
        scored = [(choices, TEMPER * self.score(choices)) for choices in beam]
        whole = add_logs(*(score for _, score in scored))
        return tuple(Assignment(choices, score, exp(score - whole)) for choices, score in scored)

    @staticmethod
    def _extended(
        beam: Sequence[tuple[Candidate | None, ...]], shortlist: Sequence[Candidate | None]
    ) -> Iterator[tuple[Candidate | None, ...]]:
        return ((*choices, choice) for choices in beam for choice in shortlist)

    def _promise(self, choices: Sequence[Candidate | None]) -> float:
        """The score of choices for the first phases if the last of them lasts for some time, and then what explains all
        the later phases best takes over: what that explains is no merit of the choices."""
        rest = len(self.phases) - len(choices)
        later = ((choices[-1],) * lasts + self._endings[len(choices) + lasts] for lasts in range(rest + 1))
        return max(self.score((*choices, *following)) for following in later)

    def _best_endings(self, candidates: Iterable[Candidate]) -> tuple[tuple[Candidate, ...], ...]:
        """For each phase the one candidate that explains it and all later ones best, for as many phases; none at last.
        """
        count = len(self.phases)
        lost = {c: [self.fits.losses(index, c).total for index in range(count)] for c in candidates}

        def explains(candidate: Candidate, first: int) -> float:
            told = self.testimony(self.span_of(range(first, count)), candidate).total
            return sum(lost[candidate][first:]) + told + self.log_prior(candidate)

        best = (max(lost, key=lambda c: explains(c, first)) for first in range(count))
        return (*((choice,) * (count - first) for first, choice in enumerate(best)), ())

    def _shortlist(self) -> list[Candidate]:
        """The candidates near the best of any phase: what began in one may fade in another.

        By themselves, and beside the best of the other phases: what those explain speaks for nobody else any more.
        """
        alone = [self._near_the_best(index, ()) for index in range(len(self.phases))]
        if len(self.phases) == 1:
            self._endings = ((), ())
            return alone[0]
        near: dict[Candidate, None] = dict.fromkeys(c for kept in alone for c in kept[:MOST_OF_A_PHASE])
        for index in range(len(self.phases)):
            leaders = [(other, kept[0]) for other, kept in enumerate(alone) if other != index]
            near |= dict.fromkeys(self._near_the_best(index, leaders)[:MOST_OF_A_PHASE])
        self._endings = self._best_endings(near)
        return list(near)

    def _near_the_best(self, index: int, leaders: Sequence[tuple[int, Candidate]]) -> list[Candidate]:
        """The candidates for a phase, best first; `leaders` are the causes of other phases, with their numbers."""
        span = self.phases[index].span
        known = [self.testimony(self.phases[phase].span, leader) for phase, leader in leaders]
        explained = joint_testimony(known)
        told = [
            (joint_testimony([*known, self.testimony(span, c)]) - explained + self.log_prior(c), number, c)
            for number, c in enumerate(self.candidates)
        ]
        # Most lie where little was lost: what they explain at most shows that they are far behind.
        hoped = sorted(((self.fits.at_most(index, entry[2]) + entry[0], *entry) for entry in told), reverse=True)
        scored: list[tuple[float, int, Candidate]] = []
        best = -inf
        for most, gain, number, candidate in hoped:
            if most < best - FAR_BEHIND - ROUNDING:
                break
            scored.append((self.fits.losses(index, candidate).total + gain, number, candidate))
            best = max(best, scored[-1][0])
        scored.sort(key=lambda entry: (-entry[0], entry[1]))
        return [candidate for score, _, candidate in scored if score >= best - FAR_BEHIND]

    def score(self, choices: Sequence[Candidate | None]) -> float:
        """log of prior times likelihood for the phases decided so far; further causes cost what they are rare."""
        background = self.situation.modes.background
        total = 0.0
        spans: dict[Candidate | None, list[int]] = {}
        missing: list[Missing] = []
        for index, choice in enumerate(choices):
            spans.setdefault(choice, []).append(index)
            trust = RECOVERY_TRUST if index > 0 and self._recovering[index - 1][index] else 1.0
            if choice is None:
                total += trust * self.fits.tables[index].unknown
                continue
            fit = self.fits.losses(index, choice, self._continues(choices, index))
            total += trust * fit.total
            if fit.missing is not None:
                missing.append(fit.missing)
        total += self._gain_of_same_place(missing)
        named = {choice: indices for choice, indices in spans.items() if choice is not None}
        if len({(choice.component, choice.mode.kind) for choice in named}) < len(named):
            return -inf  # one fault of one component has one way to show itself
        if None in spans:
            total += log(background["unknown"])
        runs = sum(index == 0 or choice is not choices[index - 1] for index, choice in enumerate(choices))
        total -= RETURNS * (runs - len(spans))
        total -= TAKES_OVER * sum(
            choice is not choices[index - 1] and follows(self.phases, index) and not self._has_word(choice, index)
            for index, choice in enumerate(choices)
            if index > 0
        )
        total -= ONE_MORE * max(0, len(spans) - 2)
        total += sum(self.log_prior(choice) for choice in named)
        total += joint_testimony([self.testimony(self.span_of(i), choice) for choice, i in named.items()])
        total += sum(self._silent_relapses(choice, i) for choice, i in named.items())
        answers = sum(self._answers_attack(choice, named) for choice in named)
        return total + (len(spans) - 1 - answers) * log(background["second_cause"]) + answers * log(TAKES_OFF)

    def _gain_of_same_place(self, missing: Sequence[Missing]) -> float:
        key = tuple(missing)
        if key not in self._same_place:
            self._same_place[key] = gain_of_same_place(key)
        return self._same_place[key]

    def _silent_relapses(self, choice: Candidate, indices: Sequence[int]) -> float:
        """What speaks against a cause that it should have come again after a recovery: those who had told of it, and
        that it was over, tell nothing new."""
        later = (at for at, (one, next_) in enumerate(pairwise(indices), 1) if not self._recovering[one][next_])
        return sum(self._unheard_again(choice, self.span_of(indices[:at]), indices[at]) for at in later)

    def _unheard_again(self, choice: Candidate, before: Interval, phase: int) -> float:
        """How much (nats) it says that reports at first hand of a cause ended before a phase and were not made again.

        A state that is polled goes unseen where it lasts no longer than from one poll to the next.
        """
        key = (before, phase, choice)
        if key not in self._unheard:
            span = self.phases[phase].span
            known = (a for a in self.testimony(before, choice).alarms if self._is_first_hand(a))
            told = {state_of(a) for a in known if 2 * a.slack_ns <= span.end_ns - span.start_ns}
            again = {state_of(a) for a in self.situation.alarms if a.interval.overlaps(span) or in_time(a, span)}
            self._unheard[key] = log(1 - TOLD_AGAIN) * len(told - again)
        return self._unheard[key]

    def _answers_attack(self, choice: Candidate, spans: Mapping[Candidate, list[int]]) -> bool:
        """Whether an enforcement took over from an attack that something tells of."""
        if choice.record is None or choice.record.kind is not RecordKind.ENFORCEMENT:
            return False
        earlier = [(other, own) for other, own in spans.items() if own[-1] < spans[choice][0]]
        told = (alarm for other, own in earlier for alarm in self.testimony(self.span_of(own), other).alarms)
        return any(alarm.kind is AlarmKind.ATTACK for alarm in told)

    def _has_word(self, choice: Candidate | None, phase: int) -> bool:
        """Whether a device tells of a cause at first hand, or somebody's act is on record, in the phase in which it
        takes over."""
        if choice is None:
            return False
        if choice.record is not None and choice.record.kind is not RecordKind.PLANNED_CHANGE:
            return choice.record in self.witnesses(self.phases[phase].span).records
        return any(self._is_first_hand(alarm) for alarm in self.testimony(self.phases[phase].span, choice).alarms)

    def span_of(self, indices: Sequence[int]) -> Interval:
        key = (indices[0], indices[-1])
        if key not in self._spans:
            first, last = (self.phases[index].span for index in key)
            self._spans[key] = Interval(first.start_ns, last.end_ns)
        return self._spans[key]

    def rival(self, chosen: Assignment, differs: Callable[[Candidate], bool]) -> Assignment | None:
        """The best explanation by a single cause that `differs` admits and the chosen one does not use."""
        others = [c for c in self.candidates if c not in chosen.choices and differs(c)]
        hoped = sorted(((self._hope_of(c), -number, c) for number, c in enumerate(others)), reverse=True)
        best: Assignment | None = None
        for most, _, candidate in hoped:
            if best is not None and most < best.score - ROUNDING:
                break
            choices = (candidate,) * len(self.phases)
            score = self.score(choices)
            if best is None or score > best.score:
                best = Assignment(choices, score)
        return best

    def _hope_of(self, candidate: Candidate) -> float:
        """What the score of a single cause does not exceed; of one that takes routes away in several phases any."""
        indices = range(len(self.phases))
        if candidate.mode.withdraws and len(indices) > 1:
            return inf
        trusts = (RECOVERY_TRUST if i > 0 and self._recovering[i - 1][i] else 1.0 for i in indices)
        lost = sum(trust * self.fits.at_most(i, candidate) for i, trust in zip(indices, trusts, strict=True))
        return lost + self.log_prior(candidate) + self.testimony(self.span_of(indices), candidate).total

    def stands_alone(self, assignment: Assignment, later: Candidate, earlier: Candidate) -> bool:
        """Whether a later cause has evidence of its own, that the earlier one and its aftermath do not account for.

        A record, or a device's word about itself, its ports or its own network; or packets lost where the earlier cause
        loses none.
        """
        if later.record is not None:
            return True
        indices = [index for index, choice in enumerate(assignment.choices) if choice is later]
        known = self.testimony(self.span_of([i for i, c in enumerate(assignment.choices) if c is earlier]), earlier)
        own = self.testimony(self.span_of(indices), later)
        new = {a: gain for a, gain in own.alarms.items() if self._is_first_hand(a) and a not in known.alarms}
        if any(a.kind in OF_ITSELF and a.reporter == a.component == later.component for a in new):
            return True
        told = sum(new.values())
        lost = sum(self.fits.losses(i, later).total - self.fits.losses(i, earlier, later=True).total for i in indices)
        return told >= OWN_WORD or lost >= OWN_LOSSES

    def _is_first_hand(self, alarm: Alarm) -> bool:
        """Whether a device tells of itself or its ports; or a router that it cannot reach who is in its own network:
        there it needs no route from anybody, and misses none because of what failed elsewhere."""
        if alarm.kind is not AlarmKind.ROUTE_MISSING or alarm.about_peer is None:
            return alarm.kind in FIRST_HAND
        return self.situation.paths.is_next_router(alarm.reporter, alarm.about_peer, self.situation.topology)

    def parts(self, index: int, choices: Sequence[Candidate | None]) -> tuple[tuple[tuple[Group, ...], float], ...]:
        """How much each kind of measurement of a phase says under an explanation, in nats."""
        choice = choices[index]
        table = self.fits.tables[index]
        if choice is None:
            return tuple(zip(table.kinds, table.unknown_parts, strict=True))
        fit = self.fits.losses(index, choice, later=self._continues(choices, index))
        return tuple(zip(table.kinds, fit.parts, strict=True))


def place_unnamed(solver: Solver, assignments: Sequence[Assignment]) -> tuple[Assignment, ...]:
    """The explanations, where a cause that nobody can name is some trouble of the part of the way within which all was
    lost, if one side has the whole of it: packets that passed a capture point before it, and never the one behind it,
    were lost there, whatever the reason."""
    topology, where = solver.situation.topology, _within_which_all_was_lost(solver)
    if len({topology.side_of(component) for component in where}) != 1:
        return tuple(assignments)
    within = [c for c in solver.candidates if c.component in where and c.mode.kind in LOSES_SOME]
    best = (one.choices[0] for one in assignments if len(set(one.choices)) == 1 and one.choices[0] in within)
    usual = next(best, None) or max(within, key=lambda candidate: candidate.prior, default=None)
    return tuple(
        replace(one, choices=(usual,) * len(one.choices)) if all(c is None for c in one.choices) else one
        for one in assignments
    )


def _within_which_all_was_lost(solver: Solver) -> frozenset[str]:
    """The shortest part of the way between two capture points that lies on all of what lost packets; empty if none."""
    places = [place for table in solver.fits.tables for place in table.places_of_loss()]
    shortest = min((crossed for crossed, captured in places if captured), key=len, default=frozenset())
    return shortest if all(shortest <= crossed for crossed, _ in places) else frozenset()


def solve_incident(
    situation: Situation, phases: Sequence[Phase], touches: KnownTouches | None = None
) -> tuple[Solver, tuple[Assignment, ...]]:
    """Solve, join the phases that turn out to be no different, and solve again until none are left to join."""
    touches = touches or KnownTouches()
    solver = Solver(situation, phases, touches)
    assignments = solver.solve()
    joined = solver.joined_phases(assignments)
    if len(joined) < len(solver.phases):
        return solve_incident(situation, joined, touches)
    return solver, assignments
