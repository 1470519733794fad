"""What papers say about the causes of a verdict beside what it rests on: what was agreed, and what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attribution.inference.asking import name_moment, name_span
from attribution.inference.timeliness import CHANGE_SLACK_S, CLOUD_BEFORE_S
from attribution.model.evidence import Condition, Record, RecordKind
from attribution.model.incident import NANOSECONDS
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase, Template
from attribution.model.verdict import Cause, CauseKind, Fact

# What goes on for longer than this beyond what was agreed has overrun it (seconds).
OVERRUN_S = 60.0
# Work that was agreed so long before or after (seconds) may be what was meant, done at another time.
ANOTHER_TIME_S = 86_400.0
OVERRUN = Template(
    "what was agreed for {component} ended {seconds:.0f} s before the trouble that was rooted there did: nobody agreed "
    "to the rest"
)
WITHIN = Template(
    "the trouble that was rooted at {component} lay wholly within the time for which the other side had agreed to the "
    "work there"
)
ANOTHER_TIME = Template("what was agreed for {component} was to be done {span}; it was done at {time} UTC")
ANOTHER_PLACE = Template("what was agreed for that time was to be done on {place}; it was done on {component}")
NOTICED = Template(
    "notice of attacks on {component} had been given before this one: {count} times, the last time {days:.0f} days "
    "before"
)


TAKEN_FOR_THE_PROVIDER = Template(
    "account {account} is not the customer's: it was taken to be the provider's, which nobody has said"
)
WHOSE_ACCOUNT = Template(
    "account {account} is not the customer's, nor is what it changed: it may be another tenant's, or the provider's; "
    "ask whose it is"
)


def note_papers(causes: Sequence[Cause], records: Sequence[Record]) -> Iterator[Caveat]:
    """By how much acts outlasted what the other side had agreed to, or that they did not; what else it had agreed to,
    where it had not to them; and that notice had been given of attacks."""
    agreed = [r for r in records if r.kind is RecordKind.PLANNED_CHANGE and r.consent is Condition.MET]
    for cause in causes:
        if Fact.CLOUD_CALL in cause.facts:
            yield from _note_account(cause, records)
        if Fact.OPERATION in cause.facts:  # else it failed by itself, whatever work was agreed just then
            yield from _note_consent(cause, agreed)
        elif cause.kind is CauseKind.ATTACK and Fact.VIOLATION in cause.facts:
            yield from _note_notices(cause, records)


def _note_account(cause: Cause, records: Iterable[Record]) -> Iterator[Caveat]:
    """For whose an account was taken that is not the customer's."""
    reach = cause.interval.widened(CLOUD_BEFORE_S, 0.0)
    for record in records:
        if record.account is not None and record.component == cause.component and record.interval.overlaps(reach):
            words = WHOSE_ACCOUNT if record.stranger else TAKEN_FOR_THE_PROVIDER
            yield _caveat(record, words.fill(account=record.account))


def _note_consent(cause: Cause, agreed: Iterable[Record]) -> Iterator[Caveat]:
    own = [r for r in agreed if r.component == cause.component]
    last = max(
        (r for r in own if r.interval.overlaps(cause.interval)), key=lambda record: record.interval.end_ns, default=None
    )
    if last is not None:
        beyond_s = (cause.interval.end_ns - max(last.interval.end_ns, cause.interval.start_ns)) / NANOSECONDS
        if beyond_s >= OVERRUN_S:
            yield _caveat(last, OVERRUN.fill(component=cause.component, seconds=beyond_s))
        elif Fact.CONSENTED in cause.facts and _is_within(cause, last):
            yield _caveat(last, WITHIN.fill(component=cause.component))
    if Fact.CONSENTED not in cause.facts:
        for record in agreed:
            if record.actor is cause.actor:
                yield from _note_another(cause, record)


def _is_within(cause: Cause, agreed: Record) -> bool:
    return agreed.interval.widened(CHANGE_SLACK_S, OVERRUN_S).contains(cause.interval.start_ns) and (
        cause.interval.end_ns < agreed.interval.end_ns + OVERRUN_S * NANOSECONDS
    )


def _note_another(cause: Cause, agreed: Record) -> Iterator[Caveat]:
    """What was agreed for the same device at another time of about that day, or for another place at that time."""
    done_ns = cause.interval.start_ns
    if agreed.interval.contains(done_ns):
        yield _caveat(agreed, ANOTHER_PLACE.fill(place=agreed.link or agreed.component, component=cause.component))
    elif (
        agreed.component == cause.component
        and agreed.interval.widened(ANOTHER_TIME_S, ANOTHER_TIME_S).contains(done_ns)
    ):
        told = {"component": cause.component, "span": name_span(agreed.interval), "time": name_moment(done_ns)}
        yield _caveat(agreed, ANOTHER_TIME.fill(**told))


def _note_notices(cause: Cause, records: Iterable[Record]) -> Iterator[Caveat]:
    given = [
        record
        for record in records
        if record.kind is RecordKind.VIOLATION
        and record.component in (None, cause.component)
        and record.interval.end_ns <= cause.interval.start_ns
    ]
    if given:
        last = max(given, key=lambda record: record.interval.start_ns)
        days = (cause.interval.start_ns - last.interval.start_ns) / NANOSECONDS / 86_400
        yield _caveat(last, NOTICED.fill(component=cause.component, count=len(given), days=days))


def _caveat(record: Record, reason: Phrase) -> Caveat:
    return Caveat(record.citation.origin.file, record.citation.locator, reason)
