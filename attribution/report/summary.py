"""The verdict in sentences that a customer can be sent as they stand."""

from __future__ import annotations

from attribution.model.verdict import Cause, CauseKind, Fact, Party, Request, Verdict
from attribution.report.languages import say
from attribution.report.moment import render_moment
from attribution.report.wording import ENGLISH, Wording

AS_LIKELY_AS_NOT = 0.5
# Probabilities that differ by less are told as equal.
ALIKE = 0.02


def summarise(verdict: Verdict, wording: Wording = ENGLISH) -> str:
    """What happened, for how long, who answers and by which clause; or why that cannot be said.

    `verdict.summary` is the English one, made when the incident was decided.
    """
    probability = wording.likelihood(verdict.probability)
    if verdict.party is Party.UNDETERMINED:
        said = what_is_open(verdict, wording)
        wishes = [_would_settle(request, wording) for request in verdict.requests[:1]]
        return wording.between_sentences.join([said, *wishes])
    if verdict.party is Party.NEITHER:
        template = wording.nobodys if verdict.interruption.intervals else wording.no_interruption
        return template.format(seconds=_seconds(verdict, wording), start=_start(verdict), probability=probability)
    happened = wording.interrupted.format(
        seconds=_seconds(verdict, wording), start=_start(verdict), cause=_causes(verdict, wording)
    )
    return wording.between_sentences.join([happened, _answer(verdict, wording, probability)])


def what_is_open(verdict: Verdict, wording: Wording) -> str:
    """Of a verdict that names nobody: who is the most probable, and how little; or that nothing was measured."""
    if verdict.interruption.is_open:
        return wording.unmeasured
    ranked = sorted(verdict.parties, key=lambda party: -verdict.parties[party]) or [Party.UNDETERMINED.value]
    best = ranked[0]
    if len(ranked) > 1 and verdict.parties[best] - verdict.parties[ranked[1]] < ALIKE:
        both = (wording.parties[Party(party)] for party in sorted(ranked[:2]))
        return wording.even.format(parties=wording.and_.join(both), probability=wording.likelihood(verdict.probability))
    return wording.undetermined.format(
        party=wording.parties[Party(best)], probability=wording.likelihood(verdict.probability)
    )


def _would_settle(request: Request, wording: Wording) -> str:
    return wording.would_settle.format(what=say(request.what, wording.language).rstrip(". 。"))


def _causes(verdict: Verdict, wording: Wording) -> str:
    """The root causes in order of onset; with their parties and seconds where both sides answer."""
    roots = [cause for cause in verdict.causes if cause.caused_by is None]
    if not roots:
        return wording.unexplained
    if verdict.party is not Party.SHARED:
        own = [cause for cause in roots if cause.side is not None and cause.side.value == verdict.party.value]
        return wording.then.join(tell_cause(cause, wording) for cause in own or roots)
    return wording.then.join(_share(cause, wording) for cause in roots)


def _share(cause: Cause, wording: Wording) -> str:
    party = Party.UNDETERMINED if cause.side is None else Party(cause.side.value)
    return wording.share.format(
        cause=tell_cause(cause, wording),
        party=wording.parties[party],
        clause=cause.clause,
        seconds=wording.duration(cause.seconds),
    )


def describe_cause(cause: Cause, wording: Wording = ENGLISH) -> str:
    """What happened to which component, as a clause of a sentence."""
    told = wording.causes[cause.kind]
    if Fact.ADDRESS_TAKEN in cause.facts:
        told = wording.address_taken
    elif cause.kind is CauseKind.MAINTENANCE and Fact.CONSENTED in cause.facts:
        told = wording.agreed_maintenance
    return told.format(component=cause.component)


def tell_cause(cause: Cause, wording: Wording = ENGLISH) -> str:
    """The same in a sentence that gives no probabilities of causes besides: one that is as likely not it says so.

    Which side answers may be sure where it is not which of that side's components failed, or how.
    """
    described = describe_cause(cause, wording)
    if cause.probability >= AS_LIKELY_AS_NOT:
        return described
    return wording.perhaps.format(cause=described, probability=wording.likelihood(cause.probability))


def _answer(verdict: Verdict, wording: Wording, probability: str) -> str:
    documents = [wording.document(provision) for provision in verdict.provisions if provision.id == verdict.clause]
    if not documents:
        template = wording.answers_without_clause
    else:
        template = wording.answers_shared if verdict.party is Party.SHARED else wording.answers
    return template.format(
        clause=verdict.clause,
        document="".join(documents),
        party=wording.parties[verdict.party],
        probability=probability,
    )


def _seconds(verdict: Verdict, wording: Wording) -> str:
    return wording.duration(verdict.interruption.seconds)


def _start(verdict: Verdict) -> str:
    intervals = verdict.interruption.intervals
    return render_moment(min(interval.start_ns for interval in intervals)) if intervals else ""
