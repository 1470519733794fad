"""Transformations that can be undone are undone; those that keep the facts are compared fact by fact."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.transform.clocks import TICKETS, shift_time, skew_clock
from tests.transform.folder import (
    entries_of,
    is_table,
    read_incident,
    read_json,
    read_octets,
    read_table,
    read_text,
    read_truth,
    write_text,
)
from tests.transform.graph import Graph, read_graph
from tests.transform.log_lines import read_lines, sender_of
from tests.transform.packets import count_frames
from tests.transform.recorded import RECORDED, name_of
from tests.transform.remove import without
from tests.transform.shuffle import shuffle
from tests.transform.swap import CUSTOMER_CLAUSES, is_symmetrical, swap_sides

every_other_incident = pytest.mark.parametrize("bundle", RECORDED[::2], ids=name_of)
"""Enough to meet every format and vendor; all of them would take a minute more."""


def facts(folder: Path, entry: dict[str, Any]) -> object:
    """What a file states, so that two files that state the same are equal; its entry dates what has no time itself."""
    path = folder / entry["file"]
    if entry["type"] == "capture":
        return read_octets(path)
    if is_table(path):
        return read_table(path).rows
    if entry["type"] == "syslog":
        return read_text(path)
    return (read_json(path), entry["time"]) if "time" in entry else read_json(path)


def assert_same_facts(one: Path, other: Path) -> None:
    """Two bundles state the same, down to the topology and the truth."""
    assert read_incident(one) == read_incident(other)
    assert read_truth(one) == read_truth(other)
    for entry in entries_of(read_incident(one)):
        assert facts(one, entry) == facts(other, entry), entry["file"]


def graph_of(folder: Path) -> Graph:
    return read_graph(folder / read_incident(folder)["topology"])


@every_other_incident
def test_swapped_twice_is_as_before(bundle: Path, tmp_path: Path) -> None:
    once = swap_sides(bundle, tmp_path / "once")
    twice = swap_sides(once, tmp_path / "twice")
    assert graph_of(twice) == graph_of(bundle) != graph_of(once)
    assert read_incident(twice) == read_incident(bundle)
    assert read_truth(twice)["party"] == read_truth(bundle)["party"]
    for entry in entries_of(read_incident(bundle)):
        assert facts(bundle, entry) == facts(twice, entry)


@every_other_incident
def test_swapped_once_everyone_is_on_the_other_side(bundle: Path, tmp_path: Path) -> None:
    swapped = swap_sides(bundle, tmp_path / "swapped")
    for before, after in zip(graph_of(bundle).nodes, graph_of(swapped).nodes, strict=True):
        assert {before["side"], after["side"]} == {"customer", "provider"}
    for old, new in zip(*(entries_of(read_incident(folder)) for folder in (bundle, swapped)), strict=True):
        assert {old["supplied_by"], new["supplied_by"]} == {"customer", "provider"}
        if old["type"] == "change-records":
            assert all(row["performed_by"] == new["supplied_by"] for row in read_table(swapped / new["file"]).rows)
    party = {"customer": "provider", "provider": "customer"}
    old_truth, truth = read_truth(bundle), read_truth(swapped)
    assert truth["party"] == party.get(old_truth["party"], old_truth["party"])
    if is_symmetrical(old_truth) and truth["party"] == "customer":
        assert truth["clause"] == list(CUSTOMER_CLAUSES[truth["causes"][0]["kind"]])


def test_only_what_both_sides_may_suffer_is_symmetrical() -> None:
    assert is_symmetrical({"causes": []})
    assert is_symmetrical({"causes": [{"kind": "device_failure"}, {"kind": "link_degraded"}]})
    for kind in ("enforcement_action", "unauthorised_operation", "consented_operation", "overload", "attack"):
        assert not is_symmetrical({"causes": [{"kind": "device_failure"}, {"kind": kind}]})


@every_other_incident
def test_shuffling_keeps_every_fact(bundle: Path, tmp_path: Path) -> None:
    shuffled = shuffle(bundle, tmp_path / "shuffled", 1)
    incident = read_incident(bundle)
    again = {entry["file"]: entry for entry in entries_of(read_incident(shuffled))}
    for entry in entries_of(incident):
        assert again[entry["file"]] == entry
        old, new = bundle / entry["file"], shuffled / entry["file"]
        if entry["type"] == "capture":
            assert old.read_bytes() == new.read_bytes()
        elif is_table(old):
            assert counted(read_table(old).rows) == counted(read_table(new).rows)
        elif entry["type"] == "syslog":
            assert lines_by_sender(old, entry) == lines_by_sender(new, entry)
        else:
            assert read_json(old) == read_json(new)
    assert counted(graph_of(bundle).nodes) == counted(graph_of(shuffled).nodes)
    assert len(graph_of(bundle).links) == len(graph_of(shuffled).links)


def counted(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(repr(sorted(row.items())) for row in rows)


def lines_by_sender(log: Path, entry: dict[str, Any]) -> dict[str | None, list[str]]:
    lines: dict[str | None, list[str]] = {}
    for line in read_lines(log):
        lines.setdefault(sender_of(line, entry), []).append(line)
    return lines


@every_other_incident
def test_shifted_there_and_back_is_as_before(bundle: Path, tmp_path: Path) -> None:
    """Nine days and some, over the end of the month."""
    there = shift_time(bundle, tmp_path / "there", 9 * 86400 + 5025)
    back = shift_time(there, tmp_path / "back", -9 * 86400 - 5025)
    assert_same_facts(bundle, back)
    for old, new in zip(*(entries_of(read_incident(folder)) for folder in (bundle, there)), strict=True):
        if (bundle / old["file"]).stat().st_size and facts(bundle, old):
            assert facts(bundle, old) != facts(there, new), old["file"]


@pytest.mark.parametrize(
    ("line", "later"),
    [
        ("<30>Nov 30 23:59:58 host-c CRON[2210]: x", "<30>Dec  1 00:00:08 host-c CRON[2210]: x"),
        ("<190>Nov 30 23:59:58 2026 p1 %%10SSHS/6: x", "<190>Dec  1 00:00:08 2026 p1 %%10SSHS/6: x"),
        ("<189>Nov 30 2026 23:59:58 ce2 %%01SSH/5: x", "<189>Dec  1 2026 00:00:08 ce2 %%01SSH/5: x"),
        ("2026 Nov 30 23:59:58 nx %ETHPORT-5: x", "2026 Dec  1 00:00:08 nx %ETHPORT-5: x"),
        ("<187>1 2026-11-30T23:59:58.250Z r - - - - x", "<187>1 2026-12-01T00:00:08.250Z r - - - - x"),
        ("2026/11/30 23:59:58.352686 BGP: x", "2026/12/01 00:00:08.352686 BGP: x"),
        ("<187>831: pe1: *Nov 30 23:59:58.031: %LINK: x", "<187>831: pe1: *Dec  1 00:00:08.031: %LINK: x"),
        ("<30>Dec  9 23:59:58 h x 12:00:00", "<30>Dec 10 00:00:08 h x 12:00:00"),
    ],
)
def test_every_way_of_writing_a_time_is_shifted_in_place(line: str, later: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    write_text(bundle / "d.log", line + "\n")
    window = "window: {start: 2026-11-30T23:59:50Z, end: '1796083200.5'}"
    (bundle / "incident.yaml").write_text(f"{window}\nevidence: [{{file: d.log, type: syslog}}]\n", encoding="utf-8")
    shifted = shift_time(bundle, tmp_path / "shifted", 10)
    assert read_text(shifted / "d.log") == later + "\n"
    assert read_incident(shifted)["window"] == {"start": "2026-12-01T00:00:00Z", "end": "1796083210.5"}


@every_other_incident
@pytest.mark.parametrize("stated", [True, False], ids=["stated", "unstated"])
def test_a_skewed_clock_moves_one_partys_devices_alone(bundle: Path, stated: bool, tmp_path: Path) -> None:
    skewed = skew_clock(bundle, tmp_path / "skewed", "provider", 137, stated)
    for old, new in zip(*(entries_of(read_incident(folder)) for folder in (bundle, skewed)), strict=True):
        moved = old["supplied_by"] == "provider" and old["type"] not in TICKETS
        assert (facts(bundle, old) != facts(skewed, new)) == (moved and bool(facts(bundle, old)))
        assert new.get("clock_offset_s", 0.0) - old.get("clock_offset_s", 0.0) == (-137 if moved and stated else 0)
        if old["type"] == "capture":
            assert count_frames(read_octets(bundle / old["file"])) == count_frames(read_octets(skewed / new["file"]))


@every_other_incident
def test_what_is_taken_away_is_gone_from_the_folder_too(bundle: Path, tmp_path: Path) -> None:
    entries = entries_of(read_incident(bundle))
    for name, taken in {
        "types": {"types": ("capture",)},
        "suppliers": {"suppliers": ("provider",)},
        "files": {"files": (entries[0]["file"],)},
    }.items():
        left = without(bundle, tmp_path / name, **taken)
        kept = entries_of(read_incident(left))
        assert all((left / entry["file"]).exists() for entry in kept)
        gone = [entry for entry in entries if entry not in kept]
        assert gone == [
            entry
            for entry in entries
            if entry["type"] in taken.get("types", ())
            or entry["supplied_by"] in taken.get("suppliers", ())
            or entry["file"] in taken.get("files", ())
        ]
        assert not any((left / entry["file"]).exists() for entry in gone)
