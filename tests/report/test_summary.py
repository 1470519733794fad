"""The summary is sentences that a customer can be sent as they stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.model.verdict import CauseKind, Fact, Party
from attribution.report import summarise
from attribution.report.wording import CHINESE, ENGLISH, percent
from tests.report.verdicts import CORE, HEALTHY, SETTLED, SHARED, UNDETERMINED, UNMEASURED


def test_a_settled_case() -> None:
    assert summarise(SETTLED) == (
        "The service was interrupted or degraded for 87.0 s from 2026-11-23 10:00:30 UTC because the device ce1 "
        "failed. By clause 4.2(2) of the Tencent Cloud Cross-region Connection Service Agreement, the customer answers "
        "for it (probability 97 %)."
    )


def test_both_sides() -> None:
    assert summarise(SHARED) == (
        "The service was interrupted or degraded for 87.0 s from 2026-11-23 10:00:30 UTC because the device ce1 "
        "failed (the customer, clause 4.2(2), 60.0 s), then the device p1 failed (the provider, clause 4.2, 27.0 s). "
        "By the Tencent Cloud Cross-region Connection Service Agreement, each party answers for its own part "
        "(probability 97 %)."
    )


def test_an_immaterial_cause_of_the_other_side_is_not_blamed() -> None:
    summary = summarise(replace(SETTLED, causes=(*SETTLED.causes, replace(CORE, seconds=0.5))))

    assert "p1" not in summary


def test_a_cause_that_is_as_likely_not_it_is_not_told_as_what_happened() -> None:
    """Whose fault it is may be sure where it is not which of that side's devices failed."""
    first, *others = SETTLED.causes
    unsure = replace(SETTLED, causes=(replace(first, probability=0.25), *others))
    english = summarise(unsure)
    assert "because the device ce1 failed, which is only the most probable of several causes (25 %)." in english
    assert "仅为多种可能原因中最可能的一种，25%" in summarise(unsure, CHINESE)


def test_a_device_whose_address_another_took_is_not_said_to_be_misconfigured() -> None:
    first, *others = SETTLED.causes
    taken = replace(first, kind=CauseKind.MISCONFIGURATION, facts=frozenset({Fact.ADDRESS_TAKEN}))
    told = replace(SETTLED, causes=(taken, *others))
    assert "because another device used the address of ce1." in summarise(told)
    assert "另一设备占用了 ce1 的地址" in summarise(told, CHINESE)


def test_who_answers_for_work_that_the_other_side_had_agreed_to_is_said_with_that() -> None:
    first, *others = SETTLED.causes
    work = replace(first, kind=CauseKind.MAINTENANCE)
    agreed = replace(work, facts=frozenset({Fact.CONSENTED}))

    assert "because ce1 was under maintenance." in summarise(replace(SETTLED, causes=(work, *others)))
    told = replace(SETTLED, causes=(agreed, *others))
    assert "because ce1 was under maintenance to which the other side had agreed." in summarise(told)
    assert "ce1 处于经对方同意的维护中" in summarise(told, CHINESE)


def test_nothing_happened() -> None:
    assert summarise(HEALTHY).startswith("The evidence shows no interruption of the service in the reported time")


def test_an_open_case_names_what_would_settle_it() -> None:
    assert summarise(UNDETERMINED) == (
        "The evidence does not settle who is responsible: the most probable party is the customer, with a probability "
        "of only 60 %. It would help most to have the power log of ce1."
    )


def test_of_two_that_are_equally_probable_neither_is_called_the_most_probable() -> None:
    even = replace(UNDETERMINED, parties={"customer": 0.495, "provider": 0.505}, probability=0.505, requests=())
    assert summarise(even).endswith("the customer and the provider are about equally probable, with 50 % each.")


def test_where_nothing_was_measured_it_is_not_said_that_nothing_happened() -> None:
    assert summarise(UNMEASURED) == (
        "What was handed in does not show whether the service was interrupted in the reported time, let alone who "
        "answers for it. It would help most to have the power log of ce1."
    )


def test_an_open_case_without_requests() -> None:
    assert summarise(replace(UNDETERMINED, requests=())).endswith("of only 60 %.")


def test_every_party_and_kind_has_its_words() -> None:
    assert set(ENGLISH.causes) == set(CauseKind)
    assert set(ENGLISH.parties) == set(ENGLISH.headings) == set(Party)
    assert all("{component}" in words for words in ENGLISH.causes.values())


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.97, "97 %"), (0.999, "> 99 %"), (1.0, "100 %"), (0.0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %")],
)
def test_near_certainty_is_not_certainty(probability: float, text: str) -> None:
    assert percent(probability) == text
