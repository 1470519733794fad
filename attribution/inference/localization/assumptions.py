"""What the localizer believes before it has seen a measurement, as the rule file says."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from attribution.errors import RuleError

RULES = "localization.toml"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Chances and loss rates; each is explained, with its source, in the rule file.

    `element_failing` and `device_failing` are probabilities, `shares` the shares of a failing device's elements that
    lose packets, `lowest_rate` and `highest_rate` bound a failing element's loss ratio, of which `steps` are tried,
    `healthy_rate` is the loss ratio that healthy elements have where the measurements do not tell.
    """

    element_failing: float
    device_failing: float
    shares: tuple[float, ...]
    lowest_rate: float
    highest_rate: float
    steps: int
    healthy_rate: float

    def __post_init__(self) -> None:
        ratios = (self.element_failing, self.device_failing, *self.shares, self.healthy_rate)
        ordered = 0 < self.healthy_rate < self.lowest_rate < self.highest_rate < 1
        if not all(0 < ratio < 1 for ratio in ratios) or not ordered or self.steps < 2 or not self.shares:
            raise RuleError(RULES, f"found {self}", "expected ratios, healthy below failing, 2 steps or more")


@cache
def load_assumptions() -> Assumptions:
    """The program's own table. Raises RuleError where it is inconsistent."""
    text = files("attribution.rules").joinpath(RULES).read_text(encoding="utf-8")
    try:
        return _assumptions(tomllib.loads(text))
    except (KeyError, TypeError, ValueError) as problem:
        raise RuleError(RULES, f"found {problem!r}", "expected what its head explains") from None


def _assumptions(rules: dict[str, Any]) -> Assumptions:
    return Assumptions(
        element_failing=float(rules["element"]["failing"]),
        device_failing=float(rules["device"]["failing"]),
        shares=tuple(float(share) for share in rules["device"]["shares"]),
        lowest_rate=float(rules["rates"]["lowest"]),
        highest_rate=float(rules["rates"]["highest"]),
        steps=int(rules["rates"]["steps"]),
        healthy_rate=float(rules["healthy"]["rate"]),
    )
