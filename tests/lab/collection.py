"""The incidents that the repository keeps in `pcaps/`: which scenario, on which topology, with which seed."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

from tests.lab.errors import RecordingRefused
from tests.lab.recording import ROOT, check_environment, termination_raises
from tests.lab.thin import profile_named, thin

_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """One recorded incident of the repository."""

    scenario: str
    topology: str
    seed: int
    names: str = "random"
    variant: str = ""

    @property
    def folder(self) -> str:
        """The folder is named after what happened."""
        return self.scenario + (f"-{self.variant}" if self.variant else "")

    def arguments(self, output: Path) -> list[str]:
        """The command line that records it."""
        return ["record", self.scenario, "--topology", self.topology, "--seed", str(self.seed), "--names", self.names,
                "--output", str(output / self.folder)]


KEPT: tuple[Kept, ...] = (
    Kept("customer-edge-crash", "single-homed", 11, "generic"),
    Kept("customer-edge-hang", "dual-homed", 12),
    Kept("customer-lan-cut", "carrier-and-vpc", 13),
    Kept("customer-lan-overload", "single-homed", 14),
    Kept("customer-shuts-access-port", "single-homed", 15),
    Kept("customer-shuts-access-port-with-consent", "carrier-and-vpc", 16),
    Kept("customer-firewall-drops-silently", "firewalled-campus", 17),
    Kept("carrier-down", "carrier-and-vpc", 18),
    Kept("provider-core-router-crash", "single-homed", 19),
    Kept("provider-core-link-cut", "carrier-and-vpc", 20),
    Kept("provider-gray-loss", "single-homed", 21),
    Kept("provider-bgp-daemon-dies", "carrier-and-vpc", 22),
    Kept("provider-null-route", "firewalled-campus", 23),
    Kept("suspension-after-late-payment", "carrier-and-vpc", 24),
    Kept("suspension-although-paid", "single-homed", 25),
    Kept("healthy-hour", "dual-homed", 26),
)


THINNED: tuple[tuple[str, str], ...] = (
    ("customer-edge-crash", "end-to-end-only"),
    ("provider-gray-loss", "end-to-end-only"),
    ("carrier-down", "self-serving"),
    ("customer-firewall-drops-silently", "self-serving"),
    ("provider-core-router-crash", "self-serving"),
    ("provider-null-route", "self-serving"),
)
"""Kept incidents with evidence taken away, down to where an honest answer is undetermined."""


def thin_kept(output: Path, only: str = "") -> None:
    """Derive the thinned bundles of the repository from the full ones."""
    for folder, profile in THINNED:
        if only in folder and (output / folder).exists():
            thin(output / folder, profile_named(profile), output / f"{folder}-{profile}")


def run_side_by_side(commands: list[list[str]], jobs: int) -> list[int]:
    """Run laboratory commands as processes, so many at a time; the exit status of each."""
    check_environment()
    statuses: dict[int, int] = {}
    waiting = [(number, command, 1) for number, command in enumerate(commands)]
    running: dict[subprocess.Popen[bytes], tuple[int, list[str], int]] = {}
    with termination_raises():
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    number, command, attempt = waiting.pop(0)
                    process = subprocess.Popen([sys.executable, "-m", "tests.lab", *command], cwd=ROOT)
                    running[process] = (number, command, attempt)
                time.sleep(0.5)
                for process in [process for process in running if process.poll() is not None]:
                    number, command, attempt = running.pop(process)
                    if process.returncode == RecordingRefused.exit_status and attempt < _ATTEMPTS:
                        waiting.append((number, command, attempt + 1))
                    else:
                        statuses[number] = process.returncode
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()
    return [statuses[number] for number in range(len(commands))]


def record_kept(kept: list[Kept], output: Path, jobs: int) -> None:
    """Record incidents of the repository anew."""
    statuses = run_side_by_side([item.arguments(output.resolve()) for item in kept], jobs)
    failed = [item.folder for item, status in zip(kept, statuses, strict=True) if status]
    if failed:
        raise RecordingRefused(f"not recorded: {', '.join(failed)}; expected every scenario to show its effect")
    thin_kept(output)
    click.echo(f"{len(kept)} incidents recorded into {output}", err=True)
