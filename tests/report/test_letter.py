"""The letter tells the customer what is known, whose it is by which clause and how sure, and nothing of others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.model.dossier import Dossier, EntryKind
from attribution.model.phrase import Phrase
from attribution.model.topology import Side
from attribution.model.verdict import CauseKind, Party, Verdict
from attribution.report import render_letter
from attribution.report.wording import LANGUAGES
from attribution.responsibility import load_agreement
from tests.report.dossiers import EVERY_DOSSIER, HOSTILE_DOSSIER, PROVIDER_ANSWERS, dossier, entry
from tests.report.rendered_markdown import rendered
from tests.report.verdicts import CRASH, HEALTHY, SETTLED, SHARED, UNDETERMINED, UNMEASURED, evidence

APOLOGY = "We apologise for this interruption."
languages = pytest.mark.parametrize("lang", sorted(LANGUAGES))
every_dossier = pytest.mark.parametrize("decided", EVERY_DOSSIER, ids=lambda decided: decided.verdict.party.value)


def letter(verdict: Verdict, lang: str = "en") -> str:
    return rendered(render_letter(dossier(verdict), lang)).shown


def test_where_the_customer_answers_the_clause_is_quoted_and_nobody_apologises() -> None:
    text = letter(SETTLED)

    assert "The cause was on your side: the device ce1 failed." in text
    assert "Clause 4.2(2) of the Tencent Cloud Cross-region Connection Service Agreement places this with you:" in text
    assert "“A failure of your self-owned device or a third-party device”" in text
    assert "apologise" not in text


def test_where_the_provider_answers_it_apologises_plainly_and_once() -> None:
    text = letter(PROVIDER_ANSWERS)

    assert "The cause was on our side" in text
    assert text.count(APOLOGY) == 1
    assert "places this with us" in text


def test_where_both_answer_each_part_has_its_seconds_and_clause() -> None:
    text = letter(SHARED)

    assert "on your side, the device ce1 failed (60.0 seconds), then on our side, the device p1 failed" in text
    assert "Your part falls under its clause 4.2(2)" in text
    assert "Our part falls under its clause 4.2:" in text


def test_where_nothing_is_settled_nobody_is_accused_and_the_questions_are_put() -> None:
    text = letter(UNDETERMINED)

    assert "On whose side the cause lay, the records do not settle." in text
    assert "60 %" in text
    assert "we ask you for:\n\nthe power log of ce1" in text
    assert "The cause was" not in text
    assert "clause" not in text.lower()


def test_where_no_interruption_was_found_the_customer_is_not_called_a_liar() -> None:
    text = letter(HEALTHY)

    assert "we found no interruption of the service" in text
    assert "You may well have seen something that these measurements do not cover." in text


def test_where_nothing_was_measured_it_is_not_said_whose_it_is_more_likely_to_have_been() -> None:
    text = letter(UNMEASURED)

    assert "The records that we have do not show whether the service was interrupted in that time." in text
    assert "yours" not in text
    assert "we ask you for:\n\nthe power log of ce1" in text


@pytest.mark.parametrize("verdict", [SETTLED, PROVIDER_ANSWERS, SHARED])
def test_it_says_how_sure_it_is_and_how_to_disagree(verdict: Verdict) -> None:
    text = letter(verdict)

    assert "with a probability of 97 %" in text
    assert "of 968 of which it was about as sure, it found the right one in 98 % of cases" in text
    assert "If you see it differently, please tell us why" in text


def test_the_customers_evidence_is_cited_by_file_and_the_providers_by_what_it_says() -> None:
    theirs = replace(
        evidence("e1", 3.0, "40 of 40 probes were lost"), supplied_by=Side.CUSTOMER, file="their/probes.csv"
    )
    ours = replace(evidence("e2", 2.0, "pe1 was polled down 7 times"), file="internal/pe1.csv")
    text = letter(replace(SETTLED, evidence=(theirs, ours)))

    assert "from your their/probes.csv, line 118: 40 of 40 probes were lost" in text
    assert "from our records, 2026-11-23 10:00:31 UTC: pe1 was polled down 7 times" in text
    assert "internal/pe1.csv" not in text


def test_a_raw_line_of_the_providers_log_stays_with_the_provider() -> None:
    raw = evidence("e7", 3.0, "pe1 logged: %BGP-5-ADJCHANGE: neighbor 10.9.9.9 (another-customer) Down")
    typed = evidence("e2", 2.0, "p1 logged what jdoe typed: shutdown")
    text = letter(replace(PROVIDER_ANSWERS, evidence=(raw, typed)))

    assert "the log of our pe1 reports it" in text
    assert "another-customer" not in text
    assert "jdoe" not in text


def test_what_a_log_line_means_is_said_in_our_own_words() -> None:
    raw = evidence("e1", 3.0, "pe1 logged: %%01IFNET/2/linkDown_active(l):CID=0x807a0404 (mainIfname=customer-x)")
    theirs = replace(evidence("e2", 2.0, "ce1 logged: <5>%LINK-3-UPDOWN"), supplied_by=Side.CUSTOMER)
    typed = evidence("e3", 2.0, "p1 logged what jdoe typed: shutdown")
    told = (
        entry(1, 1, EntryKind.ALARM, "pe1: GE1/0/1 went down", evidence="e1"),
        entry(2, 2, EntryKind.ALARM, "ce1: eth0 went down", evidence="e2"),
        entry(2, 2, EntryKind.OPERATION, "jdoe typed on p1: shutdown", evidence="e3"),
    )
    known = replace(dossier(replace(PROVIDER_ANSWERS, evidence=(raw, theirs, typed))), timeline=told)
    text = rendered(render_letter(known)).shown

    assert "from our records, 2026-11-23 10:00:31 UTC: pe1: GE1/0/1 went down" in text
    assert "line 118: ce1: eth0 went down" in text
    assert "a command was entered on our p1" in text
    assert not {word for word in ("customer-x", "jdoe", "IFNET") if word in text}


def test_a_point_that_nobody_owns_is_named_only_where_it_is_likelier_than_not() -> None:
    nobodys = replace(CRASH, component="ce1--pe1", kind=CauseKind.LINK_FAILURE, side=None, clause=None)
    likely, unlikely = (replace(UNDETERMINED, causes=(replace(nobodys, probability=p),)) for p in (0.7, 0.3))

    assert "The likeliest explanation is that the link ce1--pe1 failed, at a point" in letter(likely)
    assert "ce1--pe1" not in letter(unlikely)


def test_the_service_level_counts_only_what_is_the_providers() -> None:
    ours = replace(SETTLED.service_level, minutes_by_party={"customer": 0, "provider": 1})  # type: ignore[type-var]

    assert "whole minutes" not in letter(SETTLED)
    counted = letter(replace(PROVIDER_ANSWERS, service_level=ours))
    assert "the Cloud Connect Network Service Level Agreement, 1 whole minutes" in counted


@languages
@every_dossier
def test_it_is_half_a_page(decided: Dossier, lang: str) -> None:
    text = rendered(render_letter(decided, lang)).shown

    assert len(text.split()) < 330
    assert len(text) < 2300


def test_the_chinese_letter_greets_and_signs_as_letters_do() -> None:
    text = letter(PROVIDER_ANSWERS, "zh")

    assert "尊敬的客户：" in text
    assert "依据《腾讯云跨地域互联服务协议》第 4.2 条：“腾讯云公司仅对腾讯云服务本身提供运营维护”" in text
    assert "深表歉意" in text
    assert text.endswith("腾讯云")


@languages
def test_what_evidence_says_is_never_obeyed(lang: str) -> None:
    page = rendered(render_letter(HOSTILE_DOSSIER, lang))

    assert set(page.tags) <= {"p", "strong", "ul", "li", "code"}


def test_a_paragraph_without_a_number_is_cited_by_its_section() -> None:
    late = load_agreement("tencent-cross-region-connection").provision("3.2(late-payment)")
    text = letter(replace(SETTLED, clause=late.id, provisions=(late,)))

    assert "Clause 3.2 of the Tencent Cloud" in text
    assert "late-payment" not in text


def test_in_chinese_what_is_asked_for_is_said_in_chinese() -> None:
    asked = replace(UNDETERMINED.requests[0], what=Phrase("{first} and {last}", first="x", last="y"))

    assert "x 和 y" in letter(replace(UNDETERMINED, requests=(asked,)), "zh")


def test_of_nobodys_interruption_it_says_so() -> None:
    verdict = replace(SETTLED, party=Party.NEITHER, clause=None, causes=(), probability=0.9)

    assert "nothing there that you or we answer for (probability 90 %)" in letter(verdict)
