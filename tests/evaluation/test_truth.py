"""A label is read as the contract states it, and what breaks the contract is said with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import AttributionError, BundleError
from attribution.evaluation.truth import read_truth
from attribution.model.incident import NANOSECONDS
from attribution.model.topology import Side
from attribution.model.verdict import CauseKind, Party

LABEL = """schema: 1
party: shared
clause: [4.2, 4.2(1)]
causes:
- component: ce1--sw1
  kind: link_failure
  side: customer
  start: 2026-11-23T10:02:00Z
  end: 1795428150.5
- component: ce1--pe1#2
  kind: overload
  side: null
  start: 2026-11-23T10:01:00Z
  end: 2026-11-23T10:01:30Z
  admissible_components: [ce1, pe1]
  admissible_kinds: [link_degraded]
"""


def read(text: str) -> object:
    return read_truth(text.encode(), "truth.yaml")


def test_everything_that_a_label_says_is_read() -> None:
    truth = read_truth(LABEL.encode(), "truth.yaml")
    first, second = truth.causes

    assert (truth.party, truth.clauses) == (Party.SHARED, ("4.2", "4.2(1)"))
    assert (first.component, first.side, first.components) == (
        "ce1--pe1#2",
        None,
        frozenset({"ce1--pe1#2", "ce1", "pe1"}),
    )
    assert first.kinds == {CauseKind.OVERLOAD, CauseKind.LINK_DEGRADED}
    assert (second.component, second.side, second.kinds) == (
        "ce1--sw1",
        Side.CUSTOMER,
        frozenset({CauseKind.LINK_FAILURE}),
    )
    assert second.interval.end_ns == 1_795_428_150_500_000_000


def test_the_causes_stand_in_order_of_onset_whatever_the_order_in_the_file() -> None:
    starts = [cause.interval.start_ns // NANOSECONDS for cause in read_truth(LABEL.encode(), "truth.yaml").causes]

    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: 1", "schema: 2", "truth.yaml:1: schema: found '2'; expected 1"),
        ("party: shared", "party: custmer", "is 'customer' meant?"),
        ("party: shared", "partei: shared", "unknown key 'partei'"),
        ("party: shared", "party: neither", "expected null, as the party is no side's"),
        ("clause: [4.2, 4.2(1)]", "clause: null", "expected the clause by which the party answers"),
        ("  kind: overload", "  kind: overlod", "is 'overload' meant?"),
        ("  side: customer", "  side: tenant", "truth.yaml:7"),
        ("  end: 1795428150.5", "  end: 2026-11-23T10:01:00Z", "expected a time no earlier than start"),
        ("2026-11-23T10:02:00Z", "yesterday", "expected RFC 3339 with a zone"),
        ("- component: ce1--sw1", "- komponent: ce1--sw1", "unknown key 'komponent'"),
    ],
)
def test_what_breaks_the_contract_is_said(old: str, new: str, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        read(LABEL.replace(old, new, 1))
    assert message in str(caught.value)


def test_a_party_that_answers_has_a_cause() -> None:
    with pytest.raises(BundleError, match="at least one cause"):
        read("schema: 1\nparty: customer\nclause: 4.2(2)\ncauses: []\n")


def test_nobody_needs_no_cause() -> None:
    truth = read_truth(b"schema: 1\nparty: neither\nclause: null\ncauses: []\n", "truth.yaml")

    assert (truth.decidable, truth.blamed, truth.actual_party) == (True, False, Party.NEITHER)


@pytest.mark.parametrize(
    ("sides", "actual"),
    [
        (["customer", "customer"], Party.CUSTOMER),
        (["provider"], Party.PROVIDER),
        (["customer", "provider"], Party.SHARED),
        (["customer", "null"], None),
        ([], None),
    ],
)
def test_an_undecidable_case_still_tells_who_really_answers(sides: list[str], actual: Party | None) -> None:
    causes = "".join(
        f"\n- {{component: c{n}, kind: overload, side: {side}, start: 10, end: 20}}" for n, side in enumerate(sides)
    )
    truth = read_truth(f"schema: 1\nparty: undetermined\nclause: null\ncauses: {causes or '[]'}\n".encode(), "t")

    assert (truth.actual_party, truth.decidable, truth.blamed) == (actual, False, False)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: (LABEL + text).encode()))
def test_any_content_is_read_or_refused_with_words(content: bytes) -> None:
    try:
        read_truth(content, "truth.yaml")
    except AttributionError as error:
        assert str(error).startswith("truth.yaml")
