"""What must not matter does not: names, order, time, what is off the path; and less evidence never turns a verdict.

Tried on every recorded incident they take an hour; a run of the tests tries each property on a part of them.
`tests/transform/crowd.py` decides on all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import attribution
from attribution.model.verdict import Party, Verdict
from attribution.report import render_json
from tests.transform import crowd as the_crowd
from tests.transform.crowd import DISGUISES, SEED, Crowd, gather_crowd, jobs_of
from tests.transform.folder import Keys, copy_folder, entries_of, read_incident, read_truth, write_truth
from tests.transform.recorded import EVERYTHING, RECORDED, name_of, one_in
from tests.transform.remove import without
from tests.transform.renaming import draw_renaming
from tests.transform.swap import is_symmetrical, swapped_truth
from tests.transform.verdicts import decided, departures, described

ROUNDING = 0.005
"""By how much a probability may move where nothing that matters has changed."""
EDGES_S = 0.5
"""The edges of an interruption are known to a part of a probe's spacing."""

JOBS: dict[str, tuple[the_crowd.Job, ...]] = {
    "test_names_do_not_matter": (the_crowd.renamed,),
    "test_the_verdict_swaps_with_the_sides": (the_crowd.swapped,),
    "test_order_time_and_what_is_off_the_path_do_not_matter": (the_crowd.disguised,),
    "test_less_evidence_never_turns_the_verdict": (the_crowd.with_less,),
    "test_without_any_one_file_the_verdict_is_no_surer_and_never_turns": (the_crowd.as_recorded,),
    "test_a_clock_that_is_off_never_turns_the_verdict": (the_crowd.with_clocks_off,),
    "test_files_handed_in_twice_make_nobody_surer": (the_crowd.handed_in_twice,),
}
"""What each test has decided: all of it begins with the first test of this module."""


@pytest.fixture(scope="module")
def crowd(request: pytest.FixtureRequest) -> Iterator[Crowd]:
    for gathered in gather_crowd():
        gathered.give(jobs_of(request.session.items, JOBS))
        yield gathered


@one_in(5, 0)
def test_names_do_not_matter(bundle: Path, crowd: Crowd) -> None:
    """Every device, interface, address and file is called otherwise: the same verdict by the new names."""
    verdict = crowd.verdicts(the_crowd.renamed, bundle)["renamed"]
    renaming = draw_renaming(bundle, SEED)
    found = changes(decided(bundle), verdict, renaming.component)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "bundle", [b for b in RECORDED if is_symmetrical(read_truth(b))][:: 1 if EVERYTHING else 5], ids=name_of
)
def test_the_verdict_swaps_with_the_sides(bundle: Path, crowd: Crowd) -> None:
    """What is decided rightly is decided rightly with the sides exchanged; nothing turns to the wrong side."""
    verdict, truth = crowd.verdicts(the_crowd.swapped, bundle)["swapped"], swapped_truth(read_truth(bundle))
    assert verdict.party in (truth["party"], Party.UNDETERMINED), described(verdict)
    if not departures(decided(bundle), read_truth(bundle)):
        found = departures(verdict, truth)
        assert not found, "\n".join(found)


@one_in(5, 1)
def test_order_time_and_what_is_off_the_path_do_not_matter(bundle: Path, crowd: Crowd, tmp_path: Path) -> None:
    """All disguises at once, in an archive; where the verdict changes, each is tried alone to tell which did it."""
    verdict = crowd.verdicts(the_crowd.disguised, bundle)["all"]
    changed = changes(decided(bundle), verdict)
    assert not changed, "\n".join((*changed, *_culprits(bundle, decided(bundle), tmp_path)))


def _culprits(bundle: Path, before: Verdict, folder: Path) -> Iterator[str]:
    for name, disguise in DISGUISES.items():
        changed = changes(before, attribution.decide(disguise(bundle, folder / name)))
        yield from (f"{name}, alone: {change}" for change in changed)


@one_in(8, 3)
def test_less_evidence_never_turns_the_verdict(bundle: Path, crowd: Crowd) -> None:
    """The true party or undetermined, whatever is missing: all captures, all logs, all that one side supplied."""
    admitted = (read_truth(bundle)["party"], Party.UNDETERMINED)
    found = [
        f"{profile}: {verdict.party} {verdict.clause}: {described(verdict)}"
        for profile, verdict in crowd.verdicts(the_crowd.with_less, bundle).items()
        if verdict.party not in admitted
    ]
    assert not found, "\n".join(found)


@one_in(8, 4)
def test_without_any_one_file_the_verdict_is_no_surer_and_never_turns(bundle: Path, crowd: Crowd) -> None:
    """Every file is left aside in its turn: the same party at most as probable as before, or undetermined."""
    before = decided(bundle)
    found = [
        f"without {file}: {turn}"
        for file, verdict in crowd.verdicts(the_crowd.as_recorded, bundle).items()
        for turn in turns(before, verdict)
    ]
    assert not found, "\n".join(found)


@one_in(15, 0)
def test_a_file_left_aside_is_a_file_that_was_never_handed_in(bundle: Path, tmp_path: Path) -> None:
    """Deciding without a file that was read is the same as deciding a bundle that does not have it."""
    files = [entry["file"] for entry in entries_of(read_incident(bundle))]
    for number, file in enumerate(files[1 :: 1 if EVERYTHING else 12]):
        never = attribution.decide(without(bundle, tmp_path / str(number), files=(file,)))
        aside = attribution.decide(bundle, without=[file])
        assert [source.file for source in aside.inputs] == [source.file for source in never.inputs]
        assert render_json(replace(aside, inputs=(), caveats=())) == render_json(replace(never, inputs=(), caveats=()))


@one_in(6, 2)
def test_a_clock_that_is_off_never_turns_the_verdict(bundle: Path, crowd: Crowd) -> None:
    """One supplier's clocks are off by up to five minutes and nobody says so.

    Never the opposite party; and no less than the same party where both sides captured packets that tell the clocks.
    """
    before = decided(bundle)
    suppliers = {entry["supplied_by"] for entry in entries_of(read_incident(bundle)) if entry["type"] == "capture"}
    admitted = {before.party} if len(suppliers) == 2 else {before.party, Party.UNDETERMINED}
    found = [
        f"{clocks}: {before.party} at {before.probability:.3f} became {verdict.party}: {described(verdict)}"
        for clocks, verdict in crowd.verdicts(the_crowd.with_clocks_off, bundle).items()
        if verdict.party not in admitted
    ]
    assert not found, "\n".join(found)


@one_in(8, 3)
def test_files_handed_in_twice_make_nobody_surer(bundle: Path, crowd: Crowd) -> None:
    """Every file once more under another name, as it is and packed otherwise."""
    before = decided(bundle)
    found = [
        f"{how}: {turn}"
        for how, verdict in crowd.verdicts(the_crowd.handed_in_twice, bundle).items()
        for turn in turns(before, verdict)
    ]
    assert not found, "\n".join(found)


def turns(before: Verdict, after: Verdict) -> Iterator[str]:
    """In what a verdict by less, or by nothing new, is surer than the one before, or another."""
    if after.party not in (before.party, Party.UNDETERMINED):
        yield f"{before.party} at {before.probability:.3f} became {after.party}: {described(after)}"
    favourite = max(before.parties, key=lambda party: before.parties[party])
    if before.party is not Party.UNDETERMINED and after.parties[favourite] > before.parties[favourite] + ROUNDING:
        yield f"{favourite} was {before.parties[favourite]:.3f} probable and became {after.parties[favourite]:.3f}"


def _labelled_by_party() -> list[Path]:
    """One incident for each party that a truth names."""
    by_party = {read_truth(bundle)["party"]: bundle for bundle in RECORDED}
    return list(by_party.values())


@pytest.mark.parametrize("bundle", _labelled_by_party(), ids=name_of)
@pytest.mark.parametrize("label", ["removed", "a-lie"])
def test_the_truth_is_not_read(bundle: Path, label: str, tmp_path: Path) -> None:
    """The same answer to the last byte without the truth, and beside a false one."""
    copy = copy_folder(bundle, tmp_path / bundle.name)
    (copy / "truth.yaml").unlink()
    if label == "a-lie":
        write_truth(copy, _lie(read_truth(bundle)))
    assert render_json(attribution.decide(copy)) == render_json(decided(bundle))


def _lie(truth: Keys) -> Keys:
    """The opposite of what happened."""
    party = "customer" if truth["party"] == "provider" else "provider"
    return {**truth, "party": party, "clause": "4.2(2)" if party == "customer" else "4.2", "causes": []}


def changes(before: Verdict, after: Verdict, name: Callable[[str], str] = str) -> list[str]:
    """In what two verdicts differ that should be the same; `name` tells what a component is called afterwards.

    The causes of an undetermined verdict are the first of many that are nearly as probable, and may take turns.
    """
    found = []
    if (before.party, before.clause) != (after.party, after.clause):
        found.append(f"{before.party} {before.clause} became {after.party} {after.clause}")
    settled = before.party is not Party.UNDETERMINED
    if settled and abs(before.probability - after.probability) > ROUNDING:
        found.append(f"probability {before.probability:.4f} became {after.probability:.4f}")
    expected = [(name(cause.component), cause.kind) for cause in before.causes]
    if settled and expected != [(cause.component, cause.kind) for cause in after.causes]:
        found.append(f"causes {expected} became {described(after)}")
    if abs(before.interruption.seconds - after.interruption.seconds) > EDGES_S:
        found.append(f"{before.interruption.seconds} s became {after.interruption.seconds} s")
    return found
