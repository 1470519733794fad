"""How often the party that a posterior favours was the right one: what a probability has to say to deserve its number.

The posterior's likelihoods are an engineer's; on labelled incidents one can count how often its favourite was right.
The table in rules/calibration.toml holds that count, and as much of it as mends what is stated: a function that never
falls, fitted by pooling adjacent violators (Ayer et al. 1955), with what it was fitted on and how well it held on
incidents left out.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

from attribution.errors import RuleError
from attribution.model.verdict import Party

FILE = "calibration.toml"


@dataclass(frozen=True, slots=True)
class Counted:
    """Of `incidents` for which the posterior stated `stated` or more for its favourite, but less than the next entry of
    the table, a share `right` had that party."""

    stated: float
    right: float
    incidents: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """`values[i]` is how often the favourite was right where the posterior stated at least `thresholds[i]` for it.

    Both rise from the first to the last. A posterior below the first threshold is taken as it is. `source` says in
    words what that was counted on, and `counted` is the count itself, by what was stated; it mends nothing.
    """

    thresholds: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    source: str = ""
    counted: tuple[Counted, ...] = ()

    def experience(self, stated: float) -> Counted | None:
        """What was counted of posteriors that stated about as much; None where nothing was."""
        at = bisect_right([entry.stated for entry in self.counted], stated) - 1
        return self.counted[at] if at >= 0 else None

    def mend(self, parties: Mapping[Party, float]) -> dict[Party, float]:
        """The probabilities of the parties with the favourite's mended and the rest shared as before; they add to 1."""
        favourite = max(parties, key=lambda party: parties[party])
        stated = parties[favourite]
        at = bisect_right(self.thresholds, stated) - 1
        if at < 0:
            return dict(parties)
        mended = self.values[at]
        others = [party for party in parties if party is not favourite]
        rest = sum(parties[party] for party in others)
        shares = {p: parties[p] / rest if rest > 0 else 1.0 / len(others) for p in others}
        if any((1.0 - mended) * share > mended for share in shares.values()):
            return dict(parties)  # the favourite stays the favourite
        return {p: mended if p is favourite else (1.0 - mended) * shares[p] for p in parties}


@cache
def load_calibration() -> Calibration:
    """The calibration that this program ships."""
    file = resources.files("attribution") / "rules" / FILE
    return read_calibration(file.read_text(encoding="utf-8"), FILE)


def read_calibration(text: str, place: str) -> Calibration:
    """A calibration from TOML text; raises RuleError where its steps do not rise or are no probabilities."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(place, f"not valid TOML: {error}", "expected source and step") from None
    steps = document.get("step", [])
    if not isinstance(steps, list):
        raise RuleError(f"{place}: step", f"found {steps!r}", "expected a list of tables")
    thresholds = tuple(_number(step, "stated", place) for step in steps)
    values = tuple(_number(step, "right", place) for step in steps)
    for name, numbers in (("stated", thresholds), ("right", values)):
        if not _rises(numbers):
            raise RuleError(f"{place}: step.{name}", f"found {list(numbers)}", "expected numbers that never fall")
    source = document.get("source", "")
    if not isinstance(source, str):
        raise RuleError(f"{place}: source", f"found {source!r}", "expected text")
    counted = document.get("counted", [])
    if not isinstance(counted, list):
        raise RuleError(f"{place}: counted", f"found {counted!r}", "expected a list of tables")
    return Calibration(thresholds, values, source, tuple(_counted(entry, place) for entry in counted))


def _counted(entry: object, place: str) -> Counted:
    count = entry.get("incidents") if isinstance(entry, dict) else None
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise RuleError(f"{place}: counted.incidents", f"found {count!r}", "expected a whole number, 1 or more")
    stated, right = (_number(entry, key, place, "counted") for key in ("stated", "right"))
    return Counted(stated, right, count)


def _rises(numbers: Sequence[float]) -> bool:
    return all(earlier <= later for earlier, later in pairwise(numbers))


def _number(entry: object, key: str, place: str, table: str = "step") -> float:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise RuleError(f"{place}: {table}.{key}", f"found {value!r}", "expected a number from 0 to 1")
    return float(value)
