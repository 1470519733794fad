"""The timeline for a reader and for programs: order, place and id of everything, and nothing that evidence could do."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from attribution.model.case_tables import TIMELINE_COLUMNS
from attribution.model.dossier import Dossier, EntryKind
from attribution.model.incident import Interval
from attribution.model.topology import Side
from attribution.report.layout import width_of
from attribution.report.timeline import Choice, choose_entries, render_timeline, telling_entries
from attribution.report.timeline_document import (
    render_timeline_csv,
    render_timeline_json,
    render_timeline_ndjson,
)
from attribution.report.timeline_wording import TIMELINE_WORDINGS
from tests.report.dossiers import TIMELINE, dossier, entry
from tests.report.verdicts import HEALTHY, HOSTILE, SETTLED, START_NS

SETTLED_DOSSIER = dossier(SETTLED)


def with_entries(*entries: Any) -> Dossier:
    return replace(SETTLED_DOSSIER, timeline=entries)


def table(found: Dossier, width: int = 120, **further: Any) -> str:
    return render_timeline(found, found.timeline, width, **further)


def test_a_line_tells_when_who_whose_what_and_where() -> None:
    printed = table(with_entries(entry(1, 1, EntryKind.LOG, "the port went down", evidence="e1", lane="pe1")))

    line, place = next(lines for lines in zip(printed.splitlines(), printed.splitlines()[1:], strict=False)
                       if "went down" in lines[0])  # fmt: skip
    assert line.split() == ["10:00:31.000", "pe1", "customer", "e1", "the", "port", "went", "down"]
    assert place.strip() == "[telemetry/syslog.log, line 118]"


def test_the_day_and_the_zone_stand_above_the_times() -> None:
    assert table(SETTLED_DOSSIER).splitlines()[0] == "2026-11-23 UTC"
    local = table(SETTLED_DOSSIER, zone=ZoneInfo("Asia/Shanghai"))
    assert local.splitlines()[0] == "2026-11-23 Asia/Shanghai (UTC+08:00)"
    assert "18:00:31.000" in local


def test_a_line_tells_how_long_and_how_often() -> None:
    printed = table(SETTLED_DOSSIER)

    assert "38.0 s · ×7" in printed


def test_a_clock_that_was_set_right_is_shown_with_what_the_file_says() -> None:
    shifted = entry(5, 5, EntryKind.LOG, "up", stated_ns=START_NS + 8_500_000_000)

    assert "the file says 10:00:38.500" in table(with_entries(shifted))
    assert "the file says" not in table(with_entries(entry(5, 5, EntryKind.LOG, "up")))


def test_the_interruption_is_marked_where_it_begins_and_ends() -> None:
    lines = table(SETTLED_DOSSIER).splitlines()
    begins = next(number for number, line in enumerate(lines) if "interrupted or degraded from here" in line)
    ends = next(number for number, line in enumerate(lines) if "the service is back" in line)

    assert 0 < begins < ends
    assert not [line for line in table(dossier(HEALTHY)).splitlines() if "──" in line]


def test_nothing_on_the_timeline_is_said_in_words() -> None:
    assert table(with_entries()) == "Nothing of what was asked for is on the timeline.\n"


@pytest.mark.parametrize("width", [40, 70, 90, 120, 200])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_wider_than_the_page(width: int, colour: bool) -> None:
    hostile = entry(3, 9, EntryKind.ALARM, f"{HOSTILE} 日志 " * 9, lane=f"{HOSTILE}设备", file=HOSTILE, locator=HOSTILE)
    printed = table(with_entries(*TIMELINE, hostile), width, colour=colour)
    plain = printed
    for code in ("\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[0m"):
        plain = plain.replace(code, "") if colour else plain

    assert all(width_of(line) <= width for line in plain.splitlines())
    assert all(character.isprintable() or character == "\n" for character in plain)


def test_chinese_has_every_label() -> None:
    english, chinese = TIMELINE_WORDINGS["en"], TIMELINE_WORDINGS["zh"]

    assert set(chinese.kinds) == set(english.kinds) == set(EntryKind)
    assert "服务恢复" in table(SETTLED_DOSSIER, lang="zh")
    assert "the service" not in table(with_entries(TIMELINE[2]), lang="zh").replace(str(TIMELINE[2].text), "")


def test_sentences_are_said_in_the_language_asked_for() -> None:
    printed = table(with_entries(TIMELINE[2]), say=lambda text: str(text).upper())

    assert "PE1'S PORT TO CE1 WENT DOWN" in printed


@pytest.mark.parametrize(
    ("choice", "texts"),
    [
        (Choice(), ["ce1 reported a failed fan", "ce1: somebody typed reload", "pe1's port to ce1 went down",
                    "pe1 was polled down"]),
        (Choice(lanes=("PE1",)), ["pe1's port to ce1 went down", "pe1 was polled down"]),
        (Choice(sides=("provider",)), ["pe1's port to ce1 went down", "pe1 was polled down"]),
        (Choice(kinds=("operation", "log")), ["ce1: somebody typed reload", "pe1's port to ce1 went down"]),
        (Choice(around=Interval(START_NS - 3_000_000_000, START_NS)), ["ce1 reported a failed fan",
                                                                      "ce1: somebody typed reload"]),
        (Choice(lanes=("ce1",), kinds=("log",)), []),
    ],
)  # fmt: skip
def test_entries_are_chosen_by_lane_side_kind_and_time(choice: Choice, texts: list[str]) -> None:
    found = with_entries(*(replace(one, component=None) for one in TIMELINE))

    assert [one.text for one in choose_entries(found, choice)] == texts


def test_a_lane_is_found_with_an_arrow_of_ascii() -> None:
    probes = entry(3, 9, EntryKind.LOSS, "lost", lane="idc-host → vpc-host")

    assert choose_entries(with_entries(probes), Choice(lanes=("idc-host -> vpc",))) == (probes,)


def test_the_telling_entries_are_cited_done_by_people_near_or_of_the_service() -> None:
    shown = (
        entry(1, 1, EntryKind.CAPTURE, "cited", evidence="e1"),
        entry(-90_000, -90_000, EntryKind.CHANGE, "a ticket of yesterday"),
        entry(20, 20, EntryKind.LOG, "near"),
        entry(3, 9, EntryKind.LOSS, "of the service", lane="idc-host → vpc-host"),
    )
    left = (
        entry(1, 1, EntryKind.CAPTURE, "packets"),
        entry(-90_000, -90_000, EntryKind.LOG, "yesterday's line"),
        entry(3, 9, EntryKind.LOSS, "of others", lane="p1 → p2"),
    )

    assert telling_entries(SETTLED_DOSSIER, (*shown, *left)) == shown


def read_schema(name: str) -> Any:
    text = (resources.files("attribution") / "rules" / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)


def test_the_document_validates() -> None:
    schema = read_schema("timeline")
    Draft202012Validator.check_schema(schema)
    hostile = entry(3, 9, EntryKind.ALARM, HOSTILE, lane=HOSTILE, side=None, component=None, supplied_by=None)
    text = render_timeline_json(with_entries(*TIMELINE, hostile), (*TIMELINE, hostile))
    document = json.loads(text)

    Draft202012Validator(schema).validate(document)
    assert text.isascii()
    assert [one["text"] for one in document["entries"]] == [*(one.text for one in TIMELINE), HOSTILE]
    assert document["clocks"][0]["added_s"] == -2.5
    assert schema["properties"]["entries"]["items"]["properties"]["kind"]["enum"] == [kind.value for kind in EntryKind]


def test_lines_and_csv_have_a_row_for_each_entry_under_the_same_names() -> None:
    lines = [json.loads(line) for line in render_timeline_ndjson(TIMELINE).splitlines()]
    rows = list(csv.DictReader(io.StringIO(render_timeline_csv(TIMELINE))))
    names = [name for name, _ in TIMELINE_COLUMNS]

    assert lines[0]["schema"] == "attribution/timeline/1"
    assert [list(line)[-len(names) :] for line in lines] == [names] * len(TIMELINE)
    assert [row["text"] for row in rows] == [line["text"] for line in lines] == [one.text for one in TIMELINE]
    assert rows[1]["evidence"] == "e2" and rows[0]["evidence"] == "" and lines[0]["evidence"] is None


def test_sides_are_coloured_apart() -> None:
    printed = table(
        with_entries(entry(1, 1, EntryKind.LOG, "a"), replace(TIMELINE[2], side=Side.PROVIDER)), colour=True
    )

    assert "\x1b[34mcustomer\x1b[0m" in printed and "\x1b[31mprovider\x1b[0m" in printed
