"""The recorded incidents in all their disguises, decided by as many processes as there are cores.

A test run that decides sixty incidents thirty times each would sit on one core for half an hour. Here each job is one
incident and one kind of change; the jobs of all tests that a run has chosen are handed out at its beginning, and a test
waits for its own alone.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attribution
from attribution.bundle import open_bundle
from attribution.model.verdict import Verdict
from attribution.pipeline import Reading, conclude
from tests.transform.add import add_unrelated, add_unrelated_alarms, duplicate_all, duplicate_all_packed
from tests.transform.archive import SUFFIXES, as_archive
from tests.transform.clocks import TICKETS, shift_time, skew_clock
from tests.transform.folder import Keys, entries_of, read_incident, type_of
from tests.transform.recorded import RECORDED
from tests.transform.rename import rename
from tests.transform.shuffle import shuffle
from tests.transform.swap import swap_with_the_account_in_order

Transformation = Callable[[Path, Path], Path]
Verdicts = Mapping[str, Verdict]
Job = Callable[[Path], Verdicts]

SEED = 20261123
LARGE_OFFSET_S = 300
OFFSETS_S = (7, -16, 31, -45, 75, -118, 160, -222)
"""Offsets of clocks that nobody stated, besides the largest: one of them for each incident, in turn, of either side."""

DISGUISES: dict[str, Transformation] = {
    "shuffled": lambda bundle, target: shuffle(bundle, target, SEED),
    "nine days later": lambda bundle, target: shift_time(bundle, target, 9 * 86400 + 5025),
    "with the provider's clocks slow, stated": lambda bundle, target: skew_clock(
        bundle, target, "provider", -LARGE_OFFSET_S, stated=True
    ),
    "with the customer's clocks fast, stated": lambda bundle, target: skew_clock(
        bundle, target, "customer", 137, stated=True
    ),
    "with an unrelated device": lambda bundle, target: add_unrelated(bundle, target, SEED),
    "with other tenants' alarms": lambda bundle, target: add_unrelated_alarms(bundle, target, SEED),
}
"""Each must leave the verdict as it is, so all of them together must."""

PROFILES: dict[str, Callable[[Keys], bool]] = {
    "no captures": lambda entry: entry["type"] != "capture",
    "no syslog": lambda entry: entry["type"] != "syslog",
    "customer's word alone": lambda entry: bool(entry["supplied_by"] == "customer"),
    "provider's word alone": lambda entry: bool(entry["supplied_by"] == "provider"),
    "end to end alone": lambda entry: "end-to-end" in entry["file"],
}
"""What is left of an incident's evidence, by its entries."""


def as_recorded(bundle: Path) -> Verdicts:
    """The verdict by all the evidence, and by all but each single file, read once for all of them."""
    with open_bundle(bundle) as opened:
        reading = Reading(opened)
        files = sorted(origin.file for origin in reading.incident.origins)
        full = {"": conclude(reading)}
        return full | {file: conclude(reading, {file}) for file in files if len(files) > 1}


def with_less(bundle: Path) -> Verdicts:
    """The verdict by each profile that leaves less than everything, and something."""
    entries = entries_of(read_incident(bundle))
    verdicts = {}
    with open_bundle(bundle) as opened:
        reading = Reading(opened)
        for name, keeps in PROFILES.items():
            missing = {entry["file"] for entry in entries if not keeps(entry)}
            if 0 < len(missing) < len(entries):
                verdicts[name] = conclude(reading, missing)
    return verdicts


def disguised(bundle: Path) -> Verdicts:
    """The verdict in all disguises at once, in an archive."""
    with TemporaryDirectory() as scratch:
        folder = bundle
        for number, disguise in enumerate(DISGUISES.values()):
            folder = disguise(folder, Path(scratch) / str(number))
        suffix = SUFFIXES[RECORDED.index(bundle) % len(SUFFIXES)]
        return {"all": attribution.decide(as_archive(folder, Path(scratch) / "incident", suffix))}


def renamed(bundle: Path) -> Verdicts:
    return _changed(bundle, {"renamed": lambda folder, target: rename(folder, target, SEED)})


def swapped(bundle: Path) -> Verdicts:
    return _changed(bundle, {"swapped": swap_with_the_account_in_order})


def handed_in_twice(bundle: Path) -> Verdicts:
    return _changed(bundle, {"octet for octet": duplicate_all, "packed otherwise": duplicate_all_packed})


def with_clocks_off(bundle: Path) -> Verdicts:
    """The verdict with one supplier's clocks off by what nobody stated: the most there may be, and less, either way."""
    at = RECORDED.index(bundle)
    offsets = [
        ("provider", LARGE_OFFSET_S),
        ("customer", LARGE_OFFSET_S),
        (("provider", "customer")[at % 2], OFFSETS_S[at // 2 % len(OFFSETS_S)]),
    ]
    clocked = {
        entry["supplied_by"]
        for entry in entries_of(read_incident(bundle))
        if type_of(bundle / entry["file"], entry) not in TICKETS
    }
    return _changed(bundle, {f"{who} {by:+d} s": _skewed(who, by) for who, by in offsets if who in clocked})


def _skewed(supplier: str, seconds: int) -> Transformation:
    return lambda bundle, target: skew_clock(bundle, target, supplier, seconds, stated=False)


def _changed(bundle: Path, changes: Mapping[str, Transformation]) -> Verdicts:
    verdicts = {}
    for name, change in changes.items():
        with TemporaryDirectory() as scratch:
            verdicts[name] = attribution.decide(change(bundle, Path(scratch) / "changed"))
    return verdicts


@dataclass(frozen=True, slots=True)
class Crowd:
    """The processes, and what they were given to do."""

    pool: ProcessPoolExecutor
    given: dict[tuple[Job, Path], Future[Verdicts | str]]

    def give(self, work: Iterable[tuple[Job, Path]]) -> None:
        for job, bundle in work:
            if (job, bundle) not in self.given:
                self.given[job, bundle] = self.pool.submit(_done, job, bundle)

    def verdicts(self, job: Job, bundle: Path) -> Verdicts:
        """What a job found; an error of the job is the test's that asks for it."""
        self.give([(job, bundle)])
        found = self.given[job, bundle].result()
        assert not isinstance(found, str), found
        return found


def _done(job: Job, bundle: Path) -> Verdicts | str:
    """What a job finds, or where it failed, in words: an error that cannot be sent would end the whole crowd."""
    try:
        return job(bundle)
    except Exception:
        return traceback.format_exc()


def gather_crowd() -> Iterator[Crowd]:
    """One process for each core, ended when the tests are through."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        crowd = Crowd(pool, {})
        yield crowd
        pool.shutdown(wait=True, cancel_futures=True)


def jobs_of(items: Iterable[Any], jobs: Mapping[str, tuple[Job, ...]]) -> Iterator[tuple[Job, Path]]:
    """The work that the chosen tests will ask for, in their order."""
    for item in items:
        bundle = getattr(item, "callspec", None) and item.callspec.params.get("bundle")
        if bundle is not None:
            yield from ((job, bundle) for job in jobs.get(item.originalname, ()))
