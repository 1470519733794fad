"""Every sentence of the program has its Chinese one, with the same values in it; nothing is said half."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import attribution
from attribution.dossier.wording import TEMPLATES
from attribution.errors import RuleError
from attribution.model.phrase import Phrase, all_of, any_of, in_a_row
from attribution.model.verdict import CauseKind, Party, Verdict
from attribution.report import render_explanation, render_table, summarise
from attribution.report.languages import check_fields, fields_of, phrases_of, say, say_place
from attribution.report.topology_wording import TOPOLOGY_WORDINGS
from attribution.report.wording import CHINESE, CHINESE_EXPLAINING, ENGLISH, EXPLAINING
from tests.report.test_explanation import EXPLAINED
from tests.report.verdicts import EVERY_VERDICT, SETTLED, SHARED, UNDETERMINED

PACKAGE = Path(attribution.__file__).parent
CHINESE_LETTER = re.compile(r"[\u4e00-\u9fff]")
PROPER_NAMES = {"BGP NOTIFICATION"}


def literal_templates() -> Iterator[str]:
    """What stands in `Phrase("…")` and `Template("…")` anywhere in the package."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("Phrase", "Template")
            ):
                match node.args:
                    case [ast.Constant(value=str(text)), *_]:
                        yield text


SAID = frozenset(literal_templates()) | frozenset(TEMPLATES)


def test_every_sentence_has_a_chinese_one() -> None:
    assert SAID - phrases_of("zh").keys() == set()


def test_no_chinese_sentence_is_left_over() -> None:
    assert phrases_of("zh").keys() - SAID == set()


@pytest.mark.parametrize("english", sorted(SAID))
def test_both_say_the_same_values(english: str) -> None:
    assert fields_of(phrases_of("zh").get(english, "")) == fields_of(english)


def test_chinese_is_chinese_with_its_own_punctuation() -> None:
    for english, chinese in phrases_of("zh").items():
        outside = re.sub(r"\{[^}]*\}", "", chinese)
        if (
            chinese != english
            and chinese not in PROPER_NAMES
            and re.search(r"[a-z]{4}", re.sub(r"\{[^}]*\}", "", english))
        ):
            assert CHINESE_LETTER.search(outside), english
        assert not re.search(r"[\u4e00-\u9fff][,;:!?()]|[,;:!?()][\u4e00-\u9fff]", outside), chinese
        assert "服务商" not in outside, chinese


def test_an_entry_with_other_values_is_refused() -> None:
    with pytest.raises(RuleError, match="expected count"):
        check_fields({"{count} sources": "{number} 个源"}, "zh.toml")


def test_a_phrase_is_said_with_its_values_said_too() -> None:
    lost = Phrase("{lost} of {sent} {subject} were lost", lost=3, sent=45, subject=Phrase(
        "{protocol} probes from {source} to {destination}", protocol="icmp", source="a", destination="b"))  # fmt: skip

    assert say(lost, "zh") == "a 到 b 的 icmp 探测报文共 45 个，丢失 3 个"
    assert say(lost) == str(lost) == "3 of 45 icmp probes from a to b were lost"


def test_what_has_no_entry_is_said_in_english_with_its_values_said() -> None:
    assert say(Phrase("seen by {side}", side=Phrase("customer")), "zh") == "seen by 客户"


def test_values_are_never_taken_for_templates() -> None:
    assert "{x!r}" in say(Phrase("{device} logged: {text}", device="ce1", text="{x!r} {0}"), "zh")


def test_enumerations_have_the_languages_own_commas() -> None:
    assert in_a_row(["a", "b"]) == "a, b"
    assert say(in_a_row(["a", "b", Phrase("customer")]), "zh") == "a、b、客户"
    assert say(all_of(["a", "b", "c"]), "zh") == "a、b 和 c"
    assert (all_of([]), all_of(["a"]), any_of(["a", "b"])) == ("", "a", "a or b")


def test_phrases_survive_another_process() -> None:
    phrase = Phrase("{names} and {more} more", names=in_a_row(["a", "b"]), more=2)
    copy = pickle.loads(pickle.dumps(phrase))

    assert copy == phrase
    assert say(copy, "zh") == say(phrase, "zh") == "a、b 等，另有 2 个"


@pytest.mark.parametrize(
    ("locator", "said"),
    [("line 118", "第 118 行"), ("frame 12", "第 12 帧"), ("data.result[3]", "data.result[3]"), ("hop 3", "hop 3")],
)
def test_places_are_said_in_the_languages_order(locator: str, said: str) -> None:
    assert say_place(locator, "zh") == said
    assert say_place(locator) == locator


@pytest.mark.parametrize(
    ("english", "chinese"),
    [(ENGLISH, CHINESE), (EXPLAINING, CHINESE_EXPLAINING), (TOPOLOGY_WORDINGS["en"], TOPOLOGY_WORDINGS["zh"])],
)
def test_no_label_is_left_in_english(english: object, chinese: object) -> None:
    for field in fields(english):  # type: ignore[arg-type]
        own, other = getattr(english, field.name), getattr(chinese, field.name)
        if isinstance(own, str) and re.search(r"[A-Za-z]{2}", re.sub(r"\{[^}]*\}|bit/s", "", own)):
            assert own != other, field.name
            assert fields_of(own) == fields_of(other), field.name


def test_every_party_and_kind_has_its_chinese_words() -> None:
    assert set(CHINESE.causes) == set(CauseKind)
    assert set(CHINESE.parties) == set(CHINESE.headings) == set(Party)
    assert set(CHINESE.names) == set(ENGLISH.names)
    assert all("{component}" in words for words in CHINESE.causes.values())


def test_a_chinese_summary_can_be_sent_as_it_stands() -> None:
    assert summarise(SETTLED, CHINESE) == (
        "业务自 2026-11-23 10:00:30 UTC 起中断或劣化 87.0 秒，原因是设备 ce1 故障。"
        f"根据《{SETTLED.provisions[0].document_zh}》第 4.2(2) 条，由客户承担责任（概率 97%）。"
    )
    assert "随后设备 p1 故障（腾讯云，第 4.2 条，27.0 秒）" in summarise(SHARED, CHINESE)


@pytest.mark.parametrize("verdict", EVERY_VERDICT, ids=lambda verdict: verdict.party.value)
def test_a_chinese_table_speaks_chinese(verdict: Verdict) -> None:
    table = render_table(verdict, wording=CHINESE)

    for english in ("Interruption", "Seconds", "Parties", "Evidence", "against", "Ask for", "Read", "Warnings"):
        assert english not in table


def test_a_chinese_table_quotes_the_chinese_clause() -> None:
    assert SETTLED.provisions[0].text_zh in render_table(SETTLED, wording=CHINESE, width=120).replace("\n", "").replace(
        " ", ""
    )


def test_a_chinese_explanation_speaks_chinese() -> None:
    told = render_explanation(EXPLAINED, 100, False, CHINESE, CHINESE_EXPLAINING)

    for english in ("Why", "It would take", "Against it", "party", "clause", "probability", "Changed"):
        assert english not in told


def test_an_open_case_says_between_whom_and_whom_to_ask() -> None:
    table = re.sub(r"\s+", " ", render_table(UNDETERMINED))

    assert "Undecided between the customer (60 %) and the provider" in table
    assert "the power log of ce1 — from the customer: it would tell a crash from a shutdown" in table
    assert "It would help most" not in table
