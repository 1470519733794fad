"""Text is wrapped by what a character really occupies, and shown instead of obeyed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.report.layout import Page, escape, width_of, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain — text, 中文", "plain — text, 中文"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\tb\nc", "a\\tb\\nc"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("\udc80", "\\udc80"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("中文", 4), ("e\u0301", 1), ("", 0)])
def test_columns_of_a_text(text: str, columns: int) -> None:
    assert width_of(text) == columns


@given(st.text(), st.integers(2, 40))
def test_wrapping_keeps_every_word_and_the_width(text: str, width: int) -> None:
    shown = escape(text)
    lines = wrap(shown, width)

    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")


@pytest.mark.parametrize(
    "character",
    ["\u200b", "\u200d", "\u200e", "\u2066", "\u2069", "\ufeff", "\u00ad", "\ufe0f", "\u115f", "\u3164", "\u2800",
     "\U000e0101", "\U000e0041", "\u2028", "\u0085", "\ue000"],
)  # fmt: skip
def test_what_is_not_to_be_seen_is_written_out(character: str) -> None:
    assert character not in escape(f"a{character}b")
    assert escape(f"a{character}b").isprintable()


def test_marks_heaped_on_a_letter_are_written_out_from_the_fourth_on() -> None:
    assert escape("e\u0301 ā\u0301") == "e\u0301 ā\u0301"
    assert escape("e" + "\u0301" * 500).count("\u0301") == 3


@pytest.mark.parametrize("width", [10, 11, 12, 13, 20])
def test_chinese_is_broken_anywhere_but_beside_its_punctuation(width: int) -> None:
    lines = wrap("根据《腾讯云跨地域互联服务协议》第 4.2(2) 条，由客户（腾讯云以外）承担责任：“自有设备”故障。", width)

    assert len(lines) > 2
    assert all(line[0] not in "。，、；：！？”』）》" for line in lines)
    assert all(line[-1] not in "（《“『" for line in lines)
    assert all(width_of(line) <= width for line in lines)


def test_chinese_fills_its_lines() -> None:
    assert wrap("业务中断的原因是设备故障", 12) == ["业务中断的原", "因是设备故障"]


def test_a_number_is_not_parted_from_its_unit() -> None:
    assert wrap("it lasted for 17.0 s", 18) == ["it lasted for", "17.0 s"]
    assert wrap("丢包历时 17.0 秒", 14) == ["丢包历时", "17.0 秒"]
    assert wrap("17 some", 5) == ["17", "some"]


def test_a_narrow_page_hangs_its_text_below_the_label() -> None:
    page = Page(50, False)

    assert page.labelled("Causes", "the device ce1 failed and nobody knows why it did", hang=2) == [
        "Causes", "  the device ce1 failed and nobody knows why it", "    did",
    ]  # fmt: skip
