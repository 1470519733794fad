"""Bundles with evidence taken away: what a real support desk gets, down to where an honest answer is undetermined."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.lab.decidable import Decidable, judge
from tests.lab.errors import UsageError
from tests.lab.remaining import read_remaining

Entry = dict[str, Any]
Truth = dict[str, Any]

_RECORDED_KINDS = frozenset({
    "enforcement_action", "unauthorised_operation", "consented_operation", "maintenance", "attack",
})
"""Kinds of cause whose ground stands in records, which the provider keeps: without them they look like failures."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Which evidence is left; whether the truth can still be told from it depends on the incident."""

    name: str
    fact: str
    keeps: Callable[[Entry, Truth], bool]
    captures: int | None = None
    """How many of the captures that it keeps are left; None: all."""

    def left(self, entries: list[Entry], truth: Truth) -> list[Entry]:
        """The evidence that the profile leaves."""
        kept = [entry for entry in entries if self.keeps(entry, truth)]
        captures = sorted(entry["file"] for entry in kept if entry["type"] == "capture")[: self.captures]
        return [entry for entry in kept if entry["type"] != "capture" or entry["file"] in captures]


def _is_end_to_end(entry: Entry) -> bool:
    return entry["type"] == "probes" and "end-to-end" in entry["file"]


def _innocent(truth: Truth) -> str:
    """The supplier that is not to blame; the provider where nobody is."""
    return "customer" if truth["party"] == "provider" else "provider"


def _self_serving(entry: Entry, truth: Truth) -> bool:
    """The logs of the party that is not to blame, and that something was wrong at all."""
    return _is_end_to_end(entry) or (entry["type"] == "syslog" and entry["supplied_by"] == _innocent(truth))


def _only(*types: str) -> Callable[[Entry, Truth], bool]:
    """Evidence of some types, and that something was wrong at all."""
    return lambda entry, _truth: _is_end_to_end(entry) or entry["type"] in types


PROFILES: tuple[Profile, ...] = (
    Profile("all", "Everything that both sides keep", lambda _entry, _truth: True),
    Profile("no-captures", "Nobody captured packets", lambda entry, _truth: entry["type"] != "capture"),
    Profile("captures-only", "Nothing but captured packets", lambda entry, _truth: entry["type"] == "capture"),
    Profile("no-logs", "Nobody kept logs", lambda entry, _truth: entry["type"] != "syslog"),
    Profile("no-records", "Nobody kept records of changes, accounts and calls", lambda entry, _truth:
            entry["type"] not in ("change-records", "account-events", "cloud-audit")),
    Profile("customer-only", "Only the customer answered", lambda entry, _truth: entry["supplied_by"] == "customer"),
    Profile("provider-only", "Only the provider answered", lambda entry, _truth: entry["supplied_by"] == "provider"),
    Profile("one-capture-point", "One capture, and the probes between the ends", _only("capture"), captures=1),
    Profile("counters-only", "Counters of ports, and the probes between the ends",
            _only("interface-counters", "prometheus", "cloud-monitor")),
    Profile("logs-only", "Logs, and the probes between the ends", _only("syslog")),
    Profile("end-to-end-only", "All that is known is that the ends did not reach each other",
            lambda entry, _truth: _is_end_to_end(entry)),
    Profile("self-serving", "The logs of the party that is not to blame, and the end-to-end probes", _self_serving),
)


# Of a scant bundle each piece of evidence is left as often as this share of all says, which is drawn in between.
SCANTEST, FULLEST = 0.1, 0.7


def scant_profile(seed: str, entries: list[Entry]) -> Profile:
    """Some pieces of the evidence, at least one, drawn by a seed: what a desk has when this file was asked for, and
    that one never came."""
    dice = random.Random(seed)
    share = dice.uniform(SCANTEST, FULLEST)
    files = sorted(entry["file"] for entry in entries)
    kept = {file for file in files if dice.random() < share} or {dice.choice(files)}
    return Profile("scant", "Some pieces of the evidence, as it happened", lambda entry, _truth: entry["file"] in kept)


def profile_named(name: str) -> Profile:
    """The profile of that name."""
    for profile in PROFILES:
        if profile.name == name:
            return profile
    raise UsageError(f"{name}: no such profile; expected one of: {', '.join(profile.name for profile in PROFILES)}")


def label(bundle: Path, profile: Profile) -> Decidable:
    """Whether the party of a whole bundle could still be named from what a profile leaves of it."""
    return _asked(bundle, profile) or Decidable.ARGUABLE


def is_arguable(bundle: Path, profile: Profile) -> bool:
    """Whether what a profile leaves of a whole bundle asks a question on which experts could disagree."""
    return _asked(bundle, profile) is Decidable.ARGUABLE


def _asked(bundle: Path, profile: Profile) -> Decidable | None:
    """What the rule says of a profile of a whole bundle; None where it asks nothing of that incident."""
    incident = yaml.safe_load((bundle / "incident.yaml").read_text(encoding="utf-8"))
    truth: Truth = yaml.safe_load((bundle / "truth.yaml").read_text(encoding="utf-8"))
    entries = profile.left(incident["evidence"], truth)
    if not entries or not _makes_sense(profile, truth):
        return None
    if profile.name == "all":
        return Decidable.YES
    return judge(truth, read_remaining(bundle, incident, entries))


def _makes_sense(profile: Profile, truth: Truth) -> bool:
    """Whether a profile asks anything of an incident: no party serves itself where there is none to blame."""
    kinds = {cause["kind"] for cause in truth["causes"]}
    if profile.name == "self-serving":
        return truth["party"] in ("customer", "provider")
    if profile.name == "no-records":
        return not kinds & _RECORDED_KINDS
    return True


def thin(bundle: Path, profile: Profile, target: Path, *, arguable: bool = False) -> None:
    """Copy a bundle with only the evidence that the profile leaves, and with the label that this evidence deserves.

    An arguable one is refused, or, where it is asked for, labelled as one that nobody has to decide.
    """
    if not (bundle / "incident.yaml").exists():
        raise UsageError(f"{bundle}: no incident.yaml; expected the folder of a bundle")
    incident = yaml.safe_load((bundle / "incident.yaml").read_text(encoding="utf-8"))
    truth: Truth = yaml.safe_load((bundle / "truth.yaml").read_text(encoding="utf-8"))
    verdict = label(bundle, profile)
    if verdict is Decidable.ARGUABLE and not arguable:
        raise UsageError(f"{bundle}: {profile.name} leaves no truth beyond doubt there; expected another profile")
    incident["evidence"] = profile.left(incident["evidence"], truth)
    if verdict is not Decidable.YES:
        truth["original_party"], truth["original_clause"] = truth["party"], truth["clause"]
        truth["party"], truth["clause"] = "undetermined", None
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for name in (*(entry["file"] for entry in incident["evidence"]), incident["topology"]):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle / name, target / name)
    for name, content in (("incident.yaml", incident), ("truth.yaml", truth)):
        (target / name).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
