"""Verdicts held against what really happened: what was true of a bundle, what was told, and how often it was right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attribution.model.incident import Interval
from attribution.model.topology import Side
from attribution.model.verdict import Cause, CauseKind, Interruption, Party

SURE = 0.9
"""A verdict that states at least this probability and is wrong was wrong and sure."""

UNKNOWN = "-"
"""What stands for a scenario, topology or profile that nobody stated."""


@dataclass(frozen=True, slots=True)
class TrueCause:
    """One thing that really happened; `admissible_…` are names for it that are as good as its own."""

    component: str
    kind: CauseKind
    side: Side | None
    interval: Interval
    admissible_components: tuple[str, ...] = ()
    admissible_kinds: tuple[CauseKind, ...] = ()

    @property
    def components(self) -> frozenset[str]:
        return frozenset((self.component, *self.admissible_components))

    @property
    def kinds(self) -> frozenset[CauseKind]:
        return frozenset((self.kind, *self.admissible_kinds))


@dataclass(frozen=True, slots=True)
class Truth:
    """truth.yaml: who answers, the clauses that the Agreement's text admits, and every true cause in order of onset.

    The party is UNDETERMINED where the evidence that was left in the bundle carries no answer; what happened is known
    all the same.
    """

    party: Party
    clauses: tuple[str, ...]
    causes: tuple[TrueCause, ...]

    @property
    def decidable(self) -> bool:
        return self.party is not Party.UNDETERMINED

    @property
    def blamed(self) -> bool:
        """Whether some cause has to be named for the answer to be a good one."""
        return bool(self.causes) and self.party not in (Party.NEITHER, Party.UNDETERMINED)

    @property
    def actual_party(self) -> Party | None:
        """Who really answers, also where the evidence does not show it; None where not even the label tells."""
        if self.decidable:
            return self.party
        sides = {cause.side for cause in self.causes}
        if not sides or None in sides:
            return None
        return Party.SHARED if len(sides) == 2 else next(Party(side.value) for side in Side if side in sides)


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled bundle: its folder as it stands in its corpus, and how it was made, as far as the manifest says."""

    folder: str
    scenario: str = UNKNOWN
    topology: str = UNKNOWN
    profile: str = UNKNOWN
    clock: str = UNKNOWN
    seed: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class Told:
    """What a verdict answered: all of it that can be right or wrong."""

    incident: str
    party: Party
    clause: str | None
    probability: float
    parties: Mapping[str, float]
    causes: tuple[Cause, ...]
    interruption: Interruption

    @property
    def decided(self) -> bool:
        return self.party is not Party.UNDETERMINED

    @property
    def root(self) -> Cause | None:
        """The first cause that no other brought about."""
        return next((cause for cause in self.causes if cause.caused_by is None), next(iter(self.causes), None))


@dataclass(frozen=True, slots=True)
class Marks:
    """One answer held against the truth; None where the question does not arise.

    `agrees`: the party told is the true one, an abstention from an undecidable case included. `party`: the same, of
    decided cases only. `wrong` is False for an abstention. `clause`, `component` and `kind` are asked where the truth
    names a party; `component` and `kind` of an abstention too, since it names its most probable cause. Errors in
    seconds are those of the root cause's beginning and end, late positive.
    """

    agrees: bool
    wrong: bool
    wrong_and_sure: bool
    party: bool | None
    clause: bool | None
    component: bool | None
    kind: bool | None
    onset_error_s: float | None = None
    end_error_s: float | None = None


@dataclass(frozen=True, slots=True)
class BaselineAnswer:
    """What a simple method answers: a party, UNDETERMINED where it abstains, and the component that it points at.

    `components` are names for the same place (a link and its ends); empty where it cannot tell several apart, None
    where the method does not point at components.
    """

    method: str
    party: Party
    components: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One bundle decided: what was true, what was told, and how the two compare."""

    case: Case
    truth: Truth
    told: Told
    marks: Marks
    baselines: tuple[BaselineAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokenCase:
    """A bundle that could not be decided, and why."""

    case: Case
    reason: str


@dataclass(frozen=True, slots=True)
class Proportion:
    """`right` of `of`, with the Wilson score interval at 95 %: what the true share may be, having seen so few."""

    right: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        return self.right / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Errors:
    """How far times were off, in seconds: sizes without sign, and `bias_s`, the median with it (late positive)."""

    count: int
    median_s: float | None = None
    ninetieth_s: float | None = None
    bias_s: float | None = None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers given with a probability from `low` to `high`: what they stated on average, and how many were right."""

    low: float
    high: float
    mean_probability: float
    right: Proportion


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether a stated probability can be believed: of answers given at 0.9, nine in ten should be right.

    `brier` and `log_loss` (nats) are of the stated probability against right or wrong; `ece_width` is the expected
    calibration error over `bins`, which are equally wide, `ece_mass` that over as many bins of equally many answers.
    """

    count: int
    brier: float | None = None
    log_loss: float | None = None
    ece_width: float | None = None
    ece_mass: float | None = None
    bins: tuple[ReliabilityBin, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """How often a method named the right party, and abstained where that was right.

    `agreement`: of all bundles. `party`: of those it decided. `decided`: of the decidable. `abstained`: of the
    undecidable. `component`: of those that it decided rightly and whose truth names a party. `wrong_party` named
    another party than the true one; `overclaimed` decided what the evidence does not carry.
    """

    bundles: int
    agreement: Proportion
    party: Proportion
    decided: Proportion
    abstained: Proportion
    component: Proportion
    wrong_party: int
    overclaimed: int


@dataclass(frozen=True, slots=True)
class Score:
    """How good the verdicts on one group of bundles were.

    `clause`, `component` and `kind` count decided cases whose truth names a party, whichever party was named;
    `located` counts the component over all of those, abstentions included. `sure_and_wrong` counts, of verdicts at
    0.9 and above, the wrong ones. `stated` judges the probabilities of decided verdicts, `likeliest` those of the most
    probable party of all verdicts, against who really answers. `brier_parties` is Brier's own score: the squared
    errors of all four parties' probabilities, added up (0 to 2).
    """

    answers: AnswerScore
    clause: Proportion
    component: Proportion
    kind: Proportion
    located: Proportion
    sure_and_wrong: Proportion
    stated: Reliability
    likeliest: Reliability
    brier_parties: float | None
    onset: Errors
    end: Errors


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A corpus decided: the whole, its groups by what they were made of, the baselines, and each bundle by itself.

    `groups` maps a dimension (scenario, topology, …) to its groups by name. `confusion` counts (true party, told).
    """

    corpora: tuple[str, ...]
    overall: Score
    groups: Mapping[str, Mapping[str, Score]]
    baselines: Mapping[str, AnswerScore]
    confusion: Mapping[tuple[Party, Party], int]
    trials: tuple[Trial, ...] = field(repr=False)
    broken: tuple[BrokenCase, ...] = ()
    unlabelled: int = 0
