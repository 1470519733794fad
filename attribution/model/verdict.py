"""Causes, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from attribution.model.incident import EvidenceType, Interval
from attribution.model.observation import Caveat
from attribution.model.topology import Side


class CauseKind(StrEnum):
    """The kinds of cause that the incident bundle names."""

    DEVICE_FAILURE = "device_failure"
    LINK_FAILURE = "link_failure"
    LINK_DEGRADED = "link_degraded"
    DEVICE_DEGRADED = "device_degraded"
    OVERLOAD = "overload"
    ROUTING_FAILURE = "routing_failure"
    MISCONFIGURATION = "misconfiguration"
    UNAUTHORISED_OPERATION = "unauthorised_operation"
    CONSENTED_OPERATION = "consented_operation"
    ENFORCEMENT_ACTION = "enforcement_action"
    ATTACK = "attack"
    HOST_FAILURE = "host_failure"
    MAINTENANCE = "maintenance"


class Party(StrEnum):
    """Who is responsible; UNDETERMINED where the evidence does not carry an answer."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    SHARED = "shared"
    NEITHER = "neither"
    UNDETERMINED = "undetermined"


class Fact(StrEnum):
    """The circumstances of a cause that clauses are judged by, besides its kind and side."""

    THIRD_PARTY = "third_party"  # the component is run by a third party for its side
    LINK = "link"  # the component is a link, not a node
    OPERATION = "operation"  # somebody acted: a command, a ticket, an API call
    CONSENTED = "consented"  # the other side had agreed to the act, for that component and time
    CLOUD_CALL = "cloud_call"  # the act was a call of the cloud API
    STRANGER = "stranger"  # … by an account that may be another tenant's: nobody has said whose it is
    OVERUSE = "overuse"  # more was offered than was bought
    LATE_PAYMENT = "late_payment"  # payment was overdue when the provider acted
    OVERDUE_15_DAYS = "overdue_15_days"  # … and had been for the Agreement's 15 days
    VIOLATION = "violation"  # a violation had been notified before the provider acted
    UNGROUNDED = "ungrounded"  # the account's events are known and justify no enforcement
    LINK_BLOCKED = "link_blocked"  # the enforcement disconnected the link or blocked content
    RESTRICTED = "restricted"  # … restricted the service, or black-holed one address of it
    SUSPENDED = "suspended"  # … suspended the service
    TERMINATED = "terminated"  # … ended the service for good
    ATTACK_ON_CUSTOMER = "attack_on_customer"  # the customer's hosts drew an attack
    ADDRESS_TAKEN = "address_taken"  # another device, which nobody named, had the component's address
    ATTACK_BY_CUSTOMER = "attack_by_customer"  # the customer's hosts attacked or scanned others


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: what failed or was done, where, when, and which other cause brought it about.

    `actor` is the side that acted, for operations and enforcement; None where something failed by itself.
    `side` is the side that answers for it, which need not be the side of the component (an API call of the customer
    detaches the provider's gateway); it and `clause` are None until the Agreement has been applied, and `side` stays
    None on a demarcation that nobody owns, and for the call of a stranger. `interval` is when the cause held, and
    `spells` the parts of it in which service suffered from it, where it was not back as soon as service was, or another
    cause had its turn in between; `seconds` is the interruption rooted in it. `caused_by` is the component of the cause
    that brought this one about. `evidence` holds ids of WeighedEvidence.
    """

    component: str
    kind: CauseKind
    interval: Interval
    seconds: float = 0.0
    probability: float = 0.0
    actor: Side | None = None
    facts: frozenset[Fact] = frozenset()
    caused_by: str | None = None
    evidence: tuple[str, ...] = ()
    side: Side | None = None
    clause: str | None = None
    spells: tuple[Interval, ...] = ()

    @property
    def held(self) -> tuple[Interval, ...]:
        """When the cause held, in order."""
        return self.spells or (self.interval,)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A set of causes that may have brought the interruption about, in order of onset, and its posterior probability.

    No causes: the service was not interrupted, or only by something that neither side answers for. `known` is False
    for the remainder, "something that the evidence does not name": its probability belongs to no party.
    """

    causes: tuple[Cause, ...]
    probability: float
    known: bool = True


@dataclass(frozen=True, slots=True)
class WeighedEvidence:
    """One piece of evidence as the verdict cites it; `weight` is its log10 likelihood ratio for the verdict."""

    id: str
    file: str
    locator: str
    time_ns: int
    component: str | None
    supplied_by: Side | None
    statement: str
    weight: float


@dataclass(frozen=True, slots=True)
class Request:
    """What would settle the case: what to ask for, from whom, and how many bits about the party it should bring.

    `types` are the kinds of evidence that would answer it, `components` all the devices asked about.
    """

    what: str
    from_side: Side
    component: str | None
    why: str
    gain_bits: float
    types: frozenset[EvidenceType] = frozenset()
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interruption:
    """When the service between the ends was interrupted or degraded, as the evidence itself shows.

    `full_loss` are the parts in which nothing of the service's traffic got through, the only ones that a service
    level agreement counts. `measured`: where none was detected, whether any of the reported window was measured between
    the ends, so that one would have shown.
    """

    detected: bool
    intervals: tuple[Interval, ...] = ()
    seconds_by_party: Mapping[str, float] = field(default_factory=dict)
    full_loss: tuple[Interval, ...] = ()
    measured: bool = True

    @property
    def is_open(self) -> bool:
        """Whether nothing tells if there was one: that none was detected does not mean that there was none."""
        return not (self.detected or self.measured)

    @property
    def seconds(self) -> float:
        return sum(interval.seconds for interval in self.intervals)


@dataclass(frozen=True, slots=True)
class InputFile:
    file: str
    sha256: str
    octets: int


@dataclass(frozen=True, slots=True)
class Provision:
    """A clause as a verdict cites it: its number, the document it stands in and its words in both languages.

    A clause number alone misleads: the service level agreement has a 4.2 too, and it says something else.
    """

    id: str
    document_en: str
    document_zh: str
    text_en: str
    text_zh: str


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Whole minutes in which everything was lost, by who answers for them: what a service level agreement counts.

    `document` names the service level agreement. The minutes are a table beside the verdict, never a part of it: an
    interruption of fifty seconds has a responsible party and may have no such minute.
    """

    document: str
    minutes_by_party: Mapping[str, int]
    document_zh: str = ""

    @property
    def minutes(self) -> int:
        return sum(self.minutes_by_party.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who answers for the interruption, under which clause, how surely, and by which evidence.

    `provisions` are the clauses that `clause` and the causes name, and those that the Agreement's text admits too.
    """

    incident: str
    party: Party
    clause: str | None
    probability: float
    summary: str
    parties: Mapping[str, float]
    interruption: Interruption
    causes: tuple[Cause, ...]
    evidence: tuple[WeighedEvidence, ...]
    requests: tuple[Request, ...]
    inputs: tuple[InputFile, ...]
    caveats: tuple[Caveat, ...]
    provisions: tuple[Provision, ...] = ()
    service_level: ServiceLevel | None = None
