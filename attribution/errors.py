"""What can go wrong with an incident, each error saying where, what was found and what would have been right.

A message reads *where: what is wrong; what was expected*. None of these is a defect of the program: the command line
turns every one of them into one line on standard error and exit status 3.
"""

from __future__ import annotations


class AttributionError(Exception):
    """An input cannot be used: `place` is a file, with a line, key or frame where one is known."""

    def __init__(self, place: str, found: str, expected: str) -> None:
        super().__init__(f"{place}: {found}; {expected}")
        self.place = place
        self.found = found
        self.expected = expected

    def __reduce__(self) -> tuple[type[AttributionError], tuple[str, str, str]]:
        """An error of another process arrives as what it was."""
        return type(self), (self.place, self.found, self.expected)


class BundleError(AttributionError):
    """The incident's folder, archive or incident.yaml breaks the contract."""


class TopologyError(AttributionError):
    """The topology file cannot be read as a graph with sides."""


class EvidenceError(AttributionError):
    """A telemetry or record file does not hold what its type promises."""


class CaptureError(AttributionError):
    """A packet capture cannot be read at all (a truncated tail is a caveat, not an error)."""


class RuleError(AttributionError):
    """One of the program's own rule files (agreement, messages, likelihoods) is inconsistent."""
