"""What must not matter does not: names, order, time, what is off the path; and less evidence never turns a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import attribution
from attribution.model.verdict import Party, Verdict
from attribution.report import render_json
from tests.transform.add import add_unrelated, duplicate_file
from tests.transform.archive import SUFFIXES, as_archive
from tests.transform.clocks import shift_time, skew_clock
from tests.transform.folder import Keys, copy_folder, entries_of, read_incident, read_truth, write_truth
from tests.transform.recorded import RECORDED, name_of
from tests.transform.remove import only_end_to_end, without
from tests.transform.rename import rename
from tests.transform.renaming import draw_renaming
from tests.transform.shuffle import shuffle
from tests.transform.swap import is_symmetrical, swap_sides
from tests.transform.verdicts import decided, departures, described

Transformation = Callable[[Path, Path], Path]

every_incident = pytest.mark.parametrize("bundle", RECORDED, ids=name_of)

SEED = 20261123
ROUNDING = 0.005
"""By how much a probability may move where nothing that matters has changed."""

DISGUISES: dict[str, Transformation] = {
    "shuffled": lambda bundle, target: shuffle(bundle, target, SEED),
    "nine days later": lambda bundle, target: shift_time(bundle, target, 9 * 86400 + 5025),
    "with a skewed clock, stated": lambda bundle, target: skew_clock(bundle, target, "provider", 137, stated=True),
    "with an unrelated device": lambda bundle, target: add_unrelated(bundle, target, SEED),
}
"""Each must leave the verdict as it is, so all of them together must."""

POORER: dict[str, Transformation] = {
    "no captures": lambda bundle, target: without(bundle, target, types=("capture",)),
    "no syslog": lambda bundle, target: without(bundle, target, types=("syslog",)),
    "customer's word alone": lambda bundle, target: without(bundle, target, suppliers=("provider",)),
    "provider's word alone": lambda bundle, target: without(bundle, target, suppliers=("customer",)),
    "end to end alone": only_end_to_end,
}


@dataclass(frozen=True, slots=True)
class Weakened:
    """A recorded incident with a part of its evidence."""

    bundle: Path
    name: str

    def __str__(self) -> str:
        return f"{self.bundle.name}-{self.name.replace(' ', '-')}"


def _weakened() -> Iterator[Weakened]:
    """Every incident with less, where that is less and not nothing."""
    for bundle in RECORDED:
        entries = entries_of(read_incident(bundle))
        left = {
            "no captures": [entry for entry in entries if entry["type"] != "capture"],
            "no syslog": [entry for entry in entries if entry["type"] != "syslog"],
            "customer's word alone": [entry for entry in entries if entry["supplied_by"] == "customer"],
            "provider's word alone": [entry for entry in entries if entry["supplied_by"] == "provider"],
            "end to end alone": [entry for entry in entries if "end-to-end" in entry["file"]],
        }
        yield from (Weakened(bundle, name) for name in POORER if 0 < len(left[name]) < len(entries))


@every_incident
def test_names_do_not_matter(bundle: Path, tmp_path: Path) -> None:
    """Every device, interface, address and file is called otherwise: the same verdict by the new names."""
    renamed = rename(bundle, tmp_path / "renamed", SEED)
    verdict = attribution.decide(renamed)
    found = departures(verdict, read_truth(renamed))
    found += changes(decided(bundle), verdict, draw_renaming(bundle, SEED).component)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("bundle", [b for b in RECORDED if is_symmetrical(read_truth(b))], ids=name_of)
def test_the_verdict_swaps_with_the_sides(bundle: Path, tmp_path: Path) -> None:
    swapped = swap_sides(bundle, tmp_path / "swapped")
    found = departures(attribution.decide(swapped), read_truth(swapped))
    assert not found, "\n".join(found)


@every_incident
def test_order_time_and_what_is_off_the_path_do_not_matter(bundle: Path, tmp_path: Path) -> None:
    """All disguises at once, in an archive; where the verdict changes, each is tried alone to tell which did it."""
    folder = bundle
    for number, disguise in enumerate(DISGUISES.values()):
        folder = disguise(folder, tmp_path / str(number))
    suffix = SUFFIXES[RECORDED.index(bundle) % len(SUFFIXES)]
    verdict = attribution.decide(as_archive(folder, tmp_path / "incident", suffix))
    changed = changes(decided(bundle), verdict)
    assert not changed, "\n".join((*changed, *_culprits(bundle, tmp_path)))


def _culprits(bundle: Path, folder: Path) -> Iterator[str]:
    for name, disguise in DISGUISES.items():
        changed = changes(decided(bundle), attribution.decide(disguise(bundle, folder / name)))
        yield from (f"{name}, alone: {change}" for change in changed)


@pytest.mark.parametrize("weakened", list(_weakened()), ids=str)
def test_less_evidence_never_turns_the_verdict(weakened: Weakened, tmp_path: Path) -> None:
    """The true party or undetermined, whatever is missing."""
    truth = read_truth(weakened.bundle)
    verdict = attribution.decide(POORER[weakened.name](weakened.bundle, tmp_path / "poorer"))
    assert verdict.party in (truth["party"], Party.UNDETERMINED), f"{verdict.clause}: {described(verdict)}"


@every_incident
def test_a_file_handed_in_twice_makes_nobody_surer(bundle: Path, tmp_path: Path) -> None:
    """The file that weighs most for the verdict, once more under another name."""
    once = decided(bundle)
    entries = [entry["file"] for entry in entries_of(read_incident(bundle))]
    file = max(once.evidence, key=lambda evidence: abs(evidence.weight)).file if once.evidence else entries[0]
    twice = attribution.decide(duplicate_file(bundle, tmp_path / "twice", file))
    assert twice.party in (once.party, Party.UNDETERMINED)
    assert twice.probability <= once.probability + ROUNDING, f"{file}: {described(once)} became {described(twice)}"


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
    if abs(before.probability - after.probability) > ROUNDING:
        found.append(f"probability {before.probability:.4f} became {after.probability:.4f}")
    expected = [(name(cause.component), cause.kind) for cause in before.causes]
    settled = before.party is not Party.UNDETERMINED
    if settled and expected != [(cause.component, cause.kind) for cause in after.causes]:
        found.append(f"causes {expected} became {described(after)}")
    if abs(before.interruption.seconds - after.interruption.seconds) > ROUNDING:
        found.append(f"{before.interruption.seconds} s became {after.interruption.seconds} s")
    return found
