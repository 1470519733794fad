"""truth.yaml: what really happened in a labelled incident, checked key by key."""

from __future__ import annotations

from attribution.errors import BundleError
from attribution.model.evaluation import TrueCause, Truth
from attribution.model.incident import Interval
from attribution.model.topology import Side
from attribution.model.verdict import CauseKind, Party
from attribution.readers.values import Value, read_yaml

TRUTH_KEYS = ("schema", "party", "clause", "causes", "original_party", "original_clause", "told")
CAUSE_KEYS = ("component", "kind", "side", "start", "end", "admissible_components", "admissible_kinds")
NAMELESS = (Party.NEITHER, Party.UNDETERMINED)


def read_truth(content: bytes, file: str) -> Truth:
    """The label of an incident. Errors: BundleError with line, key, what was found and what would have been right."""
    document = read_yaml(content, file, BundleError)
    document.only(TRUTH_KEYS)
    version = document.required("schema")
    if version.data != "1":
        raise version.wrong("1, the only schema version there is")
    party = document.required("party").choice(Party)
    clauses = _clauses(document.member("clause"))
    if bool(clauses) is (party in NAMELESS):
        expected = "null, as the party is no side's" if clauses else "the clause by which the party answers"
        raise document.member("clause").wrong(expected)
    causes = tuple(_cause(item) for item in document.required("causes").items("a list of the true causes"))
    if not causes and party in (Party.CUSTOMER, Party.PROVIDER, Party.SHARED):
        raise document.member("causes").wrong("at least one cause, as a party answers")
    return Truth(party, clauses, tuple(sorted(causes, key=lambda cause: cause.interval.start_ns)))


def _clauses(value: Value) -> tuple[str, ...]:
    if value.data is None:
        return ()
    if isinstance(value.data, list):
        return tuple(item.text("a clause") for item in value.items())
    return (value.text("a clause, or a list of them"),)


def _cause(value: Value) -> TrueCause:
    value.only(CAUSE_KEYS)
    start, end = value.required("start"), value.required("end")
    interval = Interval(start.time(), end.time())
    if interval.end_ns < interval.start_ns:
        raise end.wrong("a time no earlier than start")
    side = value.optional("side")
    others, kinds = value.optional("admissible_components"), value.optional("admissible_kinds")
    return TrueCause(
        component=value.required("component").text(),
        kind=value.required("kind").choice(CauseKind),
        side=side.choice(Side) if side is not None else None,
        interval=interval,
        admissible_components=tuple(item.text() for item in others.items()) if others is not None else (),
        admissible_kinds=tuple(item.choice(CauseKind) for item in kinds.items()) if kinds is not None else (),
    )
