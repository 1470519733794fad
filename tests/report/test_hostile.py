"""Whatever evidence says, in whatever command and language: a terminal only ever prints it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.model.explanation import Explanation, Lacking, Omission, Rival
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.model.topology import Link, Node, NodeKind, Side, Topology
from attribution.model.verdict import Party, Verdict
from attribution.report import render_explanation, render_table
from attribution.report.layout import width_of
from attribution.report.topology import Marks, render_topology
from attribution.report.topology_texts import render_dot, render_mermaid
from attribution.report.wording import LANGUAGES
from tests.report.verdicts import SETTLED, UNDETERMINED

WEAPONS = (
    "\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "\r", "\n", "\x08", "\u202e", "\u2066", "\u200b", "\ufeff", "\ufe0f",
    "\u3164", "\u0301" * 40, "{0}", "{device}", "%s", "<script>", '"]', "`", "|", "\\", "\udc80", "中文", "（", "。",
)  # fmt: skip
HOSTILE = st.lists(st.one_of(st.sampled_from(WEAPONS), st.text(max_size=6)), max_size=5).map("".join)
LANGUAGE = st.sampled_from(sorted(LANGUAGES))
WIDTH = st.sampled_from([40, 60, 80, 160])


def assert_harmless(text: str, width: int) -> None:
    for line in text.split("\n"):
        assert all(character.isprintable() for character in line), line.encode("unicode_escape")
        assert not any(c in "\u115f\u1160\u3164\uffa0" or "\ufe00" <= c <= "\ufe0f" for c in line)
        assert width_of(line) <= width
        marks = 0
        for character in line:
            marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
            assert marks <= 3


def poisoned(verdict: Verdict, words: str, name: str) -> Verdict:
    said = Phrase("{device} logged: {text}", device=name, text=words)
    return replace(
        verdict,
        incident=name,
        summary=words,
        causes=tuple(replace(cause, component=name) for cause in verdict.causes),
        evidence=tuple(replace(piece, file=name, locator=words, statement=said) for piece in verdict.evidence),
        requests=tuple(replace(r, what=Phrase("the syslog of {places}, {span}", places=name, span=words), why=words)
                       for r in verdict.requests),
        caveats=(Caveat(name, words, Phrase("{reason}: {examples}", reason=words, examples=name)), *verdict.caveats),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(HOSTILE, HOSTILE, LANGUAGE, WIDTH, st.sampled_from([SETTLED, UNDETERMINED]))
def test_no_verdict_is_obeyed(words: str, name: str, language: str, width: int, verdict: Verdict) -> None:
    assert_harmless(render_table(poisoned(verdict, words, name), width, False, LANGUAGES[language][0]), width)


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE, LANGUAGE, WIDTH)
def test_no_explanation_is_obeyed(words: str, name: str, language: str, width: int) -> None:
    verdict = poisoned(SETTLED, words, name)
    lacking = Lacking(Omission((name,), (words,), ((name, words),)), poisoned(UNDETERMINED, words, name))
    rival = Rival(Party.PROVIDER, 0.1, verdict.causes, verdict.evidence)
    told = render_explanation(Explanation(verdict, (rival,), (lacking,), lacking), width, False, *LANGUAGES[language])

    assert_harmless(told, width)


def network(first: str, second: str, words: str) -> Topology:
    nodes = {
        first: Node(first, Side.CUSTOMER, NodeKind.HOST, operator=words, region=words),
        second: Node(second, Side.PROVIDER, NodeKind.ROUTER),
        "pe1": Node("pe1", Side.PROVIDER, NodeKind.ROUTER),
        "far": Node("far", Side.CUSTOMER, NodeKind.HOST),
    }
    drawn = [(first, second, None), (second, "pe1", "1"), (second, "pe1", words or "2"), ("pe1", "far", None)]
    links = (Link(one, other, key, None, {one: words, other: words}) for one, other, key in drawn)
    return Topology(nodes, {link.component: link for link in links})


@settings(max_examples=150, deadline=None)
@given(HOSTILE.map(lambda text: f"a{text}"), HOSTILE, LANGUAGE, WIDTH)
def test_no_topology_is_obeyed(name: str, words: str, language: str, width: int) -> None:
    topology = network(name, f"{name}2", words)
    marks = Marks((name, "far"), {name: (words,)}, {f"{name}2": words})

    assert_harmless(render_topology(topology, marks, width, False, language), width)


@settings(max_examples=100, deadline=None)
@given(HOSTILE.map(lambda text: f"a{text}"), HOSTILE, LANGUAGE)
def test_no_graph_breaks_out_of_its_labels(name: str, words: str, language: str) -> None:
    topology = network(name, f"{name}2", words)
    marks = Marks((name, "far"), {name: (words,)}, {name: words})
    chart, graph = render_mermaid(topology, marks, language), render_dot(topology, marks, language)

    assert_harmless(chart, 10_000)
    assert_harmless(graph, 10_000)
    for line in chart.splitlines():
        assert line.count('"') in (0, 2)
        assert "<" not in line.replace("<br/>", "")
    for line in graph.splitlines():
        assert line.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0
