"""`attribution timeline` and `attribution observe`: what is printed, in which form, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import re
from importlib import resources
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from attribution.cli import run

PCAPS = Path(__file__).parent.parent / "pcaps"
SMALL = str(PCAPS / "provider-gateway-line-cut-logs-only")
CAPTURED = str(PCAPS / "customer-switch-gray-loss-one-capture-point")
COUNTED = str(PCAPS / "provider-gray-loss-after-customer-change-no-captures")


def out_of(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[str, str]:
    assert run(list(arguments)) == status
    said = capsys.readouterr()
    return said.out, said.err


def schema(name: str) -> Draft202012Validator:
    text = (resources.files("attribution") / "rules" / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def test_the_timeline_tells_the_whole_story_of_an_incident(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = out_of(capsys, "timeline", SMALL, "--all")

    assert out.startswith("2026-11-24 UTC\n")
    assert "the service is interrupted or degraded from here, for 18.0 s" in out
    assert "went down" in out and "[telemetry/syslog-provider.log, line" in out
    assert err == ""


def test_what_is_left_out_is_never_left_out_silently(capsys: pytest.CaptureFixture[str]) -> None:
    telling, hint = out_of(capsys, "timeline", CAPTURED)
    every, _ = out_of(capsys, "timeline", CAPTURED, "--all")
    _, quiet = out_of(capsys, "timeline", CAPTURED, "--quiet")

    assert len(telling) < len(every)
    assert "more entries; --all shows them" in hint
    assert quiet == ""


def test_data_formats_give_every_entry_and_validate(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(out_of(capsys, "timeline", COUNTED, "-f", "json")[0])
    lines = out_of(capsys, "timeline", COUNTED, "-f", "ndjson")[0].splitlines()
    rows = list(csv.DictReader(io.StringIO(out_of(capsys, "timeline", COUNTED, "-f", "csv")[0])))

    schema("timeline").validate(document)
    assert len(document["entries"]) == len(lines) == len(rows) > 10


def test_entries_near_evidence_and_near_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    near, _ = out_of(capsys, "timeline", SMALL, "--around", "e1±1", "-f", "json")
    clock, _ = out_of(capsys, "timeline", SMALL, "--around", "18:22:09+-1", "-f", "json")
    full, _ = out_of(capsys, "timeline", SMALL, "--around", "2026-11-24T18:22:09Z ±1", "-f", "json")

    assert clock == full
    assert "e1" in {one["evidence"] for one in json.loads(near)["entries"]}
    starts = [one["time"] for one in json.loads(clock)["entries"]]
    assert starts and all("18:22:07" <= start[11:19] <= "18:22:10" for start in starts)


@pytest.mark.parametrize("around", ["yesterday", "e99", "25:00:00", "", "±5", "18:22:09±x"])
def test_a_time_that_is_none_is_wrong_usage(around: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = out_of(capsys, "timeline", SMALL, "--around", around, status=2)

    assert "--around" in err


def test_times_in_a_zone_of_its_own_and_labels_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = out_of(capsys, "timeline", SMALL, "--tz", "Asia/Shanghai", "--lang", "zh")

    assert out.startswith("2026-11-25 Asia/Shanghai (UTC+08:00)\n")
    assert "服务恢复" in out


def test_a_zone_that_there_is_not_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert "time zone" in out_of(capsys, "timeline", SMALL, "--tz", "Moon/Crater", status=3)[1]


def test_observe_prints_every_fact_and_every_caveat(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.loads(line) for line in out_of(capsys, "observe", COUNTED, "-f", "ndjson")[0].splitlines()]
    rows = list(csv.DictReader(io.StringIO(out_of(capsys, "observe", COUNTED, "-f", "csv")[0])))
    table, _ = out_of(capsys, "observe", COUNTED)

    for line in lines[:50]:
        schema("observations").validate(line)
    assert len(lines) == len(rows) > 1000
    assert {"probe", "counter", "log", "path", "caveat"} <= {line["observation"] for line in lines}
    assert lines[0]["schema"] == "attribution/observations/1"
    assert not [line for line in lines[1:] if "schema" in line]
    assert all(file in table for file in {line["file"] for line in lines})


def test_observe_speaks_chinese_about_the_same_facts(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line has the same names, numbers and times; what a file says itself stays as it says it."""
    english, _ = out_of(capsys, "observe", CAPTURED)
    chinese, _ = out_of(capsys, "observe", CAPTURED, "--lang", "zh")
    data, _ = out_of(capsys, "observe", CAPTURED, "--lang", "zh", "-f", "ndjson")

    assert "个在抓包点之后丢失" in chinese and "抓包点" in chinese
    for words in ("capture_point", "lost beyond it", "unanswered", " frame "):
        assert words in " ".join(english.split()) and words not in " ".join(chinese.split())
    assert sorted(_addresses(english)) == sorted(_addresses(chinese))
    assert data == out_of(capsys, "observe", CAPTURED, "-f", "ndjson")[0]


def _addresses(text: str) -> list[str]:
    return re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text)


def test_observe_by_file_type_and_device(capsys: pytest.CaptureFixture[str]) -> None:
    def seen(*arguments: str) -> list[dict[str, str]]:
        return [
            json.loads(line) for line in out_of(capsys, "observe", SMALL, "-f", "ndjson", *arguments)[0].splitlines()
        ]

    log = "telemetry/syslog-provider.log"
    assert {line["file"] for line in seen("--file", log)} == {log}
    assert {line["observation"] for line in seen("--type", "syslog")} <= {"log", "caveat"}
    assert {line["device"] for line in seen("--device", "vg41", "--type", "syslog")} == {"vg41"}


def test_observe_a_file_that_there_is_not_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no file 'nothing.log'; known: " in out_of(capsys, "observe", SMALL, "--file", "nothing.log", status=2)[1]


@pytest.mark.parametrize("command", ["timeline", "observe"])
def test_both_follow_the_manners_of_the_other_commands(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = tmp_path / "out.txt"
    assert out_of(capsys, command, SMALL, "-o", str(written))[0] == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in out_of(capsys, command, SMALL)[0]
    assert "\x1b[" not in out_of(capsys, command, SMALL, "--no-color")[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in out_of(capsys, command, SMALL)[0]
    assert written.read_text(encoding="utf-8") == out_of(capsys, command, SMALL)[0]
    assert "found nothing there" in out_of(capsys, command, str(tmp_path / "nowhere"), status=3)[1]
