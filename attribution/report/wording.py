"""Every sentence and label that reports print, in one place: another language is another table like this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attribution.model.verdict import CauseKind, Party

ENGLISH_PARTIES: Mapping[Party, str] = {
    Party.CUSTOMER: "the customer",
    Party.PROVIDER: "the provider",
    Party.SHARED: "both parties",
    Party.NEITHER: "neither party",
    Party.UNDETERMINED: "undetermined",
}

# What happened, for a component named {component}; used after "because" and in the causal chain.
ENGLISH_CAUSES: Mapping[CauseKind, str] = {
    CauseKind.DEVICE_FAILURE: "the device {component} failed",
    CauseKind.LINK_FAILURE: "the link {component} failed",
    CauseKind.LINK_DEGRADED: "the link {component} lost packets",
    CauseKind.DEVICE_DEGRADED: "the device {component} lost packets",
    CauseKind.OVERLOAD: "{component} was overloaded",
    CauseKind.ROUTING_FAILURE: "routing at {component} failed",
    CauseKind.MISCONFIGURATION: "{component} was misconfigured",
    CauseKind.UNAUTHORISED_OPERATION: "{component} was operated on without the other side's consent",
    CauseKind.CONSENTED_OPERATION: "{component} was operated on with the other side's consent",
    CauseKind.ENFORCEMENT_ACTION: "the provider restricted the service at {component}",
    CauseKind.ATTACK: "{component} was involved in an attack",
    CauseKind.HOST_FAILURE: "the host {component} failed",
    CauseKind.MAINTENANCE: "{component} was under maintenance",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of a summary and the labels of a table in one language."""

    parties: Mapping[Party, str]
    causes: Mapping[CauseKind, str]
    headings: Mapping[Party, str]
    interrupted: str = "The service was interrupted or degraded for {seconds} from {start} because {cause}."
    answers: str = "By clause {clause} of the {document}, {party} answers for it (probability {probability})."
    answers_without_clause: str = "For it, {party} answers (probability {probability})."
    answers_shared: str = "By the {document}, each party answers for its own part (probability {probability})."
    unexplained: str = "a cause that the evidence does not name"
    then: str = ", then "
    share: str = "{cause} ({party}, clause {clause}, {seconds})"
    no_interruption: str = (
        "The evidence shows no interruption of the service in the reported time, "
        "so neither party has one to answer for (probability {probability})."
    )
    nobodys: str = (
        "The service was interrupted or degraded for {seconds} from {start}, "
        "by nothing that either party answers for (probability {probability})."
    )
    undetermined: str = (
        "The evidence does not settle who is responsible: the most probable party is {party}, "
        "with a probability of only {probability}."
    )
    would_settle: str = "It would help most to have {what}."
    files_read: str = "{files} files; warnings on {places} places"


@dataclass(frozen=True, slots=True)
class ExplanationWording:
    """The headings and sentences of an explanation in one language."""

    why: str = "Why"
    why_not: str = "Why not {party} ({probability})"
    it_would_take: str = "It would take"
    against_it: str = "Against it"
    for_it: str = "For it"
    nothing_against: str = "no evidence tells it from the explanation above"
    not_both: str = "no explanation with root causes on both sides is probable enough to be shown"
    interrupted: str = "the service's own traffic was lost for {seconds}, so there is something to answer for"
    no_interruption: str = "no interruption was found in what was measured, so there is nothing to answer for"
    what_would_change_it: str = "What would change it"
    rests_on: str = "Rests on"
    without: str = "without {file}: {answer}"
    the_same: str = "the same, {probability}"
    settled: str = "nothing that could still be had is expected to change it"
    left_aside: str = "With and without {names}"
    with_all: str = "with everything"
    with_less: str = "without it"
    files_left_aside: str = "Left aside"
    whole_files: str = "{files} of {all} files: {names}"
    single_places: str = "what is cited at {places}"
    changed: str = "Changed"
    unchanged: str = "nothing but the probability"
    nothing: str = "nothing"


EXPLAINING = ExplanationWording()

ENGLISH = Wording(
    parties=ENGLISH_PARTIES,
    causes=ENGLISH_CAUSES,
    headings={
        Party.CUSTOMER: "The customer is responsible",
        Party.PROVIDER: "The provider is responsible",
        Party.SHARED: "Both parties are responsible",
        Party.NEITHER: "Neither party is responsible",
        Party.UNDETERMINED: "Undetermined",
    },
)


LANGUAGES = {"en": (ENGLISH, EXPLAINING)}


def percent(probability: float) -> str:
    """A probability for reading; near certainty never rounds up to certainty."""
    if 0.995 <= probability < 1.0:
        return "> 99 %"
    if 0.0 < probability <= 0.005:
        return "< 1 %"
    return f"{round(probability * 100)} %"
