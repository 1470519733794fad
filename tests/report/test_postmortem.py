"""A postmortem holds what an engineer sends and a script reads, in either language, whatever the evidence says."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from importlib import resources
from string import Formatter
from typing import Any

import jsonschema
import pytest
import yaml

from attribution.errors import AttributionError
from attribution.model.dossier import Dossier
from attribution.model.verdict import CauseKind, Party, Verdict
from attribution.report import render_postmortem
from attribution.report.letter_wording import LETTER_WORDINGS
from attribution.report.local_time import region_zones
from attribution.report.postmortem_wording import POSTMORTEM_WORDINGS
from attribution.report.wording import LANGUAGES
from tests.report.dossiers import EVERY_DOSSIER, HOSTILE_DOSSIER, PROVIDER_ANSWERS, TOPOLOGY, dossier
from tests.report.rendered_markdown import rendered
from tests.report.verdicts import HEALTHY, SHARED, UNDETERMINED, UNMEASURED

SECTIONS = [
    "Summary",
    "Impact",
    "Timeline",
    "Root cause and trigger",
    "Contributing factors",
    "Responsibility",
    "Evidence",
    "What speaks against it",
    "Open requests",
    "Action items",
    "Inputs",
    "Method and reliability",
]
languages = pytest.mark.parametrize("lang", sorted(LANGUAGES))
every_dossier = pytest.mark.parametrize("decided", EVERY_DOSSIER, ids=lambda decided: decided.verdict.party.value)


def front_matter(markdown: str) -> dict[str, Any]:
    opening, yaml_text, _ = markdown.split("---\n", 2)
    assert opening == ""
    loaded: dict[str, Any] = yaml.safe_load(yaml_text)
    return loaded


def section(markdown: str, heading: str) -> str:
    return markdown.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


@every_dossier
def test_the_sections_come_in_the_order_of_postmortems(decided: Dossier) -> None:
    assert re.findall(r"^## (.+)$", render_postmortem(decided), re.M) == SECTIONS


@languages
@every_dossier
def test_scripts_read_the_front_matter(decided: Dossier, lang: str) -> None:
    schema = json.loads(
        (resources.files("attribution") / "rules" / "schemas" / "postmortem.json").read_text(encoding="utf-8")
    )
    found = front_matter(render_postmortem(decided, lang))

    jsonschema.Draft202012Validator(schema).validate(found)
    assert (found["incident"], found["party"], found["clause"]) == (
        decided.verdict.incident,
        decided.verdict.party.value,
        decided.verdict.clause,
    )
    assert found["seconds_by_party"] == decided.verdict.interruption.seconds_by_party


@languages
def test_both_languages_of_every_clause_are_quoted(lang: str) -> None:
    page = rendered(render_postmortem(dossier(PROVIDER_ANSWERS), lang).split("---\n", 2)[2])

    for provision in PROVIDER_ANSWERS.provisions:
        assert provision.text_en in page.shown
        assert provision.text_zh in page.shown


def test_times_stand_in_utc_and_in_the_zone_of_the_region() -> None:
    told = section(render_postmortem(dossier()), "Timeline")

    assert "| UTC | Asia/Shanghai (UTC+08:00) |" in told
    assert "| 2026-11-23 10:00:31.000 | 2026-11-23 18:00:31.000 |" in told


def test_ends_in_two_zones_give_two_local_times() -> None:
    nodes = {**TOPOLOGY.nodes, "idc-host": replace(TOPOLOGY.nodes["idc-host"], region="eu-frankfurt")}
    told = section(render_postmortem(replace(dossier(), topology=replace(TOPOLOGY, nodes=nodes))), "Timeline")

    assert "| UTC | Europe/Berlin (UTC+01:00) | Asia/Shanghai (UTC+08:00) |" in told


def test_one_may_ask_for_utc_alone_or_for_any_zone() -> None:
    assert "Asia/Shanghai" not in render_postmortem(dossier(), timezone="UTC")
    assert "| UTC | America/St_Johns (UTC-03:30) |" in render_postmortem(dossier(), timezone="America/St_Johns")


def test_a_zone_that_there_is_not_is_an_error_that_says_what_was_expected() -> None:
    with pytest.raises(AttributionError, match=r"Asia/Guangzhou.*expected UTC or a name of the time zone database"):
        render_postmortem(dossier(), timezone="Asia/Guangzhou")


@pytest.mark.parametrize("region", sorted(region_zones()))
def test_every_region_has_a_zone_of_the_database(region: str) -> None:
    assert "UTC" in render_postmortem(dossier(), timezone=region_zones()[region])


def test_the_trigger_is_the_act_that_speaks_for_the_cause() -> None:
    told = section(render_postmortem(dossier()), "Root cause and trigger")

    assert "**Trigger.** 2026-11-23 10:00:28.000 UTC: ce1: somebody typed reload (e2)." in told


def test_without_an_act_none_is_made_up() -> None:
    told = section(render_postmortem(replace(dossier(), timeline=())), "Root cause and trigger")

    assert "began by itself" in told


def test_what_followed_and_what_was_so_before_are_contributing_factors() -> None:
    told = section(render_postmortem(dossier()), "Contributing factors")

    assert "c2 followed from c1: the link ce1--pe1 failed" in told
    assert "Already so before: since 2026-11-23 09:50:30.000 UTC, ce1 reported a failed fan" in told


def test_action_items_are_stubs_for_causes_requests_and_clocks() -> None:
    told = section(render_postmortem(dossier()), "Action items")
    found = front_matter(render_postmortem(dossier()))["actions"]

    assert "Find out why ce1 failed" in told
    assert "Obtain the power log of ce1." in told
    assert "Set the clock of telemetry/syslog.log right: it was 2.5 s off." in told
    assert told.count("| *to fill in* | *to fill in* | open |") == len(found)
    assert {(action["owner"], action["due"]) for action in found} == {(None, None)}


@pytest.mark.parametrize(("verdict", "said"), [(HEALTHY, "None found in"), (UNMEASURED, "Not known: nothing that")])
def test_where_nothing_was_measured_it_is_not_said_that_nothing_happened(verdict: Verdict, said: str) -> None:
    told = render_postmortem(dossier(verdict))

    assert section(told, "Impact").strip().startswith(said)
    assert f"| **Interruption** | {said[0].lower()}{said[1:]}" in section(told, "Summary")


def test_an_undetermined_case_is_to_be_decided_again() -> None:
    assert "Decide again" in section(render_postmortem(dossier(UNDETERMINED)), "Action items")
    assert "Decide again" not in section(render_postmortem(dossier()), "Action items")


def test_evidence_for_and_against_stands_apart_with_its_place() -> None:
    markdown = render_postmortem(dossier())

    assert "| e1 | 2026-11-23 10:00:31.250 | +2.3 |" in section(markdown, "Evidence")
    assert "`telemetry/syslog.log`, line 118 | provider |" in section(markdown, "Evidence")
    assert "| e3 |" not in section(markdown, "Evidence")
    assert "| e3 | 2026-11-23 10:00:31.250 | -0.4 |" in section(markdown, "What speaks against it")


def test_shared_causes_have_their_own_clause_and_seconds() -> None:
    told = section(render_postmortem(dossier(SHARED)), "Responsibility")

    assert "| 4.2(2) | customer | c1 | 60.0 |" in told
    assert "| 4.2 | provider | c2 | 27.0 |" in told


@languages
def test_what_evidence_says_is_never_obeyed(lang: str) -> None:
    markdown = render_postmortem(HOSTILE_DOSSIER, lang)
    page = rendered(markdown.split("---\n", 2)[2])
    own = {"h1", "h2", "p", "em", "strong", "br", "ul", "li", "code", "blockquote"}

    assert set(page.tags) <= own | {"table", "thead", "tbody", "tr", "th", "td"}
    assert page.tags.count("h2") == len(SECTIONS)
    assert "<script>alert(1)</script>" in page.shown
    assert not set(markdown) & set("\x1b\u202e\x9b\r")


@languages
@every_dossier
def test_the_same_dossier_gives_the_same_text(decided: Dossier, lang: str) -> None:
    assert render_postmortem(decided, lang) == render_postmortem(replace(decided), lang)


def texts(wording: object) -> dict[str, str]:
    """Every text of a table of wording, by its place in it."""
    if isinstance(wording, str):
        return {"": wording}
    if isinstance(wording, tuple):
        return {f"[{number}]{place}": t for number, part in enumerate(wording) for place, t in texts(part).items()}
    if isinstance(wording, dict):
        return {f"[{key}]{place}": t for key, part in wording.items() for place, t in texts(part).items()}
    parts = {field.name: getattr(wording, field.name) for field in fields(wording)}  # type: ignore[arg-type]
    return {f"{name}{place}": t for name, part in parts.items() for place, t in texts(part).items()}


@pytest.mark.parametrize("wordings", [POSTMORTEM_WORDINGS, LETTER_WORDINGS], ids=["postmortem", "letter"])
def test_both_languages_say_the_same_things(wordings: dict[str, object]) -> None:
    """Each sentence of one has its like in the other, with the same names and numbers in it."""
    english, chinese = ({place: gaps(text) for place, text in texts(wordings[lang]).items()} for lang in ("en", "zh"))

    assert english == chinese


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_kind_of_cause_suggests_an_action() -> None:
    assert all(set(words.actions) == set(CauseKind) for words in POSTMORTEM_WORDINGS.values())


def test_undetermined_names_no_clause() -> None:
    verdict = replace(UNDETERMINED, provisions=())

    assert verdict.party is Party.UNDETERMINED
    assert "No clause is named" in section(render_postmortem(dossier(verdict)), "Responsibility")
