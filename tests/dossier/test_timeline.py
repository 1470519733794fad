"""What a source says again is said once, and what does not fit is left out the least telling first."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from attribution.dossier import Grounds
from attribution.dossier.losses import MOST_BINS, group_bins, merge_bins
from attribution.dossier.timeline import MOST_ENTRIES, keep_telling, merge_points, merge_similar
from attribution.model.dossier import Entry, EntryKind
from attribution.model.evidence import Coverage, Findings
from tests.report.dossiers import INCIDENT, TOPOLOGY, entry
from tests.report.verdicts import SETTLED

GROUNDS = Grounds(INCIDENT, TOPOLOGY, SETTLED, Findings((), (), (), Coverage(), (), {}), ())
LINE = entry(10, 10, EntryKind.LOG, "pe1: the port went down", locator="line 1")


def at(second: float, **further: object) -> Entry:
    return replace(LINE, interval=entry(second, second, EntryKind.LOG, "").interval, **further)  # type: ignore[arg-type]


def test_what_is_said_again_within_a_minute_is_one_entry_with_a_count() -> None:
    (merged,) = merge_similar([LINE, at(20), at(50)])

    assert merged.count == 3
    assert (merged.interval.start_ns, merged.locator) == (LINE.interval.start_ns, "line 1")
    assert merged.interval.seconds == 40


def test_what_is_said_after_something_else_is_another_entry() -> None:
    other = at(15, text="pe1: the port came up")

    assert len(merge_similar([LINE, other, at(20)])) == 3


def test_the_place_that_the_verdict_cites_is_kept() -> None:
    (merged,) = merge_similar([LINE, at(20, evidence="e4", locator="line 9")])

    assert (merged.evidence, merged.locator, merged.count) == ("e4", "line 9", 2)


def test_two_pieces_of_evidence_are_never_one_entry() -> None:
    first, second = replace(LINE, evidence="e1"), at(20, evidence="e2")

    assert [one.evidence for one in merge_similar([first, second])] == ["e1", "e2"]


def test_packets_that_passed_several_capture_points_are_told_once() -> None:
    first = replace(LINE, kind=EntryKind.ALARM, file="a.pcap", text="packets at a: host unreachable")
    second = replace(first, file="b.pcap", text="packets at b: host unreachable")
    later = replace(second, interval=entry(15, 15, EntryKind.LOG, "").interval)

    assert merge_points([first, second], {"a.pcap", "b.pcap"}) == [first]
    assert merge_points([first, replace(second, evidence="e1")], {"a.pcap", "b.pcap"})[0].evidence == "e1"
    assert len(merge_points([first, later], {"a.pcap", "b.pcap"})) == 2
    assert len(merge_points([first, second], set())) == 2
    assert len(merge_points([first, replace(second, component="ce9")], {"a.pcap", "b.pcap"})) == 2


def test_of_too_many_entries_the_cited_ones_stay() -> None:
    many = [replace(LINE, locator=f"line {number}", kind=EntryKind.CAPTURE) for number in range(2 * MOST_ENTRIES)]
    many[-1] = replace(many[-1], evidence="e7")

    kept = keep_telling(many, GROUNDS)

    assert len(kept) == MOST_ENTRIES
    assert many[-1] in kept


BINS = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(1, 50), st.integers(0, 9), st.integers(0, 9)).map(
        lambda bin: (bin[0], bin[0] + bin[1], bin[2] + bin[3], bin[3])
    ),
    max_size=900,
)


@given(BINS)
def test_bins_are_added_up_and_nothing_is_lost(bins: list[tuple[int, int, int, int]]) -> None:
    merged = merge_bins(bins)
    groups = list(group_bins(merged))

    assert all(earlier[1] <= later[0] for earlier, later in pairwise(merged))
    assert len(groups) <= MOST_BINS
    assert [bin for group in groups for bin in group] == merged
    for column in (2, 3):
        assert sum(bin[column] for bin in bins) == sum(bin[column] for bin in merged)
