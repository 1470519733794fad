"""Recorded incidents have dossiers in which all that their verdicts cite can be looked at: every other one is tried."""

from __future__ import annotations

import gzip
import pickle
import re
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard

from attribution.dossier.losses import MOST_BINS
from attribution.dossier.timeline import MOST_ENTRIES
from attribution.dossier.wording import TEMPLATES
from attribution.model.dossier import Dossier, Entry, EntryKind
from attribution.model.incident import EvidenceType
from attribution.model.phrase import Phrase
from tests.transform.recorded import EVERYTHING, RECORDED, name_of
from tests.transform.verdicts import drawn_up as draw_up_once


@pytest.fixture(scope="module", params=RECORDED if EVERYTHING else RECORDED[::2], ids=name_of)
def drawn_up(request: pytest.FixtureRequest) -> tuple[Path, Dossier]:
    return request.param, draw_up_once(request.param)


@pytest.fixture
def dossier(drawn_up: tuple[Path, Dossier]) -> Dossier:
    return drawn_up[1]


def plain(file: Path) -> bytes:
    content = file.read_bytes()
    if file.suffix == ".gz":
        return gzip.decompress(content)
    return zstandard.ZstdDecompressor().stream_reader(content).read() if file.suffix == ".zst" else content


def test_each_piece_of_evidence_stands_once_on_the_timeline(dossier: Dossier) -> None:
    cited = [entry.evidence for entry in dossier.timeline if entry.evidence is not None]

    assert sorted(cited) == sorted(piece.id for piece in dossier.verdict.evidence)


def test_a_cited_loss_says_on_the_timeline_what_the_verdict_says(dossier: Dossier) -> None:
    said = {piece.id: piece.statement for piece in dossier.verdict.evidence}
    losses = [entry for entry in dossier.timeline if entry.kind is EntryKind.LOSS and entry.evidence is not None]

    assert all(entry.text == said[entry.evidence or ""] for entry in losses)


def test_the_timeline_is_in_order_and_can_be_read(dossier: Dossier) -> None:
    starts = [entry.interval.start_ns for entry in dossier.timeline]

    assert starts == sorted(starts)
    assert len(starts) <= MOST_ENTRIES
    assert all(entry.interval.end_ns >= entry.interval.start_ns for entry in dossier.timeline)
    assert all(entry.text and entry.lane and entry.locator for entry in dossier.timeline)
    assert all("{" not in entry.text for entry in dossier.timeline if not entry.raw and entry.kind is EntryKind.LOSS)


def test_a_log_line_stands_where_the_timeline_says(drawn_up: tuple[Path, Dossier]) -> None:
    folder, dossier = drawn_up
    lines: dict[str, list[str]] = {}
    for entry in dossier.timeline:
        if entry.raw:
            number = int(entry.locator.removeprefix("line "))
            text = lines.setdefault(entry.file, plain(folder / entry.file).decode("utf-8", "replace").split("\n"))
            assert text[number - 1].strip() == entry.raw


def test_the_stated_time_is_what_stands_in_the_log(drawn_up: tuple[Path, Dossier]) -> None:
    """Clock corrections are undone: the seconds of an RFC 3339 time in the line are those of the stated time."""
    checked = [entry for entry in drawn_up[1].timeline if entry.raw and entry.count == 1]
    for entry in checked:
        match = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:(\d\d)\.\d+Z", entry.raw)
        if match is not None:
            assert int(match[1]) == entry.stated_ns // 1_000_000_000 % 60


def test_each_piece_of_evidence_is_quoted_from_its_file(dossier: Dossier) -> None:
    quoted = {excerpt.evidence: excerpt for excerpt in dossier.excerpts}

    assert set(quoted) == {piece.id for piece in dossier.verdict.evidence}
    for excerpt in quoted.values():
        assert any(row.cited for row in excerpt.rows)
        assert all(len(row.cells) == len(excerpt.columns) for row in excerpt.rows)
        numbers = [row.number for row in excerpt.rows]
        assert numbers == sorted(set(numbers))


def test_quoted_lines_and_rows_are_the_files_own(drawn_up: tuple[Path, Dossier]) -> None:
    folder, dossier = drawn_up
    for excerpt in dossier.excerpts:
        if excerpt.locator.startswith("line "):
            lines = plain(folder / excerpt.file).decode("utf-8", "replace").split("\n")
            assert int(excerpt.locator.removeprefix("line ")) in {row.number for row in excerpt.rows if row.cited}
            for row in excerpt.rows:
                assert all(cell.removesuffix(" …") in lines[row.number - 1] for cell in row.cells)


def test_packets_are_quoted_with_a_filter_that_finds_them(dossier: Dossier) -> None:
    captures = {origin.file for origin in dossier.incident.origins if origin.type is EvidenceType.CAPTURE}
    for excerpt in dossier.excerpts:
        assert bool(excerpt.display_filter) == (excerpt.file in captures)
        if excerpt.file in captures:
            frame = int(excerpt.locator.removeprefix("frame "))
            cited = next(row for row in excerpt.rows if row.number == frame)
            assert cited.cited and cited.detail and cited.cells[0] == str(frame)


def test_what_the_dossier_says_by_itself_can_be_said_in_another_language(dossier: Dossier) -> None:
    own = (EntryKind.LOG, EntryKind.ROUTE, EntryKind.CAPTURE)
    for entry in dossier.timeline:
        if entry.kind in own and entry.evidence is None:
            assert isinstance(entry.text, Phrase) and entry.text.template in TEMPLATES
    for clock in dossier.clocks:
        assert isinstance(clock.why, Phrase)


def test_series_hold_together(dossier: Dossier) -> None:
    for series in dossier.losses:
        assert len(series.starts_ns) == len(series.ends_ns) == len(series.sent) == len(series.lost) <= MOST_BINS
        assert all(0 <= lost <= sent for sent, lost in zip(series.sent, series.lost, strict=True))
        assert all(end <= start for end, start in pairwise_bins(series.starts_ns, series.ends_ns))
    for rates in dossier.rates:
        assert len(rates.starts_ns) == len(rates.ends_ns) == len(rates.bps) <= MOST_BINS
        assert all(rate >= 0 for rate in rates.bps)
        assert all(end <= start for end, start in pairwise_bins(rates.starts_ns, rates.ends_ns))


def pairwise_bins(starts: tuple[int, ...], ends: tuple[int, ...]) -> list[tuple[int, int]]:
    """The end of each bin with the start of the next."""
    return [(ends[at], starts[after]) for at, after in pairwise(range(len(starts)))]


def test_it_is_known_how_often_such_verdicts_were_right(dossier: Dossier) -> None:
    found = dossier.reliability

    assert found is not None and found.incidents > 0 and found.fitted_on
    assert 0 < found.stated <= 1 and 0 < found.right <= 1
    assert found.steps == tuple(sorted(found.steps))


def test_clocks_that_were_stated_are_told(dossier: Dossier) -> None:
    stated = {origin.clock_offset_ns for origin in dossier.incident.origins if origin.clock_offset_ns}

    assert stated <= {clock.added_ns for clock in dossier.clocks}


def test_every_capture_point_is_named(dossier: Dossier) -> None:
    captures = [origin for origin in dossier.incident.origins if origin.type is EvidenceType.CAPTURE]

    assert set(dossier.capture_points) == {(origin.device or origin.file, origin.interface) for origin in captures}


def test_a_dossier_can_be_handed_to_another_process(dossier: Dossier) -> None:
    entries: tuple[Entry, ...] = pickle.loads(pickle.dumps(dossier.timeline))

    assert entries == dossier.timeline
